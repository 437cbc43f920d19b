"""Due times of subscriptions: conversion of local times to UTC by the rules of a time zone. Pure.

A local time in a gap (the clock jumps over it) is the first minute after the gap; a repeated local time is its first
occurrence. A date that a zone skipped (Samoa, 2011-12-30) has no post.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.core.clock import local_date, parse_zone
from storage import errors, models

DAY = timedelta(days=1)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DEFAULT_TIME = "09:00"
"""The time of a subscription without one, which then waits for the list of the day."""
AT_TIME_PATTERN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class DueTime:
    """A moment in UTC and the local date of its post."""

    at: datetime
    local_on: date


def schedule_key(subscription: models.Subscription) -> tuple[str, str, tuple[int, ...]]:
    """Return the values that determine the due times of a subscription: time of day, zone, weekdays."""
    return subscription.at_time, subscription.timezone, subscription.days


def local_date_of(subscription: models.Subscription, moment: datetime) -> date:
    """Return the date of a moment (UTC) in the zone of a subscription."""
    return local_date(moment, parse_zone(subscription.timezone))


def set_due(
    subscription: models.Subscription,
    due: DueTime,
    *,
    waiting_for_on: date | None = None,
    until: datetime | None = None,
) -> models.Subscription:
    """Return the subscription with its next due time, and with the date and the end (UTC) of waiting for a digest."""
    return replace(
        subscription,
        next_due_at=due.at,
        due_on=due.local_on,
        waiting_for_on=waiting_for_on,
        waiting_until_at=until,
    )


def parse_time(text: str) -> time:
    """Parse `HH:MM` (24 hours). Raises UsageError."""
    match = AT_TIME_PATTERN.fullmatch(text.strip())
    if match is None:
        raise errors.UsageError(
            f"{text[:20]!r} is not a time of day. Use HH:MM (24-hour clock), such as 09:00."
        )
    return time(int(match[1]), int(match[2]))


_DAYS_BY_NAME = dict.fromkeys(("weekday", "weekdays", "workdays", "평일"), "mon-fri") | dict.fromkeys(
    ("weekend", "weekends", "주말"), "sat-sun"
)
"""Names of several weekdays."""


def parse_days(text: str) -> tuple[int, ...]:
    """Parse weekdays such as `mon,tue`, `mon-fri` or `weekdays` (empty: every day) as ISO weekdays, sorted.

    Raises UsageError.
    """
    days: set[int] = set()
    for typed in filter(None, re.split(r"[,\s]+", text.strip().lower())):
        word = _DAYS_BY_NAME.get(typed, typed)
        first, _, last = word.partition("-")
        try:
            begin, end = DAY_NAMES.index(first[:3]), DAY_NAMES.index((last or first)[:3])
        except ValueError:
            raise errors.UsageError(
                f"{word[:20]!r} is not a weekday. Use mon, tue, wed, thu, fri, sat, sun, or weekdays."
            ) from None
        days.update((begin + step) % 7 + 1 for step in range((end - begin) % 7 + 1))
    return tuple(sorted(days)) or EVERY_DAY


@lru_cache(maxsize=4096)
def wall_clock_to_utc(on: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the UTC moment of a local time; see the module for gaps and repeated times."""
    wall = datetime.combine(on, at)
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # In a gap, fold=1 applies the later offset, which gives a moment before the jump, and fold=0 one after it.
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), moment
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def date_exists(on: date, zone: ZoneInfo) -> bool:
    """Return whether the date exists in the zone."""
    return wall_clock_to_utc(on, time(0), zone).astimezone(zone).date() == on


class Rule(NamedTuple):
    """What determines due times: a time of day in a zone, and ISO weekdays there, not empty."""

    at: time
    zone: ZoneInfo
    days: tuple[int, ...] = EVERY_DAY

    def due_at(self, on: date) -> datetime:
        """Return the due time (UTC) of a local date."""
        return wall_clock_to_utc(on, self.at, self.zone)


def rule_of(subscription: models.Subscription) -> Rule:
    """Return the rule of a subscription. Raises UsageError for an unknown zone."""
    at, zone = parse_time(subscription.at_time or DEFAULT_TIME), parse_zone(subscription.timezone)
    return Rule(at, zone, subscription.days)


def iter_due_times(first: date, rule: Rule) -> Iterator[DueTime]:
    """Yield all due times from a local date on, without end."""
    on = first
    while on < date.max - DAY:
        if on.isoweekday() in rule.days and date_exists(on, rule.zone):
            yield DueTime(rule.due_at(on), on)
        on += DAY


@lru_cache(maxsize=4096)
def next_due(after: datetime, rule: Rule) -> DueTime:
    """Return the first due time later than `after` (UTC)."""
    # Start one day earlier: a time in a gap at midnight belongs to the previous date.
    first = local_date(after, rule.zone) - DAY
    return next(due for due in iter_due_times(first, rule) if due.at > after)


def next_due_of(subscription: models.Subscription, after: datetime) -> DueTime:
    """Return the first due time of a subscription later than `after` (UTC)."""
    return next_due(after, rule_of(subscription))


def due_between(first: date, now: datetime, rule: Rule, *, limit: int = 60) -> tuple[DueTime, ...]:
    """Return the due times from the local date `first` to `now` (UTC), oldest first, of the last `limit` days."""
    start = max(first, local_date(now, rule.zone) - limit * DAY)
    return tuple(takewhile(lambda due: due.at <= now, iter_due_times(start, rule)))
