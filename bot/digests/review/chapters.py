"""A review's summary as written by a language model: its title and its chapters, in any of their notations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bot.digests.markdown import fences, lines
from storage import models

_SUMMARY_PREFIX = re.compile(
    r"\[?\s?(?:논문\s?(?:상세\s?|핵심\s?|전체\s?)?(?:요약|제목|리뷰|분석)|제목|(?:paper\s)?(?:summary|review)|title)\s?"
    r"(?:\]\s?[:：]?|[:：]|[-–—|]\s|$)\s?",
    re.IGNORECASE,
)
_QUOTES = {
    '"': '"',
    "'": "'",
    "“": "”",
    "‘": "’",
    "「": "」",
    "『": "』",
    "《": "》",
    "<": ">",
    "**": "**",
    "*": "*",
    "`": "`",
}
_HEADING_STARTS = frozenset("# *_0123456789")
_COLONS = " :："


class _HeadingCandidate(NamedTuple):
    """A line that may head a chapter: its notation ("#" with a level, or a kind of bold) and its words."""

    row: int
    notation: str
    level: int
    text: str


def parse_chapters(rows: Sequence[str]) -> tuple[str | None, tuple[models.Section, ...]]:
    """Title and sections. Text before the first chapter is a section without heading.

    Chapters are the `#` headings (of the first one's level or above) if there are any; otherwise the lines in
    bold that look like the first of them: `**1. Words**`, `1. **Words**` or `**Words**`.
    """
    marks = _find_heading_candidates(rows)
    title = _find_title(rows, marks)
    if title:
        marks = [mark for mark in marks if mark.row != title.row]
    chosen = _select_chapter_headings(marks)
    skipped = {title.row} if title else set()
    stops = [mark.row for mark in chosen] + [len(rows)]
    sections = [_build_section(None, rows, range(stops[0]), skipped)]
    for mark, stop in zip(chosen, stops[1:], strict=True):
        sections.append(_build_section(mark.text, rows, range(mark.row + 1, stop), skipped))
    named = _clean_title(title.text) if title else None
    return named, tuple(section for section in sections if section.heading or section.body)


def _build_section(
    heading: str | None, rows: Sequence[str], where: Iterable[int], skipped: set[int]
) -> models.Section:
    body = [rows[index] for index in where if index not in skipped]
    return models.Section(heading, "\n".join(lines.dedent(lines.trim(body))).rstrip())


def _find_heading_candidates(rows: Sequence[str]) -> list[_HeadingCandidate]:
    possible = [index for index, row in enumerate(rows) if row and row[0] in _HEADING_STARTS]
    code = fences.find_fenced_rows(rows, 0, len(rows))
    found = (_parse_heading_candidate(index, rows[index]) for index in possible if index not in code)
    return [mark for mark in found if mark]


def _parse_heading_candidate(index: int, row: str) -> _HeadingCandidate | None:
    heading = lines.parse_heading(index, row) if row.lstrip(" ").startswith("#") and row[:4].strip() else None
    if heading:
        return (
            _HeadingCandidate(index, "#", heading.level, _strip_markup(heading.text))
            if heading.text
            else None
        )
    if row.startswith("  "):
        return None
    number, rest = lines.split_number(row.strip())
    bold = lines.parse_bold(rest) if rest.startswith(("**", "__")) and len(rest) < 200 else None
    if not bold or bold[1].strip(_COLONS):
        return None
    kind = "1. **" if number else "**1. " if lines.split_number(bold[0])[0] else "**"
    return _HeadingCandidate(index, kind, 0, number + _strip_markup(bold[0]))


def _find_title(rows: Sequence[str], marks: Sequence[_HeadingCandidate]) -> _HeadingCandidate | None:
    """The summary's own heading: it says so, or is the only one of its level, above all that follow it."""
    if not marks:
        return None
    first = marks[0]
    called = _SUMMARY_PREFIX.match(first.text)
    if called and (first.level < 2 or called.end() < len(first.text)):
        return first
    if first.notation != "#" or lines.split_number(first.text)[0]:
        return None
    levels = [mark.level for mark in marks[1:] if mark.notation == "#"]
    if first.level == 1:
        return first if not levels or levels[0] > 1 else None
    blank_above = not any(row.strip() for row in rows[: first.row])
    return first if levels and min(levels) > first.level and blank_above else None


def _select_chapter_headings(marks: Sequence[_HeadingCandidate]) -> list[_HeadingCandidate]:
    """The marks that head chapters, and not parts of them."""
    hashes = [mark for mark in marks if mark.notation == "#"]
    if hashes:
        return [mark for mark in hashes if mark.level <= hashes[0].level]
    kinds = [mark.notation for mark in marks]
    kind = "**1. " if "**1. " in kinds else kinds[0] if kinds else ""
    return [mark for mark in marks if mark.notation == kind]


def _strip_markup(text: str) -> str:
    """A heading's words without bold marks and without the colon behind them."""
    return text.replace("**", "").strip(" *_").rstrip(_COLONS)


def _clean_title(text: str) -> str | None:
    """The title without the word "summary" before it and without quotes around it."""
    found = _SUMMARY_PREFIX.match(text)
    text = text[found.end() :] if found else text
    text = text.strip()
    for opening, closing in _QUOTES.items():
        inner = text[len(opening) : -len(closing)]
        if len(text) > 2 and text.startswith(opening) and text.endswith(closing) and closing not in inner:
            text = inner.strip()
    return text or None
