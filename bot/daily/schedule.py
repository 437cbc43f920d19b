"""Due times of subscriptions: conversion of local times to UTC by the rules of a time zone. Pure.

A local time in a gap (the clock jumps over it) is the first minute after the gap; a repeated local time is its first
occurrence. A date that a zone skipped (Samoa, 2011-12-30) has no post. A subscription with a spread is due some minutes later,
and what it is due for is decided as at its time: the same date, also past midnight.
"""

from __future__ import annotations

import re
import zlib
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
NO_DELAY = timedelta(0)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_SPREAD = 60
"""Minutes."""
AT_TIME_PATTERN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class DueTime:
    """A moment in UTC and the local date of its post."""

    at: datetime
    local_on: date


def schedule_key(subscription: models.Subscription) -> tuple[str, str, tuple[int, ...], models.When]:
    """Return the values that determine the due times of a subscription: time of day, zone, weekdays, when."""
    return subscription.at_time, subscription.timezone, subscription.days, subscription.when


def delay_minutes(subscription: models.Subscription) -> int:
    """Return how many minutes after its time a subscription posts: fewer than its spread, and fixed for its channel."""
    spread = subscription.spread_minutes
    return zlib.crc32(b"%d" % subscription.channel_id) % spread if spread else 0


def delay_of(subscription: models.Subscription) -> timedelta:
    """Return the time of `delay_minutes`."""
    return timedelta(minutes=delay_minutes(subscription))


def local_date_of(subscription: models.Subscription, moment: datetime) -> date:
    """Return the date that a moment (UTC) is part of for a subscription: its days begin later by its delay."""
    return local_date(moment - delay_of(subscription), parse_zone(subscription.timezone))


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


def put_off_from(subscription: models.Subscription) -> date | None:
    """Return the date of the next post if it is put off to a later one, because of days off; None otherwise."""
    if subscription.next_due_at is None or subscription.due_on is None or subscription.waiting_for_on:
        return None
    sent_on = local_date_of(subscription, subscription.next_due_at)
    return subscription.due_on if subscription.due_on < sent_on else None


def parse_time(text: str) -> time:
    """Parse `HH:MM` (24 hours). Raises UsageError."""
    match = AT_TIME_PATTERN.fullmatch(text.strip())
    if match is None:
        raise errors.UsageError(
            f"{text[:20]!r} is not a time of day. Use HH:MM (24-hour clock), such as 09:00."
        )
    return time(int(match[1]), int(match[2]))


_MINUTES = re.compile(r"([0-9]{1,3})\s*(?:(h|hours?|시간)|m|min|minutes?|분)?", re.IGNORECASE)


def parse_spread(text: str) -> int:
    """Parse a spread such as `30m`, `30`, `30분`, `1h` or `off` as minutes, 0 for off. Raises UsageError."""
    typed = text[:40].strip()
    match = _MINUTES.fullmatch("0" if typed.casefold() in ("off", "-") else typed)
    minutes = MAX_SPREAD + 1 if match is None else int(match[1]) * (60 if match[2] else 1)
    if minutes > MAX_SPREAD:
        raise errors.UsageError(f"{typed[:20]!r} is not a spread of 0 to {MAX_SPREAD} minutes. Example: 30m")
    return minutes


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
    """What determines due times: a time of day in a zone, ISO weekdays there, not empty, and the delay after that time."""

    at: time
    zone: ZoneInfo
    days: tuple[int, ...] = EVERY_DAY
    delay: timedelta = NO_DELAY

    def due_at(self, on: date) -> datetime:
        """Return the due time (UTC) of a local date."""
        return wall_clock_to_utc(on, self.at, self.zone) + self.delay


def rule_of(subscription: models.Subscription) -> Rule:
    """Return the rule of a subscription. Raises UsageError for an unknown zone."""
    at, zone = parse_time(subscription.at_time), parse_zone(subscription.timezone)
    return Rule(at, zone, subscription.days, delay_of(subscription))


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
    # Start one day earlier: a time in a gap at midnight, and one that is delayed past it, belong to the previous date.
    first = local_date(after, rule.zone) - DAY
    return next(due for due in iter_due_times(first, rule) if due.at > after)


def next_due_of(subscription: models.Subscription, after: datetime) -> DueTime:
    """Return the first due time of a subscription later than `after` (UTC)."""
    return next_due(after, rule_of(subscription))


def due_between(first: date, now: datetime, rule: Rule, *, limit: int = 60) -> tuple[DueTime, ...]:
    """Return the due times from the local date `first` to `now` (UTC), oldest first, of the last `limit` days."""
    start = max(first, local_date(now, rule.zone) - limit * DAY)
    return tuple(takewhile(lambda due: due.at <= now, iter_due_times(start, rule)))
