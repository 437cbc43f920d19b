"""The search index: updates in the transaction that changes papers, rebuilds, and the maintenance that is pending.

A rebuild is blue/green, in a shadow index. Its progress is stored with each step, so it resumes after a crash, and two
processes share the work. Maintenance of the index and the glossary runs here or in a process off the GIL.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from datetime import date
from enum import Enum
from typing import assert_never

import structlog

from bot.archive import digest_writer, summaries
from bot.core import isolation
from bot.core.clock import Clock, TimeSlices, system_clock
from bot.search import glossary, scoring
from bot.search import query as search_query
from bot.text import analyser, term_keys, typography
from bot.text import people as text_people
from storage import (
    archive,
    database,
    errors,
    key_values,
    locks,
    migrate,
    models,
    papers,
    search,
    search_index,
    snapshot,
)
from storage.database import Connection, Database

log = structlog.get_logger(__name__)

VERSION = "15"
"""Version of the tokens. An index built by another version is rebuilt."""

POPULARITY_EPOCH = date(2010, 1, 1)
"""Date of popularity 0 in the index, before any paper: positions are not negative."""


class SearchIndexer:
    """The indexer of papers and authors. Stateless; each call works in the caller's transaction.

    While the index is rebuilt, what changes goes into the shadow index too. The caller is the only writer
    (`archive.lock_ingest`).
    """

    async def index(
        self, connection: Connection, changed: Sequence[models.IndexDocument], people: Sequence[models.Author]
    ) -> None:
        """Index new and changed papers, and authors whose name or number of papers changed."""
        await _change_each(connection, lambda: _change(connection, changed, people))

    async def postpone(
        self, connection: Connection, groups: Iterable[Sequence[int]], people: Sequence[models.Author] = ()
    ) -> None:
        """Store groups of papers with their authors, and people, that `catch_up` is to index in a transaction for each group."""
        steps = [(list(group), list[int]()) for group in groups]
        steps += [
            ([], [author.id for author in chunk]) for chunk in database.chunked(people, AUTHORS_PER_STEP)
        ]
        if not steps:
            return
        prefix = (
            f"{key_values.INDEX_WAITING}{await key_values.increment(connection, key_values.INDEX_GROUPS)}"
        )
        values = {f"{prefix}:{number}": json.dumps(step) for number, step in enumerate(steps)}
        await key_values.set_values(connection, values)

    async def catch_up(self, database: Database) -> None:
        """Index the groups that wait, each in its own transaction. It may be stopped at any point and run again.

        A group that fails is logged and stays for the next call, at the latest that of maintenance: what was ingested is
        stored, and other groups are indexed.
        """
        async with database.read() as connection:
            waiting = await key_values.list_by_prefix(connection, key_values.INDEX_WAITING)
        while waiting:
            key = next(iter(waiting))
            group, started = waiting.pop(key), time.monotonic()
            with isolation.isolated(log, "papers not indexed; will retry later", group=group):
                async with database.transaction() as connection:
                    await archive.lock_ingest(connection)
                    if await key_values.get(connection, key) == group:
                        paper_ids, author_ids = json.loads(group)
                        stored = await papers.list_merged(connection, ids=paper_ids)
                        names, slices = dict[int, papers.AuthorNames](), TimeSlices()
                        for id_, paper in stored.items():
                            names[id_] = digest_writer.author_names(paper)
                            await slices.pause()
                        people = await papers.set_authors(connection, names)
                        people += await papers.list_by_ids(connection, author_ids)
                        await key_values.remove(connection, key)
                        await self.index(connection, await _list_documents(connection, paper_ids), people)
            await asyncio.sleep(PAUSE_RATIO * (time.monotonic() - started))

    async def remove(self, connection: Connection, paper_ids: Collection[int]) -> None:
        """Remove papers that no digest lists any more."""
        await _change_each(connection, lambda: _change(connection, [], [], removed=paper_ids))


async def list_waiting(connection: Connection) -> set[int]:
    """Return the papers that `SearchIndexer.catch_up` is still to index, with their authors."""
    groups = await key_values.list_by_prefix(connection, key_values.INDEX_WAITING)
    return {paper_id for group in groups.values() for paper_id in json.loads(group)[0]}


async def _change_each(connection: Connection, change: Callable[[], Awaitable[None]]) -> None:
    """Change the live index, and the shadow index that this version fills; one of another version is given up."""
    await change()
    progress = await _load_progress(connection)
    if progress is not None and not progress.in_place:
        if progress.made_by == _build_version():
            async with search_index.redirect_to_shadow(connection):
                await change()
        else:
            await key_values.remove(connection, key_values.SHADOW_INDEX_PROGRESS)
    await key_values.increment(connection, search.INDEX_GENERATION)


async def _change(
    connection: Connection,
    changed: Sequence[models.IndexDocument],
    people: Sequence[models.Author],
    *,
    removed: Collection[int] = (),
) -> None:
    known = {*removed, *(paper.id for paper in changed if not paper.is_new)}
    former = await snapshot.read(connection, search.list_by_paper_ids, known) if known else {}
    slices, new, outdated = TimeSlices(), [], []
    for paper in changed:
        row = search.IndexRow(0, paper.id, build_texts(paper), paper.votes, paper.last_on)
        # The position is the only field that may differ in a paper that stays as it is.
        if (old := former.get(row.paper_id)) is None or old[1:] != row[1:]:
            replacing = _tokenize(row)
            if old is not None and old.texts == row.texts:  # only its date or votes have changed
                outdated.append(old._replace(tokens=replacing.tokens, title_tokens=replacing.title_tokens))
            elif old is not None:
                outdated.append(_tokenize(old))
            new.append(replacing)
        await slices.pause()
    outdated += [_tokenize(former[paper_id]) for paper_id in removed if paper_id in former]
    await search_index.remove(connection, outdated)
    popularity = {row.paper_id: scoring.hot_score(row.votes, row.last_on, POPULARITY_EPOCH) for row in new}
    positions = await search_index.assign_positions(connection, popularity)
    added = [row._replace(position=positions[row.paper_id]) for row in new]
    await search_index.add(connection, added)
    frequencies = _count_tokens(added)
    frequencies.subtract(_count_tokens(outdated))
    await search_index.change_counts(connection, frequencies)
    authors = []
    for author in people:
        authors.append((author.id, author.paper_count, " ".join(text_people.index_terms(author.name))))
        await slices.pause()
    await papers.index_authors(connection, authors)


def _tokenize(row: search.IndexRow) -> search.IndexRow:
    every, of_title = build_tokens(row.texts)
    return row._replace(tokens=every, title_tokens=of_title)


_MAX_TITLE_LENGTH = 1000
_MAX_BODY_LENGTH = 60_000


def build_texts(paper: models.IndexDocument) -> search.DocumentTexts:
    """Return the canonical texts of a paper: its title; its summaries, abstract and keywords; its mentions."""
    title = (paper.title or "")[:_MAX_TITLE_LENGTH]
    plain_title = typography.to_plain_text(title)
    # A reader sees π₀ and may type pi0, so a title with LaTeX is indexed as written too.
    told = [] if plain_title == title else [title]
    for section in paper.sections:
        if section.heading and not summaries.label_name(section.heading):
            told.append(section.heading)
        told.append(section.body)
    own = [paper.abstract] if paper.abstract else []
    # Twice, as a term that the text repeats is what a paper is about.
    own += 2 * [", ".join(paper.keywords)] if paper.keywords else []
    # What digests say of a paper may be longer than what is indexed of it.
    room = max(0, _MAX_BODY_LENGTH - sum(len(text) + 1 for text in own))
    body = "\n".join(filter(None, ["\n".join(told)[:room], *own]))[:_MAX_BODY_LENGTH]
    mentions = glossary.extract_mentions(f"{title}\n{body}")
    institutions = tuple(sorted(text_people.institution_tokens(paper.institutions)))
    return search.DocumentTexts(
        analyser.canonicalise(plain_title), analyser.canonicalise(body), mentions, institutions
    )


def build_tokens(texts: search.DocumentTexts) -> tuple[str, str]:
    """Return all tokens of a paper, and those of its title, separated by spaces. The same texts give the same tokens."""
    line, _, variants = texts.title.rpartition("\n")
    # A title is also looked up as it is typed, without its punctuation and with its particles.
    words, shingles = _split_words(line.replace(analyser.PARTICLE_MARK, "").split())
    title = [*words, *variants.split(), *shingles]
    text, _, variants = texts.body.rpartition("\n")
    words, shingles = _split_words(text.split(" "))
    counts = Counter(words)
    counts.update(variants.split())
    marked = [token + search_query.TITLE_MARK for token in title]
    marked += [name + search_query.INSTITUTION_MARK for name in texts.institutions or ("",)]
    marked += [name + search_query.NAME_MARK for name in term_keys.full_names(texts.title)]
    marked += [name + search_query.LEADING_NAME_MARK for name in term_keys.leading_names(texts.title)]
    marked += [token + search_query.REPEATED_MARK for token, count in counts.items() if count > 1]
    return " ".join((*title, *marked, *counts, *shingles)), " ".join(title)


def _split_words(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the tokens of words, and the shingles. An empty word is punctuation, which no phrase crosses."""
    tokens: list[str] = []
    shingles: list[str] = []
    before = ""
    for found, right, left in map(_word_parts.__getitem__, words):
        tokens += found
        if before and right:
            shingles.append(before + right)
        before = left
    return tokens, shingles


def _split_word(word: str) -> tuple[tuple[str, ...], str, str]:
    """Return a word's tokens, and its halves of the shingles with the word before it and the word behind it.

    A particle ends a phrase, since terms with a particle inside are rare: no word follows it.
    """
    if not word.strip():
        return (), "", ""
    has_particle = word.endswith(analyser.PARTICLE_MARK)
    left = "" if has_particle else search_query.shingle_left(word) + search_query.SHINGLE_SEPARATOR
    return tuple(analyser.word_tokens(word)), search_query.shingle_right(word), left


_word_parts = analyser.WordCache(_split_word)


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
    """Status of the index. `version` is None if unknown; `missing` papers are not indexed, or by an older version."""

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
    """Rebuild the index, or resume a rebuild, yielding the number of papers done. Searches use the old one meanwhile.

    Raises StorageError before it takes the last space of the disk; what is done stays.
    """
    async with database.transaction() as connection:
        await archive.lock_ingest(connection)
        progress = await _load_progress(connection)
        if progress is None or progress.made_by != _build_version():
            await search_index.create(connection)
            progress = await _save_progress(connection, RebuildProgress(_build_version()))
    while progress is not None:
        yield progress.papers
        if not progress.in_place:
            search_index.require_room(database)
        started = time.monotonic()
        try:
            async with database.transaction() as connection:
                await archive.lock_ingest(connection)
                progress = await _run_step(connection)
        except errors.InUseError:
            await asyncio.sleep(_RETRY_SECONDS)
        await asyncio.sleep(PAUSE_RATIO * (time.monotonic() - started))


async def fill_gaps(database: Database) -> AsyncGenerator[int, None]:
    """Index what waits, the missing papers, and all authors again, yielding the number of papers done."""
    indexer = SearchIndexer()
    await indexer.catch_up(database)
    progress: RebuildProgress | None = RebuildProgress(_build_version())
    while progress is not None:
        async with database.transaction() as connection:
            await archive.lock_ingest(connection)
            progress = await _fill(connection, progress, indexer.index)
        if progress is not None:
            yield progress.papers


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
        advanced = await _fill(connection, progress, _change)
    if advanced is not None:
        return await _save_progress(connection, advanced)
    await search_index.swap(connection)
    await key_values.set_value(connection, key_values.INDEX_VERSION, VERSION)
    await key_values.increment(connection, search.INDEX_GENERATION)
    return await _save_progress(connection, replace(progress, in_place=True))


async def _fill(
    connection: Connection,
    progress: RebuildProgress,
    index: Callable[[Connection, list[models.IndexDocument], list[models.Author]], Awaitable[None]],
) -> RebuildProgress | None:
    """Index the next missing papers, or the next authors; None when the index has all of them."""
    ids = await search_index.list_unindexed(connection, before_id=progress.before_id, limit=PAPERS_PER_STEP)
    if ids:
        await index(connection, await _list_documents(connection, ids), [])
        return replace(progress, papers=progress.papers + len(ids), before_id=ids[-1])
    authors = await papers.list_after(connection, after_id=progress.person_id, limit=AUTHORS_PER_STEP)
    await index(connection, [], authors)
    return replace(progress, person_id=authors[-1].id) if authors else None


async def _list_documents(connection: Connection, ids: Sequence[int]) -> list[models.IndexDocument]:
    """Return what is indexed of the listed papers among these ids."""
    return await papers.list_index_documents(connection, summaries.shown_sections, ids=ids)


class MaintenanceTask(Enum):
    """The kinds of maintenance tasks."""

    INDEX = "index"
    GAPS = "gaps"
    GLOSSARY = "glossary"
    RESTART = "restart"
    """Another version was installed while this process ran, and built the index; only a restart helps."""


async def find_pending(
    database: Database, clock: Clock, *, was_current: bool = False, tried: Collection[MaintenanceTask] = ()
) -> tuple[MaintenanceTask, int, str] | None:
    """Return the next pending task, its number of papers, and the reason for the log; None if no task is pending.

    `was_current`: this process has seen an index of its own version. It then asks for a restart instead of a rebuild,
    since two running versions would rebuild the index in turns for ever. A paper that cannot be indexed stays a gap: gaps that
    were `tried` come after what else is pending.
    """
    status = await get_index_status(database)
    paper_count = status.papers + status.missing
    if status.is_outdated and was_current:
        return MaintenanceTask.RESTART, paper_count, describe(status)
    if status.needs_rebuild:
        return MaintenanceTask.INDEX, paper_count, describe(status)
    gaps = (MaintenanceTask.GAPS, status.missing, describe(status)) if status.missing else None
    if gaps is not None and MaintenanceTask.GAPS not in tried:
        return gaps
    if await glossary.GlossaryService(database, clock).is_stale():
        return MaintenanceTask.GLOSSARY, paper_count, "the archive has grown"
    return gaps


def describe(status: IndexStatus) -> str:
    """Return what is wrong with the index as a clause, "" if nothing is."""
    if status.is_outdated:
        made_by = f"version {status.version}" if status.version else "an unknown version"
        return f"from {made_by}, and look-ups need version {VERSION}"
    if status.progress is not None and status.progress.in_place:
        return "rebuilt; the old one is not yet removed"
    if status.progress is not None:
        return f"being rebuilt, {status.progress.papers} papers done"
    return f"missing {status.missing} of the papers" if status.missing else ""


async def run_task(database: Database, clock: Clock, task: MaintenanceTask) -> AsyncGenerator[int, None]:
    """Run a task, yielding the number of papers processed. It may be stopped at any point and run again."""
    match task:
        case MaintenanceTask.INDEX:
            async for done in rebuild_index(database):
                yield done
            # Another version may extract other mentions.
            await glossary.GlossaryService(database, clock).rebuild()
        case MaintenanceTask.GAPS:
            async for done in fill_gaps(database):
                yield done
        case MaintenanceTask.GLOSSARY:
            read = [0]
            await glossary.GlossaryService(database, clock).rebuild(read.append)
            yield read[-1]
        case MaintenanceTask.RESTART:
            raise ValueError("A restart is up to the operator.")
        case _:
            assert_never(task)


async def run_in_worker(
    url: str, task: MaintenanceTask, term: int | None = None, name: str | None = None
) -> AsyncGenerator[int, None]:
    """Run a task in a worker process, yielding the number of papers processed. Closing the generator stops the worker.

    `url` is that of the database, with its password; with a sender's `term` it is written in that term only. `name` is that
    of the sender's sessions. Raises ChildStartError before any work is done, another PaperroundError after; the task's stored
    progress remains.
    """
    steps = isolation.stream_isolated(
        *(_run_task, url, task.value, VERSION, term, name), seconds=None, megabytes=None, with_database=True
    )
    async with aclosing(steps):
        try:
            await anext(steps)  # it has opened the database
        except isolation.ChildLimitError:
            raise
        except errors.PaperroundError as error:
            raise isolation.ChildStartError(str(error)) from error
        async for done in steps:
            yield done


async def _run_task(
    url: str, task: str, version: str, term: int | None, name: str | None
) -> AsyncGenerator[int, None]:
    if version != VERSION:
        # The parent, replaced while it runs, could not read the index that this version builds.
        yield 0
        raise isolation.ChildError(
            "another version was installed while this one was running; restart the bot"
        )
    opened = await migrate.open_database(url, migrate=False, name=name)
    try:
        yield 0
        database = opened if term is None else locks.fenced(opened, lambda: term)
        async for done in run_task(database, system_clock, MaintenanceTask(task)):
            yield done
    finally:
        await opened.close()
