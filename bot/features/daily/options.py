"""The settings of a subscription and their validation. `/daily`, its form and the set-up file are derived from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.core import clock, schedule
from bot.features.daily import choice
from bot.i18n import typed_values
from bot.text import query_parser
from bot.text.parsed_query import ParsedQuery
from storage import errors
from storage.models import Locale, Style, Subscription

MAX_TIME_LENGTH = 40
MAX_TOPIC_LENGTH = 200
MAX_VOTES = 99_999
WEBHOOK_STYLES = (Style.COMPACT, Style.CARDS, Style.WEEKLY)
NOTHING = ("-", "–", "—")
"""Typed texts that clear the time, topic or source."""


@dataclass(frozen=True, slots=True)
class Option:
    """A `/daily` option that sets one field of a subscription.

    Its Korean texts are in `ko.ftl` below `command-daily`: `.option-NAME` and `.option-NAME-description`.
    """

    name: str
    description: str
    takes: type[str | int] = str
    limits: tuple[int, int] | None = None
    """The minimum and maximum of a number or of a text's length."""
    choices: Mapping[str, str] | None = None
    """The offered values by label."""
    parse: Callable[[Any], Any] = lambda value: value
    """Parses the typed text. Raises UsageError or ValueError."""


def _parse_time(text: str) -> str:
    return "" if text.strip() in NOTHING else typed_values.parse_time(text)


def _parse_topic(text: str) -> str:
    """Return a topic with spaces for line breaks; "" for "-" or no text. Raises UsageError if it is too long."""
    return "" if text.strip() in NOTHING else _tidy_topic(text)


def format_days(days: tuple[int, ...]) -> str:
    """Format sorted ISO weekdays for `schedule.parse_days`, such as `mon,tue` or `mon-fri`."""
    names = [schedule.DAY_NAMES[day - 1] for day in days]
    is_range = len(days) > 2 and days[-1] - days[0] == len(days) - 1
    return f"{names[0]}-{names[-1]}" if is_range else ",".join(names)


OPTIONS: Mapping[str, Option] = {
    "at_time": Option(
        "time",
        "Time, such as 9am KST; a hyphen: once the day's list is complete",
        limits=(1, MAX_TIME_LENGTH),
        parse=_parse_time,
    ),
    "timezone": Option(
        "timezone", "The time zone, such as Asia/Seoul", limits=(1, 60), parse=typed_values.parse_zone
    ),
    "top_n": Option("papers", "Number of papers (1 to 25)", takes=int, limits=(1, choice.MAX_TOP_N)),
    "min_votes": Option("votes", "Minimum votes", takes=int, limits=(0, MAX_VOTES)),
    "days": Option(
        "days",
        "Days to post on",
        choices={
            "Every day": "mon-sun",
            "Mondays": "mon",
            "Tuesdays": "tue",
            "Wednesdays": "wed",
            "Thursdays": "thu",
            "Fridays": "fri",
            "Saturdays": "sat",
            "Sundays": "sun",
            "Weekdays (Monday to Friday)": "mon-fri",
            "Weekends": "sat,sun",
            "Monday, Wednesday and Friday": "mon,wed,fri",
            "Tuesday and Thursday": "tue,thu",
        },
        parse=schedule.parse_days,
    ),
    "locale": Option(
        "language",
        "The post's language",
        choices={"English": Locale.EN.value, "Korean": Locale.KO.value},
        parse=Locale,
    ),
    "style": Option(
        "style",
        "The post's style",
        choices={
            "Compact: one message": Style.COMPACT.value,
            "Cards: one message per paper": Style.CARDS.value,
            "Thread: papers in a thread": Style.THREAD.value,
            "Forum: one post per day": Style.FORUM.value,
            "Announcement: also in servers that follow it": Style.ANNOUNCEMENT.value,
            "Weekly: the week's papers not posted here yet": Style.WEEKLY.value,
        },
        parse=Style,
    ),
    "topic": Option(
        "topic",
        "Only papers that match, as in /topic; a hyphen for all papers",
        limits=(1, MAX_TOPIC_LENGTH),
        parse=_parse_topic,
    ),
    "source": Option("source", "Only papers from this source; a hyphen for all sources", limits=(1, 100)),
}
"""The options by subscription field."""
SETTINGS = (*OPTIONS, "mention_role_id", "tag_id", "silent")
"""The fields that managers set. The last three are in the *More settings* form."""


def apply_changes(subscription: Subscription, typed: Mapping[str, Any]) -> Subscription:
    """Return the subscription with the typed options applied; None leaves a value unchanged. Raises UsageError."""
    time, zone = typed_values.split_zone(typed.get("time") or "")
    if zone:
        typed = {**typed, "time": time, "timezone": zone}
    changes = {
        field: option.parse(typed[option.name])
        for field, option in OPTIONS.items()
        if typed.get(option.name) is not None
    }
    return change(subscription, changes)


def change(subscription: Subscription, changes: Mapping[str, Any]) -> Subscription:
    """Return the subscription with other values of some fields, fitted to its style.

    If the post becomes weekly and no weekdays were chosen, it moves to Mondays.
    """
    changed = _fit(replace(subscription, **changes))
    becomes_weekly = changed.style is Style.WEEKLY and subscription.style is not Style.WEEKLY
    if becomes_weekly and "days" not in changes and changed.days == schedule.EVERY_DAY:
        return replace(changed, days=(1,))
    return changed


# The defaults of a post are those of `Subscription`, and these, which depend on its other settings.


def _fit(subscription: Subscription) -> Subscription:
    """Return the subscription with the number of papers limited to what its style can show.

    Weekly posts and posts from a source are given a time, since no list shows when their papers are complete.
    """
    most = choice.MAX_PAPERS.get(subscription.style, choice.MAX_TOP_N)
    needs_time = choice.is_rolling(subscription) or subscription.source
    at_time = subscription.at_time or (schedule.DEFAULT_TIME if needs_time else "")
    return replace(subscription, top_n=min(subscription.top_n, most), at_time=at_time)


def validated(subscription: Subscription) -> Subscription:
    """Return the normalised subscription. Raises UsageError, naming the setting and its valid values."""
    clock.parse_zone(subscription.timezone)
    if not subscription.days or not set(subscription.days) <= set(schedule.EVERY_DAY):
        raise errors.UsageError("There must be at least one weekday. Use mon, tue, wed, thu, fri, sat, sun.")
    if subscription.is_by_webhook and subscription.style not in WEBHOOK_STYLES:
        raise errors.UsageError(
            f"A webhook cannot post in the style {subscription.style.value}. Use {', '.join(WEBHOOK_STYLES)}."
        )
    if subscription.is_by_webhook and subscription.mention_role_id is not None:
        raise errors.UsageError("A webhook post cannot mention a role. Leave out the mention.")
    if subscription.is_by_webhook and query_parser.parse_query(subscription.topic).is_like_list:
        raise errors.UsageError(
            "A webhook is of no server, so it has no list that papers can be like. Leave out like:list."
        )
    fitting = _fit(subscription)
    return replace(
        fitting,
        at_time=fitting.at_time and f"{schedule.parse_time(fitting.at_time):%H:%M}",
        days=tuple(sorted(set(subscription.days))),
        topic=_tidy_topic(subscription.topic),
    )


def validate_topic(topic: str) -> str:
    """Return a topic on one line. Raises UsageError if it is too long or no paper could match it."""
    line = _tidy_topic(topic)
    if line:
        read_topic(line)
    return line


def _tidy_topic(topic: str) -> str:
    line = " ".join(topic.replace("\0", " ").encode("utf-8", "replace").decode().split())
    if len(line) > MAX_TOPIC_LENGTH:
        raise errors.UsageError(
            f"A topic can have up to {MAX_TOPIC_LENGTH} characters; this one has {len(line)}. Shorten it.",
            "topic-asks-nothing",
        )
    return line


def read_topic(topic: str) -> ParsedQuery:
    """Return a topic parsed as a query. Raises UsageError if no paper could match it."""
    query = query_parser.parse_query(topic)
    if not (query.has_text or query.is_limited):
        raise errors.UsageError(
            f"The topic {topic!r} has nothing to search for. Use words, author: or votes:.",
            "topic-asks-nothing",
        )
    for text in (query.text, *query.excluded):
        typed_values.refuse_period(text)
    return query
