"""Chooses the papers of a post and describes the post as plain data. Pure.

A post is chosen from the papers that are new since its subscription's previous post (`draw`). It shows the
best of them, followed by *late* papers: papers added to days already posted, which do not count towards
`top_n`. The papers come from all sources that select papers, or from one named source (with a topic, also
from its LOOKUP digests; see `find_origin`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeAlias

from bot.core import schedule
from bot.core.schedule import DAY
from bot.outbox import contents
from bot.rendering import discord_text
from storage import models
from storage.archive import DigestPaper, Origin
from storage.daily import HighWaterMark
from storage.models import Style, Subscription

PostSchedule = tuple[str, str, tuple[int, ...]]
"""A subscription's schedule for the footer: `HH:MM` or "", an IANA zone, ISO weekdays (1-7)."""
LateDay: TypeAlias = tuple[date, int, int]
"""A day to which papers were added after its post: how many are shown and how many qualify."""


@dataclass(frozen=True, slots=True)
class DailyPost:
    """A day's top papers for one channel.

    `marker` identifies the delivery's messages in the channel's history (at most 64 characters of
    `A-Za-z0-9:_-`). `total` is the number of papers chosen from, all on the topic. `digest_on` is the digest's date; a weekly
    post covers `since_on` to `digest_on`. The late papers come last, grouped by the days in `late`; `ranks` are
    those of the others, () if unknown. `topic` is the query that all papers match, or "". `source` is the name
    of the papers' source, or "" for all sources. `mention_role_id` is a role to mention above the headline, `tag_id`
    the tag of a post in a forum. If `by_webhook`, it has no buttons, menus or commands, since they need a bot. If
    `silent`, it sends no notification.
    """

    marker: str
    locale: models.Locale
    style: models.Style
    digest_on: date
    total: int
    papers: tuple[contents.PostPaper, ...]
    schedule: PostSchedule | None = None
    since_on: date | None = None
    topic: str = ""
    source: str = ""
    late: tuple[LateDay, ...] = ()
    ranks: tuple[int, ...] = ()
    mention_role_id: int | None = None
    tag_id: int | None = None
    by_webhook: bool = False
    silent: bool = False

    @property
    def own_count(self) -> int:
        """The number of papers that are not late."""
        return len(self.papers) - sum(shown for _, shown, _ in self.late)

    @property
    def skipped_count(self) -> int:
        """The number of papers with a better rank than the post's last that were posted before."""
        return self.ranks[-1] - self.own_count if self.ranks else 0

    @property
    def has_votes(self) -> bool:
        """Whether any paper's votes are known. If not, the post shows no votes."""
        return any(paper.votes is not None for paper in self.papers)

    @property
    def is_in_other_language(self) -> bool:
        """Whether no summary is in the post's language. If so, a single note at the end states this."""
        return contents.is_in_other_language(self.papers, self.locale)


def sort_key(paper: DigestPaper) -> tuple[bool, int, int, int, int]:
    """Return a sort key: most votes first (unknown last), then newest digest, then rank in the digest."""
    return (*models.votes_descending(paper.votes), -paper.date_on.toordinal(), paper.rank, paper.paper_id)


def rank_papers(papers: Iterable[DigestPaper]) -> tuple[DigestPaper, ...]:
    """Return the papers without duplicates, best first. A paper in several digests keeps its best position."""
    best: dict[int, DigestPaper] = {}
    for paper in sorted(papers, key=sort_key):
        best.setdefault(paper.paper_id, paper)
    return tuple(best.values())


def find_origin(subscription: Subscription) -> Origin:
    """Return the origin of the digests that a subscription may draw from."""
    return Origin(subscription.source, with_lookup=bool(subscription.source and subscription.topic))


MAX_TOP_N = 25
"""Discord's limit on the options of a select menu, which lists a post's papers."""
MAX_LATE = 5
"""The maximum number of late papers in a post, besides those in slots that `top_n` leaves free."""
LATE_DAYS = 7
"""Papers more than this many days old are not posted."""
FRESH_DAYS = 3
"""The number of days that a post covers; papers from earlier days are late."""
RETURN_PERIOD = timedelta(days=7)
"""For how long papers of unsent messages come again. They may be older than LATE_DAYS by as much."""
WEEK = timedelta(days=7)
"""The length of the period that a weekly post covers, including its own day."""
MAX_PAPERS: Mapping[Style, int] = {Style.ANNOUNCEMENT: discord_text.EMBEDS - 1}
"""The maximum number of papers that a style can show. Others would count as posted without being visible."""
EASTERNMOST_OFFSET = timedelta(hours=14)
"""The UTC offset of the first zone to reach each date (Kiritimati)."""


def is_rolling(subscription: Subscription) -> bool:
    """Return whether posts draw from all papers of the last seven days that have not been posted yet."""
    return subscription.style is Style.WEEKLY


def newest_date(now: datetime) -> date:
    """Return the last date that a post at `now` (UTC) can draw from: today in the easternmost time zone.

    A digest with a later date, probably a mistake, is posted once that date begins.
    """
    return (now + EASTERNMOST_OFFSET).date()


class Window(NamedTuple):
    """The days, all inclusive, that posts draw from: `own_on` to `last_on`, late papers `late_on`, first posts `first_on`."""

    first_on: date
    late_on: date
    own_on: date
    last_on: date


def find_window(subscription: Subscription, slot: schedule.Slot, now: datetime) -> Window:
    """Return the days that the post for a date can draw from at `now` (UTC)."""
    if is_rolling(subscription):
        # A late post still ends on its own date; later days belong to the next post.
        first_on = slot.on - WEEK + DAY
        return Window(first_on, first_on, first_on, min(slot.on, newest_date(now)))
    about_on = slot.day or slot.on
    own_on = about_on - FRESH_DAYS * DAY + DAY
    # A first post has what was new when it was set up, which was after the date that the subscription has done with.
    waited = max(timedelta(), min(WEEK, about_on - (subscription.last_on or about_on)))
    return Window(own_on - waited, about_on - LATE_DAYS * DAY, own_on, slot.day or newest_date(now))


class Drawn(NamedTuple):
    """The papers that a post draws from, without duplicates, best first: `own` papers of its own days, and late papers."""

    own: tuple[DigestPaper, ...]
    late: tuple[DigestPaper, ...] = ()


def draw(
    entries: Iterable[DigestPaper], window: Window, mark: HighWaterMark | None, closed_on: date
) -> Drawn:
    """Return the papers that are new since the post before (`mark`), or a first post's. `closed_on`: the newest closed day."""
    if mark is None:
        return Drawn(rank_papers(row for row in entries if window.first_on <= row.date_on <= window.last_on))
    dated = [row for row in entries if row.date_on <= window.last_on]
    dated = [row for row in dated if row.date_on >= window.late_on or row.paper_id in mark.returned]
    drawn = [entry for entry in dated if entry.added_seq <= mark.until]
    known_ids = {entry.paper_id for entry in drawn}
    drawn_days = {entry.date_on for entry in drawn if entry.date_on <= mark.on}

    def is_new(paper: DigestPaper) -> bool:
        """Return whether the day is later than the previous post's, or the paper was listed since, or returned."""
        return paper.date_on > mark.on or paper.paper_id not in known_ids or paper.paper_id in mark.returned

    def is_late(paper: DigestPaper) -> bool:
        """Return whether a new paper is too old to be the post's own, or came after its day was posted and closed."""
        is_posted_day = paper.date_on in drawn_days and paper.date_on <= closed_on
        return paper.date_on < window.own_on or (is_posted_day and paper.paper_id not in known_ids)

    new = [paper for paper in rank_papers(dated) if is_new(paper)]
    on_time = tuple(paper for paper in new if not is_late(paper))
    return Drawn(on_time, tuple(paper for paper in new if is_late(paper)))


@dataclass(frozen=True, slots=True)
class PlannedPost:
    """The papers of a post.

    `digest_on` is the newest day that the post draws from; a weekly post covers `since_on` to `digest_on`. `papers`
    are the best of `eligible`, followed by the late papers. `total` also counts the papers already
    posted in the channel, and so do the `ranks` of `papers`.
    """

    digest_on: date
    papers: tuple[DigestPaper, ...]
    eligible: tuple[DigestPaper, ...] = field(compare=False)
    total: int
    since_on: date | None = None
    late: tuple[LateDay, ...] = ()
    ranks: tuple[int, ...] = ()
    savers: tuple[int, ...] = ()
    """How many members of the server saved each of `papers` there; 0 for fewer than MIN_SAVERS."""


class CandidatePool:
    """The papers that can be posted, by origin, with cached draws and rankings.

    For each topic and origin, `matching` holds relevance scores keyed by paper id, or an error that `choose`
    raises.
    """

    def __init__(
        self, entries: Mapping[Origin, Sequence[DigestPaper]], now: datetime, closed_on: date
    ) -> None:
        self.matching: dict[tuple[str, Origin], Mapping[int, float] | Exception] = {}
        self._entries = entries
        self._now = now
        self._closed_on = closed_on
        self._drawn: dict[object, Drawn] = {}
        self._on_topic: dict[object, tuple[DigestPaper, ...]] = {}

    def entries_of(self, subscription: Subscription) -> Sequence[DigestPaper]:
        """Return the papers of all digests that a subscription may draw from."""
        return self._entries.get(find_origin(subscription), ())

    def draw(self, subscription: Subscription, slot: schedule.Slot, mark: HighWaterMark | None) -> Drawn:
        """Return the papers that a date's post can draw from, before filtering by topic, votes and earlier posts."""
        if is_rolling(subscription):
            # Whatever the previous posts drew from, all papers of the seven days are new.
            mark = HighWaterMark(date.min, 0, mark.returned if mark is not None else frozenset())
        window = find_window(subscription, slot, self._now)
        key = find_origin(subscription), window, mark
        if key not in self._drawn:
            self._drawn[key] = draw(self.entries_of(subscription), window, mark, self._closed_on)
        return self._drawn[key]

    def choose(
        self,
        subscription: Subscription,
        slot: schedule.Slot,
        mark: HighWaterMark | None,
        posted_ids: Collection[int],
    ) -> PlannedPost:
        """Return the post for a date, without papers if there is nothing to post. Papers in `posted_ids` are excluded."""

        def is_eligible(paper: DigestPaper) -> bool:
            return paper.paper_id not in posted_ids and models.meets_minimum(
                paper.votes, subscription.min_votes
            )

        drawn = self.draw(subscription, slot, mark)
        rolling = is_rolling(subscription)
        ranked, of_days = self._filter_topic(drawn.own, subscription), drawn.own
        if mark is None and not rolling:  # a first post has the newest day with papers for it
            enough = (
                row.date_on for row in ranked if models.meets_minimum(row.votes, subscription.min_votes)
            )
            newest_on = max(enough, default=max((row.date_on for row in ranked or of_days), default=None))
            ranked = tuple(row for row in ranked if row.date_on == newest_on)
            of_days = tuple(row for row in of_days if row.date_on == newest_on)
        ranks = tuple(rank for rank, paper in enumerate(ranked, 1) if is_eligible(paper))
        eligible = tuple(ranked[rank - 1] for rank in ranks)
        best = eligible[: min(subscription.top_n, MAX_PAPERS.get(subscription.style, MAX_TOP_N))]
        window = find_window(subscription, slot, self._now)
        days = [paper.date_on for paper in of_days] + ([] if mark is None else [mark.on])
        post = PlannedPost(
            window.last_on if rolling else max(days, default=window.last_on),
            best,
            eligible,
            len(ranked),
            since_on=window.own_on if rolling else None,
            ranks=ranks[: len(best)],
        )
        if not best:
            return post
        late = filter(is_eligible, self._filter_topic(drawn.late, subscription))
        return _add_late(post, tuple(late), subscription)

    def _filter_topic(
        self, ranked: tuple[DigestPaper, ...], subscription: Subscription
    ) -> tuple[DigestPaper, ...]:
        """Return the papers on the subscription's topic. For a single source, sort equal votes by relevance."""
        topic, is_of_source = subscription.topic, bool(subscription.source)
        if not topic:
            return ranked
        key = id(ranked), topic, is_of_source  # cached in `_drawn`
        if key not in self._on_topic:
            matching = self.matching[topic, find_origin(subscription)]
            if isinstance(matching, Exception):
                raise matching.with_traceback(None)  # otherwise the traceback would grow with each channel
            on_topic = [paper for paper in ranked if paper.paper_id in matching]
            if is_of_source:
                on_topic.sort(
                    key=lambda paper: (*models.votes_descending(paper.votes), -matching[paper.paper_id])
                )
            self._on_topic[key] = tuple(on_topic)
        return self._on_topic[key]


def _add_late(post: PlannedPost, late: Sequence[DigestPaper], subscription: Subscription) -> PlannedPost:
    """Return the post with late papers, newest day first. Late papers fill the free slots, plus at most MAX_LATE extra."""
    limit = MAX_PAPERS.get(subscription.style, MAX_TOP_N + MAX_LATE)
    most = min(subscription.top_n + MAX_LATE, limit) - len(post.papers)
    by_day: dict[date, list[DigestPaper]] = defaultdict(list)
    for paper in late:
        by_day[paper.date_on].append(paper)
    shown: list[DigestPaper] = []
    days: list[LateDay] = []
    for day in sorted(by_day, reverse=True):
        if chosen := by_day[day][: most - len(shown)]:
            shown += chosen
            days.append((day, len(chosen), len(by_day[day])))
    return replace(post, papers=(*post.papers, *shown), late=tuple(days))
