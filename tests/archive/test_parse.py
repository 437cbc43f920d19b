"""Texts with several digests or none, arbitrary texts, and golden files."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.archive import parse
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
    return [paper.paper_key for paper in digest.entries]


def parse_days(text: str) -> list[tuple[str, str, list[int]]]:
    """Return each digest's date, format and paper numbers."""
    return [
        (str(digest.date), digest.format.value, [int(arxiv_id[5:]) for arxiv_id in ids(digest)])
        for digest in parse.parse_text(text)
    ]


def test_each_pair_of_date_and_format_is_one_digest() -> None:
    one, two = newsletter_text("2025-02-06", 1, 2), newsletter_text("2025-02-07", 3)
    again = newsletter_text("2025-02-06", 1, 4)
    assert parse_days(one + two + again + review_text("2025-02-06", 5)) == [
        ("2025-02-06", "newsletter", [1, 2, 4]),
        ("2025-02-07", "newsletter", [3]),
        ("2025-02-06", "review", [5]),
    ]
    first, *_ = parse.parse_text(one + two + again)
    assert [(problem.line, problem.message[:10]) for problem in first.problems] == [(25, "2502.00001")]
    assert first.text == (one + again).rstrip() + "\n"
    assert parse.parse_text(first.text)[0].entries == first.entries


def test_reports_papers_under_an_impossible_date() -> None:
    early = "### [Early](https://arxiv.org/abs/2502.00009)\n\n"
    text = early + newsletter_text("2025-02-30", 2) + newsletter_text("2025-03-01", 3)
    [digest] = parse.parse_text(text)
    assert ids(digest) == ["2502.00003"]
    assert [problem.line for problem in digest.problems] == [1, 3, 5]
    assert "2025-02-30" in digest.problems[1].message


def test_only_a_daily_papers_heading_sets_the_digests_date() -> None:
    text = "# My page of 2025-03-01\n\n" + review_text("2025-05-27", 1)
    text = text.replace("글.", "## 1. 자료 (2025-01-01)\n\n글.\n\n## 2025-01-02 기준\n\n글.")
    assert parse_days(text) == [("2025-05-27", "review", [1])]
    listed = newsletter_text("2025-02-06", 1, 2).replace("Daily Papers ", "")
    assert parse_days(listed) == [("2025-02-06", "list", [1, 2])]


def test_day_without_papers_becomes_an_empty_digest() -> None:
    for form, text in (("newsletter", newsletter_text("2025-02-08")), ("review", review_text("2025-02-08"))):
        (digest,) = parse.parse_text(f"{text}---\n")
        assert (digest.format, digest.entries, digest.problems) == (form, (), ())


def test_list_below_a_newsletter_heading_is_parsed_as_a_list() -> None:
    rows = "".join(f"- [Paper {n} on Kites and Wind](https://arxiv.org/abs/2502.{n:05})\n" for n in (2, 3))
    paper = "### [One Paper on Kites](https://arxiv.org/abs/2502.00001)\n\n- text\n"
    for text in (rows, rows + paper):
        [(day, form, papers)] = parse_days(f"## Daily Papers (2025-02-06)\n\n{text}")
        assert (day, form, papers[:2]) == ("2025-02-06", "list", [2, 3])


def test_rejects_text_without_a_digest() -> None:
    for text, words in (
        *((blank, "empty") for blank in ("", " \n\n\t\n", "\ufeff", "\0\0")),
        ("# Notes of 2025-02-06\n\nText.\n", "names no paper"),
        ("## Daily Papers (2025-02-06)\n\nNo paper.\n", "names no paper"),
        (newsletter_text("2025-02-06", 1).partition("\n")[2], "1 arXiv link, but a list has three papers or a date"),
        (newsletter_text("2025-02-30", 1), "line 1: its date does not exist: “Daily Papers (2025-02-30)”"),
        ("## Daily Papers (2025-02-30)\n", "its date does not exist"),
        ('\ufeff<?xml version="1.0"?>\n<!-- a --><rss version="2.0"></rss>', "it is a feed (RSS or Atom)"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'><link href='https://arxiv.org/abs/2502.00001'/></feed>", "it is a feed"),
        ("<?xml version='1.0'?><records><id>2502.00001</id></records>", "it is XML, but neither"),
    ):  # fmt: skip
        with pytest.raises(errors.NotADigestError) as raised:
            parse.parse_text(text)
        assert words in str(raised.value), text
        assert "\n" not in str(raised.value), text


def test_rejects_bytes_that_are_not_text() -> None:
    for data, words in (
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        ("논문".encode()[:-1] + b"\x80\xff", "not UTF-8, and no other charset is certain"),
        (b"\xff\xfea", "not valid UTF-16"),
        (b" " * (parse.MAX_BYTES + 1), "may have 5 MB"),
    ):
        with pytest.raises(errors.NotADigestError, match="it ") as raised:
            parse.decode(data)
        assert words in str(raised.value), data


DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("path", sorted(DATA.glob("*.md")), ids=lambda path: path.stem)
def test_golden_file_parses_to_the_expected_json(path: Path) -> None:
    digests = parse.parse_text(parse.decode(path.read_bytes()))
    printed = [parse.digest_to_json(digest, path.name) for digest in digests]
    expected = json.loads(path.with_suffix(".expected.json").read_text("utf-8"))
    # Compared as text, since the order of the keys is part of the contract.
    assert json.dumps(printed, ensure_ascii=False, indent=1) == json.dumps(
        expected, ensure_ascii=False, indent=1
    )


DIGEST_LINES = st.sampled_from(
    [
        *("## Daily Papers (2025-02-06)", "## Daily Papers (2025-02-07)", "## Daily Papers (2025-02-30)"),
        *("# 📰 Hugging Face Daily Papers – 2025-05-27", "# 2025-02-06", "## 2025-02-07 기준"),
        *("### [A](https://arxiv.org/abs/2502.00001)", "### [C](https://example.org)", "#### D", "### [E"),
        *("### [B [x](y)](https://huggingface.co/papers/2502.00002v3)", "## 2505.00003", "## 2505.00004"),
        *("🔗 https://huggingface.co/papers/2505.00003", "🔗 https://huggingface.co/papers/2505.00005"),
        *("**Summary**:", "```markdown", "```", "```python", "# 논문 요약: 글", "## 1. 동기", "## 결과"),
        *("# About", "**1. 동기**", "1. **동기**", "---", "", "글.", "죄송합니다.", "Vote: 3", "Vote: abc"),
        *("Authors: A B, +", "- ***New***: text", "- text", "  - text", "<!-- a", "<video>"),
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
        lines = [problem.line for problem in digest.problems]
        assert lines == sorted(lines)
        assert all(1 <= line <= text.count("\n") + text.count("\r") + 1 for line in lines)


@given(TEXTS)
@example(newsletter_text("2025-02-06", 1) + newsletter_text("2025-02-30", 2))
def test_digest_round_trips_through_its_text(text: str) -> None:
    for digest in parse_or_none(text):
        (again,) = parse.parse_text(digest.text)
        assert again.date == digest.date
        if again.format is digest.format:
            assert again.entries == digest.entries
        else:
            assert set(ids(again)) > set(ids(digest))


@given(TEXTS)
@example("## Daily Papers (2025-02-06)\n\n### [A](https://arxiv.org/abs/2502.00001)")
def test_line_endings_and_byte_order_marks_do_not_matter(text: str) -> None:
    text = text.replace("\r", "").replace("\0", "").removeprefix("\ufeff")
    expected = parse_or_none(text)
    assert parse_or_none(text.replace("\n", "\r\n")) == expected
    assert parse_or_none("\ufeff" + text) == expected
    assert parse_or_none(text.replace("\n", "\n\0")) == expected
