"""`paperround run --once`: read, plan and send what is due, and end. It asks Discord by REST alone and answers no commands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import NamedTuple

import structlog

from bot.app import jobs, runtime
from bot.app.container import Container
from bot.app.runtime import Runtime
from bot.archive import dates as archive_dates
from bot.client import command_sync, gateway, guild_directory, webhook
from bot.core import clock, isolation, schedule
from bot.daily.service import Subscriptions
from bot.operations import posts
from bot.outbox.outcomes import DeliveryError
from bot.sources import kept_papers
from storage import daily, errors, key_values, models, outbox, sources
from storage.database import Connection
from storage.locks import SenderLock
from storage.models import DeliveryState, FetchStatus

log = structlog.get_logger(__name__)

OCCUPIED = "Another process sends from this database: a running bot, or another run. Nothing was read or sent by this one."
NO_DISCORD = "Discord did not answer. What is due is sent by the next run."
READ_SHARE, LOGIN_SHARE, SEND_SHARE = 0.5, 0.6, 0.9
"""The parts of a run's time after which sources are no longer read, Discord is no longer awaited, and nothing more is sent."""
PAUSE_SECONDS = 1.0
"""How long sending rests if what is left is not due yet."""
MAX_MAINTENANCE = 3
"""The most rounds of maintenance: each continues where the one before ended."""


class Outcome(NamedTuple):
    """What became of a source, a post or a step of the run, for a line of the output."""

    what: str
    result: str
    is_failed: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {'failed because ' * self.is_failed}{self.result}"


class Wishes(NamedTuple):
    """What the command line asks of a run."""

    seconds: float
    """The most that it may take."""
    set_up: Callable[[], Awaitable[Iterable[str]]] | None
    """Applies the set-up file, and returns what that changes."""
    before_sending: Callable[[], Awaitable[str]] | None
    """Called between planning and sending if something is due. Returns why nothing may be sent, or ""."""
    build_site: Callable[[], Awaitable[str]] | None
    """Writes the web archive, and returns how many files."""


async def run(container: Container, wishes: Wishes, say: Callable[[str], None]) -> bool:
    """Do what is due, and `say` a line for each source and post. Returns whether nothing failed.

    Raises PaperroundError if another process sends, or if there is neither a token nor a webhook nor a site to build.
    """
    stopping = runtime.begin(container)
    discord_clock = container.follow_discord()
    lock = SenderLock(container.database)
    bot = container.create_bot()
    bot.load_guild = guild_directory.GuildDirectory(bot, time.monotonic).load
    running = runtime.build_runtime(container, bot, lock)
    once = _Run(running, discord_clock, wishes)
    async with AsyncExitStack() as stack:
        stack.enter_context(running.failures.listening(runtime.open_sentry(container.settings)))
        stack.push_async_callback(running.report_failures)
        stack.push_async_callback(container.rest.close)
        stack.push_async_callback(lock.release)
        stack.push_async_callback(gateway.close_client, bot)
        if not await lock.try_acquire():
            raise errors.PaperroundError(OCCUPIED)
        await stack.enter_async_context(lock.kept())
        is_done = False

        async def work() -> None:
            nonlocal is_done
            is_done = True
            async for outcome in once.work():
                say(str(outcome))
                is_done &= not outcome.is_failed

        try:
            async with asyncio.timeout(wishes.seconds):
                await isolation.run_unless_stopped(work(), stopping)
        except TimeoutError:
            raise errors.PaperroundError(
                f"Not done within {wishes.seconds / 60:g} minutes (--minutes). The next run goes on."
            ) from None
        if stopping.is_set():
            raise errors.PaperroundError("Stopped by a signal. The next run goes on.")
        return is_done


class _Run:
    def __init__(self, running: Runtime, discord_clock: clock.DiscordClock, wishes: Wishes) -> None:
        self._running = running
        self._container = running.container
        self._database = running.workers.database
        self._clock = discord_clock
        self._wishes = wishes
        self._ends_at = asyncio.get_running_loop().time() + wishes.seconds
        self._began_at = discord_clock()
        self._newest_id, self._open_ids = 0, set[int]()
        """The deliveries before this run: the newest, and those that had not ended."""

    def _seconds_until(self, share: float) -> float:
        """Return the seconds (at least 0) until a share of the time is over."""
        left = self._ends_at - asyncio.get_running_loop().time()
        return max(0.0, left - (1 - share) * self._wishes.seconds)

    async def work(self) -> AsyncIterator[Outcome]:
        """Do what is due, and yield what became of it."""
        if self._wishes.set_up is not None:
            for change in await self._wishes.set_up():
                yield Outcome("set-up", change)
        await self._require_destination()
        self._newest_id, self._open_ids = await self._database.fetch(outbox.find_open)
        await self._database.write(outbox.doubt_announced)
        for outcome in await self._read():
            yield outcome
        trouble = await self._reach_discord()
        if not trouble:
            await self._plan()
            trouble = await self._send()
        for outcome in await self._database.fetch(self._describe_posts, trouble):
            yield outcome
        if trouble:
            yield Outcome("sending", trouble, True)
        if self._wishes.build_site is not None:
            with isolation.isolated(log, "web archive not written"):
                yield Outcome("web archive", await self._wishes.build_site())
        logged = self._running.failures.take()
        self._running.failures.put_back(logged)
        for failure in logged:
            yield Outcome(failure.event, f"{failure.reason or failure.kind} ({failure.reference})", True)

    async def _require_destination(self) -> None:
        if self._container.token is not None:
            return
        async with self._database.read() as connection:
            missing = await daily.list_unaddressed(connection)
            has_webhook = await key_values.list_by_prefix(connection, key_values.WEBHOOK)
        if missing:
            raise errors.UsageError(webhook.describe_missing(missing))
        if not has_webhook and self._wishes.build_site is None:
            raise errors.UsageError(runtime.MISSING_TOKEN_MESSAGE)

    async def _read(self) -> list[Outcome]:
        """Read the sources that are due, and do what else a bot does beside that. Returns a line for each source."""
        workers, container = self._running.workers, self._container
        new: dict[int, int] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds_until(READ_SHARE)), workers.open_poller() as poller:
                with isolation.isolated(log, "sources not read"):
                    reports = await poller.fetch_due()
                    new = {report.source.id: report.result.new_papers for report in reports}
                if container.settings.writes_digests:
                    await jobs.DailyWriter(workers, self._pass).write_due()
                keeping = kept_papers.KeptPapers(
                    workers.database, container.clock, workers.ingest, poller.context
                )
                with isolation.isolated(log, "facts about kept papers not read"):
                    await keeping.ask()
        for _ in range(MAX_MAINTENANCE):
            if await jobs.maintain(
                workers.database, container.clock, container.search_index, lambda: self._running.lock.term
            ):
                break
        await self._running.purge()
        now, zone = container.clock(), clock.stored_zone(container.settings.timezone)
        described = []
        for row in await self._database.fetch(sources.list_rows):
            what = f"source {errors.redact(row.url)}"
            next_at = row.next_attempt_at or now
            if row.last_attempt_at is None or row.last_attempt_at < self._began_at:
                later = f"not due until {next_at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
                is_late = next_at <= now
                described.append(Outcome(what, "it was not read in time" if is_late else later, is_late))
            elif row.status in (FetchStatus.FAILED, FetchStatus.REFUSED):
                described.append(Outcome(what, row.reason or row.status.value, True))
            else:
                count = new.get(row.id, 0)
                described.append(
                    Outcome(what, f"{count:,} new paper{'s' * (count > 1)}" if count else "nothing new")
                )
        return described

    async def _pass(self) -> None:
        """Do nothing: what a digest makes due is planned after all have been read."""

    async def _reach_discord(self) -> str:
        """Log in, or ask for the time by a webhook. Returns why Discord cannot be used, or ""."""
        try:
            async with asyncio.timeout(self._seconds_until(LOGIN_SHARE)):
                if (token := self._container.token) is not None:
                    await gateway.log_in(self._running.bot, token, lambda: None)
                    await self._container.mentions.load(self._database)
                else:
                    await runtime.ask_for_time(self._running, self._clock)
        except TimeoutError:
            return NO_DISCORD
        except errors.StorageError:
            raise
        except errors.PaperroundError as error:
            return str(error)
        return ""

    async def _plan(self) -> None:
        """Plan all that is due by now."""
        posts_of = Subscriptions(self._database, self._container.clock, self._container.day_close)
        await posts_of.reopen_today()
        await self._running.tick()
        with isolation.isolated(log, "alerts not planned"):
            await self._running.workers.alert_planner.drain()

    async def _send(self) -> str:
        """Send what is due, and what comes due meanwhile. Returns why it was not tried, or ""."""
        if not await self._is_left():
            return ""
        if (announce := self._wishes.before_sending) is not None:
            now = self._container.clock()
            await self._database.write(key_values.set_value, key_values.ANNOUNCED, now.isoformat())
            await self._database.fold_log()
            reason = await announce()
            if reason:
                await self._database.write(key_values.remove, key_values.ANNOUNCED)
                return reason
        relay = self._running.relay
        ending = asyncio.get_running_loop().call_later(self._seconds_until(SEND_SHARE), relay.stop)
        try:
            await relay.drain()
            while self._seconds_until(SEND_SHARE) and self._running.lock.term and await self._is_left():
                await asyncio.sleep(PAUSE_SECONDS)
                await relay.drain()
        except DeliveryError:
            return command_sync.WRONG_TOKEN
        finally:
            ending.cancel()
            relay.stop()
            await relay.run()  # which finishes what is in flight
        await self._database.write(key_values.remove, key_values.ANNOUNCED)
        return ""

    async def _is_left(self) -> bool:
        """Return whether something is due before the end of the time."""
        until = self._container.clock() + timedelta(seconds=self._seconds_until(SEND_SHARE))
        due = await self._database.fetch(
            outbox.list_due, until, limit=1, exclude_channel_ids=(), with_webhooks=True
        )
        return bool(due)

    async def _describe_posts(self, connection: Connection, trouble: str) -> list[Outcome]:
        """Return a line for each daily post, and for what else was sent or should have been."""
        now = self._container.clock()
        calendar = await archive_dates.load_calendar(connection, self._container.day_close, now)
        newest = await outbox.list_newest(connection)
        described = []
        for row in await daily.list_rows(connection):
            place = f"channel {row.channel_id}"
            if row.is_by_webhook:
                place = webhook.shorten_address(row.channel_id)
            what = f"daily post {row.id} in {place}"
            delivery, error = newest.get(row.id, (None, None))
            if row.state is not models.ActivityState.ACTIVE:
                described.append(Outcome(what, "paused"))
            elif delivery is not None and (outcome := self._describe(what, delivery, error)) is not None:
                described.append(outcome)
            elif calendar.find_due(row) is not None:
                described.append(
                    Outcome(
                        what, "it is due, and was not planned" if trouble else "nothing new", bool(trouble)
                    )
                )
            else:
                at = calendar.following(row).at.astimezone(clock.stored_zone(row.timezone))
                described.append(Outcome(what, f"not due until {at:%Y-%m-%d %H:%M %Z}"))
        for delivery, error in await outbox.list_recent(connection, self._began_at - schedule.DAY):
            if delivery.kind is not models.DeliveryKind.DAILY:
                to = "to a reader" if delivery.is_direct else f"in channel {delivery.channel_id}"
                outcome = self._describe(f"{delivery.kind.value} {to}", delivery, error)
                if outcome is not None:
                    # A reader's closed direct messages are no failure of the run.
                    described.append(outcome._replace(is_failed=outcome.is_failed and not delivery.is_direct))
        return described

    def _describe(self, what: str, delivery: models.Delivery, error: str | None) -> Outcome | None:
        """Return what became of a delivery in this run; None if it had ended before."""
        if delivery.state is DeliveryState.WAITING:
            reason = delivery.reason or error
            return Outcome(what, posts.explain(reason) if reason else "it still waits to be sent", True)
        if delivery.id <= self._newest_id and delivery.id not in self._open_ids:
            return None
        if delivery.state is DeliveryState.SENT:
            return Outcome(what, "sent")
        return Outcome(what, posts.explain(delivery.reason), True)
