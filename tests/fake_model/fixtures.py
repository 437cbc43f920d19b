"""Pytest fixtures of the fake model, for import by a conftest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fake_model import process


@pytest.fixture(scope="session")
def fake_model_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.FakeModelProcess]:
    """A fake model, shared by all tests of a pytest process."""
    with process.FakeModelProcess(tmp_path_factory.mktemp("fake-model")) as running:
        yield running


@pytest.fixture
def fake_model(fake_model_process: process.FakeModelProcess) -> process.FakeModelProcess:
    """A fake model with its default settings and an empty log."""
    fake_model_process.reset()
    return fake_model_process
