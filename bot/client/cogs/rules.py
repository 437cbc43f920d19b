"""The buttons, menus and forms around alerts: following in one click, making, resting, ending. Its commands are in `alerts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.client import alert_desk, controls, custom_ids, paper_lists, replies
from bot.client.failures import Refusal
from bot.client.views import alert_post, alert_rules, forms, listing, lists, notices
from bot.services import alerts as rules_service
from storage import models

if TYPE_CHECKING:
    from bot.client.bot import PaperroundBot

Interaction = discord.Interaction["PaperroundBot"]


class RulesCog(commands.Cog):
    """A reader's standing rules, by buttons."""

    def __init__(self, bot: PaperroundBot) -> None:
        self._services = bot.services
        self._lists = paper_lists.PaperLists(bot.services)
        self._desk = alert_desk.AlertDesk(bot)

    @controls.handles(lists.FOLLOW)
    async def follow(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Make the alert for a list's topic or author in one click."""
        await replies.think(interaction)
        state = await self._lists.resolved(listing.unpack(action))
        watched = listing.watch(state)
        if watched is None:
            raise Refusal("alert-not-possible", most=rules_service.MOST_RULES)
        kind = models.AlertKind.AUTHOR if watched.is_author else models.AlertKind.KEYWORD
        draft = alert_rules.Draft(kind, watched.text[: rules_service.LONGEST_TEXT], watched.min_votes)
        await replies.privately(interaction, await self._desk.create(interaction, draft))

    @controls.handles(alert_rules.CREATE)
    async def create(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Make the rule that was previewed."""
        await replies.hold(interaction)
        draft = await self._desk.resolved(alert_rules.unpack(action))
        await replies.in_place(interaction, await self._desk.create(interaction, draft))

    @controls.handles(alert_rules.EDIT)
    async def edit(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for another text and another minimum."""
        words = await interaction.client.words_for(interaction)
        draft = await self._desk.resolved(alert_rules.unpack(action))
        await replies.ask(interaction, forms.alert_form(words, draft))

    @controls.handles(forms.ALERT_CHANGED)
    async def edited(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the preview of what was typed into the form."""
        await replies.hold(interaction)
        kind, channel_id = action.fields(2)
        typed = controls.entered(interaction)
        votes = typed.get(forms.VOTES, "").strip() or "0"
        if not votes.isdecimal() or len(votes) > 5:
            raise Refusal("votes-not-a-number")
        draft = alert_rules.Draft(
            models.AlertKind(kind), typed.get(forms.QUERY, ""), int(votes), int(channel_id)
        )
        await replies.in_place(interaction, await self._desk.preview(interaction, draft))

    @controls.handles(alert_post.MANAGE)
    async def manage(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the reader's rules."""
        await replies.hold(interaction)
        await replies.in_place(interaction, await self._desk.list_all(interaction, action.number))

    @controls.handles(alert_rules.PICK)
    async def pick(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the rule that was picked."""
        await replies.hold(interaction)
        await self._desk.show(interaction, await self._desk.own(interaction, controls.chosen(interaction)[0]))

    @controls.handles(alert_post.PAUSE_WEEK)
    async def pause_week(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Let one rule (or all: 0) rest for a week."""
        await replies.hold(interaction)
        if action.rest == "0":
            await self._desk.rest(interaction, [rule.id for rule in await self._desk.mine(interaction)], 7)
            await replies.in_place(interaction, await self._desk.list_all(interaction))
            return
        rule = await self._desk.own(interaction, action.rest)
        await self._desk.rest(interaction, [rule.id], 7)
        await self._desk.show(interaction, await self._desk.own(interaction, action.rest))

    @controls.handles(alert_rules.RESUME)
    async def resume(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Let a rule speak again."""
        await replies.hold(interaction)
        rule = await self._desk.own(interaction, action.rest)
        await self._desk.rest(interaction, [rule.id], 0)
        await self._desk.show(interaction, await self._desk.own(interaction, action.rest))

    @controls.handles(alert_rules.REMOVE)
    async def remove_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """End a rule."""
        await replies.hold(interaction)
        rule = await self._desk.own(interaction, action.rest)
        await self._services.alerts.remove([rule.id], user_id=interaction.user.id)
        await replies.in_place(interaction, await self._desk.said(interaction, "alert-removed", rule))

    @controls.handles(alert_post.STOP_ALL)
    async def stop_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask whether all rules are to go."""
        await replies.hold(interaction)
        words = await interaction.client.words_for(interaction)
        count = len(await self._desk.mine(interaction))
        view = alert_rules.confirm_view(words, count) if count else notices.plain_view(words("no-alerts"))
        await replies.in_place(interaction, view)

    @controls.handles(alert_rules.REMOVE_ALL)
    async def remove_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """End all of the reader's rules."""
        await replies.hold(interaction)
        words = await interaction.client.words_for(interaction)
        count = await self._services.alerts.remove_all(user_id=interaction.user.id)
        await replies.in_place(interaction, notices.plain_view(words("alerts-all-removed", count=count)))
