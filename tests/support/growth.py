"""Assertions on how the cost of a function grows with its input, independent of the speed and the load of the machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

_ATTEMPTS = 8
_MIN_SECONDS = 0.02
"""Costs below this are taken as this: constant overhead would distort their ratio."""


def cpu_seconds(run: Callable[[], object]) -> float:
    """Return the CPU seconds of this thread for one call. Other processes and the garbage of other tests do not count."""
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
    """Fail if `large` costs more than `limit` times `small`, each the best of up to eight runs, `small` at least `least` s.

    Choose `limit` between the two orders of growth to distinguish, so that noise does not decide.
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
    """Fail if `run` grows faster than its argument: a linear cost quadruples from `size` to `4 * size`, a quadratic one
    grows sixteenfold, and the limit is ten."""
    assert_growth(lambda: run(size), lambda: run(4 * size), limit=10, least=least)
