"""A server's list as a topic in Discord: answers, the form, the preview, `/why` and `/status`, in both languages."""

from collections.abc import Sequence

import pytest

from bot.app.workers import Workers
from bot.archive import digest_writer
from bot.client import verbs
from bot.papers.message_parts import NEW_ALERT
from storage import models, papers, shelf
from tests.daily.test_like_list import FIVE, NAMES, other, robot
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    post_daily,
    shown_text,
)
from tests.support.world import World, arxiv_id

LISTED = 7


async def fill(harness: ClientHarness, listed: int) -> None:
    """Store a hundred papers of other topics and papers on robots, and put so many on robots on the server's list."""
    world = World(harness.container.database)
    await world.list("Sun-5", " ".join(map(other, NAMES)))
    await world.list("Sat-5", " ".join(robot(name) for name in FIVE))
    await put(harness, FIVE[:listed])


async def put(harness: ClientHarness, names: Sequence[str]) -> None:
    """Put papers on the server's list."""
    database, guild_id, now = harness.container.database, harness.channel.guild.id, harness.env.now()
    ids = await database.fetch(papers.get_ids, [arxiv_id(name) for name in names])
    async with database.transaction() as connection:
        await shelf.add_to_list(connection, guild_id, ids.values(), LISTED, now, b"s")


UNKNOWN = [f"2401.1000{number}" for number in range(5)]


async def _leave(harness: ClientHarness, which: str) -> tuple[int, int]:
    """Leave a server's list without enough papers. Returns how many it has, and how many of these can be learnt from."""
    await fill(harness, {"none": 0, "four": 4, "without texts": 0}.get(which, 5))
    database, guild_id, now = harness.container.database, harness.channel.guild.id, harness.env.now()
    ids = [*(await database.fetch(papers.get_ids, [arxiv_id(name) for name in FIVE])).values()]
    if which == "without texts":
        async with database.transaction() as connection:
            added = await papers.add(connection, digest_writer.unlisted_papers(UNKNOWN))
            await shelf.add_to_list(connection, guild_id, added.values(), LISTED, now, b"s")
    for name in FIVE if which == "hidden" else ():
        await Workers(harness.container).ingest.set_hidden(arxiv_id(name), hidden=True)
    for paper_id in ids if which == "taken off" else ():
        await database.write(shelf.take_off, guild_id, paper_id, now)
    return {"none": (0, 0), "four": (4, 4), "taken off": (0, 0)}.get(which, (5, 0))


async def test_what_is_like_the_list_has_no_trend_and_it_is_said(harness: ClientHarness) -> None:
    await fill(harness, 5)
    trend = shown_text(await harness.ask("trends", topic="like:list"))
    assert harness.texts("list-ignored", filters="like:list") in trend


@both_languages
@pytest.mark.parametrize("which", ["none", "four", "without texts", "hidden", "taken off"])
async def test_a_list_that_is_too_short_is_a_sentence_everywhere_and_its_post_waits(
    harness: ClientHarness, which: str
) -> None:
    texts = harness.texts
    listed, known = await _leave(harness, which)
    short = texts("like-needs-papers", listed=listed, known=known, least=5)
    assert short in shown_text(await harness.ask("topic", query="like:list"))
    assert short in shown_text(await harness.manage("daily setup", topic="비슷：우리 목록"))
    form = await harness.manager.slash(harness.channel, "daily setup")
    assert texts("setup-form-topic-empty", missing=5 - known) in str(form.modal)
    in_messages = last_response(await harness.user.slash("topic", query="like:list"))
    assert texts("like-needs-server") in shown_text(in_messages)
    await harness.add_subscription(topic="like:list")
    waits = texts("status-needs-list", count=5 - known)
    assert waits in shown_text(await harness.manage("status"))
    card = await harness.manage("daily edit")
    assert short in shown_text(await harness.press(card, "subscription-preview", by=harness.manager))
    assert short in shown_text(await harness.press(card, "subscription-now", by=harness.manager))
    assert short in shown_text(await harness.ask("why", paper="2501.00001"))


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
    [rewards] = (await harness.container.database.fetch(papers.get_ids, ["2501.00002"])).values()
    listing = harness.guild.id, [rewards], LISTED, harness.env.now(), b"s"
    await harness.container.database.write(shelf.add_to_list, *listing)
    assert texts("no-list-like") in shown_text(await harness.ask("topic", query="like:list"))


async def test_the_alert_below_a_post_is_about_no_list(harness: ClientHarness) -> None:
    """An alert on like:list is refused, so its form is not filled with it."""
    await fill(harness, 5)
    sent = await post_daily(harness, topic="like:list reasoning")
    begin = f"pr:{verbs.EDIT_CONDITIONS}:"
    assert [name.removeprefix(begin) for name in component_ids(sent) if name.startswith(begin)] == [NEW_ALERT]
