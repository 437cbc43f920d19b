"""Readers' settings."""

from __future__ import annotations

from bot.clock import Clock
from storage import models, readers
from storage.database import Database
from storage.news import news_readers


class Readers:
    """The use cases around readers. A reader is stored only once a setting is saved."""

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

    async def is_news_off(self, user_id: int) -> bool:
        """Whether a reader wants no weekly message about saved papers."""
        async with self._database.read() as connection:
            return await news_readers.is_off(connection, user_id)

    async def set_news_off(self, user_id: int, off: bool) -> None:
        """Switch the weekly message about saved papers off, or on again."""
        async with self._database.transaction() as connection:
            await news_readers.set_off(connection, user_id, off)
