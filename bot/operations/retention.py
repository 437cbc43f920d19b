"""Removes what is older than the retention time, in transactions of a few hundred rows between which others write.

Kept in a small form is what prevents repetition: which papers a recipient was notified of (packed), which papers a channel
was posted, and which digests a subscription has covered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.core.clock import Clock
from storage import accounts, alerts, daily, deliveries, outbox, shelf, writer
from storage.database import Connection, Database

log = structlog.get_logger(__name__)

CONTENT_RETENTION = timedelta(days=30)
"""Age at which payloads, with which a post could be edited or repeated, the decisions for `/why` and the full
texts of papers are removed."""
UNDO_PERIOD = timedelta(days=1)
"""Time in which a reader can take back the removal of a saved paper."""
BATCH_SIZE = 500
PAUSE_SECONDS = 0.02
"""Between two batches, for writers in other processes."""


class Retention:
    """One run over everything that can be removed. A run that is interrupted is continued by the next one.

    `days` is the retention time, `guild_days` that of a server that the bot has left (the same if None).
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        days: int,
        guild_days: int | None = None,
        batch_size: int = BATCH_SIZE,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._clock = clock
        self._days = days
        self._guild_days = days if guild_days is None else guild_days
        self._batch_size = batch_size
        self._sleep = sleep

    async def purge(self) -> int:
        """Remove all that is too old now. Returns the number of rows, or of payloads, removed."""
        now = self._clock()
        content_before, before = now - CONTENT_RETENTION, now - timedelta(days=self._days)
        removed = await self._clear_payloads(content_before)
        removed += await self._repeat(
            lambda connection: daily.purge_decisions(connection, content_before, self._batch_size)
        )
        removed += await self._repeat(
            lambda connection: writer.purge_texts(connection, content_before, self._batch_size)
        )
        removed += await self._repeat(
            lambda connection: alerts.purge_matches(connection, content_before, self._batch_size)
        )
        removed += await self._repeat(
            lambda connection: writer.purge_drafts(connection, before, self._batch_size)
        )
        removed += await self._repeat(
            lambda connection: shelf.purge_removed(connection, now - UNDO_PERIOD, self._batch_size)
        )
        removed += await self._repeat(
            lambda connection: shelf.purge_shared(connection, before, self._batch_size)
        )
        removed += await self._repeat(self._remove_answered)
        removed += await self._archive_notified(before)
        removed += await self._remove_deliveries(before)
        removed += await self._remove_left_guilds(now - timedelta(days=self._guild_days))
        if removed:
            log.info("old rows removed", rows=removed)
        return removed

    async def _remove_answered(self, connection: Connection) -> int:
        """Remove the alerts for single papers whose message was sent."""
        return await alerts.remove(
            connection, await alerts.list_answered_matches(connection, self._batch_size)
        )

    async def _clear_payloads(self, before: datetime) -> int:
        cleared = after_id = 0
        while True:
            async with self._database.read() as connection:
                ids = await deliveries.list_filled_parts(connection, before, after_id, self._batch_size)
            if not ids:
                return cleared
            async with self._database.transaction() as connection:
                cleared += await outbox.clear_payloads(connection, ids, before)
            after_id = ids[-1]
            await self._sleep(PAUSE_SECONDS)

    async def _archive_notified(self, before: datetime) -> int:
        archived, after = 0, ("", 0)
        while True:
            async with self._database.read() as connection:
                pairs = await alerts.list_old_notified(connection, before, after, self._batch_size)
            if not pairs:
                return archived
            async with self._database.transaction() as connection:
                await alerts.archive_notified(connection, pairs)
            archived += len(pairs)
            after = pairs[-1]
            await self._sleep(PAUSE_SECONDS)

    async def _remove_deliveries(self, before: datetime, guild_id: int | None = None) -> int:
        removed = after_id = 0
        while True:
            async with self._database.read() as connection:
                ids = await deliveries.list_removable(
                    connection, before, after_id, self._batch_size, guild_id=guild_id
                )
            if not ids:
                return removed
            async with self._database.transaction() as connection:
                # `/why` takes a posted paper without its delivery for one that was sent.
                await daily.remove_posted_of_deliveries(
                    connection, await deliveries.list_unsent(connection, ids)
                )
                removed += await outbox.remove(connection, ids)
            after_id = ids[-1]
            await self._sleep(PAUSE_SECONDS)

    async def _remove_left_guilds(self, before: datetime) -> int:
        async with self._database.read() as connection:
            guild_ids = await accounts.list_left_guilds(connection, before)
        return sum([await self._remove_guild(guild_id, before) for guild_id in guild_ids])

    async def _remove_guild(self, guild_id: int, before: datetime) -> int:
        """Remove the rows of a server that the bot left long ago; the row of the server itself last."""
        async with self._database.read() as connection:
            rows = await daily.list_rows(connection, guild_id=guild_id)
            of_guild = await alerts.list_in_channels(connection, guild_id, ())
            channel_ids = await deliveries.list_channel_ids(connection, guild_id)
        channel_ids |= {row.channel_id for row in rows}
        channel_ids |= {alert.channel_id for alert in of_guild if alert.channel_id is not None}
        removed = 0
        for channel_id in sorted(channel_ids):
            removed += await self._remove_channel(channel_id)
        for row in rows:
            removed += await self._remove_subscription(row.id)
        removed += await self._remove_deliveries(before, guild_id)
        async with self._database.transaction() as connection:
            await alerts.remove(connection, [alert.id for alert in of_guild])
            await shelf.clear_guild(connection, guild_id)
            await shelf.remove_shared_of_guild(connection, guild_id)
            if not await deliveries.list_rows(connection, guild_id=guild_id, limit=1):
                await accounts.remove_guild(connection, guild_id, before)
        return removed + len(of_guild)

    async def _remove_channel(self, channel_id: int) -> int:
        size, recipient = self._batch_size, f"channel:{channel_id}"
        return await self._repeat(
            lambda connection: daily.remove_posted_of_channel(connection, channel_id, size)
        ) + await self._repeat(
            lambda connection: alerts.remove_notified_recipient(connection, recipient, size)
        )

    async def _remove_subscription(self, subscription_id: int) -> int:
        size = self._batch_size
        removed = await self._repeat(
            lambda connection: daily.remove_posted_of_subscription(connection, subscription_id, size)
        ) + await self._repeat(lambda connection: daily.remove_decisions(connection, subscription_id, size))
        async with self._database.transaction() as connection:
            return removed + await daily.remove(connection, subscription_id)

    async def _repeat(self, remove_batch: Callable[[Connection], Awaitable[int]]) -> int:
        """Run a removal, each time in its own transaction, until it removes less than a whole batch."""
        removed = 0
        while True:
            async with self._database.transaction() as connection:
                count = await remove_batch(connection)
            removed += count
            if count < self._batch_size:
                return removed
            await self._sleep(PAUSE_SECONDS)
