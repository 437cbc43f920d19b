"""SIGKILL in the middle of a fan-out, again and again, on a bad line: each part arrives once, in order."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from tests.support import fault_harness

pytestmark = [pytest.mark.faults, pytest.mark.wire]

SEEDS = 10
KILLS = 5
"""A seed: 50 kills in all with `--all-faults`, on each database."""

CHANNELS = 100
PARTS = 2
LATER = timedelta(minutes=10)

BAD_LINE = (
    {"kind": "lose", "probability": 0.05, "stored": True},
    {"kind": "lose", "probability": 0.05},
    {"kind": "status", "status": 500, "probability": 0.03},
    {"kind": "status", "status": 502, "probability": 0.03, "stored": True},
    {"kind": "status", "status": 503, "probability": 0.04},
)


async def test_killed_at_random_moments_every_part_arrives_once_and_in_order(
    town: fault_harness.Town, seed: int, everything: bool
) -> None:
    dice = random.Random(seed)
    channels = await town.fake.add_channels(CHANNELS)
    await town.plan(*fault_harness.fan_out(channels, town.now(), PARTS))
    await town.fake.set_faults(*BAD_LINE, seed=seed)
    for _ in range(KILLS if everything else 2):
        before = await town.sent_messages()

        async def began(before: int = before) -> bool:
            return await town.sent_messages() > before

        bot = town.start_bot()
        await town.until(began)
        await asyncio.sleep(dice.uniform(0.0, 0.8))
        bot.kill()
        bot.wait()
        if dice.random() < 0.4:
            await town.move_on(LATER)  # past the time in which Discord knows a nonce again
    town.start_bot()

    async def nearly_done() -> bool:
        return (await town.states()).get("sent", 0) >= 0.9 * CHANNELS * PARTS

    if everything:
        await town.until(nearly_done)
    await town.fake.set_faults()  # the last few would be tried at ever longer intervals
    await town.until_all_sent()
    await fault_harness.assert_exactly_once(town, channels, PARTS)
