"""The small print above a list: how a topic was understood, and what of it could not be used."""

from __future__ import annotations

from collections.abc import Sequence

from bot.client.translations import Words
from bot.client.views import paper_text
from bot.services.search import results

NAMED = 5


def understood(words: Words, found: results.SearchResult, meant: Sequence[str]) -> tuple[str, ...]:
    """Say how a topic was understood, and what was perhaps meant where too little was found."""
    perhaps = names(meant) if found.partial else ""
    return (
        words("list-also", forms=names(found.also)) if found.also else "",
        words("list-partial") if found.partial else "",
        words("list-perhaps", topics=perhaps) if perhaps else "",
    )


def ignored(words: Words, found: results.SearchResult) -> str:
    """Name what of a query could not be used; "" for nothing."""
    return words("list-ignored", filters=names(found.ignored)) if found.ignored else ""


def names(texts: Sequence[str]) -> str:
    """Return the first of some names or terms in a row, as Markdown."""
    return ", ".join(paper_text.quoted(text, length=60) for text in texts[:NAMED])
