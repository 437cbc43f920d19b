"""/daily: creating, changing, previewing and removing subscriptions, by options and in forms."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import discord
import pytest

from bot.daily import options as daily_options
from bot.daily import schedule
from bot.daily.options import SETTINGS
from bot.daily.planner import DailyPlanner
from bot.search.service import SearchService
from storage import models, outbox
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    shown_text,
)
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


async def test_the_zone_of_a_post_is_the_managers_own_only_while_none_is_known(
    harness: ClientHarness,
) -> None:
    readers = harness.bot.services.readers
    for typed in ("America/New_York", "Asia/Tokyo"):
        wizard = last_response(
            await harness.manager.slash(harness.channel, "daily setup", time="9", timezone=typed)
        )
        await harness.manager.click(wizard, label=harness.texts("setup-start"))
        known = await readers.get(harness.manager.id)
        assert known is not None
        assert known.timezone == "America/New_York"
        for subscription in await _list_subscriptions(harness):
            await harness.bot.services.subscriptions.remove(subscription.id)


async def test_a_setup_without_a_time_waits_for_the_complete_list(harness: ClientHarness) -> None:
    await read_lists(harness.container.database, harness.env.now())
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
    assert "On Mon, Wed, Fri at 23:45" in shown_text(last_response(result))
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


@pytest.mark.parametrize("command", ["pause", "resume", "remove"])
async def test_a_post_that_another_manager_removes_at_the_same_moment_is_out_of_date(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    subscription = await harness.add_subscription()
    service = harness.bot.services.subscriptions
    change, remove = getattr(service, command), service.remove
    if command == "resume":
        await service.pause(subscription.id)

    async def change_too_late(subscription_id: int, **by: Any) -> Any:
        await remove(subscription_id)
        return await change(subscription_id, **by)

    monkeypatch.setattr(service, command, change_too_late)
    shown = await harness.manage("daily remove" if command == "remove" else "daily pause")
    if command == "remove":
        shown = await harness.manager_press(shown, "remove")
    assert shown_text(shown) == harness.texts("outdated-control")


async def test_the_posts_are_offered_to_managers_alone_also_if_the_server_allows_the_command(
    harness: ClientHarness,
) -> None:
    await harness.add_subscription()
    for command in await harness.bot.tree.fetch_commands():
        if command.name == "daily":
            harness.guild.set_command_permissions(command, {harness.reader: True})
    for user, offered in ((harness.manager, 1), (harness.reader, 0)):
        assert len(await user.autocomplete(harness.channel, "daily preview", "post", "")) == offered


async def test_a_command_asks_which_of_several_subscriptions_is_meant(harness: ClientHarness) -> None:
    await harness.add_subscription()
    second = await harness.add_subscription(at_time="18:00")
    question = await harness.manage("daily edit", papers=3)
    assert shown_text(question) == harness.texts("subscription-which")
    offered = await harness.manager.autocomplete(harness.channel, "daily preview", "post", "18:00")
    assert [choice["value"] for choice in offered] == [str(second.id)]
    assert "#papers" in offered[0]["name"]
    listed = await harness.manage("daily list")
    assert shown_text(listed).count("#papers · ") == 2, "an option of a menu shows no mention"
    selected = last_response(await harness.manager.select(listed, [str(second.id)], custom_id="pr:dh"))
    assert "18:00" in shown_text(selected)


@both_languages
async def test_a_subscription_is_meant_by_words_of_its_label(harness: ClientHarness) -> None:
    """As a reader types them who does not pick from the list of autocomplete."""
    at_six = await harness.add_subscription(at_time="18:00")
    about = await harness.add_subscription(topic="Diffusion")
    assert "19:00" in shown_text(await harness.manage("daily edit", post=" diffusion", time="19:00"))
    times = {row.id: row.at_time for row in await _list_subscriptions(harness)}
    assert times == {at_six.id: "18:00", about.id: "19:00"}
    sure = harness.texts("subscription-remove-sure", channel=f"<#{harness.channel.id}>")
    assert sure in shown_text(await harness.manage("daily remove", post="Diffusion"))
    both = shown_text(await harness.manage("daily remove", post="#papers"))
    assert sure not in both
    assert both.count("#papers · ") == 2
    # A number is an id: that of a removed post does not mean the one at 18:00.
    unknown = harness.texts("no-subscription", command=harness.bot.mentions("daily list"))
    for post in ("18", "#vision"):
        assert shown_text(await harness.manage("daily now", post=post)) == unknown


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
    assert f"{sure}\n- " in (removal := await choose("daily remove"))
    assert "18:00" in removal
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
    await harness.add_subscription()
    unknown = shown_text(await harness.manage("daily preview", post="9"))
    assert harness.bot.mentions("daily list") in unknown


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
    # A role is mentioned only where the manager may.
    role = harness.guild.create_role("readers")
    mentioning = await harness.add_subscription(at_time="10:00", mention_role_id=role.id)
    asked = await harness.manage("daily copy", post=str(mentioning.id))
    refused = last_response(await harness.manager.select(asked, [news], custom_id=f"pr:dkt:{mentioning.id}"))
    needed = harness.texts("needs-mention-role", role=f"<@&{role.id}>", channel=f"<#{news.id}>")
    assert needed in shown_text(refused)
    await harness.bot.services.subscriptions.remove(mentioning.id)
    # Another plan, made before, finds the copy there.
    again = await harness.manager_press(outdated, "copy-start", count=1)
    assert harness.texts("subscription-already") in shown_text(again)
    assert len(await _list_subscriptions(harness)) == 2


@both_languages
async def test_a_server_has_a_limited_number_of_daily_posts(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.daily.service.MAX_POSTS", 1)
    wizard = await harness.manage("daily setup", time="09:00")
    only = await harness.add_subscription(topic="retrieval")
    refused = harness.texts("subscriptions-too-many", most=1)
    assert shown_text(await harness.manager_press(wizard, "setup-start")) == refused
    menu, news = await harness.manage("daily copy"), harness.guild.create_news_channel("news")
    plan = await harness.manager.select(menu, [news], custom_id=f"pr:dkt:{only.id}")
    assert refused in shown_text(last_response(plan))
    assert await _list_subscriptions(harness) == [only]


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
    # Once, above the papers; the wizard below does not repeat it.
    for text in (line, harness.texts("forecast-once")):
        assert text in shown
        assert text not in shown_text(wizard)
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
    shown = shown_text(announced)
    assert harness.texts("forecast-recent-none", until="") in shown
    assert "reinforcement learning" in shown.casefold()
    assert harness.texts("forecast-recent-none", until="") not in shown_text(wizard)
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


@pytest.mark.parametrize("locale", list(models.Locale))
async def test_a_time_is_typed_as_it_is_said(harness: ClientHarness) -> None:
    await harness.add_subscription(at_time="07:00")
    for typed, at_time in (("매일 오전 9시", "09:00"), ("at 8am", "08:00"), ("every day at 9", "09:00")):
        await harness.manage("daily edit", time=typed)
        [changed] = await harness.bot.services.subscriptions.list_rows()
        assert changed.at_time == at_time
    for typed, key, quoted in (
        ("weekdays at 7", "time-not-understood", "weekdays at 7"),
        ("평일 오전 7시", "time-not-understood", "평일 오전 7시"),
        ("every day at 7am Soeul", "zone-unknown", "Soeul"),
    ):
        refused = await harness.manage("daily edit", time=typed)
        assert harness.texts(key, text=quoted) in shown_text(refused)
    assert await _list_subscriptions(harness) == [changed]


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


PAPERS = {"topic": "", "papers": "5", "votes": "0", "language": ["en"], "style": ["compact"]}


def _settings(subscription: models.Subscription) -> dict[str, Any]:
    return {name: getattr(subscription, name) for name in SETTINGS}


def _expected(**settings: Any) -> dict[str, Any]:
    return _settings(models.Subscription(guild_id=1, channel_id=1, **settings))


async def _submit(harness: ClientHarness, message: Any, key: str, values: dict[str, Any]) -> Any:
    modal = await harness.manager_press(message, key)
    return last_response(await harness.manager.submit_modal(modal, values))


def _typed(shown: Any) -> dict[str, Any]:
    """Return the values that a modal shows: texts, and the selected options and roles."""
    values: dict[str, Any] = {}
    for row in shown.modal["components"]:
        field = row["component"]
        selected = [option["value"] for option in field.get("options", ()) if option.get("default")]
        selected += [str(default["id"]) for default in field.get("default_values", ())]
        values[field["custom_id"]] = field.get("value", "") if field["type"] == 4 else selected
    return values


@both_languages
async def test_both_forms_of_the_wizard_reach_every_option(harness: ClientHarness) -> None:
    role = harness.guild.create_role("rl-readers", mentionable=True)
    wizard = await harness.manage("daily setup")
    schedule = {
        "time": "오후 7시 30분",
        "zone": "berlin",
        "days": ["mon", "sun"],
        "options": ["complete", "say-empty"],
        "role": [role],
    }
    papers = {"topic": "RL", "papers": "3", "votes": "7", "language": ["ko"], "style": ["thread"]}
    changed = await _submit(harness, wizard, "subscription-edit-schedule", schedule)
    changed = await _submit(harness, changed, "subscription-edit-papers", papers)
    # The buttons of long options have a token, which is stored.
    assert all(len(custom_id) <= 100 for custom_id in component_ids(changed))
    await harness.manager_press(changed, "setup-start")
    (subscription,) = await _list_subscriptions(harness)
    assert _settings(subscription) == _expected(
        at_time="19:30",
        timezone="Europe/Berlin",
        days=(1, 7),
        top_n=3,
        min_votes=7,
        locale=models.Locale.KO,
        style=models.Style.THREAD,
        say_when_empty=True,
        topic="RL",
        mention_role_id=role.id,
        when=models.When.COMPLETE,
    )


@both_languages
async def test_the_forum_style_in_a_text_channel_is_refused_with_the_channel_that_it_needs(
    harness: ClientHarness,
) -> None:
    shown = shown_text(await harness.manage("daily setup", style="forum"))
    assert {"en": "for forum channels only", "ko": "포럼 형식은 포럼 채널에만"}[harness.texts.locale] in shown


@both_languages
async def test_a_form_of_the_wizard_that_changes_the_papers_previews_them_again(
    harness: ClientHarness,
) -> None:
    setup = await harness.manage("daily setup")
    modal = await harness.manager_press(setup, "subscription-edit-papers")
    form = _typed(modal) | {"topic": "robot"}
    result = await harness.manager.submit_modal(modal, form)
    preview, wizard = [result.response, *result.followups][-2:]
    assert shown_text(preview).startswith(harness.texts("preview-note"))
    assert "Maps for Robots" in shown_text(preview)
    assert "Small Language Models" not in shown_text(preview)
    assert harness.texts("subscription-topic", topic="robot") in shown_text(wizard)
    unchanged = await _submit(harness, wizard, "subscription-edit-papers", form)
    assert unchanged.id == wizard.id
    # Another time alone changes the last line of the preview.
    modal = await harness.manager_press(unchanged, "subscription-edit-schedule")
    result = await harness.manager.submit_modal(modal, _typed(modal) | {"time": "18:35"})
    preview, wizard = [result.response, *result.followups][-2:]
    assert "Maps for Robots" in shown_text(preview)
    assert "18:35" in shown_text(preview).splitlines()[-1]
    assert "18:35" in shown_text(wizard)


async def test_edit_without_options_changes_every_setting_in_forms(harness: ClientHarness) -> None:
    role = harness.guild.create_role("rl-readers", mentionable=True)
    stored = await harness.add_subscription(
        at_time="08:15",
        timezone="Europe/Berlin",
        days=(1, 3),
        topic="RL",
        mention_role_id=role.id,
        wait_minutes=9,
    )
    opened = await harness.manage("daily edit")
    modal = await harness.manager_press(opened, "subscription-edit-schedule")
    assert _typed(modal) == {
        "time": "08:15",
        "zone": "Europe/Berlin",
        "days": ["mon", "wed"],
        "options": [],
        "role": [str(role.id)],
    }
    values = {"time": "9am", "zone": "Seoul", "days": ["tue"], "options": ["say-empty"], "role": []}
    changed = last_response(await harness.manager.submit_modal(modal, values))
    assert harness.texts("subscription-edited") in shown_text(changed)
    # The page of a daily post has the button that opens the same forms.
    opened = await harness.manager_press(changed, "change")
    modal = await harness.manager_press(opened, "subscription-edit-papers")
    assert _typed(modal) == PAPERS | {
        "topic": "RL",
        "language": [harness.texts.locale.value],
        "style": ["compact"],
    }
    values = {"topic": "", "papers": "9", "votes": "", "language": ["ko"], "style": ["weekly"]}
    weekly = last_response(await harness.manager.submit_modal(modal, values))
    # Only a weekly post can list what members saved.
    opened = await harness.manager_press(weekly, "change")
    values = {"time": "9am", "zone": "Seoul", "days": ["tue"], "options": ["say-empty", "server-picks"]}
    await _submit(harness, opened, "subscription-edit-schedule", values)
    (subscription,) = await _list_subscriptions(harness)
    assert subscription.id == stored.id
    assert _settings(subscription) == _expected(
        at_time="09:00",
        timezone="Asia/Seoul",
        days=(2,),
        top_n=9,
        min_votes=0,
        locale=models.Locale.KO,
        style=models.Style.WEEKLY,
        say_when_empty=True,
        wait_minutes=9,
        server_picks=True,
    )


async def test_the_form_offers_the_styles_of_the_channel(harness: ClientHarness) -> None:
    forum = harness.guild.create_forum_channel("papers-forum")
    stored = await harness.add_subscription(forum.id, style=models.Style.FORUM)
    opened = await harness.manage("daily edit", post=str(stored.id))
    modal = await harness.manager.click(opened, label="Topic, papers, style")
    styles = [row["component"] for row in modal.modal["components"]][-1]["options"]
    assert [style["value"] for style in styles] == ["forum"]


@pytest.mark.parametrize(
    ("is_stored", "key", "field", "value", "reason", "arguments"),
    [
        (True, "schedule", "time", "25:99", "time-not-understood", {"text": "25\\:99"}),
        (True, "schedule", "time", "9am Soeul", "zone-unknown", {"text": "Soeul"}),
        (True, "schedule", "time", "평일 오전 9시", "time-not-understood", {"text": "평일 오전 9시"}),
        (False, "papers", "papers", "0", "papers-not-a-number", {"low": 1, "high": 25}),
    ],
)
async def test_a_refused_form_names_the_field_and_keeps_what_was_typed(
    harness: ClientHarness,
    is_stored: bool,
    key: str,
    field: str,
    value: str,
    reason: str,
    arguments: dict[str, Any],
) -> None:
    if is_stored:
        await harness.add_subscription()
    command = "daily edit" if is_stored else "daily setup"
    before = await harness.manage(command)
    values: dict[str, Any] = {
        "schedule": {"time": "7:15", "zone": "UTC", "days": ["fri"], "options": ["say-empty"], "role": []},
        "papers": {"topic": "RL", "papers": "4", "votes": "3", "language": ["ko"], "style": ["cards"]},
    }[key]
    typed = values | {field: value}
    refused = await _submit(harness, before, f"subscription-edit-{key}", typed)
    said = harness.texts(reason, **arguments).replace("\\", "")
    assert shown_text(refused).replace("\\", "").startswith(said)
    again = await harness.manager_press(refused, "subscription-form-again")
    assert _typed(again) == typed
    accepted = last_response(await harness.manager.submit_modal(again, values))
    if not is_stored:
        await harness.manager_press(accepted, "setup-start")
    (subscription,) = await _list_subscriptions(harness)
    if key == "schedule":
        assert (subscription.at_time, subscription.days) == ("07:15", (5,))
    else:
        assert (subscription.topic, subscription.style) == ("RL", models.Style.CARDS)


async def test_back_from_a_refused_form_leads_to_where_it_was_opened(harness: ClientHarness) -> None:
    wizard = await harness.manage("daily setup", topic="RL")
    refused = await _submit(harness, wizard, "subscription-edit-papers", PAPERS | {"papers": "x"})
    result = await harness.manager_press(refused, "back")
    assert harness.texts("subscription-topic", topic="RL") in shown_text(result)
    started = await harness.manager_press(result, "setup-start")
    opened = await harness.manager_press(started, "change")
    refused = await _submit(harness, opened, "subscription-edit-papers", PAPERS | {"papers": "x"})
    shown = await harness.manager_press(refused, "back")
    assert f"pr:de:papers:={(await _list_subscriptions(harness))[0].id}" in component_ids(shown)


async def test_the_options_of_setup_are_kept_for_the_post_that_is_edited_instead(
    harness: ClientHarness,
) -> None:
    stored = await harness.add_subscription(at_time="09:00", timezone="Asia/Seoul", top_n=3)
    role = harness.guild.create_role("rl-readers", mentionable=True)
    options = {"time": "18:00 KST", "topic": "RL", "votes": 7, "role": role, "when_empty": True}
    typed = {"at_time": "18:00", "topic": "RL", "min_votes": 7, "mention_role_id": role.id}
    opened = await harness.manager_press(await harness.manage("daily setup", **options), "setup-edit")
    assert "18:00" in shown_text(opened)
    # A form starts with them, and saves also those of the other form.
    form = await harness.manager_press(opened, "subscription-edit-schedule")
    assert _typed(form)["time"] == "18:00"
    refused = last_response(
        await harness.manager.submit_modal(form, _typed(form) | {"zone": "Atlantis", "role": [role]})
    )
    assert _typed(await harness.manager_press(refused, "subscription-form-again"))["time"] == "18:00"
    opened = await harness.manager_press(refused, "back")
    form = await harness.manager_press(opened, "subscription-edit-papers")
    assert (_typed(form)["topic"], _typed(form)["votes"], _typed(form)["papers"]) == ("RL", "7", "3")
    await harness.manager.submit_modal(form, _typed(form) | {"papers": "4"})
    (changed,) = await _list_subscriptions(harness)
    wanted = replace(stored, **typed, top_n=4, say_when_empty=True)
    assert _settings(changed) == _settings(wanted)
    # They are saved without a form too, and of several posts for the one that is chosen.
    await harness.add_subscription(at_time="21:00", timezone="Asia/Seoul")
    said = await harness.manage("daily setup", papers=9)
    opened = last_response(await harness.manager.select(said, [str(stored.id)]))
    saved = await harness.manager_press(opened, "alert-save")
    assert harness.texts("subscription-edited") in shown_text(saved)
    assert sorted(row.top_n for row in await _list_subscriptions(harness)) == [5, 9]


@both_languages
async def test_a_second_post_that_no_paper_can_reach_is_previewed_as_the_first_is(
    harness: ClientHarness,
) -> None:
    for is_second in (False, True):
        result = await harness.manager.slash(harness.channel, "daily setup", votes=9999, time="18:00")
        if is_second:
            result = await harness.manager.click(
                last_response(result), label=harness.texts("setup-add", count=1)
            )
        preview, wizard = [result.response, *result.followups][-2:]
        assert shown_text(preview).startswith(harness.texts("preview-none"))
        assert harness.texts("setup-start") in shown_text(wizard)
        if not is_second:
            await harness.add_subscription()


async def test_setup_says_what_the_channel_has_and_adds_no_second_post_unasked(
    harness: ClientHarness,
) -> None:
    stored = await harness.add_subscription(at_time="09:00", timezone="Asia/Seoul")
    said = await harness.manage("daily setup")
    heading = harness.texts("setup-exists", channel=f"<#{harness.channel.id}>", count=1)
    assert heading in shown_text(said)
    assert harness.texts("setup-start") not in shown_text(said)
    opened = await harness.manager_press(said, "setup-edit")
    assert f"pr:de:schedule:={stored.id}" in component_ids(opened)
    # It answers in another channel as before.
    other = await harness.manage("daily setup", channel=harness.readonly_channel)
    assert harness.texts("setup-start") in shown_text(other)
    said = await harness.manage("daily setup", topic="RL", time="18:00")
    wizard = await harness.manager.click(said, label=harness.texts("setup-add", count=1))
    assert harness.texts("preview-note") in shown_text([wizard.response, *wizard.followups][-2])
    await harness.manager.click(last_response(wizard), label=harness.texts("setup-start"))
    assert {row.topic for row in await _list_subscriptions(harness)} == {"", "RL"}
    assert {row.timezone for row in await _list_subscriptions(harness)} == {"Asia/Seoul"}
    said = await harness.manage("daily setup")
    opened = last_response(await harness.manager.select(said, [str(stored.id)]))
    assert f"pr:de:schedule:={stored.id}" in component_ids(opened)


async def test_a_second_post_with_the_same_options_is_not_offered_to_start(harness: ClientHarness) -> None:
    first = await harness.manage("daily setup", time="09:00")
    late = await harness.manage("daily setup", time="09:00")
    await harness.manager_press(first, "setup-start")
    said = await harness.manage("daily setup", time="09:00")
    wizard = await harness.manager_press(said, "setup-add", count=1)
    repeated = await harness.manager_press(late, "setup-start")
    for message in (wizard, repeated):
        shown = shown_text(message)
        assert harness.texts("subscription-already") in shown
        assert harness.texts("setup-edit") in shown
        assert harness.texts("setup-start") not in shown.splitlines()
    assert len(await _list_subscriptions(harness)) == 1
    schedule = {"time": "18:00", "zone": "UTC", "days": ["mon"]}
    changed = await _submit(harness, wizard, "subscription-edit-schedule", schedule)
    await harness.manager_press(changed, "setup-start")
    assert len(await _list_subscriptions(harness)) == 2


async def test_a_role_in_the_form_is_one_that_the_manager_may_mention(harness: ClientHarness) -> None:
    role = harness.guild.create_role("rl-readers")
    await harness.add_subscription()
    opened = await harness.manage("daily edit")
    schedule = {"time": "09:00", "zone": "UTC", "days": ["mon"], "role": [role]}
    refused = await _submit(harness, opened, "subscription-edit-schedule", schedule)
    refusal = harness.texts("needs-mention-role", role=f"<@&{role.id}>", channel=f"<#{harness.channel.id}>")
    assert refusal in shown_text(refused)
    everyone = schedule | {"role": [harness.guild.default_role]}
    modal = await harness.manager_press(refused, "subscription-form-again")
    await harness.manager.submit_modal(modal, everyone)
    (subscription,) = await _list_subscriptions(harness)
    assert (subscription.mention_role_id, subscription.days) == (None, (1,))


@both_languages
async def test_a_spread_is_shown_with_the_minute_of_the_channel(harness: ClientHarness) -> None:
    drafts = [
        models.Subscription(guild_id=1, channel_id=harness.channel.id, spread_minutes=spread)
        for spread in range(2, 61)
    ]
    late, first = max(drafts, key=schedule.delay_minutes), min(drafts, key=schedule.delay_minutes)
    spread, minutes = late.spread_minutes, schedule.delay_minutes(late)
    assert minutes > schedule.delay_minutes(first) == 0
    options = {"time": "9:00", "timezone": "Asia/Seoul", "spread": f"{spread}m"}
    refused = await harness.manage("daily setup", **(options | {"spread": "2h"}))
    assert harness.texts("spread-not-understood", high=60) in shown_text(refused)
    result = await harness.manager.slash(harness.channel, "daily setup", **options)
    wizard = [result.response, *result.followups][-1]
    delayed = harness.texts("schedule-delayed", time="09:00", minutes=minutes)
    said = harness.texts("subscription-spread", spread=spread, minutes=minutes)
    # The clock is at 09:00 in Seoul, and the minute of the channel is still to come.
    for shown in (shown_text(wizard), shown_text(await harness.manager_press(wizard, "setup-start"))):
        assert delayed in shown
        assert said in shown
        assert f"<t:{int(harness.env.now().timestamp()) + 60 * minutes}:" in shown
    assert delayed in shown_text(await harness.manage("daily list"))
    for typed, minutes_shown in ((f"{first.spread_minutes}분", 0), ("0", None)):
        changed = shown_text(await harness.manage("daily edit", spread=typed))
        said = harness.texts("subscription-spread", spread=first.spread_minutes, minutes=0)
        assert (said in changed) == (minutes_shown == 0)
        assert "09:00 (" in changed


@both_languages
async def test_a_preview_without_new_papers_does_not_say_that_it_would_be_posted(
    harness: ClientHarness,
) -> None:
    await harness.plan_post(await harness.add_subscription(top_n=10))
    previewed = shown_text(await harness.ask("daily preview", by=harness.manager))
    assert harness.texts("preview-nothing-new") in previewed
    assert harness.texts("preview-note") not in previewed
    assert "Small Language Models" in previewed
