"""The message builder refuses what does not fit and shortens labels."""

from __future__ import annotations

import pytest

from bot.client import message_builder
from bot.rendering import discord_text
from tests.support import payload_checks


def test_a_text_that_does_not_fit_is_refused() -> None:
    message = message_builder.MessageBuilder()
    assert message.add_text("a" * discord_text.TEXT)
    assert not message.add_text("b")
    payload_checks.check_message(message_builder.layout_payload(message.view))


def test_reserved_components_are_counted_once() -> None:
    message = message_builder.MessageBuilder()
    assert message.reserve(2)
    while message.add_separator():
        pass
    message.add_reserved_row(message_builder.button("label", "pr:x"))
    payload_checks.check_message(message_builder.layout_payload(message.view))


def test_an_image_with_an_unsafe_address_is_left_out() -> None:
    message = message_builder.MessageBuilder()
    assert message.add_section("text", "javascript:alert(1)")
    (container,) = message_builder.layout_payload(message.view)["components"]
    assert [component["type"] for component in container["components"]] == [10]


@pytest.mark.parametrize("url", [None, "javascript:alert(1)"])
def test_an_unsafe_address_gives_no_link_button(url: str | None) -> None:
    assert message_builder.link_button("label", url) is None


def test_a_select_menu_has_different_values_or_is_none() -> None:
    option = message_builder.select_option("x" * 200, "value", description="y" * 200)
    assert message_builder.select_menu("placeholder", "pr:x", []) is None
    message = message_builder.MessageBuilder()
    message.add_select(message_builder.select_menu("placeholder", "pr:x", [option, option]))
    payload_checks.check_message(message_builder.layout_payload(message.view))
