"""The small print above a list: how a topic was understood, and what of it could not be used."""

from __future__ import annotations

from collections.abc import Sequence

from bot.client.translations import Texts
from bot.client.views import paper_text
from bot.services.search import results

MAX_NAMES = 5


def query_notes(texts: Texts, found: results.SearchResult, meant: Sequence[str]) -> tuple[str, ...]:
    """Say how a topic was understood, and what was perhaps meant where too little was found."""
    perhaps = format_names(meant) if found.is_partial else ""
    return (
        texts("list-also", forms=format_names(found.added_forms)) if found.added_forms else "",
        texts("list-partial") if found.is_partial else "",
        texts("list-perhaps", topics=perhaps) if perhaps else "",
    )


def ignored_note(texts: Texts, found: results.SearchResult) -> str:
    """Name what of a query could not be used; "" for nothing."""
    return texts("list-ignored", filters=format_names(found.ignored)) if found.ignored else ""


def format_names(texts: Sequence[str]) -> str:
    """Return the first of some names or terms in a row, as Markdown."""
    return ", ".join(paper_text.escape_untrusted(text, max_length=60) for text in texts[:MAX_NAMES])
