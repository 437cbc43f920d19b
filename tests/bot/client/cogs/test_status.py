"""/status and /help, and keeping track of servers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.services.daily.subscriptions import Wishes
from bot.services.posts import contents
from storage import models
from storage.outbox import queries, transitions
from tests.support.client_harness import World, answer, send, texts_of


async def _order(world: World) -> models.Subscription:
    return await world.bot.services.subscriptions.add(
        guild_id=world.guild.id,
        channel_id=world.channel.id,
        wishes=Wishes(locale=world.words.locale),
        created_by=world.manager.id,
    )


async def _planned(world: World, order: models.Subscription) -> tuple[models.Delivery, models.Part]:
    await world.bot.services.now.plan(order.id, 1)
    async with world.core.database.read() as connection:
        (delivery,) = await queries.list_rows(connection)
        (part,) = await queries.list_parts(connection, delivery.id)
    return delivery, part


async def test_status_of_a_quiet_server_says_what_there_is(world: World) -> None:
    shown = texts_of(answer(await world.reader.slash(world.channel, "status")))
    assert "2026-01-01" in shown
    assert world.words("status-no-post") in shown
    assert world.words("status-no-alerts") in shown


async def test_status_names_the_next_post(world: World) -> None:
    order = await _order(world)
    assert order.next_due_at is not None
    shown = texts_of(answer(await world.reader.slash(world.channel, "status")))
    assert f"<t:{int(order.next_due_at.timestamp())}:R>" in shown
    assert f"<#{world.channel.id}> · {world.words('status-no-message')}\n" in shown


async def test_status_links_the_last_post(world: World) -> None:
    _, part = await _planned(world, await _order(world))
    async with world.core.database.transaction() as connection:
        sent = transitions.Sent(part.id, message_id=4242, channel_id=world.channel.id)
        await transitions.mark_sent(connection, [sent], world.env.now())
    shown = texts_of(answer(await world.reader.slash(world.channel, "status")))
    address = f"https://discord.com/channels/{world.guild.id}/{world.channel.id}/4242"
    link = f"[{world.words('status-message')}]({address}) <t:{int(world.env.now().timestamp())}:R>"
    assert f"<#{world.channel.id}> · {world.words('status-last', last=link)}\n" in shown


async def test_what_may_not_have_arrived_is_posted_again_by_one_button(world: World) -> None:
    delivery, part = await _planned(world, await _order(world))
    async with world.core.database.transaction() as connection:
        await transitions.mark_uncertain(connection, part.id, reason=contents.Reason.NO_HISTORY)
    for_reader = answer(await world.reader.slash(world.channel, "status"))
    assert world.words("delivery-uncertain") in texts_of(for_reader)
    assert world.words("reason-no-history") in texts_of(for_reader)
    assert world.words("post-again") not in texts_of(for_reader)
    status = answer(await world.manager.slash(world.channel, "status"))
    again = await world.manager.click(status, label=world.words("post-again"))
    assert texts_of(answer(again)) == world.words("posting-again")
    async with world.core.database.read() as connection:
        now = await queries.get(connection, delivery.id)
    assert now is not None
    assert now.state is models.DeliveryState.PLANNED


async def test_a_paused_post_says_why_and_starts_again_by_a_button(world: World) -> None:
    order = await _order(world)
    await world.bot.services.subscriptions.pause(order.id, contents.Reason.NO_SEND)
    status = answer(await world.manager.slash(world.channel, "status"))
    assert world.words("reason-no-send") in texts_of(status)
    await world.manager.click(status, label=world.words("resume-post"))
    resumed = await world.bot.services.subscriptions.get(order.id)
    assert resumed.state is models.SubscriptionState.ACTIVE


async def test_old_troubles_are_not_told_for_ever(world: World) -> None:
    _, part = await _planned(world, await _order(world))
    async with world.core.database.transaction() as connection:
        await transitions.mark_uncertain(connection, part.id, reason=contents.Reason.NO_HISTORY)
    await world.env.advance_time(timedelta(days=8).total_seconds())
    shown = texts_of(answer(await world.manager.slash(world.channel, "status")))
    assert world.words("delivery-uncertain") not in shown


async def test_status_works_in_direct_messages(world: World) -> None:
    await world.bot.services.alerts.add(user_id=world.reader.id, kind=models.AlertKind.KEYWORD, text="로봇")
    shown = texts_of(answer(await world.user.slash("status")))
    assert world.words("status-alerts", count=1, last=world.words("status-no-message")) in shown


async def test_help_mentions_every_command(world: World) -> None:
    shown = texts_of(answer(await world.reader.slash(world.channel, "help")))
    for command in world.bot.tree.walk_commands():
        if not getattr(command, "commands", None):
            assert world.bot.mentions(command.qualified_name) in shown


async def test_a_notice_leads_to_the_status_and_starts_again(world: World) -> None:
    order = await _order(world)
    await world.bot.services.subscriptions.pause(order.id, contents.Reason.NO_SEND)
    notice = contents.NoticePost(
        marker="notice:s1:1",
        locale=world.words.locale,
        kind=contents.NoticeKind.PAUSED,
        reason=contents.Reason.NO_SEND,
        channel_id=world.channel.id,
        subscription_id=order.id,
    )
    user = await world.bot.fetch_user(world.manager.id)
    dm = await user.create_dm()
    message: Any = await send(world, dm.id, *world.bot.renderer.render_notice(notice))
    status = await world.manager.user.click(message, label=world.words("see-status"))
    assert world.words("status-heading") in texts_of(answer(status))
    await world.manager.user.click(message, label=world.words("resume-post"))
    assert (await world.bot.services.subscriptions.get(order.id)).state is models.SubscriptionState.ACTIVE


async def test_a_server_is_known_when_the_bot_comes_and_its_posts_rest_when_it_goes(world: World) -> None:
    order = await _order(world)
    await world.env.settle()
    assert await world.bot.services.guilds.get(world.guild.id) is not None
    await world.bot.services.guilds.leave([world.guild.id])
    rested = await world.bot.services.subscriptions.get(order.id)
    assert (rested.state, rested.reason) == (models.SubscriptionState.PAUSED, contents.Reason.GUILD_LEFT)
    assert await world.bot.services.guilds.leave_others([]) == []
