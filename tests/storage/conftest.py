"""Fixtures for the tests of storage."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import migrate
from storage.database import Database


@pytest.fixture
async def target(empty_database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    is_sqlite = empty_database_url.startswith("sqlite")
    url = f"sqlite+aiosqlite:///{tmp_path / 'copy.db'}" if is_sqlite else empty_database_url
    async with await migrate.open_database(url, migrate=True) as opened:
        yield opened
