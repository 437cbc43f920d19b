"""The last errors of all processes, for the operator. They have no texts of readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import statements
from storage.tables import table_of

MAX_KEPT = 100
"""The number of errors kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error that was logged. `event` is what failed, `command` the slash command, or "".

    Readers see the `reference`. `kind` is the type of the error, "" if unknown; `reason` is why, if the error
    says that to people. `trace` has the places in the code, without messages.
    """

    id: int = 0
    failed_at: datetime
    event: str
    reference: str
    command: str
    kind: str
    reason: str
    trace: str


failures = table_of(Failure, "failures")


async def add(connection: AsyncConnection, new: Sequence[Failure]) -> None:
    """Store errors, and remove all but the last MAX_KEPT."""
    await statements.insert_rows(
        connection, failures, [statements.record_values(failure, failures) for failure in new]
    )
    kept = sa.select(failures.c.id).order_by(failures.c.id.desc()).limit(MAX_KEPT)
    await connection.execute(failures.delete().where(failures.c.id.not_in(kept)))


async def list_rows(connection: AsyncConnection, *, after_id: int = 0) -> list[Failure]:
    """Return the errors stored after another one, oldest first."""
    query = sa.select(failures).where(failures.c.id > after_id).order_by(failures.c.id)
    return await statements.fetch_records(connection, Failure, query)
