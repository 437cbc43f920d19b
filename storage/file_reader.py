"""Look-ups in a SQLite file without SQLAlchemy, which takes a third of a second to load."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from storage import sqlite_file
from storage.snapshot import Snapshot, SnapshotPool

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")


class FileReader:
    """A file for look-ups, like a `Database`, which is opened once something else is asked or a look-up fails."""

    def __init__(self, path: Path, open_database: Callable[[], Awaitable[Database]]) -> None:
        self.path = path
        self.snapshots = SnapshotPool(partial(sqlite_file.connect_reader, path))
        self._open_database, self._opening = open_database, asyncio.Lock()
        self._database: Database | None = None

    @property
    def label(self) -> str:
        """The file's path."""
        return str(self.path)

    async def look_up(
        self,
        function: Callable[Concatenate[Snapshot, Parameters], Result],
        *arguments: Parameters.args,
        **options: Parameters.kwargs,
    ) -> Result:
        """See `Database.look_up`."""
        try:
            return await self.snapshots.run(lambda view: function(view, *arguments, **options))
        except (sqlite3.Error, OSError, OverflowError):
            # The database raises errors that say what to do.
            return await (await self._open()).look_up(function, *arguments, **options)

    async def fetch(
        self,
        function: Callable[Concatenate[AsyncConnection, Parameters], Awaitable[Result]],
        *arguments: Parameters.args,
        **options: Parameters.kwargs,
    ) -> Result:
        """See `Database.fetch`."""
        return await (await self._open()).fetch(function, *arguments, **options)

    async def write(
        self,
        function: Callable[Concatenate[AsyncConnection, Parameters], Awaitable[Result]],
        *arguments: Parameters.args,
        **options: Parameters.kwargs,
    ) -> Result:
        """See `Database.write`."""
        return await (await self._open()).write(function, *arguments, **options)

    async def _open(self) -> Database:
        async with self._opening:
            if self._database is None:
                self._database = await self._open_database()
        return self._database

    async def close(self) -> None:
        """Close all connections."""
        await self.snapshots.close()
        if self._database is not None:
            await self._database.close()


async def open_reader(url: str, open_database: Callable[[], Awaitable[Database]]) -> Database | FileReader:
    """Open a database for look-ups: without SQLAlchemy if it is a SQLite file with the current schema."""
    path = sqlite_file.path_of(url)
    if path is None or not path.is_file():
        return await open_database()
    reader = FileReader(path, open_database)
    # Any other version, or a file that cannot be read, is what `open_database` knows about.
    query = "SELECT value FROM meta WHERE key = 'schema:version'"
    with suppress(sqlite3.Error):
        if await reader.snapshots.run(lambda view: view.fetch(query)) == [(str(sqlite_file.SCHEMA_VERSION),)]:
            return reader
    await reader.close()
    return await open_database()
