"""A wall clock that is wrong at the start or goes wrong while the bot runs: each local date is posted once, on its date."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from bot.daily.service import Subscriptions
from storage import models, outbox
from tests.support import digest_builders, fault_harness

pytestmark = [pytest.mark.faults, pytest.mark.wire]

HOUR = timedelta(hours=1)
RIGHT = timedelta(0)
DAY = timedelta(days=1)

CASES: tuple[tuple[timedelta, ...], ...] = (
    (26 * HOUR, RIGHT, -2 * HOUR, RIGHT),
    (2 * HOUR, RIGHT, 26 * HOUR, RIGHT),
    (-2 * HOUR, RIGHT, 2 * HOUR, RIGHT),
    (RIGHT, 50 * HOUR, -50 * HOUR, RIGHT),
)
"""The errors of the clock, one after the other; the first one at the start."""
SEEDS = len(CASES)

CHANNELS = 5
GLITCH_SECONDS = 75.0
SHORT_GLITCH_SECONDS = 7.0
"""Longer than the interval at which the clock is read."""
START_SECONDS = 8.0


async def _subscribe(harness: fault_harness.FaultHarness, channels: list[int], after: timedelta) -> None:
    """Set up daily posts for the first whole minute later than `after` from now."""
    due = (harness.now() + after).replace(second=0, microsecond=0) + timedelta(minutes=1)
    service = Subscriptions(harness.db, harness.now)
    for channel_id in channels:
        draft = models.Subscription(guild_id=1, channel_id=channel_id, at_time=f"{due:%H:%M}")
        assert (await service.add(draft)).next_due_at == due


async def _store(harness: fault_harness.FaultHarness, day: date) -> None:
    text = digest_builders.newsletter(day, [(f"2601.{day.toordinal() % 10_000:05}", 5)])
    await digest_builders.ingest_digest(harness.db, text, at=harness.now())


async def _posts(harness: fault_harness.FaultHarness) -> dict[int, list[str]]:
    """Return the local dates of the posts by channel, of deliveries that are in Discord."""
    dates: dict[int, list[str]] = {}
    async with harness.db.read() as connection:
        for row in await outbox.list_rows(connection):
            assert row.channel_id is not None
            if row.state.value == "sent":
                dates.setdefault(row.channel_id, []).append(str(row.local_on))
    return {channel_id: sorted(days) for channel_id, days in dates.items()}


async def _wait_for_posts(harness: fault_harness.FaultHarness, channels: list[int], days: list[str]) -> None:
    """Wait until each channel has one post of each of these dates, and assert that Discord has no more."""

    async def has_posts() -> bool:
        return await _posts(harness) == dict.fromkeys(channels, days)

    await harness.wait_until(has_posts, seconds=100)
    messages = await harness.fake.all_messages()
    assert [len(messages.get(channel_id, [])) for channel_id in channels] == [len(days)] * len(channels)


@pytest.mark.promise
async def test_each_local_date_is_posted_once_whatever_the_clock_does(
    harness: fault_harness.FaultHarness, seed: int, all_seeds: bool
) -> None:
    errors = CASES[seed]
    lasting = [GLITCH_SECONDS if error and all_seeds else SHORT_GLITCH_SECONDS for error in errors[:-1]]
    wrong_for = timedelta(seconds=sum(lasting) + START_SECONDS)
    # The posts are due some seconds after the clock is right again.
    to_due = (harness.now() + wrong_for).second
    await harness.advance_clock(timedelta(seconds=(50 - to_due) % 60))
    channels = await harness.fake.add_channels(CHANNELS)
    today = harness.now().date()
    await _subscribe(harness, channels, wrong_for)
    await _store(harness, today)
    harness.set_clock_error(errors[0])
    harness.start_bot()
    await harness.fake.wait_until_connected()
    for error, seconds in zip(errors[1:], lasting, strict=True):
        await asyncio.sleep(seconds)
        assert await _posts(harness) == {}
        harness.set_clock_error(error)
    await _wait_for_posts(harness, channels, [str(today)])
    await _store(harness, today + DAY)
    # A day passes, as in a suspension; Discord's time confirms it at once.
    await harness.advance_clock(DAY)
    await _wait_for_posts(harness, channels, [str(today), str(today + DAY)])
    assert "Traceback" not in harness.read_log()


async def test_parts_that_a_clock_ahead_put_off_are_sent_when_it_is_set_right(
    harness: fault_harness.FaultHarness,
) -> None:
    channels = await harness.fake.add_channels(CHANNELS)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 1))
    await harness.fake.set_faults({"kind": "status", "status": 503, "method": "POST", "path": "/channels/*"})
    harness.set_clock_error(50 * timedelta(minutes=1))
    harness.start_bot()

    await harness.wait_until(lambda: "part retry" in harness.read_log())
    await harness.fake.set_faults()
    harness.set_clock_error(RIGHT)
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, channels, 1)
