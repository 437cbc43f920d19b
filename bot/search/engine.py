"""Finds the papers for a query in the index: those on its topic, then those with all its terms, then those with some.

One search, the survey, asks of each paper which parts of the query it has, as bits of its score: these are its kind and the
exact counts. Another one ranks. Papers with all parts are ranked by term frequency without IDF, the others by a weighted OR
(BM25); a sentence also ranks by similarity to its topics. Never reads papers' texts.
"""

from __future__ import annotations

import math
import re
import weakref
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from enum import Enum, auto
from functools import lru_cache, partial
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, cast

import tantivy
from tantivy import FieldType, Occur, Query

from bot.search import index as search_index
from bot.search.query_reader import IMPLIED_WEIGHT
from bot.search.results import MatchKind, Sort
from bot.text import concepts, institutions, query_parser, tokens
from bot.text.concepts import Form, QueryPart
from bot.text.parsed_query import ParsedQuery
from storage.snapshot import chunked

_TITLE, _BODY, _NAME, _WHOLE = 2.0, 2.0, 4.0, 6.0
"""Weights of a part in the title, a part in the body, a name, and a term that spans the whole query."""
_OTHER_FORMS = 0.3
"""The share of the scores of a part's other forms that is added to its best form's score."""
_NAME_DEGREES = {search_index.EXACT_NAME: 1.0, search_index.VERSION_NAME: 0.8, search_index.LEADING_NAME: 0.4}
_PARTIAL_TITLE, _PARTIAL_BODY, _PARTIAL_MAIN = 0.55, 0.45, 0.6
_CHANCE = 0.01
"""The share of papers that may have a term by chance: whether fewer have it hardly changes its weight in partial matches."""
_MAX_FORMS, _MAX_PARTS, _MAX_TOPICS = 48, 14, 20
_MAX_BITS = 24
"""The bits of a score, a number of 32 bits."""
_MIN_TOPIC_WEIGHT, _MAX_TERMS, _MAX_COMPLETIONS = 0.1, 1000, 200
_ENOUGH, _ENOUGH_ORDERED, _MAX_PARTIAL = 30, 3, 60
"""If there are fewer complete matches than the first number, or of one term or in the order of votes or dates than the second
one, near matches are added, at most the third number.
"""
_NEAR = 1 / 3
"""In the order of votes or dates, only partial matches with at least this share of the best one's score are listed."""
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
"""What no paper is found by alone, such as a version without its name."""
_APART = 1e6
"""The factor by which papers with all terms score, so that they come before all that lack one."""
_SATURATION = 1.2
"""The k1 parameter of the engine's BM25."""

_Order: TypeAlias = tuple[str, tantivy.Order]
_TOP: _Order = ("top", tantivy.Order.Desc)
_ORDERS: Mapping[Sort, _Order | None] = {
    Sort.RELEVANCE: None,
    Sort.VOTES: _TOP,
    Sort.DATE: ("newest", tantivy.Order.Desc),
    Sort.OLDEST: ("oldest", tantivy.Order.Desc),
}
"""The field that each order is by; None for the score."""
_Clause: TypeAlias = tuple[Occur, Query]


class Matches(NamedTuple):
    """Scores by paper id, best first: papers on the topic, then those with all terms, then those that lack a term.

    `on_topic` and `all_terms` count the papers of the first two kinds, which may be more than `scores` has; `missing` maps each
    paper of the third kind to the terms that it lacks.
    """

    scores: Mapping[int, float] = MappingProxyType({})
    on_topic: int = 0
    all_terms: int = 0
    missing: Mapping[int, tuple[QueryPart, ...]] = MappingProxyType({})

    @property
    def total(self) -> int:
        return self.on_topic + self.all_terms + len(self.missing)

    @property
    def complete(self) -> int:
        """The number of papers that have all terms, on the topic or not."""
        return self.on_topic + self.all_terms

    @property
    def kinds(self) -> dict[int, MatchKind]:
        return {id_: kind for kind, ids in self.by_kind.items() for id_ in ids}

    @property
    def by_kind(self) -> dict[MatchKind, list[int]]:
        """The papers of each kind, best first."""
        ids = [*self.scores]
        return {
            MatchKind.ON_TOPIC: ids[: self.on_topic],
            MatchKind.ALL_TERMS: ids[self.on_topic : self.complete],
            MatchKind.SOME_TERMS: ids[self.complete :],
        }

    def continued(self, longer: Matches) -> Matches:
        """Return these matches followed by those that only a longer list has."""
        return longer._replace(scores={**self.scores, **longer.scores})


class _Asked(Enum):
    """What a survey asks besides the parts of a query."""

    ABOUT = auto()
    """Whether the paper is about all parts, or has the query as a phrase or a name."""
    WHOLE = auto()
    """Whether it has the query as a phrase, in one of its wholes, or as a name."""
    NAMED = auto()
    FAMILY = auto()
    RELATED = auto()
    """Whether it is about a topic that the query is clearly on."""
    WITHIN = auto()
    """Whether it is within the limits, and not about what is left out."""


WITHIN = _Asked.WITHIN


class Survey:
    """What each paper has of a query, from one search: its score has a bit for each part, and for whatever else is asked.

    Counts are of the whole archive, the kinds are within the query's limits.
    """

    def __init__(
        self,
        parts: Sequence[QueryPart],
        asked: Mapping[Hashable, Query | None],
        found: Mapping[int, tuple[int, tantivy.DocAddress]],
    ) -> None:
        self.parts, self.asked = parts, asked
        self.bits = {id_: bits for id_, (bits, _) in found.items()}
        self._found = found
        self._bit = {key: 1 << place for place, key in enumerate(asked)}
        self._papers = Counter(self.bits.values())
        full = [bits for bits in self._papers if self._is_full(bits)]
        on = {bits for bits in full if bits & self._bit[_Asked.ABOUT]}
        self.on_topic = {id_ for id_, bits in self.bits.items() if bits in on}
        others = {*full} - on
        self.all_terms = {id_ for id_, bits in self.bits.items() if bits in others}

    def _join(self, keys: Iterable[Hashable]) -> int:
        """Return the bits of these, more than a paper can have if one of them was not asked."""
        return sum(self._bit.get(key, 1 << _MAX_BITS) for key in {*keys})

    def _is_full(self, bits: int) -> bool:
        whole, within = self._bit[_Asked.WHOLE], self._bit[_Asked.WITHIN]
        every = self._join(self.parts)
        return bool(bits & within and (bits & whole or every == bits & every > 0))

    @property
    def complete(self) -> int:
        """The number of papers that have all terms, on the topic or not."""
        return len(self.on_topic) + len(self.all_terms)

    @property
    def has_name(self) -> bool:
        """Whether a paper, or a family of papers, has the query as its name."""
        return self.count(_Asked.NAMED) > 0 or self.count(_Asked.FAMILY) > 0

    def is_complete(self, paper_id: int) -> bool:
        return paper_id in self.on_topic or paper_id in self.all_terms

    def list_having(self, *keys: Hashable) -> list[int]:
        """Return the papers that have all of these; none if one of them was not asked."""
        wanted = self._join(keys)
        return [id_ for id_, bits in self.bits.items() if bits & wanted == wanted]

    def count(self, *keys: Hashable) -> int:
        wanted = self._join(keys)
        return sum(papers for bits, papers in self._papers.items() if bits & wanted == wanted)

    def has(self, paper_id: int, key: Hashable) -> bool:
        return bool(self.bits.get(paper_id, 0) & self._bit.get(key, 0))

    def place(self, paper_id: int) -> tantivy.DocAddress:
        return self._found[paper_id][1]


class _Spelled(NamedTuple):
    """A form's queries in titles, those in bodies with their weights, and those for bodies that have it twice."""

    titles: list[Query]
    bodies: list[tuple[Query, float]]
    twice: list[Query]


class _Compiled(NamedTuple):
    """A part's title and body queries, scored from 0 to 1, and the query for bodies that have a form twice."""

    title: Query | None
    body: Query | None
    twice: Query | None


class Engine:
    """Searches one version of the index, or if it `is_temporary` a few papers, which say little of all. Thread-safe."""

    def __init__(self, searcher: tantivy.Searcher, *, is_temporary: bool = False) -> None:
        self.searcher, self.is_temporary = searcher, is_temporary
        self._schema = search_index.paper_schema()
        # By a cycle of references, engines of former versions and their deleted files would stay for days.
        weak = weakref.proxy(self)
        self._compile = lru_cache(maxsize=1 << 11)(partial(Engine._compile_forms, weak))
        self._part = lru_cache(maxsize=1 << 11)(partial(Engine._compile_part, weak))
        self.count_papers = lru_cache(maxsize=1 << 11)(partial(Engine._count_papers, weak))
        self._spell = lru_cache(maxsize=1 << 11)(partial(Engine._spell_form, weak))
        self._frequency = lru_cache(maxsize=1 << 14)(searcher.doc_freq)

    # Building queries.

    def _phrase(self, field: str, phrase: Sequence[str]) -> Query:
        if len(phrase) == 1:
            return Query.term_query(self._schema, field, phrase[0], "freq")
        placed: list[str | tuple[int, str]] = [
            (offset, token) for offset, token in enumerate(phrase) if token != tokens.GAP
        ]
        return Query.phrase_query(self._schema, field, placed)

    def _count(self, field: str, phrase: Sequence[str]) -> list[int]:
        """Return how many papers have each token of a phrase, or [] if none has one of them."""
        counts = list[int]()
        for token in phrase:
            if token != tokens.GAP:
                if not (count := self._frequency(field, token)):
                    return []
                counts.append(count)
        return counts

    def idf(self, papers: float) -> float:
        """Return the weight of what this many papers have: the rarer, the heavier."""
        return math.log(1 + (self.searcher.num_docs - papers + 0.5) / (papers + 0.5))

    def _compile_forms(self, forms: tuple[Form, ...]) -> _Compiled:
        titles, bodies, twice = (list[Query]() for _ in range(3))
        for form in _join_seeded(forms)[:_MAX_FORMS]:
            spelled = self._spell(form.text)
            titles += (Query.const_score_query(title, form.weight) for title in spelled.titles)
            bodies += (Query.boost_query(body, form.weight * weight) for body, weight in spelled.bodies)
            twice += spelled.twice
        return _Compiled(
            Query.disjunction_max_query(titles) if titles else None,
            Query.disjunction_max_query(bodies, _OTHER_FORMS) if bodies else None,
            any_of(twice),
        )

    def _spell_form(self, text: str) -> _Spelled:
        """Return the queries for a form's spellings."""
        spelled = _Spelled([], [], [])
        for phrase in tokens.phrases(text):
            if counts := self._count("body", phrase):
                # BM25 without IDF, so that a rare form does not outweigh a common one.
                weight = 1 / (1 + _SATURATION) / sum(map(self.idf, counts))
                spelled.bodies.append((body := self._phrase("body", phrase), weight))
                often = all_of(self._term("twice", token, 0.0) for token in phrase if token != tokens.GAP)
                spelled.twice.extend(filter(None, [often if len(phrase) == 1 else all_of([often, body])]))
            if self._count("title", phrase):
                spelled.titles.append(self._phrase("title", phrase))
        return spelled

    def estimate(self, part: QueryPart) -> int:
        """Return the most papers that can have a part, by the number with the rarest token of each form."""
        if part.either:
            return max(min(map(self.estimate, parts), default=0) for parts in part.either)
        return max(
            (
                min(counts)
                for form in _join_seeded(part.forms)[:_MAX_FORMS]
                for phrase in tokens.phrases(form.text)
                for field in ("title", "body")
                if (counts := self._count(field, phrase))
            ),
            default=0,
        )

    def _count_papers(self, part: QueryPart) -> int:
        return self._count_matches(self._part(part))

    def _main(self, part: QueryPart) -> Query | None:
        """Return the query for papers of which a part is a main concept; None if no paper has it as one.

        A few papers do not show that: for an engine that `is_temporary`, it is None only for a word that names no concept.
        """
        if part.either:
            return any_of(all_of(map(self._main, parts)) for parts in part.either)
        concept_tokens = [form.text for form in _join_seeded(part.forms) if form.text[0] == tokens.CONCEPT]
        none = Query.empty_query() if concept_tokens and self.is_temporary else None
        return any_of(self._term("fact", token, _PARTIAL_MAIN) for token in concept_tokens) or none

    def _compile_part(self, part: QueryPart, title: float = _TITLE, body: float = _BODY) -> Query | None:
        """Return the query for papers that contain a part; None if none do."""
        if part.either:
            return any_of(all_of(self._part(each, title, body) for each in parts) for parts in part.either)
        compiled = self._compile(part.forms)
        return any_of(
            Query.boost_query(query, weight)
            for query, weight in ((compiled.title, title), (compiled.body, body))
            if query is not None
        )

    def _term(self, field: str, token: str, weight: float) -> Query | None:
        if not self._frequency(field, token):
            return None
        return Query.const_score_query(Query.term_query(self._schema, field, token, "basic"), weight)

    def _among(self, paper_ids: Collection[int]) -> Query:
        """Return the query for papers by id. Up to 1,000 separate terms are faster than one set."""
        if len(paper_ids) > _MAX_TERMS:
            return Query.term_set_query(self._schema, "id", list(paper_ids))
        terms = (Query.term_query(self._schema, "id", id_, "basic") for id_ in paper_ids)
        return any_of(terms) or Query.empty_query()

    def _topics(self, topics: Mapping[int, float]) -> Query | None:
        heaviest = sorted(topics.items(), key=lambda pair: (-pair[1], pair[0]))[:_MAX_TOPICS]
        return any_of(
            self._term("topic", f"{topic}.{level}", weight * (level - 0.5))
            for topic, weight in heaviest
            for level in range(1, search_index.LEVELS + 1)
            if weight * level >= _MIN_TOPIC_WEIGHT
        )

    def _narrow(self, query: ParsedQuery) -> list[_Clause]:
        filters, required = query.limits, list[Query]()
        if filters.since_on or filters.until_on:
            low, high = (
                None if on is None else on.toordinal() for on in (filters.since_on, filters.until_on)
            )
            required.append(Query.range_query(self._schema, "day", FieldType.Integer, low, high))
        if (filters.min_votes, filters.max_votes) != (None, None):
            least, most = (votes and min(votes, 1 << 31) for votes in (filters.min_votes, filters.max_votes))
            required.append(Query.range_query(self._schema, "votes", FieldType.Integer, least, most))
        if query.paper_ids is not None:
            required.append(self._among(query.paper_ids))
        required += (self.from_institution(name) or Query.empty_query() for name in query.institutions)
        excluded = self.left_out(query)
        return [
            *((Occur.Must, Query.const_score_query(condition, 0.0)) for condition in required),
            *([(Occur.MustNot, excluded)] if excluded is not None else []),
        ]

    def within(self, query: ParsedQuery) -> Query:
        """Return the query for all papers within a query's limits and without its exclusions."""
        return _within(Query.all_query(), self._narrow(query))

    def left_out(self, query: ParsedQuery) -> Query | None:
        """Return the query for what a query leaves out: papers on an excluded concept, or with a word that names no concept.

        A paper whose title says that it is without it stays: *Data-Free Distillation* for *no data*.
        """
        return any_of(
            _besides(
                self._part(part) if self._main(part) is None else self._about_one(part),
                self._compile(_list_denials(part)).title,
            )
            for part in query.without
        )

    def from_institution(self, institution: str) -> Query | None:
        tokens_of = filter(None, map(institutions.make_token, query_parser.split_names(institution)))
        return any_of([self._term("institution", token, 0.0) for token in tokens_of])

    def _score_best(self, query: Query | None, clauses: Sequence[_Clause], limit: int) -> dict[int, float]:
        """Return the scores of the best papers."""
        if query is None or not limit:
            return {}
        hits = self._search_index(_within(query, clauses), limit, weight_by_field="popularity", count=False)
        return _order(self._scores(hits))

    def _scores(self, result: tantivy.SearchResult) -> dict[int, float]:
        return dict(zip(self._paper_ids(result), (score for score, _ in result.hits), strict=True))

    def _paper_ids(self, result: tantivy.SearchResult) -> list[int]:
        addresses = [address for _, address in result.hits]
        return cast("list[int]", self.searcher.fast_field_values("id", addresses))

    # Searching.

    def _search_index(self, query: Query, limit: int, **options: Any) -> tantivy.SearchResult:
        """Search the index, which is done nowhere else."""
        return self.searcher.search(query, limit, **options)

    def survey(
        self, query: ParsedQuery, others: Mapping[Hashable, Query | None] = MappingProxyType({})
    ) -> Survey:
        """Ask all papers, in one search, what they have of a query, and of what else is asked as far as there are bits left."""
        parts = query.parts[:_MAX_PARTS]
        asked = {part: self._part(part) for part in parts} | self._ask_of_whole(query)
        asked |= {key: other for key, other in others.items() if other is not None}
        asked = dict(islice(asked.items(), _MAX_BITS - 1))
        wanted, within = _score_by_bits(asked.values()), self.within(query)
        asked[_Asked.WITHIN] = within
        if wanted is None:
            return Survey(parts, asked, {})
        is_within = Query.const_score_query(within, float(1 << len(asked) - 1))
        wanted = _within(wanted, [(Occur.Should, is_within)])
        hits = self._search_index(wanted, max(1, self.searcher.num_docs), count=False)
        found = zip(self._paper_ids(hits), hits.hits, strict=True)
        return Survey(parts, asked, {id_: (int(score), address) for id_, (score, address) in found})

    def _ask_of_whole(self, query: ParsedQuery) -> dict[Hashable, Query | None]:
        """Return what a survey asks about a query besides its parts and limits."""
        family = () if self._is_concept(query) else (search_index.VERSION_NAME, search_index.LEADING_NAME)
        return {
            _Asked.ABOUT: self._about_all(query),
            _Asked.WHOLE: any_of([*self._list_wholes(query), self._named(query, _NAME_DEGREES)]),
            _Asked.NAMED: self._named(query, [search_index.EXACT_NAME]),
            _Asked.FAMILY: self._named(query, family),
            _Asked.RELATED: any_of(map(self._about_one, query.clearly_on)),
        }

    def find(
        self, query: ParsedQuery, *, limit: int, sort: Sort = Sort.RELEVANCE, survey: Survey | None = None
    ) -> Matches:
        """Return the papers on a query's topic, then those with all terms and, if these are few, those that lack a term.

        May return more than `limit`. The query's `survey` is made if it is not given.
        """
        survey, order, limit = survey or self.survey(query), _ORDERS[sort], max(limit, _ENOUGH)
        is_alone = len(query.parts) == 1 and not query.topics
        has_partial = not is_alone and survey.complete < (_ENOUGH if order is None else _ENOUGH_ORDERED)
        if order is not None:
            return self._find_in_order(query, survey, order, limit, has_partial=has_partial)
        scores = self._rank(query, survey, limit, has_partial=has_partial)
        missing = self._list_missing(survey, scores) if has_partial else {}
        on, others = ([id_ for id_ in scores if id_ in ids] for ids in (survey.on_topic, survey.all_terms))
        ids = [*[*on, *others][:limit], *missing]
        matches = Matches(
            {id_: scores[id_] for id_ in ids}, len(survey.on_topic), len(survey.all_terms), missing
        )
        first = self.choose_named(survey)
        return matches if first is None else _put_first(matches, first)

    def _find_in_order(
        self, query: ParsedQuery, survey: Survey, order: _Order, limit: int, *, has_partial: bool
    ) -> Matches:
        """Return matches with each kind in the order of votes or dates; of those that lack a term, the near ones.

        The newest paper with any of the words says little.
        """
        some = self._some_parts(query, survey) if has_partial else None
        scores = self._score_best(some, self._narrow(query), survey.complete + _MAX_PARTIAL)
        missing = self._list_missing(survey, scores)
        least = _NEAR * max((scores[id_] for id_ in missing), default=0.0)
        kinds = survey.on_topic, survey.all_terms, [id_ for id_ in missing if scores[id_] >= least]
        on, others, near = (self._sort(ids, survey, order) for ids in kinds)
        known = {id_: scores.get(id_, 0.0) for id_ in (*[*on, *others][:limit], *near)}
        return Matches(known, len(on), len(others), {id_: missing[id_] for id_ in near})

    def _sort(self, paper_ids: Collection[int], survey: Survey, order: _Order) -> list[int]:
        """Return papers in the order of votes or dates."""
        ids = sorted(paper_ids)
        values = self.searcher.fast_field_values(order[0], list(map(survey.place, ids)))
        return [id_ for _, id_ in sorted(zip(values, ids, strict=True), reverse=True)]

    def choose_named(self, survey: Survey, *, is_alone: bool = False) -> int | None:
        """Return the paper of the very name that a query is, or unless it `is_alone` the family's with the most votes.

        A concept does not name a family: *Reasoning on Graphs* is one paper of many on reasoning.
        """
        for mark in (_Asked.NAMED,) if is_alone else (_Asked.NAMED, _Asked.FAMILY):
            if named := self._sort(survey.list_having(mark, _Asked.WITHIN), survey, _TOP):
                return named[0]
        return None

    def _rank(self, query: ParsedQuery, survey: Survey, limit: int, *, has_partial: bool) -> dict[int, float]:
        """Return the scores of the papers with all terms, and with `has_partial` of those with some, in one search.

        If there are enough papers on the topic, those of the others are left out.
        """
        # A paper may have all words of a sentence by chance, so all are ranked in the same way.
        is_ranked_by_topics = len(survey.parts) > 1 and bool(query.topics)
        some = self._some_parts(query, survey) if has_partial or is_ranked_by_topics else None
        wanted = self._all_parts(query, survey.parts, some if is_ranked_by_topics else None)
        about, clauses, complete = survey.asked[_Asked.ABOUT], self._narrow(query), survey.complete
        if about is not None and len(survey.on_topic) > _ENOUGH and self._is_concept(query):
            # How often one of many papers has a term says little: of those that fit alike, votes and newness decide.
            if len(survey.on_topic) >= limit:
                return self._score_best(about, clauses, limit)
            wanted = any_of([about, _besides(wanted, about)])
        if not has_partial:
            return self._score_best(wanted, clauses, complete)
        full, every = wanted and Query.boost_query(wanted, _APART), self.having_parts(survey.parts)
        scores = self._score_best(any_of([full, _besides(some, every)]), clauses, complete + _MAX_PARTIAL)
        return _order(
            {id_: score / _APART if survey.is_complete(id_) else score for id_, score in scores.items()}
        )

    def _list_missing(self, survey: Survey, ranked: Iterable[int]) -> dict[int, tuple[QueryPart, ...]]:
        """Return the parts that papers with some lack. One with a number alone is left out, such as the 9 of Orca 9.

        A paper without any is listed if it is about a topic that the query is clearly on.
        """
        parts = survey.parts
        named = [part for part in parts if not _NUMBER.fullmatch(part.text)] or parts
        partial = (id_ for id_ in ranked if not survey.is_complete(id_))
        return {
            id_: tuple(part for part in parts if not survey.has(id_, part))
            for id_ in islice(partial, _MAX_PARTIAL)
            if survey.has(id_, _Asked.RELATED) or any(survey.has(id_, part) for part in named)
        }

    def _about_all(self, query: ParsedQuery) -> Query | None:
        """Return the query for papers about all parts, with the query as a phrase, or with its name."""
        about = all_of(self._about_one(part.sure()) for part in query.parts[:_MAX_PARTS])
        wholes = [self._about_one(whole.sure()) for whole in query.wholes]
        phrase = self._phrase_of(query)
        phrase = phrase and Query.const_score_query(phrase, _WHOLE)
        return best_of([about, *wholes, phrase, self._named(query, _NAME_DEGREES)])

    def _is_concept(self, query: ParsedQuery) -> bool:
        """Return whether a query is a concept of the seed list alone, not an everyday word for something of it."""
        parts = [
            part._replace(forms=tuple(form for form in part.forms if form.weight == 1))
            for part in query.parts
        ]
        return len(parts) == 1 and self._main(parts[0]) is not None

    def _about_one(self, part: QueryPart) -> Query | None:
        """Return the query for papers with a form of a part in the title, or with its concept as a main one.

        A word that names no concept is in the title, or twice in the body.
        """
        if part.either:
            return any_of(all_of(map(self._about_one, parts)) for parts in part.either)
        compiled = self._compile(part.forms)
        return any_of([compiled.title, self._main(part) or compiled.twice])

    def _all_parts(
        self, query: ParsedQuery, parts: Sequence[QueryPart], ranked: Query | None
    ) -> Query | None:
        """Return the query for papers with all parts, with the whole query as a term, or with its name.

        The papers with all parts are ranked as `ranked` does, if it is given.
        """
        clauses = [self._named(query, _NAME_DEGREES)]
        every = self.having_parts(parts)
        if every is not None and ranked is not None:
            clauses.append(_within(Query.const_score_query(every, 0.0), [(Occur.Should, ranked)]))
        elif every is not None:
            clauses.append(Query.boost_query(every, 1 / len(parts)))
        wholes = filter(None, self._list_wholes(query))
        clauses += [all_of([whole, Query.const_score_query(whole, _WHOLE)]) for whole in wholes]
        return any_of(clauses)

    def _list_wholes(self, query: ParsedQuery) -> list[Query | None]:
        """Return the queries for papers with a query as a phrase, and with each of its wholes."""
        return [self._phrase_of(query), *map(self._part, query.wholes)]

    def _named(self, query: ParsedQuery, marks: Iterable[str]) -> Query | None:
        """Return the query for papers with a name of the query that has one of these marks."""
        is_title = self._is_concept(query)
        named = [
            self._term("name", f"{name} {mark}", 1.0 if is_title else _NAME * _NAME_DEGREES[mark] + _WHOLE)
            for name in sorted(query.names)
            for mark in marks
        ]
        return best_of(named)

    def _phrase_of(self, query: ParsedQuery) -> Query | None:
        """Return the query for papers with a query of several words as a phrase or as one word, such as ZeroSearch.

        A phrase has the words that are not searched for too: "expert model".
        """
        if any(part.either for part in query.parts):
            return None
        is_whole = len(query.parts) > 1 and all(part.text in query.sought for part in query.parts)
        texts = [query.sought] if is_whole else []
        texts += [query.text] if query.text not in ("", query.sought) else []
        return any_of(self._part(concepts.literal_part(text)) for text in texts)

    def _some_parts(self, query: ParsedQuery, survey: Survey) -> Query | None:
        """Return the query for papers with any part. For a sentence, papers are also ranked by its topics."""
        weighed = self._weigh(query, survey)
        words = any_of(Query.boost_query(part_query, weight) for part_query, weight in weighed)
        topics = self._topics(query.topics)
        if words is None or topics is None:
            return words
        # Normalise both scores like unit vectors.
        by_words = math.hypot(*(weight for _, weight in weighed))
        by_topics = search_index.LEVELS * math.hypot(*query.topics.values())
        return Query.boolean_query(
            [
                (Occur.Must, Query.boost_query(words, 1 / by_words)),
                (Occur.Should, Query.boost_query(topics, 1 / by_topics)),
            ]
        )

    def _weigh(self, query: ParsedQuery, survey: Survey) -> list[tuple[Query, float]]:
        """Return the query and the weight of each part and implied term that any paper has: the rarer, the heavier.

        Among keywords, rarity counts twice, and a paper about the rarest comes first: for KV cache compression, one about
        the KV cache.
        """
        shares = {part: IMPLIED_WEIGHT * query.topics[topic] for topic, part in query.implied.items()}
        counted = {part: self.estimate(part) for part in shares} | {
            part: survey.count(part) for part in survey.parts
        }
        counts = {part: count for part, count in counted.items() if count}
        rarest = min(counts, key=counts.__getitem__, default=None)
        by_main = rarest is not None and not query.topics and self._main(rarest) is not None
        weighed = list[tuple[Query, float]]()
        for part, count in counts.items():
            weight = self.idf(count + _CHANCE * self.searcher.num_docs) ** (1 if query.topics else 2)
            texts = self._part(part, _PARTIAL_TITLE, _PARTIAL_BODY)
            part_query = any_of([texts, self._main(part) if by_main else None])
            weighed += [(part_query, weight * shares.get(part, 1.0))] if part_query else []
        return weighed

    def _list_having(self, queries: Sequence[Query | None], paper_ids: Collection[int]) -> list[set[int]]:
        """Return the papers that match each of several queries. In one search, each of 24 queries sets a bit of the score."""
        having = list[set[int]]()
        for batch in chunked(queries, _MAX_BITS):
            bits = _score_by_bits(batch)
            scores = dict[int, float]()
            if bits is not None and paper_ids:
                if len(paper_ids) < self.searcher.num_docs:
                    bits = _within(bits, self._narrow(ParsedQuery(paper_ids=paper_ids)))
                scores = self._scores(self._search_index(bits, len(paper_ids), count=False))
            having += (
                {id_ for id_, score in scores.items() if int(score) >> number & 1}.intersection(paper_ids)
                for number in range(len(batch))
            )
        return having

    def list_forms(self, forms: Sequence[Form], paper_ids: Collection[int]) -> dict[int, tuple[str, bool]]:
        """Return the papers with any form: the first one that each has in its title and True, else in its body and False."""
        spelled = [(form.text, self._spell(form.text)) for form in forms]
        places = [(text, True, any_of(queries.titles)) for text, queries in spelled if queries.titles]
        places += [
            (text, False, any_of(body for body, _ in queries.bodies))
            for text, queries in spelled
            if queries.bodies
        ]
        having = self._list_having([query for *_, query in places], paper_ids) if places else ()
        first: dict[int, tuple[str, bool]] = {}
        for (text, is_in_title, _), ids in zip(places, having, strict=True):
            for paper_id in ids:
                first.setdefault(paper_id, (text, is_in_title))
        return first

    def count_from(self, institution: str) -> int:
        return self._count_matches(self.from_institution(institution))

    def list_from(self, institution: str, paper_ids: Collection[int]) -> set[int]:
        (from_it,) = self._list_having([self.from_institution(institution)], paper_ids)
        return from_it

    # Counting.

    def list_top(
        self, query: ParsedQuery, *, sort: Sort = Sort.VOTES, limit: int, offset: int = 0
    ) -> tuple[list[int], int]:
        """Return a page of the papers within a query's limits and without its exclusions, and the total number of papers.

        They are sorted by votes unless by date.
        """
        wanted, (field, order) = self.within(query), _ORDERS[sort] or _TOP
        result = self._search_index(wanted, limit, order_by_field=field, order=order, offset=offset)
        return self._paper_ids(result), _total(result)

    def count(self, *terms: Sequence[str]) -> int:
        """Return the number of papers that contain all of these terms, each in any of its forms."""
        return self._count_matches(self.having(terms))

    def having(self, terms: Iterable[Sequence[str]]) -> Query | None:
        """Return the query for the papers that contain all of these terms, each in any of its forms; None if none do."""
        return self.having_parts(concepts.literal_part(*forms) for forms in terms)

    def having_parts(self, parts: Iterable[QueryPart]) -> Query | None:
        return all_of(map(self._part, parts))

    def is_in_title(self, word: str) -> bool:
        """Return whether titles have each token of a word."""
        return any(self._count("title", phrase) for phrase in tokens.phrases(word))

    def count_titles(self, term: Sequence[str]) -> int:
        return self._count_matches(self._compile(concepts.literal_part(*term).forms).title)

    def _count_matches(self, query: Query | None) -> int:
        return 0 if query is None else _total(self._search_index(query, 1))

    # Titles and similar papers.

    def in_title(self, words: Iterable[str]) -> Query | None:
        """Return the query for the papers with all of these tokens in the title; None if none have them."""
        return all_of(self._term("title", word, 0.0) for word in words)

    def complete_tokens(self, beginnings: Iterable[str]) -> set[str]:
        """Return tokens of titles that start with one of these."""
        found = (
            self.searcher.terms_with_prefix("title", text, None, _MAX_COMPLETIONS) for text in beginnings
        )
        return {token for tokens_found in found for token, _ in tokens_found}

    def list_titled(self, words: Sequence[str], *, last: Collection[str] = (), limit: int) -> list[int]:
        """Return the papers with all of these tokens and, if given, one of the `last` in the title, top-voted first."""
        clauses = [self.in_title(words)] if words else []
        clauses += [any_of(self.in_title([word]) for word in sorted(last))] if last else []
        if (wanted := all_of(clauses)) is None:
            return []
        return self._paper_ids(self._search_index(wanted, limit, order_by_field="top", count=False))

    def list_similar(
        self, similar_to: int, words: Mapping[str, int], topics: Mapping[int, float], *, limit: int
    ) -> list[int]:
        """Return the papers most similar to a paper, given its concepts with their counts, and its topics."""
        named = any_of(
            self._term("concept", token, self.idf(self._frequency("concept", token)) * math.log(1 + count))
            for token, count in words.items()
        )
        wanted = any_of([named, self._topics(topics)])
        if wanted is None:
            return []
        ids = self._paper_ids(self._search_index(wanted, limit + 1, count=False))
        return [paper_id for paper_id in ids if paper_id != similar_to][:limit]


def _join_seeded(forms: Sequence[Form]) -> list[Form]:
    """Replace the forms of a seeded concept with the concept's token if all of its forms are given."""
    by_token: dict[str, list[Form]] = {}
    for form in forms:
        if form.token:
            by_token.setdefault(form.token, []).append(form)
    whole = {
        token: max(form.weight for form in of_token)
        for token, of_token in by_token.items()
        if len(of_token) == len(tokens.form_keys(tokens.read_concept_token(token)))
    }
    joined = [Form(token, weight) for token, weight in sorted(whole.items())]
    return [*joined, *(form for form in forms if form.token not in whole)]


def _order(scores: Mapping[int, float]) -> dict[int, float]:
    """Sort papers by their scores. Ties are sorted by id, so that their order does not depend on when they were indexed."""
    rounded = ((round(score, 4), id_) for id_, score in scores.items())
    return {id_: score for score, id_ in sorted(rounded, reverse=True)}


def _put_first(matches: Matches, first: int) -> Matches:
    """Return matches with the paper on the topic that has the query as its name ahead of all others."""
    best = max(matches.scores.values(), default=0.0) + 1.0
    return matches._replace(scores={first: best} | {**matches.scores, first: best})


def _list_denials(part: concepts.QueryPart) -> tuple[concepts.Form, ...]:
    """Return the forms that say that there is nothing of a part: no data, data-free."""
    denials = ("no {}", "without {}", "{} free", "{} 없는", "{} 없이")
    return tuple(concepts.Form(denial.format(form.text)) for form in part.forms for denial in denials)


def _within(query: Query, clauses: Sequence[_Clause]) -> Query:
    return Query.boolean_query([(Occur.Must, query), *clauses]) if clauses else query


def _besides(query: Query | None, others: Query | None) -> Query | None:
    """Return the query for the papers of a query that do not match `others`."""
    if query is None or others is None:
        return query
    return Query.boolean_query([(Occur.Must, query), (Occur.MustNot, others)])


def _score_by_bits(queries: Iterable[Query | None]) -> Query | None:
    """Return the query whose score has a bit for each of these that a paper matches; None if there are none."""
    return any_of(
        query and Query.const_score_query(query, float(1 << place)) for place, query in enumerate(queries)
    )


def _total(result: Any) -> int:
    return int(result.count)


def any_of(queries: Iterable[Query | None]) -> Query | None:
    """Return the disjunction of these queries, ignoring None; None if there are no queries."""
    return _combine(Occur.Should, [query for query in queries if query is not None])


def best_of(queries: Sequence[Query | None]) -> Query | None:
    """Return the disjunction of these queries, ignoring None, by whose best one a paper is scored; None without queries."""
    known = [query for query in queries if query is not None]
    return Query.disjunction_max_query(known) if known else None


def all_of(queries: Iterable[Query | None]) -> Query | None:
    """Return the conjunction of these queries; None if the list is empty or any query is None."""
    wanted = list[Query]()
    for query in queries:
        if query is None:
            return None
        wanted.append(query)
    return _combine(Occur.Must, wanted)


def _combine(occur: Occur, queries: Sequence[Query]) -> Query | None:
    # A query copies those in it.
    clauses = [(occur, query) for query in queries]
    return Query.boolean_query(clauses) if len(clauses) > 1 else next(iter(queries), None)
