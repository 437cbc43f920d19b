"""The command line, one module per group of commands: parses arguments, calls a service, prints the result.

Commands import their dependencies inside their functions: `paperround parse` loads neither discord.py nor SQLAlchemy,
and a storage command starts in half a second.
"""

from __future__ import annotations

import errno
import gc
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from storage import errors

if TYPE_CHECKING:
    import typer

GC_THRESHOLD = 50_000
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SEARCH_COMMANDS = ("search", "author", "paper")
"""The commands of `search`, for which the modules of the others are not loaded."""


def build_app(command: str = "") -> typer.Typer:
    """Build the application of all commands; for the name of a command or group, with that alone.

    Typer reads the signatures of all commands that it is given, which takes a tenth of a second. For a `command` that searches
    not even the modules of the others are loaded: people wait for these.
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
        commands = [info for info in app.registered_commands if _name(info) == command]
        groups = [info for info in app.registered_groups if info.name == command]
        if commands or groups:
            app.registered_commands, app.registered_groups = commands, groups
    return app


def _name(info: typer.models.CommandInfo) -> str | None:
    return info.name or (info.callback and info.callback.__name__)


def _register_all(app: typer.Typer) -> None:
    import typer

    from bot.cli import alerts, answers, digests, operations, readers, search, setup, sources, subscriptions

    command: Callable[..., None]
    for command in (digests.parse, digests.ingest, digests.digest, digests.export):
        app.command()(command)
    search.register(app)
    for command in (answers.trends, answers.similar, answers.why, answers.status):
        app.command()(command)
    app.command("saved")(readers.print_saved)
    app.command()(answers.glossary)
    app.command()(digests.write)
    app.command("deliveries")(readers.list_deliveries)
    app.command()(setup.setup)
    app.callback()(operations.accept_options)
    app.command()(operations.run)
    app.command()(operations.demo)
    app.command("mcp")(operations.serve_tools)
    for command in (operations.reindex, operations.backup, operations.doctor):
        app.command()(command)
    app.command("healthcheck")(operations.ask_health)
    groups: dict[tuple[str, str], dict[str, Callable[..., None]]] = {
        ("db", "Upgrade the database, or copy it to another one."): {
            "upgrade": operations.upgrade,
            "copy": operations.copy_database,
        },
        ("channels", "Manage daily posts."): {
            "add": subscriptions.add,
            "list": subscriptions.list_rows,
            "edit": subscriptions.edit,
            "pause": subscriptions.pause,
            "resume": subscriptions.resume,
            "remove": subscriptions.remove,
        },
        ("alerts", "Manage alerts."): {
            "add": alerts.add,
            "list": alerts.list_rows,
            "edit": alerts.edit,
            "preview": alerts.preview,
            "institutions": alerts.list_institutions,
            "remove": alerts.remove,
        },
        ("readers", "Show or delete the data kept about a user."): {
            "data": readers.data,
            "forget": readers.forget,
        },
        ("sources", "Manage the sources of digests and papers."): {
            "add": sources.add,
            "list": sources.list_rows,
            "edit": sources.edit,
            "remove": sources.remove,
            "fetch": sources.fetch,
        },
        ("templates", "Check the templates of posts."): {"check": operations.check_templates},
        ("web", "Build the archive as web pages and feeds."): {"build": operations.build_web},
        ("config", "Export or apply the set-up as a file."): {
            "export": operations.export_set_up,
            "apply": operations.apply_set_up,
        },
    }
    for (name, description), of_group in groups.items():
        group = typer.Typer(help=description, no_args_is_help=True)
        # Without it a single command would be the group itself.
        group.callback()(lambda: None)
        for verb, run in of_group.items():
            group.command(verb)(run)
        app.add_typer(group, name=name)


def _describe_number(error: Any) -> str:
    """Return what is wrong with a number, with its option, what was given and the range; "" for any other wrong usage."""
    problem = error.__cause__
    if not hasattr(problem, "errors"):  # it is not pydantic's, which checks values for Typer
        return ""
    schema = error.param.get_runtime_param().adapter.json_schema()
    numbers = [row for row in (schema, *schema.get("anyOf", ())) if row.get("type") == "integer"]
    if not numbers:
        return ""
    low, high = numbers[0].get("minimum"), numbers[0].get("maximum")
    within = (
        f" from {low} to {high}" if high is not None else f" of at least {low}" if low is not None else ""
    )
    given = str(problem.errors()[0]["input"])[:40]
    name = error.param.opts[0] if error.param.param_type_name == "option" else error.param.metavar
    return f"{name} is {given!r}; it must be a whole number{within}"


def _run(arguments: list[str]) -> int:
    """Run a command and return its exit status. Errors of the arguments are one line, like all others."""
    import typer

    from bot.cli import shell

    command = typer.main.get_command(build_app(*arguments[:1]))
    # Typer does not export the base class of wrong usage, which is Click's or its own copy of it.
    usage_error = cast("type[typer.BadParameter]", typer.BadParameter.__base__)
    try:
        status = command.main(arguments, prog_name="paperround", standalone_mode=False)
    except typer.Abort:
        return 130
    except usage_error as error:
        message = error.format_message()
        if error.ctx and message == error.ctx.get_help():  # a group without a command
            typer.echo(message, err=True)
            return 2
        where = error.ctx.command_path if error.ctx else "paperround"
        message = _describe_number(error) or message.replace("Value error, ", "")  # pydantic's words
        end = "" if message.endswith((".", "?")) else "."
        shell.error(f"{message}{end} See `{where} --help`.")
        return 2
    return status if isinstance(status, int) else 0


def _open_streams() -> None:
    """Open the streams that the caller closed (`>&-`), and let stdout print what its encoding lacks as escapes.

    With PYTHONUNBUFFERED, as in the image, it writes a part of a text on a full disk and says nothing, so lines are buffered.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        if isinstance(sys.stdout.buffer, io.RawIOBase):
            descriptor, encoding = sys.stdout.fileno(), sys.stdout.encoding
            sys.stdout = open(descriptor, "w", buffering=1, encoding=encoding, closefd=False)  # noqa: SIM115
        sys.stdout.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run the command line and exit: 0 for success, 1 for problems, 2 for wrong usage or settings."""
    # Imports leave little garbage, and collecting it takes a tenth of a short command's time.
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])
    # pydantic would read the metadata of every installed package to find its plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _open_streams()
    if sys.argv[1:2] == ["run"]:
        # Until its loop does this. The first process of a container would not end by itself.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        if sys.argv[1:] == ["healthcheck"]:
            # A supervisor asks twice a minute: without the other commands it takes a third of the time.
            from bot.cli import healthcheck

            sys.exit(healthcheck.report())
        sys.exit(_run(sys.argv[1:]))
    except errors.PaperroundError as error:
        from bot.cli import shell

        for line in str(error).splitlines():
            shell.error(line)
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
        from bot.cli import shell

        if isinstance(error, OSError) and error.errno in _FULL:
            shell.error(f"Output cannot be written: {error.strerror}. Free space, and run it again.")
        else:
            first_line = str(error).partition("\n")[0][:200]
            shell.error(f"Internal error: {type(error).__name__}: {first_line}")
            shell.error("Run it again with PAPERROUND_LOG=console:debug, and report the output.")
        sys.exit(1)
