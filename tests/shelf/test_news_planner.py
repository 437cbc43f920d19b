"""The weekly message about saved papers: when it is planned, once, and what a reader can do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.client.accounts import ReaderData
from bot.shelf import news
from storage import accounts, models, outbox, shelf
from storage.database import Connection, Database
from tests.support import reader_rows
from tests.support.news_harness import SAVED_AT, WEEK, NewsHarness, monday

READER = 7_000_000_000_000_007
HOUR = timedelta(hours=1)


@pytest.fixture
async def harness(db: Database) -> NewsHarness:
    """A reader has saved a paper, of which there has been news since Thursday."""
    harness = NewsHarness(db)
    (first,) = await harness.add_papers(1)
    await harness.save(READER, first)
    harness.services.say(first, SAVED_AT + HOUR, version="2")
    assert await harness.run(SAVED_AT + 24 * HOUR) == []
    return harness


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
    harness: NewsHarness, zone: str | None, due_at: datetime
) -> None:
    async with harness.database.transaction() as connection:
        await accounts.upsert_reader(
            connection, READER, now=SAVED_AT, timezone=zone, locale=models.Locale.KO, dm_channel_id=55
        )
    assert await harness.run(due_at - timedelta(minutes=1)) == []
    assert await harness.run(due_at) != []
    assert [locale for _, locale, _ in harness.told] == [models.Locale.KO]
    (delivery,) = await harness.list_deliveries()
    assert (delivery.user_id, delivery.channel_id, delivery.guild_id) == (READER, 55, None)
    for later in (timedelta(minutes=15), 24 * HOUR, WEEK):
        assert await harness.run(due_at + later) == []


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+12", "Pacific/Kiritimati"])
async def test_what_is_found_in_the_night_to_monday_comes_that_morning_and_not_before(
    db: Database, zone: str
) -> None:
    harness = NewsHarness(db)
    harness.planner._timezone = zone
    first, second = await harness.add_papers(2)
    for arxiv_id in (first, second):
        harness.services.say(arxiv_id, SAVED_AT + HOUR, version="2")
    morning = datetime(2026, 1, 12, 9, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    await harness.save(READER, first)
    assert await harness.run(morning - HOUR / 4) == []
    assert await harness.run(morning) == [(first, "version", "2")]
    harness.now = SAVED_AT
    await harness.save(READER, second)
    for hours in (HOUR / 4, *(number * 6 * HOUR for number in range(1, 28))):
        assert await harness.run(morning + hours) == []
    assert await harness.run(morning + WEEK) == [(second, "version", "2")]


@pytest.mark.parametrize("month", [3, 10])
async def test_across_a_clock_change_it_stays_at_nine(db: Database, month: int) -> None:
    harness = NewsHarness(db)
    harness.planner._timezone = "Europe/Berlin"
    (first,) = await harness.add_papers(1)
    # Sundays of clock changes in 2026 are March 29 and October 25.
    sunday, hour = (
        (datetime(2026, 3, 29, tzinfo=UTC), 7) if month == 3 else (datetime(2026, 10, 25, tzinfo=UTC), 8)
    )
    harness.now = sunday - 6 * 24 * HOUR
    await harness.save(READER, first)
    harness.services.say(first, sunday - 24 * HOUR, version="2")
    await harness.run(sunday - 12 * HOUR)
    due_at = sunday + (24 + hour) * HOUR
    assert await harness.run(due_at - timedelta(minutes=1)) == []
    assert await harness.run(due_at) == [(first, "version", "2")]


async def test_a_crash_before_the_commit_repeats_nothing_and_loses_nothing(
    harness: NewsHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark_sent = shelf.mark_sent

    async def crash(connection: Connection, *arguments: object) -> None:
        await mark_sent(connection, *arguments)  # type: ignore[arg-type]
        raise ConnectionResetError

    monkeypatch.setattr(shelf, "mark_sent", crash)
    await harness.run(monday(1))
    assert await harness.list_deliveries() == []
    monkeypatch.undo()
    await harness.run(monday(1) + HOUR)
    await harness.run(monday(1) + 2 * HOUR)
    assert len(await harness.list_deliveries()) == 1


async def test_news_that_certainly_did_not_arrive_come_with_the_next_message(harness: NewsHarness) -> None:
    assert await harness.run(monday(1)) != []
    (delivery,) = await harness.list_deliveries()
    async with harness.database.transaction() as connection:
        await outbox.expire(connection, monday(1) + 48 * HOUR, reason="too-old")
        await shelf.mark_unsent(connection, [delivery.id])
    assert await harness.run(monday(1) + 49 * HOUR) == []
    assert [kind for _, kind, _ in await harness.run(monday(2))] == ["version"]
    assert await harness.run(monday(3)) == []


async def test_a_reader_can_switch_it_off_and_on_again(harness: NewsHarness) -> None:
    (first,) = harness.ids
    await _switch(harness, off=True)
    assert await harness.run(monday(1)) == []
    await _switch(harness, off=False)
    assert await harness.run(monday(2)) == []  # of the time when it was off
    harness.services.say(first, version="3")
    await harness.run(monday(3) - 20 * HOUR)
    assert await harness.run(monday(3)) == [(first, "version", "3")]


async def _switch(harness: NewsHarness, *, off: bool) -> None:
    async with harness.database.transaction() as connection:
        await shelf.set_news_off(connection, READER, off)
        assert await shelf.is_news_off(connection, READER) == off


async def test_more_papers_than_fit_come_in_the_next_message(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "MAX_PAPERS", 2)
    harness = NewsHarness(db)
    papers = await harness.add_papers(3)
    await harness.save(READER, *papers)
    for arxiv_id in papers:
        harness.services.say(arxiv_id, SAVED_AT + HOUR, version="2", venue="ICML 2026")
    await harness.run(SAVED_AT + 24 * HOUR)
    first, second = await harness.run(monday(1)), await harness.run(monday(2))
    assert [len({arxiv_id for arxiv_id, *_ in told}) for told in (first, second)] == [2, 1]
    assert len(set(first) | set(second)) == len(first) + len(second) == 6


async def test_a_forgotten_reader_gets_no_message(harness: NewsHarness) -> None:
    await harness.run(monday(1))
    await ReaderData(harness.database, lambda: harness.now).forget(READER)
    assert await reader_rows.find_columns(harness.database, str(READER)) == set()
    await harness.run(monday(2))
    assert await harness.list_deliveries() == []
