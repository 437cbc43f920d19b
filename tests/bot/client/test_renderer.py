"""Messages for the outbox: within Discord's limits for any content, with their marker and a plain fallback."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.client import translations
from bot.client.discord_api.command_sync import CommandMentions
from bot.client.renderer import DiscordRenderer
from bot.rendering.discord_text import limits
from bot.rendering.wording.templates import Templates
from bot.services.posts import contents, delivery_factory
from storage import models
from tests.fake_discord import validation
from tests.support import hostile_papers, payload_checks

TEXTS = translations.load()
LONGEST_MARKER = "m" * 64
MARKER = re.compile("pr:d:[A-Za-z0-9:_-]{1,64}:[0-9]+/")
WITHOUT_MESSAGE = frozenset({models.PartKind.THREAD, models.PartKind.CROSSPOST})


def _renderer() -> DiscordRenderer:
    mentions = CommandMentions()
    mentions.update({"daily": 10**19, "digest": 10**19, "status": 10**19})
    return DiscordRenderer(TEXTS, Templates(), mentions)


@pytest.fixture(scope="module")
def renderer() -> DiscordRenderer:
    return _renderer()


def _daily(papers: tuple[contents.PostPaper, ...], **options: Any) -> contents.DailyPost:
    values: dict[str, Any] = {
        "marker": "daily:1:2025-02-12",
        "locale": models.Locale.KO,
        "style": models.Style.COMPACT,
        "digest_on": date(2025, 2, 12),
        "total": max(27, len(papers)),
        "schedule": ("09:00", "Asia/Seoul", (1, 2, 3, 4, 5, 6, 7)),
    }
    return contents.DailyPost(papers=papers, **(values | options))


def _paper(number: int = 1, **options: Any) -> contents.PostPaper:
    values: dict[str, Any] = {
        "arxiv_id": f"2502.0{number:04}",
        "title": f"Paper {number}",
        "url": f"https://huggingface.co/papers/2502.0{number:04}",
        "date": date(2025, 2, 12),
        "votes": 100 - number,
        "authors": ("Ada Lovelace", "Grace Hopper", "Emmy Noether", "Alan Turing"),
        "thumbnail": f"https://covers.example/{number}.png",
        "sections": (models.Section("What's New", "첫 문장이에요. 둘째 문장이에요."),),
    }
    return contents.PostPaper(**(values | options))


def _messages(parts: tuple[contents.RenderedPart, ...]) -> Iterator[dict[str, Any]]:
    for part in parts:
        if part.kind in WITHOUT_MESSAGE:
            continue
        for body in (part.payload, part.fallback):
            assert body is not None
            yield body["message"] if part.kind is models.PartKind.FORUM_POST else body


def _check(parts: tuple[contents.RenderedPart, ...]) -> None:
    for position, part in enumerate(parts):
        if part.kind not in WITHOUT_MESSAGE:
            assert part.fallback is not None
            for body in (part.payload, part.fallback):
                [marker] = set(MARKER.findall(json.dumps(body)))
                assert marker.endswith(f":{position}/")
    for message in _messages(parts):
        payload_checks.check_message(message)
        assert len(message.get("content") or "") <= 2_000 - 64


@pytest.mark.parametrize("style", list(models.Style))
@pytest.mark.parametrize("locale", list(models.Locale))
@pytest.mark.parametrize("count", [0, 1, 5, 8, 9, 25])
def test_every_style_is_within_the_limits_for_any_number_of_papers(
    renderer: DiscordRenderer, style: models.Style, locale: models.Locale, count: int
) -> None:
    papers = tuple(_paper(number) for number in range(count))
    post = _daily(papers, style=style, locale=locale, marker=LONGEST_MARKER, forum_tags=(1, 2))
    parts = renderer.render_daily(post)
    _check(parts)
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
    post = _daily(papers, style=style, locale=locale, marker=LONGEST_MARKER)
    _check(_renderer().render_daily(post))


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
    post = contents.AlertPost(LONGEST_MARKER, models.Locale.KO, date(2025, 2, 12), matches, in_channel)
    _check(_renderer().render_alert(post))


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
        _paper(
            number,
            title=f"{text} {other}",
            url=url,
            thumbnail=url,
            authors=(text, other),
            sections=(models.Section(text, f"{other} [{text}]({url}) {text}"),),
        )
        for number in range(2)
    )
    factory = delivery_factory.DeliveryFactory(_renderer)
    post = _daily(papers, style=style, marker=delivery_factory.MARKER_PLACEHOLDER)
    daily_parts = factory.build_parts(factory.render_daily(post), "daily:1:2025-02-12")
    reason = contents.AlertReason(1, models.AlertKind.KEYWORD, text, contents.MatchField.TITLE)
    matches = tuple((paper, (reason,)) for paper in papers)
    alert = contents.AlertPost(
        delivery_factory.ALERT_MARKER_PLACEHOLDER, models.Locale.EN, date(2025, 2, 12), matches
    )
    notice = contents.NoticePost(
        "notice:s3:1", models.Locale.EN, contents.NoticeKind.SOURCE_FAILING, text, subject=url
    )
    now = datetime(2025, 2, 12, tzinfo=UTC)
    others = (
        *factory.build_alert(alert, key="alert:user:7:1:1", now=now, user_id=7).parts,
        *factory.build_notice(notice, now=now, user_id=7).parts,
    )
    for part in (*daily_parts, *others):
        for body in (part.payload, part.fallback or part.payload):
            assert set(MARKER.findall(body)) == ({part.marker} if part.marker else set())


@pytest.mark.parametrize("locale", list(models.Locale))
@pytest.mark.parametrize("kind", list(contents.NoticeKind))
@pytest.mark.parametrize("reason", [None, *contents.Reason, "the server answered 503 @everyone"])
def test_every_notice_has_a_text_and_its_marker(
    renderer: DiscordRenderer, locale: models.Locale, kind: contents.NoticeKind, reason: str | None
) -> None:
    notice = contents.NoticePost(
        LONGEST_MARKER,
        locale,
        kind,
        reason,
        channel_id=5,
        subscription_id=3,
        subject="https://x.example/feed",
    )
    _check(renderer.render_notice(notice))


def test_the_compact_post_shows_titles_votes_authors_and_excerpts(renderer: DiscordRenderer) -> None:
    (part,) = renderer.render_daily(_daily((_paper(1), _paper(2, votes=None))))
    components = validation.walk_components(part.payload["components"])
    texts = [component["content"] for component in components if component["type"] == 10]
    assert texts[0] == "## 📰 2025년 2월 12일의 논문\n-# 27편 가운데 추천을 가장 많이 받은 2편"
    assert texts[1] == (
        "**1 · [Paper 1](https://huggingface.co/papers/2502.00001)**\n"
        "▲ 99 · Ada Lovelace, Grace Hopper, Emmy Noether +1\n첫 문장이에요. 둘째 문장이에요."
    )
    assert "\n▲ – · " in texts[2]
    # The command that changes the post is for managers: readers who see the post may not use it.
    assert texts[3] == "-# 매일 09:00 (서울)"


LISTED = {
    "organization": "A *Lab*",
    "code_url": "https://github.com/example/small",
    "code_stars": 1234,
    "project_url": "https://small.example/",
}
CODE_AND_PROJECT = {
    models.Locale.EN: "[code ★ 1.2k](https://github.com/example/small) · [project](https://small.example/)",
    models.Locale.KO: "[코드 ★ 1.2k](https://github.com/example/small) · [프로젝트](https://small.example/)",
}


@pytest.mark.parametrize("locale", list(models.Locale))
def test_the_organization_and_the_codes_stars_are_in_every_style(
    renderer: DiscordRenderer, locale: models.Locale
) -> None:
    byline = "▲ 99 · Ada Lovelace, Grace Hopper, Emmy Noether +1 · A \\*Lab\\*"
    for style in models.Style:
        parts = renderer.render_daily(_daily((_paper(1, **LISTED),), style=style, locale=locale))
        _check(parts)
        bodies = [json.dumps(part.payload, ensure_ascii=False).replace("\\\\", "\\") for part in parts]
        assert any(byline in body for body in bodies), style
        if style in {models.Style.CARDS, models.Style.THREAD}:
            assert any('"GitHub ★ 1.2k"' in body and '"Web"' in body for body in bodies), style
        else:
            assert any(f"-# {CODE_AND_PROJECT[locale]}" in body for body in bodies), style


@pytest.mark.parametrize("style", list(models.Style))
def test_eight_papers_with_the_longest_facts_are_within_the_limits(
    renderer: DiscordRenderer, style: models.Style
) -> None:
    address = "https://code.example/" + "a" * 138
    longest = {"organization": "연" * 200, "code_url": address, "code_stars": 10**9, "project_url": address}
    long_texts = {"title": "긴 제목 " * 80, "authors": ("이름" * 50,) * 9}
    papers = tuple(_paper(number, **longest, **long_texts) for number in range(8))
    parts = renderer.render_daily(_daily(papers, style=style, marker=LONGEST_MARKER))
    _check(parts)
    for message in _messages(parts):
        text = json.dumps(message)
        # A link is whole or left out.
        assert text.count("](https://code.example/") == text.count(f"]({address})")


@pytest.mark.parametrize(
    ("locale", "expected"),
    [(models.Locale.EN, "the day is complete"), (models.Locale.KO, "그날 목록이 다 모였어요")],
)
def test_every_style_says_that_the_day_is_complete(
    renderer: DiscordRenderer, locale: models.Locale, expected: str
) -> None:
    state = {"closes_at": datetime(2025, 2, 13, 2, 30, tzinfo=UTC), "is_complete": True, "locale": locale}
    for style in models.Style:
        parts = renderer.render_daily(_daily((_paper(1), _paper(2)), style=style, **state))
        assert expected in json.dumps(parts[0].payload, ensure_ascii=False), style
        assert expected in json.dumps(parts[0].fallback, ensure_ascii=False), style


def test_a_post_of_eight_uses_all_forty_components(renderer: DiscordRenderer) -> None:
    (part,) = renderer.render_daily(_daily(tuple(_paper(number) for number in range(8))))
    components = list(validation.walk_components(part.payload["components"]))
    assert len(components) == limits.COMPONENTS
    texts = [component["content"] for component in components if component["type"] == 10]
    assert all(any(f"[Paper {number}]" in text for text in texts) for number in range(8))
    assert texts[-1] == "-# 매일 09:00 (서울)"


def test_missed_days_are_listed(renderer: DiscordRenderer) -> None:
    missed = tuple(date(2025, 2, day) for day in range(1, 9))
    (part,) = renderer.render_daily(_daily((_paper(),), missed_on=missed))
    assert "2025-02-08" in json.dumps(part.payload)


def test_a_thread_follows_the_headline_and_has_the_cards(renderer: DiscordRenderer) -> None:
    kinds = [
        part.kind for part in renderer.render_daily(_daily((_paper(1), _paper(2)), style=models.Style.THREAD))
    ]
    assert kinds == [
        models.PartKind.MESSAGE,
        models.PartKind.THREAD,
        models.PartKind.THREAD_MESSAGE,
        models.PartKind.THREAD_MESSAGE,
    ]


def test_a_forum_post_has_a_name_and_the_required_tags(renderer: DiscordRenderer) -> None:
    (part,) = renderer.render_daily(_daily((_paper(),), style=models.Style.FORUM, forum_tags=(7, 8)))
    assert part.kind is models.PartKind.FORUM_POST
    assert part.payload["name"] == "2025-02-12 · 1편"
    assert part.payload["applied_tags"] == ["7", "8"]
    payload_checks.load_schemas().check("CreateForumThreadRequest", part.payload)


def test_an_announcement_has_embeds_with_links_and_is_published(renderer: DiscordRenderer) -> None:
    message, published = renderer.render_daily(_daily((_paper(),), style=models.Style.ANNOUNCEMENT))
    assert published.kind is models.PartKind.CROSSPOST
    assert "components" not in message.payload
    assert message.payload["embeds"][1]["url"] == "https://huggingface.co/papers/2502.00001"


def test_a_paper_without_summary_or_title_is_shown_by_its_id(renderer: DiscordRenderer) -> None:
    for style in models.Style:
        parts = renderer.render_daily(
            _daily((_paper(title=None, sections=(), authors=(), thumbnail=None),), style=style)
        )
        _check(parts)
        assert "2502.00001" in json.dumps([part.payload for part in parts])


def test_a_truncated_card_has_a_note(renderer: DiscordRenderer) -> None:
    long = "가나다라 마바사. " * 700
    paper = _paper(sections=(models.Section("What's New", long),))
    _, card = renderer.render_daily(_daily((paper,), style=models.Style.CARDS))
    assert TEXTS.for_locale(models.Locale.KO)("more-inside") in json.dumps(card.payload, ensure_ascii=False)


@pytest.mark.parametrize("locale", list(models.Locale))
@pytest.mark.parametrize("style", list(models.Style))
@pytest.mark.parametrize("role_id", [None, 77])
def test_a_topic_heads_its_post_in_every_style_and_only_the_first_message_mentions_its_role(
    renderer: DiscordRenderer, style: models.Style, locale: models.Locale, role_id: int | None
) -> None:
    topic = "*RL* @everyone <@&5> # " + "강화학습 " * 30
    post = _daily(
        tuple(_paper(number) for number in range(12)),
        style=style,
        locale=locale,
        total=31,
        topic=topic.strip(),
        mention_role_id=role_id,
        since_on=date(2025, 2, 6) if style is models.Style.WEEKLY else None,
    )
    first, *rest = [part for part in renderer.render_daily(post) if part.kind not in WITHOUT_MESSAGE]
    for message in _messages((first,)):
        payload_checks.check_message(message, role_id=str(role_id or ""))
        assert json.dumps(message).count("<@&77>") == (role_id is not None)
        shown = json.dumps(message, ensure_ascii=False)
        assert "12 of 31" in shown or "31편 중 12편" in shown or message is not first.payload
    for message in _messages(tuple(rest)):
        payload_checks.check_message(message)
        assert "<@&77>" not in json.dumps(message)


@pytest.mark.parametrize("locale", list(models.Locale))
def test_an_empty_post_names_its_topic_and_mentions_nobody(
    renderer: DiscordRenderer, locale: models.Locale
) -> None:
    for message in _messages(renderer.render_daily(_daily((), locale=locale, topic="state space"))):
        assert "state space" in str(message)
        payload_checks.check_message(message)


@pytest.mark.parametrize("style", list(models.Style))
@pytest.mark.parametrize(
    ("locale", "words"), [(models.Locale.EN, "added later"), (models.Locale.KO, "늦게 추가된 논문")]
)
def test_late_papers_are_below_a_heading_in_every_style(
    renderer: DiscordRenderer, style: models.Style, locale: models.Locale, words: str
) -> None:
    papers = tuple(_paper(number) for number in range(5))
    post = _daily(papers, style=style, locale=locale, late=((date(2025, 5, 10), 2, 4),))
    text = json.dumps([part.payload for part in renderer.render_daily(post)], ensure_ascii=False)
    plain = json.dumps([part.fallback for part in renderer.render_daily(post)], ensure_ascii=False)
    heading = text.lower().rindex(words)
    assert text.index(papers[2].title or "") < heading
    assert words in plain.lower()
