"""Corrections, locations, listings and notifications, through the ingest service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.archive import listing
from storage import archive, authors, models, papers, tables
from tests.support.ingest_harness import DAY, IngestHarness, newsletter, paper
from tests.support.source_payloads import listing_text


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


ON = date.fromisoformat(DAY)
PLACE = "https://huggingface.co/api/daily_papers?date=2026-01-02"
A, B, C = "2601.00001", "2601.00002", "2601.00003"


async def add(
    harness: IngestHarness, ids: Sequence[str], location: str = PLACE, **fields: object
) -> tuple[int, int]:
    """Ingest a listing; returns how many digests are new and how many corrected."""
    result = await harness.add(
        listing_text(ON, ids, **fields), location, source=location.partition("/api")[0]
    )
    return result.new_digests, result.corrected_digests


async def stored_ids(harness: IngestHarness) -> list[list[str]]:
    """Return the papers of each stored digest, oldest digest first."""
    async with harness.db.read() as connection:
        rows = await archive.list_rows(connection)
        return [
            [entry.arxiv_id for entry in await archive.list_entries_by_digest(connection, row.id)]
            for row in reversed(rows)
        ]


async def test_other_votes_are_no_correction(harness: IngestHarness) -> None:
    assert await add(harness, [A, B]) == (1, 0)
    assert await add(harness, [B, A], votes=80, comments=12) == (0, 0)
    assert len(harness.notified) == 1


async def test_a_list_that_grows_is_corrected_and_tells_of_the_added_paper_alone(
    harness: IngestHarness,
) -> None:
    await add(harness, [A])
    assert await add(harness, [C, A], votes=33) == (0, 1)
    [(_, first, _), (_, added, revision)] = harness.notified
    assert (len(first), len(added), revision) == (1, 1, 2)
    assert harness.changed_ids[-1] == set(added)
    assert await stored_ids(harness) == [[C, A]]


async def test_a_list_that_shrinks_loses_nothing(harness: IngestHarness) -> None:
    await add(harness, [A, B])
    assert await add(harness, [B]) == (0, 0)
    assert await add(harness, [B], votes=90) == (0, 0)
    assert await add(harness, [B, C]) == (0, 1)
    assert await stored_ids(harness) == [[B, C, A]]
    assert await add(harness, [A, B]) == (0, 0)
    assert await stored_ids(harness) == [[B, C, A]]
    assert await harness.count(tables.digests) == 1
    assert len(harness.notified) == 2


async def test_the_same_list_from_two_endpoints_is_one_digest_in_two_places(harness: IngestHarness) -> None:
    mirror = PLACE.replace("huggingface.co", "mirror.example")
    await add(harness, [A])
    assert await add(harness, [A], mirror, votes=99) == (0, 0)
    assert await add(harness, [A, B]) == (0, 1)
    assert await add(harness, [A, B], mirror) == (0, 0)
    assert await stored_ids(harness) == [[A, B]]
    assert await harness.count(tables.digest_locations) == 2


async def test_different_lists_of_a_day_from_two_endpoints_are_merged_paper_by_paper(
    harness: IngestHarness,
) -> None:
    mirror = PLACE.replace("huggingface.co", "mirror.example")
    await add(harness, [A])
    assert await add(harness, [A, B], mirror, title="From the mirror") == (1, 0)
    assert sorted(row.arxiv_id for row in await harness.rows()) == [A, B]
    # A shrunk list that looks like the other endpoint's keeps its own papers.
    await add(harness, [A], mirror)
    assert sorted(row.arxiv_id for row in await harness.rows()) == [A, B]


async def test_a_written_digest_of_the_day_adds_to_the_listing(harness: IngestHarness) -> None:
    await add(harness, [A], title="As listed")
    result = await harness.add(newsletter(paper(1, title="As written")), "a.md")
    assert (result.new_digests, result.new_papers) == (1, 0)
    async with harness.db.read() as connection:
        detail = await papers.get_detail(connection, A)
    assert detail is not None
    assert detail.title == "As written"
    assert {appearance.format for appearance in detail.appearances} == {
        models.DigestFormat.NEWSLETTER,
        models.DigestFormat.LISTING,
    }


async def test_the_stored_text_parses_again_to_what_is_stored(harness: IngestHarness) -> None:
    await add(harness, [A, B])
    await add(harness, [B, C])
    results = [result async for result in harness.ingest.reparse_all()]
    assert [result.corrected_digests for result in results] == [0]
    async with harness.db.read() as connection:
        [row] = await archive.list_rows(connection)
        text = await archive.get_text(connection, row.id)
    [digest] = listing.parse_text(text or "")
    assert [entry.arxiv_id for entry in digest.entries] == [B, C, A]


async def test_a_listing_dated_in_the_future_is_stored_and_notifies_nobody(harness: IngestHarness) -> None:
    await harness.add(listing_text(date(2026, 2, 1), [A]), PLACE)
    assert await stored_ids(harness) == [[A]]
    assert harness.notified == []
