"""Fixtures: the world, a world that posts to the fake Discord, the fakes, and a search over three papers."""

from collections.abc import AsyncIterator

import pytest

from bot.search.service import SearchService
from storage.database import Database
from tests.fake_discord import server
from tests.fake_discord.fixtures import fake
from tests.fake_model.fixtures import fake_model
from tests.support import sample_archive
from tests.support.relay_harness import RelayHarness, open_relay_harness
from tests.support.world import World


@pytest.fixture
def world(db: Database) -> World:
    """Channels, readers, digests and time, on the test's database."""
    return World(db)


__all__ = ["fake", "fake_model", "wire"]


@pytest.fixture
async def wire(db: Database, fake: server.FakeDiscord) -> AsyncIterator[RelayHarness]:
    """A world that posts to the fake Discord, with its rate limits lifted."""
    fake.lift_rate_limits()
    async with open_relay_harness(db, fake) as opened:
        yield opened


@pytest.fixture
async def search(db: Database) -> SearchService:
    """A search service over three papers from two days."""
    await sample_archive.add_digest(db, "2025-01-02", sample_archive.SMALL, sample_archive.REINFORCED)
    await sample_archive.add_digest(db, "2025-01-03", sample_archive.CHEMISTRY)
    return SearchService(db)
