"""Eras: stretches of positions, with how many rows each has, by which a search is kept to the most popular papers.

PostgreSQL's index knows them as tokens, so that it can be asked for the popular ones alone; SQLite walks its index in
the order of positions and only needs to know where to stop.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk

_TIER_BITS = {"paper_words": 17, "paper_titles": 17, "author_words": 32}
"""An era of papers is a quarter of a tenfold of votes, or half a year; one of people a doubling of papers."""
_MIN_TIERED_ROWS = 4000
"""Rows up to which everything is looked at in one go."""
_STAGE_SHARES = (1 / 32, 1 / 4)


def token(table: str, position: int) -> str:
    """Return the token that says in which era a row is; the analyser makes none that begins so."""
    return f".e{position >> _TIER_BITS[table]}"


async def change_counts(connection: AsyncConnection, table: str, positions: Sequence[int], by: int) -> None:
    """Count rows into their eras, or out of them."""
    changes = Counter(position >> _TIER_BITS[table] for position in positions)
    marks = "?, ?, ?" if connection.dialect.name == "sqlite" else "$1, $2, $3"
    await connection.exec_driver_sql(
        f"INSERT INTO search_eras (name, era, entries) VALUES ({marks})"  # noqa: S608 - marks of ours
        " ON CONFLICT (name, era) DO UPDATE SET entries = search_eras.entries + excluded.entries",
        [(table, era, by * number) for era, number in sorted(changes.items())],
    )


async def _list_tiers(connection: AsyncConnection, table: str) -> list[tuple[int, int]]:
    mark = "?" if connection.dialect.name == "sqlite" else "$1"
    statement = f"SELECT era, entries FROM search_eras WHERE name = {mark} AND entries > 0 ORDER BY era"  # noqa: S608
    return [
        (int(era), int(entries)) for era, entries in await bulk.fetch_all(connection, statement, (table,))
    ]


async def end_positions(connection: AsyncConnection, table: str, shares: Sequence[float]) -> list[int | None]:
    """Return up to which position the most popular share of a table's rows reaches, in whole eras; None for all rows."""
    if all(share >= 1 for share in shares):
        return [None] * len(shares)
    counted = await _list_tiers(connection, table)
    sums = list(accumulate(entries for _, entries in counted))
    if not sums or sums[-1] <= _MIN_TIERED_ROWS:
        return [None] * len(shares)
    found: list[int | None] = []
    for share in shares:
        place = bisect_left(sums, min(1.0, share) * sums[-1])
        found.append((counted[place][0] + 1 << _TIER_BITS[table]) - 1 if share < 1 else None)
    return found


async def tsquery_stages(connection: AsyncConnection, table: str, end: int | None = None) -> list[str]:
    """Return what PostgreSQL is asked for, one after the other, as parts of a tsquery; "" for all rows.

    `end` is the last position that matters, as `ends` gives it.
    """
    counted = await _list_tiers(connection, table)
    total = sum(entries for _, entries in counted)
    if total <= _MIN_TIERED_ROWS:
        return [""]
    sums = list(accumulate(entries for _, entries in counted))
    stops = [bisect_left(sums, share * total) + 1 for share in _STAGE_SHARES]
    last = len(counted)
    if end is not None:
        last = sum(1 for era, _ in counted if era <= end >> _TIER_BITS[table])
    names = [
        " | ".join(f"'.e{era}'" for era, _ in counted[:stop]) for stop in dict.fromkeys(stops) if stop < last
    ]
    return [*names, "" if last == len(counted) else " | ".join(f"'.e{era}'" for era, _ in counted[:last])]
