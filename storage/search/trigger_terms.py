"""The index of alerts by their trigger terms: an inverted index in which a paper is the query (a percolator)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import alert_terms, alerts

_BATCH_SIZE = 250
"""Rows read before the event loop gets control."""


async def replace_all(connection: AsyncConnection, terms: Mapping[int, Collection[str]]) -> None:
    """Replace the trigger terms of alerts, by alert id."""
    for chunk in bulk.chunked(terms):
        await connection.execute(alert_terms.delete().where(alert_terms.c.alert_id.in_(chunk)))
    rows = [(term, alert_id) for alert_id, own in terms.items() for term in own]
    # Two processes may recompute the terms of an alert at once.
    await bulk.insert_rows(connection, alert_terms, ("term", "alert_id"), rows, ignore_conflicts=True)


async def stream_alerts(
    connection: AsyncConnection, terms: Iterable[str]
) -> AsyncIterator[Sequence[sa.Row[str, int, int, int | None]]]:
    """Yield rows of trigger term, alert id, user id and channel id (None: by DM) of alerts with a term among `terms`.

    `terms` may be tens of thousands, and the alerts any number.
    """
    columns = alert_terms.c.term, alerts.c.id, alerts.c.user_id, alerts.c.channel_id
    query = sa.select(*columns).join_from(alert_terms, alerts, alert_terms.c.alert_id == alerts.c.id)
    query = query.where(_in_texts(connection, alert_terms.c.term, terms))
    result = await connection.stream(query.execution_options(yield_per=_BATCH_SIZE))
    async for rows in result.partitions():
        yield rows


def _in_texts(
    connection: AsyncConnection, column: sa.Column[str], texts: Iterable[str]
) -> sa.ColumnElement[bool]:
    """Return the condition that a column is among any number of texts, given as one parameter."""
    if connection.dialect.name == "sqlite":
        values = sa.func.json_each(json.dumps(list(texts))).table_valued("value")
        return column.in_(sa.select(values.c.value))
    return column == sa.any_(sa.literal(list(texts), sa.ARRAY(sa.Text)))
