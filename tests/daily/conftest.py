"""The planner of most tests of this folder; those of commands have the `harness` of the client."""

from __future__ import annotations

import pytest

from storage.database import Database
from tests.support.planner_harness import PlannerHarness


@pytest.fixture
def planning(db: Database) -> PlannerHarness:
    return PlannerHarness(db)
