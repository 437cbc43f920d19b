"""/status: one line a question. What came, what was posted here, what comes next, what is stuck and what to do."""

from __future__ import annotations

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import alert_post, list_state, notices, paper_text, subscriptions
from bot.rendering.discord_text import escape
from bot.services.operations.status import LastPost, StatusReport, SubscriptionStatus
from storage import models

REPEAT_POST = "pa"
MAX_POSTS = 10


def status_view(
    texts: Texts, report: StatusReport, *, guild_id: int | None, can_manage: bool
) -> ui.LayoutView:
    """Return the status. `manages` offers what only those who manage the server may do."""
    message = message_builder.MessageBuilder(
        accent=message_builder.RED
        if report.problem_deliveries or _inactive_subscriptions(report)
        else message_builder.AMBER
    )
    message.add_text(f"### {texts('status-heading')}")
    message.add_text(_archive_line(texts, report))
    if guild_id is not None:
        message.add_separator()
        message.add_text(_posts_text(texts, report, guild_id))
    if report.problem_deliveries:
        message.add_separator()
        message.add_text(_problems_text(texts, report))
    if can_manage and report.template_problems:
        message.add_separator()
        message.add_text(_templates_text(texts, report))
    message.add_separator()
    message.add_text(_alerts_text(texts, report))
    _add_buttons(texts, message, report, can_manage)
    return message.view


def _archive_line(texts: Texts, report: StatusReport) -> str:
    if report.newest_digest_on is None or report.last_ingested_at is None:
        return texts("status-no-digest")
    return texts(
        "status-digest",
        date=report.newest_digest_on.isoformat(),
        read=subscriptions.format_timestamp(report.last_ingested_at, "R"),
    )


def _posts_text(texts: Texts, report: StatusReport, guild_id: int) -> str:
    if not report.subscriptions:
        return texts("status-no-post")
    lines = [_post_text(texts, one, guild_id) for one in report.subscriptions[:MAX_POSTS]]
    if len(report.subscriptions) > MAX_POSTS:
        lines.append(texts("and-more", count=len(report.subscriptions) - MAX_POSTS))
    return "\n".join(lines)


def _post_text(texts: Texts, one: SubscriptionStatus, guild_id: int) -> str:
    channel = f"<#{one.subscription.channel_id}>"
    upcoming = subscriptions.next_post_text(texts, one.subscription)
    return f"{channel} · {_last_post_text(texts, one.last_post, guild_id)}\n{texts('status-next', next=upcoming)}"


def _last_post_text(texts: Texts, posted: LastPost | None, guild_id: int | None) -> str:
    if posted is None:
        return texts("status-no-message")
    return texts("status-last", last=_post_link(texts, posted, guild_id))


def _post_link(texts: Texts, posted: LastPost, guild_id: int | None) -> str:
    when = subscriptions.format_timestamp(posted.at, "R")
    if posted.message_id is None or posted.channel_id is None:
        return when
    place = "@me" if guild_id is None else str(guild_id)
    return f"[{texts('status-message')}](https://discord.com/channels/{place}/{posted.channel_id}/{posted.message_id}) {when}"


def _problems_text(texts: Texts, report: StatusReport) -> str:
    lines = []
    for delivery in report.problem_deliveries:
        place = f"<#{delivery.channel_id}>" if delivery.guild_id is not None else texts("status-to-you")
        state = texts(f"delivery-{delivery.state.value}")
        when = subscriptions.format_timestamp(delivery.due_at, "R")
        lines.append(f"**{place} · {state}** {when}\n{notices.reason_text(texts, delivery.reason)}")
    return "\n".join(lines)


def _templates_text(texts: Texts, report: StatusReport) -> str:
    """Return the failing templates by file and line. Their folder and the reason are for the operator, in the log."""
    files = dict.fromkeys(problem.short_location for problem in report.template_problems)
    return texts("status-templates", files=escape.escape_text(", ".join(files)))


def _alerts_text(texts: Texts, report: StatusReport) -> str:
    if not report.alert_count:
        return texts("status-no-alerts")
    lines = [
        texts(
            "status-alerts",
            count=report.alert_count,
            last=_last_post_text(texts, report.last_alert_post, None),
        )
    ]
    barred = [rule.reason for rule in report.inactive_alerts if rule.reason]
    lines += [paper_text.subtext(notices.reason_text(texts, reason)) for reason in dict.fromkeys(barred)]
    return "\n".join(lines)


def _add_buttons(
    texts: Texts, message: message_builder.MessageBuilder, report: StatusReport, manages: bool
) -> None:
    again = [
        one
        for one in report.problem_deliveries
        if one.state is models.DeliveryState.UNCERTAIN and one.guild_id
    ]
    row = []
    if manages and again:
        row.append(message_builder.button(texts("post-again"), custom_ids.pack(REPEAT_POST, again[0].id)))
    stopped = _inactive_subscriptions(report)
    if manages and stopped:
        row.append(
            message_builder.button(texts("resume-post"), custom_ids.pack(notices.RESUME, stopped[0].id))
        )
    if report.alert_count:
        row.append(message_builder.button(texts("alert-manage"), custom_ids.pack(alert_post.MANAGE, 0)))
    if report.newest_digest_on is not None:
        newest = list_state.ListState(list_state.ListKind.DIGEST)
        row.append(message_builder.button(texts("newest-digest"), list_state.pack(newest)))
    message.add_buttons(*row)


def _inactive_subscriptions(report: StatusReport) -> list[models.Subscription]:
    return [
        one.subscription
        for one in report.subscriptions
        if one.subscription.state is not models.ActivityState.ACTIVE
    ]
