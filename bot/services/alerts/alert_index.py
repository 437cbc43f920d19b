"""Keeps the anchors of stored rules those of this version: a rule with a former one might not be found. Matches nothing."""

from __future__ import annotations

import asyncio

import structlog

from bot.services.alerts import matcher
from storage import alerts, key_values
from storage.database import Connection

log = structlog.get_logger(__name__)

VERSION = "2"
"""To be raised when anchors change while the analyser's words do not."""

ALERT_BATCH_SIZE = 200


async def rebuild_if_outdated(connection: Connection) -> int:
    """Make the anchors of all rules anew if another version made them. Returns of how many rules."""
    version = _version()
    former = await key_values.get(connection, key_values.ALERT_ANCHORS_VERSION)
    if former == version:
        return 0
    rules = await alerts.list_rows(connection)
    for start in range(0, len(rules), ALERT_BATCH_SIZE):
        chunk = rules[start : start + ALERT_BATCH_SIZE]
        anchors = {rule.id: matcher.trigger_term(rule.kind, rule.text) for rule in chunk}
        await alerts.set_anchors(connection, {id_: anchor for id_, anchor in anchors.items() if anchor})
        await asyncio.sleep(0)
    await key_values.set_value(connection, key_values.ALERT_ANCHORS_VERSION, version)
    if former is not None:
        log.info("alerts are looked up anew", alerts=len(rules), version=version)
    return len(rules)


def _version() -> str:
    # Whoever stores a digest has loaded this already; most commands never do.
    from bot.services.search import document_tokens

    return f"{VERSION}/{document_tokens.VERSION}"
