"""Two days without Discord, or without the bot: each paper comes once, late or with the next post."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.daily.planner import DailyPlanner
from bot.daily.service import Subscriptions
from bot.outbox.contents import DeliveryFactory
from bot.search.service import SearchService
from storage import models
from tests.fake_discord import process
from tests.support import digest_builders, rendered_posts
from tests.support.relay_harness import RelayHarness

pytestmark = [pytest.mark.wire, pytest.mark.promise]

CHANNELS = 40
"""More than there are attempts while Discord is away: of some posts it is certain that they were not sent."""
DAYS = 4
AWAY = range(2, 50)
"""The hours without Discord or the bot; the posts are due with every 24th hour."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize("away", ["Discord", "the bot"])
async def test_after_two_days_each_paper_is_posted_once_in_each_channel(
    relay_harness: RelayHarness, fake: process.FakeDiscord, away: str
) -> None:
    database, start = relay_harness.db, relay_harness.now()
    renderer = rendered_posts.new_renderer()
    planner = DailyPlanner(database, DeliveryFactory(lambda: renderer), SearchService(database).match_papers)
    service = Subscriptions(database, lambda: start - HOUR)
    for channel_id in await fake.add_channels(CHANNELS):
        await service.add(
            models.Subscription(guild_id=process.GUILD_ID, channel_id=channel_id, at_time=f"{start:%H:%M}")
        )
    relay = relay_harness.open_relay()
    for hour in range(DAYS * 24):
        if away == "Discord" and hour in (AWAY.start, AWAY.stop):
            await fake.run_action("set_outage", {"seconds": 3600 if hour in AWAY else 0})
        if hour == AWAY.stop:
            await fake.run_action("expire_nonces")
            relay = relay if away == "Discord" else relay_harness.open_relay()
        if away == "Discord" or hour not in AWAY:
            for number in range(hour // 24 + 1) if hour % 24 == 0 or hour == AWAY.stop else ():
                text = digest_builders.newsletter(
                    (start + number * DAY).date(), [(f"2601.0000{number + 1}", 5)]
                )
                await digest_builders.ingest_digest(
                    database, text, at=relay_harness.now(), location=f"{number}"
                )
            await relay.expire(relay_harness.now())
            await planner.tick(relay_harness.now())
            await relay.drain(relay_harness.now())
        relay_harness.clock_offset += HOUR
    posted = {
        channel_id: sorted(re.findall(r"abs/(2601\.0000\d)", str(messages)))
        for channel_id, messages in (await fake.all_messages()).items()
    }
    assert len(posted) == CHANNELS
    papers = [f"2601.0000{number + 1}" for number in range(DAYS)]
    assert {channel_id: ids for channel_id, ids in posted.items() if ids != papers} == {}
