"""/daily: subscriptions of channels to the daily post, for managers of the server."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.client.cogs import subscription_buttons as buttons
from bot.client.cogs import subscription_options
from bot.client.context import Interaction, Request
from bot.client.interactions import autocomplete, checks, component_router
from bot.client.views import subscriptions as subscriptions_view
from bot.services.daily.subscriptions import MAX_TOPIC_LENGTH, options_of

SubscriptionId = app_commands.Range[str, 1, 30]


@app_commands.guild_only()
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class SubscriptionsCog(
    commands.GroupCog, name="daily", description="The daily post in this server's channels"
):
    """A server's subscriptions."""

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Require a manager, even if the server's command settings allow others."""
        checks.require_manager(interaction)
        return True

    @component_router.command(name="setup", description="Post the day's top papers in a channel")
    @app_commands.describe(**subscription_options.SETUP_DESCRIPTIONS)
    @app_commands.choices(
        days=subscription_options.DAY_CHOICES,
        language=subscription_options.LANGUAGE_CHOICES,
        style=subscription_options.STYLE_CHOICES,
        when=subscription_options.WHEN_CHOICES,
    )
    @app_commands.autocomplete(
        timezone=autocomplete.timezones, time=autocomplete.times, topic=autocomplete.topics
    )
    async def setup(
        self,
        request: Request,
        channel: discord.TextChannel | discord.ForumChannel | None = None,
        time: app_commands.Range[str, 1, 10] = "09:00",
        timezone: app_commands.Range[str, 1, 60] | None = None,
        papers: app_commands.Range[int, 1, 25] = 5,
        votes: app_commands.Range[int, 0, 99_999] = 0,
        days: str = "mon-sun",
        language: str | None = None,
        style: str | None = None,
        when_empty: bool = False,
        topic: app_commands.Range[str, 1, MAX_TOPIC_LENGTH] | None = None,
        role: discord.Role | None = None,
        when: str | None = None,
        our_five: bool | None = None,
    ) -> list[ui.LayoutView]:
        """Show the daily posts that the channel has; without any, the preview and the wizard, of which a button creates it."""
        destination = subscription_options.postable_channel(channel or request.interaction.channel)
        defaults = await buttons.default_options(request, destination)
        options = subscription_options.apply_changes(
            defaults,
            time,
            timezone,
            papers,
            votes,
            days,
            language,
            style,
            when_empty,
            topic,
            role,
            when,
            our_five,
        )
        return await buttons.start_setup(request, destination, options)

    @component_router.command(name="list", description="This server's daily posts")
    async def list_subscriptions(self, request: Request) -> ui.LayoutView:
        """Show the server's subscriptions."""
        return await buttons.list_view(request)

    @component_router.command(
        name="edit",
        description="Change a daily post: in a form, or with options; what you leave out stays as it is",
    )
    @app_commands.describe(post="Which one", **subscription_options.EDIT_DESCRIPTIONS)
    @app_commands.choices(
        days=subscription_options.DAY_CHOICES,
        language=subscription_options.LANGUAGE_CHOICES,
        style=subscription_options.STYLE_CHOICES,
        when=subscription_options.WHEN_CHOICES,
    )
    @app_commands.autocomplete(
        timezone=autocomplete.timezones, time=autocomplete.times, topic=autocomplete.topics
    )
    async def edit(
        self,
        request: Request,
        post: SubscriptionId | None = None,
        time: app_commands.Range[str, 1, 10] | None = None,
        timezone: app_commands.Range[str, 1, 60] | None = None,
        papers: app_commands.Range[int, 1, 25] | None = None,
        votes: app_commands.Range[int, 0, 99_999] | None = None,
        days: str | None = None,
        language: str | None = None,
        style: str | None = None,
        when_empty: bool | None = None,
        topic: app_commands.Range[str, 1, MAX_TOPIC_LENGTH] | None = None,
        role: discord.Role | None = None,
        when: str | None = None,
        our_five: bool | None = None,
    ) -> ui.LayoutView:
        """Change the options of a subscription; without any, show the buttons of its forms."""
        given = (
            *(time, timezone, papers, votes, days, language),
            *(style, when_empty, topic, role, when, our_five),
        )
        if all(value is None for value in given):
            return await buttons.form_view(request, post)
        subscription = await buttons.find(request, post)
        options = subscription_options.apply_changes(options_of(subscription), *given)
        return await buttons.edit(request, subscription, options)

    @component_router.command(name="preview", description="See privately what would be posted now")
    @app_commands.describe(post="Which one")
    async def preview(
        self, request: Request, post: SubscriptionId | None = None
    ) -> ui.LayoutView | list[ui.LayoutView]:
        """Preview the post that would be sent now."""
        found = await buttons.find_or_ask(request, post, subscriptions_view.SHOW_PREVIEW)
        return found if isinstance(found, ui.LayoutView) else await buttons.preview_views(request, found)

    @component_router.command(name="now", description="Post right now, without waiting for the set time")
    @app_commands.describe(post="Which one")
    async def now(self, request: Request, post: SubscriptionId | None = None) -> ui.LayoutView:
        """Post the newest papers that the channel has not received yet."""
        found = await buttons.find_or_ask(request, post, subscriptions_view.POST_NOW)
        return found if isinstance(found, ui.LayoutView) else await buttons.post_now(request, found)

    @component_router.command(name="pause", description="Pause a daily post, or resume it")
    @app_commands.describe(post="Which one")
    async def pause(self, request: Request, post: SubscriptionId | None = None) -> ui.LayoutView:
        """Pause an active subscription, or resume a paused one."""
        found = await buttons.find_or_ask(request, post, subscriptions_view.PAUSE)
        return found if isinstance(found, ui.LayoutView) else await buttons.toggle(request, found)

    @component_router.command(name="remove", description="Remove a daily post")
    @app_commands.describe(post="Which one")
    async def remove(self, request: Request, post: SubscriptionId | None = None) -> ui.LayoutView:
        """Ask for confirmation to remove a subscription."""
        found = await buttons.find_or_ask(request, post, subscriptions_view.REMOVE)
        if isinstance(found, ui.LayoutView):
            return found
        return subscriptions_view.confirm_remove_view(request.texts, found)

    @edit.autocomplete("post")
    @preview.autocomplete("post")
    @now.autocomplete("post")
    @pause.autocomplete("post")
    @remove.autocomplete("post")
    async def _subscription_autocomplete(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        texts = await interaction.client.texts_for(interaction)
        query = current.casefold()
        labels: dict[str, str] = {}
        for subscription in await buttons.list_for_guild(Request(interaction, texts)):
            channel = interaction.client.get_channel(subscription.channel_id)
            name = getattr(channel, "name", None)
            labels[str(subscription.id)] = subscriptions_view.subscription_label(texts, subscription, name)
        return autocomplete.make_choices(
            (label, value) for value, label in labels.items() if query in label.casefold() or query == value
        )
