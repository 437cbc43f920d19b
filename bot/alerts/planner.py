"""Matches the papers of fresh digests with all alerts and queues the matches, then plans the messages of what is due.

An ingest stores only that the alerts for papers are to be planned: those that a digest added, or that got authors or
institutions later. What is interrupted begins again: a match is queued once, and nobody is notified of a paper twice.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeAlias

import structlog

from bot.alerts import matcher
from bot.core import isolation
from bot.core.clock import Clock, TimeSlices
from bot.outbox import contents
from bot.outbox.contents import STYLE_REASONS, CanResume, DeliveryFactory, KindRecord, Owned
from bot.text import keywords
from storage import accounts, alerts, archive, models, outbox, papers
from storage.database import Connection, Database, chunked
from storage.errors import StorageError

# The delivery kind of alerts: what the expiry of a message undoes, and how alerts are suspended and resumed.


AlertMatch: TypeAlias = tuple[contents.PostPaper, tuple[matcher.AlertReason, ...]]
"""A paper with its reasons: the recipient's alerts that it matches."""


@dataclass(frozen=True, slots=True)
class AlertPost:
    """The papers for one recipient, best first. `in_channel` omits what is for a single reader.

    `digest_on` is the newest day with one of them. `more` is the number of further matches, beyond the alerts' limits. The
    renderer shows as many `matches` as fit, and the number of the others.
    """

    marker: str
    locale: models.Locale
    digest_on: date
    matches: tuple[AlertMatch, ...]
    in_channel: bool = False
    more: int = 0
    silent: bool = False


async def _undo(connection: Connection, unsent: Sequence[models.Delivery], now: datetime) -> None:
    """Notify of the papers again: at once, or when the alerts that Discord suspended are resumed. Old ones are given up."""
    # They may have waited for votes, and then for Discord.
    oldest_on = now.date() - 2 * MAX_WAIT
    recent = [row.id for row in unsent if row.digest_on is not None and row.digest_on >= oldest_on]
    papers = await alerts.remove_notified_of_deliveries(connection, recent)
    await alerts.keep_unsent_matches(connection, papers, now)
    await alerts.remove_notified_of_deliveries(connection, [row.id for row in unsent])


async def _suspend(
    connection: Connection, delivery: models.Delivery, state: models.ActivityState, reason: models.Reason
) -> list[Owned]:
    if not delivery.is_direct and reason in STYLE_REASONS:
        return []
    of_recipient = (
        {"user_id": delivery.user_id} if delivery.is_direct else {"channel_id": delivery.channel_id}
    )
    # What a reader has paused stays so, also when the destination is available again.
    active = [
        alert
        for alert in await alerts.list_rows(connection, **of_recipient)
        if alert.state is models.ActivityState.ACTIVE and (alert.channel_id is None or not delivery.is_direct)
    ]
    ids = [alert.id for alert in active]
    changed_ids = await alerts.set_state(connection, ids, state, reason=reason, by_hand=False)
    return [] if delivery.is_direct else _list_owned(alert for alert in active if alert.id in changed_ids)


async def _resume(connection: Connection, can_resume: CanResume) -> list[Owned]:
    suspended = await alerts.list_suspended(connection)
    resumable = [alert for alert in suspended if can_resume(alert)]
    ids = [alert.id for alert in resumable]
    resumed_ids = await alerts.set_state(connection, ids, models.ActivityState.ACTIVE, by_hand=False)
    return _list_owned(alert for alert in resumable if alert.id in resumed_ids)


def _list_owned(changed: Iterable[models.Alert]) -> list[Owned]:
    """Return one of the alerts of each owner in each channel."""
    by_owner = {(alert.user_id, alert.channel_id): alert for alert in changed}
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


ALERT: KindRecord[AlertPost] = KindRecord(
    kind=models.DeliveryKind.ALERT,
    priority=models.Priority.NOTIFICATION,
    render=lambda renderer, post: renderer.render_alert(post),
    undo=_undo,
    suspend=_suspend,
    resume=_resume,
)


log = structlog.get_logger(__name__)

BATCH_SIZE = 1000
"""Alerts that are compared for a transaction."""
GROUP_SIZE = 50
"""Papers that are in memory at once to be matched with all alerts."""
POLL_SECONDS = 2.0
"""Time between two looks for digests that other processes stored, and for what is due."""
COMPARE_SECONDS = 60.0
"""Time between two looks at the votes that matches wait for; a wake-up hastens it, since new digests bring votes."""
MAX_RETRY_SECONDS = 60.0
LOOK_AHEAD = timedelta(days=2)
"""Longer than any day and the wait for the time of day on the next."""
MAX_WAIT = timedelta(days=30)
"""A match whose paper has not reached the votes in this time is given up."""
RETRY_DELAY = timedelta(hours=1)
"""Time after which a message that failed to render is tried again."""
DUE_LIMIT = 200
"""Due matches whose recipients are planned in one transaction."""
CROSSED_LIMIT = 2000
MAX_SHOWN = 25
"""Papers of a message, of which five are shown in full and the others in its menu; further ones are counted."""
QUOTED_REASONS = 10
"""Reasons of a paper that are shown unless they are the same."""
MAX_LOGGED_KEYS = 10
_NOT_COMPARED = "paper not compared with alerts"


class PaperMatch(NamedTuple):
    """A paper, why it matches a recipient's alerts, and which of them it matches: several may have the same reason."""

    paper: models.PaperDetail
    reasons: tuple[matcher.AlertReason, ...]
    alert_ids: frozenset[int]


class Destination(NamedTuple):
    """The language of an alert's recipient, and the DM channel if it is known."""

    locale: models.Locale
    dm_channel_id: int | None = None


Decisions: TypeAlias = dict[str, list[PaperMatch]]
"""What each recipient is notified of, best first."""


class AlertPlanner:
    """Plans the alerts of all pending digests, and the messages that are due. Several processes may do so at once.

    What is due is decided once more, as alerts and papers may have changed since they were matched.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        deliveries: DeliveryFactory,
        *,
        default_locale: models.Locale = models.Locale.EN,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._deliveries = deliveries
        self._texts = matcher.PaperTexts(database)
        self._default_locale = default_locale
        self._index = matcher.AlertIndex(database)
        self._wake_event = asyncio.Event()

    def wake(self) -> None:
        """Make `run` look for digests at once."""
        self._wake_event.set()

    async def run(self, stop: asyncio.Event, *, on_planned: Callable[[], None]) -> None:
        """Plan alerts until `stop` is set. Errors are logged and retried with growing delays."""
        delay, compared_at = POLL_SECONDS, -math.inf
        while not stop.is_set():
            is_comparing = self._wake_event.is_set() or self._monotonic() - compared_at >= COMPARE_SECONDS
            self._wake_event.clear()
            # A database outage must not end the loop.
            with isolation.isolated(log, "planning alerts failed; will retry") as failures:
                if is_comparing:
                    await self.schedule_crossed()
                    compared_at = self._monotonic()
                await self.drain(on_planned=on_planned, stop=stop)
            delay = min(2 * delay, MAX_RETRY_SECONDS) if failures else POLL_SECONDS
            waiting = [asyncio.ensure_future(event.wait()) for event in (stop, self._wake_event)]
            await asyncio.wait(waiting, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()

    async def drain(
        self, *, on_planned: Callable[[], None] = lambda: None, stop: asyncio.Event | None = None
    ) -> int:
        """Match all waiting digests, then plan what is due, or until `stop` is set. Returns the number of deliveries.

        Raises the first error at the end; the digests concerned keep waiting.
        """
        stop = stop or asyncio.Event()
        failures: list[Exception] = []
        async with self._database.read() as connection:
            waiting = await alerts.list_pending(connection)
        for pending in waiting:
            if not stop.is_set():
                with isolation.collected(failures):
                    await self._match_digest(pending)
        planned, now = 0, self._clock()
        self._texts.clear()
        with isolation.collected(failures):
            while not stop.is_set() and (count := await self._plan_messages(now)) is not None:
                planned += count
                if count:
                    on_planned()
        if failures:
            raise failures[0]
        return planned

    async def schedule_crossed(self) -> int:
        """Make the matches due whose papers once had the votes that their alerts ask for. Returns their number."""
        now, count = self._clock(), 0
        while True:
            async with self._database.read() as connection:
                crossed = await alerts.list_crossed_matches(connection, now - MAX_WAIT, limit=CROSSED_LIMIT)
                active = await alerts.list_active(connection, {row.alert_id for row in crossed}, now)
            # What crosses while its alert rests is due at once, and dropped then.
            due_at = {alert.id: matcher.due_at(alert, now) for alert in active.values()}
            due = [row._replace(due_at=due_at.get(row.alert_id, now)) for row in crossed]
            if not due:
                return count
            async with self._database.transaction() as connection:
                await alerts.set_matches_due(connection, due)
            count += len(due)

    async def _match_digest(self, pending: models.PendingAlerts) -> None:
        """Queue the matches of a digest's papers, unless they waited for too long."""
        async with self._database.read() as connection:
            digest = await archive.get(connection, pending.digest_id)
            has_alerts = await alerts.exist(connection)
            listed = {row.paper_id for row in await archive.list_papers(connection, [pending.digest_id])}
        is_expired = self._deliveries.expires_at(pending.added_at) <= self._clock()
        if is_expired:
            log.warning("alerts for a digest not planned: it is too old", digest=pending.digest_id)
        if digest is not None and has_alerts and not is_expired:
            await matcher.refresh_forms(self._database)
            self._texts.clear()
            # What a wrong clock left out was stored before it was added.
            added_at = min(pending.added_at, digest.updated_at)
            for group in chunked([id_ for id_ in pending.paper_ids if id_ in listed], GROUP_SIZE):
                await self._match_group(group, added_at)
        async with self._database.transaction() as connection:
            await alerts.remove_pending(connection, pending)

    async def _match_group(self, paper_ids: Sequence[int], added_at: datetime) -> None:
        """Queue the matches of some papers with all alerts."""
        prepared: list[matcher.PreparedPaper] = []
        haystacks: list[str] = []
        for paper_id in paper_ids:
            # A paper that causes a bug must not hold up the others.
            with isolation.isolated(log, _NOT_COMPARED, reraise=(StorageError,), paper=paper_id):
                if (one := await self._texts.get(paper_id)) is not None:
                    haystacks.append(await asyncio.to_thread(matcher.build_haystack, *one))
                    prepared.append(one)
        for batch in chunked(await self._index.find(haystacks), BATCH_SIZE):
            await self._match(batch, prepared, added_at)

    async def _match(
        self,
        candidates: Sequence[matcher.Candidate],
        prepared: Sequence[matcher.PreparedPaper],
        added_at: datetime,
    ) -> None:
        """Compare alerts with the papers of which their recipients were not notified, and queue the matches.

        Alerts that are younger than `added_at` (UTC) tell of what came later; one that is younger than the clock was made
        while that was ahead.
        """
        now = self._clock()
        async with self._database.read() as connection:
            active = await alerts.list_active(connection, [alert_id for alert_id, _ in candidates], now)
            active = {id_: row for id_, row in active.items() if not added_at < row.created_at <= now}
            recipients = set(map(alerts.recipient_name, active.values()))
            notified = await alerts.list_notified(connection, recipients, [paper.id for paper, _ in prepared])
        # In a thread: a paper of thousands of authors takes long.
        matches = await asyncio.to_thread(_list_matches, candidates, active, prepared, notified, now)
        async with self._database.transaction() as connection:
            await alerts.lock_planning(connection)
            # An alert may have been paused or removed meanwhile.
            current = await alerts.list_active_ids(connection, {match.alert_id for match in matches}, now)
            await alerts.add_matches(connection, [match for match in matches if match.alert_id in current])

    # The messages of what is due.

    async def _plan_messages(self, now: datetime) -> int | None:
        """Plan the messages of some recipients of what is due at `now` (UTC), which are rendered before the transaction.

        Returns their number; None if nothing is due. What is changed meanwhile is left for the next call.
        """
        async with self._database.read() as connection:
            recipients = await alerts.list_due_recipients(connection, now, limit=DUE_LIMIT)
            if not recipients:
                return None
            # What was over a recipient's messages of a day comes with the first of the next day.
            queued = await alerts.list_due_matches(connection, recipients, now + LOOK_AHEAD)
            active = await alerts.list_active(connection, {match.alert_id for match in queued}, now)
            queued = [match for match in queued if _is_sent_at(match, active.get(match.alert_id), now)]
            notified = await _list_notified(connection, queued)
            asking = {alert.id for alert in active.values() if alert.min_votes}
            highest = await papers.list_highest_votes(
                connection, {match.paper_id for match in queued if match.alert_id in asking}
            )
            destinations = await self._resolve(connection, active.values())
            full = await _list_full(connection, active.values(), now)
        # Their alerts ask for more votes now than the papers ever had.
        waiting = {
            match
            for match in queued
            if match.alert_id in asking
            and not models.meets_minimum(highest.get(match.paper_id), active[match.alert_id].min_votes)
        }
        kept: dict[models.QueuedMatch, datetime | None] = dict.fromkeys(waiting)
        kept |= {match: full[match.alert_id] for match in queued if match.alert_id in full}
        decided = [match for match in queued if match not in kept and match[:2] not in notified]
        decisions, failing = await self._decide(decided, active, highest)
        kept |= {match: now + RETRY_DELAY for match in decided if match[:2] in failing}
        shown = {recipient: _limit(matches, active) for recipient, matches in decisions.items()}
        built = await self._build(decisions, shown, active, destinations, now)
        async with self._database.transaction() as connection:
            await alerts.lock_planning(connection)
            due = set(await alerts.list_due_matches(connection, recipients, now + LOOK_AHEAD))
            still_active = await alerts.list_active_ids(connection, active, now)
            changed = {match.recipient for match in queued if match not in due}
            changed |= {alerts.recipient_name(row) for row in active.values() if row.id not in still_active}
            queued = [match for match in queued if match.recipient not in changed]
            built = {name: delivery for name, delivery in built.items() if name not in changed}
            decisions = {name: matches for name, matches in decisions.items() if name not in changed}
            kept = {match: due_at for match, due_at in kept.items() if match.recipient not in changed}
            keys = await _store(connection, queued, kept, decisions, built, now)
        if keys:
            log.info("alerts planned", count=len(keys), deliveries=keys[:MAX_LOGGED_KEYS])
        return len(keys)

    async def _decide(
        self,
        queued: Iterable[models.QueuedMatch],
        active: Mapping[int, models.Alert],
        highest: Mapping[int, int],
    ) -> tuple[Decisions, set[tuple[str, int]]]:
        """Compare the matches with the present alerts and papers.

        Returns what each recipient is notified of, best first, and the recipients and papers for which this fails: they must not
        hold up others.
        """
        grouped: dict[int, dict[str, list[models.QueuedMatch]]] = defaultdict(lambda: defaultdict(list))
        for queued_match in queued:
            if queued_match.alert_id in active:
                grouped[queued_match.paper_id][queued_match.recipient].append(queued_match)
        decisions: Decisions = defaultdict(list)
        failing: set[tuple[str, int]] = set()
        for paper_id, by_recipient in grouped.items():
            found: list[tuple[str, PaperMatch]] = []
            with isolation.isolated(log, _NOT_COMPARED, reraise=(StorageError,), paper=paper_id) as failures:
                if (prepared := await self._texts.get(paper_id)) is not None:
                    # In a thread: a paper of thousands of authors takes long.
                    found, failed = await asyncio.to_thread(
                        _match_paper, by_recipient, active, highest.get(paper_id), *prepared
                    )
                    failing.update((recipient, paper_id) for recipient in failed)
            failing.update((recipient, paper_id) for recipient in (by_recipient if failures else ()))
            for recipient, match in found:
                decisions[recipient].append(match)
        for matches in decisions.values():
            matches.sort(key=lambda match: (*models.votes_descending(match.paper.votes), match.paper.id))
        return decisions, failing

    async def _build(
        self,
        decisions: Decisions,
        shown: Decisions,
        active: Mapping[int, models.Alert],
        destinations: Mapping[int, Destination],
        now: datetime,
    ) -> dict[str, models.NewDelivery]:
        """Render the messages; what fails to render is logged and left out."""
        built: dict[str, models.NewDelivery] = {}
        slices = TimeSlices()
        for recipient, matches in decisions.items():
            alert = active[matches[0].reasons[0].alert_id]
            locale, dm_channel_id = destinations[alert.id]
            key = f"alert:{recipient}:{now:%Y%m%d%H%M%S}:{matches[0].paper.id}"
            # An alert that fails to render must not block the others.
            with isolation.isolated(log, "alert rendering failed", reraise=(StorageError,), delivery=key):
                post = AlertPost(
                    marker=_marker(recipient, matches),
                    locale=locale,
                    digest_on=max(match.paper.last_on for match in shown[recipient]),
                    matches=tuple([await self._quote(match, locale) for match in shown[recipient]]),
                    in_channel=alert.channel_id is not None,
                    more=len(matches) - len(shown[recipient]),
                    silent=all(active[id_].silent for match in matches for id_ in match.alert_ids),
                )
                built[recipient] = self._deliveries.build_post(
                    ALERT,
                    post,
                    now,
                    key=key,
                    user_id=alert.user_id if alert.channel_id is None else None,
                    guild_id=alert.guild_id if alert.channel_id is not None else None,
                    channel_id=alert.channel_id or dm_channel_id,
                    digest_on=post.digest_on,
                    post=models.StoredPost(papers=tuple(paper.arxiv_id for paper, _ in post.matches)),
                )
            await slices.pause()
        return built

    async def _quote(self, match: PaperMatch, locale: models.Locale) -> AlertMatch:
        """Return a paper for a message, with the words of its reasons as they stand in it and a sentence with one of them."""
        reasons, quoted = match.reasons[:QUOTED_REASONS], None
        if (prepared := await self._texts.get(match.paper.id)) is not None:
            reasons = await asyncio.to_thread(matcher.quote, reasons, prepared[1])
            quoted = matcher.find_sentence(match.paper, matcher.words_in_text(reasons), locale)
        paper = replace(contents.build_post_paper(match.paper, locale), quoted=quoted)
        return paper, (*reasons, *match.reasons[QUOTED_REASONS:])

    async def _resolve(self, connection: Connection, of: Collection[models.Alert]) -> dict[int, Destination]:
        """Return the destinations of alerts by alert id."""
        stored = await accounts.list_readers_by_id(
            connection, [row.user_id for row in of if row.channel_id is None]
        )
        servers = await accounts.list_guilds_by_id(connection, [row.guild_id for row in of if row.guild_id])
        destinations = {}
        for alert in of:
            reader = stored.get(alert.user_id) if alert.channel_id is None else None
            guild = servers.get(alert.guild_id or 0) if alert.channel_id is not None else None
            locale = (reader and reader.locale) or (guild and guild.locale) or self._default_locale
            destinations[alert.id] = Destination(locale, reader.dm_channel_id if reader else None)
        return destinations


def _marker(recipient: str, matches: Iterable[PaperMatch]) -> str:
    """Return the marker of a message, which is the same if its papers are found and matched once more."""
    arxiv_id = min(match.paper.arxiv_id for match in matches)
    return f"alert:{recipient}:{re.sub('[^0-9A-Za-z-]', '_', arxiv_id)}"


def _list_matches(
    candidates: Sequence[matcher.Candidate],
    active: Mapping[int, models.Alert],
    prepared: Sequence[matcher.PreparedPaper],
    notified: Collection[tuple[str, int]],
    now: datetime,
) -> list[models.QueuedMatch]:
    """Return the matches among the candidates, without those of which the recipient was notified."""
    matches = []
    # Many alerts ask for the same.
    decided: dict[tuple[object, ...], list[models.PaperDetail]] = {}
    for alert, places in (
        (active[alert_id], places) for alert_id, places in candidates if alert_id in active
    ):
        asked = alert.terms, alert.match_all, alert.excluded, alert.forms, alert.language, *places
        # An alert that causes a bug must not hold up the others.
        with isolation.isolated(log, _NOT_COMPARED, alert=alert.id):
            if asked not in decided:
                compared = [prepared[place] for place in places]
                decided[asked] = [paper for paper, text in compared if matcher.match(alert, paper, text)]
            recipient, due_at = alerts.recipient_name(alert), matcher.due_at(alert, now)
            for paper in decided[asked]:
                if (recipient, paper.id) not in notified:
                    due = due_at if models.meets_minimum(paper.votes, alert.min_votes) else None
                    matches.append(models.QueuedMatch(recipient, paper.id, alert.id, paper.votes, now, due))
    return matches


def _is_sent_at(match: models.QueuedMatch, alert: models.Alert | None, now: datetime) -> bool:
    """Return whether a match is due at `now` (UTC), or comes with a message that is sent then.

    That is what is sent soon anyway, and what a day's maximum has put off: by its own hour another alert's message may have
    filled the next day too.
    """
    if match.due_at is not None and match.due_at <= now:
        return True
    if alert is None:
        return False
    is_put_off = alert.max_a_day > 0 and matcher.due_at(alert, match.matched_at) <= now
    return is_put_off or alert.timing is models.AlertTiming.AT_ONCE


async def _list_full(
    connection: Connection, of: Collection[models.Alert], now: datetime
) -> dict[int, datetime]:
    """Return the alerts whose recipient got their `max_a_day` messages, by id, with when they are due then (UTC)."""
    capped = [alert for alert in of if alert.max_a_day]
    if not capped:
        return {}
    planned = await alerts.list_messages(
        connection, set(map(alerts.recipient_name, capped)), now - LOOK_AHEAD
    )
    full = {}
    for alert in capped:
        began_at, next_at = matcher.day_of(alert, now)
        # One of a later day was planned by a clock that was ahead.
        messages = planned.get(alerts.recipient_name(alert), ())
        if sum(began_at <= at < next_at for at in messages) >= alert.max_a_day:
            full[alert.id] = next_at
    return full


async def _list_notified(
    connection: Connection, queued: Sequence[models.QueuedMatch]
) -> set[tuple[str, int]]:
    """Return the recipients and papers of the matches that were notified before."""
    paper_ids = {match.paper_id for match in queued}
    recipients = {match.recipient for match in queued}
    notified = await alerts.list_notified(connection, recipients, sorted(paper_ids))
    return notified & {match[:2] for match in queued}


def _match_paper(
    by_recipient: Mapping[str, Iterable[models.QueuedMatch]],
    active: Mapping[int, models.Alert],
    highest: int | None,
    paper: models.PaperDetail,
    text: keywords.KeywordText,
) -> tuple[list[tuple[str, PaperMatch]], list[str]]:
    """Return a paper and why it matches the alerts of each recipient, without those of whom it matches none any more.

    If it has reached the votes of an alert later, it is shown with the highest of them. The second are the recipients for whom
    this fails.
    """
    found, failed = [], list[str]()
    for recipient, own in by_recipient.items():
        votes_then = {match.alert_id: match.votes for match in own}
        shown, reasons = paper, []
        own_alerts = [active[alert_id] for alert_id in sorted(votes_then)]
        with isolation.isolated(log, _NOT_COMPARED, paper=paper.id, alerts=sorted(votes_then)) as failures:
            matched, alert_ids = matcher.match_each(own_alerts, paper, text)
        if failures:
            failed.append(recipient)
            continue
        for reason in matched:
            line, then = active[reason.alert_id].min_votes, votes_then[reason.alert_id]
            if not models.meets_minimum(then, line):
                reason = replace(reason, crossed=(line, then))
                shown = replace(paper, votes=max(highest or 0, paper.votes or 0))
            reasons.append(reason)
        if reasons:
            found.append((recipient, PaperMatch(shown, tuple(reasons), alert_ids)))
    return found, failed


def _limit(matches: Sequence[PaperMatch], active: Mapping[int, models.Alert]) -> list[PaperMatch]:
    """Return the best papers: of each alert at most its `max_papers`, and MAX_SHOWN of all."""
    counts: Counter[int] = Counter()
    shown: list[PaperMatch] = []
    for match in matches:
        if len(shown) == MAX_SHOWN:
            break
        if any(counts[alert_id] < active[alert_id].max_papers for alert_id in match.alert_ids):
            counts.update(match.alert_ids)
            shown.append(match)
    return shown


async def _store(
    connection: Connection,
    queued: Sequence[models.QueuedMatch],
    kept: Mapping[models.QueuedMatch, datetime | None],
    decisions: Decisions,
    built: Mapping[str, models.NewDelivery],
    now: datetime,
) -> list[str]:
    """Store the deliveries and the papers notified of, and take their matches from the queue. Returns the keys.

    Matches that are `kept` are due at another time (UTC), None: once their papers have the votes.
    """
    ids = await outbox.add_all(connection, list(built.values()))
    planned = {name: ids[delivery.key] for name, delivery in built.items() if delivery.key in ids}
    failed = decisions.keys() - planned
    postponed = {match: now + RETRY_DELAY for match in queued if match.recipient in failed}
    kept = {**postponed, **kept}
    await alerts.set_matches_due(connection, [match._replace(due_at=due) for match, due in kept.items()])
    notified = [(name, match.paper.id) for name in planned for match in decisions[name]]
    await alerts.add_notified(connection, notified, notified_at=now, delivery_ids=planned)
    await alerts.remove_notified_matches(connection, notified)
    gone = set(notified)
    dropped = [match for match in queued if match not in kept and match[:2] not in gone]
    await alerts.remove_matches(connection, dropped)
    return list(ids)
