"""The options and form fields of an alert: the draft that typed values give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.client.components import custom_ids
from bot.client.interactions import option_parsers
from bot.client.views import alert_modals, modals
from bot.services.alerts import validation
from bot.text.people import romanisation
from storage import models

MAX_VOTES = 99_999


def parse_terms(typed: Mapping[models.AlertKind, str | None]) -> tuple[models.AlertTerm, ...]:
    """Return the terms of the typed texts, which are separated by commas."""
    return tuple(
        models.AlertTerm(kind, text)
        for kind, texts in typed.items()
        for text in (_split_names if kind is models.AlertKind.AUTHOR else alert_modals.split_items)(
            texts or ""
        )
    )


def _split_names(text: str) -> list[str]:
    """Return the names in a text. `Levine, Sergey` is one name: two single words in Latin letters, last name first."""
    names = alert_modals.split_items(text)
    is_one = len(names) == 2 and not any(" " in name or romanisation.split_hangul(name) for name in names)
    return [f"{names[1]} {names[0]}"] if is_one else names


def apply_conditions(draft: models.Alert, values: Mapping[str, str]) -> models.Alert:
    """Return the draft with the values of the modal for what it matches."""
    chosen = set(values.get(alert_modals.OPTIONS, "").split(","))
    languages = [locale for locale in models.Locale if locale.value in chosen]
    typed = parse_terms({kind: values.get(field) for kind, field in alert_modals.TERM_FIELDS.items()})
    kept = tuple(term for term in draft.terms if term.kind not in alert_modals.TERM_FIELDS)
    return replace(
        draft,
        terms=(*typed, *kept),
        excluded=tuple(alert_modals.split_items(values.get(alert_modals.WITHOUT, ""))),
        match_all=alert_modals.ALL in chosen,
        translations=alert_modals.FORMS in chosen,
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
    votes = values.get(modals.VOTES, "").strip() or "0"
    most = values.get(alert_modals.MOST, "")
    return replace(
        apply_when(draft, values.get(alert_modals.TIMING, "")),
        at_time=option_parsers.parse_time(values.get(modals.TIME, "")),
        timezone=option_parsers.parse_zone(values.get(modals.ZONE, "")),
        min_votes=option_parsers.parse_number(votes, "votes-not-a-number", 0, MAX_VOTES),
        max_papers=option_parsers.parse_number(most, "papers-not-a-number", 1, validation.MAX_PAPERS),
    )
