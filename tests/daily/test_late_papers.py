"""Late papers, which are added to a day after its post and shown once, at the end of a later post."""

from typing import Any

import pytest

from bot.features.daily import choice
from storage import models
from tests.support.world import AWAY, MONDAY, World


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


@pytest.mark.promise
async def test_late_papers_alone_do_not_trigger_a_post(world: World) -> None:
    await world.daily(at="18:00 Seoul", papers=3)
    await world.list("Mon", "A▲9", at="Mon 17:00")
    await world.at("Mon 18:00")
    await world.list("Mon", "A▲9 C▲7", at="Mon 20:00")
    for when in ("Tue 18:00", "Wed 07:00"):
        await world.at(when)
    assert world.sent == ["A"]
    await world.list("Wed", "U▲5", at="Wed 14:00")
    await world.at("Wed 18:00")
    assert world.sent == ["A", "U C"]


@pytest.mark.promise
async def test_a_newsletter_for_a_day_already_posted_adds_late_papers(world: World) -> None:
    await post_monday_and_add(world)
    await world.written("Mon", "A▲9 E▲6", at="Mon 21:00")
    await world.at("Tue 18:00")
    assert world.sent == ["A B", "K L E"]


async def test_late_papers_of_an_expired_post_appear_in_the_next_one(world: World) -> None:
    await post_monday_and_add(world, "C▲7")
    world.discord.answer = AWAY
    await world.at("Tue 18:00")
    world.discord.answer = None
    await world.list("Wed", "U▲1", at="Wed 14:00")
    await world.at("Wed 18:00")
    # Papers that come again are those of their days, so they are late only after three days.
    assert world.sent == ["A B", "C K L"]


@pytest.mark.promise
@pytest.mark.parametrize("options", [{"topic": "moss"}, {"min_votes": 10}], ids=["topic", "votes"])
async def test_a_days_second_digest_is_posted_if_the_first_has_no_match(
    world: World, options: dict[str, Any]
) -> None:
    await world.daily(at="18:00 Seoul", papers=3, **options)
    await world.written("Mon", "A▲5", at="Mon 17:00")
    await world.at("Mon 18:00")
    await world.list("Mon", 'C▲43 "How moss grows" D▲44 "Growth of moss"', at="Mon 19:00")
    for when in ("Tue 18:00", "Wed 18:00"):
        await world.at(when)
    assert world.sent == ["D C"]
    assert world.renderer.posts[0].planned.late == ()


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


async def test_a_list_of_an_earlier_day_does_not_bring_back_skipped_papers(world: World) -> None:
    await world.daily(at="18:00 Seoul", papers=3)
    monday = "A▲8 B▲7 C▲6 D▲5 E▲4"
    await world.list("Mon", monday, at="Mon 17:00")
    await world.at("Mon 18:00")
    # Tuesday has no list; Sunday's list arrives late, and Monday's grows.
    await world.list("Sun-1", "S▲5", at="Tue 14:00")
    await world.list("Mon", f"{monday} I▲3")
    await world.at("Tue 18:00")
    await world.list("Wed", "U▲5", at="Wed 14:00")
    await world.at("Wed 18:00")
    assert world.sent == ["A B C", "S I", "U"]


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


@pytest.mark.promise
async def test_papers_of_a_list_that_still_grows_are_not_late(world: World) -> None:
    """Thursday's list begins on Wednesday evening in Seoul, and closes on Friday morning."""
    await world.daily(at="20:00 Seoul")
    await world.list("Thu", "A▲9", at="Wed 19:30")
    await world.at("Wed 20:00")
    await world.list("Thu", "A▲9 B▲8", at="Thu 10:00")
    await world.at("Thu 20:00")
    assert world.sent == ["A", "B"]
