"""Queries for the planning of daily posts: digests of a date range, and their papers with votes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import digests, entries, papers


@dataclass(frozen=True, slots=True)
class CandidateDigest:
    """A digest that posts can draw from. `ingested_at` is when it was first stored (UTC)."""

    id: int
    date_on: date
    language: str
    ingested_at: datetime


@dataclass(frozen=True, slots=True)
class DigestPaper:
    """A paper of a digest, with its latest votes (None: unknown)."""

    digest_id: int
    date_on: date
    paper_id: int
    arxiv_id: str
    rank: int
    votes: int | None


async def list_digests(connection: AsyncConnection, since_on: date, until_on: date) -> list[CandidateDigest]:
    """Return the digests of these dates, both ends included, oldest first."""
    query = (
        sa.select(digests.c.id, digests.c.date_on, digests.c.language, digests.c.ingested_at)
        .where(digests.c.date_on.between(since_on, until_on))
        .order_by(digests.c.date_on, digests.c.id)
    )
    return [CandidateDigest(*row) for row in await connection.execute(query)]


async def list_papers(connection: AsyncConnection, digest_ids: Iterable[int]) -> list[DigestPaper]:
    """Return the papers of the digests, by digest and rank."""
    listed: list[DigestPaper] = []
    for chunk in bulk.chunked(digest_ids):
        query = (
            sa.select(
                entries.c.digest_id,
                digests.c.date_on,
                papers.c.id,
                papers.c.arxiv_id,
                entries.c.rank,
                papers.c.votes,
            )
            .join(papers, papers.c.id == entries.c.paper_id)
            .join(digests, digests.c.id == entries.c.digest_id)
            .where(entries.c.digest_id.in_(chunk))
            .order_by(entries.c.digest_id, entries.c.rank)
        )
        listed.extend(DigestPaper(*row) for row in await connection.execute(query))
    return listed
