"""Whether a keyword stands in a text as it was typed: Latin words on word boundaries, Korean anywhere, in any case.

Knows no stems and no hyphens: that is what `forms` are for. Only spacing inside longer Korean is free.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache

from bot.text.matching import candidate_terms

_SPACE_BETWEEN = re.compile(rf"(?<=[{candidate_terms.ANYWHERE}]) (?=[{candidate_terms.ANYWHERE}])")
_BETWEEN_SYLLABLES = re.compile(rf"(?<=[{candidate_terms.ANYWHERE}])(?=[{candidate_terms.ANYWHERE}])")
# Two syllables over a gap are mostly chance (이미지 도메인 holds 지도), four are the same word written apart.
_FREE_SPACING_FROM = 4


class Folded:
    """A text in the case and the letters in which keywords are compared, with single spaces."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(candidate_terms.fold(text).split())

    @cached_property
    def closed_up(self) -> str:
        """The text without spaces, to see quickly that a keyword is not there."""
        return self.text.replace(" ", "")


def stands_in(keyword: str, text: Folded) -> bool:
    """Tell whether `keyword` stands in a text; one without letters and digits never does."""
    typed = _typed(keyword)
    if not _has_letters(typed.text) or typed.closed_up not in text.closed_up:
        return False
    if not candidate_terms.SYLLABLES.search(typed.text):
        return _finds_words(typed.text, text.text)
    pattern, start = _pattern(typed.text), 0
    while match := pattern.search(text.text, start):
        if _is_bounded(text.text, *match.span()):
            return True
        start = match.start() + 1
    return False


def _finds_words(words: str, text: str) -> bool:
    start = text.find(words)
    while start >= 0:
        if _is_bounded(text, start, start + len(words)):
            return True
        start = text.find(words, start + 1)
    return False


def _is_bounded(text: str, start: int, end: int) -> bool:
    """Tell whether a stretch of a text begins and ends no Latin word in its middle."""
    return not (_is_letter(text[start]) and _is_letter(text[start - 1 : start])) and not (
        _is_letter(text[end - 1]) and _is_letter(text[end : end + 1])
    )


def _is_letter(character: str) -> bool:
    return candidate_terms.LETTERS.match(character) is not None


def _has_letters(text: str) -> bool:
    return (
        candidate_terms.LETTERS.search(text) is not None or candidate_terms.SYLLABLES.search(text) is not None
    )


@lru_cache(maxsize=1 << 12)
def _typed(keyword: str) -> Folded:
    return Folded(keyword)


@lru_cache(maxsize=1 << 10)
def _pattern(typed: str) -> re.Pattern[str]:
    """Return what finds a text with Korean in it; whether Latin words are whole remains to be seen."""
    free = sum(map(len, candidate_terms.SYLLABLES.findall(typed))) >= _FREE_SPACING_FROM
    pieces = (_open_up(piece) if free else re.escape(piece) for piece in _SPACE_BETWEEN.split(typed))
    return re.compile(" ?".join(pieces))


def _open_up(piece: str) -> str:
    """Let a space stand between any two syllables."""
    return " ?".join(map(re.escape, _BETWEEN_SYLLABLES.split(piece)))
