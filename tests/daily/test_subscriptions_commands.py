"""/daily: creating, changing, previewing and removing subscriptions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import discord
import pytest

from bot.daily import options as daily_options
from bot.daily.planner import DailyPlanner
from bot.search.service import SearchService
from storage import models, outbox
from tests.support.client_harness import ClientHarness, both_languages, last_response, shown_text
from tests.support.planner_harness import read_lists


async def _list_subscriptions(harness: ClientHarness) -> list[models.Subscription]:
    return await harness.bot.services.subscriptions.list_rows(guild_id=harness.guild.id)


@both_languages
async def test_setup_shows_a_preview_the_permissions_and_the_first_time(harness: ClientHarness) -> None:
    result = await harness.manager.slash(harness.channel, "daily setup", time="9시", timezone="Asia/Seoul")
    preview, wizard = [result.response, *result.followups][-2:]
    assert "Small Language Models" in shown_text(preview)
    assert shown_text(preview).startswith(harness.texts("preview-note"))
    assert preview.ephemeral
    shown = shown_text(wizard)
    assert "09:00" in shown
    assert harness.texts("permissions-ready") in shown
    assert f"✓ {harness.texts('permission-send-messages')}" in shown
    # The clock is at 09:00 in Seoul, so the first post is tomorrow's.
    assert "<t:1767312000:F>" in shown
    started = await harness.manager_press(wizard, "setup-start")
    assert harness.texts("subscription-started") in shown_text(started)
    (subscription,) = await _list_subscriptions(harness)
    assert (subscription.at_time, subscription.timezone, subscription.top_n) == ("09:00", "Asia/Seoul", 5)
    assert (subscription.created_by, subscription.locale) == (harness.manager.id, harness.texts.locale)


async def test_a_setup_without_a_time_waits_for_the_complete_list(harness: ClientHarness) -> None:
    await read_lists(harness.container.database, harness.env.now())
    offered = daily_options.SETTINGS["when"].choices
    assert offered is not None
    assert next(iter(offered.values())) == models.When.COMPLETE
    for options, when in (({}, models.When.COMPLETE), ({"style": "weekly"}, models.When.HOUR)):
        result = await harness.manager.slash(harness.channel, "daily setup", timezone="Asia/Seoul", **options)
        shown = shown_text([result.response, *result.followups][-1])
        # The list of January 1 closes at 21:30 in New York, which is 11:30 of January 2 in Seoul.
        closes_at = "<t:1767321000:t>"
        assert (closes_at in shown) == (when is models.When.COMPLETE)
        assert ("<t:1767321000:F>" in shown) == (when is models.When.COMPLETE)
    started = await harness.manager_press(
        (await harness.manager.slash(harness.channel, "daily setup")).followups[-1], "setup-start"
    )
    assert harness.texts("subscription-started") in shown_text(started)
    (subscription,) = await _list_subscriptions(harness)
    assert subscription.when is models.When.COMPLETE


async def test_a_post_that_becomes_weekly_comes_on_mondays_unless_days_were_chosen(
    harness: ClientHarness,
) -> None:
    for options, days in (
        ({"style": "weekly"}, (1,)),
        ({"style": "weekly", "days": "mon-sun"}, (1, 2, 3, 4, 5, 6, 7)),
        ({"style": "weekly", "days": "fri"}, (5,)),
        ({"style": "cards"}, (1, 2, 3, 4, 5, 6, 7)),
    ):
        changed = daily_options.apply_changes(models.Subscription(guild_id=1, channel_id=2), options)
        assert changed.days == days
        # Another change of it leaves its days alone.
        assert daily_options.apply_changes(changed, {"style": options["style"], "papers": 3}).days == days
    wizard = (await harness.manager.slash(harness.channel, "daily setup", style="weekly")).response
    assert "Mon" in shown_text(wizard)


async def test_the_buttons_of_the_wizard_keep_all_options(harness: ClientHarness) -> None:
    result = await harness.manager.slash(
        harness.channel,
        "daily setup",
        channel=harness.channel,
        time="23:45",
        timezone="america/argentina/comodrivadavia",
        papers=25,
        votes=99999,
        days="mon,wed,fri",
        language="ko",
        style="thread",
        when_empty=True,
    )
    await harness.manager.click(last_response(result), label="Start")
    (subscription,) = await _list_subscriptions(harness)
    assert (subscription.at_time, subscription.timezone, subscription.days) == (
        "23:45",
        "America/Argentina/ComodRivadavia",
        (1, 3, 5),
    )
    assert (subscription.top_n, subscription.min_votes, subscription.locale) == (25, 99999, models.Locale.KO)
    assert (subscription.style, subscription.say_when_empty) == (models.Style.THREAD, True)


async def test_the_first_post_can_be_sent_immediately_and_its_papers_are_not_repeated(
    harness: ClientHarness,
) -> None:
    here = f"<#{harness.channel.id}>"
    wizard = await harness.manage("daily setup", papers=25)
    result = await harness.manager_press(wizard, "setup-start-now")
    assert shown_text(result) == harness.texts("subscription-posting", channel=here)
    async with harness.container.database.read() as connection:
        (delivery,) = await outbox.list_rows(connection)
    assert delivery.kind is models.DeliveryKind.ON_DEMAND
    assert delivery.post.papers[0] == "2501.00001"
    result = await harness.manage("daily now")
    assert shown_text(result) == harness.texts("subscription-nothing-new", channel=here)


async def test_setup_says_which_style_and_permissions_a_channel_needs(harness: ClientHarness) -> None:
    refused = shown_text(await harness.manage("daily setup", channel=harness.readonly_channel))
    assert f"✗ **{harness.texts('permission-send-messages')}**" in refused
    assert harness.texts("permission-where") in refused
    news = harness.guild.create_news_channel("news")
    of_news = shown_text(await harness.manage("daily setup", channel=news))
    assert "Announcement" in of_news
    assert "Embed Links" in of_news
    forum = harness.guild.create_forum_channel("papers-forum")
    assert "Forum" in shown_text(await harness.manage("daily setup", channel=forum))
    response = await harness.manage("daily setup", channel=forum, style="compact")
    assert shown_text(response) == harness.texts("style-does-not-fit", channel=f"<#{forum.id}>")
    role = harness.guild.create_role("rl-readers")
    may_mention = harness.guild.create_role(
        "announcers", permissions=discord.Permissions(manage_guild=True, mention_everyone=True)
    )
    announcer = harness.guild.add_member(harness.env.create_user("announcer"), roles=[may_mention])
    result = await announcer.slash(harness.channel, "daily setup", topic="RL", role=role)
    assert harness.texts("permission-mention-everyone") in shown_text(last_response(result))


async def test_edit_changes_only_the_given_options(harness: ClientHarness) -> None:
    await harness.add_subscription(top_n=7)
    result = await harness.manage("daily edit", time="18:00", days="mon-fri")
    assert harness.texts("subscription-edited") in shown_text(result)
    (subscription,) = await _list_subscriptions(harness)
    assert (subscription.at_time, subscription.days, subscription.top_n) == ("18:00", (1, 2, 3, 4, 5), 7)


async def test_a_preview_of_each_style_is_private_and_plans_no_delivery(harness: ClientHarness) -> None:
    for style in ("compact", "cards", "weekly"):
        subscription = await harness.add_subscription(style=models.Style(style))
        result = await harness.manager.slash(harness.channel, "daily preview")
        assert "Small Language Models" in shown_text(last_response(result))
        assert all(message.ephemeral for message in result.followups)
        await harness.bot.services.subscriptions.remove(subscription.id)
    async with harness.container.database.read() as connection:
        assert await outbox.list_rows(connection) == []


async def test_subscriptions_are_paused_resumed_and_removed_by_command_and_button(
    harness: ClientHarness,
) -> None:
    await harness.add_subscription()
    paused = await harness.manage("daily pause")
    assert (await _list_subscriptions(harness))[0].state is models.ActivityState.PAUSED
    at = f"<t:{int(harness.env.now().timestamp())}:f>"
    by_manager = harness.texts("paused-by", user=f"<@{harness.manager.id}>", at=at)
    assert by_manager in shown_text(paused)
    assert by_manager in shown_text(await harness.manage("status"))
    await harness.bot.services.reader_data.forget(harness.manager.id)
    listed = shown_text(await harness.manage("daily list"))
    assert harness.texts("paused-at", at=at) in listed
    assert by_manager not in listed
    resumed = await harness.manager_press(paused, "resume-post")
    assert (await _list_subscriptions(harness))[0].state is models.ActivityState.ACTIVE
    paused = await harness.manager_press(resumed, "subscription-pause")
    confirmation = await harness.manager_press(paused, "remove")
    assert len(await _list_subscriptions(harness)) == 1
    removed = await harness.manager_press(confirmation, "remove")
    assert shown_text(removed) == harness.texts("subscription-removed", channel=f"<#{harness.channel.id}>")
    assert await _list_subscriptions(harness) == []


async def test_a_command_asks_which_of_several_subscriptions_is_meant(harness: ClientHarness) -> None:
    await harness.add_subscription()
    second = await harness.add_subscription(at_time="18:00")
    question = await harness.manage("daily edit", papers=3)
    assert shown_text(question) == harness.texts("subscription-which")
    offered = await harness.manager.autocomplete(harness.channel, "daily preview", "post", "18:00")
    assert [choice["value"] for choice in offered] == [str(second.id)]
    assert "#papers" in offered[0]["name"]
    listed = await harness.manage("daily list")
    selected = last_response(await harness.manager.select(listed, [str(second.id)], custom_id="pr:dh"))
    assert "18:00" in shown_text(selected)


async def test_each_command_offers_a_menu_of_several_subscriptions(harness: ClientHarness) -> None:
    await harness.add_subscription()
    second = await harness.add_subscription(at_time="18:00")

    async def choose(command: str) -> str:
        menu = await harness.manage(command)
        return shown_text(last_response(await harness.manager.select(menu, [str(second.id)])))

    assert harness.texts("preview-note") in await choose("daily preview")
    posting = harness.texts("subscription-posting", channel=f"<#{harness.channel.id}>")
    assert await choose("daily now") == posting
    for key in ("subscription-paused", "subscription-resumed"):
        shown = await choose("daily pause")
        assert harness.texts(key) in shown
        assert "18:00" in shown
    changing = harness.texts("subscription-form-heading", channel=f"<#{harness.channel.id}>")
    assert changing in await choose("daily edit")
    sure = harness.texts("subscription-remove-sure", channel=f"<#{harness.channel.id}>")
    assert sure in await choose("daily remove")
    assert len(await _list_subscriptions(harness)) == 2


async def test_the_list_says_that_a_post_waits_for_the_day_to_be_complete(harness: ClientHarness) -> None:
    await read_lists(harness.container.database, harness.env.now())
    await harness.add_subscription(at_time="22:00", wait_minutes=90, when=models.When.COMPLETE)
    await harness.env.advance_time(22 * 3600)
    matcher = SearchService(harness.container.database).match_papers
    daily = DailyPlanner(harness.container.database, harness.container.deliveries, matcher)
    assert await daily.tick(harness.env.now()) == 0
    listed = shown_text(await harness.manage("daily list"))
    # The list of the day closes at 02:30.
    until = f"<t:{int(datetime(2026, 1, 2, 4, 0, tzinfo=UTC).timestamp())}:t>"
    assert harness.texts("next-complete", until=until) in listed
    assert harness.texts("next-waiting", until=until) not in listed


async def test_without_subscriptions_every_command_mentions_setup(harness: ClientHarness) -> None:
    for command in ("daily list", "daily preview", "daily now", "daily pause", "daily copy", "daily remove"):
        shown = shown_text(await harness.manage(command))
        assert shown == harness.texts("no-subscriptions", command=harness.bot.mentions("daily setup"))


@both_languages
async def test_a_daily_post_is_copied_to_the_channels_that_take_it(harness: ClientHarness) -> None:
    original = await harness.add_subscription(topic="retrieval", top_n=7, silent=True)
    news, forum = harness.guild.create_news_channel("news"), harness.guild.create_forum_channel("forum")
    chosen = [news, harness.readonly_channel, forum, harness.channel]
    menu = await harness.manage("daily copy")
    assert harness.texts("copy-choose", most="10") in shown_text(menu)
    outdated, plan = [
        last_response(await harness.manager.select(asked, chosen, custom_id=f"pr:dkt:{original.id}"))
        for asked in (menu, await harness.manage("daily copy"))
    ]
    will = [harness.texts("copy-will", channel=f"<#{channel.id}>") in shown_text(plan) for channel in chosen]
    assert will == [True, False, False, False]
    assert harness.texts("style-does-not-fit", channel=f"<#{forum.id}>") in shown_text(plan)
    assert harness.texts("permission-send-messages") in shown_text(plan)
    assert harness.texts("subscription-already") in shown_text(plan)
    assert len(await _list_subscriptions(harness)) == 1
    done = await harness.manager_press(plan, "copy-start", count=1)
    assert harness.texts("copy-done", channel=f"<#{news.id}>") in shown_text(done)
    copy = (await _list_subscriptions(harness))[1]
    assert copy.channel_id == news.id
    assert copy.created_by == harness.manager.id
    assert all(getattr(copy, name) == getattr(original, name) for name in daily_options.SETTINGS)
    # Another plan, made before, finds the copy there.
    again = await harness.manager_press(outdated, "copy-start", count=1)
    assert harness.texts("subscription-already") in shown_text(again)
    assert len(await _list_subscriptions(harness)) == 2


async def test_a_copy_mentions_a_role_only_where_the_manager_may(harness: ClientHarness) -> None:
    role = harness.guild.create_role("readers")
    original = await harness.add_subscription(mention_role_id=role.id)
    other = harness.guild.create_text_channel("other")
    menu = await harness.manage("daily copy")
    plan = last_response(await harness.manager.select(menu, [other], custom_id=f"pr:dkt:{original.id}"))
    needed = harness.texts("needs-mention-role", role=f"<@&{role.id}>", channel=f"<#{other.id}>")
    assert needed in shown_text(plan)


async def test_setup_of_a_topic_says_how_often_it_matched_and_previews_only_that(
    harness: ClientHarness,
) -> None:
    result = await harness.manager.slash(harness.channel, "daily setup", topic=" 강화  학습 -survey ")
    preview, wizard = [result.response, *result.followups][-2:]
    shown = shown_text(preview)
    assert "Rewards That Teach Reasoning" in shown
    assert "Small Language Models" not in shown
    assert any("강화 학습" in line for line in shown.splitlines()[:4])
    papers = harness.texts("forecast-papers", most=1)
    line = harness.texts("forecast-recent", days=1, until="", papers=papers)
    for message in (preview, wizard):
        assert line in shown_text(message)
        assert harness.texts("forecast-once") in shown_text(message)
    assert harness.texts("subscription-topic", topic="강화 학습 -survey") in shown_text(wizard)
    modal = await harness.manager_press(wizard, "subscription-edit-schedule")
    changed = await harness.manager.submit_modal(modal, {"time": "8:00", "zone": "Seoul", "days": ["mon"]})
    started = await harness.manager.click(last_response(changed), label=harness.texts("setup-start"))
    assert "강화 학습" in shown_text(last_response(started))
    (subscription,) = await _list_subscriptions(harness)
    assert (subscription.topic, subscription.at_time, subscription.top_n) == ("강화 학습 -survey", "08:00", 5)
    listed = shown_text(await harness.manage("daily list"))
    assert "강화 학습" in listed
    edited = await harness.manage("daily edit", topic="-")
    assert harness.texts("subscription-edited") in shown_text(edited)
    (subscription,) = await _list_subscriptions(harness)
    assert (subscription.topic, subscription.top_n) == ("", 5)


async def test_a_topic_without_matches_says_so_and_offers_others(harness: ClientHarness) -> None:
    result = await harness.manager.slash(harness.channel, "daily setup", topic="reinforcement learnin")
    announced, wizard = [result.response, *result.followups][-2:]
    for message in (announced, wizard):
        shown = shown_text(message)
        assert harness.texts("forecast-recent-none", until="") in shown
        assert "reinforcement learning" in shown.casefold()
    refused = await harness.manage("daily setup", topic="-survey")
    assert shown_text(refused) == harness.texts("topic-asks-nothing")


@pytest.mark.parametrize("is_mentionable", [False, True])
async def test_a_role_is_chosen_by_those_who_may_mention_it(
    harness: ClientHarness, is_mentionable: bool
) -> None:
    role = harness.guild.create_role("rl-readers", mentionable=is_mentionable)
    result = await harness.manage("daily setup", topic="RL", role=role)
    refusal = harness.texts("needs-mention-role", role=f"<@&{role.id}>", channel=f"<#{harness.channel.id}>")
    if not is_mentionable:
        assert shown_text(result) == refusal
        assert await _list_subscriptions(harness) == []
        subscription = await harness.add_subscription(topic="RL", mention_role_id=role.id)
        await harness.bot.services.subscriptions.pause(subscription.id)
        for command in ("daily pause", "daily edit"):
            options = {"role": role} if command == "daily edit" else {}
            if options:
                await harness.bot.services.subscriptions.edit(replace(subscription, mention_role_id=None))
            response = await harness.manage(command, **options)
            assert shown_text(response) == refusal
        return
    assert harness.texts("subscription-mention", role=f"<@&{role.id}>") in shown_text(result)
    await harness.manager_press(result, "setup-start")
    (subscription,) = await _list_subscriptions(harness)
    assert (subscription.topic, subscription.mention_role_id) == ("RL", role.id)
    response = await harness.manage("daily edit", role=harness.guild.default_role)
    assert harness.texts("subscription-edited") in shown_text(response)
    (subscription,) = await _list_subscriptions(harness)
    assert subscription.mention_role_id is None


@pytest.mark.parametrize("typed", ["오전 9시 베를린", "9am Europe/Berlin"])
async def test_a_zone_is_typed_with_the_time(harness: ClientHarness, typed: str) -> None:
    wizard = await harness.manage("daily setup", time=typed)
    assert "Europe/Berlin" in shown_text(wizard) or "Berlin" in shown_text(wizard)
    await harness.manager_press(wizard, "setup-start")
    [stored] = await harness.bot.services.subscriptions.list_rows()
    assert (stored.at_time, stored.timezone) == ("09:00", "Europe/Berlin")
    await harness.manage("daily edit", post=str(stored.id), time="9시 서울")
    [changed] = await harness.bot.services.subscriptions.list_rows()
    assert (changed.at_time, changed.timezone) == ("09:00", "Asia/Seoul")
