"""HTML as Markdown: whether a text is a page of HTML, and the Markdown of the elements that digests use.

A scanner of our own because pages come from strangers: it is linear. Lexbor (selectolax) builds 2.5 million nodes from
30 kB of open formatting elements and takes 14 s for 400 kB of nested lists; html.parser takes minutes for `<a <a <a`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

_HTML_BLOCK_TAG = re.compile(
    r"<(?:!doctype\s|html|head|body|h[1-6]|p|ul|ol|li|div|article|section|pre|br)\b", re.IGNORECASE
)
_PAGE_START = re.compile(r"\s{0,1000}<(?:!doctype\s|html|head|body|\?xml)\b", re.IGNORECASE)
_MARKDOWN_MARK = re.compile(r"^(?:#{1,6}[ \t]|[ \t]{0,3}[-*+][ \t]|\|)|\]\(https?://", re.MULTILINE)
_SNIFF_LENGTH = 20_000
_MAX_PAGE_LENGTH = 2_000_000
_MAX_TAG_LENGTH = 2_000
_TAG_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9]{0,11}(?![a-zA-Z0-9])")
_ATTRIBUTE = re.compile(
    r"""\s(href|src|alt)\s{0,3}=\s{0,3}(?:"([^"]{0,1000})"|'([^']{0,1000})'|([^\s"'<>=]{1,1000}))""",
    re.IGNORECASE,
)
_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*\n")
_SKIPPED_TAGS = frozenset({"script", "style", "head", "template", "noscript", "svg", "nav"})
_INLINE_MARKERS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "del": "~~"}
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_LIST_TAGS = frozenset({"ul", "ol"})
_BLOCK_TAGS = frozenset({"p", "div", "article", "section", "main", "blockquote", "body", "header", "footer"})
_CELL_TAGS = frozenset({"td", "th"})
_ID_ATTRIBUTE = re.compile(
    r"""\sdata-[a-z-]{0,30}id\s?=\s?["'](?:arxiv:)?([0-9]{4}\.[0-9]{4,5})""", re.IGNORECASE
)


class _Tag(NamedTuple):
    name: str  # in lower case
    is_closing: bool
    attributes: str


def is_html(text: str) -> bool:
    """Whether a text is a page or a fragment of HTML, by its beginning.

    A fragment has block elements and no mark of Markdown: Markdown may have HTML within it, HTML no headings with `#`.
    """
    if _PAGE_START.match(text):
        return True
    has_blocks = _HTML_BLOCK_TAG.search(text, 0, _SNIFF_LENGTH) is not None
    return has_blocks and _MARKDOWN_MARK.search(text, 0, _SNIFF_LENGTH) is None


def to_markdown(page: str) -> str:
    """Return headings, lists, links, emphasis, images, code and text of a page as Markdown, in linear time."""
    return _MarkdownWriter(page[:_MAX_PAGE_LENGTH]).text


def _tokenize(page: str) -> Iterator[str | _Tag]:
    """Yield texts and tags. A `<` that starts no tag is text; comments and declarations are skipped."""
    position = 0
    end = -1
    while (start := page.find("<", position)) >= 0:
        if end < start and end != len(page):
            end = page.find(">", start)
            end = len(page) if end < 0 else end
        if start > position:
            yield page[position:start]
        name = _TAG_NAME.match(page, start + 1)
        if page.startswith("<!--", start):
            comment_end = page.find("-->", start)
            position = comment_end + 3 if comment_end >= 0 else len(page)
        elif end < len(page) and page[start + 1 : start + 2] in ("!", "?"):
            position = end + 1
        elif name and end < len(page) and end - start <= _MAX_TAG_LENGTH:
            tag_name = name[0].lower()
            yield _Tag(tag_name.removeprefix("/"), tag_name.startswith("/"), page[name.end() : end])
            position = end + 1
        else:
            yield "<"
            position = start + 1
    yield page[position:]


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
        for token in _tokenize(page):
            if not isinstance(token, str):
                self._write_tag(*token)
            elif self._skipped_tag is None:
                text = html.unescape(token)
                text = text.replace("|", "\\|") if self._in_row else text
                self._chunks.append(text if self._in_pre else re.sub(r"\s+", " ", text))
        self.text = _EMPTY_LINES.sub("\n\n", "".join(self._chunks)).strip() + "\n"

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
        values = {key.lower(): html.unescape(a or b or c) for key, a, b, c in _ATTRIBUTE.findall(attributes)}
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
        elif name == "li":
            self._chunks.append("" if is_closing else f"\n{'  ' * max(0, self._list_depth - 1)}- ")
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
