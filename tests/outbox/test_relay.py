"""The relay's protocol on the wire: each part arrives exactly once, in order, despite faults."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from discord.http import MultipartParameters

from bot.app.client import DiscordRenderer
from bot.client import sender as client_sender
from bot.client import translations
from bot.client.messages import CommandMentions
from bot.core.clock import system_clock
from bot.daily import choice
from bot.daily import planner as daily_planner
from bot.daily.service import Subscriptions
from bot.outbox import contents, outcomes, relay
from bot.outbox.contents import DeliveryFactory, new_nonce
from bot.rendering.templates import Templates
from bot.search.service import SearchService
from storage import errors, locks, models, outbox, tables
from storage.database import Database, sqlite_path
from storage.models import PartKind
from tests.fake_discord import model, process
from tests.support import digest_builders, outbox_builders, patience, rendered_posts
from tests.support.relay_harness import (
    SHORT_LIMITS,
    RelayHarness,
    StubNoticeRenderer,
    all_sent,
    message_payload,
    message_texts,
    new_delivery,
)

pytestmark = pytest.mark.wire


@pytest.mark.engines("postgresql")
async def test_postgresql_has_what_another_process_plans_sent_without_a_poll_and_by_polls_once_the_session_is_lost(
    relay_harness: RelayHarness, fake: process.FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    [channel_id] = await fake.add_channels(1)
    monkeypatch.setattr(relay, "POLL_SECONDS", 1e6)
    lock, stop = locks.SenderLock(relay_harness.db), asyncio.Event()
    assert await lock.try_acquire()
    term = lock.term
    opened = relay_harness.open_relay(get_term=lambda: term)
    lock.on_planned = opened.wake
    running = asyncio.create_task(opened.run(stop))

    async def are_sent() -> bool:
        return all_sent(await relay_harness.list_states())

    for key in "abc":
        await relay_harness.add(key, channel_id)
        await patience.wait_until(are_sent)
    await lock.release()
    monkeypatch.setattr(relay, "POLL_SECONDS", 0.05)
    opened.wake()
    await relay_harness.add("d", channel_id)
    await patience.wait_until(are_sent)
    assert message_texts(await fake.messages(channel_id)) == ["a 0", "b 0", "c 0", "d 0"]
    stop.set()
    await running


async def test_a_part_that_is_corrected_while_it_waits_for_its_channel_is_sent_as_corrected(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.set_faults({"kind": "slow", "seconds": 0.5, "method": "POST", "times": 1})
    await relay_harness.add("a", channel_id)
    await relay_harness.add("b", channel_id)
    draining = asyncio.create_task(relay_harness.drain())

    async def has_begun() -> bool:
        async with relay_harness.db.read() as connection:
            return models.PartState.SENDING in await outbox.count_by_state(connection)

    await patience.wait_until(has_begun)
    async with relay_harness.db.transaction() as connection:
        corrected = sa.func.replace(tables.parts.c.payload, "b 0", "b corrected")
        await connection.execute(tables.parts.update().values(payload=corrected))
    await draining
    assert message_texts(await fake.messages(channel_id)) == ["a 0", "b corrected"]


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
    assert await relay_harness.list_states() == ["planned", "planned", "planned"]
    await fake.set_faults()
    await fake.run_action("expire_nonces")
    relay_harness.clock_offset += timedelta(minutes=10)
    await relay_harness.drain()
    assert all_sent(await relay_harness.list_states())
    assert message_texts(await fake.messages(lost)) == ["a 0", "a 1"]
    assert message_texts(await fake.messages(refused)) == ["b 0"]
    assert relay_harness.results.count("found") == 1


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
    assert await relay_harness.list_states() == ["uncertain", "planned"]
    assert message_texts(await fake.messages(channel_id)) == ["a 0"]


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


@pytest.mark.parametrize("fault", [None, 503, 403])
async def test_what_a_restored_backup_finds_gets_the_text_that_was_corrected_since(
    relay_harness: RelayHarness, fake: process.FakeDiscord, fault: int | None
) -> None:
    """The post is planned again with other text and one message more. An edit that Discord refuses stops nothing."""
    [channel_id, forum] = await fake.add_channels(2)
    await fake.change_channel(forum, type=model.FORUM)
    kinds = (PartKind.FORUM_POST, PartKind.THREAD_MESSAGE)
    await relay_harness.add("a", channel_id, parts=2)
    await relay_harness.add("b", forum, kinds=kinds)
    await relay_harness.drain()
    async with relay_harness.db.transaction() as connection:
        await connection.execute(sa.delete(tables.parts))
        await connection.execute(sa.delete(tables.deliveries))
    now, post = relay_harness.now(), models.StoredPost(papers=("2601.00001",))
    for planned in (
        new_delivery("a", channel_id, now, parts=3, post=post),
        new_delivery("b", forum, now, kinds=(*kinds, PartKind.THREAD_MESSAGE), post=post),
    ):
        corrected = [
            replace(part, payload=re.sub(r'"([ab]) (\d)"', r'"corrected \1 \2"', part.payload))
            for part in planned.parts
        ]
        await relay_harness.add_deliveries(replace(planned, parts=tuple(corrected)))
    if fault is not None:
        code = 50001 if fault == 403 else 0
        status = {"kind": "status", "status": fault, "code": code, "method": "PATCH"}
        await fake.set_faults(status | ({"times": 1} if fault == 503 else {}))
    await relay_harness.drain(until=all_sent)
    [thread] = [row for row in await fake.run_action("list_channels") if row["parent_id"] == forum]
    seen = message_texts([*await fake.messages(channel_id), *await fake.messages(thread["id"])])
    was = "" if fault == 403 else "corrected "
    assert seen == [
        *(f"{was}a 0", f"{was}a 1", "corrected a 2"),
        *(f"{was}b 0", f"{was}b 1", "corrected b 2"),
    ]


async def test_a_restored_backup_does_not_replace_a_post_by_one_without_papers(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    await relay_harness.add("a", channel_id, post=models.StoredPost(papers=("2601.00001",)))
    await relay_harness.drain()
    await _forget_sent(relay_harness)
    # Planned again before the digest of the day was read again.
    async with relay_harness.db.transaction() as connection:
        await connection.execute(sa.update(tables.deliveries).values(post=models.StoredPost()))
        payload = sa.func.replace(tables.parts.c.payload, "a 0", "no papers")
        await connection.execute(sa.update(tables.parts).values(payload=payload))
    await relay_harness.drain()
    assert all_sent(await relay_harness.list_states())
    assert message_texts(await fake.messages(channel_id)) == ["a 0"]


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("style", [models.Style.COMPACT, models.Style.CARDS])
@pytest.mark.parametrize(
    ("change", "top_n"),
    [
        ("a newer digest", 5),
        ("newer votes", 5),
        ("a newer digest", 25),
        ("a newer digest with fewer votes", 3),
        ("another digest of the day", 10),
    ],
)
async def test_a_post_that_a_restored_backup_plans_otherwise_shows_every_paper_once(
    relay_harness: RelayHarness,
    fake: process.FakeDiscord,
    tmp_path: Path,
    style: models.Style,
    change: str,
    top_n: int,
) -> None:
    """Between the post and the restore the digest of the next day was read, another one of its day, or its own again."""
    database, start = relay_harness.db, relay_harness.now()
    [channel_id] = await fake.add_channels(1)
    post = models.Subscription(
        guild_id=process.GUILD_ID,
        channel_id=channel_id,
        at_time=f"{start:%H:%M}",
        wait_minutes=0,
        top_n=top_n,
        style=style,
    )
    await Subscriptions(database, lambda: start - timedelta(hours=1)).add(post)
    renderer = rendered_posts.new_renderer()

    def open_planner() -> daily_planner.DailyPlanner:
        matcher = SearchService(database).match_papers
        return daily_planner.DailyPlanner(database, DeliveryFactory(lambda: renderer), matcher)

    papers_of_day = range(1, 8 if change.startswith("another") else 4)

    async def store(day: int, sign: int = 1) -> None:
        most = 10 * (9 - day if change.endswith("fewer votes") else day)
        rows = [(f"2601.0{day}00{number}", most + sign * number) for number in papers_of_day]
        text = digest_builders.newsletter((start + timedelta(days=day)).date(), rows)
        await digest_builders.ingest_digest(database, text, at=relay_harness.now(), location=f"{day}")

    async def store_another(day: int) -> None:
        rows = [(f"2601.0{day}01{number}", 90 + number) for number in range(1, 5)]
        text = digest_builders.newsletter((start + timedelta(days=day)).date(), rows)
        await digest_builders.ingest_digest(database, text, at=relay_harness.now(), location="another")

    async def send(planner: daily_planner.DailyPlanner, sender: relay.Relay) -> None:
        await sender.expire(relay_harness.now())
        await planner.tick(relay_harness.now())
        await sender.drain(relay_harness.now())

    path, backup = sqlite_path(database.url) or "", tmp_path / "backup.db"
    planner, sender = open_planner(), relay_harness.open_relay()
    for day in range(5):
        relay_harness.clock_offset = timedelta(days=day)
        if day == 2:
            _copy_sqlite(path, backup)
        await send(planner, sender)
        relay_harness.clock_offset += timedelta(hours=1)
        if day == 2:
            await database.engine.dispose()
            _copy_sqlite(backup, path)
            await fake.run_action("expire_nonces")
            planner, sender = open_planner(), relay_harness.open_relay()
            await planner.reschedule(relay_harness.now())
            if change == "another digest of the day":
                await store_another(day - 1)
            else:
                await (store(day - 1, -1) if change == "newer votes" else store(day))
            await send(planner, sender)
        await store(day)
    messages = await fake.messages(channel_id)
    ids_of_messages = [set(re.findall(r"abs/(2601\.\d{5})", str(row["payload"]))) for row in messages]
    shown = [id_ for ids in ids_of_messages for id_ in ids]
    assert len(shown) == len(set(shown))
    expected = {f"2601.0{day}00{number}" for day in range(4) for number in papers_of_day}
    beyond_top: set[str] = set()
    if change == "another digest of the day":
        expected |= {f"2601.0101{number}" for number in range(1, 5)}
        beyond_top = {"2601.02001"}  # the eleventh of the next post
    assert set(shown) - beyond_top == expected - beyond_top
    if top_n == 25 and style is models.Style.COMPACT:
        # What is inserted into a message of yesterday notifies nobody.
        assert all(len({id_[:7] for id_ in ids}) == 1 for ids in ids_of_messages)


def _copy_sqlite(source: Path | str, target: Path | str) -> None:
    with closing(sqlite3.connect(source)) as opened, closing(sqlite3.connect(target)) as copy:
        opened.backup(copy)


async def test_papers_of_the_day_that_a_restored_backup_plans_later_than_before_come_once(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    """As when their list is read only after the start, or they are planned with those of the next day."""
    [channel_id] = await fake.add_channels(1)
    now = relay_harness.now()
    sent = new_delivery("a", channel_id, now, kind=models.DeliveryKind.TODAY, digest_on=now.date())
    await relay_harness.add_deliveries(sent)
    await relay_harness.drain()
    await _forget_sent(relay_harness)
    new_relay = relay_harness.open_relay()
    await new_relay.drain(relay_harness.now() - timedelta(hours=1))  # the term begins
    async with relay_harness.db.transaction() as connection:
        await connection.execute(sa.update(tables.deliveries).values(due_at=now + timedelta(minutes=5)))
    relay_harness.clock_offset += timedelta(minutes=10)
    await new_relay.drain(relay_harness.now())
    assert all_sent(await relay_harness.list_states())
    assert message_texts(await fake.messages(channel_id)) == ["a 0"]


async def test_an_alert_that_a_restored_backup_plans_with_more_papers_is_sent_for_them(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    """The day's list has grown when it is read again: an edit of the former message would not notify of the added paper."""
    [grown, corrected] = await fake.add_channels(2)
    known, added = "2601.00001", "2601.00002"
    for channel_id in (grown, corrected):
        await relay_harness.add(
            f"{channel_id}",
            channel_id,
            kind=models.DeliveryKind.ALERT,
            post=models.StoredPost(papers=(known,)),
        )

    async def replace_text(channel_id: int, former: str, new: str, *papers: str) -> None:
        async with relay_harness.db.transaction() as connection:
            of_channel = tables.deliveries.c.channel_id == channel_id
            post = models.StoredPost(papers=papers)
            await connection.execute(sa.update(tables.deliveries).where(of_channel).values(post=post))
            ids = sa.select(tables.deliveries.c.id).where(of_channel)
            payload = sa.func.replace(tables.parts.c.payload, former, new)
            own_parts = sa.update(tables.parts).where(tables.parts.c.delivery_id.in_(ids))
            await connection.execute(own_parts.values(payload=payload))

    for channel_id in (grown, corrected):
        await replace_text(channel_id, f"{channel_id} 0", known, known)
    await relay_harness.drain()
    await _forget_sent(relay_harness)
    await replace_text(grown, known, f"{added} {known}", added, known)
    await replace_text(corrected, known, f"{known} corrected", known)
    await relay_harness.drain()
    assert message_texts(await fake.messages(grown)) == [known, f"{added} {known}"]
    assert message_texts(await fake.messages(corrected)) == [f"{known} corrected"]


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


async def test_a_search_that_fails_or_a_crash_before_its_end_is_followed_by_another_one(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    failing, crashed = await fake.add_channels(2)
    for key, channel_id in (("a", failing), ("b", crashed)):
        await relay_harness.add(key, channel_id)
    await relay_harness.drain()
    await _forget_sent(relay_harness)
    async with relay_harness.db.transaction() as connection:
        statement = sa.update(tables.parts).where(tables.parts.c.delivery_id == 2)
        await connection.execute(statement.values(state="sending", first_attempt_at=relay_harness.now()))
    await fake.set_faults(
        {"kind": "status", "status": 503, "method": "GET", "path": f"/channels/{failing}/*"}
    )
    await relay_harness.drain()
    await fake.set_faults()
    await relay_harness.drain(until=all_sent)
    for channel_id, text in ((failing, "a 0"), (crashed, "b 0")):
        assert message_texts(await fake.messages(channel_id)) == [text]


async def test_a_crash_during_the_search_is_followed_by_one_as_long_however_late_the_next_start_is(
    relay_harness: RelayHarness, fake: process.FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a busy channel the message of before the restore is not on the first page of the history."""
    monkeypatch.setattr(client_sender, "PAGE_SIZE", 2)
    [channel_id] = await fake.add_channels(1)
    await relay_harness.add("a", channel_id)
    await relay_harness.drain()
    for _ in range(3):
        chat = MultipartParameters(payload={"content": "chat"}, multipart=None, files=None)
        await relay_harness.client.http.send_message(channel_id, params=chat)
    await _forget_sent(relay_harness)
    relay_harness.clock_offset = timedelta(hours=3)
    async with relay_harness.db.transaction() as connection:
        interrupted = {"state": "sending", "first_attempt_at": relay_harness.now()}
        await connection.execute(sa.update(tables.parts).values(interrupted))
    relay_harness.clock_offset += timedelta(minutes=10)
    await relay_harness.drain()
    assert all_sent(await relay_harness.list_states())
    assert relay_harness.results[-1] == "found"
    assert len(await fake.messages(channel_id)) == 4


async def _forget_sent(relay_harness: RelayHarness) -> None:
    """Let the outbox not know what was sent, as after the restore of a backup. The nonces are over."""
    async with relay_harness.db.transaction() as connection:
        await connection.exec_driver_sql(
            "UPDATE parts SET state = 'planned', first_attempt_at = NULL, message_id = NULL, nonce = id"
        )
        await connection.exec_driver_sql("UPDATE deliveries SET state = 'planned'")


async def test_what_was_due_before_the_start_is_sent_where_the_history_cannot_be_read(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.change_channel(channel_id, denied=model.READ_MESSAGE_HISTORY)
    await relay_harness.add("a", channel_id, parts=2)
    await relay_harness.drain()
    assert all_sent(await relay_harness.list_states())
    assert message_texts(await fake.messages(channel_id)) == ["a 0", "a 1"]


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


async def test_an_edit_changes_its_message_and_one_of_a_deleted_message_counts_as_sent(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    await relay_harness.add("a", channel_id, parts=2)
    await relay_harness.drain()
    kept, deleted = await fake.messages(channel_id)
    await fake.run_action("delete_message", {"channel_id": channel_id, "message_id": deleted["id"]})
    changed = message_payload("pr:d:a:0/", "corrected")
    edits = tuple(
        models.NewPart(PartKind.EDIT, changed, new_nonce(), channel_id=channel_id, message_id=message["id"])
        for message in (kept, deleted)
    )
    await relay_harness.add_deliveries(
        replace(new_delivery("edit", channel_id, relay_harness.now()), parts=edits)
    )
    await relay_harness.drain()
    assert message_texts(await fake.messages(channel_id)) == ["corrected"]
    assert all_sent(await relay_harness.list_states())


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
    assert await relay_harness.list_states() == ["sent", "failed"]


async def test_an_alert_planned_during_a_fan_out_does_not_wait_for_its_end(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    channels = await fake.add_channels(121)
    now = relay_harness.now()
    await relay_harness.add_deliveries(*(new_delivery(f"d{i}", i, now) for i in channels[:120]))
    await fake.set_faults({"kind": "slow", "method": "POST", "seconds": 0.03})
    busy_relay = relay_harness.open_relay(relay.Limits(max_in_flight=4, min_free_slots=2))
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
    await relay_harness.add_deliveries(
        *(new_delivery(f"c{n}", crowded, now, priority=10) for n in range(relay.PREFETCH_LIMIT + 5))
    )
    await relay_harness.add_deliveries(new_delivery("other", other, now))
    busy_relay = relay_harness.open_relay(rate_limiter=outcomes.RateLimiter(time.monotonic))
    drain = asyncio.create_task(busy_relay.drain(now))
    await fake.wait_for_messages(other)
    assert len(await fake.messages(crowded)) <= 8
    drain.cancel()
    await asyncio.gather(drain, return_exceptions=True)


async def test_a_slow_answer_leaves_one_copy(relay_harness: RelayHarness, fake: process.FakeDiscord) -> None:
    [channel_id] = await fake.add_channels(1)
    relay_harness.limits = SHORT_LIMITS
    await fake.set_faults({"kind": "slow", "method": "POST", "seconds": 5, "stored": True, "times": 1})
    await relay_harness.add("a", channel_id, parts=2)
    await relay_harness.drain(until=all_sent)
    assert message_texts(await fake.messages(channel_id)) == ["a 0", "a 1"]
    assert len(await fake.log("POST", "/channels/")) == 2, "a late answer is an answer"


async def test_a_clock_set_back_between_two_attempts_leaves_one_copy(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    relay_harness.clock_offset = timedelta(hours=3)
    await fake.set_faults({"kind": "lose", "method": "POST", "stored": True, "times": 1})
    await relay_harness.add_deliveries(
        new_delivery("a", channel_id, relay_harness.now() - timedelta(hours=6))
    )
    await relay_harness.drain()
    await fake.run_action("expire_nonces")
    relay_harness.clock_offset = timedelta(0)
    async with relay_harness.db.transaction() as connection:
        [part] = await relay_harness.list_parts()
        await outbox.mark_sending(connection, [part.id], relay_harness.now())
        await outbox.mark_retry(
            connection,
            part.id,
            next_attempt_at=relay_harness.now(),
            unknown_since=part.first_attempt_at,
            error="",
        )
    await relay_harness.drain(until=all_sent)
    assert message_texts(await fake.messages(channel_id)) == ["a 0"]


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


@pytest.mark.engines("sqlite", "postgresql")
async def test_nothing_is_claimed_without_the_sender_lock_or_under_an_old_term(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    channels = await fake.add_channels(5)
    await relay_harness.add_deliveries(
        *(new_delivery(f"d{channel_id}", channel_id, relay_harness.now()) for channel_id in channels)
    )
    terms: list[int | None] = [0]
    two_slots = relay.Limits(max_in_flight=2, min_free_slots=1)
    new_relay = relay_harness.open_relay(two_slots, get_term=lambda: terms.pop(0) if terms else None)
    await new_relay.drain(
        relay_harness.now()
    )  # the lock is lost after the first claim, with parts prefetched
    assert (await relay_harness.list_states()).count("sent") == 2
    async with relay_harness.db.transaction() as connection:
        present = await locks.raise_term(connection)
    former = relay_harness.open_relay(get_term=lambda: present - 1)
    await former.drain(relay_harness.now())
    assert (await relay_harness.list_states()).count("sent") == 2
    await relay_harness.open_relay(get_term=lambda: present).drain(relay_harness.now())
    assert all_sent(await relay_harness.list_states())


class StubSender:
    """A sender that raises an unexpected error until `works` is set."""

    def __init__(self) -> None:
        self.attempts = 0
        self.works = False
        self.slow_channel_id: int | None = None
        self.stuck_channel_id: int | None = None

    async def send(self, request: outcomes.SendRequest) -> models.Receipt:
        self.attempts += 1
        if not self.works:
            raise KeyError("id")
        if request.channel_id == self.slow_channel_id:
            await asyncio.sleep(0.05)
        if request.channel_id == self.stuck_channel_id:
            await asyncio.Event().wait()
        return models.Receipt(1, request.channel_id)

    async def find(self, request: outcomes.SendRequest, since: datetime) -> models.Receipt | None:
        return None

    async def open_dm(self, user_id: int) -> int:
        raise AssertionError


def open_stub_relay(
    db: Database,
    stub_sender: StubSender,
    now: datetime,
    *,
    limits: relay.Limits = SHORT_LIMITS,
    on_claimed: Callable[[], None] = lambda: None,
) -> relay.Relay:
    deliveries = DeliveryFactory(StubNoticeRenderer)
    health = outbox_builders.make_health()
    recorder = outbox_builders.make_recorder(db, deliveries, health=health, linger_seconds=0.0)
    return relay.Relay(
        db, stub_sender, recorder, health, clock=lambda: now, limits=limits, on_claimed=on_claimed
    )


async def test_an_unexpected_error_leaves_the_outcome_unknown_and_is_retried_later(db: Database) -> None:
    stub_sender = StubSender()
    now = system_clock()
    stub_relay = open_stub_relay(db, stub_sender, now)
    async with db.transaction() as connection:
        await outbox.add(connection, new_delivery("a", 1, now))
    async with patience.limit(5):
        await stub_relay.drain(now)
    assert stub_sender.attempts == 1
    async with db.read() as connection:
        (delivery,) = await outbox.list_rows(connection)
        (part,) = await outbox.list_parts(connection, delivery.id)
    assert part.state is models.PartState.PLANNED
    assert part.first_attempt_at is not None
    stub_sender.works = True
    await stub_relay.drain(now + timedelta(minutes=2))
    async with db.read() as connection:
        assert (await outbox.list_rows(connection))[0].state is models.DeliveryState.SENT


async def test_attempts_that_are_all_late_do_not_stop_the_event_loop(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "POLL_SECONDS", 0.05)
    answered, claims = asyncio.Event(), 0

    class SlowSender(StubSender):
        async def send(self, request: outcomes.SendRequest) -> models.Receipt:
            await answered.wait()
            return models.Receipt(1, request.channel_id)

    def count_claim() -> None:
        nonlocal claims
        claims += 1
        assert claims < 1000, "the relay claims again and again without waiting"

    now = system_clock()
    slow_relay = open_stub_relay(
        db,
        SlowSender(),
        now,
        limits=relay.Limits(max_in_flight=2, min_free_slots=1, attempt_seconds=0.05),
        on_claimed=count_claim,
    )
    async with db.transaction() as connection:
        await outbox.add_all(connection, [new_delivery(f"d{i}", i, now) for i in range(1, 7)])
    with structlog.testing.capture_logs() as logged:
        drain = asyncio.create_task(slow_relay.drain(now))

        def are_all_late() -> bool:
            return drain.done() or sum(entry["event"] == "no answer in time" for entry in logged) == 4

        await patience.wait_until(are_all_late)
        earlier = claims
        await patience.wait_until(lambda: drain.done() or claims > earlier)
        answered.set()
        await drain
    async with db.read() as connection:
        assert {row.state for row in await outbox.list_rows(connection)} == {models.DeliveryState.SENT}


async def test_an_attempt_that_never_ends_does_not_keep_a_lost_outcome_from_being_determined(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = system_clock()
    stub_sender = StubSender()
    stub_sender.works = True
    stub_sender.stuck_channel_id = 1
    stub_relay = open_stub_relay(db, stub_sender, now)
    mark_sent, failures = outbox.mark_sent, iter([True])

    async def fail_once(*args: Any) -> None:
        if next(failures, False):
            raise OSError("the disk was full for a moment")
        await mark_sent(*args)

    monkeypatch.setattr(outbox, "mark_sent", fail_once)
    async with db.transaction() as connection:
        await outbox.add_all(connection, [new_delivery("a", 1, now), new_delivery("b", 2, now)])
    stop = asyncio.Event()
    running = asyncio.create_task(stub_relay.run(stop))

    async def is_sent() -> bool:
        async with db.read() as connection:
            return await outbox.count_by_state(connection) == {
                models.PartState.SENDING: 1,
                models.PartState.SENT: 1,
            }

    await patience.wait_until(is_sent)
    stop.set()
    await running


async def test_an_attempt_that_ends_during_a_query_does_not_end_the_drain(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The query leaves out the busy channel; nothing else is in flight when it returns."""
    now = system_clock()
    stub_sender = StubSender()
    stub_sender.works = True
    stub_relay = open_stub_relay(db, stub_sender, now)
    list_due = outbox.list_due

    async def list_due_slowly(*args: Any, **options: Any) -> list[outbox.DuePart]:
        due_parts = await list_due(*args, **options)
        while stub_relay._tasks:  # noqa: ASYNC110 - the attempts have no event
            await asyncio.sleep(0.001)
        return due_parts

    monkeypatch.setattr(outbox, "list_due", list_due_slowly)
    async with db.transaction() as connection:
        await outbox.add_all(connection, [new_delivery("a", 1, now, parts=2), new_delivery("b", 2, now)])
    stub_sender.slow_channel_id = 1
    await stub_relay.drain(now)
    assert stub_sender.attempts == 3


BROKEN_ROWS = {
    ("deliveries", "kind"): "hologram",
    ("deliveries", "post"): '{"papers": 5}',
    ("deliveries", "expires_at"): "tomorrow",
    ("parts", "kind"): "hologram",
    ("parts", "last_attempt_at"): "yesterday",
}
"""A value that cannot be read, by table and column; PostgreSQL refuses those of times itself."""


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_row_that_cannot_be_read_is_named_and_waits_while_all_others_are_sent(db: Database) -> None:
    stub_sender, now = StubSender(), system_clock()
    stub_sender.works = True
    broken = [name for name in BROKEN_ROWS if db.is_sqlite or not name[1].endswith("_at")]

    async def damage(name: tuple[str, str]) -> None:
        table, column = name
        key = "id" if table == "deliveries" else "delivery_id"
        value = BROKEN_ROWS[name].replace("'", "''")
        async with db.transaction() as connection:
            ids = await outbox.add_all(connection, [new_delivery(f"{table}.{column}", 1, now)])
            [id_] = ids.values()
            await connection.execute(sa.text(f"UPDATE {table} SET {column} = '{value}' WHERE {key} = {id_}"))

    async def list_states() -> dict[str, str]:
        async with db.read() as connection:
            rows = await connection.execute(sa.select(tables.deliveries.c.key, tables.deliveries.c.state))
            return {key: state for key, state in rows}  # noqa: C416 - gives the tuples their types

    async def is_sent(key: str) -> bool:
        return (await list_states())[key] == models.DeliveryState.SENT

    async with db.transaction() as connection:
        await outbox.add(connection, new_delivery("before", 1, now))
    for name in broken[:-1]:
        await damage(name)
    stub_relay, stop = open_stub_relay(db, stub_sender, now), asyncio.Event()
    with structlog.testing.capture_logs() as lines:
        running = asyncio.create_task(stub_relay.run(stop))
        await patience.wait_until(partial(is_sent, "before"))
        await damage(broken[-1])  # while the bot runs
        async with db.transaction() as connection:
            await outbox.add(connection, new_delivery("after", 1, now))
        stub_relay.wake()
        await patience.wait_until(partial(is_sent, "after"))
        stop.set()
        await running
    states = await list_states()
    assert [states[".".join(name)] for name in broken] == [models.DeliveryState.UNCERTAIN] * len(broken)
    async with db.transaction() as connection:
        named = [(row.table, row.column) for row in await outbox.list_unreadable(connection)]
        listed = await outbox.list_rows(connection)
        assert {"before", "after"} <= {row.key for row in listed}
        of_parts = await outbox.list_parts_by_delivery(connection, [row.id for row in listed])
        await outbox.list_posts(connection, [*models.DeliveryKind], now - timedelta(days=1))
        await outbox.list_edits(connection, range(1, 100), now - timedelta(days=1))
        assert sum(map(bool, of_parts.values())) == 2
        await outbox.clamp_expiries(connection, now, now=now, extend_by=timedelta(hours=1))
        ids = {row.id: row.key for row in listed}
        await connection.execute(sa.text("UPDATE deliveries SET state = 'hologram' WHERE key = 'before'"))
        known = await outbox.list_states(connection, ids, now - timedelta(days=1))
        assert {ids[id_] for id_ in known} == set(ids.values()) - {"before"}
    assert sorted(named) == sorted(broken)
    reasons = [line["reason"] for line in lines if line["event"] == "a row of the outbox cannot be read"]
    assert len(reasons) == len(broken)
    for table, column in broken:
        assert any(reason.startswith(table) and f"its {column} was" in reason for reason in reasons)


async def test_an_outage_is_logged_once_and_its_end(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_sender, now, rounds = StubSender(), system_clock(), 0
    stub_sender.works = True
    stub_relay, stop = open_stub_relay(sqlite_db, stub_sender, now), asyncio.Event()
    run_round = stub_relay._run_round

    async def fail_at_first(clock: Any) -> None:
        nonlocal rounds
        rounds += 1
        if rounds <= 5:
            raise errors.DatabaseBusyError("The disk is too full" if rounds <= 3 else "The file is locked")
        stop.set()
        await run_round(clock)

    monkeypatch.setattr(stub_relay, "_run_round", fail_at_first)
    monkeypatch.setattr(relay, "POLL_SECONDS", 0.001)
    with structlog.testing.capture_logs() as lines:
        async with patience.limit(5):
            await stub_relay.run(stop)
    assert [line.get("reason", line["event"]) for line in lines] == [
        "The disk is too full",
        "The file is locked",
        "relay rounds succeed again",
    ]
