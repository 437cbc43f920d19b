"""The harness used by most tests in this folder."""

import pytest

from storage.database import Database
from tests.support.origin_server import OriginServer
from tests.support.polling_harness import PollingHarness


@pytest.fixture
def harness(db: Database, origin: OriginServer) -> PollingHarness:
    return PollingHarness(db, origin)
