"""Subscriptions: found, shown, previewed and created, with buttons, menus and forms. The commands are in `subscriptions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import discord
from discord import ui
from discord.ext import commands

from bot import errors as bot_errors
from bot.client.cogs import subscription_options
from bot.client.components import custom_ids
from bot.client.components.custom_ids import Action
from bot.client.context import Client, Request
from bot.client.interactions import checks, component_router, lookups, responses
from bot.client.interactions.errors import UserError, map_service_errors
from bot.client.post_styles import STYLES, PostableChannel, default_style
from bot.client.views import daily_post, modals, notices
from bot.client.views import subscriptions as subscriptions_view
from bot.client.views.papers import list_state, paper_list
from bot.client.views.papers.list_state import ListKind
from bot.services.daily import schedule
from bot.services.daily.subscriptions import SubscriptionOptions, find_same, new_subscription, options_of
from bot.services.posts import summaries
from bot.services.search.results import SearchRequest
from storage import errors as storage_errors
from storage import models

ERRORS: Mapping[type[Exception], str] = {storage_errors.DuplicateError: "subscription-already"}
"""Fluent ids of the exceptions of the subscriptions service."""


class SubscriptionButtonsCog(commands.Cog):
    """A server's subscriptions, managed with components. All but `resume` require a manager of the server."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services

    @component_router.handles(subscriptions_view.SETUP, responses.PRIVATELY, check=checks.require_manager)
    async def setup(self, request: Request, action: Action) -> list[ui.LayoutView]:
        """Begin a subscription of this channel."""
        channel = subscription_options.postable_channel(request.interaction.channel)
        return await start_setup(request, channel, await default_options(request, channel))

    @component_router.handles(subscriptions_view.ADD, check=checks.require_manager)
    async def add(self, request: Request, action: Action) -> list[ui.LayoutView]:
        """Show the wizard, also in a channel that has a daily post."""
        return await wizard_views(request, *await _load_options(request, action))

    @component_router.handles(subscriptions_view.START, check=checks.require_manager)
    async def start(self, request: Request, action: Action) -> ui.LayoutView:
        """Create the subscription of the wizard."""
        created = await _create(request, *await _load_options(request, action))
        if isinstance(created, ui.LayoutView):
            return created
        return _detail_view(request, created, "subscription-started")

    @component_router.handles(subscriptions_view.START_NOW, check=checks.require_manager)
    async def start_now(self, request: Request, action: Action) -> ui.LayoutView | None:
        """Create the subscription of the wizard, and post immediately."""
        created = await _create(request, *await _load_options(request, action))
        if isinstance(created, ui.LayoutView):
            return created
        # Shown before the post is made, which may be refused.
        await responses.update_message(
            request.interaction, _detail_view(request, created, "subscription-started")
        )
        await responses.reply_privately(request.interaction, await post_now(request, created))
        return None

    @component_router.handles(
        subscriptions_view.EDIT_SCHEDULE, responses.AT_ONCE, check=checks.require_manager
    )
    async def open_schedule_modal(self, request: Request, action: Action) -> ui.Modal:
        """Open the form for when a subscription posts."""
        return await _form_modal(request, modals.SUBMIT_SCHEDULE, action.payload)

    @component_router.handles(subscriptions_view.EDIT_PAPERS, responses.AT_ONCE, check=checks.require_manager)
    async def open_papers_modal(self, request: Request, action: Action) -> ui.Modal:
        """Open the form for which papers a subscription posts, and how."""
        return await _form_modal(request, modals.SUBMIT_PAPERS, action.payload)

    @component_router.handles(subscriptions_view.REOPEN, responses.AT_ONCE, check=checks.require_manager)
    async def reopen_modal(self, request: Request, action: Action) -> ui.Modal:
        """Open a form that was refused, with the typed values. Raises UserError if these were overwritten."""
        submit_verb, token = action.fields(2)
        payload, values = await component_router.load_typed(self._services.text_tokens, token)
        return await _form_modal(request, submit_verb, payload, values)

    @component_router.handles(modals.SUBMIT_SCHEDULE, check=checks.require_manager)
    async def submit_schedule(self, request: Request, action: Action) -> ui.LayoutView:
        """Apply the form for the schedule."""
        return await self._submit(request, action, subscription_options.apply_schedule)

    @component_router.handles(modals.SUBMIT_PAPERS, check=checks.require_manager)
    async def submit_papers(self, request: Request, action: Action) -> ui.LayoutView:
        """Apply the form for the papers."""
        return await self._submit(request, action, subscription_options.apply_papers)

    async def _submit(
        self,
        request: Request,
        action: Action,
        apply: Callable[[SubscriptionOptions, Mapping[str, str]], SubscriptionOptions],
    ) -> ui.LayoutView:
        subscription = await _load_target(request, action.payload)
        values = component_router.modal_values(request.interaction)
        try:
            return await _apply_form(request, subscription, apply(options_of(subscription), values))
        except UserError as error:
            return await _refused_view(request, action, values, error)

    @component_router.handles(subscriptions_view.CHANGE, check=checks.require_manager)
    async def show_form(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the buttons of the forms of a subscription."""
        return await form_view(request, action.payload)

    @component_router.handles(subscriptions_view.SELECT_CHANGE, check=checks.require_manager)
    async def select_form(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the buttons of the forms of the selected subscription."""
        selected = component_router.selected_value(request.interaction)
        return await form_view(request, selected)

    @component_router.handles(subscriptions_view.SHOW, check=checks.require_manager)
    async def show(self, request: Request, action: Action) -> ui.LayoutView:
        """Show a subscription."""
        return _detail_view(request, await find(request, action.payload))

    @component_router.handles(subscriptions_view.LIST, check=checks.require_manager)
    async def show_list(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the server's subscriptions."""
        return await list_view(request)

    @component_router.handles(subscriptions_view.SELECT, check=checks.require_manager)
    async def select_subscription(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the selected subscription."""
        selected = component_router.selected_value(request.interaction)
        return _detail_view(request, await find(request, selected))

    @component_router.handles(
        subscriptions_view.SHOW_PREVIEW, responses.PRIVATELY, check=checks.require_manager
    )
    async def show_preview(self, request: Request, action: Action) -> list[ui.LayoutView]:
        """Preview the post that would be sent now."""
        return await preview_views(request, await _find_chosen(request, action))

    @component_router.handles(subscriptions_view.POST_NOW, responses.PRIVATELY, check=checks.require_manager)
    async def post_now(self, request: Request, action: Action) -> ui.LayoutView:
        """Post immediately, outside the schedule."""
        return await post_now(request, await _find_chosen(request, action))

    @component_router.handles(subscriptions_view.PAUSE, check=checks.require_manager)
    async def pause(self, request: Request, action: Action) -> ui.LayoutView:
        """Pause a subscription; from the menu of `/daily pause` resume a paused one."""
        subscription = await _find_chosen(request, action)
        return await (_pause if action.payload else toggle)(request, subscription)

    @component_router.handles(subscriptions_view.RESUME)
    async def resume(self, request: Request, action: Action) -> ui.LayoutView:
        """Resume a subscription: for managers, and for its creator from a notice in a direct message."""
        return await _resume(request, await _find_manageable(request, action.payload))

    @component_router.handles(subscriptions_view.REMOVE, check=checks.require_manager)
    async def confirm_remove(self, request: Request, action: Action) -> ui.LayoutView:
        """Ask for confirmation to remove a subscription."""
        subscription = await _find_chosen(request, action)
        return subscriptions_view.confirm_remove_view(request.texts, subscription)

    @component_router.handles(subscriptions_view.REMOVE_CONFIRMED, check=checks.require_manager)
    async def remove(self, request: Request, action: Action) -> ui.LayoutView:
        """Remove a subscription."""
        subscription = await find(request, action.payload)
        await self._services.subscriptions.remove(subscription.id)
        text = request.texts("subscription-removed", channel=f"<#{subscription.channel_id}>")
        return notices.text_view(text)

    @component_router.handles(daily_post.SHOW_LANGUAGE, responses.PRIVATELY)
    async def show_other_language(self, request: Request, action: Action) -> list[ui.LayoutView]:
        """Show the papers of a post privately in the other language."""
        with custom_ids.map_parse_errors():
            locale = models.Locale(action.payload.partition(":")[0])
        arxiv_ids = _menu_arxiv_ids(request.interaction)
        async with lookups.admitted(request.interaction):
            details = [await request.services.search.find_paper(arxiv_id) for arxiv_id in arxiv_ids]
        found = [detail for detail in details if detail is not None]
        await summaries.prepare_extracts(found, [locale])
        papers = tuple(summaries.build_post_paper(detail, locale) for detail in found)
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
    return [modals.existing_view(request.texts, rows, channel.id, options)]


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
    channel = subscription_options.postable_channel(
        checks.require_channel(request.interaction.guild, channel_id)
    )
    at, zone = schedule.parse_time(options.at_time), schedule.parse_zone(options.timezone)
    first = schedule.next_due(request.services.clock(), at, zone, options.days)
    permissions = checks.check_permissions(channel, options.style, options.mention_role_id)
    await _save_long_text(request, channel_id, options)
    forecast = await _forecast_text(request, _unsaved(request, channel_id, options))
    same = find_same(await _list_in_channel(request, channel_id), options)
    return subscriptions_view.setup_view(texts, channel_id, options, permissions, first.at, forecast, same)


async def _save_long_text(request: Request, channel_id: int, options: SubscriptionOptions) -> None:
    if stored := subscriptions_view.long_text(channel_id, options):
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
    request: Request, channel: checks.Channel, options: SubscriptionOptions, mentioned_id: int | None = None
) -> None:
    """Raise UserError unless the style fits the channel, and the user may mention the role; not if it is `mentioned_id`."""
    if isinstance(channel, PostableChannel) and not STYLES[options.style].fits(channel):
        raise UserError("style-does-not-fit", channel=channel.mention)
    if options.mention_role_id != mentioned_id:
        await checks.require_may_mention(request.interaction, channel, options.mention_role_id)


async def _load_options(request: Request, action: Action) -> tuple[int, SubscriptionOptions]:
    """Return the channel and the options of a button of the wizard. Raises UserError if its text was overwritten."""
    token = subscriptions_view.find_token(action)
    if token is None:
        return subscriptions_view.unpack(action)
    stored = await request.services.text_tokens.get(token)
    if stored is None:
        raise UserError("outdated-control")
    return subscriptions_view.unpack(action, stored)


async def _forecast_text(request: Request, subscription: models.Subscription) -> str:
    """Return how often the subscription's topic would have been posted lately, "" without a topic."""
    if not subscription.topic:
        return ""
    forecast = await request.services.on_demand_posts.forecast(subscription)
    suggestions: tuple[str, ...] = ()
    if forecast is not None and not forecast[-1]:
        search = SearchRequest(subscription.topic, limit=1, literal=True)
        suggestions = (await request.services.search.search(search)).suggestions
    return subscriptions_view.forecast_text(request.texts, forecast, suggestions)


async def _create(
    request: Request, channel_id: int, options: SubscriptionOptions
) -> models.Subscription | ui.LayoutView:
    """Add a subscription; if the channel has an equal one, return the wizard, which shows that. Raises UserError."""
    interaction = request.interaction
    assert interaction.guild_id is not None  # the command is for servers only
    channel = subscription_options.postable_channel(checks.require_channel(interaction.guild, channel_id))
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
    channel = checks.require_channel(request.interaction.guild, subscription.channel_id)
    await _require_bot_may_post(request, channel, subscription.style)
    delivery = await request.services.on_demand_posts.plan(subscription.id, request.interaction.id)
    key = "subscription-posting" if delivery is not None else "subscription-nothing-new"
    return notices.text_view(request.texts(key, channel=f"<#{subscription.channel_id}>"))


async def _resume(request: Request, subscription: models.Subscription) -> ui.LayoutView:
    """Resume a subscription of a server that the user manages. Raises UserError if the bot may not post there."""
    guild = request.interaction.client.get_guild(subscription.guild_id)
    if guild is not None and not guild.unavailable:
        channel = checks.require_channel(guild, subscription.channel_id)
        await checks.require_may_mention(request.interaction, channel, subscription.mention_role_id)
        await _require_bot_may_post(request, channel, subscription.style)
    resumed = await request.services.subscriptions.resume(subscription.id)
    return _detail_view(request, resumed, "subscription-resumed")


async def _require_bot_may_post(
    request: Request, channel: checks.Channel, style: models.Style, role_id: int | None = None
) -> None:
    needed = checks.needed_permissions(channel, style, role_id)
    await checks.require_bot_may_post(request, channel, needed)


async def preview_views(request: Request, subscription: models.Subscription) -> list[ui.LayoutView]:
    """Return the messages that would be posted now; the first has a note that it is a preview."""
    post = await request.services.on_demand_posts.preview(subscription)
    forecast = await _forecast_text(request, subscription)
    if subscription.topic and not post.papers:
        return [notices.text_view(forecast)]
    note = "\n".join(filter(None, (request.texts("preview-note"), forecast)))
    wording = request.interaction.client.wording_for(subscription.locale)
    return STYLES[post.style].preview(wording, post, note)


def _detail_view(
    request: Request, subscription: models.Subscription, key: str | None = None
) -> ui.LayoutView:
    """Return the view of a subscription. `key` confirms the last action."""
    headline = request.texts(key) if key else ""
    return subscriptions_view.subscription_detail_view(request.texts, subscription, headline)


async def list_view(
    request: Request, rows: Sequence[models.Subscription] | None = None, verb: str = subscriptions_view.SELECT
) -> ui.LayoutView:
    """Return the view of the server's subscriptions, or of `rows` alone, with a menu for the action `verb`."""
    shown = await list_for_guild(request) if rows is None else rows
    mentions = request.interaction.client.mentions
    return subscriptions_view.list_view(request.texts, shown, mentions("daily setup"), verb)


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
    return await find(request, action.payload or component_router.selected_value(request.interaction))


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
        checks.require_manager(request.interaction)
        return await find(request, subscription_id)
    try:
        subscription = await request.services.subscriptions.get(custom_ids.parse_number(subscription_id))
    except bot_errors.UsageError:
        raise UserError("no-subscription") from None
    if subscription.created_by != request.user_id:
        raise UserError("no-subscription")
    await checks.require_manager_of(request.interaction, subscription.guild_id)
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
        return await list_view(request, candidates, subscriptions_view.SELECT_CHANGE)
    return modals.form_view(request.texts, await find(request, subscription_id))


async def _load_target(request: Request, payload: str) -> models.Subscription:
    """Return the subscription of a form: a stored one, or that of the wizard, with the id 0. Raises UserError."""
    if payload.startswith(subscriptions_view.STORED_MARK):
        return await find(request, payload.removeprefix(subscriptions_view.STORED_MARK))
    return _unsaved(request, *await _load_options(request, Action("", payload)))


async def _form_modal(
    request: Request, submit_verb: str, payload: str, typed: Mapping[str, str] = MappingProxyType({})
) -> modals.StatelessModal:
    """Return the form of a verb with the options of `_load_target`, replaced by the typed values. Raises UserError."""
    texts = request.texts
    subscription = await _load_target(request, payload)
    channel = checks.require_channel(request.interaction.guild, subscription.channel_id)
    values = {**modals.form_values(options_of(subscription)), **typed}
    role_id = values[modals.ROLE]
    if role_id and channel.guild.get_role(int(role_id)) is None:
        values[modals.ROLE] = ""
    if submit_verb == modals.SUBMIT_SCHEDULE:
        return modals.schedule_modal(texts, payload, values)
    styles = [style for style in models.Style if STYLES[style].fits(channel)]
    return modals.papers_modal(texts, payload, values, styles)


async def _apply_form(
    request: Request, subscription: models.Subscription, options: SubscriptionOptions
) -> ui.LayoutView:
    """Store the options of a form and return the subscription, or the wizard with them. Raises UserError."""
    if options.mention_role_id == subscription.guild_id:
        options = replace(options, mention_role_id=None)  # @everyone: see `apply_changes`
    if subscription.id:
        return await edit(request, subscription, options)
    channel = checks.require_channel(request.interaction.guild, subscription.channel_id)
    await _require_allowed(request, channel, options)
    return await _setup_view(request, subscription.channel_id, options)


async def _refused_view(
    request: Request, action: Action, values: Mapping[str, str], error: UserError
) -> ui.LayoutView:
    """Return why a form is refused, with a button that opens it again with the values that were typed."""
    texts = request.texts
    token = await component_router.store_typed(request.services.text_tokens, action.payload, values)
    return modals.refused_view(
        texts,
        texts(error.key, **error.arguments),
        custom_ids.pack(subscriptions_view.REOPEN, action.verb, token),
        action.payload,
    )


def _topic(interaction: discord.Interaction[Any]) -> str:
    """Return the topic of the message's button to its list, "" without one."""
    for component in component_router.walk_components(
        interaction.message.components if interaction.message else ()
    ):
        action = custom_ids.unpack(getattr(component, "custom_id", None) or "")
        if action.verb == list_state.SHOW:
            state = list_state.unpack(action)
            if state.kind is ListKind.TOPIC:
                return state.text
    return ""


def _menu_arxiv_ids(interaction: discord.Interaction[Any]) -> list[str]:
    """Return the arXiv ids of the message's menu of papers."""
    return [
        option.value
        for component in component_router.walk_components(
            interaction.message.components if interaction.message else ()
        )
        if isinstance(component, discord.SelectMenu)
        and custom_ids.unpack(component.custom_id).verb == paper_list.OPEN_SELECTED
        for option in component.options
    ]
