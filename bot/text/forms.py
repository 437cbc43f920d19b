"""Finds the forms of a term in papers: whole words in English, any spacing in Korean.

A paper is seen by its canonical texts (see the analyser). The same form also gives the rows of neighbouring
tokens by which an index finds the papers in the first place.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from itertools import product

from bot.text import analyser, korean
from bot.text.glossary import keys

INSIDE_A_WORD = 0.2
"""What a Korean match inside of a longer word weighs, once a field: 화학 stands in 강화학습."""
_MOST_SPACINGS = 4


class Field:
    """One canonical text, prepared for counting."""

    def __init__(self, canonical: str) -> None:
        self.text = canonical

    @cached_property
    def compact(self) -> str:
        """The text without spaces, to see quickly that a Korean form is not there."""
        return self.text.replace(" ", "")


class Form:
    """One writing, ready to be counted and to be looked up. Make it by `form`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_korean = keys.has_hangul(text) and not _LATIN.search(text)
        if self.is_korean:
            self._keys = korean_keys(text)
            self._patterns = [_spacing_pattern(key) for key in self._keys]
            self._sequences: list[str] = []
        else:
            self._keys = []
            self._patterns = []
            self._sequences = [f" {one} " for one in latin_sequences(text)]

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

    def rows(self) -> list[list[str]]:
        """Return the alternatives by which an index finds the form, each a row of neighbouring tokens."""
        writings = _spacings(self.text) if self.is_korean else [one.strip() for one in self._sequences]
        found = [
            tuple(token for run in analyser.runs(writing) for token in run.tokens)
            if self.is_korean
            else tuple(token for word in writing.split() for token in analyser.word_tokens(word))
            for writing in writings
        ]
        return [list(row) for row in dict.fromkeys(found) if row]


_LATIN = re.compile(r"[A-Za-z0-9]")


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
    """Return a Korean form without spaces as it stands in canonical texts: words lose particles, a closed form fewer."""
    found = ["".join(analyser.words(text)), "".join(analyser.words(keys.korean_key(text)))]
    return [one for one in dict.fromkeys(found) if one]


def _spacing_pattern(key: str) -> re.Pattern[str]:
    return re.compile(" ?".join(key))


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
    units = [unit for unit in re.split(r"[\s\-·–/]+", text) if unit]
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
