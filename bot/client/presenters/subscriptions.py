"""What `/daily` and its buttons do with orders: find, show, start, post at once. The commands themselves are in the cogs."""

from __future__ import annotations

import discord

from bot import errors as bot_errors
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, responses
from bot.client.interactions.errors import UserError
from bot.client.post_styles import STYLES
from bot.client.presenters import channel_permissions, subscription_options
from bot.client.views import notices, subscriptions
from bot.services.daily import schedule
from bot.services.daily.subscriptions import options_of
from storage import errors as storage_errors
from storage import models


class SubscriptionPresenter:
    """Serves the cogs around the daily post; holds nothing of anybody."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._mentions = bot.mentions
        self._renderer = bot.renderer

    async def setup_view(
        self, interaction: Interaction, draft: subscriptions.SubscriptionDraft
    ) -> discord.ui.LayoutView:
        """Return the wizard for a draft: wishes, permissions, first time, buttons."""
        words = await interaction.client.texts_for(interaction)
        channel = subscription_options.postable_channel(interaction.client.get_channel(draft.channel_id))
        wishes = draft.options
        at, zone = schedule.parse_time(wishes.at_time), schedule.parse_zone(wishes.timezone)
        first = schedule.next_due(self._services.clock(), at, zone, wishes.days)
        return subscriptions.setup_view(
            words, draft, channel_permissions.check_permissions(channel, wishes.style), first.at
        )

    async def create(
        self, interaction: Interaction, draft: subscriptions.SubscriptionDraft
    ) -> models.Subscription:
        """Set the order up that a draft describes. Raises Refusal for an identical one."""
        assert interaction.guild_id is not None  # the command is for servers only
        with map_service_errors():
            order = await self._services.subscriptions.add(
                guild_id=interaction.guild_id,
                channel_id=draft.channel_id,
                options=draft.options,
                created_by=interaction.user.id,
            )
        words = await interaction.client.texts_for(interaction)
        await self._services.guilds.update(interaction.guild_id, timezone=draft.options.timezone)
        await self._services.readers.update(
            interaction.user.id, locale=words.locale, timezone=draft.options.timezone
        )
        return order

    async def post_now(self, interaction: Interaction, order: models.Subscription) -> None:
        """Post out of turn what the channel has not had, and say so."""
        planned = await self._services.on_demand_posts.plan(order.id, interaction.id)
        key = "order-posting" if planned is not None else "order-nothing-new"
        words = await interaction.client.texts_for(interaction)
        await responses.reply_privately(
            interaction, notices.text_view(words(key, channel=f"<#{order.channel_id}>"))
        )

    async def show_preview(self, interaction: Interaction, order: models.Subscription) -> None:
        """Show privately the very post that would go out now, as one or more messages."""
        words = await interaction.client.texts_for(interaction)
        post = await self._services.on_demand_posts.preview(order)
        await responses.reply_privately(interaction, notices.text_view(words("preview-follows")))
        for view in STYLES[post.style].preview(self._renderer.wording_for(order.locale), post):
            await responses.reply_privately(interaction, view)

    async def show(
        self, interaction: Interaction, order: models.Subscription, key: str | None = None
    ) -> None:
        """Show one order, in place of the message in hand where there is one. `key` says what has just happened to it."""
        words = await interaction.client.texts_for(interaction)
        view = subscriptions.subscription_detail_view(
            words, order, options_of(order), words(key) if key else ""
        )
        await responses.respond(interaction, view)

    async def list_view(self, interaction: Interaction) -> discord.ui.LayoutView:
        """Return the list of the server's orders."""
        words = await interaction.client.texts_for(interaction)
        return subscriptions.list_view(
            words, await self.list_for_guild(interaction), self._mentions("daily setup")
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


class map_service_errors:  # noqa: N801 - used like contextlib's own lower-case context managers
    """Turns what the subscriptions service refuses into a sentence for the reader."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, storage_errors.DuplicateError):
            raise UserError("order-already") from error


def channel_name(interaction: Interaction, channel_id: int) -> str | None:
    """Return a channel's name, or None where it is not known."""
    channel = interaction.client.get_channel(channel_id)
    return getattr(channel, "name", None)
