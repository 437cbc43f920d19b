"""Messages of alerts, from `/alerts add` to what arrives, and their buttons."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bot.alerts import matcher
from bot.app.runtime import Runtime, build_runtime
from storage import locks, models
from tests.support import digest_builders
from tests.support.client_harness import ClientHarness, component_ids, shown_text


@dataclass
class Delivery:
    """The bot's background work on the simulated server, at the test's pace."""

    harness: ClientHarness
    runtime: Runtime

    async def ingest(self, *papers: tuple[str, int | None], text: str = "로봇을 care로 기른다.") -> None:
        """Store a digest of today."""
        digest = digest_builders.newsletter(self.harness.env.now().date(), papers, text=text)
        await self.harness.container.create_ingest().add_text(digest, location=str(papers))

    async def run(self, wait: timedelta = matcher.GATHERING_TIME) -> None:
        """Plan what is due now and after `wait`, and send it."""
        planner = self.harness.container.alert_planner
        await planner.drain()
        await planner.schedule_crossed()
        await self.harness.env.advance_time(wait.total_seconds())
        await planner.drain()
        await self.runtime.relay.drain(self.harness.env.now())

    def received(self) -> list[Any]:
        """The direct messages of the reader, oldest first."""
        return sorted(self.harness.user.dm_channel.history(), key=lambda message: message.id)


@pytest.fixture
async def delivery(harness: ClientHarness) -> AsyncIterator[Delivery]:
    lock = locks.SenderLock(harness.container.database)
    await lock.try_acquire()
    yield Delivery(harness, build_runtime(harness.container, harness.bot, asyncio.Event(), lock))
    await lock.release()


async def _add(harness: ClientHarness, member: Any = None, **options: Any) -> models.Alert:
    """Make an alert by its command and button."""
    member = member or harness.reader
    preview = await harness.ask("alerts add", by=member, **options)
    await member.click(preview, label=harness.texts("alert-create"))
    return (await harness.bot.services.alerts.list_rows(user_id=member.id))[-1]


async def _stored(harness: ClientHarness) -> models.Alert:
    (alert,) = await harness.bot.services.alerts.list_rows(user_id=harness.reader.id)
    return alert


async def test_a_paper_that_gets_the_votes_later_arrives_once_with_its_reason(delivery: Delivery) -> None:
    harness = delivery.harness
    await _add(harness, keyword="로봇", without="설문", votes=50)
    await delivery.ingest(("2601.90001", 12))
    await delivery.ingest(("2601.90002", 99), text="로봇 설문 조사다.")
    await delivery.run()
    assert delivery.received() == []
    for votes in (53, 70, 40):
        reading = models.PaperFacts("2601.90001", "huggingface", "u", harness.env.now(), votes=votes)
        await harness.container.create_ingest().add_facts([reading])
        await delivery.run()
    (message,) = delivery.received()
    assert "passed 50 votes · ▲ 53 (12 when matched)" in shown_text(message)
    assert "“로봇” in the summary" in shown_text(message)


async def test_an_alert_says_why_and_sends_fewer_or_none_at_a_press(delivery: Delivery) -> None:
    harness = delivery.harness
    await _add(harness, keyword="로봇")
    await delivery.ingest(*((f"2601.9000{number}", 10 - number) for number in range(7)))
    await delivery.run()
    (message,) = delivery.received()
    assert len([custom_id for custom_id in component_ids(message) if custom_id.startswith("pr:ay:")]) == 5
    opened = await harness.press(message, custom_id="pr:o:2601.90000", by=harness.user)
    assert "2601.90000" in shown_text(opened)
    why = await harness.press(message, custom_id="pr:ay:2601.90000", by=harness.user)
    assert harness.texts("alert-found-text", text="로봇") in shown_text(why)
    for min_votes in (10, 20):
        await harness.user.click(message, label=harness.texts("alert-fewer"))
        assert (await _stored(harness)).min_votes == min_votes
    await harness.user.click(message, label=harness.texts("alert-pause-week"))
    assert (await _stored(harness)).paused_until_at is not None
    await harness.user.click(why, label=harness.texts("alert-mute"))
    assert (await _stored(harness)).state is models.ActivityState.PAUSED


async def test_a_reason_quotes_the_sentence_that_it_stands_on(delivery: Delivery) -> None:
    harness = delivery.harness
    await _add(harness, keyword="quantization")
    text = "It begins with a large model. Then *post-training* quantization halves its memory. It ends."
    await delivery.ingest(("2601.90001", 5), text=text)
    await delivery.run()
    (message,) = delivery.received()
    sentence = "Then post-training **quantization** halves its memory."
    assert sentence in shown_text(message)
    assert "It begins" not in shown_text(message)
    why = await harness.press(message, custom_id="pr:ay:2601.90001", by=harness.user)
    assert f"“quantization” in the summary\n{sentence}" in shown_text(why)


async def test_a_message_of_several_alerts_lets_the_reader_choose_one(delivery: Delivery) -> None:
    harness = delivery.harness
    ids = [
        (await _add(harness, **options)).id
        for options in ({"keyword": "로봇"}, {"keyword": "care", "when": "daily"})
    ]
    await delivery.ingest(("2601.90001", 5))
    await delivery.run(timedelta(days=1))
    (message,) = delivery.received()
    assert harness.texts("alert-mute") not in shown_text(message)
    for alert_id in ids:
        why = await harness.press(message, custom_id="pr:ay:2601.90001", by=harness.user)
        await harness.user.click(why, custom_id=f"pr:af:{alert_id}")
    changed = await harness.bot.services.alerts.list_rows(user_id=harness.reader.id)
    # What is sent at once asks for votes, what is gathered is halved.
    assert [(alert.min_votes, alert.max_papers) for alert in changed] == [(10, 10), (0, 5)]


async def test_a_channel_is_told_what_is_new_without_your(delivery: Delivery) -> None:
    harness = delivery.harness
    await _add(harness, harness.manager, keyword="로봇", channel=harness.channel)
    await delivery.ingest(("2601.90001", 5), ("2601.90002", 5))
    await delivery.run()
    shown = shown_text(harness.channel.last_message)
    assert "**2 new papers** · 로봇" in shown
    assert "your" not in shown
    why = await harness.press(harness.channel.last_message, custom_id="pr:ay:2601.90001")
    assert harness.texts("alert-found-text", text="로봇") in shown_text(why)
    assert harness.texts("alert-mute") not in shown_text(why)  # it is the manager's


async def test_direct_messages_closed_in_the_middle_lose_nothing(delivery: Delivery) -> None:
    harness = delivery.harness
    alert = await _add(harness, keyword="care")
    await delivery.ingest(("2601.90001", 5))
    await delivery.run(timedelta())
    await harness.env.advance_time(100)
    await delivery.ingest(("2601.90002", 5))
    await delivery.runtime.container.alert_planner.drain()
    harness.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    await delivery.run()
    await delivery.ingest(("2601.90003", 5))
    await delivery.run()
    assert delivery.received() == []
    assert (await _stored(harness)).reason == "dms-closed"
    listed = await harness.ask("alerts list")
    shown = await harness.choose(listed, "pr:as", str(alert.id))
    assert harness.texts("reason-dms-closed") in shown_text(shown)
    await harness.reader.click(shown, label=harness.texts("resume"))
    await delivery.run()
    (message,) = delivery.received()
    shown_ids = component_ids(message)
    assert [f"pr:o:2601.9000{number}" in shown_ids for number in (1, 2, 3)] == [True, True, False]
