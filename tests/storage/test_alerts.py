"""Matches of alerts: what is unsent, what is ready, what was told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from storage import alerts, models
from storage.database import Connection, Database
from tests.support import alert_builders
from tests.support.paper_records import NOW, add_papers, merged_paper

READER, CHANNEL = "user:7", "channel:9"


async def _add_alerts(connection: Connection) -> tuple[models.Alert, models.Alert]:
    """Store an alert of a reader that asks for 50 votes, and one of a channel that asks for none."""
    draft = replace(alert_builders.draft("care", min_votes=50), key="care")
    own = await alerts.add(connection, draft)
    return own, await alerts.add(connection, replace(draft, min_votes=0, channel_id=9, guild_id=1))


def _match(alert: models.Alert, paper_id: int) -> models.Match:
    return models.Match(alerts.recipient_name(alert), paper_id, alert.id, NOW)


async def test_a_match_is_ready_once_its_paper_has_the_votes(db: Database) -> None:
    counts = (60, 49, 50, None)
    added = await add_papers(db, *(merged_paper(n, votes=votes) for n, votes in enumerate(counts)))
    ids = sorted(added.values())
    async with db.transaction() as connection:
        own, shared = await _add_alerts(connection)
        found = [*(_match(own, paper_id) for paper_id in ids), _match(shared, ids[0])]
        await alerts.add_matches(connection, found)
        await alerts.add_matches(connection, found)
        assert await alerts.mark_ready(connection, NOW) == 3
        assert await alerts.mark_ready(connection, NOW) == 0
        assert await alerts.list_schedules(connection) == {own.schedule: NOW}
        ready = [match._replace(ready_at=NOW) for match in (found[4], found[0], found[2])]
        assert await alerts.list_ready(connection, {own.schedule: NOW}) == ready
        assert await alerts.list_ready(connection, {own.schedule: NOW}, [READER]) == ready[1:]
        assert await alerts.list_ready(connection, {own.schedule: NOW - timedelta(1)}) == []


async def test_what_was_told_stays_so_after_its_alert_is_removed(db: Database) -> None:
    ids = sorted((await add_papers(db, *map(merged_paper, range(3)))).values())
    async with db.transaction() as connection:
        own, shared = await _add_alerts(connection)
        unsent = _match(own, ids[2])
        await alerts.add_matches(connection, [_match(own, ids[0]), _match(own, ids[1]), unsent])
        await alerts.add_matches(connection, [_match(shared, ids[0])])
        await alerts.mark_told(connection, {(READER, ids[0]): 5, (CHANNEL, ids[0]): 7})
        told = {(READER, ids[0]), (CHANNEL, ids[0])}
        assert await alerts.list_told(connection, [READER, CHANNEL], ids) == told
        await alerts.remove(connection, [own.id])
        assert await alerts.list_told(connection, [READER, CHANNEL], ids) == told
        await alerts.add_matches(connection, [unsent])
        assert await alerts.purge_matches(connection, NOW, 9) == 0
        assert await alerts.purge_matches(connection, NOW + timedelta(1), 9) == 1
        assert await alerts.remove_recipient(connection, READER, 9) == 1
        assert await alerts.list_told(connection, [READER, CHANNEL], ids) == {(CHANNEL, ids[0])}


async def test_a_changed_alert_lets_its_matches_wait_again(db: Database) -> None:
    (paper_id,) = (await add_papers(db, merged_paper(1, votes=0))).values()
    async with db.transaction() as connection:
        _, shared = await _add_alerts(connection)
        await alerts.add_matches(connection, [_match(shared, paper_id)])
        await alerts.mark_ready(connection, NOW)
        await alerts.change(connection, replace(shared, min_votes=1))
        assert await alerts.mark_ready(connection, NOW) == 0
        assert await alerts.list_schedules(connection) == {}


async def test_matches_of_paused_alerts_are_not_due(db: Database) -> None:
    (paper_id,) = (await add_papers(db, merged_paper(1))).values()
    async with db.transaction() as connection:
        _, shared = await _add_alerts(connection)
        await alerts.add_matches(connection, [_match(shared, paper_id)])
        await alerts.mark_ready(connection, NOW)
        until = {shared.schedule: NOW}
        await alerts.set_paused(connection, shared.id, paused=True)
        assert await alerts.list_ready(connection, until) == []
        await alerts.set_paused(connection, shared.id, paused=False)
        assert len(await alerts.list_ready(connection, until)) == 1
