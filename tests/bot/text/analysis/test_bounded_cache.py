from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bot.text.analysis import bounded_cache


@given(st.lists(st.text("abcd", max_size=3)), st.integers(1, 8))
def test_what_is_remembered_is_what_would_be_made(asked: list[str], most: int) -> None:
    made = bounded_cache.BoundedCache(str.upper, most)
    assert [made[key] for key in asked] == [key.upper() for key in asked]
    assert len(made) <= most


def test_what_is_asked_for_often_is_made_once_though_others_come_and_go() -> None:
    times: Counter[str] = Counter()

    def make(key: str) -> str:
        times[key] += 1
        return key

    made = bounded_cache.BoundedCache(make, 10)
    for number in range(200):
        made[f"rare {number}"]
        made["frequent"]
    assert times["frequent"] == 1
    assert times["rare 0"] == 1


def test_long_keys_are_not_kept() -> None:
    made = bounded_cache.BoundedCache(len, 10)
    assert made["x" * 1000] == 1000
    assert not made
