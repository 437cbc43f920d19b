"""Matches new papers with all alerts and plans the messages that are due.

An ingest only queues papers for matching. Every minute, each recipient with due matches that have enough
votes gets one message. No recipient is notified of a paper twice.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple, assert_never

import structlog

from bot.archive.digest_writer import MAX_POSTED_PAPERS
from bot.core import isolation, schedule
from bot.core.clock import Clock, TimeSlices
from bot.core.retries import Retries
from bot.outbox import contents, outcomes
from bot.outbox.contents import DeliveryFactory, DeliveryHandler, NoticeRecipient
from bot.papers import post_papers
from bot.rendering import discord_text
from bot.search import alert_matcher
from bot.search.service import SearchService
from storage import accounts, alerts, models, outbox, papers
from storage.alerts import OwnerRight
from storage.database import Connection, Database
from storage.errors import StorageError
from storage.models import AlertTiming
from storage.snapshot import chunked

log = structlog.get_logger(__name__)


class AlertMatch(NamedTuple):
    """A paper, the reasons why it matches, and the ids of the recipient's matching alerts."""

    paper: post_papers.PostPaper
    reasons: tuple[alert_matcher.AlertReason, ...]
    alert_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AlertPost:
    """The papers of one notification, best first. If `in_channel`, controls for a single reader are omitted.

    `digest_on` is the newest day of these papers. `more` is the number of matches that follow in later
    messages or, if not `has_next`, in none; with these, all became ready within `since_at` to `until_at` (UTC).
    """

    marker: str
    locale: models.Locale
    digest_on: date
    matches: tuple[AlertMatch, ...]
    in_channel: bool
    more: int
    since_at: datetime
    until_at: datetime
    has_next: bool = True


async def _find_recipients(
    connection: Connection, delivery: models.Delivery, pause_for: str | None
) -> list[NoticeRecipient]:
    """Return one alert per owner, so that each owner is notified once if a channel refuses messages.

    The alerts are not paused: papers of an expired message move to the recipient's next message.
    """
    if delivery.is_direct or pause_for is not None:
        return []
    in_channel = await alerts.list_rows(connection, channel_id=delivery.channel_id)
    by_owner = {alert.user_id: alert for alert in in_channel if not alert.paused}
    return [
        NoticeRecipient(
            name=f"a{alert.id}",
            guild_id=alert.guild_id,
            channel_id=alert.channel_id,
            user_id=alert.user_id,
            alert_id=alert.id,
        )
        for alert in by_owner.values()
    ]


ALERT = DeliveryHandler(
    kind=models.DeliveryKind.ALERT, priority=models.Priority.NOTIFICATION, find_recipients=_find_recipients
)

GATHERING_TIME = timedelta(minutes=3)
"""An immediate alert waits this long to collect further matches in the same message."""
GROUP_SIZE = 50
"""The number of papers loaded and matched at a time."""
RECIPIENTS_AT_ONCE = 200
"""The number of recipients planned in one transaction."""
MAX_SHOWN = 25
"""The maximum number of papers in a message: five in full, the rest in a menu. Others follow in the next message.

Of more than MAX_POSTED_PAPERS, as on a venue's day, one message has the first ones and the number, and no other follows.
"""
CHECK_VALID_FOR = timedelta(minutes=10)
"""How long a check of an owner's right is valid."""
RIGHT_MISSING = timedelta(days=1)
"""How long its owner's right must be missing, at all checks, before an alert is paused."""
RESUMES_WITHIN = timedelta(days=30)
"""How long after a pause a right that is back resumes the alert."""
MAX_NAMES_LENGTH = 200
"""The maximum length of the alerts' names in a notice."""
FindRight = Callable[[models.Alert], Awaitable[OwnerRight]]
"""Asks Discord whether the owner of a channel's alert may still manage messages there."""


class RightCheck(NamedTuple):
    """Discord's answer about an owner's right in a channel, and when it was given (UTC)."""

    right: OwnerRight
    checked_at: datetime


def _judge(stored: models.Alert, right: OwnerRight, checked_at: datetime) -> tuple[datetime | None, bool]:
    """Return since when an alert's owner lacks the right (None: has it), and whether the alert is paused, after a check."""
    lost_at = stored.right_lost_at
    match right:
        case OwnerRight.UNKNOWN:
            return lost_at, stored.paused
        case OwnerRight.GRANTED:
            return None, stored.paused and lost_at is None
        case OwnerRight.MISSING | OwnerRight.LEFT:
            lost_at = lost_at or checked_at
            return lost_at, stored.paused or checked_at - lost_at >= RIGHT_MISSING
        case _:
            assert_never(right)


def last_slot(alert: models.AlertSchedule, now: datetime, gathering: timedelta = GATHERING_TIME) -> datetime:
    """Return the last time an alert was due (UTC). Matches that were ready by then can be sent at `now`."""
    if alert.timing is AlertTiming.AT_ONCE:
        return now - gathering
    days = (alert.weekday,) if alert.timing is AlertTiming.WEEKLY else schedule.EVERY_DAY
    return schedule.last_due(now, schedule.rule_of(alert.at_time, alert.timezone, days)).at


class Destination(NamedTuple):
    locale: models.Locale
    dm_channel_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What is needed for the messages of some recipients: alerts, papers and destinations (of alerts) by id.

    `due` are the `ready` matches that may be sent now; `uncompared` are the papers, by recipient, of others that a message
    only counts.
    """

    ready: list[alerts.Match]
    due: list[alerts.Match]
    uncompared: Mapping[str, Collection[int]]
    alerts: Mapping[int, models.Alert]
    papers: Mapping[int, models.PaperDetail]
    destinations: Mapping[int, Destination]


class _Message(NamedTuple):
    """A rendered message for a recipient, and the ids of the papers in it."""

    recipient: str
    delivery: models.NewDelivery
    paper_ids: Sequence[int]


@dataclass(eq=False)
class AlertPlanner:
    """Matches queued papers with all alerts and plans the messages that are due.

    Matches are checked again when due, since the alert or the paper may have changed.
    """

    _database: Database
    _clock: Clock
    _deliveries: DeliveryFactory
    _search: SearchService
    default_locale: models.Locale
    find_right: FindRight
    _checks: dict[tuple[int, int | None], RightCheck] = field(default_factory=dict, init=False)
    """The last checks of owners' rights, by owner and channel."""

    def __post_init__(self) -> None:
        self._queries = alert_matcher.AlertQueries(self._database, self._search)
        self._retries = Retries(log)

    async def tick(self, on_planned: Callable[[], None] = lambda: None) -> None:
        """Run `drain` and log any error, so that a database outage does not end the loop."""
        with isolation.isolated(log, "planning alerts failed; will retry"):
            await self.drain(on_planned=on_planned)

    async def drain(
        self, *, on_planned: Callable[[], None] = lambda: None, gathering: timedelta = GATHERING_TIME
    ) -> None:
        """Match queued papers, and plan the messages that are due. An alert at once waits for more papers while `gathering`."""
        while await self._match_papers():
            pass
        now = self._clock()
        lost = await self._database.fetch(alerts.list_lost, now - RIGHT_MISSING - RESUMES_WITHIN)
        for batch in chunked(lost, RECIPIENTS_AT_ONCE):
            await self._check_rights(batch, now)
            on_planned()
        async with self._database.transaction() as connection:
            await alerts.release_unsent(connection, now)
            await alerts.mark_ready(connection, now)
            schedules = await alerts.list_schedules(connection)
            last = {row: last_slot(row, now, gathering) for row in schedules}
            until = {row: last[row] for row, first_at in schedules.items() if first_at <= last[row]}
            ready = await alerts.list_ready(connection, until)
        # A message that is sent anyway also takes matches that would be due within minutes.
        until |= {row: now for row in schedules if row.timing is AlertTiming.AT_ONCE}
        due = dict.fromkeys(match.recipient for match in ready if self._is_due(match, now))
        for recipients in chunked(due, RECIPIENTS_AT_ONCE):
            if await self._plan_messages(set(recipients), until, now):
                on_planned()

    def _is_due(self, match: alerts.Match, now: datetime) -> bool:
        keys = match.recipient, (match.recipient, match.paper_id)
        return all(self._retries.is_due(key, now) for key in keys)

    async def _match_papers(self) -> bool:
        """Match a batch of queued papers and store the matches. Returns False if no papers were queued."""
        added_at = await self._database.fetch(alerts.list_unmatched, GROUP_SIZE)
        if not added_at:
            return False
        # Papers by themselves are searched fast, since they have few of the words of thousands of alerts.
        compared = await self._database.look_up(alert_matcher.index_papers, list(added_at))
        pairs = await self._queries.match(compared)
        now = self._clock()
        async with self._database.transaction() as connection:
            await alerts.lock_planning(connection)
            rows = await alerts.list_rows(connection, ids={id_ for id_, _ in pairs}, paused=False)
            recipients = {row.id: alerts.recipient_name(row) for row in rows}
            created_at = {row.id: row.created_at for row in rows}
            notified = await alerts.list_notified(connection, recipients.values(), added_at)
            new = [
                alerts.Match(recipients[alert_id], paper_id, alert_id, now)
                for alert_id, paper_id in pairs
                # Ignore papers that arrived before the alert was created.
                if alert_id in recipients and created_at[alert_id] <= added_at[paper_id]
            ]
            new = [match for match in new if (match.recipient, match.paper_id) not in notified]
            await alerts.add_matches(connection, new)
            await alerts.remove_unmatched(connection, added_at)
        return True

    async def _plan_messages(
        self, recipients: set[str], until: Mapping[models.AlertSchedule, datetime], now: datetime
    ) -> bool:
        """Render and plan messages for some recipients. Returns whether any message was planned.

        A recipient whose matches change during rendering is retried a minute later.
        """
        batch = await self._load_batch(recipients, until, now)
        messages, unmatched = await self._build_messages(batch, now)
        async with self._database.transaction() as connection:
            await alerts.lock_planning(connection)
            still_ready = await alerts.list_ready(connection, until, recipients)
            changed = {match.recipient for match in {*batch.ready} ^ {*still_ready}}
            messages = [message for message in messages if message.recipient not in changed]
            ids = await outbox.add_all(connection, [message.delivery for message in messages])
            planned = {
                (message.recipient, paper_id): ids[message.delivery.key]
                for message in messages
                if message.delivery.key in ids
                for paper_id in message.paper_ids
            }
            await alerts.mark_notified(connection, planned)
            gone = [match for match in unmatched if match.recipient not in changed]
            await alerts.remove_matches(connection, gone)
        if ids:
            log.info("alerts planned", count=len(ids))
        return bool(ids)

    async def _load_batch(
        self, recipients: set[str], until: Mapping[models.AlertSchedule, datetime], now: datetime
    ) -> _Batch:
        """Load the ready matches of some recipients, and for those that may be sent now their alerts and papers."""
        async with self._database.read() as connection:
            ready = await alerts.list_ready(connection, until, recipients)
            rows = await alerts.list_rows(connection, ids={match.alert_id for match in ready})
            capped = await _list_capped(connection, rows, now)
            due = [match for match in ready if match.alert_id not in capped and self._is_due(match, now)]
            uncompared = await _list_uncompared(connection, due)
            due = [match for match in due if match.paper_id not in uncompared.get(match.recipient, ())]
            details = await papers.list_details(connection, list({match.paper_id for match in due}))
            destinations = await self._resolve(connection, rows)
        due_ids = {match.alert_id for match in due}
        withheld = await self._check_rights([row for row in rows if row.id in due_ids], now)
        return _Batch(
            ready=ready,
            due=[match for match in due if match.alert_id not in withheld],
            uncompared=uncompared,
            alerts={row.id: row for row in rows},
            papers={paper.id: paper for paper in details},
            destinations=destinations,
        )

    async def _build_messages(
        self, batch: _Batch, now: datetime
    ) -> tuple[list[_Message], list[alerts.Match]]:
        """Return a rendered message for each recipient, and the matches that no longer apply or are given up.

        What fails for a recipient is in neither: it is tried again (see `Retries`).
        """
        described, unmatched = await self._describe(batch, now)
        messages, slices = list[_Message](), TimeSlices()
        for recipient, shown in described.items():
            own = [match for match in batch.due if match.recipient == recipient]
            with self._retries.attempt("alert not rendered", recipient, now, to=recipient) as attempt:
                counted = batch.uncompared.get(recipient, ())
                times = [match.ready_at or now for match in own]
                delivery = self._build(batch, shown, times, now, counted=len(counted))
                paper_ids = [match.paper.id for match in shown[: None if counted else MAX_SHOWN]]
                paper_ids += counted
                messages.append(_Message(recipient, delivery, paper_ids))
            if attempt.is_given_up:
                unmatched += own
            await slices.pause()
        return messages, unmatched

    async def _check_rights(self, rows: Iterable[models.Alert], now: datetime) -> set[int]:
        """Store what Discord says about the rights of channels' alerts. Returns the ids of those that send nothing.

        An alert waits while its owner's right is missing, is paused a day later, and resumes once the right is back.
        """
        groups: dict[tuple[int, int | None, bool, datetime | None], list[models.Alert]] = defaultdict(list)
        to_check: dict[tuple[int, int | None], models.Alert] = {}
        for row in rows:
            if row.channel_id is not None:
                groups[row.user_id, row.channel_id, row.paused, row.right_lost_at].append(row)
                to_check.setdefault((row.user_id, row.channel_id), row)
        self._checks = {
            key: check
            for key, check in self._checks.items()
            if check.checked_at <= now < check.checked_at + CHECK_VALID_FOR
        }
        await asyncio.gather(
            *(self._check(row, now) for key, row in to_check.items() if key not in self._checks)
        )
        withheld: set[int] = set()
        for group in groups.values():
            right, checked_at = self._checks[group[0].user_id, group[0].channel_id]
            lost_at, paused = _judge(group[0], right, checked_at)
            if lost_at is not None:
                withheld.update(row.id for row in group)
            if (lost_at, paused) == (group[0].right_lost_at, group[0].paused):
                continue
            owner = group[0].user_id
            with isolation.isolated(log, "right of alerts not stored", reraise=(StorageError,), owner=owner):
                async with self._database.transaction() as connection:
                    is_changed = await alerts.set_right(connection, group[0], lost_at=lost_at, paused=paused)
                    if is_changed and paused:
                        await self._notify_of_pause(connection, group, right, now)
                log.info("right of alerts checked", owner=owner, right=right.value, paused=paused)
        return withheld

    async def _check(self, alert: models.Alert, now: datetime) -> None:
        """Ask for the right of an alert's owner."""
        right = OwnerRight.UNKNOWN
        with isolation.isolated(log, "right of an alert's owner not asked", alert=alert.id):
            right = await self.find_right(alert)
        self._checks[alert.user_id, alert.channel_id] = RightCheck(right, now)

    async def _notify_of_pause(
        self, connection: Connection, paused: Sequence[models.Alert], right: OwnerRight, now: datetime
    ) -> None:
        """Plan one notice about an owner's alerts in a channel: to the owner or, if they left, to the server."""
        alert = paused[0]
        names = "; ".join(", ".join(term.text for term in row.terms) for row in paused)
        guild = await accounts.get_guild(connection, alert.guild_id or 0)
        recipient = NoticeRecipient(
            name=f"r{alert.id}",
            guild_id=alert.guild_id,
            channel_id=alert.channel_id,
            user_id=None if right is OwnerRight.LEFT else alert.user_id,
            locale=None if guild is None else guild.locale,
            alert_id=alert.id,
        )
        await outcomes.notify_owners(
            connection,
            self._deliveries,
            [recipient],
            contents.NoticeKind.RIGHT_LOST,
            now,
            default_locale=self.default_locale,
            subject=discord_text.shorten(names, MAX_NAMES_LENGTH, markdown=False),
        )

    async def _describe(
        self, batch: _Batch, now: datetime
    ) -> tuple[dict[str, list[AlertMatch]], list[alerts.Match]]:
        """Return each recipient's papers, most votes first, and the matches that no longer apply or are given up.

        What failed and is tried again is in neither.
        """
        compared = await self._database.look_up(alert_matcher.index_papers, list(batch.papers))
        queries = await alert_matcher.read_alerts(self._search, list(batch.alerts.values()))
        reasons = await asyncio.to_thread(compared.match_all, queries)
        grouped: dict[tuple[str, int], list[alerts.Match]] = defaultdict(list)
        unmatched: list[alerts.Match] = []
        for match in batch.due:
            paper, still_matching = batch.papers.get(match.paper_id), reasons.get(match.alert_id)
            if paper is None or still_matching is None:
                continue  # removed, or not compared: it is looked at again a minute later
            if match.paper_id in still_matching and paper.withdrawn_by is None:
                grouped[match.recipient, match.paper_id].append(match)
            else:
                unmatched.append(match)
        described: dict[str, list[AlertMatch]] = defaultdict(list)
        slices = TimeSlices()
        for key, matching in grouped.items():
            recipient, paper_id = key
            alert_ids = tuple(match.alert_id for match in matching)
            with self._retries.attempt(
                alert_matcher.NOT_COMPARED, key, now, paper=paper_id, recipient=recipient
            ) as attempt:
                merged = alert_matcher.merge_reasons(
                    reason for alert_id in alert_ids for reason in reasons[alert_id][paper_id]
                )
                locale = batch.destinations[alert_ids[0]].locale
                quoted = _quote(batch.papers[paper_id], merged, locale)
                described[recipient].append(AlertMatch(quoted, merged, alert_ids))
            if attempt.is_given_up:
                unmatched += matching
            await slices.pause()
        for shown in described.values():
            shown.sort(key=lambda match: (*models.votes_descending(match.paper.votes), match.paper.key))
        return described, unmatched

    def _build(
        self,
        batch: _Batch,
        matches: Sequence[AlertMatch],
        ready_at: Sequence[datetime],
        now: datetime,
        *,
        counted: int,
    ) -> models.NewDelivery:
        """Return the rendered message for a recipient. Its destination is that of any of the recipient's alerts."""
        alert = batch.alerts[min(alert_id for match in matches for alert_id in match.alert_ids)]
        destination = batch.destinations[alert.id]
        shown, in_channel = tuple(matches[:MAX_SHOWN]), alert.channel_id is not None
        recipient = alerts.recipient_name(alert)
        post = AlertPost(
            marker=_marker(recipient, shown),
            locale=destination.locale,
            digest_on=max(match.paper.last_on for match in shown),
            matches=shown,
            in_channel=in_channel,
            more=len(matches) - len(shown) + counted,
            has_next=not counted,
            since_at=min(ready_at),
            until_at=max(ready_at),
        )
        return self._deliveries.build_post(
            ALERT,
            post,
            now,
            key=f"alert:{recipient}:{now:%Y%m%d%H%M%S}:{matches[0].paper.key}",
            user_id=None if in_channel else alert.user_id,
            guild_id=alert.guild_id if in_channel else None,
            channel_id=alert.channel_id or destination.dm_channel_id,
            digest_on=post.digest_on,
            papers=tuple(match.paper.key for match in shown),
        )

    async def _resolve(self, connection: Connection, of: Collection[models.Alert]) -> dict[int, Destination]:
        readers = await accounts.list_readers_by_id(
            connection, [row.user_id for row in of if row.channel_id is None]
        )
        guilds = await accounts.list_guilds_by_id(connection, [row.guild_id for row in of if row.guild_id])
        destinations = {}
        for alert in of:
            reader = readers.get(alert.user_id) if alert.channel_id is None else None
            guild = guilds.get(alert.guild_id or 0) if alert.channel_id is not None else None
            locale = (reader and reader.locale) or (guild and guild.locale) or self.default_locale
            destinations[alert.id] = Destination(locale, reader.dm_channel_id if reader else None)
        return destinations


async def _list_capped(connection: Connection, of: Iterable[models.Alert], now: datetime) -> set[int]:
    """Return the ids of alerts that reached their message limit in the last 24 hours."""
    capped = {row.id: row.max_a_day for row in of if row.max_a_day and row.timing is AlertTiming.AT_ONCE}
    counts = await alerts.count_messages(connection, capped, now - schedule.DAY)
    return {id_ for id_, count in counts.items() if count >= capped[id_]}


async def _list_uncompared(connection: Connection, due: Iterable[alerts.Match]) -> dict[str, set[int]]:
    """Return the papers after the first GROUP_SIZE of recipients with more than are sent one by one, by recipient."""
    waiting: dict[str, set[int]] = defaultdict(set)
    for match in due:
        waiting[match.recipient].add(match.paper_id)
    many = {recipient: ids for recipient, ids in waiting.items() if len(ids) > MAX_POSTED_PAPERS}
    ranked = await papers.rank_by_votes(connection, set[int]().union(*many.values())) if many else []
    return {name: {*[id_ for id_ in ranked if id_ in ids][GROUP_SIZE:]} for name, ids in many.items()}


def _quote(
    paper: models.PaperDetail, reasons: Iterable[alert_matcher.AlertReason], locale: models.Locale
) -> post_papers.PostPaper:
    in_text = [
        form
        for reason in reasons
        if reason.found_in is alert_matcher.MatchField.TEXT
        for form in reason.forms
    ]
    quoted = alert_matcher.find_sentence(paper, in_text, locale)
    return post_papers.build_post_paper(paper, locale, quoted=quoted)


def _marker(recipient: str, matches: Iterable[AlertMatch]) -> str:
    """Return the marker of a message, which depends only on the recipient and the papers."""
    paper_key = min(match.paper.key for match in matches)
    return f"alert:{recipient}:{re.sub('[^0-9A-Za-z-]', '_', paper_key)}"
