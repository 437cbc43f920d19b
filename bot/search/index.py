"""The search index: updates in the transaction that changes papers, and rebuilds.

A rebuild is blue/green, in a shadow index. Its progress is stored with each step, so it resumes after a crash, and two
processes share the work.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TypeVar

from bot.archive import summaries
from bot.search import scoring, tokens
from bot.text import people as text_people
from storage import archive, bulk, key_values, migrate, models, papers, search, search_index, snapshot
from storage.database import Connection, Database
from storage.errors import InUseError

VERSION = "12"
"""Version of the tokens. An index built by another version is rebuilt."""

POPULARITY_EPOCH = date(2010, 1, 1)
"""Date of popularity 0 in the index, before any paper: positions are not negative."""
PAPERS_PER_TURN = 4
"""Papers analysed before other tasks get the event loop; half a millisecond."""


class SearchIndexer:
    """The indexer of papers and authors. Stateless; each call works in the caller's transaction."""

    async def index(
        self, connection: Connection, changed: Sequence[models.IndexDocument], people: Sequence[models.Author]
    ) -> None:
        """Index new and changed papers, and authors whose name or number of papers changed."""
        known = {paper.id for paper in changed if not paper.is_new}
        former = await snapshot.read(connection, search.list_by_paper_ids, known) if known else {}
        texts = dict(
            zip(
                (paper.id for paper in changed), await _map_in_turns(tokens.build_texts, changed), strict=True
            )
        )
        updated = [
            paper
            for paper in changed
            if (row := former.get(paper.id)) is None
            or (row.texts, row.votes, row.last_on) != (texts[paper.id], paper.votes, paper.last_on)
        ]
        outdated = [former[paper.id] for paper in updated if paper.id in former]
        frequencies, mentions = await _remove_rows(connection, outdated)
        positions = await search_index.assign_positions(
            connection,
            {paper.id: scoring.hot_score(paper.votes, paper.last_on, POPULARITY_EPOCH) for paper in updated},
        )
        rows = [
            search.IndexRow(positions[paper.id], paper.id, texts[paper.id], paper.votes, paper.last_on)
            for paper in updated
        ]
        rows = await _map_in_turns(_tokenize, rows)
        await search_index.add(connection, rows)
        frequencies.update(_count_tokens(rows))
        mentions.update(mention for row in rows for mention in row.texts.mentions)
        await search_index.change_document_frequencies(connection, frequencies)
        await search_index.change_mention_counts(connection, mentions)
        await _index_authors(connection, people)
        await key_values.increment(connection, search.INDEX_GENERATION)

    async def postpone(
        self, connection: Connection, groups: Iterable[Sequence[int]], people: Sequence[models.Author]
    ) -> None:
        """Store groups of papers, and authors, that `catch_up` is to index in a transaction for each group."""
        steps = [(list(group), list[int]()) for group in groups]
        steps += [([], [author.id for author in chunk]) for chunk in bulk.chunked(people, AUTHORS_PER_STEP)]
        prefix = (
            f"{key_values.INDEX_WAITING}{await key_values.increment(connection, key_values.INDEX_GROUPS)}"
        )
        values = {f"{prefix}:{number}": json.dumps(step) for number, step in enumerate(steps)}
        await key_values.set_values(connection, values)

    async def catch_up(self, database: Database) -> None:
        """Index the groups that wait, each in its own transaction. It may be stopped at any point and run again."""
        async with database.read() as connection:
            waiting = await key_values.get_first(connection, key_values.INDEX_WAITING)
        while waiting is not None:
            started = time.monotonic()
            async with database.transaction() as connection:
                await archive.lock_ingest(connection)
                if waiting := await key_values.get_first(connection, key_values.INDEX_WAITING):
                    paper_ids, author_ids = json.loads(waiting[1])
                    await _index(connection, paper_ids)
                    await self.index(connection, [], await papers.list_by_ids(connection, author_ids))
                    await key_values.remove(connection, waiting[0])
            await asyncio.sleep(PAUSE_RATIO * (time.monotonic() - started))

    async def remove(self, connection: Connection, paper_ids: Collection[int]) -> None:
        """Remove papers that no digest lists any more."""
        former = await snapshot.read(connection, search.list_by_paper_ids, paper_ids)
        frequencies, mentions = await _remove_rows(connection, list(former.values()))
        await search_index.change_document_frequencies(connection, frequencies)
        await search_index.change_mention_counts(connection, mentions)
        await key_values.increment(connection, search.INDEX_GENERATION)


Item = TypeVar("Item")
Result = TypeVar("Result")


async def _map_in_turns(make: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return the result of each item, giving up the event loop now and then: a digest would block it for 10 ms."""
    results = []
    for number, item in enumerate(items, start=1):
        if number % PAPERS_PER_TURN == 0:
            await asyncio.sleep(0)
        results.append(make(item))
    return results


def _tokenize(row: search.IndexRow) -> search.IndexRow:
    every, of_title = tokens.build_tokens(row.texts)
    return row._replace(tokens=every, title_tokens=of_title)


async def _index_authors(connection: Connection, people: Sequence[models.Author]) -> None:
    rows = [
        (author.id, author.paper_count, " ".join(text_people.index_terms(author.name))) for author in people
    ]
    await papers.index_authors(connection, rows)


async def _remove_rows(
    connection: Connection, rows: Sequence[search.IndexRow]
) -> tuple[Counter[str], Counter[str]]:
    """Remove rows; return the changes of document frequencies and of mention counts."""
    rows = list(map(_tokenize, rows))
    await search_index.remove(connection, rows)
    frequencies, mentions = Counter[str](), Counter[str]()
    frequencies.subtract(_count_tokens(rows))
    mentions.subtract(mention for row in rows for mention in row.texts.mentions)
    return frequencies, mentions


def _count_tokens(rows: Iterable[search.IndexRow]) -> Counter[str]:
    """Return the document frequency of each token, for later papers by sample."""
    frequencies: Counter[str] = Counter()
    for row in rows:
        if row.paper_id <= scoring.EXACT_COUNT_LIMIT or row.paper_id % scoring.SAMPLE_RATE == 0:
            weight = 1 if row.paper_id <= scoring.EXACT_COUNT_LIMIT else scoring.SAMPLE_RATE
            # Those with marks are not counted: they are as rare as those without, by which phrases are pruned.
            for token in set(row.tokens.split()):
                if search.MARK not in token:
                    frequencies[token] += weight
    return frequencies


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
    """Status of the index. `version` is None if unknown; `missing` papers are stored but not indexed, or not anew."""

    version: str | None
    papers: int
    missing: int
    progress: RebuildProgress | None

    @property
    def is_outdated(self) -> bool:
        """Whether another version of the tokens built it, so that searches may miss papers."""
        return self.papers > 0 and self.version != VERSION

    @property
    def needs_rebuild(self) -> bool:
        """Whether it is outdated or a rebuild is unfinished."""
        return self.is_outdated or self.progress is not None


async def get_index_status(database: Database) -> IndexStatus:
    """Return the status of the index. Counts all papers: a tenth of a second for a million."""
    async with database.read() as connection:
        indexed = await search_index.count_all(connection)
        waiting = await key_values.get_first(connection, key_values.INDEX_WAITING)
        return IndexStatus(
            await key_values.get(connection, key_values.INDEX_VERSION),
            indexed,
            max(int(waiting is not None), await snapshot.read(connection, search.count_top) - indexed),
            await _load_progress(connection),
        )


async def record_version(database: Database) -> None:
    """Store the version of the tokens if the index is empty. Call it before papers are stored.

    An index with papers and without a version was built by an unknown version.
    """
    async with database.read() as connection:
        version = await key_values.get(connection, key_values.INDEX_VERSION)
        if version == VERSION or await _has_papers(connection):
            return
    async with database.transaction() as connection:
        await archive.lock_ingest(connection)
        if not await _has_papers(connection):
            await key_values.set_value(connection, key_values.INDEX_VERSION, VERSION)


async def _has_papers(connection: Connection) -> bool:
    return bool(await snapshot.read(connection, search.list_by_popularity, limit=1))


async def rebuild_index(database: Database) -> AsyncGenerator[int, None]:
    """Rebuild the index, or resume a rebuild, yielding the number of papers done. Searches use the old one meanwhile."""
    async with database.transaction() as connection:
        await archive.lock_ingest(connection)
        progress = await _load_progress(connection)
        if progress is None or progress.made_by != _build_version():
            await search_index.create(connection)
            progress = await _save_progress(connection, RebuildProgress(_build_version()))
    while progress is not None:
        yield progress.papers
        started = time.monotonic()
        try:
            async with database.transaction() as connection:
                await archive.lock_ingest(connection)
                progress = await _run_step(connection)
        except InUseError:
            await asyncio.sleep(_RETRY_SECONDS)
        await asyncio.sleep(PAUSE_RATIO * (time.monotonic() - started))


async def fill_gaps(database: Database) -> AsyncGenerator[int, None]:
    """Index what waits, the missing papers, and all authors again, yielding the number of papers done."""
    await SearchIndexer().catch_up(database)
    before_id, done = None, 0
    while True:
        async with database.transaction() as connection:
            await archive.lock_ingest(connection)
            ids = await search_index.list_unindexed(connection, before_id=before_id, limit=PAPERS_PER_STEP)
            await _index(connection, ids)
        if not ids:
            break
        before_id, done = ids[-1], done + len(ids)
        yield done
    author_id: int | None = 0
    while author_id is not None:
        async with database.transaction() as connection:
            await archive.lock_ingest(connection)
            authors = await papers.list_after(connection, after_id=author_id, limit=AUTHORS_PER_STEP)
            await SearchIndexer().index(connection, [], authors)
        author_id = authors[-1].id if authors else None


def _build_version() -> str:
    """Return the version of a rebuild: tokens and schema, since shadow tables of another schema cannot be resumed."""
    return f"{VERSION}@{migrate.HEAD}"


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
        if await search_index.delete_old(connection, batch_size=DELETED_ROWS_PER_STEP):
            return progress
        await key_values.remove(connection, key_values.SHADOW_INDEX_PROGRESS)
        return None
    async with search_index.redirect_to_shadow(connection):
        advanced = await _fill_shadow(connection, progress)
    if advanced is not None:
        return advanced
    await search_index.swap(connection)
    await key_values.set_value(connection, key_values.INDEX_VERSION, VERSION)
    return await _save_progress(connection, replace(progress, in_place=True))


async def _fill_shadow(connection: Connection, progress: RebuildProgress) -> RebuildProgress | None:
    """Index the next papers, then the next authors, then changes in the shadow index; None when it is complete."""
    ids = await search_index.list_unindexed(connection, before_id=progress.before_id, limit=PAPERS_PER_STEP)
    if ids:
        await _index(connection, ids)
        done = replace(progress, papers=progress.papers + len(ids), before_id=ids[-1])
        return await _save_progress(connection, done)
    authors = await papers.list_after(connection, after_id=progress.person_id, limit=AUTHORS_PER_STEP)
    if authors:
        await SearchIndexer().index(connection, [], authors)
        return await _save_progress(connection, replace(progress, person_id=authors[-1].id))
    return progress if await _replay_changes(connection) else None


async def _replay_changes(connection: Connection) -> bool:
    """Index what changed since the rebuild began; True if more changes may be left."""
    ids = await search_index.pop_changes(connection, search_index.TrackedTable.PAPERS, limit=PAPERS_PER_STEP)
    await SearchIndexer().remove(connection, ids)
    await _index(connection, ids)
    author_ids = await search_index.pop_changes(
        connection, search_index.TrackedTable.AUTHORS, limit=AUTHORS_PER_STEP
    )
    authors = await papers.list_by_ids(connection, author_ids)
    await SearchIndexer().index(connection, [], authors)
    return len(ids) == PAPERS_PER_STEP or len(author_ids) == AUTHORS_PER_STEP


async def _index(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        documents = await papers.list_index_documents(connection, summaries.shown_sections, ids=ids)
        await SearchIndexer().index(connection, documents, [])
