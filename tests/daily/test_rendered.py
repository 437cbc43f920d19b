"""The cache of rendered posts."""

from __future__ import annotations

from tests.support.planner_harness import MONDAY, SEOUL_9AM, PlannerHarness


async def test_identical_posts_of_many_channels_are_rendered_once_and_others_apart(
    planning: PlannerHarness,
) -> None:
    for channel_id in range(100, 140):
        await planning.subscribe(channel_id)
    await planning.store(MONDAY, ("2601.00001", 9))
    assert await planning.tick(SEOUL_9AM) == 40
    assert planning.renderer.render_count == 1
    markers = {post["marker"] for post in await planning.list_payloads()}
    assert len(markers) == 40
    # Their schedule is a part of them.
    await planning.subscribe(140, at_time="08:30")
    assert await planning.tick(SEOUL_9AM) == 1
    assert planning.renderer.render_count == 2
