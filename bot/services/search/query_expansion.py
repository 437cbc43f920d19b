"""Query expansion: the segments of a query and the forms of each, by the glossary; particles and filler are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

from bot.text.analysis import korean, term_keys
from bot.text.glossary.model import expansion
from bot.text.glossary.resolution import resolver
from bot.text.queries import lay_words, reading, topic_descriptions

_LAY_WEIGHT = 0.8
_IMPLIED_WEIGHT = 0.6
"""The weight of the terms of the main topic that a question describes."""
_MIN_IMPLIED_WEIGHT = 0.2
"""The least weight of a topic whose terms are searched for."""
_MIN_SAID_WEIGHT = 0.5
"""The least weight of an implied topic's form for the answer to name the topic."""
_MAX_IMPLIED = 4

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
    is_sentence = len(expanded.text.split()) < len(text.split())
    topics = topic_descriptions.describe(text) if is_sentence else {}
    return replace(
        expanded,
        segments=segments,
        meanings=_list_meanings(glossary, expanded),
        topics=topics,
        implied=_list_implied(glossary, topics),
    )


def _list_implied(glossary: resolver.Glossary, topics: Mapping[int, float]) -> dict[int, expansion.Segment]:
    """Return the terms of the main topics that a question describes, the main one first; less likely ones weigh less."""
    main = sorted(topics, key=lambda topic: (-topics[topic], topic))[:_MAX_IMPLIED]
    implied = {}
    for topic in main:
        if topics[topic] >= _MIN_IMPLIED_WEIGHT:
            terms = topic_descriptions.load_terms()[topic]
            forms = _forms_of(glossary, terms, _IMPLIED_WEIGHT * topics[topic])
            implied[topic] = expansion.Segment(terms[0], forms, terms[0])
    return implied


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
    forms = expansion.deduplicate_forms([*typed.forms, *_forms_of(glossary, terms, _LAY_WEIGHT)])
    return replace(typed, forms=forms, key=typed.key or term_keys.term_key(terms[0]))


def _forms_of(
    glossary: resolver.Glossary, terms: Iterable[str], weight: float
) -> tuple[expansion.WeightedForm, ...]:
    """Return the forms of terms by the glossary, with their weights times `weight`."""
    return tuple(form._replace(weight=form.weight * weight) for form in glossary.list_forms(tuple(terms)))


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
    by_term += [[name] for segment in expanded.implied.values() if (name := _said_name(expanded, segment))]
    return tuple(dict.fromkeys(form for forms in zip_longest(*by_term) for form in forms if form))


def _said_name(expanded: expansion.Expansion, segment: expansion.Segment) -> str | None:
    """Return the name of an implied topic, in the language of the query if it has one; None of an unlikely or typed one."""
    is_korean = korean.has_hangul(expanded.text)
    asked = {form.key for part in (*expanded.segments, *expanded.composed) for form in part.forms}
    if any(form.key in asked for form in segment.forms[:1]):
        return None
    names = [form.text for form in segment.forms if form.is_shown and form.weight >= _MIN_SAID_WEIGHT]
    return next((name for name in names if korean.has_hangul(name) == is_korean), next(iter(names), None))


def term_forms(expanded: expansion.Expansion) -> tuple[tuple[str, ...], ...]:
    """Return each term, as typed or implied, with the forms that expansion added to it."""
    terms = (*expanded.segments, *expanded.implied.values())
    return tuple((segment.text, *_added_forms(expanded, segment)) for segment in terms)


def _added_forms(expanded: expansion.Expansion, segment: expansion.Segment) -> list[str]:
    typed = term_keys.korean_key(expanded.text)
    return [
        form
        for form in segment.added_forms
        if not (korean.has_hangul(form) and term_keys.korean_key(form) in typed)
    ]
