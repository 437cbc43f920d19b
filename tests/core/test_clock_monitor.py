"""The monitor of the clock: which steps of the wall clock count, and that each date is posted once however it moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.clock_monitor import ClockMonitor
from bot.daily import choice, schedule
from bot.daily import planner as daily_planner
from storage import archive, models

START = datetime(2026, 1, 5, 7, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@dataclass
class SimulatedClocks:
    """The true time, a wall clock that is `offset` ahead of it, and a monotonic clock that stops in a suspension."""

    now: datetime = START
    offset: timedelta = timedelta(0)
    monotonic: float = 1000.0

    def wall(self) -> datetime:
        return self.now + self.offset

    def advance(self, duration: timedelta) -> None:
        self.now += duration
        self.monotonic += duration.total_seconds()

    def suspend(self, duration: timedelta) -> None:
        self.now += duration

    def monitor(self) -> ClockMonitor:
        return ClockMonitor(self.wall, lambda: self.monotonic)


@pytest.fixture
def clocks() -> SimulatedClocks:
    return SimulatedClocks()


@pytest.fixture
def monitor(clocks: SimulatedClocks) -> ClockMonitor:
    return clocks.monitor()


@pytest.mark.parametrize("step", [-26 * HOUR, -2 * HOUR, -3 * MINUTE, 3 * MINUTE, HOUR])
def test_a_step_back_or_a_small_step_ahead_is_accepted_at_once(
    clocks: SimulatedClocks, monitor: ClockMonitor, step: timedelta
) -> None:
    clocks.advance(MINUTE)
    clocks.offset = step
    assert monitor() == clocks.wall()
    assert [taken.by for taken in monitor.take_steps()] == [step]
    assert monitor.take_steps() == []
    clocks.advance(MINUTE)
    assert monitor() == clocks.wall()
    assert monitor.take_steps() == []


def test_the_slow_correction_of_a_clock_is_not_a_step(clocks: SimulatedClocks, monitor: ClockMonitor) -> None:
    for _ in range(100):
        clocks.advance(MINUTE)
        clocks.offset += timedelta(seconds=20)
        assert monitor() == clocks.wall()
    assert monitor.get_recent_step() is None


def test_a_step_far_ahead_and_back_leaves_the_time_as_it_was(
    clocks: SimulatedClocks, monitor: ClockMonitor
) -> None:
    clocks.offset = 26 * HOUR
    for _ in range(75):
        clocks.advance(timedelta(seconds=1))
        assert monitor() == clocks.now
        assert monitor.is_held
    held = monitor.get_recent_step()
    assert held is not None
    assert (held.is_held, held.by) == (True, 26 * HOUR)
    clocks.offset = timedelta(0)
    assert monitor() == clocks.now
    assert not monitor.is_held
    assert monitor.take_steps() == []


def test_a_step_far_ahead_counts_after_ten_minutes(clocks: SimulatedClocks, monitor: ClockMonitor) -> None:
    monitor.compare_with_discord(clocks.now)
    clocks.offset = 26 * HOUR
    for _ in range(10):
        assert monitor() == clocks.now
        monitor.compare_with_discord(clocks.now)
        clocks.advance(MINUTE)
    assert monitor() == clocks.wall()
    assert [step.by for step in monitor.take_steps()] == [26 * HOUR]
    assert monitor.get_discord_offset() == (26 * HOUR).total_seconds()
    clocks.advance(DAY)
    assert monitor.get_recent_step() is None


def test_the_ten_minutes_begin_again_when_the_clock_moves_again(
    clocks: SimulatedClocks, monitor: ClockMonitor
) -> None:
    clocks.offset = 26 * HOUR
    assert monitor() == clocks.now
    clocks.advance(9 * MINUTE)
    clocks.offset = 50 * HOUR
    assert monitor() == clocks.now
    clocks.advance(9 * MINUTE)
    assert monitor() == clocks.now


def test_after_a_suspension_the_next_answer_of_discord_confirms_the_time(
    clocks: SimulatedClocks, monitor: ClockMonitor
) -> None:
    monitor.compare_with_discord(clocks.now)
    clocks.suspend(9 * HOUR)
    assert monitor() == clocks.now - 9 * HOUR
    monitor.compare_with_discord(clocks.now)
    assert monitor() == clocks.now
    [step] = monitor.take_steps()
    assert (step.by, step.slow_by) == (9 * HOUR, timedelta(0))


def test_a_clock_that_was_behind_is_set_right_without_another_answer() -> None:
    clocks = SimulatedClocks(offset=-2 * HOUR)
    monitor = clocks.monitor()
    monitor.compare_with_discord(clocks.now)
    assert monitor() == clocks.wall()
    clocks.advance(MINUTE)
    clocks.offset = timedelta(0)
    assert monitor() == clocks.now
    [step] = monitor.take_steps()
    assert (step.by, step.slow_by) == (2 * HOUR, 2 * HOUR)


def test_a_step_back_that_is_corrected_while_discord_is_silent_was_slow(
    clocks: SimulatedClocks, monitor: ClockMonitor
) -> None:
    monitor.compare_with_discord(clocks.now)
    clocks.offset = -30 * HOUR
    monitor()
    clocks.advance(HOUR)
    clocks.offset = timedelta(0)
    assert monitor() == clocks.now
    assert [(step.by, step.slow_by) for step in monitor.take_steps()] == [
        (-30 * HOUR, timedelta(0)),
        (30 * HOUR, 30 * HOUR),
    ]


def test_a_start_with_a_clock_ahead_goes_by_discords_time() -> None:
    clocks = SimulatedClocks(offset=26 * HOUR)
    monitor = clocks.monitor()
    assert monitor() == clocks.wall()  # nothing contradicts it before the login
    monitor.compare_with_discord(clocks.now)
    assert monitor() == clocks.now
    assert monitor.is_held
    clocks.advance(75 * timedelta(seconds=1))
    clocks.offset = timedelta(0)
    assert monitor() == clocks.now
    assert not monitor.is_held


def test_only_the_first_answer_can_contradict_a_clock_that_made_no_step(
    clocks: SimulatedClocks, monitor: ClockMonitor
) -> None:
    monitor.compare_with_discord(clocks.now)
    monitor.compare_with_discord(clocks.now - 3 * HOUR)
    assert monitor() == clocks.now
    assert not monitor.is_held


class _Poster:
    """A subscription that is planned by the minute and has a new paper each time, without storage."""

    def __init__(self, monitor: ClockMonitor, zone: str, at_time: str) -> None:
        self.monitor = monitor
        self.posted: list[str] = []
        new = models.Subscription(guild_id=1, channel_id=2, at_time=at_time, timezone=zone, created_at=START)
        self.subscription = schedule.set_due(new, schedule.next_due_of(new, START))

    def check(self) -> None:
        now = self.monitor()
        if steps := self.monitor.take_steps():
            ahead_since = min(step.ahead_since for step in steps)
            if due := daily_planner.recompute_due(self.subscription, now, ahead_since):
                self.subscription = schedule.set_due(self.subscription, due)
        assert self.subscription.next_due_at is not None
        if self.subscription.next_due_at > now:
            return
        number, today = len(self.posted) + 1, schedule.local_date_of(self.subscription, now)
        list_format = models.DigestFormat.LIST
        digest = models.StoredDigest(number, "files", "", list_format, today, "en", "", 1, (), now, now)
        paper = archive.DigestPaper(number, today, number, "2601.00001", 1, 5)
        plan = choice.decide(
            self.subscription,
            choice.Calendar(now),
            choice.CandidatePool({choice.find_origin(self.subscription): [digest]}, [paper]),
            covered_ids={},
            posted_ids=(),
            planned_keys=self.posted,
        )
        if plan.post is not None:
            self.posted.append(choice.delivery_key(self.subscription.id, plan.post.local_on))
        self.subscription = plan.subscription


wrong_clocks = st.tuples(
    st.integers(0, 2 * 24 * 60),
    st.one_of(st.integers(1, 9), st.integers(10, 600)),
    st.one_of(st.integers(-60, 60), st.integers(-3 * 24 * 60, 3 * 24 * 60)),
)
"""Begin and length in minutes of a wrong clock, and the minutes by which it is wrong."""

SIMULATED_MINUTES = range(0, 6 * 24 * 60, 3)


@settings(max_examples=25, deadline=None)
@example([(0, 15, 24 * 60 + 20)], False, "UTC", 7 * 60 + 40)
@example([(0, 13, 30), (0, 28, 1428)], False, "America/Los_Angeles", 0)
@given(
    wrong=st.lists(wrong_clocks, max_size=4),
    hears_from_discord=st.booleans(),
    zone=st.sampled_from(["UTC", "Asia/Seoul", "America/Los_Angeles"]),
    minute=st.integers(0, 24 * 60 - 1),
)
def test_every_local_date_is_posted_once_whatever_the_clock_does(
    wrong: list[tuple[int, int, int]], hears_from_discord: bool, zone: str, minute: int
) -> None:
    clocks = SimulatedClocks()
    at_time = f"{minute // 60:02}:{minute % 60:02}"
    monitor = clocks.monitor()
    monitor.compare_with_discord(clocks.now)
    poster = _Poster(monitor, zone, at_time)
    first = poster.subscription.due_on
    assert first is not None
    for elapsed in SIMULATED_MINUTES:
        offsets = [offset for begin, length, offset in wrong if begin <= elapsed < begin + length]
        clocks.offset = sum(offsets) * MINUTE
        if hears_from_discord and elapsed % 7 == 0:
            monitor.compare_with_discord(clocks.now)
        poster.check()
        clocks.advance(SIMULATED_MINUTES.step * MINUTE)
    local_today = clocks.now.astimezone(ZoneInfo(zone)).date()
    due_today = schedule.wall_clock_to_utc(local_today, schedule.parse_time(at_time), ZoneInfo(zone))
    last = local_today if due_today < clocks.now - HOUR else local_today - DAY
    expected = {choice.delivery_key(0, first + number * DAY) for number in range((last - first).days + 1)}
    assert len(poster.posted) == len(set(poster.posted))
    assert expected <= set(poster.posted)
