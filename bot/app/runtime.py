"""A running sender: its services, and the recurring work that they share. `bot.app.process` starts and ends it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from bot.app.client import PaperroundBot
from bot.app.container import Container
from bot.app.features import DELIVERY_KINDS, FEATURES, Tick
from bot.app.workers import Workers
from bot.client import command_sync, sender
from bot.core import isolation, memory
from bot.core.clock import DiscordClock
from bot.core.error_collector import FailureLog
from bot.features.club.service import Clubs
from bot.features.daily.planner import DailyPlanner
from bot.features.operations import conditions, post_overview
from bot.features.operations.liveness import Liveness
from bot.features.operations.metrics import Metrics
from bot.outbox import outcomes
from bot.outbox.relay import Relay
from bot.sources.poller import SourceReport
from storage import errors, locks
from storage.locks import SenderLock

log = structlog.get_logger(__name__)


@dataclass
class Runtime:
    """A running sender."""

    workers: Workers
    """The services that work without a command. As the sender's, they write only while it holds the lock."""
    bot: PaperroundBot
    relay: Relay
    metrics: Metrics
    lock: SenderLock
    liveness: Liveness
    is_reading: Callable[[], bool] = lambda: False
    """Returns whether the first read of the sources still runs. Until it ends, a day may seem to have no digest."""
    failures: FailureLog = field(default_factory=FailureLog)
    """The errors that this process logs."""
    _is_tick_wanted: bool = False
    _ticking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def container(self) -> Container:
        return self.workers.container

    @property
    def has_bot(self) -> bool:
        """Whether there is a token. Without one, only webhooks post and there is no Gateway."""
        return self.container.settings.discord_token is not None

    def is_delivering(self) -> bool:
        """Return whether this process is the sender and healthy, as `/health` has it."""
        self._look_at_gateway()
        return self.lock.term is not None and not self.liveness.find_problems()

    async def tick(self) -> bool:
        """Plan due posts. Errors are logged, and the next call retries. Returns whether the sources have been read.

        A call during a tick returns at once, and the tick runs again.
        """
        if self.is_reading():
            return False
        self._is_tick_wanted = True
        if not self._ticking.locked():
            async with self._ticking:
                while self._is_tick_wanted:
                    self._is_tick_wanted = False
                    await self._tick()
        return True

    async def _tick(self) -> None:
        now = self.container.clock()
        self._look_at_gateway()
        with self.metrics.planning.time():
            tick = Tick(now, self.workers.services, self._advance, self._plan_posts)
            plans = [partial(feature.plan, tick) for feature in FEATURES if feature.plan is not None]
            failures = await self._run_steps(lambda: self.relay.expire(now), *plans)
        if failures:
            self.liveness.record_failure("tick", failures[0])
        else:
            self.liveness.record("tick")

    def _look_at_gateway(self) -> None:
        if self.bot.is_gateway_connected() or not self.has_bot:
            self.liveness.record_gateway()

    def _advance(self) -> None:
        """Send what a batch has planned, and record a sign of life: a tick for thousands of readers takes minutes."""
        self.liveness.record_progress("tick")
        self._look_at_gateway()
        self.relay.wake()

    async def _plan_posts(self) -> None:
        """Plan the daily posts due by now. Also called between the batches of planning for each reader, which is slow."""
        self._advance()
        now, planner = self.container.clock(), self.workers.services.get(DailyPlanner)
        await self._run_steps(lambda: planner.tick(now, on_planned=self._advance))

    async def _run_steps(self, *steps: Callable[[], Awaitable[int | None]]) -> list[Exception]:
        failures: list[Exception] = []
        for step in steps:
            # A database outage or a failing step must not end the schedule. Due subscriptions stay due.
            with isolation.isolated(log, "planning failed") as failed:
                if await step():
                    self._advance()
            failures += failed
            if failed and isinstance(failed[0], errors.StorageError):
                break
        return failures

    async def purge(self) -> None:
        """Remove rows older than the retention period, and return free memory to the system.

        Errors are logged; the next call removes the remaining rows.
        """
        with isolation.isolated(log, "removing old rows failed"):
            await self.workers.retention.purge()
        await asyncio.to_thread(memory.return_free)

    async def report_failures(self) -> None:
        """Store the errors that were logged, and notify the operator of new ones once a day."""
        # Another process may be the sender, which notifies the operator.
        operator_id = command_sync.find_operator(self.bot.application) if self.lock.term is not None else None
        if await self.container.failure_reports.report(self.failures, operator_id):
            self.relay.wake()

    async def find_operator_warnings(self) -> None:
        """Check sources, backups and posts, for `/health` and messages to the operator. Errors are logged."""
        with isolation.isolated(log, "sources, backups and posts not looked at"):
            async with self.workers.database.read() as connection:
                now = self.container.clock()
                joined = (getattr(guild.me, "joined_at", None) for guild in self.bot.guilds)
                is_settled = any(at is not None and now - at > conditions.SILENT for at in joined)
                clock = self.container.clock
                is_wrong = isinstance(clock, DiscordClock) and clock.is_machine_wrong()
                # What is not prepared shows in the planner's signs of life.
                state = await conditions.load(
                    connection, self.container.settings, now, is_settled=is_settled, is_clock_wrong=is_wrong
                )
            self.liveness.concerns = conditions.list_told(state)
            self.liveness.stuck_posts = len(post_overview.only_stuck(state.of_servers))

    async def sync_commands(self) -> None:
        """Register the slash commands. Errors are logged, and the registered commands keep working."""
        if self.has_bot:
            with isolation.collected([]) as failures:
                await command_sync.sync_commands(
                    self.bot.tree, self.workers.database, self.container.mentions
                )
            for error in failures:
                log.warning("commands not synchronised; the next start tries again", error=repr(error))

    async def on_sources_fetched(self, reports: Sequence[SourceReport]) -> None:
        """Plan the posts that became due because of new digests."""
        self.metrics.digests.inc(sum(report.result.written for report in reports))
        await self.plan_and_wake()

    async def plan_and_wake(self) -> None:
        await self.tick()
        self.relay.wake()


def build_runtime(container: Container, bot: PaperroundBot, lock: SenderLock) -> Runtime:
    """Build the relay and the planner around a Discord client."""
    metrics, liveness = Metrics(), container.liveness
    workers = Workers(container, locks.fenced(container.database, lambda: lock.term))
    metrics.leader.set_function(lambda: lock.term is not None)
    liveness.has_recipient = container.token is not None
    bot.services.lookups.on_end = metrics.record_lookup
    recorder = outcomes.OutcomeRecorder(
        # Not fenced: receipts are stored in any term, and claims compare the term themselves.
        container.database,
        container.deliveries,
        DELIVERY_KINDS,
        rng=random.Random(),
        on_outcome=metrics.record,
    )
    relay = Relay(
        container.database,
        sender.DiscordSender(bot, container.rest, lock.is_sender),
        recorder,
        container.pace,
        clock=container.clock,
        get_term=lambda: lock.term,
        on_claimed=lambda: liveness.record("claim"),
        on_failed=partial(liveness.record_failure, "claim"),
        follow=workers.services.get(Clubs).follow,
    )
    return Runtime(workers, bot, relay, metrics, lock, liveness)
