"""Settings of readers and servers, and the export and deletion of a reader's data."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypedDict, TypeVar, Unpack

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import locks, outbox, statements
from storage.models import Guild, Locale, Reader
from storage.tables import (
    OPERATORS,
    READER_MENTION,
    READER_ROWS,
    SERVER_ROWS,
    Stored,
    UtcTime,
    deliveries,
    guilds,
    metadata,
    papers,
    readers,
    required,
    subscriptions,
)

button_texts = sa.Table(
    "button_texts",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    required("text", sa.Text),
    required("saved_at", UtcTime, index=True),
    sa.Index("ix_button_texts_user_id_saved_at", "user_id", "saved_at"),
)


Record = TypeVar("Record", Reader, Guild)


async def get_reader(connection: AsyncConnection, user_id: int) -> Reader | None:
    return (await list_readers_by_id(connection, [user_id])).get(user_id)


async def list_readers_by_id(connection: AsyncConnection, user_ids: Iterable[int]) -> dict[int, Reader]:
    """Return readers' settings, keyed by id. Readers without stored settings are omitted."""
    return await _list_by_id(connection, Reader, readers.c.user_id, user_ids)


class ReaderSettings(TypedDict, total=False):
    """A reader's settings to store. None leaves a stored setting unchanged."""

    locale: Locale | None
    timezone: str | None
    dm_channel_id: int | None


async def upsert_reader(
    connection: AsyncConnection, user_id: int, **settings: Unpack[ReaderSettings]
) -> None:
    row = {"user_id": user_id, **_known_values(settings)}
    await statements.insert_rows(connection, readers, [row], "update")


async def clear_dm_channel(connection: AsyncConnection, user_id: int) -> None:
    """Clear a reader's DM channel, so that the next message opens it again."""
    await connection.execute(readers.update().where(readers.c.user_id == user_id).values(dm_channel_id=None))


async def add_text(
    connection: AsyncConnection, user_id: int, token: str, text: str, now: datetime, share: int
) -> None:
    """Store the text that a reader's button stands for. If the reader has more than `share` texts, the oldest are deleted."""
    row = {"token": token, "user_id": user_id, "text": text, "saved_at": now}
    await statements.insert_rows(connection, button_texts, [row], "update")
    own = button_texts.c.user_id == user_id
    newest = sa.select(button_texts.c.token).where(own).order_by(button_texts.c.saved_at.desc()).limit(share)
    await connection.execute(button_texts.delete().where(own, button_texts.c.token.not_in(newest)))


async def get_text(connection: AsyncConnection, token: str) -> str | None:
    """Return the text stored under a token, whichever reader stored it, or None if it was deleted."""
    query = sa.select(button_texts.c.text).where(button_texts.c.token == token).limit(1)
    return await connection.scalar(query)


async def get_guild(connection: AsyncConnection, guild_id: int) -> Guild | None:
    return (await list_guilds_by_id(connection, [guild_id])).get(guild_id)


async def list_present_guilds(connection: AsyncConnection, *, named: bool = False) -> list[int]:
    """Return the servers that the bot is in, or those of them whose name is stored."""
    is_present = guilds.c.left_at.is_(None), *([guilds.c.name.is_not(None)] if named else ())
    query = sa.select(guilds.c.guild_id).where(*is_present).order_by(guilds.c.guild_id)
    return list(await connection.scalars(query))


async def list_guilds_by_id(connection: AsyncConnection, guild_ids: Iterable[int]) -> dict[int, Guild]:
    return await _list_by_id(connection, Guild, guilds.c.guild_id, guild_ids)


class GuildSettings(TypedDict, total=False):
    """Fields of a server to store. None leaves a stored value unchanged."""

    locale: Locale | None
    system_channel_id: int | None
    answers_mentions: bool
    name: str


async def upsert_guilds(connection: AsyncConnection, by_id: Mapping[int, GuildSettings]) -> None:
    """Store the given fields of servers that the bot is in."""
    same_columns: dict[frozenset[str], list[dict[str, Any]]] = {}
    for guild_id, settings in by_id.items():
        known = _known_values(settings)
        row = {"guild_id": guild_id, "left_at": None, **known}
        same_columns.setdefault(frozenset(known), []).append(row)
    for rows in same_columns.values():
        await statements.insert_rows(connection, guilds, rows, "update")


async def mark_guild_left(connection: AsyncConnection, guild_ids: Sequence[int], now: datetime) -> None:
    """Record that the bot was removed from these servers at `now` (UTC)."""
    await connection.execute(
        guilds.update()
        .where(guilds.c.guild_id.in_(guild_ids), guilds.c.left_at.is_(None))
        .values(left_at=now)
    )


async def list_left_guilds(connection: AsyncConnection, before: datetime) -> list[int]:
    query = sa.select(guilds.c.guild_id).where(guilds.c.left_at < before).order_by(guilds.c.guild_id)
    return list(await connection.scalars(query))


async def _list_by_id(
    connection: AsyncConnection, record_type: type[Record], key: sa.Column[int], ids: Iterable[int]
) -> dict[int, Record]:
    rows = await statements.fetch_records(connection, record_type, sa.select(key.table), key, ids)
    return {getattr(row, key.name): row for row in rows}


def _known_values(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


# Export and deletion of a reader's data: the only code that deletes from other modules' tables. It reads the
# declarations in `storage.tables` (`READER_ROWS`, `READER_MENTION`), so a new table only declares its column.

READER_LOCK = 0x414C5254
"""First key of the PostgreSQL advisory lock on a reader's data; the second key is the user id."""
_BATCH_SIZE = 250
"""Rows converted before other tasks can run."""


async def lock_reader(connection: AsyncConnection, user_id: int) -> None:
    """Serialise the transactions that add or delete a reader's rows, or those of a server's list.

    Otherwise two presses at once could create equal alerts, and a deletion could miss uncommitted rows.
    """
    await locks.lock_transaction(connection, READER_LOCK, user_id % 2**31)


def list_reader_columns(declaration: Mapping[str, str]) -> list[sa.Column[Any]]:
    """Return the columns declared in this way. Deliveries come first, as a sender may be changing one."""
    found = [
        column
        for table in reversed(metadata.sorted_tables)
        for column in table.c
        if column.info.get("reader") == declaration["reader"]
    ]
    return sorted(found, key=lambda column: column.table is not deliveries)


async def remove_server_rows(connection: AsyncConnection, guild_id: int) -> int:
    """Delete a server's rows from all tables that have a `SERVER_ROWS` column. Returns the number of rows."""
    removed = 0
    posting = sa.select(subscriptions.c.id).where(subscriptions.c.guild_id == guild_id)
    await connection.execute(posting.order_by(subscriptions.c.id).with_for_update())
    await outbox.lock(connection, sa.select(deliveries.c.id).where(deliveries.c.guild_id == guild_id))
    for table in reversed(metadata.sorted_tables):
        for column in table.c:
            if column.info.items() >= SERVER_ROWS.items():
                removed += (await connection.execute(table.delete().where(column == guild_id))).rowcount
    return removed


def names_reader(column: sa.Column[Any], user_id: int) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the column contains the reader's id, as a number or as `user:<id>`."""
    is_text = isinstance(column.type, sa.Text)
    return column == (f"user:{user_id}" if is_text else user_id)


async def stream_reader_data(
    connection: AsyncConnection, user_id: int
) -> AsyncGenerator[tuple[str, list[dict[str, Any]]], None]:
    """Yield all rows about a reader as JSON values, in batches per table, sorted by table name.

    Discord ids become strings, and paper ids become keys. `OPERATORS` columns are left out.
    """
    conditions = [*_conditions(user_id).items()]
    for column in list_reader_columns(READER_ROWS):
        for reference in _list_references(column.table):
            owner_keys = sa.select(*column.table.primary_key.columns).where(names_reader(column, user_id))
            conditions.append((reference.table, reference.in_(owner_keys)))
    for table, condition in sorted(conditions, key=lambda item: item[0].name):
        exported = [column for column in table.c if column.info != OPERATORS]
        # JSON columns keep their stored form.
        columns = [
            sa.type_coerce(column, column.type.stored_as).label(column.name)
            if isinstance(column.type, Stored)
            else column
            for column in exported
        ]
        query = sa.select(*columns).where(condition).order_by(*table.primary_key.columns)
        result = await connection.stream(query.execution_options(yield_per=_BATCH_SIZE))
        async for partition in result.partitions():
            rows = [
                {
                    _name_field(column, value, user_id): _to_json(column, value)
                    for column, value in zip(exported, row, strict=True)
                    # Another user's id on a post is not this reader's data.
                    if column.info != READER_MENTION or value in (user_id, f"user:{user_id}")
                }
                for row in partition
            ]
            await _name_papers(connection, table, rows)
            yield table.name, rows


async def count_reader_data(connection: AsyncConnection, user_id: int) -> dict[str, int]:
    """Return how many rows `remove_reader_data` would delete or change in each table."""
    counts: dict[str, int] = {}
    for table, condition in _conditions(user_id).items():
        query = sa.select(sa.func.count()).where(condition).select_from(table)
        counts[table.name] = await connection.scalar(query) or 0
    return {name: number for name, number in sorted(counts.items()) if number}


async def remove_reader_data(connection: AsyncConnection, user_id: int) -> set[int]:
    """Delete a reader's rows and their dependent rows, and clear the reader's id in other rows.

    Returns the ids of the papers in the deleted rows.
    """
    paper_ids: set[int] = set()
    own = [column for column in _list_all_columns() if column.table is deliveries]
    of_reader = sa.or_(*(names_reader(column, user_id) for column in own))
    await outbox.lock(connection, sa.select(deliveries.c.id).where(of_reader))
    for column in list_reader_columns(READER_ROWS):
        delete = column.table.delete().where(names_reader(column, user_id))
        if "paper_id" in column.table.c:
            named = await connection.execute(delete.returning(column.table.c.paper_id))
            paper_ids.update(named.scalars())
        else:
            await connection.execute(delete)
    for column in list_reader_columns(READER_MENTION):
        statement = column.table.update().where(names_reader(column, user_id))
        await connection.execute(statement.values({column.name: None}))
    return paper_ids


def _list_all_columns() -> list[sa.Column[Any]]:
    return [*list_reader_columns(READER_ROWS), *list_reader_columns(READER_MENTION)]


def _conditions(user_id: int) -> dict[sa.Table, sa.ColumnElement[bool]]:
    conditions: dict[sa.Table, sa.ColumnElement[bool]] = {}
    for column in _list_all_columns():
        names = names_reader(column, user_id)
        conditions[column.table] = (
            sa.or_(conditions[column.table], names) if column.table in conditions else names
        )
    return conditions


def _list_references(table: sa.Table) -> Iterator[sa.Column[Any]]:
    """Yield the foreign keys of tables whose rows are deleted together with rows of `table`."""
    for other in metadata.sorted_tables:
        if any(column.info.items() >= READER_ROWS.items() for column in other.c):
            continue
        for key in other.foreign_keys:
            if key.column.table is table and key.ondelete == "CASCADE":
                yield other.c[key.parent.name]


def _name_field(column: sa.Column[Any], value: Any, user_id: int) -> str:
    """Return a column's name. Whose row it is may be a server instead of the reader."""
    is_of_server = column.info == {**READER_ROWS, **SERVER_ROWS} and value != user_id
    return "list_of_server" if is_of_server else column.name


def _to_json(column: sa.Column[Any], value: Any) -> Any:
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    is_discord_id = isinstance(column.type, sa.BigInteger) and not column.foreign_keys and column.name != "id"
    return str(value) if is_discord_id and value is not None else value


async def _name_papers(connection: AsyncConnection, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    """Replace paper ids, which mean nothing outside this database, with keys."""
    names = [
        column.name for column in table.c if any(key.column is papers.c.id for key in column.foreign_keys)
    ]
    ids = {row[name] for row in rows for name in names if row[name]}
    query = sa.select(papers.c.id, papers.c.key)
    paper_keys = dict(map(tuple, await statements.execute_in(connection, query, papers.c.id, ids)))
    for row in rows:
        row |= {name: paper_keys.get(row[name], row[name]) for name in names}
