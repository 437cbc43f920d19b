"""Texts with several digests, with none, and real ones, if there are any next to the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from bot.archive import arxiv_ids, headings, parse
from bot.core import errors
from storage import models


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
        rows += [
            f"## {paper}",
            f"🔗 https://huggingface.co/papers/{paper}",
            "",
            "**Summary**:",
            "글.",
            "",
            "---",
            "",
        ]
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
    "heading",
    [
        "# 2025-02-06",
        "## 2025년 2월 6일",
        "# Reading of February 6, 2025",
        "# 논문 (2025/02/06)",
        "### 2025.02.06 목요일",
    ],
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


def test_papers_beyond_the_most_of_a_digest_are_named_and_left_out() -> None:
    most = headings.MAX_PAPERS
    full = newsletter_text("2025-02-06", *range(most))
    extra = newsletter_text("2025-02-06", 7, most, most + 1)
    (digest,) = parse.parse_text(full)
    assert (len(digest.entries), digest.problems) == (most, ())
    (digest,) = parse.parse_text(full + extra)
    assert ids(digest) == [f"2502.{number:05}" for number in range(most)]
    repeated, excess = digest.problems
    assert "2502.00007 stands here again" in repeated.message
    assert excess == models.Problem(
        full.count("\n") + 1 + extra[: extra.index(f"Paper {most}]")].count("\n"),
        "a digest has at most 5000 papers; 2 papers are left out from here on",
    )


def test_authors_and_sections_beyond_the_most_of_a_paper_are_named_and_left_out() -> None:
    authors = ", ".join(f"Ann {number}" for number in range(headings.MAX_AUTHORS + 2))
    bullets = "\n".join(f"- text {number}" for number in range(headings.MAX_SECTIONS + 1))
    heading = "## Daily Papers (2025-02-06)\n\n### [Paper](https://arxiv.org/abs/2502.00001)\n\n"
    (digest,) = parse.parse_text(f"{heading}Authors: {authors}\n\n{bullets}\n")
    (paper,) = digest.entries
    assert (len(paper.authors), paper.authors_truncated) == (headings.MAX_AUTHORS, True)
    assert len(paper.sections) == headings.MAX_SECTIONS
    assert digest.problems == (
        models.Problem(3, "a paper has at most 10000 authors; 2 of 2502.00001 are left out"),
        models.Problem(3, "a paper has at most 1000 sections; 1 of 2502.00001 are left out"),
    )


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
        ("### [A](https://arxiv.org/abs/2502.00001)\n\nVote: 3\n", "no heading with a date"),
        ("Daily Papers 2025-02-06\n", "no heading with a date"),
        (newsletter_text("2025-02-30", 1), "2025-02-30 does not exist"),
        ("## Daily Papers (2025-02-30)\n", "2025-02-30 does not exist"),
        (newsletter_text("2025-02-06 ~ 2025-02-07", 1), "more than one date"),
        ("## Daily Papers (2025-02-06)\n\n1. A paper, 2502.00001\n", "no paper in a known form"),
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
def test_bytes_that_are_no_text_are_rejected_with_the_reason(data: bytes, words: str) -> None:
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


def test_the_problem_of_a_repeated_paper_begins_with_its_id() -> None:
    (digest,) = parse.parse_text(newsletter_text("2025-02-06", 1, 1))
    assert arxiv_ids.parse_bare_id(digest.problems[0].message.split()[0]) == "2502.00001"


DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("path", sorted(DATA.glob("*.md")), ids=lambda path: path.stem)
def test_a_text_gives_the_expected_json(path: Path) -> None:
    digests = parse.parse_text(parse.decode(path.read_bytes()))
    printed = [parse.digest_to_json(digest, path.name) for digest in digests]
    expected = json.loads(path.with_suffix(".expected.json").read_text("utf-8"))
    assert printed == expected


def test_the_keys_are_in_the_order_of_the_contract() -> None:
    (digest,) = parse.parse_text((DATA / "review.md").read_text("utf-8"))
    printed = parse.digest_to_json(digest, "a/b.md")
    assert list(printed) == ["file", "format", "date", "papers", "problems"]
    assert list(printed["papers"][0]) == [
        "rank",
        "arxiv_id",
        "title",
        "url",
        "votes",
        "authors",
        "authors_truncated",
        "thumbnail",
        "video",
        "sections",
        "summary_missing",
    ]
    assert list(printed["papers"][0]["sections"][0]) == ["heading", "body"]
    assert printed["file"] == "a/b.md"


SHARED = Path(__file__).parents[2] / "../shared"
SEEDS = sorted((SHARED / "seeds").glob("*.txt"))
ARCHIVE = sorted((SHARED / "archive" / "newsletter").rglob("*.md")) + sorted(
    (SHARED / "archive" / "review").glob("*.md")
)

needs_seeds = pytest.mark.skipif(not SEEDS, reason="no real digests next to this checkout")
needs_archive = pytest.mark.skipif(not ARCHIVE, reason="no real archive next to this checkout")


def parse_digest(path: Path) -> models.Digest:
    (digest,) = parse.parse_text(parse.decode(path.read_bytes()))
    return digest


@needs_seeds
def test_the_seeds_are_four_digests_without_a_problem() -> None:
    digests = [parse_digest(path) for path in SEEDS]
    assert [len(digest.entries) for digest in digests] == [15, 27, 26, 27]
    assert [digest.problems for digest in digests] == [()] * 4
    assert [digest.format.value for digest in digests] == ["newsletter", "newsletter", "review", "newsletter"]


@needs_seeds
def test_the_first_paper_of_the_first_seed_is_parsed_completely() -> None:
    paper = parse_digest(SEEDS[0]).entries[0]
    assert (paper.rank, paper.arxiv_id, paper.votes) == (1, "2502.02737", 81)
    assert len(paper.authors) == 22
    assert "Andrés Marafioti" in paper.authors
    assert [section.heading for section in paper.sections] == [
        "What's New",
        "Technical Details",
        "Performance Highlights",
    ]


@needs_seeds
def test_each_paper_of_the_review_seed_has_its_chapters() -> None:
    for paper in parse_digest(SEEDS[2]).entries:
        assert paper.summary_missing or len([s for s in paper.sections if s.heading]) >= 7


@needs_archive
@pytest.mark.parametrize("path", ARCHIVE, ids=lambda path: "-".join(path.parts[-3:]))
def test_each_file_of_the_archive_is_one_digest_of_its_date_without_a_problem(path: Path) -> None:
    digest = parse_digest(path)
    assert digest.problems == ()
    assert digest.date.isoformat().replace("-", "") in "".join(path.parts).replace("-", "").replace(".md", "")
    assert all(paper.sections or paper.summary_missing for paper in digest.entries)


@needs_archive
@pytest.mark.parametrize("path", ARCHIVE[::7], ids=lambda path: "-".join(path.parts[-3:]))
def test_a_digest_parses_the_same_from_its_own_text(path: Path) -> None:
    digest = parse_digest(path)
    assert parse.parse_text(digest.text) == (digest,)
