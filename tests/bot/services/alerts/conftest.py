"""Fixtures of the alert services' tests."""

from __future__ import annotations

import pytest

from storage.database import Database
from tests.support.alert_harness import AlertHarness


@pytest.fixture
def alert_harness(db: Database) -> AlertHarness:
    return AlertHarness(db)
