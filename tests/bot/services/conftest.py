"""The fake Discord and a relay harness that delivers to it, for the tests of delivery."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from tests.fake_discord import fixtures, process
from tests.fake_discord.fixtures import fake, fake_server
from tests.support.relay_harness import RelayHarness, open_relay_harness

__all__ = ["fake", "fake_server", "relay_harness"]


@pytest.fixture
async def relay_harness(db: Database, fake: process.FakeDiscord) -> AsyncIterator[RelayHarness]:
    """A relay harness on either database, with Discord's limits lifted."""
    await fixtures.lift_rate_limits(fake)
    async with open_relay_harness(db, fake) as opened:
        yield opened
