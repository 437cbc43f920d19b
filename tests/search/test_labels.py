"""A source with a label, such as a conference: its lists are for look-up, and searches, posts and alerts are limited to it."""

import pytest

from bot.search.results import SearchRequest
from bot.text import query_parser
from storage import models, sources
from storage.database import Database
from storage.models import DigestFormat
from tests.support.world import World, arxiv_id, names

pytestmark = pytest.mark.engines("sqlite", "postgresql")
VENUE, OTHER = "https://a.example/iclr.md", "https://b.example/list.md"


async def open_world(db: Database) -> World:
    """Return a world with a list of ICLR 2026 that has papers A, B and C, and another list that has A and D."""
    world = World(db)
    for url, label in ((VENUE, {"label": "ICLR 2026"}), (OTHER, {})):
        await db.write(sources.add, url=url, kind=models.SourceKind.URL, now=world.now, options=label)
    return world


async def fill(world: World) -> None:
    texts = (
        ('A "Robots that walk" B "Robots that swim" C "Moss"', VENUE),
        ('A "Robots that walk" D "Robots"', OTHER),
    )
    for text, url in texts:
        await world.list(
            "Mon", text, source=url, form=DigestFormat.LIST, for_lookup=url == VENUE, at="Mon 20:00"
        )


async def find(world: World, query: str) -> str:
    result = await world.search.search(SearchRequest(query))
    return names(sorted(row.key for row in result.rows))


async def test_its_papers_are_found_by_the_label_in_any_spelling(db: Database) -> None:
    world = await open_world(db)
    await fill(world)
    for query in ('in:"ICLR 2026"', "in:ICLR2026", "in:iclr-2026", "학회:“ICLR 2026”", "in : iclr2026"):
        assert await find(world, query) == "A B C", query
    assert await find(world, 'robots in:"ICLR 2026"') == "A B"
    assert await find(world, 'in:"ICLR 2026" -swim') == "A C"
    assert await find(world, "in:ICLR2026 or in:ICML2026") == "A B C"
    assert await find(world, "in:ICLR2026 in:ICML2026") == ""
    assert await find(world, "in:ICML2026") == await find(world, "robots in:ICLR") == ""
    about, _ = await world.search.list_about("in:ICLR2026", models.NO_FILTERS, world.now.date())
    assert about is not None
    assert len(about) == 3
    await db.write(sources.change, VENUE, label="ICML 2026")
    assert await find(world, "in:ICML2026 ") == "A B C"
    await db.write(sources.change, VENUE, label="")
    assert await find(world, "in:ICML-2026") == ""
    assert await db.fetch(sources.list_labels) == {}


async def test_posts_take_it_only_where_they_name_it(db: Database) -> None:
    world = await open_world(db)
    await world.daily()
    await world.daily(channel=21, topic='in:"ICLR 2026"')
    await world.daily(channel=22, source=VENUE, topic="robots")
    await fill(world)
    await world.at("Tue 09:00")
    assert sorted(world.sent) == ["#21 A", "#22 A B", "A D"]
    detail = await world.search.find_paper(arxiv_id("B"))
    assert detail is not None
    assert detail.labels == ("ICLR 2026",)


async def test_alerts_are_limited_to_it(db: Database) -> None:
    world = await open_world(db)
    for reader, words in enumerate(
        (
            *('robots in:"ICLR 2026"', 'in:"iclr2026"', "robots", '"robots" in:ICML2026'),
            *('in:"ICLR 2026" in:ICML2026', 'swim in:"ICML 2026 | ICLR 2026"'),
        ),
        1,
    ):
        await world.alert(words, by=reader)
    await fill(world)
    await world.wait(minutes=5)
    assert sorted(world.sent) == ["@1 A B", "@2 A B C", "@3 A B D", "@6 B"]


def test_a_written_query_is_read_again() -> None:
    typed = 'robots "two words" from:"Meta" in:"ICLR 2026 | ICML 2026" votes:3'
    query = query_parser.parse_query(typed)
    assert query.labels == ("ICLR 2026 | ICML 2026",)
    assert query_parser.write_query(query) == typed
    assert query_parser.name_in_korean('in:"ICLR 2026"') == '학회:"ICLR 2026"'
    assert query_parser.parse_query("diffusion in vision").labels == ()
