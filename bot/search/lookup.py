"""Look-ups: papers, authors and terms for a query, each in one synchronous call on a snapshot of the database.

This module and what it imports do without SQLAlchemy, so that the shell's look-ups start in half of the time.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bot.archive import arxiv_ids
from bot.core.clock import Clock, system_clock
from bot.glossary import resolver
from bot.search import authors, completion, engine
from bot.search import query as search_query
from bot.search.completion import TopicIndex
from bot.search.engine import SearchScope
from bot.search.results import AuthorResult, SearchRequest, SearchResult, Sort
from bot.text import analyser, concepts, dates, query_parser, questions, term_keys, typography
from storage import models, search
from storage.search import NO_FILTERS, Filters
from storage.snapshot import Snapshot

if TYPE_CHECKING:
    from storage.archive import DigestPaper

MAX_SUGGESTIONS = 5
_CORRECTIONS_PER_TERM = 2
_MAX_ANSWERS, _MAX_KEPT_HITS = 64, 600
"""Answers that are kept for further pages, and the hits that one of them may have."""


_COUNT_LIMIT = 100_000
_MAX_TERM_LENGTH = 200


class FormEvidence(NamedTuple):
    """A form of a concept, and the number of papers that contain it."""

    form: concepts.SurfaceForm
    papers: int


class TermEvidence(NamedTuple):
    """The concepts that a term names, by English key, and the terms that it is short for, if they are several."""

    concepts: list[tuple[str, list[FormEvidence]]]
    senses: list[str]


def _count_papers(view: Snapshot, form: concepts.SurfaceForm) -> FormEvidence:
    query = search_query.from_text(form.text)
    if query is None:
        return FormEvidence(form, 0)
    return FormEvidence(form, search.count_matches(view, query.anywhere, limit=_COUNT_LIMIT))


_MIN_SHARE = 0.3
"""A word that papers have is a name's spelling if this share of them has the name too."""
_EVIDENCE_LIMIT = 40
"""The most popular papers that have a word, read for evidence."""
_WORD_END = f"(?:{analyser.PARTICLE_MARK}|[이가도로과만]?) "
_SPELLING_AND_VERSION = re.compile(
    rf"([{analyser.SYLLABLES}]+(?: [{analyser.SYLLABLES}]+)*) ?([^{analyser.SYLLABLES}]*)"
)


def add_names(
    snapshot: Snapshot, glossary: resolver.Glossary, expanded: concepts.Expansion
) -> concepts.Expansion:
    """Return an expansion with the names that its unknown Korean words are spellings of, such as Gemini of 제미나이.

    A name for the whole query, with a version behind it or not, is an alternative to all of it.
    """
    if len(expanded.segments) == 1 and expanded.segments[0].key is not None:
        return expanded
    words = " ".join(segment.text for segment in expanded.segments).split()
    whole = _find_names(snapshot, glossary, " ".join(term_keys.trim_title(words)))
    if whole:
        forms = tuple(concepts.WeightedForm(text, 1.0) for text in (expanded.text, *whole))
        return replace(expanded, composed=(concepts.Segment(expanded.text, forms), *expanded.composed))
    if len(expanded.segments) < 2:
        return expanded
    segments = []
    for segment in expanded.segments:
        if segment.key is None:
            names = _find_names(snapshot, glossary, analyser.strip_ending(segment.text))
            added = [concepts.WeightedForm(name, 1.0) for name in names]
            segment = replace(segment, forms=(*segment.forms, *added)) if added else segment
        segments.append(segment)
    return replace(expanded, segments=tuple(segments))


def _find_names(snapshot: Snapshot, glossary: resolver.Glossary, text: str) -> list[str]:
    """Return the names that a text sounds like, with its version, unless papers use its word without them."""
    match = _SPELLING_AND_VERSION.fullmatch(text)
    names = glossary.find_names(match[1]) if match else []
    query = search_query.from_text(match[1]) if match and names else None
    if query is None or match is None:
        return []
    (positions,) = search.list_positions(snapshot, [(query.anywhere, _EVIDENCE_LIMIT)])
    rows = search.list_by_positions(snapshot, positions)
    word = re.compile(f" {analyser.canonicalise(match[1]).strip()}{_WORD_END}")
    texts = (f"{row.texts.title}\n{row.texts.body}" for row in rows)
    using = [term_keys.Document("", text) for text in texts if word.search(text)]
    return [
        f"{name} {match[2]}".strip()
        for name, term in zip(names, map(term_keys.compile_term, names), strict=True)
        if sum(any(term.count(document)) for document in using) >= _MIN_SHARE * len(using)
    ]


def merge_filters(given: search.Filters, query: query_parser.Query) -> search.Filters:
    """Return the narrower of both filters, kind by kind."""
    return search.Filters(
        max((on for on in (given.since_on, query.since) if on is not None), default=None),
        min((on for on in (given.until_on, query.until) if on is not None), default=None),
        max((votes for votes in (given.min_votes, query.min_votes) if votes is not None), default=None),
    )


def read_period(query: query_parser.Query, today: date) -> tuple[query_parser.Query, str]:
    """Return a query with the period that its words name (작년, "last month") as a filter, and that period as text."""
    text, period = dates.read_period(query.text, today)
    if text == query.text:
        return query, ""
    narrowed = merge_filters(search.Filters(*period), query)
    query = replace(query, text=text, since=narrowed.since_on, until=narrowed.until_on)
    return query, dates.format_period(period)


def parse_id(text: str) -> str | None:
    """Return the arXiv id that a text consists of or links to; punctuation around it and wide digits are accepted."""
    plain = typography.normalise("NFKC", analyser.clean_typed(text)).strip(" \t\n.,;:!?()[]<>\"'`")
    return arxiv_ids.extract_arxiv_id(plain)


def _list_filtered(
    view: Snapshot,
    request: SearchRequest,
    query: query_parser.Query,
    scope: SearchScope,
    common: SearchResult,
) -> SearchResult:
    """Return the papers within a scope, top-voted first."""
    selects_nothing = request.query.strip() and replace(query, excluded=()) == query_parser.Query()
    if scope == SearchScope() or (selects_nothing and not request.author.strip()):
        # Neither exclusions nor signs alone, such as an emoji, ask for all papers.
        return replace(common, ignored=(*query.ignored, *(f"-{term}" for term in query.excluded)))
    if scope.paper_ids is None:
        total = search.count_top(view, scope.filters)
        rows = tuple(search.list_top(view, scope.filters, limit=request.limit, offset=request.offset))
    else:
        rows, total = authors.list_page(
            view, scope.paper_ids, scope.filters, Sort.VOTES, limit=request.limit, offset=request.offset
        )
    return replace(common, rows=rows, total=total, complete=total)


_DECIDED_PAPERS = 10


def _list_deciding(view: Snapshot, expanded: concepts.Expansion, found: engine.Found) -> tuple[str, ...]:
    """Return the added forms of a query; of a question, which describes topics, those by which its first papers were found.

    One of these has such a form and lacks a term as typed. A topic that only perhaps is meant is in none of them.
    """
    forms = search_query.added_forms(expanded)
    if not expanded.topics or not forms:
        return forms
    first = [paper_id for _, paper_id in found.hits[:_DECIDED_PAPERS]]
    rows = {
        **found.read,
        **search.list_by_paper_ids(view, [paper_id for paper_id in first if paper_id not in found.read]),
    }
    documents = [
        term_keys.Document(row.texts.title, row.texts.body)
        for paper_id in first
        if (row := rows.get(paper_id))
    ]
    terms = [term_keys.compile_term(term) for term in search_query.query_terms(expanded)]
    lacking = [document for document in documents if not all(any(term.count(document)) for term in terms)]
    return tuple(
        form
        for form in forms
        if any(any(term_keys.compile_term(form).count(document)) for document in lacking)
    )


_ENOUGH_COMPLETE = 3
"""With fewer papers that match all of a query, alternative queries are suggested."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The hits of a query, gathered for a page that ends at `end`, and what its pages have in common."""

    found: engine.Found
    end: int
    common: SearchResult


class LookUp:
    """Answers look-ups from snapshots of one database, in any thread, and keeps the last answers for their further pages."""

    def __init__(
        self,
        read_glossary: Callable[[Snapshot], resolver.Glossary],
        clock: Clock = system_clock,
        everyday: questions.Everyday | None = None,
    ) -> None:
        self._read_glossary = read_glossary
        self._everyday = everyday
        self._clock = clock
        self._answers: OrderedDict[object, _Answer] = OrderedDict()
        self._topics: TopicIndex | None = None
        self._lock = threading.Lock()

    def search(self, view: Snapshot, request: SearchRequest, *, by_votes: bool = False) -> SearchResult:
        """Return a page of the papers on a topic, best first or, of those that are about it, by votes.

        Filters alone list the papers that pass them, top-voted first. An arXiv id or a link finds that paper. An answer is kept
        until the day, the glossary or the index changes.
        """
        if (arxiv_id := parse_id(request.query)) is not None:
            ids = search.get_paper_ids(view, [arxiv_id])
            found = search.list_paper_rows(view, list(ids.values()))
            return SearchResult(tuple(found), 1, complete=1) if found else SearchResult(unknown_id=arxiv_id)
        asked = replace(request, limit=0, offset=0, explain=False, snippet_locale=None)
        versions = search.get_glossary_version(view), search.get_generation(view)
        key, end = (asked, by_votes, self._clock().date(), versions), request.offset + request.limit
        with self._lock:
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
        # Of an inexact one the last hit is left for the next page, so that there is one.
        if answer is None or end > max(answer.end, len(answer.found.hits) - (not answer.found.is_exact)):
            query, common = self._read(view, request)
            scope = self._scope(view, request, query)
            if not query.has_text:
                common = replace(common, alert_terms=self._list_alert_terms(view, query, ()))
                return _list_filtered(view, request, query, scope, common)
            answer = self._make_answer(view, request, query, scope, common, end, by_votes=by_votes)
            if len(answer.found.hits) <= _MAX_KEPT_HITS:
                with self._lock:
                    self._answers[key] = answer
                    while len(self._answers) > _MAX_ANSWERS:
                        self._answers.popitem(last=False)
        missing = answer.found.missing
        scores = {paper_id: score for score, paper_id in answer.found.hits[request.offset : end]}
        rows = search.list_paper_rows(view, list(scores))
        return replace(
            answer.common,
            rows=tuple(replace(row, score=round(scores[row.id].total, 4)) for row in rows),
            missing={row.arxiv_id: missing[row.id] for row in rows if row.id in missing},
            explanations={row.arxiv_id: scores[row.id].explain() for row in rows} if request.explain else {},
        )

    def _read(self, view: Snapshot, request: SearchRequest) -> tuple[query_parser.Query, SearchResult]:
        """Return the query of a request with the period and the writers that its words name, and what the answer says of them."""
        typed = query_parser.parse_query(analyser.clean_typed(request.query))
        if request.literal:
            return typed, SearchResult(ignored=typed.ignored)
        query, period = read_period(typed, self._clock().date())
        query = authors.read_writers(view, query)
        writers = (*query.institutions, *query.authors[len(typed.authors) :])
        return query, SearchResult(period=period, writers=writers, ignored=query.ignored)

    def _scope(self, view: Snapshot, request: SearchRequest, query: query_parser.Query) -> SearchScope:
        author = analyser.clean_typed(request.author)
        names = [*query.authors, *([author] if request.author.strip() else [])]
        filters = merge_filters(request.filters, query)
        written = authors.list_paper_ids(view, names)
        within = authors.institution_query(query.institutions)
        if within is None or (written is None and query.has_text):
            return SearchScope(filters, written, within)
        (positions,) = search.list_positions(view, [(within, engine.MAX_WITHIN)], filters)
        from_there = frozenset(paper_id for paper_id, _ in search.list_ids(view, positions).values())
        return SearchScope(filters, from_there if written is None else from_there & written)

    def _make_answer(
        self,
        view: Snapshot,
        request: SearchRequest,
        query: query_parser.Query,
        scope: SearchScope,
        common: SearchResult,
        end: int,
        *,
        by_votes: bool,
    ) -> _Answer:
        expanded = self._expand(view, query.text, literal=request.literal)
        corrected: tuple[tuple[str, str], ...] = ()
        unknown = [] if request.literal else completion.list_unknown_words(view, expanded)
        if unknown:
            corrected = completion.find_corrections(view, self.load_topics(view), query.text, unknown)
        if corrected:
            unknown = [word for word in unknown if word not in dict(corrected)]
            query = replace(query, text=completion.apply_corrections(query.text, corrected))
            expanded = self._expand(view, query.text, literal=False)
        if by_votes:
            expanded = expanded.sure()
        if not request.literal:
            query = self._expand_excluded(view, query, expanded)
        find = engine.find_top if by_votes else partial(engine.find_sorted, sort=request.sort)
        found = find(view, query, expanded, scope, limit=end)
        if request.literal and found.complete_count:
            found = found.without_partial()
        common = replace(
            common,
            total=found.total,
            total_is_exact=found.is_exact,
            complete=found.complete_count,
            is_inside=found.is_inside,
            corrected=corrected,
            added_forms=_list_deciding(view, expanded, found),
            terms=(*search_query.query_terms(expanded), *query.phrases),
            term_forms=(*search_query.term_forms(expanded), *((phrase,) for phrase in query.phrases)),
            is_shortened=len(expanded.text.split()) < len(query.text.split()),
            meanings=expanded.meanings,
            alert_terms=self._list_alert_terms(view, query, search_query.query_terms(expanded)),
            suggestions=self._suggest(view, request, query, expanded, found, unknown),
        )
        return _Answer(found._replace(read={}), end, common)

    def _list_alert_terms(
        self, view: Snapshot, query: query_parser.Query, terms: Sequence[str]
    ) -> tuple[models.AlertTerm, ...]:
        """Return what an alert for the papers of a query follows; nothing if a name may be several people's."""
        # "faster" in a question tells little of what its papers are called; 요약 (summary) is also what they call it.
        everyday, glossary = self._everyday or questions.packaged_everyday(), self._read_glossary(view)
        typed = [term.strip() for term in terms]
        named = [term for term in typed if glossary.is_term(term) or not everyday.find_terms(term)] or typed
        words = [text for text in (*named, *query.phrases) if any(map(str.isalpha, text))]
        found = [models.AlertTerm(models.AlertKind.KEYWORD, text) for text in words]
        found += [models.AlertTerm(models.AlertKind.INSTITUTION, name) for name in query.institutions]
        for name in query.authors:
            people = authors.find_authors(view, name)
            if len(people) > 1:
                return ()
            known = people[0].name if people else name
            found.append(models.AlertTerm(models.AlertKind.AUTHOR, known))
        return tuple(dict.fromkeys(found))

    def load_topics(self, view: Snapshot) -> TopicIndex:
        """Return the topic index of the current glossary."""
        glossary = self._read_glossary(view)
        with self._lock:
            if self._topics is None or self._topics.glossary is not glossary:
                self._topics = TopicIndex(glossary)
            return self._topics

    def _expand(self, view: Snapshot, text: str, *, literal: bool) -> concepts.Expansion:
        current = self._read_glossary(view)
        if literal:
            # A term of several words stays whole: its words alone would find more papers than the term with its other forms.
            return concepts.literal_expansion(
                text, [part.text for part in current.expand(text).segments if part.key]
            )
        return add_names(view, current, search_query.expand_query(current, text, self._everyday))

    def read_queries(self, view: Snapshot, texts: Iterable[str]) -> list[concepts.Expansion]:
        """Return texts as a search reads them, without forms that decide no filter; one in quotation marks as it is written."""
        return [
            concepts.literal_expansion(phrase, [phrase])
            if (phrase := text.strip('"')) != text
            else self._expand(view, text, literal=False).sure()
            for text in map(analyser.clean_typed, texts)
        ]

    def _expand_excluded(
        self, view: Snapshot, query: query_parser.Query, asked: concepts.Expansion
    ) -> query_parser.Query:
        if not query.excluded:
            return query
        glossary = self._read_glossary(view)
        return replace(query, excluded=search_query.list_excluded_forms(glossary, query.excluded, asked))

    def _suggest(
        self,
        view: Snapshot,
        request: SearchRequest,
        query: query_parser.Query,
        expanded: concepts.Expansion,
        found: engine.Found,
        unknown: Sequence[str],
    ) -> tuple[str, ...]:
        """Return alternative queries, the likeliest first: without the query's own filters, or corrected.

        Nothing if enough was found. The filters given apart from the query apply to the alternatives too.
        """
        if found.complete_count >= _ENOUGH_COMPLETE:
            return ()
        suggested = list[str]()
        filters = (query.authors, query.institutions, query.has_range_filters, query.excluded, query.phrases)
        if found.complete_count == 0 and query.text and any(filters):
            # Its own filters, exclusions or quoted phrases may reject what its words match.
            terms_only, scope = query_parser.Query(text=query.text), SearchScope(request.filters)
            if engine.find(view, terms_only, expanded, scope, limit=1).complete_count:
                suggested.append(query.text)
        for word in completion.list_unknown_words(view, expanded) if request.literal else unknown:
            near = self.load_topics(view).vocabulary.list_near(word)[:_CORRECTIONS_PER_TERM]
            suggested += [completion.apply_corrections(query.text, [(word, meant)]) for meant, _ in near]
        return tuple(dict.fromkeys(suggested))[:MAX_SUGGESTIONS]

    def match_papers(
        self, view: Snapshot, text: str, digest_papers: Sequence[DigestPaper]
    ) -> dict[int, float]:
        """Return those papers of digests that are about a query, with its filters: how well they match, by id.

        The dates are those of the digests. As in `search`, a query of nothing but exclusions matches nothing.
        """
        query = query_parser.parse_query(analyser.clean_typed(text))
        allowed = merge_filters(search.NO_FILTERS, query)
        ids = frozenset(
            paper.paper_id for paper in digest_papers if allowed.allow(paper.date_on, paper.votes)
        )
        written = authors.list_paper_ids(view, query.authors)
        ids = ids if written is None else ids & written
        if not ids or not query.has_text:
            return dict.fromkeys(ids, 0.0) if written is not None or query.has_range_filters else {}
        # The index knows the date of a paper's last digest, which is never earlier than that of one of its digests.
        since = search.Filters(since_on=min(paper.date_on for paper in digest_papers))
        expanded = self._expand(view, query.text, literal=False).sure()
        query = self._expand_excluded(view, query, expanded)
        return engine.list_about(view, query, expanded, SearchScope(since, ids)) or {}

    def find_author(
        self,
        view: Snapshot,
        name: str,
        *,
        sort: Sort = Sort.VOTES,
        filters: Filters = NO_FILTERS,
        limit: int = 10,
        offset: int = 0,
        locale: models.Locale = models.Locale.EN,
    ) -> AuthorResult:
        """Return the papers of the author whose name matches best, sorted by votes or date, and the other matches.

        The author's topics are named in the language of `locale` where they have a name in it.
        """
        glossary, typed = self._read_glossary(view), analyser.clean_typed(name)
        return authors.find_author(
            view, glossary, typed, sort=sort, filters=filters, limit=limit, offset=offset, locale=locale
        )

    def has_institution(self, view: Snapshot, name: str) -> bool:
        """Return whether a stored paper comes from an institution."""
        condition = authors.institution_query([analyser.clean_typed(name)])
        return condition is not None and search.count_matches(view, condition, limit=1) > 0

    def find_paper(self, view: Snapshot, text: str) -> str | None:
        """Return the arXiv id of the paper that an arXiv id, a link or a part of a title identifies, or None."""
        text = analyser.clean_typed(text)
        if (arxiv_id := parse_id(text)) is not None:
            return arxiv_id
        rows = engine.find_papers(view, text, limit=1)
        return rows[0].arxiv_id if rows else None

    def explain_term(self, view: Snapshot, term: str) -> TermEvidence:
        """Return the concepts that a term names, the best supported first, with the evidence for their forms, and its senses."""
        text = analyser.clean_typed(term)[:_MAX_TERM_LENGTH]
        glossary = self._read_glossary(view)
        found = [
            (concept.key, [_count_papers(view, form) for form in concept.forms])
            for concept in glossary.find_concepts(text)
        ]
        return TermEvidence(found, glossary.list_senses(text))

    def list_suspicious_forms(self, view: Snapshot) -> list[tuple[str, concepts.SurfaceForm]]:
        """Return the learnt Korean forms with the English term; those that the least share of papers has with it come first."""
        listed = [
            (concept.usual_form("en") or concept.key, form)
            for concept in self._read_glossary(view).all_concepts()
            for form in concept.forms_in("ko")
            if form.searched and not form.seeded
        ]
        return sorted(listed, key=lambda pair: (pair[1].share_with_term, -pair[1].found, pair[1].text))
