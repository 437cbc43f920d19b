"""Parses the settings of an alert: options of `/alerts add` and fields of the form. The result is a draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.alerts import service as alerts_service
from bot.client import message_builder
from bot.client import options as client_options
from bot.rendering import discord_text
from bot.text import people
from storage import models

WITHOUT = "without"
VOTES = "votes"
_COMMAS = ",，、"
_QUOTES = str.maketrans("“”„«»「」", '"""""""')


def condition_values(alert: models.Alert) -> dict[str, str]:
    """Return the texts of the form: the terms and the minimum votes."""
    values = {
        kind.value: join_items(term.text for term in alert.terms if term.kind is kind)
        for kind in models.AlertKind
    }
    return values | {WITHOUT: join_items(alert.excluded), VOTES: str(alert.min_votes)}


def apply_conditions(draft: models.Alert, values: Mapping[str, str | None]) -> models.Alert:
    """Return the draft with the values of the form or of the options of `/alerts add`. Raises UserError."""
    terms = tuple(
        models.AlertTerm(kind, text)
        for kind in models.AlertKind
        for text in (_split_names if kind is models.AlertKind.AUTHOR else split_items)(
            values.get(kind.value) or ""
        )
    )
    votes = (values.get(VOTES) or "").strip() or "0"
    return replace(
        draft,
        terms=terms,
        excluded=tuple(split_items(values.get(WITHOUT) or "")),
        min_votes=client_options.parse_number(votes, "votes-not-a-number", 0, alerts_service.MAX_VOTES),
    )


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


def apply_time(draft: models.Alert, typed: Mapping[str, str]) -> models.Alert:
    """Return the draft with another time of day and the `zone` typed for it or beside it. Raises UserError."""
    zoned = client_options.move_zone({"zone": draft.timezone, **typed}, "time", "zone")
    at_time, zone = client_options.parse_time(zoned["time"]), client_options.parse_zone(zoned["zone"])
    return replace(draft, at_time=at_time, timezone=zone)


def join_items(items: Iterable[str]) -> str:
    """Join texts with commas; if one of them contains a comma, end each with a semicolon."""
    texts = list(items)
    return " ".join(f"{text};" for text in texts) if any("," in text for text in texts) else ", ".join(texts)


def split_items(text: str) -> list[str]:
    """Split a text at commas, or at semicolons or line ends if it has any. Quotation marks become straight."""
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
