"""A day's digest that comes late: published while the bot was away, or written by a model once the list has closed."""

import json
from datetime import timedelta

import pytest
from aiohttp import web

from bot.core import day_close
from bot.features.daily.service import Subscriptions
from storage import models, sources
from tests.fake_discord import model
from tests.fake_model.server import MODEL, FakeModel
from tests.support import digest_builders, origin_server
from tests.support.fault_harness import FaultHarness

pytestmark = pytest.mark.engines("sqlite")

PAPER = "2601.00001"
HALF_AN_HOUR = timedelta(minutes=30)


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
    assert PAPER in json.dumps(message)


@pytest.mark.all_faults
async def test_writes_the_digest_of_a_closed_day_and_posts_it_that_morning(
    harness: FaultHarness, fake_model: FakeModel
) -> None:
    rule = day_close.default()
    today = rule.last_closed(harness.now() - timedelta(minutes=10)) + timedelta(days=1)
    [channel_id] = harness.fake.add_channels(1)
    settings = {
        **fake_model.environment(),
        "PAPERROUND_WRITER_LANGUAGE": "ko",
        "PAPERROUND_LOCALE": "ko",
        "PAPERROUND_FETCH_ALLOW": fake_model.url.removeprefix("http://"),
    }
    # After the close, and within a day, so that the post is not due earlier.
    due_at = min(rule.closes_at(today) + HALF_AN_HOUR, harness.now() + timedelta(days=1, minutes=-1)).replace(
        second=0
    )
    set_up = harness.folder / "set-up.toml"
    set_up.write_text(
        f'[[posts]]\nguild = "{model.GUILD_ID}"\nchannel = "{channel_id}"\ntop = 3\nat = "{due_at:%H:%M}"\ntimezone = "UTC"\n',
        encoding="utf-8",
    )
    for arguments in (("sources", "add", fake_model.url), ("config", "apply", str(set_up), "--yes")):
        command = harness.start_cli(*arguments, **settings)
        assert await harness.wait_for_end(command) == 0, harness.read_log()
    await harness.advance_clock(rule.closes_at(today) + timedelta(minutes=1) - harness.now())
    harness.start_bot(**settings)
    await harness.wait_until(lambda: "digest written" in harness.read_log(), 180)
    await harness.advance_clock(due_at + timedelta(seconds=1) - harness.now())
    [message] = await harness.fake.wait_for_messages(channel_id, harness.read_log)
    post = json.dumps(message, ensure_ascii=False)
    assert "소형 언어 모델(small language model; SLM)은" in post
    assert f"{MODEL} 모델이 논문 전문을 읽고 작성" in post
    assert {row["status"] for row in fake_model.log()} == {200}
