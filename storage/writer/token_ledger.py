"""The ledger of a language model's tokens: what is reserved and used, by UTC day.

Tokens are reserved before a call and settled after it. A call whose outcome is unknown keeps its reservation.
"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import token_ledger

LEDGER_LOCK = 0x4C4544474552
"""PostgreSQL advisory lock around reservations: "LEDGER"."""


async def reserve(
    connection: AsyncConnection, day: date, tokens: int, *, daily: int | None, monthly: int | None
) -> bool:
    """Reserve tokens on a day. Returns false, and reserves nothing, if the day or its month would pass its cap."""
    if connection.dialect.name == "postgresql":
        # SQLite has a single writer anyway.
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LEDGER_LOCK)))
    of_day, of_month = await get_totals(connection, day)
    for total, cap in ((of_day, daily), (of_month, monthly)):
        if cap is not None and total + tokens > cap:
            return False
    statement = bulk.dialect_insert(connection, token_ledger).values(day_on=day, reserved=tokens, used=0)
    changes = {"reserved": token_ledger.c.reserved + tokens}
    await connection.execute(statement.on_conflict_do_update(index_elements=["day_on"], set_=changes))
    return True


async def settle(connection: AsyncConnection, day: date, *, reserved: int, used: int) -> None:
    """Replace a reservation of a day by what its call used."""
    await connection.execute(
        token_ledger.update()
        .where(token_ledger.c.day_on == day)
        .values(reserved=token_ledger.c.reserved - reserved, used=token_ledger.c.used + used)
    )


async def get_totals(connection: AsyncConnection, day: date) -> tuple[int, int]:
    """Return the tokens reserved and used on a day, and in its month up to any day."""
    first = day.replace(day=1)
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    total = sa.func.sum(token_ledger.c.reserved + token_ledger.c.used)
    query = sa.select(token_ledger.c.day_on, total).group_by(token_ledger.c.day_on)
    rows = await connection.execute(
        query.where(token_ledger.c.day_on >= first, token_ledger.c.day_on < following)
    )
    totals = {on: int(tokens) for on, tokens in rows}
    return totals.get(day, 0), sum(totals.values())
