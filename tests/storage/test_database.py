"""Transactions and helpers for SQL on both engines: no lost updates, rollback on errors, any number of values."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from storage import database, errors, papers, tables
from tests.support import patience
from tests.support.paper_records import add_papers, merged_paper


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


async def _hold(limited: database.Database, count: int, release: asyncio.Event) -> list[asyncio.Task[None]]:
    """Start readers that hold their transactions until `release`, of which only some get a connection."""
    holding = 0

    async def read() -> None:
        nonlocal holding
        async with limited.read():
            holding += 1
            await release.wait()

    tasks = [asyncio.create_task(read()) for _ in range(count)]
    await patience.wait_until(lambda: holding >= database.READER_CONNECTIONS)
    return tasks


async def test_work_that_holds_all_its_connections_delays_no_other_transaction(db: database.Database) -> None:
    limited, release = db.limited(database.READER_CONNECTIONS), asyncio.Event()
    readers = await _hold(limited, 5 * database.POOL_SIZE, release)

    async def write() -> None:
        async with limited.transaction() as connection:
            await connection.execute(tables.meta.insert().values(key="limited", value="0"))

    writers = [asyncio.create_task(write())]
    async with patience.limit(30):
        for number in range(20):
            async with db.transaction() as connection:
                await connection.execute(tables.meta.insert().values(key=f"n{number}", value="0"))
            async with db.read():
                pass
    assert not any(task.done() for task in (*readers, *writers))
    release.set()
    await asyncio.gather(*readers, *writers)


@pytest.mark.engines("sqlite")
async def test_a_transaction_waits_for_one_limited_writer_at_most(db: database.Database) -> None:
    limited, order = db.limited(database.READER_CONNECTIONS), list[str]()
    first_may_end, first_has_begun = asyncio.Event(), asyncio.Event()

    async def write(name: str, target: database.Database, *, waits: bool = False) -> None:
        async with target.transaction() as connection:
            await connection.execute(tables.meta.insert().values(key=name, value="0"))
            first_has_begun.set()
            if waits:
                await first_may_end.wait()
        order.append(name)

    tasks = [asyncio.create_task(write("first", limited, waits=True))]
    await first_has_begun.wait()
    tasks += [asyncio.create_task(write(f"limited{number}", limited)) for number in range(10)]
    await asyncio.sleep(0)
    delivery = asyncio.create_task(write("delivery", db))
    await asyncio.sleep(0)
    first_may_end.set()
    await asyncio.gather(delivery, *tasks)
    assert order.index("delivery") <= 1


@pytest.mark.engines("postgresql")
async def test_connections_to_a_server_that_is_read_only_are_replaced(db: database.Database) -> None:
    """After a failover a pool still has sessions of the former primary; here a session alone cannot write."""

    async def write() -> None:
        async with db.transaction() as connection:
            await connection.execute(tables.meta.insert().values(key="written", value="0"))

    async with db.read() as connection:
        await connection.execute(sa.text("SET default_transaction_read_only = on"))
        await connection.commit()
    with pytest.raises(errors.DatabaseUnavailableError, match="default_transaction_read_only"):
        await write()
    await write()


async def test_a_number_that_no_column_can_hold_is_an_error_with_a_sentence(db: database.Database) -> None:
    with pytest.raises(errors.StorageError, match="too large"):
        async with db.read() as connection:
            await connection.execute(sa.select(tables.digests.c.id).where(tables.digests.c.id == 10**30))


async def test_queries_with_more_values_than_a_statement_allows_are_chunked(db: database.Database) -> None:
    ids = await add_papers(db, *(merged_paper(number) for number in range(1, 6)))
    async with db.read() as connection:
        arxiv_ids = [f"x{number}" for number in range(50_000)] + list(ids)
        assert await papers.get_ids(connection, arxiv_ids) == ids
        rows = await database.select_where_in(
            connection, tables.papers.c.id, range(50_000), (tables.papers.c.id,)
        )
        assert sorted(rows) == sorted((paper_id,) for paper_id in ids.values())


async def test_rows_are_inserted_in_any_column_order(db: database.Database) -> None:
    rows = [(f"value {number}", f"key {number}") for number in range(3)]
    async with db.transaction() as connection:
        await database.insert_rows(connection, tables.meta, ("value", "key"), rows)
        await database.insert_rows(connection, tables.meta, ("value", "key"), rows, ignore_conflicts=True)
        values = await database.select_where_in(
            connection, tables.meta.c.key, ["key 1"], (tables.meta.c.value,)
        )
    assert values == [("value 1",)]
