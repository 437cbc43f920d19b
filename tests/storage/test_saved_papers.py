"""Saved papers, on both engines."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from bot.archive import digest_writer
from storage import models, papers, shelf
from storage.database import Connection, Database

NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)
READER, OTHER = 2**63 - 1, 6


async def add_papers(connection: Connection, titles: Iterable[str | None]) -> list[int]:
    """Store papers 2501.00001, 2501.00002 …, unlisted if the title is None, and return their ids."""
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
    return [row.key[-1] for row in rows]


async def test_lists_saved_papers_newest_first_or_by_tag(db: Database) -> None:
    async with db.transaction() as connection:
        b, a, unlisted = await add_papers(connection, ["b", "A", None])
        await shelf.save_at(connection, READER, {unlisted: NOW})
        await shelf.save(connection, READER, [a, b], NOW + timedelta(days=1), None)
        await shelf.save(connection, READER, [a], NOW + timedelta(days=9), None)
        await shelf.save(connection, OTHER, [a], NOW, None)
        await shelf.update(connection, READER, a, tags=" r_l to-read ")
        await shelf.update(connection, READER, b, tags=" rxl ")
        assert await list_ids(connection) == ["2", "1", "3"]
        assert await shelf.list_paper_ids(connection, READER) == [a, b, unlisted]
        assert await list_ids(connection, tags=["r_l", "to-read"]) == ["2"]
        assert await list_ids(connection, paper_ids=[b]) == ["1"]
        assert (await shelf.list_rows(connection, READER, limit=1, offset=1))[1] == 3
        assert sorted((await shelf.get_tags(connection, READER)).split()) == ["r_l", "rxl", "to-read"]
        assert await shelf.get_tags(connection, OTHER) == ""
        paper = await shelf.get(connection, READER, "2501.00003")
        assert paper is not None
        assert (paper.title, paper.is_listed) == (None, False)
        assert await shelf.get(connection, OTHER, "2501.00001") is None
        await shelf.remove(connection, READER, a)
        assert await list_ids(connection) == ["1", "3"]
        assert await shelf.list_paper_ids(connection, OTHER) == [a]


async def test_what_was_removed_at_a_time_comes_back_and_nothing_else(db: Database) -> None:
    """*Undo* below the weekly news: what was removed at another time of the day stays removed."""
    owner, at = shelf.Owner(READER), datetime(2026, 1, 5, 9, tzinfo=UTC)
    async with db.transaction() as connection:
        ids = first, second, _ = await add_papers(connection, "ABC")
        await shelf.save(connection, READER, ids, at, None)
        for paper_id, removed_at in ((first, at), (second, at + timedelta(hours=1))):
            await shelf.take_off(connection, owner.id, paper_id, removed_at)
        assert await shelf.put_back(connection, owner, removed_at=at + timedelta(hours=1)) == 1
        assert {*await shelf.list_paper_ids(connection, READER)} == {*ids} - {first}
