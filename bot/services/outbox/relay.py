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
from bot.services.outbox import attempt, discord_errors, outcomes, throttle
from bot.services.outbox import sender as outbox_sender
from storage.database import Database
from storage.outbox import queries, transitions

log = structlog.get_logger(__name__)

POLL_SECONDS = 2.0
"""The outbox is looked at so often without being woken, for what another process has planned."""

LOOK_AHEAD = 200
EXPIRE_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many parts are in hand at once, how few free hands are worth a claim, seconds for an attempt and for the end."""

    in_hand: int = 40
    claim: int = 8
    attempt_seconds: float = 20.0
    stop_seconds: float = 8.0


class Relay:
    """Sends what is due through `sender`. `clock` gives the present; `monotonic` (seconds) only measures waits."""

    def __init__(
        self,
        database: Database,
        sender: outbox_sender.Sender,
        settler: outcomes.Settler,
        *,
        clock: clocks.Clock,
        limits: Limits | None = None,
        buckets: throttle.Buckets | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._carrier = attempt.Carrier(database, sender, monotonic)
        self._settler = settler
        self._clock = clock
        self._limits = limits or Limits()
        self._buckets = buckets or throttle.Buckets(monotonic)
        self._monotonic = monotonic
        self._woken = asyncio.Event()
        self._ahead: list[queries.Due] = []
        self._looked_at = float("-inf")
        self._expired_at: datetime | None = None
        self._places: set[Hashable] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._orphans = True  # what an earlier process left SENDING
        self._fatal: discord_errors.DeliveryError | None = None

    def wake(self) -> None:
        """Say that something was planned: it is looked for at once, whatever else is being sent."""
        self._woken.set()

    async def drain(self, now: datetime) -> None:
        """Send everything that is due at `now` (UTC), and return when nothing more can be sent at that moment.

        Raises failures.DeliveryError when Discord does not accept the token.
        """
        self._expired_at = None
        self._woken.set()
        await self._work(lambda: now)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep sending until `stop` is set; then finish what is in hand, for 8 seconds at most. Raises as `drain` does."""
        stopper = asyncio.create_task(self._stop_after(stop))
        try:
            while not stop.is_set():
                await self._work_safely()
                await self._sleep(POLL_SECONDS)
        finally:
            stopper.cancel()
            await self._finish()

    async def _stop_after(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping = True
        self._woken.set()

    async def _work_safely(self) -> None:
        try:
            await self._work(self._clock)
        except discord_errors.DeliveryError:
            raise
        except Exception:
            # Whatever went wrong in one round (a database that was away), delivery goes on with the next.
            self._orphans = True
            log.exception("the outbox could not be worked on")

    async def _finish(self) -> None:
        """Let what is in hand end. What takes too long stays SENDING, and the next start finds out what came of it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._limits.stop_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _sleep(self, seconds: float | None, *others: asyncio.Task[None]) -> None:
        """Sleep until woken, until one of the others ends, or for so long."""
        waker = asyncio.create_task(self._woken.wait())
        await asyncio.wait({waker, *others}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        waker.cancel()

    async def _work(self, clock: clocks.Clock) -> None:
        go_on = True
        while go_on:
            for due in await self._claim(clock):
                self._begin(due, clock)
            go_on = await self._wait_for_hands()
        if self._fatal is not None:
            fatal, self._fatal = self._fatal, None
            raise fatal

    def _hands(self) -> int:
        return (1 if self._settler.trouble.is_on else self._limits.in_hand) - len(self._tasks)

    async def _wait_for_hands(self) -> bool:
        """Wait until there are hands for another claim. False when there is nothing left to do now."""
        if self._stopping:
            return False
        free_places = [place for due in self._ahead if (place := _place(due)) not in self._places]
        wait = self._buckets.shortest_wait(free_places) if free_places else None
        if not self._tasks:
            if wait:
                await self._sleep(wait)
            return wait is not None or self._woken.is_set()
        enough = min(self._limits.claim, self._hands() + len(self._tasks))
        while self._tasks:
            before = len(self._tasks)
            if self._hands() > 0:
                await self._sleep(POLL_SECONDS if wait is None else min(wait, POLL_SECONDS), *self._tasks)
            else:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._hands() >= enough or len(self._tasks) == before or self._stopping:
                break
        return True

    async def _claim(self, clock: clocks.Clock) -> list[queries.Due]:
        """Mark the most urgent parts that may be attempted now as SENDING, as many as there are hands for."""
        if self._stopping:
            return []
        if self._fatal is not None or self._settler.trouble.is_resting(clock()):
            self._woken.clear()
            self._ahead = []
            return []
        hands = self._hands()
        if hands <= 0:
            return []
        is_fresh = self._monotonic() - self._looked_at <= POLL_SECONDS and not self._woken.is_set()
        chosen = self._choose(hands) if is_fresh else []
        if not chosen:
            await self._look_ahead(clock())
            chosen = self._choose(hands)
        if not chosen:
            return []
        async with self._database.transaction() as connection:
            begun = await transitions.mark_sending(connection, [due.part.id for due in chosen], clock())
        return [due for due in chosen if due.part.id in begun]

    async def _look_ahead(self, now: datetime) -> None:
        self._woken.clear()
        self._looked_at = self._monotonic()
        self._buckets.forget()
        if self._orphans and not self._tasks:
            async with self._database.transaction() as connection:
                await transitions.release_interrupted(connection, now)
            self._orphans = False
        if self._expired_at is None or abs(now - self._expired_at) >= EXPIRE_EVERY:
            await self._settler.expire(now)
            self._expired_at = now
        busy = {place for place in self._places if isinstance(place, int)}
        waiting = {place for place in self._buckets.list_waiting() if isinstance(place, int)}
        async with self._database.read() as connection:
            self._ahead = await queries.list_due(connection, now, limit=LOOK_AHEAD, not_in=busy | waiting)
            if not self._ahead and waiting:
                self._ahead = await queries.list_due(connection, now, limit=LOOK_AHEAD, not_in=busy)

    def _choose(self, hands: int) -> list[queries.Due]:
        """Take up to `hands` parts off the look-ahead, at most one for each place and none for a place that must wait."""
        chosen: list[queries.Due] = []
        left: list[queries.Due] = []
        taken = set(self._places)
        for due in self._ahead:
            place = _place(due)
            if len(chosen) < hands and place not in taken and not self._buckets.wait(place):
                chosen.append(due)
                taken.add(place)
            else:
                left.append(due)
        self._ahead = left
        return chosen

    def _begin(self, due: queries.Due, clock: clocks.Clock) -> None:
        place = _place(due)
        self._places.add(place)
        self._buckets.hit(place)
        task = asyncio.create_task(self._attempt(due, clock))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._end(done, place))

    def _end(self, task: asyncio.Task[None], place: Hashable) -> None:
        self._tasks.discard(task)
        self._places.discard(place)
        if not task.cancelled() and task.exception() is not None:
            # Its outcome is not stored. As after a crash, it is found out when nothing else is in hand.
            self._orphans = True
            log.error("a part could not be settled", exc_info=task.exception())

    async def _attempt(self, due: queries.Due, clock: clocks.Clock) -> None:
        """Try once, within the time for an attempt, and have the outcome settled."""
        started = clock()
        try:
            async with asyncio.timeout(self._limits.attempt_seconds):
                accepted, was_found = await self._carrier.carry(due, started)
        except discord_errors.DeliveryError as error:
            failure = error
        except TimeoutError:
            failure = discord_errors.DeliveryError(discord_errors.TROUBLE, "no answer in time")
        except Exception as error:
            # What nobody thought of tells nothing of the message; tried again at once it would never end.
            log.exception("an attempt went wrong", delivery=due.delivery.id, part=due.part.id)
            failure = discord_errors.DeliveryError(discord_errors.TROUBLE, repr(error))
        else:
            await self._settler.sent(due, accepted, clock(), found=was_found)
            return
        if failure.verdict.effect is discord_errors.Effect.UNKNOWN:
            self._carrier.note_unknown(due)
        if failure.verdict.effect is discord_errors.Effect.TOKEN:
            self._fatal = failure
        await self._settler.failed(due, failure, started, clock())
        if failure.verdict.effect in (discord_errors.Effect.PLACE, discord_errors.Effect.CLOSED):
            self._woken.set()  # what is next was chosen before this place was found barred


def _place(due: queries.Due) -> Hashable:
    """What must not be written to twice at once: a channel with its threads, or a reader whose DM is not open yet."""
    return due.delivery.channel_id or ("reader", due.delivery.user_id)
