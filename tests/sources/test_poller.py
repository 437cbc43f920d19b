"""The poller with servers on loopback and a real database: isolation, limits and health of sources."""

import asyncio
import gzip
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import structlog
from aiohttp import web

from bot.archive.digest_writer import IngestResult
from bot.core import isolation
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from bot.sources import base, poller
from bot.sources.poller import SourceReport
from storage import archive, errors, models
from storage.models import FetchStatus
from tests.support import fake_arxiv, patience, source_payloads
from tests.support.polling_harness import START, PollingHarness
from tests.support.source_fixtures import HeldPage
from tests.support.world import World

on_both_engines = pytest.mark.engines("sqlite", "postgresql")

S = FetchStatus
HF = "/api/daily_papers?date=2025-05-06"
LISTED = "<details><summary>Contents</summary><ol><li>x</li></ol></details>\n\n" + "".join(
    f"- [A Paper about Kites, Number {k}](https://arxiv.org/abs/2505.0000{k})\n" for k in range(1, 4)
)
ASKED = "/api/query?id_list=2505.00001,2505.00002&max_results=2"
LIST = "# 2025-05-06\n\n" + "".join(f"- https://arxiv.org/abs/2505.0000{n}\n" for n in (1, 2))


@on_both_engines
async def test_poll_adds_votes_and_authors_to_a_review(harness: PollingHarness) -> None:
    origin = harness.origin
    origin.pages["/2025-05-06.md"] = source_payloads.review(ids=["2505.00001", "2505.00002"])
    origin.pages[HF] = source_payloads.daily_papers(
        source_payloads.daily_papers_item("2505.00001", 81),
        source_payloads.daily_papers_item("2505.00003", 5),
    )
    origin.pages["/api/query"] = source_payloads.atom(
        source_payloads.arxiv_entry("2505.00001"),
        source_payloads.arxiv_entry("2505.00002", title="Told by arXiv"),
    )
    await harness.add("/{date:%Y-%m-%d}.md")
    await harness.add(origin.url, "huggingface")
    reports = await harness.fetch_due()
    found = [report.result for report in reports]
    assert [report.status for report in reports] == [S.OK, S.OK]
    assert [(row.digests, row.papers) for row in found] == [(1, 2), (1, 2)]
    assert sum(row.new_papers for row in found) == 3
    paper, other = await harness.detail("2505.00001"), await harness.detail("2505.00002")
    assert (paper.votes, paper.authors) == (81, ("Ada Lovelace", "Kim Minsu"))
    assert paper.categories == ("cs.CL", "cs.LG")
    assert (other.title, other.votes) == ("Told by arXiv", None)


def feed_of_papers(numbers: Sequence[int], on: str, *, reverse: bool = False) -> str:
    items = [
        source_payloads.rss_item(link, link, text, f"Growing Moss {n}", f"{on}T08:00:00Z" if on else "")
        for n in numbers
        for link in [f"https://arxiv.org/abs/2505.{n:05}"]
        for text in [f"<p>Upvotes: {n}</p><p>Moss {n} grows.</p>"]
    ]
    return source_payloads.rss(*(items[::-1] if reverse else items))


@on_both_engines
async def test_posts_a_list_found_in_two_feeds_once_and_a_large_feed_never(harness: PollingHarness) -> None:
    world = World(harness.db)
    world.now = START - timedelta(days=1)
    await world.daily(papers=10)
    await harness.add("/feed", page=feed_of_papers([1, 2, 3], "2025-05-06"))
    await harness.add("/mirror", page=feed_of_papers([1, 2, 3], "2025-05-06", reverse=True))
    await harness.add("/many", page=feed_of_papers(range(500, 700), "2025-05-06"))
    reports = await harness.fetch_due()
    assert [report.result.papers for report in reports] == [3, 3, 200]
    rows = await harness.digests()
    assert sorted(row.format.value for row in rows) == ["list", "list", "look-up"]
    assert {row.date_on for row in rows} == {START.date()}
    await world.daily_planner.tick(datetime(2025, 5, 7, tzinfo=UTC))
    # The mirror lists yesterday's papers and a new one under today's date.
    harness.now += timedelta(days=1)
    harness.origin.pages["/feed"] = source_payloads.rss()
    harness.origin.pages["/mirror"] = feed_of_papers([4, 3, 2, 1], "2025-05-07")
    await harness.fetch_due()
    await world.daily_planner.tick(datetime(2025, 5, 8, tzinfo=UTC))
    posted = [row.papers for row in await world.planned()]
    assert posted == [("2505.00003", "2505.00002", "2505.00001"), ("2505.00004",)]
    brought = [(found.brings.value, found.papers_a_day) for _, found in await harness.registry.list_yields()]
    assert brought == [("posts", 3), ("posts", 2), ("look-up", 200)]
    emptied = (await harness.health())[f"{harness.origin.url}/feed"]
    assert (emptied.status, emptied.failures) == (S.NOT_YET, 0)


async def test_polls_only_due_sources(harness: PollingHarness) -> None:
    await harness.add("/a.md", page=source_payloads.newsletter(), every="10")
    await harness.add("/feed", page=source_payloads.rss(), every="30")
    assert len(await harness.fetch_due()) == 2
    harness.now += timedelta(minutes=9)
    assert await harness.fetch_due() == []
    harness.now += timedelta(minutes=1)
    assert [report.source.url for report in await harness.fetch_due()] == [f"{harness.origin.url}/a.md"]


PRIVATE = (
    "169.254.169.254 is not a public address. Add 169.254.169.254 to PAPERROUND_FETCH_ALLOW if you trust it"
)
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
PROSE = "# Notes\n\nWe build on " + ", ".join(f"arXiv:2505.0000{n}" for n in range(1, 5)) + ".\n"
HTML = "<!doctype html><html><body>oops</body></html>"


def moved(target: str) -> web.Response:
    return web.Response(status=302, headers={"Location": target})


BAD: tuple[tuple[str, web.Response | str | None, str], ...] = (
    ("/large.md", "x" * 6_000_000, "its response is larger than 5 MB"),
    (
        "/bomb.md",
        web.Response(body=gzip.compress(b"\0" * 25_000_000), headers={"Content-Encoding": "gzip"}),
        "its response is larger than 5 MB",
    ),
    ("/notes.md", PROSE, "it is not a list"),
    ("/html.md", HTML, "it is an HTML page without a digest"),
    ("/html.xml", HTML, "it is not a feed; it is an HTML page without a digest"),
    ("/nonsense.xml", "nonsense", "it is not a feed; there is no digest in it"),
    ("/laughs.xml", f"<!DOCTYPE rss [<!ENTITY l0 'lol'>{LAUGHS}]><rss>&l9;</rss>", "entities of its own"),
    ("/deep.json", '{"a":' * 100_000, "it begins like JSON but is not valid"),
    ("/deep.html", "<div>" * 100_000, "without a digest"),
    ("/empty.md", "## Daily Papers (2025-05-06)\n", "its list of papers is empty"),
    ("/nothing.md", " \n", "its response is empty"),
    ("/binary.md", web.Response(body=b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xd8\xff"), "cannot be decoded"),
    ("/none.md", None, "not found (404)"),
    ("/gone.md", web.Response(status=410), "it is gone for good (410)"),
    ("/broken.md", web.Response(status=500), "the server answers 500, internal server error"),
    ("/loop.md", moved("/loop.md"), "it redirects more than 5 times"),
    ("/inside.md", moved("http://169.254.169.254/latest"), PRIVATE),
    ("http://169.254.169.254/latest", None, PRIVATE),
)


async def test_only_the_failing_source_fails_and_backs_off(harness: PollingHarness, tmp_path: Path) -> None:
    for path, body, _ in BAD:
        await harness.add(path, page=body)
    folder = tmp_path / "folder"
    folder.mkdir()
    await harness.registry.add(str(folder))
    folder.rmdir()
    good = await harness.add("/good.md", page=source_payloads.newsletter())
    await harness.fetch_due()
    health = dict(await harness.health())
    assert health.pop(good.url).status is S.OK
    assert (await harness.detail("2505.00001")).votes == 10
    sentences = {path if "://" in path else harness.origin.url + path: sentence for path, _, sentence in BAD}
    sentences[str(folder)] = "the folder cannot be read: there is no such folder"
    assert health.keys() == sentences.keys()
    for url, row in health.items():
        assert sentences[url] in (row.reason or ""), url
        assert row.status is (S.REFUSED if "169.254" in sentences[url] else S.FAILED)
        assert row.next_attempt_at == harness.now + 2 * poller.poll_interval(row)


async def test_failing_source_backs_off_with_one_notice(harness: PollingHarness) -> None:
    added = await harness.add("/feed", page=web.Response(status=500))
    polled_at = []
    while harness.now < START + timedelta(days=3):
        if await harness.fetch_due():
            polled_at.append(harness.now)
        harness.now = await harness.next_attempt_at(added)
    gaps = [(later - earlier) / timedelta(hours=1) for earlier, later in itertools.pairwise(polled_at)]
    assert gaps == [1, 2, 4, 8, 16, 24]
    assert [(row.url, row.failures) for row in harness.notices] == [(added.url, 3)]
    harness.origin.pages["/feed"] = source_payloads.rss()
    await harness.fetch_due()
    health = (await harness.health())[added.url]
    assert (health.failures, health.noticed_at, health.status) == (0, None, S.NOT_YET)


async def test_failing_link_does_not_delay_its_feed(harness: PollingHarness) -> None:
    broken = f"<item><guid>1</guid><title>Old</title><link>{harness.origin.url}/old.md</link></item>"
    harness.origin.pages["/old.md"] = web.Response(status=500)
    added = await harness.add("/feed", page=source_payloads.rss(broken))
    for polls in range(1, 9):
        await harness.fetch_due()
        assert (await harness.health())[added.url].failures == polls
        later = await harness.next_attempt_at(added)
        assert later - harness.now == timedelta(minutes=30)
        harness.now = later
    assert [(row.url, row.failures) for row in harness.notices] == [(added.url, 3)]


@pytest.mark.parametrize("on", ["", "2025-05-06"])
async def test_a_feed_that_becomes_too_large_keeps_the_days_papers(harness: PollingHarness, on: str) -> None:
    await harness.add("/feed")
    shown: list[range] = []
    for added in (range(1, 20), range(200, 205), range(300, 450), range(500, 503)):
        shown.append(added)
        await _show(harness, *shown, on=on)
    # Without dates, the first papers only fill the archive.
    new = {f"2505.{number:05}" for part in shown[1:] for number in part}
    [today] = await harness.digests(START.date())
    entries = await harness.db.fetch(archive.list_entries_by_digest, today.id)
    assert today.format is models.DigestFormat.LOOKUP
    assert new <= {entry.paper_key for entry in entries}
    assert all([(await harness.detail(arxiv_id)).is_listed for arxiv_id in new])
    await _show(harness, *shown, on=on)
    [same] = await harness.digests(START.date())
    assert same.updated_at == today.updated_at, "an unchanged list is not a correction"


async def _show(harness: PollingHarness, *shown: range, on: str) -> None:
    """Poll the feed again, with at most 160 papers, newest first."""
    numbers = [number for part in reversed(shown) for number in part][:160]
    harness.origin.pages["/feed"] = feed_of_papers(numbers, on)
    harness.now += timedelta(minutes=40)
    await harness.fetch_due()


async def test_a_poll_that_is_ended_tells_what_it_has_read(harness: PollingHarness) -> None:
    slow = HeldPage()
    added = await harness.add("/slow.md", page=slow)
    await harness.add("/right.md", page=source_payloads.newsletter())
    reports: list[SourceReport] = []
    polling = asyncio.create_task(harness.fetch_due(reports))
    await slow.asked.wait()
    await patience.wait_until(lambda: any(report.result.new_papers for report in reports))
    await isolation.cancel(polling)
    assert [report.source.url for report in reports if not report.result.new_papers] == [added.url]


async def test_source_removed_during_its_poll_stores_nothing(harness: PollingHarness) -> None:
    page = HeldPage(status=410)
    wrong = await harness.add("/wrong.md", page=page)
    polling = asyncio.create_task(harness.fetch_due())
    await page.asked.wait()
    await harness.registry.remove(wrong.url)
    await harness.add("/right.md", page=source_payloads.newsletter())
    page.released.set()
    await polling
    assert harness.notices == []
    [report] = await harness.fetch_due()
    assert (report.source.url, report.status) == (f"{harness.origin.url}/right.md", S.OK)


async def test_a_removed_source_of_categories_takes_no_paper_of_another_along(
    harness: PollingHarness,
) -> None:
    for url in ("arxiv:cs.CL", "arxiv:cs.LG,stat.ML"):
        await harness.add(url)
    of = {"2505.00001": ("cs.CL",), "2505.00002": ("cs.CL", "cs.LG"), "2505.00003": ("stat.ML",)}
    facts = models.PaperFacts("", "arxiv", "u", harness.now, title="Moss", listed_on=harness.now.date())
    await harness.ingest.add_facts(
        [replace(facts, paper_key=id_, categories=names) for id_, names in of.items()]
    )
    assert await harness.registry.remove_digests("arxiv:cs.CL", harness.ingest) == ("arxiv:cs.CL", 0, 1)
    found = await SearchService(harness.db).search(SearchRequest("Moss"))
    assert {row.key for row in found.rows} == {"2505.00002", "2505.00003"}


async def test_storage_error_fails_one_source_and_is_retried(harness: PollingHarness) -> None:
    store = harness.ingest.put
    for number in (1, 2, 3):
        page = source_payloads.newsletter(date(2025, 5, number), ids=[f"2505.0000{number}"])
        await harness.add(f"/{number}.md", page=page)

    async def break_on_one(source: str, location: str, *arguments: Any, **options: Any) -> IngestResult:
        if location.endswith("/2.md"):
            raise errors.DatabaseUnavailableError("paperround.db is locked")
        return await store(source, location, *arguments, **options)

    harness.ingest.put = break_on_one  # type: ignore[method-assign]
    reports = await harness.fetch_due()
    assert [report.status for report in reports] == [S.OK, S.FAILED, S.OK]
    assert "paperround.db is locked" in reports[1].reason
    harness.ingest.put = store  # type: ignore[method-assign]
    harness.now += timedelta(hours=2)
    assert [report.status for report in await harness.fetch_due()] == [S.UNCHANGED, S.OK, S.UNCHANGED]


async def test_slow_source_does_not_delay_others(harness: PollingHarness) -> None:
    slow, fetched = HeldPage(source_payloads.newsletter()), list[str]()
    await harness.add("/slow.md", page=slow)

    async def record(reports: Sequence[poller.SourceReport]) -> None:
        fetched.extend(report.source.url.rpartition("/")[2] for report in reports)

    async with harness.open_poller() as opened, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(opened.poll_due(record))
        await slow.asked.wait()
        await harness.add("/next.md", page=source_payloads.newsletter(date(2025, 5, 5)))
        await opened.poll_due(record)
        assert (fetched, harness.origin.paths.count("/slow.md")) == (["next.md"], 1)
        assert not opened.first_round.is_set()
        slow.released.set()
        await first
        assert fetched == ["next.md", "slow.md"]
        assert opened.first_round.is_set()


async def test_failures_and_problems_of_a_poll_are_logged(harness: PollingHarness) -> None:
    await harness.add("/closed.md", page=web.Response(status=403))
    await harness.add("/odd.md", page=source_payloads.newsletter().replace("Vote: ", "Vote: some "))
    fetched = mock.AsyncMock()
    with structlog.testing.capture_logs() as logs:
        async with harness.open_poller() as opened:
            await opened.poll_due(fetched)
    fetched.assert_awaited_once()
    assert [(row["event"], row["log_level"]) for row in logs] == [
        ("source failed", "warning"),
        ("source fetched", "info"),
        *[("could not parse digest", "warning")] * 2,
    ]
    assert "403" in logs[0]["reason"]


FEED = models.StoredSource(1, "https://h.test/feed", models.SourceKind.FEED, 0, {}, START)


def test_the_every_option_sets_the_poll_interval() -> None:
    for every, minutes in (("5", 5), ("0", 30), ("-3", 30), ("x", 30), ("", 30)):
        assert poller.poll_interval(replace(FEED, options={"every": every})) == timedelta(minutes=minutes)


LONG_AGO = START - timedelta(days=10, hours=1)
DATED = replace(FEED, kind=models.SourceKind.URL)
SERVICE = replace(FEED, kind=models.SourceKind.HUGGINGFACE, added_at=LONG_AGO)
STALE = "nothing at any of its addresses since 2025-04-26: not_yet"
MISSED = "days not read, from 2025-05-0{} to 2025-05-05: failed"


def test_a_poll_has_the_status_of_its_most_important_result() -> None:
    for statuses, source, status, reason in (
        ([], DATED, S.UNCHANGED, ""),
        ([S.OK], DATED, S.OK, "ok"),
        ([S.OK, S.FAILED, S.FAILED], DATED, S.OK, f"2 of 3 {MISSED.format(4)}"),
        ([S.UNCHANGED, S.OK, S.NOT_YET], DATED, S.OK, "ok"),
        ([S.UNCHANGED, S.FAILED], DATED, S.FAILED, f"1 of 2 {MISSED.format(5)}"),
        ([S.UNCHANGED, S.NOT_YET], DATED, S.UNCHANGED, "unchanged"),
        ([S.REFUSED], DATED, S.REFUSED, "refused"),
        ([S.NOT_YET], DATED, S.NOT_YET, "not_yet"),
        ([S.NOT_YET], replace(DATED, last_success_at=LONG_AGO), S.FAILED, STALE),
        ([S.NOT_YET], replace(DATED, added_at=LONG_AGO), S.FAILED, STALE),
        ([S.NOT_YET], SERVICE, S.NOT_YET, "not_yet"),
    ):
        report = SourceReport(source)
        for age, given in enumerate(statuses):
            day = START.date() - timedelta(days=age)
            report.add(base.FetchResult("place", given, given.value, day=day), IngestResult())
        report.conclude(START)
        assert (report.status, report.reason) == (status, reason), statuses


async def test_poll_adds_missing_titles_and_abstracts_from_arxiv(harness: PollingHarness) -> None:
    origin, rows = harness.origin, "- [A First Title of Kites {0}](https://arxiv.org/abs/2505.0000{0})\n"
    origin.pages["/api/query"] = source_payloads.atom(
        *(source_payloads.arxiv_entry(f"2505.0000{k}", title=f"Told by arXiv {k}") for k in (1, 3))
    )
    await harness.add("/list.md", page="# 2025-05-06\n\n" + "".join(map(rows.format, (1, 2))))
    await harness.ingest.add_text(rows.format(3), location="/inbox/2025-05-06.md")
    async with harness.open_poller() as opened:
        await opened.fetch_due()
        await opened.fetch_all()
    details = [await harness.detail(f"2505.0000{k}") for k in (1, 2, 3)]
    assert [(paper.title, bool(paper.abstract)) for paper in details] == [
        ("Told by arXiv 1", True),
        ("A First Title of Kites 2", False),
        ("Told by arXiv 3", True),
    ]
    assert sum(request.path.startswith("/api/query") for request in origin.requests) == 1


@pytest.mark.parametrize(
    ("headers", "minutes"),
    [
        ({"Retry-After": "3600"}, [0, 60, 120]),
        ({"Retry-After": "Tue, 06 May 2025 13:30:00 GMT"}, [0, *range(90, 150, 5)]),
        ({}, [*range(0, 150, 5)]),
    ],
)
async def test_arxiv_is_not_asked_for_titles_for_some_time_after_it_failed(
    harness: PollingHarness, headers: dict[str, str], minutes: list[int]
) -> None:
    harness.origin.pages["/api/query"] = web.Response(status=503, headers=headers)
    await harness.add("/list.md", page=LIST)
    asked_after = []
    async with harness.open_poller() as opened:
        for half_minute in range(2 * 60 * 3 - 60):
            count = harness.origin.paths.count(ASKED)
            await opened.fetch_due()
            if harness.origin.paths.count(ASKED) > count:
                asked_after.append(half_minute // 2)
            harness.now += timedelta(seconds=30)
        assert asked_after == minutes
        harness.origin.pages["/api/query"] = source_payloads.atom(source_payloads.arxiv_entry("2505.00001"))
        harness.now += timedelta(hours=2)
        await opened.fetch_due()
    assert (await harness.detail("2505.00001")).title == "A Study of Small Things"


@pytest.mark.parametrize(
    ("answer", "step"),
    [(fake_arxiv.search_page((), 2), timedelta(hours=1)), (source_payloads.atom(), timedelta(days=1))],
    ids=["counted but not given, in hours", "unknown, in days"],
)
async def test_papers_that_arxiv_does_not_give_are_asked_for_at_increasing_intervals(
    harness: PollingHarness, answer: str, step: timedelta
) -> None:
    origin, asked_after = harness.origin, []
    origin.pages["/api/query"] = answer
    await harness.add("/list.md", page=LIST)
    for number in range(16):
        count = len(origin.requests)
        await harness.fetch_due()  # with a new poller, as after a restart
        if any(request.path == "/api/query" for request in origin.requests[count:]):
            asked_after.append(number)
        harness.now += step
    assert asked_after == [0, 1, 3, 7, 15]


@pytest.mark.parametrize(
    ("ending", "text", "of_folder"),
    [
        ("md", LISTED, "list"),
        ("json", source_payloads.listing_text(ids=["2505.00001"]), "listing"),
        ("json", source_payloads.daily_papers(source_payloads.daily_papers_item("2505.00001")), "listing"),
    ],
    ids=["list", "listing", "hugging-face"],
)
async def test_only_the_operators_folder_may_contain_a_listing(
    harness: PollingHarness, tmp_path: Path, ending: str, text: str, of_folder: str
) -> None:
    (tmp_path / f"2025-05-06.{ending}").write_text(text)
    folder = await harness.add(f"file://{tmp_path}", "folder")
    await harness.add(f"/2025-05-06.{ending}", "url", text)
    await harness.add("/feed/2025-05-06", "feed", text)
    await harness.fetch_due()
    rows = await harness.digests()
    formats = {row.source: row.format.value for row in rows}
    assert formats.pop(folder.url) == of_folder
    assert [*formats.values()] == ["list", "list"]
    assert {row.date_on for row in rows} == {START.date()}


async def test_a_list_with_a_date_that_cannot_be_right_is_without_a_date_and_the_source_says_so(
    harness: PollingHarness,
) -> None:
    row = await harness.add("/README.md", page=LIST.replace("2025-05-06", "2024-05-06"))
    for status in (S.OK, S.UNCHANGED):
        [report] = await harness.fetch_due()
        harness.now += timedelta(hours=1)
        [found] = (await harness.health()).values()
        assert (report.status, found.reason) == (status, None)
        assert found.reading is not None
        said = {row.reason: row.examples for row in found.reading.warnings}
        assert "2024-05-06 is before the month of 2505.00001" in said[models.SkipReason.NO_DATE][0]
    assert [stored.date_on for stored in await harness.digests()] == [START.date() - timedelta(days=60)]
    assert row.reason is None


async def test_limits_the_papers_that_a_page_adds_per_day(
    harness: PollingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MAX_PAPERS_A_DAY", 5)
    monkeypatch.setattr(base, "MAX_PAPERS_AT_FIRST", 7)

    def page(first: int) -> str:
        """Return a page with two papers on each of five days."""
        ids = [f"2505.{number:05}" for number in range(first, first + 10)]
        days = ((date(2025, 5, 6 - age), ids[2 * age : 2 * age + 2]) for age in range(5))
        return "\n".join(source_payloads.newsletter(*day) for day in days)

    await harness.add("/x.md")
    stored, reasons = [], []
    for poll in range(3):
        harness.origin.pages["/x.md"] = page(10 * poll + 1)
        [report] = await harness.fetch_due()  # with a new poller, as after a restart
        stored.append(report.result.papers)
        reasons.append(report.reason)
        harness.now += timedelta(hours=2)
    # Written digests are not cut. What the first poll brought leaves the day's limit as it is.
    assert stored == [8, 6, 0]
    assert "its first poll brought 7 papers; the others follow, up to 5 a day" in reasons[0]
    for reason in reasons[1:]:
        assert (
            "it has brought 6 new papers today, and its limit is 5; the others will be read from tomorrow on"
            in reason
        )
    harness.now += timedelta(days=1)
    [report] = await harness.fetch_due()
    assert report.result.papers == 6, "the page is read again"


async def test_papers_added_to_a_long_page_on_its_first_day_are_that_days_list(
    harness: PollingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(*numbers: int) -> str:
        lines = "- [A Paper about Kites, Number {0}](https://arxiv.org/abs/2505.{0:05})\n"
        return "".join(map(lines.format, numbers))

    assert base.MAX_PAPERS_A_DAY == 1_000
    monkeypatch.setattr(base, "MAX_PAPERS_A_DAY", 100)
    row = await harness.add("/README.md")
    # (new papers, what is stored of them)
    for new, count in (
        (range(1, 111), 110),
        (range(201, 204), 3),
        (range(301, 391), 90),
        (range(401, 491), 7),
    ):
        harness.origin.pages["/README.md"] = page(*new, *range(1, 111))
        [report] = await harness.fetch_due()
        assert report.result.new_papers == count
        harness.now += timedelta(hours=1)
    reason = "it has brought 100 new papers today, and its limit is 100; the others"
    assert reason in ((await harness.health())[row.url].reason or "")
    [filled, today] = sorted(await harness.digests(), key=lambda digest: digest.date_on)
    assert (today.date_on, START.date() - filled.date_on) == (START.date(), timedelta(days=60))
