"""The `/alerts` commands, their buttons and forms, and buttons elsewhere that create an alert.

The draft of a new alert is stored under a token, which the controls below its preview contain. Instead of a token, a control
may contain the id of a stored alert (`#17`) or, since posts do not store drafts, the topic of a new one (`=강화 학습`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

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
from bot.client.text_tokens import TextPurpose, TextTokenStore
from bot.features.alerts import draft_fields, messages
from bot.features.alerts import messages as alerts_messages
from bot.features.alerts import service as alerts_service
from bot.features.alerts.service import Alerts
from bot.papers import cards, completers, list_state, message_parts, replies
from bot.search import results as search_results
from bot.text import institutions, query_parser
from bot.text.parsed_query import ParsedQuery
from storage import errors, models

_DRAFT = TypeAdapter(models.Alert)
MAX_TIME = 2**32
"""The largest Unix time in a custom id, in the year 2106."""

TermTexts = app_commands.Range[str, 1, 2000]
ANY, ALL = "any", "all"
MATCH_CHOICES = [
    app_commands.Choice(name="Any of them", value=ANY),
    app_commands.Choice(name="All of them", value=ALL),
]
TIMING_CHOICES = [
    app_commands.Choice(name="Right away", value=models.AlertTiming.AT_ONCE.value),
    app_commands.Choice(name="Every day, in one message", value=models.AlertTiming.DAILY.value),
    app_commands.Choice(name="Every Monday, in one message", value=draft_fields.weekly_value(1)),
]


@autocomplete.guarded
async def _complete_institutions(interaction: Interaction, current: str) -> autocomplete.Choices:
    """Suggest known institutions, named in the script that the user is typing."""
    return autocomplete.make_choices((name, name) for name in institutions.complete(current))


def _find_add_mode(
    *, keyword: str | None = None, author: str | None = None, institution: str | None = None, **_: object
) -> responses.ResponseMode:
    """Return how `/alerts add` responds: with the form at once if no word or name is typed, else with a preview."""
    return responses.PRIVATELY if keyword or author or institution else responses.AT_ONCE


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class AlertsCog(
    router.NeedsGuild, commands.GroupCog, name="alerts", description="Get notified when a new paper matches"
):
    @router.command(
        name="add",
        description="Follow a topic, an author or an institution; opens a form if all three are left out",
        mode=_find_add_mode,
    )
    @app_commands.describe(
        keyword="Words in a title or summary, such as diffusion; separate several with commas",
        author="An author's name; separate several with commas",
        institution="A university or company, such as KAIST; separate several with commas",
        without="Leave out papers with any of these words",
        match="Papers with any of the words and names, or only those with all",
        votes="Only once a paper has this many votes",
        channel="Send to this channel instead of to you (needs Manage Messages there)",
        when="Right away, or collected in one message",
        time="When it is collected, such as 9am or 9pm KST; 9am without it",
        max_a_day="Maximum messages within 24 hours; further papers come with the next message",
    )
    @app_commands.choices(match=MATCH_CHOICES, when=TIMING_CHOICES)
    @app_commands.autocomplete(
        keyword=completers.topic_lists,
        without=completers.topic_lists,
        author=completers.author_lists,
        institution=autocomplete.complete_last_of(_complete_institutions),
        time=autocomplete.times,
    )
    async def add(
        self,
        request: Request,
        keyword: TermTexts | None = None,
        author: TermTexts | None = None,
        institution: TermTexts | None = None,
        without: TermTexts | None = None,
        match: str = ANY,
        votes: app_commands.Range[int, 0, alerts_service.MAX_VOTES] = 0,
        channel: app_commands.AppCommandChannel | None = None,
        when: str | None = None,
        time: app_commands.Range[str, 1, 60] | None = None,
        max_a_day: app_commands.Range[int, 0, alerts_service.MAX_A_DAY] = 0,
    ) -> ui.LayoutView | ui.Modal:
        """Preview a new alert with recent matches and a button that creates it; without words and names, the form."""
        typed = {
            "keyword": keyword,
            "author": author,
            "institution": institution,
            draft_fields.WITHOUT: without,
            draft_fields.VOTES: str(votes),
        }
        draft = replace(
            draft_fields.apply_conditions(
                alerts_service.EMPTY_DRAFT, typed, await _read_words(request, typed)
            ),
            match_all=match == ALL,
            channel_id=channel.id if channel is not None else None,
            max_a_day=max_a_day,
        )
        draft = await begin(request, draft)
        if time:
            draft = draft_fields.apply_time(draft, {"time": time})
        default = models.AlertTiming.DAILY if time else models.AlertTiming.AT_ONCE
        draft = draft_fields.apply_when(draft, when or default.value)
        if keyword or author or institution:
            return await preview(request, draft)
        key = await store_draft(request.services.text_tokens, request.user_id, draft)
        return alerts_messages.conditions_modal(request.texts, draft, key)

    @router.command(name="list", description="Your alerts: see, edit or remove them")
    async def list_alerts(self, request: Request) -> ui.LayoutView:
        return await list_view(request)

    # Stored alerts.

    @router.handles(verbs.LIST_ALERTS)
    async def show_list(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the user's alerts or, for the people who manage its messages, all alerts of a channel."""
        if not action.payload:
            return await list_view(request)
        channel_id, page = map(custom_ids.parse_number, action.fields(2))
        return await channel_view(request, channel_id, page)

    @router.handles(verbs.LIST_MATCHED, responses.PRIVATELY)
    async def show_matched(self, request: Request, action: Action) -> ui.LayoutView:
        """Show all papers of a notification that could not name them all."""
        since, until, page = (custom_ids.parse_number(field, MAX_TIME) for field in action.fields(3))
        channel_id = request.interaction.channel_id
        is_direct = request.interaction.guild_id is None
        recipient = f"user:{request.user_id}" if is_direct else f"channel:{channel_id}"
        times = (datetime.fromtimestamp(seconds, UTC) for seconds in (since, until))
        rows, total, page = await request.services.get(Alerts).list_matched(recipient, *times, page=page)
        if not rows:
            raise UserError("outdated-control")
        page_id = partial(custom_ids.pack_custom_id, verbs.LIST_MATCHED, since, until)
        return alerts_messages.matched_view(request.texts, rows, total, page, page_id)

    @router.handles(verbs.SHOW_ALERT)
    async def show_alert(self, request: Request, action: Action) -> ui.LayoutView:
        chosen = action.payload or interaction_values.selected_value(request.interaction)
        return await alert_view(request, custom_ids.parse_number(chosen))

    @router.handles(verbs.PAUSE_ALERT)
    async def pause(self, request: Request, action: Action) -> ui.LayoutView:
        alert = await find(request, action.number, in_channels=True)
        await request.services.get(Alerts).pause(alert.id)
        return await alert_view(request, alert.id)

    @router.handles(verbs.RESUME_ALERT)
    async def resume_alert(self, request: Request, action: Action) -> ui.LayoutView:
        """Resume an alert; take it over if it is another's who may not manage messages in its channel any more."""
        alert = await find(request, action.number, in_channels=True)
        if alert.channel_id is not None:
            await permissions.require_alert_channel(request, alert.guild_id, alert.channel_id)
        service, note = request.services.get(Alerts), ""
        if alert.user_id != request.user_id and alert.right_lost_at is not None:
            note = request.texts("alert-taken-over", count=await service.take_over(alert.id, request.user_id))
        else:
            await service.resume(alert.id)
        return await alert_view(request, alert.id, note)

    @router.handles(verbs.REMOVE_ALERT)
    async def remove_alert(self, request: Request, action: Action) -> ui.LayoutView:
        """Remove an alert. Its owner can create it again with *Undo*."""
        alert = await find(request, action.number, in_channels=True)
        await request.services.get(Alerts).remove(alert.id)
        if alert.user_id != request.user_id:
            return await channel_view(request, alert.channel_id or 0)
        key = await store_draft(request.services.text_tokens, request.user_id, replace(alert, id=0))
        undo_id = custom_ids.pack_custom_id(verbs.SAVE_ALERT, key)
        described = alerts_messages.describe_alert(request.texts, alert)
        text = request.texts("alert-removed", alert=described)
        return message_builder.text_view(text, message_builder.button(request.texts("alert-undo"), undo_id))

    # Drafts and one-click alerts.

    @router.handles(verbs.SAVE_ALERT)
    async def save_draft(self, request: Request, action: Action) -> ui.LayoutView:
        return await save(request, await load(request, action.payload))

    @router.handles(verbs.WIDEN_ALERT)
    async def widen_draft(self, request: Request, action: Action) -> ui.LayoutView:
        return await preview(request, await load(request, action.payload))

    @router.handles(verbs.EDIT_CONDITIONS, responses.AT_ONCE)
    async def open_conditions_modal(self, request: Request, action: Action) -> ui.Modal:
        draft = await load(request, action.payload)
        return alerts_messages.conditions_modal(request.texts, draft, action.payload)

    @router.handles(verbs.SUBMIT_CONDITIONS)
    async def submit_conditions_modal(self, request: Request, action: Action) -> ui.LayoutView:
        """Apply the form to the draft or stored alert. If the votes are invalid, show the reason and keep the rest."""
        draft, values = (
            await load(request, action.payload),
            interaction_values.modal_values(request.interaction),
        )
        words = await _read_words(request, values)
        try:
            draft = draft_fields.apply_conditions(draft, values, words)
        except errors.UsageError as error:
            votes = str(draft.min_votes)
            typed = draft_fields.apply_conditions(draft, values | {draft_fields.VOTES: votes}, words)
            return await refuse(request, typed, error)
        return await apply(request, draft)

    @router.handles(verbs.SET_TIMING)
    async def set_timing(self, request: Request, action: Action) -> ui.LayoutView:
        draft = await load(request, action.payload)
        return await apply(
            request, draft_fields.apply_when(draft, interaction_values.selected_value(request.interaction))
        )

    @router.handles(verbs.OPEN_TIME, responses.AT_ONCE)
    async def open_time_modal(self, request: Request, action: Action) -> ui.Modal:
        draft = await load(request, action.payload)
        values = {"time": draft.at_time, "zone": draft.timezone}
        submit_id = custom_ids.pack_custom_id(verbs.SUBMIT_TIME, action.payload)
        return messages.time_modal(request.texts, submit_id, values)

    @router.handles(verbs.SUBMIT_TIME)
    async def submit_time_modal(self, request: Request, action: Action) -> ui.LayoutView:
        """Apply the time and time zone to the draft or stored alert. If either is invalid, show the reason."""
        draft = await load(request, action.payload)
        try:
            draft = draft_fields.apply_time(draft, interaction_values.modal_values(request.interaction))
        except errors.UsageError as error:
            return alerts_messages.refused_view(request.texts, error, action.payload, of_time=True)
        return await apply(request, draft)

    @router.handles(verbs.FOLLOW, responses.PRIVATELY)
    async def follow(self, request: Request, action: Action) -> ui.LayoutView:
        """Create an alert for the topic or author of a list, with an Undo button; preview what a question became."""
        state = await replies.load_state(request, action)
        async with router.admitted_lookup(request.interaction):
            query = query_parser.parse_query(state.text, request.services.clock().date())
            draft = await _draft_of_list(request, state, query)
        if not draft.terms:
            raise UserError("alert-not-possible")
        is_author = state.kind is list_state.ListKind.AUTHOR
        terms = " ".join(term.text for term in draft.terms)
        make = save if is_author or query.text.casefold() == terms.casefold() else preview
        return await make(request, await begin(request, draft))

    @router.handles(verbs.SELECT_DETAIL, responses.PRIVATELY)
    async def open_more(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the details selected in a card's menu, or create an alert for the selected topic or author."""
        chosen = interaction_values.selected_value(request.interaction)
        if chosen in set(cards.CardDetail):
            return await replies.answer_view(request, action.payload, cards.CardDetail(chosen))
        detail = await request.services.search.find_paper(action.payload)
        if detail is None:
            raise UserError("outdated-control")
        draft = make_draft([cards.selected_term(detail, chosen)])
        return await save(request, await begin(request, draft))


async def list_view(request: Request) -> ui.LayoutView:
    add_command = request.interaction.client.mentions("alerts add")
    alerts, channel_id = request.services.get(Alerts), request.interaction.channel_id or 0
    rows = await alerts.list_rows(user_id=request.user_id)
    names = permissions.name_channels(request.interaction, [row.channel_id for row in rows if row.channel_id])
    here = None
    if request.interaction.guild_id is not None and request.interaction.permissions.manage_messages:
        there = await alerts.list_rows(channel_id=channel_id)
        here = (channel_id, len(there)) if there else None
    return alerts_messages.list_view(request.texts, rows, add_command, names, here)


async def channel_view(request: Request, channel_id: int, page: int = 0) -> ui.LayoutView:
    """Return all alerts of a channel. Raises UserError unless the user may manage messages there."""
    await permissions.require_manage_messages(request, request.interaction.guild_id, channel_id)
    rows = await request.services.get(Alerts).list_rows(channel_id=channel_id)
    names = permissions.name_channels(request.interaction, [channel_id])
    return alerts_messages.channel_view(request.texts, rows, channel_id, page, names)


async def alert_view(request: Request, alert_id: int, note: str = "") -> ui.LayoutView:
    """Return the card of an alert that the user may see. Raises UserError if the alert no longer exists."""
    alert = await find(request, alert_id, in_channels=True)
    return alerts_messages.alert_view(request.texts, alert, note, is_own=alert.user_id == request.user_id)


async def find(request: Request, alert_id: int, *, in_channels: bool = False) -> models.Alert:
    """Return one of the user's alerts. Raises UserError if it no longer exists.

    With `in_channels`, it may be an alert of others in a channel where the user may manage messages.
    """
    for alert in await request.services.get(Alerts).list_rows(ids=[alert_id]):
        if alert.user_id == request.user_id:
            return alert
        if in_channels and alert.channel_id is not None:
            await permissions.require_manage_messages(request, alert.guild_id, alert.channel_id)
            return alert
    raise UserError("no-alert", command=request.interaction.client.mentions("alerts list"))


def make_draft(
    terms: Iterable[models.AlertTerm], excluded: Iterable[str] = (), min_votes: int = 0
) -> models.Alert:
    """Return a draft with these conditions, truncated to the limits of an alert."""
    most, length = alerts_service.MAX_TERMS, alerts_service.MAX_TEXT_LENGTH
    shortened = [term._replace(text=term.text[:length]) for term in terms if term.text][:most]
    words = [word[:length] for word in excluded if any(map(str.isalpha, word))][:most]
    return replace(
        alerts_service.EMPTY_DRAFT,
        terms=tuple(shortened),
        match_all=len(shortened) > 1,
        excluded=tuple(words),
        min_votes=min_votes,
    )


async def _draft_of_list(request: Request, state: list_state.ListState, query: ParsedQuery) -> models.Alert:
    """Return a draft for a list's topic or author, whose text was parsed as a query, without terms if no alert can follow it."""
    if state.kind is list_state.ListKind.AUTHOR:
        name = query_parser.name_author(state.text, query)
        found = await request.services.search.find_author(name, limit=1)
        name = "" if found.namesakes else found.author or ""
        return make_draft([models.AlertTerm(models.AlertKind.AUTHOR, name)], min_votes=state.min_votes)
    wanted = search_results.SearchRequest(state.text, limit=1, parsed=query)
    result = await request.services.search.search(wanted)
    min_votes = max(state.min_votes, result.read.filters.min_votes or 0)
    return make_draft(result.alert_terms, result.read.excluded, min_votes)


async def _read_words(request: Request, typed: Mapping[str, str | None]) -> draft_fields.Words:
    """Return the words of an alert and what they leave out. A paper's title is a phrase, whose *not* leaves nothing out."""
    text = " ".join((typed.get(models.AlertKind.KEYWORD.value) or "").split())
    words = draft_fields.read_words(text)
    is_title = words.are_read and await request.services.search.find_titled([text])
    return draft_fields.Words([f'"{text}"']) if is_title else words


async def store_draft(tokens: TextTokenStore, user_id: int, draft: models.Alert) -> str:
    text = _DRAFT.dump_json(draft, exclude_defaults=True).decode()
    return await tokens.save(user_id, TextPurpose.ALERT, text)


async def load_draft(tokens: TextTokenStore, token: str) -> models.Alert:
    """Return the draft stored under a token.

    Raises UserError if the token has expired, and InvalidCustomIdError if it does not hold a draft.
    """
    stored = await tokens.get(TextPurpose.ALERT, token)
    if stored is None:
        raise UserError("outdated-control")
    with custom_ids.map_parse_errors():
        return _DRAFT.validate_json(stored)


async def load(request: Request, key: str) -> models.Alert:
    """Return the stored alert or draft that a custom id's key refers to. Raises UserError."""
    if key.startswith(alerts_messages.STORED):
        return await find(request, custom_ids.parse_number(key.removeprefix(alerts_messages.STORED)))
    if not key.startswith(message_parts.NEW_ALERT):
        return _place(request, await load_draft(request.services.text_tokens, key))
    query = query_parser.parse_query(key.removeprefix(message_parts.NEW_ALERT))
    if (term := list_state.find_alert_term(query)) is None:
        return await begin(request, alerts_service.EMPTY_DRAFT)
    return await begin(request, make_draft([term], query.excluded, query.filters.min_votes or 0))


async def begin(request: Request, draft: models.Alert) -> models.Alert:
    """Fill in a draft's owner, time zone (the owner's) and server (the channel's)."""
    zone = await request.interaction.client.timezone_for(request.interaction)
    return replace(_place(request, draft), timezone=zone)


def _place(request: Request, draft: models.Alert) -> models.Alert:
    guild_id = draft.guild_id or request.interaction.guild_id
    return replace(draft, user_id=request.user_id, guild_id=guild_id if draft.channel_id else None)


async def apply(request: Request, draft: models.Alert) -> ui.LayoutView:
    """Preview the alert if it is a draft, or store the change if it already exists. Raises UserError."""
    return await (change if draft.id else preview)(request, draft)


async def preview(request: Request, draft: models.Alert) -> ui.LayoutView:
    """Return a preview of the draft's matches in the last 30 days, with buttons to save or change it. Raises UserError.

    If the draft is invalid or the alert exists, the view shows this and a button that reopens the form.
    """
    await _require_allowed(request, draft)
    try:
        async with router.admitted_lookup(request.interaction):
            draft = await request.services.get(Alerts).complete_names(draft)
            matches = await request.services.get(Alerts).preview(draft)
    except errors.UsageError as error:
        return await refuse(request, draft, error)
    key, wider_key = await store_draft(request.services.text_tokens, request.user_id, draft), ""
    if matches.wider is not None:
        wider_key = await store_draft(request.services.text_tokens, request.user_id, matches.wider)
    return alerts_messages.preview_view(request.texts, draft, matches, key, wider_key)


async def save(request: Request, draft: models.Alert) -> ui.LayoutView:
    """Store a new alert and return the confirmation. Raises UserError, e.g. if the user has lost the permission."""
    await _require_allowed(request, draft)
    alert = await request.services.get(Alerts).add(draft)
    if alert.channel_id is None:
        await router.open_dm(request)
    return alerts_messages.saved_view(request.texts, alert)


async def change(request: Request, draft: models.Alert) -> ui.LayoutView:
    """Change a stored alert and return its card, or the reason why the change is invalid. Raises UserError."""
    await _require_allowed(request, draft)
    try:
        named = await request.services.get(Alerts).complete_names(draft)
        await request.services.get(Alerts).change(draft.id, named, user_id=request.user_id)
    except errors.UsageError as error:
        return await refuse(request, draft, error)
    return await alert_view(request, draft.id, request.texts("alert-changed"))


async def refuse(request: Request, draft: models.Alert, error: errors.UsageError) -> ui.LayoutView:
    """Return why a draft is invalid, with a button that opens its form again."""
    key = await store_draft(request.services.text_tokens, request.user_id, draft)
    return alerts_messages.refused_view(request.texts, error, key)


async def _require_allowed(request: Request, draft: models.Alert) -> None:
    """Raise UserError if the user may not send alerts to the draft's channel. Direct messages are always allowed."""
    if draft.channel_id is not None:
        await permissions.require_alert_channel(request, draft.guild_id, draft.channel_id)
