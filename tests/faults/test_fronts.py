"""Fronts beside a leader: commands are answered even if the leader and then a front are killed."""

import pytest

from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.faults, pytest.mark.wire, pytest.mark.engines("postgresql"), pytest.mark.promise]


async def test_answers_every_command_after_the_leader_and_a_front_die(harness: FaultHarness) -> None:
    [channel_id] = harness.fake.add_channels(1)
    await harness.store_digest("2601.00001")
    leader = harness.start_cli("run", "--role", "leader")
    await harness.fake.wait_until_connected()
    front, _ = (await harness.start_fronts(2)).values()
    assert await harness.ask(channel_id, 6) == [True] * 6, harness.read_log()
    for killed in (leader, front):
        killed.kill()
        assert await harness.ask(channel_id, 6) == [True] * 6, harness.read_log()
    harness.assert_no_traceback()
