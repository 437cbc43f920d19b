"""A system clock that is wrong at startup or later: posts follow Discord's clock."""

from datetime import date, datetime, timedelta

import pytest

from bot.features.daily.service import Subscriptions
from storage import models, outbox
from tests.support.fault_harness import FaultHarness, mostly_on_postgresql

pytestmark = mostly_on_postgresql

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
RIGHT = timedelta(0)

CASES: tuple[tuple[timedelta, ...], ...] = (
    (26 * HOUR, RIGHT, -2 * HOUR),
    (-3650 * DAY, RIGHT),
    (-2 * HOUR, 3650 * DAY),
    (RIGHT, 50 * HOUR, -50 * HOUR, RIGHT),
)
"""Successive errors of the system clock. The first one applies at startup."""
STEP = timedelta(minutes=10)
"""The time from post to post: less than each error, more than the slowest machine takes to send one."""


async def _subscribe(harness: FaultHarness, channels: list[int]) -> list[datetime]:
    """Set up a daily post in each channel, each a STEP after the one before. Returns when they are due."""
    first = (harness.now() + STEP).replace(second=0, microsecond=0)
    dues = [first + number * STEP for number in range(len(channels))]
    service = Subscriptions(harness.db, harness.now)
    for channel_id, due in zip(channels, dues, strict=True):
        draft = models.Subscription(guild_id=1, channel_id=channel_id, at_time=f"{due:%H:%M}")
        await service.add(draft)
    return dues


async def _wait_for_posts(harness: FaultHarness, dates: dict[int, list[date]]) -> None:
    """Wait until each channel has one post for each of its dates, and assert that Discord has no others.

    After a minute the owner gets a direct message that the machine's clock is wrong (docs/operating.md).
    """

    async def have_posts() -> bool:
        sent = await harness.db.fetch(outbox.list_rows, state=models.DeliveryState.SENT)
        rows = [row for row in sent if row.kind is not models.DeliveryKind.NOTICE]
        assert {row.channel_id for row in rows} <= dates.keys(), "a post came before its time"
        return sorted((row.channel_id, row.local_on) for row in rows) == [
            (channel_id, on) for channel_id, days in dates.items() for on in days
        ]

    await harness.wait_until(have_posts, seconds=100)
    world, messages = harness.fake.world, harness.fake.all_messages()
    posts = {id_: len(found) for id_, found in messages.items() if world.get_channel(id_).guild_id}
    assert posts == {channel_id: len(days) for channel_id, days in dates.items()}


@pytest.mark.promise
@pytest.mark.parametrize("errors", CASES)
@pytest.mark.all_faults
async def test_posts_each_date_once_and_on_time_with_a_wrong_clock(
    harness: FaultHarness, errors: tuple[timedelta, ...]
) -> None:
    channels = harness.fake.add_channels(len(errors))
    dues = await _subscribe(harness, channels)
    await harness.store_digest("2601.00001", on=dues[0].date())
    harness.set_clock_error(errors[0])
    harness.start_bot()
    await harness.fake.wait_until_connected()
    dates: dict[int, list[date]] = {}
    for channel_id, due, error in zip(channels, dues, errors, strict=True):
        harness.set_clock_error(error)
        await _wait_for_posts(harness, dates)
        await harness.advance_clock(due + SECOND - harness.now())
        dates[channel_id] = [due.date()]
        await _wait_for_posts(harness, dates)
    await harness.store_digest("2601.00002", on=dues[0].date() + DAY)
    await harness.advance_clock(DAY)  # as if the machine had slept
    await _wait_for_posts(harness, {id_: [on, on + DAY] for id_, [on] in dates.items()})
    harness.assert_no_traceback()


async def test_bot_with_only_webhooks_uses_discords_time(harness: FaultHarness) -> None:
    await harness.fan_out_by_webhooks(harness.fake.add_channels(1))
    harness.set_clock_error(timedelta(days=5))  # according to this clock the post has expired
    harness.start_bot(DISCORD_TOKEN="", PAPERROUND_LOG="json:debug")
    await harness.wait_for_sent(1)
    assert "posting only through webhooks" in harness.read_log()
    assert "token-of_webhook" not in harness.read_log()


async def test_bot_with_only_webhooks_posts_after_a_pause_that_the_machine_did_not_count(
    harness: FaultHarness,
) -> None:
    """A virtual machine is restored: its wall clock was set right, but its counter of seconds went on from the pause."""
    harness.clock_offset = 8 * HOUR
    await harness.fan_out_by_webhooks(harness.fake.add_channels(1))
    harness.clock_offset = RIGHT
    harness.start_bot(DISCORD_TOKEN="")
    await harness.fake.wait_for_requests(2, "GET", "/gateway", harness.read_log)  # the second is the job's
    assert harness.fake.count_messages() == 0
    harness.fake.world.advance_clock((8 * HOUR).total_seconds())
    harness.set_clock_error(8 * HOUR)
    await harness.wait_for_sent(1)
