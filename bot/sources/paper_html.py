"""The text of a paper's HTML, as LaTeXML makes it, as Markdown: headings, paragraphs, lists and rows of tables.

A formula is read once, as TeX. Hidden text, references, acknowledgements, marks of citations and notes are left out. The
scanner takes linear time on any input, as that of `html_to_markdown`, but knows quoted attributes and nested elements.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from bot.sources import hidden_text

_TAG_NAME = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})(?=[\s/>])")
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z_:][\w:.-]{0,60})(?:\s{0,9}=\s{0,9}(?:"([^"]{0,20000})"|'([^']{0,20000})'|([^\s"'<>=`]{1,2000})))?"""
)
_MAX_TAG_LENGTH = 20_000
_MAX_DEPTH_SEARCHED = 100
_EMPTY_LINES = re.compile(r"[ \t]*\n[ \t]*(?:\n\s*)?\n")
_SPACES = re.compile(r"\s+")
_NUMERIC_CITATION = re.compile(r"[\[(]?[\s\d,;–-]*[\])]?")
_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr"
_SKIPPED_NAMES = "script style template noscript svg nav footer button select textarea iframe object annotation annotation-xml"
_SKIPPED_CLASS_NAMES = (
    "ltx_bibliography ltx_acknowledgements ltx_acknowledgement ltx_note_mark ltx_tag_note ltx_tag_equation ltx_missing"
    " ltx_eqn_eqno ltx_ERROR ltx_page_footer ltx_page_header ltx_page_navbar ltx_page_logo ltx_TOC ltx_pagination"
    " package-alerts"
)
_BLOCK_NAMES = (
    "p div article section main table thead tbody blockquote body header figure figcaption dl dt dd ul ol pre"
)
_VOID = frozenset(_VOID_NAMES.split())
_SKIPPED = frozenset(_SKIPPED_NAMES.split())
_SKIPPED_CLASSES = frozenset(_SKIPPED_CLASS_NAMES.split())
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_CLOSES_PARAGRAPH = _BLOCKS | _HEADINGS.keys() | {"li", "tr"}
_TEX = re.compile(r"[\\^_{]")

_Tag = tuple[str, bool, str]
"""A tag: its name in lower case, whether it is an end tag, and the text of its attributes."""


class PaperPage:
    """A parsed page: its text as Markdown, and the titles that it names itself by."""

    def __init__(self, page: str) -> None:
        self._chunks: list[str] = []
        self._open: list[tuple[str, bool, int]] = []
        self._skipped: list[str] = []
        self._hiding: set[str] = set()
        self.titles: list[str] = []
        for token in _tokenize(page):
            if isinstance(token, str):
                self._write_text(token)
            else:
                self._write_tag(*token)
        self.text = _EMPTY_LINES.sub("\n\n", hidden_text.drop_invisible("".join(self._chunks))).strip() + "\n"

    def _write_text(self, text: str) -> None:
        if not self._skipped:
            self._chunks.append(_SPACES.sub(" ", html.unescape(text)))
        elif self._skipped[-1] == "style":
            self._hiding |= hidden_text.hiding_selectors(text)

    def _write_tag(self, name: str, is_closing: bool, attributes: str) -> None:
        if self._skipped:
            self._skip(name, is_closing)
            if self._skipped or is_closing:
                return
        if is_closing:
            self._close(name)
            return
        values = _parse_attributes(attributes)
        if name == "math":
            self._write_formula(values)
        elif name in _SKIPPED or self._is_left_out(name, values):
            if name not in _VOID:
                self._skipped.append(name)
        else:
            self._start(name, values)

    def _skip(self, name: str, is_closing: bool) -> None:
        """Follow the nesting below an element that is left out, by its name alone."""
        first = self._skipped[0]
        if first == "p" and not is_closing and name in _CLOSES_PARAGRAPH:
            self._skipped.clear()
        elif name == first:
            if is_closing:
                self._skipped.pop()
            else:
                self._skipped.append(name)

    def _is_left_out(self, name: str, values: dict[str, str]) -> bool:
        if not values:
            return False
        classes = values.get("class", "").split()
        if not _SKIPPED_CLASSES.isdisjoint(classes):
            return True
        if "ltx_note" in classes and any(entry[0] == "h1" for entry in self._open[-5:]):
            return True
        if self._hiding and not self._hiding.isdisjoint(
            [*("." + name for name in classes), "#" + values.get("id", "")]
        ):
            return True
        return hidden_text.is_hidden(values, has_background=any(entry[1] for entry in self._open[-20:]))

    def _start(self, name: str, values: dict[str, str]) -> None:
        if name in _HEADINGS:
            self._chunks.append(f"\n\n{_HEADINGS[name]} ")
        elif name == "title":
            self._chunks.append("\n\n")
        elif name == "li":
            self._chunks.append("\n- ")
        elif name in ("br", "tr"):
            self._chunks.append("\n")
        elif name in ("td", "th"):
            self._chunks.append(" " if "ltx_eqn" in values.get("class", "") else " | ")
        elif name in _BLOCKS:
            self._chunks.append("\n\n")
        elif name == "span" and "ltx_note_content" in values.get("class", ""):
            self._chunks.append(" (")
        if name not in _VOID:
            has_background = hidden_text.has_dark_background(values.get("style", ""))
            is_note = name == "span" and "ltx_note_content" in values.get("class", "")
            self._open.append(("note" if is_note else name, has_background, len(self._chunks)))

    def _close(self, name: str) -> None:
        for index in range(len(self._open) - 1, max(-1, len(self._open) - 1 - _MAX_DEPTH_SEARCHED), -1):
            entry_name, _, start = self._open[index]
            if entry_name == name or (name == "span" and entry_name == "note"):
                del self._open[index:]
                self._finish(entry_name, start)
                return

    def _finish(self, name: str, start: int) -> None:
        """Write what follows an element, whose chunks begin at `start`."""
        if name in ("title", "h1"):
            self.titles.append(" ".join("".join(self._chunks[start:]).split()))
        if name == "title":
            del self._chunks[start - 1 :]
        elif name == "note":
            self._chunks.append(")")
        elif name == "cite" and _NUMERIC_CITATION.fullmatch("".join(self._chunks[start:])):
            del self._chunks[start:]
        elif name in _HEADINGS or name in _BLOCKS:
            self._chunks.append("\n\n")

    def _write_formula(self, values: dict[str, str]) -> None:
        """Write a formula once: its TeX, if it has one, in place of its MathML."""
        classes_hide = self._hiding and not self._hiding.isdisjoint(
            "." + name for name in values.get("class", "").split()
        )
        shown = {name: value for name, value in values.items() if name != "aria-hidden"}
        has_background = any(entry[1] for entry in self._open[-20:])
        if (
            "alttext" in values
            and not classes_hide
            and not hidden_text.is_hidden(shown, has_background=has_background)
        ):
            tex = " ".join(values["alttext"].replace("\\%", "%").split())
            self._chunks.append(f"${tex}$" if _TEX.search(tex) else tex)
        elif "alttext" not in values:
            self._open.append(("math", False, len(self._chunks)))
            return
        self._skipped.append("math")


def _parse_attributes(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    if "=" in text or text.strip(" /"):
        for name, double, single, bare in _ATTRIBUTE.findall(text):
            values.setdefault(name.lower(), html.unescape(double or single or bare))
    return values


def _tokenize(page: str) -> Iterator[str | _Tag]:
    """Yield texts and tags. A `<` that starts no tag is text; comments and declarations are skipped."""
    position = 0
    while (start := page.find("<", position)) >= 0:
        if start > position:
            yield page[position:start]
        if page.startswith("<!--", start):
            end = page.find("-->", start)
            position = end + 3 if end >= 0 else len(page)
            continue
        name = _TAG_NAME.match(page, start + 1)
        is_tag = name or page[start + 1 : start + 2] in ("!", "?")
        end = _tag_end(page, name.end() if name else start + 1) if is_tag else -1
        if name and end >= 0:
            yield name[2].lower(), bool(name[1]), page[name.end() : end]
            position = end + 1
            if not name[1] and name[2].lower() in ("script", "style"):
                # In these, `<` starts no tag.
                raw_end = re.compile(f"</{name[2]}", re.IGNORECASE).search(page, position)
                raw_start, position = position, raw_end.start() if raw_end else len(page)
                yield page[raw_start:position]
        elif end >= 0:
            position = end + 1
        else:
            yield "<"
            position = start + 1
    yield page[position:]


def _tag_end(page: str, position: int) -> int:
    """Return the position of the `>` that ends a tag, outside quotes; -1 if the tag is too long or never ends."""
    limit = min(len(page), position + _MAX_TAG_LENGTH)
    end = page.find(">", position, limit)
    while end >= 0:
        quote = _open_quote(page, position, end)
        if quote is None:
            return end
        close = page.find(quote, end, limit)
        if close < 0:
            return end
        position, end = close + 1, page.find(">", close, limit)
    return -1


_QUOTED = re.compile(r"=\s{0,9}(?:\"[^\"]*(\")?|'[^']*(')?)")


def _open_quote(page: str, start: int, end: int) -> str | None:
    """Return the quote of an attribute's value that is still open at `end`."""
    for match in _QUOTED.finditer(page, start, end):
        if match[1] is None and match[2] is None:
            return '"' if '"' in match[0] else "'"
    return None
