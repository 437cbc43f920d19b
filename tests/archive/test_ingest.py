"""Ingest: files, texts and facts go in, rows come out."""

import asyncio
import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.archive import ingest, parse
from bot.archive.digest_writer import IngestResult
from bot.archive.files import TextFile, find_files, read_file
from bot.core.files import LocatedProblem
from storage import papers, tables
from storage.database import Connection
from storage.models import PaperFacts, Section
from tests.support import paper_records, source_payloads
from tests.support.ingest_harness import NOW, IngestHarness, newsletter, paper

both_engines = pytest.mark.engines("sqlite", "postgresql")


@both_engines
async def test_stores_a_digest_completely(harness: IngestHarness) -> None:
    result = await harness.add(newsletter(paper(1, votes=3), paper(2, votes=None), paper(3, votes=9)))
    assert (result.digests, result.papers, result.new_papers, result.problems) == (1, 3, 3, ())
    assert [(row.title, row.votes) for row in await harness.rows()] == [
        ("Paper 3", 9),
        ("Paper 1", 3),
        ("Paper 2", None),
    ]
    async with harness.db.read() as connection:
        detail = await papers.get_detail(connection, "2601.00001")
        extent = await papers.get_extent(connection, until_on=date.max)
    assert detail is not None
    assert detail.appearances[0].entry.sections == (Section("What's New", "Summary of 1."),)
    assert (extent.paper_count, extent.first_on) == (3, date(2026, 1, 2))
    assert await harness.author_counts() == {"Ada Byron": 3}


@both_engines
async def test_failed_ingest_stores_no_part_of_the_digest(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1), day="2026-01-01"), "first.md")
    before = await harness.counts()
    harness.is_failing = True
    with pytest.raises(RuntimeError):
        await harness.add(newsletter(paper(1, title="Changed"), paper(2)))
    assert await harness.counts() == before
    harness.is_failing = False
    assert (await harness.add(newsletter(paper(1), paper(2)))).new_papers == 1


async def test_reparsing_corrects_misread_papers_without_notifying(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1), paper(2)))
    async with harness.db.transaction() as connection:
        await connection.execute(tables.entries.update().values(title="Misread"))
        await connection.execute(tables.papers.update().values(title="Misread"))
    harness.notified.clear()
    assert [result.written async for result in harness.ingest.reparse_all()] == [1]
    assert [result.written async for result in harness.ingest.reparse_all()] == [0]
    assert harness.notified == []
    assert await harness.titles() == ["Paper 1", "Paper 2"]


@both_engines
async def test_stores_digests_with_invalid_characters_and_huge_fields(harness: IngestHarness) -> None:
    many, long = ", ".join(f"Author Number{n}" for n in range(700)), "X" * 5000
    listed = [paper(1, authors=many, votes=999_999_999), paper(2, authors="A\0da \ud800")]
    text = newsletter(*listed, paper(3, title=f"T\0itle {long}", authors=long))
    token = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(31))
    signed = f"https://x.example/?{token}"[:2000]
    for number, (source, location) in enumerate((("files", "p" * 5000), (signed, signed))):
        assert (await harness.add(text, location, source)).new_papers == (0 if number else 3)
        assert not (await harness.add(text, location, source)).written
    detail = await harness.db.fetch(papers.get_detail, "2601.00001")
    assert detail is not None
    assert len(detail.authors) == 700


@both_engines
async def test_concurrent_ingests_store_the_same_text_once(harness: IngestHarness) -> None:
    results = await asyncio.gather(*(harness.add(newsletter()) for _ in range(8)))
    assert sum(result.new_papers for result in results) == 1
    assert await harness.count(tables.digests) == 1


async def test_unreadable_and_repeated_files_do_not_stop_an_ingest(harness: IngestHarness) -> None:
    files: list[TextFile | LocatedProblem] = [
        TextFile("a.md", newsletter(paper(1), paper(2))),
        LocatedProblem("b.bin", None, "it is binary"),
        TextFile("c.md", newsletter(paper(2), paper(3), day="2026-01-01")),
        TextFile("d.md", "no digest"),
        TextFile("c.md", newsletter(paper(3), day="2026-01-01")),
        *(TextFile(f"{n}.md", newsletter(paper(n), day=f"2025-11-{n:02}")) for n in range(4, 30)),
    ]
    results = [result async for result in harness.ingest.add_files(files)]
    total = sum(results, IngestResult())
    assert len(results) == len(files)
    assert (total.written, total.new_papers) == (29, 29)
    assert [problem.message for problem in total.problems] == ["it is binary"]
    assert [problem.message for problem in total.unrelated] == ["it names no paper; the file was not stored"]
    assert await harness.titles("2026-01-01") == ["Paper 3"]


async def test_bug_in_one_file_spares_others(harness: IngestHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def reject_bad(connection: Connection, paper_ids: Sequence[int]) -> None:
        if (await papers.list_rows(connection, list(paper_ids)))[0].title == "Rejected":
            raise RuntimeError("rejected")

    parse_text = parse.parse_text

    def fail(text: str, *arguments: Any) -> Any:
        if "Unread" in text:
            raise KeyError("a bug")
        return parse_text(text, *arguments)

    monkeypatch.setattr(parse, "parse_text", fail)
    harness.ingest = ingest.IngestService(harness.db, lambda: NOW, on_fresh=reject_bad)
    titles = ["Good", "Rejected", "Unread", "Fine"]
    files = [
        TextFile(title, newsletter(paper(n, title=title), day=f"2026-01-0{n}"))
        for n, title in enumerate(titles, 1)
    ]
    results = [result async for result in harness.ingest.add_files(files)]
    assert (len(results), sum(result.written for result in results)) == (4, 2)
    assert {problem.location: problem.message for result in results for problem in result.problems} == {
        "Rejected": "it caused an internal error (RuntimeError: rejected)",
        "Unread": "it caused an internal error (KeyError: 'a bug')",
    }
    assert [await harness.titles(f"2026-01-0{n}") for n in range(1, 5)] == [["Good"], [], [], ["Fine"]]


async def test_keeps_papers_removed_from_a_digest_under_the_same_id(harness: IngestHarness) -> None:
    for listed in ([paper(1), paper(2)], [paper(1)], [paper(1), paper(2)]):
        await harness.add(newsletter(*listed))
        # Under a new id the paper would be posted again.
        async with harness.db.transaction() as connection:
            await papers.add(connection, [paper_records.merged_paper(9, on=None)])
            assert await papers.purge_unkept(connection, 9) == 0
            await connection.execute(tables.papers.delete().where(tables.papers.c.key == "2601.00009"))
    assert await harness.titles() == ["Paper 1", "Paper 2"]
    assert await harness.count(tables.papers) == 2


async def test_facts_fill_in_missing_fields_of_papers(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1, votes=None)))
    fact = PaperFacts("2601.00001", "huggingface", "https://hf", NOW, votes=12, abstract="About")
    fact = replace(fact, authors=("Ada Byron", "Bea Long"))
    hidden = PaperFacts("2601.09999", "arxiv", "https://ax", NOW, title="Unlisted")
    listed = PaperFacts("2601.08888", "feed", "https://ax", NOW, title="Listed", listed_on=date(2026, 1, 1))
    await harness.ingest.add_facts([fact, hidden, listed])
    async with harness.db.read() as connection:
        found = [await papers.get_detail(connection, of.paper_key) for of in (fact, hidden, listed)]
    assert [detail and detail.is_listed for detail in found] == [True, False, True]
    assert found[0] is not None
    assert (found[0].votes, found[0].votes_read_at, found[0].abstract) == (12, NOW, "About")
    assert found[0].authors == ("Ada Byron", "Bea Long")
    assert len(harness.notified) == 2, "alerts are compared with the new author"
    await harness.add(newsletter(paper(9999, title="In a newsletter", votes=1)), "b.md")
    assert "Unlisted" in await harness.titles()


@pytest.mark.parametrize("form", ["export", "answer"])
async def test_a_listing_in_a_file_describes_its_papers(harness: IngestHarness, form: str) -> None:
    wanted = "2505.00001"
    item = source_payloads.daily_papers_item(wanted, submittedOnDailyAt="2025-05-06T00:00:00.000Z")
    described: Any = {"code_url": "https://a.example/x", "keywords": ["moss"]}
    text = source_payloads.daily_papers(item)
    if form == "export":
        abstract = "Small things are studied."
        text = source_payloads.listing_text(ids=[wanted], abstract=abstract, **described)
    await harness.ingest.add_text(text, location="2025-05-06.json")
    [merged] = (await harness.db.fetch(papers.list_merged, paper_keys=[wanted], ids=[])).values()
    assert (merged.abstract or "").startswith("Small things are studied.")
    assert (bool(merged.code_url), bool(merged.keywords), merged.last_on) == (True, True, date(2025, 5, 6))
    assert (merged.votes, merged.title) == ((7, 10)[form == "export"], f"A Study of Small Things {wanted}")


async def test_papers_left_out_for_want_of_a_title_are_a_problem(harness: IngestHarness) -> None:
    text = (
        '[{"doi": "10.5555/newts.1", "title": "Sleep in newts"}, {"doi": "10.5555/newts.2", "title": "17"}]'
    )
    result = await harness.ingest.add_text(text, location="2026-01-02.json")
    assert result.paper_keys == {"doi/10.5555/newts.1"}
    [problem] = result.problems
    assert str(problem) == "2026-01-02.json, line 1: 1 paper without a title left out: 10.5555/newts.2"


def read_names(*paths: Path | str) -> list[str]:
    return [
        file.location if isinstance(file, LocatedProblem) else file.name
        for file in map(read_file, find_files(map(str, paths)))
    ]


def read_problem(path: Path | str) -> str:
    [problem] = map(read_file, find_files([str(path)]))
    assert isinstance(problem, LocatedProblem)
    assert problem.location == str(path)
    return problem.message


def test_reads_a_folder_at_any_depth_sorted_by_name(tmp_path: Path) -> None:
    for name in ("b.md", "a.txt", "c.png", "2024/02/01.md", "2024/01/31.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    expected = ["2024/01/31.md", "2024/02/01.md", "a.txt", "b.md"]
    assert read_names(tmp_path) == [f"{tmp_path}/{name}" for name in expected]
    assert read_names(f"{tmp_path}/") == [f"{tmp_path}/{name}" for name in expected]


def test_reports_why_a_path_cannot_be_read(tmp_path: Path) -> None:
    assert "no such" in read_problem(tmp_path / "missing.md")
    assert "this folder has no files that may be digests" in read_problem(tmp_path)
    os.mkfifo(tmp_path / "pipe.md")
    assert "not a regular file" in read_problem(tmp_path / "pipe.md")
    with (tmp_path / "a.md").open("wb") as file:  # it is not read
        file.truncate(parse.MAX_BYTES + 30 * 2**20)
    assert read_problem(tmp_path / "a.md") == "it is 35 MB; a file may have 5 MB. Split it, or take its .bib"
