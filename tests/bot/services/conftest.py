"""The fake Discord and an office that delivers to it, for the tests of delivery."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from tests.bot.services import delivering
from tests.fake_discord import fixtures, process
from tests.fake_discord.fixtures import fake, fake_server

__all__ = ["fake", "fake_server", "office"]


@pytest.fixture
async def office(db: Database, fake: process.FakeDiscord) -> AsyncIterator[delivering.Office]:
    """An office on either database, with Discord's limits lifted."""
    await fixtures.set_free(fake)
    async with delivering.open_office(db, fake) as opened:
        yield opened
