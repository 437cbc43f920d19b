"""What arXiv and Hugging Face say of saved papers, from servers on loopback."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from aiohttp import web

from bot.shelf import news
from bot.sources import fetch_errors, fetcher
from storage.models import NewsKind, SourceKind
from tests.support import origin_server, source_payloads

UPDATED_AT = datetime(2025, 5, 3, 17, tzinfo=UTC)


class Pace:
    """Counts how often a request waited for its turn."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


def open_watch(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> tuple[news.PaperWatch, Pace, Pace]:
    endpoints = {SourceKind.ARXIV: f"{origin.url}/api/query", SourceKind.HUGGINGFACE: f"{origin.url}/"}
    arxiv, huggingface = Pace(), Pace()
    return news.PaperWatch(fetch, endpoints, arxiv, huggingface), arxiv, huggingface


async def test_versions_venues_and_withdrawals_of_a_hundred_papers_are_one_request_in_turn(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    comments = {"2505.00001": "9 pages. Accepted at ICML 2025", "2505.00002": "This paper has been withdrawn"}

    async def page(request: web.BaseRequest) -> web.StreamResponse:
        ids = request.query["id_list"].split(",")
        entries = [
            source_payloads.arxiv_entry(id_, version=3, comment=comments.get(id_, "")) for id_ in ids[:99]
        ]
        return web.Response(text=source_payloads.atom(*entries), content_type="application/atom+xml")

    origin.pages["/api/query"] = page
    watch, pace, _ = open_watch(origin, fetch)
    found = await watch.read_arxiv([f"2505.{number:05}" for number in range(1, 101)])
    assert (len(found), len(origin.requests), pace.count) == (99, 1, 1)
    assert found["2505.00001"] == ({NewsKind.VERSION: "3", NewsKind.VENUE: "ICML 2025"}, UPDATED_AT)
    assert found["2505.00002"][0] == {NewsKind.VERSION: "3", NewsKind.WITHDRAWN: "withdrawn"}
    assert found["2505.00003"][0] == {NewsKind.VERSION: "3"}


async def test_code_and_the_first_model_of_a_paper_are_read_from_hugging_face(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/api/papers/2505.00001"] = json.dumps({"githubRepo": "https://github.com/example/small"})
    models = [{"id": "../evil"}, {"id": "example/small-1b"}, {"id": "example/small-7b"}]
    origin.pages["/api/arxiv/2505.00001/repos"] = json.dumps({"models": models, "datasets": []})
    watch, _, pace = open_watch(origin, fetch)
    assert await watch.read_huggingface("2505.00001") == {
        NewsKind.CODE: "https://github.com/example/small",
        NewsKind.MODEL: "https://huggingface.co/example/small-1b",
    }
    assert pace.count == 2
    assert await watch.read_huggingface("2505.00009") == {}


@pytest.mark.parametrize("answer", ["<html>", "[]", '{"githubRepo": 7, "models": 7}', '{"models": [7]}'])
async def test_other_answers_say_nothing_or_are_an_error(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, answer: str
) -> None:
    origin.pages["/api/papers/2505.00001"] = origin.pages["/api/arxiv/2505.00001/repos"] = answer
    watch, *_ = open_watch(origin, fetch)
    if answer == "<html>":
        with pytest.raises(fetch_errors.FetchError):
            await watch.read_huggingface("2505.00001")
    else:
        assert await watch.read_huggingface("2505.00001") == {}
