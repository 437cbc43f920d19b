"""Literal matching: finds a keyword as typed, in any case, Latin words at word boundaries and Korean anywhere.

No stems and no hyphen variants (see `term_variants`); only the spacing within longer Korean keywords is free.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache

from bot.text.matching import keyword_terms

_CJK_SPACE = re.compile(rf"(?<=[{keyword_terms.CJK_CHARACTERS}]) (?=[{keyword_terms.CJK_CHARACTERS}])")
_CJK_BOUNDARY = re.compile(rf"(?<=[{keyword_terms.CJK_CHARACTERS}])(?=[{keyword_terms.CJK_CHARACTERS}])")
# Two syllables across a gap are mostly chance (이미지 도메인 contains 지도), four are the same word spaced differently.
_MIN_FREE_SPACING_SYLLABLES = 4
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


class FoldedText:
    """A text folded for comparison, with single spaces."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(keyword_terms.fold_fast(text).split())

    @cached_property
    def without_spaces(self) -> str:
        """The text without spaces, for a fast negative check."""
        return self.text.replace(" ", "")


def contains_keyword(keyword: str, text: FoldedText) -> bool:
    """Tell whether a text contains `keyword`; a keyword without letters and digits never matches."""
    folded = _folded_keyword(keyword)
    if not _has_letters(folded.text) or folded.without_spaces not in text.without_spaces:
        return False
    if not keyword_terms.CJK_RUN.search(folded.text):
        return _contains_words(folded.text, text.text)
    if _contains_words(folded.text, text.text):
        return True
    pattern, start = _spacing_pattern(folded.text), 0
    while match := pattern.search(text.text, start):
        if _has_word_boundaries(text.text, *match.span()):
            return True
        start = match.start() + 1
    return False


def may_begin(keyword: str, text: FoldedText) -> bool:
    """Tell whether a text has the first two letters of a keyword next to each other, as each of its variants does."""
    return "".join(_LETTER_OR_DIGIT.findall(_folded_keyword(keyword).text)[:2]) in text.without_spaces


def _contains_words(words: str, text: str) -> bool:
    start = text.find(words)
    while start >= 0:
        if _has_word_boundaries(text, start, start + len(words)):
            return True
        start = text.find(words, start + 1)
    return False


def _has_word_boundaries(text: str, start: int, end: int) -> bool:
    """Tell whether a span neither starts nor ends within a Latin word."""
    return not (_is_letter(text[start]) and _is_letter(text[start - 1 : start])) and not (
        _is_letter(text[end - 1]) and _is_letter(text[end : end + 1])
    )


def _is_letter(character: str) -> bool:
    return keyword_terms.ALPHABETIC_WORD.match(character) is not None


def _has_letters(text: str) -> bool:
    return _LETTER_OR_DIGIT.search(text) is not None


@lru_cache(maxsize=1 << 12)
def _folded_keyword(keyword: str) -> FoldedText:
    return FoldedText(keyword)


@lru_cache(maxsize=1 << 10)
def _spacing_pattern(keyword: str) -> re.Pattern[str]:
    """Return a pattern for a keyword with CJK characters; the caller checks the word boundaries of Latin parts."""
    has_free_spacing = sum(map(len, keyword_terms.CJK_RUN.findall(keyword))) >= _MIN_FREE_SPACING_SYLLABLES
    pieces = _CJK_SPACE.split(keyword)
    if has_free_spacing:
        pieces = [syllables for piece in pieces for syllables in _CJK_BOUNDARY.split(piece)]
    return re.compile(" ?".join(map(re.escape, pieces)))
