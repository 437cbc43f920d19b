"""Adds the references of a file to a reader's saved papers, those too that no digest has."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.services.ingest import paper_writer
from bot.services.shelf import reference_process, shelf
from bot.services.shelf.reference_parser import Reference
from storage import digests, papers
from storage.database import Connection, Database
from storage.shelf import saved_papers

MAX_FILE_BYTES = 2_000_000
BATCH_SIZE = 100
_NEW_ID = re.compile(r"([0-9]{2})([0-9]{2})\.")
_FIRST_NEW_MONTH = "0704"


class ReferenceImporter:
    """Imports files, one at a time: reading one takes a processor for seconds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._reading = asyncio.Semaphore(1)

    async def import_file(self, user_id: int, data: bytes) -> tuple[Counter[str], list[str]]:
        """Save the papers of a file. Returns counts and the places of some broken references.

        The counts are `saved`, of these `unlisted` in no digest; and not taken: `known`, which were saved before,
        `without_id`, `left_out` as broken or as too many, and `full` for want of room. Raises UnreadableFileError.
        """
        async with self._reading:
            references, problems, left_out = await reference_process.read_references(data)
        ordered, counts = await asyncio.to_thread(_prepare, references, self._clock())
        counts["left_out"] = left_out
        async with self._database.read() as connection:
            known = set(await saved_papers.list_paper_ids(connection, user_id))
        for start in range(0, len(ordered), BATCH_SIZE):
            async with self._database.transaction() as connection:
                await digests.lock_ingest(connection)
                counts += await _save(connection, user_id, ordered[start : start + BATCH_SIZE], known)
        return counts, problems


def is_possible_id(arxiv_id: str | None, now: datetime) -> bool:
    """Return whether arXiv can have given this id by now; ids of the old form are taken as they are."""
    match = _NEW_ID.match(arxiv_id or "")
    if match is None:
        return arxiv_id is not None
    # Somewhere it is the next month already.
    return _FIRST_NEW_MONTH <= match[1] + match[2] <= f"{now + timedelta(days=1):%y%m}"


def _prepare(references: Iterable[Reference], now: datetime) -> tuple[list[Reference], Counter[str]]:
    """Return the references as they are stored, each paper once, and the counts of the others."""
    found: dict[str, Reference] = {}
    counts: Counter[str] = Counter()
    for reference in references:
        if not is_possible_id(reference["arxiv_id"], now):
            counts["without_id"] += 1
        elif reference["arxiv_id"] in found:
            counts["known"] += 1
        else:
            found[reference["arxiv_id"]] = {
                **reference,
                "note": shelf.clean_note(reference["note"]),
                "tags": shelf.join_tags(shelf.parse_tags(", ".join(reference["tags"]))),
                # The first of a file is the newest of the list, as in an export.
                "saved_at": now - timedelta(microseconds=len(found)),
            }
    return list(found.values()), counts


async def _save(
    connection: Connection, user_id: int, batch: Sequence[Reference], known: set[int]
) -> Counter[str]:
    """Save a batch of references as far as there is room, add them to those known, and return the counts."""
    ids = await papers.get_ids(connection, [reference["arxiv_id"] for reference in batch])
    fresh = [reference for reference in batch if ids.get(reference["arxiv_id"]) not in known]
    taken = fresh[: max(0, shelf.MAX_SAVED - len(known))]
    new = [reference["arxiv_id"] for reference in taken if reference["arxiv_id"] not in ids]
    ids |= await papers.add(connection, paper_writer.unlisted_papers(new))
    taken_ids = [ids[reference["arxiv_id"]] for reference in taken]
    listed = {row.id for row in await papers.list_rows(connection, taken_ids)}
    rows = [_to_row(paper_id, item, listed) for paper_id, item in zip(taken_ids, taken, strict=True)]
    await saved_papers.add(connection, user_id, rows)
    known.update(taken_ids)
    return Counter(
        saved=len(taken),
        unlisted=len(taken) - len(listed),
        known=len(batch) - len(fresh),
        full=len(fresh) - len(taken),
    )


def _to_row(paper_id: int, reference: Reference, listed: set[int]) -> dict[str, Any]:
    """Return a row of `saved_papers`. The title and the authors of a file count only for this reader."""
    is_listed = paper_id in listed
    return {
        "paper_id": paper_id,
        **{name: reference[name] for name in ("saved_at", "note", "tags")},
        "title": None if is_listed else reference["title"] or None,
        "authors": None if is_listed else reference["authors"],
    }
