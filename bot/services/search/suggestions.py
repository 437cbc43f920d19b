"""Did-you-mean suggestions for a query that finds nothing or too little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.services.search import engine, index_query
from bot.services.search.candidates import SearchScope
from bot.text import query_parser
from bot.text.analysis import korean
from bot.text.analysis.term_keys import term_key
from bot.text.glossary.model import expansion
from bot.text.glossary.resolution import resolver
from storage.database import Connection
from storage.search import index
from storage.search.query import query_tokens

if TYPE_CHECKING:
    from bot.services.search.autocomplete import TopicIndex

MAX_SUGGESTIONS = 5
_CORRECTIONS_PER_TERM = 2


def build_topics(glossary: resolver.Glossary) -> TopicIndex:
    """Return the topics of a glossary, for suggestions, corrections and autocomplete. Takes 20 ms: call it in a thread."""
    from bot.services.search import autocomplete  # few searches need it

    return autocomplete.TopicIndex(glossary)


async def suggest_queries(
    connection: Connection,
    topics: TopicIndex,
    query: query_parser.Query,
    expanded: expansion.Expansion,
    filters: index.Filters,
    *,
    found_any: bool,
) -> tuple[str, ...]:
    """Return alternative queries, the likeliest first: without the query's own filters, corrected, or a single term.

    `filters` are those given apart from the query; they apply to the alternatives too.
    """
    suggested: list[str] = []
    if not found_any and await _is_hidden_by_filters(connection, query, expanded, filters):
        suggested.append(query.text)
    known = {term_key(form) for form in (query.text, *expanded.added_forms)}
    suggested += [text for text in topics.list_corrections(query.text) if term_key(text) not in known]
    if len(expanded.segments) > 1:
        unknown_terms = await _list_unknown_terms(connection, expanded)
        with_known_terms = not found_any and filters == index.NO_FILTERS
        for segment in expanded.segments:
            if segment.text in unknown_terms:
                corrections = topics.list_corrections(segment.text)[:_CORRECTIONS_PER_TERM]
                suggested += [text for text in corrections if term_key(text) not in known]
            elif with_known_terms and segment.key is not None:
                suggested.append(korean.strip_ending(segment.text))
    return tuple(dict.fromkeys(suggested))[:MAX_SUGGESTIONS]


async def _is_hidden_by_filters(
    connection: Connection, query: query_parser.Query, expanded: expansion.Expansion, filters: index.Filters
) -> bool:
    """Tell whether the query's terms match papers that its own filters, exclusions or quoted phrases reject."""
    if not query.text or not (query.authors or query.has_range_filters or query.excluded or query.phrases):
        return False
    terms_only = query_parser.Query(text=query.text)
    found = await engine.find(connection, terms_only, expanded, SearchScope(filters), limit=1)
    return found.complete_count > 0


async def _list_unknown_terms(connection: Connection, expanded: expansion.Expansion) -> frozenset[str]:
    """Return the terms that no paper of the archive has: they may be typing errors."""
    queries = {
        segment.text: index_query.from_text(segment.text)
        for segment in expanded.segments
        if segment.key is None
    }
    tokens_of = {text: query_tokens(query.anywhere) for text, query in queries.items() if query is not None}
    tokens = set().union(*tokens_of.values())
    frequencies = await index.get_document_frequencies(connection, tokens) if tokens else {}
    return frozenset(text for text, parts in tokens_of.items() if not all(map(frequencies.get, parts)))
