"""Names are taken apart so that the usual ways of writing one person meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.people import names

TEXTS = st.text(max_size=12)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Jürgen Müller", {"jurgen", "muller", "juergen", "mueller"}),
        ("Mueller", {"mueller", "muller"}),
        ("Xuan-Son Nguyen", {"xuan", "son", "nguyen", "xuanson", "sonnguyen"}),
        ("O'Neil", {"oneil"}),
        ("김철수", {"김철수"}),
    ],
)
def test_a_name_is_found_by_all_its_spellings(name: str, words: set[str]) -> None:
    assert words <= set(names.index_terms(name))


@pytest.mark.parametrize("other", ["li", "lu", "liux", "lui", "lius", "xliu", "kiu"])
def test_a_short_word_has_all_that_is_one_error_away_as_its_neighbours(other: str) -> None:
    assert other in names.edit_neighbours("liu")
    assert (
        names.edit_neighbours("l")
        == names.edit_neighbours("weiwei")
        == names.edit_neighbours("리우")
        == set()
    )


def test_distance_counts_a_swap_as_one_and_stops_at_its_limit() -> None:
    assert names.edit_distance("muller", "mulelr") == 1
    assert names.edit_distance("muller", "miller") == 1
    assert names.edit_distance("muller", "muler") == 1
    assert names.edit_distance("muller", "smith") == 3
    assert names.edit_distance("", "abcdef") == 3


@given(TEXTS, TEXTS)
def test_distance_is_the_same_both_ways_and_zero_only_for_the_same(one: str, other: str) -> None:
    assert names.edit_distance(one, other) == names.edit_distance(other, one)
    assert (names.edit_distance(one, other) == 0) == (one == other)


@given(TEXTS, TEXTS, TEXTS)
def test_what_two_words_begin_and_end_with_alike_does_not_change_their_distance(
    start: str, one: str, other: str
) -> None:
    assert names.edit_distance(start + one, start + other) <= names.edit_distance(one, other)
    assert names.edit_distance(one + start, other + start) <= names.edit_distance(one, other)


@given(TEXTS)
def test_every_deletion_is_one_letter_shorter(word: str) -> None:
    assert all(len(one) == len(word) - 1 for one in names.deletion_variants(word))


@given(st.text(max_size=400))
def test_any_text_gives_few_short_words(name: str) -> None:
    found = names.index_terms(name)
    assert len(found) <= 6 * names.MAX_WORDS
    assert all(0 < len(word) <= 24 and " " not in word for word in found)


@pytest.mark.parametrize(
    ("name", "turned"),
    [
        ("Lin, Junyang", " Junyang Lin"),
        ("Junyang Lin", "Junyang Lin"),
        ("Lin,", "Lin,"),
        (", Lin", ", Lin"),
        ("A, B, C", "A, B, C"),
    ],
)
def test_what_stands_before_one_comma_is_the_family_name(name: str, turned: str) -> None:
    assert names.given_name_first(name) == turned
