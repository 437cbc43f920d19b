"""Recomputes the trigger terms of stored alerts when the code that computes them has changed."""

from __future__ import annotations

import asyncio

import structlog

from bot.services.alerts import matcher
from storage import alerts, bulk, key_values
from storage.database import Connection

log = structlog.get_logger(__name__)

VERSION = "2"
"""Raise it when trigger terms change while the analyser's tokens do not."""

ALERT_BATCH_SIZE = 200


async def rebuild_if_outdated(connection: Connection) -> int:
    """Recompute all trigger terms if another version computed them. Returns the number of alerts."""
    version = _version()
    stored_version = await key_values.get(connection, key_values.ALERT_TRIGGER_TERMS_VERSION)
    if stored_version == version:
        return 0
    stored_alerts = await alerts.list_rows(connection)
    for batch in bulk.chunked(stored_alerts, ALERT_BATCH_SIZE):
        terms = {alert.id: matcher.trigger_term(alert.kind, alert.text) for alert in batch}
        await alerts.set_trigger_terms(connection, {id_: term for id_, term in terms.items() if term})
        await asyncio.sleep(0)
    await key_values.set_value(connection, key_values.ALERT_TRIGGER_TERMS_VERSION, version)
    if stored_version is not None:
        log.info("trigger terms of alerts recomputed", alerts=len(stored_alerts), version=version)
    return len(stored_alerts)


def _version() -> str:
    # Imported here because most commands never need it; an ingest has loaded it already.
    from bot.services.search import document_tokens

    return f"{VERSION}/{document_tokens.VERSION}"
