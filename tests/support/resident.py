"""The memory of a process, for tests that start one."""

from __future__ import annotations

import re
from pathlib import Path


def read_resident() -> int:
    """Return the resident memory of this process in kB, as Linux reports it."""
    [found] = re.findall(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found)
