"""Draws an SVG as a PNG with resvg, which holds the GIL for about 50 ms: a process of its own keeps the event loop free."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import resvg_py

from bot import child_process

_TIMEOUT_SECONDS = 20.0


def draw(svg: str, width: int, fonts: Sequence[str] | None = None) -> bytes:
    """Return the picture, drawn with the system's fonts or only with these files. Raises ValueError for an invalid SVG."""
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, width=width, skip_system_fonts=fonts is not None, font_files=list(fonts or ())
        )
    )


def draw_in_process(svg: str, width: int, fonts: Sequence[str] | None = None) -> bytes:
    """Return the picture as `draw` does, drawn in a process of its own; in this one if that fails. Call it in a thread."""
    options = [str(width), *([] if fonts is None else ["--fonts", *fonts])]
    try:
        drawn = subprocess.run(  # noqa: S603 - our own module
            child_process.command(__name__, *options),
            input=svg.encode(),
            capture_output=True,
            check=True,
            timeout=_TIMEOUT_SECONDS,
            env=child_process.environment(),
        )
    except (OSError, subprocess.SubprocessError):
        return draw(svg, width, fonts)
    return drawn.stdout


def main() -> None:
    """Draw the SVG on stdin and write the picture to stdout."""
    width, *rest = sys.argv[1:]
    svg = sys.stdin.buffer.read().decode()
    sys.stdout.buffer.write(draw(svg, int(width), rest[1:] if rest else None))


if __name__ == "__main__":
    main()
