"""Purging old rows on both engines must not cause repeated posts or alerts."""

from datetime import datetime

import pytest
import sqlalchemy as sa

from bot.client.guilds import Guilds
from bot.core import day_close
from bot.features.alerts.service import Alerts
from bot.features.operations.retention import Retention
from bot.features.operations.service import StatusService
from storage import alerts, club, models, paper_texts, shelf, tables, writer
from storage.database import Database
from tests.support import alert_builders, outbox_builders, reader_rows
from tests.support.world import CHANNEL, DAY, World, moment

pytestmark = pytest.mark.engines("sqlite", "postgresql")


GUILD = 9_310_000_000_000_017
SEOUL_9AM = moment("Mon 09:00")
LATER = moment("Wed+14 09:00")


async def purge(database: Database, now: datetime = LATER, *, days: int = 90) -> int:
    return await Retention(database, lambda: now, days=days).purge()


async def count(database: Database, table: sa.Table) -> int:
    async with database.read() as connection:
        return int((await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())


@pytest.fixture
async def posted_twice(db: Database) -> World:
    """A channel to which two posts have been sent, on Monday and Tuesday."""
    world = World(db)
    await world.daily()
    for on, paper in (("Mon", "A▲9"), ("Tue", "B▲9")):
        await world.list(on, paper)
        await world.at(f"{on} 09:00")
    return world


async def test_a_paper_that_was_only_looked_up_is_purged_after_30_days(posted_twice: World) -> None:
    for name in ("C", "D", "E"):
        await posted_twice.facts(name, source="arxiv", title="Looked up")
    await posted_twice.list("Tue", "D", source="https://x.example/list.md")
    for days, papers in ((29, 5), (32, 4)):  # the last one stays, so that no id is given twice
        await purge(posted_twice.database, SEOUL_9AM + days * DAY)
        assert await count(posted_twice.database, tables.papers) == papers


async def test_the_last_delivery_of_a_daily_post_that_came_is_not_purged(posted_twice: World) -> None:
    database = posted_twice.database
    posted_twice.discord.closed.add(CHANNEL)
    await posted_twice.list("Wed", "C▲9")
    await posted_twice.at("Wed 09:00")
    [row] = await posted_twice.subscriptions.list_rows()
    await posted_twice.subscriptions.pause(row.id)
    await posted_twice.at("Thu 09:00")
    assert await purge(database, SEOUL_9AM + 89 * DAY) > 0  # payloads only
    assert await count(database, tables.deliveries) == 3
    await purge(database)
    assert (await count(database, tables.deliveries), await count(database, tables.parts)) == (1, 1)
    pace = outbox_builders.make_pace()
    status = StatusService(database, lambda: LATER, posted_twice.deliveries, pace, day_close.default())
    report = await status.report(user_id=1, guild_id=10, channel_id=CHANNEL)
    ((_, last),) = report.subscriptions
    assert last is not None
    delivery, part = last
    assert delivery.finished_at == SEOUL_9AM + DAY
    assert part is not None


async def test_tokens_of_days_before_the_retention_period_are_purged(db: Database) -> None:
    async with db.transaction() as connection:
        for age in (0, 30, 89, 91, 400):
            await writer.add_tokens(connection, (LATER - age * DAY).date(), 10)
    await purge(db)
    assert await count(db, writer.token_ledger) == 3


async def test_a_purge_does_not_repeat_alerts(db: Database) -> None:
    world = World(db)
    await world.alert("robot")
    await world.written("Mon", "A▲9", summary="A robot.")
    await world.wait(minutes=3)
    world.now = LATER
    await purge(db, LATER)
    assert await count(db, tables.deliveries) == 0
    await world.written("Wed+14", "A▲90 B▲5", summary="A robot.")
    await world.wait(minutes=3)
    assert world.sent == ["@7 A", "@7 B"]


async def test_unfinished_deliveries_are_never_purged(db: Database) -> None:
    await outbox_builders.add(db, outbox_builders.new_delivery())
    await purge(db, outbox_builders.NOW + 1000 * DAY)
    assert await count(db, tables.deliveries) == 1


@pytest.mark.parametrize("is_back", [False, True])
async def test_a_servers_data_is_purged_unless_the_bot_rejoins(posted_twice: World, is_back: bool) -> None:
    database = posted_twice.database
    service, of_alerts = Guilds(database, lambda: SEOUL_9AM + 2 * DAY), Alerts(database, lambda: SEOUL_9AM)
    await service.update({10: {}})
    # In a channel that got no message yet.
    await of_alerts.add(alert_builders.draft("robot", channel_id=CHANNEL + 1, guild_id=10))
    own = await of_alerts.add(alert_builders.draft("robot"))
    recipients = ["user:7", f"channel:{CHANNEL}", f"channel:{CHANNEL + 1}"]
    async with database.transaction() as connection:
        await alerts.add_matches(connection, [alerts.Match(name, 1, 1, SEOUL_9AM) for name in recipients])
        await alerts.mark_notified(connection, {(name, 1): 99 for name in recipients})
    await service.mark_left([10])
    if is_back:
        await service.update({10: {}})
    await purge(database)
    for table in (tables.guilds, tables.subscriptions, tables.delivery_papers, tables.deliveries):
        assert await count(database, table) == is_back, table.name
    remaining = await of_alerts.list_rows()
    assert (own in remaining, len(remaining)) == (True, 1 + is_back)
    told = await database.fetch(alerts.list_notified, recipients, [1])
    assert [(name, 1) in told for name in recipients] == [True, is_back, is_back]


async def test_all_rows_of_a_server_are_purged_30_days_after_leaving(db: Database) -> None:
    await reader_rows.fill_every_table(db, 7, guild_id=GUILD)
    service = Guilds(db, lambda: SEOUL_9AM)
    await service.update({GUILD: {}})
    await service.mark_left([GUILD])
    async with db.transaction() as connection:
        await connection.execute(tables.deliveries.update().values(state="sent", finished_at=SEOUL_9AM))
        await connection.execute(alerts.alerts.update().values(channel_id=CHANNEL))
    before = await reader_rows.find_columns(db, str(GUILD))
    for days, is_kept in ((30, True), (31, False)):
        now = SEOUL_9AM + days * DAY
        await Retention(db, lambda now=now: now, days=90).purge()  # type: ignore[misc]
        assert await reader_rows.find_columns(db, str(GUILD)) == (before if is_kept else set())


async def test_full_texts_are_kept_for_a_month_or_while_a_shelf_or_a_thread_has_the_paper(
    db: Database,
) -> None:
    world = World(db)
    await world.list("Mon", "A▲9 B▲8 C▲7")
    async with db.transaction() as connection:
        rows = (await connection.execute(sa.select(tables.papers.c.key, tables.papers.c.id))).all()
        (_, _), (_, saved), (_, discussed) = rows
        for arxiv_id, _ in rows:
            text = models.PaperText(arxiv_id, "Lamps.", "https://x.example", SEOUL_9AM)
            await paper_texts.save(connection, text)
        await shelf.save(connection, 7, [saved], SEOUL_9AM, None)
        await club.put_thread(
            connection,
            channel_id=CHANNEL,
            paper_id=discussed,
            guild_id=GUILD,
            opened_at=SEOUL_9AM,
            thread_id=9,
            delivery_id=1,
        )
    for days, left in ((29, 3), (31, 2)):
        await purge(db, SEOUL_9AM + days * DAY)
        assert await count(db, paper_texts.paper_texts) == left
