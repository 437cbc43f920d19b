"""Key-value store for state that survives a restart, for example the fingerprint of the registered commands."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database
from storage.tables import meta

ENTRIES_ADDED = "entries:added"
"""Number of ingests that added entries so far (`entries.added_seq`)."""
SCHEMA_HASH = "schema:hash"
"""Hash of the columns that the database was made with (`migrate.hash_schema`)."""
REQUESTED = "requested:"
"""Prefix of services with a request pace; the value is the time (UTC) of the last reserved request."""
WRITTEN_BY = "written-by:"
"""Prefix of the hashes of digests that Paperround wrote; the value is the name of the language model."""

WRITTEN_ON = "writer:written-on"
"""The newest day whose digest the running bot has written, or that has no list."""
WEBHOOK = "webhook:"
"""Prefix of the ids of webhooks that post; the value is the token, a secret."""
PRINTED = "printed:"
"""Prefix of the files of written digests; the value has the hashes of all texts written there, as JSON."""


async def get(connection: AsyncConnection, key: str) -> str | None:
    """Return the value of a key, or None."""
    query = sa.select(meta.c.value).where(meta.c.key == key)
    value: str | None = (await connection.execute(query)).scalar_one_or_none()
    return value


async def list_by_prefix(connection: AsyncConnection, prefix: str) -> dict[str, str]:
    """Return the keys with this prefix, with their values."""
    query = sa.select(meta.c.key, meta.c.value).where(meta.c.key.startswith(prefix, autoescape=True))
    return dict(map(tuple, await connection.execute(query)))


async def increment(connection: AsyncConnection, key: str) -> int:
    """Add one to the number of a key, which starts at 0. Returns the new number."""
    insert = database.dialect_insert(connection, meta).values(key=key, value="1")
    number = sa.cast(sa.cast(meta.c.value, sa.BigInteger) + 1, sa.Text)
    statement = insert.on_conflict_do_update(index_elements=[meta.c.key], set_={"value": number})
    return int((await connection.execute(statement.returning(meta.c.value))).scalar_one())


async def set_value(connection: AsyncConnection, key: str, value: str) -> None:
    """Set the value of a key."""
    await set_values(connection, {key: value})


async def set_values(connection: AsyncConnection, values: Mapping[str, str]) -> None:
    """Set the values of keys."""
    await database.upsert(
        connection, meta, [{"key": key, "value": value} for key, value in values.items()], key=("key",)
    )


async def remove(connection: AsyncConnection, key: str) -> None:
    """Delete a key."""
    await connection.execute(meta.delete().where(meta.c.key == key))
