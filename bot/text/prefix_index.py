"""A prefix index: finds keys by prefix, best first, in bounded time for any number of keys."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

MAX_SCANNED_KEYS = 400
"""Keys sorted per call; for a prefix with more keys, the best ones are precomputed."""


class PrefixIndex:
    """Keys ordered by rank, searchable by prefix. Takes a second to build for 100,000 keys: build it in a thread."""

    def __init__(self, keys: Sequence[str], select_top: Callable[[list[int]], list[int]]) -> None:
        """Take the keys, best first; `select_top` reduces all ranks of a frequent prefix to the few to keep."""
        ranks = sorted(range(len(keys)), key=keys.__getitem__)
        self._keys = [keys[rank] for rank in ranks]
        self._ranks = array("l", ranks)
        self._top_ranks: dict[str, list[int]] = {}
        pending = [(0, len(keys), "")]
        while pending:
            low, high, prefix = pending.pop()
            if high - low > MAX_SCANNED_KEYS:
                self._top_ranks[prefix] = select_top(sorted(self._ranks[low:high]))
                pending += self._extend_prefix(low, high, len(prefix) + 1)

    def find(self, prefix: str) -> list[int]:
        """Return the ranks of the keys with this prefix, best first; only the selected ones for a frequent prefix."""
        top_ranks = self._top_ranks.get(prefix)
        if top_ranks is not None:
            return top_ranks
        low = bisect_left(self._keys, prefix)
        return sorted(self._ranks[low : self._range_end(prefix, low, len(self._keys))])

    def _extend_prefix(self, low: int, high: int, length: int) -> list[tuple[int, int, str]]:
        """Return the subranges of a range whose keys share the same first `length` letters."""
        ranges: list[tuple[int, int, str]] = []
        while low < high:
            prefix = self._keys[low][:length]
            end = self._range_end(prefix, low, high)
            if len(prefix) == length:
                ranges.append((low, end, prefix))
            low = end
        return ranges

    def _range_end(self, prefix: str, low: int, high: int) -> int:
        return bisect_right(self._keys, prefix, low, high, key=lambda key: key[: len(prefix)])
