"""Posts on a topic, from the digests to the plans, with the real index."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.archive import ingest
from bot.daily import why
from storage import errors
from storage.archive import DigestPaper
from storage.database import Connection
from storage.errors import DuplicateError
from tests.support.planner_harness import DAY, EVENING, HOUR, MONDAY, SEOUL_9AM, PlannerHarness

RL, SURVEY, VISION, KOREAN = "2601.00001", "2601.00002", "2601.00003", "2601.00004"
PAPERS = (
    (RL, "Reinforcement Learning for Robots", "Ada Lovelace", 12),
    (SURVEY, "A Survey of Reinforcement Learning", "Emmy Noether", 90),
    (VISION, "Seeing in the Dark", "Ada Lovelace", 50),
    (KOREAN, "Rewards", "Kim Min-jun", 5),
)
TEXTS = {
    KOREAN: "강화 학습으로 로봇을 가르쳐요. 강화학습은 느려요.",
    VISION: "강화 학습과 달리 보기만 해요.",  # mentioned once: not what the paper is about
}


class CountingMatcher:
    """The search engine's matcher, with the number of papers that it was asked about."""

    def __init__(self, planning: PlannerHarness) -> None:
        self._match = planning.search.match_papers
        self.asked: list[tuple[str, int]] = []

    async def __call__(
        self, connection: Connection, topic: str, digest_papers: Sequence[DigestPaper]
    ) -> dict[int, float]:
        self.asked.append((topic, len(digest_papers)))
        return await self._match(connection, topic, digest_papers)


async def store(planning: PlannerHarness, days_ago: int = 0, *, count: int = 0) -> None:
    """Store and index the papers' digest of a date, with `count` more papers on nothing in particular."""
    on = MONDAY - days_ago * DAY
    more = [(f"2512.{number:05}", f"Thing {number}", "Grace Hopper", 1) for number in range(1, count + 1)]
    blocks = [
        f"### [{title}](https://arxiv.org/abs/{arxiv_id})\n\nVote: {votes}\n\nAuthors: {author}\n\n"
        f"- ***What's New***: {TEXTS.get(arxiv_id, 'It works.')}"
        for arxiv_id, title, author, votes in [*PAPERS, *more]
    ]
    text = "\n\n".join([f"## Daily Papers ({on.isoformat()})", *blocks])
    service = ingest.IngestService(planning.database, lambda: EVENING)
    await service.add_text(text, location=on.isoformat())


POSTED = {
    "reinforcement learning": [SURVEY, RL, KOREAN],
    "강화학습": [SURVEY, RL, KOREAN],
    "RL": [SURVEY, RL, KOREAN],
    "reinforcement learning -survey": [RL, KOREAN],
    '"learning for robots"': [RL],
    "reinforcement learning votes:12": [SURVEY, RL],
    "author:lovelace": [VISION, RL],
    "learning author:lovelace": [RL],
    "votes:50": [SURVEY, VISION],
    "quantum chemistry": [],
    "reinforcement chemistry": [],
}


@pytest.mark.parametrize("other_papers", [0, 60])
async def test_only_papers_that_match_all_of_the_topic_are_posted(
    planning: PlannerHarness, other_papers: int
) -> None:
    await store(planning, count=other_papers)
    for channel_id, topic in enumerate(POSTED):
        await planning.subscribe(channel_id, topic=topic, top_n=5)
    await planning.tick(SEOUL_9AM)
    posts = planning.renderer.posts
    posted = {post.topic: [paper.arxiv_id for paper in post.papers] for post in posts}
    assert posted == {topic: shown for topic, shown in POSTED.items() if shown}
    assert {post.total for post in posts} == {len(PAPERS) + other_papers}


async def test_a_day_without_matches_is_an_empty_day(planning: PlannerHarness) -> None:
    await store(planning)
    subscription_id = await planning.subscribe(topic="quantum chemistry")
    assert await planning.tick(SEOUL_9AM) == 0
    assert (await planning.get_subscription(subscription_id)).last_on == MONDAY - DAY
    assert await planning.tick(SEOUL_9AM + 12 * HOUR) == 0
    assert (await planning.get_subscription(subscription_id)).last_on == MONDAY


async def test_topics_of_a_channel_share_its_history(planning: PlannerHarness) -> None:
    await store(planning)
    for topic in ("", "reinforcement learning", "author:lovelace"):
        await planning.subscribe(topic=topic, top_n=2)
    with pytest.raises(DuplicateError, match="author:lovelace"):
        await planning.subscribe(topic=" author:lovelace ")
    assert await planning.tick(SEOUL_9AM) == 2
    assert await planning.list_contents() == [f"{SURVEY} {VISION}", f"{RL} {KOREAN}"]


async def test_each_topic_is_asked_for_once_and_nothing_is_without_topics(planning: PlannerHarness) -> None:
    matcher = CountingMatcher(planning)
    planning.planner._matcher = matcher
    await store(planning)
    await planning.subscribe(90)
    await planning.tick(SEOUL_9AM)
    assert matcher.asked == []
    for channel_id in range(100, 120):
        await planning.subscribe(channel_id, topic=("author:lovelace", "RL")[channel_id % 2])
    await planning.tick(SEOUL_9AM)
    assert sorted(matcher.asked) == [("RL", len(PAPERS)), ("author:lovelace", len(PAPERS))]
    assert len(await planning.list_contents()) == 21


async def test_a_role_is_mentioned_by_planned_posts_only(planning: PlannerHarness) -> None:
    await store(planning)
    subscription_id = await planning.subscribe(topic="RL", mention_role_id=77, top_n=2)
    await planning.tick(SEOUL_9AM)
    await planning.on_demand().plan(subscription_id, 1)
    rendered = planning.renderer.posts
    assert [(post.topic, len(post.papers), post.mention_role_id) for post in rendered] == [
        ("RL", 2, 77),
        ("RL", 1, None),
    ]


async def test_why_names_the_topic_that_a_paper_does_not_match(planning: PlannerHarness) -> None:
    await store(planning)
    await planning.subscribe(topic="RL", top_n=1)

    async def causes(arxiv_id: str) -> list[why.Cause]:
        answer = await planning.explain(arxiv_id)
        return [explanation.cause for explanation in answer.explanations]

    assert await causes(VISION) == [why.Cause.OFF_TOPIC]
    assert await causes(SURVEY) == [why.Cause.UPCOMING]
    await planning.tick(SEOUL_9AM)
    assert await causes(VISION) == [why.Cause.OFF_TOPIC]
    assert await causes(RL) == [why.Cause.BELOW_TOP]


@pytest.mark.parametrize("topic", ["-survey", "author:", "x" * 201, "!!!"])
async def test_a_topic_that_asks_for_nothing_is_refused(planning: PlannerHarness, topic: str) -> None:
    with pytest.raises(errors.UsageError, match="topic"):
        await planning.subscribe(topic=topic)
