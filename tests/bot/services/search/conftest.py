"""A search service over a small archive."""

from __future__ import annotations

import pytest

from bot.services.search.service import SearchService
from storage.database import Database
from tests.support import sample_archive


@pytest.fixture
async def search(db: Database) -> SearchService:
    """The search service over three papers of two days."""
    await sample_archive.add_digest(db, "2025-01-02", sample_archive.SMALL, sample_archive.REINFORCED)
    await sample_archive.add_digest(db, "2025-01-03", sample_archive.CHEMISTRY)
    return SearchService(db)
