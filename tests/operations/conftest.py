"""A fixture for the tests of errors that a process collects."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.core import error_collector, logs


@pytest.fixture
def collected() -> Iterator[error_collector.FailureLog]:
    """The errors of a process with its own logging."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("json")
    failure_log = error_collector.FailureLog()
    with failure_log.listening(None):
        yield failure_log
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
