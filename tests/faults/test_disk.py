"""A disk that is full, in the midst of a fan-out and at the start, or read-only: posts come once, the log has a sentence."""

from __future__ import annotations

import resource

import pytest

from tests.support import fault_harness, fork_server
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.faults, pytest.mark.wire, pytest.mark.engines("sqlite")]

CHANNELS = 40
FULL = 48_000
"""Bytes that a file may have once the disk is full: less than the log of writes (-wal), more than that of the bot."""
SENTENCE = "cannot be written. Check whether its disk is full"


@pytest.mark.promise
async def test_what_a_full_disk_holds_up_comes_once_when_there_is_space(harness: FaultHarness) -> None:
    channels = await harness.fake.add_channels(CHANNELS)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 2))
    bot = harness.start_bot()
    await harness.wait_for_sent(5)
    _limit_files(bot, FULL)
    await harness.wait_until(lambda: SENTENCE in harness.read_log())
    assert bot.poll() is None
    _limit_files(bot, resource.RLIM_INFINITY)
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, channels, 2)


async def test_a_start_on_a_full_disk_ends_with_a_sentence_and_the_next_one_sends(
    harness: FaultHarness,
) -> None:
    channels = await harness.fake.add_channels(2)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 1))
    await harness.db.close()
    # No bytecode: Python 3.11 keeps a file of it that the limit cut off, and every later process fails to load it.
    limited = "import resource, runpy, sys; sys.dont_write_bytecode = True;"
    limited += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({FULL // 3}, -1));"
    bot = harness.start_python("-c", limited + "runpy.run_module('bot', run_name='__main__')", "run")
    await harness.wait_until(lambda: bot.poll() is not None)
    assert bot.wait() == 1
    assert SENTENCE in harness.read_log()
    assert "Traceback" not in harness.read_log()
    harness.start_bot()
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, channels, 1)


def _limit_files(bot: fork_server.ForkedProcess, size: int) -> None:
    """Let the writes of a process fail beyond this size of a file, which is how a quota ends."""
    _, hard = resource.prlimit(bot.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (size, hard))
