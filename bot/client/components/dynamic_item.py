"""The one dynamic item behind all our buttons and select menus: it still works after a restart.

What a control does is found by `interaction.client.component_router`, the one place where items reach the bot.
"""

from __future__ import annotations

import re
from typing import Any, Self

import discord
from discord import ui

from bot.client.components import custom_ids


class DynamicComponent(ui.DynamicItem[ui.Item[Any]], template=custom_ids.TEMPLATE):
    """Any button or select menu of ours. Its custom id says what is to be done, so nothing is kept for it."""

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - discord.py's signature
        item: ui.Item[Any],
        match: re.Match[str],  # noqa: ARG003
        /,
    ) -> Self:
        """Wrap the item that the message holds."""
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Hand the action to whoever has claimed its verb."""
        await interaction.client.component_router.dispatch(interaction, custom_ids.unpack(self.custom_id))
