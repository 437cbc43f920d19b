"""Markdown by the line: headings, rules, bold text, numbers, indentation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

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
    """The text with line ends as `\\n`, without byte order mark and NUL (which PostgreSQL rejects)."""
    if text.startswith("\ufeff"):
        text = text[1:]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\0", "") if "\0" in text else text


def find_headings(rows: Sequence[str]) -> list[Heading]:
    """The headings, and the lines within code fences that look like one: fences are found later, block by block."""
    candidates = [parse_heading(row, line) for row, line in enumerate(rows) if line and line[0] in "# "]
    return [heading for heading in candidates if heading]


def parse_heading(row: int, line: str) -> Heading | None:
    """The heading of a line, or None; `#hashtag` and more than six hashes are no headings."""
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


def trim(rows: Sequence[str]) -> Sequence[str]:
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
