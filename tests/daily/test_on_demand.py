"""Previews and the Post now button."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from bot.archive import listing
from bot.core import day_close, schedule
from bot.features.daily.service import OnDemandPosts
from bot.search.results import Relevance
from storage import archive, models
from tests.support import patience
from tests.support.world import AWAY, DAY, MONDAY, World, day, moment, names


async def preview(world: World, row: models.Subscription) -> tuple[str, bool]:
    """Return the papers of a preview, and whether they are new to the channel."""
    post, is_new = await world.on_demand.preview(row)
    return names([paper.key for paper in post.papers]), is_new


async def test_a_preview_shows_new_papers_or_else_those_of_the_newest_day(world: World) -> None:
    row = await world.daily()
    assert await preview(world, row) == ("", False)
    await world.list("Sun-1", "I▲99")
    await world.list("Mon", "A▲5 B▲81 C▲40")
    post, _ = await world.on_demand.preview(row)
    assert (post.planned.total, post.planned.digest_on) == (3, MONDAY)
    assert schedule.schedule_key(post.subscription) == ("09:00", "Asia/Seoul", schedule.EVERY_DAY)
    for _ in range(2):
        assert await preview(world, row) == ("B C", True)
    assert await world.planned() == []
    await world.list("Mon", "A▲5")
    await world.at("Mon 09:00")
    await world.on_demand.plan(row.id, 1)
    world.now += 30 * DAY
    assert await preview(world, row) == ("B C", False)


@pytest.mark.parametrize(
    ("settings", "newer", "sent"),
    [
        ({}, "", "B C"),
        ({}, "D▲9 E▲8", "D E"),
        ({"topic": "moss"}, "D▲9 E▲8", "B C"),
        ({"topic": "moss"}, 'D▲9 E▲8 "Moss in rivers"', "E"),
        ({"min_votes": 30}, "D▲9 E▲8", "B C"),
        ({"min_votes": 30, "topic": "moss"}, 'D▲90 E▲8 "Moss in rivers"', "B C"),
    ],
)
async def test_a_first_post_has_the_previews_papers_unless_newer_ones_come(
    world: World, settings: dict[str, Any], newer: str, sent: str
) -> None:
    """As the set-up says below its preview: of what the post is set to show."""
    row = await world.daily(**settings)
    await world.list("Sun-1", 'B▲81 "How moss grows" C▲40 "Moss on stones"')
    assert await preview(world, row) == ("B C", True)
    if newer:
        await world.list("Mon", newer)
    await world.at("Mon 09:00")
    assert world.sent == [sent]
    await world.at("Tue 09:00")
    assert len(world.sent) == 1


async def test_pressing_post_now_twice_plans_one_post(world: World) -> None:
    row = await world.daily()
    await world.list("Mon", "A▲9 B▲8 C▲7 D▲6 E▲5")
    world.now = moment("Mon 08:00")
    for press in (77, 77, 78):
        assert await world.on_demand.plan(row.id, press) is not None
    await world.at("Mon 09:00")
    assert sorted(world.sent) == ["A B", "C D", "E"]
    on_demand, *_, daily = await world.planned()
    assert (on_demand.key, on_demand.kind) == (f"now:{row.id}:77", models.DeliveryKind.ON_DEMAND)
    assert on_demand.priority < daily.priority


async def test_post_now_has_a_paper_that_becomes_one_with_another_while_it_is_chosen(world: World) -> None:
    row, forum = await world.daily(topic="moss"), "openreview/aB3dEfGh1J"
    digest = listing.build(MONDAY, [{"key": forum, "title": "Moss"}], form=models.DigestFormat.LIST)
    await world.ingest().put("https://f.example", "u", [digest])

    joins = [partial(world.facts, "A", source="arxiv", title="Moss", names=(forum,))]

    async def match_and_join(
        topic: str, listed: Sequence[archive.DigestPaper], server_id: int
    ) -> Mapping[int, Relevance]:
        matching = await world.search.match_papers(topic, listed, server_id)
        if joins:
            await joins.pop()()
        return matching

    posts = OnDemandPosts(world.database, world.clock, world.deliveries, match_and_join, day_close.default())
    assert await posts.plan(row.id, 1) is not None
    await world.at("Mon 09:00", "Tue 09:00")
    assert world.sent == ["A"]


async def test_post_now_matches_its_topic_while_others_write(world: World) -> None:
    row = await world.daily(topic="moss")
    await world.list("Mon", "A▲9")

    async def match(topic: str, papers: Sequence[archive.DigestPaper], _: int) -> dict[int, Relevance]:
        async with patience.limit():
            await asyncio.create_task(world.list("Mon", "A▲9 B▲1"))
        return {paper.paper_id: Relevance(1.0) for paper in papers}

    on_demand = OnDemandPosts(world.database, world.clock, world.deliveries, match, day_close.default())
    planned = await on_demand.plan(row.id, 1)
    assert planned is not None
    assert names(planned.papers) == "A"


async def test_post_now_plans_nothing_without_new_papers(world: World) -> None:
    row = await world.daily(min_votes=5)
    assert await world.on_demand.plan(row.id, 1) is None
    await world.list("Mon", "A▲9 B▲1")
    assert await world.on_demand.plan(row.id, 2) is not None
    assert await world.on_demand.plan(row.id, 3) is None
    assert await world.on_demand.plan(row.id + 1, 4) is None
    world.now += 30 * DAY
    assert await world.on_demand.plan(row.id, 5) is None


async def test_a_weekly_post_planned_on_demand_covers_seven_days(world: World) -> None:
    row = await world.daily(style=models.Style.WEEKLY)
    for on, text in (("Wed-1", "A▲90"), ("Mon", "B▲5"), ("Sat-2", "C▲99")):
        await world.list(on, text)
    planned = await world.on_demand.plan(row.id, 1)
    assert planned is not None
    assert names(planned.papers) == "A B"
    post, _ = await world.on_demand.preview(row)
    assert (post.planned.since_on, post.planned.digest_on) == (day("Tue-1"), MONDAY)


async def test_the_heading_of_a_weekly_post_names_all_days_whose_papers_it_counts(world: World) -> None:
    row = await world.daily(style=models.Style.WEEKLY, papers=1)
    for on, text in (("Mon-1", "A▲9"), ("Wed-1", "B▲90")):
        await world.list(on, text)
    post, _ = await world.on_demand.preview(row)
    assert (len(post.planned.papers), post.planned.total) == (1, 2)
    assert post.planned.since_on == day("Mon-1")


@pytest.mark.parametrize("is_removed", [False, True], ids=["expired", "removed"])
async def test_papers_of_an_unsent_post_appear_in_the_next_post(world: World, is_removed: bool) -> None:
    asked = await world.daily()
    await world.daily(at="13:00 Seoul")
    await world.list("Mon", "A▲9 B▲8")
    await world.force(asked, last_on=day("Mon+1"))
    world.discord.answer, world.now = AWAY, moment("Mon 12:00")
    assert await world.on_demand.plan(asked.id, 1) is not None
    await world.at("Mon 13:00")  # the papers still count as posted
    if is_removed:
        await world.subscriptions.remove(asked.id)
    world.discord.answer = None
    await world.at("Tue 13:00")
    assert world.sent == ["A B"]
