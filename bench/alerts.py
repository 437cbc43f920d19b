"""Benchmark of the alerts for a digest: 100,000 of them, planned while something else uses the event loop and the database."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench import synthetic_archive, vocabulary
from bench.figures import Figure, percentile, show, time_await
from bot.app import runtime
from bot.app.container import Container
from bot.core import logs
from bot.core.settings import Settings
from storage import database as storage_database
from storage import migrate, models, tables
from storage.database import Connection, Database

READERS = 2_000
ALERTS = 50
"""Alerts of each reader."""
PAPERS = 15
LAG_INTERVAL = 0.002


class TimedDatabase(Database):
    """A database that records how long its write transactions take, the wait for the lock excluded."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.engine)
        self.seconds: list[float] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Run a write transaction and record its duration."""
        async with super().transaction() as connection:
            started = time.perf_counter()
            yield connection
        self.seconds.append(time.perf_counter() - started)


class LoopLag:
    """Measures by how many seconds the event loop is late."""

    def __init__(self) -> None:
        self.seconds: list[float] = [0.0]

    @asynccontextmanager
    async def measured(self) -> AsyncIterator[None]:
        """Measure for the duration of the block."""
        task = asyncio.create_task(self._measure())
        try:
            yield
        finally:
            task.cancel()

    async def _measure(self) -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(LAG_INTERVAL)
            self.seconds.append(time.perf_counter() - started - LAG_INTERVAL)


async def measure(folder: Path) -> list[Figure]:
    """Return the figures, measured on a SQLite file in `folder`."""
    database = TimedDatabase(await migrate.open_database(f"sqlite+aiosqlite:///{folder / 'bench.db'}"))
    try:
        return await _measure(database)
    finally:
        await database.close()


async def _measure(database: TimedDatabase) -> list[Figure]:
    (_, first), (day, text) = synthetic_archive.generate(digests=2, papers=2 * PAPERS, authors=70)
    now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    container = Container(Settings(database_url="sqlite+aiosqlite://"), database, lambda: now)
    # The first alert loads the renderer and the analyser's tables, as the bot has at its start.
    await container.create_services().alerts.add(_alert("model", READERS, now))
    await container.create_ingest().add_text(first, location="first")
    await container.alert_planner.drain()
    await _add_alerts(database, now)
    runtime.freeze_gc()
    lag = LoopLag()
    async with lag.measured():
        ingest = await time_await(container.create_ingest().add_text(text, location="bench"))
        database.seconds.clear()
        seconds = await time_await(container.alert_planner.drain())
    async with database.read() as connection:
        recipients = sa.func.count(tables.alert_matches.c.recipient.distinct())
        matched = (await connection.execute(sa.select(recipients))).scalar_one()
    assert matched == READERS, matched
    return [
        show(Figure("ingest of a digest of 15 papers", 1e3 * ingest, "ms", max_value=1000)),
        show(
            Figure(
                f"matching the alerts of {READERS:,} readers with {ALERTS} each", seconds, "s", max_value=60
            )
        ),
        show(Figure("longest write transaction of it", 1e3 * max(database.seconds), "ms", max_value=1000)),
        show(Figure("event loop late, at most", 1e3 * max(lag.seconds), "ms", max_value=50)),
        show(Figure("event loop late, 99 % below", 1e3 * percentile(lag.seconds, 0.99), "ms")),
    ]


async def _add_alerts(database: Database, now: datetime) -> None:
    """Add alerts for terms and subjects of the archive's vocabulary, most of which are in some paper."""
    texts = [*vocabulary.KOREAN_SUBJECTS, *(name for term in vocabulary.TERMS for name in term[:2])]
    texts = list(dict.fromkeys(texts))
    rows: list[tuple[Any, ...]] = []
    for user_id in range(1, READERS + 1):
        for number in range(ALERTS):
            text = texts[(user_id * 7 + number) % len(texts)]
            values = storage_database.record_values(_alert(text, user_id, now))
            values["id"] = len(rows) + 2
            rows.append(tuple(values.values()))
    async with database.transaction() as connection:
        await storage_database.insert_rows(connection, tables.alerts, tuple(values), rows)


def _alert(text: str, user_id: int, now: datetime) -> models.Alert:
    terms = (models.AlertTerm(models.AlertKind.KEYWORD, text),)
    return models.Alert(0, user_id, terms, now - timedelta(days=1), key=text)


def main() -> list[Figure]:
    """Measure in a temporary folder."""
    logs.configure("console:warning")
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
