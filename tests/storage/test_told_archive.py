"""The archive of papers that recipients were notified of, on both engines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storage import told_archive
from storage.database import Database


@given(st.sets(st.integers(1, 2**40)))
def test_unpacking_returns_the_packed_ids(paper_ids: set[int]) -> None:
    assert told_archive.unpack(told_archive.pack(paper_ids)) - {0} == paper_ids


def test_a_packed_id_takes_about_a_byte() -> None:
    assert len(told_archive.pack(range(1_000, 100_000, 13))) < 7_600


async def test_papers_are_added_found_and_removed_by_recipient(db: Database) -> None:
    async with db.transaction() as connection:
        await told_archive.add(connection, {"user:1": [5, 9], "channel:2": [5]})
        await told_archive.add(connection, {"user:1": [7]})
        everybody = ["user:1", "channel:2", "user:3"]
        found = await told_archive.list_notified(connection, everybody, [5, 7, 8])
        assert found == {("user:1", 5), ("user:1", 7), ("channel:2", 5)}
        await told_archive.remove(connection, ["user:1"])
        assert await told_archive.list_notified(connection, everybody, [5, 7, 9]) == {("channel:2", 5)}
