"""Removes rows older than the retention period, a few hundred per transaction, so that others can write in between.

Rows that prevent repeated posts are kept: matches already sent to a recipient and, for over a month, the
deliveries that contain a channel's papers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.core.clock import Clock
from storage import accounts, alerts, archive, day_counts, outbox, paper_texts, papers, shelf, sources, writer
from storage.database import Connection, Database
from storage.statements import delete_some

log = structlog.get_logger(__name__)

CONTENT_RETENTION = timedelta(days=30)
"""The age at which full texts of papers and payloads, which are needed to repeat a post, are removed."""
GUILD_RETENTION = timedelta(days=30)
"""The time for which the settings of a server are kept after the bot has left, in case it is invited again."""
UNDO_RETENTION = timedelta(days=1)
"""The time for which what was taken off a server's list can be put back."""
BATCH_SIZE = 500


class Retention:
    """Removes rows older than `days`. A run continues where an interrupted run stopped."""

    def __init__(self, database: Database, clock: Clock, *, days: int) -> None:
        self._database = database
        self._clock = clock
        self._days = days

    async def purge(self) -> int:
        """Remove everything that is too old. Returns the number of rows and payloads removed."""
        now = self._clock()
        content_before, before = now - CONTENT_RETENTION, now - timedelta(days=self._days)
        removed = 0
        for column, limit in (
            (accounts.button_texts.c.saved_at, content_before),
            (writer.drafts.c.updated_at, before),
            (writer.token_ledger.c.day_on, before.date()),
            (day_counts.question_counts.c.day_on, now.date()),
            (shelf.removed_papers.c.removed_at, now - UNDO_RETENTION),
            (sources.source_pages.c.read_at, before),  # pages that are still listed are read again
        ):
            removed += await self._repeat(delete_some, column.table, column < limit)
        removed += await self._repeat(paper_texts.purge, content_before)
        removed += await self._repeat(outbox.clear_payloads, content_before)
        removed += await self._repeat(alerts.purge_matches, content_before)
        removed += await self._repeat(_remove_unkept_papers, content_before)
        removed += await self._repeat(outbox.purge, before)
        guild_ids = await self._database.fetch(accounts.list_left_guilds, now - GUILD_RETENTION)
        for guild_id in guild_ids:
            removed += await self._remove_guild(guild_id)
        if removed:
            log.info("old rows removed", rows=removed)
        return removed

    async def _remove_guild(self, guild_id: int) -> int:
        """Remove all rows of a server, and the matches of its channels."""
        async with self._database.transaction() as connection:
            channel_ids = await outbox.list_channel_ids(connection, guild_id)
            of_guild = await alerts.list_rows(connection, guild_id=guild_id)
            for channel_id in channel_ids | {alert.channel_id for alert in of_guild}:
                await alerts.remove_recipient(connection, f"channel:{channel_id}")
            return await accounts.remove_server_rows(connection, guild_id)

    async def _repeat(self, remove_batch: Callable[..., Awaitable[int]], *arguments: object) -> int:
        """Repeat a removal, in a transaction each, until a batch is not full. Returns the number of rows removed."""
        removed = 0
        while True:
            count = await self._database.write(remove_batch, *arguments, BATCH_SIZE)
            removed += count
            if count < BATCH_SIZE:
                return removed


async def _remove_unkept_papers(connection: Connection, before: datetime, limit: int) -> int:
    """Remove papers that are in no digest and that no reader has saved: imported ones, and those once looked up."""
    await archive.lock_ingest(connection)
    return await papers.purge_unkept(connection, limit, read_before=before)
