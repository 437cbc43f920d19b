"""How long a command takes from the shell's point of view: `paperround parse` of one digest, and a storage command."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import synthetic_archive
from bench.figures import Figure, median, show

RUNS = 7


def main() -> list[Figure]:
    """Time whole processes, against a Python that starts and ends."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _, text = next(iter(synthetic_archive.generate(digests=1, papers=25, authors=120)))
        (folder / "digest.md").write_text(text, encoding="utf-8")
        _run(folder, "ingest", "digest.md")
        bare = median([_timed(folder, [sys.executable, "-c", "pass"]) for _ in range(RUNS)])
        parse = median([_timed(folder, _command("parse", "digest.md")) for _ in range(RUNS)])
        search = median([_timed(folder, _command("search", "learning", "--json")) for _ in range(RUNS)])
    return [
        show(Figure("`paperround parse` of one digest, start to end", parse, "s", floor=bare, max_value=0.4)),
        show(Figure("`paperround search`, start to end", search, "s", floor=bare, max_value=0.6)),
    ]


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bot", *arguments]


def _run(folder: Path, *arguments: str) -> None:
    subprocess.run(_command(*arguments), cwd=folder, check=True, capture_output=True)


def _timed(folder: Path, command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
