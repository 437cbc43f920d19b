"""Sections of a paper in the newsletter format: bullets, their headings, and text that is neither."""

from __future__ import annotations

import pytest

from storage import models
from tests.support.parsed_newsletters import DATE, PAPER, parse_digest, parse_paper, sections


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


def test_bold_text_inside_a_bullet_is_no_heading() -> None:
    assert sections("\n- **Small** models: good\n- **All of it**\n") == [
        (None, "**Small** models: good"),
        (None, "**All of it**"),
    ]


def test_lines_after_a_bullet_continue_it() -> None:
    body = "\n- ***New***: one\ntwo\n  three\n\n  four\n- five\n"
    assert sections(body) == [("New", "one\ntwo\n  three\n\n  four"), (None, "five")]


def test_nested_bullets_belong_to_the_bullet_above() -> None:
    body = "\n- ***New***: one\n  - two\n    - three\n  * four\n- ***Next***: five\n    1. six\n"
    assert sections(body) == [("New", "one\n- two\n  - three\n* four"), ("Next", "five\n1. six")]


def test_indented_lines_belong_to_the_bullet_above() -> None:
    body = "\n- ***New***: one\n  # two\n  ---\n  Vote: 9\n\n  | a |\n- ***Next***: three\n"
    assert sections(body) == [("New", "one\n# two\n---\nVote: 9\n\n| a |"), ("Next", "three")]


def test_code_in_a_bullet_is_neither_bullet_nor_heading() -> None:
    body = "\n- ***New***: run\n```python\n# not a heading\n- not a bullet\n```\n- ***Next***: text\n"
    assert sections(body) == [
        ("New", "run\n```python\n# not a heading\n- not a bullet\n```"),
        ("Next", "text"),
    ]


def test_an_unclosed_fence_hides_no_bullet_and_no_paper() -> None:
    digest = parse_digest(
        DATE
        + "### [A](https://arxiv.org/abs/2502.00001)\n\n- one\n```\n- two\n\n"
        + PAPER.replace("00001", "00002")
    )
    assert [len(paper.sections) for paper in digest.entries] == [2, 2]


def test_text_that_is_no_bullet_is_a_problem_and_the_rest_is_kept() -> None:
    paper, problems = parse_paper(
        "\nVote: 3\n\nwho wrote this\nand this\n\nAuthors: A B\n\n- ***New***: text\n"
    )
    assert (paper.votes, paper.authors, len(paper.sections), problems) == (3, ("A B",), 1, [4])


def test_a_summary_without_bullets_is_kept_and_a_problem() -> None:
    paper, problems = parse_paper("\nVote: 3\n\nOne paragraph about it.\n")
    assert paper.sections == (models.Section(None, "One paragraph about it."),)
    assert problems == [4]


def test_an_empty_heading_is_a_problem() -> None:
    paper, problems = parse_paper("\n- ***New***:\n- ***Next***: text\n")
    assert paper.sections == (models.Section("Next", "text"),)
    assert problems == [2]


def test_a_paper_without_any_text_has_no_summary() -> None:
    paper, problems = parse_paper("\nVote: 3\n")
    assert (paper.summary_missing, paper.sections, problems) == (True, (), [])
