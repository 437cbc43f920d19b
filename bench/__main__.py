"""`make bench`: every figure with its floor, each benchmark in its own process. `--large` adds a million papers."""

from __future__ import annotations

import subprocess
import sys
import time

MODULES = (
    "startup",
    "ingest",
    "memory",
    "search",
    "planning",
    "alerts",
    "previews",
    "matching",
    "alert_messages",
    "recommendation",
    "delivery",
    "readers",
    "web",
    "sources",
    "intake",
    "writer",
)


def main() -> int:
    """Run the benchmarks one after the other; return 1 if any of them failed."""
    large = "--large" in sys.argv
    names = [name for name in sys.argv[1:] if not name.startswith("-")] or MODULES
    failed = []
    for name in names:
        sys.stdout.write(f"\n== {name}{' (large)' if large else ''}\n")
        sys.stdout.flush()
        started = time.monotonic()
        command = [sys.executable, "-m", f"bench.{name}", *(["--large"] if large else [])]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
        sys.stdout.write(f"-- {time.monotonic() - started:.0f} s\n")
    if failed:
        sys.stdout.write(f"\nNot measured: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
