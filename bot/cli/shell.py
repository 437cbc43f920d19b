"""What commands share: opens settings, storage and services for them, reads arguments, and prints results.

Results are JSON for programs and tables for people; problems and progress are on stderr. Everything for people passes
`bot.core.printable`: digests, feeds and Discord's names may hold a terminal's control sequences.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import json
import re
import shutil
import sys
import textwrap
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from datetime import date, datetime, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import typer

from bot.core.clock import system_clock
from bot.core.files import replace_file
from storage import errors

if TYPE_CHECKING:
    from bot.app.container import Container
    from bot.core.settings import Settings
    from storage.database import Database
    from storage.snapshot import Snapshot

Service = TypeVar("Service")
Result = TypeVar("Result")
Choice = TypeVar("Choice", bound=StrEnum)
Command: TypeAlias = Callable[..., None]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def run_command(command: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine function in a new event loop."""
    return asyncio.run(command())


def run_with_service(
    create: Callable[[Database], Service],
    command: Callable[[Service], Awaitable[Result]],
    *,
    creating: bool = False,
) -> Result:
    """Open the storage, create a service on it and run a command with the service. `creating` is that of `open_storage`."""

    async def run() -> Result:
        async with open_storage(creating=creating) as database:
            return await command(create(database))

    return run_command(run)


def run_on_snapshot(look_up: Callable[[Snapshot], Result]) -> Result:
    """Run a look-up: on a SQLite file of this version by sqlite3 alone, which starts in half of the time."""
    import sqlite3

    from storage import snapshot

    path = snapshot.find_current_file(load_settings().database_url)
    if path is not None:
        # A file that cannot be read is opened again, with a sentence for the operator.
        with contextlib.suppress(sqlite3.Error), snapshot.open_sqlite(path) as view:
            return look_up(view)

    async def run() -> Result:
        async with open_storage() as database, database.read() as connection:
            return await snapshot.read(connection, look_up)

    return run_command(run)


def load_settings() -> Settings:
    """Load the settings. Raises UsageError."""
    from bot.core import settings

    return settings.load()


def run_in_container(command: Callable[[Container], Awaitable[Result]]) -> Result:
    """Open the database and the services on it, and run a command with them."""

    async def run() -> Result:
        async with open_container() as container:
            return await command(container)

    return run_command(run)


def load_timezone() -> ZoneInfo:
    """Return the zone in which times are shown to people. Raises UsageError."""
    return ZoneInfo(load_settings().timezone)


@contextmanager
def checked_database(url: str, *, creating: bool) -> Iterator[None]:
    """Name a SQLite file that the block makes, on stderr; without `creating` refuse to make one with UsageError.

    A command in another folder than the bot's would find an empty archive there, and leave it behind.
    """
    from storage import snapshot

    path = snapshot.find_missing_file(url)
    if path is not None and not creating:
        raise errors.UsageError(
            f"There is no database {path}. Change to the bot's folder, or set PAPERROUND_DATABASE_URL."
            " `paperround ingest`, `sources add` and `run` create a new one."
        )
    yield
    if path is not None:
        sys.stderr.write(f"paperround: created a new database: {errors.make_printable(str(path))}\n")


@asynccontextmanager
async def open_storage(
    url: str | None = None, *, creating: bool = False, migrate: bool | None = None
) -> AsyncIterator[Database]:
    """Open a database, the configured one by default, and migrate an old one; with `creating`, a missing SQLite file is made."""
    from storage.migrate import open_database

    url = url or load_settings().database_url
    with checked_database(url, creating=creating):
        database = await open_database(url, migrate=migrate)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_container(
    *, creating: bool = False, migrating: bool | None = None
) -> AsyncIterator[Container]:
    """Open the database, as `open_storage` does, and the services on it: ingest, planning, the renderer of posts."""
    settings = load_settings()
    async with contextlib.AsyncExitStack() as stack:
        with checked_database(settings.database_url, creating=creating):
            from bot.app import container

            opened = await stack.enter_async_context(container.open_container(settings, migrating=migrating))
        yield opened


# Output.


def print_json(value: Any) -> None:
    """Print a value as one line of JSON, in UTF-8."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    text = json.dumps(value, ensure_ascii=False, default=str)
    # JSON escapes C0 only, and many terminals obey C1 too.
    sys.stdout.write(errors.escape_in_json(text) + "\n")


def pick(record: object, names: str) -> dict[str, Any]:
    """Return some attributes of a record as JSON has them, by their names: times in ISO 8601, tuples as lists."""
    return {name: _to_json(getattr(record, name)) for name in names.split()}


def _to_json(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    return value.value if isinstance(value, StrEnum) else value


def print_document(text: str, target: Path | None = None) -> None:
    """Print the text of a document: unchanged into a file, with a line on stderr, or a pipe; made printable on a terminal.

    Raises PaperroundError.
    """
    if target is None:
        sys.stdout.write(errors.make_printable(text) if sys.stdout.isatty() else text)
        return
    from storage import database  # slow to load, and loaded by the commands that write files

    try:
        if target.is_file() and database.is_sqlite_file(target):
            raise errors.PaperroundError(
                f"{target} is a database, and was not replaced. Choose another file."
            )
        replace_file(target, text.encode())
    except OSError as cause:
        reason = f"{target} cannot be written: {cause.strerror}. Choose another file."
        raise errors.PaperroundError(reason) from None
    error(f"Wrote {target} ({len(text.encode()):,} bytes).")


def print_result(data: Any, sentence: str, as_json: bool) -> None:
    """Print the result of a command as JSON, or as a sentence."""
    if as_json:
        print_json(data)
    else:
        echo(sentence)


def print_rows(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool, *, empty: str
) -> None:
    """Print rows as JSON, or some of their columns as a table: those in which some row has a value.

    A column that ends in `_at` holds ISO times, which the table shows in the zone of the settings, named in its header.
    """
    if as_json:
        print_json(rows)
        return
    shown = [name for name in columns if any(row[name] not in (None, "") for row in rows)]
    zone = load_timezone()
    table = [
        [
            format_time(datetime.fromisoformat(row[name]), zone)
            if name.endswith("_at") and row[name] is not None
            else row[name]
            for name in shown
        ]
        for row in rows
    ]
    names = [re.sub(" at$", f" ({zone})", name.replace("_", " ")) for name in shown]
    print_table(names, table, empty=empty)


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
        table.add_row(*(Text("–" if cell is None else errors.make_printable(str(cell))) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else 200)
    if table.row_count:
        console.print(table)
    else:
        console.print(Text(errors.make_printable(empty)))


def print_wrapped(head: str, text: str) -> None:
    """Print a text behind a head, on a terminal wrapped between words: names and addresses stay whole."""
    line = head + errors.make_printable(text)
    if sys.stdout.isatty():
        width, indent = shutil.get_terminal_size().columns, " " * len(head)
        line = textwrap.fill(
            line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
    sys.stdout.write(line + "\n")


@contextmanager
def progress_counter(label: str, *, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show a count, of a total if it is known, on stderr while the block runs, on a terminal only.

    Yields the function that updates the count, and the label if it is given one as `label`.
    """
    of_total = "" if total is None else f" of {total}"
    with _progress(label, f"{{task.description}}: {{task.completed}}{of_total}") as update:
        yield update


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr while the block runs, on a terminal only. Yields the function that gets done and total."""
    with _progress(label) as update:
        yield update


@contextmanager
def _progress(label: str, text: str = "") -> Iterator[Callable[..., None]]:
    if not sys.stderr.isatty():
        yield lambda *_, **__: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = [TextColumn(text)] if text else [*Progress.get_default_columns()[:3]]
    # Moved by a thread of its own: a slow step does not look like the end of all work.
    moving = (SpinnerColumn(), *columns, TimeElapsedColumn())
    # stdout is not redirected: JSON and tables must not end up on stderr.
    with Progress(*moving, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total=None, label=label: progress.update(
            task, completed=done, total=total, description=label
        )


def echo(sentence: str) -> None:
    """Print a sentence on stdout."""
    sys.stdout.write(errors.make_printable(sentence) + "\n")


def error(sentence: str) -> None:
    """Print one line on stderr."""
    line = errors.make_printable(sentence).replace("\n", "\\n")
    sys.stderr.write(f"paperround: {line}\n")
    sys.stderr.flush()


def with_options(*declared: Callable[..., Mapping[str, Any]]) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of some functions to a command, so that commands share them.

    The command's first argument is the union of what these functions return for the options that were given.
    """
    shared = [inspect.signature(function, eval_str=True).parameters for function in declared]

    def decorate(command: Command) -> Command:
        _, *own = inspect.signature(command, eval_str=True).parameters.values()

        @functools.wraps(command)
        def run(**values: Any) -> None:
            parsed: dict[str, Any] = {}
            for function, names in zip(declared, shared, strict=True):
                parsed |= function(**{name: values.pop(name) for name in names})
            command(parsed, **values)

        parameters = [*(parameter for options in shared for parameter in options.values()), *own]
        # A signature has its required parameters first.
        ordered = sorted(parameters, key=lambda parameter: parameter.default is not parameter.empty)
        vars(run)["__signature__"] = inspect.Signature(ordered)
        return run

    return decorate


def parse_date(text: str) -> date:
    """Parse a day as people type it (`2025-02-06`, `yesterday`, `dec 30`), in the zone of the settings. Raises UsageError."""
    from bot.text import dates

    span = dates.read_typed_date(text, system_clock().astimezone(load_timezone()).date())
    if span is None or span[0] != span[1]:
        raise errors.UsageError(
            f"{text[:20]!r} is not a date. Use YYYY-MM-DD, such as 2025-02-06, or today or yesterday."
        )
    return span[0]


def require_change(given: Mapping[str, object]) -> None:
    """Raise UsageError if a command that edits something got no option."""
    if not given:
        raise errors.UsageError("Give at least one option to change, such as --at 9am; --help lists them.")


def parse_time(text: str | None) -> str | None:
    """Parse a time of day as people type it (`9am`, `21:30`) to `HH:MM`; None stays None. Raises UsageError."""
    if text is None:
        return None
    from bot.client import options as client_options

    found = client_options.find_time(text)
    if found is None:
        if rest := client_options.find_unknown_zone(text):
            return parse_zone(rest)  # raises
        raise errors.UsageError(
            f"{text[:20]!r} is not a time of day. Use HH:MM (24-hour clock), such as 09:00, or 9am."
        )
    return found


def parse_zone(text: str | None) -> str | None:
    """Parse the name of a time zone (`Asia/Seoul`, `seoul`) to its IANA name; None stays None. Raises UsageError."""
    if text is None:
        return None
    from bot.client import options as client_options

    found = client_options.find_zone(text)
    if found is None:
        raise errors.UsageError(f"{text[:40]!r} is not a time zone. Use an IANA name, such as Asia/Seoul.")
    return found


def parse_choice(choices: type[Choice], text: str, noun: str) -> Choice:
    """Return the enum member with this value, in any case. Raises UsageError that lists the values."""
    try:
        return choices(text.strip().lower())
    except ValueError:
        values = [choice.value for choice in choices]
        hint = " or ".join(values) if len(values) == 2 else f"one of {', '.join(values)}"
        raise errors.UsageError(f"{text[:40]!r} is not a known {noun}. Use {hint}.") from None


def confirm(question: str, *, default: bool, err: bool = False) -> bool:
    """Ask a question on the terminal until yes or no is typed; Enter is the default."""

    def parse(typed: str) -> bool:
        answer = {"y": True, "yes": True, "n": False, "no": False}.get(typed.strip().casefold())
        if answer is None:
            enter = "yes" if default else "no"
            raise typer.BadParameter(f"Type y for yes or n for no, or press Enter for {enter}.")
        return answer

    choices = "Y/n" if default else "y/N"
    answer: bool = typer.prompt(
        f"{question} [{choices}]",
        default="y" if default else "n",
        show_default=False,
        value_proc=parse,
        err=err,
    )
    return answer
