"""The settings of readers, and export and deletion of their data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from bot.core.clock import Clock
from storage import accounts, alerts, archive, papers
from storage.database import Database


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
        """Return all data about a reader as JSON (UTF-8)."""
        tables: dict[str, list[dict[str, Any]]] = {}
        async with (
            self._database.read() as connection,
            aclosing(accounts.stream_reader_data(connection, user_id)) as parts,
        ):
            async for name, rows in parts:
                tables.setdefault(name, []).extend(rows)
        values = {"user_id": str(user_id), "collected_at": self._clock().isoformat(), "tables": tables}
        return await asyncio.to_thread(lambda: json.dumps(values, ensure_ascii=False, indent=1).encode())

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
