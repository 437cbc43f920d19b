"""The papers that recipients were notified of long ago: one packed row per recipient in place of a row per paper.

A paper can come back in a digest after years, and a recipient is not notified of it twice.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import told_archive


async def add(connection: AsyncConnection, paper_ids: Mapping[str, Iterable[int]]) -> None:
    """Add the ids of papers, by recipient (`user:<id>` or `channel:<id>`)."""
    known = await _load(connection, paper_ids)
    rows = [
        {"recipient": recipient, "paper_ids": pack(known.get(recipient, set()).union(added))}
        for recipient, added in paper_ids.items()
    ]
    await bulk.upsert(connection, told_archive, rows, key=("recipient",))


async def list_notified(
    connection: AsyncConnection, recipients: Iterable[str], paper_ids: Sequence[int]
) -> set[tuple[str, int]]:
    """Return the pairs of recipient and paper id, out of `paper_ids`, that are archived."""
    wanted = set(paper_ids)
    known = await _load(connection, recipients)
    return {(recipient, paper_id) for recipient, ids in known.items() for paper_id in ids & wanted}


async def remove(connection: AsyncConnection, recipients: Iterable[str]) -> None:
    """Delete the rows of recipients."""
    for chunk in bulk.chunked(recipients):
        await connection.execute(told_archive.delete().where(told_archive.c.recipient.in_(chunk)))


async def _load(connection: AsyncConnection, recipients: Iterable[str]) -> dict[str, set[int]]:
    known: dict[str, set[int]] = {}
    for chunk in bulk.chunked(set(recipients)):
        query = sa.select(told_archive).where(told_archive.c.recipient.in_(chunk))
        known.update({row.recipient: unpack(row.paper_ids) for row in await connection.execute(query)})
    return known


def pack(paper_ids: Iterable[int]) -> bytes:
    """Return ids as compressed differences, which take one or two bytes each."""
    ordered = [0, *sorted(set(paper_ids))]
    return zlib.compress(json.dumps([after - before for before, after in pairwise(ordered)]).encode())


def unpack(data: bytes) -> set[int]:
    """Return the ids that `pack` wrote."""
    return set(accumulate(json.loads(zlib.decompress(data))))
