"""Benchmark of the messages of alerts: 100,000 queued matches, planned while something else uses the event loop."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from bench import alerts as bench_alerts
from bench import synthetic_archive
from bench.figures import Figure, percentile, show, time_await
from bot import logs
from bot.app import runtime
from bot.app.container import Container
from bot.services.alerts import validation
from bot.settings import Settings
from storage import alerts, bulk, migrate, models, tables
from storage.outbox import alert_matches

READERS = 2_000
ALERTS = 5
"""Alerts of each reader."""
PAPERS = 10
"""Papers of the digest, all of which match each alert."""
# A reader follows five of these, in one of 252 ways.
WORDS = ("model", "모델", "learning", "학습", "method", "data", "방법", "논문", "문제", "results")


async def measure(folder: Path) -> list[Figure]:
    """Return the figures, measured on a SQLite file in `folder`."""
    database = bench_alerts.TimedDatabase(
        await migrate.open_database(f"sqlite+aiosqlite:///{folder / 'bench.db'}")
    )
    try:
        return await _measure(database)
    finally:
        await database.close()


async def _measure(database: bench_alerts.TimedDatabase) -> list[Figure]:
    [(day, text)] = synthetic_archive.generate(digests=1, papers=PAPERS, authors=70)
    now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    container = Container(Settings(database_url="sqlite+aiosqlite://"), database, lambda: now)
    await container.create_ingest().add_text(text, location="bench")
    # The first message loads the renderer and the templates, as the bot has at its start.
    await _queue_matches(database, now, range(READERS + 1, READERS + 2))
    warmed = await container.alert_planner.drain()
    queued = await _queue_matches(database, now, range(1, READERS + 1))
    runtime.freeze_gc()
    lag = bench_alerts.LoopLag()
    database.seconds.clear()
    async with lag.measured():
        seconds = await time_await(container.alert_planner.drain())
    async with database.read() as connection:
        counts = [
            (await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()
            for table in (tables.deliveries, tables.alert_matches)
        ]
    assert counts == [READERS + warmed, 0], counts
    name = f"planning the messages of {queued:,} matches, {READERS:,} readers"
    return [
        show(Figure(name, seconds, "s", max_value=10)),
        show(Figure("longest write transaction of it", 1e3 * max(database.seconds), "ms", max_value=1000)),
        show(Figure("event loop late, at most", 1e3 * max(lag.seconds), "ms", max_value=50)),
        show(Figure("event loop late, 99 % below", 1e3 * percentile(lag.seconds, 0.99), "ms")),
    ]


async def _queue_matches(database: bench_alerts.TimedDatabase, now: datetime, readers: range) -> int:
    """Queue a match of each paper with each alert of each reader. Returns their number."""
    drafts = [
        validation.validate(
            models.Alert(0, 1, (models.AlertTerm(models.AlertKind.KEYWORD, word),), now, max_papers=PAPERS)
        )
        for word in WORDS
    ]
    choices = list(itertools.combinations(drafts, ALERTS))
    async with database.transaction() as connection:
        rows = await connection.execute(sa.select(tables.papers.c.id))
        paper_ids = list(rows.scalars())
        values = [
            alerts.column_values(draft) | {"user_id": user_id}
            for user_id, chosen in zip(readers, itertools.cycle(choices), strict=False)
            for draft in chosen
        ]
        for chunk in bulk.chunked(values):
            await connection.execute(tables.alerts.insert(), chunk)
        columns = tables.alerts.c.id, tables.alerts.c.user_id
        query = sa.select(*columns).where(tables.alerts.c.user_id.between(readers[0], readers[-1]))
        owners = await connection.execute(query)
        matches = [
            models.QueuedMatch(f"user:{user_id}", paper_id, alert_id, 5, now - timedelta(minutes=4), now)
            for alert_id, user_id in owners
            for paper_id in paper_ids
        ]
        await alert_matches.add_all(connection, matches)
    return len(matches)


def main() -> list[Figure]:
    """Measure in a temporary folder."""
    logs.configure("console:warning")
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
