"""Files digests and facts within one transaction: what is new, what corrects, what is known, and who is told.

Opens no transaction and parses no text; that is `ingest`. Merging and indexing are `shelving`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Protocol

from bot.clock import Clock
from bot.services.ingest import language, paper_writer, provenance
from bot.services.ingest.provenance import SourcedDigest
from bot.services.ingest.results import IngestResult
from storage import digests, entries, facts, models, papers, votes
from storage.database import Connection


class OnFreshDigest(Protocol):
    """Is told of a fresh digest inside the transaction that stores it; what it plans is stored with it."""

    async def __call__(
        self, connection: Connection, digest_id: int, paper_ids: Sequence[int], revision: int
    ) -> None:
        """`paper_ids` are the digest's papers; of a corrected one (`revision` above 1) only those that it added."""
        ...


class DigestWriter:
    """Knows the index, and who wants to hear of fresh digests: those not older than `fresh_days`."""

    def __init__(
        self, clock: Clock, indexer: paper_writer.Indexer, on_fresh: OnFreshDigest | None, *, fresh_days: int
    ) -> None:
        self._clock = clock
        self._indexer = indexer
        self._on_fresh_digest = on_fresh
        self._fresh_period = timedelta(days=fresh_days)

    async def write_all(self, connection: Connection, group: Sequence[SourcedDigest]) -> list[IngestResult]:
        """Store those that are new together, and then the others one by one."""
        known = set(await digests.find_by_hash(connection, {said.hash for said in group}))
        places = set(await digests.list_locations(connection, {said.location_key for said in group}))
        new: dict[int, SourcedDigest] = {}
        keys = set()
        for n, said in enumerate(group):
            key = (said.location_key, said.digest.date, said.digest.format)
            if said.hash not in known and said.location_key not in places and key not in keys:
                new[n] = said
            known.add(said.hash)
            keys.add(key)
        results = dict(zip(new, await self._insert(connection, list(new.values())), strict=True))
        for n, said in enumerate(group):
            if n not in new:
                results[n] = await self._write_known(connection, said)
        return [results[n] for n in range(len(group))]

    async def update_parsed(
        self, connection: Connection, digest_id: int, digest: models.Digest
    ) -> IngestResult:
        """Store what today's parser makes of a stored text, if that is anything else than what is stored."""
        if digest.entries == await entries.list_by_digest(connection, digest_id):
            return IngestResult()
        spoken = language.detect_language(digest.entries).value
        await digests.update_parse_result(connection, digest_id, digest, language=spoken)
        _, put = await self._replace_entries(connection, digest_id, spoken, digest)
        return IngestResult(corrected_digests=1, new_papers=len(put.new_arxiv_ids))

    async def write_facts(self, connection: Connection, said: Sequence[models.PaperFacts]) -> IngestResult:
        """Store what services say of papers; one that stands on no list stays hidden until one names it."""
        ids = await papers.get_ids(connection, {one.arxiv_id for one in said})
        unknown = {one.arxiv_id for one in said}.difference(ids)
        ids |= await papers.add(connection, paper_writer.unlisted_papers(unknown))
        await facts.add(connection, [(ids[one.arxiv_id], one) for one in said])
        readings = [
            (ids[one.arxiv_id], models.VoteCount(one.votes, one.read_at, one.source))
            for one in said
            if one.votes is not None
        ]
        await votes.add(connection, readings)
        await paper_writer.refresh_papers(connection, self._indexer, ids.values())
        listed = {one.arxiv_id for one in said if one.listed_on is not None}
        return IngestResult(new_papers=len(unknown & listed), arxiv_ids=frozenset(ids))

    async def _write_known(self, connection: Connection, said: SourcedDigest) -> IngestResult:
        """Store a digest whose text or place is known."""
        known = (await digests.find_by_hash(connection, [said.hash])).get(said.hash)
        places = (await digests.list_locations(connection, [said.location_key])).get(said.location_key, [])
        before = await provenance.find_previous(connection, said, places)
        if before is None and known is None:
            return (await self._insert(connection, [said]))[0]
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
            await digests.remove_location(connection, before)
        await digests.upsert_locations(connection, [_location_of(said, digest_id)], self._clock())
        if before is not None and before.digest_id != digest_id:
            await self._remove_orphan(connection, before.digest_id)
        return result

    async def _insert(self, connection: Connection, group: Sequence[SourcedDigest]) -> list[IngestResult]:
        """Store digests whose texts and places are new."""
        new = [
            digests.NewDigest(said.digest, language.detect_language(said.digest.entries).value, said.hash)
            for said in group
        ]
        ids = await digests.add(connection, new, self._clock())
        await digests.upsert_locations(
            connection, [_location_of(said, ids[said.hash]) for said in group], self._clock()
        )
        filed = [paper_writer.DigestRecord(ids[one.hash], one.language, one.digest) for one in new]
        put = await paper_writer.write_digest_papers(connection, self._indexer, filed)
        left = set(put.new_arxiv_ids)
        results = []
        for one in filed:
            named = {entry.arxiv_id for entry in one.digest.entries}
            await self._notify_if_fresh(
                connection, one.digest.date, one.digest_id, sorted(put.paper_ids_of(one.digest)), 1
            )
            results.append(IngestResult(new_digests=1, new_papers=len(named & left)))
            left -= named
        return results

    async def _correct(self, connection: Connection, said: SourcedDigest, digest_id: int) -> IngestResult:
        digest = said.digest
        stored = await digests.get(connection, digest_id)
        assert stored is not None
        spoken = language.detect_language(digest.entries).value
        corrected = digests.NewDigest(digest, spoken, said.hash)
        revision = await digests.correct(connection, stored, corrected, self._clock())
        former, put = await self._replace_entries(connection, digest_id, spoken, digest)
        added = sorted(put.paper_ids_of(digest) - former)
        await self._notify_if_fresh(connection, digest.date, digest_id, added, revision)
        return IngestResult(corrected_digests=1, new_papers=len(put.new_arxiv_ids))

    async def _replace_entries(
        self, connection: Connection, digest_id: int, spoken: str, digest: models.Digest
    ) -> tuple[set[int], paper_writer.WriteResult]:
        """Store what a digest says in place of what it said; returns the papers that it named until now as well."""
        former = await entries.remove(connection, digest_id)
        filed = [paper_writer.DigestRecord(digest_id, spoken, digest)]
        return former, await paper_writer.write_digest_papers(connection, self._indexer, filed, former)

    async def _remove_orphan(self, connection: Connection, digest_id: int) -> None:
        """Forget a digest that no place says any more, and what only it said."""
        if await digests.list_locations_by_digest(connection, digest_id):
            return
        former = await entries.remove(connection, digest_id)
        await digests.remove(connection, digest_id)
        await paper_writer.refresh_papers(connection, self._indexer, former, texts_changed=True)

    async def _notify_if_fresh(
        self, connection: Connection, on: date, digest_id: int, paper_ids: Sequence[int], revision: int
    ) -> None:
        # Somewhere on Earth it is already tomorrow, or still yesterday.
        today = self._clock().date()
        if self._on_fresh_digest is not None and today - self._fresh_period <= on <= today + timedelta(
            days=1
        ):
            await self._on_fresh_digest(connection, digest_id, paper_ids, revision)


def _location_of(said: SourcedDigest, digest_id: int) -> models.DigestLocation:
    return models.DigestLocation(
        said.source, said.location, said.digest.date, said.digest.format, digest_id, said.hash
    )
