"""Finds an alert's keyword in a text: Latin words on word boundaries, Korean anywhere, in any case.

Says where it matched, for highlighting, and by which one token a rule can be looked up (`anchor`). There is
no stemming and no glossary here: a rule does what its reader typed, only spacing inside longer Korean is free.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from bot.text import folding, korean

_CJK = "\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_ANYWHERE = f"{korean.HANGUL}{_CJK}"
_LETTER = rf"[^\W_{_ANYWHERE}]"
_LETTERS = re.compile(rf"{_LETTER}+")
_SYLLABLES = re.compile(f"[{_ANYWHERE}]+")
_PIECES = re.compile(rf"[{_ANYWHERE}]+|\s+|[^\s{_ANYWHERE}]+")
_GAP = re.compile(rf"(?<=[{_ANYWHERE}])\s+(?=[{_ANYWHERE}])")
# What folding may make longer or shorter: marks with the letter in front, Hangul letters that compose, others.
_UNEVEN = re.compile(
    "[\u1100-\u11ff\u3131-\u318e\uffa0-\uffdc]+|[^\u0300-\u036f]?[\u0300-\u036f]+|[^\x00-\x7f\uac00-\ud7a3]"
)
# Two syllables over a gap are mostly chance (이미지 도메인 holds 지도), four are the same word written apart.
_FREE_SPACING_FROM = 4
_LONGEST_ANCHOR = 40


class Span(NamedTuple):
    """Where a keyword stands in a text: from `start` up to but without `end`, in characters of that text."""

    start: int
    end: int


def match_keyword(keyword: str, text: str) -> list[Span]:
    """Return where `keyword` stands in `text`, in order and without overlaps; empty for none.

    A keyword without any letter or digit matches nothing.
    """
    pattern = _pattern(keyword)
    if pattern is None:
        return []
    folded, places = _fold(text)
    found = [Span(*match.span()) for match in pattern.finditer(folded)]
    if places is None:
        return found
    spans: list[Span] = []
    for start, end in found:
        span = Span(places[start].start, places[end - 1].end)
        # What one character was folded to may hold two matches.
        if not spans or span.start >= spans[-1].end:
            spans.append(span)
    return spans


def anchor(keyword: str) -> str | None:
    """Return one token that every text has in its `anchors` in which `keyword` matches; None if none can match.

    The longest Latin word, since those are rarer than pairs of syllables; else the first pair of syllables.
    """
    folded, _ = _fold(keyword)
    latin = max(_LETTERS.findall(folded), key=len, default="")
    syllables = _SYLLABLES.search(_GAP.sub("", folded))
    if syllables and len(latin) < 3:
        return syllables[0][:2]
    return latin[:_LONGEST_ANCHOR] or None


def anchors(text: str) -> set[str]:
    """Return the tokens by which rules that may match `text` are found: see `anchor`."""
    folded, _ = _fold(text)
    found = {word[:_LONGEST_ANCHOR] for word in _LETTERS.findall(folded)}
    for syllables in _SYLLABLES.findall(_GAP.sub("", folded)):
        found.update(syllables)
        found.update(map("".join, pairwise(syllables)))
    return found


def _fold(text: str) -> tuple[str, list[Span] | None]:
    """Fold a text; also return for each character where it comes from, or None if all stay in their places."""
    if not _UNEVEN.search(text):
        return text.lower(), None
    pieces: list[str] = []
    places: list[Span] = []
    done = 0
    for match in _UNEVEN.finditer(text):
        start, end = match.span()
        folded = folding.fold(match[0])
        pieces += [text[done:start].lower(), folded]
        places += [Span(place, place + 1) for place in range(done, start)]
        places += [Span(start, end)] * len(folded)
        done = end
    places += [Span(place, place + 1) for place in range(done, len(text))]
    return "".join([*pieces, text[done:].lower()]), places


@lru_cache(maxsize=4096)
def _pattern(keyword: str) -> re.Pattern[str] | None:
    folded = _fold(keyword)[0].strip()
    if not _LETTERS.search(folded) and not _SYLLABLES.search(folded):
        return None
    free = sum(map(len, _SYLLABLES.findall(folded))) >= _FREE_SPACING_FROM
    pieces = [_piece_pattern(piece, free) for piece in _PIECES.findall(_GAP.sub("\x00", folded))]
    before = rf"(?<!{_LETTER})" if _LETTERS.match(folded) else ""
    after = rf"(?!{_LETTER})" if _LETTERS.match(folded[-1]) else ""
    return re.compile(before + "".join(pieces) + after)


def _piece_pattern(piece: str, free: bool) -> str:
    if piece == "\x00":
        return r"\s*"
    if piece.isspace():
        return r"\s+"
    if free and _SYLLABLES.match(piece):
        return r"\s{0,2}".join(piece)
    return re.escape(piece)
