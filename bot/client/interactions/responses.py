"""How an interaction is answered: privately, in place, or for the whole channel. Knows nothing of what is said.

Views and forms are stopped before they are sent: discord.py would otherwise keep each for a quarter of an hour, with
a task of its own, although all that they do is done by their custom ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from bot.client.views import paper_text

Interaction = discord.Interaction[Any]
Files = Sequence[discord.File]
"""What a view shows as `attachment://…`; each file is good for one message."""


async def defer(interaction: Interaction, *, public: bool = False) -> None:
    """Ask Discord for more than its 3 seconds, before storage is touched. `public` decides for good who sees the answer."""
    if not interaction.response.is_done():
        await interaction.response.defer(ephemeral=not public, thinking=True)


async def acknowledge(interaction: Interaction) -> None:
    """Acknowledge a control whose own message will be changed in place, or answered privately if others see it."""
    if interaction.response.is_done():
        return
    if is_ephemeral(interaction):
        await interaction.response.defer()
    else:
        await interaction.response.defer(ephemeral=True, thinking=True)


async def reply_privately(interaction: Interaction, view: ui.LayoutView, files: Files = ()) -> None:
    """Answer in a new message that only the asker sees (a first answer after `think` fills that one in)."""
    view.stop()
    if interaction.response.is_done():
        await interaction.followup.send(view=view, ephemeral=True, files=files)
    else:
        await interaction.response.send_message(view=view, ephemeral=True, files=files)


async def update_message(interaction: Interaction, view: ui.LayoutView, files: Files = ()) -> None:
    """Change the message that the control stands on; when others see it too, answer privately instead."""
    view.stop()
    if not is_ephemeral(interaction):
        await reply_privately(interaction, view, files)
        return
    # Files that the message had before go: nothing in the new view shows them.
    changes: Any = {"view": view, "attachments": files, "allowed_mentions": discord.AllowedMentions.none()}
    if interaction.response.is_done():
        await interaction.edit_original_response(**changes)
    else:
        await interaction.response.edit_message(**changes)


async def reply_publicly(interaction: Interaction, view: ui.LayoutView, files: Files = ()) -> None:
    """Answer for everybody in the channel, after `think(public=True)`."""
    view.stop()
    await interaction.followup.send(view=view, files=files)


async def respond(interaction: Interaction, view: ui.LayoutView, files: Files = ()) -> None:
    """Update the message of a component in place; answer a command privately."""
    is_component = interaction.type is discord.InteractionType.component
    await (update_message if is_component else reply_privately)(interaction, view, files)


async def open_modal(interaction: Interaction, modal: ui.Modal) -> None:
    """Open a form. It must be the first answer, so nothing slow may come before."""
    modal.stop()
    await interaction.response.send_modal(modal)


def is_ephemeral(interaction: Interaction) -> bool:
    """Tell whether the message under a control is one that only the asker sees."""
    return interaction.message is not None and interaction.message.flags.ephemeral


def display_name(interaction: Interaction) -> str:
    """Return how the asker is called here, escaped and of bounded length."""
    return paper_text.escape_untrusted(interaction.user.display_name, max_length=60)
