"""Dated addresses: asked for day by day, and each thing that can stand there is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from bot import errors
from bot.sources import url, url_template
from bot.sources.http import fetcher
from storage import models
from tests.bot.sources import conftest
from tests.support import origin_server, source_payloads
from tests.support.source_requests import fetch_results, merge_page_states

TODAY = source_payloads.DAY
UTC_ZONE = ZoneInfo("UTC")
OK, UNCHANGED, NOT_YET, FAILED, GONE = (
    models.FetchStatus.OK,
    models.FetchStatus.UNCHANGED,
    models.FetchStatus.NOT_YET,
    models.FetchStatus.FAILED,
    models.FetchStatus.GONE,
)


def dated_source(
    origin: origin_server.OriginServer,
    fetch: fetcher.Fetcher,
    *,
    pattern: str = "/{date:%Y/%m/%d}.md",
    **habits: Any,
) -> url.UrlSource:
    address = url_template.parse_url_template(origin.url + pattern)
    return url.UrlSource(address, fetch, url.PublishingSchedule(**{"timezone": UTC_ZONE, **habits}))


async def test_todays_digest_and_those_of_the_last_days_are_read(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/2025/05/06.md"] = source_payloads.newsletter()
    origin.pages["/2025/05/05.md"] = source_payloads.review(date(2025, 5, 5))
    outcomes = await fetch_results(dated_source(origin, fetch))
    assert [(outcome.day, outcome.status) for outcome in outcomes] == [
        (TODAY, OK),
        (date(2025, 5, 5), OK),
        (date(2025, 5, 4), NOT_YET),
        (date(2025, 5, 3), NOT_YET),
    ]
    digest = outcomes[0].documents[0]
    assert digest.location == f"{origin.url}/2025/05/06.md"
    assert [paper.arxiv_id for paper in digest.digests[0].entries] == ["2505.00001", "2505.00002"]
    assert outcomes[2].reason == "2025-05-04: nothing is there (404)"


async def test_what_was_read_is_asked_conditionally_and_a_correction_is_seen(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/2025/05/06.md"] = source_payloads.newsletter()
    origin.pages["/2025/05/05.md"] = source_payloads.newsletter(date(2025, 5, 5))
    feed = dated_source(origin, fetch, corrected_days=1)
    pages = merge_page_states(await fetch_results(feed))
    assert [outcome.status for outcome in await fetch_results(feed, pages)] == [UNCHANGED, UNCHANGED]
    origin.pages["/2025/05/05.md"] = source_payloads.newsletter(date(2025, 5, 5), note="corrected")
    outcomes = await fetch_results(feed, pages)
    assert [outcome.status for outcome in outcomes] == [UNCHANGED, OK]
    assert "corrected" in outcomes[1].documents[0].text


async def test_today_is_asked_from_its_usual_hour_on_in_the_publishers_zone(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    seoul = dated_source(origin, fetch, timezone=ZoneInfo("Asia/Seoul"), from_time=time(9), corrected_days=0)
    early = datetime(2025, 5, 6, 23, 59, tzinfo=ZoneInfo("UTC"))
    outcomes = await fetch_results(seoul, now=early)
    assert (outcomes[0].status, outcomes[0].reason) == (NOT_YET, "asked from 09:00 Asia/Seoul on")
    assert origin.requests == []
    await fetch_results(seoul, now=early + timedelta(minutes=1))
    assert origin.paths == ["/2025/05/07.md"]


async def test_a_span_is_asked_day_by_day_in_its_order(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    days = [date(2025, 1, day) for day in (1, 2, 3)]
    for day in days:
        origin.pages[f"/2025/01/{day:%d}.md"] = source_payloads.newsletter(day)
    outcomes = await fetch_results(dated_source(origin, fetch, from_time=time(23)), days=[*days, TODAY])
    assert [outcome.status for outcome in outcomes] == [OK, OK, OK, NOT_YET]
    assert origin.paths == ["/2025/01/01.md", "/2025/01/02.md", "/2025/01/03.md", "/2025/05/06.md"]


async def test_an_address_that_many_days_share_is_asked_once(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/2025-05.md"] = source_payloads.newsletter()
    outcomes = await fetch_results(dated_source(origin, fetch, pattern="/{date:%Y-%m}.md"))
    assert [outcome.status for outcome in outcomes] == [OK]


async def test_a_digest_that_is_gone_for_good_is_never_asked_for_again(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/2025/05/06.md"] = web.Response(status=410)
    one = dated_source(origin, fetch, corrected_days=0)
    outcomes = await fetch_results(one)
    assert (outcomes[0].status, outcomes[0].reason) == (GONE, "it is gone for good (410)")
    again = await fetch_results(one, merge_page_states(outcomes))
    assert (again[0].status, len(origin.requests)) == (GONE, 1)


async def test_a_single_address_is_read_each_time(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    one = dated_source(origin, fetch, pattern="/latest.md")
    missing = await fetch_results(one)
    assert [(outcome.status, outcome.reason) for outcome in missing] == [(FAILED, "nothing is there (404)")]
    origin.pages["/latest.md"] = source_payloads.newsletter()
    outcomes = await fetch_results(one)
    assert [outcome.status for outcome in outcomes] == [OK]
    assert [outcome.status for outcome in await fetch_results(one, merge_page_states(outcomes))] == [
        UNCHANGED
    ]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (
            "<!doctype html><html><body><h1>We are down</h1></body></html>",
            FAILED,
            "HTML page without a digest",
        ),
        ("Just some words.", FAILED, "there is no digest in it"),
        ("", FAILED, "its answer is empty"),
        (" \n", FAILED, "its answer is empty"),
        ("## Daily Papers (2025-05-06)\n", NOT_YET, "2025-05-06: its list of papers is empty"),
        ("## Daily Papers (2025-02-31)\n", FAILED, "no digest"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xd8\xff", FAILED, ""),
        ("# " + "a" * 1_000_000, FAILED, "no digest"),
    ],
)
async def test_what_is_no_digest_is_named_and_asked_for_again(
    origin: origin_server.OriginServer,
    fetch: fetcher.Fetcher,
    body: str | bytes,
    status: models.FetchStatus,
    reason: str,
) -> None:
    origin.pages["/2025/05/06.md"] = body
    outcome = (await fetch_results(dated_source(origin, fetch, corrected_days=0)))[0]
    assert outcome.status is status
    assert reason in outcome.reason
    assert (outcome.documents, outcome.page_states) == ((), ())


async def test_a_title_of_a_megabyte_does_no_harm_to_the_papers_around_it(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    text = source_payloads.newsletter().replace("A Study of Small Things 2505.00001", "T" * 1_000_000)
    origin.pages["/2025/05/06.md"] = text
    outcome = (await fetch_results(dated_source(origin, fetch, corrected_days=0)))[0]
    assert outcome.status is OK
    assert "2505.00002" in [paper.arxiv_id for paper in outcome.documents[0].digests[0].entries]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "euc-kr"])
async def test_a_digest_is_read_in_whatever_charset_it_comes(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, encoding: str
) -> None:
    text = source_payloads.newsletter(note="소형 언어 모델")
    origin.pages["/2025/05/06.md"] = text.encode(encoding)
    outcome = (await fetch_results(dated_source(origin, fetch, corrected_days=0)))[0]
    assert "소형 언어 모델" in outcome.documents[0].text


async def test_a_digest_on_a_web_page_is_read(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    page = """<!DOCTYPE html><html><head><title>x</title><style>h2 {}</style></head><body><nav>menu</nav><article>
    <h2>Daily Papers (2025-05-06)</h2>
    <h3><a href="https://arxiv.org/abs/2505.00001">A Study of <em>Small</em> Things</a></h3>
    <p>Vote: 12</p><p>Authors: Ada Lovelace, Kim Minsu</p>
    <ul><li><strong><em>Finding</em></strong>: small &amp; fast</li></ul></article></body></html>"""
    origin.pages["/2025/05/06.md"] = web.Response(text=page, content_type="text/html")
    outcome = (await fetch_results(dated_source(origin, fetch, corrected_days=0)))[0]
    paper = outcome.documents[0].digests[0].entries[0]
    assert (paper.arxiv_id, paper.votes, paper.authors) == ("2505.00001", 12, ("Ada Lovelace", "Kim Minsu"))
    assert paper.sections == (models.Section("Finding", "small & fast"),)


async def test_a_server_in_trouble_is_left_alone_after_five_failed_days(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    async def broken(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=500)

    days = [date(2025, 1, day) for day in range(1, 21)]
    for day in days:
        origin.pages[f"/2025/01/{day:%d}.md"] = broken
    outcomes = await fetch_results(dated_source(origin, fetch), days=days)
    assert [outcome.status for outcome in outcomes] == [FAILED] * 5


async def test_a_server_that_asks_for_patience_is_heard(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/2025/05/06.md"] = web.Response(status=503, headers={"Retry-After": "7200"})
    outcome = (await fetch_results(dated_source(origin, fetch, corrected_days=0)))[0]
    assert outcome.retry_at == conftest.NOW + timedelta(hours=2)


async def test_a_lasting_move_of_a_digest_is_remembered(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/2025/05/06.md"] = web.Response(status=301, headers={"Location": "/new/06.md"})
    origin.pages["/new/06.md"] = source_payloads.newsletter()
    one = dated_source(origin, fetch, corrected_days=0)
    pages = merge_page_states(await fetch_results(one))
    assert [outcome.status for outcome in await fetch_results(one, pages)] == [UNCHANGED]
    assert origin.paths == ["/2025/05/06.md", "/new/06.md", "/new/06.md"]


async def test_a_page_that_was_read_and_is_taken_down_is_no_failure(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/2025/05/06.md"] = source_payloads.newsletter()
    one = dated_source(origin, fetch, corrected_days=0)
    pages = merge_page_states(await fetch_results(one))
    origin.pages.clear()
    assert [outcome.status for outcome in await fetch_results(one, pages)] == [NOT_YET]
    assert replace(next(iter(pages.values())), read_at=conftest.NOW).status is OK


@pytest.mark.parametrize(
    "options", [{"timezone": "Mars/Base"}, {"from": "25:00"}, {"corrected_days": 99}, {"corrected_days": "x"}]
)
def test_unusable_options_are_a_usage_error(options: dict[str, object]) -> None:
    with pytest.raises(errors.UsageError):
        url.parse_publishing_schedule(options, "UTC")


def test_usable_options_are_accepted() -> None:
    schedule = url.parse_publishing_schedule(
        {"timezone": "Asia/Seoul", "from": "09:30", "corrected_days": "5"}, "UTC"
    )
    assert (str(schedule.timezone), schedule.from_time, schedule.corrected_days) == (
        "Asia/Seoul",
        time(9, 30),
        5,
    )
    assert str(url.parse_publishing_schedule({}, "Europe/Berlin").timezone) == "Europe/Berlin"
