"""Presenter of `/alerts`: previews, creates, lists, shows and pauses a reader's alerts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import discord
import structlog
from discord import app_commands

from bot import errors as bot_errors
from bot.client.context import Client, Interaction
from bot.client.interactions import responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import long_texts
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
        texts = await interaction.client.texts_for(interaction)
        draft = await long_texts.store(self._services.text_tokens, draft, alerts.MAX_TEXT_LENGTH)
        with map_service_errors(ERRORS, most=alerts_service.MAX_ALERTS):
            preview = await self._services.alerts.preview(draft.kind, draft.text, draft.min_votes)
        return alerts.preview_view(texts, draft, preview)

    async def create(self, interaction: Interaction, draft: alerts.AlertDraft) -> discord.ui.LayoutView:
        """Create the alert and return its confirmation. Raises UserError."""
        texts = await interaction.client.texts_for(interaction)
        with map_service_errors(ERRORS, most=alerts_service.MAX_ALERTS):
            preview = await self._services.alerts.preview(draft.kind, draft.text, draft.min_votes)
            alert = await self._services.alerts.add(
                user_id=interaction.user.id,
                kind=draft.kind,
                text=draft.text,
                min_votes=draft.min_votes,
                channel_id=draft.channel_id or None,
                guild_id=interaction.guild_id if draft.channel_id else None,
            )
        if not draft.channel_id:
            await self.open_dm(interaction, texts)
        return alerts.created_view(texts, alert, preview)

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
        return alerts.list_view(texts, await self.list_for_reader(interaction), page, self._services.clock())

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
        description = alerts.alert_description(texts, alert.kind, alert.text, alert.min_votes)
        return notices.text_view(texts(key, rule=description))

    async def pause(self, interaction: Interaction, ids: list[int], days: int) -> None:
        """Pause alerts for some days; 0 days resumes them."""
        if days:
            await self._services.alerts.snooze(
                ids, user_id=interaction.user.id, duration=timedelta(days=days)
            )
        else:
            await self._services.alerts.resume(ids, user_id=interaction.user.id)

    async def list_for_reader(self, interaction: Interaction) -> list[models.Alert]:
        """Return the reader's alerts."""
        return await self._services.alerts.list_rows(user_id=interaction.user.id)

    async def find(self, interaction: Interaction, text: str) -> models.Alert:
        """Return the reader's alert by its id or its text. Raises UserError."""
        for alert in await self.list_for_reader(interaction):
            if text in (str(alert.id), alert.text):
                return alert
        raise UserError("no-alert")


def allowed_channel_id(channel: app_commands.AppCommandChannel) -> int:
    """Return the id of a text channel whose messages the user may manage. Raises UserError for another."""
    if channel.type not in (discord.ChannelType.text, discord.ChannelType.news):
        raise UserError("alert-no-such-channel")
    if not channel.permissions.manage_messages:
        raise UserError("needs-manage-messages", channel=f"<#{channel.id}>")
    return channel.id
