"""The fault harness on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fake_discord import server
from tests.support import fault_harness


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.wire)


@pytest.fixture
async def harness(
    fake: server.FakeDiscord, database_url: str, tmp_path: Path
) -> AsyncIterator[fault_harness.FaultHarness]:
    async with fault_harness.open_fault_harness(fake, database_url, tmp_path) as fault_test_harness:
        yield fault_test_harness
