"""`/trends`: the chart as a picture and as text, rising topics, and the menus and buttons."""

import dataclasses
from datetime import date, timedelta
from typing import Any

from bot.app.workers import Workers
from bot.client import verbs
from bot.client.text_tokens import make_token
from bot.rendering import charts
from bot.rendering.templates import Templates
from storage import models
from tests.support import digest_builders
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    raw_components,
    shown_text,
)
from tests.support.sample_archive import NewsletterPaper, newsletter

LONG = ("small language models " * 14)[:290].strip()


async def _add_rising_topic(harness: ClientHarness) -> None:
    """Add two digests in which 1 and 8 of 10 papers are about language models."""
    ingest = Workers(harness.container).ingest
    for weeks, rising in ((8, 1), (1, 8)):
        on = date(2026, 1, 1) - timedelta(weeks=weeks)
        titles = [f"{'Language Models' if n < rising else 'Notes'} {weeks} {n}" for n in range(10)]
        papers = [
            NewsletterPaper(f"24{weeks:02}.{n + 1:05}", title, "A study.", n)
            for n, title in enumerate(titles)
        ]
        await ingest.add_text(newsletter(str(on), papers), location=f"{on}.md")


def _image_urls(message: Any) -> list[str]:
    return [
        item["media"]["url"] for component in raw_components(message) for item in component.get("items") or ()
    ]


def _figure(harness: ClientHarness, month: str, count: int) -> str:
    is_korean = harness.texts.locale is models.Locale.KO
    return f"{month} {count}편" if is_korean else f"{month}: {count}"


@both_languages
async def test_the_chart_of_a_topic_has_its_numbers_as_alt_text(harness: ClientHarness) -> None:
    message = await harness.ask("trends", topic="소형 언어 모델")
    assert message.ephemeral
    text = shown_text(message)
    span = harness.texts("trend-span-y")
    assert harness.texts("trend-heading", topic="소형 언어 모델", count=3, period=span) in text
    assert "small language model" in text.lower()
    assert len(_image_urls(message)) == 1
    newest, oldest = (
        charts.date_name(day, harness.texts.locale.value, is_month=False, with_year=False)
        for day in (date(2026, 1, 1), date(2025, 12, 30))
    )
    # Two of the newest day's six papers.
    assert harness.texts("trend-share", share="33") in text
    for day, papers, votes in ((newest, 2, 89), (oldest, 1, 33)):
        figure = f"{_figure(harness, day, papers)} (▲\u00a0{votes})"
        assert figure in message.attachments[0].description
        assert figure not in text
    digest = digest_builders.newsletter(date(2025, 8, 1), [("2401.00001", 5)])
    await Workers(harness.container).ingest.add_text(digest, location="8.md")
    message = await harness.ask("trends", topic="소형 언어 모델")
    january = charts.date_name(date(2026, 1, 1), harness.texts.locale.value, is_month=True, with_year=False)
    assert f"{_figure(harness, january, 2)} (▲\u00a089)" in message.attachments[0].description


@both_languages
async def test_a_misspelt_topic_is_corrected_in_the_heading_and_said(harness: ClientHarness) -> None:
    text = shown_text(await harness.ask("trends", topic="소형 언어 모댈"))
    assert harness.texts("list-corrected", pairs="모댈 → 모델") in text
    assert "### 소형 언어 모델" in text


async def test_a_chart_offers_papers_alerts_and_rising_topics(harness: ClientHarness) -> None:
    message = await harness.ask("trends", topic="로봇")
    listed = await harness.press(message, "trend-list")
    assert "Maps for Robots" in shown_text(listed)
    assert _image_urls(listed) == []
    message = await harness.ask("trends", topic="로봇")
    assert harness.texts("alert-made") in shown_text(await harness.press(message, "follow-topic"))
    rising = await harness.press(message, "rising-heading-short")
    assert rising.id == message.id
    assert harness.texts("all-papers") in shown_text(rising)


@both_languages
async def test_trends_shows_all_papers_and_rising_topics_by_default(harness: ClientHarness) -> None:
    await _add_rising_topic(harness)
    message = await harness.ask("trends")
    text = shown_text(message)
    span = harness.texts("trend-span-y")
    everything = harness.texts("all-papers")
    assert harness.texts("trend-heading", topic=everything, count=27, period=span) in text
    assert harness.texts("rising-heading") in text
    topic = "언어 모델" if harness.texts.locale is models.Locale.KO else "language model"
    assert f"1 · **{topic}**" in text
    papers = harness.texts("choice-papers", count=11)
    assert f" · {papers} · 10% → 64.7%" in text
    selected = await harness.select(message, [topic], custom_id=f"pr:{verbs.SELECT_TREND}:")
    assert harness.texts("follow-topic") in shown_text(selected)
    assert topic in shown_text(selected)


async def test_the_reply_for_a_topic_without_papers_shows_the_archives_extent(harness: ClientHarness) -> None:
    message = await harness.ask("trends", topic="xyzzyplugh")
    text = shown_text(message)
    span = harness.texts("trend-span-y")
    assert harness.texts("no-list-top-topic", topic="xyzzyplugh", period=span) in text
    first, last = (harness.texts.format_date(on) for on in (date(2025, 12, 30), date(2026, 1, 1)))
    assert harness.texts("archive-extent", count=7, first=first, last=last) in text
    assert _image_urls(message) == []
    for useless in ("share", "trend-list", "follow-topic"):
        assert harness.texts(useless) not in text


async def test_autocomplete_suggests_a_topic(harness: ClientHarness) -> None:
    offered = await harness.reader.autocomplete(harness.channel, "trends", "topic", "reinforcement l")
    assert "reinforcement learning" in [choice["value"] for choice in offered]


async def test_the_menu_of_periods_works_for_a_long_topic(harness: ClientHarness) -> None:
    message = await harness.ask("trends", topic=LONG)
    assert any(make_token(LONG) in custom_id for custom_id in component_ids(message))
    menu = f"pr:{verbs.SELECT_TREND_SPAN}:"
    updated = await harness.select(message, ["five-years"], custom_id=menu)
    assert updated.id == message.id
    assert harness.texts("trend-span-five-years") in shown_text(updated)
    assert "small language models small" in shown_text(updated)


async def test_only_members_who_may_write_can_share_a_chart(harness: ClientHarness) -> None:
    message = await harness.ask("trends", topic="small language model")
    shared, _ = await harness.share(message)
    assert not shared.ephemeral
    assert len(_image_urls(shared)) == 1
    assert harness.texts("shared-by", name="reader") in shown_text(shared)
    private = await harness.press(shared, "trend-privately", by=harness.manager)
    assert private.ephemeral
    assert private.id != shared.id
    response = await harness.ask("trends", where=harness.readonly_channel, topic="small language model")
    assert harness.texts("share") not in shown_text(response)


async def test_hostile_topics_are_escaped(harness: ClientHarness) -> None:
    for topic in ("@everyone", "</svg><script>", '" * ^ NEAR ( ) : -', "\u202e\u0000x", "😀 " * 40, "   "):
        text = shown_text(await harness.ask("trends", topic=topic))
        assert "@everyone" not in text
        assert "</svg" not in text.replace("\\<", "")


async def test_an_invalid_chart_template_falls_back_to_numbers(harness: ClientHarness, tmp_path: Any) -> None:
    (tmp_path / charts.TEMPLATE).write_text("no picture")
    restarted = dataclasses.replace(harness.container)
    restarted.templates = Templates(tmp_path)
    await harness.env.restart_bot(restarted.create_bot(shard_count=1, locale=models.Locale.EN))
    message = await harness.ask("trends", topic="small language model")
    assert _image_urls(message) == []
    assert "Jan 1: 2 (▲\u00a089)" in shown_text(message)
