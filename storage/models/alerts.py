"""Alerts: rules that notify a user or a channel of matching papers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.models.subscriptions import ActivityState


class AlertKind(StrEnum):
    """The subject of an alert."""

    KEYWORD = "keyword"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert. Sent by DM to `user_id` if `channel_id` is None, otherwise to that channel.

    `key` is the folded text, which identifies equal alerts.
    """

    id: int
    user_id: int
    kind: AlertKind
    text: str
    key: str
    created_at: datetime
    min_votes: int = 0
    channel_id: int | None = None
    guild_id: int | None = None
    state: ActivityState = ActivityState.ACTIVE
    reason: str | None = None
    paused_until_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingAlerts:
    """A digest's revision whose alerts are still to be planned, and the last recipient for whom they are planned."""

    digest_id: int
    revision: int
    paper_ids: tuple[int, ...]
    recipient: str | None
    added_at: datetime
