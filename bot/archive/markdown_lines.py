"""Markdown line by line: headings, rules, bold text, numbers, indentation and code fences."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence, Set
from itertools import pairwise, repeat
from operator import attrgetter
from typing import NamedTuple

from bot.text import typography

_MAX_LEVEL = 6
_MARKERS = ("#", " #", "  #", "   #")
_BOLD = ("***", "**", "__")
_NUMBERED = re.compile(r"[0-9]{1,3}[.)]\s")
_EXCERPT_LENGTH = 80


class Heading(NamedTuple):
    """A `#` heading: its row from 0, the number of hashes, the text after them.

    An indented heading belongs to the bullet above it, if there is one. `notation` tells bold lines from `#` headings.
    """

    row: int
    level: int
    text: str
    is_indented: bool = False
    notation: str = "#"


def normalise(text: str) -> str:
    """The text with line ends as `\\n`, without byte order mark, NUL (which PostgreSQL rejects) and long runs of marks."""
    if text.startswith("\ufeff"):
        text = text[1:]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return typography.limit_marks(text.replace("\0", "") if "\0" in text else text)


def find_headings(rows: Sequence[str]) -> list[Heading]:
    """The headings, and the lines within code fences that look like one: fences are found later, block by block."""
    candidates = [parse_heading(row, line) for row, line in enumerate(rows) if line and line[0] in "# "]
    return [heading for heading in candidates if heading]


def parse_heading(row: int, line: str) -> Heading | None:
    """The heading of a line, or None; `#hashtag` and more than six hashes are not headings."""
    if line.startswith("### ") and line[-1] not in "# ":
        # Nearly all headings of an archive are this plain.
        return Heading(row, 3, line[4:].strip())
    if not line.startswith(_MARKERS):
        return None
    bare = line.strip(" ")
    text = bare.lstrip("#")
    level = len(bare) - len(text)
    if level > _MAX_LEVEL or (text and text[0] not in " \t"):
        return None
    text = text.strip().rstrip("#").rstrip() if text.endswith("#") else text.strip()
    return Heading(row, level, text, line.startswith("  "))


def is_thematic_break(line: str) -> bool:
    """Whether the line is a thematic break: `---`, `***`, `___`."""
    bare = line.strip()
    return len(bare) >= 3 and bare[0] in "-*_" and bare[-1] == bare[0] and not bare.strip(bare[0] + " ")


def parse_bold(text: str) -> tuple[str, str] | None:
    """The bold text at the start of `text` and the rest, both stripped; None without bold text there."""
    for mark in _BOLD:
        if text.startswith(mark):
            close = text.find(mark, len(mark))
            bold = text[len(mark) : close].strip() if close > 0 else ""
            return (bold, text[close + len(mark) :].strip()) if bold else None
    return None


def split_number(text: str) -> tuple[str, str]:
    """A number at the start of `text` as written ("2. ", "10) " or "") and the rest."""
    number = _NUMBERED.match(text)
    return (text[: number.end()], text[number.end() :].lstrip()) if number else ("", text)


def dedent(rows: Sequence[str], max_indent: int = 100) -> Sequence[str]:
    """The rows without their common indentation of spaces, of which at most `max_indent` are removed."""
    if any(line and line[0] not in " \t" for line in rows):
        return rows
    common = min((len(line) - len(line.lstrip(" ")) for line in rows if line.strip()), default=0)
    cut = min(common, max_indent)
    return [line[cut:] for line in rows] if cut else rows


def trim_lines(rows: Sequence[str]) -> Sequence[str]:
    """The rows without blank ones at both ends and without rules at the end."""
    first, last = 0, len(rows)
    while last and (not rows[last - 1].strip() or is_thematic_break(rows[last - 1])):
        last -= 1
    while first < last and not rows[first].strip():
        first += 1
    return rows[first:last]


def excerpt(text: str) -> str:
    """The beginning of a line in quotes, for a message."""
    text = " ".join(text[: 2 * _EXCERPT_LENGTH].split())
    return f"“{text[:_EXCERPT_LENGTH]}…”" if len(text) > _EXCERPT_LENGTH else f"“{text}”"


# Code fences: the rows of code, and the end of a fence around a whole Markdown answer.

_FENCE_MARKERS = ("```", "~~~")
_FENCE_STARTS = frozenset("`~ \t")
_MARKDOWN_LANGUAGES = frozenset({"markdown", "md"})
_LOOKS_PER_FENCE = 10
"""How often each fence of a text may be read, on average, to find the ends of Markdown answers."""


class Fence(NamedTuple):
    """An opening or closing fence: its row, character, length, and info string in lower case."""

    row: int
    char: str
    length: int
    info: str

    @property
    def is_markdown(self) -> bool:
        """Whether the info string is Markdown."""
        return self.info in _MARKDOWN_LANGUAGES

    def closes(self, opening: Fence) -> bool:
        """Whether the fence can close `opening`, by CommonMark's rule."""
        return not self.info and self.char == opening.char and self.length >= opening.length


def is_fence(line: str) -> bool:
    """Whether the line is an opening or closing fence, by CommonMark's rule: behind backticks stands no backtick."""
    if line[:1] not in _FENCE_STARTS or not (bare := line.lstrip()).startswith(_FENCE_MARKERS):
        return False
    return bare[0] != "`" or "`" not in bare.lstrip("`")


def find_fences(rows: Sequence[str], start: int, end: int) -> list[Fence]:
    """The fences from row `start` to `end` (not included)."""
    bare_lines = ((row, rows[row].strip()) for row in range(start, end) if is_fence(rows[row]))
    infos = ((row, bare, bare.lstrip(bare[0])) for row, bare in bare_lines)
    return [Fence(row, bare[0], len(bare) - len(info), info.strip().lower()) for row, bare, info in infos]


def find_fenced_rows(rows: Sequence[str], start: int, end: int) -> set[int]:
    """The rows of closed code fences, the fences included. A fence that is never closed has none."""
    all_fences = find_fences(rows, start, end)
    inside: set[int] = set()
    unclosed: dict[str, int] = {}
    looks = iter(range(_LOOKS_PER_FENCE * len(all_fences)))
    position = 0
    while position < len(all_fences):
        fence = all_fences[position]
        family = "markdown" if fence.is_markdown else fence.char
        # If a fence has no close, longer ones after it have none either; skipping them keeps the time linear.
        close = None
        if fence.length < unclosed.get(family, fence.length + 1):
            if fence.is_markdown:
                close = find_markdown_end(rows, all_fences, position, end, looks)
            else:
                later = (all_fences[index] for index in range(position + 1, len(all_fences)))
                close = next((other.row for other in later if other.closes(fence)), None)
            if close is None:
                unclosed[family] = fence.length
        if close is None:
            position += 1
        else:
            inside.update(range(fence.row, close + 1))
            position = bisect_right(all_fences, close, key=attrgetter("row"))
    return inside


def find_code_rows(rows: Sequence[str], bounds: Sequence[int]) -> Set[int]:
    """The rows of code of several blocks, each by itself: a fence left open in one paper must not hide the next.

    `bounds` are the first rows of the blocks, in order, and the end of the last one.
    """
    return set[int]().union(*(find_fenced_rows(rows, start + 1, end) for start, end in pairwise(bounds)))


def find_markdown_end(
    rows: Sequence[str],
    all_fences: Sequence[Fence],
    position: int,
    end: int,
    looks: Iterable[object] | None = None,
) -> int | None:
    """The row that closes the Markdown answer opened by `all_fences[position]`, or None.

    Within it a fence with a language opens a block of code and the next bare one closes it. Of the other bare fences
    every second one closes a block, so the end of the answer is an odd one: the first that is followed by a rule or
    nothing, or else the last. Of `looks` one item is taken for each fence that is read; none is read without one.
    """
    count, last = 0, None
    in_code = False
    further = range(position + 1, len(all_fences))
    for index, _ in zip(further, repeat(0) if looks is None else looks, strict=False):
        fence = all_fences[index]
        if fence.info:
            if not in_code and count % 2 and fence.is_markdown:
                break
            in_code = True
        elif in_code:
            in_code = False
        elif fence.closes(all_fences[position]):
            count, last = count + 1, fence.row
            following = next((row for row in range(fence.row + 1, end) if rows[row].strip()), None)
            if count % 2 and (following is None or is_thematic_break(rows[following])):
                return fence.row
    return last if count % 2 else None


def find_answer(rows: Sequence[str]) -> tuple[int, int]:
    """The rows to read: those within a fence of Markdown around the whole text, as models write it, or else all."""
    first = next((row for row, line in enumerate(rows) if line.strip()), 0)
    if rows and is_fence(rows[first]):
        fences = find_fences(rows, 0, len(rows))
        end = find_markdown_end(rows, fences, 0, len(rows)) if fences[0].is_markdown else None
        if end is not None:
            return first + 1, end
    return 0, len(rows)
