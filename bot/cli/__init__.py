"""The command line, one module per group of commands: parses arguments, calls a service, prints the result.

Commands import their dependencies inside their functions: `paperround parse` loads neither discord.py nor SQLAlchemy,
and a storage command starts in half a second.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, cast

from storage import errors

if TYPE_CHECKING:
    import typer

GC_THRESHOLD = 50_000
SEARCH_COMMANDS = ("search", "author", "paper")
"""The commands of `search`, for which the modules of the others are not loaded."""


def build_app(command: str = "") -> typer.Typer:
    """Build the application of all commands; for a `command` that searches, with such commands alone.

    People wait for these, and the others take a tenth of a search.
    """
    import typer

    from bot.cli import search

    app = typer.Typer(
        name="paperround",
        help="Post daily machine-learning papers to Discord and search the archive.",
        no_args_is_help=True,
        # Only the application of all commands is asked for completions; the smaller one starts faster.
        add_completion=command not in SEARCH_COMMANDS,
        pretty_exceptions_enable=False,
        # Boxes cost four lines a command, and their columns break the names of options.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    if command in SEARCH_COMMANDS:
        search.register(app)
    else:
        _register_all(app)
    return app


def _register_all(app: typer.Typer) -> None:
    from bot.cli import (
        alerts,
        answers,
        config,
        digests,
        operations,
        readers,
        search,
        setup,
        sources,
        subscriptions,
    )

    for register in (
        digests.register_digests,
        search.register,
        answers.register_answers,
        readers.register_saved,
        answers.register_glossary,
        digests.register_write,
        readers.register_deliveries,
        setup.register,
        operations.register_run,
        operations.register_maintenance,
    ):
        register(app)
    for name, group in (
        ("channels", subscriptions.group),
        ("alerts", alerts.group),
        ("readers", readers.group),
        ("sources", sources.group),
        ("templates", operations.group),
        ("web", operations.web_group),
        ("config", config.group),
    ):
        app.add_typer(group(), name=name)


def _run(arguments: list[str]) -> int:
    """Run a command and return its exit status. Errors of the arguments are one line, like all others."""
    import typer

    from bot.cli import output

    command = typer.main.get_command(build_app(*arguments[:1]))
    # Typer does not export the base class of wrong usage, which is Click's or its own copy of it.
    usage_error = cast("type[typer.BadParameter]", typer.BadParameter.__base__)
    try:
        status = command.main(arguments, prog_name="paperround", standalone_mode=False)
    except typer.Abort:
        return 130
    except usage_error as error:
        # A group without a command has printed its help, and has no message.
        if message := error.format_message():
            where = error.ctx.command_path if error.ctx else "paperround"
            end = "" if message.endswith((".", "?")) else "."
            output.error(f"{message}{end} `{where} --help` lists what it takes.")
        return 2
    return status if isinstance(status, int) else 0


def main() -> None:
    """Run the command line and exit: 0 for success, 1 for problems, 2 for wrong usage or settings."""
    # Imports leave little garbage, and collecting it takes a tenth of a short command's time.
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])
    # pydantic would read the metadata of every installed package to find its plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        if sys.argv[1:] == ["healthcheck"]:
            # A supervisor asks twice a minute: without the other commands it takes a third of the time.
            from bot.cli import healthcheck

            sys.exit(healthcheck.report())
        sys.exit(_run(sys.argv[1:]))
    except errors.PaperroundError as error:
        from bot.cli import output

        for line in str(error).splitlines():
            output.error(line)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of stdout has exited; Python would report that a second time while closing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        # The last handler: an unexpected error is one line for a person, and a traceback at level debug.
        if os.environ.get("PAPERROUND_LOG", "").endswith("debug"):
            raise
        from bot.cli import output

        first_line = str(error).partition("\n")[0][:200]
        output.error(f"something went wrong inside Paperround: {type(error).__name__}: {first_line}")
        output.error("run it again with PAPERROUND_LOG=console:debug to see where, and report that.")
        sys.exit(1)
