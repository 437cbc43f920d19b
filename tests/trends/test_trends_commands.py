"""/trends in both languages: the chart as image and text, rising topics, and the components."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from bot.client.accounts import make_token
from bot.rendering import charts
from bot.rendering.templates import Templates
from bot.trends import messages as trends_messages
from storage import models
from tests.support import digest_builders
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    raw_components,
    shown_text,
)
from tests.support.sample_archive import NewsletterPaper, newsletter

LONG = ("small language models " * 14)[:290].strip()


async def _trends(harness: ClientHarness, **options: str) -> Any:
    result = await harness.reader.slash(harness.channel, "trends", **options)
    assert result.ephemeral
    return last_response(result)


async def _add_rising_topic(harness: ClientHarness) -> None:
    """Add digests in which language models rise from 1 of 10 papers to 8 of 10."""
    ingest = harness.container.create_ingest()
    for weeks, rising in ((8, 1), (1, 8)):
        on = date(2026, 1, 1) - timedelta(weeks=weeks)
        titles = [f"{'Language Models' if n < rising else 'Notes'} {weeks} {n}" for n in range(10)]
        papers = [
            NewsletterPaper(f"24{weeks:02}.{n + 1:05}", title, "A study.", n)
            for n, title in enumerate(titles)
        ]
        await ingest.add_text(newsletter(str(on), papers), location=f"{on}.md")


async def _add_digest(harness: ClientHarness, on: date) -> None:
    digest = digest_builders.newsletter(on, [("2401.00001", 5)])
    await harness.container.create_ingest().add_text(digest, location=f"{on}.md")


def _image_urls(message: Any) -> list[str]:
    return [
        item["media"]["url"] for component in raw_components(message) for item in component.get("items") or ()
    ]


def _figure(harness: ClientHarness, month: str, count: int) -> str:
    is_korean = harness.texts.locale is models.Locale.KO
    return f"{month} {count}편" if is_korean else f"{month}: {count}"


@both_languages
async def test_a_topic_is_shown_as_an_image_with_its_numbers_as_text_alternative(
    harness: ClientHarness,
) -> None:
    message = await _trends(harness, topic="소형 언어 모델")
    text = shown_text(message)
    span = harness.texts("trend-span-y")
    assert harness.texts("trend-heading", topic="소형 언어 모델", count=3, period=span) in text
    assert "small language model" in text.lower()
    assert len(_image_urls(message)) == 1
    newest, oldest = (
        charts.day_name(day, harness.texts.locale.value) for day in (date(2026, 1, 1), date(2025, 12, 30))
    )
    # Two of the six papers of the newest day.
    assert harness.texts("trend-share", share="33") in text
    for day, papers, votes in ((newest, 2, 89), (oldest, 1, 33)):
        figure = f"{_figure(harness, day, papers)} (▲\u00a0{votes})"
        assert figure in message.attachments[0].description
        assert figure not in text
    await _add_digest(harness, date(2025, 8, 1))
    message = await _trends(harness, topic="소형 언어 모델")
    january = charts.month_name(date(2026, 1, 1), harness.texts.locale.value)
    assert f"{_figure(harness, january, 2)} (▲\u00a089)" in message.attachments[0].description


async def test_a_chart_links_to_papers_an_alert_and_rising_topics(harness: ClientHarness) -> None:
    message = await _trends(harness, topic="로봇")
    listed = await harness.press(message, "trend-list")
    assert "Maps for Robots" in shown_text(listed)
    assert _image_urls(listed) == []
    message = await _trends(harness, topic="로봇")
    assert harness.texts("alert-made") in shown_text(await harness.press(message, "follow-topic"))
    rising = await harness.press(message, "rising-heading-short")
    assert rising.id == message.id
    assert harness.texts("trend-everything") in shown_text(rising)


@both_languages
async def test_without_a_topic_all_papers_and_rising_topics_are_shown(harness: ClientHarness) -> None:
    await _add_rising_topic(harness)
    message = await _trends(harness)
    text = shown_text(message)
    span = harness.texts("trend-span-y")
    everything = harness.texts("trend-everything")
    assert harness.texts("trend-heading", topic=everything, count=27, period=span) in text
    assert harness.texts("rising-heading") in text
    topic = "언어 모델" if harness.texts.locale is models.Locale.KO else "language model"
    assert f"1 · **{topic}**" in text
    papers = harness.texts("choice-papers", count=11)
    assert f" · {papers} · 10% → 64.7%" in text
    menu = next(name for name in component_ids(message) if name.startswith(f"pr:{trends_messages.SELECT}:"))
    selected = await harness.choose(message, menu, topic)
    assert harness.texts("follow-topic") in shown_text(selected)
    assert topic in shown_text(selected)


async def test_a_topic_without_papers_shows_the_extent_of_the_archive(harness: ClientHarness) -> None:
    message = await _trends(harness, topic="xyzzyplugh")
    text = shown_text(message)
    span = harness.texts("trend-span-y")
    assert harness.texts("trend-nothing", topic="xyzzyplugh", period=span) in text
    assert (
        harness.texts(
            "archive-extent",
            count=7,
            first=harness.texts.format_date(date(2025, 12, 30)),
            last=harness.texts.format_date(date(2026, 1, 1)),
        )
        in text
    )
    assert _image_urls(message) == []
    assert harness.texts("share") not in text


async def test_a_topic_is_completed(harness: ClientHarness) -> None:
    offered = await harness.reader.autocomplete(harness.channel, "trends", "topic", "reinforcement l")
    assert "reinforcement learning" in [choice["value"] for choice in offered]


async def test_another_span_is_shown_in_place_also_of_a_long_topic(harness: ClientHarness) -> None:
    message = await _trends(harness, topic=LONG)
    menu = next(
        name for name in component_ids(message) if name.startswith(f"pr:{trends_messages.SELECT_SPAN}:")
    )
    assert make_token(LONG) in menu
    updated = await harness.choose(message, menu, "five-years")
    assert updated.id == message.id
    assert harness.texts("trend-span-five-years") in shown_text(updated)
    assert "small language models small" in shown_text(updated)


async def test_a_chart_is_shared_publicly_by_users_who_may_write(harness: ClientHarness) -> None:
    message = await _trends(harness, topic="small language model")
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
        text = shown_text(await _trends(harness, topic=topic))
        assert "@everyone" not in text
        assert "</svg" not in text.replace("\\<", "")


async def test_with_an_invalid_chart_template_the_numbers_are_shown(
    harness: ClientHarness, tmp_path: Any
) -> None:
    (tmp_path / charts.TEMPLATE).write_text("no picture")
    harness.container.templates = Templates(tmp_path)
    await harness.env.restart_bot(harness.container.create_bot(shard_count=1, locale=models.Locale.EN))
    message = await _trends(harness, topic="small language model")
    assert _image_urls(message) == []
    assert "Jan 1: 2 (▲\u00a089)" in shown_text(message)
