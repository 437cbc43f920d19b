"""The review format: a dated heading, then per paper a heading with its id, its link, and a summary in chapters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.digests.elements import arxiv_ids, date_headings, labelled_fields, paper_headings, refusals
from bot.digests.markdown import fences, lines
from bot.digests.review import chapters, markers
from storage import models

_MAX_HEADER_LINES = 15
_WRAPPER_LANGUAGES = frozenset({"", "markdown", "md", "text", "txt", "plaintext"})
_TITLE_LABEL = re.compile(
    r"(?:[-*]\s)?(?:\*\*)?(?:title|제목|논문\s?제목)\s?(?:[:：]\*\*|\*\*\s?[:：]|[:：])[ \t]*", re.IGNORECASE
)


_Start = tuple[int, paper_headings.PaperHeading | None]
"""The row at which a paper begins, and the paper; without one it only ends the paper above."""


def parse_review(
    rows: Sequence[str],
    headings: Sequence[lines.Heading],
    papers_by_row: Mapping[int, paper_headings.PaperHeading],
    day: date_headings.DateHeading,
) -> paper_headings.ParseResult:
    """The papers of one digest. `headings` are those below the date heading.

    Summaries contain headings too, so a paper begins only at a heading that is an id or a linked title, or that is
    followed by a link or the label of a summary.
    """
    starts, problems = _find_starts(rows, headings, papers_by_row, day)
    if not starts:
        return [], problems, day.end
    end = _find_end(rows, headings, starts[-1][0], day)
    problems += paper_headings.find_stray_text(rows, day.heading.row + 1, starts[0][0])
    drafts = []
    limit = paper_headings.PaperLimit()
    stops = [row for row, _ in starts[1:]] + [end]
    for (_, paper), stop in zip(starts, stops, strict=True):
        if paper:
            draft, paper_problems = _parse_paper(
                rows, paper, stop if limit.allows(paper.arxiv_id) else paper.row + 1
            )
            drafts.append(draft)
            problems += paper_problems
    return drafts, problems, end


def _find_starts(
    rows: Sequence[str],
    headings: Sequence[lines.Heading],
    papers_by_row: Mapping[int, paper_headings.PaperHeading],
    day: date_headings.DateHeading,
) -> tuple[list[_Start], list[models.Problem]]:
    of_papers = [heading for heading in headings if heading.row in papers_by_row]
    marked = [heading for heading in of_papers if _has_paper_marker(rows, heading.row, day.end)]
    level = next((heading.level for heading in marked or of_papers), 0)
    code = fences.FenceTracker(rows, [day.heading.row, *(heading.row for heading in marked), day.end])
    starts: list[_Start] = []
    problems: list[models.Problem] = []
    for heading in headings:
        paper = papers_by_row.get(heading.row)
        is_titled = heading.text.startswith("[") and heading.level == level
        if paper and (
            _has_paper_marker(rows, heading.row, day.end)
            or ((paper.is_bare_id or is_titled) and not code.contains(heading.row))
        ):
            starts.append((paper.row, paper))
        elif paper and (paper.is_bare_id or heading.text.startswith("[")):
            message = f"{paper.arxiv_id} stands within a summary and is not taken for a paper of its own"
            problems.append(models.Problem(heading.row + 1, message))
        elif (
            not paper
            and heading.level <= level
            and (start := _start_without_heading_id(rows, heading, starts, day.end))
        ):
            starts.append(start)
            if not start[1]:
                message = f"a paper without an arXiv id; it is left out: {lines.excerpt(heading.text)}"
                problems.append(models.Problem(heading.row + 1, message))
    return starts, problems


def _next_nonblank(rows: Sequence[str], row: int, end: int) -> str:
    """The first of the next three lines that is not blank; empty if all are."""
    return next((line.strip() for line in rows[row + 1 : min(row + 4, end)] if line.strip()), "")


def _has_paper_marker(rows: Sequence[str], row: int, end: int) -> bool:
    """Whether a review's link or the label of its summary follows the heading."""
    following = _next_nonblank(rows, row, end)
    return markers.is_link_line(following) or markers.parse_summary_label(following) is not None


def _start_without_heading_id(
    rows: Sequence[str], heading: lines.Heading, starts: Sequence[_Start], end: int
) -> _Start | None:
    """The start of a paper whose heading has no id but is followed by a link, which may have it, or a summary's label."""
    following = _next_nonblank(rows, heading.row, end)
    is_link = following.startswith(markers.LINK_MARK)
    if is_link and (link := arxiv_ids.find_link(following)):
        arxiv_id, url, _ = link
        above = starts[-1][1] if starts else None
        if above and above.arxiv_id == arxiv_id:
            return None
        row, title = heading.row, heading.text or None
        return row, paper_headings.PaperHeading(row, row + 1, heading.level, arxiv_id, title, url)
    return (heading.row, None) if is_link or markers.parse_summary_label(following) == "" else None


def _find_end(
    rows: Sequence[str], headings: Sequence[lines.Heading], start: int, day: date_headings.DateHeading
) -> int:
    """The row at which the last summary ends: at a heading of the page around the digest.

    Such a heading has no number, is of the papers' level or above, and follows a rule or the fence of the summary. If
    the summary has other headings of that level, it counts as one of the summary's chapters.
    """
    paper_level = next(heading.level for heading in headings if heading.row == start)
    fenced_rows = fences.find_fenced_rows(rows, start + 1, day.end)
    all_fences = fences.find_fences(rows, start, day.end)
    is_wrapped = bool(all_fences) and all_fences[0].is_markdown
    seen_levels: set[int] = set()
    has_content = False
    for heading in headings:
        if heading.row <= start or heading.level > paper_level or heading.is_indented:
            continue
        if heading.row in fenced_rows or lines.split_number(heading.text)[0]:
            continue
        above = next((row for row in range(heading.row - 1, start, -1) if rows[row].strip()), start)
        if heading.level not in seen_levels and (
            lines.is_thematic_break(rows[above]) or (is_wrapped and above in fenced_rows)
        ):
            return heading.row
        if has_content or heading.level > 1:
            seen_levels.add(heading.level)
        has_content = True
    return day.end


def _parse_paper(
    rows: Sequence[str], paper: paper_headings.PaperHeading, stop: int
) -> tuple[paper_headings.PaperDraft, list[models.Problem]]:
    url = paper.url or arxiv_ids.huggingface_url(paper.arxiv_id)
    draft = paper_headings.PaperDraft(paper.row + 1, paper.arxiv_id, None, url)
    first, problems = _read_header(rows, paper.row + 1, stop, draft)
    content = list(rows[first:stop])
    after_label = markers.parse_summary_label(content[0]) if content else None
    if after_label is not None:
        content[0] = after_label
    body, unclosed = _unwrap_fences(content)
    if unclosed is not None:
        problems.append(models.Problem(first + unclosed + 1, "the fence around this summary is never closed"))
    title, sections = chapters.parse_chapters(body)
    draft.title = title or draft.title or paper.title
    draft.sections = refusals.drop_refusal(tuple(section for section in sections if section.body))
    for section in sections:
        if not section.body:
            message = f"a chapter with nothing under it: {lines.excerpt(section.heading or '')}"
            problems.append(models.Problem(paper.row + 1, message))
    return draft, problems


def _read_header(
    rows: Sequence[str], start: int, stop: int, draft: paper_headings.PaperDraft
) -> tuple[int, list[models.Problem]]:
    """Fill `draft` from the lines above the summary; return the row of the summary's start, label included, and problems."""
    problems: list[models.Problem] = []
    nonblank = [row for row in range(start, min(stop, start + _MAX_HEADER_LINES)) if rows[row].strip()]
    label = next((row for row in nonblank if markers.parse_summary_label(rows[row]) is not None), None)
    for row in nonblank:
        line = rows[row].strip()
        if row == label or (label is None and lines.is_thematic_break(line)):
            return row, problems
        if _read_header_line(line, draft):
            continue
        if label is None:
            return row, problems
        problems.append(models.Problem(row + 1, f"a line that is not understood: {lines.excerpt(line)}"))
    return min(stop, start + _MAX_HEADER_LINES), problems


def _read_header_line(line: str, draft: paper_headings.PaperDraft) -> bool:
    """Fill `draft` from a line above the summary; return whether the line was understood."""
    if markers.is_link_line(line):
        arxiv_id, url, _ = arxiv_ids.find_link(line) or (draft.arxiv_id, draft.url, 0)
        if arxiv_id == draft.arxiv_id:
            draft.url = url
        return arxiv_id == draft.arxiv_id
    if title := _TITLE_LABEL.match(line):
        draft.title = draft.title or line[title.end() :].strip(" *") or None
        return True
    if field := labelled_fields.parse_labelled_field(line):
        name, value = field
        if name == "authors":
            draft.authors, draft.authors_truncated = labelled_fields.parse_authors(value)
            return True
        draft.votes, is_understood = labelled_fields.parse_votes(value)
        return is_understood
    media = labelled_fields.parse_media(line)
    if media:
        thumbnail, video = media
        draft.thumbnail, draft.video = draft.thumbnail or thumbnail, draft.video or video
    return media is not None


def _unwrap_fences(content: Sequence[str]) -> tuple[list[str], int | None]:
    """The lines of a summary without the fences around it, and the index of a wrapping fence that is never closed.

    A Markdown fence wraps the summary, and so does a bare one at its start; any other is code within it.
    """
    all_fences = fences.find_fences(content, 0, len(content))
    first = next((index for index, line in enumerate(content) if line.strip()), 0)
    kept: list[str] = []
    unclosed: int | None = None
    done = 0
    in_code = False
    for position, fence in enumerate(all_fences):
        if fence.row < done:
            continue
        is_wrapper = fence.info in _WRAPPER_LANGUAGES if fence.row == first else fence.is_markdown
        if in_code or unclosed is not None or not is_wrapper:
            in_code = bool(fence.info) or not in_code
            continue
        close = fences.find_markdown_end(content, all_fences, position, len(content))
        kept += content[done : fence.row]
        if close is None:
            unclosed = fence.row
        else:
            kept += content[fence.row + 1 : close]
        done = (fence.row if close is None else close) + 1
    return [*kept, *content[done:]], unclosed
