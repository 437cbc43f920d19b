"""The index made anew: beside the one that answers, whatever happens meanwhile, and whoever stops in the middle."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services.search import document_tokens, rebuild
from bot.services.search import indexer as search_indexer
from bot.services.search.results import SearchRequest
from bot.services.search.service import SearchService
from storage import key_values, tables
from storage.database import Database
from storage.search import index
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

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
    monkeypatch.setattr(rebuild, "PAPERS_PER_STEP", 4)
    monkeypatch.setattr(rebuild, "AUTHORS_PER_STEP", 7)
    monkeypatch.setattr(rebuild, "DELETED_ROWS_PER_STEP", 5)
    monkeypatch.setattr(rebuild, "PAUSE_RATIO", 0)


@pytest.fixture
async def filled(db: Database) -> Database:
    """An archive of 25 papers."""
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    return db


async def finish(database: Database) -> list[int]:
    return [done async for done in rebuild.rebuild_index(database)]


async def interrupt(database: Database, steps: int) -> None:
    """Begin, and stop after so many steps, as somebody does who is killed."""
    async with aclosing(rebuild.rebuild_index(database)) as steps_:
        for _ in range(steps + 1):
            await anext(steps_)


async def contents(database: Database) -> dict[str, list[Any]]:
    """Return all that the index's ordinary tables hold, and what the engine's find."""
    held: dict[str, list[Any]] = {}
    async with database.read() as connection:
        for name in (
            "indexed_papers",
            "term_counts",
            "indexed_authors",
            "name_words",
            "name_deletions",
            "mention_counts",
        ):
            table = tables.metadata.tables[name]
            rows = [tuple(row) for row in await connection.execute(sa.select(table).order_by(*table.c))]
            held[name] = [row for row in rows if row[-1] != 0]
    return held


async def ids(database: Database, query: str) -> set[str]:
    result = await SearchService(database).search(SearchRequest(query, limit=100))
    return {row.arxiv_id for row in result.rows}


async def test_an_index_made_anew_is_the_one_that_ingesting_made(filled: Database) -> None:
    before = await contents(filled)
    seen = await finish(filled)
    assert seen == sorted(seen)
    assert seen[-1] == len(PAPERS)
    assert await contents(filled) == before
    assert await ids(filled, "reinforcement") == await ids(filled, "강화학습") | await ids(
        filled, "reinforcement"
    )
    assert (await SearchService(filled).find_author("muller")).total == len(PAPERS)
    condition = await rebuild.get_index_status(filled)
    assert condition == rebuild.IndexStatus(document_tokens.VERSION, len(PAPERS), 0, None)


async def test_nobody_ever_sees_less_than_the_whole_index(filled: Database) -> None:
    whole = await ids(filled, "learning")
    assert len(whole) == len(PAPERS)
    lookup = SearchService(filled)
    async for _ in rebuild.rebuild_index(filled):
        assert (await lookup.search(SearchRequest("learning", limit=1))).total == len(PAPERS)
        assert (await lookup.find_author("muller")).total == len(PAPERS)
    assert await ids(filled, "learning") == whole


async def test_what_changes_meanwhile_is_in_the_new_index(filled: Database) -> None:
    async with aclosing(rebuild.rebuild_index(filled)) as steps:
        async for done in steps:
            if done == 0:
                await sample_archive.add_digest(
                    filled, "2025-01-03", NewsletterPaper("2501.00090", "Early sparse coding", "Early.")
                )
            if done == 12:
                changed = [replace(PAPERS[24], title="Quantized networks"), *PAPERS[:3], *PAPERS[5:24]]
                await sample_archive.add_digest(filled, "2025-01-02", *changed)
            if done == len(PAPERS) - 1:
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
    assert (await rebuild.get_index_status(filled)).missing == 0


async def test_an_index_of_another_version_becomes_the_same_as_a_fresh_one(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build_reversed(texts: index.DocumentTexts) -> tuple[str, str]:
        tokens, title_tokens = build_tokens(texts)
        return tokens[::-1], title_tokens[::-1]

    build_tokens = document_tokens.build_tokens
    with monkeypatch.context() as former:
        former.setattr(document_tokens, "VERSION", "0")
        former.setattr(document_tokens, "build_tokens", build_reversed)
        await rebuild.record_version(db)
        await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    assert (await rebuild.get_index_status(db)).is_outdated
    assert await ids(db, "number7") == set()
    await finish(db)
    assert not (await rebuild.get_index_status(db)).needs_rebuild
    assert await ids(db, "number7") == {"2501.00007"}
    assert await ids(db, "reinforcement") >= {paper.arxiv_id for paper in PAPERS if "Reinf" in paper.title}
    made = await contents(db)
    indexer = search_indexer.SearchIndexer()
    async with db.transaction() as connection:
        held = await index.list_by_popularity(connection)
        await indexer.remove(connection, [one.paper_id for one in held])
        left = await connection.execute(
            sa.select(tables.term_counts.c.token).where(tables.term_counts.c.papers != 0)
        )
        assert left.all() == []
    async for _ in rebuild.fill_gaps(db):
        pass
    assert await contents(db) == made


@pytest.mark.parametrize("steps", [0, 3, 8, 10])
async def test_whoever_comes_after_an_interruption_goes_on(filled: Database, steps: int) -> None:
    before = await contents(filled)
    await interrupt(filled, steps)
    condition = await rebuild.get_index_status(filled)
    assert condition.needs_rebuild
    assert not condition.is_outdated or condition.version is None
    assert condition.progress is not None
    done = condition.progress.papers
    assert done == min(4 * steps, len(PAPERS))
    assert await contents(filled) == before
    assert (await finish(filled))[0] == done
    assert await contents(filled) == before


async def test_two_who_make_it_at_once_share_the_work(filled: Database) -> None:
    before = await contents(filled)
    mine, yours = rebuild.rebuild_index(filled), rebuild.rebuild_index(filled)
    seen: list[int] = []
    async with aclosing(mine), aclosing(yours):
        while True:
            both = [await anext(one, None) for one in (mine, yours)]
            seen += [done for done in both if done is not None]
            if both == [None, None]:
                break
    assert len(seen) < 2 * len(PAPERS) / 4 + 12
    assert await contents(filled) == before
    assert not (await rebuild.get_index_status(filled)).progress


async def test_another_version_begins_from_the_start_and_the_former_one_gives_up(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aclosing(rebuild.rebuild_index(filled)) as former:
        for _ in range(3):
            await anext(former)
        with monkeypatch.context() as newer:
            newer.setattr(document_tokens, "VERSION", "999")
            async with aclosing(rebuild.rebuild_index(filled)) as later:
                assert await anext(later) == 0
            # What is ours is known by the version alone.
        assert [done async for done in former] == []
    condition = await rebuild.get_index_status(filled)
    assert condition.progress is not None
    assert condition.progress.made_by.startswith("999@")


async def test_gaps_are_filled_in_place(filled: Database) -> None:
    before = await contents(filled)
    async with filled.transaction() as connection:
        held = await index.list_by_popularity(connection, limit=6)
        await search_indexer.SearchIndexer().remove(connection, [one.paper_id for one in held])
    assert (await rebuild.get_index_status(filled)).missing == 6
    assert [done async for done in rebuild.fill_gaps(filled)][-1] == 6
    assert (await rebuild.get_index_status(filled)).missing == 0
    assert {one[0] for one in (await contents(filled))["indexed_papers"]} == {
        one[0] for one in before["indexed_papers"]
    }


async def test_the_version_is_noted_while_the_index_is_empty_and_never_later(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as former:
        former.setattr(document_tokens, "VERSION", "0")
        await rebuild.record_version(db)
    assert (await rebuild.get_index_status(db)).version == "0"
    assert not (await rebuild.get_index_status(db)).is_outdated
    await rebuild.record_version(db)
    assert (await rebuild.get_index_status(db)).version == document_tokens.VERSION
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS[:2])
    assert not (await rebuild.get_index_status(db)).is_outdated
    async with db.transaction() as connection:
        await key_values.remove(connection, key_values.INDEX_VERSION)
    await rebuild.record_version(db)
    assert (await rebuild.get_index_status(db)).is_outdated


async def test_a_reader_in_the_middle_is_waited_for(filled: Database) -> None:
    """On PostgreSQL the tables cannot change places under a reader; on SQLite it goes on with what it saw."""
    async with filled.read() as reader:
        assert await index.count_all(reader) == len(PAPERS)
        async with aclosing(rebuild.rebuild_index(filled)) as steps:
            for _ in range(25):
                if await anext(steps, None) is None:
                    break
        assert await index.count_all(reader) == len(PAPERS)
        assert len(await index.list_by_popularity(reader)) == len(PAPERS)
    await finish(filled)
    assert await ids(filled, "learning") == {paper.arxiv_id for paper in PAPERS}


async def test_readers_and_digests_in_between_neither_fail_nor_miss_anything(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "PAPERS_PER_STEP", 10)
    lookup = SearchService(filled)
    done = asyncio.Event()

    async def look() -> int:
        looks = 0
        while not done.is_set():
            assert (await lookup.search(SearchRequest("learning", limit=1))).total == len(PAPERS)
            assert (await lookup.find_author("muller")).total == len(PAPERS)
            looks += 1
        return looks

    async def store() -> int:
        stored = 0
        while not done.is_set():
            stored += 1
            paper = NewsletterPaper(f"2502.{stored:05}", f"Sparse coding s{stored}", "It codes.")
            await sample_archive.add_digest(
                filled, f"2024-{1 + stored // 28 % 12:02}-{1 + stored % 28:02}", paper
            )
        return stored

    others = [asyncio.ensure_future(one) for one in (look(), look(), store())]
    await finish(filled)
    done.set()
    first, second, stored = await asyncio.gather(*others)
    assert min(first, second, stored) > 0
    assert len(await ids(filled, "sparse")) == min(stored, 100)
    assert not (await rebuild.get_index_status(filled)).needs_rebuild
