"""Which day /today shows and sends: the newest complete day with papers, only once."""

from collections.abc import AsyncIterator

import pytest

from bot.features.shelf.service import Shelf
from storage.database import Database
from storage.models import DigestFormat
from tests.support.world import AWAY, READER, arxiv_id
from tests.today.conftest import TodayWorld


@pytest.fixture
async def world(db: Database) -> AsyncIterator[TodayWorld]:
    """A world in which no paper is sent twice."""
    world = TodayWorld(db)
    yield world
    papers = " ".join(text.removeprefix("@7 ") for text in world.sent).split()
    assert len(set(papers)) == len(papers)


async def test_a_list_that_grows_after_the_readers_day_waits_for_its_close(world: TodayWorld) -> None:
    """The reader's day ends at 15:00 UTC, before the list's day does."""
    await world.read("Thu-1", range(1, 8))
    await world.read_closed("Thu-1", range(1, 9))
    await world.subscribe("09:00 Seoul")
    await world.until("Fri-1 16:00 UTC")
    await world.read("Fri-1", range(1, 12))
    assert await world.shows("Thu-1")
    await world.until("Sat-1 02:29 UTC")
    await world.read("Fri-1", range(1, 14))
    await world.until("Sat-1 02:34 UTC")
    assert world.sent == []  # it was last read before it closed
    await world.read("Fri-1", range(1, 15))
    await world.until("Sat-1 09:00 UTC")
    assert world.arrived == [("Sat 03:00", "@7 B1 B2 B3 B4 B5")]
    assert await world.shows("Fri-1")


async def test_a_short_saturday_is_sent_and_a_sunday_without_a_list_is_not(world: TodayWorld) -> None:
    """A full Friday, a Saturday with two papers, and a Sunday without a list."""
    await world.subscribe()
    for on, count in {"Thu-1": 7, "Fri-1": 7, "Sat-1": 2, "Sun-1": 0, "Mon": 7}.items():
        await world.read_closed(on, range(1, count + 1))
    await world.until("Wed 00:00 UTC")
    assert world.arrived == [
        ("Fri 09:00", "@7 A1 A2 A3 A4 A5"),
        ("Sat 09:00", "@7 B1 B2 B3 B4 B5"),
        ("Sun 09:00", "@7 C1 C2"),
        ("Tue 09:00", "@7 E1 E2 E3 E4 E5"),
    ]


async def test_an_authors_list_waits_for_its_day_to_close_and_a_newsletter_does_not(
    world: TodayWorld,
) -> None:
    """Without a source of lists, an author's list counts when its day closes, a newsletter immediately."""
    await world.subscribe()
    await world.list("Thu-1", "A9", form=DigestFormat.LIST, source="https://blog.example")
    await world.until("Thu-1 09:30 UTC")
    await world.list("Thu-1", "A1 A2 A3", form=DigestFormat.LIST, source="https://other.example")
    await world.until("Sat-1 08:00 UTC")
    await world.list("Sat-1", "C1 C2", form=DigestFormat.NEWSLETTER, source="files")
    await world.until("Sun-1 00:00 UTC")
    assert world.arrived == [("Fri 09:00", "@7 A9 A1 A2 A3"), ("Sat 09:00", "@7 C1 C2")]


async def test_days_without_announcements_are_not_sent(world: TodayWorld) -> None:
    """arXiv announces nothing on weekends and holidays."""
    await world.subscribe()
    for on, name in (("Fri-1", "B"), ("Tue", "F")):  # Monday is a holiday
        await world.until(f"{on} 01:00 UTC")
        await world.list(on, name, form=DigestFormat.LOOKUP, source="arxiv:cs.CL")
    await world.until("Thu 00:00 UTC")
    assert world.arrived == [("Fri 09:00", "@7 B"), ("Tue 09:00", "@7 F")]


async def test_days_read_late_come_together_without_repeats(world: TodayWorld) -> None:
    """Friday's list was read in part, Saturday's not at all, while a blog kept posting. One paper is on both lists."""
    await world.subscribe()
    await world.read_closed("Thu-1", [1])
    await world.until("Fri-1 12:00 UTC")
    await world.read("Fri-1", range(1, 7))
    for on, name in (("Fri-1", "X"), ("Sat-1", "Y")):
        await world.until(f"{on} 13:00 UTC")
        await world.list(on, name, form=DigestFormat.LIST, source="https://blog.example")
    await world.until("Sun-1 20:00 UTC")
    assert world.arrived == [("Fri 09:00", "@7 A1")]
    await world.read("Fri-1", range(1, 12))
    await world.read("Sat-1", [10, 11], "B1")
    await world.read_closed("Sun-1")
    await world.until("Tue 00:00 UTC")
    assert world.arrived[1:] == [("Mon 09:00", "@7 B1 Y C10 C11")]


async def test_a_day_whose_papers_were_all_sent_or_saved_is_not_sent(world: TodayWorld) -> None:
    """All of Friday's papers have been sent to the reader or saved."""
    await world.subscribe()
    await world.read_closed("Thu-1", [1, 2])
    await world.read_closed("Fri-1", [9], "A1", "A2")
    paper = await world.search.find_paper(arxiv_id("B9"))
    assert paper is not None
    await world.services.get(Shelf).save(READER, [paper.id])
    post = await world.show()
    assert post is not None
    assert post.picks == ()
    await world.read_closed("Sat-1", [1])
    await world.until("Mon 00:00 UTC")
    assert world.arrived == [("Fri 09:00", "@7 A1 A2"), ("Sun 09:00", "@7 C1")]


async def test_a_source_that_stops_responding_delays_days_by_at_most_three(world: TodayWorld) -> None:
    await world.subscribe()
    await world.read_closed("Thu-1", [1])
    for on, name in {"Sat-1": "C", "Sun-1": "D", "Mon": "E", "Tue": "F"}.items():
        await world.until(f"{on} 08:00 UTC")
        await world.list(on, name, form=DigestFormat.NEWSLETTER, source="files")
    await world.until("Wed 00:00 UTC")
    assert world.arrived == [("Fri 09:00", "@7 A1"), ("Mon 09:00", "@7 E"), ("Tue 09:00", "@7 F")]


async def test_an_empty_archive_gets_its_first_lists(world: TodayWorld) -> None:
    """The archive is empty at first, then gets a growing list and an old review."""
    assert await world.show() is None
    await world.subscribe()
    await world.until("Thu-1 06:00 UTC")
    await world.read("Thu-1", [1])
    assert await world.shows("Thu-1")
    await world.list("Tue-2", "Z", form=DigestFormat.REVIEW, source="files")
    assert await world.shows("Tue-2")
    await world.until("Fri-1 02:31 UTC")
    # Wednesday's list was not read either, so wait six hours for it.
    assert world.arrived == [("Thu 09:00", "@7 Z")]
    await world.read("Thu-1", [1, 2])
    await world.until("Sat-1 00:00 UTC")
    assert world.arrived[1:] == [("Fri 09:00", "@7 A1 A2")]


async def test_a_list_of_the_future_is_sent_on_its_day_and_hides_none(world: TodayWorld) -> None:
    await world.subscribe()
    await world.list("Mon+99", "Z", form=DigestFormat.NEWSLETTER, source="files")
    await world.list("Sat-1", "C", form=DigestFormat.NEWSLETTER, source="files")
    for on in ("Thu-1", "Fri-1"):
        await world.read_closed(on, [1])
        assert await world.shows(on)
    await world.read_closed("Sat-1")
    await world.until("Mon 00:00 UTC")
    assert world.arrived == [("Fri 09:00", "@7 A1"), ("Sat 09:00", "@7 B1"), ("Sun 09:00", "@7 C")]


async def test_a_day_whose_message_expired_is_sent_at_the_next_time(world: TodayWorld) -> None:
    """A message expires. Its day is sent at the next due time, since there is no newer day."""
    await world.subscribe()
    await world.read_closed("Thu-1", [1])
    world.discord.answer = AWAY
    await world.until("Sat-1 08:59 UTC")
    world.discord.answer = None
    await world.until("Tue 00:00 UTC")
    assert world.arrived == [("Sat 09:00", "@7 A1")]


async def test_papers_that_discord_refuses_in_any_form_do_not_come_again(world: TodayWorld) -> None:
    world.discord.forbidden = {"B2", "b2"}
    await world.read_closed("Thu-1", range(1, 9))
    await world.subscribe("09:00 UTC")
    await world.until("Fri-1 16:00 UTC")
    await world.read_closed("Fri-1", range(1, 9))
    await world.until("Sat-1 09:00 UTC")
    await world.read_closed("Sat-1", (1,), "B1", "B2", "B3")
    await world.until("Sun-1 09:00 UTC")
    texts = [text.removeprefix("@7 ") for text in world.sent]
    assert [text for text in texts if "notice" in text] == ["notice left-out B1 B2 B3 B4 B5"]
    world.discord.messages = [one for one in world.discord.messages if "notice" not in one[1]]
    papers = sorted(" ".join(text for text in texts if "notice" not in text).split())
    assert [name for name in papers if name[0] in "bB"] == []
