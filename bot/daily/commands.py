"""/daily: subscriptions of channels to the daily post, for managers of the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.archive import arxiv_ids
from bot.client import custom_ids, message_builder, paper_text, router
from bot.client import messages as client_messages
from bot.client import permissions as client_permissions
from bot.client.context import Client, Interaction, Request
from bot.client.custom_ids import Action
from bot.client.router import UserError, map_service_errors
from bot.core import clock, errors
from bot.daily import messages as daily_messages
from bot.daily import options as daily_options
from bot.daily import post as daily_post
from bot.daily import schedule
from bot.daily.post import STYLES, PostableChannel, default_style
from bot.daily.service import MAX_TOPIC_LENGTH, SubscriptionOptions, find_same, new_subscription, options_of
from bot.lists import autocomplete
from bot.lists import messages as lists_messages
from bot.lists.messages import ListKind
from bot.outbox import deliveries
from bot.search.results import SearchRequest
from storage import errors as storage_errors
from storage import models

# Subscriptions: found, shown, previewed and created, with buttons, menus and forms. The commands are in `subscriptions`.

ERRORS: Mapping[type[Exception], str] = {storage_errors.DuplicateError: "subscription-already"}
"""Fluent ids of the exceptions of the subscriptions service."""


class SubscriptionButtonsCog(commands.Cog):
    """A server's subscriptions, managed with components. All but `resume` require a manager of the server."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services

    @router.handles(daily_messages.SETUP, router.PRIVATELY, check=client_permissions.require_manager)
    async def setup(self, request: Request, action: Action) -> list[ui.LayoutView]:
        """Begin a subscription of this channel."""
        channel = daily_options.postable_channel(request.interaction.channel)
        return await start_setup(request, channel, await default_options(request, channel))

    @router.handles(daily_messages.ADD, check=client_permissions.require_manager)
    async def add(self, request: Request, action: Action) -> list[ui.LayoutView]:
        """Show the wizard, also in a channel that has a daily post."""
        return await wizard_views(request, *await _load_options(request, action))

    @router.handles(daily_messages.START, check=client_permissions.require_manager)
    async def start(self, request: Request, action: Action) -> ui.LayoutView:
        """Create the subscription of the wizard."""
        created = await _create(request, *await _load_options(request, action))
        if isinstance(created, ui.LayoutView):
            return created
        return _detail_view(request, created, "subscription-started")

    @router.handles(daily_messages.START_NOW, check=client_permissions.require_manager)
    async def start_now(self, request: Request, action: Action) -> ui.LayoutView | None:
        """Create the subscription of the wizard, and post immediately."""
        created = await _create(request, *await _load_options(request, action))
        if isinstance(created, ui.LayoutView):
            return created
        # Shown before the post is made, which may be refused.
        await router.update_message(
            request.interaction, _detail_view(request, created, "subscription-started")
        )
        await router.reply_privately(request.interaction, await post_now(request, created))
        return None

    @router.handles(daily_messages.EDIT_SCHEDULE, router.AT_ONCE, check=client_permissions.require_manager)
    async def open_schedule_modal(self, request: Request, action: Action) -> ui.Modal:
        """Open the form for when a subscription posts."""
        return await _form_modal(request, daily_messages.SUBMIT_SCHEDULE, action.payload)

    @router.handles(daily_messages.EDIT_PAPERS, router.AT_ONCE, check=client_permissions.require_manager)
    async def open_papers_modal(self, request: Request, action: Action) -> ui.Modal:
        """Open the form for which papers a subscription posts, and how."""
        return await _form_modal(request, daily_messages.SUBMIT_PAPERS, action.payload)

    @router.handles(daily_messages.REOPEN, router.AT_ONCE, check=client_permissions.require_manager)
    async def reopen_modal(self, request: Request, action: Action) -> ui.Modal:
        """Open a form that was refused, with the typed values. Raises UserError if these were overwritten."""
        submit_verb, token = action.fields(2)
        payload, values = await router.load_typed(self._services.text_tokens, token)
        return await _form_modal(request, submit_verb, payload, values)

    @router.handles(daily_messages.SUBMIT_SCHEDULE, check=client_permissions.require_manager)
    async def submit_schedule(self, request: Request, action: Action) -> ui.LayoutView:
        """Apply the form for the schedule."""
        return await self._submit(request, action, daily_options.apply_schedule)

    @router.handles(daily_messages.SUBMIT_PAPERS, check=client_permissions.require_manager)
    async def submit_papers(self, request: Request, action: Action) -> ui.LayoutView:
        """Apply the form for the papers."""
        return await self._submit(request, action, daily_options.apply_papers)

    async def _submit(
        self,
        request: Request,
        action: Action,
        apply: Callable[[SubscriptionOptions, Mapping[str, str]], SubscriptionOptions],
    ) -> ui.LayoutView:
        subscription = await _load_target(request, action.payload)
        values = router.modal_values(request.interaction)
        try:
            return await _apply_form(request, subscription, apply(options_of(subscription), values))
        except UserError as error:
            return await _refused_view(request, action, values, error)

    @router.handles(daily_messages.CHANGE, check=client_permissions.require_manager)
    async def show_form(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the buttons of the forms of a subscription."""
        return await form_view(request, action.payload)

    @router.handles(daily_messages.SELECT_CHANGE, check=client_permissions.require_manager)
    async def select_form(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the buttons of the forms of the selected subscription."""
        selected = router.selected_value(request.interaction)
        return await form_view(request, selected)

    @router.handles(daily_messages.SHOW, check=client_permissions.require_manager)
    async def show(self, request: Request, action: Action) -> ui.LayoutView:
        """Show a subscription."""
        return _detail_view(request, await find(request, action.payload))

    @router.handles(daily_messages.LIST, check=client_permissions.require_manager)
    async def show_list(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the server's subscriptions."""
        return await list_view(request)

    @router.handles(daily_messages.SELECT, check=client_permissions.require_manager)
    async def select_subscription(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the selected subscription."""
        selected = router.selected_value(request.interaction)
        return _detail_view(request, await find(request, selected))

    @router.handles(daily_messages.SHOW_PREVIEW, router.PRIVATELY, check=client_permissions.require_manager)
    async def show_preview(self, request: Request, action: Action) -> list[ui.LayoutView]:
        """Preview the post that would be sent now."""
        return await preview_views(request, await _find_chosen(request, action))

    @router.handles(daily_messages.POST_NOW, router.PRIVATELY, check=client_permissions.require_manager)
    async def post_now(self, request: Request, action: Action) -> ui.LayoutView:
        """Post immediately, outside the schedule."""
        return await post_now(request, await _find_chosen(request, action))

    @router.handles(daily_messages.PAUSE, check=client_permissions.require_manager)
    async def pause(self, request: Request, action: Action) -> ui.LayoutView:
        """Pause a subscription; from the menu of `/daily pause` resume a paused one."""
        subscription = await _find_chosen(request, action)
        return await (_pause if action.payload else toggle)(request, subscription)

    @router.handles(daily_messages.RESUME)
    async def resume(self, request: Request, action: Action) -> ui.LayoutView:
        """Resume a subscription: for managers, and for its creator from a notice in a direct message."""
        return await _resume(request, await _find_manageable(request, action.payload))

    @router.handles(daily_messages.REMOVE, check=client_permissions.require_manager)
    async def confirm_remove(self, request: Request, action: Action) -> ui.LayoutView:
        """Ask for confirmation to remove a subscription."""
        subscription = await _find_chosen(request, action)
        return daily_messages.confirm_remove_view(request.texts, subscription)

    @router.handles(daily_messages.REMOVE_CONFIRMED, check=client_permissions.require_manager)
    async def remove(self, request: Request, action: Action) -> ui.LayoutView:
        """Remove a subscription."""
        subscription = await find(request, action.payload)
        await self._services.subscriptions.remove(subscription.id)
        text = request.texts("subscription-removed", channel=f"<#{subscription.channel_id}>")
        return client_messages.text_view(text)

    @router.handles(daily_post.SHOW_LANGUAGE, router.PRIVATELY)
    async def show_other_language(self, request: Request, action: Action) -> list[ui.LayoutView]:
        """Show the papers of a post privately in the other language."""
        with custom_ids.map_parse_errors():
            locale = models.Locale(action.payload.partition(":")[0])
        arxiv_ids = _menu_arxiv_ids(request.interaction)
        async with router.admitted_lookup(request.interaction):
            details = [await request.services.search.find_paper(arxiv_id) for arxiv_id in arxiv_ids]
        found = [detail for detail in details if detail is not None]
        await deliveries.prepare_extracts(found, [locale])
        papers = tuple(deliveries.build_post_paper(detail, locale) for detail in found)
        if not papers:
            raise UserError("outdated-control")
        post = daily_post.copy_of(action, papers, locale, _topic(request.interaction))
        wording = request.interaction.client.wording_for(locale)
        return list(daily_post.compact_views(wording, post, with_marker=False))


async def start_setup(
    request: Request, channel: PostableChannel, options: SubscriptionOptions
) -> list[ui.LayoutView]:
    """Return the daily posts that the channel has already; without any, the preview and the wizard. Raises UserError."""
    await _require_allowed(request, channel, options)
    rows = await _list_in_channel(request, channel.id)
    if not rows:
        return await wizard_views(request, channel.id, options)
    await _save_long_text(request, channel.id, options)
    return [daily_messages.existing_view(request.texts, rows, channel.id, options)]


async def wizard_views(
    request: Request, channel_id: int, options: SubscriptionOptions
) -> list[ui.LayoutView]:
    """Return what would be posted now, and the wizard. Raises UserError for a channel that takes no posts."""
    wizard = await _setup_view(request, channel_id, options)
    return [*await preview_views(request, _unsaved(request, channel_id, options)), wizard]


async def default_options(request: Request, channel: PostableChannel) -> SubscriptionOptions:
    """Return the options of a new subscription of a channel for which none are given."""
    locale = request.texts.locale
    timezone = await _default_timezone(request)
    return SubscriptionOptions(timezone=timezone, locale=locale, style=default_style(channel))


async def _setup_view(request: Request, channel_id: int, options: SubscriptionOptions) -> ui.LayoutView:
    """Return the setup wizard. Raises UserError for a channel that takes no posts."""
    texts = request.texts
    channel = daily_options.postable_channel(
        client_permissions.require_channel(request.interaction.guild, channel_id)
    )
    at, zone = schedule.parse_time(options.at_time), clock.parse_zone(options.timezone)
    first = schedule.next_due(request.services.clock(), at, zone, options.days)
    permissions = daily_post.check_permissions(channel, options.style, options.mention_role_id)
    await _save_long_text(request, channel_id, options)
    forecast = await _forecast_text(request, _unsaved(request, channel_id, options))
    same = find_same(await _list_in_channel(request, channel_id), options)
    return daily_messages.setup_view(texts, channel_id, options, permissions, first.at, forecast, same)


async def _save_long_text(request: Request, channel_id: int, options: SubscriptionOptions) -> None:
    if stored := daily_messages.long_text(channel_id, options):
        await request.services.text_tokens.save(stored)


def _unsaved(request: Request, channel_id: int, options: SubscriptionOptions) -> models.Subscription:
    """Return the subscription of the wizard, with the id 0."""
    guild_id = request.interaction.guild_id
    assert guild_id is not None  # the command is for servers only
    return new_subscription(guild_id, channel_id, options, request.services.clock())


async def edit(
    request: Request, subscription: models.Subscription, options: SubscriptionOptions
) -> ui.LayoutView:
    """Change the options of a stored subscription and return its view. Raises UserError."""
    channel = request.interaction.client.get_channel(subscription.channel_id)
    if channel is not None:
        await _require_allowed(request, channel, options, subscription.mention_role_id)
    with map_service_errors(ERRORS):
        changed = await request.services.subscriptions.edit(subscription.id, options)
    return _detail_view(request, changed, "subscription-changed")


async def _require_allowed(
    request: Request,
    channel: client_permissions.Channel,
    options: SubscriptionOptions,
    mentioned_id: int | None = None,
) -> None:
    """Raise UserError unless the style fits the channel, and the user may mention the role; not if it is `mentioned_id`."""
    if isinstance(channel, PostableChannel) and not STYLES[options.style].fits(channel):
        raise UserError("style-does-not-fit", channel=channel.mention)
    if options.mention_role_id != mentioned_id:
        await client_permissions.require_may_mention(request.interaction, channel, options.mention_role_id)


async def _load_options(request: Request, action: Action) -> tuple[int, SubscriptionOptions]:
    """Return the channel and the options of a button of the wizard. Raises UserError if its text was overwritten."""
    token = daily_messages.find_token(action)
    if token is None:
        return daily_messages.unpack(action)
    stored = await request.services.text_tokens.get(token)
    if stored is None:
        raise UserError("outdated-control")
    return daily_messages.unpack(action, stored)


async def _forecast_text(request: Request, subscription: models.Subscription) -> str:
    """Return how often the subscription's topic would have been posted lately, "" without a topic."""
    if not subscription.topic:
        return ""
    forecast = await request.services.on_demand_posts.forecast(subscription)
    suggestions: tuple[str, ...] = ()
    if forecast is not None and not forecast[-1]:
        search = SearchRequest(subscription.topic, limit=1, literal=True)
        suggestions = (await request.services.search.search(search)).suggestions
    return daily_messages.forecast_text(request.texts, forecast, suggestions)


async def _create(
    request: Request, channel_id: int, options: SubscriptionOptions
) -> models.Subscription | ui.LayoutView:
    """Add a subscription; if the channel has an equal one, return the wizard, which shows that. Raises UserError."""
    interaction = request.interaction
    assert interaction.guild_id is not None  # the command is for servers only
    channel = daily_options.postable_channel(
        client_permissions.require_channel(interaction.guild, channel_id)
    )
    await _require_allowed(request, channel, options)
    await _require_bot_may_post(request, channel, options.style, options.mention_role_id)
    if find_same(await _list_in_channel(request, channel_id), options) is not None:
        return await _setup_view(request, channel_id, options)
    with map_service_errors(ERRORS):
        subscription = await request.services.subscriptions.add(
            guild_id=interaction.guild_id, channel_id=channel_id, options=options, created_by=request.user_id
        )
    await request.services.guilds.update(interaction.guild_id, timezone=options.timezone)
    await request.services.readers.update(
        request.user_id, locale=request.texts.locale, timezone=options.timezone
    )
    return subscription


async def post_now(request: Request, subscription: models.Subscription) -> ui.LayoutView:
    """Post the papers that the channel has not had, out of schedule, and return the confirmation. Raises UserError."""
    channel = client_permissions.require_channel(request.interaction.guild, subscription.channel_id)
    await _require_bot_may_post(request, channel, subscription.style)
    delivery = await request.services.on_demand_posts.plan(subscription.id, request.interaction.id)
    key = "subscription-posting" if delivery is not None else "subscription-nothing-new"
    return client_messages.text_view(request.texts(key, channel=f"<#{subscription.channel_id}>"))


async def _resume(request: Request, subscription: models.Subscription) -> ui.LayoutView:
    """Resume a subscription of a server that the user manages. Raises UserError if the bot may not post there."""
    guild = request.interaction.client.get_guild(subscription.guild_id)
    if guild is not None and not guild.unavailable:
        channel = client_permissions.require_channel(guild, subscription.channel_id)
        await client_permissions.require_may_mention(
            request.interaction, channel, subscription.mention_role_id
        )
        await _require_bot_may_post(request, channel, subscription.style)
    resumed = await request.services.subscriptions.resume(subscription.id)
    return _detail_view(request, resumed, "subscription-resumed")


async def _require_bot_may_post(
    request: Request, channel: client_permissions.Channel, style: models.Style, role_id: int | None = None
) -> None:
    needed = daily_post.needed_permissions(channel, style, role_id)
    await client_permissions.require_bot_may_post(request, channel, needed)


async def preview_views(request: Request, subscription: models.Subscription) -> list[ui.LayoutView]:
    """Return the messages that would be posted now; the first has a note that it is a preview."""
    post = await request.services.on_demand_posts.preview(subscription)
    forecast = await _forecast_text(request, subscription)
    if subscription.topic and not post.papers:
        return [client_messages.text_view(forecast)]
    note = "\n".join(filter(None, (request.texts("preview-note"), forecast)))
    wording = request.interaction.client.wording_for(subscription.locale)
    return STYLES[post.style].preview(wording, post, note)


def _detail_view(
    request: Request, subscription: models.Subscription, key: str | None = None
) -> ui.LayoutView:
    """Return the view of a subscription. `key` confirms the last action."""
    headline = request.texts(key) if key else ""
    return daily_messages.subscription_detail_view(request.texts, subscription, headline)


async def list_view(
    request: Request, rows: Sequence[models.Subscription] | None = None, verb: str = daily_messages.SELECT
) -> ui.LayoutView:
    """Return the view of the server's subscriptions, or of `rows` alone, with a menu for the action `verb`."""
    shown = await list_for_guild(request) if rows is None else rows
    mentions = request.interaction.client.mentions
    return daily_messages.list_view(request.texts, shown, mentions("daily setup"), verb)


async def find_or_ask(
    request: Request, subscription_id: str | None, verb: str
) -> models.Subscription | ui.LayoutView:
    """Return the subscription that a command means, as `find`; of several, the list with a menu for the action `verb`."""
    candidates = await _list_candidates(request)
    if subscription_id is not None or len(candidates) < 2:
        return await find(request, subscription_id)
    return await list_view(request, candidates, verb)


async def _find_chosen(request: Request, action: Action) -> models.Subscription:
    """Return the subscription of a button, or the one selected in a menu. Raises UserError if it is gone."""
    return await find(request, action.payload or router.selected_value(request.interaction))


async def toggle(request: Request, subscription: models.Subscription) -> ui.LayoutView:
    """Pause an active subscription, or resume a paused one, and return its view. Raises UserError."""
    is_active = subscription.state is models.ActivityState.ACTIVE
    return await (_pause if is_active else _resume)(request, subscription)


async def _pause(request: Request, subscription: models.Subscription) -> ui.LayoutView:
    paused = await request.services.subscriptions.pause(subscription.id, by=request.user_id)
    return _detail_view(request, paused, "subscription-paused")


async def list_for_guild(request: Request) -> list[models.Subscription]:
    """Return the server's subscriptions that are not closed."""
    guild_id = request.interaction.guild_id
    if guild_id is None:
        return []
    rows = await request.services.subscriptions.list_rows(guild_id=guild_id)
    return [row for row in rows if row.state is not models.ActivityState.CLOSED]


async def find(request: Request, subscription_id: str | None) -> models.Subscription:
    """Return a subscription of the server by id; without one, the only one of the channel or the server.

    Raises UserError if there is none, or more than one to choose from.
    """
    rows = await list_for_guild(request)
    if not rows:
        raise UserError("no-subscriptions", command=request.interaction.client.mentions("daily setup"))
    if subscription_id is None:
        candidates = await _list_candidates(request)
        if len(candidates) > 1:
            raise UserError("subscription-which")
        return candidates[0]
    for row in rows:
        if str(row.id) == subscription_id:
            return row
    raise UserError("no-subscription")


async def _list_in_channel(request: Request, channel_id: int) -> list[models.Subscription]:
    return [row for row in await list_for_guild(request) if row.channel_id == channel_id]


async def _list_candidates(request: Request) -> list[models.Subscription]:
    """Return the subscriptions that a command without an id means: those of its channel, else all of the server."""
    rows = await list_for_guild(request)
    return [row for row in rows if row.channel_id == request.interaction.channel_id] or rows


async def _find_manageable(request: Request, subscription_id: str) -> models.Subscription:
    """Return a subscription: in its server for a manager, in a direct message for its creator. Raises UserError.

    The creator has to manage the server still: a notice stays in their messages after they have lost the right.
    """
    if request.interaction.guild_id is not None:
        client_permissions.require_manager(request.interaction)
        return await find(request, subscription_id)
    try:
        subscription = await request.services.subscriptions.get(custom_ids.parse_number(subscription_id))
    except errors.UsageError:
        raise UserError("no-subscription") from None
    if subscription.created_by != request.user_id:
        raise UserError("no-subscription")
    await client_permissions.require_manager_of(request.interaction, subscription.guild_id)
    return subscription


async def _default_timezone(request: Request) -> str:
    """Return the time zone for a new subscription: the server's or that of its posts, the reader's, or the language's."""
    guild_id = request.interaction.guild_id
    assert guild_id is not None  # the command is for servers only
    guild = await request.services.guilds.get(guild_id)
    if guild is not None and guild.timezone:
        return guild.timezone
    if rows := await list_for_guild(request):
        return rows[-1].timezone
    reader = await request.services.readers.get(request.user_id)
    if reader is not None and reader.timezone:
        return reader.timezone
    return "Asia/Seoul" if request.texts.locale is models.Locale.KO else request.services.timezone


async def form_view(request: Request, subscription_id: str | None) -> ui.LayoutView:
    """Return the buttons of a subscription's forms; without an id and with several, their list. Raises UserError."""
    candidates = await _list_candidates(request)
    if subscription_id is None and len(candidates) > 1:
        return await list_view(request, candidates, daily_messages.SELECT_CHANGE)
    return daily_messages.form_view(request.texts, await find(request, subscription_id))


async def _load_target(request: Request, payload: str) -> models.Subscription:
    """Return the subscription of a form: a stored one, or that of the wizard, with the id 0. Raises UserError."""
    if payload.startswith(daily_messages.STORED_MARK):
        return await find(request, payload.removeprefix(daily_messages.STORED_MARK))
    return _unsaved(request, *await _load_options(request, Action("", payload)))


async def _form_modal(
    request: Request, submit_verb: str, payload: str, typed: Mapping[str, str] = MappingProxyType({})
) -> message_builder.StatelessModal:
    """Return the form of a verb with the options of `_load_target`, replaced by the typed values. Raises UserError."""
    texts = request.texts
    subscription = await _load_target(request, payload)
    channel = client_permissions.require_channel(request.interaction.guild, subscription.channel_id)
    values = {**daily_messages.form_values(options_of(subscription)), **typed}
    role_id = values[daily_messages.ROLE]
    if role_id and channel.guild.get_role(int(role_id)) is None:
        values[daily_messages.ROLE] = ""
    if submit_verb == daily_messages.SUBMIT_SCHEDULE:
        return daily_messages.schedule_modal(texts, payload, values)
    styles = [style for style in models.Style if STYLES[style].fits(channel)]
    return daily_messages.papers_modal(texts, payload, values, styles)


async def _apply_form(
    request: Request, subscription: models.Subscription, options: SubscriptionOptions
) -> ui.LayoutView:
    """Store the options of a form and return the subscription, or the wizard with them. Raises UserError."""
    if options.mention_role_id == subscription.guild_id:
        options = replace(options, mention_role_id=None)  # @everyone: see `apply_changes`
    if subscription.id:
        return await edit(request, subscription, options)
    channel = client_permissions.require_channel(request.interaction.guild, subscription.channel_id)
    await _require_allowed(request, channel, options)
    return await _setup_view(request, subscription.channel_id, options)


async def _refused_view(
    request: Request, action: Action, values: Mapping[str, str], error: UserError
) -> ui.LayoutView:
    """Return why a form is refused, with a button that opens it again with the values that were typed."""
    texts = request.texts
    token = await router.store_typed(request.services.text_tokens, action.payload, values)
    return daily_messages.refused_view(
        texts,
        texts(error.key, **error.arguments),
        custom_ids.pack(daily_messages.REOPEN, action.verb, token),
        action.payload,
    )


def _topic(interaction: discord.Interaction[Any]) -> str:
    """Return the topic of the message's button to its list, "" without one."""
    for component in router.walk_components(interaction.message.components if interaction.message else ()):
        action = custom_ids.unpack(getattr(component, "custom_id", None) or "")
        if action.verb == lists_messages.SHOW:
            state = lists_messages.unpack_state(action)
            if state.kind is ListKind.TOPIC:
                return state.text
    return ""


def _menu_arxiv_ids(interaction: discord.Interaction[Any]) -> list[str]:
    """Return the arXiv ids of the message's menu of papers."""
    return [
        option.value
        for component in router.walk_components(interaction.message.components if interaction.message else ())
        if isinstance(component, discord.SelectMenu)
        and custom_ids.unpack(component.custom_id).verb == lists_messages.OPEN_SELECTED
        for option in component.options
    ]


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
        client_permissions.require_manager(interaction)
        return True

    @router.command(name="setup", description="Post the day's top papers in a channel")
    @app_commands.describe(**daily_options.SETUP_DESCRIPTIONS)
    @app_commands.choices(
        days=daily_options.DAY_CHOICES,
        language=daily_options.LANGUAGE_CHOICES,
        style=daily_options.STYLE_CHOICES,
        when=daily_options.WHEN_CHOICES,
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
        destination = daily_options.postable_channel(channel or request.interaction.channel)
        defaults = await default_options(request, destination)
        options = daily_options.apply_changes(
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
        return await start_setup(request, destination, options)

    @router.command(name="list", description="This server's daily posts")
    async def list_subscriptions(self, request: Request) -> ui.LayoutView:
        """Show the server's subscriptions."""
        return await list_view(request)

    @router.command(
        name="edit",
        description="Change a daily post: in a form, or with options; what you leave out stays as it is",
    )
    @app_commands.describe(post="Which one", **daily_options.EDIT_DESCRIPTIONS)
    @app_commands.choices(
        days=daily_options.DAY_CHOICES,
        language=daily_options.LANGUAGE_CHOICES,
        style=daily_options.STYLE_CHOICES,
        when=daily_options.WHEN_CHOICES,
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
            return await form_view(request, post)
        subscription = await find(request, post)
        options = daily_options.apply_changes(options_of(subscription), *given)
        return await edit(request, subscription, options)

    @router.command(name="preview", description="See privately what would be posted now")
    @app_commands.describe(post="Which one")
    async def preview(
        self, request: Request, post: SubscriptionId | None = None
    ) -> ui.LayoutView | list[ui.LayoutView]:
        """Preview the post that would be sent now."""
        found = await find_or_ask(request, post, daily_messages.SHOW_PREVIEW)
        return found if isinstance(found, ui.LayoutView) else await preview_views(request, found)

    @router.command(name="now", description="Post right now, without waiting for the set time")
    @app_commands.describe(post="Which one")
    async def now(self, request: Request, post: SubscriptionId | None = None) -> ui.LayoutView:
        """Post the newest papers that the channel has not received yet."""
        found = await find_or_ask(request, post, daily_messages.POST_NOW)
        return found if isinstance(found, ui.LayoutView) else await post_now(request, found)

    @router.command(name="pause", description="Pause a daily post, or resume it")
    @app_commands.describe(post="Which one")
    async def pause(self, request: Request, post: SubscriptionId | None = None) -> ui.LayoutView:
        """Pause an active subscription, or resume a paused one."""
        found = await find_or_ask(request, post, daily_messages.PAUSE)
        return found if isinstance(found, ui.LayoutView) else await toggle(request, found)

    @router.command(name="remove", description="Remove a daily post")
    @app_commands.describe(post="Which one")
    async def remove(self, request: Request, post: SubscriptionId | None = None) -> ui.LayoutView:
        """Ask for confirmation to remove a subscription."""
        found = await find_or_ask(request, post, daily_messages.REMOVE)
        if isinstance(found, ui.LayoutView):
            return found
        return daily_messages.confirm_remove_view(request.texts, found)

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
        for subscription in await list_for_guild(Request(interaction, texts)):
            channel = interaction.client.get_channel(subscription.channel_id)
            name = getattr(channel, "name", None)
            labels[str(subscription.id)] = daily_messages.subscription_label(texts, subscription, name)
        return autocomplete.make_choices(
            (label, value) for value, label in labels.items() if query in label.casefold() or query == value
        )


# /why: the reason why a paper was not posted in this channel.


class WhyCog(commands.Cog):
    """Explains the selection of a channel's posts."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._mentions = bot.mentions

    @router.command(name="why", description="Why a paper was not posted in this channel, or when it was")
    @app_commands.describe(paper="An arXiv id, a link to arXiv or Hugging Face, or part of the title")
    @app_commands.guild_only()
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.autocomplete(paper=autocomplete.papers)
    async def why(self, request: Request, paper: app_commands.Range[str, 1, 500]) -> ui.LayoutView:
        """Explain for this channel, or for the parent channel of this thread."""
        texts, guild_id = request.texts, request.interaction.guild_id
        channel_id = _top_level_channel_id(request.interaction)
        if guild_id is None or channel_id is None:
            raise UserError("only-in-servers")
        async with router.admitted_lookup(request.interaction):
            detail = await self._services.search.find_paper(paper)
        if detail is not None and detail.is_listed:
            answer = await self._services.why.explain(detail, guild_id=guild_id, channel_id=channel_id)
            return daily_messages.why_view(texts, detail, answer, guild_id=guild_id, mention=self._mentions)
        if (arxiv_id := arxiv_ids.extract_arxiv_id(paper)) is not None:
            return daily_messages.unknown_paper_view(texts, arxiv_id)
        raise UserError("no-paper", paper=paper_text.escape_untrusted(paper))


def _top_level_channel_id(interaction: Interaction) -> int | None:
    """Return the id of the channel, or of the parent channel of a thread or forum post."""
    if isinstance(interaction.channel, discord.Thread):
        return interaction.channel.parent_id
    return interaction.channel_id
