"""Digests at dated URLs: the date in the URL, and the days that are due."""

import threading
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.sources import base, pages
from bot.sources.fetcher import HttpFetcher
from storage import errors, models, sources
from storage.models import FetchStatus
from tests.support import source_fixtures, source_payloads
from tests.support.origin_server import OriginServer
from tests.support.source_fixtures import fetch_results, fetch_statuses, merge_page_states

TODAY = source_payloads.DAY
UTC_ZONE = ZoneInfo("UTC")
OK, UNCHANGED, NOT_YET = FetchStatus.OK, FetchStatus.UNCHANGED, FetchStatus.NOT_YET


def dated_source(
    origin: OriginServer, fetch: HttpFetcher, *, pattern: str = "/{date:%Y/%m/%d}.md", **schedule: Any
) -> pages.UrlSource:
    return pages.UrlSource(
        origin.url + pattern, fetch, **{"timezone": UTC_ZONE, "from_time": time(), **schedule}
    )


async def test_reads_today_and_the_last_three_days(origin: OriginServer, fetch: HttpFetcher) -> None:
    origin.pages["/2025/05/06.md"] = source_payloads.newsletter()
    origin.pages["/2025/05/05.md"] = source_payloads.review(date(2025, 5, 5))
    results = await fetch_results(dated_source(origin, fetch))
    assert [(result.day, result.status) for result in results] == [
        (TODAY, OK),
        (date(2025, 5, 5), OK),
        (date(2025, 5, 4), NOT_YET),
        (date(2025, 5, 3), NOT_YET),
    ]
    digest = results[0]
    assert digest.location == f"{origin.url}/2025/05/06.md"
    assert [paper.paper_key for paper in digest.digests[0].entries] == ["2505.00001", "2505.00002"]
    assert results[2].reason == "2025-05-04: not found (404)"


async def test_reads_a_known_page_again_only_if_it_changed(origin: OriginServer, fetch: HttpFetcher) -> None:
    origin.pages["/2025/05/06.md"] = source_payloads.newsletter()
    origin.pages["/2025/05/05.md"] = source_payloads.newsletter(date(2025, 5, 5))
    source = dated_source(origin, fetch)
    pages = merge_page_states(await fetch_results(source))
    assert await fetch_statuses(source, pages) == [UNCHANGED, UNCHANGED, NOT_YET, NOT_YET]
    origin.pages["/2025/05/05.md"] = source_payloads.newsletter(date(2025, 5, 5), note="corrected")
    results = await fetch_results(source, pages)
    assert [result.status for result in results[:2]] == [UNCHANGED, OK]
    assert "corrected" in results[1].digests[0].text


async def test_today_waits_for_the_publishing_time_and_corrections_of_earlier_days_do_not(
    origin: OriginServer, fetch: HttpFetcher
) -> None:
    origin.pages["/2025/05/06.md"] = source_payloads.newsletter()
    seoul = dated_source(origin, fetch, timezone=ZoneInfo("Asia/Seoul"), from_time=time(9))
    early = datetime(2025, 5, 6, 23, 59, tzinfo=ZoneInfo("UTC"))
    results = await fetch_results(seoul, now=early)
    assert [result.status for result in results] == [NOT_YET, OK, NOT_YET, NOT_YET]
    reasons = results[0].reason, results[2].reason
    assert reasons == ("not requested before 09:00 Asia/Seoul", "2025-05-05: not found (404)")
    assert "/2025/05/07.md" not in origin.paths
    await fetch_results(seoul, now=early, days=[date(2025, 5, 7)])
    assert origin.paths.pop() == "/2025/05/07.md", "a day that is asked for is requested at once"
    origin.requests.clear()
    await fetch_results(seoul, now=early + timedelta(minutes=1))
    assert "/2025/05/07.md" in origin.paths


async def test_requests_a_url_shared_by_several_days_once(origin: OriginServer, fetch: HttpFetcher) -> None:
    origin.pages["/2025-05.md"] = source_payloads.newsletter()
    assert await fetch_statuses(dated_source(origin, fetch, pattern="/{date:%Y-%m}.md")) == [OK]


NO_FIELDS = (
    "{date} {date:} {day:%Y} {date.year} {date.__class__.__mro__} {0} {} {date:%H} {date:%s} {date:%c} {date:%} {date:%-}"
    " {date:%-H} {date:%Q} {date:%Y date:%Y} {{date:%Y}}"
)


def test_a_url_with_braces_but_no_date_is_rejected() -> None:
    for field in NO_FIELDS.split():
        with pytest.raises(errors.UsageError):
            pages.check_address(f"https://h.test/{field}.md")


async def detect(text: str) -> tuple[models.Digest, ...]:
    state = sources.PageState("https://example.org/a.md", source_fixtures.NOW, OK)
    return await base.detect_in_response(base.Response(state.location, text.encode(), state), None)


async def test_rejects_a_page_that_needs_too_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "LARGE_BYTES", 0)
    monkeypatch.setattr(base, "_MAX_MEGABYTES", 60)
    with pytest.raises(base.FetchError, match="cannot be read within 60 MB"):
        await detect(source_payloads.newsletter() + "- a\n\n" * 450_000)


async def test_never_parses_a_page_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    detect_in_text = base.detect_in_text

    def record(*arguments: Any) -> tuple[models.Digest, ...]:
        threads.append(threading.get_ident())
        return detect_in_text(*arguments)

    monkeypatch.setattr(base, "detect_in_text", record)
    for length in (0, 20_000):
        await detect(source_payloads.newsletter() + "a" * length)
    assert len(threads) == 2
    assert threading.get_ident() not in threads
