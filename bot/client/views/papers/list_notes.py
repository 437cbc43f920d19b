"""The notes above a list: expanded forms, partial matches, and ignored parts of the query."""

from __future__ import annotations

from collections.abc import Sequence

from bot.client.translations import Texts
from bot.client.views.papers import paper_text
from bot.services.search import corrections, results

MAX_NAMES = 5


def query_notes(
    texts: Texts, result: results.SearchResult, suggestions: Sequence[tuple[str, object]]
) -> tuple[str, ...]:
    """Return the notes on a query: corrections, added forms, no complete match, suggestions; "" omits a note."""
    others = [label for label, _ in suggestions if label not in (*result.terms, *result.meanings)]
    names = format_names(others) if result.rows else ""
    also = [form for form in result.added_forms if form not in result.meanings]
    corrected = format_names([f"{typed} → {meant}" for typed, meant in result.corrected])
    return (
        texts("list-corrected", words=corrected) if corrected else "",
        _read_note(texts, result),
        texts("list-meanings", term=format_names(result.terms), meanings=format_names(result.meanings))
        if result.meanings
        else "",
        texts("list-also", forms=format_names(also)) if also else "",
        texts("list-inside") if result.is_inside else "",
        texts("list-partial") if result.is_partial and not result.complete else "",
        texts("list-perhaps", topics=names) if names else "",
    )


def _read_note(texts: Texts, result: results.SearchResult) -> str:
    """Return the note on the period and the terms of a query of which words were left out; "" for other queries."""
    if not result.is_shortened and not result.period:
        return ""
    more = " …" if len(result.terms) > MAX_NAMES else ""
    terms = format_names(result.terms, " · ") + more
    return texts("list-read", terms=" · ".join(part for part in (result.period, terms) if part))


def topic_heading(texts: Texts, topic: str, result: results.SearchResult) -> str:
    """Return the heading of the papers on a topic as searched for, with their number or the least that it can be."""
    topic = corrections.apply(topic, result.corrected)
    key = "list-topic-heading" if result.total_is_exact else "list-topic-heading-at-least"
    return texts(key, topic=paper_text.escape_untrusted(topic), count=result.total)


def ignored_note(texts: Texts, result: results.SearchResult) -> str:
    """Return the note on the filters of a query that were ignored, "" for none."""
    return texts("list-ignored", filters=format_names(result.ignored)) if result.ignored else ""


def format_names(names: Sequence[str], separator: str = ", ") -> str:
    """Return the first MAX_NAMES names or terms as Markdown."""
    return separator.join(paper_text.escape_untrusted(name, max_length=60) for name in names[:MAX_NAMES])
