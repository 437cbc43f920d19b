"""Subscriptions: the daily posts of a channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from storage.models.people import Locale


class Style(StrEnum):
    """The layouts of a daily post."""

    COMPACT = "compact"
    CARDS = "cards"
    THREAD = "thread"
    FORUM = "forum"
    ANNOUNCEMENT = "announcement"
    WEEKLY = "weekly"


class When(StrEnum):
    """When a post is sent: at its hour with what is there, or once the day's list is complete, not before its hour."""

    HOUR = "hour"
    COMPLETE = "complete"


class ActivityState(StrEnum):
    """State of a subscription or an alert. PAUSED waits for a user or a permission; CLOSED is final."""

    ACTIVE = "active"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel's subscription to the daily post.

    `at_time` is `HH:MM` local time in `timezone` (an IANA name). `days` holds ISO weekdays, 1 (Monday) to 7, in
    that zone. `next_due_at` is UTC, None if nothing is planned; `due_on` is its local date. `waiting_for_on` is the
    local date whose digest is awaited until `waiting_until_at`. `last_digest_on` is the date of the newest digest
    posted. `created_by` is None if the subscription was made on the command line. A `topic` is a search query that all
    papers posted match, "" for none; `mention_role_id` is a role to mention above them. With `server_picks` a weekly post
    also lists the papers that most members of the server saved or shared. `paused_by` is who paused it by hand at
    `paused_at` (UTC), None on the command line and for a reader who was forgotten.
    """

    id: int
    guild_id: int
    channel_id: int
    at_time: str
    timezone: str
    days: tuple[int, ...]
    top_n: int
    min_votes: int
    locale: Locale
    style: Style
    say_when_empty: bool
    fresh_days: int
    wait_minutes: int
    settle_hours: int
    state: ActivityState
    reason: str | None
    created_by: int | None
    created_at: datetime
    next_due_at: datetime | None
    waiting_for_on: date | None
    due_on: date | None = None
    waiting_until_at: datetime | None = None
    last_digest_on: date | None = None
    topic: str = ""
    mention_role_id: int | None = None
    when: When = When.HOUR
    server_picks: bool = False
    paused_by: int | None = None
    paused_at: datetime | None = None
