"""Measured figures with their floors and targets, and how to take and print them."""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: `value` and the `floor` of the same run, both in `unit`; the targets are upper limits."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    max_ratio: float | None = None
    max_value: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value divided by its floor."""
        return None if not self.floor else self.value / self.floor

    @property
    def is_met(self) -> bool:
        """Whether every target is met."""
        ratio = self.ratio
        within_ratio = self.max_ratio is None or (ratio is not None and ratio <= self.max_ratio)
        return within_ratio and (self.max_value is None or self.value <= self.max_value)

    def format_line(self) -> str:
        """Return the figure with its floor and targets as one line."""
        text = f"{self.name}: {_number(self.value)} {self.unit}"
        if self.ratio is not None:
            text += f"; floor {_number(self.floor or 0)} {self.unit}; ratio {self.ratio:.2f}"
        targets = []
        if self.max_ratio is not None:
            targets.append(f"ratio at most {self.max_ratio:g}")
        if self.max_value is not None:
            targets.append(f"at most {_number(self.max_value)} {self.unit}")
        if targets:
            text += f" ({', '.join(targets)}: {'met' if self.is_met else 'MISSED'})"
        return text


def show(figure: Figure) -> Figure:
    """Print a figure at once and return it."""
    sys.stdout.write(figure.format_line() + "\n")
    sys.stdout.flush()
    return figure


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def time_call(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


async def time_await(work: Awaitable[object]) -> float:
    """Return the seconds that an awaitable takes."""
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


@contextmanager
def running_server(module: str) -> Iterator[str]:
    """Run `python -m MODULE serve` and yield the address that it prints."""
    command = [sys.executable, "-m", module, "serve"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
