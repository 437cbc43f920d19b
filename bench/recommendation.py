"""Benchmark of the papers of the day: 10,000 readers and 50 papers scored, and a profile learnt from ten saved papers."""

from __future__ import annotations

import asyncio
import random
import tempfile
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

from bench import synthetic_archive
from bench.alerts import LoopLag
from bench.figures import Figure, median, show, time_await
from bot.app import runtime
from bot.app.container import Container
from bot.core import logs
from bot.core.settings import Settings
from storage import archive, migrate, models, papers, shelf, tables, today
from storage import database as storage_database
from storage.database import Database

READERS = 10_000
WEIGHTS = 200
PAPERS = 50
SAVED = 10
ROUNDS = 5


async def measure(folder: Path) -> list[Figure]:
    """Return the figures, measured on a SQLite file in `folder`."""
    database = await migrate.open_database(f"sqlite+aiosqlite:///{folder / 'bench.db'}")
    try:
        return await _measure(database)
    finally:
        await database.close()


async def _measure(database: Database) -> list[Figure]:
    now = datetime(2026, 1, 5, 9, tzinfo=UTC)
    container = Container(Settings(database_url="sqlite+aiosqlite://"), database, lambda: now)
    for day, text in synthetic_archive.generate(digests=12, papers=12 * PAPERS, authors=200):
        await container.create_ingest().add_text(text, location=str(day))
    service = container.create_services().profiles
    async with database.read() as connection:
        ids = await papers.list_newest_ids(connection, limit=ROUNDS * SAVED)
        (on,) = await archive.list_dates(connection, limit=1)
        vectors = await service.vectors.get_day(connection, on)
    await _add_profiles(database, sorted({term for vector in vectors.values() for term in vector}))
    runtime.freeze_gc()
    lag = LoopLag()
    async with lag.measured():
        async with database.read() as connection:
            scoring = await time_await(service.score(connection, range(1, READERS + 1), vectors))
        learning = []
        for number in range(ROUNDS):
            user_id = READERS + 1 + number
            await service.open(user_id)
            async with database.transaction() as connection:
                own = ids[number * SAVED : (number + 1) * SAVED]
                await shelf.save(connection, user_id, own, now, None)
            learning.append(await time_await(service.open(user_id)))
    name = f"scoring {len(vectors)} papers for {READERS:,} readers with {WEIGHTS} weights each"
    return [
        show(Figure(name, scoring, "s", max_value=10)),
        show(Figure(f"learning from {SAVED} saved papers", 1e3 * median(learning), "ms", max_value=100)),
        show(Figure("event loop late, at most", 1e3 * max(lag.seconds), "ms", max_value=50)),
    ]


async def _add_profiles(database: Database, terms: list[str]) -> None:
    """Add profiles whose terms are skewed as words are; half of them are terms of the day."""
    rng = random.Random(1)
    names = [name for term in terms for name in (term, f"other {term}")]
    rng.shuffle(names)
    shares = list(accumulate(1 / (rank + 20) for rank in range(len(names))))
    async with database.transaction() as connection:
        for user_id in range(1, READERS + 1):
            await today.add(connection, models.Profile(user_id))
            chosen = list(dict.fromkeys(rng.choices(names, cum_weights=shares, k=2 * WEIGHTS)))[:WEIGHTS]
            rows = [(user_id, term, rng.uniform(-1, 1)) for term in chosen]
            await storage_database.insert_rows(
                connection, tables.profile_weights, ("user_id", "term", "weight"), rows
            )


def main() -> list[Figure]:
    """Measure in a temporary folder."""
    logs.configure("console:warning")
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
