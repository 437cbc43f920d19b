"""Adds the references of a file to a reader's saved papers, those too that no digest has."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
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
BATCH_SIZE = 500
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
        now = self._clock()
        found = {
            reference["arxiv_id"]: reference
            for reference in reversed(references)
            if is_possible_id(reference["arxiv_id"], now)
        }
        counts = Counter(left_out=left_out)
        counts["without_id"] = sum(not is_possible_id(item["arxiv_id"], now) for item in references)
        counts["known"] = len(references) - counts["without_id"] - len(found)
        # The first of a file is the newest of the list, as in an export.
        ordered = [
            (reference, now - timedelta(microseconds=position))
            for position, reference in enumerate(reversed(found.values()))
        ]
        for start in range(0, len(ordered), BATCH_SIZE):
            async with self._database.transaction() as connection:
                await digests.lock_ingest(connection)
                counts += await _save(connection, user_id, ordered[start : start + BATCH_SIZE])
        return counts, problems


def is_possible_id(arxiv_id: str | None, now: datetime) -> bool:
    """Return whether arXiv can have given this id by now; ids of the old form are taken as they are."""
    match = _NEW_ID.match(arxiv_id or "")
    if match is None:
        return arxiv_id is not None
    # Somewhere it is the next month already.
    return _FIRST_NEW_MONTH <= match[1] + match[2] <= f"{now + timedelta(days=1):%y%m}"


async def _save(
    connection: Connection, user_id: int, batch: Iterable[tuple[Reference, datetime]]
) -> Counter[str]:
    """Save a batch of references as far as there is room, and return the counts."""
    by_id = {reference["arxiv_id"]: (reference, saved_at) for reference, saved_at in batch}
    ids = await papers.get_ids(connection, by_id)
    known = set(await saved_papers.list_paper_ids(connection, user_id))
    fresh = [arxiv_id for arxiv_id in by_id if ids.get(arxiv_id) not in known]
    room = max(0, shelf.MAX_SAVED - len(known))
    taken = fresh[:room]
    new = [arxiv_id for arxiv_id in taken if arxiv_id not in ids]
    ids |= await papers.add(connection, paper_writer.unlisted_papers(new))
    listed = {row.id for row in await papers.list_rows(connection, [ids[arxiv_id] for arxiv_id in taken])}
    await saved_papers.add(
        connection, user_id, [_to_row(ids[arxiv_id], *by_id[arxiv_id], listed) for arxiv_id in taken]
    )
    return Counter(
        saved=len(taken),
        unlisted=len(taken) - len(listed),
        known=len(by_id) - len(fresh),
        full=len(fresh) - len(taken),
    )


def _to_row(paper_id: int, reference: Reference, saved_at: datetime, listed: set[int]) -> dict[str, Any]:
    """Return a row of `saved_papers`. The title and the authors of a file count only for this reader."""
    is_listed = paper_id in listed
    return {
        "paper_id": paper_id,
        "saved_at": saved_at,
        "note": shelf.clean_note(reference["note"]),
        "tags": shelf.join_tags(shelf.parse_tags(", ".join(reference["tags"]))),
        "title": None if is_listed else reference["title"] or None,
        "authors": None if is_listed else reference["authors"],
    }
