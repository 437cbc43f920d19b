"""One thought of a summary for a list, all of it for a card."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.rendering.markdown import sections as markdown_sections
from storage.models import Section
from tests.bot.rendering.markdown.test_blocks import BLOCKS


def test_the_first_highlight_is_the_thought() -> None:
    sections = (
        Section("What's New", "**작은** 모델을 `1.7B`로 키웠어요."),
        Section("Technical Details", "둘째"),
    )
    assert markdown_sections.render_thought(sections) == "작은 모델을 1.7B로 키웠어요."


def test_a_long_thought_ends_after_a_sentence() -> None:
    text = "금융 문서에서 질의가 틀렸을 때를 여섯 가지로 나누어 살펴봐요. " * 6
    thought = markdown_sections.render_thought((Section(None, text),))
    assert len(thought) <= markdown_sections.THOUGHT
    assert thought.endswith("살펴봐요.\u00a0…")


def test_a_chapter_of_bullets_reads_as_one_line() -> None:
    assert (
        markdown_sections.render_thought((Section(None, "- 하나예요.\n- 둘이에요."),))
        == "하나예요. 둘이에요."
    )


def test_an_empty_section_gives_way_to_the_next() -> None:
    assert markdown_sections.render_thought((Section(None, "<br>"), Section(None, "글"))) == "글"
    assert markdown_sections.render_thought(()) == ""


@given(BLOCKS, st.integers(1, 200))
def test_a_thought_is_one_line_within_its_limit(text: str, limit: int) -> None:
    thought = markdown_sections.render_thought((Section(None, text),), limit)
    assert len(thought) <= limit
    assert len(thought.splitlines()) <= 1


def test_a_short_section_follows_its_heading_and_a_long_one_stands_below() -> None:
    sections = (
        Section("What's New", "한 문단이에요."),
        Section("2. 기여", "- 하나\n- 둘"),
        Section(None, "제목 없이"),
        Section("3. 한계", "한 문단"),
        Section("**", "글"),
    )
    assert markdown_sections.render_sections(sections) == (
        "**What's New** 한 문단이에요.\n\n**2. 기여**\n- 하나\n- 둘\n\n제목 없이\n\n**3. 한계**\n한 문단\n\n**\\*\\*** 글"
    )
