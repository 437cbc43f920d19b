"""/daily: a channel's standing order for the daily post, for those who manage the server."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.context import Client, Interaction
from bot.client.interactions import autocomplete, checks, option_parsers, responses
from bot.client.interactions.errors import UserError
from bot.client.post_styles import STYLES, PostableChannel, default_style
from bot.client.presenters import subscription_options, subscriptions
from bot.client.presenters.service_errors import map_service_errors
from bot.client.views import subscriptions as subscriptions_view
from bot.services.daily import schedule
from bot.services.daily.subscriptions import SubscriptionOptions, new_subscription, options_of
from storage import models

SubscriptionId = app_commands.Range[str, 1, 30]


@app_commands.guild_only()
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class SubscriptionsCog(
    commands.GroupCog, name="daily", description="The daily post in this server's channels"
):
    """A server's standing orders."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = subscriptions.SubscriptionPresenter(bot)

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Let only those in who manage the server, whatever its settings for commands say."""
        checks.require_manager(interaction)
        return True

    @app_commands.command(name="setup", description="Post the day's top papers in a channel")
    @app_commands.describe(**subscription_options.SETUP_DESCRIPTIONS)
    @app_commands.choices(
        days=subscription_options.DAY_CHOICES,
        language=subscription_options.LANGUAGE_CHOICES,
        style=subscription_options.STYLE_CHOICES,
    )
    @app_commands.autocomplete(timezone=autocomplete.timezones, time=autocomplete.times)
    async def setup(
        self,
        interaction: Interaction,
        channel: discord.TextChannel | discord.ForumChannel | None = None,
        time: app_commands.Range[str, 1, 10] = "09:00",
        timezone: app_commands.Range[str, 1, 60] | None = None,
        papers: app_commands.Range[int, 1, 25] = 5,
        votes: app_commands.Range[int, 0, 99_999] = 0,
        days: str = "mon-sun",
        language: str | None = None,
        style: str | None = None,
        when_empty: bool = False,
    ) -> None:
        """Show the post as it would be, the permissions it needs and when it would come; buttons start it."""
        await responses.defer(interaction)
        place = subscription_options.postable_channel(channel or interaction.channel)
        words = await interaction.client.texts_for(interaction)
        wishes = SubscriptionOptions(
            at_time=option_parsers.parse_time(time),
            timezone=option_parsers.parse_zone(
                timezone or await self._presenter.default_timezone(interaction, words.locale)
            ),
            days=schedule.parse_days(days),
            top_n=papers,
            min_votes=votes,
            locale=models.Locale(language) if language else words.locale,
            style=models.Style(style) if style else default_style(place),
            say_when_empty=when_empty,
        )
        if not STYLES[wishes.style].fits(place):
            raise UserError("style-does-not-fit", channel=place.mention)
        preview = new_subscription(place.guild.id, place.id, wishes, self._services.clock())
        await self._presenter.show_preview(interaction, preview)
        view = await self._presenter.setup_view(interaction, place.id, wishes)
        await responses.reply_privately(interaction, view)

    @app_commands.command(name="list", description="This server's daily posts")
    async def list_subscriptions(self, interaction: Interaction) -> None:
        """Answer with the server's daily posts."""
        await responses.defer(interaction)
        await responses.reply_privately(interaction, await self._presenter.list_view(interaction))

    @app_commands.command(name="edit", description="Change a daily post; what you leave out stays")
    @app_commands.describe(post="Which one", **subscription_options.EDIT_DESCRIPTIONS)
    @app_commands.choices(
        days=subscription_options.DAY_CHOICES,
        language=subscription_options.LANGUAGE_CHOICES,
        style=subscription_options.STYLE_CHOICES,
    )
    @app_commands.autocomplete(timezone=autocomplete.timezones, time=autocomplete.times)
    async def edit(
        self,
        interaction: Interaction,
        post: SubscriptionId | None = None,
        time: app_commands.Range[str, 1, 10] | None = None,
        timezone: app_commands.Range[str, 1, 60] | None = None,
        papers: app_commands.Range[int, 1, 25] | None = None,
        votes: app_commands.Range[int, 0, 99_999] | None = None,
        days: str | None = None,
        language: str | None = None,
        style: str | None = None,
        when_empty: bool | None = None,
    ) -> None:
        """Change what a daily post asks for."""
        await responses.defer(interaction)
        order = await self._presenter.find(interaction, post)
        wishes = subscription_options.apply_changes(
            options_of(order), time, timezone, papers, votes, days, language, style, when_empty
        )
        place = interaction.client.get_channel(order.channel_id)
        if isinstance(place, PostableChannel) and not STYLES[wishes.style].fits(place):
            raise UserError("style-does-not-fit", channel=place.mention)
        with map_service_errors(subscriptions.ERRORS):
            order = await self._services.subscriptions.edit(order.id, wishes)
        await self._presenter.show(interaction, order, "order-changed")

    @app_commands.command(name="preview", description="See privately what would be posted now")
    @app_commands.describe(post="Which one")
    async def preview(self, interaction: Interaction, post: SubscriptionId | None = None) -> None:
        """Show the post that would go out now."""
        await responses.defer(interaction)
        await self._presenter.show_preview(interaction, await self._presenter.find(interaction, post))

    @app_commands.command(name="now", description="Post now, out of turn")
    @app_commands.describe(post="Which one")
    async def now(self, interaction: Interaction, post: SubscriptionId | None = None) -> None:
        """Post the newest papers that the channel has not had."""
        await responses.defer(interaction)
        await self._presenter.post_now(interaction, await self._presenter.find(interaction, post))

    @app_commands.command(name="pause", description="Stop a daily post, or start it again")
    @app_commands.describe(post="Which one")
    async def pause(self, interaction: Interaction, post: SubscriptionId | None = None) -> None:
        """Pause an active order, resume a paused one."""
        await responses.defer(interaction)
        order = await self._presenter.find(interaction, post)
        if order.state is models.ActivityState.ACTIVE:
            await self._presenter.show(
                interaction, await self._services.subscriptions.pause(order.id), "order-paused"
            )
        else:
            await self._presenter.show(
                interaction, await self._services.subscriptions.resume(order.id), "order-resumed"
            )

    @app_commands.command(name="remove", description="End a daily post")
    @app_commands.describe(post="Which one")
    async def remove(self, interaction: Interaction, post: SubscriptionId | None = None) -> None:
        """Ask whether the order is to be removed."""
        await responses.defer(interaction)
        words = await interaction.client.texts_for(interaction)
        await responses.reply_privately(
            interaction,
            subscriptions_view.confirm_remove_view(words, await self._presenter.find(interaction, post)),
        )

    @edit.autocomplete("post")
    @preview.autocomplete("post")
    @now.autocomplete("post")
    @pause.autocomplete("post")
    @remove.autocomplete("post")
    async def _subscription_autocomplete(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        words = await interaction.client.texts_for(interaction)
        typed = current.casefold()
        labels = [
            (
                subscriptions_view.subscription_label(
                    words, order, subscriptions.channel_name(interaction, order.channel_id)
                ),
                str(order.id),
            )
            for order in await self._presenter.list_for_guild(interaction)
        ]
        return autocomplete.make_choices(
            pair for pair in labels if typed in pair[0].casefold() or typed == pair[1]
        )
