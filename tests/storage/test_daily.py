"""Subscriptions, and what was posted, on both engines."""

from __future__ import annotations

import pytest

from storage import daily
from tests.support.world import AWAY, DAY, LOST, MONDAY, World, moment


@pytest.mark.parametrize("ends", ["waiting", "sent", "unknown", "unsent"])
async def test_what_a_delivery_brings_counts_as_posted_unless_nothing_can_have_been_sent(
    world: World, ends: str
) -> None:
    row = await world.daily()
    await world.list("Mon", "A▲9 B▲8")
    world.discord.answer = {"sent": None, "unknown": LOST}.get(ends, AWAY)
    await world.at("Mon 09:00")
    if ends != "waiting":
        await world.relay.expire(moment("Wed 09:00"))
    async with world.database.read() as connection:
        marks = await daily.list_marks(connection, [row.id])
        since = [moment("Mon 09:00") - DAY, moment("Tue 09:00")]
        posted, later = [
            dict(await daily.list_posted(connection, [20, 21], [1, 2, 3], since_at=at)) for at in since
        ]
        of_paper = await daily.list_posts_of_paper(connection, 1, 20)
    is_posted = ends != "unsent"
    assert marks == ({row.id: daily.Mark(MONDAY, 1)} if is_posted else {})
    assert posted == ({(20, "en"): {1, 2}} if is_posted else {})
    assert later == {}
    assert [row.id for row in of_paper] == ([1] if is_posted else [])
