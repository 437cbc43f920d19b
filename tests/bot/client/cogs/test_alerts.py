"""/alerts, and the buttons of alert messages."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from bot.services.posts import contents, summaries
from storage import models
from tests.support.client_harness import World, component_ids, last_response, send_parts, shown_text


async def _rules(world: World) -> list[models.Alert]:
    return await world.bot.services.alerts.list_rows(user_id=world.reader.id)


async def _made(world: World, text: str = "로봇", **options: int) -> models.Alert:
    return await world.bot.services.alerts.add(
        user_id=world.reader.id, kind=models.AlertKind.KEYWORD, text=text, **options
    )


async def test_a_new_alert_is_previewed_and_made_by_a_button(world: World) -> None:
    result = await world.reader.slash(world.channel, "alerts add", keyword="small language model", votes=10)
    shown = shown_text(last_response(result))
    assert result.ephemeral
    assert world.texts("alert-would", count=2, busiest=1).splitlines()[0][:12] in shown
    assert "Weather in a Small Language Model" in shown
    assert await _rules(world) == []
    made = await world.reader.click(last_response(result), label=world.texts("alert-create"))
    assert world.texts("alert-made") in shown_text(last_response(made))
    (rule,) = await _rules(world)
    assert (rule.text, rule.min_votes, rule.channel_id) == ("small language model", 10, None)
    reader = await world.bot.services.readers.get(world.reader.id)
    assert reader is not None
    assert reader.dm_channel_id == world.user.dm_channel.id
    assert reader.locale is world.texts.locale


@pytest.mark.parametrize("keyword", ["small-language model", "small language models", "소형언어모델"])
async def test_the_preview_knows_other_writings(english_world: World, keyword: str) -> None:
    result = await english_world.reader.slash(english_world.channel, "alerts add", keyword=keyword)
    assert "Small Language Models" in shown_text(last_response(result))


async def test_the_preview_can_be_changed_in_a_form(world: World) -> None:
    preview = last_response(await world.reader.slash(world.channel, "alerts add", author="Ada Lovelace"))
    form = await world.reader.click(preview, label=world.texts("change"))
    changed = await world.reader.submit_modal(form, {"query": "Emmy Noether", "votes": "50"})
    assert last_response(changed).id == preview.id
    assert "Emmy Noether" in shown_text(last_response(changed))
    await world.reader.click(last_response(changed), label=world.texts("alert-create"))
    (rule,) = await _rules(world)
    assert (rule.kind, rule.text, rule.min_votes) == (models.AlertKind.AUTHOR, "Emmy Noether", 50)


async def test_votes_in_the_form_must_be_a_number(world: World) -> None:
    preview = last_response(await world.reader.slash(world.channel, "alerts add", keyword="로봇"))
    form = await world.reader.click(preview, label=world.texts("change"))
    refused = await world.reader.submit_modal(form, {"query": "로봇", "votes": "many"})
    assert shown_text(last_response(refused)) == world.texts("votes-not-a-number")


@pytest.mark.parametrize("options", [{}, {"keyword": "a", "author": "b"}])
async def test_one_of_keyword_and_author_is_needed(english_world: World, options: dict[str, str]) -> None:
    result = await english_world.reader.slash(english_world.channel, "alerts add", **options)
    assert shown_text(last_response(result)) == english_world.texts("alert-one-of-two")


async def test_a_text_without_letters_cannot_become_an_alert(english_world: World) -> None:
    result = await english_world.reader.slash(english_world.channel, "alerts add", keyword="?!")
    assert shown_text(last_response(result)) == english_world.texts("alert-not-possible", most=50)


async def test_a_long_text_survives_in_the_previews_buttons(english_world: World) -> None:
    world = english_world
    text = "robot rooms " * 8 + "end"
    preview = last_response(await world.reader.slash(world.channel, "alerts add", keyword=text))
    await world.reader.click(preview, label="Make this alert")
    assert [rule.text for rule in await _rules(world)] == [" ".join(text.split())]


async def test_a_channel_is_told_only_for_those_who_manage_messages_there(world: World) -> None:
    refused = await world.reader.slash(world.channel, "alerts add", keyword="로봇", channel=world.channel)
    assert shown_text(last_response(refused)) == world.texts(
        "needs-manage-messages", channel=f"<#{world.channel.id}>"
    )
    preview = last_response(
        await world.manager.slash(world.channel, "alerts add", keyword="로봇", channel=world.channel)
    )
    await world.manager.click(preview, label=world.texts("alert-create"))
    (rule,) = await world.bot.services.alerts.list_rows(user_id=world.manager.id)
    assert (rule.channel_id, rule.guild_id) == (world.channel.id, world.guild.id)


async def test_the_list_leads_to_resting_resuming_and_removing(world: World) -> None:
    rule = await _made(world)
    listed = last_response(await world.reader.slash(world.channel, "alerts list"))
    assert world.texts("alerts-heading", count=1) in shown_text(listed)
    one = last_response(await world.reader.select(listed, [str(rule.id)], custom_id="pr:as"))
    assert one.id == listed.id
    resting = last_response(await world.reader.click(one, label=world.texts("alert-pause-week-all")))
    (now_resting,) = await _rules(world)
    assert now_resting.paused_until_at == world.env.now() + timedelta(days=7)
    resumed = last_response(await world.reader.click(resting, label=world.texts("resume")))
    assert world.texts("alert-active") in shown_text(resumed)
    removed = last_response(await world.reader.click(resumed, label=world.texts("remove")))
    assert "로봇" in shown_text(removed)
    assert await _rules(world) == []


async def test_nobody_can_touch_anothers_alert(english_world: World) -> None:
    world = english_world
    rule = await _made(world)
    result = await world.manager.slash(world.channel, "alerts remove", alert=str(rule.id))
    assert shown_text(last_response(result)) == world.texts("no-alert")
    assert len(await _rules(world)) == 1


async def test_commands_remove_and_pause_by_autocomplete(world: World) -> None:
    rule = await _made(world)
    await _made(world, "speech")
    offered = await world.reader.autocomplete(world.channel, "alerts remove", "alert", "로")
    assert [choice["value"] for choice in offered] == [str(rule.id)]
    removed = await world.reader.slash(world.channel, "alerts remove", alert=str(rule.id))
    assert "로봇" in shown_text(last_response(removed))
    await world.reader.slash(world.channel, "alerts pause", days=3)
    (left,) = await _rules(world)
    assert left.paused_until_at == world.env.now() + timedelta(days=3)
    await world.reader.slash(world.channel, "alerts pause", alert="speech", days=0)
    assert [one.paused_until_at for one in await _rules(world)] == [None]


async def test_fifty_alerts_are_listed_in_pages(english_world: World) -> None:
    world = english_world
    for number in range(50):
        await _made(world, f"{'a long text ' * 7}{number}")
    listed = last_response(await world.reader.slash(world.channel, "alerts list"))
    assert "1/3" in shown_text(listed)
    last = last_response(
        await world.reader.click(last_response(await world.reader.click(listed, label="▶")), label="▶")
    )
    assert "3/3" in shown_text(last)


async def _alert(world: World, *rules: models.Alert) -> Any:
    details = [await world.bot.services.search.find_paper(f"2501.0000{number}") for number in range(1, 7)]
    reasons = tuple(
        contents.AlertReason(rule.id, rule.kind, rule.text, contents.MatchField.TITLE) for rule in rules
    )
    post = contents.AlertPost(
        marker=f"alert:user:{world.reader.id}:1:1",
        locale=world.texts.locale,
        digest_on=date(2026, 1, 1),
        matches=tuple(
            contents.AlertMatch(summaries.build_post_paper(detail, world.texts.locale), reasons)
            for detail in details
            if detail is not None
        ),
    )
    dm = await world.bot.fetch_user(world.reader.id)
    channel = await dm.create_dm()
    return await send_parts(world, channel.id, *world.bot.renderer.render_alert(post))


async def test_an_alert_message_opens_saves_and_rests(world: World) -> None:
    rule = await _made(world)
    message = await _alert(world, rule)
    reads = [one for one in component_ids(message) if one.startswith("pr:o:")]
    assert len(reads) == 5  # the sixth is in the menu
    opened = await world.user.click(message, custom_id=reads[0])
    assert "Small Language Models" in shown_text(last_response(opened))
    rested = await world.user.click(message, label=world.texts("alert-pause-week"))
    assert last_response(rested).id != message.id
    assert (await _rules(world))[0].paused_until_at is not None


async def test_all_alerts_stop_after_one_more_question(world: World) -> None:
    rules = await _made(world), await _made(world, "speech")
    message = await _alert(world, *rules)
    sure = last_response(await world.user.click(message, label=world.texts("alert-stop-all")))
    assert len(await _rules(world)) == 2
    done = last_response(await world.user.click(sure, label=world.texts("alert-remove-all")))
    assert shown_text(done) == world.texts("alerts-all-removed", count=2)
    assert await _rules(world) == []
