"""The newsletter format: a dated heading, then per paper a linked heading, votes, authors and highlights.

The lines under a paper are labelled values, a cover, and bullets, which become sections. `parse_simple_block` parses the most
common shape of them faster: parsing takes 3.7 times the line scan of `python -m bench ingest` with it and 6.2 times without;
the aim is at most 4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.archive import arxiv_ids, fields, markdown_lines, summaries
from bot.archive import headings as archive_headings
from storage.models import Problem, Section

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

    def body(self) -> str:
        if not self.continuation:
            return self.text
        return "\n".join(
            markdown_lines.trim_lines([self.text, *markdown_lines.dedent(self.continuation, _MAX_DEDENT)])
        ).rstrip()


class _BlockParser:
    """Parses the lines under one paper's heading, in order."""

    def __init__(self, rows: Sequence[str], start: int, end: int, draft: archive_headings.PaperDraft) -> None:
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
        self._comment_end = -1
        self._has_comment_ends = True

    def read_line(self, row: int, line: str) -> None:
        """Parse the next line of the block: it becomes a value, text of a section, or a problem."""
        if not line or line.isspace():
            self._after_blank = True
            self._authors_continue = False
            if self._current_item:
                self._current_item.pending_blank_lines += 1
            return
        if self._items and line.startswith("- ") and not self._belongs_to_current_item(row, line):
            self._add_bullet(row, line[2:].strip())
        else:
            self._read_other(row, line)
        self._after_blank = False

    def finish(self) -> None:
        """Build the sections after the last line."""
        if self._author_lines:
            authors = archive_headings.parse_authors(" ".join(self._author_lines))
            self._draft.authors, self._draft.authors_truncated = authors
        sections = [self._build_section(item) for item in self._items]
        self._draft.sections = tuple(section for section in sections if section)
        self._handle_stray_lines()
        self._draft.sections = summaries.drop_refusal(self._draft.sections)

    def _belongs_to_current_item(self, row: int, line: str) -> bool:
        """Whether a line with `- ` at the margin continues code or a low heading, or is a rule."""
        if self._fenced_rows and row in self._fenced_rows:
            return True
        item = self._current_item
        return (item is not None and item.is_heading_block) or markdown_lines.is_thematic_break(line)

    def _read_other(self, row: int, line: str) -> None:
        if self._fenced_rows is None and markdown_lines.is_fence(line):
            self._fenced_rows = markdown_lines.find_fenced_rows(self._rows, self._start, self._end)
        if self._fenced_rows and row in self._fenced_rows:
            self._read_text(row, line)
        elif row <= self._comment_end or (line.startswith("<!--") and self._find_comment_end(row)):
            pass
        elif not (self._read_label(row, line) or self._read_media(line) or self._read_item(row, line)):
            self._read_text(row, line)

    def _find_comment_end(self, row: int) -> bool:
        """Whether the HTML comment of this line ends in the block. If not, it is text."""
        if not self._has_comment_ends:
            return False
        ends = (end for end in range(row, self._end) if "-->" in self._rows[end])
        self._comment_end = next(ends, -1)
        self._has_comment_ends = self._comment_end >= 0
        return self._has_comment_ends

    def _read_label(self, row: int, line: str) -> bool:
        if line[0] in " \t-*+•" and (self._items or len(self._labels) == _LABELS):
            return False
        name, value = archive_headings.parse_labelled_field(line) or ("", "")
        if not name or (self._current_item and name in self._labels):
            return False
        if name in self._labels:
            if value != self._labels[name]:
                self._add_problem(row, f"the {name} are given again; the first count", line)
            return True
        if name == "votes":
            votes, understood = archive_headings.parse_votes(value)
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
        media = archive_headings.parse_media(line)
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
        is_continuation = self._current_item and (
            indent > self._indent + 1
            or (numbered and not self._numbered)
            or self._current_item.is_heading_block
        )
        if is_continuation:
            self._continue(line)
        else:
            self._add_bullet(row, line[bullet.end() :].strip())
        return True

    def _read_text(self, row: int, line: str) -> None:
        if markdown_lines.is_thematic_break(line) and not (self._current_item and line.startswith("  ")):
            self._current_item = None
        elif self._current_item:
            self._continue(line)
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

    def _continue(self, line: str) -> None:
        item = self._current_item
        assert item is not None
        item.continuation.extend([""] * item.pending_blank_lines)
        item.pending_blank_lines = 0
        item.continuation.append(line)

    def _build_section(self, item: _SectionDraft) -> Section | None:
        body = item.body()
        if (
            not item.heading
            and item.continuation
            and (bold := markdown_lines.parse_bold(item.text))
            and not bold[1]
        ):
            item.heading, item.text = bold[0], ""
            body = item.body()
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


def parse_block(
    rows: Sequence[str], start: int, end: int, draft: archive_headings.PaperDraft
) -> list[Problem]:
    """Fill `draft` from the rows `start` to `end` (not included) under its heading; return the problems."""
    parser = _BlockParser(rows, start, end, draft)
    for row in range(start, end):
        parser.read_line(row, rows[row])
    parser.finish()
    return parser.problems


_COVER = re.compile(r"!\[\]\((https?://[\w./%-]+\.(?:png|jpe?g|webp))\)", re.ASCII)
_HEADER_LINES = 7


def parse_simple_block(rows: Sequence[str], start: int, end: int, draft: archive_headings.PaperDraft) -> bool:
    """Fill `draft` from the rows if they are a cover, votes, authors and one-line bullets; else return False.

    The result is that of `parse_block`. Rows of any other shape leave `draft` unchanged.
    """
    if end - start <= _HEADER_LINES or rows[start] or rows[start + 2] or rows[start + 4] or rows[start + 6]:
        return False
    cover_row, votes_row, authors_row = rows[start + 1], rows[start + 3], rows[start + 5]
    cover = _COVER.fullmatch(cover_row)
    if not cover or not votes_row.startswith("Vote: ") or not authors_row.startswith("Authors: "):
        return False
    votes, is_understood = archive_headings.parse_votes(votes_row[6:].strip())
    sections = _parse_bullets(rows[start + _HEADER_LINES : end]) if is_understood else None
    if sections is None:
        return False
    draft.votes = votes
    draft.authors, draft.authors_truncated = archive_headings.parse_authors(authors_row[9:].strip())
    draft.thumbnail = cover[1]
    draft.sections = summaries.drop_refusal(sections)
    return True


def _parse_bullets(rows: Sequence[str]) -> tuple[Section, ...] | None:
    sections = []
    for row in rows:
        if not row:
            continue
        if not row.startswith("- "):
            return None
        heading, body = fields.split_heading(row[2:].strip())
        if not body or body[0] == "-":
            return None
        sections.append(Section(heading, body))
    return tuple(sections)


_PaperSpan = tuple[archive_headings.PaperHeading, int]


def parse_newsletter(dated: archive_headings.DatedRows) -> archive_headings.ParseResult:
    """The papers of one digest.

    A heading of the date's level or above ends the digest. A heading without id in the place of a paper's is a
    problem, and the text under it is left out; a lower heading belongs to the paper above it.
    """
    rows = dated.rows
    spans, problems, end = _find_paper_spans(dated)
    first = spans[0][0].row if spans else end
    problems += archive_headings.find_stray_text(
        rows, dated.day.heading.row + 1, min(first, *(problem.line - 1 for problem in problems), end)
    )
    drafts = []
    limit = archive_headings.PaperLimit()
    for heading, stop in spans:
        url = heading.url or arxiv_ids.abstract_url(heading.arxiv_id)
        draft = archive_headings.PaperDraft(heading.row + 1, heading.arxiv_id, heading.title, url)
        is_parsed = not limit.allows(heading.arxiv_id) or parse_simple_block(rows, heading.end, stop, draft)
        if not is_parsed:
            problems += parse_block(rows, heading.end, stop, draft)
        drafts.append(draft)
    return archive_headings.ParseResult(drafts, problems, end)


def _find_paper_spans(dated: archive_headings.DatedRows) -> tuple[list[_PaperSpan], list[Problem], int]:
    """Each paper's heading with the end of its block, the problems, and the end of the digest."""
    rows, day, headings, papers_by_row = dated
    inside = [heading for heading in headings if heading.row in papers_by_row]
    level = inside[0].level if inside else day.heading.level + 1
    last = inside[-1].row if inside else -1
    spans: list[_PaperSpan] = []
    problems: list[Problem] = []
    opened: archive_headings.PaperHeading | None = None
    code = markdown_lines.FenceTracker(rows, [day.heading.row, *(heading.row for heading in inside), day.end])
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
        excerpt = markdown_lines.excerpt(heading.text)
        message = f"a heading without an arXiv id; what stands under it is left out: {excerpt}"
        problems.append(Problem(heading.row + 1, message))
    if opened:
        spans.append((opened, end))
    return spans, problems, end
