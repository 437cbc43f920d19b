"""Escaping, shortening and splitting text for Discord."""

import re
import unicodedata

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from bot.rendering import discord_text

_MARKUP = (
    "@everyone @here <@123456789012345678> <@&1> <#1> </cmd:1> <t:1:R> <:a:1> [x](javascript:alert(1)) [x](https://e.vil)"
    " ftp://e.vil mailto:a@e.vil Discord.gg/a discordapp.com/invite/a"
    " https://e.vil ** __ ~~ || ` ``` \\ :tada: <https://e.vil> <id:home> [ ] ("
)
_LINE_STARTS = ("# ", "-# ", "> ", ">>> ", "- ", "1. ", "\n", "\r\n", "\u2028")
_INVISIBLE = ("\u202e", "\u2066", "\u200b", "\x00", "\ud800")
HOSTILE = st.lists(
    st.text(max_size=5) | st.sampled_from([*_MARKUP.split(), *_LINE_STARTS, *_INVISIBLE]), max_size=12
).map("".join)
UNESCAPED = r"(?<!\\)(?:\\\\)*"


def unescape(escaped: str) -> str:
    """Return the text that Discord displays for escaped text."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped).replace(discord_text.ZERO_WIDTH_SPACE, "")


@given(HOSTILE)
def test_discord_shows_escaped_text_unchanged(text: str) -> None:
    assert unescape(discord_text.escape_text(text)) == discord_text.to_single_line(text)


@given(HOSTILE)
def test_escaped_text_has_no_active_markup(text: str) -> None:
    escaped = discord_text.escape_text(text)
    assert not re.search(UNESCAPED + r"[*_~|`\[\]<]", escaped)
    assert not re.search(r"@(everyone|here|[!&]?\d{15})", escaped, re.IGNORECASE)
    assert not re.search(r"\w://|mailto:|discord\.gg/|discord(app)?\.com/invite/", escaped, re.IGNORECASE)
    assert not re.match(r"[#>+-]|\d{1,10}[.)]", escaped)
    assert not re.search(UNESCAPED + r":[A-Za-z0-9_]+:", escaped)


@given(HOSTILE)
def test_single_lines_have_no_invisible_characters(text: str) -> None:
    plain = discord_text.to_single_line(text)
    plain.encode()
    assert plain == unicodedata.normalize("NFC", plain).strip()
    assert "\n" not in plain
    assert len(plain.splitlines()) <= 1
    assert not any(unicodedata.bidirectional(char) in {"RLO", "LRO", "RLI", "LRI", "PDF"} for char in plain)


@given(HOSTILE, st.sampled_from(["https://arxiv.org/abs/1", "javascript:x", "https://a b/(c)", ""]))
def test_a_masked_link_contains_only_one_link(text: str, url: str) -> None:
    link = discord_text.masked_link(text, url)
    links = re.findall(UNESCAPED + r"\]\(", link)
    assert len(links) == (1 if discord_text.safe_url(url) and discord_text.link_label(text) else 0)


def test_escaping_is_idempotent() -> None:
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
def test_a_link_label_has_no_brackets_or_urls(title: str, label: str) -> None:
    assert discord_text.masked_link(title, "https://arxiv.org/abs/1") == f"[{label}](https://arxiv.org/abs/1)"


UNSAFE = (
    "https://huggingface.co@e.vil/|javascript:alert(1)|data:text/html,x|//e.vil|/papers/1|https://|https://[::1/"
    "|https://e.org/\u202ea|https://e.org/\na"
)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://arxiv.org/abs/2502.02737", "https://arxiv.org/abs/2502.02737"),
        (" HTTPS://arxiv.org/a ", "HTTPS://arxiv.org/a"),
        ("https://e.org/a (b)?c=[d]", "https://e.org/a%20%28b%29?c=%5Bd%5D"),
        ("https://e.org/한글", "https://e.org/%ED%95%9C%EA%B8%80"),
        *((url, None) for url in UNSAFE.split("|")),
        ("https://e.org/" + "a" * discord_text.LINK_URL, None),
    ],
)
def test_only_web_urls_can_be_linked(url: str, safe: str | None) -> None:
    assert discord_text.safe_url(url) == safe


def test_a_link_with_an_unsafe_url_is_plain_text() -> None:
    assert discord_text.masked_link("Title [x]", "ftp://e.org") == r"Title \[x\]"
    assert discord_text.masked_link("", "https://e.org/") == "<https://e.org/>"


@pytest.mark.parametrize(
    ("text", "span"),
    [("a*b", "`a*b`"), ("a`b", "``a`b``"), ("`a`", "`ˋaˋ`"), ("a``b", "`aˋˋb`"), ("a\nb", "`a b`"), ("", "")],
)
def test_a_code_span_can_contain_any_text(text: str, span: str) -> None:
    assert discord_text.code_span(text) == span


LINK = "[SmolLM2](https://huggingface.co/papers/2502.02737)"
ATOMS = [LINK, "`a code span`", "</daily edit:123456789>", "<t:1739300000:R>", "\\*"]
MARKDOWN_TEXTS = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from([*ATOMS, "``a`b``", "```", "`", "[", "*", "**", "**bold words**", "***both***"]),
        st.sampled_from(
            ["~~gone~~", "\n", "\n\n", "- item\n", "# h\n", "👨‍👩‍👧‍👦", "e\u0301", "한국어 문장이에요. "]
        ),
        st.just("\n```py\nx = 1\n\n  y = 2\n```\n"),
    ),
    max_size=40,
).map("".join)


def visible_text(text: str) -> str:
    """Return the text without whitespace and formatting marks."""
    return re.sub(r"[`*~\s]", "", text)


def contains_all(pages: list[str], text: str) -> bool:
    """Return whether the pages contain the whole text in order. Each page may repeat a fence's language."""
    joined = iter(visible_text("".join(pages)))
    return all(char in joined for char in visible_text(text))


@given(MARKDOWN_TEXTS, st.integers(64, 400), st.integers(64, 900))
def test_pages_fit_and_contain_all_text(text: str, max_chars: int, max_bytes: int) -> None:
    pages = discord_text.split_pages(text, max_chars, max_bytes)
    assert all(len(page) <= max_chars for page in pages)
    assert all(discord_text.utf8_bytes(page) <= max_bytes for page in pages)
    assert all(page.strip() for page in pages)
    assert contains_all(pages, text)


@given(MARKDOWN_TEXTS, st.integers(0, 200))
def test_a_shortened_text_fits_and_ends_in_an_ellipsis(text: str, limit: int) -> None:
    for markdown in (True, False):
        short = discord_text.shorten(text, limit, markdown=markdown)
        assert len(short) <= limit
        if short != text and limit:
            assert "…" in short[-12:]


@given(MARKDOWN_TEXTS, st.integers(1, 200))
@example("0\u200c00", 3)
def test_shortening_keeps_graphemes_whole(text: str, limit: int) -> None:
    short = discord_text.shorten(text, limit, markdown=False)
    if short != text:
        kept = regex.findall(r"\X", short.removesuffix("…").rstrip())
        assert kept == regex.findall(r"\X", text)[: len(kept)]


@pytest.mark.parametrize("atom", ATOMS)
@pytest.mark.parametrize("before", range(40, 64, 3))
def test_a_page_never_ends_inside_an_indivisible_element(atom: str, before: int) -> None:
    text = "a" * before + " " + atom + " " + "b" * 60
    pages = discord_text.split_pages(text, 64, 256)
    assert sum(page.count(atom) for page in pages) == 1
    short = discord_text.shorten(text, 62)
    assert atom in short or not any(mark in short for mark in "[`<\\")


def test_a_text_that_fits_is_one_page() -> None:
    assert discord_text.split_pages("짧은 글이에요.", 64, 256) == ["짧은 글이에요."]
    assert discord_text.shorten("짧은 글이에요.", 8) == "짧은 글이에요."
    assert discord_text.split_pages(" \n ", 64, 256) == []


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("첫 문장은 여기서 끝나요. 둘째 문장은 너무 길어서 들어가지 않아요.", 25, "첫 문장은 여기서 끝나요.\u00a0…"),
        ("짧아요. 그다음 문장은 아주 길어서 한도 안에서는 안 끝나요.", 30, "짧아요. 그다음 문장은 아주 길어서 한도 안에서는…"),
        ("Models such as those of Lee et al. are strong.", 43, "Models such as those of Lee et al. are…"),
        ("1. word word word", 6, "1.…"),
        ("**굵은 글씨가 이어지는 문장**이에요", 14, "**굵은 글씨가…**"),
    ],
    ids=["at a sentence", "unless it is too short", "abbreviation", "number of a list", "bold"],
)  # fmt: skip
def test_a_text_is_cut_after_a_sentence_or_a_word(text: str, limit: int, short: str) -> None:
    assert discord_text.shorten(text, limit) == short


def test_a_code_fence_is_closed_and_reopened_across_pages() -> None:
    code = "\n".join(f"    x{number} = {number}" for number in range(20))
    text = f"설명\n\n```python\n{code}\n```\n끝"
    pages = discord_text.split_pages(text, 90, 300)
    assert len(pages) > 2
    assert all(page.count("```") % 2 == 0 for page in pages)
    assert all(page.startswith("```python\n    x") for page in pages[1:])


def test_pages_end_between_blocks_if_possible() -> None:
    text = "\n\n".join(f"문단 {number}. " + "낱말 " * 10 for number in range(10))
    assert all(page.startswith("문단") for page in discord_text.split_pages(text, 120, 400))


def test_a_heading_stays_with_its_text() -> None:
    text = "글 " * 40 + "\n\n**제목**\n" + "글 " * 40
    first, second = discord_text.split_pages(text, 95, 400)
    assert "제목" not in first
    assert second.startswith("**제목**")


def test_bold_text_is_closed_and_reopened_across_pages() -> None:
    pages = discord_text.split_pages("**" + "word " * 40 + "end**", 80, 400)
    assert all(page.startswith("**") and page.endswith("**") and not page.endswith("***") for page in pages)


def test_page_limits_below_64_are_rejected() -> None:
    with pytest.raises(ValueError, match="64"):
        discord_text.split_pages("text", 10, 10)


def test_text_that_exceeds_the_budget_does_not_change_the_budget() -> None:
    budget = discord_text.Budget(components=2)
    assert budget.add(1, ["one"])
    assert not budget.add(2, ["two", "three"])
    assert (budget.components, budget.characters) == (1, discord_text.TEXT - 3)
    assert budget.add(1, ["two"])
    assert not budget.add(1, ["three"])
