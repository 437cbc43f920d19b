"""Markdown by the line: headings, rules, bold words. Knows the notation and nothing of papers."""

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
    """A `#` heading: the row that it stands in, counted from 0, number of hashes, text without them.

    One that is `indented` like the text of a bullet belongs to the bullet above it, if there is one.
    """

    row: int
    level: int
    text: str
    is_indented: bool = False


def normalise(text: str) -> str:
    """Line ends as `\\n`, no byte order mark, no NUL (PostgreSQL takes none)."""
    if text.startswith("\ufeff"):
        text = text[1:]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\0", "") if "\0" in text else text


def find_headings(lines: Sequence[str]) -> list[Heading]:
    """Every line that looks like a heading, in fences too: only who knows the block knows its fences."""
    found = [parse_heading(index, line) for index, line in enumerate(lines) if line and line[0] in "# "]
    return [heading for heading in found if heading]


def parse_heading(index: int, line: str) -> Heading | None:
    """One heading, or None for `#hashtag` and for more than six hashes."""
    if line.startswith("### ") and line[-1] not in "# ":
        # Nearly all headings of an archive are this plain.
        return Heading(index, 3, line[4:].strip())
    if not line.startswith(_MARKERS):
        return None
    bare = line.strip(" ")
    text = bare.lstrip("#")
    level = len(bare) - len(text)
    if level > _MAX_LEVEL or (text and text[0] not in " \t"):
        return None
    text = text.strip().rstrip("#").rstrip() if text.endswith("#") else text.strip()
    return Heading(index, level, text, line.startswith("  "))


def is_thematic_break(line: str) -> bool:
    """Whether the line is a thematic break (`---`, `***`, `___`), which separates papers and says nothing."""
    bare = line.strip()
    return len(bare) >= 3 and bare[0] in "-*_" and bare[-1] == bare[0] and not bare.strip(bare[0] + " ")


def parse_bold(text: str) -> tuple[str, str] | None:
    """Bold words at the start of `text` and what follows them, both stripped; None if it starts otherwise."""
    for mark in _BOLD:
        if text.startswith(mark):
            close = text.find(mark, len(mark))
            bold = text[len(mark) : close].strip() if close > 0 else ""
            return (bold, text[close + len(mark) :].strip()) if bold else None
    return None


def split_number(text: str) -> tuple[str, str]:
    """A number at the start of `text` as written ("2. ", "10) " or "") and the rest."""
    found = _NUMBERED.match(text)
    return (text[: found.end()], text[found.end() :].lstrip()) if found else ("", text)


def dedent(lines: Sequence[str], max_indent: int = 100) -> Sequence[str]:
    """The lines without the indentation that all of them share, and without more than `most` of it."""
    if any(line and line[0] not in " \t" for line in lines):
        return lines
    shared = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    cut = min(shared, max_indent)
    return [line[cut:] for line in lines] if cut else lines


def trim(lines: Sequence[str]) -> Sequence[str]:
    """The lines without blank ones around them and without rules behind them."""
    first, last = 0, len(lines)
    while last and (not lines[last - 1].strip() or is_thematic_break(lines[last - 1])):
        last -= 1
    while first < last and not lines[first].strip():
        first += 1
    return lines[first:last]


def excerpt(text: str) -> str:
    """The beginning of a line, short enough for a message and in quotes."""
    text = " ".join(text[: 2 * _EXCERPT_LENGTH].split())
    return f"“{text[:_EXCERPT_LENGTH]}…”" if len(text) > _EXCERPT_LENGTH else f"“{text}”"
