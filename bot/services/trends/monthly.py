"""Counts a topic's papers and votes by month, found as look-ups find them. What rises is `rising`'s; draws nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from bot.clock import Clock
from bot.services.search import engine, glossary_service, index_query, query_expansion
from bot.services.search import filters as search_filters
from bot.text import query_parser
from bot.text.glossary.model import expansion
from storage import models, papers, trends
from storage.database import Connection, Database
from storage.search import index

MAX_MONTHS = 60
EXACT_LIMIT = 100
"""Up to about so many papers are read and matched word by word, as look-ups do; of more the index is believed."""
SAMPLE_SIZE = 30_000
"""Of more papers than this the dates and votes are read by sample, so that no archive is too large."""
COUNT_LIMIT = 250_000

Month = trends.MonthCount


@dataclass(frozen=True, slots=True)
class Trend:
    """A topic by month: every month of the span, the last one being that of the newest digest, which may be running.

    `also` are the forms that were counted besides what was typed. `estimated`: the counts are those of a sample.
    """

    months: tuple[Month, ...] = ()
    added_forms: tuple[str, ...] = ()
    is_last_month_partial: bool = False
    is_estimated: bool = False

    @property
    def total(self) -> int:
        """How many papers there are in all months."""
        return sum(month.paper_count for month in self.months)


class TrendService:
    """Curves of one archive. The glossary is that of the look-ups, so that all writings of a term give one curve."""

    def __init__(self, database: Database, clock: Clock, glossary: glossary_service.GlossaryService) -> None:
        self._database = database
        self._clock = clock
        self._glossary = glossary

    async def get_trend(self, query: str, *, months: int | None = 12) -> Trend:
        """Return the curve of a query, of the whole archive for one without words, over the last `months` months.

        None is as many months as there are, at most `MOST_MONTHS`. What the query itself says (author:, since:,
        until:, votes:) narrows further. An empty archive gives no month.
        """
        asked = query_parser.parse_query(query)
        async with self._database.read() as connection:
            extent = await papers.get_extent(connection)
            if extent.last_on is None or extent.first_on is None:
                return Trend()
            last = extent.last_on.replace(day=1)
            first = max(extent.first_on.replace(day=1), _months_before(last, (months or MAX_MONTHS) - 1))
            if months is not None:
                first = _months_before(last, months - 1)
            since = max(first, asked.since or first)
            until = min(extent.last_on, asked.until or extent.last_on)
            span = trends.TrendFilter(since, until, asked.min_votes or 0)
            understood = query_expansion.expand(await self._glossary.get_current(connection), asked.text)
            counted, estimated = await _count(connection, asked, understood, span)
        return Trend(
            months=_fill_months(counted, first, last),
            added_forms=query_expansion.added_forms(understood) if asked.text else (),
            is_last_month_partial=last == self._clock().date().replace(day=1),
            is_estimated=estimated,
        )


async def _count(
    connection: Connection,
    asked: query_parser.Query,
    understood: expansion.Expansion,
    span: trends.TrendFilter,
) -> tuple[Sequence[Month], bool]:
    """Return the months that have papers, and whether they are estimates."""
    written = await search_filters.list_paper_ids_by_authors(connection, asked.authors)
    if not asked.has_text:
        if written is not None:
            return _group_by_month(await papers.list_rows(connection, sorted(written)), span), False
        there = await papers.count(
            connection, since_on=span.since_on, until_on=span.until_on, min_votes=span.min_votes
        )
        groups = sample_groups(there)
        return _scale_up(await trends.count_papers(connection, span, groups=groups), groups)
    filters = index.Filters(span.since_on, span.until_on, span.min_votes or None)
    narrowed = engine.SearchScope(filters, written)
    hits = await engine.find(connection, asked, understood, narrowed, limit=EXACT_LIMIT)
    complete = [hit.paper_id for hit in hits.hits if hit.score.matched >= hit.score.segments]
    if hits.is_partial or hits.total <= len(hits.hits):
        return _group_by_month(await papers.list_rows(connection, complete), span), False
    return await _count_in_index(connection, asked, understood, span)


async def _count_in_index(
    connection: Connection,
    asked: query_parser.Query,
    understood: expansion.Expansion,
    span: trends.TrendFilter,
) -> tuple[Sequence[Month], bool]:
    segments = [*understood.segments, *map(expansion.literal_segment, asked.phrases)]
    question = engine.build_index_query(segments, understood)
    if question is None:
        return (), False
    question = index_query.prune(
        question, await index.get_document_frequencies(connection, index_query.collect_tokens(question))
    )
    there = await index.count_matches(connection, question.anywhere, limit=COUNT_LIMIT)
    if there == COUNT_LIMIT:
        there = await index.count_all(connection)
    groups = sample_groups(there)
    return _scale_up(await trends.count_matches(connection, question.anywhere, span, groups=groups), groups)


def sample_groups(number: int, sample: int = SAMPLE_SIZE) -> int:
    """Return of how many groups to read the papers, so that of this number about a sample is read."""
    return trends.SAMPLE_GROUPS if number <= sample else max(1, trends.SAMPLE_GROUPS * sample // number)


def _scale_up(months: Sequence[Month], groups: int) -> tuple[Sequence[Month], bool]:
    """Return the counts of a sample as those of the whole."""
    if groups >= trends.SAMPLE_GROUPS:
        return months, False
    factor = trends.SAMPLE_GROUPS / groups
    return [
        Month(
            one.starts_on,
            round(one.paper_count * factor),
            None if one.votes is None else round(one.votes * factor),
        )
        for one in months
    ], True


def _group_by_month(rows: Iterable[models.PaperRow], span: trends.TrendFilter) -> list[Month]:
    groups: dict[date, list[models.PaperRow]] = defaultdict(list)
    for row in rows:
        in_span = span.since_on <= row.date <= span.until_on
        if in_span and (not span.min_votes or (row.votes or 0) >= span.min_votes):
            groups[row.date.replace(day=1)].append(row)
    return [Month(on, len(rows), _votes(rows)) for on, rows in sorted(groups.items())]


def _votes(rows: Iterable[models.PaperRow]) -> int | None:
    known = [row.votes for row in rows if row.votes is not None]
    return sum(known) if known else None


def _fill_months(counted: Sequence[Month], first: date, last: date) -> tuple[Month, ...]:
    """Return every month from the first to the last."""
    known = {month.starts_on: month for month in counted}
    number = (last.year - first.year) * 12 + last.month - first.month + 1
    months = [_months_before(last, number - 1 - place) for place in range(number)]
    return tuple(known.get(on, Month(on, 0, None)) for on in months)


def _months_before(month: date, number: int) -> date:
    """Return the first day of the month so many months before; no further back than dates go."""
    count = max(month.year * 12 + month.month - 1 - number, 12)
    return date(count // 12, count % 12 + 1, 1)
