"""Parse files and texts, and store what each location contains completely or not at all.

`digest_writer` decides inside the transaction which digests are new, known, corrected or gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from types import MappingProxyType

import structlog

from bot.archive import digest_writer, fields, listing, paper_list, parse, schemes
from bot.archive.digest_writer import Arrival, IngestResult, LocationContent
from bot.archive.files import TextFile
from bot.core import isolation
from bot.core.clock import Clock
from bot.core.files import LocatedProblem
from bot.text import plain
from storage import archive, errors, papers, sources
from storage.database import Connection, Database
from storage.errors import StorageError
from storage.models import Digest, MergedPaper, PaperFacts, Problem, Skipped, SkipReason, StoredDigest
from storage.snapshot import chunked

log = structlog.get_logger(__name__)

BATCH_DIGESTS = 60
"""The most digests per transaction in a bulk ingest. A commit costs as much as ten digests."""
BATCH_ENTRIES = 1_000
"""The most entries per transaction, unless one digest has more. Others wait up to 2 ms per known paper."""
PAUSE_RATIO = 0.25
"""The pause after a transaction, relative to its duration. SQLite does not queue other writers."""
BATCH_REMOVED = 10
"""The most digests that are removed per transaction."""
FACTS_BATCH = 200
"""Papers per transaction when storing facts."""


class IngestService:
    def __init__(
        self, database: Database, clock: Clock, *, on_fresh: digest_writer.OnFreshPapers | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._writer = digest_writer.DigestWriter(clock, on_fresh)
        self._has_read_keys = False

    async def put(
        self,
        source: str,
        location: str,
        digests: Sequence[Digest],
        *,
        is_whole: bool = True,
        arrival: Arrival = Arrival.BY_LOCATION,
        is_for_lookup: bool = False,
    ) -> IngestResult:
        """Store that a location of a source contains these digests now. Without any, its days are taken back.

        For `is_whole` and `is_for_lookup` see `digest_writer.LocationContent`.
        """
        sourced = digest_writer.to_sourced_digests(digests, source, location)
        [outcome] = await self._store_contents(
            [LocationContent(source, location, sourced, is_whole, arrival, is_for_lookup)]
        )
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def add_text(self, text: str, *, source: str = sources.FILES, location: str) -> IngestResult:
        """Parse a text and store its digests. Raises NotADigestError if it contains no digest."""
        return await self.put(source, location, await _parse(text, location, self._clock().date()))

    async def add_files(
        self, files: Iterable[TextFile | LocatedProblem]
    ) -> AsyncGenerator[IngestResult, None]:
        """Store the digests of many files, several per transaction, and yield each file's result.

        Its problems have the file's name. An unreadable file or one without a digest is a problem without a line number.
        """
        for chunk in chunked(files, BATCH_DIGESTS):
            batch: list[tuple[str, LocationContent]] = []
            for file in chunk:
                name = file.location if isinstance(file, LocatedProblem) else file.name
                with isolation.collected([]) as failures:
                    parsed = await asyncio.to_thread(_parse_file, file, self._clock().date())
                for error in failures:
                    parsed = _report_bug(name, error)
                if isinstance(parsed, IngestResult):
                    yield parsed
                else:
                    batch.append((name, parsed))
            for (name, _), outcome in zip(
                batch, await self._store_contents([content for _, content in batch]), strict=True
            ):
                if isinstance(outcome, Exception):
                    yield _report_bug(name, outcome)
                else:
                    problems = tuple(replace(row, location=name) for row in outcome.problems)
                    yield replace(outcome, problems=problems)

    async def remove_digests(self, digests: Iterable[StoredDigest], listed: Iterable[int] = ()) -> int:
        """Remove digests, and the listing of some papers by services. Returns how many papers no digest lists any more."""
        unlisted = 0
        parts = [(chunk, ()) for chunk in chunked(digests, BATCH_REMOVED)]
        for gone, paper_ids in (*parts, *(((), chunk) for chunk in chunked(listed, FACTS_BATCH))):
            async with self._writing() as connection:
                unlisted += await self._writer.remove_digests(connection, gone, paper_ids)
        return unlisted

    async def set_hidden(self, paper_key: str, *, hidden: bool) -> MergedPaper | None:
        """Hide a paper from readers, or show it again. Returns it as it was, or None if it is not stored."""
        async with self._writing() as connection:
            return await digest_writer.set_hidden(connection, paper_key, hidden=hidden)

    async def part(self, paper_key: str) -> list[MergedPaper]:
        """Make a further key of a joined paper a paper of its own for good. For what it returns see `digest_writer.part`."""
        async with self._writing() as connection:
            return await digest_writer.part(connection, paper_key, self._reparse)

    async def find_hidden(self, paper_keys: Iterable[str]) -> set[str]:
        return await self._database.fetch(papers.find_hidden, paper_keys)

    async def reparse_all(self) -> AsyncGenerator[IngestResult, None]:
        """Reparse every stored text with the current parser, and yield the results. Triggers no alerts."""
        ids = await self._database.fetch(archive.list_ids)
        for digest_id in ids:
            with isolation.collected([], reraise=(StorageError,)) as failures:
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
        """Open a transaction that holds the ingest lock, and pause afterwards so that others can write.

        The first one reads the stored keys as this version reads them in texts.
        """
        started = time.monotonic()
        async with self._database.transaction() as connection:
            await archive.lock_ingest(connection)
            if not self._has_read_keys:
                await digest_writer.learn_versions(connection)
            yield connection
        self._has_read_keys = True
        await asyncio.sleep(PAUSE_RATIO * (time.monotonic() - started))

    async def _store_contents(self, contents: Sequence[LocationContent]) -> list[IngestResult | Exception]:
        """Store what locations contain, several per transaction, and return a result or an error for each.

        The locations of a failed transaction are tried alone.
        """
        outcomes: list[IngestResult | Exception] = []
        for batch in _divide(contents):
            with isolation.collected([], reraise=(StorageError,)) as failures:
                async with self._writing() as connection:
                    stored = await self._writer.put(connection, batch)
                    if described := [fact for content in batch for fact in _describe(content)]:
                        await self._writer.write_facts(connection, described)
                outcomes += [
                    _parse_result(content) + added for content, added in zip(batch, stored, strict=True)
                ]
            if failures and len(batch) == 1:
                outcomes += failures
            elif failures:
                for content in batch:
                    outcomes += await self._store_contents([content])
        return outcomes

    async def _reparse(
        self, connection: Connection, digest_id: int, parted: Mapping[int, int] = MappingProxyType({})
    ) -> IngestResult:
        stored = await archive.get(connection, digest_id)
        text = await archive.get_text(connection, digest_id)
        if stored is None or text is None:
            return IngestResult()
        digests: Sequence[Digest] = ()
        with suppress(errors.NotADigestError):
            digests = await _parse(text, stored.location, stored.date_on)
        digest = next((digest for digest in digests if digest.date == stored.date_on), None)
        if digest is None:
            message = f"this version no longer finds the digest of {stored.date_on} in the stored text"
            return IngestResult(1, problems=(LocatedProblem(stored.location, None, message),))
        [parsed] = digest_writer.to_sourced_digests([digest], stored.source, stored.location)
        content = LocationContent(stored.source, stored.location, [parsed])
        return _parse_result(content) + await self._writer.correct(connection, digest_id, parsed, parted)


def _divide(contents: Iterable[LocationContent]) -> Iterator[list[LocationContent]]:
    """Split contents into batches of one transaction each, in which no location is repeated."""
    batch: dict[tuple[str, str], LocationContent] = {}
    digests = entries = 0
    for content in contents:
        place = content.source, content.location
        added = sum(len(sourced.digest.entries) for sourced in content.digests)
        digests, entries = digests + len(content.digests), entries + added
        if batch and (place in batch or digests > BATCH_DIGESTS or entries > BATCH_ENTRIES):
            yield list(batch.values())
            batch, digests, entries = {}, len(content.digests), added
        batch[place] = content
    if batch:
        yield list(batch.values())


def _parse_result(content: LocationContent) -> IngestResult:
    """Return the result for parsed digests that have not been stored yet."""
    digests = [sourced.digest for sourced in content.digests]
    return IngestResult(
        digests=len(digests),
        paper_keys=frozenset(entry.paper_key for digest in digests for entry in digest.entries),
        problems=tuple(
            LocatedProblem(content.location, problem.line, problem.message)
            for digest in digests
            for problem in (*digest.problems, *map(_describe_untitled, digest.skipped))
            if problem
        ),
    )


def _describe_untitled(skipped: Skipped) -> Problem | None:
    """Return the problem that a file's papers have no title, or None for what was skipped for another reason."""
    if skipped.reason is not SkipReason.NO_TITLE:
        return None
    number, names = skipped.number, ", ".join(skipped.examples)
    return Problem(1, f"{number:,} paper{'s' if number > 1 else ''} without a title left out: {names}")


def _describe(content: LocationContent) -> Iterator[PaperFacts]:
    """Yield the facts in a list or listing. One at an address says nothing of arXiv's papers besides that it lists them."""
    is_own = "://" not in content.location
    for sourced in content.digests:
        digest = sourced.digest
        described = {
            entry.paper_key for entry in digest.entries if is_own or not schemes.is_arxiv(entry.paper_key)
        }
        if digest.format in listing.FORMATS and described:
            read_at = datetime.combine(digest.date, datetime.min.time(), UTC)
            for paper in listing.papers_of(digest.text):
                if paper["key"] not in described:
                    continue
                facts = listing.to_facts(paper, content.source, content.location, read_at)
                yield replace(facts, title=None, authors=(), thumbnail=None)  # its entry has these


def _report_bug(name: str, error: Exception) -> IngestResult:
    isolation.log_error(log, "file not ingested because of a bug", error, file=name)
    return IngestResult(problems=(LocatedProblem(name, None, f"it {fields.describe_bug(error)}"),))


def _parse_file(file: TextFile | LocatedProblem, on: date) -> LocationContent | IngestResult:
    if isinstance(file, LocatedProblem):
        return IngestResult(problems=(file,))
    try:
        parsed = parse.parse_text(plain.make_storable(file.text), file.name, on)
        sourced = digest_writer.to_sourced_digests(parsed, sources.FILES, file.location)
        return LocationContent(sources.FILES, file.location, sourced)
    except errors.NotADigestError as error:
        problem = LocatedProblem(file.name, error.line, f"{error.reason}; the file was not stored")
        is_other = (
            parse.is_json(file.text) and error.reason != listing.INVALID_JSON
        ) or error.reason == paper_list.NO_PAPER
        is_unrelated = is_other and not schemes.names_paper(file.text)
        return IngestResult(unrelated=(problem,)) if is_unrelated else IngestResult(problems=(problem,))


async def _parse(text: str, name: str, on: date) -> tuple[Digest, ...]:
    """Parse a text in a thread, since a single long line can be slow to parse."""
    return await asyncio.to_thread(lambda: parse.parse_text(plain.make_storable(text), name, on))
