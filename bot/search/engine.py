"""Answers queries from the index: papers with all parts of a query first, then partial matches and related papers.

A part matches if any of its forms occurs in the title or body. Complete matches are ranked by term frequency without IDF,
partial matches by a weighted OR (BM25) and by their similarity to the question's topics. Never reads papers' texts.
"""

from __future__ import annotations

import math
import weakref
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import chain, islice, pairwise
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, cast

import tantivy
from tantivy import FieldType, Occur, Query

from bot.search import index as search_index
from bot.search.query import IMPLIED_WEIGHT, ReadQuery
from bot.search.results import Sort
from bot.text import analyser, concepts, institutions, questions, seed, tokens
from bot.text.concepts import Form, QueryPart
from storage import search
from storage.snapshot import chunked

_TITLE, _BODY, _NAME, _WHOLE = 2.5, 2.0, 4.0, 6.0
"""Weights of a part in the title, a part in the body, a name, and a term that spans the whole query."""
_NAME_DEGREES = {search_index.EXACT_NAME: 1.0, search_index.VERSION_NAME: 0.8, search_index.LEADING_NAME: 0.4}
_PARTIAL_TITLE, _PARTIAL_BODY, _PARTIAL_MAIN = 0.55, 0.45, 0.6
_CHANCE = 0.01
"""The share of papers that may have a term by chance: whether fewer have it hardly changes its weight in partial matches."""
_OTHER_FORMS = 0.3
"""The share of the scores of a part's other forms that is added to its best form's score."""
_MAX_FORMS, _MAX_PARTS, _MAX_TOPICS = 48, 24, 20
_MAX_BITS = 24
"""The bits of a score, a number of 32 bits."""
_MIN_TOPIC_WEIGHT, _MAX_TERMS = 0.1, 1000
_ENOUGH, _ENOUGH_ORDERED, _MAX_PARTIAL = 30, 3, 60
"""If there are fewer complete matches than the first number, or in the order of votes or dates than the second one, partial
matches are added, at most the third number.
"""
_NEAR = 1 / 3
"""The share of the best partial match's score from which on such matches are listed in an order that was asked for."""
_MIN_JOINED = 3
"""The least number of letters of each of two words that may be joined."""
_COMMON_SHARE = 0.05
"""The share of papers from which on a word outside the glossary is ordinary."""
_GENERAL_SHARE = 0.15
"""The share of papers from which on a term is general, such as "benchmark"."""
_MAX_WORD_TOPICS = 4
"""A keyword that describes more topics is ordinary, such as "full"."""
_ALL_WORDS = 1.25
"""The factor for papers with all words of a sentence."""
_SATURATION, _LENGTH_NORM = 1.2, 0.75
"""The k1 and b parameters of the engine's BM25."""
_ABOUT_FREQUENCY, _TOLERANCE = 2, 0.97
"""A paper is about a term that occurs this often in its body. Lengths are stored with a precision of 3 %."""
_CERTAIN = 100.0
"""The score of a title match."""

_Order: TypeAlias = tuple[str, tantivy.Order]
_TOP: _Order = ("top", tantivy.Order.Desc)
_ORDERS: Mapping[Sort, _Order | None] = {
    Sort.RELEVANCE: None,
    Sort.VOTES: _TOP,
    Sort.LEAST: ("least", tantivy.Order.Asc),
    Sort.DATE: ("newest", tantivy.Order.Desc),
    Sort.OLDEST: ("oldest", tantivy.Order.Desc),
}
"""The field that each order is by; None for the score."""
_Clause: TypeAlias = tuple[Occur, Query]


@dataclass(frozen=True, slots=True)
class Scope:
    """The papers to search. `paper_ids` restricts them to named authors' papers or to a list; None means all papers.

    `unwanted_ids` are left out. `has_code`: only papers with a link to code. `with_compared`: also those that name what is left
    out only in comparing.
    """

    filters: search.Filters = search.NO_FILTERS
    paper_ids: Collection[int] | None = None
    institutions: tuple[str, ...] = ()
    unwanted_ids: Collection[int] = frozenset()
    has_code: bool = False
    with_compared: bool = False


class Matches(NamedTuple):
    """Scores by paper id, best first, and the total number of matches.

    `missing` maps each partial match to the terms that it seems to lack; `mentioning` are those with all terms that are not
    about them, and `mentions` how many there are. `has_name`: a paper, or a family of papers, has the query as its name.
    """

    scores: Mapping[int, float] = MappingProxyType({})
    total: int = 0
    missing: Mapping[int, tuple[QueryPart, ...]] = MappingProxyType({})
    mentioning: Collection[int] = frozenset()
    mentions: int = 0
    has_name: bool = False

    @property
    def complete_count(self) -> int:
        """The number of papers that match the whole query."""
        return self.total - self.mentions - len(self.missing.keys() - self.mentioning)

    @property
    def ranked(self) -> tuple[list[int], list[int]]:
        """The first full matches and the partial ones, each of which may be put in another order."""
        full = (id_ for id_ in self.scores if id_ not in self.missing)
        partial = (id_ for id_ in self.scores if id_ in self.missing)
        return list(islice(full, _ENOUGH)), list(partial)

    def reordered(self, full: Sequence[int], partial: Sequence[int]) -> Matches:
        """Return these matches with those of `ranked` in another order."""
        ids = dict.fromkeys(full) | {id_: None for id_ in self.scores if id_ not in self.missing}
        return self._replace(scores={id_: self.scores[id_] for id_ in (*ids, *partial)})

    def continued(self, longer: Matches) -> Matches:
        """Return these matches followed by those that only a longer list has."""
        return longer._replace(scores={**self.scores, **longer.scores})


class _Spelled(NamedTuple):
    """A form's queries in titles, and those in bodies with their weights."""

    titles: list[Query]
    bodies: list[tuple[Query, float]]


class _Compiled(NamedTuple):
    """A part's title and body queries, scored from 0 to 1. `repeated` scores a body by how often all forms occur in total."""

    title: Query | None
    body: Query | None
    repeated: Query | None


class Engine:
    """Searches one version of the index, or if it `is_apart` a few papers, which say little of all. Thread-safe."""

    def __init__(self, searcher: tantivy.Searcher, *, is_apart: bool = False) -> None:
        self.searcher, self.is_apart = searcher, is_apart
        self._schema = search_index.paper_schema()
        # By a cycle of references, engines of former versions and their deleted files would stay for days.
        weak = weakref.proxy(self)
        self._compile = lru_cache(maxsize=1 << 11)(partial(Engine._compile_forms, weak))
        self._part = lru_cache(maxsize=1 << 11)(partial(Engine._compile_part, weak))
        self.count_papers = lru_cache(maxsize=1 << 11)(partial(Engine._count_papers, weak))
        self._spell = lru_cache(maxsize=1 << 11)(partial(Engine._spell_form, weak))
        self._levels = lru_cache(maxsize=1 << 9)(partial(Engine._list_levels, weak))
        self._frequency = lru_cache(maxsize=1 << 14)(searcher.doc_freq)

    # Building queries.

    def _phrase(self, field: str, phrase: Sequence[str]) -> Query:
        if len(phrase) == 1:
            return Query.term_query(self._schema, field, phrase[0], "freq")
        placed: list[str | tuple[int, str]] = [
            (offset, token) for offset, token in enumerate(phrase) if token != tokens.GAP
        ]
        return Query.phrase_query(self._schema, field, placed)

    def _list_spellings(self, text: str) -> Iterable[tuple[str, ...]]:
        """Return the phrases of a form, and as papers have them its Latin words cut in two (data set) and joined (dataset)."""
        phrases, word = tokens.phrases(text), text.casefold()
        spellings = dict.fromkeys(phrases)
        if word.isascii() and word.isalpha():
            for cut in range(_MIN_JOINED, len(word) - _MIN_JOINED + 1):
                if self._is_indexed(first := analyser.stem(word[:cut])) and self._is_indexed(
                    second := analyser.stem(word[cut:])
                ):
                    spellings[first, second] = None
        for phrase in phrases:
            for place, pair in enumerate(pairwise(phrase)):
                if joined := self._join(*pair):
                    spellings[(*phrase[:place], joined, *phrase[place + 2 :])] = None
        return spellings

    def _join(self, first: str, second: str) -> str:
        """Return the word that two Latin words make if they are joined; "" if no paper has it."""
        both = first + second
        is_word = min(len(first), len(second)) >= _MIN_JOINED and both.isascii() and both.isalpha()
        return joined if is_word and self._is_indexed(joined := analyser.stem(both)) else ""

    def _is_indexed(self, token: str) -> bool:
        return bool(self._frequency("body", token) or self._frequency("title", token))

    def join_parts(self, parts: Sequence[QueryPart]) -> tuple[QueryPart, ...]:
        """Return the parts of a query, with two plain words as one part if papers join them: mini batch."""
        joined = list[QueryPart]()
        for part in parts:
            before = joined[-1] if joined and not (joined[-1].key or part.key) else None
            if before and self._join(before.text.casefold(), part.text.casefold()):
                joined[-1] = concepts.literal_part(f"{before.text} {part.text}")
            else:
                joined.append(part)
        return tuple(joined)

    def _count(self, field: str, phrase: Sequence[str]) -> list[int]:
        """Return how many papers have each token of a phrase, or [] if none has one of them."""
        counts = list[int]()
        for token in phrase:
            if token != tokens.GAP:
                if not (count := self._frequency(field, token)):
                    return []
                counts.append(count)
        return counts

    def _idf(self, papers: float) -> float:
        return math.log(1 + (self.searcher.num_docs - papers + 0.5) / (papers + 0.5))

    def _compile_forms(self, forms: tuple[Form, ...]) -> _Compiled:
        titles, bodies, repeated, of_concepts = (list[Query]() for _ in range(4))
        for form in _join_seeded(forms)[:_MAX_FORMS]:
            spelled = self._spell(form.text)
            titles += (Query.const_score_query(title, form.weight) for title in spelled.titles)
            is_concept = form.text[0] in (tokens.CONCEPT, tokens.NARROWER)
            # Concepts may share a form (추론), so count only the most frequent concept.
            alike = of_concepts if is_concept else repeated
            for body, weight in spelled.bodies:
                bodies.append(Query.boost_query(body, form.weight * weight))
                alike.append(Query.boost_query(body, weight))
        of_concept = Query.disjunction_max_query(of_concepts) if of_concepts else None
        return _Compiled(
            Query.disjunction_max_query(titles) if titles else None,
            Query.disjunction_max_query(bodies, _OTHER_FORMS) if bodies else None,
            any_of([*repeated, of_concept]),
        )

    def _spell_form(self, text: str) -> _Spelled:
        titles, bodies = list[Query](), list[tuple[Query, float]]()
        for phrase in self._list_spellings(text):
            if counts := self._count("body", phrase):
                # BM25 without IDF, so that a rare form does not outweigh a common one.
                weight = 1 / (1 + _SATURATION) / sum(map(self._idf, counts))
                bodies.append((self._phrase("body", phrase), weight))
            if self._count("title", phrase):
                titles.append(self._phrase("title", phrase))
        return _Spelled(titles, bodies)

    def _mention(self, part: QueryPart) -> Query | None:
        """Return the query for papers with any form of a part, or with all words of a form somewhere in the text."""
        forms = dict.fromkeys(tokens.words_apart(form.text) for form in part.forms)
        apart = (
            all_of(any_of(self._term(field, token, 1.0) for field in ("title", "body")) for token in words)
            for words in forms
        )
        return any_of([self._part(part), *apart])

    def _is_ordinary(self, part: QueryPart) -> bool:
        """Return whether a part is neither a term nor an everyday word for one, and many papers have it."""
        return (
            not (part.is_term or part.key or self.is_apart)
            and self.count_papers(part) >= _COMMON_SHARE * self.searcher.num_docs
        )

    def _is_named(self, part: QueryPart, query: ReadQuery) -> bool:
        """Return whether an answer may say that a paper lacks this part: a term, or a rare noun among keywords."""
        if part.is_term or part.key or query.topics or self._is_ordinary(part):
            return part.is_term and part.key not in concepts.ALL_PAPERS
        is_rare = len(questions.find_topics(part.text)) <= _MAX_WORD_TOPICS
        return is_rare and (not analyser.is_hangul(part.text) or questions.is_noun(part.text))

    def is_telling(self, part: QueryPart) -> bool:
        """Return whether it says something of a paper that it has this part: a term that few papers have, or a rare noun."""
        if part.is_term or part.key:
            general = max(_ENOUGH, _GENERAL_SHARE * self.searcher.num_docs)
            return part.key not in concepts.ALL_PAPERS and self.count_papers(part) < general
        is_korean, is_word = analyser.is_hangul(part.text), part.text[:1].isupper() or len(part.forms) > 1
        is_noun = questions.is_noun(part.text) if is_korean else is_word
        return is_noun and not self._is_ordinary(part)

    def _count_papers(self, part: QueryPart) -> int:
        """Return how many papers have a part."""
        return self._count_matches(self._part(part))

    def _main(self, part: QueryPart) -> Query | None:
        """Return the query for papers of which a part is a main concept."""
        concepts_of = [form.text for form in _join_seeded(part.forms) if form.text[0] == tokens.CONCEPT]
        none = Query.empty_query() if concepts_of and self.is_apart else None
        return any_of(self._term("fact", token, _PARTIAL_MAIN) for token in concepts_of) or none

    def _compile_part(self, part: QueryPart, title: float = _TITLE, body: float = _BODY) -> Query | None:
        """Return the query for papers that contain a part; None if none do."""
        if part.each:
            size = len(part.each)
            return all_of(self._part(one, title / size, body / size) for one in part.each)
        if any(one.each for one in part.either):
            found = (self._part(one, title, body) for one in part.either)
            return Query.disjunction_max_query(own) if (own := [*filter(None, found)]) else None
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

    def _with_votes(self, least: int | None, most: int | None = None) -> Query:
        least, most = (votes if votes is None else min(votes, 1 << 31) for votes in (least, most))
        return Query.range_query(self._schema, "votes", FieldType.Integer, least, most)

    def _topics(self, topics: Mapping[int, float]) -> Query | None:
        """Return the query that ranks papers by their similarity to a question's topics."""
        heaviest = sorted(topics.items(), key=lambda pair: (-pair[1], pair[0]))[:_MAX_TOPICS]
        return any_of(
            Query.const_score_query(on_topic, weight * (level - 0.5))
            for topic, weight in heaviest
            for level, on_topic in self._levels(topic)
            if weight * level >= _MIN_TOPIC_WEIGHT
        )

    def _list_levels(self, topic: int) -> list[tuple[int, Query]]:
        """Return the query for the papers with each level of a topic, without those that no paper has."""
        by_token = {f"{topic}.{level}": level for level in range(1, search_index.LEVELS + 1)}
        return [
            (level, Query.term_query(self._schema, "topic", token, "basic"))
            for token, level in by_token.items()
            if self._frequency("topic", token)
        ]

    def _narrow(self, scope: Scope, query: ReadQuery | None = None) -> list[_Clause]:
        """Return the clauses that apply a scope and a query's exclusions."""
        filters, required = scope.filters, list[Query]()
        if filters.since_on or filters.until_on:
            low, high = (
                None if on is None else on.toordinal() for on in (filters.since_on, filters.until_on)
            )
            required.append(Query.range_query(self._schema, "day", FieldType.Integer, low, high))
        if (filters.min_votes, filters.max_votes) != (None, None):
            required.append(self._with_votes(filters.min_votes, filters.max_votes))
        if scope.paper_ids is not None:
            required.append(self._among(scope.paper_ids))
        of_code = [self._term("fact", search_index.CODE, 0.0)] if scope.has_code else []
        named = (*map(self.institution, scope.institutions), *of_code)
        required += (one or Query.empty_query() for one in named)
        unwanted = query.excluded if query else ()
        excluded = [
            self._about_one(part, is_alone=True)
            if part.is_topic
            else self._unwanted(part, scope.with_compared)
            for part in unwanted
            if not part.each
        ]
        excluded += map(self._in_title, unwanted)
        excluded += [self.institution(part.text) for part in unwanted if institutions.list_forms(part.text)]
        excluded += [self._among(scope.unwanted_ids)] if scope.unwanted_ids else []
        return [
            *((Occur.Must, Query.const_score_query(one, 0.0)) for one in required),
            *((Occur.MustNot, one) for one in excluded if one is not None),
        ]

    def _in_title(self, part: QueryPart) -> Query | None:
        """Return the query for titles that say what is left out, in a longer word (RAGTruth) or with its words in any order."""
        if part.each:
            each = ([self._compile(one.forms).title, self._in_title(one)] for one in part.each)
            return any_of([all_of(map(any_of, each)), *(self._affiliation(one.text) for one in part.each)])
        names = (tokens.list_belonging(one.text) or [one.text] for one in part.forms)
        inner = (tokens.inner_token(name) for name in chain(*names) if name.isascii())
        return any_of(self._term("title", token, 0.0) for token in inner)

    def _unwanted(self, part: QueryPart, with_compared: bool) -> Query | None:
        """Return the query for papers with a part that is left out, except those that do without it.

        If `with_compared`, it is for those that do not just compare.
        """
        belonging = (self._term("fact", one.text, 0.0) for one in part.forms if tokens.is_left_out(one.text))
        query, facts = any_of([self._part(part), *belonging]), [search_index.LACKED]
        facts += [search_index.COMPARED] if with_compared else []
        marked = any_of(
            self._term("fact", fact + form.text, 0.0) for fact in facts for form in _join_seeded(part.forms)
        )
        return query and _within(query, [(Occur.MustNot, marked)] if marked else [])

    def institution(self, name: str) -> Query | None:
        """Return the query for papers from an institution, or with its name within a title word: DeepSeekMath.

        If a paper's institutions are unknown, its text decides.
        """
        forms = institutions.list_forms(name)
        named = self._part(concepts.literal_part(*institutions.list_clear_forms(name)))
        in_text = all_of([named, self._term("institution", "", 0.0)])
        # Names with a capital inside: "Intel" is the beginning of "intelligence" too.
        words = (form for form in forms if form.isalpha() and any(map(str.isupper, form[3:])))
        titles = (self._term("title", tokens.inner_token(word), 0.0) for word in words)
        return any_of([self._affiliation(name), in_text, *titles])

    def is_affiliation(self, institution: str) -> bool:
        """Return whether any paper gives an institution as an author's."""
        return self._affiliation(institution) is not None

    def _affiliation(self, institution: str) -> Query | None:
        token = institutions.make_token(institution)
        return self._term("institution", token, 0.0) if token else None

    def _search(
        self, query: Query | None, clauses: Sequence[_Clause], limit: int, order: _Order | None
    ) -> Matches:
        """Return the best-scoring papers, or the first papers in the given order."""
        if query is None:
            return Matches()
        query = _within(query, clauses)
        if order is not None:
            hits = self.searcher.search(query, limit, order_by_field=order[0], order=order[1])
            return Matches(dict.fromkeys(self._numbers(hits), 0.0), _total(hits))
        hits = self.searcher.search(query, limit, weight_by_field="popularity")
        # Ties are sorted by id, so that their order does not depend on when they were indexed.
        scores = {id_: round(score, 4) for id_, score in self._scores(hits).items()}
        return Matches(dict(sorted(scores.items(), key=lambda item: item[::-1], reverse=True)), _total(hits))

    def _scores(self, result: tantivy.SearchResult) -> dict[int, float]:
        return dict(zip(self._numbers(result), (score for score, _ in result.hits), strict=True))

    def _numbers(self, result: tantivy.SearchResult, field: str = "id") -> list[int]:
        addresses = [address for _, address in result.hits]
        return cast("list[int]", self.searcher.fast_field_values(field, addresses))

    # Searching.

    def find(self, query: ReadQuery, scope: Scope, *, limit: int, sort: Sort = Sort.RELEVANCE) -> Matches:
        """Return complete matches, followed by partial ones if there are few. May return more than `limit`."""
        order, clauses = _ORDERS[sort], self._narrow(scope, query)
        several = len(query.parts) > 1
        parts = query.parts if several or query.topics else ()
        is_mixed = several and bool(query.topics) and order is None
        partial = self._partial(query, parts) if is_mixed else None
        wanted = self._complete(query, partial)
        full = self._find_full(query, wanted, clauses, max(limit, _ENOUGH), order)
        if order is None and (first := self.find_named(query, clauses)) is not None:
            best = max(full.scores.values(), default=0.0)
            scores = {first: best + 1.0} | {**full.scores, first: best + 1.0}
            full = full._replace(scores=scores, has_name=True)
        enough = _ENOUGH if order is None else _ENOUGH_ORDERED
        if full.total >= enough or (full.total and not several and not query.topics):
            return full
        if (partial := partial or self._partial(query, parts)) is None:
            return full
        others = self._search(partial, clauses, _MAX_PARTIAL, None).scores
        others = {id_: score for id_, score in others.items() if id_ not in full.scores}
        found = self._add_partial(query, parts, full, others, is_mixed=is_mixed, is_ordered=order is not None)
        return self.in_order(found, sort)

    def in_order(self, matches: Matches, sort: Sort) -> Matches:
        """Return matches in the order of votes or dates that is asked for: the full ones, and then the others."""
        if _ORDERS[sort] is None:
            return matches
        full, others = matches.scores.keys() - matches.missing.keys(), matches.missing.keys()
        groups = (
            self.list_top(Scope(paper_ids=ids), sort=sort, limit=len(ids))[0] for ids in (full, others) if ids
        )
        return matches._replace(scores={id_: matches.scores[id_] for ids in groups for id_ in ids})

    def _find_full(
        self,
        query: ReadQuery,
        wanted: Query | None,
        clauses: Sequence[_Clause],
        limit: int,
        order: _Order | None,
    ) -> Matches:
        """Return the papers with all parts: those about them first, then those that mention them.

        If none is about them and nothing is left out, all are full matches that name them clearly; and by relevance those of a
        question with other words than terms.
        """
        is_of_terms = order is not None or not query.is_question or all(part.is_term for part in query.parts)
        about = self._about_all(query, is_ordered=order is not None) if is_of_terms else None
        if wanted is None or about is None:
            return self._search(wanted, clauses, limit, order)

        def divide(about: Query) -> tuple[Matches, Matches]:
            about = Query.const_score_query(about, 0.0)
            full = self._search(wanted, [*clauses, (Occur.Must, about)], limit, order)
            left = [*clauses, (Occur.MustNot, about)] if full.total else clauses
            return full, self._search(wanted, left, max(1, limit - full.total), order)

        full, others = divide(about)
        if not (full.total or query.excluded or self.is_apart):
            # Of reasoning, 추론 alone is a mention, for it may be inference.
            clear = all_of(self._part(QueryPart("", part.clear)) for part in query.parts if part.clear)
            if clear is None:
                return others
            full, others = divide(clear)
        mentioning = others.scores if full.total < limit else {}
        return Matches(
            {**full.scores, **mentioning},
            full.total + others.total,
            dict.fromkeys(mentioning, ()),
            frozenset(mentioning),
            others.total,
        )

    def _about_all(self, query: ReadQuery, *, is_ordered: bool) -> Query | None:
        """Return the query for papers about all parts, or of the query's name.

        In the order of votes or dates, what belongs to a concept counts as the concept.
        """

        def own(part: QueryPart) -> QueryPart:
            sure = (form for form in part.forms if form.is_sure)
            kept = tuple(form for form in sure if is_ordered or not tokens.is_wide(form.text))
            either, each = (tuple(map(own, parts)) for parts in (part.either, part.each))
            return part._replace(forms=kept, either=either, each=each)

        parts = list(map(own, _list_needed(query.parts[:_MAX_PARTS])))
        wholes = [self._about_one(own(whole), is_alone=True) for whole in query.wholes]
        if len(parts) > 1 and query.text:
            wholes.append(self._part(concepts.literal_part(query.text)))  # mini batch for minibatches
        names = (self._term("name", f"{name} {mark}", 0.0) for name in query.names for mark in _NAME_DEGREES)
        return any_of([self._about_each(parts), *wholes, *names])

    def _about_each(self, parts: Sequence[QueryPart]) -> Query | None:
        """Return the query for papers about each of several parts. Two plain words in a row are about a phrase."""
        about = list[Query | None]()
        for before, part in zip([None, *parts], parts, strict=False):
            is_plain = before is not None and not (before.is_term or before.key or part.is_term or part.key)
            phrase = self._part(concepts.join_words(before, part)) if before and is_plain else None
            about.append(phrase or self._about_one(part, is_alone=len(parts) == 1))
        return all_of(about)

    def _about_one(self, part: QueryPart, *, is_alone: bool) -> Query | None:
        """Return the query for papers with a form of a part in the title, or with its concept as a main one.

        A word without a concept is in the title or twice in the body; an ordinary one is anywhere, unless it `is_alone`.
        """
        if part.each:
            return self._about_each(part.each)
        if part.either:
            return any_of(self._about_one(one, is_alone=is_alone) for one in part.either)
        if (main := self._main(part)) is not None:
            wide = (self._term("fact", form.text, 0.0) for form in part.forms if tokens.is_wide(form.text))
            about = any_of([self._compile(part.forms).title, main, *wide])
        elif is_alone or not self._is_ordinary(part):
            about = any_of([self._among(self._list_about(part, Scope())), self._titled(part)])
        else:
            about = self._part(part)
        return all_of([about, self._part(QueryPart("", part.clear))]) if part.clear else about

    def _titled(self, part: QueryPart) -> Query | None:
        """Return the query for titles with all concepts that make up a term: multimodal, reward model."""
        made_of = tokens.list_concepts(part.text) if part.key else ()
        return all_of(self._term("title", token, 1.0) for token in made_of)

    def find_named(self, query: ReadQuery, clauses: Sequence[_Clause] = ()) -> int | None:
        """Return the paper of the very name that a query is, or the family's with the most votes; None without one."""
        for marks in ((search_index.EXACT_NAME,), (search_index.VERSION_NAME, search_index.LEADING_NAME)):
            named = any_of(
                self._term("name", f"{name} {mark}", 1.0) for name in sorted(query.names) for mark in marks
            )
            best = self._search(named, clauses, 1, _TOP).scores
            if best:
                return next(iter(best))
        return None

    def _complete(self, query: ReadQuery, ranked: Query | None = None) -> Query | None:
        """Return the query for complete matches: papers with all parts, with the whole query as a term, or with its name.

        A paper may have all parts of a sentence by chance, so such papers are ranked as partial matches are.
        """
        clauses = [
            self._term("name", f"{name} {mark}", _NAME * degree + _WHOLE)
            for name in sorted(query.names)
            for mark, degree in _NAME_DEGREES.items()
        ]
        parts = query.parts[:_MAX_PARTS]
        needed = _list_needed(parts)
        whole = all_of(map(self._part, needed))
        if whole is not None and len(needed) < len(parts):
            other = any_of(self._part(part) for part in parts if part not in needed)
            whole = _within(whole, [(Occur.Should, other)] if other else [])
        if whole is not None and ranked is not None:
            rank = Occur.Should, Query.boost_query(ranked, _ALL_WORDS)
            clauses.append(_within(Query.const_score_query(whole, 0.0), [rank]))
        elif whole is not None:
            clauses.append(Query.boost_query(whole, 1 / len(parts)))
        if len(parts) > 1 and query.text:
            # The query may also be a phrase or one word, such as ZeroSearch.
            clauses.append(self._part(concepts.literal_part(query.text)))
        clauses += [
            all_of([named, Query.const_score_query(named, _WHOLE)])
            for named in map(self._part, query.wholes)
            if named is not None
        ]
        return any_of(clauses)

    def _partial(self, query: ReadQuery, parts: Sequence[QueryPart]) -> Query | None:
        """Return the query for papers with any part. For a sentence, papers are also ranked by its topics."""
        clauses, weights = list[Query](), list[float]()
        sides = [side for part in parts[:_MAX_PARTS] for side in part.alternatives]
        sought = [one for side in sides for one in side.each or (side,)]
        shares = {part: IMPLIED_WEIGHT * query.topics[topic] for topic, part in query.implied.items()}
        counts = {part: self.count_papers(part) for part in (*sought, *shares)}
        rarest = min((part for part in counts if counts[part]), key=counts.__getitem__, default=None)
        # Among keywords, a paper about the rarest comes first: for KV cache compression, one about the KV cache.
        by_main = rarest is not None and not query.topics and self._main(rarest) is not None
        chance = _CHANCE * self.searcher.num_docs
        for part, count in counts.items():
            if (query_of_part := self._part(part, _PARTIAL_TITLE, _PARTIAL_BODY)) is not None:
                weight = self._idf(count + chance) ** (1 if query.topics else 2) * shares.get(part, 1.0)
                main = self._main(part) if by_main else None
                query_of_part = any_of([query_of_part, main]) or query_of_part
                weights.append(weight * max(form.weight for form in part.forms))
                clauses.append(Query.boost_query(query_of_part, weight))
        words, topics = any_of(clauses), self._topics(query.topics)
        if words is None or topics is None:
            return words
        # Normalise both scores like unit vectors.
        by_topics = search_index.LEVELS * math.hypot(*query.topics.values())
        return Query.boolean_query(
            [
                (Occur.Must, Query.boost_query(words, 1 / math.hypot(*weights))),
                (Occur.Should, Query.boost_query(topics, 1 / by_topics)),
            ]
        )

    def _add_partial(
        self,
        query: ReadQuery,
        parts: Sequence[QueryPart],
        complete: Matches,
        others: Mapping[int, float],
        *,
        is_mixed: bool,
        is_ordered: bool,
    ) -> Matches:
        """Add papers with some parts of the query, or on a topic that the reply mentions, behind the full matches.

        A paper that has the words of a sentence's terms anywhere is a full match too. If `is_mixed`, all are sorted by their
        scores. Papers with one general word in common are left out: LLM, of finance LLM.
        """
        needed = [part for part in parts if not (query.is_question and self._is_ordinary(part))] or parts
        needed = _list_needed(needed)
        words = [one for part in parts for side in part.alternatives for one in side.each]
        find = self._mention if query.is_question else self._part
        queries = [*map(find, (*parts, *words)), *map(self._part, query.implied.values())]
        having = self._list_having(queries, others)
        having, of_topics = having[: len(parts) + len(words)], having[len(parts) + len(words) :]
        named = {
            part: has
            for part, has in zip((*parts, *words), having, strict=True)
            if not part.text.isdigit() and (query.is_question or part in (*needed, *words))
        }
        bare = others.keys() - set[int]().union(*named.values())
        weak = self._list_weak(named, of_topics, others, is_question=bool(query.topics))
        related = {
            id_
            for part in (query.said.values() if bare else ())
            for id_ in self._list_about(part, Scope(paper_ids=bare))
        }
        full = {id_: score for id_, score in complete.scores.items() if id_ not in complete.mentioning}
        mentioning = {id_: score for id_, score in complete.scores.items() if id_ in complete.mentioning}
        partial, missing = dict[int, float](), dict[int, tuple[QueryPart, ...]](complete.missing)
        sought = [
            (part, has, self._is_named(part, query))
            for part, has in zip(parts, having, strict=False)
            if part in needed
        ]
        for id_, score in others.items():
            lacking = [(part, is_named) for part, has, is_named in sought if id_ not in has]
            if id_ not in bare and not (lacking and id_ in weak):
                (partial if lacking else mentioning if complete.mentions else full)[id_] = score
            missing[id_] = tuple(part for part, is_named in lacking if is_named)
        added = len(full) + len(mentioning) - len(complete.scores)
        partial |= {id_: score for id_, score in others.items() if id_ in related}
        if is_ordered:
            # The newest paper with any of the words says little.
            least = _NEAR * max(partial.values(), default=0.0)
            partial = {id_: score for id_, score in partial.items() if score >= least}
        if is_mixed:
            full, mentioning, partial = (
                dict(sorted(scores.items(), key=lambda item: -item[1]))
                for scores in (full, mentioning, partial)
            )
        return Matches(
            {**full, **mentioning, **partial},
            complete.total + added + len(partial),
            {id_: missing[id_] for id_ in (*mentioning, *partial)},
            frozenset(mentioning),
            complete.mentions + len(mentioning) - len(complete.mentioning),
            has_name=complete.has_name,
        )

    def _list_weak(
        self,
        named: Mapping[QueryPart, set[int]],
        on_topics: Iterable[set[int]],
        paper_ids: Collection[int],
        *,
        is_question: bool,
    ) -> set[int]:
        """Return the papers with one general word of several; of a question in plain words, if other papers have the others.

        Among keywords, what is done with another topic is general: detection, 예측.
        """
        done = [] if is_question else [part for part in named if seed.classify("task", part.text)]
        told = [part for part in named if self.is_telling(part) and part not in done]
        strong = set[int]().union(*(named[part] for part in told), *on_topics)
        counts = Counter(chain.from_iterable(named.values()))
        # 기계 번역 is 번역.
        is_near = any(part.text in one.text for part in done for one in told)
        has_others = strong or (
            told and not is_near and (not is_question or all(part.is_term for part in named))
        )
        return {id_ for id_ in paper_ids if counts[id_] <= 1} - strong if has_others else set()

    def _list_having(self, queries: Sequence[Query | None], paper_ids: Collection[int]) -> list[set[int]]:
        """Return the papers that match each of several queries. In one search, each of 24 queries sets a bit of the score."""
        having = list[set[int]]()
        for batch in chunked(queries, _MAX_BITS):
            bits = any_of(
                one and Query.const_score_query(one, float(1 << number)) for number, one in enumerate(batch)
            )
            scores = dict[int, float]()
            if bits is not None and paper_ids:
                if len(paper_ids) < self.searcher.num_docs:
                    bits = _within(bits, self._narrow(Scope(paper_ids=paper_ids)))
                scores = self._scores(self.searcher.search(bits, len(paper_ids), count=False))
            having += (
                {id_ for id_, score in scores.items() if int(score) >> number & 1}.intersection(paper_ids)
                for number in range(len(batch))
            )
        return having

    def list_forms(self, forms: Sequence[Form], paper_ids: Collection[int]) -> dict[int, tuple[str, bool]]:
        """Return the papers with any form: the first one that each has in its title and True, else in its body and False."""
        spelled = [(form.text, self._spell(form.text)) for form in forms]
        places = [(text, True, any_of(one.titles)) for text, one in spelled if one.titles]
        places += [
            (text, False, any_of(body for body, _ in one.bodies)) for text, one in spelled if one.bodies
        ]
        having = self._list_having([query for *_, query in places], paper_ids) if places else ()
        first: dict[int, tuple[str, bool]] = {}
        for (text, is_in_title, _), ids in zip(places, having, strict=True):
            for paper_id in ids:
                first.setdefault(paper_id, (text, is_in_title))
        return first

    def have_votes(self, paper_ids: Collection[int]) -> bool:
        """Return whether a number of votes is known of any of these papers."""
        (counted,) = self._list_having([self._with_votes(0)], paper_ids)
        return bool(counted)

    def list_from(self, institution: str, paper_ids: Collection[int]) -> set[int]:
        """Return the papers that give an institution as an author's."""
        (from_it,) = self._list_having([self._affiliation(institution)], paper_ids)
        return from_it

    # Exact sets.

    def _list_about(self, part: QueryPart, scope: Scope) -> set[int]:
        """Return all papers with a part in the title or at least twice in the body."""
        compiled = self._compile(part.forms)
        titled = compiled.title and Query.const_score_query(compiled.title, _CERTAIN)
        if (wanted := any_of([titled, compiled.repeated])) is None:
            return set()
        wanted = _within(wanted, self._narrow(scope))
        hits = self.searcher.search(wanted, max(1, self.searcher.num_docs), count=False)
        ids, lengths = (self._numbers(hits, name) for name in ("id", "length"))
        return {
            id_
            for (score, _), id_, length in zip(hits.hits, ids, lengths, strict=True)
            if score >= _CERTAIN or score >= self._least_score(length)
        }

    def _least_score(self, length: int) -> float:
        """Return the score of a body of this length that contains a form twice."""
        norm = 1 - _LENGTH_NORM + _LENGTH_NORM * length / self._mean_length
        return _TOLERANCE * _ABOUT_FREQUENCY / (_ABOUT_FREQUENCY + _SATURATION * norm)

    @cached_property
    def _mean_length(self) -> float:
        aggregation = {"mean": {"avg": {"field": "length"}}}
        return float(self.searcher.aggregate(Query.all_query(), aggregation)["mean"]["value"] or 1.0)

    # Counting.

    def list_top(
        self,
        scope: Scope,
        query: ReadQuery | None = None,
        *,
        sort: Sort = Sort.VOTES,
        limit: int,
        offset: int = 0,
    ) -> tuple[list[int], int]:
        """Return a page of the papers in a scope without a query's exclusions, and the total number of papers.

        They are sorted by votes unless by date.
        """
        wanted, (field, order) = _within(Query.all_query(), self._narrow(scope, query)), _ORDERS[sort] or _TOP
        result = self.searcher.search(wanted, limit, order_by_field=field, order=order, offset=offset)
        return self._numbers(result), _total(result)

    def count(self, *terms: Sequence[str]) -> int:
        """Return the number of papers that contain all of these terms, each in any of its forms."""
        return self._count_matches(all_of(self._part(concepts.literal_part(*forms)) for forms in terms))

    def count_titles(self, term: Sequence[str]) -> int:
        """Return the number of papers with any form of a term in the title."""
        return self._count_matches(self._compile(concepts.literal_part(*term).forms).title)

    def _count_matches(self, query: Query | None) -> int:
        return 0 if query is None else _total(self.searcher.search(query, 1))

    # Titles and similar papers.

    def list_titled(
        self,
        words: Sequence[str],
        *,
        limit: int,
        beginnings: Collection[str] = (),
        alternatives: Collection[str] = (),
    ) -> list[int]:
        """Return the papers with all of these tokens in the title, top-voted first.

        With `beginnings`, the title must also contain a token that starts with one of them, or an alternative.
        """
        clauses = [self._term("title", word, 0.0) for word in words]
        if beginnings:
            completions = (
                self.searcher.terms_with_prefix("title", text, None, _MAX_COMPLETIONS) for text in beginnings
            )
            last = {text for terms in completions for text, _ in terms}.union(alternatives)
            clauses.append(any_of(self._term("title", word, 0.0) for word in sorted(last)))
        if (wanted := all_of(clauses)) is None:
            return []
        return self._numbers(self.searcher.search(wanted, limit, order_by_field="top", count=False))

    def list_similar(
        self, own: int, words: Mapping[str, int], topics: Mapping[int, float], *, limit: int
    ) -> list[int]:
        """Return the papers most similar to paper `own`, given its concepts with their counts, and its topics."""
        named = any_of(
            self._term("concept", token, self._idf(self._frequency("concept", token)) * math.log(1 + count))
            for token, count in words.items()
        )
        wanted = any_of([named, self._topics(topics)])
        if wanted is None:
            return []
        ids = self._numbers(self.searcher.search(wanted, limit + 1, count=False))
        return [paper_id for paper_id in ids if paper_id != own][:limit]


_MAX_COMPLETIONS = 200


def _join_seeded(forms: Sequence[Form]) -> list[Form]:
    """Replace the forms of a seeded concept with the concept's token if all of its forms are given."""
    by_token: dict[str, list[Form]] = {}
    for form in forms:
        if form.token:
            by_token.setdefault(form.token, []).append(form)
    whole = {
        token: max(form.weight for form in own)
        for token, own in by_token.items()
        if len(own) == tokens.count_forms(token)
    }
    joined = [Form(token, weight) for token, weight in sorted(whole.items())]
    return [*joined, *(form for form in forms if form.token not in whole)]


def _list_needed(parts: Sequence[QueryPart]) -> Sequence[QueryPart]:
    """Return the parts that a full match has: AI agents need not name AI."""
    return [part for part in parts if part.key not in concepts.ALL_PAPERS] or parts


def _within(query: Query, clauses: Sequence[_Clause]) -> Query:
    return Query.boolean_query([(Occur.Must, query), *clauses]) if clauses else query


def _total(result: Any) -> int:
    return int(result.count)


def any_of(queries: Iterable[Query | None]) -> Query | None:
    """Return the disjunction of these queries, ignoring None; None if there are no queries."""
    return _combine(Occur.Should, [query for query in queries if query is not None])


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
