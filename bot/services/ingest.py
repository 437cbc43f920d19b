"""Takes digests and facts into storage: each digest whole or not at all, each text once, a correction in its place.

Which place said what, and what therefore is a correction, is decided here; merging and indexing are `shelving`'s.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from bot.clock import Clock
from bot.digests import parse
from bot.services import language, shelving
from storage import digests, entries, facts, models, papers, votes
from storage.database import Connection, Database
from storage.rows import in_chunks

FILES = "files"
"""The source of what a person ingests by hand."""
IN_A_THREAD = 1_000_000
"""Characters from which a text is parsed in a thread, so that the loop stays free."""
_LONGEST_PLACE = 800


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
    """Carries a result out of a transaction that is to leave nothing behind."""

    def __init__(self, result: IngestResult) -> None:
        super().__init__()
        self.result = result


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
        """Parse a text and store its digests. Raises bot.errors.NotADigestError when it holds none."""
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
        present = frozenset((digest.date, digest.format) for digest in found)
        result = IngestResult()
        for digest in found:
            problems = tuple(PlaceProblem(place, one.line, one.message) for one in digest.problems)
            said = _Said(digest, _hash(digest.text), source, _bounded(place), present)
            stored = await self._store(said, dry_run)
            result += stored + IngestResult(
                1, arxiv_ids=frozenset(entry.arxiv_id for entry in digest.papers), problems=problems
            )
        return result

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

    async def _store(self, said: _Said, dry_run: bool) -> IngestResult:
        try:
            async with self._database.transaction() as connection:
                await digests.lock(connection)
                result = await self._place(connection, said)
                if dry_run:
                    raise _DryRunError(result)
        except _DryRunError as end:
            return end.result
        return result

    async def _place(self, connection: Connection, said: _Said) -> IngestResult:
        """Find out whether a place says something new, corrects itself or repeats what is known, and store it."""
        known = (await digests.find_by_hash(connection, [said.hash])).get(said.hash)
        before = await _find_place(connection, said)
        if before is not None and before.hash == said.hash:
            return IngestResult()
        corrects = before is not None and (
            known is None or (known.id == before.digest_id and known.hash != said.hash)
        )
        if before is not None and corrects:
            result, digest_id = await self._correct(connection, said, before.digest_id), before.digest_id
        elif known is not None:
            result, digest_id = IngestResult(), known.id
        else:
            result, digest_id = await self._add(connection, said)
        await _keep_place(connection, said, before, digest_id, self._clock)
        if before is not None and before.digest_id != digest_id:
            await self._remove_orphan(connection, before.digest_id)
        return result

    async def _add(self, connection: Connection, said: _Said) -> tuple[IngestResult, int]:
        digest = said.digest
        spoken = language.language_of(digest.papers).value
        digest_id = await digests.add(connection, digest, language=spoken, hash_=said.hash, now=self._clock())
        put = await shelving.put_digest(connection, self._indexer, digest_id, spoken, digest, set())
        await self._tell(connection, digest.date, digest_id, sorted(put.ids.values()), 1)
        return IngestResult(new_digests=1, new_papers=put.new_papers), digest_id

    async def _correct(self, connection: Connection, said: _Said, digest_id: int) -> IngestResult:
        digest = said.digest
        spoken = language.language_of(digest.papers).value
        former = await entries.remove(connection, digest_id)
        stored = await digests.get(connection, digest_id)
        assert stored is not None
        revision = await digests.correct(
            connection, stored, digest, language=spoken, hash_=said.hash, now=self._clock()
        )
        put = await shelving.put_digest(connection, self._indexer, digest_id, spoken, digest, former)
        added = sorted(set(put.ids.values()) - former)
        await self._tell(connection, digest.date, digest_id, added, revision)
        return IngestResult(corrected=1, new_papers=put.new_papers)

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
        place = (await digests.list_places_of(connection, digest_id))[0].place
        digest = next((one for one in await _parse(text) if one.date == stored.date), None)
        if digest is None:
            problem = PlaceProblem(
                place, None, f"its digest of {stored.date} is not found in its text any more"
            )
            return IngestResult(1, problems=(problem,))
        problems = tuple(PlaceProblem(place, one.line, one.message) for one in digest.problems)
        ids = frozenset(entry.arxiv_id for entry in digest.papers)
        result = IngestResult(1, arxiv_ids=ids, problems=problems)
        if digest.papers == await entries.list_of_digest(connection, digest_id):
            return result
        spoken = language.language_of(digest.papers).value
        former = await entries.remove(connection, digest_id)
        await digests.set_reading(connection, digest_id, digest, language=spoken)
        put = await shelving.put_digest(connection, self._indexer, digest_id, spoken, digest, former)
        return result + IngestResult(corrected=1, new_papers=put.new_papers)

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


@dataclass(frozen=True, slots=True)
class _Said:
    """A digest, where it stands, and the dates and formats of all digests that stand there now."""

    digest: models.Digest
    hash: str
    source: str
    place: str
    present: frozenset[tuple[date, models.DigestFormat]]


async def _find_place(connection: Connection, said: _Said) -> models.Place | None:
    """Return what the place said of this digest until now, be it under another format or a mistaken date."""
    key = (said.digest.date, said.digest.format)
    left = await digests.list_places(connection, said.source, said.place)
    for place in left:
        if (place.date, place.format) == key:
            return place
    left = [place for place in left if (place.date, place.format) not in said.present]
    for place in left:
        if place.date == said.digest.date:
            return place
    for place in left:
        # A page that shows each day's list anew loses its old dates too, but not with the very same papers.
        if said.digest.papers and said.digest.papers == await entries.list_of_digest(
            connection, place.digest_id
        ):
            return place
    return None


async def _keep_place(
    connection: Connection, said: _Said, before: models.Place | None, digest_id: int, clock: Clock
) -> None:
    place = models.Place(said.source, said.place, said.digest.date, said.digest.format, digest_id, said.hash)
    if before is not None and (before.date, before.format) != (place.date, place.format):
        await digests.remove_place(connection, before)
    await digests.set_place(connection, place, clock())


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


def _hash(text: str) -> str:
    """Return the SHA-256, in hex, of a digest's text; white space around it is no part of what it says."""
    return hashlib.sha256(text.strip().encode()).hexdigest()


def _bounded(place: str) -> str:
    """Return a place's name in a length that PostgreSQL can index; of a longer one a hash stands for the end."""
    if len(place) <= _LONGEST_PLACE:
        return place
    return f"{place[: _LONGEST_PLACE - 64]}{hashlib.sha256(place.encode()).hexdigest()}"
