"""Matches an alert's keyword against a title and a body: literally, or in any variant of it.

A literal match is in any case, of Latin words at word boundaries, of Korean anywhere; in longer Korean keywords spacing is
free. Variants are English by stems, with and without hyphens, and Korean in any spacing and with any particle (see
`term_keys`). No glossary expansion: an alert matches what its reader typed.

A keyword has *needles*, of which one is in the *haystack* of every text that it matches, so that an automaton finds the few
keywords that are worth a comparison.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property, lru_cache

from bot.text import analyser, term_keys

# The voiced marks and the middle dot of Kana stay within a run.
_CJK = f"{analyser.HANGUL}{analyser.HAN_KANA}\u3097-\u309c\u30a0\u30fb"
_CJK_RUN = re.compile(f"[{_CJK}]+")
_CJK_SPACE = re.compile(rf"(?<=[{_CJK}]) (?=[{_CJK}])")
_CJK_BOUNDARY = re.compile(rf"(?<=[{_CJK}])(?=[{_CJK}])")
_WORD = re.compile(rf"[^\W_{_CJK}]+")
"""A word in Latin or another script that separates words by spaces."""
_STEP = 200
"""Words and single letters of Korean after which the next window of a text begins: twice as many as a keyword has letters."""
_UNIT = re.compile(rf"{_WORD.pattern}|\S")
_WORD_MARK = "\x01"
# Two syllables across a gap are mostly chance (이미지 도메인 contains 지도), four are the same word spaced differently.
_MIN_FREE_SPACING_SYLLABLES = 4
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


class FoldedText:
    """A text folded for comparison, with single spaces."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(analyser.fold(text).split())

    @cached_property
    def without_spaces(self) -> str:
        """The text without spaces, for a fast negative check."""
        return self.text.replace(" ", "")


def contains_keyword(keyword: str, text: FoldedText) -> bool:
    """Tell whether a text contains `keyword`; a keyword without letters and digits never matches."""
    folded = _folded_keyword(keyword)
    if not _LETTER_OR_DIGIT.search(folded.text) or folded.without_spaces not in text.without_spaces:
        return False
    if _find_words(folded.text, text.text) >= 0:
        return True
    if not _CJK_RUN.search(folded.text):
        return False
    pattern, start = _spacing_pattern(folded.text), 0
    while match := pattern.search(text.text, start):
        if _has_word_boundaries(text.text, *match.span()):
            return True
        start = match.start() + 1
    return False


def _find_words(words: str, text: str) -> int:
    """Return where words are in a text with boundaries around them, -1 if nowhere."""
    start = text.find(words)
    while start >= 0 and not _has_word_boundaries(text, start, start + len(words)):
        start = text.find(words, start + 1)
    return start


def _has_word_boundaries(text: str, start: int, end: int) -> bool:
    """Tell whether a span neither starts nor ends within a Latin word."""
    return not (_is_letter(text[start]) and _is_letter(text[start - 1 : start])) and not (
        _is_letter(text[end - 1]) and _is_letter(text[end : end + 1])
    )


def _is_letter(character: str) -> bool:
    return _WORD.match(character) is not None


@lru_cache(maxsize=1 << 12)
def _folded_keyword(keyword: str) -> FoldedText:
    return FoldedText(keyword)


@lru_cache(maxsize=1 << 10)
def _spacing_pattern(keyword: str) -> re.Pattern[str]:
    """Return a pattern for a keyword with CJK characters; the caller checks the word boundaries of Latin parts."""
    has_free_spacing = sum(map(len, _CJK_RUN.findall(keyword))) >= _MIN_FREE_SPACING_SYLLABLES
    pieces = _CJK_SPACE.split(keyword)
    if has_free_spacing:
        pieces = [syllables for piece in pieces for syllables in _CJK_BOUNDARY.split(piece)]
    return re.compile(" ?".join(map(re.escape, pieces)))


def _mark_words(folded: str) -> str:
    """Return a folded text with a mark at each end of its words, so that a literal match is a substring of it."""
    return _WORD.sub(rf"{_WORD_MARK}\g<0>{_WORD_MARK}", _CJK_SPACE.sub("", folded))


@lru_cache(maxsize=1 << 12)
def list_needles(keyword: str) -> frozenset[str]:
    """Return texts of which each `KeywordText.haystack` has one that the keyword matches; none for punctuation."""
    folded = _folded_keyword(keyword).text
    literal = [_mark_words(folded)] if _LETTER_OR_DIGIT.search(folded) else []
    if analyser.has_hangul(keyword):
        return frozenset((*literal, *term_keys.korean_variants(keyword)))
    return frozenset((*literal, *(f" {variant} " for variant in term_keys.latin_variants(keyword))))


_THREE_SYLLABLES = re.compile(f"[{analyser.SYLLABLES}]{{3}}")


class KeywordText:
    """A title and a body, prepared once for matching many keywords. The paper's own keywords count for topics only."""

    def __init__(self, title: str, body: str, keywords: Sequence[str] = ()) -> None:
        self._texts = title, body
        self._keywords = ", ".join(keywords)
        self._quotes: dict[str, str] = {}

    @property
    def characters(self) -> int:
        """The length of both texts."""
        return sum(map(len, self._texts))

    def prepare(self) -> None:
        """Do now what the first match would do, for example in a thread."""
        self._document  # noqa: B018 - a cached property
        self._folded  # noqa: B018

    def forget(self) -> None:
        """Forget the counts of terms, of a text that is kept for long."""
        self._document.match_cache.clear()
        self._title_document.match_cache.clear()

    @property
    def haystack(self) -> str:
        """The texts as `list_needles` needs them, the paper's keywords among them; computed at each use."""
        document = self.topic_document
        literal = (_mark_words(folded.text) for folded in self._folded)
        return "\n".join((*literal, document.text, document.without_spaces))

    def match(self, keyword: str) -> tuple[bool, bool]:
        """Return whether `keyword` matches the title, and whether it matches the body. Punctuation alone never matches.

        In the body of a title that has it literally, only the keyword as typed counts.
        """
        title, body = self._folded
        literal_matches = contains_keyword(keyword, title), contains_keyword(keyword, body)
        if literal_matches[0]:
            return literal_matches
        # Where the keyword stands literally in the texts, only the short title may have a variant of it, which begins
        # with its first two letters: this decides most, and compiling the variants takes ten times as long.
        first_letters = "".join(_LETTER_OR_DIGIT.findall(_folded_keyword(keyword).text)[:2])
        if literal_matches[1] and first_letters not in title.without_spaces:
            return False, True
        document = self._title_document if literal_matches[1] else self._document
        counts = term_keys.compile_term(keyword).count(document)
        in_title, in_body = (
            literal or (count > 0 and not _is_spurious(keyword, canonical))
            for literal, count, canonical in zip(literal_matches, counts, self._canonical, strict=True)
        )
        return in_title, in_body

    def quote(self, keyword: str) -> str:
        """Return a keyword, or a form of it, as the title or else the texts have it; as typed if none of them has it.

        A spelling other than the typed one is found by reading the text twice, in windows, and halving the window that has it.
        """
        quoted = self._quotes.get(keyword)
        if quoted is None:
            in_title, in_body = self.match(keyword)
            text = self._texts[not in_title] if in_title or in_body else self._keywords
            quoted = self._quotes[keyword] = _quote(keyword, text) or keyword
        return quoted

    @cached_property
    def _folded(self) -> tuple[FoldedText, FoldedText]:
        title, body = self._texts
        return FoldedText(title), FoldedText(body)

    @cached_property
    def _canonical(self) -> tuple[str, str]:
        title, body = self._texts
        return analyser.canonicalise(title), analyser.canonicalise(body)

    @cached_property
    def topic_document(self) -> term_keys.Document:
        """The texts and twice the keywords, as a look-up reads them: a term that a paper repeats is what it is about."""
        title, body = self._canonical
        keywords = analyser.canonicalise(f"{self._keywords}\n{self._keywords}") if self._keywords else ""
        return term_keys.Document(title, f"{body}\n{keywords}")

    @cached_property
    def _title_document(self) -> term_keys.Document:
        return term_keys.Document(self._canonical[0], "")

    @cached_property
    def _document(self) -> term_keys.Document:
        return term_keys.Document(*self._canonical)


def _quote(keyword: str, text: str) -> str:
    """Return the first words of a text that the keyword matches, "" if it does not match."""
    typed, lowered = _folded_keyword(keyword).text, text.lower()
    start = _find_words(typed, lowered)
    if start >= 0 and len(lowered) == len(text):
        return text[start : start + len(typed)]

    def is_in(start: int, end: int) -> bool:
        return KeywordText(text[start:end], "").match(keyword)[0]

    # More text never takes a match away, and a window overlaps the next by more than a keyword's length.
    units = [unit.span() for unit in _UNIT.finditer(text)]
    windows = (range(start, min(start + 2 * _STEP, len(units))) for start in range(0, len(units), _STEP))
    window = next((window for window in windows if is_in(units[window[0]][0], units[window[-1]][1])), None)
    if window is None:
        return ""
    begin = units[window[0]][0]
    last = window[bisect_left(window, True, key=lambda number: is_in(begin, units[number][1]))]
    end = units[last][1]
    own = window[: last - window[0] + 1]
    first = own[bisect_left(own, True, key=lambda number: not is_in(units[number][0], end)) - 1]
    return " ".join(text[units[first][0] : end].split())


def _is_spurious(keyword: str, canonical: str) -> bool:
    """Tell whether a variant matches only because some word starts as the keyword ends.

    This is common for Korean words of three syllables: 생성기 is not in 생성 기반, but 제로샷 is in 제로 샷을.
    """
    pattern = _three_syllable_pattern(keyword)
    if pattern is None:
        return False
    return not any(not rest or analyser.is_particle(rest) for rest in pattern.findall(canonical))


@lru_cache(maxsize=1 << 10)
def _three_syllable_pattern(keyword: str) -> re.Pattern[str] | None:
    """Return a pattern for a Korean word of three syllables in any spacing and its ending; None for other keywords."""
    keys = [key for key in term_keys.korean_variants(keyword) if _THREE_SYLLABLES.fullmatch(key)]
    if not keys or len(keyword.split()) > 1:
        return None
    return re.compile(f"(?:{'|'.join(map(' ?'.join, keys))})([{analyser.SYLLABLES}]*)")
