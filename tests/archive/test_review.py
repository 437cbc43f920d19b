"""The review format, parsed by the entry point."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from bot.archive import parse
from storage.models import Digest, DigestFormat, Entry, Section

DATE = "# 📰 Hugging Face Daily Papers – 2025-05-27\n\n"
CHAPTERS = "# 작은 모델\n\n## 1. 동기\n\n작다.\n\n## 2. 결과\n\n- **속도**: 빠르다.\n- **크기**: 작다.\n"


def paper_text(summary: str, paper: str = "2505.00001") -> str:
    return f"## {paper}\n🔗 https://huggingface.co/papers/{paper}\n\n**Summary**:\n{summary}\n\n---\n\n"


def fence(text: str) -> str:
    return f"```markdown\n{text}```\n "


def parse_digest(text: str) -> Digest:
    (digest,) = parse.parse_text(text)
    return digest


def parse_summary(summary: str) -> Entry:
    """The first of two papers; the second one shows where the first ends."""
    digest = parse_digest(DATE + paper_text(summary) + paper_text(fence(CHAPTERS), "2505.00002"))
    assert [paper.arxiv_id for paper in digest.entries] == ["2505.00001", "2505.00002"]
    assert len(digest.entries[1].sections) == 2
    assert digest.problems == ()
    return digest.entries[0]


def test_a_paper_is_parsed_completely() -> None:
    digest = parse_digest(DATE + paper_text(fence(CHAPTERS)))
    assert (digest.format, digest.date, digest.problems) == (DigestFormat.REVIEW, date(2025, 5, 27), ())
    assert digest.entries == (
        Entry(
            rank=1,
            arxiv_id="2505.00001",
            title="작은 모델",
            url="https://huggingface.co/papers/2505.00001",
            sections=(
                Section("1. 동기", "작다."),
                Section("2. 결과", "- **속도**: 빠르다.\n- **크기**: 작다."),
            ),
        ),
    )


@pytest.mark.parametrize("line", ["Authors: A. Kim, B. Lee", "Author: A. Kim", "Vote: 9"])
@pytest.mark.parametrize("wrap", [fence, str])
def test_a_summary_that_begins_like_a_newsletter_leaves_the_day_a_review(
    line: str, wrap: Callable[[str], str]
) -> None:
    fields = "Vote: 7\nAuthors: A. Kim, B. Lee\n"
    papers = [
        paper_text(wrap(text), f"2505.0000{number}").replace("\n\n", f"\n{fields}\n", 1)
        for number, text in enumerate((f"{line}\n\n{CHAPTERS}", CHAPTERS, CHAPTERS), 1)
    ]
    digest = parse_digest(DATE + "".join(papers))
    assert digest.format is DigestFormat.REVIEW
    assert [(entry.votes, len(entry.authors)) for entry in digest.entries] == [(7, 2)] * 3
    assert [entry.title for entry in digest.entries][1:] == ["작은 모델"] * 2
    assert digest.entries[1].sections == digest.entries[2].sections == parse_summary(fence(CHAPTERS)).sections


CODE, TABLE, BARE = (
    "```python\n# no heading\n## 9. none\n```",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "```\n# no\n```",
)
SECTIONS: dict[str, tuple[str, list[tuple[str | None, str]]]] = {
    "no fence": (CHAPTERS, [("1. 동기", "작다."), ("2. 결과", "- **속도**: 빠르다.\n- **크기**: 작다.")]),
    "text before": ("작은 모델.\n\n**1. 동기**\n\n작다.\n", [(None, "작은 모델."), ("1. 동기", "작다.")]),
    "no chapters": (
        "글.\n\n1. **하나**: 글\n2. **둘**: 글\n",
        [(None, "글.\n\n1. **하나**: 글\n2. **둘**: 글")],
    ),
    "lower headings": (
        "## 1. 동기\n\n### 1.1 배경\n\n글\n\n**굵은 줄**\n\n## 2. 결과\n\n글\n",
        [("1. 동기", "### 1.1 배경\n\n글\n\n**굵은 줄**"), ("2. 결과", "글")],
    ),
    "bold lines": (
        "**1. 동기**\n\n**굵은 줄**\n\n글\n\n**2. 결과**\n\n글\n",
        [("1. 동기", "**굵은 줄**\n\n글"), ("2. 결과", "글")],
    ),
    "indented chapters": (
        fence("1. **동기**\n   - 하나\n     - 둘\n\n2. **결과**\n   - 셋\n"),
        [("1. 동기", "- 하나\n  - 둘"), ("2. 결과", "- 셋")],
    ),
    "rules": ("## 1. 동기\n\n글\n\n---\n\n## 2. 결과\n\n글\n", [("1. 동기", "글"), ("2. 결과", "글")]),
    "rules without numbers": ("## 동기\n\n글\n\n---\n\n## 결과\n\n글\n", [("동기", "글"), ("결과", "글")]),
    "text around a fence": (
        "앞.\n\n" + fence("## 1. 동기\n\n작다.\n") + "\n\n뒤.\n",
        [(None, "앞."), ("1. 동기", "작다.\n \n\n뒤.")],
    ),
    **dict.fromkeys(
        ("code and tables", "code and tables in a fence"),
        (
            f"## 1. 동기\n\n{CODE}\n\n## 2. 결과\n\n{TABLE}\n\n{BARE}\n\n## 3. 끝\n\n글\n",
            [("1. 동기", CODE), ("2. 결과", f"{TABLE}\n\n{BARE}"), ("3. 끝", "글")],
        ),
    ),
}


@pytest.mark.parametrize("kind", SECTIONS)
def test_a_summary_is_divided_into_its_chapters_alone(kind: str) -> None:
    summary, expected = SECTIONS[kind]
    paper = parse_summary(fence(summary) if kind.endswith("in a fence") else summary)
    assert [(section.heading, section.body) for section in paper.sections] == expected
    assert not paper.summary_missing
    assert paper.title == ("작은 모델" if summary is CHAPTERS else None)


@pytest.mark.parametrize(
    "line",
    [
        "## 1. {}",
        "### 1. {}",
        "## **1. {}**",
        "## {}",
        "**1. {}**",
        "**1. {}:**",
        "**{}**",
        "**{}:**",
        "**{}**:",
        "1. **{}**",
        "1. **{}**:",
        "**1) {}**",
    ],
)
def test_chapters_are_found_in_every_notation(line: str) -> None:
    text = "\n\n".join(f"{line.format(name)}\n\n- **굵게**: 글\n- 글" for name in ("동기", "방법", "결과"))
    for summary in (text, f"머리말.\n\n{text}", fence(text + "\n"), fence("# 제목 하나\n\n" + text + "\n")):
        paper = parse_summary(summary)
        names = [
            (section.heading or "").removeprefix("1. ").removeprefix("1) ") for section in paper.sections
        ]
        assert [name for name in names if name] == ["동기", "방법", "결과"]
        assert {section.body for section in paper.sections if section.heading} == {"- **굵게**: 글\n- 글"}


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("# 논문 요약: 작은 모델", "작은 모델"),
        ('# 논문 요약: "작은 모델"', "작은 모델"),
        ("# 논문 요약: “작은 모델”", "작은 모델"),
        ("# 논문 요약 - 작은 모델", "작은 모델"),
        ("# **논문 요약: 작은 모델**", "작은 모델"),
        ("# [논문 요약] 작은 모델", "작은 모델"),
        ('# "작은" 모델의 "큰" 힘', '"작은" 모델의 "큰" 힘'),
        ("## 논문 요약: 작은 모델", "작은 모델"),
        ("**논문 요약: 작은 모델**", "작은 모델"),
        ("# 작은 모델: 요약", "작은 모델: 요약"),
        ("# 논문 요약", None),
    ],
)
def test_the_title_is_the_heading_of_the_summary(heading: str, title: str | None) -> None:
    paper = parse_summary(f"{heading}\n\n## 1. 동기\n\n글\n\n## 2. 결과\n\n글\n")
    assert paper.title == title
    assert [section.heading for section in paper.sections] == ["1. 동기", "2. 결과"]


def test_a_chapter_is_not_a_title() -> None:
    assert parse_summary("# 1. 동기\n\n글\n\n# 2. 결과\n\n글\n").title is None
    assert parse_summary("## 1. 동기\n\n글\n").title is None


def test_rules_between_the_chapters_of_the_last_paper_do_not_end_the_digest() -> None:
    digest = parse_digest(DATE + paper_text("## 동기\n\n글\n\n---\n\n## 결과\n\n글\n"))
    assert [section.heading for section in digest.entries[0].sections] == ["동기", "결과"]


def test_an_unclosed_fence_is_a_problem_and_hides_no_paper() -> None:
    digest = parse_digest(
        DATE + paper_text("```markdown\n" + CHAPTERS) + paper_text(fence(CHAPTERS), "2505.00002")
    )
    assert [len(paper.sections) for paper in digest.entries] == [2, 2]
    assert [problem.line for problem in digest.problems] == [7]


@pytest.mark.parametrize("apology", ["```markdown\n죄송합니다. 논문을 볼 수 없습니다.\n```", "N/A", ""])
def test_a_refusal_is_not_a_summary(apology: str) -> None:
    paper = parse_summary(apology)
    assert (paper.summary_missing, paper.sections) == (True, ())
    assert paper.url == "https://huggingface.co/papers/2505.00001"


def test_an_invented_summary_is_missing_and_its_sections_are_kept() -> None:
    apology = "죄송합니다만 링크를 열 수 없었습니다. 제목을 바탕으로 요약해 드리겠습니다."
    paper = parse_summary(f"{apology}\n\n{fence(CHAPTERS)}")
    assert paper.summary_missing
    assert [section.heading for section in paper.sections] == [None, "1. 동기", "2. 결과"]


@pytest.mark.parametrize(
    "mark", ["**Summary**:", "**Summary:**", "Summary:", "**요약**:", "### Summary", "### 요약:"]
)
def test_the_label_of_a_summary_is_found_in_every_spelling(mark: str) -> None:
    digest = parse_digest(
        f"{DATE}## 2505.00001\n🔗 https://huggingface.co/papers/2505.00001\n\n{mark}\n글 하나.\n"
    )
    assert digest.entries[0].sections == (Section(None, "글 하나."),)
    assert digest.problems == ()


def test_a_summary_can_begin_after_its_label() -> None:
    digest = parse_digest(
        f"{DATE}## 2505.00001\nhttps://arxiv.org/abs/2505.00001v2\n\n**Summary**: 글 하나.\n"
    )
    (paper,) = digest.entries
    assert (paper.url, paper.sections) == ("https://arxiv.org/abs/2505.00001v2", (Section(None, "글 하나."),))


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("## 2505.00001", None),
        ("## [2505.00001](https://huggingface.co/papers/2505.00001)", None),
        ("## 2505.00001: A Small Model", "A Small Model"),
        ("## [A Small Model](https://huggingface.co/papers/2505.00001)", "A Small Model"),
    ],
)
def test_a_paper_can_have_its_title_in_its_heading(heading: str, title: str | None) -> None:
    first = paper_text(fence(CHAPTERS), "2505.00002")
    digest = parse_digest(
        f"{DATE}{first}{heading}\n🔗 https://huggingface.co/papers/2505.00001\n\n**Summary**:\n글.\n\n---\n"
    )
    assert [(paper.arxiv_id, paper.title) for paper in digest.entries] == [
        ("2505.00002", "작은 모델"),
        ("2505.00001", title),
    ]
    assert digest.problems == ()


def test_a_paper_linked_in_a_chapters_heading_is_not_an_entry() -> None:
    for heading in (
        "## 2. 참고: [A](https://arxiv.org/abs/2401.00001)",
        "### [A](https://arxiv.org/abs/2401.00001)",
    ):
        digest = parse_digest(DATE + paper_text(f"## 1. 동기\n\n글\n\n{heading}\n\n글\n"))
        assert [paper.arxiv_id for paper in digest.entries] == ["2505.00001"]
        assert len(digest.problems) == heading.startswith("###")


def test_an_id_within_code_is_a_problem_and_no_paper() -> None:
    digest = parse_digest(DATE + paper_text("## 1. 동기\n\n```\n## 2401.00001\n```\n\n글\n"))
    assert [paper.arxiv_id for paper in digest.entries] == ["2505.00001"]
    assert [problem.line for problem in digest.problems] == [10]


def test_lines_above_the_summary_are_parsed_or_a_problem() -> None:
    head = "**Title**: A Small Model\n\nVotes: 7\nAuthors: A B, C D\nPublished by mail\n"
    digest = parse_digest(
        f"{DATE}## 2505.00001\n🔗 https://huggingface.co/papers/2505.00001\n{head}\n**Summary**:\n글.\n"
    )
    (paper,) = digest.entries
    assert (paper.title, paper.votes, paper.authors) == ("A Small Model", 7, ("A B", "C D"))
    assert [problem.line for problem in digest.problems] == [9]


def test_a_paper_without_link_has_the_default_one() -> None:
    digest = parse_digest(f"{DATE}## 2505.00001\n\n**Summary**:\n글.\n")
    assert digest.entries[0].url == "https://huggingface.co/papers/2505.00001"


def test_a_paper_without_id_is_a_problem_and_its_neighbours_are_kept() -> None:
    broken = "## None\n🔗 https://huggingface.co/papers/\n\n**Summary**:\n글.\n\n---\n\n"
    digest = parse_digest(DATE + paper_text(CHAPTERS) + broken + paper_text(CHAPTERS, "2505.00002"))
    assert [(paper.arxiv_id, len(paper.sections)) for paper in digest.entries] == [
        ("2505.00001", 2),
        ("2505.00002", 2),
    ]
    assert len(digest.problems) == 1
    assert "None" in digest.problems[0].message


def test_an_empty_chapter_is_a_problem() -> None:
    digest = parse_digest(DATE + paper_text("## 1. 동기\n\n## 2. 결과\n\n글\n"))
    assert [section.heading for section in digest.entries[0].sections] == ["2. 결과"]
    assert len(digest.problems) == 1
