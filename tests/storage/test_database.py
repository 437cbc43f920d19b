"""Transactions on both engines: no lost updates, rollback on errors."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from storage import database, migrate, tables


async def test_concurrent_read_then_write_transactions_lose_no_update(db: database.Database) -> None:
    async with db.transaction() as connection:
        await connection.execute(tables.meta.insert().values(key="n", value="0"))

    async def add_one() -> None:
        async with db.transaction() as connection:
            query = sa.select(tables.meta.c.value).where(tables.meta.c.key == "n").with_for_update()
            value = (await connection.execute(query)).scalar_one()
            await asyncio.sleep(0)
            await connection.execute(
                tables.meta.update().where(tables.meta.c.key == "n").values(value=str(int(value) + 1))
            )

    await asyncio.gather(*(add_one() for _ in range(20)))
    async with db.read() as connection:
        assert (await connection.execute(sa.select(tables.meta.c.value))).scalar_one() == "20"


async def test_an_exception_rolls_the_transaction_back(db: database.Database) -> None:
    async def write_and_fail() -> None:
        async with db.transaction() as connection:
            await connection.execute(tables.meta.insert().values(key="n", value="0"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    async with db.read() as connection:
        assert (await connection.execute(sa.select(tables.meta.c.value))).scalar() is None


async def test_a_migrated_database_is_at_the_head_revision(db: database.Database) -> None:
    assert await migrate.current_revision(db) == migrate.HEAD
