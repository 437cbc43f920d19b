"""Recomputes the trigger terms of stored alerts when the code that computes them has changed."""

from __future__ import annotations

import structlog

from bot.services.alerts import matcher
from bot.time_slices import TimeSlices
from storage import alerts, key_values
from storage.database import Database

log = structlog.get_logger(__name__)

VERSION = "3"
"""Raise it when trigger terms change while the analyser's tokens do not."""

ALERT_BATCH_SIZE = 200


async def rebuild_if_outdated(database: Database) -> int:
    """Recompute all trigger terms if another version computed them, in batches. Returns the number of alerts.

    An interrupted run is repeated from the start: the version is stored last.
    """
    version = _version()
    async with database.read() as connection:
        stored_version = await key_values.get(connection, key_values.ALERT_TRIGGER_TERMS_VERSION)
    if stored_version == version:
        return 0
    count = after_id = 0
    slices = TimeSlices()
    while True:
        async with database.read() as connection:
            batch = await alerts.list_after(connection, after_id, limit=ALERT_BATCH_SIZE)
        if not batch:
            break
        terms: dict[int, set[str]] = {}
        for alert in batch:
            terms[alert.id] = matcher.trigger_terms(alert)
            await slices.pause()
        async with database.transaction() as connection:
            await alerts.set_trigger_terms(connection, terms)
        count, after_id = count + len(batch), batch[-1].id
    async with database.transaction() as connection:
        await key_values.set_value(connection, key_values.ALERT_TRIGGER_TERMS_VERSION, version)
    if stored_version is not None:
        log.info("trigger terms of alerts recomputed", alerts=count, version=version)
    return count


def _version() -> str:
    # Imported here because most commands never need it; an ingest has loaded it already.
    from bot.services.indexing import document_tokens

    return f"{VERSION}/{document_tokens.VERSION}"
