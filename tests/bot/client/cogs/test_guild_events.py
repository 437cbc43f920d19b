"""Posting goes on when what barred a channel is gone, whichever event tells of it."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from bot.services.daily.subscriptions import SubscriptionOptions
from bot.services.posts import contents
from storage import models
from tests.support.client_harness import World


async def _barred(
    world: World, channel_id: int, reason: contents.Reason, **wishes: Any
) -> models.Subscription:
    order = await world.bot.services.subscriptions.add(
        guild_id=world.guild.id,
        channel_id=channel_id,
        options=SubscriptionOptions(**wishes),
        created_by=world.manager.id,
    )
    return await world.bot.services.subscriptions.pause(order.id, reason)


async def _state(world: World, order: models.Subscription) -> models.ActivityState:
    return (await world.bot.services.subscriptions.get(order.id)).state


async def _tell(world: World, event: str, *about: Any) -> None:
    """Let the listener hear of an event and wait for what it does."""
    cog = world.bot.get_cog("GuildEventsCog")
    assert cog is not None
    for name, listener in cog.get_listeners():
        if name == f"on_{event}":
            await listener(*about)


@pytest.mark.parametrize("event", ["guild_available", "guild_join", "guild_role_delete"])
async def test_an_open_channel_is_posted_to_again_after(english_world: World, event: str) -> None:
    world = english_world
    order = await _barred(world, world.channel.id, contents.Reason.NO_SEND)
    closed = await _barred(world, world.readonly_channel.id, contents.Reason.NO_SEND)
    guild = world.bot.get_guild(world.guild.id)
    assert guild is not None
    await _tell(world, event, guild.default_role if "role" in event else guild)
    assert await _state(world, order) is models.ActivityState.ACTIVE
    assert await _state(world, closed) is models.ActivityState.PAUSED


@pytest.mark.parametrize("is_moderated", [True, False])
async def test_a_forum_is_posted_to_again_when_it_has_a_tag_that_the_bot_may_set(
    english_world: World, is_moderated: bool
) -> None:
    world = english_world
    forum = world.guild.create_forum_channel("papers-forum")
    order = await _barred(world, forum.id, contents.Reason.TAG_NEEDED, style=models.Style.FORUM)
    channel: Any = world.bot.get_channel(forum.id)
    channel._flags |= discord.ChannelFlags(require_tag=True).value
    tag = discord.ForumTag(name="Papers", moderated=is_moderated)
    channel._available_tags = {1: tag}
    await _tell(world, "guild_channel_update", channel, channel)
    expected = models.ActivityState.PAUSED if is_moderated else models.ActivityState.ACTIVE
    assert await _state(world, order) is expected


async def test_a_server_is_known_when_the_bot_comes_and_its_posts_rest_when_it_goes(world: World) -> None:
    order = await world.bot.services.subscriptions.add(
        guild_id=world.guild.id,
        channel_id=world.channel.id,
        options=SubscriptionOptions(locale=world.texts.locale),
        created_by=world.manager.id,
    )
    await world.env.settle()
    assert await world.bot.services.guilds.get(world.guild.id) is not None
    await world.bot.services.guilds.mark_left([world.guild.id])
    rested = await world.bot.services.subscriptions.get(order.id)
    assert (rested.state, rested.reason) == (models.ActivityState.PAUSED, contents.Reason.GUILD_LEFT)
    assert await world.bot.services.guilds.reconcile([]) == []
