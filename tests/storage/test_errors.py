"""No message of ours shows the password of an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import errors
from tests.support import growth


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+asyncpg://u:P@SSW0RD@127.0.0.1/db", "postgresql+asyncpg://u:***@127.0.0.1/db"),
        ("postgresql+asyncpg://u:***@W0RD@127.0.0.1/db", "postgresql+asyncpg://u:***@127.0.0.1/db"),
        ("https://u:se/cret@host/x is not an address", "https://u:***@host/x is not an address"),
        ("https://u:1234@host:80/x", "https://u:***@host:80/x"),
        ("https://ghp_token@host/x", "https://***@host/x"),
        ("'u:secret@host' is not a host", "'u:***@host' is not a host"),
        ("https://host/feed?access_token=abc&page=2", "https://host/feed?access_token=***&page=2"),
        ("https://medium.com/@user/title", "https://medium.com/@user/title"),
        (
            "http://127.0.0.1:8080/@x and http://[::1]:80/y@z",
            "http://127.0.0.1:8080/@x and http://[::1]:80/y@z",
        ),
        ("postgresql+asyncpg://user@host/name", "postgresql+asyncpg://user@host/name"),
        ("mail a@b at 10:30", "mail a@b at 10:30"),
        (
            "POST https://discord.com/api/v10/webhooks/12/a-B_c?x=1",
            "POST https://discord.com/api/v10/webhooks/12/***?x=1",
        ),
        ("see https://host/docs/webhooks/intro", "see https://host/docs/webhooks/intro"),
    ],
)
def test_passwords_are_hidden_and_other_text_stays(text: str, shown: str) -> None:
    assert errors.redact(text) == shown
    assert str(errors.StorageError(text)) == shown
    assert errors.redact(shown) == shown


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
def test_no_password_of_any_characters_is_shown(text: str) -> None:
    shown = errors.redact(f"cannot reach postgresql+asyncpg://name:q{text}@db.example/x today")
    assert shown == "cannot reach postgresql+asyncpg://name:***@db.example/x today"


@pytest.mark.parametrize("unit", ["a.", "=a:", "x://a:", "(a:", "http://a", "@x://a:", "a@"])
@pytest.mark.parametrize("end", ["", "="])
def test_a_long_text_is_searched_in_linear_time(unit: str, end: str) -> None:
    def redact(length: int) -> None:
        errors.redact("@" + unit * (length // len(unit)) + end)

    growth.assert_growth(lambda: redact(20_000), lambda: redact(160_000), limit=20)
