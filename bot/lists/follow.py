"""The menu of a paper's card that creates an alert, and the button of posts that begins one; `alerts` handles both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import discord
from discord import ui

from bot.client import message_builder
from bot.client.message_builder import pack_custom_id
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
    custom_id = pack_custom_id(FOLLOW_OF_PAPER, detail.arxiv_id)
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
    with message_builder.map_parse_errors():
        kind = _KINDS[value[:1]]
    if kind is models.AlertKind.KEYWORD:
        return models.AlertTerm(kind, value[1:])
    if kind is models.AlertKind.PAPER:
        return models.AlertTerm(kind, detail.arxiv_id)
    names = detail.authors if kind is models.AlertKind.AUTHOR else (detail.organization or "",)
    number = message_builder.parse_number(value[1:] or "0")
    if number >= len(names) or not names[number]:
        raise message_builder.InvalidCustomIdError(f"the paper has no {value!r}")
    return models.AlertTerm(kind, names[number])


EDIT_CONDITIONS = "ae"
NEW_ALERT = "="
"""Before the topic of a new alert in a custom id. A post is rendered without storing anything, so it has no draft's token."""


def begin_alert_button(texts: Texts, topic: str = "") -> ui.Item[Any]:
    """Return the button that opens the form of a new alert, for the words of a topic if there is one."""
    terms = None
    if len(topic) <= lists_messages.MAX_TEXT_LENGTH:
        terms = lists_messages.alert_terms(lists_messages.ListState(lists_messages.ListKind.TOPIC, topic))
    if terms is None:
        label, topic = "post-follow", ""
    else:
        label = "follow-author" if terms[0] is models.AlertKind.AUTHOR else "follow-topic"
    custom_id = pack_custom_id(EDIT_CONDITIONS, NEW_ALERT + topic)
    return message_builder.button(texts(label), custom_id, emoji="🔔")
