"""Text for terminals and logs: control sequences become visible, passwords are hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import logs


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;pwned\x07title", r"\x1b]0;pwned\x07title"),
        ("\x1b]8;;https://evil.example\x1b\\link", "\\x1b]8;;https://evil.example\\x1b\\link"),
        ("\x1b[2Jclear\r", r"\x1b[2Jclear\r"),
        ("\x9b31mred", r"\x9b31mred"),
        ("abc\u202edcba\u2066", r"abc\u202edcba\u2066"),
        ("half \ud83d", r"half \ud83d"),
        ("강화 학습\tRL\n", "강화 학습\tRL\n"),
        ("see https://user:secret@host/x", "see https://user:***@host/x"),
    ],
)
def test_control_characters_become_visible_and_passwords_are_hidden(text: str, shown: str) -> None:
    assert logs.make_printable(text) == shown


@given(st.text())
def test_nothing_but_tab_and_line_feed_is_left_that_a_terminal_obeys(text: str) -> None:
    shown = logs.make_printable(text)
    assert not any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in shown if letter not in "\n\t")
    shown.encode()
