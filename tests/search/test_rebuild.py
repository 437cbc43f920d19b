"""Rebuilds of the index: in a shadow index, with changes, readers, interruptions and other versions in between."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from bot.archive import digest_writer
from bot.search import index as search_index
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import key_values, papers, search, snapshot, tables
from storage import search_index as stored_index
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

NOW = datetime(2025, 1, 3, tzinfo=UTC)

pytestmark = pytest.mark.engines("sqlite", "postgresql")


PAPERS = [
    NewsletterPaper(
        f"2501.{number:05}",
        f"{'Diffusion' if number % 2 else 'Reinforcement'} learning number{number}",
        "강화 학습(reinforcement learning; RL)을 다룬다."
        if number % 3
        else "확산 모델(diffusion model)이다.",
        votes=number,
        authors=(f"Ada Number{number}", "Jürgen Müller"),
    )
    for number in range(1, 26)
]


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "PAPERS_PER_STEP", 4)
    monkeypatch.setattr(search_index, "AUTHORS_PER_STEP", 7)
    monkeypatch.setattr(search_index, "DELETED_ROWS_PER_STEP", 5)
    monkeypatch.setattr(search_index, "PAUSE_RATIO", 0)


@pytest.fixture
async def filled(db: Database) -> Database:
    """An archive of 25 papers."""
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    return db


async def finish(database: Database) -> list[int]:
    """Run a rebuild to its end; return the progress of its steps."""
    return [done async for done in search_index.rebuild_index(database)]


async def interrupt(database: Database, steps: int) -> None:
    """Start a rebuild and stop it after some steps, as a crash does."""
    async with aclosing(search_index.rebuild_index(database)) as progress:
        for _ in range(steps + 1):
            await anext(progress)


_CONTENT_TABLES = "indexed_papers term_counts indexed_authors name_words"


async def contents(database: Database) -> dict[str, list[Any]]:
    """Return the rows of the index's ordinary tables."""
    rows_by_table: dict[str, list[Any]] = {}
    async with database.read() as connection:
        for name in _CONTENT_TABLES.split():
            table = tables.metadata.tables[name]
            rows = [tuple(row) for row in await connection.execute(sa.select(table).order_by(*table.c))]
            rows_by_table[name] = [row for row in rows if row[-1] != 0]
    return rows_by_table


async def ids(database: Database, query: str) -> set[str]:
    result = await SearchService(database).search(SearchRequest(query, limit=100))
    return {row.arxiv_id for row in result.rows}


async def test_a_rebuilt_index_equals_the_ingested_one(filled: Database) -> None:
    before = await contents(filled)
    progress = await finish(filled)
    assert progress == sorted(progress)
    assert progress[-1] == len(PAPERS)
    assert await contents(filled) == before
    assert await ids(filled, "reinforcement") == await ids(filled, "강화학습") | await ids(
        filled, "reinforcement"
    )
    assert (await SearchService(filled).find_author("muller")).total == len(PAPERS)
    status = await search_index.get_index_status(filled)
    assert status == search_index.IndexStatus(search_index.VERSION, len(PAPERS), 0, None)


async def test_papers_under_a_new_date_are_tokenised_once(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenised, build_tokens = list[str](), search_index.build_tokens

    def counted(texts: search.DocumentTexts) -> tuple[str, str]:
        tokenised.append(texts.title)
        return build_tokens(texts)

    monkeypatch.setattr(search_index, "build_tokens", counted)
    await sample_archive.add_digest(filled, "2025-01-03", *PAPERS)
    assert len(tokenised) == len(PAPERS)
    after = await contents(filled)
    await finish(filled)
    assert await contents(filled) == after


async def test_changes_during_a_rebuild_are_in_the_new_index(filled: Database) -> None:
    late = 5
    async with aclosing(search_index.rebuild_index(filled)) as steps:
        number = 0
        async for done in steps:
            number += 1
            if done == 0:
                await sample_archive.add_digest(
                    filled, "2025-01-03", NewsletterPaper("2501.00090", "Early sparse coding", "Early.")
                )
            if done == 12 and number < late:
                changed = [replace(PAPERS[24], title="Quantized networks"), *PAPERS[:3], *PAPERS[5:24]]
                await sample_archive.add_digest(filled, "2025-01-02", *changed)
            if number == late:
                await sample_archive.add_digest(
                    filled,
                    "2025-01-04",
                    NewsletterPaper("2501.00091", "Late sparse coding", "Late.", authors=("Grace Hopper",)),
                )
    assert await ids(filled, "sparse") == {"2501.00090", "2501.00091"}
    assert await ids(filled, "quantized") == {"2501.00025"}
    assert await ids(filled, "number25") == set()
    assert await ids(filled, "number4") == await ids(filled, "number5") == set()
    assert (await SearchService(filled).find_author("Hopper Grace")).total == 1
    assert (await SearchService(filled).find_author("Ada Number4")).author != "Ada Number4"
    after = await contents(filled)
    await finish(filled)
    assert await contents(filled) == after
    assert (await search_index.get_index_status(filled)).missing == 0


async def test_an_index_of_another_version_is_rebuilt_like_a_fresh_one(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build_reversed(texts: search.DocumentTexts) -> tuple[str, str]:
        tokens, title_tokens = build_tokens(texts)
        return tokens[::-1], title_tokens[::-1]

    build_tokens = search_index.build_tokens
    with monkeypatch.context() as former:
        former.setattr(search_index, "VERSION", "0")
        former.setattr(search_index, "build_tokens", build_reversed)
        await search_index.record_version(db)
        await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    assert (await search_index.get_index_status(db)).is_outdated
    assert await ids(db, "number7") == set()
    await finish(db)
    assert not (await search_index.get_index_status(db)).needs_rebuild
    assert await ids(db, "number7") == {"2501.00007"}
    assert await ids(db, "reinforcement") >= {paper.arxiv_id for paper in PAPERS if "Reinf" in paper.title}
    rebuilt = await contents(db)
    indexer = search_index.SearchIndexer()
    async with db.transaction() as connection:
        rows = await snapshot.read(connection, search.list_by_popularity)
        await indexer.remove(connection, [row.paper_id for row in rows])
        remaining = await connection.execute(
            sa.select(tables.term_counts.c.token).where(tables.term_counts.c.papers != 0)
        )
        assert remaining.all() == []
    async for _ in search_index.fill_gaps(db):
        pass
    assert await contents(db) == rebuilt


async def test_a_rebuild_resumes_after_an_interruption(filled: Database) -> None:
    before = await contents(filled)
    for steps in (3, 8):
        await interrupt(filled, steps)
        status = await search_index.get_index_status(filled)
        assert status.needs_rebuild
        assert status.progress is not None
        done = status.progress.papers
        assert done == min(4 * steps, len(PAPERS))
        assert await contents(filled) == before
        assert (await finish(filled))[0] == done
        assert await contents(filled) == before


async def test_two_concurrent_rebuilds_share_the_work(filled: Database) -> None:
    before = await contents(filled)
    first, second = search_index.rebuild_index(filled), search_index.rebuild_index(filled)
    progress: list[int] = []
    async with aclosing(first), aclosing(second):
        while True:
            both = [await anext(steps, None) for steps in (first, second)]
            progress += [done for done in both if done is not None]
            if both == [None, None]:
                break
    assert len(progress) < 2 * len(PAPERS) / 4 + 12
    assert await contents(filled) == before
    assert not (await search_index.get_index_status(filled)).progress


async def test_another_version_restarts_the_rebuild_and_the_former_one_stops(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aclosing(search_index.rebuild_index(filled)) as former:
        for _ in range(3):
            await anext(former)
        with monkeypatch.context() as newer:
            newer.setattr(search_index, "VERSION", "999")
            async with aclosing(search_index.rebuild_index(filled)) as later:
                assert await anext(later) == 0
        assert [done async for done in former] == []
    status = await search_index.get_index_status(filled)
    assert status.progress is not None
    assert status.progress.made_by.startswith("999@")
    await sample_archive.add_digest(
        filled, "2025-01-03", NewsletterPaper("2501.00090", "Sparse coding", "It.")
    )
    status = await search_index.get_index_status(filled)
    assert status.progress is None, "what the newer version has made lacks this paper, so it begins anew"


async def test_the_version_is_recorded_only_while_the_index_is_empty(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as former:
        former.setattr(search_index, "VERSION", "0")
        await search_index.record_version(db)
    await search_index.record_version(db)
    assert (await search_index.get_index_status(db)).version == search_index.VERSION
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS[:2])
    async with db.transaction() as connection:
        await key_values.remove(connection, key_values.INDEX_VERSION)
    await search_index.record_version(db)
    assert (await search_index.get_index_status(db)).is_outdated


async def test_a_reader_keeps_its_snapshot_during_a_rebuild(filled: Database) -> None:
    """On PostgreSQL the swap waits for the reader; on SQLite the reader keeps its snapshot."""
    async with filled.read() as reader:
        assert await stored_index.count_all(reader) == len(PAPERS)
        async with aclosing(search_index.rebuild_index(filled)) as steps:
            for _ in range(25):
                if await anext(steps, None) is None:
                    break
        assert await stored_index.count_all(reader) == len(PAPERS)
        assert len(await snapshot.read(reader, search.list_by_popularity)) == len(PAPERS)
    await finish(filled)
    assert await ids(filled, "learning") == {paper.arxiv_id for paper in PAPERS}


async def test_concurrent_readers_and_ingests_neither_fail_nor_miss_papers(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "PAPERS_PER_STEP", 10)
    search = SearchService(filled)
    done = asyncio.Event()

    async def search_until_done() -> int:
        searches = 0
        while not done.is_set():
            assert (await search.search(SearchRequest("learning", limit=1))).total == len(PAPERS)
            assert (await search.find_author("muller")).total == len(PAPERS)
            searches += 1
        return searches

    async def ingest_until_done() -> int:
        stored = 0
        while not done.is_set():
            stored += 1
            paper = NewsletterPaper(f"2502.{stored:05}", f"Sparse coding s{stored}", "It codes.")
            await sample_archive.add_digest(
                filled, f"2024-{1 + stored // 28 % 12:02}-{1 + stored % 28:02}", paper
            )
        return stored

    tasks = [
        asyncio.ensure_future(work)
        for work in (search_until_done(), search_until_done(), ingest_until_done())
    ]
    await finish(filled)
    done.set()
    searches, more_searches, stored = await asyncio.gather(*tasks)
    assert min(searches, more_searches, stored) > 0
    assert len(await ids(filled, "sparse")) == min(stored, 100)
    assert not (await search_index.get_index_status(filled)).needs_rebuild


class _Killed(BaseException):
    """Ends the process."""


@pytest.mark.parametrize("kills_after", [0, 2])
async def test_a_large_digest_is_indexed_in_later_transactions_also_after_a_crash(
    db: Database, monkeypatch: pytest.MonkeyPatch, kills_after: int
) -> None:
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    at_once = await contents(db)
    others = [replace(paper, arxiv_id=paper.arxiv_id.replace("2501", "2502")) for paper in PAPERS]
    changed = [*(replace(paper, text=f"{paper.text} Anew.") for paper in PAPERS), *others]
    monkeypatch.setattr(digest_writer, "CHUNK_PAPERS", 10)
    monkeypatch.setattr(digest_writer, "GROUP_CHARACTERS", 100)
    transactions: list[tuple[object, int]] = []
    index = search_index.SearchIndexer.index

    async def record(self: Any, connection: Any, papers: Any, people: Any) -> None:
        if len(transactions) == kills_after:
            raise _Killed
        transactions.append((connection, len(papers)))
        await index(self, connection, papers, people)

    monkeypatch.setattr(search_index.SearchIndexer, "index", record)
    with pytest.raises(_Killed):
        await sample_archive.add_digest(db, "2025-01-02", *changed)
    assert (await search_index.get_index_status(db)).missing
    if not kills_after:
        # The transaction of the digest has all papers, and leaves what only searches read to later ones.
        async with db.read() as connection:
            query = "SELECT count(*), count(author_id) FROM papers LEFT JOIN paper_authors ON paper_id = id"
            new = f"{query} WHERE arxiv_id LIKE '2502.%'"
            assert (await connection.execute(sa.text(new))).one() == (len(others), 0)
    assert await search_index.find_pending(db, lambda: NOW) is not None
    monkeypatch.setattr(search_index.SearchIndexer, "index", index)
    await search_index.SearchIndexer().catch_up(db)
    assert await ids(db, "anew") == {paper.arxiv_id for paper in PAPERS}
    assert len(await ids(db, "number7")) == 2
    assert max((count for _, count in transactions), default=0) <= 4
    assert not (await search_index.get_index_status(db)).missing
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    again = await contents(db)
    assert {**again, "indexed_papers": None} == {**at_once, "indexed_papers": None}
    assert len(again["indexed_papers"]) == len(PAPERS)


async def test_many_authors_are_stored_in_later_transactions_also_after_a_correction(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest_writer, "CHUNK_CHARACTERS", 1_000)
    monkeypatch.setattr(digest_writer, "GROUP_CHARACTERS", 100)
    added: list[int] = []
    set_authors = papers.set_authors

    async def record(connection: Any, names: Any, **options: Any) -> Any:
        added.append(sum(map(len, names.values())))
        return await set_authors(connection, names, **options)

    monkeypatch.setattr(papers, "set_authors", record)
    for suffix in ("", "son"):
        crowded = [
            replace(
                paper, text="", authors=[f"Ann{number} {chr(97 + index)}mith{suffix}" for index in range(20)]
            )
            for number, paper in enumerate(PAPERS)
        ]
        await sample_archive.add_digest(sqlite_db, "2025-01-02", *crowded)
        assert max(added) == 20, "those of one paper in a transaction"
        found = await SearchService(sqlite_db).find_author(f"Ann1 bmith{suffix}")
        assert [row.arxiv_id for row in found.rows] == [PAPERS[1].arxiv_id]
    assert (await SearchService(sqlite_db).find_author("Ann1 bmith")).author != "Ann1 bmith"


@pytest.mark.parametrize("counted", ["headings", "titles", "names of one letter"])
async def test_a_digest_is_large_by_all_that_is_indexed_of_it(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch, counted: str
) -> None:
    monkeypatch.setattr(digest_writer, "CHUNK_CHARACTERS", 2_000)
    monkeypatch.setattr(digest_writer, "GROUP_CHARACTERS", 100)
    indexed: list[int] = []
    index = search_index.SearchIndexer.index

    async def record(self: Any, connection: Any, documents: Any, people: Any) -> None:
        indexed.append(len(documents))
        await index(self, connection, documents, people)

    monkeypatch.setattr(search_index.SearchIndexer, "index", record)
    short = [replace(paper, text="x", title="T", authors=["A"]) for paper in PAPERS[:10]]
    changes: dict[str, Any] = {
        "headings": {"text": f"x\n- ***{'heading ' * 30}***: y"},
        "titles": {"title": "title " * 40},
        "names of one letter": {"authors": list("BCDEFGHIJKL")},
    }
    await sample_archive.add_digest(
        sqlite_db, "2025-01-02", *(replace(paper, **changes[counted]) for paper in short)
    )
    assert indexed == [1] * 10, "each paper in its own transaction"


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_group_that_cannot_be_indexed_fails_no_ingest_and_is_tried_again(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest_writer, "CHUNK_PAPERS", 4)
    index, broken = search_index.SearchIndexer.index, PAPERS[0].arxiv_id

    async def fail(self: Any, connection: Any, documents: Any, people: Any) -> None:
        if any(document.arxiv_id == broken for document in documents):
            raise RuntimeError("a strange paper")
        await index(self, connection, documents, people)

    monkeypatch.setattr(search_index.SearchIndexer, "index", fail)
    monkeypatch.setattr(search_index, "log", structlog.get_logger())
    with structlog.testing.capture_logs() as logs:
        await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    assert [entry["log_level"] for entry in logs if "not indexed" in entry["event"]] == ["error"]
    await sample_archive.add_digest(
        db, "2025-01-03", NewsletterPaper("2503.00001", "Moss learning", "It grows.")
    )
    assert "2503.00001" in await ids(db, "learning")
    monkeypatch.setattr(search_index.SearchIndexer, "index", index)
    await search_index.SearchIndexer().catch_up(db)
    assert broken in await ids(db, "learning")
    assert not (await search_index.get_index_status(db)).missing
