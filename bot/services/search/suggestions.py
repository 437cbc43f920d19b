"""What else to ask when a query finds nothing, or too little: without its filters, a typing error less, a part of it."""

from __future__ import annotations

from bot.services.search import autocomplete, engine, index_query
from bot.text import query_parser
from bot.text.analysis import term_keys
from bot.text.glossary.model import expansion
from storage.database import Connection
from storage.search import index
from storage.search.query import query_tokens

MAX_SUGGESTIONS = 5


async def is_hidden_by_filters(
    connection: Connection,
    asked: query_parser.Query,
    understood: expansion.Expansion,
    scope: engine.SearchScope,
) -> bool:
    """Tell whether a query's words alone would find something that its own filters and exclusions keep back."""
    if not asked.text or not (asked.authors or asked.has_range_filters or asked.excluded or asked.phrases):
        return False
    words = query_parser.Query(text=asked.text)
    return bool((await engine.find(connection, words, understood, scope, limit=1)).hits)


async def list_unknown_words(connection: Connection, understood: expansion.Expansion) -> frozenset[str]:
    """Return those words of a query that the archive does not have: they may be typing errors."""
    unknown = set()
    for segment in understood.segments:
        question = index_query.from_text(segment.text) if segment.key is None else None
        if question is not None:
            tokens = query_tokens(question.anywhere)
            counts = await index.get_document_frequencies(connection, tokens)
            if not all(counts.get(token) for token in tokens):
                unknown.add(segment.text)
    return frozenset(unknown)


def suggest_queries(
    topics: autocomplete.TopicIndex,
    asked: query_parser.Query,
    understood: expansion.Expansion,
    *,
    unknown_words: frozenset[str],
    without_filters: bool,
    with_single_terms: bool,
) -> tuple[str, ...]:
    """Return other queries, the likeliest first; `bare` offers the words alone, `parts` also single terms of several."""
    known = {term_keys.term_key(form) for form in (asked.text, *understood.added_forms)}
    suggested = [asked.text] if without_filters else []
    suggested += [
        near for near in topics.list_corrections(asked.text) if term_keys.term_key(near) not in known
    ]
    if len(understood.segments) > 1:
        for segment in understood.segments:
            if segment.text in unknown_words:
                suggested += [
                    near
                    for near in topics.list_corrections(segment.text)[:2]
                    if term_keys.term_key(near) not in known
                ]
            elif with_single_terms and segment.key is not None:
                suggested.append(segment.text)
    return tuple(dict.fromkeys(suggested))[:MAX_SUGGESTIONS]
