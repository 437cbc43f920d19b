"""/digest and /top, and the components of every list: pages, periods, sharing, the other language."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import autocomplete, checks, component_router, lookups, option_parsers, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import long_texts, paper_lists
from bot.client.views import daily_post
from bot.client.views.papers import list_days, list_state, paper_list
from bot.services.posts import summaries
from bot.services.search.results import Sort
from storage import models


class DigestsCog(commands.Cog):
    """Papers by date and by votes."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = paper_lists.PaperListLoader(bot.services)
        self._renderer = bot.renderer

    @app_commands.command(name="digest", description="One day's papers, most voted first")
    @app_commands.describe(
        date="A day such as yesterday, dec 30 or 2025-02-06; the newest digest if left out"
    )
    @app_commands.autocomplete(date=autocomplete.dates)
    async def digest(
        self, interaction: Interaction, date: app_commands.Range[str, 1, 40] | None = None
    ) -> None:
        """Show the digest of a date, or the newest."""
        await responses.defer(interaction)
        text = ""
        if date:
            today = await interaction.client.today_for(interaction)
            text = list_days.format_span(*option_parsers.parse_dates(date, today))
        await self._lists.show(interaction, list_state.ListState(list_state.ListKind.DIGEST, text))

    @app_commands.command(name="top", description="The papers with the most votes")
    @app_commands.describe(
        period="How far back",
        topic="Only papers on this topic",
        saved="What members of this server saved or shared; how many, never who",
    )
    @app_commands.choices(period=paper_lists.PERIOD_CHOICES)
    @app_commands.autocomplete(topic=autocomplete.topics)
    async def top(
        self,
        interaction: Interaction,
        period: str = list_state.Period.WEEK.value,
        topic: app_commands.Range[str, 1, 300] = "",
        saved: bool = False,
    ) -> None:
        """Show the most voted papers of a period, or those that the server's members saved, optionally on one topic."""
        await responses.defer(interaction)
        state = list_state.ListState(list_state.ListKind.TOP, topic, period=list_state.Period(period))
        if saved:
            if interaction.guild_id is None:
                raise UserError("only-in-servers")
            text = f"{interaction.guild_id}:{topic}"
            state = state.replace(kind=list_state.ListKind.GUILD_SHELF, text=text)
        await self._lists.show(interaction, await long_texts.store(self._services.text_tokens, state))

    @component_router.handles_itself(list_state.SHOW)
    async def turn_page(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show another page of a list, or a related list."""
        await self._lists.show(
            interaction, await long_texts.load(self._services.text_tokens, list_state.unpack(action))
        )

    @component_router.handles_itself(paper_list.SELECT_PERIOD)
    async def select_period(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the list for the selected period."""
        with custom_ids.map_parse_errors():
            period = list_state.Period(component_router.selected_value(interaction))
        state = await long_texts.load(self._services.text_tokens, list_state.unpack(action))
        await self._lists.show(interaction, state.replace(period=period, page=0))

    @component_router.handles_itself(paper_list.SELECT_ORDER)
    async def select_order(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show a topic's papers in the selected order."""
        state = await long_texts.load(self._services.text_tokens, list_state.unpack(action))
        with custom_ids.map_parse_errors():
            sort = Sort(component_router.selected_value(interaction))
        await self._lists.show(interaction, paper_list.sorted_by(state, sort))

    @component_router.handles_itself(list_days.SELECT_DAY)
    async def select_day(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the digest of the selected day."""
        state = list_state.unpack(action)
        await self._lists.show(
            interaction, state.replace(text=component_router.selected_value(interaction), page=0)
        )

    @component_router.handles_itself(paper_list.SHARE, first=None)
    async def share(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post the page publicly. Raises UserError unless the user may write in the channel."""
        checks.require_may_share(interaction)
        # Admitted before the answer is public, since a refusal is private.
        async with lookups.admitted(interaction):
            await responses.defer(interaction, public=True)
            texts = await interaction.client.texts_for(interaction)
            state = await long_texts.load(self._services.text_tokens, list_state.unpack(action))
            listed = await self._lists.load(texts, state, interaction.user.id)
        sharer = responses.display_name(interaction)
        await responses.reply_publicly(interaction, paper_list.shared_view(texts, listed, sharer=sharer))

    @component_router.handles_itself(daily_post.SHOW_LANGUAGE, first=responses.defer)
    async def show_other_language(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the papers of a post privately in the other language."""
        with custom_ids.map_parse_errors():
            locale = models.Locale(action.payload.partition(":")[0])
        arxiv_ids = _menu_arxiv_ids(interaction)
        async with lookups.admitted(interaction):
            details = [await self._services.search.find_paper(arxiv_id) for arxiv_id in arxiv_ids]
        found = [detail for detail in details if detail is not None]
        await summaries.prepare_extracts(found, [locale])
        papers = tuple(summaries.build_post_paper(detail, locale) for detail in found)
        if not papers:
            raise UserError("outdated-control")
        post = daily_post.copy_of(action, papers, locale, _topic(interaction))
        for view in daily_post.compact_views(self._renderer.wording_for(locale), post, with_marker=False):
            await responses.reply_privately(interaction, view)


def _topic(interaction: discord.Interaction[Any]) -> str:
    """Return the topic of the message's button to its list, "" without one."""
    for component in component_router.walk_components(
        interaction.message.components if interaction.message else ()
    ):
        action = custom_ids.unpack(getattr(component, "custom_id", None) or "")
        if action.verb == list_state.SHOW:
            state = list_state.unpack(action)
            if state.kind is list_state.ListKind.TOPIC:
                return state.text
    return ""


def _menu_arxiv_ids(interaction: discord.Interaction[Any]) -> list[str]:
    """Return the arXiv ids of the message's menu of papers."""
    return [
        option.value
        for component in component_router.walk_components(
            interaction.message.components if interaction.message else ()
        )
        if isinstance(component, discord.SelectMenu)
        and custom_ids.unpack(component.custom_id).verb == paper_list.OPEN_SELECTED
        for option in component.options
    ]
