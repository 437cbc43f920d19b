"""Builders for the tests of the outbox: deliveries, stored ones, the start of an attempt, a recorder of outcomes."""

from __future__ import annotations

import dataclasses
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.app.container import delivery_kinds
from bot.outbox import outcomes
from bot.outbox.contents import DeliveryFactory
from bot.outbox.pace import Pace
from storage import database, models, outbox

NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def new_delivery(key: str = "daily:1:2026-01-01", parts: int = 2, **changes: object) -> models.NewDelivery:
    delivery = models.NewDelivery(
        key=key,
        kind=models.DeliveryKind.DAILY,
        locale=models.Locale.EN,
        planned_at=NOW,
        due_at=NOW,
        expires_at=NOW + timedelta(hours=24),
        parts=tuple(
            models.NewPart(models.PartKind.MESSAGE, "{}", f"{key}/{n}", fallback="{plain}")
            for n in range(parts)
        ),
        channel_id=7,
        papers=("2502.02737",),
    )
    return replace(delivery, **changes)  # type: ignore[arg-type]


def new_part(**fields: Any) -> models.Part:
    """A stored part that is planned and was not attempted."""
    values: dict[str, Any] = dict.fromkeys(field.name for field in dataclasses.fields(models.Part))
    values |= {"id": 1, "delivery_id": 1, "position": 0, "kind": models.PartKind.MESSAGE, "nonce": "n"}
    values |= {"state": models.PartState.WAITING, "next_attempt_at": NOW}
    return models.Part(**values | fields)


def make_pace() -> Pace:
    """The pace of requests by the real clock, fast enough for a test."""
    return Pace(time.monotonic, random.Random(1), 1000.0)


def make_recorder(
    db: database.Database, deliveries: DeliveryFactory, **options: Any
) -> outcomes.OutcomeRecorder:
    """A recorder of outcomes for the kinds of delivery that the bot has."""
    return outcomes.OutcomeRecorder(db, deliveries, delivery_kinds(), rng=random.Random(1), **options)


async def add(db: database.Database, delivery: models.NewDelivery) -> int:
    async with db.transaction() as connection:
        delivery_id = await outbox.add(connection, delivery)
    assert delivery_id is not None
    return delivery_id


async def list_due_nonces(db: database.Database, now: datetime = NOW) -> list[str]:
    async with db.read() as connection:
        return [due.part.nonce for due in await outbox.list_due(connection, now)]


async def start_attempt(connection: AsyncConnection, now: datetime = NOW) -> models.Part:
    """Start an attempt at the first due part."""
    part = (await outbox.list_due(connection, now))[0].part
    assert set(await outbox.mark_sending(connection, [part.id], now)) == {part.id}
    return part
