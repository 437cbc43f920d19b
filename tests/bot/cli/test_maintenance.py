"""`doctor` and `reindex` on an index that is not as it should be, on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from bot.services.search import document_tokens, indexer, rebuild
from storage import key_values, migrate
from storage.database import Database
from storage.search import index
from tests.bot.cli.conftest import Paperround
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

PAPERS = [
    NewsletterPaper(f"2501.{number:05}", f"Sparse coding number{number}", "It codes.")
    for number in range(1, 8)
]


@pytest.fixture
def archive(
    paperround: Paperround, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Paperround:
    """The command line on an archive of seven papers, once for each engine."""
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", database_url)
    (tmp_path / "digest.md").write_text(sample_archive.newsletter("2025-01-02", PAPERS), encoding="utf-8")
    assert paperround("ingest", "digest.md").exit_status == 0
    return paperround


def change(url: str, work: Callable[[Database], Awaitable[None]]) -> None:
    """Do something to a database behind the command line's back."""

    async def opened() -> None:
        database = await migrate.open_database(url)
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(opened())


async def make_older(database: Database) -> None:
    async with database.transaction() as connection:
        await key_values.set_value(connection, key_values.INDEX_VERSION, "0")


async def forget_version(database: Database) -> None:
    async with database.transaction() as connection:
        await key_values.remove(connection, key_values.INDEX_VERSION)


async def empty(database: Database) -> None:
    async with database.transaction() as connection:
        rows = await index.list_by_popularity(connection)
        await indexer.SearchIndexer().remove(connection, [row.paper_id for row in rows])


async def stop_in_the_middle(database: Database) -> None:
    await make_older(database)
    async with aclosing(rebuild.rebuild_index(database)) as steps:
        await anext(steps)
        await anext(steps)


def finding(paperround: Paperround) -> dict[str, object]:
    """Return what `doctor` says of the index; of nothing else has it anything to complain."""
    answer = paperround("doctor", "--json")
    [found] = [row for row in answer.data if row["what"] == "search index"]
    assert answer.exit_status == (0 if found["well"] else 1)
    return dict(found)


def test_an_index_that_is_as_it_should_be_is_well(archive: Paperround) -> None:
    found = finding(archive)
    assert found["value"] == f"version {document_tokens.VERSION}, 7 papers"
    assert (found["well"], found["note"]) == (True, "")


@pytest.mark.parametrize(
    ("spoil", "hint"),
    [
        (make_older, "version 0"),
        (forget_version, "an unknown version"),
        (empty, "without 7 of the papers"),
        (stop_in_the_middle, "version 0"),
    ],
)
def test_an_index_that_is_not_is_named_with_the_remedy_which_helps(
    archive: Paperround, database_url: str, spoil: Callable[[Database], Awaitable[None]], hint: str
) -> None:
    change(database_url, spoil)
    found = finding(archive)
    assert not found["well"]
    assert hint in str(found["note"])
    assert "paperround reindex" in str(found["note"])
    assert archive("reindex", "--json").data == {"papers": 7}
    assert finding(archive)["well"]
    assert len(archive("search", "sparse coding", "--json").data) == 7


def test_a_new_index_that_is_being_made_says_how_far_it_is(archive: Paperround, database_url: str) -> None:
    change(database_url, stop_in_the_middle)
    assert str(finding(archive)["value"]) == "version 0, 7 papers; a new one has 7"
    assert len(archive("search", "sparse coding", "--json").data) == 7
