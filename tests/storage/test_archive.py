"""Digest rows, entries and appearances."""

from __future__ import annotations

from storage import archive, database, models, sources
from tests.support.ingest_harness import NOW as INGESTED_AT
from tests.support.ingest_harness import IngestHarness, newsletter, paper
from tests.support.paper_records import NOW, add_digest, add_papers, merged_paper


async def test_entries_read_back_by_rank_until_they_are_removed(db: database.Database) -> None:
    ids = await add_papers(db, merged_paper(1), merged_paper(2))
    digest_id = await add_digest(db, ids)
    async with db.transaction() as connection:
        stored = await archive.list_entries_by_digest(connection, digest_id)
        assert [(entry.rank, entry.arxiv_id) for entry in stored] == [(1, "2601.00001"), (2, "2601.00002")]
        assert stored[1].sections == (models.Section(None, "Body 2"),)
        appearances = await archive.list_appearances(connection, ids.values())
        assert appearances[ids["2601.00002"]][0].entry == stored[1]
        assert await archive.remove_entries(connection, digest_id) == dict.fromkeys(ids.values(), 1)
        assert await archive.list_entries_by_digest(connection, digest_id) == ()


async def test_a_digest_keeps_its_text_and_problems(db: database.Database) -> None:
    digest_id = await add_digest(db, await add_papers(db, merged_paper(1)))
    async with db.read() as connection:
        stored = await archive.get(connection, digest_id)
        assert await archive.get_text(connection, digest_id) == "text h"
        assert await archive.get_last_updated_at(connection) == NOW
    assert stored is not None
    assert (stored.problems, stored.revision, stored.language) == ((models.Problem(3, "odd"),), 1, "ko")


async def test_a_digest_is_trusted_as_its_most_trusted_source(db: database.Database) -> None:
    text = newsletter(paper(1))
    harness = IngestHarness(db)
    async with db.transaction() as connection:
        old, high = [
            await sources.add(connection, url=url, kind=models.SourceKind.URL, now=NOW, priority=priority)
            for url, priority in (("old", 0), ("high", 4))
        ]
    expected = {
        "removed": (models.Trust(2**31), -1),
        "old": (models.Trust(0, old.id), old.id),
        sources.FILES: (models.FILES_TRUST, 0),
        "high": (models.Trust(-4, high.id), 0),
    }
    for source, (trust, teller) in expected.items():
        await harness.add(text, source=source)
        async with db.read() as connection:
            assert await archive.list_origins(connection, [1, 99]) == {1: (trust, INGESTED_AT.date(), teller)}
            assert await sources.list_trust(connection, [source]) == {source: trust}
            assert len(await archive.list_paper_ids_by_source(connection, source)) == 1
            assert await archive.list_paper_ids_by_source(connection, "another") == []
