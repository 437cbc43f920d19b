"""What cannot be planned for one reader, post or thread costs it alone: it is tried again, and after twelve hours given up."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any

import pytest

from bot.features.club.service import ClubPost, Clubs
from bot.features.club.thread_news import ThreadNewsPlanner
from bot.features.daily.choice import DailyPost
from bot.features.shelf.news import NewsPlanner
from bot.features.shelf.service import Shelf
from bot.features.today.service import TodayPlanner, TodayService
from bot.outbox import contents
from storage import accounts, club, models, papers
from storage.database import Database
from storage.papers import EventKind, PaperEvent
from tests.support import outbox_builders
from tests.support import world as stage
from tests.support.world import MINUTE, World, arxiv_id, moment

WELL, ONCE, EVER = "well", "once", "ever"
READERS = {7: WELL, 8: ONCE, 9: EVER}
"""Readers, channels, servers and threads: nothing fails for the first, each first try for the second, each for the third."""
STYLES = {models.Style.COMPACT: WELL, models.Style.CARDS: ONCE, models.Style.THREAD: EVER}


class Renderer(stage.Renderer):
    """Fails for some readers, and counts what it is asked to render for each."""

    def __init__(self) -> None:
        super().__init__()
        self.tried = Counter[str]()
        self.clock: Callable[[], datetime]
        self.heals_at = moment("Mon+9 09:00 UTC")

    def render(self, post: Any) -> tuple[contents.RenderedPart, ...]:
        kind = _kind_of(post)
        if kind is not None:
            self.tried[kind] += 1
            if (kind == EVER and self.clock() < self.heals_at) or (kind == ONCE and self.tried[kind] == 1):
                raise ValueError("a text that cannot be rendered")
        return self._message(post.marker, str(kind))


def _kind_of(post: Any) -> str | None:
    match post:
        case contents.NoticePost():
            return None
        case DailyPost():
            return STYLES[post.subscription.style]
        case ClubPost():
            return READERS[post.guild_id]
        case _:
            number = next(part for part in post.marker.split(":") if part.isdigit())
            return READERS[int(number)]


class Stage(World):
    """A world with all planners, in which one thing is due for three readers, channels, servers or threads on a Monday."""

    def __init__(self, database: Database, kind: str) -> None:
        super().__init__(database, "Thu-1 09:00 UTC")
        self.kind = kind
        self.renderer: Renderer = Renderer()
        self.renderer.clock = self.clock

    async def tick(self) -> None:
        services = self.workers.services
        planners: dict[str, Any] = {
            "daily": self.daily_planner,
            "today": services.get(TodayPlanner),
            "saved": services.get(NewsPlanner),
            "thread": services.get(ThreadNewsPlanner),
            "club": services.get(Clubs),
        }
        await self.relay.expire(self.now)
        await (self.alert_planner.drain() if self.kind == "alert" else planners[self.kind].tick(self.now))
        await self.relay.drain(self.now)


async def _post_daily(world: Stage) -> None:
    for number, style in enumerate(STYLES):
        await world.daily("09:00 UTC", channel=20 + number, style=style)
    await world.list("Mon", "A", at="Mon 08:00 UTC")


async def _alert(world: Stage) -> None:
    for reader in READERS:
        await world.alert("care", by=reader)
    await world.list("Mon", 'A "On care"', at="Mon 08:57 UTC")


async def _send_today(world: Stage) -> None:
    for reader in READERS:
        await world.workers.services.get(TodayService).send_daily(reader, "09:00", "UTC")
    await world.written("Mon", "A", at="Mon 08:00 UTC")


async def _tell_of_saved(world: Stage) -> None:
    await world.written("Thu-1", "A")
    shelf = world.workers.services.get(Shelf)
    ids = (await world.database.fetch(papers.get_ids, [arxiv_id("A")])).values()
    for reader in READERS:
        await shelf.save(reader, [*ids])
        await shelf.start_news(reader, "UTC")
    await _happen(world, "Fri-1 09:00 UTC")


async def _tell_threads(world: Stage) -> None:
    await world.written("Thu-1", "A")
    [paper_id] = (await world.database.fetch(papers.get_ids, [arxiv_id("A")])).values()
    for id_ in READERS:
        row = {"guild_id": id_, "channel_id": id_, "thread_id": id_, "delivery_id": id_}
        async with world.database.transaction() as connection:
            await club.put_thread(connection, paper_id=paper_id, opened_at=world.now, **row)
    await _happen(world, "Mon 09:00 UTC")


async def _happen(world: Stage, when: str) -> None:
    world.now = moment(when)
    [paper_id] = (await world.database.fetch(papers.get_ids, [arxiv_id("A")])).values()
    event = PaperEvent(0, paper_id, EventKind.CODE, "https://github.com/a/b", world.now)
    await world.database.write(papers.add_events, [event])


async def _begin_votes(world: Stage) -> None:
    """Three clubs meet on Sunday, and their votes begin on Monday."""
    await world.written("Mon", "A", at="Mon 08:00 UTC")
    for id_ in READERS:
        await world.database.write(accounts.upsert_guilds, {id_: {"system_channel_id": None}})
        row = outbox_builders.new_club(id_, moment("Mon 09:00 UTC"), weekday=7, at_time="09:00")
        await world.database.write(club.put, row)


SETUPS: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "daily": _post_daily,
    "alert": _alert,
    "today": _send_today,
    "saved": _tell_of_saved,
    "thread": _tell_threads,
    "club": _begin_votes,
}


async def run_monday(world: Stage, minutes: Iterable[int]) -> tuple[list[tuple[int, str]], list[int]]:
    """Plan from 09:00 on. Returns what arrived, and when the third's was tried, in minutes."""
    await SETUPS[world.kind](world)
    begin = moment("Mon 09:00 UTC")
    arrived, tries = list[tuple[int, str]](), list[int]()
    for minute in minutes:
        world.now, before = begin + minute * MINUTE, world.renderer.tried[EVER]
        await world.tick()
        arrived += [(minute, text) for _, text, _ in world.discord.messages[len(arrived) :]]
        tries += [minute] * (world.renderer.tried[EVER] - before)
    return arrived, tries


@pytest.mark.parametrize("kind", SETUPS)
async def test_what_fails_for_one_delays_no_other_and_comes_once_it_can_be_made(
    sqlite_db: Database, kind: str
) -> None:
    world = Stage(sqlite_db, kind)
    world.renderer.heals_at = moment("Mon 14:00 UTC")
    arrived, tries = await run_monday(world, [*range(8), *range(15, 420, 15)])
    assert arrived[:2] == [(0, WELL), (1, ONCE)]
    [(minute, text)] = arrived[2:]
    assert (text, minute) == (EVER, tries[-1])
    assert 300 <= minute <= 375, "within an hour"
    assert len(tries) < 15


@pytest.mark.parametrize("kind", [kind for kind in SETUPS if kind != "club"])
async def test_what_fails_for_one_is_given_up_after_twelve_hours(sqlite_db: Database, kind: str) -> None:
    world = Stage(sqlite_db, kind)
    arrived, tries = await run_monday(world, [*range(8), *range(15, 20 * 60, 15)])
    assert arrived == [(0, WELL), (1, ONCE)], "each once"
    assert 12 * 60 <= tries[-1] < 14 * 60
    assert tries[:4] == [0, 1, 3, 7]
    assert len(tries) < 25


async def test_what_fails_again_a_week_after_its_cause_was_removed_is_tried_again(
    sqlite_db: Database,
) -> None:
    world = Stage(sqlite_db, "alert")
    former = await world.alert("care", by=9)
    await world.list("Mon", 'A "On care"', at="Mon 08:57 UTC")
    await world.at("Mon 09:00 UTC")
    await world.alerts.remove(former)
    await world.alert("care", by=9)
    await world.list("Mon+1", 'B "On care"', at="Mon+1 08:57 UTC")
    await world.at("Mon+1 09:00 UTC")
    world.renderer.heals_at = world.now
    await world.wait(minutes=1)
    assert world.sent == [f"@9 {EVER}"]
