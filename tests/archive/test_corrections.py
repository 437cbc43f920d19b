"""A location is what it says now: corrected dates, removed days and files, and what readers see of them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from bot.sources import kinds
from storage import archive, models, papers
from storage.database import Database
from storage.shelf import Owner
from tests.support import digest_builders, killed_process, source_payloads, world
from tests.support.polling_harness import PollingHarness
from tests.support.shelves import open_shelf
from tests.support.world import READER, World

on_both_engines = pytest.mark.engines("sqlite", "postgresql")


async def write(
    stage: World, at: str, *days: tuple[str, str], location: str = "notes.md", source: str = "files"
) -> None:
    """Ingest a file of newsletters of several days, such as `("Mon", "A▲9 B")`, at a time."""
    stage.now = world.moment(at)
    texts = []
    for on, listed in days:
        rows = [(paper.arxiv_id, paper.votes) for paper in world.papers(listed)]
        texts.append(digest_builders.newsletter(world.day(on), rows))
    await stage.ingest().add_text("\n".join(texts), source=source, location=location)
    await stage.alert_planner.drain()


async def shown(stage: World) -> dict[str, str]:
    """Return what `/digest` shows of each day of five weeks."""
    days = [f"{day}{week or ''}" for week in ("-1", "", "+1", "+5") for day in world.DAYS]
    async with stage.database.read() as connection:
        rows = {day: await papers.list_by_date(connection, world.day(day)) for day in days}
    return {day: world.names([row.key for row in found]) for day, found in rows.items() if found}


async def months(stage: World) -> list[str]:
    """Let each day at nine o'clock pass in this week, the next and the sixth, and return all posts."""
    for week in (0, 1, 5):
        await stage.at(*(f"{day}+{week} 09:00" for day in world.DAYS))
    return list(stage.sent)


@on_both_engines
async def test_papers_of_a_corrected_date_are_posted_on_the_right_day_once(db: Database) -> None:
    stage = World(db)
    await stage.daily()
    await write(stage, "Mon 05:00", ("Mon+5", "A▲9 B▲8"))
    await write(stage, "Mon 06:00", ("Mon", "A▲9 B▲8"))
    assert await shown(stage) == {"Mon": "A B"}
    assert await months(stage) == ["A B"]


async def test_papers_of_a_date_corrected_after_the_post_are_not_posted_again(db: Database) -> None:
    stage = World(db)
    await stage.daily()
    await write(stage, "Mon 05:00", ("Sun-1", "A▲9 B▲8"))
    await stage.at("Mon 09:00")
    await write(stage, "Mon 12:00", ("Mon", "A▲9 B▲8"))
    assert await shown(stage) == {"Mon": "A B"}
    assert await months(stage) == ["A B"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        # Corrected, and a paper added or taken out at the same time.
        (["Wed+1:A B", "Mon:A B C"], "Mon:A B C"),
        (["Wed+1:A B", "Mon:A"], "Mon:A"),
        (["Mon:A | Tue:B | Wed+1:C", "Mon:A | Tue:B | Wed:C D"], "Mon:A | Tue:B | Wed:C D"),
        (["Mon-1:A | Tue:B", "Mon:A | Tue:B"], "Mon:A | Tue:B"),
        # A day was taken out.
        (["Mon:A | Tue:B | Wed:C", "Mon:A | Wed:C"], "Mon:A | Wed:C"),
        (["Mon:A | Tue:B", "Mon:A"], "Mon:A"),
        # Overwritten each day, with other papers or some of the same.
        (["Mon:A B", "Tue:C", "Wed:D E"], "Mon:A B | Tue:C | Wed:D E"),
        (["Mon:A B", "Tue:B C"], "Mon:A B | Tue:B C"),
        (["Sun-1:F | Mon:A", "Sun-1:F | Tue:B"], "Sun-1:F | Mon:A | Tue:B"),
        # The last two days, and a mirror that answers with an older version.
        (["Mon:A | Tue:B", "Tue:B | Wed:C", "Wed:C"], "Mon:A | Tue:B | Wed:C"),
        (["Tue:B C", "Mon:A"], "Mon:A | Tue:B C"),
        (["Tue:B C D", "Mon:A B"], "Mon:A B | Tue:B C D"),
    ],
)
async def test_days_that_a_page_leaves_behind_stay_and_corrected_ones_go(
    db: Database, texts: list[str], expected: str
) -> None:
    stage = World(db)
    for number, text in enumerate(texts):
        days = [tuple(day.split(":")) for day in text.split(" | ")]
        await write(stage, f"Mon {number + 5:02}:00", *days)  # type: ignore[arg-type]
    assert await shown(stage) == dict(day.split(":") for day in expected.split(" | "))


async def test_a_list_of_a_week_grows_and_its_papers_leave_it_only_for_another_date(db: Database) -> None:
    stage = World(db)
    page = "https://x.example/weekly.md"
    links = {name: f"- https://arxiv.org/abs/{world.arxiv_id(name)}\n" for name in "ABCDE"}
    for number, text in enumerate(
        ("# 2026-01-11\nABC", "# 2026-01-11\nCD", "# 2026-01-11\nCD# 2026-01-08\nAE")
    ):
        stage.now = world.moment(f"Mon 0{number + 5}:00")
        for name, link in links.items():
            text = text.replace(name, link)
        await stage.ingest().add_text(text, source=page, location=page)
        if number == 1:
            assert {*(await shown(stage))["Sun"].split()} == {*"ABCD"}
    found = await shown(stage)
    assert {day: {*listed.split()} for day, listed in found.items()} == {"Sun": {*"BCD"}, "Thu": {*"AE"}}


async def test_killed_while_a_date_is_corrected_the_papers_are_on_one_date(db: Database) -> None:
    stage = World(db)
    await write(stage, "Mon 05:00", ("Mon+5", "A▲9 B▲8"))
    for is_stored, expected in ((False, {"Mon+5": "A B"}), (True, {"Mon": "A B"})):
        with killed_process.killed_at(db, 1, is_stored=is_stored):
            await write(stage, "Mon 06:00", ("Mon", "A▲9 B▲8"))
        assert await shown(stage) == expected


async def test_alerts_see_a_list_of_the_week_when_its_papers_arrive(db: Database) -> None:
    stage = World(db)
    await stage.alert("Paper")
    page = "https://x.example/weekly.md"
    await stage.list("Sun", "A B C", source=page, at="Tue 09:00")
    await stage.wait(minutes=5)
    await stage.list("Sun", "A B C D", source=page, at="Sun 09:00")
    await stage.wait(minutes=5)
    assert list(stage.sent) == ["@7 A B C", "@7 D"]


async def test_alerts_see_the_author_whom_arxiv_names_on_a_list_of_the_week(db: Database) -> None:
    stage = World(db)
    await stage.alert("Ada Lovelace", kind=models.AlertKind.AUTHOR)
    await stage.list("Sun", "A B", source="https://x.example/weekly.md", at="Tue 09:00")
    await stage.facts("A", source="arxiv", title="On Engines", authors=("Ada Lovelace",))
    await stage.wait(minutes=5)
    assert list(stage.sent) == ["@7 A"]


@on_both_engines
async def test_a_source_added_by_mistake_is_taken_back_with_its_unsent_messages(db: Database) -> None:
    stage = World(db)
    page = "https://x.example/list.md"
    await stage.source(page, models.SourceKind.URL)
    await stage.daily(papers=3)
    await stage.alert("Paper")
    await stage.list("Sun-1", "A", source=page, at="Mon 05:00")
    await stage.at("Mon 09:00")
    await stage.wait(minutes=5)
    assert list(stage.sent) == ["A", "@7 A"]
    stage.discord.answer = world.AWAY
    await stage.list("Mon", "B C", source=page, at="Mon 12:00")
    await stage.list("Mon", "D▲1", at="Mon 12:10")
    await stage.at("Tue 09:00")
    await stage.list("Tue", "E F", source=page, at="Tue 10:00")
    shelf = open_shelf(db, stage.clock, stage.search.match_papers)
    ids = await db.fetch(papers.get_ids, [world.arxiv_id(name) for name in "AB"])
    await shelf.save(READER, list(ids.values()))
    assert [row.papers for row in await stage.planned(state=models.DeliveryState.WAITING)] == [
        tuple(map(world.arxiv_id, "DBC")),
        tuple(map(world.arxiv_id, "DBC")),
    ]
    registry = kinds.SourceRegistry(db, stage.clock, {})
    assert await registry.remove_digests(page, stage.ingest()) == (page, 3, 5)
    assert await shown(stage) == {"Mon": "D"}
    assert await stage.search.find_paper(world.arxiv_id("B")) is None
    stage.discord.answer = None
    await stage.at("Tue 11:00")
    await stage.wait(minutes=5)
    assert sorted(stage.sent) == ["@7 A", "@7 D", "A", "D"]
    saved = (await shelf.load_page(Owner(READER))).papers
    assert {world.names([row.key]) for row in saved} == {"A", "B"}
    # A was posted, and is not posted again when a digest names it.
    await stage.list("Tue", "A G", at="Tue 12:00")
    await stage.at("Wed 09:00")
    assert stage.sent[-1] == "G"


async def test_a_message_that_may_have_been_sent_is_not_taken_back(db: Database) -> None:
    stage = World(db)
    await stage.daily()
    await write(stage, "Mon 05:00", ("Mon", "A▲9 B▲8"))
    stage.discord.answer = world.LOST
    await stage.at("Mon 09:00")
    digests = await db.fetch(archive.list_rows)
    assert await stage.ingest().remove_digests(digests) == 2
    stage.discord.answer = None
    assert await months(stage) == ["A B"]


async def test_a_deleted_file_takes_its_days_along_after_a_day(db: Database, tmp_path: Path) -> None:
    harness = PollingHarness(
        db, mock.Mock(url="http://127.0.0.1:1", port=1), now=datetime(2025, 5, 6, 12, tzinfo=UTC)
    )
    await harness.add(f"file://{tmp_path}", "folder")

    async def poll(hours: int) -> list[tuple[str, str]]:
        harness.now += timedelta(hours=hours)
        await harness.fetch_due()
        return sorted((row.location, str(row.date_on)) for row in await harness.digests())

    for day in (5, 6):
        text = source_payloads.newsletter(date(2025, 5, day), ids=[f"2505.0000{day}"])
        (tmp_path / f"{day}.md").write_text(text)
    of_five, of_six = ("5.md", "2025-05-05"), ("6.md", "2025-05-06")
    assert await poll(0) == [of_five, of_six]
    (tmp_path / "5.md").rename(tmp_path / "away.md")
    away = ("away.md", "2025-05-05")
    assert await poll(1) == [of_five, of_six, away]
    (tmp_path / "away.md").rename(tmp_path / "5.md")  # moved and back
    assert await poll(23) == [of_five, of_six, away]
    assert await poll(24) == [of_five, of_six]
    (tmp_path / "6.md").unlink()
    for hours in (1, 1, 22):
        assert await poll(hours) == [of_five, of_six]
    assert await poll(1) == [of_five]
    (tmp_path / "6.md").write_text(source_payloads.newsletter(date(2025, 5, 6), ids=["2505.00006"]))
    assert await poll(1) == [of_five, of_six]


async def test_papers_of_a_back_fill_leave_with_the_source_of_their_categories(db: Database) -> None:
    stage = World(db)
    for name, categories in (("A", ["cs.CL"]), ("B", ["cs.CL", "cs.LG"]), ("C", ["cs.LG"])):
        await stage.facts(
            name, "arxiv", title=f"On {name}", categories=categories, listed_on=world.day("Mon-9")
        )
    for url in ("arxiv:cs.CL", "arxiv:cs.LG"):
        await stage.source(url, models.SourceKind.ARXIV)
    registry = kinds.SourceRegistry(db, stage.clock, {})
    assert await registry.remove_digests("arxiv:cs.CL", stage.ingest()) == ("arxiv:cs.CL", 0, 1)
    found = [await stage.search.find_paper(world.arxiv_id(name)) for name in "ABC"]
    assert [paper is not None and paper.is_listed for paper in found] == [False, True, True]
