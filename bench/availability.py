"""Benchmark of the take-over on PostgreSQL: a standby after kills and a freeze of the sender, and with 100,000 subscriptions."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from bench.figures import Figure, median, show
from bot.app.container import Container
from bot.core.settings import Settings
from bot.daily import planner
from bot.search.service import SearchService
from storage import daily, key_values, models
from tests.fake_discord import process
from tests.support import fault_harness, postgres_server, relay_harness
from tests.support.fault_harness import FaultHarness
from tests.support.fork_server import ForkedProcess

CHANNELS, KILLS = 1000, 10
FROZEN_CHANNELS, FREEZE_SECONDS = 200, 60.0
SUBSCRIPTIONS = 100_000
TIMEOUT_SECONDS = 600.0
READER = 9_000_000


async def _start(harness: FaultHarness) -> ForkedProcess:
    """Start a bot and wait until it has logged in."""
    count = len(await harness.fake.log("GET", "/users/@me"))
    bot = harness.start_bot()

    async def has_logged_in() -> bool:
        return len(await harness.fake.log("GET", "/users/@me")) > count

    await harness.wait_until(has_logged_in)
    return bot


async def _answer(harness: FaultHarness, channel_id: int, since: float) -> float:
    """Return the seconds from a moment until a command is answered."""
    data = {"id": "1", "name": "help", "type": 1, "options": []}
    while True:
        user_id = READER + random.randrange(10**6)
        record: dict[str, Any] = await harness.fake.interact(channel_id, data, user_id=user_id, wait=0.5)
        if record["milliseconds"] is not None:
            return time.monotonic() - since


async def _post(harness: FaultHarness, since: float) -> float:
    """Return the seconds from a moment until another message is in Discord."""
    count = await harness.count_sent_messages()
    while await harness.count_sent_messages() <= count:  # noqa: ASYNC110 - another process sends
        await asyncio.sleep(0.02)
    return time.monotonic() - since


async def _measure_kills(harness: FaultHarness) -> list[Figure]:
    channels = await harness.fake.add_channels(CHANNELS)
    bots = [await _start(harness), await _start(harness)]
    await harness.fake.wait_until_connected()
    answers, posts = [], []
    for number in range(KILLS):
        await _plan(harness, channels, number)
        await _post(harness, 0.0)
        await asyncio.sleep(random.uniform(0.5, 2.0))
        killed_at = time.monotonic()
        bots[0].send_signal(signal.SIGKILL)
        bots[0].wait()
        answered = asyncio.create_task(_answer(harness, channels[0], killed_at))
        posts.append(await _post(harness, killed_at))
        answers.append(await answered)
        bots = [bots[1], await _start(harness)]
    await harness.wait_until(lambda: _are_all_sent(harness), 300)
    lost, doubled = await _count_faults(harness, channels, KILLS)
    return [
        show(Figure("killed: until a standby answers, median", median(answers), "s", max_value=3)),
        show(Figure("killed: until a standby posts, median", median(posts), "s", max_value=5)),
        show(Figure("killed: posts lost", lost, "", max_value=0)),
        show(Figure("killed: posts doubled", doubled, "", max_value=0)),
    ]


async def _plan(harness: FaultHarness, channels: list[int], number: int) -> None:
    now = harness.now()
    await harness.add_deliveries(
        *(relay_harness.new_delivery(f"{number}-{channel}", channel, now) for channel in channels)
    )


async def _are_all_sent(harness: FaultHarness) -> bool:
    return set(await harness.count_states()) == {"sent"}


async def _count_faults(harness: FaultHarness, channels: list[int], rounds: int) -> tuple[int, int]:
    """Return how many posts are missing and how many are there twice."""
    messages = await harness.fake.all_messages()
    texts = Counter(text for found in messages.values() for text in relay_harness.message_texts(found))
    expected = {f"{number}-{channel} 0" for number in range(rounds) for channel in channels}
    return len(expected - texts.keys()), sum(texts.values()) - len(texts)


async def _read_term(harness: FaultHarness) -> str | None:
    async with harness.db.read() as connection:
        return await key_values.get(connection, key_values.SENDER_TERM)


async def _measure_freeze(harness: FaultHarness) -> list[Figure]:
    channels = await harness.fake.add_channels(FROZEN_CHANNELS)
    frozen, _ = await _start(harness), await _start(harness)
    await harness.fake.wait_until_connected()
    await _plan(harness, channels, 0)
    await _post(harness, 0.0)
    term, started = await _read_term(harness), time.monotonic()
    frozen.send_signal(signal.SIGSTOP)
    while await _read_term(harness) == term:  # noqa: ASYNC110 - another process begins it
        await asyncio.sleep(0.1)
    seconds = time.monotonic() - started
    await asyncio.sleep(max(0.0, FREEZE_SECONDS - seconds))
    await _plan(harness, channels, 1)
    frozen.send_signal(signal.SIGCONT)
    await harness.wait_until(lambda: _are_all_sent(harness), 300)
    lost, doubled = await _count_faults(harness, channels, 2)
    return [
        show(Figure("frozen: until the new term", seconds, "s", max_value=25)),
        show(Figure("frozen: posts lost", lost, "", max_value=0)),
        show(Figure("frozen: posts doubled", doubled, "", max_value=0)),
    ]


async def _watch_turns(turns: list[float]) -> None:
    """Add the CPU seconds of each turn of the event loop, which other processes of the machine do not make longer."""
    while True:
        started = time.thread_time()
        await asyncio.sleep(0)
        turns.append(time.thread_time() - started)


async def _measure_take_over(harness: FaultHarness) -> list[Figure]:
    core = Container(Settings(database_url=harness.database_url), harness.db, harness.now)
    await core.create_services().subscriptions.add(
        models.Subscription(guild_id=1, channel_id=1, timezone="Asia/Seoul")
    )
    async with harness.db.transaction() as connection:
        columns = "guild_id, channel_id"
        names = await connection.scalar(
            sa.text(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
                " WHERE table_name = 'subscriptions' AND column_name NOT IN ('id', 'guild_id', 'channel_id')"
            )
        )
        await connection.execute(
            sa.text(
                f"INSERT INTO subscriptions ({columns}, {names}) SELECT n, n, {names}"
                " FROM subscriptions, generate_series(2, :count) AS n"
            ),
            {"count": SUBSCRIPTIONS},
        )
    async with harness.db.read() as connection:
        assert len(await daily.list_rows(connection, after_id=SUBSCRIPTIONS - 10)) == 10
    [channel] = await harness.fake.add_channels(1)
    bots = [await _start(harness), await _start(harness)]
    await harness.fake.wait_until_connected()
    await asyncio.sleep(15.0)
    standby = psutil.Process(bots[1].pid)
    memory, peak = standby.memory_info().rss, 0
    bots[0].send_signal(signal.SIGSTOP)  # so that it cannot send what is planned now
    await harness.add_deliveries(relay_harness.new_delivery("0", channel, harness.now()))
    started = time.monotonic()
    bots[0].send_signal(signal.SIGKILL)
    posted = await _post(harness, started)
    for _ in range(200):
        peak = max(peak, standby.memory_info().rss)
        await asyncio.sleep(0.1)
    figures = [
        show(Figure("100,000 subscriptions: until the first post", posted, "s", max_value=3)),
        show(Figure("100,000 subscriptions: more memory", (peak - memory) / 2**20, "MB", max_value=30)),
    ]
    harness.kill_all()
    search = SearchService(harness.db)
    rescheduling = planner.DailyPlanner(harness.db, core.deliveries, search.match_papers)
    turns, started = [0.0], time.process_time()
    watching = asyncio.create_task(_watch_turns(turns))
    await rescheduling.reschedule(harness.now())
    seconds = time.process_time() - started
    watching.cancel()
    return [
        *figures,
        show(
            Figure("100,000 subscriptions: loop blocked by due times", 1e3 * max(turns), "ms", max_value=50)
        ),
        show(Figure("100,000 subscriptions: CPU of due times", seconds, "s")),
    ]


MEASURES = {"kills": _measure_kills, "freeze": _measure_freeze, "take-over": _measure_take_over}


async def measure(folder: Path, names: list[str]) -> list[Figure]:
    """Run each measure with a database, a fake Discord and bots of its own."""
    figures = []
    for name in names:
        (own := folder / name).mkdir()
        with postgres_server.open_postgres_server() as server:
            async with (
                process.FakeDiscord(validate=False) as fake,
                fault_harness.open_fault_harness(fake, server.url, own) as harness,
            ):
                await fake.add_guild()
                figures += await asyncio.wait_for(MEASURES[name](harness), TIMEOUT_SECONDS)
                if "Traceback" in harness.read_log():
                    sys.stdout.write(harness.read_log()[-3000:])
    return figures


def main() -> list[Figure]:
    """Measure in a temporary folder what is named on the command line, or all."""
    names = [name for name in sys.argv[1:] if name in MEASURES] or list(MEASURES)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder), names))


if __name__ == "__main__":
    main()
