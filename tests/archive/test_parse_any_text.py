"""Any text gives valid digests or is rejected, in time linear in its length."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.archive import headings, markdown_lines, parse
from bot.core import errors
from storage import models
from tests.archive.test_parse import ids, newsletter_text, review_text
from tests.support import growth

DIGEST_LINES = st.sampled_from(
    [
        "## Daily Papers (2025-02-06)",
        "## Daily Papers (2025-02-07)",
        "## Daily Papers (2025-02-30)",
        "# 📰 Hugging Face Daily Papers – 2025-05-27",
        "# 2025-02-06",
        "## 2025-02-07 기준",
        "### [A](https://arxiv.org/abs/2502.00001)",
        "### [B [x](y)](https://huggingface.co/papers/2502.00002v3)",
        "### [C](https://example.org)",
        "#### D",
        "### [E",
        "F](https://arxiv.org/abs/2502.00006)",
        "## 2505.00003",
        "## 2505.00004",
        "🔗 https://huggingface.co/papers/2505.00003",
        "🔗 https://huggingface.co/papers/2505.00005",
        "**Summary**:",
        "```markdown",
        "```",
        "```python",
        "# 논문 요약: 글",
        "## 1. 동기",
        "## 결과",
        "# About",
        "**1. 동기**",
        "1. **동기**",
        "---",
        "",
        "",
        "글.",
        "죄송합니다.",
        "Vote: 3",
        "Vote: abc",
        "Authors: A B, +",
        "- ***New***: text",
        "- text",
        "  - text",
        "<!-- a",
        "<video>",
    ]
)
TEXTS = st.lists(DIGEST_LINES | st.text(max_size=20), max_size=30).map("\n".join) | st.text()


def parse_or_none(text: str) -> tuple[models.Digest, ...]:
    try:
        return parse.parse_text(text)
    except errors.NotADigestError:
        return ()


@given(TEXTS)
def test_any_text_gives_valid_digests_or_is_rejected(text: str) -> None:
    for digest in parse_or_none(text):
        assert [paper.rank for paper in digest.entries] == list(range(1, len(digest.entries) + 1))
        assert len(set(ids(digest))) == len(digest.entries)
        assert all(paper.summary_missing or paper.sections for paper in digest.entries)
        assert all(section.body.strip() for paper in digest.entries for section in paper.sections)
        assert all(
            1 <= problem.line <= text.count("\n") + text.count("\r") + 1 for problem in digest.problems
        )
        assert [problem.line for problem in digest.problems] == sorted(p.line for p in digest.problems)


@given(TEXTS)
def test_every_digest_parses_the_same_from_its_own_text(text: str) -> None:
    for digest in parse_or_none(text):
        (again,) = parse.parse_text(digest.text)
        assert (again.format, again.date, again.entries, again.text) == (
            digest.format,
            digest.date,
            digest.entries,
            digest.text,
        )
        assert [problem.message for problem in again.problems] == [
            problem.message for problem in digest.problems
        ]


@given(TEXTS)
@example("## Daily Papers (2025-02-06)\n\n### [A](https://arxiv.org/abs/2502.00001)")
def test_line_ends_and_byte_order_marks_change_nothing(text: str) -> None:
    text = text.replace("\r", "").replace("\0", "").removeprefix("\ufeff")
    expected = parse_or_none(text)
    assert parse_or_none(text.replace("\n", "\r\n")) == expected
    assert parse_or_none("\ufeff" + text) == expected
    assert parse_or_none(text + "\n") == expected
    assert parse_or_none(text.replace("\n", "\n\0")) == expected


@given(TEXTS)
def test_every_paper_is_an_entry_or_a_problem(text: str) -> None:
    digests = parse_or_none(text)
    known = {paper.arxiv_id for digest in digests for paper in digest.entries}
    named = {problem.line for digest in digests for problem in digest.problems}
    rows = markdown_lines.normalise(text).split("\n")
    for heading in markdown_lines.find_headings(rows):
        paper = headings.parse_paper_heading(heading, rows)
        if digests and paper and (paper.is_bare_id or heading.text.startswith("[")):
            assert paper.arxiv_id in known or heading.row + 1 in named


SIZE = 300_000
HOSTILE = {
    "brackets": "### " + "[" * SIZE + "](https://arxiv.org/abs/2502.00001)",
    "links": "### " + "](" * (SIZE // 2),
    "papers in one heading": "### " + "[a](https://arxiv.org/abs/2502.00001) " * (SIZE // 40),
    "closing brackets": "### [" + "]" * SIZE + "(https://arxiv.org/abs/2502.00001)",
    "addresses": "### " + "https://arxiv.org/abs/" * (SIZE // 22),
    "fences": "```\n" * (SIZE // 4),
    "open fences": "```python\n" * (SIZE // 10),
    "open answers": "```markdown\n" * (SIZE // 12),
    "answers": "```markdown\nx\n```\n" * (SIZE // 18),
    "bullets": "- \n" * (SIZE // 3),
    "nested bullets": "- a\n" + "  - b\n" * (SIZE // 6),
    "stray lines": "x\n\n" * (SIZE // 3),
    "one long line": "x" * SIZE,
    "stars": "- " + "*" * SIZE,
    "underscores": "_" * SIZE,
    "bold": "- " + "**a" * (SIZE // 3),
    "rules": "---\n" * (SIZE // 4),
    "headings": "## x\n\n" * (SIZE // 6),
    "deep headings": "#### x\n" * (SIZE // 7),
    "dates": "## Daily Papers (2025-02-06)\n" * (SIZE // 29),
    "impossible dates": "## Daily Papers (2025-02-30)\n" * (SIZE // 29),
    "a dated line": "## " + "2025-02-06 " * (SIZE // 11),
    "comments": "<!--\n" * (SIZE // 5),
    "tags": "<video\n" * (SIZE // 7) + "<a " * (SIZE // 3),
    "quotes": "Authors: ['" + "\\'" * (SIZE // 2),
    "names": "Authors: " + "+," * (SIZE // 2),
    "lines of names": "Authors: a,\n" + "b,\n" * (SIZE // 3),
    "digits": "Vote: " + "9" * SIZE,
    "images": "![" * (SIZE // 2),
    "apologies": "죄송합니다. " * (SIZE // 7),
    "blank lines": "\n" * SIZE,
    "spaces": " " * SIZE,
    "spaces in a line": "- a" + " " * SIZE + "b",
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("form", ["newsletter", "review"])
def test_hostile_text_takes_linear_time(kind: str, form: str) -> None:
    make = newsletter_text if form == "newsletter" else review_text

    def parse_hostile(length: int) -> None:
        parse_or_none(make("2025-02-06", 1, 2) + HOSTILE[kind][:length] + "\n\n" + make("2025-02-06", 3))

    growth.assert_linear(parse_hostile, SIZE // 4)


@pytest.mark.parametrize("order", [1, -1], ids=["ever longer", "ever shorter"])
@pytest.mark.parametrize("form", ["newsletter", "review"])
def test_fences_of_many_lengths_take_time_linear_in_their_text(order: int, form: str) -> None:
    make = newsletter_text if form == "newsletter" else review_text

    def parse_fences(length: int) -> None:
        # Twice as many fences are four times the text; a prefix of one long text would not keep that shape.
        fences = ["`" * size + "x" for size in range(3, math.isqrt(2 * length))][::order]
        parse_or_none(make("2025-02-06", 1, 2) + "\n".join(fences) + "\n\n" + make("2025-02-06", 3))

    growth.assert_linear(parse_fences, SIZE // 4)
