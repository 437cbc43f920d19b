"""The memory that a hostile file takes in the ingest is bounded; `python -m bench memory` has the figures of more shapes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_MEGABYTES = 150


@pytest.mark.parametrize(("shape", "papers"), [("60,000 papers", 5_000), ("headings", 0), ("one line", 1)])
def test_a_hostile_file_takes_bounded_memory(tmp_path: Path, shape: str, papers: int) -> None:
    command = [sys.executable, "-m", "tests.support.ingest_memory", shape, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    assert measured["papers"] == papers
    assert measured["growth_mb"] < MAX_MEGABYTES
