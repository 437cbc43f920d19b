"""Rows of the search index for tests of storage."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.search import index as indexing
from bot.search import scoring
from storage import search, search_index, snapshot
from storage.search import BooleanQuery
from storage.tables import papers

DAY = date(2025, 1, 1)


def popularity(votes: int | None, on: date) -> float:
    """Return the popularity by which the indexer orders papers."""
    return scoring.hot_score(votes, on, indexing.POPULARITY_EPOCH)


def paper_row(paper_id: int, last_on: date = DAY, **fields: Any) -> dict[str, Any]:
    """Return a row of a listed paper without texts, for an insert."""
    required = {"keywords": (), "categories": (), "authors": (), "authors_truncated": False, "first_on": DAY}
    named = {"arxiv_id": f"2501.{paper_id:05}", "url": "https://arxiv.org/abs/2501.00001"}
    return {"id": paper_id, **named, **required, "last_on": last_on, **fields}


async def add_papers(
    connection: AsyncConnection, *rows: tuple[int, int | None, str, str]
) -> dict[int, search.IndexRow]:
    """Index papers given as (id, votes, title tokens, body tokens), dated in order of their ids; return the rows by id."""
    dates = {paper_id: DAY + timedelta(days=paper_id) for paper_id, *_ in rows}
    await connection.execute(papers.insert(), [paper_row(paper_id, on) for paper_id, on in dates.items()])
    positions = await search_index.assign_positions(
        connection, {paper_id: popularity(votes, dates[paper_id]) for paper_id, votes, *_ in rows}
    )
    indexed = {
        paper_id: search.IndexRow(
            positions[paper_id],
            paper_id,
            search.DocumentTexts(title, body, (body,)),
            votes,
            dates[paper_id],
            tokens=f"{title} {body}",
            title_tokens=title,
        )
        for paper_id, votes, title, body in rows
    }
    await search_index.add(connection, list(indexed.values()))
    return indexed


async def find(
    connection: AsyncConnection, query: BooleanQuery, table: str = search.WORDS_TABLE, **filters: object
) -> list[int]:
    """Return the ids of the first ten matching papers, in order."""
    (positions,) = await snapshot.read(
        connection,
        search.list_positions,
        [(query, 10)],
        search.Filters(**filters),  # type: ignore[arg-type]
        table,
    )
    rows = await snapshot.read(connection, search.list_by_positions, positions)
    paper_ids = {row.position: row.paper_id for row in rows}
    return [paper_ids[position] for position in positions]
