"""What the members of a server saved or shared: how many, never who, and never the save of one member alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from storage import models, papers
from storage.database import Connection
from storage.shelf import saved_papers, shared_papers

FEWEST_SAVERS = 2
"""Members who must have saved a paper before it counts: of one, others could tell who it is. To share is public."""


async def list_rows(
    connection: Connection, guild_id: int, since: datetime
) -> tuple[list[models.PaperRow], dict[str, tuple[int, int]]]:
    """Return the papers that members saved or shared in a server since a time, those of most members first.

    With them how many saved and how many shared each, by arXiv id; 0 savers means fewer than `FEWEST_SAVERS`.
    """
    saved = await saved_papers.count_savers(connection, guild_id, since)
    shared = await shared_papers.count_sharers(connection, guild_id, since)
    counts = _count_members(saved, shared)
    rows = await papers.list_rows(connection, list(counts))
    rows.sort(key=lambda row: (-sum(counts[row.id]), -(row.votes or 0), -row.id))
    return rows, {row.arxiv_id: counts[row.id] for row in rows}


def _count_members(saved: Mapping[int, int], shared: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    counted: Collection[int] = {paper_id for paper_id, count in saved.items() if count >= FEWEST_SAVERS}
    return {
        paper_id: (saved[paper_id] if paper_id in counted else 0, shared.get(paper_id, 0))
        for paper_id in counted | shared.keys()
    }
