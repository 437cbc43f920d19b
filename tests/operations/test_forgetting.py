"""What leaves a reader's alerts and messages for others to see, and what is left of the reader after `/me forget`."""

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from bot.app.workers import Workers
from bot.features.operations.readers import Readers
from bot.features.shelf.news import NewsPlanner
from bot.features.today.service import TodayPlanner
from bot.outbox import outcomes
from storage import accounts, models, paper_texts, papers
from storage.alerts import OwnerRight
from storage.papers import EventKind, PaperEvent
from tests.ask.test_commands import mention, open_thread
from tests.support import asked_paper, reader_rows
from tests.support.client_harness import ClientHarness, shown_text

WORDS = "layoffs at acme"


async def _lose_right(harness: ClientHarness, right: OwnerRight, *closed: int) -> None:
    """Let five days pass in which an alert's owner lacks the right, and these users refuse direct messages."""
    runtime, workers = harness.runtime or await harness.start_runtime(), Workers(harness.container)
    planner = workers.alert_planner
    planner.find_right = mock.AsyncMock(return_value=right)
    make = runtime.relay.sender._request  # type: ignore[attr-defined]

    async def refuse(method: str, path: str, *arguments: Any, **options: Any) -> Any:
        dms = {f"/channels/{harness.env.backend.dm_channels.get(user_id)}/messages" for user_id in closed}
        if method == "POST" and path in dms:
            refused = outcomes.classify(403, 50007, models.PartKind.MESSAGE)
            raise outcomes.DeliveryError(refused, "messages are closed", status=403, code=50007)
        return await make(method, path, *arguments, **options)

    with mock.patch.object(runtime.relay.sender, "_request", refuse):
        for _ in range(10):
            await planner.drain()
            await workers.services.get(TodayPlanner).tick(harness.env.now())
            await workers.services.get(NewsPlanner).tick(harness.env.now())
            await runtime.relay.drain(harness.env.now())
            await harness.env.advance_time(timedelta(hours=13).total_seconds())


async def _use_what_is_for_readers(harness: ClientHarness) -> None:
    """Save, note, mark and discuss a paper, ask about it in private and in its thread, and ask for all messages."""
    database, reader = harness.container.database, harness.reader
    await database.write(accounts.upsert_reader, reader.id, timezone="UTC")
    await harness.press(await harness.ask("paper", paper=PAPER), "save")
    await harness.fill(await harness.ask("paper", paper=PAPER), "saved-edit", note=WORDS, tags=WORDS)
    await harness.press(await harness.ask("saved"), "news-start")
    shown = await harness.ask("today", at="9am UTC")
    await harness.select(shown, ["more:2501.00004"], custom_id="pr:tm")
    async with database.transaction() as connection:
        text = models.PaperText(PAPER, asked_paper.MARKDOWN, "https://example.org", harness.env.now())
        await paper_texts.save(connection, text)
        [paper_id] = (await papers.get_ids(connection, [PAPER])).values()
    await harness.ask("ask", paper=PAPER, question=f"Which data have {WORDS}?")
    thread = await open_thread(harness, PAPER)
    assert await mention(harness, thread, "Which licence?")
    await harness.wait(hours=1)
    event = PaperEvent(0, paper_id, EventKind.JOURNAL, "Proc.", harness.env.now())
    await database.write(papers.add_events, [event])


PAPER = "2501.00001"
TABLES = {
    *("readers", "saved_papers", "profiles", "feedback", "news_readers", "alerts", "matches"),
    *("button_texts", "subscriptions", "deliveries", "parts"),
}
"""The tables that have the reader's id before it is forgotten."""


@pytest.mark.parametrize("right", [OwnerRight.LEFT, OwnerRight.MISSING])
async def test_a_notice_in_another_channel_names_no_words_and_no_channel_and_nothing_is_left_after_forgetting(
    harness: ClientHarness, right: OwnerRight
) -> None:
    """The owner of a hidden channel's alert has left, or accepts no direct messages, and then everything is forgotten."""
    reader, database = harness.reader, harness.container.database
    hidden, lobby = (harness.guild.create_text_channel(name) for name in ("mods-only", "lobby"))
    async with database.transaction() as connection:
        await accounts.upsert_guilds(connection, {harness.guild.id: {"system_channel_id": lobby.id}})
    await _use_what_is_for_readers(harness)
    await harness.ask("topic", query=f"{WORDS} " * 9)
    await harness.ask("alerts add", keyword=WORDS)
    await harness.set_up_club(channel=harness.channel, day="fri", time="17:00 UTC")
    await harness.press(await harness.ask("paper", paper="2501.00002"), "list-add")
    post = models.Subscription(
        guild_id=harness.guild.id, channel_id=harness.channel.id, created_by=reader.id, at_time="09:00"
    )
    await harness.subscriptions.add(post)
    await harness.add_alert("zebrafinch")
    channel = {"channel_id": hidden.id, "guild_id": harness.guild.id}
    await harness.add_alert("robot", WORDS, **channel)
    await harness.publish("A▲9", summary="a robot and a zebrafinch")
    await _lose_right(harness, right, reader.id)
    [notice] = lobby.history()
    said = shown_text(notice)
    for secret in (WORDS, "robot", str(hidden.id), "mods-only", str(reader.id)):
        assert secret not in f"{said} {notice.components}"
    assert harness.texts("alert-take-over") in str(notice.components)
    before = await reader_rows.find_columns(database, str(reader.id))
    assert {name.partition(".")[0] for name in before} == TABLES
    await Readers(database, harness.container.clock).forget(reader.id)
    assert await reader_rows.find_columns(database, str(reader.id)) == set()
    assert {name.partition(".")[0] for name in await reader_rows.find_columns(database, WORDS)} == set()
