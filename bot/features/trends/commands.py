"""The `/trends` command: a chart of a topic's papers and votes by month, and rising topics."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.client import custom_ids, interaction_values, permissions, responses, router, verbs
from bot.client.custom_ids import Action
from bot.client.handler_context import Request
from bot.client.refusals import UserError
from bot.client.responses import WithFile
from bot.features.trends import messages as trends_messages
from bot.features.trends import trend_texts
from bot.features.trends.service import Span, TrendAnswer, TrendService, make_topic
from bot.papers import completers, list_state
from bot.papers.replies import load_list_text, store_list_text

log = structlog.get_logger(__name__)

SPAN_CHOICES = [
    app_commands.Choice(name="Last 6 months", value=Span.HALF_YEAR.value),
    app_commands.Choice(name="Last 12 months", value=Span.YEAR.value),
    app_commands.Choice(name="Last 2 years", value=Span.TWO_YEARS.value),
    app_commands.Choice(name="Last 5 years", value=Span.FIVE_YEARS.value),
]


class TrendsCog(commands.Cog):
    @router.command(name="trends", description="A topic's papers and votes by month, and rising topics")
    @app_commands.describe(
        topic="In Korean or English; all papers and rising topics if left out", period="How far back"
    )
    @app_commands.choices(period=SPAN_CHOICES)
    @app_commands.autocomplete(topic=completers.topics)
    async def trends(
        self, request: Request, topic: app_commands.Range[str, 1, 300] = "", period: str = Span.YEAR.value
    ) -> WithFile:
        return await self._answer_topic(request, topic, Span(period))

    @router.handles(verbs.SHOW_TREND)
    async def open_trend(self, request: Request, action: Action) -> WithFile:
        return await self._answer(request, *await self._unpack(request, action))

    @router.handles(verbs.SELECT_TREND_SPAN)
    async def select_span(self, request: Request, action: Action) -> WithFile:
        topic, _ = await self._unpack(request, action)
        with custom_ids.map_parse_errors():
            span = Span(interaction_values.selected_value(request.interaction))
        return await self._answer(request, make_topic(topic.text, span, topic.token), span)

    @router.handles(verbs.SELECT_TREND)
    async def select_topic(self, request: Request, action: Action) -> WithFile:
        with custom_ids.map_parse_errors():
            span = Span(action.payload)
        return await self._answer_topic(request, interaction_values.selected_value(request.interaction), span)

    @router.handles(verbs.SHARE_TREND, responses.PUBLICLY, check=permissions.require_may_share)
    async def share(self, request: Request, action: Action) -> WithFile:
        texts, interaction = request.texts, request.interaction
        async with router.deferring_publicly(interaction):
            answer, image = await self._load_answer(
                request, *await self._unpack(request, action), rising=False
            )
        if not answer.trend.total:
            raise UserError("outdated-control")
        sharer = interaction_values.display_name(interaction)
        return WithFile(trends_messages.shared_view(texts, answer, sharer=sharer), image)

    async def _unpack(self, request: Request, action: Action) -> tuple[list_state.ListState, Span]:
        topic, span = trends_messages.unpack(action)
        return await load_list_text(request.services.text_tokens, topic), span

    async def _answer_topic(self, request: Request, text: str, span: Span) -> WithFile:
        topic = await store_list_text(request.services.text_tokens, request.user_id, make_topic(text, span))
        return await self._answer(request, topic, span)

    async def _answer(self, request: Request, topic: list_state.ListState, span: Span) -> WithFile:
        async with router.admitted_lookup(request.interaction):
            answer, image = await self._load_answer(request, topic, span, rising=not topic.text)
        may_share = permissions.may_share(request.interaction)
        return WithFile(trends_messages.trend_view(request.texts, answer, may_share=may_share), image)

    async def _load_answer(
        self, request: Request, topic: list_state.ListState, span: Span, *, rising: bool
    ) -> tuple[TrendAnswer, discord.File | None]:
        texts = request.texts
        answer = await request.services.get(TrendService).answer(
            texts.locale, topic, span, with_rising=rising
        )
        if not answer.trend.total:
            return answer, None
        try:
            chart = trend_texts.make_chart(texts, answer.trend)
            image = await asyncio.to_thread(request.services.charts.draw, chart)
        except ValueError as error:
            # The operator has changed the template and it is invalid.
            log.warning("chart not drawn", error=str(error))
            return answer, None
        description = trend_texts.alt_text(texts, answer) or None
        return replace(answer, has_image=True), discord.File(
            io.BytesIO(image), trends_messages.IMAGE_FILENAME, description=description
        )
