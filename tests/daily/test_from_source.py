"""Posts that draw from one source, and digests for look-up, which no other post takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest

from bot.archive import ingest, listing
from bot.daily import service as daily_service
from bot.daily import why
from bot.daily.service import Subscriptions
from storage import archive, errors, models, papers, sources
from storage.models import DigestFormat, SourceKind
from tests.support.client_harness import ClientHarness, shown_text
from tests.support.planner_harness import DAY, EVENING, MONDAY, SEOUL_9AM, PlannerHarness

ARXIV = "arxiv:cs.CL"
LIST = "https://lists.example/papers.md"
SURVEY, ROBOTS, REWARDS, VOTED = "2601.10001", "2601.10002", "2601.10003", "2601.10004"
ANNOUNCED: Sequence[dict[str, Any]] = (
    {"arxiv_id": "2601.10000", "title": "Parsing Old Norse"},
    {
        "arxiv_id": REWARDS,
        "title": "Rewards",
        "summary": "We use reinforcement learning. Reinforcement learning helps.",
    },
    {"arxiv_id": ROBOTS, "title": "Reinforcement Learning for Robots"},
    {"arxiv_id": VOTED, "title": "Deep Reinforcement Learning Again", "votes": 3},
)


async def store(
    planning: PlannerHarness,
    items: Sequence[dict[str, Any]],
    *,
    form: DigestFormat = DigestFormat.LOOKUP,
    source: str = ARXIV,
    on: date = MONDAY,
    at: datetime = EVENING,
) -> None:
    """Store and index a source's list of a day."""
    service = ingest.IngestService(planning.database, lambda: at)
    digest = listing.build(on, items, form=form)
    await service.add_digests([digest], source=source, location=f"{source}#{on}")


async def add_source(planning: PlannerHarness, url: str, kind: SourceKind) -> None:
    async with planning.database.transaction() as connection:
        await sources.add(connection, url=url, kind=kind, now=EVENING)


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_post_from_arxiv_has_its_papers_on_the_topic_by_votes_and_then_by_how_well_they_match(
    planning: PlannerHarness,
) -> None:
    await add_source(planning, ARXIV, SourceKind.ARXIV)
    await planning.subscribe(topic="reinforcement learning", source=ARXIV, top_n=5)
    await planning.subscribe(topic="reinforcement learning", channel_id=21)
    await planning.subscribe(channel_id=22)
    await store(planning, ANNOUNCED)
    await planning.tick(SEOUL_9AM)
    [post] = planning.renderer.posts
    assert [paper.arxiv_id for paper in post.papers] == [VOTED, ROBOTS, REWARDS]
    assert (post.total, post.source) == (4, "arXiv cs.CL")
    # The others wait for a digest that chooses papers.
    await planning.tick(SEOUL_9AM + DAY / 2)
    assert await planning.list_contents() == [f"{VOTED} {ROBOTS} {REWARDS}"]


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_plain_post_and_the_days_leave_papers_for_lookup_out(planning: PlannerHarness) -> None:
    await planning.subscribe(top_n=10)
    await store(planning, ANNOUNCED)
    await planning.store(MONDAY, (SURVEY, 90), (VOTED, 3))
    await store(planning, ANNOUNCED, on=MONDAY + DAY)
    await planning.tick(SEOUL_9AM)
    assert await planning.list_contents() == [f"{SURVEY} {VOTED}"]
    async with planning.database.read() as connection:
        assert await archive.list_dates(connection, limit=5) == [MONDAY]
        assert await papers.count_by_date(connection, [MONDAY]) == {MONDAY: 2}
    page, on = await planning.search.get_digest()
    assert (on, [row.arxiv_id for row in page.rows]) == (MONDAY, [SURVEY, VOTED])
    found = await planning.search.find_paper(ROBOTS)
    assert found is not None
    assert found.is_listed


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_source_with_digests_for_lookup_is_refused_without_a_topic(planning: PlannerHarness) -> None:
    await add_source(planning, ARXIV, SourceKind.ARXIV)
    with pytest.raises(daily_service.TopicNeededError, match=r"arXiv cs\.CL lists every new paper.*--topic"):
        await planning.subscribe(source=ARXIV)
    feed = "https://key:secret@feeds.example/all.rss"
    await add_source(planning, feed, SourceKind.FEED)
    number = await planning.subscribe(source=feed)
    await store(planning, ANNOUNCED, source=feed)
    # It grew large after the subscription: still no paper is posted without a topic.
    assert await planning.tick(SEOUL_9AM) == 0
    with pytest.raises(daily_service.TopicNeededError, match=r"feeds\.example/all\.rss lists") as raised:
        await planning.subscribe(source=feed, channel_id=21)
    assert "secret" not in str(raised.value)
    with pytest.raises(errors.UsageError, match="is not a source"):
        await planning.subscribe(source="arxiv:cs.XX", topic="RL")
    at_nine = await planning.subscribe(source=ARXIV, topic="RL", at_time="")
    assert (await planning.get_subscription(at_nine)).at_time == "09:00"
    assert (await planning.get_subscription(number)).source == feed


async def test_a_post_from_a_list_has_only_its_papers_and_repeats_none_of_the_channel(
    planning: PlannerHarness,
) -> None:
    await add_source(planning, LIST, SourceKind.URL)
    await planning.subscribe(source=LIST, top_n=5, at_time="08:00")
    await planning.subscribe(top_n=5)
    await planning.store(MONDAY, (SURVEY, 90), (VOTED, 3))
    items = [{"arxiv_id": SURVEY}, {"arxiv_id": ROBOTS}, {"arxiv_id": REWARDS}]
    await store(planning, items, form=DigestFormat.LIST, source=LIST)
    await planning.tick(SEOUL_9AM - DAY / 24)
    await planning.tick(SEOUL_9AM)
    assert await planning.list_contents() == [f"{SURVEY} {ROBOTS} {REWARDS}", VOTED]


async def test_late_papers_of_the_source_are_posted_and_the_post_is_made_once(
    planning: PlannerHarness,
) -> None:
    await add_source(planning, ARXIV, SourceKind.ARXIV)
    await planning.subscribe(topic="reinforcement learning", source=ARXIV, top_n=1)
    await store(planning, ANNOUNCED[:2])
    await planning.tick(SEOUL_9AM)
    await planning.tick(SEOUL_9AM + DAY / 24)
    assert await planning.list_contents() == [REWARDS]
    await store(planning, ANNOUNCED, at=SEOUL_9AM + DAY / 24)
    await store(
        planning, [{"arxiv_id": "2601.20000", "title": "Reinforcement Learning Tomorrow"}], on=MONDAY + DAY
    )
    await planning.tick(SEOUL_9AM + DAY + DAY / 8)  # Monday has closed
    assert (await planning.list_contents())[1] == f"2601.20000 {VOTED} {ROBOTS}"


async def test_why_says_that_the_post_draws_from_other_sources(planning: PlannerHarness) -> None:
    await add_source(planning, ARXIV, SourceKind.ARXIV)
    await planning.subscribe(top_n=5)
    await planning.subscribe(topic="reinforcement learning", source=ARXIV, locale=models.Locale.KO)
    await store(planning, ANNOUNCED)
    answer = await planning.explain(ROBOTS, EVENING)
    assert [found.cause for found in answer.explanations] == [why.Cause.OTHER_SOURCE, why.Cause.UPCOMING]


async def test_a_post_goes_on_when_its_source_was_removed(planning: PlannerHarness) -> None:
    await add_source(planning, ARXIV, SourceKind.ARXIV)
    number = await planning.subscribe(topic="reinforcement learning", source=ARXIV, top_n=1)
    await store(planning, ANNOUNCED)
    async with planning.database.transaction() as connection:
        await sources.remove(connection, ARXIV)
    service = daily_service.Subscriptions(planning.database, lambda: EVENING)
    subscription = await service.get(number)
    await service.edit(
        models.Subscription(**{**_fields(subscription), "topic": "robots reinforcement learning"})
    )
    await planning.tick(SEOUL_9AM)
    assert await planning.list_contents() == [ROBOTS]


def _fields(subscription: models.Subscription) -> dict[str, Any]:
    return {name: getattr(subscription, name) for name in models.Subscription.__dataclass_fields__}


async def test_setup_from_a_source_previews_it_and_the_post_says_so(harness: ClientHarness) -> None:
    now = harness.container.clock()
    async with harness.container.database.transaction() as connection:
        await sources.add(connection, url=ARXIV, kind=SourceKind.ARXIV, now=now)
    service, on = ingest.IngestService(harness.container.database, lambda: now), now.date()
    items = [{**item, "arxiv_id": item["arxiv_id"].replace("2601", "2512")} for item in ANNOUNCED]
    await service.add_digests(
        [listing.build(on, items, form=DigestFormat.LOOKUP)], source=ARXIV, location=f"{ARXIV}#{on}"
    )
    refused = await harness.manage("daily setup", **{"from": "arxiv cs.cl"})
    assert harness.texts("source-needs-topic") in shown_text(refused)
    unknown = await harness.manage("daily setup", **{"from": "somewhere", "topic": "RL"})
    assert harness.texts("no-such-source", source="somewhere") in shown_text(unknown)
    result = await harness.manager.slash(
        harness.channel, "daily setup", **{"from": "arXiv cs.CL", "topic": "reinforcement learning"}
    )
    preview, wizard = [result.response, *result.followups][-2:]
    shown = shown_text(preview)
    assert "Deep Reinforcement Learning Again" in shown
    assert "arXiv cs.CL" in shown
    assert "then by relevance" in shown
    assert harness.texts("subscription-source", source="arXiv cs.CL") in shown_text(wizard)
    await harness.manager_press(wizard, "setup-start")
    [subscription] = await harness.bot.services.get(Subscriptions).list_rows(guild_id=harness.guild.id)
    assert subscription.source == ARXIV
    edited = await harness.manage("daily edit", **{"from": "-"})
    assert "arXiv cs.CL" not in shown_text(edited)


async def test_the_address_of_a_source_which_may_hold_secrets_is_not_among_a_managers_data(
    harness: ClientHarness,
) -> None:
    texts, address = harness.texts, "https://alice:s3cret@feeds.example.org/papers.md?token=hunter2"
    async with harness.container.database.transaction() as connection:
        stored = await sources.add(
            connection, url=address, kind=SourceKind.URL, now=harness.container.clock()
        )

    async def read_data() -> str:
        (file,) = (await harness.ask("me data", by=harness.manager)).attachments
        return str(await file.read(), "utf-8")

    drafted = await harness.manage("daily setup", **{"from": str(stored.id), "time": "18:00"})
    collected = await read_data()
    assert '"button_texts"' in collected
    await harness.manager_press(drafted, "setup-start")
    existing = await harness.manage("daily setup", **{"from": str(stored.id), "papers": 7})
    collected += await read_data()
    opened = await harness.manager_press(existing, "setup-edit")
    assert texts("subscription-source", source="feeds.example.org/papers.md") in shown_text(opened)
    await harness.manage("daily edit", papers=7)
    [subscription] = await harness.bot.services.get(Subscriptions).list_rows(guild_id=harness.guild.id)
    assert (subscription.source, subscription.top_n) == (address, 7)
    collected += await read_data()
    assert '"subscriptions"' in collected
    assert not any(secret in collected for secret in ("s3cret", "hunter2"))
    # A draft whose source was removed cannot be started.
    existing = await harness.manage("daily setup", **{"from": str(stored.id), "time": "21:00"})
    await harness.bot.services.sources.remove(address)
    outdated = await harness.manager_press(existing, "setup-add", count=1)
    assert texts("outdated-control") in shown_text(outdated)


async def test_a_list_of_the_same_day_that_is_posted_first_takes_nothing_from_the_days_list(
    planning: PlannerHarness,
) -> None:
    await planning.subscribe(top_n=2)
    await store(planning, [{"arxiv_id": SURVEY, "title": "A Survey"}], form=DigestFormat.LIST, source=LIST)
    await planning.tick(SEOUL_9AM)
    voted = [
        {"arxiv_id": ROBOTS, "title": "Robots", "votes": 30},
        {"arxiv_id": REWARDS, "title": "Rewards", "votes": 20},
    ]
    service = "https://huggingface.co"
    await store(planning, voted, form=DigestFormat.LISTING, source=service, at=SEOUL_9AM + DAY / 4)
    await planning.tick(SEOUL_9AM + DAY)
    assert (await planning.list_contents())[-1] == f"{ROBOTS} {REWARDS}"
