"""Router of commands, components and modals: a handler in a cog gets a `Request` and returns its answer, which is sent here."""

from __future__ import annotations

import functools
import inspect
import json
import math
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Concatenate, NamedTuple, ParamSpec

import discord
import structlog
from discord import app_commands, ui

from bot.accounts.service import TextTokenStore
from bot.client import custom_ids, message_builder, paper_text
from bot.client import messages as client_messages
from bot.client.context import Interaction as ContextInteraction
from bot.client.context import Request
from bot.client.translations import Argument
from bot.core import isolation
from bot.search.service import BusyError

# Responses to interactions: private, in place, or public.
#
# Views and modals are stopped before they are sent, since their components work by custom id alone; discord.py would
# otherwise keep each of them for 15 minutes, with a task.

log = structlog.get_logger(__name__)

Interaction = discord.Interaction[Any]
Files = Sequence[discord.File]
"""Attachments of a view (`attachment://…`). A file can be sent once."""


async def defer(interaction: Interaction, *, public: bool = False) -> None:
    """Defer the answer beyond Discord's 3 seconds. `public` is final: it decides who sees the answer."""
    if not interaction.response.is_done():
        await interaction.response.defer(ephemeral=not public, thinking=True)


async def acknowledge(interaction: Interaction) -> None:
    """Acknowledge a component whose message will be updated, or answered privately if it is public."""
    if interaction.response.is_done():
        return
    if is_ephemeral(interaction):
        await interaction.response.defer()
    else:
        await interaction.response.defer(ephemeral=True, thinking=True)


async def reply_privately(interaction: Interaction, view: ui.LayoutView, files: Files = ()) -> None:
    """Send an ephemeral message. The first one after `defer` replaces the deferred answer."""
    view.stop()
    if interaction.response.is_done():
        await interaction.followup.send(view=view, ephemeral=True, files=files)
    else:
        await interaction.response.send_message(view=view, ephemeral=True, files=files)


async def update_message(interaction: Interaction, view: ui.LayoutView, files: Files = ()) -> None:
    """Edit the message of a component if it is ephemeral, else answer with `reply_privately`."""
    view.stop()
    if not is_ephemeral(interaction):
        await reply_privately(interaction, view, files)
        return
    # `attachments` replaces the files of the previous view.
    changes: Any = {"view": view, "attachments": files, "allowed_mentions": discord.AllowedMentions.none()}
    if interaction.response.is_done():
        await interaction.edit_original_response(**changes)
    else:
        await interaction.response.edit_message(**changes)


async def acknowledge_in_place(interaction: Interaction) -> None:
    """Acknowledge a component of a message that only its reader sees, and which will be updated."""
    if not interaction.response.is_done():
        await interaction.response.defer()


async def update_own_message(interaction: Interaction, view: ui.LayoutView) -> None:
    """Edit the message of a component that only its reader sees: an ephemeral one, or a direct message of the bot."""
    view.stop()
    await interaction.edit_original_response(view=view, allowed_mentions=discord.AllowedMentions.none())


def find_marker(interaction: Interaction) -> str | None:
    """Return the marker of the delivery whose message the component is in, so that an edit keeps it; None without one."""
    if interaction.message is None:
        return None
    ids = _list_custom_ids(interaction.message.components)
    return next(filter(None, map(custom_ids.find_marker, ids)), None)


def _list_custom_ids(components: Sequence[Any]) -> list[str]:
    """Return the custom ids of components and of those below them."""
    found: list[str] = []
    for component in components:
        found += _list_custom_ids(getattr(component, "children", ()))
        if custom_id := getattr(component, "custom_id", None):
            found.append(str(custom_id))
    return found


async def reply_publicly(interaction: Interaction, view: ui.LayoutView, files: Files = ()) -> None:
    """Send a message to the channel, after `defer(public=True)`."""
    view.stop()
    await interaction.followup.send(view=view, files=files)


async def open_modal(interaction: Interaction, modal: ui.Modal) -> None:
    """Open a modal. It must be the first response, so the interaction cannot be deferred before."""
    modal.stop()
    await interaction.response.send_modal(modal)


async def open_dm(request: Request) -> None:
    """Open the reader's direct messages now, on request: Discord treats opening many at once as spam."""
    try:
        dm_channel_id = (await request.interaction.user.create_dm()).id
    except discord.HTTPException as error:
        log.info("direct message not opened", user=request.user_id, code=error.code)
        dm_channel_id = None
    locale = request.texts.locale
    await request.services.readers.update(request.user_id, locale=locale, dm_channel_id=dm_channel_id)


def is_ephemeral(interaction: Interaction) -> bool:
    """Return whether the component's message is ephemeral."""
    return interaction.message is not None and interaction.message.flags.ephemeral


def display_name(interaction: Interaction) -> str:
    """Return the user's display name in this server, escaped and limited to 60 characters."""
    return paper_text.escape_untrusted(interaction.user.display_name, max_length=60)


class WithFiles(NamedTuple):
    """A view with its attachments."""

    view: ui.LayoutView
    files: Files


Answer = ui.LayoutView | WithFiles | list[ui.LayoutView] | ui.Modal | None
"""What a handler returns. Of several views those after the first are private messages; None is sent by the handler itself."""


class Way(NamedTuple):
    """How a handler answers: the response before it runs, None for an answer within 3 seconds, and how its view is sent."""

    first: Callable[[Interaction], Awaitable[None]] | None
    send: Callable[..., Awaitable[None]]


IN_PLACE = Way(acknowledge, update_message)
"""In the message of the component if only the user sees it, else privately."""
PRIVATELY = Way(defer, reply_privately)
"""In a new private message."""
AT_ONCE = Way(None, reply_privately)
"""With a modal, or in a new private message without delay."""
IN_OWN_MESSAGE = Way(acknowledge_in_place, update_own_message)
"""In the message of the component, which only the user sees; it may be a direct message."""
PUBLICLY = Way(None, reply_publicly)
"""In the channel. The handler defers by itself, once it is certain that it will not refuse."""


async def send(interaction: Interaction, answer: Answer, way: Way) -> None:
    """Send what a handler returned in its way."""
    match answer:
        case None:
            return
        case ui.Modal():
            await open_modal(interaction, answer)
        case WithFiles(view, files):
            await way.send(interaction, view, files)
        case ui.LayoutView():
            await way.send(interaction, answer)
        case [first, *others]:
            await way.send(interaction, first)
            for view in others:
                await reply_privately(interaction, view)


# Error messages for users: the text of a UserError, or a general one with a reference to the log entry.


class UserError(app_commands.AppCommandError):
    """A request that is refused or cannot be met. `key` is the text that explains why."""

    def __init__(self, key: str, **arguments: Argument) -> None:
        super().__init__(key)
        self.key = key
        self.arguments = arguments


@contextmanager
def map_service_errors(text_ids: Mapping[type[Exception], str], **arguments: int) -> Iterator[None]:
    """Raise UserError with the Fluent id of an exception that is in the table; others pass through."""
    try:
        yield
    except tuple(text_ids) as error:
        text_id = next(text_id for kind, text_id in text_ids.items() if isinstance(error, kind))
        raise UserError(text_id, **arguments) from error


async def handle_error(interaction: ContextInteraction, error: BaseException) -> None:
    """Report an error privately. Never raises: if the answer fails too, it is logged."""
    cause = (
        error.__cause__ if isinstance(error, app_commands.CommandInvokeError) and error.__cause__ else error
    )
    key, arguments = _error_message(interaction, cause)
    try:
        texts = await interaction.client.texts_for(interaction)
        view = client_messages.text_view(texts(key, **arguments), accent=message_builder.RED)
        await reply_privately(interaction, view)
    except Exception as failure:  # noqa: BLE001 - an expired interaction (10062) or storage: no other way to answer
        log.warning("interaction not answered", error=str(failure), kind=type(failure).__name__, about=key)


def _error_message(
    interaction: discord.Interaction[Any], error: BaseException
) -> tuple[str, dict[str, Argument]]:
    if isinstance(error, UserError):
        return error.key, error.arguments
    if isinstance(error, custom_ids.InvalidCustomIdError):
        return "outdated-control", {}
    if isinstance(error, app_commands.MissingPermissions):
        return "needs-manage-server", {}
    if isinstance(error, app_commands.NoPrivateMessage):
        return "only-in-servers", {}
    if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        return "outdated-command", {}
    reference = secrets.token_hex(3)
    isolation.log_error(
        log,
        "interaction failed",
        error,
        reference=reference,
        interaction=interaction.id,
        command=interaction.command.qualified_name if interaction.command else None,
    )
    return "broken", {"reference": reference}


P = ParamSpec("P")
Check = Callable[[ContextInteraction], None]
Handler = Callable[[ContextInteraction, custom_ids.Action], Awaitable[None]]
CogMethod = Callable[Concatenate[Any, Request, P], Awaitable[Answer]]
Callback = Callable[Concatenate[Any, discord.Interaction[Any], P], Coroutine[Any, Any, None]]


class ComponentRouter:
    """Dispatch table from verbs to handlers, filled as cogs are loaded."""

    def __init__(self) -> None:
        self._routes: dict[str, tuple[Check | None, Handler]] = {}

    def register(self, cog: object) -> None:
        """Register the methods of `cog` that are marked with `handles`. Raises ValueError for a duplicate verb."""
        for _, method in inspect.getmembers(cog, inspect.iscoroutinefunction):
            if (mark := getattr(method, "__route__", None)) is None:
                continue
            verb, check = mark
            if verb in self._routes:
                raise ValueError(f"two handlers claim {verb!r}")
            self._routes[verb] = check, method

    async def dispatch(self, interaction: ContextInteraction, action: custom_ids.Action) -> None:
        """Run the handler of an action. Errors and unknown verbs are reported to the user, never raised."""
        try:
            if action.verb not in self._routes:
                raise UserError("outdated-control")
            check, handler = self._routes[action.verb]
            if check is not None:
                check(interaction)
            await handler(interaction, action)
        except Exception as error:  # noqa: BLE001 - discord.py would drop it, and the user would see no answer
            await handle_error(interaction, error)


def answers(
    way: Way | Callable[[custom_ids.Action], Way] = PRIVATELY,
) -> Callable[[CogMethod[P]], Callback[P]]:
    """Decorate a cog's method as the callback of a command: it gets a `Request`, and what it returns is sent in this way."""

    def decorate(method: CogMethod[P]) -> Callback[P]:
        @functools.wraps(method)
        async def run(
            cog: Any, interaction: discord.Interaction[Any], /, *arguments: P.args, **options: P.kwargs
        ) -> None:
            chosen = way if isinstance(way, Way) else way(*arguments)  # type: ignore[arg-type]
            if chosen.first is not None:
                await chosen.first(interaction)
            request = Request(interaction, await interaction.client.texts_for(interaction))
            await send(interaction, await method(cog, request, *arguments, **options), chosen)

        # discord.py would resolve the annotations of the options with the names of this module.
        run.__signature__ = inspect.signature(method, eval_str=True)  # type: ignore[attr-defined]
        return run

    return decorate


def command(
    *, name: str, description: str, way: Way = PRIVATELY
) -> Callable[[CogMethod[P]], app_commands.Command[Any, P, None]]:
    """Make a cog's method a slash command, as `app_commands.command` does, of which the answer is sent as with `answers`."""

    def decorate(method: CogMethod[P]) -> app_commands.Command[Any, P, None]:
        return app_commands.command(name=name, description=description)(answers(way)(method))

    return decorate


def handles(
    verb: str, way: Way | Callable[[custom_ids.Action], Way] = IN_PLACE, *, check: Check | None = None
) -> Callable[[CogMethod[P]], Callback[P]]:
    """Mark a cog's method as the handler of a verb. It gets a `Request` and the action, and what it returns is sent in this way.

    `check` runs before everything else and raises UserError to refuse. A way may depend on the action.
    """

    def decorate(method: CogMethod[P]) -> Callback[P]:
        run = answers(way)(method)
        run.__route__ = verb, check  # type: ignore[attr-defined]
        return run

    return decorate


def selected_values(interaction: discord.Interaction[Any]) -> list[str]:
    """Return the selected values of the select menu that triggered the interaction."""
    data: Any = interaction.data or {}
    return [str(value) for value in data.get("values", ())]


def selected_value(interaction: discord.Interaction[Any]) -> str:
    """Return the first selected value. Raises InvalidCustomIdError if there is none, or one that we never offer."""
    value = next(iter(selected_values(interaction)), "")
    if not value or not value.isprintable():
        raise custom_ids.InvalidCustomIdError(f"{value!r} is no value of a menu")
    return value


def modal_values(interaction: discord.Interaction[Any]) -> dict[str, str]:
    """Return the fields of a submitted modal by custom id; several selected values are joined with commas."""
    data: Any = interaction.data or {}
    values: dict[str, str] = {}
    pending = list(data.get("components", ()))
    while pending:
        component = pending.pop()
        pending += component.get("components", ())
        if "component" in component:
            pending.append(component["component"])
        if "values" in component:
            values[component["custom_id"]] = ",".join(map(str, component["values"]))
        elif "value" in component:
            # PostgreSQL stores no NUL.
            values[component["custom_id"]] = str(component["value"] or "").replace("\0", "")
    return values


def uploaded_file(interaction: discord.Interaction[Any]) -> tuple[str, int]:
    """Return the address and the size in bytes of the file of a submitted modal. Raises InvalidCustomIdError without one."""
    data: Any = interaction.data or {}
    with custom_ids.map_parse_errors():
        files = list(data["resolved"]["attachments"].values())
        if not files:
            raise ValueError("the modal has no file")
        return str(files[0]["url"]), int(files[0]["size"])


async def store_typed(tokens: TextTokenStore, payload: str, values: Mapping[str, str]) -> str:
    """Return a token for the payload and the values of a modal that was refused."""
    return await tokens.save(f"{payload}\n{json.dumps(dict(values))}")


async def load_typed(tokens: TextTokenStore, token: str) -> tuple[str, dict[str, str]]:
    """Return the payload and the values of a refused modal. Raises UserError if they were overwritten."""
    stored = await tokens.get(token)
    if stored is None:
        raise UserError("outdated-control")
    payload, _, typed = stored.partition("\n")
    with custom_ids.map_parse_errors():
        return payload, json.loads(typed)


def walk_components(components: Any) -> Iterator[Any]:
    """Yield the components of a message with their children, depth first."""
    for component in components:
        yield component
        yield from walk_components(getattr(component, "children", ()))


# Admission of readers' look-ups: a cooldown per reader, and a bounded queue for all.


@asynccontextmanager
async def admitted_lookup(interaction: ContextInteraction) -> AsyncIterator[None]:
    """Run the block as a look-up of this reader. Raises UserError if the reader asks too often, or too many ask at once.

    Use it after the interaction is deferred, and not within another one.
    """
    # Discord's own time, which no wrong clock of this machine changes.
    asked_at = interaction.created_at.timestamp()
    seconds = interaction.client.cooldowns.update_rate_limit(interaction, asked_at)
    if seconds is not None:
        raise UserError("cooldown", seconds=max(1, math.ceil(seconds)))
    try:
        async with interaction.client.services.lookups.admitted():
            yield
    except BusyError:
        raise UserError("busy") from None


# The text of a message, for commands of its menu: its own, that of link previews, and that of forwarded messages.

MAX_LENGTH = 20_000
"""Characters that are read: five times the longest message."""


def read_text(message: discord.Message) -> str:
    """Return all text and addresses of a message, one part a line, shortened."""
    return "\n".join(_parts(message))[:MAX_LENGTH]


def _parts(message: discord.Message) -> Iterator[str]:
    parts: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    for part in parts:
        yield part.content
        for embed in part.embeds:
            yield from filter(None, (embed.url, embed.title, embed.description))
            yield from (field.value or "" for field in embed.fields)
        for component in walk_components(part.components):
            yield from filter(None, (getattr(component, name, None) for name in ("content", "url")))
