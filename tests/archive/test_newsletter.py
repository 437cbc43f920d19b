"""The newsletter format, parsed by the entry point."""

from __future__ import annotations

from datetime import date

import pytest

from bot.archive import parse
from storage.models import Digest, DigestFormat, Entry, Section

DATE = "## Daily Papers (2025-02-06)\n\n"
PAPER = """### [A Small Model](https://arxiv.org/abs/2502.00001)

![](https://example.org/2502.00001.png)

Vote: 12

Authors: Ada One, Ben Two

- ***What's New***: It is small.
- ***Performance Highlights***: It is quick.

"""


def parse_digest(text: str) -> Digest:
    (digest,) = parse.parse_text(text)
    return digest


def parse_paper(body: str) -> tuple[Entry, list[int]]:
    """The only paper of a digest, and the lines of its problems, where 1 is the first line of `body`."""
    digest = parse_digest(f"{DATE}### [A Title](https://arxiv.org/abs/2502.00001)\n{body}")
    (paper,) = digest.entries
    return paper, [problem.line - 3 for problem in digest.problems]


def sections(body: str) -> list[tuple[str | None, str]]:
    paper, problems = parse_paper(body)
    assert problems == []
    return [(section.heading, section.body) for section in paper.sections]


def test_a_paper_is_parsed_completely() -> None:
    digest = parse_digest(DATE + PAPER)
    assert (digest.format, digest.date, digest.problems) == (DigestFormat.NEWSLETTER, date(2025, 2, 6), ())
    assert digest.entries == (
        Entry(
            rank=1,
            arxiv_id="2502.00001",
            title="A Small Model",
            url="https://arxiv.org/abs/2502.00001",
            votes=12,
            authors=("Ada One", "Ben Two"),
            thumbnail="https://example.org/2502.00001.png",
            sections=(
                Section("What's New", "It is small."),
                Section("Performance Highlights", "It is quick."),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("### [Plain](URL)", "Plain"),
        ("### [I Don't Know: The [IDK] Token](URL)", "I Don't Know: The [IDK] Token"),
        ("### [Odd ] One](URL)", "Odd ] One"),
        ("### [Odd [ One](URL)", "Odd [ One"),
        ("### [An \\[X\\] Y](URL)", "An [X] Y"),
        ('### [T](URL "tip")', "T"),
        ("### [T](URL) [code](https://example.org)", "T"),
        ("### [T](URL) [PDF](https://arxiv.org/pdf/2502.00001)", "T"),
        ("### A Model [Paper](URL)", "A Model"),
        ("### [New] [T](URL)", "T"),
        ("### 1. [T](URL)", "T"),
        ("### **[T](URL)**", "T"),
        ("### [**T**](URL)", "T"),
        ("### T URL", "T"),
        ("### T (URL)", "T"),
        ("### T (arXiv:2502.00001)", "T"),
        ("### [2502.00001] T", "T"),
        ("### [](URL)", None),
        ("### [2502.00001](URL)", None),
        ("  ### [T](URL) ###", "T"),
        ("#### [T](URL)", "T"),
    ],
)
def test_the_title_is_parsed_from_every_form_of_heading(heading: str, title: str | None) -> None:
    url = "https://arxiv.org/abs/2502.00001"
    digest = parse_digest(f"{DATE}{heading.replace('URL', url)}\n\nVote: 3\n\n- text\n")
    (paper,) = digest.entries
    assert (paper.arxiv_id, paper.title, paper.url, paper.votes) == ("2502.00001", title, url, 3)
    assert digest.problems == ()


@pytest.mark.parametrize(
    ("label", "link", "url"),
    [
        (
            "Less (is) [More](really)",
            "https://arxiv.org/abs/2502.00001v2",
            "https://arxiv.org/abs/2502.00001v2",
        ),
        ("T", "https://huggingface.co/papers/2502.00001", "https://huggingface.co/papers/2502.00001"),
        ("T", "<https://arxiv.org/pdf/2502.00001v1>", "https://arxiv.org/pdf/2502.00001v1"),
    ],
)
def test_the_url_is_kept_as_written(label: str, link: str, url: str) -> None:
    (paper,) = parse_digest(f"{DATE}### [{label}]({link})\n\n- text\n").entries
    assert (paper.arxiv_id, paper.title, paper.url) == ("2502.00001", label, url)


def test_a_title_can_span_lines() -> None:
    text = DATE + PAPER.replace("[A Small Model]", "[A Very\n  Small [and Quick]\n  Model]")
    digest = parse_digest(text)
    (paper,) = digest.entries
    assert (paper.title, paper.votes, len(paper.sections)) == ("A Very Small [and Quick] Model", 12, 2)
    assert digest.problems == ()


TEXT = Section(None, "text")


@pytest.mark.parametrize(
    ("body", "expected", "lines"),
    [
        ("- ***New***: text", {"votes": None, "authors": (), "thumbnail": None}, []),
        ("Vote: abc\n\n- text", {"votes": None}, [2]),
        ("Vote: 3\n\nVote: 4\n\n- text", {"votes": 3}, []),
        ("Authors: A B, C D,\nE F\n\n- text", {"authors": ("A B", "C D", "E F")}, []),
        ("Authors: A B, +, C D\n\n- text", {"authors": ("A B", "C D"), "authors_truncated": True}, []),
        ("<!-- a -->\n<br>\n\n- text", {"sections": (TEXT,)}, []),
        ("<!-- a\n\n- text", {"sections": (TEXT,)}, [2]),
        (
            "who wrote this\nand this\n\nAuthors: A B\n\n- text",
            {"authors": ("A B",), "sections": (TEXT,)},
            [2],
        ),
        ("Vote: 3\n\nOne paragraph.", {"sections": (Section(None, "One paragraph."),)}, [4]),
        ("- ***New***:\n- ***Next***: text", {"sections": (Section("Next", "text"),)}, [2]),
        ("Vote: 3", {"summary_missing": True, "sections": ()}, []),
    ],
)
def test_a_field_is_read_or_unknown_and_what_is_not_understood_is_a_problem(
    body: str, expected: dict[str, object], lines: list[int]
) -> None:
    paper, problems = parse_paper(f"\n{body}\n")
    assert ({name: getattr(paper, name) for name in expected}, problems) == (expected, lines)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "**Small** models: good\n- **All of it**",
            [(None, "**Small** models: good"), (None, "**All of it**")],
        ),
        (
            "***New***: one\ntwo\n  three\n\n  four\n- five",
            [("New", "one\ntwo\n  three\n\n  four"), (None, "five")],
        ),
        (
            "***New***: one\n  - two\n    - three\n  * four\n- ***Next***: five\n    1. six",
            [("New", "one\n- two\n  - three\n* four"), ("Next", "five\n1. six")],
        ),
        (
            "***New***: one\n  # two\n  ---\n  Vote: 9\n\n  | a |\n- ***Next***: three",
            [("New", "one\n# two\n---\nVote: 9\n\n| a |"), ("Next", "three")],
        ),
        (
            "***New***: run\n```python\n# no heading\n- no bullet\n```\n- ***Next***: text",
            [("New", "run\n```python\n# no heading\n- no bullet\n```"), ("Next", "text")],
        ),
    ],
    ids=["bold within", "following lines", "nested bullets", "indented lines", "code"],
)
def test_what_belongs_to_a_bullet_stays_in_it(body: str, expected: list[tuple[str | None, str]]) -> None:
    assert sections(f"\n- {body}\n") == expected


def test_a_video_can_replace_the_cover() -> None:
    link = "[Watch Video](https://example.org/a.mp4)"
    block = '<div><video controls src="https://example.org/a.mp4" muted="false"></video></div>'
    lines = '<video controls>\n  <source src="https://example.org/a.mp4">\n</video>'
    for body in (link, block, lines, f"{link}\n{block}"):
        paper, problems = parse_paper(f"\n{body}\n\nVote: 3\n\n- text\n")
        assert (paper.video, paper.thumbnail, paper.votes, problems) == (
            "https://example.org/a.mp4",
            None,
            3,
            [],
        )


def test_a_heading_without_an_id_is_a_problem_and_the_papers_around_it_are_kept() -> None:
    broken = "### [No Paper](https://example.org/blog)\n\nVote: 9\n\n- text\n\n"
    digest = parse_digest(DATE + PAPER + broken + PAPER.replace("00001", "00002"))
    assert [(paper.rank, paper.arxiv_id) for paper in digest.entries] == [
        (1, "2502.00001"),
        (2, "2502.00002"),
    ]
    assert [problem.line for problem in digest.problems] == [14]
    assert "No Paper" in digest.problems[0].message


def test_a_repeated_paper_is_one_entry_and_a_problem() -> None:
    again = PAPER.replace("2502.00001)", "2502.00001v2)").replace("Vote: 12", "Vote: 15")
    digest = parse_digest(DATE + PAPER + again)
    (paper,) = digest.entries
    assert (paper.votes, paper.authors) == (12, ("Ada One", "Ben Two"))
    assert [problem.message.partition(" ")[0] for problem in digest.problems] == ["2502.00001"]


def test_text_between_the_date_and_the_first_paper_is_a_problem() -> None:
    digest = parse_digest(DATE + "Good morning.\n\n" + PAPER)
    assert (len(digest.entries), [problem.line for problem in digest.problems]) == (1, [3])


def test_the_page_around_a_digest_is_ignored() -> None:
    page = (
        "# My Page\n\nHello.\n\n" + DATE + PAPER + "## Links\n\n- [a](https://example.org)\n\n# End\n\nBye.\n"
    )
    digest = parse_digest(page)
    assert (len(digest.entries), digest.problems) == (1, ())
    assert digest.text == (DATE + PAPER).rstrip() + "\n"


def test_papers_can_have_headings_of_any_level() -> None:
    second = PAPER.replace("00001", "00002")
    for date_level, level in (("#", "##"), ("##", "##"), ("#", "######")):
        text = (DATE + PAPER + second).replace("###", level).replace("## Daily", f"{date_level} Daily")
        digest = parse_digest(text + f"{date_level} End\n")
        assert [len(paper.sections) for paper in digest.entries] == [2, 2]
        assert digest.problems == ()


def test_headings_between_date_and_papers_are_groups() -> None:
    text = (
        "# Daily Papers (2025-02-06)\n\n## Vision\n\n"
        + PAPER
        + "## Language\n\n"
        + PAPER.replace("00001", "00002")
    )
    digest = parse_digest(text + "## About\n\ntext\n")
    assert len(digest.entries) == 2
    assert [problem.line for problem in digest.problems] == [3, 16]


def test_a_paper_outside_the_digest_is_a_problem() -> None:
    digest = parse_digest(DATE + PAPER + "## Reading list\n\n" + PAPER.replace("00001", "00002"))
    assert [paper.arxiv_id for paper in digest.entries] == ["2502.00001"]
    assert [problem.line for problem in digest.problems] == [16]
    assert parse.parse_text(digest.text) == (digest,)


@pytest.mark.parametrize(
    "bullet",
    [
        "- ***New***: text",
        "- **New**: text",
        "- **New:** text",
        "- ***New:*** text",
        "- __New__: text",
        "- **New** : text",
        "- ***New*** - text",
        "- **New**：text",
        "* **New**: text",
        "+ **New**: text",
        "• **New**: text",
        "1. **New**: text",
        " - **New**: text",
        "- ***New***:\n  text",
        "- **New**\n  text",
        "**New**: text",
        "#### New\n\ntext",
    ],
)
def test_a_bold_beginning_is_the_heading_of_a_section(bullet: str) -> None:
    assert sections(f"\nVote: 3\n\n{bullet}\n") == [("New", "text")]


@pytest.mark.parametrize("bullet", ["- text", "* text", "• text", "•text", "- text\n\n\n", "2) text"])
def test_a_plain_bullet_is_a_section_without_heading(bullet: str) -> None:
    assert sections(f"\nVote: 3\n\n{bullet}\n") == [(None, "text")]


def test_an_unclosed_fence_hides_no_bullet_and_no_paper() -> None:
    digest = parse_digest(
        DATE
        + "### [A](https://arxiv.org/abs/2502.00001)\n\n- one\n```\n- two\n\n"
        + PAPER.replace("00001", "00002")
    )
    assert [len(paper.sections) for paper in digest.entries] == [2, 2]
