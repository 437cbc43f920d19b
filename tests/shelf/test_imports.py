"""Imported files: what is saved, what not, and what others see of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.shelf import imports
from bot.shelf import service as shelf_service
from bot.shelf.imports import ReferenceImporter
from storage import shelf
from storage.database import Database
from tests.storage.test_saved_papers import add_papers

pytestmark = pytest.mark.engines("sqlite", "postgresql")


NOW = datetime(2026, 1, 5, tzinfo=UTC)


def entry(arxiv_id: str, extra: str = "") -> str:
    return (
        f"@misc{{k, title={{Title of {arxiv_id}}}, author={{Ada Lovelace}}, eprint={{{arxiv_id}}}{extra}}}\n"
    )


async def test_a_file_is_saved_in_its_order_and_the_counts_tell_of_each_reference(db: Database) -> None:
    importer = ReferenceImporter(db, lambda: NOW)
    async with db.transaction() as connection:
        _, known = await add_papers(connection, ["Listed", "Known"])
        await shelf.save(connection, 7, [known], NOW, None)
    text = (
        entry("2501.00001", ", keywords={RL, to read}, annote={mine}")
        + entry("2501.00002")
        + entry("2401.99999")
        + entry("2401.99999v2")
        + entry("2603.00001")
        + entry("0612.00001")
        + entry("10.1000/5")
        + "@misc{broken, title={A} eprint={2401.00003}}\n"
    )
    counts, problems = await importer.import_file(7, text.encode())
    assert counts == {"saved": 2, "unlisted": 1, "known": 2, "without_id": 3, "left_out": 1}
    assert problems == ["8"]
    async with db.read() as connection:
        rows, _ = await shelf.list_rows(connection, 7)
    assert [row.arxiv_id for row in rows] == ["2501.00002", "2501.00001", "2401.99999"]
    imported, unlisted = rows[1], rows[2]
    assert (imported.title, imported.tags, imported.note) == ("Listed", ("rl", "to-read"), "mine")
    assert (unlisted.title, unlisted.authors) == ("Title of 2401.99999", ("Ada Lovelace",))
    counts, _ = await importer.import_file(
        8, entry("2401.99999").replace("Title of", "Another title of").encode()
    )
    assert counts["saved"] == 1
    async with db.read() as connection:
        paper = await shelf.get(connection, 7, "2401.99999")
        other = await shelf.get(connection, 8, "2401.99999")
    assert paper is not None
    assert paper.title == "Title of 2401.99999"
    assert other is not None
    assert other.title == "Another title of 2401.99999"


async def test_a_full_shelf_takes_no_more(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_service, "MAX_SAVED", 3)
    monkeypatch.setattr(imports, "BATCH_SIZE", 2)
    text = "".join(entry(f"2401.{number:05}") for number in range(5))
    counts, _ = await ReferenceImporter(sqlite_db, lambda: NOW).import_file(7, text.encode())
    assert (counts["saved"], counts["full"]) == (3, 2)
