"""The search service: topics, authors, papers, digests and autocomplete, for the Discord client and the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import date
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from bot.core.clock import Clock, latest_date, system_clock
from bot.search import index as search_index
from bot.search import results as search_results
from bot.search.completion import TopicIndex
from bot.search.glossary import GlossaryService
from bot.search.index import SearchIndex
from bot.search.lookup import AboutPapers, LookUp
from bot.search.query import ReadQuery
from bot.search.results import Choice, PaperPage, SearchRequest, SearchResult
from bot.text import analyser
from storage import archive, models, papers, search, snapshot
from storage.archive import DigestPaper
from storage.database import Connection, Database
from storage.search import Filters
from storage.snapshot import Snapshot

TOPICS_CACHE_SECONDS = 10.0
"""Lifetime of the autocomplete topics before a newer glossary is looked for: typing is faster than induction."""
Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")


def _as_method(
    function: Callable[Concatenate[LookUp, Snapshot, Parameters], Result],
) -> Callable[Concatenate[SearchService, Parameters], Coroutine[Any, Any, Result]]:
    """Return a look-up as a method of the service, which reads a snapshot of its own."""

    @wraps(function)
    async def run(
        service: SearchService, /, *arguments: Parameters.args, **options: Parameters.kwargs
    ) -> Result:
        def look_up(view: Snapshot) -> Result:
            return function(service._lookup, view, *arguments, **options)

        return await service._look_up(look_up)

    return run


class SearchService:
    """Searches one database. Each method reads one snapshot and accepts any input."""

    def __init__(
        self,
        database: Database,
        glossary: GlossaryService | None = None,
        clock: Clock = system_clock,
        index: SearchIndex | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self.index = index or SearchIndex(search_index.folder_of(database))
        self._glossary = glossary or GlossaryService(database, clock, self.index)
        self._lookup = LookUp(self.index, self._glossary.read_current, clock)
        self._completion_index: TopicIndex | None = None
        self._topics_checked_at = 0.0

    async def _read(
        self,
        connection: Connection,
        function: Callable[Concatenate[Snapshot, Parameters], Result],
        *arguments: Parameters.args,
        **options: Parameters.kwargs,
    ) -> Result:
        """Run a look-up: on SQLite in the connection's thread, on PostgreSQL here, with the glossary loaded elsewhere."""
        if connection.dialect.name != "sqlite":
            await self._glossary.get_current(connection)
        try:
            return await snapshot.read(connection, function, *arguments, **options)
        except ValueError as error:
            if not search_index.is_damage(error):
                raise
            self.index.forget()
        return await snapshot.read(connection, function, *arguments, **options)

    async def _look_up(
        self,
        function: Callable[Concatenate[Snapshot, Parameters], Result],
        *arguments: Parameters.args,
        **options: Parameters.kwargs,
    ) -> Result:
        async with self._database.read() as connection:
            return await self._read(connection, function, *arguments, **options)

    async def search(self, request: SearchRequest) -> SearchResult:
        """Return the papers on a topic, best first.

        Filters alone list the papers that pass them, top-voted first. An arXiv id or a link finds that paper.
        """
        async with self._database.read() as connection:
            result = await self._read(connection, self._lookup.search, request)
            return await _add_snippets(connection, result, request)

    async def list_top(self, request: SearchRequest) -> SearchResult:
        """Return the top-voted papers of a period, on a topic if the request has a query."""

        def list_papers(view: Snapshot) -> SearchResult:
            if request.query.strip():
                return self._lookup.search(view, request, by_votes=True)
            rows = search.list_top(view, request.filters, limit=request.limit, offset=request.offset)
            return SearchResult(tuple(rows), search.count_top(view, request.filters))

        async with self._database.read() as connection:
            return await _add_snippets(connection, await self._read(connection, list_papers), request)

    async def match_papers(
        self, connection: Connection, text: str, digest_papers: Sequence[DigestPaper]
    ) -> dict[int, float]:
        """Return those papers of digests that are about a query, with its filters: how well they match, by id.

        The dates are those of the digests. As in `search`, a query of nothing but exclusions matches nothing.
        """
        found, query, new = await self._read(connection, self._lookup.match_papers, text, digest_papers)
        if new:
            # The index does not have them yet.
            about = await asyncio.to_thread(
                lambda: [document.id for document in new if query.is_about(search_index.read_paper(document))]
            )
            found |= dict.fromkeys(about, 0.0)
        return found

    async def list_about(self, connection: Connection, text: str, filters: Filters) -> AboutPapers:
        """Return all papers that are about a query, with its own filters and these, most votes first."""
        return await self._read(connection, self._lookup.list_about, text, filters)

    async def read_queries(self, connection: Connection, texts: Sequence[str]) -> list[ReadQuery]:
        """Return texts as a search reads them, without forms that decide no filter; one in quotation marks as it is written."""
        return await self._read(connection, self._lookup.read_queries, texts)

    find_author = _as_method(LookUp.find_author)
    explain_term = _as_method(LookUp.explain_term)
    complete_author = _as_method(LookUp.complete_author)
    complete_paper = _as_method(LookUp.complete_paper)
    list_similar = _as_method(LookUp.list_similar)

    async def find_paper(self, text: str) -> models.PaperDetail | None:
        """Return the paper that an arXiv id, a link or a part of a title identifies, or None."""
        async with self._database.read() as connection:
            arxiv_id = await self._read(connection, self._lookup.find_paper, text)
            return None if arxiv_id is None else await papers.get_detail(connection, arxiv_id)

    async def list_sources(self, detail: models.PaperDetail) -> dict[int, str]:
        """Return the sources of the digests that a paper is in, by digest id."""
        ids = [appearance.digest_id for appearance in detail.appearances]
        async with self._database.read() as connection:
            return await archive.list_sources(connection, ids)

    async def get_digest(
        self, on: date | None = None, *, limit: int = 10, offset: int = 0, min_votes: int | None = None
    ) -> tuple[PaperPage, date | None]:
        """Return a date's papers, top-voted first, and the date: without one that of the newest digest, if there is one."""
        async with self._database.read() as connection:
            if on is None:
                newest = await archive.list_dates(connection, limit=1, until_on=latest_date(self._clock()))
                if not newest:
                    return PaperPage(), None
                on = newest[0]
            rows = await papers.list_by_date(connection, on, min_votes=min_votes or 0)
            shown = await papers.list_rows(connection, [row.id for row in rows[offset : offset + limit]])
        return PaperPage(tuple(shown), len(rows)), on

    async def list_snippets(
        self, rows: Sequence[models.PaperRow], locale: models.Locale
    ) -> dict[str, search_results.Snippet]:
        """Return the first sentence of each paper's summary, by arXiv id."""
        async with self._database.read() as connection:
            return await search_results.list_snippets(connection, rows, locale)

    async def complete_topic(self, text: str, locale: models.Locale) -> list[Choice]:
        """Return the completions of a topic, those in the reader's language first."""
        now = asyncio.get_running_loop().time()
        if self._completion_index is None or now - self._topics_checked_at > TOPICS_CACHE_SECONDS:
            self._topics_checked_at = now  # concurrent calls use the cached topics meanwhile
            topics = await self._look_up(self._lookup.load_topics)
            await asyncio.to_thread(topics.prepare)
            self._completion_index = topics
        return self._completion_index.complete(analyser.clean_typed(text), locale)

    async def get_extent(self) -> models.ArchiveExtent:
        """Return the first and last date of the archive and its number of papers."""
        async with self._database.read() as connection:
            return await papers.get_extent(connection, until_on=latest_date(self._clock()))


async def _add_snippets(connection: Connection, result: SearchResult, request: SearchRequest) -> SearchResult:
    if request.snippet_locale is None:
        return result
    patterns = search_results.build_patterns(result.terms, result.term_forms)
    snippets = await search_results.list_snippets(connection, result.rows, request.snippet_locale, patterns)
    return replace(result, snippets=snippets)
