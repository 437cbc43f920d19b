"""Single values that must survive a restart, for instance the fingerprint of the commands that Discord knows."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import meta

INDEX_VERSION = "index:version"
"""By which version of the analyser the search index was made."""
SHADOW_INDEX_PROGRESS = "index:beside"
"""How far a new search index is that is being made."""

ALERT_ANCHORS_VERSION = "alerts:anchors"
"""By which version of the analyser the anchors of alerts were made."""


async def get(connection: AsyncConnection, key: str) -> str | None:
    """Return a value, or None."""
    value: str | None = (
        await connection.execute(sa.select(meta.c.value).where(meta.c.key == key))
    ).scalar_one_or_none()
    return value


async def set_value(connection: AsyncConnection, key: str, value: str) -> None:
    """Store a value in place of the former one."""
    await bulk.upsert(connection, meta, [{"key": key, "value": value}], key=("key",))


async def remove(connection: AsyncConnection, key: str) -> None:
    """Forget a value."""
    await connection.execute(meta.delete().where(meta.c.key == key))
