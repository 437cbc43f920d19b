"""The dynamic item of all buttons and select menus, which works after a restart.

`interaction.client.component_router` finds the handler of its action.
"""

from __future__ import annotations

import re
from typing import Any, Self

import discord
from discord import ui

from bot.client.components import custom_ids


class DynamicComponent(ui.DynamicItem[ui.Item[Any]], template=custom_ids.TEMPLATE):
    """A button or select menu without state: its custom id contains the action."""

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - discord.py's signature
        item: ui.Item[Any],
        match: re.Match[str],  # noqa: ARG003
        /,
    ) -> Self:
        """Wrap the item of the message."""
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Dispatch the action to the handler of its verb."""
        await interaction.client.component_router.dispatch(interaction, custom_ids.unpack(self.custom_id))
