"""The pytest fixture of the fake model."""

from collections.abc import Iterator

import pytest

from tests.fake_model import server


@pytest.fixture
def fake_model() -> Iterator[server.FakeModel]:
    """A running fake model with its default settings and an empty log."""
    running = server.FakeModel()
    with running.run():
        yield running
