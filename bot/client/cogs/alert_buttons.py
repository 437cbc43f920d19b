"""The buttons, menus and forms around alerts: following in one click, making, resting, ending. Its commands are in `alerts`."""

from __future__ import annotations

from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import component_router, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import alerts, long_texts
from bot.client.views import alert_post, list_state, modals, notices, paper_list
from bot.client.views import alerts as alerts_view
from bot.services.alerts import alerts as alerts_service
from storage import models


class AlertButtonsCog(commands.Cog):
    """A reader's standing rules, by buttons."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = alerts.AlertPresenter(bot)

    @component_router.handles(paper_list.FOLLOW)
    async def follow(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Make the alert for a list's topic or author in one click."""
        await responses.defer(interaction)
        state = await long_texts.load(self._services.text_tokens, list_state.unpack(action))
        terms = list_state.alert_terms(state)
        if terms is None:
            raise UserError("alert-not-possible", most=alerts_service.MAX_ALERTS)
        kind, text, min_votes = terms
        draft = alerts_view.AlertDraft(kind, text[: alerts_service.MAX_TEXT_LENGTH], min_votes)
        await responses.reply_privately(interaction, await self._presenter.create(interaction, draft))

    @component_router.handles(alerts_view.CREATE)
    async def create(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Make the rule that was previewed."""
        await responses.acknowledge(interaction)
        draft = await long_texts.load(self._services.text_tokens, alerts_view.unpack(action))
        await responses.update_message(interaction, await self._presenter.create(interaction, draft))

    @component_router.handles(alerts_view.EDIT)
    async def open_edit_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for another text and another minimum."""
        words = await interaction.client.texts_for(interaction)
        draft = await long_texts.load(self._services.text_tokens, alerts_view.unpack(action))
        await responses.open_modal(interaction, modals.alert_modal(words, draft))

    @component_router.handles(modals.SUBMIT_ALERT_MODAL)
    async def submit_edit_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the preview of what was typed into the form."""
        await responses.acknowledge(interaction)
        kind, channel_id = action.fields(2)
        typed = component_router.modal_values(interaction)
        votes = typed.get(modals.VOTES, "").strip() or "0"
        if not votes.isdecimal() or len(votes) > 5:
            raise UserError("votes-not-a-number")
        draft = alerts_view.AlertDraft(
            models.AlertKind(kind), typed.get(modals.QUERY, ""), int(votes), int(channel_id)
        )
        await responses.update_message(interaction, await self._presenter.preview(interaction, draft))

    @component_router.handles(alert_post.MANAGE)
    async def show_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the reader's rules."""
        await responses.acknowledge(interaction)
        await responses.update_message(
            interaction, await self._presenter.list_view(interaction, action.number)
        )

    @component_router.handles(alerts_view.SELECT)
    async def select_alert(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the rule that was picked."""
        await responses.acknowledge(interaction)
        await self._presenter.show(
            interaction,
            await self._presenter.find(interaction, component_router.selected_values(interaction)[0]),
        )

    @component_router.handles(alert_post.PAUSE_WEEK)
    async def pause_week(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Let one rule (or all: 0) rest for a week."""
        await responses.acknowledge(interaction)
        if action.payload == "0":
            await self._presenter.pause(
                interaction, [rule.id for rule in await self._presenter.list_for_reader(interaction)], 7
            )
            await responses.update_message(interaction, await self._presenter.list_view(interaction))
            return
        rule = await self._presenter.find(interaction, action.payload)
        await self._presenter.pause(interaction, [rule.id], 7)
        await self._presenter.show(interaction, await self._presenter.find(interaction, action.payload))

    @component_router.handles(alerts_view.RESUME)
    async def resume(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Let a rule speak again."""
        await responses.acknowledge(interaction)
        rule = await self._presenter.find(interaction, action.payload)
        await self._presenter.pause(interaction, [rule.id], 0)
        await self._presenter.show(interaction, await self._presenter.find(interaction, action.payload))

    @component_router.handles(alerts_view.REMOVE)
    async def remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """End a rule."""
        await responses.acknowledge(interaction)
        rule = await self._presenter.find(interaction, action.payload)
        await self._services.alerts.remove([rule.id], user_id=interaction.user.id)
        await responses.update_message(
            interaction, await self._presenter.confirmation_view(interaction, "alert-removed", rule)
        )

    @component_router.handles(alert_post.STOP_ALL)
    async def confirm_remove_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask whether all rules are to go."""
        await responses.acknowledge(interaction)
        words = await interaction.client.texts_for(interaction)
        count = len(await self._presenter.list_for_reader(interaction))
        view = (
            alerts_view.confirm_remove_all_view(words, count)
            if count
            else notices.text_view(words("no-alerts"))
        )
        await responses.update_message(interaction, view)

    @component_router.handles(alerts_view.REMOVE_ALL)
    async def remove_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """End all of the reader's rules."""
        await responses.acknowledge(interaction)
        words = await interaction.client.texts_for(interaction)
        count = await self._services.alerts.remove_all(user_id=interaction.user.id)
        await responses.update_message(
            interaction, notices.text_view(words("alerts-all-removed", count=count))
        )
