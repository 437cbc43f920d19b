"""Presenter of the forms that change a subscription, stored or in the wizard. The values of a refused form are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import discord

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, component_router, responses
from bot.client.interactions.errors import UserError
from bot.client.post_styles import STYLES
from bot.client.presenters.subscriptions import SubscriptionPresenter
from bot.client.views import modals, subscriptions
from bot.services.daily.subscriptions import SubscriptionOptions, options_of
from storage import models


class SubscriptionFormPresenter:
    """Stateless presenter of the forms of subscriptions."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._subscriptions = SubscriptionPresenter(bot)

    async def form_view(self, interaction: Interaction, subscription_id: str | None) -> discord.ui.LayoutView:
        """Return the buttons of a subscription's forms; without an id and with several, their list. Raises UserError."""
        texts = await interaction.client.texts_for(interaction)
        candidates = await self._subscriptions.list_candidates(interaction)
        if subscription_id is None and len(candidates) > 1:
            return await self._subscriptions.list_view(interaction, candidates, subscriptions.SELECT_CHANGE)
        return modals.form_view(texts, await self._subscriptions.find(interaction, subscription_id))

    async def load_target(self, interaction: Interaction, payload: str) -> models.Subscription:
        """Return the subscription of a form: a stored one, or that of the wizard, with the id 0. Raises UserError."""
        if payload.startswith(subscriptions.STORED_MARK):
            return await self._subscriptions.find(
                interaction, payload.removeprefix(subscriptions.STORED_MARK)
            )
        return self._subscriptions.unsaved(
            interaction, *await self._subscriptions.load_options(custom_ids.Action("", payload))
        )

    async def form_modal(
        self,
        interaction: Interaction,
        submit_verb: str,
        payload: str,
        typed: Mapping[str, str] = MappingProxyType({}),
    ) -> modals.StatelessModal:
        """Return the form of a verb with the options of `load_target`, replaced by the typed values. Raises UserError."""
        texts = await interaction.client.texts_for(interaction)
        subscription = await self.load_target(interaction, payload)
        channel = checks.require_channel(interaction.guild, subscription.channel_id)
        values = {**modals.form_values(options_of(subscription)), **typed}
        role_id = values[modals.ROLE]
        if role_id and channel.guild.get_role(int(role_id)) is None:
            values[modals.ROLE] = ""
        if submit_verb == modals.SUBMIT_SCHEDULE:
            return modals.schedule_modal(texts, payload, values)
        styles = [style for style in models.Style if STYLES[style].fits(channel)]
        return modals.papers_modal(texts, payload, values, styles)

    async def apply_form(
        self, interaction: Interaction, subscription: models.Subscription, options: SubscriptionOptions
    ) -> None:
        """Store the options of a form, or show the wizard with them. Raises UserError."""
        if options.mention_role_id == subscription.guild_id:
            options = replace(options, mention_role_id=None)  # @everyone: see `apply_changes`
        if subscription.id:
            await self._subscriptions.edit(interaction, subscription, options)
            return
        channel = checks.require_channel(interaction.guild, subscription.channel_id)
        await self._subscriptions.require_allowed(interaction, channel, options)
        view = await self._subscriptions.setup_view(interaction, subscription.channel_id, options)
        await responses.update_message(interaction, view)

    async def refuse_form(
        self, interaction: Interaction, action: custom_ids.Action, values: Mapping[str, str], error: UserError
    ) -> None:
        """Say why a form is refused, with a button that opens it again with the values that were typed."""
        texts = await interaction.client.texts_for(interaction)
        token = await component_router.store_typed(self._services.text_tokens, action.payload, values)
        view = modals.refused_view(
            texts,
            texts(error.key, **error.arguments),
            custom_ids.pack(subscriptions.REOPEN, action.verb, token),
            action.payload,
        )
        await responses.update_message(interaction, view)

    async def reopen_form(self, interaction: Interaction, action: custom_ids.Action) -> modals.StatelessModal:
        """Return a form with the typed values. Raises UserError if these were overwritten."""
        submit_verb, token = action.fields(2)
        payload, values = await component_router.load_typed(self._services.text_tokens, token)
        return await self.form_modal(interaction, submit_verb, payload, values)
