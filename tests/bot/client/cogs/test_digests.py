"""/digest and /top, and the other language of a post."""

from __future__ import annotations

from datetime import date

import pytest

from storage import models
from tests.support.client_harness import World, component_ids, last_response, post_daily, shown_text


async def test_without_a_date_the_newest_digest_is_shown(world: World) -> None:
    shown = shown_text(last_response(await world.reader.slash(world.channel, "digest")))
    assert (
        world.texts("list-digest-heading", date=world.texts.format_date(date(2026, 1, 1)), count=6) in shown
    )
    assert shown.index("▲ 81") < shown.index("▲ 57") < shown.index("▲ 12")
    assert "Listens to speech" not in shown  # unknown votes come last, on the second page


@pytest.mark.parametrize("typed", ["2025-12-30", "2025.12.30", "2025/12/30", "2025. 12. 30."])
async def test_a_date_is_read_however_it_is_typed(english_world: World, typed: str) -> None:
    result = await english_world.reader.slash(english_world.channel, "digest", date=typed)
    assert "Weather in a Small Language Model" in shown_text(last_response(result))


async def test_a_day_without_digest_leads_on(world: World) -> None:
    result = await world.reader.slash(world.channel, "digest", date="2020-02-29")
    day = world.texts.format_date(date(2020, 2, 29))
    assert world.texts("no-list-digest", date=day) in shown_text(last_response(result))
    nearest = await world.reader.click(
        last_response(result), label=world.texts("nearest-digest", date="2025-12-30")
    )
    assert "Weather" in shown_text(last_response(nearest))


@pytest.mark.parametrize("typed", ["soon", "2025-02-30", "99999999999", "2025-13-01"])
async def test_no_date_is_answered_with_one_that_works(english_world: World, typed: str) -> None:
    result = await english_world.reader.slash(english_world.channel, "digest", date=typed)
    assert shown_text(last_response(result)) == english_world.texts("no-date", example="2026-01-01")


async def test_dates_are_offered_that_have_a_digest(english_world: World) -> None:
    offered = await english_world.reader.autocomplete(english_world.channel, "digest", "date", "2025")
    assert [choice["value"] for choice in offered] == ["2025-12-31", "2025-12-30"]


async def test_top_orders_by_votes_and_can_go_further_back(world: World) -> None:
    result = await world.reader.slash(world.channel, "top")
    shown = shown_text(last_response(result))
    assert world.texts("list-top-heading", period=world.texts("period-week")) in shown
    assert shown.index("▲ 81") < shown.index("▲ 57") < shown.index("▲ 33")
    menu = next(one for one in component_ids(last_response(result)) if one.startswith("pr:lp:"))
    wider = await world.reader.select(last_response(result), ["a"], custom_id=menu)
    assert world.texts("period-all") in shown_text(last_response(wider))


async def test_top_of_a_topic_holds_only_that_topic(world: World) -> None:
    shown = shown_text(
        last_response(await world.reader.slash(world.channel, "top", topic="로봇", period="a"))
    )
    assert "Maps for Robots" in shown
    assert "Colour from Grey" not in shown


async def test_an_empty_archive_says_so_everywhere(empty_world: World) -> None:
    world = empty_world
    for command, options in (
        ("digest", {}),
        ("top", {}),
        ("topic", {"query": "로봇"}),
        ("author", {"name": "ada"}),
        ("saved", {}),
    ):
        shown = shown_text(last_response(await world.reader.slash(world.channel, command, **options)))
        assert world.texts("archive-empty") in shown


async def test_a_post_can_be_seen_privately_in_the_other_language(world: World) -> None:
    message = await post_daily(world)
    other = models.Locale.EN if world.texts.locale is models.Locale.KO else models.Locale.KO
    result = await world.reader.click(message, label=world.texts(f"language-{other.value}"))
    assert last_response(result).ephemeral
    assert world.container.texts.for_locale(other)("post-pick") in shown_text(last_response(result))
    assert "Small Language Models" in shown_text(last_response(result))


async def test_the_whole_days_list_opens_from_the_post(world: World) -> None:
    message = await post_daily(world, top_n=2)
    result = await world.reader.click(message, label=world.texts("post-see-all", count=6))
    assert last_response(result).ephemeral
    assert "**5 · " in shown_text(last_response(result))
