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
PAST_NONCE_WINDOW = timedelta(minutes=10)

NETWORK_FAULTS = (
    {"kind": "lose", "probability": 0.05, "stored": True},
    {"kind": "lose", "probability": 0.05},
    {"kind": "status", "status": 500, "probability": 0.03},
    {"kind": "status", "status": 502, "probability": 0.03, "stored": True},
    {"kind": "status", "status": 503, "probability": 0.04},
)


async def test_killed_at_random_moments_every_part_arrives_once_and_in_order(
    harness: fault_harness.FaultHarness, seed: int, all_seeds: bool
) -> None:
    dice = random.Random(seed)
    channels = await harness.fake.add_channels(CHANNELS)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), PARTS))
    await harness.fake.set_faults(*NETWORK_FAULTS, seed=seed)
    for _ in range(KILLS if all_seeds else 2):
        before = await harness.count_sent_messages()

        async def began(before: int = before) -> bool:
            return await harness.count_sent_messages() > before

        bot = harness.start_bot()
        await harness.wait_until(began)
        await asyncio.sleep(dice.uniform(0.0, 0.8))
        bot.kill()
        bot.wait()
        if dice.random() < 0.4:
            await harness.advance_clock(
                PAST_NONCE_WINDOW
            )  # past the time in which Discord knows a nonce again
    harness.start_bot()

    async def nearly_done() -> bool:
        return (await harness.count_states()).get("sent", 0) >= 0.9 * CHANNELS * PARTS

    if all_seeds:
        await harness.wait_until(nearly_done)
    await harness.fake.set_faults()  # the last few would be tried at ever longer intervals
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, channels, PARTS)
