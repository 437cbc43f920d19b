"""Look-ups: papers, authors and terms for a query, each in one synchronous call on a snapshot of the database.

This module and what it imports do without SQLAlchemy, so that the shell's look-ups start in half of the time.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from bot.archive import arxiv_ids, summaries
from bot.core.clock import Clock, system_clock
from bot.glossary import resolver
from bot.search import authors, completion, scoring, titles
from bot.search import engine as search_engine
from bot.search.completion import TopicIndex
from bot.search.engine import Engine, Scope
from bot.search.index import SearchIndex, build_texts
from bot.search.query import Reader, ReadQuery
from bot.search.results import AuthorResult, Choice, SearchRequest, SearchResult, Sort
from bot.text import analyser, concepts, dates, query_parser, questions, tokens, typography
from storage import models, search
from storage.search import NO_FILTERS, Filters
from storage.snapshot import Snapshot

if TYPE_CHECKING:
    from storage.archive import DigestPaper

MAX_SUGGESTIONS = 5
_CORRECTIONS_PER_TERM = 2
_MAX_ANSWERS = 64
"""Answers that are kept for further pages."""
_MAX_TERM_LENGTH = 200


class FormEvidence(NamedTuple):
    """A form of a concept, and the number of papers that contain it."""

    form: concepts.SurfaceForm
    papers: int


class TermEvidence(NamedTuple):
    """The concepts that a term names, by English key, and the terms that it is short for, if they are several."""

    concepts: list[tuple[str, list[FormEvidence]]]
    senses: list[str]


class AboutPapers(NamedTuple):
    """The papers that are about a query, most votes first, and the forms that were added to it. None: it asks for no paper."""

    paper_ids: Sequence[int] | None
    added_forms: tuple[str, ...] = ()


_MIN_SHARE = 0.3
"""A word that papers have is a name's spelling if this share of them has the name too."""


class Archive(NamedTuple):
    """One state of the database and of its index, with the glossary as a reader of queries."""

    view: Snapshot
    engine: Engine
    writers: authors.Writers
    reader: Reader
    is_stale: bool

    def choose_names(self, word: str, names: Sequence[str]) -> list[str]:
        """Return those of the names that a Korean word sounds like which enough papers with the word have too."""
        if not names:
            return []
        typed = tokens.WHOLE + word if len(word) == 2 else word  # 라마 is not in 라마단
        using = self.engine.count([typed])
        return [name for name in names if self.engine.count([typed], [name]) >= _MIN_SHARE * using]

    def read(self, query: query_parser.Query, *, literal: bool = False) -> ReadQuery:
        """Return what a query asks of papers."""
        return self.reader.read_literally(query) if literal else self.reader.read(query, self.choose_names)


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


_DECIDED_PAPERS, _MAX_SAID = 10, 12


def _list_deciding(engine: Engine, read: ReadQuery, found: search_engine.Found) -> tuple[str, ...]:
    """Return the added forms of a query; of a question, which describes topics, those by which its first papers were found.

    One of these has such a form and lacks a term as typed. A topic that only perhaps is meant is in none of them.
    """
    forms = read.added_forms
    if not read.topics or not forms:
        return forms
    forms, first = forms[:_MAX_SAID], {hit.paper_id for hit in found.hits[:_DECIDED_PAPERS]}
    texts = (*read.terms, *forms)
    having = engine.list_having(tuple(map(concepts.literal_part, texts)), first)
    lacking = first.difference(first.intersection(*having[: len(read.terms)]))
    return tuple(form for form, has in zip(forms, having[len(read.terms) :], strict=True) if lacking & has)


_ENOUGH_COMPLETE = 3
"""With fewer papers that match all of a query, alternative queries are suggested."""
_MAX_PAGE_SECONDS = 900
"""How long further pages of an answer show the state of the archive that its first page had."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The first hits of a query, and what its pages have in common.

    `engine` is the state of the index in which they were found, `reader` that of the glossary.
    """

    query: ReadQuery
    scope: Scope
    engine: Engine
    reader: Reader
    found: search_engine.Found
    common: SearchResult
    made_at: datetime


def _find(
    engine: Engine, query: ReadQuery, scope: Scope, request: SearchRequest, end: int, *, by_votes: bool
) -> search_engine.Found:
    if by_votes:
        about = engine.list_about(query.sure(), scope)
        if about:
            return search_engine.Found([search_engine.Hit(id_) for id_ in about], len(about))
    sort = Sort.VOTES if by_votes else request.sort
    found = engine.find(query, scope, limit=end, sort=sort)
    # "Just this" leaves papers with some of the words out if any has all.
    return found.without_partial() if request.literal and found.complete_count else found


def _list_filtered(
    archive: Archive, request: SearchRequest, query: query_parser.Query, scope: Scope, common: SearchResult
) -> SearchResult:
    """Return the papers within a scope, top-voted first."""
    selects_nothing = request.query.strip() and replace(query, excluded=()) == query_parser.Query()
    if scope == Scope() or (selects_nothing and not request.author.strip()):
        # Neither exclusions nor signs alone, such as an emoji, ask for all papers.
        return replace(common, ignored=(*query.ignored, *(f"-{term}" for term in query.excluded)))
    if scope.institutions or scope.paper_ids is not None:
        found, total = archive.engine.list_top(scope, limit=request.limit, offset=request.offset)
        rows = search.list_paper_rows(archive.view, found)
    else:
        total = search.count_top(archive.view, scope.filters)
        rows = search.list_top(archive.view, scope.filters, limit=request.limit, offset=request.offset)
    return replace(common, rows=tuple(rows), total=total, complete=total)


def _list_alert_terms(
    archive: Archive, query: query_parser.Query, parts: Sequence[concepts.Part]
) -> tuple[models.AlertTerm, ...]:
    """Return what an alert for the papers of a query follows; nothing if a name may be several people's."""
    # "faster" in a question tells little of what its papers are called; 요약 (summary) is also what they call it.
    glossary = archive.reader.glossary
    named = [
        part for part in parts if glossary.find(part.text) or not questions.find_everyday_terms(part.text)
    ]
    terms = [part.shown_text for part in named or parts]
    words = [text for text in terms if any(map(str.isalpha, text))]
    found = [models.AlertTerm(models.AlertKind.KEYWORD, text) for text in words]
    found += [models.AlertTerm(models.AlertKind.INSTITUTION, name) for name in query.institutions]
    for name in query.authors:
        people = authors.find_authors(archive.writers, name)
        if len(people) > 1:
            return ()
        known = people[0].name if people else name
        found.append(models.AlertTerm(models.AlertKind.AUTHOR, known))
    return tuple(dict.fromkeys(found))


class LookUp:
    """Answers look-ups from snapshots of one database and its index, in any thread; keeps the last answers for their pages."""

    def __init__(
        self,
        index: SearchIndex,
        read_glossary: Callable[[Snapshot], resolver.Glossary],
        clock: Clock = system_clock,
    ) -> None:
        self.index = index
        self._read_glossary = read_glossary
        self._clock = clock
        self._answers: OrderedDict[object, _Answer] = OrderedDict()
        self._topics: TopicIndex | None = None
        self._engine: Engine | None = None
        self._reader: Reader | None = None
        self._lock = threading.Lock()

    def open(self, view: Snapshot) -> Archive:
        """Return the archive as it is now, after changes of a few papers were indexed."""
        is_current, glossary = self.index.refresh(view), self._read_glossary(view)
        papers, writers = self.index.papers, authors.Writers(view, self.index.authors)
        with self._lock:
            if self._engine is None or self._engine.searcher is not papers:
                self._engine = Engine(papers)
            if self._reader is None or self._reader.glossary is not glossary:
                self._reader = Reader(glossary)
            return Archive(view, self._engine, writers, self._reader, not is_current)

    def search(self, view: Snapshot, request: SearchRequest, *, by_votes: bool = False) -> SearchResult:
        """Return a page of the papers on a topic, best first or, of those that are about it, by votes.

        Filters alone list the papers that pass them, top-voted first. An arXiv id or a link finds that paper. Further pages are
        those of the answer whose first page was shown, as papers arrive.
        """
        if (arxiv_id := parse_id(request.query)) is not None:
            ids = search.get_paper_ids(view, [arxiv_id])
            found = search.list_paper_rows(view, list(ids.values()))
            return SearchResult(tuple(found), 1, complete=1) if found else SearchResult(unknown_id=arxiv_id)
        archive = self.open(view)
        answer = self._answer(archive, request, by_votes=by_votes)
        if isinstance(answer, SearchResult):
            return replace(answer, is_stale=archive.is_stale)
        page = answer.found.hits[request.offset : request.offset + request.limit]
        rows = search.list_paper_rows(view, [hit.paper_id for hit in page])
        scores = dict(page)
        missing = answer.found.missing
        return replace(
            answer.common,
            rows=tuple(replace(row, score=round(scores[row.id], 4)) for row in rows),
            missing={row.arxiv_id: missing[row.id] for row in rows if row.id in missing},
            is_stale=archive.is_stale,
        )

    def _answer(self, archive: Archive, request: SearchRequest, *, by_votes: bool) -> _Answer | SearchResult:
        """Return the kept answer of a request if it reaches far enough, or a new one; a result for a query without text."""
        asked = replace(request, limit=0, offset=0, snippet_locale=None)
        now, end = self._clock(), request.offset + request.limit
        key = (asked, by_votes, now.date())
        with self._lock:
            answer = self._answers.get(key)
        if answer is not None and (
            (answer.engine, answer.reader) != (archive.engine, archive.reader)
            and (request.offset == 0 or (now - answer.made_at).total_seconds() > _MAX_PAGE_SECONDS)
        ):
            answer = None
        if answer is None:
            made = self._make_answer(archive, request, end, by_votes=by_votes)
            if isinstance(made, SearchResult):
                return made
            answer = made
        elif end > len(answer.found.hits) and answer.found.has_more:
            found = _find(answer.engine, answer.query, answer.scope, request, end, by_votes=by_votes)
            answer = replace(answer, found=found)
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > _MAX_ANSWERS:
                self._answers.popitem(last=False)
        return answer

    def _make_answer(
        self, archive: Archive, request: SearchRequest, end: int, *, by_votes: bool
    ) -> _Answer | SearchResult:
        engine, literal = archive.engine, request.literal
        typed = query_parser.parse_query(analyser.clean_typed(request.query))
        query, period = typed, ""
        if not literal:
            query, period = read_period(typed, self._clock().date())
            query = authors.read_writers(archive.writers, engine, query)
        names = (*query.institutions, *query.authors[len(typed.authors) :])
        common = SearchResult(period=period, writers=names, ignored=query.ignored)
        author = analyser.clean_typed(request.author).strip()
        written = authors.list_paper_ids(archive.writers, [*query.authors, *filter(None, [author])])
        scope = Scope(merge_filters(request.filters, query), written, query.institutions, bool(names))
        if not query.has_text:
            common = replace(common, alert_terms=_list_alert_terms(archive, query, ()))
            return _list_filtered(archive, request, query, scope, common)
        read = archive.read(query, literal=literal)
        unknown = completion.list_unknown_words(engine, read.parts)
        corrected: tuple[tuple[str, str], ...] = ()
        if unknown and not literal:
            corrected = completion.find_corrections(
                engine, self._load_topics(archive).vocabulary, archive.reader, query.text, unknown
            )
        if corrected:
            unknown = [word for word in unknown if word not in dict(corrected)]
            query = replace(query, text=completion.apply_corrections(query.text, corrected))
            read = archive.read(query)
        found = _find(engine, read, scope, request, end, by_votes=by_votes)
        common = replace(
            common,
            total=found.total,
            total_is_exact=found.is_exact,
            complete=found.complete_count,
            corrected=corrected,
            added_forms=_list_deciding(engine, read, found),
            terms=read.terms,
            term_forms=read.term_forms,
            is_shortened=len(read.text.split()) < len(query.text.split()),
            meanings=read.meanings,
            alert_terms=_list_alert_terms(archive, query, read.parts),
            suggestions=self._suggest(archive, request, query, read, found, unknown),
        )
        return _Answer(read, scope, engine, archive.reader, found, common, self._clock())

    def _load_topics(self, archive: Archive) -> TopicIndex:
        glossary = archive.reader.glossary
        with self._lock:
            if self._topics is None or self._topics.glossary is not glossary:
                self._topics = TopicIndex(glossary)
            return self._topics

    def load_topics(self, view: Snapshot) -> TopicIndex:
        """Return the topic index of the current glossary."""
        return self._load_topics(self.open(view))

    def read_queries(self, view: Snapshot, texts: Iterable[str]) -> list[ReadQuery]:
        """Return texts as a search reads them, without forms that decide no filter; one in quotation marks as it is written."""
        archive = self.open(view)
        return [
            ReadQuery(phrase, (concepts.literal_part(phrase),))
            if (phrase := text.strip('"')) != text
            else archive.read(query_parser.Query(text)).sure()
            for text in map(analyser.clean_typed, texts)
        ]

    def _suggest(
        self,
        archive: Archive,
        request: SearchRequest,
        query: query_parser.Query,
        read: ReadQuery,
        found: search_engine.Found,
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
            words = archive.read(query_parser.Query(query.text), literal=request.literal)
            if archive.engine.find(words, Scope(request.filters), limit=1, only_complete=True).total:
                suggested.append(query.text)
        if unknown:
            vocabulary = self._load_topics(archive).vocabulary
            near = {word: vocabulary.list_near(word)[:_CORRECTIONS_PER_TERM] for word in unknown}
            best = {word: meant[0][0] for word, meant in near.items() if meant}
            meanings = [best | {word: meant} for word, listed in near.items() for meant, _ in listed]
            suggested += [completion.apply_corrections(query.text, [*each.items()]) for each in meanings]
        return tuple(dict.fromkeys(suggested))[:MAX_SUGGESTIONS]

    def list_about(self, view: Snapshot, text: str, filters: Filters) -> AboutPapers:
        """Return all papers that are about a query, with its own filters and these, most votes first."""
        query, archive = query_parser.parse_query(analyser.clean_typed(text)), self.open(view)
        written = authors.list_paper_ids(archive.writers, query.authors)
        if not query.has_text:
            return AboutPapers(None if written is None else sorted(written))
        read = archive.read(query).sure()
        scope = Scope(merge_filters(filters, query), written, query.institutions)
        return AboutPapers(archive.engine.list_about(read, scope), read.added_forms)

    def match_papers(
        self, view: Snapshot, text: str, digest_papers: Sequence[DigestPaper]
    ) -> tuple[dict[int, float], ReadQuery, list[models.IndexDocument]]:
        """Return those papers of digests that are about a query, with its filters: how well they match, by id.

        The dates are those of the digests. As in `search`, a query of nothing but exclusions matches nothing. Papers that the
        index does not have yet are returned as documents, to be checked with the query.
        """
        query, archive = query_parser.parse_query(analyser.clean_typed(text)), self.open(view)
        allowed = merge_filters(search.NO_FILTERS, query)
        ids = {paper.paper_id for paper in digest_papers if allowed.allow(paper.date_on, paper.votes)}
        written = authors.list_paper_ids(archive.writers, query.authors)
        ids = ids if written is None else ids & written
        if not ids or not query.has_text:
            found = dict.fromkeys(ids, 0.0) if written is not None or query.has_range_filters else {}
            return found, ReadQuery(), []
        read = replace(archive.read(query).sure(), filters=search.NO_FILTERS)
        number = self.index.covers(view)
        new = ids if number is None else set(search.list_changed_among(view, ids, after=number))
        scope = Scope(paper_ids=ids - new, institutions=query.institutions)
        about = archive.engine.list_about(read, scope) if ids - new else []
        scores = archive.engine.score(read, about)
        return (
            {id_: scores.get(id_, 0.0) for id_ in about},
            read,
            search.list_documents(view, sorted(new), summaries.select_shown),
        )

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
        archive = self.open(view)
        page = authors.Page(sort, filters, limit, offset)
        return authors.find_author(
            archive.writers, archive.engine, archive.reader.glossary, analyser.clean_typed(name), page, locale
        )

    def find_paper(self, view: Snapshot, text: str) -> str | None:
        """Return the arXiv id of the paper that an arXiv id, a link or a part of a title identifies, or None."""
        text = analyser.clean_typed(text)
        if (arxiv_id := parse_id(text)) is not None:
            return arxiv_id
        engine = self.open(view).engine
        rows = titles.find_papers(view, engine, text, limit=1)
        found = rows[0] if rows else titles.find_named(view, engine, text)
        return found.arxiv_id if found else None

    def complete_author(self, view: Snapshot, text: str) -> list[Choice]:
        """Return the authors with a name that begins as typed, those with the most papers first."""
        return completion.complete_author(self.open(view).writers, analyser.clean_typed(text))

    def complete_paper(self, view: Snapshot, text: str) -> list[Choice]:
        """Return the papers whose arXiv id or title begins as typed."""
        return completion.complete_paper(view, self.open(view).engine, analyser.clean_typed(text))

    def list_similar(self, view: Snapshot, arxiv_id: str, *, limit: int = 10) -> list[models.PaperRow]:
        """Return the papers that share the most rare words with a paper, the most similar first."""
        engine = self.open(view).engine
        ids = search.get_paper_ids(view, [analyser.clean_typed(arxiv_id)])
        own = next(iter(ids.values()), None)
        if own is None:
            return []
        documents = search.list_documents(view, [own], summaries.select_shown, also_unlisted=True)
        words = Counter[str]()
        for document in documents:
            texts = build_texts(document)
            words = scoring.count_words(texts.title, texts.body)
        return search.list_paper_rows(view, engine.list_similar(words, own, limit=limit))

    def explain_term(self, view: Snapshot, term: str) -> TermEvidence:
        """Return the concepts that a term names, the best supported first, with the evidence for their forms, and its senses."""
        text = analyser.clean_typed(term)[:_MAX_TERM_LENGTH]
        archive = self.open(view)
        glossary, engine = archive.reader.glossary, archive.engine
        found = [
            (concept.key, [FormEvidence(form, engine.count([form.text])) for form in concept.forms])
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
