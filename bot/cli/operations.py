"""Commands for operators: `run`, `demo`, `reindex`, `backup`, `db upgrade`, `doctor`, `healthcheck`, `templates check`, `mcp`."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import context, output
from bot.core import errors
from storage import errors as storage_errors

if TYPE_CHECKING:
    from bot.app.container import Container
    from bot.operations.doctor import Finding


def register_maintenance(app: typer.Typer) -> None:
    """Add the commands for the database and the checks."""
    app.command("reindex")(reindex)
    app.command("backup")(backup)
    app.command("doctor")(doctor)
    app.command("healthcheck")(ask_health)
    group = typer.Typer(help="The database's schema.", no_args_is_help=True)
    group.command("upgrade")(upgrade)
    group.callback()(lambda: None)
    app.add_typer(group, name="db")


def reindex(as_json: output.AsJson = False) -> None:
    """Rebuild the search index and glossary. Safe while the bot is running."""
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
    target: Annotated[str, typer.Argument(metavar="FILE", help="The copy; an existing file is replaced.")],
    as_json: output.AsJson = False,
) -> None:
    """Back up the SQLite database. Safe while the bot runs; never leaves a partial file."""

    if not target.strip():
        raise errors.UsageError("FILE is empty. Name the file of the copy.")

    has_older = Path(target).exists()

    async def command() -> int:
        from storage import migrate

        async with context.open_storage() as database:
            if not database.is_sqlite:
                raise errors.UsageError(
                    "paperround backup copies a SQLite file. For PostgreSQL use pg_dump, with --format=custom."
                )
            return await migrate.copy_to(database, Path(target))

    size = context.run_command(command)
    output.print_result(
        {"file": target, "bytes": size},
        f"{target}: {size} bytes{', in place of an older file' if has_older else ''}.",
        as_json,
    )


def upgrade(as_json: output.AsJson = False) -> None:
    """Migrate the database to this version's schema."""

    from storage.migrate import HEAD

    async def command() -> None:
        async with context.open_storage(creating=True, migrate=True):
            pass

    context.run_command(command)

    output.print_result({"schema": HEAD}, f"The database is at schema {HEAD}.", as_json)


def doctor(
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only what is wrong or left to do.")] = False,
    show_all: Annotated[bool, typer.Option("--all", help="Print settings that are not set, too.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Say what is left to do, check settings, database and token; exit status 1 if nothing can be posted."""
    from bot.operations import doctor as operations_doctor

    async def command() -> list[Finding]:
        from bot.client import command_sync

        return await operations_doctor.examine(context.load_settings(), command_sync.check_token)

    findings = context.run_command(command)
    status = operations_doctor.Status
    left = [finding for finding in findings if finding.status in (status.ERROR, status.TODO)]
    if as_json:
        output.print_json([finding.to_dict() for finding in findings])
    else:
        for row in findings:
            if not (row.status is status.OK if quiet else row.is_default and not show_all):
                origin = f" ({row.origin})" if row.origin else ""
                note = f". {row.note}" if row.note else ""
                output.print_wrapped(f"{row.status:8}", f"{row.what}: {row.value}{origin}{note}")
    if left:
        names = ", ".join(finding.what for finding in left)
        output.error(f"{len(left)} step{'s are' if len(left) > 1 else ' is'} left: {names}.")
    sys.exit(1 if left else 0)


def ask_health(as_json: output.AsJson = False) -> None:
    """Check the running bot's `/health`: exit status 0 or 1, and 2 without PAPERROUND_HTTP."""
    from bot.cli import healthcheck

    sys.exit(healthcheck.report(as_json=as_json))


def register_run(app: typer.Typer) -> None:
    """Add the commands."""
    app.callback()(accept_options)
    app.command("run")(run)
    app.command("demo")(demo)
    app.command("mcp")(serve_tools)


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
    import structlog

    from bot.core import logs
    from bot.core import settings as core_settings
    from storage import snapshot

    settings = context.load_settings()
    logs.configure(settings.log)
    for unknown in core_settings.find_unknown():
        structlog.get_logger().warning("unknown setting", origin=unknown.origin, reason=unknown.describe())
    from bot.app import runtime

    if settings.discord_token is None and snapshot.find_missing_file(settings.database_url) is not None:
        raise errors.UsageError(runtime.MISSING_TOKEN_MESSAGE)

    async def command() -> None:
        async with context.open_container(creating=True, migrating=True) as opened:
            await runtime.run(opened)

    context.run_command(command)


def serve_tools(
    http: Annotated[
        str | None,
        typer.Option(
            "--http",
            metavar="HOST:PORT",
            help="Serve streamable HTTP there instead of stdio, with PAPERROUND_MCP_TOKEN; :PORT is 127.0.0.1.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the archive's search to agents by the Model Context Protocol (MCP), until stdin ends or SIGINT."""
    try:
        from bot.cli import mcp_server
    except ModuleNotFoundError as error:
        # Another module that is missing is not cured by the extra.
        if (error.name or "").partition(".")[0] not in ("mcp", "uvicorn", "starlette"):
            raise
        raise errors.UsageError("this needs the extra mcp: pip install 'paperround[mcp]'.") from None
    from bot.cli import search
    from bot.core import logs, settings
    from bot.core.clock import system_clock
    from storage import models

    configured = context.load_settings()
    token = configured.mcp_token and configured.mcp_token.get_secret_value()
    try:
        host, port = ("", 0) if http is None else settings.parse_address(http)
    except ValueError as error:
        raise errors.UsageError(f"--http: {error}") from None
    if http is not None and not token:
        raise errors.UsageError("--http needs a token: set PAPERROUND_MCP_TOKEN to a long random text.")
    # The protocol has stdout for itself.
    logs.configure(configured.log)
    everyday = search.load_everyday()

    async def serve() -> None:
        async with context.open_storage(migrate=False) as database:
            locale = models.Locale(configured.locale)
            tools = mcp_server.create_tools(database, system_clock, locale, everyday)
            server = mcp_server.create_server(tools)
            if http is None:
                await server.run_stdio_async()
            else:
                await mcp_server.serve_http(server, host or "127.0.0.1", port, token or "")

    context.run_command(serve)


def demo(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The page's port; 0: any free one.")
    ] = 8765,
    locale: Annotated[str | None, typer.Option("--locale", help="ko or en.")] = None,
    dm: Annotated[
        bool, typer.Option("--dm", help="Open the reader's direct messages instead of #papers.")
    ] = False,
) -> None:
    """Run the bot on a local page with sample digests. No token or network needed."""
    from bot.core import logs
    from storage import models

    settings = context.load_settings()
    # SimCord makes discord.py warn about features that the demo does not use.
    logs.configure("console:error")
    language = output.parse_choice(models.Locale, locale or settings.locale, "language of the interface")
    try:
        # Before the seconds that the demo takes to start.
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise storage_errors.PaperroundError(
            f"Cannot listen on port {port}: {os.strerror(error.errno or 0)}. Perhaps another demo is running."
            " Choose another with --port, or 0 for any free one."
        ) from error
    try:
        from bot.demo import server
    except ModuleNotFoundError as error:
        raise errors.UsageError(
            f"The demo needs {error.name}: install Paperround from its checkout as '.[demo]' instead of '.',"
            " for example with pipx install '.[demo]'."
        ) from None

    sys.stderr.write("Starting the bot with sample digests on a local page; it takes a few seconds …\n")
    context.run_command(lambda: server.serve(port=port, locale=language, dm=dm))


def web_group() -> typer.Typer:
    """Return the command group of the web archive."""
    app = typer.Typer(help="The archive as web pages and feeds.", no_args_is_help=True)
    app.callback()(lambda: None)
    app.command("build")(build_web)
    return app


def build_web(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or one of an earlier build.")],
    base_url: Annotated[
        str, typer.Option("--base-url", help="Where it will be, such as https://example.org/papers.")
    ],
    lang: Annotated[str | None, typer.Option("--lang", help="ko or en.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Build the web archive as files for a static host. What did not change is not written again."""
    from bot.web import service, site
    from storage import models

    settings = context.load_settings()
    address = service.check_base_url(base_url)
    locale = output.parse_choice(models.Locale, lang or settings.locale, "language of the pages")

    async def build(container: Container) -> site.Built:
        pages = container.create_web_pages(container.create_services())
        return await site.SiteBuilder(pages, folder, service.Site(address, locale, is_static=True)).build()

    built = context.run_in_container(build)
    if as_json:
        output.print_json(built._asdict())
    else:
        output.echo(
            f"{built.written} files written, {built.unchanged} unchanged, {built.removed} removed in {folder}."
        )


def group() -> typer.Typer:
    """Return the command group."""
    app = typer.Typer(help="Templates for the wording of posts.", no_args_is_help=True)
    app.callback()(lambda: None)
    app.command("check")(check)
    return app


def check(as_json: output.AsJson = False) -> None:
    """Check the templates in PAPERROUND_TEMPLATES and list errors by file and line."""
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
