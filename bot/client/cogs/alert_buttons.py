"""Buttons, menus and modals of alerts. The commands are in `alerts`."""

from __future__ import annotations

from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, component_router, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import alerts, long_texts
from bot.client.views import alert_post, modals, notices
from bot.client.views import alerts as alerts_view
from bot.client.views.papers import list_state, paper_list
from bot.services.alerts import alerts as alerts_service
from bot.services.alerts import validation
from storage import models


class AlertButtonsCog(commands.Cog):
    """A user's alerts, managed with components."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = alerts.AlertPresenter(bot)

    @component_router.handles(paper_list.FOLLOW, first=responses.defer)
    async def follow(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Create an alert for the topic or author of a list."""
        state = await long_texts.load(self._services.text_tokens, list_state.unpack(action))
        terms = list_state.alert_terms(state)
        if terms is None:
            raise UserError("alert-not-possible", most=alerts_service.MAX_ALERTS)
        kind, text, min_votes = terms
        draft = alerts_view.AlertDraft(kind, text[: validation.MAX_TEXT_LENGTH], min_votes)
        await responses.reply_privately(interaction, await self._presenter.create(interaction, draft))

    @component_router.handles(alerts_view.CREATE)
    async def create(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Create the previewed alert."""
        draft = await long_texts.load(self._services.text_tokens, alerts_view.unpack(action))
        await responses.update_message(interaction, await self._presenter.create(interaction, draft))

    @component_router.handles(alerts_view.EDIT, first=None)
    async def open_edit_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open a modal to change the text and the minimum of votes."""
        texts = await interaction.client.texts_for(interaction)
        draft = await long_texts.load(self._services.text_tokens, alerts_view.unpack(action))
        await responses.open_modal(interaction, modals.alert_modal(texts, draft))

    @component_router.handles(modals.SUBMIT_ALERT_MODAL)
    async def submit_edit_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Preview the alert with the values of the modal."""
        kind_name, channel_id = action.fields(2)
        with custom_ids.map_parse_errors():
            kind = models.AlertKind(kind_name)
        values = component_router.modal_values(interaction)
        votes = values.get(modals.VOTES, "").strip() or "0"
        if not votes.isdecimal() or len(votes) > 5:
            raise UserError("votes-not-a-number")
        draft = alerts_view.AlertDraft(
            kind, values.get(modals.QUERY, ""), int(votes), custom_ids.parse_number(channel_id)
        )
        await responses.update_message(interaction, await self._presenter.preview(interaction, draft))

    @component_router.handles(alert_post.MANAGE)
    async def show_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show a page of the user's alerts."""
        await responses.update_message(
            interaction, await self._presenter.list_view(interaction, action.number)
        )

    @component_router.handles(alerts_view.SERVER_LIST, check=checks.require_manager)
    async def show_server_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show a page of the alerts in the server's channels."""
        await responses.update_message(
            interaction, await self._presenter.server_list_view(interaction, action.number)
        )

    @component_router.handles(alerts_view.SERVER_SELECT, check=checks.require_manager)
    async def select_server_alert(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the selected alert of the server's channels."""
        selected = component_router.selected_value(interaction)
        alert = await self._presenter.find_in_server(interaction, selected)
        await responses.update_message(
            interaction, await self._presenter.server_alert_view(interaction, alert)
        )

    @component_router.handles(alerts_view.SERVER_REMOVE, check=checks.require_manager)
    async def remove_server_alert(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """End an alert in one of the server's channels, also another member's."""
        alert = await self._presenter.find_in_server(interaction, action.payload)
        await self._services.alerts.remove([alert.id])
        await responses.update_message(
            interaction, await self._presenter.confirmation_view(interaction, "alert-removed", alert)
        )

    @component_router.handles(alerts_view.SELECT)
    async def select_alert(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the selected alert."""
        alert = await self._presenter.find(interaction, component_router.selected_value(interaction))
        await self._presenter.show(interaction, alert)

    @component_router.handles(alert_post.PAUSE_WEEK)
    async def pause_week(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Pause one alert for a week, or all alerts (payload 0)."""
        if action.payload == "0":
            await self._presenter.pause(interaction, await self._presenter.list_for_reader(interaction), 7)
            await responses.update_message(interaction, await self._presenter.list_view(interaction))
            return
        alert = await self._presenter.find(interaction, action.payload)
        await self._presenter.pause(interaction, [alert], 7)
        await self._presenter.show(interaction, await self._presenter.find(interaction, action.payload))

    @component_router.handles(alerts_view.RESUME)
    async def resume(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Resume an alert."""
        alert = await self._presenter.find(interaction, action.payload)
        await self._presenter.pause(interaction, [alert], 0)
        await self._presenter.show(interaction, await self._presenter.find(interaction, action.payload))

    @component_router.handles(alerts_view.REMOVE)
    async def remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove an alert."""
        alert = await self._presenter.find(interaction, action.payload)
        await self._services.alerts.remove([alert.id], user_id=interaction.user.id)
        await responses.update_message(
            interaction, await self._presenter.confirmation_view(interaction, "alert-removed", alert)
        )

    @component_router.handles(alert_post.STOP_ALL)
    async def confirm_remove_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for confirmation to remove all alerts."""
        texts = await interaction.client.texts_for(interaction)
        count = len(await self._presenter.list_for_reader(interaction))
        view = (
            alerts_view.confirm_remove_all_view(texts, count)
            if count
            else notices.text_view(texts("no-alerts"))
        )
        await responses.update_message(interaction, view)

    @component_router.handles(alerts_view.REMOVE_ALL)
    async def remove_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove all alerts of the user."""
        texts = await interaction.client.texts_for(interaction)
        count = await self._services.alerts.remove_all(user_id=interaction.user.id)
        await responses.update_message(
            interaction, notices.text_view(texts("alerts-all-removed", count=count))
        )
