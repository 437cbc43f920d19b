"""How a daily post is named wherever it is listed, its schedule, and when its next post is due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import datetime
from typing import Literal

from bot.core import schedule
from bot.i18n.texts import Texts
from bot.rendering import discord_text, locale_formats
from bot.rendering.discord_text import escape_untrusted
from bot.search import completion
from bot.sources import kinds
from bot.text import query_parser
from bot.text.parsed_query import EITHER, ParsedQuery
from storage import models
from storage.models import Subscription

MAX_LISTED = 10
"""The maximum number of posts listed by `/daily edit` and `/status`. The menu of `/daily edit` has the others."""
MAX_TOPIC_LENGTH = 30
"""The maximum length of a topic in a list, so that all rows fit into a message."""


def describe_topic(texts: Texts, topic: str, query: ParsedQuery | None = None) -> str:
    """Return a topic in words, as plain text: `agents -GUI` is `agents without GUI`, `from:"Meta"` is `from Meta`.

    One with limits that no words are for stays as it is typed. It is parsed unless its `query` is given.
    """
    query = query or query_parser.parse_query(topic)
    since, until, votes, most = astuple(query.filters)
    if most is not None or (since and until and since > until) or query.ignored:
        return topic
    parts = (
        " ".join([*list_words(texts, query.text), *(f'"{phrase}"' for phrase in query.phrases)]),
        *(texts("topic-by", name=name.replace("|", texts("topic-or"))) for name in query.authors),
        *(texts("topic-from", name=name.replace("|", texts("topic-or"))) for name in query.institutions),
        *(texts("topic-in", name=name.replace("|", texts("topic-or"))) for name in query.labels),
        texts("topic-like") if query.is_like_list else "",
        texts("list-without", words=", ".join(query.excluded)) if query.excluded else "",
        texts("topic-votes", votes=votes) if votes else "",
    )
    words = texts("topic-joiner").join(filter(None, parts))
    return discord_text.join_dotted(words, texts.format_period(since, until)) or topic


MAX_NAMES = 5


def name_topic(texts: Texts, topic: str, query: ParsedQuery) -> str:
    """Return a topic for a heading, in plain text and corrected: as typed, or in words if it has more than words (a period)."""
    has_signs = query.is_limited or query.excluded or EITHER in query.text.split()
    name = describe_topic(texts, topic, query) if has_signs else topic
    return completion.apply_corrections(name, query.corrected)


def ignored_note(texts: Texts, query: ParsedQuery) -> str:
    """Return the line that names what of a query could not be used, with how to type it; "" if all was used."""
    ignored = format_names(query.ignored)
    note = texts("list-ignored", filters=ignored) if ignored else ""
    forms = format_names(query_parser.list_accepted_forms(query.ignored))
    return texts("list-ignored-forms", ignored=note, forms=forms) if forms else note


def format_names(names: Sequence[str], separator: str = ", ") -> str:
    """Return up to MAX_NAMES names or terms as Markdown, and a sign that there are more."""
    shown = separator.join(escape_untrusted(name, max_length=60) for name in names[:MAX_NAMES])
    return f"{shown} …" if len(names) > MAX_NAMES else shown


def correction_note(texts: Texts, query: ParsedQuery) -> str:
    """Return the line that names the words of a query that were corrected; "" without any."""
    pairs = [escape_untrusted(" → ".join(pair), max_length=60) for pair in query.corrected]
    return texts("list-corrected", pairs=", ".join(pairs)) if pairs else ""


def leave_out_note(texts: Texts, query: ParsedQuery) -> str:
    """Return the line that a word such as *not* leaves nothing out, with how to; "" if a query has none."""
    asked = replace(query, excluded=())
    topic = texts("leave-out-topic")
    offered = query_parser.find_negated(asked)
    if offered:
        topic = offered[0].removesuffix(query_parser.leave_out("", offered[1:])).rstrip()
    elif not (offered := query_parser.find_negated(replace(asked, text=f"{topic} {query.text}"))):
        return ""
    if texts.locale is models.Locale.KO:
        topic = query_parser.name_in_korean(topic)
    topic, term = (
        escape_untrusted(" ".join(list_words(texts, text)), max_length=2 * MAX_TOPIC_LENGTH)
        for text in (topic, offered[1])
    )
    return texts("leave-out-note", topic=topic, term=term)


def describe_words(texts: Texts, words: str) -> str:
    """Return the words of an alert in words: `herons | newts` is `herons or newts`. They are parsed only for an operator."""
    return describe_topic(texts, words) if ":" in words else " ".join(list_words(texts, words))


def list_words(texts: Texts, text: str) -> list[str]:
    """Return the words of a query's text, with the sign between its sides as a word."""
    return [texts("topic-or") if word == EITHER else word for word in query_parser.split_words(text)]


def format_schedule(texts: Texts, subscription: Subscription) -> str:
    """Describe a schedule: `Every day at 9:00 AM (Seoul)`; without a time, when its posts are due at the earliest."""
    days = format_days(texts, subscription.days)
    zone = locale_formats.render_zone(subscription.timezone, texts.locale.value)
    key, at_time = "schedule" if subscription.at_time else "schedule-complete", subscription.at_time
    return texts(key, days=days, time=texts.format_time(at_time or schedule.DEFAULT_TIME), zone=zone)


def name_posts(
    texts: Texts,
    rows: Iterable[Subscription],
    names: Mapping[int, str] | None = None,
    *,
    with_zone: bool = False,
) -> dict[int, str]:
    """Return distinct names of a server's posts by id: `Weekly · Fri 5:00 PM · #vision`, `diffusion · 9:00 AM · #papers`.

    Those that would be equal also have their style, language and zone as far as they differ, or their number.
    Given channel `names`, they are plain text for labels, otherwise Markdown with channel mentions. `with_zone`
    names the zone of a time, for lines next to times that Discord shows in the reader's.
    """
    alike: dict[str, list[Subscription]] = defaultdict(list)
    for row in rows:
        alike[_post_name(texts, row, names, with_zone=with_zone)].append(row)
    details: Sequence[Callable[[Subscription], str]] = (
        lambda row: texts(f"style-{row.style.value}"),
        lambda row: texts(f"language-{row.locale.value}"),
        lambda row: locale_formats.render_zone(row.timezone, texts.locale.value),
    )
    distinct: dict[int, str] = {}
    for name, same in alike.items():
        differing = [detail for detail in details if len({detail(row) for row in same}) > 1]
        longer = [discord_text.join_dotted(name, *(detail(row) for detail in differing)) for row in same]
        for row, text in zip(same, longer, strict=True):
            number = texts("post-name-number", id=str(row.id)) if longer.count(text) > 1 else ""
            distinct[row.id] = discord_text.join_dotted(text, number)
    return distinct


def _post_name(
    texts: Texts, subscription: Subscription, names: Mapping[int, str] | None, *, with_zone: bool
) -> str:
    id_, days = subscription.channel_id, subscription.days
    is_every_day = days == schedule.EVERY_DAY
    shown = discord_text.escape_untrusted if names is None else discord_text.shorten_label
    topic, source = (
        shown(text, max_length=MAX_TOPIC_LENGTH)
        for text in (describe_topic(texts, subscription.topic), kinds.public_label(subscription.source))
    )
    channel = f"<#{id_}>" if names is None else f"#{names[id_]}" if id_ in names else str(id_)
    is_weekly = subscription.style is models.Style.WEEKLY
    if is_every_day:
        on = texts("every-day") if is_weekly else ""
    elif days == locale_formats.WORKDAYS:
        on = texts("post-name-workdays")
    else:
        on = texts("on-days-separator").join(format_weekday(texts, day) for day in days)
    at = texts.format_time(subscription.at_time) if subscription.at_time else texts("post-name-complete")
    if with_zone and subscription.at_time:
        at += f" ({locale_formats.render_zone(subscription.timezone, texts.locale.value)})"
    about = discord_text.join_dotted(texts("style-weekly") if is_weekly else "", topic, source)
    if not about and is_every_day:
        about = texts("post-name-daily")
    return discord_text.join_dotted(about, f"{on} {at}".strip(), channel)


def format_days(texts: Texts, days: Sequence[int]) -> str:
    """Return the names of ISO weekdays, or a text such as "every day" or "workdays" if one applies."""
    if tuple(days) == schedule.EVERY_DAY:
        return texts("every-day")
    if tuple(days) == locale_formats.WORKDAYS:
        return texts("workdays")
    if len(days) == 1:
        return texts("on-day", day=format_weekday(texts, days[0], "wide"))
    separator = texts("on-days-separator")
    return texts("on-days", days=separator.join(format_weekday(texts, day) for day in days))


def format_weekday(texts: Texts, day: int, width: Literal["abbreviated", "wide"] = "abbreviated") -> str:
    """Return the short or whole name of an ISO weekday."""
    return locale_formats.render_weekday(day, texts.locale.value, width)


def next_post_text(
    texts: Texts, subscription: Subscription, calendar: schedule.Calendar, *, is_ready: bool = False
) -> str:
    """Return when the next post is due, how long a post that is due waits for papers, or why posts are paused.

    `is_ready`: a due post has papers, so that it waits only for being planned.
    """
    if subscription.state is not models.ActivityState.ACTIVE:
        return reason_text(texts, subscription.reason)
    if is_ready:
        return texts("next-unprepared")
    slot = calendar.newest(subscription)
    if calendar.is_open(subscription) and not calendar.is_over(slot):
        text_id = "next-waiting" if slot.day is None else "next-complete"
        return texts(text_id, until=discord_text.timestamp(slot.at + schedule.WAIT, "t"))
    next_at = calendar.following(subscription).at
    return texts(
        "next-at", at=f"{discord_text.timestamp(next_at, 'f')} ({discord_text.timestamp(next_at, 'R')})"
    )


def right_lost_text(texts: Texts, lost_at: datetime) -> str:
    """Return why an alert sends nothing, since when (UTC), and what to do."""
    return texts("alert-right-lost", at=discord_text.timestamp(lost_at, "f"))


def reason_text(texts: Texts, reason: str | None) -> str:
    """Return a known reason's message, which says what to do. Other reasons (error texts) are escaped."""
    reason = reason or "unknown"
    return texts.find(f"reason-{reason}") or escape_untrusted(reason, max_length=300)
