"""Ingests digests and facts: parses, groups them into transactions and stores each digest whole or not at all.

`digest_writer` decides within a transaction what is new, known or a correction.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence

from bot import errors, isolation
from bot.clock import Clock
from bot.digests import parse
from bot.services.ingest import digest_writer, paper_writer, provenance
from bot.services.ingest.files import TextFile
from bot.services.ingest.results import IngestResult
from storage import digests, models
from storage.bulk import chunked
from storage.database import Connection, Database
from storage.errors import StorageError

FILES_SOURCE = "files"
"""The source name of files that a person ingests."""
THREAD_THRESHOLD = 200_000
"""Texts with more characters than this are parsed in a thread, off the event loop."""
BATCH_DIGESTS = 60
"""Maximum number of digests per transaction in a bulk ingest: a commit costs as much as ten digests."""
BATCH_CHARACTERS = 2_000_000
"""A batch is stored once its texts have this many characters."""
FACTS_BATCH = 200
"""Papers per transaction when storing facts."""

_SURROGATE = re.compile("[\ud800-\udfff]")

ParsedFile = tuple[TextFile, list[models.SourcedDigest]]


class _DryRunError(Exception):
    """Rolls back a dry run's transaction and carries its results out."""

    def __init__(self, results: list[IngestResult]) -> None:
        super().__init__()
        self.results = results


class IngestService:
    """Stores digests and facts. Digests older than `fresh_days` days raise no alerts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        indexer: paper_writer.Indexer,
        *,
        on_fresh_digest: digest_writer.OnFreshDigest | None = None,
        on_added_names: digest_writer.OnAddedNames | None = None,
        fresh_days: int = 3,
    ) -> None:
        self._database = database
        self._writer = digest_writer.DigestWriter(
            clock, indexer, on_fresh_digest, on_added_names, fresh_days=fresh_days
        )

    async def add_text(self, text: str, *, source: str = FILES_SOURCE, location: str) -> IngestResult:
        """Parse a text and store each of its digests in its own transaction.

        Raises errors.NotADigestError for a text without digests.
        """
        return await self.add_digests(await _parse(text), source=source, location=location)

    async def add_file(self, file: TextFile | models.LocatedProblem) -> IngestResult:
        """Store the digests of one file, each in its own transaction; problems are as in `add_files`."""
        parsed = await _parse_file(file)
        if isinstance(parsed, models.LocatedProblem):
            return IngestResult(problems=(parsed,))
        assert isinstance(file, TextFile)
        return await self.add_digests(parsed, location=file.location)

    async def add_digests(
        self,
        parsed: Sequence[models.Digest],
        *,
        source: str = FILES_SOURCE,
        location: str,
        dry_run: bool = False,
    ) -> IngestResult:
        """Store all digests of one location, each in its own transaction. A dry run rolls back and returns the counts."""
        result = IngestResult()
        for sourced in provenance.to_sourced_digests(parsed, source, location):
            [stored] = await self._store([sourced], dry_run=dry_run)
            result += stored
        return result

    async def add_batch(self, group: Sequence[models.SourcedDigest]) -> list[IngestResult]:
        """Store digests of any locations in one transaction. Returns one result for each."""
        return await self._store(group)

    async def add_files(
        self, files: Iterable[TextFile | models.LocatedProblem], *, source: str = FILES_SOURCE
    ) -> AsyncGenerator[tuple[str, IngestResult], None]:
        """Store the digests of many files, several per transaction; yields each file's name and result once stored.

        A file that could not be read or has no digest is a problem without line.
        """
        batch: list[ParsedFile] = []
        for file in files:
            parsed = await _parse_file(file)
            if isinstance(parsed, models.LocatedProblem):
                yield parsed.location, IngestResult(problems=(parsed,))
                continue
            assert isinstance(file, TextFile)
            batch.append((file, provenance.to_sourced_digests(parsed, source, file.location)))
            if _is_full(batch):
                for stored in await self._store_files(batch):
                    yield stored
                batch = []
        for stored in await self._store_files(batch):
            yield stored

    async def reparse_all(self) -> AsyncIterator[IngestResult]:
        """Parse every stored text with the current parser; yields a result for each digest. Raises no alerts.

        Revisions stay: the texts did not change.
        """
        async with self._database.read() as connection:
            ids = await digests.list_ids(connection)
        for digest_id in ids:
            async with self._database.transaction() as connection:
                await digests.lock_ingest(connection)
                result = await self._reparse(connection, digest_id)
            yield result

    async def add_facts(self, paper_facts: Iterable[models.PaperFacts]) -> IngestResult:
        """Store and merge metadata from services. A paper that no list shows stays hidden until one does."""
        result = IngestResult()
        for chunk in chunked(paper_facts, FACTS_BATCH):
            async with self._database.transaction() as connection:
                await digests.lock_ingest(connection)
                result += await self._writer.write_facts(connection, chunk)
        return result

    async def _store_files(self, batch: Sequence[ParsedFile]) -> list[tuple[str, IngestResult]]:
        group = [sourced for _, file_digests in batch for sourced in file_digests]
        failures: list[Exception] = []
        # A digest that the database rejects must not block the rest of its batch.
        with isolation.collected(failures, reraise=(StorageError,)):
            stored = await self._store(group)
        if failures:
            stored = await self._store_individually(group)
        results = iter(stored)
        return [
            (file.name, sum((next(results) for _ in file_digests), IngestResult()))
            for file, file_digests in batch
        ]

    async def _store_individually(self, group: Sequence[models.SourcedDigest]) -> list[IngestResult]:
        """Store each digest in its own transaction; raises the first error after the last digest."""
        stored: list[IngestResult] = []
        failures: list[Exception] = []
        for sourced in group:
            with isolation.collected(failures):
                stored += await self._store([sourced])
        if failures:
            raise failures[0]
        return stored

    async def _store(
        self, group: Sequence[models.SourcedDigest], *, dry_run: bool = False
    ) -> list[IngestResult]:
        """Store digests in one transaction and return one result for each."""
        if not group:
            return []
        try:
            async with self._database.transaction() as connection:
                await digests.lock_ingest(connection)
                results = await self._writer.write_all(connection, group)
                if dry_run:
                    raise _DryRunError(results)
        except _DryRunError as rollback:
            results = rollback.results
        return [_parse_result(sourced) + result for sourced, result in zip(group, results, strict=True)]

    async def _reparse(self, connection: Connection, digest_id: int) -> IngestResult:
        stored = await digests.get(connection, digest_id)
        text = await digests.get_text(connection, digest_id)
        if stored is None or text is None:
            return IngestResult()
        [location, *_] = await digests.list_locations_by_digest(connection, digest_id)
        digest = next((digest for digest in await _parse(text) if digest.date == stored.date), None)
        if digest is None:
            message = f"its digest of {stored.date} is not found in its text any more"
            return IngestResult(1, problems=(models.LocatedProblem(location.location, None, message),))
        [parsed] = provenance.to_sourced_digests([digest], location.source, location.location)
        return _parse_result(parsed) + await self._writer.update_parsed(connection, digest_id, parsed)


def _parse_result(sourced: models.SourcedDigest) -> IngestResult:
    """Return the counts of one parsed digest, without what storing it changes."""
    return IngestResult(
        digests=1,
        arxiv_ids=frozenset(entry.arxiv_id for entry in sourced.digest.entries),
        problems=tuple(
            models.LocatedProblem(sourced.location, problem.line, problem.message)
            for problem in sourced.digest.problems
        ),
    )


def _is_full(batch: Sequence[ParsedFile]) -> bool:
    digest_count = sum(len(file_digests) for _, file_digests in batch)
    character_count = sum(len(file.text) for file, _ in batch)
    return digest_count >= BATCH_DIGESTS or character_count >= BATCH_CHARACTERS


async def _parse_file(
    file: TextFile | models.LocatedProblem,
) -> Sequence[models.Digest] | models.LocatedProblem:
    if isinstance(file, models.LocatedProblem):
        return file
    try:
        return await _parse(file.take_text())
    except errors.NotADigestError as error:
        return models.LocatedProblem(file.name, None, str(error))


async def _parse(text: str) -> tuple[models.Digest, ...]:
    if len(text) <= THREAD_THRESHOLD:
        return parse.parse_text(_storable_text(text))
    holder = [text]
    del text  # the thread alone keeps it, until it is split into lines
    return await asyncio.to_thread(lambda: parse.parse_text(_storable_text(holder.pop())))


def _storable_text(text: str) -> str:
    """Return the text without NUL and lone surrogates, which databases reject."""
    if not text.isascii() and _SURROGATE.search(text):
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "")
