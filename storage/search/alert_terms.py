"""The index of alerts by their alert terms: an inverted index in which a paper is the query (a percolator)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import alert_terms

_BATCH_SIZE = 100
"""Terms of one query for their alerts, of which each may have thousands."""
_LOOKUP_BATCH_SIZE = 20_000
"""Terms of one query that reads no alert."""


async def add(connection: AsyncConnection, alert_id: int, terms: Collection[str]) -> None:
    """Store the alert terms of a new alert."""
    if connection.dialect.name != "sqlite":
        await bulk.insert_rows(
            connection, alert_terms, ("term", "alert_id"), [(term, alert_id) for term in terms]
        )
        return
    # One hop to the connection's thread.
    statement = "INSERT INTO alert_terms (term, alert_id) SELECT value, ? FROM json_each(?)"
    await bulk.fetch_all(connection, statement, (alert_id, json.dumps(list(terms))))


async def replace_all(connection: AsyncConnection, terms: Mapping[int, Collection[str]]) -> None:
    """Replace the alert terms, by alert id."""
    for chunk in bulk.chunked(terms):
        await connection.execute(alert_terms.delete().where(alert_terms.c.alert_id.in_(chunk)))
    rows = [(term, alert_id) for alert_id, own in terms.items() for term in own]
    # Two processes may recompute the terms of an alert at once.
    await bulk.insert_rows(connection, alert_terms, ("term", "alert_id"), rows, ignore_conflicts=True)


async def list_stored(connection: AsyncConnection, terms: Iterable[str]) -> list[str]:
    """Return those of these terms, which may be a hundred thousand, that an alert has. It reads no alert."""
    return await _list_where(connection, "term = wanted.value", terms)


async def list_beginnings(connection: AsyncConnection, terms: Collection[str]) -> Collection[str]:
    """Return those of these terms with which a term of an alert begins; on PostgreSQL all of them.

    PostgreSQL sorts text by the rules of a language, so its index finds no beginnings.
    """
    if connection.dialect.name != "sqlite":
        return terms
    # The greatest character is behind all that a term may have.
    return await _list_where(connection, "term >= value AND term < value || char(1114111)", terms)


async def _list_where(connection: AsyncConnection, condition: str, terms: Iterable[str]) -> list[str]:
    is_sqlite = connection.dialect.name == "sqlite"
    wanted = "json_each(?) AS wanted" if is_sqlite else "unnest($1::text[]) AS wanted (value)"
    statement = (
        f"SELECT wanted.value FROM {wanted}"  # noqa: S608 - constant texts
        f" WHERE EXISTS (SELECT 1 FROM alert_terms WHERE {condition})"
    )
    found: list[str] = []
    for chunk in bulk.chunked(sorted(terms), _LOOKUP_BATCH_SIZE):
        parameter = json.dumps(chunk, ensure_ascii=False) if is_sqlite else chunk
        found += [value for (value,) in await bulk.fetch_all(connection, statement, (parameter,))]
    return found


async def stream_alerts(
    connection: AsyncConnection, terms: Iterable[str]
) -> AsyncIterator[Iterable[tuple[str, int, int, int | None]]]:
    """Yield rows of alert term, alert id, user id and channel id (None: by DM) of alerts with a term among `terms`.

    `terms` may be tens of thousands, and the alerts any number. The engine's own rows: SQLAlchemy's take five times as long.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    # CROSS JOIN keeps SQLite from reading all alerts.
    wanted = "json_each(?) AS wanted CROSS JOIN" if is_sqlite else "unnest($1::text[]) AS wanted (value) JOIN"
    statement = (
        "SELECT term, alerts.id, user_id, channel_id"  # noqa: S608 - constant texts
        f" FROM {wanted} alert_terms ON term = wanted.value JOIN alerts ON alerts.id = alert_id"
    )
    for chunk in bulk.chunked(sorted(terms), _BATCH_SIZE):
        parameter = json.dumps(chunk, ensure_ascii=False) if is_sqlite else chunk
        rows: Any = await bulk.fetch_all(connection, statement, (parameter,))
        yield rows
