"""The headings that date a digest."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from bot.digests.elements import dates, paper_headings
from bot.digests.markdown import lines

_MENTIONS_PAPERS = re.compile(r"daily\s{1,3}papers?|데일리\s?페이퍼|오늘의\s?논문", re.IGNORECASE)


class DateHeading(NamedTuple):
    """A heading that dates the rows below it, up to the row `end` (not included). `error`: why it has no `date`."""

    heading: lines.Heading
    date: date | None
    error: str
    end: int
    mentions_papers: bool


def find_date_headings(
    headings: Sequence[lines.Heading], papers_by_row: Mapping[int, paper_headings.PaperHeading], end: int
) -> list[DateHeading]:
    """The date headings in order: those that mention daily papers or, if none does, the dated ones of one level."""
    dated = [
        (heading, parsed)
        for heading in headings
        if heading.row not in papers_by_row
        and not lines.split_number(heading.text)[0]
        and (parsed := dates.parse_date(heading.text))
    ]
    chosen = [pair for pair in dated if _MENTIONS_PAPERS.search(pair[0].text)]
    mentions_papers = bool(chosen)
    if not mentions_papers:
        level = _level_above_papers([heading for heading, _ in dated], sorted(papers_by_row))
        chosen = [pair for pair in dated if level in (0, pair[0].level)]
    ends = [heading.row for heading, _ in chosen[1:]] + [end]
    return [
        DateHeading(heading, *parsed, stop, mentions_papers)
        for (heading, parsed), stop in zip(chosen, ends, strict=bool(chosen))
    ]


def _level_above_papers(dated: Sequence[lines.Heading], paper_rows: Sequence[int]) -> int:
    """The level of the first dated heading with a paper before the next one: a page may have a date too. 0 if none."""
    for index, heading in enumerate(dated):
        last = paper_rows[-1] + 1 if paper_rows else 0
        stop = dated[index + 1].row if index + 1 < len(dated) else last
        following = bisect_left(paper_rows, heading.row)
        if following < len(paper_rows) and paper_rows[following] < stop:
            return heading.level
    return 0
