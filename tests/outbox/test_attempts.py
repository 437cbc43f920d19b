"""Attempts without a clear answer from Discord: retries, searches for earlier copies, and stopping the relay."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from unittest import mock

import pytest

from bot.outbox import outcomes, relay
from bot.outbox.request_pacing import HttpAnswer
from storage import models, outbox
from tests.support import outbox_builders, patience
from tests.support.outbox_builders import new_delivery
from tests.support.world import AWAY, CHANNEL, LOST, World, moment


async def add_post(world: World) -> None:
    await world.daily()
    await world.list("Mon", "A▲9")


async def test_an_unexpected_error_is_retried_after_a_delay(world: World) -> None:
    await add_post(world)
    with mock.patch.object(world.discord, "send", side_effect=KeyError("id")) as send:
        async with patience.limit():
            await world.at("Mon 09:00")
        assert send.call_count == 1
    assert world.sent == []
    await world.wait(minutes=2)
    assert world.sent == ["A"]


@pytest.mark.parametrize("has_restarted", [True, False], ids=["after a restart", "after a lost reply"])
async def test_a_copy_is_searched_for_before_a_message_is_sent_again(
    world: World, has_restarted: bool
) -> None:
    """A restart may hide a lost reply; and a failure that is certain does not explain the one before."""
    await add_post(world)
    world.discord.answer = AWAY if has_restarted else LOST
    await world.at("Mon 09:00")
    if has_restarted:
        world.restart()
    world.discord.answer = LOST if has_restarted else AWAY
    await world.wait(minutes=1)
    assert world.sent == ([] if has_restarted else ["A"])
    world.discord.answer = None
    await world.wait(minutes=2)
    assert world.sent == ["A"]


async def test_a_rejected_token_stops_the_relay_without_losing_posts(world: World) -> None:
    await add_post(world)
    await world.daily(channel=21)
    world.discord.answer = outcomes.classify(401, 0, models.PartKind.MESSAGE)
    with pytest.raises(outcomes.DeliveryError):
        await world.at("Mon 09:00")
    tried = len(world.discord.tried)
    assert tried <= 2
    world.discord.answer = None
    world.restart()
    await world.wait(minutes=1)
    assert world.sent == ["A", "#21 A"]


async def test_posts_unsent_at_shutdown_are_sent_after_a_restart(world: World) -> None:
    for channel in range(20, 80):
        await world.daily(channel=channel)
    await world.list("Mon", "A▲9")
    world.now = moment("Mon 09:00")
    await world.daily_planner.tick(world.now)

    async def stop(_: outcomes.SendRequest) -> None:
        world.relay.stop()

    with mock.patch.object(world.discord, "before", stop):
        await world.relay.run()
    assert 0 < len(world.sent) < 60
    assert world.outcomes == ["sent"] * len(world.sent)
    world.restart()
    await world.tick()
    assert len(world.sent) == 60


async def test_stopping_does_not_wait_for_a_request_that_hangs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_post(world)
    world.now = moment("Mon 09:00")
    await world.daily_planner.tick(world.now)

    async def hang(_: outcomes.SendRequest) -> None:
        world.relay.stop()
        await asyncio.Event().wait()

    monkeypatch.setattr(relay, "STOP_SECONDS", 0.01)
    world.discord.before = hang
    async with patience.limit():
        await world.relay.run()


async def test_waking_the_relay_starts_one_round_and_stopping_ends_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "POLL_SECONDS", 3600.0)
    rounds = list[None]()
    world.restart(get_term=lambda: rounds.append(None))
    running = asyncio.create_task(world.relay.run())
    for _ in range(20):
        await asyncio.sleep(0)
    world.relay.wake()
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(rounds) == 2
    world.relay.stop()
    async with patience.limit():
        await running


async def test_a_rate_limit_of_a_channel_or_the_bot_is_waited_for(world: World) -> None:
    await outbox_builders.add(world.database, *(new_delivery(key, CHANNEL, world.now) for key in "ab"))
    world.discord.answer = replace(outcomes.RATE_LIMITED, wait_seconds=60.0)
    for seconds, tried in ((0, 1), (59, 1), (2, 2)):
        world.now += timedelta(seconds=seconds)
        await world.relay.drain(world.now)
        assert world.discord.tried == [CHANNEL] * tried
    world.pace.record_answer(HttpAnswer(429, is_json=True, retry_after=600.0, is_global=True))
    world.now += timedelta(minutes=2)
    await world.relay.drain(world.now)
    assert world.discord.tried == [CHANNEL] * 2


async def test_at_most_two_webhook_posts_are_in_flight(world: World) -> None:
    webhooks = [new_delivery(f"w{number}", number, world.now, guild_id=None) for number in range(30, 35)]
    await outbox_builders.add(world.database, *webhooks)
    in_flight = list[int]()

    async def count(_: outcomes.SendRequest) -> None:
        in_flight.append((await world.database.fetch(outbox.count_by_state))[models.PartState.SENDING])

    world.discord.before = count
    await world.relay.drain(world.now)
    assert (len(in_flight), max(in_flight)) == (5, 2)
