"""Sets aside what was being read at two crashes in a row, so that one hostile file cannot keep the bot from running.

What is being read is stored before and removed after. What a crash leaves is suspect: it is read once more, alone.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from storage import key_values
from storage.database import Connection, Database

MAX_CRASHES = 2

CRASHED_TWICE = "crashed-twice"
"""The reason of what was being read at two crashes in a row; the templates have its sentence."""


class Quarantine:
    """Remembers the items of one kind that are being read. One process at a time may use it.

    Items are given with a fingerprint, which lets a changed item be read again.
    """

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._key = f"{key_values.BEING_READ}{kind}"

    async def admit(self, items: Mapping[str, str]) -> tuple[list[str], list[str], list[str]]:
        """Divide items that are not being read by the number of crashes at which they were.

        Returns those to read together, those to read each alone, and those not to read at all.
        """
        async with self._database.read() as connection:
            crashes = await self._load(connection)
        counts = {
            name: count
            for name, fingerprint in items.items()
            if (count := crashes.get(name, {}).get(fingerprint, 0))
        }
        return (
            [name for name in items if name not in counts],
            [name for name, count in counts.items() if count < MAX_CRASHES],
            [name for name, count in counts.items() if count >= MAX_CRASHES],
        )

    @asynccontextmanager
    async def reading(self, items: Mapping[str, str]) -> AsyncIterator[None]:
        """Count the items as being read until the block ends, with or without an error; a crash leaves the count."""
        if not items:
            yield
            return
        async with self._database.transaction() as connection:
            crashes = await self._load(connection)
            for name, fingerprint in items.items():
                crashes[name] = {fingerprint: crashes.get(name, {}).get(fingerprint, 0) + 1}
            await self._save(connection, crashes)
        try:
            yield
        finally:
            await self.forget(items)

    async def forget(self, names: Collection[str]) -> None:
        """Remove the counts of items, as after a good reading."""
        async with self._database.transaction() as connection:
            crashes = await self._load(connection)
            await self._save(connection, {name: own for name, own in crashes.items() if name not in names})

    async def _load(self, connection: Connection) -> dict[str, dict[str, int]]:
        """Return the number of readings without an end, by name and fingerprint."""
        stored: dict[str, dict[str, int]] = json.loads(await key_values.get(connection, self._key) or "{}")
        return stored

    async def _save(self, connection: Connection, crashes: dict[str, dict[str, int]]) -> None:
        if crashes:
            await key_values.set_value(connection, self._key, json.dumps(crashes))
        else:
            await key_values.remove(connection, self._key)
