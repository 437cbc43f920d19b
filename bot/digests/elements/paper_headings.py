"""The headings that name a paper, in whichever way, and the gathering of what is said under them into entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.digests.elements import arxiv_ids
from bot.digests.markdown import lines
from storage import models

_LINK_CAPTIONS = frozenset(
    {"", "abs", "abstract", "arxiv", "hf", "html", "link", "paper", "pdf", "url", "논문", "링크", "원문"}
)


_MAX_TITLE_LINES = 3
_MAX_TITLE_LINE_LENGTH = 500


class PaperHeading(NamedTuple):
    """A heading with an arXiv id. `url` and `title` are None where it gives none; a bare one is only an id.

    It stands in the rows from `row` to `end` (not included): a title may be broken into several lines.
    """

    row: int
    end: int
    level: int
    arxiv_id: str
    title: str | None
    url: str | None

    @property
    def is_bare_id(self) -> bool:
        """Whether the heading is nothing but the id."""
        return self.title is None


@dataclass(slots=True)
class PaperDraft:
    """What is known so far of one paper. `line` counts from 1 and is the line of its heading."""

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


class ParseResult(NamedTuple):
    """What a format's parser found under one date heading, and the line before which the digest ends."""

    drafts: list[PaperDraft]
    problems: list[models.Problem]
    end: int


def parse_paper_heading(heading: lines.Heading, rows: Sequence[str]) -> PaperHeading | None:
    """The paper that a heading names: by a link, by an address, or by an id that stands alone, first or last."""
    text, end = heading.text, heading.row + 1
    plain = arxiv_ids.MARKDOWN_LINK.fullmatch(text)
    if plain:
        words, url, paper_id = plain.groups()
        return PaperHeading(heading.row, end, heading.level, paper_id, " ".join(words.split()) or None, url)
    if text.startswith("[") and "](" not in text:
        text, end = _join_title_lines(text, rows, end)
    found = _parse_linked_heading(text) if "://" in text else _parse_id_heading(text)
    if not found:
        return None
    paper_id, words, url = found
    title = _clean_title(words)
    if title and len(title) < 30 and arxiv_ids.extract_arxiv_id(title) == paper_id:
        title = None
    return PaperHeading(heading.row, end, heading.level, paper_id, title, url)


def _join_title_lines(text: str, rows: Sequence[str], end: int) -> tuple[str, int]:
    """A heading whose title goes on below, as arXiv breaks long ones, up to its link; else as it was."""
    joined = text
    for row in range(end, min(end + _MAX_TITLE_LINES, len(rows))):
        line = rows[row].strip()
        if not line or line.startswith("#") or len(line) > _MAX_TITLE_LINE_LENGTH:
            break
        joined += " " + line
        if "](" in line:
            return joined, row + 1
    return text, end


def build_entries(drafts: Iterable[PaperDraft]) -> tuple[tuple[models.Entry, ...], list[models.Problem]]:
    """Entries ranked from 1 in the order given.

    A paper that stands twice is one entry, at its first place: what the first lacks the second fills in, what
    both say the first decides. Each repetition is named as a problem.
    """
    first: dict[str, PaperDraft] = {}
    problems: list[models.Problem] = []
    for draft in drafts:
        known = first.setdefault(draft.arxiv_id, draft)
        if known is not draft:
            problems.append(models.Problem(draft.line, _merge_duplicate(known, draft)))
    return tuple(_build_entry(rank, draft) for rank, draft in enumerate(first.values(), 1)), problems


def find_stray_text(rows: Sequence[str], start: int, end: int) -> list[models.Problem]:
    """Text between a date heading and its first paper belongs to no paper: one problem, at its first line."""
    for index in range(start, end):
        if rows[index].strip() and not lines.is_thematic_break(rows[index]):
            return [models.Problem(index + 1, f"text that belongs to no paper: {lines.excerpt(rows[index])}")]
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
        not draft.sections,
    )


def _merge_duplicate(known: PaperDraft, again: PaperDraft) -> str:
    """Complete `known` from `again`; says what was done with the second."""
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
    """Id, title and address of a heading such as `[Title](https://…)`.

    The title may hold brackets and links of its own. The link that closes the first bracket wins; in a title
    whose brackets don't match, the last link to a paper does.
    """
    middle = text.find("](")
    if text.startswith("[") and text.find("]") == middle and text.find("](", middle + 2) < 0:
        link = arxiv_ids.parse_link_at(text, middle + 2)
        if link and link.end == len(text) - 1:
            return link.arxiv_id, text[1:middle], link.url
    return _parse_nested_links(text)


def _parse_nested_links(text: str) -> tuple[str, str, str] | None:
    last: tuple[arxiv_ids.PaperLink, int] | None = None
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
            last = (link, middle)
            if depth == 0:
                break
        middle = text.find("](", position)
    if last:
        link, middle = last
        return link.arxiv_id, _link_title(text, middle), link.url
    found = arxiv_ids.find_link(text)
    return (
        (found.arxiv_id, text[: found.end - len(found.url)].rstrip("(<[ -–—:"), found.url) if found else None
    )


def _link_title(text: str, middle: int) -> str:
    """The title in a heading whose link's words end at `middle`: these words, unless they only say "PDF"."""
    depth, opened = 1, middle
    while depth and opened > 0:
        opened -= 1
        depth += (text[opened] == "]") - (text[opened] == "[")
    before = text[:opened]
    if depth or before.count("[") > before.count("]"):
        opened = text.find("[")
        before = text[:opened]
    words, before = text[opened + 1 : middle], before.strip(" *_-–—:|")
    named = words.strip(" *_").lower() not in _LINK_CAPTIONS and not arxiv_ids.parse_bare_id(words)
    return words if named or not before else before


def _parse_id_heading(text: str) -> tuple[str, str, None] | None:
    """An id without address: alone (`2502.02737`), before the title or, in brackets, behind it."""
    head, _, rest = text.partition(" ")
    paper_id = arxiv_ids.parse_bare_id(head.strip("[]():`*"))
    if paper_id:
        return paper_id, rest.lstrip("-–—: "), None
    rest, _, tail = text.rpartition(" ")
    paper_id = arxiv_ids.parse_bare_id(tail.strip("()[]`*")) if tail[:1] in "([" else None
    return (paper_id, rest, None) if paper_id else None


def _clean_title(title: str) -> str | None:
    """The title as text: one line, brackets without backslashes, not wholly in bold. None if nothing is left."""
    if "\\" in title:
        title = title.replace("\\[", "[").replace("\\]", "]")
    title = " ".join(title.split())
    for mark in ("**", "__"):
        if title.startswith(mark) and len(title) > 4 and title.endswith(mark) and mark not in title[2:-2]:
            title = title[2:-2].strip()
    return title or None
