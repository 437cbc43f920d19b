"""The relay's protocol on the wire: exactly one copy of each part, in order, whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from discord.http import MultipartParameters

from bot.clock import system_clock
from bot.services.outbox import discord_errors, outcomes, relay, sender, suspension, throttle
from storage import models
from storage.database import Database
from storage.models import PartKind
from storage.outbox import queries, transitions
from tests.fake_discord import process, world
from tests.support import relay_harness
from tests.support.relay_harness import Office, all_sent, contents, plan

pytestmark = pytest.mark.wire


async def test_parts_go_out_in_order_once(office: Office, fake: process.FakeDiscord) -> None:
    first, second = await fake.add_channels(2)
    now = office.now()
    await office.add(plan("a", first, now, parts=3), plan("b", second, now, parts=2))
    await office.drain()
    await office.drain()
    assert contents(await fake.messages(first)) == ["a 0", "a 1", "a 2"]
    assert contents(await fake.messages(second)) == ["b 0", "b 1"]
    assert all_sent(await office.states())


async def test_lost_replies_and_errors_leave_one_copy_of_each_part(
    office: Office, fake: process.FakeDiscord
) -> None:
    channels = await fake.add_channels(10)
    await fake.set_faults(
        {"kind": "lose", "method": "POST", "probability": 0.2, "stored": True},
        {"kind": "status", "method": "POST", "probability": 0.2, "status": 503, "stored": True},
        {"kind": "status", "method": "POST", "probability": 0.2, "status": 503},
        seed=3,
    )
    await office.add(*(plan(f"d{i}", i, office.now(), parts=3) for i in channels))
    await office.drain(until=all_sent)
    for channel_id in channels:
        expected = [f"d{channel_id} {n}" for n in range(3)]
        assert contents(await fake.messages(channel_id)) == expected


async def test_after_the_nonce_window_the_history_tells(office: Office, fake: process.FakeDiscord) -> None:
    lost, refused = await fake.add_channels(2)
    await fake.set_faults(
        {"kind": "lose", "method": "POST", "stored": True, "path": f"/channels/{lost}/*"},
        {"kind": "status", "status": 503, "method": "POST", "path": f"/channels/{refused}/*"},
    )
    await office.add(plan("a", lost, office.now(), parts=2), plan("b", refused, office.now()))
    await office.drain()
    assert await office.states() == ["planned", "planned", "planned"]
    await fake.set_faults()
    await fake.ask("expire_nonces")
    office.offset += timedelta(minutes=10)
    await office.drain()
    assert all_sent(await office.states())
    assert contents(await fake.messages(lost)) == ["a 0", "a 1"]
    assert contents(await fake.messages(refused)) == ["b 0"]
    assert [o.name for o in office.outcomes].count("found") == 1


async def test_a_place_whose_history_is_closed_is_not_posted_to_blindly(
    office: Office, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.change_channel(channel_id, denied=world.READ_MESSAGE_HISTORY)
    await fake.set_faults({"kind": "lose", "method": "POST", "stored": True})
    await office.add(plan("a", channel_id, office.now(), parts=2))
    await office.drain()
    await fake.set_faults()
    office.offset += timedelta(minutes=10)
    await office.drain()
    assert await office.states() == ["uncertain", "planned"]
    assert contents(await fake.messages(channel_id)) == ["a 0"]


async def test_a_forum_post_is_looked_for_before_every_retry(
    office: Office, fake: process.FakeDiscord
) -> None:
    [forum] = await fake.add_channels(1, type=world.FORUM)
    await fake.set_faults(
        {"kind": "status", "status": 502, "method": "POST", "stored": True, "times": 1},
    )
    kinds = (PartKind.FORUM_POST, PartKind.THREAD_MESSAGE)
    await office.add(plan("2026-11-20", forum, office.now(), kinds=kinds))
    await office.drain(until=all_sent)
    threads = [c for c in await fake.ask("list_channels") if c["parent_id"] == forum]
    assert len(threads) == 1
    assert contents(await fake.messages(threads[0]["id"])) == ["2026-11-20 0", "2026-11-20 1"]


async def test_a_thread_and_a_crosspost_build_on_the_first_message(
    office: Office, fake: process.FakeDiscord
) -> None:
    text, news = await fake.add_channels(2)
    await fake.change_channel(news, type=world.ANNOUNCEMENT)
    for path in ("*/threads", "*/crosspost"):
        await fake.set_faults({"kind": "lose", "method": "POST", "stored": True, "times": 1, "path": path})
        threaded = (PartKind.MESSAGE, PartKind.THREAD, PartKind.THREAD_MESSAGE)
        published = (PartKind.MESSAGE, PartKind.CROSSPOST)
        place, kinds = (text, threaded) if "threads" in path else (news, published)
        await office.add(plan(path[2:], place, office.now(), kinds=kinds))
        await office.drain(until=all_sent)
    [headline] = await fake.messages(text)
    assert contents(await fake.messages(headline["id"])) == ["threads 2"]
    [message] = await fake.messages(news)
    assert message["published"]


async def test_an_edit_changes_the_message_and_a_deleted_one_is_let_go(
    office: Office, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    await office.add(plan("a", channel_id, office.now(), parts=2))
    await office.drain()
    kept, gone = await fake.messages(channel_id)
    await fake.ask("delete_message", {"channel_id": channel_id, "message_id": gone["id"]})
    changed = relay_harness.payload("pr:d:a:0/", "corrected")
    edits = tuple(
        models.NewPart(
            PartKind.EDIT, changed, relay_harness.new_nonce(), channel_id=channel_id, message_id=message["id"]
        )
        for message in (kept, gone)
    )
    await office.add(replace(plan("edit", channel_id, office.now()), parts=edits))
    await office.drain()
    assert contents(await fake.messages(channel_id)) == ["corrected"]
    assert all_sent(await office.states())


async def test_a_refused_payload_goes_out_in_its_plain_form(
    office: Office, fake: process.FakeDiscord
) -> None:
    with_plain, without = await fake.add_channels(2)
    long = relay_harness.payload("pr:d:a:0/", "x" * 4001)
    plain = json.dumps({"content": "a plain form"})
    part = models.NewPart(PartKind.MESSAGE, long, relay_harness.new_nonce(), fallback=plain)
    await office.add(replace(plan("a", with_plain, office.now()), parts=(part,)))
    part = models.NewPart(PartKind.MESSAGE, long, relay_harness.new_nonce())
    await office.add(replace(plan("b", without, office.now()), parts=(part,)))
    await office.drain()
    [message] = await fake.messages(with_plain)
    assert message["payload"]["content"] == "a plain form"
    assert await office.states() == ["sent", "failed"]


async def test_what_is_urgent_goes_before_what_was_planned_earlier(
    office: Office, fake: process.FakeDiscord
) -> None:
    channels = await fake.add_channels(31)
    now = office.now()
    await office.add(*(plan(f"d{i}", i, now) for i in channels[:30]))
    await office.add(plan("alert", channels[30], now, priority=10, kind=models.DeliveryKind.ALERT))
    one_hand = relay.Limits(in_hand=1, claim=1)
    await office.open_relay(one_hand).drain(now)
    log = await fake.log("POST", "/channels/")
    assert log[0]["path"] == f"/channels/{channels[30]}/messages"


async def test_an_alert_planned_in_a_fan_out_is_not_stuck_behind_it(
    office: Office, fake: process.FakeDiscord
) -> None:
    channels = await fake.add_channels(121)
    now = office.now()
    await office.add(*(plan(f"d{i}", i, now) for i in channels[:120]))
    working = office.open_relay(relay.Limits(in_hand=4, claim=2), per_second=100)
    drain = asyncio.create_task(working.drain(now))
    async with asyncio.timeout(20):
        while len(await fake.log("POST", "/channels/")) < 10:  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.01)
    await office.add(plan("alert", channels[120], now, priority=10))
    working.wake()
    await drain
    paths = [entry["path"] for entry in await fake.log("POST", "/channels/")]
    assert paths.index(f"/channels/{channels[120]}/messages") < 60


async def test_a_channel_with_very_much_to_come_holds_up_no_other(
    office: Office, fake: process.FakeDiscord
) -> None:
    crowded, other = await fake.add_channels(2)
    now = office.now()
    await office.add(*(plan(f"c{n}", crowded, now, priority=10) for n in range(relay.LOOK_AHEAD + 5)))
    await office.add(plan("other", other, now))
    working = office.open_relay(buckets=throttle.Buckets(time.monotonic))
    drain = asyncio.create_task(working.drain(now))
    async with asyncio.timeout(20):
        while not await fake.messages(other):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert len(await fake.messages(crowded)) <= 8
    drain.cancel()
    await asyncio.gather(drain, return_exceptions=True)


async def test_a_message_deleted_after_its_lost_reply_counts_as_sent(
    office: Office, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.set_faults({"kind": "lose", "method": "POST", "stored": True, "times": 1})
    await office.add(plan("a", channel_id, office.now()))
    await office.drain()
    [message] = await fake.messages(channel_id)
    await fake.ask("delete_message", {"channel_id": channel_id, "message_id": message["id"]})
    await office.drain(until=all_sent)
    assert await fake.messages(channel_id) == []


async def test_a_slow_answer_is_no_failure(office: Office, fake: process.FakeDiscord) -> None:
    [channel_id] = await fake.add_channels(1)
    office.limits = relay_harness.QUICK
    await fake.set_faults({"kind": "slow", "method": "POST", "seconds": 5, "stored": True, "times": 1})
    await office.add(plan("a", channel_id, office.now(), parts=2))
    await office.drain(until=all_sent)
    assert contents(await fake.messages(channel_id)) == ["a 0", "a 1"]


async def test_a_long_outage_touches_few_parts_and_what_is_too_old_expires(
    office: Office, fake: process.FakeDiscord
) -> None:
    channels = await fake.add_channels(60)
    await office.add(*(plan(f"d{i}", i, office.now()) for i in channels[1:]))
    old = office.now() + timedelta(minutes=10)
    await office.add(plan("short-lived", channels[0], office.now(), expires_at=old))
    await fake.ask("set_outage", {"seconds": 3600})
    keeper = office.open_relay()
    for _ in range(60):
        await keeper.drain(office.now())
        office.offset += timedelta(seconds=30)
    attempted = {entry["path"] for entry in await fake.log("POST", "/channels/")}
    assert len(attempted) < len(channels)
    await fake.ask("set_outage", {"seconds": 0})
    await fake.ask("expire_nonces")
    for _ in range(10):
        await keeper.drain(office.now())
        office.offset += timedelta(seconds=60)
    states = await office.states()
    assert states == ["sent"] * 59 + ["expired"]
    assert {len(messages) for messages in (await fake.all_messages()).values()} == {1}


async def test_a_clock_set_back_between_two_attempts_doubles_nothing(
    office: Office, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    office.offset = timedelta(hours=3)
    await fake.set_faults({"kind": "lose", "method": "POST", "stored": True, "times": 1})
    await office.add(plan("a", channel_id, office.now() - timedelta(hours=6)))
    await office.drain()
    await fake.ask("expire_nonces")
    office.offset = timedelta(0)
    async with office.db.transaction() as connection:
        [part] = await office.parts()
        await transitions.mark_retry(
            connection,
            part.id,
            next_attempt_at=office.now(),
            unknown_since=part.first_attempt_at,
            error="",
        )
    await office.drain(until=all_sent)
    assert contents(await fake.messages(channel_id)) == ["a 0"]


async def test_a_wrong_token_stops_everything_and_loses_nothing(
    office: Office, fake: process.FakeDiscord
) -> None:
    channels = await fake.add_channels(3)
    await office.add(*(plan(f"d{i}", i, office.now()) for i in channels))
    await fake.set_faults({"kind": "status", "status": 401, "method": "POST"})
    with pytest.raises(discord_errors.DeliveryError):
        await office.drain()
    assert set(await office.states()) == {"planned"}
    await fake.set_faults()
    await office.drain(until=all_sent)


async def test_run_sends_what_is_woken_and_finishes_what_is_in_hand(
    office: Office, fake: process.FakeDiscord
) -> None:
    first, second = await fake.add_channels(2)
    running, stop = office.open_relay(), asyncio.Event()
    task = asyncio.create_task(running.run(stop))
    await asyncio.sleep(0)
    await office.add(plan("a", first, office.now()))
    running.wake()
    async with asyncio.timeout(20):
        while not await fake.messages(first):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await fake.set_faults({"kind": "slow", "method": "POST", "seconds": 0.3})
    await office.add(plan("b", second, office.now()))
    running.wake()
    async with asyncio.timeout(20):
        while len(await fake.log("POST")) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(task, 10)
    assert all_sent(await office.states())


async def test_what_a_crash_left_behind_goes_on_at_once(office: Office, fake: process.FakeDiscord) -> None:
    done, not_done = await fake.add_channels(2)
    await office.add(plan("a", done, office.now()), plan("b", not_done, office.now()))
    first, second = await office.parts()
    async with office.db.transaction() as connection:
        await transitions.mark_sending(connection, [first.id, second.id], office.now())
    body = json.loads(first.payload or "") | {"nonce": first.nonce, "enforce_nonce": True}
    await office.client.http.send_message(done, params=MultipartParameters(body, None, None))
    await office.drain()
    assert all_sent(await office.states())
    assert len(await fake.messages(done)) == len(await fake.messages(not_done)) == 1


class Bewildered:
    """A sender that meets what nobody thought of, until it is told to send."""

    def __init__(self) -> None:
        self.attempts = 0
        self.works = False

    async def send(self, order: sender.Order) -> sender.Accepted:
        self.attempts += 1
        if not self.works:
            raise KeyError("id")
        return sender.Accepted(1, order.channel_id)

    async def find(self, order: sender.Order, since: datetime) -> sender.Accepted | None:
        return None

    async def open_dm(self, user_id: int) -> int:
        raise AssertionError


async def test_what_nobody_thought_of_is_no_answer_and_tried_again_later(db: Database) -> None:
    bewildered = Bewildered()
    now = system_clock()
    dice = random.Random(1)
    home = suspension.Places(relay_harness.PlainRenderer(), nonces=relay_harness.new_nonce)
    settler = outcomes.Settler(db, home, nonces=relay_harness.new_nonce, dice=dice, linger_seconds=0.0)
    working = relay.Relay(db, bewildered, settler, clock=lambda: now, limits=relay_harness.QUICK)
    async with db.transaction() as connection:
        await transitions.add(connection, plan("a", 1, now))
    async with asyncio.timeout(5):
        await working.drain(now)
    assert bewildered.attempts == 1
    async with db.read() as connection:
        (delivery,) = await queries.list_rows(connection)
        (part,) = await queries.list_parts(connection, delivery.id)
    assert part.state is models.PartState.PLANNED
    assert part.first_attempt_at is not None
    bewildered.works = True
    await working.drain(now + timedelta(minutes=2))
    async with db.read() as connection:
        assert (await queries.list_rows(connection))[0].state is models.DeliveryState.SENT
