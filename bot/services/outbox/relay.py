"""Drains the outbox: claims due parts, has each attempted once, and keeps what came of it. Plans nothing.

The protocol stands in docs/architecture.md. Only one relay may run on a database at a time (a lock sees to that).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot import clock as clocks
from bot import isolation
from bot.services.outbox import attempt, discord_errors, outcomes, throttle
from bot.services.outbox import sender as outbox_sender
from storage.database import Database
from storage.outbox import attempts, queries

log = structlog.get_logger(__name__)

POLL_SECONDS = 2.0
"""The outbox is looked at so often without being woken, for what another process has planned."""

PREFETCH_LIMIT = 200
EXPIRE_INTERVAL = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many parts are in hand at once, how few free hands are worth a claim, seconds for an attempt and for the end."""

    max_in_flight: int = 40
    min_free_slots: int = 8
    attempt_seconds: float = 20.0
    stop_seconds: float = 8.0


class Relay:
    """Sends what is due through `sender`. `clock` gives the present; `monotonic` (seconds) only measures waits."""

    def __init__(
        self,
        database: Database,
        sender: outbox_sender.Sender,
        recorder: outcomes.OutcomeRecorder,
        *,
        clock: clocks.Clock,
        limits: Limits | None = None,
        rate_limiter: throttle.RateLimiter | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._attempt_runner = attempt.AttemptRunner(database, sender, monotonic)
        self._recorder = recorder
        self._clock = clock
        self._limits = limits or Limits()
        self._rate_limiter = rate_limiter or throttle.RateLimiter(monotonic)
        self._monotonic = monotonic
        self._wake_event = asyncio.Event()
        self._prefetched: list[queries.DuePart] = []
        self._prefetched_at = float("-inf")
        self._last_expired_at: datetime | None = None
        self._busy_destinations: set[Hashable] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._has_orphans = True  # what an earlier process left SENDING
        self._fatal_error: discord_errors.DeliveryError | None = None

    def wake(self) -> None:
        """Say that something was planned: it is looked for at once, whatever else is being sent."""
        self._wake_event.set()

    async def drain(self, now: datetime) -> None:
        """Send everything that is due at `now` (UTC), and return when nothing more can be sent at that moment.

        Raises failures.DeliveryError when Discord does not accept the token.
        """
        self._last_expired_at = None
        self._wake_event.set()
        await self._run_round(lambda: now)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep sending until `stop` is set; then finish what is in hand, for 8 seconds at most. Raises as `drain` does."""
        stopper = asyncio.create_task(self._watch_stop_event(stop))
        try:
            while not stop.is_set():
                await self._run_round_safely()
                await self._sleep(POLL_SECONDS)
        finally:
            stopper.cancel()
            await self._finish_in_flight()

    async def _watch_stop_event(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping = True
        self._wake_event.set()

    async def _run_round_safely(self) -> None:
        # A failed round, such as a database outage, must not end delivery; a fatal DeliveryError does.
        with isolation.isolated(log, "relay round failed", reraise=(discord_errors.DeliveryError,)):
            await self._run_round(self._clock)
            return
        self._has_orphans = True

    async def _finish_in_flight(self) -> None:
        """Let what is in hand end. What takes too long stays SENDING, and the next start finds out what came of it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._limits.stop_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _sleep(self, seconds: float | None, *others: asyncio.Task[None]) -> None:
        """Sleep until woken, until one of the others ends, or for so long."""
        waker = asyncio.create_task(self._wake_event.wait())
        await asyncio.wait({waker, *others}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        waker.cancel()

    async def _run_round(self, clock: clocks.Clock) -> None:
        go_on = True
        while go_on:
            for due in await self._claim(clock):
                self._start_attempt(due, clock)
            go_on = await self._wait_for_slots()
        if self._fatal_error is not None:
            fatal, self._fatal_error = self._fatal_error, None
            raise fatal

    def _free_slots(self) -> int:
        return (1 if self._recorder.circuit_breaker.is_tripped else self._limits.max_in_flight) - len(
            self._tasks
        )

    async def _wait_for_slots(self) -> bool:
        """Wait until there are hands for another claim. False when there is nothing left to do now."""
        if self._stopping:
            return False
        free_places = [
            place
            for due in self._prefetched
            if (place := _destination_key(due)) not in self._busy_destinations
        ]
        wait = self._rate_limiter.shortest_delay(free_places) if free_places else None
        if not self._tasks:
            if wait:
                await self._sleep(wait)
            return wait is not None or self._wake_event.is_set()
        enough = min(self._limits.min_free_slots, self._free_slots() + len(self._tasks))
        while self._tasks:
            before = len(self._tasks)
            if self._free_slots() > 0:
                await self._sleep(POLL_SECONDS if wait is None else min(wait, POLL_SECONDS), *self._tasks)
            else:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._free_slots() >= enough or len(self._tasks) == before or self._stopping:
                break
        return True

    async def _claim(self, clock: clocks.Clock) -> list[queries.DuePart]:
        """Mark the most urgent parts that may be attempted now as SENDING, as many as there are hands for."""
        if self._stopping:
            return []
        if self._fatal_error is not None or self._recorder.circuit_breaker.is_open(clock()):
            self._wake_event.clear()
            self._prefetched = []
            return []
        hands = self._free_slots()
        if hands <= 0:
            return []
        is_fresh = self._monotonic() - self._prefetched_at <= POLL_SECONDS and not self._wake_event.is_set()
        chosen = self._choose(hands) if is_fresh else []
        if not chosen:
            await self._prefetch(clock())
            chosen = self._choose(hands)
        if not chosen:
            return []
        async with self._database.transaction() as connection:
            begun = await attempts.mark_sending(connection, [due.part.id for due in chosen], clock())
        return [due for due in chosen if due.part.id in begun]

    async def _prefetch(self, now: datetime) -> None:
        self._wake_event.clear()
        self._prefetched_at = self._monotonic()
        self._rate_limiter.prune()
        if self._has_orphans and not self._tasks:
            async with self._database.transaction() as connection:
                await attempts.release_interrupted(connection, now)
            self._has_orphans = False
        if self._last_expired_at is None or abs(now - self._last_expired_at) >= EXPIRE_INTERVAL:
            await self._recorder.expire(now)
            self._last_expired_at = now
        busy = {place for place in self._busy_destinations if isinstance(place, int)}
        waiting = {place for place in self._rate_limiter.list_throttled() if isinstance(place, int)}
        async with self._database.read() as connection:
            self._prefetched = await queries.list_due(
                connection, now, limit=PREFETCH_LIMIT, exclude_channel_ids=busy | waiting
            )
            if not self._prefetched and waiting:
                self._prefetched = await queries.list_due(
                    connection, now, limit=PREFETCH_LIMIT, exclude_channel_ids=busy
                )

    def _choose(self, slots: int) -> list[queries.DuePart]:
        """Take up to `hands` parts off the look-ahead, at most one for each place and none for a place that must wait."""
        chosen: list[queries.DuePart] = []
        left: list[queries.DuePart] = []
        taken = set(self._busy_destinations)
        for due in self._prefetched:
            place = _destination_key(due)
            if len(chosen) < slots and place not in taken and not self._rate_limiter.delay(place):
                chosen.append(due)
                taken.add(place)
            else:
                left.append(due)
        self._prefetched = left
        return chosen

    def _start_attempt(self, due: queries.DuePart, clock: clocks.Clock) -> None:
        place = _destination_key(due)
        self._busy_destinations.add(place)
        self._rate_limiter.hit(place)
        task = asyncio.create_task(self._attempt(due, clock))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._attempt_done(done, place))

    def _attempt_done(self, task: asyncio.Task[None], destination: Hashable) -> None:
        self._tasks.discard(task)
        self._busy_destinations.discard(destination)
        if not task.cancelled() and task.exception() is not None:
            # Its outcome is not stored. As after a crash, it is found out when nothing else is in hand.
            self._has_orphans = True
            log.error("a part could not be settled", exc_info=task.exception())

    async def _attempt(self, due: queries.DuePart, clock: clocks.Clock) -> None:
        """Try once, within the time for an attempt, and have the outcome settled."""
        started = clock()
        try:
            async with asyncio.timeout(self._limits.attempt_seconds):
                accepted, was_found = await self._attempt_runner.run(due, started)
        except discord_errors.DeliveryError as error:
            failure = error
        except TimeoutError:
            failure = discord_errors.DeliveryError(discord_errors.OUTCOME_UNKNOWN, "no answer in time")
        except Exception as error:
            # What nobody thought of tells nothing of the message; tried again at once it would never end.
            log.exception("an attempt went wrong", delivery=due.delivery.id, part=due.part.id)
            failure = discord_errors.DeliveryError(discord_errors.OUTCOME_UNKNOWN, repr(error))
        else:
            await self._recorder.record_sent(due, accepted, clock(), already_sent=was_found)
            return
        if failure.classification.disposition is discord_errors.Disposition.UNKNOWN:
            self._attempt_runner.mark_outcome_unknown(due)
        if failure.classification.disposition is discord_errors.Disposition.INVALID_TOKEN:
            self._fatal_error = failure
        await self._recorder.record_failure(due, failure, started, clock())
        if failure.classification.disposition in (
            discord_errors.Disposition.DESTINATION_BLOCKED,
            discord_errors.Disposition.DESTINATION_GONE,
        ):
            self._wake_event.set()  # what is next was chosen before this place was found barred


def _destination_key(due: queries.DuePart) -> Hashable:
    """What must not be written to twice at once: a channel with its threads, or a reader whose DM is not open yet."""
    return due.delivery.channel_id or ("reader", due.delivery.user_id)
