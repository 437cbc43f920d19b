"""A full disk during a fan-out: posts arrive once, and the log says why they are late."""

import resource

import pytest

from tests.support import fork_server
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.engines("sqlite"), pytest.mark.all_faults]

CHANNELS = 40
FULL = 48_000
"""The maximum file size (bytes) on a full disk: less than the write-ahead log, more than the bot's log."""
SENTENCE = "cannot be written. Check whether its disk is full"


@pytest.mark.promise
async def test_posts_delayed_by_a_full_disk_arrive_once(harness: FaultHarness) -> None:
    channels = harness.fake.add_channels(CHANNELS)
    await harness.fan_out(channels, 2)
    bot = harness.start_bot()
    await harness.wait_for_sent(5)
    _limit_files(bot, FULL)
    await harness.wait_until(lambda: SENTENCE in harness.read_log())
    assert bot.poll() is None
    _limit_files(bot, resource.RLIM_INFINITY)
    await harness.wait_until_all_sent()
    await harness.assert_sent_once(channels, 2)


def _limit_files(bot: fork_server.ForkedProcess, size: int) -> None:
    """Make a process's writes beyond this file size fail, like a quota."""
    _, hard = resource.prlimit(bot.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (size, hard))
