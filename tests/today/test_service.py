"""Papers of the day by direct message: once a day at the reader's local time, despite failures."""

from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial

import pytest

from bot.archive import listing
from bot.features.today.service import Day
from bot.outbox import outcomes
from storage import accounts, models
from storage.database import Database
from tests.support import killed_process
from tests.support.world import AWAY, READER, ZONES, arxiv_id, day, moment
from tests.today.conftest import TodayWorld

DOI, FORUM = "doi/10.1234/p.1", "openreview/aB3dEfGh1J"


async def test_each_day_is_sent_at_the_local_time_across_a_clock_change(sqlite_db: Database) -> None:
    """In New York, clocks jump from 02:00 to 03:00 on March 8, so 02:30 means the first minute after the gap."""
    world = TodayWorld(sqlite_db)
    world.now = moment("Fri+8 12:00 UTC")
    await world.subscribe("02:30 New_York")
    await sqlite_db.write(accounts.upsert_reader, READER, locale=models.Locale.KO)
    for on, name, until in (("Fri+8", "A", "Sat+8"), ("Sat+8", "B", "Sun+8"), ("Sun+8", "C", "Mon+9")):
        await world.written(on, name)
        await world.until(f"{until} 06:00 UTC")
        await world.until(f"{until} 08:00 UTC", every=30)
        await world.until(f"{until} 12:00 UTC")
    assert world.arrived == [("Sat 07:30", "@7 A"), ("Sun 07:00", "@7 B"), ("Mon 06:30", "@7 C")]
    assert {row.locale for row in await world.planned()} == {models.Locale.KO}


async def test_a_reader_who_moves_west_gets_each_day_once(sqlite_db: Database) -> None:
    """The morning of January 2 happens twice: in Seoul and, 14 hours later with a newer digest, in New York."""
    world = TodayWorld(sqlite_db)
    await world.subscribe("09:00 Seoul")
    for city, name, on, until in (("Seoul", "A", "Thu-1", "Fri-1"), ("New_York", "B", "Fri-1", "Mon")):
        await sqlite_db.write(accounts.upsert_reader, READER, timezone=ZONES[city])
        await world.written(on, name)
        await world.until(f"{until} 02:00 UTC")
    assert world.sent == ["@7 A", "@7 B"]


@pytest.mark.engines("sqlite", "postgresql")
async def test_each_day_is_sent_once_even_if_a_tick_is_killed(db: Database) -> None:
    world = TodayWorld(db)
    for user_id in (READER, READER + 1, READER + 2):
        await world.subscribe("15:00 UTC", by=user_id)
    await world.written("Thu-1", "A")
    now = moment("Thu-1 15:00 UTC")
    for number, is_stored in ((1, False), (2, False), (1, True)):
        with killed_process.killed_at(db, number, is_stored=is_stored):
            await world.planner.tick(now)
    await world.at("Thu-1 15:30 UTC")
    assert sorted(world.sent) == ["@7 A", "@8 A", "@9 A"]


async def list_papers(world: TodayWorld) -> Callable[[], Awaitable[None]]:
    """List B and a paper that has three keys, two of which are listed, on Thursday. What is returned makes it one."""
    row = {"key": FORUM, "title": "Paper A", "votes": 9}
    rows = [row, {"key": arxiv_id("B"), "title": "Paper B", "votes": 7}]
    for place, listed in (("a", rows), ("b", [row | {"key": DOI, "votes": 1}])):
        digest = listing.build(day("Thu-1"), listed, form=models.DigestFormat.LIST)
        await world.ingest().put(f"https://{place}.example", "u", [digest])
    return partial(world.facts, "A", source="arxiv", title="Paper A", names=(FORUM, DOI))


async def test_papers_of_an_older_message_stay_in_place_after_two_became_one(sqlite_db: Database) -> None:
    """CHANGELOG: a paper under two keys is one, and old buttons still work."""
    world = TodayWorld(sqlite_db)
    join, shown = await list_papers(world), [arxiv_id("B"), FORUM, DOI]
    for expected in (shown, [arxiv_id("B"), arxiv_id("A")]):
        post = await world.today.build_post(READER, models.Locale.EN, day("Thu-1"), shown=shown)
        assert post is not None
        assert [pick.paper.key for pick in post.picks] == expected
        await join()


async def test_a_paper_that_becomes_one_with_another_while_its_day_is_planned_comes(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = TodayWorld(sqlite_db)
    await world.subscribe("15:00 UTC")
    join, open_day = await list_papers(world), world.today.open_day

    async def open_and_join(on: date) -> Day | None:
        opened = await open_day(on)
        await join()
        return opened

    monkeypatch.setattr(world.today, "open_day", open_and_join)
    await world.at("Fri-1 15:00 UTC")
    assert world.sent == ["@7 A B"]


async def test_three_messages_refused_in_a_row_stop_the_next_and_say_why(sqlite_db: Database) -> None:
    world = TodayWorld(sqlite_db)
    await world.subscribe("13:00 UTC")
    world.discord.answer = outcomes.DISCORD_ERRORS[50007]
    for on in ("Thu-1", "Fri-1", "Sat-1", "Sun-1", "Mon"):
        await world.read_closed(on, [1])
        await world.until(f"{on} 13:30 UTC", days=1)
    post = await world.show()
    assert post is not None
    assert (post.at_time, post.suspended) == (None, models.Reason.DMS_CLOSED)
    assert len(await world.planned()) == 3
    await world.subscribe("14:30 UTC")
    world.discord.answer = None
    await world.until("Mon 15:00 UTC", days=1)
    assert world.sent == ["@7 E1"]


async def test_a_withdrawn_paper_is_in_no_message(sqlite_db: Database) -> None:
    world = TodayWorld(sqlite_db)
    await world.subscribe("15:00 UTC")
    await world.written("Thu-1", "A▲99 B▲5")
    await world.facts("A", "arxiv", comment="arXiv admin note: withdrawn by arXiv administrators")
    await world.at("Thu-1 15:30 UTC")
    assert world.sent == ["@7 B"]


async def test_papers_that_no_digest_names_any_more_leave_a_waiting_message(sqlite_db: Database) -> None:
    world = TodayWorld(sqlite_db)
    await world.subscribe("15:00 UTC")
    await world.written("Thu-1", "A▲9 B▲8", location="notes.md")
    world.discord.answer = AWAY
    await world.at("Thu-1 15:30 UTC")
    await world.written("Thu-1", "B▲8", location="notes.md")
    world.discord.answer = None
    await world.at("Thu-1 16:00 UTC")
    assert world.sent == ["@7 B"]
