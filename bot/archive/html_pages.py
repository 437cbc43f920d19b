"""HTML: its texts and tags, for all code that reads pages, and the Markdown of the elements that digests use.

A scanner of our own because pages come from others: it is linear. Lexbor (selectolax) builds 2.5 million nodes from
30 kB of open formatting elements and takes 14 s for 400 kB of nested lists; html.parser takes minutes for `<a <a <a`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

_CHUNKS_AT_ONCE = 10_000
_MAX_TAG_LENGTH = 20_000
_MAX_QUOTED_ENDS = 20
"""Signs `>` in the quotes of one tag."""
_TAG_NAME = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})(?=[\s/>])")
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z_:][\w:.-]{0,60})(?:\s{0,9}=\s{0,9}(?:"([^"]{0,20000})"|'([^']{0,20000})'|([^\s"'<>=`]{1,2000})))?"""
)
_QUOTED = re.compile(r"=\s{0,9}(?:\"[^\"]*(\")?|'[^']*(')?)")
_RAW_END = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*\n")
_SKIPPED_TAGS = frozenset({"script", "style", "head", "template", "noscript", "svg", "nav"})
_INLINE_MARKERS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "del": "~~"}
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_LIST_TAGS = frozenset({"ul", "ol", "dl"})
_BLOCK_TAGS = frozenset({"p", "div", "article", "section", "main", "blockquote", "body", "header", "footer"})
_CELL_TAGS = frozenset({"td", "th"})
_ID_ATTRIBUTE = re.compile(
    r"""\sdata-[a-z-]{0,30}id\s?=\s?["'](?:arxiv:)?([0-9]{4}\.[0-9]{4,5})""", re.IGNORECASE
)


class Tag(NamedTuple):
    """A tag of HTML, its name in lower case, its attributes as they are written."""

    name: str
    is_closing: bool
    attributes: str


def to_markdown(page: str) -> str:
    """Return headings, lists, links, emphasis, images, code and text of a page as Markdown, in linear time."""
    return _MarkdownWriter(page).text


_LONG_NUMBER = re.compile(r"&#[0-9]{100,};?")


def unescape(text: str) -> str:
    """Return a text with character references as characters; one of a hundred digits, which Python may refuse, as U+FFFD."""
    return html.unescape(_LONG_NUMBER.sub("\N{REPLACEMENT CHARACTER}", text))


def tokenize(page: str) -> Iterator[str | Tag]:
    """Yield texts and tags. A `<` that starts no tag is text; comments and declarations are skipped."""
    position, next_end = 0, -1
    while (start := page.find("<", position)) >= 0:
        if start > position:
            yield page[position:start]
        if page.startswith("<!--", start):
            end = page.find("-->", start)
            position = end + 3 if end >= 0 else len(page)
            continue
        if next_end < start:
            next_end = page.find(">", start)
            next_end = len(page) if next_end < 0 else next_end
        name = _TAG_NAME.match(page, start + 1)
        is_tag = next_end < len(page) and (name or page[start + 1 : start + 2] in ("!", "?"))
        end = _tag_end(page, name.end() if name else start + 1, next_end) if is_tag else -1
        if end < 0:
            yield "<"
            position = start + 1
            continue
        position = end + 1
        if name:
            yield Tag(name[2].lower(), bool(name[1]), page[name.end() : end])
            if not name[1] and (raw_end := _RAW_END.get(name[2].lower())):
                # In these, `<` starts no tag.
                raw, position = (
                    position,
                    match.start() if (match := raw_end.search(page, position)) else len(page),
                )
                yield page[raw:position]
    yield page[position:]


def _tag_end(page: str, position: int, end: int) -> int:
    """Return the position of the `>` that ends a tag, `end` or one behind quotes; -1 if the tag is too long."""
    limit = min(len(page), position + _MAX_TAG_LENGTH)
    for _ in range(_MAX_QUOTED_ENDS):
        if not 0 <= end < limit:
            return -1
        quote = _open_quote(page, position, end)
        close = page.find(quote, end, limit) if quote else -1
        if close < 0:
            return end
        position, end = close + 1, page.find(">", close, limit)
    return -1


def _open_quote(page: str, start: int, end: int) -> str | None:
    """Return the quote of an attribute's value that is still open at `end`."""
    for match in _QUOTED.finditer(page, start, end):
        if match[1] is None and match[2] is None:
            return '"' if '"' in match[0] else "'"
    return None


def parse_attributes(text: str) -> dict[str, str]:
    """Return the attributes of a tag by their names in lower case, of several with one name the first."""
    values: dict[str, str] = {}
    if "=" in text or text.strip(" /"):
        for name, double, single, bare in _ATTRIBUTE.findall(text):
            values.setdefault(name.lower(), unescape(double or single or bare))
    return values


class _MarkdownWriter:
    """Collects the Markdown of a page. An unclosed element ends with the page."""

    def __init__(self, page: str) -> None:
        self._chunks: list[str] = []
        self._links: list[str] = []
        self._skipped_tag: str | None = None
        self._in_pre = False
        self._list_depth = 0
        self._in_row = False
        self._header_cells = 0
        parts: list[str] = []
        for token in tokenize(page):
            if not isinstance(token, str):
                self._write_tag(*token)
            elif self._skipped_tag is None:
                text = unescape(token)
                text = text.replace("|", "\\|") if self._in_row else text
                self._chunks.append(text if self._in_pre else re.sub(r"\s+", " ", text))
            if len(self._chunks) > _CHUNKS_AT_ONCE:
                parts.append("".join(self._chunks))
                self._chunks.clear()
        self.text = _EMPTY_LINES.sub("\n\n", "".join([*parts, *self._chunks])).strip() + "\n"

    def _write_tag(self, name: str, is_closing: bool, attributes: str) -> None:
        if self._skipped_tag is not None:
            if is_closing and name == self._skipped_tag:
                self._skipped_tag = None
        elif name in _SKIPPED_TAGS:
            self._skipped_tag = None if is_closing else name
        elif name in _HEADINGS:
            self._chunks.append("\n\n" if is_closing else f"\n\n{_HEADINGS[name]} ")
        elif name in ("a", "img", "video"):
            self._write_link(name, is_closing, attributes)
        elif name == "pre":
            self._in_pre = not is_closing
            self._chunks.append("\n```\n\n" if is_closing else "\n\n```\n")
        elif name in _INLINE_MARKERS and not self._in_pre:
            self._chunks.append(_INLINE_MARKERS[name])
        else:
            self._write_block(name, is_closing)
        if not is_closing and (arxiv_id := _ID_ATTRIBUTE.search(attributes)):
            self._chunks.append(f" arXiv:{arxiv_id[1]} ")

    def _write_link(self, name: str, is_closing: bool, attributes: str) -> None:
        if is_closing:
            if name == "a" and self._links:
                self._chunks.append(f"]({self._links.pop()})")
            return
        values = parse_attributes(attributes)
        if name == "a":
            self._links.append(values.get("href", ""))
            self._chunks.append("[")
        elif name == "img":
            self._chunks.append(f"![{values.get('alt', '')}]({values.get('src', '')})")
        elif "src" in values:
            self._chunks.append(f"\n[Watch Video]({values['src']})\n")

    def _write_block(self, name: str, is_closing: bool) -> None:
        if name in _LIST_TAGS:
            depth = self._list_depth if is_closing else self._list_depth + 1
            self._list_depth = min(6, max(0, self._list_depth + (-1 if is_closing else 1)))
            self._chunks.append("\n\n" if depth <= 1 else "")
        elif name in ("li", "dt", "dd"):
            mark = "  " if name == "dd" else "- "
            self._chunks.append("" if is_closing else f"\n{'  ' * max(0, self._list_depth - 1)}{mark}")
        elif name == "tr":
            self._in_row = not is_closing
            self._chunks.append("\n" + "|---" * self._header_cells if is_closing else "\n|")
            self._header_cells = 0
        elif name in _CELL_TAGS:
            self._header_cells += is_closing and name == "th"
            self._chunks.append(" | " if is_closing else " ")
        elif name == "table":
            self._in_row = False
            self._chunks.append("\n\n")
        elif name == "br":
            self._chunks.append(" " if self._in_row else "\n")
        elif self._in_row:
            self._chunks.append(" ")
        elif name in _BLOCK_TAGS and not (self._list_depth and name == "p" and not is_closing):
            # A paragraph inside an item continues the item's line.
            self._chunks.append("\n" if self._list_depth else "\n\n")
