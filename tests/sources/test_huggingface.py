"""The Hugging Face source: facts about each listed paper, broken lists, and days that are read again."""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import structlog
from aiohttp import web

from bot.archive import ingest, listing
from bot.core import day_close
from bot.sources import base, huggingface
from bot.sources.fetcher import HttpFetcher
from storage import archive, models, papers, sources
from storage.database import Database
from storage.models import FetchStatus
from tests.support import fake_huggingface, feed_files, source_fixtures, source_payloads
from tests.support.origin_server import OriginServer
from tests.support.polling_harness import START, PollingHarness
from tests.support.source_fixtures import fetch_results, merge_page_states
from tests.support.source_payloads import daily_papers, daily_papers_item
from tests.support.virtual_time import VirtualTimeLoop
from tests.support.world import World

TODAY = source_payloads.DAY


def path(day: date) -> str:
    return f"/api/daily_papers?date={day}"


class Hub:
    """Hugging Face's lists on loopback, and their source."""

    def __init__(self, origin: OriginServer, fetch: HttpFetcher) -> None:
        self.origin, self.fetch, self.pages = origin, fetch, origin.pages
        # Hugging Face's limit is over five minutes, in real time: `test_requests_keep_to_the_services_limit`.
        self.source = huggingface.HuggingFaceSource(
            origin.url, fetch, day_close.default(), throttle=base.no_throttle
        )

    async def read_today(
        self, *items: Any, states: Mapping[str, sources.PageState] | None = None
    ) -> base.FetchResult:
        """Fetch a list of these items, or the page that is served in place of the list."""
        is_page = len(items) == 1 and not isinstance(items[0], dict)
        self.pages[path(TODAY)] = items[0] if is_page else daily_papers(*items)
        return (await fetch_results(self.source, states, days=[TODAY]))[0]


@pytest.fixture
def hub(origin: OriginServer, fetch: HttpFetcher) -> Hub:
    return Hub(origin, fetch)


async def test_daily_list_is_a_digest_with_facts_about_each_paper(hub: Hub) -> None:
    item = daily_papers_item(
        "2505.00001",
        81,
        ai_summary="Small things are studied.",
        organization={"name": "alab", "fullname": "A Lab", "avatar": "x"},
        githubStars=1200,
        submittedOnDailyBy={"name": "kim", "fullname": "Kim Minsu"},
        mystery=[1],
    )
    result = await hub.read_today(item)
    (digest,) = result.digests
    assert (digest.format, digest.date, digest.problems) == (models.DigestFormat.LISTING, TODAY, ())
    (entry,) = digest.entries
    assert (entry.votes, entry.url) == (81, "https://huggingface.co/papers/2505.00001")
    assert entry.sections == (models.Section(None, "Small things are studied."),)
    (paper,) = listing.papers_of(digest.text)
    assert (paper["comments"], paper["submitter"]) == (2, "Kim Minsu")
    assert result.facts == (
        models.PaperFacts(
            paper_key="2505.00001",
            source="huggingface",
            location=hub.origin.url + path(TODAY),
            read_at=source_fixtures.NOW,
            title="A Study of Small Things 2505.00001",
            authors=("Ada Lovelace", "Kim Minsu"),
            votes=81,
            abstract="Small things are studied.\n\nThey are small.",
            keywords=("small language models", "distillation"),
            code_url="https://github.com/example/small",
            project_url="https://small.example/",
            organization="A Lab",
            code_stars=1200,
            thumbnail="https://cdn.example/a.png",
            published_on=date(2025, 5, 5),
            listed_on=TODAY,
        ),
    )


async def test_invalid_paper_does_not_affect_others(hub: Hub) -> None:
    strange = daily_papers_item(
        "2505.00003",
        title=["no", "title"],
        authors="Ada",
        summary=None,
        githubRepo="javascript:alert(1)",
        projectPage={"a": 1},
        publishedAt="soon",
        ai_keywords="words",
    )
    one, other = daily_papers_item("2505.00001"), daily_papers_item("2505.00002v3")
    result = await hub.read_today(one, None, 5, {}, {"paper": {"id": "no id"}}, other, strange)
    assert [facts.paper_key for facts in result.facts] == ["2505.00001", "2505.00002", "2505.00003"]
    bare = result.facts[2]
    assert (bare.title, bare.authors, bare.code_url, bare.project_url) == (None, (), None, None)
    assert (bare.published_on, bare.keywords) == (None, ())


async def test_invalid_list_fails_with_a_reason(hub: Hub) -> None:
    for body, reason in (
        ("<!doctype html><html>Bad Gateway</html>", "is an HTML page instead of a list of papers"),
        ('[{"paper": {"id": "2505.0', "its response is not JSON"),
        ("", "its response is not JSON"),
        ('{"error": "date must be\\na date"}', "its response is not a list of papers: date must be a date"),
        ('"text"', "its response is not a list of papers"),
        ('[{"title": "no paper"}, 3]', "its list of 2 papers cannot be understood"),
        ("[" * 100_000, "its response is not JSON"),
        ("[" + "9" * 10_000 + "]", "its response is not JSON"),
        ("[é]".encode() + b"\xff", "cannot be decoded"),
    ):
        result = await hub.read_today(body)
        assert result.status is FetchStatus.FAILED, body
        assert reason in result.reason, body
        assert result.page_states == (), body


async def test_refreshes_votes_after_one_three_and_seven_days(hub: Hub) -> None:
    pages: dict[str, sources.PageState] = {}
    read_on = []
    for later in range(12):
        now = source_fixtures.NOW + timedelta(days=later)
        hub.pages[path(TODAY)] = daily_papers(daily_papers_item("2505.00001", 10 + later))
        for hour in (0, 3):
            results = await fetch_results(hub.source, pages, now=now + timedelta(hours=hour))
            # The fetcher's clock is fixed, so set the read time here.
            for page in merge_page_states(results).values():
                pages[page.location] = replace(page, read_at=now + timedelta(hours=hour))
            read_on += [later for result in results if result.status is FetchStatus.OK]
    assert read_on == [0, 1, 3, 7]


def test_requests_keep_to_the_services_limit() -> None:
    """Hugging Face allows an address 500 requests in any five minutes (docs/services.md, *Limits of Hugging Face*)."""

    async def count(seconds: float) -> list[float]:
        source = huggingface.HuggingFaceSource("https://hub.example", feed_files.Site(), day_close.default())
        loop, sent = asyncio.get_running_loop(), list[float]()
        while loop.time() < seconds:
            await source.throttle()
            sent.append(loop.time())
        return sent

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        sent = runner.run(count(1800))
    most = max(len([at for at in sent if begin <= at < begin + 300]) for begin in sent)
    assert 400 < most <= 500


async def test_fetches_the_last_seven_days_if_unknown(hub: Hub) -> None:
    await fetch_results(hub.source)
    days = [TODAY - timedelta(days=back) for back in range(8)]
    assert hub.origin.paths == [f"{path(day)}&limit=100&p=0" for day in days]


async def test_empty_list_is_final_only_after_its_day_closes(hub: Hub) -> None:
    hub.pages[path(TODAY)] = "[]"
    for closes, is_closed in (("11:00 UTC", True), ("13:00 UTC", False)):
        source = huggingface.HuggingFaceSource(hub.origin.url, hub.fetch, day_close.parse(closes))
        [result] = await fetch_results(source, days=[TODAY])
        reason = "2025-05-06: its list of papers is empty"
        assert (result.status, result.reason) == (FetchStatus.NOT_YET, reason)
        assert bool(result.page_states) == is_closed


def rows(count: int, *, last: int = 7, first: int = 1) -> list[dict[str, Any]]:
    """Return papers with 7 votes, but for the last one's. A page of 100 is small enough to be read in this process."""
    numbers = range(first, first + count)
    return [
        daily_papers_item(
            f"2505.{number:05}", last if number == numbers[-1] else 7, githubRepo=None, projectPage=None
        )
        for number in numbers
    ]


@pytest.mark.promise
@pytest.mark.parametrize(
    ("count", "requests"), [(0, 1), (1, 2), (50, 2), (51, 2), (100, 2), (101, 3), (230, 4)]
)
async def test_all_pages_of_a_list_are_read(hub: Hub, count: int, requests: int) -> None:
    with structlog.testing.capture_logs() as logs:
        result = await hub.read_today(*rows(count, last=900))
    listed = [entry.paper_key for digest in result.digests for entry in digest.entries]
    assert listed == [f"2505.{number:05}" for number in range(1, count + 1)]
    assert [fact.paper_key for fact in result.facts] == listed
    assert [entry.rank for digest in result.digests for entry in digest.entries] == [*range(1, count + 1)]
    assert [fact.votes for fact in result.facts][-1:] == [900] * bool(count)
    assert [page.location for page in result.page_states] == [hub.origin.url + path(TODAY)] * bool(count)
    assert len(hub.origin.requests) == requests
    assert [line["papers"] for line in logs if line["event"] == "daily list read"] == [count]


async def test_a_list_is_read_again_only_where_a_page_changed(hub: Hub) -> None:
    known = merge_page_states([await hub.read_today(*rows(150))])
    again = await hub.read_today(*rows(150), states=known)
    assert (again.status, again.facts) == (FetchStatus.UNCHANGED, ())
    assert again.reading is not None
    changed = await hub.read_today(*rows(150, last=80), states=merge_page_states([again], known))
    assert (changed.status, changed.facts[149].votes) == (FetchStatus.OK, 80)


async def test_a_short_page_is_not_the_last(hub: Hub) -> None:
    # Since papers joined the list meanwhile, the third page begins with the last paper of the second.
    slices = [rows(100), [{"title": "no paper"}, *rows(3, first=101)], rows(50, first=103), []]

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(slices[int(request.query["p"])])

    result = await hub.read_today(serve)
    assert [fact.paper_key for fact in result.facts] == [f"2505.{number:05}" for number in range(1, 153)]
    [digest] = result.digests
    assert [problem.message for problem in digest.problems] == [
        "paper 101 of the list has no id and is left out"
    ]
    assert len(hub.origin.requests) == 4


async def test_a_large_page_is_read_in_its_own_process(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "LARGE_BYTES", 0)
    result = await hub.read_today(*rows(3))
    assert [fact.paper_key for fact in result.facts] == ["2505.00001", "2505.00002", "2505.00003"]


async def test_a_page_that_repeats_the_list_is_the_end(hub: Hub) -> None:
    result = await hub.read_today(web.json_response([*rows(60), None]))
    assert (result.status, len(result.facts), len(hub.origin.requests)) == (FetchStatus.OK, 60, 2)
    assert len(result.digests[0].problems) == 1


async def test_an_endless_list_is_bounded_and_not_stored(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count(1, 100)

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(rows(100, first=next(numbers)))

    result = await hub.read_today(serve)
    assert (result.status, result.reason) == (FetchStatus.FAILED, "its list has more than 10 pages")
    assert (result.digests, result.facts, result.page_states) == ((), (), ())
    assert len(hub.origin.requests) == 11
    monkeypatch.setattr(huggingface, "_MAX_LIST_BYTES", 60_000)
    result = await hub.read_today(serve)
    assert result.reason.startswith("at page 2: its list is larger than"), result.reason
    monkeypatch.setattr(huggingface, "_LIST_SECONDS", 0.0)
    result = await hub.read_today(serve)
    assert result.reason == "reading its list took longer than 0 s"


@pytest.mark.parametrize("status", [404, 429, 500])
async def test_a_day_with_a_page_that_fails_is_not_read(hub: Hub, status: int) -> None:
    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(rows(100)) if request.query["p"] == "0" else web.Response(status=status)

    result = await hub.read_today(serve)
    assert (result.status, result.digests, result.facts) == (FetchStatus.FAILED, (), ())
    assert (result.page_states, result.reason[:9]) == ((), "at page 2")


@pytest.fixture
async def polled(harness: PollingHarness) -> PollingHarness:
    await harness.add(harness.origin.url, "huggingface")
    return harness


async def count_listed(db: Database) -> int:
    async with db.read() as connection:
        digests = await archive.list_rows(connection)
        return len(await archive.list_papers(connection, [digest.id for digest in digests]))


@pytest.mark.promise
async def test_the_most_voted_paper_of_a_long_list_is_posted_once_all_is_read(polled: PollingHarness) -> None:
    """A page that fails leaves the day unread, so that no post takes half of the list for the whole."""
    listed, is_down = daily_papers(*rows(120, last=900)).encode(), True

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        if is_down and request.query["p"] == "1":
            return web.Response(status=500)
        return web.Response(body=fake_huggingface.cut(listed, str(request.url))[1])

    polled.origin.pages[path(TODAY)] = serve
    world = World(polled.db)
    world.now = START - timedelta(days=1)
    await world.daily(papers=2)
    await polled.fetch_due()
    assert await count_listed(polled.db) == 0
    is_down = False
    polled.now += timedelta(minutes=31)
    await polled.fetch_due()
    assert await count_listed(polled.db) == 120
    polled.now = START + timedelta(days=1)
    await polled.fetch_due()
    await world.daily_planner.tick(polled.now)
    [post] = await world.planned()
    assert post.papers[0] == "2505.00120"


@pytest.mark.promise
@pytest.mark.parametrize("age", [0, 3, 30])
async def test_a_list_that_was_read_to_50_papers_is_completed(polled: PollingHarness, age: int) -> None:
    """Open days and days whose votes are refreshed, by a poll; older days, by `sources fetch --since`."""
    alerts: list[int] = []

    async def record(_: Any, paper_ids: Any) -> None:
        alerts.extend(paper_ids)

    day = TODAY - timedelta(days=age)
    items = [
        daily_papers_item(f"{day:%y%m}.{number:05}", 900 if number == 80 else 5) for number in range(1, 81)
    ]
    [row] = await polled.db.fetch(sources.list_rows)
    place = polled.origin.url + path(day)
    service = ingest.IngestService(polled.db, lambda: START - timedelta(days=max(age, 1) - 1, hours=2))
    digest = listing.build(day, map(listing.from_service, items[:50]))
    await service.put(row.url, place, (digest,))
    read_at = START - timedelta(days=max(age - 1, 0), hours=2)
    known: Any = {"etag": 'W/"50"', "hash": "0" * 64, "reading": models.ReadingReport()}
    state = sources.PageState(place, read_at, FetchStatus.OK, **known)
    async with polled.db.transaction() as connection:
        await sources.upsert_page_states(connection, row.id, [state])
    polled.origin.pages[path(day)] = daily_papers(*items)
    polled.ingest = ingest.IngestService(polled.db, polled.clock, on_fresh=record)
    await polled.fetch_due()
    assert await count_listed(polled.db) == (50 if age == 30 else 80)
    async with polled.open_poller() as opened:
        await opened.fetch_all(days=[day])
    assert await count_listed(polled.db) == 80
    assert [row.location for row in await polled.digests()] == [place]
    assert (await polled.detail(f"{day:%y%m}.00080")).votes == 900
    assert len(set(alerts)) == (0 if age == 30 else 30), "a paper of an old day is not new"


COVER, CODE = "https://cdn.example/a.png", "https://github.com/example/thing"
MEDIA = tuple(f"https://uploads.example/a/{name}" for name in ("0.mp4", "1.png", "2.PNG?width=800", "3.gif"))
MANY = (*(f"Author Number {number}" for number in range(531)), "Yang Liu", "Yang Liu")
LISTED: list[tuple[tuple[str, ...], tuple[str, ...], str | None, str | None, str | None]] = [
    # authors, media, the picture that is listed and the one that is shown, code
    (("Wei Wang",), (), COVER, COVER, None),
    (("Kim Min-jun", "李静", "Kim Min-jun"), (), None, None, CODE),
    (MANY, MEDIA[:1], None, None, None),
    (("José Núñez", "Ada Lovelace"), MEDIA, None, MEDIA[1], CODE),
    (("Ada Lovelace",), MEDIA[::-1], COVER, COVER, None),
    (("Yang Liu", "Jing Li"), MEDIA[2:], None, MEDIA[2], None),
]


@pytest.mark.promise
async def test_stores_order_authors_and_media_exactly_as_listed(hub: Hub, db: Database) -> None:
    """Two authors of a paper may have one name, and a paper more than 500 authors."""
    days, expected = [TODAY - timedelta(days=1), TODAY], []
    for day, order in zip(days, (1, -1), strict=True):
        items = []
        for number, (authors, media, listed, shown, code) in [*enumerate(LISTED, 10 * day.day)][::order]:
            expected.append((f"2505.{number:05}", authors, media, shown, code))
            people = [{"name": name} for name in authors]
            repo = code and code.replace("thing", "\n  thing")
            item = daily_papers_item(expected[-1][0], authors=people, mediaUrls=[*media], githubRepo=repo)
            items.append(item | {"thumbnail": listed})
        hub.pages[path(day)] = daily_papers(*items)
    service = ingest.IngestService(db, lambda: source_fixtures.NOW)
    found = []
    for result in await fetch_results(hub.source, days=days):
        [digest] = result.digests
        assert digest.problems == ()
        found += [
            (fact.paper_key, fact.authors, fact.media, entry.thumbnail, fact.code_url)
            for fact, entry in zip(result.facts, digest.entries, strict=True)
        ]
        await service.put(huggingface.ADDRESS, result.location, result.digests)
        await service.add_facts(result.facts)
    assert found == expected
    async with db.read() as connection:
        digests = await archive.list_rows(connection)
        listed_papers = await archive.list_papers(connection, [digest.id for digest in digests[::-1]])
        details = await papers.list_details(connection, [paper.paper_id for paper in listed_papers])
    stored = {row.key: (row.key, row.authors, row.media, row.thumbnail, row.code_url) for row in details}
    assert [stored[paper.paper_key] for paper in listed_papers] == expected


async def test_a_day_that_has_not_begun_at_hugging_face_is_not_there_yet(hub: Hub) -> None:
    """A date after today is a bad request there; a clock that is fast asks for one."""
    hub.pages["/api/daily_papers"] = web.Response(status=400, text="{}")
    now, before = await fetch_results(hub.source, days=[TODAY, TODAY - timedelta(days=1)])
    assert (now.status, before.status) == (FetchStatus.NOT_YET, FetchStatus.FAILED)


async def test_a_list_in_which_no_paper_has_votes_is_said_in_the_report(hub: Hub) -> None:
    """As if their field was renamed: posts would go by the order of the list without a word."""
    items = [daily_papers_item(f"2505.0000{number}", 9) for number in (1, 2)]
    for item in items:
        item["paper"]["likes"] = item["paper"].pop("upvotes")
    result = await hub.read_today(*items)
    assert result.status is FetchStatus.OK
    assert result.reading is not None
    [warning] = result.reading.warnings
    assert (warning.reason, warning.number) == (models.SkipReason.NO_VOTES, 2)
    result = await hub.read_today(*items, daily_papers_item("2505.00003", 0))
    assert result.reading is not None
    assert result.reading.warnings == (), "a new paper has none yet"


async def test_tomorrow_is_not_asked_for_and_today_is(hub: Hub) -> None:
    tomorrow = TODAY + timedelta(days=1)
    hub.pages[path(TODAY)] = hub.pages[path(tomorrow)] = daily_papers(daily_papers_item("2505.00001"))
    later, now = await fetch_results(hub.source, days=[tomorrow, TODAY])
    assert (later.status, later.reason) == (FetchStatus.NOT_YET, f"{tomorrow} has not begun")
    assert now.status is FetchStatus.OK
    assert {TODAY.isoformat() in asked for asked in hub.origin.paths} == {True}


async def test_a_list_that_was_not_read_since_its_close_is_read_again(hub: Hub) -> None:
    """Its votes were refreshed on the next day already, and the list is closed by now: what came last would be missed."""
    closing, day = day_close.parse("20:00 America/Los_Angeles"), TODAY - timedelta(days=2)
    source = huggingface.HuggingFaceSource(hub.origin.url, hub.fetch, closing, throttle=base.no_throttle)
    place = source.daily_papers_url(day)
    for minutes, is_due in ((-1, True), (1, False)):
        read_at = closing.closes_at(day) + timedelta(minutes=minutes)
        assert read_at.date() == day + timedelta(days=1)
        state = sources.PageState(place, read_at, FetchStatus.OK, hash="a", reading=models.ReadingReport())
        request = base.FetchRequest(source_fixtures.NOW, page_states={base.page_key(place): state})
        assert (day in source._due_days(request)) is is_due
