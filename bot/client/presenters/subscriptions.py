"""Presenter of `/daily`: finds, shows, previews and creates subscriptions, and posts on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import discord

from bot import errors as bot_errors
from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, component_router, responses
from bot.client.interactions.errors import UserError, map_service_errors
from bot.client.post_styles import STYLES, PostableChannel, default_style
from bot.client.presenters import subscription_options
from bot.client.translations import Texts
from bot.client.views import modals, notices, subscriptions
from bot.services.daily import schedule
from bot.services.daily.subscriptions import SubscriptionOptions, find_same, new_subscription
from bot.services.search.results import SearchRequest
from storage import errors as storage_errors
from storage import models

ERRORS: Mapping[type[Exception], str] = {storage_errors.DuplicateError: "order-already"}
"""Fluent ids of the exceptions of the subscriptions service."""


class SubscriptionPresenter:
    """Stateless presenter of subscriptions."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._mentions = bot.mentions
        self._renderer = bot.renderer

    async def start_setup(
        self, interaction: Interaction, channel: PostableChannel, options: SubscriptionOptions
    ) -> None:
        """Show the daily posts that the channel has already; without any, the preview and the wizard. Raises UserError."""
        await self.require_allowed(interaction, channel, options)
        rows = await self._list_in_channel(interaction, channel.id)
        if not rows:
            await self.show_wizard(interaction, channel.id, options)
            return
        texts = await interaction.client.texts_for(interaction)
        await self._save_long_text(channel.id, options)
        await responses.respond(interaction, modals.existing_view(texts, rows, channel.id, options))

    async def show_wizard(
        self, interaction: Interaction, channel_id: int, options: SubscriptionOptions
    ) -> None:
        """Show what would be posted now, and the wizard. Raises UserError for a channel that takes no posts."""
        wizard = await self.setup_view(interaction, channel_id, options)
        preview = self.unsaved(interaction, channel_id, options)
        first, *rest = [*await self._preview_views(interaction, preview), wizard]
        await responses.respond(interaction, first)
        for view in rest:
            await responses.reply_privately(interaction, view)

    async def default_options(
        self, interaction: Interaction, channel: PostableChannel
    ) -> SubscriptionOptions:
        """Return the options of a new subscription of a channel for which none are given."""
        locale = (await interaction.client.texts_for(interaction)).locale
        timezone = await self._default_timezone(interaction, locale)
        return SubscriptionOptions(timezone=timezone, locale=locale, style=default_style(channel))

    async def setup_view(
        self, interaction: Interaction, channel_id: int, options: SubscriptionOptions
    ) -> discord.ui.LayoutView:
        """Return the setup wizard. Raises UserError for a channel that takes no posts."""
        texts = await interaction.client.texts_for(interaction)
        channel = subscription_options.postable_channel(checks.require_channel(interaction.guild, channel_id))
        at, zone = schedule.parse_time(options.at_time), schedule.parse_zone(options.timezone)
        first = schedule.next_due(self._services.clock(), at, zone, options.days)
        permissions = checks.check_permissions(channel, options.style, options.mention_role_id)
        await self._save_long_text(channel_id, options)
        forecast = await self._forecast_text(texts, self.unsaved(interaction, channel_id, options))
        same = find_same(await self._list_in_channel(interaction, channel_id), options)
        return subscriptions.setup_view(texts, channel_id, options, permissions, first.at, forecast, same)

    async def _save_long_text(self, channel_id: int, options: SubscriptionOptions) -> None:
        if stored := subscriptions.long_text(channel_id, options):
            await self._services.text_tokens.save(stored)

    def unsaved(
        self, interaction: Interaction, channel_id: int, options: SubscriptionOptions
    ) -> models.Subscription:
        """Return the subscription of the wizard, with the id 0."""
        assert interaction.guild_id is not None  # the command is for servers only
        return new_subscription(interaction.guild_id, channel_id, options, self._services.clock())

    async def edit(
        self, interaction: Interaction, subscription: models.Subscription, options: SubscriptionOptions
    ) -> None:
        """Change the options of a stored subscription and show it. Raises UserError."""
        channel = interaction.client.get_channel(subscription.channel_id)
        if channel is not None:
            await self.require_allowed(interaction, channel, options, subscription.mention_role_id)
        with map_service_errors(ERRORS):
            changed = await self._services.subscriptions.edit(subscription.id, options)
        await self.show(interaction, changed, "order-changed")

    async def require_allowed(
        self,
        interaction: Interaction,
        channel: checks.Channel,
        options: SubscriptionOptions,
        mentioned_id: int | None = None,
    ) -> None:
        """Raise UserError unless the style fits the channel, and the user may mention the role; not if it is `mentioned_id`."""
        if isinstance(channel, PostableChannel) and not STYLES[options.style].fits(channel):
            raise UserError("style-does-not-fit", channel=channel.mention)
        if options.mention_role_id != mentioned_id:
            await checks.require_may_mention(interaction, channel, options.mention_role_id)

    async def load_options(self, action: custom_ids.Action) -> tuple[int, SubscriptionOptions]:
        """Return the channel and the options of a button of the wizard. Raises UserError if its text was overwritten."""
        token = subscriptions.find_token(action)
        if token is None:
            return subscriptions.unpack(action)
        stored = await self._services.text_tokens.get(token)
        if stored is None:
            raise UserError("outdated-control")
        return subscriptions.unpack(action, stored)

    async def _forecast_text(self, texts: Texts, subscription: models.Subscription) -> str:
        """Return how often the subscription's topic would have been posted lately, "" without a topic."""
        if not subscription.topic:
            return ""
        forecast = await self._services.on_demand_posts.forecast(subscription)
        suggestions: tuple[str, ...] = ()
        if forecast is not None and not forecast[-1]:
            request = SearchRequest(subscription.topic, limit=1, literal=True)
            suggestions = (await self._services.search.search(request)).suggestions
        return subscriptions.forecast_text(texts, forecast, suggestions)

    async def create(
        self, interaction: Interaction, channel_id: int, options: SubscriptionOptions
    ) -> models.Subscription | None:
        """Add a subscription; if the channel has an equal one, show that in the wizard and return None. Raises UserError."""
        assert interaction.guild_id is not None  # the command is for servers only
        channel = subscription_options.postable_channel(checks.require_channel(interaction.guild, channel_id))
        await self.require_allowed(interaction, channel, options)
        await self._require_bot_may_post(interaction, channel, options.style, options.mention_role_id)
        if find_same(await self._list_in_channel(interaction, channel_id), options) is not None:
            wizard = await self.setup_view(interaction, channel_id, options)
            await responses.update_message(interaction, wizard)
            return None
        with map_service_errors(ERRORS):
            subscription = await self._services.subscriptions.add(
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
        return subscription

    async def post_now(self, interaction: Interaction, subscription: models.Subscription) -> None:
        """Post the papers that the channel has not had, out of schedule, and confirm it. Raises UserError."""
        channel = checks.require_channel(interaction.guild, subscription.channel_id)
        await self._require_bot_may_post(interaction, channel, subscription.style)
        delivery = await self._services.on_demand_posts.plan(subscription.id, interaction.id)
        key = "order-posting" if delivery is not None else "order-nothing-new"
        texts = await interaction.client.texts_for(interaction)
        await responses.reply_privately(
            interaction, notices.text_view(texts(key, channel=f"<#{subscription.channel_id}>"))
        )

    async def resume(
        self, interaction: Interaction, subscription: models.Subscription
    ) -> models.Subscription:
        """Resume a subscription of a server that the user manages. Raises UserError if the bot may not post there."""
        guild = interaction.client.get_guild(subscription.guild_id)
        if guild is not None and not guild.unavailable:
            channel = checks.require_channel(guild, subscription.channel_id)
            await checks.require_may_mention(interaction, channel, subscription.mention_role_id)
            await self._require_bot_may_post(interaction, channel, subscription.style)
        return await self._services.subscriptions.resume(subscription.id)

    async def _require_bot_may_post(
        self,
        interaction: Interaction,
        channel: checks.Channel,
        style: models.Style,
        role_id: int | None = None,
    ) -> None:
        needed = checks.needed_permissions(channel, style, role_id)
        await checks.require_bot_may_post(interaction, channel, needed)

    async def show_preview(self, interaction: Interaction, subscription: models.Subscription) -> None:
        """Show privately the post that would be sent now, as one or more messages."""
        for view in await self._preview_views(interaction, subscription):
            await responses.reply_privately(interaction, view)

    async def _preview_views(
        self, interaction: Interaction, subscription: models.Subscription
    ) -> list[discord.ui.LayoutView]:
        """Return the messages that would be posted now; the first has a note that it is a preview."""
        texts = await interaction.client.texts_for(interaction)
        post = await self._services.on_demand_posts.preview(subscription)
        forecast = await self._forecast_text(texts, subscription)
        if subscription.topic and not post.papers:
            return [notices.text_view(forecast)]
        note = "\n".join(filter(None, (texts("preview-note"), forecast)))
        return STYLES[post.style].preview(self._renderer.wording_for(subscription.locale), post, note)

    async def show(
        self, interaction: Interaction, subscription: models.Subscription, key: str | None = None
    ) -> None:
        """Show a subscription: in place for a component, else as a private answer. `key` confirms the last action."""
        texts = await interaction.client.texts_for(interaction)
        headline = texts(key) if key else ""
        view = subscriptions.subscription_detail_view(texts, subscription, headline)
        is_command = interaction.type is discord.InteractionType.application_command
        await (responses.reply_privately if is_command else responses.update_message)(interaction, view)

    async def list_view(
        self,
        interaction: Interaction,
        rows: Sequence[models.Subscription] | None = None,
        verb: str = subscriptions.SELECT,
    ) -> discord.ui.LayoutView:
        """Return the view of the server's subscriptions, or of `rows` alone, with a menu for the action `verb`."""
        texts = await interaction.client.texts_for(interaction)
        shown = await self.list_for_guild(interaction) if rows is None else rows
        return subscriptions.list_view(texts, shown, self._mentions("daily setup"), verb)

    async def find_or_ask(
        self, interaction: Interaction, subscription_id: str | None, verb: str
    ) -> models.Subscription | None:
        """Return the subscription that a command means, as `find`; None after several were offered for the action `verb`."""
        candidates = await self.list_candidates(interaction)
        if subscription_id is not None or len(candidates) < 2:
            return await self.find(interaction, subscription_id)
        await responses.reply_privately(interaction, await self.list_view(interaction, candidates, verb))
        return None

    async def find_chosen(self, interaction: Interaction, action: custom_ids.Action) -> models.Subscription:
        """Return the subscription of a button, or the one selected in a menu. Raises UserError if it is gone."""
        return await self.find(interaction, action.payload or component_router.selected_value(interaction))

    async def toggle(self, interaction: Interaction, subscription: models.Subscription) -> None:
        """Pause an active subscription, or resume a paused one, and show it. Raises UserError."""
        if subscription.state is models.ActivityState.ACTIVE:
            paused = await self._services.subscriptions.pause(subscription.id, by=interaction.user.id)
            await self.show(interaction, paused, "order-paused")
        else:
            await self.show(interaction, await self.resume(interaction, subscription), "order-resumed")

    async def list_for_guild(self, interaction: Interaction) -> list[models.Subscription]:
        """Return the server's subscriptions that are not closed."""
        if interaction.guild_id is None:
            return []
        rows = await self._services.subscriptions.list_rows(guild_id=interaction.guild_id)
        return [row for row in rows if row.state is not models.ActivityState.CLOSED]

    async def find(self, interaction: Interaction, subscription_id: str | None) -> models.Subscription:
        """Return a subscription of the server by id; without one, the only one of the channel or the server.

        Raises UserError if there is none, or more than one to choose from.
        """
        rows = await self.list_for_guild(interaction)
        if not rows:
            raise UserError("no-orders", command=self._mentions("daily setup"))
        if subscription_id is None:
            candidates = await self.list_candidates(interaction)
            if len(candidates) > 1:
                raise UserError("order-which")
            return candidates[0]
        for row in rows:
            if str(row.id) == subscription_id:
                return row
        raise UserError("no-order")

    async def _list_in_channel(self, interaction: Interaction, channel_id: int) -> list[models.Subscription]:
        return [row for row in await self.list_for_guild(interaction) if row.channel_id == channel_id]

    async def list_candidates(self, interaction: Interaction) -> list[models.Subscription]:
        """Return the subscriptions that a command without an id means: those of its channel, else all of the server."""
        rows = await self.list_for_guild(interaction)
        return [row for row in rows if row.channel_id == interaction.channel_id] or rows

    async def find_manageable(self, interaction: Interaction, subscription_id: str) -> models.Subscription:
        """Return a subscription: in its server for a manager, in a direct message for its creator. Raises UserError.

        The creator has to manage the server still: a notice stays in their messages after they have lost the right.
        """
        if interaction.guild_id is not None:
            checks.require_manager(interaction)
            return await self.find(interaction, subscription_id)
        try:
            subscription = await self._services.subscriptions.get(custom_ids.parse_number(subscription_id))
        except bot_errors.UsageError:
            raise UserError("no-order") from None
        if subscription.created_by != interaction.user.id:
            raise UserError("no-order")
        await checks.require_manager_of(interaction, subscription.guild_id)
        return subscription

    async def _default_timezone(self, interaction: Interaction, locale: models.Locale) -> str:
        """Return the time zone for a new subscription: the server's or that of its posts, the reader's, or the language's."""
        assert interaction.guild_id is not None  # the command is for servers only
        guild = await self._services.guilds.get(interaction.guild_id)
        if guild is not None and guild.timezone:
            return guild.timezone
        if rows := await self.list_for_guild(interaction):
            return rows[-1].timezone
        reader = await self._services.readers.get(interaction.user.id)
        if reader is not None and reader.timezone:
            return reader.timezone
        return "Asia/Seoul" if locale is models.Locale.KO else self._services.timezone
