"""Commands for operators: `reindex`, `backup`, `db upgrade`, `doctor` and `healthcheck`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import context, output

if TYPE_CHECKING:
    from bot.services.operations.doctor import Finding


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("reindex")(reindex)
    app.command("backup")(backup)
    app.command("doctor")(doctor)
    app.command("healthcheck")(healthcheck)
    group = typer.Typer(help="The database's schema.", no_args_is_help=True)
    group.command("upgrade")(upgrade)
    group.callback()(lambda: None)
    app.add_typer(group, name="db")


def reindex(as_json: output.AsJson = False) -> None:
    """Make everything that is derived anew from what is stored; the bot may be running."""
    from bot.clock import system_clock
    from bot.services.indexing import maintenance_tasks

    async def command() -> int:
        papers = 0
        async with context.open_storage() as database:
            with output.progress_counter("Indexing") as show_count:
                async for papers in maintenance_tasks.run_task(
                    database, system_clock, maintenance_tasks.MaintenanceTask.INDEX
                ):
                    show_count(papers)
        return papers

    papers = context.run_command(command)
    output.print_result({"papers": papers}, f"{papers} papers indexed again.", as_json)


def backup(
    target: Annotated[
        str, typer.Argument(metavar="FILE", help="Where the copy goes; replaced if it is there.")
    ],
    as_json: output.AsJson = False,
) -> None:
    """Copy the SQLite database while the bot runs; the copy is whole or absent."""
    from bot import errors

    async def command() -> int:
        from storage import backup as storage_backup

        async with context.open_storage() as database:
            if not database.is_sqlite:
                raise errors.UsageError(
                    "paperround backup copies a SQLite file. For PostgreSQL use pg_dump, with --format=custom."
                )
            return await storage_backup.copy_to(database, Path(target))

    size = context.run_command(command)
    output.print_result({"file": target, "bytes": size}, f"{target}: {size} bytes.", as_json)


def upgrade(as_json: output.AsJson = False) -> None:
    """Bring the database to this version's schema."""

    async def command() -> None:
        async with context.open_storage(migrate=True):
            pass

    context.run_command(command)
    from storage.migrate import HEAD

    output.print_result({"schema": HEAD}, f"The database is at schema {HEAD}.", as_json)


def doctor(
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only what is wrong.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Check settings, database, token and permissions; say what is in force and where it came from."""
    from bot.services.operations import doctor as doctor_service

    async def command() -> list[Finding]:
        from bot.client.discord_api import token_check

        return await doctor_service.examine(context.load_settings(), token_check.check_token)

    findings = context.run_command(command)
    wrong = [finding for finding in findings if not finding.well]
    if as_json:
        output.print_json([finding.to_dict() for finding in findings])
    elif not quiet:
        output.print_table(
            ("", "what", "value", "from", "note"),
            [
                ("ok" if finding.well else "!", finding.what, finding.value, finding.origin, finding.note)
                for finding in findings
            ],
            empty="",
        )
    for finding in wrong:
        output.error(f"{finding.what}: {finding.note}")
    sys.exit(1 if wrong else 0)


def healthcheck(as_json: output.AsJson = False) -> None:
    """Ask the running bot's `/health` whether it works: exit status 0 or 1, and 2 without PAPERROUND_HTTP."""
    from bot.cli import health_request

    sys.exit(health_request.report(as_json=as_json))
