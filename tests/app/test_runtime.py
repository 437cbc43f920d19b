"""The planning of a running bot: a file in the inbox, and a step that fails."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app import container as app_container
from bot.app import runtime
from bot.app.container import Container
from bot.core.settings import Settings
from bot.daily.service import Subscriptions
from storage import locks, models, outbox
from storage.database import Database
from tests.support import digest_builders

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
async def bot(sqlite_db: Database) -> runtime.Runtime:
    """A runtime at a fixed time, with a client that never logs in."""
    container = Container(Settings(), sqlite_db, lambda: NOW)
    return runtime.build_runtime(
        container, container.create_bot(shard_count=1), asyncio.Event(), locks.SenderLock(sqlite_db)
    )


async def _scan_inbox(bot: runtime.Runtime, folder: Path) -> None:
    """Poll the sources of a bot with this inbox."""
    bot.container.settings = bot.container.settings.model_copy(update={"inbox": folder})
    async with app_container.open_poller(bot.container, bot.container.create_ingest()) as poller:
        await bot.on_sources_fetched(await poller.fetch_all())


async def test_a_digest_in_the_inbox_is_posted_to_a_waiting_channel(
    bot: runtime.Runtime, tmp_path: Path
) -> None:
    subscriptions = bot.container.create_services().get(Subscriptions)
    added = await subscriptions.add(models.Subscription(guild_id=1, channel_id=2, at_time="09:01"))
    bot.container.clock = lambda: NOW + timedelta(minutes=1)
    await bot.tick()
    assert (await subscriptions.get(added.id)).last_on == NOW.date() - timedelta(days=1)
    (tmp_path / "digest.md").write_text(digest_builders.newsletter(NOW.date(), [("2601.00001", 9)]))
    await _scan_inbox(bot, tmp_path)
    async with bot.container.database.read() as connection:
        (planned,) = await outbox.list_rows(connection)
    assert planned.papers == ("2601.00001",)
    assert planned.kind is models.DeliveryKind.DAILY


async def test_a_failing_step_of_a_tick_does_not_stop_the_others(
    bot: runtime.Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions = bot.container.create_services().get(Subscriptions)
    await subscriptions.add(models.Subscription(guild_id=1, channel_id=2, at_time="09:01"))
    await digest_builders.ingest_digest(
        bot.container.database, digest_builders.newsletter(NOW.date(), [("2601.00001", 9)]), at=NOW
    )
    bot.container.clock = lambda: NOW + timedelta(minutes=1)

    async def fail(*_: object, **__: object) -> int:
        raise KeyError("a bug")

    monkeypatch.setattr(bot.relay, "expire", fail)
    monkeypatch.setattr(bot.today_planner, "tick", fail)
    await bot.tick()
    async with bot.container.database.read() as connection:
        assert len(await outbox.list_rows(connection)) == 1
