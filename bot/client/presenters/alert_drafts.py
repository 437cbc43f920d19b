"""Presenter of alerts that are made or changed: loads and stores their drafts, previews and saves them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import discord

from bot import errors as bot_errors
from bot.client.components import custom_ids
from bot.client.context import Client, Interaction, Request
from bot.client.interactions import checks, lookups, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import long_texts
from bot.client.presenters.alerts import AlertPresenter
from bot.client.views import alert_drafts, alerts
from bot.client.views.papers import paper_text
from storage import errors as storage_errors
from storage import models


@contextmanager
def map_alert_errors() -> Iterator[None]:
    """Raise UserError with the text for readers of a UsageError of the alerts service."""
    try:
        yield
    except bot_errors.UsageError as error:
        arguments = {
            name: paper_text.escape_untrusted(value, max_length=60) if isinstance(value, str) else value
            for name, value in error.arguments.items()
        }
        raise UserError(
            f"refused-{error.reason}" if error.reason else "alert-not-possible", **arguments
        ) from error


class AlertDraftPresenter:
    """Stateless presenter of drafts. A draft with an id changes that alert of the reader."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._alerts = AlertPresenter(bot)

    async def load(self, interaction: Interaction, key: str) -> models.Alert:
        """Return the draft of a custom id; of a stored alert alone, the alert. Raises UserError."""
        draft = await long_texts.load_draft(self._services.text_tokens, key)
        return await self.complete(interaction, draft)

    async def complete(self, interaction: Interaction, draft: models.Alert) -> models.Alert:
        """Return a draft with what its custom id leaves out: the reader, the server, and the default zone. Raises UserError."""
        stored = await self._alerts.find(interaction, str(draft.id)) if draft.id else None
        if stored is not None and not draft.terms:
            return stored
        is_moved = stored is None or stored.channel_id != draft.channel_id
        guild_id = interaction.guild_id if stored is None or is_moved else stored.guild_id
        timezone = draft.timezone
        if timezone == alert_drafts.EMPTY.timezone and draft.timing is models.AlertTiming.AT_ONCE:
            timezone = await interaction.client.timezone_for(interaction)
        return replace(
            draft,
            user_id=interaction.user.id,
            created_at=self._services.clock(),
            guild_id=guild_id if draft.channel_id is not None else None,
            timezone=timezone,
        )

    async def preview(self, interaction: Interaction, draft: models.Alert) -> discord.ui.LayoutView:
        """Return the matches of the last 30 days, with the buttons to save or change the draft. Raises UserError.

        Of a draft that is refused it returns why, with the button that opens what was typed again.
        """
        await self._require_allowed(interaction, draft)
        texts = await interaction.client.texts_for(interaction)
        key = await long_texts.store_draft(self._services.text_tokens, draft)
        try:
            with map_alert_errors():
                async with lookups.admitted(interaction):
                    preview = await self._services.alerts.preview(draft)
        except UserError as error:
            return alerts.refused_view(texts, texts(error.key, **error.arguments), key)
        return alerts.preview_view(texts, draft, preview, key, here_id=_manageable_channel(interaction))

    async def refuse_timing(
        self, interaction: Interaction, key: str, values: Mapping[str, str], error: UserError
    ) -> None:
        """Say why the times of a draft are refused, with a button that opens the modal with the typed values."""
        texts = await interaction.client.texts_for(interaction)
        token = await long_texts.store_typed(self._services.text_tokens, key, values)
        view = alerts.timing_refused_view(texts, texts(error.key, **error.arguments), token)
        await responses.reply_privately(interaction, view)

    async def save(self, interaction: Interaction, draft: models.Alert) -> discord.ui.LayoutView:
        """Store the draft and return its confirmation. Raises UserError, also if the user may no longer."""
        await self._require_allowed(interaction, draft)
        texts = await interaction.client.texts_for(interaction)
        with map_alert_errors():
            preview = await self._services.alerts.preview(draft)
            try:
                alert = await self._store(interaction, draft)
            except storage_errors.DuplicateError:
                return alerts.existing_view(texts, preview.existing or draft)
        self._services.profiles.wake(interaction.user.id)
        if alert.channel_id is None:
            await responses.open_dm(Request(interaction, texts))
        if alert.timing is not models.AlertTiming.AT_ONCE:
            await self._services.readers.update(interaction.user.id, timezone=alert.timezone)
        return alerts.saved_view(texts, alert, preview, is_new=not draft.id)

    async def tell(self, interaction: Interaction, arxiv_id: str) -> discord.ui.LayoutView:
        """Make the alert for a paper that no digest has yet, and return its confirmation. Raises UserError."""
        terms = (models.AlertTerm(models.AlertKind.PAPER, arxiv_id),)
        draft = await self.complete(interaction, replace(alert_drafts.EMPTY, terms=terms))
        texts = await interaction.client.texts_for(interaction)
        try:
            with map_alert_errors():
                alert = await self._services.alerts.add(draft)
        except storage_errors.DuplicateError:
            own = await self._services.alerts.list_rows(user_id=interaction.user.id)
            existing = next((row for row in own if (row.terms, row.channel_id) == (terms, None)), draft)
            return alerts.existing_view(texts, existing)
        await responses.open_dm(Request(interaction, texts))
        return alerts.tell_view(texts, alert)

    async def _store(self, interaction: Interaction, draft: models.Alert) -> models.Alert:
        if draft.id:
            return await self._services.alerts.change(draft.id, draft, user_id=interaction.user.id)
        return await self._services.alerts.add(draft)

    async def _require_allowed(self, interaction: Interaction, draft: models.Alert) -> None:
        """Raise UserError unless the user may have alerts sent there; anybody may to their own direct messages."""
        if draft.channel_id is not None:
            await checks.require_alert_channel(interaction, draft.guild_id, draft.channel_id)


def _manageable_channel(interaction: Interaction) -> int | None:
    """Return the channel of the interaction if alerts can go there and the user manages its messages."""
    is_channel = isinstance(interaction.channel, discord.TextChannel)
    return interaction.channel_id if is_channel and interaction.permissions.manage_messages else None


def parse_destination(channel_id: str) -> int | None:
    """Return the channel of a custom id's field, None for the reader's direct messages. Raises InvalidCustomIdError."""
    return custom_ids.parse_number(channel_id) or None
