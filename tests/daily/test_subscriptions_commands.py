"""/daily: creating, changing, previewing and removing subscriptions, by options and in forms."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.daily import messages as daily_messages
from bot.daily import options as daily_options
from bot.daily import post as daily_post
from bot.daily.service import Subscriptions
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
    return await harness.bot.services.get(Subscriptions).list_rows(guild_id=harness.guild.id)


@both_languages
async def test_setup_shows_a_preview_the_permissions_and_the_first_time(harness: ClientHarness) -> None:
    result = await harness.manager.slash(harness.channel, "daily setup", time="9시", timezone="Asia/Seoul")
    preview, wizard = [result.response, *result.followups][-2:]
    assert "Small Language Models" in shown_text(preview)
    assert shown_text(preview).startswith(harness.texts("preview-note"))
    assert preview.ephemeral
    shown = shown_text(wizard)
    assert harness.texts.format_time("09:00") in shown
    assert f"✓ {harness.texts('permissions-ready')}\n" in shown
    assert harness.texts("permission-send-messages") not in shown
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
            await harness.bot.services.get(Subscriptions).remove(subscription.id)


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
    wizard = last_response(await harness.manager.slash(harness.channel, "daily setup", style="weekly"))
    shown = shown_text(wizard)
    assert shown.startswith(f"### Weekly post in <#{harness.channel.id}>")
    assert "Daily" not in shown
    assert "The 5 most upvoted papers · last seven days" in shown


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
    )
    assert "Every Mon, Wed, Fri at 11:45 PM" in shown_text(last_response(result))
    await harness.manager.click(last_response(result), label="Start")
    (subscription,) = await _list_subscriptions(harness)
    assert (subscription.at_time, subscription.timezone, subscription.days) == (
        "23:45",
        "America/Argentina/ComodRivadavia",
        (1, 3, 5),
    )
    assert (subscription.top_n, subscription.min_votes, subscription.locale) == (25, 99999, models.Locale.KO)
    assert subscription.style is models.Style.THREAD


async def test_setup_says_which_style_and_permissions_a_channel_needs(harness: ClientHarness) -> None:
    refused = shown_text(await harness.manage("daily setup", channel=harness.readonly_channel))
    assert f"✗ **{harness.texts('permission-send-messages')}**" in refused
    assert refused.count(harness.texts("permission-where")) == refused.count("✗") == 1
    assert "✓" not in refused
    news = harness.guild.create_news_channel("news")
    assert "Announcement" in shown_text(await harness.manage("daily setup", channel=news, papers=9))
    refused = await harness.manage("daily setup", channel=news, papers=10)
    assert shown_text(refused) == harness.texts("announcement-too-many", most=9)
    forum = harness.guild.create_forum_channel("papers-forum")
    assert "Forum" in shown_text(await harness.manage("daily setup", channel=forum))
    response = await harness.manage("daily setup", channel=forum, style="compact")
    assert shown_text(response) == harness.texts("style-does-not-fit", channel=f"<#{forum.id}>")
    await harness.bot.prepare_guild(harness.guild.id)
    channel: Any = harness.bot.get_channel(harness.channel.id)
    for is_mentionable in (False, True):
        role = harness.guild.create_role(f"readers {is_mentionable}", mentionable=is_mentionable)
        needed = daily_post.needed_permissions(channel, models.Style.ANNOUNCEMENT, role.id)
        assert "embed_links" in needed
        assert ("mention_everyone" in needed) is not is_mentionable


async def test_edit_changes_only_the_given_options(harness: ClientHarness) -> None:
    await harness.add_subscription(top_n=7)
    result = await harness.manage("daily edit", time="18:00", days="mon-fri")
    assert harness.texts("subscription-edited") in shown_text(result)
    (subscription,) = await _list_subscriptions(harness)
    assert (subscription.at_time, subscription.days, subscription.top_n) == ("18:00", (1, 2, 3, 4, 5), 7)


async def test_a_preview_of_each_style_is_private_and_plans_no_delivery(harness: ClientHarness) -> None:
    for style in ("compact", "cards", "weekly"):
        subscription = await harness.add_subscription(style=models.Style(style))
        card = await harness.manage("daily edit")
        result = await harness.manager.click(card, label=harness.texts("subscription-preview"))
        assert "Small Language Models" in shown_text(last_response(result))
        assert all(message.ephemeral for message in result.followups)
        await harness.bot.services.get(Subscriptions).remove(subscription.id)
    async with harness.container.database.read() as connection:
        assert await outbox.list_rows(connection) == []


async def test_subscriptions_are_paused_resumed_and_removed_by_button(harness: ClientHarness) -> None:
    await harness.add_subscription()
    paused = await harness.manager_press(await harness.manage("daily edit"), "subscription-pause")
    assert (await _list_subscriptions(harness))[0].state is models.ActivityState.PAUSED
    at = f"<t:{int(harness.env.now().timestamp())}:f>"
    by_manager = harness.texts("paused-by", user=f"<@{harness.manager.id}>", at=at)
    assert by_manager in shown_text(paused)
    assert by_manager in shown_text(await harness.manage("status"))
    await harness.bot.services.reader_data.forget(harness.manager.id)
    listed = shown_text(await harness.manage("daily edit"))
    assert harness.texts("paused-at", at=at) in listed
    assert by_manager not in listed
    resumed = await harness.manager_press(paused, "resume-post")
    assert (await _list_subscriptions(harness))[0].state is models.ActivityState.ACTIVE
    other_card = await harness.manage("daily edit")
    paused = await harness.manager_press(resumed, "subscription-pause")
    again = await harness.manager_press(other_card, "subscription-pause")
    assert harness.texts("resume-post") in shown_text(again)
    confirmation = await harness.manager_press(paused, "remove")
    rows = await _list_subscriptions(harness)
    assert [row.state for row in rows] == [models.ActivityState.PAUSED]  # two who pause undo nothing
    name = f"**{daily_messages.post_name(harness.texts, rows[0])}**"
    assert shown_text(confirmation).startswith(harness.texts("subscription-remove-sure", post=name))
    removed = await harness.manager_press(confirmation, "remove")
    assert shown_text(removed) == harness.texts("subscription-removed", post=name)
    assert await _list_subscriptions(harness) == []


async def test_a_removal_names_the_daily_posts_that_stay(harness: ClientHarness) -> None:
    await harness.add_subscription()
    await harness.add_subscription(topic="language")
    listed = await harness.manage("daily edit")
    assert harness.texts("subscriptions-heading", count=2) in shown_text(listed)
    card = await harness.manage("daily edit", post="1")
    confirmation = await harness.manager_press(card, "remove")
    removed = shown_text(await harness.manager_press(confirmation, "remove"))
    assert harness.texts("subscriptions-left") in removed
    assert "language" in removed


@pytest.mark.parametrize("command", ["pause", "resume", "remove"])
async def test_a_post_that_another_manager_removes_at_the_same_moment_is_out_of_date(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    subscription = await harness.add_subscription()
    service = harness.bot.services.get(Subscriptions)
    change, remove = getattr(service, command), service.remove
    if command == "resume":
        await service.pause(subscription.id)

    async def change_too_late(subscription_id: int, **by: Any) -> Any:
        await remove(subscription_id)
        return await change(subscription_id, **by)

    monkeypatch.setattr(service, command, change_too_late)
    keys = {"pause": ["subscription-pause"], "resume": ["resume-post"], "remove": ["remove", "remove"]}
    shown = await harness.manage("daily edit")
    for key in keys[command]:
        shown = await harness.manager_press(shown, key)
    assert shown_text(shown) == harness.texts("outdated-control")


async def test_the_posts_are_offered_to_managers_alone_also_if_the_server_allows_the_command(
    harness: ClientHarness,
) -> None:
    await harness.add_subscription()
    for command in await harness.bot.tree.fetch_commands():
        if command.name == "daily":
            harness.guild.set_command_permissions(command, {harness.reader: True})
    for user, offered in ((harness.manager, 1), (harness.reader, 0)):
        assert len(await user.autocomplete(harness.channel, "daily edit", "post", "")) == offered


async def test_a_command_asks_which_of_several_subscriptions_is_meant(harness: ClientHarness) -> None:
    await harness.add_subscription()
    second = await harness.add_subscription(at_time="18:00")
    question = await harness.manage("daily edit", papers=3)
    assert shown_text(question) == harness.texts("subscription-which")
    offered = await harness.manager.autocomplete(harness.channel, "daily edit", "post", "6:00 pm")
    assert [choice["value"] for choice in offered] == [str(second.id)]
    assert "#papers" in offered[0]["name"]
    listed = await harness.manage("daily edit")
    assert shown_text(listed).count("· #papers") == 2, "an option of a menu shows no mention"
    selected = last_response(await harness.manager.select(listed, [str(second.id)], custom_id="pr:dh"))
    assert "6:00 PM" in shown_text(selected)


@both_languages
async def test_a_subscription_is_meant_by_words_of_its_label(harness: ClientHarness) -> None:
    """As a reader types them who does not pick from the list of autocomplete."""
    at_six = await harness.add_subscription(at_time="18:00")
    about = await harness.add_subscription(topic="Diffusion")
    shown = shown_text(await harness.manage("daily edit", post=" diffusion", time="19:00"))
    assert harness.texts.format_time("19:00") in shown
    times = {row.id: row.at_time for row in await _list_subscriptions(harness)}
    assert times == {at_six.id: "18:00", about.id: "19:00"}
    both = shown_text(await harness.manage("daily edit", post="#papers"))
    assert both.count("· #papers") == 2
    # A number is an id: that of a removed post does not mean the one at six.
    unknown = harness.texts("no-subscription", command=harness.bot.mentions("daily edit"))
    for post in ("6", "#vision"):
        assert shown_text(await harness.manage("daily edit", post=post)) == unknown


async def test_the_list_says_that_a_post_waits_for_the_day_to_be_complete(harness: ClientHarness) -> None:
    await read_lists(harness.container.database, harness.env.now())
    await harness.add_subscription(at_time="", timezone="Asia/Seoul")
    closes_at = datetime(2026, 1, 2, 2, 30, tzinfo=UTC)
    await harness.env.advance_time((closes_at - harness.env.now()).total_seconds() + 60)
    listed = shown_text(await harness.manage("daily edit"))
    until = f"<t:{int(datetime(2026, 1, 2, 14, 30, tzinfo=UTC).timestamp())}:t>"
    assert harness.texts("next-complete", until=until) in listed
    assert harness.texts("next-waiting", until=until) not in listed


async def test_without_subscriptions_every_command_mentions_setup(harness: ClientHarness) -> None:
    for command in ("daily edit", "daily edit"):
        shown = shown_text(await harness.manage(command))
        assert shown == harness.texts("no-subscriptions", command=harness.bot.mentions("daily setup"))
    await harness.add_subscription()
    unknown = shown_text(await harness.manage("daily edit", post="9"))
    assert harness.bot.mentions("daily edit") in unknown


@both_languages
async def test_a_server_has_a_limited_number_of_daily_posts(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.daily.service.MAX_POSTS", 1)
    wizard = await harness.manage("daily setup", time="09:00")
    only = await harness.add_subscription(topic="retrieval")
    refused = harness.texts("subscriptions-too-many", most=1)
    assert shown_text(await harness.manager_press(wizard, "setup-start")) == refused
    assert await _list_subscriptions(harness) == [only]


@pytest.mark.parametrize("locale", list(models.Locale))
async def test_a_time_is_typed_as_it_is_said(harness: ClientHarness) -> None:
    await harness.add_subscription(at_time="07:00")
    for typed, at_time in (("매일 오전 9시", "09:00"), ("at 8am", "08:00"), ("every day at 9", "09:00")):
        await harness.manage("daily edit", time=typed)
        [changed] = await harness.bot.services.get(Subscriptions).list_rows()
        assert changed.at_time == at_time
    for typed, key, quoted in (
        ("weekdays at 7", "time-not-understood", "weekdays at 7"),
        ("평일 오전 7시", "time-not-understood", "평일 오전 7시"),
        ("every day at 7am Soeul", "time-not-understood", "every day at 7am Soeul"),
    ):
        refused = await harness.manage("daily edit", time=typed)
        assert harness.texts(key, text=quoted) in shown_text(refused)
    assert await _list_subscriptions(harness) == [changed]


@pytest.mark.parametrize("typed", ["오전 9시 베를린", "9am Europe/Berlin"])
async def test_a_zone_is_typed_with_the_time(harness: ClientHarness, typed: str) -> None:
    wizard = await harness.manage("daily setup", time=typed)
    assert "Europe/Berlin" in shown_text(wizard) or "Berlin" in shown_text(wizard)
    await harness.manager_press(wizard, "setup-start")
    [stored] = await harness.bot.services.get(Subscriptions).list_rows()
    assert (stored.at_time, stored.timezone) == ("09:00", "Europe/Berlin")
    await harness.manage("daily edit", post=str(stored.id), time="9시 서울")
    [changed] = await harness.bot.services.get(Subscriptions).list_rows()
    assert (changed.at_time, changed.timezone) == ("09:00", "Asia/Seoul")


@both_languages
async def test_the_forum_style_in_a_text_channel_is_refused_with_the_channel_that_it_needs(
    harness: ClientHarness,
) -> None:
    shown = shown_text(await harness.manage("daily setup", style="forum"))
    assert {"en": "for forum channels only", "ko": "포럼 형식은 포럼 채널에만"}[harness.texts.locale] in shown


@both_languages
async def test_a_preview_without_new_papers_does_not_say_that_it_would_be_posted(
    harness: ClientHarness,
) -> None:
    await harness.plan_post(await harness.add_subscription(top_n=10))
    previewed = await harness.manager.click(
        await harness.manage("daily edit"), label=harness.texts("subscription-preview")
    )
    previewed = shown_text(last_response(previewed))
    assert harness.texts("preview-nothing-new") in previewed
    assert harness.texts("preview-note") not in previewed
    assert "Small Language Models" in previewed


async def test_a_setup_without_a_time_waits_for_the_complete_list(harness: ClientHarness) -> None:
    await read_lists(harness.container.database, harness.env.now())
    for options, is_complete in (({}, True), ({"style": "weekly"}, False), ({"time": "9am"}, False)):
        shown = shown_text(await harness.manage("daily setup", timezone="Asia/Seoul", **options))
        # The list of December 31 closes at 21:30 in New York, which is 11:30 of January 1 in Seoul.
        assert ("<t:1767234600:F>" in shown) == is_complete
        assert (harness.texts("schedule-complete", days="Every day") in shown) == is_complete
    await harness.manager_press(await harness.manage("daily setup"), "setup-start")
    (subscription,) = await _list_subscriptions(harness)
    assert subscription.at_time == ""
    await harness.manage("daily edit", time="8am")
    await harness.manage("daily edit", time="-")
    assert await _list_subscriptions(harness) == [subscription]


async def test_a_post_made_now_is_not_repeated(harness: ClientHarness) -> None:
    here = f"<#{harness.channel.id}>"
    await harness.add_subscription(top_n=25)
    card = await harness.manage("daily edit")
    posting = await harness.manager_press(card, "subscription-now")
    assert shown_text(posting) == harness.texts("subscription-posting", channel=here)
    async with harness.container.database.read() as connection:
        (delivery,) = await outbox.list_rows(connection)
    assert delivery.kind is models.DeliveryKind.ON_DEMAND
    assert delivery.post.papers[0] == "2501.00001"
    again = await harness.manager_press(card, "subscription-now")
    assert shown_text(again) == harness.texts("subscription-nothing-new", channel=here)


async def test_a_setup_of_a_topic_previews_only_that(harness: ClientHarness) -> None:
    result = await harness.manager.slash(harness.channel, "daily setup", topic=" 강화  학습 -survey ")
    preview, setup = [result.response, *result.followups][-2:]
    shown = shown_text(preview)
    assert "Rewards That Teach Reasoning" in shown
    assert "Small Language Models" not in shown
    assert any("강화 학습" in line for line in shown.splitlines()[:4])
    assert harness.texts("subscription-topic", topic="강화 학습 -survey") in shown_text(setup)
    assert "강화 학습" in shown_text(await harness.manager_press(setup, "setup-start"))
    assert "강화 학습" in shown_text(await harness.manage("daily edit"))
    assert harness.texts("subscription-edited") in shown_text(await harness.manage("daily edit", topic="-"))
    (subscription,) = await _list_subscriptions(harness)
    assert (subscription.topic, subscription.top_n) == ("", 5)
    refused = await harness.manage("daily setup", topic="-survey")
    assert shown_text(refused) == harness.texts("topic-asks-nothing")


@both_languages
async def test_a_setup_without_papers_has_no_preview(harness: ClientHarness) -> None:
    result = await harness.manager.slash(harness.channel, "daily setup", votes=9999, time="18:00")
    preview, setup = [result.response, *result.followups][-2:]
    assert shown_text(preview) == harness.texts("preview-none")
    assert harness.texts("setup-start") in shown_text(setup)


@both_languages
async def test_the_form_sets_a_role_and_the_notification_of_a_draft_and_of_a_post(
    harness: ClientHarness,
) -> None:
    role = harness.guild.create_role("rl-readers", mentionable=True)
    setup = await harness.manage("daily setup", topic="RL", time="18:00")
    form = await harness.manager_press(setup, "more-settings")
    assert form.modal["title"] not in [row["label"] for row in form.modal["components"]]
    changed = last_response(await harness.manager.submit_modal(form, {"role": [role], "options": ["silent"]}))
    assert harness.texts("subscription-mention", role=f"<@&{role.id}>") in shown_text(changed)
    assert harness.texts("subscription-silent") in shown_text(changed)
    started = await harness.manager_press(changed, "setup-start")
    (stored,) = await _list_subscriptions(harness)
    assert (stored.topic, stored.at_time, stored.mention_role_id, stored.silent) == (
        *("RL", "18:00"),
        *(role.id, True),
    )
    form = await harness.manager_press(started, "more-settings")
    shown = [row["component"] for row in form.modal["components"]]
    assert [str(default["id"]) for default in shown[0]["default_values"]] == [str(role.id)]
    assert shown[1]["options"][0]["default"]
    everyone = {"role": [harness.guild.default_role], "options": []}
    edited = last_response(await harness.manager.submit_modal(form, everyone))
    assert harness.texts("subscription-edited") in shown_text(edited)
    (changed,) = await _list_subscriptions(harness)
    assert (changed.mention_role_id, changed.silent, changed.topic) == (None, False, "RL")


async def test_a_role_is_chosen_by_those_who_may_mention_it(harness: ClientHarness) -> None:
    role = harness.guild.create_role("rl-readers")
    refusal = harness.texts("needs-mention-role", role=f"<@&{role.id}>", channel=f"<#{harness.channel.id}>")
    setup = await harness.manage("daily setup")
    stored = await harness.add_subscription()
    for shown in (setup, await harness.manage("daily edit")):
        form = await harness.manager_press(shown, "more-settings")
        refused = await harness.manager.submit_modal(form, {"role": [role], "options": []})
        assert shown_text(last_response(refused)) == refusal
    await harness.bot.services.get(Subscriptions).edit(replace(stored, mention_role_id=role.id))
    await harness.bot.services.get(Subscriptions).pause(stored.id)
    resumed = await harness.manager_press(await harness.manage("daily edit"), "resume-post")
    assert shown_text(resumed) == refusal


async def test_a_setup_says_what_the_channel_has(harness: ClientHarness) -> None:
    stored = await harness.add_subscription(timezone="Asia/Seoul")
    setup = await harness.manage("daily setup", topic="RL", time="18:00")
    heading = harness.texts("setup-exists", channel=f"<#{harness.channel.id}>", count=1)
    assert heading in shown_text(setup)
    assert harness.texts("setup-start") not in shown_text(setup).splitlines()
    opened = await harness.manager_press(await harness.manage("daily setup"), "setup-edit")
    assert f"pr:de:={stored.id}" in component_ids(opened)
    # It answers in another channel as before.
    other = await harness.manage("daily setup", channel=harness.readonly_channel)
    assert harness.texts("setup-start") in shown_text(other)
    await harness.manager_press(setup, "setup-add", count=1)
    assert {row.topic for row in await _list_subscriptions(harness)} == {"", "RL"}
    setup = await harness.manage("daily setup")
    opened = last_response(await harness.manager.select(setup, [str(stored.id)]))
    assert f"pr:de:={stored.id}" in component_ids(opened)


async def test_a_second_post_with_the_same_options_is_not_offered_to_start(harness: ClientHarness) -> None:
    first = await harness.manage("daily setup", time="09:00")
    late = await harness.manage("daily setup", time="09:00")
    await harness.manager_press(first, "setup-start")
    repeated = await harness.manager_press(late, "setup-start")
    for message in (await harness.manage("daily setup", time="09:00"), repeated):
        shown = shown_text(message)
        assert harness.texts("subscription-already") in shown
        assert harness.texts("setup-edit") in shown
        assert harness.texts("setup-start") not in shown.splitlines()
    assert len(await _list_subscriptions(harness)) == 1
