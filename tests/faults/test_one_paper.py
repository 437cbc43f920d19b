"""A paper that causes a bug, wherever it does, costs itself alone: the others of its digest are stored, found and told of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
import structlog

from bot.app import tasks
from bot.archive import digest_writer, fields, ingest, listing, paper_list, parse
from bot.archive.digest_writer import IngestResult
from bot.search import index as search_index
from bot.search.glossary import GlossaryService
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from bot.text import analyser, typography
from storage import archive, models, papers
from storage.database import Connection, Database
from tests.support.ingest_harness import newsletter, paper

NOW = datetime(2026, 1, 3, 9, tzinfo=UTC)
LIST = "# Papers of 2026-01-02\n\n" + "".join(
    f"- [Paper {number} about the learning of words](https://arxiv.org/abs/2601.{number:05}): text of it\n"
    for number in range(1, 4)
)
LISTING = (
    '{"format": "list", "date": "2026-01-02", "papers": ['
    + ", ".join(
        f'{{"arxiv_id": "2601.{number:05}", "title": "Paper {number}", "summary": "About {number}."}}'
        for number in range(1, 4)
    )
    + "]}"
)
REVIEW = "# 📰 Hugging Face Daily Papers (2026-01-02)\n\n" + "".join(
    f"## [Paper {number}](https://arxiv.org/abs/2601.{number:05})\n🔗 https://arxiv.org/abs/2601.{number:05}\n\n"
    f"**Summary**:\n\n### 1. Idea\n\nSummary of {number}.\n\n"
    for number in range(1, 4)
)


def names_bad(value: object) -> bool:
    text = repr(value).casefold()
    return any(mark in text for mark in ("paper 2", "summary of 2", "2601.00002"))


def break_for_bad(
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    name: str,
    is_bad: Callable[[object], bool] = names_bad,
) -> None:
    working = getattr(module, name)

    def broken(*arguments: Any, **options: Any) -> Any:
        if is_bad([*arguments, *options.values()]):
            raise KeyError("a bug")
        return working(*arguments, **options)

    monkeypatch.setattr(module, name, broken)


def create_ingest(db: Database, fresh: list[int] | None = None) -> ingest.IngestService:
    async def on_fresh(connection: Connection, digest: digest_writer.FreshDigest) -> None:
        if fresh is not None:
            fresh.extend(digest.paper_ids)

    return ingest.IngestService(db, lambda: NOW, search_index.SearchIndexer(), on_fresh_digest=on_fresh)


async def list_ids(db: Database) -> list[str]:
    async with db.read() as connection:
        rows = await papers.list_by_date(connection, NOW.date() - timedelta(days=1))
    return sorted(row.arxiv_id for row in rows)


async def count_found(db: Database, text: str) -> int:
    return (await SearchService(db).search(SearchRequest(text))).total


@pytest.mark.parametrize(
    ("text", "module", "name", "stays"),
    [
        (newsletter(*map(paper, (1, 2, 3))), fields, "split_heading", True),
        (newsletter(*map(paper, (1, 2, 3))), parse, "_limit_fields", False),
        (REVIEW, parse, "parse_chapters", True),
        (LIST, paper_list, "_to_record", False),
        (LIST, paper_list, "_find_title", False),
        (LISTING, listing, "_clean_paper", False),
        (LISTING, listing, "_entry", False),
    ],
)
async def test_a_paper_that_cannot_be_parsed_is_kept_as_written_or_left_out(
    db: Database, monkeypatch: pytest.MonkeyPatch, text: str, module: ModuleType, name: str, stays: bool
) -> None:
    assert len(parse.parse_text(text)[0].entries) == 3
    break_for_bad(monkeypatch, module, name)
    result = await create_ingest(db).add_text(text, source="https://a.example/", location="a.md")
    kept = ["2601.00001", *(["2601.00002"] if stays else []), "2601.00003"]
    assert await list_ids(db) == kept
    [problem] = result.problems
    assert "caused an internal error (KeyError: 'a bug') and" in problem.message
    assert await count_found(db, "paper") == len(kept)
    again = await create_ingest(db).add_text(text, source="https://a.example/", location="a.md")
    assert not again.changed


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (search_index, "build_texts"),
        (search_index, "_tokenize"),
        (typography, "to_plain_text"),
        (analyser, "canonicalise"),
        (papers, "build_index_document"),
    ],
)
@pytest.mark.parametrize("is_postponed", [False, True])
async def test_a_paper_that_cannot_be_indexed_is_stored_and_tried_again(
    db: Database, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, is_postponed: bool
) -> None:
    await search_index.record_version(db)
    fresh: list[int] = []
    service = create_ingest(db, fresh)
    with monkeypatch.context() as patched, structlog.testing.capture_logs() as logs:
        patched.setattr(digest_writer, "CHUNK_PAPERS", 1 if is_postponed else 500)
        break_for_bad(patched, module, name)
        result = await service.add_text(newsletter(*map(paper, (1, 2, 3))), location="a.md")
        assert result.new_papers == len(fresh) == 3
        assert await list_ids(db) == ["2601.00001", "2601.00002", "2601.00003"]
        assert await count_found(db, "summary") == 2
        assert any(
            line["log_level"] == "error" and (names_bad(line) or line.get("paper_id") == fresh[1])
            for line in logs
        )
        maintenance = tasks.MaintenanceLoop(db, lambda: NOW)
        assert not await maintenance.run_due_tasks()  # so that it is tried less and less often
        assert not await GlossaryService(db, lambda: NOW).is_stale()
        async for _ in search_index.rebuild_index(db):
            pass
        assert await count_found(db, "summary") == 2
    assert await maintenance.run_due_tasks()
    assert await count_found(db, "summary") == 3


async def test_an_author_whose_name_causes_a_bug_is_stored_as_written(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_for_bad(monkeypatch, analyser, "fold_name", lambda value: "Turing" in repr(value))
    text = newsletter(paper(1), paper(2, authors="Alan Turing, Ada Byron"), paper(3))
    assert (await create_ingest(db).add_text(text, location="a.md")).new_papers == 3
    async with db.read() as connection:
        detail = await papers.get_detail(connection, "2601.00002")
    assert detail is not None
    assert detail.authors == ("Alan Turing", "Ada Byron")
    assert await count_found(db, "summary") == 3


@pytest.mark.engines("sqlite", "postgresql")
@pytest.mark.parametrize("text", [newsletter(*map(paper, (1, 2, 3))), LISTING], ids=["written", "list"])
async def test_a_paper_that_cannot_be_stored_is_left_out_once(
    db: Database, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    other = newsletter(paper(4), day="2026-01-01")
    group = [
        *digest_writer.to_sourced_digests(parse.parse_text(text), "https://a.example/", "a.md"),
        *digest_writer.to_sourced_digests(parse.parse_text(other), "https://a.example/", "b.md"),
    ]
    service = create_ingest(db)
    break_for_bad(monkeypatch, digest_writer, "merge")
    with structlog.testing.capture_logs() as logs:
        first, second = await service.add_batch(group)
    assert (first.new_papers, second.new_papers) == (2, 1)
    assert [problem.message for problem in first.problems] == [
        "2601.00002 caused an internal error (KeyError: 'a bug') and is left out"
    ]
    [line] = [line for line in logs if line["log_level"] == "error"]
    assert (line["source"], line["paper"]) == ("https://a.example/", "2601.00002")
    assert await list_ids(db) == ["2601.00001", "2601.00003"]
    # The source is not read in vain at each poll.
    assert not any(result.changed for result in await service.add_batch(group))


async def test_a_bug_that_happens_once_costs_no_paper(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter([True])
    break_for_bad(monkeypatch, digest_writer, "merge", lambda _: next(calls, False))
    result = await create_ingest(db).add_text(newsletter(paper(1)), location="a.md")
    assert (result.new_papers, result.problems) == (1, ())


async def test_a_bug_that_no_paper_explains_is_raised(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    break_for_bad(monkeypatch, archive, "add_entries", lambda _: True)
    with pytest.raises(KeyError):
        await create_ingest(db).add_text(newsletter(*map(paper, (1, 2, 3))), location="a.md")
    assert await list_ids(db) == []


async def test_facts_of_a_paper_that_cause_a_bug_do_not_hold_up_those_of_others(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = create_ingest(db)
    await service.add_text(newsletter(*map(paper, (1, 2, 3))), location="a.md")
    break_for_bad(monkeypatch, digest_writer, "merge")
    facts = [
        models.PaperFacts(f"2601.0000{number}", "arxiv", "https://arxiv.org/", NOW, abstract=f"Of {number}.")
        for number in range(1, 4)
    ]
    assert isinstance(await service.add_facts(facts), IngestResult)
    async with db.read() as connection:
        details = [await papers.get_detail(connection, fact.arxiv_id) for fact in facts]
    assert [detail and detail.abstract for detail in details] == ["Of 1.", None, "Of 3."]


async def test_a_stored_digest_that_cannot_be_parsed_again_stays(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = create_ingest(db)
    for number in (1, 2, 3):
        await service.add_text(newsletter(paper(number)), location=f"{number}.md")
    break_for_bad(monkeypatch, parse, "_parse_written")
    results = [result async for result in service.reparse_all()]
    assert [bool(result.problems) for result in results] == [False, True, False]
    assert await list_ids(db) == ["2601.00001", "2601.00002", "2601.00003"]
