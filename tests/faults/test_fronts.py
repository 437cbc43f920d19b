"""Fronts beside a leader: commands go on while the leader and then one of the fronts are killed, and during an upgrade."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.support import digest_builders, fault_harness, patience

pytestmark = [pytest.mark.faults, pytest.mark.wire, pytest.mark.engines("postgresql"), pytest.mark.promise]

TOPIC = {"id": "1", "name": "topic", "type": 1, "options": [{"name": "query", "type": 3, "value": "robots"}]}
LIST = {"id": "2", "name": "daily", "type": 1, "options": [{"name": "list", "type": 1}]}
ALERTS = {"id": "3", "name": "alerts", "type": 1, "options": [{"name": "list", "type": 1}]}
DRAFT: dict[str, Any] = {
    "id": "3",
    "name": "alerts",
    "type": 1,
    "options": [{"name": "add", "type": 1, "options": [{"name": "keyword", "type": 3, "value": "robots"}]}],
}
"""Stores the draft of an alert."""


async def _connect_fronts(harness: fault_harness.FaultHarness, count: int, first: int = 0) -> None:
    """Wait until so many fronts listen, and have Discord send interactions to them, as long as it answers to the `first`."""

    def list_urls() -> list[str]:
        return re.findall(r"http://127.0.0.1:[0-9]+/interactions", harness.read_log())

    await patience.wait_until(lambda: len(list_urls()) == count, describe=harness.read_log)
    urls = list_urls()
    await harness.fake.run_action("set_endpoints", {"urls": urls[first:] + urls[:first]})


async def test_no_command_stays_unanswered_while_the_leader_and_a_front_die(
    harness: fault_harness.FaultHarness,
) -> None:
    await harness.fake.add_guild()
    [channel_id] = await harness.fake.add_channels(1)
    text = digest_builders.newsletter(harness.now().date(), [("2601.00001", 5)])
    await digest_builders.ingest_digest(harness.db, text, at=harness.now())
    leader = harness.start_cli("run", "--role", "leader")
    await harness.fake.wait_until_connected()
    fronts = [
        harness.start_cli("run", "--role", "front", PAPERROUND_INTERACTIONS="127.0.0.1:0") for _ in range(2)
    ]
    await _connect_fronts(harness, len(fronts))

    async def ask(count: int) -> None:
        records = await asyncio.gather(
            *(
                harness.fake.interact(
                    channel_id, (TOPIC, LIST)[number % 2], user_id=1_000 + number, answer=True
                )
                for number in range(count)
            )
        )
        assert [record["callback"] is not None for record in records] == [True] * count, harness.read_log()

    await ask(6)
    leader.kill()
    await ask(6)
    fronts[0].kill()
    await ask(6)
    assert "Traceback" not in harness.read_log()
