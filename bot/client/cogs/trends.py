"""/trends: how a topic's papers and votes went by month, drawn, and which topics rise."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from typing import TYPE_CHECKING

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.client import autocompletion, controls, custom_ids, paper_lists, replies
from bot.client.failures import Refusal
from bot.client.translations import Words
from bot.client.views import empty, listing, trend
from bot.client.views.trend import Span, TrendAnswer, TrendState

if TYPE_CHECKING:
    from bot.client.bot import PaperroundBot

Interaction = discord.Interaction["PaperroundBot"]
log = structlog.get_logger(__name__)

SPANS = [
    app_commands.Choice(name="Last 6 months", value=Span.HALF_YEAR.value),
    app_commands.Choice(name="Last year", value=Span.YEAR.value),
    app_commands.Choice(name="Last 2 years", value=Span.TWO_YEARS.value),
    app_commands.Choice(name="All time", value=Span.ALL.value),
]


class TrendsCog(commands.Cog):
    """The archive by month."""

    def __init__(self, bot: PaperroundBot) -> None:
        self._services = bot.services
        self._lists = paper_lists.PaperLists(bot.services)

    @app_commands.command(
        name="trends", description="A topic's papers and votes by month, and which topics rise"
    )
    @app_commands.describe(
        topic="In Korean or English; all papers and what rises if left out", period="How far back"
    )
    @app_commands.choices(period=SPANS)
    async def trends(
        self,
        interaction: Interaction,
        topic: app_commands.Range[str, 1, 300] = "",
        period: str = Span.YEAR.value,
    ) -> None:
        """Answer with a topic's curve; without a topic with that of all papers, and what rises."""
        await replies.think(interaction)
        state = await self._portable(TrendState(topic, Span(period)))
        await self._show(interaction, state)

    @trends.autocomplete("topic")
    async def _topics(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await autocompletion.topics(interaction, current)

    @controls.handles(trend.VERB)
    async def again(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show a curve that a button leads to."""
        await replies.hold(interaction)
        await self._show(interaction, await self._resolved(trend.unpack(action)))

    @controls.handles(trend.SPAN)
    async def choose_span(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the curve for the span that was picked."""
        await replies.hold(interaction)
        state = await self._resolved(trend.unpack(action))
        with custom_ids.reading():
            span = Span(controls.chosen(interaction)[0])
        await self._show(interaction, state.with_(span=span))

    @controls.handles(trend.PICK)
    async def pick(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the curve of the rising topic that was picked."""
        await replies.hold(interaction)
        with custom_ids.reading():
            span = Span(action.rest)
        state = await self._portable(TrendState(controls.chosen(interaction)[0], span))
        await self._show(interaction, state)

    @controls.handles(trend.SHARE)
    async def share(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post the curve for everybody in the channel, if the asker may write there."""
        if not replies.may_share(interaction):
            raise Refusal("may-not-share")
        await replies.think(interaction, public=True)
        words = await interaction.client.words_for(interaction)
        answer, files = await self._answer(words, await self._resolved(trend.unpack(action)), rising=False)
        if not answer.trend.total:
            raise Refusal("outdated-control")
        view = trend.shared_view(words, answer, sharer=replies.name_of(interaction))
        await replies.openly(interaction, view, files)

    async def _show(self, interaction: Interaction, state: TrendState) -> None:
        words = await interaction.client.words_for(interaction)
        answer, files = await self._answer(words, state, rising=not state.text)
        view = trend.trend_view(words, answer, may_share=replies.may_share(interaction))
        if interaction.type is discord.InteractionType.component:
            await replies.in_place(interaction, view, files)
        else:
            await replies.privately(interaction, view, files)

    async def _answer(
        self, words: Words, state: TrendState, *, rising: bool
    ) -> tuple[TrendAnswer, list[discord.File]]:
        months = trend.MONTHS[state.span]
        lookup = self._services.lookup
        extent = await lookup.extent()
        answer = TrendAnswer(
            state=state,
            trend=await self._services.trends.of_topic(state.text, months=months),
            extent=empty.Extent(extent.first_on, extent.last_on, extent.papers),
            rising=await self._services.rising.list_rows(words.locale) if rising else None,
        )
        if state.text and not answer.trend.total:
            found = await lookup.search(state.text, limit=1)
            elsewhere = found.total > 0 and not found.partial
            answer = replace(answer, suggestions=found.suggestions, is_elsewhere=elsewhere)
        picture = await self._draw(words, answer)
        if picture is None:
            return answer, []
        file = discord.File(
            io.BytesIO(picture), trend.FILE, description=trend.alt_text(words, answer) or None
        )
        return trend.with_picture(answer), [file]

    async def _draw(self, words: Words, answer: TrendAnswer) -> bytes | None:
        """Return the picture; None where there is nothing to draw, or where an operator's template spoils it."""
        if not answer.trend.total:
            return None
        chart = trend.chart_of(words, answer)
        try:
            return await asyncio.to_thread(self._services.charts.draw, chart)
        except ValueError as error:
            log.warning("chart_not_drawn", error=str(error))
            return None

    async def _portable(self, state: TrendState) -> TrendState:
        kept = await self._lists.portable(state.listed)
        return state.with_(text=kept.text, token=kept.token)

    async def _resolved(self, state: TrendState) -> TrendState:
        found = await self._lists.resolved(
            listing.ListState(listing.ListKind.TOPIC, state.text, token=state.token)
        )
        return state.with_(text=found.text)
