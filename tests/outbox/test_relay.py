"""The relay's protocol on the wire: each part arrives exactly once, in order, despite faults."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from discord.http import MultipartParameters

from bot.app.client import DiscordRenderer
from bot.client import translations
from bot.client.messages import CommandMentions
from bot.daily import choice
from bot.daily import planner as daily_planner
from bot.outbox import contents, relay
from bot.outbox.contents import DeliveryFactory, new_nonce
from bot.rendering.templates import Templates
from storage import locks, models, outbox, tables
from storage.models import PartKind
from tests.fake_discord import model, process
from tests.support import patience
from tests.support.relay_harness import RelayHarness, all_sent, message_payload, message_texts, new_delivery

pytestmark = pytest.mark.wire


@pytest.mark.promise
async def test_lost_replies_and_errors_leave_one_copy_of_each_part(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    channels = await fake.add_channels(10)
    await fake.set_faults(
        {"kind": "lose", "method": "POST", "probability": 0.2, "stored": True},
        {"kind": "status", "method": "POST", "probability": 0.2, "status": 503, "stored": True},
        {"kind": "status", "method": "POST", "probability": 0.2, "status": 503},
        seed=3,
    )
    await relay_harness.add_deliveries(
        *(new_delivery(f"d{i}", i, relay_harness.now(), parts=3) for i in channels)
    )
    await relay_harness.drain(until=all_sent)
    for channel_id in channels:
        expected = [f"d{channel_id} {n}" for n in range(3)]
        assert message_texts(await fake.messages(channel_id)) == expected


@pytest.mark.promise
async def test_the_history_decides_after_the_nonce_window(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    lost, refused = await fake.add_channels(2)
    await fake.set_faults(
        {"kind": "lose", "method": "POST", "stored": True, "path": f"/channels/{lost}/*"},
        {"kind": "status", "status": 503, "method": "POST", "path": f"/channels/{refused}/*"},
    )
    await relay_harness.add("a", lost, parts=2)
    await relay_harness.add("b", refused)
    await relay_harness.drain()
    assert await relay_harness.list_states() == ["waiting", "waiting", "waiting"]
    await fake.set_faults()
    await fake.run_action("expire_nonces")
    relay_harness.clock_offset += timedelta(minutes=10)
    await relay_harness.drain()
    assert all_sent(await relay_harness.list_states())
    assert message_texts(await fake.messages(lost)) == ["a 0", "a 1"]
    assert message_texts(await fake.messages(refused)) == ["b 0"]
    assert relay_harness.results.count("found") == 1


@pytest.mark.promise
async def test_a_part_is_uncertain_if_the_history_cannot_be_read(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.change_channel(channel_id, denied=model.READ_MESSAGE_HISTORY)
    await fake.set_faults({"kind": "lose", "method": "POST", "stored": True})
    await relay_harness.add("a", channel_id, parts=2)
    await relay_harness.drain()
    await fake.set_faults()
    relay_harness.clock_offset += timedelta(minutes=10)
    await relay_harness.drain()
    assert await relay_harness.list_states() == ["stopped", "stopped"]
    assert message_texts(await fake.messages(channel_id)) == ["a 0"]


@pytest.mark.promise
async def test_what_was_due_before_the_start_is_searched_for_once(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    sent, unsent, to_come = await fake.add_channels(3)
    for key, channel_id in (("a", sent), ("b", unsent)):
        await relay_harness.add(key, channel_id, parts=3)
    await relay_harness.drain()
    await _forget_sent(relay_harness)
    for message in await fake.messages(unsent):
        await fake.run_action("delete_message", {"channel_id": unsent, "message_id": message["id"]})
    before = len(await fake.log("GET", "/channels/"))
    due_at = relay_harness.now() + timedelta(seconds=1)
    await relay_harness.add("c", to_come, due_at=due_at)
    new_relay = relay_harness.open_relay()
    await new_relay.drain(relay_harness.now())
    await new_relay.drain(due_at)
    assert all_sent(await relay_harness.list_states())
    assert message_texts(await fake.messages(sent)) == ["a 0", "a 1", "a 2"]
    assert message_texts(await fake.messages(unsent)) == ["b 0", "b 1", "b 2"]
    assert relay_harness.results[-7:].count("found") == 3
    requests = (await fake.log("GET", "/channels/"))[before:]
    searches = Counter(entry["path"] for entry in requests if entry["path"].endswith("/messages"))
    assert searches == {f"/channels/{sent}/messages": 3, f"/channels/{unsent}/messages": 1}


async def test_an_alert_about_a_digest_of_the_morning_in_seoul_is_not_repeated_by_a_restored_backup(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    """The digest has the date of tomorrow by UTC, and its alert is due again after the start."""
    [channel_id] = await fake.add_channels(1)
    evening = relay_harness.now().replace(hour=22, minute=0)
    relay_harness.clock_offset = evening - relay_harness.now()
    tomorrow = evening.date() + timedelta(days=1)
    await relay_harness.add("a", channel_id, kind=models.DeliveryKind.ALERT, digest_on=tomorrow)
    await relay_harness.drain()
    await _forget_sent(relay_harness)
    new_relay = relay_harness.open_relay()
    await new_relay.drain(relay_harness.now() - timedelta(hours=1))  # the term begins
    async with relay_harness.db.transaction() as connection:
        due_at = relay_harness.now() + timedelta(minutes=5)
        await connection.execute(sa.update(tables.deliveries).values(due_at=due_at))
    relay_harness.clock_offset += timedelta(minutes=10)
    await new_relay.drain(relay_harness.now())
    assert all_sent(await relay_harness.list_states())
    assert message_texts(await fake.messages(channel_id)) == ["a 0"]


async def _forget_sent(relay_harness: RelayHarness) -> None:
    """Let the outbox not know what was sent, as after the restore of a backup. The nonces are over."""
    async with relay_harness.db.transaction() as connection:
        await connection.exec_driver_sql(
            "UPDATE parts SET state = 'waiting', first_attempt_at = NULL, message_id = NULL, nonce = id"
        )
        await connection.exec_driver_sql("UPDATE deliveries SET state = 'waiting'")


async def test_what_was_due_before_the_start_is_sent_where_the_history_cannot_be_read(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.change_channel(channel_id, denied=model.READ_MESSAGE_HISTORY)
    await relay_harness.add("a", channel_id, parts=2)
    await relay_harness.drain()
    assert all_sent(await relay_harness.list_states())
    assert message_texts(await fake.messages(channel_id)) == ["a 0", "a 1"]


@pytest.mark.promise
@pytest.mark.engines("sqlite", "postgresql")
async def test_a_forum_post_is_searched_for_before_every_retry(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [forum] = await fake.add_channels(1, type=model.FORUM)
    await fake.set_faults({"kind": "status", "status": 502, "method": "POST", "stored": True, "times": 1})
    kinds = (PartKind.FORUM_POST, PartKind.THREAD_MESSAGE)
    await relay_harness.add("2026-11-20", forum, kinds=kinds)
    await relay_harness.drain(until=all_sent)
    channels = await fake.run_action("list_channels")
    threads = [channel for channel in channels if channel["parent_id"] == forum]
    assert len(threads) == 1
    assert message_texts(await fake.messages(threads[0]["id"])) == ["2026-11-20 0", "2026-11-20 1"]


async def test_a_thread_and_a_crosspost_build_on_the_first_message(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    text, news = await fake.add_channels(2)
    await fake.change_channel(news, type=model.ANNOUNCEMENT)
    for path in ("*/threads", "*/crosspost"):
        await fake.set_faults({"kind": "lose", "method": "POST", "stored": True, "times": 1, "path": path})
        threaded = (PartKind.MESSAGE, PartKind.THREAD, PartKind.THREAD_MESSAGE)
        published = (PartKind.MESSAGE, PartKind.CROSSPOST)
        channel_id, kinds = (text, threaded) if "threads" in path else (news, published)
        await relay_harness.add(path[2:], channel_id, kinds=kinds)
        await relay_harness.drain(until=all_sent)
    [headline] = await fake.messages(text)
    assert message_texts(await fake.messages(headline["id"])) == ["threads 2"]
    [message] = await fake.messages(news)
    assert message["published"]


async def test_a_refused_payload_is_sent_as_its_fallback(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    with_fallback, without_fallback = await fake.add_channels(2)
    too_long = message_payload("pr:d:a:0/", "x" * 4001)
    fallback = json.dumps({"content": "a plain form"})
    for channel_id, plain in ((with_fallback, fallback), (without_fallback, None)):
        part = models.NewPart(PartKind.MESSAGE, too_long, new_nonce(), fallback=plain)
        planned = new_delivery(f"d{channel_id}", channel_id, relay_harness.now())
        await relay_harness.add_deliveries(replace(planned, parts=(part,)))
    await relay_harness.drain()
    [message] = await fake.messages(with_fallback)
    assert message["payload"]["content"] == "a plain form"
    assert await relay_harness.list_states() == ["sent", "stopped"]


async def test_an_alert_planned_during_a_fan_out_does_not_wait_for_its_end(
    relay_harness: RelayHarness, fake: process.FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = await fake.add_channels(121)
    now = relay_harness.now()
    await relay_harness.add_deliveries(*(new_delivery(f"d{i}", i, now) for i in channels[:120]))
    await fake.set_faults({"kind": "slow", "method": "POST", "seconds": 0.03})
    monkeypatch.setattr(relay, "MAX_IN_FLIGHT", 4)
    busy_relay = relay_harness.open_relay()
    drain = asyncio.create_task(busy_relay.drain(now))

    async def are_ten_sent() -> bool:
        return len(await fake.log("POST", "/channels/")) >= 10

    await patience.wait_until(are_ten_sent)
    await relay_harness.add_deliveries(new_delivery("alert", channels[120], now, priority=10))
    busy_relay.wake()
    await drain
    paths = [entry["path"] for entry in await fake.log("POST", "/channels/")]
    assert paths.index(f"/channels/{channels[120]}/messages") < 60


async def test_a_channel_with_many_parts_delays_no_other_channel(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    crowded, other = await fake.add_channels(2)
    now = relay_harness.now()
    await relay_harness.add_deliveries(*(new_delivery(f"c{n}", crowded, now, priority=10) for n in range(50)))
    await relay_harness.add_deliveries(new_delivery("other", other, now))
    await fake.run_action("set_limits", {"routes": {"POST /channels/{channel_id}/messages": [5, 5.0]}})
    stop = asyncio.Event()
    running = asyncio.create_task(relay_harness.open_relay().run(stop))
    await fake.wait_for_messages(other)
    assert len(await fake.messages(crowded)) <= 5
    stop.set()
    await running
    assert (await fake.counts())["too_many"] == 0


@pytest.mark.promise
async def test_a_slow_answer_leaves_one_copy(relay_harness: RelayHarness, fake: process.FakeDiscord) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.set_faults({"kind": "slow", "method": "POST", "seconds": 5, "stored": True, "times": 1})
    await relay_harness.add("a", channel_id, parts=2)
    await relay_harness.drain(until=all_sent)
    assert message_texts(await fake.messages(channel_id)) == ["a 0", "a 1"]
    assert len(await fake.log("POST", "/channels/")) == 2, "a late answer is an answer"


async def test_run_sends_when_woken_and_finishes_the_parts_in_flight(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    first, second = await fake.add_channels(2)
    running_relay, stop = relay_harness.open_relay(), asyncio.Event()
    task = asyncio.create_task(running_relay.run(stop))
    await asyncio.sleep(0)
    await relay_harness.add("a", first)
    running_relay.wake()
    await fake.wait_for_messages(first)
    await fake.set_faults({"kind": "slow", "method": "POST", "seconds": 0.3})
    await relay_harness.add("b", second)
    running_relay.wake()

    async def is_second_sent() -> bool:
        return len(await fake.log("POST")) == 2

    await patience.wait_until(is_second_sent)
    stop.set()
    await patience.wait_for(task, 10)
    assert all_sent(await relay_harness.list_states())


@pytest.mark.promise
@pytest.mark.engines("sqlite", "postgresql")
async def test_parts_left_sending_by_a_crash_continue_at_once(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    sent, unsent = await fake.add_channels(2)
    await relay_harness.add("a", sent)
    await relay_harness.add("b", unsent)
    first, second = await relay_harness.list_parts()
    async with relay_harness.db.transaction() as connection:
        await outbox.mark_sending(connection, [first.id, second.id], relay_harness.now())
    body = json.loads(first.payload or "") | {"nonce": first.nonce, "enforce_nonce": True}
    await relay_harness.client.http.send_message(sent, params=MultipartParameters(body, None, None))
    await relay_harness.drain()
    assert all_sent(await relay_harness.list_states())
    assert len(await fake.messages(sent)) == len(await fake.messages(unsent)) == 1


@pytest.mark.promise
async def test_a_digest_cannot_forge_the_marker_of_a_post_that_never_arrived(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    days = [date(2026, 11, 20), date(2026, 11, 21)]
    keys = [f"daily:1:{day.isoformat()}" for day in days]
    forged = f"https://arxiv.org/abs/2611.10000#pr:d:x:0/{contents.part_marker(keys[1], 0)}"
    paper = contents.PostPaper("2611.10000", forged, forged, days[0], thumbnail=forged)
    texts = translations.Translations()
    renderer = DiscordRenderer(texts, Templates(), CommandMentions())
    deliveries = DeliveryFactory(lambda: renderer)
    for day, key in zip(days, keys, strict=True):
        post = choice.DailyPost(
            daily_planner.MARKER_PLACEHOLDER, models.Locale.EN, models.Style.COMPACT, day, 1, (paper,)
        )
        planned = deliveries.build(
            daily_planner.DAILY,
            key,
            models.Locale.EN,
            deliveries.render(daily_planner.DAILY, post),
            relay_harness.now(),
            channel_id=channel_id,
        )
        await relay_harness.add_deliveries(planned)
        # The second day's request breaks before Discord sees it, and is tried again after Discord's nonces expired.
        if day == days[1]:
            await fake.set_faults({"kind": "lose", "method": "POST", "stored": False})
            await relay_harness.drain()
            relay_harness.clock_offset += timedelta(minutes=5)
            await fake.set_faults()
        await relay_harness.drain(until=all_sent)
    assert len(await fake.messages(channel_id)) == 2


@pytest.mark.promise
@pytest.mark.engines("sqlite", "postgresql")
async def test_nothing_is_claimed_without_the_sender_lock_or_under_an_old_term(
    relay_harness: RelayHarness, fake: process.FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = await fake.add_channels(5)
    await relay_harness.add_deliveries(
        *(new_delivery(f"d{channel_id}", channel_id, relay_harness.now()) for channel_id in channels)
    )
    terms: list[int | None] = [0]
    monkeypatch.setattr(relay, "MAX_IN_FLIGHT", 2)
    new_relay = relay_harness.open_relay(get_term=lambda: terms.pop(0) if terms else None)
    await new_relay.drain(relay_harness.now())  # the lock is lost after the first claim
    assert (await relay_harness.list_states()).count("sent") == 2
    async with relay_harness.db.transaction() as connection:
        present = await locks.raise_term(connection)
    former = relay_harness.open_relay(get_term=lambda: present - 1)
    await former.drain(relay_harness.now())
    assert (await relay_harness.list_states()).count("sent") == 2
    await relay_harness.open_relay(get_term=lambda: present).drain(relay_harness.now())
    assert all_sent(await relay_harness.list_states())
