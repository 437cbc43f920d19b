"""/trends: how a topic's papers and votes went by month, drawn, and which topics rise."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import autocomplete, checks, component_router, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import paper_lists
from bot.client.translations import Texts
from bot.client.views import list_state
from bot.client.views import trends as trends_view
from bot.client.views.trends import Span, TrendAnswer, TrendState
from bot.services.search.results import SearchRequest

log = structlog.get_logger(__name__)

SPAN_CHOICES = [
    app_commands.Choice(name="Last 6 months", value=Span.HALF_YEAR.value),
    app_commands.Choice(name="Last year", value=Span.YEAR.value),
    app_commands.Choice(name="Last 2 years", value=Span.TWO_YEARS.value),
    app_commands.Choice(name="All time", value=Span.ALL.value),
]


class TrendsCog(commands.Cog):
    """The archive by month."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = paper_lists.PaperListLoader(bot.services)

    @app_commands.command(
        name="trends", description="A topic's papers and votes by month, and which topics rise"
    )
    @app_commands.describe(
        topic="In Korean or English; all papers and what rises if left out", period="How far back"
    )
    @app_commands.choices(period=SPAN_CHOICES)
    @app_commands.autocomplete(topic=autocomplete.topics)
    async def trends(
        self,
        interaction: Interaction,
        topic: app_commands.Range[str, 1, 300] = "",
        period: str = Span.YEAR.value,
    ) -> None:
        """Answer with a topic's curve; without a topic with that of all papers, and what rises."""
        await responses.defer(interaction)
        state = await self._store_long_text(TrendState(topic, Span(period)))
        await self._show(interaction, state)

    @component_router.handles(trends_view.SHOW)
    async def open_trend(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show a curve that a button leads to."""
        await responses.acknowledge(interaction)
        await self._show(interaction, await self._load_long_text(trends_view.unpack(action)))

    @component_router.handles(trends_view.SELECT_SPAN)
    async def select_span(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the curve for the span that was picked."""
        await responses.acknowledge(interaction)
        state = await self._load_long_text(trends_view.unpack(action))
        with custom_ids.map_parse_errors():
            span = Span(component_router.selected_values(interaction)[0])
        await self._show(interaction, state.replace(span=span))

    @component_router.handles(trends_view.SELECT)
    async def select_topic(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the curve of the rising topic that was picked."""
        await responses.acknowledge(interaction)
        with custom_ids.map_parse_errors():
            span = Span(action.payload)
        state = await self._store_long_text(
            TrendState(component_router.selected_values(interaction)[0], span)
        )
        await self._show(interaction, state)

    @component_router.handles(trends_view.SHARE)
    async def share(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post the curve for everybody in the channel, if the asker may write there."""
        checks.require_may_share(interaction)
        await responses.defer(interaction, public=True)
        words = await interaction.client.texts_for(interaction)
        answer, files = await self._load_answer(
            words, await self._load_long_text(trends_view.unpack(action)), rising=False
        )
        if not answer.trend.total:
            raise UserError("outdated-control")
        view = trends_view.shared_view(words, answer, sharer=responses.display_name(interaction))
        await responses.reply_publicly(interaction, view, files)

    async def _show(self, interaction: Interaction, state: TrendState) -> None:
        words = await interaction.client.texts_for(interaction)
        answer, files = await self._load_answer(words, state, rising=not state.text)
        view = trends_view.trend_view(words, answer, may_share=checks.may_share(interaction))
        await responses.respond(interaction, view, files)

    async def _load_answer(
        self, words: Texts, state: TrendState, *, rising: bool
    ) -> tuple[TrendAnswer, list[discord.File]]:
        months = trends_view.SPAN_MONTHS[state.span]
        lookup = self._services.search
        answer = TrendAnswer(
            state=state,
            trend=await self._services.trends.get_trend(state.text, months=months),
            extent=await lookup.get_extent(),
            rising=await self._services.rising.get_report(words.locale) if rising else None,
        )
        if state.text and not answer.trend.total:
            found = await lookup.search(SearchRequest(state.text, limit=1))
            answer = replace(
                answer, suggestions=found.suggestions, has_papers_outside_span=found.has_full_matches
            )
        picture = await self._draw_chart(words, answer)
        if picture is None:
            return answer, []
        file = discord.File(
            io.BytesIO(picture),
            trends_view.IMAGE_FILENAME,
            description=trends_view.alt_text(words, answer) or None,
        )
        return trends_view.with_image(answer), [file]

    async def _draw_chart(self, words: Texts, answer: TrendAnswer) -> bytes | None:
        """Return the picture; None where there is nothing to draw, or where an operator's template spoils it."""
        if not answer.trend.total:
            return None
        chart = trends_view.build_chart(words, answer)
        try:
            return await asyncio.to_thread(self._services.charts.draw, chart)
        except ValueError as error:
            log.warning("chart_not_drawn", error=str(error))
            return None

    async def _store_long_text(self, state: TrendState) -> TrendState:
        kept = await self._lists.store_long_text(state.topic_list)
        return state.replace(text=kept.text, token=kept.token)

    async def _load_long_text(self, state: TrendState) -> TrendState:
        found = await self._lists.load_long_text(
            list_state.ListState(list_state.ListKind.TOPIC, state.text, token=state.token)
        )
        return state.replace(text=found.text)
