"""The command line. Commands parse arguments, call a service and print its result.

Their modules import what a search in the shell needs. What is slow to load and seldom needed is imported inside functions:
discord.py, SQLAlchemy, structlog, rich, and the modules that load them, such as `bot.app`.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from storage import errors

if TYPE_CHECKING:
    import typer


def build_app(only: str = "") -> typer.Typer:
    """Build the command-line application. With `only` it has just that command: building all takes as long as a search."""
    import typer
    from typer.core import TyperGroup

    from bot.cli import digests, operations, search, setup, shell, sources

    config = {"export": operations.export_set_up, "apply": operations.apply_set_up}
    of_sources = {
        "add": sources.add,
        "list": sources.list_rows,
        "edit": sources.edit,
        "remove": sources.remove,
        "fetch": sources.fetch,
    }
    of_digests = {"list": digests.list_rows, "remove": digests.remove}
    of_papers = {"hide": digests.hide_paper, "show": digests.show_paper, "part": digests.part_paper}
    of_readers = {"export": operations.export_reader, "forget": operations.forget_reader}
    of_database = {"upgrade": operations.upgrade, "copy": operations.copy_database}
    sections: dict[str, dict[str, Any]] = {
        "Start here": {
            "demo": operations.demo,
            "setup": setup.setup,
            "run": operations.run,
            "doctor": operations.doctor,
        },
        "Papers": {
            "search": search.search,
            "author": search.author,
            "paper": search.paper,
            "ask": search.ask,
            "digest": digests.digest,
            "like": search.like,
            "export": digests.export,
        },
        "Sources and digests": {
            "sources": ("Manage the sources of digests and papers.", of_sources),
            "ingest": digests.ingest,
            "digests": ("List and remove stored digests.", of_digests),
            "papers": ("Hide papers from readers, and part joined ones.", of_papers),
            "write": digests.write,
        },
        "Operation": {
            "config": ("Export or apply the set-up as a file: daily posts, alerts and sources.", config),
            "posts": operations.list_posts,
            "backup": operations.backup,
            "restore": operations.restore,
            "import": operations.import_all,
            "db": ("Upgrade the database, or copy it to another one.", of_database),
            "web": ("Build the archive as web pages and feeds.", {"build": operations.build_web}),
            "mcp": operations.serve_tools,
            "readers": ("Export or delete the data kept about a user.", of_readers),
        },
        "Advanced": {
            "parse": digests.parse,
            "glossary": search.glossary,
            "reindex": operations.reindex,
            "healthcheck": operations.ask_health,
        },
    }

    class Group(TyperGroup):
        """The group of all commands, with headings in its help."""

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            for heading, of_heading in sections.items():
                listed = [(name, self.get_command(ctx, name)) for name in of_heading]
                with formatter.section(heading):
                    formatter.write_dl(
                        [(name, command.get_short_help_str(100)) for name, command in listed if command]
                    )

    app = typer.Typer(
        cls=Group,
        name="paperround",
        help="Post daily machine-learning papers to Discord and search the archive.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        # Rich's boxes take four lines per command, and their columns break option names.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(operations.accept_options)
    commands = {name: command for of_heading in sections.values() for name, command in of_heading.items()}
    for name, command in ({only: commands[only]} if only in commands else commands).items():
        if not isinstance(command, tuple):
            of_query = search.QueryCommand if command is search.search else None
            app.command(name, cls=of_query)(shell.runnable(command))
            continue
        description, of_group = command
        group = typer.Typer(help=description, no_args_is_help=True)
        # Otherwise Typer would run a single command as the whole application.
        group.callback()(lambda: None)
        for verb, run in of_group.items():
            group.command(verb)(shell.runnable(run))
        app.add_typer(group, name=name)
    return app


def tune_interpreter() -> None:
    """Collect garbage rarely, and switch threads often."""
    # Scanning modules, which are never freed, for garbage takes a third of a short command's time.
    gc.set_threshold(100_000)
    # The event loop waits as long for each turn of a thread that computes; 5 ms is the default.
    sys.setswitchinterval(0.001)


class _Output(io.FileIO):
    """Standard output. Raises PaperroundError if it cannot be written; one whose reader has gone ends the command."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())  # what is buffered would fail again
            if isinstance(error, BrokenPipeError):
                sys.exit(1)
            raise errors.PaperroundError(f"The output cannot be written: {error.strerror}.") from None


def _open_streams() -> None:
    """Make standard output an `_Output`, and what was closed a stream that goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        is_terminal, encoding = sys.stdout.isatty(), sys.stdout.encoding
        output = io.BufferedWriter(_Output(sys.stdout.fileno(), "w", closefd=False))
        sys.stdout = io.TextIOWrapper(output, encoding, line_buffering=is_terminal)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def main() -> None:
    """Run the command line and exit: 0 for success, 1 for problems, 2 for invalid arguments or settings."""
    tune_interpreter()
    atexit.register(gc.freeze)
    # To find plugins, pydantic would read the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _open_streams()
    if sys.argv[1:2] == ["run"]:
        # Until the event loop handles SIGTERM, since process 1 of a container ignores it by default.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        try:
            if sys.argv[1:] == ["healthcheck"]:
                # A supervisor runs this twice a minute. Not loading the other commands makes it three times as
                # fast.
                from bot.cli import healthcheck

                sys.exit(healthcheck.report())
            build_app("".join(sys.argv[1:2]))(prog_name="paperround")
        finally:
            sys.stdout.flush()
    except errors.PaperroundError as error:
        from bot.cli import shell

        shell.report_end(str(error))
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        from bot.core import program

        reason = program.describe_missing(error)
        try:
            from bot.cli import shell

            shell.report_end(reason)
        except ModuleNotFoundError:  # this needs the library, too
            sys.stderr.write(f"{reason}\n")
        sys.exit(errors.UsageError.exit_status)  # a supervisor need not try again
    except Exception as error:
        # Print an unexpected error as one line, or with a traceback at level debug.
        if os.environ.get("PAPERROUND_LOG", "").endswith("debug"):
            raise
        from bot.cli import shell

        first_line = str(error).partition("\n")[0][:200]
        shell.report_end(
            f"Internal error: {type(error).__name__}: {first_line}\n"
            "Run it again with PAPERROUND_LOG=console:debug, and report the output."
        )
        sys.exit(1)
