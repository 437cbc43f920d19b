"""Buttons and menus of stored alerts. The commands are in `alerts`, drafts in `alert_drafts`."""

from __future__ import annotations

from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, component_router, responses
from bot.client.presenters import alerts
from bot.client.views import alert_post, notices
from bot.client.views import alerts as alerts_view


class AlertButtonsCog(commands.Cog):
    """A user's alerts, managed with components."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = alerts.AlertPresenter(bot)

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
        await responses.update_message(interaction, await self._presenter.removed_view(interaction, alert))

    @component_router.handles(alerts_view.SELECT)
    async def select_alert(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the selected alert."""
        selected = component_router.selected_value(interaction)
        await self._presenter.show(interaction, custom_ids.parse_number(selected))

    @component_router.handles(alerts_view.SHOW)
    async def show_alert(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show an alert."""
        await self._presenter.show(interaction, action.number)

    @component_router.handles(alert_post.PAUSE_WEEK)
    async def pause_week(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Pause one alert for a week, or all alerts (payload 0)."""
        if action.payload == "0":
            own = await self._presenter.list_for_reader(interaction)
            said = await self._presenter.pause(interaction, own, 7)
            await responses.update_message(
                interaction, await self._presenter.list_view(interaction, said=said)
            )
            return
        alert = await self._presenter.find(interaction, action.payload)
        await self._presenter.pause(interaction, [alert], 7)
        await self._presenter.show(interaction, alert.id)

    @component_router.handles(alerts_view.PAUSE)
    async def pause(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Pause an alert until it is resumed."""
        alert = await self._presenter.find(interaction, action.payload)
        await self._services.alerts.pause([alert.id], user_id=interaction.user.id)
        await self._presenter.show(interaction, alert.id)

    @component_router.handles(alerts_view.RESUME)
    async def resume(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Resume an alert."""
        alert = await self._presenter.find(interaction, action.payload)
        await self._presenter.pause(interaction, [alert], 0)
        await self._presenter.show(interaction, alert.id)

    @component_router.handles(alerts_view.REMOVE)
    async def remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove an alert."""
        alert = await self._presenter.find(interaction, action.payload)
        await self._services.alerts.remove([alert.id], user_id=interaction.user.id)
        await responses.update_message(interaction, await self._presenter.removed_view(interaction, alert))

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
