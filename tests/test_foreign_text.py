"""No function takes more than linear time for a foreign text, whatever its shape."""

from __future__ import annotations

import logging

import pytest

from bot.text import typography
from bot.writer import claims, prompts
from storage import models
from tests.support import foreign_text, growth

LENGTH = 6_000


def test_each_function_that_takes_a_text_is_known() -> None:
    assert foreign_text.list_unknown() == set()


@pytest.mark.parametrize("name", sorted(foreign_text.list_readers()))
def test_foreign_text_of_any_shape_takes_linear_time(name: str) -> None:
    read = foreign_text.list_readers()[name]
    for shape, write in foreign_text.SHAPES.items():
        try:
            growth.assert_linear(lambda length, write=write: read(write(length)), LENGTH)
        except AssertionError as error:
            raise AssertionError(f"{name}, {shape}: {error}") from error
