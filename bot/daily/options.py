"""The options of `/daily`: descriptions, choices, and the changes from typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

from bot.client import custom_ids
from bot.client import options as client_options
from bot.client.router import UserError
from bot.core import errors
from bot.daily import messages as daily_messages
from bot.daily import schedule
from bot.daily.post import STYLES, PostableChannel
from bot.daily.service import SubscriptionOptions, validate_topic
from storage import models

EDIT_DESCRIPTIONS = {
    "time": "When, such as 09:00, 9am or morning",
    "timezone": "The time zone, such as Asia/Seoul",
    "papers": "How many papers",
    "votes": "Only papers with at least this many votes",
    "days": "On which days",
    "language": "The post's language",
    "style": "How the post looks",
    "when": "At this time, or once the day's list is complete",
    "when_empty": "On a day without papers: say so, or post nothing",
    "topic": "Only papers that match, as in /topic; a hyphen for all papers",
    "role": "A role to mention above the papers; @everyone for none",
    "our_five": "Weekly style: also the papers saved or shared most in this server",
}
SETUP_DESCRIPTIONS = {"channel": "Where to post; this channel if left out", **EDIT_DESCRIPTIONS}

NO_TOPIC = ("-", "–", "—")

DAY_CHOICES = [
    app_commands.Choice(name="Every day", value="mon-sun"),
    app_commands.Choice(name="Monday to Friday", value="mon-fri"),
    app_commands.Choice(name="Mondays", value="mon"),
    app_commands.Choice(name="Tuesdays", value="tue"),
    app_commands.Choice(name="Wednesdays", value="wed"),
    app_commands.Choice(name="Thursdays", value="thu"),
    app_commands.Choice(name="Fridays", value="fri"),
    app_commands.Choice(name="Saturdays", value="sat"),
    app_commands.Choice(name="Sundays", value="sun"),
    app_commands.Choice(name="Monday, Wednesday, Friday", value="mon,wed,fri"),
    app_commands.Choice(name="Tuesday, Thursday", value="tue,thu"),
    app_commands.Choice(name="Weekends", value="sat,sun"),
]
LANGUAGE_CHOICES = [
    app_commands.Choice(name="English", value=models.Locale.EN.value),
    app_commands.Choice(name="Korean", value=models.Locale.KO.value),
]
WHEN_CHOICES = [
    app_commands.Choice(name="At this time, with the papers listed by then", value=models.When.HOUR.value),
    app_commands.Choice(
        name="Once the day's list is complete, not before this time", value=models.When.COMPLETE.value
    ),
]
STYLE_CHOICES = [app_commands.Choice(name=STYLES[style].label, value=style.value) for style in models.Style]


def postable_channel(channel: Any) -> PostableChannel:
    """Return the channel if posts can be sent to it. Raises UserError."""
    if isinstance(channel, discord.TextChannel | discord.ForumChannel):
        return channel
    raise UserError("channel-not-postable")


def apply_changes(
    options: SubscriptionOptions,
    time: str | None = None,
    timezone: str | None = None,
    papers: int | None = None,
    votes: int | None = None,
    days: str | None = None,
    language: str | None = None,
    style: str | None = None,
    when_empty: bool | None = None,
    topic: str | None = None,
    role: discord.Role | None = None,
    when: str | None = None,
    server_picks: bool | None = None,
) -> SubscriptionOptions:
    """Return the options with the given values; None keeps a value. Raises UserError."""
    changes = {
        "at_time": client_options.parse_time(time) if time is not None else None,
        "timezone": client_options.parse_zone(timezone) if timezone is not None else None,
        "top_n": papers,
        "min_votes": votes,
        "days": schedule.parse_days(days) if days else None,
        "locale": models.Locale(language) if language else None,
        "style": models.Style(style) if style else None,
        "say_when_empty": when_empty,
        "topic": _parse_topic(topic) if topic is not None else None,
        "when": models.When(when) if when else None,
        "server_picks": server_picks,
    }
    if role is not None:
        # Nobody wants to notify everyone each day, so @everyone is free to mean no role.
        options = replace(options, mention_role_id=None if role.is_default() else role.id)
    changed = replace(options, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]
    if changed.when is models.When.COMPLETE and changed.style is models.Style.WEEKLY:
        raise UserError("weekly-at-its-hour")
    if server_picks and changed.style is not models.Style.WEEKLY:
        raise UserError("server-picks-are-weekly")
    return changed


def apply_schedule(options: SubscriptionOptions, values: Mapping[str, str]) -> SubscriptionOptions:
    """Return the options with the values of the form for the schedule. Raises UserError."""
    chosen = values.get(daily_messages.OPTIONS, "").split(",")
    when = models.When.COMPLETE if daily_messages.COMPLETE in chosen else models.When.HOUR
    changed = apply_changes(
        options,
        values.get(daily_messages.TIME),
        values.get(daily_messages.ZONE),
        days=values.get(daily_messages.DAYS),
        when_empty=daily_messages.SAY_EMPTY in chosen,
        when=when.value,
        server_picks=daily_messages.SERVER_PICKS in chosen,
    )
    role_id = custom_ids.parse_number(values.get(daily_messages.ROLE) or "0")
    return replace(changed, mention_role_id=role_id or None)


def apply_papers(options: SubscriptionOptions, values: Mapping[str, str]) -> SubscriptionOptions:
    """Return the options with the values of the form for the papers. Raises UserError."""
    with custom_ids.map_parse_errors():
        return apply_changes(
            options,
            papers=client_options.parse_number(
                values.get(daily_messages.PAPERS, ""), "papers-not-a-number", 1, 25
            ),
            votes=client_options.parse_number(
                values.get(daily_messages.VOTES, "") or "0", "votes-not-a-number", 0, 99_999
            ),
            language=values.get(daily_messages.LANGUAGE),
            style=values.get(daily_messages.STYLE),
            topic=values.get(daily_messages.TOPIC, "").strip() or NO_TOPIC[0],
        )


def _parse_topic(text: str) -> str:
    """Return a topic on one line, "" for a lone hyphen. Raises UserError for one that no paper can match."""
    if text.strip() in NO_TOPIC:
        return ""
    try:
        topic = validate_topic(text)
    except errors.UsageError:
        topic = ""
    if not topic:
        raise UserError("topic-asks-nothing")
    return topic
