"""What else to ask when a query finds nothing, or too little: without its filters, a typing error less, a part of it."""

from __future__ import annotations

from bot.services import completion, search
from bot.text import query as queries
from bot.text.glossary import expansion, keys
from storage.database import Connection

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


def others(
    topics: completion.Topics,
    asked: queries.Query,
    understood: expansion.Expansion,
    *,
    bare: bool,
    parts: bool,
) -> tuple[str, ...]:
    """Return other queries, the likeliest first; `bare` offers the words alone, `parts` also single terms of several."""
    known = {_key(form) for form in (asked.text, *understood.also)}
    suggested = [asked.text] if bare else []
    suggested += [near for near in topics.near(asked.text) if _key(near) not in known]
    if len(understood.segments) > 1:
        for segment in understood.segments:
            if segment.key is None:
                suggested += [near for near in topics.near(segment.typed)[:2] if _key(near) not in known]
            elif parts:
                suggested.append(segment.typed)
    return tuple(dict.fromkeys(suggested))[:MOST]


def _key(text: str) -> str:
    return keys.korean_key(text) if keys.has_hangul(text) else keys.english_key(text)
