"""The papers that recipients (`user:<id>` or `channel:<id>`) were notified of, after the retention time in packed rows.

A paper can come back in a digest after years, and a recipient is not notified of it twice.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, pairwise

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import notified_archive, notified_papers


async def add(
    connection: AsyncConnection,
    notified: Iterable[tuple[str, int]],
    *,
    notified_at: datetime,
    delivery_ids: Mapping[str, int] | None = None,
) -> None:
    """Store that recipients (`user:<id>` or `channel:<id>`) are notified of papers: pairs of recipient and paper id.

    `delivery_ids` are the deliveries that notify them, by recipient.
    """
    ids = delivery_ids or {}
    rows = [(name, paper_id, notified_at, ids.get(name)) for name, paper_id in notified]
    columns = "recipient", "paper_id", "notified_at", "delivery_id"
    await bulk.insert_rows(connection, notified_papers, columns, rows, ignore_conflicts=True)


async def remove_of_deliveries(
    connection: AsyncConnection, delivery_ids: Iterable[int]
) -> list[tuple[str, int]]:
    """Delete the notifications of deliveries that were never sent. Returns them as pairs of recipient and paper id."""
    statement = notified_papers.delete().returning(notified_papers.c.recipient, notified_papers.c.paper_id)
    chunks = [notified_papers.c.delivery_id.in_(chunk) for chunk in bulk.chunked(delivery_ids)]
    return [tuple(row) for own in chunks for row in await connection.execute(statement.where(own))]


async def list_notified(
    connection: AsyncConnection, recipients: Iterable[str], paper_ids: Sequence[int]
) -> set[tuple[str, int]]:
    """Return the pairs of recipient and paper id that were notified before."""
    if not paper_ids:
        return set()
    among = ",".join(str(int(paper_id)) for paper_id in paper_ids)
    notified: set[tuple[str, int]] = set()
    for chunk in bulk.chunked(set(recipients)):
        condition, values = bulk.in_condition(connection, notified_papers.c.recipient, chunk)
        query = f"SELECT recipient, paper_id FROM notified_papers WHERE {condition} AND paper_id IN ({among})"  # noqa: S608 - numbers
        notified.update(
            (name, paper_id) for name, paper_id in await bulk.fetch_all(connection, query, values)
        )
    return notified | await _list_archived(connection, set(recipients), paper_ids)


async def list_old(
    connection: AsyncConnection, before: datetime, after: tuple[str, int], limit: int
) -> list[tuple[str, int]]:
    """Return pairs of recipient and paper id that were notified before `before` (UTC), in order, the first behind `after`."""
    key = sa.tuple_(notified_papers.c.recipient, notified_papers.c.paper_id)
    query = sa.select(notified_papers.c.recipient, notified_papers.c.paper_id).where(
        notified_papers.c.notified_at < before, key > sa.tuple_(*map(sa.literal, after))
    )
    ordered = query.order_by(notified_papers.c.recipient, notified_papers.c.paper_id).limit(limit)
    return [(recipient, paper_id) for recipient, paper_id in await connection.execute(ordered)]


async def archive(connection: AsyncConnection, pairs: Sequence[tuple[str, int]]) -> None:
    """Move notifications into the archive, where they take a byte or two each."""
    by_recipient: dict[str, list[int]] = {}
    for recipient, paper_id in pairs:
        by_recipient.setdefault(recipient, []).append(paper_id)
    await _add_archived(connection, by_recipient)
    for recipient, paper_ids in by_recipient.items():
        for chunk in bulk.chunked(paper_ids):
            await connection.execute(
                notified_papers.delete().where(
                    notified_papers.c.recipient == recipient, notified_papers.c.paper_id.in_(chunk)
                )
            )


async def remove_recipient(connection: AsyncConnection, recipient: str, limit: int) -> int:
    """Delete at most `limit` notifications of a recipient, and with the last of them the archived ones."""
    some = sa.select(notified_papers.c.paper_id).where(notified_papers.c.recipient == recipient).limit(limit)
    ids = (await connection.execute(some)).scalars().all()
    await connection.execute(
        notified_papers.delete().where(
            notified_papers.c.recipient == recipient, notified_papers.c.paper_id.in_(ids)
        )
    )
    if len(ids) < limit:
        await connection.execute(notified_archive.delete().where(notified_archive.c.recipient == recipient))
    return len(ids)


async def _add_archived(connection: AsyncConnection, paper_ids: Mapping[str, Iterable[int]]) -> None:
    known = await _load(connection, paper_ids)
    rows = [
        {"recipient": recipient, "paper_ids": pack(known.get(recipient, set()).union(added))}
        for recipient, added in paper_ids.items()
    ]
    await bulk.upsert(connection, notified_archive, rows, key=("recipient",))


async def _list_archived(
    connection: AsyncConnection, recipients: Iterable[str], paper_ids: Sequence[int]
) -> set[tuple[str, int]]:
    wanted = set(paper_ids)
    known = await _load(connection, recipients)
    return {(recipient, paper_id) for recipient, ids in known.items() for paper_id in ids & wanted}


async def _load(connection: AsyncConnection, recipients: Iterable[str]) -> dict[str, set[int]]:
    columns = notified_archive.c.recipient, notified_archive.c.paper_ids
    rows = await bulk.select_where_in(connection, columns[0], set(recipients), columns)
    return {recipient: unpack(paper_ids) for recipient, paper_ids in rows}


def pack(paper_ids: Iterable[int]) -> bytes:
    """Return ids as compressed differences, which take one or two bytes each."""
    ordered = [0, *sorted(set(paper_ids))]
    return zlib.compress(json.dumps([after - before for before, after in pairwise(ordered)]).encode())


def unpack(data: bytes) -> set[int]:
    """Return the ids that `pack` wrote."""
    return set(accumulate(json.loads(zlib.decompress(data))))
