"""Index terms of names cover the usual spellings of a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import people

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
def test_index_terms_cover_all_spellings(name: str, words: set[str]) -> None:
    assert words <= set(people.index_terms(name))


@pytest.mark.parametrize("other", ["li", "lu", "liux", "lui", "lius", "xliu", "kiu"])
def test_edit_neighbours_of_a_short_word_are_one_edit_away(other: str) -> None:
    assert other in people.edit_neighbours("liu")
    assert (
        people.edit_neighbours("l")
        == people.edit_neighbours("weiwei")
        == people.edit_neighbours("리우")
        == set()
    )


def test_a_swap_is_one_edit_and_the_distance_is_bounded() -> None:
    assert people.edit_distance("muller", "mulelr") == 1
    assert people.edit_distance("muller", "miller") == 1
    assert people.edit_distance("muller", "muler") == 1
    assert people.edit_distance("muller", "smith") == 3
    assert people.edit_distance("", "abcdef") == 3


@given(TEXTS, TEXTS)
def test_edit_distance_is_symmetric_and_zero_only_for_equal_words(left: str, right: str) -> None:
    assert people.edit_distance(left, right) == people.edit_distance(right, left)
    assert (people.edit_distance(left, right) == 0) == (left == right)


@given(TEXTS, TEXTS, TEXTS)
def test_common_prefixes_and_suffixes_do_not_increase_the_distance(
    common: str, left: str, right: str
) -> None:
    assert people.edit_distance(common + left, common + right) <= people.edit_distance(left, right)
    assert people.edit_distance(left + common, right + common) <= people.edit_distance(left, right)


@given(TEXTS)
def test_deletion_variants_are_one_letter_shorter(word: str) -> None:
    assert all(len(variant) == len(word) - 1 for variant in people.deletion_variants(word))


@given(st.text(max_size=400))
def test_any_text_gives_few_short_index_terms(name: str) -> None:
    terms = people.index_terms(name)
    assert len(terms) <= 6 * people.MAX_WORDS
    assert all(0 < len(word) <= 24 and " " not in word for word in terms)


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
def test_the_words_before_a_single_comma_are_the_family_name(name: str, turned: str) -> None:
    assert people.given_name_first(name) == turned
