"""The forms that open over Discord's window. What is typed into them comes back as a control (`controls.entered`)."""

from __future__ import annotations

from typing import Any

import discord
from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Words
from bot.client.views import alerts, schedule_text, subscriptions
from bot.rendering.discord_text import limits, split
from bot.services.daily import schedule

SECONDS = 900.0
ASKED = "asked"
QUERY = "query"
ALERT_CHANGED = "aed"
VOTES = "votes"
ORDER_CHANGED = "df"
TIME = "time"
ZONE = "zone"
PAPERS = "papers"
DAYS = "days"


class Form(ui.Modal):
    """A form. It keeps nothing: the answer is handled by the verb in its custom id, also after a restart."""

    def __init__(self, title: str, custom_id: str) -> None:
        shown = split.shorten(title, limits.MODAL_TITLE, markdown=False)
        super().__init__(title=shown, custom_id=custom_id, timeout=SECONDS)

    def add_text(
        self,
        label: str,
        custom_id: str,
        *,
        value: str = "",
        hint: str = "",
        most: int = 100,
        required: bool = True,
    ) -> None:
        """Add a line to type into, with what stands there already."""
        field: ui.TextInput[Any] = ui.TextInput(
            custom_id=custom_id,
            default=value or None,
            placeholder=hint or None,
            max_length=most,
            required=required,
        )
        self._add(label, field)

    def add_choice(
        self,
        label: str,
        custom_id: str,
        options: list[discord.SelectOption],
        *,
        most: int = 1,
        description: str | None = None,
    ) -> None:
        """Add a menu; `most` options can be picked."""
        field: ui.Select[Any] = ui.Select(custom_id=custom_id, options=options, min_values=1, max_values=most)
        self._add(label, field, description)

    def _add(self, label: str, field: ui.Item[Any], description: str | None = None) -> None:
        text = split.shorten(label, limits.TEXT_INPUT_LABEL, markdown=False)
        self.add_item(ui.Label(text=text, description=description, component=field))


def ask_form(words: Words) -> Form:
    """Return the form that asks for a topic."""
    form = Form(words("post-ask"), custom_ids.pack(ASKED))
    form.add_text(words("ask-label"), QUERY, hint=words("ask-hint"), most=300)
    return form


def alert_form(words: Words, draft: alerts.Draft) -> Form:
    """Return the form that changes an alert before it is made."""
    form = Form(words("alert-form"), custom_ids.pack(ALERT_CHANGED, draft.kind.value, draft.channel_id))
    form.add_text(words(f"alert-form-{draft.kind.value}"), QUERY, value=draft.text, most=100)
    form.add_text(words("alert-form-votes"), VOTES, value=str(draft.min_votes), most=5, required=False)
    return form


def order_form(words: Words, draft: subscriptions.Draft) -> Form:
    """Return the form that changes a daily post before it is set up."""
    wishes = draft.wishes
    form = Form(words("order-form"), subscriptions.pack(draft, ORDER_CHANGED))
    form.add_text(words("order-form-time"), TIME, value=wishes.at_time, hint="09:00", most=10)
    form.add_text(words("order-form-zone"), ZONE, value=wishes.timezone, hint="Asia/Seoul", most=60)
    form.add_text(words("order-form-papers"), PAPERS, value=str(wishes.top_n), most=2)
    form.add_text(words("order-form-votes"), VOTES, value=str(wishes.min_votes), most=5, required=False)
    days = [
        message_builder.option(
            schedule_text.weekday(words, day), schedule.DAY_NAMES[day - 1], chosen=day in wishes.days
        )
        for day in schedule.EVERY_DAY
    ]
    form.add_choice(words("order-form-days"), DAYS, days, most=len(days))
    return form
