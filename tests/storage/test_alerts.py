"""The queue between the matching of alerts and their messages, and the papers that recipients were notified of."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from storage import alerts, models, tables
from storage import papers as stored_papers
from storage.database import Connection, Database
from tests.support import alert_builders
from tests.support.paper_records import NOW, add_papers, merged_paper

SOON = NOW + timedelta(minutes=3)


READER, CHANNEL = "user:7", "channel:9"


async def _add_alerts(connection: Connection) -> tuple[models.Alert, models.Alert]:
    """Store an alert of a reader that asks for 50 votes, and one of a channel that asks for none."""
    draft = replace(alert_builders.draft("care", min_votes=50), key="care")
    own = await alerts.add(connection, draft)
    return own, await alerts.add(connection, replace(draft, min_votes=0, channel_id=9, guild_id=1))


def _queued(
    alert: models.Alert, paper_id: int, due_at: datetime | None, votes_then: int | None = 12
) -> models.QueuedMatch:
    recipient = alerts.recipient_name(alert)
    return models.QueuedMatch(recipient, paper_id, alert.id, votes_then, NOW, due_at)


async def test_matches_are_due_by_recipient_the_longest_due_first(db: Database) -> None:
    ids = sorted((await add_papers(db, *map(merged_paper, range(3)))).values())
    async with db.transaction() as connection:
        own, shared = await _add_alerts(connection)
        queued = [_queued(own, ids[0], SOON), _queued(shared, ids[0], NOW), _queued(own, ids[1], None)]
        await alerts.add_matches(connection, queued)
        # What is in the queue stays as it is.
        await alerts.add_matches(connection, [_queued(own, ids[0], NOW, 99)])
        assert await alerts.list_due_recipients(connection, NOW, limit=9) == [CHANNEL]
        assert await alerts.list_due_recipients(connection, SOON, limit=9) == [CHANNEL, READER]
        assert await alerts.list_due_recipients(connection, SOON, limit=1) == [CHANNEL]
        assert await alerts.list_due_matches(connection, [READER], SOON) == [queued[0]]
        await alerts.set_matches_due(
            connection, [queued[0]._replace(due_at=None), queued[2]._replace(due_at=NOW)]
        )
        assert await alerts.list_due_matches(connection, [READER], SOON) == [queued[2]._replace(due_at=NOW)]
        await alerts.remove_matches(connection, [queued[2]])
        await alerts.remove_notified_matches(connection, [(CHANNEL, ids[0])])
        assert await alerts.list_due_recipients(connection, SOON, limit=9) == []


async def test_matches_of_a_suspended_alert_stay_and_those_of_a_paused_one_are_due(db: Database) -> None:
    (paper_id,) = (await add_papers(db, merged_paper(1))).values()
    paused = models.ActivityState.PAUSED
    async with db.transaction() as connection:
        own, _ = await _add_alerts(connection)
        await alerts.add_matches(connection, [_queued(own, paper_id, NOW)])
        for reason, due in (("dms-closed", []), ("by-hand", [READER]), (None, [READER])):
            await alerts.set_state(connection, [own.id], paused, reason=reason)
            assert await alerts.list_due_recipients(connection, NOW, limit=9) == due
            assert len(await alerts.list_due_matches(connection, [READER], NOW)) == len(due)


async def test_a_match_crosses_when_any_reading_had_the_votes(db: Database) -> None:
    ids = await add_papers(db, *map(merged_paper, range(4)))
    papers = sorted(ids.values())
    readings = {papers[0]: (60, 3), papers[1]: (49,), papers[2]: (50,)}
    async with db.transaction() as connection:
        own, shared = await _add_alerts(connection)
        waiting = [_queued(own, paper_id, None) for paper_id in papers]
        await alerts.add_matches(connection, [*waiting, _queued(shared, papers[0], NOW)])
        for paper_id, counts in readings.items():
            for hours, count in enumerate(counts):
                at = NOW + timedelta(hours=hours)
                fact = models.PaperFacts(f"2601.{paper_id:05}", "huggingface", "", at, votes=count)
                await stored_papers.add_votes(connection, [(paper_id, fact)])
        crossed = await alerts.list_crossed_matches(connection, NOW - timedelta(days=1), limit=9)
        assert set(crossed) == {waiting[0], waiting[2]}
        assert await alerts.list_crossed_matches(connection, NOW, limit=9) == []
        assert len(await alerts.list_crossed_matches(connection, NOW - timedelta(days=1), limit=1)) == 1
        assert await stored_papers.list_highest_votes(connection, papers) == {
            paper_id: max(counts) for paper_id, counts in readings.items()
        }


async def test_a_changed_alert_moves_its_matches_and_a_removed_one_takes_them_along(db: Database) -> None:
    papers = sorted((await add_papers(db, *map(merged_paper, range(2)))).values())
    async with db.transaction() as connection:
        own, shared = await _add_alerts(connection)
        waiting, due = _queued(own, papers[0], None), _queued(own, papers[1], NOW)
        await alerts.add_matches(connection, [waiting, due, _queued(shared, papers[0], NOW)])
        await alerts.reschedule_matches(connection, own.id, due_at=SOON)
        assert await alerts.list_due_matches(connection, [READER], SOON) == [due._replace(due_at=SOON)]
        assert await alerts.purge_matches(connection, NOW, 9) == 0
        await alerts.remove(connection, [own.id])
        assert await alerts.purge_matches(connection, SOON, 9) == 1


async def test_a_notification_is_found_until_its_recipient_is_removed(db: Database) -> None:
    recipients = ["user:1", "channel:2", "user:3"]
    async with db.transaction() as connection:
        values = {"url": "u", "keywords": [], "categories": [], "authors": [], "authors_truncated": False}
        insert = tables.papers.insert().returning(tables.papers.c.id)
        one, two = [
            (await connection.execute(insert.values(arxiv_id=arxiv_id, **values))).scalar_one()
            for arxiv_id in ("2502.02737", "2502.02738")
        ]
        pairs = [("channel:2", one), ("user:1", one), ("user:1", two)]
        for _ in range(2):
            await alerts.add_notified(connection, pairs, notified_at=NOW)
        assert await alerts.list_notified(connection, recipients, [one, two, 0]) == set(pairs)
        assert await alerts.list_notified(connection, recipients, [two]) == {("user:1", two)}
        assert await alerts.remove_notified_recipient(connection, "user:1", 1) == 1
        assert await alerts.remove_notified_recipient(connection, "user:1", 9) == 1
        assert await alerts.list_notified(connection, recipients, [one, two]) == {("channel:2", one)}
