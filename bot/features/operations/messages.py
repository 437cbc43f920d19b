"""Messages of `/status`, its page of sources, and `/help`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any

from discord import ui

from bot.client import custom_ids, message_builder, verbs
from bot.client import wording as client_wording
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import AMBER, RED, MessageBuilder, button
from bot.client.wording import MentionLookup
from bot.core import clock, day_close, program
from bot.features.operations import notices
from bot.features.operations.service import LastPost, StatusReport
from bot.i18n.texts import Texts
from bot.outbox import contents
from bot.papers import message_parts, paper_texts, post_names
from bot.papers import post_names as papers_post_names
from bot.rendering import discord_text
from bot.rendering.discord_text import escape_untrusted, join_dotted, shorten_label, subtext
from bot.search.our_lists import MIN_LISTED
from bot.sources import kinds, poller
from bot.text import query_parser
from storage import models
from storage.zotero import Trouble

SOURCES_PER_PAGE = 6
MAX_LABEL_LENGTH = 120
MAX_FAILING = 3
"""The maximum number of failing sources that `/status` names when papers have stopped, and of alerts that are not sent."""
HELP_SECTIONS = ("help-reading", "help-following")
"""Fluent ids of headings, whose attributes describe the commands below: `.alerts-add` is `/alerts add`."""
HELP_FOR_MANAGERS = "help-channel"
"""Fluent id of the heading for server managers."""
FOR_MANAGERS = frozenset(("club setup", "club now", "club skip"))
"""Manager commands that Discord shows to everyone, because other commands share their group."""


def status_view(
    texts: Texts, report: StatusReport, *, guild_id: int | None, can_manage: bool, names: Mapping[int, str]
) -> ui.LayoutView:
    """Return the status, with buttons and warnings for managers if `can_manage`. `names` maps channel ids to names."""
    inactive = [row for row, _ in report.subscriptions if row.state is not models.ActivityState.ACTIVE]
    is_troubled = any(row.reason != models.Reason.BY_HAND for row in inactive)
    stopped = _stopped_text(texts, report, report.calendar.closed_on)
    is_troubled = is_troubled or bool(report.problem_deliveries or report.lost_alerts)
    message = MessageBuilder(RED if is_troubled or stopped else AMBER)
    message.add_text(f"### {texts('status-heading')}")
    message.add_text(stopped or _archive_line(texts, report))
    if can_manage and not report.is_discord_well:
        message.add_text(texts("status-discord-troubled"))
    problems = defaultdict[int | None, list[models.Delivery]](list)
    listed = {row.id for row, _ in report.subscriptions[: post_names.MAX_LISTED]}
    for delivery in report.problem_deliveries:
        of_post = delivery.subscription_id if delivery.subscription_id in listed else None
        problems[None if of_post in problems else of_post].append(delivery)
    of_posts = texts("subscription-all") if can_manage else ""
    lists: list[tuple[list[str], Callable[[int], str]]] = [
        (
            _list_posts(texts, report, guild_id, problems) if guild_id is not None else [],
            partial(
                message_builder.tell_left,
                texts,
                further=len(report.subscriptions) - len(listed),
                where=of_posts,
            ),
        ),
        (
            [_problem_text(texts, row, report) for row in problems[None]],
            partial(message_builder.tell_left, texts, where=of_posts),
        ),
        (_list_zotero(texts, report.zotero), partial(message_builder.tell_left, texts)),
        _list_alerts(texts, report),
    ]
    message.add_lists(lists, subtext(f"Paperround {program.find_version()}"))
    if can_manage:
        message.add_buttons(*_post_buttons(texts, report, inactive, names))
    message.add_buttons(*_reader_buttons(texts, report))
    return message.view


def _post_buttons(
    texts: Texts, report: StatusReport, inactive: list[models.Subscription], names: Mapping[int, str]
) -> list[ui.Item[Any]]:
    """Return buttons for managers, labelled with the names of posts."""
    labels = post_names.name_posts(texts, [row for row, _ in report.subscriptions], names)

    def name(text_id: str, subscription_id: int | None) -> str:
        return join_dotted(texts(text_id), labels.get(subscription_id or 0))

    row = []
    uncertain = (row for row in report.problem_deliveries if row.is_uncertain and row.guild_id)
    if delivery := next(uncertain, None):
        label = name("post-again", delivery.subscription_id)
        row.append(button(label, pack_custom_id(verbs.REPEAT_POST, delivery.id)))
    if inactive:
        label = name("resume-post", inactive[0].id)
        row.append(button(label, pack_custom_id(verbs.RESUME_POST, inactive[0].id)))
    if len(report.subscriptions) > 1:
        row.append(button(texts("subscription-all"), pack_custom_id(verbs.LIST_POSTS)))
    return row


def _reader_buttons(texts: Texts, report: StatusReport) -> list[ui.Item[Any]]:
    row = []
    if report.alert_count or report.lost_alerts:
        row.append(button(texts("alert-manage"), pack_custom_id(verbs.LIST_ALERTS)))
    if report.today_reason:
        row.append(button(texts("today-send-again"), pack_custom_id(verbs.SEND_TODAY)))
    if report.listed_on:
        row.append(message_parts.newest_digest_button(texts))
    return [*row, button(texts("status-sources"), pack_custom_id(verbs.SHOW_SOURCES, 0))]


def _archive_line(texts: Texts, report: StatusReport) -> str:
    if not report.listed_on or report.last_ingested_at is None:
        hint = "" if report.sources else no_source_text(texts)
        return "\n".join(filter(None, (texts("status-no-digest"), hint)))
    read = discord_text.timestamp(report.last_ingested_at, "R")
    return texts("status-digest", date=texts.format_date(report.listed_on[0]), read=read)


def _stopped_text(texts: Texts, report: StatusReport, closed_on: date) -> str:
    """Return since when no papers have come, from which sources, and what to do; "" while fewer than two days are missed."""
    if len(day_close.find_missed_days(report.listed_on, closed_on)) < day_close.MISSED_DAYS:
        return ""
    newest = report.listed_on[0]
    lines = [texts("status-stopped", days=(closed_on - newest).days, date=texts.format_date(newest))]
    labels = kinds.public_labels(row.url for row in report.sources)
    failing = [row for row in report.sources if row.failures]
    for row in failing[:MAX_FAILING]:
        name = discord_text.code_span(shorten_label(labels[row.url], MAX_LABEL_LENGTH))
        lines.append(f"{name} · {_failure_text(texts, row, labels[row.url])}")
    if not report.sources:
        lines.append(texts("sources-files"))
    elif not failing:
        read_at = max((row.last_success_at for row in report.sources if row.last_success_at), default=None)
        lines.append(join_dotted(texts("status-stopped-unknown"), _last_read_text(texts, read_at)))
    lines.append(subtext(texts("status-stopped-do", command="`paperround doctor`")))
    return "\n".join(lines)


def no_source_text(texts: Texts) -> str:
    """Return a hint with the shell command that adds the default source."""
    return texts("status-no-source", command=discord_text.code_span(kinds.ADD_DEFAULT))


def _list_posts(
    texts: Texts,
    report: StatusReport,
    guild_id: int,
    problems: Mapping[int | None, Sequence[models.Delivery]],
) -> list[str]:
    if not report.subscriptions:
        return [texts("status-no-post")]
    shown: list[str] = []
    names = post_names.name_posts(texts, [row for row, _ in report.subscriptions], with_zone=True)
    for subscription, last_post in report.subscriptions[: post_names.MAX_LISTED]:
        upcoming = post_names.next_post_text(
            texts, subscription, report.calendar, is_ready=subscription.id in report.ready
        )
        missing = MIN_LISTED - report.listed_count
        if missing > 0 and query_parser.parse_query(subscription.topic).is_like_list:
            upcoming = join_dotted(texts("status-needs-list", count=missing), upcoming)
        last = _last_post_text(texts, last_post, guild_id)
        lines = [f"**{names[subscription.id]}**", join_dotted(upcoming, last)]
        zone = clock.stored_zone(subscription.timezone)
        # A post that is set up has dealt with its first day, even without papers.
        since_on = report.last_days.get(subscription.id) or clock.local_date(subscription.created_at, zone)
        came_on = clock.local_date(_came_at(last_post), zone) if last_post else since_on
        if subscription.last_on and max(since_on, came_on) < subscription.last_on:
            is_narrow = subscription.source or subscription.min_votes
            narrowed = "topic" if subscription.topic else "settings" if is_narrow else "no"
            silent = texts("status-silent", since="yes" if last_post else "no", narrowed=narrowed)
            lines.append(subtext(silent))
        lines += [f"⚠ {_trouble(texts, row, report)}" for row in problems.get(subscription.id, ())]
        shown.append("\n".join(lines))
    return shown


def _came_at(post: LastPost) -> datetime:
    return post.delivery.finished_at or post.delivery.due_at


def _last_post_text(texts: Texts, post: LastPost | None, guild_id: int) -> str:
    """Return when a post last came, with a link, named by the date in its heading; "" if never."""
    if post is None:
        return ""
    delivery, part = post
    at, on = discord_text.timestamp(_came_at(post), "R"), delivery.digest_on or delivery.local_on
    what = texts("status-post", date=texts.format_date(on) if on else "")
    channel_id = (part and part.channel_id) or delivery.channel_id
    if part is not None and channel_id is not None:
        what = f"[{what}]({discord_text.channel_url(guild_id, channel_id, part.message_id)})"
    return texts("status-last", what=what, at=at)


def _problem_text(texts: Texts, delivery: models.Delivery, report: StatusReport) -> str:
    recipient = f"<#{delivery.channel_id}>" if delivery.guild_id is not None else texts("status-to-you")
    what = ""
    if delivery.kind is models.DeliveryKind.CLUB:
        what = texts("status-discussion" if delivery.local_on is None else "status-club")
    return f"⚠ {join_dotted(recipient, what, _trouble(texts, delivery, report))}"


def _list_zotero(texts: Texts, trouble: Trouble) -> list[str]:
    if trouble.problem is not None:
        return [f"⚠ {texts('status-zotero', code=trouble.problem.code)}"]
    names = notices.link_refused(texts, [paper_key for paper_key, _ in trouble.refused])
    return [f"⚠ {texts('status-zotero-refused', papers=names)}"] if trouble.refused else []


def _trouble(texts: Texts, delivery: models.Delivery, report: StatusReport) -> str:
    due = discord_text.timestamp(delivery.due_at, "R")
    lacking, plain = report.refused_papers.get(delivery.id, ()), report.plain.get(delivery.id, ())
    if delivery.reason is None:
        names = notices.link_refused(texts, plain)
        state, reason = texts("delivery-plain", papers=names, count=len(plain)), texts("reason-plain")
    elif delivery.reason == models.Reason.REFUSED_CONTENT and lacking:
        names = notices.link_refused(texts, lacking)
        state, reason = texts("delivery-left-out", papers=names), texts("reason-left-out")
    else:
        state = texts("delivery-uncertain" if delivery.is_uncertain else f"delivery-{delivery.state.value}")
        reason = papers_post_names.reason_text(texts, delivery.reason)
    return f"**{state}** {due}\n{reason}"


def _list_alerts(texts: Texts, report: StatusReport) -> tuple[list[str], Callable[[int], str]]:
    """Return what is sent to the reader and what is not, and what says how much is left out."""
    lines = [texts("status-alerts", count=report.alert_count)] if report.alert_count else []
    if report.paused_alerts:
        lines.append(texts("status-alerts-paused", count=report.paused_alerts))
    if report.today_reason:
        lines.append(texts("today-suspended", reason=report.today_reason))
    lost = defaultdict[tuple[int | None, datetime | None], list[str]](list)
    for alert in report.lost_alerts:
        lost[alert.channel_id, alert.right_lost_at].append(", ".join(term.text for term in alert.terms))
    for (channel_id, lost_at), names in [*lost.items()][:MAX_FAILING]:
        place = join_dotted(
            f"<#{channel_id}>", escape_untrusted(shorten_label("; ".join(names), MAX_LABEL_LENGTH))
        )
        assert lost_at is not None
        lines.append(f"⚠ {place}\n{papers_post_names.right_lost_text(texts, lost_at)}")
    further = max(0, len(lost) - MAX_FAILING)
    return lines, partial(message_builder.tell_left, texts, further=further, where=texts("alert-manage"))


def help_view(
    texts: Texts, commands: Iterable[str], mention: MentionLookup, *, can_manage: bool
) -> ui.LayoutView:
    """Return the main commands with descriptions, the names of the other commands, and buttons for the first steps.

    `commands` are those that the reader may use. If `can_manage`, there is a section for server managers.
    """
    names = {name.replace(" ", "-"): name for name in commands}
    message = MessageBuilder()
    message.add_text(f"### {texts('help-heading')}\n{texts('help-intro')}")
    message.add_buttons(
        message_parts.newest_digest_button(texts),
        button(texts("post-ask"), custom_ids.pack_custom_id(verbs.OPEN_TOPIC_FORM)),
        message_parts.begin_alert_button(texts),
        button(texts("help-set-up"), custom_ids.pack_custom_id(verbs.SET_UP_POST)) if can_manage else None,
    )
    for section in (*HELP_SECTIONS, *((HELP_FOR_MANAGERS,) if can_manage else ())):
        keys = [key for key in texts.list_attributes(section) if key in names]
        lines = [f"{mention(names.pop(key))} {texts(f'{section}.{key}')}" for key in keys]
        if section == HELP_SECTIONS[0]:
            lines.append(texts("help-look-up"))
        message.add_text("\n".join([f"**{texts(section)}**", *lines]))
    message.add_text(subtext(texts("help-more", commands=" · ".join(map(mention, names.values())))))
    return message.view


def render_notice(
    wording: client_wording.PostWording, post: contents.NoticePost
) -> tuple[contents.RenderedPart, ...]:
    """Return a notice's message. The plain form of one to a channel's owner is for the server's system channel, too."""
    show = _welcome_view if post.kind is contents.NoticeKind.WELCOME else notices.notice_view
    if post.channel_id is None or post.is_elsewhere:
        marker = contents.part_marker(post.marker, 0)
        plain = message_builder.marked_plain_payload(notices.notice_text(wording, post), marker)
    else:
        plain = message_builder.layout_payload(show(wording, replace(post, is_elsewhere=True)))
    return message_builder.render_message(show(wording, post), plain)


def _welcome_view(wording: client_wording.PostWording, post: contents.NoticePost) -> ui.LayoutView:
    """Return the message for a server that has invited the bot, with buttons for a daily post and for `/help`."""
    texts, marker = wording.ui_texts, contents.part_marker(post.marker, 0)
    return message_builder.text_view(
        notices.notice_text(wording, post),
        button(texts("help-set-up"), pack_custom_id(verbs.SET_UP_POST, marker=marker)),
        button(texts("help-show"), pack_custom_id(verbs.SHOW_HELP, marker=marker)),
    )


def sources_view(
    texts: Texts,
    rows: Sequence[models.StoredSource],
    page: int,
    *,
    stored: Sequence[str],
    extent: models.ArchiveExtent,
    now: datetime,
) -> ui.LayoutView:
    """Return a page of sources with their health. Pages count from 0; too high a number gives the last page.

    `stored` has the addresses of sources with digests, also of those that are read no more. `now` is in UTC. Details meant for
    the operator are left out.
    """
    page_id = partial(pack_custom_id, verbs.SHOW_SOURCES)
    shown, pager = message_builder.paginate(texts, rows, page, SOURCES_PER_PAGE, page_id)
    message = MessageBuilder(RED if any(map(poller.is_persistently_failing, rows)) else AMBER)
    message.add_text(f"### {texts('sources-heading', count=len(rows))}")
    if not rows:
        message.add_text(f"{texts('sources-none')}\n{no_source_text(texts)}")
    labels = kinds.public_labels(row.url for row in rows)
    for row in shown:
        message.add_text(_source_text(texts, row, labels[row.url], now))
    if len(rows) > 1:
        message.add_text(subtext(texts("sources-order")))
    if not rows:
        message.add_text(texts("sources-files"))
    others = {*map(kinds.public_name, stored)}.difference(("", *(kinds.public_name(row.url) for row in rows)))
    if others:
        names = ", ".join(map(discord_text.escape_untrusted, sorted(others)))
        message.add_text(subtext(discord_text.shorten(texts("sources-others", sources=names), 400)))
    message.add_text(subtext(paper_texts.extent_line(texts, extent)))
    message.add_buttons(*pager, message_parts.status_button(texts))
    return message.view


def _source_text(texts: Texts, row: models.StoredSource, label: str, now: datetime) -> str:
    label = shorten_label(label, MAX_LABEL_LENGTH)
    last = _last_read_text(texts, row.last_success_at)
    if row.next_attempt_at is None or row.next_attempt_at <= now:
        upcoming = texts("source-due")
    else:
        upcoming = texts("source-next", next=discord_text.timestamp(row.next_attempt_at, "R"))
    head = join_dotted(discord_text.code_span(label), texts(f"source-{row.kind.value}"))
    lines = (head, _failure_text(texts, row, label), subtext(join_dotted(last, upcoming)))
    return "\n".join(line for line in lines if line)


def _last_read_text(texts: Texts, at: datetime | None) -> str:
    return texts("source-last", last=discord_text.timestamp(at, "R")) if at else texts("source-never")


def _failure_text(texts: Texts, row: models.StoredSource, label: str) -> str:
    """Describe a source's failures, or return "". Refusals are shown without reasons, which may contain private addresses."""
    if row.status is models.FetchStatus.NOT_YET:
        return texts("source-not-yet")
    if not row.failures:
        return ""
    if row.status is models.FetchStatus.REFUSED:
        reason = texts("source-refused")
    else:
        public = kinds.public_text((row.reason or "").replace(row.url, label))
        reason = escape_untrusted(public, max_length=250) if public else texts("reason-unknown")
    return texts("source-failures", count=row.failures, reason=reason)
