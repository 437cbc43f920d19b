"""The five papers of the newest day for one reader, with the reasons; their delivery by DM, and its settings."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import structlog

from bot.alerts import matcher
from bot.core import clock, day_close, isolation
from bot.core.clock import Clock
from bot.daily import choice, schedule
from bot.daily import planner as daily_planner
from bot.glossary.resolver import Glossary
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory, KindRecord, Owned
from bot.search import glossary as search_glossary
from bot.search.service import SearchService
from bot.today import profiles
from bot.today.profiles import Profiles
from bot.trends.service import RisingTopicService
from storage import accounts, alerts, archive, models, outbox, papers, shelf, today
from storage.database import Connection, Database, chunked
from storage.errors import StorageError
from storage.models import FeedbackKind

MENU_TOPICS = 12
MAX_TOPIC_LENGTH = 60
MAX_REASONS = 3
DEFAULT_TIME = "09:00"
_FOLLOW_SHARE = 0.5
"""A followed author or word raises a paper's score by this share of the range of the day's scores."""
_MAX_CONCEPT_SHARE = 0.25
"""A concept in a larger share of the day's papers is no reason."""
_MIN_DAY = 8
"""Minimum number of a day's papers for which that share applies."""


class TodayReasonKind(StrEnum):
    """Why a paper is among a reader's papers of the day."""

    SAVED = "saved"
    """The reader saved papers on the same concept."""
    FOLLOWED = "followed"
    """An alert of the reader matches."""
    PICKED = "picked"
    """The reader picked the topic."""


TodayReason: TypeAlias = tuple[TodayReasonKind, str, int]
"""A reason: the concept, name or topic, and the number of saved papers about it (0 for the other kinds)."""

PAPERS = 5
"""Papers of the day for a reader."""
MIN_SAVED = 3
"""Number of saved papers from which on the profile ranks; before, picked topics and followed words do, then votes."""


class Mark(StrEnum):
    """What a reader can do with a paper of the day, and undo."""

    SAVE = "save"
    MORE = "more"
    LESS = "less"


class TodayPick(NamedTuple):
    """A paper, its rank by votes, its reasons (first the one with the quoted sentence), and its marks."""

    paper: contents.PostPaper
    rank: int
    reasons: tuple[TodayReason, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class TodayPost:
    """A reader's papers of a day. `is_personal`: not ranked by votes only; `has_topics`: the reader picked topics.

    `at_time` is the local time (HH:MM) at which they are sent by DM, None for never. `suspended` is the reason why Discord
    refuses them.
    """

    marker: str
    locale: models.Locale
    digest_on: date
    picks: tuple[TodayPick, ...]
    saved_count: int
    is_personal: bool
    has_topics: bool = False
    at_time: str | None = None
    suspended: str | None = None


@dataclass(slots=True)
class Day:
    """A day that has a digest."""

    on: date
    papers: list[models.PaperRow]
    """Its papers, most votes first."""
    vectors: Mapping[int, Mapping[str, float]]
    glossary: Glossary
    details: dict[int, models.PaperDetail] = field(default_factory=dict)
    """The papers that were read in full, by id."""
    texts: list[matcher.PaperText] | None = None
    """The papers prepared for alerts; None until needed."""


Follows: TypeAlias = Mapping[int, tuple[matcher.AlertReason, ...]]
"""Why papers match a reader's alerts, by paper id."""


class TodayService:
    """Ranks the papers of a day for readers, and stores when to send them by DM."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        reader_profiles: Profiles,
        rising: RisingTopicService,
        search: SearchService,
        rule: day_close.DayClose | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._profiles = reader_profiles
        self._rising = rising
        self._search = search
        self._day_close = rule or day_close.default()

    async def build_post(
        self, user_id: int, locale: models.Locale, on: date | None = None, *, shown: Sequence[str] = ()
    ) -> TodayPost | None:
        """Return the reader's papers of a day, by default the newest complete one; None for an archive without papers.

        `shown` are the arXiv ids of papers already in the message: they stay, in this order.
        """
        profile = await self._profiles.find(user_id)
        if on is None:
            async with self._database.read() as connection:
                days = await daily_planner.list_recent_days(connection, self._day_close, self._clock())
            if (on := days.newest) is None:
                return None
        if (day := await self.open_day(on)) is None:
            return None
        return await self.build_of_day(profile, locale, day, shown)

    async def list_topics(self, locale: models.Locale) -> tuple[str, ...]:
        """Return topics of the last month to pick from, in the reader's language."""
        common = await self._rising.list_topics(locale, limit=MENU_TOPICS, with_common=True)
        return tuple(dict.fromkeys(topic.text[:MAX_TOPIC_LENGTH] for topic in common))

    async def open_day(self, on: date) -> Day | None:
        """Return a day, for any number of readers; None without papers."""
        async with self._database.read() as connection:
            rows = await papers.list_by_date(connection, on, origin=archive.ALL)
            if not rows:
                return None
            vectors = await self._profiles.vectors.get_day(connection, on)
            glossary, _ = await self._profiles.vectors.get_concepts(connection)
        return Day(on, rows, vectors, glossary)

    async def build_of_day(
        self, profile: models.Profile, locale: models.Locale, day: Day, shown: Sequence[str] = ()
    ) -> TodayPost:
        """Return the post of a day for a reader; `shown` as in `build_post`."""
        learnt = await self._profiles.learn(profile)
        async with self._database.read() as connection:
            own = await alerts.list_rows(connection, user_id=profile.user_id)
            active = [alert for alert in own if not alert.paused]
            follows = await _match_follows(self._search, connection, day, active)
            answers = dict(
                await today.list_feedback(connection, profile.user_id, limit=len(day.papers) + 200)
            )
            saved = await shelf.list_paper_ids(connection, profile.user_id)
            sent = await _list_sent(connection, profile.user_id, self._clock(), but_on=day.on)
            scores = await asyncio.to_thread(profiles.score, learnt.weights, day.vectors)
            chosen: set[int] = set()
            if len(saved) < MIN_SAVED and FeedbackKind.MORE not in answers.values():
                # What is learnt from the words of alerts and topics alone says nothing about papers without them.
                concepts = (
                    concept for topic in profile.topics for concept in day.glossary.find_concepts(topic)
                )
                picked = {profiles.CONCEPT_MARK + concept.key for concept in concepts}
                chosen = {*follows, *(key for key, own in day.vectors.items() if not picked.isdisjoint(own))}
                scores = {key: score for key, score in scores.items() if key in chosen}
            is_personal = len(saved) >= MIN_SAVED or bool(profile.topics) or bool(active)
            ranked = _rank(day.papers, scores if is_personal else {}, follows, chosen)
            left_out = {*saved, *(key for key, answer in answers.items() if answer is FeedbackKind.LESS)}
            if shown:
                by_id = {row.arxiv_id: (rank, row) for rank, row in ranked}
                kept = [by_id[arxiv_id] for arxiv_id in shown if arxiv_id in by_id]
            else:
                kept = [
                    (rank, row) for rank, row in ranked if row.id not in left_out and row.arxiv_id not in sent
                ][:PAPERS]
            await _read_details(connection, day, [row for _, row in kept])
        picks = []
        for rank, detail in [(rank, day.details[row.id]) for rank, row in kept if row.id in day.details]:
            reasons = _find_reasons(day, detail, profile, learnt, locale, follows) if is_personal else ()
            quoted = None
            for reason in reasons:
                if quoted := matcher.find_sentence(detail, [reason[1]], locale):
                    reasons = (reason, *(other for other in reasons if other is not reason))
                    break
            paper = replace(contents.build_post_paper(detail, locale), quoted=quoted)
            marks = [Mark.SAVE] if detail.id in saved else []
            marks += [Mark(answers[detail.id].value)] if detail.id in answers else []
            picks.append(TodayPick(paper, rank, reasons, tuple(marks)))
        return TodayPost(
            marker=f"today:{profile.user_id}:{day.on}",
            locale=locale,
            digest_on=day.on,
            picks=tuple(picks),
            saved_count=len(saved),
            is_personal=is_personal,
            has_topics=bool(profile.topics),
            at_time=profile.at_time if profile.reason is None else None,
            suspended=profile.reason,
        )

    async def answer(self, user_id: int, paper_id: int, kind: FeedbackKind | None) -> None:
        """Store a reader's feedback on a paper, or delete it (None). The next post takes it into account."""
        await self._profiles.find(user_id)
        async with self._database.transaction() as connection:
            await today.set_feedback(connection, user_id, paper_id, kind, self._clock())

    async def pick_topics(self, user_id: int, topics: Sequence[str]) -> None:
        """Replace the topics that a reader picked, at most MENU_TOPICS of at most MAX_TOPIC_LENGTH characters."""
        kept = dict.fromkeys(topic[:MAX_TOPIC_LENGTH] for topic in topics[:MENU_TOPICS])
        await self._profiles.find(user_id)
        async with self._database.transaction() as connection:
            await today.change(connection, user_id, topics=tuple(kept))

    async def send_daily(self, user_id: int, at_time: str | None, zone: str) -> models.Profile:
        """Send a reader's papers by DM each day at this local time (HH:MM), by default the stored time or DEFAULT_TIME.

        The time is in the reader's zone, else the profile's former zone, else `zone`.
        """
        profile = await self._profiles.find(user_id)
        now = self._clock()
        async with self._database.transaction() as connection:
            reader = await accounts.get_reader(connection, user_id)
            zone = (reader and reader.timezone) or profile.timezone or zone
            chosen = at_time or profile.at_time or DEFAULT_TIME
            days = await daily_planner.list_recent_days(connection, self._day_close, now)
            due = schedule.next_due(now - schedule.DAY, _rule_of(chosen, zone))
            is_over = _ready_at(due, days.closings) <= now
            settings: today.ProfileSettings = {
                "at_time": chosen,
                "timezone": zone,
                "last_on": due.on if is_over else due.on - schedule.DAY,
                "reason": None,
            }
            await today.change(connection, user_id, **settings)
            await outbox.try_now(connection, now, user_id=[user_id])
        return replace(profile, **settings)

    async def stop_daily(self, user_id: int) -> None:
        """Stop sending a reader the papers of the day."""
        async with self._database.transaction() as connection:
            await today.change(connection, user_id, at_time=None, timezone=None, reason=None)


def _rule_of(at_time: str, zone: str) -> schedule.Rule:
    return schedule.Rule(schedule.parse_time(at_time), clock.parse_zone(zone))


def _ready_at(due: schedule.Slot, closings: day_close.Closings | None) -> datetime:
    """Return when the papers due at a reader's hour can be sent (UTC), as far as known.

    If a list closes within schedule.CLOSE_WAIT after the hour, wait for it, and then up to as long again for it to be read.
    """
    if closings is None:
        return due.at
    day = closings.rule.last_closed(due.at + schedule.CLOSE_WAIT)
    wait = timedelta(0) if closings.is_complete(day) else schedule.CLOSE_WAIT
    return max(due.at, closings.rule.closes_at(day) + wait)


def find_due(
    now: datetime, at_time: str, zone: str, closings: day_close.Closings | None
) -> schedule.Slot | None:
    """Return the last due time of an hour (HH:MM in a zone), if its papers can be sent at `now` (UTC).

    None for a zone unknown to this machine.
    """
    if not clock.is_known_zone(zone):
        return None
    due = schedule.next_due(now - schedule.WAIT - schedule.CLOSE_WAIT, _rule_of(at_time, zone))
    return due if _ready_at(due, closings) <= now else None


async def _list_sent(connection: Connection, user_id: int, now: datetime, *, but_on: date) -> set[str]:
    """Return the arXiv ids sent to a reader for other days within choice.REPOST_INTERVAL before `now`."""
    sent = await outbox.list_rows(
        connection, kind=models.DeliveryKind.TODAY, user_id=user_id, since_at=now - choice.REPOST_INTERVAL
    )
    return {
        arxiv_id
        for row in sent
        if row.digest_on != but_on and (row.state is not models.DeliveryState.STOPPED or row.is_uncertain)
        for arxiv_id in row.papers
    }


async def _read_details(connection: Connection, day: Day, rows: Iterable[models.PaperRow]) -> None:
    """Read papers of a day in full, unless done. Only shown ones: a day of 900 papers would take 0.2 s of CPU."""
    unread = [row.id for row in rows if row.id not in day.details]
    day.details.update((detail.id, detail) for detail in await papers.list_details(connection, unread))


async def _match_follows(
    search: SearchService, connection: Connection, day: Day, active: Sequence[models.Alert]
) -> Follows:
    """Return the day's papers that match a reader's alerts, whatever the minimum votes."""
    if not active:
        return {}
    if day.texts is None:
        day.texts = []
        compared = [row.id for row in day.papers[: profiles.MAX_COMPARED]]
        for batch in chunked(compared, profiles.PAPERS_AT_ONCE):
            details = await papers.list_details(connection, batch)
            day.texts += await asyncio.to_thread(lambda: list(map(matcher.PaperText, details)))  # noqa: B023
    queries = await matcher.read_alerts(search, connection, active)
    return await asyncio.to_thread(_match, list(queries.values()), day.texts)


def _match(queries: Sequence[matcher.AlertQuery], texts: Iterable[matcher.PaperText]) -> Follows:
    found = ((paper.detail.id, matcher.match_all(queries, paper)) for paper in texts)
    return {paper_id: reasons for paper_id, reasons in found if reasons}


def _rank(
    rows: Sequence[models.PaperRow],
    scores: Mapping[int, float],
    follows: Follows,
    chosen: Collection[int] = (),
) -> list[tuple[int, models.PaperRow]]:
    """Return the day's papers, best first, with their ranks by votes; equal scores keep the order of votes.

    `chosen` ids come first.
    """
    by_votes = sorted(rows, key=lambda row: (*models.votes_descending(row.votes), row.id))
    spread = max(scores.values(), default=0.0) - min(scores.values(), default=0.0)
    bonus = _FOLLOW_SHARE * spread or 1.0
    return sorted(
        enumerate(by_votes, start=1),
        key=lambda pair: (
            pair[1].id not in chosen,
            -scores.get(pair[1].id, 0.0) - bonus * (pair[1].id in follows),
        ),
    )


def _find_reasons(
    day: Day,
    detail: models.PaperDetail,
    profile: models.Profile,
    learnt: profiles.Learnt,
    locale: models.Locale,
    follows: Follows,
) -> tuple[TodayReason, ...]:
    """Return at most MAX_REASONS reasons: concepts of the reader's saved papers, then followed and picked topics."""
    own = profiles.concepts_of(day.vectors.get(detail.id, {}))
    count = len(day.papers)
    too_common = max(2, _MAX_CONCEPT_SHARE * count) if count >= _MIN_DAY else count
    reasons: list[TodayReason] = []
    for key, count in sorted(learnt.concepts.items(), key=lambda item: (-item[1], item[0])):
        if key not in own or count < 2:
            continue
        feature = profiles.CONCEPT_MARK + key
        is_common = sum(feature in vector for vector in day.vectors.values()) > too_common
        if not is_common and (name := concept_name(day.glossary, key, locale)):
            reasons.append((TodayReasonKind.SAVED, name, count))
    reasons = reasons[: MAX_REASONS - 1]
    reasons += [(TodayReasonKind.FOLLOWED, reason.topic, 0) for reason in follows.get(detail.id, ())]
    reasons += [
        (TodayReasonKind.PICKED, topic, 0)
        for topic in profile.topics
        if any(concept.key in own for concept in day.glossary.find_concepts(topic))
    ]
    # A term in another spacing is the same reason.
    told = {"".join(reason[1].casefold().split()): reason for reason in reversed(reasons)}
    return tuple(reason for reason in reasons if reason in told.values())[:MAX_REASONS]


def concept_name(glossary: Glossary, key: str, locale: models.Locale) -> str:
    """Return the usual name of a topic in a language, else in the other; "" if the concept is not (or no longer) a topic."""
    concept = glossary.concept(key)
    if concept is None or not glossary.is_topic(key):
        return ""
    return search_glossary.name_concept(concept, locale)


log = structlog.get_logger(__name__)

BATCH_SIZE = 25
"""Readers per transaction. If all profiles must be learnt, a batch takes some three seconds of CPU."""


async def _find_owned(
    connection: Connection, delivery: models.Delivery, pause_for: str | None
) -> list[Owned]:
    if pause_for is not None and delivery.user_id is not None:
        await today.change(connection, delivery.user_id, reason=pause_for)
    return []


TODAY: KindRecord[TodayPost] = KindRecord(
    kind=models.DeliveryKind.TODAY,
    priority=models.Priority.SCHEDULED,
    render=lambda renderer, post: renderer.render_today(post),
    find_owned=_find_owned,
)


_FAILED = "papers of the day not built"


class TodayPlanner:
    """Plans the deliveries by DM: from the reader's hour on (`find_due`), the newest complete day not sent yet.

    The delivery's key names the reader and the local date, so there is one a day.
    """

    def __init__(
        self,
        database: Database,
        deliveries: DeliveryFactory,
        service: TodayService,
        rule: day_close.DayClose,
        *,
        default_locale: models.Locale = models.Locale.EN,
    ) -> None:
        self._database = database
        self._deliveries = deliveries
        self._day_close = rule
        self._service = service
        self._default_locale = default_locale

    async def tick(
        self, now: datetime, between: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
    ) -> int:
        """Plan everything that is due at `now` (UTC). Returns the number of deliveries.

        `between` is called after each batch, for work that must not wait for thousands of readers. Errors are logged, and
        the next call retries: they must not stop the daily posts.
        """
        planned = 0
        with isolation.isolated(log, "planning papers of the day failed"):
            while (count := await self._plan_batch(now)) is not None:
                planned += count
                await between()
        return planned

    async def _plan_batch(self, now: datetime) -> int | None:
        """Plan the deliveries of some readers, built before the transaction. Returns None if none is due."""
        async with self._database.read() as connection:
            if not (hours := await today.list_hours(connection)):
                return None
            days = await daily_planner.list_recent_days(connection, self._day_close, now)
        due_by_date: dict[date, dict[tuple[str, str], datetime]] = defaultdict(dict)
        for hour in hours:
            if (due := find_due(now, *hour, days.closings)) is not None:
                due_by_date[due.on][hour] = due.at
        for local_on, due_at in due_by_date.items():
            count = await self._plan_date(now, next(iter(days.complete), None), local_on, due_at)
            if count is not None:
                return count
        return None

    async def _plan_date(
        self, now: datetime, on: date | None, local_on: date, hours: Mapping[tuple[str, str], datetime]
    ) -> int | None:
        """Plan the deliveries of some readers on a local date; `hours` gives the due times (UTC)."""
        async with self._database.read() as connection:
            if not (due := await today.list_due(connection, hours, local_on, limit=BATCH_SIZE)):
                return None
            user_ids = [profile.user_id for profile in due]
            known = await accounts.list_readers_by_id(connection, user_ids)
            sent = await today.list_sent(connection, user_ids, on, clock.latest_date(now)) if on else set()
        built: list[models.NewDelivery] = []
        if on is not None:
            unsent = [profile for profile in due if profile.user_id not in sent]
            built = await self._build(unsent, known, now, on, local_on, hours)
        async with self._database.transaction() as connection:
            # `/me forget` takes the same lock: a reader who is forgotten meanwhile gets no message.
            await alerts.lock_planning(connection)
            # A reader who stopped it meanwhile gets no message.
            stored = await today.list_due(connection, hours, local_on, limit=10 * BATCH_SIZE)
            still_due = {profile.user_id for profile in stored}
            ids = await outbox.add_all(connection, [row for row in built if row.user_id in still_due])
            await today.set_last_on(connection, user_ids, local_on)
        if ids:
            log.info("papers of the day planned", count=len(ids))
        return len(ids)

    async def _build(
        self,
        due: Sequence[models.Profile],
        known: Mapping[int, models.Reader],
        now: datetime,
        on: date,
        local_on: date,
        hours: Mapping[tuple[str, str], datetime],
    ) -> list[models.NewDelivery]:
        """Build and render the posts of a day that have papers; failures are logged and left out."""
        built: list[models.NewDelivery] = []
        if (day := await self._service.open_day(on)) is None:
            return built
        for profile in due:
            reader = known.get(profile.user_id)
            locale = (reader and reader.locale) or self._default_locale
            # A reader for whom this fails must not hold up the others.
            with isolation.isolated(log, _FAILED, reraise=(StorageError,), user=profile.user_id):
                post = await self._service.build_of_day(profile, locale, day)
                post = replace(post, marker=f"today:{profile.user_id}:{local_on}")
                if post.picks:
                    delivery = self._deliveries.build_post(
                        TODAY,
                        post,
                        now,
                        due_at=hours[profile.at_time or "", profile.timezone or ""],
                        user_id=profile.user_id,
                        channel_id=reader.dm_channel_id if reader is not None else None,
                        digest_on=on,
                        papers=tuple(pick.paper.arxiv_id for pick in post.picks),
                    )
                    built.append(delivery)
        return built
