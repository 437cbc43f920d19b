"""The relay's side of sending: the request of a part, the `Sender` that makes it, and what Discord's errors mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, assert_never

from storage import errors, models
from storage.models import PartKind, Reason


class Disposition(StrEnum):
    """The consequence of an unsuccessful attempt for its part and its destination."""

    ALREADY_DONE = "done"
    """The request had been carried out before: the part is sent."""
    RETRY = "retry"
    """Discord certainly did not accept it; retry later."""
    UNKNOWN = "unknown"
    """Discord may have accepted it; check before it is sent again."""
    UNVERIFIABLE = "hidden"
    """Whether Discord accepted it cannot be checked: the history may not be read."""
    DESTINATION_BLOCKED = "place"
    """The destination cannot be posted to until its settings change."""
    DESTINATION_GONE = "closed"
    """The destination is gone for good."""
    CONTENT_REFUSED = "content"
    """Discord refuses this content."""
    TARGET_GONE = "delivery"
    """The message or thread that the part builds on is gone; the destination itself is available."""
    INVALID_TOKEN = "token"
    """Discord does not accept the token: nothing more can be sent."""


BLOCKED_OR_GONE = frozenset({Disposition.DESTINATION_BLOCKED, Disposition.DESTINATION_GONE})
"""Dispositions that suspend whatever posts to the destination."""


@dataclass(frozen=True, slots=True)
class Classification:
    """A disposition with its reason for people. `wait_seconds` is the minimum delay that Discord asks for."""

    disposition: Disposition
    reason: Reason
    wait_seconds: float = 0.0


class DeliveryError(errors.PaperroundError):
    """A failed attempt. `status` and `code` are Discord's, None if it did not answer."""

    def __init__(
        self,
        classification: Classification,
        message: str,
        *,
        status: int | None = None,
        code: int | None = None,
    ) -> None:
        super().__init__(message)
        self.classification = classification
        self.status = status
        self.code = code


OUTCOME_UNKNOWN = Classification(Disposition.UNKNOWN, Reason.DISCORD_TROUBLE)
"""No answer, or one that leaves open whether the message was accepted: time-outs, resets, 5xx."""

CONNECT_FAILED = Classification(Disposition.RETRY, Reason.DISCORD_TROUBLE)
"""The request did not reach Discord: the connection was refused."""

FOREIGN_REFUSAL = Classification(Disposition.RETRY, Reason.DISCORD_TROUBLE)
"""A refusal (4xx) by something between the bot and Discord, such as a proxy: it has no error code of Discord's."""

RATE_LIMITED = Classification(Disposition.RETRY, Reason.RATE_LIMITED)

NO_BOT = Classification(Disposition.RETRY, Reason.NO_ACCESS, wait_seconds=600)
"""This process posts by webhooks alone: it has no token of a bot."""

HELD_BACK = Classification(Disposition.RETRY, Reason.RATE_LIMITED)
"""The request did not leave, because Discord is not well. Compared by identity: it does not count as an attempt."""

HISTORY_UNREADABLE = Classification(Disposition.UNVERIFIABLE, Reason.NO_HISTORY)
"""Without the permission to read the history Discord returns an empty list, which proves nothing."""

WEBHOOK_GONE = Classification(Disposition.DESTINATION_BLOCKED, Reason.WEBHOOK_GONE)

_INVALID_TOKEN = Classification(Disposition.INVALID_TOKEN, Reason.NO_ACCESS)
_CONTENT_REFUSED = Classification(Disposition.CONTENT_REFUSED, Reason.REFUSED_CONTENT)
_ALREADY_DONE = Classification(Disposition.ALREADY_DONE, Reason.UNCERTAIN)
_NO_PERMISSION = Classification(Disposition.DESTINATION_BLOCKED, Reason.NO_PERMISSION)
_DM_RATE_LIMITED = Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=600)

# Discord's codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes
DISCORD_ERRORS: dict[int, Classification] = {
    10003: Classification(Disposition.DESTINATION_GONE, Reason.UNKNOWN_CHANNEL),
    # Blocked, not gone: a bot that was removed by mistake is often invited again.
    10004: Classification(Disposition.DESTINATION_BLOCKED, Reason.GUILD_LEFT),
    10007: Classification(Disposition.DESTINATION_GONE, Reason.DMS_CLOSED),
    # On a message with a nonce: it was sent and has been deleted since. The target of an edit is deleted likewise.
    10008: _ALREADY_DONE,
    10013: Classification(Disposition.DESTINATION_GONE, Reason.DMS_CLOSED),
    10015: WEBHOOK_GONE,
    20016: Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=60),
    20022: Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    20028: RATE_LIMITED,
    20029: RATE_LIMITED,
    30046: Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    40001: _INVALID_TOKEN,
    40003: _DM_RATE_LIMITED,
    40004: OUTCOME_UNKNOWN,
    40005: _CONTENT_REFUSED,
    40006: OUTCOME_UNKNOWN,
    40033: _ALREADY_DONE,  # already published
    40058: Classification(Disposition.DESTINATION_BLOCKED, Reason.WRONG_CHANNEL_KIND),
    40067: Classification(Disposition.DESTINATION_BLOCKED, Reason.TAG_NEEDED),
    40333: Classification(Disposition.RETRY, Reason.DISCORD_TROUBLE, wait_seconds=600),
    50001: Classification(Disposition.DESTINATION_BLOCKED, Reason.NO_ACCESS),
    50006: _CONTENT_REFUSED,
    50007: Classification(Disposition.DESTINATION_BLOCKED, Reason.DMS_CLOSED),
    50008: Classification(Disposition.DESTINATION_BLOCKED, Reason.WRONG_CHANNEL_KIND),
    50013: _NO_PERMISSION,
    50014: _INVALID_TOKEN,
    50024: Classification(Disposition.DESTINATION_BLOCKED, Reason.WRONG_CHANNEL_KIND),
    50027: WEBHOOK_GONE,
    50035: _CONTENT_REFUSED,
    50045: _CONTENT_REFUSED,
    50083: Classification(Disposition.TARGET_GONE, Reason.THREAD_LOCKED),
    50278: Classification(Disposition.DESTINATION_BLOCKED, Reason.NO_SHARED_SERVER),
    130000: OUTCOME_UNKNOWN,
    160004: _ALREADY_DONE,  # the message has its thread already
    160005: Classification(Disposition.DESTINATION_BLOCKED, Reason.THREAD_LOCKED),
    160006: Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    160007: Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    200000: _CONTENT_REFUSED,  # a rule of the server's AutoMod
    220001: Classification(Disposition.DESTINATION_BLOCKED, Reason.WRONG_CHANNEL_KIND),  # a forum's webhook
    240000: _CONTENT_REFUSED,  # a link that Discord considers harmful
}

_PERMISSION_REASONS = {
    PartKind.MESSAGE: Reason.NO_SEND,
    PartKind.FORUM_POST: Reason.NO_SEND,
    PartKind.THREAD: Reason.NO_THREADS,
    PartKind.THREAD_MESSAGE: Reason.NO_SEND_IN_THREADS,
}

_DELIVERY_SCOPED_KINDS = {PartKind.THREAD, PartKind.THREAD_MESSAGE, PartKind.CROSSPOST, PartKind.EDIT}
"""Kinds whose target is a message or thread of the delivery itself, not the subscribed destination."""

_MESSAGE_SCOPED_KINDS = {PartKind.THREAD, PartKind.CROSSPOST, PartKind.EDIT}
"""Kinds that change one message: a refusal that does not name a permission says nothing about the channel."""


def classify(status: int, code: int, kind: PartKind) -> Classification:
    """Classify Discord's error response to a part of this kind. `code` is 0 if it has none."""
    if status == 401:
        return _INVALID_TOKEN
    classification = DISCORD_ERRORS.get(code)
    if classification is None:
        return _classify_status(status, code, kind)
    if code == 50013:
        return replace(classification, reason=_PERMISSION_REASONS.get(kind, Reason.NO_PERMISSION))
    if kind is PartKind.THREAD and code == 10008:
        return Classification(Disposition.TARGET_GONE, Reason.UNKNOWN_CHANNEL)
    if kind in _DELIVERY_SCOPED_KINDS and code in (10003, 160005):
        return replace(classification, disposition=Disposition.TARGET_GONE)
    return classification


def _classify_status(status: int, code: int, kind: PartKind) -> Classification:
    if not 400 <= status < 500:
        return OUTCOME_UNKNOWN
    if not code:
        return FOREIGN_REFUSAL
    if status == 403 and kind in _MESSAGE_SCOPED_KINDS:
        # 50005, for example: the message is another application's.
        return replace(_NO_PERMISSION, disposition=Disposition.TARGET_GONE)
    if status == 403:
        return _NO_PERMISSION
    if status == 404:
        return Classification(Disposition.TARGET_GONE, Reason.UNKNOWN_CHANNEL)
    return _CONTENT_REFUSED


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One request to Discord.

    `payload` is the body as `contents.RenderedPart` describes it for this kind. `channel_id` is the target channel, thread
    or DM; `message_id` is the target message of a THREAD, CROSSPOST or EDIT. `marker` is the text by which the message is
    found in a history; `nonce` makes repeated MESSAGE requests one message. `guild_id` is None for a DM, and for a webhook, whose
    id is the `channel_id`; `webhook_token` is its secret.
    """

    kind: PartKind
    channel_id: int
    payload: dict[str, Any]
    nonce: str
    marker: str | None = None
    guild_id: int | None = None
    message_id: int | None = None
    webhook_token: str | None = field(default=None, repr=False)


class Sender(Protocol):
    """Makes single attempts. Every failure is a `DeliveryError`; the caller sets the time limit."""

    async def send(self, request: SendRequest) -> models.Receipt:
        """Make the request once."""
        ...

    async def find(self, request: SendRequest, since: datetime) -> models.Receipt | None:
        """Search the messages since `since` (UTC) for the request's marker. None if it is certainly not there."""
        ...

    async def open_dm(self, user_id: int) -> int:
        """Open the DM channel with a user and return its id."""
        ...


def build_request(
    delivery: models.Delivery, part: models.Part, channel_id: int, preceding: Sequence[models.Part] = ()
) -> SendRequest:
    """Return the request of a part. `channel_id` is the delivery's channel, `preceding` are the parts before it.

    Raises DeliveryError if the part that it builds on has no message.
    """
    payload: dict[str, Any] = json.loads(part.payload or "{}")
    message_id = part.message_id
    match part.kind:
        case PartKind.THREAD | PartKind.CROSSPOST:
            base = _last_sent(preceding, PartKind.MESSAGE)
            channel_id, message_id = base.channel_id or channel_id, base.message_id
        case PartKind.THREAD_MESSAGE:
            base = _last_sent(preceding, PartKind.THREAD, PartKind.FORUM_POST)
            channel_id = base.channel_id or channel_id
        case PartKind.EDIT:
            channel_id = part.channel_id or channel_id
        case PartKind.MESSAGE | PartKind.FORUM_POST:
            pass
        case _:
            assert_never(part.kind)
    return SendRequest(
        kind=part.kind,
        channel_id=channel_id,
        payload=payload,
        nonce=part.nonce,
        marker=part.marker,
        guild_id=delivery.guild_id if delivery.user_id is None else None,
        message_id=message_id,
    )


def _last_sent(parts: Sequence[models.Part], *kinds: PartKind) -> models.Part:
    for part in reversed(parts):
        if part.kind in kinds and part.message_id is not None:
            return part
    raise DeliveryError(
        Classification(Disposition.TARGET_GONE, models.Reason.UNKNOWN_CHANNEL),
        "the message that this part builds on was deleted",
    )
