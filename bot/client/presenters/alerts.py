"""Presenter of `/alerts`: lists, shows and pauses a reader's alerts. Making and changing them is in `alert_drafts`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import discord

from bot.client.context import Client, Interaction
from bot.client.interactions import checks, responses
from bot.client.interactions.errors import UserError
from bot.client.views import alert_text, alerts, notices
from storage import models


class AlertPresenter:
    """Stateless presenter of stored alerts."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._mentions = bot.mentions

    async def list_view(
        self, interaction: Interaction, page: int = 0, said: str = ""
    ) -> discord.ui.LayoutView:
        """Return a page of the reader's alerts, below what was just done to them."""
        texts = await interaction.client.texts_for(interaction)
        return alerts.list_view(
            texts,
            await self.list_for_reader(interaction),
            page,
            self._services.clock(),
            self.channel_namer(interaction),
            add_command=self._mentions("alerts add"),
            said=said,
            can_manage=checks.is_manager(interaction),
        )

    async def server_list_view(self, interaction: Interaction, page: int = 0) -> discord.ui.LayoutView:
        """Return a page of the alerts in the server's channels."""
        texts = await interaction.client.texts_for(interaction)
        rows = await self._list_in_server(interaction)
        now, channel_name = self._services.clock(), self.channel_namer(interaction)
        return alerts.list_view(texts, rows, page, now, channel_name, in_server=True)

    async def server_alert_view(self, interaction: Interaction, alert: models.Alert) -> discord.ui.LayoutView:
        """Return an alert of the server's channels for a manager."""
        texts = await interaction.client.texts_for(interaction)
        return alerts.server_alert_view(texts, alert, self._services.clock())

    async def show(self, interaction: Interaction, alert_id: int) -> None:
        """Show an alert of the reader in place of the message of the component. Raises UserError if it is gone."""
        texts = await interaction.client.texts_for(interaction)
        alert = await self.find(interaction, str(alert_id))
        await responses.update_message(interaction, alerts.alert_view(texts, alert, self._services.clock()))

    async def remove(
        self, interaction: Interaction, alert: models.Alert, *, as_manager: bool = False
    ) -> discord.ui.LayoutView:
        """Remove an alert of the user, as a manager of the server any; returns the confirmation, which names it."""
        await self._services.alerts.remove([alert.id], user_id=None if as_manager else interaction.user.id)
        self._services.profiles.wake(alert.user_id)
        texts = await interaction.client.texts_for(interaction)
        return notices.text_view(texts("alert-removed", rule=alert_text.rule(texts, alert)))

    async def pause(self, interaction: Interaction, own: Sequence[models.Alert], days: int) -> str:
        """Pause alerts for some days; 0 days resumes them. Returns what was done, in words.

        Raises UserError for a channel that the user may not resume.
        """
        texts = await interaction.client.texts_for(interaction)
        ids = [alert.id for alert in own]
        if days:
            await self._services.alerts.snooze(
                ids, user_id=interaction.user.id, duration=timedelta(days=days)
            )
            return texts("alerts-paused", count=len(own), days=days) if own else ""
        for guild_id, channel_id in {(alert.guild_id, alert.channel_id) for alert in own}:
            if channel_id:
                await checks.require_alert_channel(interaction, guild_id, channel_id)
        await self._services.alerts.resume(ids, user_id=interaction.user.id)
        return texts("alerts-resumed", count=len(own)) if own else ""

    async def list_for_reader(self, interaction: Interaction) -> list[models.Alert]:
        """Return the reader's alerts."""
        return await self._services.alerts.list_rows(user_id=interaction.user.id)

    async def find(self, interaction: Interaction, text: str) -> models.Alert:
        """Return the reader's alert by its id or its terms. Raises UserError for none, and for several of the same terms."""
        own = await self.list_for_reader(interaction)
        typed = text.strip().casefold()
        matching = [alert for alert in own if text == str(alert.id)]
        matching = matching or [alert for alert in own if typed == alert_text.name(alert).casefold()]
        if len(matching) != 1:
            raise UserError("alert-several" if matching else "no-alert")
        return matching[0]

    async def find_in_server(self, interaction: Interaction, text: str) -> models.Alert:
        """Return an alert of the server's channels by its id, whoever made it. Raises UserError."""
        for alert in await self._list_in_server(interaction):
            if text == str(alert.id):
                return alert
        raise UserError("no-alert-here")

    async def _list_in_server(self, interaction: Interaction) -> list[models.Alert]:
        guild = interaction.guild
        if guild is None:
            return []
        channel_ids = [channel.id for channel in guild.channels]
        return await self._services.alerts.list_in_channels(guild.id, channel_ids)

    def channel_namer(self, interaction: Interaction) -> alert_text.ChannelName:
        """Return the function that names a channel for menus, which show no mentions."""

        def name(channel_id: int) -> str:
            channel = interaction.client.get_channel(channel_id)
            return f"#{getattr(channel, 'name', None) or channel_id}"

        return name
