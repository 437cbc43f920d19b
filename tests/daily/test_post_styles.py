"""Messages of a daily post in every style."""

import json
from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from bot.features.shelf.service import Shelf
from bot.outbox import contents
from bot.papers import cards, post_papers
from storage import papers
from storage.models import Locale, Style
from tests.support import rendered_posts
from tests.support.client_harness import ClientHarness

RENDERER = rendered_posts.new_renderer()


@pytest.mark.promise
@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("locale", Locale)
def test_a_post_shows_as_many_papers_as_it_counts(style: Style, locale: Locale) -> None:
    """Of 1 to 25 papers, of which some are late, below their day: with and without topic, pictures, role and a bot."""
    day = "2월 10일" if locale is Locale.KO else "February 10"
    of_announcements = (1, 5, 8, 9)
    counts = of_announcements if style is Style.ANNOUNCEMENT else range(1, 26)
    for count, late, with_picture, topic in product(counts, (0, 2), (True, False), ("", "diffusion models")):
        if (
            late >= count or (count + with_picture + 2 * bool(topic)) % 4
        ):  # each variant with one number in four
            continue
        papers = [rendered_posts.paper(number) for number in range(1, count + 1)]
        papers = papers if with_picture else [replace(paper, thumbnail=None) for paper in papers]
        settings = {
            "style": style,
            "locale": locale,
            "topic": topic,
            "mention_role_id": late * 10**19 or None,
        }
        days = ((date(2025, 2, 10), late, late),) if late else ()
        post = rendered_posts.daily(tuple(papers), late=days, **settings)
        by_webhook = replace(post, subscription=replace(post.subscription, guild_id=0))
        for parts in map(RENDERER.render, (post, by_webhook)):
            shown = [part for part in parts if part.kind in contents.MARKED_KINDS]
            texts = [json.dumps(part.payload) for part in shown]
            links = [[f"papers/{paper.key}" in text for paper in papers] for text in texts]
            case = count, late, with_picture, topic, post.subscription.guild_id
            assert [part.paper_count for part in shown] == list(map(sum, links)), case
            assert all(map(any, zip(*links, strict=True))), case
            assert not late or day in str([part.payload for part in shown]).replace("\\u2060", ""), case


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


def test_all_papers_of_an_announcement_are_in_its_message() -> None:
    """The part that forwards it to followers has none: a refused message returns all of them."""
    post = rendered_posts.daily((rendered_posts.paper(1), rendered_posts.paper(2)), style=Style.ANNOUNCEMENT)
    parts = contents.DeliveryFactory(rendered_posts.new_renderer).render(post)
    assert [part.kind for part in parts] == ["message", "crosspost"]
    assert [part.paper_count for part in parts] == [len(post.papers), 0]


@pytest.mark.parametrize("style", Style)
def test_a_paper_that_cannot_be_drawn_is_a_link_and_the_others_come(
    style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/security.md, *What fails for one channel*."""

    def fail_for_one(paper: post_papers.PostPaper) -> str:
        if paper.id == 2:
            raise KeyError("a bug")
        return ""

    monkeypatch.setattr(cards, "format_savers", lambda _, paper: fail_for_one(paper))
    papers = tuple(rendered_posts.paper(number) for number in range(1, 4))
    parts = RENDERER.render(rendered_posts.daily(papers, style=style))
    shown = json.dumps([part.payload for part in parts])
    assert all(f"/{paper.key}" in shown for paper in papers)
    assert "Paper 1" in shown
    assert "Paper 3" in shown
    rendered_posts.check(parts)
