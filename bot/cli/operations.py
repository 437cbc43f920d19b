"""Commands for operators: `reindex`, `backup`, `db upgrade`, `doctor` and `healthcheck`."""

from __future__ import annotations

import http.client
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import context, output
from bot.core import errors
from storage import errors as stored_errors

if TYPE_CHECKING:
    from bot.operations.doctor import Finding

# Asks `/health` of a running bot, with the standard library alone: a supervisor does so twice a minute.

SETTING = "PAPERROUND_HTTP"
TIMEOUT_SECONDS = 4.0
"""`/health` answers within 2 s also when the database does not."""
LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - addresses that `run` listens on


def read_address() -> str:
    """Return the setting PAPERROUND_HTTP. Raises UsageError if there is none."""
    address = os.environ.get(SETTING)
    if address is None:
        from bot.core import settings  # takes longer than the request; a container has the variable

        address = settings.load().http
    if not address or not address.strip():
        raise errors.UsageError(
            f"{SETTING} is not set, so `paperround run` serves no health. Set it, for example to 127.0.0.1:9464."
        )
    return address.strip()


def split_address(address: str) -> tuple[str, int]:
    """Return host and port to connect to: the loopback address for a server that listens on all addresses."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or int(port) > 65535:
        raise errors.UsageError(f"{SETTING}: {address!r} is not an address such as 127.0.0.1:9464.")
    return LOOPBACK.get(host, host), int(port)


def request_health(address: str) -> tuple[bool, dict[str, Any]]:
    """Return whether the bot works, and the body of its answer. Raises PaperroundError without such an answer.

    An outage of Discord counts as working: starting the bot again would not end it.
    """
    host, port = split_address(address)
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        body = json.loads(response.read(100_000))
        if not isinstance(body, dict) or "role" not in body:
            raise ValueError("the answer is not from Paperround")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise stored_errors.PaperroundError(f"unhealthy: no answer from {address} ({error}).") from error
    finally:
        connection.close()
    return response.status == 200 or body.get("outage") is True, body


def describe(is_healthy: bool, body: dict[str, Any]) -> str:
    """Return the answer as one line."""
    if not is_healthy:
        return f"unhealthy: {' '.join(map(str, body.get('problems', ()))) or 'it says so without a reason.'}"
    if body.get("outage") is True:
        return "healthy: Discord does not answer, and starting the bot again would not change that."
    if body["role"] == "standby":
        return "healthy: a standby, waiting for the process that sends."
    ages = (
        f"{sign} {body[field]:.0f} s ago"
        for sign, field in (
            ("tick", "tick_seconds"),
            ("claim", "claim_seconds"),
            ("Discord", "discord_seconds"),
        )
        if isinstance(body.get(field), int | float)
    )
    return f"healthy: {', '.join(ages) or 'starting'}."


def report(*, as_json: bool = False) -> int:
    """Print whether the bot works and return the exit status: 0, 1, or 2 without the setting."""
    try:
        is_healthy, body = request_health(read_address())
    except stored_errors.PaperroundError as error:
        sys.stderr.write(f"paperround: {error}\n")
        return error.exit_status
    sentence = describe(is_healthy, body)
    if as_json:
        sys.stdout.write(json.dumps(body) + "\n")
    elif is_healthy:
        sys.stdout.write(f"{sentence}\n")
    if not is_healthy:
        sys.stderr.write(f"paperround: {sentence}\n")
    return 0 if is_healthy else 1


def register_maintenance(app: typer.Typer) -> None:
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
    from bot.core.clock import system_clock
    from bot.search import maintenance

    async def command() -> int:
        papers = 0
        async with context.open_storage() as database:
            with output.progress_counter("Indexing") as show_count:
                async for papers in maintenance.run_task(
                    database, system_clock, maintenance.MaintenanceTask.INDEX
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

    async def command() -> int:
        from storage import migrate

        async with context.open_storage() as database:
            if not database.is_sqlite:
                raise errors.UsageError(
                    "paperround backup copies a SQLite file. For PostgreSQL use pg_dump, with --format=custom."
                )
            return await migrate.copy_to(database, Path(target))

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
    from bot.operations import doctor as operations_doctor

    async def command() -> list[Finding]:
        from bot.client import command_sync

        return await operations_doctor.examine(context.load_settings(), command_sync.check_token)

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

    sys.exit(report(as_json=as_json))


# Commands that start the bot, `run` and `demo`, and the option `--version`.


def register_run(app: typer.Typer) -> None:
    """Add the commands."""
    app.callback()(accept_options)
    app.command("run")(run)
    app.command("demo")(demo)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        import importlib.metadata

        typer.echo(f"paperround {importlib.metadata.version('paperround')}")
        raise typer.Exit


def accept_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of `paperround` itself."""


def run() -> None:
    """Run the bot until SIGTERM or SIGINT."""
    from bot.core import logs

    settings = context.load_settings()
    logs.configure(settings.log)
    from bot.app import container, runtime

    if settings.discord_token is None:
        raise errors.UsageError(runtime.MISSING_TOKEN_MESSAGE)

    async def command() -> None:
        async with container.open_container(settings, migrating=True) as opened:
            await runtime.run(opened)

    context.run_command(command)


def demo(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The page's port; 0: any free one.")
    ] = 8765,
    locale: Annotated[str | None, typer.Option("--locale", help="ko or en.")] = None,
    dm: Annotated[
        bool, typer.Option("--dm", help="Open the reader's direct messages instead of #papers.")
    ] = False,
) -> None:
    """Show the bot on a local page with sample digests; needs no token, no terminal, no network."""
    from bot.core import logs
    from storage import models

    settings = context.load_settings()
    # SimCord makes discord.py warn about features that the demo does not use.
    logs.configure("console:error")
    language = output.parse_choice(models.Locale, locale or settings.locale, "language of the interface")
    try:
        from bot.demo import server
    except ModuleNotFoundError as error:
        raise errors.UsageError(
            f"The demo needs {error.name}: install Paperround from its checkout as '.[demo]' instead of '.',"
            " for example with pipx install '.[demo]'."
        ) from None

    sys.stderr.write("Starting the bot with sample digests on a local page; it takes a few seconds …\n")
    context.run_command(lambda: server.serve(port=port, locale=language, dm=dm))


# `paperround templates`: checks the operator's templates.


def group() -> typer.Typer:
    """Return the command group."""
    app = typer.Typer(help="Templates for the wording of posts.", no_args_is_help=True)
    app.callback()(lambda: None)
    app.command("check")(check)
    return app


def check(as_json: output.AsJson = False) -> None:
    """Name what is wrong with the templates in PAPERROUND_TEMPLATES, by file and line."""

    from bot.rendering.templates import Templates

    folder = context.load_settings().templates
    if folder is not None and not folder.is_dir():
        raise errors.UsageError(f"{folder} is not a folder. Create it, or remove the setting.")
    problems = Templates(folder).find_problems()
    if as_json:
        output.print_json(
            [{"file": row.location, "line": row.line, "reason": row.message} for row in problems]
        )
    elif folder is None:
        output.echo("PAPERROUND_TEMPLATES is not set; all templates are the bundled ones.")
    elif not problems:
        output.echo(f"The templates in {folder} have no errors.")
    for problem in problems:
        output.error(str(problem))
    sys.exit(1 if problems else 0)
