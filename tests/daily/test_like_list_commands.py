"""A server's list as a topic in Discord: answers, the form, the preview, `/why` and `/status`, in both languages."""

from storage import models, papers, shelf
from tests.daily.test_like_list import FIVE, NAMES, other, robot
from tests.support.client_harness import ClientHarness, both_languages, last_response, shown_text
from tests.support.world import World, arxiv_id

LISTED = 7


async def fill(harness: ClientHarness, listed: int) -> None:
    """Store a hundred papers of other topics, papers on robots, and put so many of these on the server's list."""
    world = World(harness.container.database)
    await world.list("Sun-5", " ".join(map(other, NAMES)))
    await world.list("Sat-5", " ".join(robot(name) for name in FIVE))
    world.now = harness.env.now()
    ids = await world.database.fetch(papers.get_ids, [arxiv_id(name) for name in FIVE[:listed]])
    guild_id = harness.channel.guild.id
    async with world.database.transaction() as connection:
        await shelf.add_to_list(connection, guild_id, ids.values(), LISTED, world.now, b"s")


@both_languages
async def test_a_list_that_is_too_short_is_a_sentence_everywhere(harness: ClientHarness) -> None:
    texts = harness.texts
    await fill(harness, 4)
    short = texts("like-needs-papers", listed=4, known=4, least=5)
    assert short in shown_text(await harness.ask("topic", query="like:list"))
    assert short in shown_text(await harness.manage("daily setup", topic="비슷：우리 목록"))
    form = await harness.manager.slash(harness.channel, "daily setup")
    assert texts("setup-form-topic-empty", missing=1) in str(form.modal)
    in_messages = last_response(await harness.user.slash("topic", query="like:list"))
    assert texts("like-needs-server") in shown_text(in_messages)


@both_languages
async def test_a_post_is_set_up_with_how_near_papers_are(harness: ClientHarness) -> None:
    texts = harness.texts
    await fill(harness, 5)
    listed = shown_text(await harness.ask("topic", query="like:list"))
    assert "Rewards That Teach Reasoning" in listed
    topic = "강화 학습" if harness.texts.locale is models.Locale.KO else "reinforcement learning"
    assert texts("post-shared", count=5, topic=topic) in listed
    preview = await harness.manager.slash(harness.channel, "daily setup", topic="like:list")
    shown = "\n".join(map(shown_text, [preview.response, *preview.followups]))
    assert texts("post-shared", count=5, topic=topic) in shown
    assert texts("topic-like") in shown
    assert texts("preview-like", count=6, like=1, title="none", share=0) in shown
