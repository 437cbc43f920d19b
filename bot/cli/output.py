"""Prints: JSON for programs, tables for people, problems on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer

Item = TypeVar("Item")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def print_json(value: Any) -> None:
    """Print one JSON value on one line, in UTF-8."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print a table for people, or the sentence `empty` when there is no row."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text("–" if cell is None else str(cell)) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else 200)
    if table.row_count:
        console.print(table)
    else:
        console.print(Text(empty))


@contextmanager
def progress_counter(what: str) -> Iterator[Callable[[int], None]]:
    """Give a function that shows a count on stderr, on a terminal only and once it has taken over a second."""
    begun, shown = time.monotonic(), False

    def count(number: int) -> None:
        nonlocal shown
        if sys.stderr.isatty() and time.monotonic() - begun > 1:
            shown = True
            sys.stderr.write(f"\r{what}: {number} ")
            sys.stderr.flush()

    yield count
    if shown:
        sys.stderr.write("\r\x1b[K")


def with_progress(things: Iterable[Item], what: str) -> Iterator[Item]:
    """Yield the things, counted as `counter` does."""
    with progress_counter(what) as count:
        for number, thing in enumerate(things, 1):
            count(number)
            yield thing


def echo(sentence: str) -> None:
    """Print one line for people on stdout."""
    sys.stdout.write(sentence + "\n")


def error(sentence: str) -> None:
    """Print one line on stderr."""
    sys.stderr.write(f"paperround: {sentence}\n")
    sys.stderr.flush()
