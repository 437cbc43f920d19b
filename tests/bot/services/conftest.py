"""The fake Discord and an office that delivers to it, for the tests of delivery."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from tests.fake_discord import fixtures, process
from tests.fake_discord.fixtures import fake, fake_server
from tests.support import relay_harness

__all__ = ["fake", "fake_server", "office"]


@pytest.fixture
async def office(db: Database, fake: process.FakeDiscord) -> AsyncIterator[relay_harness.Office]:
    """An office on either database, with Discord's limits lifted."""
    await fixtures.set_free(fake)
    async with relay_harness.open_office(db, fake) as opened:
        yield opened
