"""A meeting of a club on the wire: the bot is killed in each step, after Discord took it and before the answer came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app.container import Container
from bot.club.service import Clubs
from bot.core.settings import Settings
from storage import models
from tests.fake_discord import process
from tests.fake_discord.fixtures import fake, fake_server
from tests.support import digest_builders, fault_harness
from tests.support.fault_harness import FaultHarness

__all__ = ["fake", "fake_server", "harness"]
pytestmark = [pytest.mark.faults, pytest.mark.wire, pytest.mark.engines("sqlite")]


async def _unasked(method: str, path: str) -> None:
    raise AssertionError(f"{method} {path}")


NONCES_FORGOTTEN = timedelta(minutes=10)


@pytest.fixture
async def harness(
    fake: process.FakeDiscord, database_url: str, tmp_path: Path
) -> AsyncIterator[FaultHarness]:
    async with fault_harness.open_fault_harness(fake, database_url, tmp_path) as opened:
        yield opened


async def test_each_step_of_a_meeting_is_there_once_though_the_bot_is_killed_in_it(
    harness: FaultHarness,
) -> None:
    [channel_id] = await harness.fake.add_channels(1)
    day = digest_builders.newsletter(harness.now().date(), [("2601.00001", 9), ("2601.00002", 5)])
    await digest_builders.ingest_digest(harness.db, day, at=harness.now())
    meets_at = (harness.now() + timedelta(days=4)).replace(second=0, microsecond=0)
    clubs = Clubs(
        harness.db, harness.now, Container(Settings(), harness.db, harness.now).deliveries, _unasked
    )
    await clubs.set_up(
        models.Club(
            guild_id=process.GUILD_ID,
            channel_id=channel_id,
            is_forum=False,
            weekday=meets_at.isoweekday(),
            at_time=f"{meets_at:%H:%M}",
            timezone="UTC",
            locale=models.Locale.EN,
            created_by=None,
            starts_at=harness.now(),
        )
    )

    async def kill_in(path: str, is_there: Callable[[], Awaitable[bool]]) -> None:
        slow = {"kind": "slow", "method": "POST", "path": path, "stored": True, "seconds": 600.0, "times": 1}
        await harness.fake.set_faults(slow)
        bot = harness.start_bot()
        await harness.wait_until(is_there)
        bot.kill()
        bot.wait()
        await harness.fake.set_faults()
        await harness.advance_clock(NONCES_FORGOTTEN)

    async def count(channel: int) -> int:
        return len(await harness.fake.messages(channel))

    async def thread_id() -> int:
        channels = await harness.fake.run_action("list_channels")
        return next((one["id"] for one in channels if one["parent_id"] == channel_id), 0)

    async def has_poll() -> bool:
        return await count(channel_id) == 1

    async def has_card() -> bool:
        return await count(channel_id) == 2

    async def has_thread() -> bool:
        return bool(await thread_id())

    async def has_event() -> bool:
        return len(await harness.fake.run_action("list_events")) == 1

    async def has_reminder() -> bool:
        return bool(await count(await thread_id()))

    await kill_in(f"/channels/{channel_id}/messages", has_poll)
    [poll] = await harness.fake.messages(channel_id)
    assert [answer["poll_media"]["text"] for answer in poll["payload"]["poll"]["answers"]] == [
        "Paper 2601.00001",
        "Paper 2601.00002",
    ]
    bot = harness.start_bot()
    await harness.wait_until_all_sent()
    bot.kill()
    vote = {"channel_id": channel_id, "message_id": poll["id"], "votes": [1, 2]}
    await harness.fake.run_action("vote", vote)
    await harness.advance_clock(meets_at - timedelta(days=2) - harness.now() + timedelta(minutes=1))
    await kill_in(f"/channels/{channel_id}/messages", has_card)
    await kill_in("/channels/*/threads", has_thread)
    await kill_in("/guilds/*/scheduled-events", has_event)
    await harness.advance_clock(meets_at - timedelta(minutes=50) - harness.now())
    await kill_in(f"/channels/{await thread_id()}/messages", has_reminder)
    harness.start_bot()
    await harness.wait_until_all_sent()
    assert (await count(channel_id), await count(await thread_id())) == (2, 1)
    threads = [one for one in await harness.fake.run_action("list_channels") if one["parent_id"]]
    assert [thread["name"] for thread in threads] == ["Paper 2601.00002"]
    [event] = await harness.fake.run_action("list_events")
    assert event["scheduled_start_time"] == meets_at.isoformat()
    assert await harness.count_states() == {"sent": 5}
    assert "Traceback" not in harness.read_log()
