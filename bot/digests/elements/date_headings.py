"""Finds the digests in a text and says of what format each is: by content alone, never by a file's name."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from bot.digests.elements import dates, labelled_fields, paper_headings
from bot.digests.markdown import lines
from storage import models

_MENTIONS_PAPERS = re.compile(r"daily\s{1,3}papers?|데일리\s?페이퍼|오늘의\s?논문", re.IGNORECASE)
_SUMMARY_LABEL = re.compile(
    r"(?P<bold>\*\*|__)?(?:summary|요약)\s?(?(bold)(?:(?P=bold)\s?[:：]|[:：]\s?(?P=bold))|[:：])[ \t]*"
    r"|(?:#{1,6}\s)?(?:\*\*)?(?:summary|요약)(?:\*\*)?\s?[:：]?(?:\*\*)?\s{0,9}$",
    re.IGNORECASE,
)
_LINK_MARK = "🔗"
_SAMPLED_PAPERS = 2
_SAMPLED_LINES = 12


class DateHeading(NamedTuple):
    """A heading that dates what follows it, up to the line `end`. Without a date, `fault` says why."""

    row: int
    level: int
    heading: str
    date: date | None
    error: str
    end: int
    mentions_papers: bool


def find_date_headings(
    headings: Sequence[lines.Heading], papers_by_row: Mapping[int, paper_headings.PaperHeading], end: int
) -> list[DateHeading]:
    """The date headings in order: those that speak of daily papers or, if none does, the dated ones of one level."""
    dated = [
        (heading, reading)
        for heading in headings
        if heading.row not in papers_by_row
        and not lines.split_number(heading.text)[0]
        and (reading := dates.parse_date(heading.text))
    ]
    chosen = [pair for pair in dated if _MENTIONS_PAPERS.search(pair[0].text)]
    spoken = bool(chosen)
    if not spoken:
        level = _level_above_papers([heading for heading, _ in dated], sorted(papers_by_row))
        chosen = [pair for pair in dated if level in (0, pair[0].level)]
    ends = [heading.row for heading, _ in chosen[1:]] + [end]
    return [
        DateHeading(heading.row, heading.level, heading.text, reading.date, reading.error, stop, spoken)
        for (heading, reading), stop in zip(chosen, ends, strict=bool(chosen))
    ]


def _level_above_papers(dated: Sequence[lines.Heading], named: Sequence[int]) -> int:
    """The level of the first dated heading that a paper follows before the next one: a page may be dated itself."""
    for place, heading in enumerate(dated):
        stop = dated[place + 1].row if place + 1 < len(dated) else named[-1] + 1 if named else 0
        following = bisect_left(named, heading.row)
        if following < len(named) and named[following] < stop:
            return heading.level
    return 0


def parse_summary_label(line: str) -> str | None:
    """What follows the mark `**Summary**:` on its line (often nothing); None for any other line."""
    if line[:1] not in {"*", "_", "#", "S", "s", "요"}:
        return None
    found = _SUMMARY_LABEL.match(line)
    return line[found.end() :].strip() if found else None


def is_link_line(line: str) -> bool:
    """Whether the line is a review's link to its paper."""
    return line.startswith((_LINK_MARK, "http://", "https://", "<http"))


def detect_format(
    rows: Sequence[str], day: DateHeading, digest_papers: Sequence[paper_headings.PaperHeading]
) -> models.DigestFormat:
    """The format that the first papers under a date heading have; without papers, what the heading looks like."""
    votes_for_review = 0
    for place, heading in enumerate(digest_papers[:_SAMPLED_PAPERS]):
        stop = digest_papers[place + 1].row if place + 1 < len(digest_papers) else day.end
        votes_for_review += 1 if heading.is_bare_id else -1
        for line in rows[heading.row + 1 : min(stop, heading.row + _SAMPLED_LINES)]:
            if not line:
                continue
            if parse_summary_label(line) == "" or line.startswith(_LINK_MARK):
                votes_for_review += 2
            elif line.startswith(("Vote", "Author")) and labelled_fields.parse_labelled_field(line):
                votes_for_review -= 2
            elif line.startswith("#"):
                # What stands under another heading may be no part of the digest and must not decide.
                break
    if digest_papers:
        return models.DigestFormat.REVIEW if votes_for_review > 0 else models.DigestFormat.NEWSLETTER
    looks_like_review = "📰" in day.heading or "hugging face" in day.heading.lower()
    return models.DigestFormat.REVIEW if looks_like_review else models.DigestFormat.NEWSLETTER
