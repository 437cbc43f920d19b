"""Papers posted in channels and digests covered by subscriptions, on both engines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import daily
from storage.database import Database
from tests.support.planner_harness import MONDAY, SEOUL_9AM, PlannerHarness, store_newsletter


@pytest.fixture
def harness(db: Database) -> PlannerHarness:
    return PlannerHarness(db)


async def test_posted_papers_are_listed_by_channel_and_language(harness: PlannerHarness) -> None:
    await store_newsletter(harness, MONDAY, ("2601.00001", 9), ("2601.00002", 8))
    old = SEOUL_9AM - timedelta(days=31)
    async with harness.database.transaction() as connection:
        await daily.add_posted_papers(
            connection,
            [
                daily.PostedPaper(20, "en", 1, old),
                daily.PostedPaper(20, "en", 2, SEOUL_9AM),
                daily.PostedPaper(20, "ko", 1, SEOUL_9AM),
            ],
        )
        since_at = SEOUL_9AM - timedelta(days=30)
        by_channel = await daily.list_posted_papers(connection, [20, 21], since_at=since_at)
        assert by_channel == {(20, "en"): {2}, (20, "ko"): {1}}
        await daily.add_posted_papers(connection, [daily.PostedPaper(20, "en", 1, SEOUL_9AM)])
        by_channel = await daily.list_posted_papers(connection, [20], since_at=since_at)
        assert by_channel[20, "en"] == {1, 2}
        rows = await daily.list_posts_of_paper(connection, 1, channel_id=20)
        assert sorted(row.locale for row in rows) == ["en", "ko"]


async def test_papers_of_an_expired_unsent_delivery_are_not_listed(harness: PlannerHarness) -> None:
    await harness.subscribe()
    await store_newsletter(harness, MONDAY, ("2601.00001", 9))
    await harness.planner.tick(SEOUL_9AM)
    async with harness.database.read() as connection:
        listed = await daily.list_posted_papers(connection, [20], since_at=SEOUL_9AM - timedelta(days=30))
        assert listed == {(20, "en"): {1}}
    await harness.expire(SEOUL_9AM + timedelta(hours=25))
    async with harness.database.read() as connection:
        assert await daily.list_posted_papers(connection, [20], since_at=SEOUL_9AM - timedelta(days=30)) == {}


async def test_covered_digests_are_stored_once_and_removed_by_post(harness: PlannerHarness) -> None:
    subscription_id = await harness.subscribe()
    await store_newsletter(harness, MONDAY, ("2601.00001", 9))
    async with harness.database.transaction() as connection:
        await daily.add_covered(connection, [(subscription_id, 1, 2)], SEOUL_9AM)
        await daily.add_covered(connection, [(subscription_id, 1, 3)], SEOUL_9AM + timedelta(days=1))
        assert await daily.list_covered(connection, [subscription_id], [1, 2]) == {subscription_id: {1: 2}}
        late_at = SEOUL_9AM + timedelta(days=2)
        await daily.set_late_revisions(connection, [(subscription_id, 1, 5)], late_at)
        assert await daily.list_covered(connection, [subscription_id], [1]) == {subscription_id: {1: 5}}
        await daily.remove_covered(connection, [(subscription_id, late_at)])
        assert await daily.list_covered(connection, [subscription_id], [1]) == {subscription_id: {1: 2}}
        await daily.remove_covered(connection, [(subscription_id, SEOUL_9AM)])
        assert await daily.list_covered(connection, [subscription_id], [1, 2]) == {}
