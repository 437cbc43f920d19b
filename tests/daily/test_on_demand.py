"""On-demand posts: previews, and posts made now."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.daily import choice
from bot.daily import service as daily_service
from storage import models, outbox
from storage.database import Database
from tests.support.planner_harness import DAY, HOUR, MONDAY, SEOUL_9AM, PlannerHarness

both_engines = pytest.mark.engines("sqlite", "postgresql")


NOON = SEOUL_9AM + 3 * HOUR


class OnDemandHarness(PlannerHarness):
    """A planner and the service of previews and posts made now, at noon."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.now: datetime = NOON
        self.is_new = False
        self.service = daily_service.OnDemandPosts(
            database, lambda: self.now, self.deliveries, self.search.match_papers
        )

    async def preview(self, subscription_id: int) -> choice.DailyPost:
        post, self.is_new = await self.service.preview(await self.get_subscription(subscription_id))
        return post


def ids(post: choice.DailyPost) -> list[str]:
    return [paper.arxiv_id for paper in post.papers]


@pytest.fixture
def harness(db: Database) -> OnDemandHarness:
    return OnDemandHarness(db)


async def test_a_preview_shows_the_top_of_the_newest_date_and_stores_nothing(
    harness: OnDemandHarness,
) -> None:
    subscription_id = await harness.subscribe()
    await harness.store(MONDAY - DAY, ("2601.00009", 99))
    await harness.store(MONDAY, ("2601.00001", 5), ("2601.00002", 81), ("2601.00003", 40))
    post = await harness.preview(subscription_id)
    assert (ids(post), post.total, post.digest_on) == (["2601.00002", "2601.00003"], 3, MONDAY)
    assert post.schedule == ("09:00", "Asia/Seoul", (1, 2, 3, 4, 5, 6, 7))
    assert await harness.list_payloads() == []
    assert (ids(await harness.preview(subscription_id)), harness.is_new) == (ids(post), True)


async def test_a_preview_shows_the_newest_digest_if_all_papers_are_posted(harness: OnDemandHarness) -> None:
    subscription_id = await harness.post(("2601.00001", 5))
    assert (ids(await harness.preview(subscription_id)), harness.is_new) == (["2601.00001"], False)
    harness.now = NOON + 30 * DAY
    assert ids(await harness.preview(subscription_id)) == ["2601.00001"]


@both_engines
async def test_papers_of_an_on_demand_post_count_as_posted(harness: OnDemandHarness) -> None:
    subscription_id = await harness.subscribe()
    papers = [(f"2601.0000{number}", 50 - number) for number in range(1, 6)]
    await harness.store(MONDAY, *papers)
    harness.now = SEOUL_9AM - HOUR
    planned = await harness.service.plan(subscription_id, 77)
    assert planned is not None
    assert (planned.key, planned.kind) == (f"now:{subscription_id}:77", models.DeliveryKind.ON_DEMAND)
    await harness.tick(SEOUL_9AM)
    assert await harness.list_contents() == ["2601.00001 2601.00002", "2601.00003 2601.00004"]
    async with harness.database.read() as connection:
        daily, on_demand_delivery = await outbox.list_rows(connection)
    assert on_demand_delivery.priority < daily.priority
    assert on_demand_delivery.due_at == harness.now


@both_engines
async def test_a_repeated_interaction_plans_one_post(harness: OnDemandHarness) -> None:
    subscription_id = await harness.subscribe()
    await harness.store(MONDAY, ("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 7))
    assert await harness.service.plan(subscription_id, 77) is not None
    await harness.service.plan(subscription_id, 77)
    assert await harness.list_contents() == ["2601.00001 2601.00002"]
    assert await harness.service.plan(subscription_id, 78) is not None
    assert await harness.list_contents() == ["2601.00001 2601.00002", "2601.00003"]


async def test_nothing_is_planned_without_new_papers_or_a_subscription(harness: OnDemandHarness) -> None:
    subscription_id = await harness.subscribe(min_votes=5)
    assert await harness.service.plan(subscription_id, 1) is None
    empty = await harness.preview(subscription_id)
    assert (ids(empty), empty.total, harness.is_new) == ([], 0, False)
    await harness.store(MONDAY, ("2601.00001", 9), ("2601.00002", 1))
    assert await harness.service.plan(subscription_id, 2) is not None
    assert await harness.service.plan(subscription_id, 3) is None
    assert await harness.service.plan(subscription_id + 1, 4) is None
    harness.now = NOON + 30 * DAY
    assert await harness.service.plan(subscription_id, 5) is None


async def test_a_weekly_on_demand_post_draws_from_its_week(harness: OnDemandHarness) -> None:
    subscription_id = await harness.subscribe(style=models.Style.WEEKLY)
    await harness.store(MONDAY - 5 * DAY, ("2601.00001", 90))
    await harness.store(MONDAY, ("2601.00002", 5))
    await harness.store(MONDAY - 9 * DAY, ("2601.00003", 99))
    planned = await harness.service.plan(subscription_id, 1)
    assert planned is not None
    assert planned.papers == ("2601.00001", "2601.00002")
    post = await harness.preview(subscription_id)
    assert (post.since_on, post.digest_on) == (MONDAY - 6 * DAY, MONDAY)
    assert ids(post) == ["2601.00001", "2601.00002"]


@both_engines
@pytest.mark.parametrize("is_removed", [False, True], ids=["expired", "removed"])
async def test_the_papers_of_an_unsent_post_come_with_the_channels_next_post(
    harness: OnDemandHarness, is_removed: bool
) -> None:
    asked_id = await harness.subscribe()
    await harness.subscribe(at_time="13:00")
    await harness.store(MONDAY, ("2601.00001", 9), ("2601.00002", 8))
    await harness.change(asked_id, last_on=MONDAY + 9 * DAY)
    assert await harness.service.plan(asked_id, 1) is not None
    await harness.tick(NOON + HOUR)  # the papers seem to be posted
    if is_removed:
        await daily_service.Subscriptions(harness.database, lambda: NOON + 2 * HOUR).remove(asked_id)
    await harness.expire(NOON + DAY)
    await harness.tick(NOON + DAY + HOUR)
    assert await harness.list_contents() == ["2601.00001 2601.00002"] * 2
