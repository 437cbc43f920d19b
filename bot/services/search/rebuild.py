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
from storage.search import author_index, index, shadow_index, text_codec

PAPERS_PER_STEP = 100
AUTHORS_PER_STEP = 1000
DELETED_ROWS_PER_STEP = 2000
"""Rows of the former index, of up to four kilobytes each."""
PAUSE_RATIO = 0.25
"""After each step others have the database for this share of the time that it took: SQLite lets nobody queue."""
_RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class RebuildProgress:
    """How far a new index is: what it is made by, papers done (the last stored first), the last of the people done.

    `in_place`: it answers already, and what is left is to clear the former one away.
    """

    made_by: str
    papers: int = 0
    before_id: int | None = None
    person_id: int = 0
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """How the index is. `made_by` is None when nobody noted it; `missing` papers are stored and not in it."""

    version: str | None
    papers: int
    missing: int
    progress: RebuildProgress | None

    @property
    def is_outdated(self) -> bool:
        """Whether another version of the analyser made it, so that look-ups may miss what is there."""
        return self.papers > 0 and self.version != document_tokens.VERSION

    @property
    def needs_rebuild(self) -> bool:
        """Whether it is to be made anew: it is outdated, or somebody began to and did not come to the end."""
        return self.is_outdated or self.progress is not None


async def get_index_status(database: Database) -> IndexStatus:
    """Look at the index. Counts all papers, which takes a tenth of a second at a million."""
    async with database.read() as connection:
        indexed = await index.count_all(connection)
        return IndexStatus(
            await key_values.get(connection, key_values.INDEX_VERSION),
            indexed,
            max(0, await papers.count(connection) - indexed),
            await _load_progress(connection),
        )


async def record_version(database: Database) -> None:
    """Note, while the index is empty, by what it will be made. To be called before papers are stored.

    Papers in an index of which nothing is noted were put there by an unknown version.
    """
    async with database.read() as connection:
        if await key_values.get(
            connection, key_values.INDEX_VERSION
        ) == document_tokens.VERSION or await _has_papers(connection):
            return
    async with database.transaction() as connection:
        await digests.lock_ingest(connection)
        if not await _has_papers(connection):
            await key_values.set_value(connection, key_values.INDEX_VERSION, document_tokens.VERSION)


async def _has_papers(connection: Connection) -> bool:
    return bool(await index.list_by_popularity(connection, limit=1))


async def rebuild_index(database: Database) -> AsyncGenerator[int, None]:
    """Make the indexes anew, or go on where somebody stopped; yields how many papers are done. Look-ups go on."""
    async with database.transaction() as connection:
        await digests.lock_ingest(connection)
        progress: RebuildProgress | None = await _load_progress(connection)
        if progress is None or progress.made_by != _build_version():
            progress = await _start(connection)
    while progress is not None:
        yield progress.papers
        begun = time.monotonic()
        try:
            async with database.transaction() as connection:
                await digests.lock_ingest(connection)
                progress = await _run_step(connection)
        except InUseError:
            await asyncio.sleep(_RETRY_SECONDS)
        await asyncio.sleep(PAUSE_RATIO * (time.monotonic() - begun))


async def _start(connection: Connection) -> RebuildProgress:
    await shadow_index.create(connection)
    sample = await index.list_by_popularity(connection, limit=indexer.DICTIONARY_SAMPLE_SIZE)
    if len(sample) == indexer.DICTIONARY_SAMPLE_SIZE:
        async with shadow_index.redirect_to_shadow(connection):
            # What the new index has at first is too little to learn from.
            await text_codec.train_dictionary(connection, [one.texts for one in sample])
    return await _save_progress(connection, RebuildProgress(_build_version()))


async def fill_gaps(database: Database) -> AsyncGenerator[int, None]:
    """Index the papers that are missing, and everybody; yields how many papers are done."""
    before, done = None, 0
    while True:
        async with database.transaction() as connection:
            await digests.lock_ingest(connection)
            ids = await index.list_unindexed(connection, before_id=before, limit=PAPERS_PER_STEP)
            await _index(connection, ids)
        if not ids:
            break
        before, done = ids[-1], done + len(ids)
        yield done
    person_id = 0
    while people := await _next_authors(database, person_id):
        async with database.transaction() as connection:
            await digests.lock_ingest(connection)
            await indexer.SearchIndexer().index(connection, [], people)
        person_id = people[-1].id


async def _next_authors(database: Database, after_id: int) -> list[models.Author]:
    async with database.read() as connection:
        return await author_index.list_after(connection, after_id=after_id, limit=AUTHORS_PER_STEP)


def _build_version() -> str:
    """Return by what a new index is made; tables that have another form than today's cannot be gone on with."""
    return f"{document_tokens.VERSION}@{migrate.HEAD}"


async def _load_progress(connection: Connection) -> RebuildProgress | None:
    kept = await key_values.get(connection, key_values.SHADOW_INDEX_PROGRESS)
    return None if kept is None else RebuildProgress(**json.loads(kept))


async def _save_progress(connection: Connection, progress: RebuildProgress) -> RebuildProgress:
    await key_values.set_value(connection, key_values.SHADOW_INDEX_PROGRESS, json.dumps(asdict(progress)))
    return progress


async def _run_step(connection: Connection) -> RebuildProgress | None:
    """Do a little, and keep that it is done; None when nothing is left to do, or another version has taken over."""
    progress = await _load_progress(connection)
    if progress is None or progress.made_by != _build_version():
        return None
    if progress.in_place:
        if await shadow_index.delete_old(connection, batch_size=DELETED_ROWS_PER_STEP):
            return progress
        await key_values.remove(connection, key_values.SHADOW_INDEX_PROGRESS)
        return None
    async with shadow_index.redirect_to_shadow(connection):
        ids = await index.list_unindexed(connection, before_id=progress.before_id, limit=PAPERS_PER_STEP)
        if ids:
            await _index(connection, ids)
            done = replace(progress, papers=progress.papers + len(ids), before_id=ids[-1])
            return await _save_progress(connection, done)
        people = await author_index.list_after(
            connection, after_id=progress.person_id, limit=AUTHORS_PER_STEP
        )
        if people:
            await indexer.SearchIndexer().index(connection, [], people)
            return await _save_progress(connection, replace(progress, person_id=people[-1].id))
        if await _replay_changes(connection):
            return progress
    await shadow_index.swap(connection)
    await key_values.set_value(connection, key_values.INDEX_VERSION, document_tokens.VERSION)
    return await _save_progress(connection, replace(progress, in_place=True))


async def _replay_changes(connection: Connection) -> bool:
    """Do again what changed meanwhile; True if more may be left."""
    ids = await shadow_index.pop_changes(connection, shadow_index.TrackedTable.PAPERS, limit=PAPERS_PER_STEP)
    await indexer.SearchIndexer().remove(connection, ids)
    await _index(connection, ids)
    person_ids = await shadow_index.pop_changes(
        connection, shadow_index.TrackedTable.AUTHORS, limit=AUTHORS_PER_STEP
    )
    people = await author_index.list_by_ids(connection, person_ids)
    await indexer.SearchIndexer().index(connection, [], people)
    return len(ids) == PAPERS_PER_STEP or len(person_ids) == AUTHORS_PER_STEP


async def _index(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        found = await papers.list_index_documents(connection, ids=ids)
        await indexer.SearchIndexer().index(connection, found, [])
