"""The title and chapters of a review's summary, in any notation that language models write them in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

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


def parse_chapters(rows: Sequence[str]) -> tuple[str | None, tuple[models.Section, ...]]:
    """Title and sections. Text before the first chapter is a section without heading.

    Chapters begin at the `#` headings of the first one's level or above; without `#` headings, at the bold lines in
    the notation of the first: `**1. Words**`, `1. **Words**` or `**Words**`.
    """
    candidates = _find_heading_candidates(rows)
    title = _find_title(rows, candidates)
    if title:
        candidates = [candidate for candidate in candidates if candidate.row != title.row]
    chapters = _select_chapter_headings(candidates)
    skipped = {title.row} if title else set()
    stops = [chapter.row for chapter in chapters] + [len(rows)]
    sections = [_build_section(None, rows, range(stops[0]), skipped)]
    for chapter, stop in zip(chapters, stops[1:], strict=True):
        sections.append(_build_section(chapter.text, rows, range(chapter.row + 1, stop), skipped))
    title_text = _clean_title(title.text) if title else None
    return title_text, tuple(section for section in sections if section.heading or section.body)


def _build_section(
    heading: str | None, rows: Sequence[str], span: Iterable[int], skipped: Collection[int]
) -> models.Section:
    body = [rows[row] for row in span if row not in skipped]
    return models.Section(heading, "\n".join(lines.dedent(lines.trim(body))).rstrip())


def _find_heading_candidates(rows: Sequence[str]) -> list[lines.Heading]:
    possible = [row for row, line in enumerate(rows) if line and line[0] in _HEADING_STARTS]
    fenced_rows = fences.find_fenced_rows(rows, 0, len(rows))
    candidates = (_parse_heading_candidate(row, rows[row]) for row in possible if row not in fenced_rows)
    return [candidate for candidate in candidates if candidate]


def _parse_heading_candidate(row: int, line: str) -> lines.Heading | None:
    """The heading of a chapter that a line may be; a bold line has level 0."""
    is_hash = line.lstrip(" ").startswith("#") and line[:4].strip()
    if is_hash and (heading := lines.parse_heading(row, line)):
        text = _strip_markup(heading.text)
        return lines.Heading(row, heading.level, text) if heading.text else None
    if line.startswith("  "):
        return None
    number, rest = lines.split_number(line.strip())
    bold = lines.parse_bold(rest) if rest.startswith(("**", "__")) and len(rest) < 200 else None
    if not bold or bold[1].strip(_COLONS):
        return None
    notation = "1. **" if number else "**1. " if lines.split_number(bold[0])[0] else "**"
    return lines.Heading(row, 0, number + _strip_markup(bold[0]), notation=notation)


def _find_title(rows: Sequence[str], candidates: Sequence[lines.Heading]) -> lines.Heading | None:
    """The heading of the whole summary: it begins with "summary", or is the highest and first of the headings."""
    if not candidates:
        return None
    first = candidates[0]
    prefix = _SUMMARY_PREFIX.match(first.text)
    if prefix and (first.level < 2 or prefix.end() < len(first.text)):
        return first
    if first.notation != "#" or lines.split_number(first.text)[0]:
        return None
    levels = [candidate.level for candidate in candidates[1:] if candidate.notation == "#"]
    if first.level == 1:
        return first if not levels or levels[0] > 1 else None
    blank_above = not any(line.strip() for line in rows[: first.row])
    return first if levels and min(levels) > first.level and blank_above else None


def _select_chapter_headings(candidates: Sequence[lines.Heading]) -> list[lines.Heading]:
    """The candidates that begin chapters, without those inside chapters."""
    hashes = [candidate for candidate in candidates if candidate.notation == "#"]
    if hashes:
        return [candidate for candidate in hashes if candidate.level <= hashes[0].level]
    notations = [candidate.notation for candidate in candidates]
    chosen = "**1. " if "**1. " in notations else notations[0] if notations else ""
    return [candidate for candidate in candidates if candidate.notation == chosen]


def _strip_markup(text: str) -> str:
    """A heading's text without bold marks and without a colon at its end."""
    return text.replace("**", "").strip(" *_").rstrip(_COLONS)


def _clean_title(text: str) -> str | None:
    """The title without the word "summary" before it and without quotes around it."""
    prefix = _SUMMARY_PREFIX.match(text)
    text = (text[prefix.end() :] if prefix else text).strip()
    for opening, closing in _QUOTES.items():
        inner = text[len(opening) : -len(closing)]
        if len(text) > 2 and text.startswith(opening) and text.endswith(closing) and closing not in inner:
            text = inner.strip()
    return text or None
