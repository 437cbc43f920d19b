"""Settings of servers, and texts too long for a button."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.client import text_tokens
from bot.client.guilds import Guilds
from bot.client.text_tokens import TextPurpose, TextTokenStore
from storage import accounts, daily, models
from storage.database import Database
from tests.support import outbox_builders
from tests.support.outbox_builders import new_subscription

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
