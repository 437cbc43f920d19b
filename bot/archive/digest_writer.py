"""Store digests and facts within the caller's transaction, and merge their fields into papers.

A digest is identified by its source, location and date. What a location contains now replaces what it contained
(`DigestWriter._compare`), by days. Hashes of listings leave out votes, so that votes alone change no day.

    the location has now      it had               what becomes of the day
    a day                     not that day         it is added
    the same day, same hash   in the same format   it stays
    the same day of a list    it in a list         it gains papers, its fields are corrected, and papers that other days have go
    the same day otherwise    in any format        it is replaced
    papers without a date     no day               they become the day `FILL_AGE` ago, or today if they came later (`Arrival`)
    papers without a date     some days            those that no day has are added to today
    no such day               in any format        it goes if `is_gone`; it stays if not all was read, or if some
                                                   papers have no date now

Each field of a paper is the first non-empty value by rank: arXiv, Hugging Face, files, then other sources by
priority and age. Entries and facts are stored unchanged. Papers, authors and the search index change
together.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, auto
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import structlog

from bot.archive import fields, languages, listing, schemes
from bot.archive.arxiv_ids import huggingface_url
from bot.core.clock import Clock, TimeSlices
from bot.core.files import LocatedProblem
from bot.text import analyser
from storage import alerts, archive, daily, errors, outbox, papers, shelf, today
from storage.archive import SourcedDigest
from storage.database import Connection
from storage.models import (
    ARXIV_FIELDS,
    Appearance,
    DeliveryKind,
    DeliveryState,
    Digest,
    DigestFormat,
    Entry,
    MergedPaper,
    PaperFacts,
    SourceKind,
    StoredDigest,
)
from storage.snapshot import chunked

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The counts and problems of an ingest. `written` counts new and corrected digests.

    `unrelated` lists the files that mention no papers.
    """

    digests: int = 0
    written: int = 0
    new_papers: int = 0
    paper_keys: frozenset[str] = field(default=frozenset(), repr=False)
    problems: tuple[LocatedProblem, ...] = ()
    unrelated: tuple[LocatedProblem, ...] = ()

    @property
    def papers(self) -> int:
        """The number of distinct papers in the digests."""
        return len(self.paper_keys)

    def __add__(self, other: IngestResult) -> IngestResult:
        added = {name: getattr(self, name) + getattr(other, name) for name in _ADDED}
        return IngestResult(paper_keys=self.paper_keys | other.paper_keys, **added)


_ADDED = [name for name in IngestResult.__slots__ if name != "paper_keys"]


MAX_POSTED_PAPERS = 100
"""The most papers of a day in a hand-picked feed, and that a page gains at once. More are never posted automatically."""
MAX_LOCATION_LENGTH = 800
"""Characters of a stored location. A longer location is cut and ends in a hash."""


def to_sourced_digests(digests: Iterable[Digest], source: str, location: str) -> list[SourcedDigest]:
    """Return the digests from one location with their hashes and languages.

    If a date has digests in two formats, the second one's location ends in its format's name.
    """
    sourced: list[SourcedDigest] = []
    for digest in digests:
        language, place = languages.detect_language(digest.entries).value, location
        if any(other.digest.date == digest.date and not other.digest.is_rolling for other in sourced):
            place = f"{location}#{digest.format.value}"
        place = fields.bounded_key(place, MAX_LOCATION_LENGTH)
        sourced.append(SourcedDigest(digest, language, _digest_hash(digest), source, place))
    return sourced


class Arrival(Enum):
    """When a source first had the papers without a date that a location contains. It decides whether they are posted."""

    FIRST_READING = auto()
    """In its first reading: they fill the archive, dated `FILL_AGE` back."""
    LATER = auto()
    """After its first reading: they are dated today."""
    BY_LOCATION = auto()
    """The source does not say: LATER if days of the location are stored, else FIRST_READING."""


class LocationContent(NamedTuple):
    """The digests that a location of a source contains now. If not `is_whole`, some were not read.

    `is_for_lookup`: its lists are for posts that name the source alone.
    `names` are the keys that papers have now, by other names of them in the digests.
    """

    source: str
    location: str
    digests: Sequence[SourcedDigest]
    is_whole: bool = True
    arrival: Arrival = Arrival.BY_LOCATION
    is_for_lookup: bool = False
    names: Mapping[str, str] = MappingProxyType({})

    @property
    def places(self) -> list[tuple[str, str]]:
        """The source and locations under which digests of the location may be stored (see `to_sourced_digests`)."""
        suffixes = ("", *(f"#{form.value}" for form in DigestFormat))
        return [
            (self.source, fields.bounded_key(self.location + end, MAX_LOCATION_LENGTH)) for end in suffixes
        ]

    @property
    def days(self) -> dict[date, set[str]]:
        days: dict[date, set[str]] = defaultdict(set)
        for sourced in self.digests:
            keys = [entry.paper_key for entry in sourced.digest.entries]
            days[sourced.digest.date].update(keys, (self.names[key] for key in keys if key in self.names))
        return days


def _digest_hash(digest: Digest) -> str:
    """Return the SHA-256 (hex) of a digest's stripped text; for a listing, of its papers except for votes."""
    text = listing.identity(digest) if digest.format in listing.FORMATS else digest.text
    return hashlib.sha256(text.strip().encode()).hexdigest()


SERVICES = (SourceKind.ARXIV.value, SourceKind.HUGGINGFACE.value)
"""The services with facts, by rank. Other sources follow in the order of `models.SourceRank`."""

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
    *ARXIV_FIELDS,
)
"""The fields that are the first non-empty value by rank. Votes and authors have rules of their own."""

_Statement: TypeAlias = Entry | PaperFacts


def merge(paper_key: str, appearances: Iterable[Appearance], facts: Iterable[PaperFacts] = ()) -> MergedPaper:
    """Merge all entries and facts of a paper: each field is the first non-empty value by rank.

    Its first and last day are those of digests and lists, or else of what is for look-up. Votes are the latest count
    from a service with its time (UTC), or else a digest's count.
    """
    appearances, facts = list(appearances), list(facts)
    ranked = sorted([*map(_rank_entry, appearances), *map(_rank_facts, facts)], key=itemgetter(0))
    statements = [statement for _, _, statement in ranked]
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
    named = next((statement for statement in statements if statement.authors), None)
    # A list may be dated tomorrow, since its time zone may be ahead of UTC, but no later.
    days = defaultdict[bool, list[date]](list)
    for of in appearances:
        days[of.format is DigestFormat.LOOKUP].append(min(of.date, of.ranking_date + _DAY))
    days[False] += [min(fact.listed_on, fact.read_at.date() + _DAY) for fact in facts if fact.listed_on]
    dates = days[False] or days[True]
    values = {name: _first_value(statements, name) for name in _FIELDS}
    values |= {name: values[name] or () for name in ("affiliations", "keywords", "categories", "media")}
    values["thumbnail"] = values["thumbnail"] or next(filter(fields.is_picture, values["media"]), None)
    return MergedPaper(
        key=paper_key,
        url=_best_link(paper_key, statements, facts),
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
    on = of.ranking_date
    rank = len(SERVICES), *of.source_rank, FORMAT_RANKS[of.format], -on.toordinal(), of.digest_id, entry.rank
    return rank, on, entry


def _rank_facts(fact: PaperFacts) -> tuple[tuple[int, ...], date, _Statement]:
    service = SERVICES.index(fact.source) if fact.source in SERVICES else len(SERVICES)
    on = fact.read_at.date()
    return (service, *fact.source_rank, 0, -on.toordinal(), 0, 0), on, fact


def _first_value(statements: Iterable[_Statement], field: str) -> Any:
    for statement in statements:
        if value := getattr(statement, field, None):
            return value
    return None


def _best_link(paper_key: str, statements: Iterable[_Statement], facts: Iterable[PaperFacts]) -> str:
    by_service = [fact for fact in facts if fact.source in SERVICES]
    if any(fact.source == SourceKind.HUGGINGFACE.value and fact.listed_on for fact in by_service):
        return huggingface_url(paper_key)
    return (None if by_service else _first_value(statements, "url")) or schemes.page_url(paper_key)


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
FILL_AGE = timedelta(days=60)
"""The age of a rolling list's papers at its first read: too old for posts and alerts."""
MAX_NAME_LENGTH = 200
"""Indexed characters of a name. PostgreSQL indexes 2,700 bytes, and a list of authors without commas is one name."""


def _find_news(
    before: MergedPaper, after: MergedPaper, *, is_code_known: bool, saved_on: date | None
) -> Iterator[tuple[papers.EventKind, str]]:
    """Yield what is new about a paper. Code is new only if Hugging Face had described the paper without it
    (`is_code_known`), the rest only if a version was stored before; a lower version is not news.

    Of arXiv's first answer, a version after the first is new if it is newer than the day (UTC) of the first saving.
    """
    if is_code_known and not before.code_url and after.code_url:
        yield papers.EventKind.CODE, after.code_url
    if after.version is None:
        return
    if before.version is None:
        if after.version > 1 and saved_on and after.version_on and after.version_on > saved_on:
            yield papers.EventKind.VERSION, str(after.version)
            if after.withdrawn_by:
                yield papers.EventKind.WITHDRAWN, ""
        return
    if after.version > before.version:
        yield papers.EventKind.VERSION, str(after.version)
    if after.comment and after.comment != before.comment:
        yield papers.EventKind.COMMENT, after.comment
    if after.journal and after.journal != before.journal:
        yield papers.EventKind.JOURNAL, after.journal
    if after.withdrawn_by and not before.withdrawn_by:
        yield papers.EventKind.WITHDRAWN, ""


async def write_digest_papers(
    connection: Connection, written: Mapping[int, SourcedDigest], former: archive.FormerEntries
) -> tuple[dict[str, int], set[str]]:
    """Store digests' entries, keyed by digest id, and merge the papers that digests list now or listed before.

    `former` is the result of `archive.remove_entries` for corrected and removed digests. Returns the paper ids by
    key, and the keys that are new to the archive.
    """
    appearances: dict[str, list[Appearance]] = {}
    origins = await archive.list_origins(connection, written)
    slices = TimeSlices()
    for digest_id, sourced in written.items():
        head = digest_id, sourced.digest.format, sourced.digest.date, sourced.language
        for entry in sourced.digest.entries:
            appearance = Appearance(*head, entry, None, *origins[digest_id])
            appearances.setdefault(entry.paper_key, []).append(appearance)
        await slices.pause()
    former_ids = {paper_id for of_digest in former.values() for paper_id in of_digest}
    ids = await papers.get_ids(connection, appearances)
    stored = await papers.list_merged(connection, ids=former_ids.union(ids.values()))
    new = [paper_key for paper_key in appearances if paper_key not in ids]
    for chunk in chunked(new, CHUNK_PAPERS):
        merged: dict[str, MergedPaper] = {}
        for paper_key in chunk:
            merged[paper_key] = merge(paper_key, appearances[paper_key])
            await slices.pause()
        added = await papers.add(connection, list(merged.values()))
        names = {paper_id: author_names(merged[paper_key]) for paper_key, paper_id in added.items()}
        await papers.set_authors(connection, names, new_paper_ids=names)
        ids |= added
        await slices.pause()
    entries = {
        digest_id: tuple(
            {ids[entry.paper_key]: entry for entry in reversed(sourced.digest.entries)}.values()
        )[::-1]
        for digest_id, sourced in written.items()
    }
    await archive.add_entries(connection, entries, ids, former)
    await _remerge(connection, stored, has_new_texts=True)
    await papers.mark_changed(connection, [ids[paper_key] for paper_key in new])
    named = [
        (key, name) for key, of_paper in appearances.items() for one in of_paper for name in one.entry.names
    ]
    return ids | await learn_names(connection, named, ids), set(new)


def _agrees(paper: MergedPaper, title: str | None) -> bool:
    """Return whether what a source says under another key, with a title, may be about a paper: it is like the paper's, or
    no source has said anything about the paper.
    """
    return _is_bare(paper) or analyser.are_titles_alike(paper.title, title)


def _is_bare(paper: MergedPaper) -> bool:
    return paper.title is None and paper.first_on is None


async def hear(connection: Connection, told: Mapping[str, str | None]) -> None:
    """Decide claims of keys by the titles (None: without one) that sources give to papers under these keys now.

    A key that a paper only claimed until now is confirmed as its further key, or is that of a paper of its own.
    """
    claims = await papers.list_claims(connection, told)
    ids = await papers.get_ids(connection, {name for _, name in claims})
    held = [
        (id_, name) for (id_, name), is_parted in claims.items() if ids.get(name) == id_ and not is_parted
    ]
    stored = await papers.list_merged(connection, ids={id_ for id_, _ in held})
    for id_, name in held:
        if _agrees(stored[id_], told[name]):
            await papers.confirm_claim(connection, id_, name)
            stored[id_] = replace(stored[id_], title=stored[id_].title or told[name], first_on=date.min)
        else:
            log.info("a paper's further key is that of another", paper=stored[id_].key, name=name)
            [new] = unlisted_papers([name])
            await papers.part(connection, id_, new, {name})


def titles_of(digests: Iterable[SourcedDigest]) -> dict[str, str | None]:
    """Return the first title of each paper in digests, by its key there."""
    titles: dict[str, str | None] = {}
    for entry in (entry for sourced in digests for entry in sourced.digest.entries):
        titles[entry.paper_key] = titles.get(entry.paper_key) or entry.title
    return titles


async def learn_names(
    connection: Connection,
    named: Iterable[tuple[str, str]],
    told: Mapping[str, int],
    *,
    are_certain: bool = False,
) -> dict[str, int]:
    """Store further keys of papers, given with a key of each, and join those that were stored as two if both agree.

    If they `are_certain`, they are no claims of a source, but follow from the keys, and need no agreement.

    `told` are the ids of papers by the keys under which sources tell of them now: former claims of these and on these are
    decided, too. Returns the ids of the papers that were joined, by all keys. Two of arXiv are never one: an author's DOI may
    be that of another paper. What does not agree is kept as a claim.
    """
    named = [pair for pair in named if pair[0] != pair[1]]
    claims = await papers.list_claims(connection, {*told, *(name for _, name in named)}, {*told.values()})
    ids = {**told, **await papers.get_ids(connection, {name for _, name in (*named, *claims)})}
    pairs = dict.fromkeys((*((ids[key], name) for key, name in named), *(() if are_certain else claims)))
    joined = set[int]()
    former = dict[int, int]()
    for claimant_id, name in pairs:
        paper_id, other_id = former.get(claimant_id, claimant_id), ids.get(name)
        if paper_id == other_id or claims.get((claimant_id, name)):
            continue
        if other_id is None and schemes.is_arxiv(name):
            [claimant] = (await papers.list_merged(connection, ids=[paper_id])).values()
            if claimant.arxiv_id is not None:
                continue
            # Its key has to be that of arXiv.
            other_id = (await papers.add(connection, unlisted_papers([name])))[name]
        if other_id is None:
            await papers.add_name(connection, paper_id, name)
            if not are_certain:
                await papers.add_claim(connection, paper_id, name)
            ids[name] = paper_id
        elif (first := await _join(connection, paper_id, other_id, is_certain=are_certain)) is None:
            await papers.add_claim(connection, paper_id, name)
            ids[name] = other_id
            if (claimant_id, name) not in claims:
                log.info(
                    "a paper's further key is that of another", paper=paper_id, name=name, other=other_id
                )
        else:
            second = paper_id + other_id - first
            former = {id_: first if now == second else now for id_, now in former.items()} | {second: first}
            ids = {known: first if id_ == second else id_ for known, id_ in ids.items()} | {name: first}
            joined = joined - {second} | {first}
    return {key: id_ for key, id_ in ids.items() if id_ in joined}


async def learn_versions(connection: Connection) -> None:
    """Join papers that were stored under keys of versions, which are now read as that of the paper."""
    # A row that was joined has a colon.
    keys = [key for key in await papers.list_keys(connection, "doi") if ":" not in key]
    named = {key: name for key in keys if (name := schemes.without_version(key)) != key}
    await learn_names(connection, named.items(), await papers.get_ids(connection, named), are_certain=True)


async def _join(
    connection: Connection, paper_id: int, other_id: int, *, is_certain: bool = False
) -> int | None:
    """Make two papers one if both agree, and return the id of the one that stays, or else None.

    A key under which no source has told of its paper remains a claim.
    """
    both = await papers.list_merged(connection, ids=(paper_id, other_id))
    first, second = sorted(both, key=lambda id_: (both[id_].arxiv_id is None, id_))
    are_one = is_certain or _agrees(both[first], both[second].title) or _is_bare(both[second])
    if both[second].arxiv_id or not are_one or await papers.are_parted(connection, first, second):
        return None
    await papers.join(connection, first, second)
    for paper in both.values():
        if _is_bare(paper) and not is_certain:
            await papers.add_claim(connection, first, paper.key)
    await _remerge(connection, await papers.list_merged(connection, ids=[first]), has_new_texts=True)
    return first


async def part(
    connection: Connection,
    paper_key: str,
    read_again: Callable[[Connection, int, Mapping[int, int]], Awaitable[object]],
) -> list[MergedPaper]:
    """Make a further key of a paper a paper of its own for good; of the paper's first key, make the others one.

    `read_again` stores a digest (id) again as its text says, where a new paper (id) was a part of another one (id) until now.
    Returns the new paper and the one that stays, only the one without a further key, or nothing if none is stored. The
    transaction must hold the ingest lock.
    """
    stored = await papers.list_merged(
        connection, ids=(await papers.get_ids(connection, [paper_key])).values()
    )
    for paper_id, paper in stored.items():
        leaving = [paper_key] if paper_key != paper.key else await papers.list_names(connection, paper_id)
        if not leaving:
            break
        digest_ids = await archive.list_ids(connection, paper_id=paper_id)
        first = min(leaving, key=lambda key: (not schemes.is_arxiv(key), key))
        new = replace(*unlisted_papers([first]), hidden=paper.hidden)
        new_id = await papers.part(connection, paper_id, new, leaving, is_final=True)
        for digest_id in digest_ids:
            await read_again(connection, digest_id, {new_id: paper_id})
        await papers.divide_facts(connection, new_id, paper_id)
        await _remerge(
            connection, await papers.list_merged(connection, ids=(new_id, paper_id)), has_new_texts=True
        )
        parted = await papers.list_merged(connection, ids=(new_id, paper_id))
        return [parted[new_id], parted[paper_id]]
    return [*stored.values()]


async def set_hidden(connection: Connection, paper_key: str, *, hidden: bool) -> MergedPaper | None:
    """Take a paper out of all that is listed, found and sent, whatever lists it, or bring it back.

    Returns the paper as it was, or None if it is not stored. The transaction must hold the ingest lock.
    """
    ids = await papers.get_ids(connection, [paper_key])
    stored = await papers.list_merged(connection, ids=ids.values())
    changed = {id_: replace(paper, hidden=hidden) for id_, paper in stored.items()}
    await papers.update(connection, list(changed.items()))
    await _remerge(connection, changed)
    return next(iter(stored.values()), None)


def unlisted_papers(paper_keys: Iterable[str]) -> list[MergedPaper]:
    """Return papers that have only a key and are hidden until a digest lists them."""
    return [merge(paper_key, []) for paper_key in paper_keys]


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
            paper = merge(stored[id_].key, appearances.get(id_, ()), paper_facts.get(id_, ()))
            if (hidden := stored[id_].hidden) or not _is_listed(paper):
                # A paper that left all digests keeps `first_on`, so that it is not purged and posted again later.
                paper = replace(paper, first_on=stored[id_].first_on, last_on=None, hidden=hidden)
            merged[id_] = paper
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
    gone = {id_: new for id_, (old, new) in changes.items() if _is_listed(old) and not _is_listed(new)}
    if gone:
        await _withdraw(connection, gone)
    return changes


async def _withdraw(connection: Connection, gone: Mapping[int, MergedPaper]) -> None:
    """Take papers that no digest lists any more (by id) out of unsent messages, which are planned again.

    What was sent, or may have been, stays. A hidden paper also ends messages that are not planned again, and the rest of those
    of which some was sent.
    """
    await alerts.remove_papers(connection, gone)
    waiting = await outbox.list_rows(connection, state=DeliveryState.WAITING)
    current = await papers.get_current_keys(connection, {key for row in waiting for key in row.papers})
    named = {row.id: {current.get(key, key) for key in row.papers} for row in waiting}
    keys, hidden = {of.key for of in gone.values()}, {of.key for of in gone.values() if of.hidden}
    planned_again = [row for row in waiting if row.kind in _PLANNED_AGAIN and named[row.id] & keys]
    ended = [row.id for row in waiting if row.kind in _ABOUT_LISTED and named[row.id] & hidden]
    unsent = await outbox.withdraw(connection, ids=ended)
    unsent += await outbox.remove_unsent(connection, planned_again)
    await alerts.release(connection, [row.id for row in unsent])
    for row in unsent:
        if row.kind not in _PLANNED_AGAIN:
            continue
        if row.local_on is not None and row.subscription_id is not None:
            await daily.set_last_on(connection, {row.subscription_id: row.local_on - _DAY})
        elif row.local_on is not None and row.user_id is not None:
            await today.set_last_on(connection, [row.user_id], row.local_on - _DAY)


_PLANNED_AGAIN = (DeliveryKind.DAILY, DeliveryKind.ALERT, DeliveryKind.TODAY)
"""The kinds of messages that planners plan again once they are removed."""
_ABOUT_LISTED = (*_PLANNED_AGAIN, DeliveryKind.ON_DEMAND, DeliveryKind.THREAD_NEWS)
"""The kinds of messages that have no hidden paper. News of saved papers are about what is the reader's own."""


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


class _Change(NamedTuple):
    """What a location's content changes: new digests, corrected ones by id, and those to be taken back.

    Once stored, the new ones are among `written`, too.
    """

    new: list[SourcedDigest]
    written: dict[int, SourcedDigest]
    gone: list[StoredDigest]


class DigestWriter:
    """Writes digests, papers and facts. Papers of days since `FRESH_PERIOD`, also of days to come, trigger alerts."""

    def __init__(self, clock: Clock, on_fresh: OnFreshPapers | None) -> None:
        self._clock = clock
        self._on_fresh = on_fresh

    async def put(self, connection: Connection, contents: Sequence[LocationContent]) -> list[IngestResult]:
        """Store what different locations of a source contain now, and return a result for each.

        New days are added, changed ones corrected, and those that `is_gone` removed.
        """
        await hear(connection, titles_of(sourced for content in contents for sourced in content.digests))
        listed = {key for content in contents for keys in content.days.values() for key in keys}
        names = await papers.get_current_keys(connection, listed)
        contents = [content._replace(names=names) for content in contents]
        stored = await archive.list_at(
            connection, [place for content in contents for place in content.places]
        )
        stored_ids = await archive.list_paper_keys(connection, [row.id for row in stored])
        changes = [await self._compare(connection, content, stored, stored_ids) for content in contents]
        new = [sourced for change in changes for sourced in change.new]
        gone = [row for change in changes for row in change.gone]
        written = {id_: sourced for change in changes for id_, sourced in change.written.items()}
        if not (new or gone or written):
            return [IngestResult() for _ in contents]
        former = await archive.remove_entries(connection, written) | await self._remove(connection, gone)
        await archive.correct(connection, written, self._clock())
        new_ids = iter(await archive.add(connection, new, self._clock()))
        for change in changes:
            change.written.update({next(new_ids): sourced for sourced in change.new})
            written |= change.written
        ids, unknown = await write_digest_papers(connection, written, former)
        results = []
        for change in changes:
            await self._notify_of_papers(connection, change.written, ids, former)
            digests = [sourced.digest for sourced in change.written.values()]
            listed = {entry.paper_key for digest in digests for entry in digest.entries}
            results.append(IngestResult(written=len(change.written), new_papers=len(listed & unknown)))
            unknown -= listed
        return results

    async def _compare(
        self,
        connection: Connection,
        content: LocationContent,
        stored: Iterable[StoredDigest],
        stored_ids: Mapping[int, set[str]],
    ) -> _Change:
        """Return how the stored days of a location change, by the table at the top of this module."""
        places = {location for _, location in content.places}
        before = {(row.location, row.date_on): row for row in stored if row.location in places}
        listed = [stored_ids[row.id] for row in before.values()]
        now = await self._unite_days(connection, content, before, listed)
        common = [(row, now[key]) for key, row in before.items() if key in now]
        # A list with papers without a date only grows.
        is_complete = content.is_whole and not any(sourced.digest.is_rolling for sourced in content.digests)
        missing = [row for key, row in before.items() if key not in now] if is_complete else []
        days_before = {on for _, on in before}
        return _Change(
            new=[sourced for key, sourced in now.items() if key not in before],
            written={row.id: sourced for row, sourced in common if sourced.hash != row.hash},
            gone=[
                row for row in missing if is_gone(row.date_on, stored_ids[row.id], content.days, days_before)
            ],
        )

    async def _unite_days(
        self,
        connection: Connection,
        content: LocationContent,
        before: Mapping[tuple[str, date], StoredDigest],
        listed: Sequence[Set[str]],
    ) -> dict[tuple[str, date], SourcedDigest]:
        """Return one digest for each place and day of a content, united with the stored one (`before`) if both are lists.

        `listed` are the papers of the stored days.
        """
        now: dict[tuple[str, date], SourcedDigest] = {}
        for sourced in content.digests:
            if sourced.digest.is_rolling:
                sourced = await self._add_date(connection, content, sourced, listed)
                if not sourced.digest.entries:
                    continue
            key = sourced.location, sourced.digest.date
            if key in now:
                # The text also names the date that its papers without a date got, which are united with the stored day.
                former = now[key].digest
                sourced = await asyncio.to_thread(_unite, sourced, former.format, former.text)
            elif key in before:
                sourced = await _unite_with_stored(connection, sourced, before[key], content.days)
            now[key] = await _keep_from_posts(sourced, listed, is_for_lookup=content.is_for_lookup)
        return now

    async def _add_date(
        self,
        connection: Connection,
        content: LocationContent,
        undated: SourcedDigest,
        listed: Sequence[Set[str]],
    ) -> SourcedDigest:
        """Date papers without a date by their arrival, which decides whether they are posted, and drop known ones.

        These are in the location's stored days (`listed`), or were listed anywhere by a source that records arrivals.
        """
        known, arrival = set[str]().union(*listed), content.arrival
        if arrival is Arrival.BY_LOCATION:
            arrival = Arrival.LATER if listed else Arrival.FIRST_READING
        else:
            ids = [entry.paper_key for entry in undated.digest.entries]
            known |= (await archive.find_first_days(connection, content.source, ids)).keys()
        known |= {name for name, paper_key in content.names.items() if paper_key in known}
        today = self._clock().date()
        on = today if arrival is Arrival.LATER else today - FILL_AGE
        digest = await asyncio.to_thread(
            listing.keep, undated.digest, on, lambda paper_key: paper_key not in known
        )
        return replace(undated, digest=digest, hash=_digest_hash(digest))

    async def remove_digests(
        self, connection: Connection, gone: Sequence[StoredDigest], listed: Collection[int] = ()
    ) -> int:
        """Remove digests, and the listing of some papers by services. Returns how many papers no digest lists any more."""
        former = await self._remove(connection, gone)
        await papers.remove_listing(connection, listed)
        ids = {paper_id for of_digest in former.values() for paper_id in of_digest}.union(listed)
        stored = await papers.list_merged(connection, ids=ids)
        changes = await _remerge(connection, stored, has_new_texts=True)
        return sum(_is_listed(old) and not _is_listed(new) for old, new in changes.values())

    async def _remove(
        self, connection: Connection, gone: Sequence[StoredDigest]
    ) -> dict[int, dict[int, int]]:
        """Remove digests without merging their papers again. Returns what `archive.remove_entries` returns."""
        former = await archive.remove(connection, gone)
        for row in gone:
            await papers.remove_listing(connection, former[row.id], row.date_on)
            place, number = errors.redact(row.location), len(former[row.id])
            log.info("digest taken back", place=place, date=str(row.date_on), papers=number)
        return former

    async def correct(
        self,
        connection: Connection,
        digest_id: int,
        sourced: SourcedDigest,
        parted: Mapping[int, int] = MappingProxyType({}),
    ) -> IngestResult:
        """Replace a digest if its entries differ. Triggers no alerts.

        New papers (ids) that were a part of another one (id) until now came with it: `parted`.
        """
        if sourced.digest.entries == await archive.list_entries_by_digest(connection, digest_id):
            return IngestResult()
        await archive.correct(connection, {digest_id: sourced}, self._clock())
        former = await archive.remove_entries(connection, [digest_id])
        for seqs in former.values():
            seqs |= {new_id: seqs[id_] for new_id, id_ in parted.items() if id_ in seqs}
        _, new = await write_digest_papers(connection, {digest_id: sourced}, former)
        return IngestResult(written=1, new_papers=len(new))

    async def write_facts(self, connection: Connection, paper_facts: Sequence[PaperFacts]) -> IngestResult:
        """Store facts from services. A paper stays hidden until a digest or list contains it."""
        await hear(connection, {fact.paper_key: fact.title for fact in paper_facts if fact.title})
        ids = await papers.get_ids(connection, {fact.paper_key for fact in paper_facts})
        unknown = {fact.paper_key for fact in paper_facts}.difference(ids)
        ids |= await papers.add(connection, unlisted_papers(unknown))
        with_code = [ids[fact.paper_key] for fact in paper_facts if fact.code_url]
        on_list = await papers.list_described(connection, with_code, SourceKind.HUGGINGFACE.value)
        await papers.add_facts(connection, [(ids[fact.paper_key], fact) for fact in paper_facts])
        stored = await papers.list_merged(connection, ids=ids.values())
        changes = await _remerge(connection, stored)
        first = [id_ for id_, (before, after) in changes.items() if before.version is None and after.version]
        saved_on = await shelf.list_first_days(connection, first)
        now = self._clock()
        events = [
            papers.PaperEvent(0, id_, kind, text, now)
            for id_, change in changes.items()
            for kind, text in _find_news(*change, is_code_known=id_ in on_list, saved_on=saved_on.get(id_))
        ]
        await papers.add_events(connection, events)
        await self._notify_of_names(connection, changes)
        named = [(fact.paper_key, name) for fact in paper_facts for name in fact.names]
        await learn_names(connection, named, ids)
        listed = {fact.paper_key for fact in paper_facts if fact.listed_on is not None}
        return IngestResult(new_papers=len(unknown & listed), paper_keys=frozenset(ids))

    async def _notify_of_papers(
        self,
        connection: Connection,
        written: Mapping[int, SourcedDigest],
        ids: Mapping[str, int],
        former: archive.FormerEntries,
    ) -> None:
        """Report the papers of fresh digests, but for those that a corrected one had before (`former`)."""
        if self._on_fresh is None:
            return
        since_on = self._clock().date() - FRESH_PERIOD
        for digest_id, sourced in written.items():
            if sourced.digest.date >= since_on:
                listed = {ids[entry.paper_key] for entry in sourced.digest.entries}
                await self._on_fresh(connection, sorted(listed.difference(former.get(digest_id, ()))))

    async def _notify_of_names(self, connection: Connection, changes: Changes) -> None:
        named = [
            paper_id
            for paper_id, (before, after) in changes.items()
            if set(after.authors) - set(before.authors) or set(after.institutions) - set(before.institutions)
        ]
        if self._on_fresh is None or not named:
            return
        since_on = self._clock().date() - FRESH_PERIOD
        if fresh := await archive.filter_listed(connection, named, since_on=since_on):
            await self._on_fresh(connection, sorted(fresh))


def is_gone(day: date, paper_keys: Set[str], now: Mapping[date, Set[str]], known: Collection[date]) -> bool:
    """Return whether a stored day that its location no longer has was corrected there, rather than dropped as old.

    `now` has the papers of the location's days, `known` the days stored from it. A page that is overwritten each
    day, or drops its oldest days, moves on: its former days stay.
    """
    named = set().union(*now.values())
    if not now or day in now or paper_keys <= named:
        return True  # nothing is left, or its papers are under other dates or in another format
    if any(on > day and on not in known for on in now):
        return False  # the page has moved on
    is_taken_out = any(on < day and on in known for on in now)
    is_dated_earlier = max(now) < day and 2 * len(paper_keys & named) >= len(paper_keys)
    return is_taken_out or is_dated_earlier


async def _unite_with_stored(
    connection: Connection, sourced: SourcedDigest, row: StoredDigest, days: Mapping[date, Set[str]]
) -> SourcedDigest:
    """Return a changed listing with what only the stored one has, and any other digest as it is.

    Papers that left the list may have been posted, and a feed only contains new papers. Those that its location has on
    other `days` now are not added.
    """
    if row.hash == sourced.hash or not {row.format, sourced.digest.format} <= listing.FORMATS:
        return sourced
    text = await archive.get_text(connection, row.id)
    elsewhere = set[str]().union(*(ids for on, ids in days.items() if on != sourced.digest.date))
    return await asyncio.to_thread(_unite, sourced, row.format, text or "", elsewhere)


async def _keep_from_posts(
    sourced: SourcedDigest, listed: Sequence[Set[str]], *, is_for_lookup: bool
) -> SourcedDigest:
    """Return a list as LOOKUP if its source is for that, or if its known page gained more papers than are posted.

    `listed` are the papers of the page's stored days; none of a page that was not read before.
    """
    new = {entry.paper_key for entry in sourced.digest.entries}.difference(*listed)
    is_flood = bool(listed) and len(new) > MAX_POSTED_PAPERS
    if sourced.digest.format is not DigestFormat.LIST or not (is_for_lookup or is_flood):
        return sourced
    digest = replace(sourced.digest, format=DigestFormat.LOOKUP)
    return await asyncio.to_thread(_unite, replace(sourced, digest=digest), DigestFormat.LOOKUP, digest.text)


def _unite(
    sourced: SourcedDigest, former_form: DigestFormat, former_text: str, elsewhere: Set[str] = frozenset()
) -> SourcedDigest:
    """Merge a listing with its former text, but for the papers (keys) that its source has on other days now.

    A former LOOKUP keeps that format, since it is too large to post, or its source is for look-up.
    """
    form = former_form if former_form is DigestFormat.LOOKUP else sourced.digest.format
    digest = listing.union(replace(sourced.digest, format=form), former_text, elsewhere)
    language = languages.detect_language(digest.entries).value
    return replace(sourced, digest=digest, language=language, hash=_digest_hash(digest))
