"""The registry of post styles covers every style; each message has its marker, and late papers their places."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.app.client import DiscordRenderer
from bot.client import translations
from bot.client.messages import CommandMentions
from bot.daily.options import OPTIONS
from bot.daily.post import STYLES
from bot.rendering.templates import Templates
from storage.models import Locale, Style
from tests.support import rendered_posts

TRANSLATIONS = translations.Translations()
RENDERER = DiscordRenderer(TRANSLATIONS, Templates(), CommandMentions())


def test_every_style_has_a_record() -> None:
    assert set(STYLES) == set(Style)
    choices = OPTIONS["style"].choices
    assert choices is not None
    assert list(choices.values()) == list(Style)


@pytest.mark.parametrize("locale", Locale)
@pytest.mark.parametrize("style", Style)
def test_every_style_has_a_name_for_readers(style: Style, locale: Locale) -> None:
    assert TRANSLATIONS.for_locale(locale).find(f"style-{style.value}")


@pytest.mark.parametrize("topic", ["", "reinforcement learning", "a" * 72, "a" * 200])
@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize("style", Style)
def test_every_message_of_a_post_from_a_source_has_its_marker(style: Style, count: int, topic: str) -> None:
    papers = tuple(map(rendered_posts.paper, range(count)))
    # Without it, a message with an unknown outcome is not found in the history, and comes twice.
    post = rendered_posts.daily(papers, style=style, source="arXiv · cs.CL", topic=topic)
    rendered_posts.check(RENDERER.render_daily(replace(post, marker=rendered_posts.LONGEST_MARKER)))


@pytest.mark.parametrize(
    ("own", "late", "shown"),
    [
        (1, 14, [1, *range(2, 10)]),
        (1, 9, [1, *range(2, 10)]),
        (3, 2, [1, 2, 3, 4, 5]),
        (10, 5, [1, 2, 3, 4, *range(11, 16)]),
    ],
)
def test_an_announcement_shows_the_days_own_papers_however_many_came_late(
    own: int, late: int, shown: list[int]
) -> None:
    papers = tuple(map(rendered_posts.paper, range(1, own + late + 1)))
    days = ((date(2025, 2, 11), late, late),)
    parts = RENDERER.render_daily(rendered_posts.daily(papers, style=Style.ANNOUNCEMENT, late=days))
    rendered_posts.check(parts)
    head, *embeds = parts[0].payload["embeds"]
    assert [int(embed["title"].partition(" ")[0]) for embed in embeds] == shown
    assert (f"{own + late - len(shown)}편" in head["description"].splitlines()[-1]) == (
        own + late > len(shown)
    )
