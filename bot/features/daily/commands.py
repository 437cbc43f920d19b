"""The `/daily` commands, with which managers subscribe channels to daily posts, and `/why` for everyone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

import discord
from discord import app_commands, ui
from discord.ext import commands
from pydantic import TypeAdapter

from bot.client import (
    autocomplete,
    custom_ids,
    interaction_values,
    message_builder,
    permissions,
    responses,
    router,
    verbs,
)
from bot.client.custom_ids import Action
from bot.client.handler_context import Interaction, Request
from bot.client.refusals import UserError
from bot.client.text_tokens import TextPurpose
from bot.features.daily import choice
from bot.features.daily import messages as daily_messages
from bot.features.daily import options as daily_options
from bot.features.daily import post as daily_post
from bot.features.daily.post import STYLES, PostableChannel, default_style
from bot.features.daily.service import OnDemandPosts, Subscriptions
from bot.features.daily.why import Cause, WhyExplainer
from bot.i18n import typed_values
from bot.outbox.contents import REPOST_INTERVAL
from bot.papers import completers, post_names, post_papers
from bot.papers.replies import load_paper
from bot.rendering import discord_text
from bot.search.results import SearchRequest
from bot.sources import kinds
from storage import accounts, daily, errors, models, papers, shelf
from storage.models import Filters, Subscription

DRAFT = TypeAdapter(Subscription)
OF_STORED = {verbs.OPEN_EDIT: verbs.SUBMIT_EDIT, verbs.OPEN_EDIT_MORE: verbs.SUBMIT_EDIT_MORE}
"""The verbs of forms for a stored post, which its id follows; those of others name a draft."""
TYPED = (daily_messages.TIME, daily_messages.TOPIC)
CHOSEN = (daily_messages.DAYS, daily_messages.LANGUAGE, daily_messages.STYLE)
P = ParamSpec("P")
T = TypeVar("T")


@autocomplete.guarded
async def _complete_post(interaction: Interaction, current: str) -> autocomplete.Choices:
    if not permissions.is_manager(interaction):  # the group's check does not apply to autocomplete
        return []
    texts = await interaction.client.texts_for(interaction)
    query = current.casefold()
    request = Request(interaction, texts)
    rows = await _list_for_guild(request)
    names = permissions.name_channels(interaction, [row.channel_id for row in rows])
    labels = post_names.name_posts(texts, rows, names)
    return autocomplete.make_choices(
        (label, str(id_)) for id_, label in labels.items() if query in label.casefold() or query == str(id_)
    )


@autocomplete.guarded
async def _complete_source(interaction: Interaction, current: str) -> autocomplete.Choices:
    """Suggest sources whose names contain the typed text. URLs are never shown, since they may contain secrets."""
    query = current.casefold()
    rows = await interaction.client.services.sources.list_rows()
    labels = kinds.public_labels(row.url for row in rows)
    named = [(labels[row.url], str(row.id)) for row in rows]
    return autocomplete.make_choices((label, id_) for label, id_ in named if query in label.casefold())


def _with_options(method: Callable[P, T]) -> Callable[P, T]:
    """Replace a command's `**typed` parameter with the options of a daily post."""
    options = daily_options.OPTIONS.values()
    signature = inspect.signature(method, eval_str=True)
    *named, typed = signature.parameters.values()
    added = [
        typed.replace(name=option.name, kind=typed.KEYWORD_ONLY, default=None, annotation=_annotate(option))
        for option in options
    ]
    method.__signature__ = signature.replace(parameters=[*named, *added])  # type: ignore[attr-defined]
    choices = {
        option.name: [app_commands.Choice(name=label, value=value) for label, value in option.choices.items()]
        for option in options
        if option.choices
    }
    app_commands.choices(**choices)(method)
    app_commands.describe(**{option.name: option.description for option in options})(method)
    app_commands.rename(source="from")(method)  # a Python keyword
    app_commands.autocomplete(
        time=autocomplete.times,
        timezone=autocomplete.timezones,
        topic=completers.topics,
        source=_complete_source,
    )(method)
    return method


def _find_setup_mode(**typed: Any) -> responses.ResponseMode:
    """Return how `/daily setup` responds: a form has to be the first response; a preview may take longer."""
    return responses.AT_ONCE if _is_empty(typed) else responses.PRIVATELY


def _is_empty(typed: Mapping[str, Any]) -> bool:
    return all(value is None for value in typed.values())


def _annotate(option: daily_options.Option) -> Any:
    if option.limits is None:
        return option.takes | None
    return app_commands.Range[option.takes, *option.limits] | None


@app_commands.guild_only()
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class SubscriptionsCog(
    router.NeedsGuild, commands.GroupCog, name="daily", description="Daily posts in this server's channels"
):
    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Require a manager, even if the server's settings allow others to use the command."""
        permissions.require_manager(interaction)
        return True

    @router.command(
        name="setup",
        description="Post the day's top papers in a channel; opens a form if all is left out",
        mode=_find_setup_mode,
    )
    @app_commands.describe(channel="Where to post; this channel if left out")
    @_with_options
    async def setup(
        self,
        request: Request,
        /,
        channel: discord.TextChannel | discord.ForumChannel | None = None,
        **typed: Any,
    ) -> list[ui.LayoutView] | ui.Modal:
        """Show a preview and the setup, which has a button that creates the daily post; without options, the form."""
        if _is_empty({"channel": channel, **typed}):
            return await _open_form(request, Action(verbs.SET_UP_POST))
        destination = _postable_channel(channel or request.interaction.channel)
        typed = await _find_typed_source(request, typed)
        default = await _default_draft(request, destination)
        draft = await _apply(request, default, typed)
        await _require_allowed(request, destination, draft)
        return await _setup_views(request, draft)

    @router.command(
        name="edit",
        description="This server's daily posts: see, edit, pause or remove them; omitted settings stay",
    )
    @app_commands.describe(post="The daily post to edit; all of them are shown if left out")
    @app_commands.autocomplete(post=_complete_post)
    @_with_options
    async def edit(
        self, request: Request, /, post: app_commands.Range[str, 1, 101] | None = None, **typed: Any
    ) -> ui.LayoutView:
        """Change a subscription. Without options, show it, or list the server's subscriptions."""
        if _is_empty(typed):
            rows = await (_list_meant(request, post) if post else _list_for_guild(request))
            return await (_detail_view(request, rows[0]) if len(rows) == 1 else _list_view(request, rows))
        typed = await _find_typed_source(request, typed)
        old = await _find(request, post)
        return await _edit(request, old, await _apply(request, old, typed))

    @router.command(name="mentions", description="Whether a mention of Paperround in this server is answered")
    @app_commands.describe(answer="True: with passages that all can see; False: not at all; /ask stays")
    async def mentions(self, request: Request, answer: bool) -> ui.LayoutView:
        settings: accounts.GuildSettings = {"answers_mentions": answer}
        guild_id = request.interaction.guild_id or 0
        await request.services.database.write(accounts.upsert_guilds, {guild_id: settings})
        key, ask = "mentions-on" if answer else "mentions-off", request.interaction.client.mentions("ask")
        return message_builder.text_view(request.texts(key, ask=ask))


class SubscriptionButtonsCog(router.ManagersOnly, commands.Cog):
    """The buttons, menus and forms with which managers set up and change subscriptions."""

    @router.handles(verbs.OPEN_SETUP, responses.AT_ONCE, also=(verbs.SET_UP_POST, verbs.OPEN_EDIT))
    async def open_form(self, request: Request, action: Action) -> ui.Modal:
        return await _open_form(request, action)

    @router.handles(verbs.OPEN_SETUP_MORE, responses.AT_ONCE, also=(verbs.OPEN_EDIT_MORE,))
    async def open_more(self, request: Request, action: Action) -> ui.Modal:
        row = await _load_meant(request, action)
        channel = await permissions.require_known_channel(request, row.guild_id, row.channel_id)
        role = channel.guild.get_role(row.mention_role_id or 0)
        styles = [style for style in STYLES if STYLES[style].fits(channel)]
        tags = daily_post.list_tags(channel)
        submit_id = _submit_id(action)
        return daily_messages.more_modal(request.texts, submit_id, row, role and role.id, styles, tags)

    @router.handles(
        verbs.SUBMIT_SETUP,
        lambda action: responses.IN_PLACE if action.verb == verbs.SUBMIT_EDIT_MORE else responses.PRIVATELY,
        also=(verbs.SUBMIT_EDIT, verbs.SUBMIT_EDIT_MORE),
    )
    async def submit_form(self, request: Request, action: Action) -> list[ui.LayoutView]:
        """Apply a form to a stored post, or show the setup of a draft: so is a stored one for another channel.

        If what was typed is invalid, show the reason.
        """
        values = interaction_values.modal_values(request.interaction)
        row = await _place_draft(request, await _load_meant(request, action), values)
        row = _apply_chosen(await _apply_more(request, row, values), values)
        typed = {name: values[name].strip() or "-" for name in TYPED if name in values}
        try:
            wanted = await _apply(request, row, typed)
            if row.id:
                return [await _edit(request, await _find(request, str(row.id)), wanted)]
            await _require_allowed(request, _find_postable(request, wanted), wanted)
            return await _setup_views(request, wanted)
        except errors.UsageError as error:
            if not error.key or daily_messages.TIME not in values:
                raise
            time, topic = (values[name].strip() for name in TYPED)
            token = await _save_draft(request, replace(row, at_time=time, topic=topic))
            return [daily_messages.setup_refused_view(request.texts, error, token)]

    @router.handles(verbs.START_POST)
    async def start(self, request: Request, action: Action) -> ui.LayoutView:
        draft = await _load_draft(request, action.payload)
        return await _detail_view(request, await _create(request, draft), "subscription-started")

    @router.handles(verbs.REPLACE_POST)
    async def replace_post(self, request: Request, action: Action) -> ui.LayoutView:
        """Give the channel's existing subscription the settings of a draft. What it posted stays its own."""
        replaced, token = action.fields(2)
        draft, old = await _load_draft(request, token), await _find(request, replaced)
        settings = {name: getattr(draft, name) for name in daily_options.SETTINGS}
        return await _edit(request, old, replace(old, **settings))

    @router.handles(verbs.SHOW_POST)
    async def show(self, request: Request, action: Action) -> ui.LayoutView:
        chosen = action.payload or interaction_values.selected_value(request.interaction)
        return await _detail_view(request, await _find(request, chosen))

    @router.handles(verbs.LIST_POSTS)
    async def show_list(self, request: Request, action: Action) -> ui.LayoutView:
        return await _list_view(request, await _list_for_guild(request), action.number)

    @router.handles(verbs.SHOW_PREVIEW, responses.PRIVATELY)
    async def show_preview(self, request: Request, action: Action) -> list[ui.LayoutView]:
        subscription = await _find(request, action.payload)
        async with router.admitted_lookup(request.interaction):
            return await _build_preview_views(request, subscription)

    @router.handles(verbs.POST_NOW, responses.PRIVATELY)
    async def post_now(self, request: Request, action: Action) -> ui.LayoutView:
        subscription = await _find(request, action.payload)
        channel = permissions.require_channel(request.interaction.guild, subscription.channel_id)
        await _require_bot_may_post(request, channel, subscription.style)
        async with router.admitted_lookup(request.interaction):
            delivery = await request.services.get(OnDemandPosts).plan(subscription.id, request.interaction.id)
            if delivery is None and (server_id := choice.find_topic(subscription).server_id):
                await request.services.search.compare_with_list(
                    server_id, ()
                )  # refused if its list is too short
        key = "subscription-posting" if delivery is not None else "subscription-nothing-new"
        return message_builder.text_view(request.texts(key, channel=f"<#{subscription.channel_id}>"))

    @router.handles(verbs.PAUSE_POST)
    async def pause(self, request: Request, action: Action) -> ui.LayoutView:
        subscription = await _find(request, action.payload)
        paused = await request.services.get(Subscriptions).pause(subscription.id)
        return await _detail_view(request, paused, "subscription-paused")

    @router.handles(verbs.REMOVE_POST)
    async def confirm_remove(self, request: Request, action: Action) -> ui.LayoutView:
        subscription, name = await _find_named(request, action.payload)
        return daily_messages.confirm_remove_view(request.texts, subscription, name)

    @router.handles(verbs.REMOVE_POST_CONFIRMED)
    async def remove(self, request: Request, action: Action) -> ui.LayoutView:
        subscription, name = await _find_named(request, action.payload)
        await request.services.get(Subscriptions).remove(subscription.id)
        every = message_builder.button(
            request.texts("subscription-all"), custom_ids.pack_custom_id(verbs.LIST_POSTS)
        )
        return message_builder.text_view(request.texts("subscription-removed", post=f"**{name}**"), every)


class PostButtonsCog(router.NeedsGuild, commands.Cog):
    """Buttons that are not for managers alone: they need no right, or ask for it themselves."""

    @router.handles(verbs.RESUME_POST)
    async def resume(self, request: Request, action: Action) -> ui.LayoutView:
        """Resume a subscription: in its server as a manager, or from a direct message as its creator."""
        subscription = await _find_manageable(request, action.payload)
        channel = await permissions.require_known_channel(
            request, subscription.guild_id, subscription.channel_id
        )
        role_id = subscription.mention_role_id
        await permissions.require_may_mention(request.interaction, channel, role_id, or_deleted=True)
        await _require_bot_may_post(request, channel, subscription.style)
        resumed = await request.services.get(Subscriptions).resume(subscription.id)
        return await _detail_view(request, resumed, "subscription-resumed")

    @router.handles(verbs.SHOW_LANGUAGE, responses.PRIVATELY)
    async def show_other_language(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the papers in a message's menu privately in the other language."""
        language, first = action.fields(2)
        with custom_ids.map_parse_errors():
            locale = models.Locale(language)
        paper_keys: list[str] = []
        message = request.interaction.message
        for component in interaction_values.walk_components(message.components if message else ()):
            control = custom_ids.unpack_custom_id(getattr(component, "custom_id", None) or "")
            if isinstance(component, discord.SelectMenu) and control.verb == verbs.OPEN_SELECTED:
                paper_keys += [option.value for option in component.options]
        async with router.admitted_lookup(request.interaction):
            details = [await request.services.search.find_paper(paper_key) for paper_key in paper_keys]
        loaded = [detail for detail in details if detail is not None]
        papers = tuple(post_papers.build_post_paper(detail, locale) for detail in loaded)
        guild_id = request.interaction.guild_id
        if not papers or message is None or guild_id is None:
            raise UserError("outdated-control")
        wording = request.interaction.client.wording_for(locale)
        draft = Subscription(guild_id=guild_id, channel_id=message.channel.id, locale=locale)
        number = custom_ids.parse_number(first)
        return daily_post.copy_view(wording, draft, papers, number, message.jump_url, message.created_at)


class WhyCog(router.NeedsGuild, commands.Cog):
    @router.command(name="why", description="Why a paper was or was not posted in this channel")
    @app_commands.describe(paper="An arXiv ID, a DOI, a link to the paper, or part of the title")
    @app_commands.guild_only()
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.autocomplete(paper=completers.papers)
    async def why(self, request: Request, paper: app_commands.Range[str, 1, 500]) -> ui.LayoutView:
        """Explain what happened to a paper in this channel or, for a thread, in its parent channel."""
        texts, guild_id = request.texts, request.interaction.guild_id
        channel_id = request.interaction.channel_id
        if isinstance(request.interaction.channel, discord.Thread):
            channel_id = request.interaction.channel.parent_id
        if guild_id is None or channel_id is None:
            raise UserError("only-in-servers")
        async with router.admitted_lookup(request.interaction):
            detail = await load_paper(request, paper)
            if not detail.is_listed:
                raise UserError("why-not-listed", paper=discord_text.escape_untrusted(detail.key))
            answer = await request.services.get(WhyExplainer).explain(
                detail, guild_id=guild_id, channel_id=channel_id
            )
            topics = [row.subscription.topic for row in answer.explanations if row.cause is Cause.OFF_TOPIC]
            read = await request.services.search.read_queries(topics)
            forms = {topic: query.added_forms for topic, query in zip(topics, read, strict=True)}
            return daily_messages.why_view(texts, detail, answer, forms, guild_id=guild_id)


async def _find_typed_source(request: Request, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the source's name in the typed options with its URL. Raises UserError."""
    if typed["source"] is None:
        return {**typed}
    name = typed["source"].strip()
    if name in daily_options.NOTHING:
        return {**typed, "source": ""}
    rows = await request.services.sources.list_rows()
    labels = kinds.public_labels(row.url for row in rows)
    for row in rows:
        if name in (str(row.id), row.url) or name.casefold() == labels[row.url].casefold():
            return {**typed, "source": row.url}
    raise UserError("no-such-source", source=discord_text.escape_untrusted(name))


async def _apply(request: Request, old: Subscription, typed: Mapping[str, Any]) -> Subscription:
    """Apply typed options. A new topic that `/topic` would not take as words is what it reads there.

    It is a name (`from:"NVIDIA"`), or without what the sentence leaves out (`robots -surveys`). Raises UsageError.
    """
    wanted = daily_options.apply_changes(old, typed)
    if wanted.topic in ("", old.topic):
        return wanted
    query = daily_options.read_topic(wanted.topic)
    async with router.admitted_lookup(request.interaction):
        result = await request.services.search.search(
            SearchRequest(wanted.topic, limit=1, server_id=old.guild_id, parsed=query)
        )
    meant, until_on = result.read.meant, result.read.filters.until_on
    if until_on and until_on <= request.services.clock().date():
        raise typed_values.period_error(wanted.topic)
    wanted = replace(wanted, topic=meant) if 0 < len(meant) <= daily_options.MAX_TOPIC_LENGTH else wanted
    return await request.services.get(Subscriptions).fit_label(wanted)


def _postable_channel(channel: Any) -> PostableChannel:
    """Return the channel if the bot can post in that type of channel. Raises UserError."""
    if isinstance(channel, discord.TextChannel | discord.ForumChannel):
        return channel
    raise UserError("channel-not-postable")


def _find_tag(channel: object, selected: str) -> int | None:
    """Return the id of a forum's tag, or None if none is selected or the forum does not have it."""
    return next((tag.id for tag in daily_post.list_tags(channel) if str(tag.id) == selected), None)


def _find_postable(request: Request, draft: Subscription) -> PostableChannel:
    """Return a draft's channel. Raises UserError if it is gone or cannot receive posts."""
    return _postable_channel(permissions.require_channel(request.interaction.guild, draft.channel_id))


async def _default_draft(request: Request, channel: PostableChannel) -> Subscription:
    return Subscription(
        guild_id=channel.guild.id,
        channel_id=channel.id,
        timezone=await request.interaction.client.timezone_for(request.interaction, of_server=True),
        locale=request.texts.locale,
        style=default_style(channel),
    )


async def _save_draft(request: Request, draft: Subscription) -> str:
    """Store a draft and return its token.

    The draft is stored with the source's id instead of its URL: users can export stored texts, and a URL may
    contain secrets.
    """
    rows = await request.services.sources.list_rows() if draft.source else []
    named = replace(draft, source=next((str(row.id) for row in rows if row.url == draft.source), ""))
    text = DRAFT.dump_json(named, exclude_defaults=True).decode()
    return await request.services.text_tokens.save(request.user_id, TextPurpose.SUBSCRIPTION, text)


async def _load_draft(request: Request, token: str) -> Subscription:
    """Return the draft stored under a token.

    Raises UserError if the draft has expired or belongs to another server, or if its source has been removed.
    """
    stored = await request.services.text_tokens.get(TextPurpose.SUBSCRIPTION, token)
    if stored is None:
        raise UserError("outdated-control")
    with custom_ids.map_parse_errors():
        draft = DRAFT.validate_json(stored)
    rows = await request.services.sources.list_rows() if draft.source else []
    source = next((row.url for row in rows if str(row.id) == draft.source), "")
    if draft.guild_id != request.interaction.guild_id or bool(source) != bool(draft.source):
        raise UserError("outdated-control")
    settings = {name: getattr(replace(draft, source=source), name) for name in daily_options.SETTINGS}
    return Subscription(id=draft.id, guild_id=draft.guild_id, channel_id=draft.channel_id, **settings)


async def _load_meant(request: Request, action: Action) -> Subscription:
    """Return the stored post or the draft that a control names, or a new one without a channel. Raises UserError."""
    if action.verb in (*OF_STORED, *OF_STORED.values()):
        return await _find(request, action.payload)
    if action.payload:
        return await _load_draft(request, action.payload)
    return Subscription(guild_id=request.interaction.guild_id or 0, channel_id=0)


def _submit_id(action: Action) -> str:
    """Return the custom id of the form that a control opens."""
    return custom_ids.pack_custom_id(OF_STORED.get(action.verb, verbs.SUBMIT_SETUP), action.payload)


async def _open_form(request: Request, action: Action) -> ui.Modal:
    """Return the form for a post. For a new one, the channel is this one or, in a thread, its parent."""
    row, here = await _load_meant(request, action), request.interaction.channel
    channel_id = here.parent_id if isinstance(here, discord.Thread) else None
    if isinstance(here, PostableChannel):
        channel_id = here.id
    listed = await request.services.database.fetch(shelf.count_known, row.guild_id)
    return daily_messages.post_modal(
        request.texts, _submit_id(action), row, row.channel_id or channel_id, listed
    )


async def _place_draft(request: Request, row: Subscription, values: Mapping[str, str]) -> Subscription:
    """Return the post, or a draft like it if its form names another channel. Raises UserError."""
    if daily_messages.CHANNEL not in values:
        return row
    channel_id = custom_ids.parse_number(values[daily_messages.CHANNEL])
    if channel_id == row.channel_id:
        return row
    channel = _postable_channel(permissions.require_channel(request.interaction.guild, channel_id))
    default = await _default_draft(request, channel)
    if not row.channel_id:
        return default
    style = row.style if STYLES[row.style].fits(channel) else default.style
    return replace(row, id=0, channel_id=channel.id, style=style, tag_id=None)


async def _apply_more(request: Request, row: Subscription, values: Mapping[str, str]) -> Subscription:
    """Return the post with the role, tag and switch of the *More settings* form, if it is that form."""
    if daily_messages.SILENT not in values:
        return row
    role_id = custom_ids.parse_number(values.get(daily_messages.ROLE) or "0") or None
    tag_id = row.tag_id
    if (tag := values.get(daily_messages.TAG)) is not None:
        channel = await permissions.require_known_channel(request, row.guild_id, row.channel_id)
        tag_id = _find_tag(channel, tag)
    # Treat @everyone as no role, since a daily ping to everyone is not wanted.
    mention_role_id = None if role_id == row.guild_id else role_id
    is_silent = bool(values[daily_messages.SILENT])
    return replace(row, mention_role_id=mention_role_id, tag_id=tag_id, silent=is_silent)


def _apply_chosen(row: Subscription, values: Mapping[str, str]) -> Subscription:
    """Return the post with what was chosen in a form's menus. Raises InvalidCustomIdError if it is not one of the choices."""
    chosen: dict[str, Any] = {name: values[name] for name in CHOSEN if values.get(name)}
    if papers := custom_ids.parse_number(values.get(daily_messages.PAPERS) or "0", choice.MAX_TOP_N):
        chosen[daily_messages.PAPERS] = papers
    with custom_ids.map_parse_errors():
        return daily_options.apply_changes(row, chosen)


async def _setup_views(request: Request, draft: Subscription) -> list[ui.LayoutView]:
    """Return a preview of the post and the setup of the draft, which is stored, or the channel's identical subscription.

    Raises UserError if the channel cannot receive posts.
    """
    rows = await _list_for_guild(request)
    for row in rows:
        if daily.identify(row) == daily.identify(draft):
            return [await _detail_view(request, row, "subscription-exists")]
    # A preview counts as a lookup, since matching weeks of papers to a topic occupies a database connection.
    async with router.admitted_lookup(request.interaction):
        preview = await _build_preview_views(request, draft)
        channel = _find_postable(request, draft)
        setup = daily_messages.setup_view(
            request.texts,
            draft,
            await _save_draft(request, draft),
            daily_post.check_permissions(channel, draft.style),
            await request.services.get(Subscriptions).load_calendar(),
            request.interaction.client.mentions,
            [row for row in rows if row.channel_id == draft.channel_id],
            daily_post.list_tags(channel),
        )
        return [*preview, setup]


async def _edit(request: Request, old: Subscription, wanted: Subscription) -> ui.LayoutView:
    channel = await permissions.require_known_channel(request, old.guild_id, old.channel_id)
    await _require_allowed(request, channel, wanted, old.mention_role_id)
    changed = await request.services.get(Subscriptions).edit(wanted)
    return await _detail_view(request, changed, "subscription-edited")


async def _require_allowed(
    request: Request, channel: permissions.Channel, wanted: Subscription, mentioned_id: int | None = None
) -> None:
    """Raise UserError if a topic is missing, the channel does not support the style, or the user or the bot may
    not mention the role.

    The role `mentioned_id` is not checked.
    """
    await request.services.get(Subscriptions).check_source(wanted)
    if isinstance(channel, PostableChannel) and not STYLES[wanted.style].fits(channel):
        raise UserError("style-does-not-fit", style=wanted.style.value)
    if wanted.mention_role_id not in (None, mentioned_id):
        await permissions.require_may_mention(request.interaction, channel, wanted.mention_role_id)
        await _require_bot_may_post(request, channel, wanted.style, wanted.mention_role_id)


async def _create(request: Request, draft: Subscription) -> Subscription:
    channel = _find_postable(request, draft)
    await _require_allowed(request, channel, draft)
    await _require_bot_may_post(request, channel, draft.style)
    services, locale = request.services, request.texts.locale
    subscription = await services.get(Subscriptions).add(replace(draft, created_by=request.user_id))
    await services.database.write(accounts.upsert_reader, request.user_id, locale=locale)
    return subscription


async def _require_bot_may_post(
    request: Request, channel: permissions.Channel, style: models.Style, role_id: int | None = None
) -> None:
    needed = daily_post.needed_permissions(channel, style, role_id)
    await permissions.require_bot_may_post(request, channel, needed)


async def _build_preview_views(request: Request, subscription: Subscription) -> list[ui.LayoutView]:
    """Return a preview of the next post (or of the newest papers if none are new) with a note that states which it is."""
    post, is_new = await request.services.get(OnDemandPosts).preview(subscription)
    line = await _describe_line(request, subscription, post.planned)
    if not post.papers:
        return [message_builder.text_view(f"{await _explain_empty(request, subscription)}\n{line}")]
    note = request.texts("preview-note" if is_new else "preview-nothing-new")
    wording = request.interaction.client.wording_for(subscription.locale)
    note = "\n".join(filter(None, (note, line)))
    return STYLES[subscription.style].preview(wording, post, note)


async def _describe_line(request: Request, subscription: Subscription, post: choice.PlannedPost) -> str:
    """Return how many papers of a preview's days are like the server's list, and the next; "" for a post that is not about it."""
    if not (server_id := choice.find_topic(subscription).server_id):
        return ""
    compared = await request.services.get(OnDemandPosts).list_compared(subscription, post)
    alike = await request.services.search.compare_with_list(server_id, compared)
    rows = await request.services.database.fetch(papers.list_rows, [*alike])
    return daily_messages.line_text(request.texts, alike, {row.id: row.title or row.key for row in rows})


async def _explain_empty(request: Request, subscription: Subscription) -> str:
    """Return the text for an empty preview. For a topic, it counts the matches within REPOST_INTERVAL."""
    if not subscription.topic:
        return request.texts("preview-none")
    since_on = (request.services.clock() - REPOST_INTERVAL).date()
    wanted = SearchRequest(subscription.topic, Filters(since_on), limit=1, server_id=subscription.guild_id)
    hits = await request.services.search.search(wanted)
    text = request.texts("preview-topic", count=hits.on_topic)
    return "\n".join(
        [text, *daily_messages.list_topic_words(request.texts, hits.read.translations, hits.suggestions)]
    )


async def _detail_view(request: Request, subscription: Subscription, key: str | None = None) -> ui.LayoutView:
    """Return a subscription's view. `key` is the Fluent id of the text that confirms the last action."""
    headline = request.texts(key) if key else ""
    edit_command = request.interaction.client.mentions("daily edit")
    calendar = await request.services.get(Subscriptions).load_calendar()
    tags = daily_post.list_tags(request.interaction.client.get_channel(subscription.channel_id))
    return daily_messages.subscription_detail_view(
        request.texts, subscription, calendar, edit_command, headline, tags
    )


async def _list_view(request: Request, rows: Sequence[Subscription], page: int = 0) -> ui.LayoutView:
    setup_command = request.interaction.client.mentions("daily setup")
    names = permissions.name_channels(request.interaction, [row.channel_id for row in rows])
    calendar = await request.services.get(Subscriptions).load_calendar()
    return daily_messages.list_view(request.texts, rows, calendar, setup_command, names, page)


async def _list_for_guild(request: Request) -> list[Subscription]:
    guild_id = request.interaction.guild_id
    if guild_id is None:
        return []
    return await request.services.get(Subscriptions).list_rows(guild_id=guild_id)


async def _find(request: Request, subscription_id: str | None) -> Subscription:
    """Return the subscription with this id or, if no id is given, the only one in the channel or else in the server.

    Raises UserError if there is not exactly one.
    """
    rows = await _list_meant(request, subscription_id)
    if len(rows) > 1:
        raise UserError("subscription-which")
    return rows[0]


async def _find_named(request: Request, subscription_id: str) -> tuple[Subscription, str]:
    subscription = await _find(request, subscription_id)
    names = post_names.name_posts(request.texts, await _list_for_guild(request))
    return subscription, names[subscription.id]


async def _list_meant(request: Request, meant: str | None) -> list[Subscription]:
    """Return the subscription with this id, those of the channel with this name or mention, or those so named or on that topic.

    If none is given, return those of this channel or else of the server. Raises UserError if nothing is found.
    """
    rows = await _list_for_guild(request)
    if not rows:
        raise UserError("no-subscriptions", command=request.interaction.client.mentions("daily setup"))
    if meant is None:
        return [row for row in rows if row.channel_id == request.interaction.channel_id] or rows
    if with_id := [row for row in rows if str(row.id) == meant]:
        return with_id
    names = permissions.name_channels(request.interaction, [row.channel_id for row in rows])
    channel = meant.strip("<#> ").casefold()  # the name or mention of a channel
    if in_channel := [
        row for row in rows if channel in (str(row.channel_id), names.get(row.channel_id, "#").casefold())
    ]:
        return in_channel
    if meant.isdecimal():  # of a button
        raise UserError("no-subscription", command=request.interaction.client.mentions("daily edit"))
    labels = post_names.name_posts(request.texts, rows, names)
    if named := [row for row in rows if meant.casefold() in f"{labels[row.id]}\n{row.topic}".casefold()]:
        return named
    shown = [*post_names.name_posts(request.texts, rows).values()][: post_names.MAX_LISTED]
    name = discord_text.escape_untrusted(meant)
    raise UserError("no-such-post", name=name, posts="; ".join(shown))


async def _find_manageable(request: Request, subscription_id: str) -> Subscription:
    """Return a subscription that the user may manage. Raises UserError.

    In a server, any manager may. In a direct message, only the creator may, and only while still a manager:
    an old notice stays in their messages after they lose that permission.
    """
    if request.interaction.guild_id is not None:
        permissions.require_manager(request.interaction)
        return await _find(request, subscription_id)
    unknown = UserError("no-subscription", command=request.interaction.client.mentions("daily edit"))
    try:
        number = custom_ids.parse_number(subscription_id)
        subscription = await request.services.get(Subscriptions).get(number)
    except errors.UsageError:
        raise unknown from None
    if subscription.created_by != request.user_id:
        raise unknown
    await permissions.require_manager_of(request.interaction, subscription.guild_id)
    return subscription
