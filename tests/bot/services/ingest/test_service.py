"""Ingest through its real surface: texts in, rows out, on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import errors
from bot.digests import parse
from bot.services.ingest import files as ingest_files
from bot.services.ingest import service
from bot.services.ingest.results import IngestProblem, IngestResult
from storage import authors, database, digests, entries, models, papers, tables
from storage.database import Connection
from tests.support.recording_indexer import NullIndexer, RecordingIndexer

NOW = datetime(2026, 1, 3, 9, tzinfo=UTC)
DAY = "2026-01-02"


def clock() -> datetime:
    return NOW


def paper(
    number: int = 1, *, title: str | None = None, votes: int | None = 5, authors: str = "Ada Byron"
) -> str:
    return (
        f"### [{title or f'Paper {number}'}](https://arxiv.org/abs/2601.{number:05})\n\n"
        f"Vote: {'-' if votes is None else votes}\n\nAuthors: {authors}\n\n- ***What's New***: Summary of {number}.\n\n"
    )


def newsletter(*found: str, day: str = DAY) -> str:
    return f"## Daily Papers ({day})\n\n" + "".join(found or (paper(),))


def texts(*folders: Path) -> list[ingest_files.TextFile]:
    return [
        found
        for found in ingest_files.read_files(map(str, folders))
        if isinstance(found, ingest_files.TextFile)
    ]


class Library:
    """An ingest with what it was wired to."""

    def __init__(self, db: database.Database) -> None:
        self.db = db
        self.index = RecordingIndexer()
        self.told: list[tuple[int, Sequence[int], int]] = []
        self.fails = False
        self.ingest = service.IngestService(db, clock, self.index, on_fresh_digest=self.on_fresh)

    async def on_fresh(
        self, connection: Connection, digest_id: int, paper_ids: Sequence[int], revision: int
    ) -> None:
        if self.fails:
            raise RuntimeError("the power went out")
        self.told.append((digest_id, paper_ids, revision))

    async def add(self, text: str, place: str = "a.md", source: str = "files") -> IngestResult:
        return await self.ingest.add_text(text, source=source, location=place)

    async def rows(self, on: str = DAY) -> list[models.PaperRow]:
        async with self.db.read() as connection:
            return await papers.list_by_date(connection, date.fromisoformat(on))

    async def titles(self, on: str = DAY) -> list[str | None]:
        return [row.title for row in await self.rows(on)]

    async def count(self, table: sa.Table) -> int:
        async with self.db.read() as connection:
            return int((await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())

    async def counts(self) -> dict[str, int]:
        return {table.name: await self.count(table) for table in tables.metadata.sorted_tables}


@pytest.fixture
def library(db: database.Database) -> Library:
    return Library(db)


async def test_what_was_ingested_is_found_whole(library: Library) -> None:
    result = await library.add(newsletter(paper(1, votes=3), paper(2, votes=None), paper(3, votes=9)))
    assert (result.digests, result.papers, result.new_papers, result.problems) == (1, 3, 3, ())
    assert [(row.title, row.votes) for row in await library.rows()] == [
        ("Paper 3", 9),
        ("Paper 1", 3),
        ("Paper 2", None),
    ]
    async with library.db.read() as connection:
        detail = await papers.get_detail(connection, "2601.00001")
        extent = await papers.get_extent(connection)
    assert detail is not None
    assert detail.authors == ("Ada Byron",)
    assert detail.appearances[0].entry.sections == (models.Section("What's New", "Summary of 1."),)
    assert (extent.digest_count, extent.paper_count, extent.first_on) == (1, 3, date(2026, 1, 2))
    assert library.index.titles == {"Paper 1", "Paper 2", "Paper 3"}
    assert [person.paper_count for person in library.index.authors.values()] == [3]


async def test_second_ingest_of_the_same_text_adds_nothing(library: Library) -> None:
    await library.add(newsletter())
    before = await library.counts()
    for place in ("a.md", "b.md"):
        result = await library.add(newsletter().replace("\n", "\r\n"), place)
        assert (result.digests, result.papers, result.new_papers, result.changed) == (1, 1, 0, False)
    before["digest_places"] += 1
    assert await library.counts() == before
    assert len(library.told) == 1


async def test_new_text_at_the_same_place_is_a_correction(library: Library) -> None:
    await library.add(newsletter(paper(1), paper(2, authors="Bea Long"), paper(3)))
    result = await library.add(newsletter(paper(1, title="Better", votes=7), paper(3), paper(4)))
    assert (result.new_digests, result.corrected_digests, result.new_papers) == (0, 1, 1)
    assert await library.titles() == ["Better", "Paper 3", "Paper 4"]
    assert library.index.titles == {"Better", "Paper 3", "Paper 4"}
    [first, second] = library.told
    assert first[0] == second[0]
    assert (len(first[1]), len(second[1]), second[2]) == (3, 1, 2)
    async with library.db.read() as connection:
        assert await papers.get_detail(connection, "2601.00002") is None
        stored = (await digests.list_rows(connection))[0]
        assert await digests.get_text(connection, stored.id) is not None
        ids = await authors.set_authors(connection, {})
    assert stored.revision == 2
    assert ids == []
    assert {person.name: person.paper_count for person in library.index.authors.values()} == {
        "Ada Byron": 3,
        "Bea Long": 0,
    }


async def test_a_paper_that_comes_back_is_listed_again(library: Library) -> None:
    for found in ([paper(1), paper(2)], [paper(1)], [paper(1), paper(2)]):
        await library.add(newsletter(*found))
    assert await library.titles() == ["Paper 1", "Paper 2"]
    assert library.index.titles == {"Paper 1", "Paper 2"}
    assert await library.count(tables.papers) == 2


async def test_a_correction_touches_nothing_that_other_digests_said(library: Library) -> None:
    await library.add(newsletter(paper(1), paper(2), day="2026-01-01"), "first.md")
    await library.add(newsletter(paper(1), paper(2)), "second.md")
    await library.add(newsletter(paper(1)), "second.md")
    assert await library.titles("2026-01-01") == ["Paper 1", "Paper 2"]
    assert await library.titles() == ["Paper 1"]
    [_, two] = await library.rows("2026-01-01")
    assert two.date == date(2026, 1, 1)


async def test_the_same_date_elsewhere_is_another_digest_and_lists_are_merged(library: Library) -> None:
    await library.add(newsletter(paper(1), paper(2)), "a.md")
    await library.add(newsletter(paper(2), paper(3)), "b.md")
    assert await library.count(tables.digests) == 2
    assert await library.titles() == ["Paper 1", "Paper 2", "Paper 3"]


async def test_two_mirrors_of_which_one_lags_never_flip_flop(library: Library) -> None:
    old, new = newsletter(paper(1)), newsletter(paper(1, title="New"))
    await library.add(old, "https://one/", "one")
    await library.add(old, "https://two/", "two")
    await library.add(new, "https://one/", "one")
    for _ in range(2):
        assert not (await library.add(old, "https://two/", "two")).changed
        assert not (await library.add(new, "https://one/", "one")).changed
    assert not (await library.add(old, "https://three/", "three")).changed
    assert not (await library.add(new, "https://two/", "two")).changed
    assert await library.titles() == ["New"]
    assert await library.count(tables.digests) == 1


async def test_a_place_that_takes_its_correction_back_is_believed(library: Library) -> None:
    for title in ("Old", "New", "Old", "New"):
        await library.add(newsletter(paper(1, title=title)))
        assert await library.titles() == [title]
    async with library.db.read() as connection:
        assert (await digests.list_rows(connection))[0].revision == 4


async def test_a_place_that_turns_to_another_digest_leaves_no_orphan(library: Library) -> None:
    await library.add(newsletter(paper(1)), "a.md")
    await library.add(newsletter(paper(2)), "b.md")
    await library.add(newsletter(paper(2)), "a.md")
    assert await library.titles() == ["Paper 2"]
    assert await library.count(tables.digests) == 1
    assert library.index.titles == {"Paper 2"}


async def test_the_id_of_a_forgotten_digest_is_never_given_again(library: Library) -> None:
    await library.add(newsletter(paper(1)), "a.md")
    await library.add(newsletter(paper(2)), "b.md")
    await library.add(newsletter(paper(1)), "b.md")
    await library.add(newsletter(paper(3)), "c.md")
    told = [digest_id for digest_id, _, _ in library.told]
    assert len(told) == len(set(told)) == 3


async def test_a_mistaken_date_is_corrected_too(library: Library) -> None:
    await library.add(newsletter(paper(1), paper(2), day="2026-01-20"))
    await library.add(newsletter(paper(1), paper(2)))
    assert await library.titles("2026-01-20") == []
    assert await library.titles() == ["Paper 1", "Paper 2"]


async def test_a_page_that_shows_each_day_anew_keeps_the_days_before(library: Library) -> None:
    await library.add(newsletter(paper(1), day="2026-01-01"), "https://one/latest")
    await library.add(newsletter(paper(2)), "https://one/latest")
    assert (await library.titles("2026-01-01"), await library.titles()) == (["Paper 1"], ["Paper 2"])


async def test_a_crash_in_the_middle_leaves_nothing_of_the_digest(library: Library) -> None:
    await library.add(newsletter(paper(1), day="2026-01-01"), "first.md")
    before, indexed = await library.counts(), dict(library.index.papers)
    library.fails = True
    with pytest.raises(RuntimeError):
        await library.add(newsletter(paper(1, title="Changed"), paper(2)))
    assert await library.counts() == before
    library.fails = False
    library.index.papers = indexed
    assert (await library.add(newsletter(paper(1), paper(2)))).new_papers == 1


async def test_a_dry_run_says_what_would_change_and_changes_nothing(library: Library) -> None:
    found = await asyncio.to_thread(parse.parse_text, newsletter())
    result = await library.ingest.add_digests(found, location="a.md", dry_run=True)
    assert (result.new_digests, result.new_papers) == (1, 1)
    assert set((await library.counts()).values()) == {0}


async def test_old_digests_raise_no_alerts(library: Library) -> None:
    for number, day in enumerate(("2025-12-30", "2025-12-31", "2026-01-04", "2026-01-05"), 1):
        await library.add(newsletter(paper(number), day=day), day)
    assert len(library.told) == 2


async def test_reading_again_changes_nothing_while_the_parser_is_the_same(library: Library) -> None:
    await library.add(newsletter(paper(1), paper(2)) + newsletter(paper(2), day="2026-01-01"))
    library.told.clear()
    results = [result async for result in library.ingest.reparse_all()]
    assert [(one.digests, one.changed) for one in results] == [(1, False), (1, False)]
    assert library.told == []


async def test_reading_again_takes_what_a_better_parser_finds(library: Library) -> None:
    await library.add(newsletter(paper(1), paper(2)))
    async with library.db.transaction() as connection:
        await connection.execute(tables.entries.update().values(title="Misread"))
        await connection.execute(tables.papers.update().values(title="Misread"))
    library.told.clear()
    [result] = [one async for one in library.ingest.reparse_all()]
    assert (result.corrected_digests, library.told) == (1, [])
    assert await library.titles() == ["Paper 1", "Paper 2"]
    async with library.db.read() as connection:
        assert (await digests.list_rows(connection))[0].revision == 1


async def test_what_services_say_fills_in_what_digests_lack(library: Library) -> None:
    await library.add(newsletter(paper(1, votes=None)))
    said = models.PaperFacts(
        "2601.00001",
        "huggingface",
        "https://hf",
        NOW,
        authors=("Ada Byron", "Bea Long"),
        votes=12,
        abstract="About",
        code_url="https://code",
        keywords=("rl",),
    )
    hidden = models.PaperFacts("2601.09999", "arxiv", "https://ax", NOW, title="Unlisted")
    listed = models.PaperFacts(
        "2601.08888", "feed", "https://ax", NOW, title="Listed", listed_on=date(2026, 1, 1)
    )
    await library.ingest.add_facts([said, hidden, listed])
    async with library.db.read() as connection:
        detail = await papers.get_detail(connection, "2601.00001")
        assert await papers.get_detail(connection, "2601.09999") is None
        assert await papers.get_detail(connection, "2601.08888") is not None
    assert detail is not None
    assert (detail.votes, detail.votes_read_at, detail.abstract) == (12, NOW, "About")
    assert detail.authors == ("Ada Byron", "Bea Long")
    assert detail.keywords == ("rl",)
    await library.add(newsletter(paper(9999, title="Now listed", votes=1)), "b.md")
    assert "Now listed" in await library.titles()


async def test_a_back_fill_never_lowers_newer_votes(library: Library) -> None:
    await library.add(newsletter(paper(1, votes=50)), "new.md")
    await library.add(newsletter(paper(1, votes=9), day="2025-12-01"), "old.md")
    await library.ingest.add_facts(
        [models.PaperFacts("2601.00001", "huggingface", "", datetime(2025, 12, 31, tzinfo=UTC), votes=20)]
    )
    assert [row.votes for row in await library.rows()] == [50]


async def test_hostile_texts_are_stored_as_far_as_a_database_can(library: Library) -> None:
    many = ", ".join(f"Author Number{n}" for n in range(700))
    long = "X" * 5000
    text = newsletter(
        *(
            paper(number, authors=many if number == 1 else "A\0da \ud800", votes=999_999_999)
            for number in range(1, 71)
        ),
        paper(71, title="T\0itle " + long, authors=long),
    )
    result = await library.add(text, "p" * 5000)
    assert result.new_papers == 71
    assert not (await library.add(text, "p" * 5000)).changed
    async with library.db.read() as connection:
        detail = await papers.get_detail(connection, "2601.00001")
    assert detail is not None
    assert len(detail.authors) == 700


async def test_a_text_without_digest_is_refused_by_name(library: Library) -> None:
    with pytest.raises(errors.NotADigestError):
        await library.add("# Shopping list")


async def test_a_day_without_papers_is_a_digest_too(library: Library) -> None:
    await library.add(f"## Daily Papers ({DAY})\n")
    assert await library.count(tables.digests) == 1
    assert await library.rows() == []


async def test_concurrent_ingests_of_one_text_store_it_once(library: Library) -> None:
    results = await asyncio.gather(*(library.add(newsletter(), f"{n}.md") for n in range(8)))
    assert sum(result.new_papers for result in results) == 1
    assert await library.count(tables.digests) == 1


async def test_an_archive_goes_in_whole_whatever_stands_in_it_twice(library: Library) -> None:
    files: list[ingest_files.TextFile | IngestProblem] = [
        ingest_files.TextFile("a.md", newsletter(paper(1), paper(2))),
        ingest_files.TextFile("mirror.md", newsletter(paper(1), paper(2))),
        IngestProblem("b.bin", None, "it is binary"),
        ingest_files.TextFile("c.md", newsletter(paper(2), paper(3), day="2026-01-01")),
        ingest_files.TextFile("d.md", "no digest"),
        ingest_files.TextFile("c.md", newsletter(paper(3), day="2026-01-01")),
        *(
            ingest_files.TextFile(f"{n}.md", newsletter(paper(n), day=f"2025-11-{n:02}"))
            for n in range(4, 30)
        ),
    ]
    results = [one async for one in library.ingest.add_files(files)]
    total = sum((result for _, result in results), IngestResult())
    assert {name for name, _ in results} == {
        file.location if isinstance(file, IngestProblem) else file.name for file in files
    }
    assert (total.new_digests, total.corrected_digests, total.new_papers) == (28, 1, 29)
    assert [problem.message for problem in total.problems] == [
        "it is binary",
        "it has no heading with a date",
    ]
    assert await library.titles("2026-01-01") == ["Paper 3"]
    assert (await library.rows())[1].date == date(2026, 1, 2)
    again = [result.changed async for _, result in library.ingest.add_files(files[:3])]
    assert again == [False, False, False]


async def test_a_digest_that_cannot_be_stored_takes_no_other_with_it(library: Library) -> None:
    async def refuse(connection: Connection, digest_id: int, paper_ids: Sequence[int], revision: int) -> None:
        if (await papers.list_rows(connection, list(paper_ids)))[0].title == "Bad":
            raise RuntimeError("refused")

    library.ingest = service.IngestService(library.db, clock, NullIndexer(), on_fresh_digest=refuse)
    files = [
        ingest_files.TextFile("a.md", newsletter(paper(1))),
        ingest_files.TextFile("b.md", newsletter(paper(2, title="Bad"), day="2026-01-01")),
        ingest_files.TextFile("c.md", newsletter(paper(3), day="2026-01-03")),
    ]
    with pytest.raises(RuntimeError):
        [one async for one in library.ingest.add_files(files)]
    assert await library.count(tables.digests) == 2
    assert await library.titles("2026-01-01") == []
    assert await library.titles("2026-01-03") == ["Paper 3"]


async def test_the_seeds_twice_add_nothing_the_second_time(sqlite_db: database.Database, seeds: Path) -> None:
    library = Library(sqlite_db)
    for expected in (True, False):
        results = [await library.add(file.text, file.name) for file in texts(seeds)]
        assert sum(result.digests for result in results) == 4
        assert any(result.new_papers for result in results) is expected
    async with sqlite_db.read() as connection:
        detail = await papers.get_detail(connection, "2502.02737")
    assert detail is not None
    assert (detail.votes, len(detail.authors), detail.appearances[0].language) == (81, 22, "ko")


async def test_all_files_of_the_archive_go_in(db: database.Database, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue("archive")
    library = Library(db)
    result = IngestResult()
    for file in texts(folder / "newsletter", folder / "review"):
        result += await library.add(file.text, file.name)
    assert (result.digests, result.new_digests) == (69, 69)
    assert result.papers == result.new_papers == len(library.index.papers)
    async with db.read() as connection:
        newest = (await digests.list_rows(connection))[0]
        whole = await entries.list_by_digest(connection, newest.id)
    assert whole
