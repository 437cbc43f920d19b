"""The town of the fault tests, on both databases, and how many seeds are played."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fake_discord import process
from tests.fake_discord.fixtures import fake, fake_server
from tests.support import fault_harness

__all__ = ["fake", "fake_server", "harness"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--all-faults` plays every seed; without it a few are enough."""
    parser.addoption("--all-faults", action="store_true", help="play every seed of the fault tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--all-faults`, the changes in the middle of a fan-out are played on PostgreSQL alone."""
    if config.getoption("--all-faults", default=False):
        return
    left_out = [item for item in items if "faults/test_change.py" in item.nodeid and "[sqlite" in item.nodeid]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def all_seeds(request: pytest.FixtureRequest) -> bool:
    """Whether the long run was asked for."""
    return bool(request.config.getoption("--all-faults", default=False))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that wants a `seed` its seeds."""
    if "seed" in metafunc.fixturenames:
        everything = metafunc.config.getoption("--all-faults", default=False)
        metafunc.parametrize("seed", range(metafunc.module.SEEDS if everything else 1))


@pytest.fixture
async def harness(
    fake: process.FakeDiscord, database_url: str, tmp_path: Path
) -> AsyncIterator[fault_harness.FaultHarness]:
    """A town on either database."""
    async with fault_harness.open_fault_harness(fake, database_url, tmp_path) as opened:
        yield opened
