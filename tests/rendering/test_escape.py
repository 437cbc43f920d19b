"""Escaped untrusted text is shown unchanged and has no active markup."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rendering import discord_text

HOSTILE = st.lists(
    st.one_of(
        st.text(max_size=5),
        st.sampled_from(
            [
                "@everyone",
                "@here",
                "<@123456789012345678>",
                "<@&1>",
                "<#1>",
                "</cmd:1>",
                "<t:1:R>",
                "<:a:1>",
                "[x](javascript:alert(1))",
                "[x](https://e.vil)",
                "https://e.vil",
                "# ",
                "-# ",
                "> ",
                ">>> ",
                "- ",
                "1. ",
                "**",
                "__",
                "~~",
                "||",
                "`",
                "```",
                "\\",
                "\n",
                "\r\n",
                "\u2028",
                ":tada:",
                "\u202e",
                "\u2066",
                "\u200b",
                "\x00",
                "\ud800",
                "<https://e.vil>",
                "<id:home>",
                "[",
                "]",
                "(",
            ]
        ),
    ),
    max_size=12,
).map("".join)

UNESCAPED = r"(?<!\\)(?:\\\\)*"


def unescape(escaped: str) -> str:
    """The text that Discord shows for escaped text."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped).replace(discord_text.ZERO_WIDTH_SPACE, "")


@given(HOSTILE)
def test_escaped_text_is_shown_as_the_plain_text(text: str) -> None:
    assert unescape(discord_text.escape_text(text)) == discord_text.to_single_line(text)


@given(HOSTILE)
def test_no_markup_is_active_in_escaped_text(text: str) -> None:
    escaped = discord_text.escape_text(text)
    assert not re.search(UNESCAPED + r"[*_~|`\[\]<]", escaped)
    assert not re.search(r"@(everyone|here|[!&]?\d{15})", escaped, re.IGNORECASE)
    assert not re.search(r"(https?|steam|discord)://", escaped, re.IGNORECASE)
    assert not re.match(r"[#>+-]|\d{1,10}[.)]", escaped)
    assert not re.search(UNESCAPED + r":[A-Za-z0-9_]+:", escaped)


@given(HOSTILE)
def test_plain_text_is_one_encodable_line_without_invisible_characters(text: str) -> None:
    plain = discord_text.to_single_line(text)
    plain.encode()
    assert plain == unicodedata.normalize("NFC", plain).strip()
    assert "\n" not in plain
    assert len(plain.splitlines()) <= 1
    assert not any(unicodedata.bidirectional(char) in {"RLO", "LRO", "RLI", "LRI", "PDF"} for char in plain)


@given(HOSTILE, st.sampled_from(["https://arxiv.org/abs/1", "javascript:x", "https://a b/(c)", ""]))
def test_a_link_is_one_link_or_none(text: str, url: str) -> None:
    link = discord_text.masked_link(text, url)
    links = re.findall(UNESCAPED + r"\]\(", link)
    assert len(links) == (1 if discord_text.safe_url(url) and discord_text.link_label(text) else 0)


def test_escaping_twice_changes_nothing() -> None:
    once = discord_text.escape_text("*a* [b](c)")
    assert discord_text.escape_text(once) is once


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("I Don't Know: Explicit [IDK] Token", "I Don't Know: Explicit (IDK) Token"),
        ("Two\nlines", "Two lines"),
        ("see https://e.vil/x", "see e.vil/x"),
        ("a_b*c", "a\\_b\\*c"),
    ],
)
def test_a_link_label_has_no_square_brackets_lines_or_urls(title: str, label: str) -> None:
    assert discord_text.masked_link(title, "https://arxiv.org/abs/1") == f"[{label}](https://arxiv.org/abs/1)"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://arxiv.org/abs/2502.02737", "https://arxiv.org/abs/2502.02737"),
        (" HTTPS://arxiv.org/a ", "HTTPS://arxiv.org/a"),
        ("https://e.org/a (b)?c=[d]", "https://e.org/a%20%28b%29?c=%5Bd%5D"),
        ("https://e.org/한글", "https://e.org/%ED%95%9C%EA%B8%80"),
        ("https://huggingface.co@e.vil/", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//e.vil", None),
        ("/papers/1", None),
        ("https://", None),
        ("https://[::1/", None),
        ("https://e.org/\u202ea", None),
        ("https://e.org/\na", None),
        ("https://e.org/" + "a" * discord_text.LINK_URL, None),
    ],
)
def test_only_web_urls_are_linked(url: str, safe: str | None) -> None:
    assert discord_text.safe_url(url) == safe


def test_a_link_without_a_usable_url_is_its_label() -> None:
    assert discord_text.masked_link("Title [x]", "ftp://e.org") == r"Title \[x\]"
    assert discord_text.masked_link("", "https://e.org/") == "<https://e.org/>"


@pytest.mark.parametrize(
    ("text", "span"),
    [("a*b", "`a*b`"), ("a`b", "``a`b``"), ("`a`", "`ˋaˋ`"), ("a``b", "`aˋˋb`"), ("a\nb", "`a b`"), ("", "")],
)
def test_code_spans_can_contain_any_text(text: str, span: str) -> None:
    assert discord_text.code_span(text) == span
