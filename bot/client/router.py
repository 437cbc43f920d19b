"""Route commands, components and modals to cogs' methods, which get a `Request` and return the reply."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Concatenate, ParamSpec

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.client import custom_ids, interaction_values, permissions, responses, verbs
from bot.client.handler_context import Interaction, Request
from bot.client.interaction_values import AnyInteraction
from bot.client.refusals import UserError, handle_error
from bot.client.responses import IN_PLACE, PRIVATELY, Reply, ResponseMode, WithFile
from storage import accounts

log = structlog.get_logger(__name__)

TRANSFER_SECONDS = 60.0
"""The time limit for a transfer once it is admitted."""


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


# Handlers: methods of cogs, decorated with `command` or `handles`.

P = ParamSpec("P")
Precondition = Callable[[Interaction], None]
CogMethod = Callable[Concatenate[Any, Request, P], Awaitable[Reply]]
Callback = Callable[Concatenate[Any, AnyInteraction, P], Coroutine[Any, Any, None]]


class NeedsGuild:
    """A base of cogs whose methods read the server's channels and roles: they are loaded first."""


class ManagersOnly(NeedsGuild):
    """A base of cogs whose buttons, menus and forms are for managers of the server alone."""


@dataclass(frozen=True, slots=True)
class Route:
    """The handler of a verb, which `handles` makes of a cog's method. `check` runs first, and raises UserError to refuse."""

    verb: str
    run: Callback[[custom_ids.Action]]
    check: Precondition | None
    also: tuple[str, ...] = ()


def list_routes(cog_class: Callable[..., object]) -> list[Route]:
    """Return a route for each verb that a cog handles."""
    found = [value for value in vars(cog_class).values() if isinstance(value, Route)]
    return [replace(route, verb=verb) for route in found for verb in (route.verb, *route.also)]


Mode = ResponseMode | Callable[..., ResponseMode]
"""A handler's response mode, or a function of its arguments that returns it."""


def callback(mode: Mode = PRIVATELY) -> Callable[[CogMethod[P]], Callback[P]]:
    """Turn a cog's method, which takes a `Request`, into a callback for discord.py. `mode` defines how to reply."""

    def decorate(method: CogMethod[P]) -> Callback[P]:
        @functools.wraps(method)
        async def run(
            cog: Any, interaction: AnyInteraction, /, *arguments: P.args, **options: P.kwargs
        ) -> None:
            chosen = mode if isinstance(mode, ResponseMode) else mode(*arguments, **options)
            if chosen.defer is not None:
                await chosen.defer(interaction)
                if isinstance(cog, NeedsGuild):  # this may take longer than Discord waits otherwise
                    await interaction.client.complete_guild(interaction)
            request = Request(interaction, await interaction.client.texts_for(interaction))
            with _sharing_once(interaction) if chosen is responses.PUBLICLY else nullcontext():
                await responses.send(request, await method(cog, request, *arguments, **options), chosen)

        # Otherwise discord.py would resolve the options' annotations in this module.
        run.__signature__ = inspect.signature(method, eval_str=True)  # type: ignore[attr-defined]
        return run

    return decorate


_MAX_SHARED = 1_000
"""The number of shared messages that are remembered."""


@contextmanager
def _sharing_once(interaction: AnyInteraction) -> Iterator[None]:
    """Run the block, which shares a message by a button. Raises UserError if that button of that message has shared it."""
    shared, key = interaction.client.shared, responses.share_key(interaction)
    if key in shared:
        raise UserError("share-done-before")
    shared[key] = 0
    try:
        yield
    except BaseException:
        shared.pop(key, None)
        raise
    if len(shared) > _MAX_SHARED:
        del shared[next(iter(shared))]


def command(
    *, name: str, description: str, mode: Mode = PRIVATELY
) -> Callable[[CogMethod[P]], app_commands.Command[Any, P, None]]:
    """Turn a cog's method into a slash command; see `callback`."""

    def decorate(method: CogMethod[P]) -> app_commands.Command[Any, P, None]:
        return app_commands.command(name=name, description=description)(callback(mode)(method))

    return decorate


def handles(
    verb: str, mode: Mode = IN_PLACE, *, also: tuple[str, ...] = (), check: Precondition | None = None
) -> Callable[[CogMethod[[custom_ids.Action]]], Route]:
    """Turn a cog's method, which takes a `Request` and an action, into the handler of a verb, and `also` of others.

    See `callback` and `Route`.
    """
    return lambda method: Route(verb, callback(mode)(method), check, also)


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
                    await responses.send(request, answer, PRIVATELY)
                    return None
                return answer
        except TimeoutError:
            raise UserError("too-slow") from None

    return run


class ComponentRouter:
    """Routes verbs to the handlers of loaded cogs."""

    def __init__(self) -> None:
        self._routes: dict[str, tuple[object, Route]] = {}

    def register(self, cog: object) -> None:
        for route in list_routes(type(cog)):
            assert route.verb not in self._routes, f"two handlers claim {route.verb!r}"
            self._routes[route.verb] = cog, route

    async def dispatch(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Run an action's handler. Reports errors and unknown verbs to the user, and never raises them."""
        try:
            if action.verb == verbs.SELECT_ACTION:
                action = custom_ids.unpack_custom_id(interaction_values.selected_value(interaction))
            if action.verb not in self._routes:
                raise UserError("outdated-control")
            cog, route = self._routes[action.verb]
            if isinstance(cog, ManagersOnly):
                permissions.require_manager(interaction)
            if route.check is not None:
                route.check(interaction)
            await route.run(cog, interaction, action)
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
        await responses.defer(interaction, public=True)
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
