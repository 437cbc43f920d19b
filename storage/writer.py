"""The digest writer's data: drafts and the tokens used on each day (UTC).

A draft is identified by its paper, format, language, prompt version, model and input hash, so nothing is
written twice. The hash is empty until the input is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import statements
from storage.models import DigestFormat, Locale
from storage.tables import metadata, required, table_of


class DraftState(StrEnum):
    """The states of a draft. CHECKED, REFUSED and FAILED are final."""

    PLANNED = "planned"
    WRITTEN = "written"
    """`text` contains the model's claims, not yet checked by the judge."""
    CHECKED = "checked"
    """`text` contains the claims that the judge accepted."""
    REFUSED = "refused"
    """Without a source text."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Draft:
    """A summary of one paper in one format and language. `basis` is a value of `summaries.Basis`.

    `calls` counts calls to the model, including failed ones, and `tokens` their tokens. `problems` are the
    dropped claims with reasons, or the failure of the last call.
    """

    paper_key: str
    format: DigestFormat
    language: Locale
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


drafts = table_of(
    Draft,
    "drafts",
    sa.PrimaryKeyConstraint("paper_key", "format", "language", "prompt_version", "model", "input_hash"),
    sa.Index("ix_drafts_updated_at", "updated_at"),
    sqlite_with_rowid=False,
)

published_texts = sa.Table(
    "published_texts",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True, comment="SHA-256 in hex of a written digest's text"),
    sa.Column("place", sa.Text, primary_key=True, comment="the file, or `writer/NAME`"),
    sa.Column("model", sa.Text, comment="the language model that wrote it; NULL: extracts"),
    sqlite_with_rowid=False,
)

token_ledger = sa.Table(
    "token_ledger",
    metadata,
    sa.Column("day_on", sa.Date, primary_key=True, comment="UTC"),
    required("used", sa.BigInteger),
)


_SERIES = ("paper_key", "format", "language", "prompt_version", "model")


async def save_draft(connection: AsyncConnection, draft: Draft) -> None:
    """Store a draft. A draft with an input hash replaces the same draft without a hash."""
    if draft.input_hash:
        await connection.execute(drafts.delete().where(_is_in_series(draft), drafts.c.input_hash == ""))
    await statements.insert_rows(connection, drafts, [statements.record_values(draft, drafts)], "update")


async def find_draft(connection: AsyncConnection, like: Draft, paper_keys: Iterable[str]) -> dict[str, Draft]:
    """Return each paper's newest draft that has the same format, language, prompt version and model as `like`."""
    # If two drafts have the same time, the one with an input hash wins.
    query = sa.select(drafts).where(_is_in_series(like, _SERIES[1:]))
    ordered = query.order_by(drafts.c.updated_at, drafts.c.input_hash)
    found = await statements.fetch_records(connection, Draft, ordered, drafts.c.paper_key, paper_keys)
    return {draft.paper_key: draft for draft in found}


def _is_in_series(draft: Draft, names: Sequence[str] = _SERIES) -> sa.ColumnElement[bool]:
    return sa.and_(*(drafts.c[name] == getattr(draft, name) for name in names))


async def add_published(
    connection: AsyncConnection, place: str, hashes: Iterable[str], model: str | None
) -> None:
    """Record texts that are published at a place (a file, or a name), and the model that wrote them."""
    rows = [{"hash": text_hash, "place": place, "model": model} for text_hash in hashes]
    await statements.insert_rows(connection, published_texts, rows, "update")


async def list_published(connection: AsyncConnection, place: str) -> set[str]:
    query = sa.select(published_texts.c.hash).where(published_texts.c.place == place)
    return set(await connection.scalars(query))


async def add_tokens(connection: AsyncConnection, day: date, tokens: int) -> None:
    """Add a call's tokens to the day's total (UTC)."""
    statement = statements.dialect_insert(connection.dialect, token_ledger).values(day_on=day, used=tokens)
    changes = {"used": token_ledger.c.used + tokens}
    await connection.execute(statement.on_conflict_do_update(index_elements=["day_on"], set_=changes))


async def get_token_totals(connection: AsyncConnection, day: date) -> tuple[int, int]:
    """Return the tokens used on a day and in its month (UTC)."""
    first = day.replace(day=1)
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    query = sa.select(token_ledger.c.day_on, token_ledger.c.used)
    rows = await connection.execute(
        query.where(token_ledger.c.day_on >= first, token_ledger.c.day_on < following)
    )
    totals = {on: int(tokens) for on, tokens in rows}
    return totals.get(day, 0), sum(totals.values())
