"""Queries as they are read: the parts that a paper should have, each in all its forms, and the filters.

A part is found in a paper by the phrases of its forms (see `bot.text.tokens`). `ReadQuery` tells without the
index whether one paper is about it; `search.engine` asks the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import zip_longest

from bot.glossary import resolver
from bot.text import analyser, concepts, people, query_parser, questions, term_keys, tokens
from storage import search

_ABOUT_FREQUENCY = 2
"""A paper is about a term that its title has, or that its body has this many times."""
_EVERYDAY_WEIGHT = 0.8
_IMPLIED_WEIGHT = 0.6
"""The weight of the terms of the main topic that a question describes."""
_MIN_IMPLIED_WEIGHT = 0.2
"""The least weight of a topic whose terms are searched for."""
_MIN_SAID_WEIGHT = 0.5
"""The least weight of an implied topic's form for the answer to name the topic."""
_MAX_IMPLIED = 3
_MIN_SENTENCE = 3
"""Concepts from which key words are compared by topic, as a question is from which words were left out."""


def expand_query(
    glossary: resolver.Glossary, text: str, everyday: questions.Everyday | None = None
) -> concepts.Expansion:
    """Return the expansion of a query's terms, read without particles and filler ("papers about", 에 대한).

    A query that is a term as a whole, and terms of several words such as "chain of thought", stay whole.
    """
    everyday = everyday or questions.packaged_everyday()
    expanded = glossary.expand(questions.read_question(text, glossary.is_term, glossary.is_word, everyday))
    is_sentence = len(expanded.text.split()) < len(text.split()) or len(expanded.segments) >= _MIN_SENTENCE
    topics = questions.describe_topics(text) if is_sentence else {}
    is_term = len(expanded.segments) == 1
    return replace(
        expanded,
        segments=_add_everyday_terms(glossary, expanded.segments, everyday),
        meanings=tuple(glossary.list_senses(expanded.segments[0].text)) if is_term else (),
        topics=topics,
        implied=_list_implied(glossary, topics),
    )


def _list_implied(glossary: resolver.Glossary, topics: Mapping[int, float]) -> dict[int, concepts.Segment]:
    """Return the terms of the main topics that a question describes, the main one first; less likely ones weigh less."""
    implied = {}
    for topic in sorted(topics, key=lambda topic: (-topics[topic], topic))[:_MAX_IMPLIED]:
        if topics[topic] >= _MIN_IMPLIED_WEIGHT:
            terms = questions.load_topic_terms()[topic]
            forms = _forms_of(glossary, terms, _IMPLIED_WEIGHT * topics[topic])
            implied[topic] = concepts.Segment(terms[0], forms, terms[0])
    return implied


def _add_everyday_terms(
    glossary: resolver.Glossary, segments: Sequence[concepts.Segment], everyday: questions.Everyday
) -> tuple[concepts.Segment, ...]:
    """Return the segments with each everyday word or phrase as one segment that also has the forms of what it means.

    These weigh less than what is typed.
    """
    found: list[concepts.Segment] = []
    start = 0
    while start < len(segments):
        for end in range(min(len(segments), start + questions.MAX_WORDS), start, -1):
            text = " ".join(segment.text for segment in segments[start:end])
            if terms := everyday.find_terms(text):
                typed = segments[start] if end == start + 1 else concepts.literal_segment(text)
                forms = concepts.deduplicate_forms(
                    [*typed.forms, *_forms_of(glossary, terms, _EVERYDAY_WEIGHT)]
                )
                found.append(replace(typed, forms=forms, key=typed.key or term_keys.term_key(terms[0])))
                break
        else:
            end = start + 1
            found.append(segments[start])
        start = end
    return tuple(found)


def _forms_of(
    glossary: resolver.Glossary, terms: Iterable[str], weight: float
) -> tuple[concepts.WeightedForm, ...]:
    """Return the forms of terms by the glossary, with their weights times `weight`."""
    return tuple(form._replace(weight=form.weight * weight) for form in glossary.list_forms(tuple(terms)))


def read(
    query: query_parser.Query, expanded: concepts.Expansion, glossary: resolver.Glossary | None
) -> ReadQuery:
    """Return what a query with its expansion asks of papers. Without a glossary it excludes only what is typed."""
    excluded: Sequence[str] = query.excluded
    if glossary is not None:
        excluded = _list_excluded_forms(glossary, excluded, expanded)
    parts = expanded.parts(query.phrases)
    return ReadQuery(
        text=expanded.text,
        parts=tuple(part for part in parts if any(tokens.phrases(form.text) for form in part.forms)),
        wholes=expanded.composed,
        excluded=tuple(map(concepts.literal_segment, excluded)),
        names=expanded.names,
        authors=query.authors,
        institutions=query.institutions,
        filters=search.Filters(query.since, query.until, query.min_votes),
        fallback=expanded.fallback,
        topics=expanded.topics,
        implied=expanded.implied,
    )


def _list_excluded_forms(
    glossary: resolver.Glossary, excluded: Sequence[str], asked: concepts.Expansion
) -> tuple[str, ...]:
    """Return the terms to exclude in all their forms: those of the concept that a term names, in either language.

    A form that is shown in no answer excludes nothing. Of a concept
    that is asked for too (graph -그래프) only the form as typed is excluded.
    """
    forms: list[str] = []
    asked_keys = {segment.key for segment in (*asked.segments, *asked.composed)}
    for term in excluded:
        segments = glossary.expand(term).segments
        known = segments[0].forms if len(segments) == 1 and segments[0].key not in asked_keys else ()
        shown = (form for form in known if form.is_shown and form.weight >= concepts.MIN_SHOWN_WEIGHT)
        forms += [term, *(form.text for form in shown)]
    return tuple(dict.fromkeys(forms))


def query_terms(expanded: concepts.Expansion) -> tuple[str, ...]:
    """Return the distinct terms of a query as typed, single Korean words without particles."""
    return tuple(dict.fromkeys(map(shown_text, expanded.segments)))


def shown_text(part: Part) -> str:
    """Return how a part is named in an answer: a phrase as it is typed (스마트폰에서 도는), a word without particles."""
    return part.text if " " in part.text else analyser.strip_term(part.text)


def added_forms(expanded: concepts.Expansion) -> tuple[str, ...]:
    """Return the forms that expansion added, the first ones of each term before the second ones.

    A form that is typed with a particle, as the noun 추론 of 추론은, is not one.
    """
    by_term = [_added_forms(expanded, segment) for segment in (*expanded.segments, *expanded.composed)]
    by_term += [[name] for segment in expanded.implied.values() if (name := _said_name(expanded, segment))]
    return tuple(dict.fromkeys(form for forms in zip_longest(*by_term) for form in forms if form))


def _said_name(expanded: concepts.Expansion, segment: concepts.Segment) -> str | None:
    """Return the name of an implied topic, in the language of the query if it has one; None of an unlikely or typed one."""
    is_korean = analyser.has_hangul(expanded.text)
    asked = {form.key for part in (*expanded.segments, *expanded.composed) for form in part.forms}
    if any(form.key in asked for form in segment.forms[:1]):
        return None
    names = [form.text for form in segment.forms if form.is_shown and form.weight >= _MIN_SAID_WEIGHT]
    return next((name for name in names if analyser.has_hangul(name) == is_korean), next(iter(names), None))


def term_forms(expanded: concepts.Expansion) -> tuple[tuple[str, ...], ...]:
    """Return each term, as typed or implied, with the forms that expansion added to it."""
    terms = (*expanded.segments, *expanded.implied.values())
    return tuple((segment.text, *_added_forms(expanded, segment)) for segment in terms)


def _added_forms(expanded: concepts.Expansion, segment: concepts.Segment) -> list[str]:
    typed = term_keys.korean_key(expanded.text)
    return [
        form
        for form in segment.added_forms
        if not (analyser.has_hangul(form) and term_keys.korean_key(form) in typed)
    ]


# What a query asks of a paper.

Part = concepts.Segment
"""What a paper should have, in any of its forms."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper to check queries against. `names`: what its title's head may be; `institutions`: their tokens, if any is known."""

    id: int
    tokens: tokens.PaperTokens
    names: frozenset[str]
    institutions: frozenset[str]
    last_on: date
    votes: int | None


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """A query as read.

    A paper matches if it has all `parts` or one of the `wholes`, which are alternatives for all of them, or if its title's head
    is one of the `names`; has none of the `excluded`; comes from the `institutions`, has the `authors` and passes the filters.
    `fallback` are the words of a query that is one term. Of a sentence, `topics` are the weights of the topics that it
    describes, and `implied` the terms of the main ones; `meanings` are those of an abbreviation that has several.
    """

    text: str = ""
    parts: tuple[Part, ...] = ()
    wholes: tuple[Part, ...] = ()
    excluded: tuple[Part, ...] = ()
    names: frozenset[str] = frozenset()
    authors: tuple[str, ...] = ()
    institutions: tuple[str, ...] = ()
    filters: search.Filters = search.NO_FILTERS
    fallback: tuple[Part, ...] = ()
    topics: Mapping[int, float] = field(default_factory=dict)
    implied: Mapping[int, Part] = field(default_factory=dict)

    def sure(self) -> ReadQuery:
        """Return the query for a filter: without forms that one explanation alone speaks for."""

        def keep(parts: Iterable[Part]) -> tuple[Part, ...]:
            return tuple(replace(part, forms=tuple(f for f in part.forms if f.is_sure)) for part in parts)

        return replace(self, parts=keep(self.parts), wholes=keep(self.wholes))

    def is_about(self, paper: Paper) -> bool:
        """Return whether a paper is about the query: each part is in its title, or repeated in its body."""
        is_about = (
            (bool(self.parts) and all(_is_about(part, paper) for part in self.parts))
            or any(_is_about(part, paper) for part in self.wholes)
            or not self.names.isdisjoint(paper.names)
        )
        return is_about and self._is_allowed(paper)

    def _is_allowed(self, paper: Paper) -> bool:
        return (
            self.filters.allow(paper.last_on, paper.votes)
            and not any(_has(part, paper) for part in self.excluded)
            and all(_comes_from(paper, name) for name in self.institutions)
        )


def _has(part: Part, paper: Paper) -> bool:
    """Return whether a paper has a part in any form."""
    return any(any(paper.tokens.count(form.text)) for form in part.forms)


def _is_about(part: Part, paper: Paper) -> bool:
    """Return whether a paper has any form of a part in its title, or forms of it twice in its body."""
    counts = [paper.tokens.count(form.text) for form in part.forms]
    return any(title for title, _ in counts) or sum(body for _, body in counts) >= _ABOUT_FREQUENCY


def _comes_from(paper: Paper, institution: str) -> bool:
    """Return whether a paper comes from an institution; of a paper of which no service says where from, the text decides."""
    if paper.institutions:
        return people.institution_token(institution) in paper.institutions
    return any(any(paper.tokens.count(form)) for form in people.institution_forms(institution))
