"""The harness of most tests of this folder."""

from __future__ import annotations

import pytest

from storage.database import Database
from tests.support.planner_harness import PlannerHarness


@pytest.fixture
def harness(db: Database) -> PlannerHarness:
    return PlannerHarness(db)
