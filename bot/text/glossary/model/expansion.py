"""The expansion of a query: segments with weighted forms. Plain data for scoring, index queries and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.text.analysis import term_keys, title_names

MIN_NAME_WEIGHT = 0.8
"""Forms that weigh less are no name of the concept: a paper with such a form as its title's head is not ranked first."""
MIN_SHOWN_WEIGHT = 0.2
"""Forms that weigh less are searched for, but not shown in the answer."""
OUT_OF_CONTEXT_FACTOR = 0.3
"""Multiplies the weight of a form in papers that lack its context."""


class WeightedForm(NamedTuple):
    """A form to search for. With a `context`, it weighs less in papers that lack the context.

    `context` holds the content words of the concept and its Korean forms. An abbreviation of several terms has the forms of
    the others as `rivals`: in papers that lack the context it weighs nothing if a rival is there. `is_shown` is false for
    stems and word-by-word translations.
    """

    text: str
    weight: float
    context: tuple[str, ...] = ()
    is_shown: bool = True
    rivals: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The term key: forms with the same key are equal."""
        return term_keys.term_key(self.text)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a query: the text as typed and the forms to search for.

    `key` is the English key of the concept, None for plain words.
    """

    text: str
    forms: tuple[WeightedForm, ...]
    key: str | None = None

    @property
    def added_forms(self) -> list[str]:
        """The forms added to the text as typed, for "also: …"."""
        typed_keys = {term_keys.korean_key(self.text), term_keys.english_key(self.text)}
        return [
            form.text
            for form in self.forms
            if form.is_shown and form.weight >= MIN_SHOWN_WEIGHT and form.key not in typed_keys
        ]


@dataclass(frozen=True, slots=True)
class Expansion:
    """A query as segments that should all be found; `composed` are alternatives for the whole of it.

    `fallback` are the words of a query that is one term: searched for when the term matches too few papers. `meanings` are
    the terms of a query that is an abbreviation of several, the best supported first. Of a sentence,
    `topics` are the weights of the topics that it describes, by their number, and `implied` the terms of the main ones.
    """

    text: str
    segments: tuple[Segment, ...]
    composed: tuple[Segment, ...] = ()
    fallback: tuple[Segment, ...] = ()
    meanings: tuple[str, ...] = ()
    topics: Mapping[int, float] = field(default_factory=dict)
    implied: Mapping[int, Segment] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The keys of the names that the whole query may be: as typed, without stop words, and in other sure forms."""
        texts = [self.text, " ".join(segment.text for segment in self.segments)]
        for whole in (*(self.segments if len(self.segments) == 1 else ()), *self.composed):
            texts += [
                form.text for form in whole.forms if form.weight >= MIN_NAME_WEIGHT and not form.context
            ]
        return frozenset().union(*map(title_names.query_names, texts))

    @property
    def added_forms(self) -> list[str]:
        """The forms added to the text as typed, each once, in the order of the segments."""
        forms = [form for segment in (*self.segments, *self.composed) for form in segment.added_forms]
        return list(dict.fromkeys(forms))


def literal_segment(text: str) -> Segment:
    """Return a segment that searches for exactly the text."""
    return Segment(text, (WeightedForm(text, 1.0),))


def literal_expansion(text: str) -> Expansion:
    """Return a query for the words as typed, without expansion ("search for just this")."""
    return Expansion(text, tuple(map(literal_segment, text.split())))


def deduplicate_forms(forms: Iterable[WeightedForm]) -> tuple[WeightedForm, ...]:
    """Keep the heaviest form per term key, in the order of their weights.

    Its spelling is the one with most spaces and hyphens: an index query from it covers all spacings, one from a closed
    spelling does not.
    """
    by_key: dict[str, WeightedForm] = {}
    for form in sorted(forms, key=lambda candidate: -candidate.weight):
        heavier = by_key.get(form.key)
        if heavier is None:
            by_key[form.key] = form
        elif len(form.text.replace("-", " ").split()) > len(heavier.text.replace("-", " ").split()):
            by_key[form.key] = heavier._replace(text=form.text)
    by_key.pop("", None)
    return tuple(by_key.values())
