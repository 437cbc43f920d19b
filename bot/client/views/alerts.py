"""`/alerts`: the preview of an alert, the list of a reader's or a server's alerts, and the view of a single one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import discord
from discord import ui

from bot.client.components import custom_ids
from bot.client.components.message_builder import RED, MessageBuilder, button, select_menu, select_option
from bot.client.translations import Texts
from bot.client.views import alert_drafts, alert_post, alert_text
from bot.client.views.notices import text_view
from bot.client.views.papers import paper_list, paper_text
from bot.rendering.discord_text import limits, split
from bot.services.alerts import alerts
from storage import models

SAVE = "ac"
REPLACE = "acr"
MOVE = "ach"
EDIT_TIMING = "aet"
RETYPE_TIMING = "aer"
SHOW = "av"
SELECT = "as"
PAUSE = "apu"
RESUME = "ar"
REMOVE = "ad"
REMOVE_ALL = "axx"
SERVER_LIST = "ag"
SERVER_SELECT = "agp"
SERVER_REMOVE = "agx"
PAGE_SIZE = 15
_LIST_CHARACTERS = 3000
_PRIMARY = discord.ButtonStyle.primary


def preview_view(
    texts: Texts, draft: models.Alert, preview: alerts.AlertPreview, key: str, *, here_id: int | None = None
) -> ui.LayoutView:
    """Return the recent matches of a draft, with the buttons to save it and to change it.

    `key` is the packed draft or its token; `here_id` is a channel that the reader may send alerts to.
    """
    message = MessageBuilder()
    message.add_text(f"### {alert_text.describe_alert(texts, draft)}")
    message.add_text(paper_text.subtext(alert_text.details(texts, draft)))
    existing = preview.existing if preview.existing and preview.existing.id != draft.id else None
    if existing is not None:
        place = alert_text.place_and_time(texts, existing, alert_text.mention_channel)
        message.add_text(texts("alert-exists", place=place))
    message.add_text(preview_text(texts, preview))
    message.add_buttons(*_save_buttons(texts, draft, existing, key), *_edit_buttons(texts, key))
    message.add_buttons(*_further_buttons(texts, draft, key, here_id))
    return message.view


def _save_buttons(
    texts: Texts, draft: models.Alert, existing: models.Alert | None, key: str
) -> list[ui.Item[ui.LayoutView]]:
    """Return the button that saves a draft; of an alert that exists already, those that show it and change it to this."""
    if existing is None:
        label = "alert-save" if draft.id else "alert-create"
        return [button(texts(label), custom_ids.pack(SAVE, key), style=_PRIMARY)]
    show = button(texts("alert-show"), custom_ids.pack(SHOW, existing.id))
    if draft.id or alert_text.details(texts, draft) == alert_text.details(texts, existing):
        return [show]
    replace = button(texts("alert-replace"), custom_ids.pack(REPLACE, existing.id, key), style=_PRIMARY)
    return [replace, show]


def _edit_buttons(texts: Texts, key: str) -> list[ui.Item[ui.LayoutView]]:
    return [
        button(texts("alert-edit-conditions"), custom_ids.pack(alert_drafts.EDIT_CONDITIONS, key)),
        button(texts("alert-edit-timing"), custom_ids.pack(EDIT_TIMING, key)),
    ]


def _further_buttons(
    texts: Texts, draft: models.Alert, key: str, here_id: int | None
) -> list[ui.Item[ui.LayoutView]]:
    """Return the buttons that send the alert elsewhere, and the way back to a stored alert."""
    row = []
    if here_id is not None and here_id != draft.channel_id:
        row.append(button(texts("alert-move-here"), custom_ids.pack(MOVE, here_id, key)))
    if draft.channel_id is not None:
        row.append(button(texts("alert-move-dm"), custom_ids.pack(MOVE, 0, key)))
    if draft.id:
        row.append(button(texts("alert-discard"), custom_ids.pack(SHOW, draft.id)))
    return row


def refused_view(texts: Texts, reason: str, key: str) -> ui.LayoutView:
    """Return why a draft cannot become an alert, with the buttons that open what was typed. `key` as in `preview_view`."""
    return text_view(reason, *_edit_buttons(texts, key), accent=RED)


def timing_refused_view(texts: Texts, reason: str, token: str) -> ui.LayoutView:
    """Return why the times of a draft are refused, with the button that opens the modal again. `token` is for its values."""
    again = button(texts("subscription-form-again"), custom_ids.pack(RETYPE_TIMING, token), style=_PRIMARY)
    return text_view(reason, again, accent=RED)


def saved_view(
    texts: Texts, alert: models.Alert, preview: alerts.AlertPreview, *, is_new: bool
) -> ui.LayoutView:
    """Return the confirmation of a new or changed alert, with buttons to undo or change it and to list all."""
    message = MessageBuilder()
    heading = texts("alert-made" if is_new else "alert-changed")
    message.add_text(f"{heading}\n**{alert_text.describe_alert(texts, alert)}**")
    message.add_text(paper_text.subtext(alert_text.details(texts, alert)))
    message.add_text(preview_text(texts, preview))
    message.add_buttons(
        button(texts("alert-undo"), custom_ids.pack(REMOVE, alert.id)) if is_new else None,
        button(texts("change"), custom_ids.pack(SHOW, alert.id)),
        button(texts("alert-manage"), custom_ids.pack(alert_post.MANAGE, 0)),
    )
    return message.view


def tell_view(texts: Texts, alert: models.Alert) -> ui.LayoutView:
    """Return the confirmation of an alert for a paper that no digest has yet, with buttons to undo it and to list all."""
    return text_view(
        texts("tell-made", paper=paper_text.escape_untrusted(alert.terms[0].text)),
        button(texts("alert-undo"), custom_ids.pack(REMOVE, alert.id)),
        button(texts("alert-manage"), custom_ids.pack(alert_post.MANAGE, 0)),
    )


def existing_view(texts: Texts, alert: models.Alert) -> ui.LayoutView:
    """Return that the reader has this alert already, with the button that shows it."""
    place = alert_text.place_and_time(texts, alert, alert_text.mention_channel)
    return text_view(
        f"{texts('alert-exists', place=place)}\n**{alert_text.describe_alert(texts, alert)}**",
        button(texts("alert-show"), custom_ids.pack(SHOW, alert.id)),
    )


def preview_text(texts: Texts, preview: alerts.AlertPreview) -> str:
    """Return the number of matches in the last 30 days, and the latest of them."""
    lines = [texts("alert-would", count=preview.paper_count, busiest=preview.max_per_day)]
    for row in preview.latest:
        title = paper_text.title_link(row.title, row.arxiv_id, row.url, max_characters=500, max_bytes=1500)
        lines.append(f"- {title} {paper_text.format_votes(row.votes)}")
    return "\n".join(lines)


def list_view(
    texts: Texts,
    rows: Sequence[models.Alert],
    page: int,
    now: datetime,
    channel_name: alert_text.ChannelName,
    *,
    add_command: str = "",
    confirmation: str = "",
    can_manage: bool = False,
    in_server: bool = False,
) -> ui.LayoutView:
    """Return a page of alerts with a menu to select one: a reader's, or with `in_server` those of a server's channels.

    Without any it names the command that creates one. `confirmation` is a line above the list, such as what was just done;
    `can_manage` adds the button that shows the alerts of the server.
    """
    server_button = button(texts("alerts-in-server"), custom_ids.pack(SERVER_LIST, 0)) if can_manage else None
    if not rows:
        empty = texts("no-server-alerts") if in_server else texts("no-alerts", command=add_command)
        return text_view(empty, server_button)
    message = MessageBuilder()
    pages = -(-len(rows) // PAGE_SIZE)
    page = max(0, min(page, pages - 1))
    shown = rows[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    heading = texts("server-alerts-heading" if in_server else "alerts-heading", count=len(rows))
    message.add_text(confirmation)
    message.add_text(f"### {heading}")
    message.add_text("\n".join(_list_line(texts, alert, now, with_owner=in_server) for alert in shown))
    select, turn = (SERVER_SELECT, SERVER_LIST) if in_server else (SELECT, alert_post.MANAGE)
    options = [_option(texts, alert, now, channel_name) for alert in shown]
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


def _list_line(texts: Texts, alert: models.Alert, now: datetime, *, with_owner: bool) -> str:
    parts = [
        f"**{paper_text.escape_untrusted(alert_text.name(alert))}**",
        alert_text.place_and_time(texts, alert, alert_text.mention_channel),
        f"<@{alert.user_id}>" if with_owner else "",
    ]
    line = f"- {paper_text.join_dotted(*parts)}"
    if alert_text.is_inactive(alert, now):
        line += f"\n-# {alert_text.state(texts, alert, now)}"
    return split.shorten(line, _LIST_CHARACTERS // PAGE_SIZE)


def _option(
    texts: Texts, alert: models.Alert, now: datetime, channel_name: alert_text.ChannelName
) -> discord.SelectOption:
    """Return the option of an alert: its terms, and below them where and when, and whether it rests."""
    is_inactive = alert_text.is_inactive(alert, now)
    place = alert_text.place_and_time(texts, alert, channel_name)
    description = paper_text.join_dotted(place, texts("alert-resting") if is_inactive else "")
    return select_option(alert_text.name(alert, limits.SELECT_LABEL), str(alert.id), description=description)


def server_alert_view(texts: Texts, alert: models.Alert, now: datetime) -> ui.LayoutView:
    """Return an alert of a server's channel for a manager, with the button to end it, whoever made it."""
    message = _start_single(texts, alert, now)
    message.add_text(paper_text.subtext(texts("alert-made-by", user=f"<@{alert.user_id}>")))
    message.add_buttons(
        button(texts("remove"), custom_ids.pack(SERVER_REMOVE, alert.id), style=discord.ButtonStyle.danger),
        button(texts("back"), custom_ids.pack(SERVER_LIST, 0)),
    )
    return message.view


def alert_view(texts: Texts, alert: models.Alert, now: datetime) -> ui.LayoutView:
    """Return an alert with the buttons for its actions."""
    message = _start_single(texts, alert, now)
    message.add_buttons(*_edit_buttons(texts, alert_drafts.pack_stored(alert.id)))
    if alert_text.is_inactive(alert, now):
        rests = [button(texts("resume"), custom_ids.pack(RESUME, alert.id))]
    else:
        rests = [
            button(texts("alert-pause-week-all"), custom_ids.pack(alert_post.PAUSE_WEEK, alert.id)),
            button(texts("alert-pause"), custom_ids.pack(PAUSE, alert.id)),
        ]
    remove = button(texts("remove"), custom_ids.pack(REMOVE, alert.id), style=discord.ButtonStyle.danger)
    message.add_buttons(*rests, remove, button(texts("back"), custom_ids.pack(alert_post.MANAGE, 0)))
    return message.view


def _start_single(texts: Texts, alert: models.Alert, now: datetime) -> MessageBuilder:
    message = MessageBuilder()
    message.add_text(f"### {alert_text.describe_alert(texts, alert)}")
    message.add_text(paper_text.subtext(alert_text.details(texts, alert)))
    message.add_text(alert_text.state(texts, alert, now))
    return message


def confirm_remove_all_view(texts: Texts, count: int) -> ui.LayoutView:
    """Return the confirmation of removing all alerts, which also offers to let them rest."""
    return text_view(
        texts("alert-stop-all-sure", count=count),
        button(texts("alert-remove-all"), custom_ids.pack(REMOVE_ALL), style=discord.ButtonStyle.danger),
        button(texts("alert-pause-week-all"), custom_ids.pack(alert_post.PAUSE_WEEK, 0)),
        button(texts("back"), custom_ids.pack(alert_post.MANAGE, 0)),
    )
