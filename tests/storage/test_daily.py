"""Subscriptions, decisions of the planner, and what was posted, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from storage import daily, errors, models
from storage.database import Database
from tests.support import digest_builders
from tests.support.planner_harness import MONDAY, SEOUL_9AM, PlannerHarness


@pytest.fixture
def harness(db: Database) -> PlannerHarness:
    return PlannerHarness(db)


async def test_due_subscriptions_are_found_by_the_index(harness: PlannerHarness) -> None:
    async with harness.database.read() as connection:
        plan = await digest_builders.explain_query(
            connection, daily.select_due(SEOUL_9AM, 10, has_topic=False)
        )
    assert "ix_subscriptions_state_next_due_at" in plan or (
        "Seq Scan" in plan and not harness.database.is_sqlite
    )


async def test_an_identical_subscription_is_rejected(harness: PlannerHarness) -> None:
    await harness.subscribe()
    with pytest.raises(errors.DuplicateError, match="Edit that one"):
        await harness.subscribe()


async def test_waiting_subscriptions_become_due_at_once(harness: PlannerHarness) -> None:
    waiting, other = await harness.subscribe(20), await harness.subscribe(21)
    row = await harness.get_subscription(waiting)
    async with harness.database.transaction() as connection:
        row = replace(row, waiting_for_on=MONDAY, waiting_until_at=SEOUL_9AM)
        await daily.set_schedules(connection, [row])
        assert await daily.wake_waiting(connection, SEOUL_9AM.replace(hour=0, minute=0)) == 0
        earlier = SEOUL_9AM.replace(day=4)
        assert await daily.wake_waiting(connection, earlier) == 1
        assert [row.id for row in await daily.list_due(connection, earlier, limit=9)] == [waiting]
    assert (await harness.get_subscription(other)).next_due_at == SEOUL_9AM


async def test_set_state_returns_the_changed_subscriptions(harness: PlannerHarness) -> None:
    first, second = await harness.subscribe(20), await harness.subscribe(21)
    async with harness.database.transaction() as connection:
        paused = models.ActivityState.PAUSED
        assert await daily.set_state(connection, [first], paused, reason="no-send") == [first]
        assert await daily.set_state(connection, [first, second], paused) == [second]
        assert await daily.list_due(connection, SEOUL_9AM, limit=9) == []


NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
async def decision(db: Database) -> daily.StoredDecision:
    return daily.StoredDecision(
        subscription_id=await PlannerHarness(db).subscribe(),
        local_on=date(2026, 1, 5),
        decided_at=NOW,
        digest_on=date(2026, 1, 4),
        digest_ids=(7, 8),
        skipped_digest_ids=(6,),
        min_votes=5,
        cutoff_rank=2,
        cutoff_votes=40,
        left_out=((31, 12), (32, None)),
    )


async def test_decisions_are_listed_newest_first_replaced_and_purged(
    db: Database, decision: daily.StoredDecision
) -> None:
    later = replace(decision, decided_at=NOW + timedelta(seconds=1), cutoff_votes=None, left_out=())
    changed = replace(decision, min_votes=0)
    async with db.transaction() as connection:
        await daily.add_decisions(connection, [decision, later])
        await daily.add_decisions(connection, [changed])
        assert await daily.list_decisions(connection, decision.subscription_id) == [later, changed]
        assert await daily.list_decisions(connection, decision.subscription_id + 1) == []
        assert await daily.purge_decisions(connection, later.decided_at, 500) == 1
        assert await daily.list_decisions(connection, decision.subscription_id) == [later]


async def test_posted_papers_are_listed_by_channel_and_language(harness: PlannerHarness) -> None:
    await harness.store(MONDAY, ("2601.00001", 9), ("2601.00002", 8))
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


async def test_covered_digests_are_stored_once_and_removed_by_post(harness: PlannerHarness) -> None:
    subscription_id = await harness.subscribe()
    await harness.store(MONDAY, ("2601.00001", 9))
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
