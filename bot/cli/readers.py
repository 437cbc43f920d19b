"""`paperround readers`: what is kept about a reader, and its removal, as `/me` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import context, output

if TYPE_CHECKING:
    from bot.services.accounts.reader_data import ReaderData
    from storage.database import Database

User = Annotated[int, typer.Option("--user", min=1, help="The reader's Discord id.")]


def group() -> typer.Typer:
    """Return the command group."""
    app = typer.Typer(help="What is kept about readers.", no_args_is_help=True)
    app.command("data")(data)
    app.command("forget")(forget)
    return app


def data(user: User, as_json: output.AsJson = False) -> None:
    """Show everything kept about a reader: with --json all of it, else the number of rows by table."""
    found = context.run_with_service(_create, lambda service: service.collect(user))
    if as_json:
        output.print_json(found)
    else:
        _print_counts({name: len(rows) for name, rows in found["tables"].items()})


def forget(user: User, as_json: output.AsJson = False) -> None:
    """Remove everything kept about a reader, also messages that wait to be sent."""
    counts = context.run_with_service(_create, lambda service: service.forget(user))
    if as_json:
        output.print_json({"user": str(user), "removed": counts})
    else:
        _print_counts(counts)


def _print_counts(counts: dict[str, int]) -> None:
    output.print_table(("table", "rows"), counts.items(), empty="Nothing is kept about this reader.")


def _create(database: Database) -> ReaderData:
    from bot.clock import system_clock
    from bot.services.accounts.reader_data import ReaderData

    return ReaderData(database, system_clock)
