"""Shortened and split texts fit, keep their markup and lose no content."""

from __future__ import annotations

import re

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from bot.rendering import discord_text
from tests.support import growth

LINK = "[SmolLM2](https://huggingface.co/papers/2502.02737)"
MARKDOWN_TEXTS = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            [LINK, "`code span`", "``a`b``", "</daily edit:123456789>", "<t:1739300000:R>", "\\*"]
        )
        | st.sampled_from(
            ["**bold words**", "*", "**", "***both***", "~~gone~~", "\n", "\n\n", "- item\n", "# h\n"]
        )
        | st.sampled_from(
            [
                "\n```py\nx = 1\n\n  y = 2\n```\n",
                "```",
                "`",
                "[",
                "👨‍👩‍👧‍👦",
                "e\u0301",
                "한국어 문장이에요. ",
            ]
        ),
    ),
    max_size=40,
).map("".join)


def visible_text(text: str) -> str:
    """The text without whitespace and marks."""
    return re.sub(r"[`*~\s]", "", text)


def contains_all(pages: list[str], text: str) -> bool:
    """Whether all of `text` is in `pages`, in order; a fence's language can be repeated on each page."""
    joined = iter(visible_text("".join(pages)))
    return all(char in joined for char in visible_text(text))


@given(MARKDOWN_TEXTS, st.integers(64, 400), st.integers(64, 900))
def test_pages_fit_and_contain_all_the_content(text: str, max_chars: int, max_bytes: int) -> None:
    pages = discord_text.split_pages(text, max_chars, max_bytes)
    assert all(len(page) <= max_chars for page in pages)
    assert all(discord_text.utf8_bytes(page) <= max_bytes for page in pages)
    assert all(page.strip() for page in pages)
    assert contains_all(pages, text)


@given(st.text(alphabet=st.characters(exclude_characters="*~`", exclude_categories=["Cs"]), max_size=600))
def test_pages_of_text_without_marks_are_the_text(text: str) -> None:
    pages = discord_text.split_pages(text, 64, 128)
    assert re.sub(r"\s", "", "".join(pages)) == re.sub(r"\s", "", text)


@given(MARKDOWN_TEXTS, st.integers(0, 200))
def test_a_shortened_text_fits_and_has_an_ellipsis(text: str, limit: int) -> None:
    for markdown in (True, False):
        short = discord_text.shorten(text, limit, markdown=markdown)
        assert len(short) <= limit
        if short != text and limit:
            assert "…" in short[-12:]


@given(MARKDOWN_TEXTS, st.integers(1, 200))
def test_a_shortened_plain_text_keeps_graphemes_whole(text: str, limit: int) -> None:
    short = discord_text.shorten(text, limit, markdown=False)
    if short != text:
        kept = regex.findall(r"\X", short.removesuffix("…").rstrip())
        assert kept == regex.findall(r"\X", text)[: len(kept)]


@pytest.mark.parametrize(
    "atom", [LINK, "`a code span`", "</daily edit:123456789>", "<t:1739300000:R>", "\\*"]
)
@pytest.mark.parametrize("before", range(40, 64, 3))
def test_no_page_ends_inside_an_atomic_token(atom: str, before: int) -> None:
    text = "a" * before + " " + atom + " " + "b" * 60
    pages = discord_text.split_pages(text, 64, 256)
    assert sum(page.count(atom) for page in pages) == 1
    short = discord_text.shorten(text, 62)
    assert atom in short or not any(mark in short for mark in "[`<\\")


def test_text_that_fits_is_one_page() -> None:
    assert discord_text.split_pages("짧은 글이에요.") == ["짧은 글이에요."]
    assert discord_text.shorten("짧은 글이에요.", 8) == "짧은 글이에요."
    assert discord_text.split_pages(" \n ") == []


def test_a_shortened_text_ends_at_a_sentence() -> None:
    text = "첫 문장은 여기서 끝나요. 둘째 문장은 너무 길어서 끝까지 들어가지 않아요."
    assert discord_text.shorten(text, 25) == "첫 문장은 여기서 끝나요.\u00a0…"


def test_a_sentence_is_preferred_only_if_it_fills_half() -> None:
    text = "짧아요. 그다음 문장은 아주 길어서 한도 안에서는 끝나지 않고 낱말 뒤에서 잘려요."
    assert discord_text.shorten(text, 30) == "짧아요. 그다음 문장은 아주 길어서 한도 안에서는…"


def test_abbreviations_and_list_numbers_do_not_end_a_sentence() -> None:
    assert discord_text.shorten("Models such as those of Lee et al. are strong at this task.", 48).endswith(
        "strong…"
    )
    assert not discord_text.shorten("1. word word word", 6).startswith("1.\u00a0…")


def test_an_open_mark_is_closed_after_the_ellipsis() -> None:
    assert discord_text.shorten("**굵은 글씨가 이어지는 문장**이에요", 14) == "**굵은 글씨가…**"


def test_a_fence_is_closed_and_opened_again() -> None:
    text = (
        "설명\n\n```python\n" + "\n".join(f"    x{number} = {number}" for number in range(20)) + "\n```\n끝"
    )
    pages = discord_text.split_pages(text, 90, 300)
    assert len(pages) > 2
    assert all(page.count("```") % 2 == 0 for page in pages)
    assert all(page.startswith("```python\n    x") for page in pages[1:])


def test_pages_end_between_blocks_if_possible() -> None:
    text = "\n\n".join(f"문단 {number}. " + "낱말 " * 10 for number in range(10))
    assert all(page.startswith("문단") for page in discord_text.split_pages(text, 120, 400))


def test_a_heading_stays_with_the_text_below_it() -> None:
    text = "글 " * 40 + "\n\n**제목**\n" + "글 " * 40
    first, second = discord_text.split_pages(text, 95, 400)
    assert "제목" not in first
    assert second.startswith("**제목**")


def test_bold_is_closed_and_opened_again() -> None:
    pages = discord_text.split_pages("**" + "word " * 40 + "end**", 80, 400)
    assert all(page.startswith("**") and page.endswith("**") and not page.endswith("***") for page in pages)


def test_too_small_pages_are_rejected() -> None:
    with pytest.raises(ValueError, match="64"):
        discord_text.split_pages("text", 10, 10)


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "`",
        "` `` ",
        "*a ",
        "```\n",
        "<",
        "<t:",
        "[](<",
        "\\",
        "\u0301",
        "**",
        "가나다 ",
        "[a](",
        "https://",
    ],
)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    def split_and_shorten(length: int) -> None:
        text = (unit * length)[:length]
        discord_text.split_pages(text, 4000, 9500)
        discord_text.shorten(text, 160)

    growth.assert_linear(split_and_shorten, 5_000)
