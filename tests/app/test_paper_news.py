"""The job around saved papers: from the services, over the network on loopback, to a planned direct message."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.app import tasks
from bot.app.container import Container
from bot.core.settings import Settings
from bot.shelf import news
from storage import deliveries, models, shelf
from storage.database import Database
from tests.support import origin_server, paper_records, source_payloads

SAVED_AT = datetime(2025, 5, 1, tzinfo=UTC)
"""Before the second version in the answer of arXiv's API."""


async def test_a_saved_paper_is_asked_about_and_its_reader_gets_one_message(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "HUGGINGFACE_SECONDS", 0.001)
    (paper,) = (await paper_records.add_papers(sqlite_db, paper_records.merged_paper(1))).items()
    async with sqlite_db.transaction() as connection:
        await shelf.save(connection, 7, [paper[1]], SAVED_AT, None)
    now, planned = [SAVED_AT + timedelta(days=9)], []
    async with origin_server.run_origin() as origin:
        entry = source_payloads.arxiv_entry(paper[0], comment="Accepted at ICML 2025")
        origin.pages["/api/query"] = source_payloads.atom(entry)
        origin.pages[f"/api/arxiv/{paper[0]}/repos"] = json.dumps({"models": []})
        settings = Settings(arxiv_url=f"{origin.url}/api/query", hf_endpoint=origin.url)
        container = Container(settings, sqlite_db, lambda: now[0])
        async with tasks.open_paper_news(container, on_planned=lambda: planned.append(1)) as jobs:
            ((job, _),) = jobs
            for days in (9, 14, 14, 15):
                now[0] = SAVED_AT + timedelta(days=days)
                await job()
        assert sum(path.startswith("/api/query") for path in origin.paths) == 1
    async with sqlite_db.read() as connection:
        (delivery,) = await deliveries.list_rows(connection, kind=models.DeliveryKind.NEWS)
        (part,) = await deliveries.list_parts(connection, delivery.id)
    assert (delivery.user_id, planned) == (7, [1])
    assert "ICML 2025" in str(part.payload)
    assert f"{paper[0]}v2" in str(part.payload)
