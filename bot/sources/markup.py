"""HTML back to the Markdown that it was made from, as far as digests use it. Makes no attempt at anything else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_TAGS = re.compile(
    r"<(?:!doctype\s|html|head|body|h[1-6]|p|ul|ol|li|div|article|section|pre|br)\b", re.IGNORECASE
)
_LOOKED_AT = 20_000
_LONGEST_PAGE = 2_000_000
_SILENT = frozenset({"script", "style", "head", "template", "noscript", "svg", "nav"})
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "del": "~~"}
_BLOCKS = frozenset(
    {
        "p",
        "div",
        "article",
        "section",
        "main",
        "ul",
        "ol",
        "table",
        "tr",
        "blockquote",
        "body",
        "header",
        "footer",
    }
)


def looks_like_html(text: str) -> bool:
    """Whether the text has HTML's block elements near its beginning. Markdown with a stray `<video>` has none."""
    return _TAGS.search(text, 0, _LOOKED_AT) is not None


def to_markdown(html: str) -> str:
    """Return the page's text with headings, lists, links, emphasis, images and code as Markdown; linear in its length."""
    converter = _Converter()
    converter.feed(html[:_LONGEST_PAGE])
    converter.close()
    return converter.text()


class _Converter(HTMLParser):
    """Writes Markdown as it hears of tags. An unclosed element ends with the page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._links: list[str] = []
        self._silent = 0
        self._verbatim = 0
        self._depth = 0

    def text(self) -> str:
        """Return what was written, without runs of empty lines."""
        return re.sub(r"\n[ \t]*\n\s*\n", "\n\n", "".join(self._out)).strip() + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _SILENT:
            self._silent += 1
        elif self._silent:
            return
        elif re.fullmatch("h[1-6]", tag):
            self._out.append(f"\n\n{'#' * int(tag[1])} ")
        elif tag == "li":
            self._out.append(f"\n{'  ' * max(0, self._depth - 1)}- ")
        elif tag == "a":
            self._links.append(given.get("href", ""))
            self._out.append("[")
        elif tag == "img":
            self._out.append(f"![{given.get('alt', '')}]({given.get('src', '')})")
        elif tag == "video":
            self._out.append(f"\n[Watch Video]({given['src']})\n" if given.get("src") else "")
        elif tag == "pre":
            self._verbatim += 1
            self._out.append("\n\n```\n")
        elif tag == "br":
            self._out.append("\n")
        else:
            self._open_or_close(tag, 1)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif self._silent:
            return
        elif tag == "a":
            self._out.append(f"]({self._links.pop()})" if self._links else "")
        elif tag == "pre":
            self._verbatim = max(0, self._verbatim - 1)
            self._out.append("\n```\n\n")
        elif re.fullmatch("h[1-6]", tag):
            self._out.append("\n\n")
        else:
            self._open_or_close(tag, -1)

    def _open_or_close(self, tag: str, step: int) -> None:
        if tag in ("ul", "ol"):
            self._depth = min(6, max(0, self._depth + step))
        if tag in _BLOCKS:
            # A paragraph inside an item stays on the item's line.
            self._out.append(
                "" if tag == "p" and self._depth and step > 0 else "\n\n" if not self._depth else "\n"
            )
        elif tag in _MARKS and not (self._verbatim and tag == "code"):
            self._out.append(_MARKS[tag])

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self._out.append(data if self._verbatim else re.sub(r"\s+", " ", data))
