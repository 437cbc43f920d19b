"""Prints results: JSON for programs, tables for people, problems and progress on stderr.

Everything for people passes `bot.printable`: digests, feeds and Discord's names may hold a terminal's control sequences.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Annotated, Any, TypeVar

import typer

from bot import printable
from bot.cli import context

Item = TypeVar("Item")
Source = TypeVar("Source")
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
    """Print rows as JSON, or some of their columns as a table: those in which some row has a value.

    A column that ends in `_at` holds ISO times, which the table shows in the zone of the settings.
    """
    if as_json:
        print_json(rows)
        return
    shown = [name for name in columns if any(row[name] not in (None, "") for row in rows)]
    zone = context.load_timezone()
    table = [[_display(name, row[name], zone) for name in shown] for row in rows]
    print_table([name.removesuffix("_at").replace("_", " ") for name in shown], table, empty=empty)


def _display(name: str, value: Any, zone: tzinfo) -> Any:
    is_time = name.endswith("_at") and value is not None
    return format_time(datetime.fromisoformat(value), zone) if is_time else value


def format_time(moment: datetime, zone: tzinfo) -> str:
    """Return a time for people in a zone, such as `Mon 23 Nov 2026 09:00`."""
    return f"{moment.astimezone(zone):%a %d %b %Y %H:%M}"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print a table, or the sentence `empty` if there are no rows."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text("–" if cell is None else printable.make_printable(str(cell))) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else 200)
    if table.row_count:
        console.print(table)
    else:
        console.print(Text(printable.make_printable(empty)))


@contextmanager
def progress_counter(label: str, *, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a count, of a total if it is known, on stderr while the block runs, on a terminal only.

    Yields the function that updates the count.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    of_total = "" if total is None else f" of {total}"
    column = TextColumn(f"{{task.description}}: {{task.completed}}{of_total}")
    # stdout is not redirected: JSON and tables must not end up on stderr.
    with Progress(column, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        task = progress.add_task(label, total=total)
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


def with_progress(items: Sequence[Source], read: Callable[[Source], Item], label: str) -> Iterator[Item]:
    """Yield what is read of each item, and show on a terminal how many of them are done."""
    with progress_counter(label, total=len(items)) as show_count:
        for count, item in enumerate(items, 1):
            yield read(item)
            show_count(count)


def echo(sentence: str) -> None:
    """Print a sentence on stdout."""
    sys.stdout.write(printable.make_printable(sentence) + "\n")


def error(sentence: str) -> None:
    """Print one line on stderr."""
    line = printable.make_printable(sentence).replace("\n", "\\n")
    sys.stderr.write(f"paperround: {line}\n")
    sys.stderr.flush()
