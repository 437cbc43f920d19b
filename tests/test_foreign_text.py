"""No entrance takes more than linear time for a foreign text, whatever its shape."""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import foreign_text, growth

LENGTH, LEAST_SECONDS = 3_000, 0.01


@pytest.mark.promise
@pytest.mark.parametrize("name", foreign_text.STORED)
@given(st.text(st.characters(), max_size=5), st.text(st.characters(), max_size=5))
@settings(max_examples=20)
def test_half_an_emoji_does_not_enter(name: str, before: str, after: str) -> None:
    answer = foreign_text.read(name, f"A title {before}\ud83d{after} of words")
    assert not re.search(r"(?<!\\)(?:\\\\)*\\ud[89a-f]", repr(answer))


@pytest.mark.promise
@pytest.mark.parametrize("name", foreign_text.ENTRANCES)
def test_foreign_text_of_any_shape_takes_linear_time(name: str) -> None:
    def read_shape(shape: str, length: int) -> None:
        foreign_text.read(name, foreign_text.SHAPES[shape](length))

    for shape in foreign_text.SHAPES:
        try:
            length = LENGTH * foreign_text.LONG_SHAPES.get(shape, 1)
            growth.assert_linear(partial(read_shape, shape), length, LEAST_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{shape}: {error}") from error
