"""Stored sources, their health and their page states."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage import database, errors, models, sources

NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)
URL = "https://host/{date:%Y/%m/%d}.md"


async def test_a_source_is_added_once_and_due_at_once(db: database.Database) -> None:
    async with db.transaction() as connection:
        added = await sources.add(
            connection, url=URL, kind=models.SourceKind.URL, now=NOW, options={"a": "b"}
        )
        assert await sources.list_rows(connection) == [added]
        assert await sources.list_rows(connection, due_at=NOW) == [added]
        with pytest.raises(errors.DuplicateError):
            await sources.add(connection, url=URL, kind=models.SourceKind.URL, now=NOW)
        assert await sources.remove(connection, URL)
        assert not await sources.remove(connection, URL)


async def test_the_last_state_of_a_page_is_kept(db: database.Database) -> None:
    async with db.transaction() as connection:
        source = await sources.add(connection, url=URL, kind=models.SourceKind.URL, now=NOW)
        page = models.PageState("https://host/a.md", NOW, models.FetchStatus.OK, etag='"1"')
        other = await sources.add(connection, url="other", kind=models.SourceKind.URL, now=NOW)
        newer = replace(page, etag='"2"', read_at=NOW + timedelta(days=1))
        await sources.upsert_page_states(connection, source.id, [page])
        await sources.upsert_page_states(connection, other.id, [page])
        await sources.upsert_page_states(connection, source.id, [page, newer])
        assert await sources.list_page_states(connection, other.id) == {page.location: page}
        await sources.upsert_page_states(connection, source.id, [])
        assert await sources.list_page_states(connection, source.id) == {page.location: newer}
