"""The headings that name a paper, and the merging of the papers under them into entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.digests.elements import arxiv_ids, summary_basis
from bot.digests.markdown import lines
from storage import models

_LINK_CAPTIONS = frozenset(
    {"", "abs", "abstract", "arxiv", "hf", "html", "link", "paper", "pdf", "url", "논문", "링크", "원문"}
)
MAX_PAPERS = 5_000
"""The most papers of one digest: fifty times a busy day, and few enough to be stored in one transaction."""
MAX_AUTHORS = 10_000
"""The most authors of one paper: twice as many as any paper has had."""
MAX_SECTIONS = 1_000
"""The most highlights or chapters of one paper."""
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
    sections: tuple[models.Section, ...] = ()


ParseResult = tuple[list[PaperDraft], list[models.Problem], int]
"""The papers and problems under one date heading, and the row at which the digest ends."""


def parse_paper_heading(heading: lines.Heading, rows: Sequence[str]) -> PaperHeading | None:
    """The paper of a heading with a link, a URL, or an id alone, first or last; None for other headings."""
    text, end = heading.text, heading.row + 1
    simple_link = arxiv_ids.MARKDOWN_LINK.fullmatch(text)
    if simple_link:
        label, url, paper_id = simple_link.groups()
        return PaperHeading(heading.row, end, heading.level, paper_id, " ".join(label.split()) or None, url)
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


def build_entries(drafts: Iterable[PaperDraft]) -> tuple[tuple[models.Entry, ...], list[models.Problem]]:
    """Entries ranked from 1 in the order given, and a problem for each repetition and for what exceeds MAX_PAPERS.

    A repeated paper is one entry at its first position. Its first values count; later ones fill in missing values.
    """
    first: dict[str, PaperDraft] = {}
    problems: list[models.Problem] = []
    excess_lines: list[int] = []
    for draft in drafts:
        known = first.get(draft.arxiv_id)
        if known is not None:
            problems.append(models.Problem(draft.line, _merge_duplicate(known, draft)))
        elif len(first) < MAX_PAPERS:
            first[draft.arxiv_id] = draft
        else:
            excess_lines.append(draft.line)
    if excess_lines:
        problems.append(_excess_problem(excess_lines))
    for draft in first.values():
        problems += _limit_lists(draft)
    return tuple(_build_entry(rank, draft) for rank, draft in enumerate(first.values(), 1)), problems


def _limit_lists(draft: PaperDraft) -> list[models.Problem]:
    """Cut the authors and sections of a paper, each with a problem: one name or bullet a line makes a million."""
    problems = []
    for count, most, noun in (
        (len(draft.authors), MAX_AUTHORS, "authors"),
        (len(draft.sections), MAX_SECTIONS, "sections"),
    ):
        if count > most:
            message = f"a paper has at most {most} {noun}; {count - most} of {draft.arxiv_id} are left out"
            problems.append(models.Problem(draft.line, message))
    if len(draft.authors) > MAX_AUTHORS:
        draft.authors, draft.authors_truncated = draft.authors[:MAX_AUTHORS], True
    draft.sections = draft.sections[:MAX_SECTIONS]
    return problems


def _excess_problem(excess_lines: Sequence[int]) -> models.Problem:
    count = len(excess_lines)
    noun = "1 paper is" if count == 1 else f"{count} papers are"
    message = f"a digest has at most {MAX_PAPERS} papers; {noun} left out from here on"
    return models.Problem(excess_lines[0], message)


def find_stray_text(rows: Sequence[str], start: int, end: int) -> list[models.Problem]:
    """A problem at the first line of the text between a date heading and its first paper, if there is text."""
    for row in range(start, end):
        line = rows[row]
        if line.strip() and not lines.is_thematic_break(line):
            return [models.Problem(row + 1, f"text that belongs to no paper: {lines.excerpt(line)}")]
    return []


def _build_entry(rank: int, draft: PaperDraft) -> models.Entry:
    return models.Entry(
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
        summary_basis.find_basis(draft.sections) is summary_basis.Basis.NONE,
    )


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
    return title or None
