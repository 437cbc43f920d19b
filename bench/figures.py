"""A measured figure beside its floor or its limit, and how it is printed."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; `floor` is the floor of the same run, in the same unit; the targets are upper limits."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    max_ratio: float | None = None
    max_value: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many floors it is."""
        return None if not self.floor else self.value / self.floor

    @property
    def is_met(self) -> bool:
        """Whether every target is met."""
        ratio = self.ratio
        within_ratio = self.max_ratio is None or (ratio is not None and ratio <= self.max_ratio)
        return within_ratio and (self.max_value is None or self.value <= self.max_value)

    def format_line(self) -> str:
        """Return the figure as one line."""
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
    """Print a figure at once, and give it back."""
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


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
