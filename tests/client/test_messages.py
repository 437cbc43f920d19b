"""Posts, alerts and notices: their texts in both languages, and Discord's limits with any content."""

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app.client import DiscordRenderer
from bot.client import message_builder
from bot.client.wording import PostWording
from bot.features.alerts import planner as alerts_planner
from bot.features.daily import planner
from bot.features.daily import post as daily_post
from bot.features.operations import notices
from bot.i18n import texts
from bot.outbox import contents
from bot.outbox.outcomes import NOTICE
from bot.papers import paper_texts, post_names, post_papers
from bot.papers import post_names as papers_post_names
from bot.rendering.templates import Templates
from bot.search import alert_matcher
from storage import models
from storage.models import Locale
from tests.support import case_files, hostile_papers, rendered_posts

DAY = date(2025, 2, 12)
ARXIV = "arxiv:cs.CL"
WORDINGS = {
    locale: PostWording(texts.for_locale(locale), Templates(None), lambda name: f"</{name}:1>", None)
    for locale in Locale
}
PAPER = rendered_posts.bare_paper("2502.02737", DAY, title="SmolLM2")


def _daily_texts(
    locale: Locale, total: int, shown: int, *, votes: int | None = 3, **options: Any
) -> dict[str, str]:
    """Return the texts around the papers in a daily post, by block."""
    paper = replace(PAPER, votes=votes)
    post = rendered_posts.daily((paper,) * shown, locale=locale, total=total, **options)
    return {
        block: str(daily_post.daily_text(WORDINGS[locale], post, block))
        for block in get_args(daily_post.DailyBlock)
    }


def test_daily_post_has_texts_in_both_languages() -> None:
    assert _daily_texts(Locale.KO, 27, 5) == {
        "headline": "2025년 2월 12일의 논문",
        "count": "27편 중 추천을 가장 많이 받은 5편",
        "foot": "매일 오전 9:00 (서울)",
        "name": "2025-02-12 · 5편",
    }
    workdays: dict[str, Any] = {"timezone": "America/New_York", "days": (1, 2, 3, 4, 5)}
    assert _daily_texts(Locale.EN, 27, 5, **workdays) == {
        "headline": "Papers for February 12, 2025",
        "count": "Top 5 of 27 by votes",
        "foot": "Monday to Friday at 9:00 AM (New York)",
        "name": "2025-02-12 · 5 papers",
    }
    evenings: dict[str, Any] = {"at_time": "18:30", "timezone": "UTC", "days": (1, 3, 5)}
    assert _daily_texts(Locale.KO, 5, 5, **evenings)["foot"] == "매주 월·수·금요일 오후 6:30 (UTC)"
    assert post_names.format_days(WORDINGS[Locale.KO].ui_texts, (1, 3, 5)) == "매주 월·수·금요일", (
        "as in lists"
    )
    assert _daily_texts(Locale.EN, 5, 5, **evenings)["foot"] == "Every Mon, Wed, Fri at 6:30 PM (UTC)"
    for locale, foot in (
        (Locale.EN, "Every day, once the day's list is complete"),
        (Locale.KO, "매일, 그날 목록이 확정되면"),
    ):
        assert _daily_texts(locale, 5, 5, at_time="")["foot"] == foot
    # A channel that hears nothing for days has read why, and its heading has no operators.
    for locale, foot, headline in (
        (Locale.KO, "매일 오전 9:00 (서울) · 이 주제의 논문이 있을 때만", "agents, GUI 제외 · "),
        (
            Locale.EN,
            "Every day at 9:00 AM (Seoul), if there are papers on this topic",
            "agents without GUI · ",
        ),
    ):
        said = _daily_texts(locale, 5, 5, topic="agents -GUI", at_time="09:00", timezone="Asia/Seoul")
        assert (said["foot"], said["headline"].lstrip("# 📰").startswith(headline)) == (foot, True)


@pytest.mark.parametrize(
    ("options", "english", "korean"),
    case_files.load(__file__, "test_a_daily_post_states_how_its_papers_were_chosen"),
)
def test_a_daily_post_states_how_its_papers_were_chosen(
    options: dict[str, Any], english: str, korean: str
) -> None:
    known: dict[str, Any] = {
        name: tuple(value) if name == "ranks" else value for name, value in options.items()
    }
    for locale, text in ((Locale.EN, english), (Locale.KO, korean)):
        assert _daily_texts(locale, **{"total": 31, "shown": 5, **known})["count"] == text


@pytest.fixture(scope="module")
def renderer() -> DiscordRenderer:
    return rendered_posts.new_renderer()


@pytest.mark.parametrize("papers", [(), ("2501.00001",)])
@pytest.mark.parametrize(
    ("locale", "post"), [(Locale.EN, "daily post|your papers"), (Locale.KO, "자동 게시|맞춤")]
)
def test_a_notice_about_a_direct_message_calls_it_no_post(
    renderer: DiscordRenderer, locale: Locale, post: str, papers: tuple[str, ...]
) -> None:
    """What Discord refused may have been an alert, the papers of the day or news of saved papers."""
    kind = contents.NoticeKind.CONTENT_REFUSED
    [part] = renderer.render(contents.NoticePost("notice:d1:1", locale, kind, papers=papers))
    assert not re.search(post, json.dumps(part.payload, ensure_ascii=False))


@pytest.mark.parametrize("locale", Locale)
@pytest.mark.parametrize("kind", contents.NoticeKind)
def test_a_notice_names_words_and_a_channel_to_its_owner_alone(
    renderer: DiscordRenderer, kind: contents.NoticeKind, locale: Locale
) -> None:
    """Its plain form goes to the server's system channel, too, and keeps the buttons."""
    notice = contents.NoticePost(
        "notice:r1:1", locale, kind, subject="強化学習", channel_id=5, alert_id=1, subscription_id=2
    )
    [own], [public] = renderer.render(notice), renderer.render(replace(notice, is_elsewhere=True))
    shown = json.dumps(own.payload, ensure_ascii=False)
    assert not re.search("이 채널|여기", shown)
    if kind is contents.NoticeKind.RIGHT_LOST:
        assert "<#5>" in shown
        assert "強化学習" in shown
    for payload in (own.fallback, public.payload, public.fallback):
        assert not re.search("<#5>|強化学習", json.dumps(payload, ensure_ascii=False))
    assert own.fallback == public.payload


@pytest.mark.parametrize(
    ("address", "label"), case_files.load(__file__, "test_a_link_is_named_after_the_host_that_it_leads_to")
)
def test_a_link_is_named_after_the_host_that_it_leads_to(address: str, label: str) -> None:
    paper = rendered_posts.paper(code_url=address, code_stars=12_000)
    labels = [name for name, url in paper_texts.list_links(paper, None) if url == address]
    assert labels == [f"{label} ★ 12k"]


@pytest.mark.parametrize("locale", Locale)
def test_notice_fits_discords_limits_and_shows_no_reason_code(
    renderer: DiscordRenderer, locale: Locale
) -> None:
    codes = re.compile(r"\b({})\b".format("|".join(reason for reason in models.Reason if "-" in reason)))
    for kind, reason in itertools.product(
        contents.NoticeKind, (None, *models.Reason, "HTTP *503* @everyone")
    ):
        notice = contents.NoticePost(
            rendered_posts.LONGEST_MARKER,
            locale,
            kind,
            reason,
            channel_id=5,
            subscription_id=3,
            subject="a_b",
        )
        parts = renderer.render(notice)
        rendered_posts.check(parts)
        shown = json.dumps([part.payload for part in parts])
        if kind is contents.NoticeKind.SOURCE_FAILING:
            assert "HTTP *503*" not in shown
            assert "a_b" not in shown
        elif kind is not contents.NoticeKind.ERRORS:  # its reason is the database and the machine
            assert not codes.search(shown)


@pytest.mark.parametrize("locale", Locale)
def test_a_notice_explains_a_reason_as_status_does(locale: Locale) -> None:
    wording = PostWording(texts.for_locale(locale), Templates(None), lambda name: f"/{name}", None)
    for reason in (*models.Reason, "HTTP *503* @everyone", None):
        notice = contents.NoticePost("notice:s3:1", locale, contents.NoticeKind.REFUSED, reason)
        assert papers_post_names.reason_text(wording.ui_texts, reason) in notices.notice_text(wording, notice)


@pytest.mark.parametrize("style", list(models.Style))
@pytest.mark.parametrize("locale", list(models.Locale))
@pytest.mark.parametrize(
    ("count", "topic"), [(1, ""), (9, "reinforcement learning"), (9, "a" * 72), (1, "a" * 200), (25, "")]
)
def test_every_style_fits_discords_limits_with_any_number_of_papers(
    renderer: DiscordRenderer, style: models.Style, locale: models.Locale, count: int, topic: str
) -> None:
    """Each message has its marker: without it, a message whose outcome is unknown would be sent twice."""
    bare = rendered_posts.paper(0, title=None, sections=(), authors=(), thumbnail=None)
    papers = (bare, *map(rendered_posts.paper, range(1, count)))
    options = {"marker": rendered_posts.LONGEST_MARKER, "topic": topic, "source": topic and ARXIV}
    parts = renderer.render(rendered_posts.daily(papers, style=style, locale=locale, **options))
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
def test_post_with_hostile_papers_fits_discords_limits(
    papers: tuple[post_papers.PostPaper, ...], style: models.Style, locale: models.Locale
) -> None:
    post = rendered_posts.daily(papers, style=style, locale=locale, marker=rendered_posts.LONGEST_MARKER)
    rendered_posts.check(rendered_posts.new_renderer().render(post))


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(papers=hostile_papers.papers(max_size=12), text=hostile_papers.texts, in_channel=st.booleans())
def test_alert_with_hostile_papers_fits_discords_limits(
    papers: tuple[post_papers.PostPaper, ...], text: str, in_channel: bool
) -> None:
    reasons = tuple(
        alert_matcher.AlertReason(models.AlertKind.KEYWORD, text, field, text)
        for field in alert_matcher.MatchField
    )
    matches = tuple(alerts_planner.AlertMatch(paper, reasons, (1, 2)) for paper in papers)
    post = rendered_posts.alert(matches, locale=models.Locale.KO, in_channel=in_channel)
    rendered_posts.check(rendered_posts.new_renderer().render(post))


@pytest.mark.parametrize(("locale", "said"), [(Locale.EN, "maps or speech"), (Locale.KO, "maps 또는 speech")])
def test_an_alert_in_a_channel_is_headed_in_words(locale: Locale, said: str) -> None:
    reason = alert_matcher.AlertReason(
        models.AlertKind.KEYWORD, "speech", alert_matcher.MatchField.TITLE, "maps | speech"
    )
    match = alerts_planner.AlertMatch(PAPER, (reason,), (1,))
    parts = rendered_posts.new_renderer().render(
        rendered_posts.alert((match,), locale=locale, in_channel=True)
    )
    assert said in str(parts[0].payload)


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
def test_payload_contains_no_foreign_marker(text: str, style: models.Style, other: str) -> None:
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
    daily_parts = factory.build_parts(factory.render(post), "daily:1:2025-02-12")
    reason = alert_matcher.AlertReason(models.AlertKind.KEYWORD, text, alert_matcher.MatchField.TITLE, text)
    matches = tuple(alerts_planner.AlertMatch(paper, (reason,), (1,)) for paper in papers)
    alert = rendered_posts.alert(matches, marker="alert:user:7:1")
    notice = contents.NoticePost(
        "notice:s3:1", models.Locale.EN, contents.NoticeKind.SOURCE_FAILING, text, subject=url
    )
    now = datetime(2025, 2, 12, tzinfo=UTC)
    others = (
        *factory.build_parts(factory.render(alert), "alert:user:7:1"),
        *factory.build_post(NOTICE, notice, now, user_id=7).parts,
    )
    for part in (*daily_parts, *others):
        for body in (part.payload, part.fallback or part.payload):
            assert set(rendered_posts.MARKER.findall(body)) == ({part.marker} if part.marker else set())


def test_what_does_not_fit_into_a_message_is_an_error() -> None:
    def nearly_full() -> message_builder.MessageBuilder:
        message = message_builder.MessageBuilder()
        message.add_text("a" * 3_900)
        for _ in range(37):
            message.add_separator()
        return message

    button = message_builder.button("Next", "pr:l")
    adding: list[Callable[[message_builder.MessageBuilder], object]] = [
        lambda message: message.add_text("word " * 100),
        lambda message: message.add_section("word", "https://covers.example/1.png", None),
        lambda message: message.add_buttons(button),
        lambda message: message.end_with([[button]]),
        lambda message: message.end_with([], "word " * 100),
    ]
    for add in adding:
        with pytest.raises(message_builder.MessageFullError):
            add(nearly_full())
    message = nearly_full()
    message.add_separator()
    with pytest.raises(message_builder.MessageFullError):
        message.add_separator()


def test_a_message_can_be_built_more_than_once() -> None:
    message = message_builder.MessageBuilder()
    message.end_with([[message_builder.button("Next", "pr:l")]], "the end")
    message.add_text("the beginning")
    assert message_builder.layout_payload(message.view) == message_builder.layout_payload(message.view)
    assert "the end" in str(message_builder.layout_payload(message.view)["components"][0]["components"][-1])
