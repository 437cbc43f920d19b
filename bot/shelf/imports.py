"""Adds the references of a file to a reader's saved papers, those too that no digest has."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

from bot.archive import arxiv_ids, digest_writer
from bot.core import isolation
from bot.core.clock import Clock
from bot.shelf import notes, references
from bot.shelf import service as shelf_service
from bot.shelf.references import Reference, UnreadableFileError
from bot.sources import base
from bot.sources.base import FetchError
from storage import archive, papers, shelf
from storage.database import Connection, Database

MAX_SECONDS = 8.0
"""Time for a file, of the clock and of the processor. The largest of real libraries take two."""
_MAX_MEGABYTES = 400


async def read_references(data: bytes) -> tuple[list[Reference], list[str], int]:
    """Return what `parse_references` returns for a file, in another process. Raises UnreadableFileError."""
    found: list[Reference] = []
    try:
        text = base.decode_text(data)
        parts = isolation.stream_isolated(
            references.stream_references, text, seconds=MAX_SECONDS, megabytes=_MAX_MEGABYTES
        )
        async with asyncio.timeout(MAX_SECONDS), aclosing(parts):
            problems, left_out = await anext(parts)
            async for part in parts:
                found += part
    except TimeoutError as error:
        raise UnreadableFileError("reading it took too long") from error
    except (FetchError, isolation.ChildError) as error:
        raise UnreadableFileError(str(error)) from error
    return found, problems, left_out


MAX_FILE_BYTES = 2_000_000
MAX_NEW = 5_000
"""New papers (of no reader or digest) that one reader may add within NEW_PERIOD: the services are asked about each.

`saved-import-limited` names both."""
NEW_PERIOD = timedelta(days=30)
BATCH_SIZE = 100


class ReferenceImporter:
    """Imports files. Reading one takes a processor for seconds, so readers' files are transfers, one at a time.

    How many papers are new by each reader is kept in memory only, so that it outlasts `/me forget`, but no restart.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._added: list[tuple[datetime, int, int]] = []
        """When papers were added, by whom, and how many."""

    async def import_file(self, user_id: int, data: bytes) -> tuple[Counter[str], list[str]]:
        """Save the papers of a file. Returns counts and the places of some broken references.

        The counts are `saved`, of these `unlisted` in no digest and `new` to the archive; and not taken: `known`, which
        were saved before, `without_id`, `left_out` as broken or as too many, `limited` by MAX_NEW, and `full` for want of
        room. Raises UnreadableFileError.
        """
        found, problems, left_out = await read_references(data)
        ordered, counts = await asyncio.to_thread(_prepare, found, self._clock())
        counts["left_out"] = left_out
        async with self._database.read() as connection:
            known = set(await shelf.list_paper_ids(connection, user_id))
        for start in range(0, len(ordered), BATCH_SIZE):
            batch = ordered[start : start + BATCH_SIZE]
            async with self._database.transaction() as connection:
                await archive.lock_ingest(connection)
                saved = await _save(connection, user_id, batch, known, self._count_room(user_id))
            self._added.append((self._clock(), user_id, saved["new"]))
            counts += saved
        return counts, problems

    def _count_room(self, user_id: int) -> int:
        """Return how many new papers a reader may add now."""
        since = self._clock() - NEW_PERIOD
        self._added = [added for added in self._added if added[0] > since and added[2]]
        return max(0, MAX_NEW - sum(count for _, reader, count in self._added if reader == user_id))


def _prepare(read: Iterable[Reference], now: datetime) -> tuple[list[Reference], Counter[str]]:
    """Return the references as they are stored, each paper once, and the counts of the others."""
    found: dict[str, Reference] = {}
    counts: Counter[str] = Counter()
    for reference in read:
        if not arxiv_ids.is_possible(reference["arxiv_id"] or "", now.date()):
            counts["without_id"] += 1
        elif reference["arxiv_id"] in found:
            counts["known"] += 1
        else:
            found[reference["arxiv_id"]] = {
                **reference,
                "tags": notes.join_tags(reference["tags"]),
                # The first of a file is the newest of the list, as in an export.
                "saved_at": now - timedelta(microseconds=len(found)),
            }
    return list(found.values()), counts


async def _save(
    connection: Connection, user_id: int, batch: Sequence[Reference], known: set[int], max_new: int
) -> Counter[str]:
    """Save a batch of references as far as there is room, add them to those known, and return the counts."""
    ids = await papers.get_ids(connection, [reference["arxiv_id"] for reference in batch])
    fresh = [reference for reference in batch if ids.get(reference["arxiv_id"]) not in known]
    new = [reference["arxiv_id"] for reference in fresh if reference["arxiv_id"] not in ids]
    too_new = set(new[max_new:])
    allowed = [reference for reference in fresh if reference["arxiv_id"] not in too_new]
    taken = allowed[: max(0, shelf_service.MAX_SAVED - len(known))]
    new = [reference["arxiv_id"] for reference in taken if reference["arxiv_id"] not in ids]
    ids |= await papers.add(connection, digest_writer.unlisted_papers(new))
    taken_ids = [ids[reference["arxiv_id"]] for reference in taken]
    listed = {row.id for row in await papers.list_rows(connection, taken_ids)}
    rows = [
        {
            "paper_id": paper_id,
            **{name: reference[name] for name in ("saved_at", "note", "tags")},
            # The title and the authors of a file count only for this reader.
            "title": None if paper_id in listed else reference["title"] or None,
            "authors": None if paper_id in listed else reference["authors"],
        }
        for paper_id, reference in zip(taken_ids, taken, strict=True)
    ]
    await shelf.add(connection, user_id, rows)
    known.update(taken_ids)
    return Counter(
        saved=len(taken),
        unlisted=len(taken) - len(listed),
        new=len(new),
        known=len(batch) - len(fresh),
        limited=len(too_new),
        full=len(allowed) - len(taken),
    )
