"""Benchmark of the memory that hostile files take in the ingest, each in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from bench.figures import Figure, show

SHAPES = (
    "60,000 papers",
    "5,000 papers of 4 kB",
    "authors",
    "one line",
    "one wide line",
    "headings",
    "empty lines",
    "one section",
    "highlights",
)
MAX_MEGABYTES = 150
TIMEOUT_SECONDS = 600


def main() -> list[Figure]:
    """Ingest one file of each shape; the shapes are in `tests/support/ingest_memory.py`."""
    figures = []
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tests.support.ingest_memory", shape, folder, "--tree"]
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=TIMEOUT_SECONDS
            )
        measured = json.loads(done.stdout)
        name = f"{shape}, {measured['file_mb']:.0f} MB"
        figures += [
            show(Figure(f"{name}: memory above idle", measured["growth_mb"], "MB", max_value=MAX_MEGABYTES)),
            show(Figure(f"{name}: memory of all processes above idle", measured["tree_mb"], "MB")),
            show(Figure(f"{name}: event loop late, at most", measured["late_ms"], "ms")),
        ]
    return figures


if __name__ == "__main__":
    main()
