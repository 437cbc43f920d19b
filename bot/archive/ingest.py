"""Parse files and texts, and store each digest completely or not at all.

`digest_writer` decides inside the transaction whether a digest is new, known or corrected.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import date

import structlog

from bot.archive import arxiv_ids, digest_writer, fields, parse
from bot.archive.digest_writer import IngestResult
from bot.archive.files import TextFile
from bot.core import isolation
from bot.core.clock import Clock
from storage import archive, errors, sources
from storage.database import Connection, Database, chunked
from storage.errors import StorageError
from storage.models import Digest, LocatedProblem, PaperFacts, SourcedDigest

log = structlog.get_logger(__name__)

BATCH_DIGESTS = 60
"""The most digests per transaction in a bulk ingest. A commit costs as much as ten digests."""
BATCH_ENTRIES = 1_000
"""The most entries per transaction, unless one digest has more. Others wait up to 2 ms per known paper."""
PAUSE_RATIO = 0.25
"""The pause after a transaction, relative to its duration. SQLite does not queue other writers."""
FACTS_BATCH = 200
"""Papers per transaction when storing facts."""


class IngestService:
    """Parses texts, and stores digests and facts."""

    def __init__(
        self, database: Database, clock: Clock, *, on_fresh: digest_writer.OnFreshPapers | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._writer = digest_writer.DigestWriter(clock, on_fresh)

    async def add_text(self, text: str, *, source: str = sources.FILES, location: str) -> IngestResult:
        """Parse a text and store its digests. Raises NotADigestError if it contains no digest."""
        parsed = await _parse(text, location, self._clock().date())
        return await self.add_digests(parsed, source=source, location=location)

    async def add_digests(
        self, parsed: Sequence[Digest], *, source: str = sources.FILES, location: str
    ) -> IngestResult:
        """Store all digests from one location."""
        digests = digest_writer.to_sourced_digests(parsed, source, location)
        return sum(await self.add_batch(digests), IngestResult())

    async def add_files(
        self, files: Iterable[TextFile | LocatedProblem]
    ) -> AsyncGenerator[tuple[str, IngestResult], None]:
        """Store the digests of many files, several per transaction, and yield each file's name and result.

        An unreadable file or a file without a digest is reported as a problem without a line number.
        """
        for chunk in chunked(files, BATCH_DIGESTS):
            batch: list[tuple[str, list[SourcedDigest]]] = []
            for file in chunk:
                name = file.location if isinstance(file, LocatedProblem) else file.name
                failures: list[Exception] = []
                with isolation.collected(failures):
                    parsed = await asyncio.to_thread(_parse_file, file, self._clock().date())
                for error in failures:
                    parsed = _report_bug(name, error)
                if isinstance(parsed, IngestResult):
                    yield name, parsed
                else:
                    batch.append((name, parsed))
            for stored in await self._store_files(batch):
                yield stored

    async def reparse_all(self) -> AsyncIterator[IngestResult]:
        """Reparse every stored text with the current parser, and yield the results. Triggers no alerts."""
        async with self._database.read() as connection:
            ids = await archive.list_ids(connection)
        for digest_id in ids:
            failures: list[Exception] = []
            with isolation.collected(failures, reraise=(StorageError,)):
                async with self._writing() as connection:
                    result = await self._reparse(connection, digest_id)
            for error in failures:
                result = _report_bug(f"digest {digest_id}", error)
            yield result

    async def add_facts(self, paper_facts: Iterable[PaperFacts]) -> IngestResult:
        """Store and merge facts from services. A paper stays hidden until a digest or list contains it."""
        result = IngestResult()
        for chunk in chunked(paper_facts, FACTS_BATCH):
            async with self._writing() as connection:
                result += await self._writer.write_facts(connection, chunk)
        return result

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Connection]:
        """Open a transaction that holds the ingest lock, and pause afterwards so that others can write."""
        started = time.monotonic()
        async with self._database.transaction() as connection:
            await archive.lock_ingest(connection)
            yield connection
        await asyncio.sleep(PAUSE_RATIO * (time.monotonic() - started))

    async def _store_files(
        self, batch: Sequence[tuple[str, list[SourcedDigest]]]
    ) -> list[tuple[str, IngestResult]]:
        group = [sourced for _, file_digests in batch for sourced in file_digests]
        outcomes = iter(await self._store(group))
        results: list[tuple[str, IngestResult]] = []
        for name, file_digests in batch:
            result = IngestResult()
            for outcome in itertools.islice(outcomes, len(file_digests)):
                result += _report_bug(name, outcome) if isinstance(outcome, Exception) else outcome
            results.append((name, result))
        return results

    async def add_batch(self, group: Sequence[SourcedDigest]) -> list[IngestResult]:
        """Store digests from any locations and return a result for each.

        Raises the first error, but only after storing all other digests.
        """
        results: list[IngestResult] = []
        for outcome in await self._store(group):
            if isinstance(outcome, Exception):
                raise outcome
            results.append(outcome)
        return results

    async def _store(self, group: Sequence[SourcedDigest]) -> list[IngestResult | Exception]:
        """Store digests and return a result or an error for each.

        New digests share transactions. Each correction, and each digest of a failed batch, gets its own
        transaction.
        """
        results: dict[int, IngestResult | Exception] = {}
        for batch in _divide(group):
            alone: Mapping[int, SourcedDigest] = batch
            with isolation.collected([], reraise=(StorageError,)):
                async with self._writing() as connection:
                    written, known = await self._writer.write_new(connection, batch)
                results |= written
                alone = known
            for index, sourced in alone.items():
                failures: list[Exception] = []
                with isolation.collected(failures, reraise=(StorageError,)):
                    async with self._writing() as connection:
                        result = await self._writer.write_one(connection, sourced)
                results[index] = failures[0] if failures else result
        return [
            outcome if isinstance(outcome, Exception) else _parse_result(sourced) + outcome
            for sourced, outcome in zip(group, map(results.__getitem__, range(len(group))), strict=True)
        ]

    async def _reparse(self, connection: Connection, digest_id: int) -> IngestResult:
        stored = await archive.get(connection, digest_id)
        text = await archive.get_text(connection, digest_id)
        if stored is None or text is None:
            return IngestResult()
        found: Sequence[Digest] = ()
        with suppress(errors.NotADigestError):
            found = await _parse(text, stored.location, stored.date_on)
        digest = next((digest for digest in found if digest.date == stored.date_on), None)
        if digest is None:
            message = f"this version no longer finds the digest of {stored.date_on} in the stored text"
            return IngestResult(1, problems=(LocatedProblem(stored.location, None, message),))
        [parsed] = digest_writer.to_sourced_digests([digest], stored.source, stored.location)
        return _parse_result(parsed) + await self._writer.update_parsed(connection, digest_id, parsed)


def _divide(group: Sequence[SourcedDigest]) -> Iterator[dict[int, SourcedDigest]]:
    """Split the group's digests into batches of one transaction each, keyed by their position in the group."""
    batch: dict[int, SourcedDigest] = {}
    entries = 0
    for index, sourced in enumerate(group):
        entries += len(sourced.digest.entries)
        if batch and (len(batch) == BATCH_DIGESTS or entries > BATCH_ENTRIES):
            yield batch
            batch, entries = {}, len(sourced.digest.entries)
        batch[index] = sourced
    if batch:
        yield batch


def _parse_result(sourced: SourcedDigest) -> IngestResult:
    """Return the result for a parsed digest that has not been stored yet."""
    return IngestResult(
        digests=1,
        arxiv_ids=frozenset(entry.arxiv_id for entry in sourced.digest.entries),
        problems=tuple(
            LocatedProblem(sourced.location, problem.line, problem.message)
            for problem in sourced.digest.problems
        ),
    )


def _report_bug(name: str, error: Exception) -> IngestResult:
    """Log a bug in parsing or storing a file, and return it as a problem."""
    isolation.log_error(log, "file not ingested because of a bug", error, file=name)
    return IngestResult(problems=(LocatedProblem(name, None, f"it {fields.describe_bug(error)}"),))


def _parse_file(file: TextFile | LocatedProblem, on: date) -> list[SourcedDigest] | IngestResult:
    """Return a file's digests, or a result that says why nothing was found."""
    if isinstance(file, LocatedProblem):
        return IngestResult(problems=(file,))
    is_json, names_paper = parse.is_json(file.text), arxiv_ids.names_paper(file.text)
    try:
        parsed = parse.parse_text(fields.storable_text(file.text), file.name, on)
        return digest_writer.to_sourced_digests(parsed, sources.FILES, file.location)
    except errors.NotADigestError as error:
        problem = LocatedProblem(file.name, None, str(error))
        is_unrelated = not names_paper and (is_json or str(error) == parse.NO_PAPER)
        return IngestResult(unrelated=(problem,)) if is_unrelated else IngestResult(problems=(problem,))


async def _parse(text: str, name: str, on: date) -> tuple[Digest, ...]:
    """Parse a text in a thread, since a single long line can be slow to parse."""
    return await asyncio.to_thread(lambda: parse.parse_text(fields.storable_text(text), name, on))
