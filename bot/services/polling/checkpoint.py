"""Keeps what a pass over the sources learnt: places, healths, notices; many sources in one transaction."""

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
"""Plans one notice to the operator, in the transaction that keeps the source's failures."""

_FLUSH_PAGES = 250


async def skip_notification(connection: Connection, row: models.StoredSource, now: datetime) -> None:
    """Stand in for a notice where there is nobody to tell."""


class Checkpoint:
    """Keeps what is to be remembered, many sources in one transaction. What is lost is only asked for once more."""

    def __init__(self, database: Database, notice: NotifyFailure) -> None:
        self._database = database
        self._notify_failure = notice
        self._pages: list[tuple[int, models.PageState]] = []

    async def add_pages(self, row: models.StoredSource, pages: Sequence[models.PageState]) -> None:
        """Remember places whose news are stored."""
        self._pages += [(row.id, page_states.with_page_key(page)) for page in pages]
        if len(self._pages) >= _FLUSH_PAGES:
            await self.flush()

    async def flush(self, health: Sequence[models.StoredSource] = ()) -> None:
        """Write down what is to be remembered, and how sources are."""
        pages, self._pages = self._pages, []
        if not (pages or health):
            return
        async with self._database.transaction() as connection:
            await sources.upsert_page_states(connection, pages)
            told = [await self._notify_if_due(connection, one) for one in health]
            await sources.set_health(connection, *told)
            for one in told:
                retention = kinds.get(one.kind).page_retention
                if (
                    retention is not None
                    and one.status is models.FetchStatus.OK
                    and one.last_attempt_at is not None
                ):
                    await sources.remove_page_states(connection, one.id, one.last_attempt_at - retention)

    async def _notify_if_due(self, connection: Connection, row: models.StoredSource) -> models.StoredSource:
        """Tell the operator of a source that goes on failing, and note that it was told."""
        if not polling_health.is_notice_due(row) or row.last_attempt_at is None:
            return row
        await self._notify_failure(connection, row, row.last_attempt_at)
        return replace(row, noticed_at=row.last_attempt_at)
