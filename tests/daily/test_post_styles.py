"""The registry of post styles covers every style; what members saved fits below a weekly post of any papers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app.client import DiscordRenderer
from bot.client import message_builder, translations
from bot.client import messages as client_messages
from bot.client.messages import CommandMentions
from bot.daily import choice
from bot.daily import post as daily_post
from bot.daily.options import SETTINGS
from bot.daily.post import STYLES
from bot.outbox import contents
from bot.rendering.templates import Templates
from storage.models import Locale, Style, When
from tests.support import hostile_papers, payload_checks, rendered_posts

TRANSLATIONS = translations.Translations()
RENDERER = DiscordRenderer(TRANSLATIONS, Templates(), CommandMentions())


def test_every_style_has_a_record() -> None:
    assert set(STYLES) == set(Style)
    choices = SETTINGS["style"].choices
    assert choices is not None
    assert list(choices.values()) == list(Style)


@pytest.mark.parametrize("locale", Locale)
@pytest.mark.parametrize("style", Style)
def test_every_style_has_a_name_for_readers(style: Style, locale: Locale) -> None:
    assert TRANSLATIONS.for_locale(locale).find(f"style-{style.value}")


@st.composite
def weekly_posts(draw: st.DrawFn) -> choice.DailyPost:
    """Weekly posts of hostile papers with what members saved: papers of the post, and others."""
    papers, others = draw(hostile_papers.papers()), draw(hostile_papers.papers(max_size=5))
    saved = [*papers[-3:], *(replace(paper, arxiv_id=f"9{paper.arxiv_id[1:]}") for paper in others)]
    chosen = draw(st.permutations(saved))[:5]
    counts = st.tuples(st.integers(0, 99_999), st.integers(0, 99_999))
    first_rank = draw(st.sampled_from([1, 700, 9_000]))
    return choice.DailyPost(
        marker="m" * 64,
        locale=draw(st.sampled_from(Locale)),
        style=Style.WEEKLY,
        digest_on=date(2025, 2, 12),
        since_on=date(2025, 2, 6),
        total=30_000,
        papers=papers,
        ranks=tuple(range(first_rank, first_rank + len(papers))),
        server_picks=tuple((paper, *draw(counts)) for paper in chosen),
    )


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(weekly_posts())
def test_what_members_saved_fits_below_a_weekly_post_and_its_copy_has_the_papers_alone(
    post: choice.DailyPost,
) -> None:
    parts = RENDERER.render_daily(post)
    for part in parts:
        assert part.fallback is not None
        payload_checks.check_message(part.payload)
        payload_checks.check_message(part.fallback)
    heading = {Locale.EN: "this server", Locale.KO: "이 서버"}[post.locale]
    for body in (parts[-1].payload, parts[-1].fallback):
        assert (heading in json.dumps(body, ensure_ascii=False).lower()) == bool(post.server_picks)
    assert not any(heading in json.dumps(part.payload, ensure_ascii=False) for part in parts[:-1])
    if not post.papers:
        return
    components = list(_walk(parts[-1].payload))
    [menu] = [component for component in components if "options" in component]
    by_id = {paper.arxiv_id: paper for paper in (*post.papers, *(paper for paper, _, _ in post.server_picks))}
    listed = [by_id[option["value"]] for option in menu["options"]]
    assert message_builder.unpack_custom_id(menu["custom_id"]).verb == client_messages.OPEN_SELECTED
    assert {paper.arxiv_id for paper, _, _ in post.server_picks} <= {paper.arxiv_id for paper in listed}
    action = next(
        action
        for component in components
        if (action := message_builder.unpack_custom_id(component.get("custom_id", ""))).verb
        == daily_post.SHOW_LANGUAGE
    )
    copy = daily_post.copy_of(action, listed, daily_post.OTHER_LOCALE[post.locale], "")
    assert copy.papers == post.papers[-len(copy.papers) :]


@pytest.mark.parametrize(("count", "messages"), [(0, 1), (7, 1), (8, 2), (14, 2), (25, 4)])
def test_a_post_that_names_what_members_saved_has_one_paper_fewer_a_message(
    count: int, messages: int
) -> None:
    papers = tuple(
        contents.PostPaper(
            f"2502.{number:05}", "A", "", date(2025, 2, 12), thumbnail="https://covers.example/1.png"
        )
        for number in range(count + 5)
    )
    post = choice.DailyPost(
        marker="daily:1:2025-02-12",
        locale=Locale.EN,
        style=Style.WEEKLY,
        digest_on=date(2025, 2, 12),
        since_on=date(2025, 2, 6),
        total=count,
        papers=papers[5:],
        server_picks=tuple((paper, 3, 0) for paper in papers[:5]),
        schedule=("09:00", "UTC", (1,), When.HOUR),
    )
    parts = RENDERER.render_daily(post)
    assert len(parts) == messages
    for part in parts:
        payload_checks.check_message(part.payload)
    assert "This server's top 5 this week" in json.dumps(parts[-1].payload)


@pytest.mark.parametrize("topic", ["", "reinforcement learning", "a" * 72, "a" * 200])
@pytest.mark.parametrize("count", [0, 1, 9])
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


def _walk(component: dict[str, Any]) -> Any:
    yield component
    for child in (*component.get("components", ()), *filter(None, [component.get("accessory")])):
        yield from _walk(child)
