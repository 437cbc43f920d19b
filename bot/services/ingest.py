"""Takes digests and facts into storage: each digest whole or not at all, each text once, a correction in its place.

What a text is at its place, `provenance` says; merging papers and indexing them is `shelving`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from bot import errors
from bot.clock import Clock
from bot.digests import parse
from bot.services import language, provenance, shelving
from bot.services.archive import TextFile, UnreadFile
from bot.services.provenance import Said
from storage import digests, entries, facts, models, papers, votes
from storage.database import Connection, Database
from storage.errors import StorageError
from storage.rows import in_chunks

FILES = "files"
"""The source of what a person ingests by hand."""
IN_A_THREAD = 200_000
"""Characters from which a text is parsed in a thread, so that the loop stays free."""
GROUP = 60
"""Digests of an archive that share a transaction at most: a commit costs as much as ten digests."""
GROUP_CHARACTERS = 2_000_000


class OnFresh(Protocol):
    """Is told of a fresh digest inside the transaction that stores it; what it plans is stored with it."""

    async def __call__(
        self, connection: Connection, digest_id: int, paper_ids: Sequence[int], revision: int
    ) -> None:
        """`paper_ids` are the digest's papers; of a corrected one (`revision` above 1) only those that it added."""
        ...


@dataclass(frozen=True, slots=True)
class PlaceProblem:
    """Something that was not understood, and where. `line` is None when it is the whole text."""

    place: str
    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What an ingest came to. `digests` were read; of these some were new, some corrected, the rest known."""

    digests: int = 0
    new_digests: int = 0
    corrected: int = 0
    new_papers: int = 0
    arxiv_ids: frozenset[str] = field(default=frozenset(), repr=False)
    problems: tuple[PlaceProblem, ...] = ()

    @property
    def papers(self) -> int:
        """How many different papers the digests name."""
        return len(self.arxiv_ids)

    @property
    def changed(self) -> bool:
        """Whether anything was stored."""
        return self.new_digests + self.corrected + self.new_papers > 0

    def __add__(self, other: IngestResult) -> IngestResult:
        return IngestResult(
            self.digests + other.digests,
            self.new_digests + other.new_digests,
            self.corrected + other.corrected,
            self.new_papers + other.new_papers,
            self.arxiv_ids | other.arxiv_ids,
            self.problems + other.problems,
        )


class _DryRunError(Exception):
    """Carries results out of a transaction that is to leave nothing behind."""

    def __init__(self, results: list[IngestResult]) -> None:
        super().__init__()
        self.results = results


class Ingest:
    """Stores what sources bring. `fresh_days`: digests older than so many days raise no alerts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        indexer: shelving.Indexer,
        *,
        on_fresh: OnFresh | None = None,
        fresh_days: int = 3,
    ) -> None:
        self._database = database
        self._clock = clock
        self._indexer = indexer
        self._on_fresh = on_fresh
        self._fresh = timedelta(days=fresh_days)

    async def add_text(self, text: str, *, source: str = FILES, place: str) -> IngestResult:
        """Parse a text and store its digests, one transaction each. Raises errors.NotADigestError when it holds none."""
        return await self.add_digests(await _parse(text), source=source, place=place)

    async def add_digests(
        self,
        found: Sequence[models.Digest],
        *,
        source: str = FILES,
        place: str,
        dry_run: bool = False,
    ) -> IngestResult:
        """Store all digests of one place, one transaction each. A dry run says what would change and changes nothing."""
        result = IngestResult()
        for said in provenance.read_place(found, source, place):
            [stored] = await self._store([said], dry_run=dry_run)
            result += stored
        return result

    async def add_group(self, group: Sequence[Said]) -> list[IngestResult]:
        """Store digests of any places in one transaction, all of them or none. Returns a result for each."""
        return await self._store(group)

    async def add_archive(
        self, files: Iterable[TextFile | UnreadFile], *, source: str = FILES
    ) -> AsyncIterator[tuple[str, IngestResult]]:
        """Store the digests of many files, several in a transaction; yields each file's name once it is stored.

        A file that could not be read or holds no digest is a problem without line.
        """
        waiting: list[tuple[TextFile, list[Said]]] = []
        for file in files:
            if isinstance(file, UnreadFile):
                yield file.name, _unread(file.name, file.reason)
                continue
            try:
                found = provenance.read_place(await _parse(file.text), source, file.place)
            except errors.NotADigestError as error:
                yield file.name, _unread(file.name, error.reason)
                continue
            waiting.append((file, found))
            if sum(len(one) for _, one in waiting) >= GROUP or _size(waiting) >= GROUP_CHARACTERS:
                for stored in await self._store_files(waiting):
                    yield stored
                waiting = []
        for stored in await self._store_files(waiting):
            yield stored

    async def read_again(self) -> AsyncIterator[IngestResult]:
        """Read every stored text with today's parser; yields a result a digest. Raises no alerts.

        A text keeps its revision, since its source said nothing new.
        """
        async with self._database.read() as connection:
            ids = await digests.list_ids(connection)
        for digest_id in ids:
            async with self._database.transaction() as connection:
                await digests.lock(connection)
                result = await self._read_one_again(connection, digest_id)
            yield result

    async def add_facts(self, said: Iterable[models.Facts]) -> IngestResult:
        """Store what services say of papers and merge it. A paper that stands on no list stays hidden until one names it."""
        result = IngestResult()
        for chunk in in_chunks(said, 200):
            async with self._database.transaction() as connection:
                await digests.lock(connection)
                result += await self._store_facts(connection, chunk)
        return result

    async def _store_files(
        self, files: Sequence[tuple[TextFile, list[Said]]]
    ) -> list[tuple[str, IngestResult]]:
        group = [said for _, found in files for said in found]
        try:
            stored = await self._store(group)
        except StorageError:
            raise
        except Exception:  # noqa: BLE001 - one digest that an engine refuses must not take its neighbours with it
            stored = await self._store_singly(group)
        results = iter(stored)
        return [(file.name, sum((next(results) for _ in found), IngestResult())) for file, found in files]

    async def _store_singly(self, group: Sequence[Said]) -> list[IngestResult]:
        """Store each in a transaction of its own; raises what the first failure raised, after the last is tried."""
        stored: list[IngestResult] = []
        failures: list[Exception] = []
        for said in group:
            try:
                stored += await self._store([said])
            except Exception as error:  # noqa: BLE001 - raised again below, once the others are stored
                failures.append(error)
        if failures:
            raise failures[0]
        return stored

    async def _store(self, group: Sequence[Said], *, dry_run: bool = False) -> list[IngestResult]:
        """Store digests in one transaction and return a result for each."""
        if not group:
            return []
        try:
            async with self._database.transaction() as connection:
                await digests.lock(connection)
                results = await self._place_all(connection, group)
                if dry_run:
                    raise _DryRunError(results)
        except _DryRunError as end:
            results = end.results
        return [_named(said) + result for said, result in zip(group, results, strict=True)]

    async def _place_all(self, connection: Connection, group: Sequence[Said]) -> list[IngestResult]:
        """Store those that are new together, and then the others one by one."""
        known = set(await digests.find_by_hash(connection, {said.hash for said in group}))
        places = set(await digests.list_places(connection, {said.at for said in group}))
        new: dict[int, Said] = {}
        keys = set()
        for n, said in enumerate(group):
            key = (said.at, said.digest.date, said.digest.format)
            if said.hash not in known and said.at not in places and key not in keys:
                new[n] = said
            known.add(said.hash)
            keys.add(key)
        results = dict(zip(new, await self._add(connection, list(new.values())), strict=True))
        for n, said in enumerate(group):
            if n not in new:
                results[n] = await self._place(connection, said)
        return [results[n] for n in range(len(group))]

    async def _place(self, connection: Connection, said: Said) -> IngestResult:
        """Store a digest whose text or place is known."""
        known = (await digests.find_by_hash(connection, [said.hash])).get(said.hash)
        places = (await digests.list_places(connection, [said.at])).get(said.at, [])
        before = await provenance.find_former(connection, said, places)
        if before is None and known is None:
            return (await self._add(connection, [said]))[0]
        if before is not None and before.hash == said.hash:
            return IngestResult()
        result = IngestResult()
        if before is not None and provenance.is_correction(said, before, known):
            digest_id = before.digest_id
            result = await self._correct(connection, said, digest_id)
        else:
            assert known is not None
            digest_id = known.id
        if before is not None and (before.date, before.format) != (said.digest.date, said.digest.format):
            await digests.remove_place(connection, before)
        await digests.set_places(connection, [_place_of(said, digest_id)], self._clock())
        if before is not None and before.digest_id != digest_id:
            await self._remove_orphan(connection, before.digest_id)
        return result

    async def _add(self, connection: Connection, group: Sequence[Said]) -> list[IngestResult]:
        """Store digests whose texts and places are new."""
        new = [
            digests.NewDigest(said.digest, language.language_of(said.digest.papers).value, said.hash)
            for said in group
        ]
        ids = await digests.add(connection, new, self._clock())
        await digests.set_places(
            connection, [_place_of(said, ids[said.hash]) for said in group], self._clock()
        )
        filed = [shelving.Filed(ids[one.hash], one.language, one.digest) for one in new]
        put = await shelving.put_digests(connection, self._indexer, filed)
        left = set(put.new)
        results = []
        for one in filed:
            named = {entry.arxiv_id for entry in one.digest.papers}
            await self._tell(connection, one.digest.date, one.digest_id, sorted(put.ids_in(one.digest)), 1)
            results.append(IngestResult(new_digests=1, new_papers=len(named & left)))
            left -= named
        return results

    async def _correct(self, connection: Connection, said: Said, digest_id: int) -> IngestResult:
        digest = said.digest
        stored = await digests.get(connection, digest_id)
        assert stored is not None
        spoken = language.language_of(digest.papers).value
        revision = await digests.correct(
            connection, stored, digest, language=spoken, hash_=said.hash, now=self._clock()
        )
        former, put = await self._put_again(connection, digest_id, spoken, digest)
        added = sorted(put.ids_in(digest) - former)
        await self._tell(connection, digest.date, digest_id, added, revision)
        return IngestResult(corrected=1, new_papers=len(put.new))

    async def _put_again(
        self, connection: Connection, digest_id: int, spoken: str, digest: models.Digest
    ) -> tuple[set[int], shelving.Put]:
        """Store what a digest says in place of what it said; returns the papers that it named until now as well."""
        former = await entries.remove(connection, digest_id)
        filed = [shelving.Filed(digest_id, spoken, digest)]
        return former, await shelving.put_digests(connection, self._indexer, filed, former)

    async def _remove_orphan(self, connection: Connection, digest_id: int) -> None:
        """Forget a digest that no place says any more, and what only it said."""
        if await digests.list_places_of(connection, digest_id):
            return
        former = await entries.remove(connection, digest_id)
        await digests.remove(connection, digest_id)
        await shelving.refresh(connection, self._indexer, former, texts_changed=True)

    async def _tell(
        self, connection: Connection, on: date, digest_id: int, paper_ids: Sequence[int], revision: int
    ) -> None:
        # Somewhere on Earth it is already tomorrow, or still yesterday.
        today = self._clock().date()
        if self._on_fresh is not None and today - self._fresh <= on <= today + timedelta(days=1):
            await self._on_fresh(connection, digest_id, paper_ids, revision)

    async def _read_one_again(self, connection: Connection, digest_id: int) -> IngestResult:
        stored = await digests.get(connection, digest_id)
        text = await digests.get_text(connection, digest_id)
        if stored is None or text is None:
            return IngestResult()
        [place, *_] = await digests.list_places_of(connection, digest_id)
        digest = next((one for one in await _parse(text) if one.date == stored.date), None)
        if digest is None:
            reason = f"its digest of {stored.date} is not found in its text any more"
            return IngestResult(1, problems=(PlaceProblem(place.place, None, reason),))
        [said] = provenance.read_place([digest], place.source, place.place)
        if digest.papers == await entries.list_of_digest(connection, digest_id):
            return _named(said)
        spoken = language.language_of(digest.papers).value
        await digests.set_reading(connection, digest_id, digest, language=spoken)
        _, put = await self._put_again(connection, digest_id, spoken, digest)
        return _named(said) + IngestResult(corrected=1, new_papers=len(put.new))

    async def _store_facts(self, connection: Connection, said: Sequence[models.Facts]) -> IngestResult:
        ids = await papers.ids_of(connection, {one.arxiv_id for one in said})
        unknown = {one.arxiv_id for one in said}.difference(ids)
        ids |= await papers.add(connection, shelving.hidden(unknown))
        await facts.add(connection, [(ids[one.arxiv_id], one) for one in said])
        readings = [
            (ids[one.arxiv_id], models.Vote(one.votes, one.read_at, one.source))
            for one in said
            if one.votes is not None
        ]
        await votes.add(connection, readings)
        await shelving.refresh(connection, self._indexer, ids.values())
        return IngestResult(new_papers=len(unknown), arxiv_ids=frozenset(ids))


def _named(said: Said) -> IngestResult:
    """Return what reading a digest came to, before it is known what is new in it."""
    return IngestResult(
        digests=1,
        arxiv_ids=frozenset(entry.arxiv_id for entry in said.digest.papers),
        problems=tuple(PlaceProblem(said.place, one.line, one.message) for one in said.digest.problems),
    )


def _unread(name: str, reason: str) -> IngestResult:
    return IngestResult(problems=(PlaceProblem(name, None, reason),))


def _size(files: Iterable[tuple[TextFile, object]]) -> int:
    return sum(len(file.text) for file, _ in files)


def _place_of(said: Said, digest_id: int) -> models.Place:
    return models.Place(said.source, said.place, said.digest.date, said.digest.format, digest_id, said.hash)


async def _parse(text: str) -> tuple[models.Digest, ...]:
    text = _writable(text)
    if len(text) > IN_A_THREAD:
        return await asyncio.to_thread(parse.parse_text, text)
    return parse.parse_text(text)


def _writable(text: str) -> str:
    """Return the text without NUL and lone surrogates, which no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "")
