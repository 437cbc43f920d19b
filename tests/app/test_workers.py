"""All that works without a command writes only while this process is the sender, and shares the search of commands."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.app.container import Container
from bot.app.workers import Workers
from bot.core.settings import Settings
from bot.daily.service import Subscriptions
from storage import errors, locks, models, outbox
from storage.database import Database
from tests.support import digest_builders

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.mark.engines("postgresql")
async def test_workers_of_a_former_sender_store_and_plan_nothing(db: Database) -> None:
    container = Container(Settings(), db, lambda: NOW)
    post = models.Subscription(guild_id=1, channel_id=2, at_time="09:00")
    await Subscriptions(db, lambda: NOW - timedelta(minutes=1)).add(post)
    digest = digest_builders.newsletter(NOW.date(), [("2601.00001", 9)])
    former = Workers(container, locks.fenced(db, lambda: None))
    with pytest.raises(errors.SupersededError):
        await former.ingest.add_text(digest, location="today.md")
    await Workers(container).ingest.add_text(digest, location="today.md")
    with pytest.raises(errors.SupersededError):
        await former.daily_planner.tick(NOW)
    with pytest.raises(errors.SupersededError):
        await former.retention.purge()
    for tick in former.ticks:
        with pytest.raises(errors.SupersededError):
            await tick(NOW)
    async with former.open_poller() as poller:
        assert poller.database is former.database
    async with former.open_writer() as writer:
        assert writer.database is former.database
    assert await db.fetch(outbox.list_rows) == []
    await Workers(container).daily_planner.tick(NOW)
    assert len(await db.fetch(outbox.list_rows)) == 1
