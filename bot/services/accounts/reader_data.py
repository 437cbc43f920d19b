"""What is kept about one reader, as a file, and its removal."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from bot.clock import Clock
from storage import alerts
from storage.accounts import reader_data
from storage.database import Database


class ReaderData:
    """The use cases of `/me`. The tables declare themselves which of their columns hold a reader's id."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def collect(self, user_id: int) -> dict[str, Any]:
        """Return everything kept about a reader: the rows by table, as JSON."""
        async with self._database.read() as connection:
            found = await reader_data.collect(connection, user_id)
        return {"user_id": str(user_id), "collected_at": self._clock().isoformat(), "tables": found}

    async def export(self, user_id: int) -> bytes:
        """Return everything kept about a reader as the content of a JSON file, in UTF-8."""
        found = await self.collect(user_id)
        return await asyncio.to_thread(lambda: json.dumps(found, ensure_ascii=False, indent=1).encode())

    async def count(self, user_id: int) -> dict[str, int]:
        """Return how many rows name a reader, by table."""
        async with self._database.read() as connection:
            return await reader_data.count(connection, user_id)

    async def forget(self, user_id: int) -> dict[str, int]:
        """Remove everything kept about a reader, also messages that wait to be sent. Returns the rows, by table.

        A message that is on its way at this moment may still arrive; nothing of it is stored.
        """
        async with self._database.transaction() as connection:
            # A batch of alerts that is being planned is stored before or not at all.
            await alerts.lock_planning(connection)
            counts = await reader_data.count(connection, user_id)
            await reader_data.remove(connection, user_id)
        return counts
