"""Helpers shared by commands: open settings, storage and services, parse arguments, and print results.

Results are JSON for programs, and tables or sentences for people; problems and progress go to stderr. Control
sequences, which digests, feeds and names may contain, are escaped in text for people.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.core import files, settings
from bot.core.clock import system_clock
from bot.core.settings import Settings
from bot.text import typed_dates, typography
from storage import errors, sqlite_file
from storage.database import Database

if TYPE_CHECKING:
    from bot.app.container import Container
    from bot.app.workers import Workers

IsAccepted = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AS_JSON = inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=AsJson)


def parse_date(text: str) -> date:
    """Parse a typed date (`2025-02-06`, `yesterday`, `dec 30`) in the configured zone. Raises UsageError."""
    span = typed_dates.read_typed_date(text, system_clock().astimezone(load_timezone()).date())
    if span is None or span[0] != span[1]:
        raise errors.UsageError(
            f"{text[:20]!r} is not a date. Use YYYY-MM-DD, such as 2025-02-06, or 'dec 30', today or yesterday."
        )
    return span[0]


def parse_user(text: str) -> int:
    """Parse the ID of a Discord user. Raises UsageError."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 0 < int(text) < 1 << 63):
        raise errors.UsageError(
            f"{text!r} is not a user's ID, which is a number such as 80351110224678912: in Discord's Developer Mode the"
            " menu of a user copies it."
        )
    return int(text)


User = Annotated[
    int, typer.Option("--user", metavar="ID", parser=parse_user, help="The user's Discord ID, a number.")
]
Since = Annotated[
    date | None, typer.Option("--since", metavar="DATE", parser=parse_date, help="From this date on.")
]
Until = Annotated[
    date | None, typer.Option("--until", metavar="DATE", parser=parse_date, help="Up to this date.")
]


def check_days(since: date | None, until: date | None) -> None:
    """Raise UsageError if the first day of a range is after its last."""
    if since and until and since > until:
        raise errors.UsageError(
            f"The first day, {since}, is after the last, {until}. Use an earlier --since or a later --until."
        )


def runnable(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command for Typer: a coroutine function runs in a new event loop, and an `Output` is printed.

    A command that returns an `Output` gets the option --json, unless it defines one.
    """
    signature = inspect.signature(command, eval_str=True)
    is_given_json = AS_JSON.name in signature.parameters

    @functools.wraps(command)
    def run(**options: Any) -> None:
        as_json = options[AS_JSON.name] if is_given_json else options.pop(AS_JSON.name, False)
        output = command(**options)
        if inspect.iscoroutine(output):
            output = asyncio.run(output)
        if isinstance(output, Output):
            print_output(output, as_json)

    if signature.return_annotation is Output and not is_given_json:
        parameters = [*signature.parameters.values(), AS_JSON]
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run


def configure_logs() -> None:
    """Send warnings to stderr, unless logs are configured already.

    PAPERROUND_LOG in a command's environment makes it print more; in `.env` it is for the bot.
    """
    import structlog

    from bot.core import logs

    if isinstance(structlog.get_config()["logger_factory"], structlog.PrintLoggerFactory):
        typed = os.environ.get("PAPERROUND_LOG", "")
        logs.configure(load_settings().log if typed.endswith("debug") else "console:warning")
        logging.getLogger("discord").setLevel(logging.ERROR)  # a command has no intents to warn about


def load_settings() -> Settings:
    """Load the settings. Raises UsageError if one is invalid."""
    return settings.load()


def load_timezone() -> ZoneInfo:
    """Return the time zone for output. Raises UsageError if the settings are invalid."""
    return ZoneInfo(load_settings().timezone)


@contextmanager
def checked_database(url: str, *, creating: bool, keeping: bool) -> Iterator[None]:
    """Print the path of the SQLite file that the block creates, or remove it again if nothing was stored in it.

    Otherwise a command with a wrong argument, or in the wrong folder, would leave an empty database there. A block that
    is `keeping` keeps it unless it fails. Raises UsageError if the file is missing without `creating`, or next to
    the remains of a database.
    """
    path = sqlite_file.find_missing_file(url)
    if path is not None and (remains := sqlite_file.find_remains(path)) is not None:
        raise errors.UsageError(sqlite_file.describe_loss(path, remains))
    if path is not None and not creating:
        raise errors.UsageError(
            f"There is no database {path}. Change to the bot's folder, or set PAPERROUND_DATABASE_URL."
            " `paperround ingest`, `sources add` and `run` create a new one."
        )
    if path is not None and keeping:
        error(f"creating a new database: {path}")
    is_kept = False
    try:
        yield
        is_kept = keeping
    finally:
        if path is not None and not (is_kept or sqlite_file.remove_unused(path) or keeping):
            error(f"created a new database: {path}")


@asynccontextmanager
async def open_storage(
    url: str | None = None,
    *,
    creating: bool = False,
    keeping: bool = False,
    migrate: bool | None = None,
    approve: Callable[[str], None] | None = None,
    on_step: Callable[[str], None] = lambda _: None,
    with_logs: bool = True,
) -> AsyncIterator[Database]:
    """Open a database, by default the configured one. For `creating` and `keeping` see `checked_database`.

    For `migrate`, `approve` and `on_step` see `storage.migrate.open_database`. It is faster without logs.
    """
    from storage.migrate import open_database

    if with_logs:
        configure_logs()
    url = url or load_settings().database_url
    with checked_database(url, creating=creating, keeping=keeping):
        async with await open_database(url, migrate=migrate, approve=approve, on_step=on_step) as database:
            yield database


class _Lines(logging.Handler):
    """Prints records as lines of a command without logs."""

    def emit(self, record: logging.LogRecord) -> None:
        error(record.getMessage())


@asynccontextmanager
async def open_reader() -> AsyncIterator[Database]:
    """Open the configured database for look-ups: a SQLite file without logs and SQLAlchemy, which take long to load."""
    logging.getLogger().addHandler(_Lines(logging.WARNING))
    url = load_settings().database_url
    path = sqlite_file.path_of(url)
    is_current = path is not None and sqlite_file.has_current_schema(path)
    async with Database(url) if is_current else open_storage(with_logs=False) as database:
        yield database


@asynccontextmanager
async def open_container(
    *, creating: bool = False, keeping: bool = False, migrating: bool | None = None
) -> AsyncIterator[Container]:
    """Open the database like `open_storage`, together with all services."""
    configure_logs()
    settings = load_settings()
    with checked_database(settings.database_url, creating=creating, keeping=keeping):
        from bot.app import container

        async with container.open_container(settings, migrating=migrating) as opened:
            yield opened


@asynccontextmanager
async def open_workers(*, creating: bool = False) -> AsyncIterator[Workers]:
    """Open the database with the services that store digests. At the end, plan the messages of alerts."""
    async with open_container(creating=creating) as container:
        from bot.app.workers import Workers

        workers = Workers(container)
        await workers.load_mentions()
        yield workers
        await workers.alert_planner.drain()


# What is printed.


@dataclass(frozen=True)
class Output:
    """What a command prints: its `data` as JSON for programs, or for people a table or a `text`.

    The table has those `columns` of the `rows`, or else of the data, that have a value, and `further` lines below; the text is
    printed if none has. The `notes` go to stderr, for programs too. `status` is the exit status. With `is_json` people get
    JSON as well; with `is_json_lines` each item of the data is a line of JSON.
    """

    data: Any
    text: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Mapping[str, Any]] | None = None
    further: Sequence[str] = ()
    notes: Iterable[str] = ()
    status: int = 0
    is_json: bool = False
    is_json_lines: bool = False


def print_output(output: Output, as_json: bool) -> None:
    """Print an output. Raises Exit if its status is not 0."""
    rows = output.data if output.rows is None else output.rows
    if as_json or output.is_json:
        for item in output.data if output.is_json_lines else [output.data]:
            print_json(item)
    elif shown := [name for name in output.columns if any(row.get(name) not in (None, "") for row in rows)]:
        _print_table(rows, shown)
        for line in output.further:
            echo(line)
    elif output.text:
        echo(output.text)
    for note in output.notes:
        error(note)
    if output.status:
        raise typer.Exit(output.status)


def print_json(data: Any) -> None:
    """Print data as one line of JSON."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    # json escapes only C0, but many terminals interpret C1 too.
    sys.stdout.write(errors.escape_in_json(to_json(data)) + "\n")


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print columns of rows as a table; in a terminal that is too narrow for it, each row as a block of lines."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    zone, console = load_timezone(), Console(width=None if sys.stdout.isatty() else 200)
    headers = [name.removesuffix("_at").replace("_", " ") for name in columns]
    headers = [
        f"{header} ({zone})" if name.endswith("_at") else header
        for name, header in zip(columns, headers, strict=True)
    ]
    cells = [[errors.make_printable(_to_cell(row.get(name), zone)) for name in columns] for row in rows]
    if console.width < _MIN_COLUMN_WIDTH * len(columns):
        for row_cells in cells:
            echo(row_cells[0])
            for header, cell in zip(headers[1:], row_cells[1:], strict=True):
                if cell not in ("", "–"):
                    echo(f"  {header}: {cell}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row_cells in cells:
        table.add_row(*map(Text, row_cells))
    console.print(table)


_MIN_COLUMN_WIDTH = 9
"""Characters of a column, on average, below which a table is hard to read."""


def to_json(value: Any) -> str:
    """Return a value as JSON, with times and dates in ISO 8601."""
    return json.dumps(
        value,
        ensure_ascii=False,
        default=lambda item: item.isoformat() if isinstance(item, date) else str(item),
    )


def _to_cell(value: Any, zone: ZoneInfo) -> str:
    """Return the text of a table cell: times in the zone, joined lists, and a dash for None."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%a %d %b %Y %H:%M}"
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def pick(record: object, names: str) -> dict[str, Any]:
    """Return the record's attributes with these `names` (separated by spaces), with LaTeX as text."""
    found = {name: getattr(record, name) for name in names.split()}
    latex = {name: typography.to_plain_text(found[name]) for name in _LATEX & found.keys() if found[name]}
    return found | latex


_LATEX = frozenset(("title", "comment", "journal"))
"""Facts that may have LaTeX."""


def print_document(text: str, target: Path | None = None) -> None:
    """Print a document unchanged to a file or pipe, and with control characters escaped to a terminal.

    Raises PaperroundError if the file is a database or cannot be written.
    """
    if target is None:
        is_terminal = sys.stdout.isatty()
        sys.stdout.write(errors.make_printable(text.removeprefix("\ufeff")) if is_terminal else text)
        return

    with files.reported(target, "Choose another file."):
        if target.is_file() and sqlite_file.has_header(target):
            raise errors.PaperroundError(
                f"{target} is a database, and was not replaced. Choose another file."
            )
        files.replace_file(target, text.encode())
    error(f"Wrote {target} ({len(text.encode()):,} bytes).")


@contextmanager
def progress(label: str) -> Iterator[Callable[..., None]]:
    """Show a count on stderr while the block runs, and a bar once a total is known, if stderr is a terminal.

    Yields a function that sets the count, and optionally the total.
    """
    if not sys.stderr.isatty():
        yield lambda *_, **__: None
        return
    from rich import progress as bars
    from rich.console import Console

    # A thread moves the spinner, so a slow step does not look like a hang.
    numbers = bars.MofNCompleteColumn(), bars.TimeElapsedColumn(), bars.TimeRemainingColumn()
    columns = (bars.SpinnerColumn(), "{task.description}", bars.BarColumn(), *numbers)
    # Redirection would send JSON and tables for stdout to stderr.
    with bars.Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False
    ) as shown:
        task = shown.add_task(label, total=None)
        yield lambda done, total=None: shown.update(task, completed=done, total=total)


def echo(sentence: str) -> None:
    """Print a sentence to stdout."""
    sys.stdout.write(errors.make_printable(sentence) + "\n")


def error(sentence: str) -> None:
    """Print one line to stderr, without secrets."""
    line = errors.make_printable(errors.redact(sentence)).replace("\n", "\\n")
    sys.stderr.write(f"paperround: {line}\n")
    sys.stderr.flush()


def report_end(reason: str) -> None:
    """Print why a command ends with an error, in one line or several; in one of JSON if it is `run` with such a log."""
    is_json = False
    if sys.argv[1:2] == ["run"]:
        log = os.environ.get("PAPERROUND_LOG", "")
        with suppress(errors.PaperroundError):  # it may be the reason
            log = load_settings().log
        is_json = log.strip().lower().startswith("json")
    if not is_json:
        for line in reason.splitlines():
            error(line)
        return
    import structlog

    from bot.core import logs

    logs.configure("json")
    structlog.get_logger().error("ended", reason=reason)


def count(number: int, noun: str) -> str:
    """Return a number with its noun: 1 paper, 2 papers."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def confirm(question: str) -> bool:
    """Ask whether to go on. Raises UsageError if standard input is not a terminal."""
    if not sys.stdin.isatty():
        raise errors.UsageError(
            "Nothing was changed: confirming needs a terminal. Add --yes to go on without asking."
        )
    return bool(ask(typer.confirm, question, default=False, err=True))


def ask(question: Callable[..., Any], text: str, **options: Any) -> Any:
    """Return the answer to a question of Typer (`prompt` or `confirm`). Ctrl+C raises KeyboardInterrupt at once.

    Otherwise asyncio would wait for the answer first, and Typer report a failure.
    """
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return question(text, **options)
    except typer.Abort as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, handler)
