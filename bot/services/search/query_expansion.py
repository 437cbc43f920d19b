"""Query expansion: the segments of a query and the forms of each, by the glossary; particles and filler are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest

from bot.text.analysis import korean, term_keys
from bot.text.glossary.model import expansion
from bot.text.glossary.resolution import resolver
from bot.text.queries import lay_words, reading

_LAY_WEIGHT = 0.8

TermFinder = Callable[[str], Sequence[str]]
"""Finds the terms by which papers call what a word or a phrase means: `lay_words.find_terms`, or word vectors behind it."""


def expand(
    glossary: resolver.Glossary, text: str, find_terms: TermFinder | None = None
) -> expansion.Expansion:
    """Return the expansion of a query's terms, read without particles and filler ("papers about", 에 대한).

    A query that is a term as a whole, and terms of several words such as "chain of thought", stay whole.
    """
    expanded = glossary.expand(reading.read(text, glossary.is_term, glossary.is_word))
    segments = _add_terms_of_lay_words(glossary, expanded.segments, find_terms or lay_words.find_terms)
    meanings = _list_meanings(glossary, expanded)
    if segments == expanded.segments and not meanings:
        return expanded
    return replace(expanded, segments=segments, meanings=meanings)


def _add_terms_of_lay_words(
    glossary: resolver.Glossary, segments: Sequence[expansion.Segment], find_terms: TermFinder
) -> tuple[expansion.Segment, ...]:
    """Return the segments with each lay word or phrase as one segment that also has the forms of what it means."""
    found: list[expansion.Segment] = []
    start = 0
    while start < len(segments):
        for end in range(min(len(segments), start + lay_words.MAX_WORDS), start, -1):
            text = " ".join(segment.text for segment in segments[start:end])
            terms = find_terms(text)
            if terms:
                typed = segments[start] if end == start + 1 else expansion.literal_segment(text)
                found.append(_with_terms(glossary, typed, terms))
                break
        else:
            end = start + 1
            found.append(segments[start])
        start = end
    return tuple(found)


def _with_terms(
    glossary: resolver.Glossary, typed: expansion.Segment, terms: Sequence[str]
) -> expansion.Segment:
    """Return a segment with the forms of the terms, which weigh less than what is typed."""
    forms = [*typed.forms]
    for term in terms:
        expanded = glossary.expand(term).segments
        added = expanded[0].forms if len(expanded) == 1 else (expansion.WeightedForm(term, 1.0),)
        forms += [form._replace(weight=form.weight * _LAY_WEIGHT) for form in added]
    return replace(
        typed, forms=expansion.deduplicate_forms(forms), key=typed.key or term_keys.term_key(terms[0])
    )


def list_excluded_forms(
    glossary: resolver.Glossary, excluded: Sequence[str], asked: expansion.Expansion
) -> tuple[str, ...]:
    """Return the terms to exclude in all their forms: those of the concept that a term names, in either language.

    A form that is shown in no answer, or that means something else without its context, excludes nothing. Of a concept
    that is asked for too (graph -그래프) only the form as typed is excluded.
    """
    forms: dict[str, None] = {}
    asked_keys = {segment.key for segment in (*asked.segments, *asked.composed)}
    for term in excluded:
        forms[term] = None
        segments = glossary.expand(term).segments
        is_concept = len(segments) == 1 and segments[0].key not in asked_keys
        for form in segments[0].forms if is_concept else ():
            if form.is_shown and not form.context and form.weight >= expansion.MIN_SHOWN_WEIGHT:
                forms[form.text] = None
    return tuple(forms)


def query_terms(expanded: expansion.Expansion) -> tuple[str, ...]:
    """Return the distinct terms of a query as typed, Korean ones without particles."""
    return tuple(dict.fromkeys(korean.strip_term(segment.text) for segment in expanded.segments))


def _list_meanings(glossary: resolver.Glossary, expanded: expansion.Expansion) -> tuple[str, ...]:
    if len(expanded.segments) != 1:
        return ()
    return tuple(glossary.list_senses(expanded.segments[0].text))


def added_forms(expanded: expansion.Expansion) -> tuple[str, ...]:
    """Return the forms that expansion added, the first ones of each term before the second ones.

    A form that is typed with a particle, as the noun 추론 of 추론은, is none.
    """
    by_term = [_added_forms(expanded, segment) for segment in (*expanded.segments, *expanded.composed)]
    return tuple(dict.fromkeys(form for forms in zip_longest(*by_term) for form in forms if form))


def term_forms(expanded: expansion.Expansion) -> tuple[tuple[str, ...], ...]:
    """Return each term as typed, with the forms that expansion added to it."""
    return tuple((segment.text, *_added_forms(expanded, segment)) for segment in expanded.segments)


def _added_forms(expanded: expansion.Expansion, segment: expansion.Segment) -> list[str]:
    typed = term_keys.korean_key(expanded.text)
    return [
        form
        for form in segment.added_forms
        if not (korean.has_hangul(form) and term_keys.korean_key(form) in typed)
    ]
