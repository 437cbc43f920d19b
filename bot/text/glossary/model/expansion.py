"""What a query is understood as: segments with weighted forms. Plain data for ranking, indexes and answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from bot.text.analysis import term_keys

MIN_SHOWN_WEIGHT = 0.2
"""Forms that weigh less are looked for, but not named in the answer."""
OUT_OF_CONTEXT_FACTOR = 0.3


class WeightedForm(NamedTuple):
    """A form to look for. Where `context` is given, it counts less in papers that do not speak of the concept.

    `context` holds the content words of the concept and its Korean forms. `shown` is false for words that are
    stems or mere translations.
    """

    text: str
    weight: float
    context: tuple[str, ...] = ()
    is_shown: bool = True

    @property
    def key(self) -> str:
        """Return the term key: forms with the same key are the same."""
        return term_keys.term_key(self.text)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a query: what was typed and the forms to look for.

    `key` is the English key of the concept, None for plain words.
    """

    text: str
    forms: tuple[WeightedForm, ...]
    key: str | None = None

    @property
    def added_forms(self) -> list[str]:
        """Return the forms that were added to what was typed, for "also: …"."""
        typed_keys = {term_keys.korean_key(self.text), term_keys.english_key(self.text)}
        return [
            form.text
            for form in self.forms
            if form.is_shown and form.weight >= MIN_SHOWN_WEIGHT and form.key not in typed_keys
        ]


@dataclass(frozen=True, slots=True)
class Expansion:
    """A query as segments that should all be found; `composed` are other ways to say the whole of it.

    `parts` are the words of a query that was understood as a whole: for when the whole finds too little.
    """

    text: str
    segments: tuple[Segment, ...]
    composed: tuple[Segment, ...] = ()
    fallback: tuple[Segment, ...] = ()

    @property
    def added_forms(self) -> list[str]:
        """Return what is looked for besides what was typed, each once, in the order of the segments."""
        forms = [form for segment in (*self.segments, *self.composed) for form in segment.added_forms]
        return list(dict.fromkeys(forms))


def literal_segment(text: str) -> Segment:
    """Return a segment that looks for exactly what was typed."""
    return Segment(text, (WeightedForm(text, 1.0),))


def literal_expansion(text: str) -> Expansion:
    """Return a query that looks for just the words typed: what "search for just this" does."""
    return Expansion(text, tuple(map(literal_segment, text.split())))


def deduplicate_forms(forms: Iterable[WeightedForm]) -> tuple[WeightedForm, ...]:
    """Keep of forms that are found by the same key only the heaviest, in the order of their weights.

    Of its writings the one with most spaces stays: an index finds all spacings by that, but not by a closed one.
    """
    by_key: dict[str, WeightedForm] = {}
    for form in sorted(forms, key=lambda candidate: -candidate.weight):
        heavier = by_key.get(form.key)
        if heavier is None:
            by_key[form.key] = form
        elif len(form.text.split()) > len(heavier.text.split()):
            by_key[form.key] = heavier._replace(text=form.text)
    by_key.pop("", None)
    return tuple(by_key.values())
