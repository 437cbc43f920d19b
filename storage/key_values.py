"""A key-value store for state that survives a restart, such as the fingerprint of the registered commands."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import statements
from storage.tables import metadata, required

meta = sa.Table("meta", metadata, sa.Column("key", sa.Text, primary_key=True), required("value", sa.Text))


ENTRIES_ADDED = "entries:added"
"""The number of ingests that have added entries (`entries.added_seq`)."""
SCHEMA = "schema:"
"""Prefix of what describes the database itself, which a copy of its rows omits."""
SCHEMA_VERSION = f"{SCHEMA}version"
"""The version of the schema (`migrations.VERSION`)."""
SCHEMA_HASH = f"{SCHEMA}hash"
"""Before there were numbers: a hash of the database's columns."""
ARXIV_REQUESTED = "requested:arxiv"
"""The time (UTC) of the last request to arXiv that was reserved."""
ASKED_AGAIN = "asked-again:"
"""Before a service: the day (UTC) of the last request about papers that readers keep, and how many there were that day."""
NEWS_OF_THREADS = "news:threads"
"""The id of the last event that threads were notified of."""
WRITTEN_ON = "writer:written-on"
"""The last day for which the running bot wrote a digest, or found no list."""
FAILURES_REPORTED = "failures:told"
"""JSON: by kind of error, when the operator was last notified of it (UTC), and the id of its last error then."""
BACKED_UP = "backed-up"
"""When `paperround backup` last ran, or a backup was restored (UTC), and why it failed, if it did."""
ANNOUNCED = "announced"
"""When a run with a command before sending began to send (UTC). It is removed when that run has sent."""
ZOTERO_PROBLEM = "zotero:problem"
"""JSON: why no paper comes into Zotero (`storage.zotero.ZoteroProblem`)."""
WEBHOOK = "webhook:"
"""Prefix for webhook ids. The value is the token, which is secret."""


async def get(connection: AsyncConnection, key: str) -> str | None:
    query = sa.select(meta.c.value).where(meta.c.key == key)
    return await connection.scalar(query)


async def list_by_prefix(connection: AsyncConnection, prefix: str) -> dict[str, str]:
    query = sa.select(meta.c.key, meta.c.value).where(meta.c.key.startswith(prefix, autoescape=True))
    return dict(map(tuple, await connection.execute(query)))


async def increment(connection: AsyncConnection, key: str) -> int:
    """Add one to a counter, which starts at 0, and return the new value."""
    insert = statements.dialect_insert(connection.dialect, meta).values(key=key, value="1")
    number = sa.cast(sa.cast(meta.c.value, sa.BigInteger) + 1, sa.Text)
    statement = insert.on_conflict_do_update(index_elements=[meta.c.key], set_={"value": number})
    return int(await connection.scalar(statement.returning(meta.c.value)))


async def set_value(connection: AsyncConnection, key: str, value: str) -> None:
    await statements.insert_rows(connection, meta, [{"key": key, "value": value}], "update")


async def remove(connection: AsyncConnection, key: str) -> None:
    await connection.execute(meta.delete().where(meta.c.key == key))
