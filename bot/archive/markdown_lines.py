"""Read Markdown line by line: headings, thematic breaks, indentation, code fences, and links whose addresses are elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import NamedTuple

from bot.text import typography

_MAX_LEVEL = 6
_EXCERPT_LENGTH = 80


class Heading(NamedTuple):
    """A `#` heading: its row (from 0), the number of hashes, and its text."""

    row: int
    level: int
    text: str


def normalise(text: str) -> str:
    r"""Normalise line endings to `\n`; drop the byte order mark, NULs and long runs of combining marks."""
    if text.startswith("\ufeff"):
        text = text[1:]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return typography.limit_marks(text.replace("\0", "") if "\0" in text else text)


def parse_heading(row: int, line: str) -> Heading | None:
    """Parse a line as a heading, or return None. `#hashtag` and more than six hashes are not headings.

    After two hashes, and before a symbol, the space may be missing: a reader sees a heading.
    """
    text = line.lstrip("#")
    level = len(line) - len(text)
    if not 0 < level <= _MAX_LEVEL:
        return None
    if level == 1 and text and text[0] not in " \t" and (text[0] < "\u2190" or text[0].isalnum()):
        return None
    return Heading(row, level, text.strip().rstrip("#").rstrip())


def is_thematic_break(line: str) -> bool:
    """Return whether a line is a thematic break: `---`, `***`, `___` or `<hr>`."""
    bare = line.strip()
    if bare[:1] == "<":
        return bare[:3].lower() == "<hr" and bare[3:].strip(" />") == ""
    return len(bare) >= 3 and bare[0] in "-*_" and bare[-1] == bare[0] and not bare.strip(bare[0] + " ")


def dedent(rows: Sequence[str]) -> Sequence[str]:
    common = min((len(line) - len(line.lstrip(" ")) for line in rows if line.strip()), default=0)
    return [line[common:] for line in rows] if common else rows


def trim_lines(rows: Sequence[str]) -> Sequence[str]:
    """Trim blank rows at both ends, and thematic breaks at the end."""
    first, last = 0, len(rows)
    while last and (not rows[last - 1].strip() or is_thematic_break(rows[last - 1])):
        last -= 1
    while first < last and not rows[first].strip():
        first += 1
    return rows[first:last]


def excerpt(text: str) -> str:
    """Return the start of a text in quotation marks, for a message."""
    text = " ".join(text[: 2 * _EXCERPT_LENGTH].split())
    return f"“{text[:_EXCERPT_LENGTH]}…”" if len(text) > _EXCERPT_LENGTH else f"“{text}”"


# Code fences.

_FENCE = re.compile(r"[ \t]*(`{3,}(?=[^`]*$)|~{3,})\s*(.*)")
_MARKDOWN_LANGUAGES = frozenset({"markdown", "md"})


def is_fence(line: str) -> bool:
    return _FENCE.match(line) is not None


def is_markdown_fence(line: str) -> bool:
    """Return whether a line opens a code fence for Markdown, as models often put around a response."""
    fence = _FENCE.match(line)
    return fence is not None and fence[2].strip().lower() in _MARKDOWN_LANGUAGES


def find_code_rows(rows: Sequence[str]) -> Set[int]:
    """Return the line indexes of code blocks, including their fences. Unclosed or Markdown fences are not code."""
    code: set[int] = set()
    opened: tuple[int, str] | None = None
    for row, line in enumerate(rows):
        fence = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if fence is None:
            continue
        if opened is None:
            opened = None if is_markdown_fence(line) else (row, fence[1])
        elif fence[1].startswith(opened[1]) and not fence[2].strip():
            code.update(range(opened[0], row + 1))
            opened = None
    return code


# Links whose addresses are elsewhere: `[text][label]`, and `[label]: address` in a line of its own.

_DEFINITION = re.compile(r" {0,3}\[([^\[\]]{1,400})\]:\s*<?(https?://[^\s<>]+)")
_REFERENCE = re.compile(r"\[([^\[\]]{1,400})\](?:\[([^\[\]]{0,400})\])?(?![\[(:])")


def resolve_references(rows: Sequence[str], code: Set[int]) -> Sequence[str]:
    """Return lines with each address in the link that names it, and without the line that defines it. `code` rows stay.

    All lines stay if they would be more than twice as long: a long address may be named many times.
    """
    places = {
        row: match for row, line in enumerate(rows) if row not in code and (match := _DEFINITION.match(line))
    }
    addresses = {match[1].strip().lower(): match[2] for match in places.values()}
    if not addresses:
        return rows
    used, room = set[str](), sum(map(len, rows))

    def resolve(match: re.Match[str]) -> str:
        nonlocal room
        label = (match[2] or match[1]).strip().lower()
        room -= len(addresses.get(label, ""))
        if label not in addresses or room < 0:
            return match[0]
        used.add(label)
        return f"[{match[1]}]({addresses[label]})"

    linked = [
        line if row in code or row in places else _REFERENCE.sub(resolve, line)
        for row, line in enumerate(rows)
    ]
    if room < 0:
        return rows
    for row, match in places.items():
        linked[row] = "" if match[1].strip().lower() in used else linked[row]
    return linked
