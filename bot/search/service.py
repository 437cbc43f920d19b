"""The search service: topics, authors, papers, digests and autocomplete, for the Discord client and the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bot.core.clock import Clock, latest_date, system_clock
from bot.glossary import concepts
from bot.search import authors, completion, engine, similar
from bot.search import query as search_query
from bot.search import results as search_results
from bot.search.completion import TopicIndex
from bot.search.engine import SearchScope
from bot.search.glossary import GlossaryService
from bot.search.results import AuthorResult, Choice, PaperPage, SearchRequest, SearchResult, Sort
from bot.text import analyser, query_parser
from bot.text.term_keys import term_key
from storage import archive, models, papers, search
from storage.archive import DigestPaper
from storage.database import Connection, Database
from storage.search import query_tokens

if TYPE_CHECKING:
    from bot.rendering.discord_text import SafeMarkdown

MAX_SUGGESTIONS = 5
_CORRECTIONS_PER_TERM = 2


async def _is_hidden_by_filters(
    connection: Connection, query: query_parser.Query, expanded: concepts.Expansion, filters: search.Filters
) -> bool:
    """Tell whether the query's terms match papers that its own filters, exclusions or quoted phrases reject."""
    if not query.text or not (query.authors or query.has_range_filters or query.excluded or query.phrases):
        return False
    terms_only = query_parser.Query(text=query.text)
    found = await engine.find(connection, terms_only, expanded, SearchScope(filters), limit=1)
    return found.complete_count > 0


async def _list_unknown_terms(connection: Connection, expanded: concepts.Expansion) -> frozenset[str]:
    """Return the terms that no paper of the archive has: they may be typing errors."""
    tokens_of = {
        segment.text: query_tokens(query.anywhere)
        for segment in expanded.segments
        if segment.key is None and (query := search_query.from_text(segment.text)) is not None
    }
    frequencies = await search.get_document_frequencies(connection, set().union(*tokens_of.values()))
    return frozenset(text for text, parts in tokens_of.items() if not all(map(frequencies.get, parts)))


_COUNT_LIMIT = 100_000
_MAX_TERM_LENGTH = 200
_MIN_SUSPICIOUS_PAPERS = 15
_SUSPICIOUS_SHARE = 0.2
"""Share of a form's papers with another form of the term, below which a person should look at it."""


class FormEvidence(NamedTuple):
    """A form of a concept, and the number of papers that contain it."""

    form: concepts.SurfaceForm
    papers: int


class TermEvidence(NamedTuple):
    """The concepts that a term names, by English key, and the terms that it is short for, if they are several."""

    concepts: list[tuple[str, list[FormEvidence]]]
    senses: list[str]


async def _count_papers(connection: Connection, form: concepts.SurfaceForm) -> FormEvidence:
    query = search_query.from_text(form.text)
    if query is None:
        return FormEvidence(form, 0)
    return FormEvidence(form, await search.count_matches(connection, query.anywhere, limit=_COUNT_LIMIT))


_ENOUGH_COMPLETE = 3
"""With fewer papers that match all of a query, alternative queries are suggested."""
TOPICS_CACHE_SECONDS = 10.0
"""Lifetime of the autocomplete topics before a newer glossary is looked for: typing is faster than induction."""


class SearchService:
    """Searches one database. Each method reads one snapshot and accepts any input."""

    def __init__(
        self, database: Database, glossary: GlossaryService | None = None, clock: Clock = system_clock
    ) -> None:
        self._database = database
        self._clock = clock
        self._glossary = glossary or GlossaryService(database)

        self._topic_index: TopicIndex | None = None
        self._completion_index: TopicIndex | None = None
        self._topics_checked_at = 0.0
        self._topics_loading = asyncio.Lock()

    async def search(self, request: SearchRequest) -> SearchResult:
        """Return the papers on a topic, best first.

        Filters alone list the papers that pass them, top-voted first. An arXiv id or a link finds that paper.
        """
        async with self._database.read() as connection:
            return await _add_snippets(connection, await self._search(connection, request), request)

    async def _search(
        self, connection: Connection, request: SearchRequest, *, by_votes: bool = False
    ) -> SearchResult:
        paper = await engine.find_by_id(connection, request.query)
        if paper is not None:
            return SearchResult(tuple(await papers.list_rows(connection, [paper.id])), 1, complete=1)
        if unknown_id := engine.parse_id(request.query):
            return SearchResult(unknown_id=unknown_id)
        query = query_parser.parse_query(analyser.clean_typed(request.query))
        query, period = (query, "") if request.literal else engine.read_period(query, self._clock().date())
        author = analyser.clean_typed(request.author)
        authors = [*query.authors, *([author] if request.author.strip() else [])]
        scope = SearchScope(
            engine.merge_filters(request.filters, query),
            await engine.list_paper_ids_by_authors(connection, authors),
        )
        if query.has_text:
            expanded = await self._expand(connection, query.text, literal=request.literal)
            pairs = () if request.literal else await self._find_corrections(connection, expanded)
            if pairs:
                query = replace(query, text=completion.apply_corrections(query.text, pairs))
                expanded = await self._expand(connection, query.text, literal=False)
            result = await self._search_text(connection, request, query, expanded, scope, by_votes=by_votes)
            return replace(result, corrected=pairs, period=period)
        if scope.is_unlimited:
            # Exclusions select nothing by themselves.
            return SearchResult(ignored=(*query.ignored, *(f"-{term}" for term in query.excluded)))
        result = await engine.list_filtered(connection, scope, request.limit, request.offset)
        return replace(result, complete=result.total, ignored=query.ignored, period=period)

    async def _search_text(
        self,
        connection: Connection,
        request: SearchRequest,
        query: query_parser.Query,
        expanded: concepts.Expansion,
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
            added_forms=search_query.added_forms(expanded),
            terms=(*search_query.query_terms(expanded), *query.phrases),
            term_forms=(*search_query.term_forms(expanded), *((phrase,) for phrase in query.phrases)),
            is_shortened=len(expanded.text.split()) < len(query.text.split()),
            meanings=expanded.meanings,
            suggestions=await self._suggest(connection, request, query, expanded, found),
            ignored=query.ignored,
            explanations=engine.explain(rows, hits) if request.explain else {},
        )

    async def _find_corrections(
        self, connection: Connection, expanded: concepts.Expansion
    ) -> tuple[tuple[str, str], ...]:
        """Return the typing errors of a query's terms, as typed and as meant."""
        unknown = await completion.list_unknown_words(connection, expanded)
        ambiguous_stems = completion.list_ambiguous_stems(expanded)
        if not unknown and not ambiguous_stems:
            return ()
        topics = await self._load_topic_index(connection)
        vocabulary = await asyncio.to_thread(topics.get_vocabulary)
        return await completion.find_corrections(connection, vocabulary, unknown, ambiguous_stems)

    async def _expand(self, connection: Connection, text: str, *, literal: bool) -> concepts.Expansion:
        if literal:
            return concepts.literal_expansion(text)
        current = await self._glossary.get_current(connection)
        return await similar.add_names(connection, current, search_query.expand_query(current, text))

    async def _expand_excluded(
        self, connection: Connection, query: query_parser.Query, asked: concepts.Expansion
    ) -> query_parser.Query:
        if not query.excluded:
            return query
        glossary = await self._glossary.get_current(connection)
        return replace(query, excluded=search_query.list_excluded_forms(glossary, query.excluded, asked))

    async def _suggest(
        self,
        connection: Connection,
        request: SearchRequest,
        query: query_parser.Query,
        expanded: concepts.Expansion,
        found: engine.Found,
    ) -> tuple[str, ...]:
        """Return alternative queries, the likeliest first: without the query's own filters, corrected, or a single term.

        Nothing if enough was found. The filters given apart from the query apply to the alternatives too.
        """
        if found.complete_count >= _ENOUGH_COMPLETE:
            return ()
        topics, suggested = await self._load_topic_index(connection), list[str]()
        is_none = found.complete_count == 0
        if is_none and await _is_hidden_by_filters(connection, query, expanded, request.filters):
            suggested.append(query.text)
        known = {term_key(form) for form in (query.text, *expanded.added_forms)}
        suggested += [text for text in topics.list_corrections(query.text) if term_key(text) not in known]
        if len(expanded.segments) > 1:
            unknown_terms = await _list_unknown_terms(connection, expanded)
            with_known_terms = is_none and request.filters == search.NO_FILTERS
            for segment in expanded.segments:
                if segment.text in unknown_terms:
                    corrections = topics.list_corrections(segment.text)[:_CORRECTIONS_PER_TERM]
                    suggested += [text for text in corrections if term_key(text) not in known]
                elif with_known_terms and segment.key is not None:
                    suggested.append(analyser.strip_ending(segment.text))
        return tuple(dict.fromkeys(suggested))[:MAX_SUGGESTIONS]

    async def match_papers(
        self, connection: Connection, text: str, digest_papers: Sequence[DigestPaper]
    ) -> dict[int, float]:
        """Return those papers of digests that are about a query, with its filters: how well they match, by id.

        The dates are those of the digests. As in `search`, a query of nothing but exclusions matches nothing.
        """
        query = query_parser.parse_query(analyser.clean_typed(text))
        allowed = engine.merge_filters(search.NO_FILTERS, query)
        ids = frozenset(
            paper.paper_id for paper in digest_papers if allowed.allow(paper.date_on, paper.votes)
        )
        written = await engine.list_paper_ids_by_authors(connection, query.authors)
        ids = ids if written is None else ids & written
        if not ids or not query.has_text:
            return dict.fromkeys(ids, 0.0) if written is not None or query.has_range_filters else {}
        # The index knows the date of a paper's last digest, which is never earlier than that of one of its digests.
        since = search.Filters(since_on=min(paper.date_on for paper in digest_papers))
        expanded = await self._expand(connection, query.text, literal=False)
        query = await self._expand_excluded(connection, query, expanded)
        return await engine.list_about(connection, query, expanded, SearchScope(since, ids)) or {}

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
        async with self._database.read() as connection:
            glossary = await self._glossary.get_current(connection)
            result = await authors.find_author(
                connection,
                glossary,
                analyser.clean_typed(name),
                sort=sort,
                filters=search.Filters(since, None, min_votes),
                locale=locale,
            )
        return replace(result, rows=result.rows[offset : offset + limit])

    async def find_paper(self, text: str) -> models.PaperDetail | None:
        """Return the paper that an arXiv id, a link or a part of a title identifies; None if there is none."""
        text = analyser.clean_typed(text)
        async with self._database.read() as connection:
            if engine.parse_id(text) is not None:
                return await engine.find_by_id(connection, text)
            rows = await engine.find_papers(connection, text, limit=1)
            return await papers.get_detail(connection, rows[0].arxiv_id) if rows else None

    async def list_sources(self, detail: models.PaperDetail) -> dict[int, str]:
        """Return the sources of the digests that a paper is in, by digest id."""
        ids = [appearance.digest_id for appearance in detail.appearances]
        async with self._database.read() as connection:
            return await archive.list_sources(connection, ids)

    async def explain_term(self, term: str) -> TermEvidence:
        """Return the concepts that a term names, the best supported first, with the evidence for their forms, and its senses."""
        text = analyser.clean_typed(term)[:_MAX_TERM_LENGTH]
        async with self._database.read() as connection:
            glossary = await self._glossary.get_current(connection)
            found = [
                (concept.key, [await _count_papers(connection, form) for form in concept.forms])
                for concept in glossary.find_concepts(text)
            ]
        return TermEvidence(found, glossary.list_senses(text))

    async def list_suspicious_forms(self) -> list[tuple[str, concepts.SurfaceForm]]:
        """Return the Korean forms that few of their papers confirm, with the English term, the weakest first."""
        async with self._database.read() as connection:
            glossary = await self._glossary.get_current(connection)
        weak = [
            (concept.usual_form("en") or concept.key, form)
            for concept in glossary.all_concepts()
            for form in concept.forms_in("ko")
            if not form.is_alias
            and form.found >= _MIN_SUSPICIOUS_PAPERS
            and form.confirmed < _SUSPICIOUS_SHARE * form.found
        ]
        return sorted(
            weak, key=lambda pair: (pair[1].confirmed / pair[1].found, -pair[1].found, pair[1].text)
        )

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
        return PaperPage(tuple(rows[offset : offset + limit]), len(rows)), on

    async def list_top(self, request: SearchRequest) -> SearchResult:
        """Return the top-voted papers of a period, on a topic if the request has a query."""
        async with self._database.read() as connection:
            if request.query.strip():
                result = await self._search(connection, request, by_votes=True)
            else:
                scope = SearchScope(request.filters)
                result = await engine.list_filtered(connection, scope, request.limit, request.offset)
            return await _add_snippets(connection, result, request)

    async def list_similar(self, arxiv_id: str, *, limit: int = 10) -> list[models.PaperRow]:
        """Return the papers that share the most rare terms with a paper, the most similar first."""
        async with self._database.read() as connection:
            return await similar.list_similar(connection, analyser.clean_typed(arxiv_id), limit=limit)

    async def list_snippets(
        self, rows: Sequence[models.PaperRow], locale: models.Locale
    ) -> dict[str, SafeMarkdown]:
        """Return the first sentence of each paper's summary, as Discord's Markdown by arXiv id."""
        async with self._database.read() as connection:
            return await search_results.list_snippets(connection, rows, locale)

    async def complete_topic(self, text: str, locale: models.Locale) -> list[Choice]:
        """Return the completions of a topic, those in the reader's language first."""
        now = asyncio.get_running_loop().time()
        if self._completion_index is None or now - self._topics_checked_at > TOPICS_CACHE_SECONDS:
            self._topics_checked_at = now  # concurrent calls use the cached topics meanwhile
            async with self._database.read() as connection:
                topics = await self._load_topic_index(connection)
            self._completion_index = await asyncio.to_thread(topics.prepare_completion)
        return self._completion_index.complete(analyser.clean_typed(text), locale)

    async def _load_topic_index(self, connection: Connection) -> TopicIndex:
        """Return the topic index of the current glossary; it is built in a thread."""
        glossary = await self._glossary.get_current(connection)
        async with self._topics_loading:
            if self._topic_index is None or self._topic_index.glossary is not glossary:
                self._topic_index = await asyncio.to_thread(TopicIndex, glossary)
            return self._topic_index

    async def complete_author(self, text: str) -> list[Choice]:
        """Return the authors with a name that begins as typed, those with the most papers first."""
        async with self._database.read() as connection:
            return await completion.complete_author(connection, analyser.clean_typed(text))

    async def complete_paper(self, text: str) -> list[Choice]:
        """Return the papers whose arXiv id or title begins as typed."""
        async with self._database.read() as connection:
            return await completion.complete_paper(connection, analyser.clean_typed(text))

    async def get_extent(self) -> models.ArchiveExtent:
        """Return the first and last date of the archive and its number of papers."""
        async with self._database.read() as connection:
            return await papers.get_extent(connection, until_on=latest_date(self._clock()))


async def _add_snippets(connection: Connection, result: SearchResult, request: SearchRequest) -> SearchResult:
    if request.snippet_locale is None:
        return result
    patterns = search_results.build_patterns(result.terms, result.term_forms)
    snippets = await search_results.list_snippets(connection, result.rows, request.snippet_locale, *patterns)
    return replace(result, snippets=snippets)
