"""A system clock that is wrong at startup or later: posts follow Discord's clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core import clock
from bot.daily.service import Subscriptions
from storage import models, outbox
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.faults, pytest.mark.wire]

HOUR = timedelta(hours=1)
RIGHT = timedelta(0)
DAY = timedelta(days=1)

CASES: tuple[tuple[timedelta, ...], ...] = (
    (26 * HOUR, RIGHT, -2 * HOUR),
    (-3650 * DAY, RIGHT),
    (-2 * HOUR, 3650 * DAY),
    (RIGHT, 50 * HOUR, -50 * HOUR, RIGHT),
)
"""Successive errors of the system clock. The first one applies at startup."""
SEEDS = len(CASES)

CHANNELS = 5
SECONDS_EACH = 3.0
START_SECONDS = 8.0
DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)


async def _subscribe(harness: FaultHarness, channels: list[int], after: timedelta) -> datetime:
    """Set up daily posts at the first full minute that is more than `after` away. Returns that minute."""
    due = (harness.now() + after).replace(second=0, microsecond=0) + timedelta(minutes=1)
    service = Subscriptions(harness.db, harness.now)
    for channel_id in channels:
        draft = models.Subscription(guild_id=1, channel_id=channel_id, at_time=f"{due:%H:%M}")
        await service.add(draft)
    return due


async def _posts(harness: FaultHarness) -> dict[int, list[str]]:
    """Return the local dates of sent posts, by channel."""
    dates: dict[int, list[str]] = {}
    async with harness.db.read() as connection:
        for row in await outbox.list_rows(connection):
            assert row.channel_id is not None
            if row.state.value == "sent":
                dates.setdefault(row.channel_id, []).append(str(row.local_on))
    return {channel_id: sorted(days) for channel_id, days in dates.items()}


async def _wait_for_posts(harness: FaultHarness, channels: list[int], days: list[str]) -> None:
    """Wait until each channel has one post for each date, and assert that Discord has no others."""

    async def has_posts() -> bool:
        return await _posts(harness) == dict.fromkeys(channels, days)

    await harness.wait_until(has_posts, seconds=100)
    messages = await harness.fake.all_messages()
    assert [len(messages.get(channel_id, [])) for channel_id in channels] == [len(days)] * len(channels)


def _posted_at(message: dict[str, Any]) -> datetime:
    """Return when Discord accepted a message, by Discord's clock."""
    return DISCORD_EPOCH + timedelta(milliseconds=int(message["id"]) >> 22)


@pytest.mark.promise
async def test_posts_each_date_once_and_on_time_with_a_wrong_clock(harness: FaultHarness, seed: int) -> None:
    errors = CASES[seed]
    wrong_for = timedelta(seconds=START_SECONDS + SECONDS_EACH * len(errors))
    # Posts are due a few seconds after the last change.
    to_due = (harness.now() + wrong_for).second
    await harness.advance_clock(timedelta(seconds=(50 - to_due) % 60))
    channels = await harness.fake.add_channels(CHANNELS)
    today = harness.now().date()
    due = await _subscribe(harness, channels, wrong_for)
    await harness.store_digest("2601.00001")
    harness.set_clock_error(errors[0])
    harness.start_bot()
    await harness.fake.wait_until_connected()
    for error in errors[1:]:
        await asyncio.sleep(SECONDS_EACH)
        assert await _posts(harness) == {}
        harness.set_clock_error(error)
    await _wait_for_posts(harness, channels, [str(today)])
    for [message] in (await harness.fake.all_messages()).values():
        assert due - clock.MAX_ERROR <= _posted_at(message) < due + HOUR / 2
    await harness.store_digest("2601.00002", on=today + DAY)
    await harness.advance_clock(DAY)  # as if the machine had slept
    await _wait_for_posts(harness, channels, [str(today), str(today + DAY)])
    harness.assert_no_traceback()


async def test_bot_with_only_webhooks_uses_discords_time(harness: FaultHarness) -> None:
    await harness.fan_out_by_webhooks(await harness.fake.add_channels(1))
    harness.set_clock_error(timedelta(days=5))  # according to this clock the post has expired
    harness.start_bot(DISCORD_TOKEN="")
    await harness.wait_for_sent(1)


async def test_bot_with_only_webhooks_posts_after_a_pause_that_the_machine_did_not_count(
    harness: FaultHarness,
) -> None:
    """A virtual machine is restored: its wall clock was set right, but its counter of seconds went on from the pause."""
    harness.clock_offset = 8 * HOUR
    await harness.fan_out_by_webhooks(await harness.fake.add_channels(1))
    harness.clock_offset = RIGHT
    harness.start_bot(DISCORD_TOKEN="")
    await harness.fake.wait_for_requests(2, "GET", "/webhooks", harness.read_log)  # the second is the job's
    assert await harness.count_sent_messages() == 0
    await harness.fake.run_action("move_clock", {"seconds": (8 * HOUR).total_seconds()})
    harness.set_clock_error(8 * HOUR)
    await harness.wait_for_sent(1)
