"""Free memory goes back to the system, so that a process does not grow with the most that it ever held."""

from __future__ import annotations

import subprocess
import sys

import pytest

HOLD_AND_FREE = """
import ctypes
from bot.core import memory
from tests.support.resident import read_resident

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
blocks = [libc.malloc(8192) for _ in range(10_000)]
for block in blocks:
    ctypes.memset(ctypes.c_void_p(block), 1, 8192)
for number, block in enumerate(blocks):
    if number % 100:
        libc.free(block)
before = read_resident()
memory.return_free()
print(before - read_resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have no malloc_trim")
def test_free_memory_between_used_blocks_is_returned() -> None:
    """80 MB in blocks, of which every hundredth stays: most of their pages are free."""
    returned = subprocess.run(
        [sys.executable, "-c", HOLD_AND_FREE], capture_output=True, text=True, check=True
    )
    assert int(returned.stdout) > 40_000, returned.stdout  # kB
