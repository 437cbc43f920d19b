"""The review format: a dated heading, then per paper a heading with its id, its link, and a summary in chapters.

The title and the chapters of a summary are found in any notation that language models write them in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from bot.archive import arxiv_ids, markdown_lines, summaries
from bot.archive import headings as archive_headings
from storage.models import Problem, Section

_SUMMARY_PREFIX = re.compile(
    r"\[?\s?(?:논문\s?(?:상세\s?|핵심\s?|전체\s?)?(?:요약|제목|리뷰|분석)|제목|(?:paper\s)?(?:summary|review)|title)\s?"
    r"(?:\]\s?[:：]?|[:：]|[-–—|]\s|$)\s?",
    re.IGNORECASE,
)
_QUOTES = (*zip("\"'“‘「『《<", "\"'”’」』》>", strict=True), ("**", "**"), ("*", "*"), ("`", "`"))
_HEADING_STARTS = frozenset("# *_0123456789")
_COLONS = " :："
LINK_MARK = "🔗"
_LINK_STARTS = (LINK_MARK, "http://", "https://", "<http")


def parse_chapters(rows: Sequence[str]) -> tuple[str | None, tuple[Section, ...]]:
    """Title and sections. Text before the first chapter is a section without heading.

    Chapters begin at the `#` headings of the first one's level or above; without `#` headings, at the bold lines in
    the notation of the first: `**1. Words**`, `1. **Words**` or `**Words**`.
    """
    fenced_rows = markdown_lines.find_fenced_rows(rows, 0, len(rows))
    possible = (
        _parse_heading_candidate(row, line)
        for row, line in enumerate(rows)
        if line and line[0] in _HEADING_STARTS and row not in fenced_rows
    )
    candidates = [candidate for candidate in possible if candidate]
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
) -> Section:
    body = [rows[row] for row in span if row not in skipped]
    return Section(heading, "\n".join(markdown_lines.dedent(markdown_lines.trim_lines(body))).rstrip())


def _parse_heading_candidate(row: int, line: str) -> markdown_lines.Heading | None:
    """The heading of a chapter that a line may be; a bold line has level 0."""
    is_hash = line.lstrip(" ").startswith("#") and line[:4].strip()
    if is_hash and (heading := markdown_lines.parse_heading(row, line)):
        text = _strip_markup(heading.text)
        return markdown_lines.Heading(row, heading.level, text) if heading.text else None
    if line.startswith("  "):
        return None
    number, rest = markdown_lines.split_number(line.strip())
    bold = markdown_lines.parse_bold(rest) if rest.startswith(("**", "__")) and len(rest) < 200 else None
    if not bold or bold[1].strip(_COLONS):
        return None
    notation = "1. **" if number else "**1. " if markdown_lines.split_number(bold[0])[0] else "**"
    return markdown_lines.Heading(row, 0, number + _strip_markup(bold[0]), notation=notation)


def _find_title(
    rows: Sequence[str], candidates: Sequence[markdown_lines.Heading]
) -> markdown_lines.Heading | None:
    """The heading of the whole summary: it begins with "summary", or is the highest and first of the headings."""
    if not candidates:
        return None
    first = candidates[0]
    prefix = _SUMMARY_PREFIX.match(first.text)
    if prefix and (first.level < 2 or prefix.end() < len(first.text)):
        return first
    if first.notation != "#" or markdown_lines.split_number(first.text)[0]:
        return None
    levels = [candidate.level for candidate in candidates[1:] if candidate.notation == "#"]
    if first.level == 1:
        return first if not levels or levels[0] > 1 else None
    blank_above = not any(line.strip() for line in rows[: first.row])
    return first if levels and min(levels) > first.level and blank_above else None


def _select_chapter_headings(candidates: Sequence[markdown_lines.Heading]) -> list[markdown_lines.Heading]:
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
    for opening, closing in _QUOTES:
        inner = text[len(opening) : -len(closing)]
        if len(text) > 2 and text.startswith(opening) and text.endswith(closing) and closing not in inner:
            text = inner.strip()
    return text or None


_SUMMARY_LABEL = re.compile(
    r"(?P<bold>\*\*|__)?(?:summary|요약)\s?(?(bold)(?:(?P=bold)\s?[:：]|[:：]\s?(?P=bold))|[:：])[ \t]*"
    r"|(?:#{1,6}\s)?(?:\*\*)?(?:summary|요약)(?:\*\*)?\s?[:：]?(?:\*\*)?\s{0,9}$",
    re.IGNORECASE,
)


def parse_summary_label(line: str) -> str | None:
    """The text after the label `**Summary**:` of a line, often empty; None for any other line."""
    if line[:1] not in {"*", "_", "#", "S", "s", "요"}:
        return None
    label = _SUMMARY_LABEL.match(line)
    return line[label.end() :].strip() if label else None


_MAX_HEADER_LINES = 15
_WRAPPER_LANGUAGES = frozenset({"", "markdown", "md", "text", "txt", "plaintext"})
_TITLE_LABEL = re.compile(
    r"(?:[-*]\s)?(?:\*\*)?(?:title|제목|논문\s?제목)\s?(?:[:：]\*\*|\*\*\s?[:：]|[:：])[ \t]*", re.IGNORECASE
)


_Start = tuple[int, archive_headings.PaperHeading | None]
"""The row at which a paper begins, and the paper; without one it only ends the paper above."""


def parse_review(dated: archive_headings.DatedRows) -> archive_headings.ParseResult:
    """The papers of one digest.

    Summaries contain headings too, so a paper begins only at a heading that is an id or a linked title, or that is
    followed by a link or the label of a summary.
    """
    rows, day = dated.rows, dated.day
    starts, problems = _find_starts(dated)
    if not starts:
        return archive_headings.ParseResult([], problems, day.end)
    end = _find_end(dated, starts[-1][0])
    problems += archive_headings.find_stray_text(rows, day.heading.row + 1, starts[0][0])
    drafts = []
    limit = archive_headings.PaperLimit()
    stops = [row for row, _ in starts[1:]] + [end]
    for (_, paper), stop in zip(starts, stops, strict=True):
        if paper:
            draft, paper_problems = _parse_paper(
                rows, paper, stop if limit.allows(paper.arxiv_id) else paper.row + 1
            )
            drafts.append(draft)
            problems += paper_problems
    return archive_headings.ParseResult(drafts, problems, end)


def _find_starts(dated: archive_headings.DatedRows) -> tuple[list[_Start], list[Problem]]:
    rows, day, headings, papers_by_row = dated
    of_papers = [heading for heading in headings if heading.row in papers_by_row]
    marked = [heading for heading in of_papers if _has_paper_marker(rows, heading.row, day.end)]
    level = next((heading.level for heading in marked or of_papers), 0)
    code = markdown_lines.FenceTracker(rows, [day.heading.row, *(heading.row for heading in marked), day.end])
    starts: list[_Start] = []
    problems: list[Problem] = []
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
            problems.append(Problem(heading.row + 1, message))
        elif (
            not paper
            and heading.level <= level
            and (start := _start_without_heading_id(rows, heading, starts, day.end))
        ):
            starts.append(start)
            if not start[1]:
                message = (
                    f"a paper without an arXiv id; it is left out: {markdown_lines.excerpt(heading.text)}"
                )
                problems.append(Problem(heading.row + 1, message))
    return starts, problems


def _next_nonblank(rows: Sequence[str], row: int, end: int) -> str:
    """The first of the next three lines that is not blank; empty if all are."""
    return next((line.strip() for line in rows[row + 1 : min(row + 4, end)] if line.strip()), "")


def _has_paper_marker(rows: Sequence[str], row: int, end: int) -> bool:
    """Whether a review's link or the label of its summary follows the heading."""
    following = _next_nonblank(rows, row, end)
    return following.startswith(_LINK_STARTS) or parse_summary_label(following) is not None


def _start_without_heading_id(
    rows: Sequence[str], heading: markdown_lines.Heading, starts: Sequence[_Start], end: int
) -> _Start | None:
    """The start of a paper whose heading has no id but is followed by a link, which may have it, or a summary's label."""
    following = _next_nonblank(rows, heading.row, end)
    is_link = following.startswith(LINK_MARK)
    if is_link and (link := arxiv_ids.find_link(following)):
        arxiv_id, url, _ = link
        above = starts[-1][1] if starts else None
        if above and above.arxiv_id == arxiv_id:
            return None
        row, title = heading.row, heading.text or None
        return row, archive_headings.PaperHeading(row, row + 1, heading.level, arxiv_id, title, url)
    return (heading.row, None) if is_link or parse_summary_label(following) == "" else None


def _find_end(dated: archive_headings.DatedRows, start: int) -> int:
    """The row at which the last summary ends: at a heading of the page around the digest.

    Such a heading has no number, is of the papers' level or above, and follows a rule or the fence of the summary. If
    the summary has other headings of that level, it counts as one of the summary's chapters.
    """
    rows, day, headings, _ = dated
    paper_level = next(heading.level for heading in headings if heading.row == start)
    fenced_rows = markdown_lines.find_fenced_rows(rows, start + 1, day.end)
    all_fences = markdown_lines.find_fences(rows, start, day.end)
    is_wrapped = bool(all_fences) and all_fences[0].is_markdown
    seen_levels: set[int] = set()
    has_content = False
    for heading in headings:
        if heading.row <= start or heading.level > paper_level or heading.is_indented:
            continue
        if heading.row in fenced_rows or markdown_lines.split_number(heading.text)[0]:
            continue
        above = next((row for row in range(heading.row - 1, start, -1) if rows[row].strip()), start)
        if heading.level not in seen_levels and (
            markdown_lines.is_thematic_break(rows[above]) or (is_wrapped and above in fenced_rows)
        ):
            return heading.row
        if has_content or heading.level > 1:
            seen_levels.add(heading.level)
        has_content = True
    return day.end


def _parse_paper(
    rows: Sequence[str], paper: archive_headings.PaperHeading, stop: int
) -> tuple[archive_headings.PaperDraft, list[Problem]]:
    url = paper.url or arxiv_ids.huggingface_url(paper.arxiv_id)
    draft = archive_headings.PaperDraft(paper.row + 1, paper.arxiv_id, None, url)
    first, problems = _read_header(rows, paper.row + 1, stop, draft)
    content = list(rows[first:stop])
    after_label = parse_summary_label(content[0]) if content else None
    if after_label is not None:
        content[0] = after_label
    body, unclosed = _unwrap_fences(content)
    if unclosed is not None:
        problems.append(Problem(first + unclosed + 1, "the fence around this summary is never closed"))
    title, sections = parse_chapters(body)
    draft.title = title or draft.title or paper.title
    draft.sections = summaries.drop_refusal(tuple(section for section in sections if section.body))
    for section in sections:
        if not section.body:
            message = f"a chapter with nothing under it: {markdown_lines.excerpt(section.heading or '')}"
            problems.append(Problem(paper.row + 1, message))
    return draft, problems


def _read_header(
    rows: Sequence[str], start: int, stop: int, draft: archive_headings.PaperDraft
) -> tuple[int, list[Problem]]:
    """Fill `draft` from the lines above the summary; return the row of the summary's start, label included, and problems."""
    problems: list[Problem] = []
    nonblank = [row for row in range(start, min(stop, start + _MAX_HEADER_LINES)) if rows[row].strip()]
    label = next((row for row in nonblank if parse_summary_label(rows[row]) is not None), None)
    for row in nonblank:
        line = rows[row].strip()
        if row == label or (label is None and markdown_lines.is_thematic_break(line)):
            return row, problems
        if _read_header_line(line, draft):
            continue
        if label is None:
            return row, problems
        problems.append(Problem(row + 1, f"a line that is not understood: {markdown_lines.excerpt(line)}"))
    return min(stop, start + _MAX_HEADER_LINES), problems


def _read_header_line(line: str, draft: archive_headings.PaperDraft) -> bool:
    """Fill `draft` from a line above the summary; return whether the line was understood."""
    if line.startswith(_LINK_STARTS):
        arxiv_id, url, _ = arxiv_ids.find_link(line) or (draft.arxiv_id, draft.url, 0)
        if arxiv_id == draft.arxiv_id:
            draft.url = url
        return arxiv_id == draft.arxiv_id
    if title := _TITLE_LABEL.match(line):
        draft.title = draft.title or line[title.end() :].strip(" *") or None
        return True
    if field := archive_headings.parse_labelled_field(line):
        name, value = field
        if name == "authors":
            draft.authors, draft.authors_truncated = archive_headings.parse_authors(value)
            return True
        draft.votes, is_understood = archive_headings.parse_votes(value)
        return is_understood
    media = archive_headings.parse_media(line)
    if media:
        thumbnail, video = media
        draft.thumbnail, draft.video = draft.thumbnail or thumbnail, draft.video or video
    return media is not None


def _unwrap_fences(content: Sequence[str]) -> tuple[list[str], int | None]:
    """The lines of a summary without the fences around it, and the index of a wrapping fence that is never closed.

    A Markdown fence wraps the summary, and so does a bare one at its start; any other is code within it.
    """
    all_fences = markdown_lines.find_fences(content, 0, len(content))
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
        close = markdown_lines.find_markdown_end(content, all_fences, position, len(content))
        kept += content[done : fence.row]
        if close is None:
            unclosed = fence.row
        else:
            kept += content[fence.row + 1 : close]
        done = (fence.row if close is None else close) + 1
    return [*kept, *content[done:]], unclosed
