"""A paper that cannot be indexed, or a stored digest that cannot be parsed, costs no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
import structlog

from bot.app import tasks
from bot.archive import digest_writer, ingest, parse
from bot.search import index as search_index
from bot.search.glossary import GlossaryService
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import papers
from storage.database import Connection, Database
from tests.support.ingest_harness import newsletter, paper

NOW = datetime(2026, 1, 3, 9, tzinfo=UTC)


def names_bad(value: object) -> bool:
    text = repr(value).casefold()
    return any(mark in text for mark in ("paper 2", "summary of 2", "2601.00002"))


def break_for_bad(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> None:
    working = getattr(module, name)

    def broken(*arguments: Any) -> Any:
        if names_bad(arguments):
            raise KeyError("a bug")
        return working(*arguments)

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


@pytest.mark.parametrize("is_postponed", [False, True])
async def test_a_paper_that_cannot_be_indexed_is_stored_and_tried_again(
    db: Database, monkeypatch: pytest.MonkeyPatch, is_postponed: bool
) -> None:
    await search_index.record_version(db)
    fresh: list[int] = []
    service = create_ingest(db, fresh)
    with monkeypatch.context() as patched, structlog.testing.capture_logs() as logs:
        patched.setattr(digest_writer, "CHUNK_PAPERS", 1 if is_postponed else 500)
        break_for_bad(patched, search_index, "build_texts")
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
