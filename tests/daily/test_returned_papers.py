"""Papers of messages that were not sent come again: once, with the next posts, within seven days."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

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
        plain = body | {"content": f"plain {text.lower()}"}
        count = 0 if text == "headline" else 1
        return contents.RenderedPart(models.PartKind.MESSAGE, body, plain, paper_count=count)


def cards_world(db: Database) -> World:
    world = World(db)
    world.renderer = CardsRenderer()
    return world


async def post(world: World, *days: tuple[str, str], at: str = "09:00") -> None:
    """Publish each day's list, and let the hour of its post come."""
    for on, papers in days:
        await world.list(on, papers, at=f"{on} {at}")
        await world.tick()


def papers_seen(world: World) -> Counter[str]:
    texts = [text for channel, text, _ in world.discord.messages if channel == CHANNEL]
    return Counter(name for text in texts for name in text.split() if name != "headline")


@pytest.mark.parametrize(("days", "until"), [((1,), "Mon+1"), ((1, 2, 3, 4, 5), "Tue"), ((1, 4), "Thu")])
async def test_a_post_expires_when_its_next_date_comes(world: World, days: Sequence[int], until: str) -> None:
    await world.daily(days=tuple(days))
    await world.list("Mon", "A▲5")
    await world.at("Mon 13:00")
    [delivery] = await world.planned()
    assert delivery.expires_at == moment(f"{until} 09:00")


@pytest.mark.parametrize("closes_after", ["headline", "A"])
async def test_papers_of_the_messages_that_did_not_arrive_come_again(db: Database, closes_after: str) -> None:
    world = cards_world(db)
    await world.daily(papers=3)
    await post(world, ("Mon", "Z▲9"))
    world.discord.closes_after = closes_after
    await post(world, ("Tue", "A▲9 B▲8 C▲7"))
    world.discord.closes_after = ""
    await post(world, ("Wed", "D▲1"))
    world.discord.closed.clear()
    await world.guilds.try_refused(channel_id=[CHANNEL])
    await world.tick()
    await post(world, ("Thu", "E▲1"), ("Fri", "F▲1"))
    assert papers_seen(world) >= Counter("ZABC")
    assert max(papers_seen(world).values()) == 1


async def test_a_refused_card_does_not_stop_the_others_and_does_not_come_again(db: Database) -> None:
    world = cards_world(db)
    await world.daily(papers=3)
    world.discord.forbidden = {"B", "b"}
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
