"""Why a paper was in an alert: the alerts that it matches, and buttons to get fewer of them."""

from __future__ import annotations

from collections.abc import Sequence

from discord import ui

from bot.client.components import custom_ids
from bot.client.components.message_builder import MessageBuilder, button
from bot.client.translations import Texts
from bot.client.views import alert_post, alert_text, alerts
from bot.client.views.papers import paper_text
from bot.services.posts import contents
from storage import models

MAX_MATCHED = 5
"""Alerts shown: 5 × (2 texts + row + 4 buttons) + 4 = 39 of 40 components."""

MatchedAlert = tuple[models.Alert, tuple[contents.AlertReason, ...]]
"""An alert that a paper matches, and why."""


def why_view(
    texts: Texts, paper: models.PaperDetail, matched: Sequence[MatchedAlert], user_id: int
) -> ui.LayoutView:
    """Return the alerts that a paper matches; those of `user_id` with buttons."""
    message = MessageBuilder()
    title = paper_text.title_link(paper.title, paper.arxiv_id, paper.url, max_characters=500, max_bytes=1500)
    message.add_text(f"**{texts('alert-why')}** · {title}" if matched else texts("alert-why-gone"))
    for alert, reasons in matched[:MAX_MATCHED]:
        found = ", ".join(
            texts(f"alert-found-{reason.found_in.value}", text=paper_text.escape_untrusted(reason.text))
            for reason in reasons[: alert_post.MAX_PAPERS]
        )
        message.add_text(f"{alert_text.describe_alert(texts, alert)}\n{paper_text.subtext(found)}")
        message.add_text(paper_text.subtext(alert_text.details(texts, alert)))
        if alert.user_id == user_id:
            message.add_buttons(*_buttons(texts, alert))
    return message.view


def fewer_view(texts: Texts, alert: models.Alert) -> ui.LayoutView:
    """Return what an alert sends from now on, with a button to change it."""
    message = MessageBuilder()
    message.add_text(texts("alert-fewer-done"))
    message.add_text(
        f"{alert_text.describe_alert(texts, alert)}\n{paper_text.subtext(alert_text.details(texts, alert))}"
    )
    message.add_buttons(*_buttons(texts, alert))
    return message.view


def _buttons(texts: Texts, alert: models.Alert) -> list[ui.Item[ui.LayoutView]]:
    return [
        button(texts("alert-fewer"), custom_ids.pack(alert_post.FEWER, alert.id)),
        button(texts("alert-mute"), custom_ids.pack(alert_post.MUTE, alert.id)),
        button(texts("change"), custom_ids.pack(alerts.SHOW, alert.id)),
    ]
