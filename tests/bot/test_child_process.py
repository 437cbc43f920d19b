"""What a child process may use."""

from __future__ import annotations

import subprocess
import sys

from bot import child_process
from tests.support import patience

_OUT_OF_MEMORY = """
import sys
from bot import child_process

kept = []
try:
    with child_process.memory_limit(60):
        for size in (1 << 16, 1 << 8, 1 << 4):
            try:
                while True:
                    kept.append(bytes(size))
            except MemoryError:
                pass
        raise MemoryError
except MemoryError:
    sys.stdout.write("x" * 10_000_000)
"""


def test_there_is_memory_for_reporting_that_it_ran_out() -> None:
    child = subprocess.run(
        [sys.executable, "-c", _OUT_OF_MEMORY],
        env=child_process.environment(),
        capture_output=True,
        check=False,
        timeout=patience.scaled(60),
    )
    assert (child.returncode, len(child.stdout)) == (0, 10_000_000), child.stderr[-2000:]
