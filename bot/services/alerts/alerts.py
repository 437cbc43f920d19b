"""The use cases around alerts: create, change, list, preview, snooze, resume, remove."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from bot import errors
from bot.clock import Clock
from bot.services.alerts import matcher, recent_papers, timing, translations, validation
from bot.services.indexing import glossary_service
from bot.services.posts import contents
from bot.text.people import institutions
from storage import alerts, models, papers
from storage.database import Connection, Database
from storage.outbox import alert_matches, holds

MAX_ALERTS = 50
PREVIEW_DAYS = 30
INSTITUTIONS_CACHE_SECONDS = 600.0
INSTITUTION_DAYS = 365
"""Days of papers whose institutions are offered."""
SNOOZE_DURATION = timedelta(days=7)
FEWER_MIN_VOTES = 10
"""Votes that an alert without a minimum asks for once fewer of its papers are wanted."""


class AlertPreview(NamedTuple):
    """Matches of the last PREVIEW_DAYS. `latest` are the latest three, `existing` is an equal alert of the reader."""

    paper_count: int
    max_per_day: int
    latest: list[models.PaperRow]
    existing: models.Alert | None = None


class Alerts:
    """Creates and changes alerts. `user_id` restricts a method to that reader's own alerts."""

    def __init__(
        self, database: Database, clock: Clock, glossary: glossary_service.GlossaryService | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._institutions: tuple[float, dict[str, int]] | None = None
        self._recent_papers = recent_papers.RecentPapers()
        self._glossary = glossary or glossary_service.GlossaryService(database, clock)

    async def add(self, draft: models.Alert) -> models.Alert:
        """Create the alert of a draft, sent by DM unless the draft has a channel.

        Raises UsageError if it cannot match anything or the reader has MAX_ALERTS, DuplicateError for an equal one.
        """
        new = replace(await self._check(draft), created_at=self._clock())
        async with self._database.transaction() as connection:
            await alerts.lock_reader(connection, new.user_id)
            if await alerts.count_by_user(connection, new.user_id) >= MAX_ALERTS:
                raise errors.UsageError(
                    f"There are {MAX_ALERTS} alerts already, which is the most. Remove one first.",
                    "too-many",
                    most=MAX_ALERTS,
                )
            return await alerts.add(connection, new, matcher.alert_terms(new))

    async def change(self, alert_id: int, draft: models.Alert, *, user_id: int | None = None) -> models.Alert:
        """Replace what an alert matches, where and when it is sent; whether it is paused stays. Raises as `add` does.

        UsageError too if the alert is gone or another reader's.
        """
        checked = await self._check(draft)
        async with self._database.transaction() as connection:
            own = await self._list_own(connection, [alert_id], user_id)
            if not own:
                raise errors.UsageError(f"There is no alert {alert_id} any more. Make a new one.", "gone")
            stored = own[0]
            await alerts.lock_reader(connection, stored.user_id)
            changed = replace(
                checked,
                id=stored.id,
                user_id=stored.user_id,
                created_at=stored.created_at,
                state=stored.state,
                reason=stored.reason,
                paused_until_at=stored.paused_until_at,
            )
            changed = await alerts.change(connection, changed, matcher.alert_terms(changed))
            await alert_matches.reschedule(
                connection,
                changed.id,
                recipient=alert_matches.recipient_name(changed.user_id, changed.channel_id),
                due_at=timing.due_at(changed, self._clock()),
            )
            return changed

    async def _check(self, draft: models.Alert) -> models.Alert:
        """Return a draft in normal form with its forms in the other language. Raises UsageError."""
        checked = await asyncio.to_thread(validation.validate, draft)
        if not checked.translations:
            return replace(checked, forms=())
        async with self._database.read() as connection:
            glossary = await self._glossary.get_current(connection)
        return replace(checked, forms=await asyncio.to_thread(translations.list_forms, glossary, checked))

    async def list_institutions(self, prefix: str, *, limit: int = 25) -> list[str]:
        """Return institutions whose name in either language begins with `prefix`, those of most recent papers first."""
        now = asyncio.get_running_loop().time()
        if self._institutions is None or now - self._institutions[0] > INSTITUTIONS_CACHE_SECONDS:
            async with self._database.read() as connection:
                since_on = (self._clock() - timedelta(days=INSTITUTION_DAYS)).date()
                self._institutions = now, await papers.count_institutions(connection, since_on=since_on)
        names = await asyncio.to_thread(institutions.complete, prefix[:100], self._institutions[1])
        return names[:limit]

    async def list_rows(
        self, *, user_id: int | None = None, guild_id: int | None = None
    ) -> list[models.Alert]:
        """Return the alerts of a server, all, or a reader's, of these without those for one paper whose message was sent."""
        async with self._database.read() as connection:
            rows = await alerts.list_rows(connection, user_id=user_id, guild_id=guild_id)
            if user_id is None or all(row.terms[0].kind is not models.AlertKind.PAPER for row in rows):
                return rows
            answered = set(await alert_matches.list_answered(connection, len(rows), user_id=user_id))
            return [row for row in rows if row.id not in answered]

    async def list_in_channels(self, guild_id: int, channel_ids: Sequence[int]) -> list[models.Alert]:
        """Return the alerts that are sent to a server's channels, whoever made them."""
        async with self._database.read() as connection:
            return await alerts.list_in_channels(connection, guild_id, channel_ids)

    async def remove(self, alert_ids: Sequence[int], *, user_id: int | None = None) -> int:
        """Delete alerts. Returns their number."""
        async with self._database.transaction() as connection:
            return await alerts.remove(connection, alert_ids, user_id=user_id)

    async def remove_all(self, *, user_id: int) -> int:
        """Delete all alerts of a reader. Returns their number."""
        async with self._database.transaction() as connection:
            own = await alerts.list_rows(connection, user_id=user_id)
            return await alerts.remove(connection, [alert.id for alert in own])

    async def snooze(
        self, alert_ids: Sequence[int], *, user_id: int | None = None, duration: timedelta = SNOOZE_DURATION
    ) -> int:
        """Suspend alerts for `duration`. Returns their number."""
        async with self._database.transaction() as connection:
            own = await self._list_own(connection, alert_ids, user_id)
            until_at = self._clock() + duration
            await alerts.pause(connection, [alert.id for alert in own], until_at=until_at)
            return len(own)

    async def pause(self, alert_ids: Sequence[int], *, user_id: int | None = None) -> int:
        """Suspend alerts until they are resumed. Returns their number."""
        async with self._database.transaction() as connection:
            own = await self._list_own(connection, alert_ids, user_id)
            paused, reason = models.ActivityState.PAUSED, contents.Reason.BY_HAND
            await alerts.set_state(connection, [alert.id for alert in own], paused, reason=reason)
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

    async def explain(
        self, paper: models.PaperDetail, *, user_id: int | None = None, channel_id: int | None = None
    ) -> list[tuple[models.Alert, tuple[contents.AlertReason, ...]]]:
        """Return the alerts of a channel, or of a reader by DM, that a paper matches, with the reasons; not by its votes."""
        async with self._database.read() as connection:
            rows = await alerts.list_rows(connection, user_id=user_id, channel_id=channel_id)
        text = await asyncio.to_thread(matcher.keyword_text, paper)
        matched = [
            (alert, matcher.match(alert, paper, text)) for alert in rows if alert.channel_id == channel_id
        ]
        return [(alert, reasons) for alert, reasons in matched if reasons]

    async def send_fewer(self, alert: models.Alert) -> models.Alert:
        """Halve the papers in a message of a gathered alert; else raise the votes that it asks for. Raises as `change` does.

        A message sent at once has few papers anyway, so fewer in it would be no relief.
        """
        if alert.timing is not models.AlertTiming.AT_ONCE and alert.max_papers > 1:
            fewer = replace(alert, max_papers=alert.max_papers // 2)
        else:
            fewer = replace(
                alert, min_votes=min(max(FEWER_MIN_VOTES, 2 * alert.min_votes), validation.MAX_VOTES)
            )
        return await self.change(alert.id, fewer, user_id=alert.user_id)

    async def preview(self, draft: models.Alert) -> AlertPreview:
        """Return the matches of such an alert in the last PREVIEW_DAYS. Raises UsageError as `add` does."""
        alert = await self._check(draft)
        async with self._database.read() as connection:
            existing = await alerts.find_equal(connection, alert)
            since_on = (self._clock() - timedelta(days=PREVIEW_DAYS)).date()
            matching = await self._recent_papers.list_matching(connection, alert, since_on)
            per_day = Counter(last_on for _, last_on in matching)
            latest = await papers.list_rows(connection, [paper_id for paper_id, _ in matching[:3]])
        return AlertPreview(len(matching), max(per_day.values(), default=0), latest, existing)
