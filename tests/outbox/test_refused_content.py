"""What Discord refuses is sent once more, at once, in its plain form: links, numbers and our own words.

`/status` names the papers of it. If the plain form is refused, too, that message alone is left out, with a notice.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from simcord.backend.ops import MessageMixin

from bot.features.alerts.planner import MAX_SHOWN, AlertMatch
from bot.outbox import contents, outcomes
from bot.outbox.outcomes import DeliveryError, SendRequest
from storage import daily, models, outbox, papers, tables
from storage.models import DeliveryKind, DeliveryState, PartKind, Reason, Style
from tests.daily import test_returned_papers
from tests.fake_discord import model
from tests.support import outbox_builders, refused_titles, rendered_posts
from tests.support import world as stage
from tests.support.outbox_builders import new_delivery
from tests.support.refused_titles import BAD, IDS, REFUSES
from tests.support.relay_harness import RelayHarness
from tests.support.world import CHANNEL, GUILD, READER, World

pytestmark = pytest.mark.promise
OWNER = 70
KINDS = {Style.FORUM: model.FORUM, Style.ANNOUNCEMENT: model.ANNOUNCEMENT}


def in_channel(world: World) -> list[str]:
    return [text for channel, text, _ in world.discord.messages if channel == CHANNEL]


def notices(world: World) -> list[str]:
    return [text for text in world.sent if "notice" in text]


async def plan(world: World, kind: DeliveryKind) -> None:
    """Set up a post or message of this kind about the papers of Monday's list, and have it sent at nine."""
    if kind is DeliveryKind.ALERT:
        await world.alert("paper", channel_id=CHANNEL, guild_id=GUILD)
    else:
        row = await world.daily(papers=5, created_by=OWNER)
    await world.list("Mon", "A▲9 B▲8 C▲7", at="Mon 08:00")
    if kind is DeliveryKind.ON_DEMAND:
        assert await world.on_demand.plan(row.id, 1) is not None


OF_CHANNELS = (DeliveryKind.DAILY, DeliveryKind.ON_DEMAND, DeliveryKind.ALERT)


@pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
@pytest.mark.parametrize("kind", OF_CHANNELS)
@pytest.mark.parametrize(
    ("forbidden", "came", "cause"), [("B", ["plain a b c"], "posted"), ("Bb", [], "unsent")]
)
async def test_what_discord_refuses_comes_at_once_in_its_plain_form_or_is_named_to_its_owner(
    world: World, kind: DeliveryKind, forbidden: str, came: list[str], cause: str
) -> None:
    world.discord.forbidden = {*forbidden}
    await plan(world, kind)
    await world.at("Mon 09:00")
    owner = READER if kind is DeliveryKind.ALERT else OWNER
    told = [] if came else [f"@{owner} notice left-out A B C"]
    assert (in_channel(world), notices(world)) == (came, told)
    await world.list("Tue", "D▲9", at="Tue 08:00")
    await world.at("Tue 09:00", "Tue 12:00", "Wed 09:00", "Thu 09:00")
    assert (in_channel(world), notices(world)) == ([*came, "D"], told), "nothing comes again"
    if kind is DeliveryKind.DAILY:
        assert (await world.explain("B")).cause.value == cause


async def test_a_reader_is_told_once_what_was_left_out_of_direct_messages(world: World) -> None:
    world.discord.forbidden = {"B", "b"}
    await world.alert("paper")
    await world.list("Mon", "A▲9 B▲8 C▲7", at="Mon 08:00")
    await world.at("Mon 08:10", "Mon 09:00", "Tue 09:00")
    assert world.sent == [f"@{READER} notice left-out A B C"]


async def show_post(
    wire: RelayHarness,
    style: Style,
    forbidden: str = refused_titles.FORBIDDEN,
    *,
    bad: Iterable[str] = (BAD,),
    topic: str = "",
    **fault: Any,
) -> list[dict[str, Any]]:
    """Post nine papers in a style where Discord refuses a text, and return the messages that came."""
    [channel_id] = wire.fake.add_channels(1, kind=KINDS.get(style, model.TEXT))
    await refused_titles.store_papers(wire.database, wire.now, bad=bad)
    wire.fake.set_faults({**REFUSES, "text": forbidden} | fault)
    post: dict[str, Any] = {"style": style, "topic": topic, "guild_id": model.GUILD_ID}
    await refused_titles.plan_post(wire.database, wire.deliveries, channel_id, wire.now, **post)
    await wire.drain()
    return [one for found in wire.fake.all_messages().values() for one in found]


@pytest.mark.wire
@pytest.mark.parametrize(
    ("style", "code"), [*((style, 200000) for style in Style), (Style.CARDS, 240000), (Style.FORUM, 50035)]
)
async def test_each_style_posts_every_paper_once(wire: RelayHarness, style: Style, code: int) -> None:
    messages = await show_post(wire, style, code=code)
    assert refused_titles.count_papers(messages) == Counter(IDS)
    assert refused_titles.FORBIDDEN not in json.dumps(messages)
    [delivery] = await wire.planned(kind=DeliveryKind.DAILY)
    assert (delivery.state, delivery.reason) == (DeliveryState.SENT, None)
    named = (await wire.database.fetch(outbox.list_plain, [delivery.id]))[delivery.id]
    together = 9 if style is Style.ANNOUNCEMENT else 1 if style in (Style.CARDS, Style.THREAD) else 5
    assert BAD in named
    assert len(named) == together, "those of the refused message"
    if style is Style.ANNOUNCEMENT:
        assert all(one["flags"] & MessageMixin.CROSSPOSTED_FLAG for one in messages), (
            "it is forwarded to followers"
        )


@pytest.mark.wire
@pytest.mark.parametrize("style", [*Style])
async def test_what_is_refused_in_any_form_costs_its_message_alone(wire: RelayHarness, style: Style) -> None:
    """What builds on the message does not come either: the rest of a forum post, and what followers get."""
    messages = await show_post(wire, style, BAD)
    rest = {Style.CARDS: 1, Style.THREAD: 1, Style.COMPACT: 5, Style.WEEKLY: 5}
    left = IDS[:3] + IDS[4:] if rest.get(style) == 1 else IDS[rest.get(style, 9) :]
    assert refused_titles.count_papers(messages) == Counter(left)
    [delivery] = await wire.planned(kind=DeliveryKind.DAILY)
    assert (delivery.state, delivery.reason) == (DeliveryState.STOPPED, Reason.REFUSED_CONTENT)
    named = (await wire.database.fetch(outbox.list_refused_papers, [delivery.id]))[delivery.id]
    assert BAD in named
    assert not {*named} & {*left}


WORD = refused_titles.FORBIDDEN
THREADS = {Style.FORUM: "/channels/*/threads"}


@pytest.mark.wire
@pytest.mark.parametrize("where", ["anywhere", "names of threads"])
@pytest.mark.parametrize("style", [*Style])
async def test_a_refused_topic_costs_the_topic_alone(wire: RelayHarness, style: Style, where: str) -> None:
    """Servers of Server Discovery refuse names of threads alone, by 50035."""
    path = "/channels/*" if where == "anywhere" else THREADS.get(style, "/channels/*/messages/*/threads")
    messages = await show_post(wire, style, bad=(), topic=WORD, code=50035, path=path)
    assert refused_titles.count_papers(messages) == Counter(IDS)


def test_a_plain_form_has_no_words_from_outside_and_fits() -> None:
    for name, post in rendered_posts.each_kind(WORD, models.Locale.EN).items():
        parts = rendered_posts.new_renderer().render(post)
        refused = [part for part in parts if WORD in json.dumps(part.payload)]
        assert refused, name
        for part in refused:
            assert part.fallback, (name, part.kind)
            assert WORD not in json.dumps(part.fallback), (name, part.kind)
            if part.kind in contents.MARKED_KINDS:
                text = part.fallback.get("message", part.fallback)["content"]
                assert name not in ("news",) or "🆕" in text, "what is new is in our own words"


@pytest.mark.parametrize("locale", list(models.Locale))
def test_the_plain_form_of_the_most_papers_names_each(locale: models.Locale) -> None:
    papers = [rendered_posts.paper(number, votes=12_345) for number in range(1, MAX_SHOWN + 1)]
    matches = tuple(AlertMatch(paper, (), (1,)) for paper in papers)
    [part] = rendered_posts.new_renderer().render(rendered_posts.alert(matches, locale=locale))
    content = (part.fallback or {})["content"]
    assert len(content) <= 2000
    assert all(f"/{paper.key}>" in content for paper in papers)


def test_a_refused_role_mention_and_silence_stay_with_the_plain_form() -> None:
    papers = tuple(rendered_posts.paper(number) for number in range(1, 10))
    post = rendered_posts.daily(papers, style=Style.COMPACT, silent=True, mention_role_id=77)
    first, second = (part.fallback or {} for part in rendered_posts.new_renderer().render(post))
    assert first["content"].startswith("<@&77>\n")
    assert first["allowed_mentions"]["roles"] == ["77"]
    assert "<@&77>" not in second["content"]
    assert "roles" not in second["allowed_mentions"]
    assert all(body["flags"] & (1 << 12) for body in (first, second))


async def test_a_refused_name_of_an_event_costs_the_name_alone(world: World) -> None:
    """An event has no marker; Discord's answer to a name it refuses is that of one that is there already."""
    made = list[str]()

    class Refusing(stage.Discord):
        async def send(self, request: SendRequest) -> models.Receipt:
            if (name := request.payload["body"]["name"]) == "zyxx":
                raise DeliveryError(outcomes.classify(400, 50035, request.kind), "name", code=50035)
            made.append(name)
            return models.Receipt(5, request.channel_id)

    world.sender = Refusing()
    world.restart()
    bodies = [json.dumps({"method": "POST", "path": "/x", "body": {"name": name}}) for name in ("zyxx", "id")]
    part = models.NewPart(PartKind.REQUEST, bodies[0], "n1", bodies[1])
    planned = new_delivery("club:1", CHANNEL, world.now, kind=DeliveryKind.CLUB, guild_id=GUILD)
    await outbox_builders.add(world.database, replace(planned, parts=(part,)))
    await world.wait(minutes=1)
    assert made == ["id"]
    assert [row.state for row in await world.planned(kind=DeliveryKind.CLUB)] == [DeliveryState.SENT]


async def test_a_post_that_ended_while_its_refusal_came_is_not_sent_in_its_plain_form(world: World) -> None:
    row = await world.daily(papers=2)

    world.discord.forbidden, world.discord.before = {"A"}, lambda _: world.subscriptions.remove(row.id)
    await world.list("Mon", "A▲9 B▲8")
    await world.at("Mon 09:00", "Mon 10:00")
    assert world.sent == []
    assert await world.database.fetch(outbox.count_by_state) == {models.PartState.STOPPED: 1}


async def repeat(world: World, post: models.Delivery) -> None:
    """Send an uncertain post again, as its manager's button does."""
    assert await world.database.write(
        outbox.repeat_uncertain,
        post.id,
        new_nonce=world.deliveries.new_nonce,
        now=world.now,
        expires_at=world.now + stage.DAY,
    )
    await world.relay.drain(world.now)


async def test_an_uncertain_post_is_posted_again_without_what_discord_refuses(world: World) -> None:
    world.renderer = test_returned_papers.CardsRenderer()
    world.discord.forbidden, world.discord.answers = {"B", "b"}, {"C": stage.UNVERIFIABLE}
    await world.daily(papers=3)
    await world.list("Mon", "A▲9 B▲8 C▲7")
    await world.at("Mon 09:00")
    [post] = await world.planned(kind=DeliveryKind.DAILY)
    assert (in_channel(world), post.is_uncertain) == (["headline", "A"], True)
    world.discord.answers = {}
    world.discord.tried.clear()
    world.restart()
    await repeat(world, post)
    assert (in_channel(world), world.discord.tried) == (["headline", "A", "C"], [CHANNEL]), "B is not tried"


async def test_an_uncertain_post_is_posted_again_although_its_paper_came_in_the_other_language(
    world: World,
) -> None:
    await world.daily("09:00 Seoul", papers=1)
    await world.daily("10:00 Seoul", papers=1, locale=models.Locale.KO)
    await world.list("Mon", "A▲9")
    world.discord.answer = stage.UNVERIFIABLE
    await world.at("Mon 09:00")
    world.discord.answer = None
    await world.at("Mon 10:00")
    [post, _] = await world.planned(kind=DeliveryKind.DAILY)
    await repeat(world, post)
    assert in_channel(world) == ["A", "A"]


@pytest.mark.wire
@pytest.mark.parametrize("forbidden", [refused_titles.FORBIDDEN, BAD])
async def test_a_restored_backup_repeats_nothing_of_a_refused_post(
    wire: RelayHarness, forbidden: str
) -> None:
    """Also if the first message was refused in any form, so that only the second came."""
    [channel_id] = wire.fake.add_channels(1)
    await refused_titles.store_papers(wire.database, wire.now)
    wire.fake.set_faults({**REFUSES, "text": forbidden})
    due_at = wire.now - stage.HOUR
    for _ in range(2):
        await refused_titles.plan_post(
            wire.database, wire.deliveries, channel_id, due_at, guild_id=model.GUILD_ID
        )
        await wire.drain()
        assert set(refused_titles.count_papers(wire.fake.messages(channel_id)).values()) == {1}
        wire.fake.world.nonces.clear()
        async with (
            wire.database.transaction() as connection
        ):  # the backup was taken before the post was planned
            for table in (tables.delivery_papers, tables.parts, tables.deliveries):
                await connection.execute(sa.delete(table))
        wire.now += stage.HOUR


async def test_no_nonce_stands_for_two_contents(world: World) -> None:
    """Discord gives the first message of a nonce back in place of a second with other content."""
    sent: dict[str, set[str]] = {}

    async def record(request: SendRequest) -> None:
        sent.setdefault(request.nonce, set()).add(request.payload["content"])

    world.discord.forbidden, world.discord.before = {"A"}, record
    await world.daily(papers=3)
    await world.list("Mon", "A▲9 B▲8 C▲7")
    await world.at("Mon 09:00")
    assert [*sent.values()] == [{"A B C"}, {"plain a b c"}]


@pytest.mark.engines("sqlite", "postgresql")
async def test_what_version_0_2_0_had_divided_goes_on(world: World) -> None:
    """That version put messages of some papers each, with markers made from the refused one's, in place of a refused one."""
    await world.daily(papers=4, created_by=OWNER)
    await world.list("Mon", "A▲9 B▲8 C▲7 D▲6")
    key = f"daily:1:{stage.day('Mon')}"
    planned = new_delivery(key, CHANNEL, world.now, guild_id=GUILD, subscription_id=1)
    texts = [("A", "0~0"), ("B", "0~1:0~0"), ("C D", "0~1:0~1")]
    parts = tuple(
        models.NewPart(PartKind.MESSAGE, json.dumps({"content": text}), text, None, f"pr:d:{key}:{place}/")
        for text, place in texts
    )
    names = tuple(map(stage.arxiv_id, "ABCD"))
    planned = replace(planned, parts=parts, papers=names, local_on=stage.day("Mon"))
    [delivery_id] = await outbox_builders.add(world.database, planned)
    async with world.database.transaction() as connection:
        ids = await papers.get_ids(connection, names)
        places = zip((ids[id_] for id_ in names), (0, 1, 2, 2), strict=True)
        await daily.add_delivery_papers(connection, {delivery_id: list(places)})
    world.discord.forbidden = {"B"}
    await world.at("Mon 05:00")
    assert in_channel(world) == ["A", "C D"]
    assert notices(world) == [f"@{OWNER} notice left-out B"]
