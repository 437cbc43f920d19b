"""The days of `/digest`: their labels, the menu of the days around one, and the nearest to a day without a digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from discord import ui

from bot.client.components import message_builder
from bot.client.translations import Texts
from bot.client.views.papers import list_state

SELECT_DAY = "ld"
_BETWEEN = "/"
"""Between the first and the last day of a period, as ISO 8601 has it."""


def format_span(first: date, last: date) -> str:
    """Return the text of a list's state for a day or a period."""
    return first.isoformat() if first == last else f"{first}{_BETWEEN}{last}"


def parse_span(text: str) -> tuple[date, date] | None:
    """Return the first and the last day of a text that `format_span` wrote; None for "". Raises ValueError."""
    first, _, last = text.partition(_BETWEEN)
    return (date.fromisoformat(first), date.fromisoformat(last or first)) if text else None


def label_days(texts: Texts, papers_by_day: Mapping[date, int], today: date) -> tuple[tuple[str, str], ...]:
    """Return the label (`Today · 12 papers`, `Dec 30 · 8 papers`) and the ISO date of each day."""
    return tuple(
        (f"{texts.format_day(day, today)} · {texts('choice-papers', count=count)}", day.isoformat())
        for day, count in papers_by_day.items()
    )


def day_menu(
    texts: Texts, state: list_state.ListState, days: Sequence[tuple[str, str]]
) -> ui.Item[Any] | None:
    """Return the menu of other days with a digest; None if there are none."""
    if len(days) < 2:
        return None
    options = [message_builder.select_option(label, day, selected=day == state.text) for label, day in days]
    custom_id = list_state.pack(state.replace(page=0), SELECT_DAY)
    return message_builder.select_menu(texts("choose-day"), custom_id, options)


def nearest_days(days: Sequence[date], first: date, last: date) -> list[date]:
    """Return the last of the days before a period and the first after it, the nearer one first."""
    before = max((day for day in days if day < first), default=None)
    after = min((day for day in days if day > last), default=None)
    distances = {before: first - before} if before else {}
    distances |= {after: after - last} if after else {}
    return sorted(distances, key=distances.__getitem__)
