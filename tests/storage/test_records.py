"""Readers, guilds and alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from storage import accounts, alerts, database, errors, models
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


async def test_a_reader_keeps_what_was_not_changed(db: database.Database) -> None:
    async with db.transaction() as connection:
        await accounts.upsert_reader(connection, 5, locale=models.Locale.KO)
        await accounts.upsert_reader(connection, 5, timezone="Asia/Seoul", dm_channel_id=9)
        assert await accounts.get_reader(connection, 5) == models.Reader(5, models.Locale.KO, "Asia/Seoul", 9)
        await accounts.clear_dm_channel(connection, 5)
        assert await accounts.get_reader(connection, 5) == models.Reader(
            5, models.Locale.KO, "Asia/Seoul", None
        )
        assert await accounts.get_reader(connection, 6) is None


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


async def test_the_same_alert_stands_once_for_each_recipient(db: database.Database) -> None:
    async with db.transaction() as connection:
        first = await alerts.add(connection, ALERT)
        await alerts.add(connection, replace(ALERT, channel_id=7))
        with pytest.raises(errors.DuplicateError):
            await alerts.add(connection, ALERT)
        assert await alerts.get(connection, first.id) == first == replace(ALERT, id=first.id)
        assert await alerts.count_by_user(connection, ALERT.user_id) == 2
        assert [alert.channel_id for alert in await alerts.list_rows(connection, channel_id=7)] == [7]
