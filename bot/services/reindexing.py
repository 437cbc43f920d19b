"""Makes everything that look-ups work on anew from what is stored: the indexes of papers and people, and the glossary."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.clock import Clock, system_clock
from bot.services import glossaries, index_tokens, indexing
from storage import author_search, digests, glossary, meta, papers, search
from storage.database import Connection, Database

AT_ONCE = 20_000
"""Up to so many papers are done in one transaction, so that nobody sees half an index; more in pieces, newest first."""
_CHUNK = 200
_PEOPLE = 2000
_VERSION = "index:version"


async def rebuild(database: Database, clock: Clock = system_clock) -> AsyncIterator[int]:
    """Rebuild, and yield from time to time how many papers are done. Look-ups go on meanwhile."""
    async with database.read() as connection:
        total = await papers.count(connection)
    done = 0
    if total <= AT_ONCE:
        async with database.transaction() as connection:
            await _clear(connection)
            async for done in _fill(connection):
                yield done
            await _index_people(connection)
    else:
        async for done in _in_pieces(database):
            yield done
    await glossaries.Glossaries(database, clock).rebuild()
    yield done


async def is_outdated(database: Database) -> bool:
    """Tell whether the index was made by another version of the analyser, so that it should be rebuilt."""
    async with database.read() as connection:
        made_by = await meta.get(connection, _VERSION)
        return made_by not in (None, index_tokens.VERSION)


async def _in_pieces(database: Database) -> AsyncIterator[int]:
    async with database.transaction() as connection:
        await _clear(connection)
    before, done = None, 0
    while True:
        async with database.transaction() as connection:
            await digests.lock(connection)
            ids = await search.list_unindexed(connection, before_id=before, limit=_CHUNK)
            await _index(connection, ids)
        if not ids:
            break
        before, done = ids[-1], done + len(ids)
        yield done
    async with database.transaction() as connection:
        await digests.lock(connection)
        await _index_people(connection)


async def _clear(connection: Connection) -> None:
    await digests.lock(connection)
    await search.clear(connection)
    await author_search.clear(connection)
    await glossary.clear_mentions(connection)
    await meta.set_value(connection, _VERSION, index_tokens.VERSION)


async def _fill(connection: Connection) -> AsyncIterator[int]:
    before, done = None, 0
    while ids := await search.list_unindexed(connection, before_id=before, limit=_CHUNK):
        await _index(connection, ids)
        before, done = ids[-1], done + len(ids)
        yield done


async def _index(connection: Connection, ids: list[int]) -> None:
    found = await papers.list_indexed(connection, ids=ids)
    await indexing.SearchIndexer().index(connection, found, [])


async def _index_people(connection: Connection) -> None:
    behind = 0
    while people := await author_search.list_all(connection, after_id=behind, limit=_PEOPLE):
        await indexing.SearchIndexer().index(connection, [], people)
        behind = people[-1].id
