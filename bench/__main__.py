"""`make bench`: every figure with its floor, each module in a process of its own. `--large` adds a million papers."""

from __future__ import annotations

import subprocess
import sys
import time

MODULES = ("startup", "ingest", "search", "planning", "delivery", "sources")


def main() -> int:
    """Run the modules one after the other; 1 when one of them could not be measured."""
    large = "--large" in sys.argv
    wanted = [name for name in sys.argv[1:] if not name.startswith("-")] or MODULES
    failed = []
    for name in wanted:
        sys.stdout.write(f"\n== {name}{' (large)' if large else ''}\n")
        sys.stdout.flush()
        begun = time.monotonic()
        command = [sys.executable, "-m", f"bench.{name}", *(["--large"] if large else [])]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
        sys.stdout.write(f"-- {time.monotonic() - begun:.0f} s\n")
    if failed:
        sys.stdout.write(f"\nNot measured: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
