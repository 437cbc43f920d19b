"""Rendering digests' Markdown for Discord, and Discord's Markdown as HTML."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.rendering import discord_text, markdown
from tests.rendering.test_discord_text import HOSTILE, UNESCAPED
from tests.support import case_files

_STARTS = ["# 제목\n", "\n", "\n\n", "- ", "  - ", "3. ", "> ", "```\n", "~~~\n"]
_TABLE = "| a | b |\n|---|---|\n| 1 | 2 |\n"
_INLINE = r"$x_1$ \(y\) **굵게(A)**을 *a* ![@](x) [a](https://e.org/(b)) &#64; &lt; <br>"
_OTHER = ["---\n", "<b></b>", "    code\n", "\t", "[a]: b\n", "===\n", "\\", "\x0b", "\u2028"]
BLOCKS = st.lists(
    st.one_of(HOSTILE, *map(st.sampled_from, ([*_STARTS, _TABLE], _INLINE.split(), _OTHER))), max_size=20
).map("".join)


def without_code(text: str) -> str:
    text = re.sub(r"^```[^`\n]*\n.*?\n```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(UNESCAPED + r"(`{1,2})(?!`).+?(?<!`)\1(?!`)", "code", text)


@given(BLOCKS)
def test_rendered_text_has_no_unintended_markup(text: str) -> None:
    rendered = without_code(markdown.render_markdown(text))
    assert not re.search(r"@(everyone|here|[!&]?\d{15})", rendered, re.IGNORECASE)
    for link in re.findall(UNESCAPED + r"\]\(([^)]*)", rendered):
        assert link.startswith(("https://", "http://"))
    assert not re.search(UNESCAPED + r"<(?!https?://)", rendered, re.IGNORECASE)
    unescaped = re.sub(r"\\[!-/:-@\[-`{-~]", "", rendered)
    assert not re.search(r"\|\||_", re.sub(r"<[^<>\s]*>|\]\([^()\s]*\)", "", unescaped))
    assert not re.search(r"^\s*(?:- |\d+\. |> )*(#{1,3} |-# |>>> )", rendered, re.MULTILINE)
    rendered.encode()


@given(BLOCKS)
@example("| a | b |\n|---|---|\n| 1 | 2 |\n0||# 제목\n")
@example("> | a | b |\n> |---|---|\n> | 다 | 라 | **마** | 바 |\n")
def test_rendering_keeps_every_letter(text: str) -> None:
    letters = re.sub(r"[^가-힣]", "", text)
    assert re.sub(r"[^가-힣]", "", markdown.render_markdown(text)) == letters
    assert re.sub(r"[^가-힣]", "", markdown.render_plain(text)) == letters


@pytest.mark.parametrize(
    ("source", "rendered"), case_files.load(__file__, "test_markdown_of_digests_becomes_discords_markdown")
)
def test_markdown_of_digests_becomes_discords_markdown(source: str, rendered: str) -> None:
    assert markdown.render_markdown(source) == rendered


def test_plain_text_has_no_markup() -> None:
    source = "**굵게** [이름](https://e.org) `코드` $\\alpha$\n\n- 하나\n\n```\nx\n```"
    assert markdown.render_plain(source) == "굵게 이름 코드 α\n- 하나\nx"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**모델(CoT)**을 \\*씁니다\\*", "<p><strong>모델(CoT)</strong>을 *씁니다*</p>"),
        ("one\ntwo\n\n- a\n- b", "<p>one<br />\ntwo</p>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("<script>x</script> &lt; \\<b>", "<p>&lt;script&gt;x&lt;/script&gt; &amp;lt; &lt;b&gt;</p>"),
        ("[a](https://a.example/?x=1&y=2)", '<p><a href="https://a.example/?x=1&amp;y=2">a</a></p>'),
        ("[a](javascript:alert) [b](data:x)", "<p>[a](javascript:alert) [b](data:x)</p>"),
        ("![a](https://a.example/p.png)", '<p>!<a href="https://a.example/p.png">a</a></p>'),
        ("```html\n<b>\n```", '<pre><code class="language-html">&lt;b&gt;\n</code></pre>'),
    ],
)
def test_discords_markdown_becomes_safe_html(text: str, shown: str) -> None:
    assert markdown.render_html(text).strip() == shown


@given(st.text())
def test_escaped_text_is_unchanged_in_html(text: str) -> None:
    shown = markdown.render_html(discord_text.escape_text(text)).striptags()
    plain = discord_text.to_single_line(text).replace("\u200b", "")
    assert shown.replace("\u200b", "") == " ".join(plain.split())
