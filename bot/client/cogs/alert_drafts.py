"""The preview of an alert: its buttons and modals, which change the draft and save it. And "Follow"."""

from __future__ import annotations

from dataclasses import replace

from discord.ext import commands

from bot.client.cogs.digests import load_text
from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import component_router, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import alert_drafts, alert_options, long_texts
from bot.client.views import alert_drafts as drafts
from bot.client.views import alert_modals, alerts
from bot.client.views.papers import follow_menu, list_state, paper_card, paper_list
from bot.services.alerts import validation
from storage import models


class AlertDraftsCog(commands.Cog):
    """Alerts that are being made or changed. The draft is in the custom ids."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = alert_drafts.AlertDraftPresenter(bot)

    @component_router.handles_itself(alerts.SAVE)
    async def save(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Create the previewed alert, or change the alert whose draft it is."""
        draft = await self._presenter.load(interaction, action.payload)
        await responses.update_message(interaction, await self._presenter.save(interaction, draft))

    @component_router.handles_itself(alerts.REPLACE)
    async def replace(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Change an alert for the same terms to the previewed settings."""
        alert_id, key = action.fields(2)
        draft = replace(await self._presenter.load(interaction, key), id=custom_ids.parse_number(alert_id))
        await responses.update_message(interaction, await self._presenter.save(interaction, draft))

    @component_router.handles_itself(alerts.MOVE)
    async def move(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Preview the draft with another destination."""
        channel_id, key = action.fields(2)
        draft = await self._presenter.load(interaction, key)
        moved = replace(draft, channel_id=alert_drafts.parse_destination(channel_id))
        draft = await self._presenter.complete(interaction, moved)
        await responses.update_message(interaction, await self._presenter.preview(interaction, draft))

    @component_router.handles_itself(drafts.EDIT_RULE, first=None)
    async def open_rule_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the modal to change what the alert matches."""
        texts = await interaction.client.texts_for(interaction)
        draft = await self._presenter.load(interaction, action.payload)
        await responses.open_modal(interaction, alert_modals.rule_modal(texts, draft, action.payload))

    @component_router.handles_itself(alerts.EDIT_TIMING, first=None)
    async def open_timing_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the modal to change when the alert is sent, from how many votes on, and with how many papers."""
        texts = await interaction.client.texts_for(interaction)
        draft = await self._presenter.load(interaction, action.payload)
        await responses.open_modal(
            interaction, alert_modals.timing_modal(texts, alert_modals.timing_values(draft), action.payload)
        )

    @component_router.handles_itself(alerts.RETYPE_TIMING, first=None)
    async def reopen_timing_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the modal that was refused, with the typed values."""
        texts = await interaction.client.texts_for(interaction)
        key, values = await long_texts.load_typed(self._services.text_tokens, action.payload)
        await responses.open_modal(interaction, alert_modals.timing_modal(texts, values, key))

    @component_router.handles_itself(alert_modals.SUBMIT_RULE)
    async def submit_rule_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Preview the draft with the terms of the modal."""
        draft = await self._presenter.load(interaction, action.payload)
        draft = alert_options.apply_rule(draft, component_router.modal_values(interaction))
        await responses.update_message(interaction, await self._presenter.preview(interaction, draft))

    @component_router.handles_itself(alert_modals.SUBMIT_TIMING)
    async def submit_timing_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Preview the draft with the times of the modal."""
        draft = await self._presenter.load(interaction, action.payload)
        values = component_router.modal_values(interaction)
        try:
            draft = alert_options.apply_timing(draft, values)
        except UserError as error:
            await self._presenter.refuse_timing(interaction, action.payload, values, error)
            return
        await responses.update_message(interaction, await self._presenter.preview(interaction, draft))

    @component_router.handles_itself(paper_list.FOLLOW, first=responses.defer)
    async def follow(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Create an alert for the topic or author of a list; the answer has a button to undo it."""
        state = await load_text(self._services.text_tokens, list_state.unpack(action))
        terms = list_state.alert_terms(state)
        if terms is None:
            raise UserError("alert-not-possible")
        kind, text, min_votes = terms
        await self._create(interaction, models.AlertTerm(kind, text), min_votes)

    @component_router.handles_itself(follow_menu.FOLLOW_OF_PAPER, first=responses.defer)
    async def follow_of_paper(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Create an alert for a topic, an author or the institution of a paper; the answer has a button to undo it."""
        detail = await self._services.search.find_paper(action.payload)
        if detail is None:
            raise UserError("outdated-control")
        selected = component_router.selected_value(interaction)
        await self._create(interaction, follow_menu.selected_term(detail, selected))

    @component_router.handles_itself(paper_card.TELL, first=responses.defer)
    async def tell(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Make the alert for a paper that no digest has yet; the answer has a button to undo it."""
        detail = await self._services.search.find_paper(action.payload)
        if detail is not None and detail.is_listed:
            raise UserError("tell-listed")
        await responses.reply_privately(interaction, await self._presenter.tell(interaction, action.payload))

    async def _create(self, interaction: Interaction, term: models.AlertTerm, min_votes: int = 0) -> None:
        term = term._replace(text=term.text[: validation.MAX_TEXT_LENGTH])
        draft = replace(drafts.EMPTY, terms=(term,), min_votes=min_votes)
        draft = await self._presenter.complete(interaction, draft)
        await responses.reply_privately(interaction, await self._presenter.save(interaction, draft))
