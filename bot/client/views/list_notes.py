"""The notes above a list: expanded forms, partial matches, and ignored parts of the query."""

from __future__ import annotations

from collections.abc import Sequence

from bot.client.translations import Texts
from bot.client.views import paper_text
from bot.services.search import results

MAX_NAMES = 5


def query_notes(
    texts: Texts, result: results.SearchResult, suggestions: Sequence[tuple[str, object]]
) -> tuple[str, ...]:
    """Return the notes on a query: added forms, partial matches with their suggestions; "" omits a note."""
    names = format_names([label for label, _ in suggestions]) if result.is_partial else ""
    return (
        texts("list-also", forms=format_names(result.added_forms)) if result.added_forms else "",
        texts("list-partial") if result.is_partial else "",
        texts("list-perhaps", topics=names) if names else "",
    )


def ignored_note(texts: Texts, result: results.SearchResult) -> str:
    """Return the note on the filters of a query that were ignored, "" for none."""
    return texts("list-ignored", filters=format_names(result.ignored)) if result.ignored else ""


def format_names(names: Sequence[str]) -> str:
    """Return the first MAX_NAMES names or terms as Markdown, separated by commas."""
    return ", ".join(paper_text.escape_untrusted(name, max_length=60) for name in names[:MAX_NAMES])
