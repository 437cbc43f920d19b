"""/daily: a channel's standing order for the daily post, for those who manage the server."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.context import Client, Interaction
from bot.client.interactions import autocomplete, responses
from bot.client.interactions.errors import Refusal
from bot.client.presenters import channel_permissions, subscription_options, subscriptions
from bot.client.views import subscriptions as subscriptions_view
from bot.services.daily import schedule
from bot.services.daily.subscriptions import Wishes, wishes_of
from storage import models

OrderId = app_commands.Range[str, 1, 30]


@app_commands.guild_only()
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class DailyCog(commands.GroupCog, name="daily", description="The daily post in this server's channels"):
    """A server's standing orders."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._desk = subscriptions.OrderDesk(bot)

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Let only those in who manage the server, whatever its settings for commands say."""
        subscriptions.require_manager(interaction)
        return True

    @app_commands.command(name="setup", description="Post the day's top papers in a channel")
    @app_commands.describe(**subscription_options.DESCRIPTIONS)
    @app_commands.choices(
        days=subscription_options.DAYS,
        language=subscription_options.LANGUAGES,
        style=subscription_options.STYLES,
    )
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
        await responses.think(interaction)
        place = subscription_options.place(channel or interaction.channel)
        words = await interaction.client.words_for(interaction)
        wishes = Wishes(
            at_time=subscription_options.time_of(time),
            timezone=subscription_options.zone_of(
                timezone or await self._desk.usual_zone(interaction, words.locale)
            ),
            days=schedule.parse_days(days),
            top_n=papers,
            min_votes=votes,
            locale=models.Locale(language) if language else words.locale,
            style=models.Style(style) if style else channel_permissions.usual_style(place),
            say_when_empty=when_empty,
        )
        if not channel_permissions.takes(place, wishes.style):
            raise Refusal("style-does-not-fit", channel=place.mention)
        draft = subscriptions_view.Draft(place.id, wishes)
        await self._desk.show_post(
            interaction, subscriptions_view.draft_subscription(draft, place.guild.id, self._services.clock())
        )
        await responses.privately(interaction, await self._desk.setup(interaction, draft))

    @app_commands.command(name="list", description="This server's daily posts")
    async def list_orders(self, interaction: Interaction) -> None:
        """Answer with the server's daily posts."""
        await responses.think(interaction)
        await responses.privately(interaction, await self._desk.list_all(interaction))

    @app_commands.command(name="edit", description="Change a daily post; what you leave out stays")
    @app_commands.describe(post="Which one", **subscription_options.CHANGES)
    @app_commands.choices(
        days=subscription_options.DAYS,
        language=subscription_options.LANGUAGES,
        style=subscription_options.STYLES,
    )
    async def edit(
        self,
        interaction: Interaction,
        post: OrderId | None = None,
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
        await responses.think(interaction)
        order = await self._desk.order(interaction, post)
        wishes = subscription_options.changed(
            wishes_of(order), time, timezone, papers, votes, days, language, style, when_empty
        )
        place = interaction.client.get_channel(order.channel_id)
        if isinstance(place, channel_permissions.Channel) and not channel_permissions.takes(
            place, wishes.style
        ):
            raise Refusal("style-does-not-fit", channel=place.mention)
        with subscriptions.translated():
            order = await self._services.subscriptions.edit(order.id, wishes)
        await self._desk.show(interaction, order, "order-changed")

    @app_commands.command(name="preview", description="See privately what would be posted now")
    @app_commands.describe(post="Which one")
    async def preview(self, interaction: Interaction, post: OrderId | None = None) -> None:
        """Show the post that would go out now."""
        await responses.think(interaction)
        await self._desk.show_post(interaction, await self._desk.order(interaction, post))

    @app_commands.command(name="now", description="Post now, out of turn")
    @app_commands.describe(post="Which one")
    async def now(self, interaction: Interaction, post: OrderId | None = None) -> None:
        """Post the newest papers that the channel has not had."""
        await responses.think(interaction)
        await self._desk.post_now(interaction, await self._desk.order(interaction, post))

    @app_commands.command(name="pause", description="Stop a daily post, or start it again")
    @app_commands.describe(post="Which one")
    async def pause(self, interaction: Interaction, post: OrderId | None = None) -> None:
        """Pause an active order, resume a paused one."""
        await responses.think(interaction)
        order = await self._desk.order(interaction, post)
        if order.state is models.SubscriptionState.ACTIVE:
            await self._desk.show(
                interaction, await self._services.subscriptions.pause(order.id), "order-paused"
            )
        else:
            await self._desk.show(
                interaction, await self._services.subscriptions.resume(order.id), "order-resumed"
            )

    @app_commands.command(name="remove", description="End a daily post")
    @app_commands.describe(post="Which one")
    async def remove(self, interaction: Interaction, post: OrderId | None = None) -> None:
        """Ask whether the order is to be removed."""
        await responses.think(interaction)
        words = await interaction.client.words_for(interaction)
        await responses.privately(
            interaction, subscriptions_view.sure_view(words, await self._desk.order(interaction, post))
        )

    @setup.autocomplete("timezone")
    @edit.autocomplete("timezone")
    async def _zones(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return autocomplete.zones(current)

    @setup.autocomplete("time")
    @edit.autocomplete("time")
    async def _times(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return autocomplete.times(current)

    @edit.autocomplete("post")
    @preview.autocomplete("post")
    @now.autocomplete("post")
    @pause.autocomplete("post")
    @remove.autocomplete("post")
    async def _orders(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        words = await interaction.client.words_for(interaction)
        typed = current.casefold()
        labels = [
            (
                subscriptions_view.label(
                    words, order, subscriptions.channel_name(interaction, order.channel_id)
                ),
                str(order.id),
            )
            for order in await self._desk.of_server(interaction)
        ]
        return autocomplete.choices(
            pair for pair in labels if typed in pair[0].casefold() or typed == pair[1]
        )
