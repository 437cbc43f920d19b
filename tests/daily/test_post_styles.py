"""The registry of post styles covers every style; each message has its marker."""

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
def test_every_message_contains_its_marker(style: Style, count: int, topic: str) -> None:
    papers = tuple(map(rendered_posts.paper, range(count)))
    # Without it, a message with an unknown outcome is not found in the history, and comes twice.
    post = rendered_posts.daily(papers, style=style, source="arXiv · cs.CL", topic=topic)
    rendered_posts.check(RENDERER.render_daily(replace(post, marker=rendered_posts.LONGEST_MARKER)))


@pytest.mark.parametrize("style", Style)
def test_late_papers_show_their_day(style: Style) -> None:
    papers = tuple(map(rendered_posts.paper, range(1, 5)))
    parts = RENDERER.render_daily(
        rendered_posts.daily(papers, style=style, late=((date(2025, 2, 10), 2, 3),))
    )
    rendered_posts.check(parts)
    assert "2월 10일" in str([part.payload for part in parts]).replace("\\u2060", "")
