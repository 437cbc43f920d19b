"""/digest, /top and a post in the other language."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.daily import post as daily_post
from storage import models
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    post_daily,
    raw_components,
    send_parts,
    shown_text,
)


async def test_without_a_date_the_newest_digest_is_shown(harness: ClientHarness) -> None:
    shown = shown_text(last_response(await harness.reader.slash(harness.channel, "digest")))
    assert (
        harness.texts("list-digest-heading", date=harness.texts.format_date(date(2026, 1, 1)), count=6)
        in shown
    )
    assert shown.index("▲ 81") < shown.index("▲ 57") < shown.index("▲ 12")
    assert "Listens to speech" not in shown  # papers without votes are last, on the second page


@pytest.mark.parametrize("typed", ["2025-12-30", "2025.12.30", "2025/12/30", "2025. 12. 30."])
async def test_a_date_is_accepted_in_several_formats(harness: ClientHarness, typed: str) -> None:
    result = await harness.reader.slash(harness.channel, "digest", date=typed)
    assert "Weather in a Small Language Model" in shown_text(last_response(result))


@pytest.mark.parametrize("typed", ["soon", "2025-02-30", "99999999999", "2025-13-01"])
async def test_an_invalid_date_is_answered_with_a_valid_example(harness: ClientHarness, typed: str) -> None:
    result = await harness.reader.slash(harness.channel, "digest", date=typed)
    assert shown_text(last_response(result)) == harness.texts("no-date", example="2026-01-01")


async def test_top_sorts_by_votes_and_its_period_can_be_changed(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "top")
    shown = shown_text(last_response(result))
    assert harness.texts("list-top-heading", period=harness.texts("period-week")) in shown
    assert shown.index("▲ 81") < shown.index("▲ 57") < shown.index("▲ 33")
    menu = next(name for name in component_ids(last_response(result)) if name.startswith("pr:lp:"))
    updated = await harness.reader.select(last_response(result), ["a"], custom_id=menu)
    assert harness.texts("period-all") in shown_text(last_response(updated))


async def test_top_of_a_topic_lists_only_papers_on_the_topic(harness: ClientHarness) -> None:
    shown = shown_text(
        last_response(await harness.reader.slash(harness.channel, "top", topic="로봇", period="a"))
    )
    assert "Maps for Robots" in shown
    assert "Colour from Grey" not in shown


async def test_every_list_explains_an_empty_archive(empty_harness: ClientHarness) -> None:
    harness = empty_harness
    for command, options in (
        ("digest", {}),
        ("top", {}),
        ("topic", {"query": "로봇"}),
        ("author", {"name": "ada"}),
    ):
        shown = shown_text(last_response(await harness.reader.slash(harness.channel, command, **options)))
        assert harness.texts("archive-empty") in shown
    saved = shown_text(last_response(await harness.reader.slash(harness.channel, "saved list")))
    assert harness.texts("saved-import") in saved


@both_languages
async def test_a_post_is_shown_privately_in_the_other_language(harness: ClientHarness) -> None:
    message = await post_daily(harness, top_n=2)
    other = models.Locale.EN if harness.texts.locale is models.Locale.KO else models.Locale.KO
    result = await harness.reader.click(message, label=harness.texts(f"language-{other.value}"))
    assert last_response(result).ephemeral
    assert harness.container.texts.for_locale(other)("post-pick") in shown_text(last_response(result))
    shown = shown_text(last_response(result))
    assert "Small Language Models" in shown
    count = {
        models.Locale.EN: "The 2 with the most votes, out of 6",
        models.Locale.KO: "6편 중 추천을 가장 많이 받은 2편",
    }
    assert count[other] in shown
    assert harness.container.texts.for_locale(other)("post-see-all", count=6) in shown


async def test_a_post_numbers_its_menu_and_lets_readers_follow_a_topic(harness: ClientHarness) -> None:
    message = await post_daily(harness)
    shown = shown_text(message)
    menu = next(part["options"] for part in raw_components(message) if part.get("options"))
    assert [option["label"].split(" · ")[0] for option in menu] == [str(n + 1) for n in range(len(menu))]
    assert all(f"**{number} · " in shown for number in range(1, len(menu) + 1))
    assert "daily edit" not in shown
    modal = await harness.reader.click(message, label=harness.texts("post-follow"))
    previewed = await harness.reader.submit_modal(modal, {"keyword": "강화 학습"})
    assert last_response(previewed).ephemeral
    made = await harness.reader.click(last_response(previewed), label=harness.texts("alert-create"))
    assert harness.texts("alert-made") in shown_text(last_response(made))
    (alert,) = await harness.bot.services.alerts.list_rows(user_id=harness.reader.id)
    assert [term.text for term in alert.terms] == ["강화 학습"]


async def test_a_post_on_a_topic_fills_it_into_the_alert(harness: ClientHarness) -> None:
    message = await post_daily(harness, topic="reinforcement learning votes:3")
    modal = await harness.reader.click(message, label=harness.texts("follow-topic"))
    previewed = last_response(await harness.reader.submit_modal(modal, {"keyword": "reinforcement learning"}))
    field = next(row["component"] for row in modal.modal["components"])
    assert field["value"] == "reinforcement learning"
    assert "▲ 3" in shown_text(previewed)


@both_languages
async def test_a_second_post_and_its_copies_say_what_was_posted_before(harness: ClientHarness) -> None:
    subscription = await harness.add_subscription(top_n=2)
    await harness.plan_post(subscription)
    counts = {
        models.Locale.EN: "Numbers 3 to 4 of 6, by votes; the first 2 were posted here already",
        models.Locale.KO: "6편 중 추천순 3~4위 · 앞의 2편은 여기에 이미 올렸어요",
    }
    previewed = shown_text(last_response(await harness.manager.slash(harness.channel, "daily preview")))
    assert counts[harness.texts.locale] in previewed
    assert "**3 · [Maps for Robots" in previewed
    post = await harness.bot.services.on_demand_posts.preview(subscription)
    late = replace(
        post,
        digest_on=date(2025, 12, 31),
        since_on=date(2025, 12, 26),
        late=((date(2025, 12, 30), 1, 3),),
        ranks=(3,),
    )
    for changed in (late, post):
        message = await send_parts(
            harness,
            harness.channel.id,
            *harness.container.renderer.render_daily(replace(changed, marker="daily:1:2026-01-01")),
        )
        other = daily_post.OTHER_LOCALE[harness.texts.locale]
        result = await harness.reader.click(message, label=harness.texts(f"language-{other.value}"))
        wording = harness.container.renderer.wording_for(other)
        copied = replace(changed, locale=other)
        shown = shown_text(last_response(result))
        assert daily_post.header(wording, copied) in shown
        assert "**3 · " in shown
        assert "**4 · " in shown
    assert counts[other] in shown


async def test_a_post_opens_the_complete_list_of_its_day(harness: ClientHarness) -> None:
    message = await post_daily(harness, top_n=2)
    result = await harness.reader.click(message, label=harness.texts("post-see-all", count=6))
    assert last_response(result).ephemeral
    assert "**5 · " in shown_text(last_response(result))
