"""Response modes of handlers: in which message, seen by whom, and deferred or at once.

Views and modals are stopped before they are sent, since their components are routed by custom id. Otherwise
discord.py would keep each in memory for 15 minutes, with a task.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

import discord
from discord import ui

from bot.client import custom_ids, message_builder, verbs
from bot.client.handler_context import Request
from bot.client.interaction_values import AnyInteraction, is_ephemeral


class WithFile(NamedTuple):
    """A view with an optional file (`attachment://<name>`). Only handlers marked with `transfers` may return large files."""

    view: ui.LayoutView
    file: discord.File | None


Reply = ui.LayoutView | WithFile | list[ui.LayoutView] | ui.Modal | None
"""A handler's reply. Views after the first are private. None means that the handler has replied itself."""


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
    interaction.client.shared[share_key(interaction)] = (await edit_reply(interaction, view, *files)).id


def share_key(interaction: AnyInteraction) -> tuple[int, str]:
    """Return the message and the button that share, as `Client.shared` has them."""
    data: Any = interaction.data or {}
    return interaction.message.id if interaction.message else 0, str(data.get("custom_id"))


async def _offer_to_take_back(request: Request) -> None:
    """Confirm privately that a message was shared, with a delete button if the bot is in the server."""
    interaction, texts = request.interaction, request.texts
    if not interaction.client.is_in_server(interaction):
        return
    shared_id = interaction.client.shared[share_key(interaction)]
    custom_id = custom_ids.pack_custom_id(verbs.UNSHARE, shared_id)
    unshare = message_builder.button(texts("share-take-back"), custom_id)
    view = message_builder.text_view(texts("share-done"), unshare)
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
    """A way to respond: how to defer first (None if it replies within 3 seconds), how to send, and what follows the reply."""

    defer: Callable[[AnyInteraction], Awaitable[None]] | None
    send: Callable[..., Awaitable[object]]
    then: Callable[[Request], Awaitable[None]] | None = None


IN_PLACE = ResponseMode(_acknowledge, update_message)
"""In the component's message if only the user sees it, otherwise privately."""
PRIVATELY = ResponseMode(defer, reply_privately)
"""In a new private message."""
AT_ONCE = ResponseMode(None, reply_privately)
"""With a modal or a new private message, within 3 seconds."""
IN_OWN_MESSAGE = ResponseMode(_acknowledge_in_place, edit_reply)
"""In the component's message, which only the user sees. It may be a direct message."""
PUBLICLY = ResponseMode(None, reply_publicly, then=_offer_to_take_back)
"""In the channel. The handler defers the reply itself, once nothing can be rejected."""


async def send(request: Request, answer: Reply, mode: ResponseMode) -> None:
    interaction = request.interaction
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
    if mode.then is not None:
        await mode.then(request)
