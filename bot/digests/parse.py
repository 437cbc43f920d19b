"""The front door: bytes to text, text to digests. Which format a digest has is for `detect` to say."""

from __future__ import annotations

import codecs
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from bot import errors
from bot.digests.elements import date_headings, paper_headings
from bot.digests.markdown import lines
from bot.digests.newsletter import parser
from bot.digests.review import parser as review_parser
from storage import models

FILE_SUFFIXES = frozenset({".md", ".txt"})
"""Suffixes of digest files, in lower case."""

MAX_BYTES = 32 * 1024 * 1024
"""A bigger file is refused: years of digests fit in it, and no single day comes near."""

_PARSERS = {
    models.DigestFormat.NEWSLETTER: parser.parse_newsletter,
    models.DigestFormat.REVIEW: review_parser.parse_review,
}


class _Segment(NamedTuple):
    """A stretch of lines between two date headings. Without `date` it is no digest, yet may hold problems."""

    start: int
    end: int
    problems: list[models.Problem]
    format: models.DigestFormat = models.DigestFormat.NEWSLETTER
    date: date | None = None
    drafts: Sequence[paper_headings.PaperDraft] = ()


def decode(data: bytes) -> str:
    """A file's bytes as text: UTF-8, or UTF-16 with its mark. Raises NotADigestError for anything else."""
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 2**20:.0f} MB"
        raise errors.NotADigestError(f"it has {size}; a digest file may have at most {MAX_BYTES >> 20} MB")
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        if data.count(b"\0", 0, 8192):
            raise errors.NotADigestError("it is binary, not text") from error
        encoding = "UTF-16" if utf16 else "UTF-8"
        raise errors.NotADigestError(f"it is not valid {encoding} (at byte {error.start})") from error
    if text.count("\0", 0, 8192) > 8:
        raise errors.NotADigestError("it is binary, not text")
    return text


def parse_text(text: str) -> tuple[models.Digest, ...]:
    """All digests in a text, in the order in which their dates first stand there.

    A date that stands again continues its digest; another date begins another one. Raises NotADigestError when
    there is none. Whatever else is not understood is among the problems of the digest it stands in or after.
    """
    text = lines.normalise(text)
    if not text or text.isspace():
        raise errors.NotADigestError("it is empty")
    rows = text.split("\n")
    headings = lines.find_headings(rows)
    named = {
        found.row: found
        for heading in headings
        if (found := paper_headings.parse_paper_heading(heading, rows))
    }
    days = date_headings.find_date_headings(headings, named, len(rows))
    if not days:
        raise errors.NotADigestError("it has no heading with a date")
    above = [paper for paper in named.values() if paper.row < days[0].row]
    segments = [_Segment(0, days[0].row, _undated_paper_problems(above))]
    segments += [_parse_segment(rows, _headings_within(headings, day), named, day) for day in days]
    groups = _group_segments(segments)
    if not groups:
        raise errors.NotADigestError(_rejection_reason(segments, days))
    return tuple(_build_digest(rows, group) for group in groups)


def _headings_within(
    headings: Sequence[lines.Heading], day: date_headings.DateHeading
) -> Sequence[lines.Heading]:
    """The headings below a date heading and before the next one."""
    start = bisect_left(headings, day.row + 1, key=lambda heading: heading.row)
    return headings[start : bisect_left(headings, day.end, key=lambda heading: heading.row)]


def _parse_segment(
    rows: Sequence[str],
    headings: Sequence[lines.Heading],
    papers_by_row: Mapping[int, paper_headings.PaperHeading],
    day: date_headings.DateHeading,
) -> _Segment:
    """What stands from one date heading to the next: a digest, or the reason why it is none."""
    inside = [papers_by_row[heading.row] for heading in headings if heading.row in papers_by_row]
    fault = day.error
    if day.date:
        form = date_headings.detect_format(rows, day, inside)
        reading = _PARSERS[form](rows, headings, papers_by_row, day)
        if reading.drafts or (day.mentions_papers and not _has_text(rows, day.row + 1, reading.end)):
            left_out = _undated_paper_problems(paper for paper in inside if paper.row >= reading.end)
            end = day.end if left_out else reading.end
            return _Segment(day.row, end, reading.problems + left_out, form, day.date, reading.drafts)
        fault = "no paper in a known form stands under this date"
    if not inside and not day.mentions_papers:
        return _Segment(day.row, day.end, [])
    problem = models.Problem(day.row + 1, f"{fault}: {lines.excerpt(day.heading)}")
    return _Segment(day.row, day.end, [problem, *_undated_paper_problems(inside)])


def _undated_paper_problems(headings: Iterable[paper_headings.PaperHeading]) -> list[models.Problem]:
    """Papers that no dated digest holds are named, not read."""
    return [
        models.Problem(heading.row + 1, f"{heading.arxiv_id} stands outside a dated digest and is left out")
        for heading in headings
    ]


def _has_text(rows: Sequence[str], start: int, end: int) -> bool:
    return any(row.strip() and not lines.is_thematic_break(row) for row in rows[start:end])


def _group_segments(segments: Sequence[_Segment]) -> list[list[_Segment]]:
    """The segments of each digest. One that is no digest goes with the digest before it, or else behind it."""
    groups: dict[tuple[models.DigestFormat, date], list[_Segment]] = {}
    group: list[_Segment] = []
    for segment in segments:
        if segment.date:
            waiting = [] if groups else group
            group = groups.setdefault((segment.format, segment.date), [])
            group += [*waiting, segment]
        elif segment.problems:
            group.append(segment)
    return list(groups.values())


def _build_digest(rows: Sequence[str], group: Sequence[_Segment]) -> models.Digest:
    day = next(segment for segment in group if segment.date)
    assert day.date
    entries, repeated = paper_headings.build_entries(draft for segment in group for draft in segment.drafts)
    problems = [problem for segment in group for problem in segment.problems] + repeated
    text = "\n".join("\n".join(rows[segment.start : segment.end]) for segment in group)
    problems.sort(key=lambda problem: problem.line)
    return models.Digest(day.format, day.date, entries, tuple(problems), text.rstrip() + "\n")


def _rejection_reason(segments: Sequence[_Segment], days: Sequence[date_headings.DateHeading]) -> str:
    """Why a text with date headings is no digest: the first fault."""
    problems = [problem for segment in segments[1:] for problem in segment.problems]
    if problems:
        return f"line {problems[0].line}: {problems[0].message}"
    day = next((day for day in days if day.error), days[0])
    fault = day.error or "no paper in a known form stands under this date"
    return f"line {day.row + 1}: {fault}: {lines.excerpt(day.heading)}"
