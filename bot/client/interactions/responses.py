"""Responses to interactions: private, in place, or public.

Views and modals are stopped before they are sent, since their components work by custom id alone; discord.py would
otherwise keep each of them for 15 minutes, with a task.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import discord
import structlog
from discord import ui

from bot.client.components import custom_ids
from bot.client.context import Request
from bot.client.views.papers import paper_text

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
