"""Planning in a running bot: a file in the inbox, a failing step, and a process that is no longer the sender."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from bot.app import runtime
from bot.app.container import Container
from bot.app.workers import Workers
from bot.core.settings import Settings
from bot.features.club.service import Clubs
from bot.features.daily.planner import DailyPlanner
from bot.features.daily.service import Subscriptions
from bot.features.shelf.news import NewsPlanner
from bot.features.today.service import TodayPlanner
from storage import daily, errors, locks, models, outbox
from storage.database import Database
from tests.support import digest_builders

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
async def bot(sqlite_db: Database) -> runtime.Runtime:
    """A runtime at the time of a daily post, with a client that never logs in."""
    post = models.Subscription(guild_id=1, channel_id=2, at_time="09:00")
    await Subscriptions(sqlite_db, lambda: NOW - timedelta(minutes=1)).add(post)
    container = Container(Settings(), sqlite_db, lambda: NOW)
    return runtime.build_runtime(container, container.create_bot(shard_count=1), locks.SenderLock(sqlite_db))


async def _list_planned(bot: runtime.Runtime) -> list[tuple[models.DeliveryKind, tuple[str, ...]]]:
    return [(row.kind, row.papers) for row in await bot.container.database.fetch(outbox.list_rows)]


PLANNED = [(models.DeliveryKind.DAILY, ("2601.00001",))]


async def test_posts_a_digest_from_the_inbox_to_a_waiting_channel(
    bot: runtime.Runtime, tmp_path: Path
) -> None:
    await bot.tick()
    assert await _list_planned(bot) == []
    (tmp_path / "digest.md").write_text(digest_builders.newsletter(NOW.date(), [("2601.00001", 9)]))
    bot.container.settings = bot.container.settings.model_copy(update={"inbox": tmp_path})
    async with bot.workers.open_poller() as poller:
        await bot.on_sources_fetched(await poller.fetch_all())
    assert await _list_planned(bot) == PLANNED


async def _ingest_day(bot: runtime.Runtime) -> None:
    digest = digest_builders.newsletter(NOW.date(), [("2601.00001", 9)])
    await digest_builders.ingest_digest(bot.container.database, digest, at=NOW)


async def test_the_heartbeat_goes_on_as_long_as_health_is_well(bot: runtime.Runtime) -> None:
    """The Gateway may be away for five minutes in both."""
    assert await bot.lock.try_acquire()
    bot.container.settings = bot.container.settings.model_copy(update={"discord_token": "a.b.c"})
    bot.liveness.record_obstacle(None)
    assert not bot.bot.is_gateway_connected()
    assert bot.liveness.find_problems() == []
    assert bot.is_delivering()
    bot.liveness.troubles = ["The disk is full."]
    assert not bot.is_delivering()
    await bot.lock.release()
    bot.liveness.troubles = []
    assert not bot.is_delivering()


async def test_a_running_bot_counts_stuck_posts_wherever_they_go(bot: runtime.Runtime) -> None:
    database = bot.container.database
    webhook = models.Subscription(guild_id=models.NO_GUILD, channel_id=3)
    added = await Subscriptions(database, lambda: NOW).add(webhook, webhook_token="a-secret_of-the-webhook")
    await bot.find_operator_warnings()
    assert (bot.liveness.stuck_posts, bot.liveness.has_recipient) == (0, False)
    gone = models.Reason.WEBHOOK_GONE
    await database.write(daily.set_state, [added.id], models.ActivityState.PAUSED, reason=gone)
    await bot.find_operator_warnings()
    assert bot.liveness.stuck_posts == 1
    assert bot.liveness.find_problems() == ["1 post is stuck: `paperround posts` says why."]


async def test_failing_step_does_not_stop_the_other_steps_of_a_tick(
    bot: runtime.Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _ingest_day(bot)
    fail = mock.AsyncMock(side_effect=errors.StorageError("the database is away"))
    monkeypatch.setattr(bot.relay, "expire", fail)
    monkeypatch.setattr(bot.workers.services.get(TodayPlanner), "tick", fail)
    await bot.tick()
    assert await _list_planned(bot) == [], "without a database the other steps would fail too"
    fail.side_effect = KeyError("a bug")
    await bot.tick()
    assert await _list_planned(bot) == PLANNED


async def test_daily_posts_are_planned_before_readers_news(
    bot: runtime.Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a Monday each reader of news costs a transaction, and the database may go away meanwhile."""
    await _ingest_day(bot)
    fail = mock.AsyncMock(side_effect=errors.StorageError("the database is away"))
    monkeypatch.setattr(bot.workers.services.get(NewsPlanner), "tick", fail)
    await bot.tick()
    assert await _list_planned(bot) == PLANNED


async def test_ticks_do_not_overlap_and_a_call_during_one_is_not_lost(
    bot: runtime.Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end, ticks = asyncio.Event(), asyncio.Event(), list[str]()

    async def expire(_: datetime) -> None:
        ticks.append("begins")
        begun.set()
        await may_end.wait()
        ticks.append("ends")

    monkeypatch.setattr(bot.relay, "expire", expire)
    first = asyncio.create_task(bot.tick())
    await begun.wait()
    for _ in range(3):
        assert await bot.tick()
    may_end.set()
    await first
    assert ticks == ["begins", "ends"] * 2


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
        await former.services.get(DailyPlanner).tick(NOW)
    with pytest.raises(errors.SupersededError):
        await former.retention.purge()
    with pytest.raises(errors.SupersededError):
        await former.services.get(Clubs).tick(NOW)
    async with former.open_poller() as poller:
        assert poller.database is former.database
    async with former.open_writer() as writer:
        assert writer.database is former.database
    assert await db.fetch(outbox.list_rows) == []
    await Workers(container).services.get(DailyPlanner).tick(NOW)
    assert len(await db.fetch(outbox.list_rows)) == 1
