"""The parser for the two written formats, newsletter and review (`docs/sources.md`).

A heading with "daily papers" and a date begins a digest. A heading with an arXiv id begins a paper. In a
review, the paper's link or the summary's label follows that heading, since summaries have headings too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from bot.archive import arxiv_ids, date_reader, fields, markdown_lines, summaries
from storage import errors
from storage.models import Digest, DigestFormat, Entry, Problem, Section

_DAILY_PAPERS = re.compile(r"daily\s{1,3}papers?|데일리\s?페이퍼|오늘의\s?논문", re.IGNORECASE)
NO_PAPERS = "there is no paper in a known form under this date"


@dataclass(slots=True)
class _Paper:
    """A paper being parsed. `line` is its heading's line number, from 1."""

    line: int
    arxiv_id: str
    title: str | None
    url: str
    votes: int | None = None
    authors: tuple[str, ...] = ()
    authors_truncated: bool = False
    thumbnail: str | None = None
    video: str | None = None
    sections: tuple[Section, ...] = ()


class _Heading(NamedTuple):
    """A heading, with its paper if it contains an arXiv id."""

    row: int
    level: int
    text: str
    paper: fields.PaperHeading | None = None


class _Day(NamedTuple):
    """A section under a dated heading: the text's rows, the heading, its subheadings, the row of the next."""

    rows: Sequence[str]
    heading: _Heading
    below: Sequence[_Heading]
    end: int


@dataclass(slots=True)
class _Parts:
    """The rows and papers of all days with one format and date: a repeated date continues a digest."""

    papers: list[_Paper] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)


def parse(rows: Sequence[str]) -> tuple[Digest, ...]:
    """Return a text's digests in the order of their first dates, or an empty tuple if it has another format.

    Raises NotADigestError if all dates are impossible, so that the papers are not dated in another way.
    """
    headings: list[_Heading] = []
    count, cut = 0, list[Problem]()
    for heading in markdown_lines.find_headings(rows):
        paper = fields.parse_paper_heading(heading.text)
        count += paper is not None
        if count > fields.MAX_PAPERS:
            rows, cut = rows[: heading.row], [fields.describe_cut(heading.row)]
            break
        headings.append(_Heading(*heading, paper))
    days = [number for number, heading in enumerate(headings) if _is_date(heading)]
    if not days:
        return ()
    parts: dict[tuple[DigestFormat, date], _Parts] = {}
    stray = [*_name_left_out(headings[: days[0]]), *cut]
    for number, following in pairwise([*days, len(headings)]):
        head, below = headings[number], headings[number + 1 : following]
        day = _Day(rows, head, below, (*headings[following:], _end_at(len(rows)))[0].row)
        on = date_reader.find_date(head.text)
        if on is None:
            stray += [_problem(head.row, "its date does not exist", head.text), *_name_left_out(below)]
            continue
        form = _detect(day)
        papers, problems, end = _PARSERS[form](day)
        if not papers and any(map(_is_text, rows[head.row + 1 : end])):
            stray.append(_problem(head.row, NO_PAPERS, head.text))
            continue
        part = parts.setdefault((form, on), _Parts())
        part.papers += papers
        part.problems += problems + _name_left_out(other for other in below if other.row >= end)
        part.rows += rows[head.row : end]
    if not parts and any(problem.message.startswith("its date") for problem in stray):
        raise errors.NotADigestError(f"line {stray[0].line}: {stray[0].message}")
    return tuple(
        _build(form, on, part, () if number else stray)
        for number, ((form, on), part) in enumerate(parts.items())
    )


def _end_at(row: int) -> _Heading:
    """Return a placeholder heading at the row where the last paper or day ends."""
    return _Heading(row, 1, "")


def _is_date(heading: _Heading) -> bool:
    is_named = _DAILY_PAPERS.search(heading.text) is not None
    return is_named and heading.paper is None and date_reader.has_date(heading.text)


def _is_text(line: str) -> bool:
    return bool(line.strip()) and not markdown_lines.is_thematic_break(line)


def _problem(row: int, message: str, line: str) -> Problem:
    return Problem(row + 1, f"{message}: {markdown_lines.excerpt(line)}")


def _name_left_out(headings: Iterable[_Heading]) -> list[Problem]:
    """Return a problem for each paper that is left out because it is outside a dated digest."""
    return [
        Problem(row + 1, f"{paper.arxiv_id} is outside a dated digest and is left out")
        for row, _, _, paper in headings
        if paper
    ]


def _build(form: DigestFormat, on: date, part: _Parts, stray: Sequence[Problem]) -> Digest:
    """Build a digest with entries ranked from 1. If a paper repeats, only its first entry counts."""
    entries: dict[str, Entry] = {}
    problems = [*part.problems, *stray]
    for paper in part.papers:
        if paper.arxiv_id in entries:
            problems.append(Problem(paper.line, f"{paper.arxiv_id} is listed again; only the first is used"))
            continue
        sections = tuple(fields.cut_sections(paper.sections))
        entries[paper.arxiv_id] = Entry(
            rank=len(entries) + 1,
            arxiv_id=paper.arxiv_id,
            title=paper.title,
            url=paper.url,
            votes=paper.votes,
            authors=paper.authors[: fields.MAX_AUTHORS],
            authors_truncated=paper.authors_truncated,
            thumbnail=paper.thumbnail,
            video=paper.video,
            sections=sections,
            summary_missing=summaries.find_basis(sections) is summaries.Basis.NONE,
        )
    problems.sort(key=lambda problem: problem.line)
    return Digest(form, on, tuple(entries.values()), tuple(problems), "\n".join(part.rows).rstrip() + "\n")


def _detect(day: _Day) -> DigestFormat:
    """Return REVIEW if a link or a summary's label follows a paper's heading, else NEWSLETTER."""
    if "📰" in day.heading.text:
        return DigestFormat.REVIEW
    is_review = any(heading.paper and _is_marked(day, heading) for heading in day.below)
    return DigestFormat.REVIEW if is_review else DigestFormat.NEWSLETTER


# Fields above a paper's text, in both formats.


def _read_field(line: str, paper: _Paper, problems: list[Problem], row: int) -> bool:
    """Read votes, authors, cover or video from a line. Returns True for these and for lines of markup."""
    if labelled := fields.parse_labelled_field(line):
        name, value = labelled
        if name == "authors":
            paper.authors, paper.authors_truncated = fields.parse_authors(value)
        elif paper.votes is None:
            paper.votes, is_understood = fields.parse_votes(value)
            if not is_understood:
                problems.append(_problem(row, "votes that are not a number", line))
        return True
    if media := fields.parse_media(line):
        picture, video = media
        paper.thumbnail, paper.video = paper.thumbnail or picture, paper.video or video
        return True
    return line.startswith("<") and line.endswith(">") and "://" not in line


# The newsletter, in which a paper's text is a list of bullets.

_BULLET = re.compile(r"[-*+•](?:[ \t]+|$)")


def _parse_newsletter(day: _Day) -> tuple[list[_Paper], list[Problem], int]:
    """Return a newsletter's papers, problems and end row. A heading at or above the date's level ends the newsletter.

    At the papers' level, a heading without an id is a problem, and its text is left out. A lower heading
    belongs to the paper above it.
    """
    end = next((heading.row for heading in day.below if heading.level <= day.heading.level), day.end)
    inside = [heading for heading in day.below if heading.row < end]
    level = next((heading.level for heading in inside if heading.paper), 0)
    starts = [heading for heading in inside if heading.paper or heading.level <= level]
    papers: list[_Paper] = []
    problems = _find_stray_text(day, starts)
    for heading, following in pairwise([*starts, _end_at(end)]):
        if heading.paper is None:
            message = "a heading without an arXiv ID; the text under it is left out"
            problems.append(_problem(heading.row, message, heading.text))
            continue
        arxiv_id, title, url = heading.paper
        paper = _Paper(heading.row + 1, arxiv_id, title, url or arxiv_ids.abstract_url(arxiv_id))
        lines = _read_fields(day.rows, heading.row + 1, following.row, paper, problems)
        paper.sections = summaries.drop_refusal(tuple(_read_bullets(lines)))
        papers.append(paper)
    return papers, problems, end


def _find_stray_text(day: _Day, starts: Sequence[_Heading]) -> list[Problem]:
    """Return a problem for the first text between a date's heading and its first paper, if there is any."""
    for row in range(day.heading.row + 1, starts[0].row if starts else 0):
        if _is_text(day.rows[row]):
            return [_problem(row, "text that does not belong to a paper", day.rows[row])]
    return []


def _read_fields(
    rows: Sequence[str], start: int, end: int, paper: _Paper, problems: list[Problem]
) -> list[str]:
    """Parse the fields above a paper's first bullet, and return the other lines."""
    lines: list[str] = []
    for row in range(start, end):
        line = rows[row]
        if _BULLET.match(line):
            return [*lines, *rows[row:end]]
        if not line or not _read_field(line.strip(), paper, problems, row):
            lines.append(line)
    return lines


def _read_bullets(lines: Iterable[str]) -> Iterable[Section]:
    """Yield a section per bullet with its continuation lines, and one for any text above the first bullet."""
    items: list[tuple[str | None, list[str]]] = []
    for line in lines:
        if markdown_lines.is_thematic_break(line) and not line.startswith(" "):
            continue
        if bullet := _BULLET.match(line):
            heading, text = fields.split_heading(line[bullet.end() :].strip())
            items.append((heading, [text]))
        elif items:
            items[-1][1].append(line if line.strip() else "")
        elif line.strip():
            items.append((None, [line.strip()]))
    for heading, (text, *rest) in items:
        body = "\n".join(markdown_lines.trim_lines([text, *markdown_lines.dedent(rest)])).rstrip()
        if body:
            yield Section(heading, body)


# The review, in which a paper's text is a summary with chapters.

_LINK_MARK = "🔗"
_LABEL = re.compile(
    r"(?:#{1,6}\s|\*\*)?(?:summary|요약)(?:\*\*\s?[:：]?|\s?[:：](?:\*\*)?|(?=\s*$))\s*", re.IGNORECASE
)
_TITLE_LABEL = re.compile(r"\**(?:title|제목)\**\s?[:：]\**\s*", re.IGNORECASE)
_SUMMARY_PREFIX = re.compile(
    r"\[?(?:논문\s?)?(?:요약|제목|리뷰|(?:paper\s)?(?:summary|review)|title)\s?(?:[:：\]]|[-–—|]\s|$)\s?",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"[0-9]{1,3}[.)]\s")
_BOLD_LINE = re.compile(r"([0-9]{1,3}[.)]\s+)?\*\*([0-9]{1,3}[.)]\s)?([^*]{1,200})\*\*\s?[:：]?\s*")
_QUOTES = ('""', "''", "“”", "‘’", "「」", "『』", "《》")
_COLONS = " :："


def _parse_review(day: _Day) -> tuple[list[_Paper], list[Problem], int]:
    """Return a review's papers, problems and end row. The next date ends the review."""
    starts = [
        heading
        for heading in day.below
        if (heading.paper and heading.paper.title is None) or _is_marked(day, heading)
    ]
    papers: list[_Paper] = []
    problems = _find_stray_text(day, starts)
    for heading, following in pairwise([*starts, _end_at(day.end)]):
        if heading.paper is None:
            problems.append(
                _problem(heading.row, "a paper without an arXiv ID; it is left out", heading.text)
            )
            continue
        arxiv_id, title, url = heading.paper
        paper = _Paper(heading.row + 1, arxiv_id, None, url or arxiv_ids.huggingface_url(arxiv_id))
        lines = _read_header(day.rows, heading.row + 1, following.row, paper, problems)
        own_title, sections = _parse_chapters(_unwrap(lines))
        paper.title = own_title or paper.title or title
        paper.sections = summaries.drop_refusal(sections)
        papers.append(paper)
    return papers, problems, day.end


def _is_marked(day: _Day, heading: _Heading) -> bool:
    """Return whether the text below a heading begins with the paper's link or the summary's label.

    If the heading has no id, only a line that starts with the link's mark counts.
    """
    below = day.rows[heading.row + 1 : min(heading.row + 4, day.end)]
    line = next((line.strip() for line in below if line.strip()), "")
    if line.startswith(_LINK_MARK) or heading.paper is None:
        return line.startswith(_LINK_MARK)
    return arxiv_ids.parse_link_at(line, 0) is not None or _LABEL.match(line) is not None


def _read_header(
    rows: Sequence[str], start: int, end: int, paper: _Paper, problems: list[Problem]
) -> list[str]:
    """Parse the fields above a paper's summary, and return the summary's lines."""
    for row in range(start, end):
        line = rows[row].strip()
        if label := _LABEL.match(line):
            return [line[label.end() :], *rows[row + 1 : end]]
        if link := arxiv_ids.find_link(line) if line.startswith((_LINK_MARK, "http")) else None:
            paper.url = link[1] if link[0] == paper.arxiv_id else paper.url
        elif title := _TITLE_LABEL.match(line):
            paper.title = line[title.end() :].strip(" *") or None
        elif line and not _read_field(line, paper, problems, row):
            return [*rows[row:end]]
    return []


def _unwrap(lines: Sequence[str]) -> Sequence[str]:
    """Remove the Markdown fence that a model put around a summary, but keep text above the fence."""
    fences = [row for row, line in enumerate(lines) if markdown_lines.is_fence(line)]
    if not fences or not markdown_lines.is_markdown_fence(lines[fences[0]]):
        return lines
    close = fences[-1] if len(fences) > 1 else None
    return [line for row, line in enumerate(lines) if row not in (fences[0], close)]


class _Chapter(NamedTuple):
    """A possible chapter heading. `notation` is `#` or a form of bold text, which has level 0."""

    row: int
    level: int
    text: str
    notation: str


def _parse_chapters(rows: Sequence[str]) -> tuple[str | None, tuple[Section, ...]]:
    """Return a summary's title and sections. Text above the first chapter is a section without a heading.

    Chapters begin at `#` headings of the first heading's level or higher. Without `#` headings they begin at
    bold lines in the notation of the first one: `**1. Words**`, `1. **Words**` or `**Words**`.
    """
    code = markdown_lines.find_code_rows(rows)
    possible = (_read_chapter(row, line) for row, line in enumerate(rows) if row not in code)
    candidates = [chapter for chapter in possible if chapter]
    title = candidates[0] if candidates and _is_title(candidates) else None
    chapters = _choose_chapters(candidates[1:] if title else candidates)
    starts = [(None, -1), *((chapter.text, chapter.row) for chapter in chapters), (None, len(rows))]
    sections: list[Section] = []
    for (heading, start), (_, stop) in pairwise(starts):
        lines = [rows[row] for row in range(start + 1, stop) if not title or row != title.row]
        body = "\n".join(markdown_lines.dedent(markdown_lines.trim_lines(lines))).rstrip()
        if body:
            sections.append(Section(heading, body))
    return (_clean_title(title.text) if title else None), tuple(sections)


def _read_chapter(row: int, line: str) -> _Chapter | None:
    if heading := markdown_lines.parse_heading(row, line):
        text = heading.text.replace("**", "").strip(" *_").rstrip(_COLONS)
        return _Chapter(row, heading.level, text, "#") if text else None
    bold = _BOLD_LINE.fullmatch(line)
    if not bold:
        return None
    outer, inner, text = bold.groups(default="")
    notation = "1. **" if outer else "**1. " if inner else "**"
    return _Chapter(row, 0, outer + inner + text.strip().rstrip(_COLONS), notation)


def _is_title(candidates: Sequence[_Chapter]) -> bool:
    """Return whether the first heading is the title: it starts with "summary", or is the only level-1 one."""
    first = candidates[0]
    prefix = _SUMMARY_PREFIX.match(first.text)
    if prefix and (first.level < 2 or prefix.end() < len(first.text)):
        return True
    is_numbered = _NUMBERED.match(first.text) is not None
    return first.level == 1 and not is_numbered and all(other.level != 1 for other in candidates[1:])


def _choose_chapters(candidates: Sequence[_Chapter]) -> list[_Chapter]:
    """Return the headings that begin chapters, skipping headings inside chapters."""
    hashes = [candidate for candidate in candidates if candidate.notation == "#"]
    if hashes:
        return [candidate for candidate in hashes if candidate.level <= hashes[0].level]
    notations = [candidate.notation for candidate in candidates]
    chosen = "**1. " if "**1. " in notations else notations[0] if notations else ""
    return [candidate for candidate in candidates if candidate.notation == chosen]


def _clean_title(text: str) -> str | None:
    """Return the title without a leading "summary" and surrounding quotes, or None if it is empty."""
    prefix = _SUMMARY_PREFIX.match(text)
    text = (text[prefix.end() :] if prefix else text).strip()
    if len(text) > 2 and text[0] + text[-1] in _QUOTES and text[-1] not in text[1:-1]:
        text = text[1:-1].strip()
    return text or None


_PARSERS: Mapping[DigestFormat, Callable[[_Day], tuple[list[_Paper], list[Problem], int]]] = {
    DigestFormat.NEWSLETTER: _parse_newsletter,
    DigestFormat.REVIEW: _parse_review,
}
