"""Repeated SIGKILL during a fan-out with network faults: each part arrives once, in order."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from tests.support import fault_harness

pytestmark = [pytest.mark.faults, pytest.mark.wire, pytest.mark.promise]

SEEDS = 10
KILLS = 5
"""Kills per seed: 50 in total with `--all-faults`, on each database."""

CHANNELS = 100
PARTS = 2
PAST_NONCE_WINDOW = timedelta(minutes=10)
"""Longer than Discord remembers a nonce."""

NETWORK_FAULTS = (
    {"kind": "lose", "probability": 0.05, "stored": True},
    {"kind": "lose", "probability": 0.05},
    {"kind": "status", "status": 500, "probability": 0.03},
    {"kind": "status", "status": 502, "probability": 0.03, "stored": True},
    {"kind": "status", "status": 503, "probability": 0.04},
)


async def test_every_part_arrives_once_and_in_order_despite_kills_at_random_moments(
    harness: fault_harness.FaultHarness, seed: int, all_seeds: bool
) -> None:
    rng = random.Random(seed)
    channels = await harness.fake.add_channels(CHANNELS)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), PARTS))
    await harness.fake.set_faults(*NETWORK_FAULTS, seed=seed)
    for _ in range(KILLS if all_seeds else 2):
        before = await harness.count_sent_messages()
        bot = harness.start_bot()
        await harness.wait_for_sent(before + 1)
        await asyncio.sleep(rng.uniform(0.0, 0.8))
        bot.kill()
        bot.wait()
        if rng.random() < 0.4:
            await harness.advance_clock(PAST_NONCE_WINDOW)
    harness.start_bot()

    async def are_most_sent() -> bool:
        return (await harness.count_states()).get("sent", 0) >= 0.9 * CHANNELS * PARTS

    if all_seeds:
        await harness.wait_until(are_most_sent, 180.0)  # retries come at intervals of up to 45 s
    await harness.fake.set_faults()  # the last parts would be retried at ever longer intervals
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, channels, PARTS)
