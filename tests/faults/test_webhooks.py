"""Repeated SIGKILL while webhooks post: no part arrives twice, and each that did not arrive is known not to or is uncertain."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import replace

import pytest

from bot.client import webhook
from bot.client.message_builder import without_actions
from bot.outbox import relay
from storage import key_values, models, outbox
from tests.support import fault_harness, relay_harness

pytestmark = [pytest.mark.faults, pytest.mark.wire]

SEEDS = 10
KILLS = 5
WEBHOOKS = 40
PARTS = 2

NETWORK_FAULTS = (
    {"kind": "lose", "probability": 0.03, "stored": True},
    {"kind": "lose", "probability": 0.03},
    {"kind": "status", "status": 502, "probability": 0.03, "stored": True},
    {"kind": "page", "status": 503, "probability": 0.05},
)


async def test_kills_lose_nothing_silently_and_double_nothing(
    harness: fault_harness.FaultHarness, seed: int, all_seeds: bool
) -> None:
    rng = random.Random(seed)
    channels = await harness.fake.add_channels(WEBHOOKS)
    planned, tokens = [], {}
    for number, channel_id in enumerate(channels, 1):
        address = await harness.fake.add_webhook(channel_id, number)
        webhook_id, token = webhook.parse_address(address, harness.fake.api_url)
        tokens[f"{key_values.WEBHOOK}{webhook_id}"] = token
        delivery = relay_harness.new_delivery(
            f"d{channel_id}", webhook_id, harness.now(), parts=PARTS, guild_id=None
        )
        passive = tuple(
            replace(part, payload=json.dumps(without_actions(json.loads(part.payload))))
            for part in delivery.parts
        )
        planned.append(replace(delivery, parts=passive))
    async with harness.db.transaction() as connection:
        await key_values.set_values(connection, tokens)
    await harness.add_deliveries(*planned)
    await harness.fake.set_faults(*NETWORK_FAULTS, seed=seed)
    stored: dict[str, list[models.Part]] = {}

    async def is_settled() -> bool:
        async with harness.db.read() as connection:
            rows = await outbox.list_rows(connection)
            stored.update([(row.key, await outbox.list_parts(connection, row.id)) for row in rows])
        return {row.state.value for row in rows} <= {"sent", "stopped"}

    for _ in range(KILLS if all_seeds else 2):
        before = await harness.count_sent_messages()
        bot = harness.start_bot(DISCORD_TOKEN="")

        async def has_gone_on(before: int = before) -> bool:
            return await harness.count_sent_messages() > before or await is_settled()

        await harness.wait_until(has_gone_on)
        await asyncio.sleep(rng.uniform(0.0, 0.8))
        bot.kill()
        bot.wait()
        async with harness.db.read() as connection:
            counts_by_state = await outbox.count_by_state(connection)
        # These are all that a kill can leave uncertain.
        assert counts_by_state.get(models.PartState.SENDING, 0) <= relay.MAX_WEBHOOKS
    await harness.fake.set_faults()
    harness.start_bot(DISCORD_TOKEN="")
    await harness.wait_until(is_settled, 90.0)
    messages = await harness.fake.all_messages()
    texts = [
        text for channel_id in channels for text in relay_harness.message_texts(messages.get(channel_id, []))
    ]
    counts = Counter(texts)
    assert set(counts.values()) == {1}
    for key, parts in stored.items():
        for part in parts:
            # The others of its delivery wait for a person behind the uncertain one.
            if part.state is models.PartState.SENT or part.first_attempt_at is None:
                assert counts[f"{key} {part.position}"] == (part.state is models.PartState.SENT), part
    assert any(part.state is models.PartState.SENT for parts in stored.values() for part in parts)
