"""The table of the planner's decisions on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from storage import daily
from storage.database import Database
from tests.support.planner_harness import PlannerHarness

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


async def test_decisions_are_listed_newest_first(db: Database, decision: daily.StoredDecision) -> None:
    later = replace(decision, decided_at=NOW + timedelta(days=1), cutoff_votes=None, left_out=())
    async with db.transaction() as connection:
        await daily.add_decisions(connection, [decision, later])
        assert await daily.list_decisions(connection, decision.subscription_id) == [later, decision]
        assert await daily.list_decisions(connection, decision.subscription_id + 1) == []


async def test_a_decision_of_the_same_moment_is_replaced(
    db: Database, decision: daily.StoredDecision
) -> None:
    changed = replace(decision, min_votes=0)
    async with db.transaction() as connection:
        await daily.add_decisions(connection, [decision])
        await daily.add_decisions(connection, [changed])
        assert await daily.list_decisions(connection, decision.subscription_id) == [changed]


async def test_old_decisions_are_purged(db: Database, decision: daily.StoredDecision) -> None:
    old = replace(decision, decided_at=NOW - timedelta(days=30, seconds=1))
    async with db.transaction() as connection:
        await daily.add_decisions(connection, [old, decision])
        assert await daily.purge_decisions(connection, NOW - timedelta(days=30), 500) == 1
        assert await daily.list_decisions(connection, decision.subscription_id) == [decision]
