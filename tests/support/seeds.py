"""The seed of all that tests draw at random: the order, examples of Hypothesis, and plays. `SEED=7 make test` repeats a run.

Without SEED, plays are those of seed 0, so that they have the same verdict in each run; the rest is drawn anew.
"""

import os
import random
from typing import Any

import pytest

_GIVEN = os.environ.get("SEED")
OF_RUN = int(_GIVEN or os.environ.setdefault("SEED_OF_RUN", str(random.SystemRandom().getrandbits(32))))
"""Workers inherit it."""
FIRST = int(_GIVEN or 0)
"""The seed of the first play."""


def rng() -> random.Random:
    """Return what a play draws with that is played once."""
    return random.Random(FIRST)


def plays(count: int) -> range:
    return range(FIRST, FIRST + count)


def few(count: int, count_of_all: int) -> list[Any]:
    """Return the seeds of some plays, and with `--all-faults` those of all."""
    more = (pytest.param(seed, marks=pytest.mark.all_faults) for seed in plays(count_of_all)[count:])
    return [*plays(count), *more]
