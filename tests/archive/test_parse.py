"""Texts with several digests, with none, with arbitrary content, and golden files with their JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.archive import fields, markdown_lines, parse
from storage import errors, models


def newsletter_text(day: str, *numbers: int) -> str:
    rows = [f"## Daily Papers ({day})", ""]
    for number in numbers:
        rows += [f"### [Paper {number}](https://arxiv.org/abs/2502.{number:05})", "", f"Vote: {number}", ""]
        rows += [f"- ***New***: text {number}", ""]
    return "\n".join(rows) + "\n"


def review_text(day: str, *numbers: int) -> str:
    rows = [f"# 📰 Hugging Face Daily Papers – {day}", ""]
    for number in numbers:
        paper = f"2505.{number:05}"
        rows += [f"## {paper}", f"🔗 https://huggingface.co/papers/{paper}", "", "**Summary**:", "글.", ""]
        rows += ["---", ""]
    return "\n".join(rows) + "\n"


def ids(digest: models.Digest) -> list[str]:
    return [paper.arxiv_id for paper in digest.entries]


def rejection_reason(text: str) -> str:
    with pytest.raises(errors.NotADigestError) as raised:
        parse.parse_text(text)
    return str(raised.value)


def test_headings_of_several_dates_are_several_digests() -> None:
    text = (
        newsletter_text("2025-02-06", 1, 2)
        + newsletter_text("2025-02-07", 3)
        + newsletter_text("2025-02-05", 4)
    )
    digests = parse.parse_text(text)
    assert [(digest.date.isoformat(), len(digest.entries)) for digest in digests] == [
        ("2025-02-06", 2),
        ("2025-02-07", 1),
        ("2025-02-05", 1),
    ]
    assert "".join(digest.text.rstrip() + "\n\n" for digest in digests) == text


def test_a_repeated_date_continues_its_digest() -> None:
    text = newsletter_text("2025-02-06", 1, 2) + newsletter_text("2025-02-06", 3)
    (digest,) = parse.parse_text(text)
    assert [(paper.rank, paper.votes) for paper in digest.entries] == [(1, 1), (2, 2), (3, 3)]
    assert digest.problems == ()
    assert digest.text == text.rstrip() + "\n"


def test_a_repeated_date_after_another_continues_its_digest() -> None:
    text = (
        newsletter_text("2025-02-06", 1)
        + newsletter_text("2025-02-07", 2)
        + newsletter_text("2025-02-06", 1, 3)
    )
    first, second = parse.parse_text(text)
    assert (ids(first), ids(second)) == (["2502.00001", "2502.00003"], ["2502.00002"])
    assert [problem.line for problem in first.problems] == [19]
    assert parse.parse_text(first.text)[0].entries == first.entries


def test_both_formats_can_be_in_one_file() -> None:
    digests = parse.parse_text(newsletter_text("2025-05-27", 1) + review_text("2025-05-27", 2))
    assert [(digest.format.value, ids(digest)) for digest in digests] == [
        ("newsletter", ["2502.00001"]),
        ("review", ["2505.00002"]),
    ]


def test_problems_keep_the_lines_of_the_file() -> None:
    text = newsletter_text("2025-02-06", 1) + newsletter_text("2025-02-07", 2).replace("Vote: 2", "Vote: two")
    _, second = parse.parse_text(text)
    assert [problem.line for problem in second.problems] == [13]


def test_an_impossible_date_among_others_and_its_papers_are_problems() -> None:
    text = (
        newsletter_text("2025-02-27", 1) + newsletter_text("2025-02-30", 2) + newsletter_text("2025-03-01", 3)
    )
    first, second = parse.parse_text(text)
    assert (ids(first), ids(second)) == (["2502.00001"], ["2502.00003"])
    assert [problem.line for problem in first.problems] == [9, 11]
    assert "2025-02-30" in first.problems[0].message
    assert parse.parse_text(first.text) == (first,)


def test_papers_above_the_first_date_are_problems() -> None:
    text = "### [Early](https://arxiv.org/abs/2502.00009)\n\n" + newsletter_text("2025-02-06", 1)
    (digest,) = parse.parse_text(text)
    assert ids(digest) == ["2502.00001"]
    assert [problem.line for problem in digest.problems] == [1]
    assert parse.parse_text(digest.text) == (digest,)


@pytest.mark.parametrize(
    "heading", ["# 2025-02-06", "# Reading of February 6, 2025", "### 2025.02.06 목요일"]
)
def test_a_dated_heading_above_papers_is_enough(heading: str) -> None:
    text = (
        newsletter_text("2025-02-06", 1, 2)
        .replace("## Daily Papers (2025-02-06)", heading)
        .replace("### [", "#### [")
    )
    for page in (text, f"My page\n\n{text}"):
        (digest,) = parse.parse_text(page)
        assert (digest.date, ids(digest)) == (date(2025, 2, 6), ["2502.00001", "2502.00002"])


def test_the_date_of_the_page_is_not_that_of_the_digest() -> None:
    (digest,) = parse.parse_text("# My page of 2025-03-01\n\n" + newsletter_text("2025-02-06", 1))
    assert digest.date == date(2025, 2, 6)
    (digest,) = parse.parse_text(
        "# Page, 2025-03-01\n\n" + newsletter_text("2025-02-06", 1).replace("Daily Papers ", "")
    )
    assert digest.date == date(2025, 2, 6)


def test_a_dated_chapter_begins_no_digest() -> None:
    text = review_text("2025-05-27", 1, 2).replace(
        "글.", "## 1. 자료 (2025-01-01)\n\n글.\n\n## 2025-01-02 기준\n\n글."
    )
    (digest,) = parse.parse_text(text)
    assert [len(paper.sections) for paper in digest.entries] == [2, 2]


@pytest.mark.parametrize(
    "text", ["## Daily Papers (2025-02-08)\n", "# 📰 Hugging Face Daily Papers – 2025-02-08\n\n---\n"]
)
def test_a_day_without_papers_is_an_empty_digest(text: str) -> None:
    (digest,) = parse.parse_text(text)
    assert (digest.entries, digest.problems) == ((), ())
    assert digest.format.value == ("review" if "📰" in text else "newsletter")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (" \n\n\t\n", "empty"),
        ("\ufeff", "empty"),
        ("\0\0", "empty"),
        ("# Notes\n\nText.\n", "no heading with a date"),
        (
            "### [A](https://arxiv.org/abs/2502.00001)\n\nVote: 3\n",
            "1 arXiv link, but a list has three papers or a date",
        ),
        ("Daily Papers 2025-02-06\n", "no heading with a date"),
        (newsletter_text("2025-02-30", 1), "2025-02-30 does not exist"),
        ("## Daily Papers (2025-02-30)\n", "2025-02-30 does not exist"),
        (
            "## Daily Papers (2025-02-06)\n\nA paper with a number, 2502.00001, in its text.\n",
            "no paper in a known form",
        ),
        ("# Notes of 2025-02-06\n\nText.\n", "no paper in a known form"),
    ],
)
def test_a_text_without_digest_is_rejected_with_the_reason(text: str, words: str) -> None:
    assert words in rejection_reason(text)
    assert "\n" not in rejection_reason(text)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        (b"\0" * 100, "binary"),
        (b"PK\x03\x04\x14\0\0\0\x08\0\xff", "binary"),
        ("## Daily Papers (2025-02-06)\n".encode("utf-16-le"), "binary"),
        ("한국어".encode("cp949"), "not valid UTF-8"),
        (b"## Daily \xff", "not valid UTF-8 (at byte 9)"),
        (b"\xff\xfea", "not valid UTF-16"),
        (b" " * (parse.MAX_BYTES + 1), "20 MB"),
    ],
)
def test_bytes_that_are_not_text_are_rejected_with_the_reason(data: bytes, words: str) -> None:
    with pytest.raises(errors.NotADigestError, match="it ") as raised:
        parse.decode(data)
    assert words in str(raised.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_decoded_in_the_encodings_of_editors(encoding: str) -> None:
    text = review_text("2025-05-27", 1)
    assert parse.decode(text.encode(encoding)) == text


def test_parsing_imports_no_heavy_module() -> None:
    code = (
        "import sys, bot.archive.parse\n"
        "print(*{m.partition('.')[0] for m in sys.modules} & {'discord', 'sqlalchemy', 'aiohttp', 'pydantic', 'typer'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("path", sorted(DATA.glob("*.md")), ids=lambda path: path.stem)
def test_a_text_gives_the_expected_json(path: Path) -> None:
    digests = parse.parse_text(parse.decode(path.read_bytes()))
    printed = [parse.digest_to_json(digest, path.name) for digest in digests]
    expected = json.loads(path.with_suffix(".expected.json").read_text("utf-8"))
    # As text, since the order of the keys is a contract too.
    assert json.dumps(printed, ensure_ascii=False, indent=1) == json.dumps(
        expected, ensure_ascii=False, indent=1
    )


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
@example(
    "## Daily Papers (2025-02-06)\n\n### [A](https://arxiv.org/abs/2502.00001)\n\nVote: 3\n"
    "## Daily Papers (2025-02-07)\n\n### [B](https://arxiv.org/abs/2502.00002)\n\nVote: abc\n"
    "## Daily Papers (2025-02-30)"
)
@example(
    "## Daily Papers (2025-02-06)\n\n### [A](https://arxiv.org/abs/2502.00001)\n\n- text\n"
    "### [B](https://arxiv.org/abs/2502.00002)\n\n- text\n"
    "## Daily Papers (2025-02-07)\n\n### [C](https://arxiv.org/abs/2502.00003)\n\nVote: abc\n\nOne.\n"
)
@example(
    "🔗 https://huggingface.co/papers/2505.00003\n## Daily Papers (2025-02-30)\n## Daily Papers (2025-02-30)\n"
    "## Daily Papers (2025-02-06)\n### [A](https://arxiv.org/abs/2502.00001)"
)
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
        paper = fields.parse_paper_heading(heading, rows)
        if digests and paper and (paper.title is None or heading.text.startswith("[")):
            assert paper.arxiv_id in known or heading.row + 1 in named


def repeat(unit: str) -> Callable[[int], str]:
    return lambda length: unit * (length // len(unit))


def test_a_list_under_a_date_that_has_a_newsletters_headings_and_other_texts_is_a_list() -> None:
    papers = "".join(
        f"### [{n}] [Growing Much Moss in Garden {n}](https://arxiv.org/abs/2505.{n:05})\n\n*Mina Alder, Tomas Brandt*\n\n"
        f"TL;DR: Error: API quota exceeded\n\n<details>\n\n**Motivation:** 达到API配额限制\n\n"
        f"**Abstract:** Moss {n} grows in many gardens of the world.\n\n</details>\n\n"
        for n in range(1, 4)
    )
    [digest] = parse.parse_text(f"# 2025-05-06\n\n{papers}")
    assert digest.format is models.DigestFormat.LIST
    assert [entry.title for entry in digest.entries] == [
        f"Growing Much Moss in Garden {n}" for n in range(1, 4)
    ]
