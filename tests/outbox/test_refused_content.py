"""Content that Discord refuses costs that content alone: a refused message is split until the paper stands alone.

The others come the same day, once; the refused one is named in one notice.
"""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from simcord.backend.ops import MessageMixin

from bot.club.news import ThreadNews
from bot.club.service import ClubPost, Meeting, MeetingStep
from bot.outbox import contents, outcomes
from bot.outbox.outcomes import DeliveryError, SendRequest
from storage import models, outbox, tables
from storage.models import DeliveryKind, DeliveryState, PartKind, Reason, Style
from storage.papers import EventKind, PaperEvent
from tests.fake_discord import model
from tests.support import outbox_builders, refused_titles, rendered_posts
from tests.support import world as stage
from tests.support.outbox_builders import NOW, new_delivery
from tests.support.refused_titles import BAD, IDS, REFUSES
from tests.support.relay_harness import RelayHarness
from tests.support.world import CHANNEL, GUILD, READER, World

pytestmark = pytest.mark.promise
OWNER = 70
KINDS = {Style.FORUM: model.FORUM, Style.ANNOUNCEMENT: model.ANNOUNCEMENT}


def in_channel(world: World) -> list[str]:
    return [text for channel, text, _ in world.discord.messages if channel == CHANNEL]


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


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_refused_paper_of_a_daily_post_costs_that_paper_alone(world: World) -> None:
    world.discord.forbidden = {"A"}
    await world.daily(papers=5, created_by=OWNER)
    await world.list("Mon", "Z▲1", at="Mon 08:00")
    await world.at("Mon 09:00")
    await world.list("Tue", "A▲9 B▲8 D▲7 E▲6 F▲5", at="Tue 08:00")
    await world.at("Tue 09:00")
    assert sorted(" ".join(in_channel(world)).split()) == ["B", "D", "E", "F", "Z"], "the same day"
    assert [text for text in world.sent if "notice" in text] == [f"@{OWNER} notice left-out A"]
    await world.list("Wed", "G▲9 H▲8", at="Wed 08:00")
    await world.at("Wed 09:00", "Wed 12:00", "Thu 09:00", "Fri 09:00")
    assert in_channel(world)[-1] == "G H", "nothing comes again, also not what was refused"
    assert (await world.explain("A")).cause.value == "unsent"


async def test_a_refused_paper_of_a_post_at_once_costs_that_paper_alone(world: World) -> None:
    world.discord.forbidden = {"B"}
    row = await world.daily(papers=3, created_by=OWNER)
    await world.list("Mon", "A▲9 B▲8 C▲7", at="Mon 08:00")
    assert await world.on_demand.plan(row.id, 1) is not None
    await world.relay.drain(world.now)
    await world.at("Mon 08:10")
    assert sorted(" ".join(in_channel(world)).split()) == ["A", "C"]
    assert [text for text in world.sent if "notice" in text] == [f"@{OWNER} notice left-out B"]


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_refused_paper_of_an_alert_costs_that_paper_alone(world: World) -> None:
    world.discord.forbidden = {"A", "D"}
    await world.alert("paper", channel_id=CHANNEL, guild_id=GUILD)
    await world.list("Mon", "A▲9 B▲8 C▲7 D▲6 E▲5", at="Mon 08:00")
    await world.at("Mon 08:10", "Mon 09:00", "Tue 09:00")
    assert sorted(" ".join(in_channel(world)).split()) == ["B", "C", "E"]
    assert [text for text in world.sent if "notice" in text] == [f"@{READER} notice left-out A D"]
    await world.list("Wed", "F▲9", at="Wed 08:00")
    await world.at("Wed 08:10", "Thu 09:00")
    assert in_channel(world)[-1] == "F"
    assert len(await world.planned(kind=DeliveryKind.ALERT)) == 2, "refused content is not planned again"


async def test_a_reader_is_told_once_what_was_left_out_of_direct_messages(world: World) -> None:
    world.discord.forbidden = {"B"}
    await world.alert("paper")
    await world.list("Mon", "A▲9 B▲8 C▲7", at="Mon 08:00")
    await world.at("Mon 08:10", "Mon 09:00", "Tue 09:00")
    assert sorted(" ".join(world.sent).replace(f"@{READER}", "").split()) == [
        "A",
        "B",
        "C",
        "left-out",
        "notice",
    ]


async def test_the_rest_of_an_alert_comes_with_the_next_if_its_channel_closes_meanwhile(world: World) -> None:
    world.discord.forbidden, world.discord.closes_after = {"A"}, "B"
    await world.alert("paper", channel_id=CHANNEL, guild_id=GUILD)
    await world.list("Mon", "A▲9 B▲8 C▲7 D▲6", at="Mon 08:00")
    await world.at("Mon 08:10")
    assert in_channel(world) == ["B"]
    await world.at("Tue 09:00")
    world.discord.closed.clear()
    world.restart()
    await world.at("Tue 09:10", "Tue 10:00")
    assert " ".join(in_channel(world)) in ("B C D", "B D C"), "neither A nor B comes again"


@pytest.mark.wire
@pytest.mark.parametrize("code", [200000, 240000, 50035])
@pytest.mark.parametrize("style", [*Style])
async def test_each_style_posts_every_other_paper_once(wire: RelayHarness, style: Style, code: int) -> None:
    [channel_id] = wire.fake.add_channels(1, kind=KINDS.get(style, model.TEXT))
    await refused_titles.store_papers(wire.database, wire.now)
    wire.fake.set_faults({**REFUSES, "code": code})
    await refused_titles.plan_post(
        wire.database, wire.deliveries, channel_id, wire.now, style=style, guild_id=model.GUILD_ID
    )
    await wire.drain()
    messages = [one for found in wire.fake.all_messages().values() for one in found]
    counts = refused_titles.count_papers(messages)
    assert counts == Counter(id_ for id_ in IDS if id_ != BAD)
    [delivery] = await wire.planned(kind=DeliveryKind.DAILY)
    assert (delivery.state, delivery.reason) == (DeliveryState.STOPPED, Reason.REFUSED_CONTENT)
    assert await wire.database.fetch(outbox.list_left_out, [delivery.id]) == {delivery.id: (BAD,)}
    if style is Style.ANNOUNCEMENT:
        assert all(one["flags"] & MessageMixin.CROSSPOSTED_FLAG for one in messages), (
            "each message is forwarded to followers"
        )


THREADS = {Style.FORUM: "/channels/*/threads"}


@pytest.mark.wire
@pytest.mark.parametrize("where", ["anywhere", "names of threads"])
@pytest.mark.parametrize("style", [*Style])
async def test_a_refused_topic_costs_the_topic_alone(wire: RelayHarness, style: Style, where: str) -> None:
    """Servers of Server Discovery refuse names of threads alone, by 50035."""
    [channel_id] = wire.fake.add_channels(1, kind=KINDS.get(style, model.TEXT))
    await refused_titles.store_papers(wire.database, wire.now, bad=())
    path = "/channels/*" if where == "anywhere" else THREADS.get(style, "/channels/*/messages/*/threads")
    wire.fake.set_faults({**REFUSES, "code": 50035, "path": path})
    post: dict[str, Any] = {"style": style, "topic": refused_titles.FORBIDDEN, "guild_id": model.GUILD_ID}
    await refused_titles.plan_post(wire.database, wire.deliveries, channel_id, wire.now, **post)
    await wire.drain()
    messages = [one for found in wire.fake.all_messages().values() for one in found]
    assert refused_titles.count_papers(messages) == Counter(IDS)


def _render_each_kind() -> dict[str, tuple[contents.RenderedPart, ...]]:
    """Return what cannot be split: names of threads, events, polls, and what is new; each with a forbidden word."""
    word = refused_titles.FORBIDDEN
    bad = rendered_posts.paper(1, title=word, url=f"https://example.org/{word}", sections=())
    of_club: dict[str, Any] = {"guild_id": 1, "channel_id": 2, "locale": models.Locale.EN, "marker": "club:1"}
    meeting = Meeting(refused_titles.ON, NOW, NOW)
    step = of_club | {"meeting": meeting, "papers": [bad]}
    posts: dict[str, Any] = {
        "a club's vote": ClubPost(**step, step=MeetingStep.POLL, hours=24),
        "a club's paper": ClubPost(**step, step=MeetingStep.PAPER),
        "a club's paper in its thread": ClubPost(**step, step=MeetingStep.PAPER, thread_id=7),
        "a discussion": ClubPost(**of_club, papers=[bad]),
        "a discussion in a forum": ClubPost(**of_club, papers=[bad], is_forum=True),
    }
    for style in (Style.THREAD, Style.FORUM):
        posts[f"{style}: its name"] = rendered_posts.daily(
            (rendered_posts.paper(1),), style=style, topic=word
        )
    for kind in (EventKind.CODE, EventKind.COMMENT, EventKind.JOURNAL):
        event = PaperEvent(1, 1, kind, f"https://example.org/{word}", NOW)
        posts[f"{kind} in a thread"] = ThreadNews("thread-news:1:a", models.Locale.KO, event)
    return {name: rendered_posts.new_renderer().render(post) for name, post in posts.items()}


def test_what_cannot_be_split_has_a_plain_form_without_words_of_others() -> None:
    for name, parts in _render_each_kind().items():
        refused = [part for part in parts if refused_titles.FORBIDDEN in json.dumps(part.payload)]
        assert refused, name
        for part in refused:
            assert part.fallback, (name, part.kind)
            plain = dict(part.fallback)
            if "its name" in name:
                plain.pop("message", None)  # the messages of a daily post are split
                if part.kind not in (PartKind.THREAD, PartKind.FORUM_POST):
                    continue
            assert refused_titles.FORBIDDEN not in json.dumps(plain), (name, part.kind)


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


@pytest.mark.wire
async def test_a_bare_message_never_has_more_papers_than_fit(wire: RelayHarness) -> None:
    [channel_id] = wire.fake.add_channels(1)
    many = tuple(f"2601.{number:05}" for number in range(1, 26))
    await refused_titles.store_papers(wire.database, wire.now, ids=many)
    wire.fake.set_faults(REFUSES)
    fields: dict[str, Any] = {"kind": DeliveryKind.ALERT, "wanted": many, "guild_id": model.GUILD_ID}
    await refused_titles.plan_post(wire.database, wire.deliveries, channel_id, wire.now, **fields)
    await wire.drain()
    counts = refused_titles.count_papers(wire.fake.messages(channel_id))
    assert counts == Counter(id_ for id_ in many if id_ != BAD)


async def test_a_post_that_ended_while_its_refusal_came_is_not_split(world: World) -> None:
    row = await world.daily(papers=2)

    world.discord.forbidden, world.discord.before = {"A"}, lambda _: world.subscriptions.remove(row.id)
    await world.list("Mon", "A▲9 B▲8")
    await world.at("Mon 09:00", "Mon 10:00")
    assert world.sent == []
    assert await world.database.fetch(outbox.count_by_state) == {models.PartState.STOPPED: 1}


async def test_an_uncertain_post_is_posted_again_without_what_discord_refuses(world: World) -> None:
    world.discord.forbidden, world.discord.answers = {"B"}, {"C": stage.UNVERIFIABLE}
    await world.daily(papers=3)
    await world.list("Mon", "A▲9 B▲8 C▲7")
    await world.at("Mon 09:00")
    [post] = await world.planned(kind=DeliveryKind.DAILY)
    assert (in_channel(world), post.is_uncertain) == (["A"], True)
    world.discord.answers = {}
    world.discord.tried.clear()
    world.restart()
    await repeat(world, post)
    assert (in_channel(world), world.discord.tried) == (["A", "C"], [CHANNEL]), "B is not tried"


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
async def test_lost_replies_repeat_and_lose_nothing_of_a_split_post(wire: RelayHarness) -> None:
    channels = wire.fake.add_channels(6)
    await refused_titles.store_papers(wire.database, wire.now, bad=(BAD, IDS[7]))
    for number, channel_id in enumerate(channels):
        kind = (DeliveryKind.DAILY, DeliveryKind.ALERT)[number % 2]
        await refused_titles.plan_post(
            wire.database, wire.deliveries, channel_id, wire.now, kind=kind, guild_id=model.GUILD_ID
        )
    lost = {"kind": "lose", "method": "POST", "probability": 0.3, "path": "/channels/*"}
    wire.fake.set_faults(REFUSES, lost | {"stored": True}, lost, seed=7)
    for minutes in (0, 0, 0, 5, 0, 0, 5, 0, 0, 5, 0, 0):
        wire.now += minutes * stage.MINUTE or stage.MINUTE / 4
        if minutes:
            wire.fake.world.nonces.clear()
        await wire.drain()
    wire.fake.set_faults(REFUSES)
    for _ in range(20):
        wire.now += stage.MINUTE
        await wire.drain()
    assert await wire.planned(state=DeliveryState.WAITING) == []
    for channel_id in channels:
        wanted = Counter(id_ for id_ in IDS if id_ not in (BAD, IDS[7]))
        assert refused_titles.count_papers(wire.fake.messages(channel_id)) == wanted


@pytest.mark.wire
@pytest.mark.parametrize("is_edit", [False, True])
async def test_a_refused_answer_says_so_in_its_place(wire: RelayHarness, is_edit: bool) -> None:
    [channel_id] = wire.fake.add_channels(1)
    wire.fake.set_faults(REFUSES)
    question_id = wire.fake.send_message(channel_id, "@Paperround Which licence?")
    marker = contents.part_marker("answer:1", 0)
    reply = {"message_reference": {"message_id": str(question_id)}}
    said = {"content": f"[Reading](<https://discord.com/#{marker}>)"} | reply
    refused = {"content": f"[zyxx](<https://discord.com/#{marker}>)"}
    bodies = [(PartKind.MESSAGE, said), (PartKind.EDIT, refused)]
    if not is_edit:
        bodies = [(PartKind.MESSAGE, refused | reply)]
    parts = tuple(
        models.NewPart(kind, json.dumps(body), f"n{number}", json.dumps(body), marker)
        for number, (kind, body) in enumerate(bodies)
    )
    planned = new_delivery("answer:1", channel_id, wire.now, kind=DeliveryKind.ANSWER, papers=IDS[:1])
    await outbox_builders.add(wire.database, replace(planned, parts=parts))
    await wire.drain()
    [_, answer] = wire.fake.messages(channel_id)
    assert answer["content"].startswith("Discord refused this answer")
    assert answer["message_reference"]["message_id"] == str(question_id)
    assert set(await wire.list_states()) == {"sent"}


@pytest.mark.wire
async def test_a_restored_backup_does_not_repeat_the_halves_of_a_post(wire: RelayHarness) -> None:
    [channel_id] = wire.fake.add_channels(1)
    await refused_titles.store_papers(wire.database, wire.now)
    wire.fake.set_faults(REFUSES)
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


class PlainRenderer(stage.Renderer):
    """Gives daily posts a plain form: a text with the ids of their papers, or of the first ones."""

    def __init__(self, text: str, names: int | None = None) -> None:
        super().__init__()
        self._text, self._names = text, names

    def render_daily(self, post: Any) -> tuple[contents.RenderedPart, ...]:
        [part] = super().render_daily(post)
        ids = " ".join(paper.arxiv_id for paper in post.papers[: self._names])
        plain = part.payload | {"content": self._text.format(ids)}
        return (contents.RenderedPart(part.kind, part.payload, plain, paper_count=len(post.papers)),)


async def test_no_nonce_stands_for_two_contents(world: World) -> None:
    """Discord gives the first message of a nonce back in place of a second with other content."""
    sent: dict[str, set[str]] = {}

    async def record(request: SendRequest) -> None:
        sent.setdefault(request.nonce, set()).add(request.payload["content"])

    world.renderer = PlainRenderer("plain A {}")
    world.discord.forbidden, world.discord.before = {"A"}, record
    await world.daily(papers=3)
    await world.list("Mon", "A▲9 B▲8 C▲7")
    await world.at("Mon 09:00")
    assert [len(texts) for texts in sent.values()] == [1] * 6, "whole, plain, A B, A, B, C"
    assert in_channel(world) == ["B", "C"]


async def test_a_plain_form_that_lacks_papers_is_not_sent(world: World) -> None:
    """The plain form of many papers names only those that fit; what Discord refuses may be among the others."""

    world.renderer = PlainRenderer("plain {} and more", names=1)
    world.discord.forbidden = {"B"}
    await world.daily(papers=3)
    await world.list("Mon", "A▲9 B▲8 C▲7")
    await world.at("Mon 09:00")
    assert in_channel(world) == ["A", "C"]


async def test_a_refused_role_mention_and_silence_stay_with_the_first_bare_message() -> None:
    refused = {"flags": 1 << 12, "allowed_mentions": {"parse": [], "roles": ["77"]}}
    bodies = []
    for is_first in (True, False):
        post = contents.BarePost(
            marker=contents.bare_name(contents.part_marker("daily:1:x", 0), 0),
            locale=models.Locale.EN,
            kind=DeliveryKind.DAILY,
            part_kind=models.PartKind.MESSAGE,
            on=refused_titles.ON,
            papers=(rendered_posts.paper(1), rendered_posts.paper(2)),
            refused=refused,
            is_first=is_first,
            events={},
        )
        [part] = rendered_posts.new_renderer().render(post)
        assert part.paper_count == 2
        bodies.append(part.payload)
    first, second = bodies
    assert first["content"].startswith("<@&77>\n")
    assert first["allowed_mentions"]["roles"] == ["77"]
    assert "<@&77>" not in second["content"]
    assert "roles" not in second["allowed_mentions"]
    assert all(body["flags"] & (1 << 12) for body in bodies)
