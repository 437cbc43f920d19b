"""Deliveries and their parts: the transactional outbox of Discord messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import TypeAlias

from storage.models.people import Locale


class DeliveryState(StrEnum):
    """The states of a delivery: PLANNED until every part is SENT; the others end it with a reason."""

    PLANNED = "planned"
    SENT = "sent"
    PAUSED = "paused"
    UNCERTAIN = "uncertain"
    EXPIRED = "expired"
    FAILED = "failed"


class PartState(StrEnum):
    """The states of a part. SENDING: an attempt has begun and its outcome is not stored yet."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    PAUSED = "paused"
    UNCERTAIN = "uncertain"
    EXPIRED = "expired"
    FAILED = "failed"


class DeliveryKind(StrEnum):
    """The causes of a delivery."""

    DAILY = "daily"
    ON_DEMAND = "now"
    ALERT = "alert"
    TODAY = "today"
    NOTICE = "notice"
    EDIT = "edit"
    NEWS = "news"
    """What became of a reader's saved papers."""


class Priority(IntEnum):
    """Order in which due deliveries are sent: the lowest value first."""

    INTERACTIVE = 5
    NOTIFICATION = 10
    SCHEDULED = 50
    CORRECTION = 60


class PartKind(StrEnum):
    """The Discord requests. THREAD opens a thread on the delivery's first message."""

    MESSAGE = "message"
    FORUM_POST = "forum_post"
    THREAD = "thread"
    THREAD_MESSAGE = "thread_message"
    CROSSPOST = "crosspost"
    EDIT = "edit"


LateDay: TypeAlias = tuple[date, int, int]
"""A day to which papers were added after its post: the number of those shown, and of all that qualify."""


PickedId: TypeAlias = tuple[str, int, int]
"""The arXiv id of a paper, and how many members of a server saved and shared it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPost:
    """What a sent post shows, from which it can be rendered again. It is stored as one JSON.

    `papers` are the arXiv ids in display order, out of `total`; `fingerprint` is a hash of their displayed content, `topic`
    the query that they match. The last papers are those of `late`. `closes_at` (UTC) is when the day's list closes, as the
    post says, and `is_complete` that it had closed; None if the post says neither. `our_five` are the papers that most
    members saved or shared, with the counts when it was planned.
    """

    papers: tuple[str, ...] = ()
    total: int | None = None
    fingerprint: str | None = None
    topic: str = ""
    late: tuple[LateDay, ...] = ()
    closes_at: datetime | None = None
    is_complete: bool = False
    our_five: tuple[PickedId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPlan:
    """Destination, schedule and content of a delivery. `key` is unique, so a repeated plan has no effect.

    `local_on` is the date of a daily post in its own zone, `digest_on` the date of the digest shown. The lowest `priority` is
    sent first.
    """

    key: str
    kind: DeliveryKind
    locale: Locale
    planned_at: datetime
    due_at: datetime
    expires_at: datetime
    priority: int = Priority.SCHEDULED
    subscription_id: int | None = None
    guild_id: int | None = None
    channel_id: int | None = None
    user_id: int | None = None
    local_on: date | None = None
    digest_on: date | None = None
    post: StoredPost = StoredPost()

    @property
    def is_direct(self) -> bool:
        """Whether it goes to a reader's direct messages, and cannot be redirected to a server."""
        return self.user_id is not None and self.guild_id is None


@dataclass(frozen=True, slots=True)
class NewPart:
    """A message to be stored. An EDIT names the message to change; `nonce` is globally unique.

    `marker` is the text in the payload by which the message is found in a channel's history.
    """

    kind: PartKind
    payload: str
    nonce: str
    fallback: str | None = None
    channel_id: int | None = None
    message_id: int | None = None
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery(DeliveryPlan):
    """A delivery to be stored, with its parts in sending order."""

    parts: tuple[NewPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(DeliveryPlan):
    """A stored delivery to one channel or user."""

    id: int
    state: DeliveryState
    reason: str | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """One Discord message of a delivery. `payload` is the JSON body, cleared 30 days after the delivery ended.

    `fallback` is the plain form for a payload that Discord refuses (50035), sent under its own nonce.
    `first_attempt_at` is the first attempt that Discord may have accepted; None if certainly not sent.
    """

    id: int
    delivery_id: int
    position: int
    kind: PartKind
    payload: str | None
    fallback: str | None
    nonce: str
    state: PartState
    attempts: int
    first_attempt_at: datetime | None
    last_attempt_at: datetime | None
    next_attempt_at: datetime
    channel_id: int | None
    message_id: int | None
    error_code: int | None
    error: str | None
    sent_at: datetime | None = None
    marker: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message in Discord and its channel, thread or DM. `message_id` is None if it was deleted after it was sent."""

    message_id: int | None
    channel_id: int
