"""/daily: setting up, changing, trying out and ending the daily post."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from bot.services.daily.subscriptions import SubscriptionOptions
from storage import models
from storage.outbox import queries
from tests.support.client_harness import World, component_ids, last_response, shown_text


async def _orders(world: World) -> list[models.Subscription]:
    return await world.bot.services.subscriptions.list_rows(guild_id=world.guild.id)


async def _order(world: World, **wishes: Any) -> models.Subscription:
    return await world.bot.services.subscriptions.add(
        guild_id=world.guild.id,
        channel_id=world.channel.id,
        options=SubscriptionOptions(locale=world.texts.locale, **wishes),
        created_by=world.manager.id,
    )


async def test_setup_shows_the_post_the_permissions_and_the_first_time(world: World) -> None:
    result = await world.manager.slash(world.channel, "daily setup", time="9시", timezone="Asia/Seoul")
    preview, wizard = result.followups[-2], result.followups[-1]
    assert "Small Language Models" in shown_text(preview)
    assert preview.ephemeral
    shown = shown_text(wizard)
    assert "09:00" in shown
    assert world.texts("permissions-ready") in shown
    assert f"✓ {world.texts('permission-send-messages')}" in shown
    # The clock stands at 09:00 in Seoul, so the first post is tomorrow's.
    assert "<t:1767312000:F>" in shown
    started = await world.manager.click(wizard, label=world.texts("setup-start"))
    assert world.texts("order-started") in shown_text(last_response(started))
    (order,) = await _orders(world)
    assert (order.at_time, order.timezone, order.top_n) == ("09:00", "Asia/Seoul", 5)
    assert (order.created_by, order.locale) == (world.manager.id, world.texts.locale)


async def test_all_options_survive_the_wizards_buttons(english_world: World) -> None:
    world = english_world
    result = await world.manager.slash(
        world.channel,
        "daily setup",
        channel=world.channel,
        time="23:45",
        timezone="america/argentina/comodrivadavia",
        papers=25,
        votes=99999,
        days="mon,wed,fri",
        language="ko",
        style="thread",
        when_empty=True,
    )
    await world.manager.click(last_response(result), label="Start")
    (order,) = await _orders(world)
    assert (order.at_time, order.timezone, order.days) == (
        "23:45",
        "America/Argentina/ComodRivadavia",
        (1, 3, 5),
    )
    assert (order.top_n, order.min_votes, order.locale) == (25, 99999, models.Locale.KO)
    assert (order.style, order.say_when_empty) == (models.Style.THREAD, True)


async def test_missing_permissions_are_named_with_what_to_switch_on(world: World) -> None:
    result = await world.manager.slash(world.channel, "daily setup", channel=world.readonly_channel)
    shown = shown_text(last_response(result))
    assert f"✗ **{world.texts('permission-send-messages')}**" in shown
    assert world.texts("permission-where") in shown


async def test_the_wizards_form_changes_the_wishes(world: World) -> None:
    wizard = last_response(await world.manager.slash(world.channel, "daily setup"))
    form = await world.manager.click(wizard, label=world.texts("change"))
    changed = await world.manager.submit_modal(
        form, {"time": "7:30", "zone": "berlin", "papers": "3", "votes": "", "days": ["mon", "sun"]}
    )
    assert last_response(changed).id == wizard.id
    await world.manager.click(last_response(changed), label=world.texts("setup-start"))
    (order,) = await _orders(world)
    assert (order.at_time, order.timezone, order.top_n, order.days) == ("07:30", "Europe/Berlin", 3, (1, 7))


@pytest.mark.parametrize(
    ("field", "value", "key", "arguments"),
    [
        ("time", "25:99", "time-not-understood", {"text": "25\\:99"}),
        ("zone", "Moon", "zone-unknown", {"text": "Moon"}),
        ("papers", "0", "papers-not-a-number", {"low": 1, "high": 25}),
        ("papers", "x", "papers-not-a-number", {"low": 1, "high": 25}),
    ],
)
async def test_the_form_names_the_field_and_a_value_that_works(
    english_world: World, field: str, value: str, key: str, arguments: dict[str, Any]
) -> None:
    world = english_world
    wizard = last_response(await world.manager.slash(world.channel, "daily setup"))
    form = await world.manager.click(wizard, label="Change")
    typed = {"time": "09:00", "zone": "UTC", "papers": "5", "votes": "0", "days": ["mon"]} | {field: value}
    refused = await world.manager.submit_modal(form, typed)
    shown = shown_text(last_response(refused))
    assert shown.replace("\\", "") == world.texts(key, **arguments).replace("\\", "")


async def test_only_those_who_manage_the_server_may(world: World) -> None:
    order = await _order(world)
    listed = last_response(await world.manager.slash(world.channel, "daily list"))
    with pytest.raises(Exception, match="daily"):
        await world.reader.slash(world.channel, "daily list")
    assert str(order.channel_id) in shown_text(listed)


async def test_the_first_post_can_be_sent_at_once(world: World) -> None:
    wizard = last_response(await world.manager.slash(world.channel, "daily setup"))
    result = await world.manager.click(wizard, label=world.texts("setup-start-now"))
    assert shown_text(last_response(result)) == world.texts("order-posting", channel=f"<#{world.channel.id}>")
    async with world.container.database.read() as connection:
        (planned,) = await queries.list_rows(connection)
    assert planned.kind is models.DeliveryKind.ON_DEMAND
    assert planned.papers[0] == "2501.00001"


async def test_an_identical_daily_post_is_refused(world: World) -> None:
    wizard = last_response(await world.manager.slash(world.channel, "daily setup"))
    await world.manager.click(wizard, label=world.texts("setup-start"))
    again = last_response(await world.manager.slash(world.channel, "daily setup"))
    refused = await world.manager.click(again, label=world.texts("setup-start"))
    assert shown_text(last_response(refused)) == world.texts("order-already")
    assert len(await _orders(world)) == 1


async def test_edit_changes_what_is_given_and_leaves_the_rest(world: World) -> None:
    await _order(world, top_n=7)
    result = await world.manager.slash(world.channel, "daily edit", time="18:00", days="mon-fri")
    assert world.texts("order-changed") in shown_text(last_response(result))
    (order,) = await _orders(world)
    assert (order.at_time, order.days, order.top_n) == ("18:00", (1, 2, 3, 4, 5), 7)


async def test_preview_is_private_and_posts_nothing(world: World) -> None:
    await _order(world)
    result = await world.manager.slash(world.channel, "daily preview")
    assert "Small Language Models" in shown_text(last_response(result))
    assert all(one.ephemeral for one in result.followups)
    async with world.container.database.read() as connection:
        assert await queries.list_rows(connection) == []


@pytest.mark.parametrize("style", [models.Style.CARDS, models.Style.WEEKLY])
async def test_other_styles_can_be_previewed_too(english_world: World, style: models.Style) -> None:
    await _order(english_world, style=style)
    result = await english_world.manager.slash(english_world.channel, "daily preview")
    assert "Small Language Models" in shown_text(last_response(result))


async def test_now_posts_what_the_channel_has_not_had_and_then_says_so(world: World) -> None:
    await _order(world, top_n=25)
    await world.manager.slash(world.channel, "daily now")
    again = await world.manager.slash(world.channel, "daily now")
    assert shown_text(last_response(again)) == world.texts(
        "order-nothing-new", channel=f"<#{world.channel.id}>"
    )


async def test_pausing_resuming_and_removing_by_command_and_button(world: World) -> None:
    await _order(world)
    paused = last_response(await world.manager.slash(world.channel, "daily pause"))
    assert (await _orders(world))[0].state is models.ActivityState.PAUSED
    resumed = last_response(await world.manager.click(paused, label=world.texts("resume-post")))
    assert (await _orders(world))[0].state is models.ActivityState.ACTIVE
    again = last_response(await world.manager.click(resumed, label=world.texts("order-pause")))
    sure = last_response(await world.manager.click(again, label=world.texts("remove")))
    assert len(await _orders(world)) == 1
    removed = last_response(await world.manager.click(sure, label=world.texts("remove")))
    assert shown_text(removed) == world.texts("order-removed", channel=f"<#{world.channel.id}>")
    assert await _orders(world) == []


async def test_several_daily_posts_are_told_apart(world: World) -> None:
    await _order(world)
    second = await _order(world, at_time="18:00")
    which = await world.manager.slash(world.channel, "daily preview")
    assert shown_text(last_response(which)) == world.texts("order-which")
    offered = await world.manager.autocomplete(world.channel, "daily preview", "post", "18:00")
    assert [choice["value"] for choice in offered] == [str(second.id)]
    assert "#papers" in offered[0]["name"]
    listed = last_response(await world.manager.slash(world.channel, "daily list"))
    picked = last_response(await world.manager.select(listed, [str(second.id)], custom_id="pr:dp"))
    assert "18:00" in shown_text(picked)


async def test_without_any_daily_post_the_way_to_one_is_shown(world: World) -> None:
    for command in ("daily list", "daily preview", "daily now", "daily pause", "daily remove"):
        shown = shown_text(last_response(await world.manager.slash(world.channel, command)))
        assert shown == world.texts("no-orders", command=world.bot.mentions("daily setup"))


async def test_a_forum_takes_the_forum_style_and_only_that(english_world: World) -> None:
    world = english_world
    forum = world.guild.create_forum_channel("papers-forum")
    wizard = last_response(await world.manager.slash(world.channel, "daily setup", channel=forum))
    assert "Forum" in shown_text(wizard)
    refused = last_response(
        await world.manager.slash(world.channel, "daily setup", channel=forum, style="compact")
    )
    assert shown_text(refused) == world.texts("style-does-not-fit", channel=f"<#{forum.id}>")


async def test_an_announcement_channel_is_published_by_default(english_world: World) -> None:
    world = english_world
    news = world.guild.create_news_channel("news")
    wizard = last_response(await world.manager.slash(world.channel, "daily setup", channel=news))
    assert "Announcement" in shown_text(wizard)
    assert "Embed Links" in shown_text(wizard)


async def test_zones_and_times_are_offered(english_world: World) -> None:
    world = english_world
    zones = await world.manager.autocomplete(world.channel, "daily setup", "timezone", "")
    assert zones[0]["value"] == "Asia/Seoul"
    typed = await world.manager.autocomplete(world.channel, "daily setup", "timezone", "kath")
    assert typed[0]["value"] == "Asia/Kathmandu"
    times = await world.manager.autocomplete(world.channel, "daily setup", "time", "9")
    assert [one["value"] for one in times] == ["09:00", "09:30"]


async def test_a_daily_posts_buttons_carry_nothing_that_was_forgotten(english_world: World) -> None:
    world = english_world
    wizard = last_response(await world.manager.slash(world.channel, "daily setup"))
    assert all(len(one) <= 100 for one in component_ids(wizard))
    await world.env.restart_bot(world.container.create_bot(shard_count=1, locale=models.Locale.EN))
    await world.manager.click(wizard, label="Start")
    assert len(await _orders(world)) == 1
    assert isinstance(world.bot, discord.Client)
