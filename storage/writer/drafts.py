"""Drafts: the state of each summary that a language model writes, and its text.

A draft is identified by its paper, format, language, prompt version, model and input, so that nothing is written twice.
Until the input is read, its hash is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import drafts

_SERIES = ("arxiv_id", "format", "language", "prompt_version", "model")
_KEY = (*_SERIES, "input_hash")


class DraftState(StrEnum):
    """The state of a draft. CHECKED, REFUSED and FAILED are final."""

    PLANNED = "planned"
    READING = "reading"
    WRITING = "writing"
    """Calls may follow: `text` is a JSON list of the answers so far."""
    CHECKED = "checked"
    """`text` has the claims that passed the checks."""
    REFUSED = "refused"
    """There is no text to write from."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Draft:
    """A summary of one paper in one format and language. `basis` is a value of `summary_basis.Basis`.

    `calls` were answered or failed, with `tokens` in total. `problems` are the failed checks, or the reason of a failure.
    """

    arxiv_id: str
    format: models.DigestFormat
    language: models.Locale
    prompt_version: str
    model: str
    updated_at: datetime
    input_hash: str = ""
    state: DraftState = DraftState.PLANNED
    basis: str | None = None
    text: str | None = None
    problems: tuple[str, ...] = ()
    claims_dropped: int = 0
    calls: int = 0
    tokens: int = 0


async def save(connection: AsyncConnection, rows: Sequence[Draft]) -> None:
    """Store drafts. A draft whose input is read replaces the row of its paper that had none."""
    for draft in rows:
        if draft.input_hash:
            await connection.execute(drafts.delete().where(_is_in_series(draft), drafts.c.input_hash == ""))
    await bulk.upsert(connection, drafts, [bulk.record_values(draft) for draft in rows], key=_KEY)


async def find(connection: AsyncConnection, like: Draft, arxiv_ids: Iterable[str]) -> dict[str, Draft]:
    """Return the newest draft of each paper with the format, language, prompt version and model of `like`."""
    found: dict[str, Draft] = {}
    for chunk in bulk.chunked(arxiv_ids):
        query = sa.select(drafts).where(_is_in_series(like, _SERIES[1:]), drafts.c.arxiv_id.in_(chunk))
        # A hash that is known comes last, also if two rows have the same time.
        for row in await connection.execute(query.order_by(drafts.c.updated_at, drafts.c.input_hash)):
            found[row.arxiv_id] = _draft_from_row(row)
    return found


async def list_by_paper(connection: AsyncConnection, arxiv_id: str) -> list[Draft]:
    """Return all drafts of a paper, newest first."""
    query = sa.select(drafts).where(drafts.c.arxiv_id == arxiv_id).order_by(drafts.c.updated_at.desc())
    return [_draft_from_row(row) for row in await connection.execute(query)]


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove at most `limit` drafts last changed before a time (UTC). Returns their number."""
    return await bulk.delete_some(connection, drafts, drafts.c.updated_at < before, limit)


def _is_in_series(draft: Draft, names: Sequence[str] = _SERIES) -> sa.ColumnElement[bool]:
    return sa.and_(*(drafts.c[name] == getattr(draft, name) for name in names))


def _draft_from_row(row: sa.Row[Any]) -> Draft:
    return bulk.build_record(
        Draft,
        row._mapping,
        format=models.DigestFormat(row.format),
        language=models.Locale(row.language),
        state=DraftState(row.state),
        problems=tuple(row.problems),
    )
