"""Listings in storage: growing, shrinking and repeated lists, on both database engines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.archive import listing
from storage import archive, models, papers, tables
from tests.support.ingest_harness import DAY, IngestHarness, newsletter, paper
from tests.support.source_payloads import listing_text

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
