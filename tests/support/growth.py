"""Assertions on how a function's cost grows with its input, whatever the machine's speed and load."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

_ATTEMPTS = 8
_MIN_SECONDS = 0.02
"""The lower bound of a cost: below it, constant overhead would distort the ratio."""


def cpu_seconds(run: Callable[[], object]) -> float:
    """Return this thread's CPU seconds for one call, without garbage collection."""
    gc.disable()
    try:
        started = time.thread_time()
        run()
        return time.thread_time() - started
    finally:
        gc.enable()


def assert_growth(
    small: Callable[[], object], large: Callable[[], object], limit: float, least: float = _MIN_SECONDS
) -> None:
    """Fail if `large` costs more than `limit` times `small`, each the best of up to eight runs.

    `small` counts as `least` seconds or more. Choose `limit` between the two orders of growth to tell apart.
    """
    best_small = best_large = float("inf")
    for _ in range(_ATTEMPTS):
        best_large = min(best_large, cpu_seconds(large))
        if best_large < limit * least:
            return
        best_small = min(best_small, cpu_seconds(small))
        if best_large < limit * best_small:
            return
    raise AssertionError(
        f"{best_large:.3f} s of CPU against {best_small:.3f} s: more than {limit:g} times as much"
    )


def assert_linear(run: Callable[[int], object], size: int, least: float = _MIN_SECONDS) -> None:
    """Fail if the cost of `run` grows faster than its argument.

    From `size` to `4 * size` a linear cost grows fourfold and a quadratic one sixteenfold. The limit is tenfold.
    """
    assert_growth(lambda: run(size), lambda: run(4 * size), limit=10, least=least)
