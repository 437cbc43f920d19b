"""The ticker and the jobs on virtual time, with a wall clock that tests move; the times it corrects; heartbeats."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from unittest import mock

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.app import runtime, tasks
from bot.app.container import Container
from bot.archive import digest_writer
from bot.core.clock_monitor import ClockMonitor, ClockStep
from bot.core.settings import Settings
from bot.daily.planner import DailyPlanner
from bot.search.service import SearchService
from storage import accounts, alerts, archive, key_values, models, outbox, papers, sources, today
from storage.database import Database
from tests.support import alert_builders, digest_builders, relay_harness
from tests.support.origin_server import OriginServer, run_origin
from tests.support.planner_harness import PlannerHarness
from tests.support.virtual_time import VirtualTimeLoop

pytestmark = pytest.mark.engines("sqlite", "postgresql")


START = datetime(2026, 1, 5, 8, 59, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


class TickerHarness:
    """A ticker whose calls are recorded with the loop's time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.offset = timedelta(0)
        self.ticks: list[datetime] = []
        self.steps: list[timedelta] = []
        self.questions: list[float] = []
        self.is_stopped = False
        self.failures = 0
        self.answers = True
        self.monitor = ClockMonitor(self.wall, loop.time)
        self.ticker = tasks.Ticker(
            self.monitor,
            on_tick=self._tick,
            on_steps=self._note_steps,
            on_held=self._ask,
            monotonic=loop.time,
        )

    def wall(self) -> datetime:
        return START if self.is_stopped else START + timedelta(seconds=self.loop.time()) + self.offset

    async def _tick(self) -> None:
        self.ticks.append(self.monitor())

    async def _note_steps(self, steps: Sequence[ClockStep]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the database is away")
        self.steps += [step.by for step in steps]

    async def _ask(self) -> None:
        self.questions.append(self.loop.time())
        if not self.answers:
            await asyncio.Event().wait()

    async def run(self, *moves: tuple[float, timedelta]) -> None:
        """Run for ten minutes; each move sets the offset of the wall clock at a time of the loop."""
        stop = asyncio.Event()
        for at, offset in moves:
            self.loop.call_at(at, setattr, self, "offset", offset)
        self.loop.call_at(600.0, stop.set)
        await self.ticker.run(stop)


Correct = Callable[..., Awaitable[datetime]]


def run(*moves: tuple[float, timedelta], **attributes: Any) -> TickerHarness:
    """Run a ticker, with some attributes of its harness, for ten minutes of virtual time; returns the harness."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        harness = TickerHarness(runner.get_loop())
        vars(harness).update(attributes)
        runner.run(harness.run(*moves))
        return harness


def test_a_tick_comes_at_the_start_and_with_each_minute_of_the_wall_clock() -> None:
    harness = run()
    assert len(harness.ticks) == 11
    assert all(tick.second == 0 and tick.microsecond < 50_000 for tick in harness.ticks[1:])
    assert harness.ticks[1].replace(microsecond=0) == START + timedelta(seconds=40)


@pytest.mark.parametrize("back", [3 * timedelta(minutes=1), 2 * HOUR, 26 * HOUR])
def test_a_clock_set_back_stops_no_tick_and_is_noticed_within_seconds(back: timedelta) -> None:
    harness = run((100.0, -back))
    assert len(harness.ticks) >= 11
    assert harness.steps == [pytest.approx(-back, abs=timedelta(seconds=1))]
    assert all(tick < START + timedelta(seconds=101) for tick in harness.ticks[:3])
    assert harness.ticks[-1] < START + timedelta(seconds=601) - back


def test_while_a_step_far_ahead_is_held_ticks_go_on_at_the_former_time() -> None:
    harness = run((100.0, 26 * HOUR), (175.0, timedelta(0)))
    assert len(harness.ticks) == 11
    assert harness.steps == []
    assert max(harness.ticks) < START + timedelta(seconds=601)
    assert len(harness.questions) == 3  # every half minute


def test_discord_is_asked_once_at_a_time_and_delays_no_tick() -> None:
    harness = run((100.0, 26 * HOUR), answers=False)
    assert len(harness.questions) == 1
    assert len(harness.ticks) == 11


def test_a_step_is_handled_again_after_an_error() -> None:
    harness = run((100.0, -2 * HOUR), failures=2)
    assert len(harness.steps) == 1
    assert len(harness.ticks) >= 11


def test_a_stopped_wall_clock_stops_no_tick() -> None:
    assert len(run(is_stopped=True).ticks) >= 10


@pytest.fixture
def correct(db: Database) -> Correct:
    """Corrects the times in a database as after steps of the clock, and returns when the one job runs next."""

    async def purge() -> None: ...

    async def apply(now: datetime, *steps: ClockStep, answered_at: datetime | None = None) -> datetime:
        container = Container(Settings(), db, lambda: now)
        if answered_at is not None:
            container.monitor_clock().compare_with_discord(answered_at)
        async with tasks.scheduled([tasks.Job(purge, 6 * HOUR)], now) as scheduler:
            scheduler.get_jobs()[0].modify(next_run_time=now + 32 * HOUR)  # as by a clock 26 hours ahead
            planner = DailyPlanner(db, container.deliveries, SearchService(db).match_papers)
            today_planner = container.create_today_planner(container.create_services())
            await tasks.ClockRepair(container, planner, today_planner, scheduler).apply(steps)
            next_run: datetime = scheduler.get_jobs()[0].next_run_time
            return next_run

    return apply


async def test_jobs_that_a_held_step_put_off_run_within_their_interval_once_it_has_ended(
    sqlite_db: Database,
) -> None:
    wall, interval = [START], timedelta(minutes=1)
    container = Container(Settings(), sqlite_db, lambda: wall[0])
    container.monitor_clock().compare_with_discord(START)
    async with tasks.scheduled([tasks.Job(mock.AsyncMock(), interval)], START) as scheduler:
        [job] = scheduler.get_jobs()
        repair = tasks.ClockRepair(container, mock.Mock(), mock.Mock(), scheduler)
        wall[0] += 26 * HOUR
        job.modify(next_run_time=wall[0] + interval)  # as the scheduler does, which reads the machine's clock
        repair.hasten_jobs()
        assert job.next_run_time == wall[0] + interval
        wall[0] = START
        repair.hasten_jobs()
        assert job.next_run_time == START + interval


async def test_after_a_step_of_years_a_job_makes_up_for_one_run() -> None:
    async with tasks.scheduled([tasks.Job(mock.AsyncMock(), timedelta(minutes=1))], START) as scheduler:
        trigger = scheduler.get_jobs()[0].trigger
        at, now, runs = START.replace(second=0), START + timedelta(days=3650), 0
        while at <= now:  # as APScheduler does
            at, runs = trigger.get_next_fire_time(at, now), runs + 1
        assert runs <= 2
        on_time = START.replace(second=0) + timedelta(minutes=1)
        assert trigger.get_next_fire_time(on_time, on_time) == on_time + timedelta(minutes=1)


async def _read_times(db: Database) -> dict[str, tuple[datetime, datetime]]:
    """Return when each delivery's first part is tried next, and when the delivery expires, by key."""
    async with db.read() as connection:
        rows = await outbox.list_rows(connection)
        parts = await outbox.list_parts_by_delivery(connection, [row.id for row in rows])
    return {row.key: (parts[row.id][0].next_attempt_at, row.expires_at) for row in rows}


async def _try_in_vain(db: Database, key: str, at: datetime, next_at: datetime) -> None:
    async with db.transaction() as connection:
        [row] = [row for row in await outbox.list_rows(connection) if row.key == key]
        [part] = await outbox.list_parts(connection, row.id)
        await outbox.mark_sending(connection, [part.id], at)
        await outbox.mark_retry(
            connection, part.id, next_attempt_at=next_at, unknown_since=None, error="discord-trouble"
        )


async def test_what_a_clock_ahead_put_off_is_due_now_and_expires_in_time(
    db: Database, correct: Correct
) -> None:
    ahead, day = START + 26 * HOUR, 24 * HOUR
    seconds = timedelta(seconds=1)
    deliveries = [
        relay_harness.new_delivery("tried-ahead", 1, START),
        relay_harness.new_delivery("waits", 2, START),
        relay_harness.new_delivery("waits-for-days", 3, START),
        replace(relay_harness.new_delivery("alert-ahead", 4, ahead), kind=models.DeliveryKind.ALERT),
        relay_harness.new_delivery("post-to-come", 5, ahead),
    ]
    async with db.transaction() as connection:
        await outbox.add_all(connection, deliveries)
    await _try_in_vain(db, "tried-ahead", ahead, ahead + 30 * seconds)
    await _try_in_vain(db, "waits", START, START + 300 * seconds)
    await _try_in_vain(db, "waits-for-days", START, START + 72 * HOUR)
    assert await correct(START) == START + 6 * HOUR
    assert await _read_times(db) == {
        "tried-ahead": (START, START + day),
        "waits": (START + 300 * seconds, START + day),
        "waits-for-days": (START + HOUR, START + day),
        "alert-ahead": (START, START + day),
        "post-to-come": (ahead, ahead + day),
    }


async def test_deliveries_planned_by_a_clock_that_was_behind_live_for_their_lifetime(
    db: Database, correct: Correct
) -> None:
    behind = START - 26 * HOUR
    async with db.transaction() as connection:
        await outbox.add_all(connection, [relay_harness.new_delivery("a", 1, behind)])
    await correct(START, ClockStep(26 * HOUR, START, START, slow_by=26 * HOUR))
    assert (await _read_times(db))["a"] == (behind, START + 24 * HOUR)


async def test_what_waits_outlives_a_start_with_a_clock_that_is_behind(
    db: Database, correct: Correct
) -> None:
    behind, day = START - 30 * HOUR, 24 * HOUR
    alert = relay_harness.new_delivery("a", 1, START, kind=models.DeliveryKind.ALERT)
    async with db.transaction() as connection:
        await outbox.add_all(connection, [alert])
    await correct(behind, answered_at=START)
    await correct(START, answered_at=START)  # a start with the right clock
    _, expires_at = (await _read_times(db))["a"]
    assert abs(expires_at - START - day) < timedelta(minutes=1)


async def test_digests_keep_their_times_at_a_start_with_a_clock_that_is_behind(
    db: Database, correct: Correct
) -> None:
    text = digest_builders.newsletter(START.date(), [("2501.00001", 5)])
    await digest_builders.ingest_digest(db, text, at=START)
    await correct(START - 30 * HOUR, answered_at=START)
    async with db.read() as connection:
        assert await archive.get_last_updated_at(connection) == START
    await correct(START - 30 * HOUR)
    async with db.read() as connection:
        updated_at = await archive.get_last_updated_at(connection)
    assert updated_at is not None
    assert updated_at < START - 29 * HOUR, "without Discord's time the clock is right"


async def test_after_a_suspension_the_age_of_deliveries_counts(db: Database, correct: Correct) -> None:
    async with db.transaction() as connection:
        await outbox.add_all(connection, [relay_harness.new_delivery("a", 1, START - 26 * HOUR)])
    await correct(START, ClockStep(26 * HOUR, START, START))
    assert (await _read_times(db))["a"][1] == START - 2 * HOUR


async def test_a_source_polled_by_a_clock_ahead_is_polled_now(db: Database, correct: Correct) -> None:
    async with db.transaction() as connection:
        polled = await sources.add(
            connection, url="https://a.example/feed", kind=models.SourceKind.FEED, now=START
        )
        other = await sources.add(
            connection, url="https://b.example/feed", kind=models.SourceKind.FEED, now=START
        )
        for row, last, following in ((polled, 26, 27), (other, -1, 1)):
            last_at, next_at = START + last * HOUR, START + following * HOUR
            moved = replace(row, last_attempt_at=last_at, next_attempt_at=next_at)
            await sources.set_health(connection, moved)
    await correct(START)
    async with db.read() as connection:
        assert [row.url for row in await sources.list_rows(connection, due_at=START)] == [polled.url]


async def test_what_is_planned_while_times_are_corrected_was_not_put_off(db: Database) -> None:
    now = START
    welcome = relay_harness.new_delivery("welcome", 1, START + HOUR, kind=models.DeliveryKind.ALERT)
    container = Container(Settings(), db, lambda: now)

    class Planner(DailyPlanner):
        async def reschedule(self, at: datetime, *, ahead_since: datetime | None = None) -> int:
            nonlocal now
            now = START + HOUR
            async with db.transaction() as connection:
                return len(await outbox.add_all(connection, [welcome]))

    async with tasks.scheduled([], now) as scheduler:
        planner = Planner(db, container.deliveries, SearchService(db).match_papers)
        today_planner = container.create_today_planner(container.create_services())
        with capture_logs() as logs:
            await tasks.ClockRepair(container, planner, today_planner, scheduler).apply()
    assert [entry["event"] for entry in logs] == []
    assert (await _read_times(db))["welcome"][0] == START + HOUR


async def test_a_date_that_fell_due_while_the_clock_was_ahead_is_posted(
    db: Database, correct: Correct
) -> None:
    harness = PlannerHarness(db)
    await harness.subscribe(created_at=START - HOUR, timezone="UTC", at_time="09:00")
    await harness.store(START.date() + timedelta(days=1), ("2601.00002", 9), at=START)
    await harness.planner.tick(START + 24 * HOUR + timedelta(minutes=5))
    now = START + timedelta(minutes=20)
    await correct(now, ClockStep(-24 * HOUR, now, START))
    await harness.store(START.date(), ("2601.00001", 9), at=now)
    await harness.planner.tick(now)
    async with db.read() as connection:
        posts = await outbox.list_rows(connection)
    assert sorted(str(post.local_on) for post in posts) == ["2026-01-05", "2026-01-06"]
    await harness.planner.tick(now + 24 * HOUR)
    assert len(await harness.list_payloads()) == 2


async def _beat(
    database: Database, origin: OriginServer, path: str, well: list[bool], *, is_allowed: bool = True
) -> None:
    configured = Settings(
        heartbeat_url=SecretStr(f"{origin.url}/{path}"),
        fetch_allow=(f"127.0.0.1:{origin.port}",) if is_allowed else (),
    )
    async with tasks.open_heartbeat(Container(configured, database), lambda: well.pop(0)) as [
        (beat, interval)
    ]:
        assert interval.total_seconds() == 60
        while well:
            await beat()


async def test_the_address_is_asked_while_the_bot_is_well(sqlite_db: Database) -> None:
    async with run_origin() as origin:
        origin.pages["/up"] = "ok"
        await _beat(sqlite_db, origin, "up", [True, False, True])
        assert origin.paths == ["/up", "/up"]


async def test_a_failure_is_logged_once_and_without_the_address(sqlite_db: Database) -> None:
    async with run_origin() as origin:
        with capture_logs() as entries:
            await _beat(sqlite_db, origin, "secret-key", [True, True])
        assert origin.paths == ["/secret-key"] * 2
    assert [entry["event"] for entry in entries] == ["the heartbeat was not accepted"]
    assert "secret-key" not in repr(entries)


async def test_a_private_address_is_not_asked_unless_it_is_allowed(sqlite_db: Database) -> None:
    async with run_origin() as origin:
        origin.pages["/up"] = "ok"
        await _beat(sqlite_db, origin, "up", [True], is_allowed=False)
        assert origin.paths == []


async def test_nothing_is_asked_without_the_setting(sqlite_db: Database) -> None:
    async with tasks.open_heartbeat(Container(Settings(), sqlite_db), lambda: True) as jobs:
        assert jobs == []


async def test_what_a_clock_days_ahead_moved_comes_at_its_former_time(db: Database, correct: Correct) -> None:
    ahead, tomorrow = START + 5 * 24 * HOUR, START.date() + timedelta(days=1)
    profile = models.Profile(7, at_time="09:00", timezone="UTC", next_due_at=ahead)
    async with db.transaction() as connection:
        await accounts.upsert_reader(connection, 7, now=START, timezone="Asia/Seoul")
        await today.add(connection, profile)
        [paper_id] = (await papers.add(connection, digest_writer.unlisted_papers(["2501.00001"]))).values()
        draft = alert_builders.draft("strawberry", timing=models.AlertTiming.DAILY, at_time="09:00")
        alert = await alerts.add(connection, replace(draft, key="k", timezone="UTC"))
        name = alerts.recipient_name(alert)
        match = models.QueuedMatch(name, paper_id, alert.id, 3, ahead, ahead + 20 * HOUR)
        await alerts.add_matches(connection, [match])
        await key_values.set_value(connection, key_values.WRITTEN_ON, ahead.date().isoformat())
    await correct(START)
    async with db.read() as connection:
        moved = await today.get(connection, 7)
        [due] = await alerts.list_due_matches(connection, [name], START + 24 * HOUR)
        written_on = await key_values.get(connection, key_values.WRITTEN_ON)
    in_seoul = datetime.combine(tomorrow, time(0), UTC)
    assert moved == replace(profile, timezone="Asia/Seoul", next_due_at=in_seoul)
    assert due.due_at == datetime.combine(START.date(), time(9), UTC)
    assert written_on is None


async def test_a_digest_that_a_clock_days_ahead_or_behind_stored_is_matched_with_alerts(
    db: Database, correct: Correct
) -> None:
    week = 7 * 24 * HOUR
    for number, (days, at) in enumerate(
        [(0, START + week), (1, START), (30, START + week), (2, START - week)], 1
    ):
        text = digest_builders.newsletter(START.date() - timedelta(days=days), [(f"2601.{number:05}", 3)])
        await digest_builders.ingest_digest(db, text, at=at)
    for _ in range(2):
        await correct(START)
    async with db.read() as connection:
        pending = {row.digest_id: row.paper_ids for row in await alerts.list_pending(connection)}
        listed = {row.arxiv_id: (row.paper_id,) for row in await archive.list_papers(connection, pending)}
    assert listed.keys() == {"2601.00001", "2601.00004"}
    assert sorted(pending.values()) == sorted(listed.values())


@pytest.mark.parametrize(("days", "kept"), [(31, True), (-31, False), (None, False)])
async def test_nothing_is_removed_on_the_day_after_the_clock_jumped_days_ahead(
    days: int | None, kept: bool
) -> None:
    container, now = mock.Mock(), [START]
    container.create_retention().purge = purge = mock.AsyncMock()
    container.clock_monitor = ClockMonitor(lambda: now[0], monotonic := mock.Mock(return_value=0.0))
    now[0] += timedelta(days=days or 0)
    for monotonic.return_value in (1.0, 700.0):  # a step ahead is believed after a while
        container.clock_monitor()
    await runtime.Runtime.purge(mock.Mock(container=container))
    assert purge.await_count == (not kept)
