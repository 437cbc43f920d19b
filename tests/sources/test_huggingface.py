"""The Hugging Face source: facts of each paper in a day's list, and the days of its refreshes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from bot.archive import listing
from bot.core import day_close
from bot.sources import base, huggingface
from bot.sources.fetcher import Fetcher
from storage import models
from storage.models import FetchStatus
from tests.support import source_fixtures, source_payloads
from tests.support.origin_server import OriginServer
from tests.support.source_payloads import daily_papers, daily_papers_item
from tests.support.source_requests import fetch_results

OK, UNCHANGED, NOT_YET, FAILED = (
    FetchStatus.OK,
    FetchStatus.UNCHANGED,
    FetchStatus.NOT_YET,
    FetchStatus.FAILED,
)
TODAY = source_payloads.DAY


def path(day: date) -> str:
    return f"/api/daily_papers?date={day}"


async def fetch_today(origin: OriginServer, fetch: Fetcher, *items: Any) -> base.FetchResult:
    """Fetch a list of these items, or one text as the answer."""
    is_text = len(items) == 1 and isinstance(items[0], str | bytes)
    origin.pages[path(TODAY)] = items[0] if is_text else json.dumps(items)
    return (await fetch_results(huggingface.HuggingFaceSource(origin.url, fetch), days=[TODAY]))[0]


async def test_the_list_of_a_day_is_a_digest_with_the_facts_of_each_paper(
    origin: OriginServer, fetch: Fetcher
) -> None:
    item = daily_papers_item(
        "2505.00001",
        81,
        ai_summary="Small things are studied.",
        organization={"name": "alab", "fullname": "A Lab", "avatar": "x"},
        githubStars=1200,
        submittedOnDailyBy={"name": "kim", "fullname": "Kim Minsu"},
        mystery=[1],
    )
    result = await fetch_today(origin, fetch, item)
    (digest,) = result.digests
    assert (digest.format, digest.date, digest.problems) == (models.DigestFormat.LISTING, TODAY, ())
    (entry,) = digest.entries
    assert (entry.votes, entry.url) == (81, "https://huggingface.co/papers/2505.00001")
    assert entry.sections == (models.Section(None, "Small things are studied."),)
    (paper,) = listing.papers_of(digest.text)
    assert (paper["comments"], paper["submitter"]) == (2, "Kim Minsu")
    assert result.facts == (
        models.PaperFacts(
            arxiv_id="2505.00001",
            source="huggingface",
            location=origin.url + path(TODAY),
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


async def test_an_invalid_paper_does_not_affect_the_others(origin: OriginServer, fetch: Fetcher) -> None:
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
    body = daily_papers(
        daily_papers_item("2505.00001"),
        None,
        5,
        {},
        {"paper": {"id": "no id"}},
        daily_papers_item("2505.00002v3"),
        strange,
    )
    result = await fetch_today(origin, fetch, body)
    assert [facts.arxiv_id for facts in result.facts] == ["2505.00001", "2505.00002", "2505.00003"]
    bare = result.facts[2]
    assert (bare.title, bare.authors, bare.code_url, bare.project_url) == (None, (), None, None)
    assert (bare.published_on, bare.keywords) == (None, ())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "<!doctype html><html>Bad Gateway</html>",
            "its response is an HTML page instead of a list of papers",
        ),
        ('[{"paper": {"id": "2505.0', "its response is not JSON"),
        ("", "its response is not JSON"),
        ('{"error": "date must be\\na date"}', "its response is not a list of papers: date must be a date"),
        ('"text"', "its response is not a list of papers"),
        ('[{"title": "no paper"}, 3]', "its list of 2 papers cannot be understood"),
        ("[" * 100_000, "its response is not JSON"),
        ("[" + "9" * 10_000 + "]", "its response is not JSON"),
        (b"[\x80\xff\xfe]", "cannot be decoded"),
    ],
)
async def test_an_invalid_list_fails_with_a_reason(
    origin: OriginServer, fetch: Fetcher, body: str | bytes, reason: str
) -> None:
    result = await fetch_today(origin, fetch, body)
    assert result.status is FAILED
    assert reason in result.reason
    assert result.page_states == ()


async def test_votes_are_refreshed_after_one_three_and_seven_days(
    origin: OriginServer, fetch: Fetcher
) -> None:
    first = TODAY
    source = huggingface.HuggingFaceSource(origin.url, fetch)
    pages: dict[str, models.PageState] = {}
    read_on = []
    for later in range(12):
        now = source_fixtures.NOW + timedelta(days=later)
        votes = 10 + later
        origin.pages[path(first)] = daily_papers(daily_papers_item("2505.00001", votes))
        for hour in (0, 3):
            results = await fetch_results(source, pages, now=now + timedelta(hours=hour))
            # The fetcher's clock is fixed, so the time of reading is set here.
            read_results = [result for result in results if result.status in (OK, UNCHANGED)]
            for page in (page for result in read_results for page in result.page_states):
                pages[page.location] = replace(page, read_at=now + timedelta(hours=hour))
            read_on += [later for result in read_results if result.status is OK]
    assert read_on == [0, 1, 3, 7]


async def test_missed_days_are_fetched_later(origin: OriginServer, fetch: Fetcher) -> None:
    await fetch_results(huggingface.HuggingFaceSource(origin.url, fetch))
    assert origin.paths == [path(TODAY - timedelta(days=back)) for back in range(8)]


async def test_an_empty_list_is_final_only_after_the_day_closes(origin: OriginServer, fetch: Fetcher) -> None:
    origin.pages[path(TODAY)] = "[]"
    for closes, is_closed in (("11:00 UTC", True), ("13:00 UTC", False)):
        source = huggingface.HuggingFaceSource(origin.url, fetch, day_close.parse(closes))
        [result] = await fetch_results(source, days=[TODAY])
        assert (result.status, result.reason) == (NOT_YET, "2025-05-06: its list of papers is empty")
        assert bool(result.page_states) == is_closed
