"""The review format: under a dated heading one heading with an id a paper, its link, and a long summary in chapters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.digests.elements import arxiv_ids, date_headings, labelled_fields, paper_headings, refusals
from bot.digests.markdown import fences, lines
from bot.digests.review import chapters, markers
from storage import models

_MAX_HEADER_LINES = 15
_WRAPPER_LANGUAGES = frozenset({"", "markdown", "md", "text", "txt", "plaintext"})
_TITLE_LABEL = re.compile(
    r"(?:[-*]\s)?(?:\*\*)?(?:title|제목|논문\s?제목)\s?(?:[:：]\*\*|\*\*\s?[:：]|[:：])[ \t]*", re.IGNORECASE
)


class _PaperStart(NamedTuple):
    """Where a paper begins. Without an id it only ends the one before."""

    row: int
    arxiv_id: str | None
    title: str | None
    url: str | None


def parse_review(
    rows: Sequence[str],
    headings: Sequence[lines.Heading],
    papers_by_row: Mapping[int, paper_headings.PaperHeading],
    day: date_headings.DateHeading,
) -> paper_headings.ParseResult:
    """Read one digest. `headings` are those below the date heading, `named` says which of them name a paper.

    Summaries have headings of their own, so a paper begins only where a heading is an id or a linked title, or
    where the link or the mark of a summary follows it.
    """
    starts, problems = _find_starts(rows, headings, papers_by_row, day)
    end = _find_end(rows, headings, starts[-1].row, day) if starts else day.end
    problems += paper_headings.find_stray_text(
        rows, day.heading.row + 1, starts[0].row if starts else day.heading.row + 1
    )
    drafts = []
    stops = [start.row for start in starts[1:]] + [end]
    for start, stop in zip(starts, stops, strict=bool(starts)):
        if start.arxiv_id:
            draft, found = _parse_paper(rows, start, start.arxiv_id, stop)
            drafts.append(draft)
            problems += found
    return paper_headings.ParseResult(drafts, problems, end)


def _find_starts(
    rows: Sequence[str],
    headings: Sequence[lines.Heading],
    papers_by_row: Mapping[int, paper_headings.PaperHeading],
    day: date_headings.DateHeading,
) -> tuple[list[_PaperStart], list[models.Problem]]:
    sure = [
        heading
        for heading in headings
        if heading.row in papers_by_row and _has_paper_marker(rows, heading.row, day.end)
    ]
    first = sure[0] if sure else next((heading for heading in headings if heading.row in papers_by_row), None)
    level = first.level if first else 0
    code = fences.FenceTracker(rows, [day.heading.row, *(heading.row for heading in sure), day.end])
    starts: list[_PaperStart] = []
    problems: list[models.Problem] = []
    for heading in headings:
        paper = papers_by_row.get(heading.row)
        titled = heading.text.startswith("[") and heading.level == level
        if paper and (
            _has_paper_marker(rows, heading.row, day.end)
            or ((paper.is_bare_id or titled) and not code.contains(heading.row))
        ):
            starts.append(_PaperStart(paper.row, paper.arxiv_id, paper.title, paper.url))
        elif paper and (paper.is_bare_id or heading.text.startswith("[")):
            message = f"{paper.arxiv_id} stands within a summary and is not taken for a paper of its own"
            problems.append(models.Problem(heading.row + 1, message))
        elif (
            not paper
            and heading.level <= level
            and (start := _start_without_heading_id(rows, heading, starts, day.end))
        ):
            starts.append(start)
            if not start.arxiv_id:
                message = f"a paper without an arXiv id; it is left out: {lines.excerpt(heading.text)}"
                problems.append(models.Problem(heading.row + 1, message))
    return starts, problems


def _next_nonblank(rows: Sequence[str], index: int, end: int) -> str:
    """The next line that says something, or nothing if three are blank."""
    return next((row.strip() for row in rows[index + 1 : min(index + 4, end)] if row.strip()), "")


def _has_paper_marker(rows: Sequence[str], index: int, end: int) -> bool:
    """Whether a review's link or the mark of its summary follows the heading."""
    following = _next_nonblank(rows, index, end)
    return markers.is_link_line(following) or markers.parse_summary_label(following) is not None


def _start_without_heading_id(
    rows: Sequence[str], heading: lines.Heading, starts: Sequence[_PaperStart], end: int
) -> _PaperStart | None:
    """A heading that only what follows it shows to be a paper's. The link there may give its id."""
    following = _next_nonblank(rows, heading.row, end)
    link = arxiv_ids.find_link(following) if following.startswith(markers.LINK_MARK) else None
    if link and starts and link.arxiv_id == starts[-1].arxiv_id:
        return None
    if link:
        return _PaperStart(heading.row, link.arxiv_id, heading.text or None, link.url)
    if following.startswith(markers.LINK_MARK) or markers.parse_summary_label(following) == "":
        return _PaperStart(heading.row, None, None, None)
    return None


def _find_end(
    rows: Sequence[str], headings: Sequence[lines.Heading], start: int, day: date_headings.DateHeading
) -> int:
    """Where the last summary ends: at a heading of the page around the digest.

    That is one without number, as high as the papers', behind a rule or behind the fence of the summary. If the
    summary has other such headings, it may as well be one of its chapters, and it is taken for one.
    """
    own = next(heading.level for heading in headings if heading.row == start)
    code = fences.find_fenced_rows(rows, start + 1, day.end)
    marks = fences.find_fences(rows, start, day.end)
    wrapped = bool(marks) and marks[0].is_markdown
    seen: set[int] = set()
    content = False
    for heading in headings:
        if heading.row <= start or heading.level > own or heading.is_indented or heading.row in code:
            continue
        if lines.split_number(heading.text)[0]:
            continue
        above = next((index for index in range(heading.row - 1, start, -1) if rows[index].strip()), start)
        if heading.level not in seen and (
            lines.is_thematic_break(rows[above]) or (wrapped and above in code)
        ):
            return heading.row
        if content or heading.level > 1:
            seen.add(heading.level)
        content = True
    return day.end


def _parse_paper(
    rows: Sequence[str], start: _PaperStart, paper_id: str, stop: int
) -> tuple[paper_headings.PaperDraft, list[models.Problem]]:
    url = start.url or arxiv_ids.huggingface_url(paper_id)
    draft = paper_headings.PaperDraft(start.row + 1, paper_id, None, url)
    first, problems = _read_header(rows, start.row + 1, stop, draft)
    content = list(rows[first:stop])
    said = markers.parse_summary_label(content[0]) if content else None
    if said is not None:
        content[0] = said
    body, unclosed = _unwrap_fences(content)
    if unclosed is not None:
        problems.append(models.Problem(first + unclosed + 1, "the fence around this summary is never closed"))
    title, sections = chapters.parse_chapters(body)
    draft.title = title or draft.title or start.title
    draft.sections = refusals.drop_refusal(tuple(section for section in sections if section.body))
    problems += [
        models.Problem(
            start.row + 1, f"a chapter with nothing under it: {lines.excerpt(section.heading or '')}"
        )
        for section in sections
        if not section.body
    ]
    return draft, problems


def _read_header(
    rows: Sequence[str], start: int, stop: int, draft: paper_headings.PaperDraft
) -> tuple[int, list[models.Problem]]:
    """Read link, votes and the like into `draft`; gives the line where the summary begins, its mark included."""
    problems: list[models.Problem] = []
    texts = [index for index in range(start, min(stop, start + _MAX_HEADER_LINES)) if rows[index].strip()]
    mark = next((index for index in texts if markers.parse_summary_label(rows[index]) is not None), None)
    for index in texts:
        line = rows[index].strip()
        if index == mark or (mark is None and lines.is_thematic_break(line)):
            return index, problems
        if _read_header_line(line, draft):
            continue
        if mark is None:
            return index, problems
        problems.append(models.Problem(index + 1, f"a line that is not understood: {lines.excerpt(line)}"))
    return min(stop, start + _MAX_HEADER_LINES), problems


def _read_header_line(line: str, draft: paper_headings.PaperDraft) -> bool:
    """Whether a line above the summary says something of the paper that we keep."""
    if markers.is_link_line(line):
        link = arxiv_ids.find_link(line)
        if link and link.arxiv_id == draft.arxiv_id:
            draft.url = link.url
        return link is None or link.arxiv_id == draft.arxiv_id
    if title := _TITLE_LABEL.match(line):
        draft.title = draft.title or line[title.end() :].strip(" *") or None
        return True
    if label := labelled_fields.parse_labelled_field(line):
        if label.name == "authors":
            draft.authors, draft.authors_truncated = labelled_fields.parse_authors(label.value)
            return True
        draft.votes, understood = labelled_fields.parse_votes(label.value)
        return understood
    media = labelled_fields.parse_media(line)
    if media:
        draft.thumbnail, draft.video = draft.thumbnail or media.thumbnail, draft.video or media.video
    return media is not None


def _unwrap_fences(content: Sequence[str]) -> tuple[list[str], int | None]:
    """The lines of a summary without the fences around it, and where one of these begins that never ends.

    A fence of Markdown is around the summary, and so is a bare one that begins it; any other is code within it.
    """
    marks = fences.find_fences(content, 0, len(content))
    first = next((index for index, line in enumerate(content) if line.strip()), 0)
    kept: list[str] = []
    unclosed: int | None = None
    done = 0
    in_code = False
    for place, mark in enumerate(marks):
        if mark.row < done:
            continue
        around = mark.info in _WRAPPER_LANGUAGES if mark.row == first else mark.is_markdown
        if in_code or unclosed is not None or not around:
            in_code = bool(mark.info) or not in_code
            continue
        close = fences.find_markdown_end(content, marks, place, len(content))
        kept += content[done : mark.row]
        if close is None:
            unclosed = mark.row
        else:
            kept += content[mark.row + 1 : close]
        done = (mark.row if close is None else close) + 1
    return [*kept, *content[done:]], unclosed
