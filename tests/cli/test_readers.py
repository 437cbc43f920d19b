"""`paperround readers`, `deliveries` and `saved`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from bot.core.settings import load
from storage import migrate, shelf
from tests.storage.test_saved_papers import add_papers
from tests.support.shell_fixtures import Paperround


def test_what_is_kept_about_a_reader_is_shown_and_removed(paperround: Paperround) -> None:
    for user in ("7", "8"):
        paperround("alerts", "add", "--user", user, "--keyword", "강화 학습")
    found = paperround("readers", "data", "--user", "7", "--json").data
    (alert,) = found["tables"]["alerts"]
    assert "강화 학습" in str(alert["terms"])
    assert "alerts" in paperround("readers", "data", "--user", "7").stdout
    removed = paperround("readers", "forget", "--user", "8").stdout
    assert "deleted rows" in removed.splitlines()[0]
    paperround("alerts", "add", "--user", "8", "--keyword", "강화 학습")
    assert paperround("readers", "forget", "--user", "7", "--json").data["removed"]["alerts"] == 1
    assert "No data is kept" in paperround("readers", "forget", "--user", "7").stdout
    assert [alert["user"] for alert in paperround("alerts", "list", "--json").data] == ["8"]


def test_deliveries_of_an_unknown_state_are_wrong_usage(paperround: Paperround) -> None:
    assert paperround("deliveries", "--json").data == []
    answer = paperround("deliveries", "--state", "lost")
    assert answer.exit_status == 2
    assert "uncertain" in answer.stderr


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
