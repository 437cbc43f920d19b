"""Presenter of `/today`: shows a reader's papers of the day and topics, and turns their delivery by DM on and off."""

from __future__ import annotations

import discord

from bot.client.context import Client, Interaction
from bot.client.interactions import lookups, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters.direct_messages import open_dm
from bot.client.views import today
from bot.client.views.papers import paper_text
from storage.models import FeedbackKind


class TodayPresenter:
    """Stateless presenter of the papers of the day."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._mentions = bot.mentions

    async def view(
        self, interaction: Interaction, *, marker: str | None = None, note: str = ""
    ) -> discord.ui.LayoutView:
        """Return the reader's papers of the newest day. Raises UserError for an archive without papers."""
        texts = await interaction.client.texts_for(interaction)
        async with lookups.admitted(interaction):
            post = await self._services.today.build_post(interaction.user.id, texts.locale)
        if post is None:
            raise UserError("today-nothing")
        return today.today_view(texts, post, marker=marker, note=note)

    async def answer(self, interaction: Interaction, arxiv_id: str, kind: FeedbackKind) -> None:
        """Record what the reader said of a paper, and show the papers again in place."""
        texts = await interaction.client.texts_for(interaction)
        detail = await self._services.search.find_paper(arxiv_id)
        if detail is None:
            raise UserError("no-paper", paper=paper_text.escape_untrusted(arxiv_id))
        await self._services.today.answer(interaction.user.id, detail.arxiv_id, kind)
        title = paper_text.escape_untrusted(detail.title or detail.arxiv_id)
        note = texts("today-more-noted" if kind is FeedbackKind.MORE else "today-less-noted", title=title)
        await self.refresh(interaction, note)

    async def refresh(self, interaction: Interaction, note: str = "") -> None:
        """Show the papers again in the message of the component."""
        marker = responses.find_marker(interaction)
        await responses.update_own_message(
            interaction, await self.view(interaction, marker=marker, note=note)
        )

    async def topics_view(self, interaction: Interaction) -> discord.ui.LayoutView:
        """Return the topics that the reader's papers are chosen by."""
        texts = await interaction.client.texts_for(interaction)
        picked, learnt = await self._services.today.describe_profile(interaction.user.id, texts.locale)
        topics = await self._services.today.list_topics(texts.locale)
        commands = self._mentions("me data"), self._mentions("me forget")
        return today.topics_view(texts, topics, picked, learnt, commands)

    async def send_daily(self, interaction: Interaction, at_time: str | None = None) -> str:
        """Turn the delivery by DM on, at this local time or at the stored one. Returns what to tell the reader."""
        texts = await interaction.client.texts_for(interaction)
        await open_dm(interaction, self._services, texts)
        profile = await self._services.today.send_daily(interaction.user.id, at_time)
        if profile.at_time is None or profile.timezone is None or profile.next_due_at is None:
            return ""
        next_at = f"<t:{int(profile.next_due_at.timestamp())}:F>"
        return texts("today-sent-daily", at=profile.at_time, zone=profile.timezone, next=next_at)
