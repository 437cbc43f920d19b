"""`/status`: the archive, the server's posts, problems with deliveries and templates, and the reader's alerts."""

from __future__ import annotations

from datetime import timedelta

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import alert_post, notices, schedule_text, subscriptions, today
from bot.client.views.papers import list_state, paper_text
from bot.rendering.discord_text import escape
from bot.services.operations.clock_monitor import ClockStep
from bot.services.operations.status import LastPost, StatusReport
from bot.services.outbox.discord_health import HealthState
from bot.services.outbox.request_budget import MAX_INVALID
from storage import models

REPEAT_POST = "pa"
MAX_POSTS = 10


def status_view(
    texts: Texts,
    report: StatusReport,
    *,
    guild_id: int | None,
    can_manage: bool,
    writer_command: str = "",
    has_reader: bool = True,
) -> ui.LayoutView:
    """Return the status. `can_manage` adds what is only for members who manage the server.

    `has_reader` is false outside Discord, where no alerts are a reader's own.
    `writer_command` shows the state of the writer; "" unless it has no tokens left for papers of the newest day.
    """
    has_problem = report.problem_deliveries or _inactive_subscriptions(report)
    message = message_builder.MessageBuilder(message_builder.RED if has_problem else message_builder.AMBER)
    message.add_text(f"### {texts('status-heading')}")
    message.add_text(_archive_line(texts, report))
    if report.clock_step is not None:
        message.add_text(_clock_text(texts, report.clock_step))
    if can_manage:
        message.add_text(_discord_text(texts, report))
    if writer_command:
        message.add_text(texts("status-writer-budget", command=writer_command))
    if guild_id is not None:
        message.add_separator()
        message.add_text(_posts_text(texts, report, guild_id))
    if report.problem_deliveries:
        message.add_separator()
        message.add_text(_problems_text(texts, report))
    if can_manage and report.template_problems:
        message.add_separator()
        message.add_text(_templates_text(texts, report))
    if has_reader:
        message.add_separator()
        message.add_text(_alerts_text(texts, report))
        message.add_text(today.suspended_text(texts, report.today_reason))
    _add_buttons(texts, message, report, can_manage)
    return message.view


def _archive_line(texts: Texts, report: StatusReport) -> str:
    if report.newest_digest_on is None or report.last_ingested_at is None:
        return texts("status-no-digest")
    return texts(
        "status-digest",
        date=report.newest_digest_on.isoformat(),
        read=schedule_text.format_timestamp(report.last_ingested_at, "R"),
    )


def _clock_text(texts: Texts, step: ClockStep) -> str:
    minutes = round(abs(step.by).total_seconds() / 60)
    duration = texts("duration", hours=minutes // 60, minutes=minutes % 60)
    if step.is_held:
        return texts("status-clock-held", by=duration)
    direction = "ahead" if step.by > timedelta(0) else "back"
    at = schedule_text.format_timestamp(step.at, "R")
    return texts("status-clock-moved", by=duration, direction=direction, at=at)


def _discord_text(texts: Texts, report: StatusReport) -> str:
    refused = texts("status-discord-refused", count=report.invalid_requests, limit=MAX_INVALID)
    lines = [paper_text.subtext(refused)]
    if report.discord_state is not HealthState.WELL:
        lines.insert(0, texts(f"status-discord-{report.discord_state.value}"))
    return "\n".join(lines)


def _posts_text(texts: Texts, report: StatusReport, guild_id: int) -> str:
    if not report.subscriptions:
        return texts("status-no-post")
    lines = [_post_text(texts, *row, guild_id) for row in report.subscriptions[:MAX_POSTS]]
    if len(report.subscriptions) > MAX_POSTS:
        lines.append(texts("and-more", count=len(report.subscriptions) - MAX_POSTS))
    return "\n".join(lines)


def _post_text(
    texts: Texts, subscription: models.Subscription, last_post: LastPost | None, guild_id: int
) -> str:
    last = _last_post_text(texts, last_post, guild_id)
    upcoming = subscriptions.next_post_text(texts, subscription)
    return f"<#{subscription.channel_id}> · {last}\n{texts('status-next', next=upcoming)}"


def _last_post_text(texts: Texts, post: LastPost | None, guild_id: int | None) -> str:
    if post is None:
        return texts("status-no-message")
    delivery, part = post
    last = schedule_text.format_timestamp(delivery.finished_at or delivery.due_at, "R")
    channel_id = (part and part.channel_id) or delivery.channel_id
    if part is not None and channel_id is not None:
        address = f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{part.message_id}"
        last = f"[{texts('status-message')}]({address}) {last}"
    return texts("status-last", last=last)


def _problems_text(texts: Texts, report: StatusReport) -> str:
    lines = []
    for delivery in report.problem_deliveries:
        recipient = f"<#{delivery.channel_id}>" if delivery.guild_id is not None else texts("status-to-you")
        state = texts(f"delivery-{delivery.state.value}")
        due = schedule_text.format_timestamp(delivery.due_at, "R")
        lines.append(f"**{recipient} · {state}** {due}\n{notices.reason_text(texts, delivery.reason)}")
    return "\n".join(lines)


def _templates_text(texts: Texts, report: StatusReport) -> str:
    """Return the failing templates by file and line; folder and reason are in the log, for the operator."""
    files = dict.fromkeys(problem.short_location for problem in report.template_problems)
    return texts("status-templates", files=escape.escape_text(", ".join(files)))


def _alerts_text(texts: Texts, report: StatusReport) -> str:
    if not report.alert_count:
        return texts("status-no-alerts")
    last = _last_post_text(texts, report.last_alert_post, None)
    lines = [texts("status-alerts", count=report.alert_count, last=last)]
    reasons = dict.fromkeys(alert.reason for alert in report.inactive_alerts if alert.reason)
    lines += [paper_text.subtext(notices.reason_text(texts, reason)) for reason in reasons]
    return "\n".join(lines)


def _add_buttons(
    texts: Texts, message: message_builder.MessageBuilder, report: StatusReport, can_manage: bool
) -> None:
    uncertain = [
        delivery
        for delivery in report.problem_deliveries
        if delivery.state is models.DeliveryState.UNCERTAIN and delivery.guild_id
    ]
    row = []
    if can_manage and uncertain:
        row.append(message_builder.button(texts("post-again"), custom_ids.pack(REPEAT_POST, uncertain[0].id)))
    inactive = _inactive_subscriptions(report)
    if can_manage and inactive:
        resume_id = custom_ids.pack(notices.RESUME, inactive[0].id)
        row.append(message_builder.button(texts("resume-post"), resume_id))
    if report.alert_count:
        row.append(message_builder.button(texts("alert-manage"), custom_ids.pack(alert_post.MANAGE, 0)))
    if report.today_reason:
        row.append(today.send_button(texts, again=True))
    if report.newest_digest_on is not None:
        newest = list_state.ListState(list_state.ListKind.DIGEST)
        row.append(message_builder.button(texts("newest-digest"), list_state.pack(newest)))
    message.add_buttons(*row)


def _inactive_subscriptions(report: StatusReport) -> list[models.Subscription]:
    return [
        subscription
        for subscription, _ in report.subscriptions
        if subscription.state is not models.ActivityState.ACTIVE
    ]
