"""The arXiv source: batches of a hundred papers, and only the missing ones."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from aiohttp import web

from bot.sources import arxiv, base
from bot.sources.fetcher import Fetcher
from storage.models import FetchStatus
from tests.support import source_payloads
from tests.support.origin_server import OriginServer
from tests.support.source_requests import fetch_results, fetch_statuses


def serve_papers(
    origin: OriginServer, unknown: tuple[str, ...] = (), refused: Collection[str] = (), status: int = 400
) -> None:
    async def page(request: web.BaseRequest) -> web.StreamResponse:
        ids = request.query["id_list"].split(",")
        assert int(request.query["max_results"]) == len(ids)
        if bad := next((paper_id for paper_id in ids if paper_id in refused), None):
            text = source_payloads.atom(
                f"<entry><id>http://arxiv.org/api/errors#incorrect_id_format_for_{bad}</id><title>Error</title>"
                f"<summary>incorrect id format for {bad}</summary></entry>"
            )
            return web.Response(status=status, text=text, content_type="application/atom+xml")
        entries = [source_payloads.arxiv_entry(paper_id) for paper_id in ids if paper_id not in unknown]
        return web.Response(text=source_payloads.atom(*entries), content_type="application/atom+xml")

    origin.pages["/api/query"] = page


def arxiv_source(origin: OriginServer, fetch: Fetcher) -> arxiv.ArxivSource:
    return arxiv.ArxivSource(f"{origin.url}/api/query", fetch, base.no_throttle)


async def test_papers_are_requested_a_hundred_at_a_time(origin: OriginServer, fetch: Fetcher) -> None:
    serve_papers(origin)
    wanted = [f"2505.{number:05}" for number in range(1, 251)]
    results = await fetch_results(arxiv_source(origin, fetch), arxiv_ids=wanted)
    assert [len(result.facts) for result in results] == [100, 100, 50]
    assert [facts.arxiv_id for result in results for facts in result.facts] == wanted
    assert results[0].facts[0].source == "arxiv"
    assert {facts.affiliations for result in results for facts in result.facts} == {("KAIST", "A Lab")}


async def test_no_request_is_sent_without_missing_papers(origin: OriginServer, fetch: Fetcher) -> None:
    assert await fetch_statuses(arxiv_source(origin, fetch)) == [FetchStatus.UNCHANGED]
    assert origin.requests == []


async def test_an_unknown_paper_is_named(origin: OriginServer, fetch: Fetcher) -> None:
    serve_papers(origin, unknown=("2505.00002",))
    [result] = await fetch_results(arxiv_source(origin, fetch), arxiv_ids=["2505.00001", "2505.00002"])
    assert [facts.arxiv_id for facts in result.facts] == ["2505.00001"]
    assert (result.reason, result.missing_ids) == ("arXiv does not know 2505.00002", ["2505.00002"])


@pytest.mark.parametrize("status", [400, 200])
async def test_a_refused_id_keeps_no_other_paper_from_its_facts(
    origin: OriginServer, fetch: Fetcher, status: int
) -> None:
    wanted = ["cs/0112017", *(f"2505.{number:05}" for number in range(1, 250))]
    serve_papers(origin, refused=wanted[:1], status=status)
    source = arxiv_source(origin, fetch)
    results = await fetch_results(source, arxiv_ids=wanted)
    assert {result.status for result in results} == {FetchStatus.OK}
    assert [facts.arxiv_id for result in results for facts in result.facts] == wanted[1:]
    assert "arXiv refuses cs/0112017" in {result.reason for result in results}
    assert len(origin.requests) == 3 + 2 * 6  # 100 ids are 50, 25, 12, 6, 3, 1
    assert [missing for result in results for missing in result.missing_ids] == ["cs/0112017"]


async def test_many_refused_ids_take_few_requests_and_become_fewer(
    origin: OriginServer, fetch: Fetcher
) -> None:
    wanted = [f"2505.{number:05}" for number in range(1, 101)]
    serve_papers(origin, refused=wanted)
    results = await fetch_results(arxiv_source(origin, fetch), arxiv_ids=wanted)
    assert len(origin.requests) == 15
    assert any(result.missing_ids for result in results)


async def test_what_is_not_an_id_is_not_requested(origin: OriginServer, fetch: Fetcher) -> None:
    serve_papers(origin)
    wanted = ["zzz/0112017", "2505.00001", "2411.1234", "9912.00001"]
    results = await fetch_results(arxiv_source(origin, fetch), arxiv_ids=wanted)
    assert {missing for result in results for missing in result.missing_ids} == {*wanted} - {"2505.00001"}
    assert [request.query["id_list"] for request in origin.requests] == ["2505.00001"]


async def test_papers_that_were_not_requested_are_ignored(origin: OriginServer, fetch: Fetcher) -> None:
    origin.pages["/api/query"] = source_payloads.atom(
        source_payloads.arxiv_entry("2505.00001"), source_payloads.arxiv_entry("2505.99999")
    )
    results = await fetch_results(arxiv_source(origin, fetch), arxiv_ids=["2505.00001"])
    assert [facts.arxiv_id for facts in results[0].facts] == ["2505.00001"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<html><body>rate exceeded</body></html>", "it is not a feed"),
        (
            source_payloads.atom(
                "<entry><id>http://arxiv.org/api/errors#bad</id><title>Error</title><summary>bad id</summary></entry>"
            ),
            "it reports an error: bad id",
        ),
    ],
)
async def test_an_invalid_response_ends_the_fetch_with_a_reason(
    origin: OriginServer, fetch: Fetcher, body: str, reason: str
) -> None:
    origin.pages["/api/query"] = body
    wanted = [f"2505.{number:05}" for number in range(1, 251)]
    results = await fetch_results(arxiv_source(origin, fetch), arxiv_ids=wanted)
    assert [(result.status, result.reason) for result in results] == [(FetchStatus.FAILED, reason)]


async def test_every_attempt_is_throttled(origin: OriginServer, fetch: Fetcher) -> None:
    paced = 0

    async def pace() -> None:
        nonlocal paced
        paced += 1

    origin.pages["/api/query"] = web.Response(status=503)
    await fetch_results(arxiv.ArxivSource(f"{origin.url}/api/query", fetch, pace), arxiv_ids=["2505.00001"])
    assert (paced, len(origin.requests)) == (3, 3)
