"""A large file is ingested in a process of its own, with the same result, a bound on its memory and no harm to the bot."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app import tasks
from bot.app.container import Container
from bot.archive import files
from bot.archive.digest_writer import IngestResult
from bot.core.settings import Settings
from storage import archive, models
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PAPERS = [NewsletterPaper(f"2601.{number:05}", f"Paper {number}", "text " * 50) for number in range(1, 5)]


@pytest.fixture(autouse=True)
def _every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGE_BYTES", 0)


def write(folder: Path, *, text: str | None = None) -> str:
    path = folder / "digest.md"
    path.write_text(text or sample_archive.newsletter("2026-01-05", PAPERS) + "\nstray\n", encoding="utf-8")
    return str(path)


async def add_file(database: Database, name: str) -> IngestResult:
    url = database.url.render_as_string(hide_password=False)
    container = Container(Settings(database_url=url), database, lambda: NOW)
    return await tasks.ingest_file(container, container.create_ingest(), name)


async def stored_digest(database: Database) -> tuple[models.StoredDigest, tuple[models.Entry, ...]]:
    async with database.read() as connection:
        [digest] = await archive.list_rows(connection)
        return digest, await archive.list_entries_by_digest(connection, digest.id)


@pytest.mark.parametrize("in_process", [False, True], ids=["in a process", "in this process"])
async def test_a_large_file_is_stored_with_the_parents_time(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_process: bool
) -> None:
    if in_process:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
    name = write(tmp_path)
    result = await add_file(db, name)
    assert (result.digests, result.new_digests, result.new_papers) == (1, 1, 4)
    assert result.arxiv_ids == {paper.arxiv_id for paper in PAPERS}
    digest, stored = await stored_digest(db)
    assert [entry.title for entry in stored] == [paper.title for paper in PAPERS]
    assert (digest.ingested_at - NOW).total_seconds() < 600
    assert await add_file(db, name) == IngestResult(digests=1, arxiv_ids=result.arxiv_ids)


async def test_problems_come_back_with_their_lines(sqlite_db: Database, tmp_path: Path) -> None:
    stray = "## Daily Papers (2026-01-05)\n\n### [A](https://arxiv.org/abs/2601.00001)\n\nVote: x\n\n- text\n"
    result = await add_file(sqlite_db, write(tmp_path, text=stray))
    assert [(problem.line, problem.message) for problem in result.problems] == [
        (5, "votes that are not a number: “Vote: x”")
    ]
    [refused] = (await add_file(sqlite_db, write(tmp_path, text="no digest"))).unrelated
    assert (refused.line, refused.message) == (None, "it has no heading with a date")


async def test_a_file_beyond_the_memory_is_refused_and_the_next_one_is_read(
    sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = sample_archive.newsletter("2026-01-05", PAPERS) + "- a\n\n" * 900_000
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "INGEST_MEGABYTES", 100)
        [refused] = (await add_file(sqlite_db, write(tmp_path, text=hostile))).problems
    assert (refused.line, refused.message) == (None, "it cannot be read within 100 MB of memory")
    assert (await add_file(sqlite_db, write(tmp_path))).new_digests == 1
