"""Every column that holds a reader's id says so, and `remove` leaves no such id in any table, on both engines."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa

from storage import accounts, tables
from storage.database import Connection, Database
from tests.support import reader_rows

pytestmark = pytest.mark.promise

READER, OTHER = 981234567890123456, 987000000000000001
NO_READERS = {
    *("guild_id", "channel_id", "system_channel_id", "dm_channel_id", "message_id", "mention_role_id"),
    *("server_id", "thread_id"),
    *("term", "reserved", "used", "holder", "added_seq", "drawn_until", "changed"),
}
"""Names of columns of 64 bits that hold no reader's id."""
SUSPICIOUS = re.compile("user|reader|recipient|member|owner|creator|sender|(^|_)by$|submitter")


@pytest.mark.parametrize("table", tables.metadata.sorted_tables, ids=lambda table: table.name)
def test_every_column_that_may_hold_a_readers_id_says_whether_it_does(table: sa.Table) -> None:
    undeclared = [
        column.name
        for column in table.c
        if "reader" not in column.info
        and not column.foreign_keys
        and column.name not in NO_READERS
        and (SUSPICIOUS.search(column.name) or _is_discord_id(column))
    ]
    assert undeclared == [], (
        f"`/me forget` must know whether these columns of {table.name} hold a reader's Discord id. If they do, declare"
        " them in storage/tables.py with info=READER_ROWS (the row is the reader's own: it is given by `/me data` and"
        " deleted) or info=READER_MENTION (the row is another's: the id becomes NULL). In a text column the id must be"
        " `user:<id>`. If they do not, add their names to NO_READERS here. Nothing else is to be done."
    )


def _is_discord_id(column: sa.Column[object]) -> bool:
    return isinstance(column.type, sa.BigInteger) and column.type is not tables.RowId


def test_a_mention_of_a_reader_can_be_cleared() -> None:
    assert [
        str(column) for column in accounts.list_reader_columns(tables.READER_MENTION) if not column.nullable
    ] == []


async def collect(connection: Connection, user_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return what is kept about a reader by table, of which each comes once, in the order of their names."""
    found: dict[str, list[dict[str, Any]]] = {}
    async for name, rows in accounts.stream_reader_data(connection, user_id):
        assert name >= max(found, default="")
        found.setdefault(name, []).extend(rows)
    return found


async def test_a_readers_data_have_the_ids_of_nobody_else_and_no_address_of_a_source(db: Database) -> None:
    await reader_rows.fill_every_table(db, READER)
    async with db.transaction() as connection:
        source = "https://example.org/feed?token=hunter2"
        await connection.execute(tables.subscriptions.update().values(source=source))
        [row] = (await collect(connection, READER))["subscriptions"]
        assert row["created_by"] == str(READER)
        assert "source" not in row
        assert "subscriptions" not in await collect(connection, OTHER)


async def test_a_reader_is_removed_from_every_table_and_others_are_not(db: Database) -> None:
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
    # A row that names the reader twice, as who made and who paused a post, is one.
    assert counts["subscriptions"] == 1
    assert await reader_rows.find_columns(db, str(READER)) == set()
    assert await reader_rows.find_columns(db, str(OTHER)) == declared


async def test_what_is_collected_has_the_rows_below_a_readers_own_and_the_papers_arxiv_ids(
    db: Database,
) -> None:
    await reader_rows.fill_every_table(db, READER)
    async with db.read() as connection:
        found = await collect(connection, READER)
        (arxiv_id,) = (await connection.execute(sa.select(tables.papers.c.arxiv_id))).scalars()
    assert {"parts", "saved_papers", "matches"} <= set(found)
    assert found["saved_papers"][0]["user_id"] == str(READER)
    assert found["saved_papers"][0]["paper_id"] == arxiv_id
    assert found["matches"][0]["paper_id"] == arxiv_id
