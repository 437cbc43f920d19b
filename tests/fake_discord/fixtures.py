"""Pytest fixtures for the fake Discord."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fake_discord import process


@pytest.fixture(scope="session")
def fake_server() -> Iterator[process.FakeDiscordProcess]:
    """A fake Discord process shared by all tests of a pytest process."""
    with process.FakeDiscordProcess() as server:
        yield server


@pytest.fixture
async def fake(fake_server: process.FakeDiscordProcess) -> AsyncIterator[process.FakeDiscord]:
    """A reset fake Discord with one guild."""
    async with process.FakeDiscord(fake_server) as running:
        await running.run_action("reset", {"seed": 1})
        await running.add_guild()
        yield running


async def lift_rate_limits(fake: process.FakeDiscord) -> None:
    """Raise the rate limits, so that unrelated tests do not wait for seconds."""
    routes = {"POST /channels/{channel_id}/messages": [1000, 1.0]}
    await fake.run_action("set_limits", {"per_second": 10_000, "routes": routes})
