"""Plans the messages of queued matches that are due: one delivery for each recipient.

Each batch of recipients is one transaction with the deliveries, the papers notified of and the removal of the matches.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import TypeAlias

import structlog

from bot import isolation
from bot.services.alerts import candidates, deliveries, matcher, timing
from bot.services.daily import selection
from bot.services.posts import contents, summaries
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.text.matching import keyword_match
from bot.time_slices import BatchSize, TimeSlices
from storage import alerts, guilds, models, notified_papers, readers, votes
from storage.database import Connection, Database
from storage.outbox import alert_matches, plan

log = structlog.get_logger(__name__)

MAX_WAIT = timedelta(days=30)
"""A match whose paper has not reached the votes in this time is given up."""
RETRY_DELAY = timedelta(hours=1)
"""Time after which a message that failed to render is tried again."""
DUE_LIMITS = 50, 500
"""Due matches whose recipients are planned in one transaction: at first, and at most."""
CROSSED_LIMIT = 2000
MAX_LOGGED_KEYS = 10
MARKER_PLACEHOLDER = f"alert:channel:{0:020}:{0:014}:{0:010}"
"""Marker of a message that is rendered once for many recipients, as long as the longest key."""
RENDERED_ALERTS = 256
"""Messages that are kept: many recipients follow the same terms, and get the same papers."""

PaperMatch: TypeAlias = tuple[models.PaperDetail, tuple[contents.AlertReason, ...]]
"""A paper, and why it matches a recipient's alerts."""

Decisions: TypeAlias = dict[str, list[PaperMatch]]
"""What each recipient is notified of, best first."""

Destinations: TypeAlias = dict[int, tuple[models.Locale, int | None]]
"""The language of the recipient of each alert, by alert id, and the DM channel if it is known."""


class AlertNotifier:
    """Decides once more what is due, as alerts and papers may have changed, and stores the messages."""

    def __init__(
        self,
        database: Database,
        factory: DeliveryFactory,
        texts: candidates.PaperTexts,
        default_locale: models.Locale,
    ) -> None:
        self._database = database
        self._factory = factory
        self._render = lru_cache(maxsize=RENDERED_ALERTS)(partial(factory.render, deliveries.ALERT))
        self._texts = texts
        self._default_locale = default_locale
        self._papers: dict[tuple[int, int | None, models.Locale], contents.PostPaper] = {}

    async def schedule_crossed(self, now: datetime) -> int:
        """Make the matches due whose papers once had the votes that their alerts ask for. Returns their number."""
        count = 0
        while True:
            async with self._database.read() as connection:
                crossed = await alert_matches.list_crossed(connection, now - MAX_WAIT, limit=CROSSED_LIMIT)
                active = await alerts.list_active(connection, {row.alert_id for row in crossed}, now)
            # What crosses while its alert rests is due at once, and dropped then.
            due = [
                row._replace(
                    due_at=timing.due_at(active[row.alert_id], now) if row.alert_id in active else now
                )
                for row in crossed
            ]
            if not due:
                return count
            async with self._database.transaction() as connection:
                await alert_matches.set_due(connection, due)
            count += len(due)

    async def plan_due(self, now: datetime) -> AsyncGenerator[int, None]:
        """Plan the messages of all matches that are due at `now` (UTC); yields the number of deliveries of each batch."""
        self._texts.clear()
        self._papers.clear()
        batches = BatchSize(*DUE_LIMITS)
        while (count := await self._plan_batch(now, batches)) is not None:
            if count:
                yield count

    async def _plan_batch(self, now: datetime, batches: BatchSize) -> int | None:
        """Plan the messages of some recipients, which are rendered before the transaction.

        Returns their number; None if nothing is due. Nothing is stored if an alert was changed or another process planned
        them meanwhile.
        """
        async with self._database.read() as connection:
            recipients = await alert_matches.list_due_recipients(connection, now, limit=batches.size)
            if not recipients:
                return None
            queued = await _list_due(connection, recipients, now)
            active = await alerts.list_active(connection, {match.alert_id for match in queued}, now)
            notified = await _list_notified(connection, queued)
            highest = await _list_highest_votes(connection, queued, active)
            destinations = await self._resolve(connection, active.values())
        queued = [match for match in queued if _is_gathered(match, active, now)]
        waiting = [match for match in queued if _waits_for_votes(match, active, highest)]
        decisions = await self._decide(_without(queued, waiting, notified), active, highest)
        built = await self._build(decisions, active, destinations, now)
        async with batches.timed(self._database.transaction()) as connection:
            await alerts.lock_planning(connection)
            is_same = set(queued).issubset(await _list_due(connection, recipients, now))
            is_same &= notified == await _list_notified(connection, queued)
            if not is_same or await alerts.count_active(connection, active, now) != len(active):
                return 0
            keys = await _store(connection, queued, waiting, decisions, built, now)
        if keys:
            log.info("alerts planned", count=len(keys), deliveries=keys[:MAX_LOGGED_KEYS])
        return len(keys)

    async def _decide(
        self,
        queued: Iterable[models.QueuedMatch],
        active: Mapping[int, models.Alert],
        highest: Mapping[int, int],
    ) -> Decisions:
        """Compare the matches with the present alerts and papers. Returns what each recipient is notified of, best first."""
        grouped: dict[int, dict[str, list[models.QueuedMatch]]] = defaultdict(lambda: defaultdict(list))
        for match in queued:
            if match.alert_id in active:
                grouped[match.paper_id][match.recipient].append(match)
        decisions: Decisions = defaultdict(list)
        slices = TimeSlices()
        for paper_id, by_recipient in grouped.items():
            prepared = await self._texts.get(paper_id)
            if prepared is None:
                continue
            for recipient, own in by_recipient.items():
                if matched := _match_paper(own, active, highest.get(paper_id), *prepared):
                    decisions[recipient].append(matched)
                await slices.pause()
        for matches in decisions.values():
            matches.sort(key=lambda match: (*selection.votes_sort_key(match[0].votes), match[0].id))
        return decisions

    async def _build(
        self,
        decisions: Decisions,
        active: Mapping[int, models.Alert],
        destinations: Destinations,
        now: datetime,
    ) -> dict[str, models.NewDelivery]:
        """Render the messages; what fails to render is logged and left out."""
        details = {detail.id: detail for matches in decisions.values() for detail, _ in matches}
        await summaries.prepare_extracts(details.values(), {locale for locale, _ in destinations.values()})
        planned_at = f"{now:%Y%m%d%H%M%S}"
        built: dict[str, models.NewDelivery] = {}
        slices = TimeSlices()
        for recipient, matches in decisions.items():
            alert = active[matches[0][1][0].alert_id]
            locale, dm_channel_id = destinations[alert.id]
            key = f"alert:{recipient}:{planned_at}:{matches[0][0].id}"
            # An alert that fails to render must not block the others.
            with isolation.isolated(log, "alert rendering failed", delivery=key):
                post = self._build_post(locale, matches, active, in_channel=alert.channel_id is not None)
                built[recipient] = self._factory.build(
                    deliveries.ALERT,
                    key,
                    locale,
                    self._render(post),
                    now,
                    user_id=alert.user_id if alert.channel_id is None else None,
                    guild_id=alert.guild_id if alert.channel_id is not None else None,
                    channel_id=alert.channel_id or dm_channel_id,
                    digest_on=post.digest_on,
                    post=models.StoredPost(papers=tuple(paper.arxiv_id for paper, _ in post.matches)),
                )
            await slices.pause()
        return built

    def _build_post(
        self,
        locale: models.Locale,
        matches: Sequence[PaperMatch],
        active: Mapping[int, models.Alert],
        *,
        in_channel: bool,
    ) -> contents.AlertPost:
        """Return the message, equal for all recipients of the same papers for the same reasons: alerts are numbered from 0."""
        shown = _limit(matches, active)
        numbers: dict[int, int] = {}
        numbered = [
            tuple(
                contents.AlertReason(
                    numbers.setdefault(of.alert_id, len(numbers)), of.kind, of.text, of.found_in, of.crossed
                )
                for of in reasons
            )
            for _, reasons in shown
        ]
        papers = [self._post_paper(detail, locale) for detail, _ in shown]
        return contents.AlertPost(
            marker=MARKER_PLACEHOLDER,
            locale=locale,
            digest_on=max(detail.last_on for detail, _ in shown),
            matches=tuple(zip(papers, numbered, strict=True)),
            in_channel=in_channel,
            more=len(matches) - len(shown),
        )

    def _post_paper(self, detail: models.PaperDetail, locale: models.Locale) -> contents.PostPaper:
        key = detail.id, detail.votes, locale
        if key not in self._papers:
            self._papers[key] = summaries.build_post_paper(detail, locale)
        return self._papers[key]

    async def _resolve(self, connection: Connection, of: Collection[models.Alert]) -> Destinations:
        """Return the language and the DM channel, if it is known, of each alert's recipient, by alert id."""
        stored = await readers.list_by_id(connection, [row.user_id for row in of if row.channel_id is None])
        servers = await guilds.list_by_id(connection, [row.guild_id for row in of if row.guild_id])
        destinations: Destinations = {}
        for alert in of:
            if alert.channel_id is not None:
                guild = servers.get(alert.guild_id or 0)
                destinations[alert.id] = (guild and guild.locale) or self._default_locale, None
            else:
                reader = stored.get(alert.user_id)
                locale = (reader and reader.locale) or self._default_locale
                destinations[alert.id] = locale, reader.dm_channel_id if reader else None
        return destinations


async def _list_due(
    connection: Connection, recipients: Sequence[str], now: datetime
) -> list[models.QueuedMatch]:
    return await alert_matches.list_due(connection, recipients, now + timing.GATHERING_TIME)


async def _list_notified(
    connection: Connection, queued: Sequence[models.QueuedMatch]
) -> set[tuple[str, int]]:
    paper_ids = {match.paper_id for match in queued}
    recipients = {match.recipient for match in queued}
    return await notified_papers.list_notified(connection, recipients, sorted(paper_ids))


async def _list_highest_votes(
    connection: Connection, queued: Iterable[models.QueuedMatch], active: Mapping[int, models.Alert]
) -> dict[int, int]:
    """Return the highest votes of the papers whose alerts ask for some."""
    asking = {alert.id for alert in active.values() if alert.min_votes}
    return await votes.list_highest(connection, {row.paper_id for row in queued if row.alert_id in asking})


def _is_gathered(match: models.QueuedMatch, active: Mapping[int, models.Alert], now: datetime) -> bool:
    """Return whether a match is due, or is sent soon anyway."""
    alert = active.get(match.alert_id)
    is_at_once = alert is not None and alert.timing is models.AlertTiming.AT_ONCE
    return is_at_once or (match.due_at is not None and match.due_at <= now)


def _waits_for_votes(
    match: models.QueuedMatch, active: Mapping[int, models.Alert], highest: Mapping[int, int]
) -> bool:
    """Return whether the alert asks for more votes now than the paper ever had."""
    alert = active.get(match.alert_id)
    return alert is not None and not selection.meets_minimum(highest.get(match.paper_id), alert.min_votes)


def _without(
    queued: Iterable[models.QueuedMatch],
    waiting: Iterable[models.QueuedMatch],
    notified: Collection[tuple[str, int]],
) -> list[models.QueuedMatch]:
    left_out = set(waiting)
    return [match for match in queued if match not in left_out and match[:2] not in notified]


def _match_paper(
    own: Iterable[models.QueuedMatch],
    active: Mapping[int, models.Alert],
    highest: int | None,
    paper: models.PaperDetail,
    text: keyword_match.KeywordText,
) -> PaperMatch | None:
    """Return a paper and why it matches a recipient's alerts, None if it matches none any more.

    If it has reached the votes of an alert later, it is shown with the highest of them.
    """
    votes_then = {match.alert_id: match.votes for match in own}
    reasons = []
    for reason in matcher.match_all([active[alert_id] for alert_id in sorted(votes_then)], paper, text):
        line, then = active[reason.alert_id].min_votes, votes_then[reason.alert_id]
        if not selection.meets_minimum(then, line):
            reason = replace(reason, crossed=(line, then))
            paper = replace(paper, votes=max(highest or 0, paper.votes or 0))
        reasons.append(reason)
    return (paper, tuple(reasons)) if reasons else None


def _limit(matches: Sequence[PaperMatch], active: Mapping[int, models.Alert]) -> list[PaperMatch]:
    """Return the best papers: of each alert at most its `max_papers`."""
    if len(matches) == 1:
        return list(matches)
    counts: Counter[int] = Counter()
    shown = []
    for match in matches:
        alert_ids = {reason.alert_id for reason in match[1]}
        if any(counts[alert_id] < active[alert_id].max_papers for alert_id in alert_ids):
            counts.update(alert_ids)
            shown.append(match)
    return shown


async def _store(
    connection: Connection,
    queued: Sequence[models.QueuedMatch],
    waiting: Sequence[models.QueuedMatch],
    decisions: Decisions,
    built: Mapping[str, models.NewDelivery],
    now: datetime,
) -> list[str]:
    """Store the deliveries and the papers notified of, and take their matches from the queue. Returns the keys."""
    ids = await plan.add_all(connection, list(built.values()))
    planned = {name: ids[delivery.key] for name, delivery in built.items() if delivery.key in ids}
    failed = decisions.keys() - planned
    postponed = {match: now + RETRY_DELAY for match in queued if match.recipient in failed}
    kept = {**postponed, **dict.fromkeys(waiting)}
    await alert_matches.set_due(connection, [match._replace(due_at=due) for match, due in kept.items()])
    notified = [(name, detail.id) for name in planned for detail, _ in decisions[name]]
    await notified_papers.add(connection, notified, notified_at=now, delivery_ids=planned)
    await alert_matches.remove_notified(connection, notified)
    gone = set(notified)
    dropped = [match for match in queued if match not in kept and match[:2] not in gone]
    await alert_matches.remove(connection, dropped)
    return list(ids)
