"""Subscriptions, and what was posted, on both engines."""

from __future__ import annotations

import pytest

from storage import daily, errors, models
from storage.database import Database
from tests.support.planner_harness import DAY, MONDAY, SEOUL_9AM, PlannerHarness


@pytest.fixture
def harness(db: Database) -> PlannerHarness:
    return PlannerHarness(db)


async def test_an_identical_subscription_is_rejected(harness: PlannerHarness) -> None:
    await harness.subscribe()
    with pytest.raises(errors.DuplicateError, match="Edit that one"):
        await harness.subscribe()


async def test_set_state_returns_the_changed_subscriptions(harness: PlannerHarness) -> None:
    first, second = await harness.subscribe(20), await harness.subscribe(21)
    async with harness.database.transaction() as connection:
        paused = models.ActivityState.PAUSED
        assert await daily.set_state(connection, [first], paused, reason="no-send") == [first]
        assert await daily.set_state(connection, [first, second], paused) == [second]
        assert await daily.list_schedules(connection) == []


@pytest.mark.parametrize("ends", ["waiting", "sent", "unknown", "unsent"])
async def test_what_a_delivery_brings_counts_as_posted_unless_nothing_can_have_been_sent(
    harness: PlannerHarness, ends: str
) -> None:
    subscription_id = await harness.post(("2601.00001", 9), ("2601.00002", 8))
    if ends == "sent":
        await harness.mark_sent()
    elif ends == "unknown":
        await harness.attempt(1, to=models.PartState.SENDING)
    if ends != "waiting":
        await harness.expire(SEOUL_9AM + 2 * DAY)
    async with harness.database.read() as connection:
        marks = await daily.list_marks(connection, [subscription_id])
        since = [SEOUL_9AM - DAY, SEOUL_9AM + DAY]
        posted, later = [
            dict(await daily.list_posted(connection, [20, 21], [1, 2, 3], since_at=at)) for at in since
        ]
        of_paper = await daily.list_posts_of_paper(connection, 1, 20)
    is_posted = ends != "unsent"
    assert marks == ({subscription_id: daily.Mark(MONDAY, 1)} if is_posted else {})
    assert posted == ({(20, "en"): {1, 2}} if is_posted else {})
    assert later == {}
    assert [row.id for row in of_paper] == ([1] if is_posted else [])
