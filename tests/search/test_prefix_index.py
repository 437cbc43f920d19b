"""The prefix index finds the same keys as a full scan, in bounded time."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from bot.search import completion
from tests.support import growth

KEYS = st.lists(st.text("abㄱ가", max_size=5), max_size=60)


def first_three(ranks: list[int]) -> list[int]:
    return ranks[:3]


@given(KEYS, st.text("abㄱ가", max_size=6))
def test_all_keys_with_the_prefix_are_found_best_first(keys: list[str], prefix: str) -> None:
    ranks = completion.PrefixIndex(keys, first_three).find(prefix)
    assert ranks == [rank for rank, key in enumerate(keys) if key.startswith(prefix)]


@given(KEYS, st.text("abㄱ가", max_size=6))
def test_frequent_prefixes_give_the_selected_keys(keys: list[str], prefix: str) -> None:
    many = [key for key in keys for _ in range(20)]
    ranks = completion.PrefixIndex(many, first_three).find(prefix)
    expected = [rank for rank, key in enumerate(many) if key.startswith(prefix)]
    assert ranks == (expected if len(expected) <= completion.MAX_SCANNED_KEYS else expected[:3])


def test_lookup_time_is_nearly_independent_of_the_number_of_keys() -> None:
    random_source = random.Random(3)
    keys = ["".join(random_source.choices("abcdefg", k=9)) for _ in range(100_000)]

    def type_keys(index: completion.PrefixIndex) -> None:
        for key in keys[:200]:
            for length in range(10):
                index.find(key[:length])

    few = completion.PrefixIndex(keys[:2_000], first_three)
    many = completion.PrefixIndex(keys, first_three)
    # A search through all keys would cost fifty times as much.
    growth.assert_growth(lambda: type_keys(few), lambda: type_keys(many), limit=12)
