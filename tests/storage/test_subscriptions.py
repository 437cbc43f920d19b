"""The table of subscriptions on both engines."""

from __future__ import annotations

from dataclasses import replace

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
        plan = await digest_builders.explain_query(connection, daily.select_due(SEOUL_9AM, 10))
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
