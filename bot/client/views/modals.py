"""Modals, and the messages that open those of subscriptions.

Discord sends the submitted values with the custom id, so their handling is a component handler.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import discord
from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import notices, schedule_text, subscriptions
from bot.rendering.discord_text import limits, split
from bot.services.daily import schedule
from bot.services.daily.subscriptions import MAX_TOPIC_LENGTH, SubscriptionOptions, options_of
from storage import models

TIMEOUT_SECONDS = 900.0
SUBMIT_TOPIC_MODAL = "asked"
QUERY = "query"
VOTES = "votes"
SUBMIT_SCHEDULE = "df"
SUBMIT_PAPERS = "dfp"
TIME = "time"
ZONE = "zone"
PAPERS = "papers"
DAYS = "days"
OPTIONS = "options"
COMPLETE = "complete"
SAY_EMPTY = "say-empty"
SERVER_PICKS = "server-picks"
ROLE = "role"
TOPIC = "topic"
LANGUAGE = "language"
STYLE = "style"


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

    def add_file(self, label: str, custom_id: str, description: str) -> None:
        """Add a field for one file."""
        self._add_field(label, ui.FileUpload(custom_id=custom_id, max_values=1), description)

    def add_choices(
        self,
        label: str,
        custom_id: str,
        choices: Mapping[str, str],
        values: Mapping[str, str],
        *,
        min_values: int = 1,
        max_values: int = 1,
    ) -> None:
        """Add a select menu of `choices`, labels by value. Its field of `values`, a list with commas, is selected."""
        selected = values[custom_id].split(",")
        options = [
            message_builder.select_option(name, value, selected=value in selected)
            for value, name in choices.items()
        ]
        self.add_select(label, custom_id, options, min_values=min_values, max_values=max_values)

    def add_role(self, label: str, custom_id: str, role_id: str) -> None:
        """Add a menu for one role of the server, or none. `role_id` is the selected one, "" for none."""
        selected = (
            [discord.SelectDefaultValue(id=int(role_id), type=discord.SelectDefaultValueType.role)]
            if role_id
            else []
        )
        field: ui.RoleSelect[Any] = ui.RoleSelect(
            custom_id=custom_id, min_values=0, max_values=1, required=False, default_values=selected
        )
        self._add_field(label, field)

    def _add_field(self, label: str, field: ui.Item[Any], description: str | None = None) -> None:
        text = split.shorten(label, limits.TEXT_INPUT_LABEL, markdown=False)
        self.add_item(ui.Label(text=text, description=description, component=field))


def topic_modal(texts: Texts) -> StatelessModal:
    """Return the modal for a topic."""
    modal = StatelessModal(texts("post-ask"), custom_ids.pack(SUBMIT_TOPIC_MODAL))
    modal.add_text(texts("ask-label"), QUERY, placeholder=texts("ask-hint"), max_length=300)
    return modal


def form_values(options: SubscriptionOptions) -> dict[str, str]:
    """Return options as the values of the two forms, in the shape that Discord sends them back."""
    chosen = {
        COMPLETE: options.when is models.When.COMPLETE,
        SAY_EMPTY: options.say_when_empty,
        SERVER_PICKS: options.server_picks,
    }
    return {
        TIME: options.at_time,
        ZONE: options.timezone,
        DAYS: ",".join(schedule.DAY_NAMES[day - 1] for day in options.days),
        OPTIONS: ",".join(name for name, is_on in chosen.items() if is_on),
        ROLE: str(options.mention_role_id or ""),
        TOPIC: options.topic,
        PAPERS: str(options.top_n),
        VOTES: str(options.min_votes),
        LANGUAGE: options.locale.value,
        STYLE: options.style.value,
    }


def schedule_modal(texts: Texts, payload: str, values: Mapping[str, str]) -> StatelessModal:
    """Return the form for when a subscription posts and whom it mentions. `payload` is that of `subscriptions.target`."""
    modal = StatelessModal(texts("subscription-edit-schedule"), custom_ids.pack(SUBMIT_SCHEDULE, payload))
    modal.add_text(
        texts("subscription-form-time"), TIME, value=values[TIME], placeholder="09:00", max_length=20
    )
    modal.add_text(
        texts("subscription-form-zone"), ZONE, value=values[ZONE], placeholder="Asia/Seoul", max_length=60
    )
    days = {
        schedule.DAY_NAMES[day - 1]: schedule_text.format_weekday(texts, day) for day in schedule.EVERY_DAY
    }
    modal.add_choices(texts("subscription-form-days"), DAYS, days, values, max_values=len(days))
    offered = (SERVER_PICKS, SAY_EMPTY) if values[STYLE] == models.Style.WEEKLY else (COMPLETE, SAY_EMPTY)
    options = {name: texts(f"subscription-form-option-{name}") for name in offered}
    modal.add_choices(
        texts("subscription-form-options"), OPTIONS, options, values, min_values=0, max_values=len(options)
    )
    modal.add_role(texts("subscription-form-role"), ROLE, values[ROLE])
    return modal


def papers_modal(
    texts: Texts, payload: str, values: Mapping[str, str], styles: Iterable[models.Style]
) -> StatelessModal:
    """Return the form for which papers a subscription posts and how they look. `styles` fit its channel."""
    modal = StatelessModal(texts("subscription-edit-papers"), custom_ids.pack(SUBMIT_PAPERS, payload))
    modal.add_text(
        texts("subscription-form-topic"),
        TOPIC,
        value=values[TOPIC],
        placeholder=texts("subscription-form-topic-hint"),
        max_length=MAX_TOPIC_LENGTH,
        required=False,
    )
    modal.add_text(texts("subscription-form-papers"), PAPERS, value=values[PAPERS], max_length=2)
    modal.add_text(texts("subscription-form-votes"), VOTES, value=values[VOTES], max_length=5, required=False)
    languages = {locale.value: texts(f"language-{locale.value}") for locale in models.Locale}
    modal.add_choices(texts("subscription-form-language"), LANGUAGE, languages, values)
    names = {style.value: texts(f"style-{style.value}") for style in styles}
    modal.add_choices(texts("subscription-form-style"), STYLE, names, values)
    return modal


def existing_view(
    texts: Texts, rows: Sequence[models.Subscription], channel_id: int, options: SubscriptionOptions
) -> ui.LayoutView:
    """Return the daily posts that a channel has, with buttons to change one, or to add another with these options."""
    message = message_builder.MessageBuilder()
    message.add_text(f"### {texts('setup-exists', channel=f'<#{channel_id}>', count=len(rows))}")
    message.add_text(
        "\n".join(f"- {subscriptions.list_line(texts, row)}" for row in rows[: subscriptions.MAX_LISTED])
    )
    change = message_builder.button(
        texts("setup-change"),
        custom_ids.pack(subscriptions.CHANGE, rows[0].id),
        style=discord.ButtonStyle.primary,
    )
    if len(rows) > 1:
        message.add_select(subscriptions.select_menu(texts, rows, subscriptions.SELECT_CHANGE))
    message.add_buttons(
        change if len(rows) == 1 else None,
        message_builder.button(
            texts("setup-add", count=len(rows)), subscriptions.pack(channel_id, options, subscriptions.ADD)
        ),
    )
    return message.view


def form_view(texts: Texts, subscription: models.Subscription) -> ui.LayoutView:
    """Return a stored subscription with the buttons of the two forms that change all its options."""
    message = message_builder.MessageBuilder()
    message.add_text(f"### {texts('subscription-form-heading', channel=f'<#{subscription.channel_id}>')}")
    message.add_text(subscriptions.options_text(texts, options_of(subscription)))
    payload = subscriptions.target(subscription)
    message.add_buttons(
        message_builder.button(
            texts("subscription-edit-schedule"), custom_ids.pack(subscriptions.EDIT_SCHEDULE, payload)
        ),
        message_builder.button(
            texts("subscription-edit-papers"), custom_ids.pack(subscriptions.EDIT_PAPERS, payload)
        ),
        message_builder.button(texts("back"), custom_ids.pack(subscriptions.SHOW, subscription.id)),
    )
    return message.view


def refused_view(texts: Texts, reason: str, reopen_id: str, payload: str) -> ui.LayoutView:
    """Return why a form is refused, with the button that opens it with the typed values. `payload` is that of `target`."""
    is_stored = payload.startswith(subscriptions.STORED_MARK)
    back = (
        custom_ids.pack(subscriptions.SHOW, payload.removeprefix(subscriptions.STORED_MARK))
        if is_stored
        else custom_ids.pack(subscriptions.ADD, payload)
    )
    return notices.text_view(
        reason,
        message_builder.button(
            texts("subscription-form-again"), reopen_id, style=discord.ButtonStyle.primary
        ),
        message_builder.button(texts("back"), back),
        accent=message_builder.RED,
    )
