"""Benchmark of the messages of alerts: 100,000 queued matches, planned while something else uses the event loop."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench import alerts as bench_alerts
from bench import synthetic_archive
from bench.figures import Figure, percentile, show, time_await
from bot.alerts import service as alerts_service
from bot.app import runtime
from bot.app.container import Container
from bot.core import logs
from bot.core.settings import Settings
from storage import alerts, migrate, models, tables
from storage import database as storage_database

READERS = 2_000
MANY_READERS = 100_000
"""Readers with one alert for any of six of the words, and one paper: a message for each match."""
FLOOR_BATCH = 500
"""Rows per transaction of the floor."""
ALERTS = 5
"""Alerts of each reader."""
PAPERS = 10
"""Papers of the digest, all of which match each alert."""
# A reader follows five of these, in one of 252 ways.
WORDS = ("model", "모델", "learning", "학습", "method", "data", "방법", "논문", "문제", "results")


async def measure(folder: Path) -> list[Figure]:
    """Return the figures, measured on SQLite files in `folder`."""
    words = [(word,) for word in WORDS]
    name = f"{READERS * ALERTS * PAPERS:,} matches, {READERS:,} readers"
    figures = await _measure(folder, name, READERS, list(itertools.combinations(words, ALERTS)), PAPERS)
    any_of_six = [(terms,) for terms in itertools.combinations(WORDS, 6)]
    name = f"{MANY_READERS:,} matches, as many readers"
    return figures + await _measure(folder, name, MANY_READERS, any_of_six, papers=1)


async def _measure(
    folder: Path, name: str, readers: int, choices: Sequence[tuple[tuple[str, ...], ...]], papers: int
) -> list[Figure]:
    """Plan the messages of readers who have the alerts of one of `choices` each, in turn: each of them some terms."""
    file = folder / f"{readers}.db"
    database = bench_alerts.TimedDatabase(await migrate.open_database(f"sqlite+aiosqlite:///{file}"))
    try:
        [(day, text)] = synthetic_archive.generate(digests=1, papers=papers, authors=70)
        now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        container = Container(Settings(database_url="sqlite+aiosqlite://"), database, lambda: now)
        await container.create_ingest().add_text(text, location="bench")
        # The first message loads the renderer and the templates, as the bot has at its start.
        await _queue_matches(database, now, range(readers + 1, readers + 2), choices)
        warmed = await container.alert_planner.drain()
        await _queue_matches(database, now, range(1, readers + 1), choices)
        runtime.freeze_gc()
        lag = bench_alerts.LoopLag()
        database.seconds.clear()
        async with lag.measured():
            started = time.process_time()
            seconds = await time_await(container.alert_planner.drain())
            cpu_seconds = time.process_time() - started
        async with database.read() as connection:
            counts = [
                (await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()
                for table in (tables.deliveries, tables.alert_matches)
            ]
        assert counts == [readers + warmed, 0], counts
    finally:
        await database.close()
    floor, cpu_floor = await _measure_floor(file, folder / f"{readers}.floor.db")
    return [
        show(Figure(f"planning the messages of {name}", seconds, "s", floor, max_value=10)),
        show(Figure("CPU time of it", cpu_seconds, "s", cpu_floor)),
        show(Figure("longest write transaction of it", 1e3 * max(database.seconds), "ms", max_value=150)),
        show(Figure("event loop late, at most", 1e3 * max(lag.seconds), "ms", max_value=50)),
        show(Figure("event loop late, 99 % below", 1e3 * percentile(lag.seconds, 0.99), "ms")),
    ]


async def _measure_floor(source: Path, file: Path) -> tuple[float, float]:
    """Return the seconds, and those of CPU time, in which SQLite stores the same messages from rows in memory."""
    await (await migrate.open_database(f"sqlite+aiosqlite:///{file}")).close()
    rows: dict[sa.Table, list[tuple[Any, ...]]] = {}
    with closing(sqlite3.connect(source)) as connection:
        for table in (tables.deliveries, tables.parts, tables.notified_papers):
            rows[table] = connection.execute(f"SELECT * FROM {table.name}").fetchall()
    with closing(sqlite3.connect(file)) as connection:
        started, started_cpu = time.perf_counter(), time.process_time()
        for table, values in rows.items():
            marks = ",".join("?" * len(values[0]))
            for chunk in storage_database.chunked(values, FLOOR_BATCH):
                connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", chunk)
                connection.commit()
        return time.perf_counter() - started, time.process_time() - started_cpu


async def _queue_matches(
    database: bench_alerts.TimedDatabase,
    now: datetime,
    readers: range,
    choices: Sequence[tuple[tuple[str, ...], ...]],
) -> None:
    """Queue a match of each paper with each alert of each reader."""
    drafts = {terms: _draft(terms, now) for choice in choices for terms in choice}
    async with database.transaction() as connection:
        rows = await connection.execute(sa.select(tables.papers.c.id))
        paper_ids = list(rows.scalars())
        values = [
            alerts.column_values(drafts[terms]) | {"user_id": user_id}
            for user_id, choice in zip(readers, itertools.cycle(choices), strict=False)
            for terms in choice
        ]
        for chunk in storage_database.chunked(values):
            await connection.execute(tables.alerts.insert(), chunk)
        columns = tables.alerts.c.id, tables.alerts.c.user_id
        query = sa.select(*columns).where(tables.alerts.c.user_id.between(readers[0], readers[-1]))
        owners = await connection.execute(query)
        matches = [
            models.QueuedMatch(f"user:{user_id}", paper_id, alert_id, 5, now - timedelta(minutes=4), now)
            for alert_id, user_id in owners
            for paper_id in paper_ids
        ]
        await alerts.add_matches(connection, matches)


def _draft(terms: tuple[str, ...], now: datetime) -> models.Alert:
    keywords = tuple(models.AlertTerm(models.AlertKind.KEYWORD, word) for word in terms)
    return alerts_service.validate_alert(models.Alert(0, 1, keywords, now, max_papers=PAPERS))


def main() -> list[Figure]:
    """Measure in a temporary folder."""
    logs.configure("console:warning")
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
