"""Two days without Discord, or without the bot: each paper is posted once, late or with the next post."""

import re
from datetime import timedelta

import pytest

from storage import models
from tests.fake_discord import model
from tests.support import digest_builders
from tests.support.relay_harness import RelayHarness
from tests.support.world import DAY, HOUR

pytestmark = [pytest.mark.wire, pytest.mark.promise]

CHANNELS = 40
"""More channels than there are attempts while Discord is away, so some posts are certainly unsent."""
DAYS = 4
AWAY = range(2, 50)
"""The number of hours without Discord or the bot. Posts are due every 24 hours."""


@pytest.mark.parametrize("away", ["Discord", "the bot"])
async def test_each_channel_gets_each_paper_once_after_a_two_day_outage(
    wire: RelayHarness, away: str
) -> None:
    start = wire.now
    wire.now -= HOUR
    for channel_id in wire.fake.add_channels(CHANNELS):
        await wire.subscriptions.add(
            models.Subscription(guild_id=model.GUILD_ID, channel_id=channel_id, at_time=f"{start:%H:%M}")
        )
    wire.now = start
    for hour in range(DAYS * 24):
        if away == "Discord" and hour in (AWAY.start, AWAY.stop):
            await wire.fake.set_outage(3600 if hour in AWAY else 0)
        if hour == AWAY.stop:
            wire.fake.world.nonces.clear()
            if away == "the bot":
                wire.restart()
        if away == "Discord" or hour not in AWAY:
            for number in range(hour // 24 + 1) if hour % 24 == 0 or hour == AWAY.stop else ():
                paper = (f"2601.0000{number + 1}", 5)
                text = digest_builders.newsletter((start + number * DAY).date(), [paper])
                await wire.ingest().add_text(text, location=f"{number}")
            await wire.relay.expire(wire.now)
            await wire.daily_planner.tick(wire.now)
            await wire.relay.drain(wire.now)
        wire.now += timedelta(hours=1)
    posted = {
        channel_id: sorted(re.findall(r"abs/(2601\.0000\d)", str(messages)))
        for channel_id, messages in (wire.fake.all_messages()).items()
    }
    assert len(posted) == CHANNELS
    papers = [f"2601.0000{number + 1}" for number in range(DAYS)]
    assert {channel_id: ids for channel_id, ids in posted.items() if ids != papers} == {}
