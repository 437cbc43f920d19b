"""What all digest formats have in common: headings that name a paper or a date, labelled lines, and entries made of them."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import NamedTuple

from bot.archive import arxiv_ids, fields, markdown_lines, summaries
from storage.models import Entry, Problem, Section

_LINK_CAPTIONS = frozenset(
    {"", "abs", "abstract", "arxiv", "hf", "html", "link", "paper", "pdf", "url", "논문", "링크", "원문"}
)
MAX_PAPERS = 5_000
"""The most papers of one digest: fifty times a busy day, and few enough to be stored in one transaction."""
MAX_AUTHORS = 10_000
"""The most authors of one paper: twice as many as any paper has had."""
MAX_SECTIONS = 1_000
"""The most highlights or chapters of one paper."""
MAX_CHARACTERS = 40_000
"""The most characters of the highlights or chapters of one paper together: twenty times what a long review has."""
_MAX_TITLE_LINES = 3
_MAX_TITLE_LINE_LENGTH = 500


class PaperHeading(NamedTuple):
    """A heading with an arXiv id, in the rows from `row` to `end` (not included): titles can span lines.

    `url` and `title` are None if the heading has none.
    """

    row: int
    end: int
    level: int
    arxiv_id: str
    title: str | None
    url: str | None

    @property
    def is_bare_id(self) -> bool:
        """Whether the heading is only the id."""
        return self.title is None


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


def parse_paper_heading(heading: markdown_lines.Heading, rows: Sequence[str]) -> PaperHeading | None:
    """The paper of a heading with a link, a URL, or an id alone, first or last; None for other headings."""
    text, end = heading.text, heading.row + 1
    simple_link = arxiv_ids.MARKDOWN_LINK.fullmatch(text)
    if simple_link:
        label, url, paper_id = simple_link.groups()
        title = " ".join(label.split()) if fields.is_visible(label) else None
        return PaperHeading(heading.row, end, heading.level, paper_id, title, url)
    if text.startswith("[") and "](" not in text:
        text, end = _join_title_lines(text, rows, end)
    parsed = _parse_linked_heading(text) if "://" in text else _parse_id_heading(text)
    if not parsed:
        return None
    paper_id, label, url = parsed
    title = _clean_title(label)
    if title and len(title) < 30 and arxiv_ids.extract_arxiv_id(title) == paper_id:
        title = None
    return PaperHeading(heading.row, end, heading.level, paper_id, title, url)


def _join_title_lines(text: str, rows: Sequence[str], end: int) -> tuple[str, int]:
    """The heading with the lines up to its link, since arXiv wraps long titles, and their end; unchanged without one."""
    joined = text
    for row in range(end, min(end + _MAX_TITLE_LINES, len(rows))):
        line = rows[row].strip()
        if not line or line.startswith("#") or len(line) > _MAX_TITLE_LINE_LENGTH:
            break
        joined += " " + line
        if "](" in line:
            return joined, row + 1
    return text, end


class PaperLimit:
    """Tells which papers of a digest exceed MAX_PAPERS, so that what stands under them is not parsed."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def allows(self, arxiv_id: str) -> bool:
        """Whether a paper, given in order, is among the first MAX_PAPERS different ones."""
        if len(self._ids) < MAX_PAPERS:
            self._ids.add(arxiv_id)
        return arxiv_id in self._ids


def build_entries(drafts: Iterable[PaperDraft]) -> tuple[tuple[Entry, ...], list[Problem]]:
    """Entries ranked from 1 in the order given, and a problem for each repetition and for what exceeds MAX_PAPERS.

    A repeated paper is one entry at its first position. Its first values count; later ones fill in missing values.
    """
    first: dict[str, PaperDraft] = {}
    problems: list[Problem] = []
    excess_lines: list[int] = []
    for draft in drafts:
        known = first.get(draft.arxiv_id)
        if known is not None:
            problems.append(Problem(draft.line, _merge_duplicate(known, draft)))
        elif len(first) < MAX_PAPERS:
            first[draft.arxiv_id] = draft
        else:
            excess_lines.append(draft.line)
    if excess_lines:
        noun = "1 paper is" if len(excess_lines) == 1 else f"{len(excess_lines)} papers are"
        message = f"a digest has at most {MAX_PAPERS} papers; {noun} left out from here on"
        problems.append(Problem(excess_lines[0], message))
    for draft in first.values():
        problems += _limit_lists(draft)
    entries = tuple(
        Entry(
            rank,
            draft.arxiv_id,
            draft.title,
            draft.url,
            draft.votes,
            draft.authors,
            draft.authors_truncated,
            draft.thumbnail,
            draft.video,
            draft.sections,
            summaries.find_basis(draft.sections) is summaries.Basis.NONE,
        )
        for rank, draft in enumerate(first.values(), 1)
    )
    return entries, problems


def _limit_lists(draft: PaperDraft) -> list[Problem]:
    """Cut the authors, sections and text of a paper, each with a problem: one name or bullet a line makes a million."""
    problems = []
    for count, most, noun in (
        (len(draft.authors), MAX_AUTHORS, "authors"),
        (len(draft.sections), MAX_SECTIONS, "sections"),
    ):
        if count > most:
            message = f"a paper has at most {most} {noun}; {count - most} of {draft.arxiv_id} are left out"
            problems.append(Problem(draft.line, message))
    if len(draft.authors) > MAX_AUTHORS:
        draft.authors, draft.authors_truncated = draft.authors[:MAX_AUTHORS], True
    draft.sections = draft.sections[:MAX_SECTIONS]
    if (size := sum(len(section.body) for section in draft.sections)) > MAX_CHARACTERS:
        left_out = f"{size - MAX_CHARACTERS} of {draft.arxiv_id} are left out"
        message = f"a paper's text has at most {MAX_CHARACTERS} characters; {left_out}"
        problems.append(Problem(draft.line, message))
        draft.sections = tuple(_cut_sections(draft.sections))
    return problems


def _cut_sections(sections: Iterable[Section]) -> Iterator[Section]:
    """Yield the sections up to MAX_CHARACTERS, the last of them cut."""
    room = MAX_CHARACTERS
    for section in sections:
        if room > 0:
            yield Section(section.heading, section.body[:room])
        room -= len(section.body)


def find_stray_text(rows: Sequence[str], start: int, end: int) -> list[Problem]:
    """A problem at the first line of the text between a date heading and its first paper, if there is text."""
    for row in range(start, end):
        line = rows[row]
        if line.strip() and not markdown_lines.is_thematic_break(line):
            return [Problem(row + 1, f"text that belongs to no paper: {markdown_lines.excerpt(line)}")]
    return []


def _merge_duplicate(known: PaperDraft, again: PaperDraft) -> str:
    """Fill the missing values of `known` from `again`; return the problem's message."""
    message = f"{again.arxiv_id} stands here again and is taken as one paper with the first"
    if again.votes is not None and known.votes not in (None, again.votes):
        message += f"; its {known.votes} votes there count, not the {again.votes} here"
    if again.sections and known.sections and again.sections != known.sections:
        message += "; its summary there counts"
    known.title = known.title or again.title
    known.votes = again.votes if known.votes is None else known.votes
    if not known.authors:
        known.authors, known.authors_truncated = again.authors, again.authors_truncated
    known.thumbnail = known.thumbnail or again.thumbnail
    known.video = known.video or again.video
    known.sections = known.sections or again.sections
    return message


def _parse_linked_heading(text: str) -> tuple[str, str, str] | None:
    """Id, title and URL of a heading such as `[Title](https://…)`.

    The title can contain brackets and links. The link that closes the first bracket wins; if the brackets of the
    title do not match, the last link to a paper does.
    """
    middle = text.find("](")
    if text.startswith("[") and text.find("]") == middle and text.find("](", middle + 2) < 0:
        link = arxiv_ids.parse_link_at(text, middle + 2)
        if link and link[2] == len(text) - 1:
            return link[0], text[1:middle], link[1]
    return _parse_nested_links(text)


def _parse_nested_links(text: str) -> tuple[str, str, str] | None:
    last: tuple[str, str, int] | None = None
    opened = text.find("[")
    depth, position = 0, max(opened, 0)
    middle = text.find("](", position)
    while opened >= 0 and middle >= 0:
        depth += text.count("[", position, middle) - text.count("]", position, middle)
        position = middle + 1
        depth -= 1
        start = middle + 3 if text.startswith("<", middle + 2) else middle + 2
        link = arxiv_ids.parse_link_at(text, start)
        if link:
            arxiv_id, url, _ = link
            last = arxiv_id, url, middle
            if depth == 0:
                break
        middle = text.find("](", position)
    if last:
        arxiv_id, url, middle = last
        return arxiv_id, _link_title(text, middle), url
    if link := arxiv_ids.find_link(text):
        arxiv_id, url, end = link
        return arxiv_id, text[: end - len(url)].rstrip("(<[ -–—:"), url
    return None


def _link_title(text: str, middle: int) -> str:
    """The title in a heading whose link's label ends at `middle`: the label, unless it is a caption such as "PDF"."""
    depth, opened = 1, middle
    while depth and opened > 0:
        opened -= 1
        depth += (text[opened] == "]") - (text[opened] == "[")
    before = text[:opened]
    if depth or before.count("[") > before.count("]"):
        opened = text.find("[")
        before = text[:opened]
    label, before = text[opened + 1 : middle], before.strip(" *_-–—:|")
    is_title = label.strip(" *_").lower() not in _LINK_CAPTIONS and not arxiv_ids.parse_bare_id(label)
    return label if is_title or not before else before


def _parse_id_heading(text: str) -> tuple[str, str, None] | None:
    """Id and title of a heading without URL: the id alone (`2502.02737`), before the title or, in brackets, after it."""
    head, _, rest = text.partition(" ")
    paper_id = arxiv_ids.parse_bare_id(head.strip("[]():`*"))
    if paper_id:
        return paper_id, rest.lstrip("-–—: "), None
    rest, _, tail = text.rpartition(" ")
    paper_id = arxiv_ids.parse_bare_id(tail.strip("()[]`*")) if tail[:1] in "([" else None
    return (paper_id, rest, None) if paper_id else None


def _clean_title(title: str) -> str | None:
    """The title on one line, without escaped brackets and bold around all of it. None if nothing is left."""
    if "\\" in title:
        title = title.replace("\\[", "[").replace("\\]", "]")
    title = " ".join(title.split())
    for mark in ("**", "__"):
        if title.startswith(mark) and len(title) > 4 and title.endswith(mark) and mark not in title[2:-2]:
            title = title[2:-2].strip()
    return title if fields.is_visible(title) else None


# The labelled lines of a paper: votes, authors, cover, video. A value that cannot be parsed is never guessed.

_LABEL = re.compile(
    r"(?:[-*+•]\s)?(?P<open>\*{1,3}|_{1,2})?"
    r"(?P<name>votes?|upvotes?|likes|추천|투표|authors?|저자)"
    r"\s?(?(open)(?:(?P=open)\s?[:：]|[:：]\s?(?P=open))|[:：])[ \t]*(?P<value>.*)",
    re.IGNORECASE | re.DOTALL,
)
_LABEL_START = frozenset("vVuUlLaA추투저*_-+•")
_UPVOTE_SYMBOLS = frozenset("👍⬆🔼🔺▲")
_COUNT = re.compile(
    r"([0-9]+|[0-9]{1,3}(?:[,\u00a0\u202f][0-9]{3})+)(?:\s?(?:votes?|upvotes?|likes?|표|👍))?", re.IGNORECASE
)
_UNKNOWN_VALUES = frozenset(
    {"", "-", "--", "–", "—", "?", "n/a", "na", "none", "null", "nan", "unknown", "미상", "없음"}
)
_MAX_VOTE_DIGITS = 9
_QUOTE = re.compile(r"['\"]")
_QUOTED = {
    "'": re.compile(r"([^'\\]*+(?:\\.[^'\\]*+)*+)'", re.DOTALL),
    '"': re.compile(r'([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL),
}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([ntr])|(.))", re.DOTALL)
_TRUNCATION_MARK = re.compile(
    r"\+\s?[0-9]{0,4}(?:\s(?:more|others?|authors?|more authors))?|(?:and\s)?(?:[0-9]{1,4}\s)?(?:more|others)(?:\sauthors)?"
    r"|(?:and\s)?[0-9]{1,4}\s(?:more|others?)\sauthors?|외\s?[0-9]{0,4}\s?[명인]?|et\.? al\.?"
)
_TRAILING_TRUNCATION = re.compile(
    r"\s(?:et\.? al\.?|and (?:[0-9]{1,4} )?(?:others|more)(?: authors)?|외 [0-9]{1,4}\s?[명인]"
    r"|[(\[]?\+\s?[0-9]{1,4}(?: more| others| authors)?[)\]]?)$"
)
_TRUNCATION_STARTS = frozenset("+.…0123456789aemo외[(&")
_TRUNCATION_LAST_CHARS = frozenset(".…+)]0123456789명인")
_TRUNCATION_WORDS = ("al", "more", "others", "authors")
_FIRST_CHAR = itemgetter(0)
_VIDEO_WORD = re.compile(r"video|watch|영상|비디오|동영상", re.IGNORECASE)
_VIDEO_FILE = re.compile(r"\.(?:mp4|webm|mov|m4v)(?:[?#]|$)", re.IGNORECASE)
_URL = re.compile(r"\s{0,9}<?(https?://[^\s)>]+)")
_TAG = re.compile(r"<\s{0,3}(video|source|img|iframe)\b", re.IGNORECASE)
_SRC = re.compile(r"""\bsrc\s{0,3}=\s{0,3}["']?([^\s"'<>]+)""", re.IGNORECASE)


def parse_labelled_field(line: str) -> tuple[str, str] | None:
    """The field of a line, also of a bold one or a bullet: "votes" or "authors", and its value. None for other lines."""
    first = line[:1]
    if first not in _LABEL_START and not _is_symbol(first):
        return None
    if line.startswith("Vote: "):
        return "votes", line[6:].strip()
    if line.startswith("Authors: "):
        return "authors", line[9:].strip()
    if _is_symbol(first):
        symbol, _, line = line.partition(" ")
        if symbol[0] in _UPVOTE_SYMBOLS and parse_votes(line.strip())[0] is not None:
            return "votes", line.strip()
    match = _LABEL.match(line)
    if not match:
        return None
    name = "authors" if match["name"].lower() in {"author", "authors", "저자"} else "votes"
    return name, match["value"].strip()


def _is_symbol(char: str) -> bool:
    return char >= "\u2190" and not char.isalnum() and char != "●"


def parse_votes(value: str) -> tuple[int | None, bool]:
    """The number, None if the digest does not know it, and whether the value could be parsed as either."""
    if value.isdecimal() and value.isascii() and len(value) <= _MAX_VOTE_DIGITS:
        return int(value), True
    value = value.strip("*_` ")
    if value.lower() in _UNKNOWN_VALUES:
        return None, True
    match = _COUNT.fullmatch(value) if len(value) < 40 else None
    digits = re.sub("[^0-9]", "", match[1]) if match else ""
    return (int(digits), True) if 0 < len(digits) <= _MAX_VOTE_DIGITS else (None, False)


def parse_authors(value: str) -> tuple[tuple[str, ...], bool]:
    """The names in order, and whether the digest shortened the list.

    They are separated by commas or semicolons, or in a Python or JSON list.
    """
    if value.startswith("["):
        return _clean_authors(_parse_quoted_list(value))
    if ";" not in value:
        names = [*map(str.strip, value.split(","))]
        if len(names) > 1 and "" not in names and not _may_be_truncated(names):
            return tuple(names), False
    if value.lower().strip("*_` ") in _UNKNOWN_VALUES:
        return (), False
    return _clean_authors(value.split(";" if ";" in value else ","))


def parse_media(line: str) -> tuple[str | None, str | None] | None:
    """The URLs of the cover and the video at the start of a line, in Markdown or HTML; None if there is neither."""
    if line.startswith("<"):
        tag = _TAG.search(line)
        src = _SRC.search(line, tag.end()) if tag else None
        if not tag or not src:
            return None
        return (src[1], None) if tag[1].lower() == "img" else (None, src[1])
    link = _find_markdown_link(line, line.find("![")) if "![" in line[:8] else None
    if link:
        return (None, link[1]) if _VIDEO_FILE.search(link[1]) else (link[1], None)
    link = _find_markdown_link(line, 0) if line.startswith("[") else None
    if link and (_VIDEO_WORD.search(link[0]) or _VIDEO_FILE.search(link[1])):
        return None, link[1]
    return None


def _find_markdown_link(line: str, start: int) -> tuple[str, str] | None:
    """Label and URL of the first Markdown link at or after `start`."""
    middle = line.find("](", start)
    match = _URL.match(line, middle + 2) if middle > 0 else None
    return (line[start:middle][:200], match[1]) if match else None


def _parse_quoted_list(value: str) -> list[str]:
    """Items of a list in the notation of `repr` or JSON. Text between them can only be a truncation mark, given as "+"."""
    names: list[str] = []
    position = 0
    while opening := _QUOTE.search(value, position):
        closing = _QUOTED[opening[0]].match(value, opening.end())
        if not closing:
            return value.strip("[] ").replace('"', "").split(",")
        if any(mark in value[position : opening.start()] for mark in ("+", "...", "…")):
            names.append("+")
        names.append(_unescape(closing[1]))
        position = closing.end()
    if not names:
        return value.strip("[] ").split(",")
    return [*names, "+"] if any(mark in value[position:] for mark in ("+", "...", "…")) else names


def _unescape(text: str) -> str:
    """A quoted text without its backslashes; JSON's surrogate pairs become one character."""
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(_unescape_match, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")


def _unescape_match(match: re.Match[str]) -> str:
    number = match[1] or match[2] or match[3]
    if number:
        return chr(int(number, 16)) if int(number, 16) <= sys.maxunicode else "\ufffd"
    return " " if match[4] else match[5]


def _clean_authors(items: list[str]) -> tuple[tuple[str, ...], bool]:
    """Names without truncation marks, which can be anywhere: some scripts shuffle the list."""
    names = [name for item in items if (name := item.strip())]
    if len(names) > 1 and names[-1].startswith(("and ", "& ")) and not _is_truncation_mark(names[-1]):
        names[-1] = names[-1].partition(" ")[2].strip()
    kept = [name for name in names if name[0] not in _TRUNCATION_STARTS or not _is_truncation_mark(name)]
    truncated = len(kept) < len(names)
    if kept:
        last = _TRAILING_TRUNCATION.sub("", kept[-1]) if len(kept[-1]) < 200 else kept[-1]
        last = last.rstrip("+… ").removesuffix("...").rstrip()
        truncated = truncated or last != kept[-1]
        kept[-1:] = [last] if last else []
    return tuple(kept), truncated


def _may_be_truncated(names: list[str]) -> bool:
    """A quick check: False rules truncation out, as for nearly all lists."""
    last = names[-1]
    return (
        last[-1] in _TRUNCATION_LAST_CHARS
        or last.endswith(_TRUNCATION_WORDS)
        or not _TRUNCATION_STARTS.isdisjoint(map(_FIRST_CHAR, names))
    )


def _is_truncation_mark(name: str) -> bool:
    bare = name.strip("[]().… ")
    return not bare or (len(bare) < 40 and _TRUNCATION_MARK.fullmatch(bare) is not None)


# Dates, in unambiguous spellings only: the year first, or the month by name.

_DASH = r"[-‐-―−./]"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_YEAR_FIRST = re.compile(
    rf"(?<![0-9.])((?:19|20)[0-9]{{2}})\s?(?:{_DASH}|년)\s?([0-9]{{1,2}})\s?(?:{_DASH}|월)\s?([0-9]{{1,2}})(?![0-9])"
)
_SOLID = re.compile(r"(?<![0-9.])(20[0-9]{2})([0-9]{2})([0-9]{2})(?![0-9.])")
_MONTH_FIRST = re.compile(
    rf"\b{_MONTH}\s([0-9]{{1,2}})(?:st|nd|rd|th)?,?\s((?:19|20)[0-9]{{2}})\b", re.IGNORECASE
)
_DAY_FIRST = re.compile(
    rf"\b([0-9]{{1,2}})(?:st|nd|rd|th)?\s{_MONTH},?\s((?:19|20)[0-9]{{2}})\b", re.IGNORECASE
)
_MAX_HEADING_LENGTH = 300


def parse_date(heading: str) -> tuple[date | None, str] | None:
    """The date in a heading, or None and the reason why it has none; None if there is nothing like a date.

    Never guesses between day and month.
    """
    if len(heading) > _MAX_HEADING_LENGTH:
        return None
    candidates = _find_dates(heading)
    if not candidates:
        return None
    if len(candidates) > 1:
        return None, "the heading has more than one date"
    year, month, day = candidates.pop()
    try:
        return date(year, month, day), ""
    except ValueError:
        return None, f"the date {year:04}-{month:02}-{day:02} does not exist"


def _find_dates(heading: str) -> set[tuple[int, int, int]]:
    def month_of(name: str) -> int:
        return _MONTHS.index(name[:3].lower()) + 1

    candidates = {(int(y), int(m), int(d)) for y, m, d in _YEAR_FIRST.findall(heading)}
    if candidates:
        return candidates
    candidates = {(int(y), month_of(m), int(d)) for m, d, y in _MONTH_FIRST.findall(heading)}
    candidates |= {(int(y), month_of(m), int(d)) for d, m, y in _DAY_FIRST.findall(heading)}
    return candidates or {(int(y), int(m), int(d)) for y, m, d in _SOLID.findall(heading)}


_MENTIONS_PAPERS = re.compile(r"daily\s{1,3}papers?|데일리\s?페이퍼|오늘의\s?논문", re.IGNORECASE)


class DateHeading(NamedTuple):
    """A heading that dates the rows below it, up to the row `end` (not included). `error`: why it has no `date`."""

    heading: markdown_lines.Heading
    date: date | None
    error: str
    end: int
    mentions_papers: bool


class DatedRows(NamedTuple):
    """The rows of a page and a date heading; `headings` are those below it, before the next date heading."""

    rows: Sequence[str]
    day: DateHeading
    headings: Sequence[markdown_lines.Heading]
    papers_by_row: Mapping[int, PaperHeading]


def find_date_headings(
    headings: Sequence[markdown_lines.Heading], papers_by_row: Mapping[int, PaperHeading], end: int
) -> list[DateHeading]:
    """The date headings in order: those that mention daily papers or, if none does, the dated ones of one level."""
    dated = [
        (heading, parsed)
        for heading in headings
        if heading.row not in papers_by_row
        and not markdown_lines.split_number(heading.text)[0]
        and (parsed := parse_date(heading.text))
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


def _level_above_papers(dated: Sequence[markdown_lines.Heading], paper_rows: Sequence[int]) -> int:
    """The level of the first dated heading with a paper before the next one: a page may have a date too. 0 if none."""
    for index, heading in enumerate(dated):
        last = paper_rows[-1] + 1 if paper_rows else 0
        stop = dated[index + 1].row if index + 1 < len(dated) else last
        following = bisect_left(paper_rows, heading.row)
        if following < len(paper_rows) and paper_rows[following] < stop:
            return heading.level
    return 0


# Dates as lists write them: also spans of days, and in paths.

_MAX_DATE_LENGTH = 160
_RANGE = re.compile(
    rf"\b{_MONTH}\s?[0-9]{{1,2}}(?:st|nd|rd|th)?\s?(?:-|–|—|~|to)\s?(?:{_MONTH}\s?)?([0-9]{{1,2}})(?:st|nd|rd|th)?\W{{1,5}}(20[0-9]{{2}})\b",
    re.IGNORECASE,
)
_NUMBER_RANGE = re.compile(
    r"(20[0-9]{2})\W([0-9]{1,2})\W([0-9]{1,2})\s?(?:-|–|—|~|to)\s?(?:(20[0-9]{2})\W)?([0-9]{1,2})\W([0-9]{1,2})(?![0-9])"
)
_PATH_WEEK = re.compile(r"(?<![0-9])(?:([01][0-9])([0-3][0-9])-)([01][0-9])([0-3][0-9])(?![0-9])")
_PATH_YEAR = re.compile(r"(?<![0-9])(20[0-9]{2})(?![0-9])")
_OF = re.compile(r"(?<=[0-9a-z])\s+(?:of|if)\s+(?=[A-Z])")
UPDATED = re.compile(r"updat|last |更新|갱신|업데이트|generated", re.IGNORECASE)


def find_date(text: str) -> date | None:
    """The date in a heading or a cell, or the last one of a span of days; None for none, several, and none that exists."""
    text = text[:300]
    if range_ := _RANGE.search(text):
        first, second, day, year = range_.groups()
        return _make_date(year, _MONTHS.index((second or first)[:3].lower()) + 1, day)
    if range_ := _NUMBER_RANGE.search(text):
        first_year, _, _, last_year, month, day = range_.groups()
        return _make_date(last_year or first_year, month, day)
    text = _OF.sub(" ", text.translate(_CJK_DATES))
    parsed = parse_date(text)
    return parsed[0] if parsed else None


def find_date_alone(text: str) -> date | None:
    """The date of a text that says little else."""
    plain = markdown_lines.plain_text(text) if len(text) <= _MAX_DATE_LENGTH else ""
    return find_date(plain) if 0 < len(plain) <= 40 and not UPDATED.search(plain) else None


_CJK_DATES = {ord("年"): "-", ord("月"): "-", ord("日"): " "}


def find_path_date(name: str) -> date | None:
    """The date in a file's name or in the last folders of its path or address."""
    parts = name.split("?")[0].rstrip("/").split("/")[-4:]
    parts[-1] = parts[-1].rpartition(".")[0] or parts[-1]
    path = "/".join(parts)
    for text in (*reversed(parts), path):
        if on := find_date(text.replace("_", " ")) or find_date(text.replace("-", " ")):
            return on
    if (weeks := list(_PATH_WEEK.finditer(path))) and (years := _PATH_YEAR.findall(path)):
        return _make_date(years[-1], *weeks[-1].group(3, 4))
    return None


def _make_date(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
