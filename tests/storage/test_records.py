"""Readers, guilds and alerts."""

from __future__ import annotations

from datetime import UTC, datetime

from storage import accounts, database, models
from tests.support import alert_builders

NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)
ALERT = alert_builders.draft(
    "강화 학습",
    "Ada",
    user_id=2**63 - 1,
    key="강화 학습",
    match_all=True,
    excluded=("로봇",),
    timing=models.AlertTiming.WEEKLY,
)


async def test_a_server_that_comes_back_has_not_left(db: database.Database) -> None:
    async with db.transaction() as connection:
        await accounts.upsert_guilds(connection, {5: {"system_channel_id": 8}})
        await accounts.mark_guild_left(connection, [5], NOW)
        left = await accounts.get_guild(connection, 5)
        assert left is not None
        assert left.left_at == NOW
        await accounts.upsert_guilds(connection, {5: {"locale": models.Locale.KO}})
        assert await accounts.get_guild(connection, 5) == models.Guild(
            5, models.Locale.KO, None, system_channel_id=8, left_at=None
        )
