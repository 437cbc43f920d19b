"""Store digests and facts within the caller's transaction, and merge their fields into papers.

A digest is identified by its source, location and date: a new text with the same three replaces its entries.
Listings are compared without votes, and a corrected listing keeps the papers it had before.

Each field of a paper is the first non-empty value by rank: arXiv, Hugging Face, files, then other sources by
priority and age. Entries and facts are stored unchanged. Papers, authors and the search index change
together.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from typing import Any, TypeAlias

import structlog

from bot.archive import fields, listing
from bot.archive.arxiv_ids import abstract_url, huggingface_url
from bot.core.clock import Clock, TimeSlices
from bot.text import analyser
from storage import archive, papers
from storage.database import Connection, chunked
from storage.models import (
    Appearance,
    Digest,
    DigestFormat,
    DigestKey,
    Entry,
    LocatedProblem,
    MergedPaper,
    PaperFacts,
    SourcedDigest,
    SourceKind,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The counts and problems of an ingest. `written` counts new and corrected digests.

    `unrelated` lists the files that mention no papers.
    """

    digests: int = 0
    written: int = 0
    new_papers: int = 0
    arxiv_ids: frozenset[str] = field(default=frozenset(), repr=False)
    problems: tuple[LocatedProblem, ...] = ()
    unrelated: tuple[LocatedProblem, ...] = ()

    @property
    def papers(self) -> int:
        """The number of distinct papers in the digests."""
        return len(self.arxiv_ids)

    def __add__(self, other: IngestResult) -> IngestResult:
        added = {name: getattr(self, name) + getattr(other, name) for name in _ADDED}
        return IngestResult(arxiv_ids=self.arxiv_ids | other.arxiv_ids, **added)


_ADDED = [name for name in IngestResult.__slots__ if name != "arxiv_ids"]


MAX_LOCATION_LENGTH = 800
"""Characters of a location that PostgreSQL can index. A longer location is cut and ends in a hash."""


def to_sourced_digests(digests: Iterable[Digest], source: str, location: str) -> list[SourcedDigest]:
    """Return the digests from one location with their hashes and languages.

    If a date has digests in two formats, the second one's location ends in its format's name.
    """
    sourced: list[SourcedDigest] = []
    for digest in digests:
        language, place = fields.detect_language(digest.entries).value, location
        if any(other.digest.date == digest.date and not other.digest.is_rolling for other in sourced):
            place = f"{location}#{digest.format.value}"
        place = fields.bounded_key(place, MAX_LOCATION_LENGTH)
        sourced.append(SourcedDigest(digest, language, _digest_hash(digest), source, place))
    return sourced


def _digest_hash(digest: Digest) -> str:
    """Return the SHA-256 (hex) of a digest's stripped text; for a listing, of its papers except for votes."""
    text = listing.identity(digest) if digest.format in listing.FORMATS else digest.text
    return hashlib.sha256(text.strip().encode()).hexdigest()


SERVICES = (SourceKind.ARXIV.value, SourceKind.HUGGINGFACE.value)
"""The services with facts, by rank. Other sources follow in the order of `models.Trust`."""

FORMAT_RANKS = {
    DigestFormat.NEWSLETTER: 0,
    DigestFormat.LISTING: 1,
    DigestFormat.LIST: 2,
    DigestFormat.LOOKUP: 2,
    DigestFormat.REVIEW: 3,
}
"""The order of formats within a source. Reviews come last: a model wrote their titles."""

_FIELDS = (
    *("title", "abstract", "thumbnail", "video", "code_url", "project_url", "organization", "code_stars"),
    *("affiliations", "keywords", "categories", "media"),
)
"""The fields whose value is the first non-empty one by rank."""

_Statement: TypeAlias = Entry | PaperFacts


def merge(arxiv_id: str, appearances: Iterable[Appearance], facts: Iterable[PaperFacts] = ()) -> MergedPaper:
    """Merge all entries and facts of a paper: each field is the first non-empty value by rank.

    Votes are the latest count from a service with its time (UTC), or else a digest's count.
    """
    appearances, facts = list(appearances), list(facts)
    ranked = sorted([*map(_rank_entry, appearances), *map(_rank_facts, facts)], key=itemgetter(0))
    said = [statement for _, _, statement in ranked]
    votes = max(((of.read_at, of.votes) for of in facts if of.votes is not None), default=None)
    if votes is None:
        # The newest count from each source, in any format.
        counts = [
            (rank[:3] + rank[4:], datetime.combine(on, time(), UTC), of.votes)
            for rank, on, of in ranked
            if isinstance(of, Entry) and of.votes is not None
        ]
        votes = min(counts)[1:] if counts else None
    read_at, vote_count = votes or (None, None)
    named = next((statement for statement in said if statement.authors), None)
    # A list may be dated tomorrow, since its time zone may be ahead of UTC, but no later.
    dates = [min(of.date, of.counts_on + _DAY) for of in appearances]
    dates += [min(fact.listed_on, fact.read_at.date() + _DAY) for fact in facts if fact.listed_on]
    values = {name: _first_value(said, name) for name in _FIELDS}
    values |= {name: values[name] or () for name in ("affiliations", "keywords", "categories", "media")}
    values["thumbnail"] = values["thumbnail"] or next(filter(fields.is_picture, values["media"]), None)
    return MergedPaper(
        arxiv_id=arxiv_id,
        url=_best_link(arxiv_id, said, facts),
        votes=vote_count,
        votes_read_at=read_at,
        authors=named.authors if named else (),
        authors_truncated=getattr(named, "authors_truncated", False),
        first_on=min(dates, default=None),
        last_on=max(dates, default=None),
        **values,
    )


def _rank_entry(of: Appearance) -> tuple[tuple[int, ...], date, _Statement]:
    """Return an entry with its rank and date. Within a source, newer dates rank first, then rows stored earlier."""
    entry = of.entry
    names = entry.authors if of.format is DigestFormat.LISTING else remove_repeats(entry.authors)
    if len(names) < len(entry.authors):
        entry = replace(entry, authors=names)
    on = of.counts_on
    rank = len(SERVICES), *of.trust, FORMAT_RANKS[of.format], -on.toordinal(), of.digest_id, entry.rank
    return rank, on, entry


def _rank_facts(fact: PaperFacts) -> tuple[tuple[int, ...], date, _Statement]:
    service = SERVICES.index(fact.source) if fact.source in SERVICES else len(SERVICES)
    on = fact.read_at.date()
    return (service, *fact.trust, 0, -on.toordinal(), 0, 0), on, fact


def _first_value(said: Iterable[_Statement], field: str) -> Any:
    for statement in said:
        if value := getattr(statement, field, None):
            return value
    return None


def _best_link(arxiv_id: str, said: Iterable[_Statement], facts: Iterable[PaperFacts]) -> str:
    """Return Hugging Face's page if its list has the paper, arXiv's page if a service knows the paper, or a digest's link."""
    known = [fact for fact in facts if fact.source in SERVICES]
    if any(fact.source == SourceKind.HUGGINGFACE.value and fact.listed_on for fact in known):
        return huggingface_url(arxiv_id)
    return (None if known else _first_value(said, "url")) or abstract_url(arxiv_id)


def remove_repeats(authors: Sequence[str]) -> tuple[str, ...]:
    """Remove repeated names from a digest's authors, but not in a service's list, where they are different people."""
    first: dict[str, str] = {}
    for name in authors:
        first.setdefault(" ".join(name.split()).casefold(), name)
    return tuple(first.values())


_DAY = timedelta(days=1)
Changes: TypeAlias = dict[int, tuple[MergedPaper, MergedPaper]]
"""The changed papers by id, as (before, after)."""

CHUNK_PAPERS = 500
"""Papers per statement."""
FILL_AGE_DAYS = 60
"""The age of a rolling list's papers at its first read: too old for posts and alerts."""
MAX_NAME_LENGTH = 200
"""Indexed characters of a name. PostgreSQL indexes 2,700 bytes, and a list of authors without commas is one name."""


async def write_digest_papers(
    connection: Connection, stored_digests: Mapping[int, SourcedDigest], former: Mapping[int, int]
) -> tuple[dict[str, int], set[str]]:
    """Store digests' entries, and merge the papers that the digests list now or listed before.

    `former` is the result of `archive.remove_entries` for a corrected digest. Returns the paper ids by arXiv
    id, and the arXiv ids that are new to the archive.
    """
    appearances: dict[str, list[Appearance]] = {}
    origins = await archive.list_origins(connection, stored_digests)
    slices = TimeSlices()
    for digest_id, sourced in stored_digests.items():
        head = digest_id, sourced.digest.format, sourced.digest.date, sourced.language
        for entry in sourced.digest.entries:
            appearance = Appearance(*head, entry, None, *origins[digest_id])
            appearances.setdefault(entry.arxiv_id, []).append(appearance)
        await slices.pause()
    stored = await papers.list_merged(connection, arxiv_ids=appearances, ids=former)
    ids = {paper.arxiv_id: paper_id for paper_id, paper in stored.items() if paper.arxiv_id in appearances}
    new = [arxiv_id for arxiv_id in appearances if arxiv_id not in ids]
    for chunk in chunked(new, CHUNK_PAPERS):
        merged: dict[str, MergedPaper] = {}
        for arxiv_id in chunk:
            merged[arxiv_id] = merge(arxiv_id, appearances[arxiv_id])
            await slices.pause()
        added = await papers.add(connection, list(merged.values()))
        names = {paper_id: author_names(merged[arxiv_id]) for arxiv_id, paper_id in added.items()}
        await papers.set_authors(connection, names, new_paper_ids=names)
        ids |= added
        await slices.pause()
    entries = {digest_id: sourced.digest.entries for digest_id, sourced in stored_digests.items()}
    await archive.add_entries(connection, entries, ids, former)
    await _remerge(connection, stored, has_new_texts=True)
    await papers.mark_changed(connection, [ids[arxiv_id] for arxiv_id in new])
    return ids, set(new)


def unlisted_papers(arxiv_ids: Iterable[str]) -> list[MergedPaper]:
    """Return papers that have only an arXiv id and are hidden until a digest lists them."""
    return [merge(arxiv_id, []) for arxiv_id in arxiv_ids]


async def _remerge(
    connection: Connection, stored: Mapping[int, MergedPaper], *, has_new_texts: bool = False
) -> Changes:
    """Merge stored papers again and return the changes. `has_new_texts` also reindexes unchanged papers."""
    changes: Changes = {}
    slices = TimeSlices()
    for chunk in chunked(stored, CHUNK_PAPERS):
        # Texts are not merged.
        appearances = await archive.list_appearances(connection, chunk, with_texts=False)
        paper_facts = await papers.list_facts_by_paper(connection, chunk)
        merged: dict[int, MergedPaper] = {}
        for id_ in chunk:
            paper = merge(stored[id_].arxiv_id, appearances.get(id_, ()), paper_facts.get(id_, ()))
            # A paper that left all digests keeps `first_on`, so that it is not purged and posted again later.
            merged[id_] = paper if _is_listed(paper) else replace(paper, first_on=stored[id_].first_on)
            await slices.pause()
        changed = {id_: paper for id_, paper in merged.items() if paper != stored[id_]}
        changes |= {id_: (stored[id_], paper) for id_, paper in changed.items()}
        await papers.update(connection, list(changed.items()))
        names = {
            id_: author_names(paper)
            for id_, paper in changed.items()
            if author_names(paper) != author_names(stored[id_])
        }
        if names:
            await papers.set_authors(connection, names)
        indexed = [
            id_
            for id_ in (chunk if has_new_texts else changed)
            if _is_listed(merged[id_]) or _is_listed(stored[id_])
        ]
        await papers.mark_changed(connection, indexed)
    return changes


def _is_listed(paper: MergedPaper) -> bool:
    return paper.last_on is not None


def author_names(paper: MergedPaper) -> papers.AuthorNames:
    """Return a paper's author names (shortened if too long) with their search keys. Empty for an unlisted paper."""
    if not _is_listed(paper):
        return ()
    names = [name[:MAX_NAME_LENGTH] for name in paper.authors]
    return [(analyser.fold_name(name)[:MAX_NAME_LENGTH] or name.casefold(), name) for name in names]


OnFreshPapers = Callable[[Connection, Sequence[int]], Awaitable[object]]
"""A callback, inside the transaction, with the ids of papers to match against alerts: papers that a fresh
digest added, or that gained authors or institutions.
"""


FRESH_PERIOD = timedelta(days=3)


class DigestWriter:
    """Writes digests, papers and facts. Digests dated within `FRESH_PERIOD` trigger alerts."""

    def __init__(self, clock: Clock, on_fresh: OnFreshPapers | None) -> None:
        self._clock = clock
        self._on_fresh = on_fresh

    async def write_new(
        self, connection: Connection, group: Mapping[int, SourcedDigest]
    ) -> tuple[dict[int, IngestResult], dict[int, SourcedDigest]]:
        """Insert new digests in bulk. Of a rolling digest, only the new papers are inserted.

        Returns, keyed by group key, the results of new and unchanged digests, and the remaining digests for
        `write_one`.
        """
        dated = {index: await self._date_rolling(connection, sourced) for index, sourced in group.items()}
        results = {index: IngestResult() for index, sourced in dated.items() if sourced is None}
        rest = {index: sourced for index, sourced in dated.items() if sourced is not None}
        stored = await archive.find(connection, (sourced.key for sourced in rest.values()))
        new: dict[DigestKey, int] = {}
        for index, sourced in list(rest.items()):
            if sourced.key not in stored:
                if new.setdefault(sourced.key, index) == index:
                    del rest[index]
            elif stored[sourced.key].hash == sourced.hash:
                results[index] = IngestResult()
                del rest[index]
        inserted = await self._insert(connection, [dated_ for i in new.values() if (dated_ := dated[i])])
        return results | dict(zip(new.values(), inserted, strict=True)), rest

    async def _date_rolling(self, connection: Connection, sourced: SourcedDigest) -> SourcedDigest | None:
        """Reduce a rolling digest to its new papers, dated today; return None if it has no new papers.

        On the first read, all papers are new, so they are dated too far back for posts and alerts.
        """
        if not sourced.digest.is_rolling:
            return sourced
        on = self._clock().date()
        known = await archive.list_arxiv_ids(connection, sourced.source, sourced.location)
        if known is None:
            on -= timedelta(days=FILL_AGE_DAYS)
        return await asyncio.to_thread(_keep_new, sourced, on, known or ())

    async def update_parsed(
        self, connection: Connection, digest_id: int, parsed: SourcedDigest
    ) -> IngestResult:
        """Store the reparsed entries of an unchanged text if they differ."""
        if parsed.digest.entries == await archive.list_entries_by_digest(connection, digest_id):
            return IngestResult()
        await archive.update_parse_result(connection, digest_id, parsed)
        _, new = await self._replace_entries(connection, digest_id, parsed)
        return IngestResult(written=1, new_papers=len(new))

    async def write_facts(self, connection: Connection, paper_facts: Sequence[PaperFacts]) -> IngestResult:
        """Store facts from services. A paper stays hidden until a digest or list contains it."""
        ids = await papers.get_ids(connection, {fact.arxiv_id for fact in paper_facts})
        unknown = {fact.arxiv_id for fact in paper_facts}.difference(ids)
        ids |= await papers.add(connection, unlisted_papers(unknown))
        await papers.add_facts(connection, [(ids[fact.arxiv_id], fact) for fact in paper_facts])
        stored = await papers.list_merged(connection, ids=ids.values())
        changes = await _remerge(connection, stored)
        await self._notify_of_names(connection, changes)
        listed = {fact.arxiv_id for fact in paper_facts if fact.listed_on is not None}
        return IngestResult(new_papers=len(unknown & listed), arxiv_ids=frozenset(ids))

    async def write_one(self, connection: Connection, sourced: SourcedDigest) -> IngestResult:
        """Insert a digest, or replace its text and entries if they differ."""
        written, known = await self.write_new(connection, {0: sourced})
        return written[0] if written else await self._write_known(connection, known[0])

    async def _write_known(self, connection: Connection, sourced: SourcedDigest) -> IngestResult:
        stored = (await archive.find(connection, [sourced.key]))[sourced.key]
        if stored.format in listing.FORMATS and sourced.digest.format in listing.FORMATS:
            # Papers that left the list may have been posted, and a feed only contains new papers.
            text = await archive.get_text(connection, stored.id)
            sourced = await asyncio.to_thread(_unite, sourced, stored.format, text or "")
        if stored.hash == sourced.hash:
            return IngestResult()
        await archive.correct(connection, stored.id, sourced, self._clock())
        added, new = await self._replace_entries(connection, stored.id, sourced)
        await self._notify_if_fresh(connection, sourced.digest.date, added)
        return IngestResult(written=1, new_papers=len(new))

    async def _insert(self, connection: Connection, new: Sequence[SourcedDigest]) -> list[IngestResult]:
        ids = await archive.add(connection, new, self._clock())
        stored = dict(zip(ids, new, strict=True))
        ids_by_arxiv_id, uncounted = await write_digest_papers(connection, stored, {})
        results = []
        for sourced in new:
            listed = {entry.arxiv_id for entry in sourced.digest.entries}
            paper_ids = {ids_by_arxiv_id[arxiv_id] for arxiv_id in listed}
            await self._notify_if_fresh(connection, sourced.digest.date, paper_ids)
            results.append(IngestResult(written=1, new_papers=len(listed & uncounted)))
            uncounted -= listed
        return results

    async def _replace_entries(
        self, connection: Connection, digest_id: int, sourced: SourcedDigest
    ) -> tuple[set[int], set[str]]:
        """Replace a digest's entries. Returns the ids of papers new to the digest, and the new arXiv ids."""
        former = await archive.remove_entries(connection, digest_id)
        ids, new = await write_digest_papers(connection, {digest_id: sourced}, former)
        return set(ids.values()) - former.keys(), new

    async def _notify_if_fresh(self, connection: Connection, on: date, paper_ids: Collection[int]) -> None:
        since_on, until_on = self._fresh_days()
        if self._on_fresh is not None and since_on <= on <= until_on:
            await self._on_fresh(connection, sorted(paper_ids))

    async def _notify_of_names(self, connection: Connection, changes: Changes) -> None:
        """Report papers in fresh digests that gained authors or institutions."""
        named = [
            paper_id
            for paper_id, (before, after) in changes.items()
            if set(after.authors) - set(before.authors) or set(after.institutions) - set(before.institutions)
        ]
        if self._on_fresh is None or not named:
            return
        since_on, until_on = self._fresh_days()
        fresh = await archive.filter_listed(connection, named, since_on=since_on, until_on=until_on)
        if fresh:
            await self._on_fresh(connection, sorted(fresh))

    def _fresh_days(self) -> tuple[date, date]:
        """Return the first and last fresh date. The last is tomorrow, for time zones ahead of UTC."""
        today = self._clock().date()
        return today - FRESH_PERIOD, today + timedelta(days=1)


def _keep_new(sourced: SourcedDigest, on: date, known: Collection[str]) -> SourcedDigest | None:
    """Set a rolling digest's date and drop its known papers. Returns None if no paper is left."""
    digest = listing.keep(sourced.digest, on, lambda arxiv_id: arxiv_id not in known)
    return replace(sourced, digest=digest, hash=_digest_hash(digest)) if digest.entries else None


def _unite(sourced: SourcedDigest, former_form: DigestFormat, former_text: str) -> SourcedDigest:
    """Merge a listing with its former text. A former LOOKUP keeps that format, since it is too large to post."""
    form = former_form if former_form is DigestFormat.LOOKUP else sourced.digest.format
    digest = listing.union(replace(sourced.digest, format=form), former_text)
    language = fields.detect_language(digest.entries).value
    return replace(sourced, digest=digest, language=language, hash=_digest_hash(digest))
