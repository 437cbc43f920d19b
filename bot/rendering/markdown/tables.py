"""Renderer of tables for narrow screens: an aligned code block, or a list if that is too wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from bot.rendering.discord_text import escape

MAX_WIDTH = 42
"""Columns of a code block that fit on a phone without wrapping (measured at a width of 390 pixels)."""

_GAP = "  "


Cell = tuple[str, str]
"""The text of a cell: plain for a code block, and Discord's Markdown for a list."""


def render_table(
    header: Sequence[Cell], rows: Sequence[Sequence[Cell]], right_aligned: Sequence[bool]
) -> str:
    """Return the table as Discord's Markdown. Rows can be shorter than the header."""
    widths = [
        max(_display_width(row[column][0]) for row in (header, *rows) if column < len(row))
        for column in range(len(header))
    ]
    if len(header) < 2 or sum(widths) + len(_GAP) * (len(header) - 1) > MAX_WIDTH:
        return "\n".join(_render_list_item(header, row) for row in rows or [header])
    lines = [_render_row(header, widths, right_aligned), "─" * (sum(widths) + len(_GAP) * (len(header) - 1))]
    lines += [_render_row(row, widths, right_aligned) for row in rows]
    return escape.code_block("\n".join(lines))


def _render_row(row: Sequence[Cell], widths: Sequence[int], right_aligned: Sequence[bool]) -> str:
    padded = []
    for (plain, _), width, flush_right in zip(row, widths, right_aligned, strict=False):
        space = " " * (width - _display_width(plain))
        padded.append(space + plain if flush_right else plain + space)
    return _GAP.join(padded).rstrip()


def _render_list_item(header: Sequence[Cell], row: Sequence[Cell]) -> str:
    """Return a row as `- **first** · second header: second · …`."""
    (_, first), *others = row
    parts = [f"**{first}**"] if first else []
    for (_, head), (_, cell) in zip(header[1:], others, strict=False):
        if cell:
            parts.append(f"{head}: {cell}" if head and row is not header else cell)
    return "- " + " · ".join(parts)


def _display_width(text: str) -> int:
    """Return the columns that `text` takes in a fixed-width font: East Asian wide characters take two."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
