"""What else to ask when a query finds nothing, or too little: without its filters, a typing error less, a part of it."""

from __future__ import annotations

from bot.services import completion, search
from bot.services import index_questions as questions
from bot.text import query as queries
from bot.text.glossary import expansion, keys
from storage import search as indexed
from storage.database import Connection
from storage.search_terms import tokens_of

MOST = 5


async def is_hidden_by_filters(
    connection: Connection,
    asked: queries.Query,
    understood: expansion.Expansion,
    narrowing: search.Narrowing,
) -> bool:
    """Tell whether a query's words alone would find something that its own filters and exclusions keep back."""
    if not asked.text or not (asked.authors or asked.has_limits or asked.excluded or asked.phrases):
        return False
    words = queries.Query(text=asked.text)
    return bool((await search.find(connection, words, understood, narrowing, most=1)).hits)


async def list_unknown(connection: Connection, understood: expansion.Expansion) -> frozenset[str]:
    """Return those words of a query that the archive does not have: they may be typing errors."""
    unknown = set()
    for segment in understood.segments:
        question = questions.of_text(segment.typed) if segment.key is None else None
        if question is not None:
            tokens = tokens_of(question.anywhere)
            counts = await indexed.list_counts(connection, tokens)
            if not all(counts.get(token) for token in tokens):
                unknown.add(segment.typed)
    return frozenset(unknown)


def others(
    topics: completion.Topics,
    asked: queries.Query,
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
    return keys.korean_key(text) if keys.has_hangul(text) else keys.english_key(text)
