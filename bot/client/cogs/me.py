"""/me: what is kept about the reader, as a file, its removal, and the weekly message about saved papers."""

from __future__ import annotations

import gzip
import io
from asyncio import to_thread

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.client.components import custom_ids, message_builder
from bot.client.context import Client, Interaction
from bot.client.interactions import component_router, responses
from bot.client.translations import Texts
from bot.client.views import notices, paper_news

FORGET = "mf"
KEEP = "mk"
MAX_PLAIN_BYTES = 8_000_000
"""Discord takes files of 10 MB; a larger one is sent compressed."""


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class MeCog(commands.GroupCog, name="me", description="What is stored about you"):
    """The reader's own data. Every answer is private."""

    def __init__(self, bot: Client) -> None:
        self._data = bot.services.reader_data
        self._readers = bot.services.readers
        self._mentions = bot.mentions

    @app_commands.command(name="data", description="Everything stored about you, as a file")
    async def data(self, interaction: Interaction) -> None:
        """Give the reader everything that is kept, as an attached JSON file."""
        await responses.defer(interaction)
        texts = await interaction.client.texts_for(interaction)
        content, name = await self._data.export(interaction.user.id), "paperround.json"
        if len(content) > MAX_PLAIN_BYTES:
            content, name = await to_thread(gzip.compress, content), f"{name}.gz"
        message = message_builder.MessageBuilder()
        message.add_text(texts("me-data", command=self._mentions("me forget")))
        message.add_file(name)
        await responses.reply_privately(interaction, message.view, [discord.File(io.BytesIO(content), name)])

    @app_commands.command(name="forget", description="Remove everything stored about you")
    async def forget(self, interaction: Interaction) -> None:
        """Say what would be removed, with a button that does it."""
        await responses.defer(interaction)
        texts = await interaction.client.texts_for(interaction)
        counts = await self._data.count(interaction.user.id)
        await responses.reply_privately(
            interaction, _confirmation_view(texts, counts, self._mentions("me data"))
        )

    @app_commands.command(name="news", description="Turn the weekly news of your saved papers on or off")
    async def news(self, interaction: Interaction) -> None:
        """Show whether the reader gets the weekly message about saved papers, with a button to change it."""
        await responses.defer(interaction)
        texts = await interaction.client.texts_for(interaction)
        is_off = await self._readers.is_news_off(interaction.user.id)
        await responses.reply_privately(interaction, paper_news.switch_view(texts, is_off=is_off))

    @component_router.handles_itself(paper_news.SWITCH)
    async def switch_news(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Switch the weekly message off or on."""
        is_off = not action.number
        await self._readers.set_news_off(interaction.user.id, is_off)
        texts = await interaction.client.texts_for(interaction)
        await responses.update_message(interaction, paper_news.switch_view(texts, is_off=is_off))

    @component_router.handles_itself(FORGET)
    async def confirm_forget(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove everything kept about the user who pressed the button."""
        await self._data.forget(interaction.user.id)
        texts = await interaction.client.texts_for(interaction)
        await responses.update_message(interaction, notices.text_view(texts("me-forgotten")))

    @component_router.handles_itself(KEEP)
    async def keep(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Close the question without removing anything."""
        texts = await interaction.client.texts_for(interaction)
        await responses.update_message(interaction, notices.text_view(texts("me-kept")))


def _confirmation_view(texts: Texts, counts: dict[str, int], data_command: str) -> ui.LayoutView:
    if not counts:
        return notices.text_view(texts("me-nothing"))
    text = texts(
        "me-forget-question",
        saved=counts.get("saved_papers", 0),
        alerts=counts.get("alerts", 0),
        messages=counts.get("deliveries", 0),
        command=data_command,
    )
    forget = message_builder.button(
        texts("me-forget-all"), custom_ids.pack(FORGET), style=discord.ButtonStyle.danger
    )
    keep = message_builder.button(texts("me-keep"), custom_ids.pack(KEEP))
    return notices.text_view(text, forget, keep, accent=message_builder.RED)
