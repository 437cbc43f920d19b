"""Bad days of Discord with the real discord.py: bans, pages instead of answers, global rate limits, silence.

With `--all-faults` the durations and numbers are those of a real bad day, and the figures are printed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Container, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from storage import daily, models, outbox
from storage.database import Database
from tests.fake_discord import process
from tests.fake_discord.model import Json
from tests.support import fault_harness, patience, relay_harness

pytestmark = [pytest.mark.faults, pytest.mark.wire]

SECONDS_UNTIL_OUT = 60.0
"""Every post is out at most this long after Discord is well."""

MAX_REQUESTS_IN_BAN = 20
"""Of hundreds that are due: four failures, what is under way by then, then single ones; aiohttp repeats a GET after a reset."""


@dataclass
class Day:
    """A relay on the wire, with its channels and their subscriptions."""

    harness: relay_harness.RelayHarness
    fake: process.FakeDiscord
    channels: list[int]

    async def run(self, seconds: float, fault: Json, *, after: int = 0) -> int:
        """Send the fan-out with a fault of all requests for `seconds` once so many messages came.

        Checks that every post came once, and returns the number of requests meanwhile.
        """
        stop = asyncio.Event()
        if not after:
            await self.fake.set_faults(fault)
        task = asyncio.create_task(self.harness.open_relay().run(stop))
        if after:
            await patience.wait_until(lambda: self._has_come(after))
            await self.fake.set_faults(fault)
        before = len(await self.fake.log())
        await asyncio.sleep(seconds)
        requests = len(await self.fake.log()) - before
        await self.fake.set_faults()
        out_after = await self._wait_until_sent(time.monotonic())
        stop.set()
        await task
        print(f"{requests} requests in {seconds:.0f} s; all out {out_after:.1f} s later")
        await self._check_once()
        return requests

    async def _has_come(self, count: int) -> bool:
        return bool((await self.fake.counts())["messages"] >= count)

    async def _wait_until_sent(self, since: float) -> float:
        while time.monotonic() - since < patience.scaled(SECONDS_UNTIL_OUT):
            async with self.harness.db.read() as connection:
                counts = await outbox.count_by_state(connection)
            if set(counts) == {models.PartState.SENT}:
                return time.monotonic() - since
            await asyncio.sleep(0.1)
        raise AssertionError(counts)

    async def _check_once(self) -> None:
        """Every post came once; nothing was paused, and no notice was sent."""
        messages = await self.fake.all_messages()
        assert {channel: len(found) for channel, found in messages.items()} == dict.fromkeys(self.channels, 1)
        async with self.harness.db.read() as connection:
            assert {row.state for row in await daily.list_rows(connection)} == {models.ActivityState.ACTIVE}
            assert len(await outbox.list_rows(connection, limit=10_000)) == len(self.channels)


@pytest.fixture
async def day(fake: process.FakeDiscord, sqlite_db: Database, all_seeds: bool) -> AsyncIterator[Day]:
    channels = await fake.add_channels(300 if all_seeds else 40)
    async with relay_harness.open_relay_harness(sqlite_db, fake, per_second=49.0) as harness:
        for channel_id in channels:
            async with sqlite_db.transaction() as connection:
                id_ = await daily.add(connection, relay_harness.new_subscription(channel_id))
            await harness.add(f"d{channel_id}", channel_id, subscription_id=id_)
        yield Day(harness, fake, channels)


BANS: dict[str, Json] = {
    **{
        f"{status} page": {"kind": "page", "status": status} for status in (403, 404, 400, 429, 401, 200, 503)
    },
    "403 without code": {"kind": "status", "status": 403, "message": "Forbidden"},
    "403 with the status": {"kind": "status", "status": 403, "message": "blocked by the WAF", "code": 403},
    "404 with a name": {"kind": "status", "status": 404, "code": "not_found"},
    "429 without Via": {"kind": "status", "status": 429, "message": "slow down"},
    "reset": {"kind": "lose"},
}


def short_or_long(values: Iterable[object], *, short: Container[object]) -> list[Any]:
    """Parameters of which those that are not in `short` run with `--all-faults` only."""
    return [
        value if value in short else pytest.param(value, marks=pytest.mark.all_faults) for value in values
    ]


@pytest.mark.parametrize("ban", short_or_long(BANS, short=("403 page",)))
async def test_a_ban_pauses_and_tells_nobody_and_sees_few_requests(
    day: Day, ban: str, all_seeds: bool
) -> None:
    assert await day.run(15.0 if all_seeds else 3.0, BANS[ban]) <= MAX_REQUESTS_IN_BAN


@pytest.mark.all_faults
@pytest.mark.parametrize("ban", ["403 page", "429 page", "reset"])
async def test_a_ban_in_the_midst_of_a_fan_out_sees_few_requests(day: Day, ban: str, all_seeds: bool) -> None:
    requests = await day.run(20.0 if all_seeds else 5.0, BANS[ban], after=len(day.channels) // 3)
    assert requests <= MAX_REQUESTS_IN_BAN


@pytest.mark.parametrize("kind", short_or_long(("page", "status"), short=("page",)))
async def test_a_limit_of_all_requests_is_waited_for_as_long_as_it_says(
    day: Day, kind: str, all_seeds: bool
) -> None:
    """Of a page, as from Cloudflare, and of Discord's own answer."""
    seconds = 70.0 if all_seeds else 3.0
    limit = {"kind": kind, "status": 429, "retry_after": seconds}
    requests = await day.run(seconds - 1.0, limit)
    assert requests <= 10, "the first ones of the fan-out, and no probe before the time is over"


async def test_a_page_at_the_start_is_waited_for(
    harness: fault_harness.FaultHarness, fake: process.FakeDiscord, all_seeds: bool
) -> None:
    """The whole bot, whose login, commands and Gateway address meet the pages too: a proxy's 401 is not a wrong token."""
    channels = await fake.add_channels(20)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 1))
    statuses = (401, 403, 429, 200) if all_seeds else (401,)
    faults: list[Json] = [{"kind": "page", "status": status} for status in statuses]
    faults.append({"kind": "status", "status": 401, "message": "log in", "code": "unauthorized"})
    for fault in faults:
        before = len(await fake.log())
        await fake.set_faults(fault)
        bot = harness.start_bot()

        async def was_asked(before: int = before) -> bool:
            return len(await fake.log()) >= before + 2

        await harness.wait_until(was_asked)
        assert bot.poll() is None
        await fake.set_faults()
        await harness.wait_until_all_sent()
        bot.terminate()
        await asyncio.to_thread(bot.wait)
    await fault_harness.assert_exactly_once(harness, channels, 1)
