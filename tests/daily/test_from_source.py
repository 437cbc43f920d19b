"""Posts from a single source, and look-up digests, which all other posts ignore."""

import pytest

from storage import archive, errors, papers, sources
from storage.models import DigestFormat, SourceKind
from tests.support.client_harness import ClientHarness, shown_text
from tests.support.world import MONDAY, World, arxiv_id

ARXIV = "arxiv:cs.CL"
LIST = "https://lists.example/papers.md"
LOOKUP = DigestFormat.LOOKUP
REWARDS = 'R "Rewards | We use reinforcement learning. Reinforcement learning helps."'
ROBOTS = 'B "Reinforcement Learning for Robots | Robots learn by trial."'
ANNOUNCED = f'N "Parsing Old Norse" {REWARDS} {ROBOTS} V▲3 "Deep Reinforcement Learning Again"'
TOPIC = "reinforcement learning"


@pytest.mark.engines("sqlite", "postgresql")
async def test_an_arxiv_post_sorts_by_votes_then_relevance(world: World) -> None:
    await world.source(ARXIV, SourceKind.ARXIV)
    await world.daily(topic=TOPIC, source=ARXIV, papers=5)
    await world.daily(topic=TOPIC, channel=21)
    await world.daily(channel=22)
    await world.list("Mon", ANNOUNCED, source=ARXIV, form=LOOKUP)
    # The other posts ignore look-up digests.
    await world.at("Mon 09:00", "Mon 21:00")
    assert world.sent == ["V B R"]
    [post] = world.renderer.posts
    # Of the day's four papers, three are on the topic.
    assert (post.planned.total, post.subscription.source) == (3, ARXIV)


async def test_lookup_papers_do_not_appear_in_other_posts_or_lists(world: World) -> None:
    await world.daily(papers=10)
    for on in ("Mon", "Tue"):
        await world.list(on, ANNOUNCED, source=ARXIV, form=LOOKUP)
    await world.written("Mon", "S▲90 V▲3")
    await world.at("Mon 09:00")
    assert world.sent == ["S V"]
    async with world.database.read() as connection:
        assert await archive.list_dates(connection, limit=5) == [MONDAY]
        assert await papers.count_by_date(connection, [MONDAY]) == {MONDAY: 2}
    page, newest_on = await world.search.get_digest(None, limit=10)
    assert (newest_on, [row.key for row in page.rows]) == (MONDAY, [arxiv_id("S"), arxiv_id("V")])
    found = await world.search.find_paper(arxiv_id("B"))
    assert found is not None
    assert found.is_listed


async def test_a_lookup_source_requires_a_topic(world: World) -> None:
    await world.source(ARXIV, SourceKind.ARXIV)
    with pytest.raises(errors.UsageError, match=r"arXiv cs\.CL lists every new paper.*--topic"):
        await world.daily(source=ARXIV)
    feed = "https://key:secret@feeds.example/all.rss"
    await world.source(feed, SourceKind.FEED)
    await world.daily(source=feed)
    await world.list("Mon", ANNOUNCED, source=feed, form=LOOKUP)
    # If the source becomes look-up only after subscribing, nothing is posted without a topic either.
    await world.at("Mon 09:00")
    assert world.sent == []
    with pytest.raises(errors.UsageError, match=r"feeds\.example lists") as raised:
        await world.daily(source=feed, channel=21)
    assert "secret" not in str(raised.value)
    with pytest.raises(errors.UsageError, match="is not a source"):
        await world.daily(source="arxiv:cs.XX", topic="RL")
    assert (await world.daily(at="", source=ARXIV, topic="RL")).at_time == "09:00"


async def test_a_post_from_a_list_shows_only_that_list(world: World) -> None:
    await world.source(LIST, SourceKind.URL)
    await world.daily(at="08:00 Seoul", source=LIST, papers=5)
    await world.daily(papers=5)
    await world.written("Mon", "S▲90 V▲3")
    await world.list("Mon", "S B R", form=DigestFormat.LIST, source=LIST)
    await world.at("Mon 08:00", "Mon 09:00")
    assert world.sent == ["S B R", "V"]


async def test_late_papers_from_a_source_appear_in_its_next_post(world: World) -> None:
    await world.source(ARXIV, SourceKind.ARXIV)
    await world.daily(topic=TOPIC, source=ARXIV, papers=1)
    await world.list("Mon", REWARDS, source=ARXIV, form=LOOKUP)
    await world.at("Mon 09:00", "Mon 10:00")
    assert world.sent == ["R"]
    await world.list("Mon", ANNOUNCED, source=ARXIV, form=LOOKUP)
    await world.list("Tue", 'T "Reinforcement Learning Tomorrow"', source=ARXIV, form=LOOKUP)
    await world.at("Tue 12:00")  # Monday has closed
    assert world.sent == ["R", "T V B"]


async def test_a_subscription_keeps_posting_after_its_source_is_removed(world: World) -> None:
    await world.source(ARXIV, SourceKind.ARXIV)
    row = await world.daily(topic=TOPIC, source=ARXIV, papers=1)
    await world.list("Mon", ANNOUNCED, source=ARXIV, form=LOOKUP)
    await world.database.write(sources.remove, ARXIV)
    await world.edit(row, topic="robots reinforcement learning")
    await world.at("Mon 09:00")
    assert world.sent == ["B"]


async def test_the_preview_of_a_post_from_a_source_names_it(harness: ClientHarness) -> None:
    world = World(harness.container.database, "Thu-1 12:00")
    await world.source(ARXIV, SourceKind.ARXIV)
    await world.list("Thu-1", 'D▲3 "Deep Reinforcement Learning Again"', source=ARXIV, form=LOOKUP)
    refused = await harness.manage("daily setup", **{"from": "arxiv cs.cl"})
    assert harness.texts("source-needs-topic") in shown_text(refused)
    unknown = await harness.manage("daily setup", **{"from": "somewhere", "topic": "RL"})
    assert harness.texts("no-such-source", source="somewhere") in shown_text(unknown)
    result = await harness.manager.slash(
        harness.channel, "daily setup", **{"from": "arXiv cs.CL", "topic": TOPIC}
    )
    preview, wizard = [result.response, *result.followups][-2:]
    for shown in ("Deep Reinforcement Learning Again", "arXiv cs.CL", "then by relevance"):
        assert shown in shown_text(preview)
    assert harness.texts("subscription-source", source="arXiv cs.CL") in shown_text(wizard)
    await harness.manager_press(wizard, "setup-start")
    [subscription] = await harness.subscriptions.list_rows(guild_id=harness.guild.id)
    assert subscription.source == ARXIV
    assert "arXiv cs.CL" not in shown_text(await harness.manage("daily edit", **{"from": "-"}))


async def test_exported_personal_data_excludes_source_urls(harness: ClientHarness) -> None:
    address = "https://alice:s3cret@feeds.example.org/papers.md?token=hunter2"
    stored = await World(harness.container.database).source(address, SourceKind.URL)

    async def read_data() -> str:
        (file,) = (await harness.ask("me data", by=harness.manager)).attachments
        return str(await file.read(), "utf-8")

    drafted = await harness.manage("daily setup", **{"from": str(stored.id), "time": "18:00"})
    collected = await read_data()
    assert '"button_texts"' in collected
    await harness.manager_press(drafted, "setup-start")
    [subscription] = await harness.subscriptions.list_rows(guild_id=harness.guild.id)
    assert subscription.source == address
    opened = await harness.manage("daily edit")
    source = harness.texts("subscription-source", source="feeds.example.org")
    assert source in shown_text(opened)
    collected += await read_data()
    assert '"subscriptions"' in collected
    assert not any(secret in collected for secret in ("s3cret", "hunter2"))
    # A draft cannot be started after its source is removed.
    drafted = await harness.manage("daily setup", **{"from": str(stored.id), "time": "21:00"})
    await harness.bot.services.sources.remove(address)
    outdated = await harness.manager_press(drafted, "setup-start")
    assert shown_text(outdated) == harness.texts("outdated-control")
