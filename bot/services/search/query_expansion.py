"""Query expansion: the segments of a query and the forms of each, by the glossary, without stop words."""

from __future__ import annotations

from dataclasses import replace

from bot.text.analysis import korean, stopwords, term_keys
from bot.text.glossary.model import expansion
from bot.text.glossary.resolution import resolver


def expand(glossary: resolver.Glossary, text: str) -> expansion.Expansion:
    """Return the expansion of a query's terms. Stop words ("of", 에 대한) count for the phrase as typed, not alone.

    Terms are segmented first, so that "chain of thought" stays one segment.
    """
    expanded = glossary.expand(text)
    mask = stopwords.topic_mask([segment.text for segment in expanded.segments])
    segments = tuple(segment for segment, is_topic in zip(expanded.segments, mask, strict=True) if is_topic)
    return expanded if len(segments) == len(expanded.segments) else replace(expanded, segments=segments)


def query_terms(expanded: expansion.Expansion) -> tuple[str, ...]:
    """Return the distinct terms of a query as typed, Korean ones without particles."""
    typed = (segment.text for segment in expanded.segments)
    return tuple(
        dict.fromkeys(korean.strip_ending(term) if korean.is_hangul(term) else term for term in typed)
    )


def added_forms(expanded: expansion.Expansion) -> tuple[str, ...]:
    """Return the forms that expansion added; not the noun 추론 of a typed 추론은."""
    typed = term_keys.korean_key(expanded.text)
    return tuple(
        form
        for form in expanded.added_forms
        if not (korean.has_hangul(form) and term_keys.korean_key(form) in typed)
    )
