"""Finds the forms of a term in papers: whole words in English, any spacing in Korean.

A paper is seen by its canonical texts (see the analyser). The same form also gives the rows of neighbouring
tokens by which an index finds the papers in the first place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from bot.text import analyser, korean
from bot.text.glossary import keys

INSIDE_A_WORD = 0.2
"""What a Korean match inside of a longer word weighs, once a field: 화학 stands in 강화학습."""
_MOST_SPACINGS = 4
_LATIN = re.compile(r"[A-Za-z0-9]")
_GAPS = re.compile(r"[\s·]+|(?<=[\uac00-\ud7a3])[\-–/]+(?=[\uac00-\ud7a3])")
_UNITS = re.compile(r"[^\uac00-\ud7a3]+|[\uac00-\ud7a3]+")


class Field:
    """One canonical text, prepared for counting. Plain attributes: a search makes hundreds of these."""

    __slots__ = ("_compact", "text")

    def __init__(self, canonical: str) -> None:
        self.text = canonical
        self._compact: str | None = None

    @property
    def compact(self) -> str:
        """The text without spaces, to see quickly that a Korean form is not there."""
        if self._compact is None:
            self._compact = self.text.replace(" ", "")
        return self._compact


class Form:
    """One writing, ready to be counted and to be looked up. Make it by `form`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_korean = keys.has_hangul(text)
        self._keys = korean_keys(text) if self.is_korean else []
        self._patterns = [_spacing_pattern(key) for key in self._keys]
        self._sequences = [] if self.is_korean else [f" {one} " for one in latin_sequences(text)]

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to look for: signs only."""
        return not self._keys and not self._sequences

    def count(self, field: Field) -> float:
        """Return how often the form stands in a field; a match inside of a Korean word counts little, and once."""
        if not self.is_korean:
            # The sequences are writings of one form: a text has a joined one as a loose token beside it.
            return float(max(map(field.text.count, self._sequences), default=0))
        for key, pattern in zip(self._keys, self._patterns, strict=True):
            if key in field.compact:
                return _count_korean(pattern, field.text)
        return 0.0

    def lines(self, field: Field) -> set[int]:
        """Return the lines of a field, counted from 0, in which the form stands."""
        text = field.text
        if self.is_korean:
            for key, pattern in zip(self._keys, self._patterns, strict=True):
                if key in field.compact:
                    matches = pattern.finditer(text)
                    return {text.count("\n", 0, one.start()) for one in matches if _counts(one, text)}
            return set()
        return {text.count("\n", 0, start) for one in self._sequences for start in _starts(one, text)}

    def may_stand_in(self, field: Field) -> bool:
        """Tell quickly whether `count` could find anything; true too often for Korean, never false wrongly."""
        if self.is_korean:
            compact = field.compact
            return any(key in compact for key in self._keys)
        text = field.text
        return any(sequence in text for sequence in self._sequences)

    def rows(self) -> list[list[str]]:
        """Return the alternatives by which an index finds the form, each a row of neighbouring tokens."""
        if self.is_korean:
            found = [
                tuple(token for run in analyser.runs(writing) for token in run.tokens)
                for writing in _spacings(self.text)
            ]
        else:
            found = [tuple(sequence.split()) for sequence in self._sequences]
        return [list(row) for row in dict.fromkeys(found) if row]


@lru_cache(maxsize=1 << 12)
def form(text: str) -> Form:
    """Return the form for a text, made once."""
    return Form(text)


def latin_sequences(text: str) -> list[str]:
    """Return how a text may stand in a canonical one: as written, with its hyphens apart, and joined."""
    written = analyser.words(text)
    apart = analyser.words(text.replace("-", " "))
    found = [" ".join(written), " ".join(apart)]
    if not keys.has_hangul(text):
        found.append(keys.english_key(text))
    if len(apart) <= 3 and not text.replace("-", "").isalpha():
        found.append("".join(apart))
    return [one for one in dict.fromkeys(found) if one]


def korean_keys(text: str) -> list[str]:
    """Return a Korean form without spaces as canonical texts have it: spaced, and closed up.

    A particle inside of it must stand in the text too; behind its end there may be any.
    """
    found = [
        "".join(word for run in analyser.runs(writing) for word in run.canonical).removesuffix(analyser.CUT)
        for writing in (text, keys.korean_key(text))
    ]
    return [one for one in dict.fromkeys(found) if one]


def _spacing_pattern(key: str) -> re.Pattern[str]:
    """Let spaces stand anywhere but inside of Latin words, which must be whole."""
    pieces = [piece if _LATIN.match(piece) else " ?".join(piece) for piece in _UNITS.findall(key)]
    first, last = (
        (r"(?<![^ \n])" if _LATIN.match(key) else ""),
        (r"(?![^ \n])" if _LATIN.search(key[-1:]) else ""),
    )
    return re.compile(first + " ?".join(map(_escape, pieces)) + last)


def _escape(piece: str) -> str:
    return re.escape(piece) if _LATIN.match(piece) else piece


def _starts(sequence: str, text: str) -> Iterator[int]:
    start = text.find(sequence)
    while start >= 0:
        yield start
        start = text.find(sequence, start + 1)


def _counts(match: re.Match[str], text: str) -> bool:
    """Tell whether a match begins a word, or stands inside of one without crossing a space."""
    return text[match.start() - 1] in " \n" or " " not in match[0]


def _count_korean(pattern: re.Pattern[str], text: str) -> float:
    """Count matches at the beginning of words, and one of those inside that cross no space."""
    whole = 0
    inside = False
    for match in pattern.finditer(text):
        if text[match.start() - 1] in " \n":
            whole += 1
        elif " " not in match[0]:
            inside = True
    return whole + (INSIDE_A_WORD if inside else 0.0)


def _spacings(text: str) -> list[str]:
    """Return the ways to space a Korean form: by its words, and for one word by each cut into two."""
    units = [unit for unit in _GAPS.split(text) if unit]
    if len(units) > 1:
        joints = list(product(("", " "), repeat=min(_MOST_SPACINGS, len(units) - 1)))
        tail = [" "] * max(0, len(units) - 1 - _MOST_SPACINGS)
        found = [
            "".join(unit + joint for unit, joint in zip(units, (*choice, *tail, ""), strict=True))
            for choice in joints
        ]
        return [*found, "".join(units)]
    word = units[0] if units else ""
    cuts = (
        [f"{word[:place]} {word[place:]}" for place in range(2, len(word) - 1)]
        if korean.is_hangul(word)
        else []
    )
    return [word, *cuts[:6]] if word else []
