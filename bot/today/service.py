"""The five papers of the newest day for one reader, with the reasons; their delivery by DM, and its settings."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import structlog

from bot.alerts import matcher
from bot.core import clock, day_close, isolation
from bot.core.clock import Clock, TimeSlices
from bot.daily import choice, schedule
from bot.daily import planner as daily_planner
from bot.glossary.resolver import Glossary
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory, KindRecord, Owned
from bot.today import profiles
from bot.today.profiles import Profiles
from bot.trends.service import RisingTopicService, best_supported_form
from storage import accounts, alerts, archive, models, outbox, papers, shelf, today
from storage.database import Connection, Database, chunked
from storage.errors import StorageError
from storage.models import FeedbackKind

MENU_TOPICS = 12
MAX_TOPIC_LENGTH = 60
MAX_REASONS = 3
DEFAULT_TIME = "09:00"
_FOLLOW_SHARE = 0.5
"""A followed author or word lifts a paper by this share of the distance between the day's best and worst score."""
_MAX_CONCEPT_SHARE = 0.25
"""A concept in a larger share of the day's papers distinguishes none of them."""
_MIN_DAY = 8
"""Papers of a day from which that share means something."""


class TodayReasonKind(StrEnum):
    """Why a paper is among a reader's papers of the day."""

    SAVED = "saved"
    """Some papers that the reader saved are about a concept too."""
    FOLLOWED = "followed"
    """An alert of the reader matches."""
    PICKED = "picked"
    """The reader picked the topic."""


TodayReason: TypeAlias = tuple[TodayReasonKind, str, int]
"""A reason: the concept, name or topic, and the number of saved papers about it (0 for the other kinds)."""

PAPERS = 5
"""Papers of the day for a reader."""
MIN_SAVED = 3
"""Saved papers from which a reader's papers are chosen by the profile; before, by picked topics and followed words, then by
votes."""

TodayPick: TypeAlias = tuple[contents.PostPaper, int, tuple[TodayReason, ...]]
"""A paper, its rank of the day by votes, and its reasons, first the one that the quoted sentence shows."""


@dataclass(frozen=True, slots=True)
class TodayPost:
    """A reader's papers of a day. `is_personal` says that they are not chosen by votes alone.

    `at_time` is the local time (HH:MM) at which they are sent by DM, None for never; `topics` are offered to be picked.
    `suspended` is the reason for which Discord does not take them any more.
    """

    marker: str
    locale: models.Locale
    digest_on: date
    picks: tuple[TodayPick, ...]
    saved_count: int
    is_personal: bool
    at_time: str | None = None
    topics: tuple[str, ...] = ()
    suspended: str | None = None


class Day(NamedTuple):
    """A day that has a digest."""

    on: date
    papers: list[models.PaperRow]
    """Its papers, most votes first."""
    details: dict[int, models.PaperDetail]
    """Those of its papers that were read in full, by id."""
    vectors: dict[int, dict[str, float]]


Follows: TypeAlias = Mapping[int, tuple[matcher.AlertReason, ...]]
"""Why papers match a reader's alerts, by paper id."""


class TodayService:
    """Ranks the papers of a day for readers, and stores when they want them by DM."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        reader_profiles: Profiles,
        rising: RisingTopicService,
        rule: day_close.DayClose | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._profiles = reader_profiles
        self._rising = rising
        self._day_close = rule or day_close.default()

    async def build_post(
        self, user_id: int, locale: models.Locale, on: date | None = None
    ) -> TodayPost | None:
        """Return the reader's papers of a day, else of the newest complete one; None for an archive without papers.

        Topics are offered until some are picked or MIN_SAVED papers saved.
        """
        profile = await self._profiles.open(user_id)
        if on is None:
            async with self._database.read() as connection:
                days = await daily_planner.list_recent_days(connection, self._day_close, self._clock())
            if (on := days.newest) is None:
                return None
        posts = await self.build_posts([(profile, locale)], on)
        if not posts or posts[0].saved_count >= MIN_SAVED or profile.topics:
            return posts[0] if posts else None
        return replace(posts[0], topics=await self.list_topics(locale))

    async def list_topics(self, locale: models.Locale) -> tuple[str, ...]:
        """Return the topics of the last month that a reader may pick, in the reader's language."""
        common = await self._rising.list_topics(locale, limit=MENU_TOPICS, with_common=True)
        return tuple(dict.fromkeys(topic.text[:MAX_TOPIC_LENGTH] for topic in common))

    async def build_posts(
        self, wanted: Sequence[tuple[models.Profile, models.Locale]], on: date
    ) -> list[TodayPost]:
        """Return the posts of a day for readers by their current profiles, each in a language; none without papers."""
        async with self._database.read() as connection:
            rows = await papers.list_by_date(connection, on, origin=archive.ALL, with_authors=False)
            if not rows:
                return []
            vectors = await self._profiles.vectors.get_day(connection, on)
            day = Day(on, rows, {}, vectors)
            glossary, _ = await self._profiles.vectors.get_concepts(connection)
            user_ids = [profile.user_id for profile, _ in wanted]
            scores = await self._profiles.score(connection, user_ids, vectors)
            active = {
                user_id: [
                    alert
                    for alert in await alerts.list_rows(connection, user_id=user_id)
                    if not alert.is_paused(self._clock())
                ]
                for user_id in user_ids
            }
            follows = await _match_follows(connection, active, rows)
            return [
                await self._build(
                    connection,
                    day,
                    glossary,
                    profile,
                    locale,
                    scores.get(profile.user_id, {}),
                    follows.get(profile.user_id),
                )
                for profile, locale in wanted
            ]

    async def _build(
        self,
        connection: Connection,
        day: Day,
        glossary: Glossary,
        profile: models.Profile,
        locale: models.Locale,
        scores: Mapping[int, float],
        follows: Follows | None,
    ) -> TodayPost:
        """Return the post of a reader; `follows` is None for one without active alerts."""
        answers = dict(await today.list_feedback(connection, profile.user_id, limit=len(day.papers) + 200))
        saved = await shelf.list_paper_ids(connection, profile.user_id)
        left_out = {*saved, *(key for key, answer in answers.items() if answer is FeedbackKind.LESS)}
        sent = await _list_sent(connection, profile.user_id, self._clock(), but_on=day.on)
        is_personal = len(saved) >= MIN_SAVED or bool(profile.topics) or follows is not None
        follows = follows or {}
        chosen: set[int] = set()
        if len(saved) < MIN_SAVED and FeedbackKind.MORE not in answers.values():
            # What is learnt from the words of alerts and topics alone says nothing about papers without them.
            concepts = (concept for topic in profile.topics for concept in glossary.find_concepts(topic))
            picked = {profiles.CONCEPT_MARK + concept.key for concept in concepts}
            chosen = {*follows, *(key for key, own in day.vectors.items() if not picked.isdisjoint(own))}
            scores = {key: score for key, score in scores.items() if key in chosen}
        ranked = _rank(day.papers, scores if is_personal else {}, follows, chosen)
        kept = [(rank, row) for rank, row in ranked if row.id not in left_out and row.arxiv_id not in sent][
            :PAPERS
        ]
        await _read_details(connection, day, [row for _, row in kept])
        shown = [(rank, day.details[row.id]) for rank, row in kept if row.id in day.details]
        await contents.prepare_extracts((detail for _, detail in shown), [locale])
        picks = []
        for rank, detail in shown:
            reasons = _find_reasons(day, detail, profile, glossary, locale, follows) if is_personal else ()
            quoted = None
            for reason in reasons:
                if quoted := matcher.find_sentence(detail, [reason[1]], locale):
                    reasons = (reason, *(other for other in reasons if other is not reason))
                    break
            paper = replace(contents.build_post_paper(detail, locale), quoted=quoted)
            picks.append((paper, rank, reasons))
        return TodayPost(
            marker="",
            locale=locale,
            digest_on=day.on,
            picks=tuple(picks),
            saved_count=len(saved),
            is_personal=is_personal,
            at_time=profile.at_time if profile.next_due_at is not None else None,
            suspended=profile.reason,
        )

    async def answer(self, user_id: int, paper_id: int, kind: FeedbackKind) -> None:
        """Record what a reader said of a paper; the profile is current with the next post."""
        await self._profiles.find(user_id)
        async with self._database.transaction() as connection:
            await today.set_feedback(connection, user_id, paper_id, kind, self._clock())

    async def describe_profile(
        self, user_id: int, locale: models.Locale
    ) -> tuple[tuple[str, ...], list[tuple[str, int]]]:
        """Return the topics that a reader picked, and the concepts of at least two saved papers with their number."""
        profile = await self._profiles.open(user_id)
        async with self._database.read() as connection:
            glossary, _ = await self._profiles.vectors.get_concepts(connection)
        names = [
            (name, count)
            for key, count in profile.concepts.items()
            if count > 1 and (name := concept_name(glossary, key, locale))
        ]
        return profile.topics, names[:MENU_TOPICS]

    async def pick_topics(self, user_id: int, topics: Sequence[str]) -> None:
        """Replace the topics that a reader picked, at most MENU_TOPICS of at most MAX_TOPIC_LENGTH characters."""
        kept = dict.fromkeys(topic[:MAX_TOPIC_LENGTH] for topic in topics[:MENU_TOPICS])
        await self._profiles.find(user_id)
        async with self._database.transaction() as connection:
            await today.change(connection, user_id, topics=tuple(kept))

    async def send_daily(self, user_id: int, at_time: str | None, zone: str) -> models.Profile:
        """Send a reader's papers by DM each day at this local time (HH:MM), at their stored hour, or at DEFAULT_TIME.

        The time is in the reader's zone, else in that in which they were sent before, else in `zone`.
        """
        profile = await self._profiles.find(user_id)
        now = self._clock()
        async with self._database.transaction() as connection:
            reader = await accounts.get_reader(connection, user_id)
            zone = (reader and reader.timezone) or profile.timezone or zone
            chosen = at_time or profile.at_time or DEFAULT_TIME
            days = await daily_planner.list_recent_days(connection, self._day_close, now)
            due = next_due(now, chosen, zone, days.closings)
            settings: today.ProfileSettings = {
                "at_time": chosen,
                "timezone": zone,
                "next_due_at": due.at,
                "due_on": due.local_on,
                "reason": None,
            }
            if profile.next_due_at is None:
                settings["last_digest_on"] = None  # what came while nothing was sent is not sent now
            await today.change(connection, user_id, **settings)
            await outbox.resume(connection, now, user_id=user_id)
        return replace(profile, **settings)

    async def stop_daily(self, user_id: int) -> None:
        """Stop sending a reader the papers of the day."""
        async with self._database.transaction() as connection:
            await today.change(
                connection, user_id, at_time=None, timezone=None, next_due_at=None, due_on=None, reason=None
            )


def next_due(now: datetime, at_time: str, zone: str, closings: day_close.Closings | None) -> schedule.DueTime:
    """Return when a message is due next after `now` (UTC): at `at_time` in the zone, across changes of the clock.

    With `closings` that is the earliest: a list that closes within choice.CLOSE_WAIT after it is awaited.
    """
    rule = schedule.Rule(schedule.parse_time(at_time), clock.parse_zone(zone))
    due = schedule.next_due(now if closings is None else now - choice.CLOSE_WAIT, rule)
    while True:
        at = due.at
        if closings is not None:
            at = max(at, closings.rule.closes_at(closings.rule.last_closed(at + choice.CLOSE_WAIT)))
        if at > now:
            return schedule.DueTime(at, due.local_on)
        due = schedule.next_due(due.at, rule)


async def _list_sent(connection: Connection, user_id: int, now: datetime, *, but_on: date) -> set[str]:
    """Return the papers, by arXiv id, that a reader was sent of other days within choice.REPOST_INTERVAL before `now`."""
    sent = await outbox.list_rows(
        connection, kind=models.DeliveryKind.TODAY, user_id=user_id, since_at=now - choice.REPOST_INTERVAL
    )
    undone = models.DeliveryState.EXPIRED, models.DeliveryState.FAILED
    return {
        arxiv_id
        for row in sent
        if row.digest_on != but_on and row.state not in undone
        for arxiv_id in row.post.papers
    }


async def _read_details(connection: Connection, day: Day, rows: Iterable[models.PaperRow]) -> None:
    """Read papers of a day in full that were not yet. A day of 900 papers takes 0.2 s of CPU, and five of them are shown."""
    unread = [row.id for row in rows if row.id not in day.details]
    day.details.update((detail.id, detail) for detail in await papers.list_details(connection, unread))


async def _match_follows(
    connection: Connection, alerts_of: Mapping[int, Sequence[models.Alert]], rows: Iterable[models.PaperRow]
) -> dict[int, Follows]:
    """Return what papers match of the alerts of each reader who has some; the minimum of votes does not matter here.

    A few papers are in memory at a time, and no more are read once they had profiles.MAX_DAY_CHARACTERS.
    """
    followed = await asyncio.to_thread(_prepare_alerts, alerts_of)
    found: dict[int, dict[int, tuple[matcher.AlertReason, ...]]] = {user_id: {} for user_id in followed}
    room = profiles.MAX_DAY_CHARACTERS if followed else 0
    for batch in chunked((row.id for row in rows), profiles.PAPERS_AT_ONCE):
        if room <= 0:
            break
        details = await papers.list_details(connection, batch)
        room -= await asyncio.to_thread(_match_details, followed, details, found)
    return dict(found)


def _prepare_alerts(alerts_of: Mapping[int, Sequence[models.Alert]]) -> dict[int, matcher.Followed]:
    return {user_id: matcher.Followed(own) for user_id, own in alerts_of.items() if own}


def _match_details(
    followed: Mapping[int, matcher.Followed],
    details: Sequence[models.PaperDetail],
    found: Mapping[int, dict[int, tuple[matcher.AlertReason, ...]]],
) -> int:
    """Add what these papers match to what is `found`. Returns the number of their characters."""
    characters = 0
    for detail in details:
        text = matcher.keyword_text(detail)
        haystack = matcher.build_haystack(detail, text)
        characters += matcher.count_characters(detail, text)
        for user_id, terms in followed.items():
            if reasons := terms.match_all(detail, text, haystack):
                found[user_id][detail.id] = reasons
    return characters


def _rank(
    rows: Sequence[models.PaperRow],
    scores: Mapping[int, float],
    follows: Follows,
    chosen: Collection[int] = (),
) -> list[tuple[int, models.PaperRow]]:
    """Return the day's papers, best first, with their ranks by votes; equal scores keep the order of votes.

    Those `chosen`, by id, come before all others.
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
    glossary: Glossary,
    locale: models.Locale,
    follows: Follows,
) -> tuple[TodayReason, ...]:
    """Return at most MAX_REASONS true reasons: concepts of the reader's saved papers, then what the reader follows or picked."""
    own = profiles.concepts_of(day.vectors.get(detail.id, {}))
    count = len(day.papers)
    too_common = max(2, _MAX_CONCEPT_SHARE * count) if count >= _MIN_DAY else count
    reasons: list[TodayReason] = []
    for key, count in sorted(profile.concepts.items(), key=lambda item: (-item[1], item[0])):
        if key not in own or count < 2:
            continue
        feature = profiles.CONCEPT_MARK + key
        is_common = sum(feature in vector for vector in day.vectors.values()) > too_common
        if not is_common and (name := concept_name(glossary, key, locale)):
            reasons.append((TodayReasonKind.SAVED, name, count))
    reasons = reasons[: MAX_REASONS - 1]
    named = {text.casefold() for _, text, _ in reasons}
    reasons += [
        (TodayReasonKind.FOLLOWED, reason.topic, 0)
        for reason in follows.get(detail.id, ())
        if reason.topic.casefold() not in named
    ]
    reasons += [
        (TodayReasonKind.PICKED, topic, 0)
        for topic in profile.topics
        if any(concept.key in own for concept in glossary.find_concepts(topic))
    ]
    return tuple(reasons[:MAX_REASONS])


def concept_name(glossary: Glossary, key: str, locale: models.Locale) -> str:
    """Return the usual name of a topic in a language, else in the other; "" of a concept that is not one, or not any more."""
    concept = glossary.concept(key)
    if concept is None or not glossary.is_topic(key):
        return ""
    english = best_supported_form(concept.forms_in("en")) or concept.key
    return best_supported_form(concept.forms_in("ko")) or english if locale is models.Locale.KO else english


log = structlog.get_logger(__name__)

BATCH_SIZE = 25
"""Readers per transaction. If all of their profiles are to be learnt again, a batch takes some three seconds of CPU."""


async def _undo(connection: Connection, unsent: Sequence[models.Delivery], now: datetime) -> None:
    """Let the days of unsent messages be planned again, and sent with the reader's next message."""
    readers_of: dict[date, list[int]] = defaultdict(list)
    for row in unsent:
        if row.user_id is not None and row.digest_on is not None:
            readers_of[row.digest_on].append(row.user_id)
    for on, user_ids in readers_of.items():
        await today.mark_unsent(connection, user_ids, on)
    await outbox.release_keys(connection, [row.id for row in unsent])


async def _suspend(
    connection: Connection, delivery: models.Delivery, state: models.ActivityState, reason: models.Reason
) -> list[Owned]:
    if delivery.is_direct and delivery.user_id is not None:
        await today.suspend(connection, delivery.user_id, reason)
    return []


TODAY: KindRecord[TodayPost] = KindRecord(
    kind=models.DeliveryKind.TODAY,
    priority=models.Priority.SCHEDULED,
    render=lambda renderer, post: renderer.render_today(post),
    undo=_undo,
    suspend=_suspend,
)


_FAILED = "papers of the day not built"
LONGEST_DAY = timedelta(hours=25)
"""From one due time to the next, when the clocks go back."""


MAX_DAYS_AT_ONCE = profiles.KEPT_DAYS
"""Days that a reader is sent at once, a message each, after a time in which none was complete or nothing was sent.

The days are planned in turn for each batch of readers, so the vectors of all of them are kept.
"""


class TodayPlanner:
    """Plans what is due by DM. Planning is idempotent: the key of a delivery names the reader and the digest's date.

    A local date may come twice, when a reader moves west, and may have two digests then.
    """

    def __init__(
        self,
        database: Database,
        deliveries: DeliveryFactory,
        reader_profiles: Profiles,
        service: TodayService,
        rule: day_close.DayClose,
        *,
        default_locale: models.Locale = models.Locale.EN,
    ) -> None:
        self._database = database
        self._deliveries = deliveries
        self._day_close = rule
        self._profiles = reader_profiles
        self._service = service
        self._default_locale = default_locale

    async def tick(
        self, now: datetime, between: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
    ) -> int:
        """Plan everything that is due at `now` (UTC). Returns the number of deliveries.

        `between` is called after each batch, for what must not wait for thousands of readers. Errors are logged, and the next
        call retries: they must not stop the daily posts.
        """
        planned = 0
        with isolation.isolated(log, "planning papers of the day failed"):
            while (count := await self._plan_batch(now)) is not None:
                planned += count
                await between()
        return planned

    async def reschedule(self, now: datetime) -> None:
        """Compute those due times again that lie more than a day ahead of `now` (UTC), as after a clock that was ahead."""
        async with self._database.transaction() as connection:
            put_off = await today.list_scheduled(connection, now + LONGEST_DAY)
            known = await accounts.list_readers_by_id(connection, [profile.user_id for profile in put_off])
            days = await daily_planner.list_recent_days(connection, self._day_close, now)
            moved = [_move(profile, known.get(profile.user_id), now, days.closings) for profile in put_off]
            await today.set_schedules(connection, moved)

    async def _plan_batch(self, now: datetime) -> int | None:
        """Plan the deliveries of some readers; learning and rendering happen before the transaction. None if none is due."""
        async with self._database.read() as connection:
            if not (due := await today.list_due(connection, now, limit=BATCH_SIZE)):
                return None
            days = await daily_planner.list_recent_days(connection, self._day_close, now)
            known = await accounts.list_readers_by_id(connection, [profile.user_id for profile in due])
        look_at = _awaited_until(days.closings, now)
        unsent = {} if look_at else {profile.user_id: _list_unsent(profile, days, now) for profile in due}
        current: dict[date, list[models.Profile]] = defaultdict(list)
        for profile in await self._learn([profile for profile in due if unsent.get(profile.user_id)]):
            current[unsent[profile.user_id][0]].append(profile)
        built: dict[int, models.NewDelivery] = {}
        for on, profiles_on in current.items():
            built |= await self._build(profiles_on, known, now, on)
        moved = []
        for profile in due:
            delivery = built.get(profile.user_id)
            sent = profile if delivery is None else replace(profile, last_digest_on=delivery.digest_on)
            if look_at is not None:
                moved.append(replace(sent, next_due_at=look_at))
            elif delivery is not None and len(unsent[profile.user_id]) > 1:
                moved.append(sent)  # the next day is planned by the next batch
            else:
                moved.append(_move(sent, known.get(profile.user_id), now, days.closings))
        async with self._database.transaction() as connection:
            # `/me forget` takes the same lock: a reader who is forgotten meanwhile gets no message.
            await alerts.lock_planning(connection)
            # A reader who stopped it meanwhile gets no message; one whose last message expired meanwhile is planned again.
            stored = {
                row.user_id: row for row in await today.list_due(connection, now, limit=10 * BATCH_SIZE)
            }
            still_due = {
                profile.user_id
                for profile in due
                if (row := stored.get(profile.user_id)) and row.last_digest_on == profile.last_digest_on
            }
            planned = [delivery for user_id, delivery in built.items() if user_id in still_due]
            ids = await outbox.add_all(connection, [delivery for delivery in planned if delivery.post.papers])
            await today.set_schedules(connection, [row for row in moved if row.user_id in still_due])
        if ids:
            log.info("papers of the day planned", count=len(ids))
        return len(ids)

    async def _learn(self, due: Sequence[models.Profile]) -> list[models.Profile]:
        """Return the profiles as they are now."""
        current = []
        for profile in due:
            # A reader for whom this fails must not hold up the others.
            with isolation.isolated(log, _FAILED, reraise=(StorageError,), user=profile.user_id):
                current.append(await self._profiles.learn(profile))
        return current

    async def _build(
        self, current: Sequence[models.Profile], known: Mapping[int, models.Reader], now: datetime, on: date
    ) -> dict[int, models.NewDelivery]:
        """Build and render the posts of a day by user id; what fails is logged and left out."""
        readers = [known.get(profile.user_id) for profile in current]
        locales = [(reader and reader.locale) or self._default_locale for reader in readers]
        failures: list[Exception] = []
        with isolation.collected(failures, reraise=(StorageError,)):
            posts = await self._service.build_posts(list(zip(current, locales, strict=True)), on)
        built: dict[int, models.NewDelivery] = {}
        if failures and len(current) > 1:
            for profile in current:
                built |= await self._build([profile], known, now, on)
        if failures:
            isolation.log_error(log, _FAILED, failures[0], users=len(current))
            return built
        slices = TimeSlices()
        for profile, reader, post in zip(current, readers, posts, strict=False):
            with isolation.isolated(log, "rendering papers of the day failed", user=profile.user_id):
                built[profile.user_id] = self._deliveries.build_post(
                    TODAY,
                    replace(post, marker=f"today:{profile.user_id}:{post.digest_on}"),
                    now,
                    due_at=profile.next_due_at or now,
                    user_id=profile.user_id,
                    channel_id=reader.dm_channel_id if reader is not None else None,
                    local_on=profile.due_on or now.date(),
                    digest_on=post.digest_on,
                    post=models.StoredPost(papers=tuple(paper.arxiv_id for paper, _, _ in post.picks)),
                )
            await slices.pause()
        return built


def _list_unsent(profile: models.Profile, days: daily_planner.RecentDays, now: datetime) -> list[date]:
    """Return the complete days that a reader was not sent, oldest first.

    That is the newest one alone at first, and after a clock that was ahead.
    """
    last_on = profile.last_digest_on
    if last_on is None or last_on > clock.latest_date(now):
        return days.complete[:1]
    return [on for on in reversed(days.complete[:MAX_DAYS_AT_ONCE]) if on > last_on]


def _awaited_until(closings: day_close.Closings | None, now: datetime) -> datetime | None:
    """Return when to look again (UTC) for the list that closed last, while it could not be read; None if it is not awaited."""
    if closings is None:
        return None
    day = closings.rule.last_closed(now)
    closed_at = closings.rule.closes_at(day)
    until = closed_at + choice.CLOSE_WAIT
    if closings.is_complete(day) or now >= until:
        return None
    return min(now + max(choice.MINUTE, (now - closed_at) / 8), until)


def _move(
    profile: models.Profile, reader: models.Reader | None, now: datetime, closings: day_close.Closings | None
) -> models.Profile:
    """Return the profile with its next due time in the reader's zone; without one if this machine does not know it."""
    zone = (reader and reader.timezone) or profile.timezone
    if profile.at_time is None or zone is None or not clock.is_known_zone(zone):
        return replace(profile, next_due_at=None, due_on=None)
    due = next_due(now, profile.at_time, zone, closings)
    return replace(profile, timezone=zone, next_due_at=due.at, due_on=due.local_on)
