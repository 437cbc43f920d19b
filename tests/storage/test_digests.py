"""Digest rows."""

from __future__ import annotations

from storage import archive, database, models
from tests.support.paper_records import NOW, add_digest, add_papers, merged_paper


async def test_a_digest_keeps_its_text_and_problems(db: database.Database) -> None:
    digest_id = await add_digest(db, await add_papers(db, merged_paper(1)))
    async with db.read() as connection:
        stored = await archive.get(connection, digest_id)
        assert await archive.get_text(connection, digest_id) == "text h"
        assert await archive.get_last_updated_at(connection) == NOW
    assert stored is not None
    assert (stored.problems, stored.revision, stored.language) == ((models.Problem(3, "odd"),), 1, "ko")
