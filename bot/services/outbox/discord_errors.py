"""What each of Discord's errors leads to: the one table of its error codes. Sends, pauses and stores nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from bot import errors
from bot.services.posts.contents import Reason
from storage.models import PartKind


class Effect(StrEnum):
    """What an unsuccessful attempt means for its part and its place."""

    DONE = "done"
    """What was asked for had happened already: the part is sent."""
    RETRY = "retry"
    """Discord surely did not accept it; try again later."""
    UNKNOWN = "unknown"
    """Nobody knows whether Discord accepted it; find out before it is sent again."""
    HIDDEN = "hidden"
    """It cannot be found out: we may not look."""
    PLACE = "place"
    """The place cannot be posted to until somebody changes something."""
    CLOSED = "closed"
    """The place is gone for good."""
    CONTENT = "content"
    """Discord refuses this very content."""
    DELIVERY = "delivery"
    """What this delivery builds on (its thread, its first message) is gone; the place itself is well."""
    TOKEN = "token"
    """The token is not accepted: nothing more can be sent by anybody."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An effect with its reason for people. `wait_seconds` is how long Discord wants to be left alone at least."""

    effect: Effect
    reason: Reason
    wait_seconds: float = 0.0


class DeliveryError(errors.PaperroundError):
    """An attempt that brought no message. `status` and `code` are Discord's, None where no answer came."""

    def __init__(
        self, verdict: Verdict, message: str, *, status: int | None = None, code: int | None = None
    ) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.status = status
        self.code = code


TROUBLE = Verdict(Effect.UNKNOWN, Reason.DISCORD_TROUBLE)
"""No answer, or one that does not tell whether the message was accepted: time-outs, resets, 5xx."""

UNREACHED = Verdict(Effect.RETRY, Reason.DISCORD_TROUBLE)
"""The request never got to Discord: the connection was refused."""

MAY_NOT_LOOK = Verdict(Effect.HIDDEN, Reason.NO_HISTORY)
"""Without the permission to read the history Discord answers with an empty list, which proves nothing."""

_TOKEN = Verdict(Effect.TOKEN, Reason.NO_ACCESS)
_CONTENT = Verdict(Effect.CONTENT, Reason.REFUSED_CONTENT)
_LIMITED = Verdict(Effect.RETRY, Reason.RATE_LIMITED)
_DONE = Verdict(Effect.DONE, Reason.UNCERTAIN)
_BARRED = Verdict(Effect.PLACE, Reason.NO_PERMISSION)
_DMS_TOO_FAST = Verdict(Effect.RETRY, Reason.RATE_LIMITED, wait_seconds=600)

# Discord's codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes
TABLE: dict[int, Verdict] = {
    10003: Verdict(Effect.CLOSED, Reason.UNKNOWN_CHANNEL),
    10004: Verdict(
        Effect.PLACE, Reason.GUILD_LEFT
    ),  # not for good: an invitation undone by mistake is common
    10007: Verdict(Effect.CLOSED, Reason.DMS_CLOSED),
    # On a post with a nonce: it was sent and has been deleted since. An edit's target is gone the same way.
    10008: _DONE,
    10013: Verdict(Effect.CLOSED, Reason.DMS_CLOSED),
    20016: Verdict(Effect.RETRY, Reason.RATE_LIMITED, wait_seconds=60),
    20022: Verdict(Effect.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    20028: _LIMITED,
    20029: _LIMITED,
    30046: Verdict(Effect.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    40001: _TOKEN,
    40003: _DMS_TOO_FAST,
    40004: TROUBLE,
    40005: _CONTENT,
    40006: TROUBLE,
    40033: _DONE,  # already published
    40058: Verdict(Effect.PLACE, Reason.WRONG_CHANNEL_KIND),
    40067: Verdict(Effect.PLACE, Reason.TAG_NEEDED),
    40333: Verdict(Effect.RETRY, Reason.DISCORD_TROUBLE, wait_seconds=600),
    50001: Verdict(Effect.PLACE, Reason.NO_ACCESS),
    50006: _CONTENT,
    50007: Verdict(Effect.PLACE, Reason.DMS_CLOSED),
    50008: Verdict(Effect.PLACE, Reason.WRONG_CHANNEL_KIND),
    50013: _BARRED,
    50014: _TOKEN,
    50024: Verdict(Effect.PLACE, Reason.WRONG_CHANNEL_KIND),
    50035: _CONTENT,
    50045: _CONTENT,
    50083: Verdict(Effect.DELIVERY, Reason.THREAD_LOCKED),
    50278: Verdict(Effect.PLACE, Reason.NO_SHARED_SERVER),
    130000: TROUBLE,
    160004: _DONE,  # the message has its thread already
    160005: Verdict(Effect.PLACE, Reason.THREAD_LOCKED),
    160006: Verdict(Effect.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    160007: Verdict(Effect.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    200000: _CONTENT,  # a rule of the server's AutoMod
    240000: _CONTENT,  # a link that Discord holds harmful
}

_MISSING_PERMISSION = {
    PartKind.MESSAGE: Reason.NO_SEND,
    PartKind.FORUM_POST: Reason.NO_SEND,
    PartKind.THREAD: Reason.NO_THREADS,
    PartKind.THREAD_MESSAGE: Reason.NO_SEND_IN_THREADS,
}

_WITHIN_DELIVERY = {PartKind.THREAD, PartKind.THREAD_MESSAGE, PartKind.CROSSPOST, PartKind.EDIT}
"""Kinds whose target is a message or thread that the delivery itself made, not the place that was subscribed."""

CLOUDFLARE_WAIT = 600.0


def judge(status: int, code: int, kind: PartKind, *, retry_after: float = 0.0) -> Verdict:
    """Return what an error answer to a part of this kind leads to. `retry_after` is in seconds."""
    if status == 401:
        return _TOKEN
    if status == 429:
        return replace(_LIMITED, wait_seconds=retry_after or CLOUDFLARE_WAIT)
    verdict = TABLE.get(code)
    if verdict is None:
        return _judge_status(status)
    if code == 50013:
        return replace(verdict, reason=_MISSING_PERMISSION.get(kind, Reason.NO_PERMISSION))
    if kind is PartKind.THREAD and code == 10008:
        return Verdict(Effect.DELIVERY, Reason.UNKNOWN_CHANNEL)
    if kind in _WITHIN_DELIVERY and code in (10003, 160005):
        return replace(verdict, effect=Effect.DELIVERY)
    return verdict


def _judge_status(status: int) -> Verdict:
    if status >= 500:
        return TROUBLE
    if status == 403:
        return _BARRED
    if status == 404:
        return Verdict(Effect.DELIVERY, Reason.UNKNOWN_CHANNEL)
    return _CONTENT
