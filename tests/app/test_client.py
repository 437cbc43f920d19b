"""The client: intents, command contexts, language, stateless components, guild events, and role mentions."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any
from unittest import mock

import discord
import pytest
from structlog.testing import capture_logs

from bot.app.client import DiscordRenderer
from bot.i18n import texts as i18n_texts
from storage import accounts, models
from tests.support import payload_checks, rendered_posts
from tests.support.client_harness import ClientHarness, last_response, shown_text


async def test_bot_needs_no_privileged_intents_and_caches_no_members(harness: ClientHarness) -> None:
    bot = harness.bot
    assert bot.intents == discord.Intents(guilds=True, guild_messages=True)
    assert bot._connection.member_cache_flags == discord.MemberCacheFlags.none()
    assert bot._connection.max_messages is None
    mentions: Any = bot.allowed_mentions
    assert mentions.to_dict() == {"parse": []}


async def test_commands_are_offered_only_where_they_work(harness: ClientHarness) -> None:
    tree = harness.bot.tree
    payloads = {command.name: command.to_dict(tree) for command in tree.get_commands()}
    for name in ("digest", "top", "topic", "author", "paper", "saved", "alerts", "status", "Look up papers"):
        assert sorted(payloads[name]["integration_types"]) == [0, 1], name
        assert sorted(payloads[name]["contexts"]) == [0, 1, 2], name
    daily = payloads["daily"]
    assert daily["integration_types"] == daily["contexts"] == [0]
    assert int(daily["default_member_permissions"]) == discord.Permissions(manage_guild=True).value


@pytest.mark.parametrize(("client", "stored"), [("ko", models.Locale.EN), ("fr", models.Locale.KO)])
async def test_replies_use_the_client_language_or_the_stored_one(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch, client: str, stored: models.Locale
) -> None:
    await harness.env.restart_bot(harness.container.create_bot(shard_count=1))
    await harness.bot.services.database.write(accounts.upsert_reader, harness.reader.id, locale=stored)
    emit = harness.env.backend.emit

    def localized(event: str, payload: dict[str, Any], *args: Any, **options: Any) -> Any:
        return emit(
            event,
            {**payload, "locale": client} if event == "INTERACTION_CREATE" else payload,
            *args,
            **options,
        )

    monkeypatch.setattr(harness.env.backend, "emit", localized)
    shown = shown_text(last_response(await harness.reader.slash(harness.channel, "help")))
    assert i18n_texts.for_locale(models.Locale.KO)("help-intro") in shown


async def test_message_components_are_stateless_and_never_expire(harness: ClientHarness) -> None:
    listed = last_response(await harness.reader.slash(harness.channel, "top"))
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper="2501.00001"))
    guide = last_response(await harness.reader.slash(harness.channel, "help"))
    modal = await harness.reader.click(guide, label="Search for a topic")
    await harness.reader.submit_modal(modal, {"query": "robots"})
    store = harness.bot._connection._view_store
    assert not store._views
    assert not store._modals
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("discord-ui-view-timeout")]
    await harness.env.advance_time(3600)
    assert "**6 · " in shown_text(last_response(await harness.reader.click(listed, label="Next (2 of 2) ▶")))
    assert "Saved" in shown_text(last_response(await harness.reader.click(card, label="Save")))


async def _dispatch(harness: ClientHarness, event: str, *arguments: Any) -> None:
    cog = harness.bot.get_cog("GuildEventsCog")
    assert cog is not None
    for name, listener in cog.get_listeners():
        if name == f"on_{event}":
            await listener(*arguments)


async def test_retries_refused_posts_when_a_channel_thread_or_role_changes(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = mock.AsyncMock()
    monkeypatch.setattr(harness.bot.services.guilds, "try_refused", tried)
    guild = harness.bot.get_guild(harness.guild.id)
    assert guild is not None
    channel, role = guild.get_channel(harness.channel.id), guild.default_role
    former = SimpleNamespace(permissions=discord.Permissions.none())
    await _dispatch(harness, "guild_channel_update", channel, channel)
    await _dispatch(harness, "raw_thread_update", SimpleNamespace(thread_id=7))
    await _dispatch(harness, "guild_role_update", role, role)
    await _dispatch(harness, "guild_role_update", former, role)
    channels = [mock.call(channel_id=[id_]) for id_ in (harness.channel.id, 7)]
    assert tried.await_args_list == [*channels, mock.call(guild_id=[guild.id])]


async def test_leaving_a_server_pauses_its_posts(harness: ClientHarness) -> None:
    subscription = await harness.add_subscription()
    await harness.env.settle()
    guild = harness.bot.get_guild(harness.guild.id)
    assert guild is not None
    await _dispatch(harness, "guild_remove", guild)
    assert await harness.bot.services.guilds.list_ids() == {guild.id}, "it invited the bot again meanwhile"
    harness.bot._connection._remove_guild(guild)
    with capture_logs() as lines:
        await _dispatch(harness, "guild_remove", guild)
    assert {"event": "removed from a server", "guild": guild.id, "log_level": "info"} in lines
    paused = await harness.subscriptions.get(subscription.id)
    assert (paused.state, paused.reason) == (models.ActivityState.PAUSED, models.Reason.GUILD_LEFT)
    assert await harness.bot.services.guilds.list_ids() == set()


@pytest.fixture(scope="module")
def renderer() -> DiscordRenderer:
    return rendered_posts.new_renderer()


@pytest.mark.parametrize("style", list(models.Style))
def test_a_silent_post_sends_no_notification(renderer: DiscordRenderer, style: models.Style) -> None:
    post = rendered_posts.daily((rendered_posts.paper(1),), style=style, silent=True)
    for message in rendered_posts.messages(renderer.render(post)):
        assert message["flags"] & discord.MessageFlags(suppress_notifications=True).value


@pytest.mark.parametrize("style", list(models.Style))
def test_only_the_first_message_of_a_post_mentions_the_role(
    renderer: DiscordRenderer, style: models.Style
) -> None:
    papers = tuple(rendered_posts.paper(number) for number in range(12))
    post = rendered_posts.daily(papers, style=style, topic="@everyone <@&5>", mention_role_id=77)
    parts = [part for part in renderer.render(post) if part.kind not in rendered_posts.WITHOUT_MESSAGE]
    for message in rendered_posts.messages((parts[0],)):
        payload_checks.check_message(message, role_id="77")
        assert json.dumps(message).count("<@&77>") == 1
    for message in rendered_posts.messages(tuple(parts[1:])):
        payload_checks.check_message(message)
        assert "<@&77>" not in json.dumps(message)
