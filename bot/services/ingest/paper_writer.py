"""Puts what was said of papers in its place: merged papers, authors and the search index, always together.

Runs inside the caller's transaction. Knows nothing of texts, places and corrections; that is `ingest`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.services.ingest import merge
from bot.text.analysis import normalisation
from storage import authors, entries, facts, models, papers, votes
from storage.database import Connection

MAX_NAME_LENGTH = 200
"""Letters of an author's name to be found by; a digest without commas may give a page of them."""


class Indexer(Protocol):
    """Keeps the search index in step with the papers, inside the transaction that changes them."""

    async def index(
        self, connection: Connection, changed: Sequence[models.IndexDocument], people: Sequence[models.Author]
    ) -> None:
        """Index papers in place of what stood there, and authors whose name or number of papers changed."""
        ...

    async def remove(self, connection: Connection, paper_ids: Collection[int]) -> None:
        """Take papers out of the index that no digest names any more."""
        ...


@dataclass(frozen=True, slots=True)
class DigestRecord:
    """A digest whose row is stored and whose papers are not yet."""

    digest_id: int
    language: str
    digest: models.Digest


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The papers of stored digests, by arXiv id, and those of them that nobody had named before."""

    paper_ids: Mapping[str, int]
    new_arxiv_ids: frozenset[str]

    def paper_ids_of(self, digest: models.Digest) -> set[int]:
        """Return the papers of one of the digests."""
        return {self.paper_ids[entry.arxiv_id] for entry in digest.entries}


async def write_digest_papers(
    connection: Connection, indexer: Indexer, filed: Sequence[DigestRecord], former: Collection[int] = ()
) -> WriteResult:
    """Store what digests say and bring every paper up to date that they name or, `former`, have named until now."""
    said = _appearances_by_paper(filed)
    stored = await papers.list_merged(connection, arxiv_ids=said, ids=former)
    known = {paper.arxiv_id: id_ for id_, paper in stored.items()}
    merged = {
        arxiv_id: merge.merge(arxiv_id, found) for arxiv_id, found in said.items() if arxiv_id not in known
    }
    new = await papers.add(connection, list(merged.values()))
    ids = new | {arxiv_id: known[arxiv_id] for arxiv_id in said if arxiv_id in known}
    await entries.add(connection, {one.digest_id: one.digest.entries for one in filed}, ids)
    await _remerge(connection, indexer, stored, texts_changed=True)
    await _write_new_papers(connection, indexer, new, merged, said)
    return WriteResult(ids, frozenset(new))


def _appearances_by_paper(filed: Iterable[DigestRecord]) -> dict[str, list[models.Appearance]]:
    """Return what the digests say of each paper, the newest first."""
    said: dict[str, list[models.Appearance]] = {}
    for one in sorted(filed, key=lambda one: (one.digest.date, one.digest_id), reverse=True):
        for entry in one.digest.entries:
            found = models.Appearance(one.digest_id, one.digest.format, one.digest.date, one.language, entry)
            said.setdefault(entry.arxiv_id, []).append(found)
    return said


async def refresh_papers(
    connection: Connection, indexer: Indexer, paper_ids: Collection[int], *, texts_changed: bool = False
) -> None:
    """Merge papers anew from what is stored of them, and index those that changed, or all if texts did."""
    stored = await papers.list_merged(connection, ids=paper_ids)
    await _remerge(connection, indexer, stored, texts_changed=texts_changed)


def unlisted_papers(arxiv_ids: Iterable[str]) -> list[models.MergedPaper]:
    """Return papers of which nothing is known but the id, and which no list shows."""
    return [merge.merge(arxiv_id, []) for arxiv_id in arxiv_ids]


async def _write_new_papers(
    connection: Connection,
    indexer: Indexer,
    ids: Mapping[str, int],
    merged: Mapping[str, models.MergedPaper],
    said: Mapping[str, Sequence[models.Appearance]],
) -> None:
    """Store the authors of papers that nobody named before, and index them from what is in hand."""
    if not ids:
        return
    names = {id_: _author_names(merged[arxiv_id]) for arxiv_id, id_ in ids.items()}
    people = await authors.set_authors(connection, names, new_paper_ids=names)
    changed = [
        papers.build_index_document(id_, merged[arxiv_id], said[arxiv_id], is_new=True)
        for arxiv_id, id_ in ids.items()
    ]
    await indexer.index(connection, changed, people)


async def _remerge(
    connection: Connection, indexer: Indexer, stored: Mapping[int, models.MergedPaper], *, texts_changed: bool
) -> None:
    """Bring papers that stood there before up to date; their texts may have changed where nothing else did."""
    if not stored:
        return
    appearances = await entries.list_appearances(connection, stored)
    services = await facts.list_by_paper(connection, stored)
    readings = await votes.list_latest(connection, stored)
    merged = {
        id_: merge.merge(paper.arxiv_id, appearances.get(id_, ()), services.get(id_, ()), readings.get(id_))
        for id_, paper in stored.items()
    }
    changed = {id_: paper for id_, paper in merged.items() if paper != stored[id_]}
    await papers.update(connection, list(changed.items()))
    names = {
        id_: _author_names(paper)
        for id_, paper in changed.items()
        if paper.authors != stored[id_].authors or (paper.last_on is None) != (stored[id_].last_on is None)
    }
    people = await authors.set_authors(connection, names) if names else []
    gone = [id_ for id_, paper in merged.items() if paper.last_on is None and stored[id_].last_on is not None]
    if gone:
        await indexer.remove(connection, gone)
    listed = [
        papers.build_index_document(id_, paper, appearances.get(id_, ()), is_new=stored[id_].last_on is None)
        for id_, paper in merged.items()
        if paper.last_on is not None and (texts_changed or id_ in changed)
    ]
    if listed or people:
        await indexer.index(connection, listed, people)


def _author_names(paper: models.MergedPaper) -> authors.AuthorNames:
    """Return the names to be found by: none while nothing lists the paper."""
    if paper.last_on is None:
        return ()
    return [_name_with_key(name) for name in paper.authors]


def _name_with_key(name: str) -> tuple[str, str]:
    """Return a name's key and itself, in bounds: PostgreSQL indexes no more than 2,700 bytes."""
    name = name[:MAX_NAME_LENGTH]
    return normalisation.fold_name(name)[:MAX_NAME_LENGTH] or name.casefold(), name
