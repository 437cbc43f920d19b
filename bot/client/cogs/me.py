"""/me: what is kept about the reader, as a file, its removal, and the weekly message about saved papers."""

from __future__ import annotations

import gzip
import io
from asyncio import to_thread

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.client.components import custom_ids, message_builder
from bot.client.components.custom_ids import Action
from bot.client.context import Client, Request
from bot.client.interactions import component_router
from bot.client.interactions.responses import WithFiles
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

    @component_router.command(name="data", description="Everything stored about you, as a file")
    async def data(self, request: Request) -> WithFiles:
        """Give the reader everything that is kept, as an attached JSON file."""
        content, name = await self._data.export(request.user_id), "paperround.json"
        if len(content) > MAX_PLAIN_BYTES:
            content, name = await to_thread(gzip.compress, content), f"{name}.gz"
        message = message_builder.MessageBuilder()
        message.add_text(request.texts("me-data", command=self._mentions("me forget")))
        message.add_file(name)
        return WithFiles(message.view, [discord.File(io.BytesIO(content), name)])

    @component_router.command(name="forget", description="Remove everything stored about you")
    async def forget(self, request: Request) -> ui.LayoutView:
        """Say what would be removed, with a button that does it."""
        counts = await self._data.count(request.user_id)
        return _confirmation_view(request.texts, counts, self._mentions("me data"))

    @component_router.command(name="news", description="Turn the weekly news of your saved papers on or off")
    async def news(self, request: Request) -> ui.LayoutView:
        """Show whether the reader gets the weekly message about saved papers, with a button to change it."""
        is_off = await self._readers.is_news_off(request.user_id)
        return paper_news.switch_view(request.texts, is_off=is_off)

    @component_router.handles(paper_news.SWITCH)
    async def switch_news(self, request: Request, action: Action) -> ui.LayoutView:
        """Switch the weekly message off or on."""
        is_off = not action.number
        await self._readers.set_news_off(request.user_id, is_off)
        return paper_news.switch_view(request.texts, is_off=is_off)

    @component_router.handles(FORGET)
    async def confirm_forget(self, request: Request, action: Action) -> ui.LayoutView:
        """Remove everything kept about the user who pressed the button."""
        await self._data.forget(request.user_id)
        return notices.text_view(request.texts("me-forgotten"))

    @component_router.handles(KEEP)
    async def keep(self, request: Request, action: Action) -> ui.LayoutView:
        """Close the question without removing anything."""
        return notices.text_view(request.texts("me-kept"))


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
