"""New papers in arXiv categories: announcements, interrupted back-fills, and requests that arXiv rejects."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.sources import arxiv_categories, fetcher
from bot.sources.poller import SourceReport
from storage import archive, database, errors, papers
from storage.models import FetchStatus, ReadingReport, SkipReason
from tests.support import fake_arxiv, patience
from tests.support.fake_arxiv import FakeArxiv, make_paper
from tests.support.origin_server import OriginServer
from tests.support.polling_harness import START, PollingHarness

on_both_engines = pytest.mark.engines("sqlite", "postgresql")
TODAY = START.date()
FIRST_ON, SINCE = date(2025, 2, 20), "2025-02-20"
CL, LG = "arxiv:cs.CL", "arxiv:cs.CL,cs.LG"


class ArxivHarness(PollingHarness):
    """A poller with a fake arXiv."""

    fake: FakeArxiv

    async def fetch_all(self, **options: Any) -> SourceReport:
        """Poll the only source now."""
        async with self.open_poller() as opened:
            [report] = await opened.fetch_all(**options)
        return report

    async def digest_ids(self, source: str = CL) -> dict[date, list[str]]:
        """Return the ids in each of a source's digests, by date."""
        origin = archive.Origin(source, with_lookup=True)
        async with self.db.read() as connection:
            rows = await archive.list_rows(connection, origin=origin)
            listed = await archive.list_papers(connection, [row.id for row in rows])
        return {row.date_on: sorted(of.paper_key for of in listed if of.digest_id == row.id) for row in rows}

    async def stored_ids(self) -> set[str]:
        async with self.db.read() as connection:
            rows = await papers.list_rows(connection, await papers.list_newest_ids(connection, limit=10_000))
        return {row.key for row in rows}

    async def back_fill(self) -> str | None:
        """Return what `paperround sources list` says about the only source's back-fill."""
        [row] = (await self.health()).values()
        found = arxiv_categories.read_back_fill(row.progress)
        return None if found is None else found.describe()


@pytest.fixture
def harness(db: database.Database, origin: OriginServer) -> ArxivHarness:
    harness = ArxivHarness(db, origin)
    harness.fake = FakeArxiv(origin)
    harness.fake.serve_feeds("cs.CL", "cs.CL+cs.LG")
    return harness


def announce(harness: ArxivHarness, *found: fake_arxiv.Paper, on: date = TODAY) -> None:
    harness.fake.announced, harness.fake.announced_on = found, on


def unread(report: SourceReport) -> list[str]:
    """Return what the account of a poll names as not read."""
    skipped = report.reading.skipped if report.reading else ()
    return [text for of in skipped if of.reason is SkipReason.NOT_READ for text in of.examples]


async def poll_for(harness: ArxivHarness, polls: int, *, hours: int = 1) -> list[str]:
    """Poll this number of times, some hours apart, and return what the accounts name as not read."""
    named = []
    for _ in range(polls):
        named += [text for report in await harness.fetch_due() for text in unread(report)]
        harness.now += timedelta(hours=hours)
    return named


@on_both_engines
async def test_stores_an_announced_paper_with_all_facts(harness: ArxivHarness) -> None:
    paper = make_paper(1, TODAY, ("cs.CL", "cs.AI"), title="Sparse  <b>Rewards</b> & more")
    announce(harness, paper)
    await harness.add(CL)
    report = await harness.fetch_all()
    assert (report.status, report.reason, report.result.new_papers) == (FetchStatus.OK, "", 1)
    detail = await harness.detail(paper.arxiv_id)
    assert (detail.title, detail.authors) == ("Sparse <b>Rewards</b> & more", paper.authors)
    assert detail.abstract == " ".join(paper.abstract.split())
    assert detail.categories == ("cs.CL", "cs.AI")
    assert (detail.votes, detail.first_on, detail.last_on) == (None, TODAY, TODAY)
    assert detail.url == f"https://arxiv.org/abs/{paper.arxiv_id}"
    assert await harness.digest_ids() == {TODAY: [paper.arxiv_id]}
    assert (await harness.fetch_all()).result.new_papers == 0


@pytest.mark.parametrize(("with_cross_lists", "expected"), [(False, ["new"]), (True, ["cross", "new"])])
async def test_ignores_replacements_and_optionally_includes_cross_lists(
    harness: ArxivHarness, with_cross_lists: bool, expected: list[str]
) -> None:
    kinds = ("new", "cross", "replace", "replace-cross")
    categories = {kind: ("cs.AI", "cs.CL") if "cross" in kind else ("cs.CL",) for kind in kinds}
    found = [make_paper(n, TODAY, categories[kind], announced_as=kind) for n, kind in enumerate(kinds, 1)]
    announce(harness, *found)
    await harness.add(CL, **({"cross_lists": "yes"} if with_cross_lists else {}))
    await harness.fetch_all()
    stored = await harness.stored_ids()
    assert sorted(paper.announced_as for paper in found if paper.arxiv_id in stored) == expected


async def test_empty_weekend_feed_is_not_a_failure(harness: ArxivHarness) -> None:
    await harness.add(CL)
    for on in (date(2025, 5, 2), None, None, date(2025, 5, 5)):
        announce(harness, *([make_paper(on.day, on)] if on else []), on=on or TODAY)
        report = await harness.fetch_all()
        assert (report.status in (FetchStatus.NOT_YET, FetchStatus.UNCHANGED)) == (on is None)
        assert report.reason == "" or report.reason.endswith("which is normal on weekends")
    assert await harness.stored_ids() == {"2505.00002", "2505.00005"}
    [health] = (await harness.health()).values()
    assert health.failures == 0
    assert harness.fake.counted("/api/query") == 0  # nothing is missed between Friday and Monday


async def test_an_announcement_that_changes_on_its_day_is_not_a_repeated_one(harness: ArxivHarness) -> None:
    await harness.add(CL)
    for title in ("Sparse Rewards", "Sparse Rewards, Corrected"):
        announce(harness, make_paper(1, TODAY, title=title))
        report = await harness.fetch_all()
        assert (report.status, report.reason) == (FetchStatus.OK, "")
        assert (await harness.detail(make_paper(1, TODAY).arxiv_id)).title == title


async def test_the_first_announcement_after_a_back_fill_is_not_called_repeated(harness: ArxivHarness) -> None:
    """The API had its papers on the day of their submission."""
    harness.fake.papers = submitted = [make_paper(n, TODAY - timedelta(days=1)) for n in range(1, 4)]
    announce(harness, make_paper(50, TODAY - timedelta(days=2)))
    await harness.add(CL, since=str(TODAY - timedelta(days=4)))
    await harness.fetch_all()
    harness.now += timedelta(days=1)
    announce(harness, *submitted, on=harness.now.date())
    report = await harness.fetch_all()
    assert report.reading == ReadingReport(kept=3)
    assert "only papers that this source has" in report.reason


@pytest.mark.parametrize("stale", [(1, 2), (2,)])
async def test_a_batch_of_known_papers_is_no_news(harness: ArxivHarness, stale: tuple[int, ...]) -> None:
    """On Tuesday arXiv repeats Monday's batch; the papers of Tuesday's own are found by the API on Wednesday."""
    harness.now = datetime(2025, 5, 5, 6, tzinfo=UTC)
    await harness.add(CL)
    for day, numbers in {5: (1, 2), 6: stale, 7: (2, 5)}.items():
        on = date(2025, 5, day)
        announce(harness, *(make_paper(number, on) for number in numbers), on=on)
        harness.fake.papers = [make_paper(3, date(2025, 5, 5))] if day == 7 else []
        [report] = await harness.fetch_due()
        if day == 6:
            assert (report.reading, report.status) == (ReadingReport(kept=len(stale)), FetchStatus.NOT_YET)
            assert "only papers that this source has" in report.reason
        harness.now += timedelta(days=1)
    await poll_for(harness, 2)  # five days of the missed ones a poll
    for number, day in {1: 5, 2: 5, 3: 5, 5: 7}.items():
        found = await harness.detail(f"2505.{number:05}")
        assert {found.first_on, found.last_on} == {date(2025, 5, day)}, number


async def test_categories_of_a_source_share_a_feed_and_a_digest(harness: ArxivHarness) -> None:
    one, other = make_paper(1, TODAY), make_paper(2, TODAY, ("cs.LG",))
    announce(harness, one, other, make_paper(3, TODAY, ("cs.CV", "cs.LG")))
    await harness.add(LG)
    assert (await harness.fetch_all()).result.new_papers == 2
    assert harness.fake.counted("/rss/cs.CL+cs.LG") == 1
    assert await harness.digest_ids(LG) == {TODAY: [one.arxiv_id, other.arxiv_id]}


def many(days: int, a_day: int = 10) -> list[fake_arxiv.Paper]:
    """Return papers from FIRST_ON on. Every tenth is only cross-listed in cs.CL."""
    return list(fake_arxiv.make_papers(days * a_day, FIRST_ON, a_day))


def own(found: list[fake_arxiv.Paper]) -> set[str]:
    return {paper.arxiv_id for paper in found if paper.categories[0] == "cs.CL"}


DAYS_TO_TODAY = (TODAY - FIRST_ON).days + 1


async def test_back_fill_requests_each_paper_once_and_reports_progress(
    harness: ArxivHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arxiv_categories, "_PAGE_SIZE", 8)  # two pages a day
    harness.fake.papers = [make_paper(900, date(2025, 2, 19)), *many(12)]
    announce(harness, make_paper(900, TODAY))
    await harness.add(CL, since=SINCE)
    polls = 0
    while await harness.fetch_due():
        polls += 1
        if polls == 2:
            assert await harness.back_fill() == "back-fill: 13% read, 90 papers since 2025-02-20"
    assert polls == math.ceil(DAYS_TO_TODAY / 5), "it is polled at once until it is done"
    assert await harness.stored_ids() == own([*harness.fake.papers[1:], *harness.fake.announced])
    assert set(harness.fake.served.values()) == {1}
    assert harness.fake.counted("/api/query") == DAYS_TO_TODAY + 12
    assert await harness.back_fill() == "back-fill done: 108 papers since 2025-02-20"
    assert list(await harness.digest_ids()) == [TODAY]  # older papers are never posted


async def test_recent_days_of_a_back_fill_become_digests(harness: ArxivHarness) -> None:
    harness.fake.papers = list(fake_arxiv.make_papers(35, date(2025, 5, 1), 10))
    await harness.add(CL, since="2025-05-01")
    await harness.fetch_all()
    days = await harness.digest_ids()
    assert list(days) == [date(2025, 5, day) for day in (4, 3, 2, 1)]
    assert {name for names in days.values() for name in names} == own(harness.fake.papers)


@on_both_engines
async def test_interrupted_back_fill_repeats_one_poll(harness: ArxivHarness) -> None:
    harness.fake.papers = many(9)
    await harness.add(CL, since=SINCE)
    await harness.fetch_due()
    stored, reached, calls = harness.ingest.add_facts, asyncio.Event(), 0

    async def stop_in_the_middle(facts: Any) -> Any:
        nonlocal calls
        calls += bool(facts)
        result = await stored(facts)
        if calls == 2:
            reached.set()
            await asyncio.Event().wait()
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness.ingest, "add_facts", stop_in_the_middle)
        task = asyncio.create_task(harness.fetch_due())
        await patience.wait_for(reached.wait())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await harness.fetch_due()
    assert await harness.stored_ids() == own(harness.fake.papers)
    assert sorted(harness.fake.served.values()) == [1] * 70 + [2] * 20


async def test_back_fill_waits_as_long_as_arxiv_requests(harness: ArxivHarness) -> None:
    harness.fake.papers = many(2)
    harness.fake.faults = [web.Response(status=503, headers={"Retry-After": "600"})]
    await harness.add(CL, since=SINCE)
    [report] = await harness.fetch_due()
    assert report.status is FetchStatus.NOT_YET
    [health] = (await harness.health()).values()
    assert (health.failures, health.next_attempt_at) == (0, harness.now + timedelta(minutes=10))
    harness.now += timedelta(minutes=10)
    await harness.fetch_due()
    assert await harness.stored_ids() == own(harness.fake.papers)


def short_pages(given: Sequence[fake_arxiv.Paper], total: int, empty: int) -> list[web.Response]:
    """Return a page with the given papers, if any, and empty ones. All have the same total."""
    pages = [given] if given else []
    return [web.Response(text=fake_arxiv.search_page(page, total)) for page in [*pages, *[()] * empty]]


@pytest.mark.parametrize("empty", [1, 8])
async def test_answers_that_are_empty_by_mistake_lose_no_day(harness: ArxivHarness, empty: int) -> None:
    """Others lost six months of a back-fill to first pages that were empty and counted nothing."""
    harness.fake.papers = [make_paper(n, FIRST_ON + timedelta(days=n // 20)) for n in range(1, 101)]
    harness.fake.faults = short_pages((), 0, empty=empty)
    announce(harness, make_paper(9000, TODAY))
    await harness.add(CL, since=SINCE)
    await poll_for(harness, 50)
    assert {paper.arxiv_id for paper in harness.fake.papers} <= await harness.stored_ids()
    assert [row.failures for row in (await harness.health()).values()] == [0]
    back_fill = await harness.back_fill() or ""
    assert back_fill.startswith("back-fill done")
    assert "incomplete" not in back_fill


async def test_a_weekday_without_papers_is_named_and_read_until_it_has_some(harness: ArxivHarness) -> None:
    monday, saturday = date(2025, 2, 24), date(2025, 2, 22)
    found = [make_paper(n + 1, FIRST_ON + timedelta(days=n)) for n in range(12)]
    late = [paper for paper in found if paper.created_on in (monday, saturday)]
    harness.fake.papers, harness.fake.has_quiet_days = [of for of in found if of not in late], True
    announce(harness, make_paper(9000, TODAY))
    harness.now = datetime(2025, 3, 8, 12, tzinfo=UTC)
    await harness.add(CL, since="2025-02-20")
    named = await poll_for(harness, 10)
    assert f"arXiv gave no paper of {monday}, a Monday" in named
    assert not any(str(saturday) in text for text in named)
    assert "incomplete, read again daily: 2025-02-24" in (await harness.back_fill() or "")
    assert {of.arxiv_id for of in harness.fake.papers} <= await harness.stored_ids(), "later days are read"
    harness.fake.papers = found
    await poll_for(harness, 24)
    assert {paper.arxiv_id for paper in found if paper.created_on != saturday} <= await harness.stored_ids()
    assert "incomplete" not in (await harness.back_fill() or "")


async def test_a_gap_is_filled_when_its_day_is_requested(harness: ArxivHarness) -> None:
    harness.fake.has_quiet_days = True
    harness.now = datetime(2025, 2, 25, 12, tzinfo=UTC)  # only 20 February is old enough
    await harness.add(CL, since="2025-02-20")
    await poll_for(harness, 3)
    assert "incomplete, read again daily: 2025-02-20" in (await harness.back_fill() or "")
    harness.fake.papers = [make_paper(1, FIRST_ON)]
    report = await harness.fetch_all(days=[FIRST_ON])
    assert (report.result.new_papers, await harness.stored_ids()) == (1, {"2502.00001"})
    assert "incomplete" not in (await harness.back_fill() or "")


def busy_day(*counts: tuple[str, int]) -> list[fake_arxiv.Paper]:
    """Return an announcement of two categories, whose feed arXiv cuts."""
    kinds = [kind for kind, count in counts for _ in range(count)]
    return [
        make_paper(
            number,
            TODAY - timedelta(days=1),
            (("math.CO", name) if "cross" in kind else (name,)),
            announced_as=kind,
        )
        for number, kind in enumerate(kinds)
        for name in [("cs.CL", "cs.LG")[number % 2]]
    ]


@pytest.fixture
def _short_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give arXiv's feeds at most 200 items: 2,000 take seconds."""
    assert fake_arxiv.FEED_LIMIT == arxiv_categories._FEED_LIMIT == 2_000
    monkeypatch.setattr(fake_arxiv, "FEED_LIMIT", 200)
    monkeypatch.setattr(arxiv_categories, "_FEED_LIMIT", 200)


@pytest.mark.usefixtures("_short_feeds")
async def test_a_cut_announcement_is_completed_by_the_feed_of_each_category(harness: ArxivHarness) -> None:
    """In arXiv's feeds replacements are first: what is cut is new."""
    harness.fake.serve_feeds("cs.LG")
    found = busy_day(("replace", 120), ("cross", 30), ("new", 70))
    announce(harness, *found)
    await harness.add(LG)
    report = await harness.fetch_all()
    assert await harness.stored_ids() == {of.arxiv_id for of in found if of.announced_as == "new"}
    assert (unread(report), await harness.back_fill()) == ([], None)


@pytest.mark.usefixtures("_short_feeds")
@pytest.mark.parametrize("lacking", ["one category", "a feed"])
async def test_an_announcement_that_stays_cut_is_named_until_the_api_has_completed_it(
    harness: ArxivHarness, lacking: str
) -> None:
    found = busy_day(("replace", 190), ("new", 20))
    if lacking == "one category":
        found = [replace(paper, categories=("cs.CL",)) for paper in found]
    announce(harness, *found)
    source = CL if lacking == "one category" else LG  # the feed of cs.LG alone is not served
    await harness.add(source)
    report = await harness.fetch_all()
    new = {of.arxiv_id for of in found if of.announced_as == "new"}
    assert len(new - await harness.stored_ids()) >= 5
    assert any(text.startswith(f"the announcement of {TODAY} has over 200 items") for text in unread(report))
    assert "incomplete" in (await harness.back_fill() or "")
    harness.fake.papers = [of for of in found if of.announced_as == "new"]
    announce(harness, make_paper(99_000, TODAY + timedelta(days=1)), on=TODAY + timedelta(days=1))
    harness.now += timedelta(days=1)
    await poll_for(harness, 3)
    assert new <= await harness.stored_ids()
    assert "incomplete" not in (await harness.back_fill() or "")


@pytest.mark.parametrize("count", [0, 2])
async def test_a_day_of_which_arxiv_counts_too_many_papers_is_left_and_read_again_the_next_day(
    harness: ArxivHarness, count: int
) -> None:
    of_day = [make_paper(number, FIRST_ON) for number in (1, 2, 3)]
    later = [make_paper(number, FIRST_ON + timedelta(days=number)) for number in (4, 5)]
    harness.fake.papers = [*of_day, *later]
    harness.fake.faults = short_pages(of_day[:count], 3, empty=2 - bool(count))
    await harness.add(CL, since=SINCE)
    named = await poll_for(harness, 3)
    assert f"arXiv gave {count} of the 3 papers that it counts on {FIRST_ON}" in named
    assert await harness.stored_ids() == {paper.arxiv_id for paper in (*of_day[:count], *later)}
    assert harness.fake.faults == []
    await poll_for(harness, 24)
    assert await harness.stored_ids() == {paper.arxiv_id for paper in harness.fake.papers}


async def test_requested_days_after_an_incomplete_one_are_read(harness: ArxivHarness) -> None:
    harness.fake.papers = [make_paper(4, FIRST_ON + timedelta(days=1))]
    harness.fake.faults = short_pages((), 3, empty=2)
    await harness.add(CL)
    report = await harness.fetch_all(days=[FIRST_ON, FIRST_ON + timedelta(days=1)])
    assert await harness.stored_ids() == {"2502.00004"}
    assert (report.status, "arXiv gave 0 of the 3" in report.reason) == (FetchStatus.OK, True)


def refuse_days(harness: ArxivHarness, status: int, refused: Sequence[date]) -> None:
    """Let arXiv answer with this status about papers submitted on these days."""

    async def query(request: web.BaseRequest) -> web.Response:
        is_refused = any(f"[{on:%Y%m%d}0000" in request.query["search_query"] for on in refused)
        return web.Response(status=status) if is_refused else await harness.fake.query(request)

    harness.origin.pages["/api/query"] = query


@pytest.mark.parametrize(
    ("status", "failing", "is_catch_up"),
    [(413, 1, False), (400, 4, True), (500, 1, True), (500, 2, False), (500, 2, True)],
)
async def test_days_about_which_arxiv_does_not_answer_cost_themselves_alone(
    harness: ArxivHarness, status: int, failing: int, is_catch_up: bool
) -> None:
    first = TODAY - timedelta(days=12)
    harness.fake.papers = [make_paper(n, first + timedelta(days=n)) for n in range(1, 13)]
    await harness.add(CL, **({} if is_catch_up else {"since": first.isoformat()}))
    if is_catch_up:
        announce(harness, make_paper(90, first), on=first + timedelta(days=4))
        await harness.fetch_all()
        announce(harness, make_paper(91, TODAY))
    failed = [first + timedelta(days=n) for n in range(2, 2 + failing)]
    refuse_days(harness, status, failed)
    told = await poll_for(harness, 12, hours=3)
    expected = {of.arxiv_id for of in harness.fake.papers if of.created_on not in failed}
    assert expected <= await harness.stored_ids()
    assert any(text.startswith(f"{failed[0]}: ") for text in told)
    back_fill = await harness.back_fill() or ""
    assert "done" in back_fill
    assert all(str(on) in back_fill for on in failed), "each is read again daily"


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_outage_of_arxiv_costs_no_day(harness: ArxivHarness, status: int) -> None:
    days = [TODAY - timedelta(days=n) for n in range(12, -1, -1)]
    harness.fake.papers = [make_paper(n, on) for n, on in enumerate(days, 1)]
    refuse_days(harness, status, days)
    await harness.add(CL, since=days[0].isoformat())
    await poll_for(harness, 6, hours=24)
    refuse_days(harness, status, ())
    await poll_for(harness, 10)
    assert {of.arxiv_id for of in harness.fake.papers} <= await harness.stored_ids()


@pytest.mark.parametrize(("status", "failing"), [(413, 1), (500, 2), (500, 6), (503, 6)])
async def test_requested_days_not_read_are_named(harness: ArxivHarness, status: int, failing: int) -> None:
    days = [FIRST_ON + timedelta(days=n) for n in range(7)]
    harness.fake.papers = [make_paper(n, on) for n, on in enumerate(days, 1)]
    refuse_days(harness, status, days[1 : 1 + failing])
    await harness.add(CL)
    report = await harness.fetch_all(days=days)
    expected = {of.arxiv_id for of in harness.fake.papers if of.created_on not in days[1 : 1 + failing]}
    assert await harness.stored_ids() == expected
    assert report.missed_days == days[1 : 1 + failing]
    assert report.reading is not None
    assert sum(of.number for of in report.reading.skipped) == failing


async def test_fetches_missed_announcements_later(harness: ArxivHarness) -> None:
    monday, friday = date(2025, 5, 5), date(2025, 5, 9)
    found = [make_paper(day, date(2025, 5, day)) for day in range(4, 9)]
    held = make_paper(9, date(2025, 5, 2))
    harness.fake.papers = [held, *found]
    await harness.add(CL)
    for on, listed in ((monday, found[:1]), (friday, found[-1:])):
        harness.now = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
        announce(harness, *listed, on=on)
        await harness.fetch_all()
    await harness.fetch_due()
    await harness.fetch_due()
    assert await harness.stored_ids() == {paper.arxiv_id for paper in harness.fake.papers}


async def test_back_fill_reads_at_most_the_last_year(harness: ArxivHarness) -> None:
    await harness.add(CL, since="1991-07-01")
    await harness.fetch_all()
    assert await harness.back_fill() == "back-fill: 1% read, 0 papers since 2024-05-05"


@on_both_engines
async def test_processes_on_one_database_share_the_rate_limit(db: database.Database) -> None:
    waited: list[float] = []

    async def record(seconds: float) -> None:
        waited.append(seconds)

    paces = [fetcher.arxiv_throttle(db, lambda: START, 3.0, record) for _ in range(4)]
    await asyncio.gather(*(one() for one in paces for _ in range(3)))
    assert sorted(waited) == [3.0 * n for n in range(12)]
    later = fetcher.arxiv_throttle(db, lambda: START + timedelta(hours=1), 3.0, record)
    await later()
    assert waited[-1] == 0.0
    # A reservation made by a fast clock must not stop all requests.
    await paces[0]()
    assert waited[-1] == 0.0


def test_normalises_category_names() -> None:
    rows = [
        ("arxiv:cs.CL", ("cs.CL",)),
        ("arxiv:cs.cl, CS.LG,cs.CL", ("cs.CL", "cs.LG")),
        ("arxiv:math.IT,cs.SY", ("cs.IT", "eess.SY")),
        ("arxiv:physics.AO-ph,hep-th,cond-mat.dis-nn", ("physics.ao-ph", "hep-th", "cond-mat.dis-nn")),
        ("arxiv:cs", ("cs",)),
    ]
    assert [(address, arxiv_categories.parse_categories(address)) for address, _ in rows] == rows


@pytest.mark.parametrize(
    ("address", "options"),
    [
        (CL, {"since": "2025-05-07"}),
        (CL, {"since": "soon"}),
        ("https://h.test/feed", {"since": SINCE}),
        ("https://h.test/feed", {"cross_lists": "yes"}),
    ],
)
async def test_unsupported_option_raises_a_usage_error(
    harness: ArxivHarness, address: str, options: dict[str, str]
) -> None:
    with pytest.raises(errors.UsageError):
        await harness.add(address, **options)


def test_a_gap_is_read_again_on_seven_days_and_then_left() -> None:
    """docs/sources.md; it was read on eight."""
    progress, today, day = arxiv_categories.Progress(), date(2025, 2, 25), "2025-02-20"
    read_on = list[date]()
    progress = progress.leave([day], today)
    while day in progress.gaps and len(read_on) < 20:
        today += timedelta(days=1)
        if day in progress.list_due(today):
            read_on.append(today)
            progress = progress.leave([day], today)
    assert len(read_on) == 7
