"""Bad days of Discord with the real discord.py: bans, pages instead of answers, global rate limits, silence, late answers.

With `--all-faults` the durations and numbers are those of a real bad day, and the figures are printed.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Container, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from storage import daily, models, outbox
from storage.database import Database
from tests.fake_discord import process
from tests.support import fault_harness, fault_proxy, patience, relay_harness
from tests.support.fault_proxy import FaultProxy, Reply

pytestmark = [pytest.mark.faults, pytest.mark.wire]

SECONDS_UNTIL_OUT = 60.0
"""Every post is out at most this long after Discord is well."""

MAX_REQUESTS_IN_BAN = 20
"""Of hundreds that are due: four failures, what is under way by then, then single ones; aiohttp repeats a GET after a reset."""


@dataclass
class Day:
    """A relay behind a fault proxy, with its channels and their subscriptions."""

    harness: relay_harness.RelayHarness
    proxy: FaultProxy
    fake: process.FakeDiscord
    channels: list[int]

    async def run(self, seconds: float, begin: Callable[[], None]) -> None:
        """Send the fan-out with a bad time of `seconds` that `begin` starts, and check that every post came once."""
        stop = asyncio.Event()
        started_at = time.monotonic()
        begin()
        task = asyncio.create_task(self.harness.open_relay().run(stop))
        await asyncio.sleep(seconds)
        ended_at = time.monotonic()
        self.proxy.rule = lambda *_: fault_proxy.PASS
        bad = [request for request in self.proxy.requests if started_at <= request.at < ended_at]
        self.requests_in_ban = sum(not request.is_passed for request in bad)
        out_after = await self._wait_until_sent(ended_at)
        stop.set()
        await task
        print(f"{self.requests_in_ban} requests in {seconds:.0f} s; all out {out_after:.1f} s later")
        await self.check_once()

    async def _wait_until_sent(self, since: float) -> float:
        while time.monotonic() - since < patience.scaled(SECONDS_UNTIL_OUT):
            async with self.harness.db.read() as connection:
                counts = await outbox.count_by_state(connection)
            if set(counts) == {models.PartState.SENT}:
                return time.monotonic() - since
            await asyncio.sleep(0.1)
        raise AssertionError(f"{counts} {self.proxy.counts()}")

    async def check_once(self) -> None:
        """Every post came once; nothing was paused, and no notice was sent."""
        messages = await self.fake.all_messages()
        assert {channel: len(messages.get(channel, [])) for channel in self.channels} == dict.fromkeys(
            self.channels, 1
        )
        assert len(messages) == len(self.channels), "no notices"
        async with self.harness.db.read() as connection:
            assert {row.state for row in await daily.list_rows(connection)} == {models.ActivityState.ACTIVE}
            assert len(await outbox.list_rows(connection, limit=10_000)) == len(self.channels)


@pytest.fixture
def channel_count(all_seeds: bool) -> int:
    return 300 if all_seeds else 40


@pytest.fixture
async def day(fake: process.FakeDiscord, sqlite_db: Database, channel_count: int) -> AsyncIterator[Day]:
    channels = await fake.add_channels(channel_count)
    async with (
        fault_proxy.open_fault_proxy(fake.api_url) as proxy,
        relay_harness.open_relay_harness(sqlite_db, fake, api_url=proxy.api_url, per_second=49.0) as harness,
    ):
        async with sqlite_db.transaction() as connection:
            ids = [
                await daily.add(connection, relay_harness.new_subscription(channel_id))
                for channel_id in channels
            ]
        await harness.add_deliveries(
            *(
                relay_harness.new_delivery(
                    f"d{channel_id}", channel_id, harness.now(), subscription_id=subscription_id
                )
                for channel_id, subscription_id in zip(channels, ids, strict=True)
            )
        )
        yield Day(harness, proxy, fake, channels)


BANS = {
    "403 page": fault_proxy.page(403),
    "404 page": fault_proxy.page(404),
    "400 page": fault_proxy.page(400),
    "429 page": fault_proxy.page(429),
    "401 page": fault_proxy.page(401),
    "200 page": fault_proxy.page(200),
    "403 without code": fault_proxy.discord_json(403, {"message": "Forbidden", "code": 0}),
    "403 with the status": fault_proxy.discord_json(403, {"message": "blocked by the WAF", "code": 403}),
    "404 with a name": fault_proxy.discord_json(404, {"code": "not_found", "errors": ["no route"]}),
    "400 with a name": fault_proxy.discord_json(400, {"code": "bad"}),
    "429 without Via": Reply(429, '{"message": "slow down"}', {"Content-Type": "application/json"}),
    "503": fault_proxy.page(503),
    "502": fault_proxy.page(502),
    "reset": fault_proxy.RESET,
}


def short_or_long(values: Iterable[object], *, short: Container[object]) -> list[Any]:
    """Parameters of which those that are not in `short` run with `--all-faults` only."""
    return [
        value if value in short else pytest.param(value, marks=pytest.mark.all_faults) for value in values
    ]


@pytest.mark.parametrize("ban", short_or_long(BANS, short=("403 page", "429 page", "404 with a name")))
async def test_a_ban_pauses_and_tells_nobody_and_sees_few_requests(
    day: Day, ban: str, all_seeds: bool
) -> None:
    await day.run(15.0 if all_seeds else 3.0, lambda: day.proxy.answer_all(BANS[ban]))
    assert day.requests_in_ban <= MAX_REQUESTS_IN_BAN


@pytest.mark.parametrize("ban", short_or_long(("403 page", "429 page", "reset"), short=("403 page",)))
async def test_a_ban_in_the_midst_of_a_fan_out_sees_few_requests(day: Day, ban: str, all_seeds: bool) -> None:
    passed = itertools.count()

    def rule(method: str, path: str) -> Reply:
        return fault_proxy.PASS if next(passed) < len(day.channels) // 3 else BANS[ban]

    def begin() -> None:
        day.proxy.rule = rule

    await day.run(20.0 if all_seeds else 5.0, begin)
    assert day.requests_in_ban <= MAX_REQUESTS_IN_BAN


@pytest.mark.parametrize("seconds", short_or_long((25.0, 70.0), short=(25.0,)))
async def test_a_global_rate_limit_longer_than_an_attempt_silences_nobody(
    day: Day, seconds: float, all_seeds: bool
) -> None:
    if not all_seeds:
        seconds /= 10.0
    ends_at = time.monotonic() + seconds

    def rule(method: str, path: str) -> Reply:
        left = ends_at - time.monotonic()
        return fault_proxy.rate_limit(left) if left > 0 else fault_proxy.PASS

    def begin() -> None:
        day.proxy.rule = rule

    await day.run(seconds, begin)
    assert day.requests_in_ban <= MAX_REQUESTS_IN_BAN


@pytest.mark.parametrize("channel_count", short_or_long((40, 600), short=(40,)))
async def test_a_retry_after_is_honoured_in_both_spellings(day: Day, all_seeds: bool) -> None:
    seconds = 15 if all_seeds else 3

    def rule(method: str, path: str) -> Reply:
        if len(day.proxy.requests) % 2:
            return fault_proxy.page(429, Retry_After=str(seconds))
        date = datetime.now(UTC) + timedelta(seconds=seconds)
        return fault_proxy.page(429, Retry_After=format_datetime(date, usegmt=True))

    def begin() -> None:
        day.proxy.rule = rule

    await day.run(seconds - 1.0, begin)
    assert day.requests_in_ban <= 4, "the first ones of the fan-out, and no probe before the time is over"


async def test_a_page_at_the_start_is_waited_for(
    harness: fault_harness.FaultHarness, fake: process.FakeDiscord, all_seeds: bool
) -> None:
    """The whole bot, whose login, commands and Gateway address meet the pages too: a proxy's 401 is not a wrong token."""
    channels = await fake.add_channels(20)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 1))
    pages = [fault_proxy.page(status) for status in ((401, 403, 429, 200) if all_seeds else (401,))]
    for reply in (*pages, fault_proxy.discord_json(401, {"message": "log in", "code": "unauthorized"})):
        async with fault_proxy.open_fault_proxy(fake.api_url) as proxy:
            harness.api_url = proxy.api_url
            proxy.answer_all(reply)
            bot = harness.start_bot()

            async def was_asked(proxy: FaultProxy = proxy) -> bool:
                return len(proxy.requests) >= 2

            await harness.wait_until(was_asked)
            assert bot.poll() is None
            proxy.rule = lambda *_: fault_proxy.PASS
            await harness.wait_until_all_sent()
            bot.terminate()
            await asyncio.to_thread(bot.wait)
    await fault_harness.assert_exactly_once(harness, channels, 1)
