"""Refused posts: retries at growing intervals, a single notice, a pause after three expired posts, and immediate retries."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.outbox import contents, outcomes
from storage import accounts, models
from tests.support import reader_rows
from tests.support.world import AWAY, BLOCKED, CHANNEL, GUILD, MINUTE, READER, Discord, World

OWNER = 70


async def add_post(world: World, **fields: Any) -> models.Subscription:
    """Add a daily post of OWNER and list paper A on Monday."""
    await world.list("Mon", "A▲9")
    return await world.daily(created_by=OWNER, **fields)


async def state_of(world: World, row: models.Subscription) -> tuple[str, str | None]:
    stored = await world.subscriptions.get(row.id)
    return stored.state.value, stored.reason


async def posts(world: World) -> list[tuple[str, str | None]]:
    """Return each daily post's state and reason, oldest first."""
    planned = await world.planned(kind=models.DeliveryKind.DAILY)
    return [(delivery.state.value, delivery.reason) for delivery in planned]


async def test_a_refused_post_is_retried_three_times_a_day_with_one_notice(world: World) -> None:
    row = await add_post(world)
    world.discord.closed.add(CHANNEL)
    await world.at("Mon 09:00")
    tried_at = [0]
    for minute in range(10, 24 * 60, 10):
        before = world.discord.tried.count(CHANNEL)
        world.now += 10 * MINUTE
        await world.relay.drain(world.now)
        tried_at += [minute] * (world.discord.tried.count(CHANNEL) - before)
    assert tried_at == [0, 10, 70, 430]
    assert world.sent == [f"@{OWNER} notice refused no-send"]
    await world.at("Tue 09:00")
    assert await posts(world) == [("stopped", "no-send"), ("waiting", "no-send")], (
        "the paper counts as new again"
    )
    assert await state_of(world, row) == ("active", None)


@pytest.mark.engines("sqlite", "postgresql")
async def test_three_posts_expired_for_the_same_reason_pause_the_subscription(world: World) -> None:
    refused, other = await add_post(world), await add_post(world, channel=21)
    world.discord.closed.add(CHANNEL)
    for day in ("Mon", "Tue", "Wed"):
        assert await state_of(world, refused) == ("active", None)
        await world.at(f"{day} 09:00")
    await world.at("Thu 09:00")
    await world.wait(minutes=1)
    assert await state_of(world, refused) == ("paused", "no-send")
    assert await state_of(world, other) == ("active", None)
    notices = [f"@{OWNER} notice refused no-send", f"@{OWNER} notice paused no-send"]
    assert sorted(world.sent) == ["#21 A", *sorted(notices)]
    world.discord.closed.clear()
    await world.subscriptions.resume(refused.id)
    await world.list("Thu", "D▲9")
    await world.at("Fri 09:00")
    assert world.sent[-2:] == ["D A", "#21 D"], "with the refused paper"


async def test_days_without_discord_pause_nothing(world: World) -> None:
    row = await add_post(world)
    world.discord.answer = AWAY
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri"):
        await world.list(day, f"{day[0]}▲9")
        await world.at(f"{day} 09:00")
    assert await posts(world) == [("stopped", "too-old")] * 4 + [("waiting", None)]
    assert await state_of(world, row) == ("active", None)
    assert len(await world.planned()) == 5, "nobody is told"


@pytest.mark.parametrize("is_away", [False, True], ids=["sent", "expired while Discord was away"])
async def test_only_posts_in_a_row_that_are_refused_count(world: World, is_away: bool) -> None:
    row = await add_post(world)
    for day, paper, is_closed in (
        ("Mon", "A", True),
        ("Tue", "B", True),
        ("Wed", "C", False),
        ("Thu", "D", True),
    ):
        world.discord.closed = {CHANNEL} if is_closed else set()
        world.discord.answer = AWAY if is_away and not is_closed else None
        await world.list(day, f"{paper}▲9")
        await world.at(f"{day} 09:00")
    await world.at("Fri 09:00")
    assert await state_of(world, row) == ("active", None)
    assert world.sent.count(f"@{OWNER} notice refused no-send") == (1 if is_away else 2)


@pytest.mark.parametrize("how", ["button", "settings", "channel", "server"])
async def test_fixing_a_channel_retries_its_refused_post_at_once(world: World, how: str) -> None:
    row = await add_post(world)
    world.discord.closed.add(CHANNEL)
    await world.at("Mon 09:00")
    world.discord.closed.clear()
    await world.tick()
    assert await posts(world) == [("waiting", "no-send")]
    if how == "button":
        await world.subscriptions.resume(row.id)
    elif how == "settings":
        await world.edit(row, top_n=7)
    elif how == "channel":
        await world.guilds.try_refused(channel_id=[CHANNEL])
    else:
        await world.guilds.update({GUILD: {}})
    await world.tick()
    assert (world.sent[-1], await posts(world)) == ("A", [("sent", None)])


async def test_posts_wait_while_the_bot_is_not_in_the_server(world: World) -> None:
    row = await add_post(world)
    await world.guilds.update({GUILD: {}})
    world.discord.answer = AWAY
    await world.at("Mon 09:00")
    await world.guilds.mark_left([GUILD])
    world.discord.answer = None
    await world.wait(minutes=10)
    assert (world.sent, await posts(world)) == ([], [("waiting", None)])
    await world.guilds.update({GUILD: {}})
    await world.tick()
    assert (world.sent, await state_of(world, row)) == (["A"], ("active", None))


async def test_a_notice_goes_to_the_system_channel_if_direct_messages_are_closed(world: World) -> None:
    await world.guilds.update({GUILD: {"system_channel_id": 30}})
    await add_post(world)
    await world.daily(channel=21)
    world.discord.closed = {CHANNEL, 21, -OWNER}
    await world.at("Mon 09:00")
    await world.tick()
    assert world.sent == ["#30 notice refused no-send"] * 2


async def test_a_channel_is_not_told_in_itself_that_it_refuses(world: World) -> None:
    await world.guilds.update({GUILD: {"system_channel_id": CHANNEL}})
    await world.list("Mon", "A▲9")
    await world.daily()
    world.discord.closed.add(CHANNEL)
    await world.at("Mon 09:00", "Mon 09:10")
    assert [row.kind for row in await world.planned()] == [models.DeliveryKind.DAILY]


async def test_of_a_post_whose_refusal_nobody_can_be_told_the_operator_is(world: World) -> None:
    """As of one by file in a server without a system channel: an error when it is refused, and when it is paused."""
    await world.list("Mon", "A▲9")
    await world.daily(created_by=None)
    world.discord.closed.add(CHANNEL)
    with capture_logs() as entries:
        for day in ("Mon", "Tue", "Wed", "Thu"):
            await world.at(f"{day} 09:00")
        await world.wait(minutes=1)
    told = [entry for entry in entries if entry["log_level"] == "error"]
    why = "Paperround can't send messages there. What to do is in the output of paperround posts."
    place = f"Channel {CHANNEL} of server {GUILD}"
    assert [entry["reason"] for entry in told] == [f"{place}, refused: {why}", f"{place}, paused: {why}"]
    assert world.sent == []
    by_webhook = contents.NoticeRecipient(
        name="s1", guild_id=models.NO_GUILD, channel_id=812345678901234567, user_id=None
    )
    kinds = contents.NoticeKind
    with capture_logs() as entries:
        for kind, reason in ((kinds.REFUSED, "webhook-gone"), (kinds.PAPERS_STOPPED, None)):
            await world.database.write(
                outcomes.notify_owners,
                world.deliveries,
                [by_webhook],
                kind,
                world.now,
                default_locale=models.Locale.EN,
                reason=reason,
            )
    webhook, pointer = "Webhook 812345678901234567", "What to do is in the output of paperround posts."
    gone = "Discord doesn't accept this webhook: it may have been deleted, or its address may be wrong"
    assert [entry["reason"] for entry in entries] == [
        f"{webhook}, refused: {gone}. {pointer}",
        f"{webhook}, papers stopped. {pointer}",
    ]


async def test_a_notice_whose_content_is_refused_makes_no_other(world: World) -> None:
    world.discord.answer = BLOCKED
    await world.alert("paper")
    await world.list("Mon", "A▲9", at="Mon 08:00")
    await world.at("Mon 08:10", "Mon 08:11", "Mon 08:12")
    notices = await world.planned(kind=models.DeliveryKind.NOTICE)
    assert [(row.state, row.reason) for row in notices] == [("stopped", "refused-content")]


async def test_a_reader_who_is_forgotten_while_direct_messages_are_opened_is_not_stored_again(
    world: World,
) -> None:
    class Slow(Discord):
        async def open_dm(self, user_id: int) -> int:
            await world.database.write(accounts.remove_reader_data, user_id)
            return await super().open_dm(user_id)

    world.discord = world.sender = Slow()
    world.restart()
    await world.alert("robot")
    await world.written("Mon", "A▲9", summary="A robot.")
    await world.wait(minutes=3)
    assert await reader_rows.find_columns(world.database, f":{READER}") == set()
    assert await world.database.fetch(accounts.get_reader, READER) is None


async def test_a_refused_direct_message_channel_is_reopened(world: World) -> None:
    """The stored channel belongs to a bot whose token the operator has replaced."""
    await world.database.write(accounts.upsert_reader, READER, dm_channel_id=98)
    world.discord.closed.add(98)
    await world.alert("robot")
    await world.written("Mon", "A▲9", summary="A robot.")
    await world.wait(minutes=3)
    await world.wait(minutes=11)
    assert world.sent == [f"@{READER} A"]
    reader = await world.database.fetch(accounts.get_reader, READER)
    assert reader is not None
    assert reader.dm_channel_id == -READER


async def test_changing_the_style_cancels_a_refused_post(world: World) -> None:
    row = await add_post(world, style=models.Style.THREAD)
    await world.at("Mon 09:00")
    world.discord.closed.add(CHANNEL)
    await world.list("Tue", "B▲9")
    await world.at("Tue 09:00")
    world.discord.closed.clear()
    await world.edit(row, style=models.Style.COMPACT)
    await world.list("Wed", "C▲9")
    await world.at("Wed 09:00")
    assert await posts(world) == [("sent", None), ("stopped", "by-hand"), ("sent", None)]
    assert world.sent[-1] == "C B"
