"""Keeps the anchors of stored rules those of this version: a rule with a former one might not be found. Matches nothing."""

from __future__ import annotations

import asyncio

import structlog

from bot.services import matching
from storage import alerts, meta
from storage.database import Connection

log = structlog.get_logger(__name__)

VERSION = "2"
"""To be raised when anchors change while the analyser's words do not."""

RULES_AT_ONCE = 200


async def renew(connection: Connection) -> int:
    """Make the anchors of all rules anew if another version made them. Returns of how many rules."""
    version = _version()
    former = await meta.get(connection, meta.ALERT_ANCHORS)
    if former == version:
        return 0
    rules = await alerts.list_rows(connection)
    for start in range(0, len(rules), RULES_AT_ONCE):
        chunk = rules[start : start + RULES_AT_ONCE]
        anchors = {rule.id: matching.anchor(rule.kind, rule.text) for rule in chunk}
        await alerts.set_anchors(connection, {id_: anchor for id_, anchor in anchors.items() if anchor})
        await asyncio.sleep(0)
    await meta.set_value(connection, meta.ALERT_ANCHORS, version)
    if former is not None:
        log.info("alerts are looked up anew", alerts=len(rules), version=version)
    return len(rules)


def _version() -> str:
    # Whoever stores a digest has loaded this already; most commands never do.
    from bot.services import index_tokens

    return f"{VERSION}/{index_tokens.VERSION}"
