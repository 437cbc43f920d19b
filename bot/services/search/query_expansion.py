"""What a query is understood as: by the glossary, and without the words that say nothing of the topic. Finds nothing."""

from __future__ import annotations

from dataclasses import replace

from bot.text.analysis import korean, stopwords, term_keys
from bot.text.glossary.model import expansion
from bot.text.glossary.resolution import resolver


def expand(glossary: resolver.Glossary, text: str) -> expansion.Expansion:
    """Understand the free words of a query. Words like "of" and 에 대한 count for the phrase as typed, not alone.

    A term of several words is one segment by now, so that "chain of thought" stays whole.
    """
    found = glossary.expand(text)
    says_something = stopwords.topic_mask([segment.text for segment in found.segments])
    segments = tuple(segment for segment, kept in zip(found.segments, says_something, strict=True) if kept)
    return found if len(segments) == len(found.segments) else replace(found, segments=segments)


def query_terms(understood: expansion.Expansion) -> tuple[str, ...]:
    """Return the terms that a query was taken apart into, Korean ones without particles, each once."""
    typed = (segment.text for segment in understood.segments)
    return tuple(dict.fromkeys(korean.strip_ending(one) if korean.is_hangul(one) else one for one in typed))


def added_forms(understood: expansion.Expansion) -> tuple[str, ...]:
    """Return what is looked for besides what was typed: without the noun in "추론은", which was typed."""
    typed = term_keys.korean_key(understood.text)
    return tuple(
        form
        for form in understood.added_forms
        if not (korean.has_hangul(form) and term_keys.korean_key(form) in typed)
    )
