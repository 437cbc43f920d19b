"""The search service: topics, authors, papers, digests and autocomplete, for the Discord client and the command line."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from bot.digests.elements import arxiv_ids
from bot.rendering.discord_text.escape import SafeMarkdown
from bot.services.search import (
    author_search,
    autocomplete,
    engine,
    filters,
    glossary_explain,
    query_expansion,
    similar,
    snippets,
    suggestions,
    title_search,
)
from bot.services.search.candidates import SearchScope
from bot.services.search.glossary_service import GlossaryService
from bot.services.search.results import AuthorResult, Choice, DigestResult, SearchRequest, SearchResult
from bot.text import query_parser
from bot.text.glossary.model import expansion
from storage import digests, models, papers
from storage.database import Connection, Database
from storage.entries import DigestPaper
from storage.search import index

MAX_QUERY_LENGTH = 2000
TOPICS_CACHE_SECONDS = 10.0
"""Lifetime of the autocomplete topics before a newer glossary is looked for: typing is faster than induction."""


class SearchService:
    """Searches one database. Each method reads one snapshot and accepts any input."""

    def __init__(self, database: Database, glossary: GlossaryService | None = None) -> None:
        self._database = database
        self._glossary = glossary or GlossaryService(database)
        self._topic_index: autocomplete.TopicIndex | None = None
        self._topics_checked_at = 0.0
        self._topics_loading = asyncio.Lock()

    async def search(self, request: SearchRequest) -> SearchResult:
        """Return the papers on a topic, best first.

        A query without terms lists the papers that pass its filters, top-voted first; an empty one lists nothing. An
        arXiv id or a link finds that paper.
        """
        async with self._database.read() as connection:
            result = await self._search(connection, request)
            return await _with_snippets(connection, result, request)

    async def _search(
        self, connection: Connection, request: SearchRequest, *, by_votes: bool = False
    ) -> SearchResult:
        paper = await _find_by_id(connection, request.query)
        if paper is not None:
            return SearchResult(tuple(await papers.list_rows(connection, [paper.id])), 1)
        query = query_parser.parse_query(_clean(request.query))
        authors = [*query.authors, *([_clean(request.author)] if request.author.strip() else [])]
        scope = SearchScope(
            filters.merge_filters(request.filters, query),
            await filters.list_paper_ids_by_authors(connection, authors),
        )
        if query.has_text:
            return await self._search_text(connection, request, query, scope, by_votes=by_votes)
        if scope.is_unlimited:
            # Exclusions select nothing by themselves.
            return SearchResult(ignored=(*query.ignored, *(f"-{term}" for term in query.excluded)))
        result = await filters.list_filtered(connection, scope, request.limit, request.offset)
        return replace(result, ignored=query.ignored)

    async def _search_text(
        self,
        connection: Connection,
        request: SearchRequest,
        query: query_parser.Query,
        scope: SearchScope,
        *,
        by_votes: bool,
    ) -> SearchResult:
        """Expand the query, retrieve and score candidates, and return the requested page of them."""
        expanded = await self._expand(connection, query.text, literal=request.literal)
        end = request.offset + request.limit
        find = engine.find_top if by_votes else engine.find
        limit = end if by_votes else filters.score_limit(end, query)
        ranked, total = await find(connection, query, expanded, scope, limit=limit)
        hits = ranked[request.offset : end]
        rows = await engine.load_rows(connection, hits)
        return SearchResult(
            rows=tuple(rows),
            total=total,
            added_forms=query_expansion.added_forms(expanded),
            terms=(*query_expansion.query_terms(expanded), *query.phrases),
            is_partial=engine.is_partial(ranked),
            suggestions=await self._suggest(connection, request, query, expanded, ranked),
            ignored=query.ignored,
            explanations=_explain(rows, hits) if request.explain else {},
        )

    async def _expand(self, connection: Connection, text: str, *, literal: bool) -> expansion.Expansion:
        if literal:
            return expansion.literal_expansion(text)
        return query_expansion.expand(await self._glossary.get_current(connection), text)

    async def _suggest(
        self,
        connection: Connection,
        request: SearchRequest,
        query: query_parser.Query,
        expanded: expansion.Expansion,
        ranked: Sequence[engine.Hit],
    ) -> tuple[str, ...]:
        if ranked and not engine.is_partial(ranked):
            return ()
        topics = await self._load_topic_index(connection)
        return await suggestions.suggest_queries(
            connection, topics, query, expanded, request.filters, found_any=bool(ranked)
        )

    async def match_papers(
        self, connection: Connection, text: str, digest_papers: Sequence[DigestPaper]
    ) -> frozenset[int]:
        """Return the ids of those papers of digests that match all of a query, with its filters.

        The dates are those of the digests. As in `search`, a query of nothing but exclusions matches nothing.
        """
        query = query_parser.parse_query(_clean(text))
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
        return await engine.list_complete(connection, query, expanded, SearchScope(since, ids))

    async def find_author(
        self,
        name: str,
        *,
        sort: str = "votes",
        since: date | None = None,
        min_votes: int | None = None,
        limit: int = 10,
        offset: int = 0,
        locale: models.Locale = models.Locale.EN,
    ) -> AuthorResult:
        """Return the papers of the author whose name matches best, sorted by "votes" or "date", and the other matches.

        The author's topics are named in the language of `locale` where they have a name in it.
        """
        async with self._database.read() as connection:
            glossary = await self._glossary.get_current(connection)
            result = await author_search.find_author(
                connection,
                glossary,
                _clean(name),
                sort=sort,
                filters=index.Filters(since, None, min_votes),
                locale=locale,
            )
        return replace(result, rows=result.rows[offset : offset + limit])

    async def find_paper(self, text: str) -> models.PaperDetail | None:
        """Return the paper that an arXiv id, a link or a part of a title identifies; None if there is none."""
        text = _clean(text)
        async with self._database.read() as connection:
            if _parse_id(text) is not None:
                return await _find_by_id(connection, text)
            rows = await title_search.find_papers(connection, text, limit=1)
            return await papers.get_detail(connection, rows[0].arxiv_id) if rows else None

    async def list_sources(self, detail: models.PaperDetail) -> dict[int, str]:
        """Return the sources of the digests that a paper is in, by digest id."""
        async with self._database.read() as connection:
            return await digests.list_sources(
                connection, [appearance.digest_id for appearance in detail.appearances]
            )

    async def explain_term(self, term: str) -> tuple[tuple[str, list[glossary_explain.FormEvidence]], ...]:
        """Return the English keys of the concepts that a term names, with the evidence for each of their forms."""
        async with self._database.read() as connection:
            glossary = await self._glossary.get_current(connection)
            return await glossary_explain.explain_term(connection, glossary, _clean(term))

    async def get_digest(
        self, on: date | None = None, *, limit: int = 10, offset: int = 0, min_votes: int | None = None
    ) -> DigestResult:
        """Return a date's papers, top-voted first; without a date those of the newest digest."""
        async with self._database.read() as connection:
            if on is None:
                newest = await digests.list_dates(connection, limit=1)
                if not newest:
                    return DigestResult()
                on = newest[0]
            rows = await papers.list_by_date(connection, on, min_votes=min_votes or 0)
        return DigestResult(tuple(rows[offset : offset + limit]), len(rows), on)

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
        async with self._database.read() as connection:
            return await similar.list_similar(connection, _clean(arxiv_id), limit=limit)

    async def list_snippets(
        self, rows: Sequence[models.PaperRow], locale: models.Locale
    ) -> dict[str, SafeMarkdown]:
        """Return the first sentence of each paper's summary, as Discord's Markdown by arXiv id."""
        async with self._database.read() as connection:
            return await snippets.list_snippets(connection, rows, locale)

    async def complete_topic(self, text: str, locale: models.Locale) -> list[Choice]:
        """Return the completions of a topic, those in the reader's language first."""
        now = asyncio.get_running_loop().time()
        if self._topic_index is None or now - self._topics_checked_at > TOPICS_CACHE_SECONDS:
            self._topics_checked_at = now  # concurrent calls use the cached topics meanwhile
            async with self._database.read() as connection:
                await self._load_topic_index(connection)
        assert self._topic_index is not None
        return self._topic_index.complete(_clean(text), locale)

    async def _load_topic_index(self, connection: Connection) -> autocomplete.TopicIndex:
        """Return the topic index of the current glossary; it is built in a thread."""
        glossary = await self._glossary.get_current(connection)
        async with self._topics_loading:
            if self._topic_index is None or self._topic_index.glossary is not glossary:
                self._topic_index = await asyncio.to_thread(autocomplete.TopicIndex, glossary)
            return self._topic_index

    async def complete_author(self, text: str) -> list[Choice]:
        """Return the authors with a name that begins as typed, those with the most papers first."""
        async with self._database.read() as connection:
            return await autocomplete.complete_author(connection, _clean(text))

    async def complete_paper(self, text: str) -> list[Choice]:
        """Return the papers whose arXiv id or title begins as typed."""
        async with self._database.read() as connection:
            return await autocomplete.complete_paper(connection, _clean(text))

    async def get_extent(self) -> models.ArchiveExtent:
        """Return the first and last date of the archive and its number of papers."""
        async with self._database.read() as connection:
            return await papers.get_extent(connection)


async def _with_snippets(
    connection: Connection, result: SearchResult, request: SearchRequest
) -> SearchResult:
    if request.snippet_locale is None:
        return result
    patterns = snippets.build_patterns(request.query, result.terms, result.added_forms)
    snippets_by_id = await snippets.list_snippets(connection, result.rows, request.snippet_locale, *patterns)
    return replace(result, snippets=snippets_by_id)


def _explain(rows: Sequence[models.PaperRow], hits: Sequence[engine.Hit]) -> dict[str, dict[str, float]]:
    """Return the components of each score, by arXiv id."""
    arxiv_id_of = {row.id: row.arxiv_id for row in rows}
    return {arxiv_id_of[paper_id]: score.explain() for score, paper_id in hits if paper_id in arxiv_id_of}


def _clean(text: str) -> str:
    """Return typed text as a database accepts it (no NUL, no lone surrogates), at most `MAX_QUERY_LENGTH` characters."""
    return text[:MAX_QUERY_LENGTH].replace("\0", " ").encode("utf-8", "replace").decode()


def _parse_id(text: str) -> str | None:
    """Return the arXiv id that a text consists of or links to; punctuation around it and wide digits are accepted."""
    plain = unicodedata.normalize("NFKC", _clean(text)).strip(" \t\n.,;:!?()[]<>\"'`")
    return arxiv_ids.extract_arxiv_id(plain)


async def _find_by_id(connection: Connection, text: str) -> models.PaperDetail | None:
    """Return the paper whose arXiv id or link a text is; None if the archive does not have it."""
    arxiv_id = _parse_id(text)
    return None if arxiv_id is None else await papers.get_detail(connection, arxiv_id)
