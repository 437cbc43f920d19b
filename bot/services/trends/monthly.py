"""Papers and votes of a topic per month; of a young archive per week or day. The papers are found as in a search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum

from bot.clock import Clock
from bot.services.indexing.glossary_service import GlossaryService
from bot.services.search import engine, index_query, query_expansion
from bot.services.search.candidates import SearchScope
from bot.services.search.filters import list_paper_ids_by_authors
from bot.text import query_parser
from bot.text.glossary.model import expansion
from storage import models, papers, trends
from storage.database import Connection, Database
from storage.search import index

MAX_MONTHS = 60
SAMPLE_SIZE = 30_000
"""Papers whose dates and votes are read; beyond this number they are read from a sample."""
COUNT_LIMIT = 250_000

Month = trends.MonthCount


class Step(IntEnum):
    """The days of each column of a trend; 0 for a calendar month. Weeks begin on Monday."""

    MONTH = 0
    DAY = 1
    WEEK = 7


MAX_DAYS, MAX_WEEKS_DAYS = 21, 92
"""The archive's age in days below which a trend has a column per day, and per week."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A topic by month, up to the month of the newest digest.

    `added_forms` are the forms that query expansion added. `is_estimated`: the counts are scaled up from a sample.
    With another `step` than months, `months` are weeks or days.
    """

    months: tuple[Month, ...] = ()
    added_forms: tuple[str, ...] = ()
    is_last_month_partial: bool = False
    is_estimated: bool = False
    step: Step = Step.MONTH

    @property
    def total(self) -> int:
        """Number of papers in all months."""
        return sum(month.paper_count for month in self.months)


class TrendService:
    """Trends of one archive. It shares the search service's glossary, so all forms of a term give the same trend."""

    def __init__(self, database: Database, clock: Clock, glossary: GlossaryService) -> None:
        self._database = database
        self._clock = clock
        self._glossary = glossary

    async def get_trend(self, query: str, *, months: int | None = 12, by_age: bool = False) -> Trend:
        """Return the trend of a query over the last `months` months; of the whole archive for a query without terms.

        It begins with the archive's first month at the earliest. `months` of None is all months, at most `MAX_MONTHS`.
        Filters of the query (author:, since:, until:, votes:) apply. An empty archive has no months.
        `by_age`: an archive of less than three months is counted by week, one of less than three weeks by day.
        """
        parsed = query_parser.parse_query(query)
        async with self._database.read() as connection:
            extent = await papers.get_extent(connection)
            if extent.last_on is None or extent.first_on is None:
                return Trend()
            last = extent.last_on.replace(day=1)
            asked = _months_before(last, (MAX_MONTHS if months is None else months) - 1)
            step = _choose_step(extent.first_on, extent.last_on) if by_age else Step.MONTH
            first = max(_start_of(extent.first_on, step), asked)
            filters = index.Filters(
                max(first, parsed.since or first),
                min(extent.last_on, parsed.until or extent.last_on),
                parsed.min_votes,
            )
            expanded = query_expansion.expand(await self._glossary.get_current(connection), parsed.text)
            counted, is_estimated = await _count(connection, parsed, expanded, filters, by_day=step > 0)
        return Trend(
            months=_fill(counted, first, _start_of(extent.last_on, step), step),
            added_forms=query_expansion.added_forms(expanded) if parsed.text else (),
            is_last_month_partial=_start_of(extent.last_on, step) == _start_of(self._clock().date(), step),
            is_estimated=is_estimated,
            step=step,
        )


async def _count(
    connection: Connection,
    query: query_parser.Query,
    expanded: expansion.Expansion,
    filters: index.Filters,
    *,
    by_day: bool,
) -> tuple[Sequence[Month], bool]:
    """Return the months, or days, that have papers, and whether the counts are estimates."""
    by_authors = await list_paper_ids_by_authors(connection, query.authors)
    if not query.has_text:
        if by_authors is not None:
            return _group(await papers.list_rows(connection, sorted(by_authors)), filters, by_day), False
        paper_count = await papers.count(
            connection, since_on=filters.since_on, until_on=filters.until_on, min_votes=filters.min_votes or 0
        )
        groups = sample_groups(paper_count)
        counted = await trends.count_papers(connection, filters, groups=groups, by_day=by_day)
        return _scale_up(counted, groups)
    about = await engine.list_about(connection, query, expanded, SearchScope(filters, by_authors))
    if about is not None:
        return _group(await papers.list_rows(connection, sorted(about)), filters, by_day), False
    return await _count_in_index(connection, query, expanded, filters, by_day)


async def _count_in_index(
    connection: Connection,
    query: query_parser.Query,
    expanded: expansion.Expansion,
    filters: index.Filters,
    by_day: bool,
) -> tuple[Sequence[Month], bool]:
    topic_query = engine.build_topic_query(query, expanded)
    if topic_query is None:
        return (), False
    frequencies = await index.get_document_frequencies(connection, index_query.collect_tokens(topic_query))
    anywhere = index_query.prune(topic_query, frequencies).anywhere
    paper_count = await index.count_matches(connection, anywhere, limit=COUNT_LIMIT)
    if paper_count == COUNT_LIMIT:
        paper_count = await index.count_all(connection)
    groups = sample_groups(paper_count)
    counted = await trends.count_matches(connection, anywhere, filters, groups=groups, by_day=by_day)
    return _scale_up(counted, groups)


def sample_groups(paper_count: int, sample_size: int = SAMPLE_SIZE) -> int:
    """Return the number of sample groups that hold about `sample_size` papers."""
    if paper_count <= sample_size:
        return trends.SAMPLE_GROUPS
    return max(1, trends.SAMPLE_GROUPS * sample_size // paper_count)


def _scale_up(months: Sequence[Month], groups: int) -> tuple[Sequence[Month], bool]:
    """Return the counts of a sample scaled up to all papers, and whether they were scaled."""
    if groups >= trends.SAMPLE_GROUPS:
        return months, False
    factor = trends.SAMPLE_GROUPS / groups
    return [
        Month(
            month.starts_on,
            round(month.paper_count * factor),
            None if month.votes is None else round(month.votes * factor),
        )
        for month in months
    ], True


def _group(rows: Iterable[models.PaperRow], filters: index.Filters, by_day: bool) -> list[Month]:
    groups: dict[date, list[models.PaperRow]] = defaultdict(list)
    for row in rows:
        if filters.allow(row.date, row.votes):
            groups[row.date if by_day else row.date.replace(day=1)].append(row)
    return [Month(on, len(rows), _sum_votes(rows)) for on, rows in sorted(groups.items())]


def _sum_votes(rows: Iterable[models.PaperRow]) -> int | None:
    known = [row.votes for row in rows if row.votes is not None]
    return sum(known) if known else None


def _choose_step(first: date, last: date) -> Step:
    age = (last - first).days + 1
    if age < MAX_DAYS:
        return Step.DAY
    return Step.WEEK if age < MAX_WEEKS_DAYS else Step.MONTH


def _start_of(on: date, step: Step) -> date:
    """Return the first day of the month, the Monday of the week, or the day itself."""
    if step is Step.MONTH:
        return on.replace(day=1)
    return on if step is Step.DAY else on - timedelta(days=on.weekday())


def _fill(counted: Sequence[Month], first: date, last: date, step: Step) -> tuple[Month, ...]:
    """Return every column from the first to the last, those without papers included; days are added up to weeks."""
    if step is Step.MONTH:
        return _fill_months(counted, first, last)
    groups: dict[date, list[Month]] = defaultdict(list)
    for day in counted:
        groups[_start_of(day.starts_on, step)].append(day)
    starts = [first + timedelta(days=number) for number in range(0, (last - first).days + 1, step)]
    return tuple(_add_up(on, groups[on]) for on in starts)


def _add_up(starts_on: date, days: Sequence[Month]) -> Month:
    known = [day.votes for day in days if day.votes is not None]
    return Month(starts_on, sum(day.paper_count for day in days), sum(known) if known else None)


def _fill_months(counted: Sequence[Month], first: date, last: date) -> tuple[Month, ...]:
    """Return every month from the first to the last, those without papers included."""
    known = {month.starts_on: month for month in counted}
    number = (last.year - first.year) * 12 + last.month - first.month + 1
    months = [_months_before(last, number - 1 - passed) for passed in range(number)]
    return tuple(known.get(on, Month(on, 0, None)) for on in months)


def _months_before(month: date, number: int) -> date:
    """Return the first day of the month `number` months earlier, at the earliest that of January of year 1."""
    months = max(month.year * 12 + month.month - 1 - number, 12)
    return date(months // 12, months % 12 + 1, 1)
