"""The memory of a process."""

import ctypes
import re
from pathlib import Path


def read_resident() -> int:
    """Return the resident memory of this process in kB, as Linux reports it."""
    [found] = re.findall(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found)


def hold_and_free() -> None:
    """Let malloc keep 80 MB in blocks, of which every hundredth stays used: most of their pages are free."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    blocks = [libc.malloc(8192) for _ in range(10_000)]
    for block in blocks:
        ctypes.memset(ctypes.c_void_p(block), 1, 8192)
    for number, block in enumerate(blocks):
        if number % 100:
            libc.free(block)
