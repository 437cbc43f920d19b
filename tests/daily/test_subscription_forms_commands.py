"""The forms that edit a daily post, in the wizard and later, and setup in a channel that has one already."""

from __future__ import annotations

from typing import Any

import pytest

from bot.daily.options import SETTINGS
from storage import models
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    shown_text,
)

PAPERS = {"topic": "", "papers": "5", "votes": "0", "language": ["en"], "style": ["compact"]}


async def _list_subscriptions(harness: ClientHarness) -> list[models.Subscription]:
    return await harness.bot.services.subscriptions.list_rows(guild_id=harness.guild.id)


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
    assert changed.id == wizard.id
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
    assert harness.texts("subscription-preview") in shown_text(shown)


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
