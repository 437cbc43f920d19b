"""A venue's day: the known list of a conference gains 400 papers, through the bot's poller to messages in Discord."""

import asyncio
from typing import Any
from urllib.parse import parse_qs

import pytest

from bot.app.workers import Workers
from bot.core import clock
from bot.features.daily.planner import DailyPlanner
from bot.sources import kinds
from storage import models, outbox
from tests.support import origin_server
from tests.support.client_harness import ClientHarness, component_ids, shown_text

MANY, ON_ARXIV, MOSS = 400, 120, 100
"""The papers of the day; of these some are arXiv's, and others about moss."""
FIRST = 10


def build_list(number: int) -> str:
    """Return a list of papers at OpenReview, the first after the known ones of arXiv."""
    lines = ["# Accepted papers", ""]
    for n in range(number):
        title = f"Moss of {n} kinds" if n >= number - MOSS else f"Robots of {n} kinds"
        is_arxiv = FIRST <= n < FIRST + ON_ARXIV
        link = f"arxiv.org/abs/2512.{n:05}" if is_arxiv else f"openreview.net/forum?id=aB3dE{n:05}"
        lines.append(f"- [{title}](https://{link})")
    return "\n".join(lines)


async def count_turns(work: Any) -> int:
    """Return how many turns another task had on the event loop while work went on."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = asyncio.create_task(take_turns())
    await work
    other.cancel()
    return turns


async def poll(workers: Workers) -> None:
    async with workers.open_poller() as poller:
        [report] = await poller.fetch_due()
        assert report.status.value == "ok", report.reason


async def test_no_post_has_it_and_each_alert_is_one_message_that_shows_all(
    online_harness: ClientHarness, origin: origin_server.OriginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each step of long work ends its slice, so that the turns of others are its steps.
    monkeypatch.setattr(clock, "SLICE_SECONDS", 0.0)
    harness, texts = online_harness, online_harness.texts
    workers, url = Workers(harness.container), f"{origin.url}/iclr.md"
    origin.pages["/iclr.md"] = build_list(FIRST)
    registry = kinds.build_source_registry(
        harness.container.database, harness.env.now, harness.container.settings
    )
    await registry.add(url, options={"label": "ICLR 2026", "every": "1"})
    await poll(workers)
    await harness.add_subscription(topic="robots")
    await harness.add_alert('in:"ICLR 2026"')
    await harness.add_alert("moss", user_id=harness.manager.id)
    await harness.env.advance_time(120)
    origin.pages["/iclr.md"] = build_list(FIRST + MANY)
    origin.requests.clear()
    turns = await count_turns(poll(workers))
    assert turns >= MANY, "each paper is a step of its own"

    asked = [
        parse_qs(request.query_string)["id_list"][0].split(",")
        for request in origin.requests
        if request.path == "/api/query"
    ]
    assert all("/" not in name for names in asked for name in names), "only arXiv's papers"
    assert sum(map(len, asked)) <= 300
    turns = await count_turns(workers.alert_planner.drain())
    assert turns >= MANY / 50, "papers are compared by 50"
    for _ in range(3):
        await harness.wait(minutes=5)

    [message] = harness.received()
    total = texts("alert-show-all", count=MANY)
    shown = shown_text(message)
    assert total in shown
    assert texts("alert-first", shown=25) in shown
    listed = await harness.press(message, by=harness.user, label=total)
    assert texts("alert-matched", count=MANY) in shown_text(listed)
    following = next(name for name in component_ids(listed) if name.endswith(":1"))
    turned = await harness.press(listed, by=harness.user, custom_id=following)
    assert texts("alert-matched", count=MANY) in shown_text(turned)
    assert shown_text(turned) != shown_text(listed)
    assert len(harness.manager.user.dm_channel.history()) == 4, "100 papers are messages of 25"

    await harness.env.advance_time(24 * 60 * 60)
    await workers.services.get(DailyPlanner).tick(harness.env.now())
    planned = await harness.container.database.fetch(outbox.list_rows, kind=models.DeliveryKind.DAILY)
    assert [row.papers for row in planned] == [("2501.00004",)], "of the archive alone"
