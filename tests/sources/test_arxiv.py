"""arXiv's API, for the archive and for readers: batches, rejected ids, shared requests and limits."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from aiohttp import web

from bot.app import container
from bot.archive.ingest import IngestService
from bot.core.settings import Settings
from bot.sources import arxiv, base
from bot.sources.arxiv import LookupOutcome, PaperLookup
from bot.sources.fetcher import HttpFetcher
from storage.database import Database
from storage.models import PaperFacts
from tests.support import patience, source_payloads
from tests.support.fake_arxiv import REFUSALS, FakeArxiv, make_paper, search_page
from tests.support.origin_server import Handler, OriginServer, Page

WANTED = [f"2505.{number:05}" for number in range(1, 251)]


async def read(
    origin: OriginServer, fetch: HttpFetcher, ids: Sequence[str], pace: base.Throttle = base.no_throttle
) -> tuple[list[PaperFacts], list[str]]:
    """Return the facts from arXiv, and the ids unknown to it."""
    reader = arxiv.ArxivReader(f"{origin.url}/api/query", fetch, pace)
    facts, missing = list[PaperFacts](), list[str]()
    async for found, lost, _ in reader.read_papers(ids, date(2025, 5, 6)):
        facts += found
        missing += lost
    return facts, missing


async def test_requests_papers_in_batches_of_a_hundred(origin: OriginServer, fetch: HttpFetcher) -> None:
    FakeArxiv(origin, titles=dict.fromkeys([WANTED[0], *WANTED[2:]], "Small Things"))
    facts, missing = await read(origin, fetch, WANTED)
    assert [paper.paper_key for paper in facts] == [WANTED[0], *WANTED[2:]]
    assert missing == ["2505.00002"]
    assert {paper.affiliations for paper in facts} == {("A Lab",)}, "feedparser keeps the last"
    assert len(origin.requests) == 3
    assert await read(origin, fetch, []) == ([], [])
    assert len(origin.requests) == 3


PAPERS = [make_paper(number, date(2025, 5, 1)) for number in range(1, 4)]


def in_order(*pages: str) -> Handler:
    """Return a handler that answers with each page once."""
    left = list(pages)

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=left.pop(0))

    return answer


@pytest.mark.parametrize(
    ("pages", "found", "missing"),
    [
        ([search_page((), 3)] * 2, [], []),
        ([search_page(PAPERS[:2], 3)] * 2, WANTED[:2], []),
        ([search_page((), 3), search_page(PAPERS, 3)], WANTED[:3], []),
        ([search_page(PAPERS[:2], 2)], WANTED[:2], WANTED[2:3]),
        ([search_page(PAPERS[:1], 3).replace("</feed>", "<entry/><entry/></feed>")], WANTED[:1], WANTED[1:3]),
    ],
    ids=["empty", "short", "empty-once", "unknown", "unknown-as-empty-entries"],
)
async def test_papers_that_arxiv_counts_but_does_not_give_are_not_unknown(
    origin: OriginServer, fetch: HttpFetcher, pages: list[str], found: list[str], missing: list[str]
) -> None:
    origin.pages["/api/query"] = in_order(*pages)
    facts, unknown = await read(origin, fetch, WANTED[:3])
    assert ([paper.paper_key for paper in facts], unknown) == (found, missing)
    assert len(origin.requests) == len(pages)


async def test_rejected_id_spares_other_papers(origin: OriginServer, fetch: HttpFetcher) -> None:
    for status in (400, 200):
        origin.requests.clear()
        wanted = ["cs/0112017", *WANTED[:-1]]
        titles = dict.fromkeys(wanted[1:], "Small Things")
        FakeArxiv(origin, titles=titles, refused=wanted[:1], refusal_status=status)
        facts, missing = await read(origin, fetch, wanted)
        assert ([paper.paper_key for paper in facts], missing) == (wanted[1:], wanted[:1]), status
        assert len(origin.requests) == 3 + 2 * 6, status  # 100 ids are halved to 50, 25, 12, 6, 3, 1


async def test_an_invalid_id_is_missing_without_a_request(origin: OriginServer, fetch: HttpFetcher) -> None:
    fake = FakeArxiv(origin, titles={"2505.00001": "Small Things"})
    _, missing = await read(origin, fetch, ["zzz/0112017", "2505.00001", "2411.1234", "9912.00001"])
    assert (sorted(missing), fake.asked) == (["2411.1234", "9912.00001", "zzz/0112017"], [["2505.00001"]])


@pytest.mark.parametrize("refusal", [*REFUSALS, "404"])
async def test_a_refusal_of_arxiv_is_of_no_single_id(
    origin: OriginServer, fetch: HttpFetcher, refusal: str
) -> None:
    """docs/services.md: arXiv refuses an address, whatever is asked."""
    origin.pages["/api/query"] = REFUSALS.get(refusal, web.Response(status=404))
    with pytest.raises(base.FetchError):
        await read(origin, fetch, WANTED[:100])
    assert len(origin.requests) <= 3


async def test_throttles_every_retry(origin: OriginServer, fetch: HttpFetcher) -> None:
    paced = 0

    async def pace() -> None:
        nonlocal paced
        paced += 1

    origin.pages["/api/query"] = web.Response(status=503)
    with pytest.raises(base.FetchError):
        await read(origin, fetch, WANTED[:1], pace)
    assert (paced, len(origin.requests)) == (3, 3)


ADA, BOB = 1, 2
FOUND, UNKNOWN, LATE = LookupOutcome.FOUND, LookupOutcome.UNKNOWN, LookupOutcome.LATE
LIMITED, UNREACHABLE = LookupOutcome.LIMITED, LookupOutcome.UNREACHABLE


class LookupHarness:
    """Looks up papers at a fake arXiv. The test moves `now`."""

    def __init__(self, database: Database, origin: OriginServer) -> None:
        self.now = datetime(2026, 1, 2, tzinfo=UTC)
        self.database, self.origin, self.services = database, origin, FakeArxiv(origin)
        self.ingest = IngestService(database, lambda: self.now)
        settings = Settings(arxiv_url=f"{origin.url}/api/query", hf_endpoint=origin.url)
        self.lookup = PaperLookup(
            lambda: self.now,
            self.ingest,
            lambda: container.create_fetcher(settings, lambda: self.now, container.LOOKUP_LIMITS),
            settings.arxiv_url,
            base.no_throttle,
            patience=patience.HANG_SECONDS,
        )

    def answer(self, page: Page | None) -> None:
        """Let arXiv answer with this page, or None: with what it has."""
        self.origin.pages["/api/query"] = page or self.services.query

    async def fetch(self, *ids: str, user_id: int = ADA) -> list[LookupOutcome]:
        return list((await self.lookup.fetch(user_id, ids)).values())


@pytest.fixture
async def harness(sqlite_db: Database, origin: OriginServer) -> AsyncIterator[LookupHarness]:
    harness = LookupHarness(sqlite_db, origin)
    yield harness
    await harness.lookup.close()


async def test_simultaneous_lookups_share_requests(harness: LookupHarness) -> None:
    for arxiv_id in WANTED[:6]:
        harness.services.add(arxiv_id)
    by_both = await asyncio.gather(
        harness.fetch(*WANTED[:4]),
        harness.fetch(*WANTED[2:4], user_id=BOB),
        harness.fetch(*WANTED[4:7], "2603.00001", user_id=BOB),
    )
    assert list(by_both) == [[FOUND] * 4, [FOUND] * 2, [FOUND, FOUND, UNKNOWN, UNKNOWN]]
    assert harness.services.asked == [WANTED[:4], WANTED[4:7]]


async def test_reader_can_look_up_twenty_papers_a_day(harness: LookupHarness) -> None:
    for arxiv_id in (WANTED[0], WANTED[18], WANTED[22]):
        harness.services.add(arxiv_id)
    assert await harness.fetch(*WANTED[:18]) == [FOUND, *[UNKNOWN] * 17]
    assert await harness.fetch(*WANTED[18:22]) == [FOUND, UNKNOWN, LIMITED, LIMITED]
    assert await harness.fetch(WANTED[22], user_id=BOB) == [FOUND]
    harness.now += timedelta(days=1)
    assert await harness.fetch(WANTED[0]) == [FOUND]
    assert list(map(len, harness.services.asked)) == [18, 2, 1, 1]


@pytest.mark.parametrize(
    "answer", [web.Response(status=500), web.Response(text=search_page((), 9))], ids=["fails", "empty"]
)
async def test_failures_of_arxiv_count_towards_no_limit(harness: LookupHarness, answer: web.Response) -> None:
    harness.services.add(WANTED[0])
    harness.answer(answer)
    for _ in range(3):
        assert await harness.fetch(*WANTED[:9]) == [UNREACHABLE] * 9
    harness.answer(None)
    assert await harness.fetch(*WANTED[:21]) == [FOUND, *[UNKNOWN] * 19, LIMITED]


async def test_a_bot_without_network_says_that_it_asks_nobody(harness: LookupHarness) -> None:
    harness.lookup.endpoint = ""
    assert await harness.fetch(*WANTED[:25]) == [LookupOutcome.OFF] * 25
    assert not harness.origin.requests


async def test_lookups_wait_as_long_as_arxiv_requests(harness: LookupHarness) -> None:
    harness.answer(web.Response(status=503, headers={"Retry-After": "600"}))
    for _ in range(3):
        assert await harness.fetch(WANTED[0]) == [UNREACHABLE]
    assert len(harness.origin.requests) == 1
    harness.answer(None)
    harness.now += timedelta(minutes=10)
    harness.services.add(WANTED[0])
    assert await harness.fetch(WANTED[0]) == [FOUND]


async def test_an_empty_answer_is_no_absence_until_a_later_one_agrees(harness: LookupHarness) -> None:
    """arXiv, 2025-11-11: its API at times answers 200 with no results; it passes within minutes."""
    harness.services.add(WANTED[0])
    harness.answer(search_page((), 0))
    assert await harness.fetch(*WANTED[:2]) == [UNREACHABLE] * 2
    harness.now += timedelta(minutes=2)
    assert await harness.fetch(*WANTED[:2]) == [UNREACHABLE] * 2
    harness.answer(None)
    assert await harness.fetch(WANTED[0]) == [FOUND]
    harness.now += timedelta(minutes=10)
    assert await harness.fetch(WANTED[1]) == [UNKNOWN]


async def test_empty_answers_count_towards_the_daily_limit(harness: LookupHarness) -> None:
    assert await harness.fetch(*WANTED[:18]) == [UNREACHABLE] * 18
    assert await harness.fetch(*WANTED[18:22]) == [UNREACHABLE] * 2 + [LIMITED] * 2


FAMOUS = "Attention Is All You Need"


@pytest.mark.parametrize(
    ("others", "found"), [(5, True), (150, True), (400, None)], ids=["few", "second-page", "too-many"]
)
async def test_a_famous_title_is_read_on_for_and_never_denied(
    harness: LookupHarness, others: int, found: bool | None
) -> None:
    """arxivql's measurements: all titles with the words are found, and the exact one is often not on the first page."""
    for number in range(others):
        harness.services.add(f"2401.{number:05}", f"{FAMOUS} for Case {number}")
    harness.services.add("1706.03762", FAMOUS)
    ids = await harness.lookup.fetch_titled(ADA, [FAMOUS])
    assert ids == ({FAMOUS: "1706.03762"} if found else {})
    assert len(harness.origin.requests) <= 2


async def test_hits_of_one_title_do_not_crowd_out_others(harness: LookupHarness) -> None:
    for number in range(150):
        harness.services.add(f"2401.{number:05}", f"{FAMOUS} for Case {number}")
    harness.services.add("1706.03762", FAMOUS)
    harness.services.add("2305.00001", "Sparse Lanterns")
    ids = await harness.lookup.fetch_titled(ADA, [FAMOUS, "Sparse Lanterns", "The Art of Ponds"])
    assert ids == {FAMOUS: "1706.03762", "Sparse Lanterns": "2305.00001"}, (
        "the third had an empty answer alone"
    )
    harness.now += timedelta(minutes=10)
    assert await harness.lookup.fetch_titled(ADA, ["The Art of Ponds"]) == {"The Art of Ponds": None}


async def test_a_search_ends_at_arxivs_limit_of_results(origin: OriginServer, fetch: HttpFetcher) -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        start = int(request.query.get("start", 0))
        page = search_page([make_paper(start // 1000 + 1, date(2025, 5, 1))], 10**8)
        return web.Response(text=page)

    origin.pages["/api/query"] = endless
    reader = arxiv.ArxivReader(f"{origin.url}/api/query", fetch, base.no_throttle)
    facts, missing = await reader.search({"search_query": "cat:cs.CL"}, 1_000)
    assert (len(facts), missing) == (30, 10**8 - 30)
    assert len(origin.requests) == 60


async def test_a_search_has_a_deadline(
    origin: OriginServer, fetch: HttpFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arxiv, "_SEARCH_SECONDS", 0.01)

    async def wait() -> None:
        await asyncio.Event().wait()

    reader = arxiv.ArxivReader(f"{origin.url}/api/query", fetch, wait)
    with pytest.raises(base.FetchError, match="took longer"):
        await reader.search({"search_query": "cat:cs.CL"}, 10)


async def test_a_later_page_that_is_empty_and_counts_nothing_leaves_a_search_incomplete(
    origin: OriginServer, fetch: HttpFetcher
) -> None:
    origin.pages["/api/query"] = in_order(search_page(PAPERS[:2], 3), *[search_page((), 0)] * 2)
    reader = arxiv.ArxivReader(f"{origin.url}/api/query", fetch, base.no_throttle)
    facts, missing = await reader.search({"search_query": "cat:cs.CL"}, 2)
    assert (len(facts), missing) == (2, 1)


ERROR = "<entry><id>http://arxiv.org/api/errors#bad</id><summary>bad id</summary></entry>"


@pytest.mark.parametrize(
    ("answer", "requests"),
    [
        ("<html><body>Rate exceeded</body></html>", 1),
        (source_payloads.atom(ERROR), 1),
        (web.Response(status=503), 1),
        (web.Response(status=302, headers={"Location": "http://10.0.0.1/"}), 1),
        (source_payloads.atom(source_payloads.arxiv_entry("2505.00001")) + " " * 3_000_000, 3),
    ],
    ids=["html", "error", "503", "private", "huge"],
)
async def test_does_not_cache_an_unusable_response(
    harness: LookupHarness, answer: Page, requests: int
) -> None:
    """If the response for two papers is too large, each is requested alone."""
    harness.services.add("2505.00001")
    harness.services.add("2505.00002")
    harness.answer(answer)
    assert await harness.fetch("2505.00001", "2505.00002") == [UNREACHABLE] * 2
    assert len(harness.services.asked) == requests
    harness.answer(None)
    assert await harness.fetch("2505.00001") == [FOUND]


async def test_stores_a_late_response_for_the_next_attempt(harness: LookupHarness) -> None:
    released = asyncio.Event()

    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        await released.wait()
        return await harness.services.query(request)

    harness.answer(slow)
    harness.services.add("2505.00001")
    harness.lookup.patience = 0.0
    assert await harness.fetch("2505.00001") == [LATE]
    released.set()
    harness.lookup.patience = patience.HANG_SECONDS
    assert await harness.fetch("2505.00001", user_id=BOB) == [FOUND]
    assert harness.services.asked == [["2505.00001"]]
