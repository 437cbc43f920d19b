"""Takes digests and facts into storage: each digest whole or not at all, each text once, a correction in its place.

Parses, groups and opens transactions; what happens within one is `filing`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

from bot import errors, isolation
from bot.clock import Clock
from bot.digests import parse
from bot.services.ingest import digest_writer, paper_writer, provenance
from bot.services.ingest.digest_writer import OnFreshDigest as OnFreshDigest
from bot.services.ingest.files import TextFile, UnreadableFile
from bot.services.ingest.provenance import SourcedDigest
from bot.services.ingest.results import IngestProblem as IngestProblem
from bot.services.ingest.results import IngestResult as IngestResult
from storage import digests, models
from storage.bulk import chunked
from storage.database import Connection, Database
from storage.errors import StorageError

FILES_SOURCE = "files"
"""The source of what a person ingests by hand."""
THREAD_THRESHOLD = 200_000
"""Characters from which a text is parsed in a thread, so that the loop stays free."""
BATCH_DIGESTS = 60
"""Digests of an archive that share a transaction at most: a commit costs as much as ten digests."""
BATCH_CHARACTERS = 2_000_000


class _DryRunError(Exception):
    """Carries results out of a transaction that is to leave nothing behind."""

    def __init__(self, results: list[IngestResult]) -> None:
        super().__init__()
        self.results = results


class IngestService:
    """Stores what sources bring. `fresh_days`: digests older than so many days raise no alerts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        indexer: paper_writer.Indexer,
        *,
        on_fresh_digest: OnFreshDigest | None = None,
        fresh_days: int = 3,
    ) -> None:
        self._database = database
        self._writer = digest_writer.DigestWriter(clock, indexer, on_fresh_digest, fresh_days=fresh_days)

    async def add_text(self, text: str, *, source: str = FILES_SOURCE, location: str) -> IngestResult:
        """Parse a text and store its digests, one transaction each. Raises errors.NotADigestError when it holds none."""
        return await self.add_digests(await _parse(text), source=source, location=location)

    async def add_digests(
        self,
        parsed: Sequence[models.Digest],
        *,
        source: str = FILES_SOURCE,
        location: str,
        dry_run: bool = False,
    ) -> IngestResult:
        """Store all digests of one place, one transaction each. A dry run says what would change and changes nothing."""
        result = IngestResult()
        for said in provenance.to_sourced_digests(parsed, source, location):
            [stored] = await self._store([said], dry_run=dry_run)
            result += stored
        return result

    async def add_batch(self, group: Sequence[SourcedDigest]) -> list[IngestResult]:
        """Store digests of any places in one transaction, all of them or none. Returns a result for each."""
        return await self._store(group)

    async def add_files(
        self, files: Iterable[TextFile | UnreadableFile], *, source: str = FILES_SOURCE
    ) -> AsyncIterator[tuple[str, IngestResult]]:
        """Store the digests of many files, several in a transaction; yields each file's name once it is stored.

        A file that could not be read or holds no digest is a problem without line.
        """
        waiting: list[tuple[TextFile, list[SourcedDigest]]] = []
        for file in files:
            if isinstance(file, UnreadableFile):
                yield file.name, _unreadable(file.name, file.reason)
                continue
            try:
                found = provenance.to_sourced_digests(await _parse(file.text), source, file.location)
            except errors.NotADigestError as error:
                yield file.name, _unreadable(file.name, error.reason)
                continue
            waiting.append((file, found))
            if (
                sum(len(one) for _, one in waiting) >= BATCH_DIGESTS
                or _character_count(waiting) >= BATCH_CHARACTERS
            ):
                for stored in await self._store_files(waiting):
                    yield stored
                waiting = []
        for stored in await self._store_files(waiting):
            yield stored

    async def reparse_all(self) -> AsyncIterator[IngestResult]:
        """Read every stored text with today's parser; yields a result a digest. Raises no alerts.

        A text keeps its revision, since its source said nothing new.
        """
        async with self._database.read() as connection:
            ids = await digests.list_ids(connection)
        for digest_id in ids:
            async with self._database.transaction() as connection:
                await digests.lock_ingest(connection)
                result = await self._reparse(connection, digest_id)
            yield result

    async def add_facts(self, said: Iterable[models.PaperFacts]) -> IngestResult:
        """Store what services say of papers and merge it. A paper that stands on no list stays hidden until one names it."""
        result = IngestResult()
        for chunk in chunked(said, 200):
            async with self._database.transaction() as connection:
                await digests.lock_ingest(connection)
                result += await self._writer.write_facts(connection, chunk)
        return result

    async def _store_files(
        self, files: Sequence[tuple[TextFile, list[SourcedDigest]]]
    ) -> list[tuple[str, IngestResult]]:
        group = [said for _, found in files for said in found]
        failures: list[Exception] = []
        # A digest that the database rejects must not block the rest of its batch.
        with isolation.collected(failures, reraise=(StorageError,)):
            stored = await self._store(group)
        if failures:
            stored = await self._store_individually(group)
        results = iter(stored)
        return [(file.name, sum((next(results) for _ in found), IngestResult())) for file, found in files]

    async def _store_individually(self, group: Sequence[SourcedDigest]) -> list[IngestResult]:
        """Store each in a transaction of its own; raises what the first failure raised, after the last is tried."""
        stored: list[IngestResult] = []
        failures: list[Exception] = []
        for said in group:
            with isolation.collected(failures):
                stored += await self._store([said])
        if failures:
            raise failures[0]
        return stored

    async def _store(self, group: Sequence[SourcedDigest], *, dry_run: bool = False) -> list[IngestResult]:
        """Store digests in one transaction and return a result for each."""
        if not group:
            return []
        try:
            async with self._database.transaction() as connection:
                await digests.lock_ingest(connection)
                results = await self._writer.write_all(connection, group)
                if dry_run:
                    raise _DryRunError(results)
        except _DryRunError as end:
            results = end.results
        return [_parse_result(said) + result for said, result in zip(group, results, strict=True)]

    async def _reparse(self, connection: Connection, digest_id: int) -> IngestResult:
        stored = await digests.get(connection, digest_id)
        text = await digests.get_text(connection, digest_id)
        if stored is None or text is None:
            return IngestResult()
        [place, *_] = await digests.list_locations_by_digest(connection, digest_id)
        digest = next((one for one in await _parse(text) if one.date == stored.date), None)
        if digest is None:
            reason = f"its digest of {stored.date} is not found in its text any more"
            return IngestResult(1, problems=(IngestProblem(place.location, None, reason),))
        [said] = provenance.to_sourced_digests([digest], place.source, place.location)
        return _parse_result(said) + await self._writer.update_parsed(connection, digest_id, digest)


def _parse_result(said: SourcedDigest) -> IngestResult:
    """Return what reading a digest came to, before it is known what is new in it."""
    return IngestResult(
        digests=1,
        arxiv_ids=frozenset(entry.arxiv_id for entry in said.digest.entries),
        problems=tuple(IngestProblem(said.location, one.line, one.message) for one in said.digest.problems),
    )


def _unreadable(name: str, reason: str) -> IngestResult:
    return IngestResult(problems=(IngestProblem(name, None, reason),))


def _character_count(files: Iterable[tuple[TextFile, object]]) -> int:
    return sum(len(file.text) for file, _ in files)


async def _parse(text: str) -> tuple[models.Digest, ...]:
    text = _storable_text(text)
    if len(text) > THREAD_THRESHOLD:
        return await asyncio.to_thread(parse.parse_text, text)
    return parse.parse_text(text)


def _storable_text(text: str) -> str:
    """Return the text without NUL and lone surrogates, which no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "")
