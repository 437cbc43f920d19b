"""The index follows the database. A folder that is missing, damaged or newer than a restored database is rebuilt."""

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.search import index as search_index
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from bot.text import seed
from storage import backups, errors, migrate, papers
from storage.database import Database
from tests.support.resident import hold_and_free, read_resident
from tests.support.sample_archive import add_digest, make_paper

PAPERS = [
    make_paper(
        number,
        f"{'Diffusion' if number % 2 else 'Reinforcement'} learning number{number}",
        "강화 학습(reinforcement learning; RL)을 다룬다."
        if number % 3
        else "확산 모델(diffusion model)이다.",
        votes=number,
        authors=(f"Ada Number{number}", "Jürgen Müller"),
    )
    for number in range(1, 26)
]


@pytest.fixture
async def filled(db: Database) -> Database:
    await add_digest(db, "2025-01-02", *PAPERS)
    return db


async def count(service: SearchService, query: str = "learning") -> int:
    """Return the number of papers that have a query's words."""
    result = await service.search(SearchRequest(query, limit=100))
    return result.on_topic + result.all_terms


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_search_sees_added_corrected_and_removed_papers(filled: Database) -> None:
    service = SearchService(filled)
    assert await count(service) == 25
    assert (await service.find_author("Muller", limit=10)).total == 25
    corrected = make_paper(1, "Walking Lanterns", "등불이 걷는다.", authors=("Grace Hopper",))
    await add_digest(filled, "2025-01-02", corrected, *PAPERS[1:20])
    assert await count(service, "lanterns") == 1
    assert await count(service) == 19
    assert (await service.find_author("grace hopper", limit=10)).total == 1
    assert (await service.find_author("Ada Number25", limit=10)).author != "Ada Number25"
    assert [row.key for row in (await service.search(SearchRequest("number20"))).rows] == ["2501.00020"]


async def test_processes_share_an_index_folder(filled: Database) -> None:
    one, other = SearchService(filled), SearchService(filled)
    assert await count(one) == await count(other) == 25
    await add_digest(filled, "2025-01-03", make_paper(99, "Learning", "Study."))
    with one.index.open_writer():
        # While another process is writing, the index is used as it is.
        assert await count(other) == 25
    assert await count(other) == 26
    assert await count(one) == 26


def _tear(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file() and file.name not in ("state.json", ".tantivy-writer.lock"):
            file.write_bytes(file.read_bytes()[:10])


def _spoil_state(folder: Path) -> None:
    (folder / "state.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "is_running"),
    [
        (shutil.rmtree, True),
        (shutil.rmtree, False),
        (_tear, False),
        (_spoil_state, True),
        (_spoil_state, False),
    ],
)
async def test_a_missing_or_damaged_folder_is_rebuilt(
    filled: Database, damage: Callable[[Path], None], is_running: bool
) -> None:
    service = SearchService(filled)
    assert await count(service) == 25
    damage(search_index.folder_of(filled) / search_index.FORMAT)
    if not is_running:
        service = SearchService(filled)
    assert await count(service) == 25
    assert (await service.find_author("Muller", limit=10)).total == 25


async def test_the_index_is_rebuilt_after_restoring_a_backup(tmp_path: Path) -> None:
    database = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    await add_digest(database, "2025-01-02", *PAPERS[:3])
    await backups.copy_to(database, tmp_path / "backup.db")
    await add_digest(database, "2025-01-03", *PAPERS[3:6])
    assert await count(SearchService(database)) == 6
    await database.close()
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"a.db{suffix}").unlink(missing_ok=True)
    (tmp_path / "backup.db").rename(tmp_path / "a.db")
    database = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    # As many changes as in the index, but different ones.
    await add_digest(database, "2025-01-03", *PAPERS[10:12])
    service = SearchService(database)
    assert await count(service) == 5
    assert await count(service, "number4") == 0
    await database.close()


async def test_many_changes_are_indexed_in_the_background_newest_first(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "BATCH", 4)
    monkeypatch.setattr(search_index, "COMMIT_PAPERS", 8)
    index = search_index.SearchIndex(search_index.folder_of(filled), at_once=3)
    await add_digest(filled, "2025-01-03", make_paper(99, "Learning", "Study."))
    service = SearchService(filled, index=index)
    result = await service.search(SearchRequest("learning"))
    assert (result.total, result.is_stale) == (0, True)
    steps = search_index.follow(filled, index)
    for _ in range(2):
        await anext(steps)
    result = await service.search(SearchRequest("learning"))
    assert (result.total, result.is_stale) == (8, True)
    assert "2501.00099" in [row.key for row in result.rows]
    # After a kill, the next process continues.
    await steps.aclose()
    other = search_index.SearchIndex(search_index.folder_of(filled), at_once=3)
    assert [done async for done in search_index.follow(filled, other)][-1] == 26 - 8
    assert await count(SearchService(filled, index=other)) == 26
    await filled.write(papers.mark_changed, range(1, 12))
    assert (await service.search(SearchRequest("learning"))).is_stale
    assert [done async for done in search_index.follow(filled, index)][-1] == 11
    assert not (await service.search(SearchRequest("learning"))).is_stale


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have no malloc_trim")
async def test_each_commit_returns_free_memory(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's threads free what they held for a commit, which malloc keeps: 70 MB after 10,000 papers."""
    monkeypatch.setattr(search_index, "BATCH", 5)
    monkeypatch.setattr(search_index, "COMMIT_PAPERS", 5)
    index = search_index.SearchIndex(search_index.folder_of(filled))
    steps = search_index.follow(filled, index)
    await anext(steps)
    hold_and_free()
    before = read_resident()
    assert [done async for done in steps][-1] == 25
    assert before - read_resident() > 40_000  # kB


async def test_an_unwritable_index_folder_makes_results_stale_and_is_logged_once(
    filled: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    service = SearchService(filled)
    assert await count(service) == 25
    await add_digest(filled, "2025-01-03", make_paper(99, "Learning", "Study."))

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(search_index.IndexWriter, "_commit", refuse)
    for _ in range(2):
        result = await service.search(SearchRequest("learning"))
        assert (result.total, result.is_stale) == (25, True)
    assert caplog.text.count("cannot be written (No space left on device)") == 1
    monkeypatch.undo()
    assert await count(service) == 26


async def test_the_engines_reason_is_the_one_that_is_named(tmp_path: Path) -> None:
    """As tantivy raises it where a file may not be written."""
    index = search_index.SearchIndex(tmp_path)
    for text, reason in {
        'IoError { io_error: Os { code: 13, kind: PermissionDenied, message: "Permission denied" }': "Permission denied",
        'Os { code: 28, kind: StorageFull, message: "No space left on device" }': "No space left on device",
        "An error occurred in a thread": "its disk may be full",
    }.items():
        expected = re.escape(f"cannot be written ({reason}).")
        with pytest.raises(errors.PaperroundError, match=expected), index.open_writer():
            raise ValueError(text)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_an_index_that_root_makes_is_its_folders_owners(filled: Database, tmp_path: Path) -> None:
    """As after `reindex` as root in the folder of the bot, which has to go on writing there."""
    assert filled.path is not None
    os.chown(filled.path.parent, 65534, 65534)
    index = search_index.SearchIndex(search_index.folder_of(filled))
    async for _ in search_index.follow(filled, index):
        pass
    made = [search_index.folder_of(filled), *search_index.folder_of(filled).rglob("*")]
    assert len(made) > 5
    assert {file.stat().st_uid for file in made} == {65534}


def test_the_checksum_tells_tables_with_another_word_or_file_apart(tmp_path: Path) -> None:
    def checksum(name: str, files: dict[str, str]) -> str:
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text, encoding="utf-8")
        return seed.checksum(str(tmp_path / name))

    table = {"seed.tsv": "언러닝\tunlearning\n"}
    before = checksum("a", table)
    assert checksum("b", table | {"code.py": "1"}) == before
    assert checksum("c", {"seed.tsv": "언러닝\tmachine unlearning\n"}) != before
    assert checksum("d", table | {"words.txt": "a"}) != before
