"""Columns with a reader's id are declared, and deleting a reader leaves no such id, on both engines."""

import re
from typing import Any

import pytest
import sqlalchemy as sa

from storage import accounts, schema, tables
from storage.database import Connection, Database
from tests.support import reader_rows

pytestmark = pytest.mark.promise

READER, OTHER = 981234567890123456, 987000000000000001
NO_READERS = {
    *("guild_id", "channel_id", "system_channel_id", "dm_channel_id", "message_id", "mention_role_id"),
    *("tag_id", "server_id", "thread_id", "term", "reserved", "used", "holder", "added_seq"),
    *("drawn_until", "changed"),
}
"""64-bit columns that hold no reader's id."""
SUSPICIOUS = re.compile("user|reader|recipient|member|owner|creator|sender|(^|_)by$|submitter")


@pytest.mark.parametrize("table", schema.METADATA.sorted_tables, ids=lambda table: table.name)
def test_all_columns_that_may_contain_a_readers_id_are_declared(table: sa.Table) -> None:
    undeclared = [
        column.name
        for column in table.c
        if "reader" not in column.info
        and not column.foreign_keys
        and column.name not in NO_READERS
        and (SUSPICIOUS.search(column.name) or _is_discord_id(column))
    ]
    assert undeclared == [], (
        f"Do these columns of {table.name} hold a reader's Discord id? Then declare them in storage/tables.py: with"
        " info=READER_ROWS if the row is the reader's, with info=READER_MENTION if it is another's. Else name them in"
        " NO_READERS here."
    )


def _is_discord_id(column: sa.Column[object]) -> bool:
    return isinstance(column.type, sa.BigInteger) and column.type is not tables.RowId


def test_columns_that_mention_a_reader_are_nullable() -> None:
    assert all(column.nullable for column in accounts.list_reader_columns(tables.READER_MENTION))


async def collect(connection: Connection, user_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return a reader's rows by table, after checking that the tables are sorted by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    async for name, rows in accounts.stream_reader_data(connection, user_id):
        assert name >= max(found, default="")
        found.setdefault(name, []).extend(rows)
    return found


async def test_reader_data_omits_other_readers_and_source_urls(db: Database) -> None:
    await reader_rows.fill_every_table(db, READER)
    async with db.transaction() as connection:
        source = "https://example.org/feed?token=hunter2"
        await connection.execute(tables.subscriptions.update().values(source=source))
        [row] = (await collect(connection, READER))["subscriptions"]
        assert row["created_by"] == str(READER)
        assert "source" not in row
        assert "subscriptions" not in await collect(connection, OTHER)


async def test_deleting_a_reader_clears_every_table_but_keeps_others(db: Database) -> None:
    declared = {
        str(column)
        for declaration in (tables.READER_ROWS, tables.READER_MENTION)
        for column in accounts.list_reader_columns(declaration)
    }
    for user_id in (READER, OTHER):
        await reader_rows.fill_every_table(db, user_id)
    assert await reader_rows.find_columns(db, str(READER)) == declared
    async with db.transaction() as connection:
        before = await collect(connection, OTHER)
        counts = await accounts.count_reader_data(connection, READER)
        await accounts.remove_reader_data(connection, READER)
        assert await collect(connection, READER) == {}
        assert await collect(connection, OTHER) == before
    assert set(counts) == {name.partition(".")[0] for name in declared}
    assert counts["subscriptions"] == 1
    assert await reader_rows.find_columns(db, str(READER)) == set()
    assert await reader_rows.find_columns(db, str(OTHER)) == declared


async def test_reader_data_includes_dependent_rows_and_arxiv_ids(db: Database) -> None:
    await reader_rows.fill_every_table(db, READER)
    async with db.read() as connection:
        found = await collect(connection, READER)
        (arxiv_id,) = (await connection.execute(sa.select(tables.papers.c.key))).scalars()
    assert {"parts", "saved_papers", "matches"} <= set(found)
    assert found["saved_papers"][0]["user_id"] == str(READER)
    assert found["saved_papers"][0]["paper_id"] == arxiv_id
    assert found["matches"][0]["paper_id"] == arxiv_id
