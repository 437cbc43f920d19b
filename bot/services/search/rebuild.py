"""Makes the indexes of papers and people anew from what is stored, beside those that answer meanwhile; and fills gaps.

What was done is kept in the database with each step, so whoever comes next goes on after a crash, and two processes
help each other. The glossary is not made here.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass, replace

from bot.services.search import document_tokens, indexer
from storage import digests, key_values, migrate, models, papers
from storage.database import Connection, Database
from storage.errors import InUseError
from storage.search import authors, index, shadow_index, texts

PAPERS_A_STEP = 100
PEOPLE_A_STEP = 1000
CLEARED_A_STEP = 2000
"""Rows of the former index, of up to four kilobytes each."""
REST = 0.25
"""After each step others have the database for this share of the time that it took: SQLite lets nobody queue."""
_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a new index is: what it is made by, papers done (the last stored first), the last of the people done.

    `in_place`: it answers already, and what is left is to clear the former one away.
    """

    made_by: str
    papers: int = 0
    before_id: int | None = None
    person_id: int = 0
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """How the index is. `made_by` is None when nobody noted it; `missing` papers are stored and not in it."""

    made_by: str | None
    papers: int
    missing: int
    progress: Progress | None

    @property
    def is_outdated(self) -> bool:
        """Whether another version of the analyser made it, so that look-ups may miss what is there."""
        return self.papers > 0 and self.made_by != document_tokens.VERSION

    @property
    def needs_making(self) -> bool:
        """Whether it is to be made anew: it is outdated, or somebody began to and did not come to the end."""
        return self.is_outdated or self.progress is not None


async def examine(database: Database) -> Condition:
    """Look at the index. Counts all papers, which takes a tenth of a second at a million."""
    async with database.read() as connection:
        indexed = await index.count_all(connection)
        return Condition(
            await key_values.get(connection, key_values.INDEX_VERSION),
            indexed,
            max(0, await papers.count(connection) - indexed),
            await _progress(connection),
        )


async def note_version(database: Database) -> None:
    """Note, while the index is empty, by what it will be made. To be called before papers are stored.

    Papers in an index of which nothing is noted were put there by an unknown version.
    """
    async with database.read() as connection:
        if await key_values.get(
            connection, key_values.INDEX_VERSION
        ) == document_tokens.VERSION or await _is_filled(connection):
            return
    async with database.transaction() as connection:
        await digests.lock(connection)
        if not await _is_filled(connection):
            await key_values.set_value(connection, key_values.INDEX_VERSION, document_tokens.VERSION)


async def _is_filled(connection: Connection) -> bool:
    return bool(await index.list_sample(connection, limit=1))


async def rebuild(database: Database) -> AsyncGenerator[int, None]:
    """Make the indexes anew, or go on where somebody stopped; yields how many papers are done. Look-ups go on."""
    async with database.transaction() as connection:
        await digests.lock(connection)
        progress: Progress | None = await _progress(connection)
        if progress is None or progress.made_by != _maker():
            progress = await _begin(connection)
    while progress is not None:
        yield progress.papers
        begun = time.monotonic()
        try:
            async with database.transaction() as connection:
                await digests.lock(connection)
                progress = await _step(connection)
        except InUseError:
            await asyncio.sleep(_AGAIN_SECONDS)
        await asyncio.sleep(REST * (time.monotonic() - begun))


async def _begin(connection: Connection) -> Progress:
    await shadow_index.create(connection)
    sample = await index.list_sample(connection, limit=indexer.LEARNED_FROM)
    if len(sample) == indexer.LEARNED_FROM:
        async with shadow_index.writing(connection):
            # What the new index has at first is too little to learn from.
            await texts.learn(connection, [one.texts for one in sample])
    return await _keep(connection, Progress(_maker()))


async def fill(database: Database) -> AsyncGenerator[int, None]:
    """Index the papers that are missing, and everybody; yields how many papers are done."""
    before, done = None, 0
    while True:
        async with database.transaction() as connection:
            await digests.lock(connection)
            ids = await index.list_unindexed(connection, before_id=before, limit=PAPERS_A_STEP)
            await _index(connection, ids)
        if not ids:
            break
        before, done = ids[-1], done + len(ids)
        yield done
    person_id = 0
    while people := await _next_people(database, person_id):
        async with database.transaction() as connection:
            await digests.lock(connection)
            await indexer.SearchIndexer().index(connection, [], people)
        person_id = people[-1].id


async def _next_people(database: Database, after_id: int) -> list[models.Author]:
    async with database.read() as connection:
        return await authors.list_all(connection, after_id=after_id, limit=PEOPLE_A_STEP)


def _maker() -> str:
    """Return by what a new index is made; tables that have another form than today's cannot be gone on with."""
    return f"{document_tokens.VERSION}@{migrate.HEAD}"


async def _progress(connection: Connection) -> Progress | None:
    kept = await key_values.get(connection, key_values.INDEX_BESIDE)
    return None if kept is None else Progress(**json.loads(kept))


async def _keep(connection: Connection, progress: Progress) -> Progress:
    await key_values.set_value(connection, key_values.INDEX_BESIDE, json.dumps(asdict(progress)))
    return progress


async def _step(connection: Connection) -> Progress | None:
    """Do a little, and keep that it is done; None when nothing is left to do, or another version has taken over."""
    progress = await _progress(connection)
    if progress is None or progress.made_by != _maker():
        return None
    if progress.in_place:
        if await shadow_index.clear_away(connection, rows_at_once=CLEARED_A_STEP):
            return progress
        await key_values.remove(connection, key_values.INDEX_BESIDE)
        return None
    async with shadow_index.writing(connection):
        ids = await index.list_unindexed(connection, before_id=progress.before_id, limit=PAPERS_A_STEP)
        if ids:
            await _index(connection, ids)
            done = replace(progress, papers=progress.papers + len(ids), before_id=ids[-1])
            return await _keep(connection, done)
        people = await authors.list_all(connection, after_id=progress.person_id, limit=PEOPLE_A_STEP)
        if people:
            await indexer.SearchIndexer().index(connection, [], people)
            return await _keep(connection, replace(progress, person_id=people[-1].id))
        if await _catch_up(connection):
            return progress
    await shadow_index.swap(connection)
    await key_values.set_value(connection, key_values.INDEX_VERSION, document_tokens.VERSION)
    return await _keep(connection, replace(progress, in_place=True))


async def _catch_up(connection: Connection) -> bool:
    """Do again what changed meanwhile; True if more may be left."""
    ids = await shadow_index.take_changed(connection, shadow_index.Kind.PAPERS, limit=PAPERS_A_STEP)
    await indexer.SearchIndexer().remove(connection, ids)
    await _index(connection, ids)
    person_ids = await shadow_index.take_changed(connection, shadow_index.Kind.PEOPLE, limit=PEOPLE_A_STEP)
    people = await authors.list_by_ids(connection, person_ids)
    await indexer.SearchIndexer().index(connection, [], people)
    return len(ids) == PAPERS_A_STEP or len(person_ids) == PEOPLE_A_STEP


async def _index(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        found = await papers.list_indexed(connection, ids=ids)
        await indexer.SearchIndexer().index(connection, found, [])
