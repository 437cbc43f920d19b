"""Attempts to send a part: the request, the meaning of Discord's errors, the outcome and its consequences.

Consequences are retries and notices to owners and the operator. This module also ends expired deliveries.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, assert_never

import structlog

from bot.i18n import texts as i18n_texts
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory, DeliveryHandler, DeliveryKinds, NoticeKind, NoticeRecipient
from storage import accounts, errors, models, outbox
from storage.database import Connection, Database
from storage.models import DeliveryKind, PartKind, Reason
from storage.outbox import ClaimedPart

log = structlog.get_logger(__name__)


class Disposition(StrEnum):
    """The consequence of a failed attempt for its part and its destination."""

    ALREADY_DONE = "done"
    """The request had already succeeded, so the part is sent."""
    RETRY = "retry"
    """Discord did not accept it; retry later."""
    UNKNOWN = "unknown"
    """Discord may have accepted it; check before the next attempt."""
    UNVERIFIABLE = "hidden"
    """Discord may have accepted it, but the bot cannot read the history to check."""
    REFUSED = "refused"
    """The destination refuses posts until its settings change; retry at growing intervals."""
    CONTENT_REFUSED = "content"
    """Discord refuses this content."""
    TARGET_GONE = "delivery"
    """The message or thread that the part depends on is gone, but the destination is available."""
    INVALID_TOKEN = "token"
    """Discord rejects the token; nothing more can be sent."""


@dataclass(frozen=True, slots=True)
class Classification:
    """A disposition and a human-readable reason. `wait_seconds` is the minimum delay requested by Discord."""

    disposition: Disposition
    reason: Reason
    wait_seconds: float = 0.0


class DeliveryError(errors.PaperroundError):
    """A failed attempt. `status` and `code` are from Discord's response; None without one."""

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

    def meaning(self, **changes: Any) -> DeliveryError:
        """Return this failure with another disposition or reason."""
        changed = replace(self.classification, **changes)
        return DeliveryError(changed, str(self), status=self.status, code=self.code)


OUTCOME_UNKNOWN = Classification(Disposition.UNKNOWN, Reason.DISCORD_TROUBLE)
"""A time-out, a reset connection or a 5xx status: Discord may have accepted the message."""

NOT_ACCEPTED = Classification(Disposition.RETRY, Reason.DISCORD_TROUBLE)
"""The request was not sent, did not reach Discord, or was refused without a Discord error code, so probably by a proxy."""

RATE_LIMITED = Classification(Disposition.RETRY, Reason.RATE_LIMITED)

NO_BOT = Classification(Disposition.RETRY, Reason.NO_ACCESS, wait_seconds=600)
"""This process has no bot token and posts only through webhooks."""

HISTORY_UNREADABLE = Classification(Disposition.UNVERIFIABLE, Reason.NO_HISTORY)
"""Without permission to read the history, Discord returns an empty list, which proves nothing."""

WEBHOOK_GONE = Classification(Disposition.REFUSED, Reason.WEBHOOK_GONE)

TARGET_GONE = Classification(Disposition.TARGET_GONE, Reason.TARGET_GONE)

OF_BOTS = {Reason.NO_ACCESS, Reason.NO_PERMISSION, Reason.NO_SEND, Reason.GUILD_LEFT, Reason.TARGET_GONE}
"""Reasons that are true of a bot alone. A webhook that gets such an answer is gone."""

GONE = frozenset({10003, 10008})
"""Discord's codes for an unknown channel or thread, and an unknown message."""

_INVALID_TOKEN = Classification(Disposition.INVALID_TOKEN, Reason.NO_ACCESS)
_CONTENT_REFUSED = Classification(Disposition.CONTENT_REFUSED, Reason.REFUSED_CONTENT)
_ALREADY_DONE = Classification(Disposition.ALREADY_DONE, Reason.UNCERTAIN)
_NO_PERMISSION = Classification(Disposition.REFUSED, Reason.NO_PERMISSION)

# Discord's codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes
DISCORD_ERRORS: dict[int, Classification] = {
    10003: Classification(Disposition.REFUSED, Reason.UNKNOWN_CHANNEL),
    10004: Classification(Disposition.REFUSED, Reason.GUILD_LEFT),
    10007: Classification(Disposition.REFUSED, Reason.DMS_CLOSED),
    # The nonce belongs to a message that has since been deleted.
    10008: _ALREADY_DONE,
    10013: Classification(Disposition.REFUSED, Reason.DMS_CLOSED),
    10015: WEBHOOK_GONE,
    20016: Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=60),
    20022: Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    20028: RATE_LIMITED,
    20029: RATE_LIMITED,
    30046: Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    40001: _INVALID_TOKEN,
    40003: Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=600),
    40004: OUTCOME_UNKNOWN,
    40006: OUTCOME_UNKNOWN,
    40033: _ALREADY_DONE,  # already published
    40058: Classification(Disposition.REFUSED, Reason.WRONG_CHANNEL_KIND),
    40067: Classification(Disposition.REFUSED, Reason.TAG_NEEDED),
    40333: Classification(Disposition.RETRY, Reason.DISCORD_TROUBLE, wait_seconds=600),
    50001: Classification(Disposition.REFUSED, Reason.NO_ACCESS),
    50007: Classification(Disposition.REFUSED, Reason.DMS_CLOSED),
    50008: Classification(Disposition.REFUSED, Reason.WRONG_CHANNEL_KIND),
    50013: _NO_PERMISSION,
    50014: _INVALID_TOKEN,
    50024: Classification(Disposition.REFUSED, Reason.WRONG_CHANNEL_KIND),
    50027: WEBHOOK_GONE,
    # A message reopens an archived thread unless the thread is locked.
    50083: Classification(Disposition.REFUSED, Reason.THREAD_LOCKED),
    50278: Classification(Disposition.REFUSED, Reason.NO_SHARED_SERVER),
    160002: _CONTENT_REFUSED,  # a reply without Read Message History; the plain form does not reply
    160004: _ALREADY_DONE,  # the message already has a thread
    160005: Classification(Disposition.REFUSED, Reason.THREAD_LOCKED),
    160006: Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    160007: Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait_seconds=3600),
    200000: _CONTENT_REFUSED,  # an AutoMod rule of the server
    220001: Classification(Disposition.REFUSED, Reason.WRONG_CHANNEL_KIND),  # a forum's webhook
    240000: _CONTENT_REFUSED,  # a link that Discord considers harmful
}

_PERMISSION_REASONS = {
    PartKind.MESSAGE: Reason.NO_SEND,
    PartKind.FORUM_POST: Reason.NO_SEND,
    PartKind.THREAD: Reason.NO_THREADS,
    PartKind.THREAD_MESSAGE: Reason.NO_SEND_IN_THREADS,
    PartKind.REQUEST: Reason.NO_EVENTS,
    PartKind.COUNT: Reason.NO_HISTORY,
    PartKind.EDIT: Reason.NO_SEND_IN_THREADS,
}

DEPENDENT_KINDS = {PartKind.THREAD, PartKind.THREAD_MESSAGE, PartKind.CROSSPOST, PartKind.EDIT}
"""Kinds that target a message or thread of the same delivery instead of the subscribed channel."""

_MESSAGE_SCOPED_KINDS = {PartKind.THREAD, PartKind.CROSSPOST, PartKind.EDIT}
"""Kinds that act on a single message. A refusal concerns the channel only if it names a permission."""


def classify(status: int, code: int, kind: PartKind) -> Classification:
    """Classify Discord's error response to a part of this kind. `code` is 0 if the response lacks a code."""
    if status == 401:
        return _INVALID_TOKEN
    if kind is PartKind.REQUEST and code and status in (400, 404):
        return _ALREADY_DONE  # too late or a repetition: the delivery continues without it
    classification = DISCORD_ERRORS.get(code)
    if classification is None:
        return _classify_status(status, code, kind)
    if code == 50013:
        return replace(classification, reason=_PERMISSION_REASONS.get(kind, Reason.NO_PERMISSION))
    if kind in (PartKind.THREAD, PartKind.COUNT) and code == 10008:
        return TARGET_GONE
    if kind in DEPENDENT_KINDS and code == 10003:
        return TARGET_GONE
    return classification


def _classify_status(status: int, code: int, kind: PartKind) -> Classification:
    if not 400 <= status < 500:
        return OUTCOME_UNKNOWN
    if not code:
        return NOT_ACCEPTED
    if status == 403 and kind in _MESSAGE_SCOPED_KINDS:
        # For example 50005: the message belongs to another application.
        return replace(_NO_PERMISSION, disposition=Disposition.TARGET_GONE)
    if status == 403:
        return _NO_PERMISSION
    if status == 404:
        return TARGET_GONE
    return _CONTENT_REFUSED  # such as an invalid body (50035)


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One request to Discord.

    `payload` is the body as `contents.RenderedPart` describes it for this kind. `channel_id` is the target
    channel, thread or DM; `message_id` is the target message of a THREAD, CROSSPOST or EDIT. `marker` is the text
    to search a history for; `nonce` makes repeated MESSAGE requests create only one message. `guild_id` is
    None for a DM and for a webhook. A webhook has its id in `channel_id` and its secret in `webhook_token`.
    `claimed_at` is when its part was claimed (monotonic, seconds).
    """

    kind: PartKind
    channel_id: int
    payload: dict[str, Any]
    nonce: str
    marker: str | None
    guild_id: int | None
    message_id: int | None
    webhook_token: str | None = field(repr=False)
    claimed_at: float = field(compare=False)


class Sender(Protocol):
    """Makes single attempts. Every failure raises `DeliveryError`. The caller limits the time."""

    async def send(self, request: SendRequest) -> models.Receipt:
        """Make the request once."""
        ...

    async def find(self, request: SendRequest, since: datetime) -> models.Receipt | None:
        """Search the messages since `since` (UTC) for the request's marker. Returns None only if there is certainly none."""
        ...

    async def open_dm(self, user_id: int) -> int: ...


def build_request(
    due: ClaimedPart, channel_id: int, preceding: Sequence[models.Part], webhook_token: str | None
) -> SendRequest:
    """Return the request for a part. `preceding` has the delivery's earlier parts.

    `channel_id` is the delivery's channel. Raises DeliveryError if the part depends on a deleted message.
    """
    delivery, part = due.delivery, due.part
    message_id = part.message_id
    match part.kind:
        case PartKind.THREAD | PartKind.CROSSPOST | PartKind.EDIT:
            base = _last_sent(preceding, PartKind.MESSAGE)
            channel_id, message_id = base.channel_id or channel_id, base.message_id
        case PartKind.THREAD_MESSAGE:
            base = _last_sent(preceding, PartKind.THREAD, PartKind.FORUM_POST)
            channel_id = base.channel_id or channel_id
        case PartKind.MESSAGE | PartKind.FORUM_POST | PartKind.REQUEST | PartKind.COUNT:
            pass
        case _:
            assert_never(part.kind)
    return SendRequest(
        kind=part.kind,
        channel_id=channel_id,
        payload=json.loads(part.payload or "{}"),
        nonce=part.nonce,
        marker=part.marker,
        guild_id=delivery.guild_id if delivery.user_id is None else None,
        message_id=message_id,
        webhook_token=webhook_token,
        claimed_at=due.claimed_at,
    )


def _last_sent(parts: Sequence[models.Part], *kinds: PartKind) -> models.Part:
    for part in reversed(parts):
        if part.kind in kinds and part.message_id is not None:
            return part
    raise DeliveryError(TARGET_GONE, "the message that this part builds on was deleted")


INITIAL_DELAY = timedelta(seconds=2)
MAX_DELAY = timedelta(seconds=30)
"""This is short, because all requests pause while Discord is down."""


def retry_delay(part: models.Part, classification: Classification, rng: random.Random) -> timedelta:
    """Return the delay before the next attempt: the one requested by Discord, or twice the previous one, with jitter."""
    if seconds := classification.wait_seconds:
        return timedelta(seconds=seconds + rng.uniform(0.0, 0.5))
    former = timedelta(0)
    if part.last_attempt_at is not None:
        former = part.next_attempt_at - part.last_attempt_at
    return min(MAX_DELAY, max(INITIAL_DELAY, 2 * former)) * rng.uniform(0.5, 1.5)


REFUSAL_DELAYS = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
MAX_REFUSED = 3
"""The number of consecutive deliveries that must expire for the same reason before the subscription or alert is paused."""


def refusal_delay(part: models.Part) -> timedelta:
    former = timedelta(0)
    if part.error_code is not None and part.last_attempt_at is not None:
        former = part.next_attempt_at - part.last_attempt_at
    return next(
        (delay for delay in REFUSAL_DELAYS if delay > former + timedelta(minutes=1)), REFUSAL_DELAYS[-1]
    )


_INDEPENDENT_KINDS = frozenset({PartKind.MESSAGE, PartKind.THREAD_MESSAGE, PartKind.CROSSPOST})
"""The kinds of part on which nothing builds in a delivery that has no others. A crosspost belongs to the message before it."""

NOTICE = DeliveryHandler(kind=models.DeliveryKind.NOTICE, priority=models.Priority.NOTIFICATION)


async def notify_owners(
    connection: Connection,
    deliveries: DeliveryFactory,
    changed: Iterable[NoticeRecipient],
    kind: NoticeKind,
    now: datetime,
    *,
    default_locale: models.Locale,
    reason: str | None = None,
    subject: str | None = None,
    on: date | None = None,
    about: int | None = None,
    papers: tuple[str, ...] = (),
) -> None:
    """Plan a notice for each subscription or alert at `now` (UTC).

    It is sent to the owner as a direct message or, without an owner, to the server's system channel. If there is none, an
    error tells the operator. One about a date `on` is planned once for each owner, one `about` a delivery (an id) once for
    each subscription or alert.
    """
    for recipient in changed:
        reader, channel_id = None, None
        if recipient.user_id is not None:
            reader = await accounts.get_reader(connection, recipient.user_id)
        elif (channel_id := await _find_system_channel(connection, recipient, kind)) is None:
            # An error reaches the operator in a direct message.
            log.error(NOBODY_TOLD, reason=_describe_untold(recipient, kind, reason))
            continue
        if on is not None and await outbox.has_notice(
            connection, f"notice:{kind.value}:", on, user_id=recipient.user_id, guild_id=recipient.guild_id
        ):
            continue
        # Without the reader's id, which the server's system channel would get.
        notice = contents.NoticePost(
            marker=f"notice:{kind.value}:{recipient.name}:{on or about or int(now.timestamp())}",
            locale=(reader and reader.locale) or recipient.locale or default_locale,
            kind=kind,
            reason=reason,
            subject=subject,
            channel_id=recipient.channel_id,
            subscription_id=recipient.subscription_id,
            alert_id=recipient.alert_id,
            is_club=recipient.is_club,
            is_discussion=recipient.is_discussion,
            is_elsewhere=channel_id not in (None, recipient.channel_id),
            on=on,
            papers=papers,
        )
        delivery = deliveries.build_post(
            NOTICE,
            notice,
            now,
            user_id=recipient.user_id,
            guild_id=recipient.guild_id,
            channel_id=channel_id,
            subscription_id=recipient.subscription_id,
        )
        await outbox.add(connection, delivery)


NOBODY_TOLD = "Nobody in its server can be told of a post that has no owner."


def _describe_untold(recipient: NoticeRecipient, kind: NoticeKind, reason: str | None) -> str:
    """Return where the post goes, what happened to it, and the first sentence of why: the whole one is too long for a message."""
    is_by_webhook = recipient.guild_id in (None, models.NO_GUILD)
    server = "" if is_by_webhook else f" of server {recipient.guild_id}"
    place = f"{'Webhook' if is_by_webhook else 'Channel'} {recipient.channel_id}{server}"
    why = (i18n_texts.for_locale(models.Locale.EN).find(f"reason-{reason}") or reason) if reason else ""
    what = ": ".join(filter(None, [kind.replace("-", " "), why.partition(". ")[0].removesuffix(".")]))
    return f"{place}, {what}. What to do is in the output of paperround posts."


async def _find_system_channel(
    connection: Connection, recipient: NoticeRecipient, kind: NoticeKind
) -> int | None:
    """Return the server's system channel; None without one, or if it is the channel that refused.

    A channel whose alerts lost their owner refuses nothing: it is notified instead of a missing system channel.
    """
    guild = await accounts.get_guild(connection, recipient.guild_id or 0)
    channel_id = None if guild is None else guild.system_channel_id
    if kind is NoticeKind.RIGHT_LOST:
        return channel_id or recipient.channel_id
    return None if channel_id == recipient.channel_id else channel_id


async def notify_operator(
    deliveries: DeliveryFactory,
    channel_id: int,
    locale: models.Locale,
    connection: Connection,
    row: models.StoredSource,
    now: datetime,
) -> None:
    """Plan a notice about a failing source to the operator's channel, in the caller's transaction."""
    notice = contents.NoticePost(
        marker=f"notice:f{row.id}:{int(now.timestamp())}",
        locale=locale,
        kind=NoticeKind.SOURCE_FAILING,
        reason=row.reason,
        subject=row.url,
    )
    await outbox.add(connection, deliveries.build_post(NOTICE, notice, now, channel_id=channel_id))


OutcomeListener = Callable[[str, models.DeliveryKind, str | None, float | None], None]
"""Receives each outcome, for metrics: result, kind, reason, and seconds since `due_at` (None unless sent).

The result is sent, found (in the history), retry, refused, stopped, fallback, superseded or expired.
"""

SUPERSEDED = "superseded"
"""The result of a failed attempt that is not stored, because another process became the sender or released the part."""

LINGER_SECONDS = 0.05
"""The time that a receipt waits for others to be stored with it. A crash in this time is like a lost receipt."""


@dataclass(eq=False)
class OutcomeRecorder:
    """Stores outcomes in the outbox, applies their consequences as defined by `kinds`, and reports each to `on_outcome`."""

    database: Database
    deliveries: DeliveryFactory
    kinds: DeliveryKinds
    rng: random.Random
    on_outcome: OutcomeListener = lambda *_: None
    linger_seconds: float = LINGER_SECONDS
    _pending: dict[int, models.Receipt] = field(default_factory=dict, init=False)
    _store_lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def record_sent(
        self, due: ClaimedPart, receipt: models.Receipt, now: datetime, *, already_sent: bool
    ) -> None:
        """Record that a part was sent, either now or (if `already_sent`) by an earlier attempt."""
        await self._store_batched(due.part.id, receipt, now)
        late = (now - due.delivery.due_at).total_seconds()
        self._log_and_report("found" if already_sent else "sent", due, late_seconds=late)

    def find_unstored(self, part_id: int) -> models.Receipt | None:
        """Return the receipt of a sent part if it is not stored yet, or None."""
        return self._pending.get(part_id)

    async def _store_batched(self, part_id: int, receipt: models.Receipt, now: datetime) -> None:
        """Store a receipt with others that arrive within `linger_seconds`, to save transactions when many posts are sent."""
        self._pending[part_id] = receipt
        async with self._store_lock:
            if part_id not in self._pending:
                return
            await asyncio.sleep(self.linger_seconds)
            batch = dict(self._pending)
            async with self.database.transaction() as connection:
                incomplete = await outbox.mark_sent(connection, batch, now)
                await self._notify_of_refused_papers(connection, incomplete, now)
            for stored_id in batch:
                del self._pending[stored_id]

    async def record_failure(
        self, due: ClaimedPart, error: DeliveryError, started_at: datetime, now: datetime
    ) -> None:
        """Record a failed attempt that began at `started_at` (UTC), and apply the consequences."""
        classification, part = error.classification, due.part
        if classification.disposition is Disposition.CONTENT_REFUSED:
            # Direct messages are private, so they are not logged.
            payload = None if due.delivery.is_direct else part.payload
            log.error("Discord refused a message", delivery=due.delivery.id, payload=payload, code=error.code)
        result, is_stored, delay = await self.database.write(self._store_failure, due, error, started_at, now)
        if classification.disposition is Disposition.ALREADY_DONE and not is_stored:
            receipt = models.Receipt(part.message_id, due.delivery.channel_id or 0)
            await self.record_sent(due, receipt, now, already_sent=True)
            return
        details = {} if delay is None else {"wait_seconds": round(delay.total_seconds(), 1)}
        self._log_and_report(result if is_stored else SUPERSEDED, due, error, **details)

    async def _store_failure(
        self,
        connection: Connection,
        due: ClaimedPart,
        error: DeliveryError,
        started_at: datetime,
        now: datetime,
    ) -> tuple[str, bool, timedelta | None]:
        """Store a failed attempt. Returns its result, whether it is stored, and when it is tried again."""
        classification, part = error.classification, due.part
        disposition = classification.disposition
        is_refused = disposition is Disposition.REFUSED
        delay: timedelta | None = None
        # Discord may have refused the name of what a request makes.
        is_named = disposition is Disposition.ALREADY_DONE and part.kind is PartKind.REQUEST
        if (is_named or disposition is Disposition.CONTENT_REFUSED) and await outbox.use_fallback(
            connection, part.id, nonce=self.deliveries.new_nonce(), now=now, term=due.term
        ):
            return "fallback", True, None
        match disposition:
            case Disposition.ALREADY_DONE:
                result, is_stored = "found", False
            case Disposition.UNVERIFIABLE | Disposition.TARGET_GONE | Disposition.CONTENT_REFUSED:
                result, is_stored = "stopped", await self._stop(connection, due, error, now)
            case Disposition.REFUSED if due.delivery.kind is DeliveryKind.NOTICE:
                result, is_stored = "stopped", await self._stop(connection, due, error, now)
            case Disposition.RETRY | Disposition.UNKNOWN | Disposition.INVALID_TOKEN | Disposition.REFUSED:
                result = "refused" if is_refused else "retry"
                delay = refusal_delay(part) if is_refused else retry_delay(part, classification, self.rng)
                is_unknown = disposition is Disposition.UNKNOWN
                is_stored = await outbox.mark_retry(
                    connection,
                    part.id,
                    next_attempt_at=now + delay,
                    unknown_since=part.first_attempt_at or (started_at if is_unknown else None),
                    error=classification.reason,
                    error_code=error.code or error.status or (0 if is_refused else None),
                    term=due.term,
                    is_refused=is_refused,
                )
                if is_refused and is_stored:
                    await self._tell_owner(connection, due.delivery, classification.reason, now)
            case _:
                assert_never(disposition)
        return result, is_stored, delay

    async def expire(self, now: datetime) -> None:
        """End the deliveries that have expired by `now` (UTC).

        A delivery with an unknown outcome ends a day later. A subscription or alert is paused once
        `MAX_REFUSED` of its deliveries in a row have expired for the same reason.
        """
        async with self.database.transaction() as connection:
            expired = await outbox.expire(connection, now, unknown_until=now - contents.LIFETIME)
            await self._notify_of_refused_papers(connection, [delivery.id for delivery in expired], now)
            for delivery in expired:
                if delivery.reason == Reason.TOO_OLD:
                    continue
                ends = await outbox.list_last_ends(connection, delivery, MAX_REFUSED)
                if ends == [delivery.reason] * MAX_REFUSED:
                    await self._notify(connection, delivery, NoticeKind.PAUSED, now)
        for delivery in expired:
            log.warning("delivery expired", delivery=delivery.id, key=delivery.key)
            self.on_outcome("expired", delivery.kind, delivery.reason, None)

    async def _notify_of_refused_papers(
        self, connection: Connection, delivery_ids: Sequence[int], now: datetime
    ) -> None:
        """Plan one notice about each delivery that ended without something because Discord refuses its content."""
        if not delivery_ids:
            return
        refused = await outbox.list_refused_papers(connection, delivery_ids)
        for delivery in await outbox.list_rows(connection, ids=delivery_ids):
            is_refused = delivery.id in refused or delivery.reason == Reason.REFUSED_CONTENT
            if is_refused and delivery.state is models.DeliveryState.STOPPED:
                await self._notify(
                    connection, delivery, NoticeKind.CONTENT_REFUSED, now, papers=refused.get(delivery.id, ())
                )

    async def _notify(
        self,
        connection: Connection,
        delivery: models.Delivery,
        kind: NoticeKind,
        now: datetime,
        reason: str | None = None,
        papers: tuple[str, ...] = (),
    ) -> None:
        """Plan a notice of this kind to the owners of a delivery's subscription or alerts, or to its only reader."""
        reason = reason or delivery.reason or ""
        record = next(record for record in self.kinds if record.kind is delivery.kind)
        recipients = await record.find_recipients(
            connection, delivery, reason if kind is NoticeKind.PAUSED else None
        )
        about = None
        if kind is NoticeKind.CONTENT_REFUSED:
            about = delivery.id
            if delivery.is_direct and delivery.kind is not DeliveryKind.NOTICE:
                name, locale = f"d{delivery.id}", delivery.locale
                reader_id = delivery.user_id
                recipients = [
                    NoticeRecipient(
                        name=name, guild_id=None, channel_id=None, user_id=reader_id, locale=locale
                    )
                ]
        await notify_owners(
            connection,
            self.deliveries,
            recipients,
            kind,
            now,
            default_locale=delivery.locale,
            reason=reason,
            about=about,
            papers=papers,
        )

    async def _tell_owner(
        self, connection: Connection, delivery: models.Delivery, reason: Reason, now: datetime
    ) -> None:
        """Notify the owner of a refused delivery, once. A reader's direct messages are opened again instead."""
        if delivery.is_direct and delivery.user_id is not None:
            # The stored channel may belong to a bot whose token was replaced, so the next attempt reopens it.
            await accounts.clear_dm_channel(connection, delivery.user_id)
            await outbox.set_channel(connection, delivery.id, None)
        elif delivery.reason != reason and not await outbox.is_refusal_known(connection, delivery, reason):
            await self._notify(connection, delivery, NoticeKind.REFUSED, now, reason)

    async def _stop(
        self, connection: Connection, due: ClaimedPart, error: DeliveryError, now: datetime
    ) -> bool:
        """Stop a part, and its delivery unless only its content is refused and nothing that follows builds on it.

        A notice that its reader refuses is sent to the server's system channel instead, in its plain form.
        """
        classification, delivery, part = error.classification, due.delivery, due.part
        is_of_content = classification.disposition is Disposition.CONTENT_REFUSED
        others = await outbox.list_parts(connection, delivery.id) if is_of_content else []
        kinds = {other.kind for other in others[part.position :]}
        is_alone = is_of_content and (len(kinds) == 1 or kinds <= _INDEPENDENT_KINDS)
        is_stored = await outbox.stop_part(
            connection,
            part.id,
            reason=classification.reason,
            now=now,
            unknown_since=part.first_attempt_at
            or (now if classification.disposition is Disposition.UNVERIFIABLE else None),
            error_code=error.code,
            term=due.term,
            alone=is_alone,
        )
        is_refused = classification.disposition is Disposition.REFUSED
        if is_stored and is_of_content:
            await self._notify_of_refused_papers(connection, [delivery.id], now)
        if is_stored and is_refused and delivery.user_id is not None and delivery.guild_id is not None:
            await accounts.clear_dm_channel(connection, delivery.user_id)
            guild = await accounts.get_guild(connection, delivery.guild_id)
            if guild is not None and guild.system_channel_id is not None:
                nonce = self.deliveries.new_nonce()
                await outbox.redirect(connection, delivery.id, guild.system_channel_id, nonce=nonce, now=now)
        return is_stored

    def _log_and_report(
        self,
        result: str,
        due: ClaimedPart,
        error: DeliveryError | None = None,
        *,
        late_seconds: float | None = None,
        **details: float,
    ) -> None:
        reason = None if error is None else error.classification.reason.value
        write = log.info if error is None or result == "retry" else log.warning
        write(
            "part " + result,
            delivery=due.delivery.id,
            part=due.part.id,
            channel=due.delivery.channel_id,
            reason=reason,
            error=None if error is None else str(error),
            **details,
        )
        self.on_outcome(result, due.delivery.kind, reason, late_seconds)
