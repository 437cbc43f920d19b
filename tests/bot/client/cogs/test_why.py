"""/why in both languages, asked in the channel of a daily post, in a thread of it and elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import discord

from bot.services.daily.subscriptions import SubscriptionOptions
from bot.services.posts import contents
from storage import models
from storage.outbox import attempts, queries
from tests.support.client_harness import World, last_response, shown_text

FIRST = "2501.00001"
LAST = "2501.00005"


async def _order(world: World, **wishes: Any) -> models.Subscription:
    return await world.bot.services.subscriptions.add(
        guild_id=world.guild.id,
        channel_id=world.channel.id,
        options=SubscriptionOptions(locale=world.texts.locale, **wishes),
        created_by=world.manager.id,
    )


async def _posted(world: World, order: models.Subscription) -> models.Part:
    await world.bot.services.on_demand_posts.plan(order.id, 1)
    async with world.container.database.read() as connection:
        (delivery,) = await queries.list_rows(connection)
        (part,) = await queries.list_parts(connection, delivery.id)
    return part


async def _why(world: World, paper: str, channel: Any = None) -> str:
    result = await world.reader.slash(channel or world.channel, "why", paper=paper)
    assert result.ephemeral
    return shown_text(last_response(result))


async def test_a_posted_paper_is_linked(world: World) -> None:
    part = await _posted(world, await _order(world))
    assert world.texts("why-under-way") in await _why(world, FIRST)
    async with world.container.database.transaction() as connection:
        receipts = {part.id: models.Receipt(4242, world.channel.id)}
        await attempts.mark_sent(connection, receipts, world.env.now())
    shown = await _why(world, FIRST)
    at = f"<t:{int(world.env.now().timestamp())}:f>"
    assert world.texts("why-posted", at=at) in shown
    assert f"https://discord.com/channels/{world.guild.id}/{world.channel.id}/4242" in shown


async def test_a_post_that_stands_still_says_why_and_what_to_do(world: World) -> None:
    part = await _posted(world, await _order(world))
    async with world.container.database.transaction() as connection:
        await attempts.mark_paused(connection, part.id, reason=contents.Reason.NO_SEND, unknown_since=None)
    shown = await _why(world, FIRST)
    assert world.texts("delivery-paused") in shown
    assert world.texts("reason-no-send") in shown


async def test_votes_and_ranks_are_named(world: World) -> None:
    order = await _order(world, min_votes=50)
    shown = await _why(world, LAST)
    assert world.texts("why-too-few-votes", date="2026-01-01", votes=9, least=50) in shown
    await world.bot.services.subscriptions.edit(
        order.id, SubscriptionOptions(locale=world.texts.locale, top_n=2)
    )
    shown = await _why(world, LAST)
    assert world.texts("why-below-top", date="2026-01-01", rank=4, total=6, top=2) in shown
    assert world.texts("why-edit", command=world.bot.mentions("daily edit")) in shown


async def test_a_paper_that_is_coming_says_when(world: World) -> None:
    order = await _order(world)
    assert order.next_due_at is not None
    at = f"<t:{int(order.next_due_at.timestamp())}:R>"
    assert world.texts("why-coming", rank=1, total=6, at=at) in await _why(world, FIRST)


async def test_a_paused_post_gives_its_reason(world: World) -> None:
    order = await _order(world)
    await world.bot.services.subscriptions.pause(order.id)
    shown = await _why(world, FIRST)
    assert world.texts("why-stopped") in shown
    assert world.texts("reason-by-hand") in shown


async def test_a_channel_without_a_post_says_so_and_where_there_is_one(world: World) -> None:
    command = world.bot.mentions("daily setup")
    assert world.texts("why-no-order", command=command) in await _why(world, FIRST)
    await _order(world)
    elsewhere = world.guild.create_text_channel("elsewhere")
    shown = await _why(world, FIRST, elsewhere)
    assert world.texts("why-no-order-here", channels=f"<#{world.channel.id}>") in shown


async def test_a_paper_that_no_digest_holds_and_words_that_name_none(world: World) -> None:
    await _order(world)
    assert world.texts("why-not-listed", paper=r"1234\.56789") in await _why(
        world, "arxiv.org/abs/1234.56789v2"
    )
    assert world.texts("no-paper", paper="xyzzyplugh") in await _why(world, "xyzzyplugh")


async def test_the_answer_leads_to_the_paper_and_to_the_status(world: World) -> None:
    await _order(world)
    result = await world.reader.slash(world.channel, "why", paper=FIRST)
    card = await world.reader.click(last_response(result), label=world.texts("read"))
    assert FIRST in shown_text(last_response(card))
    status = await world.reader.click(last_response(result), label=world.texts("see-status"))
    assert world.texts("status-heading") in shown_text(last_response(status))


async def test_several_posts_of_a_channel_are_answered_one_by_one(world: World) -> None:
    for hour in range(7):
        await _order(world, at_time=f"0{hour}:30", min_votes=80 + hour)
    shown = await _why(world, FIRST)
    assert shown.count("▲ 8") >= 4
    assert world.texts("and-more", count=2) in shown


async def test_old_papers_are_from_before_the_order(world: World) -> None:
    await world.env.advance_time(timedelta(days=20).total_seconds())
    await _order(world)
    assert world.texts("why-before-order", date="2026-01-01") in await _why(world, FIRST)


async def test_in_a_thread_the_channel_above_is_meant(english_world: World) -> None:
    world = english_world
    await _order(world)
    channel: Any = world.bot.get_channel(world.channel.id)
    await channel.create_thread(name="talk", type=discord.ChannelType.public_thread)
    (thread,) = world.channel.threads
    assert "number 1 of 6" in await _why(world, FIRST, thread)
