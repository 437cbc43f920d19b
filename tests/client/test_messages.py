"""Texts of posts, alerts and notices in both languages; their messages are within Discord's limits for any content."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alerts import matcher
from bot.alerts import messages as alerts_messages
from bot.alerts import planner as alerts_planner
from bot.alerts.planner import ALERT
from bot.app.client import DiscordRenderer
from bot.client import translations
from bot.client.messages import PostWording
from bot.daily import choice, planner
from bot.daily import messages as daily_messages
from bot.daily import post as daily_post
from bot.outbox import contents
from bot.outbox.outcomes import NOTICE
from bot.rendering import discord_text
from bot.rendering.templates import Templates
from storage import models
from storage.models import Locale
from tests.support import hostile_papers, rendered_posts

DAY = date(2025, 2, 12)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
WORDINGS = {
    locale: PostWording(
        translations.Translations().for_locale(locale), Templates(), lambda name: f"</{name}:1>"
    )
    for locale in Locale
}
PAPER = contents.PostPaper("2502.02737", "SmolLM2", "https://arxiv.org/abs/2502.02737", DAY)


def _daily_texts(
    locale: Locale, total: int, shown: int, *, votes: int | None = 3, **options: Any
) -> dict[str, str]:
    """Return every text around the papers of a daily post, by its block."""
    paper = replace(PAPER, votes=votes)
    post = choice.DailyPost("", locale, models.Style.COMPACT, DAY, total, (paper,) * shown, **options)
    return {
        block: str(daily_post.daily_text(WORDINGS[locale], post, block))
        for block in get_args(daily_post.DailyBlock)
    }


def _alert_paper_lines(
    locale: Locale, title: str, votes: int | None, *reasons: tuple[matcher.MatchField, str]
) -> str:
    paper = contents.PostPaper("2502.02737", None, "https://arxiv.org/abs/2502.02737", DAY, votes)
    match_reasons = tuple(
        matcher.AlertReason(models.AlertKind.KEYWORD, text, found_in, text) for found_in, text in reasons
    )
    match = alerts_planner.AlertMatch(paper, match_reasons)
    return alerts_messages.alert_paper_lines(WORDINGS[locale], match, title)


def _notice_text(locale: Locale, kind: contents.NoticeKind, reason: str, **options: Any) -> str:
    return WORDINGS[locale].notice_text(contents.NoticePost("", locale, kind, reason, **options))


def test_a_daily_post_in_both_languages() -> None:
    schedule: tuple[str, str, tuple[int, ...]] = ("09:00", "Asia/Seoul", EVERY_DAY)
    assert _daily_texts(Locale.KO, 27, 5, schedule=schedule) == {
        "headline": "2025년 2월 12일의 논문",
        "count": "27편 중 추천을 가장 많이 받은 5편",
        "foot": "매일 오전 9:00 (서울)",
        "name": "2025-02-12 · 5편",
    }
    schedule = ("09:00", "America/New_York", (1, 2, 3, 4, 5))
    assert _daily_texts(Locale.EN, 27, 5, schedule=schedule) == {
        "headline": "Papers for February 12, 2025",
        "count": "Top 5 of 27 by votes",
        "foot": "Monday to Friday at 9:00 AM (New York)",
        "name": "2025-02-12 · 5 papers",
    }
    assert [_daily_texts(locale, 5, 5)["foot"] for locale in Locale] == ["", ""]
    schedule = ("18:30", "UTC", (1, 3, 5))
    assert _daily_texts(Locale.KO, 5, 5, schedule=schedule)["foot"] == "매주 월·수·금요일 오후 6:30 (UTC)"
    assert daily_messages.format_days(WORDINGS[Locale.KO].ui_texts, schedule[2]) == "매주 월·수·금요일", (
        "as in lists"
    )
    assert _daily_texts(Locale.EN, 5, 5, schedule=schedule)["foot"] == "Every Mon, Wed, Fri at 6:30 PM (UTC)"
    complete = ("", "UTC", EVERY_DAY)
    for locale, foot in (
        (Locale.EN, "Every day, once the day's list is complete"),
        (Locale.KO, "매일 목록 마감 후"),
    ):
        assert _daily_texts(locale, 5, 5, schedule=complete)["foot"] == foot


@pytest.mark.parametrize(
    ("options", "english", "korean"),
    [
        ({"votes": None}, "First 5 of 31", "31편 중 앞의 5편"),
        ({"votes": None, "total": 5}, "All 5", "5편 전체"),
        ({"votes": None, "topic": "RL"}, "Papers on this topic only", "이 주제의 논문만"),
        ({"votes": None, "source": "a"}, "From a · in the source's order", "a · 목록순"),
        (
            {"votes": None, "source": "a", "topic": "RL"},
            "From a, on this topic only · sorted by relevance",
            "a · 이 주제의 논문만 · 관련도순",
        ),
    ],
)
def test_the_count_says_what_is_shown_without_votes_that_are_unknown(
    options: dict[str, Any], english: str, korean: str
) -> None:
    for locale, text in ((Locale.EN, english), (Locale.KO, korean)):
        assert _daily_texts(locale, shown=5, **{"total": 31, **options})["count"] == text


@pytest.mark.parametrize("locale", Locale)
def test_a_paper_shows_its_title_votes_authors_and_summary(locale: Locale) -> None:
    title = discord_text.masked_link("SmolLM2 [beta]", "https://arxiv.org/abs/2502.02737")
    paper = contents.PostPaper(
        "2502.02737",
        "SmolLM2 [beta]",
        "https://arxiv.org/abs/2502.02737",
        DAY,
        81,
        ("Haojun Zhao", "B_b", "C", "D", "E"),
        sections=(models.Section(None, "\\# 생각 \\*하나\\*."),),
    )
    post = choice.DailyPost("", locale, models.Style.COMPACT, DAY, 2, (paper, PAPER))
    more = "외 2명" if locale is Locale.KO else "and 2 more"
    assert daily_post.paper_lines(WORDINGS[locale], post, 1, paper, title).split("\n") == [
        "**1 · [SmolLM2 (beta)](https://arxiv.org/abs/2502.02737)**",
        f"▲\u00a081 · Haojun Zhao, B\\_b, C {more}",
        "\\# 생각 \\*하나\\*.",
    ]
    assert daily_post.paper_lines(WORDINGS[locale], post, 2, PAPER, title).split("\n")[1:] == ["▲\u00a0–"]


def test_an_alert_lists_the_reasons_of_each_paper() -> None:
    title = discord_text.masked_link("T", "https://e.org/")
    reasons = [
        (matcher.MatchField.TITLE, "강화 *학습*"),
        (matcher.MatchField.AUTHOR, "Sergey Levine"),
        (matcher.MatchField.TITLE, "강화 *학습*"),
    ]
    korean = _alert_paper_lines(Locale.KO, title, 57, *reasons)
    assert korean == "**[T](https://e.org/)** ▲\u00a057\n-# 제목에 “강화 \\*학습\\*”, 저자 Sergey Levine"
    english = _alert_paper_lines(Locale.EN, "T", None, (matcher.MatchField.TEXT, "PPO"))
    assert english == "**T** ▲\u00a0–\n-# “PPO” in the summary"


def _notice_texts(locale: Locale) -> Iterator[tuple[contents.NoticeKind, str]]:
    for kind in contents.NoticeKind:
        for reason in (*(reason.value for reason in models.Reason), "", "HTTP 503 *twice*"):
            for alert_id in (1, None):
                options = {"channel_id": 1, "alert_id": alert_id, "subject": "https://e.org/a_b"}
                yield kind, _notice_text(locale, kind, reason, **options)


@pytest.mark.parametrize("locale", Locale)
def test_no_text_of_a_notice_has_the_code_of_its_reason(locale: Locale) -> None:
    names = {reason.value for reason in models.Reason if "-" in reason.value}
    for kind, text in _notice_texts(locale):
        if kind is not contents.NoticeKind.SOURCE_FAILING:
            assert not any(re.search(rf"\b{name}\b", text) for name in names)
        assert "\n\n" not in text
        assert "!" not in text
        assert text.startswith("**")


def test_the_error_of_a_source_is_shown_escaped() -> None:
    text = _notice_text(
        Locale.EN, contents.NoticeKind.SOURCE_FAILING, "HTTP *503*", subject="https://e.org/a_b"
    )
    assert "https\\://e.org/a\\_b: HTTP \\*503\\*" in text


@pytest.fixture(scope="module")
def renderer() -> DiscordRenderer:
    return rendered_posts.new_renderer()


@pytest.mark.parametrize("style", list(models.Style))
@pytest.mark.parametrize("locale", list(models.Locale))
@pytest.mark.parametrize("count", [1, 9, 25])
def test_every_style_is_within_the_limits_for_any_number_of_papers(
    renderer: DiscordRenderer, style: models.Style, locale: models.Locale, count: int
) -> None:
    papers = tuple(rendered_posts.paper(number) for number in range(count))
    post = rendered_posts.daily(papers, style=style, locale=locale, marker=rendered_posts.LONGEST_MARKER)
    parts = renderer.render_daily(post)
    rendered_posts.check(parts)
    assert len(parts) <= {models.Style.CARDS: count + 1, models.Style.THREAD: count + 2}.get(style, 4)
    shown = json.dumps([part.payload for part in parts], ensure_ascii=False)
    if style is not models.Style.ANNOUNCEMENT:
        assert all(f"2502.0{number:04}" in shown for number in range(count))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(
    papers=hostile_papers.papers(max_size=12).filter(bool),
    style=st.sampled_from(models.Style),
    locale=st.sampled_from(models.Locale),
)
def test_a_post_of_hostile_papers_is_within_the_limits(
    papers: tuple[contents.PostPaper, ...], style: models.Style, locale: models.Locale
) -> None:
    post = rendered_posts.daily(papers, style=style, locale=locale, marker=rendered_posts.LONGEST_MARKER)
    rendered_posts.check(rendered_posts.new_renderer().render_daily(post))


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(papers=hostile_papers.papers(max_size=12), text=hostile_papers.texts, in_channel=st.booleans())
def test_an_alert_of_hostile_papers_is_within_the_limits(
    papers: tuple[contents.PostPaper, ...], text: str, in_channel: bool
) -> None:
    reasons = tuple(
        matcher.AlertReason(models.AlertKind.KEYWORD, text, field, text) for field in matcher.MatchField
    )
    matches = tuple(alerts_planner.AlertMatch(paper, reasons, (1, 2)) for paper in papers)
    post = alerts_planner.AlertPost(
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


@settings(max_examples=15, deadline=None)
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
    factory = contents.DeliveryFactory(rendered_posts.new_renderer)
    post = rendered_posts.daily(papers, style=style, marker=planner.MARKER_PLACEHOLDER)
    daily_parts = factory.build_parts(factory.render(planner.DAILY, post), "daily:1:2025-02-12")
    reason = matcher.AlertReason(models.AlertKind.KEYWORD, text, matcher.MatchField.TITLE, text)
    matches = tuple(alerts_planner.AlertMatch(paper, (reason,), (1,)) for paper in papers)
    alert = alerts_planner.AlertPost("alert:user:7:1", models.Locale.EN, date(2025, 2, 12), matches)
    notice = contents.NoticePost(
        "notice:s3:1", models.Locale.EN, contents.NoticeKind.SOURCE_FAILING, text, subject=url
    )
    now = datetime(2025, 2, 12, tzinfo=UTC)
    others = (
        *factory.build_parts(factory.render(ALERT, alert), "alert:user:7:1"),
        *factory.build_post(NOTICE, notice, now, user_id=7).parts,
    )
    for part in (*daily_parts, *others):
        for body in (part.payload, part.fallback or part.payload):
            assert set(rendered_posts.MARKER.findall(body)) == ({part.marker} if part.marker else set())
