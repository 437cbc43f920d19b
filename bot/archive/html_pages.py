"""Convert untrusted HTML pages to Markdown, for the elements that digests use.

This scanner takes linear time. Lexbor (selectolax) builds 2.5 million nodes from 30 kB of open formatting
elements and takes 14 s for 400 kB of nested lists; html.parser takes minutes for `<a <a <a`.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from urllib.parse import urljoin

_TOKEN = re.compile(
    r"<!--(?:.*?-->|.*\Z)|<[!?][^<>]*>"
    r"|<(?P<raw>script|style)\b[^<>]*>.*?(?:</(?P=raw)[^<>]*>|\Z)"
    r"|<(?P<close>/?)(?P<name>[a-z][a-z0-9:-]{0,30})"
    r"""(?P<attributes>(?:[^<>"']++|"[^"]{0,20000}+"|'[^']{0,20000}+'){0,200}+)>""",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z_:][\w:.-]{0,60})(?:\s{0,9}=\s{0,9}(?:"([^"]{0,20000})"|'([^']{0,20000})'|([^\s"'<>=`]{1,2000})))?"""
)
_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*\n")
_SKIPPED_TAGS = frozenset({"script", "style", "head", "title", "template", "noscript", "svg", "nav"})
_HEAD_TAGS = frozenset({"title", "meta", "link", "script", "style", "base", "noscript", "template", "head"})
"""The tags of a head. Any other ends it, as in a browser: HTML lets `</head>` be left out."""
_INLINE_MARKERS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "del": "~~", "summary": "**"}
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_LINK_TAGS = frozenset({"a", "img", "video", "source", "iframe"})
_LIST_TAGS = frozenset({"ul", "ol", "dl"})
_BLOCK_TAGS = frozenset(
    {"p", "div", "article", "section", "main", "blockquote", "body", "header", "footer", "details"}
)
_CELL_TAGS = frozenset({"td", "th"})
_HTML_TAGS = (
    _BLOCK_TAGS
    | _LIST_TAGS
    | _CELL_TAGS
    | _HEADINGS.keys()
    | {"li", "dt", "dd", "table", "tr", "span", "pre"}
)
"""Tags that end an open `svg`, as in a browser."""
_ID_ATTRIBUTE = re.compile(
    r"""\sdata-[a-z-]{0,30}id\s?=\s?["'](?:arxiv:)?([0-9]{4}\.[0-9]{4,5})""", re.IGNORECASE
)
_TAG_IN_MARKDOWN = re.compile(
    r"<(?P<close>/?)(?P<name>a|abbr|b|big|br|button|center|code|del|details|div|em|font|h[1-6]|i|iframe|img|ins|kbd|li|mark|ol|p|s|small"
    r"|source|span|strong|su[bp]|summary|table|tbody|t[dhr]|thead|u|ul|video)\b(?P<attributes>[^<>]{0,2000})>",
    re.IGNORECASE | re.ASCII,
)


def to_markdown(page: str, url: str = "") -> str:
    """Return a page's headings, lists, links, emphasis, images, code and text as Markdown. Its links are relative to `url`."""
    return _MarkdownWriter(page, url=url).text


def convert_tags(line: str) -> str:
    """Return a line of Markdown with its HTML tags as Markdown. What is open at its end is closed."""
    indent = line[: len(line) - len(line.lstrip())]
    return indent + " ".join(_MarkdownWriter(line, _TAG_IN_MARKDOWN).text.split())


_LONG_NUMBER = re.compile(r"&#[0-9]{100,};?")


def unescape(text: str) -> str:
    """Decode character references. Numbers of 100 digits or more, which Python may reject, become U+FFFD."""
    return html.unescape(_LONG_NUMBER.sub("\N{REPLACEMENT CHARACTER}", text))


def parse_attributes(text: str) -> dict[str, str]:
    """Return a tag's attributes by lower-case name. The first value of a repeated attribute wins."""
    values: dict[str, str] = {}
    if "=" in text or text.strip(" /"):
        for name, double, single, bare in _ATTRIBUTE.findall(text):
            values.setdefault(name.lower(), unescape(double or single or bare))
    return values


_FEED_TYPES = (
    *("application/rss+xml", "application/atom+xml", "application/rdf+xml"),
    *("application/xml", "text/xml"),
)


_MAX_ADDRESS = 2_000
"""Characters of an address with that of its page before it."""


def find_feeds(page: str, url: str) -> Iterator[str]:
    """Yield the addresses of the feeds that a page at `url` names (`rel=alternate` or `feed`)."""
    is_based = False
    for token in _TOKEN.finditer(page):
        name = (token["name"] or "").lower()
        if name not in ("base", "link", "a"):
            continue
        values = parse_attributes(token["attributes"])
        if (target := _resolve(url, values.get("href", ""))) is None:
            continue
        if name == "base" and "href" in values and not is_based:  # the first one counts
            url, is_based = target, True
        relations = values.get("rel", "").lower().split()
        is_feed = values.get("type", "").partition(";")[0].strip().lower() in _FEED_TYPES
        if name != "base" and ("feed" in relations or (is_feed and "alternate" in relations)):
            yield target


def _resolve(url: str, address: str) -> str | None:
    """Return an address of a page at `url`, or None if it is malformed or too long."""
    try:
        target = urljoin(url, address.strip())
    except ValueError:  # a malformed IPv6 address
        return None
    return target if len(target) <= _MAX_ADDRESS else None


class _MarkdownWriter:
    """Converts one page. Unclosed elements end with the page. Tags that would make it more than twice as long are left out."""

    def __init__(self, page: str, tokens: re.Pattern[str] = _TOKEN, url: str = "") -> None:
        self._url, self._is_based = url, False
        self._written = io.StringIO()
        self._page, self._unclosed = page, set[str]()
        self._links: list[str] = []
        self._skipped_tag: str | None = None
        self._hidden_depth = 0
        self._in_pre = False
        self._list_depth = 0
        self._in_row = False
        self._header_cells = 0
        position = 0
        for token in tokens.finditer(page):
            self._write_text(page[position : token.start()])
            position = token.end()
            if name := token["name"]:
                if name.lower() == "base" and not self._is_based and tokens is _TOKEN:
                    self._begin_at(parse_attributes(token["attributes"]).get("href"))
                is_long = self._written.tell() > 2 * position
                if is_long or self._is_skipped(name.lower(), bool(token["close"]), token):
                    continue
                self._write_tag(name.lower(), bool(token["close"]), token["attributes"])
        self._write_text(page[position:])
        self._written.writelines(f"]({address})" for address in reversed(self._links))
        self.text = _EMPTY_LINES.sub("\n\n", self._written.getvalue()).strip() + "\n"

    def _begin_at(self, base: str | None) -> None:
        """Resolve links by the page's first base."""
        if base is not None:
            self._url, self._is_based = _resolve(self._url, base) or self._url, True

    def _write_text(self, text: str) -> None:
        if self._skipped_tag is None:
            text = unescape(text)
            text = text.replace("|", "\\|") if self._in_row else text
            self._written.write(text if self._in_pre else re.sub(r"\s+", " ", text))

    def _is_skipped(self, name: str, is_closing: bool, token: re.Match[str]) -> bool:
        """Return whether a tag is in an element that is not shown, or begins or ends one.

        Without its end tag, such an element is not skipped, so that it does not swallow the page.
        """
        skipped = self._skipped_tag
        if skipped == "head":
            self._skipped_tag = (
                skipped if name in _HEAD_TAGS and not (is_closing and name == skipped) else None
            )
            return name in _HEAD_TAGS
        if skipped is not None:
            ends_link = name == "a" and is_closing and bool(self._links)
            is_broken = skipped == "svg" and (ends_link or name in _HTML_TAGS)
            if self._hidden_depth and name == skipped:
                self._hidden_depth += -1 if is_closing else 1
            if is_broken or (is_closing and name == skipped and not self._hidden_depth):
                self._skipped_tag = None
            return not is_broken
        is_hidden = "hidden" in token["attributes"] and "hidden" in parse_attributes(token["attributes"])
        if name not in _SKIPPED_TAGS and not is_hidden:
            return False
        is_empty = is_closing or token["attributes"].endswith("/")
        if name not in ("head", "svg") and not is_empty and name not in self._unclosed:
            end = re.compile(rf"</{name}\b", re.IGNORECASE).search(self._page, token.end())
            self._unclosed |= set() if end else {name}
        self._skipped_tag = None if is_empty or name in self._unclosed else name
        self._hidden_depth = int(is_hidden and self._skipped_tag is not None)
        return True

    def _write_tag(self, name: str, is_closing: bool, attributes: str) -> None:
        if name in _HEADINGS:
            self._written.write("\n\n" if is_closing else f"\n\n{_HEADINGS[name]} ")
        elif name in _LINK_TAGS:
            self._write_link(name, is_closing, attributes)
        elif name == "pre":
            self._in_pre = not is_closing
            self._written.write("\n```\n\n" if is_closing else "\n\n```\n")
        elif name in _INLINE_MARKERS and not self._in_pre:
            self._written.write(_INLINE_MARKERS[name])
        else:
            self._write_block(name, is_closing)
        if not is_closing and (arxiv_id := _ID_ATTRIBUTE.search(attributes)):
            self._written.write(f" arXiv:{arxiv_id[1]} ")

    def _write_link(self, name: str, is_closing: bool, attributes: str) -> None:
        if is_closing:
            if name == "a" and self._links:
                self._written.write(f"]({self._links.pop()})")
            return
        values = parse_attributes(attributes)
        if name == "a":
            address = values.get("href", "")
            is_elsewhere = address and not address.startswith("#")
            self._links.append((is_elsewhere and _resolve(self._url, address)) or address)
            self._written.write("[")
        elif name == "img":
            self._written.write(f"![{values.get('alt', '')}]({values.get('src', '')})")
        elif "src" in values:
            self._written.write(f"\n[Watch Video]({values['src']})\n")

    def _write_block(self, name: str, is_closing: bool) -> None:
        if name in _LIST_TAGS:
            depth = self._list_depth if is_closing else self._list_depth + 1
            self._list_depth = min(6, max(0, self._list_depth + (-1 if is_closing else 1)))
            self._written.write("\n\n" if depth <= 1 else "")
        elif name in ("li", "dt", "dd"):
            mark = "  " if name == "dd" else "- "
            self._written.write("" if is_closing else f"\n{'  ' * max(0, self._list_depth - 1)}{mark}")
        elif name == "tr":
            self._in_row = not is_closing
            # No blank line between rows, which would end the table.
            below = "\n" + "|---" * self._header_cells if self._header_cells else ""
            self._written.write(below if is_closing else "\n|")
            self._header_cells = 0
        elif name in _CELL_TAGS:
            self._header_cells += is_closing and name == "th"
            self._written.write(" | " if is_closing else " ")
        elif name == "table":
            self._in_row = False
            self._written.write("\n\n")
        elif name == "br":
            self._written.write(" " if self._in_row else "\n")
        elif self._in_row:
            self._written.write(" ")
        elif name in _BLOCK_TAGS and not (self._list_depth and name == "p" and not is_closing):
            # A paragraph inside an item continues the item's line.
            self._written.write("\n" if self._list_depth else "\n\n")
