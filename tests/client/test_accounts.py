"""Readers and servers, long texts behind short tokens, and forgetting a reader, on both engines."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.client import text_tokens
from bot.client.guilds import Guilds
from bot.client.text_tokens import TextPurpose, TextTokenStore
from bot.features.operations.readers import Readers
from storage import accounts, daily, models, papers, shelf
from storage.database import Database
from tests.support import outbox_builders, paper_records, reader_rows
from tests.support.outbox_builders import new_subscription
from tests.support.world import AWAY, World

pytestmark = pytest.mark.engines("sqlite", "postgresql")


NOW = datetime(2026, 1, 5, tzinfo=UTC)


async def test_leaving_a_server_keeps_its_settings_and_pauses_its_posts(db: Database) -> None:
    guilds = Guilds(db, lambda: NOW)
    for guild_id in (1, 2):
        await guilds.update({guild_id: {"locale": models.Locale.KO, "system_channel_id": guild_id + 10}})
    async with db.transaction() as connection:
        ids = [
            await daily.add(connection, new_subscription(guild_id, guild_id=guild_id)) for guild_id in (1, 2)
        ]
    await guilds.mark_left([1])
    assert await guilds.list_ids() == {2}
    left = await db.fetch(accounts.get_guild, 1)
    assert left is not None
    assert (left.locale, left.system_channel_id, left.left_at) == (models.Locale.KO, 11, NOW)
    async with db.read() as connection:
        states = [await daily.get(connection, subscription_id) for subscription_id in ids]
    assert [(row.state.value, row.reason) for row in states if row] == [
        ("paused", "guild-left"),
        ("active", None),
    ]
    await guilds.update({1: {}})
    assert await guilds.list_ids() == {1, 2}


async def test_token_returns_a_text_only_for_the_purpose_it_was_stored_for(db: Database) -> None:
    store = TextTokenStore(db, lambda: outbox_builders.NOW)
    token = await store.save(7, TextPurpose.LIST, "a long query")
    assert await store.get(TextPurpose.LIST, token) == "a long query"
    assert len(token) == text_tokens.TOKEN_LENGTH
    others = set(TextPurpose) - {TextPurpose.LIST}
    assert [await store.get(purpose, token) for purpose in others] == [None] * len(others)
    assert await store.get(TextPurpose.LIST, "0" * text_tokens.TOKEN_LENGTH) is None


async def test_new_text_replaces_only_the_same_readers_oldest_text(db: Database) -> None:
    now = outbox_builders.NOW

    def clock() -> datetime:
        nonlocal now
        now += timedelta(seconds=1)
        return now

    store = TextTokenStore(db, clock)
    others = [await store.save(user_id, TextPurpose.LIST, f"shared {user_id}") for user_id in (1, 2)]
    texts = ["shared 2", *(f"query {number}" for number in range(text_tokens.TEXTS_OF_READER))]
    tokens = [await store.save(3, TextPurpose.LIST, text) for text in texts]
    # Saving a text again makes it the newest.
    assert await store.save(3, TextPurpose.LIST, "query 0") == tokens[1]
    await store.save(3, TextPurpose.LIST, "another")
    assert [await store.get(TextPurpose.LIST, token) for token in others] == ["shared 1", "shared 2"]
    kept = [await store.get(TextPurpose.LIST, token) is not None for token in tokens[1:4]]
    assert kept == [True, False, True]
    assert await db.fetch(accounts.count_reader_data, 3) == {"button_texts": text_tokens.TEXTS_OF_READER}


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
