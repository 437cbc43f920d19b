"""The command line, one module per group of commands: parses arguments, calls a service, prints the answer.

Commands import their dependencies inside their functions: `paperround parse` loads neither discord.py nor SQLAlchemy,
and a storage command starts in half a second.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from storage import errors

if TYPE_CHECKING:
    import typer


HELP = {
    "Start here": ("demo", "setup", "run", "doctor"),
    "Papers": ("search", "author", "paper", "digest", "export"),
    "Sources and digests": ("sources", "ingest", "write"),
    "Operation": ("config", "backup", "db", "web", "mcp", "readers"),
    "Advanced": ("parse", "glossary", "reindex", "healthcheck"),
}
"""The headings of `paperround --help`, with the commands below each."""


_GARBAGE_THRESHOLD = 100_000
"""Allocations after which Python collects garbage (default 700)."""


def build_app() -> typer.Typer:
    """Build the application of all commands."""
    import typer
    from typer.core import TyperGroup

    class Group(TyperGroup):
        """The group of all commands; its help lists them under headings."""

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            for heading, names in HELP.items():
                found = [(name, self.get_command(ctx, name)) for name in names]
                with formatter.section(heading):
                    formatter.write_dl(
                        [(name, command.get_short_help_str(100)) for name, command in found if command]
                    )

    from bot.cli import digests, operations, search, setup, sources

    app = typer.Typer(
        cls=Group,
        name="paperround",
        help="Post daily machine-learning papers to Discord and search the archive.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        # Boxes cost four lines a command, and their columns break the names of options.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(operations.accept_options)
    command: Callable[..., None]
    for command in (
        *(operations.run, operations.demo, setup.setup, operations.doctor),
        *(digests.parse, digests.ingest, digests.digest, digests.export, digests.write),
        *(search.search, search.author, search.paper, search.glossary),
        *(operations.reindex, operations.backup),
    ):
        app.command()(command)
    app.command("healthcheck")(operations.ask_health)
    app.command("mcp")(operations.serve_tools)
    groups: dict[tuple[str, str], dict[str, Callable[..., None]]] = {
        ("config", "Export or apply the set-up as a file: daily posts, alerts and sources."): {
            "export": operations.export_set_up,
            "apply": operations.apply_set_up,
        },
        ("sources", "Manage the sources of digests and papers."): {
            "add": sources.add,
            "list": sources.list_rows,
            "edit": sources.edit,
            "remove": sources.remove,
            "fetch": sources.fetch,
        },
        ("readers", "Delete the data kept about a user."): {"forget": operations.forget_reader},
        ("db", "Upgrade the database, or copy it to another one."): {
            "upgrade": operations.upgrade,
            "copy": operations.copy_database,
        },
        ("web", "Build the archive as web pages and feeds."): {"build": operations.build_web},
    }
    for (name, description), of_group in groups.items():
        group = typer.Typer(help=description, no_args_is_help=True)
        # Without it a single command would be the group itself.
        group.callback()(lambda: None)
        for verb, run in of_group.items():
            group.command(verb)(run)
        app.add_typer(group, name=name)
    return app


def main() -> None:
    """Run the command line and exit: 0 for success, 1 for problems, 2 for wrong usage or settings."""
    # Modules and tables stay: to look for garbage among them takes a third of the time of a short command,
    # as it is loaded and again when it ends.
    gc.set_threshold(_GARBAGE_THRESHOLD)
    atexit.register(gc.freeze)
    # pydantic would read the metadata of every installed package to find its plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if sys.stdout is not None:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if sys.argv[1:2] == ["run"]:
        # Until its loop does this. The first process of a container would not end by itself.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        if sys.argv[1:] == ["healthcheck"]:
            # A supervisor asks twice a minute: without the other commands it takes a third of the time.
            from bot.cli import healthcheck

            sys.exit(healthcheck.report())
        build_app()(prog_name="paperround")
    except errors.PaperroundError as error:
        from bot.cli import shell

        for line in str(error).splitlines():
            shell.error(line)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        # The last handler: an unexpected error is one line for a person, and a traceback at level debug.
        if os.environ.get("PAPERROUND_LOG", "").endswith("debug"):
            raise
        from bot.cli import shell

        first_line = str(error).partition("\n")[0][:200]
        shell.error(f"Internal error: {type(error).__name__}: {first_line}")
        shell.error("Run it again with PAPERROUND_LOG=console:debug, and report the output.")
        sys.exit(1)
