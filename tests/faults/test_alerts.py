"""Repeated SIGKILL while alerts are matched, gathered, planned and sent: each recipient gets one message of all papers."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.alerts.service import Alerts
from storage import tables
from tests.support import alert_builders, digest_builders, fault_harness

pytestmark = [pytest.mark.faults, pytest.mark.wire]

SEEDS = 5
RECIPIENTS = 40
"""Channels, and as many readers."""
PAPERS = ("2601.00001", "2601.00002")
GATHERING = timedelta(minutes=4)


async def test_each_recipient_gets_one_message_despite_kills_at_random_moments(
    harness: fault_harness.FaultHarness, seed: int, all_seeds: bool
) -> None:
    rng = random.Random(seed)
    if not all_seeds:
        await harness.lift_limit_of_direct_messages()
    channels = await harness.fake.add_channels(RECIPIENTS)
    await _add_alerts(harness, channels)
    for arxiv_id in PAPERS:
        await harness.store_digest(digest_builders.newsletter(harness.now().date(), [(arxiv_id, 5)]))
    await _run_until(harness, _is_matching, rng.uniform(0.0, 0.3))
    await _run_until(harness, _is_matched)
    await harness.advance_clock(GATHERING)
    for _ in range(2):
        await _run_until(harness, _is_planning, rng.uniform(0.0, 0.3))
    harness.start_bot()
    await harness.wait_until(lambda: _is_done(harness))
    messages = await harness.fake.all_messages()
    assert len(messages) == 2 * RECIPIENTS
    for of_channel in messages.values():
        (message,) = of_channel
        assert all(f"pr:o:{arxiv_id}" in json.dumps(message) for arxiv_id in PAPERS)
    assert await harness.count_rows(tables.notified_papers) == 2 * RECIPIENTS * len(PAPERS)


async def _add_alerts(harness: fault_harness.FaultHarness, channels: Sequence[int]) -> None:
    service = Alerts(harness.db, harness.now)
    for number, channel_id in enumerate(channels, 1):
        await service.add(alert_builders.draft("care", user_id=number))
        await service.add(alert_builders.draft("care", user_id=number, channel_id=channel_id, guild_id=700))


async def _run_until(harness: fault_harness.FaultHarness, has_moved: object, seconds: float = 0.0) -> None:
    """Run a bot until it has made progress, and for `seconds` more; then kill it."""
    assert callable(has_moved)
    before = await harness.count_rows(tables.alert_matches), await harness.count_rows(tables.deliveries)
    bot = harness.start_bot()
    await harness.wait_until(lambda: has_moved(harness, *before))
    await asyncio.sleep(seconds)
    bot.kill()
    bot.wait()


async def _is_matching(harness: fault_harness.FaultHarness, matches: int, _: int) -> bool:
    return await harness.count_rows(tables.alert_matches) > matches or await _is_matched(harness)


async def _is_matched(harness: fault_harness.FaultHarness, *_: int) -> bool:
    return await harness.count_rows(tables.pending_alerts) == 0


async def _is_planning(harness: fault_harness.FaultHarness, _: int, deliveries: int) -> bool:
    return await harness.count_rows(tables.deliveries) > deliveries or await _is_done(harness)


async def _is_done(harness: fault_harness.FaultHarness) -> bool:
    waiting = await harness.count_rows(tables.alert_matches) + await harness.count_rows(tables.pending_alerts)
    return not waiting and set(await harness.count_states()) == {"sent"}
