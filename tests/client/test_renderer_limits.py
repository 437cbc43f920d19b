"""Messages for the outbox are within Discord's limits for any content, with no marker but their own."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alerts import planner as alerts_planner
from bot.alerts.deliveries import ALERT
from bot.app.client import DiscordRenderer
from bot.daily import deliveries
from bot.outbox import contents
from bot.outbox import deliveries as outbox_deliveries
from bot.outbox.outcomes import NOTICE
from bot.rendering import discord_text
from storage import models
from tests.fake_discord import validation
from tests.support import hostile_papers, rendered_posts


@pytest.fixture(scope="module")
def renderer() -> DiscordRenderer:
    return rendered_posts.new_renderer()


@pytest.mark.parametrize("style", list(models.Style))
@pytest.mark.parametrize("locale", list(models.Locale))
@pytest.mark.parametrize("count", [0, 1, 5, 8, 9, 25])
def test_every_style_is_within_the_limits_for_any_number_of_papers(
    renderer: DiscordRenderer, style: models.Style, locale: models.Locale, count: int
) -> None:
    papers = tuple(rendered_posts.paper(number) for number in range(count))
    post = rendered_posts.daily(
        papers, style=style, locale=locale, marker=rendered_posts.LONGEST_MARKER, forum_tags=(1, 2)
    )
    parts = renderer.render_daily(post)
    rendered_posts.check(parts)
    assert (
        len(parts) <= {models.Style.CARDS: count + 1, models.Style.THREAD: count + 2}.get(style, 4)
        or count == 0
    )
    shown = json.dumps([part.payload for part in parts], ensure_ascii=False)
    if style is not models.Style.ANNOUNCEMENT:
        assert all(f"2502.0{number:04}" in shown for number in range(count))


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(
    papers=hostile_papers.papers(max_size=12),
    style=st.sampled_from(models.Style),
    locale=st.sampled_from(models.Locale),
)
def test_a_post_of_hostile_papers_is_within_the_limits(
    papers: tuple[contents.PostPaper, ...], style: models.Style, locale: models.Locale
) -> None:
    post = rendered_posts.daily(papers, style=style, locale=locale, marker=rendered_posts.LONGEST_MARKER)
    rendered_posts.check(rendered_posts.new_renderer().render_daily(post))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(papers=hostile_papers.papers(max_size=12), text=hostile_papers.texts, in_channel=st.booleans())
def test_an_alert_of_hostile_papers_is_within_the_limits(
    papers: tuple[contents.PostPaper, ...], text: str, in_channel: bool
) -> None:
    reasons = tuple(
        contents.AlertReason(number, models.AlertKind.KEYWORD, text, field)
        for number, field in enumerate(contents.MatchField)
    )
    matches = tuple((paper, reasons) for paper in papers)
    post = contents.AlertPost(
        rendered_posts.LONGEST_MARKER, models.Locale.KO, date(2025, 2, 12), matches, in_channel
    )
    rendered_posts.check(rendered_posts.new_renderer().render_alert(post))


FOREIGN_MARKERS = st.sampled_from(
    [
        "pr:d:x:0/",
        "pr:d:daily:0:0000-00-00:0/",
        "pr:d:daily:1:2025-02-12:1/",
        "pr:d:daily:1:2025-02-13:0/ pr:d:pr:d:x:0/",
        "[a](<https://discord.com/#pr:d:x:0/>)",
    ]
)


@settings(max_examples=25, deadline=None)
@given(text=FOREIGN_MARKERS, style=st.sampled_from(models.Style), other=hostile_papers.texts)
def test_no_payload_holds_a_marker_but_its_own(text: str, style: models.Style, other: str) -> None:
    url = f"https://arxiv.org/abs/2611.10000#{text}"
    papers = tuple(
        rendered_posts.paper(
            number,
            title=f"{text} {other}",
            url=url,
            thumbnail=url,
            authors=(text, other),
            sections=(models.Section(text, f"{other} [{text}]({url}) {text}"),),
        )
        for number in range(2)
    )
    factory = outbox_deliveries.DeliveryFactory(rendered_posts.new_renderer)
    post = rendered_posts.daily(papers, style=style, marker=deliveries.MARKER_PLACEHOLDER)
    daily_parts = factory.build_parts(factory.render(deliveries.DAILY, post), "daily:1:2025-02-12")
    reason = contents.AlertReason(1, models.AlertKind.KEYWORD, text, contents.MatchField.TITLE)
    matches = tuple((paper, (reason,)) for paper in papers)
    alert = contents.AlertPost(
        alerts_planner.MARKER_PLACEHOLDER, models.Locale.EN, date(2025, 2, 12), matches
    )
    notice = contents.NoticePost(
        "notice:s3:1", models.Locale.EN, contents.NoticeKind.SOURCE_FAILING, text, subject=url
    )
    now = datetime(2025, 2, 12, tzinfo=UTC)
    others = (
        *factory.build_parts(factory.render(ALERT, alert), "alert:user:7:1:1"),
        *factory.build_post(NOTICE, notice, now, user_id=7).parts,
    )
    for part in (*daily_parts, *others):
        for body in (part.payload, part.fallback or part.payload):
            assert set(rendered_posts.MARKER.findall(body)) == ({part.marker} if part.marker else set())


@pytest.mark.parametrize("style", list(models.Style))
def test_eight_papers_with_the_longest_facts_are_within_the_limits(
    renderer: DiscordRenderer, style: models.Style
) -> None:
    address = "https://code.example/" + "a" * 138
    longest = {"organization": "연" * 200, "code_url": address, "code_stars": 10**9, "project_url": address}
    long_texts = {"title": "긴 제목 " * 80, "authors": ("이름" * 50,) * 9}
    papers = tuple(rendered_posts.paper(number, **longest, **long_texts) for number in range(8))
    parts = renderer.render_daily(
        rendered_posts.daily(papers, style=style, marker=rendered_posts.LONGEST_MARKER)
    )
    rendered_posts.check(parts)
    for message in rendered_posts.messages(parts):
        text = json.dumps(message)
        # A link is whole or left out.
        assert text.count("](https://code.example/") == text.count(f"]({address})")


def test_a_post_of_eight_uses_all_forty_components(renderer: DiscordRenderer) -> None:
    (part,) = renderer.render_daily(
        rendered_posts.daily(tuple(rendered_posts.paper(number) for number in range(8)))
    )
    components = list(validation.walk_components(part.payload["components"]))
    assert len(components) == discord_text.COMPONENTS
    texts = [component["content"] for component in components if component["type"] == 10]
    assert all(any(f"[Paper {number}]" in text for text in texts) for number in range(8))
    assert texts[-1] == "-# 매일 09:00 (서울)"
