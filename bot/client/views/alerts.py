"""`/alerts`: the preview of a new alert, the list of a reader's alerts, and the view of a single alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import discord
from discord import ui

from bot.client.components import custom_ids
from bot.client.components.message_builder import MessageBuilder, button, select_menu, select_option
from bot.client.translations import Texts
from bot.client.views import alert_post
from bot.client.views.notices import reason_text, text_view
from bot.client.views.papers import paper_list, paper_text
from bot.services.alerts import alerts
from bot.services.posts.contents import Reason
from storage import models

CREATE = "ac"
EDIT = "ae"
SELECT = "as"
RESUME = "ar"
REMOVE = "ad"
REMOVE_ALL = "axx"
SERVER_LIST = "ag"
SERVER_SELECT = "agp"
SERVER_REMOVE = "agx"
PAGE_SIZE = 20
MAX_TEXT_LENGTH = 60
"""Longest text in a custom id; a longer text is stored under a token."""


@dataclass(frozen=True, slots=True)
class AlertDraft:
    """An alert that is not stored yet. `channel_id` is 0 for direct messages; `token` replaces a long text."""

    kind: models.AlertKind
    text: str
    min_votes: int = 0
    channel_id: int = 0
    token: str = ""


def pack(draft: AlertDraft, verb: str) -> str:
    """Return the custom id of an action on a draft."""
    kind = draft.kind.value[0] + ("t" if draft.token else "")
    return custom_ids.pack(verb, kind, draft.min_votes, draft.channel_id, draft.token or draft.text)


def unpack(action: custom_ids.Action) -> AlertDraft:
    """Return the draft that `pack` wrote, of a stored text the token alone. Raises InvalidCustomIdError."""
    kind, min_votes, channel_id, text = action.fields(4)
    is_token = kind.endswith("t")
    with custom_ids.map_parse_errors():
        return AlertDraft(
            kind={of.value[0]: of for of in models.AlertKind}[kind[:1]],
            text="" if is_token else text,
            min_votes=custom_ids.parse_number(min_votes),
            channel_id=custom_ids.parse_number(channel_id),
            token=text if is_token else "",
        )


def preview_view(texts: Texts, draft: AlertDraft, preview: alerts.AlertPreview) -> ui.LayoutView:
    """Return the recent matches of a draft, with the buttons to create or change the alert."""
    message = MessageBuilder()
    message.add_text(f"### {alert_description(texts, draft.kind, draft.text, draft.min_votes)}")
    message.add_text(preview_text(texts, preview))
    message.add_text(paper_text.subtext(destination_line(texts, draft.channel_id or None)))
    message.add_buttons(
        button(texts("alert-create"), pack(draft, CREATE), style=discord.ButtonStyle.primary),
        button(texts("change"), pack(draft, EDIT)),
    )
    return message.view


def created_view(texts: Texts, alert: models.Alert, preview: alerts.AlertPreview) -> ui.LayoutView:
    """Return the confirmation of a new alert, with buttons to list all and to remove it."""
    message = MessageBuilder()
    description = describe(texts, alert)
    message.add_text(f"{texts('alert-made')}\n**{description}**")
    message.add_text(preview_text(texts, preview))
    message.add_text(paper_text.subtext(destination_line(texts, alert.channel_id)))
    message.add_buttons(
        button(texts("alert-manage"), custom_ids.pack(alert_post.MANAGE, 0)),
        button(texts("remove"), custom_ids.pack(REMOVE, alert.id)),
    )
    return message.view


def preview_text(texts: Texts, preview: alerts.AlertPreview) -> str:
    """Return the number of matches in the last 30 days, and the latest of them."""
    paper_count, max_per_day, latest, _ = preview
    lines = [texts("alert-would", count=paper_count, busiest=max_per_day)]
    for row in latest:
        title = paper_text.title_link(row.title, row.arxiv_id, row.url, max_characters=500, max_bytes=1500)
        lines.append(f"- {title} {paper_text.format_votes(row.votes)}")
    return "\n".join(lines)


def list_view(
    texts: Texts,
    rows: Sequence[models.Alert],
    page: int,
    now: datetime,
    *,
    can_manage: bool = False,
    in_server: bool = False,
) -> ui.LayoutView:
    """Return a page of alerts with a menu to select one: a reader's, or with `in_server` those of a server's channels.

    Without any it says how to create one. `can_manage` adds the button that shows those of the server.
    """
    server_button = button(texts("alerts-in-server"), custom_ids.pack(SERVER_LIST, 0)) if can_manage else None
    if not rows:
        return text_view(texts("no-server-alerts" if in_server else "no-alerts"), server_button)
    message = MessageBuilder()
    pages = -(-len(rows) // PAGE_SIZE)
    page = max(0, min(page, pages - 1))
    shown = rows[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    heading = texts("server-alerts-heading" if in_server else "alerts-heading", count=len(rows))
    message.add_text(f"### {heading}")
    lines = (_list_line(texts, alert, now, with_owner=in_server) for alert in shown)
    message.add_text("\n".join(f"- {line}" for line in lines))
    options = [
        select_option(
            _with_votes(
                texts, texts(f"rule-{alert.terms[0].kind.value}", text=terms_text(alert)), alert.min_votes
            ),
            str(alert.id),
            description=texts("alert-resting" if is_inactive(alert, now) else "alert-active"),
        )
        for alert in shown
    ]
    select, turn = (SERVER_SELECT, SERVER_LIST) if in_server else (SELECT, alert_post.MANAGE)
    message.add_select(select_menu(texts("alert-pick"), custom_ids.pack(select), options))
    message.add_buttons(
        *paper_list.pager(page, pages, lambda number: custom_ids.pack(turn, number), "pr:page:m")
    )
    if in_server:
        message.add_buttons(button(texts("back"), custom_ids.pack(alert_post.MANAGE, 0)))
    else:
        stop_all = button(texts("alert-stop-all"), custom_ids.pack(alert_post.STOP_ALL))
        message.add_buttons(stop_all, server_button)
    return message.view


def server_alert_view(texts: Texts, alert: models.Alert, now: datetime) -> ui.LayoutView:
    """Return an alert of a server's channel for a manager, with the button to end it, whoever made it."""
    message = MessageBuilder()
    message.add_text(f"### {describe(texts, alert)}")
    message.add_text(_state_line(texts, alert, now))
    made_by = texts("alert-made-by", user=f"<@{alert.user_id}>")
    message.add_text(paper_text.subtext(f"{destination_line(texts, alert.channel_id)} {made_by}"))
    message.add_buttons(
        button(texts("remove"), custom_ids.pack(SERVER_REMOVE, alert.id), style=discord.ButtonStyle.danger),
        button(texts("back"), custom_ids.pack(SERVER_LIST, 0)),
    )
    return message.view


def alert_detail_view(texts: Texts, alert: models.Alert, now: datetime) -> ui.LayoutView:
    """Return an alert with the buttons for its actions."""
    message = MessageBuilder()
    message.add_text(f"### {describe(texts, alert)}")
    message.add_text(_state_line(texts, alert, now))
    message.add_text(paper_text.subtext(destination_line(texts, alert.channel_id)))
    message.add_buttons(
        button(texts("resume"), custom_ids.pack(RESUME, alert.id))
        if is_inactive(alert, now)
        else button(texts("alert-pause-week-all"), custom_ids.pack(alert_post.PAUSE_WEEK, alert.id)),
        button(texts("remove"), custom_ids.pack(REMOVE, alert.id)),
        button(texts("back"), custom_ids.pack(alert_post.MANAGE, 0)),
    )
    return message.view


def confirm_remove_all_view(texts: Texts, count: int) -> ui.LayoutView:
    """Return the confirmation of removing all alerts."""
    remove = button(texts("alert-remove-all"), custom_ids.pack(REMOVE_ALL), style=discord.ButtonStyle.danger)
    back = button(texts("back"), custom_ids.pack(alert_post.MANAGE, 0))
    return text_view(texts("alert-stop-all-sure", count=count), remove, back)


def alert_description(texts: Texts, kind: models.AlertKind, text: str, min_votes: int) -> str:
    """Return the description of an alert, escaped: `Papers with “강화 학습”, at least ▲ 10`."""
    return _with_votes(texts, texts(f"rule-{kind.value}", text=paper_text.escape_untrusted(text)), min_votes)


def describe(texts: Texts, alert: models.Alert) -> str:
    """Return the description of a stored alert, escaped."""
    return alert_description(texts, alert.terms[0].kind, terms_text(alert), alert.min_votes)


def terms_text(alert: models.Alert) -> str:
    """Return the texts of an alert's terms in a line, not escaped."""
    return ", ".join(term.text for term in alert.terms)


def destination_line(texts: Texts, channel_id: int | None) -> str:
    """Return the destination of an alert: direct messages or a channel."""
    if channel_id is None:
        return texts("alert-by-dm")
    return texts("alert-in-channel", channel=f"<#{channel_id}>")


def is_inactive(alert: models.Alert, now: datetime) -> bool:
    """Return whether an alert is suspended, or snoozed at `now`."""
    is_snoozed = alert.paused_until_at is not None and alert.paused_until_at > now
    return is_snoozed or alert.state is not models.ActivityState.ACTIVE


def _list_line(texts: Texts, alert: models.Alert, now: datetime, *, with_owner: bool) -> str:
    channel = "" if alert.channel_id is None else f"<#{alert.channel_id}>"
    state = f"*{_state_line(texts, alert, now)}*" if is_inactive(alert, now) else ""
    text = terms_text(alert)[:MAX_TEXT_LENGTH]
    description = alert_description(texts, alert.terms[0].kind, text, alert.min_votes)
    owner = f"<@{alert.user_id}>" if with_owner else ""
    return paper_text.join_dotted(description, channel, owner, state)


def _with_votes(texts: Texts, description: str, min_votes: int) -> str:
    return texts("rule-with-votes", rule=description, votes=min_votes) if min_votes else description


def _state_line(texts: Texts, alert: models.Alert, now: datetime) -> str:
    if alert.state is not models.ActivityState.ACTIVE:
        return reason_text(texts, alert.reason or Reason.BY_HAND)
    if alert.paused_until_at is not None and alert.paused_until_at > now:
        return texts("alert-rests-until", until=f"<t:{int(alert.paused_until_at.timestamp())}:D>")
    return texts("alert-active")
