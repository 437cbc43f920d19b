"""The memory that a hostile file takes in the ingest is bounded; `python -m bench memory` has the figures of more shapes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
MAX_MEGABYTES = 230
"""It was 1,900 MB; the allocator makes it differ by some tens from run to run."""


def test_a_file_of_sixty_thousand_papers_takes_bounded_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.ingest_memory", "60,000 papers", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    assert (measured["papers"], measured["problems"]) == (5_000, 1)
    assert measured["growth_mb"] < MAX_MEGABYTES
