"""Vectors of papers' summaries, and of the passages of their texts, made by the model of an embeddings server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import statements
from storage.snapshot import Snapshot
from storage.tables import one_of, papers, reference, required, table_of


class VectorKind(StrEnum):
    """The text of a vector: a paper's title and summary (one vector), or the passages of its text."""

    SUMMARY = "summary"
    PASSAGES = "passages"


@dataclass(frozen=True, slots=True)
class Vectors:
    """A paper's vectors as half floats, joined in `data`; b"" if there was no text.

    They are of the texts with this `hash`. Those of a summary follow the paper's changes up to number `changed`.
    """

    paper_id: int
    kind: VectorKind
    model: str
    dimensions: int
    hash: str
    changed: int
    data: bytes


vectors = table_of(
    Vectors,
    "vectors",
    reference("paper_id", "papers.id", primary_key=True),
    sa.Column("kind", one_of(VectorKind), primary_key=True),
    required("changed", sa.BigInteger),
    required("data", sa.LargeBinary),
)


class DuePaper(NamedTuple):
    """A listed paper whose vector is missing, or has not followed the paper's last change."""

    paper_id: int
    changed: int
    hash: str | None
    """The hash of the summary from which its vector was made."""


async def list_due(connection: AsyncConnection, model: str, dimensions: int, *, limit: int) -> list[DuePaper]:
    """Return the next papers whose summary needs a vector, newest first."""
    c = vectors.c
    same = c.paper_id == papers.c.id, c.kind == VectorKind.SUMMARY, of_model(model, dimensions)
    query = (
        sa.select(papers.c.id, papers.c.changed, c.hash)
        .outerjoin(vectors, sa.and_(*same))
        .where(papers.c.last_on.is_not(None), c.changed.is_distinct_from(papers.c.changed))
        .order_by(papers.c.last_on.desc(), papers.c.id.desc())
        .limit(limit)
    )
    return [DuePaper(*row) for row in await connection.execute(query)]


def of_model(model: str, dimensions: int) -> sa.ColumnElement[bool]:
    """Return the SQL condition that vectors are of a model as it is now: a server may serve another one by the same name."""
    return sa.and_(vectors.c.model == model, vectors.c.dimensions == dimensions)


def list_data(
    snapshot: Snapshot, kind: VectorKind, paper_ids: Iterable[int], model: str
) -> dict[int, tuple[str, bytes]]:
    """Return the stored vectors of papers by a model, keyed by paper id, as (hash of the texts, vectors)."""
    statement = "SELECT paper_id, hash, data FROM vectors WHERE %s AND kind = ? AND model = ?"
    rows = snapshot.fetch_in(statement, "paper_id", paper_ids, str(kind), model)
    return {paper_id: (text_hash, data) for paper_id, text_hash, data in rows}


async def put(connection: AsyncConnection, made: Sequence[Vectors]) -> None:
    """Store vectors in place of those that their papers had."""
    rows = [statements.record_values(one, vectors) for one in made]
    await statements.insert_rows(connection, vectors, rows, "update")


async def follow(connection: AsyncConnection, unchanged: Iterable[DuePaper]) -> None:
    """Record that the last changes of papers left their summaries as they were."""
    rows = [
        {"paper_id": paper.paper_id, "kind": VectorKind.SUMMARY, "changed": paper.changed}
        for paper in unchanged
    ]
    await statements.update_rows(connection, vectors, rows, key=("paper_id", "kind"))


async def remove_passages(connection: AsyncConnection, arxiv_ids: Iterable[str]) -> None:
    """Remove the vectors of texts that are replaced or removed."""
    query = sa.select(papers.c.id)
    ids = [id_ for (id_,) in await statements.execute_in(connection, query, papers.c.arxiv_id, arxiv_ids)]
    removal = vectors.delete().where(vectors.c.kind == VectorKind.PASSAGES)
    await statements.execute_in(connection, removal, vectors.c.paper_id, ids)
