"""Code fences: which lines are code, and where a fence that holds a whole Markdown answer ends."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from bot.digests.markdown import lines

_FENCE_MARKERS = ("```", "~~~")
_FENCE_STARTS = frozenset("`~ \t")
_MARKDOWN_LANGUAGES = frozenset({"markdown", "md"})


class Fence(NamedTuple):
    """A line that opens or closes: its row, its sign and how many of it, and what it says of the content."""

    row: int
    char: str
    length: int
    info: str

    @property
    def is_markdown(self) -> bool:
        """Whether it says that Markdown follows."""
        return self.info in _MARKDOWN_LANGUAGES

    def closes(self, opening: Fence) -> bool:
        """Whether it can close `opening`, by CommonMark's rule."""
        return not self.info and self.char == opening.char and self.length >= opening.length


class FenceTracker:
    """Which lines are code, asked block by block: a fence left open in one paper must not hide the next."""

    def __init__(self, rows: Sequence[str], bounds: Sequence[int]) -> None:
        """`bounds` are the first lines of the blocks, in order, and the end of the last one."""
        self._rows = rows
        self._bounds = bounds
        self._block = 0
        self._fenced_rows: set[int] | None = None

    def contains(self, index: int) -> bool:
        """Whether the line is within a code fence. To be asked in the order of the lines."""
        while self._bounds[self._block + 1] <= index:
            self._block += 1
            self._fenced_rows = None
        if self._fenced_rows is None:
            start, end = self._bounds[self._block : self._block + 2]
            self._fenced_rows = find_fenced_rows(self._rows, start + 1, end)
        return index in self._fenced_rows


def is_fence(line: str) -> bool:
    """Whether the line opens or closes a code fence."""
    return line[:1] in _FENCE_STARTS and line.lstrip().startswith(_FENCE_MARKERS)


def find_fences(rows: Sequence[str], start: int, end: int) -> list[Fence]:
    """The lines from `start` to `end` that open or close a fence."""
    return [
        _parse_fence(index, row)
        for index in range(start, end)
        if (row := rows[index]) and row[0] in _FENCE_STARTS and row.lstrip().startswith(_FENCE_MARKERS)
    ]


def find_fenced_rows(rows: Sequence[str], start: int, end: int) -> set[int]:
    """Indices of the lines within closed code fences, the marks included. A fence that is never closed is none."""
    marks = find_fences(rows, start, end)
    inside: set[int] = set()
    unclosed: dict[str, int] = {}
    place = 0
    while place < len(marks):
        mark = marks[place]
        kind = "markdown" if mark.is_markdown else mark.char
        # What one fence could not find, longer ones after it cannot find either: this keeps the time linear.
        close = None
        if mark.length < unclosed.get(kind, mark.length + 1):
            close = (
                find_markdown_end(rows, marks, place, end)
                if mark.is_markdown
                else _find_code_end(marks, place)
            )
            if close is None:
                unclosed[kind] = mark.length
        if close is None:
            place += 1
        else:
            inside.update(range(mark.row, close + 1))
            place = bisect_right(marks, close, key=_row)
    return inside


def find_markdown_end(rows: Sequence[str], marks: Sequence[Fence], place: int, end: int) -> int | None:
    """The line that closes the Markdown answer which the fence at `marks[place]` begins, or None.

    Fences within it are told apart by what they say: one with a language opens, the next bare one closes it. Of
    the other bare ones every second can only close a block of code, so the answer's end is an odd one: the first
    that a rule or nothing follows, or else the last.
    """
    count, last = 0, None
    within = False
    for index in range(place + 1, len(marks)):
        mark = marks[index]
        if mark.info:
            if not within and count % 2 and mark.is_markdown:
                break
            within = True
        elif within:
            within = False
        elif mark.closes(marks[place]):
            count, last = count + 1, mark.row
            if count % 2 and _is_answer_end(rows, mark.row + 1, end):
                return mark.row
    return last if count % 2 else None


def _find_code_end(marks: Sequence[Fence], place: int) -> int | None:
    opening = marks[place]
    later = (marks[index] for index in range(place + 1, len(marks)))
    return next((mark.row for mark in later if mark.closes(opening)), None)


def _is_answer_end(rows: Sequence[str], start: int, end: int) -> bool:
    """Whether a rule, or nothing, comes next."""
    for index in range(start, end):
        if rows[index].strip():
            return lines.is_thematic_break(rows[index])
    return True


def _parse_fence(row: int, line: str) -> Fence:
    bare = line.strip()
    info = bare.lstrip(bare[0])
    return Fence(row, bare[0], len(bare) - len(info), info.strip().lower())


def _row(mark: Fence) -> int:
    return mark.row
