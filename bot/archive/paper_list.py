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
MAX_BLOCKS = 200_000
"""Rows, items and paragraphs of a text that are read: more than 20 MB of real lists have, and as many as memory allows."""
MAX_PAPERS = 50_000
"""Papers of a text that are read, of all days together."""
_MAX_BLOCK_LENGTH = 40_000
_MAX_LABEL_LENGTH = 400
_MAX_CAPTION_LENGTH = 80
_MAX_CELLS = 60
_MAX_INDENT = 24


# The links of a text.


class _Link(NamedTuple):
    label: str
    url: str
    start: int
    arxiv_id: str | None
    end: int


class _Inline(NamedTuple):
    """A text with its links: `plain` has their labels in their place and no pictures, `rest` neither labels nor addresses."""

    plain: str
    rest: str
    links: list[_Link]

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


def _read_inline(text: str) -> _Inline:
    """The links of a text, inner ones first, with the id of the paper that each leads to, or else is labelled with."""
    plain, rest, links = list[str](), list[str](), list[_Link]()
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
            links.append(_Link(label, token[1], opening.start(), arxiv_id, position))
    plain.append(text[position:])
    rest.append(text[position:])
    left = [word for word in "".join(rest).split() if "://" not in word and word.strip("|*_[]()•·,:：-—–")]
    return _Inline("".join(plain), " ".join(left), links)


# Lines to blocks.


class _Kind(Enum):
    HEADING = 1
    ROW = 2
    ITEM = 3
    TEXT = 4
    RULE = 5


_TEXT_DEPTH = 7
"""The depth of what is neither a heading (1 to 6) nor an item (8 and more, by its indent)."""


@dataclass(slots=True)
class _Block:
    """A heading, table row, list item, paragraph or rule; below a heading or an item are the deeper ones up to `end`.

    `ids` are its own. `first_id` and `has_more`: the first id of it and those below, and whether there are others.
    """

    kind: _Kind
    row: int
    depth: int
    lines: list[str]
    columns: Sequence[str] = ()
    ids: tuple[str, ...] = ()
    end: int = 0
    first_id: str | None = None
    has_more: bool = False

    @property
    def text(self) -> str:
        return "\n".join(self.lines)[:_MAX_BLOCK_LENGTH]

    def take(self, arxiv_id: str | None) -> None:
        """Count the id of a block within."""
        self.first_id = self.first_id or arxiv_id
        self.has_more = self.has_more or arxiv_id not in (None, self.first_id)


_ITEM = re.compile(r"(?:[-*+•●▪‣][ \t]+(?:\[[ xX]\][ \t]+)?|[0-9]{1,4}[.)][ \t]+)")
_HTML_REGION = re.compile(r"[ \t]*<(table|tbody|ul|ol|dl)\b", re.IGNORECASE)
_HTML_TAG = re.compile(
    r"</?(?:a|b|i|em|strong|p|div|span|br|img|h[1-6]|font|center|sup|sub|small|kbd|code)\b", re.IGNORECASE
)
_SUMMARY = re.compile(r"<summary[^<>]{0,200}>(.{0,400}?)</summary>", re.IGNORECASE)
_DETAILS = re.compile(r"</?details[^<>]{0,200}>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
_CELL_END = re.compile(r"(?<!\\)\|")
_DEFINITION = re.compile(r" {0,3}\[([^\[\]]{1,100})\]:\s{1,9}<?(https?://[^\s>]{1,1000})")
_REFERENCE = re.compile(r"\[([^\[\]]{1,400})\](?:\[([^\[\]]{0,100})\])?(?![\[(:])")
_IN_BRACKETS = re.compile(r"[\[(`【]([^\[\]()`\s【】]{9,30})[\])`】]")


def _read_blocks(rows: Sequence[str]) -> list[_Block]:
    """The blocks of a text, at most MAX_BLOCKS, without code and comments, tables and lists of HTML as Markdown."""
    first, last = _find_answer(rows)
    fenced = markdown_lines.find_fenced_rows(rows, first, last)
    targets = {match[1].lower(): match[2] for row in rows if row[:4].lstrip().startswith("[") and (match := _DEFINITION.match(row))}
    reader = _BlockReader()
    row, last_comment_end = first, len(rows)
    while row < last and len(reader.blocks) < MAX_BLOCKS:
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
            reader.read(row, _resolve_references(line, targets) if targets else line)
        row += 1
    reader.end()
    _nest(reader.blocks)
    return reader.blocks


def _find_answer(rows: Sequence[str]) -> tuple[int, int]:
    """The rows to read: those within a fence of Markdown around the whole text, as models write it, or else all."""
    first = next((row for row, line in enumerate(rows) if line.strip()), 0)
    if rows and markdown_lines.is_fence(rows[first]):
        fences = markdown_lines.find_fences(rows, 0, len(rows))
        end = markdown_lines.find_markdown_end(rows, fences, 0, len(rows)) if fences[0].is_markdown else None
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


def _resolve_references(line: str, targets: dict[str, str]) -> str:
    """A line with `[label][name]` and `[label]` as links to the addresses of their names."""

    def resolve(match: re.Match[str]) -> str:
        url = targets.get((match[2] or match[1]).lower())
        return f"[{match[1]}]({url})" if url else match[0]

    return "" if _DEFINITION.match(line) else _REFERENCE.sub(resolve, line)


def _nest(blocks: Sequence[_Block]) -> None:
    """Give each block the end of what is below it, and the ids there."""
    opened: list[_Block] = []
    for index, block in enumerate([*blocks, _Block(_Kind.HEADING, 0, 0, [])]):
        while opened and opened[-1].depth >= block.depth:
            closed = opened.pop()
            closed.end = index
            if opened:
                opened[-1].take(closed.first_id)
                opened[-1].has_more = opened[-1].has_more or closed.has_more
        if block.kind is _Kind.HEADING or block.kind is _Kind.ITEM:
            opened.append(block)
            continue
        block.end = index + 1
        for arxiv_id in block.ids if opened else ():
            opened[-1].take(arxiv_id)


class _BlockReader:
    """Collects blocks line by line."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self._open: _Block | None = None
        self._after_blank = True
        self._columns: Sequence[str] = ()
        self._in_table = False

    def read(self, row: int, line: str) -> None:
        """Read a line. Blank ones end tables and paragraphs."""
        bare = line.strip()
        if not bare:
            self._after_blank, self._in_table = True, False
            if self._open and self._open.kind is _Kind.TEXT:
                self.end()
            return
        if "|" in bare and self._read_row(row, bare):
            pass
        else:
            self._in_table = False
            self._read_line(row, min(len(line) - len(line.lstrip(" \t")), _MAX_INDENT), _plain_line(bare))
        self._after_blank = False

    def end(self) -> None:
        """End the open block."""
        if self._open:
            self._open.ids = _find_block_ids(self._open)
            for arxiv_id in self._open.ids:
                self._open.take(arxiv_id)
        self._open = None
        self._after_blank = True

    def _read_row(self, row: int, bare: str) -> bool:
        """Read a line as part of a table, if it is one: its delimiter, or a row."""
        if "-" in bare and not bare.strip(" \t:|-"):
            last = self._open
            if last and "|" in last.lines[-1] and last.kind in (_Kind.ROW, _Kind.TEXT):
                self._columns = [_plain_text(cell) for cell in _split_cells(last.lines.pop())]
                if not last.lines:
                    self.blocks.pop()
                    self._open = None
            self._in_table = True
            return True
        is_row = self._in_table or (bare.startswith("|") and bare.count("|") >= 2)
        if is_row:
            self._add(_Kind.ROW, row, _TEXT_DEPTH, bare)
        return is_row

    def _read_line(self, row: int, indent: int, bare: str) -> None:
        last = self._open
        heading = markdown_lines.parse_heading(row, bare)
        if heading:
            self._add(_Kind.HEADING, row, heading.level, heading.text)
            self.end()
        elif last and last.kind is _Kind.TEXT and _is_underline(bare, last.lines) and not self._after_blank:
            last.kind, last.depth = _Kind.HEADING, 1 if bare[0] == "=" else 2
            self.end()
        elif markdown_lines.is_thematic_break(bare):
            self._add(_Kind.RULE, row, _TEXT_DEPTH, bare)
            self.end()
        elif item := _ITEM.match(bare):
            self._add(_Kind.ITEM, row, _TEXT_DEPTH + 1 + indent, bare[item.end() :])
        elif last and (
            (last.kind is _Kind.ITEM and (not self._after_blank or indent > last.depth - _TEXT_DEPTH - 1))
            or (last.kind is _Kind.TEXT and not self._after_blank)
        ):
            last.lines += bare.split("\n")
        else:
            self._add(_Kind.TEXT, row, _TEXT_DEPTH, *bare.split("\n"))

    def _add(self, kind: _Kind, row: int, depth: int, *lines: str) -> None:
        self.end()
        if kind is _Kind.HEADING or (kind is _Kind.ROW and len(_split_cells(lines[0])) != len(self._columns)):
            self._columns = ()
        self._open = _Block(kind, row, depth, list(lines), self._columns if kind is _Kind.ROW else ())
        self.blocks.append(self._open)


def _is_underline(line: str, above: Sequence[str]) -> bool:
    """Whether a line makes a heading of those above it; a rule below a sentence or a link is a rule."""
    if len(line) < 3 or line.strip(line[0]) or line[0] not in "=-":
        return False
    return line[0] == "=" or (len(above) == 1 and not above[0].endswith((".", "。", ")", "]")))


def _plain_line(line: str) -> str:
    """A line without quotation marks and HTML, with its links and emphasis as Markdown, and a `<summary>` as a label."""
    line = line.lstrip("> ") if line.startswith(">") else line
    if "<" not in line:
        return line or "\n"
    line = _DETAILS.sub("", line)
    line = _SUMMARY.sub(lambda match: f"\n**{match[1].strip(' *')}**:\n", line)
    if _HTML_TAG.search(line):
        line = "\n".join(html_pages.to_markdown(part).strip() for part in line.split("\n"))
    return line.strip() or "\n"


def _split_cells(row: str) -> list[str]:
    return _CELL_END.split(row.strip().strip("|"), _MAX_CELLS)


def _find_block_ids(block: _Block) -> tuple[str, ...]:
    """The ids of a block: in links, after `arXiv:`, in brackets, or bare where nothing else stands."""
    text = block.text
    found = [arxiv_id for arxiv_id, _ in arxiv_ids.find_ids(text)]
    if block.kind is _Kind.ROW:
        parts = [part.strip(" *`") for part in _split_cells(text)]
    else:
        words = text[:200].split()
        parts = [words[0].strip("[]()`*:,"), words[-1].strip("[]()`*")] if words else []
    if not found:
        parts += [link.label for link in _read_inline(text).links] if "](" in text else []
        parts += _IN_BRACKETS.findall(text[:600])
    found += [arxiv_id for part in parts if len(part) < 40 and (arxiv_id := arxiv_ids.parse_bare_id(part))]
    return tuple(dict.fromkeys(found))


# What is a title.

_CAPTIONS = re.compile(
    r"(?:(?:read|view|see|show|more|full|original|official|our|the|on|click|download|get|open|pdf|abs|abstract|html|arxiv|md"
    r"|alphaxiv|hf|hugging|face|huggingface|page|pages|paper|papers|link|links|url|code|github|git|repo|project|website|site"
    r"|web|demo|video|tweet|twitter|blog|post|slides|poster|data|dataset|datasets|model|models|weights|doc|docs|preprint"
    r"|publication|source|here|openreview|ar5iv|kimi|cool|scholar|semantic|bibtex|cite|details|summary|version|v[0-9]{1,2}|null|none|n/a"
    r"|论文|链接|论文链接|原文|代码|项目|主页|详情|논문|링크|원문|코드|論文|リンク|原文链接|back|new|updated?|home|discord"
    r"|enlace|artículo|lien|artigo|ссылка|статья)[\W_]*){1,5}\Z",
    re.IGNORECASE,
)
_NO_TITLES = re.compile(
    r"(?:table of contents|contents|references?|bibliography|citations?|related works?|acknowledge?ments?|introduction|overview"
    r"|abstract|summary|conclusions?|news|updates?|changelog|change log|install(?:ation)?|usage|license|contributing|resources?"
    r"|papers?|datasets?|benchmarks?|surveys?|methods?|results?|models?|links?|key points|목차|참고문헌|目录|参考文献|摘要|링크|链接)\W*\Z",
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
_NAMES = re.compile(r"et\.?\s{0,2}al\b", re.IGNORECASE)


def _plain_text(text: str) -> str:
    """A text on one line without links, emphasis and HTML."""
    text = _read_inline(_plain_line(text) if "<" in text else text).plain
    return " ".join(text.replace("**", "").replace("__", "").replace("`", "").replace("\\|", "|").split())


def clean_title(text: str) -> str:
    """A title without markup, number, tag, quotes, ornaments and venue around it."""
    text = _TAG.sub("", _LEAD.sub("", _plain_text(text).strip(" *_:-–—|")))
    if (end := _END_BRACKETS.search(text)) and any(
        (_YEAR.fullmatch(end[1]), fields.VENUE.fullmatch(end[1]), _NAMES.search(end[1]))
    ):
        text = text[: end.start()]
    text = text.strip(" *_:–—|,;")
    text = text[:-1] if text.endswith(".") and not text.endswith("..") else text
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


def _find_title(text: str, inline: _Inline, arxiv_id: str | None) -> str | None:
    """The title in a text about one paper, if its form says that it is one."""
    own = (as_title(link.label) for link in inline.links if link.arxiv_id == arxiv_id)
    if title := max(filter(None, own), key=len, default=None):
        return title
    labelled = (_label_kind(line) for line in text.split("\n", 9)[:9] if ":" in line or "：" in line)
    if title := next((title for kind, _, value in labelled if kind == "title" and (title := as_title(value, 1))), None):
        return title
    if _has_name(arxiv_id, inline):
        return None
    quoted = (as_title(match[1], 1) for match in _QUOTED.finditer(text[:600]))
    if title := next(filter(None, quoted), None):
        return title
    bold = _BOLD.search(text[:600])
    if bold and not _is_name(text, bold) and (title := as_title(bold[1] or bold[2])):
        return title
    others = (as_title(link.label, 5) for link in inline.links if not link.arxiv_id)
    return next(filter(None, others), None)


def _guess_title(text: str, inline: _Inline, arxiv_id: str) -> str | None:
    """The title before or behind the links or the id, as in `A title of words [PDF](…)`, if something like one stands there."""
    if any(_has_name(link.arxiv_id, inline) for link in inline.links if link.arxiv_id):
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
    if 0 < len(before) <= _MAX_LABEL_LENGTH and not _ENDS_WITH_NAME.search(before) and (title := as_title(before)):
        return title
    end = 0
    for link in links:
        end = link.end if link.start <= end + 3 else end
    if end:
        return as_title(_read_inline(text[end:]).plain.partition("\n")[0])
    parts = inline.plain.partition("\n")[0].partition(arxiv_id)
    return as_title(_AROUND_ID.sub("", max(parts[0], parts[2], key=len))) if parts[1] else None


def _is_name(text: str, bold: re.Match[str]) -> bool:
    """Whether bold text is a name before prose, as in `**Name** - what it is about`."""
    rest = text[bold.end() :].lstrip(" *:")
    return rest[:1] in ("-", "–", "—", ":") and len(_WORD.findall(rest[:200])) > 3


def _link_titles(links: Iterable[_Link], min_words: int) -> dict[str, str]:
    """The titles among the labels of links, by id."""
    titles = ((link.arxiv_id, as_title(link.label, min_words)) for link in links if link.arxiv_id)
    return {arxiv_id: title for arxiv_id, title in titles if arxiv_id and title}


def _has_name(arxiv_id: str | None, inline: _Inline) -> bool:
    """Whether a link to a paper is labelled with more than a caption or an id: a name, whose title stands nowhere."""
    labels = (clean_title(link.label) for link in inline.links if link.arxiv_id == arxiv_id)
    return any(
        _LETTER.search(label) and not _CAPTIONS.match(label) and not arxiv_ids.extract_arxiv_id(label)
        for label in labels
    )


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


def _date_alone(text: str) -> date | None:
    """The date of a text that says little else."""
    plain = _plain_text(text) if len(text) <= 2 * _MAX_CAPTION_LENGTH else ""
    return find_date(plain) if 0 < len(plain) <= 40 and not _UPDATED.search(plain) else None


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


@dataclass(slots=True)
class _Paper:
    """A paper of a list. A heading, item or text that is not deeper than `depth` ends its text."""

    arxiv_id: str
    row: int
    on: date | None
    title: str | None
    depth: int
    text: list[str]
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class _Section:
    """What stands below a heading: its date, the papers whose form says less, and the items that name no paper."""

    on: date | None
    weak: set[int] = field(default_factory=set)
    plain: int = 0


class _ListReader:
    """Reads blocks in order. A paper's text goes on until the next paper, a rule, or what is as high as its own block."""

    def __init__(self, blocks: Sequence[_Block], on: date | None) -> None:
        self._blocks = blocks
        self._sections = [_Section(on)]
        self._current: _Paper | None = None
        self._before: str | None = None
        self.papers: list[_Paper] = []

    def read(self) -> list[_Paper]:
        """Return the papers; those of a weak form only where most of a section's items name one."""
        self._read(0, len(self._blocks), self._sections[0])
        doubtful = (section.weak for section in self._sections if section.plain > 2 * len(section.weak))
        dropped = set[int]().union(*doubtful)
        return [paper for index, paper in enumerate(self.papers) if index not in dropped]

    def _read(self, start: int, end: int, section: _Section) -> None:
        while start < end and len(self.papers) < MAX_PAPERS:
            block = self._blocks[start]
            if block.kind is _Kind.HEADING:
                self._read_heading(start, section)
            elif block.kind is _Kind.ITEM:
                self._read_item(start, section)
            elif block.kind is _Kind.ROW:
                self._read_row(block, section)
            elif block.kind is _Kind.TEXT:
                self._read_text(block, section)
            elif self._current and self._current.depth >= _TEXT_DEPTH:
                self._current = None
            start = block.end

    def _add(
        self,
        arxiv_id: str,
        block: _Block,
        title: str | None,
        section: _Section,
        text: Iterable[str] = (),
        *,
        is_weak: bool = False,
    ) -> _Paper:
        if is_weak:
            section.weak.add(len(self.papers))
        paper = self._current = _Paper(arxiv_id, block.row, section.on, title, block.depth, list(text))
        if votes := _VOTES.search(block.text):
            paper.fields["votes"] = int(votes[1])
        self.papers.append(paper)
        self._before = None
        return paper

    def _read_heading(self, position: int, section: _Section) -> None:
        block = self._blocks[position]
        text, plain = block.text, _plain_text(block.text[:600])
        if _MENTIONING.match(plain):
            return
        if block.ids:
            inline = _read_inline(text)
            titles = _link_titles(inline.links, 4)
            for arxiv_id in block.ids:
                title = titles.get(arxiv_id)
                if title is None and len(block.ids) == 1:
                    title = _find_title(text, inline, arxiv_id) or _guess_title(text, inline, arxiv_id)
                self._add(arxiv_id, block, title, section)
        elif self._current and self._current.depth < block.depth:
            self._current.text.append(f"**{plain}**:")
        else:
            self._current = self._before = None
            on = None if _UPDATED.search(text[:100]) else find_date(plain)
            self._sections.append(section := _Section(on or section.on))
            if not on and (arxiv_id := self._find_only_paper(position)):
                self._read_section(position, arxiv_id, section)
                return
        self._read(position + 1, block.end, section)

    def _find_only_paper(self, position: int) -> str | None:
        """The id of a section that is about one paper, whose title is the heading: alone on a line, and without a title."""
        heading, ids = self._blocks[position], set[str]()
        if heading.first_id is None or _NO_TITLES.match(_plain_text(heading.text)):
            return None
        for block in self._blocks[position + 1 : heading.end]:
            if block.kind is _Kind.HEADING and block.first_id and (
                block.ids or not _NO_TITLES.match(_plain_text(block.text))
            ):
                return None
            if block.ids:
                inline = _read_inline(block.text)
                cells = _split_cells(block.text) if block.kind is _Kind.ROW else ()
                if cells and (len(cells) > 2 or _KIND_BY_LABEL.get(_plain_text(cells[0]).lower()) != "skipped"):
                    return None
                if any(_find_title(block.text, inline, found) for found in block.ids[:2]):
                    return None
                ids.update(_find_marked_ids(block, 30 if heading.has_more else 200))
        return ids.pop() if len(ids) == 1 else None

    def _read_section(self, position: int, arxiv_id: str, section: _Section) -> None:
        """Make the section one paper: its heading is the title, its paragraphs the text."""
        heading = self._blocks[position]
        text = [_as_text(block, 8) for block in self._blocks[position + 1 : heading.end]]
        title, translated = as_title(heading.text, 2), clean_title(heading.text)
        if text and _KIND_BY_LABEL.get(translated.strip(":： ").lower()) == "title":
            title = as_title(text.pop(0), 2)
        lines = (line for part in text for line in part.split("\n"))
        if title is None and translated and not any(_label_kind(line)[0] == "title" for line in lines):
            text.insert(0, translated)
        self._add(arxiv_id, heading, title, section, text)

    def _read_row(self, block: _Block, section: _Section) -> None:
        if not block.ids:
            return
        cells = _split_cells(block.text)
        inlines = [_read_inline(cell) for cell in cells]
        titles = _link_titles([link for inline in inlines for link in inline.links], 5)
        papers = titles or block.ids
        for arxiv_id in papers:
            paper = self._add(arxiv_id, block, titles.get(arxiv_id), section)
            if len(papers) == 1:
                by_column = {kind: _column(block.columns, kind) for kind in _COLUMNS}
                paper.title = _row_title(cells, inlines, arxiv_id, by_column["title"])
                _fill_row(paper, cells, block.columns, by_column)
            elif paper.title is None:
                own = [(cell, inline) for cell, inline in zip(cells, inlines, strict=True) if arxiv_id in cell]
                paper.title = _find_title(*own[0], arxiv_id) if len(own) == 1 else None
        self._current = None

    def _read_text(self, block: _Block, section: _Section) -> None:
        current = self._current
        foreign = [found for found in block.ids if not current or found != current.arxiv_id]
        on = None if block.ids or (current and (current.depth < _TEXT_DEPTH or ":" in block.text)) else _date_alone(block.text)
        if on:
            self._current, section.on = None, on
        elif not foreign and current:
            current.text.append(block.text)
        elif not foreign:
            self._before = block.text
        elif len(foreign) == 1:
            self._read_paragraph(block, section)
        else:
            for line in _join_link_lines(block.lines):
                part = _Block(_Kind.TEXT, block.row, block.depth, [line])
                part.ids = _find_block_ids(part)
                self._read_paragraph(part, section, is_line=True)

    def _read_paragraph(self, block: _Block, section: _Section, *, is_line: bool = False) -> None:
        """Read a paragraph with at most one paper of its own: it begins with its link or title, or is only a link."""
        text, current = block.text, self._current
        if current and (not block.ids or block.ids[0] == current.arxiv_id):
            current.text.append(text)
            return
        if not block.ids:
            return
        inline = _read_inline(text)
        titles = {found: _find_title(text, inline, found) for found in block.ids[:2]}
        arxiv_id = next((found for found, title in titles.items() if title), block.ids[0])
        title = titles[arxiv_id]
        lead = clean_title(text[:400]).lower().lstrip("\"“‘'[(")
        wanted = title[:12].lower() if title else ""
        if title and len(block.ids) <= 2 and (lead.startswith(wanted) or f": {wanted}" in lead[: len(wanted) + 30]):
            self._add(arxiv_id, block, title, section, [_after_title(text, inline, arxiv_id, title)])
            return
        is_caption = len(inline.rest) <= _MAX_CAPTION_LENGTH or block.ids[0] in _find_marked_ids(block, 40)
        if is_line or len(block.ids) > 1 or not is_caption:
            return  # it mentions papers
        if current and current.depth < _TEXT_DEPTH:
            current.text.append(text)  # a mention in the text of a paper with a heading
            return
        before = current.text[-1] if current and current.text else self._before
        found = as_title(before) if before and before.count("\n") < 2 and _label_kind(before)[0] in (None, "text") else None
        if found and current:
            current.text.pop()
        title = found or title or _guess_title(text, inline, arxiv_id)
        self._add(arxiv_id, block, title, section, block.lines[1:], is_weak=not found)

    def _read_item(self, position: int, section: _Section) -> None:
        """Read an item with the deeper items below it: one paper, or several, or text of the paper above it."""
        item, current = self._blocks[position], self._current
        below = self._blocks[position + 1 : item.end]
        if item.first_id is None or (current and not item.has_more and item.first_id == current.arxiv_id):
            if current and (item.depth > current.depth or _label_kind(item.text)[0]):
                current.text += [_as_text(block, item.depth) for block in (item, *below)]
            else:
                self._current, self._before = None, item.text
                section.plain += 1
            return
        if item.ids:
            self._read_item_papers(item, section)
        else:
            inline = _read_inline(item.text)
            title = None if item.has_more else _find_title(item.text, inline, "") or as_title(item.text)
            if title and not any(
                _link_titles(_read_inline(block.text).links, 4) for block in below if item.first_id in block.ids
            ):
                self._add(item.first_id, item, title, section, [block.text for block in below])
                return
            self._before = item.text
            if on := _date_alone(item.text):
                self._sections.append(section := _Section(on))
        self._read(position + 1, item.end, section)

    def _read_item_papers(self, item: _Block, section: _Section) -> None:
        text, inline = item.text, _read_inline(item.text)
        on = section.on or find_date(_plain_text(text[:300])[:60])
        first = len(self.papers)
        if len(item.ids) == 1:
            [arxiv_id] = item.ids
            sure = _find_title(text, inline, arxiv_id)
            if self._current and self._current.depth < _TEXT_DEPTH and not sure:
                self._current.text.append(f"- {text}")  # a mention in the text of a paper with a heading
                return
            title = sure or _guess_title(text, inline, arxiv_id)
            after = _after_title(text, inline, arxiv_id, title)
            self._add(arxiv_id, item, title, section, [after], is_weak=not sure)
        else:
            titles = _link_titles(inline.links, 5)
            lead = min((link for link in inline.links if link.arxiv_id), key=lambda link: link.start, default=None)
            if lead and lead.arxiv_id and list(titles) == [lead.arxiv_id]:
                title = titles[lead.arxiv_id]
                self._add(lead.arxiv_id, item, title, section, [_after_title(text, inline, lead.arxiv_id, title)])
            else:
                for arxiv_id in item.ids:
                    self._add(arxiv_id, item, titles.get(arxiv_id), section, is_weak=arxiv_id not in titles)
                self._current = None
        for paper in self.papers[first:]:
            paper.on = on


def _as_text(block: _Block, depth: int) -> str:
    """A block in the text of a paper: a heading as a label, an item with its bullet, indented as far as it is deeper."""
    if block.kind is _Kind.HEADING:
        return f"**{_plain_text(block.text)}**:"
    if block.kind is _Kind.ROW:
        return ": ".join(cell.strip() for cell in _split_cells(block.text))
    return f"{' ' * max(0, block.depth - depth)}- {block.text}" if block.kind is _Kind.ITEM else block.text


def _find_marked_ids(block: _Block, max_length: int) -> Iterator[str]:
    """The ids of lines that have little besides links, or begin with the label of links."""
    for line in _join_link_lines(block.lines):
        if found := [arxiv_id for arxiv_id in block.ids if arxiv_id in line]:
            rest = _read_inline(line).rest
            if len(rest) + 3 * len(_CJK.findall(rest[:200])) <= max_length or _label_kind(line)[0] == "skipped":
                yield from found


_COLUMNS = {
    "title": re.compile(r"title|paper|name|题目|标题|论文|제목|논문|タイトル|論文|título|titre|titel", re.IGNORECASE),
    "authors": re.compile(r"author|作者|저자|著者|autor|auteur", re.IGNORECASE),
    "date": re.compile(r"date|publish|time|day|日期|时间|날짜|일자|fecha|datum|日付", re.IGNORECASE),
}


def _column(names: Sequence[str], kind: str) -> int | None:
    return next((index for index, name in enumerate(names) if _COLUMNS[kind].search(name)), None)


def _fill_row(
    paper: _Paper, cells: Sequence[str], columns: Sequence[str], by_column: dict[str, int | None]
) -> None:
    """Take the date, authors and texts of a row."""
    dated_at, authors_at, title_at = by_column["date"], by_column["authors"], by_column["title"]
    for index, cell in enumerate(cells):
        name = columns[index] if index < len(columns) else ""
        if index not in (dated_at, authors_at, title_at) and _KIND_BY_LABEL.get(name.lower()) in ("skipped", "date"):
            continue
        plain = _plain_text(_SUMMARY.sub("", cell) if "<" in cell else cell)
        if index == dated_at or (len(plain) < 24 and dated_at is None):
            paper.on = paper.on or find_date(plain)
        if index == authors_at:
            paper.text.append(f"Authors: {plain}")
        elif index == dated_at:
            continue
        elif _is_text(text := _after_start(cell, paper.title)):
            heading, body = fields.split_heading(_LEAD.sub("", _section_text(text)))
            heading = heading or (name if index != title_at else None)
            paper.text.append(f"**{heading}**:\n{body}" if heading else body)
        elif pictures := _read_inline(cell).pictures:
            paper.fields.setdefault("thumbnail", pictures[0])


def _after_start(cell: str, title: str | None) -> str:
    """The text of a cell, after the title if it begins with that and a line break follows."""
    if not title or not clean_title(cell).startswith(title):
        return cell
    return _BREAK.split(cell, maxsplit=1)[-1] if _BREAK.search(cell) else ""


def _is_text(cell: str) -> bool:
    plain = _plain_text(_SUMMARY.sub("", cell) if "<" in cell else cell)
    return len(plain) + 3 * len(_CJK.findall(plain[:40])) > 40


def _row_title(
    cells: Sequence[str], inlines: Sequence[_Inline], arxiv_id: str, title_at: int | None
) -> str | None:
    """The title in a row: its link's label, the text of the column of titles, or the first long cell of a few words."""
    own = (as_title(link.label) for inline in inlines for link in inline.links if link.arxiv_id == arxiv_id)
    if title := max(filter(None, own), key=len, default=None):
        return title
    named = set[int]()
    for index in sorted(range(len(cells)), key=lambda index: index != title_at):
        cell, inline = _BREAK.split(cells[index], maxsplit=1)[0], inlines[index]
        if (bold := _BOLD.search(cell[:600])) and _is_name(cell, bold):
            named.add(index)
        elif index == title_at and (title := _guess_title(cell, inline, arxiv_id) or as_title(cell, 2)):
            return title
        title = _find_title(cell, inline, arxiv_id)
        if title and len(inline.rest) < len(title) + 60:
            return title
    for index, inline in enumerate(inlines):
        plain = _plain_text(inline.plain)
        if index not in named and 25 <= len(plain) <= 250 and plain.count(",") < 4 and (title := as_title(plain)):
            return title
    return None


def _after_title(text: str, inline: _Inline, arxiv_id: str, title: str | None) -> str:
    """The text of a paragraph or an item after the title and the links behind it."""
    ends = [link.end for link in inline.links if link.arxiv_id == arxiv_id]
    start = ends[0] if ends else text.index(title) + len(title) if title and title in text else 0
    return text[start:].lstrip(' *_:,.)]"”–—-|')


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
    r"(?:[-*+•]\s{1,3})?(?:[^\w\s*\[\]()<>!|`#-]{1,4}\s{1,2})?(?P<open>\*{1,3}|_{1,2})?(?P<name>[^\W_][^\n:：*_|\[\]()]{0,40}?)\s?(?P<close>\*{1,3}|_{1,2})?\s?[:：]\s?(?:\*{1,3}|_{1,2})?"
    r"[ \t]*(?P<value>.*)",
    re.DOTALL,
)
_LABEL_KINDS = {
    "authors": "author authors 作者 저자 著者 by autores auteurs autoren авторы",
    "title": "title|original title|paper title|原文标题|标题|標題|题目|원제|제목|论文标题|英文标题|タイトル|título|titre|titel|название",
    "skipped": (
        "link|links|url|pdf|paper|papers|论文|原文|地址|论文地址|논문|code|arxiv|arxiv id|id|doi|github|论文链接|链接|連結|代码|main category|category|categories"
        "|primary category|subjects|分类|类别|comments|comment|updated|project|project page|pdf link"
        "|arxiv link|링크|원문链接|原文链接|keywords|tags|关键词|标签|リンク|enlace|lien|ссылка|source|website"
    ),
    "date": "date|published|submitted|announced|publication date|日期|发布日期|날짜|日付|fecha|datum|дата",
    "text": (
        "abstract|tl;dr|tldr|tl; dr|摘要|summary|motivation|method|methods|result|results|conclusion|conclusions|relevance"
        "|comment by ai|contribution|contributions|key points|key findings|초록|요약|概要|要約|要点|动机|方法|结果|结论|中文摘要|译文"
        "|一句话总结|why it matters|takeaway|takeaways|background|problem|approach|limitations|impact|details|innovation|核心贡献"
        "|创新点|reason|reasoning|score|resumen|résumé|resumo|zusammenfassung|аннотация"
    ),
}
_KIND_BY_LABEL = {
    label: kind for kind, labels in _LABEL_KINDS.items() for label in labels.split("|" if "|" in labels else " ")
}
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
    kind = _KIND_BY_LABEL.get(name.lower()) or ("text" if match["open"] and len(name) > 1 else None)
    return kind, name, match["value"].strip()


def _section_text(text: str) -> str:
    """A cell or paragraph as text: without HTML and links."""
    return _read_inline(_plain_line(_SUMMARY.sub("", _BREAK.sub("\n", text)))).plain.replace("\\|", "|").strip()


def _to_record(paper: _Paper) -> tuple[date | None, listing.Paper]:
    """The date of a paper, and the paper with the fields of a listing's: its text in sections by its labels."""
    record: listing.Paper = {"arxiv_id": paper.arxiv_id, "title": paper.title, **paper.fields}
    sections: list[tuple[str | None, list[str]]] = []
    last, is_after_blank, on = None, True, paper.on
    for number, raw in enumerate(line for part in paper.text for line in [*part.split("\n"), ""]):
        line = raw.strip()
        kind, name, value = _line_kind(line, number)
        goes_on = last in ("title", "skipped", "authors", "date") and not is_after_blank and line[:1] not in "-*>#"
        if kind is None and goes_on:
            if last == "title" and record["title"]:
                record["title"] = as_title(f"{record['title']} {line}", 1) or record["title"]
            continue
        is_after_blank, last = kind == "blank", last if kind == "blank" else kind
        if "![" in line[:3000] and (pictures := _read_inline(line[:3000]).pictures):
            record.setdefault("thumbnail", pictures[0])
        if kind == "authors":
            names, _ = archive_headings.parse_authors(_NAMES.sub("et al", _plain_text(value)))
            record.setdefault("authors", names)
        elif kind == "date":
            on = on or find_date(_plain_text(value[:_MAX_CAPTION_LENGTH]))
        elif kind == "votes":
            record["votes"] = archive_headings.parse_votes(value)[0]
        elif kind == "title":
            record["title"] = as_title(value, 1) or record["title"]
        elif kind == "text":
            sections.append((name, [_read_inline(value).plain]))
        elif kind is None and not _is_caption(line):
            text = _read_inline(raw.rstrip()).plain
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
    labelled = archive_headings.parse_labelled_field(line)
    return ("votes", "", labelled[1]) if labelled and labelled[0] == "votes" else _label_kind(line)


def _is_caption(line: str) -> bool:
    """Whether a line has only links, captions and the paper's id."""
    plain = _plain_text(line).strip(" -|*`")
    return (
        (len(plain) < 30 and plain.startswith("(") and plain.endswith(")"))
        or not _read_inline(line).rest
        or _CAPTIONS.match(plain) is not None
        or bool(arxiv_ids.parse_bare_id(plain))
    )


def _is_names(line: str) -> bool:
    """Whether a line in italics is a list of names, such as `*Ada Lovelace, Alan Turing, et al.*`."""
    match = _NAME_LIST.match(line)
    if not match or line.startswith("**") or any(mark in match[1] for mark in ":!?"):
        return False
    names, _ = archive_headings.parse_authors(match[1].strip())
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
    blocks = _read_blocks([*section, *rows[start + len(section) :]] if section or start else rows)
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
    return build_digests(((paper.row + start + 1, *_to_record(paper)) for paper in papers), on, problems)


def build_digests(
    papers: Iterable[tuple[int, date | None, listing.Paper]],
    on: date | None,
    problems: Sequence[Problem] = (),
) -> tuple[Digest, ...]:
    """The digests of papers with their lines and dates. A paper that is named twice on a day is one paper.

    Raises NotADigestError if some have no date and `on` is None.
    """
    by_date: dict[date | None, dict[str, tuple[int, listing.Paper]]] = {}
    for line, dated, paper in papers:
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


def _read_front_matter(rows: Sequence[str]) -> tuple[date | None, list[str], int]:
    """The date in the front matter, its paper as a section if it names one, and the row after it."""
    end = next((row for row in range(1, min(len(rows), 60)) if rows[row].strip() == "---"), 0)
    if not end or rows[0].strip() != "---":
        return None, [], 0
    values = {match[1].lower(): match[2].strip("\"' ") for line in rows[1:end] if (match := _FRONT_FIELD.match(line))}
    on = next((on for name in ("date", "published", "day") if (on := find_date(values.get(name, "")))), None)
    is_paper = "title" in values and sum(arxiv_ids.extract_arxiv_id(value) is not None for value in values.values()) == 1
    section = [f"# {values['title']}", *(f"- {name}: {value}" for name, value in values.items())] if is_paper else []
    return on, section, end + 1
