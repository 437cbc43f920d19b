"""Facts again about saved and discussed papers: what is new becomes an event once, within a day's requests."""

import json
from datetime import timedelta

import pytest
from aiohttp import web

from bot.archive import digest_writer, ingest
from bot.sources import followed_papers
from storage import archive, club, models, papers, shelf, tables
from storage.papers import EventKind
from tests.support.fake_arxiv import REFUSALS
from tests.support.followed_services import Services
from tests.support.polling_harness import START, PollingHarness

READER, CHANNEL, SERVER = 11, 22, 33
SAVED, DISCUSSED, OTHER = "2505.00001", "2505.00002", "2505.00003"


async def save(harness: PollingHarness, *names: str) -> None:
    """Let the reader save papers that no digest lists."""
    async with harness.db.transaction() as connection:
        await archive.lock_ingest(connection)
        ids = await papers.add(connection, digest_writer.unlisted_papers(names))
        await shelf.save(connection, READER, ids.values(), START, None)


@pytest.fixture
async def services(harness: PollingHarness) -> Services:
    await save(harness, SAVED)
    async with harness.db.transaction() as connection:
        await archive.lock_ingest(connection)
        ids = await papers.add(connection, digest_writer.unlisted_papers([DISCUSSED, OTHER]))
        values = {"guild_id": SERVER, "opened_at": START, "thread_id": 44, "delivery_id": 1}
        await club.put_thread(connection, channel_id=CHANNEL, paper_id=ids[DISCUSSED], **values)
        await connection.execute(tables.papers.update().values(first_on=START.date()))
    found = Services(harness)
    for arxiv_id in (SAVED, DISCUSSED, OTHER):
        found.tell(arxiv_id)
        found.put_code(arxiv_id, None)
    return found


async def test_papers_are_asked_about_each_week_for_three_months_then_each_month(services: Services) -> None:
    await services.ask(12)
    first = services.count_requests()
    await services.ask(15)
    both = services.count_requests()
    assert (first, both - first) == ({"arxiv": 12, "huggingface": 24}, {"arxiv": 3, "huggingface": 6})


async def test_what_cannot_be_right_is_no_news(services: Services) -> None:
    services.tell(SAVED, 60)
    await services.ask()
    first = await services.list_events()  # a version that came after the paper was saved
    services.tell(SAVED, 59)
    services.put_code(SAVED, "no address")
    await services.ask()
    services.arxiv[SAVED] = services.arxiv.pop(OTHER)
    services.harness.origin.pages[f"/api/papers/{SAVED}"] = json.dumps(
        {"id": OTHER, "title": "Another", "githubRepo": "https://github.com/example/other"}
    )
    await services.ask()
    services.arxiv.clear()
    del services.harness.origin.pages[f"/api/papers/{SAVED}"]
    await services.ask()
    assert await services.list_events() == first
    assert (await services.harness.detail(SAVED)).title == f"A Study {SAVED}"
    long = "\u202e@everyone **bold** " * 200
    services.tell(SAVED, 60, f"<arxiv:comment>{long}</arxiv:comment>")
    await services.ask()
    [(_, kind, text)] = [one for one in await services.list_events() if one not in first]
    assert kind == EventKind.COMMENT
    assert len(text) <= 2000
    assert "\u202e" not in text


async def test_services_that_are_down_for_a_week_are_left_alone_and_lose_nothing(services: Services) -> None:
    await services.ask()
    services.tell(SAVED, 2)
    services.put_code(SAVED, "https://github.com/example/new")
    pages = services.harness.origin.pages
    page = pages[f"/api/papers/{SAVED}"]
    services.harness.now += timedelta(days=7)
    pages["/api/query"] = web.Response(status=503, headers={"Retry-After": "86400"})
    pages[f"/api/papers/{SAVED}"] = web.Response(status=503)
    for requests in await services.ask_for_days(7):
        assert requests["arxiv"] <= 2, "arXiv says when to come again"
        assert requests["huggingface"] <= followed_papers.MAX_REQUESTS[models.SourceKind.HUGGINGFACE]
    pages |= {"/api/query": services.query, f"/api/papers/{SAVED}": page}
    await services.ask_for_days(2)
    assert {row[:2] for row in await services.list_events()} == {(SAVED, "version"), (SAVED, "code")}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusal_uses_up_no_days_requests(services: Services, refusal: str) -> None:
    services.harness.now += timedelta(days=7)
    services.harness.origin.pages["/api/query"] = REFUSALS[refusal]
    [requests] = await services.ask_for_days(1)
    assert 0 < requests["arxiv"] < followed_papers.MAX_REQUESTS[models.SourceKind.ARXIV]


BROKEN = {
    "error": web.Response(status=500),
    "forbidden": web.Response(status=403, text="Sign in"),
    "page": web.Response(text="<html><title>Sign in</title></html>"),
    "too large": web.Response(text="{" + " " * 5_000_001 + "}"),
}


@pytest.mark.parametrize(
    ("broken", "number"), [("error", 1), ("error", 5), ("forbidden", 1), ("page", 1), ("too large", 1)]
)
async def test_papers_that_fail_for_good_delay_no_other(services: Services, broken: str, number: int) -> None:
    """At Hugging Face in any way, although that may be the service's failure; at arXiv if its answer is of no use."""
    failing = [f"2504.{index:05}" for index in range(number)]
    await save(services.harness, *failing)
    await services.ask(12, every=timedelta(days=1))
    pages = services.harness.origin.pages

    async def query(request: web.BaseRequest) -> web.Response:
        asked = request.query["id_list"].split(",")
        if {*asked} & {*failing}:
            return web.Response(text=BROKEN["too large"].text)
        return await services.query(request)

    pages |= {"/api/query": query} | {f"/api/papers/{name}": BROKEN[broken] for name in failing}
    services.tell(DISCUSSED, 2)
    services.put_code(DISCUSSED, "https://github.com/example/new")
    await services.ask(50, every=timedelta(hours=2))
    before = services.count_requests()
    assert {row[:2] for row in await services.list_events()} == {(DISCUSSED, "version"), (DISCUSSED, "code")}
    await services.ask(12, every=timedelta(hours=2))
    assert (services.count_requests() - before).total() <= 20 * number, (
        "a paper that fails is asked about less and less often"
    )


@pytest.mark.parametrize("is_saved", [False, True])
async def test_a_paper_that_arxiv_lacks_is_looked_up_the_next_day(services: Services, is_saved: bool) -> None:
    harness, new = services.harness, "2505.00009"
    added = ingest.IngestService(harness.db, harness.clock)
    listed = f"# 2026-01-05\n- [A new study of things](https://arxiv.org/abs/{new})\n"
    await added.add_text(listed, location="2026-01-05.md")
    [id_] = (await harness.db.fetch(papers.get_ids, [new])).values()
    if is_saved:
        await harness.db.write(shelf.save, READER, [id_], START, None)
    await services.ask(every=timedelta(minutes=30))
    first = services.count_requests()["arxiv"]
    await services.ask(10, every=timedelta(minutes=30))
    assert services.count_requests()["arxiv"] == first, "a missing paper is not asked about at once"
    harness.now += timedelta(days=1)
    assert new in await harness.db.fetch(papers.list_arxiv_due, harness.now, limit=100)


async def test_any_number_of_saved_papers_takes_at_most_a_days_requests(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/sources.md: 20 requests a day to arXiv, each about a hundred papers, and 50 to Hugging Face."""
    limits = followed_papers.MAX_REQUESTS
    assert [*limits.values()] == [20, 50]
    monkeypatch.setattr(followed_papers, "MAX_REQUESTS", dict(zip(limits, (2, 5), strict=True)))
    more = [f"2504.{number:05}" for number in range(1, 200)]
    await save(services.harness, *more)
    for arxiv_id in more:
        services.tell(arxiv_id)
    first, second = await services.ask_for_days(2)
    assert first == {"arxiv": 2, "huggingface": 5}
    assert second == {"arxiv": 1, "huggingface": 5}


async def test_a_paper_that_arxiv_lacks_does_not_delay_those_of_the_next_request(services: Services) -> None:
    more = [f"2504.{number:05}" for number in range(1, 150)]
    await save(services.harness, *more)
    for arxiv_id in more[1:]:
        services.tell(arxiv_id)
    await services.ask()
    assert services.count_requests()["arxiv"] == 2
