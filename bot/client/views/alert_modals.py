"""The two modals of an alert, since a modal has at most five rows: what it matches, and when it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import modals, schedule_text
from bot.rendering.discord_text import escape
from storage import models

SUBMIT_CONDITIONS = "aed"
SUBMIT_TIMING = "aeu"
TERM_FIELDS = {
    models.AlertKind.KEYWORD: "keyword",
    models.AlertKind.AUTHOR: "author",
    models.AlertKind.INSTITUTION: "institution",
}
"""The fields of the terms that are typed; those of single papers stay as they are."""
WITHOUT = "without"
OPTIONS = "options"
ALL = "all"
FORMS = "forms"
TIMING = "timing"
MOST = "most"
MAX_LENGTH = 4000
"""Discord's limit for a text field."""
WEEKDAYS = range(1, 8)
_TIMING_FIELDS = (
    (modals.TIME, "subscription-form-time", "alert-form-time-hint", 20),
    (modals.ZONE, "subscription-form-zone", "alert-form-zone-hint", 60),
    (modals.VOTES, "alert-form-votes", "", 6),
    (MOST, "alert-form-most", "", 3),
)
_COMMAS = ",，、"


def conditions_modal(texts: Texts, alert: models.Alert, key: str) -> modals.StatelessModal:
    """Return the modal for terms, excluded words and how they match. `key` is the packed draft or its token."""
    modal = modals.StatelessModal(texts("alert-form-conditions"), custom_ids.pack(SUBMIT_CONDITIONS, key))
    for kind, field in TERM_FIELDS.items():
        modal.add_text(
            texts(f"alert-form-{kind.value}"),
            field,
            value=join_items(term.text for term in alert.terms if term.kind is kind),
            placeholder=texts(f"alert-form-{kind.value}-hint"),
            max_length=MAX_LENGTH,
            required=False,
        )
    modal.add_text(
        texts("alert-form-without"),
        WITHOUT,
        value=join_items(alert.excluded),
        placeholder=texts("alert-form-without-hint"),
        max_length=MAX_LENGTH,
        required=False,
    )
    chosen = {ALL: alert.match_all, FORMS: alert.translations}
    chosen |= {locale.value: alert.language is locale for locale in models.Locale}
    options = [
        message_builder.select_option(texts(f"alert-form-option-{name}"), name, selected=is_on)
        for name, is_on in chosen.items()
    ]
    modal.add_select(texts("alert-form-options"), OPTIONS, options, min_values=0, max_values=len(options))
    return modal


def timing_modal(texts: Texts, values: Mapping[str, str], key: str) -> modals.StatelessModal:
    """Return the modal for the time, the zone, the votes and the number of papers. `key` as in `conditions_modal`.

    `values` are those of `timing_values`, or what was typed into this modal.
    """
    modal = modals.StatelessModal(texts("alert-form-timing"), custom_ids.pack(SUBMIT_TIMING, key))
    selected = values.get(TIMING)
    choices = [models.AlertTiming.AT_ONCE, models.AlertTiming.DAILY, *map(weekly_value, WEEKDAYS)]
    options = [
        message_builder.select_option(_timing_label(texts, value), value, selected=value == selected)
        for value in choices
    ]
    modal.add_select(texts("alert-form-when"), TIMING, options)
    for name, label, hint, length in _TIMING_FIELDS:
        modal.add_text(
            texts(label),
            name,
            value=values.get(name, "")[:length],
            placeholder=texts(hint) if hint else "",
            max_length=length,
            required=name != modals.VOTES,
        )
    return modal


def timing_values(alert: models.Alert) -> dict[str, str]:
    """Return the values of the timing modal for an alert, in the shape that Discord sends them back."""
    return {
        TIMING: timing_value(alert),
        modals.TIME: alert.at_time,
        modals.ZONE: alert.timezone,
        modals.VOTES: str(alert.min_votes),
        MOST: str(alert.max_papers),
    }


def _timing_label(texts: Texts, value: str) -> str:
    timing, _, day = value.partition("-")
    if timing == models.AlertTiming.WEEKLY:
        return texts("alert-form-weekly", day=schedule_text.format_weekday(texts, int(day)))
    return texts(f"alert-form-{timing}")


def timing_value(alert: models.Alert) -> str:
    """Return the value of the menu for an alert's timing: `now`, `daily`, `weekly-1` for Mondays."""
    if alert.timing is models.AlertTiming.WEEKLY:
        return weekly_value(alert.weekday)
    return alert.timing.value


def weekly_value(weekday: int) -> str:
    """Return the value of the menu for an ISO weekday."""
    return f"{models.AlertTiming.WEEKLY.value}-{weekday}"


def join_items(items: Iterable[str]) -> str:
    """Return texts as one, separated by commas, or each ended by a semicolon if one of them has a comma."""
    texts = list(items)
    return " ".join(f"{text};" for text in texts) if any("," in text for text in texts) else ", ".join(texts)


def split_items(text: str) -> list[str]:
    """Return the texts that are separated by commas, or by semicolons or lines if there are any."""
    separators = ";；\n" if any(separator in text.strip() for separator in ";；\n") else _COMMAS
    for separator in separators:
        text = text.replace(separator, "\n")
    lines = (escape.to_single_line(line).strip(_COMMAS) for line in text.split("\n"))
    return [line for line in lines if line]
