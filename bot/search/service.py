"""The search service: topics, authors, papers and digests, and completions of what readers type.

Each lookup is one synchronous call on an `Archive`: a database snapshot with one version of the index and the glossary.
"""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property, lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bot.archive import summaries
from bot.core.clock import Clock, latest_date, system_clock
from bot.search import answer_cache, authors, completion, interpretation, titles
from bot.search import index as search_index
from bot.search import results as search_results
from bot.search.authors import Archive
from bot.search.completion import TopicIndex
from bot.search.engine import Engine
from bot.search.glossary_service import GlossaryService
from bot.search.index import SearchIndex
from bot.search.interpretation import Interpretation
from bot.search.query_reader import QueryReader
from bot.search.results import (
    AuthorResult,
    Choice,
    MatchKind,
    PaperPage,
    Relevance,
    SearchRequest,
    SearchResult,
    Sort,
)
from bot.text import concepts, plain, query_parser, questions
from bot.text.parsed_query import ParsedQuery
from storage import models, search
from storage.models import NO_FILTERS, Filters
from storage.snapshot import Snapshot, chunked

if TYPE_CHECKING:
    # These need libraries that a search in the shell need not load: for requests, and SQLAlchemy.
    from bot.search.our_lists import Likeness, OurLists
    from storage.archive import DigestPaper
    from storage.database import Connection, Database

_TITLES_AT_ONCE = 25
"""The number of titles in one look-up; other look-ups take turns in between."""
_MAX_TERM_LENGTH = 200
_MAX_RECENT = 10_000
_MAX_COMPARED = 1000
"""The most papers that a search compares with a server's list, which takes up to three seconds."""
Result = TypeVar("Result")


class FormEvidence(NamedTuple):
    form: concepts.SurfaceForm
    papers: int


class TermEvidence(NamedTuple):
    """The concepts that a term may mean, by English key, and the senses of an ambiguous abbreviation."""

    concepts: list[tuple[str, list[FormEvidence]]]
    senses: list[str]


class OpenPapers(NamedTuple):
    """Some papers, an engine that has them, and those of each label (`models.label_key`) of a source."""

    engine: Engine
    rows: Sequence[models.PaperRow]
    labelled: Mapping[str, Collection[int]] = MappingProxyType({})


def _open_engine(archive: Archive, paper_ids: Sequence[int]) -> Engine:
    """Return an engine that has these papers: the index's or, if that is out of date, one for them alone."""
    if not archive.is_stale:
        return archive.engine
    return _index_temporarily(tuple(search.list_documents(archive.view, paper_ids, summaries.select_shown)))


@lru_cache(maxsize=4)
def _index_temporarily(documents: tuple[models.IndexDocument, ...]) -> Engine:
    """Return an engine for papers alone. It is cached, since other channels' topics and readers' days need it too."""
    return Engine(search_index.index_in_memory(documents), is_temporary=True)


class SearchService:
    """Searches one database. Each method reads one snapshot and accepts any text. Thread-safe."""

    def __init__(
        self,
        database: Database,
        glossary: GlossaryService | None = None,
        clock: Clock = system_clock,
        index: SearchIndex | None = None,
    ) -> None:
        self.index = index or SearchIndex(search_index.folder_of(database))
        self._database, self._clock = database, clock
        self._glossary = glossary or GlossaryService(database, clock, self.index)
        self._answers = answer_cache.SearchAnswers(clock)
        self.is_public = False
        # Cached for the latest index and glossary.
        self._engine, self._reader = lru_cache(maxsize=1)(Engine), lru_cache(maxsize=1)(QueryReader)
        self._topics = lru_cache(maxsize=1)(TopicIndex)

    @cached_property
    def our_lists(self) -> OurLists:
        """What compares papers with servers' lists. Services of one database that are copies share it once it was used."""
        from bot.search.our_lists import OurLists
        from bot.search.vectors import PaperVectors

        return OurLists(self._database, PaperVectors(self._database), self._glossary)

    @cached_property
    def public(self) -> SearchService:
        """Return this service for the web, its feeds and agents: without papers in no digest, which only a reader requested."""
        public = copy.copy(self)
        public.is_public = True
        return public

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
        paper. Later pages come from the same answer as the first page, even if papers have arrived since.
        """
        if (parsed := self._parse(request)).is_like_list:
            return await self._search_list(request, parsed)
        result = await self._look_up(lambda archive: self._search(archive, request))
        if request.snippet_locale is None:
            return search_results.without_shown(result)
        words = (word for term in result.read.terms for word in term.split())
        find = partial(
            search_results.list_snippets,
            patterns=search_results.build_patterns(result.read.term_forms),
            words=search_results.build_patterns(
                [[word] for word in words if not questions.classify_filler(word)]
            ),
        )
        snippets = await self._database.fetch(find, result.rows, request.snippet_locale)
        return search_results.without_shown(replace(result, snippets=snippets))

    def _search(self, archive: Archive, request: SearchRequest) -> SearchResult:
        if (paper_key := titles.parse_id(request.query)) is None:
            return self._answers.page(archive, request, self._load_vocabulary(archive))
        rows = search.list_paper_rows(
            archive.view, [*search.get_paper_ids(archive.view, [paper_key]).values()]
        )
        if not rows:
            return SearchResult(unknown_id=paper_key)
        return SearchResult(tuple(rows), 1, on_topic=1, kinds={paper_key: MatchKind.ON_TOPIC})

    def _parse(self, request: SearchRequest) -> ParsedQuery:
        return request.parsed or query_parser.parse_query(
            request.query, request.today or self._clock().date()
        )

    async def _search_list(self, request: SearchRequest, parsed: ParsedQuery) -> SearchResult:
        """Return the papers that are like the server's list, of the newest that meet the rest of a query. Raises UsageError."""
        rest = replace(parsed, is_like_list=False)
        if request.server_id is None:
            asked = replace(request, query=query_parser.write_query(rest), parsed=rest)
            result = await self.search(asked)
            ignored = (*result.read.ignored, query_parser.LIKE_LIST)
            return replace(result, read=replace(result.read, ignored=ignored))

        is_nearest_first = request.sort in (None, Sort.RELEVANCE)

        def list_newest(archive: Archive) -> tuple[list[models.PaperRow], ParsedQuery]:
            load, filters = self._load_vocabulary(archive), request.filters
            read = interpretation.interpret(
                archive, "", request.today, parsed=rest, options=filters, load=load
            )
            order = Sort.DATE if is_nearest_first else request.sort or Sort.DATE
            ids, _ = archive.engine.list_top(read.query, sort=order, limit=_MAX_COMPARED)
            if read.query.has_text:
                ids = [*self._find_all(archive, read)][:_MAX_COMPARED]
            return search.list_paper_rows(archive.view, ids), read.query

        rows, read = await self._look_up(list_newest)
        counts = Counter(row.date for row in rows)
        alike = await self.our_lists.compare(request.server_id, {row.id: counts[row.date] for row in rows})
        found = [row for row in rows if row.id in alike and alike[row.id].is_like]
        if is_nearest_first:
            found.sort(key=lambda row: -alike[row.id].degree)
        return SearchResult(
            tuple(found[request.offset : request.offset + request.limit]),
            len(found),
            read=replace(read, is_like_list=True, wanted=parsed.wanted),
            on_topic=len(found),
            kinds={row.key: MatchKind.ON_TOPIC for row in found},
            shared={row.key: alike[row.id].reasons for row in found},
        )

    def _load_vocabulary(self, archive: Archive) -> interpretation.LoadVocabulary:
        return lambda: self._topics(archive.reader.glossary).vocabulary

    # Exact sets.

    async def match_papers(
        self, text: str, digest_papers: Sequence[DigestPaper], server_id: int = 0
    ) -> dict[int, Relevance]:
        """Return the digest papers that `search` counts as on the topic of a query, keyed by paper id.

        Date filters apply to the dates of digests. As in `search`, a query that only has exclusions matches nothing. The score of
        like:list is how much a paper is like the server's list. Raises UsageError if it has too few papers.
        """

        def look_up(archive: Archive) -> dict[int, float]:
            load = None if archive.is_stale else self._load_vocabulary(archive)
            read = interpretation.interpret(archive, text, load=load)
            allowed = read.query.filters
            ids = {paper.paper_id for paper in digest_papers if allowed.allow(paper.date_on, paper.votes)}
            query = replace(read.query, filters=replace(allowed, since_on=None, until_on=None))
            if ids and query.has_text:
                on_topic = self._find_all(
                    archive, read if query == read.query else Interpretation(query), ids
                )
                return {id_: score for id_, score in on_topic.items() if id_ in ids}
            written = ids if query.paper_ids is None else ids.intersection(query.paper_ids)
            if query.institutions:
                engine = _open_engine(archive, sorted(ids))
                written = written.intersection(*(engine.list_from(name, ids) for name in query.institutions))
            return dict.fromkeys(written, 0.0) if query.is_limited else {}

        scores = await self._look_up(look_up)
        if not query_parser.parse_query(text).is_like_list:
            return {paper_id: Relevance(score) for paper_id, score in scores.items()}
        compared = [paper for paper in digest_papers if paper.paper_id in scores]
        alike = await self.compare_with_list(server_id, compared)
        return {key: Relevance(one.degree, one.reasons) for key, one in alike.items() if one.is_like}

    async def compare_with_list(
        self, server_id: int, digest_papers: Sequence[DigestPaper]
    ) -> dict[int, Likeness]:
        """Return how much papers that are not on a server's list are like it, by id. Raises UsageError if it has too few papers.

        Each is compared with as many as its digest has.
        """
        from storage import archive

        sizes = await self._database.fetch(
            archive.count_entries, {paper.digest_id for paper in digest_papers}
        )
        compared = {paper.paper_id: sizes.get(paper.digest_id, 1) for paper in digest_papers}
        return await self.our_lists.compare(server_id, compared)

    async def list_about(
        self, text: str, options: Filters, today: date
    ) -> tuple[Sequence[int] | None, ParsedQuery]:
        """Return all papers on the topic of a query within its limits and the options, and how it was read.

        The papers are None if the query has neither words nor names.
        """

        def look_up(archive: Archive) -> tuple[Sequence[int] | None, ParsedQuery]:
            load = self._load_vocabulary(archive)
            read = interpretation.interpret(archive, text, today, options=options, load=load)
            if (query := read.query).is_like_list:
                query = replace(query, ignored=(*query.ignored, query_parser.LIKE_LIST))
            if query.has_text:
                return [*self._find_all(archive, read)], query
            paper_ids = None if query.paper_ids is None else sorted(query.paper_ids)
            if query.institutions:
                paper_ids, _ = archive.engine.list_top(query, limit=max(1, archive.engine.searcher.num_docs))
            return paper_ids, query

        return await self._look_up(look_up)

    def _find_all(
        self, archive: Archive, read: Interpretation, needed: Collection[int] = ()
    ) -> dict[int, float]:
        """Return the scores of all papers on the topic of a query, best first.

        If the index is out of date, only the `needed` papers are searched, if any.
        """
        query = read.query
        request = SearchRequest(query.text, limit=max(1, archive.engine.searcher.num_docs, len(needed)))
        if needed and archive.is_stale:
            engine, allowed = _open_engine(archive, sorted(needed)), query.paper_ids
            among = set(needed).intersection(needed if allowed is None else allowed)
            narrowed = Interpretation(replace(query, paper_ids=among))
            matches = interpretation.list_matches(engine, narrowed, request)
        else:
            _, matches = interpretation.find(archive, read, request)
        return {id_: matches.scores[id_] for id_ in matches.by_kind[MatchKind.ON_TOPIC]}

    async def open_papers(self, paper_ids: Sequence[int]) -> OpenPapers:
        def look_up(archive: Archive) -> OpenPapers:
            rows = search.list_paper_rows(archive.view, paper_ids)
            return OpenPapers(_open_engine(archive, paper_ids), rows)

        return await self._look_up(look_up)

    async def open_recent(self, since: date) -> OpenPapers:
        """Return the newest papers of digests since a date, at most `_MAX_RECENT`."""

        def look_up(archive: Archive) -> OpenPapers:
            newest = ParsedQuery(options=Filters(since))
            ids, _ = archive.engine.list_top(newest, sort=Sort.DATE, limit=_MAX_RECENT)
            labelled = search.list_labelled(archive.view, paper_ids=ids)
            return OpenPapers(archive.engine, search.list_paper_rows(archive.view, ids), labelled)

        return await self._look_up(look_up)

    async def read_queries(self, texts: Sequence[str]) -> list[ParsedQuery]:
        """Interpret texts like search queries, without forms too uncertain for a filter. Quoted texts are taken literally.

        Of the operators only in: is read.
        """

        def read(archive: Archive, text: str) -> ParsedQuery:
            if ":" in text and (typed := query_parser.parse_query(text)).labels:
                words = query_parser.write_query(replace(typed, labels=()))
                return replace(read(archive, words), labels=typed.labels)
            if (phrase := text.strip('"')) != text:
                return ParsedQuery(phrase, parts=(concepts.literal_part(phrase),))
            return archive.read(ParsedQuery(text)).sure()

        return await self._look_up(
            lambda archive: [read(archive, text) for text in map(plain.clean_typed, texts)]
        )

    async def list_absent(self, names: Mapping[str, Sequence[str]]) -> list[str]:
        """Return those names and terms, each with its other forms, that nothing stored has, looked up in the index and the texts.

        A name counts by its sound too, and as an author's or an institution's. One whose words papers have separately, or the
        words of a compound, is not absent, but for a version: Orca 9.
        """

        def list_forms(archive: Archive, name: str) -> list[str]:
            read = archive.read(ParsedQuery(name))
            known = [*read.wholes, *(part for part in read.parts if len(read.parts) == 1)]
            base, space, version = name.rpartition(" ")
            of_base = [
                form.text
                for key in archive.reader.glossary.find(base)
                for form in archive.reader.glossary.forms_of(key)
            ]
            versions = (f"{form}{space}{version}" for form in of_base)
            return [
                name,
                *names.get(name, ()),
                *(form.text for part in known for form in part.forms),
                *versions,
            ]

        def is_known(archive: Archive, name: str) -> bool:
            forms = list_forms(archive, name)
            if archive.engine.count(forms) or archive.engine.count_from(name):
                return True
            written = authors.find_author(archive, name, limit=1)
            if written.author is not None and not written.is_corrected:  # Muon is not Moon
                return True
            # A compound of plain words is no name: text-to-LEGO.
            is_compound = any(map(str.islower, pieces := name.split("-")))
            words = pieces if is_compound else name.split()
            has_words = len(words) > 1 and all(
                (word[:1] if is_compound else word).isalpha() and is_known(archive, word) for word in words
            )
            return has_words or any(search.mentions(archive.view, form) for form in dict.fromkeys(forms))

        return await self._look_up(lambda archive: [name for name in names if not is_known(archive, name)])

    async def weigh(self, terms: Sequence[Sequence[str]]) -> list[float]:
        """Return the weight by rarity of each term, given by its forms."""

        def look_up(archive: Archive) -> list[float]:
            engine = archive.engine
            return [engine.idf(engine.count_papers(concepts.literal_part(*forms))) for forms in terms]

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
        limit: int,
        offset: int = 0,
    ) -> AuthorResult:
        """Return a page of the best-matching author's papers, sorted by votes or date, and the other matching names."""
        find = partial(authors.find_author, name=name, sort=sort, filters=filters, limit=limit, offset=offset)
        return await self._look_up(find)

    async def find_paper(self, text: str) -> models.PaperDetail | None:
        """Return the paper identified by an arXiv id, a link, a name or part of a title, or None."""
        from storage import papers

        paper_key = await self._look_up(
            lambda archive: titles.find_paper(
                archive, text, lambda name: self._load_vocabulary(archive)().correct(name)
            )
        )
        if paper_key is None:
            return None
        return await self._database.fetch(papers.get_detail, paper_key, also_unlisted=not self.is_public)

    async def find_near_name(self, text: str) -> str | None:
        """Return the name of papers that sounds most like a text in Hangul; None without a near one."""
        return await self._look_up(lambda archive: titles.find_near_name(archive, text))

    async def find_titled(self, texts: Sequence[str]) -> dict[str, str]:
        """Return the keys of the papers with exactly these titles, by title."""
        ids: dict[str, str] = {}
        for batch in chunked(texts, _TITLES_AT_ONCE):
            ids |= await self._look_up(partial(titles.find_titled, titles=batch))
        return ids

    async def list_similar(self, paper_key: str, *, limit: int) -> list[models.PaperRow]:
        """Return the papers most similar to a paper, best first."""
        return await self._look_up(lambda archive: titles.list_similar(archive, paper_key, limit))

    async def complete_author(self, text: str) -> list[Choice]:
        return await self._look_up(lambda archive: completion.complete_author(archive, text))

    async def complete_paper(self, text: str) -> list[Choice]:
        return await self._look_up(
            lambda archive: completion.complete_paper(archive, plain.clean_typed(text))
        )

    async def get_digest(
        self, on: date | None, *, limit: int, offset: int = 0, min_votes: int | None = None
    ) -> tuple[PaperPage, date | None]:
        """Return a page of a date's papers, top-voted first, and that date; if None, of the latest date with a digest."""
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
        """Return the first sentence about each paper, by its key."""
        return await self._database.fetch(search_results.list_snippets, rows, locale)

    async def complete_topic(self, text: str, locale: models.Locale) -> list[Choice]:
        topics = await self._look_up(lambda archive: self._topics(archive.reader.glossary))
        return await asyncio.to_thread(topics.complete, plain.clean_typed(text), locale)

    async def get_extent(self) -> models.ArchiveExtent:
        from storage import papers

        return await self._database.fetch(papers.get_extent, until_on=latest_date(self._clock()))
