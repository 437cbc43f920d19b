"""Benchmarks of whole commands: `paperround parse` of one digest, and `paperround search`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench import synthetic_archive
from bench.figures import Figure, median, show, time_call

RUNS = 7


def main() -> list[Figure]:
    """Time whole processes, against a Python interpreter that exits at once."""
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
    return time_call(lambda: subprocess.run(command, cwd=folder, check=True, capture_output=True))


if __name__ == "__main__":
    main()
