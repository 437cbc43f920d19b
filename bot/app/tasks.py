"""The bot's background tasks besides the relay: minute tick, periodic jobs, maintenance and writer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import date, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.app import container as app_container
from bot.app.container import Container
from bot.archive.ingest import IngestService
from bot.core import day_close, isolation
from bot.core.clock import Clock
from bot.daily import planner as daily_planner
from bot.search import index as search_index
from bot.search import maintenance
from bot.sources import base
from bot.writer import publication
from bot.writer import service as writer_service
from storage import key_values, models
from storage.database import Database

log = structlog.get_logger(__name__)

MINUTE = timedelta(minutes=1)
LOOK_SECONDS = 2.0


async def tick_each_minute(clock: Clock, tick: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Call `tick` now and at the start of every minute until `stop` is set. `tick` handles its own errors.

    Timers stop while the machine sleeps, so the clock is checked every few seconds.
    """
    while not stop.is_set():
        await tick()
        next_at = clock().replace(second=0, microsecond=0) + MINUTE
        while not stop.is_set() and timedelta(0) < (left := next_at - clock()) <= MINUTE:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(left.total_seconds(), LOOK_SECONDS))


async def beat_each_minute(container: Container, is_well: Callable[[], bool], stop: asyncio.Event) -> None:
    """Request the operator's heartbeat URL each minute if `is_well()`. The URL is secret and never logged."""
    url = container.settings.heartbeat_url

    async def beat() -> None:
        if url is not None and is_well():
            try:
                await fetch.get(url.get_secret_value())
            except base.FetchError as error:
                log.warning("heartbeat not accepted", status=error.status.value)

    async with app_container.open_fetcher(container.settings, container.clock) as fetch:
        await tick_each_minute(container.clock, beat, stop)


@asynccontextmanager
async def scheduled(
    job: Callable[[], Awaitable[None]], interval: timedelta, now: datetime
) -> AsyncIterator[AsyncIOScheduler]:
    """Run a job at each interval, starting a minute after `now` (machine time, UTC). The job must handle its errors."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    first = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(job, "interval", seconds=int(interval.total_seconds()), start_date=first, **options)
    scheduler.start()
    try:
        yield scheduler
    finally:
        scheduler.shutdown(wait=False)


CHECK_SECONDS = 30.0
RETRY_SECONDS = 3600.0
"""The pause after a failure, since maintenance can take minutes of CPU."""
IN_PROCESS_LIMIT = 200
"""The most papers maintained in this process. More go to a worker process, which returns its memory."""


class MaintenanceLoop:
    """Maintains a database's index and glossary while the bot runs, and logs each step.

    For a large archive, runs in a worker process, which writes only during the lock term from `get_term`.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        index: search_index.SearchIndex,
        get_term: Callable[[], int | None] = lambda: None,
        *,
        in_process_limit: int = IN_PROCESS_LIMIT,
    ) -> None:
        self._database = database
        self._clock = clock
        self._index = index
        self._get_term = get_term
        self._in_process_limit = in_process_limit

    async def run(self, stop: asyncio.Event) -> None:
        """Run maintenance periodically if it is due. Setting `stop` cancels it; the next start resumes where it left off."""
        while not stop.is_set():
            succeeded = await isolation.run_unless_stopped(self.maintain(), stop)
            with suppress(TimeoutError):
                pause = CHECK_SECONDS if succeeded else RETRY_SECONDS
                await asyncio.wait_for(stop.wait(), pause)

    async def maintain(self) -> bool:
        """Run maintenance if it is due. Returns whether none remains. Errors are logged, and failed steps retried later."""
        with isolation.isolated(log, "maintenance failed; will retry later"):
            due = await maintenance.find_due(self._database, self._clock, self._index)
            if due is None:
                return True
            papers, reason = due
            log.info("maintenance started", papers=papers, reason=reason)
            started_at = time.monotonic()
            if papers > self._in_process_limit:
                url = self._database.url.render_as_string(hide_password=False)
                await maintenance.maintain_in_worker(url, self._get_term(), self._database.name)
            else:
                await maintenance.maintain(self._database, self._clock, self._index)
            log.info("maintenance done", seconds=round(time.monotonic() - started_at, 1))
            return await maintenance.find_due(self._database, self._clock, self._index) is None
        return False


WRITER_CHECK_SECONDS = 10.0
MIN_WRITING_PERIOD = timedelta(minutes=30)
"""The time to write a day's digest if its writing period ended while the bot was offline."""


class WriterLoop:
    """Writes the digest of the last closed day, after its list is complete and before the writing period ends.

    `on_written` is called after a digest is stored.
    """

    def __init__(
        self, container: Container, ingest: IngestService, on_written: Callable[[], Awaitable[None]]
    ) -> None:
        self._container = container
        self._ingest = ingest
        self._on_written = on_written
        self._ends_at: dict[date, datetime] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Write digests that are due, checking every WRITER_CHECK_SECONDS until `stop` is set, which cancels writing."""
        while not stop.is_set():
            finished = await isolation.run_unless_stopped(self.write_due(), stop)
            pause = WRITER_CHECK_SECONDS if finished else writer_service.RETRY_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def write_due(self) -> bool:
        """Write the digest of the last closed day if it is due. Returns False if papers must be retried."""
        with isolation.isolated(log, "digest not written; will retry later"):
            day = await self._find_due()
            return day is None or await self._write(day)
        return False

    async def _find_due(self) -> date | None:
        """Return the last closed day if its list was read after the close and its digest has not been written yet."""
        now, rule = self._container.clock(), self._container.day_close
        day = rule.last_closed(now)
        async with self._container.database.read() as connection:
            written_on = await key_values.get(connection, key_values.WRITTEN_ON)
            reads = await daily_planner.load_reads(connection, now)
        if written_on is not None and day.isoformat() <= written_on:
            return None
        return day if day_close.Closings(rule, reads or {}).is_complete(day) else None

    async def _write(self, day: date) -> bool:
        container, settings = self._container, self._container.settings
        earliest = container.clock() + MIN_WRITING_PERIOD
        ends_at = self._ends_at.setdefault(day, max(container.day_close.written_by(day), earliest))
        language = settings.writer_language or container.locale
        has_list = await publication.load_stored(container.database, day)
        is_written = True
        for form in (settings.writer_formats or (models.DigestFormat.NEWSLETTER,)) if has_list else ():
            async with app_container.open_writer(container, self._ingest) as writer:
                counts, is_printed = await writer.write(
                    day,
                    form,
                    language,
                    file=app_container.inbox_of(settings),
                    seconds=(ends_at - container.clock()).total_seconds(),
                    on_problem=lambda problem: log.warning("paper entry not written", reason=problem),
                    on_notice=lambda notice: log.info("digest not written to its file", reason=notice),
                )
            log.info("digest written", day=day.isoformat(), format=form.value, **counts)
            is_written = is_written and is_printed
        if is_written:
            async with container.database.transaction() as connection:
                await key_values.set_value(connection, key_values.WRITTEN_ON, day.isoformat())
        await self._on_written()
        return is_written
