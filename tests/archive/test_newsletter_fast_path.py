"""The fast path of the newsletter parser."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.archive import headings, newsletter

BLOCK_LINES = st.sampled_from(
    [
        "",
        "",
        "- ***New***: text",
        "- **Next**: text",
        "- ***Odd: ***: text",
        "- *** : ***: text",
        "- ***: text",
        "- ***A*B***: text",
        "- plain",
        "-",
        "- - -",
        "---",
        "  - nested",
        "  more",
        "* star",
        "1. one",
        "**Bold**: text",
        "**Bold**",
        "Vote: 12",
        "Vote: -",
        "- Vote: 3",
        "Authors: A B, C D",
        "Authors: A B, +",
        "![](https://example.org/a.png)",
        "![](https://example.org/a.mp4)",
        "```",
        "#### Low",
        "죄송합니다. 링크를 열 수 없습니다.",
        "- 죄송합니다. 링크를 열 수 없습니다.",
        "\t",
    ]
)
SIMPLE_HEADER = ["", "![](https://example.org/a.png)", "", "Vote: 12", "", "Authors: A B, C D", ""]


@given(st.lists(BLOCK_LINES, max_size=8), st.booleans())
def test_the_fast_path_gives_the_result_of_the_block_parser(rows: list[str], has_header: bool) -> None:
    rows = SIMPLE_HEADER * has_header + rows
    fast = headings.PaperDraft(1, "2502.00001", None, "")
    full = headings.PaperDraft(1, "2502.00001", None, "")
    problems = newsletter.parse_block(rows, 0, len(rows), full)
    if newsletter.parse_simple_block(rows, 0, len(rows), fast):
        assert (fast, []) == (full, problems)
    else:
        assert fast == headings.PaperDraft(1, "2502.00001", None, "")
