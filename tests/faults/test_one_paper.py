"""A stored digest that cannot be parsed costs no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from bot.archive import ingest, written
from storage import papers
from storage.database import Database
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


async def list_ids(db: Database) -> list[str]:
    async with db.read() as connection:
        rows = await papers.list_by_date(connection, NOW.date() - timedelta(days=1))
    return sorted(row.arxiv_id for row in rows)


async def test_a_stored_digest_that_cannot_be_parsed_again_stays(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ingest.IngestService(db, lambda: NOW)
    for number in (1, 2, 3):
        await service.add_text(newsletter(paper(number)), location=f"{number}.md")
    break_for_bad(monkeypatch, written, "parse")
    results = [result async for result in service.reparse_all()]
    assert [bool(result.problems) for result in results] == [False, True, False]
    assert await list_ids(db) == ["2601.00001", "2601.00002", "2601.00003"]
