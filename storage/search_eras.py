"""Eras: stretches of positions that PostgreSQL's index knows as tokens, so that it can be asked for the popular ones alone.

SQLite walks its index in the order of positions and needs none of this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import rows

_SHIFTS = {"paper_words": 17, "paper_titles": 17, "author_words": 32}
"""An era of papers is a quarter of a tenfold of votes, or half a year; one of people a doubling of papers."""
_SMALL = 4000
"""Rows up to which everything is looked at in one go."""
_SHARES = (1 / 32, 1 / 4)


def token(table: str, position: int) -> str:
    """Return the token that says in which era a row is; the analyser makes none that begins so."""
    return f".e{position >> _SHIFTS[table]}"


async def change(connection: AsyncConnection, table: str, positions: Sequence[int], by: int) -> None:
    """Count rows into their eras, or out of them."""
    changes = Counter(position >> _SHIFTS[table] for position in positions)
    await connection.exec_driver_sql(
        "INSERT INTO search_eras (name, era, entries) VALUES ($1, $2, $3)"
        " ON CONFLICT (name, era) DO UPDATE SET entries = search_eras.entries + excluded.entries",
        [(table, era, by * number) for era, number in sorted(changes.items())],
    )


async def clear(connection: AsyncConnection, table: str) -> None:
    """Forget the counts of a table."""
    await connection.exec_driver_sql("DELETE FROM search_eras WHERE name = $1", (table,))


async def stages(connection: AsyncConnection, table: str) -> list[str]:
    """Return what to ask for, one after the other, as parts of a tsquery; "" for all rows."""
    statement = "SELECT era, entries FROM search_eras WHERE name = $1 AND entries > 0 ORDER BY era"
    counted = [
        (int(era), int(entries)) for era, entries in await rows.fetch_all(connection, statement, (table,))
    ]
    total = sum(entries for _, entries in counted)
    if total <= _SMALL:
        return [""]
    sums = list(accumulate(entries for _, entries in counted))
    ends = [
        next(place for place, so_far in enumerate(sums) if so_far >= share * total) + 1 for share in _SHARES
    ]
    return [*(" | ".join(f"'.e{era}'" for era, _ in counted[:end]) for end in dict.fromkeys(ends)), ""]
