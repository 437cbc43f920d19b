"""Query plans use the indexes of the schema."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from storage import database


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("SELECT * FROM papers WHERE arxiv_id IN ('a')", "papers_1"),
        ("SELECT * FROM entries WHERE paper_id IN (1)", "ix_entries_paper_id"),
        ("SELECT * FROM entries WHERE digest_id = 1 ORDER BY rank", "entries_1"),
        ("SELECT * FROM digests WHERE date_on = '2026-01-01'", "ix_digests_date_on"),
        ("SELECT * FROM paper_authors WHERE author_id = 1", "ix_paper_authors_author_id"),
        ("SELECT * FROM digest_locations WHERE location IN ('a')", "digest_locations_1"),
        ("SELECT 1 FROM alerts WHERE user_id = 1 AND channel_id IS NULL AND key = 'a'", "ix_alerts_user_id"),
        ("SELECT * FROM alerts WHERE channel_id = 1", "ix_alerts_channel_id"),
    ],
)
async def test_queries_use_their_index(sqlite_db: database.Database, statement: str, index: str) -> None:
    async with sqlite_db.read() as connection:
        plan = (await connection.execute(sa.text(f"EXPLAIN QUERY PLAN {statement}"))).all()
    assert any(f"{index} (" in row.detail for row in plan), plan
