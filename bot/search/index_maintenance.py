"""Maintenance of the index and the glossary, in this process or in a worker process."""

from __future__ import annotations

from bot.core import isolation
from bot.core.clock import Clock, system_clock
from bot.search import index as search_index
from bot.search.glossary_service import GlossaryService
from storage import locks, migrate, search
from storage.database import Database


async def find_due(
    database: Database, clock: Clock, index: search_index.SearchIndex
) -> tuple[int, str] | None:
    """Return the number of papers and the reason why maintenance is due, or None if it is not.

    A few changes are indexed right away.
    """
    is_current = await database.look_up(index.refresh)
    papers = await database.look_up(search.count_listed)
    if not is_current:
        return papers, "papers have changed"
    if await GlossaryService(database, clock).is_stale():
        return papers, "the archive has grown"
    return None


async def maintain(database: Database, clock: Clock, index: search_index.SearchIndex) -> None:
    """Update the index and, if stale, the glossary. Can be interrupted at any point and run again."""
    async for _ in search_index.follow(database, index):
        pass
    glossary = GlossaryService(database, clock, index)
    if await glossary.is_stale():
        await glossary.rebuild()


async def maintain_in_worker(url: str, term: int | None, name: str | None) -> None:
    """Run `maintain` in a worker process, which ends when this call does.

    `url` is the database URL including the password. `name` identifies the sender's database sessions. If `term` is
    given, writes only during that term. Raises PaperroundError, keeping the progress made.
    """
    await isolation.run_isolated(_maintain, url, term, name, seconds=None, megabytes=None, with_database=True)


async def _maintain(url: str, term: int | None, name: str | None) -> None:
    opened = await migrate.open_database(url, migrate=False, name=name)
    try:
        database = opened if term is None else locks.fenced(opened, lambda: term)
        index = search_index.SearchIndex(search_index.folder_of(opened))
        await maintain(database, system_clock, index)
    finally:
        await opened.close()
