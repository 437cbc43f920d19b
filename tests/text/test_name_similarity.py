"""The distance between a query and a name, which orders the results."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import people


def distance_to(query: str, name: str) -> float:
    """Return the distance between a query and a name."""
    return people.name_distance(tuple(people.name_tokens(query)), name)


@pytest.mark.parametrize(
    ("query", "nearest_first"),
    [
        ("Lin, Junyang", ["Lin Junyang", "Junyang Lin", "Jun-Yang Lin", "Junyang Q. Lin", "Junyan Lin"]),
        ("J. Lin", ["J. Lin", "Junyang Lin", "Jun Yang Lin", "Lin Junyang"]),
        ("Lin J", ["Lin J.", "Junyang Lin", "Lin Jun"]),
        ("Junyang Lin", ["Junyang Lin", "J. Lin", "Junyang Liu", "Kun J. Lin"]),
        ("Muller", ["Muller", "Müller", "Ada Müller", "Miller"]),
        ("Xin Xue", ["Xin Xue", "Xin Xü", "Xin Xie"]),
    ],
)
def test_names_are_ordered_by_distance(query: str, nearest_first: list[str]) -> None:
    distances = [distance_to(query, name) for name in nearest_first]
    assert distances == sorted(distances)


def test_distances_fall_into_their_bands() -> None:
    assert distance_to("Andrés Marafiori", "Andres Marafiori") == people.EXACT
    assert distance_to("Marafiori, Andrés", "Andrés Marafiori") < people.DIFFERENT_NAME
    assert distance_to("Andrés Marafoiri", "Andrés Marafiori") <= people.ONE_TYPO
    assert distance_to("Ada Lovelace", "Andrés Marafiori") >= people.MISSING_WORD


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_two_texts_have_a_distance(query: str, name: str) -> None:
    assert distance_to(query, name) >= 0
    assert not people.name_tokens(name) or distance_to(name, name) == people.EXACT
