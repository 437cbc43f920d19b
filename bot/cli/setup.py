"""`paperround setup`: read the token and sources from a terminal or from options, write `.env`, and set at Discord what the
application lacks."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import dotenv
import typer
from pydantic import SecretStr

from bot.cli import shell
from bot.core import files, settings
from bot.core.settings import ENV_FILE, Settings
from storage import errors
from storage.errors import PaperroundError

if TYPE_CHECKING:
    from bot.client.command_sync import Application

TOKEN, SOURCES = "DISCORD_TOKEN", "PAPERROUND_SOURCES"
MAX_TOKEN_LENGTH = 1_000
_TOKEN_DOTS = 2
ATTEMPTS = 3
"""How many times `setup` asks for a valid token."""
INTRODUCTION = """\
The bot needs a token of its own:
  1. Open https://discord.com/developers/applications and press New Application. The name you give it is the bot's name.
  2. On its Bot page press Reset Token, and copy the token. Leave all Privileged Gateway Intents off.
"""
NEXT_STEPS = """\
{name} is ready. {written}

Next:
  1. Invite it to your server (you need Manage Server there):
     {invitation}
  2. Start it:  paperround run    (with systemd: systemctl start paperround, with Docker: docker compose up -d)
  3. In the channel for the papers, type /daily setup."""
PORTAL = {
    "installation": "On its Installation page choose Guild Install and User Install.",
    "description": "On its General Information page write what it does.",
    "icon": "On its General Information page upload {avatar} as its App Icon.",
}
"""What to do by hand in the portal if Discord is not asked to, or refuses."""
START = "\nStart the bot now, in this terminal, until you press Ctrl+C? (with Docker or systemd answer n)"


async def setup(
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token from the first line of stdin.")
    ] = False,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="S",
            help="A source, such as https://huggingface.co or arxiv:cs.CL; may be repeated.",
        ),
    ] = None,
    accept: Annotated[
        bool, typer.Option("--yes", help="Ask no questions. If no source is given or set, use Hugging Face.")
    ] = False,
    as_json: shell.AsJson = False,
) -> None:
    """Set up the bot's token and sources. Writes both to `.env` and prints the next steps.

    After a question, or with --yes, it also sets at Discord how the application is installed, its description and its icon,
    unless it has them.
    """
    from bot.client import permissions

    loaded, origins = shell.load_settings(), settings.setting_origins()
    file = Path(settings.ENV_FILE).resolve()
    # Before asking any questions.
    if (file.exists() and not file.is_file()) or not os.access(file.parent, os.W_OK | os.X_OK):
        raise PaperroundError(f"{file} cannot be written. Run setup in a folder that you may write to.")
    is_asking = sys.stdin.isatty() and not accept and not token_stdin
    token, application = await _find_application(loaded, origins[TOKEN], token_stdin, is_asking)
    kept = {name for name in (TOKEN, SOURCES) if origins[name] not in (settings.ENV_FILE, "default")}
    if SOURCES in kept and source:
        place = "the environment" if origins[SOURCES] == "environment" else origins[SOURCES]
        raise errors.UsageError(
            f"--source has no effect: {SOURCES} is set in {place}. Change it there, or use"
            " `paperround sources add`."
        )
    addresses = _choose_sources(loaded, source or (), is_asking and SOURCES not in kept)
    values = {TOKEN: token, SOURCES: " ".join(addresses)}
    values = {name: value for name, value in values.items() if name not in kept and value}
    if values:
        _write(file, values)
    wanted = loaded.model_copy(update={"discord_token": SecretStr(token)})
    completed, by_hand = await _complete(wanted, application, is_asking, accept)
    invitation = permissions.invitation_url(application.id)
    result = {
        "name": application.name,
        "application_id": str(application.id),
        "invitation": invitation,
        "sources": addresses,
        "file": str(file),
        "written": sorted(values),
        "completed": completed,
        "by_hand": by_hand,
    }
    written = f"Wrote {' and '.join(values)} to {file}." if values else f"{file} is unchanged."
    if completed:
        written += f" Set at Discord: {', '.join(completed)}."
    steps = [NEXT_STEPS.format(name=application.name, written=written, invitation=invitation)]
    steps += [f"  {number}. {what}" for number, what in enumerate(by_hand.values(), start=4)]
    shell.print_output(shell.Output(result, "\n".join(steps)), as_json)
    if is_asking and shell.ask(typer.confirm, START, default=True):
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-P", "-m", "bot", "run"])  # noqa: S606 - no shell is wanted


async def _complete(
    loaded: Settings, application: Application, is_asking: bool, accept: bool
) -> tuple[list[str], dict[str, str]]:
    """Set what the application's pages in the portal lack, if that is wanted.

    Returns the names of what was set, and what to do by hand by the name of what was not.
    """
    from bot.client import command_sync

    avatar = resources.files("bot.features.web") / "avatar.png"
    lacking = command_sync.find_lacking(application.pages, avatar.read_bytes())
    question = f"The application at Discord lacks: {', '.join(lacking)}. Set them now?"
    refused = dict.fromkeys(lacking, "")
    if lacking and (accept or (is_asking and shell.ask(typer.confirm, question, default=True))):
        try:
            refused = await command_sync.complete(loaded, lacking)
        except PaperroundError as error:
            refused = dict.fromkeys(lacking, str(error))
    by_hand = {
        name: PORTAL[name].format(avatar=avatar) + (reason and f" ({reason})")
        for name, reason in refused.items()
    }
    return [name for name in lacking if name not in refused], by_hand


async def _find_application(
    loaded: Settings, origin: str, token_stdin: bool, is_asking: bool
) -> tuple[str, Application]:
    """Return a valid token and its application.

    Raises UsageError if no token is given, PaperroundError if the login fails.
    """
    stored = loaded.discord_token.get_secret_value().strip() if loaded.discord_token else ""
    if origin == "environment" and (token_stdin or not stored):
        state = "set" if stored else "empty"
        raise errors.UsageError(
            f"{TOKEN} is {state} in the environment, which overrides .env. Unset it there first."
        )
    if token_stdin:
        typed = sys.stdin.readline(MAX_TOKEN_LENGTH).strip()
        if not typed:
            raise errors.UsageError(
                "The first line of stdin has no token. Nothing was written. Give the token in a file:"
                " `paperround setup --token-stdin < FILE`."
            )
        return await _check(loaded, typed)
    if not is_asking or origin == "environment":
        if not stored:
            raise errors.UsageError(
                "No token is set, and setup cannot ask for one without a terminal or with --yes. Give it on stdin:"
                " `paperround setup --token-stdin --yes < FILE`."
            )
        return await _check(loaded, stored)
    shell.echo(INTRODUCTION)
    keep = "; Enter keeps the one in use" if stored else ""
    for attempt in range(1, ATTEMPTS + 1):
        typed = shell.ask(
            typer.prompt,
            f"Token (not shown{keep})",
            default="" if stored else None,
            hide_input=True,
            show_default=False,
        )
        try:
            return await _check(loaded, typed.strip() or stored)
        except _WrongTokenError as error:
            if attempt == ATTEMPTS:
                raise
            shell.error(str(error))
    raise AssertionError("the last attempt returns or raises")


class _WrongTokenError(PaperroundError):
    """Raised if Discord rejects a token."""


async def _check(loaded: Settings, token: str) -> tuple[str, Application]:
    """Log in with a token. Raises _WrongTokenError, or PaperroundError if Discord is unreachable."""
    from bot.client import command_sync

    if token.count(".") != _TOKEN_DOTS:
        raise _WrongTokenError(
            "This is not a bot's token, which is three parts joined by dots. Copy it from the Bot page (Reset Token) of your"
            " application. Nothing was written."
        )
    shell.configure_logs()
    wanted = loaded.model_copy(update={"discord_token": SecretStr(token)})
    try:
        return token, await command_sync.identify(wanted)
    except PaperroundError as error:
        if str(error) == command_sync.WRONG_TOKEN:
            raise _WrongTokenError(f"{error} Nothing was written.") from error
        raise PaperroundError(
            f"{error} Nothing was written. Check the network and the firewall, and run setup again. Or write {TOKEN}=… and"
            f" {SOURCES}=https://huggingface.co into {ENV_FILE} yourself: `paperround run` waits until Discord answers."
        ) from error


def _choose_sources(loaded: Settings, named: Sequence[str], is_asking: bool) -> list[str]:
    """Return the URLs of the configured and chosen sources. Raises UsageError for an invalid one."""
    addresses = [source.url for source in loaded.sources]
    if is_asking and not named:
        if shell.ask(typer.confirm, "Use Hugging Face's daily papers, with votes?", default=True):
            addresses.append(loaded.hf_endpoint)
        while categories := shell.ask(
            typer.prompt,
            "arXiv categories for search and alerts, such as arxiv:cs.CL,cs.LG (press Enter to skip)",
            default="",
            show_default=False,
        ).replace(" ", ""):
            try:
                addresses.append(_check_source(loaded, f"arxiv:{categories.removeprefix('arxiv:')}"))
                break
            except errors.UsageError as error:
                shell.error(str(error))
    elif named or not addresses:
        addresses += [_check_source(loaded, address.strip()) for address in named or (loaded.hf_endpoint,)]
    return list(dict.fromkeys(addresses))


def _check_source(loaded: Settings, address: str) -> str:
    from bot.sources import kinds

    if not address or len(address.split()) > 1:
        raise errors.UsageError(
            f"--source takes one address, not {address!r}. Repeat --source for each address, and add one that has a space"
            " with `paperround sources add`."
        )
    kinds.check(kinds.guess_kind(address, kinds.service_endpoints(loaded)), address, {})
    return address


def _write(file: Path, values: Mapping[str, str]) -> None:
    """Set values in `.env`, which only its owner can read. Raises PaperroundError if it cannot be written."""
    with (
        files.reported(file, "It was not changed."),
        tempfile.TemporaryDirectory(prefix=".env.", dir=file.parent) as folder,
    ):
        copy = Path(folder, "copy")
        copy.touch(0o600)
        copy.write_bytes(file.read_bytes() if file.exists() else b"")
        for name, value in values.items():
            dotenv.set_key(copy, name, value)
        copy.replace(file)
