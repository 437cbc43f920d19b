"""Messages for the outbox: within Discord's limits for any content, with their marker and a plain fallback."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from bot.app.client import DiscordRenderer
from bot.outbox import contents
from storage import models
from tests.fake_discord import validation
from tests.support import payload_checks, rendered_posts


@pytest.fixture(scope="module")
def renderer() -> DiscordRenderer:
    return rendered_posts.new_renderer()


@pytest.mark.parametrize("locale", list(models.Locale))
@pytest.mark.parametrize("kind", list(contents.NoticeKind))
def test_every_notice_has_a_text_and_its_marker(
    renderer: DiscordRenderer, locale: models.Locale, kind: contents.NoticeKind
) -> None:
    named = {"channel_id": 5, "subscription_id": 3, "subject": "https://x.example/feed"}
    for reason in (None, *models.Reason, "the server answered 503 @everyone"):
        notice = contents.NoticePost(rendered_posts.LONGEST_MARKER, locale, kind, reason, **named)  # type: ignore[arg-type]
        rendered_posts.check(renderer.render_notice(notice))


def test_the_compact_post_shows_titles_votes_authors_and_excerpts(renderer: DiscordRenderer) -> None:
    (part,) = renderer.render_daily(
        rendered_posts.daily((rendered_posts.paper(1), rendered_posts.paper(2, votes=None)))
    )
    components = validation.walk_components(part.payload["components"])
    texts = [component["content"] for component in components if component["type"] == 10]
    assert texts[0] == "## 📰 2025년 2월 12일의 논문\n-# 27편 중 추천을 가장 많이 받은 2편"
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
        parts = renderer.render_daily(
            rendered_posts.daily((rendered_posts.paper(1, **LISTED),), style=style, locale=locale)
        )
        rendered_posts.check(parts)
        bodies = [json.dumps(part.payload, ensure_ascii=False).replace("\\\\", "\\") for part in parts]
        assert any(byline in body for body in bodies), style
        if style in {models.Style.CARDS, models.Style.THREAD}:
            assert any('"GitHub ★ 1.2k"' in body and '"Web"' in body for body in bodies), style
        else:
            assert any(f"-# {CODE_AND_PROJECT[locale]}" in body for body in bodies), style


@pytest.mark.parametrize(
    ("locale", "expected"),
    [(models.Locale.EN, "the day's list is complete"), (models.Locale.KO, "그날 목록이 다 모였어요")],
)
def test_every_style_says_that_the_day_is_complete(
    renderer: DiscordRenderer, locale: models.Locale, expected: str
) -> None:
    state = {"closes_at": datetime(2025, 2, 13, 2, 30, tzinfo=UTC), "is_complete": True, "locale": locale}
    for style in models.Style:
        parts = renderer.render_daily(
            rendered_posts.daily((rendered_posts.paper(1), rendered_posts.paper(2)), style=style, **state)
        )
        assert expected in json.dumps(parts[0].payload, ensure_ascii=False), style
        assert expected in json.dumps(parts[0].fallback, ensure_ascii=False), style


def test_missed_days_are_listed(renderer: DiscordRenderer) -> None:
    missed = tuple(date(2025, 2, day) for day in range(1, 9))
    (part,) = renderer.render_daily(rendered_posts.daily((rendered_posts.paper(),), missed_on=missed))
    assert "2025-02-08" in json.dumps(part.payload)


def test_a_thread_follows_the_headline_and_has_the_cards(renderer: DiscordRenderer) -> None:
    kinds = [
        part.kind
        for part in renderer.render_daily(
            rendered_posts.daily(
                (rendered_posts.paper(1), rendered_posts.paper(2)), style=models.Style.THREAD
            )
        )
    ]
    assert kinds == [
        models.PartKind.MESSAGE,
        models.PartKind.THREAD,
        models.PartKind.THREAD_MESSAGE,
        models.PartKind.THREAD_MESSAGE,
    ]


def test_a_forum_post_has_a_name_and_the_required_tags(renderer: DiscordRenderer) -> None:
    (part,) = renderer.render_daily(
        rendered_posts.daily((rendered_posts.paper(),), style=models.Style.FORUM, forum_tags=(7, 8))
    )
    assert part.kind is models.PartKind.FORUM_POST
    assert part.payload["name"] == "2025-02-12 · 1편"
    assert part.payload["applied_tags"] == ["7", "8"]
    payload_checks.load_schemas().check("CreateForumThreadRequest", part.payload)


def test_an_announcement_has_embeds_with_links_and_is_published(renderer: DiscordRenderer) -> None:
    message, published = renderer.render_daily(
        rendered_posts.daily((rendered_posts.paper(),), style=models.Style.ANNOUNCEMENT)
    )
    assert published.kind is models.PartKind.CROSSPOST
    assert "components" not in message.payload
    assert message.payload["embeds"][1]["url"] == "https://huggingface.co/papers/2502.00001"


def test_a_paper_without_summary_or_title_is_shown_by_its_id(renderer: DiscordRenderer) -> None:
    for style in models.Style:
        parts = renderer.render_daily(
            rendered_posts.daily(
                (rendered_posts.paper(title=None, sections=(), authors=(), thumbnail=None),), style=style
            )
        )
        rendered_posts.check(parts)
        assert "2502.00001" in json.dumps([part.payload for part in parts])


def test_a_truncated_card_has_a_note(renderer: DiscordRenderer) -> None:
    long = "가나다라 마바사. " * 700
    paper = rendered_posts.paper(sections=(models.Section("What's New", long),))
    _, card = renderer.render_daily(rendered_posts.daily((paper,), style=models.Style.CARDS))
    assert rendered_posts.TEXTS.for_locale(models.Locale.KO)("more-inside") in json.dumps(
        card.payload, ensure_ascii=False
    )


@pytest.mark.parametrize("locale", list(models.Locale))
@pytest.mark.parametrize("style", list(models.Style))
@pytest.mark.parametrize("role_id", [None, 77])
def test_a_topic_heads_its_post_in_every_style_and_only_the_first_message_mentions_its_role(
    renderer: DiscordRenderer, style: models.Style, locale: models.Locale, role_id: int | None
) -> None:
    topic = "*RL* @everyone <@&5> # " + "강화학습 " * 30
    post = rendered_posts.daily(
        tuple(rendered_posts.paper(number) for number in range(12)),
        style=style,
        locale=locale,
        total=31,
        topic=topic.strip(),
        mention_role_id=role_id,
        since_on=date(2025, 2, 6) if style is models.Style.WEEKLY else None,
    )
    first, *rest = [
        part for part in renderer.render_daily(post) if part.kind not in rendered_posts.WITHOUT_MESSAGE
    ]
    for message in rendered_posts.messages((first,)):
        payload_checks.check_message(message, role_id=str(role_id or ""))
        assert json.dumps(message).count("<@&77>") == (role_id is not None)
        shown = json.dumps(message, ensure_ascii=False)
        assert "12 of 31" in shown or "31편 중 12편" in shown or message is not first.payload
    for message in rendered_posts.messages(tuple(rest)):
        payload_checks.check_message(message)
        assert "<@&77>" not in json.dumps(message)


@pytest.mark.parametrize("locale", list(models.Locale))
def test_an_empty_post_names_its_topic_and_mentions_nobody(
    renderer: DiscordRenderer, locale: models.Locale
) -> None:
    for message in rendered_posts.messages(
        renderer.render_daily(rendered_posts.daily((), locale=locale, topic="state space"))
    ):
        assert "state space" in str(message)
        payload_checks.check_message(message)


@pytest.mark.parametrize("style", list(models.Style))
@pytest.mark.parametrize(
    ("locale", "words"), [(models.Locale.EN, "added later"), (models.Locale.KO, "늦게 추가된 논문")]
)
def test_late_papers_are_below_a_heading_in_every_style(
    renderer: DiscordRenderer, style: models.Style, locale: models.Locale, words: str
) -> None:
    papers = tuple(rendered_posts.paper(number) for number in range(5))
    post = rendered_posts.daily(papers, style=style, locale=locale, late=((date(2025, 5, 10), 2, 4),))
    text = json.dumps([part.payload for part in renderer.render_daily(post)], ensure_ascii=False)
    plain = json.dumps([part.fallback for part in renderer.render_daily(post)], ensure_ascii=False)
    heading = text.lower().rindex(words)
    assert text.index(papers[2].title or "") < heading
    assert words in plain.lower()
