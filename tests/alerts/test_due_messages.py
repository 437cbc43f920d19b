"""When a match is sent: gathered, daily, weekly, once it has the votes; on both engines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.alerts import planner
from bot.operations import retention
from storage import models, papers
from storage.database import Database
from tests.support import alert_builders
from tests.support.alert_harness import MONDAY, NOW, AlertHarness

MINUTE = timedelta(minutes=1)


async def test_what_matches_within_three_minutes_is_in_one_message(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), location="a")
    assert await alert_harness.plan(2 * MINUTE) == 0
    await alert_harness.store_digest(MONDAY, ("2601.00002", 9), location="b")
    assert await alert_harness.plan(MINUTE) == 1
    await alert_harness.add_digest(MONDAY, ("2601.00003", 7), location="c")
    assert alert_harness.notified_papers() == [["2601.00002", "2601.00001"], ["2601.00003"]]


@pytest.mark.parametrize(
    ("alert", "now", "expected"),
    [
        # 2026-03-29: 02:00 becomes 03:00 in Berlin, so 02:30 is at 03:00, 01:00 UTC.
        ({"at_time": "02:30"}, "2026-03-29T01:00", "2026-03-29T01:00"),
        ({"at_time": "02:30"}, "2026-03-29T00:59", "2026-03-28T01:30"),
        # 2026-10-25: 03:00 becomes 02:00 again; 02:30 is the first one, 00:30 UTC.
        ({"at_time": "02:30"}, "2026-10-26T01:29", "2026-10-25T00:30"),
        ({"timing": models.AlertTiming.WEEKLY, "weekday": 7}, "2026-11-01T08:00", "2026-11-01T08:00"),
        ({"timing": models.AlertTiming.WEEKLY, "weekday": 7}, "2026-11-01T07:59", "2026-10-25T08:00"),
        ({"timezone": "Mars/Olympus"}, "2026-01-05T08:00", "2026-01-04T09:00"),
        ({"timing": models.AlertTiming.AT_ONCE}, "2026-01-05T08:00", "2026-01-05T07:57"),
    ],
)
def test_an_alert_was_last_due_at_its_hour_also_on_a_day_that_skips_or_repeats_it(
    alert: dict[str, Any], now: str, expected: str
) -> None:
    fields: dict[str, Any] = {"timing": models.AlertTiming.DAILY, "timezone": "Europe/Berlin"} | alert
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert (
        f"{planner.last_slot(alert_builders.draft('care', **fields).schedule, at):%Y-%m-%dT%H:%M}" == expected
    )


async def test_a_daily_alert_gathers_until_its_hour_and_a_changed_one_follows_its_new_hour(
    alert_harness: AlertHarness,
) -> None:
    daily: dict[str, Any] = {"timing": models.AlertTiming.DAILY, "at_time": "12:30", "timezone": "Asia/Seoul"}
    ids = [await alert_harness.add_alert("care", user_id=user_id, **daily) for user_id in (1, 2)]
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), location="a")  # 12:00 in Seoul
    await alert_harness.add_digest(MONDAY, ("2601.00002", 9), location="b")
    later = alert_builders.draft("care", **daily | {"at_time": "13:30"})
    await alert_harness.alerts.change(ids[1], later, user_id=2)
    assert await alert_harness.plan(timedelta(minutes=23)) == 0
    assert await alert_harness.plan(MINUTE) == 1
    assert await alert_harness.plan(timedelta(hours=1)) == 1
    assert await alert_harness.list_recipients() == [1, 2]
    assert alert_harness.notified_papers() == [["2601.00002", "2601.00001"]] * 2


async def test_a_paper_that_gets_the_votes_later_is_told_once(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care", min_votes=50)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 12), ("2601.00002", 50))
    await alert_harness.add_digest(MONDAY, ("2601.00001", 53), location="another source")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 90), location="a third")
    assert alert_harness.notified_papers() == [["2601.00002"], ["2601.00001"]]


async def test_what_got_the_votes_in_time_is_kept_until_its_hour(alert_harness: AlertHarness) -> None:
    weekly: dict[str, Any] = {"timing": models.AlertTiming.WEEKLY, "weekday": 1, "at_time": "09:00"}
    await alert_harness.add_alert("care", min_votes=50, **weekly)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 12))
    alert_harness.now += timedelta(days=29)
    await _read_votes(alert_harness.database, 1, 60)
    assert await alert_harness.plan(timedelta(days=6)) == 0
    await retention.Retention(alert_harness.database, lambda: alert_harness.now, days=90).purge()
    assert await alert_harness.plan(timedelta(days=1)) == 1


async def test_an_alert_that_asks_for_more_votes_now_lets_its_matches_wait(
    alert_harness: AlertHarness,
) -> None:
    alert_id = await alert_harness.add_alert("care")
    await alert_harness.store_digest(MONDAY, ("2601.00001", 12), ("2601.00002", 70))
    await alert_harness.planner.drain()
    await alert_harness.alerts.change(alert_id, alert_builders.draft("care", min_votes=60), user_id=7)
    await alert_harness.plan()
    assert alert_harness.notified_papers() == [["2601.00002"]]
    await _read_votes(alert_harness.database, 1, 60)
    await alert_harness.plan()
    assert alert_harness.notified_papers()[1:] == [["2601.00001"]]


async def test_a_paused_alert_sends_nothing_and_a_removed_or_changed_one_no_old_match(
    alert_harness: AlertHarness,
) -> None:
    paused, removed, changed = [
        await alert_harness.add_alert("care", user_id=user_id) for user_id in (1, 2, 3)
    ]
    await alert_harness.store_digest(MONDAY, ("2601.00001", 12))
    await alert_harness.planner.drain()
    await alert_harness.alerts.pause(paused)
    await alert_harness.alerts.remove(removed)
    await alert_harness.alerts.change(changed, alert_builders.draft("something else"), user_id=3)
    assert await alert_harness.plan() == 0
    # What was found before the pause comes after it.
    await alert_harness.alerts.resume(paused)
    assert await alert_harness.plan() == 1
    assert await alert_harness.list_recipients() == [1]


async def test_the_papers_of_a_refused_message_that_expires_come_with_what_is_new(
    alert_harness: AlertHarness,
) -> None:
    alert_id = await alert_harness.add_alert("care")
    for number in range(1, 5):
        today = alert_harness.now.date()
        await alert_harness.add_digest(today, (f"2601.0000{number}", 12))
        await alert_harness.refuse_messages()
        alert_harness.now += timedelta(days=2)
        await alert_harness.expire(alert_harness.now)
    assert not (await alert_harness.alerts.list_rows())[0].paused
    assert await alert_harness.plan() == 1
    assert alert_harness.notified_papers()[-1] == [f"2601.0000{number}" for number in range(1, 5)]
    await alert_harness.alerts.remove(alert_id)


async def _read_votes(database: Database, number: int, count: int | None, hours: int = 0) -> None:
    """Store what a service says of a paper's votes, at a time of its own."""
    at = NOW + timedelta(hours=hours)
    fact = models.PaperFacts(f"2601.{number:05}", "huggingface", "", at, votes=count)
    async with database.transaction() as connection:
        await papers.add_votes(connection, [(number, fact)])


READINGS = st.lists(
    st.lists(st.tuples(st.integers(-5, 5), st.none() | st.integers(0, 100)), max_size=3), max_size=4
)


async def test_any_sequence_of_readings_tells_of_a_paper_at_most_once(alert_harness: AlertHarness) -> None:
    """Readings come in groups, out of order, and jump, fall and repeat; several alerts ask for votes."""
    lines = (0, 50, 80)
    for user_id, line in enumerate(lines, 1):
        await alert_harness.add_alert("care", user_id=user_id, min_votes=line)
        await alert_harness.add_alert("better", user_id=user_id, min_votes=line)
    papers = iter(range(1, 1000))
    loop = asyncio.get_running_loop()

    async def check(first: int | None, groups: list[list[tuple[int, int | None]]]) -> None:
        number = next(papers)
        notified_before = len(alert_harness.renderer.alerts)
        await alert_harness.add_digest(MONDAY, (f"2601.{number:05}", first), location=f"digest {number}")
        highest = -1 if first is None else first
        for group in groups:
            for hours, count in group:
                await _read_votes(alert_harness.database, number, count, hours)
                highest = max(highest, -1 if count is None else count)
            await alert_harness.plan()
            told = alert_harness.notified_papers()[notified_before:]
            expected = sum(line == 0 or highest >= line for line in lines)
            assert told == [[f"2601.{number:05}"]] * expected

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @example(first=None, groups=[[(1, 50), (1, 0)]])
    @given(first=st.none() | st.integers(0, 100), groups=READINGS)
    def run(first: int | None, groups: list[list[tuple[int, int | None]]]) -> None:
        asyncio.run_coroutine_threadsafe(check(first, groups), loop).result()

    await asyncio.to_thread(run)


async def test_an_alert_with_a_word_of_another_one_is_not_bound_by_its_silence(
    alert_harness: AlertHarness,
) -> None:
    await alert_harness.add_alert("care", silent=True)
    await alert_harness.alerts.add(alert_builders.draft("care", "zeta"))
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    (post,) = alert_harness.renderer.alerts
    assert not post.silent
