"""Benchmark of the preview of an alert in an archive of 5,500 papers, and with all of these in the last 30 days."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench import synthetic_archive, vocabulary
from bench.alerts import LoopLag
from bench.figures import Figure, percentile, show, time_await
from bot.alerts.service import Alerts
from bot.app import runtime
from bot.app.container import Container
from bot.core import logs
from bot.core.settings import Settings
from storage import migrate, models
from storage.database import Database

PAPERS = 5_500
DIGESTS = {500: "a month of 330", 30: "a month of 5,500"}
"""Days of the archive, one digest each, and what that means."""


def generate_drafts(now: datetime) -> Iterator[models.Alert]:
    """Yield drafts of 140 rules: words of both languages, authors, institutions, all of two words without a third."""
    texts = [*vocabulary.KOREAN_SUBJECTS, *(name for term in vocabulary.TERMS for name in term[:2])]
    terms = [models.AlertTerm(models.AlertKind.KEYWORD, text) for text in dict.fromkeys(texts)][:100]
    terms += [
        models.AlertTerm(models.AlertKind.AUTHOR, name) for name in ("Ada Lovelace", "김민준", "Wei Li")
    ]
    terms += [models.AlertTerm(models.AlertKind.INSTITUTION, name) for name in ("KAIST", "네이버")]
    yield from (models.Alert(0, 1, (term,), now) for term in terms)
    for first, second in zip(terms[:35], terms[35:70], strict=True):
        yield models.Alert(0, 1, (first, second), now, match_all=True, excluded=("robot",))


async def measure(folder: Path, digests: int) -> list[Figure]:
    """Return the figures for an archive of this number of digests in a SQLite file in `folder`."""
    database = await migrate.open_database(f"sqlite+aiosqlite:///{folder / f'{digests}.db'}")
    try:
        return await _measure(database, digests)
    finally:
        await database.close()


async def _measure(database: Database, digests: int) -> list[Figure]:
    now = datetime.now(UTC)
    ingest = Container(Settings(database_url="sqlite+aiosqlite://"), database, lambda: now).create_ingest()
    for day, text in synthetic_archive.generate(digests=digests, papers=PAPERS, authors=8_000):
        await ingest.add_text(text, location=str(day))
        now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    alerts = Alerts(database, lambda: now)
    drafts = list(generate_drafts(now))
    first = await time_await(alerts.preview(drafts[0]))
    runtime.freeze_gc()
    lag, processor, wall, matches = LoopLag(), [], [], []
    async with lag.measured():
        for draft in drafts:
            started, used = time.perf_counter(), time.process_time()
            matches.append((await alerts.preview(draft)).paper_count)
            wall.append(time.perf_counter() - started)
            processor.append(time.process_time() - used)
    name = f"preview of {len(drafts)} rules, {DIGESTS[digests]} papers,"
    return [
        show(Figure(f"{name} 95 % below", 1e3 * percentile(wall, 0.95), "ms", max_value=100)),
        show(
            Figure(
                f"{name} processor time, 95 % below", 1e3 * percentile(processor, 0.95), "ms", max_value=100
            )
        ),
        show(Figure(f"{name} median", 1e3 * percentile(wall, 0.5), "ms")),
        show(Figure(f"{name} the first after the start", 1e3 * first, "ms")),
        show(Figure(f"{name} matches, 95 % below", percentile(matches, 0.95), "papers")),
        show(Figure("event loop late, at most", 1e3 * max(lag.seconds), "ms", max_value=50)),
    ]


def main() -> list[Figure]:
    """Measure in a temporary folder."""
    logs.configure("console:warning")
    with tempfile.TemporaryDirectory() as folder:
        return [figure for digests in DIGESTS for figure in asyncio.run(measure(Path(folder), digests))]


if __name__ == "__main__":
    main()
