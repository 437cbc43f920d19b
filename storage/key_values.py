"""Key-value store for state that survives a restart, for example the fingerprint of the registered commands."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import meta

INDEX_VERSION = "index:version"
"""Version of the analyser that built the search index."""
SHADOW_INDEX_PROGRESS = "index:beside"
"""Progress of building the shadow index, as JSON."""
ALERT_TRIGGER_TERMS_VERSION = "alerts:anchors"
"""Version of the analyser that computed the trigger terms of alerts."""


async def get(connection: AsyncConnection, key: str) -> str | None:
    """Return the value of a key, or None."""
    value: str | None = (
        await connection.execute(sa.select(meta.c.value).where(meta.c.key == key))
    ).scalar_one_or_none()
    return value


async def set_value(connection: AsyncConnection, key: str, value: str) -> None:
    """Set the value of a key."""
    await bulk.upsert(connection, meta, [{"key": key, "value": value}], key=("key",))


async def remove(connection: AsyncConnection, key: str) -> None:
    """Delete a key."""
    await connection.execute(meta.delete().where(meta.c.key == key))
