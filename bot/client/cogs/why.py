"""/why: the reason why a paper was not posted in this channel."""

from __future__ import annotations

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.client.context import Client, Interaction, Request
from bot.client.interactions import autocomplete, component_router, lookups
from bot.client.interactions.errors import UserError
from bot.client.views import why as why_view
from bot.client.views.papers import paper_text
from bot.digests.elements import arxiv_ids


class WhyCog(commands.Cog):
    """Explains the selection of a channel's posts."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._mentions = bot.mentions

    @component_router.command(
        name="why", description="Why a paper was not posted in this channel, or when it was"
    )
    @app_commands.describe(paper="An arXiv id, a link to arXiv or Hugging Face, or part of the title")
    @app_commands.guild_only()
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.autocomplete(paper=autocomplete.papers)
    async def why(self, request: Request, paper: app_commands.Range[str, 1, 500]) -> ui.LayoutView:
        """Explain for this channel, or for the parent channel of this thread."""
        texts, guild_id = request.texts, request.interaction.guild_id
        channel_id = _top_level_channel_id(request.interaction)
        if guild_id is None or channel_id is None:
            raise UserError("only-in-servers")
        async with lookups.admitted(request.interaction):
            detail = await self._services.search.find_paper(paper)
        if detail is not None and detail.is_listed:
            answer = await self._services.why.explain(detail, guild_id=guild_id, channel_id=channel_id)
            return why_view.why_view(texts, detail, answer, guild_id=guild_id, mention=self._mentions)
        if (arxiv_id := arxiv_ids.extract_arxiv_id(paper)) is not None:
            return why_view.unknown_paper_view(texts, arxiv_id)
        raise UserError("no-paper", paper=paper_text.escape_untrusted(paper))


def _top_level_channel_id(interaction: Interaction) -> int | None:
    """Return the id of the channel, or of the parent channel of a thread or forum post."""
    if isinstance(interaction.channel, discord.Thread):
        return interaction.channel.parent_id
    return interaction.channel_id
