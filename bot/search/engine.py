"""Finds the papers for a query in the index: those on its topic, then those with all its terms, then those with some.

A part of a query matches by any of its forms in the title or body. Papers with all parts are ranked by term frequency without
IDF, the others by a weighted OR (BM25); a sentence also ranks by similarity to its topics. Never reads papers' texts.
"""

from __future__ import annotations

import math
import re
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, cast

import tantivy
from tantivy import FieldType, Occur, Query

from bot.search import index as search_index
from bot.search.query_reader import IMPLIED_WEIGHT
from bot.search.results import MatchKind, Sort
from bot.text import analyser, concepts, institutions, query_parser, tokens
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
_MAX_FORMS, _MAX_PARTS, _MAX_TOPICS = 48, 24, 20
_MAX_BITS = 24
"""The bits of a score, a number of 32 bits."""
_MIN_TOPIC_WEIGHT, _MAX_TERMS, _MAX_COMPLETIONS = 0.1, 1000, 200
_ENOUGH, _ENOUGH_ORDERED, _MAX_PARTIAL = 30, 3, 60
"""If there are fewer complete matches than the first number, or of one term or in the order of votes or dates than the second
one, near matches are added, at most the third number.
"""
_FEW, _FEW_SHARE = 3, 0.01
"""A word is specific to a topic if at most this number, or this share, of papers has it."""
_NEAR = 1 / 3
"""In the order of votes or dates, only partial matches with at least this share of the best one's score are listed."""
_MIN_HALF, _MIN_END = 3, 2
"""The least number of letters of the halves of a word that is cut in two (try-on), if they are no single letters."""
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
"""What no paper is found by alone, such as a version without its name."""
_WORD_LETTERS = frozenset("aist")
"""The letters that are words or endings: *asleep* is not *a sleep*, whereas ecommerce is *e-commerce*."""
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
    Sort.DATE: ("newest", tantivy.Order.Desc),
    Sort.OLDEST: ("oldest", tantivy.Order.Desc),
}
"""The field that each order is by; None for the score."""
_Clause: TypeAlias = tuple[Occur, Query]


class Matches(NamedTuple):
    """Scores by paper id, best first: papers on the topic, then those with all terms, then those that lack a term.

    `on_topic` and `all_terms` count the papers of the first two kinds, which may be more than `scores` has; `missing` maps each
    paper of the third kind to the terms that it lacks. `scattered` has those of the second kind that have a term only as words in
    different places. `has_name`: a paper, or a family of papers, has the query as its name.
    """

    scores: Mapping[int, float] = MappingProxyType({})
    on_topic: int = 0
    all_terms: int = 0
    missing: Mapping[int, tuple[QueryPart, ...]] = MappingProxyType({})
    scattered: Collection[int] = frozenset()
    has_name: bool = False

    @property
    def total(self) -> int:
        return self.on_topic + self.all_terms + len(self.missing)

    @property
    def complete(self) -> int:
        """The number of papers that have all terms, on the topic or not."""
        return self.on_topic + self.all_terms

    @property
    def kinds(self) -> dict[int, MatchKind]:
        """The kind of each paper. Those of a sentence are ranked together: after the first with scattered words, all may be."""
        kinds = {id_: kind for kind, ids in self.by_kind.items() for id_ in ids}
        having_all = self.by_kind[MatchKind.ALL_TERMS]
        first = next(
            (place for place, id_ in enumerate(having_all) if id_ in self.scattered), len(having_all)
        )
        return kinds | dict.fromkeys(having_all[first:], MatchKind.SCATTERED)

    @property
    def by_kind(self) -> dict[MatchKind, list[int]]:
        """The papers of each kind, best first."""
        ids = [*self.scores]
        return {
            MatchKind.ON_TOPIC: ids[: self.on_topic],
            MatchKind.ALL_TERMS: ids[self.on_topic : self.complete],
            MatchKind.SOME_TERMS: ids[self.complete :],
        }

    def reordered(self, ranked: Sequence[Sequence[int]]) -> Matches:
        """Return these matches with the first ones of each kind in the order of `ranked`."""
        both = zip(ranked, self.by_kind.values(), strict=True)
        ids = (id_ for first, every in both for id_ in dict.fromkeys((*first, *every)))
        return self._replace(scores={id_: self.scores[id_] for id_ in ids})

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
        self._about_word = lru_cache(maxsize=1 << 8)(partial(Engine._find_about_word, weak))
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
        """Return the phrases of a form, and as papers have them a Latin word cut in two (real time)."""
        phrases, word = tokens.phrases(text), text.casefold()
        spellings = dict.fromkeys(phrases)
        if word.isascii() and word.isalpha():
            single = [1] * (word[0] not in _WORD_LETTERS) + [len(word) - 1] * (word[-1] not in _WORD_LETTERS)
            longer = range(_MIN_HALF, len(word) - _MIN_END + 1)
            for cut in (*single, *longer) if len(word) >= _MIN_HALF else ():
                first, second = analyser.stem(word[:cut]), analyser.stem(word[cut:])
                if self._is_indexed(first) and self._is_indexed(second):
                    spellings[first, second] = None
        return spellings

    def _is_indexed(self, token: str) -> bool:
        return bool(self._frequency("body", token) or self._frequency("title", token))

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

    def weigh(self, part: QueryPart) -> float:
        return self._idf(self.count_papers(part))

    def _compile_forms(self, forms: tuple[Form, ...]) -> _Compiled:
        titles, bodies, repeated = (list[Query]() for _ in range(3))
        for form in _join_seeded(forms)[:_MAX_FORMS]:
            spelled = self._spell(form.text)
            titles += (Query.const_score_query(title, form.weight) for title in spelled.titles)
            for body, weight in spelled.bodies:
                bodies.append(Query.boost_query(body, form.weight * weight))
                repeated.append(Query.boost_query(body, weight))
        return _Compiled(
            Query.disjunction_max_query(titles) if titles else None,
            Query.disjunction_max_query(bodies, _OTHER_FORMS) if bodies else None,
            any_of(repeated),
        )

    def _spell_form(self, text: str) -> _Spelled:
        """Return the queries for a form's spellings."""
        titles, bodies = list[Query](), list[tuple[Query, float]]()
        for phrase in self._list_spellings(text):
            if counts := self._count("body", phrase):
                # BM25 without IDF, so that a rare form does not outweigh a common one.
                weight = 1 / (1 + _SATURATION) / sum(map(self._idf, counts))
                bodies.append((self._phrase("body", phrase), weight))
            if self._count("title", phrase):
                titles.append(self._phrase("title", phrase))
        return _Spelled(titles, bodies)

    def _mention(self, part: QueryPart, *, is_exact: bool = False) -> Query | None:
        """Return the query for papers with any form of a part; the words of a typed term may be scattered in a paper.

        So may those of its other forms, or if `is_exact` of its usual name in each language: not 망각 and 학습, for machine
        unlearning. A term of one word, such as chatbot, is not sought as the words of its other forms: conversational and agent.
        """
        if part.either:
            return any_of(
                all_of(self._mention(one, is_exact=is_exact) for one in parts) for parts in part.either
            )
        typed, texts = part.typed_form.replace("-", " "), [form.text for form in part.forms]
        if is_exact:
            usual = {analyser.has_hangul(text): text for text in reversed(texts)}
            texts = [typed, *usual.values()]
        is_term = " " in typed and not part.is_quoted
        scattered = (
            all_of(any_of(self._term(field, word, 1.0) for field in ("title", "body")) for word in words)
            for words in (dict.fromkeys(map(tokens.content_tokens, texts)) if is_term else ())
        )
        return any_of([self._part(part), *scattered])

    def is_telling(self, part: QueryPart) -> bool:
        """Return whether a part says what a paper is about: a term, or a word that few papers have, but not *prediction*."""
        if part.either:
            return any(map(self.is_telling, part.single))
        if _NUMBER.fullmatch(part.text):
            return False  # the 9 of Orca 9
        is_term = bool(part.key) and part.key not in concepts.ALL_PAPERS
        return is_term or self.count_papers(part) <= max(_FEW, _FEW_SHARE * self.searcher.num_docs)

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
        required += (self._affiliation(name) or Query.empty_query() for name in query.institutions)
        excluded = map(self._left_out, query.without)
        return [
            *((Occur.Must, Query.const_score_query(condition, 0.0)) for condition in required),
            *((Occur.MustNot, part) for part in excluded if part is not None),
        ]

    def _left_out(self, part: QueryPart) -> Query | None:
        """Return the query for what an excluded part rejects: papers on its concept, or with a word that names no concept."""
        return self._part(part) if self._main(part) is None else self._about_one(part)

    def _affiliation(self, institution: str) -> Query | None:
        tokens_of = filter(None, map(institutions.make_token, query_parser.split_names(institution)))
        return any_of([self._term("institution", token, 0.0) for token in tokens_of])

    def _search(
        self, query: Query | None, clauses: Sequence[_Clause], limit: int, order: _Order | None
    ) -> tuple[dict[int, float], int]:
        """Return the scores of the best papers, or of the first ones in the given order, and the number of all."""
        if query is None:
            return {}, 0
        query = _within(query, clauses)
        if order is not None:
            hits = self.searcher.search(query, limit, order_by_field=order[0], order=order[1])
            return dict.fromkeys(self._numbers(hits), 0.0), _total(hits)
        hits = self.searcher.search(query, limit, weight_by_field="popularity")
        # Ties are sorted by id, so that their order does not depend on when they were indexed.
        scores = {id_: round(score, 4) for id_, score in self._scores(hits).items()}
        return dict(sorted(scores.items(), key=lambda item: item[::-1], reverse=True)), _total(hits)

    def _scores(self, result: tantivy.SearchResult) -> dict[int, float]:
        return dict(zip(self._numbers(result), (score for score, _ in result.hits), strict=True))

    def _numbers(self, result: tantivy.SearchResult, field: str = "id") -> list[int]:
        addresses = [address for _, address in result.hits]
        return cast("list[int]", self.searcher.fast_field_values(field, addresses))

    # Searching.

    def find(self, query: ParsedQuery, *, limit: int, sort: Sort = Sort.RELEVANCE) -> Matches:
        """Return the papers on a query's topic, then those with all terms and, if these are few, those that lack a term.

        May return more than `limit`.
        """
        order, clauses = _ORDERS[sort], self._narrow(query)
        parts = query.parts[:_MAX_PARTS]
        # A paper may have all words of a sentence by chance, so all are ranked in the same way.
        is_ranked_by_topics = len(parts) > 1 and bool(query.topics) and order is None
        some = self._some_parts(query, parts) if is_ranked_by_topics else None
        wanted = self._all_parts(query, parts, some)
        is_term = len(parts) == 1 and not query.topics
        full = self._find_full(query, wanted, clauses, max(limit, _ENOUGH), order)
        if order is None and (first := self.find_named(query, clauses)) is not None:
            full = _put_first(full, first)
        if full.complete >= (_ENOUGH if order is None and not is_term else _ENOUGH_ORDERED):
            return full
        near = self._mention(parts[0]) if is_term else some or self._some_parts(query, parts)
        scores, _ = self._search(near, clauses, _MAX_PARTIAL, None)
        others = {id_: score for id_, score in scores.items() if id_ not in full.scores}
        matches = self._add_partial(query, parts, full, others, is_ranked_by_topics=is_ranked_by_topics)
        return matches if order is None else self._in_order(matches, sort)

    def _in_order(self, matches: Matches, sort: Sort) -> Matches:
        """Return matches with each kind in the order of votes or dates; of those that lack a term, the near ones.

        The newest paper with any of the words says little.
        """
        *full, some = matches.by_kind.values()
        least = _NEAR * max((matches.scores[id_] for id_ in some), default=0.0)
        near = [id_ for id_ in some if matches.scores[id_] >= least]
        kinds = (
            self.list_top(ParsedQuery(paper_ids=kind), sort=sort, limit=len(kind))[0]
            for kind in (*full, near)
            if kind
        )
        ids = chain(*kinds)
        missing = {id_: matches.missing[id_] for id_ in near}
        return matches._replace(scores={id_: matches.scores[id_] for id_ in ids}, missing=missing)

    def _find_full(
        self,
        query: ParsedQuery,
        wanted: Query | None,
        clauses: Sequence[_Clause],
        limit: int,
        order: _Order | None,
    ) -> Matches:
        """Return the papers on a query's topic, then the others with all its parts."""
        scores, total = self._search(wanted, clauses, limit, order)
        about = self._about_all(query)
        is_about: _Clause = (Occur.Must, Query.const_score_query(about, 0.0))
        on, on_topic = self._search(wanted, [*clauses, is_about], limit, order)
        if on_topic > _ENOUGH and self._is_concept(query):
            # How often one of many papers has a term says little: of those that fit alike, votes and newness decide.
            on, on_topic = self._search(about, clauses, limit, order)
        ids = (*on, *(id_ for id_ in scores if id_ not in on))[:limit]  # of fewer than limit, `on` has all
        return Matches({id_: on.get(id_, scores.get(id_, 0.0)) for id_ in ids}, on_topic, total - on_topic)

    def _about_all(self, query: ParsedQuery) -> Query:
        """Return the query for papers about all parts, with the query as a phrase, or with its name."""
        about = all_of(self._about_one(part.sure()) for part in query.parts[:_MAX_PARTS])
        wholes = [self._about_one(whole.sure()) for whole in query.wholes]
        phrase = self._phrase_of(query)
        phrase = phrase and Query.const_score_query(phrase, _WHOLE)
        alike = best_of([about, *wholes, phrase, self._named(query, _NAME_DEGREES)])
        return alike or Query.empty_query()

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
        if (main := self._main(part)) is not None:
            return any_of([self._compile(part.forms).title, main])
        return self._about_word(part)

    def find_named(self, query: ParsedQuery, clauses: Sequence[_Clause] = ()) -> int | None:
        """Return the paper of the very name that a query is, or the family's with the most votes; None without one.

        A concept does not name a family: *Reasoning on Graphs* is one paper of many on reasoning.
        """
        family = () if self._is_concept(query) else (search_index.VERSION_NAME, search_index.LEADING_NAME)
        for marks in ((search_index.EXACT_NAME,), family):
            best, _ = self._search(self._named(query, marks), clauses, 1, _TOP)
            if best:
                return next(iter(best))
        return None

    def _all_parts(
        self, query: ParsedQuery, parts: Sequence[QueryPart], ranked: Query | None
    ) -> Query | None:
        """Return the query for papers with all parts, with the whole query as a term, or with its name.

        The papers with all parts are ranked as `ranked` does, if it is given.
        """
        clauses = [self._named(query, _NAME_DEGREES)]
        every = all_of(map(self._part, parts))
        if every is not None and ranked is not None:
            clauses.append(_within(Query.const_score_query(every, 0.0), [(Occur.Should, ranked)]))
        elif every is not None:
            clauses.append(Query.boost_query(every, 1 / len(parts)))
        wholes = filter(None, (self._phrase_of(query), *map(self._part, query.wholes)))
        clauses += [all_of([named, Query.const_score_query(named, _WHOLE)]) for named in wholes]
        return any_of(clauses)

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

    def _some_parts(self, query: ParsedQuery, parts: Sequence[QueryPart]) -> Query | None:
        """Return the query for papers with any part. For a sentence, papers are also ranked by its topics."""
        weighed = self._weigh(query, parts)
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

    def _weigh(self, query: ParsedQuery, parts: Sequence[QueryPart]) -> list[tuple[Query, float]]:
        """Return the query and the weight of each part and implied term that any paper has: the rarer, the heavier.

        Among keywords, rarity counts twice, and a paper about the rarest comes first: for KV cache compression, one about
        the KV cache.
        """
        shares = {part: IMPLIED_WEIGHT * query.topics[topic] for topic, part in query.implied.items()}
        counts = {part: count for part in (*parts, *shares) if (count := self.count_papers(part))}
        rarest = min(counts, key=counts.__getitem__, default=None)
        by_main = rarest is not None and not query.topics and self._main(rarest) is not None
        weighed = list[tuple[Query, float]]()
        for part, count in counts.items():
            weight = self._idf(count + _CHANCE * self.searcher.num_docs) ** (1 if query.topics else 2)
            texts = self._part(part, _PARTIAL_TITLE, _PARTIAL_BODY)
            part_query = any_of([texts, self._main(part) if by_main else None])
            weighed += [(part_query, weight * shares.get(part, 1.0))] if part_query else []
        return weighed

    def _add_partial(
        self,
        query: ParsedQuery,
        parts: Sequence[QueryPart],
        full: Matches,
        others: Mapping[int, float],
        *,
        is_ranked_by_topics: bool,
    ) -> Matches:
        """Add the papers with some parts of a query, or on a topic that it is clearly on, after the full matches.

        A paper that has the words of a term of several words, though scattered, has that term too. If the query is keywords,
        papers that have only its general words are left out.
        """
        having = dict(zip(parts, self._list_having([*map(self._mention, parts)], others), strict=True))
        exact = having
        if not query.topics:
            mentions = [self._mention(part, is_exact=True) for part in parts]
            exact = dict(zip(parts, self._list_having(mentions, others), strict=True))
        telling = () if query.topics else [part for part in parts if self.is_telling(part)]
        named = [part for part in telling or parts if not _NUMBER.fullmatch(part.text)]
        bare = others.keys() - set[int]().union(*(having[part] for part in named or parts))
        about_topics = list(map(self._about_word, query.clearly_on if bare else ()))
        related = set[int]().union(*self._list_having(about_topics, bare))
        all_terms, missing = dict[int, float](), dict[int, tuple[QueryPart, ...]]()
        for id_, score in others.items():
            lacking = tuple(part for part in parts if id_ not in exact[part])
            if id_ not in bare and not lacking:
                all_terms[id_] = score
            elif id_ not in bare or id_ in related:
                missing[id_] = lacking
        some = {id_: others[id_] for id_ in missing}
        on, full_all, _ = ({id_: full.scores[id_] for id_ in ids} for ids in full.by_kind.values())
        having_all = full_all | all_terms
        if is_ranked_by_topics:  # all have scores of one kind
            having_all = dict(sorted(having_all.items(), key=lambda item: -item[1]))
        return full._replace(
            scores={**on, **having_all, **some},
            all_terms=full.all_terms + len(all_terms),
            missing=missing,
            scattered=frozenset(all_terms),
        )

    def _list_having(self, queries: Sequence[Query | None], paper_ids: Collection[int]) -> list[set[int]]:
        """Return the papers that match each of several queries. In one search, each of 24 queries sets a bit of the score."""
        having = list[set[int]]()
        for batch in chunked(queries, _MAX_BITS):
            bits = any_of(
                query and Query.const_score_query(query, float(1 << number))
                for number, query in enumerate(batch)
            )
            scores = dict[int, float]()
            if bits is not None and paper_ids:
                if len(paper_ids) < self.searcher.num_docs:
                    bits = _within(bits, self._narrow(ParsedQuery(paper_ids=paper_ids)))
                scores = self._scores(self.searcher.search(bits, len(paper_ids), count=False))
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
        return self._count_matches(self._affiliation(institution))

    def list_from(self, institution: str, paper_ids: Collection[int]) -> set[int]:
        (from_it,) = self._list_having([self._affiliation(institution)], paper_ids)
        return from_it

    def _find_about_word(self, part: QueryPart) -> Query:
        """Return the query for the papers with a part in the title or at least twice in the body."""
        compiled = self._compile(part.forms)
        titled = compiled.title and Query.const_score_query(compiled.title, _CERTAIN)
        if (wanted := any_of([titled, compiled.repeated])) is None:
            return Query.empty_query()
        hits = self.searcher.search(wanted, max(1, self.searcher.num_docs), count=False)
        ids, lengths = (self._numbers(hits, name) for name in ("id", "length"))
        least = {length: self._least_score(length) for length in set(lengths)}
        about = self._among(
            [
                id_
                for (score, _), id_, length in zip(hits.hits, ids, lengths, strict=True)
                if score >= _CERTAIN or score >= least[length]
            ]
        )
        return Query.const_score_query(about, _PARTIAL_MAIN)

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
        self, query: ParsedQuery, *, sort: Sort = Sort.VOTES, limit: int, offset: int = 0
    ) -> tuple[list[int], int]:
        """Return a page of the papers within a query's limits and without its exclusions, and the total number of papers.

        They are sorted by votes unless by date.
        """
        wanted, (field, order) = _within(Query.all_query(), self._narrow(query)), _ORDERS[sort] or _TOP
        result = self.searcher.search(wanted, limit, order_by_field=field, order=order, offset=offset)
        return self._numbers(result), _total(result)

    def count(self, *terms: Sequence[str]) -> int:
        """Return the number of papers that contain all of these terms, each in any of its forms."""
        return self._count_matches(all_of(self._part(concepts.literal_part(*forms)) for forms in terms))

    def count_titles(self, term: Sequence[str]) -> int:
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
        self, similar_to: int, words: Mapping[str, int], topics: Mapping[int, float], *, limit: int
    ) -> list[int]:
        """Return the papers most similar to a paper, given its concepts with their counts, and its topics."""
        named = any_of(
            self._term("concept", token, self._idf(self._frequency("concept", token)) * math.log(1 + count))
            for token, count in words.items()
        )
        wanted = any_of([named, self._topics(topics)])
        if wanted is None:
            return []
        ids = self._numbers(self.searcher.search(wanted, limit + 1, count=False))
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


def _put_first(matches: Matches, first: int) -> Matches:
    """Return matches with the paper on the topic that has the query as its name ahead of all others."""
    best = max(matches.scores.values(), default=0.0) + 1.0
    return matches._replace(scores={first: best} | {**matches.scores, first: best}, has_name=True)


def _within(query: Query, clauses: Sequence[_Clause]) -> Query:
    return Query.boolean_query([(Occur.Must, query), *clauses]) if clauses else query


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
