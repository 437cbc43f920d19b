"""Answers what readers ask of the archive: topics, authors, papers, dates, periods. The one door for commands and CLI."""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import replace
from datetime import date

from bot.digests.elements import arxiv_ids
from bot.services.search import (
    author_search,
    autocomplete,
    engine,
    filters,
    glossary_explain,
    glossary_service,
    query_expansion,
    results,
    similar,
    title_search,
)
from bot.services.search import suggestions as search_suggestions
from bot.text import query_parser
from bot.text.glossary.model import expansion
from storage import digests, models, papers
from storage.database import Connection, Database
from storage.search import index

MAX_QUERY_LENGTH = 2000
"""Characters of a question that are looked at."""
TOPICS_CACHE_SECONDS = 10.0
"""So long a glossary is offered from without asking whether there is a newer one: people type faster than it learns."""


class SearchService:
    """Look-ups in one database. Every method is one consistent reading; none of them raises on odd input."""

    def __init__(self, database: Database, glossary: glossary_service.GlossaryService | None = None) -> None:
        self._database = database
        self._glossary = glossary or glossary_service.GlossaryService(database)
        self._topic_index: autocomplete.TopicIndex | None = None
        self._topics_checked_at = 0.0

    async def search(
        self,
        query: str,
        *,
        author: str | None = None,
        since: date | None = None,
        until: date | None = None,
        min_votes: int | None = None,
        limit: int = 10,
        offset: int = 0,
        literal: bool = False,
        explain: bool = False,
    ) -> results.SearchResult:
        """Return the papers on a topic, best first. `literal`: only what was typed, not what it also means.

        What the query itself says (author:, since:, until:, votes:) narrows further. No word at all gives the papers
        that pass the filters, top-voted first; nothing at all gives nothing. An id or a link gives that paper.
        """
        asked = query_parser.parse_query(_clean(query))
        names = [*asked.authors, *([_clean(author)] if author and author.strip() else [])]
        given = index.Filters(since, until, min_votes)
        async with self._database.read() as connection:
            named = await _find_by_id(connection, query)
            if named is not None:
                return results.SearchResult(tuple(await papers.list_rows(connection, [named.id])), 1)
            narrowed = engine.SearchScope(
                filters.merge_filters(given, asked),
                await filters.list_paper_ids_by_authors(connection, names),
            )
            if not asked.has_text:
                if asked.is_empty and not names and narrowed.filters == index.NO_FILTERS:
                    # What to leave out says nothing while nothing is asked for.
                    left_out = tuple(f"-{one}" for one in asked.excluded)
                    return results.SearchResult(ignored=(*asked.ignored, *left_out))
                result = await filters.list_filtered(connection, narrowed, limit, offset)
                return replace(result, ignored=asked.ignored)
            understood = await self._expand(connection, asked.text, literal=literal)
            most = filters.score_limit(limit + offset, asked)
            hits = await engine.find(connection, asked, understood, narrowed, limit=most)
            page = hits.hits[offset : offset + limit]
            rows = await engine.load_rows(connection, page)
            few = not hits.hits or hits.is_partial
            unknown = (
                await search_suggestions.list_unknown_words(connection, understood) if few else frozenset()
            )
            bare = not hits.hits and await search_suggestions.is_hidden_by_filters(
                connection, asked, understood, engine.SearchScope(given)
            )
        suggestions: tuple[str, ...] = ()
        if few:
            suggestions = search_suggestions.suggest_queries(
                await self._get_topic_index(),
                asked,
                understood,
                unknown_words=unknown,
                without_filters=bare,
                with_single_terms=not hits.hits and given == index.NO_FILTERS,
            )
        arxiv_id_of = {row.id: row.arxiv_id for row in rows}
        return results.SearchResult(
            rows=tuple(rows),
            total=hits.total,
            added_forms=query_expansion.added_forms(understood),
            terms=(*query_expansion.query_terms(understood), *asked.phrases),
            is_partial=hits.is_partial,
            suggestions=suggestions,
            ignored=asked.ignored,
            explanations={
                arxiv_id_of[hit.paper_id]: hit.score.explain()
                for hit in page
                if explain and hit.paper_id in arxiv_id_of
            },
        )

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
    ) -> results.AuthorResult:
        """Return the papers of the person whose name fits best, by "votes" or by "date"; and the other names that fit.

        The person's topics are named in the language of `locale`, where they have a name in it.
        """
        async with self._database.read() as connection:
            glossary = await self._glossary.get_current(connection)
            return await author_search.find_author(
                connection,
                glossary,
                _clean(name),
                sort=sort,
                since=since,
                min_votes=min_votes,
                limit=limit,
                offset=offset,
                locale=locale,
            )

    async def find_paper(self, text: str) -> models.PaperDetail | None:
        """Return the paper that an arXiv id, an address or a part of a title names; None if there is none."""
        text = _clean(text)
        async with self._database.read() as connection:
            if _parse_id(text) is not None:
                return await _find_by_id(connection, text)
            rows = await title_search.find_papers(connection, text, limit=1)
            return await papers.get_detail(connection, rows[0].arxiv_id) if rows else None

    async def explain_term(self, term: str) -> tuple[glossary_explain.ConceptEvidence, ...]:
        """Return the concepts that a term names, with the evidence for each of their forms."""
        async with self._database.read() as connection:
            current = await self._glossary.get_current(connection)
            return await glossary_explain.explain_term(connection, current, _clean(term))

    async def get_digest(
        self, on: date | None = None, *, limit: int = 10, offset: int = 0, min_votes: int | None = None
    ) -> results.DigestResult:
        """Return a date's papers, top-voted first; of the newest digest when no date is given."""
        async with self._database.read() as connection:
            if on is None:
                newest = await digests.list_dates(connection, limit=1)
                if not newest:
                    return results.DigestResult()
                on = newest[0]
            rows = await papers.list_by_date(connection, on, min_votes=min_votes or 0)
        return results.DigestResult(on, tuple(rows[offset : offset + limit]), len(rows))

    async def list_top(
        self,
        *,
        since: date | None = None,
        until: date | None = None,
        topic: str | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> results.TopResult:
        """Return the papers of a period with the most votes, of a topic if one is given."""
        if topic and topic.strip():
            result = await self.search(topic, since=since, until=until, limit=1000)
            ordered = sorted(result.rows, key=lambda row: (row.votes is None, -(row.votes or 0)))
            return results.TopResult(tuple(ordered[offset : offset + limit]), len(ordered), result)
        async with self._database.read() as connection:
            rows = await papers.list_top(
                connection, since_on=since, until_on=until, limit=limit, offset=offset
            )
            total = await papers.count(connection, since_on=since, until_on=until)
        return results.TopResult(tuple(rows), total)

    async def list_similar(self, arxiv_id: str, *, limit: int = 10) -> list[models.PaperRow]:
        """Return the papers that share most rare terms with a paper, the most alike first."""
        async with self._database.read() as connection:
            return await similar.list_similar(connection, _clean(arxiv_id), limit=limit)

    async def complete_topic(self, text: str, locale: models.Locale) -> list[results.Choice]:
        """Offer topics for what was typed so far, in the reader's language first."""
        return (await self._get_topic_index()).complete(_clean(text), locale)

    async def complete_author(self, text: str) -> list[results.Choice]:
        """Offer names for what was typed so far, those with most papers first."""
        async with self._database.read() as connection:
            return await autocomplete.complete_author(connection, _clean(text))

    async def complete_paper(self, text: str) -> list[results.Choice]:
        """Offer papers for what was typed so far of an id or a title."""
        async with self._database.read() as connection:
            return await autocomplete.complete_paper(connection, _clean(text))

    async def get_extent(self) -> models.ArchiveExtent:
        """Return what the archive holds."""
        async with self._database.read() as connection:
            return await papers.get_extent(connection)

    async def _get_topic_index(self) -> autocomplete.TopicIndex:
        now = asyncio.get_running_loop().time()
        if self._topic_index is None or now - self._topics_checked_at > TOPICS_CACHE_SECONDS:
            self._topics_checked_at = now  # whoever types meanwhile is offered what was known before
            async with self._database.read() as connection:
                current = await self._glossary.get_current(connection)
            if self._topic_index is None or self._topic_index.glossary is not current:
                self._topic_index = await asyncio.to_thread(autocomplete.TopicIndex, current)
        return self._topic_index

    async def _expand(self, connection: Connection, text: str, *, literal: bool) -> expansion.Expansion:
        if literal:
            return expansion.literal_expansion(text)
        return query_expansion.expand(await self._glossary.get_current(connection), text)


def _clean(text: str) -> str:
    """Return what was typed without what no database takes, in a length that nobody types."""
    return text[:MAX_QUERY_LENGTH].replace("\0", " ").encode("utf-8", "replace").decode()


def _parse_id(text: str) -> str | None:
    """Return the arXiv id that a text is, also with a comma behind it or in wide digits, or that a link in it leads to."""
    plain = unicodedata.normalize("NFKC", _clean(text)).strip(" \t\n.,;:!?()[]<>\"'`")
    return arxiv_ids.extract_arxiv_id(plain)


async def _find_by_id(connection: Connection, text: str) -> models.PaperDetail | None:
    """Return the paper whose id or address a text is; None also if the archive does not have it."""
    named = _parse_id(text)
    return None if named is None else await papers.get_detail(connection, named)
