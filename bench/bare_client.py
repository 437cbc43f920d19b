"""The floor for the bot: a bare discord.py client with the same intents and one command that answers at once."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import discord
from discord import app_commands, ui

from bot.client import request_gate


class Card(ui.LayoutView):
    """One line of text."""

    text: ui.TextDisplay[Any] = ui.TextDisplay("an answer")


async def main() -> None:
    """Run the client until the process is killed."""
    request_gate.override_endpoints(
        os.environ["PAPERROUND_DISCORD_API_URL"], os.environ["PAPERROUND_DISCORD_GATEWAY_URL"]
    )
    client = discord.AutoShardedClient(
        intents=discord.Intents(guilds=True),
        member_cache_flags=discord.MemberCacheFlags.none(),
        chunk_guilds_at_startup=False,
        max_messages=None,
    )
    tree = app_commands.CommandTree(client)

    @tree.command(name="topic", description="Answer at once")
    async def topic(interaction: discord.Interaction[discord.AutoShardedClient], query: str) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.followup.send(view=Card(), ephemeral=True)

    await client.start(os.environ["DISCORD_TOKEN"])


if __name__ == "__main__":
    asyncio.run(main())
