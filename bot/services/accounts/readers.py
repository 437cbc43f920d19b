"""What a reader chose and kept: language, time zone, direct-message channel, saved papers."""

from __future__ import annotations

from bot.clock import Clock
from storage import models, papers, readers
from storage.database import Database


class Readers:
    """Looks after readers; nobody is kept who did not ask for something to be kept."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, user_id: int) -> models.Reader | None:
        """Return what is known of a reader, or None."""
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
        """Keep what a reader said; what is None stays as it was."""
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
        """Keep a paper for a reader; saving it twice changes nothing."""
        async with self._database.transaction() as connection:
            await readers.save_paper(connection, user_id, paper_id, self._clock())

    async def unsave_paper(self, user_id: int, paper_id: int) -> None:
        """Forget a saved paper; one that was not saved is no error."""
        async with self._database.transaction() as connection:
            await readers.unsave_paper(connection, user_id, paper_id)

    async def has_saved(self, user_id: int, paper_id: int) -> bool:
        """Tell whether a reader saved this paper."""
        async with self._database.read() as connection:
            return paper_id in await readers.list_saved_paper_ids(connection, user_id)

    async def list_saved(
        self, user_id: int, *, limit: int, offset: int = 0
    ) -> tuple[list[models.PaperRow], int]:
        """Return a page of a reader's saved papers, last saved first, and how many there are."""
        async with self._database.read() as connection:
            ids = await readers.list_saved_paper_ids(connection, user_id)
            rows = await papers.list_rows(connection, ids[offset : offset + limit])
        return rows, len(ids)
