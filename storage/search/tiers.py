"""Index tiers: ranges of positions with their number of rows, by which a search is limited to the most popular papers.

PostgreSQL's index has a token per tier, so that it can search the popular tiers alone; SQLite reads its index in order of
positions and only needs the position to stop at.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk

_TIER_BITS = {"paper_words": 17, "paper_titles": 17, "author_words": 32}
"""Bits of a position within its tier. A tier of papers is a factor of 1.8 in votes, or half a year; one of authors is a
doubling of papers.
"""
_MIN_TIERED_ROWS = 4000
"""Tables up to this size are searched as a whole."""
_STAGE_SHARES = (1 / 32, 1 / 4)


def token(table: str, position: int) -> str:
    """Return the token of a row's tier; no token of the analyser begins with a full stop."""
    return f".e{position >> _TIER_BITS[table]}"


async def change_counts(connection: AsyncConnection, table: str, positions: Sequence[int], by: int) -> None:
    """Add a number to the row counts of the tiers of these positions."""
    changes = Counter(position >> _TIER_BITS[table] for position in positions)
    marks = "?, ?, ?" if connection.dialect.name == "sqlite" else "$1, $2, $3"
    await connection.exec_driver_sql(
        f"INSERT INTO search_tiers (name, tier, entries) VALUES ({marks})"  # noqa: S608 - constant placeholders
        " ON CONFLICT (name, tier) DO UPDATE SET entries = search_tiers.entries + excluded.entries",
        [(table, tier, by * number) for tier, number in sorted(changes.items())],
    )


async def _list_tiers(connection: AsyncConnection, table: str) -> tuple[list[int], list[int]]:
    """Return the tiers of a table that have rows, and the cumulative number of their rows."""
    mark = "?" if connection.dialect.name == "sqlite" else "$1"
    statement = f"SELECT tier, entries FROM search_tiers WHERE name = {mark} AND entries > 0 ORDER BY tier"  # noqa: S608
    rows = list(
        await bulk.read_once(connection, table, lambda: bulk.fetch_all(connection, statement, (table,)))
    )
    return [int(tier) for tier, _ in rows], list(accumulate(int(entries) for _, entries in rows))


async def count_rows(connection: AsyncConnection, table: str) -> int:
    """Return the number of rows of a table, without reading it."""
    _, sums = await _list_tiers(connection, table)
    return sums[-1] if sums else 0


async def end_positions(connection: AsyncConnection, table: str, shares: Sequence[float]) -> list[int | None]:
    """Return the last position of each most popular share of a table's rows, in whole tiers; None for all rows."""
    if all(share >= 1 for share in shares):
        return [None] * len(shares)
    tiers, sums = await _list_tiers(connection, table)
    if not sums or sums[-1] <= _MIN_TIERED_ROWS:
        return [None] * len(shares)
    last_tiers = (tiers[bisect_left(sums, min(1.0, share) * sums[-1])] for share in shares)
    return [
        (tier + 1 << _TIER_BITS[table]) - 1 if share < 1 else None
        for tier, share in zip(last_tiers, shares, strict=True)
    ]


async def tsquery_stages(connection: AsyncConnection, table: str, end: int | None = None) -> list[str]:
    """Return the tsquery conditions of PostgreSQL's stages, from the most popular tiers to all; "" for all rows.

    `end` is the last position to search, as given by `end_positions`.
    """
    tiers, sums = await _list_tiers(connection, table)
    if not sums or sums[-1] <= _MIN_TIERED_ROWS:
        return [""]
    stops = [bisect_left(sums, share * sums[-1]) + 1 for share in _STAGE_SHARES]
    last = len(tiers)
    if end is not None:
        last = sum(1 for tier in tiers if tier <= end >> _TIER_BITS[table])
    conditions = [_any_tier(tiers[:stop]) for stop in dict.fromkeys(stops) if stop < last]
    return [*conditions, "" if last == len(tiers) else _any_tier(tiers[:last])]


def _any_tier(tiers: Sequence[int]) -> str:
    return " | ".join(f"'.e{tier}'" for tier in tiers)
