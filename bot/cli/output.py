"""Prints results: JSON for programs, tables for people, problems and progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer

Item = TypeVar("Item")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def print_json(value: Any) -> None:
    """Print a value as one line of JSON, in UTF-8."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def print_result(data: Mapping[str, Any], sentence: str, as_json: bool) -> None:
    """Print the result of a command as JSON, or as a sentence."""
    if as_json:
        print_json(data)
    else:
        echo(sentence)


def print_rows(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool, *, empty: str
) -> None:
    """Print rows as JSON, or some of their columns as a table."""
    if as_json:
        print_json(rows)
    else:
        print_table(columns, [[row[name] for name in columns] for row in rows], empty=empty)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print a table, or the sentence `empty` if there are no rows."""
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
def progress_counter(label: str) -> Iterator[Callable[[int], None]]:
    """Show a count on stderr while the block runs, on a terminal only. Yields the function that updates the count."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    column = TextColumn("{task.description}: {task.completed}")
    # stdout is not redirected: JSON and tables must not end up on stderr.
    with Progress(column, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        task = progress.add_task(label, total=None)
        yield lambda count: progress.update(task, completed=count)


def with_progress(items: Iterable[Item], label: str) -> Iterator[Item]:
    """Yield the items and count them with `progress_counter`."""
    with progress_counter(label) as show_count:
        for count, item in enumerate(items, 1):
            show_count(count)
            yield item


def echo(sentence: str) -> None:
    """Print one line on stdout."""
    sys.stdout.write(sentence + "\n")


def error(sentence: str) -> None:
    """Print one line on stderr."""
    sys.stderr.write(f"paperround: {sentence}\n")
    sys.stderr.flush()
