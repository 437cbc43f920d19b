"""A machine's clock that is wrong at the start or goes wrong while the bot runs: posts follow Discord's clock."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.client import message_builder, webhook
from bot.core import clock
from bot.daily.service import Subscriptions
from storage import key_values, models, outbox
from tests.support import digest_builders, fault_harness, relay_harness

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
"""The errors of the machine's clock, one after the other; the first one at the start."""
SEEDS = len(CASES)

CHANNELS = 5
SECONDS_EACH = 3.0
START_SECONDS = 8.0
DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)


async def _subscribe(harness: fault_harness.FaultHarness, channels: list[int], after: timedelta) -> datetime:
    """Set up daily posts for the first whole minute later than `after` from now, which is returned."""
    due = (harness.now() + after).replace(second=0, microsecond=0) + timedelta(minutes=1)
    service = Subscriptions(harness.db, harness.now)
    for channel_id in channels:
        draft = models.Subscription(guild_id=1, channel_id=channel_id, at_time=f"{due:%H:%M}")
        await service.add(draft)
    return due


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


def _posted_at(message: dict[str, Any]) -> datetime:
    """Return when Discord took a message, by its clock."""
    return DISCORD_EPOCH + timedelta(milliseconds=int(message["id"]) >> 22)


@pytest.mark.promise
async def test_each_date_is_posted_once_and_on_time_whatever_the_machines_clock_does(
    harness: fault_harness.FaultHarness, seed: int
) -> None:
    errors = CASES[seed]
    wrong_for = timedelta(seconds=START_SECONDS + SECONDS_EACH * len(errors))
    # The posts are due some seconds after the last change.
    to_due = (harness.now() + wrong_for).second
    await harness.advance_clock(timedelta(seconds=(50 - to_due) % 60))
    channels = await harness.fake.add_channels(CHANNELS)
    today = harness.now().date()
    due = await _subscribe(harness, channels, wrong_for)
    await _store(harness, today)
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
    await _store(harness, today + DAY)
    await harness.advance_clock(DAY)  # as while the machine sleeps
    await _wait_for_posts(harness, channels, [str(today), str(today + DAY)])
    assert "Traceback" not in harness.read_log()


async def test_webhooks_alone_post_by_discords_time_too(harness: fault_harness.FaultHarness) -> None:
    [channel] = await harness.fake.add_channels(1)
    webhook_id, token = webhook.parse_address(
        await harness.fake.add_webhook(channel, 1), harness.fake.api_url
    )
    async with harness.db.transaction() as connection:
        await key_values.set_value(connection, f"{key_values.WEBHOOK}{webhook_id}", token)
    delivery = relay_harness.new_delivery("d", webhook_id, harness.now(), guild_id=None)
    [part] = delivery.parts
    passive = replace(part, payload=json.dumps(message_builder.without_actions(json.loads(part.payload))))
    await harness.add_deliveries(replace(delivery, parts=(passive,)))
    harness.set_clock_error(timedelta(days=5))  # by which it would have expired
    harness.start_bot(DISCORD_TOKEN="")
    await harness.wait_until_all_sent()
    await harness.wait_for_sent(1)
