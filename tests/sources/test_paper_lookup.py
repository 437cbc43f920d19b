"""Fetching papers for readers: one request for all who wait, limits, and what the services may answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.app import container
from bot.archive.ingest import IngestService
from bot.core.settings import Settings
from bot.sources import arxiv, base
from bot.sources.arxiv import LookupOutcome, PaperLookup
from storage import papers, search, snapshot
from storage.database import Database
from storage.models import SourceKind
from tests.support import origin_server, source_payloads
from tests.support.origin_server import OriginServer
from tests.support.paper_services import PaperServices
from tests.support.recording_indexer import RecordingIndexer

ADA, BOB = 1, 2
FOUND, UNKNOWN, LATE = LookupOutcome.FOUND, LookupOutcome.UNKNOWN, LookupOutcome.LATE
LIMITED, UNREACHABLE = LookupOutcome.LIMITED, LookupOutcome.UNREACHABLE


class LookupHarness:
    """A look-up of papers from services on loopback, at a time that a test moves."""

    def __init__(self, database: Database, origin: OriginServer) -> None:
        self.now = datetime(2026, 1, 2, tzinfo=UTC)
        self.database, self.origin, self.services = database, origin, PaperServices(origin)
        self.ingest = IngestService(database, lambda: self.now, RecordingIndexer())
        settings = Settings(arxiv_url=f"{origin.url}/api/query", hf_endpoint=origin.url)
        endpoints = {SourceKind.ARXIV: settings.arxiv_url, SourceKind.HUGGINGFACE: settings.hf_endpoint}
        self.lookup = PaperLookup(
            lambda: self.now,
            self.ingest,
            lambda: container.open_fetcher(settings, lambda: self.now, container.LOOKUP_LIMITS),
            endpoints,
            base.no_throttle,
            base.no_throttle,
        )

    async def fetch(self, *ids: str, user_id: int = ADA) -> list[LookupOutcome]:
        return list((await self.lookup.fetch(user_id, ids)).values())


@asynccontextmanager
async def open_harness(database: Database) -> AsyncIterator[LookupHarness]:
    async with origin_server.run_origin() as origin:
        harness = LookupHarness(database, origin)
        yield harness
        await harness.lookup.close()


@pytest.fixture
async def harness(sqlite_db: Database) -> AsyncIterator[LookupHarness]:
    async with open_harness(sqlite_db) as harness:
        yield harness


async def test_readers_who_ask_at_once_share_requests_and_the_papers_stay_out_of_lists(db: Database) -> None:
    async with open_harness(db) as harness:
        ids = [f"2505.0000{number}" for number in range(1, 8)]
        for arxiv_id in ids[:6]:
            harness.services.add(arxiv_id, votes=3)
        by_both = await asyncio.gather(
            harness.fetch(*ids[:4]),
            harness.fetch(*ids[2:4], user_id=BOB),
            harness.fetch(*ids[4:], user_id=BOB),
        )
        assert list(by_both) == [[FOUND] * 4, [FOUND] * 2, [FOUND, FOUND, UNKNOWN]]
        assert harness.services.asked == [ids[:5], ids[5:]]
        async with harness.database.read() as connection:
            detail = await papers.get_detail(connection, ids[0])
            assert detail is not None
            assert (detail.is_listed, detail.votes, detail.appearances) == (False, 3, ())
            assert detail.last_on.isoformat() == "2025-05-01"
            assert (
                await snapshot.read(connection, search.list_top)
                == await snapshot.read(connection, search.list_by_prefix, "25", limit=5)
                == []
            )
            assert await snapshot.read(connection, search.count_top) == 0
            assert await papers.list_newest_ids(connection, limit=9) == []
        await harness.ingest.add_text(source_payloads.newsletter(ids=ids[:1]), location="a.md")
        async with harness.database.read() as connection:
            listed = await papers.get_detail(connection, ids[0])
        assert listed is not None
        assert (listed.id, listed.is_listed, len(listed.appearances)) == (detail.id, True, 1)


async def test_a_reader_gets_five_papers_a_minute_and_twenty_a_day(harness: LookupHarness) -> None:
    ids = iter(f"2505.{number:05}" for number in range(1, 99))
    outcomes = []
    for _ in range(5):
        asked = [next(ids) for _ in range(6)]
        outcomes.append(await harness.fetch(*asked))
        # What arXiv does not know is not asked for again, and is free.
        assert await harness.fetch(*asked[:5]) == outcomes[-1][:5]
        harness.now += timedelta(minutes=1)
    assert outcomes == [[*[UNKNOWN] * 5, LIMITED]] * 4 + [[LIMITED] * 6]
    assert await harness.fetch("2505.00077", user_id=BOB) == [UNKNOWN]
    harness.now += timedelta(days=1)
    count = len(harness.services.asked)
    assert await harness.fetch("2505.00001") == [UNKNOWN]
    assert len(harness.services.asked) == count + 1


@pytest.mark.parametrize(
    "answer",
    [
        "<html><body>Rate exceeded</body></html>",
        source_payloads.atom(
            "<entry><id>http://arxiv.org/api/errors#bad</id><summary>bad id</summary></entry>"
        ),
        web.Response(status=503),
        web.Response(status=302, headers={"Location": "http://10.0.0.1/"}),
        web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"}),
        source_payloads.atom(source_payloads.arxiv_entry("2505.00001")) + " " * 3_000_000,
    ],
    ids=["html", "error", "503", "private", "metadata", "huge"],
)
async def test_another_answer_of_arxiv_is_not_a_paper_and_is_not_remembered(
    harness: LookupHarness, answer: web.Response | str | bytes
) -> None:
    good = harness.origin.pages["/api/query"]
    harness.services.add("2505.00001")
    harness.services.add("2505.00002", votes=4)
    harness.origin.pages["/api/query"] = answer
    # Hugging Face alone is enough for a card.
    assert await harness.fetch("2505.00001", "2505.00002") == [UNREACHABLE, FOUND]
    assert len(harness.services.asked) == 1
    harness.origin.pages["/api/query"] = good
    assert await harness.fetch("2505.00001") == [FOUND]


@pytest.mark.parametrize(
    "page", ["<html>", "[]", '{"id": "2505.00009", "title": "Other"}', '{"title": 7}', "[" * 9999]
)
async def test_another_answer_of_hugging_face_leaves_what_arxiv_says(
    harness: LookupHarness, page: str
) -> None:
    harness.services.add("2505.00001", "Title of arXiv")
    harness.origin.pages["/api/papers/2505.00001"] = page
    assert await harness.fetch("2505.00001") == [FOUND]
    async with harness.database.read() as connection:
        detail = await papers.get_detail(connection, "2505.00001")
        assert await papers.get_detail(connection, "2505.00009") is None
    assert detail is not None
    assert (detail.title, detail.votes) == ("Title of arXiv", None)


async def test_a_slow_answer_is_stored_for_the_next_time_and_few_may_wait(harness: LookupHarness) -> None:
    released = asyncio.Event()
    answer = harness.origin.pages["/api/query"]

    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        await released.wait()
        assert callable(answer)
        return await answer(request)

    harness.origin.pages["/api/query"] = slow
    harness.services.add("2505.00001")
    harness.lookup.patience = 0.0
    assert await harness.fetch("2505.00001") == [LATE]
    for user_id in range(2, 8):
        await harness.fetch(*(f"2504.{user_id}000{number}" for number in range(5)), user_id=user_id)
    released.set()
    harness.lookup.patience = 10.0
    assert await harness.fetch("2505.00001", "2504.50004", user_id=9) == [FOUND, UNKNOWN]
    # Comes after all that waited.
    assert await harness.fetch("2505.00002", user_id=9) == [UNKNOWN]
    assert sum(map(len, harness.services.asked)) == 1 + arxiv.MAX_WAITING + 1


async def test_an_impossible_id_is_not_asked_for(harness: LookupHarness) -> None:
    assert await harness.fetch("2513.00001", "2603.00001", "cs/0113001", "zzz/0112017") == [UNKNOWN] * 4
    assert harness.origin.requests == []


async def test_an_id_that_arxiv_refuses_is_unknown_and_those_beside_it_are_found(
    harness: LookupHarness,
) -> None:
    answer = harness.origin.pages["/api/query"]

    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        assert callable(answer)
        return web.Response(status=400) if "cs/" in request.query["id_list"] else await answer(request)

    harness.origin.pages["/api/query"] = refuse
    ids = ["2505.00001", "2505.00002", "cs/0112017", "2505.00003", "2505.00004"]
    for arxiv_id in ids[:2]:
        harness.services.add(arxiv_id)
    assert await harness.fetch(*ids) == [FOUND, FOUND, UNKNOWN, UNKNOWN, UNKNOWN]
    assert ["2505.00003", "2505.00004"] in harness.services.asked
