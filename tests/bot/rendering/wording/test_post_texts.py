"""What posts, alerts and notices say, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest

from bot.rendering.discord_text import escape
from bot.rendering.discord_text.escape import Safe
from bot.rendering.wording import post_texts, templates
from bot.services.posts import contents

DAY = date(2025, 2, 12)
EDIT = Safe("</daily edit:123>")
LOCALES = ("ko", "en")


@pytest.fixture
def words() -> post_texts.Wording:
    return post_texts.Wording(templates.Templates())


def test_a_daily_post_in_korean(words: post_texts.Wording) -> None:
    post = post_texts.Daily(DAY, 27, 5, at_time="09:00", timezone="Asia/Seoul", edit_command=EDIT)
    assert words.daily("ko", post) == post_texts.DailyTexts(
        headline=Safe("2025년 2월 12일의 논문"),
        count=Safe("27편 가운데 표를 가장 많이 받은 5편"),
        missed=Safe(""),
        foot=Safe("매일 09:00 (서울) · </daily edit:123>"),
        name="2025-02-12 · 5편",
    )


def test_a_daily_post_in_english(words: post_texts.Wording) -> None:
    post = post_texts.Daily(DAY, 27, 5, at_time="09:00", timezone="America/New_York", days=(1, 2, 3, 4, 5))
    assert words.daily("en", post) == post_texts.DailyTexts(
        headline=Safe("Papers of February 12, 2025"),
        count=Safe("The 5 with the most votes, out of 27"),
        missed=Safe(""),
        foot=Safe("Monday to Friday at 09:00 (New York)"),
        name="2025-02-12 · 5 papers",
    )


def test_chosen_weekdays_are_named(words: post_texts.Wording) -> None:
    post = post_texts.Daily(DAY, 5, 5, at_time="18:30", days=(1, 3, 5))
    assert words.daily("ko", post).foot == "매주 월·수·금 18:30 (UTC)"
    assert words.daily("en", post).foot == "Mon, Wed, Fri at 18:30 (UTC)"


def test_a_weekly_post_names_its_first_and_last_day(words: post_texts.Wording) -> None:
    post = post_texts.Daily(DAY, 90, 10, since=date(2025, 2, 6))
    assert words.daily("ko", post).headline == "2025년 2월 6일부터 2025년 2월 12일까지의 논문"
    assert words.daily("en", post).name == "2025-02-06 – 2025-02-12 · 10 papers"


def test_missed_days_are_one_line(words: post_texts.Wording) -> None:
    missed = [date(2025, 2, day) for day in range(1, 8)]
    post = post_texts.Daily(DAY, 5, 5, missed=missed, digest_command=Safe("</digest:1>"))
    for locale in LOCALES:
        line = words.daily(locale, post).missed
        assert "2025-02-07" in line
        assert "</digest:1>" in line
        assert "\n" not in line


@pytest.mark.parametrize("locale", LOCALES)
def test_a_day_without_papers_has_words_of_its_own(words: post_texts.Wording, locale: str) -> None:
    none_came = words.daily(locale, post_texts.Daily(DAY, 0, 0))
    none_chosen = words.daily(locale, post_texts.Daily(DAY, 27, 0))
    assert none_came.headline == none_chosen.headline
    assert none_came.count != none_chosen.count
    assert "27" in none_chosen.count


@pytest.mark.parametrize("locale", LOCALES)
def test_a_paper_shows_title_votes_authors_and_one_thought(words: post_texts.Wording, locale: str) -> None:
    title = escape.link("SmolLM2 [beta]", "https://arxiv.org/abs/2502.02737")
    authors = ["Haojun Zhao", "B_b", "C", "D", "E"]
    text = words.paper(locale, post_texts.Paper(1, title, 81, authors, thought="# 생각 *하나*."))
    assert text.split("\n") == [
        "**1 · [SmolLM2 (beta)](https://arxiv.org/abs/2502.02737)**",
        "▲ 81 · Haojun Zhao, B\\_b, C +2",
        "\\# 생각 \\*하나\\*.",
    ]
    assert words.paper(locale, post_texts.Paper(2, title)).split("\n")[1:] == ["▲ –"]


def test_an_alert_says_why_each_paper_is_there(words: post_texts.Wording) -> None:
    reasons = [post_texts.Why("title", "강화 *학습*"), post_texts.Why("author", "Sergey Levine")]
    text = words.alert_paper("ko", escape.link("T", "https://e.org/"), 57, reasons)
    assert text == "**[T](https://e.org/)** ▲ 57\n-# 제목에 “강화 \\*학습\\*”, 저자 Sergey Levine"
    english = words.alert_paper("en", Safe("T"), None, [post_texts.Why("text", "PPO")])
    assert english == "**T** ▲ –\n-# “PPO” in the summary"


def test_an_alert_says_how_many_it_leaves_out(words: post_texts.Wording) -> None:
    assert words.alert("ko", DAY, 2, 2).more == ""
    assert words.alert("ko", DAY, 2, 2).headline == "**새 논문 2편이 알림과 맞아요** · 2025년 2월 12일"
    assert words.alert("en", DAY, 1, 1).headline == "**1 new paper matches your alerts** · February 12, 2025"
    assert "1,192" in words.alert("en", DAY, 1200, 8).more


def notices() -> Iterator[post_texts.Notice]:
    for kind in contents.NoticeKind:
        for reason in (*(one.value for one in contents.Reason), "", "HTTP 503 *twice*"):
            for is_alert in (True, False):
                yield post_texts.Notice(
                    kind, reason, Safe("<#1>"), "https://e.org/a_b", is_alert, Safe("</status:1>")
                )


@pytest.mark.parametrize("locale", LOCALES)
def test_every_reason_is_said_in_words(words: post_texts.Wording, locale: str) -> None:
    names = {reason.value for reason in contents.Reason}
    for notice in notices():
        text = words.notice(locale, notice)
        if notice.kind != contents.NoticeKind.SOURCE_FAILING:
            assert not any(re.search(rf"\b{name}\b", text) for name in names if "-" in name)
        assert "\n\n" not in text
        assert "!" not in text
        assert text.startswith("**")


@pytest.mark.parametrize("locale", LOCALES)
def test_a_pause_names_place_permission_and_remedy(words: post_texts.Wording, locale: str) -> None:
    text = words.notice(locale, post_texts.Notice("paused", "no-send", Safe("<#42>")))
    assert "<#42>" in text
    assert ("**메시지 보내기**" if locale == "ko" else "**Send Messages**") in text


def test_a_sentence_of_a_source_is_shown_escaped(words: post_texts.Wording) -> None:
    text = words.notice("en", post_texts.Notice("source-failing", "HTTP *503*", subject="https://e.org/a_b"))
    assert "https\\://e.org/a\\_b: HTTP \\*503\\*" in text
