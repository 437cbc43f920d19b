"""/status: one line a question. What came, what was posted here, what comes next, what is stuck and what to do."""

from __future__ import annotations

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Words
from bot.client.views import alert_post, list_state, notices, paper_text, subscriptions
from bot.services.operations.status import Posted, StatusReport, SubscriptionStatus
from storage import models

AGAIN = "pa"
MOST_POSTS = 10


def status_view(words: Words, report: StatusReport, *, guild_id: int | None, manages: bool) -> ui.LayoutView:
    """Return the status. `manages` offers what only those who manage the server may do."""
    message = message_builder.Sheet(
        accent=message_builder.RED if report.troubles or _stopped(report) else message_builder.AMBER
    )
    message.text(f"### {words('status-heading')}")
    message.text(_archive_line(words, report))
    if guild_id is not None:
        message.rule()
        message.text(_posts_text(words, report, guild_id))
    if report.troubles:
        message.rule()
        message.text(_troubles_text(words, report))
    message.rule()
    message.text(_alerts_text(words, report))
    _buttons(words, message, report, manages)
    return message.view


def _archive_line(words: Words, report: StatusReport) -> str:
    if report.newest_on is None or report.read_at is None:
        return words("status-no-digest")
    return words(
        "status-digest", date=report.newest_on.isoformat(), read=subscriptions.moment(report.read_at, "R")
    )


def _posts_text(words: Words, report: StatusReport, guild_id: int) -> str:
    if not report.posts:
        return words("status-no-post")
    lines = [_post_text(words, one, guild_id) for one in report.posts[:MOST_POSTS]]
    if len(report.posts) > MOST_POSTS:
        lines.append(words("and-more", count=len(report.posts) - MOST_POSTS))
    return "\n".join(lines)


def _post_text(words: Words, one: SubscriptionStatus, guild_id: int) -> str:
    channel = f"<#{one.subscription.channel_id}>"
    upcoming = subscriptions.next_text(words, one.subscription)
    return f"{channel} · {_last(words, one.last, guild_id)}\n{words('status-next', next=upcoming)}"


def _last(words: Words, posted: Posted | None, guild_id: int | None) -> str:
    if posted is None:
        return words("status-no-message")
    return words("status-last", last=_posted(words, posted, guild_id))


def _posted(words: Words, posted: Posted, guild_id: int | None) -> str:
    when = subscriptions.moment(posted.at, "R")
    if posted.message_id is None or posted.channel_id is None:
        return when
    place = "@me" if guild_id is None else str(guild_id)
    return f"[{words('status-message')}](https://discord.com/channels/{place}/{posted.channel_id}/{posted.message_id}) {when}"


def _troubles_text(words: Words, report: StatusReport) -> str:
    lines = []
    for delivery in report.troubles:
        place = f"<#{delivery.channel_id}>" if delivery.guild_id is not None else words("status-to-you")
        state = words(f"delivery-{delivery.state.value}")
        when = subscriptions.moment(delivery.due_at, "R")
        lines.append(f"**{place} · {state}** {when}\n{notices.reason_text(words, delivery.reason)}")
    return "\n".join(lines)


def _alerts_text(words: Words, report: StatusReport) -> str:
    if not report.alerts:
        return words("status-no-alerts")
    lines = [words("status-alerts", count=report.alerts, last=_last(words, report.last_alert, None))]
    barred = [rule.reason for rule in report.silent_alerts if rule.reason]
    lines += [paper_text.small(notices.reason_text(words, reason)) for reason in dict.fromkeys(barred)]
    return "\n".join(lines)


def _buttons(words: Words, message: message_builder.Sheet, report: StatusReport, manages: bool) -> None:
    again = [one for one in report.troubles if one.state is models.DeliveryState.UNCERTAIN and one.guild_id]
    row = []
    if manages and again:
        row.append(message_builder.button(words("post-again"), custom_ids.pack(AGAIN, again[0].id)))
    stopped = _stopped(report)
    if manages and stopped:
        row.append(
            message_builder.button(words("resume-post"), custom_ids.pack(notices.RESUME, stopped[0].id))
        )
    if report.alerts:
        row.append(message_builder.button(words("alert-manage"), custom_ids.pack(alert_post.MANAGE, 0)))
    if report.newest_on is not None:
        newest = list_state.ListState(list_state.ListKind.DIGEST)
        row.append(message_builder.button(words("newest-digest"), list_state.pack(newest)))
    message.buttons(*row)


def _stopped(report: StatusReport) -> list[models.Subscription]:
    return [
        one.subscription
        for one in report.posts
        if one.subscription.state is not models.SubscriptionState.ACTIVE
    ]
