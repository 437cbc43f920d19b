"""Keys by their beginnings: the same as looking at all of them, in a bounded time."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from bot.text import prefix_index
from tests.support import growth

KEYS = st.lists(st.text("abㄱ가", max_size=5), max_size=60)


def first_three(ranks: list[int]) -> list[int]:
    return ranks[:3]


@given(KEYS, st.text("abㄱ가", max_size=6))
def test_all_that_begin_so_are_found_best_first(keys: list[str], typed: str) -> None:
    found = prefix_index.PrefixIndex(keys, first_three).find(typed)
    assert found == [place for place, key in enumerate(keys) if key.startswith(typed)]


@given(KEYS, st.text("abㄱ가", max_size=6))
def test_of_very_many_the_ones_chosen_are_found(keys: list[str], typed: str) -> None:
    many = [key for key in keys for _ in range(20)]
    found = prefix_index.PrefixIndex(many, first_three).find(typed)
    fitting = [place for place, key in enumerate(many) if key.startswith(typed)]
    assert found == (fitting if len(fitting) <= prefix_index.MAX_SCANNED_KEYS else fitting[:3])


def test_one_keystroke_takes_no_longer_among_many_keys() -> None:
    chance = random.Random(3)
    keys = ["".join(chance.choices("abcdefg", k=9)) for _ in range(100_000)]

    def type_keys(index: prefix_index.PrefixIndex) -> None:
        for key in keys[:200]:
            for length in range(10):
                index.find(key[:length])

    few = prefix_index.PrefixIndex(keys[:2_000], first_three)
    many = prefix_index.PrefixIndex(keys, first_three)
    # A search through all keys would cost fifty times as much.
    growth.assert_growth(lambda: type_keys(few), lambda: type_keys(many), limit=12)
