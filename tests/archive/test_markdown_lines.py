"""Code fences: the rows of code, and the end of a fence around an answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.archive import markdown_lines


def find_fenced_rows(text: str) -> list[int]:
    rows = text.split("\n")
    return sorted(markdown_lines.find_fenced_rows(rows, 0, len(rows)))


def test_the_rows_between_two_fences_are_code() -> None:
    assert find_fenced_rows("a\n```python\n# b\n```\nc") == [1, 2, 3]
    assert find_fenced_rows("~~~\n```\n~~~") == [0, 1, 2]
    assert find_fenced_rows("````\n```\n````\nx") == [0, 1, 2]


def test_an_unclosed_fence_has_no_code() -> None:
    assert find_fenced_rows("a\n```python\n# b") == []
    assert find_fenced_rows("~~~\na\n```\nb\n```") == [2, 3, 4]


def test_a_markdown_answer_can_contain_code() -> None:
    assert find_fenced_rows("```markdown\n# T\n```python\nx\n```\n## B\n```\nafter") == list(range(7))
    assert find_fenced_rows("```markdown\n# T\n```\nx\n```\n## B\n```\nafter") == list(range(7))


def test_a_markdown_answer_ends_before_a_rule() -> None:
    assert find_fenced_rows("```markdown\n# T\n```\n\n---\n\n```\ncode\n```") == [0, 1, 2, 6, 7, 8]


@given(st.lists(st.sampled_from(["```", "```markdown", "```python", "~~~", "````", "text", "---", ""])))
def test_any_sequence_of_fences_can_be_parsed(rows: list[str]) -> None:
    assert markdown_lines.find_fenced_rows(rows, 0, len(rows)) <= set(range(len(rows)))


def test_references_add_no_more_to_a_text_than_its_own_length() -> None:
    address = "https://arxiv.org/abs/2501.00001#" + "x" * 900
    rows = [f"[a]: {address}", *["- [a]"] * 2_000]
    blocks, _ = markdown_lines.read_blocks(rows)
    texts = [block.text for block in blocks]
    assert texts[0] == f"[a]({address})"
    assert sum(map(len, texts)) <= 3 * sum(map(len, rows))
