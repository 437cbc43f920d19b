"""/today: a reader's five papers of the day, the buttons below them, and their delivery by direct message."""

from __future__ import annotations

from discord import app_commands
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import component_router, option_parsers, responses
from bot.client.presenters.today import TodayPresenter
from bot.client.views import today as today_view
from storage.models import FeedbackKind


class TodayCog(commands.Cog):
    """The papers of the day for one reader."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = TodayPresenter(bot)

    async def cog_unload(self) -> None:
        """End the learning in the background before the database is closed."""
        await self._services.profiles.close()

    @app_commands.command(
        name="today", description="Five papers for you today, chosen by what you save and follow"
    )
    @app_commands.describe(at="Also send them to you every day at this time, such as 09:00")
    async def today(self, interaction: Interaction, at: app_commands.Range[str, 1, 40] | None = None) -> None:
        """Show the papers; with a time, send them each day as well."""
        at_time = None if at is None else option_parsers.parse_time(at)
        await responses.defer(interaction)
        note = "" if at_time is None else await self._presenter.send_daily(interaction, at_time)
        await responses.reply_privately(interaction, await self._presenter.view(interaction, note=note))

    @component_router.handles(today_view.SHOW)
    async def show(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the papers in place of a private message."""
        await responses.update_message(interaction, await self._presenter.view(interaction))

    @component_router.handles(today_view.MORE, first=responses.acknowledge_in_place)
    async def more(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Learn that the reader wants more papers like this one."""
        await self._presenter.answer(interaction, action.payload, FeedbackKind.MORE)

    @component_router.handles(today_view.LESS, first=responses.acknowledge_in_place)
    async def less(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Leave out a paper, learn from it, and show the next best one."""
        await self._presenter.answer(interaction, action.payload, FeedbackKind.LESS)

    @component_router.handles(today_view.TOPICS, first=responses.defer)
    async def show_topics(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show what the papers are chosen by, in a new private message."""
        await responses.reply_privately(interaction, await self._presenter.topics_view(interaction))

    @component_router.handles(today_view.PICK, first=responses.acknowledge_in_place)
    async def pick_topics(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Store the topics picked, and show the papers or the topics by them."""
        topics = [text for text in component_router.selected_values(interaction) if text.isprintable()]
        await self._services.today.pick_topics(interaction.user.id, topics)
        if action.payload == today_view.PANEL:
            await responses.update_own_message(interaction, await self._presenter.topics_view(interaction))
        else:
            await self._presenter.refresh(interaction)

    @component_router.handles(today_view.SEND, first=responses.acknowledge_in_place)
    async def send_daily(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Send the papers each day by direct message."""
        await self._presenter.refresh(interaction, await self._presenter.send_daily(interaction))

    @component_router.handles(today_view.STOP, first=responses.acknowledge_in_place)
    async def stop_daily(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Stop sending the papers."""
        texts = await interaction.client.texts_for(interaction)
        await self._services.today.stop_daily(interaction.user.id)
        await self._presenter.refresh(interaction, texts("today-stopped"))
