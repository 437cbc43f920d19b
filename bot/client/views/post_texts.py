"""The lines of a post that are words: headline, count, schedule, missed days. In the language of the post."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import babel.dates

from bot.client.translations import Words
from bot.client.views import phrases
from bot.services import posts
from storage import models

Mention = Callable[[str], str]
"""Gives the mention of a command, such as `daily edit`."""

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
WORKDAYS = (1, 2, 3, 4, 5)
NAMED_DATES = 5


def headline(words: Words, post: posts.DailyPost) -> str:
    """Return what the post is, without markup: `Papers of February 12, 2025`."""
    if post.style is models.Style.WEEKLY:
        since = post.since_on or post.digest_on
        return words("post-weekly-headline", since=words.date(since), until=words.date(post.digest_on))
    return words("post-headline", date=words.date(post.digest_on))


def count_line(words: Words, post: posts.DailyPost) -> str:
    """Return how the papers were chosen, or that there are none."""
    if not post.papers:
        return words("post-empty")
    if post.total == len(post.papers):
        return words("post-all", count=post.total)
    return words("post-count", total=post.total, shown=len(post.papers))


def missed_line(words: Words, post: posts.DailyPost, mention: Mention) -> str:
    """Return one line for the days that could not be posted; empty when there were none."""
    if not post.missed_on:
        return ""
    named = ", ".join(day.isoformat() for day in post.missed_on[-NAMED_DATES:])
    return words("post-missed", count=len(post.missed_on), dates=named, command=mention("digest"))


def schedule_line(words: Words, post: posts.DailyPost, mention: Mention) -> str:
    """Return when the post comes and how to change that; empty for a post without a schedule."""
    if post.schedule is None:
        return ""
    return phrases.joined(when(words, post.schedule), mention("daily edit"))


def when(words: Words, schedule: posts.PostSchedule) -> str:
    """Return a schedule in words: `Every day at 09:00 (Seoul)`."""
    return words(
        "schedule",
        days=days(words, schedule.days),
        time=schedule.at_time,
        zone=zone(words, schedule.timezone),
    )


def days(words: Words, chosen: Sequence[int]) -> str:
    """Return ISO weekdays in words."""
    if tuple(chosen) == EVERY_DAY:
        return words("every-day")
    if tuple(chosen) == WORKDAYS:
        return words("workdays")
    return words("on-days", days=", ".join(weekday(words, day) for day in chosen))


def weekday(words: Words, day: int) -> str:
    """Return the short name of an ISO weekday."""
    monday = date(2024, 1, 1)
    return babel.dates.format_date(monday.replace(day=day), "EEE", locale=words.locale.value)


def zone(words: Words, name: str) -> str:
    """Return the city of an IANA zone in the reader's language, or its own name."""
    try:
        city: str = babel.dates.get_timezone_location(name, locale=words.locale.value, return_city=True)
    except (LookupError, ValueError):
        return name
    return name if "/" not in name else city
