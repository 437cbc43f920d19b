"""The harness used by most tests in this folder."""

from __future__ import annotations

import pytest

from storage.database import Database
from tests.support.ingest_harness import IngestHarness


@pytest.fixture
def harness(db: Database) -> IngestHarness:
    return IngestHarness(db)
