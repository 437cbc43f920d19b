"""Hugging Face's daily papers: what its list says of each paper, and when it is read again."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.sources import base, huggingface
from bot.sources.http import fetcher
from storage import models
from tests.bot.sources import conftest
from tests.support import origin_server, source_payloads
from tests.support.source_requests import fetch_results, merge_page_states

OK, UNCHANGED, NOT_YET, FAILED = (
    models.FetchStatus.OK,
    models.FetchStatus.UNCHANGED,
    models.FetchStatus.NOT_YET,
    models.FetchStatus.FAILED,
)
TODAY = source_payloads.DAY


def path(day: date) -> str:
    return f"/api/daily_papers?date={day}"


async def read(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, body: str | bytes
) -> base.FetchResult:
    origin.pages[path(TODAY)] = body
    return (await fetch_results(huggingface.HuggingFaceSource(origin.url, fetch), days=[TODAY]))[0]


async def test_a_days_list_gives_what_is_known_of_each_paper(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    outcome = await read(
        origin, fetch, source_payloads.daily_papers(source_payloads.daily_papers_item("2505.00001", 81))
    )
    place = origin.url + path(TODAY)
    assert outcome.facts == (
        models.PaperFacts(
            arxiv_id="2505.00001",
            source="huggingface",
            location=place,
            read_at=conftest.NOW,
            title="A Study of Small Things 2505.00001",
            authors=("Ada Lovelace", "Kim Minsu"),
            votes=81,
            abstract="Small things are studied.\n\nThey are small.",
            keywords=("small language models", "distillation"),
            code_url="https://github.com/example/small",
            project_url="https://small.example/",
            thumbnail="https://cdn.example/a.png",
            published_on=date(2025, 5, 5),
            listed_on=TODAY,
        ),
    )


@pytest.mark.parametrize("votes", [None, -1, "12", 3.5, True, 10**30, [], {}])
async def test_votes_that_are_no_number_are_unknown(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, votes: Any
) -> None:
    outcome = await read(
        origin, fetch, source_payloads.daily_papers(source_payloads.daily_papers_item("2505.00001", votes))
    )
    assert outcome.facts[0].votes is None


async def test_a_paper_that_cannot_be_understood_costs_the_others_nothing(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    strange = source_payloads.daily_papers_item(
        "2505.00003",
        title=["no", "title"],
        authors="Ada",
        summary=None,
        githubRepo="javascript:alert(1)",
        projectPage={"a": 1},
        publishedAt="soon",
        ai_keywords="words",
    )
    body = source_payloads.daily_papers(
        source_payloads.daily_papers_item("2505.00001"),
        None,
        5,
        {},
        {"paper": {"id": "no id"}},
        source_payloads.daily_papers_item("2505.00002v3"),
        strange,
    )
    outcome = await read(origin, fetch, body)
    assert [facts.arxiv_id for facts in outcome.facts] == ["2505.00001", "2505.00002", "2505.00003"]
    bare = outcome.facts[2]
    assert (bare.title, bare.authors, bare.code_url, bare.project_url) == (None, (), None, None)
    assert (bare.published_on, bare.keywords) == (None, ())


async def test_letters_that_no_database_takes_are_left_out(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    body = (
        '[{"paper": {"id": "2505.00001", "title": "A \\ud800 \\u0000 study", "summary": "x\\udfff\\u0000y"}}]'
    )
    facts = (await read(origin, fetch, body)).facts[0]
    assert (facts.title, facts.abstract) == ("A study", "xy")


async def test_a_title_of_a_megabyte_is_cut(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    item = source_payloads.daily_papers_item("2505.00001", title="T" * 1_000_000, summary="s" * 1_000_000)
    facts = (await read(origin, fetch, source_payloads.daily_papers(item))).facts[0]
    assert len(facts.title or "") == 1_000
    assert len(facts.abstract or "") == 20_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<!doctype html><html>Bad Gateway</html>", "its answer is an HTML page instead of a list of papers"),
        ('[{"paper": {"id": "2505.0', "its answer is no JSON instead of a list of papers"),
        ("", "its answer is no JSON instead of a list of papers"),
        ('{"error": "date must be\\na date"}', "its answer is no list of papers: date must be a date"),
        ('"text"', "its answer is no list of papers"),
        ('[{"title": "no paper"}, 3]', "none of the 2 papers in its list can be understood"),
        ("[" * 100_000, "its answer is no JSON instead of a list of papers"),
        ("[" + "9" * 10_000 + "]", "its answer is no JSON instead of a list of papers"),
        (b"[\x80\xff\xfe]", "cannot be read"),
    ],
)
async def test_what_is_no_list_is_named(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, body: str | bytes, reason: str
) -> None:
    outcome = await read(origin, fetch, body)
    assert outcome.status is FAILED
    assert reason in outcome.reason
    assert outcome.page_states == ()


async def test_an_empty_list_is_a_day_without_papers(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    outcome = await read(origin, fetch, "[]")
    assert (outcome.status, outcome.reason) == (NOT_YET, "2025-05-06: its list of papers is empty")


async def test_votes_are_read_again_after_one_three_and_seven_days(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    first = TODAY
    one = huggingface.HuggingFaceSource(origin.url, fetch)
    pages: dict[str, models.PageState] = {}
    read_on = []
    for later in range(12):
        now = conftest.NOW + timedelta(days=later)
        votes = 10 + later
        origin.pages[path(first)] = source_payloads.daily_papers(
            source_payloads.daily_papers_item("2505.00001", votes)
        )
        for hour in (0, 3):
            outcomes = await fetch_results(one, pages, now=now + timedelta(hours=hour))
            # The tests' fetcher stands still, so the moment of reading is put right here.
            told = [outcome for outcome in outcomes if outcome.status in (OK, UNCHANGED)]
            for outcome in told:
                for page in outcome.page_states:
                    moved = models.PageState(**{**_fields(page), "read_at": now + timedelta(hours=hour)})
                    pages[page.location] = moved
            read_on += [later for outcome in told if outcome.status is OK]
    assert read_on == [0, 1, 3, 7]


def _fields(page: models.PageState) -> dict[str, Any]:
    return {name: getattr(page, name) for name in models.PageState.__dataclass_fields__}


async def test_days_that_were_missed_are_made_up_for(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    await fetch_results(huggingface.HuggingFaceSource(origin.url, fetch))
    assert origin.paths == [path(TODAY - timedelta(days=back)) for back in range(8)]


async def test_a_day_to_come_is_not_asked_for(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    one = huggingface.HuggingFaceSource(origin.url, fetch)
    outcomes = await fetch_results(one, days=[TODAY + timedelta(days=1)])
    assert [outcome.status for outcome in outcomes] == [NOT_YET]
    assert origin.requests == []


async def test_a_server_in_trouble_is_left_alone(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    for back in range(8):
        origin.pages[path(TODAY - timedelta(days=back))] = web.Response(status=500)
    outcomes = await fetch_results(huggingface.HuggingFaceSource(origin.url, fetch))
    assert [outcome.status for outcome in outcomes] == [FAILED] * 5


async def test_an_unchanged_list_says_so(origin: origin_server.OriginServer, fetch: fetcher.Fetcher) -> None:
    one = huggingface.HuggingFaceSource(origin.url, fetch)
    first = await read(
        origin, fetch, source_payloads.daily_papers(source_payloads.daily_papers_item("2505.00001"))
    )
    outcomes = await fetch_results(one, merge_page_states([first]), days=[TODAY])
    assert [outcome.status for outcome in outcomes] == [UNCHANGED]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = "title authors summary upvotes publishedAt ai_keywords githubRepo projectPage id"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(paper=st.dictionaries(st.sampled_from(FIELDS.split()), JSON), item=JSON)
def test_any_json_ends_in_facts_or_in_nothing(paper: dict[str, Any], item: Any) -> None:
    said = json.loads(json.dumps([{"paper": {"id": "2505.00001", **paper}, "thumbnail": item}, item]))
    found = [huggingface._parse_paper(one, "place", TODAY, conftest.NOW) for one in said]
    for facts in found:
        assert facts is None or facts.title is None or facts.title.isprintable() or "\n" not in facts.title
