"""The newsletter format: a dated heading, then per paper a linked heading, votes, authors and highlights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.digests.elements import arxiv_ids, date_headings, paper_headings
from bot.digests.markdown import fences, lines
from bot.digests.newsletter import block, fast_path
from storage import models

_PaperSpan = tuple[paper_headings.PaperHeading, int]


def parse_newsletter(
    rows: Sequence[str],
    headings: Sequence[lines.Heading],
    papers_by_row: Mapping[int, paper_headings.PaperHeading],
    day: date_headings.DateHeading,
) -> paper_headings.ParseResult:
    """The papers of one digest. `headings` are those below the date heading.

    A heading of the date's level or above ends the digest. A heading without id in the place of a paper's is a
    problem, and the text under it is left out; a lower heading belongs to the paper above it.
    """
    spans, problems, end = _find_paper_spans(rows, headings, papers_by_row, day)
    first = spans[0][0].row if spans else end
    problems += paper_headings.find_stray_text(
        rows, day.heading.row + 1, min(first, *(problem.line - 1 for problem in problems), end)
    )
    drafts = []
    limit = paper_headings.PaperLimit()
    for heading, stop in spans:
        url = heading.url or arxiv_ids.abstract_url(heading.arxiv_id)
        draft = paper_headings.PaperDraft(heading.row + 1, heading.arxiv_id, heading.title, url)
        is_parsed = not limit.allows(heading.arxiv_id) or fast_path.parse_simple_block(
            rows, heading.end, stop, draft
        )
        if not is_parsed:
            problems += block.parse_block(rows, heading.end, stop, draft)
        drafts.append(draft)
    return drafts, problems, end


def _find_paper_spans(
    rows: Sequence[str],
    headings: Sequence[lines.Heading],
    papers_by_row: Mapping[int, paper_headings.PaperHeading],
    day: date_headings.DateHeading,
) -> tuple[list[_PaperSpan], list[models.Problem], int]:
    """Each paper's heading with the end of its block, the problems, and the end of the digest."""
    inside = [heading for heading in headings if heading.row in papers_by_row]
    level = inside[0].level if inside else day.heading.level + 1
    last = inside[-1].row if inside else -1
    spans: list[_PaperSpan] = []
    problems: list[models.Problem] = []
    opened: paper_headings.PaperHeading | None = None
    code = fences.FenceTracker(rows, [day.heading.row, *(heading.row for heading in inside), day.end])
    end = day.end
    for heading in headings:
        paper = papers_by_row.get(heading.row)
        is_within_paper = opened and (heading.level > level or heading.is_indented)
        if not paper and (is_within_paper or code.contains(heading.row)):
            continue
        if opened:
            spans.append((opened, heading.row))
        opened = paper
        if paper:
            continue
        if heading.level <= day.heading.level or (heading.level < level and heading.row > last):
            return spans, problems, heading.row
        excerpt = lines.excerpt(heading.text)
        message = f"a heading without an arXiv id; what stands under it is left out: {excerpt}"
        problems.append(models.Problem(heading.row + 1, message))
    if opened:
        spans.append((opened, end))
    return spans, problems, end
