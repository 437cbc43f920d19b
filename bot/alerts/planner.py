"""Matches new papers with all alerts and plans the messages that are due.

An ingest only queues papers for matching. Every minute, each recipient with due matches that have enough
votes gets one message. No recipient is notified of a paper twice.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

import structlog

from bot.core import clock, isolation, schedule
from bot.core.clock import Clock, TimeSlices
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory, DeliveryHandler, Owned
from bot.search import matcher
from bot.search.service import SearchService
from storage import accounts, alerts, models, outbox, papers
from storage.database import Connection, Database, chunked
from storage.errors import StorageError
from storage.models import AlertTiming

log = structlog.get_logger(__name__)


class AlertMatch(NamedTuple):
    """A paper, the reasons why it matches, and the ids of the recipient's matching alerts."""

    paper: contents.PostPaper
    reasons: tuple[matcher.AlertReason, ...]
    alert_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertPost:
    """The papers of one notification, best first. If `in_channel`, controls for a single reader are omitted.

    `digest_on` is the newest day of these papers. `more` is the number of matches that follow in later
    messages; with these, all became ready within `since_at` to `until_at` (UTC).
    """

    marker: str
    locale: models.Locale
    digest_on: date
    matches: tuple[AlertMatch, ...]
    in_channel: bool = False
    more: int = 0
    since_at: datetime = models.NEVER
    until_at: datetime = models.NEVER


async def _find_owned(
    connection: Connection, delivery: models.Delivery, pause_for: str | None
) -> list[Owned]:
    """Return one alert per owner, so that each owner is notified once if a channel refuses messages.

    The alerts are not paused: papers of an expired message move to the recipient's next message.
    """
    if delivery.is_direct or pause_for is not None:
        return []
    in_channel = await alerts.list_rows(connection, channel_id=delivery.channel_id)
    by_owner = {alert.user_id: alert for alert in in_channel if not alert.paused}
    return [
        Owned(
            name=f"a{alert.id}",
            guild_id=alert.guild_id,
            channel_id=alert.channel_id,
            user_id=alert.user_id,
            alert_id=alert.id,
        )
        for alert in by_owner.values()
    ]


ALERT: DeliveryHandler[AlertPost] = DeliveryHandler(
    kind=models.DeliveryKind.ALERT,
    priority=models.Priority.NOTIFICATION,
    render=lambda renderer, post: renderer.render_alert(post),
    find_owned=_find_owned,
)

GATHERING_TIME = timedelta(minutes=3)
"""An immediate alert waits this long to collect further matches in the same message."""
GROUP_SIZE = 50
"""The number of papers loaded and matched at a time."""
RECIPIENTS_AT_ONCE = 200
"""The number of recipients planned in one transaction."""
MAX_SHOWN = 25
"""The maximum number of papers in a message: five in full, the rest in a menu. Others follow in the next message."""
MayAlert = Callable[[models.Alert], Awaitable[bool]]
"""Returns whether the owner of a channel's alert may still manage messages there; true if Discord does not say."""


async def _may_alert(alert: models.Alert) -> bool:
    return True


def last_slot(alert: models.AlertSchedule, now: datetime) -> datetime:
    """Return the last time an alert was due (UTC). Matches that were ready by then can be sent at `now`."""
    if alert.timing is AlertTiming.AT_ONCE:
        return now - GATHERING_TIME
    days = (alert.weekday,) if alert.timing is AlertTiming.WEEKLY else schedule.EVERY_DAY
    at, zone = schedule.parse_time(alert.at_time), clock.stored_zone(alert.timezone)
    return schedule.last_due(now, schedule.Rule(at, zone, days)).at


class Destination(NamedTuple):
    """The language for an alert's recipient, and the DM channel if known."""

    locale: models.Locale
    dm_channel_id: int | None = None


class AlertPlanner:
    """Matches queued papers with all alerts and plans the messages that are due.

    Matches are checked again when due, since the alert or the paper may have changed.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        deliveries: DeliveryFactory,
        search: SearchService,
        *,
        default_locale: models.Locale = models.Locale.EN,
        may_alert: MayAlert = _may_alert,
    ) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries
        self._search = search
        self._may_alert = may_alert
        self._default_locale = default_locale
        self._index = matcher.AlertIndex(database, search)

    async def tick(self, on_planned: Callable[[], None] = lambda: None) -> None:
        """Run `drain` and log any error, so that a database outage does not end the loop."""
        with isolation.isolated(log, "planning alerts failed; will retry"):
            await self.drain(on_planned=on_planned)

    async def drain(self, *, on_planned: Callable[[], None] = lambda: None) -> None:
        """Match queued papers, then plan the messages that are due now."""
        while await self._match_papers():
            pass
        now = self._clock()
        async with self._database.transaction() as connection:
            await alerts.release_unsent(connection, now)
            await alerts.mark_ready(connection, now)
            schedules = await alerts.list_schedules(connection)
            last = {row: last_slot(row, now) for row in schedules}
            until = {row: last[row] for row, first_at in schedules.items() if first_at <= last[row]}
            ready = await alerts.list_ready(connection, until)
        # A message that is sent anyway also takes matches that would be due within minutes.
        until |= {row: now for row in schedules if row.timing is AlertTiming.AT_ONCE}
        for recipients in chunked(dict.fromkeys(match.recipient for match in ready), RECIPIENTS_AT_ONCE):
            if await self._plan_messages(set(recipients), until, now):
                on_planned()

    async def _match_papers(self) -> bool:
        """Match a batch of queued papers and store the matches. Returns False if no papers were queued."""
        async with self._database.read() as connection:
            added_at = await alerts.list_unmatched(connection, GROUP_SIZE)
            details = await papers.list_details(connection, list(added_at)) if added_at else []
        if not added_at:
            return False
        prepared = await asyncio.to_thread(matcher.prepare, details)
        pairs = await self._index.find(prepared)
        now = self._clock()
        async with self._database.transaction() as connection:
            await alerts.lock_planning(connection)
            rows = await alerts.list_rows(connection, ids={id_ for id_, _ in pairs}, paused=False)
            active = {row.id: row for row in rows}
            told = await alerts.list_told(connection, map(alerts.recipient_name, rows), added_at)
            new = [
                models.Match(alerts.recipient_name(active[alert_id]), paper.id, alert_id, now)
                for alert_id, paper in pairs
                # Ignore papers that arrived before the alert was created.
                if alert_id in active and active[alert_id].created_at <= added_at[paper.id]
            ]
            new = [match for match in new if (match.recipient, match.paper_id) not in told]
            await alerts.add_matches(connection, new)
            await alerts.remove_unmatched(connection, added_at)
        return True

    async def _plan_messages(
        self, recipients: set[str], until: Mapping[models.AlertSchedule, datetime], now: datetime
    ) -> bool:
        """Render and plan messages for some recipients. Returns whether any message was planned.

        A recipient whose matches change during rendering is retried a minute later.
        """
        async with self._database.read() as connection:
            ready = await alerts.list_ready(connection, until, recipients)
            rows = await alerts.list_rows(connection, ids={match.alert_id for match in ready})
            resting = await _list_resting(connection, rows, now)
            due = [match for match in ready if match.alert_id not in resting]
            details = await papers.list_details(connection, list({match.paper_id for match in due}))
            queries = await matcher.read_alerts(self._search, rows)
            destinations = await self._resolve(connection, rows)
        in_channels = [row for row in rows if row.channel_id is not None]
        rights = zip(in_channels, await asyncio.gather(*map(self._may_alert, in_channels)), strict=True)
        ended = {row.id for row, may_alert in rights if not may_alert}
        prepared = {paper.detail.id: paper for paper in await asyncio.to_thread(matcher.prepare, details)}
        grouped: dict[tuple[str, int], list[models.Match]] = defaultdict(list)
        for match in due:
            if match.alert_id not in ended:
                grouped[match.recipient, match.paper_id].append(match)
        described: dict[str, list[AlertMatch]] = defaultdict(list)
        unmatched: list[models.Match] = []
        slices = TimeSlices()
        for (recipient, paper_id), matches in grouped.items():
            if paper_id in prepared:
                # A paper or alert that triggers a bug must not block the others.
                with isolation.isolated(log, matcher.NOT_COMPARED, paper=paper_id, recipient=recipient):
                    locale = destinations[matches[0].alert_id].locale
                    if description := _describe(matches, prepared[paper_id], queries, locale):
                        described[recipient].append(description)
                    else:
                        unmatched += matches
            await slices.pause()
        active = {row.id: row for row in rows}
        built: dict[str, models.NewDelivery] = {}
        for recipient, shown in described.items():
            shown.sort(key=lambda one: (*models.votes_descending(one.paper.votes), one.paper.arxiv_id))
            # If a message fails to render, it is retried in a minute.
            with isolation.isolated(log, "alert rendering failed", reraise=(StorageError,), to=recipient):
                ready_at = [match.ready_at or now for match in due if match.recipient == recipient]
                built[recipient] = self._build(recipient, shown, ready_at, active, destinations, now)
            await slices.pause()
        ids_by_arxiv = {row.arxiv_id: row.id for row in details}
        async with self._database.transaction() as connection:
            await alerts.lock_planning(connection)
            still = set(await alerts.list_ready(connection, until, recipients))
            changed = {match.recipient for match in {*ready} ^ still}
            built = {name: new for name, new in built.items() if name not in changed}
            ids = await outbox.add_all(connection, list(built.values()))
            deliveries = {
                (name, ids_by_arxiv[match.paper.arxiv_id]): ids[new.key]
                for name, new in built.items()
                if new.key in ids
                for match in described[name][:MAX_SHOWN]
            }
            await alerts.mark_told(connection, deliveries)
            for alert_id in ended:
                await alerts.set_paused(connection, alert_id, paused=True)
            await alerts.remove_matches(
                connection, [match for match in unmatched if match.recipient not in changed]
            )
        if ids:
            log.info("alerts planned", count=len(ids))
        return bool(ids)

    def _build(
        self,
        recipient: str,
        matches: Sequence[AlertMatch],
        ready_at: Sequence[datetime],
        active: Mapping[int, models.Alert],
        destinations: Mapping[int, Destination],
        now: datetime,
    ) -> models.NewDelivery:
        """Return the rendered message for a recipient. `active` maps ids to alerts, `ready_at` has the matches' times."""
        alert_ids = {alert_id for match in matches for alert_id in match.alert_ids}
        alert = active[min(alert_ids)]
        locale, dm_channel_id = destinations[alert.id]
        shown, in_channel = tuple(matches[:MAX_SHOWN]), alert.channel_id is not None
        post = AlertPost(
            marker=_marker(recipient, shown),
            locale=locale,
            digest_on=max(match.paper.date for match in shown),
            matches=shown,
            in_channel=in_channel,
            more=len(matches) - len(shown),
            since_at=min(ready_at),
            until_at=max(ready_at),
        )
        return self._deliveries.build_post(
            ALERT,
            post,
            now,
            key=f"alert:{recipient}:{now:%Y%m%d%H%M%S}:{matches[0].paper.arxiv_id}",
            user_id=None if in_channel else alert.user_id,
            guild_id=alert.guild_id if in_channel else None,
            channel_id=alert.channel_id or dm_channel_id,
            digest_on=post.digest_on,
            papers=tuple(match.paper.arxiv_id for match in shown),
        )

    async def _resolve(self, connection: Connection, of: Collection[models.Alert]) -> dict[int, Destination]:
        """Return each alert's destination, keyed by alert id."""
        readers = await accounts.list_readers_by_id(
            connection, [row.user_id for row in of if row.channel_id is None]
        )
        guilds = await accounts.list_guilds_by_id(connection, [row.guild_id for row in of if row.guild_id])
        destinations = {}
        for alert in of:
            reader = readers.get(alert.user_id) if alert.channel_id is None else None
            guild = guilds.get(alert.guild_id or 0) if alert.channel_id is not None else None
            locale = (reader and reader.locale) or (guild and guild.locale) or self._default_locale
            destinations[alert.id] = Destination(locale, reader.dm_channel_id if reader else None)
        return destinations


async def _list_resting(connection: Connection, of: Iterable[models.Alert], now: datetime) -> set[int]:
    """Return the ids of alerts that reached their message limit in the last 24 hours."""
    capped = {row.id: row.max_a_day for row in of if row.max_a_day and row.timing is AlertTiming.AT_ONCE}
    counts = await alerts.count_messages(connection, capped, now - schedule.DAY)
    return {id_ for id_, count in counts.items() if count >= capped[id_]}


def _describe(
    own: Sequence[models.Match],
    paper: matcher.PreparedPaper,
    queries: Mapping[int, matcher.AlertQuery],
    locale: models.Locale,
) -> AlertMatch | None:
    """Return a paper with the reasons for the match and a quoted sentence; None if it no longer matches."""
    matching = [
        match for match in own if match.alert_id in queries and matcher.match(queries[match.alert_id], paper)
    ]
    if not matching:
        return None
    reasons = matcher.match_all([queries[match.alert_id] for match in matching], paper)
    in_text = [
        form for reason in reasons if reason.found_in is matcher.MatchField.TEXT for form in reason.forms
    ]
    shown = replace(
        contents.build_post_paper(paper.detail, locale),
        quoted=matcher.find_sentence(paper.detail, in_text, locale),
    )
    return AlertMatch(shown, reasons, tuple(match.alert_id for match in matching))


def _marker(recipient: str, matches: Iterable[AlertMatch]) -> str:
    """Return the marker of a message, which depends only on the recipient and the papers."""
    arxiv_id = min(match.paper.arxiv_id for match in matches)
    return f"alert:{recipient}:{re.sub('[^0-9A-Za-z-]', '_', arxiv_id)}"
