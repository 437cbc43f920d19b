"""All recurring work of a sender with its intervals, and the work that is not a room's own."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from functools import partial

import structlog

from bot.app import workers as app_workers
from bot.app.runtime import Runtime
from bot.app.workers import Workers
from bot.archive import complete_days
from bot.client import gateway
from bot.core import day_close, isolation
from bot.core.clock import Clock, DiscordClock
from bot.core.timers import Job
from bot.features.operations.liveness import Liveness
from bot.features.shelf.zotero import ZoteroOutbox
from bot.features.writer import publication
from bot.features.writer import service as writer_service
from bot.outbox import outcomes
from bot.search import index as search_index
from bot.search import index_maintenance
from bot.sources import base
from bot.sources.followed_papers import FollowedPapers
from bot.sources.poller import Poller
from storage import key_values, models
from storage.database import Database

log = structlog.get_logger(__name__)

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
FAILURES_EVERY = MINUTE


def list_jobs(
    runtime: Runtime, poller: Poller, zotero_outbox: ZoteroOutbox | None, clock: DiscordClock
) -> list[Job]:
    """Return all recurring work of a sender, without the optional parts that are not configured.

    What `paperround run --once` does of it, and in which order, is in `SingleRun`.
    """
    workers, settings = runtime.workers, runtime.container.settings
    followed = FollowedPapers(workers.database, clock, workers.ingest, poller.context)
    index = runtime.container.search_index
    maintain_index = partial(
        maintain, workers.database, clock, index, lambda: runtime.lock.term, liveness=runtime.liveness
    )
    plan_alerts = partial(workers.alert_planner.tick, runtime.relay.wake)
    jobs = [
        # Rounds may overlap: a source that takes minutes must not delay those that become due meanwhile.
        Job(
            "poll", partial(poller.poll_due, runtime.on_sources_fetched), every=30 * SECOND, max_instances=20
        ),
        Job("plan", runtime.tick, each_minute_of=clock),
        Job("alerts", plan_alerts, each_minute_of=clock),
        # The pause after a failure is longer, since maintenance can take minutes of CPU.
        Job("index", maintain_index, every=30 * SECOND, retry=5 * MINUTE),
        Job("followed papers", followed.refresh, every=30 * MINUTE),
        Job("retention", runtime.purge, every=6 * HOUR, after=MINUTE),
        Job("failures", runtime.report_failures, every=FAILURES_EVERY),
        Job("operator warnings", runtime.find_operator_warnings, every=MINUTE),
    ]
    if settings.writes_digests:
        writer, retry = DailyWriter(workers, runtime.plan_and_wake), writer_service.RETRY_SECONDS * SECOND
        jobs.append(Job("writer", writer.write_due, every=10 * SECOND, retry=retry))
    if zotero_outbox is not None:
        jobs.append(Job("Zotero", zotero_outbox.write_due, every=20 * SECOND))
    if settings.heartbeat_url is not None:
        url, fetch = settings.heartbeat_url.get_secret_value(), poller.context.fetch
        beat = partial(send_heartbeat, url, fetch, runtime.liveness.record_heartbeat, runtime.is_delivering)
        jobs.append(Job("heartbeat", beat, every=MINUTE))
    if not runtime.has_bot:
        # A paused or restored virtual machine counts no time meanwhile, and without a Gateway nothing reconnects after it.
        jobs.append(Job("clock", partial(ask_again_for_time, runtime, clock), every=10 * MINUTE))
    return jobs


IN_PROCESS_LIMIT = 200
"""The most papers maintained in this process. More go to a worker process, which returns its memory."""


async def maintain(
    database: Database,
    clock: Clock,
    index: search_index.SearchIndex,
    get_term: Callable[[], int | None] = lambda: None,
    in_process_limit: int = IN_PROCESS_LIMIT,
    liveness: Liveness | None = None,
) -> bool:
    """Maintain a database's index and glossary if it is due, and log each step. Returns whether none failed.

    For a large archive, runs in a worker process, which writes only during the lock term from `get_term`. If it is
    cancelled, the next run resumes where it left off. Errors are logged, also in `liveness`, and failed steps retried later.
    """
    with isolation.isolated(log, "maintenance failed; will retry later") as failures:
        due = await index_maintenance.find_due(database, clock, index)
        if due is None:
            if liveness is not None:
                liveness.record("index")
            return True
        papers, reason = due
        log.info("maintenance started", papers=papers, reason=reason)
        started_at = time.monotonic()
        if papers > in_process_limit:
            await index_maintenance.maintain_in_worker(database.url, get_term(), database.name)
        else:
            await index_maintenance.maintain(database, clock, index)
        log.info("maintenance done", seconds=round(time.monotonic() - started_at, 1))
        return True
    if liveness is not None:
        liveness.record_failure("index", failures[0])
    return False


MIN_WRITING_PERIOD = timedelta(minutes=30)
"""The time to write a day's digest if its writing period ended while the bot was offline."""


class DailyWriter:
    """Writes the digest of the last closed day, after its list is complete and before the writing period ends.

    `on_written` is called after a digest is stored.
    """

    def __init__(self, workers: Workers, on_written: Callable[[], Awaitable[None]]) -> None:
        self._workers, self._container = workers, workers.container
        self._on_written = on_written
        self._ends_at: dict[date, datetime] = {}

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
        async with self._workers.database.read() as connection:
            written_on = await key_values.get(connection, key_values.WRITTEN_ON)
            reads = await complete_days.load_reads(connection, now)
        if written_on is not None and day.isoformat() <= written_on:
            return None
        return day if day_close.Closings(rule, reads or {}).is_complete(day) else None

    async def _write(self, day: date) -> bool:
        container, settings = self._container, self._container.settings
        earliest = container.clock() + MIN_WRITING_PERIOD
        ends_at = self._ends_at.setdefault(day, max(container.day_close.written_by(day), earliest))
        language = settings.writer_language or container.locale
        has_list = await publication.load_stored(self._workers.database, day)
        is_written = True
        for form in (settings.writer_formats or (models.DigestFormat.NEWSLETTER,)) if has_list else ():
            async with self._workers.open_writer() as writer:
                counts, is_printed = await writer.write(
                    day,
                    form,
                    language,
                    file=app_workers.inbox_of(settings),
                    seconds=(ends_at - container.clock()).total_seconds(),
                    on_problem=lambda problem: log.warning("paper entry not written", reason=problem),
                    on_notice=lambda notice: log.info("digest not written to its file", reason=notice),
                )
            log.info("digest written", day=day.isoformat(), format=form.value, **counts)
            is_written = is_written and is_printed
        if is_written:
            await self._workers.database.write(key_values.set_value, key_values.WRITTEN_ON, day.isoformat())
        await self._on_written()
        return is_written


NO_HEARTBEAT = (
    "PAPERROUND_HEARTBEAT_URL does not take the bot's calls: {}. So its service raises no alarm about the bot, or a false one:"
    " see whether it runs and still has this check, and copy the check's address again."
)


async def send_heartbeat(
    url: str,
    fetch: base.Fetcher,
    report: Callable[[str], object],
    is_healthy: Callable[[], bool] = lambda: True,
) -> None:
    """Request the operator's heartbeat URL if `is_healthy()`, and report why it failed, or "". The URL is secret."""
    if is_healthy():
        problem = ""
        try:
            await fetch.get(url)
        except base.FetchError as error:
            problem = NO_HEARTBEAT.format(error)
        report(problem)


async def ask_for_time(runtime: Runtime, clock: DiscordClock) -> None:
    """Set the clock from a response of Discord, even an error. The first time, retry until Discord can be reached."""

    async def attempt() -> None:
        if not clock.is_set:
            runtime.liveness.record_start()
        try:
            await runtime.container.rest.request("GET", "/gateway")
        except outcomes.DeliveryError:
            if not clock.is_set:
                raise

    await gateway.retry_while_unreachable(attempt, (outcomes.DeliveryError,), "Discord is unreachable")


async def ask_again_for_time(runtime: Runtime, clock: DiscordClock) -> None:
    """Ask Discord for the time again. Errors are logged, and the next call retries."""
    with isolation.isolated(log, "Discord was not asked for the time"):
        await ask_for_time(runtime, clock)
