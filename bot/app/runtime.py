"""`paperround run`: waits for the sender's lock, logs in, starts the long-lived work, and ends it in reverse on a signal.

Each piece of long-lived work is a plain coroutine that ends when `stop` is set; nothing is started by the bot itself.
"""

from __future__ import annotations

import asyncio
import gc
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import discord
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot import errors, isolation
from bot.app import maintenance, polling
from bot.app.container import Container
from bot.client.bot import PaperroundBot
from bot.client.discord_api import endpoints, sender
from bot.services.daily.planner import DailyPlanner
from bot.services.ingest import files
from bot.services.ingest import inbox as ingest_inbox
from bot.services.ingest.results import IngestResult
from bot.services.operations.metrics import Metrics
from bot.services.outbox import discord_errors, outcomes, relay, suspension
from bot.services.polling.report import SourceReport
from storage import decisions
from storage.outbox import plan, sender_lock

log = structlog.get_logger(__name__)

GC_THRESHOLD = 700
"""Python's own measure: a bot that runs for months keeps its memory small."""
SHUTDOWN_SECONDS = 9.0
"""`run` promises to leave within 10 s of SIGTERM."""
RECONNECT_DELAYS = (1, 2, 4, 8, 15, 30, 60)
PAYLOAD_RETENTION = timedelta(days=30)


@dataclass
class Runtime:
    """One running bot: the long-lived work and what it works on."""

    container: Container
    bot: PaperroundBot
    relay: relay.Relay
    planner: DailyPlanner
    metrics: Metrics
    lock: sender_lock.SenderLock
    stop: asyncio.Event

    async def tick(self) -> None:
        """Plan what is due. Called every minute and at the start; whatever goes wrong is logged, the next minute tries again."""
        now = self.container.clock()
        # A database outage must not end the schedule; due subscriptions stay due.
        with isolation.isolated(log, "planning failed"):
            if await self.planner.tick(now):
                self.relay.wake()

    async def purge_payloads(self) -> None:
        """Delete the payloads of deliveries that ended 30 days ago, and the decisions made before then."""
        before = self.container.clock() - PAYLOAD_RETENTION
        async with self.container.database.transaction() as connection:
            await plan.purge_payloads(connection, before)
            await decisions.purge(connection, before)

    async def watch_lock(self) -> None:
        """Stop when the lock is lost: another process may be sending by now."""
        while not self.stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), sender_lock.HEARTBEAT_INTERVAL)
            if not self.stop.is_set() and not await self.lock.heartbeat():
                log.error("the sender's lock was lost; stopping, so that nothing is sent twice")
                self.stop.set()

    async def on_sources_fetched(self, reports: Sequence[SourceReport]) -> None:
        """Plan what a pass over the sources has made due."""
        self.metrics.digests.inc(sum(report.result.digests for report in reports))
        await self.tick()
        self.relay.wake()

    async def ingest_files(self, paths: list[Path]) -> None:
        """Ingest files of the inbox. Raises what went wrong with the first that could not be stored, after the last."""
        ingest = self.container.create_ingest(on_planned=self.relay.wake)
        failures: list[Exception] = []
        for path in paths:
            with isolation.collected(failures):
                file = await asyncio.to_thread(files.read_file, str(path))
                self._report_ingest(str(path), await ingest.add_file(file))
        await self.tick()
        self.relay.wake()
        if failures:
            raise failures[0]

    def _report_ingest(self, name: str, result: IngestResult) -> None:
        for problem in result.problems:
            if problem.line is None:
                log.warning("file not read", file=name, reason=problem.message)
            else:
                log.warning("line not parsed", file=name, line=problem.line, message=problem.message)
        if result.changed:
            self.metrics.digests.inc(result.new_digests + result.corrected_digests)
            log.info("ingested", file=name, papers=result.papers, new_papers=result.new_papers)


def build_runtime(
    core: Container, bot: PaperroundBot, stop: asyncio.Event, lock: sender_lock.SenderLock
) -> Runtime:
    """Put a running bot together around a client."""
    metrics = Metrics()
    home = suspension.DestinationSuspender(core.deliveries)
    settler = outcomes.OutcomeRecorder(
        core.database, home, core.deliveries, rng=random.Random(), on_outcome=metrics.record
    )
    work = relay.Relay(
        core.database, sender.DiscordSender(bot, sender.make_request_limiter()), settler, clock=core.clock
    )
    planner = DailyPlanner(core.database, core.deliveries)
    return Runtime(core, bot, work, planner, metrics, lock, stop)


def freeze_gc() -> None:
    """Tell the garbage collector that what stands by now stays: it need not look through it again and again.

    Ten thousand posts are planned in a fifth less time so.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])


async def run(core: Container) -> None:
    """Run until SIGTERM or SIGINT. Raises PaperroundError when Discord does not accept the token."""
    token = core.settings.discord_token
    if token is None:
        raise errors.UsageError(MISSING_TOKEN_MESSAGE)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    endpoints.override(core.settings.discord_api_url, core.settings.discord_gateway_url)
    core.templates.log_problems()
    lock = sender_lock.SenderLock(core.database)
    bot = PaperroundBot(core.create_services(), core.texts, core.mentions, core.renderer)
    running = build_runtime(core, bot, stop, lock)
    async with AsyncExitStack() as stack:
        await _start_monitoring(running, stack)
        if not await _wait_unless_stopped(
            lock.acquire(), stop, "waiting for the sender's lock; another copy is running"
        ):
            return
        stack.push_async_callback(lock.release)
        await core.mentions.load(core.database)
        await running.planner.reschedule(core.clock())
        stack.push_async_callback(bot.close)
        if await _wait_unless_stopped(_log_in(bot, token.get_secret_value()), stop, None):
            freeze_gc()
            await _run_tasks(running)
    log.info("stopped")


MISSING_TOKEN_MESSAGE = (
    "DISCORD_TOKEN is not set. Make an application at https://discord.com/developers/applications, open its Bot page,"
    " press Reset Token and put the token into the environment or .env. `paperround demo` needs none."
)


async def _start_monitoring(running: Runtime, stack: AsyncExitStack) -> None:
    address = running.container.settings.http
    if address is None:
        return
    from bot.services.operations import http_server  # a web server, which few ask for

    watcher = http_server.MonitoringServer(
        running.container.database,
        running.metrics,
        running.container.clock,
        role=lambda: "sender" if running.lock.is_held else "standby",
        is_connected=lambda: running.bot.is_ready() and not running.bot.is_closed(),
    )
    url = await stack.enter_async_context(watcher.serving(address))
    log.info("health and metrics", url=url)


async def _wait_unless_stopped(
    work: Awaitable[object], stop: asyncio.Event, while_waiting: str | None
) -> bool:
    """Wait for some work or for the end, whichever comes first. True when the work was done."""
    task, stopper = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait({task, stopper}, timeout=1.5, return_when=asyncio.FIRST_COMPLETED)
    if not done:
        if while_waiting:
            log.info(while_waiting)
        done, _ = await asyncio.wait({task, stopper}, return_when=asyncio.FIRST_COMPLETED)
    stopper.cancel()
    if task in done:
        task.result()
        return True
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return False


async def _log_in(bot: PaperroundBot, token: str) -> None:
    """Log in, again and again while Discord cannot be reached. Raises PaperroundError for a wrong token."""
    for attempt in range(10**9):
        try:
            await bot.login(token)
            return
        except discord.LoginFailure as error:
            raise errors.PaperroundError(
                "Discord does not accept DISCORD_TOKEN. Copy it anew from your application's Bot page (Reset Token)."
            ) from error
        except (discord.HTTPException, OSError, TimeoutError) as error:
            wait = RECONNECT_DELAYS[min(attempt, len(RECONNECT_DELAYS) - 1)]
            log.warning("Discord cannot be reached", error=str(error), again_in_seconds=wait)
            # Login opens a session each time, over the connector that the last one has closed.
            await bot.http.close()
            bot.http.connector = discord.utils.MISSING
            await asyncio.sleep(wait)


async def _run_tasks(running: Runtime) -> None:
    """Run the long-lived work until `stop` is set or one piece of it fails for good."""
    stop, core = running.stop, running.container
    work: list[Callable[[], Awaitable[None]]] = [
        lambda: running.relay.run(stop),
        running.watch_lock,
        lambda: maintenance.MaintenanceLoop(core.database, core.clock).run(stop),
    ]
    if core.settings.inbox is not None:
        inbox = ingest_inbox.InboxWatcher(core.settings.inbox, running.ingest_files)
        work.append(lambda: inbox.run(stop))
    async with (
        polling.open_poller(core, core.create_ingest(on_planned=running.relay.wake)) as service,
        _scheduled(running),
        _connected(running),
    ):
        work.append(lambda: service.run(stop, on_fetched=running.on_sources_fetched))
        await running.tick()
        tasks = [asyncio.ensure_future(start()) for start in work]
        stopper = asyncio.ensure_future(stop.wait())
        await asyncio.wait({*tasks, stopper}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await asyncio.wait(tasks, timeout=SHUTDOWN_SECONDS)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(stopper)
    for result in results:
        if isinstance(result, discord_errors.DeliveryError):
            raise errors.PaperroundError(str(result)) from result
        if isinstance(result, Exception):
            raise result


@asynccontextmanager
async def _scheduled(running: Runtime) -> AsyncIterator[None]:
    scheduler = AsyncIOScheduler(timezone="UTC")
    now: datetime = running.container.clock()
    next_minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(
        running.tick, IntervalTrigger(minutes=1, start_date=next_minute, timezone="UTC"), **options
    )
    scheduler.add_job(
        running.purge_payloads, IntervalTrigger(hours=6, start_date=next_minute, timezone="UTC"), **options
    )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)


async def _connect(running: Runtime) -> None:
    """Connect, again and again while the gateway cannot be asked for. Sets `stop` when the gateway refuses us for good."""
    for attempt in range(10**9):
        try:
            await running.bot.connect(reconnect=True)
            return
        except (discord.PrivilegedIntentsRequired, discord.ConnectionClosed) as error:
            log.error("the gateway refused us", error=str(error))
            running.stop.set()
            return
        except (discord.GatewayNotFound, aiohttp.ClientError, OSError, TimeoutError) as error:
            # discord.py reconnects a gateway that it had found; it gives up when it cannot ask where that is.
            wait = RECONNECT_DELAYS[min(attempt, len(RECONNECT_DELAYS) - 1)]
            log.warning("the gateway cannot be reached", error=repr(error), again_in_seconds=wait)
            await asyncio.sleep(wait)


@asynccontextmanager
async def _connected(running: Runtime) -> AsyncIterator[None]:
    """Keep the gateway connected in the background: sending does not wait for it."""

    task = asyncio.create_task(_connect(running))
    try:
        yield
    finally:
        with suppress(Exception):  # whatever closing a broken socket raises, the work is done by now
            async with asyncio.timeout(2):
                await running.bot.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
