"""Saves the progress of a run: page states, source health and operator notices, for many sources in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from bot.services.polling import health as polling_health
from bot.services.polling import page_states
from bot.sources import kinds
from storage import models, sources
from storage.database import Connection, Database

NotifyFailure = Callable[[Connection, models.StoredSource, datetime], Awaitable[None]]
"""Plans a notice to the operator, in the transaction that stores the source's failures."""

_FLUSH_PAGES = 250


async def skip_notification(connection: Connection, row: models.StoredSource, now: datetime) -> None:
    """Plan nothing: the default where no operator channel is set."""


class Checkpoint:
    """Buffers page states and writes them in batches. A lost buffer only costs a second fetch."""

    def __init__(self, database: Database, notify_failure: NotifyFailure) -> None:
        self._database = database
        self._notify_failure = notify_failure
        self._pages: list[tuple[int, models.PageState]] = []

    async def add_pages(self, row: models.StoredSource, pages: Sequence[models.PageState]) -> None:
        """Save the states of pages whose content is stored."""
        self._pages += [(row.id, page_states.with_page_key(page)) for page in pages]
        if len(self._pages) >= _FLUSH_PAGES:
            await self.flush()

    async def flush(self, updated: Sequence[models.StoredSource] = ()) -> None:
        """Write the buffered page states, and the health of the updated sources."""
        pages, self._pages = self._pages, []
        if not (pages or updated):
            return
        async with self._database.transaction() as connection:
            await sources.upsert_page_states(connection, pages)
            noticed = [await self._notify_if_due(connection, row) for row in updated]
            await sources.set_health(connection, *noticed)
            for row in noticed:
                await _remove_old_pages(connection, row)

    async def _notify_if_due(self, connection: Connection, row: models.StoredSource) -> models.StoredSource:
        """Notify the operator of a persistently failing source, and return the source with `noticed_at` set."""
        if not polling_health.is_notice_due(row) or row.last_attempt_at is None:
            return row
        await self._notify_failure(connection, row, row.last_attempt_at)
        return replace(row, noticed_at=row.last_attempt_at)


async def _remove_old_pages(connection: Connection, row: models.StoredSource) -> None:
    """Delete old page states after a run with new content: a feed, for one, no longer lists its old entries."""
    retention = kinds.get(row.kind).page_retention
    if retention is None or row.status is not models.FetchStatus.OK or row.last_attempt_at is None:
        return
    await sources.remove_page_states(connection, row.id, row.last_attempt_at - retention)
