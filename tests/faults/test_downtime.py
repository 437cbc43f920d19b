"""A start after a post was due, while its source is slow to return the day's digest."""

import json
from datetime import timedelta

import pytest
from aiohttp import web

from bot.daily.service import Subscriptions
from storage import models, sources
from tests.fake_discord import model
from tests.support import digest_builders, origin_server
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.faults, pytest.mark.wire, pytest.mark.engines("sqlite")]

PAPER = "2601.00001"


async def test_reads_a_digest_published_during_downtime_before_skipping_its_post(
    harness: FaultHarness,
) -> None:
    [channel_id] = harness.fake.add_channels(1)
    due = harness.now().replace(second=0, microsecond=0) + timedelta(minutes=30)
    draft = models.Subscription(guild_id=model.GUILD_ID, channel_id=channel_id, at_time=f"{due:%H:%M}")
    await Subscriptions(harness.db, harness.now).add(draft)

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        # The first tick would have happened by then.
        await harness.wait_until(lambda: "commands synchronised" in harness.read_log())
        await harness.fake.wait_until_connected()
        return web.Response(text=digest_builders.newsletter(due.date(), [(PAPER, 5)]))

    async with origin_server.run_origin() as origin:
        origin.pages["/digest.md"] = answer
        async with harness.db.transaction() as connection:
            url = f"{origin.url}/digest.md"
            await sources.add(connection, url=url, kind=models.SourceKind.URL, now=harness.now())
        await harness.advance_clock(due + timedelta(hours=12, minutes=5) - harness.now())
        harness.start_bot(PAPERROUND_FETCH_ALLOW=f"127.0.0.1:{origin.port}")
        await harness.wait_for_sent(1)
    [message] = harness.fake.messages(channel_id)
    assert PAPER in json.dumps(message.payload)
