"""Readers and servers: their settings, the long texts behind their buttons, and what is kept about one reader."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, Unpack

from bot.core.clock import Clock
from storage import accounts, alerts, archive, bulk, daily, key_values, papers, shelf
from storage.database import Database
from storage.models import ActivityState, Guild, Reader, Reason


class Readers:
    """The use cases around readers. A reader is stored only once a setting is saved."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, user_id: int) -> Reader | None:
        """Return a reader, or None without saved settings."""
        async with self._database.read() as connection:
            return await accounts.get_reader(connection, user_id)

    async def update(self, user_id: int, **settings: Unpack[accounts.ReaderSettings]) -> None:
        """Store the given settings; a setting that is None keeps its value."""
        async with self._database.transaction() as connection:
            await accounts.upsert_reader(connection, user_id, now=self._clock(), **settings)

    async def is_news_off(self, user_id: int) -> bool:
        """Whether a reader wants no weekly message about saved papers."""
        async with self._database.read() as connection:
            return await shelf.is_news_off(connection, user_id)

    async def set_news_off(self, user_id: int, off: bool) -> None:
        """Switch the weekly message about saved papers off, or on again."""
        async with self._database.transaction() as connection:
            await shelf.set_news_off(connection, user_id, off)


class Guilds:
    """The use cases around servers. When the bot leaves, all is kept for the retention time: many invite it again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, guild_id: int) -> Guild | None:
        """Return a stored server, or None."""
        async with self._database.read() as connection:
            return await accounts.get_guild(connection, guild_id)

    async def list_ids(self) -> frozenset[int]:
        """Return the ids of the stored servers that the bot has not left."""
        async with self._database.read() as connection:
            return frozenset(await accounts.list_present_guilds(connection))

    async def update(self, guild_id: int, **settings: Unpack[accounts.GuildSettings]) -> None:
        """Store the given fields of a server that the bot is in; a field that is None keeps its value."""
        await self.update_all({guild_id: settings})

    async def update_all(self, by_id: Mapping[int, accounts.GuildSettings]) -> None:
        """Store what `update` does for many servers, in batches: each of them is one transaction."""
        for ids in bulk.chunked(by_id):
            async with self._database.transaction() as connection:
                chosen = {guild_id: by_id[guild_id] for guild_id in ids}
                await accounts.upsert_guilds(connection, chosen, now=self._clock())

    async def mark_left(self, guild_ids: Collection[int]) -> None:
        """Record that the bot left these servers, and pause their daily posts."""
        if not guild_ids:
            return
        async with self._database.transaction() as connection:
            await accounts.mark_guild_left(connection, sorted(guild_ids), self._clock())
            for guild_id in sorted(guild_ids):
                active = await daily.list_rows(connection, guild_id=guild_id, state=ActivityState.ACTIVE)
                ids = [subscription.id for subscription in active]
                paused = ActivityState.PAUSED
                await daily.set_state(connection, ids, paused, reason=Reason.GUILD_LEFT)

    async def reconcile(self, present_ids: Collection[int]) -> list[int]:
        """Mark the stored servers that are not in `present_ids` as left. Returns their ids."""
        left_ids = sorted(await self.list_ids() - set(present_ids))
        await self.mark_left(left_ids)
        return left_ids


TOKEN_LENGTH = 16


class TextTokenStore:
    """Stores texts that are too long for a button's custom id under short tokens, which are hashes of the texts.

    The slots are fixed in number: a new text overwrites an older one in its slot, whose buttons are then outdated.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, text: str) -> str:
        """Store a text and return its token: `TOKEN_LENGTH` hexadecimal characters."""
        token = make_token(text)
        async with self._database.transaction() as connection:
            await key_values.set_value(connection, _slot_key(token), text)
        return token

    async def get(self, token: str) -> str | None:
        """Return the text of a token, or None if it was never stored or is overwritten."""
        async with self._database.read() as connection:
            text = await key_values.get(connection, _slot_key(token))
        return text if text is not None and make_token(text) == token else None


def make_token(text: str) -> str:
    """Return the token of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:TOKEN_LENGTH]


def _slot_key(token: str) -> str:
    slot = int(hashlib.sha256(token.encode()).hexdigest()[:8], 16) % 4096
    return f"text:{slot}"


class ReaderData:
    """The use cases of `/me`. The tables declare themselves which of their columns hold a reader's id."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def collect(self, user_id: int) -> dict[str, Any]:
        """Return everything kept about a reader: the rows by table, as JSON."""
        async with self._database.read() as connection:
            found = await accounts.collect_reader_data(connection, user_id)
        return {"user_id": str(user_id), "collected_at": self._clock().isoformat(), "tables": found}

    async def export(self, user_id: int) -> bytes:
        """Return everything kept about a reader as the content of a JSON file, in UTF-8."""
        found = await self.collect(user_id)
        return await asyncio.to_thread(lambda: json.dumps(found, ensure_ascii=False, indent=1).encode())

    async def count(self, user_id: int) -> dict[str, int]:
        """Return how many rows name a reader, by table."""
        async with self._database.read() as connection:
            return await accounts.count_reader_data(connection, user_id)

    async def forget(self, user_id: int) -> dict[str, int]:
        """Remove everything kept about a reader, also messages that wait to be sent. Returns the rows, by table.

        A message that is on its way at this moment may still arrive; nothing of it is stored.
        """
        async with self._database.transaction() as connection:
            # A batch of alerts that is being planned is stored before or not at all.
            await alerts.lock_planning(connection)
            counts = await accounts.count_reader_data(connection, user_id)
            paper_ids = await accounts.remove_reader_data(connection, user_id)
        async with self._database.transaction() as connection:
            await archive.lock_ingest(connection)
            await papers.purge_unkept(connection, len(paper_ids), paper_ids)
        return counts
