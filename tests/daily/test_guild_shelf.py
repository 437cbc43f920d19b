"""The server's shelf: counts of members, without the saves of one or two alone."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.daily import choice
from storage import shelf
from storage.database import Database
from tests.storage.test_saved_papers import add_papers

NOW = datetime(2026, 1, 5, tzinfo=UTC)


async def test_papers_are_ordered_by_members_and_the_saves_of_one_or_two_are_not_shown(
    sqlite_db: Database,
) -> None:
    async with sqlite_db.transaction() as connection:
        titles = ("alone", "two", "three", "shared", "both", None)
        alone, two, three, shared, both, unlisted = await add_papers(connection, titles)
        for user_id, paper_ids in (
            (1, [alone, two, three, both, shared, unlisted]),
            (2, [two, three, both, shared, unlisted]),
            (3, [three, both, unlisted]),
        ):
            await shelf.save(connection, user_id, paper_ids, NOW, 7)
        await shelf.add_shared(connection, 7, 3, shared, NOW)
        await shelf.add_shared(connection, 7, 3, both, NOW)
        await shelf.add_shared(connection, 8, 3, two, NOW)
        top = await choice.list_top(connection, [7, 8, 9], NOW)
        assert await choice.list_top(connection, [7], NOW, 2) == {7: top[7][:2]}
    assert {guild_id: [(row.title, *pair) for row, *pair in picked] for guild_id, picked in top.items()} == {
        7: [("both", 3, 1), ("three", 3, 0), ("shared", 0, 1)],
        8: [("two", 0, 1)],
    }
