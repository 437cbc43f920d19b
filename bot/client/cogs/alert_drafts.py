"""Alerts that are made or changed: drafts are loaded, stored, previewed and saved, and their buttons and modals. And "Follow"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import discord
from discord import ui
from discord.ext import commands

from bot import errors as bot_errors
from bot.client.cogs import alert_buttons, alert_options
from bot.client.cogs.digests import load_text
from bot.client.components import custom_ids
from bot.client.components.custom_ids import Action
from bot.client.context import Client, Interaction, Request
from bot.client.interactions import checks, component_router, lookups, responses
from bot.client.interactions.errors import UserError
from bot.client.views import alert_drafts as drafts
from bot.client.views import alert_modals, alerts
from bot.client.views.papers import follow_menu, list_state, paper_card, paper_list, paper_text
from bot.services.accounts.text_tokens import TextTokenStore
from bot.services.alerts import validation
from storage import errors as storage_errors
from storage import models


class AlertDraftsCog(commands.Cog):
    """Alerts that are being made or changed. The draft is in the custom ids."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services

    @component_router.handles(alerts.SAVE)
    async def save(self, request: Request, action: Action) -> ui.LayoutView:
        """Create the previewed alert, or change the alert whose draft it is."""
        return await save(request, await load(request, action.payload))

    @component_router.handles(alerts.REPLACE)
    async def replace(self, request: Request, action: Action) -> ui.LayoutView:
        """Change an alert for the same terms to the previewed settings."""
        alert_id, key = action.fields(2)
        draft = replace(await load(request, key), id=custom_ids.parse_number(alert_id))
        return await save(request, draft)

    @component_router.handles(alerts.MOVE)
    async def move(self, request: Request, action: Action) -> ui.LayoutView:
        """Preview the draft with another destination."""
        channel_id, key = action.fields(2)
        moved = replace(await load(request, key), channel_id=custom_ids.parse_number(channel_id) or None)
        return await preview(request, await complete(request, moved))

    @component_router.handles(drafts.EDIT_CONDITIONS, responses.AT_ONCE)
    async def open_conditions_modal(self, request: Request, action: Action) -> ui.Modal:
        """Open the modal to change what the alert matches."""
        draft = await load(request, action.payload)
        return alert_modals.conditions_modal(request.texts, draft, action.payload)

    @component_router.handles(alerts.EDIT_TIMING, responses.AT_ONCE)
    async def open_timing_modal(self, request: Request, action: Action) -> ui.Modal:
        """Open the modal to change when the alert is sent, from how many votes on, and with how many papers."""
        values = alert_modals.timing_values(await load(request, action.payload))
        return alert_modals.timing_modal(request.texts, values, action.payload)

    @component_router.handles(alerts.RETYPE_TIMING, responses.AT_ONCE)
    async def reopen_timing_modal(self, request: Request, action: Action) -> ui.Modal:
        """Open the modal that was refused, with the typed values."""
        key, values = await component_router.load_typed(self._services.text_tokens, action.payload)
        return alert_modals.timing_modal(request.texts, values, key)

    @component_router.handles(alert_modals.SUBMIT_CONDITIONS)
    async def submit_conditions_modal(self, request: Request, action: Action) -> ui.LayoutView:
        """Preview the draft with the terms of the modal."""
        draft = await load(request, action.payload)
        draft = alert_options.apply_conditions(draft, component_router.modal_values(request.interaction))
        return await preview(request, draft)

    @component_router.handles(alert_modals.SUBMIT_TIMING)
    async def submit_timing_modal(self, request: Request, action: Action) -> ui.LayoutView | None:
        """Preview the draft with the times of the modal."""
        draft = await load(request, action.payload)
        values = component_router.modal_values(request.interaction)
        try:
            draft = alert_options.apply_timing(draft, values)
        except UserError as error:
            # In a new message: the draft stays where it is.
            view = await timing_refused_view(request, action.payload, values, error)
            await responses.reply_privately(request.interaction, view)
            return None
        return await preview(request, draft)

    @component_router.handles(paper_list.FOLLOW, responses.PRIVATELY)
    async def follow(self, request: Request, action: Action) -> ui.LayoutView:
        """Create an alert for the topic or author of a list; the answer has a button to undo it."""
        state = await load_text(self._services.text_tokens, list_state.unpack(action))
        terms = list_state.alert_terms(state)
        if terms is None:
            raise UserError("alert-not-possible")
        kind, text, min_votes = terms
        return await self._create(request, models.AlertTerm(kind, text), min_votes)

    @component_router.handles(follow_menu.FOLLOW_OF_PAPER, responses.PRIVATELY)
    async def follow_of_paper(self, request: Request, action: Action) -> ui.LayoutView:
        """Create an alert for a topic, an author or the institution of a paper; the answer has a button to undo it."""
        detail = await self._services.search.find_paper(action.payload)
        if detail is None:
            raise UserError("outdated-control")
        selected = component_router.selected_value(request.interaction)
        return await self._create(request, follow_menu.selected_term(detail, selected))

    @component_router.handles(paper_card.TELL, responses.PRIVATELY)
    async def tell(self, request: Request, action: Action) -> ui.LayoutView:
        """Make the alert for a paper that no digest has yet; the answer has a button to undo it."""
        detail = await self._services.search.find_paper(action.payload)
        if detail is not None and detail.is_listed:
            raise UserError("tell-listed")
        return await tell(request, action.payload)

    async def _create(self, request: Request, term: models.AlertTerm, min_votes: int = 0) -> ui.LayoutView:
        term = term._replace(text=term.text[: validation.MAX_TEXT_LENGTH])
        draft = replace(drafts.EMPTY, terms=(term,), min_votes=min_votes)
        return await save(request, await complete(request, draft))


async def store_draft(tokens: TextTokenStore, draft: models.Alert) -> str:
    """Return the draft of an alert for a custom id: packed, or the token of what is packed."""
    packed = drafts.pack(draft)
    return packed if len(packed) <= drafts.MAX_LENGTH else await tokens.save(packed)


async def load_draft(tokens: TextTokenStore, key: str) -> models.Alert:
    """Return the draft of a custom id. Raises UserError if it was overwritten, InvalidCustomIdError if it is no draft."""
    if key.startswith("{"):
        return drafts.unpack(key)
    packed = await tokens.get(key)
    if packed is None:
        raise UserError("outdated-control")
    return drafts.unpack(packed)


@contextmanager
def map_alert_errors() -> Iterator[None]:
    """Raise UserError with the text for readers of a UsageError of the alerts service."""
    try:
        yield
    except bot_errors.UsageError as error:
        arguments = {
            name: paper_text.escape_untrusted(value, max_length=60) if isinstance(value, str) else value
            for name, value in error.arguments.items()
        }
        raise UserError(
            f"refused-{error.reason}" if error.reason else "alert-not-possible", **arguments
        ) from error


async def load(request: Request, key: str) -> models.Alert:
    """Return the draft of a custom id; of a stored alert alone, the alert. Raises UserError."""
    return await complete(request, await load_draft(request.services.text_tokens, key))


async def complete(request: Request, draft: models.Alert) -> models.Alert:
    """Return a draft with what its custom id leaves out: the reader, the server, and the default zone. Raises UserError."""
    stored = await alert_buttons.find(request, str(draft.id)) if draft.id else None
    if stored is not None and not draft.terms:
        return stored
    is_moved = stored is None or stored.channel_id != draft.channel_id
    guild_id = request.interaction.guild_id if stored is None or is_moved else stored.guild_id
    timezone = draft.timezone
    if timezone == drafts.EMPTY.timezone and draft.timing is models.AlertTiming.AT_ONCE:
        timezone = await request.interaction.client.timezone_for(request.interaction)
    return replace(
        draft,
        user_id=request.user_id,
        created_at=request.services.clock(),
        guild_id=guild_id if draft.channel_id is not None else None,
        timezone=timezone,
    )


async def preview(request: Request, draft: models.Alert) -> ui.LayoutView:
    """Return the matches of the last 30 days, with the buttons to save or change the draft. Raises UserError.

    Of a draft that is refused it returns why, with the button that opens what was typed again.
    """
    await _require_allowed(request, draft)
    texts = request.texts
    key = await store_draft(request.services.text_tokens, draft)
    try:
        with map_alert_errors():
            async with lookups.admitted(request.interaction):
                matches = await request.services.alerts.preview(draft)
    except UserError as error:
        return alerts.refused_view(texts, texts(error.key, **error.arguments), key)
    return alerts.preview_view(texts, draft, matches, key, here_id=_manageable_channel(request.interaction))


async def timing_refused_view(
    request: Request, key: str, values: Mapping[str, str], error: UserError
) -> ui.LayoutView:
    """Return why the times of a draft are refused, with a button that opens the modal with the typed values."""
    token = await component_router.store_typed(request.services.text_tokens, key, values)
    return alerts.timing_refused_view(request.texts, request.texts(error.key, **error.arguments), token)


async def save(request: Request, draft: models.Alert) -> ui.LayoutView:
    """Store the draft and return its confirmation. Raises UserError, also if the user may no longer."""
    await _require_allowed(request, draft)
    texts = request.texts
    with map_alert_errors():
        matches = await request.services.alerts.preview(draft)
        try:
            alert = await _store(request, draft)
        except storage_errors.DuplicateError:
            return alerts.existing_view(texts, matches.existing or draft)
    request.services.profiles.wake(request.user_id)
    if alert.channel_id is None:
        await responses.open_dm(request)
    if alert.timing is not models.AlertTiming.AT_ONCE:
        await request.services.readers.update(request.user_id, timezone=alert.timezone)
    return alerts.saved_view(texts, alert, matches, is_new=not draft.id)


async def tell(request: Request, arxiv_id: str) -> ui.LayoutView:
    """Make the alert for a paper that no digest has yet, and return its confirmation. Raises UserError."""
    terms = (models.AlertTerm(models.AlertKind.PAPER, arxiv_id),)
    draft = await complete(request, replace(drafts.EMPTY, terms=terms))
    texts = request.texts
    try:
        with map_alert_errors():
            alert = await request.services.alerts.add(draft)
    except storage_errors.DuplicateError:
        own = await request.services.alerts.list_rows(user_id=request.user_id)
        existing = next((row for row in own if (row.terms, row.channel_id) == (terms, None)), draft)
        return alerts.existing_view(texts, existing)
    await responses.open_dm(request)
    return alerts.tell_view(texts, alert)


async def _store(request: Request, draft: models.Alert) -> models.Alert:
    if draft.id:
        return await request.services.alerts.change(draft.id, draft, user_id=request.user_id)
    return await request.services.alerts.add(draft)


async def _require_allowed(request: Request, draft: models.Alert) -> None:
    """Raise UserError unless the user may have alerts sent there; anybody may to their own direct messages."""
    if draft.channel_id is not None:
        await checks.require_alert_channel(request, draft.guild_id, draft.channel_id)


def _manageable_channel(interaction: Interaction) -> int | None:
    """Return the channel of the interaction if alerts can go there and the user manages its messages."""
    is_channel = isinstance(interaction.channel, discord.TextChannel)
    return interaction.channel_id if is_channel and interaction.permissions.manage_messages else None
