"""`paperround run` with the fake model: once a day's list closes, its digest is written and posted."""

import json
from datetime import timedelta

import pytest

from bot.core import day_close
from tests.fake_discord import model
from tests.fake_model.server import MODEL, FakeModel
from tests.support.fault_harness import FaultHarness

HALF_AN_HOUR = timedelta(minutes=30)

pytestmark = [pytest.mark.faults, pytest.mark.wire, pytest.mark.engines("sqlite")]


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
    post = json.dumps(message.payload, ensure_ascii=False)
    assert "소형 언어 모델(small language model; SLM)은" in post
    assert f"{MODEL} 모델이 논문 전문을 읽고 작성" in post
    assert {row["status"] for row in fake_model.log()} == {200}
