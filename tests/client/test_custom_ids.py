"""Custom ids: packing, markers of deliveries, and refusal of what is too long or not readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.client import custom_ids
from bot.lists import messages as lists_messages
from bot.outbox import contents


@given(rest=st.text(max_size=90))
def test_any_custom_id_is_parsed_or_invalid(rest: str) -> None:
    action = custom_ids.unpack(f"pr:l:{rest}")
    for parse in (lists_messages.unpack_state, lambda action: action.number):
        try:
            parse(action)
        except custom_ids.InvalidCustomIdError:
            continue


def test_a_delivery_marker_comes_first_and_does_not_change_the_action() -> None:
    marker = contents.part_marker("daily:12:2026-01-01", 3)
    packed = custom_ids.pack("l", "d", "a:b", marker=marker)
    assert packed == "pr:d:daily:12:2026-01-01:3/l:d:a:b"
    assert custom_ids.unpack(packed) == custom_ids.Action("l", "d:a:b")


def test_a_custom_id_that_is_too_long_or_not_readable_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        custom_ids.pack("l", "x" * 100)
    with pytest.raises(ValueError, match="colon"):
        custom_ids.pack("l", "a:b", "c")
