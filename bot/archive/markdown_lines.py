"""Markdown line by line: headings, rules, bold text, numbers, indentation, code fences, links, and the tree of its blocks."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise, repeat
from operator import attrgetter
from typing import NamedTuple

from bot.archive import arxiv_ids, html_pages
from bot.text import typography

_MAX_LEVEL = 6
_MARKERS = ("#", " #", "  #", "   #")
_BOLD = ("***", "**", "__")
_NUMBERED = re.compile(r"[0-9]{1,3}[.)]\s")
_EXCERPT_LENGTH = 80
MAX_BLOCKS = 200_000
"""Rows, items and paragraphs of a text that are read: more than 20 MB of real lists have, and as many as memory allows."""
MAX_PAPERS = 50_000
"""Papers of a text that are read, of all days together."""
MAX_BLOCK_LENGTH = 40_000
_MAX_CELLS = 60
_MAX_INDENT = 24
_MAX_LABEL_LENGTH = 400


class Heading(NamedTuple):
    """A `#` heading: its row from 0, the number of hashes, the text after them.

    An indented heading belongs to the bullet above it, if there is one. `notation` tells bold lines from `#` headings.
    """

    row: int
    level: int
    text: str
    is_indented: bool = False
    notation: str = "#"


def normalise(text: str) -> str:
    """The text with line ends as `\\n`, without byte order mark, NUL (which PostgreSQL rejects) and long runs of marks."""
    if text.startswith("\ufeff"):
        text = text[1:]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return typography.limit_marks(text.replace("\0", "") if "\0" in text else text)


def find_headings(rows: Sequence[str]) -> list[Heading]:
    """The headings, and the lines within code fences that look like one: fences are found later, block by block."""
    candidates = [parse_heading(row, line) for row, line in enumerate(rows) if line and line[0] in "# "]
    return [heading for heading in candidates if heading]


def parse_heading(row: int, line: str) -> Heading | None:
    """The heading of a line, or None; `#hashtag` and more than six hashes are not headings."""
    if line.startswith("### ") and line[-1] not in "# ":
        # Nearly all headings of an archive are this plain.
        return Heading(row, 3, line[4:].strip())
    if not line.startswith(_MARKERS):
        return None
    bare = line.strip(" ")
    text = bare.lstrip("#")
    level = len(bare) - len(text)
    if level > _MAX_LEVEL or (text and text[0] not in " \t"):
        return None
    text = text.strip().rstrip("#").rstrip() if text.endswith("#") else text.strip()
    return Heading(row, level, text, line.startswith("  "))


def is_thematic_break(line: str) -> bool:
    """Whether the line is a thematic break: `---`, `***`, `___`."""
    bare = line.strip()
    return len(bare) >= 3 and bare[0] in "-*_" and bare[-1] == bare[0] and not bare.strip(bare[0] + " ")


def parse_bold(text: str) -> tuple[str, str] | None:
    """The bold text at the start of `text` and the rest, both stripped; None without bold text there."""
    for mark in _BOLD:
        if text.startswith(mark):
            close = text.find(mark, len(mark))
            bold = text[len(mark) : close].strip() if close > 0 else ""
            return (bold, text[close + len(mark) :].strip()) if bold else None
    return None


def split_number(text: str) -> tuple[str, str]:
    """A number at the start of `text` as written ("2. ", "10) " or "") and the rest."""
    number = _NUMBERED.match(text)
    return (text[: number.end()], text[number.end() :].lstrip()) if number else ("", text)


def dedent(rows: Sequence[str], max_indent: int = 100) -> Sequence[str]:
    """The rows without their common indentation of spaces, of which at most `max_indent` are removed."""
    if any(line and line[0] not in " \t" for line in rows):
        return rows
    common = min((len(line) - len(line.lstrip(" ")) for line in rows if line.strip()), default=0)
    cut = min(common, max_indent)
    return [line[cut:] for line in rows] if cut else rows


def trim_lines(rows: Sequence[str]) -> Sequence[str]:
    """The rows without blank ones at both ends and without rules at the end."""
    first, last = 0, len(rows)
    while last and (not rows[last - 1].strip() or is_thematic_break(rows[last - 1])):
        last -= 1
    while first < last and not rows[first].strip():
        first += 1
    return rows[first:last]


def excerpt(text: str) -> str:
    """The beginning of a line in quotes, for a message."""
    text = " ".join(text[: 2 * _EXCERPT_LENGTH].split())
    return f"“{text[:_EXCERPT_LENGTH]}…”" if len(text) > _EXCERPT_LENGTH else f"“{text}”"


# Code fences: the rows of code, and the end of a fence around a whole Markdown answer.

_FENCE_MARKERS = ("```", "~~~")
_FENCE_STARTS = frozenset("`~ \t")
_MARKDOWN_LANGUAGES = frozenset({"markdown", "md"})
_LOOKS_PER_FENCE = 10
"""How often each fence of a text may be read, on average, to find the ends of Markdown answers."""


class Fence(NamedTuple):
    """An opening or closing fence: its row, character, length, and info string in lower case."""

    row: int
    char: str
    length: int
    info: str

    @property
    def is_markdown(self) -> bool:
        """Whether the info string is Markdown."""
        return self.info in _MARKDOWN_LANGUAGES

    def closes(self, opening: Fence) -> bool:
        """Whether the fence can close `opening`, by CommonMark's rule."""
        return not self.info and self.char == opening.char and self.length >= opening.length


def is_fence(line: str) -> bool:
    """Whether the line is an opening or closing fence, by CommonMark's rule: behind backticks stands no backtick."""
    if line[:1] not in _FENCE_STARTS or not (bare := line.lstrip()).startswith(_FENCE_MARKERS):
        return False
    return bare[0] != "`" or "`" not in bare.lstrip("`")


def find_fences(rows: Sequence[str], start: int, end: int) -> list[Fence]:
    """The fences from row `start` to `end` (not included)."""
    bare_lines = ((row, rows[row].strip()) for row in range(start, end) if is_fence(rows[row]))
    infos = ((row, bare, bare.lstrip(bare[0])) for row, bare in bare_lines)
    return [Fence(row, bare[0], len(bare) - len(info), info.strip().lower()) for row, bare, info in infos]


def find_fenced_rows(rows: Sequence[str], start: int, end: int) -> set[int]:
    """The rows of closed code fences, the fences included. A fence that is never closed has none."""
    all_fences = find_fences(rows, start, end)
    inside: set[int] = set()
    unclosed: dict[str, int] = {}
    looks = iter(range(_LOOKS_PER_FENCE * len(all_fences)))
    position = 0
    while position < len(all_fences):
        fence = all_fences[position]
        family = "markdown" if fence.is_markdown else fence.char
        # If a fence has no close, longer ones after it have none either; skipping them keeps the time linear.
        close = None
        if fence.length < unclosed.get(family, fence.length + 1):
            if fence.is_markdown:
                close = find_markdown_end(rows, all_fences, position, end, looks)
            else:
                later = (all_fences[index] for index in range(position + 1, len(all_fences)))
                close = next((other.row for other in later if other.closes(fence)), None)
            if close is None:
                unclosed[family] = fence.length
        if close is None:
            position += 1
        else:
            inside.update(range(fence.row, close + 1))
            position = bisect_right(all_fences, close, key=attrgetter("row"))
    return inside


def find_code_rows(rows: Sequence[str], bounds: Sequence[int]) -> Set[int]:
    """The rows of code of several blocks, each by itself: a fence left open in one paper must not hide the next.

    `bounds` are the first rows of the blocks, in order, and the end of the last one.
    """
    return set[int]().union(*(find_fenced_rows(rows, start + 1, end) for start, end in pairwise(bounds)))


def find_markdown_end(
    rows: Sequence[str],
    all_fences: Sequence[Fence],
    position: int,
    end: int,
    looks: Iterable[object] | None = None,
) -> int | None:
    """The row that closes the Markdown answer opened by `all_fences[position]`, or None.

    Within it a fence with a language opens a block of code and the next bare one closes it. Of the other bare fences
    every second one closes a block, so the end of the answer is an odd one: the first that is followed by a rule or
    nothing, or else the last. Of `looks` one item is taken for each fence that is read; none is read without one.
    """
    count, last = 0, None
    in_code = False
    further = range(position + 1, len(all_fences))
    for index, _ in zip(further, repeat(0) if looks is None else looks, strict=False):
        fence = all_fences[index]
        if fence.info:
            if not in_code and count % 2 and fence.is_markdown:
                break
            in_code = True
        elif in_code:
            in_code = False
        elif fence.closes(all_fences[position]):
            count, last = count + 1, fence.row
            following = next((row for row in range(fence.row + 1, end) if rows[row].strip()), None)
            if count % 2 and (following is None or is_thematic_break(rows[following])):
                return fence.row
    return last if count % 2 else None


# The links of a text.


class Link(NamedTuple):
    label: str
    url: str
    start: int
    arxiv_id: str | None
    end: int


class Inline(NamedTuple):
    """A text with its links: `plain` has their labels in their place and no pictures, `rest` neither labels nor addresses."""

    plain: str
    rest: str
    links: list[Link]

    @property
    def pictures(self) -> list[str]:
        """The addresses of pictures, without badges."""
        return [link.url for link in self.links if not link.label and _PICTURE.match(link.url)]


_LINK_TOKEN = re.compile(
    r"!?\[|\]\([ \t]{0,9}<?((?:[^()\s<>]|\([^()\s]{0,200}\)){0,1000})>?(?:\s{1,9}[\"'][^\"'()]{0,200}[\"'])?\s{0,9}\)|\]"
)
_PICTURE = re.compile(
    r"https?://(?!\S*(?:shields\.io|badge))[^\s]{4,1000}\.(?:png|jpe?g|webp|gif)(?:[?#]|\Z)", re.IGNORECASE
)


def read_inline(text: str) -> Inline:
    """The links of a text, inner ones first, with the id of the paper that each leads to, or else is labelled with."""
    plain, rest, links = list[str](), list[str](), list[Link]()
    opened: list[tuple[int, int, re.Match[str]]] = []
    position = 0
    for token in _LINK_TOKEN.finditer(text):
        piece, position = text[position : token.start()], token.end()
        plain.append(piece)
        rest.append(piece)
        if token[0].endswith("["):
            opened.append((len(plain), len(rest), token))
            plain.append(token[0])
            rest.append(token[0])
        elif not opened or token[0] == "]":
            plain.append(token[0])
            rest.append(token[0])
            del opened[-1:]
        else:
            start, rest_start, opening = opened.pop()
            is_image = opening[0] == "!["
            plain[start] = ""
            del rest[rest_start:], plain[start if is_image else len(plain) :]
            first = max(opening.end(), token.start() - _MAX_LABEL_LENGTH)
            label = "" if is_image else " ".join(text[first : token.start()].split())
            ids = arxiv_ids.find_ids(token[1])
            arxiv_id = ids[-1][0] if ids else arxiv_ids.parse_bare_id(label)
            links.append(Link(label, token[1], opening.start(), arxiv_id, position))
    plain.append(text[position:])
    rest.append(text[position:])
    left = [word for word in "".join(rest).split() if "://" not in word and word.strip("|*_[]()•·,:：-—–")]
    return Inline("".join(plain), " ".join(left), links)


# Lines to blocks.


class Kind(Enum):
    HEADING = 1
    ROW = 2
    ITEM = 3
    TEXT = 4
    RULE = 5


TEXT_DEPTH = 7
"""The depth of what is neither a heading (1 to 6) nor an item (8 and more, by its indent)."""


@dataclass(slots=True)
class Block:
    """A heading, table row, list item, paragraph or rule; below a heading or an item are the deeper ones up to `end`.

    `ids` are its own. `first_id` and `has_more`: the first id of it and those below, and whether there are others.
    """

    kind: Kind
    row: int
    depth: int
    text: str
    columns: Sequence[str] = ()
    ids: tuple[str, ...] = ()
    end: int = 0
    first_id: str | None = None
    has_more: bool = False
    is_cut: bool = False

    def take(self, arxiv_id: str | None) -> None:
        """Count the id of a block within."""
        self.first_id = self.first_id or arxiv_id
        self.has_more = self.has_more or arxiv_id not in (None, self.first_id)


_ITEM = re.compile(r"(?:[-*+•●▪‣][ \t]+(?:\[[ xX]\][ \t]+)?|[0-9]{1,4}[.)][ \t]+)")
_HTML_REGION = re.compile(r"[ \t]*<(table|tbody|ul|ol|dl)\b", re.IGNORECASE)
_HTML_TAG = re.compile(
    r"</?(?:a|b|i|em|strong|p|div|span|br|img|h[1-6]|font|center|sup|sub|small|kbd|code)\b", re.IGNORECASE
)
SUMMARY = re.compile(r"<summary[^<>]{0,200}>(.{0,400}?)</summary>", re.IGNORECASE)
_DETAILS = re.compile(r"</?details[^<>]{0,200}>", re.IGNORECASE)
BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
_CELL_END = re.compile(r"(?<!\\)\|")
_DEFINITION = re.compile(r" {0,3}\[([^\[\]]{1,100})\]:\s{1,9}<?(https?://[^\s>]{1,1000})")
_REFERENCE = re.compile(r"\[([^\[\]]{1,400})\](?:\[([^\[\]]{0,100})\])?(?![\[(:])")
_IN_BRACKETS = re.compile(r"[\[(`【]([^\[\]()`\s【】]{9,30})[\])`】]")


def read_blocks(rows: Sequence[str]) -> tuple[list[Block], bool]:
    """The blocks of a text without code and comments, and whether there may be more than are read.

    Tables and lists of HTML are read as Markdown."""
    first, last = _find_answer(rows)
    fenced = find_fenced_rows(rows, first, last)
    references = _References(rows)
    reader = _BlockReader()
    row, last_comment_end = first, len(rows)
    while row < last and not reader.is_full:
        line = rows[row]
        if row in fenced:
            reader.end()
        elif line.lstrip().startswith("<!--") and row < last_comment_end:
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
            reader.read(row, references.resolve(line))
        row += 1
    reader.end()
    _nest(reader.blocks)
    return reader.blocks, reader.is_full


def _find_answer(rows: Sequence[str]) -> tuple[int, int]:
    """The rows to read: those within a fence of Markdown around the whole text, as models write it, or else all."""
    first = next((row for row, line in enumerate(rows) if line.strip()), 0)
    if rows and is_fence(rows[first]):
        fences = find_fences(rows, 0, len(rows))
        end = find_markdown_end(rows, fences, 0, len(rows)) if fences[0].is_markdown else None
        if end is not None:
            return first + 1, end
    return 0, len(rows)


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


class _References:
    """The addresses that names in brackets stand for. Together they may add as many characters as the text has."""

    def __init__(self, rows: Sequence[str]) -> None:
        self._targets = {
            match[1].lower(): match[2]
            for row in rows
            if row[:4].lstrip().startswith("[") and (match := _DEFINITION.match(row))
        }
        self._left = sum(map(len, rows))

    def resolve(self, line: str) -> str:
        """A line with `[label][name]` and `[label]` as links to the addresses of their names."""
        if not self._targets:
            return line
        return "" if _DEFINITION.match(line) else _REFERENCE.sub(self._link, line)

    def _link(self, match: re.Match[str]) -> str:
        url = self._targets.get((match[2] or match[1]).lower(), "")
        self._left -= len(url)
        return f"[{match[1]}]({url})" if url and self._left >= 0 else match[0]


def _nest(blocks: Sequence[Block]) -> None:
    """Give each block the end of what is below it, and the ids there."""
    opened: list[Block] = []
    for index, block in enumerate([*blocks, Block(Kind.HEADING, 0, 0, "")]):
        while opened and opened[-1].depth >= block.depth:
            closed = opened.pop()
            closed.end = index
            if opened:
                opened[-1].take(closed.first_id)
                opened[-1].has_more = opened[-1].has_more or closed.has_more
        if block.kind is Kind.HEADING or block.kind is Kind.ITEM:
            opened.append(block)
            continue
        block.end = index + 1
        for arxiv_id in block.ids if opened else ():
            opened[-1].take(arxiv_id)


class _BlockReader:
    """Collects blocks line by line."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._ids = set[str]()
        self._open: Block | None = None
        self._lines: list[str] = []
        self._after_blank = True
        self._columns: Sequence[str] = ()
        self._in_table = False

    @property
    def is_full(self) -> bool:
        """Whether there are as many blocks or papers as memory allows."""
        return len(self.blocks) >= MAX_BLOCKS or len(self._ids) > MAX_PAPERS

    def read(self, row: int, line: str) -> None:
        """Read a line. Blank ones end tables and paragraphs."""
        bare = "" if self.is_full else line.strip()
        if not bare:
            self._after_blank, self._in_table = True, False
            if self._open and self._open.kind is Kind.TEXT:
                self.end()
            return
        if "|" in bare and self._read_row(row, bare):
            pass
        else:
            self._in_table = False
            self._read_line(row, min(len(line) - len(line.lstrip(" \t")), _MAX_INDENT), plain_line(bare))
        self._after_blank = False

    def end(self) -> None:
        """End the open block."""
        if self._open:
            text = "\n".join(self._lines)
            self._open.text, self._open.is_cut = text[:MAX_BLOCK_LENGTH], len(text) > MAX_BLOCK_LENGTH
            self._open.ids = find_block_ids(self._open)
            self._ids.update(self._open.ids)
            for arxiv_id in self._open.ids:
                self._open.take(arxiv_id)
        self._open = None
        self._after_blank = True

    def _read_row(self, row: int, bare: str) -> bool:
        """Read a line as part of a table, if it is one: its delimiter, or a row."""
        if "-" in bare and not bare.strip(" \t:|-"):
            if self._open and self._open.kind in (Kind.ROW, Kind.TEXT) and "|" in self._lines[-1]:
                self._columns = [plain_text(cell) for cell in split_cells(self._lines.pop())]
                if not self._lines:
                    self.blocks.pop()
                    self._open = None
            self._in_table = True
            return True
        is_row = self._in_table or (bare.startswith("|") and bare.count("|") >= 2)
        if is_row:
            self._add(Kind.ROW, row, TEXT_DEPTH, bare)
        return is_row

    def _read_line(self, row: int, indent: int, bare: str) -> None:
        last = self._open
        heading = parse_heading(row, bare)
        if heading:
            self._add(Kind.HEADING, row, heading.level, heading.text)
            self.end()
        elif last and last.kind is Kind.TEXT and _is_underline(bare, self._lines) and not self._after_blank:
            last.kind, last.depth = Kind.HEADING, 1 if bare[0] == "=" else 2
            self.end()
        elif is_thematic_break(bare):
            self._add(Kind.RULE, row, TEXT_DEPTH, bare)
            self.end()
        elif item := _ITEM.match(bare):
            self._add(Kind.ITEM, row, TEXT_DEPTH + 1 + indent, bare[item.end() :])
        elif last and (
            (last.kind is Kind.ITEM and (not self._after_blank or indent > last.depth - TEXT_DEPTH - 1))
            or (last.kind is Kind.TEXT and not self._after_blank)
        ):
            head = self._lines[-1]
            if head.count("[") > head.count("]") and len(head) < _MAX_LABEL_LENGTH:
                bare = f"{self._lines.pop()} {bare}"  # a link over two lines
            self._lines += bare.split("\n")
        else:
            self._add(Kind.TEXT, row, TEXT_DEPTH, *bare.split("\n"))

    def _add(self, kind: Kind, row: int, depth: int, *lines: str) -> None:
        self.end()
        if kind is Kind.HEADING or (kind is Kind.ROW and len(split_cells(lines[0])) != len(self._columns)):
            self._columns = ()
        self._lines = list(lines)
        self._open = Block(kind, row, depth, "", self._columns if kind is Kind.ROW else ())
        self.blocks.append(self._open)


def _is_underline(line: str, above: Sequence[str]) -> bool:
    """Whether a line makes a heading of those above it; a rule below a sentence or a link is a rule."""
    if len(line) < 3 or line.strip(line[0]) or line[0] not in "=-":
        return False
    return line[0] == "=" or (len(above) == 1 and not above[0].endswith((".", "。", ")", "]")))


def plain_line(line: str) -> str:
    """A line without quotation marks and HTML, with its links and emphasis as Markdown, and a `<summary>` as a label."""
    line = line.lstrip("> ") if line.startswith(">") else line
    if "<" not in line:
        return line or "\n"
    line = _DETAILS.sub("", line)
    line = SUMMARY.sub(lambda match: f"\n**{match[1].strip(' *')}**:\n", line)
    if _HTML_TAG.search(line):
        line = "\n".join(html_pages.to_markdown(part).strip() for part in line.split("\n"))
    return line.strip() or "\n"


def split_cells(row: str) -> list[str]:
    return _CELL_END.split(row.strip().strip("|"), _MAX_CELLS)


def find_block_ids(block: Block) -> tuple[str, ...]:
    """The ids of a block: in links, after `arXiv:`, in brackets, or bare where nothing else stands."""
    text = block.text
    found = [arxiv_id for arxiv_id, _ in arxiv_ids.find_ids(text)]
    if block.kind is Kind.ROW:
        parts = [part.strip(" *`") for part in split_cells(text)]
    else:
        words = text[:200].split()
        parts = [words[0].strip("[]()`*:,"), words[-1].strip("[]()`*")] if words else []
    if not found:
        parts += [link.label for link in read_inline(text).links] if "](" in text else []
        parts += _IN_BRACKETS.findall(text[:600])
    found += [arxiv_id for part in parts if len(part) < 40 and (arxiv_id := arxiv_ids.parse_bare_id(part))]
    return tuple(dict.fromkeys(found))


def plain_text(text: str) -> str:
    """A text on one line without links, emphasis and HTML."""
    text = read_inline(plain_line(text) if "<" in text else text).plain
    return " ".join(text.replace("**", "").replace("__", "").replace("`", "").replace("\\|", "|").split())
