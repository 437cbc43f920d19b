"""Concepts, each an English term with all its surface forms, shared by all code that reads the glossary; and the seed list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal, NamedTuple

from bot.text import seed, term_keys

Language = Literal["ko", "en", "abbr"]

DOMINANT_SHARE = 0.6
"""An abbreviation belongs to a term that has at least this share of the papers that explain it."""
SEED_PAPERS = 2
"""Weight of a seed term against evidence, in papers."""
_MIN_SENSE_SHARE = 0.2
_SAME_STEM_LETTERS = 5
"""Words with this beginning in common are spellings of one word: adaptation, adaptor."""


class SurfaceForm(NamedTuple):
    """One spelling of a concept. `seeded`: the seed list or the operator has it; `papers` explain it.

    Of a Korean form, `found` papers contain it, `confirmed` of them with the term in English or as an abbreviation. A form that
    is not `searched` is only recognised in queries: another form finds it, or too many papers have it in another meaning.
    """

    text: str
    language: Language
    papers: int = 0
    seeded: bool = False
    found: int = 0
    confirmed: int = 0
    searched: bool = True

    @property
    def share_with_term(self) -> float:
        """The share of the papers with a Korean form that have the term too."""
        return self.confirmed / max(1, self.found)

    @property
    def is_sure(self) -> bool:
        """Whether it may decide what a channel, alert or trend has: a Korean form or abbreviation that two papers explain."""
        return self.language == "en" or self.seeded or self.papers > 1

    @property
    def is_presentable(self) -> bool:
        """Whether readers may see it as a name. What one paper alone has is often a slip, or a word in capitals: LARGE."""
        return self.searched and (self.is_sure or self.confirmed > 1)


@dataclass(frozen=True, slots=True)
class Concept:
    """A term with its forms, the main ones of each language first. `key` is the English key."""

    key: str
    forms: tuple[SurfaceForm, ...]

    @property
    def support(self) -> int:
        """The number of papers that explain any of the forms, at least 1."""
        return max(1, sum(form.papers for form in self.forms))

    def forms_in(self, language: Language) -> list[SurfaceForm]:
        """Return the forms in one language."""
        return [form for form in self.forms if form.language == language]

    def usual_form(self, language: Language) -> str:
        """Return the most usual presentable form in a language, "" if there is none."""
        return next((form.text for form in self.forms_in(language) if form.is_presentable), "")


class AbbreviationSense(NamedTuple):
    """A sense of an abbreviation: the English key, its share and the number of papers that explain it so, its usual writing."""

    key: str
    share: float
    papers: int
    text: str = ""


def distinct_senses(senses: Iterable[AbbreviationSense], known: Iterable[str]) -> list[AbbreviationSense]:
    """Return the senses, best first, that are neither other writings of a better one nor rare.

    A sense of the `known` keys is never rare; any other needs two papers or a fifth of all.
    """
    keys, distinct = frozenset(known), list[AbbreviationSense]()
    for sense in senses:
        is_rare = sense.key not in keys and sense.papers < 2 and sense.share < _MIN_SENSE_SHARE
        if not is_rare and not any(_is_same_term(sense.key, other.key) for other in distinct):
            distinct.append(sense)
    return distinct


def _is_same_term(left: str, right: str) -> bool:
    """Tell whether two English keys differ in no word, or only in the ends of words."""
    words, others = left.split(), right.split()
    rest = [word for word in words if word not in others]
    other_rest = [word for word in others if word not in words]
    if not rest or not other_rest:
        return True
    return len(rest) == len(other_rest) and all(
        word[:_SAME_STEM_LETTERS] == other[:_SAME_STEM_LETTERS]
        for word, other in zip(rest, other_rest, strict=True)
    )


# The expansion of a query: segments with weighted forms. Plain data for scoring, index queries and answers.

MIN_NAME_WEIGHT = 0.8
"""Forms that weigh less are not names of the concept: a paper with such a form as its title's head is not ranked first."""
MIN_SHOWN_WEIGHT = 0.2
"""Forms that weigh less are searched for, but not shown in the answer."""


class WeightedForm(NamedTuple):
    """A form to search for. `is_shown` is false for translations of single words.

    A form that is not `is_sure` ranks papers, and decides no filter.
    """

    text: str
    weight: float
    is_shown: bool = True
    is_sure: bool = True

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

    def parts(self, phrases: Iterable[str] = ()) -> list[Segment]:
        """Return what papers should have, with quoted phrases: each once, since a word says no more if it is repeated."""
        distinct: dict[tuple[str, ...], Segment] = {}
        for part in (*self.segments, *map(literal_segment, phrases)):
            distinct.setdefault(tuple([form.key for form in part.forms]), part)
        return list(distinct.values())

    def sure(self) -> Expansion:
        """Return the expansion for a filter: without forms that one explanation alone speaks for."""

        def keep(segments: Iterable[Segment]) -> tuple[Segment, ...]:
            return tuple(
                [replace(part, forms=tuple([f for f in part.forms if f.is_sure])) for part in segments]
            )

        implied = dict(zip(self.implied, keep(self.implied.values()), strict=True))
        return replace(self, segments=keep(self.segments), composed=keep(self.composed), implied=implied)

    @property
    def names(self) -> frozenset[str]:
        """The keys of the names that the whole query may be: as typed, without stop words, and in other sure forms."""
        texts = [self.text, " ".join(segment.text for segment in self.segments)]
        for whole in (*(self.segments if len(self.segments) == 1 else ()), *self.composed):
            texts += [form.text for form in whole.forms if form.weight >= MIN_NAME_WEIGHT]
        return frozenset().union(*map(term_keys.query_names, texts))


def literal_segment(text: str) -> Segment:
    """Return a segment that searches for exactly the text."""
    return Segment(text, (WeightedForm(text, 1.0),))


def literal_expansion(text: str, terms: Iterable[str] = ()) -> Expansion:
    """Return a query for the words as typed, without expansion ("search for just this"). `terms` are parts that stay whole."""
    words, parts = text.split(), list[str]()
    wholes = {tuple(term.split()) for term in terms}
    longest = max(map(len, wholes), default=1)
    start = 0
    while start < len(words):
        ends = range(min(start + longest, len(words)), start + 1, -1)
        end = next((end for end in ends if tuple(words[start:end]) in wholes), start + 1)
        parts.append(" ".join(words[start:end]))
        start = end
    return Expansion(text, tuple(map(literal_segment, parts)))


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


@cache
def read_words(name: str) -> frozenset[str]:
    """Return the words of a file of this package.

    `ordinary_words.txt`: what authors like to make abbreviations of; `function_words.txt`: words that are not abbreviations in
    lower case; `boundary_words.txt`: words outside of any Korean term; `not_names.txt`: words with which titles begin.
    """
    return frozenset(seed.read_data(name).split())
