"""/daily: a channel's standing order for the daily post, for those who manage the server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot import errors as bot_errors
from bot.client import autocompletion, controls, custom_ids, order_options, permissions, replies
from bot.client.failures import Refusal
from bot.client.views import daily_post, forms, notices, orders
from bot.services import posts, schedule
from bot.services.subscriptions import Wishes, wishes_of
from storage import errors as storage_errors
from storage import models

if TYPE_CHECKING:
    from bot.client.bot import PaperroundBot

Interaction = discord.Interaction["PaperroundBot"]
OrderId = app_commands.Range[str, 1, 30]


@app_commands.guild_only()
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class DailyCog(commands.GroupCog, name="daily", description="The daily post in this server's channels"):
    """A server's standing orders."""

    def __init__(self, bot: PaperroundBot) -> None:
        self._services = bot.services
        self._mentions = bot.mentions
        self._renderer = bot.renderer

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Let only those in who manage the server, whatever its settings for commands say."""
        require_manager(interaction)
        return True

    @app_commands.command(name="setup", description="Post the day's top papers in a channel")
    @app_commands.describe(**order_options.DESCRIPTIONS)
    @app_commands.choices(
        days=order_options.DAYS, language=order_options.LANGUAGES, style=order_options.STYLES
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
        await replies.think(interaction)
        place = order_options.place(channel or interaction.channel)
        words = await interaction.client.words_for(interaction)
        wishes = Wishes(
            at_time=order_options.time_of(time),
            timezone=order_options.zone_of(timezone or await self._usual_zone(interaction, words.locale)),
            days=schedule.parse_days(days),
            top_n=papers,
            min_votes=votes,
            locale=models.Locale(language) if language else words.locale,
            style=models.Style(style) if style else permissions.usual_style(place),
            say_when_empty=when_empty,
        )
        if not permissions.takes(place, wishes.style):
            raise Refusal("style-does-not-fit", channel=place.mention)
        draft = orders.Draft(place.id, wishes)
        await self._show_post(
            interaction, orders.draft_subscription(draft, place.guild.id, self._services.clock())
        )
        await replies.privately(interaction, await self._setup(interaction, draft))

    @app_commands.command(name="list", description="This server's daily posts")
    async def list_orders(self, interaction: Interaction) -> None:
        """Answer with the server's daily posts."""
        await replies.think(interaction)
        await replies.privately(interaction, await self._list(interaction))

    @app_commands.command(name="edit", description="Change a daily post; what you leave out stays")
    @app_commands.describe(post="Which one", **order_options.CHANGES)
    @app_commands.choices(
        days=order_options.DAYS, language=order_options.LANGUAGES, style=order_options.STYLES
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
        await replies.think(interaction)
        order = await self._order(interaction, post)
        wishes = order_options.changed(
            wishes_of(order), time, timezone, papers, votes, days, language, style, when_empty
        )
        place = interaction.client.get_channel(order.channel_id)
        if isinstance(place, permissions.Channel) and not permissions.takes(place, wishes.style):
            raise Refusal("style-does-not-fit", channel=place.mention)
        with translated():
            order = await self._services.subscriptions.edit(order.id, wishes)
        await self._show(interaction, order, "order-changed")

    @app_commands.command(name="preview", description="See privately what would be posted now")
    @app_commands.describe(post="Which one")
    async def preview(self, interaction: Interaction, post: OrderId | None = None) -> None:
        """Show the post that would go out now."""
        await replies.think(interaction)
        await self._show_post(interaction, await self._order(interaction, post))

    @app_commands.command(name="now", description="Post now, out of turn")
    @app_commands.describe(post="Which one")
    async def now(self, interaction: Interaction, post: OrderId | None = None) -> None:
        """Post the newest papers that the channel has not had."""
        await replies.think(interaction)
        await self._post_now(interaction, await self._order(interaction, post))

    @app_commands.command(name="pause", description="Stop a daily post, or start it again")
    @app_commands.describe(post="Which one")
    async def pause(self, interaction: Interaction, post: OrderId | None = None) -> None:
        """Pause an active order, resume a paused one."""
        await replies.think(interaction)
        order = await self._order(interaction, post)
        if order.state is models.SubscriptionState.ACTIVE:
            await self._show(interaction, await self._services.subscriptions.pause(order.id), "order-paused")
        else:
            await self._show(
                interaction, await self._services.subscriptions.resume(order.id), "order-resumed"
            )

    @app_commands.command(name="remove", description="End a daily post")
    @app_commands.describe(post="Which one")
    async def remove(self, interaction: Interaction, post: OrderId | None = None) -> None:
        """Ask whether the order is to be removed."""
        await replies.think(interaction)
        words = await interaction.client.words_for(interaction)
        await replies.privately(interaction, orders.sure_view(words, await self._order(interaction, post)))

    @setup.autocomplete("timezone")
    @edit.autocomplete("timezone")
    async def _zones(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return autocompletion.zones(current)

    @setup.autocomplete("time")
    @edit.autocomplete("time")
    async def _times(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return autocompletion.times(current)

    @edit.autocomplete("post")
    @preview.autocomplete("post")
    @now.autocomplete("post")
    @pause.autocomplete("post")
    @remove.autocomplete("post")
    async def _orders(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        words = await interaction.client.words_for(interaction)
        typed = current.casefold()
        labels = [
            (orders.label(words, order, _channel_name(interaction, order.channel_id)), str(order.id))
            for order in await self._of_server(interaction)
        ]
        return autocompletion.choices(
            pair for pair in labels if typed in pair[0].casefold() or typed == pair[1]
        )

    @controls.handles(orders.START)
    async def start(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start the order that the wizard shows."""
        require_manager(interaction)
        await replies.hold(interaction)
        await self._show(interaction, await self._start(interaction, orders.unpack(action)), "order-started")

    @controls.handles(orders.START_NOW)
    async def start_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start the order and post once at once."""
        require_manager(interaction)
        await replies.hold(interaction)
        order = await self._start(interaction, orders.unpack(action))
        await self._show(interaction, order, "order-started")
        await self._post_now(interaction, order)

    @controls.handles(orders.CHANGE)
    async def change(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for other wishes in a form."""
        require_manager(interaction)
        words = await interaction.client.words_for(interaction)
        await replies.ask(interaction, forms.order_form(words, orders.unpack(action)))

    @controls.handles(forms.ORDER_CHANGED)
    async def changed(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the wizard with what was typed into the form."""
        require_manager(interaction)
        await replies.hold(interaction)
        draft = orders.unpack(action)
        typed = controls.entered(interaction)
        wishes = order_options.changed(
            draft.wishes,
            typed.get(forms.TIME),
            typed.get(forms.ZONE),
            order_options.number(typed.get(forms.PAPERS, ""), "papers-not-a-number", 1, 25),
            order_options.number(typed.get(forms.VOTES, "") or "0", "votes-not-a-number", 0, 99_999),
            typed.get(forms.DAYS),
        )
        await replies.in_place(interaction, await self._setup(interaction, replace(draft, wishes=wishes)))

    @controls.handles(orders.LIST)
    async def show_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the server's daily posts."""
        require_manager(interaction)
        await replies.hold(interaction)
        await replies.in_place(interaction, await self._list(interaction))

    @controls.handles(orders.PICK)
    async def pick(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the daily post that was picked."""
        require_manager(interaction)
        await replies.hold(interaction)
        await self._show(interaction, await self._order(interaction, controls.chosen(interaction)[0]))

    @controls.handles(orders.SHOW_PREVIEW)
    async def show_preview(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the post that would go out now."""
        require_manager(interaction)
        await replies.think(interaction)
        await self._show_post(interaction, await self._order(interaction, action.rest))

    @controls.handles(orders.POST_NOW)
    async def post_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post out of turn."""
        require_manager(interaction)
        await replies.think(interaction)
        await self._post_now(interaction, await self._order(interaction, action.rest))

    @controls.handles(orders.PAUSE)
    async def pause_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Stop a daily post."""
        require_manager(interaction)
        await replies.hold(interaction)
        order = await self._order(interaction, action.rest)
        await self._show(interaction, await self._services.subscriptions.pause(order.id), "order-paused")

    @controls.handles(orders.RESUME)
    async def resume_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start a paused daily post again; also from a notice in a direct message, for whoever set it up."""
        await replies.hold(interaction)
        order = await self._own_or_managed(interaction, action.rest)
        await self._show(interaction, await self._services.subscriptions.resume(order.id), "order-resumed")

    @controls.handles(orders.REMOVE)
    async def remove_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask whether the order is to be removed."""
        require_manager(interaction)
        await replies.hold(interaction)
        words = await interaction.client.words_for(interaction)
        await replies.in_place(
            interaction, orders.sure_view(words, await self._order(interaction, action.rest))
        )

    @controls.handles(orders.REMOVE_SURE)
    async def remove_surely(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove a daily post."""
        require_manager(interaction)
        await replies.hold(interaction)
        order = await self._order(interaction, action.rest)
        await self._services.subscriptions.remove(order.id)
        words = await interaction.client.words_for(interaction)
        text = words("order-removed", channel=f"<#{order.channel_id}>")
        await replies.in_place(interaction, notices.plain_view(text))

    async def _setup(self, interaction: Interaction, draft: orders.Draft) -> discord.ui.LayoutView:
        words = await interaction.client.words_for(interaction)
        channel = order_options.place(interaction.client.get_channel(draft.channel_id))
        wishes = draft.wishes
        at, zone = schedule.parse_time(wishes.at_time), schedule.parse_zone(wishes.timezone)
        first = schedule.next_due(self._services.clock(), at, zone, wishes.days)
        return orders.setup_view(words, draft, permissions.check(channel, wishes.style), first.at)

    async def _start(self, interaction: Interaction, draft: orders.Draft) -> models.Subscription:
        assert interaction.guild_id is not None  # the command is for servers only
        with translated():
            order = await self._services.subscriptions.add(
                guild_id=interaction.guild_id,
                channel_id=draft.channel_id,
                wishes=draft.wishes,
                created_by=interaction.user.id,
            )
        words = await interaction.client.words_for(interaction)
        await self._services.guilds.remember(interaction.guild_id, timezone=draft.wishes.timezone)
        await self._services.readers.remember(
            interaction.user.id, locale=words.locale, timezone=draft.wishes.timezone
        )
        return order

    async def _post_now(self, interaction: Interaction, order: models.Subscription) -> None:
        planned = await self._services.now.plan(order.id, interaction.id)
        key = "order-posting" if planned is not None else "order-nothing-new"
        words = await interaction.client.words_for(interaction)
        await replies.privately(interaction, notices.plain_view(words(key, channel=f"<#{order.channel_id}>")))

    async def _show_post(self, interaction: Interaction, order: models.Subscription) -> None:
        """Show privately the very post that would go out now, as one or more messages."""
        words = await interaction.client.words_for(interaction)
        post = await self._services.now.preview(order)
        await replies.privately(interaction, notices.plain_view(words("preview-follows")))
        for view in preview_views(self._renderer.voice(order.locale), post):
            await replies.privately(interaction, view)

    async def _show(
        self, interaction: Interaction, order: models.Subscription, key: str | None = None
    ) -> None:
        words = await interaction.client.words_for(interaction)
        view = orders.order_view(words, order, wishes_of(order), words(key) if key else "")
        if interaction.type is discord.InteractionType.component:
            await replies.in_place(interaction, view)
        else:
            await replies.privately(interaction, view)

    async def _list(self, interaction: Interaction) -> discord.ui.LayoutView:
        words = await interaction.client.words_for(interaction)
        return orders.list_view(words, await self._of_server(interaction), self._mentions("daily setup"))

    async def _of_server(self, interaction: Interaction) -> list[models.Subscription]:
        if interaction.guild_id is None:
            return []
        found = await self._services.subscriptions.list_rows(guild_id=interaction.guild_id)
        return [order for order in found if order.state is not models.SubscriptionState.CLOSED]

    async def _order(self, interaction: Interaction, wanted: str | None) -> models.Subscription:
        """Return the server's order of that id, or its only one. Raises Refusal."""
        found = await self._of_server(interaction)
        if not found:
            raise Refusal("no-orders", command=self._mentions("daily setup"))
        if wanted is None:
            here = [order for order in found if order.channel_id == interaction.channel_id]
            if len(here or found) == 1:
                return (here or found)[0]
            raise Refusal("order-which")
        for order in found:
            if str(order.id) == wanted:
                return order
        raise Refusal("no-order")

    async def _own_or_managed(self, interaction: Interaction, wanted: str) -> models.Subscription:
        if interaction.guild_id is not None:
            require_manager(interaction)
            return await self._order(interaction, wanted)
        try:
            order = await self._services.subscriptions.get(int(wanted))
        except bot_errors.UsageError:
            raise Refusal("no-order") from None
        if order.created_by != interaction.user.id:
            raise Refusal("no-order")
        return order

    async def _usual_zone(self, interaction: Interaction, locale: models.Locale) -> str:
        assert interaction.guild_id is not None  # the command is for servers only
        guild = await self._services.guilds.get(interaction.guild_id)
        if guild is not None and guild.timezone:
            return guild.timezone
        reader = await self._services.readers.get(interaction.user.id)
        if reader is not None and reader.timezone:
            return reader.timezone
        return "Asia/Seoul" if locale is models.Locale.KO else self._services.timezone


class translated:  # noqa: N801 - used like contextlib's own lower-case context managers
    """Turns what the subscriptions service refuses into a sentence for the reader."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, storage_errors.DuplicateError):
            raise Refusal("order-already") from error


def require_manager(interaction: discord.Interaction[Any]) -> None:
    """Raise Refusal unless the asker manages this server."""
    if interaction.guild_id is None:
        raise Refusal("only-in-servers")
    if not interaction.permissions.manage_guild:
        raise Refusal("needs-manage-server")


def preview_views(voice: Any, post: posts.DailyPost) -> list[discord.ui.LayoutView]:
    """Return a post as it can be shown in an answer: cards and threads by their headline and first card."""
    if post.papers and post.style in (models.Style.CARDS, models.Style.THREAD):
        head = daily_post.headline_view(voice, post, marked=False)
        return [head, daily_post.card_view(voice.words, post, post.papers[0], None)]
    return daily_post.compact_views(voice, post, marked=False)


def _channel_name(interaction: Interaction, channel_id: int) -> str | None:
    channel = interaction.client.get_channel(channel_id)
    return getattr(channel, "name", None)
