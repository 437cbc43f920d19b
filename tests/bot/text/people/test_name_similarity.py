"""How near a name is to what was typed decides who comes first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.people import name_similarity, names


def distance_to(typed: str, name: str) -> float:
    """Return the distance of a name from a text as it was typed."""
    return name_similarity.name_distance(tuple(names.name_tokens(typed)), name)


@pytest.mark.parametrize(
    ("typed", "nearest_first"),
    [
        ("Lin, Junyang", ["Lin Junyang", "Junyang Lin", "Jun-Yang Lin", "Junyang Q. Lin", "Junyan Lin"]),
        ("J. Lin", ["J. Lin", "Junyang Lin", "Jun Yang Lin", "Lin Junyang"]),
        ("Lin J", ["Lin J.", "Junyang Lin", "Lin Jun"]),
        ("Junyang Lin", ["Junyang Lin", "J. Lin", "Junyang Liu", "Kun J. Lin"]),
        ("Muller", ["Muller", "Müller", "Ada Müller", "Miller"]),
        ("Xin Xue", ["Xin Xue", "Xin Xü", "Xin Xie"]),
    ],
)
def test_the_likeliest_name_is_the_nearest(typed: str, nearest_first: list[str]) -> None:
    distances = [distance_to(typed, name) for name in nearest_first]
    assert distances == sorted(distances)


def test_a_name_is_near_itself_and_far_from_others() -> None:
    assert distance_to("Andrés Marafiori", "Andres Marafiori") == name_similarity.EXACT
    assert distance_to("Marafiori, Andrés", "Andrés Marafiori") < name_similarity.DIFFERENT_NAME
    assert distance_to("Andrés Marafoiri", "Andrés Marafiori") <= name_similarity.ONE_TYPO
    assert distance_to("Ada Lovelace", "Andrés Marafiori") >= name_similarity.MISSING_WORD


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_two_texts_have_a_distance(typed: str, name: str) -> None:
    assert distance_to(typed, name) >= 0
    assert not names.name_tokens(name) or distance_to(name, name) == name_similarity.EXACT
