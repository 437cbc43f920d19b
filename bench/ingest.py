"""Benchmarks of parsing, against a scan of the lines, and of ingesting an archive, against inserting the same rows.

The floor of an ingest is one scan of the lines, and every row that the ingest stored, those of the search index included,
inserted into an empty database of the same schema by `executemany` in one transaction.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from bench import synthetic_archive
from bench.figures import time_call
from bot.archive import digest_writer, parse
from bot.archive import ingest as archive_ingest
from bot.archive.files import TextFile
from bot.core.clock import system_clock
from bot.search import index as search_index
from storage import migrate, search

Rows = dict[str, list[tuple[Any, ...]]]


def measure_parsing(texts: Iterable[str], *, runs: int = 5) -> tuple[float, float]:
    """Return the median seconds of parsing all texts, and of scanning their lines."""
    texts = list(texts)
    return _median(lambda: _parse(texts), runs), _median(lambda: _scan(texts), runs)


def measure_ingest(texts: Iterable[str], *, runs: int = 3) -> tuple[float, float]:
    """Return the median seconds of ingesting all texts into an empty SQLite file, and of the floor."""
    texts = list(texts)
    ours, floors = [], []
    for _ in range(runs):
        files = [TextFile(f"{n:04}.md", text) for n, text in enumerate(texts)]  # the ingest empties them
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "paperround.db"
            ours.append(asyncio.run(_ingest(path, files)))
            scan = time_call(lambda: _scan(texts))
            floors.append(scan + _insert(path, Path(folder) / "floor.db"))
    return statistics.median(ours), statistics.median(floors)


def _parse(texts: list[str]) -> None:
    for text in texts:
        parse.parse_text(text)


def _scan(texts: list[str]) -> Counter[str]:
    """Count the lines of each kind by their beginnings, which every parser has to look at."""
    counts: Counter[str] = Counter()
    for text in texts:
        headings = votes = authors = bullets = pictures = 0
        for line in text.splitlines():
            if line.startswith("#"):
                headings += 1
            elif line.startswith("Vote:"):
                votes += 1
            elif line.startswith("Authors:"):
                authors += 1
            elif line.startswith("- "):
                bullets += 1
            elif line.startswith("!["):
                pictures += 1
        counts.update(headings=headings, votes=votes, authors=authors, bullets=bullets, pictures=pictures)
    return counts


async def _ingest(path: Path, files: list[TextFile], indexer: digest_writer.Indexer | None = None) -> float:
    database = await migrate.open_database(f"sqlite+aiosqlite:///{path}")
    ingest = archive_ingest.IngestService(database, system_clock, indexer or search_index.SearchIndexer())
    started = time.perf_counter()
    async for _ in ingest.add_files(files):
        pass
    seconds = time.perf_counter() - started
    await database.close()
    return seconds


def _insert(path: Path, empty: Path) -> float:
    """Return the seconds of inserting the rows of one database into an empty one of the same schema."""
    asyncio.run(_create(empty))
    with (
        closing(sqlite3.connect(path)) as source,
        closing(sqlite3.connect(empty, isolation_level=None)) as target,
    ):
        rows = _rows(source)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            target.execute(f"PRAGMA {pragma}")
        return time_call(lambda: _write(target, rows))


async def _create(path: Path) -> None:
    await (await migrate.open_database(f"sqlite+aiosqlite:///{path}")).close()


def _rows(source: sqlite3.Connection) -> Rows:
    """Return the rows of every table; for the full-text tables, which store no texts, their tokens."""
    names = [row[1] for row in source.execute("PRAGMA table_list") if row[0] == "main" and row[2] == "table"]
    tables = [name for name in names if not name.startswith("sqlite_") and name != "alembic_version"]
    rows = {f'"{name}"': source.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}
    packed = source.execute("SELECT position, texts FROM indexed_papers").fetchall()
    tokens = [
        (position, *search_index.build_tokens(texts))
        for (position, _), texts in zip(packed, search.unpack_texts(data for _, data in packed), strict=True)
    ]
    rows[f"{search.WORDS_TABLE} (rowid, tokens)"] = [(position, all_) for position, all_, _ in tokens]
    rows[f"{search.TITLES_TABLE} (rowid, tokens)"] = [(position, title) for position, _, title in tokens]
    author_words = source.execute("SELECT position, words FROM indexed_authors").fetchall()
    rows[f"{search.AUTHORS_TABLE} (rowid, tokens)"] = author_words
    return {target: values for target, values in rows.items() if values}


def _write(target: sqlite3.Connection, rows: Rows) -> None:
    target.execute("BEGIN IMMEDIATE")
    target.execute("PRAGMA defer_foreign_keys=ON")
    for table, values in rows.items():
        marks = ",".join("?" * len(values[0]))
        target.executemany(f"INSERT INTO {table} VALUES ({marks})", values)
    target.execute("COMMIT")


def _median(work: Callable[[], object], runs: int) -> float:
    return statistics.median(time_call(work) for _ in range(runs))


def main() -> None:
    """Print both ratios."""
    texts = [text for _, text in synthetic_archive.generate()]
    size = sum(len(text.encode()) for text in texts) / 1e6
    parsing, scan = measure_parsing(texts)
    print(
        f"parsing {size:.1f} MB: {parsing:.3f} s, scan {scan:.3f} s, ratio {parsing / scan:.1f} (at most 4)"
    )
    ours, floor = measure_ingest(texts)
    print(f"ingest: {ours:.2f} s, floor {floor:.2f} s, ratio {ours / floor:.1f} (at most 3)")


if __name__ == "__main__":
    main()
