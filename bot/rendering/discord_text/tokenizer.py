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


class Cut(IntEnum):
    """How good a place the end of a piece is for a cut, the best first."""

    BLOCK = 0
    LINE = 1
    SENTENCE = 2
    WORD = 3
    ANYWHERE = 4


@dataclass(slots=True)
class Piece:
    """A part of a text that stays whole.

    `hard` pieces (links, tokens, code spans, marks) lose their meaning when cut, the others fall apart into graphemes.
    `toggles` names the marks that are opened or closed here: `**`, `*`, `~~`, or a fence by its first line.
    """

    text: str
    hard: bool = False
    toggles: tuple[str, ...] = ()
    opening: bool = False
    cut: Cut = Cut.ANYWHERE

    @property
    def closing(self) -> bool:
        """Whether a mark or fence ends here."""
        return bool(self.toggles) and not self.opening


_FENCE_OPEN = regex.compile(r"^```[!-_a-~ ]{0,20}\n", regex.MULTILINE)
_FENCE_CLOSE = regex.compile(r"^```[ \t]*(?:\n|\Z)", regex.MULTILINE)
_WORD = r"[A-Za-z0-9가-힣ぁ-んァ-ヶ一-龥]{1,24}+(?![\p{M}\p{Cf}])"
_PIECE = regex.compile(
    r"(?P<hard>\\[!-/:-@\[-`{-~]"
    r"|\[(?:\\.|[^\[\]\\\n])*+\]\((?:<[^<>\n]*+>|[^()<>\s]*+)\)"
    r"|<(?:https?://[^<>\s]++|/[^<>\n]{1,110}:[0-9]{1,20}|t:-?[0-9]{1,15}(?::[A-Za-z])?"
    r"|(?:@[!&]?|\#)[0-9]{1,20}|a?:\w{1,32}:[0-9]{1,20})>"
    r"|https?://[!-;=?-~]++)"
    r"|(?P<span>`++)"
    r"|(?P<mark>\*{1,3}|~~)"
    rf"|[ \t]++|\n++|{_WORD}|\X"
)
_BARE = regex.compile(rf"[ \t]++|\n++|{_WORD}|\X")
_SENTENCE_ENDS = ".!?…"
_WIDE_SENTENCE_ENDS = "。！？"
_AFTER_SENTENCE = "\"'”’)]」』)*~"
_MARKS = {"***": ("**", "*"), "**": ("**",), "*": ("*",), "~~": ("~~",)}


def parse_pieces(text: str, *, markdown: bool = True) -> list[Piece]:
    """Return the pieces of `text`; joined they are the text. Without `markdown` nothing in it is markup."""
    if not markdown:
        pieces = [Piece(found.group()) for found in _BARE.finditer(text)]
        _grade(pieces)
        return pieces
    pieces = []
    position = 0
    while fence := _FENCE_OPEN.search(text, position):
        close = _FENCE_CLOSE.search(text, fence.end())
        if not close:
            break
        pieces += _prose(text[position : fence.start()])
        if pieces:
            pieces[-1].cut = Cut.BLOCK
        pieces += _fenced(fence.group(), text[fence.end() : close.start()], close.group())
        position = close.end()
    return pieces + _prose(text[position:])


def graphemes(text: str) -> list[str]:
    """Return the grapheme clusters of `text`."""
    return list(regex.findall(r"\X", text))


def _fenced(first: str, content: str, last: str) -> list[Piece]:
    pieces = [Piece(found.group()) for found in _BARE.finditer(content)]
    for piece in pieces:
        if piece.text.startswith("\n"):
            piece.cut = Cut.LINE
        elif piece.text.isspace():
            piece.cut = Cut.WORD
    opening = Piece(first, hard=True, toggles=(first,), opening=True)
    return [opening, *pieces, Piece(last, hard=True, toggles=(first,), cut=Cut.BLOCK)]


def _prose(text: str) -> list[Piece]:
    pieces: list[Piece] = []
    spans = _Spans(text)
    marks = _OpenMarks()
    position = 0
    while position < len(text):
        found = _PIECE.match(text, position)
        assert found is not None  # \X matches any character
        piece = Piece(found.group(), hard=bool(found["hard"]))
        end = found.end()
        if found["span"]:
            end = spans.end_of(position, end)
            piece = Piece(text[position:end], hard=True)
        elif found["mark"]:
            piece.hard = True
            before = pieces[-1].text if pieces else " "
            marks.meet(
                piece, after_space=before[-1:].isspace(), before_space=text[end : end + 1].strip() == ""
            )
        elif piece.text.startswith("\n\n"):
            marks.forget()
        pieces.append(piece)
        position = end
    marks.forget()
    _grade(pieces)
    return pieces


class _Spans:
    """Finds where code spans end: at the next run of as many backticks on the same line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._runs: dict[int, list[int]] = defaultdict(list)
        for run in regex.finditer(r"`++", text):
            self._runs[run.end() - run.start()].append(run.start())

    def end_of(self, start: int, end: int) -> int:
        """Return the end of the span whose opening run is from `start` to `end`, or `end` if it isn't one."""
        runs = self._runs[end - start]
        following = bisect_right(runs, start)
        if following == len(runs) or "\n" in self._text[end : runs[following]]:
            return end
        return runs[following] + end - start


@dataclass(slots=True)
class _OpenMarks:
    """Pairs the marks of one block. A mark without a partner is text."""

    _open: dict[str, Piece] = field(default_factory=dict)

    def meet(self, piece: Piece, *, after_space: bool, before_space: bool) -> None:
        marks = _MARKS[piece.text]
        if all(mark in self._open for mark in marks) and not after_space:
            for mark in marks:
                del self._open[mark]
            piece.toggles = tuple(reversed(marks))
        elif not any(mark in self._open for mark in marks) and not before_space:
            self._open.update(dict.fromkeys(marks, piece))
            piece.toggles, piece.opening = marks, True

    def forget(self) -> None:
        for mark, piece in self._open.items():
            piece.toggles = tuple(toggled for toggled in piece.toggles if toggled != mark)
        self._open.clear()


def _grade(pieces: list[Piece]) -> None:
    """Say after each piece how good a cut would be there."""
    line_start = 0
    for index, piece in enumerate(pieces):
        following = pieces[index + 1].text if index + 1 < len(pieces) else ""
        if piece.text.startswith("\n"):
            level = Cut.BLOCK if len(piece.text) > 1 else Cut.LINE
            # What a heading announces stays with it.
            piece.cut = Cut.WORD if _is_heading(pieces, line_start, index) else level
            line_start = index + 1
        elif piece.text.isspace() and index > line_start:
            ended = _ends_sentence(pieces, line_start, index) and not following[:1].islower()
            piece.cut = Cut.SENTENCE if ended else Cut.WORD
        elif piece.text[-1] in _WIDE_SENTENCE_ENDS:
            piece.cut = Cut.SENTENCE


def _is_heading(pieces: list[Piece], start: int, end: int) -> bool:
    if start >= end:
        return False
    first, last = pieces[start], pieces[end - 1]
    return first.text == "#" or ("**" in first.toggles and first.opening and "**" in last.toggles)


def _ends_sentence(pieces: list[Piece], start: int, index: int) -> bool:
    while index > start and pieces[index - 1].text[-1] in _AFTER_SENTENCE:
        index -= 1
    # From the third piece of a line on: `1.` at its start is a number, not a sentence.
    if index - start < 3:
        return False
    return pieces[index - 1].text[-1] in _SENTENCE_ENDS and not pieces[index - 1].hard
