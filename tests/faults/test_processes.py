"""Several processes of one installation: the rest continues when one is killed, and ends when another version comes."""

import pytest

from storage import migrate
from storage.locks import SenderLock
from tests.fake_discord import model
from tests.support.fault_harness import FaultHarness, mostly_on_postgresql


@pytest.mark.promise
@mostly_on_postgresql
async def test_second_process_sends_nothing_until_the_first_is_dead(harness: FaultHarness) -> None:
    channels = harness.fake.add_channels(60)
    first, _ = await harness.start_sender_and_standby()
    await harness.fan_out(channels, 2)
    await harness.wait_for_sent(5)
    await harness.kill(first)
    await harness.wait_until_all_sent()
    await harness.assert_sent_once(channels, 2)
    assert model.TOKEN not in harness.read_log()


@pytest.mark.promise
@pytest.mark.engines("postgresql")
@pytest.mark.all_faults
async def test_the_standby_answers_commands_once_the_sender_is_dead(harness: FaultHarness) -> None:
    [channel_id] = harness.fake.add_channels(1)
    await harness.store_digest("2601.00001")
    sender, _ = await harness.start_sender_and_standby()
    assert await harness.ask(channel_id, 6) == [True] * 6, harness.read_log()
    await harness.kill(sender)
    await harness.wait_for_value(lambda: harness.ask(channel_id, 6), all)
    harness.assert_no_traceback()


@pytest.mark.all_faults
async def test_a_standby_ends_when_another_version_upgrades(harness: FaultHarness) -> None:
    lock = SenderLock(harness.db)
    assert await lock.try_acquire()
    async with (
        lock.kept()
    ):  # from here on: on a slow machine its lease would end before the others have started
        standby = harness.start_bot()
        await harness.wait_until(lambda: "waiting for the sender lock" in harness.read_log())
        async with migrate._migration_lock(harness.db):
            await harness.wait_until(lambda: standby.poll() is not None)
    await lock.release()
    assert standby.wait() == 1
    assert harness.read_log().count("Another version of Paperround upgrades") == 1
    harness.assert_no_traceback()
