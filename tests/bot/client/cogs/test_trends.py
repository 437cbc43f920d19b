"""/trends in both languages: the curve as picture and numbers, what rises, and the ways on."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

from PIL import Image

from bot.client.views import trends
from bot.rendering import charts
from bot.rendering.wording.templates import Templates
from bot.services.accounts.text_tokens import token_of
from storage import models
from tests.support import payload_checks
from tests.support.client_harness import World, answer, custom_ids_of, raw_components, texts_of

LONG = ("small language models " * 14)[:290].strip()


async def _trends(world: World, **options: str) -> Any:
    result = await world.reader.slash(world.channel, "trends", **options)
    assert result.ephemeral
    return answer(result)


async def _risen(world: World) -> None:
    """Bring digests in which language models rise: 8 of 10 papers, against 1 of 10 before."""
    ingest = world.core.ingest()
    for weeks, rising in ((8, 1), (1, 8)):
        on = date(2026, 1, 1) - timedelta(weeks=weeks)
        papers = [
            f"### [{'Language Models' if number < rising else 'Notes'} {weeks} {number}]"
            f"(https://arxiv.org/abs/24{weeks:02}.{number:05})\n\nVote: {number}\n\n- ***What's New***: A study.\n"
            for number in range(10)
        ]
        text = "\n".join((f"## Daily Papers ({on})\n", *papers))
        await ingest.add_text(text, place=f"{on}.md")


def _pictures(message: Any) -> list[str]:
    return [
        item["media"]["url"] for component in raw_components(message) for item in component.get("items") or ()
    ]


async def test_a_topic_comes_as_a_picture_and_as_numbers(world: World) -> None:
    shown = await _trends(world, topic="소형 언어 모델")
    text = texts_of(shown)
    span = world.words("trend-span-y")
    assert world.words("trend-heading", topic="소형 언어 모델", count=3, period=span) in text
    assert "small language model" in text.lower()
    assert len(_pictures(shown)) == 1
    january = charts.month_name(date(2026, 1, 1), world.words.locale.value)
    december = charts.month_name(date(2025, 12, 1), world.words.locale.value)
    # No line breaks between a month and its figures.
    assert f"{january}\u00a02\u00a0(▲\u00a089)" in text
    assert f"{december}\u00a01\u00a0(▲\u00a033)" in text


async def test_the_picture_is_a_file_of_the_message_and_described(english_world: World) -> None:
    world = english_world
    shown = await _trends(world, topic="small language model")
    (file,) = shown.attachments
    assert file.filename == trends.FILE
    assert file.description.startswith("small language model · 3 papers · Last year\n")
    image = Image.open(io.BytesIO(await file.read()))
    assert (image.format, image.size) == ("PNG", (1200, 600))


async def test_every_writing_of_a_topic_gives_one_curve(english_world: World) -> None:
    found = set()
    for query in ("강화 학습", "강화학습", "reinforcement learning", "RL"):
        text = texts_of(await _trends(english_world, topic=query))
        found.add(text.partition("with the votes of these papers today")[2].partition("Period")[0])
    assert len(found) == 1


async def test_a_topic_leads_to_its_papers_to_an_alert_and_to_what_rises(world: World) -> None:
    shown = await _trends(world, topic="로봇")
    listed = await world.reader.click(shown, label=world.words("trend-list"))
    assert "Maps for Robots" in texts_of(answer(listed))
    assert _pictures(answer(listed)) == []
    shown = await _trends(world, topic="로봇")
    followed = await world.reader.click(shown, label=world.words("follow-topic"))
    assert world.words("alert-made") in texts_of(answer(followed))
    rising = await world.reader.click(shown, label=world.words("rising-heading-short"))
    assert answer(rising).id == shown.id
    assert world.words("trend-everything") in texts_of(answer(rising))


async def test_another_span_is_drawn_in_place(world: World) -> None:
    shown = await _trends(world, topic="small language model")
    menu = next(one for one in custom_ids_of(shown) if one.startswith(f"pr:{trends.SPAN}:"))
    wider = answer(await world.reader.select(shown, ["a"], custom_id=menu))
    assert wider.id == shown.id
    assert world.words("trend-span-a") in texts_of(wider)
    assert len(wider.attachments) == 1
    assert len(_pictures(wider)) == 1


async def test_without_a_topic_all_papers_and_what_rises_are_shown(world: World) -> None:
    await _risen(world)
    shown = await _trends(world)
    text = texts_of(shown)
    span = world.words("trend-span-y")
    everything = world.words("trend-everything")
    assert world.words("trend-heading", topic=everything, count=27, period=span) in text
    assert world.words("rising-heading") in text
    topic = "언어 모델" if world.words.locale is models.Locale.KO else "language model"
    assert f"1 · **{topic}**" in text
    assert world.words("rising-facts", count=11, before="10", now="64.7") in text
    menu = next(one for one in custom_ids_of(shown) if one.startswith(f"pr:{trends.PICK}:"))
    picked = await world.reader.select(shown, [topic], custom_id=menu)
    assert world.words("follow-topic") in texts_of(answer(picked))
    assert topic in texts_of(answer(picked))


async def test_nothing_rises_where_there_is_nothing_to_compare_with(world: World) -> None:
    assert world.words("rising-none") in texts_of(await _trends(world))


async def test_a_topic_without_papers_says_so_and_offers_more(world: World) -> None:
    shown = await _trends(world, topic="xyzzyplugh")
    text = texts_of(shown)
    span = world.words("trend-span-y")
    assert world.words("trend-nothing", topic="xyzzyplugh", period=span) in text
    assert world.words("archive-extent", count=7, first="2025-12-30", last="2026-01-01") in text
    assert _pictures(shown) == []
    assert world.words("share") not in text


async def test_a_mistyped_topic_offers_the_curve_of_what_was_perhaps_meant(world: World) -> None:
    result = await world.reader.slash(world.channel, "trends", topic="강화 핵습")
    shown = texts_of(answer(result))
    assert world.words("try-instead") in shown
    assert world.words("trend-list") not in shown
    meant = await world.reader.click(answer(result), label="강화 학습")
    assert world.words("trend-numbers") in texts_of(answer(meant))


async def test_an_empty_archive_says_so(empty_world: World) -> None:
    shown = await _trends(empty_world)
    assert empty_world.words("archive-empty") in texts_of(shown)


async def test_a_long_topic_survives_in_its_buttons(english_world: World) -> None:
    world = english_world
    shown = await _trends(world, topic=LONG)
    menu = next(one for one in custom_ids_of(shown) if one.startswith(f"pr:{trends.SPAN}:"))
    assert token_of(LONG) in menu
    wider = await world.reader.select(shown, ["a"], custom_id=menu)
    assert "small language models small" in texts_of(answer(wider))


async def test_a_curve_is_shared_for_everybody_by_who_may_write(world: World) -> None:
    shown = await _trends(world, topic="small language model")
    shared = answer(await world.reader.click(shown, label=world.words("share")))
    assert not shared.ephemeral
    assert len(_pictures(shared)) == 1
    assert world.words("shared-by", name="reader") in texts_of(shared)
    own = await world.manager.click(shared, label=world.words("trend-privately"))
    assert answer(own).ephemeral
    assert answer(own).id != shared.id
    quiet = await world.reader.slash(world.quiet, "trends", topic="small language model")
    assert world.words("share") not in texts_of(answer(quiet))


async def test_hostile_topics_are_shown_and_do_nothing(english_world: World) -> None:
    world = english_world
    for topic in ("@everyone", "</svg><script>", '" * ^ NEAR ( ) : -', "\u202e\u0000x", "😀 " * 40, "   "):
        text = texts_of(await _trends(world, topic=topic))
        assert "@everyone" not in text
        assert "</svg" not in text.replace("\\<", "")


async def test_a_template_that_spoils_the_picture_leaves_the_numbers(
    english_world: World, tmp_path: Any
) -> None:
    world = english_world
    (tmp_path / charts.TEMPLATE).write_text("no picture")
    world.core.templates = Templates(tmp_path)
    await world.env.restart_bot(world.core.bot(shard_count=1, locale=models.Locale.EN))
    shown = await _trends(world, topic="small language model")
    assert _pictures(shown) == []
    assert "Jan\u00a02\u00a0(▲\u00a089)" in texts_of(shown)


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
