"""Saved, removed and shared papers, on both engines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.archive import digest_writer
from storage import models, papers, shelf
from storage.database import Connection, Database
from storage.shelf import Order

NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)
READER, OTHER, GUILD = 2**63 - 1, 6, 7


async def add_papers(connection: Connection, titles: Iterable[str | None]) -> list[int]:
    """Store papers, whose ids are 2501.00001 and following; one without a title is in no digest. Returns their ids."""
    records = []
    for number, title in enumerate(titles, 1):
        arxiv_id = f"2501.{number:05}"
        entry = models.Entry(number, arxiv_id, title, "u", votes=10 * number, authors=("Ada Lovelace",))
        digest = models.DigestFormat.NEWSLETTER
        seen = [models.Appearance(1, digest, date(2025, 1, number), "en", entry)] if title else []
        records.append(digest_writer.merge(arxiv_id, seen))
    return list((await papers.add(connection, records)).values())


async def list_ids(connection: Connection, **options: object) -> list[str]:
    rows, total = await shelf.list_rows(connection, READER, **options)  # type: ignore[arg-type]
    assert total == len(rows)
    return [row.arxiv_id[-1] for row in rows]


async def test_saved_papers_are_listed_in_each_order_and_by_tag(db: Database) -> None:
    async with db.transaction() as connection:
        b, a, unlisted = await add_papers(connection, ["b", "A", None])
        given = {"note": "", "tags": "", "title": "c", "authors": ["Kim Min-jun"], "guild_id": None}
        await shelf.add(connection, READER, [{"paper_id": unlisted, "saved_at": NOW, **given}])
        await shelf.save(connection, READER, [a, b], NOW + timedelta(days=1), GUILD)
        await shelf.save(connection, READER, [a], NOW + timedelta(days=9), None)
        await shelf.save(connection, OTHER, [a], NOW, GUILD)
        await shelf.update(connection, READER, a, tags=" r_l to-read ")
        await shelf.update(connection, READER, b, tags=" rxl ")
        assert await list_ids(connection) == ["2", "1", "3"]
        assert await shelf.list_paper_ids(connection, READER) == [a, b, unlisted]
        assert await list_ids(connection, order=Order.OLDEST) == ["3", "1", "2"]
        assert await list_ids(connection, order=Order.VOTES) == ["2", "1", "3"]
        assert await list_ids(connection, order=Order.TITLE) == ["2", "1", "3"]
        assert await list_ids(connection, tags=["r_l", "to-read"]) == ["2"]
        assert await list_ids(connection, paper_ids=[b]) == ["1"]
        assert (await shelf.list_rows(connection, READER, limit=1, offset=1))[1] == 3
        assert sorted((await shelf.get_tags(connection, READER)).split()) == ["r_l", "rxl", "to-read"]
        assert await shelf.get_tags(connection, OTHER) == ""
        paper = await shelf.get(connection, READER, "2501.00003")
        assert paper is not None
        assert (paper.title, paper.authors, paper.is_listed) == ("c", ("Kim Min-jun",), False)
        assert await shelf.get(connection, OTHER, "2501.00001") is None


async def test_a_removed_paper_comes_back_as_it_was_until_it_is_purged(db: Database) -> None:
    async with db.transaction() as connection:
        [paper_id] = await add_papers(connection, ["A"])
        await shelf.save(connection, READER, [paper_id], NOW, GUILD)
        await shelf.update(connection, READER, paper_id, note="메모", tags=" rl ")
        before, _ = await shelf.list_rows(connection, READER)
        assert await shelf.remove(connection, READER, paper_id, NOW)
        assert not await shelf.remove(connection, READER, paper_id, NOW)
        assert await shelf.list_rows(connection, READER) == ([], 0)
        assert await shelf.restore(connection, READER, paper_id)
        assert (await shelf.list_rows(connection, READER))[0] == before
        assert not await shelf.restore(connection, READER, paper_id)
        await shelf.remove(connection, READER, paper_id, NOW)
        assert await shelf.purge_removed(connection, NOW, 9) == 0
        assert await shelf.purge_removed(connection, NOW + timedelta(seconds=1), 9) == 1
        assert not await shelf.restore(connection, READER, paper_id)


async def test_a_removed_paper_that_was_saved_again_gets_back_what_it_lacks(db: Database) -> None:
    async with db.transaction() as connection:
        [paper_id] = await add_papers(connection, ["A"])
        await shelf.save(connection, READER, [paper_id], NOW, GUILD)
        await shelf.update(connection, READER, paper_id, note="old", tags=" rl ")
        await shelf.remove(connection, READER, paper_id, NOW)
        await shelf.save(connection, READER, [paper_id], NOW, None)
        await shelf.update(connection, READER, paper_id, note="new")
        assert await shelf.restore(connection, READER, paper_id)
        paper = await shelf.get(connection, READER, "2501.00001")
        assert paper is not None
        assert (paper.note, paper.tags) == ("new", ("rl",))


async def test_only_ids_are_sorted_since_the_rows_of_a_full_shelf_take_hundreds_of_megabytes(
    db: Database,
) -> None:
    async with db.transaction() as connection:
        await shelf.save(connection, READER, await add_papers(connection, ["A", "B", "C"]), NOW, None)
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = db.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    async with db.read() as connection:
        for order in Order:
            rows, _ = await shelf.list_rows(connection, READER, order=order, limit=1, offset=2)
            pages = shelf.stream_rows(connection, READER, order=order, tags=(), paper_ids=None)
            assert [page[2] async for page in pages] == rows
    sa.event.remove(engine, "before_cursor_execute", note)
    ordered = [statement for statement in statements if "ORDER BY" in statement]
    assert len(ordered) == 2 * len(Order)
    assert not any("authors" in statement for statement in ordered)


async def test_savers_and_sharers_are_counted_by_server_and_time(db: Database) -> None:
    async with db.transaction() as connection:
        first, second = await add_papers(connection, ["A", "B"])
        for user_id, guild_id in ((1, GUILD), (2, GUILD), (3, None), (4, 8)):
            await shelf.save(connection, user_id, [first], NOW, guild_id)
        await shelf.save(connection, 5, [first], NOW - timedelta(seconds=1), GUILD)
        for user_id in (1, 1, 2):
            await shelf.add_shared(connection, GUILD, user_id, second, NOW)
        await shelf.add_shared(connection, 8, 1, first, NOW)
        assert await shelf.count_savers(connection, [GUILD, 9], NOW) == {GUILD: {first: 2}}
        assert await shelf.count_savers(connection, [GUILD], NOW, 3) == {}
        assert await shelf.count_sharers(connection, [GUILD, 8], NOW) == {GUILD: {second: 2}, 8: {first: 1}}
        assert await shelf.purge_shared(connection, NOW + timedelta(1), 9) == 3
        await shelf.clear_guild(connection, 8)
        await shelf.remove_shared_of_guild(connection, 8)
