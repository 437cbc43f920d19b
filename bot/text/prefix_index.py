"""Finds keys by their beginnings, best first, in a bounded time however many there are. Knows nothing of what they stand for."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

MOST_LOOKED_AT = 400
"""Keys that are put in order while somebody waits; beginnings of more have their best ones kept ready."""


class Beginnings:
    """Keys in order of merit, to be found by how they begin. Making it takes a second for 100,000 keys: in a thread."""

    def __init__(self, keys: Sequence[str], keep: Callable[[list[int]], list[int]]) -> None:
        """Take the keys, the best first; `keep` is given all places of a frequent beginning and returns the few to keep."""
        places = sorted(range(len(keys)), key=keys.__getitem__)
        self._keys = [keys[place] for place in places]
        self._places = array("l", places)
        self._kept: dict[str, list[int]] = {}
        open_ = [(0, len(keys), "")]
        while open_:
            low, high, beginning = open_.pop()
            if high - low > MOST_LOOKED_AT:
                self._kept[beginning] = keep(sorted(self._places[low:high]))
                open_ += self._longer(low, high, len(beginning) + 1)

    def find(self, beginning: str) -> list[int]:
        """Return the places, in the keys given, of those that begin so: the best first, and all unless there are many."""
        kept = self._kept.get(beginning)
        if kept is not None:
            return kept
        low = bisect_left(self._keys, beginning)
        return sorted(self._places[low : self._end(beginning, low, len(self._keys))])

    def _longer(self, low: int, high: int, length: int) -> list[tuple[int, int, str]]:
        """Return the parts of a range whose keys have the same first `length` letters."""
        found: list[tuple[int, int, str]] = []
        while low < high:
            beginning = self._keys[low][:length]
            end = self._end(beginning, low, high)
            if len(beginning) == length:
                found.append((low, end, beginning))
            low = end
        return found

    def _end(self, beginning: str, low: int, high: int) -> int:
        return bisect_right(self._keys, beginning, low, high, key=lambda one: one[: len(beginning)])
