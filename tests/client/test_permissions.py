"""Permissions are checked whenever a command runs or a button is pressed, whatever the custom id."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import discord
import pytest
from discord import ui

from bot.client import permissions, verbs
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import layout_payload
from bot.client.text_tokens import TextPurpose, make_token
from bot.features.alerts import commands as alerts_commands
from bot.features.daily.commands import DRAFT
from bot.features.daily.service import Subscriptions
from bot.features.shelf import commands as shelf_commands
from bot.outbox.contents import RenderedPart
from storage import models, outbox, shelf, tables
from storage.alerts import OwnerRight
from tests.support import alert_builders, outbox_builders
from tests.support.client_harness import ClientHarness, last_response, send_parts, shown_text


async def test_offers_sharing_only_to_users_who_may_write_in_the_channel(harness: ClientHarness) -> None:
    for result in (
        await harness.reader.slash(harness.readonly_channel, "topic", query="로봇"),
        await harness.user.slash("topic", query="로봇"),
    ):
        shown = shown_text(last_response(result))
        assert "Maps for Robots" in shown
        assert harness.texts("share") not in shown
    for in_channel in (True, False):
        rights = discord.PermissionOverwrite(
            send_messages=in_channel, send_messages_in_threads=not in_channel
        )
        overwrites = {harness.guild.default_role: rights}
        parent = harness.guild.create_text_channel(f"parent-{in_channel}".lower(), overwrites=overwrites)
        channel: Any = harness.bot.get_channel(parent.id)
        await channel.create_thread(name="talk", type=discord.ChannelType.public_thread)
        for place, may_write in ((parent, in_channel), (*parent.threads, not in_channel)):
            shown = shown_text(await harness.ask("topic", where=place, query="로봇"))
            assert (harness.texts("share") in shown) is may_write, (in_channel, place.name)
    dm = await (await harness.bot.fetch_user(harness.reader.id)).create_dm()
    shown = await _press(harness, harness.reader.user, pack_custom_id(verbs.SHARE_LIST, ""), dm.id)
    assert shown == harness.texts("may-not-share")


@pytest.mark.promise
async def test_daily_command_requires_a_server_manager(harness: ClientHarness) -> None:
    subscription = await harness.add_subscription()
    listed = await harness.ask("daily edit", by=harness.manager)
    with pytest.raises(Exception, match="daily"):
        await harness.reader.slash(harness.channel, "daily edit")
    assert str(subscription.channel_id) in shown_text(listed)


async def _press(harness: ClientHarness, actor: Any, custom_id: str, channel_id: int | None = None) -> str:
    """Press a button with this custom id in one of the bot's messages, and return the reply's text."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.ActionRow(ui.Button[Any](label="forged", custom_id=custom_id)))
    part = RenderedPart(models.PartKind.MESSAGE, layout_payload(view))
    message = await send_parts(harness, channel_id or harness.channel.id, part)
    return shown_text(last_response(await actor.click(message, label="forged")))


def _other_channel(harness: ClientHarness) -> Any:
    """Return a channel in another server that the bot is in."""
    owner = harness.env.create_user("stranger")
    return harness.env.create_guild("Another Club", owner=owner).create_text_channel("theirs")


async def _alert_id(harness: ClientHarness, channel_id: int) -> str:
    draft = alert_builders.draft("robot", channel_id=channel_id)
    token = await alerts_commands.store_draft(harness.bot.services.text_tokens, 7, draft)
    return pack_custom_id(verbs.SAVE_ALERT, token)


@pytest.mark.promise
async def test_channel_alert_needs_a_channel_of_this_server_and_permission(harness: ClientHarness) -> None:
    shown = await _press(harness, harness.manager, await _alert_id(harness, _other_channel(harness).id))
    assert shown == harness.texts("channel-not-here")
    forum = harness.guild.create_forum_channel("papers-forum")
    shown = await _press(harness, harness.manager, await _alert_id(harness, forum.id))
    assert shown == harness.texts("alert-no-such-channel")
    shown = await _press(harness, harness.manager, await _alert_id(harness, harness.readonly_channel.id))
    assert shown == harness.texts(
        "bot-lacks-permissions",
        channel=f"<#{harness.readonly_channel.id}>",
        permissions=harness.texts("permission-send-messages"),
    )
    mention = f"<#{harness.channel.id}>"
    shown = await _press(harness, harness.reader, await _alert_id(harness, harness.channel.id))
    assert shown == harness.texts("needs-manage-messages", channel=mention)
    preview = await harness.ask("alerts add", keyword="robot", channel=harness.channel, by=harness.manager)
    harness.take_roles(harness.manager)
    pressed = await harness.click(preview, label=harness.texts("alert-create"), by=harness.manager)
    assert shown_text(pressed) == harness.texts("needs-manage-messages", channel=mention)
    assert await harness.alerts.list_rows() == []


async def test_user_cannot_remove_another_users_alert(harness: ClientHarness) -> None:
    alert = await harness.add_alert("robot")
    shown = await _press(harness, harness.manager, pack_custom_id(verbs.REMOVE_ALERT, alert.id))
    assert shown == harness.texts("no-alert", command=harness.bot.mentions("alerts list"))
    assert await harness.alerts.list_rows() == [alert]


async def test_a_channels_alert_is_resumed_from_anywhere_by_the_present_rights_in_its_own_server(
    harness: ClientHarness,
) -> None:
    place = {"channel_id": harness.channel.id, "guild_id": harness.guild.id}
    other, manager = _other_channel(harness), harness.manager
    member = other.guild.add_member(manager.user)
    alert = await harness.add_alert("robot", user_id=manager.id, **place)
    resume = pack_custom_id(verbs.RESUME_ALERT, alert.id)
    await harness.alerts.pause(alert.id)
    await _press(harness, member, resume, other.id)
    assert not (await harness.alerts.list_rows())[0].paused
    await harness.alerts.pause(alert.id)
    harness.take_roles(manager)
    direct = await (await harness.bot.fetch_user(manager.id)).create_dm()
    for actor, channel_id in ((manager, harness.channel.id), (manager.user, direct.id), (member, other.id)):
        shown = await _press(harness, actor, resume, channel_id)
        assert shown == harness.texts("needs-manage-messages", channel=f"<#{harness.channel.id}>")
    assert (await harness.alerts.list_rows())[0].paused


async def _wizard_button(harness: ClientHarness, channel_id: int) -> str:
    """Return the custom id of a button that starts a daily post with default settings."""
    draft = models.Subscription(guild_id=harness.guild.id, channel_id=channel_id)
    return pack_custom_id(verbs.START_POST, await _save_text(harness, draft))


async def _save_text(harness: ClientHarness, draft: models.Subscription) -> str:
    text = DRAFT.dump_json(draft, exclude_defaults=True).decode()
    return await harness.bot.services.text_tokens.save(7, TextPurpose.SUBSCRIPTION, text)


async def test_stored_search_text_is_not_accepted_as_a_draft(harness: ClientHarness) -> None:
    theirs = _other_channel(harness)
    role = theirs.guild.create_role("staff")
    services = harness.bot.services
    stored = await services.get(Subscriptions).add(
        models.Subscription(guild_id=theirs.guild.id, channel_id=theirs.id, created_by=1)
    )
    wanted = replace(stored, topic="robot", mention_role_id=role.id)
    here = replace(wanted, guild_id=harness.guild.id, channel_id=harness.channel.id, mention_role_id=None)

    async def press(token: str) -> str:
        return await _press(harness, harness.manager, pack_custom_id(verbs.START_POST, token))

    for draft in (wanted, here):
        query = DRAFT.dump_json(draft, exclude_defaults=True).decode()
        await harness.ask("topic", by=harness.manager, query=query)
        token = make_token(query)
        assert await services.text_tokens.get(TextPurpose.LIST, token) == query
        assert await press(token) == harness.texts("outdated-control")
    # Even the bot's own draft is valid only in its server, and contains only settings.
    assert await press(await _save_text(harness, wanted)) == harness.texts("outdated-control")
    assert await services.get(Subscriptions).list_rows() == [stored]
    await press(await _save_text(harness, here))
    rows = await services.get(Subscriptions).list_rows()
    assert [row.channel_id for row in rows] == [theirs.id, harness.channel.id]
    assert rows[0] == stored


@pytest.mark.promise
async def test_daily_post_needs_a_channel_of_this_server_and_permission(harness: ClientHarness) -> None:
    other = _other_channel(harness)
    forged = await _wizard_button(harness, other.id)
    assert await _press(harness, harness.manager, forged) == harness.texts("channel-not-here")
    quiet = await _wizard_button(harness, harness.readonly_channel.id)
    assert harness.texts("permission-send-messages") in await _press(harness, harness.manager, quiet)
    forum = harness.guild.create_forum_channel("papers-forum")
    style = await _wizard_button(harness, forum.id)
    shown = await _press(harness, harness.manager, style)
    assert shown == harness.texts("style-does-not-fit", style="compact")
    wizard = await harness.ask("daily setup", by=harness.manager, channel=harness.channel)
    harness.take_roles(harness.manager)
    pressed = await harness.click(wizard, label=harness.texts("setup-start"), by=harness.manager)
    assert shown_text(pressed) == harness.texts("needs-manage-server")
    assert await harness.subscriptions.list_rows() == []


async def _press_notice(harness: ClientHarness, subscription: models.Subscription) -> str:
    """Press "Resume" in the direct message to the manager who created a daily post."""
    dm = await (await harness.bot.fetch_user(harness.manager.id)).create_dm()
    return await _press(
        harness, harness.manager.user, pack_custom_id(verbs.RESUME_POST, subscription.id), dm.id
    )


async def test_resuming_from_a_notice_checks_current_permissions(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions = harness.subscriptions
    subscription = await harness.add_subscription()
    await subscriptions.pause(subscription.id)

    async def answer_with_a_page(*_: object) -> Any:
        response: Any = type("Response", (), {"status": 403, "reason": "Forbidden"})()
        raise discord.Forbidden(response, "<html>error code: 1020</html>")

    with monkeypatch.context() as patch:
        # A response without Discord's error code says nothing about the manager's permissions.
        patch.setattr(harness.bot.http, "get_member", answer_with_a_page)
        assert await _press_notice(harness, subscription) == harness.texts("rights-unknown")
    assert harness.texts("subscription-resumed") in await _press_notice(harness, subscription)
    await subscriptions.pause(subscription.id)
    harness.take_roles(harness.manager)
    assert await _press_notice(harness, subscription) == harness.texts("needs-manage-server")
    harness.guild.remove_member(harness.manager)
    assert await _press_notice(harness, subscription) == harness.texts("needs-manage-server")
    assert (await subscriptions.get(subscription.id)).state is models.ActivityState.PAUSED


async def test_repeating_a_post_needs_the_same_server_and_bot_permissions(harness: ClientHarness) -> None:
    subscription = await harness.add_subscription(harness.readonly_channel.id)
    delivery, part = await harness.plan_post(subscription)
    async with harness.container.database.transaction() as connection:
        await outbox.mark_sending(connection, [part.id], harness.env.now(), term=0)
        await outbox_builders.stop_uncertain(connection, part, harness.env.now())
    shown = await _press(harness, harness.manager, pack_custom_id("pa", delivery.id))
    assert harness.texts("permission-send-messages") in shown
    theirs = outbox_builders.new_delivery(
        "theirs", (other := _other_channel(harness)).id, guild_id=other.guild.id
    )
    [foreign_id] = await outbox_builders.add(harness.container.database, theirs)
    async with harness.container.database.transaction() as connection:
        values = {"state": models.DeliveryState.STOPPED, "reason": models.Reason.UNCERTAIN}
        foreign = tables.deliveries.update().where(tables.deliveries.c.id == foreign_id)
        await connection.execute(foreign.values(values))
    for delivery_id in (foreign_id, foreign_id + 1):
        shown = await _press(harness, harness.manager, pack_custom_id("pa", delivery_id))
        assert shown == harness.texts("nothing-to-post-again")


async def test_an_owners_right_is_what_discord_says(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger, place = harness.env.create_user("stranger"), (harness.guild.id, harness.channel.id)
    owners = {
        harness.manager: OwnerRight.GRANTED,
        harness.reader: OwnerRight.MISSING,
        stranger: OwnerRight.LEFT,
    }
    for owner, right in owners.items():
        assert await permissions.find_right(harness.bot, owner.id, *place) is right
    assert await permissions.find_right(harness.bot, harness.manager.id, place[0], 1) is OwnerRight.UNKNOWN
    for error, status in ((discord.NotFound, 404), (discord.DiscordServerError, 503)):
        response: Any = type("Response", (), {"status": status, "reason": "a proxy's page"})()
        failing = mock.AsyncMock(side_effect=error(response, "<html>no route</html>"))
        monkeypatch.setattr(harness.bot.http, "get_member", failing)
        assert await permissions.find_right(harness.bot, stranger.id, *place) is OwnerRight.UNKNOWN


async def test_a_reader_causes_at_most_25_questions_about_memberships_a_minute() -> None:
    """As by the option `list` in direct messages: with each keystroke others of a thousand servers would be asked about."""
    asked, now = list[int](), [datetime(2026, 11, 30, tzinfo=UTC)]

    async def get_member(guild_id: int, _: int) -> None:
        asked.append(guild_id)
        await asyncio.sleep(0)
        raise discord.NotFound(mock.Mock(status=404), {"code": 10007, "message": "Unknown Member"})

    async def fetch(what: object, *arguments: Any) -> Any:
        if what is shelf.list_servers:
            return [
                SimpleNamespace(guild_id=number, name=f"Server {number}", is_other=False)
                for number in range(1, 1001)
            ]
        return SimpleNamespace(left_at=None) if arguments[0] <= 1000 else None

    client = SimpleNamespace(
        services=SimpleNamespace(database=SimpleNamespace(fetch=fetch), clock=lambda: now[0]),
        http=SimpleNamespace(get_member=get_member),
        memberships={},
        get_guild=lambda _: None,
    )

    def interaction(user_id: int) -> Any:
        return SimpleNamespace(client=client, user=SimpleNamespace(id=user_id), guild_id=None)

    for typed in ("", "s", "se", "ser", "serv") * 8:
        assert await shelf_commands._find_shared_servers(interaction(7), typed) == {}
    assert len(asked) == permissions.MAX_ASKED
    await asyncio.gather(*(permissions.is_member(interaction(7), number) for number in range(5000, 5050)))
    assert len(asked) == permissions.MAX_ASKED, "of servers that the bot is not in nobody is asked"
    await shelf_commands._find_shared_servers(interaction(8), "")
    assert len(asked) == 2 * permissions.MAX_ASKED, "another reader's are counted alone"
    now[0] += timedelta(seconds=61)
    await shelf_commands._find_shared_servers(interaction(7), "")
    assert len(asked) == 3 * permissions.MAX_ASKED
