"""Messages of a daily post in every style."""

from datetime import date

import pytest

from storage.models import Style
from tests.support import rendered_posts

RENDERER = rendered_posts.new_renderer()


@pytest.mark.parametrize("style", Style)
def test_late_papers_appear_below_a_heading_with_their_day(style: Style) -> None:
    papers = tuple(map(rendered_posts.paper, range(1, 5)))
    parts = RENDERER.render(rendered_posts.daily(papers, style=style, late=((date(2025, 2, 10), 2, 3),)))
    rendered_posts.check(parts)
    assert "2월 10일" in str([part.payload for part in parts]).replace("\\u2060", "")
