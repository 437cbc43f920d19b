"""Parses the options of `/alerts add` and the fields of the alert forms into a draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from bot.client import custom_ids
from bot.features.alerts import service as alerts_service
from bot.i18n import typed_values
from bot.text import people, query_parser
from storage import models

WITHOUT = "without"
VOTES = "votes"


def condition_values(alert: models.Alert) -> dict[str, str]:
    values = {
        kind.value: join_items(term.text for term in alert.terms if term.kind is kind)
        for kind in models.AlertKind
    }
    return values | {WITHOUT: join_items(alert.excluded), VOTES: str(alert.min_votes)}


class Words(NamedTuple):
    """The words of an alert and those that it leaves out. `are_read`: typed words were read as signs."""

    terms: Sequence[str]
    excluded: Sequence[str] = ()
    are_read: bool = False


def apply_conditions(draft: models.Alert, values: Mapping[str, str | None], words: Words) -> models.Alert:
    """Return the draft with the words and other values from the form or from `/alerts add`. Raises UserError."""
    texts = {
        models.AlertKind.KEYWORD: words.terms,
        models.AlertKind.AUTHOR: _split_names(values.get(models.AlertKind.AUTHOR.value) or ""),
        models.AlertKind.INSTITUTION: typed_values.split_items(
            values.get(models.AlertKind.INSTITUTION.value) or ""
        ),
    }
    terms = tuple(models.AlertTerm(kind, text) for kind in models.AlertKind for text in texts[kind])
    votes = (values.get(VOTES) or "").strip() or "0"
    left_out = dict.fromkeys(typed_values.split_items(values.get(WITHOUT) or ""))
    return replace(
        draft,
        terms=terms,
        excluded=tuple(left_out | dict.fromkeys(words.excluded)),
        min_votes=typed_values.parse_number(votes, "votes-not-a-number", 0, alerts_service.MAX_VOTES),
    )


def weekly_value(weekday: int) -> str:
    """Return the menu value for an ISO weekday: `weekly-1` for Mondays."""
    return f"{models.AlertTiming.WEEKLY.value}-{weekday}"


def apply_when(draft: models.Alert, value: str) -> models.Alert:
    """Return the draft with the timing from a menu value: `now`, `daily` or `weekly-1`.

    Raises InvalidCustomIdError for any other value.
    """
    chosen, _, day = value.partition("-")
    with custom_ids.map_parse_errors():
        timing = models.AlertTiming(chosen)
    return replace(draft, timing=timing, weekday=custom_ids.parse_number(day, 7) if day else draft.weekday)


def apply_time(draft: models.Alert, typed: Mapping[str, str]) -> models.Alert:
    """Return the draft with the typed `time` and `zone`. A zone typed after the time takes precedence. Raises UserError."""
    time, zone = typed_values.split_zone(typed["time"])
    at_time = typed_values.parse_time(time)
    zone = zone or typed_values.parse_zone(typed.get("zone", draft.timezone))
    return replace(draft, at_time=at_time, timezone=zone)


def join_items(items: Iterable[str]) -> str:
    """Join texts with commas or, if commas would be read otherwise, with a semicolon after each.

    They are if a text has one, or if they begin what is left out: *robots, not surveys*.
    """
    texts = list(items)
    joined = ", ".join(texts)
    _, left_out = query_parser.split_clause(joined)
    return (
        " ".join(f"{text};" for text in texts) if left_out or any("," in text for text in texts) else joined
    )


def read_words(text: str) -> Words:
    """Return the words of an alert, each item as a search reads it (herons | newts), and what they leave out."""
    terms, excluded, are_read = list[str](), list[str](), False
    if not any(separator in text.strip() for separator in typed_values.SEPARATORS):
        text, excluded = query_parser.split_clause(text)
        are_read = bool(excluded)
    for item in typed_values.split_items(text):
        query = query_parser.parse_query(item)
        terms.append(query.wanted if query.meant or query.excluded else item)
        excluded += query.excluded
        are_read = are_read or bool(query.meant)
    return Words([*filter(None, terms)], excluded, are_read)


def _split_names(text: str) -> list[str]:
    """Split a text into names. Two single Latin words are taken as one name, with the last name first: `Levine, Sergey`."""
    names = typed_values.split_items(text)
    is_one = len(names) == 2 and not any(" " in name or people.split_hangul(name) for name in names)
    return [f"{names[1]} {names[0]}"] if is_one else names
