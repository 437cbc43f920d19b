"""The search service: topics, authors, papers, digests and autocomplete, for the Discord client and the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from bot.clock import Clock, system_clock
from bot.services.indexing.glossary_service import GlossaryService
from bot.services.search import (
    corrections,
    engine,
    filters,
    glossary_explain,
    model_names,
    query_expansion,
    suggestions,
    title_search,
)
from bot.services.search.candidates import SearchScope
from bot.services.search.results import AuthorResult, Choice, PaperPage, SearchRequest, SearchResult, Sort
from bot.services.search.word_vectors import WordVectors
from bot.text import query_parser
from bot.text.analysis import normalisation
from bot.text.glossary.model import concepts, expansion
from storage import digests, models, papers
from storage.database import Connection, Database
from storage.entries import DigestPaper
from storage.search import index

if TYPE_CHECKING:
    from bot.rendering.discord_text.escape import SafeMarkdown
    from bot.services.search.autocomplete import TopicIndex

_ENOUGH_COMPLETE = 3
"""With fewer papers that match all of a query, alternative queries are suggested."""
TOPICS_CACHE_SECONDS = 10.0
"""Lifetime of the autocomplete topics before a newer glossary is looked for: typing is faster than induction."""


class SearchService:
    """Searches one database. Each method reads one snapshot and accepts any input.

    What a search on the command line does not need is imported on first use, and by the container of the bot at its start.
    """

    def __init__(
        self,
        database: Database,
        glossary: GlossaryService | None = None,
        vectors: WordVectors | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._database = database
        self._clock = clock
        self._glossary = glossary or GlossaryService(database)
        self._vectors = vectors or WordVectors()
        self._topic_index: TopicIndex | None = None
        self._completion_index: TopicIndex | None = None
        self._topics_checked_at = 0.0
        self._topics_loading = asyncio.Lock()

    async def search(self, request: SearchRequest) -> SearchResult:
        """Return the papers on a topic, best first.

        Filters alone list the papers that pass them, top-voted first. An arXiv id or a link finds that paper.
        """
        async with self._database.read() as connection:
            return await _with_snippets(connection, await self._search(connection, request), request)

    async def _search(
        self, connection: Connection, request: SearchRequest, *, by_votes: bool = False
    ) -> SearchResult:
        paper = await title_search.find_by_id(connection, request.query)
        if paper is not None:
            return SearchResult(tuple(await papers.list_rows(connection, [paper.id])), 1, complete=1)
        if unknown_id := title_search.parse_id(request.query):
            return SearchResult(unknown_id=unknown_id)
        query = query_parser.parse_query(normalisation.clean_typed(request.query))
        query, period = (query, "") if request.literal else filters.read_period(query, self._clock().date())
        author = normalisation.clean_typed(request.author)
        authors = [*query.authors, *([author] if request.author.strip() else [])]
        scope = SearchScope(
            filters.merge_filters(request.filters, query),
            await filters.list_paper_ids_by_authors(connection, authors),
        )
        if query.has_text:
            expanded = await self._expand(connection, query.text, literal=request.literal)
            pairs = () if request.literal else await self._find_corrections(connection, expanded)
            if pairs:
                query = replace(query, text=corrections.apply(query.text, pairs))
                expanded = await self._expand(connection, query.text, literal=False)
            result = await self._search_text(connection, request, query, expanded, scope, by_votes=by_votes)
            return replace(result, corrected=pairs, period=period)
        if scope.is_unlimited:
            # Exclusions select nothing by themselves.
            return SearchResult(ignored=(*query.ignored, *(f"-{term}" for term in query.excluded)))
        result = await filters.list_filtered(connection, scope, request.limit, request.offset)
        return replace(result, complete=result.total, ignored=query.ignored, period=period)

    async def _search_text(
        self,
        connection: Connection,
        request: SearchRequest,
        query: query_parser.Query,
        expanded: expansion.Expansion,
        scope: SearchScope,
        *,
        by_votes: bool,
    ) -> SearchResult:
        """Retrieve and score the candidates of an expanded query, and return the requested page of them."""
        if not request.literal:
            query = await self._expand_excluded(connection, query, expanded)
        end = request.offset + request.limit
        find = engine.find_top if by_votes else partial(engine.find_sorted, sort=request.sort)
        found = await find(connection, query, expanded, scope, limit=end)
        hits = found.hits[request.offset : end]
        rows = await engine.load_rows(connection, hits)
        return SearchResult(
            rows=tuple(rows),
            total=found.total,
            total_is_exact=found.is_exact,
            complete=found.complete_count,
            is_inside=found.is_inside,
            missing={row.arxiv_id: found.missing[row.id] for row in rows if row.id in found.missing},
            added_forms=query_expansion.added_forms(expanded),
            terms=(*query_expansion.query_terms(expanded), *query.phrases),
            term_forms=(*query_expansion.term_forms(expanded), *((phrase,) for phrase in query.phrases)),
            is_shortened=len(expanded.text.split()) < len(query.text.split()),
            meanings=expanded.meanings,
            suggestions=await self._suggest(connection, request, query, expanded, found),
            ignored=query.ignored,
            explanations=engine.explain(rows, hits) if request.explain else {},
        )

    async def _find_corrections(
        self, connection: Connection, expanded: expansion.Expansion
    ) -> tuple[tuple[str, str], ...]:
        """Return the typing errors of a query's terms, as typed and as meant."""
        unknown = await corrections.list_unknown_words(connection, expanded)
        ambiguous_stems = corrections.list_ambiguous_stems(expanded)
        if not unknown and not ambiguous_stems:
            return ()
        topics = await self._load_topic_index(connection)
        await asyncio.to_thread(topics.prepare_correction)
        return await corrections.find_corrections(connection, topics.vocabulary, unknown, ambiguous_stems)

    async def _expand(self, connection: Connection, text: str, *, literal: bool) -> expansion.Expansion:
        if literal:
            return expansion.literal_expansion(text)
        current = await self._glossary.get_current(connection)
        expanded = await self._vectors.expand(connection, current, text)
        return await model_names.add_names(connection, current, expanded)

    async def _expand_excluded(
        self, connection: Connection, query: query_parser.Query, asked: expansion.Expansion
    ) -> query_parser.Query:
        if not query.excluded:
            return query
        glossary = await self._glossary.get_current(connection)
        return replace(query, excluded=query_expansion.list_excluded_forms(glossary, query.excluded, asked))

    async def _suggest(
        self,
        connection: Connection,
        request: SearchRequest,
        query: query_parser.Query,
        expanded: expansion.Expansion,
        found: engine.Found,
    ) -> tuple[str, ...]:
        if found.complete_count >= _ENOUGH_COMPLETE:
            return ()
        topics = await self._load_topic_index(connection)
        return await suggestions.suggest_queries(
            connection, topics, query, expanded, request.filters, found_any=found.complete_count > 0
        )

    async def match_papers(
        self, connection: Connection, text: str, digest_papers: Sequence[DigestPaper]
    ) -> frozenset[int]:
        """Return the ids of those papers of digests that are about a query, with its filters.

        The dates are those of the digests. As in `search`, a query of nothing but exclusions matches nothing.
        """
        query = query_parser.parse_query(normalisation.clean_typed(text))
        allowed = filters.merge_filters(index.NO_FILTERS, query)
        ids = frozenset(
            paper.paper_id for paper in digest_papers if allowed.allow(paper.date_on, paper.votes)
        )
        written = await filters.list_paper_ids_by_authors(connection, query.authors)
        ids = ids if written is None else ids & written
        if not ids or not query.has_text:
            return ids if written is not None or query.has_range_filters else frozenset()
        # The index knows the date of a paper's last digest, which is never earlier than that of one of its digests.
        since = index.Filters(since_on=min(paper.date_on for paper in digest_papers))
        expanded = await self._expand(connection, query.text, literal=False)
        query = await self._expand_excluded(connection, query, expanded)
        return await engine.list_about(connection, query, expanded, SearchScope(since, ids)) or frozenset()

    async def find_author(
        self,
        name: str,
        *,
        sort: Sort = Sort.VOTES,
        since: date | None = None,
        min_votes: int | None = None,
        limit: int = 10,
        offset: int = 0,
        locale: models.Locale = models.Locale.EN,
    ) -> AuthorResult:
        """Return the papers of the author whose name matches best, sorted by votes or date, and the other matches.

        The author's topics are named in the language of `locale` where they have a name in it.
        """
        from bot.services.search import author_search

        async with self._database.read() as connection:
            glossary = await self._glossary.get_current(connection)
            result = await author_search.find_author(
                connection,
                glossary,
                normalisation.clean_typed(name),
                sort=sort,
                filters=index.Filters(since, None, min_votes),
                locale=locale,
            )
        return replace(result, rows=result.rows[offset : offset + limit])

    async def find_paper(self, text: str) -> models.PaperDetail | None:
        """Return the paper that an arXiv id, a link or a part of a title identifies; None if there is none."""
        text = normalisation.clean_typed(text)
        async with self._database.read() as connection:
            if title_search.parse_id(text) is not None:
                return await title_search.find_by_id(connection, text)
            rows = await title_search.find_papers(connection, text, limit=1)
            return await papers.get_detail(connection, rows[0].arxiv_id) if rows else None

    async def list_sources(self, detail: models.PaperDetail) -> dict[int, str]:
        """Return the sources of the digests that a paper is in, by digest id."""
        ids = [appearance.digest_id for appearance in detail.appearances]
        async with self._database.read() as connection:
            return await digests.list_sources(connection, ids)

    async def explain_term(self, term: str) -> glossary_explain.TermEvidence:
        """Return the concepts that a term names, with the evidence for each of their forms, and the term's senses."""
        async with self._database.read() as connection:
            glossary = await self._glossary.get_current(connection)
            return await glossary_explain.explain_term(connection, glossary, normalisation.clean_typed(term))

    async def list_suspicious_forms(self) -> list[tuple[str, concepts.SurfaceForm]]:
        """Return the Korean forms that few of their papers confirm, with the English term, the weakest first."""
        async with self._database.read() as connection:
            return glossary_explain.list_suspicious_forms(await self._glossary.get_current(connection))

    async def get_digest(
        self, on: date | None = None, *, limit: int = 10, offset: int = 0, min_votes: int | None = None
    ) -> tuple[PaperPage, date | None]:
        """Return a date's papers, top-voted first, and the date: without one that of the newest digest, if there is one."""
        async with self._database.read() as connection:
            if on is None:
                newest = await digests.list_dates(connection, limit=1)
                if not newest:
                    return PaperPage(), None
                on = newest[0]
            rows = await papers.list_by_date(connection, on, min_votes=min_votes or 0)
        return PaperPage(tuple(rows[offset : offset + limit]), len(rows)), on

    async def list_top(self, request: SearchRequest) -> SearchResult:
        """Return the top-voted papers of a period, on a topic if the request has a query."""
        async with self._database.read() as connection:
            if request.query.strip():
                result = await self._search(connection, request, by_votes=True)
            else:
                scope = SearchScope(request.filters)
                result = await filters.list_filtered(connection, scope, request.limit, request.offset)
            return await _with_snippets(connection, result, request)

    async def list_similar(self, arxiv_id: str, *, limit: int = 10) -> list[models.PaperRow]:
        """Return the papers that share the most rare terms with a paper, the most similar first."""
        from bot.services.search import similar

        async with self._database.read() as connection:
            return await similar.list_similar(connection, normalisation.clean_typed(arxiv_id), limit=limit)

    async def list_snippets(
        self, rows: Sequence[models.PaperRow], locale: models.Locale
    ) -> dict[str, SafeMarkdown]:
        """Return the first sentence of each paper's summary, as Discord's Markdown by arXiv id."""
        from bot.services.search import snippets

        async with self._database.read() as connection:
            return await snippets.list_snippets(connection, rows, locale)

    async def complete_topic(self, text: str, locale: models.Locale) -> list[Choice]:
        """Return the completions of a topic, those in the reader's language first."""
        now = asyncio.get_running_loop().time()
        if self._completion_index is None or now - self._topics_checked_at > TOPICS_CACHE_SECONDS:
            self._topics_checked_at = now  # concurrent calls use the cached topics meanwhile
            async with self._database.read() as connection:
                topics = await self._load_topic_index(connection)
            self._completion_index = await asyncio.to_thread(topics.prepare_completion)
        return self._completion_index.complete(normalisation.clean_typed(text), locale)

    async def _load_topic_index(self, connection: Connection) -> TopicIndex:
        """Return the topic index of the current glossary; it is built in a thread."""
        glossary = await self._glossary.get_current(connection)
        async with self._topics_loading:
            if self._topic_index is None or self._topic_index.glossary is not glossary:
                self._topic_index = await asyncio.to_thread(suggestions.build_topics, glossary)
            return self._topic_index

    async def complete_author(self, text: str) -> list[Choice]:
        """Return the authors with a name that begins as typed, those with the most papers first."""
        from bot.services.search import autocomplete

        async with self._database.read() as connection:
            return await autocomplete.complete_author(connection, normalisation.clean_typed(text))

    async def complete_paper(self, text: str) -> list[Choice]:
        """Return the papers whose arXiv id or title begins as typed."""
        from bot.services.search import autocomplete

        async with self._database.read() as connection:
            return await autocomplete.complete_paper(connection, normalisation.clean_typed(text))

    async def get_extent(self) -> models.ArchiveExtent:
        """Return the first and last date of the archive and its number of papers."""
        async with self._database.read() as connection:
            return await papers.get_extent(connection)


async def _with_snippets(
    connection: Connection, result: SearchResult, request: SearchRequest
) -> SearchResult:
    if request.snippet_locale is None:
        return result
    from bot.services.search import snippets

    patterns = snippets.build_patterns(result.terms, result.term_forms)
    snippets_by_id = await snippets.list_snippets(connection, result.rows, request.snippet_locale, *patterns)
    return replace(result, snippets=snippets_by_id)
