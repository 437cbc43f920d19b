"""The relay against a fake Discord: each part arrives exactly once and in order, despite faults."""

import asyncio
import json
from collections import Counter
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from discord.http import MultipartParameters
from simcord.backend.ops import MessageMixin

from bot.features.daily.planner import DAILY, MARKER_PLACEHOLDER
from bot.outbox import contents, relay
from storage import locks, models, outbox, tables
from storage.models import PartKind
from tests.fake_discord import model
from tests.support import outbox_builders, rendered_posts
from tests.support.outbox_builders import new_delivery
from tests.support.relay_harness import RelayHarness, message_texts
from tests.support.world import HOUR, World, moment

pytestmark = pytest.mark.wire


@pytest.mark.promise
async def test_lost_responses_and_errors_do_not_duplicate_parts(wire: RelayHarness) -> None:
    channels = wire.fake.add_channels(10)
    wire.fake.set_faults(
        {"kind": "lose", "method": "POST", "probability": 0.2, "stored": True},
        {"kind": "status", "method": "POST", "probability": 0.2, "status": 503, "stored": True},
        {"kind": "status", "method": "POST", "probability": 0.2, "status": 503},
        seed=3,
    )
    for channel_id in channels:
        await wire.add(f"d{channel_id}", channel_id, parts=3)
    await wire.drain_until_sent()
    for channel_id in channels:
        expected = [f"d{channel_id} {n}" for n in range(3)]
        assert message_texts(wire.fake.messages(channel_id)) == expected


@pytest.mark.promise
async def test_the_history_is_searched_once_discord_has_forgotten_the_nonce(wire: RelayHarness) -> None:
    lost, refused = wire.fake.add_channels(2)
    wire.fake.set_faults(
        {"kind": "lose", "method": "POST", "stored": True, "path": f"/channels/{lost}/*"},
        {"kind": "status", "status": 503, "method": "POST", "path": f"/channels/{refused}/*"},
    )
    await wire.add("a", lost, parts=2)
    await wire.add("b", refused)
    await wire.drain()
    assert await wire.list_states() == ["waiting", "waiting", "waiting"]
    wire.fake.set_faults()
    wire.fake.world.nonces.clear()
    wire.now += timedelta(minutes=10)
    await wire.drain()
    assert set(await wire.list_states()) == {"sent"}
    assert message_texts(wire.fake.messages(lost)) == ["a 0", "a 1"]
    assert message_texts(wire.fake.messages(refused)) == ["b 0"]
    assert wire.outcomes.count("found") == 1


@pytest.mark.promise
async def test_a_lost_response_stops_the_delivery_if_the_history_is_unreadable(wire: RelayHarness) -> None:
    [channel_id] = wire.fake.add_channels(1)
    wire.fake.deny(channel_id, model.READ_MESSAGE_HISTORY)
    wire.fake.set_faults({"kind": "lose", "method": "POST", "stored": True})
    await wire.add("a", channel_id, parts=2)
    await wire.drain()
    wire.fake.set_faults()
    wire.now += timedelta(minutes=10)
    await wire.drain()
    assert await wire.list_states() == ["stopped", "stopped"]
    assert wire.outcomes[-1] == "stopped"
    assert message_texts(wire.fake.messages(channel_id)) == ["a 0"], "the first attempt needs no history"


@pytest.mark.promise
async def test_messages_due_before_startup_are_searched_for_once(wire: RelayHarness) -> None:
    fake = wire.fake
    sent, unsent, to_come = fake.add_channels(3)
    for key, channel_id in (("a", sent), ("b", unsent)):
        await wire.add(key, channel_id, parts=3)
    await wire.drain()
    await _forget_sent(wire)
    for message in fake.messages(unsent):
        fake.delete(message)
    before = len(fake.log("GET", "/channels/"))
    due_at = wire.now + timedelta(seconds=1)
    await wire.add("c", to_come, due_at=due_at)
    await wire.drain()
    await wire.relay.drain(due_at)
    assert set(await wire.list_states()) == {"sent"}
    assert message_texts(fake.messages(sent)) == ["a 0", "a 1", "a 2"]
    assert message_texts(fake.messages(unsent)) == ["b 0", "b 1", "b 2"]
    assert wire.outcomes[-7:].count("found") == 3
    requests = (fake.log("GET", "/channels/"))[before:]
    searches = Counter(entry["path"] for entry in requests if entry["path"].endswith("/messages"))
    assert searches == {f"/channels/{sent}/messages": 3, f"/channels/{unsent}/messages": 1}


async def test_a_restored_backup_does_not_repeat_an_alert_about_tomorrows_digest(world: World) -> None:
    """A morning digest in Seoul has tomorrow's date in UTC, and a restored backup makes its alert due again."""
    await world.alert("robot")
    await world.written("Tue", "A▲9", summary="A robot.", at="Tue 07:00")
    await world.wait(minutes=3)
    await _forget_sent(world)
    world.restart()
    await world.relay.drain(moment("Tue 06:00"))  # the term begins
    async with world.database.transaction() as connection:
        due_at = world.now + timedelta(minutes=5)
        await connection.execute(sa.update(tables.deliveries).values(due_at=due_at))
    await world.wait(minutes=10)
    assert world.sent == ["@7 A"]


async def test_a_restored_backup_does_not_repeat_an_answer_that_was_sent_before_it_was_due(
    wire: RelayHarness,
) -> None:
    [channel_id] = wire.fake.add_channels(1)
    lost_at = wire.now + timedelta(minutes=3)
    await wire.add("a", channel_id, kind=models.DeliveryKind.ANSWER, due_at=lost_at)
    for _ in range(2):
        async with wire.database.transaction() as connection:
            await connection.execute(sa.update(tables.parts).values(next_attempt_at=wire.now))
        await wire.drain()
        assert message_texts(wire.fake.messages(channel_id)) == ["a 0"]
        await _forget_sent(wire)
        wire.restart()


@pytest.mark.promise
async def test_a_restored_backup_does_not_repeat_a_message_whose_search_was_cut_off(
    wire: RelayHarness,
) -> None:
    [channel_id] = wire.fake.add_channels(1)
    await wire.add("a", channel_id)
    await wire.drain()
    await _forget_sent(wire)
    async with wire.database.transaction() as connection:
        await connection.execute(sa.update(tables.parts).values(first_attempt_at=wire.now))
    await wire.drain()
    assert message_texts(wire.fake.messages(channel_id)) == ["a 0"]


async def _forget_sent(world: World) -> None:
    """Reset the outbox to before anything was sent, with nonces unknown to Discord."""
    async with world.database.transaction() as connection:
        await connection.exec_driver_sql(
            "UPDATE parts SET state = 'waiting', first_attempt_at = NULL, message_id = NULL, nonce = id"
        )
        await connection.exec_driver_sql("UPDATE deliveries SET state = 'waiting'")


@pytest.mark.promise
@pytest.mark.engines("sqlite", "postgresql")
async def test_a_forum_post_is_searched_for_before_every_retry(wire: RelayHarness) -> None:
    fake = wire.fake
    [forum] = fake.add_channels(1, kind=model.FORUM)
    fake.set_faults({"kind": "status", "status": 502, "method": "POST", "stored": True, "times": 1})
    kinds = (PartKind.FORUM_POST, PartKind.THREAD_MESSAGE)
    await wire.add("2026-11-20", forum, kinds=kinds)
    await wire.drain_until_sent()
    channels = fake.world.channels.values()
    [thread] = [channel for channel in channels if channel.parent_id == forum]
    assert message_texts(fake.messages(thread.id)) == ["2026-11-20 0", "2026-11-20 1"]


async def test_threads_and_crossposts_use_the_first_message(wire: RelayHarness) -> None:
    fake = wire.fake
    [text], [news] = fake.add_channels(1), fake.add_channels(1, first=1, kind=model.ANNOUNCEMENT)
    for path in ("*/threads", "*/crosspost"):
        fake.set_faults({"kind": "lose", "method": "POST", "stored": True, "times": 1, "path": path})
        threaded = (PartKind.MESSAGE, PartKind.THREAD, PartKind.THREAD_MESSAGE)
        published = (PartKind.MESSAGE, PartKind.CROSSPOST)
        channel_id, kinds = (text, threaded) if "threads" in path else (news, published)
        await wire.add(path[2:], channel_id, kinds=kinds)
        await wire.drain_until_sent()
    [headline] = fake.messages(text)
    assert message_texts(fake.messages(headline["id"])) == ["threads 2"]
    [message] = fake.messages(news)
    assert message["flags"] & MessageMixin.CROSSPOSTED_FLAG


async def test_an_alert_is_sent_ahead_of_queued_posts_to_many_channels(
    wire: RelayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    *channels, alerted = wire.fake.add_channels(121)
    await outbox_builders.add(wire.database, *(new_delivery(f"d{i}", i, wire.now) for i in channels))
    wire.fake.set_faults({"kind": "slow", "method": "POST", "seconds": 0.03})
    monkeypatch.setattr(relay, "MAX_IN_FLIGHT", 4)
    drain = asyncio.create_task(wire.drain())
    await wire.fake.wait_for_requests(10, "POST", "/channels/")
    await wire.add("alert", alerted, priority=10, due_at=wire.now - timedelta(hours=1))
    wire.relay.wake()
    await drain
    paths = [entry["path"] for entry in wire.fake.log("POST", "/channels/")]
    assert paths.index(f"/channels/{alerted}/messages") < 60


async def test_a_channel_with_many_parts_does_not_delay_others(wire: RelayHarness) -> None:
    crowded, other = wire.fake.add_channels(2)
    for number in range(50):
        await wire.add(f"c{number}", crowded, priority=10)
    await wire.add("other", other)
    wire.fake.limits.set_route_limit("POST /channels/*/messages", 5, 5.0)
    running = asyncio.create_task(wire.relay.run())
    await wire.fake.wait_for_messages(other)
    assert len(wire.fake.messages(crowded)) <= 5
    wire.relay.stop()
    await running
    assert wire.fake.limits.rejected == 0


@pytest.mark.promise
async def test_a_slow_response_does_not_duplicate_a_message(wire: RelayHarness) -> None:
    [channel_id] = wire.fake.add_channels(1)
    wire.fake.set_faults({"kind": "slow", "method": "POST", "seconds": 5, "stored": True, "times": 1})
    await wire.add("a", channel_id, parts=2)
    await wire.drain_until_sent()
    assert message_texts(wire.fake.messages(channel_id)) == ["a 0", "a 1"]
    assert len(wire.fake.log("POST", "/channels/")) == 2, "a late answer is an answer"


@pytest.mark.promise
@pytest.mark.engines("sqlite", "postgresql")
async def test_parts_in_flight_during_a_crash_are_finished_after_restart(wire: RelayHarness) -> None:
    sent, unsent = wire.fake.add_channels(2)
    await wire.add("a", sent)
    await wire.add("b", unsent)
    first, second = await wire.list_parts()
    await wire.database.write(outbox.mark_sending, [first.id, second.id], wire.now, term=0)
    body = json.loads(first.payload or "") | {"nonce": first.nonce, "enforce_nonce": True}
    await wire.client.http.send_message(sent, params=MultipartParameters(body, None, None))
    await wire.drain()
    assert set(await wire.list_states()) == {"sent"}
    assert len(wire.fake.messages(sent)) == len(wire.fake.messages(unsent)) == 1


@pytest.mark.promise
async def test_a_nonce_is_not_trusted_once_the_clock_was_set_back(wire: RelayHarness) -> None:
    """The bot was killed while it sent; the clock then says that this was in the future."""
    [channel_id] = wire.fake.add_channels(1)
    await wire.add("a", channel_id)
    [part] = await wire.list_parts()
    await wire.database.write(outbox.mark_sending, [part.id], wire.now, term=0)
    body = json.loads(part.payload or "") | {"nonce": part.nonce, "enforce_nonce": True}
    await wire.client.http.send_message(channel_id, params=MultipartParameters(body, None, None))
    wire.fake.world.nonces.clear()
    wire.now -= HOUR
    await wire.drain()
    assert await wire.list_states() == ["sent"]
    assert len(wire.fake.messages(channel_id)) == 1


@pytest.mark.promise
async def test_a_digest_cannot_forge_the_marker_of_a_lost_post(wire: RelayHarness) -> None:
    [channel_id] = wire.fake.add_channels(1)
    days = [date(2026, 11, 20), date(2026, 11, 21)]
    keys = [f"daily:1:{day.isoformat()}" for day in days]
    forged = f"https://arxiv.org/abs/2611.10000#pr:d:x:0/{contents.part_marker(keys[1], 0)}"
    paper = rendered_posts.bare_paper("2611.10000", days[0], title=forged, url=forged, thumbnail=forged)
    english = models.Locale.EN
    for day, key in zip(days, keys, strict=True):
        post = rendered_posts.daily(
            (paper,), marker=MARKER_PLACEHOLDER, locale=english, digest_on=day, total=1
        )
        parts = wire.deliveries.render(post)
        planned = wire.deliveries.build(DAILY, key, english, parts, wire.now, channel_id=channel_id)
        await outbox_builders.add(wire.database, planned)
        # Lose the second day's request before Discord sees it, and retry it after the nonce has expired.
        if day == days[1]:
            wire.fake.set_faults({"kind": "lose", "method": "POST", "stored": False})
            await wire.drain()
            wire.now += timedelta(minutes=5)
            wire.fake.set_faults()
        await wire.drain_until_sent()
    assert len(wire.fake.messages(channel_id)) == 2


@pytest.mark.promise
@pytest.mark.engines("sqlite", "postgresql")
async def test_nothing_is_claimed_without_the_sender_lock_and_current_term(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for channel in range(20, 25):
        await world.daily(channel=channel)
    await world.list("Mon", "A▲9")
    world.now = moment("Mon 09:00")
    await world.daily_planner.tick(world.now)
    terms: list[int | None] = [0]
    monkeypatch.setattr(relay, "MAX_IN_FLIGHT", 2)
    world.restart(get_term=lambda: terms.pop(0) if terms else None)
    await world.relay.drain(world.now)  # the lock is lost after the first claim
    assert world.outcomes == ["sent"] * 2
    present = await world.database.write(locks.raise_term, "")
    world.restart(get_term=lambda: present - 1)
    await world.relay.drain(world.now)
    assert world.outcomes == ["sent"] * 2
    world.restart(get_term=lambda: present)
    await world.relay.drain(world.now)
    assert world.outcomes == ["sent"] * 5
