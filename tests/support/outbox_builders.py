"""Builders for deliveries and their parts, stored deliveries, and recorders of outcomes."""

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.app.features import DELIVERY_KINDS
from bot.outbox import contents, outcomes
from bot.outbox.contents import DeliveryFactory
from bot.outbox.request_pacing import Pace
from storage import club, database, models, outbox
from tests.fake_discord import model

NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def message_payload(marker: str, text: str = "papers") -> str:
    """Return the JSON of a Components V2 message whose button contains the marker."""
    button = {"type": 2, "style": 1, "label": "More", "custom_id": f"{marker}more"}
    card = {"type": 17, "components": [{"type": 10, "content": text}, {"type": 1, "components": [button]}]}
    return json.dumps({"flags": 1 << 15, "components": [card]})


def new_delivery(
    key: str = "daily:1",
    channel_id: int | None = 7,
    now: datetime = NOW,
    *,
    parts: int = 1,
    kinds: tuple[models.PartKind, ...] = (),
    **fields: Any,
) -> models.NewDelivery:
    """Return a daily post with `parts` messages, or with parts of the given kinds.

    Each part has the text `KEY POSITION`.
    """
    new_parts = []
    for position, kind in enumerate(kinds or (models.PartKind.MESSAGE,) * parts):
        marker = contents.part_marker(key, position)
        payload = message_payload(marker, f"{key} {position}")
        if kind is models.PartKind.FORUM_POST:
            payload = json.dumps({"name": key, "message": json.loads(payload)})
        elif kind is models.PartKind.THREAD:
            payload = json.dumps({"name": key})
        elif kind is models.PartKind.CROSSPOST:
            payload = "{}"
        nonce = f"{key}/{position}"
        new_parts.append(models.NewPart(kind, payload, nonce, fallback="{plain}", marker=marker))
    defaults: dict[str, Any] = {
        "kind": models.DeliveryKind.DAILY,
        "locale": models.Locale.EN,
        "guild_id": model.GUILD_ID,
        "planned_at": now,
        "due_at": now,
        "expires_at": now + timedelta(hours=24),
        "parts": tuple(new_parts),
    }
    return models.NewDelivery(key=key, channel_id=channel_id, **defaults | fields)


def new_subscription(channel_id: int, **fields: Any) -> models.Subscription:
    """Return an active subscription that is not due before 2036."""
    defaults: dict[str, Any] = {"guild_id": model.GUILD_ID, "created_at": NOW, "last_on": date(2036, 1, 1)}
    return models.Subscription(channel_id=channel_id, **defaults | fields)


def new_club(id_: int, starts_at: datetime, **fields: Any) -> club.Club:
    """Return a club of this server in the channel of the same id: on Fridays at 17:00 (UTC), unless `fields` say else."""
    defaults: dict[str, Any] = {"channel_id": id_, "weekday": 5, "at_time": "17:00", "timezone": "UTC"}
    defaults |= {"locale": models.Locale.EN, "created_by": None}
    return club.Club(guild_id=id_, starts_at=starts_at, **defaults | fields)


def make_pace(clock: Callable[[], float] = time.monotonic, per_second: float = 1000.0) -> Pace:
    """Return a pace that is fast enough for tests."""
    return Pace(clock, random.Random(1), per_second)


def make_recorder(
    db: database.Database, deliveries: DeliveryFactory, **options: Any
) -> outcomes.OutcomeRecorder:
    return outcomes.OutcomeRecorder(db, deliveries, DELIVERY_KINDS, rng=random.Random(1), **options)


async def add(db: database.Database, *deliveries: models.NewDelivery) -> list[int]:
    return list((await db.write(outbox.add_all, deliveries)).values())


async def list_due(connection: AsyncConnection, now: datetime) -> list[outbox.DuePart]:
    """Return what may be sent to any destination at `now` (UTC)."""
    return await outbox.list_due(connection, now, limit=1000, exclude_channel_ids=(), with_webhooks=True)


async def list_due_nonces(db: database.Database, now: datetime = NOW) -> list[str]:
    return [due.part.nonce for due in await db.fetch(list_due, now)]


async def start_attempt(connection: AsyncConnection, now: datetime = NOW) -> models.Part:
    """Start an attempt to send the first due part."""
    part = (await list_due(connection, now))[0].part
    assert set(await outbox.mark_sending(connection, [part.id], now, term=0)) == {part.id}
    return part


async def stop(
    connection: AsyncConnection,
    part_id: int,
    reason: str = models.Reason.NO_HISTORY,
    now: datetime = NOW,
    *,
    term: int = 0,
    alone: bool = False,
) -> bool:
    """Stop the delivery of a part, or with `alone` the part."""
    options: dict[str, Any] = {"unknown_since": None, "error_code": None, "term": term, "alone": alone}
    return await outbox.stop_part(connection, part_id, reason=reason, now=now, **options)


async def stop_uncertain(connection: AsyncConnection, part: models.Part, now: datetime = NOW) -> None:
    """Stop the delivery of a part that an attempt by this process may have sent."""
    await stop(connection, part.id, now=now)


async def retry(
    connection: AsyncConnection, part_id: int, at: datetime, *, unknown_since: datetime | None, term: int = 0
) -> bool:
    """Store that Discord failed an attempt of `term`, with the next one at `at`."""
    options: dict[str, Any] = {"error": models.Reason.DISCORD_TROUBLE, "error_code": 503, "is_refused": False}
    options |= {"next_attempt_at": at, "unknown_since": unknown_since, "term": term}
    return await outbox.mark_retry(connection, part_id, **options)
