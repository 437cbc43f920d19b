"""The buttons, menus and forms around alerts: following in one click, making, resting, ending. Its commands are in `alerts`."""

from __future__ import annotations

from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import component_router, responses
from bot.client.interactions.errors import Refusal
from bot.client.presenters import alerts, paper_lists
from bot.client.views import alert_post, list_state, modals, notices, paper_list
from bot.client.views import alerts as alerts_view
from bot.services.alerts import alerts as alerts_service
from storage import models


class RulesCog(commands.Cog):
    """A reader's standing rules, by buttons."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = paper_lists.PaperLists(bot.services)
        self._desk = alerts.AlertDesk(bot)

    @component_router.handles(paper_list.FOLLOW)
    async def follow(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Make the alert for a list's topic or author in one click."""
        await responses.think(interaction)
        state = await self._lists.resolved(list_state.unpack(action))
        watched = list_state.watch(state)
        if watched is None:
            raise Refusal("alert-not-possible", most=alerts_service.MOST_RULES)
        kind = models.AlertKind.AUTHOR if watched.is_author else models.AlertKind.KEYWORD
        draft = alerts_view.Draft(kind, watched.text[: alerts_service.LONGEST_TEXT], watched.min_votes)
        await responses.privately(interaction, await self._desk.create(interaction, draft))

    @component_router.handles(alerts_view.CREATE)
    async def create(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Make the rule that was previewed."""
        await responses.hold(interaction)
        draft = await self._desk.resolved(alerts_view.unpack(action))
        await responses.in_place(interaction, await self._desk.create(interaction, draft))

    @component_router.handles(alerts_view.EDIT)
    async def edit(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for another text and another minimum."""
        words = await interaction.client.words_for(interaction)
        draft = await self._desk.resolved(alerts_view.unpack(action))
        await responses.ask(interaction, modals.alert_form(words, draft))

    @component_router.handles(modals.ALERT_CHANGED)
    async def edited(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the preview of what was typed into the form."""
        await responses.hold(interaction)
        kind, channel_id = action.fields(2)
        typed = component_router.entered(interaction)
        votes = typed.get(modals.VOTES, "").strip() or "0"
        if not votes.isdecimal() or len(votes) > 5:
            raise Refusal("votes-not-a-number")
        draft = alerts_view.Draft(
            models.AlertKind(kind), typed.get(modals.QUERY, ""), int(votes), int(channel_id)
        )
        await responses.in_place(interaction, await self._desk.preview(interaction, draft))

    @component_router.handles(alert_post.MANAGE)
    async def manage(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the reader's rules."""
        await responses.hold(interaction)
        await responses.in_place(interaction, await self._desk.list_all(interaction, action.number))

    @component_router.handles(alerts_view.PICK)
    async def pick(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the rule that was picked."""
        await responses.hold(interaction)
        await self._desk.show(
            interaction, await self._desk.own(interaction, component_router.chosen(interaction)[0])
        )

    @component_router.handles(alert_post.PAUSE_WEEK)
    async def pause_week(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Let one rule (or all: 0) rest for a week."""
        await responses.hold(interaction)
        if action.rest == "0":
            await self._desk.rest(interaction, [rule.id for rule in await self._desk.mine(interaction)], 7)
            await responses.in_place(interaction, await self._desk.list_all(interaction))
            return
        rule = await self._desk.own(interaction, action.rest)
        await self._desk.rest(interaction, [rule.id], 7)
        await self._desk.show(interaction, await self._desk.own(interaction, action.rest))

    @component_router.handles(alerts_view.RESUME)
    async def resume(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Let a rule speak again."""
        await responses.hold(interaction)
        rule = await self._desk.own(interaction, action.rest)
        await self._desk.rest(interaction, [rule.id], 0)
        await self._desk.show(interaction, await self._desk.own(interaction, action.rest))

    @component_router.handles(alerts_view.REMOVE)
    async def remove_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """End a rule."""
        await responses.hold(interaction)
        rule = await self._desk.own(interaction, action.rest)
        await self._services.alerts.remove([rule.id], user_id=interaction.user.id)
        await responses.in_place(interaction, await self._desk.said(interaction, "alert-removed", rule))

    @component_router.handles(alert_post.STOP_ALL)
    async def stop_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask whether all rules are to go."""
        await responses.hold(interaction)
        words = await interaction.client.words_for(interaction)
        count = len(await self._desk.mine(interaction))
        view = alerts_view.confirm_view(words, count) if count else notices.plain_view(words("no-alerts"))
        await responses.in_place(interaction, view)

    @component_router.handles(alerts_view.REMOVE_ALL)
    async def remove_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """End all of the reader's rules."""
        await responses.hold(interaction)
        words = await interaction.client.words_for(interaction)
        count = await self._services.alerts.remove_all(user_id=interaction.user.id)
        await responses.in_place(interaction, notices.plain_view(words("alerts-all-removed", count=count)))
