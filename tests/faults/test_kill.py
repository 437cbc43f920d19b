"""Repeated SIGKILL during a fan-out with network faults: the bot and its webhooks lose and repeat no part."""

import asyncio
import random
from collections import Counter
from datetime import timedelta

import pytest

from bot.outbox import relay
from storage import models, outbox
from tests.support import seeds
from tests.support.fault_harness import FaultHarness
from tests.support.relay_harness import message_texts

pytestmark = pytest.mark.promise

KILLS, PLAYS = 3, 17
"""Kills in a play, and plays with `--all-faults` on each database: about 50 kills."""
PARTS = 2
PAST_NONCE_WINDOW = timedelta(minutes=10)
"""Longer than Discord remembers a nonce."""

LOST = {"kind": "lose", "probability": 0.05}


@pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
@pytest.mark.parametrize("seed", seeds.few(1, PLAYS))
async def test_every_part_arrives_once_and_in_order_despite_kills(harness: FaultHarness, seed: int) -> None:
    rng = random.Random(seed)
    channels = harness.fake.add_channels(100)
    await harness.fan_out(channels, PARTS)
    harness.fake.set_faults(
        LOST | {"stored": True},
        LOST,
        {"kind": "status", "status": 500, "probability": 0.03},
        {"kind": "status", "status": 502, "probability": 0.03, "stored": True},
        {"kind": "status", "status": 503, "probability": 0.04},
        seed=seed,
    )
    for _ in range(KILLS):
        before = harness.fake.count_messages()
        bot = harness.start_bot()
        await harness.wait_for_sent(before + 1)
        await asyncio.sleep(rng.uniform(0.0, 0.8))
        await harness.kill(bot)
        if rng.random() < 0.4:
            await harness.advance_clock(PAST_NONCE_WINDOW)
    harness.start_bot()
    harness.fake.set_faults()  # the last parts would be retried at longer and longer intervals
    await harness.wait_until_all_sent()
    await harness.assert_sent_once(channels, PARTS)


@pytest.mark.engines("sqlite")
@pytest.mark.all_faults
@pytest.mark.parametrize("seed", seeds.plays(PLAYS))
async def test_kills_repeat_no_webhook_post_and_leave_few_uncertain(harness: FaultHarness, seed: int) -> None:
    rng = random.Random(seed)
    channels = harness.fake.add_channels(40)
    await harness.fan_out_by_webhooks(channels, PARTS)
    harness.fake.set_faults(
        LOST | {"stored": True},
        LOST,
        {"kind": "status", "status": 502, "probability": 0.03, "stored": True},
        {"kind": "page", "status": 503, "probability": 0.05},
        seed=seed,
    )
    stored: dict[str, list[models.Part]] = {}

    async def is_settled() -> bool:
        async with harness.db.read() as connection:
            rows = await outbox.list_rows(connection)
            stored.update([(row.key, await outbox.list_parts(connection, row.id)) for row in rows])
        return {row.state.value for row in rows} <= {"sent", "stopped"}

    for _ in range(KILLS):
        before = harness.fake.count_messages()
        bot = harness.start_bot(DISCORD_TOKEN="")

        async def has_progressed(before: int = before) -> bool:
            return harness.fake.count_messages() > before or await is_settled()

        await harness.wait_until(has_progressed)
        await asyncio.sleep(rng.uniform(0.0, 0.8))
        await harness.kill(bot)
        # Only the parts in flight are uncertain after a kill.
        assert (await harness.count_states()).get("sending", 0) <= relay.MAX_WEBHOOKS
    harness.fake.set_faults()
    harness.start_bot(DISCORD_TOKEN="")
    await harness.wait_until(is_settled, 90.0)
    messages = harness.fake.all_messages()
    counts = Counter(text for found in messages.values() for text in message_texts(found))
    assert set(counts.values()) == {1}
    for key, parts in stored.items():
        for part in parts:
            # Parts behind an uncertain one wait for a person.
            if part.state is models.PartState.SENT or part.first_attempt_at is None:
                assert counts[f"{key} {part.position}"] == (part.state is models.PartState.SENT), part
    assert any(part.state is models.PartState.SENT for parts in stored.values() for part in parts)
