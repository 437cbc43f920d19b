"""The fault harness on both databases, and the seeds for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fake_discord import server
from tests.support import fault_harness, seeds


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--all-faults`, which runs every seed."""
    parser.addoption("--all-faults", action="store_true", help="run every seed of the fault tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests of this folder. Without `--all-faults`, deselect those marked `all_faults`."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.wire)
    if not config.getoption("--all-faults", default=False):
        deselected = [item for item in items if item.get_closest_marker("all_faults")]
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


@pytest.fixture
def all_seeds(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--all-faults", default=False))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        all_faults = metafunc.config.getoption("--all-faults", default=False)
        metafunc.parametrize("seed", seeds.plays(metafunc.module.SEEDS if all_faults else 1))


@pytest.fixture
async def harness(
    fake: server.FakeDiscord, database_url: str, tmp_path: Path
) -> AsyncIterator[fault_harness.FaultHarness]:
    async with fault_harness.open_fault_harness(fake, database_url, tmp_path) as fault_test_harness:
        yield fault_test_harness
