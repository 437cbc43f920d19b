"""Posts of some weekdays whose lists fall silent or whose settings change: no paper is lost, and none comes twice."""

import pytest

from bot.features.daily.why import Cause
from storage.models import Style
from tests.support.world import World

pytestmark = [pytest.mark.promise, pytest.mark.engines("sqlite")]
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


async def test_the_last_papers_before_a_silence_come_with_the_next_list(world: World) -> None:
    """A holiday of ten days: Friday's list goes on growing after Saturday's post."""
    await world.daily(at="09:00 Seoul", papers=5)
    await world.list("Fri", "A▲9", at="Fri 23:00")
    await world.at("Sat 09:00")
    await world.list("Fri", "A▲9 B▲8", at="Sat 10:00")
    await world.at("Sun 09:00", "Mon+1 09:00", "Thu+1 09:00", "Sun+1 09:00")
    assert world.sent == ["A"], "late papers alone make no post"
    await world.list("Mon+2", "K▲5", at="Mon+2 23:00")
    assert (await world.explain("B")).cause is Cause.UPCOMING
    await world.at("Tue+2 09:00")
    assert world.sent == ["A", "K B"]
    await world.list("Tue+2", "L▲5", at="Tue+2 23:00")
    await world.at("Wed+2 09:00")
    assert world.sent == ["A", "K B", "L"]


async def test_a_weekly_post_that_becomes_one_of_each_day_goes_on_where_it_was(world: World) -> None:
    row = await world.daily(at="09:00 Seoul", papers=5, style=Style.WEEKLY, days=(1,))
    await world.list("Fri-1", "A▲9", at="Mon 08:00")
    await world.at("Mon 09:00")
    await world.list("Mon", "B▲8", at="Mon 21:00")
    await world.list("Tue", "C▲7", at="Tue 21:00")
    await world.list("Wed", "D▲6", at="Wed 08:00")
    await world.edit(row, style=Style.COMPACT, days=EVERY_DAY, at_time="18:00")
    await world.at("Wed 18:00")
    await world.list("Thu", "E▲5", at="Thu 12:00")
    await world.at("Thu 18:00", "Fri 18:00")
    assert [sorted(text.split()) for text in world.sent] == [["A"], ["B", "C", "D"], ["E"]]


async def test_a_post_of_each_day_that_becomes_weekly_repeats_nothing(world: World) -> None:
    row = await world.daily(at="09:00 Seoul", papers=1)
    await world.list("Mon", "A▲9 B▲8", at="Mon 23:00")
    await world.at("Tue 09:00")
    await world.list("Tue", "C▲7", at="Tue 12:00")
    await world.edit(row, style=Style.WEEKLY, days=(5,), top_n=5)
    await world.list("Thu", "D▲6", at="Thu 12:00")
    await world.at("Fri 09:00", "Fri+1 09:00")
    # Below the top of a daily post, a paper of the seven days may still come in a weekly one.
    assert [sorted(text.split()) for text in world.sent] == [["A"], ["B", "C", "D"]]
