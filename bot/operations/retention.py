"""Removes rows older than the retention time, a few hundred per transaction, so that others can write in between.

Rows that prevent repeated posts stay: the matches sent to a recipient, and for over a month the deliveries with a channel's
papers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.core.clock import Clock
from storage import accounts, alerts, archive, daily, outbox, papers, tables
from storage.database import Connection, Database, delete_some

log = structlog.get_logger(__name__)

CONTENT_RETENTION = timedelta(days=30)
"""Age at which payloads, which are needed to repeat a post, and full texts of papers are removed."""
GUILD_RETENTION = timedelta(days=30)
"""Time for which the settings of a left server are kept, in case it invites the bot again."""
BATCH_SIZE = 500
PAUSE_SECONDS = 0.02
"""Pause between batches, for writers in other processes."""


class Retention:
    """Removes rows older than `days`. A run continues an interrupted earlier run."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        days: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._clock = clock
        self._days = days
        self._sleep = sleep

    async def purge(self) -> int:
        """Remove everything that is too old. Returns the number of removed rows and payloads."""
        now = self._clock()
        content_before, before = now - CONTENT_RETENTION, now - timedelta(days=self._days)
        removed = 0
        for column, limit in (
            (tables.paper_texts.c.fetched_at, content_before),
            (tables.button_texts.c.saved_at, content_before),
            (tables.drafts.c.updated_at, before),
            (tables.source_pages.c.read_at, before),  # still listed pages are read again
        ):
            removed += await self._repeat(delete_some, column.table, column < limit)
        removed += await self._repeat(outbox.clear_payloads, content_before)
        removed += await self._repeat(alerts.purge_matches, content_before)
        removed += await self._repeat(_remove_unkept_papers)
        removed += await self._repeat(outbox.purge, before)
        left_before = now - GUILD_RETENTION
        async with self._database.read() as connection:
            guild_ids = await accounts.list_left_guilds(connection, left_before)
        for guild_id in guild_ids:
            removed += await self._remove_guild(guild_id, left_before)
        if removed:
            log.info("old rows removed", rows=removed)
        return removed

    async def _remove_guild(self, guild_id: int, before: datetime) -> int:
        """Remove the rows of a server that the bot left long ago, but keep its settings if the bot has returned."""
        async with self._database.read() as connection:
            rows = await daily.list_rows(connection, guild_id=guild_id)
            of_guild = await alerts.list_rows(connection, guild_id=guild_id)
            channel_ids = await outbox.list_channel_ids(connection, guild_id)
        channel_ids |= {row.channel_id for row in rows}
        channel_ids |= {alert.channel_id for alert in of_guild if alert.channel_id is not None}
        removed = 0
        for channel_id in sorted(channel_ids):
            removed += await self._repeat(alerts.remove_recipient, f"channel:{channel_id}")
        removed += await self._repeat(partial(outbox.purge, guild_id=guild_id), before)
        async with self._database.transaction() as connection:
            if not await accounts.is_left(connection, guild_id, before):
                return removed
            for row in rows:
                removed += await daily.remove(connection, row.id)
            await alerts.remove(connection, [alert.id for alert in of_guild])
            await accounts.remove_server_rows(connection, guild_id)
            if not await outbox.list_rows(connection, guild_id=guild_id, limit=1):
                await accounts.remove_guild(connection, guild_id)
        return removed + len(of_guild)

    async def _repeat(self, remove_batch: Callable[..., Awaitable[int]], *arguments: object) -> int:
        """Run a removal in separate transactions until a batch is not full. Returns the number of removed rows."""
        removed = 0
        while True:
            async with self._database.transaction() as connection:
                count = await remove_batch(connection, *arguments, BATCH_SIZE)
            removed += count
            if count < BATCH_SIZE:
                return removed
            await self._sleep(PAUSE_SECONDS)


async def _remove_unkept_papers(connection: Connection, limit: int) -> int:
    """Remove papers that are in no digest and not saved by any reader, such as imported papers."""
    await archive.lock_ingest(connection)
    return await papers.purge_unkept(connection, limit)
