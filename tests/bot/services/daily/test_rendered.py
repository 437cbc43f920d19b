"""The cache of rendered posts."""

from __future__ import annotations

import pytest

from storage.database import Database
from tests.support.planner_harness import MONDAY, SEOUL_9AM, PlannerHarness, store_newsletter


@pytest.fixture
def harness(db: Database) -> PlannerHarness:
    return PlannerHarness(db)


async def test_identical_posts_of_many_channels_are_rendered_once(harness: PlannerHarness) -> None:
    for channel_id in range(100, 140):
        await harness.subscribe(channel_id)
    await store_newsletter(harness, MONDAY, ("2601.00001", 9))
    assert await harness.planner.tick(SEOUL_9AM) == 40
    assert harness.renderer.render_count == 1
    markers = {post["marker"] for post in await harness.list_payloads()}
    assert len(markers) == 40


async def test_posts_with_different_schedules_are_rendered_separately(harness: PlannerHarness) -> None:
    await harness.subscribe(20)
    await harness.subscribe(21, at_time="08:30")
    await store_newsletter(harness, MONDAY, ("2601.00001", 9))
    assert await harness.planner.tick(SEOUL_9AM) == 2
    assert harness.renderer.render_count == 2
