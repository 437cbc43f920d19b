"""Lists of papers as others write them: Markdown in which table rows, list items, headings or short sections name a paper.

An id is read wherever it stands; a title only where the form says that it is one, since arXiv gives titles by id.
A date is that of a heading, the front matter, the file's path, or a row; papers without one are a *rolling* digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import NamedTuple

from bot.archive import arxiv_ids, fields, html_pages, listing, markdown_lines
from bot.archive import headings as archive_headings
from bot.core import errors
from storage.models import Digest, DigestFormat, Problem

MAX_SECTION_LENGTH = 6_000
_MAX_BLOCK_LENGTH = 40_000
_MAX_LABEL_LENGTH = 400
_MAX_CAPTION_LENGTH = 80
_MAX_CELLS = 60
_MAX_INDENT = 24
MAX_BLOCKS = 200_000
"""Rows, items and paragraphs of a text that are read: more than 20 MB of real lists have, and as many as memory allows."""


class _Kind(Enum):
    HEADING = 1
    ROW = 2
    ITEM = 3
    TEXT = 4
    RULE = 5


@dataclass(slots=True)
class _Block:
    """A heading, table row, list item, paragraph or rule. `level` is that of a heading, or the indent of an item.

    `first_id` and `has_more`: the first id within, and whether there are others; of a heading, in its whole section.
    """

    kind: _Kind
    row: int
    level: int
    lines: list[str]
    columns: Sequence[str] = ()
    ids: tuple[str, ...] = ()
    first_id: str | None = None
    has_more: bool = False

    @property
    def text(self) -> str:
        return "\n".join(self.lines)[:_MAX_BLOCK_LENGTH]

    def take(self, ids: Iterable[str | None]) -> None:
        """Add ids of blocks within."""
        for arxiv_id in ids:
            self.first_id = self.first_id or arxiv_id
            self.has_more = self.has_more or arxiv_id not in (None, self.first_id)


class _Link(NamedTuple):
    label: str
    url: str
    start: int
    end: int
    arxiv_id: str | None


@dataclass(slots=True)
class _Paper:
    """A paper of a list. `level` is the heading level that ends its text, `indent` that of its item, if it is one."""

    arxiv_id: str
    row: int
    on: date | None
    title: str | None = None
    level: int = 7
    indent: int | None = None
    text: list[str] = field(default_factory=list)
    fields: dict[str, object] = field(default_factory=dict)


# Lines to blocks.

_ITEM = re.compile(r"([ \t]*)(?:[-*+•●▪‣][ \t]+|[0-9]{1,4}[.)][ \t]+)")
_HTML_REGION = re.compile(r"[ \t]*<(table|tbody|ul|ol|dl)\b", re.IGNORECASE)
_HTML_TAG = re.compile(
    r"</?(?:a|b|i|em|strong|p|div|span|br|img|h[1-6]|font|center|sup|sub|small|kbd|code)\b", re.IGNORECASE
)
_SUMMARY = re.compile(r"<summary[^<>]{0,200}>(.{0,400}?)</summary>", re.IGNORECASE)
_DETAILS = re.compile(r"</?details[^<>]{0,200}>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
_DELIMITER = re.compile(r"[ \t]*\|?[ \t:|-]*-[ \t:|-]*\Z")
_CELL_END = re.compile(r"(?<!\\)\|")
_FRONT_FIELD = re.compile(r"(date|published|day)\s{0,3}:\s{0,3}(.{4,100})", re.IGNORECASE)


def _read_blocks(rows: Sequence[str]) -> list[_Block]:
    fenced = markdown_lines.find_fenced_rows(rows, 0, len(rows))
    reader = _BlockReader()
    row, last_comment_end = 0, len(rows)
    while row < len(rows) and len(reader.blocks) < MAX_BLOCKS:
        line = rows[row]
        start = line.lstrip()[:4]
        if row in fenced:
            reader.end()
        elif start == "<!--" and row < last_comment_end:
            end = next((end for end in range(row, last_comment_end) if "-->" in rows[end]), None)
            if end is None:
                last_comment_end = row  # no comment ends after this row
            else:
                row = end
        elif region := _HTML_REGION.match(line):
            end = _find_region_end(rows, row, region[1].lower())
            for part in html_pages.to_markdown("\n".join(rows[row:end])).split("\n"):
                reader.read(row, part)
            reader.end()
            row = end - 1
        else:
            reader.read(row, line)
        row += 1
    reader.end()
    return reader.blocks


def _find_region_end(rows: Sequence[str], start: int, name: str) -> int:
    """The row after the end of an HTML element, or else before the next heading of Markdown."""
    depth = 0
    for row in range(start, len(rows)):
        line = rows[row].lower()
        if row > start and line.startswith("#"):
            return row
        depth += line.count(f"<{name}") - line.count(f"</{name}")
        if depth <= 0:
            return row + 1
    return len(rows)


class _BlockReader:
    """Collects blocks line by line."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self._open: _Block | None = None
        self._after_blank = True
        self._columns: Sequence[str] = ()
        self._in_table = False

    def read(self, row: int, line: str) -> None:
        if not line or line.isspace():
            self._after_blank, self._in_table = True, False
            if self._open and self._open.kind is _Kind.TEXT:
                self.end()
            return
        indent = min(len(line) - len(line.lstrip(" \t")), _MAX_INDENT)
        bare = line.strip()
        if self._read_row(row, bare):
            pass
        elif bare.count("|") >= 2 and bare.startswith("|"):
            self._add(_Kind.ROW, row, 0, bare)
        else:
            self._read_line(row, indent, _plain_line(bare))
        self._after_blank = False

    def end(self) -> None:
        """End the open block."""
        if self._open:
            _find_block_ids(self._open)
        self._open = None
        self._after_blank = True

    def _read_row(self, row: int, bare: str) -> bool:
        """Read a line as part of a table, if it is one: its delimiter, or a row after it."""
        if "|" not in bare:
            self._in_table = False
            return False
        last = self._open
        if _DELIMITER.match(bare):
            if last and "|" in last.lines[-1] and (last.kind is _Kind.ROW or len(last.lines) == 1):
                self._columns = [_plain_text(cell) for cell in _split_cells(last.lines[-1])]
                self.blocks.pop()
                self._open = None
            self._in_table = True
            return True
        if not self._in_table:
            return False
        self._add(_Kind.ROW, row, 0, bare)
        return True

    def _read_line(self, row: int, indent: int, bare: str) -> None:
        heading = markdown_lines.parse_heading(row, bare)
        if heading:
            self._add(_Kind.HEADING, row, heading.level, heading.text)
            self.end()
        elif markdown_lines.is_thematic_break(bare):
            self._add(_Kind.RULE, row, 0, bare)
            self.end()
        elif bare.strip("=") == "" and len(bare) > 2 and self._open and self._open.kind is _Kind.TEXT:
            self._open.kind, self._open.level = _Kind.HEADING, 1
            self.end()
        elif item := _ITEM.match(bare):
            self._add(_Kind.ITEM, row, indent, bare[item.end() :])
        elif self._open and self._continues(indent):
            self._open.lines += bare.split("\n")
        else:
            self._add(_Kind.TEXT, row, 0, *bare.split("\n"))

    def _continues(self, indent: int) -> bool:
        """Whether a line belongs to the open block: to a paragraph, or to an item if it is indented or follows at once."""
        assert self._open
        if self._open.kind is _Kind.ITEM:
            return not self._after_blank or indent > self._open.level
        return self._open.kind is _Kind.TEXT and not self._after_blank

    def _add(self, kind: _Kind, row: int, level: int, *lines: str) -> None:
        self.end()
        if kind is _Kind.HEADING or (kind is _Kind.ROW and len(_split_cells(lines[0])) != len(self._columns)):
            self._columns = ()
        self._open = _Block(kind, row, level, list(lines), self._columns if kind is _Kind.ROW else ())
        self.blocks.append(self._open)


def _plain_line(line: str) -> str:
    """A line without HTML, with its links and emphasis as Markdown, and a `<summary>` as a label."""
    if "<" not in line:
        return line
    line = _DETAILS.sub("", line)
    line = _SUMMARY.sub(lambda match: f"\n**{match[1].strip(' *')}**:\n", line)
    if _HTML_TAG.search(line):
        line = "\n".join(html_pages.to_markdown(part).strip() for part in line.split("\n"))
    return line.strip() or "\n"


def _split_cells(row: str) -> list[str]:
    return _CELL_END.split(row.strip().strip("|"), _MAX_CELLS)


def _find_block_ids(block: _Block) -> None:
    """Find the ids of a block: in links, after `arXiv:`, or bare where nothing else stands."""
    text = block.text
    found = [arxiv_id for arxiv_id, _ in arxiv_ids.find_ids(text)]
    if block.kind is _Kind.ROW:
        parts = [part.strip(" *`") for part in _split_cells(text)]
    else:
        words = text[:200].split()
        parts = [words[0].strip("[]()`*:,"), words[-1].strip("[]()`*")] if words else []
    parts += [link.label for link in find_links(text)] if not found else []
    found += [arxiv_id for part in parts if len(part) < 40 and (arxiv_id := arxiv_ids.parse_bare_id(part))]
    block.ids = tuple(dict.fromkeys(found))
    block.take(block.ids)


_LINK_TOKEN = re.compile(
    r"!?\[|\]\([ \t]{0,9}<?((?:[^()\s<>]|\([^()\s]{0,200}\)){0,1000})>?(?:\s{1,9}[\"'][^\"'()]{0,200}[\"'])?\s{0,9}\)|\]"
)


def find_links(text: str) -> list[_Link]:
    """The Markdown links of a text, inner ones first, with the id of a paper each leads to, or else is labelled with."""
    opened: list[int] = []
    links = []
    for token in _LINK_TOKEN.finditer(text):
        if token[0].endswith("["):
            opened.append(token.start())
        elif opened:
            start = opened.pop()
            if token[0] != "]":
                is_image = text[start] == "!"
                first = max(start + 1 + is_image, token.start() - _MAX_LABEL_LENGTH)
                label, url = " ".join(text[first : token.start()].split()), token[1]
                ids = arxiv_ids.find_ids(url)
                arxiv_id = ids[-1][0] if ids else arxiv_ids.parse_bare_id(label)
                links.append(_Link("" if is_image else label, url, start, token.end(), arxiv_id))
    return links


def strip_links(text: str) -> str:
    """A text with the labels of links in their place, and without pictures."""
    parts, position, depth = [], 0, list[bool]()
    for token in _LINK_TOKEN.finditer(text):
        if token[0].endswith("["):
            parts.append(text[position : token.start()])
            depth.append(token[0] == "![")
            position = token.end()
            if not depth[-1] and len(depth) == 1:
                continue
        elif depth:
            is_image = depth.pop()
            parts.append("" if is_image else text[position : token.start()])
            if token[0] == "]":
                parts.append("]")
            position = token.end()
    return "".join([*parts, text[position:]])


# What is a title.

_CAPTIONS = re.compile(
    r"(?:(?:read|view|see|show|more|full|original|official|our|the|on|click|download|get|open|pdf|abs|abstract|html|arxiv"
    r"|alphaxiv|hf|hugging|face|huggingface|page|pages|paper|papers|link|links|url|code|github|git|repo|project|website|site"
    r"|web|demo|video|tweet|twitter|blog|post|slides|poster|data|dataset|datasets|model|models|weights|doc|docs|preprint"
    r"|publication|source|here|openreview|ar5iv|kimi|cool|scholar|semantic|bibtex|cite|details|summary|version|v[0-9]{1,2}|null|none|n/a"
    r"|论文|链接|论文链接|原文|代码|项目|主页|详情|논문|링크|원문|코드|論文|リンク|原文链接|back|new|updated?|home|discord)[\W_]*){1,5}\Z",
    re.IGNORECASE,
)
_NO_TITLES = re.compile(
    r"(?:table of contents|contents|references?|bibliography|citations?|related works?|acknowledge?ments?|introduction|overview"
    r"|abstract|summary|conclusions?|news|updates?|changelog|change log|install(?:ation)?|usage|license|contributing|resources?"
    r"|papers?|datasets?|benchmarks?|surveys?|methods?|results?|models?|목차|참고문헌|目录|参考文献)\W*\Z",
    re.IGNORECASE,
)
_MENTIONING = re.compile(
    r"(?:references?|bibliography|citations?|citing|cite us|related works?|acknowledge?ments?|license|参考文献|참고문헌)\W*\Z",
    re.IGNORECASE,
)
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_LEAD = re.compile(
    r"\A(?:[\[(]?[0-9]{1,4}[\])]?[.):、]?\s{1,3}|[\[(][0-9]{1,4}[\])]\s{0,3}|[^\w\s$\\\"“”'‘’`(\[*~<]+\s{0,3}){1,4}"
)
_BOLD = re.compile(r"\*\*\*?([^*\n]{3,400})\*\*\*?|__([^_\n]{3,400})__")
_QUOTED = re.compile('["“「『]([^"“”「」『』\n]{3,300})["”」』]')
_READ_MORE = re.compile(
    r"[(\[]?\s{0,3}(?:read more on|read more|more on|link|paper|pdf|arxiv)?\s{0,3}[:：|,(\[*–—-]{0,5}\s{0,3}\Z",
    re.IGNORECASE,
)
_NAMES = re.compile(r"et\.?\s{0,2}al\b", re.IGNORECASE)


def _plain_text(text: str) -> str:
    """A text on one line without links, emphasis and HTML."""
    text = strip_links(_plain_line(text) if "<" in text else text)
    return " ".join(text.replace("**", "").replace("__", "").replace("`", "").replace("\\|", "|").split())


def clean_title(text: str) -> str:
    """A title without markup, number, quotes and ornaments around it."""
    text = _LEAD.sub("", _plain_text(text).strip(" *_:-–—|"))
    text = text.strip(" *_:–—|,;")
    for first, last in ('""', "“”", "''", "「」", "『』", "[]"):
        if len(text) > 2 and text[0] == first and text[-1] == last and first not in text[1:-1]:
            text = text[1:-1].strip()
    return text


def as_title(text: str, min_words: int = 4) -> str | None:
    """The text as a title, or None for captions, names, ids, sentences, and titles that were translated.

    A title has at least `min_words` words, or one less and a colon: shorter texts are mostly names of what a paper presents.
    """
    title = clean_title(text)
    letters = len(_LETTER.findall(title[:300]))
    if not 6 <= len(title) <= 300 or letters < 5 or "://" in title or _CAPTIONS.match(title):
        return None
    if (
        len(_CJK.findall(title[:300])) > 0.2 * letters
        or _NAMES.search(title)
        or arxiv_ids.parse_bare_id(title)
    ):
        return None
    words = _WORD.findall(title)
    if (
        len(words) < min_words - (": " in title)
        or (min_words > 3 and len(title) < 20)
        or (title.endswith(".") and len(words) > 12)
        or ". " in title[20:-20]
    ):
        return None
    return title


def _find_title(
    text: str, arxiv_id: str, links: Sequence[_Link], min_words: int = 4
) -> tuple[str | None, bool]:
    """The title of the only paper of an item, a row or a paragraph, and whether its form says that it is one."""
    if own := [
        title for link in links if link.arxiv_id == arxiv_id and (title := as_title(link.label, min_words))
    ]:
        return max(own, key=len), True
    if _has_name(arxiv_id, links):
        return None, False
    for quoted in _QUOTED.finditer(text[:600]):
        if title := as_title(quoted[1], 1):
            return title, True
    bold = _BOLD.search(text[:600])
    if bold and not _is_name(text, bold) and (title := as_title(bold[1] or bold[2])):
        return title, True
    if others := [title for link in links if not link.arxiv_id and (title := as_title(link.label, 5))]:
        return others[0], True
    return None, False


def _is_name(text: str, bold: re.Match[str]) -> bool:
    """Whether bold text is a name before prose, as in `**Name** - what it is about`."""
    rest = text[bold.end() :].lstrip(" *:")
    return rest[:1] in ("-", "–", "—", ":") and len(_WORD.findall(rest[:200])) > 3


def _link_titles(links: Sequence[_Link], min_words: int) -> dict[str, str]:
    """The titles among the labels of links, by id."""
    titles = ((link.arxiv_id, as_title(link.label, min_words)) for link in links if link.arxiv_id)
    return {arxiv_id: title for arxiv_id, title in titles if arxiv_id and title}


def _has_name(arxiv_id: str | None, links: Sequence[_Link]) -> bool:
    """Whether a link to a paper is labelled with more than a caption or an id: a name, whose title stands nowhere."""
    labels = (clean_title(link.label) for link in links if link.arxiv_id == arxiv_id)
    return any(
        _LETTER.search(label) and not _CAPTIONS.match(label) and not arxiv_ids.extract_arxiv_id(label)
        for label in labels
    )


def _text_before_link(text: str, links: Sequence[_Link]) -> str | None:
    """The title that stands before the first link to a paper, as in `A title: of words [PDF](…)`."""
    if any(_has_name(link.arxiv_id, links) for link in links if link.arxiv_id):
        return None
    start = min((link.start for link in links if link.arxiv_id), default=-1)
    found = arxiv_ids.find_ids(text)
    if start < 0 and found:
        start = text.rfind(" ", 0, found[0][1])
    before = text[:start].rstrip() if start > 0 else ""
    return as_title(_READ_MORE.sub("", before), 4) if 0 < len(before) <= 400 else None


# Dates.

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_RANGE = re.compile(
    rf"\b{_MONTH}\s?[0-9]{{1,2}}(?:st|nd|rd|th)?\s?(?:-|–|—|~|to)\s?(?:{_MONTH}\s?)?([0-9]{{1,2}})(?:st|nd|rd|th)?\W{{1,5}}(20[0-9]{{2}})\b",
    re.IGNORECASE,
)
_NUMBER_RANGE = re.compile(
    r"(20[0-9]{2})\W([0-9]{1,2})\W([0-9]{1,2})\s?(?:-|–|—|~|to)\s?(?:(20[0-9]{2})\W)?([0-9]{1,2})\W([0-9]{1,2})(?![0-9])"
)
_PATH_DAY = re.compile(rf"(?<![0-9])([0-9]{{1,2}})[-_ ]{_MONTH}[-_ ](20[0-9]{{2}})(?![0-9])", re.IGNORECASE)
_PATH_DATE = re.compile(r"(?<![0-9])(20[0-9]{2})([-_./]?)([0-9]{2})\2([0-9]{2})(?![0-9])")
_PATH_WEEK = re.compile(r"(?<![0-9])(?:([01][0-9])([0-3][0-9])-)([01][0-9])([0-3][0-9])(?![0-9])")
_PATH_YEAR = re.compile(r"(?<![0-9])(20[0-9]{2})(?![0-9])")
_OF = re.compile(r"(?<=[0-9a-z])\s+(?:of|if)\s+(?=[A-Z])")
_UPDATED = re.compile(r"updat|last |更新|갱신|업데이트|generated", re.IGNORECASE)


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
    parsed = archive_headings.parse_date(text)
    return parsed[0] if parsed else None


_CJK_DATES = {ord("年"): "-", ord("月"): "-", ord("日"): " "}


def find_path_date(name: str) -> date | None:
    """The date in a file's name or in the last folders of its path or address."""
    parts = name.split("?")[0].rstrip("/").split("/")[-4:]
    if parts and "." in parts[-1]:
        parts[-1] = parts[-1].rpartition(".")[0]
    path = "/".join(parts)
    if found := _PATH_DAY.search(path):
        return _make_date(found[3], _MONTHS.index(found[2][:3].lower()) + 1, found[1])
    if dates := list(_PATH_DATE.finditer(path)):
        return _make_date(*dates[-1].group(1, 3, 4))
    if (weeks := list(_PATH_WEEK.finditer(path))) and (years := _PATH_YEAR.findall(path)):
        return _make_date(years[-1], *weeks[-1].group(3, 4))
    return None


def _make_date(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


# Blocks to papers.


class _Counts:
    """The papers of a section whose form says less, and the items beside them that name no paper."""

    def __init__(self) -> None:
        self.weak: set[int] = set()
        self.plain = 0


class _ListReader:
    """Reads blocks in order. A paper's text goes on until the next paper, a rule, or a heading as high as its own."""

    def __init__(self, blocks: Sequence[_Block], on: date | None) -> None:
        self._blocks = blocks
        self._file_on = on
        self._dates: list[tuple[int, date | None]] = []
        self._current: _Paper | None = None
        self._section: _Block | None = None
        self._buffer: list[_Block] = []
        self._mentioning = 0
        self._counts = _Counts()
        self._all_counts = [self._counts]
        self.papers: list[_Paper] = []

    def read(self) -> list[_Paper]:
        """Return the papers; those of a weak form only where most of a section's items name one."""
        position = 0
        while position < len(self._blocks):
            block = self._blocks[position]
            if block.kind is _Kind.ITEM:
                end = self._item_end(position)
                self._read_item(position, end)
                position = end
            else:
                self._read_block(block)
                position += 1
        dropped = {
            index
            for counts in self._all_counts
            if counts.plain > 2 * len(counts.weak)
            for index in counts.weak
        }
        return [paper for index, paper in enumerate(self.papers) if index not in dropped]

    @property
    def _on(self) -> date | None:
        return next((on for _, on in reversed(self._dates) if on), None) or self._file_on

    def _item_end(self, position: int) -> int:
        """The position after an item and the deeper ones that follow it."""
        level = self._blocks[position].level
        end = position + 1
        while end < len(self._blocks):
            block = self._blocks[end]
            if block.kind is not _Kind.ITEM or block.level <= level:
                break
            end += 1
        return end

    def _read_block(self, block: _Block) -> None:
        if block.kind is _Kind.HEADING:
            self._read_heading(block)
        elif block.kind is _Kind.ROW:
            self._read_row(block)
        elif block.kind is _Kind.TEXT:
            self._read_text(block)
        elif self._current and self._current.level == 7:
            self._current = None

    def _read_heading(self, block: _Block) -> None:
        text = block.text
        if self._mentioning and block.level > self._mentioning:
            return
        self._mentioning = block.level if _MENTIONING.match(_plain_text(text)) else 0
        if block.ids and not self._mentioning:
            self._close_dates(block.level)
            links = find_links(text)
            titles = _link_titles(links, 4)
            for arxiv_id in block.ids:
                title = titles.get(arxiv_id)
                if title is None and len(block.ids) == 1:
                    title, _ = _find_title(text, arxiv_id, links)
                if title is None and len(block.ids) == 1:
                    title = _text_before_link(text, links) or as_title(_strip_id(text, arxiv_id))
                self._add(arxiv_id, block.row, title, level=block.level, head=text)
            self._section = None
            return
        if self._current and block.level > self._current.level:
            self._current.text.append(f"**{_plain_text(text)}**:")
            return
        self._current = None
        self._close_dates(block.level)
        on = None if _UPDATED.search(text[:100]) else find_date(_plain_text(text[:600]))
        self._dates.append((block.level, on))
        if self._counts.weak or self._counts.plain:
            self._counts = _Counts()
            self._all_counts.append(self._counts)
        is_paper = (
            block.first_id and not block.has_more and not on and not _NO_TITLES.match(_plain_text(text))
        )
        self._section = block if is_paper else None
        self._buffer = []

    def _close_dates(self, level: int) -> None:
        while self._dates and self._dates[-1][0] >= level:
            self._dates.pop()

    def _read_row(self, block: _Block) -> None:
        if not block.ids or self._mentioning:
            return
        cells = _split_cells(block.text)
        names = [column.lower() for column in block.columns]
        links = [find_links(cell) for cell in cells]
        by_column = {kind: _column(names, kind) for kind in _COLUMNS}
        titles = _link_titles([link for found in links for link in found], 5)
        for arxiv_id in titles or block.ids:
            self._add(arxiv_id, block.row, titles.get(arxiv_id))
            if len(titles or block.ids) == 1 and (paper := self._current):
                title_at = by_column["title"]
                paper.title = _row_title(cells, links, arxiv_id, title_at if title_at is not None else -1)
                self._fill_row(paper, cells, block.columns, by_column)
        self._current = None
        self._section = None

    def _fill_row(
        self, paper: _Paper, cells: Sequence[str], columns: Sequence[str], by_column: dict[str, int | None]
    ) -> None:
        """Take the date, authors and texts of a row."""
        dated_at, authors_at = by_column["date"], by_column["authors"]
        for index, cell in enumerate(cells):
            plain = _plain_text(_SUMMARY.sub("", cell) if "<" in cell else cell)
            name = columns[index] if index < len(columns) else ""
            if (
                index not in (dated_at, authors_at, by_column["title"])
                and _KIND_BY_LABEL.get(name.lower()) == "skipped"
            ):
                continue
            if index == dated_at or (len(plain) < 24 and dated_at is None):
                paper.on = paper.on or find_date(plain)
            if index == authors_at:
                paper.text.append(f"Authors: {plain}")
            elif index != dated_at and _is_text(text := _after_start(cell, paper.title)):
                heading, body = fields.split_heading(_LEAD.sub("", _section_text(text)))
                heading = heading or (name if index != by_column["title"] else None)
                paper.text.append(f"**{heading}**:\n{body}" if heading else body)
            elif pictures := _find_pictures(cell):
                paper.fields.setdefault("thumbnail", pictures[0])

    def _read_text(self, block: _Block) -> None:
        if self._mentioning:
            return
        foreign = [
            arxiv_id for arxiv_id in block.ids if not self._current or arxiv_id != self._current.arxiv_id
        ]
        if not foreign:
            if self._current:
                self._current.text.append(block.text)
            else:
                self._buffer.append(block)
            return
        if len(foreign) > 1:
            for line in _join_link_lines(block.lines):
                part = _Block(_Kind.TEXT, block.row, 0, [line])
                _find_block_ids(part)
                self._read_paragraph(part, is_line=True)
        else:
            self._read_paragraph(block)

    def _read_paragraph(self, block: _Block, *, is_line: bool = False) -> None:
        """Read a paragraph with at most one paper of its own: it begins with its link or title, or is only a link."""
        text = block.text
        links = find_links(text)
        current = self._current
        if current and (not block.ids or block.ids[0] == current.arxiv_id):
            current.text.append(text)
            return
        if not block.ids:
            return
        titles = {arxiv_id: _find_title(text, arxiv_id, links)[0] for arxiv_id in block.ids[:2]}
        arxiv_id = next((arxiv_id for arxiv_id, title in titles.items() if title), block.ids[0])
        title = titles[arxiv_id]
        lead = clean_title(text[:400]).lower().lstrip("\"“‘'[(")
        wanted = title[:12].lower() if title else ""
        begins = title is not None and (lead.startswith(wanted) or f": {wanted}" in lead[: len(wanted) + 30])
        if begins and len(block.ids) <= 2:
            self._add(
                arxiv_id, block.row, title, text=[_after_title(text, links, arxiv_id, title or "")], head=text
            )
            self._section = None
            return
        if is_line:
            return  # of a paragraph about several papers
        rest = _without_links(text)
        if len(rest) > _MAX_CAPTION_LENGTH or len(block.ids) > 1:
            if self._section:
                self._take_section(arxiv_id, block)
            return
        if self._section:
            self._take_section(arxiv_id, block)
            return
        if current and current.level < 7:
            current.text.append(text)  # a mention in the text of a paper with a heading
            return
        before = current.text[-1:] if current else [part.text for part in self._buffer[-1:]]
        found = as_title(before[0]) if before and before[0].count("\n") < 2 else None
        if current and found:
            current.text.pop()
        title = found or _text_before_link(text, links)
        self._add(arxiv_id, block.row, title, is_weak=not found)

    def _take_section(self, arxiv_id: str, block: _Block) -> None:
        """Make the section one paper: its heading is the title, its paragraphs the text."""
        assert self._section
        if self._section.first_id != arxiv_id:
            return
        title = as_title(self._section.text, 2)
        text = [part.text for part in self._buffer] + [block.text]
        heading = clean_title(self._section.text)
        if (
            title is None
            and heading
            and not any(_label_kind(line)[0] == "title" for part in text for line in part.split("\n"))
        ):
            text.insert(0, heading)
        self._add(arxiv_id, self._section.row, title, text=text, level=self._section.level)
        self._section = None

    def _read_item(self, start: int, end: int) -> None:
        """Read an item with the deeper items below it: one paper, or several, or text of the paper above it."""
        item, below = self._blocks[start], self._blocks[start + 1 : end]
        if self._mentioning:
            return
        group = _Block(_Kind.ITEM, item.row, item.level, [])
        group.take(arxiv_id for block in (item, *below) for arxiv_id in block.ids)
        current = self._current
        if group.first_id is None or (current and not group.has_more and group.first_id == current.arxiv_id):
            texts = [f"{' ' * max(0, block.level - item.level)}- {block.text}" for block in (item, *below)]
            is_beside = current and current.indent is not None and item.level <= current.indent
            if current and (not is_beside or _label_kind(item.text)[0]):
                current.text += texts
            else:
                self._current = None
                self._counts.plain += 1
                self._buffer += [item, *below]
            return
        if item.ids:
            self._read_item_papers(item)
            self._mark_item(item, current)
            self._read_below(start + 1, end)
        elif (
            not group.has_more and (title := _item_title(item)) and not _has_own_title(below, group.first_id)
        ):
            self._add(group.first_id, item.row, title, text=[block.text for block in below], head=item.text)
            self._mark_item(item, current)
        else:
            self._buffer.append(item)
            self._read_below(start + 1, end)

    def _mark_item(self, item: _Block, before: _Paper | None) -> None:
        """Remember that a new paper is an item, and how far it is indented."""
        if self._current and self._current is not before:
            self._current.indent = item.level

    def _read_below(self, position: int, end: int) -> None:
        while position < end:
            inner = min(self._item_end(position), end)
            self._read_item(position, inner)
            position = inner

    def _read_item_papers(self, item: _Block) -> None:
        text, links = item.text, find_links(item.text)
        on = find_date(_plain_text(text[:300])[:60])
        if len(item.ids) == 1:
            arxiv_id = item.ids[0]
            title, is_sure = _find_title(text, arxiv_id, links)
            if (
                self._section
                and self._section.first_id == arxiv_id
                and not title
                and len(_without_links(text)) <= 40
            ):
                self._take_section(arxiv_id, item)
                return
            if self._current and self._current.level < 7 and not title:
                self._current.text.append(f"- {text}")  # a mention in the text of a paper with a heading
                return
            title = title or _text_before_link(text, links) or as_title(_strip_id(text, arxiv_id), 4)
            self._add(
                arxiv_id,
                item.row,
                title,
                text=[_after_title(text, links, arxiv_id, title or "")],
                on=on,
                head=text,
                is_weak=not is_sure,
            )
            return
        titles = _link_titles(links, 5)
        lead = min((link for link in links if link.arxiv_id), key=lambda link: link.start, default=None)
        if lead and list(titles) == [lead.arxiv_id]:
            (arxiv_id, title), *_ = titles.items()
            self._add(arxiv_id, item.row, title, text=[_after_title(text, links, arxiv_id, title)], on=on)
            return
        for arxiv_id in item.ids:
            self._add(arxiv_id, item.row, titles.get(arxiv_id), on=on, is_weak=arxiv_id not in titles)
        self._current = None

    def _add(
        self,
        arxiv_id: str,
        row: int,
        title: str | None,
        *,
        text: Iterable[str] = (),
        level: int = 7,
        on: date | None = None,
        head: str = "",
        is_weak: bool = False,
    ) -> None:
        if is_weak:
            self._counts.weak.add(len(self.papers))
        self._current = _Paper(arxiv_id, row, self._on or on, title, level, text=list(text))
        if votes := _VOTES.search(head):
            self._current.fields["votes"] = int(votes[1])
        self.papers.append(self._current)
        self._buffer = []


_COLUMNS = {
    "title": re.compile(r"title|paper|name|题目|标题|论文|제목|논문|タイトル|論文"),
    "authors": re.compile(r"author|作者|저자|著者"),
    "date": re.compile(r"date|publish|time|day|日期|时间|날짜|일자"),
}


def _after_start(cell: str, title: str | None) -> str:
    """The text of a cell, after the title if it begins with that and a line break follows."""
    if not title or not clean_title(cell).startswith(title):
        return cell
    return _BREAK.split(cell, maxsplit=1)[-1] if _BREAK.search(cell) else ""


def _is_text(cell: str) -> bool:
    plain = _plain_text(_SUMMARY.sub("", cell) if "<" in cell else cell)
    return len(plain) + 3 * len(_CJK.findall(plain[:40])) > 40


def _column(names: Sequence[str], kind: str) -> int | None:
    return next((index for index, name in enumerate(names) if _COLUMNS[kind].search(name)), None)


def _row_title(
    cells: Sequence[str], links: Sequence[Sequence[_Link]], arxiv_id: str, title_at: int
) -> str | None:
    """The title in a row: its link's label, the text of the column of titles, or the first long cell of a few words."""
    everything = [link for found in links for link in found]
    own = [title for link in everything if link.arxiv_id == arxiv_id and (title := as_title(link.label))]
    if own:
        return max(own, key=len)
    order = sorted(range(len(cells)), key=lambda index: index != title_at)
    for index in order:
        cell = _BREAK.split(cells[index], maxsplit=1)[0]
        is_named = (bold := _BOLD.search(cell[:600])) is not None and _is_name(cell, bold)
        if (
            index == title_at
            and not is_named
            and (title := _text_before_link(cell, links[index]) or as_title(cell, 2))
        ):
            return title
        title, _ = _find_title(cell, arxiv_id, links[index])
        if title and len(_without_links(cell)) < len(title) + 60:
            return title
    for cell in cells:
        plain = _plain_text(cell)
        if (bold := _BOLD.search(cell[:600])) and _is_name(cell, bold):
            continue
        if 25 <= len(plain) <= 250 and plain.count(",") < 4 and (title := as_title(cell, 4)):
            return title
    return None


def _strip_id(text: str, arxiv_id: str) -> str:
    """A heading or item with the bare id before or after its title removed."""
    text = strip_links(text)
    if arxiv_id not in text:
        return ""
    before, _, after = text.partition(arxiv_id)
    kept = after if len(after) > len(before) else before
    return re.sub(
        r"\A(?:v[0-9]{1,2})?[\])`*:\s–—-]{0,9}|[\[(`*\s]{0,9}(?:arxiv:?)?[\[(`*:\s–—-]{0,9}\Z",
        "",
        kept,
        flags=re.IGNORECASE,
    )


def _without_links(text: str) -> str:
    """What is left of a text without its links and addresses."""
    parts, position = [], 0
    for link in sorted(find_links(text), key=lambda link: link.start):
        if link.start >= position:
            parts.append(text[position : link.start])
            position = link.end
    left = "".join([*parts, text[position:]])
    return " ".join(word for word in left.split() if "://" not in word and word.strip("|*_[]()•·,:：-"))


def _after_title(text: str, links: Sequence[_Link], arxiv_id: str, title: str) -> str:
    """The text of a paragraph or an item after the title and the links behind it."""
    ends = [link.end for link in links if link.arxiv_id == arxiv_id]
    start = ends[0] if ends else 0
    if not ends and title and title in text:
        start = text.index(title) + len(title)
    return text[start:].lstrip(' *_:,.)]"”–—-|')


def _item_title(item: _Block) -> str | None:
    links = find_links(item.text)
    return _find_title(item.text, "", links)[0] or as_title(item.text)


def _has_own_title(below: Sequence[_Block], arxiv_id: str) -> bool:
    return any(
        _find_title("", arxiv_id, find_links(block.text))[0] for block in below if arxiv_id in block.ids
    )


def _join_link_lines(lines: Sequence[str]) -> Iterator[str]:
    """The lines of a paragraph, a link that is broken over two of them as one."""
    held = ""
    for line in lines:
        held = f"{held} {line}" if held else line
        if held.count("[") <= held.count("]") or len(held) > _MAX_LABEL_LENGTH:
            yield held
            held = ""
    if held:
        yield held


# The text of a paper to its fields.

_LABEL = re.compile(
    r"(?:[-*+•]\s{1,3})?(?P<open>\*{1,3}|_{1,2})?(?P<name>[^\W_][^\n:：*_|\[\]()]{0,40}?)\s?(?P<close>\*{1,3}|_{1,2})?\s?[:：]\s?(?:\*{1,3}|_{1,2})?"
    r"[ \t]*(?P<value>.*)",
    re.DOTALL,
)
_LABEL_KINDS = {
    "authors": ("author", "authors", "作者", "저자", "著者", "by"),
    "title": ("title", "original title", "原文标题", "标题", "题目", "원제", "제목", "paper title", "论文标题", "英文标题"),
    "skipped": (
        "link", "links", "url", "pdf", "paper", "code", "arxiv", "arxiv id", "id", "doi", "github", "论文链接", "链接", "代码",
        "main category", "category", "categories", "primary category", "subjects", "分类", "类别", "comments", "comment",
        "date", "published", "updated", "日期", "发布日期", "project", "project page", "pdf link", "arxiv link", "링크",
        "原文链接", "keywords", "tags", "关键词", "标签",
    ),
    "text": (
        "abstract", "tl;dr", "tldr", "tl; dr", "摘要", "summary", "motivation", "method", "methods", "result", "results",
        "conclusion", "conclusions", "relevance", "comment by ai", "contribution", "contributions", "key points", "key findings",
        "초록", "요약", "概要", "要点", "动机", "方法", "结果", "结论", "中文摘要",
        "译文", "一句话总结", "why it matters", "takeaway", "takeaways",
        "background", "problem", "approach", "limitations", "impact", "details", "innovation", "核心贡献", "创新点",
        "reason", "reasoning", "score",
    ),
}  # fmt: skip
_KIND_BY_LABEL = {label: kind for kind, labels in _LABEL_KINDS.items() for label in labels}
_PICTURE = re.compile(r"https?://[^\s]{4,1000}\.(?:png|jpe?g|webp|gif)(?:[?#]|\Z)", re.IGNORECASE)
_VOTES = re.compile(r"(?:👍|🔼|▲|⬆)️?[\s:*]{0,3}([0-9]{1,6})(?![0-9])")
_NAME_LINES = 6
"""Lines of a paper's text among which one may have the authors without a label."""
_NAME_LIST = re.compile(r"\A[*_]{1,2}([^*_\n]{5,3000})[*_]{1,2}\Z")


def _label_kind(line: str) -> tuple[str | None, str, str]:
    """The kind, name and value of a labelled line; None for other lines. A label is known, or in bold."""
    match = _LABEL.match(line) if ":" in line[:60] or "：" in line[:60] else None
    if not match:
        return None, "", ""
    name = match["name"].strip()
    name = _LEAD.sub("", name) or name
    kind = _KIND_BY_LABEL.get(name.lower())
    if kind is None and match["open"] and len(name) > 1:
        kind = "text"
    return kind, name, match["value"].strip()


def _is_picture(url: str) -> bool:
    return _PICTURE.match(url) is not None and "shields.io" not in url and "badge" not in url


def _section_text(text: str) -> str:
    """A cell or paragraph as text: without HTML and links."""
    return strip_links(_plain_line(_SUMMARY.sub("", _BREAK.sub("\n", text)))).replace("\\|", "|").strip()


def _to_record(paper: _Paper) -> listing.Paper:
    """A paper with the fields of a listing's: its text in sections by its labels."""
    record: listing.Paper = {"arxiv_id": paper.arxiv_id, "title": paper.title, **paper.fields}
    sections: list[tuple[str | None, list[str]]] = []
    lines = [line for part in paper.text for line in part.split("\n")]
    last, is_after_blank = None, True
    for number, raw in enumerate(lines):
        line = raw.strip()
        kind, name, value = _line_kind(line, number)
        if (
            kind is None
            and last in ("title", "skipped", "authors")
            and not is_after_blank
            and line[0] not in "-*>#"
        ):
            # The value of a label goes on.
            if last == "title" and record["title"]:
                record["title"] = as_title(f"{record['title']} {line}", 1) or record["title"]
            continue
        is_after_blank, last = kind == "blank", last if kind == "blank" else kind
        if "![" in line[:3000] and (pictures := _find_pictures(line[:3000])):
            record.setdefault("thumbnail", pictures[0])
        if kind == "authors":
            record.setdefault(
                "authors", archive_headings.parse_authors(_NAMES.sub("et al", _plain_text(value)))[0]
            )
        elif kind == "votes":
            record["votes"] = archive_headings.parse_votes(value)[0]
        elif kind == "title":
            record["title"] = as_title(value, 1) or record["title"]
        elif kind == "text":
            sections.append((name, [strip_links(value)]))
        elif kind is None and not _is_caption(line):
            text = strip_links(raw.rstrip())
            if not sections:
                sections.append((None, []))
            sections[-1][1].append(text if text.lstrip()[:1] in ("-", "*") else text.strip())
    bodies = ((name, _bounded("\n".join(body).strip())) for name, body in sections)
    record["sections"] = [[name, body] for name, body in bodies if body][: listing.MAX_SECTIONS]
    return record


def _line_kind(line: str, number: int) -> tuple[str | None, str, str]:
    """What a line of a paper's text is, with its label and value; None for text without a label."""
    if not line or markdown_lines.is_thematic_break(line):
        return "blank", "", ""
    if number < _NAME_LINES and _is_names(line):
        return "authors", "", line.strip("*_")
    labelled = archive_headings.parse_labelled_field(line)
    return ("votes", "", labelled[1]) if labelled and labelled[0] == "votes" else _label_kind(line)


def _is_caption(line: str) -> bool:
    """Whether a line has only links, captions and the paper's id."""
    plain = _plain_text(line).strip(" -|*`")
    return (
        (len(plain) < 30 and plain.startswith("(") and plain.endswith(")"))
        or not _without_links(line)
        or _CAPTIONS.match(plain) is not None
        or bool(arxiv_ids.parse_bare_id(plain))
    )


def _find_pictures(text: str) -> list[str]:
    return [link.url for link in find_links(text) if not link.label and _is_picture(link.url)]


def _is_names(line: str) -> bool:
    """Whether a line in italics is a list of names, such as `*Ada Lovelace, Alan Turing, et al.*`."""
    match = _NAME_LIST.match(line)
    if not match or line.startswith("**") or any(mark in match[1] for mark in ":!?"):
        return False
    names, _ = archive_headings.parse_authors(match[1].strip())
    is_named = names and all(len(name) < 60 and len(name.split()) <= 7 for name in names)
    return bool(is_named) and (len(names) > 1 or len(names[0].split()) in (2, 3, 4))


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_SECTION_LENGTH else text[: MAX_SECTION_LENGTH - 1].rstrip() + "…"


# A text to digests.


def parse(rows: Sequence[str], name: str, on: date | None) -> tuple[Digest, ...]:
    """The digests of a list, by date, and the undated papers as a rolling one of the day `on`.

    `name` is the path or address, which may have the date. Raises NotADigestError with the reason for other texts.
    """
    front_on, start = _read_front_matter(rows)
    blocks = _read_blocks(rows[start:] if start else rows)
    _sum_sections(blocks)
    everything = {arxiv_id for block in blocks for arxiv_id in block.ids}
    problems = []
    if len(blocks) >= MAX_BLOCKS:
        problems.append(
            Problem(blocks[-1].row + start + 1, f"after {MAX_BLOCKS} rows and items nothing is read")
        )
    if not everything and problems:
        raise errors.NotADigestError(
            f"{problems[0].message}, and no arXiv id stands before line {problems[0].line}"
        )
    if not everything:
        raise errors.NotADigestError("it has no heading with a date")
    papers = _ListReader(blocks, front_on or find_path_date(name)).read()
    found = {paper.arxiv_id for paper in papers}
    is_one = len(found) == 1 and papers[0].on is None
    if 2 * len(found) < len(everything) or is_one:
        links = f"{len(everything)} arXiv link{'s' if len(everything) > 1 else ''}"
        read = (
            f"{len(found)} in the form of a list" if found and not is_one else "none in a form that is read"
        )
        raise errors.NotADigestError(f"it has {links}, {read}")
    problems += [
        Problem(block.row + start + 1, f"a text is read up to {_MAX_BLOCK_LENGTH} characters")
        for block in blocks
        if sum(map(len, block.lines)) > _MAX_BLOCK_LENGTH
    ]
    return build_digests(
        ((paper.on, paper.row + start + 1, _to_record(paper)) for paper in papers), on, problems
    )


def build_digests(
    papers: Iterable[tuple[date | None, int, listing.Paper]],
    on: date | None,
    problems: Sequence[Problem] = (),
) -> tuple[Digest, ...]:
    """The digests of papers with their dates and lines. A paper that is named twice on a day is one paper.

    Raises NotADigestError if some have no date and `on` is None.
    """
    by_date: dict[date | None, dict[str, tuple[int, listing.Paper]]] = {}
    for dated, line, paper in papers:
        known = by_date.setdefault(dated, {}).get(paper["arxiv_id"])
        if known is not None:
            line, paper = known[0], {**paper, **{key: value for key, value in known[1].items() if value}}
        by_date[dated][paper["arxiv_id"]] = (line, paper)
    digests = []
    if None in by_date and on is None:
        number = len(by_date[None])
        raise errors.NotADigestError(f"it lists {number} paper{'s' if number > 1 else ''} without a date")
    # The rolling one first: whether its place was read before is asked before the dated ones are stored.
    for dated, found in sorted(by_date.items(), key=lambda item: item[0] is not None):
        lines, records = zip(*found.values(), strict=True)
        day = dated or on
        assert day
        digests.append(
            listing.build(day, records, lines, problems, form=DigestFormat.LIST, is_rolling=dated is None)
        )
        problems = ()
    return tuple(digests)


def _read_front_matter(rows: Sequence[str]) -> tuple[date | None, int]:
    """The date in the front matter, and the row after it."""
    if not rows or rows[0].strip() != "---":
        return None, 0
    for row in range(1, min(len(rows), 60)):
        if rows[row].strip() == "---":
            fields_ = filter(None, map(_FRONT_FIELD.match, rows[1:row]))
            return next((on for match in fields_ if (on := find_date(match[2]))), None), row + 1
    return None, 0


def _sum_sections(blocks: Sequence[_Block]) -> None:
    """Give each heading the ids of its section: the first, and whether there are others."""
    opened: list[_Block] = []
    for block in [*blocks, _Block(_Kind.HEADING, 0, 0, [])]:
        if block.kind is not _Kind.HEADING:
            if opened:
                opened[-1].take(block.ids)
            continue
        while opened and opened[-1].level >= block.level:
            closed = opened.pop()
            if opened:
                opened[-1].take([closed.first_id])
                opened[-1].has_more = opened[-1].has_more or closed.has_more
        opened.append(block)
