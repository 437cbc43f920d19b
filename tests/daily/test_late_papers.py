"""Late papers, which are added to a day after its post and shown once, at the end of a later post."""

from typing import Any

import pytest

from bot.features.daily import choice
from storage import models
from tests.support.world import MONDAY, World


async def post_monday_and_add(
    world: World,
    added: str = "",
    *,
    monday: str = "A▲9 B▲8",
    tuesday: str = "K▲5 L▲4",
    papers: int = 3,
    **options: Any,
) -> None:
    """Post Monday's list at 18:00, then add papers to it and publish Tuesday's."""
    await world.daily(at="18:00 Seoul", papers=papers, **options)
    await world.list("Mon", monday, at="Mon 17:00")
    await world.at("Mon 18:00")
    await world.list("Mon", f"{monday} {added}", at="Mon 20:00")
    await world.list("Tue", tuesday, at="Tue 14:00")


@pytest.mark.promise
async def test_papers_added_after_a_post_appear_at_the_end_of_the_next_post(world: World) -> None:
    await post_monday_and_add(world, "C▲90 D▲7")
    await world.at("Tue 18:00")
    await world.list("Wed", "U▲5", at="Wed 14:00")
    await world.at("Wed 18:00")
    assert world.sent == ["A B", "K L C D", "U"]
    assert [post.planned.late for post in world.renderer.posts] == [(), ((MONDAY, 2, 2),), ()]


@pytest.mark.promise
async def test_late_papers_fill_free_slots_and_add_at_most_five_extra(world: World) -> None:
    await post_monday_and_add(world, " ".join(f"C{number}▲{number}" for number in range(30, 39)))
    await world.list("Sat-1", "S▲99")
    await world.at("Tue 18:00")
    assert world.sent[1] == "K L C38 C37 C36 C35 C34 C33"
    assert world.renderer.posts[1].planned.late == ((MONDAY, 6, 9),)


async def test_a_post_of_25_papers_still_adds_late_papers(world: World) -> None:
    added = " ".join(f"C{number}" for number in range(1, 32))
    await post_monday_and_add(world, added, monday="A", tuesday="K", papers=25)
    await world.at("Tue 18:00")
    assert world.renderer.posts[1].planned.late == ((MONDAY, 29, 31),)


async def test_an_announcement_has_at_most_nine_papers(world: World) -> None:
    """More papers would count as posted without ever being shown."""
    monday = " ".join(f"A{number}▲{number}" for number in range(30, 42))
    added = " ".join(f"B{number}▲1" for number in range(1, 11))
    tuesday = " ".join(f"C{number}▲5" for number in range(1, 8))
    await post_monday_and_add(
        world, added, monday=monday, tuesday=tuesday, papers=9, style=models.Style.ANNOUNCEMENT
    )
    await world.at("Tue 18:00")
    assert [len(post.papers) for post in world.renderer.posts] == [
        choice.MAX_PAPERS[models.Style.ANNOUNCEMENT]
    ] * 2
    assert [post.planned.late for post in world.renderer.posts] == [(), ((MONDAY, 2, 10),)]


@pytest.mark.promise
async def test_late_papers_are_of_the_seven_days_before_their_post(world: World) -> None:
    await world.daily(at="18:00 Seoul", papers=3)
    await world.list("Mon+1", "A▲9", at="Mon+1 17:00")
    await world.at("Mon+1 18:00")
    await world.list("Mon", "R▲9", at="Tue+1 10:00")
    await world.list("Tue", "S▲8")
    await world.list("Tue+1", "K▲5", at="Tue+1 14:00")
    await world.at("Tue+1 18:00")
    assert world.sent == ["A", "K S"]
