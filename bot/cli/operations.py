"""Commands for operators: run and check the bot, maintain its database, and export and apply its set-up."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Collection, Iterable
from contextlib import aclosing, suppress
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import shell
from bot.core import isolation
from bot.core import settings as core_settings
from bot.core.clock import system_clock
from bot.core.settings import Settings
from bot.search import glossary_service
from bot.search import index as search_index
from storage import errors, models, search, sqlite_file
from storage.database import Database

if TYPE_CHECKING:
    from bot.cli.set_up_file import SetUpFile
    from bot.features.operations import post_overview


async def reindex() -> shell.Output:
    """Rebuild the search index and glossary. Safe while the bot is running."""
    async with shell.open_storage() as database:
        papers = await _index(database, again=True)
        await glossary_service.GlossaryService(database, system_clock).rebuild()
    return shell.Output({"papers": papers}, f"{shell.count(papers, 'paper')} reindexed.")


async def backup(
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="The file to write. An earlier backup is replaced, any other file is not."
        ),
    ],
) -> shell.Output:
    """Back up the SQLite database. Safe while the bot runs; never leaves a partial file.

    `paperround restore` puts it in the place of the database.
    """
    from storage import backups, key_values, postgresql

    has_older = os.path.exists(target)  # unlike Path, it accepts invalid names, which the copy rejects
    async with shell.open_storage() as database:
        if not database.is_sqlite:
            command = postgresql.dump_command(database.parsed_url, target)
            raise errors.UsageError(
                "`paperround backup` works on SQLite only. For PostgreSQL, with a name that no file has:"
                f" `{command}`."
            )
        reason, unnoted = "", list[Exception]()
        try:
            size = await backups.copy_to(database, Path(target))
        except errors.StorageError as error:
            reason = f" {error}"
            raise
        finally:
            # The bot tells its operator of a backup that failed or is old, and `doctor` knows its age.
            with errors.collected(unnoted):
                await database.write(
                    key_values.set_value, key_values.BACKED_UP, f"{system_clock().isoformat()}{reason}"
                )
    sentence = f"Wrote {target} ({size:,} bytes){', replacing an older file' if has_older else ''}."
    notes = [f"The backup is whole, but `doctor` and the bot do not count it: {error}" for error in unnoted]
    return shell.Output({"file": target, "bytes": size}, sentence, notes=notes)


def _make_finder(database: Database) -> post_overview.FindReady:
    from bot.features.daily import planner
    from bot.search.service import SearchService

    return partial(planner.find_ready, SearchService(database).match_papers)


async def list_posts(
    show_log: Annotated[
        bool, typer.Option("--log", help="List what was sent in the last 30 days instead, the newest first.")
    ] = False,
) -> shell.Output:
    """List the daily posts of all servers: when each last came and is next due, and why it is stuck."""
    if show_log:
        return await _list_sent()
    from bot.features.operations import post_overview

    async with shell.open_storage(with_logs=False) as database:
        posted = await database.fetch(
            post_overview.list_all, shell.load_settings().close_rule, system_clock(), _make_finder(database)
        )
    rows = [
        # The IDs as texts, since programs round numbers this long.
        {
            "server": row.server and str(row.server),
            "channel": str(row.channel),
            **shell.pick(row, "kind number last_at next_at stuck reason"),
        }
        for row in posted
    ]
    columns = ("server", "channel", "kind", "number", "last_at", "next_at", "stuck", "reason")
    none = "No channel has a daily post. `/daily setup` in Discord adds one."
    return shell.Output(rows, none, columns, [row | {"server": row["server"] or "webhook"} for row in rows])


async def _list_sent() -> shell.Output:
    """Return what was posted in channels in the last 30 days. Messages to readers are theirs, and left out."""
    from storage import outbox

    async with shell.open_storage(with_logs=False) as database:
        recent = await database.fetch(outbox.list_recent, system_clock() - LOG_PERIOD, ())
    sent = [row for row, _ in recent if row.finished_at and row.state is models.DeliveryState.SENT]
    rows = [
        {
            "sent_at": row.finished_at,
            "server": str(row.guild_id) if row.guild_id else None,
            "channel": str(row.channel_id),
            **shell.pick(row, "kind local_on"),
            "papers": row.papers,
        }
        for row in sorted(sent, key=lambda row: (row.finished_at, row.id), reverse=True)
        if row.user_id is None
    ]
    columns = ("sent_at", "server", "channel", "kind", "day", "papers")
    shown = [{**row, "server": row["server"] or "webhook", "day": row["local_on"]} for row in rows]
    return shell.Output(rows, "Nothing was posted in the last 30 days.", columns, shown)


LOG_PERIOD = timedelta(days=30)


async def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file that `paperround backup` wrote.")],
) -> shell.Output:
    """Put a backup in the place of the SQLite database, which is kept under another name. Stop the bot first."""
    from storage import backups, engines, migrate, postgresql, sqlite_file

    url = engines.parse_url(shell.load_settings().database_url)
    path = sqlite_file.path_of(shell.load_settings().database_url)
    if path is None:
        backups.check_backup(Path(file), None)
        name, create, fill = postgresql.restore_commands(url, file)
        raise errors.UsageError(
            "`paperround restore` works on SQLite only. For PostgreSQL, restore a dump into a new database by these commands:\n"
            f"{create}\n{fill}\n"
            "If the bot's user may not create databases, an administrator does so, with --owner and its name. The password is"
            " that of PGPASSWORD or ~/.pgpass, or asked for.\n"
            f"Then stop the bot with its standby, name {name} in PAPERROUND_DATABASE_URL, and start them."
        )
    restored = await backups.restore(Path(file), path)
    is_older = restored.schema < sqlite_file.SCHEMA_VERSION
    sentence = f"{path} is now the backup {file} (schema {restored.schema})."
    if restored.former is not None:
        sentence += f" What was there is {restored.former}: delete it when you no longer need it."
    answer = {"database": str(path), "schema": restored.schema, "former": restored.former}
    back = f" {migrate.UPGRADE} To go back to an older version, install that before you start the bot."
    return shell.Output(answer, f"{sentence}{back if is_older else ' Start the bot.'}")


async def upgrade(is_approved: shell.IsAccepted = False) -> shell.Output:
    """Upgrade the database to the schema of this version, after a question, or create the schema in an empty one.

    A SQLite file is copied first; for PostgreSQL, the `pg_dump` command is shown, and the question is whether it was run.
    A bot that runs on it must end within a minute.
    """
    from storage import migrate, sqlite_file

    is_file = sqlite_file.path_of(shell.load_settings().database_url) is not None
    question = "Upgrade?" if is_file else "Has the pg_dump command succeeded, and shall the upgrade begin?"

    def approve(plan: str) -> None:
        shell.error(plan)
        if not (is_approved or shell.confirm(question)):
            raise errors.PaperroundError("Nothing was changed.")

    async with shell.open_storage(
        creating=True, keeping=True, migrate=True, approve=approve, on_step=shell.error
    ) as database:
        schema = await migrate.find_version(database)
    return shell.Output({"schema": schema}, f"The database is at schema {schema}.")


async def copy_database(
    target: Annotated[
        str, typer.Option("--to", metavar="URL", help="An empty database, SQLite or PostgreSQL.")
    ],
) -> shell.Output:
    """Copy everything into an empty database. Stop the bot and its standby first."""
    from storage import migrate

    try:
        name = migrate.redact_url(target)
    except errors.StorageError as error:
        raise errors.UsageError(str(error).replace("PAPERROUND_DATABASE_URL", "--to")) from None
    async with (
        shell.open_storage() as source,
        shell.open_storage(target, creating=True, keeping=True, migrate=True) as opened,
    ):
        rows = await _fill_database(source, opened)
    sentence = f"Copied {shell.count(rows, 'row')} to {name} and built the search index."
    if not rows:
        sentence = f"{name} has exactly these rows already: nothing was copied. The search index was built."
    return shell.Output({"to": name, "rows": rows}, sentence)


async def _fill_database(source: Database, target: Database) -> int:
    """Copy a database while showing the progress, and build the search index of the copy. Returns the number of rows."""
    from storage import copying

    with shell.progress("Copying rows") as show_count:
        rows = await copying.copy(source, target, show_count)
    await _index(target)
    return rows


async def _index(database: Database, *, again: bool = False) -> int:
    """Bring the search index up to date, or build it `again`, while showing the progress. Returns the number of papers."""
    papers = 0
    index = search_index.SearchIndex(search_index.folder_of(database))
    if again:
        index.forget()
    total = await database.look_up(search.count_listed)
    with shell.progress("Indexing papers") as show_count:
        async for papers in search_index.follow(database, index):
            show_count(papers, max(papers, total))
    return papers


async def import_all(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file by `export --all`.")],
) -> shell.Output:
    """Read a file with everything into an empty database. Stop the bot first."""
    from bot.client import webhook
    from storage import copying, daily, sqlite_file

    shell.configure_logs()
    path = sqlite_file.path_of(shell.load_settings().database_url)
    async with (
        copying.open_export(file, path) as source,
        shell.open_storage(creating=True, keeping=True, migrate=True) as opened,
    ):
        rows = await _fill_database(source, opened)
        missing = await opened.fetch(daily.list_unaddressed)
    sentence = f"Read {shell.count(rows, 'row')} and built the search index."
    if not rows:
        sentence = "The database has exactly the rows of the file already: nothing was read. The search index was built."
    if missing:
        sentence += f" {webhook.describe_missing(missing)}"
    return shell.Output({"file": str(file), "rows": rows}, sentence)


async def doctor(
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print only problems and the steps that are left.")
    ] = False,
    show_all: Annotated[
        bool, typer.Option("--all", help="Also print settings left at their defaults.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 for warnings too.")] = False,
    show_errors: Annotated[
        bool,
        typer.Option(
            "--errors", help="Print the last hundred errors of the bot with their places in the code instead."
        ),
    ] = False,
) -> shell.Output:
    """Check the set-up and list the remaining steps. Exits with status 1 if there are errors or remaining steps."""
    if show_errors:
        return await _list_failures()
    from bot.cli import healthcheck
    from bot.client import command_sync
    from bot.features.operations import conditions
    from bot.features.operations import doctor as operations_doctor

    shell.configure_logs()
    configured = shell.load_settings()
    findings = await operations_doctor.examine(
        configured,
        command_sync.identify,
        healthcheck.request_health if configured.http else None,
        _check_library,
        _make_finder,
        _check_models,
    )
    status = conditions.Status
    counted = (status.ERROR, status.TODO, status.WARNING) if strict else (status.ERROR, status.TODO)
    left = [finding for finding in findings if finding.status in counted]
    lines = [
        f"{row.status:8}{row.what}: {row.value}{f' ({row.origin})' if row.origin else ''}{f'. {row.note}' if row.note else ''}"
        for row in findings
        if not (row.status is status.OK if quiet else row.is_default and not show_all)
    ]
    names = ", ".join(finding.what for finding in left)
    notes = [f"{shell.count(len(left), 'problem')} to solve: {names}."] if left else []
    data = [finding.to_dict() for finding in findings]
    return shell.Output(data, "\n".join(lines), notes=notes, status=1 if left else 0)


async def _check_library(settings: Settings) -> None:
    """Raise FetchError unless the configured key of Zotero may write in its library."""
    from bot.app import container

    async with container.create_fetcher(settings, system_clock, container.LOOKUP_LIMITS) as fetch:
        library = container.find_library(settings, fetch)
        assert library is not None
        await library.check()


async def _check_models(settings: Settings) -> None:
    """Raise ModelError unless the configured language models answer within half a minute."""
    from bot.core.model_server import LanguageModel, ModelServer

    key = None if settings.writer_key is None else settings.writer_key.get_secret_value()
    async with aclosing(ModelServer(settings.writer_url or "", key)) as server:
        for name in filter(None, dict.fromkeys((settings.writer_model, settings.writer_judge))):
            await LanguageModel(server, name, seconds=_MODEL_SECONDS).check()


_MODEL_SECONDS = 30.0


async def _list_failures() -> shell.Output:
    """Return the errors that were kept, oldest first, without the texts of readers."""
    from storage import failures

    async with shell.open_storage(with_logs=False) as database:
        rows = await database.fetch(failures.list_rows)
    lines = []
    for row in rows:
        command = f" (/{row.command})" if row.command else ""
        reason = f": {row.reason}" if row.reason else ""
        lines.append(
            f"{row.failed_at:%Y-%m-%d %H:%M:%S}Z {row.reference} {row.event.removesuffix('.')}{command}{reason}"
        )
        lines += [row.trace] if row.trace else []
    data = [asdict(row) | {"failed_at": row.failed_at.isoformat()} for row in rows]
    return shell.Output(data, "\n".join(lines) or "No errors are kept.")


def ask_health(as_json: shell.AsJson = False) -> None:
    """Check the running bot's `/health`. Exit status: 0 healthy, 1 unhealthy, 2 if PAPERROUND_HTTP is not set."""
    from bot.cli import healthcheck

    sys.exit(healthcheck.report(as_json=as_json))


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from bot.core import program

        typer.echo(f"paperround {program.describe_version()}")
        raise typer.Exit


def accept_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Accept the options of `paperround` itself."""


async def run(
    role: Annotated[str, typer.Option("--role", hidden=True)] = "leader",
    is_waiting: Annotated[
        bool,
        typer.Option(
            "--wait-for-settings",
            help="If a setting is wrong or missing, wait until a file of this folder changes, and end then: for Docker, which"
            " starts again whatever ends.",
        ),
    ] = False,
    is_once: Annotated[
        bool, typer.Option("--once", help="Do what is due, and end: for cron, a timer or a workflow.")
    ] = False,
    set_up: Annotated[
        Path | None, typer.Option("--set-up", metavar="FILE", help="With --once: apply a set-up file first.")
    ] = None,
    site: Annotated[
        Path | None, typer.Option("--site", metavar="DIR", help="With --once: write the web archive there.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="The address of the site.")
    ] = None,
    before_sending: Annotated[
        str | None,
        typer.Option(
            "--before-sending",
            metavar="COMMAND",
            help="With --once: a command for the shell between planning and sending. If it fails, nothing is sent.",
        ),
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.1, max=1440, help="With --once: the most that it takes.")
    ] = 10,
) -> None:
    """Run the bot until SIGTERM or SIGINT; with --once, do what is due and end."""
    if is_once:
        from bot.cli import set_up_file, single_run
        from bot.core import memory
        from bot.features.web import pages

        memory.limit_arenas()
        is_done = False
        try:
            if (site is None) != (base_url is None):
                raise errors.UsageError("--site DIR and --base-url URL need each other.")
            archive = None if site is None else (site, pages.check_base_url(base_url or ""))
            text = None if set_up is None else (set_up_file.read_file(set_up), str(set_up))
            async with shell.open_container(creating=True, keeping=True, migrating=True) as opened:
                is_done = await single_run.SingleRun(opened, minutes, text, archive, before_sending).run()
        finally:
            await single_run.report_end(shell.load_settings(), is_done=is_done)
        raise typer.Exit(0 if is_done else 1)
    if set_up or site or base_url or before_sending:
        raise errors.UsageError("--set-up, --site, --base-url and --before-sending need --once.")
    if role not in _FORMER_ROLES:
        reason = f"--role {role} is gone: start `paperround run` without it."
        raise errors.UsageError(f"{reason} {core_settings.NO_FRONTS}")
    found = _stat_files(SETTINGS_FILES)
    try:
        await _run()
    except errors.PaperroundError as error:
        if not is_waiting or error.exit_status != errors.UsageError.exit_status:
            raise
        is_changed = await _wait_for_change(
            f"{error}\nWaiting until a file in {Path.cwd()} changes, or for another environment.", found
        )
        raise typer.Exit(error.exit_status if is_changed else 0) from None


SETTINGS_FILES = (core_settings.ENV_FILE, "paperround.toml")


async def _wait_for_change(announcement: str, settings_files: object) -> bool:
    """Report `announcement` and wait until a file of the current folder changes, or the settings' since `settings_files`.

    Returns False after SIGTERM or SIGINT. Changes and signals count from before the announcement, on which one may act at once.
    """
    stopping, found = isolation.stop_on_signals(), (settings_files, _stat_files())
    shell.report_end(announcement)
    while (_stat_files(SETTINGS_FILES), _stat_files()) == found and not stopping.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _LOOK_SECONDS)
    return not stopping.is_set()


def _stat_files(names: Collection[str] | None = None) -> list[tuple[str, int]]:
    """Return when the files of the current folder, or those of some names, last changed: their content, owner or mode."""
    with suppress(OSError):  # a file is just being replaced
        files = (file for file in os.scandir() if names is None or file.name in names)
        return sorted((file.name, file.stat().st_ctime_ns) for file in files)
    return []


_LOOK_SECONDS = 2.0
_FORMER_ROLES = ("all", "leader")
"""The values of `--role`, which units of former releases give, that are what `run` does now."""


async def _run() -> None:
    import structlog

    from bot.core import logs, memory, program

    memory.limit_arenas()
    settings = shell.load_settings()
    logs.configure(settings.log)
    for unknown in core_settings.find_unknown():
        structlog.get_logger().warning(unknown.note, origin=unknown.origin)
    from bot.app import process

    if settings.discord_token is None and sqlite_file.find_missing_file(settings.database_url) is not None:
        raise errors.UsageError(process.MISSING_TOKEN_MESSAGE)

    structlog.get_logger().info("starting", version=program.describe_version())
    from bot.app import supervision

    path = sqlite_file.path_of(settings.database_url)
    watching = supervision.Supervision(program.watch_files(), may_exit=True, file=path)
    async with shell.open_container(creating=True, keeping=True, migrating=True) as opened:
        await process.run(opened, watching)


async def serve_tools(
    http: Annotated[
        str | None,
        typer.Option(
            "--http",
            metavar="HOST:PORT",
            help="Serve streamable HTTP at this address instead of stdio; needs PAPERROUND_MCP_TOKEN."
            " :PORT means 127.0.0.1:PORT.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve search to agents over MCP (Model Context Protocol).

    It stops on SIGINT or SIGTERM, and without --http also when stdin closes.
    """
    try:
        from bot.cli import mcp_server
    except ModuleNotFoundError as error:
        raise _needs_extra("`paperround mcp`", "mcp", error) from None
    from bot.core import logs, memory

    memory.limit_arenas()
    configured = shell.load_settings()
    token = configured.mcp_token and configured.mcp_token.get_secret_value()
    try:
        core_settings.parse_address(http or ":0")
    except ValueError as error:
        raise errors.UsageError(f"--http: {error}") from None
    if http is not None and not token:
        raise errors.UsageError("--http needs a token: set PAPERROUND_MCP_TOKEN to a long random string.")
    # stdout is reserved for the protocol.
    logs.configure(configured.log)
    async with shell.open_storage(migrate=False) as database:
        tools = mcp_server.create_tools(database, system_clock, models.Locale(configured.locale))
        server = mcp_server.create_server(tools)
        if http is None:
            await mcp_server.serve_stdio(server)
        else:
            await mcp_server.serve_http(server, http, token or "")


async def demo(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of the page; 0 for any free one.")
    ] = 8765,
    locale: Annotated[
        models.Locale | None, typer.Option("--locale", case_sensitive=False, help="Language of the bot.")
    ] = None,
) -> None:
    """Run the bot on a local page with sample digests. No token or network needed."""
    from bot.core import logs, memory

    memory.limit_arenas()
    language = locale or models.Locale(shell.load_settings().locale)
    # discord.py warns about features that the demo does not use.
    logs.configure("console:error")
    try:
        # Check this first, since the demo takes seconds to start.
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise errors.PaperroundError(
            f"Cannot listen on port {port}: {os.strerror(error.errno or 0)}. Is another demo running?"
            " Choose another port with --port (make demo PORT=…), or 0 for any free one."
        ) from error
    try:
        from bot.demo import server, texts
    except ModuleNotFoundError as error:
        raise _needs_extra("The demo", "demo", error) from None

    sys.stderr.write(f"{texts.load(language).starting}\n")
    await server.serve(port=port, locale=language)


def _needs_extra(what: str, extra: str, error: ModuleNotFoundError) -> errors.UsageError:
    """Return the error for a module of an extra that is not installed, with the command that installs it."""
    from bot.core import program

    return errors.UsageError(f"{what} needs the extra {extra}: {program.describe_missing(error, extra)}")


async def build_web(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A new folder, or that of an earlier build.")],
    base_url: Annotated[
        str,
        typer.Option(
            "--base-url", metavar="URL", help="The site's address, such as https://example.org/papers."
        ),
    ],
    lang: Annotated[
        models.Locale | None,
        typer.Option(
            "--lang",
            case_sensitive=False,
            help="Language of the pages; that of PAPERROUND_LOCALE if not given.",
        ),
    ] = None,
) -> shell.Output:
    """Build the web archive as files for a static host. Unchanged files are not rewritten."""
    from bot.features.web import pages, site

    address = pages.check_base_url(base_url)
    async with shell.open_container() as container:
        built_site = pages.Site(address, lang or container.locale, is_static=True)
        built = await site.SiteBuilder(container.web_pages, Path(folder), built_site).build()
    files = shell.count(built.written, "file")
    counts = f"{files} written, {built.unchanged} unchanged, {built.removed} removed."
    return shell.Output(built._asdict(), f"{folder}: {counts}")


async def export_set_up(
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="Write to this file instead of stdout. An existing one is replaced."
        ),
    ] = None,
) -> None:
    """Export the set-up as TOML, without secrets."""
    async with shell.open_storage(with_logs=False) as database:
        text = await _create_set_up_file(database).export()
    shell.print_document(text, target)


async def apply_set_up(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file that `config export` wrote, or one like it.")
    ],
    accept: Annotated[bool, typer.Option("--yes", help="Apply without asking.")] = False,
    as_json: shell.AsJson = False,
) -> shell.Output:
    """Apply a set-up file, after showing what it changes. All or nothing; what the file does not mention is kept."""
    from bot.cli import set_up_file
    from storage import daily

    text = set_up_file.read_file(file)
    async with shell.open_storage(creating=True) as database:
        set_up = _create_set_up_file(database)
        plan = await set_up.apply(text, str(file), keep=False)
        if not as_json:
            for line in (*plan.changes, *plan.unmatched):
                shell.echo(f"  {line}")
            counts = f"{len(plan.changes)} to change, {plan.unchanged} unchanged"
            shell.echo(f"{counts}, {len(plan.others)} not in the file (kept).")
        is_wanted = bool(plan.changes) and (accept or shell.confirm("Apply?"))
        if is_wanted:
            await set_up.apply(text, str(file))
        rows = [row for row in await database.fetch(daily.list_rows) if not row.is_by_webhook]
        notes = await _find_wrong_channels(rows) if is_wanted else []
    sentence = "" if not plan.changes else "Applied." if is_wanted else "Nothing was applied."
    status = 1 if plan.changes and not is_wanted else 0
    data = plan._asdict() | {"others": len(plan.others), "applied": is_wanted}
    return shell.Output(data, sentence, notes=notes, status=status)


async def _find_wrong_channels(rows: Iterable[models.Subscription]) -> list[str]:
    """Return what is wrong with the channels of daily posts, as Discord says if there is a token."""
    from bot.client import command_sync

    settings = shell.load_settings()
    places = dict.fromkeys((row.guild_id, row.channel_id) for row in rows)
    if settings.discord_token is None or not places:
        return []
    try:
        return await command_sync.find_wrong_channels(settings, places)
    except errors.PaperroundError as error:
        return [f"The channels were not looked up: {error}"]


def _create_set_up_file(database: Database) -> SetUpFile:
    from bot.cli.set_up_file import SetUpFile

    return SetUpFile(database, system_clock, shell.load_settings())


async def forget_reader(user: shell.User, is_accepted: shell.IsAccepted = False) -> shell.Output:
    """Delete everything stored about a user, including messages waiting to be sent, after a question."""
    from bot.features.operations.readers import Readers

    question = f"Delete everything stored about the user {user}? That cannot be undone."
    if not is_accepted and not shell.confirm(question):
        raise errors.PaperroundError("Nothing was deleted.")
    async with shell.open_storage(with_logs=False) as database:
        counts = await Readers(database, system_clock).forget(user)
    shell.error(
        "Backups and exports from before may still have the user's data: delete those, or forget again after a restore."
    )
    data = {"user": str(user), "removed": counts}
    rows = [{"table": table, "deleted rows": count} for table, count in counts.items()]
    return shell.Output(
        data, "Nothing was stored about this user, so nothing was deleted.", ("table", "deleted rows"), rows
    )


async def export_reader(
    user: shell.User,
    target: Annotated[
        Path | None, typer.Option("--output", metavar="PATH", help="Write to this file instead of stdout.")
    ] = None,
) -> None:
    """Export everything stored about a user as JSON, as `/me data` gives it to them."""
    from bot.features.operations.readers import Readers

    async with shell.open_storage(with_logs=False) as database:
        content = await Readers(database, system_clock).export(user)
    if not json.loads(content)["tables"]:
        raise errors.PaperroundError(f"Nothing is stored about the user {user}, so nothing was written.")
    shell.print_document(content.decode() + "\n", target)
