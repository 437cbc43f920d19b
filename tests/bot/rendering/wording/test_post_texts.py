"""What posts, alerts and notices say, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest

from bot.rendering.discord_text import escape
from bot.rendering.discord_text.escape import SafeMarkdown
from bot.rendering.wording import post_texts, templates
from bot.services.posts import contents

DAY = date(2025, 2, 12)
EDIT_COMMAND = SafeMarkdown("</daily edit:123>")
LOCALES = ("ko", "en")


@pytest.fixture
def post_templates() -> post_texts.PostTemplates:
    return post_texts.PostTemplates(templates.Templates())


def test_a_daily_post_in_korean(post_templates: post_texts.PostTemplates) -> None:
    post = post_texts.DailyPostContext(
        DAY, 27, 5, at_time="09:00", timezone="Asia/Seoul", edit_command=EDIT_COMMAND
    )
    assert post_templates.daily("ko", post) == post_texts.DailyPostTexts(
        headline=SafeMarkdown("2025년 2월 12일의 논문"),
        count=SafeMarkdown("27편 가운데 표를 가장 많이 받은 5편"),
        missed=SafeMarkdown(""),
        foot=SafeMarkdown("매일 09:00 (서울) · </daily edit:123>"),
        name="2025-02-12 · 5편",
    )


def test_a_daily_post_in_english(post_templates: post_texts.PostTemplates) -> None:
    post = post_texts.DailyPostContext(
        DAY, 27, 5, at_time="09:00", timezone="America/New_York", days=(1, 2, 3, 4, 5)
    )
    assert post_templates.daily("en", post) == post_texts.DailyPostTexts(
        headline=SafeMarkdown("Papers of February 12, 2025"),
        count=SafeMarkdown("The 5 with the most votes, out of 27"),
        missed=SafeMarkdown(""),
        foot=SafeMarkdown("Monday to Friday at 09:00 (New York)"),
        name="2025-02-12 · 5 papers",
    )


def test_chosen_weekdays_are_named(post_templates: post_texts.PostTemplates) -> None:
    post = post_texts.DailyPostContext(DAY, 5, 5, at_time="18:30", days=(1, 3, 5))
    assert post_templates.daily("ko", post).foot == "매주 월·수·금 18:30 (UTC)"
    assert post_templates.daily("en", post).foot == "Mon, Wed, Fri at 18:30 (UTC)"


def test_a_weekly_post_names_its_first_and_last_day(post_templates: post_texts.PostTemplates) -> None:
    post = post_texts.DailyPostContext(DAY, 90, 10, since=date(2025, 2, 6))
    assert post_templates.daily("ko", post).headline == "2025년 2월 6일부터 2025년 2월 12일까지의 논문"
    assert post_templates.daily("en", post).name == "2025-02-06 – 2025-02-12 · 10 papers"


def test_missed_days_are_one_line(post_templates: post_texts.PostTemplates) -> None:
    missed = [date(2025, 2, day) for day in range(1, 8)]
    post = post_texts.DailyPostContext(DAY, 5, 5, missed=missed, digest_command=SafeMarkdown("</digest:1>"))
    for locale in LOCALES:
        line = post_templates.daily(locale, post).missed
        assert "2025-02-07" in line
        assert "</digest:1>" in line
        assert "\n" not in line


@pytest.mark.parametrize("locale", LOCALES)
def test_a_day_without_papers_has_words_of_its_own(
    post_templates: post_texts.PostTemplates, locale: str
) -> None:
    none_came = post_templates.daily(locale, post_texts.DailyPostContext(DAY, 0, 0))
    none_chosen = post_templates.daily(locale, post_texts.DailyPostContext(DAY, 27, 0))
    assert none_came.headline == none_chosen.headline
    assert none_came.count != none_chosen.count
    assert "27" in none_chosen.count


@pytest.mark.parametrize("locale", LOCALES)
def test_a_paper_shows_title_votes_authors_and_one_thought(
    post_templates: post_texts.PostTemplates, locale: str
) -> None:
    title = escape.masked_link("SmolLM2 [beta]", "https://arxiv.org/abs/2502.02737")
    authors = ["Haojun Zhao", "B_b", "C", "D", "E"]
    text = post_templates.paper(
        locale, post_texts.PaperContext(1, title, 81, authors, thought="# 생각 *하나*.")
    )
    assert text.split("\n") == [
        "**1 · [SmolLM2 (beta)](https://arxiv.org/abs/2502.02737)**",
        "▲ 81 · Haojun Zhao, B\\_b, C +2",
        "\\# 생각 \\*하나\\*.",
    ]
    assert post_templates.paper(locale, post_texts.PaperContext(2, title)).split("\n")[1:] == ["▲ –"]


def test_an_alert_says_why_each_paper_is_there(post_templates: post_texts.PostTemplates) -> None:
    reasons = [
        post_texts.AlertReasonContext("title", "강화 *학습*"),
        post_texts.AlertReasonContext("author", "Sergey Levine"),
    ]
    text = post_templates.alert_paper("ko", escape.masked_link("T", "https://e.org/"), 57, reasons)
    assert text == "**[T](https://e.org/)** ▲ 57\n-# 제목에 “강화 \\*학습\\*”, 저자 Sergey Levine"
    english = post_templates.alert_paper(
        "en", SafeMarkdown("T"), None, [post_texts.AlertReasonContext("text", "PPO")]
    )
    assert english == "**T** ▲ –\n-# “PPO” in the summary"


def test_an_alert_says_how_many_it_leaves_out(post_templates: post_texts.PostTemplates) -> None:
    assert post_templates.alert("ko", DAY, 2, 2).more == ""
    assert (
        post_templates.alert("ko", DAY, 2, 2).headline == "**새 논문 2편이 알림과 맞아요** · 2025년 2월 12일"
    )
    assert (
        post_templates.alert("en", DAY, 1, 1).headline
        == "**1 new paper matches your alerts** · February 12, 2025"
    )
    assert "1,192" in post_templates.alert("en", DAY, 1200, 8).more


def notices() -> Iterator[post_texts.NoticeContext]:
    for kind in contents.NoticeKind:
        for reason in (*(one.value for one in contents.Reason), "", "HTTP 503 *twice*"):
            for is_alert in (True, False):
                yield post_texts.NoticeContext(
                    kind,
                    reason,
                    SafeMarkdown("<#1>"),
                    "https://e.org/a_b",
                    is_alert,
                    SafeMarkdown("</status:1>"),
                )


@pytest.mark.parametrize("locale", LOCALES)
def test_every_reason_is_said_in_words(post_templates: post_texts.PostTemplates, locale: str) -> None:
    names = {reason.value for reason in contents.Reason}
    for notice in notices():
        text = post_templates.notice(locale, notice)
        if notice.kind != contents.NoticeKind.SOURCE_FAILING:
            assert not any(re.search(rf"\b{name}\b", text) for name in names if "-" in name)
        assert "\n\n" not in text
        assert "!" not in text
        assert text.startswith("**")


@pytest.mark.parametrize("locale", LOCALES)
def test_a_pause_names_place_permission_and_remedy(
    post_templates: post_texts.PostTemplates, locale: str
) -> None:
    text = post_templates.notice(locale, post_texts.NoticeContext("paused", "no-send", SafeMarkdown("<#42>")))
    assert "<#42>" in text
    assert ("**메시지 보내기**" if locale == "ko" else "**Send Messages**") in text


def test_a_sentence_of_a_source_is_shown_escaped(post_templates: post_texts.PostTemplates) -> None:
    text = post_templates.notice(
        "en", post_texts.NoticeContext("source-failing", "HTTP *503*", subject="https://e.org/a_b")
    )
    assert "https\\://e.org/a\\_b: HTTP \\*503\\*" in text
