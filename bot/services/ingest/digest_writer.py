"""Writes digests and facts within the caller's transaction: inserts, corrections, known texts, and the notification."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Protocol

from bot.clock import Clock
from bot.services.ingest import paper_writer, provenance
from bot.services.ingest.results import IngestResult
from storage import digests, entries, facts, models, papers, votes
from storage.database import Connection


class OnFreshDigest(Protocol):
    """Called for a fresh digest inside the transaction that stores it, so that planned deliveries commit with it."""

    async def __call__(
        self,
        connection: Connection,
        digest_id: int,
        paper_ids: Sequence[int],
        revision: int,
        changed_ids: Collection[int],
    ) -> None:
        """`paper_ids` are the digest's papers; for a correction (`revision` above 1) only the added ones.

        `changed_ids` are the papers whose posts may show something else now.
        """
        ...


class OnAddedNames(Protocol):
    """Called for a fresh digest inside the transaction of facts that add authors or institutions to papers of it."""

    async def __call__(
        self, connection: Connection, digest_id: int, former: Mapping[int, models.FormerNames]
    ) -> None:
        """`former` are the names that these papers had before, by paper id."""
        ...


class DigestWriter:
    """Writes digests, their papers and the index. The callbacks are called for digests of the last `fresh_days` days."""

    def __init__(
        self,
        clock: Clock,
        indexer: paper_writer.Indexer,
        on_fresh: OnFreshDigest | None,
        on_added_names: OnAddedNames | None,
        *,
        fresh_days: int,
    ) -> None:
        self._clock = clock
        self._indexer = indexer
        self._on_fresh_digest = on_fresh
        self._on_added_names = on_added_names
        self._fresh_period = timedelta(days=fresh_days)

    async def write_all(
        self, connection: Connection, group: Sequence[models.SourcedDigest]
    ) -> list[IngestResult]:
        """Insert the new digests in bulk, then write the others one by one."""
        known = set(await digests.find_by_hash(connection, {sourced.hash for sourced in group}))
        locations = set(await digests.list_locations(connection, {sourced.location_key for sourced in group}))
        new: dict[int, models.SourcedDigest] = {}
        keys = set()
        for index, sourced in enumerate(group):
            key = (sourced.location_key, sourced.digest.date, sourced.digest.format)
            if sourced.hash not in known and sourced.location_key not in locations and key not in keys:
                new[index] = sourced
            known.add(sourced.hash)
            keys.add(key)
        results = dict(zip(new, await self._insert(connection, list(new.values())), strict=True))
        for index, sourced in enumerate(group):
            if index not in new:
                results[index] = await self._write_known(connection, sourced)
        return [results[index] for index in range(len(group))]

    async def update_parsed(
        self, connection: Connection, digest_id: int, parsed: models.SourcedDigest
    ) -> IngestResult:
        """Store the current parser's result for an unchanged text, if its entries differ."""
        if parsed.digest.entries == await entries.list_by_digest(connection, digest_id):
            return IngestResult()
        await digests.update_parse_result(connection, digest_id, parsed)
        _, new = await self._replace_entries(connection, digest_id, parsed, revision=1)
        return IngestResult(corrected_digests=1, new_papers=len(new))

    async def write_facts(
        self, connection: Connection, paper_facts: Sequence[models.PaperFacts]
    ) -> IngestResult:
        """Store metadata from services; a paper that no digest or list names stays hidden until one does."""
        ids = await papers.get_ids(connection, {fact.arxiv_id for fact in paper_facts})
        unknown = {fact.arxiv_id for fact in paper_facts}.difference(ids)
        ids |= await papers.add(connection, paper_writer.unlisted_papers(unknown))
        readings = [(ids[fact.arxiv_id], fact) for fact in paper_facts]
        await facts.add(connection, readings)
        await votes.add(connection, readings)
        changes = await paper_writer.refresh_papers(connection, self._indexer, ids.values())
        await self._notify_of_names(connection, changes)
        listed = {fact.arxiv_id for fact in paper_facts if fact.listed_on is not None}
        return IngestResult(new_papers=len(unknown & listed), arxiv_ids=frozenset(ids))

    async def _write_known(self, connection: Connection, sourced: models.SourcedDigest) -> IngestResult:
        """Write a digest whose text or location is known."""
        locations = await digests.list_locations(connection, [sourced.location_key])
        previous = await provenance.find_previous(
            connection, sourced, locations.get(sourced.location_key, [])
        )
        if previous is not None and previous.hash == sourced.hash:
            return IngestResult()
        read_hash, sourced = sourced.hash, await self._complete_listing(connection, sourced, previous)
        known = (await digests.find_by_hash(connection, [sourced.hash])).get(sourced.hash)
        if previous is None and known is None:
            return (await self._insert(connection, [sourced]))[0]
        result = IngestResult()
        if previous is not None and provenance.is_correction(sourced, previous, known):
            digest_id = previous.digest_id
            result = await self._correct(connection, sourced, digest_id)
        else:
            assert known is not None
            digest_id = known.id
        await self._move_location(connection, replace(sourced, hash=read_hash), previous, digest_id)
        return result

    async def _complete_listing(
        self, connection: Connection, sourced: models.SourcedDigest, previous: models.DigestLocation | None
    ) -> models.SourcedDigest:
        """Return a listing with the papers that were in the place's list of that day before; others as they are."""
        digest = sourced.digest
        if not _is_listing(sourced) or previous is None:
            return sourced
        if (previous.date, previous.format) != (digest.date, digest.format):
            return sourced
        text = await digests.get_text(connection, previous.digest_id)
        return sourced if text is None else provenance.with_former_papers(sourced, text)

    async def _move_location(
        self,
        connection: Connection,
        sourced: models.SourcedDigest,
        previous: models.DigestLocation | None,
        digest_id: int,
    ) -> None:
        """Point the location to the digest, and delete the previous digest if no location is left for it."""
        digest = sourced.digest
        if previous is not None and (previous.date, previous.format) != (digest.date, digest.format):
            await digests.remove_location(connection, previous)
        await digests.upsert_locations(connection, [_location_of(sourced, digest_id)], self._clock())
        if previous is not None and previous.digest_id != digest_id:
            await self._remove_orphan(connection, previous.digest_id)

    async def _insert(
        self, connection: Connection, new: Sequence[models.SourcedDigest]
    ) -> list[IngestResult]:
        """Insert digests with new texts from new locations."""
        ids = await digests.add(connection, new, self._clock())
        stored = {ids[sourced.hash]: sourced for sourced in new}
        locations = [_location_of(sourced, digest_id) for digest_id, sourced in stored.items()]
        await digests.upsert_locations(connection, locations, self._clock())
        ids_by_arxiv_id, uncounted = await paper_writer.write_digest_papers(connection, self._indexer, stored)
        results = []
        for digest_id, sourced in stored.items():
            listed = {entry.arxiv_id for entry in sourced.digest.entries}
            paper_ids = sorted(ids_by_arxiv_id[arxiv_id] for arxiv_id in listed)
            await self._notify_if_fresh(connection, sourced.digest.date, digest_id, paper_ids, 1, paper_ids)
            results.append(IngestResult(new_digests=1, new_papers=len(listed & uncounted)))
            uncounted -= listed
        return results

    async def _correct(
        self, connection: Connection, sourced: models.SourcedDigest, digest_id: int
    ) -> IngestResult:
        stored = await digests.get(connection, digest_id)
        assert stored is not None
        former = await entries.list_by_digest(connection, digest_id) if _is_listing(sourced) else ()
        revision = await digests.correct(connection, stored, sourced, self._clock())
        added, new = await self._replace_entries(connection, digest_id, sourced, revision)
        listed = await papers.get_ids(connection, _affected_papers(former, sourced))
        await self._notify_if_fresh(
            connection, sourced.digest.date, digest_id, sorted(added), revision, listed.values()
        )
        return IngestResult(corrected_digests=1, new_papers=len(new))

    async def _replace_entries(
        self, connection: Connection, digest_id: int, sourced: models.SourcedDigest, revision: int
    ) -> tuple[set[int], set[str]]:
        """Replace the entries of a digest; returns the paper ids that it did not name before, and the new arXiv ids.

        `revision` is stored for the added papers.
        """
        former = await entries.remove(connection, digest_id)
        ids, new = await paper_writer.write_digest_papers(
            connection, self._indexer, {digest_id: sourced}, former
        )
        since = {paper_id: former.get(paper_id, revision) for paper_id in ids.values()}
        await entries.set_since_revisions(
            connection, digest_id, {paper_id: number for paper_id, number in since.items() if number > 1}
        )
        return since.keys() - former.keys(), new

    async def _remove_orphan(self, connection: Connection, digest_id: int) -> None:
        """Delete a digest without locations, and its entries."""
        if await digests.list_locations_by_digest(connection, digest_id):
            return
        former = await entries.remove(connection, digest_id)
        await digests.remove(connection, digest_id)
        await paper_writer.refresh_papers(connection, self._indexer, former, texts_changed=True)

    async def _notify_if_fresh(
        self,
        connection: Connection,
        on: date,
        digest_id: int,
        paper_ids: Sequence[int],
        revision: int,
        changed_ids: Collection[int],
    ) -> None:
        since_on, until_on = self._fresh_days()
        if self._on_fresh_digest is not None and since_on <= on <= until_on:
            await self._on_fresh_digest(connection, digest_id, paper_ids, revision, changed_ids)

    async def _notify_of_names(self, connection: Connection, changes: paper_writer.Changes) -> None:
        """Tell of the papers of fresh digests that have more authors or institutions, by their newest digest."""
        named = {
            paper_id: (before.authors, before.institutions)
            for paper_id, (before, after) in changes.items()
            if _has_added_names(before, after)
        }
        if self._on_added_names is None or not named:
            return
        since_on, until_on = self._fresh_days()
        newest = await entries.find_newest_digests(connection, named, since_on=since_on, until_on=until_on)
        for digest_id in sorted(set(newest.values())):
            former = {paper_id: named[paper_id] for paper_id in named if newest.get(paper_id) == digest_id}
            await self._on_added_names(connection, digest_id, former)

    def _fresh_days(self) -> tuple[date, date]:
        """Return the first and the last fresh date: a digest of a zone ahead of UTC may be dated tomorrow."""
        today = self._clock().date()
        return today - self._fresh_period, today + timedelta(days=1)


def _has_added_names(before: models.MergedPaper, after: models.MergedPaper) -> bool:
    return not (
        set(before.authors).issuperset(after.authors)
        and set(before.institutions).issuperset(after.institutions)
    )


def _is_listing(sourced: models.SourcedDigest) -> bool:
    return sourced.digest.format is models.DigestFormat.LISTING


def _affected_papers(before: Sequence[models.Entry], corrected: models.SourcedDigest) -> frozenset[str]:
    """Return the arXiv ids of the papers whose posts a correction may change.

    A listing is corrected each time it grows. Of its other papers only votes differ, and sent posts keep theirs.
    """
    after = corrected.digest.entries
    if _is_listing(corrected):
        return provenance.changed_papers(before, after)
    return frozenset(entry.arxiv_id for entry in after)


def _location_of(sourced: models.SourcedDigest, digest_id: int) -> models.DigestLocation:
    digest = sourced.digest
    return models.DigestLocation(
        sourced.source, sourced.location, digest.date, digest.format, digest_id, sourced.hash
    )
