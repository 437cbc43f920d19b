"""Buttons and menus of stored alerts. The commands are in `alerts`, drafts in `alert_drafts`."""

from __future__ import annotations

from collections.abc import Sequence

from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, component_router, responses
from bot.client.interactions.errors import UserError, map_service_errors
from bot.client.presenters import alerts
from bot.client.views import alert_post, alert_why, notices
from bot.client.views import alerts as alerts_view
from bot.client.views.papers import paper_text
from bot.digests.elements import arxiv_ids
from storage import errors as storage_errors
from storage import models


class AlertButtonsCog(commands.Cog):
    """A user's alerts, managed with components."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = alerts.AlertPresenter(bot)

    @component_router.handles_itself(alert_post.MANAGE)
    async def show_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show a page of the user's alerts."""
        await responses.update_message(
            interaction, await self._presenter.list_view(interaction, action.number)
        )

    @component_router.handles_itself(alerts_view.SERVER_LIST, check=checks.require_manager)
    async def show_server_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show a page of the alerts in the server's channels."""
        await responses.update_message(
            interaction, await self._presenter.server_list_view(interaction, action.number)
        )

    @component_router.handles_itself(alerts_view.SERVER_SELECT, check=checks.require_manager)
    async def select_server_alert(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the selected alert of the server's channels."""
        selected = component_router.selected_value(interaction)
        alert = await self._presenter.find_in_server(interaction, selected)
        await responses.update_message(
            interaction, await self._presenter.server_alert_view(interaction, alert)
        )

    @component_router.handles_itself(alerts_view.SERVER_REMOVE, check=checks.require_manager)
    async def remove_server_alert(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """End an alert in one of the server's channels, also another member's."""
        alert = await self._presenter.find_in_server(interaction, action.payload)
        view = await self._presenter.remove(interaction, alert, as_manager=True)
        await responses.update_message(interaction, view)

    @component_router.handles_itself(alerts_view.SELECT)
    async def select_alert(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the selected alert."""
        selected = component_router.selected_value(interaction)
        await self._presenter.show(interaction, custom_ids.parse_number(selected))

    @component_router.handles_itself(alerts_view.SHOW)
    async def show_alert(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show an alert."""
        await self._presenter.show(interaction, action.number)

    @component_router.handles_itself(alert_post.PAUSE_WEEK)
    async def pause_week(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Pause one alert for a week, by its id or a paper that it matches, or all alerts (payload 0)."""
        if action.payload == "0":
            own = await self._presenter.list_for_reader(interaction)
            said = await self._presenter.pause(interaction, own, 7)
            await responses.update_message(
                interaction, await self._presenter.list_view(interaction, said=said)
            )
            return
        if alert := await self._find_rule(interaction, action.payload):
            await self._presenter.pause(interaction, [alert], 7)
            await self._presenter.show(interaction, alert.id)

    @component_router.handles_itself(alert_post.WHY)
    async def explain(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Explain which rules brought a paper into an alert."""
        await self._show_rules(interaction, *await self._load_rules(interaction, action.payload))

    @component_router.handles_itself(alert_post.FEWER)
    async def send_fewer(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Let an alert send fewer papers."""
        if alert := await self._find_rule(interaction, action.payload):
            texts = await interaction.client.texts_for(interaction)
            with map_service_errors({storage_errors.DuplicateError: "alert-already"}):
                changed = await self._services.alerts.send_fewer(alert)
            await responses.update_message(interaction, alert_why.fewer_view(texts, changed))

    @component_router.handles_itself(alert_post.MUTE)
    async def mute(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Pause an alert until it is resumed, from its message."""
        if alert := await self._find_rule(interaction, action.payload):
            await self._services.alerts.pause([alert.id], user_id=interaction.user.id)
            await self._presenter.show(interaction, alert.id)

    async def _find_rule(self, interaction: Interaction, payload: str) -> models.Alert | None:
        """Return the user's alert by its id, or the one that matches a paper, by its arXiv id. Raises UserError.

        If several match by now, they are shown to choose from, and None is returned.
        """
        if arxiv_ids.extract_arxiv_id(payload) is None:
            return await self._presenter.find(interaction, payload)
        paper, rules = await self._load_rules(interaction, payload)
        own = [rule for rule in rules if rule[0].user_id == interaction.user.id]
        if len(own) == 1:
            return own[0][0]
        await self._show_rules(interaction, paper, own)
        return None

    async def _load_rules(
        self, interaction: Interaction, arxiv_id: str
    ) -> tuple[models.PaperDetail, list[alert_why.Rule]]:
        """Return a paper and the rules of this channel, or the user's own by DM, that it matches. Raises UserError."""
        paper = await self._services.search.find_paper(arxiv_id)
        if paper is None:
            raise UserError("no-paper", paper=paper_text.escape_untrusted(arxiv_id))
        is_dm = interaction.guild_id is None
        return paper, await self._services.alerts.explain(
            paper,
            user_id=interaction.user.id if is_dm else None,
            channel_id=None if is_dm else interaction.channel_id,
        )

    async def _show_rules(
        self, interaction: Interaction, paper: models.PaperDetail, rules: Sequence[alert_why.Rule]
    ) -> None:
        texts = await interaction.client.texts_for(interaction)
        view = alert_why.why_view(texts, paper, rules, interaction.user.id)
        await responses.reply_privately(interaction, view)

    @component_router.handles_itself(alerts_view.PAUSE)
    async def pause(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Pause an alert until it is resumed."""
        alert = await self._presenter.find(interaction, action.payload)
        await self._services.alerts.pause([alert.id], user_id=interaction.user.id)
        await self._presenter.show(interaction, alert.id)

    @component_router.handles_itself(alerts_view.RESUME)
    async def resume(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Resume an alert."""
        alert = await self._presenter.find(interaction, action.payload)
        await self._presenter.pause(interaction, [alert], 0)
        await self._presenter.show(interaction, alert.id)

    @component_router.handles_itself(alerts_view.REMOVE)
    async def remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove an alert."""
        alert = await self._presenter.find(interaction, action.payload)
        await responses.update_message(interaction, await self._presenter.remove(interaction, alert))

    @component_router.handles_itself(alert_post.STOP_ALL)
    async def confirm_remove_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for confirmation to remove all alerts."""
        texts = await interaction.client.texts_for(interaction)
        count = len(await self._presenter.list_for_reader(interaction))
        view = (
            alerts_view.confirm_remove_all_view(texts, count)
            if count
            else await self._presenter.list_view(interaction)
        )
        await responses.update_message(interaction, view)

    @component_router.handles_itself(alerts_view.REMOVE_ALL)
    async def remove_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove all alerts of the user."""
        texts = await interaction.client.texts_for(interaction)
        count = await self._services.alerts.remove_all(user_id=interaction.user.id)
        self._services.profiles.wake(interaction.user.id)
        await responses.update_message(
            interaction, notices.text_view(texts("alerts-all-removed", count=count))
        )
