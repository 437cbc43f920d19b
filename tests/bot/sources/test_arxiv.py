"""arXiv's API is asked a hundred papers at a time, and only for those that are wanted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import web

from bot.sources import arxiv
from bot.sources.http import fetcher
from storage import models
from tests.bot.sources import conftest
from tests.support import origin_server, source_payloads
from tests.support.source_requests import fetch_results, merge_page_states


def answering(origin: origin_server.OriginServer, unknown: tuple[str, ...] = ()) -> None:
    async def page(request: web.BaseRequest) -> web.StreamResponse:
        ids = request.query["id_list"].split(",")
        assert int(request.query["max_results"]) == len(ids)
        entries = [source_payloads.arxiv_entry(known) for known in ids if known not in unknown]
        return web.Response(text=source_payloads.atom(*entries), content_type="application/atom+xml")

    origin.pages["/api/query"] = page


async def test_a_hundred_papers_are_asked_for_at_once(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    answering(origin)
    wanted = [f"2505.{number:05}" for number in range(1, 251)]
    outcomes = await fetch_results(
        arxiv.ArxivSource(f"{origin.url}/api/query", fetch, fetcher.no_throttle), arxiv_ids=wanted
    )
    assert [len(outcome.facts) for outcome in outcomes] == [100, 100, 50]
    assert [facts.arxiv_id for outcome in outcomes for facts in outcome.facts] == wanted
    assert outcomes[0].facts[0].source == "arxiv"


async def test_nothing_is_asked_where_nothing_is_wanted(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    outcomes = await fetch_results(arxiv.ArxivSource(f"{origin.url}/api/query", fetch, fetcher.no_throttle))
    assert [outcome.status for outcome in outcomes] == [models.FetchStatus.UNCHANGED]
    assert origin.requests == []


async def test_a_paper_that_arxiv_does_not_know_is_asked_for_a_week_later(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    answering(origin, unknown=("2505.00002",))
    one = arxiv.ArxivSource(f"{origin.url}/api/query", fetch, fetcher.no_throttle)
    first = await fetch_results(one, arxiv_ids=["2505.00001", "2505.00002"])
    assert [facts.arxiv_id for facts in first[0].facts] == ["2505.00001"]
    assert first[0].reason == "arXiv does not know 2505.00002"
    pages = merge_page_states(first)
    assert [outcome.facts for outcome in await fetch_results(one, pages, arxiv_ids=["2505.00002"])] == [()]
    assert len(origin.requests) == 1
    later = conftest.NOW + timedelta(days=7)
    await fetch_results(one, pages, arxiv_ids=["2505.00002"], now=later)
    assert len(origin.requests) == 2


async def test_papers_that_nobody_asked_for_are_not_taken(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/api/query"] = source_payloads.atom(
        source_payloads.arxiv_entry("2505.00001"), source_payloads.arxiv_entry("2505.99999")
    )
    outcomes = await fetch_results(
        arxiv.ArxivSource(f"{origin.url}/api/query", fetch, fetcher.no_throttle), arxiv_ids=["2505.00001"]
    )
    assert [facts.arxiv_id for facts in outcomes[0].facts] == ["2505.00001"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<html><body>rate exceeded</body></html>", "it is no feed"),
        (
            source_payloads.atom(
                "<entry><id>http://arxiv.org/api/errors#bad</id><title>Error</title><summary>bad id</summary></entry>"
            ),
            "it reports an error: bad id",
        ),
    ],
)
async def test_what_is_no_answer_is_named_and_ends_the_visit(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, body: str, reason: str
) -> None:
    origin.pages["/api/query"] = body
    wanted = [f"2505.{number:05}" for number in range(1, 251)]
    outcomes = await fetch_results(
        arxiv.ArxivSource(f"{origin.url}/api/query", fetch, fetcher.no_throttle), arxiv_ids=wanted
    )
    assert [(outcome.status, outcome.reason) for outcome in outcomes] == [(models.FetchStatus.FAILED, reason)]


async def test_the_pace_is_kept_for_every_try(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    paced = 0

    async def pace() -> None:
        nonlocal paced
        paced += 1

    origin.pages["/api/query"] = web.Response(status=503)
    await fetch_results(arxiv.ArxivSource(f"{origin.url}/api/query", fetch, pace), arxiv_ids=["2505.00001"])
    assert (paced, len(origin.requests)) == (3, 3)
