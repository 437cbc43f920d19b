"""The relay claims due parts from the outbox and runs one attempt at each. See docs/delivery.md for its protocol.

Only one relay at a time may run on a database (`storage.locks`).

What `AttemptRunner` does before it makes a request, in this order. A message that it finds is the attempt's receipt.

1. For an attempt of which the database knows (`_find_recorded`, and `Sender.find` for the lines marked *); the first line that
   holds counts:

   first attempt Discord may have accepted  request             history
   ---------------------------------------  ------------------  ------------------------------------
   none (`first_attempt_at` is None)        any                 not searched
   less than NONCE_WINDOW ago               with a nonce        not searched: the nonce returns its message
   any other                                of no marked kind   not searched: it may be repeated *
   any other                                by a webhook        has none: the part is UNVERIFIABLE *
   any other                                any other           searched from the first attempt on

2. For an attempt that a restored backup lacks (`_find_unrecorded`): not searched for a kind not in `MARKED_KINDS`, for a
   delivery that could not be sent before this term, and for one in `_searched_ids`; else from `_sendable_since` on:

   the search                               `_searched_ids`      what follows
   ---------------------------------------  ------------------  ------------------------------------
   finds the message                        -                   the receipt
   finds nothing                            the delivery joins  the request
   fails: retry or invalid token            -                   that error
   fails: unknown                           -                   the error as a retry: nothing was sent
   fails otherwise (history unreadable)     the delivery joins  the request

   A delivery leaves `_searched_ids` when Discord refuses the content of its request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from datetime import time as time_of_day

import structlog

from bot.core import isolation
from bot.core.clock import Clock
from bot.outbox import contents, outcomes
from bot.outbox.outcomes import (
    OUTCOME_UNKNOWN,
    DeliveryError,
    Disposition,
    Sender,
    SendRequest,
    build_request,
)
from bot.outbox.request_pacing import Pace
from storage import accounts, key_values, models, news, outbox
from storage.database import Database
from storage.models import PartKind
from storage.outbox import ClaimedPart, DuePart

log = structlog.get_logger(__name__)

NONCE_WINDOW = timedelta(seconds=60)
"""The time after the first attempt in which the nonce alone is trusted to prevent a second message.

Discord remembers nonces for "the past few minutes" without giving a number. Two minutes are assumed
(resources/message, api#6647), and an attempt may itself take 20 s to arrive.
"""

EASTERNMOST = timezone(timedelta(hours=14))
"""The first time zone to reach each date. A morning digest in Seoul arrives on the previous day in UTC."""
_DUE_BY_DIGEST = frozenset({models.DeliveryKind.ALERT, models.DeliveryKind.TODAY})
"""Kinds of delivery that become due only once their digest is stored."""
_DUE_BY_EVENT = frozenset({models.DeliveryKind.NEWS, models.DeliveryKind.THREAD_NEWS})
"""Kinds of delivery that become due once something new about a paper is found."""


@dataclass(eq=False)
class AttemptRunner:
    """Runs single attempts, after searching the history for an earlier copy if necessary."""

    database: Database
    sender: Sender
    _searched_ids: set[int] = field(default_factory=set, init=False)
    """Deliveries that are not searched again: nothing was found, or their history cannot be read."""

    async def run(
        self, due: ClaimedPart, now: datetime, term_began_at: datetime
    ) -> tuple[models.Receipt, bool]:
        """Return the receipt and whether the message had already been sent. Raises `outcomes.DeliveryError`.

        If the delivery could have been sent before this sender's term began (UTC), its message is searched
        for even without a recorded attempt: a restored backup lacks the attempts made after it was taken.
        """
        request = await self._prepare(due)
        receipt = await self._find_recorded(due.part, request, now)
        if receipt is None:
            # Do this even after an attempt, which may have been cut off in this search before sending anything.
            receipt = await self._find_unrecorded(due.delivery, request, term_began_at)
        if receipt is not None:
            return receipt, True
        try:
            return await self.sender.send(request), False
        except DeliveryError as error:
            if error.classification.disposition is Disposition.CONTENT_REFUSED:
                # It was refused before, too: its plain form, or what follows, may have been sent.
                self._searched_ids.discard(due.delivery.id)
            raise

    async def _prepare(self, due: ClaimedPart) -> SendRequest:
        """Return the request for a part, after opening the reader's DM channel if that is not open yet."""
        delivery, part = due.delivery, due.part
        channel_id = delivery.channel_id
        if channel_id is None:
            channel_id = await self._open_dm(delivery)
        parts, token = list[models.Part](), None
        if part.kind in outcomes.DEPENDENT_KINDS or _may_be_webhook(delivery):
            async with self.database.read() as connection:
                parts = await outbox.list_parts(connection, delivery.id)
                token = await key_values.get(connection, f"{key_values.WEBHOOK}{channel_id}")
        return build_request(due, channel_id, parts[: part.position], token)

    async def _find_recorded(
        self, part: models.Part, request: SendRequest, now: datetime
    ) -> models.Receipt | None:
        """Search for the message of an attempt with an unknown outcome, unless its nonce still prevents a second one."""
        if part.first_attempt_at is None:
            return None
        # The difference is negative if the clock was set back.
        is_nonce_valid = timedelta(0) <= now - part.first_attempt_at < NONCE_WINDOW
        has_nonce = part.kind is not PartKind.FORUM_POST and request.webhook_token is None
        if is_nonce_valid and has_nonce:
            return None
        return await self.sender.find(request, part.first_attempt_at)

    async def _find_unrecorded(
        self, delivery: models.Delivery, request: SendRequest, term_began_at: datetime
    ) -> models.Receipt | None:
        """Search for a message that a sender before this term sent, and whose attempt a restored backup lacks."""
        since = _sendable_since(delivery)
        is_marked = request.kind in contents.MARKED_KINDS  # others can safely be repeated
        if not is_marked or since >= term_began_at or delivery.id in self._searched_ids:
            return None
        receipt = None
        try:
            receipt = await self.sender.find(request, since)
        except DeliveryError as error:
            disposition = error.classification.disposition
            if disposition is Disposition.UNKNOWN:
                # Nothing was sent now. "Unknown" would make the next attempt trust the nonce, which earlier copies lack.
                raise error.meaning(disposition=Disposition.RETRY) from error
            # Leave other errors, such as an unreadable history or a missing channel, to the request itself. Backups are
            # rarely restored, and posts must not wait for a person after each restart.
            if disposition in (Disposition.RETRY, Disposition.INVALID_TOKEN):
                raise
        if receipt is None:
            self._searched_ids.add(delivery.id)  # then its later parts were not sent either
        return receipt

    async def _open_dm(self, delivery: models.Delivery) -> int:
        user_id = delivery.user_id
        assert user_id is not None, "only a direct message has no channel yet"
        reader = await self.database.fetch(accounts.get_reader, user_id)
        channel_id = reader.dm_channel_id if reader is not None else None
        if channel_id is None:
            channel_id = await self.sender.open_dm(user_id)
        async with self.database.transaction() as connection:
            # A reader who has been forgotten in the meantime has no delivery left and must not be stored again.
            if await outbox.set_channel(connection, delivery.id, channel_id):
                await accounts.upsert_reader(connection, user_id, dm_channel_id=channel_id)
        return channel_id


POLL_SECONDS = 2.0
"""The interval of checks for deliveries that another process has planned. `wake` ends the wait."""

FORUM_POST_GRACE = timedelta(seconds=40)
"""Longer than any request, so a forum post of the previous process has arrived by then and can be found."""
TICK = timedelta(minutes=1)
"""Subtracted so that a day-old post expires in the tick that plans the next one, not seconds later."""
MAX_IN_FLIGHT = 40
MAX_WAITING = 16
"""The maximum number of claimed parts waiting to be sent. After a kill, their outcome is unknown."""
MAX_WEBHOOKS = 2
"""The maximum number of webhook posts in flight. After a kill, a person must look for each of them in its channel."""
MIN_WAITING = 8
"""More parts are claimed when fewer than this are waiting, since each claim takes two transactions."""
STOP_SECONDS = 8.0
"""The maximum time that a shutdown waits for the parts in flight."""


@dataclass(eq=False)
class Relay:
    """Sends due parts through `sender`. `clock` returns the current time (UTC); `monotonic` (seconds) measures delays.

    `get_term` returns the term of the sender lock; while it is None, nothing is claimed. `on_claimed` is
    called after each round of claims, even if nothing was due, and `on_failed` with the error of a failed round.
    `follow` plans what the outcome of a delivery's part makes due; if it fails or the process ends before, the next
    minute does.
    """

    database: Database
    sender: Sender
    recorder: outcomes.OutcomeRecorder
    pace: Pace
    clock: Clock
    get_term: Callable[[], int | None]
    on_claimed: Callable[[], None]
    on_failed: Callable[[Exception], None]
    follow: Callable[[models.Delivery], Awaitable[None]]
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._attempt_runner = AttemptRunner(self.database, self.sender)
        self._term: int | None = None
        self._term_began_at = datetime.min.replace(tzinfo=UTC)
        self._wake_event = asyncio.Event()
        self._in_flight: dict[asyncio.Task[None], ClaimedPart] = {}
        self._resting_until: dict[int | None, float] = {}
        """When each channel's rate limit ends (monotonic seconds). The key None is for opening direct messages."""
        self._stopping = False
        self._has_orphans = True  # parts left SENDING by an earlier process
        self._fatal_error: DeliveryError | None = None

    def wake(self) -> None:
        """End the wait for due parts, because deliveries were planned."""
        self._wake_event.set()

    async def expire(self, now: datetime) -> None:
        """End the deliveries that expire within a minute, so that the next posts can include their papers."""
        await self.recorder.expire(now + TICK)

    async def drain(self, now: datetime | None = None) -> None:
        """End the deliveries that have expired by `now` (UTC), and send everything due; without `now`, as time goes by.

        Raises `outcomes.DeliveryError` if Discord rejects the token.
        """
        await self.recorder.expire(now or self.clock())
        await self._send_due(self.clock if now is None else lambda: now)

    async def run(self) -> None:
        """Send until `stop` is called, then finish the parts in flight within `STOP_SECONDS`. Raises the errors of `drain`."""
        try:
            while not self._stopping:
                # A failed round, e.g. in a database outage, must not end delivery. A fatal DeliveryError does.
                with isolation.isolated(log, "relay round failed", reraise=(DeliveryError,)) as failures:
                    await self._send_due(self.clock)
                self._has_orphans |= bool(failures)
                for error in failures:
                    self.on_failed(error)
                await self._sleep(POLL_SECONDS)
        finally:
            await self._finish_in_flight()

    def stop(self) -> None:
        self._stopping = True
        self.wake()

    async def _finish_in_flight(self) -> None:
        """Wait for the parts in flight. A part that takes too long stays SENDING until the next start resolves it."""
        tasks = list(self._in_flight)
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        await isolation.cancel(*tasks)

    async def _sleep(self, seconds: float, *tasks: asyncio.Task[None]) -> None:
        """Sleep until woken, until one of `tasks` ends, or for `seconds`."""
        waker = asyncio.create_task(self._wake_event.wait())
        await asyncio.wait({waker, *tasks}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        waker.cancel()

    async def _send_due(self, clock: Clock) -> None:
        """Attempt due parts until none are left and all attempts have ended, or until the relay is stopped."""
        while not self._stopping:
            self._wake_event.clear()
            # A task may end during a claim, which then still treats its channel as busy.
            in_flight = list(self._in_flight)
            claimed = await self._claim(clock)
            for due in claimed:
                self._start_attempt(due, clock)
            self.on_claimed()
            if not claimed:
                if not in_flight:
                    break
                await self._sleep(POLL_SECONDS, *in_flight)
        if self._fatal_error is not None:
            fatal, self._fatal_error = self._fatal_error, None
            raise fatal

    async def _claim(self, clock: Clock) -> list[ClaimedPart]:
        """Mark the most urgent due parts as SENDING: one per free slot, and at most one per destination."""
        term, slots = self.get_term(), self._count_free_slots()
        if term is None or slots <= 0:
            return []
        if term != self._term:
            self._term, self._term_began_at = term, clock()
        if self._has_orphans:
            await self._release_orphans(clock(), term)
        if not (chosen := await self._choose(clock(), slots)):
            return []
        claimed_at = time.monotonic()
        async with self.database.transaction() as connection:
            ids = [due.part.id for due in chosen]
            marked = await outbox.mark_sending(connection, ids, clock(), term=term)
        return [
            ClaimedPart(due.delivery, due.part, term, claimed_at) for due in chosen if due.part.id in marked
        ]

    def _count_free_slots(self) -> int:
        waiting = self.pace.waiting
        if self._fatal_error is not None or self.pace.delay() or waiting >= MIN_WAITING:
            return 0
        most = MAX_IN_FLIGHT if self.pace.is_well else 1
        return min(most - len(self._in_flight), MAX_WAITING - waiting)

    async def _choose(self, now: datetime, limit: int) -> list[DuePart]:
        """Return up to `limit` parts due at `now` (UTC), most urgent first, whose destinations are free."""
        in_flight = [due.delivery for due in self._in_flight.values()]
        webhooks = MAX_WEBHOOKS - sum(map(_may_be_webhook, in_flight))
        self._resting_until = {id_: at for id_, at in self._resting_until.items() if at > self.monotonic()}
        due_parts = await self.database.fetch(
            outbox.list_due,
            now,
            limit=limit,
            exclude_channel_ids={row.channel_id for row in in_flight if row.channel_id}
            | self._resting_until.keys(),
            with_webhooks=webhooks > 0,
        )
        busy = set(map(_destination_key, in_flight))
        chosen: list[DuePart] = []
        for due in due_parts:
            destination = _destination_key(due.delivery)
            if destination in busy:
                continue
            busy.add(destination)
            if not _may_be_webhook(due.delivery):
                chosen.append(due)
            elif webhooks > 0:
                chosen.append(due)
                webhooks -= 1
        return chosen

    async def _release_orphans(self, now: datetime, term: int) -> None:
        """Release parts left SENDING by an earlier process, or by an attempt with an outcome that could not be stored."""
        # With SQLite, holding the lock proves that no earlier sender is alive.
        forum_posts_at = None if self.database.is_sqlite else now + FORUM_POST_GRACE
        in_flight_ids = {due.part.id for due in self._in_flight.values()}
        released = await self.database.write(
            outbox.release_interrupted,
            now,
            term=term,
            forum_posts_at=forum_posts_at,
            in_flight_ids=in_flight_ids,
        )
        if released:
            log.info("unfinished attempts released", parts=released)
        self._has_orphans = False

    def _start_attempt(self, due: ClaimedPart, clock: Clock) -> None:
        task = asyncio.create_task(self._attempt(due, clock))
        self._in_flight[task] = due
        task.add_done_callback(self._attempt_done)

    def _attempt_done(self, task: asyncio.Task[None]) -> None:
        del self._in_flight[task]
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # The outcome is not stored, so the next attempt determines it, as after a crash.
            self._has_orphans = True
            isolation.log_error(log, "outcome not recorded", error)

    async def _attempt(self, due: ClaimedPart, clock: Clock) -> None:
        await self._attempt_once(due, clock)
        with isolation.isolated(log, "what follows an outcome not planned"):
            await self.follow(due.delivery)

    async def _attempt_once(self, due: ClaimedPart, clock: Clock) -> None:
        started_at = clock()
        try:
            receipt = self.recorder.find_unstored(due.part.id)
            was_found = receipt is not None
            if receipt is None:
                receipt, was_found = await self._attempt_runner.run(due, started_at, self._term_began_at)
        except DeliveryError as error:
            failure = error
        except Exception as error:
            # An unexpected error leaves the outcome open; an immediate retry could loop forever.
            log.exception("attempt raised an unexpected error", delivery=due.delivery.id, part=due.part.id)
            failure = DeliveryError(OUTCOME_UNKNOWN, f"{type(error).__name__}: {error}")
        else:
            await self.recorder.record_sent(due, receipt, clock(), already_sent=was_found)
            return
        if seconds := failure.classification.wait_seconds:
            self._resting_until[due.delivery.channel_id] = self.monotonic() + seconds
        if failure.classification.disposition is Disposition.INVALID_TOKEN:
            self._fatal_error = failure
        await self.recorder.record_failure(due, failure, started_at, clock())


def _sendable_since(delivery: models.Delivery) -> datetime:
    """Return the earliest time (UTC) at which a delivery could have been sent, by this run or an earlier one.

    Alerts and papers of the day become due when their digest is stored. After restoring a backup, the digest
    is stored again, so use its date instead. What is new about a paper may have been found and reported since any backup of
    the last weeks. An answer is due only if it is lost.
    """
    if delivery.kind is models.DeliveryKind.ANSWER:
        return delivery.planned_at
    if delivery.kind in _DUE_BY_EVENT:
        return delivery.due_at - news.MAX_AGE
    if delivery.kind in _DUE_BY_DIGEST and delivery.digest_on is not None:
        return datetime.combine(delivery.digest_on, time_of_day.min, EASTERNMOST)
    return delivery.due_at


def _may_be_webhook(delivery: models.Delivery) -> bool:
    """Return whether a webhook may send the delivery: it has no server and no reader, such as an operator's notice."""
    return delivery.guild_id is None and delivery.user_id is None


def _destination_key(delivery: models.Delivery) -> Hashable:
    """Return what identifies a message's destination: the channel, or the reader if no DM is open yet."""
    return delivery.channel_id or ("reader", delivery.user_id)
