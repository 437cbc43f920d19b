"""Corrections, listings and notifications through the ingest service, and merging of facts about a paper."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bot.archive import digest_writer, listing
from storage import archive, papers, tables
from storage.models import FILES_RANK, Appearance, DigestFormat, Entry, MergedPaper, PaperFacts, SourceRank
from tests.support.ingest_harness import DAY, IngestHarness, newsletter, paper
from tests.support.source_payloads import listing_text


async def test_a_new_text_at_a_known_location_is_a_correction(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1), paper(2, authors="Bea Long"), paper(3)))
    result = await harness.add(newsletter(paper(1, title="Better", votes=7), paper(3), paper(4)))
    assert (result.written, result.new_papers) == (1, 1)
    assert await harness.titles() == ["Better", "Paper 3", "Paper 4"]
    [first, second] = harness.notified
    assert (len(first), len(second)) == (3, 1)
    assert await harness.db.fetch(papers.get_detail, "2601.00002") is None
    assert await harness.author_counts() == {"Ada Byron": 3, "Bea Long": 0}


async def test_digests_older_than_three_days_do_not_notify(harness: IngestHarness) -> None:
    for number, day in enumerate(("2025-12-30", "2025-12-31", "2026-01-04", "2026-01-11"), 1):
        await harness.add(newsletter(paper(number), day=day), day)
    assert len(harness.notified) == 3


async def test_same_text_at_two_locations_becomes_two_digests(harness: IngestHarness) -> None:
    old, new = newsletter(paper(1)), newsletter(paper(1, title="New"))
    await harness.add(old, "https://one/", "one")
    await harness.add(old, "https://two/", "two")
    await harness.add(new, "https://one/", "one")
    for _ in range(2):
        assert not (await harness.add(old, "https://two/", "two")).written
        assert not (await harness.add(new, "https://one/", "one")).written
    assert await harness.count(tables.digests) == 2
    assert len(await harness.titles()) == 1


ON = date.fromisoformat(DAY)
PLACE = "https://huggingface.co/api/daily_papers?date=2026-01-02"
A, B, C = "2601.00001", "2601.00002", "2601.00003"


async def add(harness: IngestHarness, ids: Sequence[str], location: str = PLACE, **fields: object) -> int:
    """Ingest a listing and return how many digests were written."""
    result = await harness.add(
        listing_text(ON, ids, **fields), location, source=location.partition("/api")[0]
    )
    return result.written


async def stored_ids(harness: IngestHarness) -> list[list[str]]:
    """Return the papers in each stored digest, oldest digest first."""
    async with harness.db.read() as connection:
        rows = await archive.list_rows(connection)
        return [
            [entry.paper_key for entry in await archive.list_entries_by_digest(connection, row.id)]
            for row in reversed(rows)
        ]


async def test_papers_added_to_a_list_are_notified_and_removed_ones_stay(harness: IngestHarness) -> None:
    assert await add(harness, [A, B]) == 1
    assert await add(harness, [B, A], votes=80, comments=12) == 0, "votes and order are no correction"
    assert await add(harness, [B]) == 0
    assert await add(harness, [B], votes=90) == 0
    assert await add(harness, [B, C]) == 1
    assert await stored_ids(harness) == [[B, C, A]]
    assert await add(harness, [A, B]) == 0
    assert await stored_ids(harness) == [[B, C, A]]
    assert await harness.count(tables.digests) == 1
    assert [len(papers) for papers in harness.notified] == [2, 1]
    assert [result.written async for result in harness.ingest.reparse_all()] == [0]


NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
ENTRY = Entry(1, "2601.00001", "From a newsletter", "https://arxiv.org/abs/2601.00001", votes=5)
NEWSLETTER = Appearance(1, DigestFormat.NEWSLETTER, ON, "ko", ENTRY)
REVIEW = Appearance(
    2,
    DigestFormat.REVIEW,
    ON + timedelta(days=1),
    "ko",
    replace(ENTRY, title="A review's heading", votes=None),
)
FACTS = PaperFacts("2601.00001", "huggingface", "https://huggingface.co", NOW)
FACTS = replace(FACTS, title="From the service", authors=("A B", "C D"))


def newsletter_entry(**values: Any) -> Appearance:
    return replace(NEWSLETTER, entry=replace(ENTRY, **values))


def merged(*statements: Appearance | PaperFacts) -> MergedPaper:
    return digest_writer.merge(
        "2601.00001",
        [statement for statement in statements if isinstance(statement, Appearance)],
        [statement for statement in statements if isinstance(statement, PaperFacts)],
    )


ARXIV = replace(FACTS, source="arxiv", title="From arXiv", authors=("C D", "A B"))
FEED = replace(FACTS, source="https://feed", source_rank=SourceRank(-100, 1), title="Feed", code_stars=3)
LISTED = replace(FACTS, listed_on=ON, organization="A Lab", code_stars=1200)
COUNTED = replace(FACTS, votes=20)
STRANGER = replace(
    newsletter_entry(title="FREE NITRO", url="https://arxiv.org/abs/2601.00001?free", votes=9, thumbnail="theirs"),
    digest_id=9, date=ON + timedelta(days=1), source_rank=SourceRank(0, 7), ingested_on=ON,
)  # fmt: skip
NEWER = replace(newsletter_entry(title="Newer", votes=8), digest_id=3, date=ON + timedelta(days=9))
AHEAD = replace(STRANGER, source_rank=FILES_RANK, date=date(2031, 1, 1))
STORED = replace(NEWSLETTER, ingested_on=ON)
ANNOUNCED = replace(NEWSLETTER, format=DigestFormat.LOOKUP, date=ON + timedelta(days=3))
ABSTRACT_PAGE, LIST_PAGE = "https://arxiv.org/abs/2601.00001", "https://huggingface.co/papers/2601.00001"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([REVIEW], {"title": "A review's heading"}),
        ([REVIEW, NEWSLETTER], {"title": "From a newsletter"}),
        ([NEWSLETTER, NEWER], {"title": "Newer", "votes": 8}),
        ([REVIEW, FEED, FACTS, NEWSLETTER], {"title": "From the service", "authors": ("A B", "C D")}),
        ([REVIEW, FACTS, ARXIV, NEWSLETTER], {"title": "From arXiv", "authors": ("C D", "A B")}),
        *(
            ([replace(NEWSLETTER, source_rank=source_rank), STRANGER], {"title": ENTRY.title, "votes": 5, "thumbnail": "theirs"})
            for source_rank in (SourceRank(0, 3), SourceRank(-1, 8), FILES_RANK)
        ),
        ([replace(STRANGER, source_rank=SourceRank(-99, 7)), FACTS], {"title": "From the service", "url": ABSTRACT_PAGE}),
        # The latest count of a service, though a newer digest says more.
        ([NEWER, COUNTED, replace(COUNTED, read_at=NOW - timedelta(days=30), votes=3)], {"votes": 20, "votes_read_at": NOW}),
        ([FEED, NEWSLETTER, LISTED], {"organization": "A Lab", "code_stars": 1200}),
        ([STORED, AHEAD], {"title": ENTRY.title, "votes": 5, "last_on": ON + timedelta(days=1)}),
        ([NEWSLETTER, replace(FEED, listed_on=date(2999, 1, 1))], {"last_on": ON + timedelta(days=1)}),
        ([ANNOUNCED, NEWSLETTER], {"first_on": ON, "last_on": ON}),
        ([ANNOUNCED], {"first_on": ON + timedelta(days=3), "last_on": ON + timedelta(days=3)}),
        ([], {"url": ABSTRACT_PAGE, "last_on": None, "votes": None}),
        ([newsletter_entry(url="https://else")], {"url": "https://else"}),
        ([newsletter_entry(url="https://else"), ARXIV], {"url": ABSTRACT_PAGE}),
        ([newsletter_entry(url="https://else"), ARXIV, LISTED], {"url": LIST_PAGE}),
    ],
)  # fmt: skip
def test_each_field_has_the_highest_ranked_non_empty_value(
    statements: list[Appearance | PaperFacts], expected: dict[str, object]
) -> None:
    paper = merged(*statements)
    assert {name: getattr(paper, name) for name in expected} == expected
    assert merged(*reversed(statements)) == paper, "in any order"


def test_only_services_may_list_two_authors_with_the_same_name() -> None:
    authors = ("A", "a", "B  C", "B C", "A")
    digest = newsletter_entry(authors=authors, authors_truncated=True)
    assert (merged(digest).authors, merged(digest).authors_truncated) == (("A", "B  C"), True)
    assert merged(digest, replace(FACTS, authors=authors)).authors == authors
    assert merged(replace(digest, format=DigestFormat.LISTING)).authors == authors


def rolling(*numbers: int, address: str = "https://arxiv.org/abs/2601.{:05}") -> str:
    return "".join(f"- [A Paper about Kites, Number {k}]({address.format(k)})\n" for k in numbers)


async def keys(harness: IngestHarness, on: str) -> list[str]:
    return sorted(row.key for row in await harness.rows(on))


async def test_rolling_list_adds_only_new_papers_after_its_first_read(harness: IngestHarness) -> None:
    first = await harness.add(rolling(*range(1, 31)), "list.md")
    assert (first.written, first.new_papers, harness.notified) == (1, 30, [])
    assert not await harness.rows("2026-01-03")
    again = await harness.add(rolling(*range(1, 31)), "list.md")
    assert again.written == 0
    later = await harness.add(rolling(31, *range(3, 31)), "list.md")
    assert (later.written, later.new_papers, len(harness.notified)) == (1, 1, 1)
    same_day = await harness.add(rolling(32, 31, *range(5, 31)), "list.md")
    assert (same_day.written, same_day.new_papers) == (1, 1)
    assert await keys(harness, "2026-01-03") == ["2601.00031", "2601.00032"]
    assert not (await harness.add(rolling(32, 31, *range(5, 31)), "list.md")).written


async def test_a_list_with_former_keys_of_papers_lists_none_of_them_again(harness: IngestHarness) -> None:
    """Two of them are found to be of arXiv; the list goes on naming their DOIs, without dates and with one."""
    by_doi = partial(rolling, address="https://doi.org/10.1234/kites.{}")
    await harness.add(by_doi(*range(1, 7)), "list.md")
    await harness.add(f"# 2026-01-02\n{by_doi(7)}", "days.md")
    for k in (2, 7):
        names = (f"doi/10.1234/kites.{k}",)
        title = f"A Paper about Kites, Number {k}"
        facts = PaperFacts(f"2601.0000{k}", "arxiv", "u", NOW + timedelta(days=1), title=title, names=names)
        await harness.ingest.add_facts([facts])
    assert (await harness.add(by_doi(8, *range(1, 7)), "list.md")).new_papers == 1
    assert await keys(harness, "2026-01-03") == ["doi/10.1234/kites.8"]
    assert await keys(harness, "2026-01-02") == ["2601.00007"]
    await harness.add(f"# 2026-01-01\n{by_doi(7)}", "days.md")
    assert await keys(harness, "2026-01-01") == ["2601.00007"]
    assert not await harness.rows("2026-01-02"), "its papers are under another date now"


async def test_a_paper_without_a_date_joins_a_day_of_its_text_that_is_today(harness: IngestHarness) -> None:
    dated = f"\n# 2026-01-03\n{rolling(9)}"
    await harness.add(rolling(1) + dated, "list.md")
    await harness.add(rolling(1, 2) + dated, "list.md")
    assert await keys(harness, "2026-01-03") == ["2601.00002", "2601.00009"]


@pytest.mark.parametrize(("gained", "form"), [(100, DigestFormat.LIST), (101, DigestFormat.LOOKUP)])
async def test_a_known_page_that_gains_over_a_hundred_papers_at_once_is_for_look_up(
    harness: IngestHarness, gained: int, form: DigestFormat
) -> None:
    async def read(first: int, last: int) -> None:
        listed = [{"arxiv_id": f"2601.{number:05}"} for number in range(first, last)]
        digest = listing.build(date.fromisoformat(DAY), listed, form=DigestFormat.LIST, is_rolling=True)
        await harness.ingest.put("https://a.example", "list", [digest])

    await read(1, 200)
    await read(1, 200 + gained)
    origin = archive.Origin("https://a.example", True)
    [before, after] = await harness.db.fetch(archive.list_rows, origin=origin)
    assert {before.format, after.format} == {DigestFormat.LIST, form}
    await read(1, 201 + gained)
    assert len(await harness.db.fetch(archive.list_rows, origin=origin)) == 2
