"""What arXiv and Hugging Face say of saved papers, the sweep over these, and the weekly message: what is news, and for whom."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from aiohttp import web

from bot.shelf import news
from bot.sources import base, fetcher
from storage import accounts, models, outbox, shelf, tables
from storage.database import Connection, Database
from storage.models import NewsKind, SourceKind
from tests.support import origin_server, source_payloads
from tests.support.news_harness import SAVED_AT, WEEK, NewsHarness, monday

both_engines = pytest.mark.engines("sqlite", "postgresql")

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


async def test_an_answer_of_too_many_parts_is_refused_before_it_is_decoded(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/api/papers/2505.00001"] = '{"x": [' + "{}," * 20_000 + "0]}"
    with pytest.raises(base.FetchError, match="more than 20,000 objects"):
        await open_watch(origin, fetch)[0].read_huggingface("2505.00001")


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
        with pytest.raises(base.FetchError):
            await watch.read_huggingface("2505.00001")
    else:
        assert await watch.read_huggingface("2505.00001") == {}


DAY = timedelta(days=1)


@pytest.fixture
async def harness(db: Database) -> NewsHarness:
    """Reader 7 has saved three papers; the services were asked about them once."""
    harness = NewsHarness(db)
    papers = await harness.add_papers(3)
    for arxiv_id in papers:
        harness.services.say(arxiv_id, SAVED_AT - 30 * DAY, version="1")
    await harness.save(7, *papers)
    harness.now += timedelta(minutes=15)
    assert await harness.run() == []
    return harness


@both_engines
async def test_each_change_is_told_once_however_often_it_is_read(harness: NewsHarness) -> None:
    first, second, third = harness.ids
    harness.services.say(first, version="2", venue="NeurIPS 2025")
    harness.services.say(second, withdrawn="withdrawn")
    harness.services.huggingface[third] = {
        NewsKind.CODE: "https://c.example/",
        NewsKind.MODEL: "https://m.example/",
    }
    told = [
        (first, "version", "2"),
        (first, "venue", "NeurIPS 2025"),
        (second, "withdrawn", "withdrawn"),
        (third, "code", "https://c.example/"),
        (third, "model", "https://m.example/"),
    ]
    assert await harness.run(SAVED_AT + WEEK) == []  # a Wednesday
    assert sorted(await harness.run(monday(2))) == sorted(told)
    # A mirror that lags, another repository and another model are not news.
    harness.services.say(first, version="1", venue="NeurIPS 2025")
    harness.services.huggingface[third] = {
        NewsKind.CODE: "https://d.example/",
        NewsKind.MODEL: "https://n.example/",
    }
    for week in (3, 4, 5):
        await harness.run(monday(week) - DAY)
        assert await harness.run(monday(week)) == []
    harness.services.say(first, version="3", venue="ICML 2026")
    await harness.run(monday(6) - DAY)
    assert sorted(await harness.run(monday(6))) == [(first, "venue", "ICML 2026"), (first, "version", "3")]


@pytest.mark.parametrize(("age", "is_news"), [(-DAY, False), (DAY, True)])
async def test_at_the_first_reading_news_is_what_changed_after_the_paper_was_saved(
    db: Database, age: timedelta, is_news: bool
) -> None:
    harness = NewsHarness(db)
    (first,) = await harness.add_papers(1)
    await harness.save(7, first)
    harness.services.say(first, SAVED_AT + age, version="2")
    harness.services.huggingface[first] = {NewsKind.CODE: "https://c.example/"}
    await harness.run(SAVED_AT + 2 * DAY)
    assert await harness.run(monday(1)) == ([(first, "version", "2")] if is_news else [])


@both_engines
@pytest.mark.parametrize(("age", "is_news"), [(-DAY, False), (DAY, True)])
async def test_an_answer_without_the_paper_does_not_count_as_its_first_reading(
    db: Database, age: timedelta, is_news: bool
) -> None:
    harness = NewsHarness(db)
    (first,) = await harness.add_papers(1)
    await harness.save(7, first)
    await harness.run(SAVED_AT + 2 * DAY)
    assert harness.services.batches == [[first]]
    harness.services.say(first, SAVED_AT + age, version="2")
    await harness.run(monday(2) - DAY)
    assert await harness.run(monday(2)) == ([(first, "version", "2")] if is_news else [])


async def test_code_that_the_archive_learns_is_news_but_not_code_that_it_knew(db: Database) -> None:
    harness = NewsHarness(db)
    first, second = await harness.add_papers(2)

    async def set_code(arxiv_id: str, address: str | None) -> None:
        async with db.transaction() as connection:
            statement = tables.papers.update().where(tables.papers.c.id == harness.ids[arxiv_id])
            await connection.execute(statement.values(code_url=address))

    await set_code(first, None)
    await set_code(second, "https://known.example/")
    await harness.save(7, first, second)
    await harness.run(SAVED_AT + DAY)
    await set_code(first, "https://new.example/")
    await harness.run(SAVED_AT + 2 * DAY)
    assert await harness.run(monday(1)) == [(first, "code", "https://new.example/")]


@both_engines
async def test_only_who_saved_it_before_the_change_is_told(harness: NewsHarness) -> None:
    first, _, _ = harness.ids
    harness.services.say(first, version="2")
    await harness.run(SAVED_AT + WEEK)
    harness.now += DAY
    await harness.save(8, first)
    await harness.run(monday(2))
    assert [reader for reader, _, _ in harness.told] == [7]


@both_engines
async def test_a_paper_that_no_reader_keeps_is_watched_no_more(harness: NewsHarness) -> None:
    async with harness.database.transaction() as connection:
        for paper_id in harness.ids.values():
            await shelf.remove(connection, 7, paper_id, harness.now)
    await harness.run()
    async with harness.database.transaction() as connection:
        assert (
            len((await connection.execute(sa.select(tables.watched_papers))).all()) == 3
        )  # it can be undone
        await shelf.purge_removed(connection, SAVED_AT + WEEK, 10)
    await harness.run(SAVED_AT + WEEK)
    assert len(harness.services.batches) == 1
    async with harness.database.read() as connection:
        for table in (tables.watched_papers, tables.paper_news):
            assert (await connection.execute(sa.select(table))).all() == []


async def test_a_service_that_is_down_is_asked_again_and_nothing_is_lost(harness: NewsHarness) -> None:
    first, _, _ = harness.ids
    harness.services.is_down = True
    harness.services.say(first, version="2")
    harness.services.huggingface[first] = {NewsKind.CODE: "https://c.example/"}
    await harness.run(SAVED_AT + WEEK)
    assert await harness.run(monday(2)) == []
    harness.services.is_down = False
    await harness.run(monday(2) + DAY)
    assert sorted(await harness.run(monday(3))) == [
        (first, "code", "https://c.example/"),
        (first, "version", "2"),
    ]


async def test_a_paper_that_a_service_refuses_holds_up_no_other(db: Database) -> None:
    harness = NewsHarness(db)
    papers = await harness.add_papers(40)
    harness.services.refused = set(papers[: news.MAX_FAILURES])
    for arxiv_id in papers:
        harness.services.say(arxiv_id, SAVED_AT - 30 * DAY, version="1")
    await harness.save(7, *papers[:1], *papers[3:])
    await harness.run(SAVED_AT + timedelta(minutes=15))
    assert len(harness.services.batches) <= 1 + 2 * 6
    answered = [
        batch for batch in harness.services.batches if not harness.services.refused.intersection(batch)
    ]
    assert sorted(arxiv_id for batch in answered for arxiv_id in batch) == papers[3:]
    # A refused id counts as asked: it is asked again when all others are.
    count = len(harness.services.batches)
    await harness.run(SAVED_AT + DAY)
    assert len(harness.services.batches) == count
    # Three papers for which Hugging Face fails end a run; the next one begins with others.
    await harness.save(7, *papers[1:3])
    harness.services.asked.clear()
    await harness.run(SAVED_AT + 3 * DAY)
    assert harness.services.asked == papers[:3]
    code = {NewsKind.CODE: "https://c.example/"}
    harness.services.huggingface = dict.fromkeys(papers, code)
    await harness.run(SAVED_AT + news.RECHECK_AFTER + DAY / 2)
    assert set(harness.services.asked) == set(papers)
    harness.services.asked.clear()
    harness.services.refused = set()
    await harness.run(SAVED_AT + news.RECHECK_AFTER + 2 * DAY)
    # That was their first reading, so the code may have been there before.
    assert harness.services.asked == papers[:3]
    assert await harness.run(monday(2)) == [
        (arxiv_id, "code", code[NewsKind.CODE]) for arxiv_id in papers[3:18]
    ]


async def test_a_reader_with_papers_of_large_collaborations_holds_up_no_other(db: Database) -> None:
    harness = NewsHarness(db)
    papers = await harness.add_papers(40)
    harness.services.most = 24  # of three thousand authors each
    await harness.save(7, *papers[1:])
    await harness.save(8, papers[0])
    await harness.run(SAVED_AT + timedelta(minutes=15))
    answered = [batch for batch in harness.services.batches if len(batch) <= harness.services.most]
    assert sorted(arxiv_id for batch in answered for arxiv_id in batch) == papers


async def test_a_paper_that_causes_a_bug_holds_up_no_other(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = NewsHarness(db)
    papers = await harness.add_papers(3)
    await harness.save(7, *papers)
    read, asked = harness.services.read_huggingface, list[str]()

    async def fail(arxiv_id: str) -> Any:
        asked.append(arxiv_id)
        if arxiv_id == papers[0]:
            raise KeyError("a bug")
        return await read(arxiv_id)

    monkeypatch.setattr(harness.services, "read_huggingface", fail)
    await harness.run(SAVED_AT + timedelta(minutes=15))
    await harness.run(SAVED_AT + timedelta(minutes=30))
    assert asked == papers


async def test_what_is_not_an_id_counts_as_asked_about_without_a_request(db: Database) -> None:
    harness = NewsHarness(db)
    papers = await harness.add_papers(2)
    async with db.transaction() as connection:
        statement = tables.papers.update().where(tables.papers.c.arxiv_id == papers[0])
        await connection.execute(statement.values(arxiv_id="zzz/0112017"))
    await harness.save(7, *papers)
    for run in (1, 2):
        await harness.run(SAVED_AT + run * DAY)
    assert (harness.services.batches, harness.services.asked) == ([papers[1:]], papers[1:])


@both_engines
async def test_a_full_shelf_does_not_hold_up_the_papers_of_other_readers(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "BATCH_SIZE", 6)
    harness = NewsHarness(db)
    papers = await harness.add_papers(60)
    early, flood, late = papers[:4], papers[4:56], papers[56:]
    await harness.save(7, *early)
    await harness.run(SAVED_AT + timedelta(minutes=15))
    await harness.save(8, *flood)
    await harness.save(9, *late)
    harness.services.batches.clear()
    # The longest overdue and the shares of readers are each half of a run, though 52 papers were never asked about.
    for run in range(3):
        await harness.run(SAVED_AT + news.RECHECK_AFTER + DAY + run * timedelta(minutes=15))
    first, *_ = harness.services.batches
    assert first[:3] == early[:3]
    assert {*early, *late} <= {arxiv_id for batch in harness.services.batches for arxiv_id in batch}


@both_engines
async def test_readers_with_few_papers_come_before_many_with_full_shelves(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "BATCH_SIZE", 4)
    harness = NewsHarness(db)
    papers = await harness.add_papers(32)
    for number in range(6):
        await harness.save(10 + number, *papers[5 * number : 5 * number + 5])
    await harness.save(7, *papers[30:])
    await harness.run(SAVED_AT + DAY)
    await harness.run(SAVED_AT + 2 * DAY)
    assert papers[30] in harness.services.batches[0]
    assert papers[31] in harness.services.batches[1]


READER = 7_000_000_000_000_007
HOUR = timedelta(hours=1)


@pytest.fixture
async def planned(db: Database) -> NewsHarness:
    """A reader has saved a paper, of which there has been news since Thursday."""
    planned = NewsHarness(db)
    (first,) = await planned.add_papers(1)
    await planned.save(READER, first)
    planned.services.say(first, SAVED_AT + HOUR, version="2")
    assert await planned.run(SAVED_AT + 24 * HOUR) == []
    return planned


@pytest.mark.parametrize(
    ("zone", "due_at"),
    [
        (None, datetime(2026, 1, 12, 9, tzinfo=UTC)),
        ("Asia/Seoul", datetime(2026, 1, 12, 0, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 1, 11, 19, tzinfo=UTC)),
        ("Pacific/Niue", datetime(2026, 1, 12, 20, tzinfo=UTC)),
        ("No/Such_Zone", datetime(2026, 1, 12, 9, tzinfo=UTC)),
    ],
)
async def test_the_message_comes_on_monday_at_nine_in_the_readers_zone_and_language(
    planned: NewsHarness, zone: str | None, due_at: datetime
) -> None:
    async with planned.database.transaction() as connection:
        await accounts.upsert_reader(
            connection, READER, now=SAVED_AT, timezone=zone, locale=models.Locale.KO, dm_channel_id=55
        )
    assert await planned.run(due_at - timedelta(minutes=1)) == []
    assert await planned.run(due_at) != []
    assert [locale for _, locale, _ in planned.told] == [models.Locale.KO]
    (delivery,) = await planned.list_deliveries()
    assert (delivery.user_id, delivery.channel_id, delivery.guild_id) == (READER, 55, None)
    for later in (timedelta(minutes=15), 24 * HOUR, WEEK):
        assert await planned.run(due_at + later) == []


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+12", "Pacific/Kiritimati"])
async def test_what_is_found_in_the_night_to_monday_comes_that_morning_and_not_before(
    db: Database, zone: str
) -> None:
    planned = NewsHarness(db)
    planned.planner._timezone = zone
    first, second = await planned.add_papers(2)
    for arxiv_id in (first, second):
        planned.services.say(arxiv_id, SAVED_AT + HOUR, version="2")
    morning = datetime(2026, 1, 12, 9, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    await planned.save(READER, first)
    assert await planned.run(morning - HOUR / 4) == []
    assert await planned.run(morning) == [(first, "version", "2")]
    planned.now = SAVED_AT
    await planned.save(READER, second)
    for hours in (HOUR / 4, *(number * 6 * HOUR for number in range(1, 28))):
        assert await planned.run(morning + hours) == []
    assert await planned.run(morning + WEEK) == [(second, "version", "2")]


async def test_a_crash_before_the_commit_repeats_nothing_and_loses_nothing(
    planned: NewsHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark_sent = shelf.mark_sent

    async def crash(connection: Connection, *arguments: object) -> None:
        await mark_sent(connection, *arguments)  # type: ignore[arg-type]
        raise ConnectionResetError

    monkeypatch.setattr(shelf, "mark_sent", crash)
    await planned.run(monday(1))
    assert await planned.list_deliveries() == []
    monkeypatch.undo()
    await planned.run(monday(1) + HOUR)
    await planned.run(monday(1) + 2 * HOUR)
    assert len(await planned.list_deliveries()) == 1


async def test_news_that_certainly_did_not_arrive_come_with_the_next_message(planned: NewsHarness) -> None:
    assert await planned.run(monday(1)) != []
    (delivery,) = await planned.list_deliveries()
    async with planned.database.transaction() as connection:
        await outbox.expire(connection, monday(1) + 48 * HOUR, reason="too-old")
        await shelf.mark_unsent(connection, [delivery.id])
    assert await planned.run(monday(1) + 49 * HOUR) == []
    assert [kind for _, kind, _ in await planned.run(monday(2))] == ["version"]
    assert await planned.run(monday(3)) == []


async def test_a_reader_can_switch_it_off_and_on_again(planned: NewsHarness) -> None:
    (first,) = planned.ids
    await _switch(planned, off=True)
    assert await planned.run(monday(1)) == []
    await _switch(planned, off=False)
    assert await planned.run(monday(2)) == []  # of the time when it was off
    planned.services.say(first, version="3")
    await planned.run(monday(3) - 20 * HOUR)
    assert await planned.run(monday(3)) == [(first, "version", "3")]


async def test_a_message_that_was_begun_before_it_was_switched_off_does_not_switch_it_on(
    planned: NewsHarness,
) -> None:
    await planned.run(monday(1))
    (delivery,) = await planned.list_deliveries()
    await _switch(planned, off=True)
    async with planned.database.transaction() as connection:
        await shelf.mark_sent(connection, READER, 1, delivery.id, monday(1))
        assert await shelf.is_news_off(connection, READER)


async def _switch(planned: NewsHarness, *, off: bool) -> None:
    async with planned.database.transaction() as connection:
        await shelf.set_news_off(connection, READER, off)
        assert await shelf.is_news_off(connection, READER) == off


async def test_more_papers_than_fit_come_in_the_next_message(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "MAX_PAPERS", 2)
    planned = NewsHarness(db)
    papers = await planned.add_papers(3)
    await planned.save(READER, *papers)
    for arxiv_id in papers:
        planned.services.say(arxiv_id, SAVED_AT + HOUR, version="2", venue="ICML 2026")
    await planned.run(SAVED_AT + 24 * HOUR)
    first, second = await planned.run(monday(1)), await planned.run(monday(2))
    assert [len({arxiv_id for arxiv_id, *_ in told}) for told in (first, second)] == [2, 1]
    assert len(set(first) | set(second)) == len(first) + len(second) == 6
