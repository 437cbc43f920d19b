"""The settings of an alert as they are typed: options of `/alerts add`, fields of both forms, and the drafts that they give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from bot.alerts import service as alerts_service
from bot.client import message_builder, router
from bot.client import options as client_options
from bot.rendering import discord_text
from bot.text import people
from storage import models

WITHOUT = "without"
OPTIONS = "options"
ALL = "all"
SILENT = "silent"
TIMING = "timing"
_COMMAS = ",，、"
_QUOTES = str.maketrans("“”„«»「」", '"""""""')


class Setting(NamedTuple):
    """A setting that is a text field of the form for the timing."""

    name: str
    """Its field in the form, and its option of `/alerts add` if it has one."""
    field: str
    """Its field in the alert, of which the text is the value."""
    label: str
    hint: str
    max_length: int
    parse: Callable[[str], Any]
    """Raises UserError, which names the setting."""
    empty: str = ""
    """What an empty field stands for; "" keeps the alert's value, as for the time of an alert that is sent right away."""


_parse_votes = partial(
    client_options.parse_number, key="votes-not-a-number", low=0, high=alerts_service.MAX_VOTES
)
_parse_most = partial(
    client_options.parse_number, key="papers-not-a-number", low=1, high=alerts_service.MAX_PAPERS
)

TIMING_SETTINGS = (
    Setting(
        "time", "at_time", "subscription-form-time", "alert-form-time-hint", 40, client_options.parse_time
    ),
    Setting(
        "zone", "timezone", "subscription-form-zone", "alert-form-zone-hint", 60, client_options.parse_zone
    ),
    Setting("votes", "min_votes", "alert-form-votes", "", 6, _parse_votes, empty="0"),
    Setting("most", "max_papers", "alert-form-most", "", 3, _parse_most),
)


def condition_values(alert: models.Alert) -> dict[str, str]:
    """Return the texts of the form for what an alert matches."""
    values = {
        kind.value: join_items(term.text for term in alert.terms if term.kind is kind)
        for kind in models.AlertKind
    }
    return values | {WITHOUT: join_items(alert.excluded)}


def apply_conditions(draft: models.Alert, values: Mapping[str, str | None]) -> models.Alert:
    """Return the draft with the values of the form for what it matches, or of the options of `/alerts add`."""
    chosen = set((values.get(OPTIONS) or "").split(","))
    typed = tuple(
        models.AlertTerm(kind, text)
        for kind in models.AlertKind
        for text in (_split_names if kind is models.AlertKind.AUTHOR else split_items)(
            values.get(kind.value) or ""
        )
    )
    return replace(
        draft,
        terms=typed,
        excluded=tuple(split_items(values.get(WITHOUT) or "")),
        match_all=ALL in chosen,
        silent=SILENT in chosen,
    )


def timing_values(alert: models.Alert) -> dict[str, str]:
    """Return the values of the form for the timing, in the shape that Discord sends them back."""
    is_weekly = alert.timing is models.AlertTiming.WEEKLY
    timing = weekly_value(alert.weekday) if is_weekly else alert.timing.value
    return {TIMING: timing} | {row.name: str(getattr(alert, row.field)) for row in TIMING_SETTINGS}


def apply_timing(draft: models.Alert, values: Mapping[str, str]) -> models.Alert:
    """Return the draft with the values of the form for the timing. Raises UserError, which names the field.

    A time that would have no effect is refused too: an alert that is sent right away has one only for `max_a_day`.
    """
    changed = apply_when(draft, values.get(TIMING, ""))
    values = client_options.move_zone(values, "time", "zone")
    typed = {row: values.get(row.name, "").strip() or row.empty for row in TIMING_SETTINGS}
    changed = replace(changed, **{row.field: row.parse(text) for row, text in typed.items() if text})
    is_at_once = changed.timing is models.AlertTiming.AT_ONCE
    if is_at_once and not changed.max_a_day and changed.at_time != draft.at_time:
        raise router.UserError("time-without-effect", time=changed.at_time)
    return changed


def weekly_value(weekday: int) -> str:
    """Return the value of the menu for an ISO weekday: `weekly-1` for Mondays."""
    return f"{models.AlertTiming.WEEKLY.value}-{weekday}"


def apply_when(draft: models.Alert, value: str) -> models.Alert:
    """Return the draft with a timing of the menu: `now`, `daily`, `weekly-1`. Raises InvalidCustomIdError for others."""
    chosen, _, day = value.partition("-")
    with message_builder.map_parse_errors():
        timing = models.AlertTiming(chosen)
    return replace(
        draft, timing=timing, weekday=message_builder.parse_number(day, 7) if day else draft.weekday
    )


def join_items(items: Iterable[str]) -> str:
    """Return texts as one, separated by commas, or each ended by a semicolon if one of them has a comma."""
    texts = list(items)
    return " ".join(f"{text};" for text in texts) if any("," in text for text in texts) else ", ".join(texts)


def split_items(text: str) -> list[str]:
    """Return the texts that are separated by commas, or by semicolons or lines if there are any; quotation marks are straight."""
    separators = ";；\n" if any(separator in text.strip() for separator in ";；\n") else _COMMAS
    for separator in separators:
        text = text.replace(separator, "\n")
    lines = (
        discord_text.to_single_line(line.translate(_QUOTES)).strip(_COMMAS).strip()
        for line in text.split("\n")
    )
    return [line for line in lines if line]


def _split_names(text: str) -> list[str]:
    """Return the names in a text. `Levine, Sergey` is one name: two single words in Latin letters, last name first."""
    names = split_items(text)
    is_one = len(names) == 2 and not any(" " in name or people.split_hangul(name) for name in names)
    return [f"{names[1]} {names[0]}"] if is_one else names
