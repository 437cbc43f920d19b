"""Messages of a daily post in every style."""

from datetime import date

import pytest

from bot.shelf.service import Shelf
from storage import papers
from storage.models import Style
from tests.support import rendered_posts
from tests.support.client_harness import ClientHarness

RENDERER = rendered_posts.new_renderer()


@pytest.mark.parametrize("style", Style)
def test_late_papers_appear_below_a_heading_with_their_day(style: Style) -> None:
    papers = tuple(map(rendered_posts.paper, range(1, 5)))
    parts = RENDERER.render(rendered_posts.daily(papers, style=style, late=((date(2025, 2, 10), 2, 3),)))
    rendered_posts.check(parts)
    assert "2월 10일" in str([part.payload for part in parts]).replace("\\u2060", "")


async def test_a_post_says_how_many_of_its_server_saved_a_paper_from_three_on(harness: ClientHarness) -> None:
    """A count of one or two might tell who it was; members of other servers do not count."""
    shelf, here, elsewhere = harness.bot.services.get(Shelf), harness.guild.id, 5
    ids = [f"2501.0000{number}" for number in range(1, 7)]
    known = await harness.bot.services.database.fetch(papers.get_ids, ids)
    first, second, third = (known[f"2501.0000{number}"] for number in (1, 2, 3))
    for user_id in range(1, 5):
        await shelf.save(user_id, [first], here)
        await shelf.save(user_id, [second], here if user_id < 3 else elsewhere)
        await shelf.save(user_id, [third], None)
    row = await harness.add_subscription()
    _, part = await harness.plan_post(row)
    assert part.payload is not None
    said, unsaid = (harness.texts("post-savers", count=count) for count in (4, 2))
    assert (part.payload.count(said), part.payload.count(unsaid)) == (1, 0)
