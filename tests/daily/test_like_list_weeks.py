"""Two weeks of a channel with `like:list` in a simulated Discord: each paper comes once or is explained, each silent day said."""

import re
from collections.abc import Mapping
from datetime import date, datetime

from bot.archive import listing
from storage import models
from tests.daily.test_like_list import other, robot, speech
from tests.daily.test_like_list_commands import fill, put
from tests.support import world
from tests.support.client_harness import ClientHarness, raw_components, shown_text
from tests.support.world import MONDAY, World, arxiv_id

FORUM = "openreview/aB3dEfGh1J"
CROWD = [f"K{number}" for number in range(1, 13)]
STRANGERS = [f"{letter}{number}" for letter in "LMNO" for number in range(1, 498)]
LISTS: Mapping[int, str] = {
    1: f"{robot('A')} {other('Q1')}",
    2: f"{other('Q2')} {speech('F')}",
    4: f"{robot('B')} {other('Q3')}",
    5: f"{robot('C')} {robot('D')} {other('Q4')}",
    7: " ".join([*map(other, STRANGERS), *map(robot, CROWD)]),
    8: f"{other('Q5')} {other('Q6')}",
    9: f"{speech('G')} {robot('H')} {other('Q7')}",
    11: f"{robot('I')} {speech('J')} {robot('A')}",
    13: other("Q8"),
    14: f"{speech('E')} {other('Q9')}",
}
"""What is listed on each of fourteen days; on the seventh 2,000 papers."""
POSTED = {1: "A", 5: "BC", 7: "KKK", 9: "GH", 11: "IJ", 14: "E"}
"""What is posted, with B of the day before, when the bot was off, and without D, which is hidden; K are at most three, since
a day of 2,000 is beyond what was measured. G, E and J are like what joins the list on the ninth day."""
OFF = 4
SPOKEN = [f"P{number}" for number in range(1, 6)]
HOUR = 3600.0


async def test_two_weeks_of_a_channel_bring_each_paper_once_and_say_each_silent_day(
    empty_harness: ClientHarness,
) -> None:
    harness, texts = empty_harness, empty_harness.texts
    await fill(harness, 5)
    stage, runtime = World(harness.container.database), await harness.start_runtime()
    await stage.list("Fri-5", " ".join(map(speech, SPOKEN)))
    await harness.add_subscription(topic="like:list", top_n=9)
    silent, came = texts("status-silent", since="yes", narrowed="topic"), list[str]()
    await harness.env.advance_time(9.5 * HOUR)  # the post is at nine

    async def read_new() -> list[str]:
        """Plan and send what is due, and return the papers of what was not read yet."""
        await runtime.tick()
        await runtime.relay.drain(harness.env.now())
        shown = [str(raw_components(message)) for message in harness.channel.history()]
        posted = [world.names([key]) for text in shown for key in {*re.findall(r"2601\.\d{5}", text)}]
        assert len(posted) == len({*posted}), "no paper comes twice"
        return sorted(set(posted) - set(came))

    for number in range(1, 15):
        await harness.env.advance_time(12 * HOUR)
        if number - 1 != OFF:  # a day is given up after twelve hours
            assert await read_new() == []
            is_silent = number > 1 and not POSTED.get(number - 1)
            assert (silent in shown_text(await harness.manage("status"))) == is_silent, number
        await harness.env.advance_time(12 * HOUR)
        await _publish(stage, harness.env.now(), number)
        if number == 9:
            await put(harness, SPOKEN)
        if number != OFF:
            new = await read_new()
            came += new
            assert [name[0] for name in new] == list(POSTED.get(number, "")), number
    left = next(name for name in CROWD if name not in came)
    shown = shown_text(await harness.ask("why", paper=arxiv_id(left)))
    said = (
        texts("why-below-top", rank=rank, total=13, top=3, date=texts.format_date(date(2026, 1, 8)))
        for rank in range(4, 14)
    )
    assert any(text in shown for text in said), shown


async def _publish(stage: World, now: datetime, number: int) -> None:
    """Store what is listed on a day. Before the fifth's post D is hidden, and on the sixth a feed has A by another name."""
    stage.now, on = now, now.date()
    if number in LISTS:
        await stage.list(f"{world.DAYS[on.weekday()]}{(on - MONDAY).days // 7:+}", LISTS[number])
    if number == 5:
        await stage.ingest().set_hidden(arxiv_id("D"), hidden=True)
    if number == 6:
        [paper] = world.papers(robot("A"))
        items = [{"key": FORUM, "title": paper.title}]
        digest = listing.build(on, items, form=models.DigestFormat.LIST)
        await stage.ingest().put("https://f.example", "u", [digest])
        await stage.facts("A", source="arxiv", title=paper.title, names=(FORUM,))
