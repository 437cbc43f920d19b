"""Renderer of the digests' Markdown as Discord's Markdown or plain text. It accepts any text and drops only markup.

Headings become bold lines, images their descriptions, formulas Unicode, tables code blocks or lists. http(s) links
are kept; all other text that Discord could interpret is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it.token import Token

from bot.rendering.discord_text import escape
from bot.rendering.discord_text.escape import SafeMarkdown
from bot.rendering.markdown import parser, tables
from bot.rendering.markdown.inline import render_inline

_CELL_END = re.compile(r"(?<!\\)\|")
_ROW_START = re.compile(r"^[\s>]*\|?")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+.#\-]{0,20}")
_CHUNK_SIZE = 8_000
_MAX_BRACKETS = 400
"""Square brackets of a chunk above which they are text: nested links take the parser quadratic time."""

_MAX_INDENT_DEPTH = 5


def render_markdown(text: str) -> SafeMarkdown:
    """Return the Markdown of a digest as Discord's Markdown."""
    return SafeMarkdown(_render(text, with_markup=True))


def render_plain(text: str) -> str:
    """Return the Markdown of a digest as plain text: one line per block, list items with `- ` or their number."""
    return _render(text, with_markup=False)


def render_heading(text: str) -> SafeMarkdown:
    """Return a section's heading as one escaped line without emphasis, for bold type."""
    (token, *_) = parser.get_parser(links=True).parseInline(" ".join(text[:_CHUNK_SIZE].split()))
    plain = render_inline(token.children or [], with_markup=False)
    return SafeMarkdown(escape.escape_inline(escape.to_single_line(plain).rstrip(":： ")))


def _render(text: str, *, with_markup: bool) -> str:
    writer = _BlockRenderer(with_markup)
    for chunk in _chunks(text):
        writer.source = chunk.split("\n")
        links = chunk.count("[") <= _MAX_BRACKETS
        for token in parser.get_parser(links=links).parse(chunk):
            writer.add_token(token)
    return "\n".join(writer.lines).strip("\n")


def _chunks(text: str) -> Iterator[str]:
    """Yield the text in chunks of bounded length, cut at blank lines outside fences if possible.

    This bounds the time: the parser takes more than linear time for hostile text.
    """
    lines: list[str] = []
    size, in_fence = 0, False
    for long_line in text.splitlines():
        for start in range(0, max(len(long_line), 1), _CHUNK_SIZE):
            line = long_line[start : start + _CHUNK_SIZE]
            if line.lstrip(" ").startswith(("```", "~~~")):
                in_fence = not in_fence
            is_full = size + len(line) > _CHUNK_SIZE and not (in_fence and size < 8 * _CHUNK_SIZE)
            if is_full or (size > _CHUNK_SIZE // 2 and not line.strip() and not in_fence):
                yield "\n".join(lines)
                lines, size = [], 0
            lines.append(line)
            size += len(line) + 1
    yield "\n".join(lines)


@dataclass(slots=True)
class _Container:
    """An open list or quote. `bullet` is the pending bullet or number of the current item."""

    kind: str
    number: int | None = None
    bullet: str = ""
    has_content: bool = False

    @property
    def width(self) -> int:
        return 0 if self.kind == "quote" else 2 if self.number is None else 3


class _BlockRenderer:
    """Renders block tokens as lines. The kinds of two blocks decide whether a blank line separates them."""

    def __init__(self, with_markup: bool) -> None:
        self.source: list[str] = []
        self.lines: list[str] = []
        self._with_markup = with_markup
        self._containers: list[_Container] = []
        self._starts_list = False
        self._last_kind = ""
        self._block_kind = "paragraph"
        self._cells: list[tables.Cell] = []
        self._row_source = ""
        self._table_rows: list[list[tables.Cell]] = []
        self._right_aligned: list[bool] = []

    def add_token(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._containers.append(_Container("list"))
            case "ordered_list_open":
                self._containers.append(_Container("list", number=int(token.attrs.get("start", 1))))
            case "blockquote_open":
                self._containers.append(_Container("quote"))
            case "bullet_list_close" | "ordered_list_close" | "blockquote_close":
                self._containers.pop()
            case "list_item_open":
                self._begin_item()
            case "heading_open" | "paragraph_open":
                self._block_kind = token.type.removesuffix("_open")
            case "fence" | "code_block":
                self._add_code(token)
            case "hr":
                self._last_kind = "rule" if self.lines else ""
            case "inline":
                self._add_inline(token)
            case _:
                self._add_table_token(token)

    def _begin_item(self) -> None:
        container = self._containers[-1]
        container.bullet = "- "
        if container.number is not None:
            container.bullet = f"{container.number}. "
            container.number += 1

    def _add_inline(self, token: Token) -> None:
        children = token.children or []
        if self._block_kind == "cell":
            plain = " ".join(render_inline(children, with_markup=False).split())
            # The first cell is bold if the table becomes a list.
            markdown = render_inline(children, with_markup=self._with_markup, bold=not self._cells)
            self._cells.append((plain, markdown.replace("\n", " ")))
            return
        is_heading = self._block_kind == "heading"
        text = render_inline(children, with_markup=self._with_markup, bold=is_heading)
        if is_heading and text and self._with_markup:
            text = f"**{text.replace(chr(10), ' ')}**"
        self._write(self._block_kind, text)

    def _add_code(self, token: Token) -> None:
        info = token.info.strip()
        language = info if _LANGUAGE.fullmatch(info) else ""
        content = token.content if language == info else f"{info}\n{token.content}"
        if not self._with_markup:
            self._write("paragraph", escape.strip_invisible(content).strip("\n"))
        elif content.strip():
            # Without bullet and indentation: Discord recognises fences only at the start of a line.
            self._append("fence", escape.code_block(content, language).split("\n"))

    def _add_table_token(self, token: Token) -> None:
        match token.type:
            case "table_open":
                self._table_rows, self._right_aligned = [], []
            case "tr_open":
                self._cells = []
                self._row_source = self.source[token.map[0]] if token.map else ""
            case "th_open" | "td_open":
                self._block_kind = "cell"
                if token.type == "th_open":
                    self._right_aligned.append("right" in str(token.attrs.get("style", "")))
            case "tr_close":
                self._merge_extra_cells(len(self._table_rows[0]) if self._table_rows else len(self._cells))
                self._table_rows.append(self._cells)
            case "table_close":
                self._block_kind = "paragraph"
                self._write_table()

    def _merge_extra_cells(self, columns: int) -> None:
        """Append a row's cells beyond the header's, which the parser drops, to its last cell."""
        cells = _CELL_END.split(_ROW_START.sub("", self._row_source).rstrip().removesuffix("|"))
        surplus = escape.to_single_line(" ".join(cells[columns:]))
        if surplus and self._cells:
            plain, markdown = self._cells[-1]
            escaped = escape.escape_text(surplus) if self._with_markup else surplus
            self._cells[-1] = f"{plain} {surplus}", f"{markdown} {escaped}"

    def _write_table(self) -> None:
        header, *rows = self._table_rows
        if self._with_markup:
            text = tables.render_table(header, rows, self._right_aligned)
            self._append("fence" if text.startswith("```") else "table", text.split("\n"))
        else:
            for row in self._table_rows:
                self._write("paragraph", " · ".join(plain for plain, _ in row if plain))

    def _write(self, kind: str, text: str) -> None:
        if not text.strip():
            return
        first, further = self._prefixes()
        kind = "item" if first != further else kind
        lines = text.split("\n")
        self._append(kind, [first + lines[0], *(further + line for line in lines[1:])])

    def _prefixes(self) -> tuple[str, str]:
        """Return the prefixes of a block's first line and of its other lines."""
        in_quote = any(container.kind == "quote" for container in self._containers)
        quote = "> " if self._with_markup and in_quote else ""
        lists = [container for container in self._containers if container.kind == "list"][:_MAX_INDENT_DEPTH]
        if not lists:
            return quote, quote
        indent = " " * sum(container.width for container in lists[:-1])
        bullet = next((c.bullet for c in reversed(self._containers) if c.bullet), "")
        self._starts_list = not lists[-1].has_content
        for container in self._containers:
            container.bullet, container.has_content = "", True
        further = quote + indent + " " * lists[-1].width
        return (quote + indent + bullet if bullet else further), further

    def _append(self, kind: str, lines: list[str]) -> None:
        if self.lines and self._needs_blank_line(kind, lines[0]):
            self.lines.append("")
        self.lines += lines
        self._last_kind = kind

    def _needs_blank_line(self, kind: str, line: str) -> bool:
        if self._last_kind == "rule":
            return True
        if not self._with_markup or self._last_kind == "heading" or "fence" in (kind, self._last_kind):
            return False
        if kind == "item":
            # A number other than 1 begins a list only after a blank line; within a list it needs none.
            return line[:1].isdigit() and self._starts_list and not line.startswith("1.")
        return not (kind == "paragraph" and self._in_item)

    @property
    def _in_item(self) -> bool:
        return any(container.kind == "list" for container in self._containers)
