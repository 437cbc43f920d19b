"""The parser for the two written formats, newsletter and review (`docs/sources.md`).

A heading with "daily papers" and a date begins a digest. A heading with a key or a link of one begins a paper. In a
review, the paper's link or the summary's label follows that heading, since summaries have headings too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise, takewhile
from typing import NamedTuple

from bot.archive import arxiv_ids, fields, html_pages, markdown_lines, schemes, sorting, summaries
from bot.text import date_reader
from storage import errors
from storage.models import Digest, DigestFormat, Entry, Problem, Section, Skipped, SkipReason, add_up

_DAILY_PAPERS = re.compile(r"daily[\s_-]{0,3}papers?|데일리\s?페이퍼|오늘의\s?논문", re.IGNORECASE)
NO_PAPERS = "there is no paper in a known form under this date"


@dataclass(slots=True)
class _Paper:
    """A paper being parsed. `line` is its heading's line number, from 1.

    Its entry gets a rank and the fields that stand here when the digest is built: each copy of it takes 5 µs.
    """

    line: int
    entry: Entry
    votes: int | None = None
    authors: tuple[str, ...] = ()
    authors_truncated: bool = False
    sections: tuple[Section, ...] = ()


class _Heading(NamedTuple):
    """A heading, with its paper if it contains an arXiv id, or a digest's date. `end` is the row below its last line."""

    row: int
    level: int
    text: str
    end: int
    paper: fields.PaperHeading | None = None
    is_day: bool = False
    unread: Skipped | None = None


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
    candidates = list(_find_headings(rows))
    if not any(_DAILY_PAPERS.search(heading.text) for heading in candidates):
        return ()
    headings: list[_Heading] = []
    count, cut = 0, list[Problem]()
    for heading in candidates:
        count += heading.paper is not None
        if count == fields.MAX_PAPERS + 1 and not cut:
            rows, cut = rows[: heading.row], [fields.describe_cut(heading.row)]
        headings += [] if cut else [heading]
    beyond = sorting.count_beyond(count)
    days = [number for number, heading in enumerate(headings) if heading.is_day]
    if not days:
        return ()
    parts: dict[tuple[DigestFormat, date], _Parts] = {}
    stray = [*_skip_outside(headings[: days[0]]), *cut]
    for number, following in pairwise([*days, len(headings)]):
        head, below = headings[number], headings[number + 1 : following]
        day = _Day(rows, head, below, (*headings[following:], _end_at(len(rows)))[0].row)
        on = date_reader.find_date(head.text)
        if on is None:
            stray += [_problem(head.row, "its date does not exist", head.text), *_skip_outside(below)]
            continue
        form = _detect(day)
        papers, problems, end = _parse_day(day, form)
        if not papers and any(map(_is_text, rows[head.end : end])):
            stray.append(_problem(head.row, NO_PAPERS, head.text, SkipReason.NO_LIST))
            continue
        part = parts.setdefault((form, on), _Parts())
        part.papers += papers
        part.problems += problems + _skip_outside(other for other in below if other.row >= end)
        part.rows += rows[head.row : end]
    if not parts and any(problem.message.startswith("its date") for problem in stray):
        raise errors.NotADigestError(stray[0].message, stray[0].line)
    return tuple(
        _build(form, on, part, () if number else stray, () if number else beyond)
        for number, ((form, on), part) in enumerate(parts.items())
    )


def _find_headings(rows: Sequence[str]) -> Iterator[_Heading]:
    """Yield the headings, also in code blocks, with their papers or dates. A linked title may go on in the next lines."""
    for row, line in enumerate(rows):
        heading = markdown_lines.parse_heading(row, line) if line[:1] == "#" else None
        if heading is None:
            continue
        text, end = heading.text, row + 1
        if text.startswith("[") and "](" not in text:
            below = list(takewhile(str.strip, rows[end : end + 3]))
            number = next((number for number, more in enumerate(below, 1) if "](" in more), 0)
            text, end = " ".join((text, *map(str.strip, below[:number]))), end + number
        paper = sorting.attempt(fields.parse_paper_heading, text)
        if isinstance(paper, Skipped):
            yield _Heading(row, heading.level, text, end, unread=paper)
            continue
        is_day = paper is None and _DAILY_PAPERS.search(text) is not None and date_reader.has_date(text)
        yield _Heading(row, heading.level, text, end, paper, is_day)


def _find_line(rows: Sequence[str], start: int, number: int) -> tuple[int, str]:
    """Return the first of some rows that is not blank, with its index, or an empty text."""
    below = range(start, min(start + number, len(rows)))
    return next(((row, rows[row]) for row in below if rows[row].strip()), (start, ""))


def _end_at(row: int) -> _Heading:
    """Return a placeholder heading at the row where the last paper or day ends."""
    return _Heading(row, 1, "", row)


def _is_text(line: str) -> bool:
    return bool(line.strip()) and not markdown_lines.is_thematic_break(line)


def _problem(row: int, message: str, line: str, reason: SkipReason | None = None) -> Problem:
    return Problem(row + 1, f"{message}: {markdown_lines.excerpt(line)}", reason)


def _read_sections(_: int, read: Callable[..., Iterable[Section]], *place: object) -> Sequence[Section]:
    return [*read(*place)]


def _unread(row: int, skipped: Skipped) -> Problem:
    return Problem(row + 1, f"a paper that is left out: {' '.join(skipped.examples)}", skipped.reason)


def _skip_outside(headings: Iterable[_Heading]) -> list[Problem]:
    """Return a problem for each paper that is left out because it is outside a dated digest."""
    return [
        Problem(row + 1, f"{paper.key} is outside a dated digest and is left out", SkipReason.NO_DATE)
        for row, _, _, _, paper, *_ in headings
        if paper
    ]


def _build(
    form: DigestFormat, on: date, part: _Parts, stray: Sequence[Problem], skipped: tuple[Skipped, ...]
) -> Digest:
    """Build a digest with entries ranked from 1. If a paper repeats, only its first entry counts."""
    entries: dict[str, Entry] = {}
    problems, made_up = [*part.problems, *stray], list[Skipped]()
    for paper in part.papers:
        entry = paper.entry
        if entry.paper_key in entries:
            message = f"{entry.paper_key} is listed again; only the first is used"
            problems.append(Problem(paper.line, message, SkipReason.REPEATED))
            continue
        sections = tuple(fields.cut_sections(paper.sections))
        is_made_up = summaries.find_basis(sections) is summaries.Basis.NONE
        if sections and is_made_up:
            made_up.append(sorting.skip(SkipReason.MADE_UP, entry.title or entry.paper_key))
        entries[entry.paper_key] = replace(
            entry,
            rank=len(entries) + 1,
            votes=paper.votes,
            authors=paper.authors[: fields.MAX_AUTHORS],
            authors_truncated=paper.authors_truncated,
            sections=sections,
            summary_missing=is_made_up,
        )
    problems.sort(key=lambda problem: problem.line)
    text = "\n".join(part.rows).rstrip() + "\n"
    entered, warnings = tuple(entries.values()), add_up(made_up)
    return Digest(form, on, entered, tuple(problems), text, skipped=skipped, warnings=warnings)


def _detect(day: _Day) -> DigestFormat:
    """Return REVIEW if a link or a summary's label follows a paper's heading, else NEWSLETTER."""
    if "📰" in day.heading.text:
        return DigestFormat.REVIEW
    is_review = any(heading.paper and _is_marked(day, heading) for heading in day.below)
    return DigestFormat.REVIEW if is_review else DigestFormat.NEWSLETTER


def _parse_day(day: _Day, form: DigestFormat) -> tuple[list[_Paper], list[Problem], int]:
    """Return a day's papers, problems and end row."""
    is_review = form is DigestFormat.REVIEW
    read, url_of = (_read_review, arxiv_ids.huggingface_url) if is_review else (_read_block, schemes.page_url)
    starts, end = (_find_reviews if is_review else _find_entries)(day)
    papers, problems = list[_Paper](), _find_stray_text(day, starts)
    for heading, following in pairwise([*starts, _end_at(end)]):
        if heading.paper is None:
            message = "a heading without a paper's ID; the text under it is left out"
            problems.append(
                _unread(heading.row, heading.unread)
                if heading.unread
                else _problem(heading.row, message, heading.text, SkipReason.NO_ID)
            )
            continue
        key, title, url = heading.paper
        paper = _Paper(heading.row + 1, Entry(0, key, title, url or url_of(key)))

        place = day.rows, heading.end, following.row, paper, problems
        sections = sorting.attempt(_read_sections, heading.row, read, *place)
        if isinstance(sections, Skipped):
            problems.append(_unread(heading.row, sections))
            continue
        paper.sections = summaries.drop_refusal(tuple(sections))
        papers.append(paper)
    return papers, problems, end


def _find_stray_text(day: _Day, starts: Sequence[_Heading]) -> list[Problem]:
    """Return a problem for the first text between a date's heading and its first paper, if there is any."""
    for row in range(day.heading.end, starts[0].row if starts else 0):
        if _is_text(day.rows[row]):
            return [_problem(row, "text that does not belong to a paper", day.rows[row])]
    return []


# Fields above a paper's text, in both formats.


def _read_field(line: str, paper: _Paper, problems: list[Problem], row: int) -> bool:
    """Read votes, authors, cover or video from a line. Returns True for these, for the paper's own link and for markup."""
    is_markup = line.startswith("<") and line.endswith(">") and "://" not in line
    line = (html_pages.convert_tags(line) if "<" in line else line).rstrip("\\")
    if not line:
        return True
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
        picture, video, rest = media
        entry = paper.entry
        paper.entry = replace(entry, thumbnail=entry.thumbnail or picture, video=entry.video or video)
        return not rest or _read_field(rest, paper, problems, row)
    link = arxiv_ids.find_link(line) if " " not in line else None
    return is_markup or (link is not None and link[0] == paper.entry.paper_key)


# The newsletter, in which a paper's text is a list of bullets.

_BULLET = re.compile(
    r"([ \t]*)(?:[-*+–—·](?:[ \t\xa0]+|$|(?=\*\*\*?[^*\s]))|[•‣▪●][ \t]*|([0-9]{1,3})[.)](?:[ \t]+|$))"
)


def _find_entries(day: _Day) -> tuple[list[_Heading], int]:
    """Return a newsletter's papers and end row. A heading at or above the date's level ends the newsletter.

    At the papers' level, a heading without an id is a problem, and its text is left out. A lower heading
    belongs to the paper above it.
    """
    below = day.below
    if not all(heading.paper for heading in below):
        first = day.heading.end
        code = {first + row for row in markdown_lines.find_code_rows(day.rows[first : day.end])}
        below = [heading for heading in below if heading.paper or heading.row not in code]
    level = day.heading.level
    end = next((it.row for it in below if it.level <= level and it.paper is None), day.end)
    inside = [heading for heading in below if heading.row < end]
    level = next((heading.level for heading in inside if heading.paper), 0)
    return [heading for heading in inside if heading.paper or heading.level <= level], end


@dataclass(slots=True)
class _Item:
    """A bullet with its continuation lines, or a heading (`is_block`) with all lines below it."""

    heading: str | None
    lines: list[str]
    is_block: bool = False


def _read_block(
    rows: Sequence[str], start: int, end: int, paper: _Paper, problems: list[Problem]
) -> Iterator[Section]:
    """Read the fields below a paper's heading, and yield a section for each bullet, heading or text above them."""
    code = {start + row for row in markdown_lines.find_code_rows(rows[start:end])}
    items: list[_Item] = []
    first: re.Match[str] | None = None
    comment_end = start
    for row in range(start, end):
        line, bare, is_code = rows[row], rows[row].strip(), row in code
        if not bare and items:
            items[-1].lines.append("")
        if not bare or row < comment_end:
            continue
        if line.startswith("<!--") and not is_code:
            closing = (other + 1 for other in range(row, min(end, row + 100)) if "-->" in rows[other])
            comment_end = next(closing, row + 1)
            continue
        if line[:1] in ("-", "*", "_", "<") and markdown_lines.is_thematic_break(line):
            continue
        bullet = None if is_code else _BULLET.match(line)
        is_above = first is None and not any(item.heading for item in items)
        is_closed = bare.startswith("</") and bare.endswith(">")
        if not is_code and (is_closed or (is_above and _read_field(bare, paper, problems, row))):
            continue
        if item := _read_item(line, bullet, items, first) if not is_code else None:
            first = first or bullet
            items.append(item)
        elif items:
            items[-1].lines.append(line)
        else:
            items.append(_Item(None, [bare]))
    for item in items:
        text, *rest = item.lines
        if item.heading is None and any(rest) and (bold := _BOLD_ALONE.fullmatch(text)):
            item.heading, text = bold[2].rstrip(" :："), ""
        more = markdown_lines.dedent(rest) if any(rest) else ()
        body = "\n".join(markdown_lines.trim_lines([text, *more])).rstrip()
        if body:
            # Spaces that the first line alone has more of mean nothing.
            yield Section(item.heading, body.lstrip(" "))


def _read_item(
    line: str, bullet: re.Match[str] | None, items: Sequence[_Item], first: re.Match[str] | None
) -> _Item | None:
    """Return the item that a line begins: a heading, a bullet, or bold text above or among bullets; None for other lines."""
    if line[:1] == "#" and (heading := markdown_lines.parse_heading(0, line)):
        return _Item(heading.text.strip("*_ :：") or None, [""], is_block=True)
    if items and items[-1].is_block:
        return None
    if bullet is None:
        heading_text, text = fields.split_heading(line) if line.startswith(("**", "__")) else (None, "")
        return _Item(heading_text, [text]) if heading_text else None
    is_deeper = bullet[1] and first and len(bullet[1].expandtabs(4)) > len(first[1].expandtabs(4)) + 1
    if is_deeper or (first and bullet[2] and not first[2]):
        return None
    heading_text, text = fields.split_heading(line[bullet.end() :].strip())
    return _Item(heading_text, [text])


_BOLD_ALONE = re.compile(r"(\*{2,3}|__)([^*_]{1,200})\1[:：]?")


# The review, in which a paper's text is a summary with chapters.

_LINK_MARK = "🔗"
_LABEL = re.compile(
    r"(?:[-*+>]\s)?(?:[^\w\s*#_-]\ufe0f?\s?)?(?:#{1,6}\s?|\*{1,3}|__)?(?:[^\w\s*#_]\ufe0f?\s?)?(?:summary|요약)(?:\s?\([^()]{1,20}\))?"
    r"(?:(?:\*{1,3}|__)\s?[:：]?|\s?[:：](?:\*{1,3}|__)?|(?=\s*$))\s*",
    re.IGNORECASE,
)
_SUMMARY_PREFIX = re.compile(
    r"\[?(?:논문\s?)?(?:요약|제목|리뷰|분석|(?:paper\s)?(?:summary|review)|title)\s?(?:[:：\]]|[-–—|]\s|$)\s?",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"[0-9]{1,3}[.)]\s")
_BOLD_LINE = re.compile(r"([0-9]{1,3}[.)]\s+)?\*\*([0-9]{1,3}[.)]\s)?([^*]{1,200})\*\*\s?[:：]?\s*")
_SYMBOLS = re.compile(r"^[^\w\s\"'“‘「『《\[(<*`$\\.-]+\s+")
_COLONS = " :："


def _find_reviews(day: _Day) -> tuple[list[_Heading], int]:
    """Return a review's papers, whose summaries have headings too, and its end row, at the next date."""
    return [
        heading
        for heading in day.below
        if (heading.paper and heading.paper.title is None) or _is_marked(day, heading)
    ], day.end


def _read_review(
    rows: Sequence[str], start: int, end: int, paper: _Paper, problems: list[Problem]
) -> tuple[Section, ...]:
    title, sections = _parse_chapters(_unwrap(_read_header(rows, start, end, paper, problems)))
    paper.entry = replace(paper.entry, title=title or paper.entry.title)
    return sections


def _is_marked(day: _Day, heading: _Heading) -> bool:
    """Return whether the text below a heading begins with the paper's link or the summary's label.

    If the heading has no id, only a line that starts with the link's mark counts.
    """
    line = _find_line(day.rows, heading.end, 3)[1].strip()
    if line.startswith(_LINK_MARK) or heading.paper is None:
        return line.startswith(_LINK_MARK)
    is_link = arxiv_ids.parse_link_at(line, 0) is not None
    is_titled = heading.paper.title is not None and heading.paper.url is not None
    return (is_link and not is_titled) or _LABEL.match(line) is not None


def _read_header(
    rows: Sequence[str], start: int, end: int, paper: _Paper, problems: list[Problem]
) -> list[str]:
    """Parse the fields above a paper's summary, and return the summary's lines."""
    header = range(start, min(end, start + _MAX_HEADER_LINES))
    label = next((row for row in header if _LABEL.match(rows[row].strip())), None)
    for row in header:
        line = rows[row].strip()
        if row == label and (match := _LABEL.match(line)):
            return [line[match.end() :], *rows[row + 1 : end]]
        link = arxiv_ids.find_link(line)
        if link and (label or line.startswith((_LINK_MARK, "http", "<http")) or len(line.split()) < 3):
            if link[0] == paper.entry.paper_key:
                paper.entry = replace(paper.entry, url=link[1])
        elif title := fields.TITLE_LABEL.match(line):
            paper.entry = replace(paper.entry, title=line[title.end() :].strip(" *") or paper.entry.title)
        elif line and not _read_field(line, paper, problems, row):
            if label is None:
                return [*rows[row:end]]
            problems.append(_problem(row, "a line that is not understood", line))
    return [*rows[header.stop : end]]


_MAX_HEADER_LINES = 15


def _unwrap(lines: Sequence[str]) -> Sequence[str]:
    """Remove the Markdown fence that a model put around a summary, but keep text above the fence.

    A fence without a language wraps the summary if it is above all text. Fences inside come in pairs.
    """
    fences = [row for row, line in enumerate(lines) if markdown_lines.is_fence(line)]
    if not fences:
        return lines
    first = lines[fences[0]]
    is_text = first.strip("`~ \t").lower() in _TEXT_LANGUAGES
    is_bare = is_text and not any(line.strip() for line in lines[: fences[0]])
    if not is_bare and not markdown_lines.is_markdown_fence(first):
        return lines
    close = fences[-1] if len(fences) % 2 == 0 else None
    return [line for row, line in enumerate(lines) if row not in (fences[0], close)]


_TEXT_LANGUAGES = ("", "text", "txt", "plaintext", "mdx", "{.markdown}")


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
    first = next((row for row, line in enumerate(rows) if line.strip()), 0)
    label = fields.TITLE_LABEL.match(rows[first].strip()) if rows else None
    if label and not (candidates and candidates[0].row == first):
        candidates.insert(0, _Chapter(first, 1, rows[first].strip()[label.end() :].strip(" *"), "#"))
    title = candidates[0] if candidates and _is_title(candidates, first) else None
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
    if heading := markdown_lines.parse_heading(
        row, line.lstrip(" ") if line.startswith((" #", "  #")) else line
    ):
        text = heading.text.replace("**", "").strip(" *_").rstrip(_COLONS)
        return _Chapter(row, heading.level, text, "#") if text else None
    bold = _BOLD_LINE.fullmatch(line)
    if not bold:
        return None
    outer, inner, text = bold.groups(default="")
    notation = "1. **" if outer else "**1. " if inner else "**"
    return _Chapter(row, 0, outer + inner + text.strip().rstrip(_COLONS), notation)


def _is_title(candidates: Sequence[_Chapter], first_row: int) -> bool:
    """Return whether the first heading is the title: it starts with "summary", or is the only level-1 one.

    A bold line above all text is the title if the chapters have `#` headings.
    """
    first = candidates[0]
    prefix = _SUMMARY_PREFIX.match(first.text)
    if prefix and (first.level < 2 or prefix.end() < len(first.text)):
        return True
    is_numbered = _NUMBERED.match(first.text) is not None
    if first.notation == "**":
        return first.row == first_row and len(candidates) > 1 and candidates[1].notation == "#"
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
    text = _SYMBOLS.sub("", (text[prefix.end() :] if prefix else text).strip())
    return fields.strip_quotes(text) or None
