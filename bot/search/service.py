"""Searches topics, authors, papers and digests, and autocompletes what readers type.

Each lookup is one synchronous call on an `Archive`: a database snapshot with one version of the index and the glossary.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache, lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bot.archive import summaries
from bot.core.clock import Clock, latest_date, system_clock
from bot.search import authors, completion, labels, titles
from bot.search import engine as search_engine
from bot.search import index as search_index
from bot.search import results as search_results
from bot.search.authors import Archive
from bot.search.completion import TopicIndex
from bot.search.engine import Engine, Scope
from bot.search.glossary import GlossaryService
from bot.search.index import SearchIndex
from bot.search.query import QueryReader, ReadQuery
from bot.search.results import AuthorResult, Choice, PaperPage, SearchRequest, SearchResult, Sort
from bot.text import analyser, concepts, dates, phrases, plain, query_parser, questions, requests
from storage import models, search
from storage.search import NO_FILTERS, Filters
from storage.snapshot import Snapshot, chunked

if TYPE_CHECKING:
    # These need libraries that a search in the shell need not load: for requests, and SQLAlchemy.
    from bot.search.embeddings import TextVectors
    from storage.archive import DigestPaper
    from storage.database import Connection, Database

_MAX_ANSWERS, _PAGE_PERIOD = 64, timedelta(minutes=15)
"""The number of cached answers, and how long the later pages of an answer ignore changes to the archive."""
_MAX_SAID = 12
_FEW, _MAX_COMPARING = 3, 60
"""With fewer full matches, papers that only compare with what is left out follow, of at most the second number."""
_RECENT_DAYS = {False: 7, True: 30}
"""The days that are meant by "trending", without a topic, as `/top` does, and with one."""
_ASKS = re.compile(r"\b(?:read|recommend|show|suggest|give)|추천|보여|알려|찾아|골라", re.IGNORECASE)
"""What asks for papers without naming a topic."""
_UNSORTED, _BY_VOTES = (None, Sort.RELEVANCE), (Sort.VOTES, Sort.LEAST)
_TITLES_AT_ONCE = 25
"""How many titles are found in one look-up, between which others take their turn."""
_MAX_TERM_LENGTH = 200
_MAX_RECENT = 10_000
Result = TypeVar("Result")


class FormEvidence(NamedTuple):
    """A form of a concept and the number of papers that contain it."""

    form: concepts.SurfaceForm
    papers: int


class TermEvidence(NamedTuple):
    """The concepts that a term may mean, by English key, and the senses of an ambiguous abbreviation."""

    concepts: list[tuple[str, list[FormEvidence]]]
    senses: list[str]


class AboutPapers(NamedTuple):
    """The papers about a query, and the forms added to it. `paper_ids` is None if the query is empty."""

    paper_ids: Sequence[int] | None
    added_forms: tuple[str, ...] = ()


class OpenPapers(NamedTuple):
    """Some papers, and an engine that has them."""

    engine: Engine
    rows: Sequence[models.PaperRow]


def merge_filters(given: search.Filters, query: query_parser.Query) -> search.Filters:
    """Combine a request's filters with a query's: papers must pass both."""
    return search.Filters(
        max((on for on in (given.since_on, query.since) if on is not None), default=None),
        min((on for on in (given.until_on, query.until) if on is not None), default=None),
        max((votes for votes in (given.min_votes, query.min_votes) if votes is not None), default=None),
        min((votes for votes in (given.max_votes, query.max_votes) if votes is not None), default=None),
    )


def read_request(
    query: query_parser.Query,
    today: date,
    has_papers: Callable[[date | None, date | None], bool] = lambda *_: True,
) -> query_parser.Query:
    """Turn the order ("most upvoted") and period ("last month") that a query names into its order and filters.

    `has_papers` tells whether any paper is of a period, given by its limits.
    """
    typed, query = query, replace(query, text=requests.cut_plans(requests.split_words(query.text)))
    read = requests.read_order(query.text, has_period=True)
    text, period = dates.read_period(read.text, today, is_clear=bool(read.order), has_papers=has_papers)
    is_recent = False
    if period == (None, None):
        read = requests.read_order(query.text, has_period=False) if read.is_of_period else read
        text = read.text
        if is_recent := read.is_recent and not (query.since or query.until):
            days = _RECENT_DAYS[questions.has_topic(text.split())]
            period = today - timedelta(days=days - 1), today
    left, text = text, requests.cut_aside(text)
    words = text.split()
    is_filler = all(questions.classify_filler(word) == "filler" for word in words)
    asks_for_any = is_filler and (any(map(questions.names_papers, words)) or _ASKS.search(text) is not None)
    text = text if questions.has_topic(words) or not (read.asks or is_filler) else ""
    is_list = (read.order or asks_for_any) and period == (None, None)
    unmet = [
        *(requests.AHEAD.findall(typed.text) if is_list else ()),
        *map("".join, requests.ALIKE.findall(typed.text)),
    ]
    narrowed = merge_filters(search.Filters(*period, read.min_votes, read.max_votes), query)
    return replace(
        query,
        text=requests.join_examples(text),
        asked=left,
        since=narrowed.since_on,
        until=narrowed.until_on,
        min_votes=narrowed.min_votes,
        max_votes=narrowed.max_votes,
        order=read.order or ("votes" if asks_for_any and period == (None, None) else ""),
        count=read.wanted,
        has_code=read.has_code,
        is_recent=is_recent,
        ignored=(*query.ignored, *unmet),
        unordered=read.unread,
        asks_writers=read.asks_writers,
        is_published=period != (None, None) and requests.PUBLISHED.search(typed.text) is not None,
    )


def _read_query(archive: Archive, text: str, today: date) -> tuple[query_parser.Query, query_parser.Query]:
    """Return a query as it was typed, and as read: with its order, period, exclusions and writers as filters."""
    typed = query_parser.parse_query(text, today)
    if typed.text.casefold() in phrases.list_known_forms() and questions.has_topic(typed.text.split()):
        return typed, typed  # a term asks for nothing else

    def has_papers(since: date | None, until: date | None) -> bool:
        return archive.engine.list_top(Scope(Filters(since, until)), sort=Sort.DATE, limit=1)[1] > 0

    query = read_request(typed, today, has_papers)
    query = archive.reader.read_exclusions(query, cache(partial(authors.is_full_writer, archive)))
    read = authors.read_writers(archive, query)
    writers = {*query.text.split()}.difference(read.text.split())
    return typed, replace(read, asked=" ".join(word for word in query.asked.split() if word not in writers))


@dataclass(frozen=True, slots=True)
class _Answer:
    """The papers found so far, the engine and reader that found them, and the data shared by all pages of the answer.

    `asked` is the text by whose vector the papers are still to be ordered, before the first page is shown; else "".
    """

    query: ReadQuery
    scope: Scope
    engine: Engine
    reader: QueryReader
    matches: search_engine.Matches
    common: SearchResult
    made_at: datetime
    asked: str = ""


def _find_by_words(
    engine: Engine, query: ReadQuery, scope: Scope, request: SearchRequest
) -> search_engine.Matches:
    """Return a query's papers up to the end of a page.

    Papers that only mention it follow those about it. A query without words finds all papers in the scope, top-voted first.
    """
    end, sort = request.offset + request.limit, request.sort or Sort.RELEVANCE
    if not (query.parts or query.wholes):
        ids, total = engine.list_top(scope, query, sort=sort, limit=end)
        return search_engine.Matches(dict.fromkeys(ids, 0.0), total)
    return engine.find(query, scope, limit=end, sort=sort)


def _label(
    view: Snapshot, answer: _Answer, rows: Sequence[models.PaperRow], unread: Sequence[str], typed: str
) -> dict[str, labels.Labels]:
    """Return the labels of a page's papers by arXiv id; of full matches only if something is left out."""
    missing, is_all = answer.matches.missing, bool(answer.query.excluded or unread)
    arxiv_ids = {row.id: row.arxiv_id for row in rows if is_all or row.id in missing}
    if not arxiv_ids:
        return {}
    papers = search.list_documents(view, [*arxiv_ids], summaries.select_shown)
    texts = {paper.id: search_index.join_texts(paper) for paper in papers}
    glossary = answer.reader.glossary
    labelled = labels.label(answer.query, missing, texts, answer.engine, glossary, unread, typed)
    return {arxiv_id: labelled.get(id_, labels.Labels()) for id_, arxiv_id in arxiv_ids.items()}


def _list_alert_terms(
    archive: Archive, query: query_parser.Query, parts: Sequence[concepts.QueryPart]
) -> tuple[models.AlertTerm, ...]:
    """Return the terms for an alert on a query's papers; () if a name may mean several people."""
    # Drop everyday words, such as "faster", that papers rarely use; but 요약 (summary) is also a term.
    glossary = archive.reader.glossary
    named = [
        part for part in parts if glossary.find(part.text) or not questions.find_everyday_terms(part.text)
    ]
    words = [part.shown_text for part in named or parts if any(map(str.isalpha, part.text))]
    terms = [models.AlertTerm(models.AlertKind.KEYWORD, text) for text in words]
    either = [name for group in query.either for name in group]
    of_institution = [*query.institutions, *filter(archive.engine.institution, either)]
    terms += [models.AlertTerm(models.AlertKind.INSTITUTION, name) for name in of_institution]
    for name in (*query.authors, *(name for name in either if name not in of_institution)):
        people = authors.find_authors(archive.writers, name)
        if len(people) > 1:
            return ()
        known = people[0].name if people else name
        terms.append(models.AlertTerm(models.AlertKind.AUTHOR, known))
    return tuple(dict.fromkeys(terms))


def _open_engine(archive: Archive, paper_ids: Sequence[int]) -> Engine:
    """Return an engine that has these papers: the index's or, if that is behind, one for them alone."""
    if not archive.is_stale:
        return archive.engine
    return _index_apart(tuple(search.list_documents(archive.view, paper_ids, summaries.select_shown)))


@lru_cache(maxsize=4)
def _index_apart(documents: tuple[models.IndexDocument, ...]) -> Engine:
    """Return an engine for papers alone. It is cached, since other channels' topics and readers' days need it too."""
    return Engine(search_index.index_in_memory(documents), is_apart=True)


def _list_loose(engine: Engine, query: ReadQuery, text: str) -> dict[concepts.QueryPart, bool]:
    """Return the parts of a query that are not searched for if no paper has all, and whether each is surely no topic.

    They are small letters or Hangul and no terms: words of speech, and words that no paper has and that describe no topic.
    """
    loose, known = dict[concepts.QueryPart, bool](), list[str]()
    for part in query.parts:
        is_known = part.is_term or part.key or questions.find_topics(part.text)
        known += [part.text] if is_known and not questions.is_general(part.text) else []
    terms = [
        part.text.casefold() for part in query.parts if part.text in known and (part.is_term or part.key)
    ]
    for part in query.parts:
        if (
            part.text.replace("-", "").isalpha()
            and (part.text.islower() or analyser.is_hangul(part.text))
            and not part.is_term
        ):
            is_said = questions.is_said(part.text, known, terms, text)
            if is_said or not ("-" in part.text or part.text in known or engine.count_papers(part)):
                loose[part] = is_said
    is_rest = not query.wholes and any(engine.count_papers(part) for part in query.parts if part not in loose)
    return loose if is_rest else {}


def _suggest(
    archive: Archive,
    vocabulary: completion.Vocabulary,
    query: query_parser.Query,
    unknown: Sequence[str],
    given: Filters,
) -> tuple[str, ...]:
    """Return alternatives to a query without matches that have some: without its filters, or with words corrected.

    The `given` filters of the request still apply.
    """
    words = query_parser.Query(query.text)
    near = [(word, meant[0][0]) for word in unknown if (meant := vocabulary.list_near(word))]
    near = [(word, meant) for word, meant in near if not questions.classify_filler(meant)]
    # The words alone may match papers that its filters, exclusions or quoted phrases reject.
    is_narrow = query.text and replace(query, ignored=(), described=()) != words
    offered = [archive.read(words)] if is_narrow or near else []
    if near:
        corrected = completion.apply_corrections(offered[0].text, near)
        offered = [*(offered if is_narrow else ()), archive.read(query_parser.Query(corrected))]
    found = (one for one in offered if archive.engine.find(one, Scope(given), limit=1).complete_count)
    return tuple(one.text for one in found)


@dataclass(slots=True)
class _Draft:
    """An answer in the making: a query as typed and as read, the papers found for it, and what no paper has of it.

    `asked` is the order that the query names, which the request has then too; `unread`: what is not searched for, and whether
    it is surely no topic.
    """

    archive: Archive
    request: SearchRequest
    typed: query_parser.Query
    query: query_parser.Query
    read: ReadQuery
    scope: Scope
    asked: Sort | None
    matches: search_engine.Matches = search_engine.Matches()  # noqa: RUF009 - immutable
    vocabulary: completion.Vocabulary = field(default_factory=completion.Vocabulary)
    unknown: Sequence[str] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    unread: Mapping[concepts.QueryPart, bool] = field(default_factory=dict)

    @property
    def writers(self) -> dict[str, Sequence[str]]:
        """The institutions and people that the query names in words, by how an answer names them."""
        query = self.query
        joint = " 또는 " if analyser.has_hangul(query.text or self.typed.text) else " or "
        alone = (*query.institutions, *query.authors[len(self.typed.authors) :])
        return {joint.join(group): group for group in (*zip(alone, strict=True), *query.either)}

    @property
    def has_words(self) -> bool:
        """Whether it names a topic, and not only writers or a period."""
        return bool(self.read.parts or self.read.wholes)

    @property
    def excludes_alone(self) -> bool:
        """Whether it only leaves something out: -word, or signs such as an emoji, do not mean "all papers"."""
        query, request = self.query, self.request
        if (
            query.has_text
            or query.order
            or query.count
            or query.has_code
            or query.excluded != self.typed.excluded
        ):
            return False
        is_bare = self.scope == Scope() and request.sort is not Sort.VOTES
        return is_bare or (
            request.query.strip() != "" and replace(query, excluded=()) == query_parser.Query()
        )

    def _find(self, query: ReadQuery) -> search_engine.Matches:
        """Return a query's papers and, if it leaves out nearly all, those that mention what is left out only to compare."""
        matches = _find_by_words(self.archive.engine, query, self.scope, self.request)
        if not query.excluded or matches.complete_count >= _FEW:
            return matches
        wider, first = (
            replace(self.scope, with_compared=True),
            replace(self.request, offset=0, limit=_MAX_COMPARING),
        )
        others = _find_by_words(self.archive.engine, query, wider, first)
        comparing = [id_ for id_ in others.scores if id_ not in others.missing and id_ not in matches.scores]
        full = {id_: score for id_, score in matches.scores.items() if id_ not in matches.missing}
        found = matches._replace(
            scores={**full, **{id_: others.scores[id_] for id_ in comparing}, **matches.scores},
            total=matches.total + len(comparing),
            missing={**dict.fromkeys(comparing, ()), **matches.missing},
        )
        return self.archive.engine.in_order(found, self.request.sort or Sort.RELEVANCE)

    @property
    def full(self) -> dict[int, float]:
        """The scores of the full matches found; empty if a word that may be a topic is not searched for."""
        matches = self.matches
        own = {id_: score for id_, score in matches.scores.items() if id_ not in matches.missing}
        return own if all(self.unread.values()) else {}

    def search(self, load_vocabulary: Callable[[], completion.Vocabulary]) -> None:
        """Find the papers for the words as typed, then if need be as corrected, and without those of speech."""
        self.find()
        self.correct(load_vocabulary)
        self.leave_out_loose()

    def find(self) -> None:
        """Find the papers, or those with parts of terms that no paper has."""
        query = self.query
        if self.excludes_alone:
            self.query = replace(query, ignored=(*query.ignored, *(f"-{term}" for term in query.excluded)))
            return
        if (query.unknown_writers or query.asks_writers) and not (self.has_words or self.writers):
            # Papers by an unknown writer, without a topic, are not all papers, and papers are no writers.
            return
        self.read = self.archive.reader.divide(self.read, self.archive.engine.count_papers)
        self.matches = self._find(self.read)
        if query.is_recent and not self.matches.total:
            # Of no recent paper on the topic, the most upvoted of all time are the trend.
            self.query = replace(query, since=self.typed.since, until=self.typed.until)
            self.scope = replace(self.scope, filters=merge_filters(self.request.filters, self.query))
            self.matches = self._find(self.read)

    def correct(self, load_vocabulary: Callable[[], completion.Vocabulary]) -> None:
        """Replace misspelt words. If there are complete matches, nothing is misspelt, apart from what is left out."""
        engine, query = self.archive.engine, self.query
        if not self.matches.complete_count:
            self.unknown = completion.list_unknown_words(engine, self.read.parts)
        excluded = () if self.typed.excluded else self.read.excluded
        misspelt = [*self.unknown, *completion.list_unknown_words(engine, excluded)]
        if misspelt:
            self.vocabulary = load_vocabulary()
        words = " ".join((query.text, *query.excluded))
        self.corrected = completion.find_corrections(self.archive, self.vocabulary, words, misspelt)
        if self.corrected:
            self.unknown = [word for word in self.unknown if word not in dict(self.corrected)]
            text, *terms = (
                completion.apply_corrections(part, self.corrected) for part in (query.text, *query.excluded)
            )
            self.query = replace(query, text=text, excluded=tuple(terms))
            self.read = self.archive.reader.divide(self.archive.read(self.query), engine.count_papers)
            self.matches = self._find(self.read)

    def leave_out_loose(self) -> None:
        """If few papers have all words, search without those that hardly name the topic."""
        if self.matches.has_name or self.matches.complete_count >= _FEW:
            return
        self.unread = _list_loose(self.archive.engine, self.read, self.query.text)
        if self.unread:
            parts = tuple(part for part in self.read.parts if part not in self.unread)
            self.read = replace(self.read, parts=parts)
            found = self._find(self.read)
            # Long sentences are ranked by any of their words.
            if self.asked or not self.read.topics or len(parts) < _FEW or found.complete_count:
                self.matches = found
            self.unknown = [word for word in self.unknown if any(word in part.text for part in parts)]

    def describe(self) -> SearchResult:
        """Return what all pages of the answer have in common."""
        query, typed, read, matches = self.query, self.typed, self.read, self.matches
        engine, writers = self.archive.engine, self.writers
        # Implied terms are only searched for partial matches.
        used = read if matches.missing or not read.implied else replace(read, implied={})
        total, complete = (min(n, query.count or n) for n in (matches.total, matches.complete_count))
        # A list without words has no best match.
        is_list = matches.total and not self.has_words and self.request.sort in _UNSORTED
        by_votes = Sort.VOTES if is_list and query.max_votes != 0 else None
        is_by_votes = (self.request.sort or by_votes) in _BY_VOTES
        about = matches.scores.keys() - matches.missing.keys() or matches.scores.keys()
        has_alert = not self.unknown or len(self.unknown) < len(read.parts)
        return SearchResult(
            period=(query.since, query.until),
            min_votes=query.min_votes if query.min_votes != typed.min_votes else None,
            max_votes=query.max_votes if query.max_votes != typed.max_votes else None,
            writers=tuple(writers),
            only_named=tuple(
                name
                for name, group in writers.items()
                if all(engine.institution(one) and not engine.is_affiliation(one) for one in group)
            ),
            sort=self.asked or by_votes,
            is_published=query.is_published,
            is_unvoted=is_by_votes and bool(about) and not engine.have_votes(about),
            unknown_writers=query.unknown_writers,
            has_code=query.has_code,
            excluded=query.excluded,
            described=query.described,
            ignored=query.ignored,
            unordered=query.unordered,
            asks_writers=query.asks_writers,
            total=total,
            complete=complete if all(self.unread.values()) else 0,
            count=query.count,
            mentioning=min(matches.mentions, total - complete),
            unread=tuple(part.text for part in self.unread),
            corrected=self.corrected,
            added_forms=used.added_forms[:_MAX_SAID],
            terms=read.terms,
            term_forms=used.term_forms,
            is_shortened=len(read.text.split()) < len(query.text.split())
            or any(part.either for part in read.parts),
            meanings=read.meanings,
            alert_terms=_list_alert_terms(self.archive, query, read.parts) if has_alert else (),
            suggestions=()
            if matches.complete_count
            else _suggest(self.archive, self.vocabulary, query, self.unknown, self.request.filters),
        )


def _read_draft(archive: Archive, request: SearchRequest, today: date) -> _Draft:
    """Return a request as it is read, before papers are searched for."""
    typed, query = _read_query(archive, request.query, today)
    asked = Sort(query.order) if query.order and request.sort is None else None
    read = archive.read(query)
    # Short words sound like names: 다리 is not DALL-E. Of a term, the names are known.
    is_term = len(read.parts) == 1 and read.parts[0].key != ""
    if len(query.text) > 2 and (known := titles.find_known(query.text, read.names if is_term else ())):
        read = replace(read, names=read.names | {known})
    query = replace(query, ignored=(*query.ignored, *requests.list_lost(query, read.text)))
    scope = Scope(
        merge_filters(request.filters, query),
        authors.list_written_ids(archive, query),
        query.institutions,
        authors.list_excluded_ids(archive, query.excluded),
        query.has_code,
    )
    request = replace(request, sort=asked) if asked else request
    return _Draft(archive, request, typed, query, read, scope, asked)


def _key_of(request: SearchRequest, now: datetime) -> tuple[SearchRequest, date]:
    """Return the key of an answer, which all its pages share."""
    return replace(request, limit=0, offset=0, snippet_locale=None), now.date()


class SearchService:
    """Searches one database. Each method reads one snapshot and accepts any text. Thread-safe."""

    def __init__(
        self,
        database: Database,
        glossary: GlossaryService | None = None,
        clock: Clock = system_clock,
        index: SearchIndex | None = None,
        vectors: TextVectors | None = None,
    ) -> None:
        self.index = index or SearchIndex(search_index.folder_of(database))
        self._vectors = vectors
        self._database, self._clock = database, clock
        self._glossary = glossary or GlossaryService(database, clock, self.index)
        self._lock = threading.Lock()
        self._answers: dict[object, _Answer] = {}
        # Cached for the latest index and glossary.
        self._engine, self._reader = lru_cache(maxsize=1)(Engine), lru_cache(maxsize=1)(QueryReader)
        self._topics = lru_cache(maxsize=1)(TopicIndex)

    # Lookups.

    def _open(self, view: Snapshot) -> Archive:
        """Return the current archive after indexing a few changes."""
        is_current, glossary = self.index.refresh(view), self._glossary.read_current(view)
        engine, writers = self._engine(self.index.papers), authors.Writers(view, self.index.authors)
        return Archive(view, engine, writers, self._reader(glossary), not is_current)

    async def _look_up(self, look_up: Callable[[Archive], Result]) -> Result:
        """Run a look-up in a thread. If the index is damaged, rebuild it and retry."""
        try:
            return await self._database.look_up(lambda view: look_up(self._open(view)))
        except ValueError as error:
            if not search_index.is_damage(error):
                raise
            self.index.forget()
        return await self._database.look_up(lambda view: look_up(self._open(view)))

    # Topics.

    async def search(self, request: SearchRequest) -> SearchResult:
        """Return a page of the papers on a topic, sorted by relevance, votes or date.

        Filters without words list all papers that pass them, top-voted first. An arXiv id or link finds its
        paper. Later pages come from the same answer as the first page, even if papers have arrived since, or the embeddings
        server has come or gone.
        """
        if self._vectors is not None and titles.parse_id(request.query) is None:
            await self._order(request, self._vectors)
        result = await self._look_up(lambda archive: self._search(archive, request))
        if request.snippet_locale is None:
            return result
        patterns = search_results.build_patterns(result.term_forms)
        snippets = await self._database.fetch(
            search_results.list_snippets, result.rows, request.snippet_locale, patterns
        )
        return replace(result, snippets=snippets)

    async def _order(self, request: SearchRequest, vectors: TextVectors) -> None:
        """Order a new answer also by its similarity to what is asked. This waits outside look-ups."""
        answer = await self._look_up(lambda archive: self._answer(archive, request))
        if answer.asked:
            ranked = await vectors.fuse(answer.matches.ranked, answer.asked)
            ordered = replace(answer, matches=answer.matches.reordered(*ranked), asked="")
            self._keep(_key_of(request, self._clock()), ordered, instead_of=answer)

    def _search(self, archive: Archive, request: SearchRequest) -> SearchResult:
        view = archive.view
        if (arxiv_id := titles.parse_id(request.query)) is not None:
            rows = search.list_paper_rows(view, [*search.get_paper_ids(view, [arxiv_id]).values()])
            return SearchResult(tuple(rows), 1, complete=1) if rows else SearchResult(unknown_id=arxiv_id)
        answer = self._answer(archive, request)
        if answer.asked:
            # Its page is shown: the order stays.
            shown = replace(answer, asked="")
            self._keep(_key_of(request, self._clock()), shown, instead_of=answer)
        matches = answer.matches
        page = [*matches.scores][: answer.common.total][request.offset : request.offset + request.limit]
        until = answer.scope.filters.until_on
        rows = search.list_paper_rows(view, page, matches.scores, until_on=until)
        unread = () if answer.common.complete else answer.common.unread
        labelled = _label(view, answer, rows, unread, request.query)
        partial_ids = [row.arxiv_id for row in rows if unread or row.id in matches.missing]
        below = {arxiv_id: labelled[arxiv_id] for arxiv_id in partial_ids}
        return replace(
            answer.common,
            rows=tuple(rows),
            missing={arxiv_id: of_paper.missing for arxiv_id, of_paper in below.items()},
            matched={arxiv_id: of_paper.matched for arxiv_id, of_paper in below.items()},
            passing={id_: of_paper.passing for id_, of_paper in labelled.items() if of_paper.passing},
            is_stale=archive.is_stale,
        )

    def _answer(self, archive: Archive, request: SearchRequest) -> _Answer:
        """Return the cached answer, extended to the end of the page if necessary, or a new one."""
        now, end = self._clock(), request.offset + request.limit
        key = _key_of(request, now)
        with self._lock:
            cached = answer = self._answers.get(key)
        if answer is None or (
            (answer.engine, answer.reader) != (archive.engine, archive.reader)
            and (request.offset == 0 or now - answer.made_at > _PAGE_PERIOD)
        ):
            cached, answer = None, self._make_answer(archive, request)
        elif len(answer.matches.scores) < min(end, answer.matches.total):
            sorted_ = replace(request, sort=request.sort or answer.common.sort)
            longer = _find_by_words(answer.engine, answer.query, answer.scope, sorted_)
            answer = replace(answer, matches=answer.matches.continued(longer))
        self._keep(key, answer, instead_of=cached)
        return answer

    def _keep(self, key: object, answer: _Answer, *, instead_of: _Answer | None) -> None:
        """Cache an answer for later pages. If it is made of another one, it only takes that one's place."""
        now = self._clock()
        with self._lock:
            if instead_of is not None and self._answers.get(key) is not instead_of:
                return
            self._answers.pop(key, None)
            # An answer keeps its version of the index and of the glossary in memory.
            oldest = now - _PAGE_PERIOD
            for other in [other for other, one in self._answers.items() if one.made_at < oldest]:
                del self._answers[other]
            self._answers[key] = answer
            while len(self._answers) > _MAX_ANSWERS:
                del self._answers[next(iter(self._answers))]

    def _find_full(
        self, archive: Archive, text: str, filters: Filters, needed: Collection[int] = ()
    ) -> _Draft:
        """Return a query with all papers that it finds and that pass these filters, and not those for a period in its words.

        If the index is behind, only the `needed` papers are searched, if any, for the words as typed.
        """
        request = SearchRequest(text, limit=max(1, archive.engine.searcher.num_docs, len(needed)))
        draft = _read_draft(archive, request, self._clock().date())
        timeless = replace(draft.query, since=None, until=None)
        draft.scope = replace(draft.scope, filters=merge_filters(filters, timeless))
        if needed and archive.is_stale:
            engine, own = _open_engine(archive, sorted(needed)), draft.scope.paper_ids
            scope = replace(draft.scope, paper_ids=set(needed).intersection(needed if own is None else own))
            draft.matches = _find_by_words(engine, draft.read, scope, draft.request)
        else:
            draft.search(lambda: self._topics(archive.reader.glossary).vocabulary)
        return draft

    def _make_answer(self, archive: Archive, request: SearchRequest) -> _Answer:
        draft = _read_draft(archive, request, request.today or self._clock().date())
        draft.search(lambda: self._topics(archive.reader.glossary).vocabulary)
        read, matches = draft.read, draft.matches
        is_sentence = (len(read.parts) > 1 or bool(read.topics)) and not matches.has_name
        is_ranked = self._vectors is not None and draft.request.sort in _UNSORTED and matches.total > 0
        asked_text = draft.query.text if is_sentence and is_ranked else ""
        return _Answer(
            read,
            draft.scope,
            archive.engine,
            archive.reader,
            matches,
            draft.describe(),
            self._clock(),
            asked_text,
        )

    # Exact sets.

    async def match_papers(self, text: str, digest_papers: Sequence[DigestPaper]) -> dict[int, float]:
        """Return the scores of the digest papers that `search` counts as full matches of a query, keyed by paper id.

        Date filters apply to the dates of digests. As in `search`, a query that only has exclusions matches nothing.
        """
        query = query_parser.parse_query(text)
        allowed = merge_filters(NO_FILTERS, query)
        ids = {paper.paper_id for paper in digest_papers if allowed.allow(paper.date_on, paper.votes)}

        def look_up(archive: Archive) -> dict[int, float]:
            if ids and query.has_text:
                full = self._find_full(archive, text, NO_FILTERS, ids).full
                return {id_: score for id_, score in full.items() if id_ in ids}
            written = authors.list_paper_ids(archive.writers, query.authors)
            is_filtered = written is not None or query.has_range_filters
            return dict.fromkeys(ids if written is None else ids & written, 0.0) if is_filtered else {}

        return await self._look_up(look_up)

    async def list_about(self, text: str, filters: Filters) -> AboutPapers:
        """Return all full matches of a query that pass its own filters and `filters`."""

        def look_up(archive: Archive) -> AboutPapers:
            query = query_parser.parse_query(text)
            written = authors.list_paper_ids(archive.writers, query.authors)
            if not query.has_text:
                return AboutPapers(None if written is None else sorted(written))
            draft = self._find_full(archive, text, merge_filters(filters, query))
            return AboutPapers([*draft.full], replace(draft.read, implied={}).added_forms)

        return await self._look_up(look_up)

    async def open_papers(self, paper_ids: Sequence[int]) -> OpenPapers:
        """Return papers with an engine that has all of them."""

        def look_up(archive: Archive) -> OpenPapers:
            rows = search.list_paper_rows(archive.view, paper_ids)
            return OpenPapers(_open_engine(archive, paper_ids), rows)

        return await self._look_up(look_up)

    async def open_recent(self, since: date) -> OpenPapers:
        """Return the newest papers of digests since a date, at most `_MAX_RECENT`."""

        def look_up(archive: Archive) -> OpenPapers:
            scope = Scope(Filters(since))
            ids, _ = archive.engine.list_top(scope, sort=Sort.DATE, limit=_MAX_RECENT)
            return OpenPapers(archive.engine, search.list_paper_rows(archive.view, ids))

        return await self._look_up(look_up)

    async def read_queries(self, texts: Sequence[str]) -> list[ReadQuery]:
        """Interpret texts like search queries, without forms too uncertain for a filter. Quoted texts are taken literally."""

        def look_up(archive: Archive) -> list[ReadQuery]:
            return [
                ReadQuery(phrase, (concepts.literal_part(phrase),))
                if (phrase := text.strip('"')) != text
                else archive.read(query_parser.Query(text)).sure()
                for text in map(plain.clean_typed, texts)
            ]

        return await self._look_up(look_up)

    # The glossary.

    async def explain_term(self, term: str) -> TermEvidence:
        """Return the concepts of a term, best supported first, with paper counts per form, and the term's senses."""

        def look_up(archive: Archive) -> TermEvidence:
            text, glossary = plain.clean_typed(term)[:_MAX_TERM_LENGTH], archive.reader.glossary
            evidence = [
                (
                    concept.key,
                    [FormEvidence(form, archive.engine.count([form.text])) for form in concept.forms],
                )
                for concept in glossary.find_concepts(text)
            ]
            return TermEvidence(evidence, glossary.list_senses(text))

        return await self._look_up(look_up)

    # Authors and papers.

    async def find_author(
        self,
        name: str,
        *,
        sort: Sort = Sort.VOTES,
        filters: Filters = NO_FILTERS,
        limit: int = 10,
        offset: int = 0,
    ) -> AuthorResult:
        """Return a page of the best-matching author's papers, sorted by votes or date, and the other matching names.

        A question about one author's papers finds that author: "papers by Ada Lovelace".
        """
        find = partial(authors.find_author, sort=sort, filters=filters, limit=limit, offset=offset)

        def look_up(archive: Archive) -> AuthorResult:
            last = [word for word in name.split() if not questions.names_papers(word)]  # hinton papers
            result = find(archive, name if len(last) != 1 else last[0])
            if result.author is not None or result.question:
                return result
            today, text = self._clock().date(), name
            _, query = _read_query(archive, text, today)
            named = (*query.authors, *query.institutions, *query.either, *query.unknown_writers)
            if not named:  # tri dao and albert gu
                _, by = _read_query(archive, f"papers by {name}", today)
                named = (*by.authors, *by.either)
                text, query = (f"papers by {name}", by) if named else (name, query)
            is_alone = query == query_parser.Query(authors=query.authors[:1], order=query.order)
            if query.authors and is_alone and query.order in ("", Sort.VOTES):
                return find(archive, query.authors[0])
            alike = partial(authors.list_near, archive.writers)
            near = [
                *query.authors,
                *chain.from_iterable(map(alike, query.unknown_writers if named else (name,))),
            ]
            return replace(result, question=text if named else "", near=tuple(near))

        return await self._look_up(look_up)

    async def find_paper(self, text: str) -> models.PaperDetail | None:
        """Return the paper identified by an arXiv id, a link, a name or part of a title, or None."""
        from storage import papers

        arxiv_id = await self._look_up(lambda archive: titles.find_paper(archive, text))
        return None if arxiv_id is None else await self._database.fetch(papers.get_detail, arxiv_id)

    async def find_near_name(self, text: str) -> str | None:
        """Return the name of papers that sounds most like a text, in Latin letters or Hangul; None without a near one."""
        return await self._look_up(lambda archive: titles.find_near_name(archive, text))

    async def find_titled(self, texts: Sequence[str]) -> dict[str, str]:
        """Return the arXiv ids of the papers with exactly these titles, by title."""
        ids: dict[str, str] = {}
        for batch in chunked(texts, _TITLES_AT_ONCE):
            ids |= await self._look_up(partial(titles.find_titled, titles=batch))
        return ids

    async def list_similar(self, arxiv_id: str, *, limit: int = 10) -> list[models.PaperRow]:
        """Return the papers most similar to a paper, best first."""
        reorder = None if self._vectors is None else self._vectors.fuse_similar
        return await self._look_up(lambda archive: titles.list_similar(archive, arxiv_id, limit, reorder))

    async def complete_author(self, text: str) -> list[Choice]:
        """Return the authors with a name that begins with a text, most papers first."""
        return await self._look_up(lambda archive: completion.complete_author(archive, text))

    async def complete_paper(self, text: str) -> list[Choice]:
        """Return the paper with this arXiv id or link, or else the papers with these words in the title."""
        return await self._look_up(
            lambda archive: completion.complete_paper(archive, plain.clean_typed(text))
        )

    async def list_sources(self, detail: models.PaperDetail) -> dict[int, str]:
        """Return the sources of a paper's digests, keyed by digest id."""
        from storage import archive

        ids = [appearance.digest_id for appearance in detail.appearances]
        return await self._database.fetch(archive.list_sources, ids)

    async def get_digest(
        self, on: date | None = None, *, limit: int = 10, offset: int = 0, min_votes: int | None = None
    ) -> tuple[PaperPage, date | None]:
        """Return a page of a date's papers, top-voted first, and that date. It defaults to the latest date with a digest."""
        from storage import archive, papers

        async def read(connection: Connection) -> tuple[PaperPage, date | None]:
            until_on = latest_date(self._clock())
            newest = [on] if on else await archive.list_dates(connection, limit=1, until_on=until_on)
            if not newest:
                return PaperPage(), None
            rows = await papers.list_by_date(connection, newest[0], min_votes=min_votes or 0)
            shown = await papers.list_rows(connection, [row.id for row in rows[offset : offset + limit]])
            return PaperPage(tuple(shown), len(rows)), newest[0]

        return await self._database.fetch(read)

    async def list_snippets(
        self, rows: Sequence[models.PaperRow], locale: models.Locale
    ) -> dict[str, search_results.Snippet]:
        """Return the first sentence about each paper, keyed by arXiv id."""
        return await self._database.fetch(search_results.list_snippets, rows, locale)

    async def complete_topic(self, text: str, locale: models.Locale) -> list[Choice]:
        """Return the topics that begin with a text, those in the reader's language first."""
        topics = await self._look_up(lambda archive: self._topics(archive.reader.glossary))
        return await asyncio.to_thread(topics.complete, plain.clean_typed(text), locale)

    async def get_extent(self) -> models.ArchiveExtent:
        """Return the first and last date of the archive and its number of papers."""
        from storage import papers

        return await self._database.fetch(papers.get_extent, until_on=latest_date(self._clock()))
