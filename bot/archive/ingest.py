"""Ingests digests and facts: parses files and texts, and stores each digest whole or not at all.

`digest_writer` decides within a transaction what is new, known or a correction. `Quarantine` sets aside what was being
read at two crashes in a row, so that one hostile file cannot keep the bot from running.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import types
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date

from bot.archive import arxiv_ids, digest_writer, listing, parse
from bot.archive.digest_writer import IngestResult
from bot.archive.files import TextFile
from bot.core import isolation
from bot.core.clock import Clock
from storage import archive, errors, key_values, sources
from storage.database import Connection, Database, chunked
from storage.errors import StorageError
from storage.models import Digest, LocatedProblem, PaperFacts, SourcedDigest

BATCH_DIGESTS = 60
"""Maximum number of digests per transaction in a bulk ingest: a commit costs as much as ten digests."""
BATCH_CHARACTERS = 2_000_000
"""A batch is stored once its texts have this many characters."""
SLICE_SECONDS = 0.2
"""Time after which a transaction that stores corrections ends: each may take as long as a hundred new digests."""
PAUSE_RATIO = 0.25
"""Pause after such a transaction, as a share of its duration, for other writers: SQLite has no queue for them."""
FACTS_BATCH = 200
"""Papers per transaction when storing facts."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class _DryRunError(Exception):
    """Rolls back a dry run's transaction."""


class IngestService:
    """Stores digests and facts. Digests older than `fresh_days` days raise no alerts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        indexer: digest_writer.Indexer,
        *,
        on_fresh_digest: digest_writer.OnFreshDigest | None = None,
        on_added_names: digest_writer.OnAddedNames | None = None,
        fresh_days: int = 3,
    ) -> None:
        self._database = database
        self._clock = clock
        self._indexer = indexer
        self._writer = digest_writer.DigestWriter(
            clock, indexer, on_fresh_digest, on_added_names, fresh_days=fresh_days
        )

    async def add_text(self, text: str, *, source: str = sources.FILES, location: str) -> IngestResult:
        """Parse a text and store each of its digests in its own transaction.

        Raises errors.NotADigestError for a text without digests.
        """
        parsed = await _parse(text, location, self._clock().date())
        return await self.add_digests(parsed, source=source, location=location)

    async def add_file(self, file: TextFile | LocatedProblem) -> IngestResult:
        """Store the digests of one file, each in its own transaction; problems are as in `add_files`."""
        parsed = await _parse_file(file, self._clock().date())
        if isinstance(parsed, IngestResult):
            return parsed
        assert isinstance(file, TextFile)
        return await self.add_digests(parsed, location=file.location)

    async def add_digests(
        self, parsed: Sequence[Digest], *, source: str = sources.FILES, location: str, dry_run: bool = False
    ) -> IngestResult:
        """Store all digests of one location, each in its own transaction. A dry run rolls back and returns the counts."""
        result = IngestResult()
        for sourced in digest_writer.to_sourced_digests(parsed, source, location):
            [stored] = await self.add_batch([sourced], dry_run=dry_run)
            result += stored
        return result

    async def add_files(
        self, files: Iterable[TextFile | LocatedProblem]
    ) -> AsyncGenerator[tuple[str, IngestResult], None]:
        """Store the digests of many files, several per transaction; yields each file's name and result once stored.

        A file that could not be read or has no digest is a problem without line.
        """
        batch: list[tuple[str, list[SourcedDigest]]] = []
        digest_count = character_count = 0
        for file in files:
            parsed = await _parse_file(file, self._clock().date())
            if isinstance(parsed, IngestResult):
                [problem] = parsed.problems or parsed.unrelated
                yield problem.location, parsed
                continue
            assert isinstance(file, TextFile)
            batch.append((file.name, digest_writer.to_sourced_digests(parsed, sources.FILES, file.location)))
            digest_count += len(parsed)
            character_count += sum(len(digest.text) for digest in parsed)
            if digest_count >= BATCH_DIGESTS or character_count >= BATCH_CHARACTERS:
                for stored in await self._store_files(batch):
                    yield stored
                batch, digest_count, character_count = [], 0, 0
        for stored in await self._store_files(batch):
            yield stored

    async def reparse_all(self) -> AsyncIterator[IngestResult]:
        """Parse every stored text with the current parser; yields a result for each digest. Raises no alerts.

        Revisions stay: the texts did not change.
        """
        async with self._database.read() as connection:
            ids = await archive.list_ids(connection)
        for digest_id in ids:
            async with self._database.transaction() as connection:
                await archive.lock_ingest(connection)
                result = await self._reparse(connection, digest_id)
            await self._indexer.catch_up(self._database)
            yield result

    async def add_facts(self, paper_facts: Iterable[PaperFacts]) -> IngestResult:
        """Store and merge metadata from services. A paper that no list shows stays hidden until one does."""
        result = IngestResult()
        for chunk in chunked(paper_facts, FACTS_BATCH):
            async with self._database.transaction() as connection:
                await archive.lock_ingest(connection)
                result += await self._writer.write_facts(connection, chunk)
            await self._indexer.catch_up(self._database)
        return result

    async def merge_source(self, source: str) -> int:
        """Merge the papers of a source again, after its trust has changed. Returns the number that changed."""
        async with self._database.read() as connection:
            ids = await archive.list_paper_ids_by_source(connection, source)
        changed = 0
        for chunk in chunked(ids, FACTS_BATCH):
            async with self._database.transaction() as connection:
                await archive.lock_ingest(connection)
                changed += await self._writer.merge_again(connection, chunk)
            await self._indexer.catch_up(self._database)
        return changed

    async def _store_files(
        self, batch: Sequence[tuple[str, list[SourcedDigest]]]
    ) -> list[tuple[str, IngestResult]]:
        group = [sourced for _, file_digests in batch for sourced in file_digests]
        failures: list[Exception] = []
        stored: list[IngestResult] = []
        with isolation.collected(failures, reraise=(StorageError,)):
            stored = await self.add_batch(group)
        if failures:
            # A digest that the database rejects must not block the rest of its batch: each is stored by itself.
            failures.clear()
            for sourced in group:
                with isolation.collected(failures):
                    stored += await self.add_batch([sourced])
            if failures:
                raise failures[0]
        results = iter(stored)
        return [
            (name, sum((next(results) for _ in file_digests), IngestResult())) for name, file_digests in batch
        ]

    async def add_batch(
        self,
        group: Sequence[SourcedDigest],
        *,
        dry_run: bool = False,
        max_corrections: Mapping[str, int] = types.MappingProxyType({}),
    ) -> list[IngestResult]:
        """Store digests of any locations and return one result for each, the new ones in one transaction.

        The others follow one by one, in transactions of `SLICE_SECONDS`. `max_corrections` are the most that are stored of
        sources; further ones are held back, which their results say.
        """
        if not group:
            return []
        results: dict[int, IngestResult] = {}
        rest: dict[int, SourcedDigest] | None = None
        left = dict(max_corrections)
        try:
            while rest is None or rest:
                async with self._database.transaction() as connection:
                    started = time.monotonic()
                    await archive.lock_ingest(connection)
                    if rest is None:
                        results, rest = await self._writer.write_new(connection, group)
                    while rest and (dry_run or time.monotonic() < started + SLICE_SECONDS):
                        index = next(iter(rest))
                        sourced = rest.pop(index)
                        may_correct = left.get(sourced.source, 1) > 0
                        result = await self._writer.write_known(connection, sourced, may_correct=may_correct)
                        if sourced.source in left:
                            left[sourced.source] -= result.corrected_digests
                        results[index] = result
                    if dry_run:
                        raise _DryRunError
                if rest:
                    await asyncio.sleep(PAUSE_RATIO * (time.monotonic() - started))
            await self._indexer.catch_up(self._database)
        except _DryRunError:
            pass
        return [_parse_result(sourced) + results[index] for index, sourced in enumerate(group)]

    async def _reparse(self, connection: Connection, digest_id: int) -> IngestResult:
        stored = await archive.get(connection, digest_id)
        text = await archive.get_text(connection, digest_id)
        if stored is None or text is None:
            return IngestResult()
        [location, *_] = await archive.list_locations_by_digest(connection, digest_id)
        digest = next(
            (
                digest
                for digest in await _parse(text, location.location, stored.date)
                if digest.date == stored.date
            ),
            None,
        )
        if digest is None:
            message = f"its digest of {stored.date} is not found in its text any more"
            return IngestResult(1, problems=(LocatedProblem(location.location, None, message),))
        [parsed] = digest_writer.to_sourced_digests([digest], location.source, location.location)
        return _parse_result(parsed) + await self._writer.update_parsed(connection, digest_id, parsed)


def _parse_result(sourced: SourcedDigest) -> IngestResult:
    """Return the counts of one parsed digest, without what storing it changes."""
    return IngestResult(
        digests=1,
        arxiv_ids=frozenset(entry.arxiv_id for entry in sourced.digest.entries),
        problems=tuple(
            LocatedProblem(sourced.location, problem.line, problem.message)
            for problem in sourced.digest.problems
        ),
    )


async def _parse_file(file: TextFile | LocatedProblem, on: date) -> Sequence[Digest] | IngestResult:
    """Return the digests of a file, or the result for a file without digests."""
    return (
        IngestResult(problems=(file,))
        if isinstance(file, LocatedProblem)
        else await asyncio.to_thread(_read_file, file, on)
    )


def _read_file(file: TextFile, on: date) -> Sequence[Digest] | IngestResult:
    is_json, names_paper = listing.is_json(file.text), arxiv_ids.names_paper(file.text)
    try:
        return parse.parse_text(_storable_text(file.take_text()), file.name, on)
    except errors.NotADigestError as error:
        problem = LocatedProblem(file.name, None, str(error))
        is_unrelated = not names_paper and (is_json or str(error) == parse.NO_DATE)
        return IngestResult(unrelated=(problem,)) if is_unrelated else IngestResult(problems=(problem,))


async def _parse(text: str, name: str, on: date) -> tuple[Digest, ...]:
    """Return the digests of a text, of any length off the event loop: a hostile line takes as long as a hundred others."""
    holder = [text]
    del text  # the thread alone keeps it, until it is split into lines
    return await asyncio.to_thread(lambda: parse.parse_text(_storable_text(holder.pop()), name, on))


def _storable_text(text: str) -> str:
    """Return the text without NUL and lone surrogates, which databases reject."""
    if not text.isascii() and _SURROGATE.search(text):
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "")


MAX_CRASHES = 2

CRASHED_TWICE = "crashed-twice"
"""The reason of what was being read at two crashes in a row; the templates have its sentence."""


class Quarantine:
    """Remembers the items of one kind that are being read. One process at a time may use it.

    Items are stored before they are read and removed after. What a crash leaves is suspect: it is read once more, alone.
    They are given with a fingerprint, which lets a changed item be read again.
    """

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._key = f"{key_values.BEING_READ}{kind}"

    async def admit(self, items: Mapping[str, str]) -> tuple[list[str], list[str], list[str]]:
        """Divide items that are not being read by the number of crashes at which they were.

        Returns those to read together, those to read each alone, and those not to read at all.
        """
        async with self._database.read() as connection:
            crashes = await self._load(connection)
        counts = {
            name: count
            for name, fingerprint in items.items()
            if (count := crashes.get(name, {}).get(fingerprint, 0))
        }
        return (
            [name for name in items if name not in counts],
            [name for name, count in counts.items() if count < MAX_CRASHES],
            [name for name, count in counts.items() if count >= MAX_CRASHES],
        )

    @asynccontextmanager
    async def reading(self, items: Mapping[str, str]) -> AsyncIterator[None]:
        """Count the items as being read until the block ends, with or without an error; a crash leaves the count."""
        if not items:
            yield
            return
        async with self._database.transaction() as connection:
            crashes = await self._load(connection)
            for name, fingerprint in items.items():
                crashes[name] = {fingerprint: crashes.get(name, {}).get(fingerprint, 0) + 1}
            await self._save(connection, crashes)
        try:
            yield
        finally:
            await self.forget(items)

    async def forget(self, names: Collection[str]) -> None:
        """Remove the counts of items, as after a good reading."""
        async with self._database.transaction() as connection:
            crashes = await self._load(connection)
            await self._save(connection, {name: own for name, own in crashes.items() if name not in names})

    async def _load(self, connection: Connection) -> dict[str, dict[str, int]]:
        """Return the number of readings without an end, by name and fingerprint."""
        stored: dict[str, dict[str, int]] = json.loads(await key_values.get(connection, self._key) or "{}")
        return stored

    async def _save(self, connection: Connection, crashes: dict[str, dict[str, int]]) -> None:
        if crashes:
            await key_values.set_value(connection, self._key, json.dumps(crashes))
        else:
            await key_values.remove(connection, self._key)
