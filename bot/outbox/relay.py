"""The relay: claims due parts from the outbox and runs one attempt at each. Its protocol is in docs/delivery.md.

Only one relay may run on a database at a time (`storage.locks`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from datetime import time as time_of_day

import structlog

from bot.archive import arxiv_ids
from bot.core import isolation
from bot.core.clock import Clock
from bot.outbox import contents, discord_health, outcomes
from bot.outbox.outcomes import (
    BLOCKED_OR_GONE,
    OUTCOME_UNKNOWN,
    Classification,
    DeliveryError,
    Disposition,
    Sender,
    SendRequest,
    build_request,
)
from storage import accounts, daily, key_values, models, outbox, papers
from storage.database import Database
from storage.errors import StorageError
from storage.models import PartKind
from storage.outbox import DuePart

log = structlog.get_logger(__name__)

NONCE_WINDOW = timedelta(seconds=60)
"""How long after a first attempt the nonce alone is trusted to prevent a second message.

Discord remembers nonces for "the past few minutes" and documents no number; two minutes are assumed (resources/message,
api#6647), and an attempt can itself take 20 s to arrive.
"""

OTHER_DM = Classification(Disposition.RETRY, models.Reason.NO_ACCESS)
"""The direct messages were another bot's; the reader's own are open now."""
_OF_ANOTHER_BOT = frozenset({models.Reason.NO_ACCESS, models.Reason.UNKNOWN_CHANNEL})
"""Why Discord refuses the direct messages of another bot."""

EASTERNMOST = timezone(timedelta(hours=14))
"""The zone in which a date begins first: a digest of the morning in Seoul comes on the day before by UTC."""
_DUE_BY_DIGEST = frozenset({models.DeliveryKind.ALERT, models.DeliveryKind.TODAY})
"""Kinds of delivery that are due some time after their digest is stored."""

LEFT_OUT = Classification(Disposition.ALREADY_DONE, models.Reason.UNCERTAIN)
"""Another message of the post, which a run after the backup sent, shows papers of this one."""

_MAX_SHOWN = 200
"""More ids than a message has room for."""

DEPENDENT_KINDS = frozenset({PartKind.THREAD, PartKind.THREAD_MESSAGE, PartKind.CROSSPOST})
"""Kinds that build on an earlier part of their delivery."""


class AttemptRunner:
    """Runs single attempts, and looks in the history for an earlier copy. `monotonic` detects a clock that was set back."""

    def __init__(self, database: Database, sender: Sender, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._sender = sender
        self._monotonic = monotonic
        self._unknown_since: dict[int, float] = {}
        self._absent_ids: set[int] = set()
        self._kept_papers: dict[int, set[str]] = {}

    async def run(self, due: DuePart, now: datetime, term_began_at: datetime) -> tuple[models.Receipt, bool]:
        """Return the receipt, and whether the message was already there. Raises `outcomes.DeliveryError`.

        What could be sent before the sender's term began (UTC) may be there although its part was never attempted: if the
        database is a backup, another run sent it after the backup was made.
        """
        delivery = due.delivery
        channel_id = delivery.channel_id
        if channel_id is None:
            channel_id = await self._open_dm(delivery, now)
        try:
            return await self._run_at(channel_id, due, now, term_began_at)
        except DeliveryError as error:
            if await self._has_other_dm(delivery, channel_id, error, now):
                raise DeliveryError(OTHER_DM, str(error), status=error.status, code=error.code) from error
            raise

    async def _run_at(
        self, channel_id: int, due: DuePart, now: datetime, term_began_at: datetime
    ) -> tuple[models.Receipt, bool]:
        delivery, part = due.delivery, due.part
        preceding = await self._list_preceding_parts(due) if part.kind in DEPENDENT_KINDS else []
        request = dataclasses.replace(
            build_request(delivery, part, channel_id, preceding), claimed_at=due.claimed_at
        )
        if delivery.guild_id is None and delivery.user_id is None:
            async with self._database.read() as connection:
                token = await key_values.get(connection, f"{key_values.WEBHOOK}{channel_id}")
            request = dataclasses.replace(request, webhook_token=token)
        receipt = None
        if part.first_attempt_at is not None and (
            request.webhook_token is not None or self._must_check_history(part, part.first_attempt_at, now)
        ):
            receipt = await self._sender.find(request, part.first_attempt_at)
        if receipt is None:
            # Also after an attempt: a run on a backup may have ended while it searched, before it sent anything.
            receipt = await self._find_unrecorded(due, request, term_began_at, now)
        if receipt is None:
            await self._leave_out_shown(due, now)
        was_found = receipt is not None
        receipt = receipt or await self._sender.send(request)
        self._unknown_since.pop(part.id, None)
        return receipt, was_found

    def mark_outcome_unknown(self, due: DuePart) -> None:
        """Record that an attempt ended now without an answer from Discord."""
        self._unknown_since.setdefault(due.part.id, self._monotonic())

    def _must_check_history(self, part: models.Part, first_attempt_at: datetime, now: datetime) -> bool:
        """Whether there may be a copy already, and the nonce no longer prevents a second one."""
        if part.kind is PartKind.FORUM_POST:
            return True  # it has no nonce
        age = now - first_attempt_at
        measured = self._monotonic() - self._unknown_since.get(part.id, self._monotonic())
        # A first attempt in the future means that the clock was set back: its age is unknown then.
        return not timedelta(0) <= age < NONCE_WINDOW or measured >= NONCE_WINDOW.total_seconds()

    async def _find_unrecorded(
        self, due: DuePart, request: SendRequest, term_began_at: datetime, now: datetime
    ) -> models.Receipt | None:
        """Search for a message that only a run after the backup can have sent. None without the permission to search.

        What is found gets the part's content, which may have been corrected since: else a post mixes two texts. A post that
        shows papers which were not chosen again keeps them.
        """
        delivery, receipt = due.delivery, None
        since = _sendable_since(delivery)
        is_marked = request.kind in contents.MARKED_KINDS  # the others can be repeated without harm
        if not is_marked or since >= term_began_at or delivery.id in self._absent_ids:
            return None
        try:
            receipt = await self._sender.find(request, since)
            if receipt is not None and due.part.first_attempt_at is None:
                if _lacks_papers(due, receipt, now):
                    return None  # Discord sends no notification of an edit
                await self._correct(due, request, receipt, now)
        except DeliveryError as error:
            classification = error.classification
            if classification.disposition is Disposition.UNKNOWN:
                # No message was sent. Else the next attempt would rely on its nonce, which the one searched for has not.
                classification = dataclasses.replace(classification, disposition=Disposition.RETRY)
            # Seldom is a database a backup: a post must not wait for a person after each restart.
            # Any other verdict, as on a channel that is gone, is left to the request itself.
            if classification.disposition in (Disposition.RETRY, Disposition.INVALID_TOKEN):
                raise DeliveryError(
                    classification, str(error), status=error.status, code=error.code
                ) from error
        if receipt is None:
            self._absent_ids.add(delivery.id)  # its later parts were not sent either
        return receipt

    async def _correct(
        self, due: DuePart, request: SendRequest, receipt: models.Receipt, now: datetime
    ) -> None:
        """Give a message that was found the part's content, unless it is a daily post that shows other papers.

        That was planned again from a newer digest, or by newer votes. What is not shown then is left to the next post.
        """
        is_kept = receipt.other_text is None
        if due.delivery.kind is models.DeliveryKind.DAILY:
            text = (due.part.payload or "") if is_kept else receipt.other_text or ""
            # A day seems to have no papers until its digest is read again.
            is_kept |= await self._keep_shown(due, text, now) or not due.delivery.post.papers
        if not is_kept:
            await self._sender.send(_build_edit(request, receipt))

    async def _keep_shown(self, due: DuePart, text: str, now: datetime) -> bool:
        """Return whether a message with this text shows other papers than its post. If so, they are stored as posted.

        If it shows papers of another message of the post, in another order, both are corrected. A newer digest,
        of which the post shows nothing, is left to the next one.
        """
        delivery, planned = due.delivery, due.part.payload or ""
        ids = arxiv_ids.list_arxiv_ids(text, _MAX_SHOWN, now.date())
        new = [id_ for id_ in ids if id_ not in planned and id_ not in delivery.post.papers]
        chosen = [id_ for id_ in delivery.post.papers if id_ in planned and id_ not in ids]
        async with self._database.transaction() as connection:
            others = await papers.get_ids(connection, new)
            parts = await outbox.list_parts(connection, delivery.id)
            is_alone = sum(part.kind in contents.MARKED_KINDS for part in parts) == 1
            is_kept = bool(others or (is_alone and chosen))
            if is_kept:
                left_out = await papers.get_ids(connection, chosen)
                await daily.replace_posted(connection, delivery, left_out, others, now)
                if due.part.kind is PartKind.MESSAGE:
                    self._kept_papers.setdefault(delivery.id, set()).update(ids)
            else:
                await daily.remove_newer_covered(connection, delivery)
        return is_kept

    async def _leave_out_shown(self, due: DuePart, now: datetime) -> None:
        """Raise DeliveryError if a message that was kept shows papers of this one, which the former post did not have.

        The others of its papers are left to the next post, as are those that were chosen for the kept message.
        """
        delivery, planned = due.delivery, due.part.payload or ""
        kept = self._kept_papers.get(delivery.id, set())
        chosen = [id_ for id_ in delivery.post.papers if id_ in planned]
        if due.part.kind is not PartKind.MESSAGE or kept.isdisjoint(chosen):
            return
        async with self._database.transaction() as connection:
            left_out = await papers.get_ids(connection, [id_ for id_ in chosen if id_ not in kept])
            await daily.replace_posted(connection, delivery, left_out, {}, now)
        raise DeliveryError(LEFT_OUT, "another message of the post shows its papers")

    async def _list_preceding_parts(self, due: DuePart) -> list[models.Part]:
        async with self._database.read() as connection:
            parts = await outbox.list_parts(connection, due.delivery.id)
        return [part for part in parts if part.position < due.part.position]

    async def _open_dm(self, delivery: models.Delivery, now: datetime) -> int:
        user_id = delivery.user_id
        if user_id is None:
            raise DeliveryError(
                Classification(Disposition.DESTINATION_GONE, models.Reason.UNKNOWN_CHANNEL),
                "the delivery names neither a channel nor a reader",
            )
        async with self._database.read() as connection:
            reader = await accounts.get_reader(connection, user_id)
        channel_id = reader.dm_channel_id if reader is not None else None
        if channel_id is None:
            channel_id = await self._sender.open_dm(user_id)
        await self._store_dm(delivery.id, user_id, channel_id, now)
        return channel_id

    async def _has_other_dm(
        self, delivery: models.Delivery, channel_id: int, error: DeliveryError, now: datetime
    ) -> bool:
        """Whether the reader has other direct messages than those that Discord refused; they are stored for the next attempt.

        Stored ones are another bot's if the operator has set another application's token.
        """
        is_refused = error.classification.disposition in BLOCKED_OR_GONE
        if delivery.user_id is None or not is_refused or error.classification.reason not in _OF_ANOTHER_BOT:
            return False
        opened_id = await self._sender.open_dm(delivery.user_id)
        if opened_id == channel_id:
            return False
        await self._store_dm(delivery.id, delivery.user_id, opened_id, now)
        return True

    async def _store_dm(self, delivery_id: int, user_id: int, channel_id: int, now: datetime) -> None:
        async with self._database.transaction() as connection:
            # A reader who asked meanwhile to be forgotten has no delivery any more, and must not be stored again.
            if await outbox.set_channel(connection, delivery_id, channel_id):
                await accounts.upsert_reader(connection, user_id, now=now, dm_channel_id=channel_id)


POLL_SECONDS = 2.0
"""Poll interval for deliveries that another process planned; `wake` ends the wait, on PostgreSQL for those too."""

PREFETCH_LIMIT = 200
FORUM_POST_GRACE = timedelta(seconds=40)
"""Longer than any request lasts. A former sender's forum post that is under way has arrived by then and is found."""
EXPIRE_INTERVAL = timedelta(seconds=30)
TICK = timedelta(minutes=1)
"""A post that is a day old expires with the tick that plans the next one, not seconds after it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Parts in flight at once, free slots that are worth a claim, and seconds for an attempt and for stopping.

    After `attempt_seconds` an attempt gives its slot to others; it goes on, and its answer is recorded when it comes.
    """

    max_in_flight: int = 40
    min_free_slots: int = 8
    attempt_seconds: float = 20.0
    stop_seconds: float = 8.0


class Relay:
    """Sends due parts through `sender`. `clock` returns the present (UTC); `monotonic` (seconds) measures delays.

    `get_term` returns the term of the sender lock, None while it is lost: then nothing is claimed.
    `on_claimed` is called after each claim, also when nothing was due or the relay rests.
    """

    def __init__(
        self,
        database: Database,
        sender: Sender,
        recorder: outcomes.OutcomeRecorder,
        health: discord_health.DiscordHealth,
        *,
        clock: Clock,
        limits: Limits | None = None,
        rate_limiter: outcomes.RateLimiter | None = None,
        get_term: Callable[[], int | None] = lambda: 0,
        monotonic: Callable[[], float] = time.monotonic,
        on_claimed: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._on_claimed = on_claimed
        self._attempt_runner = AttemptRunner(database, sender, monotonic)
        self._recorder = recorder
        self._health = health
        self._clock = clock
        self._limits = limits or Limits()
        self._get_term = get_term
        self._term: int | None = None
        self._term_began_at = datetime.min.replace(tzinfo=UTC)
        self._rate_limiter = rate_limiter or outcomes.RateLimiter(monotonic)
        self._monotonic = monotonic
        self._wake_event = asyncio.Event()
        self._prefetched: list[DuePart] = []
        self._prefetched_at = float("-inf")
        self._last_expired_at: datetime | None = None
        self._busy_destinations: set[Hashable] = set()
        self._prefetch_skipped_busy = False
        self._in_flight_ids: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._late_tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._outage: str | None = None
        self._has_orphans = True  # parts that an earlier process left SENDING
        self._fatal_error: DeliveryError | None = None

    def wake(self) -> None:
        """Poll at once, because something was planned."""
        self._wake_event.set()

    async def expire(self, now: datetime) -> None:
        """End the deliveries that expire within the next minute, so that the next posts can have their papers."""
        await self._recorder.expire(now + TICK)

    async def drain(self, now: datetime) -> None:
        """Send everything that is due at `now` (UTC), until nothing more can be sent at that moment.

        Raises `outcomes.DeliveryError` if Discord does not accept the token.
        """
        self._last_expired_at = None
        self._wake_event.set()
        await self._run_round(lambda: now)
        while self._late_tasks:
            await asyncio.wait(self._late_tasks)
            await self._run_round(lambda: now)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then finish the parts in flight within `stop_seconds`. Raises as `drain` does."""
        stopper = asyncio.create_task(self._watch_stop_event(stop))
        try:
            while not stop.is_set():
                await self._run_round_safely()
                await self._sleep(min(POLL_SECONDS, self._health.delay() or POLL_SECONDS))
        finally:
            stopper.cancel()
            await self._finish_in_flight()

    async def _watch_stop_event(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping = True
        self._wake_event.set()

    async def _run_round_safely(self) -> None:
        # A failed round, such as a database outage, must not end delivery; a fatal DeliveryError does.
        failures: list[Exception] = []
        with isolation.collected(failures, reraise=(DeliveryError,)):
            await self._run_round(self._clock)
        outage = next((str(error) for error in failures if isinstance(error, StorageError)), None)
        # An outage, such as a full disk, lasts for many rounds and is logged once.
        if failures and (outage is None or outage != self._outage):
            isolation.log_error(log, "relay round failed", failures[0])
        if self._outage is not None and not failures:
            log.info("relay rounds succeed again")
        self._outage = outage
        self._has_orphans |= bool(failures)

    async def _finish_in_flight(self) -> None:
        """Wait for the parts in flight. One that takes too long stays SENDING; the next start determines its outcome."""
        tasks = self._tasks | self._late_tasks
        if tasks:
            await asyncio.wait(tasks, timeout=self._limits.stop_seconds)
        for task in tasks:
            task.cancel()  # the request itself goes on: see `RequestGate`
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _sleep(self, seconds: float | None, *tasks: asyncio.Task[None]) -> None:
        """Sleep until woken, until one of `tasks` ends, or for `seconds`."""
        waker = asyncio.create_task(self._wake_event.wait())
        await asyncio.wait({waker, *tasks}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        waker.cancel()

    async def _run_round(self, clock: Clock) -> None:
        is_work_left = True
        while is_work_left:
            for due in await self._claim(clock):
                self._start_attempt(due, clock)
            self._on_claimed()
            is_work_left = await self._wait_for_slots()
        if self._fatal_error is not None:
            fatal, self._fatal_error = self._fatal_error, None
            raise fatal

    def _free_slots(self) -> int:
        limit = self._limits.max_in_flight
        return min(limit, self._health.window) - len(self._tasks) - max(0, len(self._late_tasks) - limit)

    async def _wait_for_slots(self) -> bool:
        """Wait until enough slots are free for another claim. False if there is nothing left to send now."""
        if self._stopping:
            return False
        idle = {_destination_key(due) for due in self._prefetched} - self._busy_destinations
        delay = self._rate_limiter.shortest_delay(idle) if idle else None
        if not self._tasks:
            if self._late_tasks and self._free_slots() <= 0:
                # Late attempts have all slots: until one of them ends, each claim would return nothing at once.
                await asyncio.wait(
                    self._late_tasks, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                return True
            if delay:
                await self._sleep(delay)
            # If the last prefetch skipped a destination that was busy, its attempt has ended since.
            return delay is not None or self._wake_event.is_set() or self._prefetch_skipped_busy
        min_free_slots = min(self._limits.min_free_slots, self._free_slots() + len(self._tasks))
        while self._tasks:
            before = len(self._tasks)
            if self._free_slots() > 0:
                await self._sleep(POLL_SECONDS if delay is None else min(delay, POLL_SECONDS), *self._tasks)
            else:
                # A late attempt gives up its slot without ending.
                await asyncio.wait(self._tasks, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if self._free_slots() >= min_free_slots or len(self._tasks) == before or self._stopping:
                break
        return True

    async def _claim(self, clock: Clock) -> list[DuePart]:
        """Mark the most urgent parts that may be attempted now as SENDING, at most one per free slot."""
        term = self._get_term()
        if self._stopping:
            return []
        if term is None or self._fatal_error is not None or self._health.delay():
            self._wake_event.clear()
            self._prefetched = []
            self._prefetch_skipped_busy = False
            return []
        if term != self._term:
            self._term, self._term_began_at = term, clock()
            self._has_orphans = True
        free_slots = self._free_slots()
        if free_slots <= 0:
            return []
        is_fresh = self._monotonic() - self._prefetched_at <= POLL_SECONDS and not self._wake_event.is_set()
        chosen = self._choose(free_slots) if is_fresh else []
        if not chosen:
            await self._prefetch(clock(), term)
            chosen = self._choose(free_slots)
        if not chosen:
            return []
        claimed_at = time.monotonic()
        async with self._database.transaction() as connection:
            payloads = await outbox.mark_sending(
                connection, [due.part.id for due in chosen], clock(), term=term
            )
        if not payloads:
            self._prefetched = []  # another process has become the sender, or has changed these parts
        return [
            dataclasses.replace(
                due,
                part=dataclasses.replace(due.part, payload=payloads[due.part.id]),
                term=term,
                claimed_at=claimed_at,
            )
            for due in chosen
            if due.part.id in payloads
        ]

    async def _prefetch(self, now: datetime, term: int) -> None:
        self._wake_event.clear()
        self._prefetched_at = self._monotonic()
        self._rate_limiter.prune()
        if self._has_orphans:
            async with self._database.transaction() as connection:
                unreadable = await outbox.set_aside_unreadable(connection)
                # With SQLite, the lock shows that no former sender's process is alive.
                forum_posts_at = None if self._database.is_sqlite else now + FORUM_POST_GRACE
                released = await outbox.release_interrupted(
                    connection,
                    now,
                    term=term,
                    forum_posts_at=forum_posts_at,
                    in_flight_ids=self._in_flight_ids,
                )
            for row in unreadable:
                log.error("a row of the outbox cannot be read", table=row.table, row=row.id, reason=str(row))
            if released:
                log.info("unfinished attempts released", parts=released)
            self._has_orphans = False
        if self._last_expired_at is None or abs(now - self._last_expired_at) >= EXPIRE_INTERVAL:
            await self._recorder.expire(now)
            self._last_expired_at = now
        busy_ids = {key for key in self._busy_destinations if isinstance(key, int)}
        self._prefetch_skipped_busy = bool(self._tasks)
        throttled_ids = {key for key in self._rate_limiter.list_throttled() if isinstance(key, int)}
        async with self._database.read() as connection:
            self._prefetched = await outbox.list_due(
                connection, now, limit=PREFETCH_LIMIT, exclude_channel_ids=busy_ids | throttled_ids
            )
            if not self._prefetched and throttled_ids:
                self._prefetched = await outbox.list_due(
                    connection, now, limit=PREFETCH_LIMIT, exclude_channel_ids=busy_ids
                )

    def _choose(self, slots: int) -> list[DuePart]:
        """Take up to `slots` prefetched parts, at most one per destination and none for a throttled one."""
        chosen: list[DuePart] = []
        remaining: list[DuePart] = []
        occupied = set(self._busy_destinations)
        for due in self._prefetched:
            destination = _destination_key(due)
            if (
                len(chosen) < slots
                and destination not in occupied
                and not self._rate_limiter.delay(destination)
            ):
                chosen.append(due)
                occupied.add(destination)
            else:
                remaining.append(due)
        self._prefetched = remaining
        return chosen

    def _start_attempt(self, due: DuePart, clock: Clock) -> None:
        destination = _destination_key(due)
        self._busy_destinations.add(destination)
        self._in_flight_ids.add(due.part.id)
        self._rate_limiter.hit(destination)
        task = asyncio.create_task(self._attempt(due, clock))
        self._tasks.add(task)
        timer = asyncio.get_running_loop().call_later(self._limits.attempt_seconds, self._mark_late, task)
        task.add_done_callback(lambda done: self._attempt_done(done, due, timer))

    def _mark_late(self, task: asyncio.Task[None]) -> None:
        """Give the slot of an attempt without an answer to others. Its destination stays busy until it ends."""
        log.warning("no answer in time", attempt_seconds=self._limits.attempt_seconds)
        self._tasks.discard(task)
        self._late_tasks.add(task)

    def _attempt_done(self, task: asyncio.Task[None], due: DuePart, timer: asyncio.TimerHandle) -> None:
        timer.cancel()
        self._tasks.discard(task)
        if task in self._late_tasks:
            self._late_tasks.discard(task)
            self._wake_event.set()
        self._busy_destinations.discard(_destination_key(due))
        self._in_flight_ids.discard(due.part.id)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Its outcome is not stored. As after a crash, it is determined by the next attempt.
            self._has_orphans = True
            isolation.log_error(log, "outcome not recorded", error)

    async def _attempt(self, due: DuePart, clock: Clock) -> None:
        """Run one attempt and record its outcome."""
        started_at, was_well = clock(), self._health.is_well
        try:
            receipt, was_found = await self._attempt_runner.run(due, started_at, self._term_began_at)
        except DeliveryError as error:
            failure = error
        except Exception as error:
            # An unexpected error leaves the outcome open; an immediate retry could loop forever.
            log.exception("attempt raised an unexpected error", delivery=due.delivery.id, part=due.part.id)
            failure = DeliveryError(OUTCOME_UNKNOWN, f"{type(error).__name__}: {error}")
        else:
            await self._recorder.record_sent(due, receipt, clock(), already_sent=was_found)
            return
        if failure.classification.disposition is Disposition.UNKNOWN:
            self._attempt_runner.mark_outcome_unknown(due)
        if failure.classification.disposition is Disposition.INVALID_TOKEN:
            self._fatal_error = failure
        await self._recorder.record_failure(due, failure, started_at, clock(), was_well=was_well)
        if failure.classification.disposition in BLOCKED_OR_GONE:
            self._wake_event.set()  # prefetched parts may be for the destination that is now suspended


def _build_edit(request: SendRequest, receipt: models.Receipt) -> SendRequest:
    """Return the request that gives a message, or the first one of a forum post, the content of another request."""
    return dataclasses.replace(
        request,
        kind=PartKind.EDIT,
        payload=request.payload.get("message", request.payload),
        channel_id=receipt.channel_id,
        message_id=receipt.message_id,
    )


def _lacks_papers(due: DuePart, receipt: models.Receipt, now: datetime) -> bool:
    """Return whether a message that was found is an alert without some of the papers of which its reader is to be notified."""
    if due.delivery.kind is not models.DeliveryKind.ALERT or receipt.other_text is None:
        return False
    ids = arxiv_ids.list_arxiv_ids(receipt.other_text, _MAX_SHOWN, now.date())
    return any(id_ in (due.part.payload or "") and id_ not in ids for id_ in due.delivery.post.papers)


def _sendable_since(delivery: models.Delivery) -> datetime:
    """Return the earliest time (UTC) at which a delivery can have been sent, also by a run that planned it before this one.

    An alert is due when its digest is stored, and the papers of a day when its list is read, or a day later with the next ones.
    Both happen again after a backup is restored: the digest's date counts.
    """
    if delivery.kind in _DUE_BY_DIGEST and delivery.digest_on is not None:
        return datetime.combine(delivery.digest_on, time_of_day.min, EASTERNMOST)
    return delivery.due_at


def _destination_key(due: DuePart) -> Hashable:
    """Serialisation key: one part in flight per channel with its threads, or per reader whose DM is not open yet."""
    return due.delivery.channel_id or ("reader", due.delivery.user_id)
