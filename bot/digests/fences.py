"""Code fences: which lines are code, and where a fence that holds a whole Markdown answer ends."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from bot.digests import lines

_MARKS = ("```", "~~~")
_FIRST = frozenset("`~ \t")
_MARKDOWN = frozenset({"markdown", "md"})


class Fences:
    """Which lines are code, asked block by block: a fence left open in one paper must not hide the next."""

    def __init__(self, rows: Sequence[str], bounds: Sequence[int]) -> None:
        """`bounds` are the first lines of the blocks, in order, and the end of the last one."""
        self._rows = rows
        self._bounds = bounds
        self._block = 0
        self._inside: set[int] | None = None

    def hold(self, index: int) -> bool:
        """Whether the line is within a code fence. To be asked in the order of the lines."""
        while self._bounds[self._block + 1] <= index:
            self._block += 1
            self._inside = None
        if self._inside is None:
            start, end = self._bounds[self._block : self._block + 2]
            self._inside = find_fenced(self._rows, start + 1, end)
        return index in self._inside


def is_fence(line: str) -> bool:
    """Whether the line opens or closes a code fence."""
    return line[:1] in _FIRST and line.lstrip().startswith(_MARKS)


def find_marks(rows: Sequence[str], start: int, end: int) -> list[int]:
    """Indices of the lines from `start` to `end` that open or close a fence."""
    return [
        index
        for index in range(start, end)
        if (row := rows[index]) and row[0] in _FIRST and row.lstrip().startswith(_MARKS)
    ]


def is_markdown(line: str) -> bool:
    """Whether a fence line says that Markdown follows."""
    return info_of(line) in _MARKDOWN


def find_fenced(rows: Sequence[str], start: int, end: int) -> set[int]:
    """Indices of the lines within closed code fences, the marks included. A fence that is never closed is none."""
    marks = find_marks(rows, start, end)
    if not marks:
        return set()
    inside: set[int] = set()
    unclosed: set[str] = set()
    place = 0
    while place < len(marks):
        opened = marks[place]
        place += 1
        markdown = is_markdown(rows[opened])
        kind = "markdown" if markdown else _parts(rows[opened])[0]
        # What one fence could not find, later ones of its kind needn't seek: this keeps the time linear.
        if kind in unclosed:
            continue
        later = (marks[index] for index in range(place, len(marks)))
        close = _close_markdown(rows, opened, later, end) if markdown else _close_code(rows, opened, later)
        if close is None:
            unclosed.add(kind)
        else:
            inside.update(range(opened, close + 1))
            place = bisect_right(marks, close)
    return inside


def find_close(rows: Sequence[str], marks: Sequence[int], place: int, end: int) -> int | None:
    """The line that closes the Markdown answer which the fence at `marks[place]` begins, or None.

    Fences within it are told apart by what they say: one with a language opens, the next bare one closes it. Of
    the other bare ones every second can only close a block of code, so the answer's end is an odd one: the first
    that a rule or nothing follows, or else the last.
    """
    later = (marks[index] for index in range(place + 1, len(marks)))
    return _close_markdown(rows, marks[place], later, end)


def _close_code(rows: Sequence[str], opened: int, marks: Iterable[int]) -> int | None:
    opening, _ = _parts(rows[opened])
    for mark in marks:
        closing, info = _parts(rows[mark])
        if not info and closing.startswith(opening):
            return mark
    return None


def _close_markdown(rows: Sequence[str], opened: int, marks: Iterable[int], end: int) -> int | None:
    opening, _ = _parts(rows[opened])
    count, last = 0, None
    within = False
    for mark in marks:
        closing, info = _parts(rows[mark])
        if info:
            if not within and count % 2 and is_markdown(rows[mark]):
                break
            within = True
        elif within:
            within = False
        elif closing.startswith(opening):
            count, last = count + 1, mark
            if count % 2 and _ends_here(rows, mark + 1, end):
                return mark
    return last if count % 2 else None


def _ends_here(rows: Sequence[str], start: int, end: int) -> bool:
    """Whether a rule, or nothing, comes next."""
    for index in range(start, end):
        if rows[index].strip():
            return lines.is_rule(rows[index])
    return True


def info_of(line: str) -> str:
    """What a fence line says of its content: "python", "markdown" or nothing."""
    return _parts(line)[1].lower()


def _parts(line: str) -> tuple[str, str]:
    """A fence line's marks and its info string: ("```", "python")."""
    bare = line.strip()
    info = bare.lstrip(bare[0])
    return bare[: len(bare) - len(info)], info.strip()
