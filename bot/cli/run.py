"""Commands that start the bot, `run` and `demo`, and the option `--version`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bot.cli import arguments, context


def register(app: typer.Typer) -> None:
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
    from bot import errors, logs

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
    from bot import errors, logs
    from storage import models

    settings = context.load_settings()
    # SimCord makes discord.py warn about features that the demo does not use.
    logs.configure("console:error")
    language = arguments.parse_choice(models.Locale, locale or settings.locale, "language of the interface")
    try:
        from bot.demo import server
    except ModuleNotFoundError as error:
        raise errors.UsageError(
            f"The demo needs {error.name}: install Paperround from its checkout as '.[demo]' instead of '.',"
            " for example with pipx install '.[demo]'."
        ) from None

    sys.stderr.write("Starting the bot with sample digests on a local page; it takes a few seconds …\n")
    context.run_command(lambda: server.serve(port=port, locale=language, dm=dm))
