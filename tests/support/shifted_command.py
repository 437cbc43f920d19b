"""Run a command of the shell with movable clocks, up to a place: `python -m tests.support.shifted_command CLOCK FILE PLACE …`.

CLOCK is a `clock_file`. FILE and PLACE are those of `tests.support.dying`; without a PLACE ("") it is not killed.
"""

import sys
from pathlib import Path

from bot import cli
from tests.support import dying, shifted_clock

if __name__ == "__main__":
    clock, file, place, *arguments = sys.argv[1:]
    shifted_clock.shift_clocks(Path(clock))
    if place:
        dying.die_at(place, Path(file))
    sys.argv = ["paperround", *arguments]
    cli.main()
