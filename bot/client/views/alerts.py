"""Making and managing alerts: the preview of a new rule, the list of a reader's rules, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import discord
from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import alert_post, paper_list, paper_text
from bot.client.views.notices import reason_text
from bot.services.alerts import alerts
from bot.services.posts.contents import Reason
from storage import models

CREATE = "ac"
EDIT = "ae"
SELECT = "as"
RESUME = "ar"
REMOVE = "ad"
REMOVE_ALL = "axx"
PAGE_SIZE = 20
MAX_TEXT_LENGTH = 60
"""What of a rule's text fits into a custom id beside the rest; longer ones are kept under a token."""


@dataclass(frozen=True, slots=True)
class AlertDraft:
    """A rule that is not made yet. `channel_id` is 0 for direct messages; `token` stands for a long text."""

    kind: models.AlertKind
    text: str
    min_votes: int = 0
    channel_id: int = 0
    token: str = ""


def pack(draft: AlertDraft, verb: str) -> str:
    """Return the custom id that asks for something to be done with a draft."""
    kind = draft.kind.value[0] + ("t" if draft.token else "")
    return custom_ids.pack(verb, kind, draft.min_votes, draft.channel_id, draft.token or draft.text)


def unpack(action: custom_ids.Action) -> AlertDraft:
    """Read a draft back; a text that is kept in storage comes as its token alone. Raises UnreadableError."""
    kind, min_votes, channel_id, text = action.fields(4)
    is_token = kind.endswith("t")
    with custom_ids.map_parse_errors():
        return AlertDraft(
            kind=models.AlertKind.AUTHOR if kind.startswith("a") else models.AlertKind.KEYWORD,
            text="" if is_token else text,
            min_votes=int(min_votes),
            channel_id=int(channel_id),
            token=text if is_token else "",
        )


def preview_view(texts: Texts, draft: AlertDraft, preview: alerts.AlertPreview) -> ui.LayoutView:
    """Return what the rule would have told, and the buttons that make or change it."""
    message = message_builder.MessageBuilder()
    message.add_text(f"### {alert_description(texts, draft.kind, draft.text, draft.min_votes)}")
    message.add_text(preview_text(texts, preview))
    message.add_text(paper_text.subtext(destination_line(texts, draft.channel_id or None)))
    message.add_buttons(
        message_builder.button(texts("alert-create"), pack(draft, CREATE), style=discord.ButtonStyle.primary),
        message_builder.button(texts("change"), pack(draft, EDIT)),
    )
    return message.view


def created_view(
    texts: Texts, alert: models.Alert, preview: alerts.AlertPreview | None = None
) -> ui.LayoutView:
    """Return the confirmation that a rule was made, with a way back."""
    message = message_builder.MessageBuilder()
    rule = alert_description(texts, alert.kind, alert.text, alert.min_votes)
    message.add_text(f"{texts('alert-made')}\n**{rule}**")
    if preview is not None:
        message.add_text(preview_text(texts, preview))
    message.add_text(paper_text.subtext(destination_line(texts, alert.channel_id)))
    message.add_buttons(
        message_builder.button(texts("alert-manage"), custom_ids.pack(alert_post.MANAGE, 0)),
        message_builder.button(texts("remove"), custom_ids.pack(REMOVE, alert.id)),
    )
    return message.view


def preview_text(texts: Texts, preview: alerts.AlertPreview) -> str:
    """Return how many papers the rule would have told in the last 30 days, and the latest of them."""
    lines = [texts("alert-would", count=preview.paper_count, busiest=preview.max_per_day)]
    for row in preview.latest:
        title = paper_text.title_link(row.title, row.arxiv_id, row.url, max_characters=500, max_bytes=1500)
        lines.append(f"- {title} {paper_text.format_votes(row.votes)}")
    return "\n".join(lines)


def list_view(texts: Texts, rules: Sequence[models.Alert], page: int, now: datetime) -> ui.LayoutView:
    """Return a page of a reader's rules with a menu to pick one, or how to make the first."""
    message = message_builder.MessageBuilder()
    if not rules:
        message.add_text(texts("no-alerts"))
        return message.view
    pages = -(-len(rules) // PAGE_SIZE)
    page = max(0, min(page, pages - 1))
    shown = rules[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    message.add_text(f"### {texts('alerts-heading', count=len(rules))}")
    message.add_text("\n".join(f"- {_list_line(texts, rule, now)}" for rule in shown))
    options = [
        message_builder.select_option(
            _plain_description(texts, rule), str(rule.id), description=_plain_state(texts, rule, now)
        )
        for rule in shown
    ]
    message.add_select(message_builder.select_menu(texts("alert-pick"), custom_ids.pack(SELECT), options))
    if pages > 1:
        turn = paper_list.pager(
            page, pages, lambda wanted: custom_ids.pack(alert_post.MANAGE, wanted), "pr:page:m"
        )
        message.add_buttons(*turn)
    message.add_buttons(message_builder.button(texts("alert-stop-all"), custom_ids.pack(alert_post.STOP_ALL)))
    return message.view


def alert_detail_view(texts: Texts, rule: models.Alert, now: datetime) -> ui.LayoutView:
    """Return one rule and what can be done with it."""
    message = message_builder.MessageBuilder()
    message.add_text(f"### {alert_description(texts, rule.kind, rule.text, rule.min_votes)}")
    message.add_text(_state_line(texts, rule, now))
    message.add_text(paper_text.subtext(destination_line(texts, rule.channel_id)))
    silent = is_inactive(rule, now)
    message.add_buttons(
        message_builder.button(texts("resume"), custom_ids.pack(RESUME, rule.id))
        if silent
        else message_builder.button(
            texts("alert-pause-week-all"), custom_ids.pack(alert_post.PAUSE_WEEK, rule.id)
        ),
        message_builder.button(texts("remove"), custom_ids.pack(REMOVE, rule.id)),
        message_builder.button(texts("back"), custom_ids.pack(alert_post.MANAGE, 0)),
    )
    return message.view


def confirm_remove_all_view(texts: Texts, count: int) -> ui.LayoutView:
    """Return the question whether all rules are to go."""
    message = message_builder.MessageBuilder()
    message.add_text(texts("alert-stop-all-sure", count=count))
    message.add_buttons(
        message_builder.button(
            texts("alert-remove-all"), custom_ids.pack(REMOVE_ALL), style=discord.ButtonStyle.danger
        ),
        message_builder.button(texts("back"), custom_ids.pack(alert_post.MANAGE, 0)),
    )
    return message.view


def alert_description(texts: Texts, kind: models.AlertKind, text: str, min_votes: int) -> str:
    """Return a rule in texts, escaped: `Papers with “강화 학습”, at least ▲ 10`."""
    rule = texts(f"rule-{kind.value}", text=paper_text.escape_untrusted(text))
    return texts("rule-with-votes", rule=rule, votes=min_votes) if min_votes else rule


def destination_line(texts: Texts, channel_id: int | None) -> str:
    """Return where a rule tells."""
    return (
        texts("alert-by-dm") if channel_id is None else texts("alert-in-channel", channel=f"<#{channel_id}>")
    )


def is_inactive(rule: models.Alert, now: datetime) -> bool:
    """Tell whether a rule is paused or rests."""
    resting = rule.paused_until_at is not None and rule.paused_until_at > now
    return resting or rule.state is not models.ActivityState.ACTIVE


def _list_line(texts: Texts, rule: models.Alert, now: datetime) -> str:
    place = "" if rule.channel_id is None else f"<#{rule.channel_id}>"
    state = f"*{_state_line(texts, rule, now)}*" if is_inactive(rule, now) else ""
    return paper_text.join_dotted(
        alert_description(texts, rule.kind, rule.text[:MAX_TEXT_LENGTH], rule.min_votes), place, state
    )


def _plain_description(texts: Texts, rule: models.Alert) -> str:
    text = texts(f"rule-{rule.kind.value}", text=rule.text)
    return texts("rule-with-votes", rule=text, votes=rule.min_votes) if rule.min_votes else text


def _plain_state(texts: Texts, rule: models.Alert, now: datetime) -> str:
    return texts("alert-resting") if is_inactive(rule, now) else texts("alert-active")


def _state_line(texts: Texts, rule: models.Alert, now: datetime) -> str:
    if rule.state is not models.ActivityState.ACTIVE:
        return reason_text(texts, rule.reason or Reason.BY_HAND)
    if rule.paused_until_at is not None and rule.paused_until_at > now:
        return texts("alert-rests-until", until=f"<t:{int(rule.paused_until_at.timestamp())}:D>")
    return texts("alert-active")
