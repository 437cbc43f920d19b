"""What `/alerts` and its buttons do with rules: preview, make, show, rest. The commands themselves are in the cogs."""

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
    """Serves the cogs around alerts; holds nothing of anybody."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services

    async def preview(self, interaction: Interaction, draft: alerts.AlertDraft) -> discord.ui.LayoutView:
        """Return what a rule would have told, with the buttons that make or change it. Raises Refusal."""
        texts = await interaction.client.texts_for(interaction)
        draft = await long_texts.store(self._services.text_tokens, draft, alerts.MAX_TEXT_LENGTH)
        with map_service_errors(ERRORS, most=alerts_service.MAX_ALERTS):
            preview = await self._services.alerts.preview(draft.kind, draft.text, draft.min_votes)
        return alerts.preview_view(texts, draft, preview)

    async def create(self, interaction: Interaction, draft: alerts.AlertDraft) -> discord.ui.LayoutView:
        """Make the rule and return its confirmation. Raises Refusal."""
        texts = await interaction.client.texts_for(interaction)
        with map_service_errors(ERRORS, most=alerts_service.MAX_ALERTS):
            preview = await self._services.alerts.preview(draft.kind, draft.text, draft.min_votes)
            made = await self._services.alerts.add(
                user_id=interaction.user.id,
                kind=draft.kind,
                text=draft.text,
                min_votes=draft.min_votes,
                channel_id=draft.channel_id or None,
                guild_id=interaction.guild_id if draft.channel_id else None,
            )
        if not draft.channel_id:
            await self.open_dm(interaction, texts)
        return alerts.created_view(texts, made, preview)

    async def open_dm(self, interaction: Interaction, texts: Texts) -> None:
        """Open the reader's direct messages on their wish, and only now: Discord takes opening many at once for spam."""
        try:
            dm_channel_id = (await interaction.user.create_dm()).id
        except discord.HTTPException as error:
            log.info("dm_not_opened", user=interaction.user.id, code=error.code)
            dm_channel_id = None
        await self._services.readers.update(
            interaction.user.id, locale=texts.locale, dm_channel_id=dm_channel_id
        )

    async def list_view(self, interaction: Interaction, page: int = 0) -> discord.ui.LayoutView:
        """Return a page of the reader's rules."""
        texts = await interaction.client.texts_for(interaction)
        return alerts.list_view(texts, await self.list_for_reader(interaction), page, self._services.clock())

    async def show(self, interaction: Interaction, rule: models.Alert) -> None:
        """Show one rule in place of the message in hand."""
        texts = await interaction.client.texts_for(interaction)
        await responses.update_message(
            interaction, alerts.alert_detail_view(texts, rule, self._services.clock())
        )

    async def confirmation_view(
        self, interaction: Interaction, key: str, rule: models.Alert
    ) -> discord.ui.LayoutView:
        """Return a sentence about a rule."""
        texts = await interaction.client.texts_for(interaction)
        shown = alerts.alert_description(texts, rule.kind, rule.text, rule.min_votes)
        return notices.text_view(texts(key, rule=shown))

    async def pause(self, interaction: Interaction, ids: list[int], days: int) -> None:
        """Let rules rest for some days; 0 days starts them again."""
        mine = interaction.user.id
        if days:
            await self._services.alerts.snooze(ids, user_id=mine, duration=timedelta(days=days))
        else:
            await self._services.alerts.resume(ids, user_id=mine)

    async def list_for_reader(self, interaction: Interaction) -> list[models.Alert]:
        """Return the reader's rules."""
        return await self._services.alerts.list_rows(user_id=interaction.user.id)

    async def find(self, interaction: Interaction, text: str) -> models.Alert:
        """Return the reader's rule by its id or its text. Raises Refusal."""
        for rule in await self.list_for_reader(interaction):
            if text in (str(rule.id), rule.text):
                return rule
        raise UserError("no-alert")


def allowed_channel_id(channel: app_commands.AppCommandChannel) -> int:
    """Return the channel's id if the asker may manage messages there and it can be written to. Raises Refusal."""
    if channel.type not in (discord.ChannelType.text, discord.ChannelType.news):
        raise UserError("alert-no-such-channel")
    if not channel.permissions.manage_messages:
        raise UserError("needs-manage-messages", channel=f"<#{channel.id}>")
    return channel.id
