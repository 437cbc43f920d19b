"""Insert a reader's row into every table, and find the columns that contain a text."""

import itertools
from datetime import UTC, date, datetime
from enum import EnumType
from typing import Any

import sqlalchemy as sa

from storage import schema, tables
from storage.database import Database

NOW = datetime(2026, 1, 5, tzinfo=UTC)
_numbers = itertools.count(1000)
_TEXTS = {"state": "paused", "kind": "keyword"}
"""Column values from which records can be built."""
_STORED: dict[str, Any] = {"days": (1, 2, 3), "papers": ()}


async def fill_every_table(database: Database, user_id: int, guild_id: int | None = None) -> None:
    """Insert a row into every table.

    Columns declared as a reader's get the id, server columns get `guild_id` if given, and others are NULL
    where possible.
    """
    filled: dict[sa.Table, Any] = {}
    async with database.transaction() as connection:
        for table in schema.METADATA.sorted_tables:
            columns = [column for column in table.c if not isinstance(column.identity, sa.Identity)]
            values = {column.name: _value(column, user_id, filled) for column in columns}
            if guild_id is not None and "guild_id" in values:
                values["guild_id"] = guild_id
            statement = table.insert().values(values).returning(*table.c)
            filled[table] = (await connection.execute(statement)).one()._mapping


def _value(column: sa.Column[Any], user_id: int, filled: dict[sa.Table, Any]) -> Any:
    number = next(_numbers)
    if "reader" in column.info:
        return f"user:{user_id}" if isinstance(column.type, sa.Text) else user_id
    if column.foreign_keys:
        (key,) = column.foreign_keys
        return filled[key.column.table][key.column.name]
    if column.nullable:
        return None
    if isinstance(column.type, sa.LargeBinary):
        return b"1"
    if column.type is tables.UtcTime:
        return NOW
    if isinstance(column.type, tables.Stored):
        if isinstance(members := column.type.load, EnumType):
            values_of_enum: list[Any] = list(members)
            wanted = _TEXTS.get(column.name)
            return wanted if wanted in values_of_enum else values_of_enum[0]
        return _STORED.get(column.name, ())
    values: dict[type[Any], Any] = {
        str: _TEXTS.get(column.name, f"t{number}"),
        int: number,
        float: 0.5,
        bool: False,
        date: date.fromordinal(700_000 + number),
        dict: [],
    }
    return [] if isinstance(column.type, sa.JSON) else values[column.type.python_type]


async def find_columns(database: Database, text: str) -> set[str]:
    """Return the columns (`table.column`) that contain a text in any row, including numbers and bytes."""
    found = set()
    async with database.read() as connection:
        for name in await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()):
            for row in (await connection.execute(sa.text(f'SELECT * FROM "{name}"'))).mappings():
                for column, value in row.items():
                    shown = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    found |= {f"{name}.{column}"} if text in shown else set()
    return found
