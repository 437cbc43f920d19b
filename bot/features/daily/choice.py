"""Chooses the papers of a post and describes the post as plain data. Pure.

A post is chosen from the papers that are new since its subscription's previous post (`draw`). It shows the best of
them, followed by *late* papers: those of days before the post's own, which do not count towards `top_n`. The papers
come from all sources that select papers, or from one named source (with a topic, also from its LOOKUP digests; see
`find_origin`).

What a post draws, by its `Window` and the `HighWaterMark` of the post before (`on`, `until`, `returned`); the first line that
holds counts:

paper                                                                     drawn
------------------------------------------------------------------------  -----------------------------------
of a day after `last_on`                                                  not yet
of a first post (no mark)                                                 own from `first_on` on, else not
of a day before `late_on`, not `on`, not `returned`                       not any more
of a day up to `on`, known, not `returned`                                no: it had its turn
of a day before `own_on`                                                  late
of a later ingest, for a closed day that the post before drew from        late if the date before was yesterday
any other: of a later day, of a later ingest, or `returned`               own

*Known* papers were listed by ingest `until` or before, on any day from `late_on` on. *Returned* papers were in a message
that ended unsent. For a weekly post, the last seven days are later than the mark: their papers may come until they are posted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeAlias

from bot.core import clock, schedule
from bot.core.schedule import DAY
from bot.outbox.contents import REPOST_INTERVAL
from bot.papers import post_papers
from bot.rendering import discord_text
from bot.search.results import Relevance, SharedConcept
from bot.text import query_parser
from bot.text.parsed_query import ParsedQuery
from storage import models
from storage.archive import DigestPaper, Origin
from storage.daily import HighWaterMark
from storage.models import Style, Subscription

LateDay: TypeAlias = tuple[date, int, int]
"""A day to which papers were added after its post: how many are shown and how many qualify."""


@dataclass(frozen=True, slots=True)
class PlannedPost:
    """The papers of a post.

    `digest_on` is the newest day that the post draws from; one of several days covers `since_on` to `digest_on`. `papers`
    are the best of `eligible`, followed by the late papers, grouped by the days in `late`. `total` also counts the
    papers already posted in the channel, and so do the `ranks` of the papers that are not late, which are () if unknown.
    """

    digest_on: date
    papers: tuple[DigestPaper, ...]
    eligible: tuple[DigestPaper, ...] = field(compare=False)
    total: int
    since_on: date | None = None
    late: tuple[LateDay, ...] = ()
    ranks: tuple[int, ...] = ()
    savers: tuple[int, ...] = ()
    """How many members of the server saved each of `papers` there; 0 for fewer than `shelf.MIN_SAVERS`."""
    shared: tuple[tuple[SharedConcept, ...], ...] = ()
    """For like:list, the concepts that each of `papers` has in common with the list; else ()."""
    is_end: bool = False
    """Whether no paper of a label that is like the list is left for the next post."""


@dataclass(frozen=True, slots=True)
class DailyPost:
    """A planned post as its subscription's settings show it. `papers` are those of `planned`, in the same order.

    `topic` is the subscription's as it was parsed. `marker` identifies the delivery's messages in the channel's history (at
    most 64 characters of `A-Za-z0-9:_-`). `mention_role_id` is the role to mention above the headline; previews and posts on
    demand mention none. Posts with equal `planned`, role, `options.SETTINGS` and `is_by_webhook` share their messages, which
    may show nothing else of the subscription.
    """

    marker: str
    subscription: Subscription
    planned: PlannedPost
    papers: tuple[post_papers.PostPaper, ...]
    topic: ParsedQuery
    mention_role_id: int | None = None

    @property
    def locale(self) -> models.Locale:
        return self.subscription.locale

    @property
    def own_count(self) -> int:
        """The number of papers that are not late."""
        return len(self.papers) - sum(shown for _, shown, _ in self.planned.late)

    @property
    def skipped_count(self) -> int:
        """The number of papers with a better rank than the post's last that were posted before."""
        ranks = self.planned.ranks
        return ranks[-1] - self.own_count if ranks else 0

    @property
    def has_votes(self) -> bool:
        """Whether any paper's votes are known. If not, the post shows no votes."""
        return any(paper.votes is not None for paper in self.papers)

    @property
    def is_in_other_language(self) -> bool:
        """Whether no summary is in the post's language. If so, a single note at the end states this."""
        return post_papers.is_in_other_language(self.papers, self.locale)


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
    return Origin(subscription.source, with_lookup=bool(subscription.source and subscription.topic))


MAX_TOP_N = 25
"""Discord's limit on the options of a select menu, which lists a post's papers."""
MAX_LATE = 5
"""The maximum number of late papers in a post, not counting those in slots that `top_n` leaves free."""
LATE_DAYS = 7
"""Papers more than this many days old are not in a post of each day."""
FRESH_DAYS = 3
"""The number of days that a post of each day covers; papers from earlier days are late."""
RETURN_PERIOD = timedelta(days=7)
"""For how long papers of unsent messages come again. They may be older than LATE_DAYS by as much."""
WEEK = timedelta(days=7)
"""The length of the period that a weekly post covers, up to its hour."""
MAX_PAPERS: Mapping[Style, int] = {Style.ANNOUNCEMENT: discord_text.EMBEDS - 1}
"""The maximum number of papers that a style can show. Others would count as posted without being visible."""


def is_rolling(subscription: Subscription) -> bool:
    """Return whether posts draw from all papers of the last seven days that have not been posted yet."""
    return subscription.style is Style.WEEKLY


def is_of_label(subscription: Subscription) -> bool:
    """Return whether posts go through the papers of a label, such as a conference's, that are like the server's list."""
    query = query_parser.parse_query(subscription.topic)
    return bool(subscription.source and query.is_like_list and query.labels)


class Window(NamedTuple):
    """The days, all inclusive, that posts draw from: `own_on` to `last_on`, late papers `late_on`, first posts `first_on`.

    With `is_of_next_day`, the subscription's date before was the day before.
    """

    first_on: date
    late_on: date
    own_on: date
    last_on: date
    is_of_next_day: bool


def find_window(subscription: Subscription, slot: schedule.Slot, now: datetime) -> Window:
    """Return the days that the post for a date can draw from at `now` (UTC).

    They reach back further by the days that the weekdays leave out, since the lists of the date before went on growing.
    """
    about_on, last_on = slot.day or slot.on, slot.day or clock.latest_date(now)
    since_before = (
        WEEK if is_rolling(subscription) else schedule.time_since_date_before(subscription, slot.on)
    )
    is_of_next_day = since_before == DAY and not is_of_label(subscription)
    own_on = first_on = about_on - since_before - (FRESH_DAYS - 2) * DAY
    late_on = own_on - (LATE_DAYS - FRESH_DAYS + 1) * DAY
    if is_of_label(subscription):
        # All of its papers while none of this post's can be forgotten, then those that were listed since.
        is_young = now - subscription.created_at < REPOST_INTERVAL or subscription.created_at == models.NEVER
        first_on = late_on = own_on = date.min if is_young else slot.on - REPOST_INTERVAL
    elif is_rolling(subscription):
        # A late post still ends on its own date; later days belong to the next post.
        first_on, last_on = slot.on - WEEK, min(slot.on, last_on)
    elif is_of_next_day:
        # A first post has what was new when it was set up, which was after the date that the subscription has done with.
        first_on -= max(timedelta(), min(WEEK, about_on - (subscription.last_on or about_on)))
    return Window(first_on, late_on, own_on, last_on, is_of_next_day)


def find_oldest(window: Window, mark: HighWaterMark | None) -> date:
    """Return the oldest day whose papers a post may draw: a day of the post before, or of returned papers, for a week more."""
    oldest = min(window.first_on, window.late_on)
    if mark is None or oldest == date.min:
        return oldest
    return oldest - RETURN_PERIOD if mark.returned else max(oldest - RETURN_PERIOD, min(oldest, mark.on))


class Drawn(NamedTuple):
    """The papers that a post draws from, without duplicates, best first: `own` papers of its own days, and late papers."""

    own: tuple[DigestPaper, ...]
    late: tuple[DigestPaper, ...] = ()


def draw(
    entries: Iterable[DigestPaper], window: Window, mark: HighWaterMark | None, closed_on: date
) -> Drawn:
    """Return the papers that a post draws, by the module's table. `closed_on` is the newest day whose list has closed."""
    listed = [entry for entry in entries if entry.date_on <= window.last_on]
    if mark is None:
        return Drawn(rank_papers(entry for entry in listed if entry.date_on >= window.first_on))
    # The list of the newest day before may have grown after its post, and then been silent for longer than late papers come.
    in_reach = [
        entry
        for entry in listed
        if entry.date_on >= window.late_on
        or entry.date_on == mark.on >= window.late_on - RETURN_PERIOD
        or entry.paper_id in mark.returned
    ]
    listed_before = [entry for entry in in_reach if entry.added_seq <= mark.until]
    known_ids = {entry.paper_id for entry in listed_before}
    finished_days = {entry.date_on for entry in listed_before if entry.date_on <= min(mark.on, closed_on)}

    def is_new(paper: DigestPaper) -> bool:
        return paper.date_on > mark.on or paper.paper_id not in known_ids or paper.paper_id in mark.returned

    def is_late(paper: DigestPaper) -> bool:
        came_late = paper.date_on in finished_days and paper.paper_id not in known_ids
        return (came_late and window.is_of_next_day) or paper.date_on < window.own_on

    new = [paper for paper in rank_papers(in_reach) if is_new(paper)]
    own = tuple(paper for paper in new if not is_late(paper))
    return Drawn(own, late=tuple(paper for paper in new if is_late(paper)))


class _DrawKey(NamedTuple):
    """What decides the papers that a post draws."""

    origin: Origin
    window: Window
    mark: HighWaterMark | None


class TopicKey(NamedTuple):
    """What decides which papers match a topic. `server_id` is 0 unless they are compared with the server's list."""

    topic: str
    origin: Origin
    server_id: int


_MEASURED, _MOST_BEYOND = 100, 3
"""Of more papers than days were measured with, as of arXiv's categories, a post like the server's list has at most this many."""


def find_topic(subscription: Subscription) -> TopicKey:
    is_like_list = query_parser.parse_query(subscription.topic).is_like_list
    server_id = subscription.guild_id if is_like_list else 0
    return TopicKey(subscription.topic, find_origin(subscription), server_id)


class CandidatePool:
    """The papers that can be posted, by origin. Subscriptions that draw the same papers share one draw.

    For each topic, `matching` holds how papers match, keyed by paper id, or an error that `choose` raises.
    """

    def __init__(
        self, entries: Mapping[Origin, Sequence[DigestPaper]], now: datetime, closed_on: date
    ) -> None:
        self.matching: dict[TopicKey, Mapping[int, Relevance] | Exception] = {}
        self._entries = entries
        self._now = now
        self._closed_on = closed_on
        self._drawn: dict[_DrawKey, Drawn] = {}
        self._on_topic: dict[tuple[_DrawKey, TopicKey], Drawn] = {}

    def entries_of(self, subscription: Subscription) -> Sequence[DigestPaper]:
        return self._entries.get(find_origin(subscription), ())

    def draw(self, subscription: Subscription, slot: schedule.Slot, mark: HighWaterMark | None) -> Drawn:
        """Return the papers that a date's post can draw from, before filtering by topic, votes and earlier posts."""
        return self._draw(self._key_of(subscription, slot, mark))

    def _key_of(
        self, subscription: Subscription, slot: schedule.Slot, mark: HighWaterMark | None
    ) -> _DrawKey:
        if is_rolling(subscription) and mark is not None:
            mark = mark._replace(on=min(mark.on, slot.on - WEEK))
        window = find_window(subscription, slot, self._now)
        if is_of_label(subscription) and mark is not None:
            mark = mark._replace(on=date.min)
        return _DrawKey(find_origin(subscription), window, mark)

    def _draw(self, key: _DrawKey) -> Drawn:
        if key not in self._drawn:
            entries = self._entries.get(key.origin, ())
            self._drawn[key] = draw(entries, key.window, key.mark, self._closed_on)
        return self._drawn[key]

    def _draw_on_topic(self, key: _DrawKey, topic: TopicKey) -> Drawn:
        """Return the papers on a topic ("": all). Those of a single source are sorted by relevance if votes are equal.

        Those like a server's list are sorted by relevance alone.
        """
        if not topic.topic:
            return self._draw(key)
        if (key, topic) not in self._on_topic:
            relevance = self._get_matching(topic)
            own, late = (
                [paper for paper in papers if paper.paper_id in relevance] for papers in self._draw(key)
            )
            for papers in (own, late) if key.origin.source or topic.server_id else ():
                papers.sort(key=lambda paper: -relevance[paper.paper_id].score)
                if not topic.server_id:
                    papers.sort(key=lambda paper: models.votes_descending(paper.votes))
            self._on_topic[key, topic] = Drawn(tuple(own), tuple(late))
        return self._on_topic[key, topic]

    def _get_matching(self, topic: TopicKey) -> Mapping[int, Relevance]:
        relevance = self.matching[topic]
        if isinstance(relevance, Exception):
            raise relevance.with_traceback(None)  # otherwise the traceback would grow with each channel
        return relevance

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

        key = self._key_of(subscription, slot, mark)
        topic = find_topic(subscription)
        ranked, late = self._draw_on_topic(key, topic)
        of_days, window, rolling = self._draw(key).own, key.window, is_rolling(subscription)
        if topic.server_id and len(of_days) > _MEASURED:
            subscription = replace(subscription, top_n=min(subscription.top_n, _MOST_BEYOND))
        if mark is None and window.is_of_next_day:
            newest_on = _find_newest_day(ranked, of_days, subscription.min_votes)
            ranked = tuple(paper for paper in ranked if paper.date_on == newest_on)
            of_days = tuple(paper for paper in of_days if paper.date_on == newest_on)
        ranks = tuple(rank for rank, paper in enumerate(ranked, 1) if is_eligible(paper))
        eligible = tuple(ranked[rank - 1] for rank in ranks)
        best = eligible[: min(subscription.top_n, MAX_PAPERS.get(subscription.style, MAX_TOP_N))]
        days = [paper.date_on for paper in of_days] + ([] if mark is None else [mark.on])
        digest_on = window.last_on if rolling else max(days, default=window.last_on)
        first_on = slot.on - WEEK + DAY if rolling else digest_on
        since_on = min([first_on, *(paper.date_on for paper in ranked)])
        post = PlannedPost(
            digest_on,
            best,
            eligible,
            len(ranked),
            since_on=since_on if since_on < digest_on and not window.is_of_next_day else None,
            ranks=ranks[: len(best)],
            is_end=bool(best) and len(best) == len(eligible) and is_of_label(subscription),
        )
        post = _add_late(post, list(filter(is_eligible, late)), subscription) if best else post
        relevance = self._get_matching(topic) if topic.server_id else {}
        return replace(
            post, shared=tuple(relevance[paper.paper_id].reasons for paper in post.papers if relevance)
        )


def _find_newest_day(
    on_topic: Sequence[DigestPaper], of_days: Sequence[DigestPaper], min_votes: int
) -> date | None:
    """Return the day of a first post: the newest with papers for it, else with papers on its topic, else with any."""
    with_votes = [paper for paper in on_topic if models.meets_minimum(paper.votes, min_votes)]
    return max((paper.date_on for paper in with_votes or on_topic or of_days), default=None)


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
