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
    """A stored alert. Sent by DM to `user_id` if `channel_id` is None, otherwise to that channel."""

    id: int
    user_id: int
    channel_id: int | None
    guild_id: int | None
    kind: AlertKind
    text: str
    min_votes: int
    state: ActivityState
    reason: str | None
    paused_until_at: datetime | None
    created_at: datetime
    key: str = ""


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert to be stored.

    `key` is the folded text, which identifies equal alerts; `trigger_term` is a token of every matching paper.
    """

    user_id: int
    kind: AlertKind
    text: str
    key: str
    trigger_term: str
    created_at: datetime
    min_votes: int = 0
    channel_id: int | None = None
    guild_id: int | None = None
