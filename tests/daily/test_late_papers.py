"""Late papers of posts at their hour: added later to a day that was posted, offered once, and again after an expiry."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bot.archive import listing
from bot.daily import choice
from storage import models
from storage.database import Database
from tests.support import digest_builders
from tests.support.planner_harness import DAY, HOUR, MONDAY, SEOUL_9AM, PlannerHarness

TUESDAY, WEDNESDAY = MONDAY + DAY, MONDAY + 2 * DAY
MONDAY_POST = SEOUL_9AM + 9 * HOUR
"""18:00 in Seoul, when the list of the day is still growing."""

Papers = dict[str, int]


@pytest.fixture
async def harness(db: Database) -> PlannerHarness:
    harness = PlannerHarness(db)
    await harness.subscribe(at_time="18:00", top_n=3)
    return harness


async def _store_list(harness: PlannerHarness, day: date, votes: Papers, hours: float) -> None:
    """Store the list of a day as it is some hours after the post of Monday."""
    papers = [{"arxiv_id": name, "title": name, "votes": count} for name, count in votes.items()]
    await digest_builders.ingest_digest(
        harness.database,
        listing.build(day, papers).text,
        at=MONDAY_POST + hours * HOUR,
        location=f"https://huggingface.co/{day}",
    )


async def _post_monday_and_add(harness: PlannerHarness, added: Papers) -> None:
    """Post two papers of Monday; then its list grows, and that of Tuesday comes."""
    monday: Papers = {"2601.00001": 9, "2601.00002": 8}
    await _store_list(harness, MONDAY, monday, -1)
    assert await harness.tick(MONDAY_POST) == 1
    await _store_list(harness, MONDAY, monday | added, 2)
    await _store_list(harness, TUESDAY, {"2601.00011": 5, "2601.00012": 4}, 20)


@pytest.mark.promise
async def test_papers_that_a_day_gains_after_the_hour_are_at_the_end_of_the_next_post_once(
    harness: PlannerHarness,
) -> None:
    await _post_monday_and_add(harness, {"2601.00003": 90, "2601.00004": 7})
    assert await harness.tick(MONDAY_POST + DAY) == 1
    await _store_list(harness, WEDNESDAY, {"2601.00021": 5}, 44)
    assert await harness.tick(MONDAY_POST + 2 * DAY) == 1
    assert await harness.list_contents() == [
        "2601.00001 2601.00002",
        "2601.00011 2601.00012 2601.00003 2601.00004",
        "2601.00021",
    ]
    assert [post.late for post in harness.renderer.posts] == [(), ((MONDAY, 2, 2),), ()]


@pytest.mark.promise
async def test_late_papers_fill_the_free_places_and_five_more_and_all_are_counted(
    harness: PlannerHarness,
) -> None:
    await _post_monday_and_add(harness, {f"2601.000{number}": number for number in range(30, 39)})
    assert await harness.tick(MONDAY_POST + DAY) == 1
    shown = (await harness.list_contents())[1].split()
    assert shown[2:] == [f"2601.000{number}" for number in (38, 37, 36, 35, 34, 33)]
    assert harness.renderer.posts[1].late == ((MONDAY, 6, 9),)


async def test_an_announcement_has_no_more_papers_than_its_message_shows(harness: PlannerHarness) -> None:
    """More would count as posted, and would not come again."""
    await harness.subscribe(channel_id=30, style=models.Style.ANNOUNCEMENT, at_time="18:00", top_n=9)
    monday = {f"2601.000{number}": number for number in range(30, 42)}
    await _store_list(harness, MONDAY, monday, -1)
    await harness.tick(MONDAY_POST)
    await _store_list(harness, MONDAY, monday | {f"2601.000{number}": 1 for number in range(50, 60)}, 2)
    await _store_list(harness, TUESDAY, {f"2601.000{number}": 5 for number in range(70, 77)}, 20)
    await harness.tick(MONDAY_POST + DAY)
    posts = [post for post in harness.renderer.posts if post.style is models.Style.ANNOUNCEMENT]
    assert [len(post.papers) for post in posts] == [choice.MAX_PAPERS[models.Style.ANNOUNCEMENT]] * 2
    assert [post.late for post in posts] == [(), ((MONDAY, 2, 10),)]


@pytest.mark.promise
async def test_late_papers_alone_make_no_post_and_wait_for_the_next_one(harness: PlannerHarness) -> None:
    monday: Papers = {"2601.00001": 9}
    await _store_list(harness, MONDAY, monday, -1)
    assert await harness.tick(MONDAY_POST) == 1
    await _store_list(harness, MONDAY, monday | {"2601.00003": 7}, 2)
    assert await harness.tick(MONDAY_POST + DAY) == 0
    assert await harness.tick(MONDAY_POST + DAY + 13 * HOUR) == 0
    await _store_list(harness, WEDNESDAY, {"2601.00021": 5}, 44)
    assert await harness.tick(MONDAY_POST + 2 * DAY) == 1
    assert await harness.list_contents() == ["2601.00001", "2601.00021 2601.00003"]


@pytest.mark.promise
async def test_a_written_digest_of_a_posted_day_adds_its_other_papers_to_the_next_post(
    harness: PlannerHarness,
) -> None:
    await _post_monday_and_add(harness, {})
    at = MONDAY_POST + 3 * HOUR
    await harness.store(MONDAY, ("2601.00001", 9), ("2601.00005", 6), at=at)
    assert await harness.tick(MONDAY_POST + DAY) == 1
    assert (await harness.list_contents())[1:] == ["2601.00011 2601.00012 2601.00005"]


@pytest.mark.parametrize(
    ("is_written", "is_sent"),
    [(False, False), (True, False), (False, True)],
    ids=["same list", "written digest", "sent"],
)
async def test_late_papers_of_a_post_that_expires_are_offered_again_if_it_was_not_sent(
    harness: PlannerHarness, is_written: bool, is_sent: bool
) -> None:
    await _post_monday_and_add(harness, {} if is_written else {"2601.00003": 7})
    if is_written:
        at = MONDAY_POST + 3 * HOUR
        await harness.store(MONDAY, ("2601.00001", 9), ("2601.00003", 7), at=at)
    await harness.mark_sent()
    tuesday_post, wednesday_post = MONDAY_POST + DAY, MONDAY_POST + 2 * DAY
    assert await harness.tick(tuesday_post) == 1
    if is_sent:
        await harness.mark_sent()
    await harness.expire(wednesday_post)
    await _store_list(harness, WEDNESDAY, {"2601.00021": 1}, 44)
    assert await harness.tick(wednesday_post) == 1
    contents = await harness.list_contents()
    assert contents[1] == "2601.00011 2601.00012 2601.00003"
    assert contents[2] == ("2601.00021" if is_sent else "2601.00011 2601.00012 2601.00021 2601.00003")


@pytest.mark.promise
@pytest.mark.engines("sqlite", "postgresql")
@pytest.mark.parametrize("is_topic", [False, True])
async def test_the_list_of_a_day_whose_first_digest_had_nothing_for_a_channel_is_posted_once(
    db: Database, is_topic: bool
) -> None:
    harness = PlannerHarness(db)
    options: dict[str, Any] = {"topic": "moss"} if is_topic else {"min_votes": 10}
    await harness.subscribe(at_time="18:00", top_n=3, **options)
    await harness.store(MONDAY, ("2601.00001", 5), at=MONDAY_POST - HOUR)
    assert await harness.tick(MONDAY_POST) == 0
    papers = [{"arxiv_id": f"2601.0000{n}", "title": f"How moss grows {n}", "votes": 40 + n} for n in (3, 4)]
    await digest_builders.ingest_digest(
        db,
        listing.build(MONDAY, papers).text,
        at=MONDAY_POST + HOUR,
        location=f"https://huggingface.co/{MONDAY}",
    )
    assert await harness.tick(MONDAY_POST + DAY) == 1
    assert await harness.tick(MONDAY_POST + 2 * DAY) == 0
    assert await harness.list_contents() == ["2601.00004 2601.00003"]
    assert harness.renderer.posts[0].late == ()


async def test_a_list_without_the_topic_that_grows_after_the_hour_is_posted_then(sqlite_db: Database) -> None:
    harness = PlannerHarness(sqlite_db)
    await harness.subscribe(at_time="18:00", topic="moss")

    async def store(day: date, hours: float, *titles: str) -> None:
        papers = [
            {"arxiv_id": f"2601.00{day.day:02}{number}", "title": title, "votes": 9}
            for number, title in enumerate(titles)
        ]
        location = f"https://huggingface.co/{day}"
        text, at = listing.build(day, papers).text, MONDAY_POST + hours * HOUR
        await digest_builders.ingest_digest(sqlite_db, text, at=at, location=location)

    await store(MONDAY, -1, "Rivers")
    assert await harness.tick(MONDAY_POST) == 0
    await store(MONDAY, 1, "Rivers", "How moss grows")
    assert await harness.tick(MONDAY_POST + 2 * HOUR) == 1
    await store(WEDNESDAY, 44, "More moss")
    assert await harness.tick(MONDAY_POST + 2 * DAY) == 1
    assert await harness.list_contents() == [f"2601.00{MONDAY.day:02}1", f"2601.00{WEDNESDAY.day:02}0"]


async def test_a_post_about_an_older_day_does_not_bring_back_what_newer_posts_left_out(
    harness: PlannerHarness,
) -> None:
    monday: Papers = {f"2601.0000{n}": 9 - n for n in range(1, 6)}
    await _store_list(harness, MONDAY, monday, -1)
    await harness.tick(MONDAY_POST)
    # The next day has no list; the one of Sunday comes late, and that of Monday grows.
    await _store_list(harness, MONDAY - DAY, {"2601.00091": 5}, 20)
    await _store_list(harness, MONDAY, monday | {"2601.00009": 3}, 20)
    await harness.tick(MONDAY_POST + DAY)
    await _store_list(harness, WEDNESDAY, {"2601.00021": 5}, 44)
    await harness.tick(MONDAY_POST + 2 * DAY)
    assert await harness.list_contents() == [
        "2601.00001 2601.00002 2601.00003",
        "2601.00091 2601.00009",
        "2601.00021",
    ]
