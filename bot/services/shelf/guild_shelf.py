"""The papers that members of a server saved or shared: how many members, never who, and no save by one or two alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TypeAlias

from bot.time_slices import TimeSlices
from storage import models, papers
from storage.database import Connection
from storage.shelf import saved_papers, shared_papers

ServerPickRow: TypeAlias = tuple[models.PaperRow, int, int]
"""A paper, and how many members saved and shared it."""

FEWEST_SAVERS = 3
"""Members who must have saved a paper before it counts. To share is public.

Of one, others could tell who it is; of two, each of them could, where a server has two readers.
"""


async def list_rows(
    connection: Connection, guild_id: int, since: datetime
) -> tuple[list[models.PaperRow], dict[str, tuple[int, int]]]:
    """Return the papers that members saved or shared in a server since a time, those of most members first.

    With them how many saved and how many shared each, by arXiv id; 0 savers means fewer than `FEWEST_SAVERS`.
    """
    picked = (await list_top(connection, [guild_id], since)).get(guild_id, ())
    return [row for row, _, _ in picked], {row.arxiv_id: (saved, shared) for row, saved, shared in picked}


async def list_top(
    connection: Connection, guild_ids: Collection[int], since: datetime, limit: int | None = None
) -> dict[int, tuple[ServerPickRow, ...]]:
    """Return for each server the papers of `list_rows`, at most `limit`. Servers without any are left out."""
    saved = await saved_papers.count_savers(connection, guild_ids, since, FEWEST_SAVERS)
    shared = await shared_papers.count_sharers(connection, guild_ids, since)
    paper_ids = {paper_id for counts in (*saved.values(), *shared.values()) for paper_id in counts}
    rows = {row.id: row for row in await papers.list_rows(connection, sorted(paper_ids))}
    top: dict[int, tuple[ServerPickRow, ...]] = {}
    slices = TimeSlices()
    for guild_id in saved.keys() | shared.keys():
        picked = _pick(rows, saved.get(guild_id, {}), shared.get(guild_id, {}))
        if picked:
            top[guild_id] = tuple(picked[:limit])
        await slices.pause()
    return top


def _pick(
    rows: Mapping[int, models.PaperRow], saved: Mapping[int, int], shared: Mapping[int, int]
) -> list[ServerPickRow]:
    """Return the papers of one server with their counts, those of most members first, then of most votes."""
    picked = [
        (rows[paper_id], saved.get(paper_id, 0), shared.get(paper_id, 0))
        for paper_id in saved.keys() | shared.keys()
        if paper_id in rows
    ]
    return sorted(picked, key=lambda pick: (-pick[1] - pick[2], -(pick[0].votes or 0), -pick[0].id))
