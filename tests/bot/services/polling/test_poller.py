"""A pass over sources, against a real server and a real database."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from bot import errors
from bot.services.polling import page_states
from bot.settings import SourceSetting
from storage import database, models
from storage import errors as storage_errors
from storage import sources as stored_sources
from tests.support import origin_server, source_payloads
from tests.support.polling_harness import START, PollingHarness

S = models.FetchStatus
HF = "/api/daily_papers?date=2025-05-06"


@pytest_asyncio.fixture
async def room(db: database.Database) -> AsyncIterator[PollingHarness]:
    async with origin_server.run_origin() as origin:
        yield PollingHarness(db, origin)


@pytest_asyncio.fixture
async def quick_room(sqlite_db: database.Database) -> AsyncIterator[PollingHarness]:
    """For what is the same on either engine."""
    async with origin_server.run_origin() as origin:
        yield PollingHarness(sqlite_db, origin)


async def test_one_pass_makes_an_empty_archive_know_a_reviews_votes_and_authors(room: PollingHarness) -> None:
    origin = room.origin
    origin.pages["/2025-05-06.md"] = source_payloads.review(ids=["2505.00001", "2505.00002"])
    origin.pages[HF] = source_payloads.daily_papers(
        source_payloads.daily_papers_item("2505.00001", 81),
        source_payloads.daily_papers_item("2505.00003", 5),
    )
    origin.pages["/api/query"] = source_payloads.atom(
        source_payloads.arxiv_entry("2505.00001"),
        source_payloads.arxiv_entry("2505.00002", title="Told by arXiv"),
    )
    await room.add("/{date:%Y-%m-%d}.md")
    await room.add("/api/query")
    await room.add(origin.url, "huggingface")
    reports = await room.fetch_due()
    rows = [
        (
            one.source.kind.value,
            one.status.value,
            one.result.digests,
            one.result.papers,
            one.result.new_papers,
        )
        for one in reports
    ]
    assert rows == [("url", "ok", 1, 2, 1), ("arxiv", "ok", 0, 2, 0), ("huggingface", "ok", 0, 2, 2)]
    paper = await room.detail("2505.00001")
    assert paper is not None
    assert (paper.votes, paper.authors) == (81, ("Ada Lovelace", "Kim Minsu"))
    assert paper.categories == ("cs.CL", "cs.LG")
    other = await room.detail("2505.00002")
    assert other is not None
    assert (other.title, other.votes) == ("Told by arXiv", None)


async def test_a_second_pass_changes_nothing_and_asks_conditionally(room: PollingHarness) -> None:
    async def page(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(text=source_payloads.newsletter(), headers={"ETag": '"1"'})

    room.origin.pages["/2025-05-06.md"] = page
    await room.add("/{date:%Y-%m-%d}.md")
    async with room.open_poller() as service:
        first = await service.fetch_all()
        second = await service.fetch_all()
    assert [(one.status, one.result.new_papers) for one in first] == [(S.OK, 2)]
    assert [(one.status, one.result.digests, one.result.new_papers) for one in second] == [
        (S.UNCHANGED, 0, 0)
    ]


async def test_a_dry_run_says_what_would_change_and_changes_nothing(room: PollingHarness) -> None:
    room.origin.pages["/a.md"] = source_payloads.newsletter()
    room.origin.pages[HF] = source_payloads.daily_papers(source_payloads.daily_papers_item("2505.00009"))
    await room.add("/a.md")
    await room.add(room.origin.url, "huggingface")
    before = await room.health()
    async with room.open_poller() as service:
        for _ in range(2):
            reports = await service.fetch_all(dry_run=True)
            assert [
                (one.status, one.result.digests, one.result.papers, one.result.new_papers) for one in reports
            ] == [
                (S.OK, 1, 2, 2),
                (S.OK, 0, 1, 1),
            ]
    assert await room.health() == before
    assert await room.detail("2505.00001") is None


async def test_only_sources_whose_turn_it_is_are_asked(quick_room: PollingHarness) -> None:
    room = quick_room
    room.origin.pages["/a.md"] = source_payloads.newsletter()
    room.origin.pages["/feed"] = source_payloads.rss()
    await room.add("/a.md", every="10")
    await room.add("/feed", every="30")
    assert len(await room.fetch_due()) == 2
    room.now += timedelta(minutes=9)
    assert await room.fetch_due() == []
    room.now += timedelta(minutes=1)
    assert [one.source.url for one in await room.fetch_due()] == [f"{room.origin.url}/a.md"]


async def test_each_fault_has_its_reason_and_harms_no_other_source(
    quick_room: PollingHarness, tmp_path: Path
) -> None:
    room = quick_room
    pages = room.origin.pages
    pages["/good.md"] = source_payloads.newsletter()
    pages["/html.md"] = "<!doctype html><html><body>oops</body></html>"
    pages["/broken.md"] = web.Response(status=500)
    pages["/loop.md"] = web.Response(status=302, headers={"Location": "/loop.md"})
    pages["/inside.md"] = web.Response(status=302, headers={"Location": "http://169.254.169.254/latest"})
    pages["/gone.md"] = web.Response(status=410)
    pages["/bomb.xml"] = '<!DOCTYPE rss [<!ENTITY a "b">]>' + source_payloads.rss(head="")
    pages["/empty.md"] = "## Daily Papers (2025-05-06)\n"
    for path in ("/html.md", "/broken.md", "/loop.md", "/inside.md", "/gone.md", "/none.md", "/empty.md"):
        await room.add(path)
    await room.add("/bomb.xml")
    await room.add("http://127.0.0.1:1/feed")
    await room.add("/good.md")
    (tmp_path / "folder").mkdir()
    await room.registry.add(str(tmp_path / "folder"))
    (tmp_path / "folder").rmdir()
    reports = {one.source.url.removeprefix(room.origin.url): one for one in await room.fetch_due()}
    told = {path: (one.status.value, one.reason) for path, one in reports.items()}
    assert told == {
        "/html.md": ("failed", "it is an HTML page without a digest"),
        "/broken.md": ("failed", "the server has trouble: internal server error (500)"),
        "/loop.md": ("failed", "its redirects go in a circle"),
        "/inside.md": ("refused", "169.254.169.254 is a cloud metadata address"),
        "/gone.md": ("gone", "it is gone for good (410)"),
        "/none.md": ("failed", "nothing is there (404)"),
        "/empty.md": ("failed", "its list of papers is empty"),
        "/bomb.xml": ("failed", "its XML declares entities of its own, which are not read"),
        "http://127.0.0.1:1/feed": ("refused", "127.0.0.1 is a loopback address"),
        "/good.md": ("ok", ""),
        str(tmp_path / "folder"): ("failed", "the folder cannot be read: there is no such folder"),
    }
    assert await room.detail("2505.00001") is not None


async def test_a_source_that_goes_on_failing_slows_down_and_the_operator_is_told_once(
    quick_room: PollingHarness,
) -> None:
    room = quick_room
    room.origin.pages["/feed"] = web.Response(status=500)
    added = await room.add("/feed")
    asked_at = []
    while room.now < START + timedelta(days=3):
        if await room.fetch_due():
            asked_at.append(room.now)
        health = (await room.health())[added.url]
        assert health.next_attempt_at is not None
        room.now = health.next_attempt_at
    gaps = [(later - earlier) / timedelta(hours=1) for earlier, later in itertools.pairwise(asked_at)]
    assert gaps == [1, 2, 4, 8, 16, 24]
    assert [(one.url, one.failures) for one in room.notices] == [(added.url, 3)]
    room.origin.pages["/feed"] = source_payloads.rss()
    await room.fetch_due()
    health = (await room.health())[added.url]
    assert (health.failures, health.noticed_at, health.status) == (0, None, S.NOT_YET)


async def test_a_source_that_is_gone_for_good_is_not_asked_again_and_the_operator_is_told(
    quick_room: PollingHarness,
) -> None:
    room = quick_room
    room.origin.pages["/feed"] = web.Response(status=410)
    await room.add("/feed")
    await room.fetch_due()
    room.now += timedelta(days=30)
    assert await room.fetch_due() == []
    async with room.open_poller() as service:
        reports = await service.fetch_all()
    assert reports[0].reason == "it is gone for good (410) since 2025-05-06"
    assert (len(room.origin.requests), len(room.notices)) == (1, 1)


async def test_a_digest_that_cannot_be_stored_is_not_lost(quick_room: PollingHarness) -> None:
    room = quick_room
    room.origin.pages["/a.md"] = source_payloads.newsletter()
    room.origin.pages["/b.md"] = source_payloads.newsletter(date(2025, 5, 5), ids=["2505.00005"])
    await room.add("/a.md")
    await room.add("/b.md")
    store = room.ingest.add_batch

    async def fail_once(*args: object) -> object:
        room.ingest.add_batch = store  # type: ignore[method-assign]
        raise storage_errors.DatabaseBusyError("paperround.db is locked by another process.")

    room.ingest.add_batch = fail_once  # type: ignore[method-assign, assignment]
    async with room.open_poller() as service:
        first = await service.fetch_all()
        second = await service.fetch_all()
    failed = {one.source.url for one in first if one.status is S.FAILED}
    assert {one.reason for one in first if one.status is S.FAILED} == {
        "paperround.db is locked by another process."
    }
    assert failed == {one.source.url for one in second if one.status is S.OK}
    assert await room.detail("2505.00001") is not None
    assert await room.detail("2505.00005") is not None


async def test_a_digest_that_breaks_the_storing_harms_no_other(quick_room: PollingHarness) -> None:
    room = quick_room
    store = room.ingest.add_batch
    for number in range(3):
        day = date(2025, 5, number + 1)
        room.origin.pages[f"/{number}.md"] = source_payloads.newsletter(day, ids=[f"2505.0000{number + 1}"])
        await room.add(f"/{number}.md")

    async def break_on_one(group: Sequence[models.SourcedDigest]) -> object:
        if any(one.location.endswith("/1.md") for one in group):
            raise RuntimeError("a strange text")
        return await store(group)

    room.ingest.add_batch = break_on_one  # type: ignore[method-assign, assignment]
    statuses = [one.status for one in await room.fetch_due()]
    assert statuses == [S.OK, S.FAILED, S.OK]
    assert await room.detail("2505.00001") is not None
    assert await room.detail("2505.00003") is not None


async def test_a_back_fill_that_was_interrupted_goes_on(quick_room: PollingHarness) -> None:
    room = quick_room
    days = [date(2025, 1, 1) + timedelta(days=offset) for offset in range(60)]
    stop_at = 40
    served = 0

    async def page(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal served
        if "If-None-Match" in request.headers:
            return web.Response(status=304)
        served += 1
        if served == stop_at:
            task.cancel()
        day = date.fromisoformat(request.path[1:11])
        known = f"2501.{day.timetuple().tm_yday:05}"
        return web.Response(text=source_payloads.newsletter(day, ids=[known]), headers={"ETag": '"1"'})

    for day in days:
        room.origin.pages[f"/{day}.md"] = page
    await room.add("/{date:%Y-%m-%d}.md")
    async with room.open_poller() as service:
        task = asyncio.create_task(service.fetch_all(days=days))
        with pytest.raises(asyncio.CancelledError):
            await task
        stop_at, served = -1, 0
        reports = await service.fetch_all(days=days)
    assert served < 60 - 25
    assert reports[0].status is S.OK
    assert await room.detail("2501.00001") is not None
    assert await room.detail("2501.00060") is not None


async def test_the_same_digest_from_two_sources_is_one_digest(quick_room: PollingHarness) -> None:
    room = quick_room
    text = source_payloads.newsletter()
    room.origin.pages["/a.md"] = text
    room.origin.pages["/feed"] = source_payloads.rss(
        f"<item><guid>x</guid><description><![CDATA[{text}]]></description></item>"
    )
    await room.add("/a.md")
    await room.add("/feed")
    reports = await room.fetch_due()
    assert sum(one.result.new_papers for one in reports) == 2
    detail = await room.detail("2505.00001")
    assert detail is not None
    assert len(detail.appearances) == 1


async def test_votes_that_move_are_followed(room: PollingHarness) -> None:
    room.origin.pages["/a.md"] = source_payloads.newsletter(ids=["2505.00001"])
    await room.add("/a.md")
    await room.add(room.origin.url, "huggingface")
    for votes in (12, 40, 35):
        room.origin.pages[HF] = source_payloads.daily_papers(
            source_payloads.daily_papers_item("2505.00001", votes)
        )
        await room.fetch_due()
        detail = await room.detail("2505.00001")
        assert detail is not None
        assert detail.votes == votes
        room.now += timedelta(hours=2)


async def test_facts_that_come_before_their_digest_wait_for_it(room: PollingHarness) -> None:
    room.origin.pages[HF] = source_payloads.daily_papers(source_payloads.daily_papers_item("2505.00001", 81))
    await room.add(room.origin.url, "huggingface")
    await room.fetch_due()
    room.now += timedelta(minutes=10)
    room.origin.pages["/a.md"] = source_payloads.review(ids=["2505.00001"])
    await room.add("/a.md")
    await room.fetch_due()
    detail = await room.detail("2505.00001")
    assert detail is not None
    assert (detail.votes, detail.authors) == (81, ("Ada Lovelace", "Kim Minsu"))


async def test_a_very_long_place_is_remembered(room: PollingHarness) -> None:
    key = "k" * 480
    path = "/" + "p" * 900
    room.origin.pages[path] = source_payloads.rss(f"<item><guid>{key}</guid><title>A</title></item>")
    added = await room.add(path, "feed")
    await room.fetch_due()
    room.now += timedelta(hours=1)
    assert [one.status for one in await room.fetch_due()] == [S.UNCHANGED]
    async with room.db.read() as connection:
        pages = (await stored_sources.list_page_states(connection, [added.id]))[added.id]
    assert all(len(place) <= 600 for place in pages)
    assert page_states.page_key(f"{added.url}#{key}") in pages


async def test_sources_of_the_settings_are_kept_once(quick_room: PollingHarness) -> None:
    room = quick_room
    configured = [
        SourceSetting(
            url="https://h.test/{date:%Y-%m-%d}.md",
            language=models.Locale.KO,
            priority=2,
            options={"every": 5},
        ),
        SourceSetting(url="https://h.test/feed", kind=models.SourceKind.FEED),
    ]
    for _ in range(2):
        await room.registry.add_configured(configured)
    rows = await room.registry.list_rows()
    assert [(one.url, one.kind.value, one.priority) for one in rows] == [
        ("https://h.test/{date:%Y-%m-%d}.md", "url", 2),
        ("https://h.test/feed", "feed", 0),
    ]
    assert rows[0].options == {"every": "5"}


async def test_a_source_is_removed_by_its_address(quick_room: PollingHarness) -> None:
    added = await quick_room.add("/feed")
    with pytest.raises(storage_errors.DuplicateError):
        await quick_room.add("/feed")
    await quick_room.registry.remove(added.url)
    with pytest.raises(errors.UsageError):
        await quick_room.registry.remove(added.url)
    assert await quick_room.registry.list_rows() == []


async def test_the_loop_of_turns_ends_when_it_is_told_to(quick_room: PollingHarness) -> None:
    quick_room.origin.pages["/a.md"] = source_payloads.newsletter()
    await quick_room.add("/a.md")
    stop = asyncio.Event()
    async with quick_room.open_poller() as service:
        running = asyncio.create_task(service.run(stop, every_seconds=0.01))
        for _ in range(1000):
            await asyncio.sleep(0.005)
            if await quick_room.detail("2505.00001") is not None:
                break
        stop.set()
        await running


async def test_fourteen_days_of_reviews_that_repeat_themselves_bring_each_paper_once(
    quick_room: PollingHarness,
) -> None:
    """Each day's list holds yesterday's papers again."""
    room = quick_room
    await room.add("/{date:%Y-%m-%d}.md")
    new = []
    for number in range(14):
        day = room.now.date()
        ids = [f"2505.{number * 3 + offset:05}" for offset in range(1, 7)]
        room.origin.pages[f"/{day}.md"] = source_payloads.review(day, ids)
        new.append((await room.fetch_due())[0].result.new_papers)
        room.now += timedelta(days=1)
    assert new == [6] + [3] * 13
