"""/status and /help, and keeping track of servers."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bot.app.container import Container
from bot.services.daily.subscriptions import SubscriptionOptions
from bot.services.posts import contents
from bot.settings import Settings
from storage import models
from storage.outbox import attempts, queries
from tests.support.client_harness import World, last_response, send_parts, shown_text


async def _order(world: World) -> models.Subscription:
    return await world.bot.services.subscriptions.add(
        guild_id=world.guild.id,
        channel_id=world.channel.id,
        options=SubscriptionOptions(locale=world.texts.locale),
        created_by=world.manager.id,
    )


async def _planned(world: World, order: models.Subscription) -> tuple[models.Delivery, models.Part]:
    await world.bot.services.on_demand_posts.plan(order.id, 1)
    async with world.container.database.read() as connection:
        (delivery,) = await queries.list_rows(connection)
        (part,) = await queries.list_parts(connection, delivery.id)
    return delivery, part


async def test_status_of_a_quiet_server_says_what_there_is(world: World) -> None:
    shown = shown_text(last_response(await world.reader.slash(world.channel, "status")))
    assert "2026-01-01" in shown
    assert world.texts("status-no-post") in shown
    assert world.texts("status-no-alerts") in shown


async def test_status_names_the_next_post(world: World) -> None:
    order = await _order(world)
    assert order.next_due_at is not None
    shown = shown_text(last_response(await world.reader.slash(world.channel, "status")))
    assert f"<t:{int(order.next_due_at.timestamp())}:R>" in shown
    assert f"<#{world.channel.id}> · {world.texts('status-no-message')}\n" in shown


async def test_status_links_the_last_post(world: World) -> None:
    _, part = await _planned(world, await _order(world))
    async with world.container.database.transaction() as connection:
        receipts = {part.id: models.Receipt(4242, world.channel.id)}
        await attempts.mark_sent(connection, receipts, world.env.now())
    shown = shown_text(last_response(await world.reader.slash(world.channel, "status")))
    address = f"https://discord.com/channels/{world.guild.id}/{world.channel.id}/4242"
    link = f"[{world.texts('status-message')}]({address}) <t:{int(world.env.now().timestamp())}:R>"
    assert f"<#{world.channel.id}> · {world.texts('status-last', last=link)}\n" in shown


async def test_what_may_not_have_arrived_is_posted_again_by_one_button(world: World) -> None:
    delivery, part = await _planned(world, await _order(world))
    async with world.container.database.transaction() as connection:
        await attempts.mark_uncertain(connection, part.id, reason=contents.Reason.NO_HISTORY)
    for_reader = last_response(await world.reader.slash(world.channel, "status"))
    assert world.texts("delivery-uncertain") in shown_text(for_reader)
    assert world.texts("reason-no-history") in shown_text(for_reader)
    assert world.texts("post-again") not in shown_text(for_reader)
    status = last_response(await world.manager.slash(world.channel, "status"))
    again = await world.manager.click(status, label=world.texts("post-again"))
    assert shown_text(last_response(again)) == world.texts("posting-again")
    async with world.container.database.read() as connection:
        now = await queries.get(connection, delivery.id)
    assert now is not None
    assert now.state is models.DeliveryState.PLANNED


async def test_a_paused_post_says_why_and_starts_again_by_a_button(world: World) -> None:
    order = await _order(world)
    await world.bot.services.subscriptions.pause(order.id, contents.Reason.NO_SEND)
    status = last_response(await world.manager.slash(world.channel, "status"))
    assert world.texts("reason-no-send") in shown_text(status)
    await world.manager.click(status, label=world.texts("resume-post"))
    resumed = await world.bot.services.subscriptions.get(order.id)
    assert resumed.state is models.ActivityState.ACTIVE


async def test_a_failing_template_is_named_to_managers(world: World, tmp_path: Path) -> None:
    locale = world.texts.locale
    (tmp_path / f"empty.{locale.value}.j2").write_text("{% block headline %}\n{{ dayy }}{% endblock %}")
    core = Container(Settings(locale=locale.value, templates=tmp_path), world.container.database)
    core.texts = world.container.texts
    await world.env.restart_bot(core.create_bot(shard_count=1, locale=locale))
    sentence = world.texts("status-templates", files=f"empty.{locale.value}.j2:2")
    assert sentence not in shown_text(last_response(await world.manager.slash(world.channel, "status")))
    core.renderer.render_daily(contents.DailyPost("m", locale, models.Style.COMPACT, date(2026, 1, 1), 0, ()))
    assert sentence in shown_text(last_response(await world.manager.slash(world.channel, "status")))
    assert sentence not in shown_text(last_response(await world.reader.slash(world.channel, "status")))


async def test_old_troubles_are_not_told_for_ever(world: World) -> None:
    _, part = await _planned(world, await _order(world))
    async with world.container.database.transaction() as connection:
        await attempts.mark_uncertain(connection, part.id, reason=contents.Reason.NO_HISTORY)
    await world.env.advance_time(timedelta(days=8).total_seconds())
    shown = shown_text(last_response(await world.manager.slash(world.channel, "status")))
    assert world.texts("delivery-uncertain") not in shown


async def test_status_works_in_direct_messages(world: World) -> None:
    await world.bot.services.alerts.add(user_id=world.reader.id, kind=models.AlertKind.KEYWORD, text="로봇")
    shown = shown_text(last_response(await world.user.slash("status")))
    assert world.texts("status-alerts", count=1, last=world.texts("status-no-message")) in shown


async def test_help_mentions_every_command(world: World) -> None:
    shown = shown_text(last_response(await world.reader.slash(world.channel, "help")))
    for command in world.bot.tree.walk_commands():
        if not getattr(command, "commands", None):
            assert world.bot.mentions(command.qualified_name) in shown


async def test_a_notice_leads_to_the_status_and_starts_again(world: World) -> None:
    order = await _order(world)
    await world.bot.services.subscriptions.pause(order.id, contents.Reason.NO_SEND)
    notice = contents.NoticePost(
        marker="notice:s1:1",
        locale=world.texts.locale,
        kind=contents.NoticeKind.PAUSED,
        reason=contents.Reason.NO_SEND,
        channel_id=world.channel.id,
        subscription_id=order.id,
    )
    user = await world.bot.fetch_user(world.manager.id)
    dm = await user.create_dm()
    message: Any = await send_parts(world, dm.id, *world.bot.renderer.render_notice(notice))
    status = await world.manager.user.click(message, label=world.texts("see-status"))
    assert world.texts("status-heading") in shown_text(last_response(status))
    await world.manager.user.click(message, label=world.texts("resume-post"))
    assert (await world.bot.services.subscriptions.get(order.id)).state is models.ActivityState.ACTIVE
