"""The ledger of tokens on both engines."""

from __future__ import annotations

import asyncio
from datetime import date

from storage import writer
from storage.database import Database

DAY = date(2026, 1, 31)


async def test_a_reservation_beyond_a_cap_is_refused(db: Database) -> None:
    async with db.transaction() as connection:
        assert await writer.reserve_tokens(connection, DAY, 60, daily=100, monthly=None)
        assert not await writer.reserve_tokens(connection, DAY, 41, daily=100, monthly=None)
        assert not await writer.reserve_tokens(connection, DAY, 40, daily=100, monthly=99)
        assert await writer.reserve_tokens(connection, DAY, 40, daily=100, monthly=100)
        assert await writer.get_token_totals(connection, DAY) == (100, 100)


async def test_a_settled_call_counts_with_what_it_used(db: Database) -> None:
    async with db.transaction() as connection:
        for _ in range(2):
            await writer.reserve_tokens(connection, DAY, 50, daily=None, monthly=None)
        await writer.settle_tokens(connection, DAY, reserved=50, used=7)
        assert await writer.get_token_totals(connection, DAY) == (57, 57)


async def test_days_and_months_begin_anew(db: Database) -> None:
    async with db.transaction() as connection:
        for day in (date(2025, 12, 31), date(2026, 1, 1), DAY, date(2026, 2, 1)):
            assert await writer.reserve_tokens(connection, day, 10, daily=10, monthly=20)
        assert await writer.get_token_totals(connection, DAY) == (10, 20)
        assert await writer.get_token_totals(connection, date(2025, 12, 1)) == (0, 10)


async def test_reservations_at_the_same_time_do_not_pass_the_cap(db: Database) -> None:
    async def reserve() -> bool:
        async with db.transaction() as connection:
            return await writer.reserve_tokens(connection, DAY, 30, daily=100, monthly=None)

    granted = await asyncio.gather(*(reserve() for _ in range(6)))
    assert sum(granted) == 3
