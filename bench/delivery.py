"""Benchmarks of the bot on the fake Discord: memory, latency of a command, and a fan-out to a thousand channels."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import psutil

from bench import synthetic_archive
from bench.figures import Figure, median, show, time_await
from bot.app.container import Container
from bot.core import logs
from bot.core.clock import system_clock
from bot.core.settings import Settings
from bot.search.results import SearchRequest
from storage import migrate, outbox
from storage.database import Database
from tests.fake_discord import process
from tests.support import relay_harness

CHANNELS = 1_000
REQUESTS_PER_SECOND = 50
"""Discord's global rate limit, by which the ideal duration of a fan-out is computed."""

QUERIES = ("small language model", "강화 학습", "diffusion model", "지식 증류", "mixture of experts")
FIRST_READER = 7_000
ROUNDS = 60
SETTLE_SECONDS = 6.0


async def measure(folder: Path) -> list[Figure]:
    """Measure and return the figures."""
    url = f"sqlite+aiosqlite:///{folder / 'bench.db'}"
    database = await migrate.open_database(url)
    try:
        query = await _fill(database)
        async with process.FakeDiscord() as fake:
            await fake.add_guild()
            channels = await fake.add_channels(CHANNELS)
            async with _client(fake, ["-m", "bench.bare_client"], folder, url) as bare:
                bare_memory = await _settled_memory(bare)
                bare_callback, bare_answer = await _measure_command(fake, channels[0])
            async with _client(fake, ["-m", "bot", "run"], folder, url) as bot:
                memory = await _settled_memory(bot)
                callback, answer = await _measure_command(fake, channels[0])
                seconds, busy = await _fan_out(fake, database, channels)
                counts = await fake.counts()
    finally:
        await database.close()
    ideal = CHANNELS / REQUESTS_PER_SECOND
    answer_name = (
        f"/topic to its answer, median (floor: a bare answer, and {query:.1f} ms of the query itself)"
    )
    fan_out_name = f"a post in {CHANNELS:,} channels, from the first to the last"
    return [
        show(Figure("memory of the connected idle bot", memory, "MB", floor=bare_memory, max_ratio=2.5)),
        show(Figure("/topic to its callback, median", callback, "ms", floor=bare_callback, max_ratio=3)),
        show(Figure(answer_name, answer, "ms", floor=bare_answer + query, max_ratio=3)),
        show(Figure(fan_out_name, seconds, "s", floor=ideal, max_ratio=1 / 0.97)),
        show(Figure("answers with 429", counts["too_many"], "", max_value=0)),
        show(Figure("/topic to its answer in the midst of it", busy, "ms", floor=answer, max_ratio=1.2)),
    ]


async def _fill(database: Database) -> float:
    """Fill the archive; return the median milliseconds of a search by itself."""
    container = Container(Settings(database_url="sqlite+aiosqlite://"), database)
    ingest = container.create_ingest()
    for day, text in synthetic_archive.generate(digests=40, papers=800, authors=3_000):
        await ingest.add_text(text, location=str(day))
    search = container.create_services().search
    return 1e3 * median(
        [await time_await(search.search(SearchRequest(query, limit=5))) for query in QUERIES * 8]
    )


def _start(
    arguments: Sequence[str], folder: Path, environment: dict[str, str], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *arguments], cwd=folder, env=environment, stderr=log)


@asynccontextmanager
async def _client(
    fake: process.FakeDiscord, arguments: Sequence[str], folder: Path, url: str
) -> AsyncIterator[psutil.Process]:
    """Run a client in its own process, connected to the Gateway, until the end of the block."""
    settings = {**fake.environment(), "PAPERROUND_DATABASE_URL": url, "PAPERROUND_LOG": "console:warning"}
    environment = {"PATH": "", "PYTHONPATH": str(process.ROOT), **settings}
    with (folder / "client.log").open("ab") as log:
        client = _start(arguments, folder, environment, log)
    try:
        try:
            await fake.wait_until_connected()
        except TimeoutError:
            sys.stderr.write((folder / "client.log").read_text()[-3000:])
            raise
        yield psutil.Process(client.pid)
    finally:
        client.terminate()
        await asyncio.to_thread(client.wait, 15)
        await fake.run_action("drop_gateway", {"forget": True})


async def _settled_memory(client: psutil.Process) -> float:
    await asyncio.sleep(SETTLE_SECONDS)
    return float(client.memory_info().rss) / 1e6


async def _measure_command(
    fake: process.FakeDiscord, channel_id: int, rounds: int = ROUNDS
) -> tuple[float, float]:
    """Return the median milliseconds from an interaction to its callback, and to its answer."""
    callbacks, answers = [], []
    for number in range(rounds):
        # Each time another reader: one alone may look up 12 times in 20 s.
        record = await _send_topic(fake, channel_id, QUERIES[number % len(QUERIES)], FIRST_READER + number)
        if number >= len(QUERIES):  # the first ones warm the caches
            callbacks.append(record["milliseconds"])
            answers.append(record["answered_milliseconds"])
    return median(callbacks), median(answers)


async def _send_topic(fake: process.FakeDiscord, channel_id: int, query: str, user_id: int) -> dict[str, Any]:
    option = {"name": "query", "type": 3, "value": query}
    data = {"id": "1", "name": "topic", "type": 1, "options": [option]}
    record = await fake.interact(channel_id, data, user_id=user_id, answer=True, wait=10)
    assert record["answered_milliseconds"] is not None, "the command was not answered"
    await asyncio.sleep(0.05)
    return record


async def _fan_out(
    fake: process.FakeDiscord, database: Database, channels: Sequence[int]
) -> tuple[float, float]:
    """Return the seconds from the first accepted post to the last, and the median milliseconds of a /topic meanwhile."""
    now = system_clock()
    async with database.transaction() as connection:
        await outbox.add_all(connection, [relay_harness.new_delivery(f"d{c}", c, now) for c in channels])
    path = "/channels/"
    while len(await fake.log("POST", path)) < REQUESTS_PER_SECOND:  # noqa: ASYNC110 - polls another process
        await asyncio.sleep(0.1)
    _, busy = await _measure_command(fake, channels[0])
    async with asyncio.timeout(120):
        while (await fake.counts())["messages"] < len(channels):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    posts = [entry for entry in await fake.log("POST", path) if entry["status"] == 200]
    async with database.read() as connection:
        states = await outbox.count_by_state(connection)
    channel_paths = {entry["path"] for entry in posts}
    assert len(channel_paths) == len(channels), states
    if len(posts) > len(channels):
        sys.stdout.write(f"({len(posts) - len(channels)} attempts were repeated)\n")
    return posts[-1]["at"] - posts[0]["at"], busy


def main() -> list[Figure]:
    """Measure in a temporary folder."""
    logs.configure("console:error")
    with tempfile.TemporaryDirectory() as name:
        return asyncio.run(measure(Path(name)))


if __name__ == "__main__":
    main()
