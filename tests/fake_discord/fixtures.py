"""The running fake Discord as pytest fixtures. A conftest imports those that it wants to offer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fake_discord import process


@pytest.fixture(scope="session")
def fake_server() -> Iterator[process.FakeDiscordProcess]:
    """One fake Discord for all tests of this process."""
    with process.FakeDiscordProcess() as server:
        yield server


@pytest.fixture
async def fake(fake_server: process.FakeDiscordProcess) -> AsyncIterator[process.FakeDiscord]:
    """The fake Discord as new, with one server in it."""
    async with process.FakeDiscord(fake_server) as running:
        await running.run_action("reset", {"seed": 1})
        await running.add_guild()
        yield running


async def lift_rate_limits(fake: process.FakeDiscord) -> None:
    """Lift Discord's limits, for tests that are about something else and would take seconds with them."""
    routes = {"POST /channels/{channel_id}/messages": [1000, 1.0]}
    await fake.run_action("set_limits", {"per_second": 10_000, "routes": routes})
