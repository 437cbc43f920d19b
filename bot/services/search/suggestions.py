"""What else to ask when a query finds nothing, or too little: without its filters, a typing error less, a part of it."""

from __future__ import annotations

from bot.services.search import autocomplete, engine, index_query
from bot.text import query_parser
from bot.text.analysis import term_keys
from bot.text.glossary.model import expansion
from storage.database import Connection
from storage.search import index
from storage.search.query import tokens_of

MOST = 5


async def is_hidden_by_filters(
    connection: Connection,
    asked: query_parser.Query,
    understood: expansion.Expansion,
    narrowing: engine.Narrowing,
) -> bool:
    """Tell whether a query's words alone would find something that its own filters and exclusions keep back."""
    if not asked.text or not (asked.authors or asked.has_limits or asked.excluded or asked.phrases):
        return False
    words = query_parser.Query(text=asked.text)
    return bool((await engine.find(connection, words, understood, narrowing, most=1)).hits)


async def list_unknown(connection: Connection, understood: expansion.Expansion) -> frozenset[str]:
    """Return those words of a query that the archive does not have: they may be typing errors."""
    unknown = set()
    for segment in understood.segments:
        question = index_query.of_text(segment.typed) if segment.key is None else None
        if question is not None:
            tokens = tokens_of(question.anywhere)
            counts = await index.list_counts(connection, tokens)
            if not all(counts.get(token) for token in tokens):
                unknown.add(segment.typed)
    return frozenset(unknown)


def others(
    topics: autocomplete.Topics,
    asked: query_parser.Query,
    understood: expansion.Expansion,
    *,
    unknown: frozenset[str],
    bare: bool,
    parts: bool,
) -> tuple[str, ...]:
    """Return other queries, the likeliest first; `bare` offers the words alone, `parts` also single terms of several."""
    known = {_key(form) for form in (asked.text, *understood.also)}
    suggested = [asked.text] if bare else []
    suggested += [near for near in topics.near(asked.text) if _key(near) not in known]
    if len(understood.segments) > 1:
        for segment in understood.segments:
            if segment.typed in unknown:
                suggested += [near for near in topics.near(segment.typed)[:2] if _key(near) not in known]
            elif parts and segment.key is not None:
                suggested.append(segment.typed)
    return tuple(dict.fromkeys(suggested))[:MOST]


def _key(text: str) -> str:
    return term_keys.korean_key(text) if term_keys.has_hangul(text) else term_keys.english_key(text)
