"""Posts on a topic, from digests to sent messages, using the real search index."""

import pytest

from bot.demo import sample_digests
from bot.search.results import MatchKind, SearchRequest
from storage import archive
from storage.errors import DuplicateError
from tests.support.world import World, moment, names

PAPERS = """
A▲12 "Reinforcement Learning for Robots"
B▲90 "A Survey of Reinforcement Learning"
C▲50 "Seeing in the Dark | 보기만 해요. 강화 학습과는 달라요."
D▲5 "Rewards | 강화 학습으로 로봇을 가르쳐요. 강화학습은 느려요."
""".strip()
"""C only mentions the topic. A and C are by Ada Lovelace."""
POSTED = {
    "reinforcement learning": "B A D",
    "강화학습": "B A D",
    "RL": "B A D",
    "reinforcement learning -survey": "A D",
    '"learning for robots"': "A",
    "reinforcement learning votes:12": "B A",
    "author:lovelace": "C A",
    "learning author:lovelace": "A",
    "votes:50": "B C",
    "quantum chemistry": "",
    "reinforcement chemistry": "",
}


MENTIONING = {
    "비디오 생성": {"2501.05874"},
    "video generation": {"2501.05874"},
    "diffusion": {"2210.02747"},
    "디퓨전": {"2210.02747"},
}
"""Topics, and samples of the demo that only mention them: VideoRAG, and Flow Matching, which is faster than diffusion."""


async def list_papers(world: World) -> None:
    await world.list("Mon", PAPERS)
    for name in "AC":
        await world.facts(name, "arxiv", authors=("Ada Lovelace",))


async def test_only_papers_that_match_the_whole_topic_are_posted(world: World) -> None:
    await list_papers(world)
    for channel, topic in enumerate(POSTED):
        await world.daily(channel=channel, topic=topic, papers=5)
    await world.at("Mon 09:00")
    posts = world.renderer.posts
    posted = {post.subscription.topic: names([paper.key for paper in post.papers]) for post in posts}
    assert posted == {topic: shown for topic, shown in POSTED.items() if shown}
    assert all(post.planned.total == len(post.papers) for post in posts), (
        "a heading counts papers on its topic"
    )


@pytest.mark.parametrize("is_stale", [False, True])
async def test_a_topics_posts_take_the_full_matches_of_a_search(
    world: World, monkeypatch: pytest.MonkeyPatch, is_stale: bool
) -> None:
    for sample in sample_digests.sample_texts():
        if sample.name.startswith("newsletter"):
            await world.ingest().add_text(sample.text, location=sample.name)
    world.now = moment("Mon 09:00")
    found = {topic: await world.search.search(SearchRequest(topic, limit=500)) for topic in MENTIONING}
    days = await world.database.fetch(archive.list_papers, range(100))
    if is_stale:
        monkeypatch.setattr(world.search.index, "refresh", lambda view: False)
    for topic, mentioning in MENTIONING.items():
        result = found[topic]
        full = {row.id for row in result.rows if result.kinds[row.key] is MatchKind.ON_TOPIC}
        assert len(full) == result.on_topic > 0
        assert {row.id for row in result.rows if row.key in mentioning}.isdisjoint(full)
        assert (await world.search.match_papers(topic, days)).keys() == full, topic
        alone = [paper for paper in days if paper.paper_key in mentioning]
        assert not await world.search.match_papers(topic, alone)


async def test_posts_on_different_topics_in_a_channel_do_not_repeat_papers(world: World) -> None:
    await list_papers(world)
    for topic in ("", "reinforcement learning", "author:lovelace"):
        await world.daily(topic=topic)
    with pytest.raises(DuplicateError, match="already has a daily post with this time"):
        await world.daily(topic=" author:lovelace ")
    await world.at("Mon 09:00")
    assert world.sent == ["B C", "A D"]


async def test_only_scheduled_posts_mention_a_role(world: World) -> None:
    await list_papers(world)
    row = await world.daily(topic="RL", mention_role_id=77)
    await world.at("Mon 09:00")
    await world.on_demand.plan(row.id, 1)
    mentions = [
        (post.subscription.topic, len(post.papers), post.mention_role_id) for post in world.renderer.posts
    ]
    assert mentions == [("RL", 2, 77), ("RL", 1, None)]
