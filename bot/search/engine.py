"""The search for an expanded query: candidates from the index, the best of them scored from their texts.

A query is a weighted OR of its concepts. Papers that have all of them come first; if these are few, papers with some of them or
on the topic of a question follow, marked with what they lack. The index ranks by where a concept is (title, once, twice in the
body), since tokens have marks for that; few texts are read, for phrases and for abbreviations of several meanings.
All of it runs synchronously on one snapshot of the database.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, compress, islice
from types import MappingProxyType
from typing import NamedTuple, assert_never

from bot.search import query as search_query
from bot.search import results as search_results
from bot.search import scoring
from bot.text import analyser, questions, term_keys, typography
from bot.text.concepts import Expansion, Segment
from bot.text.query_parser import Query
from storage import models, search
from storage.search import (
    BooleanQuery,
    Prefix,
    all_of,
    any_of,
    estimate_matches,
    keep_frequent,
    prune_phrases,
    query_tokens,
    with_suffix,
)
from storage.snapshot import Snapshot

_MAX_UNSURE = 180
"""Texts that are read to find 30 papers that have all of a query, and not only the tokens of its phrases, unless papers have it
within longer words: others may have the word.
"""
TEXT_LIMIT = 60
"""Texts that are read at once; of more candidates those that the index ranks first, by as many of each of its conditions."""
COUNT_LIMIT = 500
"""Up to this number all matches are ranked by the index, so that their number is true; of more the most popular ones."""
_ENOUGH = 30
"""Partial matches follow fewer papers than this that have all of a query."""
_ENOUGH_OF_TERM = 10
"""Partial matches follow fewer papers than this that have the single term of a question."""
_MAX_RANKED = 36
"""Partial matches whose texts are read."""
_MAX_WITH_HEAD = 10
"""Partial matches of a term that no paper has."""
_MAX_COMBINED_PARTS = 4
"""The rarest parts, of which papers with two are looked for."""
_ENOUGH_CANDIDATES = 60
"""Papers with one part are looked for from the rarest part on, until about this number can be expected."""
_ENOUGH_MATCHES = 1000
"""Rarer forms of a part are not asked for if about this number of papers have the others: few of them are candidates."""
_COMBINED_LIMIT, _PART_LIMIT, _TOPIC_LIMIT = 15, 30, 15
"""Partial matches of each query: with two parts; with one; on a topic, in the title or twice."""
_WEIGHTS = 0.4, 0.8
"""The weights of BM25 and topic in the relevance, each relative to the highest of all papers."""
_SHALLOW_LIMIT, _MAX_COUNTED = 250, 2000
"""For more hits than the first, and with exclusions, up to the second number of matches are looked through."""
_MAX_TOP_PAPERS = 1000
"""Matches that are sorted by votes, the most popular ones."""
_TOP_CHUNK_SIZE = 20
"""Texts that are read in one step, if a page needs more."""
MAX_CHARACTERS = 5_000_000
"""Characters of the texts that a search reads for its list, as 2,000 usual papers have: half a second of CPU. Papers
of an untrusted source may have twenty times as many each, or one author all of them.
"""
DIRECT_LIMIT = 20
"""Up to this number of papers it is faster to score them all than to ask the index."""
MAX_WITHIN = 100_000
"""Matches that are looked through for certain papers: more than the days of a daily post have."""


@dataclass(frozen=True, slots=True)
class SearchScope:
    """The papers to search in. `paper_ids` are those of the named authors; None if no author is named.

    `within` is the condition on papers of a named institution.
    """

    filters: search.Filters = field(default_factory=search.Filters)
    paper_ids: frozenset[int] | None = None
    within: BooleanQuery | None = None

    def list_positions(
        self, snapshot: Snapshot, requests: Iterable[tuple[BooleanQuery, int]]
    ) -> list[list[int]]:
        """Return for each query and limit the positions of the most popular matches; `paper_ids` do not count."""
        narrowed = [(all_of([query, self.within]) or query, limit) for query, limit in requests]
        return search.list_positions(snapshot, narrowed, self.filters)


Hit = tuple[scoring.Score, int]
"""The score and the id of a paper."""


class Found(NamedTuple):
    """The hits of a query, best first. `total` is their number, of which there may be more unless `is_exact`.

    `missing` has the parts of the query that partial matches lack, by id: none if the paper is on a topic that they describe.
    `read` are papers whose texts were read, by id: of a short list all of its hits.
    """

    hits: Sequence[Hit] = ()
    total: int = 0
    is_exact: bool = True
    missing: Mapping[int, tuple[str, ...]] = MappingProxyType({})
    read: Mapping[int, search.IndexRow] = MappingProxyType({})

    @property
    def is_inside(self) -> bool:
        """Whether a part of the query is found only within longer words: papers with the word itself exclude the others."""
        return self.complete_count > 0 and any(score.inside for score, _ in self.hits[:1])

    @property
    def complete_count(self) -> int:
        """The number of papers that have all of the query."""
        return self.total - len(self.missing)

    def without_partial(self) -> Found:
        """Return the papers that have all of the query."""
        hits = [hit for hit in self.hits if hit[1] not in self.missing]
        return Found(hits, self.complete_count, is_exact=self.is_exact)


class _Part:
    """A concept of a query with the conditions on papers, each pruned when it is first used; None without a token."""

    def __init__(
        self, segment: Segment, query: search_query.IndexQuery | None, frequencies: Mapping[str, int]
    ) -> None:
        self.segment, self._query, self._frequencies = segment, query, frequencies
        self.weight = max([form.weight for form in segment.forms], default=0.0)

    @cached_property
    def anywhere(self) -> BooleanQuery | None:
        """The condition that a paper has it."""
        return prune_phrases(self._query.anywhere, self._frequencies) if self._query else None

    @cached_property
    def repeated(self) -> BooleanQuery | None:
        """The condition that a body has it twice."""
        return prune_phrases(self._query.repeated, self._frequencies) if self._query else None

    @cached_property
    def in_title(self) -> BooleanQuery | None:
        """The condition that a title has it."""
        return with_suffix(self.anywhere, search_query.TITLE_MARK) if self.anywhere is not None else None

    def usual(self, condition: BooleanQuery | None) -> BooleanQuery | None:
        """Return a condition with the usual forms alone."""
        return keep_frequent(condition, self._frequencies, _ENOUGH_MATCHES) if condition is not None else None

    @cached_property
    def papers(self) -> int:
        """The number of papers that may have it."""
        return estimate_matches(self.anywhere, self._frequencies) if self.anywhere is not None else 0


def _compile_parts(snapshot: Snapshot, segments: Iterable[Segment]) -> list[_Part]:
    queries = [(segment, search_query.from_segment(segment)) for segment in segments]
    words = set[str]().union(*(query_tokens(query.anywhere) for _, query in queries if query))
    frequencies = search.get_document_frequencies(snapshot, words)
    return [_Part(segment, query, frequencies) for segment, query in queries]


class _Request:
    """A search for the papers with all of a query, which counts the texts that it reads."""

    def __init__(self, snapshot: Snapshot, query: Query, expanded: Expansion, scope: SearchScope) -> None:
        self.snapshot, self.scope, self.expanded = snapshot, scope, expanded
        self.segments = expanded.parts(query.phrases)
        self.scorer = scoring.Scorer(expanded, query.phrases, query.excluded)
        self.written: list[search.IndexRow] = []
        self.read: dict[int, search.IndexRow] = {}
        self.characters = 0
        every = (*self.segments, *expanded.composed, *expanded.implied.values())
        compiled = iter(_compile_parts(snapshot, every))
        self.parts = list(islice(compiled, len(self.segments)))
        self.composed = list(islice(compiled, len(expanded.composed)))
        self.implied = list(compiled)
        self.names = search_query.from_names(expanded.names)

    @property
    def complete_query(self) -> BooleanQuery | None:
        """The index query for papers with all parts, a term that the whole query composes, or a name that it is."""
        # The engine goes from match to match of the first part, and looks for each in the others.
        with_all = all_of(part.anywhere for part in sorted(self.parts, key=lambda part: part.papers))
        wanted = any_of([with_all, *(part.anywhere for part in self.composed)])
        return any_of([wanted, *self.names]) if wanted is not None else None

    def list_rows(self, positions: Sequence[int]) -> list[search.IndexRow]:
        """Read papers with their texts, in the given order."""
        by_position = {row.position: row for row in search.list_by_positions(self.snapshot, positions)}
        self._keep(by_position.values())
        return [by_position[position] for position in positions if position in by_position]

    def read_written(self, wanted: BooleanQuery, paper_ids: frozenset[int]) -> bool:
        """Read the papers of the named authors, those that the search may list. Returns False if not all were read."""
        chosen, is_all = sorted(paper_ids, reverse=True), len(paper_ids) <= _MAX_COUNTED
        if not is_all:
            # One name may be on every paper of the archive.
            (positions,) = self.scope.list_positions(self.snapshot, [(wanted, MAX_WITHIN)])
            known = search.list_ids(self.snapshot, positions)
            matching = [known[position][0] for position in positions if known[position][0] in paper_ids]
            chosen, is_all = matching[:_MAX_COUNTED], len(matching) <= _MAX_COUNTED
        for start in range(0, len(chosen), TEXT_LIMIT):
            if not self.has_room:
                is_all = False
                break
            found = search.list_by_paper_ids(self.snapshot, chosen[start : start + TEXT_LIMIT]).values()
            self._keep([row for row in found if self.scope.filters.allow(row.last_on, row.votes)])
        self.written = list(self.read.values())
        return is_all

    def _keep(self, rows: Iterable[search.IndexRow]) -> None:
        for row in rows:
            self.read[row.position] = row
            self.characters += _count_characters(row)

    @property
    def has_room(self) -> bool:
        """Whether further texts may be read."""
        return self.characters < MAX_CHARACTERS

    def rank_by_index(self, positions: Sequence[int]) -> list[int]:
        """Return the positions of complete matches with those that the index ranks high, best first.

        It ranks by about what `Scorer` gives for a name, for the phrase in the title, for each part in the title, and for a
        single part that the body repeats.
        """
        parts = [part for part in self.parts if part.anywhere is not None]
        every: _Gains = dict.fromkeys(range(len(parts)), scoring.TITLE_WEIGHT / max(1, len(parts)))
        wanted = [(all_of(part.in_title for part in parts), every)]
        for number, name in enumerate(self.names):
            wanted.append((name, {**every, f"name {number}": scoring.NAME_WEIGHT}))
        if len(parts) == 1:
            # Of several parts all are repeated by few papers, which the engine is slow to find. Few have the name as head.
            repeated = parts[0].usual(parts[0].repeated)
            gain: _Gains = {"repeated": scoring.REPEATED_WEIGHT}
            marked = [(query, gains) for query, gains in wanted if query not in self.names[:1]]
            wanted += [(all_of([query, repeated]), gains | gain) for query, gains in marked]
            wanted.append((repeated, gain))
        else:
            for number, part in enumerate(parts):
                others = [other.anywhere for other in (*parts[:number], *parts[number + 1 :])]
                wanted.append((all_of([part.in_title, *others]), {number: every[number]}))
            phrase = search_query.from_text(self.expanded.text)
            wanted.append((phrase and phrase.in_title, {**every, "phrase": scoring.TITLE_WEIGHT}))
        wanted += [(part.in_title, {"composed": scoring.NAME_WEIGHT}) for part in self.composed]
        known = [(query, gains) for query, gains in wanted if query is not None]
        listed = self.scope.list_positions(self.snapshot, [(query, TEXT_LIMIT) for query, _ in known])
        scores = dict.fromkeys(positions, 0.0)
        scores |= _add_gains(zip((gains for _, gains in known), listed, strict=True))
        for position in scores:
            scores[position] += scoring.POPULARITY_WEIGHT * search.popularity_at(position)
        return sorted(scores, key=lambda position: (-scores[position], position))


_Gains = dict[Hashable, float]
"""What a condition says that papers have, with what each adds to their score."""


def _add_gains(listed: Iterable[tuple[_Gains, Iterable[int]]]) -> dict[int, float]:
    """Return for each position the sum of what its conditions say that it has, of each the highest gain."""
    known: dict[int, _Gains] = {}
    for gains, positions in listed:
        for position in positions:
            had = known.setdefault(position, {})
            for key, gain in gains.items():
                had[key] = max(gain, had.get(key, 0.0))
    return {position: sum(had.values()) for position, had in known.items()}


def find(snapshot: Snapshot, query: Query, expanded: Expansion, scope: SearchScope, *, limit: int) -> Found:
    """Return the hits of a query with terms, best first, at least `limit` if that many match.

    The papers with all of it come first; if they are few, papers with some of it follow. The order does not depend on
    `limit`.
    """
    request = _Request(snapshot, query, expanded, scope)
    found = _find(request, query, limit)
    return found._replace(read={row.paper_id: row for row in request.read.values()})


def _find(request: _Request, query: Query, limit: int) -> Found:
    complete = _find_complete(request, query, limit)
    if complete is None:
        return Found()
    expanded, segments, parts = request.expanded, request.segments, request.parts
    if len(segments) < 2:
        # Of a single term that no paper has, some of its words are enough.
        is_found = not expanded.topics and bool(complete.hits)
        fallback = _compile_parts(request.snapshot, expanded.fallback) if not is_found else []
        parts = [] if is_found else fallback or (parts if expanded.topics else [])
    is_enough = len(complete.hits) >= (_ENOUGH if len(segments) > 1 else _ENOUGH_OF_TERM)
    if not parts or is_enough or not complete.is_exact:
        return complete
    partial = _find_partial(request, parts, {paper_id for _, paper_id in complete.hits})
    if len(segments) == 1:
        partial = _only_of_term(partial, parts, expanded)
    return Found(
        [*complete.hits, *((score, paper_id) for score, paper_id, _ in partial)],
        complete.total + len(partial),
        is_exact=complete.is_exact,
        missing={paper_id: missing for _, paper_id, missing in partial},
    )


def _find_complete(request: _Request, query: Query, limit: int) -> Found | None:
    """Return the papers with all of a query as far as they are needed; None for a query without a token.

    Up to `_MAX_UNSURE` texts are read until 30 papers surely have it; further ones as far as `limit` needs them, and all of a
    query that excludes words.
    """
    wanted = request.complete_query
    if wanted is None:
        return None
    scorer, scope = request.scorer, request.scope
    if scope.paper_ids is not None:
        is_all = request.read_written(wanted, scope.paper_ids)
        scored = _drop_inside(_rank(score_papers(request.written, scorer)))
        return Found(scored, len(scored), is_exact=is_all)
    is_deep = limit > _SHALLOW_LIMIT or bool(query.excluded)
    count_limit = _MAX_COUNTED if is_deep else COUNT_LIMIT
    ((*positions,),) = scope.list_positions(request.snapshot, [(wanted, count_limit + 1)])
    is_all = len(positions) <= count_limit
    ranked = positions[:COUNT_LIMIT]
    if len(positions) > TEXT_LIMIT:
        ranked = request.rank_by_index(ranked)
        later = set(ranked)
        ranked += [position for position in positions[:count_limit] if position not in later]
    hits: list[Hit] = []
    read, needed = 0, COUNT_LIMIT if query.excluded else _ENOUGH
    while read < len(ranked) and sum(map(_is_sure, hits)) < needed and request.has_room:
        is_within = any(score.inside and score.segments == 1 for score, _ in hits)
        if read >= _MAX_UNSURE and not query.excluded and not is_within:
            break
        chunk = ranked[read : read + TEXT_LIMIT]
        hits += score_papers(request.list_rows(chunk), scorer)
        read += len(chunk)
    is_counted = sum(map(_is_sure, hits)) >= needed
    hits = _rank(hits)
    total = len(hits) + len(ranked) - read
    # One more than the page shows, so that a next one is offered while there are texts to read.
    while read < len(ranked) and len(hits) < limit + (not is_counted) and request.has_room:
        chunk = ranked[read : read + TEXT_LIMIT]
        hits += _rank(score_papers(request.list_rows(chunk), scorer))
        read += len(chunk)
    is_cut = len(hits) < limit
    hits = _drop_inside(hits)
    if read < len(ranked) and (is_cut or not is_counted):
        return Found(hits, len(hits), is_exact=False)
    total = len(hits) if read == len(ranked) else max(total, len(hits))
    return Found(hits, total if is_all else max(len(hits), COUNT_LIMIT), is_exact=is_all)


def _is_sure(hit: Hit) -> bool:
    """Tell whether a paper has all of a query, a single term not only within longer words."""
    score, _ = hit
    return score.is_complete and (score.segments > 1 or not score.inside)


def _rank(hits: Iterable[Hit]) -> list[Hit]:
    """Return the hits that have all of the query, best first, of equal ones the newest."""
    complete = [hit for hit in hits if hit[0].is_complete]
    return sorted(complete, key=lambda hit: (hit[0].sort_key, hit[1]), reverse=True)


def _drop_inside(hits: list[Hit]) -> list[Hit]:
    """Return the hits without those that have a single term only within longer words, unless all are such.

    Of several terms the others confirm that a longer word is meant (생명과학 for 과학): those hits come last.
    """
    if any(score.segments > 1 for score, _ in hits[:1]):
        return sorted(hits, key=lambda hit: hit[0].inside)
    return [hit for hit in hits if not hit[0].inside] or hits


# Partial matches have some parts of a query, or its topic. They are ranked by BM25 and topic.

PartialHit = tuple[scoring.Score, int, tuple[str, ...]]
"""The score and the id of a paper, and the parts that it lacks."""


def _find_partial(request: _Request, parts: Sequence[_Part], complete: Collection[int]) -> list[PartialHit]:
    """Return the papers that have some of the parts, best first, without the `complete` ones."""
    expanded, every = request.expanded, [*parts, *request.implied]
    total = search.count_papers(request.snapshot)
    # A part that no paper has weighs nothing, since it cannot tell papers apart.
    idf = [scoring.inverse_document_frequency(part.papers, total) if part.papers else 0.0 for part in every]
    candidates = _list_candidates(request, every, len(parts), idf)
    compiled = [scoring.CompiledSegment(part.segment) for part in every]
    scored = []
    for row in candidates:
        document = term_keys.Document(row.texts.title, row.texts.body, row.votes, row.last_on)
        counts = [segment.weighted_counts(document) for segment in compiled]
        is_found = row.paper_id not in complete and any(map(sum, counts))
        if is_found and not request.scorer.excludes(document):
            scored.append((scoring.score_bm25(counts, idf), row, counts))
    scored.sort(key=lambda paper: (-paper[0], -paper[1].paper_id))
    best = scored[:_MAX_RANKED]
    relevance = _add_topics([(score, row) for score, row, _ in best], expanded.topics)
    best.sort(key=lambda paper: (-relevance[paper[1].paper_id], -paper[1].paper_id))
    terms = [
        (
            analyser.strip_term(part.segment.text),
            frozenset[int]().union(*map(questions.find_topics, part.segment.text.split())),
        )
        for part in parts
    ]
    return [
        _make_hit(row.paper_id, counts, terms, expanded, relevance[row.paper_id]) for _, row, counts in best
    ]


def _list_candidates(
    request: _Request, every: Sequence[_Part], count: int, idf: Sequence[float]
) -> list[search.IndexRow]:
    """Return papers with several of the rarest of the first `count` parts, with one, or with one of the others, the topics.

    They are those that the index ranks first, without those that were read.
    """
    if request.scope.paper_ids is not None:
        return request.written
    found = [(part.papers, number) for number, part in enumerate(every) if part.papers]
    rarest = [number for _, number in sorted(found) if number < count]

    def gain(level: int, *numbers: int) -> _Gains:
        return {
            number: scoring.score_bm25([(0.0, every[number].weight * level)], [idf[number]])
            for number in numbers
        }

    wanted: list[tuple[BooleanQuery | None, int, _Gains]] = []
    for pair in combinations(rarest[:_MAX_COMBINED_PARTS], 2) if len(rarest) > 2 else ():
        together = all_of(every[number].usual(every[number].anywhere) for number in pair)
        wanted.append((together, _COMBINED_LIMIT, gain(1, *pair)))
    expected = 0
    for number in (*rarest, *(number for _, number in found if number >= count)):
        part = every[number]
        if number >= count:
            wanted += [
                (part.usual(part.in_title), _TOPIC_LIMIT, gain(scoring.BM25_TITLE_WEIGHT, number)),
                (part.usual(part.repeated), _TOPIC_LIMIT, gain(2, number)),
            ]
        elif expected < _ENOUGH_CANDIDATES:
            expected += min(_PART_LIMIT, part.papers)
            wanted.append((part.usual(part.anywhere), _PART_LIMIT, gain(1, number)))
    requests = [(query, limit) for query, limit, _ in wanted if query is not None]
    listed = request.scope.list_positions(request.snapshot, requests)
    scores = _add_gains(zip((gains for _, _, gains in wanted), listed, strict=True))
    best = sorted(scores.keys() - request.read, key=lambda position: (-scores[position], position))
    return request.list_rows(best[:_MAX_RANKED])


def _add_topics(
    best: Sequence[tuple[float, search.IndexRow]], topics: questions.TopicVector
) -> dict[int, float]:
    """Return the relevance of papers by id: their BM25 and their similarity to topics, each relative to the highest."""
    similarity = questions.TopicSimilarity(topics)
    similarities = [
        similarity.compare(scoring.count_words(row.texts.title, row.texts.body)) if topics else 0.0
        for _, row in best
    ]
    highest = max((score for score, _ in best), default=0.0) or 1.0, max(similarities, default=0.0) or 1.0
    return {
        row.paper_id: _WEIGHTS[0] * score / highest[0] + _WEIGHTS[1] * similar / highest[1]
        for (score, row), similar in zip(best, similarities, strict=True)
    }


def _make_hit(
    paper_id: int,
    counts: Sequence[tuple[float, float]],
    terms: Sequence[tuple[str, frozenset[int]]],
    expanded: Expansion,
    relevance: float,
) -> PartialHit:
    """Return a hit with the parts that the paper lacks, without those that describe an implied topic that it has.

    `terms` are the parts with the topics that they describe.
    """
    found = list(map(any, counts))
    topics = set(compress(expanded.implied, found[len(terms) :]))
    missing = tuple(
        [
            term
            for (term, of_term), is_found in zip(terms, found, strict=False)
            if not is_found and topics.isdisjoint(of_term)
        ]
    )
    return scoring.Score(relevance, len(terms) - len(missing), len(terms)), paper_id, missing


def _only_of_term(
    partial: Sequence[PartialHit], parts: Sequence[_Part], expanded: Expansion
) -> list[PartialHit]:
    """Return the papers on a topic that a question for one term describes; without a topic, the first ones with the term's head.

    The head is the last word of a term that no paper has as a whole.
    """
    if expanded.topics:
        return [hit for hit in partial if hit[0].is_complete]
    head = analyser.strip_term(parts[-1].segment.text)
    with_head = [
        (score, paper_id, missing or (expanded.text,))
        for score, paper_id, missing in partial
        if head not in missing
    ]
    return with_head[:_MAX_WITH_HEAD]


def _count_characters(row: search.IndexRow) -> int:
    return len(row.texts.title) + len(row.texts.body)


def score_papers(
    rows: Iterable[search.IndexRow], scorer: scoring.Scorer, *, only_about: bool = False
) -> list[Hit]:
    """Score papers; without those that match no part of the query or an exclusion, or are not about it."""
    hits = []
    for row in rows:
        document = term_keys.Document(row.texts.title, row.texts.body, row.votes, row.last_on)
        score = scorer.score(document)
        if score is not None and (not only_about or scorer.is_about(document)):
            hits.append((score, row.paper_id))
    return hits


def list_about(
    snapshot: Snapshot, query: Query, expanded: Expansion, scope: SearchScope
) -> dict[int, float] | None:
    """Return all of the scope's papers that are about a query with terms; None if more than `COUNT_LIMIT` may be.

    With each id how well the texts match, apart from votes and date.
    """
    wanted = build_topic_query(snapshot, query, expanded)
    if wanted is None:
        return {}
    paper_ids = scope.paper_ids
    if paper_ids is not None and len(paper_ids) <= DIRECT_LIMIT:
        rows: Iterable[search.IndexRow] = search.list_by_paper_ids(snapshot, paper_ids).values()
    else:
        limit = COUNT_LIMIT + 1 if paper_ids is None else MAX_WITHIN
        (positions,) = scope.list_positions(snapshot, [(wanted, limit)])
        if paper_ids is None and len(positions) > COUNT_LIMIT:
            return None
        if paper_ids is not None:
            known = search.list_ids(snapshot, positions)
            positions = [position for position in positions if known[position][0] in paper_ids]
        # All at once those of a day or of a full shelf may take hundreds of megabytes.
        chunks = (positions[start : start + TEXT_LIMIT] for start in range(0, len(positions), TEXT_LIMIT))
        rows = (row for chunk in chunks for row in search.list_by_positions(snapshot, chunk))
    scorer = scoring.Scorer(expanded, query.phrases, query.excluded)
    hits = score_papers(rows, scorer, only_about=True)
    return {paper_id: score.total - score.popularity for score, paper_id in hits}


def find_top(
    snapshot: Snapshot, query: Query, expanded: Expansion, scope: SearchScope, *, limit: int
) -> Found:
    """Return the hits of a query with terms, most voted first, at least `limit` if that many match.

    They are about the query (see `Scorer.is_about`). Up to `COUNT_LIMIT` papers are all scored, more of them in the order of
    their votes as far as `limit` needs. If no paper is about the query, those that a search finds are listed.
    """
    positions: list[int] = []
    wanted = build_topic_query(snapshot, query, expanded)
    if wanted is not None and scope.paper_ids is None:
        (positions,) = scope.list_positions(snapshot, [(wanted, _MAX_TOP_PAPERS)])
        votes = {position: number for position, (_, number) in search.list_ids(snapshot, positions).items()}
        # Of equal votes the newest, in the order of the index.
        positions.sort(key=lambda position: (votes[position] is None, -(votes[position] or 0)))
    hits, read, characters = list[Hit](), 0, 0
    scorer = scoring.Scorer(expanded, query.phrases, query.excluded)
    is_counted = len(positions) <= COUNT_LIMIT or query.excluded
    size = TEXT_LIMIT if is_counted else min(max(limit, _TOP_CHUNK_SIZE), TEXT_LIMIT)
    while read < len(positions) and (is_counted or len(hits) < limit) and characters < MAX_CHARACTERS:
        chunk = positions[read : read + size]
        by_position = {row.position: row for row in search.list_by_positions(snapshot, chunk)}
        characters += sum(map(_count_characters, by_position.values()))
        hits += score_papers((by_position[position] for position in chunk), scorer, only_about=True)
        read += len(chunk)
    is_cut = read < len(positions) and (is_counted or len(hits) < limit)
    hits = _drop_inside(hits)
    if hits:
        is_exact = read == len(positions) < _MAX_TOP_PAPERS
        total = len(hits) if read == len(positions) or is_cut else max(len(hits), COUNT_LIMIT)
        return Found(hits, total, is_exact=is_exact)
    return find_sorted(snapshot, query, expanded, scope, limit=COUNT_LIMIT, sort=search_results.Sort.VOTES)


def find_sorted(
    snapshot: Snapshot,
    query: Query,
    expanded: Expansion,
    scope: SearchScope,
    *,
    limit: int,
    sort: search_results.Sort,
) -> Found:
    """Return the papers of `find` in an order; by votes and by date papers that lack a part come last.

    Of more than `COUNT_LIMIT` papers the best matches are sorted.
    """
    if sort is search_results.Sort.RELEVANCE:
        return find(snapshot, query, expanded, scope, limit=limit)
    found = find(snapshot, query, expanded, scope, limit=max(limit, COUNT_LIMIT))
    listed = search.list_paper_rows(snapshot, [paper_id for _, paper_id in found.hits], with_authors=False)
    match sort:
        case search_results.Sort.DATE:
            listed.sort(key=lambda row: (row.date, row.id), reverse=True)
        case search_results.Sort.VOTES:
            listed.sort(key=lambda row: models.votes_descending(row.votes))
        case _:
            assert_never(sort)
    listed.sort(key=lambda row: row.id in found.missing)
    score_of = {paper_id: score for score, paper_id in found.hits}
    return found._replace(hits=[(score_of[row.id], row.id) for row in listed])


def build_topic_query(snapshot: Snapshot, query: Query, expanded: Expansion) -> BooleanQuery | None:
    """Return the index query for papers about a query, which finds little more than these; None without a token."""
    about = [
        search_query.topic_query(part)
        for part in (expanded.parts(query.phrases), *([term] for term in expanded.composed))
    ]
    if not any(about):
        return None
    wanted = any_of([*about, *search_query.from_names(expanded.names)])
    assert wanted is not None
    return prune_phrases(wanted, search.get_document_frequencies(snapshot, search.query_tokens(wanted)))


_CANDIDATE_LIMIT = 60
_MAX_TEXT_LENGTH = 300
_MIN_PREFIX_LENGTH = 2
"""Letters of a Latin word from which it is completed: one letter begins half of all words."""
_MIN_STEM_LENGTH = 3


def find_papers(
    snapshot: Snapshot, text: str, *, limit: int, is_prefix: bool = False
) -> list[models.PaperRow]:
    """Return the papers whose titles contain a text, best first: equal titles, titles that begin with it, then popularity.

    With `is_prefix` the last word may be incomplete.
    """
    query = _prefix_query(text) if is_prefix else _phrase_query(text)
    if query is None:
        return []
    candidate_limit = limit if is_prefix else max(_CANDIDATE_LIMIT, limit)
    (positions,) = search.list_positions(snapshot, [(query, candidate_limit)], table=search.TITLES_TABLE)
    known = search.list_ids(snapshot, positions)
    rows = search.list_paper_rows(snapshot, [known[position][0] for position in positions])
    folded = analyser.fold_name(text)
    titled = [(analyser.fold_name(row.title or ""), row) for row in rows]
    if not is_prefix:
        titled = [pair for pair in titled if f" {folded} " in f" {pair[0]} "]
    titled.sort(key=lambda pair: (pair[0] != folded, not pair[0].startswith(folded), folded not in pair[0]))
    return [row for _, row in titled[:limit]]


def _phrase_query(text: str) -> BooleanQuery | None:
    query = search_query.from_words(analyser.stemmed_words(text[:_MAX_TEXT_LENGTH]))
    return None if query is None else query.anywhere


def _prefix_query(text: str) -> BooleanQuery | None:
    """Return the query for all words but the last, and for a completion or a stem of the last."""
    words = text[:_MAX_TEXT_LENGTH].split()
    if not words or text.endswith(" "):
        return _phrase_query(text)
    last_word = any_of(_last_word_queries(analyser.fold(words[-1])))
    if last_word is None:
        return _phrase_query(text)
    others = (search_query.from_words([word]) for word in analyser.stemmed_words(" ".join(words[:-1])))
    return all_of([*(other.anywhere for other in others if other is not None), last_word])


def _last_word_queries(word: str) -> list[BooleanQuery]:
    tokens = [token for part in analyser.stemmed_words(word) for token in analyser.word_tokens(part)]
    if not tokens:
        return []
    if analyser.is_hangul(tokens[-1]):
        return [all_of([*tokens[:-1], Prefix(tokens[-1])]) or tokens[-1]]
    if len(word) < _MIN_PREFIX_LENGTH:
        return [word]
    if not word.isalnum():
        return [Prefix(tokens[-1]), *tokens]
    # The index has stems: "reasonin" is a part of reasoning, which is indexed as "reason".
    stems = [word[:-cut] for cut in (1, 2, 3) if len(word) - cut >= _MIN_STEM_LENGTH]
    return [Prefix(tokens[-1]), Prefix(word), *tokens, *stems]


# What is like a paper: those that share the most of its rarest words ("more like this").

_MAX_TERMS = 50
_MAX_DOCUMENT_SHARE = 0.1
"""Words in a larger share of the papers say nothing of what one is about."""
_CANDIDATES_PER_TERM = 200
"""Papers with each of the rarest words, the most popular first."""


def list_similar(snapshot: Snapshot, arxiv_id: str, *, limit: int) -> list[models.PaperRow]:
    """Return the papers most similar to one; none if it is unknown or shares no rare word.

    A paper that no digest has is compared by its title and abstract.
    """
    ids = search.get_paper_ids(snapshot, [arxiv_id])
    own = search.list_by_paper_ids(snapshot, ids.values()).get(ids.get(arxiv_id, -1))
    if own:
        title, body = own.texts.title, own.texts.body
    else:
        rows = snapshot.fetch("SELECT title, abstract FROM papers WHERE arxiv_id = ?", arxiv_id)
        texts = next(iter(rows), ("", ""))
        title, body = (analyser.canonicalise(typography.to_plain_text(text or "")) for text in texts)
    weights = _tf_idf_weights(snapshot, scoring.count_words(title, body), least=2 if own else 1)
    rarest = sorted(weights, key=lambda word: (-weights[word], word))[:_MAX_TERMS]
    queries = [(word, query) for word in rarest if (query := all_of(analyser.word_tokens(word)))]
    found = search.list_positions(snapshot, [(query, _CANDIDATES_PER_TERM) for _, query in queries])
    scores = defaultdict[int, float](float)
    for (word, _), positions in zip(queries, found, strict=True):
        for position in positions:
            scores[position] += weights[word]
    scores.pop(own.position if own else -1, None)
    best = sorted(scores, key=lambda position: (-scores[position], position))[:limit]
    known = search.list_ids(snapshot, best)
    return search.list_paper_rows(snapshot, [known[position][0] for position in best])


def _tf_idf_weights(snapshot: Snapshot, frequencies: Mapping[str, int], *, least: int) -> dict[str, float]:
    """Return the TF-IDF weight of each word of `least` papers; a word has as many as the rarest of its tokens."""
    tokens_of = {word: analyser.word_tokens(word) for word in frequencies if len(word) > 1}
    known = search.get_document_frequencies(snapshot, set().union(*tokens_of.values()))
    total = max(search.count_papers(snapshot), 1)
    # A sampled count misses most rare tokens.
    uncounted = least if total > scoring.EXACT_COUNT_LIMIT else 0
    papers = {
        word: min(known.get(token, uncounted) for token in tokens) for word, tokens in tokens_of.items()
    }
    return {
        word: (1 + math.log(frequencies[word])) * math.log(1 + total / number)
        for word, number in papers.items()
        if least <= number <= max(3.0, _MAX_DOCUMENT_SHARE * total)
    }
