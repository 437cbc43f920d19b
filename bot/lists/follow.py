"""The menu of a paper's card that creates an alert for one of its topics, its institution or one of its authors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import discord
from discord import ui

from bot.client import custom_ids, message_builder
from bot.client.translations import Texts
from bot.lists import messages as lists_messages
from bot.rendering import discord_text
from storage import models

FOLLOW_OF_PAPER = "fo"
MAX_TOPICS = 8
_KINDS = {kind.value[0]: kind for kind in models.AlertKind}


def follow_menu(texts: Texts, detail: models.PaperDetail, topics: Sequence[str]) -> ui.Item[Any] | None:
    """Return the menu; None for a paper without topics, institution and authors."""
    options = list(_options(texts, detail, topics))
    custom_id = custom_ids.pack(FOLLOW_OF_PAPER, detail.arxiv_id)
    return message_builder.select_menu(texts("follow-of-paper"), custom_id, options)


def _options(
    texts: Texts, detail: models.PaperDetail, topics: Sequence[str]
) -> Iterator[discord.SelectOption]:
    for topic in topics[:MAX_TOPICS]:
        if len(topic) < discord_text.SELECT_VALUE:
            yield _option(texts, models.AlertKind.KEYWORD, topic, topic)
    if detail.organization:
        yield _option(texts, models.AlertKind.INSTITUTION, detail.organization, "")
    for number, name in enumerate(detail.authors):
        yield _option(texts, models.AlertKind.AUTHOR, name, str(number))


def _option(texts: Texts, kind: models.AlertKind, label: str, value: str) -> discord.SelectOption:
    return message_builder.select_option(
        label, kind.value[0] + value, description=texts(f"follow-kind-{kind.value}")
    )


def selected_term(detail: models.PaperDetail, value: str) -> models.AlertTerm:
    """Return the term of a selected value. Raises InvalidCustomIdError for one that the paper does not have."""
    with custom_ids.map_parse_errors():
        kind = _KINDS[value[:1]]
    if kind is models.AlertKind.KEYWORD:
        return models.AlertTerm(kind, value[1:])
    if kind is models.AlertKind.PAPER:
        return models.AlertTerm(kind, detail.arxiv_id)
    names = detail.authors if kind is models.AlertKind.AUTHOR else (detail.organization or "",)
    number = custom_ids.parse_number(value[1:] or "0")
    if number >= len(names) or not names[number]:
        raise custom_ids.InvalidCustomIdError(f"the paper has no {value!r}")
    return models.AlertTerm(kind, names[number])


# Drafts of alerts as short JSON, for the custom ids of buttons and modals, and the button that begins one.
#
# Default values are left out; so are the reader, the server and the time of creation, which the interaction has.

EDIT_CONDITIONS = "ae"

MAX_DRAFT_LENGTH = 70
"""Longest draft in a custom id; a longer one is stored under a token."""

EMPTY_DRAFT = models.Alert(id=0, user_id=0, terms=(), created_at=datetime(1970, 1, 1, tzinfo=UTC))

_PLAIN_FIELDS = {
    "i": "id",
    "a": "match_all",
    "v": "min_votes",
    "f": "translations",
    "h": "at_time",
    "z": "timezone",
    "d": "weekday",
    "n": "max_papers",
    "c": "channel_id",
}


def pack_draft(draft: models.Alert) -> str:
    """Return a draft as JSON."""
    values: dict[str, Any] = {
        key: value
        for key, name in _PLAIN_FIELDS.items()
        if (value := getattr(draft, name)) != getattr(EMPTY_DRAFT, name)
    }
    if draft.terms:
        values["t"] = [term.kind.value[0] + term.text for term in draft.terms]
    if draft.excluded:
        values["x"] = list(draft.excluded)
    if draft.language is not None:
        values["l"] = draft.language.value
    if draft.timing is not models.AlertTiming.AT_ONCE:
        values["w"] = draft.timing.value
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def pack_stored(alert_id: int) -> str:
    """Return the JSON of a stored alert as it is: its id alone."""
    return pack_draft(replace(EMPTY_DRAFT, id=alert_id))


def begin_alert_button(texts: Texts, topic: str = "") -> ui.Item[Any]:
    """Return the button that opens the form of a new alert, for the words of a topic if there is one."""
    terms = lists_messages.alert_terms(lists_messages.ListState(lists_messages.ListKind.TOPIC, topic))
    if terms is not None:
        kind, text, min_votes = terms
        packed = pack_draft(replace(EMPTY_DRAFT, terms=(models.AlertTerm(kind, text),), min_votes=min_votes))
        if len(packed) <= MAX_DRAFT_LENGTH:
            label = texts("follow-author" if kind is models.AlertKind.AUTHOR else "follow-topic")
            return message_builder.button(label, custom_ids.pack(EDIT_CONDITIONS, packed), emoji="🔔")
    return message_builder.button(
        texts("post-follow"), custom_ids.pack(EDIT_CONDITIONS, pack_draft(EMPTY_DRAFT)), emoji="🔔"
    )


def unpack_draft(text: str) -> models.Alert:
    """Return the draft that `pack` wrote. Raises InvalidCustomIdError."""
    with custom_ids.map_parse_errors():
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("a draft is an object")
        plain = {
            name: _plain_value(values[key], name) for key, name in _PLAIN_FIELDS.items() if key in values
        }
        return replace(
            EMPTY_DRAFT,
            terms=tuple(models.AlertTerm(_KINDS[term[:1]], term[1:]) for term in _texts(values, "t")),
            excluded=tuple(_texts(values, "x")),
            language=models.Locale(values["l"]) if "l" in values else None,
            timing=models.AlertTiming(values.get("w", models.AlertTiming.AT_ONCE)),
            **plain,
        )


def _plain_value(value: object, name: str) -> Any:
    """Return a value of a field. Raises ValueError for one of another type, or a number that no field can have."""
    default = getattr(EMPTY_DRAFT, name)
    kind = int if default is None else type(default)
    if type(value) is not kind or (isinstance(value, int) and not 0 <= value <= custom_ids.MAX_NUMBER):
        raise ValueError(f"{name} is {value!r}")
    return value


def _texts(values: dict[str, object], key: str) -> list[str]:
    texts = values.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{key!r} is no list of texts")
    return texts
