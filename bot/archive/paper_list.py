"""Lists of papers as others write them: Markdown in which table rows, items, headings or sections name a paper, and JSON.

An id is read wherever it stands; a title only where the form says that it is one, since arXiv gives titles by id.
A date is that of a heading, the front matter, the file's path, or a row; papers without one are a *rolling* digest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from itertools import chain, islice
from typing import Any, NamedTuple

from bot.archive import arxiv_ids, fields, listing, markdown_lines
from storage import errors
from storage.models import Digest, DigestFormat, Problem

MAX_SECTION_LENGTH = 6_000
_MAX_CAPTION_LENGTH = 80


# Words of lists.


def _read_words() -> dict[str, list[str]]:
    text = resources.files(__package__).joinpath("list_words.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {kind: words.split("|") for kind, words in rows}


_WORDS = _read_words()
_KINDS = {label: kind for kind in ("authors", "title", "skipped", "date", "text") for label in _WORDS[kind]}
"""The kinds of labels of lines."""
_COLUMNS = {kind: re.compile("|".join(_WORDS[f"{kind} column"])) for kind in ("title", "authors", "date")}
_CAPTIONS = re.compile(rf"(?:(?:{'|'.join(_WORDS['caption'])})[\W_]*){{1,5}}\Z", re.IGNORECASE)
_NO_TITLES = re.compile(rf"(?:{'|'.join(_WORDS['no title'])})\W*\Z", re.IGNORECASE)
_MENTIONING = re.compile(rf"(?:{'|'.join(_WORDS['mention'])})\W*\Z", re.IGNORECASE)


# What is a title.

_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_LEAD = re.compile(
    r"\A(?:[\[(]?[0-9]{1,4}[\])]?[.):、]?\s{1,3}|[\[(][0-9]{1,4}[\])]\s{0,3}|[①-⑳❶-❿]\s{0,3}|[^\w\s$\\\"“”'‘’`(\[*~<]+\s{0,3}){1,4}"
)
_TAG = re.compile(r"\A\[[^\[\]]{1,40}\][\s:]{1,3}(?=\S)")
_END_BRACKETS = re.compile(r"\s{0,3}\(([^()]{2,30})\)\Z")
_YEAR = re.compile(r"(?:.*\W)?(?:(?:19|20)[0-9]{2}|['’][0-9]{2})|arxiv", re.IGNORECASE)
_BOLD = re.compile(r"\*\*\*?([^*\n]{3,400})\*\*\*?|__([^_\n]{3,400})__")
_QUOTED = re.compile('["“「『]([^"“”「」『』\n]{3,300})["”」』]')
_READ_MORE = re.compile(
    r"[(\[]?\s{0,3}(?:read more on|read more|more on|link|paper|pdf|arxiv)?\s{0,3}[:：|,(\[*–—-]{0,5}\s{0,3}\Z",
    re.IGNORECASE,
)
_AROUND_ID = re.compile(
    r"\A(?:v[0-9]{1,2})?[\])`*:\s–—-]{0,9}|[\[(`*\s]{0,9}(?:arxiv:?)?[\[(`*:\s–—-]{0,9}\Z", re.IGNORECASE
)
_ENDS_WITH_NAME = re.compile(r",\s(?:[A-Z][\w.'’-]*\s){1,3}[A-Z][\w'’-]+[.,]?\Z")
_NAME = r"[A-Z][\w.'’-]*(?: [A-Z][\w.'’-]*){0,3}"
_ONLY_NAMES = re.compile(rf"{_NAME}(?:, {_NAME}){{0,20}}(?:,? (?:and|&) {_NAME}|, {_NAME})\Z")
_ID_WORD = re.compile(r"[0-9]{4}\.[0-9]{4,5}")
_NAMES = re.compile(r"et\.?\s{0,2}al\b", re.IGNORECASE)


def clean_title(text: str) -> str:
    """A title without markup, number, tag, quotes, ornaments and venue around it."""
    text = _TAG.sub("", _LEAD.sub("", markdown_lines.plain_text(text).strip(" *_:-–—|"))).strip(" *_:–—|,;")
    for first, last in ('""', "“”", "''", "「」", "『』", "[]"):
        if len(text) > 2 and text[0] == first and text[-1] == last and first not in text[1:-1]:
            text = text[1:-1].strip()
    text = text[:-1] if text.endswith(".") and not text.endswith("..") else text
    end = _END_BRACKETS.search(text)
    kinds = (_YEAR.fullmatch, fields.VENUE.fullmatch, _NAMES.search)
    return text[: end.start()] if end and any(is_kind(end[1]) for is_kind in kinds) else text


def as_title(text: str, min_words: int = 4) -> str | None:
    """The text as a title, or None for captions, names, ids, sentences, and titles that were translated.

    A title has at least `min_words` words, or one less and a colon: shorter texts are mostly names of what a paper presents.
    """
    title = clean_title(text)
    letters = len(_LETTER.findall(title[:300]))
    words = _WORD.findall(title[:400])
    is_other = (
        not 6 <= len(title) <= 300
        or letters < 5
        or "://" in title
        or _CAPTIONS.match(title)
        or len(_CJK.findall(title)) > 0.2 * letters
        or _NAMES.search(title)
        or _ONLY_NAMES.match(title)
        or arxiv_ids.parse_bare_id(title)
        or len(words) < min_words - (": " in title)
        or (min_words > 3 and len(title) < 20)
        or (text.rstrip(" *_").endswith(".") and len(words) > 12)
        or ". " in title[20:-20]
    )
    return None if is_other else title


def _find_title(text: str, inline: markdown_lines.Inline, arxiv_id: str | None) -> str | None:
    """The title in a text about one paper, if its form says that it is one."""
    own = (as_title(link.label) for link in inline.links if link.arxiv_id == arxiv_id)
    if title := max(filter(None, own), key=len, default=None):
        return title
    labelled = (_label_kind(line) for line in text.split("\n", 9)[:9] if ":" in line or "：" in line)
    titles = (as_title(value, 1) for kind, _, value in labelled if kind == "title")
    if title := next(filter(None, titles), None):
        return title
    if any(_is_named(link) for link in inline.links if link.arxiv_id == arxiv_id):
        return None
    quoted = (as_title(match[1], 1) for match in _QUOTED.finditer(text[:600]))
    if title := next(filter(None, quoted), None):
        return title
    bold = _BOLD.search(text[:600])
    if bold and not _is_name(text, bold) and (title := as_title(bold[1] or bold[2])):
        return title
    others = (as_title(link.label, 5) for link in inline.links if not link.arxiv_id)
    return next(filter(None, others), None)


def _guess_title(text: str, inline: markdown_lines.Inline, arxiv_id: str) -> str | None:
    """The title before or behind the links or the id, as in `A title of words [PDF](…)`, if something like one stands there."""
    if any(_is_named(link) for link in inline.links if link.arxiv_id):
        return None
    ids = arxiv_ids.find_ids(text)
    links = sorted((link for link in inline.links if link.label), key=lambda link: link.start)
    start = links[0].start if links else -1
    if ids and not links:
        start = max(text.rfind(" ", 0, ids[0][1]), text.rfind("\n", 0, ids[0][1]))
    before = text[: max(start, 0)].strip()
    if (bold := _BOLD.match(before)) and not before.startswith(("**[", "__[")):
        return None if _is_name(text, bold) else as_title(bold[1] or bold[2], 3)
    if "\n" in before and (title := as_title(before.partition("\n")[0])):
        return title
    before = _READ_MORE.sub("", before)
    if len(before) <= 400 and not _ENDS_WITH_NAME.search(before) and (title := as_title(before)):
        return title
    end = 0
    for link in links:
        end = link.end if link.start <= end + 3 else end
    if end:
        return as_title(markdown_lines.read_inline(text[end:]).plain.partition("\n")[0])
    parts = inline.plain.partition("\n")[0].partition(arxiv_id)
    return as_title(_AROUND_ID.sub("", max(parts[0], parts[2], key=len))) if parts[1] else None


def _is_name(text: str, bold: re.Match[str]) -> bool:
    """Whether bold text is a name before prose, as in `**Name** - what it is about`."""
    rest = text[bold.end() :].lstrip(" *:")
    return rest[:1] in ("-", "–", "—", ":") and len(_WORD.findall(rest[:200])) > 3


def _link_titles(links: Iterable[markdown_lines.Link], min_words: int) -> dict[str, str]:
    """The titles among the labels of links, by id."""
    titles = ((link.arxiv_id, as_title(link.label, min_words)) for link in links if link.arxiv_id)
    return {arxiv_id: title for arxiv_id, title in titles if arxiv_id and title}


def _is_named(link: markdown_lines.Link) -> bool:
    """Whether a link is labelled with more than a caption or an id: if it leads to a paper, the title stands nowhere."""
    label = clean_title(link.label)
    return bool(
        _LETTER.search(label) and not _CAPTIONS.match(label) and not arxiv_ids.extract_arxiv_id(label)
    )


# Blocks to papers.


@dataclass(slots=True)
class _Paper:
    """A paper of a list. A heading, item or text that is not deeper than `depth` ends its text."""

    arxiv_id: str
    row: int
    on: date | None
    title: str | None
    depth: int
    text: list[str]
    votes: int | None = None


@dataclass(slots=True)
class _Section:
    """What is below a heading: its date, the papers in a weaker form, and the number of items that do not name a paper."""

    on: date | None
    weak: set[int] = field(default_factory=set)
    plain: int = 0


class _ListReader:
    """Reads blocks in order. A paper's text goes on until the next paper, a rule, or a block of its own level or above."""

    def __init__(self, blocks: Sequence[markdown_lines.Block], on: date | None) -> None:
        self._blocks = blocks
        self._sections = [_Section(on)]
        self._current: _Paper | None = None
        self._before: str | None = None
        self._voted: markdown_lines.Block | None = None
        self._votes: re.Match[str] | None = None
        self.papers: list[_Paper] = []
        self.problems: list[Problem] = []

    def read(self) -> list[_Paper]:
        """Return the papers; those of a weak form only where most of a section's items name one."""
        self._read(0, len(self._blocks), self._sections[0])
        doubtful = (section.weak for section in self._sections if section.plain >= len(section.weak))
        dropped = set[int]().union(*doubtful)
        return [paper for index, paper in enumerate(self.papers) if index not in dropped]

    def _read(self, start: int, end: int, section: _Section) -> None:
        while start < end:
            block = self._blocks[start]
            self._read_block(start, section)
            start = block.end

    def _read_block(self, start: int, section: _Section) -> None:
        block = self._blocks[start]
        if block.kind is markdown_lines.Kind.HEADING:
            self._read_heading(start, section)
        elif block.kind is markdown_lines.Kind.ITEM:
            self._read_item(start, section)
        elif block.kind is markdown_lines.Kind.ROW:
            self._read_row(block, section)
        elif block.kind is markdown_lines.Kind.TEXT:
            self._read_text(block, section)
        elif self._current and self._current.depth >= markdown_lines.TEXT_DEPTH:
            self._current = None

    def _add(
        self,
        arxiv_id: str,
        block: markdown_lines.Block,
        title: str | None,
        section: _Section,
        text: Iterable[str] = (),
        *,
        is_weak: bool = False,
    ) -> _Paper:
        if is_weak:
            section.weak.add(len(self.papers))
        paper = self._current = _Paper(arxiv_id, block.row, section.on, title, block.depth, list(text))
        if block is not self._voted:  # a block may have hundreds of papers
            self._voted, self._votes = block, _VOTES.search(block.text)
        if self._votes:
            paper.votes = int(self._votes[1])
        self.papers.append(paper)
        self._before = None
        return paper

    def _read_heading(self, position: int, section: _Section) -> None:
        block = self._blocks[position]
        text, plain = block.text, markdown_lines.plain_text(block.text[:600])
        if _MENTIONING.match(plain):
            return
        if block.ids:
            inline = markdown_lines.read_inline(text)
            titles = _link_titles(inline.links, 4)
            if len(block.ids) == 1 and not titles:
                [found] = block.ids
                title = _find_title(text, inline, found) or _guess_title(text, inline, found)
                titles = {found: title} if title else {}
            for arxiv_id in block.ids:
                self._add(arxiv_id, block, titles.get(arxiv_id), section)
        elif self._current and self._current.depth < block.depth:
            self._current.text.append(f"**{plain}**:")
        else:
            self._current = self._before = None
            on = None if fields.UPDATED.search(text[:100]) else fields.find_date(plain)
            section = _Section(on or section.on)
            self._sections.append(section)
            if not on and (only := self._find_only_paper(position)):
                self._read_section(position, only, section)
                return
        self._read(position + 1, block.end, section)

    def _find_only_paper(self, position: int) -> str | None:
        """The id of a section that is about one paper, whose title is the heading: alone on a line, and without a title."""
        heading, ids = self._blocks[position], set[str]()
        if heading.first_id is None or _NO_TITLES.match(markdown_lines.plain_text(heading.text)):
            return None
        length = 0 if as_title(heading.text, 3) is None else 30 if heading.has_more else 200
        for block in self._blocks[position + 1 : heading.end]:
            if block.kind is markdown_lines.Kind.HEADING and block.first_id:
                if block.ids or not _NO_TITLES.match(markdown_lines.plain_text(block.text)):
                    return None
            elif block.ids:
                inline = markdown_lines.read_inline(block.text)
                is_row = block.kind is markdown_lines.Kind.ROW and not _is_fact(block)
                if is_row or any(_find_title(block.text, inline, found) for found in block.ids[:2]):
                    return None
                ids.update(_find_marked_ids(block, length))
        return ids.pop() if len(ids) == 1 else None

    def _read_section(self, position: int, arxiv_id: str, section: _Section) -> None:
        """Make the section one paper: its heading is the title, its paragraphs the text."""
        heading = self._blocks[position]
        text = [_as_text(block, 8) for block in self._blocks[position + 1 : heading.end]]
        title, translated = as_title(heading.text, 2), clean_title(heading.text)
        if text and _KINDS.get(translated.strip(":： ").lower()) == "title":
            title = as_title(text.pop(0), 2)
        lines = (line for part in text for line in part.split("\n"))
        if title is None and translated and not any(_label_kind(line)[0] == "title" for line in lines):
            text.insert(0, translated)
        self._add(arxiv_id, heading, title, section, text)

    def _read_row(self, block: markdown_lines.Block, section: _Section) -> None:
        if not block.ids:
            return
        cells = markdown_lines.split_cells(block.text)
        inlines = [markdown_lines.read_inline(cell) for cell in cells]
        titles = _link_titles([link for inline in inlines for link in inline.links], 5)
        papers = titles or block.ids
        own = {found: [at for at, cell in enumerate(cells) if found in cell] for found in papers}
        often = Counter(places[0] for places in own.values() if len(places) == 1)
        labels = _link_titles((link for at in often for link in inlines[at].links), 4)
        for arxiv_id in papers:
            paper = self._add(arxiv_id, block, titles.get(arxiv_id), section)
            if len(papers) == 1:
                by_column = {kind: _column(block.columns, kind) for kind in _COLUMNS}
                paper.title = _row_title(cells, inlines, arxiv_id, by_column["title"])
                paper.text = list(_read_cells(cells, block.columns, by_column, paper.title))
            elif paper.title is None and len(own[arxiv_id]) == 1:
                [at] = own[arxiv_id]
                # Beside several papers nothing says whose a title is that is not the label of a link to one of them.
                is_alone = often[at] == 1
                paper.title = (
                    _find_title(cells[at], inlines[at], arxiv_id) if is_alone else labels.get(arxiv_id)
                )
        self._current = None

    def _read_text(self, block: markdown_lines.Block, section: _Section) -> None:
        current = self._current
        foreign = [found for found in block.ids if not current or found != current.arxiv_id]
        may_date = not block.ids and (not current or (current.depth > 6 and ":" not in block.text))
        if may_date and (on := fields.find_date_alone(block.text)):
            self._current, section.on = None, on
        elif not foreign and current:
            current.text.append(block.text)
        elif not foreign:
            self._before = block.text
        elif len(foreign) == 1:
            self._read_paragraph(block, section)
        else:
            for line in block.text.split("\n"):
                part = markdown_lines.Block(markdown_lines.Kind.TEXT, block.row, block.depth, line)
                part.ids = markdown_lines.find_block_ids(part)
                self._read_paragraph(part, section, is_line=True)

    def _read_paragraph(
        self, block: markdown_lines.Block, section: _Section, *, is_line: bool = False
    ) -> None:
        """Read a paragraph with at most one paper of its own: it begins with its link or title, or is only a link."""
        text, current = block.text, self._current
        if current and (not block.ids or block.ids[0] == current.arxiv_id):
            current.text.append(text)
            return
        if not block.ids:
            return
        inline = markdown_lines.read_inline(text)
        titles = {found: _find_title(text, inline, found) for found in block.ids[:2]}
        arxiv_id = next((found for found, title in titles.items() if title), block.ids[0])
        title = titles[arxiv_id]
        lead = clean_title(text[:400]).lower().lstrip("\"“‘'[(")
        if title and len(block.ids) <= 2 and f": {title[:12].lower()}" in f": {lead[:42]}":
            self._add(arxiv_id, block, title, section, [_after_title(text, inline, arxiv_id, title)])
            return
        is_caption = len(inline.rest) <= _MAX_CAPTION_LENGTH or block.ids[0] in _find_marked_ids(block, 40)
        if is_line or len(block.ids) > 1 or not is_caption:
            return  # it mentions papers
        if current and current.depth < markdown_lines.TEXT_DEPTH:
            current.text.append(text)  # a mention in the text of a paper with a heading
            return
        before = (current.text[-1] if current and current.text else self._before) or ""
        may_name = before.count("\n") < 2 and _label_kind(before)[0] in (None, "text")
        found = as_title(before) if may_name else None
        if found and current:
            current.text.pop()
        title = found or title or _guess_title(text, inline, arxiv_id)
        if title or arxiv_id in _find_marked_ids(block, 0):
            self._add(arxiv_id, block, title, section, text.split("\n")[1:], is_weak=not found)

    def _read_item(self, position: int, section: _Section) -> None:
        """Read an item with the deeper items below it: one paper, or several, or text of the paper above it."""
        item, current = self._blocks[position], self._current
        below = self._blocks[position + 1 : item.end]
        if item.first_id is None or (current and not item.has_more and item.first_id == current.arxiv_id):
            if current and (item.depth > current.depth or _label_kind(item.text)[0]):
                current.text += [_as_text(block, item.depth) for block in (item, *below)]
            else:
                self._current, self._before = None, item.text
                section.plain += "://" not in item.text or _CHANGE.search(item.text) is not None
            return
        if item.ids:
            self._read_item_papers(item, section)
        else:
            inline = markdown_lines.read_inline(item.text)
            title = None if item.has_more else _find_title(item.text, inline, "") or as_title(item.text)
            if title and not any(
                _link_titles(markdown_lines.read_inline(block.text).links, 4)
                for block in below
                if item.first_id in block.ids
            ):
                self._add(item.first_id, item, title, section, [block.text for block in below])
                return
            self._before = item.text
            if on := fields.find_date_alone(item.text):
                self._sections.append(section := _Section(on))
        self._read(position + 1, item.end, section)

    def _read_item_papers(self, item: markdown_lines.Block, section: _Section) -> None:
        text, inline = item.text, markdown_lines.read_inline(item.text)
        on = section.on or fields.find_date(markdown_lines.plain_text(text[:300])[:60])
        titles, first = _link_titles(inline.links, 5), len(self.papers)
        papers = titles or dict.fromkeys(item.ids)
        if len(papers) > 1:
            for arxiv_id, label in papers.items():
                self._add(arxiv_id, item, label, section, is_weak=label is None)
            self._current = None
        else:
            [arxiv_id] = papers
            sure = _find_title(text, inline, arxiv_id)
            if self._current and self._current.depth < markdown_lines.TEXT_DEPTH and not sure:
                self._current.text.append(f"- {text}")  # a mention in the text of a paper with a heading
                return
            title = sure or _guess_title(text, inline, arxiv_id)
            after = _after_title(text, inline, arxiv_id, title)
            self._add(arxiv_id, item, title, section, [after], is_weak=not sure)
        for paper in self.papers[first:]:
            paper.on = on


def _as_text(block: markdown_lines.Block, depth: int) -> str:
    """A block in the text of a paper: a heading as a label, an item with its bullet, indented as far as it is deeper."""
    if block.kind is markdown_lines.Kind.HEADING:
        return f"**{markdown_lines.plain_text(block.text)}**:"
    if block.kind is markdown_lines.Kind.ROW:
        return ": ".join(cell.strip() for cell in markdown_lines.split_cells(block.text))
    if block.kind is markdown_lines.Kind.ITEM:
        return f"{' ' * max(0, block.depth - depth)}- {block.text}"
    return block.text


def _is_fact(row: markdown_lines.Block) -> bool:
    """Whether a row has a link with its label, as in `| arXiv | 2606.00001 |`."""
    cells = markdown_lines.split_cells(row.text)
    return len(cells) == 2 and _KINDS.get(markdown_lines.plain_text(cells[0]).lower()) == "skipped"


def _find_marked_ids(block: markdown_lines.Block, max_length: int) -> Iterator[str]:
    """The ids of lines that have at most `max_length` letters besides links, or only the labels of links."""
    for line in block.text.split("\n"):
        if found := [arxiv_id for arxiv_id in block.ids if arxiv_id in line]:
            rest = markdown_lines.read_inline(line).rest
            if (
                _weigh(rest) <= max_length
                or _label_kind(line)[0] == "skipped"
                or _is_bare(rest)
                or rest[-1] in ":："
            ):
                yield from found


def _is_bare(rest: str) -> bool:
    """Whether what stands beside links says only what they are."""
    rest = " ".join(word for word in rest.split() if not _ID_WORD.search(word)).strip(" *_()[]📄🔗|·-`")
    return not _LETTER.search(rest) or _CAPTIONS.match(rest) is not None


def _column(names: Sequence[str], kind: str) -> int | None:
    return next((index for index, name in enumerate(names) if _COLUMNS[kind].search(name.lower())), None)


def _read_cells(
    cells: Sequence[str], names: Sequence[str], by_column: dict[str, int | None], title: str | None
) -> Iterator[str]:
    """The texts of a row, with the names of their columns as labels; short cells say nothing of a paper."""
    for index, cell in enumerate(cells):
        name = names[index] if index < len(names) else ""
        kind = next((kind for kind, at in by_column.items() if at == index), _KINDS.get(name.lower()))
        plain = markdown_lines.plain_text(markdown_lines.SUMMARY.sub("", cell))
        if kind is None and by_column["date"] is None and len(plain) < 24:
            kind = "date" if fields.find_date(plain) else None
        if kind in ("authors", "date"):
            yield f"{kind}: {plain}"
            continue
        if title and clean_title(cell).startswith(title):
            cell = "".join(markdown_lines.BREAK.split(cell, maxsplit=1)[1:])
            plain = markdown_lines.plain_text(markdown_lines.SUMMARY.sub("", cell))
        if kind != "skipped" and _weigh(plain) > 40:
            line = markdown_lines.plain_line(
                markdown_lines.SUMMARY.sub("", markdown_lines.BREAK.sub("\n", cell))
            )
            text = markdown_lines.read_inline(line).plain.replace("\\|", "|").strip()
            heading, body = fields.split_heading(_LEAD.sub("", text))
            heading = heading or (name if kind != "title" else None)
            yield f"**{heading}**:\n{body}" if heading else body
        elif "![" in cell:
            yield cell


def _weigh(text: str) -> int:
    """The length of a text in Latin letters: a character of Chinese or Hangul says as much as four."""
    return len(text) + 3 * len(_CJK.findall(text[:200]))


def _row_title(
    cells: Sequence[str], inlines: Sequence[markdown_lines.Inline], arxiv_id: str, title_at: int | None
) -> str | None:
    """The title in a row: that of a cell by its form, the text of the column of titles, or the first cell like one."""
    for index in sorted(range(len(cells)), key=lambda index: index != title_at):
        cell, inline = markdown_lines.BREAK.split(cells[index], maxsplit=1)[0], inlines[index]
        title = _find_title(cell, inline, arxiv_id)
        if title and len(inline.rest) < len(title) + 60:
            return title
        bold = _BOLD.search(cell[:600])
        if bold and _is_name(cell, bold):
            continue
        if index == title_at:
            title = _guess_title(cell, inline, arxiv_id) or as_title(cell, 2)
        else:
            title = as_title(inline.plain) if title_at is None and inline.plain.count(",") < 4 else None
        if title:
            return title
    return None


def _after_title(text: str, inline: markdown_lines.Inline, arxiv_id: str, title: str | None) -> str:
    """The text of a paragraph or an item after the title and the links behind it."""
    ends = [link.end for link in inline.links if link.arxiv_id == arxiv_id]
    start = ends[0] if ends else text.index(title) + len(title) if title and title in text else 0
    return text[start:].lstrip(' *_:,.)]"”–—-|')


# The text of a paper to its fields.

_LABEL = re.compile(
    r"(?:[-*+•]\s{1,3})?(?:[^\w\s*\[\]()<>!|`#-]{1,4}\s{1,2})?(?P<open>\*{1,3}|_{1,2})?(?P<name>[^\W_][^\n:：*_|\[\]()]{0,40}?)\s?(?P<close>\*{1,3}|_{1,2})?\s?[:：]\s?(?:\*{1,3}|_{1,2})?"
    r"[ \t]*(?P<value>.*)",
    re.DOTALL,
)
_CHANGE = re.compile(r"://[^\s)]{3,200}/(?:pull|issues|commit)/")
_VOTES = re.compile(r"(?:👍|🔼|▲|⬆)️?[\s:*]{0,3}([0-9]{1,6})(?![0-9])")
_NAME_LINES = 10
"""Lines of a paper's text among which one may have the authors without a label."""
_NAME_LIST = re.compile(r"\A[*_]{1,2}([^*_\n]{5,3000})[*_]{1,2}\Z")


def _label_kind(line: str) -> tuple[str | None, str, str]:
    """The kind, name and value of a labelled line; None for other lines. A label is known, or in bold."""
    match = _LABEL.match(line) if ":" in line[:60] or "：" in line[:60] else None
    if not match:
        return None, "", ""
    name = match["name"].strip()
    name = _LEAD.sub("", name) or name
    kind = _KINDS.get(name.lower()) or ("text" if match["open"] and len(name) > 1 else None)
    return kind, name, match["value"].strip()


def _to_records(
    papers: Iterable[_Paper], first_line: int, problems: list[Problem]
) -> Iterator[tuple[int, date | None, listing.Paper]]:
    """Yield the papers with their lines and dates, and add a problem for each that causes a bug."""
    for paper in papers:
        line = paper.row + first_line
        yield line, *_to_record(paper)


def _to_record(paper: _Paper) -> tuple[date | None, listing.Paper]:
    """The date of a paper, and the paper with the fields of a listing's: its text in sections by its labels."""
    record: listing.Paper = {"arxiv_id": paper.arxiv_id, "title": paper.title, "votes": paper.votes}
    sections: list[tuple[str | None, list[str]]] = []
    last, is_after_blank, on = None, True, paper.on
    for number, raw in enumerate(line for part in paper.text for line in [*part.split("\n"), ""]):
        line = raw.strip()
        kind, name, value = _line_kind(line, number)
        goes_on = (
            last in ("title", "skipped", "authors", "date") and not is_after_blank and line[:1] not in "-*>#"
        )
        if kind is None and goes_on:
            if last == "title" and record["title"]:
                record["title"] = as_title(f"{record['title']} {line}", 1) or record["title"]
            continue
        is_after_blank, last = kind == "blank", last if kind == "blank" else kind
        if "![" in line[:3000] and (pictures := markdown_lines.read_inline(line[:3000]).pictures):
            record.setdefault("thumbnail", pictures[0])
        if kind == "authors":
            names, _ = fields.parse_authors(_NAMES.sub("et al", markdown_lines.plain_text(value)))
            record.setdefault("authors", names)
        elif kind == "date":
            on = on or fields.find_date(markdown_lines.plain_text(value[:_MAX_CAPTION_LENGTH]))
        elif kind == "votes":
            record["votes"] = fields.parse_votes(value)[0]
        elif kind == "title":
            record["title"] = as_title(value, 1) or record["title"]
        elif kind == "text":
            sections.append((name, [markdown_lines.read_inline(value).plain]))
        elif kind is None and not _is_bare(markdown_lines.read_inline(line).rest):
            text = markdown_lines.read_inline(raw.rstrip()).plain
            if not sections:
                sections.append((None, []))
            sections[-1][1].append(text if text.lstrip()[:1] in ("-", "*") else text.strip())
    bodies = ((name, "\n".join(body).strip()) for name, body in sections)
    record["sections"] = [
        [name, body if len(body) <= MAX_SECTION_LENGTH else body[: MAX_SECTION_LENGTH - 1].rstrip() + "…"]
        for name, body in bodies
        if body
    ][: listing.MAX_SECTIONS]
    return on, record


def _line_kind(line: str, number: int) -> tuple[str | None, str, str]:
    """What a line of a paper's text is, with its label and value; None for text without a label."""
    if not line or markdown_lines.is_thematic_break(line):
        return "blank", "", ""
    if number < _NAME_LINES and _is_names(line):
        return "authors", "", line.strip("*_")
    labelled = fields.parse_labelled_field(line)
    return ("votes", "", labelled[1]) if labelled and labelled[0] == "votes" else _label_kind(line)


def _is_names(line: str) -> bool:
    """Whether a line in italics is a list of names, such as `*Ada Lovelace, Alan Turing, et al.*`."""
    match = _NAME_LIST.match(line)
    if not match or line.startswith("**") or any(mark in match[1] for mark in ":!?"):
        return False
    names, _ = fields.parse_authors(match[1].strip())
    is_named = names and all(len(name) < 60 and len(name.split()) <= 7 for name in names)
    return bool(is_named) and (len(names) > 1 or len(names[0].split()) in (2, 3, 4))


# A text to digests.

_FRONT_FIELD = re.compile(r"([a-zA-Z_-]{2,20})\s{0,3}:\s{0,3}(.{4,300})")


def parse(rows: Sequence[str], name: str, on: date | None) -> tuple[Digest, ...]:
    """The digests of a list, by date, and the undated papers as a rolling one of the day `on`.

    `name` is the path or address, which may have the date. Raises NotADigestError with the reason for other texts.
    """
    front_on, section, start = _read_front_matter(rows)
    start -= len(section)
    blocks, is_cut = markdown_lines.read_blocks(
        [*section, *rows[start + len(section) :]] if section or start else rows
    )
    everything = {arxiv_id for block in blocks for arxiv_id in block.ids}
    problems = []
    if is_cut:
        read = f"only the first {len(blocks):,} rows and items, with {len(everything):,} arXiv IDs, are read"
        problems.append(Problem(blocks[-1].row + start + 1, read))
    if not everything:
        reason = "it has no heading with a date"
        if problems:
            reason = f"{problems[0].message} (line {problems[0].line})"
        elif any(arxiv_ids.find_ids(row) for row in rows):
            reason = "its arXiv links are in code, comments or front matter, which are not read"
        raise errors.NotADigestError(reason)
    reader = _ListReader(blocks, front_on or fields.find_path_date(name))
    papers = reader.read()
    problems += [replace(problem, line=problem.line + start) for problem in reader.problems]
    found = {paper.arxiv_id for paper in papers}
    is_one = len(found) == 1 and papers[0].on is None
    if 2 * len(found) < len(everything) or is_one:
        links = f"{len(everything)} arXiv link{'s' if len(everything) > 1 else ''}"
        read = (
            f"but only {len(found)} in the form of a list"
            if found and not is_one
            else "but not in a form that can be read"
        )
        raise errors.NotADigestError(f"it has {links}, {read}")
    problems += [
        Problem(
            block.row + start + 1,
            f"only the first {markdown_lines.MAX_BLOCK_LENGTH} characters of a text are read",
        )
        for block in blocks
        if block.is_cut
    ]
    return build_digests(_to_records(papers, start + 1, problems), on, problems)


def build_digests(
    papers: Iterable[tuple[int, date | None, listing.Paper]],
    on: date | None,
    problems: Sequence[Problem] = (),
) -> tuple[Digest, ...]:
    """The digests of papers with their lines and dates. A paper that is named twice on a day is one paper.

    Reading the papers may add to `problems`.

    Raises NotADigestError if some have no date and `on` is None.
    """
    by_date: dict[date | None, dict[str, tuple[int, listing.Paper]]] = {}
    left_out = Counter[date | None]()
    room = markdown_lines.MAX_PAPERS
    for line, dated, paper in papers:
        found, arxiv_id = by_date.setdefault(dated, {}), paper["arxiv_id"]
        if arxiv_id in found:
            first, known = found[arxiv_id]
            found[arxiv_id] = first, {**paper, **{key: value for key, value in known.items() if value}}
        elif room and len(found) < fields.MAX_PAPERS:
            found[arxiv_id] = line, paper
            room -= 1
        else:
            left_out[dated] += 1
    notes = list(problems)
    if lost := sum(left_out[dated] for dated, found in by_date.items() if not found):
        limit = f"only the first {markdown_lines.MAX_PAPERS} papers are read"
        notes.append(Problem(1, f"{limit}; {lost} from other days {'is' if lost == 1 else 'are'} left out"))
    digests = []
    if None in by_date and on is None:
        number = len(by_date[None]) + left_out[None]
        raise errors.NotADigestError(f"it lists {number} paper{'s' if number > 1 else ''} without a date")
    # The rolling one first: whether its place was read before is asked before the dated ones are stored.
    for dated, found in sorted(by_date.items(), key=lambda item: item[0] is not None):
        if not found:
            continue
        lines, records = zip(*found.values(), strict=True)
        day = dated or on
        assert day
        if left_out[dated]:
            number = len(found) + left_out[dated]
            notes.append(Problem(1, f"the list has {number} papers; those after {len(found)} are left out"))
        form, is_rolling = DigestFormat.LIST, dated is None
        digests.append(listing.build(day, records, lines, notes, form=form, is_rolling=is_rolling))
        notes = []
    return tuple(digests)


def _read_front_matter(rows: Sequence[str]) -> tuple[date | None, list[str], int]:
    """The date in the front matter, its paper as a section if it names one, and the row after it."""
    end = next((row for row in range(1, min(len(rows), 60)) if rows[row].strip() == "---"), 0)
    if not end or rows[0].strip() != "---":
        return None, [], 0
    values = {
        match[1].lower(): match[2].strip("\"' ")
        for line in rows[1:end]
        if (match := _FRONT_FIELD.match(line))
    }
    dates = (fields.find_date(values.get(name, "")) for name in ("date", "published", "day"))
    on = next(filter(None, dates), None)
    ids = list(filter(None, map(arxiv_ids.extract_arxiv_id, values.values())))
    section = []
    if "title" in values and len(ids) == 1:
        section = [f"# [{values['title']}]({arxiv_ids.abstract_url(ids[0])})"]
        section += [f"- {name}: {value}" for name, value in values.items()]
    return on, section, end + 1


# JSON and JSON Lines: objects with the id of a paper, by the names that services give their fields.

_ID_FIELDS = (
    "arxiv_id", "arxivId", "arxiv", "ArXiv", "paper_id", "paperId", "id", "entry_id", "url", "link", "abs", "doi",
)  # fmt: skip
_TITLE_FIELDS = ("title", "paper_title", "original_title", "title_en", "name")
_DATE_FIELD = re.compile(r"(?:date|publish|created|submitted|announced|\Aday\Z)", re.IGNORECASE)
_DOI = re.compile(r"10\.48550/arxiv\.", re.IGNORECASE)
_TEXT_FIELDS = {
    "tldr": "TL;DR", "tl;dr": "TL;DR", "TLDR": "TL;DR", "ai_summary": None, "summary_ai": None, "motivation": "Motivation",
    "method": "Method", "result": "Result", "results": "Results", "conclusion": "Conclusion", "summary_zh": "摘要",
    "summary_cn": "摘要", "abstract_zh": "摘要", "translation": None, "description": None, "reason": "Reason",
    "highlights": "Highlights", "summary": None, "content_text": None, "abstract": "Abstract",
}  # fmt: skip


class _Found(NamedTuple):
    """A paper, or a text in Markdown (`paper` is None) that may have some, with the date of the object around it."""

    paper: Mapping[str, Any] | None
    on: date | None
    line: int
    text: str = ""


def parse_json(text: str, name: str, on: date | None, listing_form: DigestFormat) -> tuple[Digest, ...]:
    """The digests of a text of JSON values: listings as they are, and otherwise the papers in its objects.

    `name`, `on` and `listing_form` are as in `parse.parse_text`. Raises NotADigestError with the reason without a digest.
    """
    values = listing.read_values(text)
    head = list(islice(values, 2))
    if any(listing.is_record(value) for _, value in head):
        return listing.build_records([*head, *values], listing_form)
    path_on = fields.find_path_date(name)
    if service := _read_answer(head):
        day = path_on or _newest_day(service) or on
        if day:
            return (listing.build(day, service, form=listing_form, read=listing.from_service),)
    found = (item for line, value in chain(head, values) for item in _find_papers(value, line))
    texts, problems = list[_Found](), list[Problem]()
    if digests := build_digests(_read_papers(found, path_on, texts, problems), on, problems):
        return digests
    if texts:
        rows = [row for item in texts for row in ["", *item.text.strip().split("\n")]]
        dated = next((item.on for item in texts if item.on), None)
        return parse(rows, dated.isoformat() if dated else name, on)
    # Most JSON is not a list: the reason is that of the first value.
    return listing.build_records(head)


def _read_papers(
    found: Iterable[_Found], path_on: date | None, texts: list[_Found], problems: list[Problem]
) -> Iterator[tuple[int, date | None, listing.Paper]]:
    """Yield the papers among what is found, with their lines and dates, and add the texts to `texts`."""
    for item in found:
        if item.paper is None:
            texts.append(item)
            continue
        yield item.line, item.on or path_on or _date_of(item.paper), _object_to_record(item.paper)


def _read_answer(values: Sequence[tuple[int, object]]) -> list[Any]:
    """The items of a raw answer of Hugging Face, a list of objects that each have a `paper`; empty for other JSON."""
    if len(values) != 1 or not isinstance(values[0][1], list):
        return []
    items = values[0][1]
    is_answer = all(isinstance(item, Mapping) and isinstance(item.get("paper"), Mapping) for item in items)
    return items if is_answer else []


def _newest_day(items: Sequence[Any]) -> date | None:
    days = [
        fields.clean_date(item["paper"].get("submittedOnDailyAt") or item.get("publishedAt"))
        for item in items
    ]
    return max(filter(None, days), default=None)


def _find_papers(value: object, line: int) -> Iterator[_Found]:
    """Find the objects and rows with the id of a paper, outermost first and in order, without recursion."""
    stack: list[tuple[str, object, date | None]] = [("", value, None)]
    while stack:
        key, item, on = stack.pop()
        if isinstance(item, Mapping):
            inner = item.get("paper")
            paper = {**item, **inner} if isinstance(inner, Mapping) else item
            arxiv_id = arxiv_ids.parse_bare_id(key) or _find_id(paper)
            if arxiv_id:
                yield _Found({**paper, "arxiv_id": arxiv_id}, on, line)
                continue
            headers = (child for child in item.values() if isinstance(child, Mapping) and not _find_id(child))
            on = _date_of(item) or on or next((found for head in headers if (found := _date_of(head))), None)
            children = ((str(name), child) for name, child in reversed([*item.items()]))
            stack += [(name, child, on or fields.find_date(name[:40])) for name, child in children]
        elif isinstance(item, list):
            arxiv_id = arxiv_ids.parse_bare_id(item[0]) if item and isinstance(item[0], str) else None
            if arxiv_id and len(item) > 1 and not _names_paper(item[1]):
                yield _Found({"arxiv_id": arxiv_id, "title": item[1]}, on, line)
            else:
                stack += [("", child, on) for child in reversed(item)]
        elif isinstance(item, str):
            arxiv_id = arxiv_ids.parse_bare_id(key) if not arxiv_ids.find_ids(item) else None
            if arxiv_id or _names_paper(item):
                yield _Found(
                    {"arxiv_id": arxiv_id or arxiv_ids.extract_arxiv_id(item), "title": item}, on, line
                )
            elif len(item) > 20:
                yield _Found(None, on, line, item)


def _names_paper(value: object) -> bool:
    """Whether a value is an id, or a link to a paper and nothing else."""
    return isinstance(value, str) and len(value) < 300 and " " not in value and _read_id(value) is not None


def _read_id(value: str) -> str | None:
    found = arxiv_ids.extract_arxiv_id(_DOI.sub("", value))
    return found or next((arxiv_id for arxiv_id, _ in arxiv_ids.find_ids(value)), None)


def _find_id(paper: Mapping[str, Any]) -> str | None:
    """The id of an object: in the fields that services give it, or, if the object has a title, in its only link to a paper."""
    for name in _ID_FIELDS:
        value = paper.get(name)
        if isinstance(value, str) and len(value) < 300 and (arxiv_id := _read_id(value)):
            return arxiv_id
    if _title_of(paper) is None:
        return None
    inner = (child for value in paper.values() if isinstance(value, Mapping) for child in value.values())
    links = {_read_id(value) for value in [*paper.values(), *inner] if _names_paper(value)}
    return links.pop() if len(links) == 1 else None


def _title_of(paper: Mapping[str, Any]) -> str | None:
    return next((value for name in _TITLE_FIELDS if isinstance(value := paper.get(name), str)), None)


def _date_of(item: Mapping[str, Any]) -> date | None:
    """The date in the fields of an object, rather not that of an update."""
    named = sorted(
        (name for name in item if _DATE_FIELD.search(name)), key=lambda name: "update" in name.lower()
    )
    values = (item[name] for name in named)
    return next(
        (on for value in values if isinstance(value, str) and (on := fields.find_date(value[:40]))), None
    )


def _object_to_record(paper: Mapping[str, Any]) -> listing.Paper:
    """An object of a service with the fields of a listing's paper, which `bot.archive.listing` cleans."""
    texts: Mapping[str, Any] = paper
    if isinstance(ai := paper.get("AI", paper.get("ai")), Mapping):
        texts = {**paper, **ai}
    sections, seen = [], set[str]()
    for name, heading in _TEXT_FIELDS.items():
        value = texts.get(name)
        if isinstance(value, str) and (body := value.strip()) and body[:200] not in seen:
            seen.add(body[:200])
            sections.append([heading, body[:MAX_SECTION_LENGTH]])
    title = _title_of(paper)
    counts = (paper.get(name) for name in ("upvotes", "votes", "likes", "score"))
    record = dict(listing.from_service(paper) or {})
    return {
        **record,
        "arxiv_id": paper["arxiv_id"],
        "title": as_title(title, 1) if title else None,
        "authors": _author_names(paper.get("authors", paper.get("author"))),
        "votes": next((value for value in counts if isinstance(value, int)), None),
        "thumbnail": record.get("thumbnail") or paper.get("thumbnailUrl") or paper.get("image"),
        "summary": None,
        "sections": sections,
    }


def _author_names(value: object) -> list[str]:
    if isinstance(value, str):
        return list(fields.parse_authors(value)[0])
    items = value if isinstance(value, list) else []
    names = [item.get("name") if isinstance(item, Mapping) else item for item in items]
    return [name.strip(" ,;") for name in names if isinstance(name, str)]
