"""Texts from several locations and dates, through the ingest service on both database engines."""

from __future__ import annotations

from storage import archive, tables
from tests.support.ingest_harness import IngestHarness, newsletter, paper


async def test_the_same_date_at_another_location_is_another_digest_and_lists_are_merged(
    harness: IngestHarness,
) -> None:
    await harness.add(newsletter(paper(1), paper(2)), "a.md")
    await harness.add(newsletter(paper(2), paper(3)), "b.md")
    assert await harness.count(tables.digests) == 2
    assert await harness.titles() == ["Paper 1", "Paper 2", "Paper 3"]


async def test_an_outdated_mirror_does_not_revert_a_correction(harness: IngestHarness) -> None:
    old, new = newsletter(paper(1)), newsletter(paper(1, title="New"))
    await harness.add(old, "https://one/", "one")
    await harness.add(old, "https://two/", "two")
    await harness.add(new, "https://one/", "one")
    for _ in range(2):
        assert not (await harness.add(old, "https://two/", "two")).changed
        assert not (await harness.add(new, "https://one/", "one")).changed
    assert not (await harness.add(old, "https://three/", "three")).changed
    assert not (await harness.add(new, "https://two/", "two")).changed
    assert await harness.titles() == ["New"]
    assert await harness.count(tables.digests) == 1


async def test_a_location_may_revert_its_correction(harness: IngestHarness) -> None:
    for title in ("Old", "New", "Old", "New"):
        await harness.add(newsletter(paper(1, title=title)))
        assert await harness.titles() == [title]
    async with harness.db.read() as connection:
        assert (await archive.list_rows(connection))[0].revision == 4


async def test_a_wrong_date_is_corrected(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1), paper(2), day="2026-01-20"))
    await harness.add(newsletter(paper(1), paper(2)))
    assert await harness.titles("2026-01-20") == []
    assert await harness.titles() == ["Paper 1", "Paper 2"]


async def test_a_page_with_a_new_list_every_day_keeps_the_earlier_days(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1), day="2026-01-01"), "https://one/latest")
    await harness.add(newsletter(paper(2)), "https://one/latest")
    assert (await harness.titles("2026-01-01"), await harness.titles()) == (["Paper 1"], ["Paper 2"])
