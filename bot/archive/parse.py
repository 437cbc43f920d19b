"""The entry point of the parsers: bytes to text, text to digests, a digest to the JSON of `paperround parse`.

`FORMATS` has the parser of each format that is written, the newsletter and the review, and the evidence by which it is
detected. JSON is detected by its first character. What is neither may be a list of papers of another form.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple

from bot.archive import arxiv_ids, fields, html_pages, markdown_lines, paper_list, summaries
from storage import errors
from storage.models import Digest, DigestFormat, Entry, Problem, Section

# What the written formats share: entries under construction, and what they lead to.


@dataclass(slots=True)
class PaperDraft:
    """An entry under construction. `line` is that of the paper's heading, from 1."""

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


class ParseResult(NamedTuple):
    """The papers and problems under one date heading, and the row at which the digest ends."""

    drafts: list[PaperDraft]
    problems: list[Problem]
    end: int


_values = attrgetter(*PaperDraft.__slots__[1:])
"""The fields of an entry from its id to its sections."""


def build_entries(drafts: Iterable[PaperDraft]) -> tuple[tuple[Entry, ...], list[Problem]]:
    """Entries ranked from 1 in the order given, and a problem for each repetition.

    A repeated paper counts where it is listed first.
    """
    first: dict[str, PaperDraft] = {}
    problems: list[Problem] = []
    for draft in drafts:
        if first.setdefault(draft.arxiv_id, draft) is not draft:
            message = f"{draft.arxiv_id} is listed again; only the first is used"
            problems.append(Problem(draft.line, message))
    entries: list[Entry] = []
    for draft in first.values():
        draft.authors = draft.authors[: fields.MAX_AUTHORS]
        draft.sections = tuple(fields.cut_sections(draft.sections))
        has_no_summary = summaries.find_basis(draft.sections) is summaries.Basis.NONE
        entries.append(Entry(*(len(entries) + 1, *_values(draft), has_no_summary)))
    return tuple(entries), problems


def find_stray_text(rows: Sequence[str], start: int, end: int) -> list[Problem]:
    """A problem at the first line of the text between a date heading and its first paper, if there is text."""
    for row in range(start, end):
        line = rows[row]
        if line.strip() and not markdown_lines.is_thematic_break(line):
            return [Problem(row + 1, f"text that does not belong to a paper: {markdown_lines.excerpt(line)}")]
    return []


# The newsletter.

_BULLET = re.compile(r"([ \t]*)(?:[-*+](?:[ \t]+|$)|[•‣▪●][ \t]*|([0-9]{1,3})[.)][ \t]+)")
_BULLET_STARTS = frozenset(" \t-*+•‣▪●0123456789")
_MARKUP = re.compile(r"(?:</?[a-zA-Z][^<>]{0,2000}>|<!--|-->|[ \t])*+")
_MAX_DEDENT = 6
_LABELS = 2


@dataclass(slots=True)
class _SectionDraft:
    """A bullet with the lines that continue it, or a low heading (`is_heading_block`) with all lines under it."""

    row: int
    heading: str | None
    text: str
    is_heading_block: bool = False
    continuation: list[str] = field(default_factory=list)
    pending_blank_lines: int = 0

    def append(self, line: str) -> None:
        """Continue the section with a line, and the blank ones before it."""
        self.continuation += [""] * self.pending_blank_lines + [line]
        self.pending_blank_lines = 0


class _BlockParser:
    """Parses the lines under one paper's heading, in order."""

    def __init__(self, rows: Sequence[str], start: int, end: int, draft: PaperDraft) -> None:
        self.problems: list[Problem] = []
        self._draft = draft
        self._rows, self._start, self._end = rows, start, end
        self._fenced_rows: set[int] | None = None
        self._items: list[_SectionDraft] = []
        self._current_item: _SectionDraft | None = None
        self._indent = 0
        self._numbered = False
        self._labels: dict[str, str] = {}
        self._author_lines: list[str] = []
        self._authors_continue = False
        self._stray_lines: list[tuple[int, str]] = []
        self._after_blank = True

    def read_line(self, row: int, line: str) -> None:
        """Parse the next line of the block: it becomes a value, text of a section, or a problem."""
        if not line or line.isspace():
            self._after_blank = True
            self._authors_continue = False
            if self._current_item:
                self._current_item.pending_blank_lines += 1
            return
        item = self._current_item
        # A line that continues code or a low heading, or is a rule, is not a bullet.
        is_bullet = (
            self._items and line.startswith("- ") and not (self._fenced_rows and row in self._fenced_rows)
        )
        if is_bullet and not (item and item.is_heading_block) and not markdown_lines.is_thematic_break(line):
            self._add_bullet(row, line[2:].strip())
        else:
            self._read_other(row, line)
        self._after_blank = False

    def finish(self) -> None:
        """Build the sections after the last line."""
        if self._author_lines:
            authors = fields.parse_authors(" ".join(self._author_lines))
            self._draft.authors, self._draft.authors_truncated = authors
        sections = [self._build_section(item) for item in self._items]
        self._draft.sections = tuple(section for section in sections if section)
        self._handle_stray_lines()
        self._draft.sections = summaries.drop_refusal(self._draft.sections)

    def _read_other(self, row: int, line: str) -> None:
        if self._fenced_rows is None and markdown_lines.is_fence(line):
            self._fenced_rows = markdown_lines.find_fenced_rows(self._rows, self._start, self._end)
        is_code = self._fenced_rows is not None and row in self._fenced_rows
        if line.startswith("<!--") and "-->" in line and not is_code:
            return
        if is_code or not (
            self._read_label(row, line) or self._read_media(line) or self._read_item(row, line)
        ):
            self._read_text(row, line)

    def _read_label(self, row: int, line: str) -> bool:
        if line[0] in " \t-*+•" and (self._items or len(self._labels) == _LABELS):
            return False
        name, value = fields.parse_labelled_field(line) or ("", "")
        if not name or (self._current_item and name in self._labels):
            return False
        if name in self._labels:
            return True
        if name == "votes":
            votes, understood = fields.parse_votes(value)
            if not understood and self._current_item:
                return False
            if not understood:
                self._add_problem(row, "votes that are not a number", line)
            self._draft.votes = votes
        else:
            self._author_lines = [value]
            self._authors_continue = True
        self._labels[name] = value
        return True

    def _read_media(self, line: str) -> bool:
        line = line if self._current_item else line.strip()
        if line[0] not in "![<":
            return False
        media = fields.parse_media(line)
        if not media:
            return not self._current_item and line[0] == "<" and _MARKUP.fullmatch(line) is not None
        thumbnail, video = media
        if self._current_item and ((thumbnail and self._draft.thumbnail) or (video and self._draft.video)):
            return False
        self._draft.thumbnail = self._draft.thumbnail or thumbnail
        self._draft.video = self._draft.video or video
        return True

    def _read_item(self, row: int, line: str) -> bool:
        """Parse a bullet, nested ones included, or a heading below the papers' level."""
        heading = markdown_lines.parse_heading(row, line) if line.lstrip(" ").startswith("#") else None
        if heading and not (self._current_item and heading.is_indented):
            self._add_item(_SectionDraft(row, heading.text.strip("*_ :："), "", is_heading_block=True))
            return True
        if line[0] not in _BULLET_STARTS or markdown_lines.is_thematic_break(line):
            return False
        bullet = _BULLET.match(line)
        if not bullet:
            return False
        indent = len(bullet[1].expandtabs(4))
        numbered = bullet[2] is not None
        if not self._items:
            self._indent, self._numbered = indent, numbered
        item, is_deeper = self._current_item, indent > self._indent + 1
        if item and (is_deeper or (numbered and not self._numbered) or item.is_heading_block):
            item.append(line)
        else:
            self._add_bullet(row, line[bullet.end() :].strip())
        return True

    def _read_text(self, row: int, line: str) -> None:
        if markdown_lines.is_thematic_break(line) and not (self._current_item and line.startswith("  ")):
            self._current_item = None
        elif self._current_item:
            self._current_item.append(line)
        elif self._authors_continue and self._author_lines[-1].endswith((",", ";", "[")):
            self._author_lines.append(line.strip())
        elif line.startswith(("**", "__")) and (parsed := fields.split_heading(line.strip()))[0]:
            self._add_item(_SectionDraft(row, *parsed))
        else:
            is_first = self._after_blank or not self._stray_lines
            self._stray_lines.append((row if is_first else -1, line.strip()))

    def _add_bullet(self, row: int, text: str) -> None:
        heading, body = fields.split_heading(text)
        self._add_item(_SectionDraft(row, heading, body))

    def _add_item(self, item: _SectionDraft) -> None:
        self._items.append(item)
        self._current_item = item

    def _build_section(self, item: _SectionDraft) -> Section | None:
        body = item.text
        if item.continuation:
            if not item.heading and (bold := markdown_lines.parse_bold(item.text)) and not bold[1]:
                item.heading, body = bold[0], ""
            lines = [body, *markdown_lines.dedent(item.continuation, _MAX_DEDENT)]
            body = "\n".join(markdown_lines.trim_lines(lines)).rstrip()
        if item.heading and not body:
            self._add_problem(item.row, "a heading with nothing under it", item.heading)
        return Section(item.heading, body) if body else None

    def _handle_stray_lines(self) -> None:
        """Take text without bullet as the summary if there is no other; otherwise leave it out."""
        text = "\n".join(line for _, line in self._stray_lines)
        if not self._stray_lines or (not self._draft.sections and summaries.is_refusal(text)):
            return
        if not self._draft.sections:
            self._draft.sections = (Section(None, text),)
        for row, stray in self._stray_lines:
            if row >= 0:
                self._add_problem(row, "text outside a bullet", stray)

    def _add_problem(self, row: int, message: str, line: str) -> None:
        self.problems.append(Problem(row + 1, f"{message}: {markdown_lines.excerpt(line)}"))


def parse_block(rows: Sequence[str], start: int, end: int, draft: PaperDraft) -> list[Problem]:
    """Fill `draft` from the rows `start` to `end` (not included) under its heading; return the problems."""
    parser = _BlockParser(rows, start, end, draft)
    for row in range(start, end):
        parser.read_line(row, rows[row])
    parser.finish()
    return parser.problems


_PaperSpan = tuple[fields.PaperHeading, int]


def parse_newsletter(dated: fields.DatedRows) -> ParseResult:
    """The papers of one digest.

    A heading of the date's level or above ends the digest. A heading without id in the place of a paper's is a
    problem, and the text under it is left out; a lower heading belongs to the paper above it.
    """
    rows = dated.rows
    spans, problems, end = _find_paper_spans(dated)
    first = spans[0][0].row if spans else end
    problems += find_stray_text(
        rows, dated.day.heading.row + 1, min(first, *(problem.line - 1 for problem in problems), end)
    )
    drafts = []
    for heading, stop in spans:
        url = heading.url or arxiv_ids.abstract_url(heading.arxiv_id)
        draft = PaperDraft(heading.row + 1, heading.arxiv_id, heading.title, url)
        problems += parse_block(rows, heading.end, stop, draft)
        drafts.append(draft)
    return ParseResult(drafts, problems, end)


def _find_paper_spans(dated: fields.DatedRows) -> tuple[list[_PaperSpan], list[Problem], int]:
    """Each paper's heading with the end of its block, the problems, and the end of the digest."""
    rows, day, headings, papers_by_row = dated
    inside = [heading for heading in headings if heading.row in papers_by_row]
    level = inside[0].level if inside else day.heading.level + 1
    last = inside[-1].row if inside else -1
    spans: list[_PaperSpan] = []
    problems: list[Problem] = []
    opened: fields.PaperHeading | None = None
    code = cache(
        lambda: markdown_lines.find_code_rows(rows, [day.heading.row, *(it.row for it in inside), day.end])
    )
    end = day.end
    for heading in headings:
        paper = papers_by_row.get(heading.row)
        is_within_paper = opened and (heading.level > level or heading.is_indented)
        if not paper and (is_within_paper or heading.row in code()):
            continue
        if opened:
            spans.append((opened, heading.row))
        opened = paper
        if paper:
            continue
        if heading.level <= day.heading.level or (heading.level < level and heading.row > last):
            return spans, problems, heading.row
        excerpt = markdown_lines.excerpt(heading.text)
        message = f"a heading without an arXiv ID; the text under it is left out: {excerpt}"
        problems.append(Problem(heading.row + 1, message))
    if opened:
        spans.append((opened, end))
    return spans, problems, end


# The review.

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
    title_row = title.row if title else -1
    chapters = _select_chapter_headings([it for it in candidates if it.row != title_row])
    starts = [(None, 0), *((chapter.text, chapter.row + 1) for chapter in chapters)]
    stops = [chapter.row for chapter in chapters] + [len(rows)]
    sections: list[Section] = []
    for (heading, start), stop in zip(starts, stops, strict=True):
        body = markdown_lines.trim_lines([rows[row] for row in range(start, stop) if row != title_row])
        text = "\n".join(markdown_lines.dedent(body)).rstrip()
        sections += [Section(heading, text)] if heading or text else []
    return _clean_title(title.text) if title else None, tuple(sections)


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


_Start = tuple[int, fields.PaperHeading | None]
"""The row at which a paper begins, and the paper; without one it only ends the paper above."""


def parse_review(dated: fields.DatedRows) -> ParseResult:
    """The papers of one digest.

    Summaries contain headings too, so a paper begins only at a heading that is an id or a linked title, or that is
    followed by a link or the label of a summary.
    """
    rows, day = dated.rows, dated.day
    starts, problems = _find_starts(dated)
    if not starts:
        return ParseResult([], problems, day.end)
    problems += find_stray_text(rows, day.heading.row + 1, starts[0][0])
    drafts: list[PaperDraft] = []
    stops = [row for row, _ in starts[1:]] + [day.end]
    for (_, paper), stop in zip(starts, stops, strict=True):
        if paper:
            url = paper.url or arxiv_ids.huggingface_url(paper.arxiv_id)
            draft, paper_problems = _parse_paper(rows, paper, stop, url)
            drafts.append(draft)
            problems += paper_problems
    return ParseResult(drafts, problems, day.end)


def _find_starts(dated: fields.DatedRows) -> tuple[list[_Start], list[Problem]]:
    rows, day, headings, papers_by_row = dated
    of_papers = [heading for heading in headings if heading.row in papers_by_row]
    # A review's link or the label of its summary follows the heading.
    marked = {
        heading.row: heading
        for heading in of_papers
        if (following := _next_nonblank(rows, heading.row, day.end)).startswith(_LINK_STARTS)
        or parse_summary_label(following) is not None
    }
    level = next((heading.level for heading in marked.values() or of_papers), 0)
    code = cache(lambda: markdown_lines.find_code_rows(rows, [day.heading.row, *marked, day.end]))
    starts: list[_Start] = []
    problems: list[Problem] = []
    for heading in headings:
        paper = papers_by_row.get(heading.row)
        is_titled = heading.text.startswith("[") and heading.level == level
        may_begin = paper and (paper.title is None or is_titled)
        if paper and (heading.row in marked or (may_begin and heading.row not in code())):
            starts.append((paper.row, paper))
        elif paper and (paper.title is None or heading.text.startswith("[")):
            message = f"{paper.arxiv_id} is mentioned in a summary and does not count as a separate paper"
            problems.append(Problem(heading.row + 1, message))
        elif not paper and heading.level <= level and _is_marked(_next_nonblank(rows, heading.row, day.end)):
            starts.append((heading.row, None))
            message = f"a paper without an arXiv ID; it is left out: {markdown_lines.excerpt(heading.text)}"
            problems.append(Problem(heading.row + 1, message))
    return starts, problems


def _is_marked(following: str) -> bool:
    """Whether the line below a heading without an id is a paper's link, or the label of its summary."""
    return following.startswith(LINK_MARK) or parse_summary_label(following) == ""


def _next_nonblank(rows: Sequence[str], row: int, end: int) -> str:
    """The first of the next three lines that is not blank; empty if all are."""
    return next((line.strip() for line in rows[row + 1 : min(row + 4, end)] if line.strip()), "")


def _parse_paper(
    rows: Sequence[str], paper: fields.PaperHeading, stop: int, url: str
) -> tuple[PaperDraft, list[Problem]]:
    draft = PaperDraft(paper.row + 1, paper.arxiv_id, None, url)
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


def _read_header(rows: Sequence[str], start: int, stop: int, draft: PaperDraft) -> tuple[int, list[Problem]]:
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


def _read_header_line(line: str, draft: PaperDraft) -> bool:
    """Fill `draft` from a line above the summary; return whether the line was understood."""
    if line.startswith(_LINK_STARTS):
        arxiv_id, url, _ = arxiv_ids.find_link(line) or (draft.arxiv_id, draft.url, 0)
        if arxiv_id == draft.arxiv_id:
            draft.url = url
        return arxiv_id == draft.arxiv_id
    if title := _TITLE_LABEL.match(line):
        draft.title = draft.title or line[title.end() :].strip(" *") or None
        return True
    if field := fields.parse_labelled_field(line):
        name, value = field
        if name == "authors":
            draft.authors, draft.authors_truncated = fields.parse_authors(value)
            return True
        draft.votes, is_understood = fields.parse_votes(value)
        return is_understood
    media = fields.parse_media(line)
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


# Formats and texts.

_SAMPLED_PAPERS = 2
_SAMPLED_LINES = 12
_LINE_WEIGHT = 2


@dataclass(frozen=True, slots=True)
class FormatParser:
    """A digest format. `bare_ids`: its papers' headings are ids without a title. `date_marks`, in lower case, are
    found only in its date headings."""

    parse: Callable[[fields.DatedRows], ParseResult]
    is_typical_line: Callable[[str], bool]
    bare_ids: bool = False
    date_marks: tuple[str, ...] = ()


FORMATS: Mapping[DigestFormat, FormatParser] = {
    DigestFormat.NEWSLETTER: FormatParser(
        parse_newsletter,
        lambda line: line.startswith(("Vote", "Author")) and fields.parse_labelled_field(line) is not None,
    ),
    DigestFormat.REVIEW: FormatParser(
        parse_review,
        lambda line: parse_summary_label(line) == "" or line.startswith(LINK_MARK),
        bare_ids=True,
        date_marks=("📰", "hugging face"),
    ),
}


def detect_format(dated: fields.DatedRows, papers: Sequence[fields.PaperHeading]) -> DigestFormat:
    """The format of the first papers under a date heading; without papers, the one that the date heading suggests.

    The content alone decides, never a file's name. The first format of the registry wins a tie.
    """
    day = dated.day
    if not papers:
        text = day.heading.text.lower()
        marked = (name for name, form in FORMATS.items() if any(mark in text for mark in form.date_marks))
        return next(marked, DigestFormat.NEWSLETTER)
    scores = dict.fromkeys(FORMATS, 0)
    for index, paper in enumerate(papers[:_SAMPLED_PAPERS]):
        stop = papers[index + 1].row if index + 1 < len(papers) else day.end
        sample = list(_sample_lines(dated.rows, paper.row + 1, stop))
        for name, form in FORMATS.items():
            scores[name] += form.bare_ids is (paper.title is None)
            scores[name] += _LINE_WEIGHT * sum(map(form.is_typical_line, sample))
    return max(scores, key=scores.__getitem__)


def _sample_lines(rows: Sequence[str], start: int, stop: int) -> Iterator[str]:
    """The first lines under a paper's heading, up to another one, a summary's label or a fence: text below may say anything."""
    for line in rows[start : min(stop, start - 1 + _SAMPLED_LINES)]:
        is_label = parse_summary_label(line) == ""
        if markdown_lines.is_fence(line) or (line.startswith("#") and not is_label):
            return
        yield line
        if is_label:
            return


FILE_SUFFIXES = frozenset({".md", ".markdown", ".txt", ".json", ".jsonl", ".html", ".htm"})
"""Suffixes of digest files, in lower case."""

MAX_BYTES = 20 * 1024 * 1024
"""The largest file that is read, as large as a page of a source. Years of digests fit, and one day is far smaller."""

NO_DATE = paper_list.NO_PAPER
"""The reason for a text without any paper and date."""
_NO_PAPERS = "there is no paper in a known form under this date"


class _Segment(NamedTuple):
    """The rows between two date headings. Without `date` they are not a digest, but may have problems."""

    start: int
    end: int
    problems: list[Problem]
    format: DigestFormat = DigestFormat.NEWSLETTER
    date: date | None = None
    drafts: Sequence[PaperDraft] = ()


_JSON_START = re.compile(r"\s*(?:\{(?![{%])|\[\s*[\[{\]])")
_HTML_BLOCK_TAG = re.compile(
    r"<(?:!doctype\s|html|head|body|h[1-6]|p|ul|ol|li|div|article|section|pre|br)\b", re.IGNORECASE
)
_PAGE_START = re.compile(r"\s{0,1000}<(?:!doctype\s|html|head|body|\?xml)\b", re.IGNORECASE)
_MARKDOWN_MARK = re.compile(r"^(?:#{1,6}[ \t]|[ \t]{0,3}[-*+][ \t]|\|)|\]\(https?://", re.MULTILINE)
_SNIFF_LENGTH = 20_000


def is_json(text: str) -> bool:
    """Whether a text begins as JSON objects and lists of them do, and Markdown with a link or a template does not."""
    return _JSON_START.match(text) is not None


def is_html(text: str) -> bool:
    """Whether a text is a page or a fragment of HTML, by its beginning.

    A fragment has block elements and no mark of Markdown: Markdown may have HTML within it, HTML no headings with `#`.
    """
    if _PAGE_START.match(text):
        return True
    has_blocks = _HTML_BLOCK_TAG.search(text, 0, _SNIFF_LENGTH) is not None
    return has_blocks and _MARKDOWN_MARK.search(text, 0, _SNIFF_LENGTH) is None


def decode(data: bytes) -> str:
    """A file's bytes as text: UTF-8, or UTF-16 with a byte order mark. Raises NotADigestError for anything else."""
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 2**20:.0f} MB"
        raise errors.NotADigestError(f"it is {size}; a digest file may be at most {MAX_BYTES >> 20} MB")
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


def parse_text(
    text: str, name: str = "", on: date | None = None, listing_form: DigestFormat = DigestFormat.LISTING
) -> tuple[Digest, ...]:
    """All digests of a text of any format, in the order of their first dates. Pages of HTML are read as Markdown.

    `name`, its path or address, may have the date of a list; `on` is the day of papers without any date. What says of itself
    that it is a service's listing has the `listing_form`: a publisher's is a list. Raises NotADigestError, with the reason, if
    there is no digest. All other content that is not understood is among the problems of the digest that contains or
    precedes it.
    """
    text = markdown_lines.normalise(text)
    if not text or text.isspace():
        raise errors.NotADigestError("it is empty")
    if is_json(text):
        return paper_list.parse_json(text, name, on, listing_form)
    if is_html(text):
        text = html_pages.to_markdown(text)
    rows = text.split("\n")
    try:
        written = _parse_written(rows)
    except errors.NotADigestError as reason:
        if "does not exist" in str(reason):
            raise  # it is dated, so its papers are not those of another day
        try:
            return paper_list.parse(rows, name, on)
        except errors.NotADigestError as error:
            # What is there says more than what is not: papers without a form or a date, before a date without papers.
            raise (reason if str(error) == NO_DATE else error) from None
    if not any(map(_is_typical, written)):
        with suppress(errors.NotADigestError):
            listed = paper_list.parse(rows, name, on)
            found, known = _count_papers(listed), _count_papers(written)
            # More problems than papers: a list that has a newsletter's headings and other texts below them.
            is_strained = sum(len(digest.problems) for digest in written) > known
            if found > known or (found == known and is_strained):
                return listed
    return written


_UNKNOWN_VOTES = "Vote: -"
"""What newsletters have below a paper whose votes are not known."""


def _is_typical(digest: Digest) -> bool:
    """Whether a digest has what only its format has, and so cannot be a list that looks like it."""
    if digest.format is DigestFormat.REVIEW:
        return any(entry.sections for entry in digest.entries)
    if any(entry.votes is not None or entry.authors for entry in digest.entries):
        return True
    return _UNKNOWN_VOTES in digest.text.split("\n")


def _count_papers(digests: Iterable[Digest]) -> int:
    return sum(len(digest.entries) for digest in digests)


def _parse_written(rows: Sequence[str]) -> tuple[Digest, ...]:
    """The digests of the two written formats. A repeated date continues its digest. Raises NotADigestError for none."""
    headings = markdown_lines.find_headings(rows)
    papers_by_row = {
        paper.row: paper for heading in headings if (paper := fields.parse_paper_heading(heading, rows))
    }
    days = fields.find_date_headings(headings, papers_by_row, len(rows))
    if not days:
        raise errors.NotADigestError(NO_DATE)
    first_row = days[0].heading.row
    above = [paper for paper in papers_by_row.values() if paper.row < first_row]
    segments = [_Segment(0, first_row, _undated_paper_problems(above))]
    for day in days:
        start = bisect_left(headings, day.heading.row + 1, key=attrgetter("row"))
        below = headings[start : bisect_left(headings, day.end, key=attrgetter("row"))]
        segments.append(_parse_segment(fields.DatedRows(rows, day, below, papers_by_row)))
    groups = _group_segments(segments)
    if not groups:
        raise errors.NotADigestError(_rejection_reason(segments, days))
    return tuple(_build_digest(rows, *key, group) for key, group in groups.items())


def _parse_segment(dated: fields.DatedRows) -> _Segment:
    """The digest under a date heading, or the reason why there is none."""
    rows, day, headings, papers_by_row = dated
    start = day.heading.row
    papers = [papers_by_row[heading.row] for heading in headings if heading.row in papers_by_row]
    error = day.error
    if day.date:
        digest_format = detect_format(dated, papers)
        drafts, problems, end = FORMATS[digest_format].parse(dated)
        if drafts or (day.mentions_papers and not find_stray_text(rows, start + 1, end)):
            left_out = _undated_paper_problems(paper for paper in papers if paper.row >= end)
            end = day.end if left_out else end
            return _Segment(start, end, problems + left_out, digest_format, day.date, drafts)
        error = _NO_PAPERS
    if not papers and not day.mentions_papers:
        return _Segment(start, day.end, [])
    problem = Problem(start + 1, f"{error}: {markdown_lines.excerpt(day.heading.text)}")
    return _Segment(start, day.end, [problem, *_undated_paper_problems(papers)])


def _undated_paper_problems(papers: Iterable[fields.PaperHeading]) -> list[Problem]:
    """A problem for each paper outside all dated digests: it is named, not parsed."""
    return [
        Problem(paper.row + 1, f"{paper.arxiv_id} is outside a dated digest and is left out")
        for paper in papers
    ]


def _group_segments(segments: Sequence[_Segment]) -> dict[tuple[DigestFormat, date], list[_Segment]]:
    """The segments of each digest. A segment without one joins the digest before it, or else the first."""
    groups: dict[tuple[DigestFormat, date], list[_Segment]] = {}
    group: list[_Segment] = []
    for segment in segments:
        if segment.date:
            leading = [] if groups else group
            group = groups.setdefault((segment.format, segment.date), [])
            group += [*leading, segment]
        elif segment.problems:
            group.append(segment)
    return groups


def _build_digest(rows: Sequence[str], form: DigestFormat, on: date, group: Sequence[_Segment]) -> Digest:
    entries, repeated = build_entries(draft for segment in group for draft in segment.drafts)
    problems = [problem for segment in group for problem in segment.problems] + repeated
    problems.sort(key=lambda problem: problem.line)
    return Digest(form, on, entries, tuple(problems), _join_rows(rows, group))


def _join_rows(rows: Sequence[str], group: Sequence[_Segment]) -> str:
    """The rows of the segments with one line end at the end, joined in one copy."""
    kept = [row for segment in group for row in islice(rows, segment.start, segment.end)]
    while kept and (not kept[-1] or kept[-1].isspace()):
        kept.pop()
    if kept:
        kept[-1] = kept[-1].rstrip()
    return "\n".join([*kept, ""]) if kept else "\n"


def _rejection_reason(segments: Sequence[_Segment], days: Sequence[fields.DateHeading]) -> str:
    """Why a text with date headings has no digest: its first problem."""
    problems = [problem for segment in segments[1:] for problem in segment.problems]
    if problems:
        return f"line {problems[0].line}: {problems[0].message}"
    day = next((day for day in days if day.error), days[0])
    return (
        f"line {day.heading.row + 1}: {day.error or _NO_PAPERS}: {markdown_lines.excerpt(day.heading.text)}"
    )


def digest_to_json(digest: Digest, file: str) -> dict[str, Any]:
    """Return the JSON object of a digest. Keys and their order are a contract. `file` is the file's name to print."""
    return {
        "file": file,
        "format": digest.format.value,
        "date": digest.date.isoformat(),
        "papers": [paper_to_json(entry) for entry in digest.entries],
        "problems": [asdict(problem) for problem in digest.problems],
    }


def paper_to_json(entry: Entry) -> dict[str, Any]:
    """Return the JSON object of a paper in a digest."""
    record = asdict(entry)
    return record | {"authors": list(entry.authors), "sections": list(record["sections"])}
