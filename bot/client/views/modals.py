"""Modals. Discord sends the submitted values with the custom id, so their handling is a component handler."""

from __future__ import annotations

from typing import Any

import discord
from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import schedule_text, subscriptions
from bot.rendering.discord_text import limits, split
from bot.services.daily import schedule
from bot.services.daily.subscriptions import SubscriptionOptions

TIMEOUT_SECONDS = 900.0
SUBMIT_TOPIC_MODAL = "asked"
QUERY = "query"
VOTES = "votes"
SUBMIT_SUBSCRIPTION_MODAL = "df"
TIME = "time"
ZONE = "zone"
PAPERS = "papers"
DAYS = "days"


class StatelessModal(ui.Modal):
    """A modal without state: the verb of its custom id handles the submission, also after a restart."""

    def __init__(self, title: str, custom_id: str) -> None:
        shown = split.shorten(title, limits.MODAL_TITLE, markdown=False)
        super().__init__(title=shown, custom_id=custom_id, timeout=TIMEOUT_SECONDS)

    def add_text(
        self,
        label: str,
        custom_id: str,
        *,
        value: str = "",
        placeholder: str = "",
        max_length: int = 100,
        required: bool = True,
        multiline: bool = False,
    ) -> None:
        """Add a text field. `value` is its initial text."""
        field: ui.TextInput[Any] = ui.TextInput(
            style=discord.TextStyle.paragraph if multiline else discord.TextStyle.short,
            custom_id=custom_id,
            default=value or None,
            placeholder=placeholder or None,
            max_length=max_length,
            required=required,
        )
        self._add_field(label, field)

    def add_select(
        self,
        label: str,
        custom_id: str,
        options: list[discord.SelectOption],
        *,
        min_values: int = 1,
        max_values: int = 1,
        description: str | None = None,
    ) -> None:
        """Add a select menu for `min_values` to `max_values` options."""
        field: ui.Select[Any] = ui.Select(
            custom_id=custom_id,
            options=options,
            min_values=min_values,
            max_values=max_values,
            required=min_values > 0,
        )
        self._add_field(label, field, description)

    def _add_field(self, label: str, field: ui.Item[Any], description: str | None = None) -> None:
        text = split.shorten(label, limits.TEXT_INPUT_LABEL, markdown=False)
        self.add_item(ui.Label(text=text, description=description, component=field))


def topic_modal(texts: Texts) -> StatelessModal:
    """Return the modal for a topic."""
    modal = StatelessModal(texts("post-ask"), custom_ids.pack(SUBMIT_TOPIC_MODAL))
    modal.add_text(texts("ask-label"), QUERY, placeholder=texts("ask-hint"), max_length=300)
    return modal


def subscription_modal(texts: Texts, channel_id: int, options: SubscriptionOptions) -> StatelessModal:
    """Return the modal that changes the options of a new subscription."""
    custom_id = subscriptions.pack(channel_id, options, SUBMIT_SUBSCRIPTION_MODAL)
    modal = StatelessModal(texts("order-form"), custom_id)
    modal.add_text(texts("order-form-time"), TIME, value=options.at_time, placeholder="09:00", max_length=10)
    modal.add_text(
        texts("order-form-zone"), ZONE, value=options.timezone, placeholder="Asia/Seoul", max_length=60
    )
    modal.add_text(texts("order-form-papers"), PAPERS, value=str(options.top_n), max_length=2)
    modal.add_text(
        texts("order-form-votes"), VOTES, value=str(options.min_votes), max_length=5, required=False
    )
    days = [
        message_builder.select_option(
            schedule_text.format_weekday(texts, day),
            schedule.DAY_NAMES[day - 1],
            selected=day in options.days,
        )
        for day in schedule.EVERY_DAY
    ]
    modal.add_select(texts("order-form-days"), DAYS, days, max_values=len(days))
    return modal
