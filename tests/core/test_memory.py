"""Free memory goes back to the system, so that a process does not grow with the most that it ever held."""

import sys

import pytest

from bot.core import memory
from tests.support.resident import hold_and_free, read_resident


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have no malloc_trim")
def test_free_memory_between_used_blocks_is_returned() -> None:
    hold_and_free()
    before = read_resident()
    memory.return_free()
    assert before - read_resident() > 40_000  # kB
