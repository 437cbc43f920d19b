"""`paperround run --once`: read, plan and send what is due, and end. It asks Discord by REST alone and answers no commands."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from bot.app import jobs, process, runtime
from bot.app.container import LOOKUP_LIMITS, Container, create_fetcher
from bot.archive import complete_days
from bot.cli import shell
from bot.cli.set_up_file import SetUpFile
from bot.client import command_sync, gateway, rest, webhook
from bot.core import clock, isolation
from bot.core import settings as core_settings
from bot.features.daily.service import Subscriptions, list_unplanned_today
from bot.features.operations import post_overview
from bot.features.web.pages import Site
from bot.features.web.site import SiteBuilder
from bot.outbox.outcomes import NOBODY_TOLD, DeliveryError
from bot.sources import kinds
from bot.sources.followed_papers import FollowedPapers
from bot.sources.poller import HEALTHY, SourceReport
from storage import alerts, daily, errors, key_values, models, outbox, sources
from storage.database import Connection
from storage.locks import SenderLock
from storage.models import ActivityState, DeliveryKind, DeliveryState, FetchStatus

log = structlog.get_logger(__name__)

OCCUPIED = "Another process sends from this database: a running bot, or a run. This one has done nothing."
UNREACHABLE = "Discord did not answer{}; the next run does what is due"
NO_SOURCE = "there is none, so no paper can come: add one below [[sources]] in the set-up file, or by `paperround sources add`"
NO_POST = "there is none, so nothing is posted: add one below [[posts]] in the set-up file"
KEPT = "and goes on: an entry with its webhook or channel and `removed = true` ends it"
REACH_SHARE, READ_SHARE, SEND_SHARE = 0.2, 0.5, 0.9
"""The parts of the time after which Discord counts as away, no source is read, and no request to Discord is made."""
SPACING = 0.5
"""After how much of its interval a source is read again: one that is read once a day is due in a run that starts early.

One that could not be read, or had nothing yet, is read by the next run."""
_BEGINNINGS = ("It", "The", "This", "You", "Your")
"""Words that begin a sentence, and have a small letter within one."""
PAUSE_SECONDS = 1.0
"""How long sending rests while what is left is not due yet."""


@dataclass
class SingleRun:
    """One run. `set_up` is the text of a set-up file with its name, `archive` the folder and address of the web archive.

    `before_sending` is a command for the shell between planning and sending.
    """

    container: Container
    minutes: float
    set_up: tuple[str, str] | None
    archive: tuple[Path, str] | None
    before_sending: str | None
    is_done: bool = True
    """Whether nothing has failed so far."""
    _reports: list[SourceReport] = field(default_factory=list)
    _obstacle: str = ""
    """Why nothing is sent."""
    _doubted: set[int] = field(default_factory=set)
    """The deliveries that a former run may have sent, as far as the database knew at the start."""

    async def run(self) -> bool:
        """Do what is due, and print a line for each source and post. Returns whether nothing failed.

        Raises PaperroundError if another process sends, or the time is over, and UsageError if it has nowhere to send or a
        source of the settings is invalid.
        """
        registry = kinds.build_source_registry(
            self.container.database, self.container.clock, self.container.settings
        )
        await registry.list_unstored(self.container.settings.sources)
        stopping = process.install_signal_handlers(self.container)
        self._clock = self.container.follow_discord()
        self._ends_at = asyncio.get_running_loop().time() + 60 * self.minutes
        lock, bot = SenderLock(self.container.database), self.container.create_bot()
        self._running = running = runtime.build_runtime(self.container, bot, lock)
        self._database = running.workers.database
        async with AsyncExitStack() as stack:
            stack.enter_context(running.failures.listening(process.open_sentry(self.container.settings)))
            stack.push_async_callback(running.report_failures)
            stack.push_async_callback(self.container.rest.close)
            stack.push_async_callback(lock.release)
            stack.push_async_callback(gateway.close_client, bot)
            if not await lock.try_acquire():
                raise errors.PaperroundError(OCCUPIED)
            await stack.enter_async_context(lock.kept())
            try:
                async with asyncio.timeout_at(self._ends_at):
                    await isolation.run_unless_stopped(self._work(), stopping)
            except TimeoutError:
                raise errors.PaperroundError(f"It took more than {self.minutes:g} minutes.") from None
            if stopping.is_set():
                raise errors.PaperroundError("It was stopped by a signal.")
            failed = running.failures.take()
            running.failures.put_back(failed)
            for failure in (one for one in failed if one.event != NOBODY_TOLD):  # which the post's line tells
                self._print(failure.event.removesuffix("."), failure.reason or failure.kind, is_failed=True)
        return self.is_done

    async def _work(self) -> None:
        """Do all steps, in this order. Of the jobs in `bot.app.jobs`, a run does no others."""
        if self.set_up is None and self.archive is None:
            await process.check_destinations(self.container)
        # First of all: what the set-up file takes back must not count as unsent.
        self._doubted = await self._database.write(outbox.mark_announced_as_attempted)
        await self._reach_discord()
        if self._obstacle and not self._clock.is_set:
            # Without Discord's time nothing can be dated: the machine's clock may be wrong.
            self._print("sending", self._obstacle, is_failed=True)
            return
        await self._apply_set_up()
        await self._read_sources()
        await self._running.purge()
        await self._report_sources()
        self._planned_at, self._is_planned = self._clock(), not self._obstacle
        if self._is_planned:
            await Subscriptions(self._database, self._clock, self.container.day_close).reopen_today()
            await self._maintain_index()
            await self._running.tick()
            with isolation.isolated(log, "alerts not planned"):
                # All sources have been read: there is nothing to wait for.
                await self._running.workers.alert_planner.drain(gathering=timedelta(0))
            await self._send()
        await self._database.fetch(self._report_posts)
        await self._write_archive()

    async def _reach_discord(self) -> None:
        """Log in, or ask for the time without a login."""
        if self.container.token is None and self.set_up is None and not await self._has_webhooks():
            return  # a run for the web archive alone
        with errors.collected([], reraise=(errors.StorageError,)) as failures:
            async with asyncio.timeout(self._seconds_until(REACH_SHARE)):
                if (token := self.container.token) is not None:
                    await gateway.log_in(self._running.bot, token, lambda: None)
                    await self.container.mentions.load(self._database)
                else:
                    await jobs.ask_for_time(self._running, self._clock)
        way = rest.describe_way(self.container.settings.proxy)
        self._obstacle = "".join(str(error) or UNREACHABLE.format(way) for error in failures)

    async def _has_webhooks(self) -> bool:
        return bool(await self._database.fetch(key_values.list_by_prefix, key_values.WEBHOOK))

    async def _apply_set_up(self) -> None:
        """Apply the set-up file. An error in the settings that shows only then is an obstacle: it does not undo the file."""
        for unknown in core_settings.find_unknown():
            self._print(f"setting {unknown.name}", f"unknown, from {unknown.origin}. {unknown.note}")
        if self.set_up is not None:
            file = SetUpFile(self.container.database, self._clock, self.container.settings)
            plan = await file.apply(*self.set_up)
            kept = (
                f"{name} is not in the file {KEPT}" for name in plan.others if name.startswith("daily post ")
            )
            for change in (*plan.changes, *kept):
                self._print("set-up", change)
        posts = await self._database.fetch(daily.list_rows)
        if self.archive is None and posts:
            with errors.collected([], reraise=(errors.StorageError,)) as failures:
                await process.check_destinations(self.container)
            self._obstacle = self._obstacle or "".join(map(str, failures))

    def _print(self, what: str, result: str, *, is_failed: bool = False) -> None:
        self.is_done &= not is_failed
        if is_failed:
            first, _, others = result.partition(" ")
            result = f"failed because {first.lower() if first in _BEGINNINGS else first} {others}"
        shell.echo(f"{what}: {result}")

    def _seconds_until(self, share: float) -> float:
        """Return the seconds (at least 0) until a share of the time is over."""
        left = self._ends_at - asyncio.get_running_loop().time()
        return max(0.0, left - (1 - share) * 60 * self.minutes)

    async def _read_sources(self) -> None:
        """Read the sources that are due, write the digest, and refresh followed papers, until READ_SHARE is over."""
        workers, self._began_at = self._running.workers, self._clock()
        polling = workers.open_poller(lambda status: SPACING * (status in HEALTHY))
        with suppress(TimeoutError), isolation.isolated(log, "sources not read", reraise=(TimeoutError,)):
            async with asyncio.timeout(self._seconds_until(READ_SHARE)), polling as poller:
                await poller.fetch_due(self._reports)
                if self.container.settings.writes_digests:
                    await jobs.DailyWriter(workers, lambda: asyncio.sleep(0)).write_due()
                await FollowedPapers(workers.database, self._clock, workers.ingest, poller.context).refresh()

    async def _report_sources(self) -> None:
        """Print what became of each source."""
        new = {report.source.id: report.result.new_papers for report in self._reports}
        for row in await self._database.fetch(sources.list_rows):
            what, next_at = f"source {errors.redact(row.url)}", row.next_attempt_at or self._began_at
            if row.last_attempt_at is not None and row.last_attempt_at >= self._began_at:
                is_failed = row.status in (FetchStatus.FAILED, FetchStatus.REFUSED)
                found = shell.count(new[row.id], "new paper") if new.get(row.id) else "nothing new"
                self._print(what, row.reason or "it was empty" if is_failed else found, is_failed=is_failed)
            elif row.id in new or next_at <= self._began_at:
                self._print(what, "it was not read in time", is_failed=True)
            else:
                self._print(what, _not_until(next_at, self.container.settings.timezone))

    async def _maintain_index(self) -> None:
        """Maintain the index if it is needed: it may not be on this machine, and takes longer than all other steps."""
        has_new = any(report.result.new_papers for report in self._reports)
        if has_new or await self._database.fetch(self._awaits_search):
            index, lock = self.container.search_index, self._running.lock
            await jobs.maintain(self._database, self._clock, index, lambda: lock.term)

    async def _awaits_search(self, connection: Connection) -> bool:
        """Return whether a post with a topic is due."""
        calendar = await complete_days.load_calendar(connection, self.container.day_close, self._clock())
        rows = await daily.list_rows(connection, state=ActivityState.ACTIVE)
        return any(row.topic and calendar.find_due(row) for row in rows)

    async def _send(self) -> None:
        """Send what is due, and what comes due meanwhile."""
        if not await self._is_left():
            return
        relay = self._running.relay
        try:
            if self.before_sending is not None and (status := await self._run_before(self.before_sending)):
                self._obstacle = f"the command before it ended with status {status}"
                return
            ending = asyncio.get_running_loop().call_later(self._seconds_until(SEND_SHARE), relay.stop)
            await relay.drain()
            while self._seconds_until(SEND_SHARE) and self._running.lock.term and await self._is_left():
                await asyncio.sleep(PAUSE_SECONDS)
                await relay.drain()
            ending.cancel()
        except DeliveryError:
            self._obstacle = command_sync.WRONG_TOKEN
        finally:
            relay.stop()
            try:
                await relay.run()  # waits for the parts in flight
            finally:  # each message is known here, also if the run was stopped
                await self._database.write(key_values.remove, key_values.ANNOUNCED)

    async def _run_before(self, command: str) -> int:
        """Announce in the database that messages are sent, and run a command, which may store it. Returns its status."""
        await self._database.write(key_values.set_value, key_values.ANNOUNCED, self._clock().isoformat())
        await self._database.checkpoint_wal()
        # Its output goes to stderr: stdout has the lines of this run alone.
        running = await asyncio.create_subprocess_shell(
            command, stdout=sys.stderr.fileno(), start_new_session=True
        )
        try:
            return await running.wait()
        finally:
            if running.returncode is None:  # it must not store anything after this run
                os.killpg(running.pid, signal.SIGKILL)

    async def _is_left(self) -> bool:
        """Return whether something is due before the time for sending is over, or a run was killed while it sent."""
        until = self._clock() + timedelta(seconds=self._seconds_until(SEND_SHARE))
        async with self._database.read() as connection:
            due = await outbox.list_due(
                connection, until, limit=1, exclude_channel_ids=(), with_webhooks=True
            )
            return bool(due) or models.PartState.SENDING in await outbox.count_by_state(connection)

    async def _report_posts(self, connection: Connection) -> None:
        """Print what became of each daily post, and of what else was sent or waits."""
        rule, now = self.container.day_close, self._clock()
        calendar = await complete_days.load_calendar(connection, rule, now)
        # The next run looks at them again.
        unplanned = await list_unplanned_today(connection, calendar, now)
        recent = await outbox.list_recent(connection, self._planned_at, {*self._doubted})
        recent = [pair for pair in recent if pair[0].due_at <= now]
        rows = await daily.list_rows(connection)
        for row in rows:
            what = _name_post(row.id, row)
            own = [pair for pair in recent if _is_daily_of(row.id, pair[0])]
            if is_paused := row.state is not ActivityState.ACTIVE:
                own = [pair for pair in own if pair[0].is_uncertain or pair[0].id in self._doubted]
                is_by_hand = row.reason in (None, models.Reason.BY_HAND)
                result = "it is paused" if not is_by_hand else "paused"
                self._print(what, f"{result}. {post_overview.explain(row.reason)}", is_failed=not is_by_hand)
            for of, error in own:
                self._report_delivery(what, of, error)
            if is_paused or not all(self._is_former(of) for of, _ in own):
                continue
            if self._is_planned and row.id not in unplanned and calendar.find_due(row) is None:
                self._print(what, _not_until(calendar.following(row).at, row.timezone))
            else:
                self._print(what, "nothing new" if self._is_planned else "not planned")
        known = {row.id for row in rows}
        for of, error in recent:
            if of.kind is not DeliveryKind.DAILY:
                place = "to a reader" if of.is_direct else f"in channel {of.channel_id}"
                self._report_delivery(f"{of.kind.value} {place}", of, error)
            elif of.subscription_id not in known:  # the set-up file has just removed it
                self._report_delivery(_name_post(None, of), of, error)
        if self.set_up is not None and not rows and not await alerts.exist(connection):
            self._print("posts", NO_POST, is_failed=self.archive is None)
        if rows and not await sources.list_rows(connection):
            self._print("sources", NO_SOURCE, is_failed=True)
        if self._obstacle and (rows or self.container.token is not None):
            self._print("sending", self._obstacle, is_failed=True)

    def _is_former(self, of: models.Delivery) -> bool:
        """Return whether it is a post of a former run, which has reported that its outcome is unknown."""
        is_ended = of.finished_at is not None and of.finished_at < self._planned_at
        return is_ended and of.id not in self._doubted

    def _report_delivery(self, what: str, of: models.Delivery, error: str | None) -> None:
        """Print what became of a delivery. `error` is that of its last attempt."""
        reason = of.reason or error
        if of.id in self._doubted and reason in (None, models.Reason.BY_HAND):
            reason = models.Reason.UNCERTAIN  # it was removed or paused before it could be settled
        if of.state is DeliveryState.SENT:
            self._print(what, "sent")
        else:  # a reader's closed direct messages are no failure of the run
            is_former = self._is_former(of)
            on = f", of {of.local_on}" if of.local_on else ""
            result = post_overview.explain(reason) if reason else "it still waits to be sent"
            self._print(what + on, result, is_failed=not of.is_direct and not is_former)

    async def _write_archive(self) -> None:
        if self.archive is not None:
            with isolation.isolated(log, "web archive not written"):
                folder, address = self.archive
                site = Site(address, self.container.locale, is_static=True)
                built = await SiteBuilder(self.container.web_pages, folder, site).build()
                written = shell.count(built.written, "file")
                self._print("web archive", f"{written} written, {built.removed:,} removed")


def _not_until(at: datetime, zone: str) -> str:
    return f"not due until {at.astimezone(clock.stored_zone(zone)):%Y-%m-%d %H:%M %Z}"


def _is_daily_of(subscription_id: int, of: models.Delivery) -> bool:
    return of.kind is DeliveryKind.DAILY and of.subscription_id == subscription_id


def _name_post(number: int | None, of: models.Subscription | models.Delivery) -> str:
    is_by_webhook = of.guild_id in (None, models.NO_GUILD)
    place = webhook.shorten_address(of.channel_id or 0) if is_by_webhook else f"channel {of.channel_id}"
    return f"daily post {number} in {place}" if number else f"daily post in {place}"


async def report_end(settings: core_settings.Settings, *, is_done: bool) -> None:
    """Request the heartbeat's address if there is one, with `/fail` at the end of its path unless a run did all."""
    if settings.heartbeat_url is None:
        return
    address = urlsplit(settings.heartbeat_url.get_secret_value())
    path = address.path if is_done else f"{address.path.rstrip('/')}/fail"
    async with create_fetcher(settings, clock.system_clock, LOOKUP_LIMITS) as fetch:
        await jobs.send_heartbeat(
            address._replace(path=path).geturl(), fetch, lambda problem: problem and log.warning(problem)
        )
