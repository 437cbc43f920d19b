"""Chooses a reader's five papers for a day, with reasons, and plans their delivery by direct message (DM)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeAlias, assert_never

import structlog

from bot.archive import complete_days
from bot.core import clock, day_close, schedule
from bot.core.clock import Clock
from bot.core.retries import Retries
from bot.features.today.profiles import Profiles
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory, DeliveryHandler
from bot.papers import post_papers
from bot.search import alert_matcher, glossary_service, likeness, vectors
from bot.search.results import Snippet
from bot.search.service import SearchService
from bot.search.term_resolver import Glossary
from storage import accounts, alerts, archive, models, outbox, papers, shelf, today
from storage.database import Database
from storage.snapshot import chunked
from storage.today import FeedbackKind

MAX_REASONS = 3
_FOLLOW_SHARE = 0.5
"""A matching alert raises a paper's score by this share of the day's range of scores."""


class TodayReasonKind(StrEnum):
    SAVED = "saved"
    """The reader saved other papers on this concept."""
    FOLLOWED = "followed"
    """One of the reader's alerts matches."""


class TodayReason(NamedTuple):
    """A reason with its concept, name or topic, and the number of saved papers on that concept (0 for other kinds)."""

    kind: TodayReasonKind
    text: str
    saved: int = 0


PAPERS = 5
MIN_SAVED = 3
"""With fewer saved papers, followed words come first, then the most upvoted papers."""


class PaperMark(StrEnum):
    SAVE = "save"
    MORE = "more"
    LESS = "less"


class TodayPick(NamedTuple):
    """A chosen paper: its rank by votes, its reasons (the first with a quote) and the reader's marks."""

    paper: post_papers.PostPaper
    rank: int
    reasons: tuple[TodayReason, ...]
    marks: tuple[PaperMark, ...]


@dataclass(frozen=True, slots=True)
class TodayPost:
    """A reader's papers for a day. `is_personal` is False if they are ranked only by votes.

    `at_time` is the local time (HH:MM) of the daily DM, or None. `suspended` is the reason why Discord
    refused the last DM.
    """

    marker: str
    locale: models.Locale
    digest_on: date
    picks: tuple[TodayPick, ...]
    saved_count: int
    is_personal: bool
    has_alerts: bool
    at_time: str | None
    suspended: str | None

    @property
    def has_match(self) -> bool:
        """Whether a paper has a reason to be here, or any is not in the order of votes."""
        ranks = [pick.rank for pick in self.picks]
        return any(pick.reasons for pick in self.picks) or ranks != sorted(ranks)


@dataclass(slots=True)
class Day:
    """A day's papers, most votes first, with their vectors."""

    on: date
    papers: list[models.PaperRow]
    vectors: Mapping[int, vectors.Vector]
    glossary: Glossary
    compared: alert_matcher.PaperMatcher | None = None
    """The papers that are compared with alerts; None until a reader with an alert needs them."""


Follows: TypeAlias = Mapping[int, alert_matcher.Reasons]
"""Why papers match a reader's alerts, by paper id."""


@dataclass(frozen=True, slots=True)
class _ReaderOfDay:
    """What a reader follows among a day's papers, and has saved, answered and been sent."""

    follows: Follows
    has_alerts: bool
    saved: frozenset[int]
    answers: Mapping[int, FeedbackKind]
    sent: Collection[str]

    def marks(self, paper_id: int) -> tuple[PaperMark, ...]:
        saved = [PaperMark.SAVE] if paper_id in self.saved else []
        answer = self.answers.get(paper_id)
        return (*saved, PaperMark(answer.value)) if answer is not None else tuple(saved)


@dataclass(eq=False)
class TodayService:
    """Chooses readers' papers for a day. Stores the time at which to send the papers."""

    _database: Database
    _clock: Clock
    _profiles: Profiles
    _search: SearchService
    _glossary: glossary_service.GlossaryService
    _day_close: day_close.DayClose

    async def build_post(
        self, user_id: int, locale: models.Locale, on: date | None = None, *, shown: Sequence[str] = ()
    ) -> TodayPost | None:
        """Return the reader's papers for a day, by default the latest complete day; None if the archive is empty.

        `shown` lists the keys of the papers already in the message; they stay in this order.
        """
        profile = await self._profiles.find(user_id)
        if profile.reason is None and profile.at_time is not None:
            refusal = await self._database.fetch(outbox.find_refusal, models.DeliveryKind.TODAY, user_id)
            profile = replace(profile, reason=refusal)
        if on is None:
            days = await self._database.fetch(complete_days.list_recent_days, self._day_close, self._clock())
            if (on := days.newest) is None:
                return None
        if (day := await self.open_day(on)) is None:
            return None
        return await self.build_of_day(profile, locale, day, shown)

    async def open_day(self, on: date) -> Day | None:
        """Load a day, for use with any number of readers. Returns None if the day has no papers."""
        async with self._database.read() as connection:
            rows = await papers.list_by_date(connection, on, origin=archive.ALL)
            if not rows:
                return None
        known = await self._profiles.vectors.extract([row.id for row in rows[: vectors.MAX_COMPARED]])
        of_day = {row.id: known.get(row.id, {}) for row in rows}
        return Day(
            on, [row for row in rows if not row.withdrawn_by], of_day, await self._glossary.get_current()
        )

    async def build_of_day(
        self, profile: today.Profile, locale: models.Locale, day: Day, shown: Sequence[str]
    ) -> TodayPost:
        """Return a reader's papers for a day that is already loaded. `shown` is as in `build_post`."""
        learnt = await self._profiles.learn(profile, day.vectors.keys())
        reader = await self._load_reader(profile, day)
        is_learnt = len(reader.saved) >= MIN_SAVED
        is_personal = is_learnt or reader.has_alerts
        ranked = await asyncio.to_thread(_rank, reader, day, learnt, is_personal=is_personal)
        if shown:
            shown = await self._database.fetch(papers.list_current_keys, shown)
            chosen = [ranked[paper_key] for paper_key in shown if paper_key in ranked]
        else:
            unwanted = {
                key for key, kind in reader.answers.items() if kind is FeedbackKind.LESS
            } | reader.saved
            fresh = (pair for paper_key, pair in ranked.items() if paper_key not in reader.sent)
            chosen = [pair for pair in fresh if pair[1].id not in unwanted][:PAPERS]
        async with self._database.read() as connection:
            # A paper may have been joined to another since the day was loaded.
            ids = await papers.get_ids(connection, [row.key for _, row in chosen])
            ranks = dict[int, int]()
            for rank, row in chosen:
                ranks.setdefault(ids[row.key], rank)
            details = await papers.list_details(connection, [*ranks])
        concepts = learnt.concepts if is_learnt else {}
        picks = []
        for detail in details:
            reasons: tuple[TodayReason, ...] = ()
            if is_personal:
                reasons = _find_reasons(day, detail, concepts, locale, reader.follows)
            quoted, reasons = _put_quoted_first(detail, reasons, locale)
            paper = post_papers.build_post_paper(detail, locale, quoted=quoted)
            picks.append(TodayPick(paper, ranks[detail.id], reasons, reader.marks(detail.id)))
        return TodayPost(
            marker=f"today:{profile.user_id}:{day.on}",
            locale=locale,
            digest_on=day.on,
            picks=tuple(picks),
            saved_count=len(reader.saved),
            is_personal=is_personal,
            has_alerts=reader.has_alerts,
            at_time=profile.at_time if profile.reason is None else None,
            suspended=profile.reason,
        )

    async def _load_reader(self, profile: today.Profile, day: Day) -> _ReaderOfDay:
        async with self._database.read() as connection:
            of_reader = await alerts.list_rows(connection, user_id=profile.user_id)
            limit = len(day.papers) + 200
            answers = await today.list_feedback(connection, profile.user_id, limit=limit)
            saved = await shelf.list_paper_ids(connection, profile.user_id)
            since_at = self._clock() - contents.REPOST_INTERVAL
            sent = await today.list_sent_papers(connection, profile.user_id, since_at, but_on=day.on)
        active = [alert for alert in of_reader if not alert.paused]
        follows = await self._match_follows(day, active) if active else {}
        return _ReaderOfDay(follows, bool(active), frozenset(saved), dict(answers), sent)

    async def _match_follows(self, day: Day, active: Sequence[models.Alert]) -> Follows:
        """Return why papers of the day match a reader's alerts, whose vote minimums are ignored."""
        if day.compared is None:
            compared = [row.id for row in day.papers[: vectors.MAX_COMPARED]]
            day.compared = alert_matcher.PaperMatcher(await self._search.open_papers(compared))
        queries = await alert_matcher.read_alerts(self._search, active)
        matching = await asyncio.to_thread(day.compared.match_all, queries)
        follows = defaultdict[int, list[alert_matcher.AlertReason]](list)
        for of_alert in matching.values():
            for paper_id, reasons in of_alert.items():
                follows[paper_id] += reasons
        return {paper_id: alert_matcher.merge_reasons(reasons) for paper_id, reasons in follows.items()}

    async def set_mark(
        self, user_id: int, paper_id: int, mark: PaperMark, is_set: bool, server_id: int | None
    ) -> None:
        """Save a paper or store the reader's feedback on it, for use on later days; or undo either.

        Raises UsageError if the shelf is full.
        """
        await self._profiles.find(user_id)
        async with self._database.transaction() as connection:
            match mark:
                case PaperMark.SAVE if is_set:
                    await shelf.save(connection, user_id, [paper_id], self._clock(), server_id)
                case PaperMark.SAVE:
                    await shelf.remove(connection, user_id, paper_id)
                case PaperMark.MORE | PaperMark.LESS:
                    kind = FeedbackKind(mark.value) if is_set else None
                    await today.set_feedback(connection, user_id, paper_id, kind, self._clock())
                case _:
                    assert_never(mark)

    async def send_daily(self, user_id: int, at_time: str | None, zone: str) -> today.Profile:
        """Send a reader's papers by DM each day at a local time (HH:MM), by default the stored time or DEFAULT_TIME.

        Uses the reader's zone, or else the profile's previous zone, or else `zone`. Returns the changed profile.
        """
        profile = await self._profiles.find(user_id)
        now = self._clock()
        async with self._database.transaction() as connection:
            reader = await accounts.get_reader(connection, user_id)
            zone = (reader and reader.timezone) or profile.timezone or zone
            chosen = at_time or profile.at_time or schedule.DEFAULT_TIME
            days = await complete_days.list_recent_days(connection, self._day_close, now)
            due = schedule.next_due(now - schedule.DAY, schedule.rule_of(chosen, zone))
            is_over = _ready_at(due, days.closings) <= now
            settings: today.ProfileSettings = {
                "at_time": chosen,
                "timezone": zone,
                "last_on": due.on if is_over else due.on - schedule.DAY,
                "reason": None,
            }
            await today.change(connection, user_id, **settings)
            await outbox.try_direct(connection, models.DeliveryKind.TODAY, user_id, now)
        return replace(profile, **settings)

    async def stop_daily(self, user_id: int) -> None:
        """Stop sending a reader's papers, also those that wait."""
        async with self._database.transaction() as connection:
            await today.change(connection, user_id, at_time=None, timezone=None, reason=None)
            await outbox.withdraw(connection, kind=models.DeliveryKind.TODAY, user_id=user_id)


def _ready_at(due: schedule.Slot, closings: day_close.Closings | None) -> datetime:
    """Return the expected time (UTC) at which the papers due at a reader's time can be sent.

    If a list closes within schedule.CLOSE_WAIT, wait for its close, then up to CLOSE_WAIT until it has been
    read.
    """
    if closings is None:
        return due.at
    day = closings.rule.last_closed(due.at + schedule.CLOSE_WAIT)
    wait = timedelta(0) if closings.is_complete(day) else schedule.CLOSE_WAIT
    return max(due.at, closings.rule.closes_at(day) + wait)


def find_due(
    now: datetime, at_time: str, zone: str, closings: day_close.Closings | None
) -> schedule.Slot | None:
    """Return the last time (UTC) a local time (HH:MM) was due, if its papers can be sent at `now` (UTC)."""
    due = schedule.next_due(now - schedule.WAIT - schedule.CLOSE_WAIT, schedule.rule_of(at_time, zone))
    return due if _ready_at(due, closings) <= now else None


def _rank(
    reader: _ReaderOfDay, day: Day, learnt: likeness.LearntProfile, *, is_personal: bool
) -> dict[str, tuple[int, models.PaperRow]]:
    """Return a day's papers, best first, by their keys, each with its rank by votes.

    Papers with equal scores are sorted by votes. While the weights are learnt only from followed words, which
    cannot rank the papers that contain none of them, those that contain some come first.
    """
    rated, chosen = likeness.rate(learnt, day.vectors), set[int]()
    scores = {key: value for key, (value, _) in rated.items()}
    earlier = {kind for key, kind in reader.answers.items() if key not in day.vectors}
    if len(reader.saved) < MIN_SAVED and FeedbackKind.MORE not in earlier:
        chosen = set(reader.follows)
        scores = {key: score for key, score in scores.items() if key in chosen}
    if not is_personal:
        scores = {}
    by_votes = sorted(day.papers, key=lambda row: (*models.votes_descending(row.votes), row.id))
    spread = max(scores.values(), default=0.0) - min(scores.values(), default=0.0)
    bonus = _FOLLOW_SHARE * spread or 1.0

    def score(row: models.PaperRow) -> float:
        return scores.get(row.id, 0.0) + (bonus if row.id in reader.follows else 0.0)

    ranked = sorted(
        enumerate(by_votes, start=1), key=lambda pair: (pair[1].id not in chosen, -score(pair[1]))
    )
    return {row.key: (rank, row) for rank, row in ranked}


def _find_reasons(
    day: Day, detail: models.PaperDetail, concepts: Mapping[str, int], locale: models.Locale, follows: Follows
) -> tuple[TodayReason, ...]:
    """Return up to MAX_REASONS reasons: `concepts` of the reader's saved papers, then alerts.

    A concept of a single saved paper is a reason only if there is no other.
    """
    features = day.vectors.get(detail.id, {})
    shared = [
        TodayReason(TodayReasonKind.SAVED, of_both.name(locale), of_both.papers)
        for of_both in likeness.list_shared(concepts, features, day.glossary)
    ]
    reasons = [reason for reason in shared if reason.saved > 1][: MAX_REASONS - 1]
    reasons += [TodayReason(TodayReasonKind.FOLLOWED, reason.topic) for reason in follows.get(detail.id, ())]
    # The same term with different spacing is not a separate reason.
    distinct = {"".join(reason.text.casefold().split()): reason for reason in reversed(reasons)}
    found = tuple(reason for reason in reasons if reason in distinct.values())[:MAX_REASONS]
    return found or tuple(shared[:1])


def _put_quoted_first(
    detail: models.PaperDetail, reasons: tuple[TodayReason, ...], locale: models.Locale
) -> tuple[Snippet | None, tuple[TodayReason, ...]]:
    """Return the first sentence of a paper that names a reason, or None, and the reasons with that one in front.

    It is in the reader's language, or has the words of an alert.
    """
    for reason in reasons:
        quoted = alert_matcher.find_sentence(detail, [reason.text], locale)
        is_own = quoted is not None and quoted.language in (None, locale.value)
        if quoted is not None and (is_own or reason.kind is TodayReasonKind.FOLLOWED):
            return quoted, (reason, *(other for other in reasons if other is not reason))
    return None, reasons


log = structlog.get_logger(__name__)

BATCH_SIZE = 25
"""The number of readers planned in a transaction. Learning all their profiles takes up to three seconds of CPU time."""


TODAY = DeliveryHandler(
    kind=models.DeliveryKind.TODAY,
    priority=models.Priority.SCHEDULED,
    find_recipients=contents.pause_reader(today.change),
)


@dataclass(eq=False)
class TodayPlanner:
    """Plans DMs with the newest complete day not sent yet, once a reader's time has come (see `find_due`).

    A delivery's key consists of the reader and the local date, so there is at most one per date.
    """

    _database: Database
    _deliveries: DeliveryFactory
    _service: TodayService
    _day_close: day_close.DayClose
    default_locale: models.Locale

    def __post_init__(self) -> None:
        self._retries = Retries(log)

    async def tick(
        self, now: datetime, between: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
    ) -> int:
        """Plan all deliveries due at `now` (UTC). Returns how many. What fails for a reader is tried again (see `Retries`).

        `between` is called after each batch, for work that must not wait until all readers are done.
        """
        async with self._database.read() as connection:
            if not (hours := await today.list_hours(connection)):
                return 0
            days = await complete_days.list_recent_days(connection, self._day_close, now)
            slots = {hour: find_due(now, *hour, days.closings) for hour in hours}
            due = {hour: slot for hour, slot in slots.items() if slot is not None}
            rows = await today.list_due(connection, {hour: slot.on for hour, slot in due.items()})
        on = next(iter(days.complete), None)
        rows = [row for row in rows if self._retries.is_due(row.user_id, now)]
        planned = 0
        for batch in chunked(rows, BATCH_SIZE):
            planned += await self._plan_batch(batch, due, now, on)
            await between()
        return planned

    async def _plan_batch(
        self,
        rows: Sequence[today.Profile],
        slots: Mapping[tuple[str, str], schedule.Slot],
        now: datetime,
        on: date | None,
    ) -> int:
        """Plan some readers' deliveries, which are built before the transaction. Their `slots` are by time of day and zone."""
        user_ids = [profile.user_id for profile in rows]
        async with self._database.read() as connection:
            known = await accounts.list_readers_by_id(connection, user_ids)
            sent = await today.list_sent(connection, user_ids, on, clock.latest_date(now)) if on else {}
        due = {profile: slots[profile.at_time or "", profile.timezone or ""] for profile in rows}
        unsent = {profile: slot for profile, slot in due.items() if sent.get(profile.user_id) != ()}
        built, failed = await self._build(unsent, known, now, on, sent) if on is not None else ([], set())
        async with self._database.transaction() as connection:
            # `/me forget` takes the same lock. A reader who has since been forgotten or has stopped the DMs gets none.
            await alerts.lock_planning(connection)
            dates = {hour: slot.on for hour, slot in slots.items()}
            still_due = {row.user_id for row in await today.list_due(connection, dates, user_ids)}
            ids = await outbox.add_all(connection, [row for row in built if row.user_id in still_due])
            for local_on in {slot.on for slot in due.values()}:
                of_date = {row.user_id for row, slot in due.items() if slot.on == local_on}
                await today.set_last_on(connection, of_date - failed, local_on)
        if ids:
            log.info("papers of the day planned", count=len(ids))
        return len(ids)

    async def _build(
        self,
        due: Mapping[today.Profile, schedule.Slot],
        known: Mapping[int, models.Reader],
        now: datetime,
        on: date,
        unsent: Mapping[int, Sequence[str]],
    ) -> tuple[list[models.NewDelivery], set[int]]:
        """Build and render a day's posts, with the papers that are `unsent` to a reader who was sent some of that day.

        Empty posts are left out. Returns also the ids of the readers for whom this failed and is to be tried again.
        """
        built, failed = list[models.NewDelivery](), set[int]()
        if (day := await self._service.open_day(on)) is None:
            return built, failed
        for profile, slot in due.items():
            reader = known.get(profile.user_id)
            locale = (reader and reader.locale) or self.default_locale
            user_id = profile.user_id
            with self._retries.attempt("papers of the day not built", user_id, now, user=user_id) as attempt:
                shown = unsent.get(profile.user_id, ())
                post = await self._service.build_of_day(profile, locale, day, shown)
                post = replace(post, marker=f"today:{profile.user_id}:{slot.on}")
                if post.picks:
                    delivery = self._deliveries.build_post(
                        TODAY,
                        post,
                        now,
                        due_at=slot.at,
                        user_id=user_id,
                        channel_id=reader.dm_channel_id if reader is not None else None,
                        local_on=slot.on,
                        digest_on=on,
                        papers=tuple(pick.paper.key for pick in post.picks),
                    )
                    built.append(delivery)
            if attempt.is_open:
                failed.add(user_id)
        return built, failed
