"""The papers that recipients were notified of, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from storage import alerts, tables
from storage.database import Database

NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)


@given(st.sets(st.integers(1, 2**40)))
def test_unpacking_returns_the_packed_ids(paper_ids: set[int]) -> None:
    assert alerts.unpack_ids(alerts.pack_ids(paper_ids)) - {0} == paper_ids


def test_a_packed_id_takes_about_a_byte() -> None:
    assert len(alerts.pack_ids(range(1_000, 100_000, 13))) < 7_600


async def test_a_notification_is_found_once_archived_too_until_its_recipient_is_removed(db: Database) -> None:
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
        for archived in ([], pairs[:1], pairs[1:2], pairs[2:]):
            await alerts.archive_notified(connection, archived)
            assert await alerts.list_notified(connection, recipients, [one, two, 0]) == set(pairs)
            assert await alerts.list_notified(connection, recipients, [two]) == {("user:1", two)}
        assert await alerts.list_old_notified(connection, NOW + timedelta(days=1), ("", 0), 9) == []
        assert await alerts.remove_notified_recipient(connection, "user:1", 9) == 0
        assert await alerts.list_notified(connection, recipients, [one, two]) == {("channel:2", one)}
