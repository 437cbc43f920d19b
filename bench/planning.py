"""Benchmarks of the daily planner: ten thousand due subscriptions, and a tick with none of them due."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from bench import synthetic_archive
from bench.figures import Figure, median, show, time_await
from bot.app import runtime
from bot.app.container import Container
from bot.core import logs
from bot.core.clock import parse_zone
from bot.core.settings import Settings
from bot.daily.planner import DailyPlanner
from bot.daily.schedule import parse_time, wall_clock_to_utc
from bot.search.service import SearchService
from storage import daily, migrate, models
from storage.database import Database

CHANNELS = 10_000
TICKS = 50


async def measure(folder: Path) -> list[Figure]:
    """Return the figures, measured on a SQLite file in `folder`."""
    database = await migrate.open_database(f"sqlite+aiosqlite:///{folder / 'bench.db'}")
    try:
        return await _measure(database)
    finally:
        await database.close()


async def _measure(database: Database) -> list[Figure]:
    day, text = next(iter(synthetic_archive.generate(digests=1, papers=15, authors=70)))
    now = wall_clock_to_utc(day, parse_time("09:00"), parse_zone("Asia/Seoul"))
    core = Container(Settings(database_url="sqlite+aiosqlite://"), database, lambda: now - timedelta(hours=5))
    await core.create_ingest().add_text(text, location="bench")
    await _subscribe(database, core, now, day)
    runtime.freeze_gc()
    planner = DailyPlanner(database, core.deliveries, SearchService(database).match_papers)
    idle = [await time_await(planner.tick(now - timedelta(minutes=1))) for _ in range(TICKS)]
    seconds = await time_await(planner.tick(now))
    return [
        show(
            Figure(
                f"a tick with nothing due among {CHANNELS:,} subscriptions, median",
                1e3 * median(idle),
                "ms",
                max_value=5,
            )
        ),
        show(Figure(f"planning {CHANNELS:,} due subscriptions", seconds, "s", max_value=2)),
    ]


async def _subscribe(database: Database, core: Container, now: datetime, day: date) -> None:
    first = await core.create_services().subscriptions.add(
        models.Subscription(guild_id=1, channel_id=1, timezone="Asia/Seoul")
    )
    async with database.transaction() as connection:
        for channel_id in range(2, CHANNELS + 1):
            await daily.add(connection, replace(first, guild_id=channel_id, channel_id=channel_id))
        rows = await daily.list_rows(connection, state=models.ActivityState.ACTIVE)
        await daily.set_schedules(
            connection, [replace(row, next_due_at=now, due_on=day, last_digest_on=None) for row in rows]
        )


def main() -> list[Figure]:
    """Measure in a temporary folder."""
    logs.configure("console:warning")
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
