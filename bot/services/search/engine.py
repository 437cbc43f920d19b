"""Retrieval and scoring: finds the papers for an expanded query, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple, assert_never

from bot.services.search import candidates, index_query, partial_matches, results
from bot.services.search.candidates import SearchScope
from bot.text import scoring
from bot.text.analysis import korean
from bot.text.glossary.model import expansion
from bot.text.glossary.model.expansion import Expansion, Segment
from bot.text.matching import term_variants
from bot.text.query_parser import Query
from bot.time_slices import TimeSlices
from storage import bulk, models, papers
from storage.database import Connection
from storage.search import index
from storage.search.query import any_of

Hit = tuple[scoring.Score, int]
"""The score and the id of a paper."""
_MAX_TOP_PAPERS = 1000
"""Matches that are sorted by votes, the most popular ones."""
_Gathered = tuple[Sequence[index.IndexRow], Sequence[int], bool]
"""The papers to score, the positions of further matches, and whether there are no others."""
_TOP_CHUNK_SIZE = 20
_SHALLOW_LIMIT, _MAX_COUNTED = 250, 2000
"""For more hits than the first, and with exclusions, up to the second number of matches are looked through."""
_ENOUGH_OF_TERM = 10
"""Partial matches follow fewer papers than this that have the single term of a question."""
_MAX_WITH_HEAD = 10
"""Partial matches of a term that no paper has."""


class Found(NamedTuple):
    """The hits of a query, best first. `total` is their number, of which there may be more unless `is_exact`.

    `missing` has the parts of the query that partial matches lack, by id: none if the paper is on a topic that they describe.
    """

    hits: Sequence[Hit] = ()
    total: int = 0
    is_exact: bool = True
    missing: Mapping[int, tuple[str, ...]] = MappingProxyType({})

    @property
    def is_inside(self) -> bool:
        """Whether a part of the query is found only within longer words: papers with the word itself exclude the others."""
        return self.complete_count > 0 and any(score.inside for score, _ in self.hits[:1])

    @property
    def complete_count(self) -> int:
        """The number of papers that have all of the query."""
        return self.total - len(self.missing)


async def find(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope, *, limit: int
) -> Found:
    """Return the hits of a query with terms, best first, at least `limit` if that many match.

    The papers with all of it come first; if they are few, papers with some of it follow. The order does not depend on
    `limit`: the best matches, which were gathered, are followed by the others in the order of their popularity.
    """
    segments = [*expanded.segments, *map(expansion.literal_segment, query.phrases)]
    full_query = build_index_query(segments, expanded)
    if full_query is None:
        return Found()
    scorer = scoring.Scorer(expanded, query.phrases, query.excluded)
    gathered = await _gather(connection, full_query, query, expanded, scope, limit)
    complete, rows = await _find_complete(connection, gathered, scorer, query, limit)
    parts = _partial_segments(segments, expanded, complete.hits)
    enough = partial_matches.MAX_COMPLETE if len(segments) > 1 else _ENOUGH_OF_TERM
    is_enough = len(complete.hits) >= enough
    if not parts or (is_enough and not expanded.topics):
        return complete
    complete_rows = [rows[paper_id] for _, paper_id in complete.hits[: partial_matches.MAX_COMPLETE]]
    relevance, partial = await partial_matches.find(
        connection, parts, expanded, scorer, scope, complete_rows, with_partial=not is_enough
    )
    if expanded.topics:
        complete = complete._replace(hits=_rank_by_topic(complete.hits, relevance))
    if len(segments) == 1:
        partial = _only_of_term(partial, parts, expanded)
    return Found(
        [*complete.hits, *((score, paper_id) for score, paper_id, _ in partial)],
        complete.total + len(partial),
        is_exact=complete.is_exact,
        missing={paper_id: missing for _, paper_id, missing in partial},
    )


def _rank_by_topic(hits: Sequence[Hit], relevance: Mapping[int, float]) -> list[Hit]:
    """Return the hits in the order of their relevance, behind those that the query names.

    Those that have a part only within longer words or as an ambiguous abbreviation, and those without a relevance, come last.
    """

    def key(hit: Hit) -> tuple[bool, bool, bool, float]:
        score, paper_id = hit
        is_named = bool(score.name or score.composed)
        return not is_named, score.inside, score.ambiguous, -relevance.get(paper_id, -1.0)

    return sorted(hits, key=key)


async def _gather(
    connection: Connection,
    full_query: index_query.IndexQuery,
    query: Query,
    expanded: Expansion,
    scope: SearchScope,
    limit: int,
) -> _Gathered:
    is_deep = limit > _SHALLOW_LIMIT or bool(query.excluded)
    return await candidates.gather(
        connection,
        full_query,
        scope,
        phrase=index_query.from_text(expanded.text) if len(expanded.segments) > 1 else None,
        names=index_query.from_names(expanded.names),
        count_limit=_MAX_COUNTED if is_deep else candidates.COUNT_LIMIT,
    )


async def _find_complete(
    connection: Connection, gathered: _Gathered, scorer: scoring.Scorer, query: Query, limit: int
) -> tuple[Found, dict[int, index.IndexRow]]:
    """Return the papers with all of a query as far as they are needed, and the papers that were read, by id."""
    rows, more, is_all = gathered
    hits = _rank(await score_papers(rows, scorer))
    rows_by_id = {row.paper_id: row for row in rows}
    needed = max(limit, partial_matches.MAX_COMPLETE, candidates.COUNT_LIMIT if query.excluded else 0)
    read = 0
    for chunk in bulk.chunked(more, index.ROWS_AT_ONCE):
        if len(hits) >= needed:
            break
        chunk_rows = sorted(await index.list_by_positions(connection, chunk), key=lambda row: row.position)
        hits += [hit for hit in await score_papers(chunk_rows, scorer) if hit[0].is_complete]
        rows_by_id |= {row.paper_id: row for row in chunk_rows}
        read += len(chunk)
    hits = _drop_inside(hits)
    is_read = read == len(more)
    total = len(hits) if is_read else max(len(hits), candidates.COUNT_LIMIT)
    return Found(hits, total, is_exact=is_all and is_read), rows_by_id


def _partial_segments(
    segments: Sequence[Segment], expanded: Expansion, complete: Sequence[Hit]
) -> Sequence[Segment]:
    """Return the parts of which some are enough: the segments; of a single term that no paper has, its words."""
    if len(segments) > 1:
        return segments
    if expanded.topics:
        return expanded.fallback or segments
    return () if complete else expanded.fallback


def _only_of_term(
    partial: Sequence[partial_matches.PartialHit], parts: Sequence[Segment], expanded: Expansion
) -> list[partial_matches.PartialHit]:
    """Return the papers on a topic that a question for one term describes; without a topic, the first ones with the term's head.

    The head is the last word of a term that no paper has as a whole.
    """
    if expanded.topics:
        return [hit for hit in partial if hit[0].is_complete]
    head = korean.strip_term(parts[-1].text)
    with_head = [
        (score, paper_id, missing or (expanded.text,))
        for score, paper_id, missing in partial
        if head not in missing
    ]
    return with_head[:_MAX_WITH_HEAD]


async def list_about(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope
) -> frozenset[int] | None:
    """Return all of the scope's papers that are about a query with terms; None if more than `candidates.COUNT_LIMIT` may be."""
    topic_query = build_topic_query(query, expanded)
    if topic_query is None:
        return frozenset()
    if scope.paper_ids is not None:
        rows = await candidates.list_within(connection, topic_query, scope.filters, scope.paper_ids)
    else:
        positions = await candidates.list_popular(
            connection, topic_query, scope.filters, candidates.COUNT_LIMIT + 1
        )
        if len(positions) > candidates.COUNT_LIMIT:
            return None
        rows = list(await index.list_by_positions(connection, positions))
    scorer = scoring.Scorer(expanded, query.phrases, query.excluded)
    return frozenset(paper_id for _, paper_id in await score_papers(rows, scorer, only_about=True))


async def find_top(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope, *, limit: int
) -> Found:
    """Return the hits of a query with terms, most voted first, at least `limit` if that many match.

    They are about the query (see `Scorer.is_about`). Up to `candidates.COUNT_LIMIT` papers are all scored, more of them in
    the order of their votes as far as `limit` needs. If no paper is about the query, those that a search finds are listed.
    """
    hits, read, positions = [], 0, await _list_top_positions(connection, query, expanded, scope)
    scorer = scoring.Scorer(expanded, query.phrases, query.excluded)
    is_counted = len(positions) <= candidates.COUNT_LIMIT or query.excluded
    for chunk in bulk.chunked(positions, index.ROWS_AT_ONCE if is_counted else max(limit, _TOP_CHUNK_SIZE)):
        by_position = {row.position: row for row in await index.list_by_positions(connection, chunk)}
        rows = [by_position[position] for position in chunk]
        hits += await score_papers(rows, scorer, only_about=True)
        read += len(rows)
        if len(hits) >= limit and not is_counted:
            break
    hits = _drop_inside(hits)
    if hits:
        is_exact = read == len(positions) < _MAX_TOP_PAPERS
        total = len(hits) if read == len(positions) else max(len(hits), candidates.COUNT_LIMIT)
        return Found(hits, total, is_exact=is_exact)
    return await find_sorted(
        connection, query, expanded, scope, limit=candidates.COUNT_LIMIT, sort=results.Sort.VOTES
    )


async def find_sorted(
    connection: Connection,
    query: Query,
    expanded: Expansion,
    scope: SearchScope,
    *,
    limit: int,
    sort: results.Sort,
) -> Found:
    """Return the papers of `find` in an order; by votes and by date papers that lack a part come last.

    Of more than `candidates.COUNT_LIMIT` papers the best matches are sorted.
    """
    if sort is results.Sort.RELEVANCE:
        return await find(connection, query, expanded, scope, limit=limit)
    found = await find(connection, query, expanded, scope, limit=max(limit, candidates.COUNT_LIMIT))
    listed = await papers.list_rows(connection, [paper_id for _, paper_id in found.hits])
    match sort:
        case results.Sort.DATE:
            listed.sort(key=lambda row: (row.date, row.id), reverse=True)
        case results.Sort.VOTES:
            listed.sort(key=results.votes_descending)
        case _:
            assert_never(sort)
    listed.sort(key=lambda row: row.id in found.missing)
    score_of = {paper_id: score for score, paper_id in found.hits}
    return found._replace(hits=[(score_of[row.id], row.id) for row in listed])


async def _list_top_positions(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope
) -> list[int]:
    """Return the index's matches, most voted first, of equal votes the newest; none if authors limit the scope."""
    topic_query = build_topic_query(query, expanded)
    if topic_query is None or scope.paper_ids is not None:
        return []
    positions = await candidates.list_popular(connection, topic_query, scope.filters, _MAX_TOP_PAPERS)
    votes = await index.list_votes(connection, positions)
    return sorted(positions, key=lambda position: (votes[position] is None, -(votes[position] or 0)))


def _rank(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits that have all of the query, best first, of equal ones the newest."""
    newest_first = sorted(hits, key=lambda hit: -hit[1])
    complete = [hit for hit in newest_first if hit[0].is_complete]
    return scoring.rank(complete, len(complete))


def _drop_inside(hits: list[Hit]) -> list[Hit]:
    """Return the hits without those that have a single term only within longer words, unless all are such.

    Of several terms the others confirm that a longer word is meant (생명과학 for 과학): those hits come last.
    """
    if any(score.segments > 1 for score, _ in hits[:1]):
        return sorted(hits, key=lambda hit: hit[0].inside)
    return [hit for hit in hits if not hit[0].inside] or hits


def build_index_query(segments: Sequence[Segment], expanded: Expansion) -> index_query.IndexQuery | None:
    """Return the index query for papers with all segments, a term that the whole query composes, or a name that it is."""
    queries = [
        index_query.from_segments(segments),
        *(index_query.from_segment(term) for term in expanded.composed),
    ]
    query = index_query.combine_any([query for query in queries if query is not None])
    if query is None:
        return None
    anywhere = any_of([query.anywhere, *index_query.from_names(expanded.names)])
    return query._replace(anywhere=anywhere or query.anywhere)


def build_topic_query(query: Query, expanded: Expansion) -> index_query.IndexQuery | None:
    """Return the index query for papers about a query, which finds little more than these."""
    segments = [*expanded.segments, *map(expansion.literal_segment, query.phrases)]
    full_query = build_index_query(segments, expanded)
    if full_query is None:
        return None
    topics = [index_query.topic_query(part) for part in (segments, *([term] for term in expanded.composed))]
    about = any_of(
        [*(topic for topic in topics if topic is not None), *index_query.from_names(expanded.names)]
    )
    return full_query._replace(anywhere=about or full_query.anywhere)


async def score_papers(
    rows: Sequence[index.IndexRow], scorer: scoring.Scorer, *, only_about: bool = False
) -> list[Hit]:
    """Score papers in slices; without those that match no part of the query or an exclusion, or are not about it."""
    hits, slices = [], TimeSlices()
    for row in rows:
        document = term_variants.Document(row.texts.title, row.texts.body, row.votes, row.last_on)
        score = scorer.score(document)
        if score is not None and (not only_about or scorer.is_about(document)):
            hits.append((score, row.paper_id))
        await slices.pause()
    return hits


async def load_rows(connection: Connection, hits: Sequence[Hit]) -> list[models.PaperRow]:
    """Return the papers of these hits as list rows, with their scores."""
    scores = {paper_id: score.total for score, paper_id in hits}
    rows = await papers.list_rows(connection, list(scores))
    return [replace(row, score=round(scores[row.id], 4)) for row in rows]


def explain(rows: Sequence[models.PaperRow], hits: Sequence[Hit]) -> dict[str, dict[str, float]]:
    """Return the components of each score, by arXiv id."""
    arxiv_id_of = {row.id: row.arxiv_id for row in rows}
    return {arxiv_id_of[paper_id]: score.explain() for score, paper_id in hits if paper_id in arxiv_id_of}
