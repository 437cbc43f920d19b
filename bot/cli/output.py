"""Prints results: JSON for programs, tables for people, problems and progress on stderr.

Everything for people passes `bot.printable`: digests, feeds and Discord's names may hold a terminal's control sequences.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer

from bot import printable

Item = TypeVar("Item")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def print_json(value: Any) -> None:
    """Print a value as one line of JSON, in UTF-8."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    text = json.dumps(value, ensure_ascii=False, default=str)
    # JSON escapes C0 only, and many terminals obey C1 too. Such characters can only be within strings.
    sys.stdout.write(printable.CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")


def print_document(text: str) -> None:
    """Print the text of a document: unchanged into a file or pipe, made printable on a terminal."""
    sys.stdout.write(printable.make_printable(text) if sys.stdout.isatty() else text)


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
        table.add_row(*(Text("–" if cell is None else printable.make_printable(str(cell))) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else 200)
    if table.row_count:
        console.print(table)
    else:
        console.print(Text(printable.make_printable(empty)))


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


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr while the block runs, on a terminal only. Yields the function that gets done and total."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def with_progress(items: Iterable[Item], label: str) -> Iterator[Item]:
    """Yield the items and count them with `progress_counter`."""
    with progress_counter(label) as show_count:
        for count, item in enumerate(items, 1):
            show_count(count)
            yield item


def echo(sentence: str) -> None:
    """Print a sentence on stdout."""
    sys.stdout.write(printable.make_printable(sentence) + "\n")


def error(sentence: str) -> None:
    """Print one line on stderr."""
    line = printable.make_printable(sentence).replace("\n", "\\n")
    sys.stderr.write(f"paperround: {line}\n")
    sys.stderr.flush()
