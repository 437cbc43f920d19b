"""Alert messages: descriptions and forms of alerts, notifications of new papers, and replies to `/alerts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import discord
from discord import ui

from bot.client import message_builder, verbs
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import (
    RED,
    MessageBuilder,
    button,
    message_view,
    select_menu,
    select_option,
    text_view,
)
from bot.client.refusals import refusal_text
from bot.client.wording import PostWording
from bot.features.alerts import draft_fields
from bot.features.alerts import planner as alerts_planner
from bot.features.alerts import service as alerts_service
from bot.i18n.texts import Texts
from bot.outbox import contents
from bot.papers import list_state, message_parts, paper_texts, post_names, post_papers
from bot.papers import post_names as papers_post_names
from bot.papers.list_views import draw
from bot.papers.paper_lists import PaperList
from bot.rendering import discord_text, locale_formats, templates
from bot.text.parsed_query import ParsedQuery
from storage import errors, models
from storage.models import AlertTiming

MAX_NAME_LENGTH = 60
MAX_ALERT_LENGTH = 900
MAX_RELATED = 8
MAX_TOPICS = 3
"""The maximum number of terms in the headline of a channel message."""


def describe_alert(texts: Texts, alert: models.Alert) -> str:
    """Describe an alert in Markdown: `Papers with “강화 학습” or by Sergey Levine, at least ▲ 10`."""
    joiner = texts("alert-and" if alert.match_all else "alert-or")
    is_all = alert.match_all and len(alert.terms) > 1
    groups = []
    for kind in models.AlertKind:
        of_kind = [term.text for term in alert.terms if term.kind is kind]
        if kind is models.AlertKind.KEYWORD:
            topics = [
                discord_text.escape_untrusted(post_names.describe_words(texts, text)) for text in of_kind
            ]
            names = [
                texts("alert-exactly" if '"' in name else "alert-word", text=name.replace('"', ""))
                for name in topics
            ]
        else:
            names = [discord_text.escape_untrusted(text) for text in of_kind]
        if names:
            match = "all" if is_all else "any"
            groups.append(texts(f"term-{kind.value}", terms=joiner.join(names), match=match))
    joined = joiner.join(groups)
    described = texts("alert-all" if is_all else "alert-any", terms=joined)
    if alert.excluded:
        words = ", ".join(
            texts("alert-word", text=discord_text.escape_untrusted(word)) for word in alert.excluded
        )
        described = texts("alert-without", alert=described, words=words)
    if alert.min_votes:
        described = texts("alert-with-votes", alert=described, votes=alert.min_votes)
    return discord_text.shorten(described, MAX_ALERT_LENGTH)


def _leave_out_note(texts: Texts, alert: models.Alert) -> str:
    words = (term.text for term in alert.terms if term.kind is models.AlertKind.KEYWORD)
    notes = (post_names.leave_out_note(texts, ParsedQuery(text)) for text in words)
    return next(filter(None, notes), "")


def describe_name(alert: models.Alert, max_length: int = MAX_NAME_LENGTH) -> str:
    """Return a one-line plain name: `강화 학습, 로봇 −설문 ▲ 10`. Terms that must all match are joined with `+`."""
    joined = (" + " if alert.match_all else ", ").join(term.text for term in alert.terms)
    votes = templates.render_votes(alert.min_votes) if alert.min_votes else ""
    rest = "".join(f" {part}" for part in (*(f"−{word}" for word in alert.excluded), votes) if part)
    return discord_text.shorten(discord_text.to_single_line(joined + rest), max_length, markdown=False)


def is_sending(alert: models.Alert) -> bool:
    """Return whether an alert is neither paused nor held back because its owner lacks the right to its channel."""
    return not alert.paused and alert.right_lost_at is None


def place_and_time(texts: Texts, alert: models.Alert) -> str:
    """Return where and when an alert is sent: `DM · right away`, `<#1> · weekly, Mon 9:00 AM`."""
    place = texts("alert-dm") if alert.channel_id is None else f"<#{alert.channel_id}>"
    return discord_text.join_dotted(place, _timing(texts, alert))


def _timing(texts: Texts, alert: models.Alert) -> str:
    day = post_names.format_weekday(texts, alert.weekday)
    return texts(f"alert-timing-{alert.timing.value}", day=day, time=texts.format_time(alert.at_time))


def describe_details(texts: Texts, alert: models.Alert) -> str:
    """Return the delivery settings on one line: destination, time, time zone and daily limit."""
    zone = locale_formats.render_zone(alert.timezone, texts.locale.value)
    parts = [place_and_time(texts, alert) + (f" ({zone})" if alert.timing is not AlertTiming.AT_ONCE else "")]
    if alert.max_a_day:
        parts.append(texts("alert-at-most-a-day", count=alert.max_a_day))
    return discord_text.join_dotted(*parts)


STORED = "#"
"""Prefix for the id of a stored alert in a custom id; a draft has a token instead."""
MAX_LENGTH = 4000
"""Discord's limit for a text field."""


def conditions_modal(texts: Texts, alert: models.Alert, key: str) -> message_builder.StatelessModal:
    """Return the form for terms, excluded words and votes. `key` identifies the draft or alert in custom ids."""
    custom_id = pack_custom_id(verbs.SUBMIT_CONDITIONS, key)
    modal = message_builder.StatelessModal(texts("alert-form-conditions"), custom_id)
    for name, value in draft_fields.condition_values(alert).items():
        modal.add_text(
            texts(f"alert-form-{name}"),
            name,
            value=value,
            placeholder="" if name == draft_fields.VOTES else texts(f"alert-form-{name}-hint"),
            max_length=MAX_LENGTH,
            required=False,
        )
    return modal


# The notification of new papers.

MAX_PAPERS = 5
"""The maximum number of papers shown in full."""


def render(wording: PostWording, post: alerts_planner.AlertPost) -> tuple[contents.RenderedPart, ...]:
    """Return the notification: up to MAX_PAPERS papers with Read buttons, and menus to open or save the others."""
    texts = wording.ui_texts
    message = MessageBuilder()
    marker = contents.part_marker(post.marker, 0)
    papers = [match.paper for match in post.matches]
    shown, further = post.matches[:MAX_PAPERS], papers[MAX_PAPERS:]
    is_foreign = post_papers.is_in_other_language([match.paper for match in shown], post.locale)
    foot = texts("summary-in-other-language") if is_foreign else ""
    first = texts("alert-first", shown=len(papers))
    more = _alert_text(wording, "more", post) if post.has_next else first
    message.add_text(f"🔔 {_alert_text(wording, 'headline', post)}")
    message.end_with(
        (
            [message_parts.save_menu(texts, papers)],
            [message_parts.save_menu(texts, papers, verb=verbs.LIST_SELECTED) if post.in_channel else None],
            [message_parts.open_menu(texts("alert-more", count=len(further)), further)],
            _footer_buttons(texts, post, marker),
        ),
        discord_text.subtext_lines(f"{foot}\n{more}"),
    )
    for position, match in enumerate(shown):
        share = message.share(len(shown) - position)
        text = _paper_text(wording, match, *share, with_language=not is_foreign)
        read = button(texts("read"), pack_custom_id(verbs.OPEN_PAPER, models.alias_of(match.paper.key)))
        message.add_text_with_accessory(text, read)
    plain = message_parts.papers_payload(
        texts, models.DeliveryKind.ALERT, post.digest_on, post.marker, papers
    )
    return message_builder.render_message(message.view, plain)


def _paper_text(
    wording: PostWording, match: alerts_planner.AlertMatch, characters: int, size: int, *, with_language: bool
) -> str:
    paper = match.paper
    title = paper_texts.title_link(paper, max_characters=characters, max_bytes=size)
    lines = alert_paper_lines(wording, match, title)
    excerpt, quoted_from = paper_texts.excerpt_lines(wording.ui_texts, paper, with_language=False)
    origin = paper_texts.post_note(wording.ui_texts, paper.summary, with_language=with_language)
    withdrawn = paper_texts.withdrawn_note(wording.ui_texts, paper)
    note = discord_text.join_dotted(withdrawn, quoted_from, origin)
    text = "\n".join(line for line in (lines, excerpt, discord_text.subtext(note)) if line)
    return discord_text.shorten(text, characters, max_bytes=size)


def _footer_buttons(texts: Texts, post: alerts_planner.AlertPost, marker: str) -> list[ui.Item[Any]]:
    """Return the buttons below the papers. The first contains the delivery's marker. A single paper gets a Save button."""
    day = list_state.ListState(list_state.ListKind.DIGEST, span=(post.digest_on,) * 2)
    day_button = button(texts("alert-day"), list_state.pack_state(day, marker=marker))
    buttons = [day_button]
    if len(post.matches) == 1:
        buttons.append(message_parts.save_button(texts, post.matches[0].paper.key))
    if post.more:
        times = int(post.since_at.timestamp()), int(post.until_at.timestamp()) + 1
        total = len(post.matches) + post.more
        buttons.append(
            button(texts("alert-show-all", count=total), pack_custom_id(verbs.LIST_MATCHED, *times, 0))
        )
    alert_ids = {alert_id for match in post.matches for alert_id in match.alert_ids}
    is_one = len(alert_ids) == 1 and not post.in_channel
    custom_id = (
        pack_custom_id(verbs.SHOW_ALERT, alert_ids.pop()) if is_one else pack_custom_id(verbs.LIST_ALERTS)
    )
    return [*buttons, button(texts("alert-manage"), custom_id)]


def matched_view(
    texts: Texts, shown: Sequence[models.PaperRow], total: int, page: int, custom_id: Callable[[int], str]
) -> ui.LayoutView:
    """Return a page of all papers of a large notification, with a menu to open one. `custom_id` maps pages to ids."""
    state = list_state.ListState(list_state.ListKind.DIGEST, page=page)
    listed = PaperList(state, texts("alert-matched", count=total), tuple(shown), total)
    return draw(texts, listed, [message_builder.pager(texts, page, listed.page_count, custom_id)])


MAX_LINE_LENGTH = 140
"""The maximum length of an alert's name in the list, so that MAX_ALERTS lines fit."""


def preview_view(
    texts: Texts, draft: models.Alert, preview: alerts_service.AlertPreview, key: str, wider_key: str
) -> ui.LayoutView:
    """Return a preview of the draft's recent matches with controls to save or change it.

    `key` is the draft's token. `wider_key` is the token of a wider draft to offer, or "".
    """
    has_institution = any(term.kind is models.AlertKind.INSTITUTION for term in draft.terms)
    return message_view(
        [
            f"### {describe_alert(texts, draft)}",
            _leave_out_note(texts, draft),
            discord_text.subtext(describe_details(texts, draft)),
            preview_text(texts, preview),
            discord_text.subtext(texts("list-institutions")) if has_institution else "",
        ],
        [_timing_menu(texts, draft, key)],
        [
            button(
                texts("alert-create"),
                pack_custom_id(verbs.SAVE_ALERT, key),
                style=discord.ButtonStyle.primary,
            ),
            button(texts("alert-widen"), pack_custom_id(verbs.WIDEN_ALERT, wider_key)) if wider_key else None,
            _edit_button(texts, key),
            _time_button(texts, draft, key),
        ],
    )


def _edit_button(texts: Texts, key: str) -> ui.Item[ui.LayoutView]:
    return button(texts("alert-edit-conditions"), pack_custom_id(verbs.EDIT_CONDITIONS, key))


def _time_button(texts: Texts, alert: models.Alert, key: str) -> ui.Item[ui.LayoutView] | None:
    is_collected = alert.timing is not AlertTiming.AT_ONCE
    return button(texts("change-time"), pack_custom_id(verbs.OPEN_TIME, key)) if is_collected else None


def _timing_menu(texts: Texts, alert: models.Alert, key: str) -> ui.Item[Any] | None:
    """Return the menu that sets how often an alert is sent. The time of day is not changed."""
    labels = {
        timing.value: texts(f"alert-form-{timing}") for timing in (AlertTiming.AT_ONCE, AlertTiming.DAILY)
    }
    for weekday in range(1, 8):
        day = post_names.format_weekday(texts, weekday, "wide")
        labels[draft_fields.weekly_value(weekday)] = texts("alert-form-weekly", day=day)
    is_weekly = alert.timing is AlertTiming.WEEKLY
    chosen = draft_fields.weekly_value(alert.weekday) if is_weekly else alert.timing.value
    options = [select_option(label, value, selected=value == chosen) for value, label in labels.items()]
    return select_menu(texts("alert-form-when"), pack_custom_id(verbs.SET_TIMING, key), options)


def refused_view(texts: Texts, error: errors.UsageError, key: str, *, of_time: bool = False) -> ui.LayoutView:
    """Return why a draft, or a time or zone if `of_time`, is invalid, with a button that reopens the form."""
    style, label = discord.ButtonStyle.primary, texts("subscription-form-again")
    again = (
        button(label, pack_custom_id(verbs.OPEN_TIME, key), style=style)
        if of_time
        else _edit_button(texts, key)
    )
    return text_view(refusal_text(texts, error), again, accent=RED)


def saved_view(texts: Texts, alert: models.Alert) -> ui.LayoutView:
    details = discord_text.subtext(describe_details(texts, alert))
    return text_view(
        f"{texts('alert-made')}\n**{describe_alert(texts, alert)}**\n{details}",
        button(texts("alert-undo"), pack_custom_id(verbs.REMOVE_ALERT, alert.id)),
        button(texts("change"), pack_custom_id(verbs.SHOW_ALERT, alert.id)),
        button(texts("alert-manage"), pack_custom_id(verbs.LIST_ALERTS)),
    )


def preview_text(texts: Texts, preview: alerts_service.AlertPreview) -> str:
    """Describe the matches of the last 30 days: their number, the latest papers, and the related terms included."""
    lines = [texts("alert-would", count=preview.paper_count)]
    for row in preview.latest:
        title = paper_texts.title_link(row, max_characters=500, max_bytes=1500)
        lines.append(f"- {title} {paper_texts.format_votes(row.votes)}")
    if preview.wider is not None:
        wider = describe_alert(texts, preview.wider)
        lines.append(texts("alert-wider", count=preview.wider_count, alert=wider))
    if forms := paper_texts.name_related(texts, preview.related, most=MAX_RELATED):
        lines.append(discord_text.subtext(texts("alert-related", forms=forms)))
    return "\n".join(lines)


def list_view(
    texts: Texts,
    rows: Sequence[models.Alert],
    add_command: str,
    names: Mapping[int, str],
    here: tuple[int, int] | None = None,
) -> ui.LayoutView:
    """Return a user's alerts with a menu, with channel `names`, to open one, or instructions for creating one.

    `here` are the channel where the user may see all alerts, and their number.
    """
    in_channel = None
    if here is not None:
        in_channel = button(
            texts("alerts-here", count=here[1]), pack_custom_id(verbs.LIST_ALERTS, here[0], 0)
        )
    if not rows:
        begin = message_parts.begin_alert_button(texts)
        return text_view(texts("no-alerts", command=add_command), begin, in_channel)
    lines, menu = _list_alerts(texts, rows, names)
    return message_view([f"### {texts('alerts-heading', count=len(rows))}", lines], [menu], [in_channel])


def channel_view(
    texts: Texts, rows: Sequence[models.Alert], channel_id: int, page: int, names: Mapping[int, str]
) -> ui.LayoutView:
    page_id = partial(pack_custom_id, verbs.LIST_ALERTS, channel_id)
    shown, pager = message_builder.paginate(texts, rows, page, alerts_service.MAX_ALERTS, page_id)
    lines, menu = _list_alerts(texts, shown, names)
    heading = texts("alerts-in-channel", channel=f"<#{channel_id}>", count=len(rows))
    back = button(texts("back"), pack_custom_id(verbs.LIST_ALERTS))
    return message_view([f"### {heading}", lines], [menu], [*pager, back])


def _list_alerts(
    texts: Texts, rows: Sequence[models.Alert], names: Mapping[int, str]
) -> tuple[str, ui.Item[Any] | None]:
    """Return alerts on a line each, and the menu that opens one, with channel `names` since it cannot show mentions."""
    lines, options = [], []
    for alert in rows:
        state = "" if is_sending(alert) else texts("alert-resting")
        name = f"**{discord_text.escape_untrusted(describe_name(alert))}**"
        line = f"- {discord_text.join_dotted(name, place_and_time(texts, alert), state)}"
        lines.append(discord_text.shorten(line, MAX_LINE_LENGTH))
        place = f"#{names.get(alert.channel_id, alert.channel_id)}" if alert.channel_id else texts("alert-dm")
        description = discord_text.join_dotted(place, _timing(texts, alert), state)
        label = describe_name(alert, discord_text.SELECT_LABEL)
        options.append(select_option(label, str(alert.id), description=description))
    return "\n".join(lines), select_menu(texts("alert-pick"), pack_custom_id(verbs.SHOW_ALERT), options)


def alert_view(texts: Texts, alert: models.Alert, note: str, *, is_own: bool = True) -> ui.LayoutView:
    """Return an alert with its controls. `note` confirms the last action. Only the owner may change its conditions."""
    key, lost_at = f"{STORED}{alert.id}", alert.right_lost_at
    state = texts("alert-active" if is_sending(alert) else "alert-resting")
    is_taken_over = lost_at is not None and not is_own
    if alert.paused or is_taken_over:
        resume = texts("alert-take-over" if is_taken_over else "resume")
        switch = button(resume, pack_custom_id(verbs.RESUME_ALERT, alert.id))
    else:
        switch = button(texts("pause"), pack_custom_id(verbs.PAUSE_ALERT, alert.id))
    above = () if is_own else (alert.channel_id or 0, 0)
    return message_view(
        [
            note,
            f"### {describe_alert(texts, alert)}",
            _leave_out_note(texts, alert),
            discord_text.subtext(describe_details(texts, alert)),
            discord_text.join_dotted(state, "" if is_own else texts("alert-of", owner=f"<@{alert.user_id}>")),
            "" if lost_at is None else papers_post_names.right_lost_text(texts, lost_at),
        ],
        [_timing_menu(texts, alert, key)] if is_own else [],
        [_edit_button(texts, key), _time_button(texts, alert, key)] if is_own else [],
        [
            switch,
            button(
                texts("remove"),
                pack_custom_id(verbs.REMOVE_ALERT, alert.id),
                style=discord.ButtonStyle.danger,
            ),
            button(texts("back"), pack_custom_id(verbs.LIST_ALERTS, *above)),
        ],
    )


def _alert_text(
    wording: PostWording, block: Literal["headline", "more"], post: alerts_planner.AlertPost
) -> discord_text.SafeMarkdown:
    """Render the headline, or the line that counts the papers not shown ("" if all are shown)."""
    reasons = (reason.topic for match in post.matches for reason in match.reasons)
    topics = [post_names.describe_words(wording.ui_texts, topic) for topic in dict.fromkeys(reasons)]
    values = {
        "day": post.digest_on,
        "total": len(post.matches) + post.more,
        "shown": len(post.matches),
        "in_channel": post.in_channel,
        "topics": [
            discord_text.shorten(topic, paper_texts.MAX_TOPIC_LENGTH, markdown=False)
            for topic in topics[:MAX_TOPICS]
        ],
    }
    return wording.templates.render_block("alert", block, post.locale.value, values)


def alert_paper_lines(wording: PostWording, match: alerts_planner.AlertMatch, title: str) -> str:
    """Render the lines for a paper: its title, votes and distinct reasons."""
    reasons = {(reason.found_in, reason.text): reason for reason in match.reasons}
    values = {
        "title": discord_text.SafeMarkdown(title),
        "votes": match.paper.votes,
        "reasons": list(reasons.values()),
    }
    return wording.templates.render_block("alert", "paper", wording.ui_texts.locale.value, values)


def time_modal(texts: Texts, custom_id: str, values: Mapping[str, str]) -> message_builder.StatelessModal:
    """Return a form with a `time` of day and a `zone`."""
    modal = message_builder.StatelessModal(texts("change-time"), custom_id)
    for name, length in (("time", 40), ("zone", 60)):
        modal.add_text(
            texts(f"form-{name}"),
            name,
            value=values.get(name, "")[:length],
            placeholder=texts(f"form-{name}-hint"),
            max_length=length,
        )
    return modal
