"""Planning and sending daily posts: the right papers on the right date, exactly once, despite failures."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from bot.core import day_close, schedule
from bot.features.daily import choice, planner, why
from bot.search.results import Relevance
from storage import archive, models
from storage.database import Connection
from tests.support import patience
from tests.support.world import DAY, MONDAY, World, day, moment, names

both_engines = pytest.mark.engines("sqlite", "postgresql")


async def match_all(
    topic: str, found: Sequence[archive.DigestPaper], server_id: int = 0
) -> dict[int, Relevance]:
    return {paper.paper_id: Relevance(1.0) for paper in found}


async def test_the_top_papers_are_posted_once_at_the_set_time(world: World) -> None:
    row = await world.daily(at="09:00 Seoul", papers=2)
    await world.list("Mon", "A▲5 B▲81 C D▲40")
    await world.at("Mon 08:59")
    assert world.sent == []
    for _ in range(2):
        await world.at("Mon 09:00")
    assert world.sent == ["B D"]
    [delivery] = await world.planned()
    assert (delivery.key, world.renderer.posts[0].planned.total) == (f"daily:{row.id}:2026-01-05", 4)
    assert await world.last_on(row) == MONDAY


async def test_papers_without_votes_come_last_and_of_equal_ones_the_newest_first(world: World) -> None:
    await world.daily(papers=5)
    await world.daily(channel=21, min_votes=10)
    await world.list("Mon", "C D▲81 A B▲5 E▲0")
    await world.at("Mon 09:00")
    assert sorted(world.sent) == ["#21 D", "D B E C A"]
    await world.list("Tue", "F▲9 J▲1")
    await world.list("Wed", "G▲9 H▲10 I J▲1")
    await world.at("Wed 09:00")
    assert sorted(world.sent[2:]) == ["#21 H", "H G F J I"]


async def test_a_list_up_to_twelve_hours_late_is_posted(world: World) -> None:
    row = await world.daily()
    monday = await world.daily(channel=21, days=(1,))
    await world.at("Mon 09:00")
    assert await world.last_on(row) == MONDAY - DAY
    await world.list("Mon", "A▲9", at="Mon 09:30")
    await world.at("Mon 09:30")
    assert world.sent == ["A", "#21 A"]
    await world.at("Mon+1 21:00")
    assert await world.last_on(monday) == day("Mon+1")
    await world.list("Mon+1", "B▲9")
    await world.at("Mon+1 21:01")
    assert world.sent == ["A", "#21 A"]


@pytest.mark.parametrize(
    ("at", "days", "on", "posted_at", "sent"),
    [
        ("Sun-1 10:00", schedule.EVERY_DAY, "Fri-1", "Mon 09:00", ["A"]),
        ("Sun-1 10:00", schedule.EVERY_DAY, "Thu-1", "Mon 09:00", []),
        ("Mon 10:00", schedule.EVERY_DAY, "Fri-1", "Tue 09:00", []),
        ("Tue-1 10:00", (1,), "Sun-2", "Mon 09:00", ["A"]),
    ],
)
async def test_a_first_post_has_papers_of_the_three_days_up_to_its_set_up(
    world: World, at: str, days: tuple[int, ...], on: str, posted_at: str, sent: list[str]
) -> None:
    world.now = moment(at)
    await world.list(on, "A▲9")
    await world.daily(days=days)
    await world.at(posted_at)
    assert world.sent == sent


async def test_a_late_weekly_post_excludes_the_following_week(world: World) -> None:
    await world.daily(style=models.Style.WEEKLY, days=(1,), papers=9)
    for on, paper in (("Sun-1", "A▲9"), ("Mon", "B▲9"), ("Tue", "C▲9"), ("Wed", "D▲9")):
        await world.list(on, paper, at=f"{on} 09:00")
    coming, next_week = await world.explain("B"), await world.explain("C")
    assert (coming.cause, coming.at) == (why.Cause.UPCOMING, moment("Mon 09:00"))
    assert (next_week.cause, next_week.at) == (why.Cause.UPCOMING, moment("Mon+1 09:00"))
    await world.at("Wed 09:00")
    await world.at("Mon+1 09:00")
    assert world.sent == ["B A", "D C"]
    weeks = [(post.planned.since_on, post.planned.digest_on) for post in world.renderer.posts]
    assert weeks == [(day("Tue-1"), MONDAY), (day("Tue"), day("Mon+1"))]


async def test_posts_in_the_same_channel_and_language_do_not_repeat_papers(world: World) -> None:
    await world.daily()
    await world.daily(style=models.Style.CARDS)
    await world.daily(locale=models.Locale.KO)
    await world.list("Mon", "A▲9 B▲8 C▲7 D▲6")
    await world.at("Mon 09:00")
    assert sorted(world.sent) == ["A B", "A B", "C D"]


async def test_posts_with_topics_are_planned_last_with_one_search_per_topic(world: World) -> None:
    for number in range(12):
        await world.daily(channel=20 + number, topic=f"robot {number % 11}")
    for number in range(3):
        await world.daily(channel=40 + number)
    await world.list("Mon", "A▲9")
    looked_up: list[str] = []
    planned: list[int] = []

    async def look_up(
        topic: str, found: Sequence[archive.DigestPaper], server_id: int = 0
    ) -> dict[int, Relevance]:
        looked_up.append(topic)
        return await match_all(topic, found)

    costly = planner.DailyPlanner(world.database, world.deliveries, look_up, day_close.default())
    now = moment("Mon 09:00")
    assert await costly.tick(now, on_planned=lambda: planned.append(len(looked_up))) == 15
    assert planned == [0, 10, 11]
    assert sorted(looked_up) == sorted(f"robot {number}" for number in range(11))


@both_engines
async def test_papers_added_during_planning_appear_in_the_next_post(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.daily(topic="anything")
    world.daily_planner = planner.DailyPlanner(
        world.database, world.deliveries, match_all, day_close.default()
    )
    await world.list("Mon", "A▲5")
    list_papers = archive.list_papers

    async def read(connection: Connection, digest_ids: Iterable[int]) -> list[archive.DigestPaper]:
        monkeypatch.setattr(archive, "list_papers", list_papers)
        found = await list_papers(connection, digest_ids)
        async with patience.limit():
            await world.list("Mon", "A▲5 B▲9")
        return found

    monkeypatch.setattr(archive, "list_papers", read)
    await world.at("Mon 09:00")
    await world.list("Tue", "C▲3")
    await world.at("Tue 09:00")
    assert world.sent == ["A", "B C"]


@both_engines
async def test_concurrent_planners_choose_different_papers(world: World) -> None:
    row = await world.daily()
    await world.list("Mon", "A▲9 B▲8 C▲7 D▲6")
    world.now = moment("Mon 09:00")
    async with world.database.transaction() as connection:
        await archive.lock_ingest(connection)  # another planner
        posting = asyncio.create_task(world.on_demand.plan(row.id, 1))
        tick = asyncio.create_task(world.daily_planner.tick(world.now))
        await patience.wait_until_blocked(world.database, posting, tick)
    await asyncio.gather(posting, tick)
    assert sorted(names(each.papers) for each in await world.planned()) == ["A B", "C D"]


async def test_a_failing_post_does_not_stop_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bug = await world.daily(channel=22)
    await world.daily(channel=23, style=models.Style.CARDS)
    await world.daily(channel=24, topic="bad")
    await world.daily(channel=25, topic="good")
    await world.daily(channel=26)
    await world.list("Mon", "A▲9")
    broken = True
    choose = choice.CandidatePool.choose

    def fail_for_one(pool: Any, row: models.Subscription, *arguments: Any) -> Any:
        if broken and row.id == bug.id:
            raise KeyError("a bug")
        return choose(pool, row, *arguments)

    async def match(
        topic: str, found: Sequence[archive.DigestPaper], server_id: int = 0
    ) -> dict[int, Relevance]:
        if broken and topic == "bad":
            raise KeyError("a bug")
        return await match_all(topic, found)

    monkeypatch.setattr(choice.CandidatePool, "choose", fail_for_one)
    world.daily_planner = planner.DailyPlanner(world.database, world.deliveries, match, day_close.default())
    world.renderer.failing = {models.Style.CARDS.value}
    await world.at("Mon 09:00")
    assert sorted(world.sent) == ["#25 A", "#26 A"]
    broken = False
    world.renderer.failing = set()
    await world.at("Mon 10:00")
    assert sorted(world.sent) == [f"#{channel} A" for channel in range(22, 27)]


async def test_a_failing_post_keeps_no_papers_from_the_others_of_its_channel(world: World) -> None:
    await world.daily(papers=2, style=models.Style.CARDS)
    await world.daily(papers=2)
    world.renderer.failing = {models.Style.CARDS.value}
    await world.list("Mon", "A▲9 B▲8 C▲7")
    await world.at("Mon 09:00")
    world.renderer.failing.clear()
    await world.at("Mon 09:01")
    assert world.sent == ["A B", "C"]


async def test_identical_posts_are_rendered_once(world: World) -> None:
    for channel in range(100, 110):
        await world.daily(channel=channel)
    await world.daily(channel=110, at="08:30 Seoul")
    await world.daily(channel=111, silent=True)
    await world.list("Mon", "A▲9")
    await world.at("Mon 09:00")
    assert len({row.key for row in await world.planned()}) == len(world.sent) == 12
    assert [post.subscription.silent for post in world.renderer.posts].count(True) == 1
    assert len(world.renderer.posts) == 3, "each setting is a part of a post"


async def test_setting_the_clock_back_does_not_repeat_posts(world: World) -> None:
    row = await world.daily()
    await world.list("Mon", "A▲9 B▲8 C▲7")
    await world.at("Mon 09:00")
    await world.force(row, last_on=None)
    await world.at("Mon 07:00", "Mon 09:00")
    assert world.sent == ["A B"]
