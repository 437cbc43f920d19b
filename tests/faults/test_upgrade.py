"""An upgrade by another version: fronts and standbys of this one end with a sentence."""

import pytest

from storage import migrate
from storage.locks import SenderLock
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.faults, pytest.mark.wire]


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_standby_and_a_front_end_when_another_version_upgrades(harness: FaultHarness) -> None:
    lock = SenderLock(harness.db)
    assert await lock.try_acquire()
    async with (
        lock.kept()
    ):  # from here on: on a slow machine its lease would end before the others have started
        others = [harness.start_bot()]
        if not harness.db.is_sqlite:
            others += (await harness.start_fronts(1)).values()
        await harness.wait_until(lambda: "waiting for the sender lock" in harness.read_log())
        async with migrate._migration_lock(harness.db):
            await harness.wait_until(lambda: all(bot.poll() is not None for bot in others))
    await lock.release()
    assert [bot.wait() for bot in others] == [1] * len(others)
    assert harness.read_log().count("Another version of Paperround upgrades") == len(others)
    harness.assert_no_traceback()
