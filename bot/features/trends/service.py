"""A topic's papers and votes by month (by week or day in a young archive), for `/trends`, the web archive and agents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import IntEnum, StrEnum
from typing import TypeAlias

from bot.core.admission import work_in_thread
from bot.core.clock import Clock
from bot.features.trends.rising import RisingTopic, RisingTopicService
from bot.papers.list_state import ListKind, ListState, Period
from bot.search.service import SearchService
from bot.text.parsed_query import ParsedQuery
from storage import models, trends
from storage.database import Database

Month = trends.MonthCount
_EMPTY = models.ArchiveExtent(0, None, None)


class Span(StrEnum):
    HALF_YEAR = "half-year"
    YEAR = "y"
    TWO_YEARS = "two-years"
    FIVE_YEARS = "five-years"


SPAN_MONTHS = {Span.HALF_YEAR: 6, Span.YEAR: 12, Span.TWO_YEARS: 24, Span.FIVE_YEARS: 60}


def make_topic(text: str, span: Span, token: str = "") -> ListState:
    """Return the state for a list of a topic's papers from about the same period."""
    period = Period.YEAR if span is Span.YEAR else Period.ALL
    return ListState(ListKind.TOPIC, text, period=period, token=token)


class Interval(IntEnum):
    """The length of a trend's columns in days; 0 means a calendar month. Weeks begin on Monday."""

    MONTH = 0
    DAY = 1
    WEEK = 7


MAX_DAYS, MAX_WEEKS_DAYS = 21, 92
"""An archive of fewer days than this gets one column per day, or per week."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A topic's papers by month, up to the month of the newest digest.

    `read` is the topic as it was read. `step` says whether `months` are months, weeks or days. `totals`
    counts all papers in the same months; it is empty for the trend of all papers. A paper of several months counts in
    each, and once in `total`. `extent` is the archive's.
    """

    months: tuple[Month, ...] = ()
    read: ParsedQuery = field(default_factory=ParsedQuery)
    is_last_month_partial: bool = False
    step: Interval = Interval.MONTH
    totals: tuple[int, ...] = ()
    total: int = 0
    extent: models.ArchiveExtent = _EMPTY


@dataclass(frozen=True, slots=True)
class TrendAnswer:
    """The content of a reply. `topic` is the state of the topic's list; its text is "" for the whole archive.

    `rising` is None unless requested. `has_image` is True if the chart is attached.
    """

    topic: ListState
    span: Span
    trend: Trend
    rising: tuple[RisingTopic, ...] | None
    has_image: bool = False


class TrendService:
    """Computes trends from the papers that a search finds. Therefore all forms of a term have the same trend."""

    def __init__(
        self, database: Database, clock: Clock, searching: SearchService, rising: RisingTopicService
    ) -> None:
        self.rising = rising
        self._database = database
        self._clock = clock
        self._search = searching

    async def answer(
        self, locale: models.Locale, topic: ListState, span: Span, *, with_rising: bool
    ) -> TrendAnswer:
        """Return the trend of a topic, by week or day in a young archive, and the rising topics if asked for."""
        return TrendAnswer(
            topic=topic,
            span=span,
            trend=await self.get_trend(topic.text, months=SPAN_MONTHS[span], by_age=True),
            rising=await self.rising.list_topics(locale) if with_rising else None,
        )

    async def get_trend(self, query: str, *, months: int = 12, by_age: bool = False) -> Trend:
        """Return the trend of a query's papers over the last `months` months, in the archive's months and the query's period.

        A query without terms counts all papers that pass its filters (author:, since:, until:, votes:), which a period is
        too. An empty archive has no months. If `by_age`, a young archive is counted by week or day (MAX_WEEKS_DAYS, MAX_DAYS).
        """
        extent = await self._search.get_extent()
        if extent.last_on is None or extent.first_on is None:
            return Trend(extent=extent)
        last = extent.last_on.replace(day=1)
        asked = _months_before(last, months - 1)
        age = (extent.last_on - extent.first_on).days + 1
        step = Interval.MONTH
        if by_age and age < MAX_WEEKS_DAYS:
            step = Interval.DAY if age < MAX_DAYS else Interval.WEEK
        first = max(_start_of(extent.first_on, step), asked)
        options, today = models.Filters(first, extent.last_on), self._clock().date()
        paper_ids, read = await self._search.list_about(query, options, today)
        limits = read.limits
        listed = await self._database.look_up(trends.list_days, limits)
        first = _start_of(limits.since_on or first, step)
        last = _start_of(limits.until_on or extent.last_on, step)
        trend = await work_in_thread(_count, listed, paper_ids, first, last, step)
        is_partial = last == _start_of(today, step)
        return replace(trend, read=read, is_last_month_partial=is_partial, extent=extent)


_Listed: TypeAlias = Sequence[tuple[int, date, int | None]]
"""Papers' ids, days and votes."""


def _count(listed: _Listed, chosen: Sequence[int] | None, first: date, last: date, step: Interval) -> Trend:
    """Return the trend of the chosen papers of those listed, or of all if None."""
    if chosen is None:
        return Trend(
            _fill_months(listed, first, last, step), step=step, total=len({id_ for id_, *_ in listed})
        )
    ids = frozenset(chosen)
    trend = _count([row for row in listed if row[0] in ids], None, first, last, step)
    columns = _fill_months(listed, first, last, step)
    return replace(trend, totals=tuple(month.paper_count for month in columns))


def _start_of(on: date, step: Interval) -> date:
    if step is Interval.MONTH:
        return on.replace(day=1)
    return on if step is Interval.DAY else on - timedelta(days=on.weekday())


def _fill_months(listed: _Listed, first: date, last: date, step: Interval) -> tuple[Month, ...]:
    """Return all columns from the first to the last, including empty ones."""
    groups = defaultdict[date, dict[int, int | None]](dict)
    for paper_id, on, votes in listed:
        groups[_start_of(on, step)][paper_id] = votes
    if step is Interval.MONTH:
        number = (last.year - first.year) * 12 + last.month - first.month + 1
        starts = [_months_before(last, number - 1 - passed) for passed in range(number)]
    else:
        starts = [first + timedelta(days=number) for number in range(0, (last - first).days + 1, step)]
    columns = []
    for on in starts:
        counted = [votes for votes in groups[on].values() if votes is not None]
        columns.append(Month(on, len(groups[on]), sum(counted) if counted else None))
    return tuple(columns)


def _months_before(month: date, number: int) -> date:
    """Return the first day of the month `number` months before `month`, or of year 1 if that is later."""
    months = max(month.year * 12 + month.month - 1 - number, 12)
    return date(months // 12, months % 12 + 1, 1)
