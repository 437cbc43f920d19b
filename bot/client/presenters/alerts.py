"""Presenter of `/alerts`: previews, creates, lists, shows and pauses a reader's alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import discord
import structlog

from bot import errors as bot_errors
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, lookups, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import channel_permissions, long_texts
from bot.client.presenters.service_errors import map_service_errors
from bot.client.translations import Texts
from bot.client.views import alerts, notices
from bot.services.alerts import alerts as alerts_service
from storage import errors as storage_errors
from storage import models

log = structlog.get_logger(__name__)


ERRORS: Mapping[type[Exception], str] = {
    storage_errors.DuplicateError: "alert-already",
    bot_errors.UsageError: "alert-not-possible",
}
"""Fluent ids of the exceptions of the alerts service."""


class AlertPresenter:
    """Stateless presenter of alerts."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services

    async def preview(self, interaction: Interaction, draft: alerts.AlertDraft) -> discord.ui.LayoutView:
        """Return the matches of the last 30 days, with the buttons to create or change the alert. Raises UserError."""
        await self._require_allowed(interaction, interaction.guild_id, draft.channel_id)
        texts = await interaction.client.texts_for(interaction)
        draft = await long_texts.store(self._services.text_tokens, draft, alerts.MAX_TEXT_LENGTH)
        with map_service_errors(ERRORS, most=alerts_service.MAX_ALERTS):
            async with lookups.admitted(interaction):
                preview = await self._services.alerts.preview(self._to_alert(interaction, draft))
        return alerts.preview_view(texts, draft, preview)

    async def create(self, interaction: Interaction, draft: alerts.AlertDraft) -> discord.ui.LayoutView:
        """Create the alert and return its confirmation. Raises UserError, also if the user may no longer."""
        await self._require_allowed(interaction, interaction.guild_id, draft.channel_id)
        texts = await interaction.client.texts_for(interaction)
        with map_service_errors(ERRORS, most=alerts_service.MAX_ALERTS):
            preview = await self._services.alerts.preview(self._to_alert(interaction, draft))
            alert = await self._services.alerts.add(self._to_alert(interaction, draft))
        if not draft.channel_id:
            await self.open_dm(interaction, texts)
        return alerts.created_view(texts, alert, preview)

    def _to_alert(self, interaction: Interaction, draft: alerts.AlertDraft) -> models.Alert:
        return models.Alert(
            id=0,
            user_id=interaction.user.id,
            terms=(models.AlertTerm(draft.kind, draft.text),),
            created_at=self._services.clock(),
            min_votes=draft.min_votes,
            channel_id=draft.channel_id or None,
            guild_id=interaction.guild_id if draft.channel_id else None,
        )

    async def open_dm(self, interaction: Interaction, texts: Texts) -> None:
        """Open the reader's direct messages now, on request: Discord treats opening many at once as spam."""
        try:
            dm_channel_id = (await interaction.user.create_dm()).id
        except discord.HTTPException as error:
            log.info("direct message not opened", user=interaction.user.id, code=error.code)
            dm_channel_id = None
        await self._services.readers.update(
            interaction.user.id, locale=texts.locale, dm_channel_id=dm_channel_id
        )

    async def list_view(self, interaction: Interaction, page: int = 0) -> discord.ui.LayoutView:
        """Return a page of the reader's alerts."""
        texts = await interaction.client.texts_for(interaction)
        rows = await self.list_for_reader(interaction)
        can_manage = checks.is_manager(interaction)
        return alerts.list_view(texts, rows, page, self._services.clock(), can_manage=can_manage)

    async def server_list_view(self, interaction: Interaction, page: int = 0) -> discord.ui.LayoutView:
        """Return a page of the alerts in the server's channels."""
        texts = await interaction.client.texts_for(interaction)
        rows = await self._list_in_server(interaction)
        return alerts.list_view(texts, rows, page, self._services.clock(), in_server=True)

    async def server_alert_view(self, interaction: Interaction, alert: models.Alert) -> discord.ui.LayoutView:
        """Return an alert of the server's channels for a manager."""
        texts = await interaction.client.texts_for(interaction)
        return alerts.server_alert_view(texts, alert, self._services.clock())

    async def show(self, interaction: Interaction, alert: models.Alert) -> None:
        """Show an alert in place of the message of the component."""
        texts = await interaction.client.texts_for(interaction)
        await responses.update_message(
            interaction, alerts.alert_detail_view(texts, alert, self._services.clock())
        )

    async def confirmation_view(
        self, interaction: Interaction, key: str, alert: models.Alert
    ) -> discord.ui.LayoutView:
        """Return a confirmation that names the alert."""
        texts = await interaction.client.texts_for(interaction)
        description = alerts.describe(texts, alert)
        return notices.text_view(texts(key, rule=description))

    async def pause(self, interaction: Interaction, own: Sequence[models.Alert], days: int) -> None:
        """Pause alerts for some days; 0 days resumes them. Raises UserError for a channel that the user may not resume."""
        ids = [alert.id for alert in own]
        if days:
            await self._services.alerts.snooze(
                ids, user_id=interaction.user.id, duration=timedelta(days=days)
            )
            return
        for guild_id, channel_id in {(alert.guild_id, alert.channel_id) for alert in own}:
            await self._require_allowed(interaction, guild_id, channel_id)
        await self._services.alerts.resume(ids, user_id=interaction.user.id)

    async def list_for_reader(self, interaction: Interaction) -> list[models.Alert]:
        """Return the reader's alerts."""
        return await self._services.alerts.list_rows(user_id=interaction.user.id)

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

    async def _require_allowed(
        self, interaction: Interaction, guild_id: int | None, channel_id: int | None
    ) -> None:
        """Raise UserError unless the user may have alerts sent there; anybody may to their own direct messages."""
        if channel_id:
            await channel_permissions.require_alert_channel(interaction, guild_id, channel_id)

    async def find(self, interaction: Interaction, text: str) -> models.Alert:
        """Return the reader's alert by its id or its text. Raises UserError."""
        for alert in await self.list_for_reader(interaction):
            if text in (str(alert.id), alerts.terms_text(alert)):
                return alert
        raise UserError("no-alert")
