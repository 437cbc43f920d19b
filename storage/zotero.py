"""Which papers of a server's list have come into its library of Zotero."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import key_values, statements
from storage.shelf import saved_papers
from storage.tables import SERVER_ROWS, UtcTime, metadata, papers, reference, required

zotero_items = sa.Table(
    "zotero_items",
    metadata,
    sa.Column("server_id", sa.BigInteger, primary_key=True, autoincrement=False, info=SERVER_ROWS),
    sa.Column("library", sa.Text, primary_key=True),
    reference("paper_id", "papers.id", primary_key=True, index=True),
    required("tried_at", UtcTime),
    # Why it was refused. NULL: it is there. "": tries have failed temporarily, the first at `tried_at`.
    sa.Column("reason", sa.Text),
)

RETRY_AFTER = timedelta(days=1)
"""The time after which a refused paper is tried again, and after which what might have passed is reported."""


AWAY = 503
"""The code of the problem that Zotero cannot be reached, or that all its requests fail."""


class ZoteroProblem(NamedTuple):
    """Why no paper of a server's list comes into the library: Zotero's status, and a sentence for the operator.

    The status is 0 if the server of the settings is wrong. It is reported from `report_at` on (UTC, ISO 8601; "": at once).
    """

    server_id: int
    code: int
    reason: str
    report_at: str = ""


class Trouble(NamedTuple):
    """The papers that do not come into Zotero, and the keys of papers that it refused lately, each with the reason."""

    problem: ZoteroProblem | None
    refused: Sequence[tuple[str, str]]


async def list_waiting(
    connection: AsyncConnection, server_id: int, library: str, now: datetime, limit: int
) -> list[int]:
    """Return papers of a server's list that are to be written at `now` (UTC), those never tried first, the first added first.

    A paper waits for its title; after a day it is tried, so that the failure is reported.
    """
    item, saved = zotero_items.c, saved_papers.c
    is_item = sa.and_(item.server_id == server_id, item.library == library, item.paper_id == saved.paper_id)
    is_due = sa.or_(item.paper_id.is_(None), item.reason == "", item.tried_at <= now - RETRY_AFTER)
    is_out = sa.or_(item.paper_id.is_(None), item.reason.is_not(None))
    is_ready = sa.or_(papers.c.title.is_not(None), saved.saved_at <= now - RETRY_AFTER)
    query = sa.select(saved.paper_id).join(papers, papers.c.id == saved.paper_id)
    query = query.outerjoin(zotero_items, is_item).where(saved.user_id == server_id, is_due, is_out, is_ready)
    order = item.tried_at.nulls_first(), saved.saved_at, saved.paper_id
    return list(await connection.scalars(query.order_by(*order).limit(limit)))


async def record(
    connection: AsyncConnection,
    server_id: int,
    library: str,
    paper_id: int,
    tried_at: datetime,
    reason: str | None,
    may_pass: bool = False,
) -> None:
    """Store that a paper is in the library, or why not: for a reason that may pass only after a day of such failures."""
    row = {"server_id": server_id, "library": library, "paper_id": paper_id}
    if may_pass:
        is_row = statements.equalities(zotero_items, row)
        began_at = await connection.scalar(sa.select(zotero_items.c.tried_at).where(*is_row))
        if began_at is not None and began_at > tried_at - RETRY_AFTER:
            return
        reason = "" if began_at is None else reason
    await statements.insert_rows(
        connection, zotero_items, [{**row, "tried_at": tried_at, "reason": reason}], "update"
    )


async def find_trouble(connection: AsyncConnection, now: datetime, server_id: int | None = None) -> Trouble:
    """Return what does not come into Zotero, of all servers' lists or of one."""
    problem, item, saved = await get_problem(connection), zotero_items.c, saved_papers.c
    if problem is not None and (
        server_id not in (None, problem.server_id) or problem.report_at > now.isoformat()
    ):
        problem = None
    query = sa.select(papers.c.key, item.reason).join(papers, papers.c.id == item.paper_id)
    is_listed = sa.exists().where(saved.user_id == item.server_id, saved.paper_id == item.paper_id)
    # One that is not tried any more, since the settings changed, is not reported.
    query = query.where(item.reason != "", item.tried_at > now - 2 * RETRY_AFTER, is_listed)
    query = query.where(*statements.equalities(zotero_items, {"server_id": server_id}))
    refused = await connection.execute(query.order_by(item.paper_id))
    return Trouble(problem, [(row.key, row.reason) for row in refused])


async def set_problem(connection: AsyncConnection, problem: ZoteroProblem | None) -> None:
    """Store why nothing comes into the library, or that it does again."""
    if problem is None:
        await key_values.remove(connection, key_values.ZOTERO_PROBLEM)
    else:
        await key_values.set_value(connection, key_values.ZOTERO_PROBLEM, json.dumps(problem))


async def get_problem(connection: AsyncConnection) -> ZoteroProblem | None:
    stored = await key_values.get(connection, key_values.ZOTERO_PROBLEM)
    return None if stored is None else ZoteroProblem(*json.loads(stored))
