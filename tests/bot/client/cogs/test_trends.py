"""/trends in both languages: the curve as picture and numbers, what rises, and the ways on."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

from PIL import Image

from bot.client.views import trends
from bot.rendering import charts
from bot.rendering.wording.templates import Templates
from bot.services.accounts.text_tokens import make_token
from storage import models
from tests.support import payload_checks
from tests.support.client_harness import World, component_ids, last_response, raw_components, shown_text

LONG = ("small language models " * 14)[:290].strip()


async def _trends(world: World, **options: str) -> Any:
    result = await world.reader.slash(world.channel, "trends", **options)
    assert result.ephemeral
    return last_response(result)


async def _risen(world: World) -> None:
    """Bring digests in which language models rise: 8 of 10 papers, against 1 of 10 before."""
    ingest = world.container.create_ingest()
    for weeks, rising in ((8, 1), (1, 8)):
        on = date(2026, 1, 1) - timedelta(weeks=weeks)
        papers = [
            f"### [{'Language Models' if number < rising else 'Notes'} {weeks} {number}]"
            f"(https://arxiv.org/abs/24{weeks:02}.{number:05})\n\nVote: {number}\n\n- ***What's New***: A study.\n"
            for number in range(10)
        ]
        text = "\n".join((f"## Daily Papers ({on})\n", *papers))
        await ingest.add_text(text, location=f"{on}.md")


def _pictures(message: Any) -> list[str]:
    return [
        item["media"]["url"] for component in raw_components(message) for item in component.get("items") or ()
    ]


async def test_a_topic_comes_as_a_picture_and_as_numbers(world: World) -> None:
    shown = await _trends(world, topic="소형 언어 모델")
    text = shown_text(shown)
    span = world.texts("trend-span-y")
    assert world.texts("trend-heading", topic="소형 언어 모델", count=3, period=span) in text
    assert "small language model" in text.lower()
    assert len(_pictures(shown)) == 1
    january = charts.month_name(date(2026, 1, 1), world.texts.locale.value)
    december = charts.month_name(date(2025, 12, 1), world.texts.locale.value)
    # No line breaks between a month and its figures.
    assert f"{january}\u00a02\u00a0(▲\u00a089)" in text
    assert f"{december}\u00a01\u00a0(▲\u00a033)" in text


async def test_the_picture_is_a_file_of_the_message_and_described(english_world: World) -> None:
    world = english_world
    shown = await _trends(world, topic="small language model")
    (file,) = shown.attachments
    assert file.filename == trends.IMAGE_FILENAME
    assert file.description.startswith("small language model · 3 papers · Last year\n")
    image = Image.open(io.BytesIO(await file.read()))
    assert (image.format, image.size) == ("PNG", (1200, 600))


async def test_every_writing_of_a_topic_gives_one_curve(english_world: World) -> None:
    found = set()
    for query in ("강화 학습", "강화학습", "reinforcement learning", "RL"):
        text = shown_text(await _trends(english_world, topic=query))
        found.add(text.partition("with the votes of these papers today")[2].partition("Period")[0])
    assert len(found) == 1


async def test_a_topic_leads_to_its_papers_to_an_alert_and_to_what_rises(world: World) -> None:
    shown = await _trends(world, topic="로봇")
    listed = await world.reader.click(shown, label=world.texts("trend-list"))
    assert "Maps for Robots" in shown_text(last_response(listed))
    assert _pictures(last_response(listed)) == []
    shown = await _trends(world, topic="로봇")
    followed = await world.reader.click(shown, label=world.texts("follow-topic"))
    assert world.texts("alert-made") in shown_text(last_response(followed))
    rising = await world.reader.click(shown, label=world.texts("rising-heading-short"))
    assert last_response(rising).id == shown.id
    assert world.texts("trend-everything") in shown_text(last_response(rising))


async def test_another_span_is_drawn_in_place(world: World) -> None:
    shown = await _trends(world, topic="small language model")
    menu = next(one for one in component_ids(shown) if one.startswith(f"pr:{trends.SELECT_SPAN}:"))
    wider = last_response(await world.reader.select(shown, ["a"], custom_id=menu))
    assert wider.id == shown.id
    assert world.texts("trend-span-a") in shown_text(wider)
    assert len(wider.attachments) == 1
    assert len(_pictures(wider)) == 1


async def test_without_a_topic_all_papers_and_what_rises_are_shown(world: World) -> None:
    await _risen(world)
    shown = await _trends(world)
    text = shown_text(shown)
    span = world.texts("trend-span-y")
    everything = world.texts("trend-everything")
    assert world.texts("trend-heading", topic=everything, count=27, period=span) in text
    assert world.texts("rising-heading") in text
    topic = "언어 모델" if world.texts.locale is models.Locale.KO else "language model"
    assert f"1 · **{topic}**" in text
    assert world.texts("rising-facts", count=11, before="10", now="64.7") in text
    menu = next(one for one in component_ids(shown) if one.startswith(f"pr:{trends.SELECT}:"))
    picked = await world.reader.select(shown, [topic], custom_id=menu)
    assert world.texts("follow-topic") in shown_text(last_response(picked))
    assert topic in shown_text(last_response(picked))


async def test_nothing_rises_where_there_is_nothing_to_compare_with(world: World) -> None:
    assert world.texts("rising-none") in shown_text(await _trends(world))


async def test_a_topic_without_papers_says_so_and_offers_more(world: World) -> None:
    shown = await _trends(world, topic="xyzzyplugh")
    text = shown_text(shown)
    span = world.texts("trend-span-y")
    assert world.texts("trend-nothing", topic="xyzzyplugh", period=span) in text
    assert world.texts("archive-extent", count=7, first="2025-12-30", last="2026-01-01") in text
    assert _pictures(shown) == []
    assert world.texts("share") not in text


async def test_a_mistyped_topic_offers_the_curve_of_what_was_perhaps_meant(world: World) -> None:
    result = await world.reader.slash(world.channel, "trends", topic="강화 핵습")
    shown = shown_text(last_response(result))
    assert world.texts("try-instead") in shown
    assert world.texts("trend-list") not in shown
    meant = await world.reader.click(last_response(result), label="강화 학습")
    assert world.texts("trend-numbers") in shown_text(last_response(meant))


async def test_an_empty_archive_says_so(empty_world: World) -> None:
    shown = await _trends(empty_world)
    assert empty_world.texts("archive-empty") in shown_text(shown)


async def test_a_long_topic_survives_in_its_buttons(english_world: World) -> None:
    world = english_world
    shown = await _trends(world, topic=LONG)
    menu = next(one for one in component_ids(shown) if one.startswith(f"pr:{trends.SELECT_SPAN}:"))
    assert make_token(LONG) in menu
    wider = await world.reader.select(shown, ["a"], custom_id=menu)
    assert "small language models small" in shown_text(last_response(wider))


async def test_a_curve_is_shared_for_everybody_by_who_may_write(world: World) -> None:
    shown = await _trends(world, topic="small language model")
    shared = last_response(await world.reader.click(shown, label=world.texts("share")))
    assert not shared.ephemeral
    assert len(_pictures(shared)) == 1
    assert world.texts("shared-by", name="reader") in shown_text(shared)
    own = await world.manager.click(shared, label=world.texts("trend-privately"))
    assert last_response(own).ephemeral
    assert last_response(own).id != shared.id
    quiet = await world.reader.slash(world.readonly_channel, "trends", topic="small language model")
    assert world.texts("share") not in shown_text(last_response(quiet))


async def test_hostile_topics_are_shown_and_do_nothing(english_world: World) -> None:
    world = english_world
    for topic in ("@everyone", "</svg><script>", '" * ^ NEAR ( ) : -', "\u202e\u0000x", "😀 " * 40, "   "):
        text = shown_text(await _trends(world, topic=topic))
        assert "@everyone" not in text
        assert "</svg" not in text.replace("\\<", "")


async def test_a_template_that_spoils_the_picture_leaves_the_numbers(
    english_world: World, tmp_path: Any
) -> None:
    world = english_world
    (tmp_path / charts.TEMPLATE).write_text("no picture")
    world.container.templates = Templates(tmp_path)
    await world.env.restart_bot(world.container.create_bot(shard_count=1, locale=models.Locale.EN))
    shown = await _trends(world, topic="small language model")
    assert _pictures(shown) == []
    assert "Jan\u00a02\u00a0(▲\u00a089)" in shown_text(shown)


async def test_topics_are_offered_while_typing(world: World) -> None:
    offered = await world.reader.autocomplete(world.channel, "trends", "topic", "reinforcement l")
    assert "reinforcement learning" in [choice["value"] for choice in offered]


def test_the_checks_of_outgoing_messages_know_pictures() -> None:
    payload = {
        "flags": 1 << 15,
        "allowed_mentions": {"parse": []},
        "components": [{"type": 12, "items": [{"media": {"url": "attachment://trend.png"}}]}],
    }
    payload_checks.check_message(payload)
