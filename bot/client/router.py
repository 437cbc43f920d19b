"""Route commands, components and modals to cogs' methods, which get a `Request` and return the reply.

Views and modals are stopped before they are sent, since their components are routed by custom id. Otherwise
discord.py would keep each in memory for 15 minutes, with a task.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, Concatenate, NamedTuple, ParamSpec

import aiohttp
import discord
import structlog
from discord import app_commands, ui

from bot.client import custom_ids, message_builder, paper_texts
from bot.client import messages as client_messages
from bot.client.context import Interaction, Request
from bot.client.texts import Texts
from bot.core import isolation
from bot.rendering import discord_text
from storage import accounts, errors

log = structlog.get_logger(__name__)

AnyInteraction = discord.Interaction[Any]

MAX_LENGTH = 20_000
"""The most characters read from a message: five times the longest message."""
TRANSFER_SECONDS = 60.0
"""The time limit for a transfer once it is admitted."""


class WithFile(NamedTuple):
    """A view with an optional file (`attachment://<name>`). Only handlers marked with `transfers` may return large files."""

    view: ui.LayoutView
    file: discord.File | None


Reply = ui.LayoutView | WithFile | list[ui.LayoutView] | ui.Modal | None
"""A handler's reply. Views after the first are private. None means that the handler has replied itself."""


@dataclass(frozen=True, slots=True)
class Transfer(Request):
    """A request that exports or imports data, for which an uploaded file can be read."""

    is_kept: bool
    """Whether there was data about the reader when the transfer was requested, which may be minutes ago."""

    async def read_upload(self, url: str) -> bytes:
        """Download an attachment whose size the caller has checked.

        Raises UserError if the download fails.
        """
        try:
            return await self.interaction.client.http.get_from_cdn(url)
        except (discord.HTTPException, aiohttp.ClientError) as error:
            log.info("attachment not downloaded", error=str(error))
            raise UserError("upload-failed") from error


# How replies are sent.


async def defer(interaction: AnyInteraction, *, public: bool = False) -> None:
    """Tell Discord that the reply may take over 3 s. Whether everyone sees it (`public`) is then fixed."""
    await interaction.response.defer(ephemeral=not public, thinking=True)


async def _acknowledge(interaction: AnyInteraction) -> None:
    """Acknowledge a component, either to update its message or, if that is public, to reply privately."""
    if is_ephemeral(interaction):
        await _acknowledge_in_place(interaction)
    else:
        await defer(interaction)


async def _acknowledge_in_place(interaction: AnyInteraction) -> None:
    await interaction.response.defer()


async def reply_privately(interaction: AnyInteraction, view: ui.LayoutView, *files: discord.File) -> None:
    """Send an ephemeral message. The first one after `defer` replaces the deferred reply."""
    view.stop()
    if interaction.response.is_done():
        await interaction.followup.send(view=view, ephemeral=True, files=files)
    else:
        await interaction.response.send_message(view=view, ephemeral=True, files=files)


async def reply_publicly(interaction: AnyInteraction, view: ui.LayoutView, *files: discord.File) -> None:
    """Replace the message of `defer(public=True)` with the reply.

    This is an edit: discord.py retries after a server error, which could post a new message twice.
    """
    interaction.extras[_SHARED_ID] = (await edit_reply(interaction, view, *files)).id


_SHARED_ID = "shared_id"
"""The key in an interaction's extras for the id of the public message."""


async def _offer_to_take_back(request: Request) -> None:
    """Confirm privately that a message was shared, with a delete button if the bot is in the server."""
    interaction, texts = request.interaction, request.texts
    if not interaction.is_guild_integration():
        await interaction.client.prepare_guild(interaction.guild_id)
        if interaction.client.get_guild(interaction.guild_id or 0) is None:
            return
    custom_id = custom_ids.pack_custom_id(client_messages.TAKE_BACK, interaction.extras[_SHARED_ID])
    take_back = message_builder.button(texts("share-take-back"), custom_id)
    view = client_messages.text_view(texts("share-done"), take_back)
    with suppress(discord.HTTPException):  # the message was shared anyway
        await reply_privately(interaction, view)


async def update_message(interaction: AnyInteraction, view: ui.LayoutView, *files: discord.File) -> None:
    """Edit a component's message if it is ephemeral, else reply with `reply_privately`."""
    send = edit_reply if is_ephemeral(interaction) else reply_privately
    await send(interaction, view, *files)


async def edit_reply(
    interaction: AnyInteraction, view: ui.LayoutView, *files: discord.File
) -> discord.InteractionMessage:
    """Replace the first reply or, for a component deferred in place, its message, with its files. Returns the message."""
    view.stop()
    return await interaction.edit_original_response(
        view=view, attachments=files, allowed_mentions=discord.AllowedMentions.none()
    )


class ResponseMode(NamedTuple):
    """How a handler responds: how to defer first (None if it replies within 3 seconds), and how to send."""

    defer: Callable[[AnyInteraction], Awaitable[None]] | None
    send: Callable[..., Awaitable[object]]


IN_PLACE = ResponseMode(_acknowledge, update_message)
"""In the component's message if only the user sees it, otherwise privately."""
PRIVATELY = ResponseMode(defer, reply_privately)
"""In a new private message."""
AT_ONCE = ResponseMode(None, reply_privately)
"""With a modal or a new private message, within 3 seconds."""
IN_OWN_MESSAGE = ResponseMode(_acknowledge_in_place, edit_reply)
"""In the component's message, which only the user sees. It may be a direct message."""
PUBLICLY = ResponseMode(None, reply_publicly)
"""In the channel. The handler defers the reply itself, once nothing can be rejected."""


async def _send(interaction: AnyInteraction, answer: Reply, mode: ResponseMode) -> None:
    match answer:
        case None:
            return
        case ui.Modal():
            # A modal must be the first response, so its handler is not deferred.
            answer.stop()
            await interaction.response.send_modal(answer)
        case WithFile(view, file):
            await mode.send(interaction, view, *filter(None, [file]))
        case ui.LayoutView():
            await mode.send(interaction, answer)
        case [first, *others]:
            await mode.send(interaction, first)
            for view in others:
                await reply_privately(interaction, view)


# Errors: a UserError's text, or a generic text with a reference to the log entry.


class UserError(app_commands.AppCommandError, errors.UsageError):
    """Raised for a request that is rejected or cannot be fulfilled. `arguments` are Markdown."""

    def __init__(self, key: str, **arguments: str | int) -> None:
        errors.UsageError.__init__(self, key, key, **arguments)


_REFUSALS = {
    custom_ids.InvalidCustomIdError: "outdated-control",
    app_commands.MissingPermissions: "needs-manage-server",
    app_commands.NoPrivateMessage: "only-in-servers",
    app_commands.CommandNotFound: "outdated-command",
    app_commands.CommandSignatureMismatch: "outdated-command",
}


_TOO_LATE = frozenset({10008, 10015, 10062, 40060, 50027})
"""Discord's codes for interactions that are unknown, expired or answered, or whose message is deleted."""


def refusal_text(texts: Texts, error: errors.UsageError) -> str:
    """Return why a request was refused. Raises KeyError if the error has no text for readers."""
    arguments = error.arguments
    if not isinstance(error, UserError):
        arguments = {
            name: paper_texts.escape_untrusted(value, max_length=60) if isinstance(value, str) else value
            for name, value in arguments.items()
        }
    return texts(error.key, **arguments)


async def handle_error(interaction: Interaction, error: BaseException) -> None:
    """Report an error privately. Never raises: a failure to reply is logged."""
    if isinstance(error, app_commands.CommandInvokeError) and error.__cause__:
        error = error.__cause__
    if isinstance(error, discord.HTTPException) and error.code in _TOO_LATE:
        log.warning("interaction too late", reason=str(error), interaction=interaction.id)
        return
    refusal = _explain(interaction, error)
    try:
        text = refusal_text(await interaction.client.texts_for(interaction), refusal)
        await reply_privately(interaction, client_messages.text_view(text, accent=message_builder.RED))
    except Exception as failure:  # noqa: BLE001 - e.g. an expired interaction or no database: no way to reply
        kind = type(failure).__name__
        log.warning("interaction not answered", error=str(failure), kind=kind, about=refusal.key)


def _explain(interaction: AnyInteraction, error: BaseException) -> errors.UsageError:
    if isinstance(error, errors.UsageError) and error.key:
        return error
    for kind, key in _REFUSALS.items():
        if isinstance(error, kind):
            return UserError(key)
    reference = secrets.token_hex(3)
    isolation.log_error(
        log,
        "interaction failed",
        error,
        reference=reference,
        interaction=interaction.id,
        command=interaction.command.qualified_name if interaction.command else None,
    )
    return UserError("broken", reference=reference)


# Permissions when a button or command is used: a person's to share and to manage, and the bot's to post.
# Custom ids can be forged, so their channel must belong to the interaction's server. Permissions may have
# changed since a preview or a notice was sent.

REQUIRED = ("view_channel", "send_messages", "read_message_history")
"""The history is needed to find a message whose reply from Discord was lost."""

INVITED = discord.Permissions(
    **dict.fromkeys(REQUIRED, True),
    send_messages_in_threads=True,
    create_public_threads=True,
    embed_links=True,
    attach_files=True,
    send_polls=True,
    create_events=True,
)
"""The permissions that an invitation requests. `docs/install.md` explains them."""

Channel = Any
"""A server's channel or thread, as discord.py caches it."""


def invitation_url(application_id: int) -> str:
    """Return the URL with which a server's manager can invite the bot."""
    scopes = ("bot", "applications.commands")
    return discord.utils.oauth_url(application_id, permissions=INVITED, scopes=scopes)


def may_share(interaction: Interaction) -> bool:
    """Return whether the user may write in this channel. False in direct messages."""
    if interaction.guild_id is None:
        return False
    permissions = interaction.permissions
    if isinstance(interaction.channel, discord.Thread):
        return permissions.send_messages_in_threads
    return permissions.send_messages


def require_may_share(interaction: Interaction) -> None:
    """Raise UserError if the user may not write in this channel."""
    if not may_share(interaction):
        raise UserError("may-not-share")


def is_manager(interaction: Interaction) -> bool:
    """Return whether the user manages this server. False in direct messages."""
    return interaction.guild_id is not None and interaction.permissions.manage_guild


def may_see(interaction: Interaction, channel_id: int) -> bool:
    """Return whether the user may see a channel of the server. Only managers see unknown channels."""
    if channel_id == interaction.channel_id or is_manager(interaction):
        return True
    channel = None if interaction.guild is None else interaction.guild.get_channel_or_thread(channel_id)
    member = interaction.user
    if channel is None or not isinstance(member, discord.Member):
        return False
    return channel.permissions_for(member).view_channel


def name_channels(interaction: Interaction, channel_ids: Iterable[int]) -> dict[int, str]:
    """Return the names of the channels that the bot can see, keyed by channel id."""
    channels = map(interaction.client.get_channel, channel_ids)
    return {channel.id: channel.name for channel in channels if isinstance(channel, discord.abc.GuildChannel)}


def require_manager(interaction: Interaction) -> None:
    """Raise UserError if the user does not manage this server."""
    if not is_manager(interaction):
        raise UserError("needs-manage-server")


async def require_may_mention(interaction: Interaction, channel: Channel, role_id: int | None) -> None:
    """Raise UserError if the user may not mention the role in the channel. A deleted role is allowed."""
    role = None if role_id is None else channel.guild.get_role(role_id)
    if role is None or role.mentionable:
        return
    member = await fetch_member(interaction, channel.guild.id)
    if not channel.permissions_for(member).mention_everyone:
        raise UserError("needs-mention-role", role=role.mention, channel=channel.mention)


def require_channel(guild: discord.Guild | None, channel_id: int) -> Channel:
    """Return a channel of the server. Raises UserError if it was deleted or belongs to another server."""
    channel = None if guild is None else guild.get_channel_or_thread(channel_id)
    if channel is None:
        raise UserError("channel-not-here")
    return channel


async def require_bot_may_post(
    request: Request, channel: Channel, permissions: Iterable[str] = REQUIRED
) -> None:
    """Raise UserError with the missing permissions if the bot may not post in the channel."""
    granted = channel.permissions_for(channel.guild.me)
    missing = [name for name in permissions if not getattr(granted, name)]
    if missing:
        names = ", ".join(request.texts(f"permission-{name.replace('_', '-')}") for name in missing)
        raise UserError("bot-lacks-permissions", channel=channel.mention, permissions=names)


async def require_manage_messages(
    request: Request, guild_id: int | None, channel_id: int
) -> discord.TextChannel:
    """Return a text channel. Raises UserError unless the user may manage messages there."""
    await request.interaction.client.prepare_guild(guild_id)
    guild = None if guild_id is None else request.interaction.client.get_guild(guild_id)
    channel = require_channel(guild, channel_id)
    if not isinstance(channel, discord.TextChannel):
        raise UserError("alert-no-such-channel")
    member = await fetch_member(request.interaction, channel.guild.id)
    if not channel.permissions_for(member).manage_messages:
        raise UserError("needs-manage-messages", channel=channel.mention)
    return channel


async def require_alert_channel(request: Request, guild_id: int | None, channel_id: int) -> None:
    """Raise UserError unless the bot may post alerts in the channel and the user may manage messages there."""
    await require_bot_may_post(request, await require_manage_messages(request, guild_id, channel_id))


RIGHTS_SECONDS = 10.0
"""How long Discord may take to answer before planning goes on."""


async def may_alert(client: discord.Client, user_id: int, guild_id: int, channel_id: int) -> bool:
    """Return whether a user may manage messages in a channel; true if Discord does not say."""
    guild = client.get_guild(guild_id)
    channel = None if guild is None else guild.get_channel(channel_id)
    if guild is None or channel is None:
        return True
    try:
        async with asyncio.timeout(RIGHTS_SECONDS):
            member = await guild.fetch_member(user_id)
    except discord.NotFound as error:
        return not error.code  # a proxy's page has no code
    except (discord.HTTPException, OSError, TimeoutError):
        return True
    return channel.permissions_for(member).manage_messages


async def require_manager_of(interaction: Interaction, guild_id: int) -> None:
    """Raise UserError if the user does not manage the server. Works in direct messages too."""
    member = await fetch_member(interaction, guild_id)
    if not member.guild_permissions.manage_guild:
        raise UserError("needs-manage-server")


async def fetch_member(interaction: Interaction, guild_id: int) -> discord.Member:
    """Return the user as a member of a server, from the interaction or from Discord.

    Raises UserError if the user has left or Discord does not respond.
    """
    user: Any = interaction.user
    if isinstance(user, discord.Member) and user.guild.id == guild_id:
        return user
    try:
        client = interaction.client
        await client.prepare_guild(guild_id)  # a front may have cached roles that have lost permissions since
        guild = client.get_guild(guild_id) or await client.fetch_guild(guild_id)
        return await guild.fetch_member(user.id)
    except discord.HTTPException as error:
        # A response without a Discord error code, such as a proxy's page, says nothing about the user.
        is_verdict = isinstance(error, discord.NotFound | discord.Forbidden) and error.code
        raise UserError("needs-manage-server" if is_verdict else "rights-unknown") from error
    except (OSError, TimeoutError) as error:
        raise UserError("rights-unknown") from error


# Handlers: methods of cogs, decorated with `command` or `handles`.

P = ParamSpec("P")
Precondition = Callable[[Interaction], None]
Handler = Callable[[Interaction, custom_ids.Action], Awaitable[None]]
CogMethod = Callable[Concatenate[Any, Request, P], Awaitable[Reply]]
Callback = Callable[Concatenate[Any, AnyInteraction, P], Coroutine[Any, Any, None]]


def callback(
    mode: ResponseMode | Callable[[custom_ids.Action], ResponseMode] = PRIVATELY,
) -> Callable[[CogMethod[P]], Callback[P]]:
    """Turn a cog's method, which takes a `Request`, into a callback for discord.py. `mode` defines how to reply.

    For a cog with `reads_guild`, the server's channels and roles are loaded first, except for `AT_ONCE`,
    since on a front that may take longer than Discord waits.
    """

    def decorate(method: CogMethod[P]) -> Callback[P]:
        @functools.wraps(method)
        async def run(
            cog: Any, interaction: AnyInteraction, /, *arguments: P.args, **options: P.kwargs
        ) -> None:
            chosen = mode if isinstance(mode, ResponseMode) else mode(*arguments)  # type: ignore[arg-type]
            if chosen.defer is not None:
                await chosen.defer(interaction)
            if getattr(cog, "reads_guild", False) and chosen != AT_ONCE:
                await interaction.client.complete_guild(interaction)
            request = Request(interaction, await interaction.client.texts_for(interaction))
            await _send(interaction, await method(cog, request, *arguments, **options), chosen)
            if chosen == PUBLICLY:
                await _offer_to_take_back(request)

        # Otherwise discord.py would resolve the options' annotations in this module.
        run.__signature__ = inspect.signature(method, eval_str=True)  # type: ignore[attr-defined]
        return run

    return decorate


def command(
    *, name: str, description: str, mode: ResponseMode = PRIVATELY
) -> Callable[[CogMethod[P]], app_commands.Command[Any, P, None]]:
    """Turn a cog's method into a slash command; see `callback`."""

    def decorate(method: CogMethod[P]) -> app_commands.Command[Any, P, None]:
        return app_commands.command(name=name, description=description)(callback(mode)(method))

    return decorate


def handles(
    verb: str,
    mode: ResponseMode | Callable[[custom_ids.Action], ResponseMode] = IN_PLACE,
    *,
    check: Precondition | None = None,
) -> Callable[[CogMethod[P]], Callback[P]]:
    """Turn a cog's method, which takes a `Request` and an action, into a handler. `mode` defines how to reply.

    `check` runs first, and raises UserError to reject the action.
    """

    def decorate(method: CogMethod[P]) -> Callback[P]:
        run = callback(mode)(method)
        run.__route__ = verb, check  # type: ignore[attr-defined]
        return run

    return decorate


def transfers(method: Callable[Concatenate[Any, Transfer, P], Awaitable[Reply]]) -> CogMethod[P]:
    """Mark a method, below `command` or `handles`, that creates or reads a reader's file.

    Transfers run one at a time, including sending, each within `TRANSFER_SECONDS`. Others are rejected as
    busy before anything is read. Files are sent privately.
    """

    @functools.wraps(method)
    async def run(cog: Any, request: Request, /, *arguments: P.args, **options: P.kwargs) -> Reply:
        # Counted before waiting, because `/me forget` may run meanwhile.
        database = request.services.database
        is_kept = bool(await database.fetch(accounts.count_reader_data, request.user_id))
        try:
            async with (
                request.services.transfers.admitted(request.user_id),
                asyncio.timeout(TRANSFER_SECONDS),
            ):
                transfer = Transfer(request.interaction, request.texts, is_kept)
                answer = await method(cog, transfer, *arguments, **options)
                if isinstance(answer, WithFile):
                    await _send(request.interaction, answer, PRIVATELY)
                    return None
                return answer
        except TimeoutError:
            raise UserError("too-slow") from None

    return run


class ComponentRouter:
    """Routes verbs to the handlers of loaded cogs."""

    def __init__(self) -> None:
        self._routes: dict[str, tuple[Precondition | None, Handler]] = {}

    def register(self, cog: object) -> None:
        """Register a cog's methods that are marked with `handles`."""
        for name in dir(type(cog)):
            if (mark := getattr(getattr(type(cog), name), "__route__", None)) is None:
                continue
            verb, check = mark
            assert verb not in self._routes, f"two handlers claim {verb!r}"
            self._routes[verb] = check, getattr(cog, name)

    async def dispatch(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Run an action's handler. Reports errors and unknown verbs to the user, and never raises them."""
        try:
            if action.verb not in self._routes:
                raise UserError("outdated-control")
            check, handler = self._routes[action.verb]
            if check is not None:
                check(interaction)
            await handler(interaction, action)
        except Exception as error:  # noqa: BLE001 - discord.py would drop it, and the user would see no answer
            await handle_error(interaction, error)


@asynccontextmanager
async def admitted_lookup(interaction: Interaction) -> AsyncIterator[None]:
    """Run the block under the lookup limit. Raises BusyError if too many readers are using lookups.

    Use it after deferring the interaction, and not inside another lookup or a transfer.
    """
    async with interaction.client.services.lookups.admitted(interaction.user.id):
        yield


@asynccontextmanager
async def deferring_publicly(interaction: Interaction) -> AsyncIterator[None]:
    """Defer the reply publicly and run the block, if the lookup limit allows it. A rejection is private."""
    async with admitted_lookup(interaction):
        await defer(interaction, public=True)
        yield


async def open_dm(request: Request) -> None:
    """Open a DM channel with the reader now, since Discord treats opening many at once as spam."""
    try:
        dm_channel_id = (await request.interaction.user.create_dm()).id
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        # The first message will open the channel.
        log.info("DM channel not opened", user=request.user_id, error=str(error))
        dm_channel_id = None
    settings: accounts.ReaderSettings = {"locale": request.texts.locale, "dm_channel_id": dm_channel_id}
    await request.services.database.write(accounts.upsert_reader, request.user_id, **settings)


# Contents of interactions and messages.


def is_ephemeral(interaction: AnyInteraction) -> bool:
    """Return whether the component's message is ephemeral."""
    return interaction.message is not None and interaction.message.flags.ephemeral


def display_name(interaction: AnyInteraction) -> str:
    """Return the user's display name in this server, escaped and limited to 60 characters."""
    return paper_texts.escape_untrusted(interaction.user.display_name, max_length=60)


def selected_values(interaction: AnyInteraction) -> list[str]:
    """Return the values selected in the interaction's menu, at most as many as a menu can have."""
    data: Any = interaction.data or {}
    return [str(value) for value in data.get("values", ())[: discord_text.SELECT_OPTIONS]]


def selected_value(interaction: AnyInteraction) -> str:
    """Return the first selected value. Raises InvalidCustomIdError if it is missing or not printable."""
    value = next(iter(selected_values(interaction)), "")
    if not value or not value.isprintable():
        raise custom_ids.InvalidCustomIdError(f"{value!r} is not a value of a menu")
    return value


def modal_values(interaction: AnyInteraction) -> dict[str, str]:
    """Return a submitted modal's fields by custom id. Multiple selected values are joined by commas."""
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
            # PostgreSQL cannot store NUL.
            values[component["custom_id"]] = str(component["value"] or "").replace("\0", "")
    return values


def uploaded_file(interaction: AnyInteraction) -> tuple[str, int]:
    """Return the URL and size (bytes) of a submitted modal's file. Raises InvalidCustomIdError if missing."""
    data: Any = interaction.data or {}
    with custom_ids.map_parse_errors():
        file, *_ = data["resolved"]["attachments"].values()
        return str(file["url"]), int(file["size"])


def walk_components(components: Any) -> Iterator[Any]:
    """Yield a message's components, including children and accessories, depth first."""
    for component in components:
        yield component
        yield from walk_components(getattr(component, "children", ()))
        yield from walk_components(filter(None, (getattr(component, "accessory", None),)))


def find_marker(interaction: AnyInteraction) -> str | None:
    """Return the delivery marker in a component's message, which an edit must keep, or None."""
    return next(filter(None, map(custom_ids.find_marker, list_custom_ids(interaction))), None)


def list_custom_ids(interaction: AnyInteraction) -> list[str]:
    """Return the custom ids in a component's message, in order."""
    return custom_ids_of(interaction.message) if interaction.message else []


def custom_ids_of(message: discord.Message) -> list[str]:
    """Return the custom ids in a message, in order."""
    components = walk_components(message.components)
    return [custom_id for component in components if (custom_id := getattr(component, "custom_id", None))]


def read_text(message: discord.Message) -> str:
    """Return a message's texts and URLs, one per line, with link previews and forwarded messages."""
    return "\n".join(_parts(message))[:MAX_LENGTH]


def _parts(message: discord.Message) -> Iterator[str]:
    parts: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    for part in parts:
        yield part.content
        for embed in part.embeds:
            author, footer = embed.author, embed.footer
            texts = (author.name, author.url, embed.url, embed.title, embed.description)
            fields = ((field.name, field.value) for field in embed.fields)
            yield from filter(None, chain(texts, *fields, (footer.text,)))
        for component in walk_components(part.components):
            yield from filter(None, (getattr(component, name, None) for name in ("content", "url")))
