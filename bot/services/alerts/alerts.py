"""The use cases around alerts: create, list, preview, snooze, resume, remove."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from bot import errors
from bot.clock import Clock
from bot.services.alerts import matcher
from storage import alerts, bulk, models, papers
from storage.database import Connection, Database
from storage.outbox import holds

MAX_ALERTS = 50
MAX_TEXT_LENGTH = 100
PREVIEW_DAYS = 30
PREVIEW_PAPER_LIMIT = 3000
PAPER_BATCH_SIZE = 200
SNOOZE_DURATION = timedelta(days=7)


class AlertPreview(NamedTuple):
    """Matches of the last PREVIEW_DAYS. `latest` are the latest three."""

    paper_count: int
    max_per_day: int
    latest: list[models.PaperRow]


class Alerts:
    """Creates and changes alerts. `user_id` restricts a method to that reader's own alerts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(
        self,
        *,
        user_id: int,
        kind: models.AlertKind,
        text: str,
        min_votes: int = 0,
        channel_id: int | None = None,
        guild_id: int | None = None,
    ) -> models.Alert:
        """Create an alert, sent by DM unless a channel is given.

        Raises UsageError if the text cannot match anything or the reader has MAX_ALERTS, DuplicateError for an equal one.
        """
        new_alert, trigger_term = self._validate(
            kind, text, min_votes, user_id=user_id, channel_id=channel_id, guild_id=guild_id
        )
        async with self._database.transaction() as connection:
            if await alerts.count_by_user(connection, user_id) >= MAX_ALERTS:
                raise errors.UsageError(
                    f"There are {MAX_ALERTS} alerts already, which is the most. Remove one first."
                )
            return await alerts.add(connection, new_alert, trigger_term)

    def _validate(
        self,
        kind: models.AlertKind,
        text: str,
        min_votes: int,
        *,
        user_id: int = 0,
        channel_id: int | None = None,
        guild_id: int | None = None,
    ) -> tuple[models.Alert, str]:
        """Return the alert, which is not stored yet, and its trigger term."""
        text = " ".join(text.replace("\0", "").split())
        if len(text) > MAX_TEXT_LENGTH:
            raise errors.UsageError(
                f"An alert's text may have {MAX_TEXT_LENGTH} characters; this one has {len(text)}."
            )
        if not 0 <= min_votes <= 1_000_000:
            raise errors.UsageError(f"Minimum votes is {min_votes}; it must be from 0 to 1000000.")
        trigger_term = matcher.trigger_term(kind, text)
        if trigger_term is None:
            raise errors.UsageError("An alert needs a word or a name, with at least one letter.")
        alert = models.Alert(
            id=0,
            user_id=user_id,
            kind=kind,
            text=text,
            key=matcher.alert_key(kind, text),
            created_at=self._clock(),
            min_votes=min_votes,
            channel_id=channel_id,
            guild_id=guild_id,
        )
        return alert, trigger_term

    async def list_rows(
        self, *, user_id: int | None = None, guild_id: int | None = None
    ) -> list[models.Alert]:
        """Return the alerts of a reader, of a server, or all."""
        async with self._database.read() as connection:
            return await alerts.list_rows(connection, user_id=user_id, guild_id=guild_id)

    async def list_in_channels(self, guild_id: int, channel_ids: Sequence[int]) -> list[models.Alert]:
        """Return the alerts that are sent to a server's channels, whoever made them."""
        async with self._database.read() as connection:
            return await alerts.list_in_channels(connection, guild_id, channel_ids)

    async def remove(self, alert_ids: Sequence[int], *, user_id: int | None = None) -> int:
        """Delete alerts. Returns their number."""
        async with self._database.transaction() as connection:
            return await _remove(connection, await self._list_own(connection, alert_ids, user_id))

    async def remove_all(self, *, user_id: int) -> int:
        """Delete all alerts of a reader. Returns their number."""
        async with self._database.transaction() as connection:
            return await _remove(connection, await alerts.list_rows(connection, user_id=user_id))

    async def snooze(
        self, alert_ids: Sequence[int], *, user_id: int | None = None, duration: timedelta = SNOOZE_DURATION
    ) -> int:
        """Suspend alerts for `duration`. Returns their number."""
        async with self._database.transaction() as connection:
            own = await self._list_own(connection, alert_ids, user_id)
            until_at = self._clock() + duration
            await alerts.pause(connection, [alert.id for alert in own], until_at=until_at)
            return len(own)

    async def resume(self, alert_ids: Sequence[int], *, user_id: int | None = None) -> int:
        """Resume snoozed or paused alerts; their paused deliveries are due at once. Returns their number."""
        now = self._clock()
        async with self._database.transaction() as connection:
            own = await self._list_own(connection, alert_ids, user_id)
            await alerts.set_state(connection, [alert.id for alert in own], models.ActivityState.ACTIVE)
            for dm_user_id in {alert.user_id for alert in own if alert.channel_id is None}:
                await holds.resume(connection, now, user_id=dm_user_id)
            for channel_id in {alert.channel_id for alert in own} - {None}:
                await holds.resume(connection, now, channel_id=channel_id)
            return len(own)

    async def _list_own(
        self, connection: Connection, alert_ids: Sequence[int], user_id: int | None
    ) -> list[models.Alert]:
        stored = [await alerts.get(connection, alert_id) for alert_id in alert_ids]
        return [alert for alert in stored if alert is not None and user_id in (None, alert.user_id)]

    async def preview(self, kind: models.AlertKind, text: str, min_votes: int = 0) -> AlertPreview:
        """Return the matches of such an alert in the last PREVIEW_DAYS. Raises UsageError as `add` does."""
        alert, _ = self._validate(kind, text, min_votes)
        async with self._database.read() as connection:
            since_on = (alert.created_at - timedelta(days=PREVIEW_DAYS)).date()
            recent = await papers.list_top(connection, since_on=since_on, limit=PREVIEW_PAPER_LIMIT)
            matching: list[models.PaperDetail] = []
            for batch in bulk.chunked(recent, PAPER_BATCH_SIZE):
                details = await papers.list_details(connection, [row.id for row in batch])
                matching += await asyncio.to_thread(_list_matching, alert, details)
            matching.sort(key=lambda paper: paper.last_on, reverse=True)
            per_day = Counter(paper.last_on for paper in matching)
            latest = await papers.list_rows(connection, [paper.id for paper in matching[:3]])
        return AlertPreview(len(matching), max(per_day.values(), default=0), latest)


async def _remove(connection: Connection, own: Sequence[models.Alert]) -> int:
    return await alerts.remove(connection, [alert.id for alert in own])


def _list_matching(alert: models.Alert, details: Sequence[models.PaperDetail]) -> list[models.PaperDetail]:
    return [paper for paper in details if matcher.match(alert, paper, matcher.keyword_text(paper))]
