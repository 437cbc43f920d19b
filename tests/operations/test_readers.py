"""Export and deletion of a reader's data."""

import json
from datetime import UTC, datetime

import pytest

from bot.features.operations.readers import Readers
from storage import accounts, papers, shelf
from storage.database import Database
from tests.support import outbox_builders, paper_records, reader_rows
from tests.support.world import AWAY, World

pytestmark = pytest.mark.engines("sqlite", "postgresql")

NOW = datetime(2026, 1, 5, tzinfo=UTC)
READER = 7_000_000_000_000_007


@pytest.mark.promise
async def test_a_deleted_reader_gets_no_waiting_alerts(db: Database) -> None:
    world = World(db, "Mon 12:00")
    await world.alert("robot", by=READER)
    await world.alert("robot", by=8)
    await world.alert("robot", by=READER, channel_id=20, guild_id=10)
    await world.written("Mon", "A▲9", summary="A robot.")
    world.discord.answer = AWAY
    await world.wait(minutes=3)
    assert await reader_rows.find_columns(db, str(READER)) != set()
    service = Readers(db, world.clock)
    assert (await service.forget(READER))["alerts"] == 2
    assert await reader_rows.find_columns(db, str(READER)) == set()
    assert await service.forget(READER) == {}
    world.discord.answer = None
    await world.written("Tue", "A▲9 B▲5", summary="A robot.")
    await world.wait(minutes=3)
    assert sorted(world.sent) == ["@8 A", "@8 B"]


@pytest.mark.promise
async def test_forgetting_a_reader_deletes_papers_that_nobody_else_saved(db: Database) -> None:
    ids = await paper_records.add_papers(db, *(paper_records.merged_paper(n, on=None) for n in range(1, 4)))
    mine, shared, _ = ids.values()
    async with db.transaction() as connection:
        await shelf.save(connection, READER, [mine, shared], NOW, None)
        await shelf.save(connection, 8, [shared], NOW, None)
    await Readers(db, lambda: NOW).forget(READER)
    assert set(await db.fetch(papers.list_merged, ids=ids.values())) == {shared, max(ids.values())}


@pytest.mark.promise
async def test_data_file_contains_every_row_about_the_reader(db: Database) -> None:
    await reader_rows.fill_every_table(db, READER)
    service = Readers(db, lambda: outbox_builders.NOW)
    found = json.loads(await service.export(READER))
    assert (found["user_id"], found["collected_at"]) == (str(READER), outbox_builders.NOW.isoformat())
    counts = await db.fetch(accounts.count_reader_data, READER)
    assert {name: len(rows) for name, rows in found["tables"].items() if name in counts} == counts
