"""Fronts beside a leader: commands go on while the leader and then one of the fronts are killed, and during an upgrade."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from storage import locks, migrate, models
from tests.support import digest_builders, fault_harness, next_release, patience

pytestmark = [pytest.mark.faults, pytest.mark.wire, pytest.mark.engines("postgresql")]

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
    async with harness.db.read() as connection:
        live = await locks.list_processes(connection, harness.now())
    role = models.ProcessRole
    assert [process.role for process in live] == [role.LEADER, role.FRONT, role.FRONT]
    assert live[0].term is not None
    leader.kill()
    await ask(6)
    fronts[0].kill()
    await ask(6)
    assert "Traceback" not in harness.read_log()


async def test_a_leader_and_one_of_the_next_release_replace_each_other_during_a_fan_out(
    harness: fault_harness.FaultHarness, tmp_path: Path
) -> None:
    """Neither order of the two fails a command, or loses or repeats a message, while the newer one expands the schema."""
    batch, parts = 50, 2
    front = {"PAPERROUND_INTERACTIONS": "127.0.0.1:0", "PAPERROUND_HTTP": "127.0.0.1:0"}
    scripts = next_release.make_scripts(tmp_path / "scripts", next_release.EXPANDING)
    await harness.fake.add_guild()
    channels = await harness.fake.add_channels(4 * batch)
    text = digest_builders.newsletter(harness.now().date(), [("2601.00001", 5)])
    await digest_builders.ingest_digest(harness.db, text, at=harness.now())
    old = harness.start_cli("run", "--role", "leader")
    await harness.fake.wait_until_connected()
    harness.start_cli("run", "--role", "front", **front)
    await _connect_fronts(harness, 1)
    answers: list[dict[str, Any]] = []
    batches = iter(range(0, 4 * batch, batch))

    async def ask() -> None:
        for number in itertools.count():
            command = (TOPIC, LIST, ALERTS, DRAFT)[number % 4]
            answers.append(
                await harness.fake.interact(channels[0], command, user_id=1_000 + number, answer=True)
            )
            await asyncio.sleep(0.1)  # leaves the processes time to start

    async def send_some() -> None:
        """Plan the next batch, and wait until messages arrive."""
        first, before = next(batches), await harness.count_sent_messages()
        planned = fault_harness.fan_out(channels[first : first + batch], harness.now(), parts)
        await harness.add_deliveries(*planned)
        await harness.wait_for_sent(before + 4)

    async def is_expanded() -> bool:
        return await migrate.current_revision(harness.db) == "r0002"

    asking = asyncio.create_task(ask())
    await send_some()
    new = harness.start_next_release(scripts, "run", "--role", "leader")
    await harness.wait_until(is_expanded)
    new_front = harness.start_next_release(scripts, "run", "--role", "front", **front)
    await _connect_fronts(harness, 2, first=1)
    await harness.wait_until(lambda: "waiting for the sender lock" in harness.read_log())
    await send_some()
    old.kill()
    await send_some()
    old = harness.start_cli("run", "--role", "leader")
    await harness.wait_until(lambda: harness.read_log().count("waiting for the sender lock") == 2)
    await send_some()
    new_front.terminate()
    new.terminate()
    await harness.wait_until_all_sent()
    assert asking.done() is False
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await fault_harness.assert_exactly_once(harness, channels, parts)
    assert harness.read_log().count("setting=PAPERROUND_HTTP") == 2
    assert len(answers) > 20
    assert [
        answer for answer in answers if answer["callback"] is None or "went wrong" in json.dumps(answer)
    ] == []
    assert "Traceback" not in harness.read_log()
