"""What `/daily` and its buttons do with orders: find, show, start, post at once. The commands themselves are in the cogs."""

from __future__ import annotations

from collections.abc import Mapping

import discord

from bot import errors as bot_errors
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, responses
from bot.client.interactions.errors import UserError
from bot.client.post_styles import STYLES
from bot.client.presenters import channel_permissions, subscription_options
from bot.client.presenters.service_errors import map_service_errors
from bot.client.views import notices, subscriptions
from bot.services.daily import schedule
from bot.services.daily.subscriptions import SubscriptionOptions, options_of
from storage import errors as storage_errors
from storage import models

ERRORS: Mapping[type[Exception], str] = {storage_errors.DuplicateError: "order-already"}
"""Fluent ids of the exceptions of the subscriptions service."""


class SubscriptionPresenter:
    """Serves the cogs around the daily post; holds nothing of anybody."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._mentions = bot.mentions
        self._renderer = bot.renderer

    async def setup_view(
        self, interaction: Interaction, channel_id: int, options: SubscriptionOptions
    ) -> discord.ui.LayoutView:
        """Return the setup wizard. Raises UserError for a channel that takes no posts."""
        texts = await interaction.client.texts_for(interaction)
        channel = subscription_options.postable_channel(interaction.client.get_channel(channel_id))
        at, zone = schedule.parse_time(options.at_time), schedule.parse_zone(options.timezone)
        first = schedule.next_due(self._services.clock(), at, zone, options.days)
        permissions = channel_permissions.check_permissions(channel, options.style)
        return subscriptions.setup_view(texts, channel_id, options, permissions, first.at)

    async def create(
        self, interaction: Interaction, channel_id: int, options: SubscriptionOptions
    ) -> models.Subscription:
        """Add a subscription. Raises UserError for an identical one."""
        assert interaction.guild_id is not None  # the command is for servers only
        with map_service_errors(ERRORS):
            order = await self._services.subscriptions.add(
                guild_id=interaction.guild_id,
                channel_id=channel_id,
                options=options,
                created_by=interaction.user.id,
            )
        texts = await interaction.client.texts_for(interaction)
        await self._services.guilds.update(interaction.guild_id, timezone=options.timezone)
        await self._services.readers.update(
            interaction.user.id, locale=texts.locale, timezone=options.timezone
        )
        return order

    async def post_now(self, interaction: Interaction, order: models.Subscription) -> None:
        """Post out of turn what the channel has not had, and say so."""
        planned = await self._services.on_demand_posts.plan(order.id, interaction.id)
        key = "order-posting" if planned is not None else "order-nothing-new"
        texts = await interaction.client.texts_for(interaction)
        await responses.reply_privately(
            interaction, notices.text_view(texts(key, channel=f"<#{order.channel_id}>"))
        )

    async def show_preview(self, interaction: Interaction, order: models.Subscription) -> None:
        """Show privately the very post that would go out now, as one or more messages."""
        texts = await interaction.client.texts_for(interaction)
        post = await self._services.on_demand_posts.preview(order)
        await responses.reply_privately(interaction, notices.text_view(texts("preview-follows")))
        for view in STYLES[post.style].preview(self._renderer.wording_for(order.locale), post):
            await responses.reply_privately(interaction, view)

    async def show(
        self, interaction: Interaction, order: models.Subscription, key: str | None = None
    ) -> None:
        """Show one order, in place of the message in hand where there is one. `key` says what has just happened to it."""
        texts = await interaction.client.texts_for(interaction)
        view = subscriptions.subscription_detail_view(
            texts, order, options_of(order), texts(key) if key else ""
        )
        await responses.respond(interaction, view)

    async def list_view(self, interaction: Interaction) -> discord.ui.LayoutView:
        """Return the list of the server's orders."""
        texts = await interaction.client.texts_for(interaction)
        return subscriptions.list_view(
            texts, await self.list_for_guild(interaction), self._mentions("daily setup")
        )

    async def list_for_guild(self, interaction: Interaction) -> list[models.Subscription]:
        """Return the server's orders that have not ended."""
        if interaction.guild_id is None:
            return []
        found = await self._services.subscriptions.list_rows(guild_id=interaction.guild_id)
        return [order for order in found if order.state is not models.ActivityState.CLOSED]

    async def find(self, interaction: Interaction, wanted: str | None) -> models.Subscription:
        """Return the server's order of that id, or its only one. Raises Refusal."""
        found = await self.list_for_guild(interaction)
        if not found:
            raise UserError("no-orders", command=self._mentions("daily setup"))
        if wanted is None:
            here = [order for order in found if order.channel_id == interaction.channel_id]
            if len(here or found) == 1:
                return (here or found)[0]
            raise UserError("order-which")
        for order in found:
            if str(order.id) == wanted:
                return order
        raise UserError("no-order")

    async def find_manageable(self, interaction: Interaction, wanted: str) -> models.Subscription:
        """Return an order for whoever manages its server, or set it up. Raises Refusal."""
        if interaction.guild_id is not None:
            checks.require_manager(interaction)
            return await self.find(interaction, wanted)
        try:
            order = await self._services.subscriptions.get(int(wanted))
        except bot_errors.UsageError:
            raise UserError("no-order") from None
        if order.created_by != interaction.user.id:
            raise UserError("no-order")
        return order

    async def default_timezone(self, interaction: Interaction, locale: models.Locale) -> str:
        """Return the zone that a new order begins with: the server's, the reader's, or the one usual for the language."""
        assert interaction.guild_id is not None  # the command is for servers only
        guild = await self._services.guilds.get(interaction.guild_id)
        if guild is not None and guild.timezone:
            return guild.timezone
        reader = await self._services.readers.get(interaction.user.id)
        if reader is not None and reader.timezone:
            return reader.timezone
        return "Asia/Seoul" if locale is models.Locale.KO else self._services.timezone


def channel_name(interaction: Interaction, channel_id: int) -> str | None:
    """Return a channel's name, or None where it is not known."""
    channel = interaction.client.get_channel(channel_id)
    return getattr(channel, "name", None)
