"""Blue/green rebuild of the search index in a shadow index, and indexing of papers that are missing.

Progress is stored with each step, so a rebuild resumes after a crash, and two processes share the work. The glossary is
rebuilt by `glossary_service`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass, replace

from bot.digests.elements import shown_summary
from bot.services.indexing import document_tokens, indexer
from storage import digests, key_values, migrate, models, papers
from storage.database import Connection, Database
from storage.errors import InUseError
from storage.search import author_index, index, shadow_index, text_codec

PAPERS_PER_STEP = 100
AUTHORS_PER_STEP = 1000
DELETED_ROWS_PER_STEP = 2000
"""Rows of the old index, of up to four kilobytes each."""
PAUSE_RATIO = 0.25
"""Pause after each step, as a share of its duration, for other writers: SQLite has no queue for them."""
_RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class RebuildProgress:
    """Progress of a rebuild, stored as JSON: its version, the papers done (newest first), the last author done.

    `in_place`: the new index is in use and the old one is being deleted.
    """

    made_by: str
    papers: int = 0
    before_id: int | None = None
    person_id: int = 0
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """Status of the index. `version` is None if unknown; `missing` papers are stored but not indexed."""

    version: str | None
    papers: int
    missing: int
    progress: RebuildProgress | None

    @property
    def is_outdated(self) -> bool:
        """Whether another version of the tokens built it, so that searches may miss papers."""
        return self.papers > 0 and self.version != document_tokens.VERSION

    @property
    def needs_rebuild(self) -> bool:
        """Whether it is outdated or a rebuild is unfinished."""
        return self.is_outdated or self.progress is not None


async def get_index_status(database: Database) -> IndexStatus:
    """Return the status of the index. Counts all papers: a tenth of a second for a million."""
    async with database.read() as connection:
        indexed = await index.count_all(connection)
        return IndexStatus(
            await key_values.get(connection, key_values.INDEX_VERSION),
            indexed,
            max(0, await papers.count(connection) - indexed),
            await _load_progress(connection),
        )


async def record_version(database: Database) -> None:
    """Store the version of the tokens if the index is empty. Call it before papers are stored.

    An index with papers and without a version was built by an unknown version.
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
    """Rebuild the index, or resume a rebuild, yielding the number of papers done. Searches use the old one meanwhile."""
    async with database.transaction() as connection:
        await digests.lock_ingest(connection)
        progress = await _load_progress(connection)
        if progress is None or progress.made_by != _build_version():
            progress = await _start(connection)
    while progress is not None:
        yield progress.papers
        started = time.monotonic()
        try:
            async with database.transaction() as connection:
                await digests.lock_ingest(connection)
                progress = await _run_step(connection)
        except InUseError:
            await asyncio.sleep(_RETRY_SECONDS)
        await asyncio.sleep(PAUSE_RATIO * (time.monotonic() - started))


async def _start(connection: Connection) -> RebuildProgress:
    await shadow_index.create(connection)
    sample = await index.list_by_popularity(connection, limit=indexer.DICTIONARY_SAMPLE_SIZE)
    if len(sample) == indexer.DICTIONARY_SAMPLE_SIZE:
        async with shadow_index.redirect_to_shadow(connection):
            # The new index has too few papers at first to train a dictionary from.
            await text_codec.train_dictionary(connection, [row.texts for row in sample])
    return await _save_progress(connection, RebuildProgress(_build_version()))


async def fill_gaps(database: Database) -> AsyncGenerator[int, None]:
    """Index the missing papers, and all authors again, yielding the number of papers done."""
    before_id, done = None, 0
    while True:
        async with database.transaction() as connection:
            await digests.lock_ingest(connection)
            ids = await index.list_unindexed(connection, before_id=before_id, limit=PAPERS_PER_STEP)
            await _index(connection, ids)
        if not ids:
            break
        before_id, done = ids[-1], done + len(ids)
        yield done
    author_id = 0
    while authors := await _next_authors(database, author_id):
        async with database.transaction() as connection:
            await digests.lock_ingest(connection)
            await indexer.SearchIndexer().index(connection, [], authors)
        author_id = authors[-1].id


async def _next_authors(database: Database, after_id: int) -> list[models.Author]:
    async with database.read() as connection:
        return await author_index.list_after(connection, after_id=after_id, limit=AUTHORS_PER_STEP)


def _build_version() -> str:
    """Return the version of a rebuild: tokens and schema, since shadow tables of another schema cannot be resumed."""
    return f"{document_tokens.VERSION}@{migrate.HEAD}"


async def _load_progress(connection: Connection) -> RebuildProgress | None:
    stored = await key_values.get(connection, key_values.SHADOW_INDEX_PROGRESS)
    return None if stored is None else RebuildProgress(**json.loads(stored))


async def _save_progress(connection: Connection, progress: RebuildProgress) -> RebuildProgress:
    await key_values.set_value(connection, key_values.SHADOW_INDEX_PROGRESS, json.dumps(asdict(progress)))
    return progress


async def _run_step(connection: Connection) -> RebuildProgress | None:
    """Run one step and store the progress; None when the rebuild is finished or another version has taken over."""
    progress = await _load_progress(connection)
    if progress is None or progress.made_by != _build_version():
        return None
    if progress.in_place:
        if await shadow_index.delete_old(connection, batch_size=DELETED_ROWS_PER_STEP):
            return progress
        await key_values.remove(connection, key_values.SHADOW_INDEX_PROGRESS)
        return None
    async with shadow_index.redirect_to_shadow(connection):
        advanced = await _fill_shadow(connection, progress)
    if advanced is not None:
        return advanced
    await shadow_index.swap(connection)
    await key_values.set_value(connection, key_values.INDEX_VERSION, document_tokens.VERSION)
    return await _save_progress(connection, replace(progress, in_place=True))


async def _fill_shadow(connection: Connection, progress: RebuildProgress) -> RebuildProgress | None:
    """Index the next papers, then the next authors, then changes in the shadow index; None when it is complete."""
    ids = await index.list_unindexed(connection, before_id=progress.before_id, limit=PAPERS_PER_STEP)
    if ids:
        await _index(connection, ids)
        done = replace(progress, papers=progress.papers + len(ids), before_id=ids[-1])
        return await _save_progress(connection, done)
    authors = await author_index.list_after(connection, after_id=progress.person_id, limit=AUTHORS_PER_STEP)
    if authors:
        await indexer.SearchIndexer().index(connection, [], authors)
        return await _save_progress(connection, replace(progress, person_id=authors[-1].id))
    return progress if await _replay_changes(connection) else None


async def _replay_changes(connection: Connection) -> bool:
    """Index what changed since the rebuild began; True if more changes may be left."""
    ids = await shadow_index.pop_changes(connection, shadow_index.TrackedTable.PAPERS, limit=PAPERS_PER_STEP)
    await indexer.SearchIndexer().remove(connection, ids)
    await _index(connection, ids)
    author_ids = await shadow_index.pop_changes(
        connection, shadow_index.TrackedTable.AUTHORS, limit=AUTHORS_PER_STEP
    )
    authors = await author_index.list_by_ids(connection, author_ids)
    await indexer.SearchIndexer().index(connection, [], authors)
    return len(ids) == PAPERS_PER_STEP or len(author_ids) == AUTHORS_PER_STEP


async def _index(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        documents = await papers.list_index_documents(connection, shown_summary.shown_sections, ids=ids)
        await indexer.SearchIndexer().index(connection, documents, [])
