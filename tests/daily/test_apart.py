"""What causes a bug in the planning of one server's post leaves the posts of the others as they are."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from bot.daily import choice
from bot.daily import planner as daily_planner
from storage.database import Database
from tests.support.planner_harness import MONDAY, SEOUL_9AM, PlannerHarness


@pytest.fixture
async def planner(db: Database) -> PlannerHarness:
    harness = PlannerHarness(db)
    await harness.store(MONDAY, ("2601.00001", 5), ("2601.00002", 3))
    return harness


async def channels_of_posts(db: Database) -> list[int]:
    async with db.read() as connection:
        rows = await connection.execute(sa.text("SELECT channel_id FROM deliveries ORDER BY channel_id"))
        return [row[0] for row in rows]


async def test_a_decision_that_fails(planner: PlannerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = await planner.subscribe(20)
    await planner.subscribe(21)
    choose = choice.CandidatePool.choose

    def fail(pool: Any, subscription: Any, *arguments: Any) -> Any:
        if subscription.id == bad:
            raise KeyError("a bug")
        return choose(pool, subscription, *arguments)

    monkeypatch.setattr(choice.CandidatePool, "choose", fail)
    await planner.tick(SEOUL_9AM)
    assert await channels_of_posts(planner.database) == [21]


async def test_a_topic_that_fails(planner: PlannerHarness) -> None:
    await planner.subscribe(20, topic="bad")
    await planner.subscribe(21, topic="anything")
    await planner.subscribe(22)

    async def fail(connection: Any, topic: str, papers: Any) -> Any:
        if topic == "bad":
            raise KeyError("a bug")
        return {paper.paper_id: 1.0 for paper in papers}

    await daily_planner.DailyPlanner(planner.database, planner.deliveries, fail).tick(SEOUL_9AM)
    assert await channels_of_posts(planner.database) == [21, 22]
