"""Discord Markdown taken apart into pieces that are not cut, with what each opens or closes.

Only as much of the syntax as a cut must respect; `fitting` decides where to cut. Linear in the length of the text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from enum import IntEnum

import regex

FENCE = "```"


class Boundary(IntEnum):
    """How good a place the end of a piece is for a cut, the best first."""

    BLOCK = 0
    LINE = 1
    SENTENCE = 2
    WORD = 3
    GRAPHEME = 4


@dataclass(slots=True)
class Token:
    """A part of a text that stays whole.

    `hard` pieces (links, tokens, code spans, marks) lose their meaning when cut, the others fall apart into graphemes.
    `toggles` names the marks that are opened or closed here: `**`, `*`, `~~`, or a fence by its first line.
    """

    text: str
    is_atomic: bool = False
    toggles: tuple[str, ...] = ()
    is_opening: bool = False
    boundary: Boundary = Boundary.GRAPHEME

    @property
    def is_closing(self) -> bool:
        """Whether a mark or fence ends here."""
        return bool(self.toggles) and not self.is_opening


_FENCE_OPEN = regex.compile(r"^```[!-_a-~ ]{0,20}\n", regex.MULTILINE)
_FENCE_CLOSE = regex.compile(r"^```[ \t]*(?:\n|\Z)", regex.MULTILINE)
_WORD = r"[A-Za-z0-9가-힣ぁ-んァ-ヶ一-龥]{1,24}+(?![\p{M}\p{Cf}])"
_TOKEN = regex.compile(
    r"(?P<hard>\\[!-/:-@\[-`{-~]"
    r"|\[(?:\\.|[^\[\]\\\n])*+\]\((?:<[^<>\n]*+>|[^()<>\s]*+)\)"
    r"|<(?:https?://[^<>\s]++|/[^<>\n]{1,110}:[0-9]{1,20}|t:-?[0-9]{1,15}(?::[A-Za-z])?"
    r"|(?:@[!&]?|\#)[0-9]{1,20}|a?:\w{1,32}:[0-9]{1,20})>"
    r"|https?://[!-;=?-~]++)"
    r"|(?P<span>`++)"
    r"|(?P<mark>\*{1,3}|~~)"
    rf"|[ \t]++|\n++|{_WORD}|\X"
)
_PLAIN_TOKEN = regex.compile(rf"[ \t]++|\n++|{_WORD}|\X")
_SENTENCE_ENDS = ".!?…"
_WIDE_SENTENCE_ENDS = "。！？"
_AFTER_SENTENCE = "\"'”’)]」』)*~"
_MARKS = {"***": ("**", "*"), "**": ("**",), "*": ("*",), "~~": ("~~",)}


def tokenize(text: str, *, markdown: bool = True) -> list[Token]:
    """Return the pieces of `text`; joined they are the text. Without `markdown` nothing in it is markup."""
    if not markdown:
        pieces = [Token(found.group()) for found in _PLAIN_TOKEN.finditer(text)]
        _assign_boundaries(pieces)
        return pieces
    pieces = []
    position = 0
    while fence := _FENCE_OPEN.search(text, position):
        close = _FENCE_CLOSE.search(text, fence.end())
        if not close:
            break
        pieces += _tokenize_prose(text[position : fence.start()])
        if pieces:
            pieces[-1].boundary = Boundary.BLOCK
        pieces += _tokenize_fence(fence.group(), text[fence.end() : close.start()], close.group())
        position = close.end()
    return pieces + _tokenize_prose(text[position:])


def graphemes(text: str) -> list[str]:
    """Return the grapheme clusters of `text`."""
    return list(regex.findall(r"\X", text))


def _tokenize_fence(first: str, content: str, last: str) -> list[Token]:
    pieces = [Token(found.group()) for found in _PLAIN_TOKEN.finditer(content)]
    for piece in pieces:
        if piece.text.startswith("\n"):
            piece.boundary = Boundary.LINE
        elif piece.text.isspace():
            piece.boundary = Boundary.WORD
    opening = Token(first, is_atomic=True, toggles=(first,), is_opening=True)
    return [opening, *pieces, Token(last, is_atomic=True, toggles=(first,), boundary=Boundary.BLOCK)]


def _tokenize_prose(text: str) -> list[Token]:
    pieces: list[Token] = []
    spans = _CodeSpans(text)
    marks = _OpenMarks()
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        assert found is not None  # \X matches any character
        piece = Token(found.group(), is_atomic=bool(found["hard"]))
        end = found.end()
        if found["span"]:
            end = spans.find_end(position, end)
            piece = Token(text[position:end], is_atomic=True)
        elif found["mark"]:
            piece.is_atomic = True
            before = pieces[-1].text if pieces else " "
            marks.pair(
                piece, after_space=before[-1:].isspace(), before_space=text[end : end + 1].strip() == ""
            )
        elif piece.text.startswith("\n\n"):
            marks.clear()
        pieces.append(piece)
        position = end
    marks.clear()
    _assign_boundaries(pieces)
    return pieces


class _CodeSpans:
    """Finds where code spans end: at the next run of as many backticks on the same line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._runs: dict[int, list[int]] = defaultdict(list)
        for run in regex.finditer(r"`++", text):
            self._runs[run.end() - run.start()].append(run.start())

    def find_end(self, start: int, end: int) -> int:
        """Return the end of the span whose opening run is from `start` to `end`, or `end` if it isn't one."""
        runs = self._runs[end - start]
        following = bisect_right(runs, start)
        if following == len(runs) or "\n" in self._text[end : runs[following]]:
            return end
        return runs[following] + end - start


@dataclass(slots=True)
class _OpenMarks:
    """Pairs the marks of one block. A mark without a partner is text."""

    _open: dict[str, Token] = field(default_factory=dict)

    def pair(self, piece: Token, *, after_space: bool, before_space: bool) -> None:
        marks = _MARKS[piece.text]
        if all(mark in self._open for mark in marks) and not after_space:
            for mark in marks:
                del self._open[mark]
            piece.toggles = tuple(reversed(marks))
        elif not any(mark in self._open for mark in marks) and not before_space:
            self._open.update(dict.fromkeys(marks, piece))
            piece.toggles, piece.is_opening = marks, True

    def clear(self) -> None:
        for mark, piece in self._open.items():
            piece.toggles = tuple(toggled for toggled in piece.toggles if toggled != mark)
        self._open.clear()


def _assign_boundaries(pieces: list[Token]) -> None:
    """Say after each piece how good a cut would be there."""
    line_start = 0
    for index, piece in enumerate(pieces):
        following = pieces[index + 1].text if index + 1 < len(pieces) else ""
        if piece.text.startswith("\n"):
            level = Boundary.BLOCK if len(piece.text) > 1 else Boundary.LINE
            # What a heading announces stays with it.
            piece.boundary = Boundary.WORD if _is_heading(pieces, line_start, index) else level
            line_start = index + 1
        elif piece.text.isspace() and index > line_start:
            ended = _ends_sentence(pieces, line_start, index) and not following[:1].islower()
            piece.boundary = Boundary.SENTENCE if ended else Boundary.WORD
        elif piece.text[-1] in _WIDE_SENTENCE_ENDS:
            piece.boundary = Boundary.SENTENCE


def _is_heading(pieces: list[Token], start: int, end: int) -> bool:
    if start >= end:
        return False
    first, last = pieces[start], pieces[end - 1]
    return first.text == "#" or ("**" in first.toggles and first.is_opening and "**" in last.toggles)


def _ends_sentence(pieces: list[Token], start: int, index: int) -> bool:
    while index > start and pieces[index - 1].text[-1] in _AFTER_SENTENCE:
        index -= 1
    # From the third piece of a line on: `1.` at its start is a number, not a sentence.
    if index - start < 3:
        return False
    return pieces[index - 1].text[-1] in _SENTENCE_ENDS and not pieces[index - 1].is_atomic
