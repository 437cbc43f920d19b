"""Maintenance of the index and the glossary, in this process or in a worker process."""

from __future__ import annotations

from bot.core import isolation
from bot.core.clock import Clock, system_clock
from bot.search import index as search_index
from bot.search.glossary import GlossaryService
from storage import locks, migrate, search, snapshot
from storage.database import Database


async def find_due(
    database: Database, clock: Clock, index: search_index.SearchIndex
) -> tuple[int, str] | None:
    """Return the number of papers in the archive and the reason maintenance is due, or None if it is not due.

    If there are only a few changes, they are indexed immediately.
    """
    async with database.read() as connection:
        is_current = await snapshot.read(connection, index.refresh)
        papers = await snapshot.read(connection, search.count_listed)
    if not is_current:
        return papers, "papers have changed"
    if await GlossaryService(database, clock).is_stale():
        return papers, "the archive has grown"
    return None


async def maintain(database: Database, clock: Clock, index: search_index.SearchIndex) -> None:
    """Bring the index up to date, then a stale glossary. It may be stopped at any point and run again."""
    async for _ in search_index.follow(database, index):
        pass
    glossary = GlossaryService(database, clock, index)
    if await glossary.is_stale():
        await glossary.rebuild()


async def maintain_in_worker(url: str, term: int | None = None, name: str | None = None) -> None:
    """Do the same in a worker process, which ends with this call.

    `url` is the database's, with its password, `name` the name of the sender's sessions. Writes only in the sender's `term`, if
    there is one. Raises PaperroundError; the progress made is kept.
    """
    arguments = (_maintain, url, term, name)
    await isolation.run_isolated(*arguments, seconds=None, megabytes=None, with_database=True)


async def _maintain(url: str, term: int | None, name: str | None) -> None:
    opened = await migrate.open_database(url, migrate=False, name=name)
    try:
        database = opened if term is None else locks.fenced(opened, lambda: term)
        index = search_index.SearchIndex(search_index.folder_of(opened))
        await maintain(database, system_clock, index)
    finally:
        await opened.close()
