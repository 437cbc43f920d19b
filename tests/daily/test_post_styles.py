"""Messages of a daily post in every style."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from storage.models import Style
from tests.support import rendered_posts

RENDERER = rendered_posts.new_renderer()


@pytest.mark.parametrize("topic", ["", "reinforcement learning", "a" * 72, "a" * 200])
@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize("style", Style)
def test_every_message_contains_its_marker(style: Style, count: int, topic: str) -> None:
    papers = tuple(map(rendered_posts.paper, range(count)))
    # Without its marker, a message with an unknown outcome is not found in the history and is sent twice.
    post = rendered_posts.daily(papers, style=style, source="arXiv · cs.CL", topic=topic)
    rendered_posts.check(RENDERER.render_daily(replace(post, marker=rendered_posts.LONGEST_MARKER)))


@pytest.mark.parametrize("style", Style)
def test_late_papers_appear_below_a_heading_with_their_day(style: Style) -> None:
    papers = tuple(map(rendered_posts.paper, range(1, 5)))
    parts = RENDERER.render_daily(
        rendered_posts.daily(papers, style=style, late=((date(2025, 2, 10), 2, 3),))
    )
    rendered_posts.check(parts)
    assert "2월 10일" in str([part.payload for part in parts]).replace("\\u2060", "")
