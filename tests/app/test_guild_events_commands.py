"""Guild events: resuming suspended destinations, and storing servers."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from storage import models
from tests.support.client_harness import ClientHarness


async def _add_paused(
    harness: ClientHarness, channel_id: int, reason: models.Reason, **options: Any
) -> models.Subscription:
    subscription = await harness.add_subscription(channel_id, **options)
    return await harness.bot.services.subscriptions.pause(subscription.id, reason)


async def _state(harness: ClientHarness, subscription: models.Subscription) -> models.ActivityState:
    return (await harness.bot.services.subscriptions.get(subscription.id)).state


async def _dispatch(harness: ClientHarness, event: str, *arguments: Any) -> None:
    cog = harness.bot.get_cog("GuildEventsCog")
    assert cog is not None
    for name, listener in cog.get_listeners():
        if name == f"on_{event}":
            await listener(*arguments)


@pytest.mark.parametrize("event", ["guild_available", "guild_join", "guild_role_delete"])
async def test_a_channel_with_permissions_is_resumed_after_an_event(
    harness: ClientHarness, event: str
) -> None:
    subscription = await _add_paused(harness, harness.channel.id, models.Reason.NO_SEND)
    forbidden = await _add_paused(harness, harness.readonly_channel.id, models.Reason.NO_SEND)
    guild = harness.bot.get_guild(harness.guild.id)
    assert guild is not None
    await _dispatch(harness, event, guild.default_role if "role" in event else guild)
    assert await _state(harness, subscription) is models.ActivityState.ACTIVE
    assert await _state(harness, forbidden) is models.ActivityState.PAUSED


@pytest.mark.parametrize("is_moderated", [True, False])
async def test_a_forum_is_resumed_when_it_has_a_tag_that_the_bot_may_set(
    harness: ClientHarness, is_moderated: bool
) -> None:
    forum = harness.guild.create_forum_channel("papers-forum")
    subscription = await _add_paused(harness, forum.id, models.Reason.TAG_NEEDED, style=models.Style.FORUM)
    channel: Any = harness.bot.get_channel(forum.id)
    channel._flags |= discord.ChannelFlags(require_tag=True).value
    tag = discord.ForumTag(name="Papers", moderated=is_moderated)
    channel._available_tags = {1: tag}
    await _dispatch(harness, "guild_channel_update", channel, channel)
    expected = models.ActivityState.PAUSED if is_moderated else models.ActivityState.ACTIVE
    assert await _state(harness, subscription) is expected


async def test_a_server_is_stored_at_start_and_its_posts_are_paused_after_the_bot_left(
    harness: ClientHarness,
) -> None:
    subscription = await harness.add_subscription()
    await harness.env.settle()
    assert await harness.bot.services.guilds.get(harness.guild.id) is not None
    await harness.bot.services.guilds.mark_left([harness.guild.id])
    paused = await harness.bot.services.subscriptions.get(subscription.id)
    assert (paused.state, paused.reason) == (models.ActivityState.PAUSED, models.Reason.GUILD_LEFT)
    assert await harness.bot.services.guilds.reconcile([]) == []
