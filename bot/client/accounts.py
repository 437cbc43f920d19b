"""Settings of readers and servers, texts too long for a button, and export and deletion of a reader's data."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import aclosing
from enum import StrEnum, auto
from typing import Any

from bot.core.clock import Clock
from bot.rendering import discord_text
from storage import accounts, alerts, archive, daily, outbox, papers
from storage.database import Database
from storage.errors import UsageError
from storage.models import ActivityState, Reason
from storage.snapshot import chunked


class Guilds:
    """The settings of servers. They are kept for a while after the bot leaves, since many servers invite it again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_ids(self) -> frozenset[int]:
        """Return the ids of stored servers that the bot has not left."""
        return frozenset(await self._database.fetch(accounts.list_present_guilds))

    async def update(self, by_id: Mapping[int, accounts.GuildSettings]) -> None:
        """Store fields of servers that the bot is in. None leaves the stored value unchanged.

        Resumes posts to servers that the bot rejoined, and retries refused ones.
        """
        for ids in chunked(by_id):
            async with self._database.transaction() as connection:
                chosen = {guild_id: by_id[guild_id] for guild_id in ids}
                await accounts.upsert_guilds(connection, chosen)
                await daily.resume_returned(connection, ids)
                await outbox.try_now(connection, self._clock(), guild_id=ids)

    async def try_refused(self, **destinations: Collection[int]) -> None:
        """Retry refused deliveries to channels or servers now."""
        async with self._database.read() as connection:
            if not await outbox.list_refused(connection, **destinations):
                return  # a large server's channels change every minute
        await self._database.write(outbox.try_now, self._clock(), **destinations)

    async def mark_left(self, guild_ids: Collection[int]) -> None:
        """Record that the bot left these servers, and pause their daily posts."""
        if not guild_ids:
            return
        async with self._database.transaction() as connection:
            await accounts.mark_guild_left(connection, sorted(guild_ids), self._clock())
            for guild_id in sorted(guild_ids):
                active = await daily.list_rows(connection, guild_id=guild_id, state=ActivityState.ACTIVE)
                ids = [subscription.id for subscription in active]
                await daily.set_state(connection, ids, ActivityState.PAUSED, reason=Reason.GUILD_LEFT)


TOKEN_LENGTH = 16
TEXTS_OF_READER = 64
"""The most texts stored for one reader."""


class TextPurpose(StrEnum):
    """The use of a stored text. A list's text is typed by readers, so it must never be accepted as a draft."""

    LIST = auto()
    ALERT = auto()
    SUBSCRIPTION = auto()


class TextTokenStore:
    """Stores texts that are too long for a button's custom id, under short hashes called tokens.

    Custom ids can be forged, so a token is valid only for its purpose. Above TEXTS_OF_READER, a reader's new
    text replaces the oldest, whose buttons then report that they are outdated. Texts are removed after
    CONTENT_RETENTION.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def save(self, user_id: int, purpose: TextPurpose, text: str) -> str:
        """Store a reader's text and return its token: `TOKEN_LENGTH` hexadecimal characters."""
        token = make_token(text)
        await self._database.write(
            accounts.add_text, user_id, f"{purpose}:{token}", text, self._clock(), TEXTS_OF_READER
        )
        return token

    async def get(self, purpose: TextPurpose, token: str) -> str | None:
        """Return any reader's text for a token, or None if it was removed or stored for another purpose."""
        return await self._database.fetch(accounts.get_text, f"{purpose}:{token}")


def make_token(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:TOKEN_LENGTH]


class Readers:
    """Readers' settings, and the data for `/me`.

    The tables declare which columns hold a reader's id. A reader is stored when a setting is saved. `on_forget`
    is called with the id of a reader whose data is deleted.
    """

    def __init__(
        self, database: Database, clock: Clock, on_forget: Callable[[int], object] = lambda _: None
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_forget = on_forget

    async def export(self, user_id: int) -> bytes:
        """Return all data about a reader as JSON (UTF-8). Raises UsageError if Discord would reject it."""
        tables: dict[str, list[dict[str, Any]]] = {}
        async with (
            self._database.read() as connection,
            aclosing(accounts.stream_reader_data(connection, user_id)) as parts,
        ):
            async for name, rows in parts:
                tables.setdefault(name, []).extend(rows)
        values = {"user_id": str(user_id), "collected_at": self._clock().isoformat(), "tables": tables}
        content = await asyncio.to_thread(lambda: json.dumps(values, ensure_ascii=False, indent=1).encode())
        if len(content) > discord_text.FILE_BYTES:
            raise UsageError("The file is larger than Discord accepts.", "me-data-too-large")
        return content

    async def forget(self, user_id: int) -> dict[str, int]:
        """Delete all data about a reader, including unsent messages. Returns the number of rows, keyed by table.

        A message in flight may still arrive, but is not stored.
        """
        async with self._database.transaction() as connection:
            # Alerts being planned and papers being imported are stored before this transaction or not at all.
            await alerts.lock_planning(connection)
            await accounts.lock_reader(connection, user_id)
            counts = await accounts.count_reader_data(connection, user_id)
            reader_alerts = await alerts.list_rows(connection, user_id=user_id)
            await alerts.remove(connection, [alert.id for alert in reader_alerts])
            paper_ids = await accounts.remove_reader_data(connection, user_id)
        async with self._database.transaction() as connection:
            await archive.lock_ingest(connection)
            await papers.purge_unkept(connection, len(paper_ids), paper_ids)
        self._on_forget(user_id)
        return counts
