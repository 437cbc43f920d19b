"""Readers' settings and saved papers."""

from __future__ import annotations

from bot.clock import Clock
from storage import models, papers, readers
from storage.database import Database


class Readers:
    """The use cases around readers. A reader is stored only once a setting or a paper is saved."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, user_id: int) -> models.Reader | None:
        """Return a stored reader, or None."""
        async with self._database.read() as connection:
            return await readers.get(connection, user_id)

    async def update(
        self,
        user_id: int,
        *,
        locale: models.Locale | None = None,
        timezone: str | None = None,
        dm_channel_id: int | None = None,
    ) -> None:
        """Store the given settings; a setting that is None keeps its value."""
        async with self._database.transaction() as connection:
            await readers.upsert(
                connection,
                user_id,
                now=self._clock(),
                locale=locale,
                timezone=timezone,
                dm_channel_id=dm_channel_id,
            )

    async def save_paper(self, user_id: int, paper_id: int) -> None:
        """Save a paper for a reader; a saved paper stays saved."""
        async with self._database.transaction() as connection:
            await readers.save_paper(connection, user_id, paper_id, self._clock())

    async def unsave_paper(self, user_id: int, paper_id: int) -> None:
        """Remove a paper from a reader's saved papers, if it is there."""
        async with self._database.transaction() as connection:
            await readers.unsave_paper(connection, user_id, paper_id)

    async def has_saved(self, user_id: int, paper_id: int) -> bool:
        """Whether a reader saved this paper."""
        async with self._database.read() as connection:
            return paper_id in await readers.list_saved_paper_ids(connection, user_id)

    async def list_saved(
        self, user_id: int, *, limit: int, offset: int = 0
    ) -> tuple[list[models.PaperRow], int]:
        """Return a page of a reader's saved papers, the last saved first, and their total number."""
        async with self._database.read() as connection:
            ids = await readers.list_saved_paper_ids(connection, user_id)
            rows = await papers.list_rows(connection, ids[offset : offset + limit])
        return rows, len(ids)
