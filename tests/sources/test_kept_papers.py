"""Facts again about saved and discussed papers: what is new becomes an event once, within a day's requests."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web

from bot.archive import digest_writer
from bot.sources.kept_papers import KeptPapers
from storage import archive, club, papers, shelf
from storage.database import Database
from storage.papers import EventKind
from tests.support import origin_server
from tests.support.kept_services import Services
from tests.support.polling_harness import START, PollingHarness

on_both_engines = pytest.mark.engines("sqlite", "postgresql")
READER, CHANNEL, SERVER = 11, 22, 33
SAVED, DISCUSSED, OTHER = "2505.00001", "2505.00002", "2505.00003"
WEEK = timedelta(days=7)


IDS = [SAVED, DISCUSSED, OTHER]


@pytest_asyncio.fixture
async def services(db: Database) -> AsyncIterator[Services]:
    async with origin_server.run_origin() as origin:
        harness = PollingHarness(db, origin)
        async with db.transaction() as connection:
            await archive.lock_ingest(connection)
            ids = await papers.add(connection, digest_writer.unlisted_papers(IDS))
            await shelf.save(connection, READER, [ids[SAVED]], START)
            values = {"guild_id": SERVER, "opened_at": START, "thread_id": 44, "delivery_id": 1}
            await club.put_thread(connection, channel_id=CHANNEL, paper_id=ids[DISCUSSED], **values)
        found = Services(harness)
        for arxiv_id in IDS:
            found.tell(arxiv_id)
            found.put_code(arxiv_id, None)
        yield found


COMMENT = "<arxiv:comment>Accepted to *ICML* 2026</arxiv:comment>"
JOURNAL = "<arxiv:journal_ref>Proc. ICML 2026</arxiv:journal_ref>"


@on_both_engines
async def test_what_is_new_about_kept_papers_is_an_event_once(services: Services) -> None:
    await services.ask()
    assert await services.list_events() == [], "what was so before is no news"
    services.tell(SAVED, 2, COMMENT)
    services.put_code(DISCUSSED, "https://github.com/example/small")
    services.tell(OTHER, 2, COMMENT)
    await services.ask(2)
    assert await services.list_events() == [
        (SAVED, "version", "2"),
        (SAVED, "comment", "Accepted to *ICML* 2026"),
        (DISCUSSED, "code", "https://github.com/example/small"),
    ]
    services.tell(SAVED, 2, COMMENT + JOURNAL, "This paper has been withdrawn by the authors.")
    await services.ask(2)
    assert (await services.list_events())[3:] == [
        (SAVED, "journal", "Proc. ICML 2026"),
        (SAVED, "withdrawn", ""),
    ]
    detail = await services.harness.detail(SAVED)
    assert (detail.version, detail.journal, detail.is_withdrawn) == (2, "Proc. ICML 2026", True)


async def test_papers_are_asked_about_each_week_for_three_months_then_each_month(services: Services) -> None:
    asked = services.harness.origin
    await services.ask(12)
    first = sum("id_list" in path for path in asked.paths)
    await services.ask(15)
    assert (first, sum("id_list" in path for path in asked.paths) - first) == (12, 3)


async def test_what_cannot_be_right_is_no_news(services: Services) -> None:
    services.tell(SAVED, 60)
    await services.ask()
    services.tell(SAVED, 59)
    services.put_code(SAVED, "no address")
    await services.ask()
    services.arxiv[SAVED] = services.arxiv.pop(OTHER)
    services.harness.origin.pages[f"/api/papers/{SAVED}"] = json.dumps(
        {"id": OTHER, "title": "Another", "githubRepo": "https://github.com/example/other"}
    )
    await services.ask()
    services.arxiv.clear()
    await services.ask()
    assert await services.list_events() == []
    assert (await services.harness.detail(SAVED)).title == f"A Study {SAVED}"
    long = "\u202e@everyone **bold** " * 200
    services.tell(SAVED, 60, f"<arxiv:comment>{long}</arxiv:comment>")
    await services.ask()
    [(_, kind, text)] = await services.list_events()
    assert kind == EventKind.COMMENT
    assert len(text) <= 2000
    assert "\u202e" not in text


async def test_a_source_that_asks_to_wait_is_left_alone_and_nothing_is_lost(services: Services) -> None:
    await services.ask()
    origin = services.harness.origin
    services.tell(SAVED, 2)
    origin.pages["/api/query"] = lambda _: _unavailable()
    services.harness.now += WEEK
    async with services.harness.open_poller() as opened:
        kept = KeptPapers(
            services.harness.db, services.harness.clock, services.harness.ingest, opened.context
        )
        await kept.ask()
        before = len(origin.paths)
        services.harness.now += timedelta(hours=20)
        await kept.ask()
    assert not any("id_list" in path for path in origin.paths[before:])
    origin.pages["/api/query"] = services.query
    await services.ask()
    assert await services.list_events() == [(SAVED, "version", "2")]


async def _unavailable() -> web.Response:
    return web.Response(status=503, headers={"Retry-After": "86400"})


async def test_two_thousand_saved_papers_take_at_most_a_days_requests(services: Services) -> None:
    harness = services.harness
    more = [f"2504.{number:05}" for number in range(1, 2000)]
    async with harness.db.transaction() as connection:
        await archive.lock_ingest(connection)
        ids = await papers.add(connection, digest_writer.unlisted_papers(more))
        await shelf.save(connection, READER, ids.values(), START)
    for arxiv_id in more:
        services.tell(arxiv_id)
    for _ in range(3):
        services.harness.now += timedelta(minutes=30)
        async with harness.open_poller() as opened:
            await KeptPapers(harness.db, harness.clock, harness.ingest, opened.context).ask()
    paths = harness.origin.paths
    assert sum("id_list" in path for path in paths) <= 20
    assert sum("/api/papers/" in path for path in paths) == 50
