"""The command line: reads arguments, calls a service, prints what it says. One module a noun.

Commands import what they need inside their functions: `paperround parse` loads neither discord.py nor SQLAlchemy, and a
storage command starts in half a second.
"""

from __future__ import annotations

import gc
import os
import sys

import typer

from bot import errors
from bot.cli import (
    alerts,
    deliveries,
    digests,
    maintenance,
    output,
    run,
    search,
    sources,
    subscriptions,
    templates,
)

GC_THRESHOLD = 50_000


def build_app() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(
        name="paperround",
        help="Delivers each day's machine-learning papers to Discord, and finds the rest.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for module in (digests, search, deliveries, run, maintenance):
        module.register(app)
    for name, group in (
        ("channels", subscriptions.group),
        ("alerts", alerts.group),
        ("sources", sources.group),
        ("templates", templates.group),
    ):
        app.add_typer(group(), name=name)
    return app


def main() -> None:
    """Run the command line and end with its exit status: 0 done, 1 done with problems, 2 wrong usage or settings."""
    # Loading leaves next to no garbage, and looking for it takes a tenth of a short command's time.
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])
    try:
        build_app()()
    except errors.PaperroundError as error:
        for line in str(error).splitlines():
            output.error(line)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while closing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        # The last door: whatever nobody foresaw is one line for a person, and a traceback for who asks for it.
        if os.environ.get("PAPERROUND_LOG", "").endswith("debug"):
            raise
        first_line = str(error).partition("\n")[0][:200]
        output.error(f"something went wrong inside Paperround: {type(error).__name__}: {first_line}")
        output.error("run it again with PAPERROUND_LOG=console:debug to see where, and report that.")
        sys.exit(1)
