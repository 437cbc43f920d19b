"""The digests' Markdown to Discord's, or to plain text. Never raises on any text, and loses none of it but markup.

Headings become bold lines, images their descriptions, formulas Unicode, tables code blocks or lists. Links stay
if they are http(s); everything else that could become active is escaped. Fitting is left to `fitting`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it.token import Token

from bot.rendering.discord_text import escape
from bot.rendering.discord_text.escape import Safe
from bot.rendering.markdown import parser, tables
from bot.rendering.markdown.inline import render_inline

_CELL_END = re.compile(r"(?<!\\)\|")
_ROW_START = re.compile(r"^[\s>]*\|?")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+.#\-]{0,20}")
_CHUNK = 8_000
_MOST_BRACKETS = 400
"""More of them in a part are no links: nested ones take the parser time that grows with their square."""

_DEEPEST_INDENT = 5


def render_markdown(text: str) -> Safe:
    """Return the Markdown of a digest as Discord's Markdown, its blocks separated as Discord shows them best."""
    return Safe(_render(text, marked=True))


def render_plain(text: str) -> str:
    """Return the Markdown of a digest as plain text, a line a block, list items with `- ` or their number."""
    return _render(text, marked=False)


def render_heading(text: str) -> Safe:
    """Return a section's heading as one escaped line without emphasis, ready to be set bold."""
    (token, *_) = parser.parser(links=True).parseInline(" ".join(text[:_CHUNK].split()))
    plain = render_inline(token.children or [], marked=False)
    return Safe(escape.escape_inline(escape.plain(plain).rstrip(":： ")))


def _render(text: str, *, marked: bool) -> str:
    writer = _Writer(marked)
    for chunk in _chunks(text):
        writer.source = chunk.split("\n")
        links = chunk.count("[") <= _MOST_BRACKETS
        for token in parser.parser(links=links).parse(chunk):
            writer.take(token)
    return "\n".join(writer.lines).strip("\n")


def _chunks(text: str) -> Iterator[str]:
    """Yield the text in parts of bounded length, cut at blank lines outside fences where there are any.

    It bounds the time: parts of the parser take more than linear time for hostile text.
    """
    lines: list[str] = []
    size, fenced = 0, False
    for whole in text.splitlines():
        for start in range(0, max(len(whole), 1), _CHUNK):
            line = whole[start : start + _CHUNK]
            if line.lstrip(" ").startswith(("```", "~~~")):
                fenced = not fenced
            full = size + len(line) > _CHUNK and not (fenced and size < 8 * _CHUNK)
            if full or (size > _CHUNK // 2 and not line.strip() and not fenced):
                yield "\n".join(lines)
                lines, size = [], 0
            lines.append(line)
            size += len(line) + 1
    yield "\n".join(lines)


@dataclass(slots=True)
class _Container:
    """An open list or quote. `bullet` is what the item in hand still has to be begun with."""

    kind: str
    number: int | None = None
    bullet: str = ""
    begun: bool = False

    @property
    def width(self) -> int:
        return 0 if self.kind == "quote" else 2 if self.number is None else 3


class _Writer:
    """Writes block tokens as lines. What stands between two blocks is decided by their kinds."""

    def __init__(self, marked: bool) -> None:
        self.source: list[str] = []
        self.lines: list[str] = []
        self._marked = marked
        self._open: list[_Container] = []
        self._begins_list = False
        self._last = ""
        self._block = "paragraph"
        self._row: list[tables.Cell] = []
        self._line = ""
        self._rows: list[list[tables.Cell]] = []
        self._right: list[bool] = []

    def take(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._open.append(_Container("list"))
            case "ordered_list_open":
                self._open.append(_Container("list", number=int(token.attrs.get("start", 1))))
            case "blockquote_open":
                self._open.append(_Container("quote"))
            case "bullet_list_close" | "ordered_list_close" | "blockquote_close":
                self._open.pop()
            case "list_item_open":
                self._begin_item()
            case "heading_open" | "paragraph_open":
                self._block = token.type.removesuffix("_open")
            case "fence" | "code_block":
                self._take_code(token)
            case "hr":
                self._last = "rule" if self.lines else ""
            case "inline":
                self._take_inline(token)
            case _:
                self._take_table(token)

    def _begin_item(self) -> None:
        container = self._open[-1]
        container.bullet = "- "
        if container.number is not None:
            container.bullet = f"{container.number}. "
            container.number += 1

    def _take_inline(self, token: Token) -> None:
        children = token.children or []
        if self._block == "cell":
            plain = " ".join(render_inline(children, marked=False).split())
            # The first cell is set bold where the table becomes a list.
            marked = render_inline(children, marked=self._marked, bold=not self._row).replace("\n", " ")
            self._row.append(tables.Cell(plain, marked))
            return
        heading = self._block == "heading"
        text = render_inline(children, marked=self._marked, bold=heading)
        if heading and text and self._marked:
            text = f"**{text.replace(chr(10), ' ')}**"
        self._write(self._block, text)

    def _take_code(self, token: Token) -> None:
        info = token.info.strip()
        language = info if _LANGUAGE.fullmatch(info) else ""
        content = token.content if language == info else f"{info}\n{token.content}"
        if not self._marked:
            self._write("paragraph", escape.visible(content).strip("\n"))
        elif content.strip():
            # Without bullet and indentation: a fence shows as one only from the start of a line.
            self._append("fence", escape.fence(content, language).split("\n"))

    def _take_table(self, token: Token) -> None:
        match token.type:
            case "table_open":
                self._rows, self._right = [], []
            case "tr_open":
                self._row = []
                self._line = self.source[token.map[0]] if token.map else ""
            case "th_open" | "td_open":
                self._block = "cell"
                if token.type == "th_open":
                    self._right.append("right" in str(token.attrs.get("style", "")))
            case "tr_close":
                self._add_surplus(len(self._rows[0]) if self._rows else len(self._row))
                self._rows.append(self._row)
            case "table_close":
                self._block = "paragraph"
                self._write_table()

    def _add_surplus(self, columns: int) -> None:
        """Keep the cells that a row has beyond the header's in its last cell; the parser leaves them out."""
        cells = _CELL_END.split(_ROW_START.sub("", self._line).rstrip().removesuffix("|"))
        surplus = escape.plain(" ".join(cells[columns:]))
        if surplus and self._row:
            last = self._row[-1]
            marked = f"{last.marked} {escape.escape(surplus) if self._marked else surplus}"
            self._row[-1] = tables.Cell(f"{last.plain} {surplus}", marked)

    def _write_table(self) -> None:
        header, *rows = self._rows
        if self._marked:
            text = tables.render_table(header, rows, self._right)
            self._append("fence" if text.startswith("```") else "table", text.split("\n"))
        else:
            for row in self._rows:
                self._write("paragraph", " · ".join(cell.plain for cell in row if cell.plain))

    def _write(self, kind: str, text: str) -> None:
        if not text.strip():
            return
        first, rest = self._prefixes()
        kind = "item" if first != rest else kind
        lines = text.split("\n")
        self._append(kind, [first + lines[0], *(rest + line for line in lines[1:])])

    def _prefixes(self) -> tuple[str, str]:
        """Return what the first line of a block and what its further lines begin with."""
        quote = "> " if self._marked and any(container.kind == "quote" for container in self._open) else ""
        lists = [container for container in self._open if container.kind == "list"][:_DEEPEST_INDENT]
        if not lists:
            return quote, quote
        indent = " " * sum(container.width for container in lists[:-1])
        bullet = self._open[-1].bullet or next((c.bullet for c in reversed(self._open) if c.bullet), "")
        self._begins_list = not lists[-1].begun
        for container in self._open:
            container.bullet, container.begun = "", True
        further = quote + indent + " " * lists[-1].width
        return (quote + indent + bullet if bullet else further), further

    def _append(self, kind: str, lines: list[str]) -> None:
        if self.lines and self._needs_blank_line(kind, lines[0]):
            self.lines.append("")
        self.lines += lines
        self._last = kind

    def _needs_blank_line(self, kind: str, line: str) -> bool:
        if self._last == "rule":
            return True
        if not self._marked or self._last == "heading" or "fence" in (kind, self._last):
            return False
        if kind == "item":
            # A number other than 1 begins a list only after a blank line; within a list it goes on.
            return line[:1].isdigit() and self._begins_list and not line.startswith("1.")
        return not (kind == "paragraph" and self._in_item)

    @property
    def _in_item(self) -> bool:
        return any(container.kind == "list" for container in self._open)
