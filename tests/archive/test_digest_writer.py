"""Corrections, deleted digests and notifications, through the ingest service on both database engines."""

from __future__ import annotations

from datetime import date

from storage import archive, authors, papers, tables
from tests.support.ingest_harness import IngestHarness, newsletter, paper


async def test_new_text_at_a_known_location_is_a_correction(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1), paper(2, authors="Bea Long"), paper(3)))
    result = await harness.add(newsletter(paper(1, title="Better", votes=7), paper(3), paper(4)))
    assert (result.new_digests, result.corrected_digests, result.new_papers) == (0, 1, 1)
    assert await harness.titles() == ["Better", "Paper 3", "Paper 4"]
    assert harness.index.titles == {"Better", "Paper 3", "Paper 4"}
    [first, second] = harness.notified
    assert first[0] == second[0]
    assert (len(first[1]), len(second[1]), second[2]) == (3, 1, 2)
    async with harness.db.read() as connection:
        assert await papers.get_detail(connection, "2601.00002") is None
        stored = (await archive.list_rows(connection))[0]
        assert await archive.get_text(connection, stored.id) is not None
        ids = await authors.set_authors(connection, {})
    assert stored.revision == 2
    assert ids == []
    assert {person.name: person.paper_count for person in harness.index.authors.values()} == {
        "Ada Byron": 3,
        "Bea Long": 0,
    }


async def test_a_correction_leaves_other_digests_unchanged(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1), paper(2), day="2026-01-01"), "first.md")
    await harness.add(newsletter(paper(1), paper(2)), "second.md")
    await harness.add(newsletter(paper(1)), "second.md")
    assert await harness.titles("2026-01-01") == ["Paper 1", "Paper 2"]
    assert await harness.titles() == ["Paper 1"]
    [_, second] = await harness.rows("2026-01-01")
    assert second.date == date(2026, 1, 1)


async def test_a_digest_without_locations_is_deleted(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1)), "a.md")
    await harness.add(newsletter(paper(2)), "b.md")
    await harness.add(newsletter(paper(2)), "a.md")
    assert await harness.titles() == ["Paper 2"]
    assert await harness.count(tables.digests) == 1
    assert harness.index.titles == {"Paper 2"}


async def test_the_id_of_a_deleted_digest_is_never_reused(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1)), "a.md")
    await harness.add(newsletter(paper(2)), "b.md")
    await harness.add(newsletter(paper(1)), "b.md")
    await harness.add(newsletter(paper(3)), "c.md")
    digest_ids = [digest_id for digest_id, _, _ in harness.notified]
    assert len(digest_ids) == len(set(digest_ids)) == 3


async def test_old_digests_raise_no_alerts(harness: IngestHarness) -> None:
    for number, day in enumerate(("2025-12-30", "2025-12-31", "2026-01-04", "2026-01-05"), 1):
        await harness.add(newsletter(paper(number), day=day), day)
    assert len(harness.notified) == 2
