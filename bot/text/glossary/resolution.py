"""Understands a query by the glossary: which concepts it asks for, and by which forms to look for them.

The whole query first, then its longest parts. Everyday words stand for themselves. What a query is composed to
is added to what its words say, never put in its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bot.text import analyser, korean
from bot.text.glossary import alignment, concepts, evidence, keys

_RARE_WEIGHT = 0.8
_OTHER_READING = 0.25
_LEAST_READING = 0.2
_DEMOTED = 0.3
_SURE_SHARE = 0.95
_SURE_SUPPORT = 8
_MOST_WORDS = 12
_LONGEST_PART = 6
# Abbreviations that are also small words: in lower case and inside of texts they are the words.
_SMALL = (
    "it is in or as at an on to us we do so no up my me he if be by are can all one and for the of a am was has had "
    "not but our its this that"
)
_SMALL_WORDS = frozenset(_SMALL.split())


class WeightedForm(NamedTuple):
    """A form to look for. Where `context` words are given, it counts less in papers that hold too few of them."""

    text: str
    weight: float
    context: tuple[str, ...] = ()

    @property
    def demotion(self) -> float:
        """What the form's weight is multiplied by in papers without its context."""
        return _DEMOTED if self.context else 1.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a query: what was typed, and the forms to look for. `why` names the concept or how it was found."""

    typed: str
    forms: tuple[WeightedForm, ...]
    key: str | None = None
    why: str = "as typed"

    @property
    def also(self) -> list[str]:
        """Return the forms that were added to what was typed, for "also: …"."""
        typed = {keys.korean_key(self.typed), keys.english_key(self.typed)}
        return [
            form.text
            for form in self.forms
            if form.weight >= _RARE_WEIGHT
            and not typed & {keys.korean_key(form.text), keys.english_key(form.text)}
        ]


@dataclass(frozen=True, slots=True)
class Expansion:
    """A query as segments that should all be found; `composed` are further forms of the whole query."""

    typed: str
    segments: tuple[Segment, ...]
    composed: tuple[Segment, ...] = ()

    @property
    def also(self) -> list[str]:
        """Return what is looked for besides what was typed, each once, in the order of the segments."""
        found = [form for segment in (*self.segments, *self.composed) for form in segment.also]
        return list(dict.fromkeys(found))


def as_typed(text: str) -> Segment:
    """Return a segment that looks for exactly what was typed."""
    return Segment(text, (WeightedForm(text, 1.0),))


class Glossary:
    """The concepts, ready to be asked. Holds no more than the concepts and the tables to find them by."""

    def __init__(
        self,
        found: Iterable[concepts.Concept],
        readings: Mapping[str, list[concepts.Reading]] | None = None,
        table: alignment.WordTable | None = None,
    ) -> None:
        self._concepts = {concept.key: concept for concept in found}
        self._table = table or alignment.WordTable({}, {})
        self._readings: dict[str, list[concepts.Reading]] = {}
        for abbreviation, terms in (readings or {}).items():
            self._readings.setdefault(abbreviation.casefold(), []).extend(terms)
        self._by_korean: dict[str, list[str]] = defaultdict(list)
        self._by_english: dict[str, str] = {}
        self._by_word: dict[str, set[str]] = defaultdict(set)
        for concept in self._concepts.values():
            self._enter(concept)

    def _enter(self, concept: concepts.Concept) -> None:
        for word in keys.content_words(concept.key):
            self._by_word[word].add(concept.key)
        for form in concept.forms:
            if form.language == "ko":
                self._by_korean[keys.korean_key(form.text)].append(concept.key)
            elif form.language == "en":
                self._by_english.setdefault(keys.english_key(form.text), concept.key)
        self._by_english[concept.key] = concept.key

    def concept(self, key: str) -> concepts.Concept | None:
        """Return the concept of an English key."""
        return self._concepts.get(key)

    def resolve(self, typed: str) -> Expansion:
        """Understand a query; whatever is not known stands for itself."""
        units = typed.split()[:_MOST_WORDS]
        if not units:
            return Expansion(typed, ())
        whole = self._lookup(typed)
        if whole is not None:
            return Expansion(typed, (whole,))
        return Expansion(typed, tuple(self._parts(units)), tuple(self._compose(units)))

    def lookup(self, term: str) -> list[concepts.Concept]:
        """Return the concepts that a term is a form of, the best supported first."""
        return [self._concepts[key] for key, _ in self._keys_of(term)[0] if key in self._concepts]

    def _lookup(self, text: str) -> Segment | None:
        """Return the segment for a text that is a form of concepts as a whole."""
        found, how = self._keys_of(text)
        if not found:
            return None
        forms: dict[str, WeightedForm] = {text: WeightedForm(text, 1.0)}
        for key, weight in found:
            for form in self._forms(self._concepts[key]):
                form = form._replace(weight=form.weight * weight)
                before = forms.get(form.text)
                if before is None or before.weight < form.weight:
                    forms[form.text] = form
        return Segment(text, _without_doubles(forms.values()), found[0][0], how)

    def _keys_of(self, text: str) -> tuple[list[tuple[str, float]], str]:
        """Return the concepts that a text names, with weights, and how they were found."""
        if not korean_only(text):
            found = self._by_abbreviation(text)
            if found:
                return found, "abbreviation"
        english = self._by_english.get(keys.english_key(text))
        if english is not None:
            return [(english, 1.0)], "English term"
        keyed = self._korean_concepts(text)
        return keyed, "Korean term"

    def _korean_concepts(self, text: str) -> list[tuple[str, float]]:
        key = keys.korean_key(text)
        found = self._by_korean.get(key) or self._by_korean.get(korean.strip_ending(key)) or []
        ranked = sorted(
            set(found), key=lambda one: (-self._papers(one, key), -self._concepts[one].support, one)
        )
        return [
            (one, 1.0)
            for one in ranked
            if self._papers(one, key) >= _LEAST_READING * self._papers(ranked[0], key)
        ]

    def _papers(self, concept: str, korean_key: str) -> int:
        return max(
            (
                form.papers
                for form in self._concepts[concept].of("ko")
                if keys.korean_key(form.text) == korean_key
            ),
            default=0,
        )

    def _by_abbreviation(self, text: str) -> list[tuple[str, float]]:
        """Return the readings of an abbreviation: the main one, or all that are not rare at a small weight."""
        stripped = text.strip()
        if stripped in _SMALL_WORDS or len(stripped) < 2:
            return []
        found = self._readings.get(keys.abbreviation_key(stripped).casefold())
        if not found and stripped.endswith("s"):
            found = self._readings.get(stripped[:-1].casefold())
        known = [reading for reading in found or [] if reading.key in self._concepts]
        if not known:
            return []
        if known[0].share >= evidence.MAIN_SHARE:
            return [(known[0].key, 1.0)]
        return [(reading.key, _OTHER_READING) for reading in known if reading.share >= _LEAST_READING]

    def _forms(self, concept: concepts.Concept) -> Iterable[WeightedForm]:
        for form in concept.forms:
            if form.alias or not form.expands:
                continue
            weight = 1.0 if form.papers != 1 or form.language != "ko" else _RARE_WEIGHT
            if form.language != "abbr":
                yield WeightedForm(form.text, weight)
            elif form.text.casefold() not in _SMALL_WORDS:
                sure = form.share >= _SURE_SHARE and form.papers >= _SURE_SUPPORT
                yield WeightedForm(form.text, 1.0, () if sure else self._context(concept))

    def _context(self, concept: concepts.Concept) -> tuple[str, ...]:
        """Return the content words of a concept in English, followed by its Korean forms."""
        korean_forms = [form.text for form in concept.of("ko") if not form.alias][:4]
        return (*keys.content_words(concept.key), *korean_forms)

    def _parts(self, units: list[str]) -> list[Segment]:
        """Cut a query into its longest known parts; words that none holds stand for themselves."""
        parts: list[Segment] = []
        place = 0
        while place < len(units):
            for length in range(min(_LONGEST_PART, len(units) - place), 0, -1):
                text = " ".join(units[place : place + length])
                found = self._lookup(text) if length < len(units) or place else None
                if found is not None:
                    parts.append(found)
                    place += length
                    break
            else:
                parts += self._closed_up(units[place])
                place += 1
        return [part for part in parts if analyser.words(part.typed)]

    def _closed_up(self, unit: str) -> list[Segment]:
        """Break one long Korean word by the forms known (대규모언어모델추론); else it stands for itself."""
        word = korean.strip_ending(keys.korean_key(unit))
        if not korean_only(unit) or len(word) < 4:
            return [as_typed(unit)]
        best: list[list[str] | None] = [[]] + [None] * len(word)
        for end in range(2, len(word) + 1):
            for start in range(max(0, end - 14), end - 1):
                before, piece = best[start], word[start:end]
                if before is None or piece not in self._by_korean:
                    continue
                now = best[end]
                if now is None or len(before) + 1 < len(now):
                    best[end] = [*before, piece]
        pieces = best[len(word)]
        if pieces is None:
            return [as_typed(unit)]
        return [self._lookup(piece) or as_typed(piece) for piece in pieces]

    def _compose(self, units: list[str]) -> list[Segment]:
        """Translate a Korean query word by word and return the one concept that all of its words speak for."""
        words = [word for unit in units for word in alignment.words_of(unit)]
        if len(words) < 2 or not all(map(korean.is_hangul, words)):
            return []
        translated = [self._translations(word) for word in words]
        if not all(translated):
            return []
        candidates = set().union(*(self._by_word[one] for row in translated for one in row))
        fitting = [key for key in candidates if _covers(keys.content_words(key), translated)]
        ranked = sorted(fitting, key=lambda key: -self._concepts[key].support)
        if not ranked or (
            len(ranked) > 1 and self._concepts[ranked[0]].support <= 2 * self._concepts[ranked[1]].support
        ):
            return []
        forms = _without_doubles(self._forms(self._concepts[ranked[0]]))
        return [Segment(" ".join(units), forms, ranked[0], "composed of its words")]

    def _translations(self, word: str) -> list[str]:
        row = self._table.associations.get(word, {})
        best = max(row.values(), default=0.0)
        found = [
            english for english, score in row.items() if score >= max(alignment.LEAST_ASSOCIATION, 0.5 * best)
        ]
        return found or [english for english in self._by_word if self._table.association(word, english)]


def _covers(content: list[str], translated: list[list[str]]) -> bool:
    """Tell whether each content word is said by a word of the query, and each of those says one."""
    said = [set(row) & set(content) for row in translated]
    return all(said) and set().union(*said) >= set(content)


def _without_doubles(forms: Iterable[WeightedForm]) -> tuple[WeightedForm, ...]:
    """Keep of forms that are found by the same keys only the first and heaviest."""
    kept: dict[str, WeightedForm] = {}
    for form in sorted(forms, key=lambda one: -one.weight):
        kept.setdefault(
            keys.korean_key(form.text) if keys.has_hangul(form.text) else keys.english_key(form.text), form
        )
    return tuple(kept.values())


def korean_only(text: str) -> bool:
    """Tell whether a text has Hangul and no Latin letters."""
    return keys.has_hangul(text) and not any("a" <= letter <= "z" for letter in text.lower())
