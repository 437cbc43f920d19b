"""The harness used by most tests in this folder."""

import pytest

from storage.database import Database
from tests.support.ingest_harness import IngestHarness


@pytest.fixture
def harness(db: Database) -> IngestHarness:
    return IngestHarness(db)
