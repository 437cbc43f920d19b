"""Benchmark of many readers at once: answers, the event loop's lag, and a delivery's transaction meanwhile.

The bot runs in this process, connected to the fake Discord in another one. `--keep FOLDER` keeps the archive.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from bench import synthetic_archive
from bench.figures import Figure, median, percentile, show
from bot.app import runtime
from bot.app.container import Container
from bot.core import logs
from bot.core.clock import system_clock
from bot.core.settings import Settings
from bot.search.glossary import GlossaryService
from storage import migrate, outbox, papers
from storage.database import Database
from tests.fake_discord import process

PAPERS, AUTHORS, DIGESTS = 5_700, 20_000, 190
READERS = 100
PER_MINUTE, MEASURED_SECONDS = 1_000, 20.0
TOPICS = (
    "language model",
    "강화 학습",
    "diffusion model",
    "지식 증류",
    "model",
    "mixture of experts",
    "모델",
)
IDLE_SECONDS = 2.0
LAG_INTERVAL, TRANSACTION_INTERVAL = 0.005, 0.02


class Probe:
    """Measures the event loop's lag and a delivery's transactions until it is closed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.lags: list[float] = []
        self.own: list[float] = []
        self.transactions: list[float] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Measure until the end of the block."""
        self.lags, self.own, self.transactions = [], [], []
        tasks = [asyncio.create_task(self._measure_lag()), asyncio.create_task(self._measure_transactions())]
        try:
            yield
            while not (self.lags and self.transactions):  # noqa: ASYNC110 - at least one of each
                await asyncio.sleep(LAG_INTERVAL)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _measure_lag(self) -> None:
        while True:
            started, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(LAG_INTERVAL)
            self.lags.append(1e3 * (time.perf_counter() - started - LAG_INTERVAL))
            self.own.append(1e3 * (time.thread_time() - cpu))

    async def _measure_transactions(self) -> None:
        while True:
            started = time.perf_counter()
            async with self._database.transaction() as connection:
                await outbox.mark_sending(connection, [-1], system_clock())
            self.transactions.append(1e3 * (time.perf_counter() - started))
            await asyncio.sleep(TRANSACTION_INTERVAL)

    def show(self, about: str, *, max_lag: float | None = 50, max_transaction: float | None = 100) -> None:
        """Print the figures of the last block."""
        show(Figure(f"{about}: loop lag, p99", percentile(self.lags, 0.99), "ms"))
        show(Figure(f"{about}: loop lag, worst", max(self.lags), "ms", max_value=max_lag))
        # The rest of a lag is that other threads and other programs have the processor.
        show(Figure(f"{about}: the loop's own work in a lag, p99", percentile(self.own, 0.99), "ms"))
        show(Figure(f"{about}: the loop's own work in a lag, worst", max(self.own), "ms", max_value=max_lag))
        for share in (0.5, 0.95, 1.0):
            limit = max_transaction if share == 0.95 else None
            value = percentile(self.transactions, share)
            show(Figure(f"{about}: a delivery transaction, p{100 * share:.0f}", value, "ms", max_value=limit))


async def measure(folder: Path) -> None:
    """Measure and print all figures."""
    url = f"sqlite+aiosqlite:///{folder / 'readers.db'}"
    async with process.FakeDiscord(validate=False) as fake:
        await fake.add_guild()
        [channel] = await fake.add_channels(1)
        os.environ.update(fake.environment())
        database = await migrate.open_database(url)
        container = Container(Settings(database_url=url), database)
        await fill(container)
        bot = asyncio.create_task(runtime.run(container))
        try:
            await fake.wait_until_connected()
            await _measure_first(fake, channel, Probe(database))
            await _measure_readers(fake, channel, Probe(database))
            await _measure_minute(fake, channel, Probe(database))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await bot
            await database.close()


async def fill(container: Container) -> None:
    """Fill the archive unless it has papers."""
    async with container.database.read() as connection:
        if (await papers.get_extent(connection, until_on=date.max)).paper_count:
            return
    ingest = container.create_ingest()
    for day, text in synthetic_archive.generate(digests=DIGESTS, papers=PAPERS, authors=AUTHORS):
        await ingest.add_text(text, location=str(day))
    await GlossaryService(container.database).rebuild()


async def _measure_first(fake: process.FakeDiscord, channel: int, probe: Probe) -> None:
    """Print the figures of single look-ups: the first one, which loads the glossary, and each kind when warm.

    The first lines are those of an idle loop: on a machine that does other work, this much of the others is not ours.
    """
    async with probe.running():
        await asyncio.sleep(IDLE_SECONDS)
    show(Figure("idle: loop lag, worst", max(probe.lags), "ms"))
    show(Figure("idle: a delivery transaction, p95", percentile(probe.transactions, 0.95), "ms"))
    for number, (about, data) in enumerate((("the first look-up", _topic("강화 학습")), *_kinds())):
        async with probe.running():
            records = [await _ask(fake, channel, data, 1 + number) for _ in range(3 if number else 1)]
        milliseconds = median([record["answered_milliseconds"] or -1 for record in records])
        show(Figure(f"{about}: to its answer", milliseconds, "ms"))
        probe.show(about)


def _kinds() -> list[tuple[str, dict[str, Any]]]:
    return [
        ("/top topic: once", _top("model")),
        ("/topic once", _topic("model")),
        ("/trends once", _command("trends", topic="model")),
        ("/trends", _command("trends")),
        ("/paper <title> once", _command("paper", paper="language models")),
        ("/author once", _command("author", name="Kim")),
    ]


async def _measure_readers(fake: process.FakeDiscord, channel: int, probe: Probe) -> None:
    """Print the figures of a hundred readers who ask at the same moment."""
    async with probe.running():
        records = await asyncio.gather(
            *(_ask(fake, channel, _question(number), 1_000 + number) for number in range(READERS))
        )
    _show_answers(f"{READERS} readers", records)
    probe.show(f"{READERS} readers")


async def _measure_minute(fake: process.FakeDiscord, channel: int, probe: Probe) -> None:
    """Print the figures of a third of a minute with a thousand interactions."""
    count = int(PER_MINUTE * MEASURED_SECONDS / 60)

    async def ask(number: int) -> dict[str, Any]:
        await asyncio.sleep(number * 60.0 / PER_MINUTE)
        return await _ask(fake, channel, _question(number), 2_000 + number % (PER_MINUTE // 4))

    async with probe.running():
        records = await asyncio.gather(*(ask(number) for number in range(count)))
    _show_answers(f"{PER_MINUTE:,} in a minute", records)
    probe.show(f"{PER_MINUTE:,} in a minute")


def _show_answers(about: str, records: Sequence[dict[str, Any]]) -> None:
    unanswered = [record for record in records if record["answered_milliseconds"] is None]
    times = [record["answered_milliseconds"] for record in records if record["answered_milliseconds"]]
    busy = sum("busy" in str(record["replies"]) for record in records)
    callbacks = [record["milliseconds"] for record in records if record["milliseconds"]]
    show(Figure(f"{about}: unanswered", len(unanswered), "", max_value=0))
    show(Figure(f"{about}: told busy", busy, ""))
    show(Figure(f"{about}: slowest acknowledgement", max(callbacks), "ms", max_value=3000))
    show(Figure(f"{about}: answer, median", median(times), "ms"))
    show(Figure(f"{about}: slowest answer", max(times), "ms", max_value=3000))


async def _ask(fake: process.FakeDiscord, channel: int, data: dict[str, Any], user_id: int) -> dict[str, Any]:
    return await fake.interact(channel, data, user_id=user_id, answer=True, wait=60)


def _question(number: int) -> dict[str, Any]:
    """Return a question: /top topic:, /topic, and what a mention of the bot is answered with."""
    topic = TOPICS[number % len(TOPICS)]
    kinds = (_top(topic), _topic(topic), _command("paper", paper=f"{topic} for scale"))
    return kinds[number % len(kinds)]


def _topic(query: str) -> dict[str, Any]:
    return _command("topic", query=query)


def _top(topic: str) -> dict[str, Any]:
    return _command("top", topic=topic, period="a")


def _command(name: str, /, **options: str) -> dict[str, Any]:
    values = [{"name": key, "type": 3, "value": value} for key, value in options.items()]
    return {"id": "1", "name": name, "type": 1, "options": values}


def main() -> None:
    """Measure in a temporary folder unless one is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    logs.configure("console:error")
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(measure(folder))


if __name__ == "__main__":
    main()
