"""Writes the digest of each day while the bot runs: once the day's list is complete, and before the writing period ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date, datetime, timedelta

import structlog

from bot import day_close, isolation
from bot.app import writing
from bot.app.container import Container
from bot.services.daily import candidates
from bot.services.ingest.service import IngestService
from bot.services.writer import manifest, service
from storage import errors as storage_errors
from storage import key_values, models

log = structlog.get_logger(__name__)

CHECK_SECONDS = 10.0
MIN_WRITING_PERIOD = timedelta(minutes=30)
"""Time to write the digest of a day whose writing period ended while the bot was not running."""


class WriterLoop:
    """Writes the digest of the last closed day. `on_written` is called after a digest is stored."""

    def __init__(
        self, container: Container, ingest: IngestService, on_written: Callable[[], Awaitable[None]]
    ) -> None:
        self._container = container
        self._ingest = ingest
        self._on_written = on_written
        self._ends_at: dict[date, datetime] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Check every CHECK_SECONDS until `stop` is set, which cancels the calls of a digest being written."""
        while not stop.is_set():
            finished = await isolation.run_unless_stopped(self.write_due(), stop)
            pause = CHECK_SECONDS if finished else service.RETRY_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def write_due(self) -> bool:
        """Write the digest of the last closed day if it is due. Returns false if papers are to be tried again."""
        with isolation.isolated(log, "digest not written; will retry later"):
            try:
                day = await self._find_due()
                return day is None or await self._write_alone(day)
            except storage_errors.PaperroundError as error:
                log.error("digest not written; will retry later", reason=str(error))
        return False

    async def _find_due(self) -> date | None:
        """Return the last closed day if its list was read since, and its digest is not written."""
        now, rule = self._container.clock(), self._container.day_close
        day = rule.last_closed(now)
        async with self._container.database.read() as connection:
            written_on = await key_values.get(connection, key_values.WRITTEN_ON)
            reads = await candidates.load_reads(connection, now)
        if written_on is not None and day.isoformat() <= written_on:
            return None
        return day if day_close.Closings(rule, reads or {}).is_complete(day) else None

    async def _write_alone(self, day: date) -> bool:
        """Write the digest of a day unless another process is writing, which is asked again at the next check."""
        lock = writing.create_lock(self._container.database)
        try:
            if await lock.try_acquire():
                return await self._write(day)
            log.info("another process is writing; will retry later", day=day.isoformat())
            return True
        finally:
            await lock.release()

    async def _write(self, day: date) -> bool:
        container, settings = self._container, self._container.settings
        earliest = container.clock() + MIN_WRITING_PERIOD
        ends_at = self._ends_at.setdefault(day, max(container.day_close.written_by(day), earliest))
        language = settings.writer_language or container.locale
        has_list = await manifest.load_stored(container.database, day)
        is_written = True
        for form in (settings.writer_formats or (models.DigestFormat.NEWSLETTER,)) if has_list else ():
            async with writing.open_writer(container, self._ingest) as writer:
                counts, is_printed = await writer.write(
                    day,
                    form,
                    language,
                    file=writing.inbox_of(settings),
                    seconds=(ends_at - container.clock()).total_seconds(),
                    on_problem=lambda problem: log.warning("paper not written", reason=problem),
                    on_notice=lambda notice: log.info("digest not printed", reason=notice),
                )
            log.info("digest written", day=day.isoformat(), format=form.value, **counts)
            is_written = is_written and is_printed
        if is_written:
            async with container.database.transaction() as connection:
                await key_values.set_value(connection, key_values.WRITTEN_ON, day.isoformat())
        await self._on_written()
        return is_written
