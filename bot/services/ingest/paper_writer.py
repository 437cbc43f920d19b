"""Writes what digests and services say of papers: merged papers, authors and the search index, always together.

Runs inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

from bot.digests.elements.shown_summary import shown_sections
from bot.services.ingest import merge
from bot.text.analysis import normalisation
from bot.time_slices import TimeSlices
from storage import authors, bulk, entries, facts, models, papers, votes
from storage.database import Connection

Changes: TypeAlias = dict[int, tuple[models.MergedPaper, models.MergedPaper]]
"""The papers that changed, by id: as they were, and as they are."""

CHUNK_PAPERS = 500
CHUNK_CHARACTERS = 250_000
"""Papers, and characters of their summaries, that are indexed or merged again at once."""
MAX_NAME_LENGTH = 200
"""Indexed characters of an author's name; a digest without commas may give a page of names as one."""


class Indexer(Protocol):
    """Keeps the search index in step with the papers, inside the transaction that changes them."""

    async def index(
        self, connection: Connection, changed: Sequence[models.IndexDocument], people: Sequence[models.Author]
    ) -> None:
        """Index papers, replacing their former terms, and authors whose name or number of papers changed."""
        ...

    async def remove(self, connection: Connection, paper_ids: Collection[int]) -> None:
        """Remove papers that no digest names any more."""
        ...


async def write_digest_papers(
    connection: Connection,
    indexer: Indexer,
    stored_digests: Mapping[int, models.SourcedDigest],
    former_ids: Collection[int] = (),
) -> tuple[dict[str, int], set[str]]:
    """Write the entries of digests whose rows exist, and update the papers they name or named before (`former_ids`).

    Returns the paper ids of the digests by arXiv id, and the arXiv ids that are new to the archive.
    """
    appearances = _appearances_by_paper(stored_digests)
    stored = await papers.list_merged(connection, arxiv_ids=appearances, ids=former_ids)
    known = {paper.arxiv_id: paper_id for paper_id, paper in stored.items()}
    merged: dict[str, models.MergedPaper] = {}
    slices = TimeSlices()
    for arxiv_id, statements in appearances.items():
        if arxiv_id not in known:
            merged[arxiv_id] = merge.merge(arxiv_id, statements)
            await slices.pause()
    new = await papers.add(connection, list(merged.values()))
    ids = new | {arxiv_id: known[arxiv_id] for arxiv_id in appearances if arxiv_id in known}
    digest_entries = {digest_id: sourced.digest.entries for digest_id, sourced in stored_digests.items()}
    await entries.add(connection, digest_entries, ids)
    await _remerge(connection, indexer, stored, texts_changed=True)
    await _write_new_papers(connection, indexer, new, merged, appearances)
    return ids, set(new)


def _appearances_by_paper(
    stored_digests: Mapping[int, models.SourcedDigest],
) -> dict[str, list[models.Appearance]]:
    """Return each paper's appearances in the digests, newest first."""
    appearances: dict[str, list[models.Appearance]] = {}
    newest_first = sorted(stored_digests.items(), key=lambda row: (row[1].digest.date, row[0]), reverse=True)
    for digest_id, sourced in newest_first:
        digest = sourced.digest
        for entry in digest.entries:
            appearances.setdefault(entry.arxiv_id, []).append(
                models.Appearance(digest_id, digest.format, digest.date, sourced.language, entry)
            )
    return appearances


async def refresh_papers(
    connection: Connection, indexer: Indexer, paper_ids: Collection[int], *, texts_changed: bool = False
) -> Changes:
    """Merge stored papers again, and index those that changed, or all of them if `texts_changed`. Returns the changes."""
    stored = await papers.list_merged(connection, ids=paper_ids)
    return await _remerge(connection, indexer, stored, texts_changed=texts_changed)


def unlisted_papers(arxiv_ids: Iterable[str]) -> list[models.MergedPaper]:
    """Return papers with an id only, which no list shows."""
    return [merge.merge(arxiv_id, []) for arxiv_id in arxiv_ids]


async def _write_new_papers(
    connection: Connection,
    indexer: Indexer,
    ids: Mapping[str, int],
    merged: Mapping[str, models.MergedPaper],
    appearances: Mapping[str, Sequence[models.Appearance]],
) -> None:
    """Store the authors of new papers and index them, without reading them back."""
    for chunk in _chunked_by_size(ids, appearances):
        names = {ids[arxiv_id]: _author_names(merged[arxiv_id]) for arxiv_id in chunk}
        changed_authors = await authors.set_authors(connection, names, new_paper_ids=names)
        documents = [
            papers.build_index_document(
                ids[arxiv_id], merged[arxiv_id], appearances[arxiv_id], shown_sections, is_new=True
            )
            for arxiv_id in chunk
        ]
        await indexer.index(connection, documents, changed_authors)
        del documents  # the next chunk needs the memory


def _chunked_by_size(
    arxiv_ids: Iterable[str], appearances: Mapping[str, Sequence[models.Appearance]]
) -> Iterator[list[str]]:
    """Yield the papers in chunks bounded in number and in characters, since indexing takes thirty times the text."""
    chunk: list[str] = []
    characters = 0
    for arxiv_id in arxiv_ids:
        chunk.append(arxiv_id)
        characters += sum(
            len(section.body) for appearance in appearances[arxiv_id] for section in appearance.entry.sections
        )
        if len(chunk) >= CHUNK_PAPERS or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


async def _remerge(
    connection: Connection, indexer: Indexer, stored: Mapping[int, models.MergedPaper], *, texts_changed: bool
) -> Changes:
    """Update papers that existed before; texts may have changed even where the merged paper did not."""
    changes: Changes = {}
    for chunk in bulk.chunked(stored.items(), CHUNK_PAPERS):
        changed = await _remerge_chunk(connection, indexer, dict(chunk), texts_changed=texts_changed)
        changes |= {paper_id: (stored[paper_id], paper) for paper_id, paper in changed.items()}
    return changes


async def _remerge_chunk(
    connection: Connection, indexer: Indexer, stored: Mapping[int, models.MergedPaper], *, texts_changed: bool
) -> dict[int, models.MergedPaper]:
    appearances = await entries.list_appearances(connection, stored)
    paper_facts = await facts.list_by_paper(connection, stored)
    readings = await votes.list_latest(connection, stored)
    merged = {
        paper_id: merge.merge(
            paper.arxiv_id,
            appearances.get(paper_id, ()),
            paper_facts.get(paper_id, ()),
            readings.get(paper_id),
        )
        for paper_id, paper in stored.items()
    }
    changed = {paper_id: paper for paper_id, paper in merged.items() if paper != stored[paper_id]}
    await papers.update(connection, list(changed.items()))
    changed_authors = await _update_authors(connection, stored, changed)
    unlisted = [
        paper_id
        for paper_id, paper in merged.items()
        if not _is_listed(paper) and _is_listed(stored[paper_id])
    ]
    if unlisted:
        await indexer.remove(connection, unlisted)
    documents = [
        papers.build_index_document(
            paper_id,
            paper,
            appearances.get(paper_id, ()),
            shown_sections,
            is_new=not _is_listed(stored[paper_id]),
        )
        for paper_id, paper in merged.items()
        if _is_listed(paper) and (texts_changed or paper_id in changed)
    ]
    if documents or changed_authors:
        await indexer.index(connection, documents, changed_authors)
    return changed


async def _update_authors(
    connection: Connection,
    stored: Mapping[int, models.MergedPaper],
    changed: Mapping[int, models.MergedPaper],
) -> Sequence[models.Author]:
    names = {
        paper_id: _author_names(paper)
        for paper_id, paper in changed.items()
        if paper.authors != stored[paper_id].authors or _is_listed(paper) != _is_listed(stored[paper_id])
    }
    return await authors.set_authors(connection, names) if names else []


def _is_listed(paper: models.MergedPaper) -> bool:
    return paper.last_on is not None


def _author_names(paper: models.MergedPaper) -> authors.AuthorNames:
    """Return the searchable names; none while no list shows the paper."""
    return [_name_with_key(name) for name in paper.authors] if _is_listed(paper) else ()


def _name_with_key(name: str) -> tuple[str, str]:
    """Return a name's key and the name, both bounded: PostgreSQL indexes at most 2,700 bytes."""
    name = name[:MAX_NAME_LENGTH]
    return normalisation.fold_name(name)[:MAX_NAME_LENGTH] or name.casefold(), name
