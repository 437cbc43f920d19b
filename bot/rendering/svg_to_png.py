"""Draws an SVG as a PNG with resvg, which holds the GIL for about 50 ms: a process of its own keeps the event loop free."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

import resvg_py

from bot import child_process, errors

_MAX_CPU_SECONDS = 20.0


def draw(svg: str, width: int, fonts: Sequence[str] | None = None) -> bytes:
    """Return the picture, drawn with the system's fonts or only with these files. Raises ValueError for an invalid SVG."""
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, width=width, skip_system_fonts=fonts is not None, font_files=list(fonts or ())
        )
    )


def draw_in_process(svg: str, width: int, fonts: Sequence[str] | None = None) -> bytes:
    """Return the picture as `draw` does, drawn in a process of its own; in this one if that fails. Call it in a thread."""
    try:
        drawn = asyncio.run(
            child_process.run_isolated(
                _draw_as_text, svg, width, fonts, seconds=_MAX_CPU_SECONDS, megabytes=None
            )
        )
    except errors.PaperroundError:
        return draw(svg, width, fonts)
    return base64.b64decode(drawn)


def _draw_as_text(svg: str, width: int, fonts: Sequence[str] | None) -> str:
    return base64.b64encode(draw(svg, width, fonts)).decode()
