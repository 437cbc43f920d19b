"""The `/today` command: a reader's five papers of the day with their menus and buttons, and the daily direct message (DM)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date

from discord import app_commands, ui
from discord.ext import commands

from bot.client import custom_ids, interaction_values, message_builder, responses, router, verbs
from bot.client.custom_ids import Action
from bot.client.handler_context import Request
from bot.client.refusals import UserError
from bot.core import schedule
from bot.features.today import messages as today_messages
from bot.features.today.service import PaperMark, TodayService
from bot.i18n import typed_values
from bot.papers import list_state
from bot.papers.replies import load_paper
from bot.rendering import discord_text, locale_formats
from storage import accounts


class TodayCog(commands.Cog):
    @router.command(name="today", description="Your five papers for today, based on what you save and follow")
    @app_commands.describe(at="Also send them to you every day at this time, such as 09:00")
    async def today(
        self, request: Request, at: app_commands.Range[str, 1, 40] | None = None
    ) -> ui.LayoutView:
        note = "" if at is None else await self._start_daily(request, at)
        return await self._view(request, note)

    @router.handles(verbs.SHOW_TODAY, also=(verbs.SHOW_TOPICS, verbs.SELECT_TOPICS))
    async def show(self, request: Request, action: Action) -> ui.LayoutView:
        return await self._view(request)

    @router.handles(verbs.MARK_PAPERS, responses.IN_OWN_MESSAGE)
    async def mark(self, request: Request, action: Action) -> ui.LayoutView:
        """Save or mark a paper, or undo either. The papers stay in place."""
        chosen, _, paper_key = interaction_values.selected_value(request.interaction).partition(":")
        with custom_ids.map_parse_errors():
            mark = PaperMark(chosen.removeprefix(today_messages.UNDO))
        is_undo = chosen.startswith(today_messages.UNDO)
        paper = await load_paper(request, paper_key)
        await request.services.get(TodayService).set_mark(
            request.user_id, paper.id, mark, not is_undo, request.interaction.guild_id
        )
        return await self._updated_view(request)

    @router.handles(verbs.SEND_TODAY, responses.IN_OWN_MESSAGE)
    async def send_daily(self, request: Request, action: Action) -> ui.LayoutView:
        return await self._updated_view(request, await self._start_daily(request))

    @router.handles(verbs.STOP_TODAY, responses.IN_OWN_MESSAGE)
    async def stop_daily(self, request: Request, action: Action) -> ui.LayoutView:
        await request.services.get(TodayService).stop_daily(request.user_id)
        return await self._updated_view(request, request.texts("today-stopped"))

    async def _view(
        self,
        request: Request,
        note: str = "",
        marker: str | None = None,
        on: date | None = None,
        shown: Sequence[str] = (),
    ) -> ui.LayoutView:
        """Return the reader's papers for a day, by default the latest complete day. Raises UserError if it has no papers."""
        async with router.admitted_lookup(request.interaction):
            post = await request.services.get(TodayService).build_post(
                request.user_id, request.texts.locale, on, shown=shown
            )
        if post is None and note:
            text = f"{request.texts('today-nothing')}\n{discord_text.subtext(note)}"
            return message_builder.text_view(text)
        if post is None:
            raise UserError("today-nothing")
        return today_messages.today_view(request.texts, post, marker=marker, note=note)

    async def _updated_view(self, request: Request, note: str = "") -> ui.LayoutView:
        """Return the papers of the message whose control was used (a reply or a DM) with their current marks."""
        interaction = request.interaction
        actions = map(custom_ids.unpack_custom_id, interaction_values.list_custom_ids(interaction.message))
        shown = [action.payload for action in actions if action.verb == verbs.OPEN_PAPER]
        return await self._view(
            request, note, interaction_values.find_marker(interaction), _find_day(interaction), shown
        )

    async def _start_daily(self, request: Request, typed: str | None = None) -> str:
        """Start the daily DM at the typed or stored time. Returns the confirmation for the reader.

        A zone typed with the time becomes the reader's zone. Raises UserError.
        """
        time, zone = typed_values.split_zone(typed or "")
        at_time = None if typed is None else typed_values.parse_time(time)
        await router.open_dm(request)
        if zone:
            await request.services.database.write(accounts.upsert_reader, request.user_id, timezone=zone)
        else:
            zone = await request.interaction.client.timezone_for(request.interaction)
        profile = await request.services.get(TodayService).send_daily(request.user_id, at_time, zone)
        shown_zone = locale_formats.render_zone(profile.timezone or zone, request.texts.locale.value)
        at = request.texts.format_time(profile.at_time or schedule.DEFAULT_TIME)
        return request.texts("today-sent-daily", at=at, zone=shown_zone)


def _find_day(interaction: interaction_values.AnyInteraction) -> date | None:
    """Return the day of the message whose control was used, read from one of its buttons; None if unknown."""
    for custom_id in interaction_values.list_custom_ids(interaction.message):
        action = custom_ids.unpack_custom_id(custom_id)
        if action.verb == verbs.OPEN_LIST:
            with suppress(ValueError):
                span = list_state.unpack_state(action).span
                return span[1] if span else None
    return None
