"""The options and form fields of an alert: the draft that typed values give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.alerts import messages as alerts_messages
from bot.alerts import service as alerts_service
from bot.client import custom_ids
from bot.client import options as client_options
from bot.daily import messages as daily_messages
from bot.text import people
from storage import models

MAX_VOTES = 99_999


def parse_terms(typed: Mapping[models.AlertKind, str | None]) -> tuple[models.AlertTerm, ...]:
    """Return the terms of the typed texts, which are separated by commas."""
    return tuple(
        models.AlertTerm(kind, text)
        for kind, texts in typed.items()
        for text in (_split_names if kind is models.AlertKind.AUTHOR else alerts_messages.split_items)(
            texts or ""
        )
    )


def _split_names(text: str) -> list[str]:
    """Return the names in a text. `Levine, Sergey` is one name: two single words in Latin letters, last name first."""
    names = alerts_messages.split_items(text)
    is_one = len(names) == 2 and not any(" " in name or people.split_hangul(name) for name in names)
    return [f"{names[1]} {names[0]}"] if is_one else names


def apply_conditions(draft: models.Alert, values: Mapping[str, str]) -> models.Alert:
    """Return the draft with the values of the modal for what it matches."""
    chosen = set(values.get(alerts_messages.OPTIONS, "").split(","))
    languages = [locale for locale in models.Locale if locale.value in chosen]
    typed = parse_terms({kind: values.get(field) for kind, field in alerts_messages.TERM_FIELDS.items()})
    kept = tuple(term for term in draft.terms if term.kind not in alerts_messages.TERM_FIELDS)
    return replace(
        draft,
        terms=(*typed, *kept),
        excluded=tuple(alerts_messages.split_items(values.get(alerts_messages.WITHOUT, ""))),
        match_all=alerts_messages.ALL in chosen,
        translations=alerts_messages.FORMS in chosen,
        language=languages[0] if len(languages) == 1 else None,
    )


def apply_when(draft: models.Alert, value: str) -> models.Alert:
    """Return the draft with a timing of the menu: `now`, `daily`, `weekly-1`. Raises InvalidCustomIdError for others."""
    chosen, _, day = value.partition("-")
    with custom_ids.map_parse_errors():
        timing = models.AlertTiming(chosen)
    return replace(draft, timing=timing, weekday=custom_ids.parse_number(day, 7) if day else draft.weekday)


def apply_timing(draft: models.Alert, values: Mapping[str, str]) -> models.Alert:
    """Return the draft with the values of the modal for when it is sent. Raises UserError, which names the field."""
    votes = values.get(daily_messages.VOTES, "").strip() or "0"
    most = values.get(alerts_messages.MOST, "")
    return replace(
        apply_when(draft, values.get(alerts_messages.TIMING, "")),
        at_time=client_options.parse_time(values.get(daily_messages.TIME, "")),
        timezone=client_options.parse_zone(values.get(daily_messages.ZONE, "")),
        min_votes=client_options.parse_number(votes, "votes-not-a-number", 0, MAX_VOTES),
        max_papers=client_options.parse_number(most, "papers-not-a-number", 1, alerts_service.MAX_PAPERS),
    )
