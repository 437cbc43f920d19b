"""The server's shelf: counts of members, without the save of one alone."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.services.shelf import guild_shelf
from storage.database import Database
from storage.shelf import saved_papers, shared_papers
from tests.storage.shelf.test_saved_papers import add_papers

NOW = datetime(2026, 1, 5, tzinfo=UTC)


async def test_papers_are_ordered_by_members_and_the_save_of_one_is_not_shown(sqlite_db: Database) -> None:
    async with sqlite_db.transaction() as connection:
        alone, two, shared, both = await add_papers(connection, ["alone", "two", "shared", "both"])
        for user_id, paper_ids in ((1, [alone, two, both, shared]), (2, [two, both])):
            await saved_papers.save(connection, user_id, paper_ids, NOW, 7)
        await shared_papers.add(connection, 7, 3, shared, NOW)
        await shared_papers.add(connection, 7, 3, both, NOW)
        rows, counts = await guild_shelf.list_rows(connection, 7, NOW)
    assert [row.title for row in rows] == ["both", "two", "shared"]
    assert list(counts.values()) == [(2, 1), (2, 0), (0, 1)]
