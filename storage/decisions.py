"""Decisions of the daily planner: what each post drew from and left out, for `/why`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import decisions


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """One choice of papers by a subscription for the local date `local_on`.

    `digest_ids` were drawn from; `skipped_digest_ids` are older digests, which a first post leaves out. `cutoff_rank`
    papers were chosen, the last of them with `cutoff_votes`. `left_out` holds the ids and votes of the papers after
    the cut-off, best first. Other papers of the digests had been posted before or had fewer votes than `min_votes`.
    """

    subscription_id: int
    local_on: date
    decided_at: datetime
    digest_on: date
    digest_ids: tuple[int, ...]
    skipped_digest_ids: tuple[int, ...]
    min_votes: int
    cutoff_rank: int
    cutoff_votes: int | None
    left_out: tuple[tuple[int, int | None], ...]
    delivery_id: int | None = None


async def add_all(connection: AsyncConnection, new_decisions: Sequence[StoredDecision]) -> None:
    """Store decisions; a decision of the same subscription and moment is replaced."""
    names = tuple(field.name for field in fields(StoredDecision))
    values = [tuple(getattr(row, name) for name in names) for row in new_decisions]
    await bulk.insert_rows(connection, decisions, names, values, upsert_key=("subscription_id", "decided_at"))


async def list_rows(connection: AsyncConnection, subscription_id: int) -> list[StoredDecision]:
    """Return the decisions of a subscription that are kept, newest first."""
    query = (
        sa.select(decisions)
        .where(decisions.c.subscription_id == subscription_id)
        .order_by(decisions.c.decided_at.desc())
    )
    return [
        StoredDecision(
            **{
                **row._mapping,
                "digest_ids": tuple(row.digest_ids),
                "skipped_digest_ids": tuple(row.skipped_digest_ids),
                "left_out": tuple((paper_id, votes) for paper_id, votes in row.left_out),
            }
        )
        for row in await connection.execute(query)
    ]


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` decisions made before `before` (UTC). Returns the number deleted."""
    return await bulk.delete_some(connection, decisions, decisions.c.decided_at < before, limit)


async def remove(connection: AsyncConnection, subscription_id: int, limit: int) -> int:
    """Delete at most `limit` decisions of a subscription. Returns the number deleted."""
    return await bulk.delete_some(
        connection, decisions, decisions.c.subscription_id == subscription_id, limit
    )
