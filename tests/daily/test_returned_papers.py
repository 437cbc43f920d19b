"""Papers of messages that were not sent come again: once, with the next posts, within seven days."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.features.daily.why import Cause
from bot.outbox import contents
from bot.outbox.outcomes import Classification
from storage import migrations, models, outbox
from storage.database import Database
from tests.support import world as stage
from tests.support.world import AWAY, CHANNEL, FORBIDDEN, LOST, World, moment

pytestmark = pytest.mark.promise


class CardsRenderer(stage.Renderer):
    """Renders a headline and a message for each paper."""

    def render_daily(self, post: Any) -> tuple[contents.RenderedPart, ...]:
        texts = ["headline", *(stage.names([paper.key]) for paper in post.papers)]
        return tuple(self._card(post.marker, text, n) for n, text in enumerate(texts))

    def _card(self, marker: str, text: str, position: int) -> contents.RenderedPart:
        body = {"content": text, "marker": contents.part_marker(marker, position)}
        count = 0 if text == "headline" else 1
        return contents.RenderedPart(models.PartKind.MESSAGE, body, body, paper_count=count)


def cards_world(db: Database) -> World:
    world = World(db)
    world.renderer = CardsRenderer()
    return world


async def reopen(world: World) -> None:
    world.discord.closed.clear()
    await world.guilds.try_refused(channel_id=[CHANNEL])
    await world.tick()


async def post(world: World, *days: tuple[str, str], at: str = "09:00") -> None:
    """Publish each day's list, and let the hour of its post come."""
    for on, papers in days:
        await world.list(on, papers, at=f"{on} {at}")
        await world.tick()


def papers_seen(world: World) -> Counter[str]:
    texts = [text for channel, text, _ in world.discord.messages if channel == CHANNEL]
    return Counter(name for text in texts for name in text.split() if name != "headline")


@pytest.mark.parametrize("listed", ["09:00", "11:00"])
async def test_papers_of_a_post_refused_for_a_day_come_with_the_next(db: Database, listed: str) -> None:
    world = World(db)
    await world.daily()
    await post(world, ("Mon", "Z▲9"))
    await world.list("Tue", "A▲9 B▲8", at=f"Tue {listed}")
    world.discord.closed.add(CHANNEL)
    await world.at(f"Tue {listed}", "Wed 08:30")
    await world.list("Wed", "C▲7")
    await world.at("Wed 09:00", "Wed 13:00")
    await reopen(world)
    await post(world, ("Thu", "D▲1"))
    assert world.sent[-2:] == ["A B", "D"]


@pytest.mark.parametrize(("first", "second"), [("11:31", "11:31"), ("11:34", "11:31"), ("11:31", "11:34")])
async def test_a_post_without_a_time_expires_when_the_next_list_closes(
    world: World, first: str, second: str
) -> None:
    await world.read_lists("Thu-1")
    await world.daily(at="")

    async def complete(on: str, papers: str, at: str) -> None:
        await world.list(on, papers, at=f"{on} 20:00")
        world.now = moment(at)
        await world.read_lists(on)
        await world.tick()

    await complete("Mon", "Z▲9", "Tue 11:31")
    world.discord.closed.add(CHANNEL)
    await complete("Tue", "A▲9 B▲8", f"Wed {first}")
    await complete("Wed", "C▲7", f"Thu {second}")
    await world.wait(minutes=20)
    await reopen(world)
    await complete("Thu", "D▲1", "Fri 11:31")
    assert papers_seen(world) == Counter("ZABD")


async def test_a_post_that_was_moved_to_an_earlier_time_expires_then(world: World) -> None:
    row = await world.daily()
    await post(world, ("Mon", "Z▲9"))
    world.discord.closed.add(CHANNEL)
    await post(world, ("Tue", "A▲9 B▲8"))
    world.now = moment("Tue 12:00")
    await world.edit(row, at_time="08:00")
    await post(world, ("Wed", "C▲7"), at="08:00")
    await reopen(world)
    assert world.sent == ["Z", "A B"]


async def test_a_post_expires_when_its_next_date_comes_though_the_clocks_go_forward(world: World) -> None:
    zone = ZoneInfo("America/New_York")
    await world.daily(at="09:00 New_York")
    for number, text in enumerate(("Z▲9", "A▲9 B▲8", "C▲7")):  # the clocks change on Sunday, 8 March
        world.now = datetime(2026, 3, 6 + number, 9, tzinfo=zone).astimezone(UTC)
        await world.list(f"{('Fri', 'Sat', 'Sun')[number]}+8", text)
        if number == 1:
            world.discord.closed.add(CHANNEL)
        await world.tick()
    await reopen(world)
    assert world.sent == ["Z", "A B"]


@pytest.mark.parametrize(("days", "until"), [((1,), "Mon+1"), ((1, 2, 3, 4, 5), "Tue"), ((1, 4), "Thu")])
async def test_a_post_expires_when_its_next_date_comes(world: World, days: Sequence[int], until: str) -> None:
    await world.daily(days=tuple(days))
    await world.list("Mon", "A▲5")
    await world.at("Mon 13:00")
    [delivery] = await world.planned()
    assert delivery.expires_at == moment(f"{until} 09:00")


async def test_papers_of_a_first_post_that_was_refused_come_with_the_next(world: World) -> None:
    await world.daily(papers=3)
    world.discord.closed.add(CHANNEL)
    await post(world, ("Mon", "A▲9 B▲8"), ("Tue", "C▲7"))
    await reopen(world)
    assert world.sent == ["A B C"]


async def test_papers_of_a_weekly_post_that_was_refused_follow_the_next(world: World) -> None:
    await world.daily(style=models.Style.WEEKLY, days=(1,), papers=1)
    await post(world, ("Mon", "Z▲9"))
    world.discord.closed.add(CHANNEL)
    await world.list("Wed", "A▲9")
    await world.at("Mon+1 09:00")
    await world.list("Wed+1", "B▲5")
    await world.at("Mon+2 09:00")
    await reopen(world)
    assert world.sent == ["Z", "B A"]


@pytest.mark.parametrize("closes_after", ["headline", "A"])
async def test_papers_of_the_messages_that_did_not_arrive_come_again(db: Database, closes_after: str) -> None:
    world = cards_world(db)
    await world.daily(papers=3)
    await post(world, ("Mon", "Z▲9"))
    world.discord.closes_after = closes_after
    await post(world, ("Tue", "A▲9 B▲8 C▲7"))
    world.discord.closes_after = ""
    await post(world, ("Wed", "D▲1"))
    await reopen(world)
    await post(world, ("Thu", "E▲1"), ("Fri", "F▲1"))
    assert papers_seen(world) >= Counter("ZABC")
    assert max(papers_seen(world).values()) == 1


async def test_a_refused_card_does_not_stop_the_others_and_does_not_come_again(db: Database) -> None:
    world = cards_world(db)
    await world.daily(papers=3)
    world.discord.forbidden = {"B"}
    await post(world, ("Mon", "A▲9 B▲8 C▲7"))
    assert world.sent == ["headline", "A", "C"]
    [delivery] = await world.planned()
    assert (delivery.state, delivery.reason) == (models.DeliveryState.STOPPED, models.Reason.REFUSED_CONTENT)
    await post(world, ("Tue", "D▲1"), ("Wed", "E▲1"), ("Thu", "F▲1"))
    assert world.sent[3:] == ["headline", "D", "headline", "E", "headline", "F"]
    assert [stage.names(row.papers) for row in await world.planned()] == ["A B C", "D", "E", "F"]
    assert (await world.explain("B")).cause is Cause.UNSENT


async def test_posting_an_uncertain_message_again_does_not_repeat_what_came_since(db: Database) -> None:
    world = cards_world(db)
    await world.daily(papers=3)
    world.discord.answers = {"A": stage.UNVERIFIABLE}
    await post(world, ("Mon", "A▲9 B▲8"))
    assert (await world.explain("A")).cause is Cause.UNCERTAIN
    world.discord.answers = {}
    await post(world, ("Tue", "C▲1"))
    assert papers_seen(world) == Counter("BC")
    async with db.transaction() as connection:
        delivery_id, numbers = (await world.planned())[0].id, iter("xyz")
        assert await outbox.repeat_uncertain(
            connection,
            delivery_id,
            new_nonce=lambda: next(numbers),
            now=world.now,
            expires_at=moment("Wed 12:00"),
        )
    await world.tick()
    assert papers_seen(world) == Counter("ABC")


async def test_resuming_a_webhook_post_sends_again_what_may_not_have_arrived(db: Database) -> None:
    world = cards_world(db)
    row = await world.daily(papers=3)
    await world.force(row, guild_id=models.NO_GUILD)
    world.discord.answers = {"A": stage.UNVERIFIABLE}
    await post(world, ("Mon", "A▲9 B▲8"))
    world.discord.answers = {}
    assert papers_seen(world) == Counter()
    await world.subscriptions.resume(row.id)
    await world.tick()
    assert papers_seen(world) == Counter("AB")


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({"days": (1, 2, 3, 4, 5)}, ["Z", "A B"]),
        ({"timezone": "Asia/Tokyo"}, ["Z", "A B"]),
        ({"at_time": "10:00"}, ["Z", "A B"]),
        ({"days": (1,)}, ["Z"]),
    ],
    ids=str,
)
async def test_a_post_that_waits_for_its_list_comes_though_it_is_edited(
    world: World, changes: dict[str, Any], sent: list[str]
) -> None:
    await world.read_lists("Thu-1")
    row = await world.daily(at="")
    await world.list("Mon", "Z▲9", at="Mon 20:00")
    world.now = moment("Tue 11:31")
    await world.read_lists("Mon")
    await world.tick()
    await world.list("Tue", "A▲9 B▲8", at="Tue 20:00")
    await world.at("Wed 11:40")  # the list closed at 11:30, and Hugging Face is late
    await world.edit(row, **changes)
    world.now = moment("Wed 12:10")
    await world.read_lists("Tue")
    await world.at("Wed 12:10", "Wed 20:00")
    assert world.sent == sent


async def test_an_edit_does_not_revive_a_post_that_expired_with_an_unknown_outcome(world: World) -> None:
    row = await world.daily()
    await post(world, ("Mon", "Z▲9"))
    world.discord.answer = LOST
    await post(world, ("Tue", "A▲9"))
    world.discord.messages.pop()
    world.discord.answer = AWAY
    await world.at("Wed 10:00")
    await world.edit(row, days=(1, 2))
    world.discord.answer = None
    await world.at("Fri 09:00")
    assert world.sent == ["Z"]


@pytest.mark.engines("sqlite", "postgresql")
@pytest.mark.parametrize("answer", [AWAY, FORBIDDEN, LOST, None])
async def test_a_part_in_flight_while_its_post_is_removed_does_not_wait_for_ever(
    world: World, answer: Classification | None
) -> None:
    row = await world.daily()
    world.discord.before, world.discord.answer = lambda _: world.subscriptions.remove(row.id), answer
    await post(world, ("Mon", "A▲9"))
    counts = await world.database.fetch(outbox.count_by_state)
    assert counts == {models.PartState.STOPPED if answer else models.PartState.SENT: 1}


@pytest.mark.engines("sqlite", "postgresql")
async def test_an_upgraded_database_knows_which_message_has_each_paper(db: Database) -> None:
    world = cards_world(db)
    await world.daily(papers=3)
    await post(world, ("Mon", "A▲9 B▲8"))
    async with db.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE delivery_papers DROP COLUMN position")
        ids = (("1", "A"), ("2", "B"))
        for position, name in ids:
            texts = f'payload = \'{{"content": "{stage.arxiv_id(name)}"}}\''
            await connection.exec_driver_sql(f"UPDATE parts SET {texts} WHERE position = {position}")
        await connection.exec_driver_sql("ALTER TABLE papers RENAME COLUMN key TO arxiv_id")
        await connection.run_sync(migrations.MIGRATIONS[4])
        query = "SELECT position FROM delivery_papers ORDER BY paper_id"
        assert (await connection.exec_driver_sql(query)).scalars().all() == [1, 2]
