"""What an alert is for, where it goes and when, in words: escaped Markdown for messages, plain text for menus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.client.translations import Texts
from bot.client.views import alert_drafts, schedule_text
from bot.client.views.notices import reason_text
from bot.client.views.papers import paper_text
from bot.rendering.discord_text import escape, split
from bot.rendering.wording import filters
from bot.services.posts.contents import Reason
from storage import models

ChannelName = Callable[[int], str]
"""The name of a channel by its id."""

MAX_NAME_LENGTH = 60
MAX_TERM_LENGTH = 100
MAX_ALERT_LENGTH = 900


def mention_channel(channel_id: int) -> str:
    """Return the mention of a channel, for messages; menus need its name."""
    return f"<#{channel_id}>"


def describe_alert(texts: Texts, alert: models.Alert) -> str:
    """Return what an alert is for, escaped: `Papers with “강화 학습” or by Sergey Levine, at least ▲ 10`."""
    groups = [_group(texts, alert, kind) for kind in models.AlertKind]
    joined = _joiner(texts, alert).join(group for group in groups if group)
    is_all = alert.match_all and len(alert.terms) > 1
    described = texts("alert-all" if is_all else "alert-any", terms=joined)
    if all(term.kind is models.AlertKind.PAPER for term in alert.terms):
        described = texts("alert-paper", papers=", ".join(_escaped(term.text) for term in alert.terms))
    if alert.excluded:
        words = ", ".join(texts("alert-word", text=_escaped(word)) for word in alert.excluded)
        described = texts("alert-without", alert=described, words=words)
    if alert.min_votes:
        described = texts("alert-with-votes", alert=described, votes=alert.min_votes)
    return split.shorten(described, MAX_ALERT_LENGTH)


def _group(texts: Texts, alert: models.Alert, kind: models.AlertKind) -> str:
    """Return the terms of one kind as part of a sentence; "" for none."""
    names = [_escaped(term.text) for term in alert.terms if term.kind is kind]
    if kind is models.AlertKind.KEYWORD:
        names = [texts("alert-word", text=name) for name in names]
    return texts(f"term-{kind.value}", terms=_joiner(texts, alert).join(names)) if names else ""


def _joiner(texts: Texts, alert: models.Alert) -> str:
    return texts("alert-and" if alert.match_all else "alert-or")


def _escaped(text: str) -> str:
    return paper_text.escape_untrusted(text, max_length=MAX_TERM_LENGTH)


def name(alert: models.Alert, max_length: int = MAX_NAME_LENGTH) -> str:
    """Return the terms as plain text on one line: `강화 학습, 로봇 −설문 ▲ 10`. All of several are joined with `+`."""
    names = [f"arXiv:{text}" if kind is models.AlertKind.PAPER else text for kind, text in alert.terms]
    joined = (" + " if alert.match_all else ", ").join(names)
    votes = filters.render_votes(alert.min_votes) if alert.min_votes else ""
    rest = "".join(f" {part}" for part in (*(f"−{word}" for word in alert.excluded), votes) if part)
    return split.shorten(escape.to_single_line(joined + rest), max_length, markdown=False)


def place_and_time(texts: Texts, alert: models.Alert, channel_name: ChannelName) -> str:
    """Return where an alert goes and when: `DM · at once`, `#papers · weekly, Mon 09:00`."""
    place = texts("alert-dm") if alert.channel_id is None else channel_name(alert.channel_id)
    return paper_text.join_dotted(place, timing(texts, alert))


def timing(texts: Texts, alert: models.Alert) -> str:
    """Return when an alert is sent: `daily 09:00`."""
    day = schedule_text.format_weekday(texts, alert.weekday)
    return texts(f"alert-timing-{alert.timing.value}", day=day, time=alert.at_time)


def details(texts: Texts, alert: models.Alert) -> str:
    """Return all settings on a line: where, when in which zone, at most how many papers, in which language."""
    parts = [place_and_time(texts, alert, mention_channel)]
    if alert.timing is not models.AlertTiming.AT_ONCE:
        parts.append(filters.render_zone(alert.timezone, texts.locale.value))
    if alert.max_papers != alert_drafts.EMPTY.max_papers:
        parts.append(texts("alert-at-most", count=alert.max_papers))
    if alert.language is not None:
        parts.append(texts(f"alert-only-{alert.language.value}"))
    if alert.translations:
        parts.append(texts("alert-with-forms"))
    return paper_text.join_dotted(*parts)


def state(texts: Texts, alert: models.Alert, now: datetime) -> str:
    """Return whether an alert is active, or until when or why it is not."""
    if alert.state is not models.ActivityState.ACTIVE:
        return reason_text(texts, alert.reason or Reason.BY_HAND)
    if alert.paused_until_at is not None and alert.paused_until_at > now:
        return texts("alert-rests-until", until=schedule_text.format_timestamp(alert.paused_until_at, "D"))
    return texts("alert-active")


def is_inactive(alert: models.Alert, now: datetime) -> bool:
    """Return whether an alert is suspended, or snoozed at `now`."""
    is_snoozed = alert.paused_until_at is not None and alert.paused_until_at > now
    return is_snoozed or alert.state is not models.ActivityState.ACTIVE


def choices(
    texts: Texts, alerts: Sequence[models.Alert], typed: str, channel_name: ChannelName
) -> list[tuple[str, str]]:
    """Return the label and the id of the alerts that contain the typed text, for an option's list."""
    query = typed.strip().casefold()
    found = []
    for alert in alerts:
        channel = "" if alert.channel_id is None else channel_name(alert.channel_id)
        if query in f"{name(alert)} {channel}".casefold():
            label = paper_text.join_dotted(name(alert), place_and_time(texts, alert, channel_name))
            found.append((label, str(alert.id)))
    return found
