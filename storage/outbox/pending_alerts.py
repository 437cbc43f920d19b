"""Digests whose papers are still to be matched with alerts, and papers that got names from facts: the planner's input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import pending_alerts


async def add(
    connection: AsyncConnection, digest_id: int, revision: int, paper_ids: Sequence[int], now: datetime
) -> None:
    """Store that the alerts for these papers of a digest's revision are to be planned."""
    values = {"digest_id": digest_id, "revision": revision, "paper_ids": list(paper_ids), "added_at": now}
    await connection.execute(pending_alerts.insert(), values)


async def add_named(
    connection: AsyncConnection, digest_id: int, former: Mapping[int, models.FormerNames], now: datetime
) -> None:
    """Store that papers of a digest got names, with those that they had before, by paper id.

    The caller's transaction holds the lock of the ingest. The row takes the next number below 0 for its revision, which
    no digest has.
    """
    lowest = sa.select(sa.func.min(pending_alerts.c.revision)).where(pending_alerts.c.digest_id == digest_id)
    revision = min((await connection.execute(lowest)).scalar() or 0, 0) - 1
    names = [(list(authors), list(institutions)) for authors, institutions in former.values()]
    values = {"digest_id": digest_id, "revision": revision, "added_at": now}
    await connection.execute(
        pending_alerts.insert(), {**values, "paper_ids": list(former), "former_names": names}
    )


async def list_rows(connection: AsyncConnection) -> list[models.PendingAlerts]:
    """Return the digests whose alerts are still to be planned, in the order in which they were stored."""
    key = pending_alerts.c.digest_id, pending_alerts.c.revision
    query = sa.select(pending_alerts).order_by(pending_alerts.c.added_at, *key)
    return [_from_row(row) for row in await connection.execute(query)]


async def get(connection: AsyncConnection, pending: models.PendingAlerts) -> models.PendingAlerts | None:
    """Return the present state of a digest whose alerts are to be planned; None once they are."""
    query = sa.select(pending_alerts).where(*_key(pending))
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _from_row(row)


async def set_last_recipient(
    connection: AsyncConnection, pending: models.PendingAlerts, recipient: str
) -> None:
    """Store the last recipient whose alerts are planned."""
    statement = pending_alerts.update().where(*_key(pending))
    await connection.execute(statement.values(recipient=recipient))


async def remove(connection: AsyncConnection, pending: models.PendingAlerts) -> None:
    """Delete a digest whose alerts are all planned, or too old to be."""
    await connection.execute(pending_alerts.delete().where(*_key(pending)))


def _key(pending: models.PendingAlerts) -> tuple[sa.ColumnElement[bool], ...]:
    # The time too, as a number below 0 is free again once its row is deleted.
    columns = pending_alerts.c
    return (
        columns.digest_id == pending.digest_id,
        columns.revision == pending.revision,
        columns.added_at == pending.added_at,
    )


def _from_row(row: sa.Row[Any]) -> models.PendingAlerts:
    names = tuple((tuple(authors), tuple(institutions)) for authors, institutions in row.former_names or ())
    return bulk.build_record(
        models.PendingAlerts, row._mapping, paper_ids=tuple(row.paper_ids), former_names=names
    )
