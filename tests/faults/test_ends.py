"""How `run` starts and ends: it registers commands in the background, and ends with an exit status.

Status 1 means that a person must act.
"""

import signal

import pytest

from tests.fake_discord.model import TOKEN
from tests.support.fault_harness import FaultHarness

pytestmark = pytest.mark.engines("sqlite")


def _last_line(harness: FaultHarness) -> str:
    return harness.read_log().rstrip().rpartition("\n")[2]


@pytest.mark.parametrize(
    "code", [4004, 4014, *(pytest.param(code, marks=pytest.mark.all_faults) for code in range(4010, 4014))]
)
async def test_gateway_rejection_ends_the_bot_with_a_reason_and_status_1(
    harness: FaultHarness, code: int
) -> None:
    bot = harness.start_cli("run")
    await harness.fake.wait_until_connected()

    async def has_ended() -> bool:
        await harness.fake.gateway.drop(code=code)  # again: one whose code is lost is made anew
        return bot.poll() is not None

    await harness.wait_until(has_ended)
    assert await harness.wait_for_end(bot) == 1
    assert ("DISCORD_TOKEN" if code == 4004 else f"close code {code}") in _last_line(harness)
    harness.assert_no_traceback()


async def test_token_revoked_at_runtime_ends_the_bot_with_status_1(harness: FaultHarness) -> None:
    [channel_id] = harness.fake.add_channels(1)
    bot = harness.start_cli("run")
    await harness.fake.wait_until_connected()
    harness.fake.set_faults({"kind": "status", "status": 401, "message": "401: Unauthorized"})
    await harness.fan_out([channel_id])
    assert await harness.wait_for_end(bot) == 1
    assert "DISCORD_TOKEN" in _last_line(harness)
    harness.assert_no_traceback()
    assert await harness.count_states() == {"waiting": 1}


async def test_does_not_connect_while_few_session_starts_are_left(harness: FaultHarness) -> None:
    [channel_id] = harness.fake.add_channels(1)
    harness.fake.gateway.session_starts = 9
    harness.start_cli("run")
    await harness.fan_out([channel_id])
    await harness.wait_until_all_sent()
    await harness.wait_until(lambda: harness.read_log().count("few session starts left") >= 2)
    assert harness.fake.gateway.identifies == 0
    harness.fake.gateway.session_starts = 10
    await harness.fake.wait_until_connected()


async def test_sigterm_ends_a_reconnecting_bot(harness: FaultHarness) -> None:
    bot = harness.start_cli("run")
    await harness.fake.wait_until_connected()
    harness.fake.set_faults({"kind": "slow", "method": "GET", "path": "/gateway/bot", "seconds": 600.0})
    asked = len(harness.fake.log("GET", "/gateway/bot"))
    await harness.fake.gateway.drop()
    await harness.fake.wait_for_requests(asked + 1, "GET", "/gateway/bot", harness.read_log)
    bot.terminate()
    assert await harness.wait_for_end(bot) == 0, harness.read_log()
    assert "stopped" in _last_line(harness)


async def test_exit_status_is_1_for_a_wrong_token(harness: FaultHarness) -> None:
    assert await harness.wait_for_end(harness.start_cli("run", DISCORD_TOKEN=f"{TOKEN}x")) == 1
    assert "DISCORD_TOKEN" in _last_line(harness)


async def test_sends_posts_before_the_commands_are_registered(harness: FaultHarness) -> None:
    channels = harness.fake.add_channels(5)
    await harness.fan_out(channels)
    harness.fake.set_faults(
        {"kind": "slow", "seconds": 60, "method": "PUT", "path": "*/commands", "times": 1}
    )
    bot = harness.start_cli("run")
    await harness.wait_until_all_sent()
    await harness.fake.wait_until_connected()
    await harness.fake.wait_for_requests(1, "PUT", describe=harness.read_log)
    assert harness.fake.world.commands == {}
    bot.send_signal(signal.SIGTERM)
    assert await harness.wait_for_end(bot) == 0
    harness.fake.set_faults()
    harness.start_cli("run")
    await harness.wait_until(lambda: bool(harness.fake.world.commands))
