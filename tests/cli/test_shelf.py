"""`paperround saved`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from bot.core.settings import load
from storage import migrate, shelf
from tests.storage.test_saved_papers import add_papers
from tests.support.shell_fixtures import Paperround


async def _save() -> None:
    database = await migrate.open_database(load().database_url)
    async with database.transaction() as connection:
        first, second = await add_papers(connection, ["첫 논문", "Second"])
        await shelf.save(connection, 7, [first, second], datetime(2026, 1, 1, tzinfo=UTC), None)
        await shelf.update(connection, 7, first, note="메모", tags=" rl ")
    await database.close()


def test_saved_papers_are_listed_and_written_as_a_file(paperround: Paperround) -> None:
    asyncio.run(_save())
    rows = paperround("saved", "--user", "7", "--json").data
    assert [(row["arxiv_id"], row["tags"], row["note"]) for row in rows] == [
        ("2501.00002", [], ""),
        ("2501.00001", ["rl"], "메모"),
    ]
    assert "첫 논문" in paperround("saved", "--user", "7", "--tag", "#rl").stdout
    assert "No saved papers" in paperround("saved", "--user", "7", "--search", "nothing").stdout
    written = paperround("saved", "--user", "7", "--format", "bibtex", "--search", "메모").stdout
    assert written.startswith("@misc{lovelace2025,\n")
    assert written.count("@misc") == 1
    assert paperround("saved", "--user", "7", "--format", "pdf").exit_status == 2
