"""Exceptions of services become messages for the reader."""

from __future__ import annotations

import pytest

from bot.client.interactions.errors import UserError
from bot.client.presenters.service_errors import map_service_errors


def test_an_exception_in_the_table_becomes_a_user_error() -> None:
    with (
        pytest.raises(UserError, match="no-paper") as raised,
        map_service_errors({LookupError: "no-paper"}, most=3),
    ):
        raise KeyError
    assert raised.value.arguments == {"most": 3}


def test_other_exceptions_pass_through() -> None:
    with pytest.raises(ValueError, match="x"), map_service_errors({LookupError: "no-paper"}):
        raise ValueError("x")
