"""Servers that the bot joins and leaves, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.accounts.service import Guilds
from storage import daily, models
from storage.database import Database
from tests.support.relay_harness import new_subscription

pytestmark = pytest.mark.engines("sqlite", "postgresql")


NOW = datetime(2026, 1, 5, tzinfo=UTC)


async def test_a_server_that_was_left_keeps_its_settings_and_pauses_its_posts(db: Database) -> None:
    guilds = Guilds(db, lambda: NOW)
    for guild_id in (1, 2):
        await guilds.update(guild_id, locale=models.Locale.KO, system_channel_id=guild_id + 10)
    async with db.transaction() as connection:
        ids = [
            await daily.add(connection, new_subscription(guild_id, guild_id=guild_id)) for guild_id in (1, 2)
        ]
    assert await guilds.reconcile([2, 3]) == [1]
    assert await guilds.list_ids() == {2}
    left = await guilds.get(1)
    assert left is not None
    assert (left.locale, left.system_channel_id, left.left_at) == (models.Locale.KO, 11, NOW)
    async with db.read() as connection:
        states = [await daily.get(connection, subscription_id) for subscription_id in ids]
    assert [(row.state.value, row.reason) for row in states if row] == [
        ("paused", "guild-left"),
        ("active", None),
    ]
    await guilds.update(1)
    assert await guilds.list_ids() == {1, 2}
